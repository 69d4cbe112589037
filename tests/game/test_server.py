"""`GameServer`: hello and welcome, the loop it is on, the server it shares, arguments that are none."""

import logging
from typing import Any

import pytest

import tickws
from tests.game.helpers import SPEAKS, Move, Table
from tests.transport.peers import Peer
from tickws.testing import ManualClock, MemoryNetwork

TEXT = "|dy:held serve:press"

# Hello and welcome


def test_the_welcome_says_who_the_client_is_and_what_is_spoken() -> None:
    table = Table(snapshot_rate=30, protocol="pong 1", token_source=lambda count: b"t" * count)
    table.run(1.0)
    welcome = table.raw().welcome
    assert (welcome.version, welcome.protocol) == (1, "pong 1" + TEXT)
    assert (welcome.tick_rate, welcome.snapshot_rate) == (60, 30)
    assert (welcome.player, welcome.spectator, welcome.token) == (1, False, b"t" * 16)
    assert welcome.time == welcome.tick * 1_000_000 // 60
    assert table.loop.ticks - 6 <= welcome.tick < table.loop.ticks


def test_numbers_are_never_used_twice() -> None:
    table = Table(spectators=1)
    numbers = []
    for path in ("/", "/?role=spectator", "/", "/"):
        raw = table.raw(path)
        numbers.append(raw.welcome.player)
        raw.socket.close()
        table.run(0.1)
    assert numbers == [1, 2, 3, 4]
    assert (table.counts.joined, table.counts.left, table.counts.players) == (4, 4, 0)


def test_tokens_are_chance_unless_told() -> None:
    table = Table()
    first, second = table.raw().welcome, table.raw().welcome
    assert len(first.token) == 16
    assert first.token != second.token


def fingerprint(text: str) -> int:
    value = 0x811C9DC5
    for byte in text.encode():
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value


@pytest.mark.parametrize(
    ("hello", "why"),
    [
        ({"version": 2}, "version: the client speaks tickws.2, the server tickws.1"),
        ({"rate": 30}, "tick rate: the client has 30, the server 60"),
        ({"text": "pong 1" + TEXT}, "protocol: the client has 'pong 1', the server 'pong 2'"),
        ({"text": TEXT}, "protocol: the client has '', the server 'pong 2'"),
        ({"text": "pong 2|dy:held"}, "inputs: the client has 'dy:held', the server 'dy:held serve:press'"),
        ({"text": "a|b" + TEXT}, "protocol: the client has 'a|b', the server 'pong 2'"),
        ({"text": "nonsense"}, "protocol: the client has '', the server 'pong 2'"),
    ],
)
def test_what_differs_is_named_to_both_sides(hello: dict[str, Any], why: str, caplog: pytest.LogCaptureFixture) -> None:
    table = Table(protocol="pong 2")
    raw = table.raw(hello=False)
    text = hello.pop("text", None)
    if text is not None:
        hello.update(hash=fingerprint(text), protocol=text)
    with caplog.at_level(logging.WARNING, "tickws"):
        raw.hello(**hello)
        table.run(0.1)
    assert raw.closed == (1008, why)
    assert why in caplog.text
    assert raw.heard == []
    assert (table.counts.refused, table.counts.joined, table.events) == (1, 0, [])


@pytest.mark.parametrize(
    "hello",
    [{}, {"hash": fingerprint("pong 2" + TEXT)}, {"rate": 60}, {"token": b"x" * 64}, {"protocol": "anything"}],
)
def test_what_fits_is_welcome(hello: dict[str, Any]) -> None:
    table = Table(protocol="pong 2")
    raw = table.raw(hello=False)
    raw.hello(**hello)
    table.run(0.1)
    assert raw.welcome.player == 1


def test_a_reason_that_is_too_long_is_cut() -> None:
    table = Table(protocol="ä" * 400)
    raw = table.raw(hello=False)
    raw.hello(hash=1, protocol="ö" * 900 + TEXT)
    table.run(0.1)
    assert raw.closed is not None
    assert raw.closed[0] == 1008
    assert raw.closed[1].startswith("protocol: the client has 'ööö")
    assert 118 <= len(raw.closed[1].encode()) <= 123


def test_no_hello_within_ten_seconds() -> None:
    table = Table(max_players=1)
    raw = table.raw(hello=False)
    table.run(9.7)
    assert raw.closed is None
    table.run(0.4)
    assert raw.closed == (1008, "no hello within 10 s")
    assert table.counts.refused == 1
    assert table.raw().welcome.player == 1


