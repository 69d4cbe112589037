"""A light client's end of a WebSocket: bytes in, bytes out, no socket. What it says is its subclass's.

It speaks WebSocket on its own, without `tickws.protocol`: cheap masking, and a reader that goes from header to header.
A fault of tickws cannot hide by being at both ends.
"""

from __future__ import annotations

__all__ = ["BINARY", "MASK", "Peer", "masked", "split_frames"]

KEY, ANSWER = "dGhlIHNhbXBsZSBub25jZQ==", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
"""RFC 6455 section 1.3's own example."""
MASK = b"\x5a\xc3\x0f\x96"
BINARY, CLOSE, PING, PONG = 0x82, 0x88, 0x89, 0x8A
"""First bytes of whole frames (section 5.2)."""
ABNORMAL, NO_STATUS = 1006, 1005

_MASKS = [int.from_bytes((MASK * 32)[:size], "big") for size in range(126)]


class Peer:
    """A client's end. Whoever has the socket calls `receive` with what came, and sends what is in `out`.

    Args:
        target: of the request.
        host: its Host.
        subprotocol: offered, if any.
    """

    __slots__ = ("_held", "close_code", "fault", "open", "out")

    def __init__(self, target: str, host: str, subprotocol: str = "") -> None:
        offer = f"Sec-WebSocket-Protocol: {subprotocol}\r\n" if subprotocol else ""
        self.out = (
            f"GET {target} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n{offer}\r\n"
        ).encode()
        self.open = False
        """The handshake is over."""
        self.close_code: int | None = None
        self.fault = ""
        """What the server sent that it must not; empty for nothing."""
        self._held = b""  # an unfinished head or frame

    @property
    def ready(self) -> bool:
        """Whether it can take its turns."""
        return self.open

    def play(self) -> None:
        """It is this one's turn to say something."""
        raise NotImplementedError

    def opened(self) -> None:
        """The handshake is over."""

    def heard(self, payload: bytes) -> None:
        """The server has sent a binary message. Raises ValueError where it must not have."""
        raise NotImplementedError

    def say(self, payload: bytes) -> None:
        """Send a binary message of at most 125 bytes."""
        self.out += masked(BINARY, payload)

    def receive(self, data: bytes) -> None:
        """Take what the server sent."""
        if self.fault:
            return
        self._held += data
        try:
            if not self.open and not self._take_answer():
                return
            frames, self._held = split_frames(self._held)
            for first, payload in frames:
                self._take(first, payload)
        except ValueError as error:
            self.fault = str(error)

    def _take_answer(self) -> bool:
        """The HTTP answer; False where it is not here yet."""
        head, blank, rest = self._held.partition(b"\r\n\r\n")
        if not blank:
            return False
        if not head.startswith(b"HTTP/1.1 101 ") or ANSWER not in head:
            raise ValueError(f"no WebSocket: {head.splitlines()[0]!r}")
        self._held = rest
        self.open = True
        self.opened()
        return True

    def _take(self, first: int, payload: bytes) -> None:
        if self.close_code is not None:
            raise ValueError(f"a frame behind the Close: {first:#x}")
        if first == BINARY:
            self.heard(payload)
        elif first == PING:
            self.out += masked(PONG, payload)
        elif first == CLOSE:
            self.close_code = int.from_bytes(payload[:2], "big") if payload else NO_STATUS
            self.out += masked(CLOSE, payload[:2])
        elif first != PONG:
            raise ValueError(f"a frame that nobody asked for: {first:#x}")

    def ended(self, *, over: bool) -> int | None:
        """The server's close code; 1006 where the connection is over without a Close; None: it still stands."""
        return ABNORMAL if over and self.close_code is None else self.close_code


def masked(first: int, payload: bytes) -> bytes:
    """A client's frame of at most 125 bytes (section 5.3)."""
    size = len(payload)
    mixed = (int.from_bytes(payload, "big") ^ _MASKS[size]).to_bytes(size, "big")
    return bytes((first, 0x80 | size)) + MASK + mixed


def split_frames(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """The whole frames of a server's bytes, each as its first byte and its payload; and what is behind the last.

    Raises:
        ValueError: a frame is masked.
    """
    frames = []
    start = 0
    while len(data) - start >= 2:
        length, at = data[start + 1], start + 2
        if length > 127:
            raise ValueError("a masked frame")
        if length >= 126:
            at += 2 if length == 126 else 8
            if len(data) < at:
                break
            length = int.from_bytes(data[start + 2 : at], "big")
        if len(data) < at + length:
            break
        frames.append((data[start], data[at : at + length]))
        start = at + length
    return frames, data[start:]
