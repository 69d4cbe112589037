"""permessage-deflate with other people's ends: `websockets` on either side, picows, which offers none, and Chromium."""

import asyncio
import itertools
import random
from collections.abc import Callable, Iterator
from typing import Any

import picows
import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory

import tickws
from tests.browser.conftest import FILES, Chromium, OpenTab, Tab
from tests.interop.helpers import HOST, LENGTHS, LIMIT, Recorder, Stage, loop_in_thread, message_of
from tests.interop.test_picows import Frames, dial, leave
from tickws import Deflate

NAME = "permessage-deflate"
OURS = {
    "default": Deflate(),
    "everything": Deflate(
        window_bits=15, peer_window_bits=15, context_takeover=True, peer_context_takeover=True, threshold_bytes=0
    ),
    "small": Deflate(window_bits=8, peer_window_bits=9, memory_level=1, level=9, threshold_bytes=0),
    "ours kept": Deflate(window_bits=9, context_takeover=True, threshold_bytes=1),
    "theirs kept": Deflate(peer_window_bits=10, peer_context_takeover=True, threshold_bytes=0),
}
"""Their zlib has no windows of 8 to compress with: `peer_window_bits` is 9 at least."""
SWITCHES = list(itertools.product([False, True], repeat=2))


def talk() -> list[str | bytes]:
    """Messages that refer to one another, are empty, long, noise; texts and binaries."""
    dice = random.Random(7)
    like = [f"the state of tick {number}: " + "left right up down " * 20 for number in range(4)]
    return [*like, "", b"", "é🎮" * 9000, dice.randbytes(70_000), b"\0" * 200_000, like[0].encode(), like[0], b"x"]


TALK = talk()


async def echoed(ws: Any) -> None:
    """Say everything, and hear it again; in fragments, too."""
    for message in TALK:
        await ws.send(message)
        assert await ws.recv() == message
    await ws.send([b"tick" * 1000, b"", b"tick" * 1000])
    assert await ws.recv() == b"tick" * 2000


# -- their client ----------------------------------------------------------------------------------------------------


def ask(server: tickws.WebSocketServer, extensions: list[Any] | None) -> connect:
    return connect(f"ws://{HOST}:{server.port}/", proxy=None, compression=None, extensions=extensions)


@pytest.mark.parametrize("name", OURS)
def test_their_client_with_all_that_it_can_offer(stage: Stage, name: str) -> None:
    handler = Recorder(echo=True)
    server = stage.server(handler, compression=OURS[name])
    offers = [
        ClientPerMessageDeflateFactory(server_alone, client_alone, server_bits, client_bits)
        for server_alone, client_alone in SWITCHES
        for server_bits in (None, 8, 11, 15)
        for client_bits in (None, True, 9, 15)
    ]

    async def scene() -> list[str]:
        answers = []
        for number, offer in enumerate(offers):
            async with ask(server, [offer]) as ws:
                [extension] = ws.protocol.extensions
                answers.append(repr(extension))
                if number % 5 == 0:
                    await echoed(ws)
                else:
                    await ws.send(TALK[0])
                    assert await ws.recv() == TALK[0]
                    await ws.send(TALK[0])
                    assert await ws.recv() == TALK[0]
        return answers

    assert len(stage.play(scene)) == len(offers)
    assert {ws.extensions.split(";")[0] for ws in handler.opened} == {NAME}
    stage.until(lambda: len(handler.closed) == len(offers))
    assert set(handler.closed) == {(1000, "")}


def test_their_client_falls_back_to_plain_words(stage: Stage) -> None:
    """Where we do not compress, and where its offer is none that we know."""
    handler = Recorder(echo=True)
    server = stage.server(handler)

    async def scene() -> None:
        async with connect(f"ws://{HOST}:{server.port}/", proxy=None) as ws:
            assert ws.protocol.extensions == []
            await echoed(ws)

    stage.play(scene)
    assert handler.opened[0].extensions == ""


@pytest.mark.parametrize("over", [0, 1, 2])
def test_our_limit_holds_for_what_they_compress(stage: Stage, over: int) -> None:
    handler = Recorder()
    server = stage.server(handler, compression=Deflate())

    async def scene() -> int | None:
        async with ask(server, [ClientPerMessageDeflateFactory()]) as ws:
            await ws.send(bytes(LIMIT + over))
            if not over:
                await ws.close()
            await ws.wait_closed()
            return ws.close_code

    assert stage.play(scene) == (1009 if over else 1000)
    assert handler.messages == ([] if over else [bytes(LIMIT)])


def test_a_broadcast_to_all_kinds_of_theirs(stage: Stage) -> None:
    handler = Recorder()
    server = stage.server(handler, compression=OURS["everything"])
    offers: list[list[Any] | None] = [
        None,
        [ClientPerMessageDeflateFactory()],
        [ClientPerMessageDeflateFactory(server_no_context_takeover=True)],
        [ClientPerMessageDeflateFactory(server_no_context_takeover=True, server_max_window_bits=9)],
        [ClientPerMessageDeflateFactory(server_max_window_bits=8)],
    ]

    async def scene() -> list[list[Any]]:
        async def one(offer: list[Any] | None) -> list[Any]:
            async with ask(server, offer) as ws:
                return [await ws.recv() for _ in TALK]

        return list(await asyncio.gather(*map(one, offers)))

    call = stage.start(asyncio.run, scene())
    stage.until(lambda: len(handler.opened) == len(offers))
    for message in TALK:
        assert server.broadcast(message) == len(offers)
    assert stage.finish(call) == [TALK] * len(offers)


# -- their server ----------------------------------------------------------------------------------------------------


