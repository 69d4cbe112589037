"""The messages of tickws.1: they come back; whatever else comes is one fault with one code."""

import struct
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tickws
from tests.sync.helpers import STEADY, Move, fault_of, floats, nested, texts, values
from tickws.errors import ProtocolFault
from tickws.sync.schema import InputSchema
from tickws.sync.wire import (
    LAYOUTS,
    Ack,
    Event,
    Hello,
    InputMessage,
    Inputs,
    MessageReader,
    Snapshot,
    Welcome,
    client_reader,
    difference,
    encode,
    protocol_text,
    server_reader,
)

CLIENT: MessageReader[Any] = client_reader(Move)
SERVER: MessageReader[Any] = server_reader()

wholes = st.integers(0, 2**53 - 1)
counts = st.integers(0, 2**32 - 1)
numbers = st.integers(1, 2**32 - 1)
rates = st.integers(1, 1000)
tokens = st.binary(max_size=64)
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=64)
raws = values.map(lambda value: msgspec.Raw(tickws.pack(value)))
moves = st.builds(Move, st.floats(-1, 1), floats, st.booleans(), st.booleans())

hellos = st.builds(Hello, st.integers(0, 9), st.none() | counts, texts, st.none() | rates, st.none() | tokens, counts)
welcomes = st.builds(
    Welcome, st.just(1), counts, texts, rates, rates, counts, st.booleans(), tokens, wholes, wholes, numbers
)  # fmt: skip
inputs = st.builds(InputMessage, numbers, wholes, st.none() | wholes, counts, moves)
events = st.builds(Event, numbers, names, raws)
acks = st.builds(Ack, counts, st.none() | wholes)
told = st.none() | st.builds(Inputs, counts, wholes, st.integers(-(2**31), 2**31), counts, wholes, counts)
ids = [st.integers(1 - 2**53, 2**53 - 1), texts]
snapshots = st.sampled_from(ids).flatmap(
    lambda entity: st.builds(
        Snapshot,
        told,
        counts,
        wholes,
        wholes,
        wholes,
        st.none() | wholes,
        st.dictionaries(entity, st.dictionaries(texts, values, max_size=3), max_size=3),
        st.lists(entity, max_size=3),
        st.dictionaries(entity, wholes, max_size=3),
    )
)
said: st.SearchStrategy[tuple[MessageReader[Any], Any]] = st.one_of(
    *(st.tuples(st.just(CLIENT), messages) for messages in (hellos, inputs, events, acks)),
    *(st.tuples(st.just(SERVER), messages) for messages in (welcomes, events, acks, snapshots)),
)


def same(first: Any, second: Any) -> bool:
    """Equal, with the same types all the way down."""
    return msgspec.msgpack.encode(first) == msgspec.msgpack.encode(second) and type(first) is type(second)


def decided(reader: MessageReader[Any], data: bytes) -> Any:
    """What comes of any bytes: a message that comes back, or None for a fault; nothing else."""
    try:
        message = reader.read(data)
    except ProtocolFault as fault:
        if fault.close_code not in (1007, 1008):
            raise
        return None
    assert same(reader.read(encode(message)), message)
    return message


# What comes back


@STEADY
@given(said)
def test_every_message_comes_back(said: tuple[MessageReader[Any], Any]) -> None:
    reader, message = said
    data = encode(message)
    assert same(reader.read(data), message)
    assert LAYOUTS[data[1] if data[0] >= 0x90 else -1] is type(message)
    fields = len(type(message).__struct_fields__)
    assert data[0] == 0x90 | fields + 1


@STEADY
@given(said)
def test_every_prefix_and_every_byte_too_much_is_refused(said: tuple[MessageReader[Any], Any]) -> None:
    reader, message = said
    data = encode(message)
    for size in range(len(data)):
        assert fault_of(lambda size=size: reader.read(data[:size])) == 1007  # type: ignore[misc]
    for more in (b"\xc0", b"\xc1", data):
        assert fault_of(lambda more=more: reader.read(data + more)) == 1007  # type: ignore[misc]


@STEADY
@given(said, st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=4))
def test_wrong_bytes_are_a_message_or_a_fault(
    said: tuple[MessageReader[Any], Any], wrong: list[tuple[int, int]]
) -> None:
    reader, message = said
    data = bytearray(encode(message))
    for place, byte in wrong:
        data[place % len(data)] = byte
    decided(reader, bytes(data))


