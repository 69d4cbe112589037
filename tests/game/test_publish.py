"""Publishing: only when a snapshot is due, copied and quantised, with its time, with the jumps; and to whom it goes."""

import struct
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

import tickws
from tests.game.helpers import Table


def single(number: float) -> float:
    """A number as 32 bits hold it."""
    return float(struct.unpack("f", struct.pack("f", number))[0])


@pytest.mark.parametrize(("rate", "snapshot_rate"), [(60, 20), (60, 60), (60, 1), (30, 10), (64, 32), (1, 1)])
def test_snapshots_come_every_so_many_ticks(rate: int, snapshot_rate: int) -> None:
    table = Table(rate=rate, snapshot_rate=snapshot_rate)
    table.publish_each_tick()
    raw = RawAcknowledging(table)
    table.run(5.0)
    ticks = [snapshot.tick for snapshot in raw.raw.snapshots]
    every = rate // snapshot_rate
    assert all(tick % every == 0 for tick in ticks)
    settled = ticks[min(8, len(ticks) - 1) :]  # nothing was acknowledged before the first system ran
    assert settled == list(range(settled[0], table.loop.ticks, every))
    assert [snapshot.time for snapshot in raw.raw.snapshots] == [tick * 1_000_000 // rate for tick in ticks]
    assert table.counts.published == -(-table.loop.ticks // every)


class RawAcknowledging:
    """A raw client that says that it has applied what it hears."""

    def __init__(self, table: Table) -> None:
        self.raw = table.raw()
        table.loop.system(self.acknowledge)

    def acknowledge(self, tick: object) -> None:
        if self.raw.snapshots:
            self.raw.say(4, 0, self.raw.snapshots[-1].tick)


def test_a_callable_is_called_only_when_a_snapshot_is_due() -> None:
    table = Table()
    calls: list[int] = []

    def state() -> dict[int, dict[str, int]]:
        calls.append(table.loop.ticks)
        return {}

    table.loop.system(lambda tick: table.game.publish(state))
    table.run(1.0)
    assert calls == list(range(0, 60, 3))
    assert table.counts.published == 20


def test_the_state_is_copied_before_publish_returns() -> None:
    table = Table()
    state: dict[int, dict[str, Any]] = {1: {"x": 0.1, "path": [1, 2]}}
    raw = table.raw()

    @table.loop.system
    def play(tick: tickws.Tick) -> None:
        state[1]["x"], state[1]["path"][0] = 0.1, 1
        table.game.publish(state)
        state[1]["x"], state[1]["path"][0] = 99.0, 99
        state.setdefault(2, {})

    table.run(0.1)
    assert raw.snapshots[0].entities[1] == {"x": single(0.1), "path": [1, 2]}


def test_again_in_the_same_tick_takes_the_place_of_the_first() -> None:
    table = Table()
    raw = table.raw()

    @table.loop.system
    def play(tick: tickws.Tick) -> None:
        table.game.publish({1: {"x": 1.0}})
        table.game.publish({1: {"x": 2.0}})

    table.run(0.2)
    assert [snapshot.entities[1]["x"] for snapshot in raw.snapshots] == [2.0] * len(raw.snapshots)
    assert table.counts.published == -(-(table.loop.ticks - 6) // 3)


def test_publishing_now_and_then_keeps_to_the_beat() -> None:
    table = Table()
    raw = RawAcknowledging(table)
    table.loop.system(lambda tick: table.game.publish({}) if tick.number % 2 else None)
    table.run(1.0)
    assert {snapshot.tick % 6 for snapshot in raw.raw.snapshots} == {1, 3}
    assert table.counts.published == 20


def test_publishing_outside_of_a_tick_is_for_the_last_one() -> None:
    table = Table()
    raw = table.raw()
    table.game.publish({"ball": {"x": 1.5}})
    table.run(0.1)
    assert [(snapshot.tick, snapshot.entities) for snapshot in raw.snapshots] == [(5, {"ball": {"x": 1.5}})]


@dataclass
class Ball:
    x: float
    name: str = "ball"


class Paddle(msgspec.Struct):
    y: float


def test_entities_are_mappings_dataclasses_or_structs() -> None:
    table = Table()
    raw = table.raw()
    table.game.publish({"ball": Ball(0.5), "paddle": Paddle(0.25), "wall": {"solid": True, "size": [1, 2.5]}})
    table.run(0.1)
    assert raw.snapshots[0].entities == {
        "ball": {"x": 0.5, "name": "ball"},
        "paddle": {"y": 0.25},
        "wall": {"solid": True, "size": [1, 2.5]},
    }


@pytest.mark.parametrize(
    ("state", "error"),
    [
        ([1, 2], TypeError),
        (None, TypeError),
        (lambda: None, TypeError),
        ({1: {}, "a": {}}, TypeError),
        ({1.5: {}}, TypeError),
        ({True: {}}, TypeError),
        ({1: 5}, TypeError),
        ({1: {2: 3}}, TypeError),
        ({1: {"x": object()}}, TypeError),
        ({1 << 53: {}}, ValueError),
        ({1: {"x": 1 << 64}}, ValueError),
    ],
)
def test_states_that_are_none(state: Any, error: type[Exception]) -> None:
    table = Table()
    table.run(0.1)
    with pytest.raises(error):
        table.game.publish(state)
    table.game.publish({1: {"x": 1}})  # and the next one is good


# Cuts


def test_a_cut_is_told_for_a_second() -> None:
    table = Table(snapshot_rate=60)
    table.publish_each_tick()
    raw = RawAcknowledging(table)
    table.loop.system(lambda tick: table.game.cut(1) if tick.number == 60 else None)
    table.run(4.0)
    told = [snapshot.tick for snapshot in raw.raw.snapshots if snapshot.cuts]
    assert {at for snapshot in raw.raw.snapshots for at in snapshot.cuts.values()} == {61}  # cut after that publish
    assert told == list(range(61, 61 + 61))


def test_a_cut_between_two_snapshots_comes_with_the_next() -> None:
    table = Table()
    table.loop.system(lambda tick: table.game.cut("ball") if tick.number == 61 else None)
    table.publish_each_tick({"ball": {"x": 1.0}})
    raw = RawAcknowledging(table)
    table.run(2.0)
    cuts = {snapshot.tick: snapshot.cuts for snapshot in raw.raw.snapshots}
    assert (cuts[60], cuts[63]) == ({}, {"ball": 61})


@pytest.mark.parametrize("entity", [None, 1.5, True, (1,), []])
def test_what_cannot_jump(entity: object) -> None:
    with pytest.raises(TypeError, match="an entity's id"):
        Table().game.cut(entity)


# Who is sent what


def test_a_snapshot_tells_each_player_of_its_own_inputs() -> None:
    table = Table(spectators=1)
    table.publish_each_tick()
    ada, watcher = table.raw(), table.raw("/?role=spectator")
    now = table.loop.ticks
    ada.input(now + 2, 0.5, False)
    ada.say(4, 0, ada.snapshots[-1].tick)
    watcher.say(4, 0, watcher.snapshots[-1].tick)
    table.run(0.1)
    inputs = ada.snapshots[-1].inputs
    assert inputs is not None
    assert (inputs.received, inputs.lead, inputs.sequence, inputs.applied) == (1, 2, 1, now + 2)
    assert inputs.repeated == ada.snapshots[-1].tick - (now + 2)
    assert {snapshot.inputs for snapshot in watcher.snapshots} == {None}


def test_how_long_the_newest_frame_was_held_is_told() -> None:
    table = Table(snapshot_rate=1)
    table.publish_each_tick()
    raw = table.raw()
    raw.input(table.loop.ticks + 2, 0.5, False)
    table.run(1 / 60)
    arrived = table.loop.ticks  # it is read in the next frame
    table.run(0.25)
    raw.say(2, raw.sequence, table.loop.ticks + 2, None, 0, [0.5, False])  # refused: it was here before
    table.run(1.0)
    told = raw.snapshots[-1]
    assert table.counts.out_of_range == 1
    assert told.inputs is not None
    assert told.inputs.received == 1
    assert told.inputs.held == pytest.approx((told.tick - arrived) * 1_000_000 / 60, abs=10)
    assert told.inputs.held > 500_000


def test_time_that_slips_is_told() -> None:
    table = Table()
    table.publish_each_tick()
    raw = RawAcknowledging(table)
    table.run(0.5)
    table.clock.advance(3.0)
    table.run(0.5)
    last = raw.raw.snapshots[-1]
    assert last.slipped == pytest.approx(table.loop.slipped * 1_000_000, abs=1)
    assert last.slipped > 2_000_000
    assert last.time == last.tick * 1_000_000 // 60 + last.slipped
