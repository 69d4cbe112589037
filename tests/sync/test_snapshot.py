"""Worlds, cuts, and how much of them is under way to one client."""

import dataclasses
import math
from collections import ChainMap, deque
from types import MappingProxyType
from typing import Any

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sync.helpers import STEADY, Value, floats, single, texts, values
from tickws.sync.snapshot import Cuts, Window, World
from tickws.sync.wire import Inputs, Snapshot, server_reader

READER = server_reader()
INPUTS = Inputs(9, 1000, -2, 8, 99, 1)


def read(world: World, inputs: Inputs | None = None, event: int = 0) -> Snapshot:
    snapshot = READER.read(world.message(inputs, event))
    assert isinstance(snapshot, Snapshot)
    return snapshot


def world(state: Any, cuts: dict[Any, int] | None = None) -> World:
    return World(100, 1_666_667, 5, state, cuts or {})


# World


@dataclasses.dataclass
class Paddle:
    y: float
    name: str = "left"


class Ball(msgspec.Struct, rename="camel"):
    is_round: bool = True
    at: tuple[float, float] = (0.5, 0.1)


def test_all_of_it() -> None:
    made = world({1: {"x": 0.5, "deep": [{"a": None}]}, 2: {}}, {1: 98})
    expected: dict[int | str, Any] = {1: {"x": 0.5, "deep": [{"a": None}]}, 2: {}}
    assert read(made, INPUTS, 3) == Snapshot(INPUTS, 3, 100, 1_666_667, 5, None, expected, [], {1: 98})
    assert made.tick == 100


def test_two_clients_share_the_world_s_bytes() -> None:
    made = world({"ball": {"x": 0.25}}, {"ball": 100})
    first, second = made.message(INPUTS, 3), made.message(None, 70_000)
    tail = first[len(msgspec.msgpack.encode([5, INPUTS, 3])) :]
    assert second.endswith(tail)
    assert len(second) == len(msgspec.msgpack.encode([5, None, 70_000])) + len(tail)
    ball: dict[int | str, Any] = {"ball": {"x": 0.25}}
    cuts: dict[int | str, int] = {"ball": 100}
    assert READER.read(first) == Snapshot(INPUTS, 3, 100, 1_666_667, 5, None, ball, [], cuts)
    assert READER.read(second) == Snapshot(None, 70_000, 100, 1_666_667, 5, None, ball, [], cuts)
    assert made.message(INPUTS, 3) == first


def test_later_changes_change_nothing() -> None:
    inner, fields, cuts = [1.0], dict[str, Any](), {1: 98}
    paddle = Paddle(0.5)
    fields["inner"] = inner
    state: dict[int, Any] = {1: fields, 2: paddle}
    made = world(state, cuts)
    before = made.message(None, 0)
    inner.append(2.0)
    fields["more"] = 1
    paddle.y = 9.0
    state[3] = {}
    del state[1]
    cuts[2] = 99
    assert made.message(None, 0) == before
    assert read(made).entities == {1: {"inner": [1.0]}, 2: {"y": 0.5, "name": "left"}}


def test_what_fields_may_stand_in() -> None:
    state = {1: Paddle(0.5), 2: Ball(), 3: MappingProxyType({"a": 1}), 4: ChainMap({"b": Paddle(1.0)})}
    expected = {
        1: {"y": 0.5, "name": "left"},
        2: {"is_round": True, "at": [0.5, single(0.1)]},
        3: {"a": 1},
        4: {"b": {"y": 1.0, "name": "left"}},
    }
    for form in (state, MappingProxyType(state), ChainMap(state)):
        assert read(world(form)).entities == expected
    assert read(world({})).entities == {}


@STEADY
@given(
    st.dictionaries(st.integers(1 - 2**53, 2**53 - 1), st.dictionaries(texts, values, max_size=3), max_size=4)
    | st.dictionaries(texts, st.dictionaries(texts, values, max_size=3), max_size=4)
)
def test_any_state_arrives_with_floats_of_32_bits(state: dict[Any, dict[str, Value]]) -> None:
    try:
        expected = quantised(state)
    except OverflowError:
        with pytest.raises(ValueError, match="float too large"):
            world(state)
    else:
        assert repr(read(world(state)).entities) == repr(expected)


