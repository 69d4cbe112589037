"""Anything may be closed in any callback: open and close come in pairs, once each, and all stays sound."""

import itertools
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from tests.transport.peers import House, Peer, close, nothing_left, text
from tickws.transport.websocket import WebSocket


def behave(house: House, peers: Iterable[Peer], slices: int = 6) -> dict[Peer, list[object]]:
    """Let peers answer a Close with a Close, and an end with an end; gives what they heard."""
    heard: dict[Peer, list[object]] = {peer: [] for peer in peers}
    for _ in range(slices):
        house.turn()
        for peer in heard:
            if peer.socket.fileno() < 0:
                continue
            new = peer.receive()
            heard[peer] += new
            if any(isinstance(each, tuple) and each[0] == "close" for each in new) and not peer.gone:
                peer.say(close())
            if peer.gone:
                peer.socket.close()
    return heard


def close_it(house: House, ws: WebSocket | None) -> None:
    (ws or house.server.connections[0]).close(4000, "it")


def abort_it(house: House, ws: WebSocket | None) -> None:
    (ws or house.server.connections[0]).abort()


def close_all(house: House, ws: WebSocket | None) -> None:
    for each in house.server.connections:
        each.close(4000, "all")


def abort_all(house: House, ws: WebSocket | None) -> None:
    for each in house.server.connections:
        each.abort()


def close_and_abort(house: House, ws: WebSocket | None) -> None:
    for each in house.server.connections:
        each.close(4000)
        each.abort()
        each.close(4001)
        each.abort()


def close_the_server(house: House, ws: WebSocket | None) -> None:
    house.server.close(1001, "closing")
    house.server.close(1012, "twice")


def abort_the_server(house: House, ws: WebSocket | None) -> None:
    house.server.abort()
    house.server.abort()


def close_then_abort_the_server(house: House, ws: WebSocket | None) -> None:
    house.server.close()
    house.server.abort()


ACTIONS = [
    close_it, abort_it, close_all, abort_all, close_and_abort, close_the_server, abort_the_server,
    close_then_abort_the_server,
]  # fmt: skip
PLACES = ["request", "open", "message", "frame", "close", "producer", "fragments"]


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("and_raise", [False, True])
def test_any_callback_may_close_anything(
    place: str, action: Callable[[House, WebSocket | None], None], and_raise: bool
) -> None:
    done: list[WebSocket | None] = []

    def act(ws: WebSocket | None = None) -> None:
        if not done:
            done.append(ws)
            action(house, ws)
            if and_raise:
                raise ZeroDivisionError

    def on_request(request: Any) -> bool:
        if request.path == "/2" and place == "request":
            act()
        return True

    def callback(ws: WebSocket, *arguments: object) -> None:
        if ws.request.path == "/2":
            act(ws)

    options: dict[str, Any] = {"on_request": on_request}
    if place in ("open", "message", "frame", "close"):
        options[f"on_{place}"] = callback
    house = House(**options)
    peers = [house.dial() for _ in range(4)]
    for number, peer in enumerate(peers):
        peer.ask(f"/{number}", then=text("first") + text("second"))
    for _ in range(2):
        house.server.receive(None)
    for number, peer in itertools.product((1, 2, 3), peers):
        if not peer.gone:
            peer.say(text(f"{number}"))
    if place == "close":
        peers[2].say(close(1000))
    elif place in ("producer", "fragments"):
        ws = house.ws("/2")

        def produce() -> str:
            act(ws)
            return "produced"

        ws.send("reliable")
        if place == "producer":
            ws.send_latest("key", produce)
        else:
            ws.send_fragments(produce() for _ in range(3))
    behave(house, peers, 12)
    assert len(done) == 1
    assert house.statistics.callback_errors == and_raise
    # Whatever was done: pairs, once each, in order, and no word behind an end.
    names = [name for name, *_ in house.closes]
    assert len(set(names)) == len(names)
    assert len(set(house.opens)) == len(house.opens)
    assert set(names) <= set(house.opens)
    for name in names:
        mine = [kind for kind, path, *_ in house.log if path == name]
        assert (mine[0], mine[-1]) == ("open", "close")
    if action in (close_the_server, abort_the_server, close_then_abort_the_server):
        assert set(names) == set(house.opens)
        assert not house.server.work(0)
        assert nothing_left(house)
    else:
        assert house.statistics.open == len(house.opens) - len(names)
        late = house.peer("/late")
        late.say(text("hello"))
        house.turn()
        assert "/late" in house.opens
        for peer in (*peers, late):
            peer.socket.reset()
        house.turn(2)
        assert sorted(name for name, *_ in house.closes) == sorted(house.opens)
        assert nothing_left(house)


@pytest.mark.parametrize("place", ["open", "message", "close", "producer", "fragments", "request"])
def test_an_interrupt_passes_and_leaves_everything_sound(place: str) -> None:
    interrupted: list[bool] = []

    def interrupt(*arguments: Any) -> bool:
        if not interrupted:
            interrupted.append(True)
            raise KeyboardInterrupt
        return True

    def story() -> Iterable[str]:
        yield "one"
        interrupt()
        yield "two"

    options: dict[str, Any] = {f"on_{place}": interrupt} if place not in ("producer", "fragments") else {}
    house = House(**options)
    peers = [house.dial() for _ in range(3)]
    for number, peer in enumerate(peers):
        peer.ask(f"/{number}", then=text("a") + text("b"))
    caught = 0
    for turn in range(8):
        if turn == 3:
            house.ws("/2").send_latest("key", lambda: "x" if interrupt() else None)
            if place == "fragments":
                house.ws("/2").send_fragments(story())
            peers[1].say(close(1000))
        try:
            house.turn()
        except KeyboardInterrupt:
            caught += 1
    assert caught == 1
    assert house.statistics.callback_errors == (place == "fragments")
    expected = {"/0", "/1", "/2"} if place != "request" else {"/1", "/2"}
    assert set(house.opens) == expected
    for name in expected:
        assert house.heard("message", name) == ["a", "b"]
    assert ("/1", 1000, "") in house.closes
    for peer in peers:
        peer.socket.reset()
    house.turn(3)
    assert sorted(name for name, *_ in house.closes) == sorted(expected)
    assert nothing_left(house)
