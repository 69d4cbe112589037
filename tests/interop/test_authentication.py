"""The recipes of docs/authentication.md over real sockets: our clients and `websockets` come in by each, or not."""

import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

import tickws
from tests.authentication import FOLDER, load
from tests.interop.helpers import HOST, Recorder, Stage, run_scene
from tests.program import Program

RECIPES = ("query_token", "session_cookie", "subprotocol_token")


class Way:
    """How a client shows a pass: what it adds to the URL, which headers it sends, which subprotocols it offers."""

    def __init__(self, recipe: str, token: str, server: str = "chat.1") -> None:
        self.query = f"?token={token}" if recipe == "query_token" else ""
        self.headers = {"Cookie": f"session={token}"} if recipe == "session_cookie" else {}
        self.subprotocols = [server, f"token.{token}"] if recipe == "subprotocol_token" else [server]


def good(recipe: str, module: Any) -> str:
    """A pass that is good once or longer."""
    if recipe == "session_cookie":
        return str(module.sessions.begin("ada").partition(";")[0].partition("=")[2])
    return str(module.tokens.issue("ada"))


@pytest.fixture(params=RECIPES)
def recipe(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def serve(stage: Stage, module: Any) -> tickws.WebSocketServer:
    return stage.server(on_request=module.on_request, on_open=module.on_open, subprotocols=["chat.1"])


def said_to(stage: Stage, port: int, way: Way) -> tuple[str | None, int | None]:
    """What our client hears first, or with which status it is turned away."""
    recorder = Recorder()
    url = f"ws://{HOST}:{port}/{way.query}"
    client = stage.client(url, recorder, headers=way.headers, subprotocols=way.subprotocols)
    stage.until(lambda: recorder.messages or client.error)
    if client.error is not None:
        return None, client.error.status
    assert client.websocket is not None
    assert client.websocket.subprotocol == way.subprotocols[0]
    return str(recorder.messages[0]), None


def test_our_client(stage: Stage, recipe: str) -> None:
    module = load(recipe)
    server = serve(stage, module)
    assert said_to(stage, server.port, Way(recipe, good(recipe, module))) == ("welcome, ada", None)
    assert said_to(stage, server.port, Way(recipe, "forged")) == (None, 401)
    assert [ws.data for ws in server.connections] == ["ada"]


def test_websockets(stage: Stage, recipe: str) -> None:
    module = load(recipe)
    server = serve(stage, module)

    async def scene(way: Way) -> Any:
        url = f"ws://{HOST}:{server.port}/{way.query}"
        options: Any = {"additional_headers": way.headers, "subprotocols": way.subprotocols, "proxy": None}
        async with connect(url, **options) as ws:
            assert ws.subprotocol == "chat.1"
            return await ws.recv()

    assert stage.play(scene, Way(recipe, good(recipe, module))) == "welcome, ada"
    with pytest.raises(InvalidStatus) as refused:
        stage.play(scene, Way(recipe, "forged"))
    assert refused.value.response.status_code == 401
    assert re.match(rb"401 Unauthorized: (the token is not ours|log in first)\n", refused.value.response.body or b"")


def enters(stage: Stage, loop: tickws.TickLoop, port: int, way: Way) -> bool:
    """Whether a client of a game comes in."""
    url = f"ws://{HOST}:{port}/"
    if way.subprotocols[1:]:  # a client of one's own: `GameClient` offers nothing beside tickws.1
        socket = stage.client(url, subprotocols=way.subprotocols)
        stage.until(lambda: (loop.frame(), socket.error or (socket.websocket and socket.websocket.open))[1])
        opened = socket.error is None
        socket.abort()
        return opened
    events: list[object] = []
    query = dict([way.query[1:].split("=")]) if way.query else {}
    with tickws.GameClient(url, inputs=tickws.Input, query=query, headers=way.headers) as client:
        for kind in (tickws.Connected, tickws.Dropped, tickws.Disconnected):
            client.bus.subscribe(kind, events.append)
        stage.until(lambda: (loop.frame(), client.work(), events)[2])
        client.close()
        stage.until(lambda: (loop.frame(), not client.work())[1])
    return type(events[0]) is tickws.Connected


def test_a_game(stage: Stage, recipe: str) -> None:
    module = load(recipe)
    loop = tickws.TickLoop(rate=60)
    game = loop.add(tickws.GameServer(port=0, inputs=tickws.Input, authenticate=module.authenticate), budget=0.01)
    users: list[object] = []
    loop.bus.subscribe(tickws.PlayerJoined, lambda event: users.append(event.player.user))
    with loop:
        way = Way(recipe, good(recipe, module), "tickws.1")
        assert enters(stage, loop, game.port, way)
        stage.until(lambda: (loop.frame(), users or way.subprotocols[1:])[1])  # this client says no hello
        assert not enters(stage, loop, game.port, Way(recipe, "forged", "tickws.1"))
        assert users == ([] if way.subprotocols[1:] else ["ada"])
        assert dict(game.statistics().turned_away) == {401: 1}


def test_first_message_of_our_client_and_of_websockets(stage: Stage) -> None:
    tokens = load("tokens").Tokens(b"x" * 32)
    server = stage.server(load("first_message").Lobby(tokens))
    recorder = Recorder()
    client = stage.client(f"ws://{HOST}:{server.port}/", recorder)
    client.send(tokens.issue("ada"))  # before it is connected: it goes first
    client.send("hello")
    stage.until(lambda: len(recorder.messages) == 2)
    assert recorder.messages == ["welcome, ada", "ada: 'hello'"]

    async def scene(token: str) -> list[Any]:
        async with connect(f"ws://{HOST}:{server.port}/", proxy=None) as ws:
            await ws.send(token)
            try:
                return [await ws.recv()]
            except ConnectionClosed:
                return [ws.close_code, ws.close_reason]

    assert stage.play(scene, tokens.issue("bob")) == ["welcome, bob"]
    assert stage.play(scene, "forged") == [1008, "the token is not ours"]


def test_first_message_is_waited_for(stage: Stage) -> None:
    lobby = load("first_message").Lobby(load("tokens").Tokens(b"x" * 32), patience=3)
    server = stage.server(lobby)

    async def scene() -> list[Any]:
        async with connect(f"ws://{HOST}:{server.port}/", proxy=None) as ws:
            with pytest.raises(ConnectionClosed):
                await ws.recv()
            return [ws.close_code, ws.close_reason]

    call = stage.start(run_scene, scene)
    stage.until(lambda: lobby.strangers)
    for _ in range(3):
        lobby.sweep()
    assert stage.finish(call) == [1008, "nobody said who it is"]


# -- the programs themselves -----------------------------------------------------------------------------------------


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str], Program]]:
    """Starts a recipe's program at a free port; it must end by Ctrl-C, without a word of complaint."""
    running: list[Program] = []

    def start(name: str) -> Program:
        for path in FOLDER.glob("*.py"):
            code = path.read_text(encoding="utf-8").replace("port=8056", "port=0")
            (tmp_path / path.name).write_text(code, encoding="utf-8")
        running.append(Program("-u", tmp_path / f"{name}.py"))
        return running[-1]

    yield start
    try:
        for program in running:
            assert program.stop(signal.SIGINT) == 0, program.output
            assert program.output.count("\n") == 1, program.output
    finally:
        for program in running:
            program.close()


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("query_token", r"ws://127.0.0.1:(\d+)/\?token=(\S+)"),
        ("session_cookie", r"ws://127.0.0.1:(\d+)/ with the header Cookie: session=(\S+)"),
        ("subprotocol_token", r"ws://127.0.0.1:(\d+)/ with the subprotocols chat.1, token\.(\S+)"),
    ],
)
def test_the_program(stage: Stage, start: Callable[[str], Program], name: str, pattern: str) -> None:
    match = re.fullmatch(pattern, start(name).wait_for(r"ws://.*"))
    assert match is not None
    way = Way(name, match[2])
    if name != "subprotocol_token":
        way.subprotocols = []
    recorder = Recorder()
    url = f"ws://{HOST}:{match[1]}/{way.query}"
    client = stage.client(url, recorder, headers=way.headers, subprotocols=way.subprotocols)
    stage.until(lambda: recorder.messages)
    assert recorder.messages == ["welcome, ada"]
    client.abort()


def test_the_program_first_message(stage: Stage, start: Callable[[str], Program]) -> None:
    match = re.fullmatch(r"(ws://\S+) whose first message is (\S+)", start("first_message").wait_for(r"ws://.*"))
    assert match is not None
    recorder = Recorder()
    client = stage.client(match[1], recorder)
    client.send(match[2])
    stage.until(lambda: recorder.messages)
    assert recorder.messages == ["welcome, ada"]
    client.abort()


def test_the_program_first_event(start: Callable[[str], Program]) -> None:
    match = re.fullmatch(r"(ws://\S+) and client.send\('login', '(\S+)'\)", start("first_event").wait_for(r"ws://.*"))
    assert match is not None
    clock = tickws.SystemClock()
    give_up = clock.now() + 30
    with tickws.GameClient(match[1], inputs=tickws.Input) as client:
        client.bus.subscribe(tickws.Connected, lambda event: client.send("login", match[2]))
        while list(client.state().values()) != [{"name": "ada"}]:
            assert clock.now() < give_up
            assert client.work(0.01, wait=0.01)
