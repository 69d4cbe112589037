"""What the tests of permessage-deflate share: zlib by hand, and connections that have agreed on it.

A `Packer` and `unpack` stand for the peer. They use zlib as RFC 7692 section 7.2 spells it, and nothing of ours.
"""

import zlib
from typing import Any

from tests.protocol.helpers import (
    BINARY,
    CONT,
    DEFAULTS,
    MASK,
    UPGRADE,
    MaskSource,
    answer_head,
    counting_source,
    frame,
    naive_xor,
    request_head,
    right_accept,
)
from tickws.protocol.connection import Connection, Role
from tickws.protocol.events import Closed, Event, Progress
from tickws.protocol.extensions import Deflate
from tickws.protocol.handshake import Request
from tickws.protocol.limits import Limits

RSV1 = 4
TAIL = b"\x00\x00\xff\xff"
NAME = "permessage-deflate"
EVERYTHING = Deflate(
    window_bits=15, peer_window_bits=15, context_takeover=True, peer_context_takeover=True, threshold_bytes=0
)
NOTHING_KEPT = Deflate(window_bits=15, peer_window_bits=15, threshold_bytes=0)


class Packer:
    """A peer's compressor; with `takeover`, one for all messages. A window of 8 is the one of 9 (zlib's 250 bytes)."""

    def __init__(self, bits: int = 15, *, takeover: bool = False, level: int = 6) -> None:
        self._bits, self._takeover, self._level = bits, takeover, level
        self._kept: Any = None

    def pack(self, payload: bytes) -> bytes:
        """A message's payload."""
        packer = self._kept or zlib.compressobj(self._level, zlib.DEFLATED, -max(9, self._bits))
        self._kept = packer if self._takeover else None
        made: bytes = packer.compress(payload) + packer.flush(zlib.Z_SYNC_FLUSH)
        return made[:-4] if made.endswith(TAIL) else made + b"\0"


class Unpacker:
    """A peer's decompressor that has the agreed window and no byte more: it is given room for one byte at a time."""

    def __init__(self, bits: int = 15, *, takeover: bool = False, step: int = 1) -> None:
        self._bits, self._takeover, self._step = bits, takeover, step
        self._kept: Any = None

    def unpack(self, payload: bytes) -> bytes:
        """A message; it must end where a block does."""
        unpacker = self._kept or zlib.decompressobj(-self._bits)
        self._kept = unpacker if self._takeover else None
        made, left = bytearray(), payload + TAIL
        while True:
            part = unpacker.decompress(left, self._step)
            made += part
            left = unpacker.unconsumed_tail
            if not left and len(part) < self._step:
                break
        end = unpacker.copy()
        assert end.decompress(b"\x01\0\0\xff\xff") == b""
        assert end.eof
        return bytes(made)


def agreed(
    role: Role,
    ours: Deflate = EVERYTHING,
    said: str = "",
    limits: Limits = DEFAULTS,
    mask_source: MaskSource | None = None,
) -> Connection:
    """An open connection with permessage-deflate; `said`: the parameters of the peer's offer, or of its answer."""
    line = f"Sec-WebSocket-Extensions: {NAME}{said}"
    connection = Connection(role, limits, mask_source or counting_source(), compression=ours)
    if role is Role.CLIENT:
        connection.request("server.example.com", "/")
        connection.receive(answer_head(right_accept(connection), line))
        connection.next_event()
    else:
        connection.receive(request_head("GET / HTTP/1.1", UPGRADE, line))
        request = connection.next_event()
        assert isinstance(request, Request)
        connection.accept(request)
    connection.data_to_send()
    assert connection.extensions.startswith(NAME)
    return connection


def packed(payload: bytes, opcode: int = BINARY, *, fin: bool = True, role: Role = Role.SERVER) -> bytes:
    """A frame with RSV1 (unless it continues one), as `role` gets it; `payload` is compressed already."""
    mask = MASK if role is Role.SERVER else b""
    return frame(opcode, payload, fin=fin, mask=mask, rsv=0 if opcode == CONT else RSV1)


def every_event(connection: Connection) -> list[Event]:
    """All events that are there, `Progress` too."""
    events: list[Event] = []
    while (event := connection.next_event()) is not None:
        events.append(event)
    return events


def told(connection: Connection, *chunks: bytes) -> list[Event]:
    """What comes of some bytes, less the progress; what ends a connection is the last of it."""
    events: list[Event] = []
    for chunk in chunks:
        connection.receive(chunk)
        events += [event for event in every_event(connection) if not isinstance(event, Progress)]
    return events


def fault(connection: Connection, *chunks: bytes) -> int | None:
    """The code that these bytes are failed with; None: they are not."""
    events = told(connection, *chunks)
    return events[-1].code if events and isinstance(events[-1], Closed) and events[-1].fault else None


def wire(connection: Connection) -> list[tuple[int, int, bool, bytes]]:
    """The frames that are to be sent: RSV bits, opcode, FIN and payload."""
    data = b"".join(connection.data_to_send())
    found = []
    while data:
        size, at = data[1] & 0x7F, 2
        if size >= 126:
            at = 4 if size == 126 else 10
            size = int.from_bytes(data[2:at], "big")
        mask, at = (data[at : at + 4], at + 4) if data[1] >= 0x80 else (b"", at)
        payload = data[at : at + size]
        assert len(payload) == size
        found.append((data[0] >> 4 & 7, data[0] & 15, data[0] >= 0x80, naive_xor(payload, mask) if mask else payload))
        data = data[at + size :]
    return found
