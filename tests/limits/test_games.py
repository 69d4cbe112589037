"""Games: honest players meet no limit, whatever their line does; and a game's server has the limits of the game."""

from __future__ import annotations

from typing import Any

import pytest

import tickws
from tests.game.helpers import SPEAKS, Move, Table
from tests.limits.places import dial_from
from tests.limits.table import limited
from tests.transport.peers import Peer
from tickws.game.limits import GameLimits
from tickws.testing import Conditions

QUIET = {"ping_seconds"}
"""What takes effect where nobody does anything wrong."""


@pytest.mark.parametrize("rate", [20, 60, 128])
@pytest.mark.parametrize(
    "line", [Conditions(), Conditions(latency=0.05, jitter=0.05), Conditions(latency=0.2, jitter=0.2)], ids=str
)
def test_a_player_who_plays_and_talks_meets_no_limit(line: Conditions, rate: int) -> None:
    """For a while: an input in each tick, and all the messages that a player may say."""
    table = Table(rate=rate, snapshot_rate=20 if rate != 128 else 16, conditions=line)
    table.publish_each_tick()
    table.game.message("chat", str)
    client = table.join()
    table.run(2.0)
    said = 0.0
    for _ in range(20 * rate):
        client.send_input(Move(dy=1.0))
        said += 59 / rate
        while said >= 1:
            said -= 1
            assert client.send("chat", "x" * 40)
        table.frame()
    assert client.connected
    assert set(limited(table.game, table.game.server)) <= QUIET
    assert table.counts.messages >= 19 * 59


@pytest.mark.parametrize("seconds", [0.3, 1.0])
def test_a_line_that_hangs_for_a_moment_is_no_offence(seconds: float) -> None:
    """What was said meanwhile comes at once."""
    table = Table()
    table.publish_each_tick()
    client = table.join()
    table.run(2.0)
    server_end: Any = table.line().other
    for _ in range(5):
        server_end.stall()
        for _ in range(round(seconds * 60)):
            client.send_input(Move(dy=1.0))
            table.frame()
        server_end.stall(False)
        for _ in range(120):
            client.send_input(Move(dy=1.0))
            table.frame()
    assert client.connected
    assert set(table.game.server.statistics().limited) <= QUIET


def test_a_games_own_server_has_its_limits() -> None:
    limits = GameLimits(address_connections=2, handshakes=3, header_bytes=600, handshake_seconds=2.0)
    table = Table(limits=limits)

    class House:
        """As much of one as `dial_from` wants."""

        def dial(self) -> Peer:
            return Peer(table.network, table.game.port)

    house: Any = House()
    peers = [dial_from(house, "192.0.2.1") for _ in range(3)]
    long = dial_from(house, "192.0.2.2")
    long.ask("/", SPEAKS, "X: " + "x" * 600)
    table.run(0.1)
    assert [peer.gone for peer in peers] == [False, False, True]
    assert long.receive_status() == 431
    table.run(2.0)
    assert all(peer.gone for peer in peers)
    assert limited(table.game.server) == {"address_connections": 1, "header_bytes": 1, "handshake_seconds": 2}


def test_a_game_on_a_server_of_yours_has_that_servers_limits() -> None:
    network = tickws.testing.MemoryNetwork()
    server = tickws.WebSocketServer(network=network, limits=tickws.Limits(message_bytes=50))
    table = Table(network=network, server=server, limits=GameLimits(message_bytes=100, ping_seconds=0.5))
    table.game.message("any")
    raw = table.raw()
    raw.say(3, 1, "any", "x" * 60)
    table.run(5.0)
    assert raw.closed == (1009, "message above 50 bytes")
    assert limited(table.game, table.game.server) == {"message_bytes": 1}, "no ping either"
