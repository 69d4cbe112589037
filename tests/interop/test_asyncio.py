"""asyncio as the host: `fileno()` in its selector, `next_deadline()` in a timer, `work(..., wait=0)` when either calls.

The clients are `websockets`, in the same event loop and thread: nobody could wait for anybody without stopping both.
"""

import asyncio
import select
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

import tickws
from tests.interop.helpers import HOST, SECONDS, RawClient, Recorder, Stage, run_scene
from tests.protocol.helpers import MASK, TEXT, frame


class Host:
    """Turns a server inside the running event loop."""

    def __init__(self, server: tickws.WebSocketServer, budget: float) -> None:
        self.calls = 0
        """How often `work` was called."""
        self.finished = asyncio.Event()
        self._server = server
        self._budget = budget
        self._loop = asyncio.get_running_loop()
        self._fd = server.fileno()
        self._timer: asyncio.TimerHandle | None = None
        self._loop.add_reader(self._fd, self.work)
        self.work()

    def work(self) -> None:
        """One slice, and an alarm for the next deadline."""
        self.calls += 1
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._server.work(self._budget, wait=0):
            self._loop.remove_reader(self._fd)
            self.finished.set()
        elif (seconds := self._server.next_deadline()) is not None:
            self._timer = self._loop.call_later(seconds, self.work)


@asynccontextmanager
async def hosted(
    handler: tickws.Handler | None = None, *, budget: float = 0.005, **options: Any
) -> AsyncIterator[tuple[tickws.WebSocketServer, Host]]:
    """A server in the running event loop, closed at the end of the block."""
    server = tickws.WebSocketServer(handler, port=0, errors="raise", **options)
    host = Host(server, budget)
    try:
        yield server, host
    finally:
        server.close(timeout=1.0)
        await asyncio.wait_for(host.finished.wait(), SECONDS)


def dial(server: tickws.WebSocketServer) -> connect:
    return connect(f"ws://{HOST}:{server.port}/", proxy=None, compression=None, ping_interval=None)


async def quiet(host: Host) -> None:
    """Wait until `work` is no longer called."""
    before = -1
    while before != host.calls:
        before = host.calls
        await asyncio.sleep(0.05)


async def calls_in(host: Host, seconds: float) -> int:
    """How often `work` is called in the next seconds."""
    before = host.calls
    await asyncio.sleep(seconds)
    return host.calls - before


def test_all_messages_arrive() -> None:
    handler = Recorder(echo=True)

    async def one(server: tickws.WebSocketServer, number: int) -> None:
        async with dial(server) as ws:
            messages = [f"{number}:{i}" for i in range(100)]
            for message in messages[:50]:
                await ws.send(message)
                assert await ws.recv() == message
            for message in messages[50:]:
                await ws.send(message)
            assert [await ws.recv() for _ in range(50)] == messages[50:]

    async def scene() -> None:
        async with hosted(handler) as (server, _):
            await asyncio.gather(*(one(server, number) for number in range(10)))

    run_scene(scene)
    assert len(handler.messages) == 1000
    assert handler.closed == [(1000, "")] * 10


@pytest.mark.parametrize("clients", [0, 3])
def test_nothing_is_polled_while_nothing_happens(clients: int) -> None:
    async def scene() -> None:
        async with hosted(Recorder(echo=True)) as (server, host):
            sockets = [await dial(server) for _ in range(clients)]
            for ws in sockets:
                await ws.send("hello")
                assert await ws.recv() == "hello"
            await quiet(host)
            assert await calls_in(host, 0.3) == 0
            for ws in sockets:  # and it wakes again
                await ws.send("hello")
                assert await ws.recv() == "hello"
                await ws.close()

    run_scene(scene)


def test_a_send_between_two_calls_of_work_goes_out() -> None:
    handler = Recorder()

    async def scene() -> None:
        async with hosted(handler) as (server, host), dial(server) as ws:
            await quiet(host)
            for i in range(20):
                assert handler.opened[0].send(f"text {i}")
                assert await asyncio.wait_for(ws.recv(), SECONDS) == f"text {i}"
                assert handler.opened[0].send_latest("state", f"state {i}")
                assert await asyncio.wait_for(ws.recv(), SECONDS) == f"state {i}"
                assert server.broadcast(f"all {i}") == 1
                assert await asyncio.wait_for(ws.recv(), SECONDS) == f"all {i}"
            await quiet(host)
            handler.opened[0].close(4000, "enough")
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(ws.recv(), SECONDS)
            assert ws.close_code == 4000

    run_scene(scene)


