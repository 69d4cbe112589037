"""wss with other people's TLS and WebSockets, over real sockets: OpenSSL's own sockets, asyncio, picows, threads."""

import asyncio
import gc
import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import picows
import pytest
from picows import WSMsgType
from websockets.asyncio.client import connect as connect_async
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

import tickws
from tests import certificates
from tests.certificates import VERSIONS, Version
from tests.interop.helpers import HOST, KINDS, LENGTHS, LIMIT, SECONDS, Recorder, Stage, loop_in_thread, message_of
from tests.interop.test_picows import Frames, encoded
from tests.protocol.helpers import request_head

BOTH = pytest.mark.parametrize("version", VERSIONS)
MESSAGES = [message_of(kind, size) for kind in KINDS for size in LENGTHS]

SHORT = [message for message in MESSAGES if len(message) < 70_000]


def url_of(server: tickws.WebSocketServer, target: str = "/") -> str:
    return f"wss://localhost:{server.port}{target}"


def secure(stage: Stage, handler: tickws.Handler | None = None, **options: Any) -> tickws.WebSocketServer:
    return stage.server(handler, **{"ssl_context": certificates.served(), **options})


# Their clients, our server


@BOTH
def test_websockets_in_a_thread(stage: Stage, version: Version) -> None:
    handler = Recorder(echo=True)
    server = secure(stage, handler)

    def talk() -> list[str | bytes]:
        with connect(url_of(server), ssl=certificates.trusted(version), proxy=None, compression=None) as ws:
            heard = []
            for message in MESSAGES:
                ws.send(message)
                heard.append(ws.recv(SECONDS))
            return heard

    assert stage.call(talk) == MESSAGES
    stage.until(lambda: handler.closed)
    assert handler.closed == [(1000, "")]
    assert handler.opened[0].request.secure
    assert server.statistics().tls_faults == 0


@BOTH
def test_websockets_in_asyncio(stage: Stage, version: Version) -> None:
    """With compression, many in flight, and a Close of ours."""
    handler = Recorder(echo=True)
    server = secure(stage, handler, compression=tickws.Deflate())

    async def scene() -> tuple[list[str | bytes], int | None, str | None]:
        async with connect_async(url_of(server), ssl=certificates.trusted(version), proxy=None) as ws:
            for message in SHORT:
                await ws.send(message)
            heard = [await ws.recv() for _ in SHORT]
            await ws.send("close")
            assert await ws.recv() == "close"
            with pytest.raises(ConnectionClosed):
                await ws.recv()
            return heard, ws.close_code, ws.close_reason

    call = stage.start(lambda: asyncio.run(asyncio.wait_for(scene(), SECONDS)))
    stage.until(lambda: handler.messages[-1:] == ["close"])
    handler.opened[0].close(4000, "enough")
    assert stage.finish(call) == (SHORT, 4000, "enough")


@BOTH
def test_picows(stage: Stage, version: Version) -> None:
    handler = Recorder(echo=True)
    server = secure(stage, handler)

    async def scene() -> None:
        transport, frames = await picows.ws_connect(Frames, url_of(server), ssl_context=certificates.trusted(version))
        assert isinstance(frames, Frames)
        for message in MESSAGES:
            kind, data = encoded(message)
            transport.send(kind, data)
            assert await frames.queue.get() == (kind, data, True)
        transport.send_close(picows.WSCloseCode.OK)
        assert (await frames.queue.get())[0] == WSMsgType.CLOSE
        await transport.wait_disconnected()

    stage.play(scene)
    assert handler.messages == MESSAGES
    stage.until(lambda: handler.closed)
    assert handler.closed == [(1000, "")]


# Our client, their server


def their_server(stage: Stage, context: ssl.SSLContext) -> AbstractContextManager[int]:
    """The port of a `websockets` server that echoes."""

    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    async def scene(ready: Callable[[int], None], stop: asyncio.Event) -> None:
        async with serve(echo, HOST, 0, ssl=context, compression=None) as server:
            ready(next(iter(server.sockets)).getsockname()[1])
            await stop.wait()

    return loop_in_thread(stage, scene)


@BOTH
def test_a_websockets_server(stage: Stage, version: Version) -> None:
    handler = Recorder()
    with their_server(stage, certificates.served(version)) as port:
        client = stage.client(f"wss://localhost:{port}/", handler, ssl_context=certificates.trusted())
        for count, message in enumerate(MESSAGES, 1):
            stage.until(lambda: not client.websocket or not client.websocket.queued_bytes)
            assert client.send(message)
            stage.until(lambda count=count: len(handler.messages) == count)  # type: ignore[misc]
        assert handler.messages == MESSAGES
        (ws,) = handler.opened
        assert ws.tls is not None
        assert ws.tls.version() == version
        client.close(4000, "enough")
        stage.until(lambda: not client.work(0))
    assert handler.closed == [(4000, "enough")]


@pytest.mark.parametrize("leaf", [certificates.untrusted, certificates.expired])
def test_a_websockets_server_that_is_not_trusted(stage: Stage, leaf: Callable[[], Any]) -> None:
    with their_server(stage, certificates.served(leaf=leaf())) as port:
        client = stage.client(f"wss://localhost:{port}/", ssl_context=certificates.trusted())
        stage.until(lambda: not client.work(0))
    assert client.error is not None
    assert "certificate" in str(client.error)


