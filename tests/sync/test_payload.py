"""msgpack from anybody: what comes back, and what is refused."""

import dataclasses
import enum
import math
import struct
import sys
import tracemalloc
from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

import tickws
from tests.sync.helpers import STEADY, Value, nested, values
from tickws.sync.payload import DEPTH, finite

Wrap = Callable[[object], object]

wraps: st.SearchStrategy[list[Wrap]] = st.lists(
    st.sampled_from(
        [
            lambda inner: [inner],
            lambda inner: [1, "a", inner],
            lambda inner: [inner, {}],
            lambda inner: {"a": inner},
            lambda inner: {7: 1, -1: inner, "b": None},
        ]
    ),
    max_size=DEPTH - 1,
)


def planted(leaf: object, around: list[Wrap], *, single: bool = False) -> bytes:
    """A leaf somewhere in a value."""
    for wrap in around:
        leaf = wrap(leaf)
    data = msgpack.packb(leaf, use_single_float=single)
    assert isinstance(data, bytes)
    return data


# What comes back


@STEADY
@given(values)
def test_what_is_packed_comes_back(value: Value) -> None:
    data = tickws.pack(value)
    for form in (data, bytearray(data), memoryview(data)):
        assert repr(tickws.unpack(form, depth=100)) == repr(value)


@STEADY
@given(values)
def test_every_truncation_and_every_byte_too_much_is_refused(value: Value) -> None:
    data = tickws.pack(value)
    for size in range(len(data)):
        with pytest.raises(ValueError):
            tickws.unpack(data[:size], depth=100)
    for more in (b"\xc0", b"\x00", b"\xc1", data):
        with pytest.raises(ValueError):
            tickws.unpack(data + more, depth=100)


def is_plain(value: object) -> bool:
    if type(value) is list:
        return all(map(is_plain, value))
    if type(value) is dict:
        return all(type(key) in (str, int) and is_plain(item) for key, item in value.items())
    return type(value) in (type(None), bool, int, str, bytes) or (type(value) is float and math.isfinite(value))


@STEADY
@given(st.binary(max_size=60) | st.lists(st.integers(0x80, 0xFF), max_size=30).map(bytes))
def test_any_bytes_give_plain_values_or_value_error(data: bytes) -> None:
    try:
        assert is_plain(tickws.unpack(data))
    except ValueError:
        pass


@STEADY
@given(values, st.data())
def test_one_wrong_byte_gives_plain_values_or_value_error(value: Value, data: st.DataObject) -> None:
    packed = bytearray(tickws.pack(value))
    packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert is_plain(tickws.unpack(packed, depth=100))
    except ValueError:
        pass


def test_text_from_a_peer_is_refused_like_bytes_that_are_no_msgpack() -> None:
    message: Any = "hello"
    with pytest.raises(ValueError, match="no msgpack"):
        tickws.unpack(message)


def test_of_one_key_twice_the_last_counts() -> None:
    assert tickws.unpack(b"\x83\xa1a\x01\xa1b\x02\xa1a\x03") == {"a": 3, "b": 2}


# Depth and size


@pytest.mark.parametrize("opening", [b"\x91", b"\x81\xa1a", b"\x81\x07", b"\xdc\x00\x01", b"\xdf\x00\x00\x00\x01\x01"])
def test_depth_ends_at_its_limit(opening: bytes) -> None:
    for depth in (0, 1, 5, DEPTH):
        tickws.unpack(nested(depth, opening), depth=depth)
        for levels in (depth + 1, depth + 2):
            with pytest.raises(ValueError, match="too deep"):
                tickws.unpack(nested(levels, opening), depth=depth)
    assert DEPTH == 16
    tickws.unpack(nested(DEPTH, opening))
    with pytest.raises(ValueError, match="too deep"):
        tickws.unpack(nested(DEPTH + 1, opening))


@pytest.mark.parametrize("levels", [600, 995, 1000, 5_000, 100_000, 1_000_000])
@pytest.mark.parametrize("opening", [b"\x91", b"\x81\xa1a", b"\x81", b"\x92\xc0", b"\xdd\x00\x00\x00\x01"])
def test_bombs_are_too_deep(levels: int, opening: bytes) -> None:
    for leaf in (b"\xc0", b""):
        with pytest.raises(ValueError):
            tickws.unpack(nested(levels, opening, leaf))


@pytest.mark.parametrize("levels", [400, 900, 990, 1000, 5_000])
def test_a_depth_beyond_python_s_own_is_no_recursion_error(levels: int) -> None:
    try:
        tickws.unpack(nested(levels), depth=sys.getrecursionlimit() * 10)
    except ValueError:
        assert levels >= 900


@pytest.mark.parametrize("head", [b"\xdd", b"\xdf", b"\xdb", b"\xc6", b"\xc9"])
@pytest.mark.parametrize("count", [0xFFFFFFFF, 0x7FFFFFFF, 0x0FFFFFFF, 65_536, 4_000])
def test_no_count_is_believed_before_its_bytes_are_there(head: bytes, count: int) -> None:
    announced = head + struct.pack("!I", count)
    for data in (announced, announced + b"\x01", announced * 800):
        assert peak_of(data) < 10 * len(data) + 10_000


def test_announcing_again_and_again_makes_nothing() -> None:
    """msgpack alone makes 512 lists of 13,000 elements for these 64 KiB."""
    data = (b"\xdd" + struct.pack("!I", 13_000)) * 13_000
    assert peak_of(data) < 10_000


