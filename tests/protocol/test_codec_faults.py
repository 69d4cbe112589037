"""What a frame decoder refuses, and at which byte (RFC 6455 sections 5.1 to 5.5)."""

import struct

import pytest

from tests.protocol.feeding import SIDES, fault_of
from tests.protocol.helpers import BINARY, CLOSE, CONT, MASK, PING, PONG, TEXT, frame


@pytest.mark.parametrize("mask", SIDES)
@pytest.mark.parametrize("rsv", range(1, 8))
@pytest.mark.parametrize("opcode", [TEXT, BINARY, CLOSE, PING, PONG])
def test_refuses_reserved_bits(opcode: int, rsv: int, mask: bytes) -> None:
    """Section 5.2: MUST be 0 unless an extension is negotiated."""
    assert fault_of(frame(opcode, rsv=rsv, mask=mask), mask) == (1, 1002, "reserved bits set")


@pytest.mark.parametrize("mask", SIDES)
@pytest.mark.parametrize("fin", [True, False])
@pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
def test_refuses_reserved_opcodes(opcode: int, fin: bool, mask: bytes) -> None:
    assert fault_of(frame(opcode, fin=fin, mask=mask), mask) == (1, 1002, "reserved opcode")


@pytest.mark.parametrize("mask", SIDES)
@pytest.mark.parametrize("opcode", [TEXT, BINARY, CLOSE, PING, PONG])
def test_refuses_the_other_role_s_masking(opcode: int, mask: bytes) -> None:
    """Section 5.1: a server closes on an unmasked frame, a client on a masked one."""
    reason = "frame not masked" if mask else "frame masked by a server"
    assert fault_of(frame(opcode, b"abc", mask=b"" if mask else MASK), mask) == (2, 1002, reason)


@pytest.mark.parametrize("mask", SIDES)
@pytest.mark.parametrize("opcode", [CLOSE, PING, PONG])
def test_refuses_fragmented_control_frames(opcode: int, mask: bytes) -> None:
    """Section 5.5: MUST NOT be fragmented."""
    assert fault_of(frame(opcode, fin=False, mask=mask), mask) == (1, 1002, "fragmented control frame")


@pytest.mark.parametrize("mask", SIDES)
@pytest.mark.parametrize("size", [126, 127, 65536])
@pytest.mark.parametrize("opcode", [CLOSE, PING, PONG])
def test_refuses_long_control_frames_at_their_second_byte(opcode: int, size: int, mask: bytes) -> None:
    """Section 5.5: a payload length of 125 bytes or less."""
    assert fault_of(frame(opcode, bytes(size), mask=mask)[:20], mask) == (2, 1002, "control frame too long")


@pytest.mark.parametrize("mask", SIDES)
@pytest.mark.parametrize(
    ("before", "bad"),
    [
        ([], (CONT, True)),
        ([], (CONT, False)),
        ([(TEXT, True)], (CONT, True)),
        ([(TEXT, False)], (TEXT, True)),
        ([(TEXT, False)], (BINARY, False)),
        ([(BINARY, False), (CONT, False)], (BINARY, True)),
        ([(BINARY, False), (CONT, True)], (CONT, True)),
        ([(TEXT, False), (PING, True)], (TEXT, True)),
    ],
)
def test_refuses_a_wrong_order_of_fragments(before: list[tuple[int, bool]], bad: tuple[int, bool], mask: bytes) -> None:
    """Section 5.4."""
    good = b"".join(frame(opcode, b"x", fin=fin, mask=mask) for opcode, fin in before)
    opcode, fin = bad
    reason = "continuation of nothing" if opcode == CONT else "message not finished"
    assert fault_of(good + frame(opcode, fin=fin, mask=mask), mask) == (len(good) + 1, 1002, reason)


ABOVE, NOT_SHORTEST = "length above 63 bits", "length not in its shortest form"


@pytest.mark.parametrize("bit", [0x80, 0])
@pytest.mark.parametrize(
    ("form", "size", "code"),
    [
        ("!H", 0, 1002),
        ("!H", 125, 1002),
        ("!Q", 0, 1002),
        ("!Q", 125, 1002),
        ("!Q", 126, 1002),
        ("!Q", 65535, 1002),
        ("!Q", 2**63, 1002),  # "the most significant bit MUST be 0"
        ("!Q", 2**64 - 1, 1002),
        ("!Q", 2**63 - 1, 1009),
        ("!Q", 2**32, 1009),
        ("!Q", 2**31, 1009),
        ("!H", 1001, 1009),
        ("!H", 65535, 1009),
    ],
)
def test_refuses_a_length_from_itself_alone(form: str, size: int, code: int, bit: int) -> None:
    """Section 5.2: the minimal number of bytes; and a huge one needs no payload to be refused, not even a mask."""
    header = bytes((0x80 | BINARY, bit | (126 if form == "!H" else 127))) + struct.pack(form, size)
    reason = "message above 1000 bytes" if code == 1009 else ABOVE if size >= 2**63 else NOT_SHORTEST
    assert fault_of(header, MASK if bit else b"") == (len(header), code, reason)
