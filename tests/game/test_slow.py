"""Slow clients: a few stale snapshots and then the newest; bounded events, in order; others notice nothing."""

import math
from typing import Any

import pytest

import tickws
from tests.game.helpers import RawClient, Table
from tickws.testing import Conditions, MemoryNetwork

RATE = 20
WORLD = {number: {"x": 0.5, "y": 0.25, "name": f"entity {number}"} for number in range(40)}
"""Some 1,200 bytes."""


class Stall:
    """A game with a client that acknowledges what it applies and hangs for a while, and another that plays on."""

    def __init__(self, latency: float, buffer_bytes: int, snapshot_rate: int = RATE) -> None:
        self.table = Table(snapshot_rate=snapshot_rate, conditions=Conditions(latency=latency))
        self.table.publish_each_tick(WORLD)
        self.other = self.table.join()
        self.table.network.conditions = Conditions(latency=latency, buffer_bytes=buffer_bytes)
        self.slow = self.table.join()
        self.end = self.table.line()
        self.table.run(3.0)
        round_trip = self.table.player(2).latency
        assert round_trip is not None
        self.bound = math.ceil(round_trip * snapshot_rate) + 2
        self.worst, self.usual = self.look()

    def look(self) -> tuple[float, float]:
        """How far behind the two get within a second."""
        behind = []
        for _ in range(60):
            self.table.run(1 / 60)
            behind.append([player.behind or 0.0 for player in self.table.game.players])
        return max(other for other, _ in behind), max(slow for _, slow in behind)


