"""`GameClient`: what it says first, what it does, says and hears; its slice; arguments that are none."""

from typing import Any

import pytest

import tickws
from tests.client.helpers import Fake, Log
from tests.game.helpers import Free, Move, Table
from tickws.client.voice import SENT, UNSENT_BYTES
from tickws.testing import Conditions, ManualClock, MemoryNetwork

# Hello


def test_it_says_hello_first_and_is_nobody_before_the_welcome() -> None:
    fake = Fake(protocol="pong 1", tick_rate=60)
    client = fake.client
    assert (client.connected, client.player, client.spectator) == (False, None, False)
    assert (client.tick_rate, client.snapshot_rate, client.latency, client.state()) == (None, None, None, {})
    fake.run(0.1)
    (hello,) = fake.server.heard
    assert hello[:2] == [0, 1]
    assert hello[3:] == ["pong 1|dy:held serve:press", 60, None, 0]
    assert not client.connected
    fake.server.welcome(7, snapshot_rate=30)
    fake.run(0.1)
    assert (client.connected, client.player, client.spectator) == (True, 7, False)
    assert (client.tick_rate, client.snapshot_rate) == (60, 30)
    assert fake.log.events == [tickws.Connected(7, False)]


def test_who_only_watches_needs_no_inputs_and_takes_any_protocol() -> None:
    table = Table(spectators=1, protocol="pong 1")
    client = table.join(inputs=None, role="spectator", query={"name": "Ada & Bob"})
    log = Log(client)
    table.run(0.2)
    assert client.spectator
    assert log.events == [tickws.Connected(1, True)]
    assert table.player(1).request.query == {"role": "spectator", "name": "Ada & Bob"}


def test_the_query_is_added_to_the_urls_own() -> None:
    client = tickws.GameClient("ws://127.0.0.1:1/game?a=1", Move, query={"name": "x y"}, network=MemoryNetwork())
    assert client.url == "ws://127.0.0.1:1/game?a=1&name=x+y"


@pytest.mark.parametrize(
    ("mine", "why"),
    [
        ({"inputs": Free}, "inputs: the client has 'x:held', the server 'dy:held serve:press'"),
        ({"protocol": "pong 2"}, "protocol: the client has 'pong 2', the server ''"),
        ({"tick_rate": 30}, "tick rate: the client has 30, the server 60"),
    ],
)
def test_what_differs_is_named_and_it_is_over(mine: dict[str, Any], why: str, caplog: pytest.LogCaptureFixture) -> None:
    table = Table()
    client = table.join(**mine)
    log = Log(client)
    table.run(0.2)
    assert log.events == [tickws.Disconnected(1008, why)]
    assert not client.work()
    assert caplog.text.count(why) == 2  # on both sides


# What the player does


def test_an_input_holds_until_the_next_and_a_press_goes_out_once() -> None:
    table = Table()
    table.publish_each_tick()
    client = table.join()
    table.run(0.2)
    client.send_input(Move(0.5, True))
    client.send_input(Move(1.0))
    table.run(1.0)
    frames = [frame for frame in table.inputs[1] if frame != Move()]
    assert frames == [Move(1.0, True)] + [Move(1.0)] * (len(frames) - 1)
    assert len(frames) > 50


def test_before_it_has_said_anything_nothing_is_sent_for_it() -> None:
    table = Table()
    table.publish_each_tick()
    table.join()
    table.run(1.0)
    assert table.counts.inputs == 0
    assert table.player(1).behind == 0.0  # but what it has applied is acknowledged


def test_who_found_no_seat_to_play_in_may_go_on_saying_what_it_would_do() -> None:
    table = Table(max_players=1, spectators=1)
    table.publish_each_tick()
    clients = [table.join(), table.join()]
    for _ in range(60):
        for client in clients:
            client.send_input(Move(1.0, True))
        table.run(1 / 60)
    assert [client.spectator for client in clients] == [False, True]
    assert [client.connected for client in clients] == [True, True]
    assert table.counts.rejected == {}


