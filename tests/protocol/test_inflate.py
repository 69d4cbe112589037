"""What a peer compressed (RFC 7692 section 7.2.2): the limit charged in time, faults found, blocks of every kind."""

import random
import tracemalloc
import zlib
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.deflating import (
    EVERYTHING,
    NOTHING_KEPT,
    RSV1,
    TAIL,
    Packer,
    agreed,
    every_event,
    fault,
    packed,
    told,
)
from tests.protocol.helpers import (
    BINARY,
    CONT,
    MASK,
    PING,
    PONG,
    ROLES,
    TEXT,
    cuts,
    frame,
    mask_to,
    opened,
)
from tickws.protocol.connection import Connection, Role
from tickws.protocol.events import Closed, Event, Ping, Pong, Progress
from tickws.protocol.extensions import Deflate
from tickws.protocol.limits import Limits

KIB = 1024
STEP = 16 * KIB
TAKEOVER = pytest.mark.parametrize("ours", [EVERYTHING, NOTHING_KEPT], ids=["takeover", "no takeover"])


def in_every_cut(make: Callable[[], Connection], data: bytes) -> list[Event]:
    """What `data` gives, the same in every cut: progress apart."""
    outcomes = []
    for chunks in cuts(data, 200):
        outcomes.append(told(make(), *chunks))
        assert outcomes[-1] == outcomes[0], chunks
    return outcomes[0]


# -- the RFC's own examples, section 7.2.3 -----------------------------------------------------------------------------

ONE_BLOCK = bytes.fromhex("f248cdc9c90700")
EXAMPLES = {
    "7.2.3.1, one block": (ONE_BLOCK, "Hello"),
    "7.2.3.3, stored": (bytes.fromhex("000500faff48656c6c6f00"), "Hello"),
    "7.2.3.4, BFINAL and the padding": (bytes.fromhex("f348cdc9c9070000"), "Hello"),
    "7.2.3.4, BFINAL without it": (bytes.fromhex("f348cdc9c90700"), "Hello"),
    "7.2.3.5, two blocks": (bytes.fromhex("f248050000 00ffffcac9c90700".replace(" ", "")), "Hello"),
    "7.2.3.6, empty": (b"\x00", ""),
    "two with BFINAL": (bytes.fromhex("f348cdc9c90700f348cdc9c9070000"), "HelloHello"),
    "BFINAL, then one without": (bytes.fromhex("f348cdc9c90700") + ONE_BLOCK, "HelloHello"),
    "empty with BFINAL": (b"\x03\x00\x00", ""),
    "an empty stored one with BFINAL": (b"\x01\x00\x00\xff\xff\x00", ""),
    "an empty stored one with BFINAL, its tail left off": (b"\x01", ""),
    "empty ones": (b"\x00\x00\x00\xff\xff" * 5 + b"\x00", ""),
}


@ROLES
@TAKEOVER
@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_of_the_rfc(example: str, ours: Deflate, role: Role) -> None:
    payload, message = EXAMPLES[example]
    said = "" if ours is EVERYTHING else "; server_no_context_takeover"
    data = packed(payload, TEXT, role=role)
    assert in_every_cut(lambda: agreed(role, ours, said), data + data) == [message] * 2


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_in_two_fragments(example: str) -> None:
    payload, message = EXAMPLES[example]
    for at in range(len(payload) + 1):
        data = packed(payload[:at], TEXT, fin=False) + packed(payload[at:], CONT)
        assert told(agreed(Role.SERVER), data, data) == [message] * 2, at


def test_7_2_3_1_in_fragments() -> None:
    assert told(agreed(Role.CLIENT), bytes.fromhex("4103f248cd"), bytes.fromhex("8004c9c90700")) == ["Hello"]


def test_7_2_3_2_the_second_refers_to_the_first() -> None:
    first, second = bytes.fromhex("c107f248cdc9c90700"), bytes.fromhex("c105f200110000")
    assert in_every_cut(lambda: agreed(Role.CLIENT), first + second) == ["Hello", "Hello"]
    alone = agreed(Role.CLIENT, NOTHING_KEPT, "; server_no_context_takeover")
    assert told(alone, first) == ["Hello"]
    assert fault(alone, second) == 1007, "the window of the first one is gone, as agreed"


def test_a_window_is_fresh_behind_bfinal() -> None:
    """Section 7.2.3.4; what refers back beyond it refers to nothing."""
    client = agreed(Role.CLIENT)
    assert told(client, packed(bytes.fromhex("f348cdc9c9070000"), TEXT, role=Role.CLIENT)) == ["Hello"]
    assert fault(client, bytes.fromhex("c105f200110000")) == 1007


