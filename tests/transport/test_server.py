"""The server: requests and their answers, origins, subprotocols, broadcasts, counters, and arguments that are none."""

import math
import re
from pathlib import Path
from typing import Any

import pytest

from tests.transport.peers import House, Peer, close, frame_of, text
from tickws.errors import ListenError
from tickws.protocol.handshake import Accept, Reject, Request
from tickws.protocol.limits import Limits
from tickws.testing import MemoryNetwork
from tickws.transport.handler import Handler
from tickws.transport.server import WebSocketServer
from tickws.transport.websocket import WebSocket


def answer(house: House, path: str = "/", *headers: str) -> bytes:
    """The whole HTTP answer to a request for a WebSocket."""
    peer = house.dial()
    peer.ask(path, *headers)
    house.turn(3)
    return peer.listen()


# Requests


@pytest.mark.parametrize(
    ("given", "status", "words"),
    [
        (True, 101, b"Switching Protocols"),
        (Accept(), 101, b"Switching Protocols"),
        (Accept(headers={"X-Room": "5"}), 101, b"X-Room: 5"),
        (Accept(headers=[("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]), 101, b"Set-Cookie: a=1\r\nSet-Cookie: b=2"),
        (Accept("chat"), 101, b"Sec-WebSocket-Protocol: chat"),
        (False, 404, b"404 Not Found\n"),
        (Reject(), 404, b"404 Not Found\n"),
        (Reject(503, "full\n"), 503, b"\r\n\r\nfull\n"),
        (Reject(403, b"\x00\x01", {"X-Why": "so"}), 403, b"\r\n\r\n\x00\x01"),
        (Reject(302, headers={"Location": "/elsewhere"}), 302, b"Location: /elsewhere"),
    ],
)
def test_on_request_answers(given: Any, status: int, words: bytes) -> None:
    house = House(on_request=lambda request: given)
    said = answer(house, "/", "Sec-WebSocket-Protocol: superchat, chat")
    assert said.startswith(b"HTTP/1.1 %d " % status)
    assert words in said
    assert house.opens == (["/"] if status == 101 else [])
    assert dict(house.statistics.answered) == ({} if status == 101 else {status: 1})
    assert house.statistics.opened == (status == 101)


def test_on_request_sees_the_request_and_is_called_once() -> None:
    seen: list[Request] = []

    def on_request(request: Request) -> bool:
        seen.append(request)
        return request.path == "/ws"

    house = House(on_request=on_request)
    assert answer(house, "/ws?a=1", "X-Mine: yes").startswith(b"HTTP/1.1 101")
    assert answer(house, "/other").startswith(b"HTTP/1.1 404")
    assert [request.target for request in seen] == ["/ws?a=1", "/other"]
    assert seen[0].headers["x-mine"] == "yes"
    assert seen[0].remote_address[0] == "127.0.0.1"


@pytest.mark.parametrize(
    ("spoken", "offered", "chosen"),
    [
        ((), "a", None),
        (("a",), "a", "a"),
        (("a", "b"), "b, a", "b"),  # the client's order
        (("a", "b"), "c, b", "b"),
        (["b"], "a,b,c", "b"),
        (("a",), "A", None),
        (("a",), "c", None),
        (("a",), None, None),
    ],
)
def test_of_the_subprotocols_the_first_that_the_client_offers_is_chosen(
    spoken: Any, offered: str | None, chosen: str | None
) -> None:
    house = House(subprotocols=spoken)
    said = answer(house, "/", *([f"Sec-WebSocket-Protocol: {offered}"] if offered else []))
    assert (b"Sec-WebSocket-Protocol: " in said) == (chosen is not None)
    assert house.ws().subprotocol == chosen


def test_a_chosen_subprotocol_need_not_be_in_the_servers_list() -> None:
    house = House(subprotocols=["a"], on_request=lambda request: Accept(subprotocol=request.subprotocols[-1]))
    assert b"Sec-WebSocket-Protocol: z\r\n" in answer(house, "/", "Sec-WebSocket-Protocol: a, z")


GAME = "https://game.example"


@pytest.mark.parametrize(
    ("origins", "origin", "let_in"),
    [
        (None, None, True),
        (None, "https://evil.example", True),
        ([GAME], GAME, True),
        ([GAME], None, False),
        ([GAME, None], None, True),
        ([GAME], "https://evil.example", False),
        ([GAME], "https://game.example.evil.example", False),
        ([GAME], "http://game.example", False),
        ([GAME], "https://game.example:8080", False),
        ([GAME], "null", False),
        ([re.compile(r"https://[a-z]+\.example")], GAME, True),
        ([re.compile(r"https://[a-z]+\.example")], "https://a.example.evil", False),
        ([re.compile(r"https://[a-z]+\.example")], "xhttps://a.example", False),
        ([re.compile(r".*")], None, False),
        ((), GAME, False),
        ({GAME}, GAME, True),
        (iter([GAME]), GAME, True),
    ],
)
def test_origins_are_matched_whole(origins: Any, origin: str | None, let_in: bool) -> None:
    asked: list[object] = []

    def on_request(request: Request) -> bool:
        asked.append(request)
        return True

    house = House(origins=origins, on_request=on_request)
    for _ in range(2):
        said = answer(house, "/", *([f"Origin: {origin}"] if origin else []))
        assert said.startswith(b"HTTP/1.1 101" if let_in else b"HTTP/1.1 403")
    assert bool(asked) == let_in, "on_request is for those that may come"
    if not let_in:
        assert f"the origin {origin or '(none)'} may not connect".encode() in said


def test_a_handler_object_is_called() -> None:
    class Game(Handler):
        def __init__(self) -> None:
            self.log: list[object] = []

        def on_request(self, request: Request) -> bool:
            self.log.append(request.path)
            return True

        def on_open(self, ws: WebSocket) -> None:
            self.log.append("open")

        def on_message(self, ws: WebSocket, message: str | bytes) -> None:
            self.log.append(message)

        def on_close(self, ws: WebSocket, code: int, reason: str) -> None:
            self.log.append((code, reason))

    network, game = MemoryNetwork(), Game()
    server = WebSocketServer(game, network=network)
    peer = Peer(network, server.port)
    peer.ask("/game", then=text("hello") + close(4000, "bye"))
    for _ in range(3):
        server.work(None, wait=0)
    assert game.log == ["/game", "open", "hello", (4000, "bye")]


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 100 + b"\r\n", 431),
        (b"GET /" + b"x" * 20_000, 431),
        (b"\x16\x03\x01\x02\x00", 400),
    ],
)
def test_a_client_that_is_none_gets_an_answer_and_the_end(said: bytes, status: int) -> None:
    house = House()
    peer = house.dial()
    peer.say(said)
    house.turn(3)
    assert peer.receive_status() == status
    assert peer.gone
    assert peer.error is None
    assert dict(house.statistics.answered) == {status: 1}
    assert house.log == []


# Broadcasts


def test_a_broadcast_reaches_everybody_but_the_excluded_and_counts() -> None:
    house = House()
    peers = house.peers(4)
    one, two = house.ws("/1"), house.ws("/2")
    assert house.server.broadcast("all") == 4
    assert house.server.broadcast(b"some", exclude=[one, two]) == 2
    assert house.server.broadcast("but one", exclude=iter([one])) == 3
    assert house.server.broadcast("nobody", exclude=house.server.connections) == 0
    assert house.server.broadcast_latest("key", "old") == 4
    assert house.server.broadcast_latest("key", "new", exclude=(two,)) == 3
    one.close()
    assert house.server.broadcast("after") == 3
    house.turn()
    heard = [peer.receive() for peer in peers]
    assert heard[0] == heard[3] == ["all", b"some", "but one", "after", "new"]
    assert heard[1][:2] == ["all", "new"]
    assert heard[2] == ["all", "but one", "after", "old"]


def test_a_broadcast_is_framed_once_and_the_same_bytes_for_all() -> None:
    house = House()
    house.peers(3)
    house.server.broadcast(bytes(1000))
    queued = {id(ws._link.outbox.take_reliable(1 << 20)[0]) for ws in house.server.connections}
    assert len(queued) == 1


def test_who_is_in_its_handshake_gets_no_broadcast() -> None:
    house = House()
    house.dial()
    house.turn()
    assert house.server.broadcast("x") == 0


@pytest.mark.parametrize("action", ["close", "abort"])
def test_connections_are_a_snapshot_in_the_order_of_opening(action: str) -> None:
    house = House()
    house.peers(5)
    connections = house.server.connections
    assert [ws.request.path for ws in connections] == [f"/{number}" for number in range(5)]
    for ws in connections:
        getattr(ws, action)()
    assert len(connections) == 5
    house.run(5.5)
    assert house.server.connections == ()
    assert [code for _, code, _ in house.closes] == [1006] * 5


# What is counted


def test_the_statistics_add_up() -> None:
    house = House(on_message=lambda ws, message: ws.send(message), limits=Limits(message_bytes=100))
    peers = house.peers(3)
    for peer in peers:
        peer.say(text("hello"))
    house.turn()
    refused, broken = house.dial(), house.peer("/broken")
    refused.say(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    broken.say(frame_of(3, b""))
    house.dial()
    house.turn(3)
    peers[0].say(close(4000))
    peers[1].say(close(4000))
    peers[2].socket.reset()
    house.turn(2)
    for peer in (*peers[:2], refused, broken):
        peer.socket.close()
    house.turn()
    told = house.statistics
    assert (told.connections, told.open, told.accepted, told.opened) == (1, 0, 6, 4)
    assert dict(told.closed) == {1002: 1, 1006: 1, 4000: 2}
    assert list(told.closed) == [1002, 1006, 4000]
    assert dict(told.faults) == {1002: 1}
    assert dict(told.answered) == {426: 1}
    assert (told.messages_received, told.messages_sent) == (3, 3)
    assert (told.timed_out, told.callback_errors, told.carried_over) == (0, 0, 0)
    assert told.bytes_received > 4 * 150
    assert told.bytes_sent > 4 * 120
    assert told.slice.count == 3 * 3 + 1 + 3 + 3 + 2 + 1
    with pytest.raises(AttributeError):
        told.open = 5  # type: ignore[misc]
    house.run(10.1)
    assert house.statistics.timed_out == 1


def test_carried_over_work_is_counted_while_it_is() -> None:
    house = House()
    for peer in house.peers(2):
        peer.say(text("x") * 100)
    house.turn()
    assert house.statistics.carried_over == 2
    house.turn()
    assert house.statistics.carried_over == 0


# Arguments


class Narrow(MemoryNetwork):
    """A network of few connections."""

    def most_connections(self) -> int | None:
        return 10


@pytest.mark.parametrize(
    ("options", "error", "complaint"),
    [
        ({"max_connections": "100"}, TypeError, "a whole number or None, not '100'"),
        ({"max_connections": 2.5}, TypeError, "a whole number or None, not 2.5"),
        ({"max_connections": True}, TypeError, "a whole number or None, not True"),
        ({"host": None}, TypeError, 'host is text, not None: "127.0.0.1" for this machine alone'),
        ({"origins": "same"}, TypeError, "not request.same_origin"),
        ({"origins": [3]}, TypeError, "an origin is text, a pattern of text, or None, not 3"),
        ({"origins": [re.compile(b"x")]}, TypeError, "a pattern of text"),
        ({"origins": ["game.example"]}, ValueError, "no browser says the origin 'game.example'"),
        ({"origins": ["https://game.example/"]}, ValueError, "no browser says"),
        ({"origins": ["https://Game.example"]}, ValueError, "no browser says"),
        ({"origins": ["https://game.example:443"]}, ValueError, "no browser says"),
        ({"origins": ["http://game.example:80"]}, ValueError, "no browser says"),
        ({"max_connections": 0}, ValueError, "a positive number or None, not 0"),
        ({"max_connections": -1}, ValueError, "a positive number or None, not -1"),
        ({"max_connections": 11, "network": Narrow()}, ValueError, r"may hold 10: raise its limit .* \(ulimit -n\)"),
        ({"subprotocols": "chat"}, TypeError, r"subprotocols is a sequence of names: \('chat',\)"),
        ({"subprotocols": ["a b"]}, ValueError, "'a b' is no subprotocol name"),
        ({"origins": "https://a"}, TypeError, r"origins is a collection: \('https://a',\)"),
        ({"port": -1}, ValueError, "a port is a whole number from 0 to 65535, not -1"),
        ({"port": 65536}, ValueError, "not 65536"),
        ({"files": {"/": Path("/no/such/file")}}, FileNotFoundError, "no file"),
        ({"on_request": 5}, TypeError, "on_request must be callable"),
        ({"handler": Handler()}, TypeError, "not both"),
    ],
)
def test_arguments_that_are_none_raise(options: dict[str, Any], error: type[Exception], complaint: str) -> None:
    with pytest.raises(error, match=complaint):
        House(**options)


@pytest.mark.parametrize(("wanted", "most"), [(None, 10), (1, 1), (10, 10)])
def test_the_maximum_of_connections_is_what_the_process_may_hold(wanted: int | None, most: int) -> None:
    house = House(max_connections=wanted, network=(network := Narrow()))
    for _ in range(most + 2):
        Peer(network, house.server.port).ask()
    house.turn(5)
    assert house.statistics.connections == most


def test_a_taken_port_raises_and_leaves_the_other_server_alone() -> None:
    house = House()
    with pytest.raises(ListenError, match="the port is taken"):
        House(network=house.network)
    with pytest.raises(ListenError, match="the port is taken"):
        house.server.listen(port=8056)
    house.peer()


def test_no_descriptors_left_to_wait_with_names_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_poller(network: MemoryNetwork) -> Any:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(MemoryNetwork, "poller", no_poller)
    with pytest.raises(ListenError, match=r"cannot listen on 127\.0\.0\.1:8056: .*ulimit -n"):
        House()


def test_ports_and_addresses_are_told() -> None:
    house = House(port=0)
    assert house.server.port >= 49152
    house.server.listen(port=9000)
    assert house.server.addresses == [("127.0.0.1", house.server.port), ("127.0.0.1", 9000)]


@pytest.mark.parametrize(
    ("options", "error", "complaint"),
    [
        ({"port": "8056"}, TypeError, "a port is a whole number, not '8056'"),
        ({"port": b"80"}, TypeError, "a port is a whole number"),
        ({"port": True}, TypeError, "a port is a whole number"),
        ({"port": 80.5}, TypeError, "a port is a whole number"),
        ({"port": 65536}, ValueError, "from 0 to 65535"),
        ({"limits": {"message_bytes": 1}}, TypeError, "Limits"),
        ({"limits": {}}, TypeError, "Limits"),
        ({"limits": Limits}, TypeError, "Limits"),
        ({"files": "index.html"}, TypeError, "files maps URL paths to files"),
    ],
)
def test_wrong_arguments_say_what_is_wanted(options: dict[str, Any], error: type[Exception], complaint: str) -> None:
    with pytest.raises(error, match=complaint):
        WebSocketServer(network=MemoryNetwork(), **options)


def test_a_key_that_is_none_shows_before_anybody_has_joined() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        House().server.broadcast_latest({}, "x")


def test_limits_may_be_without_end() -> None:
    house = House(limits=Limits(ping_seconds=math.inf, dead_seconds=math.inf, handshake_seconds=math.inf))
    house.peer()
    house.dial()
    house.run(100)
    assert house.statistics.connections == 2
    assert house.server.next_deadline() is None
