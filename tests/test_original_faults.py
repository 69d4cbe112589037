"""The faults of the original, row by row: what tickws must not have. `tests/prove.py` takes each defence out again."""

from __future__ import annotations

import gc
import os
import socket
import threading
import time
import weakref
from collections.abc import Callable

import pytest

import tickws
from tickws.protocol.codec import FrameDecoder, encode_frame
from tickws.protocol.opcodes import Opcode
from tickws.testing import Conditions, ManualClock, MemoryNetwork, MemorySocket
from tickws.transport.network import SocketNetwork
from tickws.transport.poller import READABLE, Poller, system_poller

PORT = 8056
KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + KEY + b"\r\n\r\n"
)
MASK = b"\x01\x02\x03\x04"
EDGES = (0, 1, 125, 126, 127, 128, 255, 256, 65535, 65536, 65537)


class World:
    """A server on a memory network, what its callbacks were told, and raw peers."""

    def __init__(self, *, conditions: Conditions | None = None, clock: ManualClock | None = None, **options: object):
        self.network = MemoryNetwork(clock, conditions=conditions)
        self.opened: list[tickws.WebSocket] = []
        self.messages: list[str | bytes] = []
        self.closed: list[tuple[int, str]] = []
        callbacks: dict[str, object] = {
            "on_open": self.opened.append,
            "on_message": lambda ws, message: self.messages.append(message),
            "on_close": lambda ws, code, reason: self.closed.append((code, reason)),
        }
        self.server = tickws.WebSocketServer(network=self.network, port=PORT, **{**callbacks, **options})  # type: ignore[arg-type]

    def turn(self, seconds: float = 0.1) -> None:
        """Let some frames pass."""
        for _ in range(max(1, round(seconds * 20))):
            self.server.work(None, wait=0)
            self.network.clock.advance(0.05)

    def peer(self, handshake: bytes = HANDSHAKE) -> Peer:
        peer = Peer(self.network.dial(PORT))
        peer.socket.send(handshake)
        self.turn()
        return peer

    def open_peer(self) -> Peer:
        peer = self.peer()
        assert peer.receive().startswith(b"HTTP/1.1 101 ")
        return peer


class Peer:
    """A raw client."""

    def __init__(self, sock: MemorySocket) -> None:
        self.socket = sock

    def send(self, opcode: int, payload: bytes = b"", *, fin: bool = True) -> None:
        self.socket.send(encode_frame(opcode, payload, fin, MASK))

    def receive(self) -> bytes:
        """All bytes that have come."""
        data = bytearray()
        try:
            while part := self.socket.recv(65536):
                data += part
        except BlockingIOError:
            pass
        return bytes(data)

    def frames(self) -> list[tuple[int, bytes]]:
        """All frames that have come: (opcode, payload)."""
        decoder = FrameDecoder(False, 1 << 30, True)
        decoder.receive(self.receive())
        frames = []
        while decoder.next_part():
            assert decoder.ends
            frames.append((decoder.opcode, decoder.payload))
        return frames


@pytest.fixture
def world() -> World:
    return World()


def test_row_1_a_client_that_never_reads_costs_the_others_nothing() -> None:
    world = World(conditions=Conditions(buffer_bytes=4096))
    stalled, healthy = world.open_peer(), world.open_peer()
    got = bytearray()
    for number in range(100):
        assert world.server.broadcast(number.to_bytes(2, "big") * 510) == 2  # four frames fill the kernel to the byte
        world.server.work(0.02, wait=0)  # returns, though one socket is full
        got += healthy.receive()
    assert len(got) == 100 * 1024
    assert not world.closed
    late = bytearray()
    for _ in range(100):  # it reads at last: nothing that was queued is missing
        late += stalled.receive()
        world.turn()
    assert late == got


