"""One player of the load generator: what it says, and what it makes of the answers. Bytes in, bytes out, no socket.

It speaks WebSocket on its own, without `tickws.protocol`: a masked frame that is made once and then gets its number,
and a reader that goes from header to header. That is cheap, and a fault of tickws cannot hide by being at both ends.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.payloads import FIRST, INPUT_NUMBER_AT, Tally, make_input, snapshot_number

__all__ = ["Player", "PlayerResult", "split_frames"]

KEY, ANSWER = "dGhlIHNhbXBsZSBub25jZQ==", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
"""RFC 6455 section 1.3's own example."""
MASK = b"\x5a\xc3\x0f\x96"
BINARY, CLOSE, PING, PONG = 0x82, 0x88, 0x89, 0x8A
"""First bytes of whole frames (section 5.2)."""
ABNORMAL, NO_STATUS = 1006, 1005


@dataclass(frozen=True, slots=True)
class PlayerResult:
    """One player's part of a run."""

    sent: int
    """Inputs."""
    received: int
    """Snapshots."""
    missing: int
    """Snapshots whose number was skipped."""
    disordered: int
    """Snapshots whose number was not above the one before."""
    close_code: int | None
    """The server's; 1006 without a Close; None: the connection still stood when the run ended."""
    fault: str
    """What the server sent that it must not; empty for nothing."""


class Player:
    """A client's end. Whoever has the socket calls `receive` with what came, and sends what is in `out`."""

    __slots__ = ("_head", "_held", "_key", "_tail", "close_code", "fault", "inputs", "open", "out", "snapshots")

    def __init__(self, name: int, host: str) -> None:
        self.out = (
            f"GET /?player={name} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        ).encode()
        self.open = False
        """The handshake is over."""
        self.inputs = 0
        """How many were said."""
        self.snapshots = Tally()
        self.close_code: int | None = None
        self.fault = ""
        self._held = b""  # an unfinished head or frame
        frame = masked(BINARY, make_input(FIRST))
        at = 2 + len(MASK) + INPUT_NUMBER_AT
        self._head, self._tail = frame[:at], frame[at + 4 :]
        self._key = FIRST ^ int.from_bytes(frame[at : at + 4], "big")

    def play(self) -> None:
        """Say the next input."""
        number = (FIRST + self.inputs) ^ self._key
        self.out += self._head + number.to_bytes(4, "big") + self._tail
        self.inputs += 1

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
        return True

    def _take(self, first: int, payload: bytes) -> None:
        if self.close_code is not None:
            raise ValueError(f"a frame behind the Close: {first:#x}")
        if first == BINARY:
            self.snapshots.take(snapshot_number(payload))
        elif first == PING:
            self.out += masked(PONG, payload)
        elif first == CLOSE:
            self.close_code = int.from_bytes(payload[:2], "big") if payload else NO_STATUS
            self.out += masked(CLOSE, payload[:2])
        elif first != PONG:
            raise ValueError(f"a frame that nobody asked for: {first:#x}")

    def result(self, *, over: bool) -> PlayerResult:
        """The player's part; `over` tells whether the connection has ended."""
        tally = self.snapshots
        code = ABNORMAL if over and self.close_code is None else self.close_code
        return PlayerResult(self.inputs, tally.received, tally.missing, tally.disordered, code, self.fault)


def masked(first: int, payload: bytes) -> bytes:
    """A client's frame of at most 125 bytes (section 5.3)."""
    mixed = bytes(byte ^ MASK[i % 4] for i, byte in enumerate(payload))
    return bytes((first, 0x80 | len(payload))) + MASK + mixed


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
