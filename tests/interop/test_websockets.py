"""`websockets`, the client, talks to `WebSocketServer`; `websockets`, the server, is talked to by `WebSocketClient`."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from http import HTTPStatus
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus

import tickws
from tests.interop.helpers import HOST, KINDS, LENGTHS, LIMIT, Recorder, Stage, loop_in_thread, message_of, run_scene

REASON = "é" * 61 + "!"  # 123 bytes: the longest
CLOSINGS = ((1000, ""), (1001, "going"), (3000, "3"), (4001, "see you"), (4999, REASON))
FRAGMENTS = (["one"], ["a", "b", "c"], ["", "é", "", "é", ""], [b"\x00", b"", b"\xff" * 70_000], [b"", b""])


def join(fragments: list[Any]) -> Any:
    empty = "" if isinstance(fragments[0], str) else b""
    return empty.join(fragments)


# Their client, our server


def dial(server: tickws.WebSocketServer, target: str = "/", **options: Any) -> connect:
    return connect(f"ws://{HOST}:{server.port}{target}", proxy=None, **options)


@pytest.mark.parametrize("kind", KINDS)
def test_every_length_both_ways(stage: Stage, kind: type[str] | type[bytes]) -> None:
    handler = Recorder(echo=True)
    server = stage.server(handler)

    async def scene() -> None:
        async with dial(server, compression=None) as ws:
            for size in LENGTHS:
                message = message_of(kind, size)
                await ws.send(message)
                assert await ws.recv() == message

    stage.play(scene)
    assert handler.messages == [message_of(kind, size) for size in LENGTHS]
    stage.until(lambda: handler.closed)
    assert handler.closed == [(1000, "")]


@pytest.mark.parametrize("over", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_a_message_above_the_limit_is_1009(stage: Stage, kind: type[str] | type[bytes], over: int) -> None:
    handler = Recorder()
    server = stage.server(handler)

    async def scene() -> tuple[int | None, str | None]:
        async with dial(server, compression=None) as ws:
            await ws.send(message_of(kind, 1))
            await ws.send(message_of(kind, LIMIT + over))
            with pytest.raises(ConnectionClosed):
                await ws.recv()
            return ws.close_code, ws.close_reason

    assert stage.play(scene) == (1009, f"message above {LIMIT} bytes")
    assert handler.messages == [message_of(kind, 1)]
    stage.until(lambda: handler.closed)
    assert handler.closed == [(1009, f"message above {LIMIT} bytes")]
    assert server.statistics().faults == {1009: 1}


@pytest.mark.parametrize("over", [1, 2])
def test_what_we_send_is_bounded_by_the_peer(stage: Stage, over: int) -> None:
    message = bytes(LIMIT + over)
    handler = Recorder()
    server = stage.server(handler)

    async def scene(server: tickws.WebSocketServer) -> int | None:
        async with dial(server, max_size=LIMIT) as ws:
            with pytest.raises(ConnectionClosed):
                await ws.recv()
            assert ws.protocol.close_sent is not None
            return ws.protocol.close_sent.code

    call = stage.start(run_scene, scene, server)
    stage.until(lambda: handler.opened)
    assert handler.opened[0].send(message)
    assert stage.finish(call) == 1009
    stage.until(lambda: handler.closed)
    assert handler.closed[0][0] == 1009


@pytest.mark.parametrize("fragments", FRAGMENTS, ids=lambda f: f"{type(f[0]).__name__}-{len(f)}")
def test_fragments_both_ways(stage: Stage, fragments: list[Any]) -> None:
    handler = Recorder(echo=False)
    server = stage.server(handler)

    async def scene() -> tuple[list[Any], Any]:
        async with dial(server) as ws:
            await ws.send(fragments)
            seen = [fragment async for fragment in ws.recv_streaming()]
            return seen, await ws.recv()

    call = stage.start(run_scene, scene)
    stage.until(lambda: handler.messages)
    assert handler.messages == [join(fragments)]
    assert handler.opened[0].send_fragments(fragments)
    assert handler.opened[0].send_fragments(iter(fragments))
    seen, whole = stage.finish(call)
    assert seen == fragments
    assert whole == join(fragments)


def test_a_character_cut_by_fragments(stage: Stage) -> None:
    handler = Recorder(echo=True)
    server = stage.server(handler)

    async def scene() -> Any:
        async with dial(server) as ws:
            await ws.send([b"\xf0\x9f", b"", b"\x8e", b"\xae"], text=True)
            return await ws.recv()

    assert stage.play(scene) == "🎮"


def test_frame_by_frame(stage: Stage) -> None:
    frames: list[tickws.Frame] = []
    server = stage.server(on_frame=lambda ws, frame: frames.append(frame))

    async def scene() -> None:
        async with dial(server, compression=None) as ws:
            await ws.send(["a", "", "b"])
            await ws.send(b"whole")

    stage.play(scene)
    stage.until(lambda: len(frames) >= 5)
    text, binary, continuation = tickws.Opcode.TEXT, tickws.Opcode.BINARY, tickws.Opcode.CONTINUATION
    # websockets ends a fragmented message with an empty frame
    assert frames == [
        tickws.Frame(text, b"a", False),
        tickws.Frame(continuation, b"", False),
        tickws.Frame(continuation, b"b", False),
        tickws.Frame(continuation, b"", True),
        tickws.Frame(binary, b"whole", True),
    ]


def test_pings_of_theirs(stage: Stage) -> None:
    server = stage.server(Recorder(echo=True))

    async def scene() -> None:
        async with dial(server) as ws:
            for payload in (b"", b"x", b"\xff" * 125):
                assert await (await ws.ping(payload)) >= 0
            await ws.pong(b"unasked")
            await ws.send("still here")
            assert await ws.recv() == "still here"

    stage.play(scene)


def test_pings_of_ours(stage: Stage) -> None:
    handler = Recorder(echo=True)
    server = stage.server(handler, limits=tickws.Limits(ping_seconds=0.02))

    async def scene() -> None:
        async with dial(server, ping_interval=None) as ws:
            assert await ws.recv() == "enough"

    call = stage.start(run_scene, scene)
    stage.until(lambda: handler.opened)
    ws = handler.opened[0]
    assert ws.latency is None
    stage.until(lambda: ws.latency is not None)
    assert ws.ping(b"\x00" * 125)
    assert ws.send("enough")
    stage.finish(call)
    assert ws.latency is not None
    assert 0 < ws.latency < 5


@pytest.mark.parametrize(("code", "reason"), CLOSINGS)
def test_they_close(stage: Stage, code: int, reason: str) -> None:
    handler = Recorder()
    server = stage.server(handler)

    async def scene() -> Any:
        async with dial(server) as ws:
            await ws.close(code, reason)
            return ws.protocol.close_rcvd

    answer = stage.play(scene)
    stage.until(lambda: handler.closed)
    assert answer is not None
    assert (answer.code, answer.reason) == (code, reason)
    assert handler.closed == [(code, reason)]


@pytest.mark.parametrize(("code", "reason"), CLOSINGS)
def test_we_close(stage: Stage, code: int, reason: str) -> None:
    handler = Recorder()
    server = stage.server(handler)

    async def scene() -> tuple[list[Any], int | None, str | None]:
        async with dial(server) as ws:
            return [message async for message in messages(ws)], ws.close_code, ws.close_reason

    call = stage.start(run_scene, scene)
    stage.until(lambda: handler.opened)
    assert handler.opened[0].send("last words")
    handler.opened[0].close(code, reason)
    assert not handler.opened[0].send("too late")
    assert stage.finish(call) == (["last words"], code, reason)
    stage.until(lambda: handler.closed)
    assert handler.closed == [(code, reason)]


async def messages(ws: ClientConnection | ServerConnection) -> Any:
    """All messages up to the end, however that comes."""
    try:
        while True:
            yield await ws.recv()
    except ConnectionClosed:
        pass


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [(None, None), (["x"], None), (["protocol1"], "protocol1"), (["x", "second", "protocol1"], "second")],
)
def test_subprotocols(stage: Stage, offered: Any, chosen: str | None) -> None:
    handler = Recorder()
    server = stage.server(handler, subprotocols=["protocol1", "second"])

    async def scene() -> str | None:
        async with dial(server, subprotocols=offered) as ws:
            return ws.subprotocol

    assert stage.play(scene) == chosen
    assert handler.opened[0].subprotocol == chosen
    assert handler.opened[0].request.subprotocols == tuple(offered or ())


def test_the_request_and_its_answer(stage: Stage) -> None:
    seen: list[tickws.Request] = []

    def on_request(request: tickws.Request) -> tickws.Accept:
        seen.append(request)
        return tickws.Accept("b", [("X-Tick", "60"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])

    server = stage.server(on_request=on_request)

    async def scene() -> Any:
        headers = {"X-Token": "sesame", "Cookie": "name=Ada; room=7"}
        async with dial(
            server,
            "/room/7?name=B%C3%A9&seat=2",
            additional_headers=headers,
            subprotocols=["a", "b"],
            origin="https://game.example",
        ) as ws:
            assert ws.response is not None
            return ws.subprotocol, ws.response.headers, ws.protocol.extensions

    subprotocol, headers, extensions = stage.play(scene)
    assert subprotocol == "b"
    assert headers["X-Tick"] == "60"
    assert headers.get_all("Set-Cookie") == ["a=1", "b=2"]
    assert list(extensions) == []  # permessage-deflate was offered, and is not spoken
    [request] = seen
    assert request.path == "/room/7"
    assert request.query == {"name": "Bé", "seat": "2"}
    assert request.headers["x-token"] == "sesame"
    assert request.cookies == {"name": "Ada", "room": "7"}
    assert request.origin == "https://game.example"
    assert request.remote_address[0] == HOST


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (False, 404, b"404 Not Found\n"),
        (tickws.Reject(403, "members only"), 403, b"members only"),
        (tickws.Reject(503, b"full", {"Retry-After": "5"}), 503, b"full"),
    ],
    ids=["404", "403", "503"],
)
def test_rejected(stage: Stage, answer: Any, status: int, body: bytes) -> None:
    handler = Recorder()
    handler.on_request = lambda request: answer  # type: ignore[method-assign]
    server = stage.server(handler)

    async def scene() -> Any:
        with pytest.raises(InvalidStatus) as caught:
            await dial(server)
        return caught.value.response

    response = stage.play(scene)
    assert (response.status_code, response.body) == (status, body)
    assert response.headers.get("Retry-After") == ("5" if status == 503 else None)
    assert not handler.opened
    assert not handler.closed
    assert server.statistics().answered == {status: 1}


def test_an_error_in_on_request_is_500(stage: Stage) -> None:
    errors: list[Exception] = []

    def on_request(request: tickws.Request) -> bool:
        raise LookupError("no such room")

    server = stage.server(on_request=on_request, errors=lambda error, source: errors.append(error))

    async def scene() -> int:
        with pytest.raises(InvalidStatus) as caught:
            await dial(server)
        return caught.value.response.status_code

    assert stage.play(scene) == 500
    assert [type(error) for error in errors] == [LookupError]


def test_origins(stage: Stage) -> None:
    server = stage.server(origins=["https://game.example"])

    async def scene() -> None:
        async with dial(server, origin="https://game.example"):
            pass
        for other in ("https://evil.example", None):
            with pytest.raises(InvalidStatus) as caught:
                await dial(server, origin=other)
            assert caught.value.response.status_code == 403

    stage.play(scene)


def test_sixty_at_once(stage: Stage) -> None:
    handler = Recorder(echo=True)
    server = stage.server(handler)

    async def one(number: int) -> tuple[list[Any], list[Any]]:
        async with dial(server, compression=None) as ws:
            mine = [f"{number}:{i}" for i in range(30)]
            for message in mine[:15]:
                await ws.send(message)
            for message in mine[15:]:
                await ws.send(message)
                await asyncio.sleep(0)
            got = [await ws.recv() for _ in mine]
            await ws.send(b"done")
            rest = [await ws.recv(), await ws.recv()]
            return (got if got != mine else []), rest

    async def scene() -> list[Any]:
        return list(await asyncio.gather(*map(one, range(60))))

    call = stage.start(run_scene, scene)
    stage.until(lambda: handler.messages.count(b"done") == 60)
    assert server.statistics().open == len(server.connections) == 60
    assert server.broadcast("for all") == 60
    assert stage.finish(call) == [([], [b"done", "for all"])] * 60
    stage.until(lambda: not server.statistics().connections)
    assert handler.closed == [(1000, "")] * 60
    assert server.statistics().messages_received == 60 * 31


# Our client, their server

ForeignHandler = Callable[[ServerConnection], Awaitable[None]]


def foreign(stage: Stage, handler: ForeignHandler, **options: Any) -> AbstractContextManager[str]:
    """A `websockets` server for as long as the block lasts, which gets its URL."""

    async def scene(started: Callable[[str], None], stop: asyncio.Event) -> None:
        async with serve(handler, HOST, 0, **{"compression": None, **options}) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            started(f"ws://{HOST}:{port}")
            await stop.wait()

    return loop_in_thread(stage, scene)


async def echo(ws: ServerConnection) -> None:
    async for message in messages(ws):
        await ws.send(message)


@pytest.mark.parametrize("kind", KINDS)
def test_client_every_length_both_ways(stage: Stage, kind: type[str] | type[bytes]) -> None:
    handler = Recorder()
    with foreign(stage, echo) as url:
        client = stage.client(url, handler)
        for count, size in enumerate(LENGTHS, 1):
            assert client.send(message_of(kind, size))
            stage.until(lambda count=count: len(handler.messages) == count)  # type: ignore[misc]
        client.close()
        stage.until(lambda: not client.work(0))
    assert handler.messages == [message_of(kind, size) for size in LENGTHS]
    assert handler.closed == [(1000, "")]
    assert client.error is None


@pytest.mark.parametrize("over", [1, 2])
def test_client_a_message_above_the_limit_is_1009(stage: Stage, over: int) -> None:
    handler = Recorder()
    codes: list[int | None] = []

    async def send_too_much(ws: ServerConnection) -> None:
        await ws.send(b"\0" * (LIMIT + over))
        async for _ in messages(ws):
            pass
        codes.append(ws.close_code)

    with foreign(stage, send_too_much) as url:
        client = stage.client(url, handler)
        stage.until(lambda: handler.closed)
        stage.until(lambda: not client.work(0))
        stage.until(lambda: codes)
    assert handler.closed == [(1009, f"message above {LIMIT} bytes")]
    assert codes == [1009]
    assert handler.messages == []


@pytest.mark.parametrize("fragments", FRAGMENTS, ids=lambda f: f"{type(f[0]).__name__}-{len(f)}")
def test_client_fragments_both_ways(stage: Stage, fragments: list[Any]) -> None:
    handler = Recorder()
    seen: list[list[Any]] = []

    async def speak(ws: ServerConnection) -> None:
        seen.append([fragment async for fragment in ws.recv_streaming()])
        await ws.send(fragments)

    with foreign(stage, speak) as url:
        client = stage.client(url, handler)
        stage.until(lambda: handler.opened)
        assert handler.opened[0].send_fragments(fragments)
        stage.until(lambda: handler.messages)
    assert seen == [fragments]
    assert handler.messages == [join(fragments)]
    assert client.statistics().messages_sent == 1


def test_client_pings_both_ways(stage: Stage) -> None:
    handler = Recorder()

    async def speak(ws: ServerConnection) -> None:
        assert await (await ws.ping(b"\xff" * 125)) >= 0
        await ws.pong(b"unasked")
        await ws.send("answered")
        await echo(ws)

    with foreign(stage, speak) as url:
        client = stage.client(url, handler, limits=tickws.Limits(ping_seconds=0.02))
        stage.until(lambda: handler.messages)
        ws = handler.opened[0]
        stage.until(lambda: ws.latency is not None)
        assert ws.ping(b"\x00" * 125)
        client.send("still here")
        stage.until(lambda: len(handler.messages) > 1)
    assert handler.messages == ["answered", "still here"]


@pytest.mark.parametrize(("code", "reason"), CLOSINGS)
def test_client_they_close(stage: Stage, code: int, reason: str) -> None:
    handler = Recorder()
    answers: list[Any] = []

    async def close(ws: ServerConnection) -> None:
        await ws.send("last words")
        await ws.close(code, reason)
        answers.append(ws.protocol.close_rcvd)

    with foreign(stage, close) as url:
        client = stage.client(url, handler)
        stage.until(lambda: handler.closed)
        stage.until(lambda: not client.work(0))
        stage.until(lambda: answers)
    assert handler.messages == ["last words"]
    assert handler.closed == [(code, reason)]
    assert (answers[0].code, answers[0].reason) == (code, reason)


@pytest.mark.parametrize(("code", "reason"), CLOSINGS)
def test_client_we_close(stage: Stage, code: int, reason: str) -> None:
    handler = Recorder()
    seen: list[Any] = []

    async def listen(ws: ServerConnection) -> None:
        got = [message async for message in messages(ws)]
        seen.append((got, ws.close_code, ws.close_reason))

    with foreign(stage, listen) as url:
        client = stage.client(url, handler)
        client.send("first words")
        stage.until(lambda: handler.opened)
        handler.opened[0].close(code, reason)
        stage.until(lambda: not client.work(0))
        stage.until(lambda: seen)
    assert seen == [(["first words"], code, reason)]
    assert handler.closed == [(code, reason)]


def test_client_handshake(stage: Stage) -> None:
    handler = Recorder()
    seen: list[Any] = []

    async def look(ws: ServerConnection) -> None:
        assert ws.request is not None
        seen.append((ws.request.path, ws.request.headers["X-Token"], ws.request.headers["Origin"], ws.subprotocol))
        await echo(ws)

    with foreign(stage, look, subprotocols=["b", "a"], origins=["https://game.example"]) as url:
        stage.client(
            f"{url}/room/7?name=B%C3%A9",
            handler,
            subprotocols=["a", "b"],
            origin="https://game.example",
            headers={"X-Token": "sesame"},
        )
        stage.until(lambda: handler.opened)
        stage.until(lambda: seen)
    [(path, token, origin, subprotocol)] = seen
    assert (path, token, origin) == ("/room/7?name=B%C3%A9", "sesame", "https://game.example")
    assert handler.opened[0].subprotocol == subprotocol in ("a", "b")


@pytest.mark.parametrize("status", [404, 403, 503, 301])
def test_client_is_rejected(stage: Stage, status: int, caplog: pytest.LogCaptureFixture) -> None:
    handler = Recorder()

    def turn_away(ws: ServerConnection, request: Any) -> Any:
        return ws.respond(HTTPStatus(status), "go away")

    with foreign(stage, echo, process_request=turn_away) as url:
        client = stage.client(url, handler)
        stage.until(lambda: not client.work(0))
    assert client.error is not None
    assert client.error.status == status
    assert str(status) in str(client.error)
    assert str(client.error) in caplog.text
    assert not handler.opened
    assert not handler.closed


def test_their_server_goes_away(stage: Stage) -> None:
    handler = Recorder()
    with foreign(stage, echo) as url:
        client = stage.client(url, handler)
        stage.until(lambda: handler.opened)
    stage.until(lambda: not client.work(0))
    assert handler.closed == [(1001, "")]


def test_sixty_clients_of_theirs(stage: Stage) -> None:
    handlers = [Recorder() for _ in range(60)]
    with foreign(stage, echo) as url:
        clients = [stage.client(url, handler) for handler in handlers]
        for number, client in enumerate(clients):
            for i in range(30):
                assert client.send(f"{number}:{i}")
        stage.until(lambda: all(len(handler.messages) == 30 for handler in handlers))
        for client in clients:
            client.close()
        stage.until(lambda: all(handler.closed for handler in handlers))
    for number, handler in enumerate(handlers):
        assert handler.messages == [f"{number}:{i}" for i in range(30)]
        assert handler.closed == [(1000, "")]