def test_row_2_a_reset_client_closes_that_client_only(world: World) -> None:
    reset, other = world.open_peer(), world.open_peer()
    reset.socket.reset()
    world.turn()
    assert world.closed == [(1006, "")]
    other.send(Opcode.TEXT, b"still here")
    world.turn()
    assert world.messages == ["still here"]


@pytest.mark.parametrize("opcode", [Opcode.TEXT, Opcode.BINARY, Opcode.PING, Opcode.PONG, Opcode.CONTINUATION])
def test_row_3_an_empty_frame_and_one_byte_behind_it(world: World, opcode: Opcode) -> None:
    peer = world.open_peer()
    if opcode == Opcode.CONTINUATION:
        peer.send(Opcode.TEXT, fin=False)
    peer.send(opcode)
    whole = encode_frame(Opcode.BINARY, b"next", True, MASK)
    peer.socket.send(whole[:1])
    world.turn()
    peer.socket.send(whole[1:])
    world.turn()
    empty: dict[Opcode, list[str | bytes]] = {Opcode.TEXT: [""], Opcode.BINARY: [b""], Opcode.CONTINUATION: [""]}
    assert world.messages == [*empty.get(opcode, []), b"next"]
    assert peer.frames() == ([(Opcode.PONG, b"")] if opcode == Opcode.PING else [])


def test_row_4_unsolicited_pongs_are_ignored(world: World) -> None:
    peer = world.open_peer()
    peer.send(Opcode.PONG, b"nobody asked")
    peer.send(Opcode.TEXT, b"hello")
    world.turn()
    assert world.messages == ["hello"]
    assert not world.closed


@pytest.mark.parametrize("size", EDGES)
def test_row_5_every_length_comes_and_goes(world: World, size: int) -> None:
    peer = world.open_peer()
    payload = bytes(index & 0xFF for index in range(size))
    peer.send(Opcode.BINARY, payload)
    world.turn()
    assert world.messages == [payload]
    world.opened[0].send(payload)
    world.turn()
    assert peer.frames() == [(Opcode.BINARY, payload)]


@pytest.mark.parametrize(("beyond", "code"), [(0, None), (1, 1009), (2, 1009)])
def test_row_5_the_maximum_holds(beyond: int, code: int | None) -> None:
    world = World(limits=tickws.Limits(message_bytes=1000))
    peer = world.open_peer()
    peer.send(Opcode.BINARY, b"x" * (1000 + beyond))
    world.turn()
    assert len(world.messages) == (code is None)
    assert [told for told, _ in world.closed] == ([] if code is None else [code])


def test_row_6_a_poll_tells_of_everybody_at_once() -> None:
    poller = system_poller()
    descriptors = [os.eventfd(1) for _ in range(1100)] if hasattr(os, "eventfd") else []
    try:
        for fd in descriptors:
            poller.register(fd, READABLE)
        assert len(poller.poll(0)) == len(descriptors)
    finally:
        poller.close()
        for fd in descriptors:
            os.close(fd)


def test_row_7_both_ends_see_code_and_reason_if_the_peer_starts(world: World) -> None:
    peer = world.open_peer()
    peer.send(Opcode.CLOSE, (4001).to_bytes(2, "big") + b"bye")
    world.turn()
    assert world.closed == [(4001, "bye")]
    assert peer.frames() == [(Opcode.CLOSE, (4001).to_bytes(2, "big") + b"bye")]
    assert peer.receive() == b""  # and then the end of the stream


def test_row_7_both_ends_see_code_and_reason_if_we_start(world: World) -> None:
    peer = world.open_peer()
    world.opened[0].send("last words")
    world.opened[0].close(4002, "done")
    world.turn()
    assert peer.frames() == [(Opcode.TEXT, b"last words"), (Opcode.CLOSE, (4002).to_bytes(2, "big") + b"done")]
    peer.send(Opcode.CLOSE, (4002).to_bytes(2, "big"))
    world.turn()
    assert world.closed == [(4002, "done")]