@pytest.mark.parametrize("snapshot_rate", [20, 60])
@pytest.mark.parametrize("buffer_bytes", [2000, 1 << 24])
@pytest.mark.parametrize("latency", [0.0, 0.2])
@pytest.mark.parametrize("how", ["its line hangs", "it does not work"])
def test_on_return_a_few_stale_snapshots_and_then_the_newest(
    how: str, latency: float, buffer_bytes: int, snapshot_rate: int
) -> None:
    stall = Stall(latency, buffer_bytes, snapshot_rate)
    table = stall.table
    sent = table.counts.snapshots
    if how == "its line hangs":
        stall.end.stall()
    else:
        table.clients.remove(stall.slow)
    worst = max(stall.look()[0] for _ in range(3))
    one = table.counts.snapshots - sent - 3 * snapshot_rate
    assert one <= stall.bound  # so many were built for it in three seconds
    seen: list[int] = []
    insert = stall.slow._world.insert
    stall.slow._world.insert = lambda snapshot: seen.append(snapshot.tick) or insert(snapshot)  # type: ignore[method-assign, func-returns-value]
    back = table.loop.ticks
    stall.end.stall(False)
    if stall.slow not in table.clients:
        table.clients.append(stall.slow)
    worst = max(worst, stall.look()[0])
    stale = [tick for tick in seen if tick < back - 60 // snapshot_rate]
    assert len(stale) <= stall.bound
    fresh = [tick for tick in seen if tick not in stale]
    assert fresh[0] <= back + 2 * latency * 60 + 6  # nothing was waiting between them
    assert worst <= stall.worst + 1e-9
    assert table.loop.statistics().lateness.worst <= 1e-6
    assert stall.slow.connected
    assert stall.look()[1] <= stall.usual + 1 / snapshot_rate


def test_the_snapshot_that_waits_for_the_socket_is_of_the_newest_tick_when_it_goes() -> None:
    table = Table(snapshot_rate=RATE, conditions=Conditions(buffer_bytes=500))
    table.publish_each_tick(WORLD)
    raw = table.raw()
    table.run(0.5)
    raw.line.stall()
    raw.say(4, 0, raw.snapshots[-1].tick)
    start = table.loop.ticks
    heard, built, published = len(raw.snapshots), table.counts.snapshots, table.counts.published
    assert built == heard
    table.run(0.5)
    assert table.counts.published == published + 10
    assert table.counts.snapshots == built + 1  # of which the socket has taken a part
    newest = table.loop.ticks - 60 // RATE
    raw.line.stall(False)
    table.run(0.5)
    stale, fresh, *_ = raw.snapshots[heard:]
    assert stale.tick <= start + 60 // RATE
    assert fresh.tick >= newest
    assert table.counts.snapshots == len(raw.snapshots)


def test_who_never_acknowledges_gets_two_snapshots() -> None:
    table = Table()
    table.publish_each_tick()
    raw = table.raw()
    table.run(5.0)
    assert len(raw.snapshots) == 2
    raw.say(4, 0, raw.snapshots[0].tick)
    table.run(1.0)
    assert 3 <= len(raw.snapshots) <= 2 + 20 + 2  # a round trip counts for a second at most
    table.run(1.0)
    assert len(raw.snapshots) <= 2 + 20 + 2


def test_a_client_that_only_watches_acknowledges_too() -> None:
    table = Table(spectators=1)
    table.publish_each_tick()
    client = table.join(inputs=None, role="spectator")
    table.run(2.0)
    assert table.counts.snapshots >= 38
    behind = table.player(1).behind
    assert behind is not None
    assert behind <= 0.1
    assert client.connected


# Events


def quiet(**options: Any) -> tuple[Table, RawClient, tickws.Player[Any]]:
    """A player who acknowledges nothing."""
    table = Table(**options)
    raw = table.raw()
    return table, raw, table.player(1)


def test_256_events_may_wait_for_acknowledgment() -> None:
    table, raw, player = quiet()
    assert all(player.send("hello", number) for number in range(128))
    table.run(0.1)
    assert table.of(tickws.PlayerSlow) == []
    assert all(player.send("hello", number) for number in range(128, 256))
    table.run(0.1)
    (slow,) = table.of(tickws.PlayerSlow)  # once, at more than half
    assert (slow.player, slow.messages) == (player, 129)
    assert raw.closed is None
    assert not player.send("hello", 256)
    table.run(0.1)
    assert raw.closed == (1013, "too slow: 256 events (2818 bytes) are not acknowledged")
    assert [payload for _, payload in raw.messages] == list(range(256))
    assert [left.code for left in table.of(tickws.PlayerLeft)] == [1013]


def test_256_kib_may_wait_for_acknowledgment() -> None:
    table, raw, player = quiet()
    payload = b"x" * (16 * 1024 - 20)
    sent = [player.send("map", payload) for _ in range(20)]
    assert sent == [True] * 16 + [False] * 4
    table.run(0.1)
    (slow,) = table.of(tickws.PlayerSlow)
    assert slow.messages == 9
    assert 128 * 1024 < slow.bytes <= 9 * 16 * 1024
    table.run(0.5)
    assert raw.closed is not None
    assert raw.closed[0] == 1013


def test_one_event_is_taken_however_long() -> None:
    table, raw, player = quiet()
    assert player.send("map", bytes(900_000))
    table.run(0.5)
    assert len(raw.messages[0][1]) == 900_000


def test_acknowledging_makes_room_and_slowness_is_told_anew() -> None:
    table, raw, player = quiet()
    for _ in range(4):
        assert all(player.send("hello") for _ in range(200))
        table.run(0.1)
        raw.say(4, len(raw.messages), None)
        table.run(0.1)
    assert raw.closed is None
    assert len(table.of(tickws.PlayerSlow)) == 4


def test_the_bounds_are_the_limits() -> None:
    _, _, player = quiet(limits=tickws.GameLimits(event_messages=4))
    assert [player.send("hello") for _ in range(6)] == [True] * 4 + [False] * 2


def test_a_broadcast_counts_for_each() -> None:
    table, raw, _ = quiet(limits=tickws.GameLimits(event_messages=4))
    client = table.join()
    table.run(0.2)
    for _ in range(20):
        table.game.broadcast("hello")
        table.run(0.2)
    assert client.connected
    assert raw.closed is not None


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("stalls", [False, True])
def test_exactly_once_and_in_order_both_ways(seed: int, stalls: bool) -> None:
    line = Conditions(latency=0.03, jitter=0.15, buffer_bytes=3000)
    table = Table(network=MemoryNetwork(conditions=line, seed=seed))
    table.publish_each_tick()
    up: list[int] = []
    down: list[int] = []
    table.game.message("up", int)(lambda player, number: up.append(number))
    client = table.join()
    client.message("down", int)(down.append)
    end = table.line()
    table.run(2.0)
    assert end.other is not None
    for number in range(300):
        assert table.game.broadcast("down", number) == 1
        assert client.send("up", number)
        if stalls:
            end.stall(number % 100 in range(20, 60))
            end.other.stall(number % 100 in range(40, 80))
        table.run(1 / 30)
    table.run(4.0)
    assert up == list(range(300))
    assert down == list(range(300))
    assert bool(table.of(tickws.PlayerSlow)) == stalls, "both ways stalled at once: for 2 s nothing is acknowledged"


@pytest.mark.parametrize("buffer_bytes", [500, 1 << 20])
@pytest.mark.parametrize("how", ["kick", "events"])
def test_who_no_longer_hears_that_it_is_thrown_out_left_for_that_reason(how: str, buffer_bytes: int) -> None:
    table = Table(conditions=Conditions(buffer_bytes=buffer_bytes))
    table.publish_each_tick(WORLD)
    table.join()
    table.run(1.0)
    table.line().stall()
    table.run(0.5)
    player = table.player(1)
    if how == "kick":
        player.kick("be nice")
    else:
        assert sum(player.send("hello") for _ in range(300)) == 256
    assert not player.connected
    table.run(6.0)  # as long as a closing handshake may take
    (left,) = table.of(tickws.PlayerLeft)
    assert left.code == (1008 if how == "kick" else 1013)
    assert left.reason.startswith("be nice" if how == "kick" else "too slow: 256 events")
