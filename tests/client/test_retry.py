"""Coming back: after which ends, when exactly, how often, and as whom."""

from typing import Any

import pytest

import tickws
from tests.client.helpers import Fake, Log
from tests.game.helpers import Move, Table
from tickws.client.retry import Retry
from tickws.testing import Conditions, MemoryNetwork

WAITS = [0.1, 0.2, 0.4, 0.8, 1.6, 3.2] + [5.0] * 9
"""Seconds before the attempts that follow one that failed."""


def test_the_waits_double_up_to_five_seconds_fifteen_times() -> None:
    retry = Retry()
    assert [retry.after(1006) for _ in range(17)] == pytest.approx([*WAITS, None, None])
    assert retry.after(1006, held=4.9) is None
    assert retry.after(1006, held=5.0) == 0.1


@pytest.mark.parametrize("code", [1001, 1006, 1011, 1012, 1013])
def test_ends_that_pass(code: int) -> None:
    assert Retry().after(code) == 0.1


@pytest.mark.parametrize("code", [1000, 1002, 1003, 1005, 1007, 1008, 1009, 1010, 3000, 4000])
def test_ends_that_are_meant_for_us(code: int) -> None:
    assert Retry().after(code) is None


@pytest.mark.parametrize(
    ("status", "again"), [(503, True), (500, True), (400, False), (401, False), (403, False), (404, False)]
)
def test_refusals(status: int, again: bool) -> None:
    assert (Retry().after(1006, 0.0, status) is not None) == again


def test_nobody_listens() -> None:
    network = MemoryNetwork()
    client = tickws.GameClient("ws://127.0.0.1:1/", Move, network=network)
    log = Log(client)
    while client.work():
        network.clock.advance(0.001)
    assert [event.retry_seconds for event in log.events[:-1]] == pytest.approx(WAITS)
    gaps = [later - earlier for earlier, later in zip(log.times, log.times[1:], strict=False)]
    assert gaps == pytest.approx(WAITS, abs=0.0021)
    last = log.events[-1]
    assert type(last) is tickws.Disconnected
    assert last.code == 1006
    assert "nobody listens there" in last.reason
    assert sum(gaps) == pytest.approx(51.3, abs=0.05)
    assert not client.work()
    assert len(log.events) == 16


def test_work_sleeps_until_the_next_attempt_no_longer_than_it_may() -> None:
    network = MemoryNetwork()
    client = tickws.GameClient("ws://127.0.0.1:1/", Move, network=network)
    log = Log(client)
    client.work()
    client.work(None, wait=0.04)
    assert network.clock.now() == pytest.approx(0.04)
    client.work(None, wait=0.5)  # no longer than there is to wait
    assert network.clock.now() == pytest.approx(0.1)
    assert client.waited == pytest.approx(0.1)
    client.work(None, wait=None)
    assert log.times == pytest.approx([0.0, 0.1, 0.3], abs=1e-6)
    assert client.waited == pytest.approx(0.3)


def test_work_that_slept_until_an_attempt_does_not_sleep_for_its_answer() -> None:
    network = MemoryNetwork(conditions=Conditions(latency=1.0))
    client = tickws.GameClient("ws://127.0.0.1:1/", Move, network=network)
    log = Log(client)
    client.work(None, wait=None)
    assert [type(event) for event in log.events] == [tickws.Dropped]
    start, waited = network.clock.now(), client.waited
    client.work(None, wait=0.5)
    assert network.clock.now() == pytest.approx(start + 0.1)
    client.work(None, wait=0.5)  # now there is an answer to wait for
    assert network.clock.now() == pytest.approx(start + 0.6)
    assert client.waited == pytest.approx(waited + 0.6)


@pytest.mark.parametrize("rate", [10, 60])
def test_a_server_that_is_down_for_a_while(rate: int) -> None:
    """The attempts come with the frames of the client, each at its time or in the frame behind it."""
    network = MemoryNetwork()
    client = tickws.GameClient("ws://127.0.0.1:8056/", Move, network=network)
    log = Log(client)
    for _ in range(5 * rate):
        client.work()
        network.clock.advance(1 / rate)
    table = Table(network=network)
    table.clients.append(client)
    table.run(2.0)
    assert [type(event) for event in log.events] == [tickws.Dropped] * 6 + [tickws.Connected]
    assert client.player == 1


