"""Peers that have agreed on permessage-deflate, and hear with a decompressor of their own."""

import zlib
from typing import Any

import pytest

from tests.protocol.deflating import NAME, RSV1, Unpacker
from tests.protocol.helpers import CONT, TEXT, Sent, naive_xor
from tests.transport.ends import Seat
from tests.transport.peers import End, House, Peer, whole_frames
from tickws.protocol.connection import Role
from tickws.protocol.extensions import Deflate

ALL = Deflate(window_bits=15, peer_window_bits=15, context_takeover=True, peer_context_takeover=True, threshold_bytes=0)
ALONE = "; server_no_context_takeover"
TEXTS = [f"the state of tick {number}, which is much like the last one " * 8 for number in range(5)]


def frames(end: End) -> list[tuple[int, Sent]]:
    """The frames that have arrived whole, each with its reserved bits."""
    data = end.listen()
    if data.startswith(b"HTTP/"):
        end.receive_head()
        data = end.listen()
    size = whole_frames(data)
    del end._heard[:size]
    data, found = data[:size], []
    while data:
        head = 2 + {126: 2, 127: 8}.get(data[1] & 0x7F, 0)
        length = data[1] & 0x7F if head == 2 else int.from_bytes(data[2:head], "big")
        masked = data[1] >= 0x80
        mask = data[head : head + 4] if masked else b""
        head += len(mask)
        payload = data[head : head + length]
        plain = naive_xor(payload, mask) if masked else payload
        found.append((data[0] >> 4 & 7, Sent(data[0] & 15, plain, data[0] >= 0x80, masked)))
        data = data[head + length :]
    return found


class Ear:
    """What a peer hears through its own decompressor: messages, and control frames by opcode."""

    def __init__(self, end: End, bits: int = 15, *, takeover: bool = False) -> None:
        self.end = end
        self.compressed = 0
        self.bytes = 0
        self._unpacker = Unpacker(bits, takeover=takeover, step=64)
        self._parts: list[bytes] = []
        self._first = (0, 0)

    def hear(self) -> list[object]:
        """What came since the last time."""
        found: list[object] = []
        for rsv, sent in frames(self.end):
            if sent.opcode >= 8:
                found.append((sent.opcode, sent.payload))
                continue
            if sent.opcode != CONT:
                self._first = (rsv, sent.opcode)
            else:
                assert rsv == 0
            self._parts.append(sent.payload)
            self.bytes += len(sent.payload)
            if sent.fin:
                bits, opcode = self._first
                payload = b"".join(self._parts)
                self._parts.clear()
                if bits:
                    assert bits == RSV1
                    self.compressed += 1
                    payload = self._unpacker.unpack(payload)
                found.append(payload.decode() if opcode == TEXT else payload)
        return found


def guest(house: House, said: str | None = "", path: str = "/", bits: int = 15, *, takeover: bool = False) -> Ear:
    """A peer that offers permessage-deflate with these parameters; None: it offers nothing."""
    more = [] if said is None else [f"Sec-WebSocket-Extensions: {NAME}{said}"]
    return Ear(house.peer(path, *more), bits, takeover=takeover)


def seated(role: Role, ours: Deflate = ALL, said: str = "", **options: Any) -> Seat:
    """One of ours, and a peer that agrees."""
    seat = Seat(role, shaken=False, compression=ours, **options)
    line = f"Sec-WebSocket-Extensions: {NAME}{said}"
    if isinstance(seat.peer, Peer):
        seat.turn()
        seat.peer.ask("/", line)
    else:
        seat.peer.answer(line)  # type: ignore[attr-defined]
    seat.turn(3)
    seat.peer.receive_head()
    assert seat.socket.extensions.startswith(NAME)
    return seat


def count_compressors(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The windows of zlib's compressors, one for each that was made."""
    bits: list[int] = []
    real = zlib.compressobj

    def count(level: int, method: int, wbits: int, memory_level: int) -> Any:
        bits.append(-wbits)
        return real(level, method, wbits, memory_level)

    monkeypatch.setattr(zlib, "compressobj", count)
    return bits
