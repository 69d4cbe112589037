"""One input frame per player and tick: none misses it, nobody is faster than it, no press is lost or doubled."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tickws
from tests.game.helpers import Move, Table
from tickws.testing import Conditions, MemoryNetwork


@pytest.mark.parametrize(
    ("rate", "snapshot_rate", "latency"),
    [
        (rate, snapshot_rate, latency)
        for rate in (10, 30, 60, 144)
        for snapshot_rate in (20, 60)
        for latency in (0.0, 0.05)
    ],
)
def test_no_input_misses_its_tick(rate: int, snapshot_rate: int, latency: float) -> None:
    """At 0 ms none after the first feedback; at 100 ms none after a few."""
    late: list[int] = []
    for phase in (0.0, 0.3, 0.5, 0.9):
        table = Table(snapshot_rate=snapshot_rate, conditions=Conditions(latency=latency))
        table.publish_each_tick()
        client = table.join()
        before = table.counts

        def turn(table: Table = table, client: tickws.GameClient[Move] = client) -> None:
            nonlocal before
            client.send_input(Move(0.5))
            client.work()
            if table.clock.now() < (0.2 if rate > 10 else 1.0) + 12 * latency:
                before = table.counts

        table.run_apart(5.0, turn, rate, phase)
        late.append(table.counts.late - before.late)
        if latency == 0.0 and rate >= 60:
            assert before.late <= 1
            assert table.counts.inputs >= 5 * 60 - 4
    assert late == [0, 0, 0, 0]


UNMETERED = tickws.GameLimits(messages_per_second=math.inf, bytes_per_second=math.inf)


def test_in_step_with_the_server_none_misses_at_all() -> None:
    table = Table()
    table.publish_each_tick()
    client = table.join()
    table.run(0.2)
    client.send_input(Move(0.5))
    table.run(5.0)
    assert table.counts.late == 0
    assert table.inputs[1][-290:] == [Move(0.5)] * 290


@pytest.mark.parametrize("latency", [0.0, 0.02, 0.1, 0.3])
def test_on_a_longer_line_after_a_few_round_trips(latency: float) -> None:
    table = Table(conditions=Conditions(latency=latency))
    table.publish_each_tick()
    client = table.join()
    client.send_input(Move(0.5))
    table.run(0.5 + 8 * latency)
    before = table.counts
    table.run(5.0)
    assert (table.counts.late, table.counts.repeated) == (before.late, before.repeated)


@pytest.mark.parametrize(
    "ahead", [(1,) * 20, tuple(range(1, 21)), tuple(range(41, 61)), (-5,) * 20, tuple(range(-9, 11))]
)
def test_who_sends_20_times_as_fast_moves_no_faster(ahead: tuple[int, ...]) -> None:
    table = Table()
    position = {1: 0.0, 2: 0.0}

    @table.loop.system
    def move(tick: tickws.Tick) -> None:
        for player in table.game.players:
            position[player.id] += player.input(tick).dy

    honest, cheat = table.raw(), table.raw()
    start, ticks = dict(position), table.loop.ticks
    before = len(table.inputs[2])
    for _ in range(300):
        now = table.loop.ticks - 1
        honest.input(now + 1, 1.0, False)
        for lead in ahead:
            if now + lead >= 0:
                cheat.input(now + lead, 1.0, False)
        table.run(1 / 60)
    assert position[2] - start[2] <= position[1] - start[1] + 1.0
    assert max(abs(frame.dy) for frame in table.inputs[2]) == 1.0
    assert len(table.inputs[2]) - before == table.loop.ticks - ticks
    assert cheat.closed is None


def test_presses_20_times_as_fast_come_once_a_tick_at_most() -> None:
    table = Table(limits=UNMETERED)
    raw = table.raw()
    for _ in range(60):
        for _ in range(20):
            raw.input(table.loop.ticks, 0.0, True)
        table.run(1 / 60)
    before = sum(frame.serve for frame in table.inputs[1])
    assert before <= 60
    table.run(10.0)
    waited = sum(frame.serve for frame in table.inputs[1]) - before
    assert 0 < waited <= 64 + 256  # what may wait is bounded


def test_presses_20_times_as_fast_are_not_even_read_beyond_the_rate() -> None:
    table = Table()
    raw = table.raw()
    for _ in range(60):
        for _ in range(20):
            raw.input(table.loop.ticks, 0.0, True)
        table.run(1 / 60)
    read = table.game.server.statistics().messages_received
    assert 2 * 512 - 32 <= read <= 2 * 512 + 16  # a burst, and a second's
    assert table.game.server.statistics().limited["messages_per_second"] > 10
    assert raw.closed is None
    table.run(10.0)
    assert table.game.server.statistics().messages_received >= 1200


stalls = st.lists(
    st.tuples(st.floats(0.2, 1.0), st.floats(0.02, 0.6), st.sampled_from(["down", "up", "both", "server", "client"])),
    max_size=4,
)
lines = st.builds(Conditions, latency=st.floats(0.0, 0.2), jitter=st.floats(0.0, 0.1))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), line=lines, stalls=stalls, every=st.integers(10, 40))
def test_a_press_happens_exactly_once(
    seed: int, line: Conditions, stalls: list[tuple[float, float, str]], every: int
) -> None:
    """Whatever the line does: latency, jitter, stalls in either direction, hitches of either end."""
    table = Table(network=MemoryNetwork(conditions=line, seed=seed))
    table.publish_each_tick()
    client = table.join()
    table.run(0.2 + 10 * line.latency + 10 * line.jitter)
    assert client.connected
    pressed = frames = 0

    def run(seconds: float) -> None:
        nonlocal pressed, frames
        for _ in range(round(seconds * 60)):
            # presses made before the next frame goes out are one, as where the client sets its clock back
            press = frames % every == 0 and bool(table.clients) and not client._controls._presses
            pressed += press
            frames += 1
            client.send_input(Move(0.5, press))
            table.run(1 / 60)

    end = table.line()
    assert end.other is not None
    for wait, length, where in stalls:
        run(wait)
        if where == "server":
            table.clock.advance(length)
            continue
        if where in ("down", "both"):
            end.stall()
        if where in ("up", "both"):
            end.other.stall()
        if where == "client":
            table.clients.clear()
        run(length)
        end.stall(False)
        end.other.stall(False)
        table.clients[:] = [client]
    run(1.0)
    client.send_input(Move(0.5))
    table.run(3.0)
    assert client.connected
    assert sum(frame.serve for frame in table.inputs[1]) == pressed
