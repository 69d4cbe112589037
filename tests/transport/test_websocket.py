"""`WebSocket`: what it takes, what it tells, and that a dead one does no harm."""

import array
import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from tests.transport.peers import SLOW, House, Peer, close, text
from tickws.errors import UsageError
from tickws.statistics import ConnectionStatistics
from tickws.testing import Pair
from tickws.transport.websocket import WebSocket


def make(**options: Any) -> tuple[House, Peer, WebSocket]:
    house = House(**options)
    peer = house.peer("/room?id=5")
    return house, peer, house.ws("/room")


@pytest.mark.parametrize(
    ("message", "heard"),
    [
        ("text", "text"),
        ("", ""),
        ("Grüße 🎮", "Grüße 🎮"),
        (b"bytes", b"bytes"),
        (b"", b""),
        (bytearray(b"array"), b"array"),
        (memoryview(b"0123456789")[2:5], b"234"),
        (memoryview(b"0123")[::2], b"02"),
        (memoryview(bytes(8)).cast("I"), bytes(8)),
    ],
)
@pytest.mark.parametrize("way", ["send", "send_latest", "send_fragments", "broadcast", "broadcast_latest"])
def test_messages_are_text_or_bytes_like(way: str, message: Any, heard: object) -> None:
    house, peer, ws = make()
    calls: dict[str, Callable[[], int]] = {
        "send": lambda: ws.send(message),
        "send_latest": lambda: ws.send_latest("key", message),
        "send_fragments": lambda: ws.send_fragments([message]),
        "broadcast": lambda: house.server.broadcast(message),
        "broadcast_latest": lambda: house.server.broadcast_latest("key", message),
    }
    assert calls[way]() == 1
    house.turn()
    assert peer.receive() == [heard]


def test_what_was_sent_may_be_changed_afterwards() -> None:
    house, peer, ws = make()
    message = bytearray(b"first")
    ws.send(message)
    ws.send_latest("key", message)
    house.server.broadcast(message)
    message[:] = b"later"
    house.turn()
    assert peer.receive() == [b"first", b"first", b"first"]


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (5, TypeError), (None, TypeError), ([b"a"], TypeError), (object(), TypeError),
        ("\ud800", ValueError),
    ],
)  # fmt: skip
def test_misuse_raises_and_changes_nothing(message: Any, error: type[Exception]) -> None:
    house, peer, ws = make()
    calls: list[Callable[[], int]] = [
        lambda: ws.send(message),
        lambda: ws.send_latest("key", message),
        lambda: house.server.broadcast(message),
        lambda: house.server.broadcast_latest("key", message),
    ]
    for call in calls:
        with pytest.raises(error):
            call()
    house.turn()
    assert peer.receive() == []
    assert ws.open


@pytest.mark.parametrize("fragments", ["text", b"bytes", bytearray(b"x"), memoryview(b"x"), 5, None])
def test_a_message_is_no_iterable_of_fragments(fragments: Any) -> None:
    _, _, ws = make()
    with pytest.raises(TypeError):
        ws.send_fragments(fragments)
    assert ws.open


@pytest.mark.parametrize("size", [0, 125])
def test_pings_carry_up_to_125_bytes(size: int) -> None:
    house, peer, ws = make()
    assert ws.ping(bytes(size))
    with pytest.raises(ValueError, match="ping payload of 126 bytes"):
        ws.ping(bytes(126))
    house.turn()
    assert peer.receive() == [("ping", bytes(size))]


@pytest.mark.parametrize(
    ("code", "reason"), [(0, ""), (999, ""), (1004, ""), (1005, ""), (1006, ""), (1015, ""), (2999, ""), (5000, ""),
                         (1000, "x" * 124), (1000, "é" * 62)],
)  # fmt: skip
def test_a_close_that_cannot_be_said_raises(code: int, reason: str) -> None:
    _, _, ws = make()
    with pytest.raises(ValueError, match=r"may not be sent|at most 123"):
        ws.close(code, reason)
    assert ws.open