def peak_of(data: bytes) -> int:
    """The most memory in use while bytes are refused."""
    tracemalloc.start()
    try:
        with pytest.raises(ValueError):
            tickws.unpack(data)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


# What is no plain value


@STEADY
@given(wraps, st.sampled_from([math.nan, -math.nan, math.inf, -math.inf]), st.booleans())
def test_what_is_not_finite_is_refused_in_any_place(around: list[Wrap], number: float, single: bool) -> None:
    data = planted(number, around, single=single)
    with pytest.raises(ValueError, match="not finite"):
        tickws.unpack(data)
    assert tickws.unpack(data, allow_nan=True) is not None
    leaf: object = number
    for wrap in around:
        leaf = wrap(leaf)
    assert not finite(leaf)


@STEADY
@given(wraps, st.integers(0, 127), st.binary(max_size=20))
def test_extension_types_are_refused_in_any_place(around: list[Wrap], code: int, data: bytes) -> None:
    with pytest.raises(ValueError):
        tickws.unpack(planted(msgpack.ExtType(code, data), around))


@pytest.mark.parametrize(
    "data",
    [
        b"\xd6\xff\x00\x00\x00\x01",  # timestamps of 32, 64 and 96 bits
        b"\xd7\xff" + bytes(8),
        b"\xd7\xff" + b"\xff" * 8,
        b"\xc7\x0c\xff" + bytes(12),
        b"\xc7\x0c\xff" + b"\xff" * 12,
        b"\xd4\xff\x00",
        b"\xc7\x00\x05",
        b"\xd4\x80\x00",
    ],
)
def test_timestamps_and_broken_ones_are_refused(data: bytes) -> None:
    for whole in (data, b"\x91" + data, b"\x81\xa1a" + data, b"\x81" + data + b"\x01"):
        with pytest.raises(ValueError):
            tickws.unpack(whole)


@pytest.mark.parametrize("key", [None, True, 1.5, math.nan, b"a", msgpack.ExtType(1, b"a"), (1, 2), ()])
def test_keys_are_text_or_whole_numbers(key: object) -> None:
    for data in (msgpack.packb({key: 1}), msgpack.packb([{"a": {key: 1}}])):
        with pytest.raises(ValueError):
            tickws.unpack(data, allow_nan=True)
    with pytest.raises(ValueError):
        tickws.unpack(b"\x81\x81\xa1a\x01\x01")  # a map as a key


@pytest.mark.parametrize("text", [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"])
def test_text_that_is_no_utf8(text: bytes) -> None:
    string = bytes([0xA0 | len(text)]) + text
    for data in (string, b"\x91" + string, b"\x81" + string + b"\x01", b"\x81\x01" + string):
        with pytest.raises(ValueError, match="UTF-8"):
            tickws.unpack(data)


# Of a type


class Line(msgspec.Struct):
    text: Annotated[str, Meta(min_length=1, max_length=5)]
    room: Annotated[int, Meta(ge=0, lt=10)] = 0


@dataclasses.dataclass
class Build:
    at: tuple[int, int]
    what: Literal["wall", "tower"]


class Side(enum.Enum):
    LEFT = "left"


class Level(enum.IntEnum):
    ONE = 1


@pytest.mark.parametrize(
    ("value", "type", "expected"),
    [
        ({"text": "hi", "room": 9}, Line, Line("hi", 9)),
        ({"text": "hi", "more": 1}, Line, Line("hi")),
        ({"at": [1, 2], "what": "wall"}, Build, Build((1, 2), "wall")),
        ("left", Side, Side.LEFT),
        (1, Level, Level.ONE),
        (1, float, 1.0),
        ([1, 2], set[int], {1, 2}),
        ({1: "a"}, dict[int, str], {1: "a"}),
        (None, Line | None, None),
        ([{"x": 1}], Any, [{"x": 1}]),
    ],
)
def test_typed(value: object, type: Any, expected: object) -> None:
    assert tickws.unpack(tickws.pack(value), type) == expected


@pytest.mark.parametrize(
    ("value", "type"),
    [
        ({}, Line),
        ({"text": ""}, Line),
        ({"text": "longer"}, Line),
        ({"text": 1}, Line),
        ({"text": "hi", "room": -1}, Line),
        ({"text": "hi", "room": 10}, Line),
        ({"text": "hi", "room": True}, Line),
        ({1: "hi"}, Line),
        ({"at": [1, 2, 3], "what": "wall"}, Build),
        ({"at": [1, 2], "what": "moat"}, Build),
        ("right", Side),
        ([], Side),
        (2, Level),
        (True, int),
        (1, bool),
        ("nan", float),
        ([[1]], set),  # what cannot lie in a set is no TypeError
        ([[1]], set[Any]),
        ([[1]], frozenset[list[int]]),
        ({"a": 1}, dict[int, int]),
    ],
)
def test_what_is_of_another_type_or_out_of_bounds(value: object, type: Any) -> None:
    with pytest.raises(ValueError):
        tickws.unpack(tickws.pack(value), type)


def test_a_type_that_is_none_is_our_own_mistake() -> None:
    not_a_type: Any = object()
    with pytest.raises(TypeError):
        tickws.unpack(b"\x01", not_a_type)