def test_who_does_not_hang_up_is_refused_once(caplog: pytest.LogCaptureFixture) -> None:
    table = Table(limits=tickws.GameLimits(hello_seconds=2.0))
    peer = Peer(table.network, table.game.port)
    peer.ask("/", SPEAKS)
    with caplog.at_level(logging.WARNING, "tickws"):
        table.run(8.0)
    assert table.counts.refused == 1
    assert caplog.text.count("no hello within 2 s") == 1


def test_time_in_which_the_loop_hangs_is_not_held_against_a_hello() -> None:
    table = Table()
    raw = table.raw(hello=False)
    table.clock.advance(30.0)
    table.run(1.0)
    raw.hello()
    table.run(0.1)
    assert raw.welcome.player == 1


# On a loop


def test_before_it_is_on_a_loop() -> None:
    game = tickws.GameServer(inputs=Move, network=MemoryNetwork())
    assert (game.players, game.spectators, game.port) == ((), (), 8056)
    assert game.broadcast("hello") == 0
    for call in (lambda: game.publish({}), lambda: game.cut(1), game.statistics, lambda: game.receive(None)):
        with pytest.raises(tickws.UsageError, match=r"loop.add\(game\)"):
            call()
    game.close()


def test_who_came_before_the_game_was_on_a_loop_plays_all_the_same() -> None:
    network = MemoryNetwork()
    server = tickws.WebSocketServer(network=network)
    game = tickws.GameServer(server, inputs=Move)
    said: list[str] = []
    game.message("chat", str)(lambda player, line: said.append(line))
    early = tickws.GameClient("ws://127.0.0.1:8056/", Move, network=network)
    for _ in range(2):  # the server was turned before its time, and the hello is still to come
        server.work(None, wait=0)
        early.receive()
    loop = tickws.TickLoop(60, clock=network.clock)
    loop.add(game)
    for frame in range(60):
        loop.frame()
        early.work()
        if frame == 30:
            assert early.send("chat", "at last")
        network.clock.advance(1 / 60)
    assert said == ["at last"]


def test_publishing_before_a_tick() -> None:
    with pytest.raises(tickws.UsageError, match="belongs into a tick"):
        Table().game.publish({})


def test_a_game_is_on_one_loop() -> None:
    table = Table()
    with pytest.raises(tickws.UsageError, match="on a loop already"):
        tickws.TickLoop(60, clock=ManualClock()).add(table.game)


@pytest.mark.parametrize(("rate", "snapshot_rate"), [(60, 25), (60, 61), (60, 0), (60, -20), (30, 20), (1, 20)])
def test_a_snapshot_rate_that_does_not_divide_says_which_do(rate: int, snapshot_rate: int) -> None:
    game = tickws.GameServer(inputs=Move, network=MemoryNetwork(), snapshot_rate=snapshot_rate)
    with pytest.raises(ValueError, match=rf"snapshot_rate={snapshot_rate} does not divide .* of {rate}: 1\b.* do"):
        tickws.TickLoop(rate, clock=ManualClock()).add(game)


def test_a_game_that_was_refused_by_one_loop_may_join_another() -> None:
    game = tickws.GameServer(inputs=Move, network=MemoryNetwork(), snapshot_rate=25)
    with pytest.raises(ValueError):
        tickws.TickLoop(60, clock=ManualClock()).add(game)
    tickws.TickLoop(50, clock=ManualClock()).add(game)
    assert game.rate == 50


def test_closing_lets_the_players_know_and_the_loop_hears_it() -> None:
    table = Table()
    raw = table.raw()
    table.game.close()
    table.run(0.1)
    assert raw.closed == (1001, "")
    assert [(event.player.id, event.code) for event in table.of(tickws.PlayerLeft)] == [(1, 1001)]


def test_as_a_context_manager() -> None:
    network = MemoryNetwork()
    with tickws.GameServer(inputs=Move, network=network) as game:
        assert game.port == 8056
    tickws.GameServer(inputs=Move, network=network)  # the port is free again