def test_row_8_the_end_of_a_stream_leaves_nothing_behind(world: World) -> None:
    world.open_peer().socket.close()
    world.turn()
    before = len(world.network.sockets)
    gc.collect()
    gc.disable()
    try:
        for _ in range(50):
            world.open_peer().socket.close()
            world.turn()
        assert len(world.network.sockets) == before  # descriptors
        assert world.server.statistics().connections == 0
        gone = [weakref.ref(ws) for ws in world.opened]
        world.opened.clear()
        assert not any(ws() for ws in gone)  # without the collector
    finally:
        gc.enable()


def test_row_9_one_too_many_waits_and_gets_in_when_one_leaves() -> None:
    world = World(max_connections=2)
    first, second, third = world.peer(), world.peer(), world.peer()
    assert world.server.statistics().connections == 2
    assert first.receive()
    assert second.receive()
    assert not third.receive()
    first.socket.close()
    world.turn(0.2)
    assert third.receive().startswith(b"HTTP/1.1 101 ")
    assert len(world.opened) == 3


def test_row_10_a_callback_may_close_everybody() -> None:
    def on_message(ws: tickws.WebSocket, message: str | bytes) -> None:
        for other in server.connections:
            if message == "abort":
                other.abort()
            else:
                other.close(4000)

    world = World(on_message=on_message)
    server = world.server
    for message in ("close", "abort"):
        peers = [world.open_peer() for _ in range(5)]
        for peer in peers:
            peer.send(Opcode.TEXT, message.encode())
        world.turn()
        for peer in peers:
            if message == "close":
                peer.send(Opcode.CLOSE, (4000).to_bytes(2, "big"))
        world.turn()
        assert world.server.connections == ()
    assert world.closed == [(4000, "")] * 5 + [(1006, "")] * 5


def test_row_10_a_callback_may_close_the_server() -> None:
    def on_message(ws: tickws.WebSocket, message: str | bytes) -> None:
        server.abort()

    world = World(on_message=on_message)
    server = world.server
    peers = [world.open_peer() for _ in range(3)]
    peers[1].send(Opcode.TEXT, b"stop")
    assert server.work(None, wait=0) is False
    assert world.closed == [(1006, "")] * 3
    assert server.statistics().callback_errors == 0


