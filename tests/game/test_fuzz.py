"""Whatever bytes come from a client, nothing raises, nothing untyped reaches the game, and others play on."""

from typing import Any

import msgpack
from hypothesis import given, settings
from hypothesis import strategies as st

import tickws
from tests.game.helpers import Move, Table

whole = st.integers(-3, 400) | st.integers(-(1 << 63), (1 << 64) - 1)
plain = st.none() | st.booleans() | whole | st.floats() | st.text(max_size=8) | st.binary(max_size=8)
values = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(plain, inner, max_size=3), max_leaves=8
)
field = whole | values
messages = st.one_of(
    st.tuples(st.integers(-1, 7), *[field] * 4).map(list),
    st.tuples(st.just(2), whole, whole, st.none() | whole, whole, st.tuples(st.floats(-2, 2), st.booleans() | plain)),
    st.tuples(st.just(3), st.integers(1, 4), st.sampled_from(["chat", "any", "", "cheat"]), values),
    st.tuples(st.just(4), st.integers(0, 3), st.none() | whole),
    values,
)


@st.composite
def said(draw: st.DrawFn) -> bytes | str:
    """A message, as it should be or bent."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.text(max_size=20) | st.binary(max_size=60))
    data: bytes = msgpack.packb(draw(messages), unicode_errors="surrogatepass")
    if data and draw(st.booleans()):
        at = draw(st.integers(0, len(data) - 1))
        data = data[:at] + draw(st.binary(max_size=3)) + data[at + draw(st.integers(0, 2)) :]
    return data


@settings(max_examples=150, deadline=None)
@given(st.lists(said(), max_size=12))
def test_nothing_but_what_is_typed_reaches_the_game(script: list[bytes | str]) -> None:
    table = Table()
    got: list[Any] = []
    table.game.message("chat", str)(lambda player, payload: got.append(payload))
    table.game.message("any")
    table.publish_each_tick()
    raw, other = table.raw(), table.raw()
    for message in script:
        raw.say_bytes(message)
        table.run(1 / 60)
    other.input(table.loop.ticks, 1.0, True)
    table.run(0.1)
    assert Move(1.0, True) in table.inputs[2]
    assert other.closed is None
    for frame in table.inputs[1]:
        assert type(frame) is Move
        assert type(frame.dy) is float
        assert -1 <= frame.dy <= 1
        assert type(frame.serve) is bool
    assert all(type(payload) is str for payload in got)
    assert table.game.server.statistics().callback_errors == 0
    told = [event for event in table.of(tickws.InputRejected) if event.code is not None]
    assert sum(table.counts.rejected.values()) == len(told)
    assert (raw.closed is None) == (len(told) <= 8)