# Arguments that are none


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"inputs": dict}, TypeError, "subclass of tickws.Input"),
        ({"inputs": Move()}, TypeError, "subclass of tickws.Input"),
        ({"snapshot_rate": 20.0}, TypeError, "whole number"),
        ({"snapshot_rate": True}, TypeError, "whole number"),
        ({"limits": tickws.Limits()}, TypeError, "GameLimits"),
        ({"path": "game"}, ValueError, "slash"),
        ({"port": "8056"}, TypeError, "port"),
        ({"files": {"/a": "no such file"}}, FileNotFoundError, "no such file"),
        ({"errors": "ignore"}, ValueError, "errors"),
    ],
)
def test_misuse_leaves_no_server_behind(options: dict[str, Any], error: type[Exception], words: str) -> None:
    network = MemoryNetwork()
    with pytest.raises(error, match=words):
        tickws.GameServer(**{"inputs": Move, "network": network, **options})
    assert network.sockets == {}


def test_a_server_that_is_given_has_its_own_address() -> None:
    network = MemoryNetwork()
    with tickws.WebSocketServer(network=network) as server:
        with pytest.raises(TypeError, match="has its own port, network"):
            tickws.GameServer(server, inputs=Move, port=1, network=network)
        tickws.GameServer(server, inputs=Move)  # nothing was mounted by that


def test_a_port_that_is_taken() -> None:
    table = Table()
    with pytest.raises(tickws.ListenError):
        tickws.GameServer(inputs=Move, network=table.network)


# Beside others, on one server


def test_beside_a_chat_on_the_same_server() -> None:
    network = MemoryNetwork()
    said: list[object] = []
    server = tickws.WebSocketServer(network=network, on_message=lambda ws, message: said.append(message))
    table = Table(network=network, server=server, path="/game")
    game = table.game
    assert game.server is server
    heard: list[object] = []
    chat = tickws.WebSocketClient(
        "ws://127.0.0.1:8056/chat", network=network, on_message=lambda ws, message: heard.append(message)
    )
    raw = table.raw("/game")
    for _ in range(3):
        chat.work(None, wait=0)
        table.run(0.05)
    chat.send("hello")
    assert server.broadcast("all who chat") == 1
    game.broadcast("goal", 1)
    chat.work(None, wait=0)
    table.run(0.1)
    chat.work(None, wait=0)
    assert said == ["hello"]
    assert heard == ["all who chat"]
    assert raw.messages == [("goal", 1)]
    assert raw.closed is None
    assert [ws.request.path for ws in server.connections] == ["/chat"]


def test_two_games_on_one_loop() -> None:
    """Each has its own players, though both count from 1, and their events are on one bus."""
    table = Table()
    other: tickws.GameServer[Move] = table.loop.add(
        tickws.GameServer(table.game.server, inputs=Move, path="/other", protocol="other")
    )
    log: list[object] = []
    table.game.message("any")(lambda player, payload: log.append(("game", payload)))
    other.message("any")(lambda player, payload: log.append(("other", payload)))
    moves: list[Move] = []
    table.loop.system(lambda tick: moves.extend(player.input(tick) for player in other.players))
    first, second = table.raw(), table.raw("/other")
    assert [len(game.players) for game in (table.game, other)] == [1, 1]
    assert table.game.players != other.players
    first.say(3, 1, "any", 1)
    second.say(3, 1, "any", 2)
    second.input(table.loop.ticks + 1, 0.5, True)
    table.run(0.1)
    assert log == [("game", 1), ("other", 2)]
    assert moves.count(Move(0.5, True)) == 1
    second.socket.close()
    table.run(0.1)
    assert [len(game.players) for game in (table.game, other)] == [1, 0]
    assert [game.statistics().left for game in (table.game, other)] == [0, 1]


def test_a_message_that_is_too_long_for_a_player_though_not_for_the_server_it_is_on() -> None:
    network = MemoryNetwork()
    table = Table(network=network, server=tickws.WebSocketServer(network=network))
    raw = table.raw()
    raw.say_bytes(bytes(4097))
    table.run(0.1)
    assert raw.closed == (1009, "message above 4096 bytes")


def test_files_and_the_browsers_client_are_served(tmp_path: Any) -> None:
    page = tmp_path / "page.html"
    page.write_text("<p>pong</p>")
    table = Table(files={"/": page})
    for url, words in (("/", b"<p>pong</p>"), ("/tickws.js", b"export")):
        peer = Peer(table.network, table.game.port)
        peer.say(f"GET {url} HTTP/1.1\r\nHost: server.example.com\r\n\r\n".encode())
        table.run(0.1)
        assert peer.listen().startswith(b"HTTP/1.1 200 ")
        assert words in peer.listen()