def test_with_much_unsent_no_frames_are_added_and_no_press_is_lost() -> None:
    table = Table(conditions=Conditions(buffer_bytes=500))
    table.publish_each_tick()
    client = table.join()
    client.send_input(Move(1.0))
    table.run(0.5)
    end = table.line().other
    assert end is not None
    end.stall()
    table.run(12.0)
    unsent = client._line.unsent_bytes
    assert UNSENT_BYTES < unsent < UNSENT_BYTES + 100
    client.send_input(Move(0.5, True))
    table.run(0.5)
    assert client._line.unsent_bytes == unsent
    end.stall(False)
    table.run(3.0)
    assert client.connected
    assert sum(frame.serve for frame in table.inputs[1]) == 1
    assert table.inputs[1][-60:] == [Move(0.5)] * 60


@pytest.mark.parametrize(("before", "measured"), [(SENT - 1, True), (SENT, False)])
def test_the_time_of_sending_is_remembered_for_so_many_frames(before: int, measured: bool) -> None:
    fake = Fake()
    fake.welcome()
    fake.client.send_input(Move())
    fake.run(6.0)
    fake.server.server.work(None, wait=0)
    frames = [sequence for kind, sequence, *_ in fake.server.heard if kind == 2]
    assert len(frames) > SENT
    fake.server.say(5, [frames[-1] - before, 0, 2, 1, 1, 0], 0, 3, 50_000, 0, None, {}, [], {})
    fake.server.server.work(None, wait=0)
    fake.client.receive()
    assert (fake.client.latency is not None) == measured


@pytest.mark.parametrize("frame", [Free(), Move, None, {"dy": 1.0}, 1.0])
def test_inputs_that_are_none(frame: Any) -> None:
    with pytest.raises(TypeError, match="an input of this game is a Move"):
        Fake().client.send_input(frame)


@pytest.mark.parametrize("frame", [Move(1.5), Move(float("nan")), Move("up"), Move(0.0, 1)])  # type: ignore[arg-type]
def test_inputs_that_no_server_would_take(frame: Move) -> None:
    table = Table()
    client = table.join()
    with pytest.raises(ValueError):
        client.send_input(frame)
    table.run(1.0)
    assert client.connected
    assert table.counts.rejected == {}


# Messages


def test_messages_both_ways() -> None:
    table = Table()
    table.game.message("chat", str)(lambda player, text: table.game.broadcast("chat", [player.id, text]))
    client, other = table.join(), table.join()
    heard: list[Any] = []
    client.message("chat", tuple[int, str])(heard.append)
    log = Log(other)
    assert not client.send("chat", "too early")
    table.run(0.1)
    assert client.send("chat", "hello")
    table.run(0.2)
    assert heard == [(1, "hello")]
    assert tickws.ServerMessage("chat", [1, "hello"]) in log.events  # declared nowhere, and heard nevertheless


@pytest.mark.parametrize(
    ("name", "payload", "error"),
    [("", None, ValueError), ("x" * 65, None, ValueError), (5, None, TypeError), ("a", object(), TypeError)],
)
def test_messages_that_are_none(name: Any, payload: object, error: type[Exception]) -> None:
    table = Table()
    client = table.join()
    table.run(0.1)
    with pytest.raises(error):
        client.send(name, payload)
    with pytest.raises((TypeError, ValueError)):
        client.message(name if error is not TypeError or name == 5 else "", int)
    assert client.connected


def test_a_message_is_declared_once() -> None:
    client = Fake().client
    client.message("chat")
    with pytest.raises(ValueError, match="declared already"):
        client.message("chat")