async def echo(ws: ServerConnection) -> None:
    async for message in ws:
        await ws.send(message)


def theirs(stage: Stage, factory: Any) -> Any:
    """A server of theirs that agrees to what the factory does; its URL."""

    async def scene(ready: Callable[[str], None], stop: asyncio.Event) -> None:
        async with serve(echo, HOST, 0, compression=None, extensions=[factory]) as server:
            ready(f"ws://{HOST}:{server.sockets[0].getsockname()[1]}")
            await stop.wait()

    return loop_in_thread(stage, scene)


@pytest.mark.parametrize("name", ["default", "everything", "small"])
@pytest.mark.parametrize("switches", SWITCHES)
@pytest.mark.parametrize("server_bits", [None, 9, 15])
@pytest.mark.parametrize("client_bits", [None, 8, 12])
def test_their_server_with_all_that_it_can_agree_to(
    stage: Stage, switches: tuple[bool, bool], server_bits: int | None, client_bits: int | None, name: str
) -> None:
    factory = ServerPerMessageDeflateFactory(*switches, server_bits, client_bits)
    handler = Recorder()
    with theirs(stage, factory) as url:
        client = stage.client(url, handler, compression=OURS[name])
        for message in TALK[:3]:
            client.send(message)
        stage.until(lambda: handler.opened)
        for message in TALK:
            client.send(message)
        handler.opened[0].send_fragments([b"tick" * 1000, b"", b"tick" * 1000])
        stage.until(lambda: len(handler.messages) == len(TALK) + 4)
        client.close()
        stage.until(lambda: handler.closed)
    assert handler.messages == [*TALK[:3], *TALK, b"tick" * 2000]
    assert handler.opened[0].extensions.startswith(NAME)
    assert handler.closed == [(1000, "")]


def test_their_server_that_wants_a_bound_of_a_client_that_offers_none(stage: Stage) -> None:
    """Ours always says that it knows bounds, so that it is let in."""
    factory = ServerPerMessageDeflateFactory(client_max_window_bits=9, require_client_max_window_bits=True)
    with theirs(stage, factory) as url:
        handler = Recorder()
        client = stage.client(url, handler, compression=Deflate())
        client.send("hello")
        stage.until(lambda: handler.messages)
        assert "client_max_window_bits=9" in handler.opened[0].extensions


# -- picows ----------------------------------------------------------------------------------------------------------


def test_picows_offers_nothing_and_gets_nothing(stage: Stage) -> None:
    handler = Recorder(echo=True)
    server = stage.server(handler, compression=OURS["everything"])

    async def scene() -> None:
        transport, frames = await dial(server)
        assert isinstance(frames, Frames)
        assert "Sec-WebSocket-Extensions" not in transport.response.headers
        for message in TALK:
            data = message.encode() if isinstance(message, str) else message
            kind = picows.WSMsgType.TEXT if isinstance(message, str) else picows.WSMsgType.BINARY
            transport.send(kind, data)
            assert await frames.queue.get() == (kind, data, True)
        await leave(transport, frames)

    stage.play(scene)
    assert handler.messages == TALK
    assert handler.opened[0].extensions == ""


# -- Chromium --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chromium(require: Callable[[str], str]) -> Iterator[Chromium]:
    """As in tests/browser."""
    path = require("chromium")
    pytest.importorskip("playwright", reason="this Python has no playwright, which steers Chromium")
    chromium = Chromium(path)
    yield chromium
    chromium.close()


@pytest.fixture
def open_tab(stage: Stage, chromium: Chromium) -> Iterator[OpenTab]:
    """A function that opens the page of a server in a new tab."""
    context = chromium.thread.submit(chromium.browser.new_context).result()

    def give(server: tickws.WebSocketServer) -> Tab:
        tab = Tab(stage, chromium.thread, chromium.thread.submit(context.new_page).result())
        tab.do("goto", f"http://{HOST}:{server.port}/")
        tab.until("window.connect")
        return tab

    yield give
    chromium.thread.submit(context.close).result()


@pytest.mark.parametrize("name", ["default", "everything", "small"])
def test_chromium(stage: Stage, open_tab: OpenTab, name: str) -> None:
    handler = Recorder(echo=True)
    tab = open_tab(stage.server(handler, files=FILES, compression=OURS[name]))
    tab.connect()
    [opened] = tab.seen
    assert opened["extensions"].startswith(NAME)
    assert handler.opened[0].extensions.startswith(NAME)
    for size in (*LENGTHS[:-1], 100_000):
        assert tab.run("size => echoed('x'.repeat(size % 2) + 'é'.repeat(size / 2))", size)
        assert tab.run("size => echoed(Uint8Array.from({length: size}, (_, i) => i * i))", size)
        assert handler.messages[-2] == message_of(str, size)
        assert handler.messages[-1] == bytes(i * i % 256 for i in range(size))
    tab.run("ws.close(3000, 'done')")
    stage.until(lambda: handler.closed)
    assert handler.closed == [(3000, "done")]
    assert len(handler.messages) == 2 * len(LENGTHS)


def test_chromium_s_bombs_are_bounded(stage: Stage, open_tab: OpenTab) -> None:
    handler = Recorder()
    tab = open_tab(stage.server(handler, files=FILES, compression=Deflate()))
    tab.connect()
    tab.run("size => ws.send('x'.repeat(size))", LIMIT)
    stage.until(lambda: handler.messages)
    tab.run("size => ws.send('x'.repeat(size))", LIMIT + 1)
    tab.until("seen.length === 2")
    assert tab.seen[1]["code"] == 1009
    assert [len(message) for message in handler.messages] == [LIMIT]
