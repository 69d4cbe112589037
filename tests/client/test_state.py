"""What a client shows: a moment ago, evenly, with its jumps; whatever the line does to the snapshots."""

import pytest

import tickws
from tests.client.helpers import Fake
from tests.game.helpers import Table
from tickws.testing import Conditions, MemoryNetwork


def showing(rate: int = 20, **options: int) -> Fake:
    """A connected client."""
    fake = Fake()
    fake.welcome(snapshot_rate=rate, **options)
    return fake


def feed(fake: Fake, *snapshots: object, cuts: object = ()) -> None:
    """Let snapshots come every 3 ticks, each as its time has come."""
    for number, entities in enumerate(snapshots):
        fake.server.snapshot(3 * number, entities, cuts=dict(cuts) if number == len(snapshots) - 1 else {})  # type: ignore[call-overload]
        fake.run(0.05)


def at(fake: Fake, time: float) -> object:
    """What is shown when playback is at server time `time`."""
    return fake.client._world.at(time)


def test_nothing_before_the_first_snapshot_and_that_at_once() -> None:
    fake = showing()
    assert fake.client.state() == {}
    fake.server.snapshot(60, {"a": {"x": 1.0, "n": 1, "s": "one"}})
    fake.run(0.05)
    assert fake.client.state() == {"a": {"x": 1.0, "n": 1, "s": "one"}}


def test_floats_move_and_all_else_changes_when_its_time_has_come() -> None:
    fake = showing()
    feed(
        fake,
        {1: {"x": 0.0, "n": 0, "s": "a", "b": False, "l": [0.0]}},
        {1: {"x": 1.0, "n": 10, "s": "b", "b": True, "l": [1.0]}},
    )
    assert at(fake, 0.0125) == {1: {"x": pytest.approx(0.25), "n": 0, "s": "a", "b": False, "l": [0.0]}}
    assert at(fake, 0.05) == {1: {"x": 1.0, "n": 10, "s": "b", "b": True, "l": [1.0]}}
    assert at(fake, -5.0) == {1: {"x": 0.0, "n": 0, "s": "a", "b": False, "l": [0.0]}}
    assert at(fake, 99.0) == {1: {"x": 1.0, "n": 10, "s": "b", "b": True, "l": [1.0]}}


def test_a_field_that_is_a_float_elsewhere_moves_through_whole_numbers() -> None:
    fake = showing()
    feed(fake, {1: {"x": 0.5}}, {1: {"x": 1}}, {1: {"x": 2}})
    assert at(fake, 0.025) == {1: {"x": pytest.approx(0.75)}}
    assert at(fake, 0.075) == {1: {"x": pytest.approx(1.5)}}


def test_entities_come_and_go_with_their_snapshots() -> None:
    fake = showing()
    feed(fake, {1: {"x": 0.0}}, {2: {"x": 5.0}}, {1: {"x": 1.0}, 2: {"x": 6.0}})
    assert at(fake, 0.049) == {1: {"x": 0.0}}
    assert at(fake, 0.05) == {2: {"x": 5.0}}
    assert at(fake, 0.075) == {2: {"x": 5.5}}
    assert at(fake, 0.1) == {1: {"x": 1.0}, 2: {"x": 6.0}}


def test_what_jumps_is_never_on_the_way() -> None:
    fake = showing()
    feed(fake, {1: {"x": 0.0}, 2: {"x": 0.0}}, {1: {"x": 100.0}, 2: {"x": 1.0}}, cuts={1: 2})
    assert at(fake, 0.025) == {1: {"x": 0.0}, 2: {"x": 0.5}}
    assert at(fake, 0.05) == {1: {"x": 100.0}, 2: {"x": 1.0}}


def test_a_jump_before_both_snapshots_is_over() -> None:
    fake = showing()
    feed(fake, {1: {"x": 0.0}}, {1: {"x": 1.0}}, {1: {"x": 2.0}}, cuts={1: 3})
    assert at(fake, 0.075) == {1: {"x": 1.5}}


def test_it_gives_new_dicts() -> None:
    fake = showing()
    feed(fake, {1: {"x": 0.5}}, {1: {"x": 1.0}})
    for time in (0.0, 0.01, 5.0):
        first = fake.client._world.at(time)
        first[1]["x"] = 99.0
        first.clear()
        assert at(fake, time) != {}
    assert fake.client.state()[1]["x"] <= 1.0


def test_playback_is_even_and_some_two_intervals_behind() -> None:
    table = Table()
    table.publish_each_tick()
    client = table.join()
    table.run(3.0)
    shown = []
    for _ in range(120):
        table.run(1 / 60)
        shown.append(table.loop.ticks - client.state()[1]["x"])
    assert max(shown) - min(shown) < 0.05  # evenly: a tick for each tick
    assert 6.0 <= min(shown) <= 10.0


@pytest.mark.parametrize("seed", range(3))
def test_on_a_jittery_line_it_never_goes_back_nor_stops(seed: int) -> None:
    table = Table(network=MemoryNetwork(conditions=Conditions(latency=0.05, jitter=0.04), seed=seed))
    table.publish_each_tick()
    client = table.join()
    table.run(5.0)
    steps = []
    last = client.state()[1]["x"]
    for _ in range(600):
        table.run(1 / 60)
        now = client.state()[1]["x"]
        steps.append(now - last)
        last = now
    assert min(steps) >= 0.9
    assert max(steps) <= 1.1


def test_a_jump_is_seen_as_one() -> None:
    table = Table()
    where = {"x": 0.0}

    @table.loop.system
    def play(tick: tickws.Tick) -> None:
        if tick.number == 121:
            where["x"] = 100.0
            table.game.cut(1)
        table.game.publish({1: where})

    client = table.join()
    seen = []
    for _ in range(180):
        table.run(1 / 60)
        seen += [entity["x"] for entity in client.state().values()]
    assert set(seen) == {0.0, 100.0}
    assert sorted(seen) == seen


def test_a_tab_that_was_hidden_shows_the_present_and_no_film() -> None:
    table = Table()
    table.publish_each_tick()
    client = table.join()
    table.run(3.0)
    table.clients.clear()
    table.run(30.0)
    table.clients.append(client)
    table.run(1.0)
    assert table.loop.ticks - client.state()[1]["x"] <= 0.45 * 60
    assert client.connected or client.player is None


def test_asked_for_a_time_that_is_past_it_stands_still() -> None:
    fake = showing()
    feed(fake, {1: {"x": 0.0}}, {1: {"x": 1.0}}, {1: {"x": 2.0}}, {1: {"x": 3.0}})
    now = fake.clock.now()
    first = fake.client.state(now)
    assert fake.client.state(now - 10.0) == first
    assert fake.client.state(now) == first
