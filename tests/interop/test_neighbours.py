"""Bad neighbours: who never reads, crashes or floods costs the others nothing (FACTS.md section 1, rows 1, 2, 17)."""

from contextlib import closing
from functools import partial

import tickws
from tests.interop.helpers import RawClient, Recorder, Stage
from tests.protocol.helpers import BINARY, CLOSE, MASK, TEXT, frame

KIB = 1024
LIMITS = tickws.Limits(queue_bytes=64 * KIB, closing_seconds=0.3, message_bytes=64 * KIB)
MESSAGE = 1000
STALLED_BUFFER = 4 * KIB
FLOOD = b"flood"


def at(handler: Recorder, path: str) -> tickws.WebSocket:
    return next(ws for ws in handler.opened if ws.request.path == path)


def broadcast_until_closed(
    stage: Stage, server: tickws.WebSocketServer, stalled: tickws.WebSocket, others: list[RawClient]
) -> tuple[list[tuple[int, bytes]], int]:
    """Broadcast until the stalled connection is given up, the others reading.

    Gives what was sent, and the most bytes that waited for the stalled one.
    """
    sent: list[tuple[int, bytes]] = []
    waiting = 0
    while stalled.open:
        assert len(sent) < 10_000, "the one who does not read is never given up"
        for _ in range(5):
            message = b"%0*d" % (MESSAGE, len(sent))
            assert server.broadcast(message) >= len(others)
            sent.append((BINARY, message))
            waiting = max(waiting, stalled.queued_bytes)
        stage.turn()
        for client in others:
            client.read()
    return sent, waiting


def test_who_never_reads_costs_the_others_nothing(stage: Stage) -> None:
    handler = Recorder()
    server = stage.server(handler, limits=LIMITS)
    stage.raw(server, "/stalled", receive_buffer=STALLED_BUFFER)
    others = stage.raw(server, *[f"/{i}" for i in range(5)])
    stalled = at(handler, "/stalled")

    sent, waiting = broadcast_until_closed(stage, server, stalled, others)

    stage.until(lambda: handler.closed)
    assert handler.closed == [(1008, "send queue full")]
    for client in others:
        stage.until(lambda client=client: len(client.heard()) >= len(sent))  # type: ignore[misc]
        assert client.frames == sent
    # What was queued, and one commit: a share of reliable messages, and the message that goes beyond it.
    assert 0 < waiting <= LIMITS.queue_bytes + LIMITS.slice_bytes + MESSAGE + 14
    assert stalled.queued_bytes == 0
    stage.until(lambda: server.statistics().connections == len(others))
    assert server.statistics().slice.p50 < 0.02


def test_who_reads_again_is_told_why(stage: Stage) -> None:
    """1008 goes out behind what was committed, where the socket takes it in time."""
    handler = Recorder()
    server = stage.server(handler, limits=tickws.Limits(queue_bytes=64 * KIB))
    [client] = stage.raw(server, "/stalled", receive_buffer=STALLED_BUFFER)
    sent, _ = broadcast_until_closed(stage, server, at(handler, "/stalled"), [])
    stage.until(lambda: client.heard()[-1:] and client.frames[-1][0] == CLOSE)
    *data, last = client.frames
    assert data == sent[: len(data)]
    assert 0 < len(data) < len(sent)
    assert last == (CLOSE, b"\x03\xf0send queue full")
    client.send(CLOSE, b"\x03\xf0")
    stage.until(client.gone)
    stage.until(lambda: handler.closed)
    assert handler.closed == [(1008, "send queue full")]


