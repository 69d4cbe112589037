"""Hitches: a server or a client that hangs for a while kicks nobody, and all is as it was within a second."""

import pytest

import tickws
from tests.game.helpers import Move, Table
from tickws.testing import Conditions


def playing(latency: float) -> tuple[Table, tickws.GameClient[Move]]:
    """A game with two that play, and have settled."""
    table = Table(conditions=Conditions(latency=latency))
    table.publish_each_tick()
    clients = [table.join(), table.join()]
    for client in clients:
        client.send_input(Move(0.5))
    table.run(4.0)
    return table, clients[0]


def check_settled(table: Table, client: tickws.GameClient[Move], within: float = 1.0) -> None:
    """After `within` seconds inputs are on time, the world is fresh, and nobody was lost."""
    table.run(within)
    counts = table.counts
    table.run(3.0)
    assert table.counts.late == counts.late
    assert table.counts.out_of_range == counts.out_of_range
    assert table.counts.inputs - counts.inputs >= 2 * 3 * 60 - 4
    assert table.counts.left == 0
    assert table.counts.rejected == {}
    assert client.connected
    assert client.player == 1
    shown = client.state()[1]["x"]
    latency = client.latency
    assert latency is not None
    most = latency / 2 + 0.2  # two intervals, and what the burst after the gap leaves
    assert 0 < table.loop.ticks - shown <= most * 60 + 3


@pytest.mark.parametrize("latency", [0.0, 0.05, 0.15])
@pytest.mark.parametrize("seconds", [0.2, 0.5, 3.0, 30.0])
def test_a_server_that_hangs(seconds: float, latency: float) -> None:
    table, client = playing(latency)
    end = table.clock.now() + seconds
    while table.clock.now() < end:  # the clients go on meanwhile
        for each in table.clients:
            each.work()
        table.clock.advance(1 / 60)
    check_settled(table, client, 1.0 + 4 * latency)
    assert table.loop.slipped == pytest.approx(max(0.0, seconds - 0.25 + 1 / 60), abs=0.04)


@pytest.mark.parametrize("latency", [0.0, 0.1])
@pytest.mark.parametrize("seconds", [0.5, 3.0, 10.0])
def test_a_client_that_hangs(seconds: float, latency: float) -> None:
    table, client = playing(latency)
    table.clients.remove(client)
    table.run(seconds)
    assert set(table.inputs[2][-60:]) == {Move(0.5)}
    if seconds > 1:
        assert table.inputs[1][-1] == Move()
    table.clients.append(client)
    check_settled(table, client)


@pytest.mark.parametrize("seconds", [0.5, 3.0])
def test_both_hang_as_on_one_machine(seconds: float) -> None:
    table, client = playing(0.0)
    table.clock.advance(seconds)
    check_settled(table, client)


def test_a_server_that_hangs_again_and_again() -> None:
    table, client = playing(0.05)
    for _ in range(10):
        table.clock.advance(0.4)
        table.run(0.3)
    check_settled(table, client)


def test_a_client_that_is_gone_for_longer_than_silence_is_borne_comes_back() -> None:
    table, client = playing(0.0)
    lost: list[object] = []
    client.bus.subscribe(tickws.Dropped, lost.append)
    table.clients.remove(client)
    table.run(16.0)
    assert [left.code for left in table.of(tickws.PlayerLeft)] == [1006]
    table.clients.append(client)
    table.run(1.0)
    assert client.connected
    assert client.player == 3
    assert len(lost) == 1