def test_row_11_open_and_close_come_in_pairs(world: World) -> None:
    world.peer(b"").socket.close()
    world.peer(b"GET /ws HTTP/1.1\r\n").socket.reset()
    world.peer(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").socket.close()
    world.turn()
    assert not world.opened
    assert not world.closed
    peer = world.open_peer()
    peer.send(Opcode.CLOSE, (1000).to_bytes(2, "big"))
    world.turn()
    peer.socket.reset()  # a second reason to be gone
    world.turn()
    assert len(world.opened) == 1
    assert world.closed == [(1000, "")]


def test_row_11_a_client_that_never_opened_has_nothing_to_close(world: World) -> None:
    world.network.listen("127.0.0.1", 9000, 1)  # takes connections, and never says a word
    told: list[int] = []
    client = tickws.WebSocketClient(
        "ws://127.0.0.1:9000/", network=world.network, on_close=lambda ws, code, reason: told.append(code)
    )
    while client.work(1.0):
        assert world.network.clock.now() < 60
    assert client.error is not None
    assert told == []


def test_row_12_overflow_has_one_outcome() -> None:
    world = World(conditions=Conditions(buffer_bytes=1000), limits=tickws.Limits(queue_bytes=10_000))
    world.open_peer()
    ws = world.opened[0]
    assert ws.send(b"x" * 900)
    world.turn()  # fills the kernel
    sent = 0
    while ws.send(b"x" * 996):
        sent += 1
        assert sent <= 10
    assert sent == 10
    assert not ws.open
    assert not ws.send(b"")
    world.turn(10)
    assert world.closed == [(1008, "send queue full")]


def test_row_13_sends_on_dead_connections_are_safe(world: World) -> None:
    world.open_peer().socket.reset()
    world.turn()
    ws = world.opened[0]
    assert not ws.open
    assert ws.send("anybody?") is ws.send_latest("key", "anybody?") is ws.ping() is False
    ws.close()
    assert world.server.broadcast("anybody?") == 0


class Watched(SocketNetwork):
    """Tells when its poller is about to sleep."""

    def __init__(self) -> None:
        super().__init__()
        self.asleep = threading.Event()

    def poller(self) -> Poller:
        poller = super().poller()
        poll = poller.poll

        def watched_poll(timeout: float | None) -> list[tuple[int, int]]:
            if timeout is not None and timeout > 2.0:
                self.asleep.set()
            return poll(timeout)

        poller.poll = watched_poll  # type: ignore[method-assign]
        return poller


def test_row_13_a_send_from_another_thread_ends_a_waiting_work() -> None:
    opened: list[tickws.WebSocket] = []
    network = Watched()
    with (
        tickws.WebSocketServer(port=0, on_open=opened.append, network=network) as server,
        socket.create_connection(("127.0.0.1", server.port)) as sock,
    ):
        sock.sendall(HANDSHAKE)
        while not server.statistics().bytes_sent:
            server.work(1.0)

        def send() -> None:
            network.asleep.wait()
            opened[0].send("from afar")

        thread = threading.Thread(target=send)
        thread.start()
        start = time.perf_counter()
        server.work(19.0)
        assert time.perf_counter() - start < 10.0
        thread.join()
        assert server.statistics().messages_sent == 1


def test_row_14_long_messages_and_fragments_go_out() -> None:
    world = World(conditions=Conditions(buffer_bytes=1 << 20))
    peer = world.open_peer()
    world.opened[0].send("x" * 100_000)
    world.opened[0].send_fragments(piece for piece in (b"a" * 70_000, b"b", b""))
    world.turn(0.5)
    assert peer.frames() == [
        (Opcode.TEXT, b"x" * 100_000),
        (Opcode.BINARY, b"a" * 70_000),
        (Opcode.CONTINUATION, b"b"),
        (Opcode.CONTINUATION, b""),
    ]


HEADERS = HANDSHAKE.split(b"\r\n")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda head: head.replace(b"GET", b"POST"), 405),
        (lambda head: head.replace(b"HTTP/1.1", b"HTTP/1.0"), 400),
        (lambda head: head.replace(b"Host: localhost\r\n", b""), 400),
        (lambda head: head.replace(b"Connection: Upgrade", b"Connection: close"), 400),
        (lambda head: head.replace(b"Version: 13", b"Version: 8"), 426),
        (lambda head: head.replace(KEY, b"c2hvcnQ="), 400),
        (lambda head: head.replace(KEY, KEY + b"\r\nSec-WebSocket-Key: " + KEY), 400),
        (lambda head: head.replace(b"localhost", b"localhost\r\nX: folded\r\n line"), 400),
        (lambda head: head.replace(b"\r\n\r\n", b"\r\nX: " + b"y" * 20_000 + b"\r\n\r\n"), 431),
        (lambda head: head.replace(b"\r\n\r\n", b"\r\nX: y" * 70 + b"\r\n\r\n"), 431),
    ],
)
def test_row_15_the_handshake_is_checked(world: World, change: Callable[[bytes], bytes], status: int) -> None:
    peer = world.peer(change(HANDSHAKE))
    answer = peer.receive()
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"\r\nConnection: close\r\n" in answer
    assert not world.opened


def test_row_15_long_headers_are_read(world: World) -> None:
    world.peer(HANDSHAKE.replace(b"\r\n\r\n", b"\r\nCookie: " + b"c" * 8192 + b"\r\n\r\n"))
    assert len(world.opened) == 1


