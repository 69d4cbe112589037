"""The target `frames`: `FrameDecoder` for both roles and both ways of delivery, and the encoders against it.

Only `ProtocolFault` may come out. However the bytes are split, the same frames come of them, and a fault is found in
the chunk that holds the byte which shows it; where more bytes are needed, at most 139 are held; what `encode_frame`
and `encode_header` give is what RFC 6455 section 5.2 says, and comes back from the decoder.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from tests.fuzz.target import Plan, Target, plan
from tests.protocol.helpers import frame
from tickws.errors import ProtocolFault
from tickws.protocol.codec import FrameDecoder, encode_frame, encode_header

__all__ = ["TARGET"]

MASKED, BY_FRAME, ENCODE, COMPRESSION = 1, 2, 4, 8
"""The flags: a server's decoder; frames are bounded, not messages; the encoders' turn; RSV1 was agreed to. The upper
bits choose among `LIMITS`, or the encoders' opcode."""

LIMITS = (100, 1000, 1 << 20, (1 << 63) - 1)
OPCODES = (0, 1, 2, 8, 9, 10)
HELD_BYTES = 139
CODES = (1002, 1009)


Part = tuple[int, bytes, bool, bool]
"""Opcode, payload, whether it is a message's last, whether the message is compressed."""


@dataclass
class Heard:
    """What came of some bytes."""

    frames: list[Part] = field(default_factory=list)
    unfinished: Part | None = None
    fault: tuple[int, str] | None = None


def run(data: bytes) -> None:
    """One input."""
    given = plan(data)
    if given.flags & ENCODE:
        encode(given)
    else:
        decode(given)


def decode(given: Plan) -> None:
    """The bytes of a peer."""
    masked, by_frame = bool(given.flags & MASKED), bool(given.flags & BY_FRAME)
    compression = bool(given.flags & COMPRESSION)
    limit = LIMITS[given.flags >> 4 & 3]

    def hear(chunks: list[bytes]) -> tuple[Heard, int]:
        return receive(FrameDecoder(masked, limit, by_frame, compression), chunks)

    whole, _ = hear([given.sent])
    parted, taken = hear(given.chunks)
    assert whole == parted, f"whole: {whole!r}, split: {parted!r}"
    assert compression or not any(compressed for *_, compressed in whole.frames), "RSV1 was not agreed to"
    if whole.fault is not None:
        chunks = given.chunks[:taken]
        earlier, _ = hear([b"".join(chunks[:-1])])
        assert earlier.fault is None, "the fault was found later than it was to be seen"
        seen, _ = hear([b"".join(chunks)])
        assert seen == whole, "bytes behind a fault made another of it"


def receive(decoder: FrameDecoder, chunks: list[bytes]) -> tuple[Heard, int]:
    """What a decoder makes of the chunks, and how many it took."""
    heard = Heard()
    given = bytes_out = 0
    for taken, chunk in enumerate(chunks, start=1):
        decoder.receive(chunk)
        given += len(chunk)
        try:
            while decoder.next_part():
                opcode, part, fin = decoder.opcode, decoder.payload, decoder.fin
                compressed = decoder.compressed and opcode < 8
                bytes_out += len(part)
                assert part or decoder.ends, "an empty part that ends nothing"
                if heard.unfinished is not None:
                    before, earlier, *same = heard.unfinished
                    assert [before, *same] == [opcode, fin, compressed], "a frame that goes on is another"
                    part = earlier + part
                if decoder.ends:
                    heard.frames.append((opcode, part, fin, compressed))
                    heard.unfinished = None
                else:
                    assert opcode < 8, "a part of a control frame"
                    heard.unfinished = opcode, part, fin, compressed
        except ProtocolFault as fault:
            if fault.close_code not in CODES:
                raise
            heard.fault = fault.close_code, fault.reason
            return heard, taken
        assert not decoder.more
        assert len(decoder._data) <= HELD_BYTES, f"{len(decoder._data)} bytes are held"
        assert bytes_out + 2 * len(heard.frames) + len(decoder._data) <= given
    check_order(heard)
    return heard, len(chunks)


def check_order(heard: Heard) -> None:
    """What was given out is valid in its place (section 5.4)."""
    frames = heard.frames + ([heard.unfinished] if heard.unfinished else [])
    in_message = message_compressed = False
    for opcode, payload, fin, compressed in frames:
        assert opcode in OPCODES
        if opcode >= 8:
            assert fin
            assert len(payload) <= 125
        else:
            assert (opcode == 0) == in_message, "a frame out of its order"
            assert opcode or compressed == message_compressed, "a message is compressed in part"
            in_message, message_compressed = not fin, compressed


def encode(given: Plan) -> None:
    """The encoders: of the bytes as a payload, and of a header alone, up to the longest."""
    opcode = OPCODES[(given.flags >> 4) % len(OPCODES)]
    mask = given.sent[:4] if given.flags & MASKED and len(given.sent) >= 4 else b""
    payload = given.sent[:125] if opcode >= 8 else given.sent
    fin = opcode >= 8 or not given.flags & BY_FRAME
    wire = encode_frame(opcode, payload, fin, mask)
    assert wire == frame(opcode, payload, fin=fin, mask=mask), "not what section 5.2 says"

    decoder = FrameDecoder(bool(mask), LIMITS[-1], False)
    started = encode_frame(2, b"", False, mask) if opcode == 0 else b""
    heard, _ = receive(decoder, [started, *split_in_two(wire, given.sizes[0])])
    assert heard.frames[-1:] == [(opcode, payload, fin, False)], "what comes back is not what went"
    assert heard.fault is None

    size = int.from_bytes(given.sent[:8], "big") >> (given.sizes[1] % 64)
    if opcode < 8 and size < 1 << 63:
        check_header(opcode, size, fin, bool(mask), started)


def check_header(opcode: int, size: int, fin: bool, masked: bool, started: bytes) -> None:
    """A header of any size: the shortest form, and the decoder waits for exactly so many bytes."""
    header = encode_header(opcode, size, fin, masked)
    second = masked << 7
    if size < 126:
        expected = struct.pack("!B", second | size)
    elif size < 1 << 16:
        expected = struct.pack("!BH", second | 126, size)
    else:
        expected = struct.pack("!BQ", second | 127, size)
    assert header == bytes([fin << 7 | opcode]) + expected
    decoder = FrameDecoder(masked, LIMITS[-1], True)
    heard, _ = receive(decoder, [started, header + b"\1\2\3\4" * masked + b"x" * min(size, 1)])
    assert heard.fault is None
    assert (heard.unfinished is not None) == (size > 1)


def split_in_two(data: bytes, at: int) -> list[bytes]:
    """`data` in two chunks; either may be empty."""
    return [data[:at], data[at:]]


TARGET = Target("frames", run, files=("protocol/_codec_py.py",), packages=("tickws.protocol", "tickws.errors"))