@pytest.mark.parametrize("block", [b"\x03\x00", b"\x01\x00\x00\xff\xff", b"\x00\x00\x00\xff\xff"])
@pytest.mark.parametrize("ours", [EVERYTHING, NOTHING_KEPT])
def test_a_flood_of_empty_blocks_is_steps_and_pins_nothing(block: bytes, ours: Deflate) -> None:
    connection = agreed(Role.SERVER, ours)
    connection.receive(packed(block * 3000, fin=False))
    tracemalloc.start()
    try:
        assert {type(event) for event in every_event(connection)} == {Progress}
        for _ in range(20):
            connection.receive(packed(block * 100, CONT, fin=False))
            assert {type(event) for event in every_event(connection)} == {Progress}
        assert tracemalloc.get_traced_memory()[0] < 64 * KIB
    finally:
        tracemalloc.stop()
    assert told(connection, packed(b"\0", CONT), packed(ONE_BLOCK)) == [b"", b"Hello"]


# -- the limit ---------------------------------------------------------------------------------------------------------


def fragments(payload: bytes, count: int) -> list[bytes]:
    """A compressed message in so many frames."""
    size = -(-len(payload) // count)
    pieces = [payload[i * size : (i + 1) * size] for i in range(count)]
    return [packed(piece, CONT if i else BINARY, fin=i == count - 1) for i, piece in enumerate(pieces)]


@pytest.mark.parametrize("bits", range(8, 16))
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("limit", [1000, STEP, 2 * STEP + 1])
def test_the_limit_is_charged_at_every_window_size(bits: int, count: int, limit: int) -> None:
    noise = random.Random(limit).randbytes(limit + 2)
    for source in (bytes(limit + 2), noise, b"tick" * (limit // 4 + 1)):
        for over in (0, 1, 2):
            ours = Deflate(peer_window_bits=bits)
            connection = agreed(Role.SERVER, ours, "; client_max_window_bits", Limits(message_bytes=limit))
            message = source[: limit + over]
            assert len(message) == limit + over
            heard = told(connection, *fragments(Packer(bits).pack(message), count))
            if over:
                assert heard == [Closed(1009, f"message above {limit} bytes", fault=True)], over
            else:
                assert heard == [message]


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_a_tiny_limit(limit: int) -> None:
    for size in range(10):
        connection = agreed(Role.SERVER, EVERYTHING, "", Limits(message_bytes=limit))
        heard = told(connection, packed(Packer().pack(b"x" * size)))
        assert heard == ([b"x" * size] if size <= limit else [Closed(1009, f"message above {limit} bytes", fault=True)])


def test_what_is_compressed_is_not_charged() -> None:
    """Its bytes may be more than the message's: stored blocks, empty ones."""
    connection = agreed(Role.SERVER, EVERYTHING, "", Limits(message_bytes=100))
    noise = random.Random(7).randbytes(100)
    longer = b"".join(b"\x00\x01\x00\xfe\xff" + noise[i : i + 1] for i in range(100)) + b"\0"
    assert told(connection, packed(longer)) == [noise]
    assert told(connection, *fragments(longer, 50)) == [noise]
    assert fault(connection, frame(BINARY, bytes(101), mask=MASK)) == 1009, "but what is not compressed is"


def zeros(size: int) -> Iterable[bytes]:
    """That many MiB of zeros, compressed, in pieces."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    mib = bytes(KIB * KIB)
    for _ in range(size):
        yield packer.compress(mib)
    yield packer.flush(zlib.Z_SYNC_FLUSH)[:-4]


@TAKEOVER
def test_of_a_bomb_no_more_is_made_than_the_limit_and_a_byte(ours: Deflate) -> None:
    """64 MiB of zeros (64 KiB on the wire): each step makes 16 KiB at most, and the memory is that of the message."""
    bomb = packed(b"".join(zeros(64)))
    connection = agreed(Role.SERVER, ours)
    tracemalloc.start()
    try:
        connection.receive(bomb)
        steps = [connection.next_event() for _ in range(64)]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert steps == [Progress.INFLATED] * 64, "1 MiB, in steps of 16 KiB"
    assert connection.next_event() == Closed(1009, "message above 1048576 bytes", fault=True)
    assert peak < 1.5 * 1024 * KIB
    assert connection.next_event() is None


def test_a_gigabyte_in_fragments() -> None:
    connection = agreed(Role.SERVER)
    opcode, made = BINARY, 0
    for piece in zeros(1024):
        made += 1
        if piece:
            if fault(connection, packed(piece, opcode, fin=False)) == 1009:
                break
            opcode = CONT
    assert made < 66, "MiB, of 1024"


def test_one_step_makes_one_chunk() -> None:
    """Whatever the ratio, `next_event` inflates 16 KiB at most, and `pending` says that there is more."""
    for source in (bytes(200_000), random.Random(1).randbytes(200_000), b"abc" * 70_000):
        connection = agreed(Role.SERVER)
        connection.receive(packed(Packer().pack(source)))
        steps = 1
        while (event := connection.next_event()) is Progress.INFLATED:
            steps += 1
            assert connection.pending
        assert event == source
        assert steps >= -(-len(source) // STEP)
        assert steps <= 2 * len(source) // STEP + 3
        assert not connection.pending


def test_ends_at_a_chunk_s_end() -> None:
    for size in (STEP - 1, STEP, STEP + 1, 2 * STEP, 3 * STEP):
        connection = agreed(Role.SERVER)
        assert told(connection, packed(Packer().pack(bytes(size))), packed(ONE_BLOCK)) == [bytes(size), b"Hello"]
        limited = agreed(Role.SERVER, EVERYTHING, "", Limits(message_bytes=size))
        assert told(limited, packed(Packer().pack(bytes(size))), packed(ONE_BLOCK)) == [bytes(size), b"Hello"]


# -- faults ------------------------------------------------------------------------------------------------------------

CORRUPT = {
    "reserved block type": b"\x06",
    "stored with a wrong complement": b"\x00\x05\x00\x00\x00Hello\x00",
    "too far back": bytes.fromhex("f200110000"),
    "noise": b"\xff" * 20,
    "a good block, then noise": ONE_BLOCK[:-1] + b"\xff\xff\xff",
    "a zlib header": zlib.compress(b"Hello"),
    "nothing at all": b"",
}


@ROLES
@TAKEOVER
@pytest.mark.parametrize("case", CORRUPT)
def test_corrupt_data_is_1007(case: str, ours: Deflate, role: Role) -> None:
    said = "" if ours is EVERYTHING else "; server_no_context_takeover"
    data = packed(CORRUPT[case], role=role)
    [event] = in_every_cut(lambda: agreed(role, ours, said), data)
    assert isinstance(event, Closed)
    assert (event.code, event.fault) == (1007, True)
    assert event.reason


@TAKEOVER
@pytest.mark.parametrize("message", [b"Hello", b"a" * 1000, bytes(range(256)) * 4, bytes(70_000)], ids=len)
def test_what_is_cut_short_is_1007(message: bytes, ours: Deflate) -> None:
    """It never ends in silence, nor as a shorter message, unless a block ends there."""
    whole = Packer().pack(message)
    ends = 0
    for size in [*range(min(len(whole), 120)), *range(max(0, len(whole) - 60), len(whole))]:
        heard = told(agreed(Role.SERVER, ours), packed(whole[:size]))
        assert len(heard) == 1, size
        if isinstance(heard[0], bytes):
            ends += 1
            assert heard == [message], size  # the last byte may be the head of the empty block, which is as good
        else:
            assert isinstance(heard[0], Closed)
            assert heard[0].code == 1007
    assert ends <= 1


@TAKEOVER
@pytest.mark.parametrize("last", [b"\x00", b"\x01"], ids=["plain", "BFINAL"])
@pytest.mark.parametrize("missing", range(1, 9))
def test_a_stored_block_does_not_take_the_tail_for_its_own(missing: int, last: bytes, ours: Deflate) -> None:
    block = last + b"\x08\x00\xf7\xff" + b"12345678"
    assert fault(agreed(Role.SERVER, ours), packed(block[:-missing])) == 1007


@given(st.binary(max_size=60), st.booleans())
def test_noise_is_a_message_or_1007(payload: bytes, takeover: bool) -> None:
    connection = agreed(Role.SERVER, EVERYTHING if takeover else NOTHING_KEPT)
    [event] = told(connection, packed(payload))
    assert isinstance(event, bytes) or (isinstance(event, Closed) and event.code == 1007)


@ROLES
@pytest.mark.parametrize("rsv", range(1, 8))
@pytest.mark.parametrize("opcode", [TEXT, BINARY, CONT, 8, PING, PONG])
def test_which_reserved_bits_are_1002(opcode: int, rsv: int, role: Role) -> None:
    """RFC 7692 section 6: RSV1 on a message's first frame, where it was agreed; nothing else is."""
    data = frame(opcode, ONE_BLOCK, mask=mask_to(role), rsv=rsv)
    begun = frame(TEXT, b"", fin=False, mask=mask_to(role)) if opcode == CONT else b""
    compressed = packed(b"", TEXT, fin=False, role=role) if opcode == CONT else b""
    assert fault(opened(role), begun + data) == 1002
    for before in (begun, compressed):
        expected = None if rsv == RSV1 and opcode in (TEXT, BINARY) else 1002
        assert fault(agreed(role), before + data) == expected
        assert fault(agreed(role), before + data[:1]) == expected, "at the first byte"


def test_declined_is_not_agreed() -> None:
    connection = Connection(Role.SERVER, Limits(), bytes, compression=EVERYTHING)
    assert connection.extensions == ""
    assert fault(opened(Role.SERVER), packed(ONE_BLOCK)) == 1002


# -- among others ------------------------------------------------------------------------------------------------------


@ROLES
@TAKEOVER
def test_control_frames_among_compressed_fragments(ours: Deflate, role: Role) -> None:
    said = "" if ours is EVERYTHING else "; server_no_context_takeover"
    payload, mask = Packer().pack(b"tock" * 30), mask_to(role)
    pieces = [payload[:3], b"", payload[3:4], payload[4:] + TAIL, b"\0"]
    data = b""
    for number, piece in enumerate(pieces):
        data += packed(piece, CONT if number else BINARY, fin=number == len(pieces) - 1, role=role)
        data += frame(PING, b"%d" % number, mask=mask) + frame(PONG, b"", mask=mask)
    events = in_every_cut(lambda: agreed(role, ours, said), data)
    pings: list[Event] = [Ping(b"%d" % number) for number in range(5)]
    assert [event for event in events if not isinstance(event, Pong)] == [*pings[:4], b"tock" * 30, pings[4]]


@ROLES
def test_compressed_and_plain_messages_take_turns(role: Role) -> None:
    packer, mask = Packer(takeover=True), mask_to(role)
    first, second = packer.pack("grüße ".encode() * 50), packer.pack("grüße ".encode() * 50)
    assert len(second) < len(first)
    data = packed(first, TEXT, role=role) + frame(TEXT, "grüße".encode(), mask=mask)
    data += frame(BINARY, b"a", fin=False, mask=mask) + frame(CONT, b"b", mask=mask)
    data += packed(second[:4], TEXT, fin=False, role=role) + packed(second[4:], CONT, role=role)
    data += frame(BINARY, b"", mask=mask) + packed(packer.pack(b""), BINARY, role=role)
    text = "grüße " * 50
    assert in_every_cut(lambda: agreed(role), data) == [text, "grüße", b"ab", text, b"", b""]


@pytest.mark.parametrize("bad", [b"\xff", b"\xc3", b"a\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"])
@pytest.mark.parametrize("before", [b"", b"x", "é".encode() * 100, b"x" * (STEP - 1), b"y" * STEP, b"z" * 3 * STEP])
@pytest.mark.parametrize("count", [1, 3])
def test_text_that_is_not_utf_8_is_1007(bad: bytes, before: bytes, count: int) -> None:
    payload = Packer().pack(before + bad)
    size = -(-len(payload) // count)
    frames = [packed(payload[i * size : (i + 1) * size], CONT if i else TEXT, fin=i == count - 1) for i in range(count)]
    assert told(agreed(Role.SERVER), *frames) == [Closed(1007, "text is not UTF-8", fault=True)]


def test_a_fault_in_text_is_found_before_its_message_ends() -> None:
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    part = packer.compress(b"x" * 30 + b"\xff" + b"x" * 30) + packer.flush(zlib.Z_SYNC_FLUSH)
    assert fault(agreed(Role.SERVER), packed(part, TEXT, fin=False)) == 1007
    connection = agreed(Role.SERVER)
    connection.receive(packed(Packer().pack(b"\xff" + bytes(1000 * KIB)), TEXT))
    event = connection.next_event()
    assert isinstance(event, Closed), "in its first chunk"


def test_characters_across_chunks() -> None:
    for shift in range(4):
        text = "x" * shift + "🎮" * (STEP // 2)
        assert told(agreed(Role.SERVER), packed(Packer().pack(text.encode()), TEXT)) == [text]


def test_empty_messages_and_empty_fragments() -> None:
    for payload in (b"\0", b"\0\0\0\xff\xff\0"):
        data = packed(b"", TEXT, fin=False) + packed(b"", CONT, fin=False) + packed(payload, CONT)
        assert in_every_cut(lambda: agreed(Role.SERVER), packed(payload, TEXT) + data) == ["", ""]


def test_nothing_is_kept_between_messages_without_takeover() -> None:
    connection = agreed(Role.SERVER, NOTHING_KEPT)
    message = packed(Packer().pack(random.Random(3).randbytes(100_000)))
    told(connection, message)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        told(connection, message)
        assert tracemalloc.get_traced_memory()[0] - before < 2 * KIB
    finally:
        tracemalloc.stop()