def test_row_15_a_refusal_closes() -> None:
    world = World(on_request=lambda request: request.path == "/other")
    peer = world.peer()
    assert peer.receive().startswith(b"HTTP/1.1 404 ")
    assert peer.socket.recv(1) == b""
    peer.socket.close()
    world.turn()
    assert world.server.statistics().connections == 0


def test_row_15_the_handshake_has_a_deadline(world: World) -> None:
    world.peer(b"GET /ws HTTP/1.1\r\n")
    world.turn(9.5)
    assert world.server.statistics().connections == 1
    world.turn(1)
    assert world.server.statistics().connections == 0


def test_row_16_pongs_go_out_unmasked_and_with_the_pings_payload(world: World) -> None:
    peer = world.open_peer()
    peer.send(Opcode.PING, b"payload")
    world.turn()
    assert peer.receive() == bytes([0x8A, 7]) + b"payload"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (encode_frame(Opcode.TEXT, b"\xff", True, MASK), 1007),
        (bytes([0xC1, 0x80]) + MASK, 1002),  # RSV1
        (bytes([0x83, 0x80]) + MASK, 1002),  # reserved opcode
        (bytes([0x81, 0x00]), 1002),  # not masked
        (encode_frame(Opcode.CLOSE, (1005).to_bytes(2, "big"), True, MASK), 1002),
        (encode_frame(Opcode.PING, b"", False, MASK), 1002),
    ],
)
def test_row_16_violations_fail_the_connection(world: World, raw: bytes, code: int) -> None:
    peer, other = world.open_peer(), world.open_peer()
    peer.socket.send(raw)
    world.turn()
    ((opcode, payload),) = peer.frames()
    assert (opcode, int.from_bytes(payload[:2], "big")) == (Opcode.CLOSE, code)
    assert [told for told, _ in world.closed] == [code]
    assert dict(world.server.statistics().faults) == {code: 1}
    other.send(Opcode.TEXT, b"still here")
    world.turn()
    assert world.messages == ["still here"]


FLOODS = [
    ("messages", encode_frame(Opcode.TEXT, b"flood", True, MASK) * 5000),
    ("pings", encode_frame(Opcode.PING, b"", True, MASK) * 8000),
    ("fragments", encode_frame(Opcode.TEXT, b"", False, MASK) + encode_frame(0, b"x", False, MASK) * 7000),
    ("empty fragments", encode_frame(Opcode.TEXT, b"", False, MASK) + encode_frame(0, b"", False, MASK) * 8000),
]


@pytest.mark.parametrize(("kind", "flood"), FLOODS)
def test_row_17_the_slice_bounds_what_a_flooder_gets(kind: str, flood: bytes) -> None:
    clock = ManualClock(reading=0.000_005)  # every look at the clock costs 5 µs

    def on_message(ws: tickws.WebSocket, message: str | bytes) -> None:
        clock.advance(0.000_100)
        if message != "flood":
            honest_messages.append(message)

    honest_messages: list[str | bytes] = []
    world = World(clock=clock, on_message=on_message)
    flooder, honest = world.open_peer(), world.open_peer()
    for frame in range(20):
        while True:
            try:
                flooder.socket.send(flood)
            except BlockingIOError:
                break
        honest.send(Opcode.TEXT, str(frame).encode())
        before = clock.now_ns()
        world.server.work(0.002, wait=0)
        assert clock.now_ns() - before < 2_150_000, kind  # one callback and a few looks at the clock too long, at most
    world.turn(1)
    assert honest_messages == [str(frame) for frame in range(20)]


@pytest.mark.parametrize(("kind", "flood"), FLOODS)
def test_row_17_a_pass_takes_a_bounded_share_of_a_flooder(kind: str, flood: bytes) -> None:
    world = World()
    flooder = world.open_peer()
    for _ in range(3):
        flooder.socket.send(flood[:60_000])
        before = len(world.messages)
        world.server.work(None, wait=0)
        assert len(world.messages) - before <= tickws.Limits().slice_messages, kind
        assert world.server.statistics().carried_over == 1, kind