FEW: list[tuple[MessageReader[Any], Any]] = [
    (CLIENT, Hello(1, 0xFFFFFFFF, "pong|dy:held", 60, b"token", 7)),
    (CLIENT, InputMessage(300, 70_000, None, 2, Move(0.5, -2.0, True))),
    (CLIENT, Event(1, "chat", msgspec.Raw(tickws.pack({"text": ["hi", 1.5, None]})))),
    (SERVER, Ack(5, None)),
    (SERVER, Welcome(1, 5, "a|b", 60, 20, 1, False, b"x" * 16, 9, 8, 7)),
    (SERVER, Snapshot(Inputs(1, 2, -3, 4, 5, 6), 1, 2, 3, 4, None, {1: {"x": 0.5}}, [], {1: 2})),
]


@pytest.mark.parametrize(("reader", "message"), FEW, ids=[type(message).__name__ for _, message in FEW])
def test_each_byte_set_to_each_value(reader: MessageReader[Any], message: Any) -> None:
    data = encode(message)
    for place in range(len(data)):
        for byte in range(256):
            decided(reader, data[:place] + bytes([byte]) + data[place + 1 :])


@STEADY
@given(st.sampled_from([CLIENT, SERVER]), st.binary(max_size=60), st.sampled_from([b"", b"\x95\x02", b"\x94\x03"]))
def test_any_bytes_are_a_message_or_a_fault(reader: MessageReader[Any], data: bytes, head: bytes) -> None:
    decided(reader, head + data)


# Kinds


@pytest.mark.parametrize("kind", [1, 5, 6, 127, 128, 2**32, 2**63, 2**64 - 1, -1, -33])
def test_kinds_that_a_client_may_not_send(kind: int) -> None:
    for data in ([kind], [kind, 1, 2, 3], [kind, *[None] * 20]):
        assert fault_of(lambda data=data: CLIENT.read(tickws.pack(data))) == 1008  # type: ignore[misc]


@pytest.mark.parametrize("kind", [0, 2, 6, -1, 2**64 - 1])
def test_kinds_that_a_server_may_not_send(kind: int) -> None:
    assert fault_of(lambda: SERVER.read(tickws.pack([kind, 1, 2, 3]))) == 1008


def test_whole_messages_of_the_other_side() -> None:
    for reader, message in FEW:
        if type(message) not in (Event, Ack):
            data, other = encode(message), SERVER if reader is CLIENT else CLIENT
            assert fault_of(lambda data=data, other=other: other.read(data)) == 1008  # type: ignore[misc]


@pytest.mark.parametrize("kind", [True, 0.0, 3.0, "3", b"\x03", None, [3], {}])
def test_a_kind_is_a_whole_number(kind: object) -> None:
    assert fault_of(lambda: CLIENT.read(tickws.pack([kind, 1, "e", None]))) == 1007


@pytest.mark.parametrize("data", ["", "hello", "\x94\x03", '[4,0,null]'])  # fmt: skip
def test_text(data: str) -> None:
    assert fault_of(lambda: CLIENT.read(data)) == 1003


@pytest.mark.parametrize("data", [b"\xc0", b"\x01", b"\x80", b"\xa1a", b"\x90", b"\x81\x00\x04", b"\xd4\x01\x00"])
def test_what_is_no_message(data: bytes) -> None:
    assert fault_of(lambda: CLIENT.read(data)) == fault_of(lambda: SERVER.read(data)) == 1007


@pytest.mark.parametrize("prefix", [b"", b"\x94\x03\x01\xa1x", b"\x96\x02\x01\x01\xc0\x00", b"\x9a\x05\xc0"])
@pytest.mark.parametrize("opening", [b"\x91", b"\x81\xa1a", b"\x92\xc0", b"\xdd\xff\xff\xff\xff"])
def test_bombs(prefix: bytes, opening: bytes) -> None:
    """Only an event's payload may be anything; how deep it is, is seen when it is unpacked."""
    for levels in (990, 1000, 5_000, 100_000):
        for leaf in (b"", b"\xc0"):
            for reader in (CLIENT, SERVER):
                message = decided(reader, prefix + nested(levels, opening, leaf))
                assert message is None or type(message) is Event


def test_no_count_is_believed() -> None:
    for head in (b"\xdd", b"\xdf", b"\xdb", b"\xc6"):
        for prefix in (b"", b"\x94\x03\x01", b"\x94\x03\x01\xa1x", b"\x96\x02\x01\x01\xc0\x00", b"\x91"):
            for reader in (CLIENT, SERVER):
                assert decided(reader, prefix + head + struct.pack("!I", 2**32 - 1)) is None


# Fields


def changed(message: Any, place: int, value: object) -> bytes:
    """A message with another value in one place; 0 is the kind."""
    fields: list[Any] = msgspec.msgpack.decode(encode(message))
    fields[place] = value
    return tickws.pack(fields)