def test_256_messages_may_wait_for_acknowledgment_and_then_it_says_so() -> None:
    fake = Fake()
    fake.run(0.1)
    fake.server.welcome()
    fake.run(0.1)
    sent = [fake.client.send("hello", number) for number in range(300)]
    assert sent == [True] * 256 + [False] * 44
    fake.run(0.1)
    assert fake.client.connected
    fake.server.say(4, 256, None)
    fake.run(0.1)
    assert fake.client.send("hello")


# The slice


def test_work_inside_a_callback() -> None:
    table = Table()
    client = table.join()
    caught: list[object] = []

    def call(event: object) -> None:
        with pytest.raises(tickws.UsageError):
            client.work()
        caught.append(event)

    client.bus.subscribe(tickws.Connected, call)
    client.message("hello")(call)
    table.run(0.1)
    table.game.broadcast("hello")
    table.run(0.1)
    assert len(caught) == 2
    assert client.connected


def test_an_exception_of_a_subscriber_leaves_work_and_the_client_goes_on() -> None:
    table = Table()
    client = table.join()
    client.message("hello")(lambda payload: 1 // 0)
    table.run(0.1)
    table.game.broadcast("hello")
    with pytest.raises(ZeroDivisionError):
        table.run(0.1)
    table.run(0.1)
    assert client.connected


def test_work_waits_as_long_as_it_is_told() -> None:
    table = Table(conditions=Conditions(latency=1.0))
    client = table.join()
    start = table.clock.now()
    client.work()
    client.work(0.1)
    assert table.clock.now() == start
    client.work(0.4, wait=None)
    assert table.clock.now() == pytest.approx(start + 0.3)  # a quarter is kept for what is to be said
    client.work(None, wait=0.25)
    assert table.clock.now() == pytest.approx(start + 0.55)
    assert client.waited == pytest.approx(0.55)


@pytest.mark.parametrize("budget", ["1", 20, True, float("nan")])
def test_budgets_that_are_none(budget: Any) -> None:
    client = Fake().client
    with pytest.raises((TypeError, ValueError)):
        client.work(budget)


# In a loop


def test_in_a_loop_of_its_own() -> None:
    table = Table()
    table.publish_each_tick()
    loop = tickws.TickLoop(60, clock=table.clock)
    client = loop.add(table.join(), budget=0.004)
    table.clients.clear()
    loop.system(lambda tick: client.send_input(Move(0.5)))
    for _ in range(120):
        table.run(1 / 60)
        loop.frame()
    assert client.connected
    assert table.inputs[1][-60:] == [Move(0.5)] * 60
    loop.close()
    table.run(0.1)
    assert not client.connected
    assert table.game.players == ()


# Arguments that are none


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"inputs": None}, TypeError, "a player has inputs"),
        ({"inputs": dict}, TypeError, "subclass of tickws.Input"),
        ({"inputs": Move()}, TypeError, "subclass of tickws.Input"),
        ({"role": "referee"}, ValueError, "role"),
        ({"url": "http://127.0.0.1/"}, ValueError, "WebSocket URL"),
        ({"url": "127.0.0.1:8056"}, ValueError, "WebSocket URL"),
        ({"headers": {"Upgrade": "x"}}, ValueError, "Upgrade"),
        ({"errors": "close"}, ValueError, "errors"),
    ],
)
def test_misuse(options: dict[str, Any], error: type[Exception], words: str) -> None:
    network = MemoryNetwork(ManualClock())
    with pytest.raises(error, match=words):
        tickws.GameClient(**{"url": "ws://127.0.0.1:1/", "inputs": Move, "network": network, **options})


def test_a_message_that_the_server_would_not_take_raises_and_costs_nothing() -> None:
    table = Table(limits=tickws.GameLimits(message_bytes=200))
    table.game.message("chat", str)
    client = table.join()
    table.run(0.2)
    with pytest.raises(ValueError, match=r"a message of \d+ bytes: the server takes 200"):
        client.send("chat", "x" * 200)
    assert client.send("chat", "x" * 180)
    table.run(0.2)
    assert client.connected
    assert table.counts.messages == 1
