"""`WebSocketServer.mount`: another handler for the WebSockets of one path, beside the server's own."""

from pathlib import Path
from typing import Any

import pytest

from tests.transport.peers import House, Peer, close, text
from tickws.errors import UsageError
from tickws.protocol.handshake import Accept, Reject, Request
from tickws.testing import MemoryNetwork
from tickws.transport.handler import Answer, Handler
from tickws.transport.server import WebSocketServer
from tickws.transport.websocket import WebSocket


class Guest(Handler):
    """What is mounted; keeps a log."""

    def __init__(self, answer: Answer = True) -> None:
        self.log: list[tuple[Any, ...]] = []
        self.sockets: list[WebSocket] = []
        self.answer = answer

    def on_request(self, request: Request) -> Answer:
        self.log.append(("request", request.target))
        return self.answer

    def on_open(self, ws: WebSocket) -> None:
        self.log.append(("open",))
        self.sockets.append(ws)

    def on_message(self, ws: WebSocket, message: str | bytes) -> None:
        self.log.append(("message", message))

    def on_close(self, ws: WebSocket, code: int, reason: str) -> None:
        self.log.append(("close", code, reason))


def mounted(answer: Answer = True, **options: Any) -> tuple[House, Guest]:
    """A server with a guest at /game."""
    house = House(**options)
    guest = Guest(answer)
    house.server.mount("/game", guest)
    return house, guest


def test_each_handler_hears_of_its_own_path_alone() -> None:
    house, guest = mounted()
    host, player = house.peer("/chat"), house.peer("/game?name=Ada")
    host.say(text("to the host"), close(1000))
    player.say(text("to the guest"), close(4000, "done"))
    house.turn(3)
    assert guest.log == [("request", "/game?name=Ada"), ("open",), ("message", "to the guest"), ("close", 4000, "done")]
    assert house.log == [("open", "/chat"), ("message", "/chat", "to the host"), ("close", "/chat", 1000, "")]


@pytest.mark.parametrize("path", ["/", "/game/", "/gam", "/games", "/other/game"])
def test_other_paths_are_the_hosts(path: str) -> None:
    house, guest = mounted()
    house.peer(path)
    assert (house.opens, guest.log) == ([path], [])


def test_a_message_in_the_packet_of_the_request_goes_to_the_guest() -> None:
    house, guest = mounted()
    peer = house.dial()
    peer.ask("/game", then=text("at once") + text("and again"))
    house.turn(3)
    assert [entry[1] for entry in guest.log if entry[0] == "message"] == ["at once", "and again"]
    assert house.heard("message") == []


def test_the_guest_answers_in_place_of_the_host() -> None:
    house, guest = mounted(on_request=lambda request: False, origins=["https://host.example"], subprotocols=["chat"])
    for answer, status in ((True, 101), (False, 404), (Reject(503), 503), (Accept("game"), 101)):
        guest.answer = answer
        peer = house.dial()
        peer.ask("/game", "Origin: https://evil.example", "Sec-WebSocket-Protocol: chat, game")
        house.turn(3)
        assert peer.receive_status() == status
    assert [ws.subprotocol for ws in guest.sockets] == [None, "game"]
    peer = house.dial()
    peer.ask("/", "Origin: https://evil.example")
    house.turn(3)
    assert peer.receive_status() == 403


def test_broadcasts_and_connections_are_the_hosts_alone() -> None:
    house, guest = mounted()
    host, player = house.peer("/"), house.peer("/game")
    assert house.server.broadcast("all") == 1
    assert house.server.broadcast_latest("key", "all") == 1
    guest.sockets[0].send("mine")
    house.turn()
    assert host.receive() == ["all", "all"]
    assert player.receive() == ["mine"]
    assert [ws.request.path for ws in house.server.connections] == ["/"]
    assert (house.statistics.connections, house.statistics.open) == (2, 2)


def test_closing_and_aborting_are_for_all() -> None:
    for code in (1012, 1006):
        house, guest = mounted()
        peers = [house.peer("/"), house.peer("/game")]
        if code == 1012:
            house.server.close(code)
        else:
            house.server.abort()
        house.turn()
        for peer in peers:
            if not peer.gone:
                peer.say(close(1012))
        house.turn(3)
        assert house.closes == [("/", code, "")]
        assert guest.log[-1] == ("close", code, "")