def test_a_send_from_a_thread_goes_out() -> None:
    handler = Recorder()

    async def scene() -> None:
        async with hosted(handler) as (server, host), dial(server) as ws:
            await quiet(host)
            for i in range(20):
                assert await asyncio.to_thread(handler.opened[0].send, str(i))
                assert await asyncio.wait_for(ws.recv(), SECONDS) == str(i)

    run_scene(scene)


def test_a_small_budget_carries_over_until_all_is_done() -> None:
    """`work(0)`: one step a call, and the descriptor calls again as long as there are more."""
    handler = Recorder(echo=True)

    async def scene() -> None:
        async with hosted(handler, budget=0.0) as (server, host):
            clients = [await dial(server) for _ in range(4)]
            for ws in clients:
                for i in range(200):
                    await ws.send(str(i))
            for ws in clients:
                assert [await ws.recv() for _ in range(200)] == [str(i) for i in range(200)]
                await ws.close()
            await quiet(host)
            assert await calls_in(host, 0.1) == 0

    run_scene(scene)
    assert len(handler.messages) == 800


def test_deadlines_come_on_time() -> None:
    """Who says nothing is hung up on after `handshake_seconds`, though `work` is called by the timer alone."""
    limits = tickws.Limits(handshake_seconds=2.0)

    async def scene() -> tuple[float, int]:
        loop = asyncio.get_running_loop()
        async with hosted(limits=limits) as (server, host):
            started = loop.time()
            reader, writer = await asyncio.open_connection(HOST, server.port)
            await quiet(host)
            before = host.calls
            assert await asyncio.wait_for(reader.read(), SECONDS) == b""
            took = loop.time() - started
            writer.close()
            return took, host.calls - before

    took, calls = run_scene(scene)
    assert 1.9 < took < 5.0
    assert calls <= 3


def test_pings_come_on_time() -> None:
    handler = Recorder()
    limits = tickws.Limits(ping_seconds=0.5)

    async def scene() -> tuple[float, int]:
        loop = asyncio.get_running_loop()
        async with hosted(handler, limits=limits) as (server, host), dial(server):
            started = loop.time()
            before = host.calls
            while handler.opened[0].latency is None:
                assert loop.time() < started + SECONDS
                await asyncio.sleep(0.01)
            return loop.time() - started, host.calls - before

    took, calls = run_scene(scene)
    assert took > 0.4
    assert calls <= 8


def test_the_descriptor_is_readable_while_anything_is_left_to_do(stage: Stage) -> None:
    handler = Recorder()
    server = stage.server(handler, limits=tickws.Limits(slice_messages=8))
    fd = server.fileno()

    def readable() -> bool:
        return bool(select.select([fd], [], [], 0)[0])

    def settle() -> None:
        turns = 0
        while readable():
            server.work(0.01, wait=0)
            turns += 1
            assert turns < 100, "readable for ever"

    settle()
    client = RawClient(server.port)
    assert readable()
    settle()
    assert client.opened()

    client.socket.sendall(frame(TEXT, b"x", mask=MASK) * 100)
    assert select.select([fd], [], [], SECONDS)[0]
    server.work(0.01, wait=0)
    assert 0 < len(handler.messages) < 100
    assert server.statistics().carried_over == 1
    assert readable()
    settle()
    assert len(handler.messages) == 100

    assert handler.opened[0].send("x")
    assert readable()
    settle()
    assert handler.opened[0].statistics().messages_sent == 1

    server.wake()
    assert readable()
    settle()

    client.close()
    assert select.select([fd], [], [], SECONDS)[0]
    settle()
    assert len(handler.closed) == 1

    server.close()
    assert readable()
    assert not server.work(0.01, wait=0)
    with pytest.raises(tickws.UsageError):
        server.fileno()
