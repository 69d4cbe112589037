"""How a client ends: by its own wish, in each of its states, and at the end of a `with`."""

import pytest

import tickws
from tests.client.helpers import Log
from tests.game.helpers import Move, Table
from tickws.testing import Conditions, MemoryNetwork


def test_closing_says_goodbye_and_comes_back_no_more() -> None:
    table = Table()
    client = table.join()
    log = Log(client)
    table.run(0.1)
    client.close(4000, "dinner")
    table.run(0.2)
    assert not client.work()
    assert log.events[1:] == [tickws.Disconnected(4000, "dinner")]
    assert [(left.code, left.reason) for left in table.of(tickws.PlayerLeft)] == [(4000, "dinner")]
    assert (client.connected, client.player, client.send("chat")) == (False, None, False)
    client.close()
    assert not client.work()
    assert len(log.events) == 2


def test_closing_while_it_connects() -> None:
    table = Table(conditions=Conditions(latency=0.5))
    client = table.join()
    log = Log(client)
    table.run(0.2)
    client.close(1000, "changed my mind")
    table.run(0.1)
    assert not client.work()
    assert log.events == [tickws.Disconnected(1000, "changed my mind")]


def test_closing_between_two_attempts() -> None:
    network = MemoryNetwork()
    client = tickws.GameClient("ws://127.0.0.1:1/", Move, network=network)
    log = Log(client)
    assert client.work()
    client.close()
    assert not client.work()
    assert [type(event) for event in log.events] == [tickws.Dropped, tickws.Disconnected]


def test_closing_that_cannot_be_changes_nothing() -> None:
    table = Table()
    client = table.join()
    table.run(0.1)
    for arguments in ((1005, ""), (1000, "x" * 124)):
        with pytest.raises(ValueError):
            client.close(*arguments)
    table.run(1.0)
    assert client.connected


def test_leaving_a_with_works_until_it_is_closed() -> None:
    table = Table()
    with table.join() as client:
        table.run(0.1)
        assert client.connected
        log = Log(client)
        table.clients.clear()
    assert not client.connected
    assert [type(event) for event in log.events] == [tickws.Disconnected]