def test_exceptions_of_a_guest_go_where_the_hosts_policy_says() -> None:
    told: list[tuple[Exception, object]] = []

    class Fails(Guest):
        def on_message(self, ws: WebSocket, message: str | bytes) -> None:
            raise LookupError(message)

    house = House(errors=lambda error, source: told.append((error, source)))
    guest = Fails()
    house.server.mount("/game", guest)
    peer = house.peer("/game")
    peer.say(text("hello"))
    house.turn(3)
    assert [(type(error), source) for error, source in told] == [(LookupError, guest.sockets[0])]
    assert peer.receive() == [("close", 1011, "internal error")]


def test_several_guests() -> None:
    house, first = mounted()
    second = Guest()
    house.server.mount("/lobby", second)
    house.peer("/lobby")
    house.peer("/game")
    assert (len(first.sockets), len(second.sockets)) == (1, 1)


def test_a_mount_while_others_are_connected() -> None:
    house = House()
    early = house.peer("/game")
    guest = Guest()
    house.server.mount("/game", guest)
    late = house.peer("/game")
    early.say(text("early"))
    late.say(text("late"))
    house.turn(2)
    assert house.heard("message") == ["early"]
    assert [entry[1] for entry in guest.log if entry[0] == "message"] == ["late"]


def get(house: House, url: str) -> bytes:
    """The answer to a plain request."""
    peer = Peer(house.network, house.server.port)
    peer.say(f"GET {url} HTTP/1.1\r\nHost: server.example.com\r\n\r\n".encode())
    house.turn(3)
    return peer.listen()


def test_files_come_with_it(tmp_path: Path) -> None:
    (tmp_path / "old.txt").write_text("old")
    (tmp_path / "new.txt").write_text("new")
    house = House(files={"/a.txt": tmp_path / "old.txt", "/b.txt": tmp_path / "old.txt"})
    house.server.mount("/game", Guest(), files={"/b.txt": tmp_path / "new.txt", "/c.txt": tmp_path / "new.txt"})
    assert [get(house, url)[-3:] for url in ("/a.txt", "/b.txt", "/c.txt")] == [b"old", b"new", b"new"]


def test_a_page_and_a_guest_share_a_path(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<p>page")
    house = House(files={"/game": tmp_path / "page.html"})
    house.server.mount("/game", Guest())
    assert get(house, "/game").endswith(b"<p>page")
    house.peer("/game")


@pytest.mark.parametrize(
    ("path", "handler", "options", "error"),
    [
        ("game", Guest(), {}, ValueError),
        ("", Guest(), {}, ValueError),
        ("/game", Guest(), {}, ValueError),  # taken
        ("/new", Guest, {}, TypeError),
        ("/new", object(), {}, TypeError),
        ("/new", Guest(), {"files": {"/x": "no such file"}}, FileNotFoundError),
        ("/new", Guest(), {"files": ["x"]}, TypeError),
    ],
)
def test_misuse(path: str, handler: Any, options: dict[str, Any], error: type[Exception]) -> None:
    house, guest = mounted()
    with pytest.raises(error):
        house.server.mount(path, handler, **options)
    house.peer("/new")
    assert (house.opens, guest.log) == (["/new"], [])


def test_frames_and_mounting_do_not_go_together() -> None:
    class Frames(Handler):
        def on_frame(self, ws: WebSocket, frame: object) -> None: ...

    with pytest.raises(TypeError, match="on_frame"):
        House().server.mount("/game", Frames())
    with pytest.raises(TypeError, match="on_frame"):
        WebSocketServer(network=MemoryNetwork(), on_frame=lambda ws, frame: None).mount("/game", Guest())


def test_a_guest_may_not_work_inside_its_callbacks() -> None:
    house, guest = mounted()
    caught: list[str] = []

    def on_open(ws: WebSocket) -> None:
        with pytest.raises(UsageError) as error:
            house.server.work(0)
        caught.append(str(error.value))

    guest.on_open = on_open  # type: ignore[method-assign]
    house.server.mount("/late", guest)
    house.peer("/late")
    assert len(caught) == 1
