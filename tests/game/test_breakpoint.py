"""A breakpoint: the program stands still for half a minute, wherever it is, and everybody is there when it goes on."""

from collections.abc import Callable
from typing import Any

import pytest

import tickws
from tests.game.helpers import Move, Table
from tests.transport.ends import Two, Who, other
from tests.transport.peers import FRAME, House, pong, text
from tickws.game.limits import GameLimits
from tickws.protocol.limits import Limits
from tickws.transport.websocket import WebSocket

STANDS = 30.0
PLAYERS = GameLimits()


# A server in somebody's loop


@pytest.mark.parametrize("where", ["between frames", "open", "message", "close"])
@pytest.mark.parametrize("phase", [0.5, 0.99, 1.02, 8.0, 14.6])
def test_a_server_in_a_loop(where: str, phase: float) -> None:
    """A peer that was silent for `phase` seconds just then: pinged or not, and with hardly any time left."""
    stood: list[float] = []

    def stand(ws: WebSocket, *arguments: object) -> None:
        if ws.request.path == "/stands" and not stood:
            stood.append(house.clock.now())
            house.clock.advance(STANDS)

    calls: dict[str, Any] = {} if where == "between frames" else {f"on_{where}": stand}
    house = House(limits=PLAYERS, **calls)
    silent, talking = house.peer("/silent"), house.peer("/talking")
    third = house.peer("/stands") if where in ("message", "close") else silent
    for _ in range(round(phase / FRAME)):
        talking.say(text("before"))
        house.run(FRAME)
    if where == "between frames":
        house.clock.advance(STANDS)
    elif where == "open":
        house.dial().ask("/stands")
    elif where == "message":
        third.say(text("stop"))
    else:
        third.socket.reset()
    talking.say(text("at it"))
    for _ in range(12):
        house.run(FRAME)
        silent.say(*(pong(each[1]) for each in silent.receive() if isinstance(each, tuple)))
    assert len(stood) == (where != "between frames")
    assert house.statistics.timed_out == 0
    assert [path for path, _, _ in house.closes] == ["/stands"] * (where == "close")
    assert house.heard("message", "/talking")[-1] == "at it"


def test_time_that_a_breakpoint_took_is_not_given_to_the_dead() -> None:
    """Who was silent before is given what was left of its time, and no new one."""
    house = House(limits=PLAYERS)
    house.peer()
    house.run(10.0)
    house.clock.advance(STANDS)
    house.run(4.0)
    assert house.closes == []
    house.run(1.2)
    assert house.closes == [("/", 1006, "")]


# A game


def in_a_tick(table: Table, stand: Callable[..., None]) -> None:
    table.loop.system(stand)


def in_an_event(table: Table, stand: Callable[..., None]) -> None:
    table.loop.bus.subscribe(tickws.PlayerLeft, stand)


def in_a_message(table: Table, stand: Callable[..., None]) -> None:
    table.game.message("stop")(stand)


@pytest.mark.parametrize("clients_too", [False, True])
@pytest.mark.parametrize("place", [in_a_tick, in_an_event, in_a_message])
def test_a_game_and_its_players(place: Callable[..., None], clients_too: bool) -> None:
    """The clients go on meanwhile; or stand still with it, as on one machine."""
    table = Table()
    table.publish_each_tick()
    clients = [table.join() for _ in range(3)]
    watching = table.raw()
    armed: list[bool] = []

    def stand(*arguments: object) -> None:
        if not armed:
            return
        armed.clear()
        if clients_too:
            table.clock.advance(STANDS)
            return
        end = table.clock.now() + STANDS
        while table.clock.now() < end:
            for client in table.clients:
                client.work()
            table.clock.advance(FRAME)

    place(table, stand)
    for client in clients:
        client.send_input(Move(1.0))
    table.run(3.0)
    leaver = table.join()
    table.run(1.0)
    armed.append(True)
    clients[0].send("stop")
    table.clients.remove(leaver)
    leaver.close()
    leaver.work()
    table.run(3.0)
    assert not armed, "it stood still"
    assert [left.player.id for left in table.of(tickws.PlayerLeft)] == [5]
    assert table.game.server.statistics().timed_out == 0
    assert [client.player for client in clients] == [1, 2, 3]
    assert watching.closed is None
    before = table.counts
    table.run(2.0)
    assert table.counts.inputs - before.inputs >= 3 * 2 * 60 - 6, "inputs are in their ticks again"
    assert table.counts.late == before.late


# The client's side


@pytest.mark.parametrize("who", ["server", "client"])
@pytest.mark.parametrize(("phase", "borne"), [(0.0, True), (20.6, True), (19.9, False), (39.0, False)])
def test_who_stands_still_gives_nobody_up(who: Who, phase: float, borne: bool) -> None:
    """Either end. The other one goes on, and bears 40 seconds of silence (`Limits`), of which some may be over."""
    two = Two(limits=Limits())
    two.run(phase)
    going_on = other(who)
    two.run(STANDS, going_on)
    two.run(60.0)
    assert two.closes(who) == two.closes(going_on) == ([] if borne else [(1006, "")])
    assert two.ends[who].statistics().timed_out == 0
    assert two.ends[going_on].statistics().timed_out == (not borne)


def test_a_client_finds_a_server_that_hangs_for_good_and_comes_back_to_it() -> None:
    """It cannot know of the breakpoint there: after `ping_seconds` and `dead_seconds` it is dropped, and dials anew."""
    table = Table()
    table.publish_each_tick()
    client = table.join()
    table.run(2.0)
    seen: list[Any] = []
    client.bus.subscribe(tickws.Dropped, seen.append)
    limits = Limits()
    begun = table.clock.now()
    while not seen:
        client.work()
        table.clock.advance(FRAME)
        assert table.clock.now() - begun < 60.0
    assert limits.ping_seconds + limits.dead_seconds - 0.1 <= table.clock.now() - begun
    assert table.clock.now() - begun <= limits.ping_seconds + limits.dead_seconds + 0.6
    assert not client.connected
    for _ in range(300):
        client.work()
        table.clock.advance(FRAME)
    table.run(8.0)
    assert client.connected
    assert client.player == 2
    assert [left.player.id for left in table.of(tickws.PlayerLeft)] == [1]
