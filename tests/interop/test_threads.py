"""Other threads: what they send is not lost, wakes the loop at once, and is safe on connections that are gone."""

import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from queue import SimpleQueue

import pytest

import tickws
from tests.interop.helpers import RawClient, Recorder, Stage
from tests.protocol.helpers import CLOSE, TEXT

THREADS = 8
MESSAGES = 300
STAYING = 3
BROADCAST_EVERY = 10
ROOMY = tickws.Limits(queue_messages=1_000_000, queue_bytes=1 << 30)


@pytest.fixture(autouse=True)
def quick_turns() -> Iterator[None]:
    """Let threads take turns as often as can be: more of them meet, and the loop's own is not starved."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_nothing_queued_is_lost_while_connections_come_and_go(stage: Stage) -> None:
    """Eight threads send to three that stay, and send to, ping and close those that come and go."""
    handler = Recorder()
    server = stage.server(handler, limits=ROOMY)
    staying = stage.raw(server, *[f"/{number}" for number in range(STAYING)])
    sockets = tuple(handler.opened)
    permits = threading.Semaphore(0)  # so many messages a turn, so that there are turns enough to come and go

    def sender(number: int) -> None:
        for i in range(MESSAGES):
            permits.acquire()
            for ws in sockets:
                assert ws.send(f"{number} {i}")
            if i % BROADCAST_EVERY == number:
                assert server.broadcast(f"all:{number} {i}") >= STAYING
            for ws in handler.opened[STAYING:][-3:]:
                ws.send(b"\0" * 1000)
                ws.send_latest(number, b"newest")
                ws.ping()
                if i % 10 == number:
                    ws.close(4000 + number)

    visitors: list[RawClient] = []
    gone = 0
    calls = [stage.start(sender, number) for number in range(THREADS)]
    try:
        while not all(call.done() for call in calls):
            permits.release(THREADS * 5)
            visitors.append(RawClient(server.port))
            if len(visitors) > 10:
                visitor = visitors.pop(0)
                if gone % 2:
                    visitor.reset()
                else:
                    visitor.close()
                gone += 1
            stage.turn()
            for client in [*staying, *visitors]:
                client.read()
    finally:
        permits.release(THREADS * MESSAGES)
        for visitor in visitors:
            visitor.close()
    for call in calls:
        call.result()

    expected = THREADS * (MESSAGES + MESSAGES // BROADCAST_EVERY)
    for client in staying:
        stage.until(lambda client=client: len(client.heard()) >= expected)  # type: ignore[misc]
        heard: dict[str, list[int]] = defaultdict(list)
        for opcode, payload in client.frames:
            assert opcode == TEXT
            name, i = payload.decode().split()
            heard[name].append(int(i))
        for number in range(THREADS):
            assert heard.pop(str(number)) == list(range(MESSAGES))
            assert heard.pop(f"all:{number}") == list(range(number, MESSAGES, BROADCAST_EVERY))
        assert not heard
        client.close()
    stage.until(lambda: len(handler.closed) == len(handler.opened))
    assert gone >= MESSAGES // 5 - 10
    assert len(handler.opened) == server.statistics().opened
    assert server.statistics().callback_errors == 0


CALLS: dict[str, Callable[[tickws.WebSocketServer, tickws.WebSocket], object]] = {
    "send": lambda server, ws: ws.send("now"),
    "send_latest": lambda server, ws: ws.send_latest("key", "now"),
    "ping": lambda server, ws: ws.ping(),
    "broadcast": lambda server, ws: server.broadcast("now"),
    "broadcast_latest": lambda server, ws: server.broadcast_latest("key", b"now"),
    "wake": lambda server, ws: server.wake(),
}
LONG, SHORT = 5.0, 2.5
"""What `work` may wait, and what it must stay below: seconds."""


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_call_ends_a_waiting_work_at_once(stage: Stage, call: Callable[..., object]) -> None:
    handler = Recorder()
    server = stage.server(handler)
    stage.raw(server)
    called = threading.Event()
    orders: SimpleQueue[float | None] = SimpleQueue()

    def caller() -> None:
        while (pause := orders.get()) is not None:
            spin(pause)
            called.set()
            call(server, handler.opened[0])

    running = stage.start(caller)
    try:
        for pause in (0.1, 0.01, 0.001, 0.0001, 0.0):
            called.clear()
            orders.put(pause)
            started = time.monotonic()
            while not called.is_set():  # it may wake for something else, such as the rest of the last call's wish
                server.work(LONG)
            server.work(0)
            assert time.monotonic() - started < SHORT
    finally:
        orders.put(None)
    running.result()


def spin(seconds: float) -> None:
    """Let time pass, busily: exact where a sleep is not."""
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass


def test_no_wake_up_falls_between_looking_and_sleeping(stage: Stage) -> None:
    """Many sends, each while `work` begins to sleep, a little earlier or later: none may wait for the sleep's end."""
    handler = Recorder()
    server = stage.server(handler)
    [client] = stage.raw(server)
    rounds = 3000
    taken = 0

    def sender() -> None:
        for i in range(rounds):
            while taken < i:
                pass
            for _ in range(i % 97):
                pass
            assert handler.opened[0].send(str(i))

    running = stage.start(sender)
    try:
        while taken < rounds:
            started = time.monotonic()
            server.work(LONG)
            assert time.monotonic() - started < SHORT
            taken = len(client.heard())
    finally:
        taken = rounds
    running.result()
    assert client.frames == [(TEXT, b"%d" % i) for i in range(rounds)]