# Ours with ours


def test_both_ends_are_ours(stage: Stage) -> None:
    there, here = Recorder(echo=True), Recorder()
    server = secure(stage, there)
    client = stage.client(url_of(server), here, ssl_context=certificates.trusted())
    messages = [bytes([number]) * LIMIT for number in range(10)]
    for count, message in enumerate(messages, 1):
        assert client.send(message)
        stage.until(lambda count=count: len(here.messages) == count)  # type: ignore[misc]
    assert here.messages == messages
    client.close()
    stage.until(lambda: there.closed and here.closed)
    assert there.closed == here.closed == [(1000, "")]


def test_a_client_that_does_not_read_for_a_while(stage: Stage) -> None:
    """Megabytes wait for it in kernel and queue, and arrive whole."""
    there, here = Recorder(), Recorder()
    server = secure(stage, there, limits=tickws.Limits(queue_bytes=64 << 20))
    client = tickws.WebSocketClient(url_of(server), here, ssl_context=certificates.trusted(), errors="raise")
    deadline = tickws.SystemClock().now() + SECONDS
    while not (there.opened and here.opened):
        assert tickws.SystemClock().now() < deadline
        server.work(0.005)
        client.work(0.005)
    messages = [os.urandom(1) * (1 << 20) for _ in range(24)]
    for message in messages:
        assert there.opened[0].send(message)
    for _ in range(50):
        server.work(0.001)
    assert there.opened[0].queued_bytes > 1 << 20
    while len(here.messages) < len(messages):
        assert tickws.SystemClock().now() < deadline
        server.work(0.005)
        client.work(0.005)
    assert here.messages == messages
    client.abort()


def descriptors() -> int:
    path = Path("/proc/self/fd")
    if not path.is_dir():
        pytest.skip(f"this machine has no {path}, in which descriptors could be counted")
    return len(list(path.iterdir()))


def come_and_go(stage: Stage, server: tickws.WebSocketServer, handler: Recorder, count: int) -> None:
    """Clients of ours connect and leave, one after the other: closed, aborted, or amid the handshake."""
    for number in range(count):
        if number % 3 == 2:
            with closing(socket.create_connection((HOST, server.port))) as sock:
                sock.sendall(b"\x16\x03\x01\x02\x00\x01")
                stage.turn(0.002)
            continue
        client = tickws.WebSocketClient(url_of(server), ssl_context=CONTEXT)
        before = len(handler.closed)
        while not (client.websocket and client.websocket.open):
            client.work(0.001)
            server.work(0.001)
        if number % 3:
            client.abort()
        else:
            client.close()
        while client.work(0.001) or len(handler.closed) == before:
            server.work(0.001)
    stage.until(lambda: not server.statistics().connections)


CONTEXT = certificates.trusted()


def test_two_hundred_leave_no_descriptor_behind(stage: Stage) -> None:
    handler = Recorder()
    server = secure(stage, handler)
    come_and_go(stage, server, handler, 10)
    before = descriptors()
    come_and_go(stage, server, handler, 200)
    gc.collect()
    assert descriptors() == before
    assert len(handler.closed) == len(handler.opened) == 7 + 134


# The `openssl` program, where it is: what Python's ssl cannot send


@pytest.fixture
def s_client() -> Any:
    """A function that starts `openssl s_client`; its input is a pipe."""
    path = shutil.which("openssl")
    if path is None:
        pytest.skip("this machine has no openssl program")
    started: list[subprocess.Popen[bytes]] = []

    def start(server: tickws.WebSocketServer, *options: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [path, "s_client", "-connect", f"{HOST}:{server.port}", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(("command", "version"), [(b"R", "-tls1_2"), (b"k", "-tls1_3"), (b"K", "-tls1_3")])
def test_commands_of_openssl(stage: Stage, s_client: Any, command: bytes, version: str) -> None:
    """R: renegotiate (refused); k: a key update; K: one that asks for ours (both taken). Others are served."""
    handler = Recorder(echo=True)
    server = secure(stage, handler)
    process = s_client(server, version)
    process.stdin.write(request_head("GET /stranger HTTP/1.1"))
    process.stdin.flush()
    stage.until(lambda: handler.opened)
    for _ in range(3):
        try:
            process.stdin.write(command + b"\n")
            process.stdin.flush()
        except BrokenPipeError:  # it has given up
            assert command == b"R"
        for _ in range(20):
            stage.turn(0.01)
    client = stage.client(url_of(server), honest := Recorder(), ssl_context=certificates.trusted())
    client.send("well?")
    stage.until(lambda: honest.messages == ["well?"])
    if command == b"R":
        stage.until(lambda: handler.closed)
        assert handler.closed == [(1006, "")]
    else:
        assert handler.closed == []
        handler.opened[0].send("in new keys")
        stage.until(lambda: not handler.opened[0].queued_bytes)


def test_openssl_sees_a_clean_end(stage: Stage, s_client: Any) -> None:
    server = secure(stage)
    process = s_client(server, "-ign_eof", "-servername", "localhost")
    process.stdin.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    process.stdin.flush()
    output = stage.call(process.stdout.read)
    assert b"HTTP/1.1 426 " in output
    assert b"closed" in output
    assert b"unexpected eof" not in output
    assert b"error" not in output.partition(b"HTTP/1.1 426")[2]