WRONG_WHOLES = [-1, 2**53, 2**63, 2**64 - 1, True, False, 1.0, "1", b"1", []]
WRONG_COUNTS = [-1, 2**32, 2**53, 2**64 - 1, True, 1.0, "1", None]
HELLO, INPUT, EVENT, ACK = Hello(1, 2, "a|b", 60, None, 0), InputMessage(1, 1, 1, 1, Move()), FEW[2][1], Ack(0, 0)
BOUNDS: list[tuple[Any, int, list[Any]]] = [
    (HELLO, 1, [True, 1.0, "1", None]),
    (HELLO, 2, [-1, 2**32, True, 1.0, "1"]),
    (HELLO, 3, ["x" * 1025, b"a|b", 1, None]),
    (HELLO, 4, [0, -1, 1001, 60.0, True]),
    (HELLO, 5, [b"x" * 65, "token", 1, []]),
    (HELLO, 6, WRONG_COUNTS),
    (INPUT, 1, [0, *WRONG_COUNTS]),
    (INPUT, 2, [None, *WRONG_WHOLES]),
    (INPUT, 3, WRONG_WHOLES),
    (INPUT, 4, WRONG_COUNTS),
    (EVENT, 1, [0, *WRONG_COUNTS]),
    (EVENT, 2, ["", "x" * 65, b"chat", 1, None, []]),
    (ACK, 1, WRONG_COUNTS),
    (ACK, 2, WRONG_WHOLES),
]


@pytest.mark.parametrize(("message", "place", "wrong"), BOUNDS, ids=lambda value: getattr(type(value), "__name__", ""))
def test_values_out_of_bounds(message: Any, place: int, wrong: list[Any]) -> None:
    assert CLIENT.read(encode(message)) == message or message is EVENT
    for value in wrong:
        assert fault_of(lambda value=value: CLIENT.read(changed(message, place, value))) == 1007  # type: ignore[misc]


@pytest.mark.parametrize(("reader", "message"), FEW, ids=[type(message).__name__ for _, message in FEW])
def test_a_field_less_and_a_field_more(reader: MessageReader[Any], message: Any) -> None:
    fields: list[Any] = msgspec.msgpack.decode(encode(message))
    for wrong in ([*fields, None], [*fields, 0, 0], *(fields[:size] for size in range(1, len(fields)))):
        assert fault_of(lambda wrong=wrong: reader.read(tickws.pack(wrong))) == 1007  # type: ignore[misc]


# The frame of an input


def framed(*frame: object) -> bytes:
    return tickws.pack([2, 1, 1, None, 0, list(frame)])


BAD = [float("nan"), float("inf"), float("-inf")]


@pytest.mark.parametrize("wrong", [-1.001, 1.001, 2, -2, *BAD, None, True, "0", []])
def test_bounds_of_a_field(wrong: object) -> None:
    assert fault_of(lambda: CLIENT.read(framed(wrong, 0.0, False, False))) == 1007
    assert fault_of(lambda: CLIENT.read(msgspec.msgpack.encode([2, 1, 1, None, 0, [wrong, 0.0, False, False]]))) == 1007


@pytest.mark.parametrize("wrong", [1, 0, 1.0, None, "true"])
def test_a_press_is_true_or_false(wrong: object) -> None:
    assert fault_of(lambda: CLIENT.read(framed(0.0, 0.0, wrong, False))) == 1007


@pytest.mark.parametrize("pack", [tickws.pack, msgspec.msgpack.encode])
@pytest.mark.parametrize("bad", BAD)
def test_where_there_is_no_bound_the_schema_looks(bad: float, pack: Callable[[object], bytes]) -> None:
    message = CLIENT.read(pack([2, 1, 1, None, 0, [0.0, bad, False, False]]))
    assert not InputSchema(Move).is_finite(message.frame)


def test_fields_of_a_frame() -> None:
    assert CLIENT.read(framed(1, -1, True, False)).frame == Move(1.0, -1.0, True)
    assert fault_of(lambda: CLIENT.read(framed(0.0, 0.0, False, False, None))) == 1007
    assert fault_of(lambda: CLIENT.read(tickws.pack([2, 1, 1, None, 0, {"dy": 0.0}]))) == 1007
    assert fault_of(lambda: CLIENT.read(tickws.pack([2, 1, 1, None, 0, None]))) == 1007


# What two ends compare


def test_difference_in_words() -> None:
    ours = protocol_text("pong 1", "dy:held serve:press")
    assert ours == "pong 1|dy:held serve:press"
    assert difference("pong 2|dy:held", ours) == "protocol: the client has 'pong 2', the server 'pong 1'"
    assert difference("pong 1|dy:held", ours) == "inputs: the client has 'dy:held', the server 'dy:held serve:press'"
    assert difference("", ours) == "protocol: the client has '', the server 'pong 1'"
    assert difference("a|b|x:held", "a|b|y:held") == "inputs: the client has 'x:held', the server 'y:held'"
