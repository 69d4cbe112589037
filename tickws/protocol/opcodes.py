"""Opcodes (RFC 6455 section 5.2) and close codes (section 7.4), with who may put them on the wire."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["CloseCode", "Opcode", "check_close", "cut_reason", "is_wire_close_code"]


class Opcode(IntEnum):
    """What a frame is (RFC 6455 section 5.2); 3 to 7 and 11 to 15 are reserved."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA

    def iscontrol(self) -> bool:
        """Whether this is a control frame (section 5.5): at most 125 bytes, never fragmented."""
        return self >= Opcode.CLOSE


class CloseCode(IntEnum):
    """Why a connection ended (RFC 6455 section 7.4.1 and the IANA registry)."""

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    NO_STATUS = 1005
    """The peer's Close carried no code. Never on the wire."""
    ABNORMAL = 1006
    """No closing handshake: TCP failed, or the peer no longer read. Never on the wire."""
    INVALID_PAYLOAD = 1007
    POLICY_VIOLATION = 1008
    MESSAGE_TOO_BIG = 1009
    MANDATORY_EXTENSION = 1010
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013
    BAD_GATEWAY = 1014
    TLS_HANDSHAKE = 1015
    """Never on the wire."""


_NEVER_SENT = frozenset({CloseCode.NO_STATUS, CloseCode.ABNORMAL, CloseCode.TLS_HANDSHAKE})
_REGISTERED = frozenset(CloseCode) - _NEVER_SENT

REASON_BYTES = 123
"""The most bytes of UTF-8 that fit into a Close frame beside its code (section 5.5)."""


def is_wire_close_code(code: int) -> bool:
    """Whether `code` may stand in a Close frame: a registered one, or 3000 to 4999 (section 7.4.2)."""
    return code in _REGISTERED or 3000 <= code <= 4999


def cut_reason(reason: str) -> str:
    """As much of a reason as fits into a Close frame, in whole characters, with an ellipsis where it was cut."""
    data = reason.encode()
    if len(data) <= REASON_BYTES:
        return reason
    return data[: REASON_BYTES - len("…".encode())].decode(errors="ignore") + "…"


def check_close(code: int, reason: str) -> bytes:
    """The payload of a Close frame with this `code` and `reason`.

    Raises:
        TypeError: `code` is no whole number, or `reason` no text.
        ValueError: `code` may not be sent, or `reason` is longer than 123 bytes of UTF-8.
    """
    if not isinstance(code, int) or not isinstance(reason, str):
        raise TypeError(f"close takes a code and a reason, as close(4000, 'kicked'), not ({code!r}, {reason!r})")
    if not is_wire_close_code(code):
        raise ValueError(f"close code {code!r} may not be sent (RFC 6455 section 7.4): take 1000 or 3000 to 4999")
    data = reason.encode()
    if len(data) > REASON_BYTES:
        raise ValueError(f"close reason of {len(data)} bytes: at most {REASON_BYTES} fit into a Close frame")
    return int(code).to_bytes(2, "big") + data