def test_a_close_ends_a_waiting_work_at_once(stage: Stage) -> None:
    handler = Recorder()
    server = stage.server(handler)
    for number in range(5):
        [client] = stage.raw(server)
        payload = (4000 + number).to_bytes(2, "big")

        def close(ws: tickws.WebSocket = handler.opened[-1], code: int = 4000 + number) -> None:
            spin(0.01)
            ws.close(code, "enough")

        started = time.monotonic()
        running = stage.start(close)
        while not client.heard():
            server.work(LONG)
        assert time.monotonic() - started < SHORT
        assert client.frames == [(CLOSE, payload + b"enough")]
        running.result()
        client.send(CLOSE, payload)
        stage.until(lambda number=number: len(handler.closed) > number)  # type: ignore[misc]
    assert handler.closed == [(4000 + number, "enough") for number in range(5)]


@pytest.mark.parametrize("end", ["close", "abort"])
def test_calls_on_dead_connections_while_the_server_closes(stage: Stage, end: str) -> None:
    handler = Recorder()
    server = stage.server(handler, limits=ROOMY)
    clients = stage.raw(server, *["/"] * 12)
    sockets = tuple(handler.opened)
    stop = threading.Event()
    calls_made = [0] * THREADS

    def hammer(number: int) -> None:
        while not stop.wait(0.0001):  # a breath: a lock does not go round by itself
            for i, ws in enumerate(sockets):
                ws.send("hello")
                ws.send_latest(number, b"newest")
                ws.ping(b"?")
                if i % THREADS == number and number < 4:
                    ws.close()
            server.broadcast("all")
            server.broadcast_latest(number, "all")
            server.wake()
            calls_made[number] += 1

    def all_have_called(times: int) -> Callable[[], bool]:
        wanted = [made + times for made in calls_made]
        return lambda: all(made >= want for made, want in zip(calls_made, wanted, strict=True))

    calls = [stage.start(hammer, number) for number in range(THREADS)]
    try:
        stage.until(all_have_called(2))
        for client in clients[:3]:
            client.reset()
        stage.until(all_have_called(2))
        if end == "close":
            server.close(timeout=0.2)
        else:
            server.abort()
        stage.until(lambda: not server.work(0.01))
        stage.until(all_have_called(2))
    finally:
        stop.set()
    for call in calls:
        stage.finish(call)
    assert len(handler.closed) == 12
    for ws in sockets:
        assert not ws.open
        assert ws.send("x") is ws.send_latest("k", "x") is ws.ping() is False
        ws.close()
        assert ws.queued_bytes == 0
    assert server.broadcast("x") == server.broadcast_latest("k", "x") == 0
