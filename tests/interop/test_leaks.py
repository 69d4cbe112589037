"""Ten thousand connections come and go, and nothing stays behind (FACTS.md section 1, row 8)."""

import gc
import os
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import tickws
from tests.interop.helpers import RawClient, Stage
from tests.protocol.helpers import CLOSE, TEXT

CONNECTIONS = 10_000
BATCH = 40
DESCRIPTORS = Path("/proc/self/fd")


class Counts(tickws.Handler):
    """Counts, and keeps nothing."""

    def __init__(self) -> None:
        self.opened = 0
        self.closed: Counter[int] = Counter()

    def on_open(self, ws: tickws.WebSocket) -> None:
        self.opened += 1
        ws.data = self
        ws.send("welcome")

    def on_message(self, ws: tickws.WebSocket, message: str | bytes) -> None:
        ws.send(message)
        ws.send_latest("echo", message)

    def on_close(self, ws: tickws.WebSocket, code: int, reason: str) -> None:
        self.closed[code] += 1


def come_and_go(stage: Stage, server: tickws.WebSocketServer, handler: Counts, connections: int) -> None:
    """Connect and leave, `BATCH` at a time: of four, two by reset, one by a closing handshake, one by hanging up."""
    for _ in range(0, connections, BATCH):
        clients = [RawClient(server.port) for _ in range(BATCH)]
        stage.until(lambda clients=clients: all(client.opened() for client in clients))  # type: ignore[misc]
        for client in clients:
            client.send(TEXT, b"hello")
        closed = sum(handler.closed.values())
        for number, client in enumerate(clients):
            if number % 4 == 2:
                client.send(CLOSE, b"\x03\xe8")
            elif number % 4 == 3:
                client.read()
                client.close()
            else:
                client.reset()
        leaving = clients[2::4]
        stage.until(lambda clients=leaving: all(client.gone() for client in clients))  # type: ignore[misc]
        for client in leaving:
            client.close()
        stage.until(lambda: sum(handler.closed.values()) == closed + BATCH)  # noqa: B023 (called at once)
    stage.until(lambda: not server.statistics().connections)


def resident_bytes() -> int:
    """The process's memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def objects_by_type() -> Counter[str]:
    """What the collector knows, after it has collected."""
    gc.collect()
    return Counter(f"{type(thing).__module__}.{type(thing).__qualname__}" for thing in gc.get_objects())


def test_ten_thousand_leave_nothing_behind(stage: Stage) -> None:
    if not DESCRIPTORS.is_dir():
        pytest.skip(f"this machine has no {DESCRIPTORS}, in which descriptors could be counted")
    handler = Counts()
    server = stage.server(handler)
    come_and_go(stage, server, handler, 1000)  # warm-up: caches, free lists, what the kernel gives lazily
    descriptors, objects, resident = len(list(DESCRIPTORS.iterdir())), objects_by_type(), resident_bytes()

    come_and_go(stage, server, handler, CONNECTIONS)

    assert len(list(DESCRIPTORS.iterdir())) == descriptors
    more = objects_by_type() - objects
    assert not {name: count for name, count in more.items() if name.startswith(("tickws.", "h11."))}
    assert more.total() < 100, more.most_common(10)
    assert resident_bytes() - resident < 8 * 2**20
    total = CONNECTIONS + 1000
    statistics = server.statistics()
    assert handler.opened == statistics.opened == statistics.accepted == total
    assert handler.closed[1000] == total // 4
    assert handler.closed[1006] == total - total // 4
    assert dict(statistics.closed) == dict(handler.closed)
    assert not server.connections


def test_no_byte_stays_behind(stage: Stage) -> None:
    """As above, by Python's own book-keeping; fewer of them, for that is slow.

    A leak grows with every round. What else grows (a table of the interpreter's, of the coverage tool's) does so in one
    jump and then rests, so the least of three rounds tells them apart.
    """
    handler = Counts()
    server = stage.server(handler)
    come_and_go(stage, server, handler, 200)
    connections, grown = 400, []
    tracemalloc.start()
    try:
        come_and_go(stage, server, handler, 200)
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(3):
            come_and_go(stage, server, handler, connections)
            gc.collect()
            now = tracemalloc.get_traced_memory()[0]
            grown.append(now - before)
            before = now
    finally:
        tracemalloc.stop()
    assert min(grown) < 20 * connections, f"{grown} bytes stayed behind of {connections} connections each"


@contextmanager
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def test_connections_do_not_wait_for_the_collector(stage: Stage) -> None:
    """Games switch the collector off, for it costs frames: what is closed must be freed by its last reference."""
    handler = Counts()
    server = stage.server(handler)
    come_and_go(stage, server, handler, BATCH)
    with no_collector():
        before = Counter(type(thing).__name__ for thing in gc.get_objects() if is_ours(thing))
        come_and_go(stage, server, handler, 10 * BATCH)
        after = Counter(type(thing).__name__ for thing in gc.get_objects() if is_ours(thing))
    assert not after - before


def is_ours(thing: object) -> bool:
    return str(type(thing).__module__).startswith(("tickws.", "h11."))
