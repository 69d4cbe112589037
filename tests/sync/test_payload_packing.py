"""What we say in msgpack: what goes, what raises, and the 32 bits of a world's floats."""

import dataclasses
import enum
import struct
import sys
from collections import ChainMap, namedtuple
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tickws
from tests.sync.helpers import STEADY, floats, single, texts
from tickws.sync.payload import pack_quantised


class Line(msgspec.Struct):
    text: str
    room: int = 0


@dataclasses.dataclass
class Build:
    at: tuple[int, int]
    what: str


class Knot(msgspec.Struct):
    inner: Any = None


class Side(enum.Enum):
    LEFT = "left"


class Level(enum.IntEnum):
    ONE = 1


# What cannot be packed


def circle(make: Callable[[], Any], close: Callable[[Any], object]) -> object:
    made = make()
    close(made)
    return made


@pytest.mark.parametrize(
    "value",
    [1 << 64, -(1 << 63) - 1, "\ud800", {"\udfff": 1}, Knot("\ud800"), Knot(1 << 70), [[1 << 64]]],
)
def test_values_beyond_msgpack(value: object) -> None:
    for pack in (tickws.pack, pack_quantised):
        with pytest.raises(ValueError):
            pack(value)


@pytest.mark.parametrize(
    "value",
    [
        circle(list, lambda made: made.append(made)),
        circle(dict, lambda made: made.update(a=made)),
        circle(Knot, lambda made: setattr(made, "inner", made)),
        circle(Knot, lambda made: setattr(made, "inner", [{"a": made}])),
        circle(lambda: Build((0, 0), "wall"), lambda made: setattr(made, "at", made)),
        circle(dict, lambda made: made.update(a=MappingProxyType(made))),
    ],
    ids=["list", "dict", "Struct", "Struct in a dict", "dataclass", "Mapping"],
)
def test_circles(value: object) -> None:
    with pytest.raises(ValueError):
        tickws.pack(value)


@pytest.mark.parametrize("value", [{1}, frozenset(), object(), int, len, 1j, iter(()), range(3), msgspec.UNSET])
def test_what_has_no_form_on_the_wire(value: object) -> None:
    for whole in (value, [value], {"a": value}, MappingProxyType({"a": [value]})):
        with pytest.raises(TypeError, match="cannot pack a "):
            tickws.pack(whole)


@pytest.mark.parametrize("value", [object(), int, 1j, range(3)])
def test_the_error_names_what_has_no_form_and_not_what_holds_it(value: object) -> None:
    for whole in (value, [value], Knot(value), Knot([{"a": value}])):
        with pytest.raises(TypeError, match=f"cannot pack a {type(value).__name__}:"):
            tickws.pack(whole)


Pair = namedtuple("Pair", "a b")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((1, (2,)), [1, [2]]),
        (Pair(1, 2), [1, 2]),
        (Line("hi", 2), {"text": "hi", "room": 2}),
        (Build((1, 2), "wall"), {"at": [1, 2], "what": "wall"}),
        ({"a": [Build((1, 2), "wall")]}, {"a": [{"at": [1, 2], "what": "wall"}]}),
        (MappingProxyType({"a": MappingProxyType({1: 2})}), {"a": {1: 2}}),
        (ChainMap({"a": 1}, {"a": 2}), {"a": 1}),
        (Knot(Knot(MappingProxyType({"a": Knot(b"x")}))), {"inner": {"inner": {"a": {"inner": b"x"}}}}),
        (bytearray(b"ab"), b"ab"),
        (Knot(memoryview(b"ab")), {"inner": b"ab"}),
        ([Side.LEFT, Level.ONE], ["left", 1]),
    ],
)
def test_what_is_packed_as_something_plainer(value: object, expected: object) -> None:
    assert tickws.unpack(tickws.pack(value)) == expected


# Quantised


@STEADY
@given(st.floats(width=32) | floats.filter(lambda number: abs(number) < 1e38) | st.sampled_from([0.1, 1e-46, -0.0]))
def test_quantised_is_what_struct_makes_of_it(number: float) -> None:
    assert pack_quantised(number) == b"\xca" + struct.pack("!f", number)
    expected = {"a": [{"inner": single(number)}]}
    assert repr(tickws.unpack(pack_quantised({"a": [Knot(number)]}), allow_nan=True)) == repr(expected)


@pytest.mark.parametrize("number", [1e39, -1e39, sys.float_info.max])
def test_what_32_bits_cannot_hold_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match="float too large"):
        pack_quantised({"a": number})


@STEADY
@given(st.dictionaries(texts, st.integers(-(1 << 63), (1 << 64) - 1) | texts | st.booleans()))
def test_quantised_changes_floats_alone(value: dict[str, object]) -> None:
    assert pack_quantised(value) == tickws.pack(value)