def test_it_knows_its_request_and_its_peer() -> None:
    house = House(subprotocols=["chat"])
    peer = house.peer(
        "/a%20b?x=1", "Sec-WebSocket-Protocol: other, chat", "Origin: https://game.example", "Cookie: k=v"
    )
    ws = house.server.connections[0]
    assert (ws.request.path, ws.request.query, ws.request.method) == ("/a b", {"x": "1"}, "GET")
    assert ws.request.origin == "https://game.example"
    assert ws.request.cookies == {"k": "v"}
    assert ws.request.subprotocols == ("other", "chat")
    assert ws.subprotocol == "chat"
    assert ws.remote_address == ws.request.remote_address == peer.socket.getsockname()
    assert ws.data is None
    ws.data = {"yours": True}
    peer.socket.close()
    house.turn()
    assert ws.request.path == "/a b", "also afterwards"
    assert ws.data == {"yours": True}


def test_it_is_open_until_either_side_begins_to_close() -> None:
    states: list[bool] = []
    house = House(on_open=lambda ws: states.append(ws.open), on_close=lambda ws, *_: states.append(ws.open))
    peer = house.peer()
    ws = house.ws()
    assert ws.open
    ws.close()
    assert not ws.open
    peer.say(close())
    house.turn(2)
    assert states == [True, False]


def test_its_statistics_count_what_is_on_the_wire() -> None:
    house = House()
    peer = house.dial()
    peer.ask()
    house.turn(2)
    head = len(peer.listen())
    ws = house.ws()
    asked = ws.statistics().bytes_received
    peer.receive_head()
    peer.say(text("hello"), text("x" * 200))
    ws.send("hello")
    ws.send_latest("key", b"latest")
    ws.send_latest("none", lambda: None)
    ws.ping()
    waiting = ws.statistics()
    assert (waiting.queued_messages, waiting.queued_bytes) == (1, 7)
    house.turn()
    assert len(peer.listen()) == 7 + 8 + 2
    assert ws.statistics() == ConnectionStatistics(
        messages_received=2, messages_sent=2, bytes_received=asked + 11 + 208, bytes_sent=head + 17,
        queued_messages=0, queued_bytes=0, unsent_seconds=0.0, latency=None,
    )  # fmt: skip


def test_queued_bytes_are_those_that_the_kernel_has_not_taken() -> None:
    house = House()
    peer = house.peer(conditions=SLOW)
    ws = house.ws()
    ws.send(bytes(3000))
    assert ws.queued_bytes == 3004
    house.turn()
    assert ws.queued_bytes == 2004
    ws.send(b"behind")
    assert ws.queued_bytes == 2012
    peer.listen(500)
    house.turn(2)
    assert ws.queued_bytes == 1512
    while ws.queued_bytes:
        peer.listen()
        house.turn()
    assert peer.receive() == [bytes(3000), b"behind"]


@pytest.mark.parametrize("end", ["close", "abort", "reset", "server"])
def test_a_dead_one_does_no_harm(end: str) -> None:
    house, peer, ws = make()
    ws.send("queued")
    if end == "close":
        ws.close()
        peer.say(close())
    elif end == "abort":
        ws.abort()
    elif end == "reset":
        peer.socket.reset()
    else:
        house.server.abort()
    for _ in range(3):
        house.server.work(0.1, wait=0)
    for _ in range(2):
        assert not ws.send("x")
        assert not ws.send_latest("key", "x")
        assert not ws.send_latest("key", lambda: pytest.fail("called"))
        assert not ws.send_fragments(pytest.fail("asked") for _ in range(3))
        assert not ws.ping(b"x")
        ws.close(4000)
        ws.abort()
        assert not ws.open
        assert ws.queued_bytes == 0
        house.server.work(0.1, wait=0)
    assert len(house.closes) == 1
    assert repr(ws).startswith("<WebSocket ('127.0.0.1', ")


