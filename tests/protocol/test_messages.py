"""Messages out of frames: assembly, frame delivery, close payloads, bounded memory."""

import tracemalloc

import pytest

from tests.protocol.feeding import decoder, faults, in_every_cut, items, message
from tests.protocol.helpers import BINARY, CLOSE, CONT, MASK, PING, PONG, TEXT, close_payload, frame
from tickws.errors import ProtocolFault
from tickws.protocol.events import Frame, Ping, Pong, Progress
from tickws.protocol.messages import CloseFrame
from tickws.protocol.opcodes import Opcode

# Assembly


@pytest.mark.parametrize("mask", [MASK, b""], ids=["masked", "unmasked"])
@pytest.mark.parametrize(
    "parts",
    [[b""], [b"a"], [b"", b""], [b"", b"a"], [b"a", b""], [b"a", b"b", b"c"], [b"", b"ab", b"", b"c", b""]],
)
def test_assembles_fragments(parts: list[bytes], mask: bytes) -> None:
    whole = b"".join(parts)
    ping = frame(PING, b"", mask=mask)
    pings = [Ping(b"")] * (len(parts) - 1)
    masked = bool(mask)
    assert in_every_cut(message(parts, TEXT, mask, ping), masked=masked) == [*pings, whole.decode()]
    assert in_every_cut(message(parts, BINARY, mask, ping), masked=masked) == [*pings, whole]


def test_one_message_does_not_colour_the_next() -> None:
    data = message([b"\xff", b"\xfe"], BINARY) + message([b"x", b"y"]) + frame(BINARY, b"\xff") + frame(TEXT, b"z")
    assert in_every_cut(data) == [b"\xff\xfe", "xy", b"\xff", "z"]


def test_control_frames() -> None:
    data = frame(PING) + frame(PING, b"\xff") + frame(PONG) + frame(PONG, b"p" * 125) + frame(CLOSE)
    assert in_every_cut(data) == [Ping(b""), Ping(b"\xff"), Pong(b""), Pong(b"p" * 125), CloseFrame(1005, "")]


def test_an_item_at_a_time() -> None:
    target = decoder()
    assert target.next() is None
    target.receive(frame(TEXT, b"a") + frame(PONG) + frame(BINARY, b"b"))
    assert [target.next() for _ in range(4)] == ["a", Pong(b""), b"b", None]


def test_a_fragment_at_a_time() -> None:
    target = decoder()
    target.receive(message([b"a", b"", b"b"]))
    assert [target.next() for _ in range(4)] == [Progress.FRAGMENT, Progress.FRAGMENT, "ab", None]


# Frame delivery


def test_frames_come_whole_with_opcode_and_fin_in_every_cut() -> None:
    """Section 5.4: fragments as they came, control frames between them, UTF-8 checked across them."""
    euro = "€".encode()
    data = message([euro[:1], euro[1:], b"", b"end"], between=frame(PING, b"?")) + frame(BINARY, b"\xff\xfe")
    data += frame(TEXT) + frame(PONG) + frame(BINARY, b"\xff", fin=False) + frame(CONT, b"\xfe")
    assert in_every_cut(data, by_frame=True) == [
        Frame(Opcode.TEXT, euro[:1], False),
        Ping(b"?"),
        Frame(Opcode.CONTINUATION, euro[1:], False),
        Ping(b"?"),
        Frame(Opcode.CONTINUATION, b"", False),
        Ping(b"?"),
        Frame(Opcode.CONTINUATION, b"end", True),
        Frame(Opcode.BINARY, b"\xff\xfe", True),
        Frame(Opcode.TEXT, b"", True),
        Pong(b""),
        Frame(Opcode.BINARY, b"\xff", False),
        Frame(Opcode.CONTINUATION, b"\xfe", True),
    ]


def test_by_frame_the_limit_is_that_of_a_frame() -> None:
    target = decoder(by_frame=True, limit=10)
    data = frame(TEXT, b"x" * 10, fin=False) + frame(CONT, b"y" * 10, fin=False)
    assert len(items(target, data)) == 2
    assert faults(target, frame(CONT, b"z" * 11)[:2]) == 1009


# Close frames (section 5.5.1)


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"", CloseFrame(1005, "")),
        (close_payload(1000), CloseFrame(1000, "")),
        (close_payload(1011, "Grüße".encode()), CloseFrame(1011, "Grüße")),
        (close_payload(4999, b"x" * 123), CloseFrame(4999, "x" * 123)),
    ],
)
def test_close(payload: bytes, expected: CloseFrame) -> None:
    assert in_every_cut(frame(CLOSE, payload)) == [expected]


@pytest.mark.parametrize(
    ("payload", "code", "reason"),
    [
        (b"\x03", 1002, "close frame of one byte"),
        (close_payload(0), 1002, "invalid close code 0"),
        (close_payload(999), 1002, "invalid close code 999"),
        (close_payload(1005), 1002, "invalid close code 1005"),
        (close_payload(5000, b"\xff"), 1002, "invalid close code 5000"),
        (close_payload(1000, b"\xff"), 1007, "text is not UTF-8"),
        (close_payload(1000, b"ok\xed\xa0\x80"), 1007, "text is not UTF-8"),
        (close_payload(1000, b"\xe2\x82"), 1007, "text is not UTF-8"),
    ],
)
def test_wrong_close(payload: bytes, code: int, reason: str) -> None:
    with pytest.raises(ProtocolFault, match=reason) as fault:
        items(decoder(), frame(CLOSE, payload))
    assert fault.value.close_code == code


# Memory


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_flood_of_tiny_fragments_costs_their_bytes_only(opcode: int) -> None:
    """131,000 fragments of one byte and of none: a list of them would hold megabytes."""
    target = decoder(limit=2**20)
    assert items(target, frame(opcode, b"", fin=False)) == []
    thousand = (frame(CONT, b"x", fin=False) + frame(CONT, b"", fin=False)) * 500
    tracemalloc.start()
    try:
        for _ in range(131):
            assert items(target, thousand) == []
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 65_500 * 1.2 + 5_000
    assert peak < 65_500 * 3 + 5_000
    whole = b"x" * 65_500
    assert items(target, frame(CONT)) == [whole.decode() if opcode == TEXT else whole]