def test_latest_values_stay_fresh_for_who_reads_late(stage: Stage) -> None:
    handler = Recorder()
    server = stage.server(handler, limits=LIMITS)
    [late] = stage.raw(server, "/stalled", receive_buffer=STALLED_BUFFER)
    [prompt] = stage.raw(server, "/prompt")
    made: list[int] = []

    def make(number: int) -> bytes:
        made.append(number)
        return message(number)

    def message(number: int) -> bytes:
        return b"%0*d" % (MESSAGE, number)

    for i in range(500):
        assert server.broadcast_latest("world", message(i)) == 2
        assert at(handler, "/stalled").send_latest("made", partial(make, i))
        stage.turn(0.001)
        prompt.read()
    assert not handler.closed
    assert at(handler, "/stalled").queued_bytes <= 2 * (MESSAGE + 4)
    assert len(made) < 250  # a producer is called when its bytes are committed, and a full socket commits nothing
    stage.until(lambda: late.heard()[-1:] == [(BINARY, message(499))])
    numbers = [int(payload) for _, payload in late.frames]
    assert numbers == sorted(numbers)
    assert len(numbers) < 500  # no film of the past
    assert prompt.heard()[-1] == (BINARY, message(499))


def test_who_crashes_takes_nobody_along(stage: Stage) -> None:
    """A reset that is found by reading, one that is found by writing, and one amid a long write."""
    handler = Recorder(echo=True)
    server = stage.server(handler)
    [stalled] = stage.raw(server, "/stalled", receive_buffer=STALLED_BUFFER)
    reader, writer, other = stage.raw(server, "/reader", "/writer", "/other")
    assert at(handler, "/stalled").send(bytes(500 * KIB))
    stage.turn()
    assert at(handler, "/stalled").queued_bytes > 0
    reader.reset()
    stalled.reset()
    stage.until(lambda: len(handler.closed) == 2)
    assert at(handler, "/writer").send("lost")
    writer.reset()
    server.flush(None)
    stage.until(lambda: len(handler.closed) == 3)
    assert handler.closed == [(1006, "")] * 3
    other.send(TEXT, b"still here")
    stage.until(other.heard)
    assert other.frames == [(TEXT, b"still here")]
    assert server.connections == (at(handler, "/other"),)


class Deaf(Recorder):
    """Echoes all but the flood."""

    def on_message(self, ws: tickws.WebSocket, message: str | bytes) -> None:
        if message != FLOOD:
            ws.send(message)


def test_who_floods_slows_only_itself(stage: Stage) -> None:
    """While one sends all that the kernel takes, others connect and are answered within a few slices."""
    server = stage.server(Deaf())
    [flooder] = stage.raw(server)
    flood = memoryview(frame(BINARY, FLOOD, mask=MASK) * 10_000)
    at_byte = 0

    def turn() -> None:
        nonlocal at_byte
        try:
            while True:
                at_byte = (at_byte + flooder.socket.send(flood[at_byte:])) % len(flood)
        except BlockingIOError:
            pass
        server.work(0.005)

    for _ in range(5):
        turn()
    for _ in range(5):
        with closing(RawClient(server.port)) as client:
            turns = 0
            while not client.opened():
                turn()
                turns += 1
            client.send(TEXT, b"hello")
            while not client.heard():
                turn()
                turns += 1
            assert client.frames == [(TEXT, b"hello")]
            assert turns <= 20
    assert server.statistics().carried_over >= 1


def test_who_floods_instead_of_saying_close_is_given_up(stage: Stage) -> None:
    """Messages prove life, but are no answer to a Close: the closing deadline holds."""
    handler = Recorder()
    server = stage.server(handler, limits=tickws.Limits(closing_seconds=0.2))
    [flooder] = stage.raw(server)
    flood = memoryview(frame(BINARY, FLOOD, mask=MASK) * 10_000)
    handler.opened[0].close(4000, "enough")

    def closed() -> bool:
        nonlocal flood
        try:
            while not handler.closed:
                sent = flooder.socket.send(flood)
                flood = memoryview(bytes(flood[sent:]) + bytes(flood[:sent]))
        except (BlockingIOError, ConnectionError):
            pass
        return bool(handler.closed)

    stage.until(closed)
    assert handler.closed == [(1006, "")]
    assert not handler.messages
    assert server.statistics().timed_out == 1
