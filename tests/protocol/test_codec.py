"""Frames: headers, masks, what is refused and when (RFC 6455 section 5), against frames packed by hand."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.feeding import SIDES, Whole, fault_in, parts, wholes
from tests.protocol.helpers import (
    BINARY,
    CLOSE,
    CONT,
    LENGTHS,
    MASK,
    PING,
    PONG,
    TEXT,
    cuts,
    frame,
    naive_xor,
)
from tickws.protocol.codec import FrameDecoder, encode_frame, encode_header, unmask

# Encoding


@pytest.mark.parametrize(
    ("size", "header"),
    [
        (0, "8200"),
        (125, "827d"),
        (126, "827e007e"),
        (65535, "827effff"),
        (65536, "827f0000000000010000"),
        (2**63 - 1, "827f7fffffffffffffff"),
    ],
)
def test_header_has_the_shortest_length(size: int, header: str) -> None:
    assert encode_header(BINARY, size, True, False).hex() == header


@pytest.mark.parametrize(
    ("opcode", "fin", "masked", "header"),
    [
        (TEXT, True, False, "8105"),
        (TEXT, False, False, "0105"),
        (CONT, True, True, "8085"),
        (CONT, False, True, "0085"),
        (CLOSE, True, False, "8805"),
        (PING, True, True, "8985"),
        (PONG, True, True, "8a85"),
    ],
)
def test_header_bits(opcode: int, fin: bool, masked: bool, header: str) -> None:
    assert encode_header(opcode, 5, fin, masked).hex() == header


@pytest.mark.parametrize("mask", SIDES)
@pytest.mark.parametrize("size", LENGTHS)
def test_encodes_every_length(size: int, mask: bytes) -> None:
    payload = bytes(range(256)) * 257
    assert encode_frame(BINARY, payload[:size], True, mask) == frame(BINARY, payload[:size], mask=mask)


@pytest.mark.parametrize(
    ("hexadecimal", "mask", "expected"),
    [
        ("810548656c6c6f", b"", (TEXT, b"Hello", True)),
        ("818537fa213d7f9f4d5158", MASK, (TEXT, b"Hello", True)),
        ("010348656c", b"", (TEXT, b"Hel", False)),
        ("890548656c6c6f", b"", (PING, b"Hello", True)),
        ("8a8537fa213d7f9f4d5158", MASK, (PONG, b"Hello", True)),
    ],
)
def test_the_examples_of_section_5_7(hexadecimal: str, mask: bytes, expected: Whole) -> None:
    data = bytes.fromhex(hexadecimal)
    opcode, payload, fin = expected
    assert encode_frame(opcode, payload, fin, mask) == data
    assert wholes(FrameDecoder(bool(mask), 1000, False), [data]) == [expected]


@given(st.binary(max_size=70), st.binary(min_size=4, max_size=4))
def test_unmask_is_the_naive_loop_and_its_own_inverse(payload: bytes, mask: bytes) -> None:
    assert unmask(payload, mask) == naive_xor(payload, mask)
    assert unmask(unmask(payload, mask), mask) == payload


# Decoding


@pytest.mark.parametrize("mask", SIDES)
@pytest.mark.parametrize("size", LENGTHS)
def test_decodes_every_length_in_every_cut(size: int, mask: bytes) -> None:
    payload = (bytes(range(251)) * 262)[:size]
    data = frame(BINARY, payload, mask=mask) + frame(PING, b"next", mask=mask)
    for chunks in cuts(data, points=300 if size < 300 else 40):
        decoder = FrameDecoder(bool(mask), 70_000, False)
        assert wholes(decoder, chunks) == [(BINARY, payload, True), (PING, b"next", True)]


@pytest.mark.parametrize("mask", SIDES)
def test_gives_the_parts_of_a_data_frame_as_they_come(mask: bytes) -> None:
    decoder = FrameDecoder(bool(mask), 1000, False)
    data = frame(TEXT, b"abcdefghij", mask=mask)
    head = len(data) - 10
    assert parts(decoder, data[: head + 3]) == [(TEXT, b"abc", True, False)]
    assert parts(decoder, b"") == []
    assert parts(decoder, data[head + 3 : head + 8]) == [(TEXT, b"defgh", True, False)]
    assert parts(decoder, data[head + 8 :]) == [(TEXT, b"ij", True, True)]


@pytest.mark.parametrize("opcode", [CLOSE, PING, PONG])
@pytest.mark.parametrize("mask", SIDES)
def test_never_parts_a_control_frame(opcode: int, mask: bytes) -> None:
    decoder = FrameDecoder(bool(mask), 1, False)
    *most, last = frame(opcode, b"x" * 125, mask=mask)
    assert parts(decoder, bytes(most)) == []
    assert parts(decoder, bytes([last])) == [(opcode, b"x" * 125, True, True)]


@pytest.mark.parametrize("opcode", [CLOSE, PING, PONG])
def test_a_control_frame_leaves_the_message_around_it_alone(opcode: int) -> None:
    decoder = FrameDecoder(False, 100, False)
    frames = [frame(TEXT, bytes(60), fin=False), frame(opcode, bytes(90)), frame(CONT, bytes(40))]
    assert [(found, fin) for found, _, fin in wholes(decoder, frames)] == [(TEXT, False), (opcode, True), (CONT, True)]


def test_tells_whether_received_bytes_are_left() -> None:
    decoder = FrameDecoder(False, 1000, False)
    assert not decoder.more
    decoder.receive(frame(TEXT, b"one") + frame(TEXT, b"two"))
    assert decoder.more
    assert decoder.next_part()
    assert decoder.more
    assert decoder.next_part()
    assert not decoder.more
    assert not decoder.next_part()
    decoder.receive(frame(TEXT, b"three")[:-1])
    assert decoder.next_part()
    assert not decoder.more
    decoder.receive(frame(TEXT, b"three")[-1:] + frame(PING, b"?")[:-1])
    assert decoder.next_part()
    assert decoder.more
    assert not decoder.next_part()
    assert not decoder.more


def test_bytes_may_come_while_parts_are_waiting() -> None:
    decoder = FrameDecoder(False, 1000, False)
    decoder.receive(frame(TEXT, b"one") + frame(TEXT, b"two")[:3])
    assert decoder.next_part()
    decoder.receive(frame(TEXT, b"two")[3:] + frame(TEXT, b"three"))
    assert decoder.next_part()
    assert decoder.payload == b"two"
    assert parts(decoder, b"") == [(TEXT, b"three", True, True)]


# Limits


@pytest.mark.parametrize("mask", SIDES)
@pytest.mark.parametrize("by_frame", [True, False])
@pytest.mark.parametrize("limit", [1, 125, 126, 300, 65535, 65536])
def test_limit(limit: int, by_frame: bool, mask: bytes) -> None:
    payload = bytes(limit + 2)
    decoder = FrameDecoder(bool(mask), limit, by_frame)
    assert wholes(decoder, [frame(BINARY, payload[:limit], mask=mask)]) == [(BINARY, payload[:limit], True)]
    for size in (limit + 1, limit + 2):
        header = frame(BINARY, payload[:size], mask=mask)[: 2 if size < 126 else 4 if size < 65536 else 10]
        fault = fault_in(FrameDecoder(bool(mask), limit, by_frame), header)
        assert fault == (1009, f"message above {limit} bytes")


@pytest.mark.parametrize(
    ("sizes", "fits"),
    [
        ([10], True),
        ([4, 3, 3], True),
        ([0, 10, 0], True),
        ([10, 0, 0], True),
        ([10, 1], False),
        ([4, 3, 4], False),
        ([0, 0, 11], False),
        ([1] * 11, False),
    ],
)
def test_limit_counts_all_fragments_of_a_message(sizes: list[int], fits: bool) -> None:
    """Each is charged when it is announced; control frames between them are not."""
    opcodes = [BINARY] + [CONT] * (len(sizes) - 1)
    frames = [frame(opcode, bytes(size), fin=False) for opcode, size in zip(opcodes, sizes, strict=True)]
    decoder = FrameDecoder(False, 10, False)
    before = [chunk for part in frames[:-1] for chunk in (part, frame(PING, bytes(100)))]
    assert len(wholes(decoder, before)) == len(before)
    assert fault_in(decoder, frames[-1][:2]) == (None if fits else (1009, "message above 10 bytes"))


def test_limit_is_for_each_frame_where_by_frame() -> None:
    decoder = FrameDecoder(False, 10, True)
    message = [frame(BINARY, bytes(10), fin=False), *[frame(CONT, bytes(10), fin=False)] * 5]
    assert len(wholes(decoder, message)) == 6
    assert fault_in(decoder, frame(CONT, bytes(11))[:2]) == (1009, "message above 10 bytes")


def test_limit_begins_anew_with_each_message() -> None:
    decoder = FrameDecoder(False, 10, False)
    message = [frame(BINARY, bytes(6), fin=False), frame(CONT, bytes(4))]
    assert len(wholes(decoder, message * 3)) == 6


@pytest.mark.parametrize("mask", SIDES)
@pytest.mark.parametrize("rest", [b"", b"\x82"])
def test_what_is_used_up_is_not_held(rest: bytes, mask: bytes) -> None:
    """Nor does a started header hold the read that it came with."""
    decoder = FrameDecoder(bool(mask), 2**20, False)
    tracemalloc.start()
    try:
        decoder.receive(frame(BINARY, bytes(10**5), mask=mask) + rest)
        assert decoder.next_part()
        if rest:
            assert not decoder.next_part()
        decoder.payload = b""
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 10_000
