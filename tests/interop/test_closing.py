"""Close over real sockets: half-closed and reset TCP, full buffers, and `websockets` amid fragments, at either end."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

import tickws
from tests.interop.helpers import HOST, RawClient, Recorder, Stage, loop_in_thread, run_scene
from tests.protocol.helpers import BINARY, CLOSE, MASK, PING, PONG, TEXT, close_payload, frame

OURS, THEIRS = (4001, "ours"), (4002, "theirs")
LOST = (1006, "")
SMALL_BUFFER = 4096
MIB = 1 << 20
PIECE = b"x" * 1000


def payload(told: tuple[int, str]) -> bytes:
    return close_payload(told[0], told[1].encode())


def full(stage: Stage, **limits: Any) -> tuple[Recorder, RawClient, tickws.WebSocketServer]:
    """A server whose socket takes no more, for its client does not read."""
    handler = Recorder()
    server = stage.server(handler, limits=tickws.Limits(**limits))
    [client] = stage.raw(server, receive_buffer=SMALL_BUFFER)
    ws = handler.opened[0]
    assert ws.send(bytes(8 * MIB))
    stage.until(lambda: 0 < ws.queued_bytes < 8 * MIB)
    for _ in range(20):
        stage.turn(0.001)
    assert ws.queued_bytes > 0
    return handler, client, server


# A raw client


@pytest.mark.parametrize("first", ["ours", "theirs", "nobody's"])
def test_the_end_of_its_half_behind_its_close_or_without_one(stage: Stage, first: str) -> None:
    handler = Recorder()
    server = stage.server(handler)
    [client] = stage.raw(server)
    told = LOST
    if first == "ours":
        told = OURS
        handler.opened[0].close(*OURS)
        stage.until(client.heard)
    elif first == "theirs":
        told = THEIRS
    if first != "nobody's":
        client.send(CLOSE, payload(told))
    client.socket.shutdown(socket.SHUT_WR)
    stage.until(client.gone)
    assert client.heard() == ([(CLOSE, payload(told))] if told != LOST else [])
    stage.until(lambda: handler.closed and not server.statistics().connections)
    assert handler.closed == [told]


@pytest.mark.parametrize("point", ["open", "our close", "their close", "buffer full", "our close, buffer full"])
def test_a_reset(stage: Stage, point: str) -> None:
    """1006, unless a closing handshake was heard of before."""
    if point.endswith("buffer full"):
        handler, client, server = full(stage)
    else:
        handler = Recorder()
        server = stage.server(handler)
        [client] = stage.raw(server)
    if point.startswith("our close"):
        handler.opened[0].close(*OURS)
        stage.turn()
    elif point == "their close":
        client.send(CLOSE, payload(THEIRS))
        stage.until(lambda: handler.closed)
    client.reset()
    stage.until(lambda: handler.closed and not server.statistics().connections)
    assert handler.closed == [THEIRS if point == "their close" else LOST]


@pytest.mark.parametrize("first", ["ours", "theirs"])
def test_who_reads_late_hears_everything_and_our_close(stage: Stage, first: str) -> None:
    """What was committed, the Pong for its Ping, and the Close: though the socket was full when they came up."""
    handler, client, server = full(stage)
    told = OURS if first == "ours" else THEIRS
    client.send(PING, b"?")
    if first == "ours":
        stage.turn()
        handler.opened[0].close(*OURS)
    else:
        client.send(CLOSE, payload(THEIRS))
        stage.until(lambda: handler.closed)
    for _ in range(20):
        stage.turn(0.001)
    assert (BINARY, bytes(8 * MIB)) not in client.heard()
    stage.until(lambda: client.heard()[-1:] == [(CLOSE, payload(told))])
    assert client.frames == [(BINARY, bytes(8 * MIB)), (PONG, b"?"), (CLOSE, payload(told))]
    if first == "ours":
        client.send(CLOSE, payload(told))
    stage.until(client.gone)
    client.close()
    stage.until(lambda: handler.closed and not server.statistics().connections)
    assert handler.closed == [told]


@pytest.mark.parametrize("first", ["ours", "theirs"])
def test_who_never_reads_is_given_up(stage: Stage, first: str) -> None:
    handler, client, server = full(stage, closing_seconds=0.2)
    if first == "ours":
        handler.opened[0].close(*OURS)
    else:
        client.send(CLOSE, payload(THEIRS))
    stage.until(lambda: handler.closed and not server.statistics().connections)
    assert handler.closed == [LOST if first == "ours" else THEIRS]


def test_what_it_still_says_behind_its_close_makes_no_reset(stage: Stage) -> None:
    handler = Recorder()
    server = stage.server(handler)
    [client] = stage.raw(server)
    client.socket.sendall(frame(CLOSE, payload(THEIRS), mask=MASK) + frame(TEXT, b"late", mask=MASK) * 2000)
    stage.until(client.gone)
    assert client.heard() == [(CLOSE, payload(THEIRS))]
    client.close()
    stage.until(lambda: handler.closed and not server.statistics().connections)
    assert (handler.closed, handler.messages) == ([THEIRS], [])


# `websockets`, at either end

Scene = Callable[[Any], Awaitable[None]]


def foreign(stage: Stage, handler: Scene) -> AbstractContextManager[str]:
    """A server of theirs for as long as the block lasts, which gets its URL."""

    async def scene(started: Callable[[str], None], stop: asyncio.Event) -> None:
        async with serve(handler, HOST, 0, compression=None) as server:
            started(f"ws://{HOST}:{next(iter(server.sockets)).getsockname()[1]}")
            await stop.wait()

    return loop_in_thread(stage, scene)


def meet(stage: Stage, ours: str, scene: Scene, here: Callable[[tickws.WebSocket], None]) -> Recorder:
    """Connect one end of ours and one of theirs, which plays `scene`; call `here` when ours is open; until both end."""
    handler = Recorder()

    if ours == "server":
        server = stage.server(handler)

        async def visit() -> None:
            async with connect(f"ws://{HOST}:{server.port}/", proxy=None, compression=None) as ws:
                await scene(ws)

        call = stage.start(run_scene, visit)
        stage.until(lambda: handler.opened)
        here(handler.opened[0])
        stage.finish(call)
        stage.until(lambda: handler.closed)
        return handler
    ended: list[bool] = []

    async def receive(ws: ServerConnection) -> None:
        await scene(ws)
        ended.append(True)

    with foreign(stage, receive) as url:
        stage.client(url, handler)
        stage.until(lambda: handler.opened)
        here(handler.opened[0])
        stage.until(lambda: handler.closed and ended)
    return handler


def told_of(ws: ClientConnection | ServerConnection) -> tuple[int | None, str | None]:
    return ws.close_code, ws.close_reason


SIDES = pytest.mark.parametrize("ours", ["server", "client"])


@SIDES
def test_we_close_amid_their_fragments(stage: Stage, ours: str) -> None:
    """Their message is broken off, and never delivered as if it were whole."""
    begun: list[bool] = []
    seen: list[Any] = []

    async def scene(ws: Any) -> None:
        async def story() -> AsyncIterator[bytes]:
            for _ in range(100_000):
                yield PIECE
                begun.append(True)
                await asyncio.sleep(0)

        with pytest.raises(ConnectionClosed):
            await ws.send(story())
        seen.append(told_of(ws))

    def close(ws: tickws.WebSocket) -> None:
        stage.until(lambda: len(begun) > 5)
        ws.close(*OURS)

    handler = meet(stage, ours, scene, close)
    assert (handler.messages, handler.closed, seen) == ([], [OURS], [OURS])


@SIDES
def test_they_close_amid_our_fragments(stage: Stage, ours: str) -> None:
    """Ours is broken off, without FIN, and what stands behind it is not said."""
    seen: list[Any] = []
    taken: list[bytes] = []

    def story() -> Iterator[bytes]:
        while True:
            taken.append(PIECE)
            yield PIECE

    async def scene(ws: Any) -> None:
        close: asyncio.Task[None] | None = None
        try:
            async for _ in ws.recv_streaming():
                seen.append(True)
                if len(seen) == 3:
                    close = asyncio.create_task(ws.close(*THEIRS))
        except ConnectionClosed:
            seen.append("broken off")
        assert close is not None
        await close
        seen.append(told_of(ws))

    def tell(ws: tickws.WebSocket) -> None:
        assert ws.send_fragments(story())
        assert ws.send("behind")

    handler = meet(stage, ours, scene, tell)
    assert handler.closed == [THEIRS]
    assert seen[-2:] == ["broken off", THEIRS]
    count = len(taken)
    stage.turn()
    assert len(taken) == count


@SIDES
def test_we_close_behind_our_fragments(stage: Stage, ours: str) -> None:
    seen: list[Any] = []

    async def scene(ws: Any) -> None:
        seen.append(await ws.recv())
        with pytest.raises(ConnectionClosed):
            await ws.recv()
        seen.append(told_of(ws))

    def tell(ws: tickws.WebSocket) -> None:
        ws.send_fragments(PIECE for _ in range(500))
        ws.close(*OURS)

    handler = meet(stage, ours, scene, tell)
    assert (seen, handler.closed) == ([PIECE * 500, OURS], [OURS])