class Numpyish(float):
    """A float of another class."""


def deep(levels: int) -> list[Any]:
    """A list that lies in so many lists."""
    found: list[Any] = []
    for _ in range(levels):
        found = [found]
    return found


def quantised(value: Value) -> Value:
    if isinstance(value, float):
        return single(value)
    if isinstance(value, list):
        return [quantised(item) for item in value]
    return {key: quantised(item) for key, item in value.items()} if isinstance(value, dict) else value


@STEADY
@given(floats.filter(lambda number: abs(number) < 1e38))
def test_quantising_twice_changes_nothing(number: float) -> None:
    once = read(world({1: {"x": number}})).entities
    assert once == {1: {"x": single(number)}}
    assert read(world(once)).entities == once


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        (None, TypeError, "maps entity ids to their fields; this is a NoneType"),
        ([{}], TypeError, "this is a list"),
        ({1: {}, "a": {}}, TypeError, "all int, or all str, in one world; these are int, str"),
        ({True: {}}, TypeError, "these are bool"),
        ({1: {}, True + 1.5: {}}, TypeError, "these are float, int"),
        ({None: {}}, TypeError, "these are NoneType"),
        ({b"a": {}}, TypeError, "these are bytes"),
        ({2**53: {}}, ValueError, "below 2\\^53"),
        ({-(2**53): {}}, ValueError, "below 2\\^53"),
        ({2**70: {}}, ValueError, "below 2\\^53"),
        ({"\ud800": {}}, ValueError, "surrogates"),
        ({7: [1]}, TypeError, "fields of entity 7 are a mapping, a dataclass or a Struct, not a list"),
        ({7: None}, TypeError, "not a NoneType"),
        ({7: Paddle}, TypeError, "not a type"),
        ({"p": {1: 2}}, TypeError, "1 of entity 'p' is none"),
        ({"p": {None: 2}}, TypeError, "None of entity 'p' is none"),
        ({7: {"x": {1}}}, TypeError, "cannot pack a set"),
        ({7: {"x": object()}}, TypeError, "cannot pack a object"),
        ({7: {"x": 1 << 64}}, ValueError, "cannot pack a number"),
        ({7: {"x": 1e39}}, ValueError, "cannot pack a number: float too large"),
        ({7: {"x": float("nan")}}, ValueError, "x of entity 7: a number that is not finite"),
        ({7: {"x": float("-inf")}}, ValueError, "x of entity 7: a number that is not finite"),
        ({7: {"x": [0.0, {"y": float("inf")}]}}, ValueError, "x of entity 7: a number that is not finite"),
        ({7: {"x": {(0, 1): 3}}}, ValueError, "x of entity 7: .*"),
        ({7: {"x": {None: 3}}}, ValueError, "x of entity 7: a map's key must be text or a whole number"),
        ({7: {"x": {1.5: 3}}}, ValueError, "x of entity 7: a map's key"),
        ({7: {"x": msgpack.ExtType(5, b"")}}, ValueError, "x of entity 7: msgpack's extension types"),
        ({7: {"x": Numpyish("nan")}}, ValueError, "x of entity 7: a number that is not finite"),
        ({7: {"x": deep(17)}}, ValueError, "x of entity 7: too deep"),
    ],
)
def test_what_cannot_be_sent(state: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        world(state)


def test_a_world_that_no_client_takes() -> None:
    with pytest.raises(ValueError, match=r"a world of \d+ bytes: clients take"):
        world({1: {"x": b"x" * (1 << 20)}})


def test_jumps_of_what_is_not_there_are_not_told() -> None:
    assert read(World(9, 0, 0, {"a": {}}, {"a": 8, "b": 8, 5: 8})).cuts == {"a": 8}


def test_ids_at_their_edges() -> None:
    state: dict[int, Any] = {2**53 - 1: {}, 1 - 2**53: {}, 0: {}}
    assert read(world(state)).entities == state


# Cuts


def test_cuts_are_told_for_a_second() -> None:
    cuts = Cuts(20)
    cuts.cut("a", 100)
    cuts.cut("b", 110)
    assert cuts.recent(100) == {"a": 100, "b": 110}
    assert cuts.recent(120) == {"a": 100, "b": 110}
    assert cuts.recent(121) == {"b": 110}
    cuts.cut("b", 125)
    assert cuts.recent(145) == {"b": 125}
    assert cuts.recent(146) == {}


# Window


def test_at_first_two() -> None:
    window = Window(20)
    for tick, is_open in ((0, True), (3, True), (6, False)):
        assert window.open == is_open
        if is_open:
            window.sent(tick, 0.0)
    assert (window.outstanding, window.round_trip) == (2, 0.0)


@STEADY
@given(
    st.integers(1, 128),
    st.lists(st.tuples(st.floats(0.0, 2.0), st.integers(0, 4), st.booleans()), max_size=120),
)
def test_never_more_than_the_round_trip_holds_and_two(rate: int, steps: list[tuple[float, int, bool]]) -> None:
    """Each step: time passes, some of what is under way is applied (or an unknown tick is named), all goes that may."""
    window, under_way, trips = Window(rate), deque[tuple[int, float]](), deque[float](maxlen=32)
    now, tick = 0.0, 0
    for passed, applied, named_wrongly in steps:
        now += passed
        if under_way and applied:
            last, when = under_way[min(applied, len(under_way)) - 1]
            if named_wrongly:
                assert not window.applied(last + 1, now)
            else:
                assert window.applied(last, now)
                trips.append(now - when)
                while under_way and under_way[0][0] <= last:
                    under_way.popleft()
        shortest = min([*trips, 1.0]) if trips else 0.0
        assert window.round_trip == shortest
        most = math.ceil(shortest * rate) + 2
        while window.open:
            tick += 3
            window.sent(tick, now)
            under_way.append((tick, now))
            assert len(under_way) <= most
        assert window.outstanding == len(under_way) >= most


def test_one_huge_round_trip_does_not_open_it() -> None:
    window, now, tick = Window(20), 0.0, 0
    for _ in range(40):
        tick += 3
        window.sent(tick, now)
        now += 0.05
        assert window.applied(tick, now)
    assert window.round_trip == pytest.approx(0.05)
    sent = send_all(window, tick, now)
    now += 30.0
    assert not window.open
    assert window.applied(sent[-1], now)
    assert window.round_trip == pytest.approx(0.05)
    assert len(send_all(window, sent[-1], now)) <= 4


def test_a_first_round_trip_of_30_seconds_counts_as_one_and_is_forgotten_by_the_next() -> None:
    window = Window(20)
    sent = send_all(window, 0, 0.0)
    assert window.applied(sent[-1], 30.0)
    assert window.round_trip == 1.0
    sent = send_all(window, sent[-1], 30.0)
    assert len(sent) == 22
    assert window.applied(sent[0], 30.02)
    assert window.round_trip == pytest.approx(0.02)
    assert not window.open
    assert window.applied(sent[-1], 30.04)
    assert len(send_all(window, sent[-1], 30.04)) == 3


def test_a_client_that_moved_away_is_measured_anew() -> None:
    window = Window(20)
    for index in range(33):
        window.sent(index, float(index))
        assert window.applied(index, index + (0.01 if index == 0 else 0.2))
    assert window.round_trip == pytest.approx(0.2)


def send_all(window: Window, tick: int, now: float) -> list[int]:
    """As many as go; their ticks."""
    sent = []
    while window.open:
        tick += 3
        window.sent(tick, now)
        sent.append(tick)
    return sent


def test_acknowledging_old_and_unknown_ticks() -> None:
    window = Window(20)
    assert not window.applied(0, 0.0)
    window.sent(3, 0.0)
    window.sent(6, 0.0)
    assert not window.applied(2, 0.1)
    assert window.outstanding == 2
    assert not window.applied(5, 0.1)  # never sent, though both its neighbours were
    assert (window.outstanding, window.round_trip) == (2, 0.0)
    assert window.applied(6, 0.1)
    assert not window.applied(6, 9.0)
    assert not window.applied(2**53 - 1, 9.0)
    assert (window.outstanding, window.round_trip) == (0, 0.1)
