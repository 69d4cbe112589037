"""Opcodes and close codes: every number there is, and who may send it (RFC 6455 sections 5.2 and 7.4)."""

from typing import Any

import pytest

from tests.protocol.helpers import close_payload
from tickws.protocol.opcodes import CloseCode, Opcode, check_close, cut_reason, is_wire_close_code

OPCODES = {
    "CONTINUATION": (0x0, False),
    "TEXT": (0x1, False),
    "BINARY": (0x2, False),
    "CLOSE": (0x8, True),
    "PING": (0x9, True),
    "PONG": (0xA, True),
}
"""Section 5.2: name -> its number, and whether it is a control frame."""

CLOSE_CODES = {
    "NORMAL": (1000, True),
    "GOING_AWAY": (1001, True),
    "PROTOCOL_ERROR": (1002, True),
    "UNSUPPORTED_DATA": (1003, True),
    "NO_STATUS": (1005, False),
    "ABNORMAL": (1006, False),
    "INVALID_PAYLOAD": (1007, True),
    "POLICY_VIOLATION": (1008, True),
    "MESSAGE_TOO_BIG": (1009, True),
    "MANDATORY_EXTENSION": (1010, True),
    "INTERNAL_ERROR": (1011, True),
    "SERVICE_RESTART": (1012, True),
    "TRY_AGAIN_LATER": (1013, True),
    "BAD_GATEWAY": (1014, True),
    "TLS_HANDSHAKE": (1015, False),
}
"""Section 7.4.1 and the IANA registry: name -> its number, and whether it may stand in a frame."""


def test_opcodes_are_those_of_the_rfc() -> None:
    assert {opcode.name: (int(opcode), opcode.iscontrol()) for opcode in Opcode} == OPCODES


def test_close_codes_are_the_registered_ones() -> None:
    assert {code.name: (int(code), is_wire_close_code(code)) for code in CloseCode} == CLOSE_CODES


def test_every_close_code_there_is() -> None:
    """Section 7.4.2: 0-999 never, 1000-2999 by registration only, 3000-4999 free, the rest undefined."""
    allowed = {code for code, on_wire in CLOSE_CODES.values() if on_wire} | set(range(3000, 5000))
    assert {code for code in range(-1, 65537) if is_wire_close_code(code)} == allowed


@pytest.mark.parametrize("code", [1000, 1014, 3000, 4999, CloseCode.GOING_AWAY])
@pytest.mark.parametrize("reason", ["", "bye", "ü" * 61, "x" * 123, "x" * 120 + "€"])
def test_close_payload(code: int, reason: str) -> None:
    assert check_close(code, reason) == close_payload(code, reason.encode())


@pytest.mark.parametrize("code", [-1, 0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65536])
def test_refuses_codes_that_may_not_be_sent(code: int) -> None:
    with pytest.raises(ValueError, match=rf"close code {code} may not be sent"):
        check_close(code, "")


@pytest.mark.parametrize(("reason", "size"), [("x" * 124, 124), ("x" * 125, 125), ("ü" * 62, 124), ("€" * 42, 126)])
def test_refuses_long_reasons_by_their_bytes(reason: str, size: int) -> None:
    with pytest.raises(ValueError, match=f"close reason of {size} bytes: at most 123 fit"):
        check_close(1000, reason)


def test_refuses_a_reason_that_is_no_unicode() -> None:
    with pytest.raises(ValueError, match="surrogates not allowed"):
        check_close(1000, "\ud800")


@pytest.mark.parametrize(
    ("reason", "cut"),
    [
        ("", ""),
        ("x" * 123, "x" * 123),
        ("x" * 124, "x" * 120 + "…"),
        ("ä" * 61 + "x", "ä" * 61 + "x"),
        ("ä" * 62, "ä" * 60 + "…"),
        ("💥" * 31, "💥" * 30 + "…"),
        ("x" + "💥" * 31, "x" + "💥" * 29 + "…"),
    ],
)
def test_a_reason_is_cut_to_whole_characters(reason: str, cut: str) -> None:
    assert cut_reason(reason) == cut
    check_close(CloseCode.NORMAL, cut)


@pytest.mark.parametrize(
    ("code", "reason"), [("4000", ""), (4000.0, ""), (None, ""), ("kicked", 4000), (4000, b"kicked")]
)
def test_a_close_is_a_number_and_a_text(code: Any, reason: Any) -> None:
    with pytest.raises(TypeError, match="takes a code and a reason"):
        check_close(code, reason)