@pytest.mark.parametrize(
    ("options", "path", "reason"),
    [
        ({"path": "/game"}, "/", "404"),
        ({"origins": ["https://game.example"]}, "/", "403"),
        ({"authenticate": lambda request: None}, "/", "401"),
    ],
)
def test_a_refusal_that_will_be_the_same_next_time(options: dict[str, Any], path: str, reason: str) -> None:
    table = Table(**options)
    client = table.join()
    log = Log(client)
    table.run(10.0)
    (event,) = log.events
    assert type(event) is tickws.Disconnected
    assert event.code == 1006
    assert reason in event.reason


def test_a_full_game_is_asked_again_until_there_is_a_seat() -> None:
    table = Table(max_players=1)
    first, second = table.join(), table.join()
    log = Log(second)
    table.run(2.0)
    assert {type(event) for event in log.events} == {tickws.Dropped}
    assert "503" in log.events[0].reason
    first.close()
    table.run(3.5)
    assert second.connected
    assert second.player == 2


def test_a_kick_is_the_end() -> None:
    table = Table()
    client = table.join()
    log = Log(client)
    table.run(0.1)
    table.player(1).kick("be nice")
    table.run(60.0)
    assert log.events[1:] == [tickws.Disconnected(1008, "be nice")]


@pytest.mark.parametrize(
    ("code", "back"), [(1000, False), (1001, True), (1011, True), (1012, True), (1013, True), (4000, False)]
)
def test_what_the_server_closes_with(code: int, back: bool) -> None:
    fake = Fake()
    fake.welcome()
    for ws in fake.server.server.connections:
        ws.close(code, "so")
    fake.run(0.05)
    assert fake.log.events[1:] == [tickws.Dropped(code, "so", 0.1) if back else tickws.Disconnected(code, "so")]
    assert (fake.client.connected, fake.client.player, fake.client.latency) == (False, None, None)
    assert not fake.client.send("hello")
    fake.run(0.1)
    fake.welcome(player=2)
    assert fake.client.connected == back
    assert fake.client.player == (2 if back else None)


@pytest.mark.parametrize("how", ["abort", "close"])
def test_a_server_that_starts_anew(how: str) -> None:
    table = Table()
    table.publish_each_tick({"ball": {"x": 1.5}})
    table.join().close()  # so that numbers differ
    client = table.join()
    log = Log(client)
    client.send_input(Move(0.5))
    table.run(2.0)
    assert client.player in (1, 2)
    if how == "abort":
        table.game.server.abort()
    else:
        table.game.close(1012)
    table.run(0.1)
    assert [type(event) for event in log.events] == [tickws.Connected, tickws.Dropped]
    for _ in range(30):
        client.work()
        assert not client.connected
        assert client.state() == {"ball": {"x": 1.5}}  # as it was
        table.clock.advance(1 / 60)
    again = Table(network=table.network)
    again.publish_each_tick({"ball": {"x": 2.5}})
    again.clients.append(client)
    again.run(2.0)
    assert client.connected
    assert client.player == 1
    assert client.state() == {"ball": {"x": 2.5}}
    assert [type(event) for event in log.events if type(event) is not tickws.Dropped] == [tickws.Connected] * 2
    before = again.counts
    again.run(2.0)
    assert (again.counts.late, again.inputs[1][-60:]) == (before.late, [Move(0.5)] * 60)


def test_what_was_lost_counts_anew_after_a_connection_that_held() -> None:
    """One that is welcome and closed at once, again and again, is no reason to call ten times a second."""
    fake = Fake()
    for held, wait in ((0.05, 0.1), (0.05, 0.2), (5.0, 0.1), (0.05, 0.2)):
        fake.welcome()
        assert fake.client.connected
        fake.run(held)
        for ws in fake.server.server.connections:
            ws.close(1012)
        fake.run(0.05)
        assert fake.log.events[-1].retry_seconds == wait
        fake.run(0.25)


def test_a_press_that_was_not_sent_is_sent_by_the_next_connection() -> None:
    table = Table()
    client = table.join()
    client.send_input(Move(0.0, True))
    table.run(1.0)
    assert sum(frame.serve for frame in table.inputs[1]) == 1
