"""The game's table that is shipped to users: a server, its loop and its clients, turned in frames."""

from typing import Annotated

import pytest
from msgspec import Meta

import tickws
from tests import certificates
from tickws.testing import Conditions, GameTable, ManualClock, MemoryNetwork


class Move(tickws.Input):
    dy: Annotated[float, Meta(ge=-1, le=1)] = 0.0


def test_the_docstrings_example_is_true() -> None:
    table = GameTable(Move, snapshot_rate=20)
    ada = table.join()
    ada.send_input(Move(dy=1.0))
    where = {1: {"y": 0.0}}

    @table.loop.system
    def simulate(tick: tickws.Tick) -> None:
        for player in table.game.players:
            where[player.id]["y"] += player.input(tick).dy
        table.game.publish(where)

    table.run(0.5)
    assert [player.id for player in table.game.players] == [1]
    assert 20.0 <= where[1]["y"] <= 30.0
    assert 0.0 < ada.state()[1]["y"] < where[1]["y"]


def test_time_passes_in_ticks_and_only_there() -> None:
    table = GameTable(Move, rate=50, snapshot_rate=10)
    start = table.clock.now()
    table.run(1.0)
    assert table.clock.now() - start == pytest.approx(1.0)
    assert table.loop.ticks in (50, 51)
    table.run(0.0)
    assert table.clock.now() - start == pytest.approx(1.02)
    assert isinstance(table.clock, ManualClock)


def test_clients_and_servers_take_arguments() -> None:
    table = GameTable(Move, port=9000, spectators=1, max_players=1)
    clients = [table.join(query={"name": "Ada"}), table.join(role="spectator", inputs=None)]
    table.run(0.1)
    assert table.game.port == 9000
    assert [client.spectator for client in clients] == [False, True]
    assert [player.request.query.get("name") for player in table.game.players] == ["Ada"]


def test_who_is_taken_out_of_the_clients_is_not_turned() -> None:
    table = GameTable(Move)
    ada, bob = table.join(), table.join()
    table.clients.remove(bob)
    table.run(0.2)
    assert [ada.connected, bob.connected] == [True, False]


def test_beside_other_things_on_one_network() -> None:
    network = MemoryNetwork(conditions=Conditions(latency=0.05))
    said: list[object] = []
    server = tickws.WebSocketServer(network=network, on_open=said.append)
    table = GameTable(Move, network=network, server=server, path="/game")
    chat = tickws.WebSocketClient("ws://127.0.0.1:8056/chat", network=network)
    for _ in range(30):
        table.run(1 / 60)
        chat.work(None, wait=0)
    assert len(said) == 1
    assert table.network is network


def test_a_table_by_tls() -> None:
    table = GameTable(Move, snapshot_rate=20, ssl_context=certificates.served())
    ada = table.join(ssl_context=certificates.trusted())
    table.run(0.5)
    assert ada.connected
    (player,) = table.game.players
    assert player.request.secure


def test_the_same_calls_give_the_same_result() -> None:
    def play() -> list[object]:
        table = GameTable(Move, conditions=Conditions(latency=0.03, jitter=0.05))
        log: list[object] = []

        @table.loop.system
        def simulate(tick: tickws.Tick) -> None:
            log.extend((tick.number, player.id, player.input(tick).dy) for player in table.game.players)
            table.game.publish({player.id: {"x": tick.time} for player in table.game.players})

        clients = [table.join(), table.join()]
        for number in range(120):
            clients[number % 2].send_input(Move(dy=(number % 21 - 10) / 10))
            table.run(1 / 60)
            log.append([client.state() for client in clients])
        return log

    first = play()
    assert len(first) > 200
    assert play() == first