def test_its_name_says_where_it_stands() -> None:
    house, peer, ws = make()
    address = peer.socket.getsockname()
    assert repr(ws) == f"<WebSocket {address} open>"
    ws.close()
    house.turn()
    assert repr(ws) == f"<WebSocket {address} closing>"
    peer.say(close())
    house.turn()
    assert repr(ws) == f"<WebSocket {address} ending>"
    peer.socket.close()
    house.turn()
    assert repr(ws) == f"<WebSocket {address} released>"


def test_a_clients_end_has_no_request() -> None:
    pair = Pair()
    ws = pair.client.websocket
    assert ws is not None
    with pytest.raises(UsageError, match="only a server's WebSocket has a request"):
        _ = ws.request
    assert ws.remote_address == ("127.0.0.1", 8056)


def test_it_can_be_a_key_and_be_held_weakly() -> None:
    _, _, ws = make()
    assert {ws: 1}[ws] == 1
    assert weakref.ref(ws)() is ws


@pytest.mark.parametrize(
    "ending", ["peer closes", "we close", "reset", "abort", "fault", "callback fails", "producer fails"]
)
def test_none_outlives_its_connection(ending: str) -> None:
    """Without the collector: games switch it off."""
    alive: list[weakref.ref[WebSocket]] = []
    calls = 0

    def on_message(ws: WebSocket, message: str | bytes) -> None:
        nonlocal calls
        alive.append(weakref.ref(ws))
        ws.send(message)
        ws.send_latest("me", lambda: repr(ws) if ending != "producer fails" else str(1 // 0))
        ws.data = ws.request
        if ending == "we close":
            ws.close()
        elif ending == "abort":
            ws.abort()
        elif ending == "callback fails":
            calls += 1
            raise ZeroDivisionError

    from tickws.transport.server import WebSocketServer

    house = House(port=1)
    server = WebSocketServer(
        network=house.network, on_message=on_message, on_request=lambda request: True, errors=lambda error, source: None
    )
    gc.collect()
    gc.disable()
    try:
        for _ in range(50):
            peer = Peer(house.network, server.port)
            peer.ask(then=text("hello"))
            for _ in range(3):
                server.work(None, wait=0)
            if ending == "peer closes":
                peer.say(close())
            elif ending == "fault":
                peer.say(b"\xff\xff")
            elif ending == "reset":
                peer.socket.reset()
            for _ in range(2):
                server.work(None, wait=0)
                if peer.socket.fileno() >= 0:
                    if peer.receive():
                        peer.say(close())
                    if peer.gone:
                        peer.socket.close()
        for _ in range(3):
            server.work(None, wait=0)
        assert len(alive) == 50
        assert sum(ref() is not None for ref in alive) == 0
        links = server._links
        assert (links.by_fd, links.open) == ({}, {})
        assert (len(links.notices.farewells), len(links.pump.ready), len(links.queue.pending)) == (0, 0, 0)
        assert links.deadlines.timers.next_due() is None
        assert server.statistics().opened == 50
    finally:
        gc.enable()


@pytest.mark.parametrize(
    "call",
    [
        lambda ws: ws.close("bye"),
        lambda ws: ws.close(1000, b"bye"),
        lambda ws: ws.close(3000.5),
        lambda ws: ws.ping("x"),
        lambda ws: ws.ping(5),
    ],
)
def test_other_types_are_type_errors(call: Callable[[Any], object]) -> None:
    house, peer, ws = make()
    with pytest.raises(TypeError):
        call(ws)
    house.turn()
    assert ws.open
    assert peer.receive() == []


def test_anything_bytes_like_is_a_binary_message() -> None:
    house, peer, ws = make()
    ws.send(array.array("B", b"array"))  # type: ignore[arg-type]
    house.turn()
    assert peer.receive() == [b"array"]
