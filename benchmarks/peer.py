"""A light client's end of a WebSocket: bytes in, bytes out, no socket. What it says is its subclass's.

It speaks WebSocket on its own, without `tickws.protocol`: cheap masking, and a reader that goes from header to header.
A fault of tickws cannot hide by being at both ends.
"""

from __future__ import annotations

from benchmarks.packing import Packing

__all__ = ["BINARY", "MASK", "Peer", "masked", "split_frames"]

KEY, ANSWER = "dGhlIHNhbXBsZSBub25jZQ==", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
"""RFC 6455 section 1.3's own example."""
MASK = b"\x5a\xc3\x0f\x96"
BINARY, CLOSE, PING, PONG = 0x82, 0x88, 0x89, 0x8A
"""First bytes of whole frames (section 5.2)."""
PACKED = 0xC2
"""That of a binary message which is compressed: with RSV1 (RFC 7692 section 6)."""
ABNORMAL, NO_STATUS = 1006, 1005

_MASKS = [int.from_bytes((MASK * 32)[:size], "big") for size in range(126)]


class Peer:
    """A client's end. Whoever has the socket calls `receive` with what came, and sends what is in `out`.

    Args:
        target: of the request.
        host: its Host.
        subprotocol: offered, if any.
        extension: likewise; `packing.OFFER`, or nothing.
    """

    __slots__ = ("_extension", "_held", "close_code", "fault", "open", "out", "packing")

    def __init__(self, target: str, host: str, subprotocol: str = "", extension: str = "") -> None:
        offer = f"Sec-WebSocket-Protocol: {subprotocol}\r\n" if subprotocol else ""
        if extension:
            offer += f"Sec-WebSocket-Extensions: {extension}\r\n"
        self._extension = extension
        self.packing: Packing | None = None
        """Compresses what is said, where that was agreed."""
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
        """Send a binary message; its frame's payload is below 64 KiB."""
        self.out += self.frame(payload)

    def frame(self, payload: bytes) -> bytes:
        """The frame of the next message that it says."""
        packing = self.packing
        return masked(BINARY, payload) if packing is None else masked(PACKED, packing.pack(payload))

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
        for line in head.decode().splitlines():
            name, _, value = line.partition(":")
            if name.lower() == "sec-websocket-extensions":
                if not self._extension:
                    raise ValueError("an extension that nobody offered")
                self.packing = Packing(value)
        self._held = rest
        self.open = True
        self.opened()
        return True

    def _take(self, first: int, payload: bytes) -> None:
        if self.close_code is not None:
            raise ValueError(f"a frame behind the Close: {first:#x}")
        if first == BINARY:
            self.heard(payload)
        elif first == PACKED and self.packing is not None:
            self.heard(self.packing.unpack(payload))
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
    """A client's frame of less than 64 KiB (section 5.3)."""
    size = len(payload)
    if size > 125:
        mask = int.from_bytes((MASK * (size // 4 + 1))[:size], "big")
        mixed = (int.from_bytes(payload, "big") ^ mask).to_bytes(size, "big")
        return bytes((first, 0x80 | 126)) + size.to_bytes(2, "big") + MASK + mixed
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
