"""What the tests with real sockets share: a stage, on which our endpoints are turned and strangers act.

The servers and clients of tickws are turned by the test's own thread, as a game would; somebody else's library runs in
a thread of its own (`Stage.call`, `Stage.play`). Nothing sleeps: `Stage.until` turns until something is true, and fails
where that takes too long. `RawClient` is a socket that speaks WebSocket by hand, in the test's thread.
"""

import asyncio
import random
import re
import socket
import struct
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any, TypeVar

import tickws
from tests.protocol.helpers import MASK, frame, request_head
from tickws.transport.endpoint import Endpoint

T = TypeVar("T")

SECONDS = 20.0
"""How long anything may take before its test fails; a busy machine needs some of it."""
HOST = "127.0.0.1"
LIMIT = tickws.Limits().message_bytes
LENGTHS = (0, 1, 125, 126, 127, 128, 255, 256, 65535, 65536, 65537, LIMIT)
"""FACTS.md section 1, row 5; `LIMIT` + 1 and + 2 are refused."""
KINDS = (str, bytes)


def message_of(kind: type[str] | type[bytes], size: int) -> str | bytes:
    """A message of so many bytes on the wire; text has characters of one and of two bytes."""
    if kind is bytes:
        return random.Random(size).randbytes(size)
    return "x" * (size % 2) + "é" * (size // 2)


class Recorder(tickws.Handler):
    """Keeps what it is called for. `echo`: sends every message back."""

    def __init__(self, *, echo: bool = False) -> None:
        self.echo = echo
        self.opened: list[tickws.WebSocket] = []
        self.messages: list[str | bytes] = []
        self.closed: list[tuple[int, str]] = []

    def on_open(self, ws: tickws.WebSocket) -> None:
        self.opened.append(ws)

    def on_message(self, ws: tickws.WebSocket, message: str | bytes) -> None:
        self.messages.append(message)
        if self.echo:
            assert ws.send(message)

    def on_close(self, ws: tickws.WebSocket, code: int, reason: str) -> None:
        assert not ws.open
        assert not ws.send("too late")
        self.closed.append((code, reason))


class Stage:
    """Endpoints that are turned by the test's thread, and threads for everybody else."""

    def __init__(self) -> None:
        self._endpoints: list[Endpoint] = []
        self._clients: list[RawClient] = []
        self._threads = ThreadPoolExecutor(16, "stranger")

    def server(self, handler: tickws.Handler | None = None, **options: Any) -> tickws.WebSocketServer:
        """A server at a free port; what its callbacks raise fails the test."""
        server = tickws.WebSocketServer(handler, **{"port": 0, "errors": "raise", **options})
        self._endpoints.append(server)
        return server

    def client(self, url: str, handler: tickws.Handler | None = None, **options: Any) -> tickws.WebSocketClient:
        """A client of tickws; what its callbacks raise fails the test."""
        client = tickws.WebSocketClient(url, handler, **{"errors": "raise", **options})
        self._endpoints.append(client)
        return client

    def raw(self, server: tickws.WebSocketServer, *paths: str | None, **options: Any) -> list["RawClient"]:
        """Clients made of sockets, open: one for each path."""
        clients = [RawClient(server.port, path, **options) for path in paths or ("/",)]
        self._clients += clients
        self.until(lambda: all(client.opened() for client in clients))
        return clients

    def turn(self, budget: float = 0.01) -> None:
        """One slice for every endpoint; `budget` for all of them together."""
        for endpoint in self._endpoints:
            endpoint.work(budget / len(self._endpoints))

    def until(self, condition: Callable[[], object], seconds: float = SECONDS) -> None:
        """Turn until `condition` holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"nothing came of it within {seconds:g} s"
            self.turn()

    def start(self, function: Callable[..., T], *arguments: Any) -> "Future[T]":
        """Call `function` in a thread of its own."""
        return self._threads.submit(function, *arguments)

    def finish(self, call: "Future[T]", seconds: float = 2 * SECONDS) -> T:
        """Turn until a started call has ended; gives its result, or raises what it raised."""
        self.until(call.done, seconds)
        return call.result()

    def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """Turn while `function` runs in a thread of its own; gives its result."""
        return self.finish(self.start(function, *arguments))

    def play(self, scene: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        """Turn while a coroutine runs in an event loop of its own; gives its result."""
        return self.call(lambda: run_scene(scene, *arguments))

    def close(self) -> None:
        """Close every endpoint and socket, then wait for the threads: nobody is left for them to wait for."""
        for endpoint in self._endpoints:
            endpoint.abort()
        for client in self._clients:
            client.close()
        self._threads.shutdown()


def run_scene(scene: Callable[..., Awaitable[T]], *arguments: Any) -> T:
    """Run a coroutine to its end, or to the end of patience."""

    async def bounded() -> T:
        return await asyncio.wait_for(scene(*arguments), SECONDS)

    return asyncio.run(bounded())


@contextmanager
def loop_in_thread(stage: Stage, scene: Callable[[Callable[[T], None], asyncio.Event], Awaitable[None]]) -> Iterator[T]:
    """Run a coroutine in a thread as long as the block lasts.

    The coroutine gets a function that takes what the block is given (once it is ready), and an event that ends it.
    """
    started: Future[T] = Future()
    stop: Future[Callable[[], object]] = Future()

    async def run() -> None:
        event = asyncio.Event()
        loop = asyncio.get_running_loop()
        stop.set_result(lambda: loop.call_soon_threadsafe(event.set))
        await scene(started.set_result, event)

    running = stage.start(asyncio.run, run())
    try:
        stage.until(lambda: started.done() or running.done())
        if running.done():
            running.result()
        yield started.result()
    finally:
        if not running.done():
            stop.result(SECONDS)()
        stage.finish(running)


class RawClient:
    """A WebSocket client made of a socket and nothing else, never blocking once it is connected.

    Args:
        port: of a server on this machine, which must listen already; connecting does not wait for its `work`.
        path: ask for a WebSocket there, at once; None: say nothing.
        receive_buffer: bytes that the kernel keeps for us (SO_RCVBUF), where it matters.
    """

    def __init__(self, port: int, path: str | None = "/", *, receive_buffer: int | None = None) -> None:
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect((HOST, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.data = bytearray()
        """What came and is not yet taken."""
        self.head = b""
        """The server's answer, up to its blank line."""
        self.ended = False
        self.frames: list[tuple[int, bytes]] = []
        if path is not None:
            self.socket.sendall(request_head(f"GET {path} HTTP/1.1"))

    def read(self) -> None:
        """Take what is there; notice the end of the stream."""
        try:
            while not self.ended:
                data = self.socket.recv(1 << 16)
                self.ended = not data
                self.data += data
        except BlockingIOError:
            pass

    def opened(self) -> bool:
        """Whether the server has let us in."""
        self.read()
        head, blank, rest = bytes(self.data).partition(b"\r\n\r\n")
        if blank and not self.head:
            assert head.startswith(b"HTTP/1.1 101 "), head
            self.head, self.data = head, bytearray(rest)
        return bool(self.head)

    def gone(self) -> bool:
        """Whether the server has ended the stream."""
        self.read()
        return self.ended

    def heard(self) -> list[tuple[int, bytes]]:
        """The frames that have come whole so far: opcode and payload; the server's are all final."""
        self.read()
        data, at = self.data, 0
        while len(data) - at >= 2:
            size, start = data[at + 1], at + 2
            if size == 126:
                size, start = int.from_bytes(data[start : start + 2], "big"), start + 2
            elif size == 127:
                size, start = int.from_bytes(data[start : start + 8], "big"), start + 8
            if len(data) < start + size:
                break
            assert data[at] & 0xF0 == 0x80, "a fragment, or reserved bits"
            self.frames.append((data[at] & 0x0F, bytes(data[start : start + size])))
            at = start + size
        del data[:at]
        return self.frames

    def send(self, opcode: int, payload: bytes = b"") -> None:
        """Send one small frame, whole."""
        self.socket.sendall(frame(opcode, payload, mask=MASK))

    def reset(self) -> None:
        """Close so that the kernel says RST, as it does for a process that crashed."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()


def exchange(stage: Stage, port: int, data: bytes, *, half_close: bool = False) -> bytes:
    """Send bytes to a port and give all that comes back, up to the end of the stream.

    A reset instead of an end raises ConnectionResetError. `half_close`: end our half of the stream after `data`.
    """
    with closing(RawClient(port, None)) as client:
        unsent = memoryview(data)

        def ended() -> bool:
            nonlocal unsent
            try:
                while unsent:
                    unsent = unsent[client.socket.send(unsent) :]
                    if half_close and not unsent:
                        client.socket.shutdown(socket.SHUT_WR)
            except BlockingIOError:
                pass
            return client.gone()

        stage.until(ended)
        return bytes(client.data)


STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9][0-9]) [A-Z][A-Za-z -]*")


def http_answer(data: bytes, *, head_only: bool = False) -> tuple[int, dict[str, str], bytes]:
    """Status, headers (names in lower case) and body of one answer that is proper HTTP and the last of its stream."""
    head, blank, body = data.partition(b"\r\n\r\n")
    assert blank, f"no HTTP answer: {data[:200]!r}"
    status_line, *lines = head.split(b"\r\n")
    match = STATUS_LINE.fullmatch(status_line)
    assert match is not None, status_line
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.decode("ascii").partition(":")
        assert colon, line
        assert name.strip() == name != "", line
        assert name.lower() not in headers, line
        headers[name.lower()] = value.strip()
    assert headers["connection"].lower() == "close"
    if head_only:
        assert body == b""
    else:
        assert int(headers["content-length"]) == len(body)
    return int(match[1]), headers, body
