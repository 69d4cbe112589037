"""The end of an endpoint: close, abort, `with`; it comes, it is told, and after it everything is harmless."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from tests.transport.peers import FRAME, SLOW, House, Peer, close, nothing_left, text
from tickws.errors import UsageError
from tickws.transport.websocket import WebSocket


def until_over(house: House, *peers: Peer) -> float:
    """Work until it is over, with peers that answer; gives the seconds that it took."""
    start = house.clock.now()
    while house.server.work(None, wait=0):
        for peer in peers:
            if any(isinstance(each, tuple) and each[0] == "close" for each in peer.receive()):
                peer.say(close(1001))
            if peer.gone:
                peer.socket.close()
        house.clock.advance(FRAME)
        assert house.clock.now() - start < 60.0
    return house.clock.now() - start


def test_closing_lets_reliable_messages_out_says_close_and_ends() -> None:
    house = House()
    peers = house.peers(3)
    for ws in house.server.connections:
        ws.send("last words")
    house.server.close(1012, "restart")
    assert house.server.statistics().open == 3, "close does nothing but begin"
    assert house.closes == []
    house.turn()
    for peer in peers:
        assert peer.receive() == ["last words", ("close", 1012, "restart")]
        peer.say(close(1012))
    assert until_over(house, *peers) < 1.0
    assert house.closes == [(f"/{number}", 1012, "restart") for number in range(3)]
    assert nothing_left(house)


def test_those_in_their_handshake_are_dropped_at_once_and_never_told_of() -> None:
    house = House()
    early, asked = house.dial(), house.dial()
    house.turn(2)
    asked.ask()
    house.server.close()
    assert early.gone
    assert asked.gone
    assert not house.server.work(0)
    assert house.log == []


@pytest.mark.parametrize("timeout", [0, 0.0, -5.0, 0.5, 3, 30.0])
def test_the_time_is_over_when_it_is_over(timeout: float) -> None:
    house = House()
    house.peer("/deaf", conditions=SLOW)
    house.ws("/deaf").send(bytes(100_000))
    house.peer("/mute")
    house.turn()
    house.server.close(timeout=timeout)
    took = until_over(house)
    assert took == pytest.approx(min(max(timeout, 0), 5.0), abs=2 * FRAME), "5 s: each link's own closing time"
    assert sorted(house.closes) == [("/deaf", 1006, ""), ("/mute", 1006, "")]
    assert nothing_left(house)


def test_no_time_is_too_long() -> None:
    house = House()
    peer = house.peer()
    house.server.close(timeout=math.inf)
    assert until_over(house, peer) < 1.0


def test_an_empty_house_is_closed_at_once() -> None:
    house = House()
    house.server.close()
    before = house.clock.now()
    assert not house.server.work(None)
    assert house.clock.now() == before


def test_a_second_close_does_nothing() -> None:
    house = House()
    peer = house.peer()
    house.server.close(1001, "first", timeout=2.0)
    house.server.close(1012, "second", timeout=60.0)
    house.turn()
    assert peer.receive() == [("close", 1001, "first")]
    assert until_over(house) == pytest.approx(2.0, abs=2 * FRAME)


@pytest.mark.parametrize(
    "arguments", [{"code": 1005}, {"code": 999}, {"code": 5000}, {"reason": "x" * 124}, {"timeout": math.nan}]
)
def test_a_close_that_cannot_be_said_raises_and_changes_nothing(arguments: dict[str, Any]) -> None:
    house = House()
    peer = house.peer()
    with pytest.raises(ValueError, match=r"."):
        house.server.close(**arguments)
    peer.say(text("still open"))
    house.turn()
    assert house.heard("message") == ["still open"]
    house.peer("/new")


def test_nobody_new_gets_in_while_it_closes() -> None:
    house = House()
    house.peer()
    house.server.close()
    late = house.dial()
    assert late.gone
    with pytest.raises(UsageError, match="the server is closed"):
        house.server.listen(port=0)


def test_abort_drops_everybody_and_tells_before_it_returns() -> None:
    house = House()
    peers = house.peers(3)
    house.ws("/0").send("never sent")
    house.server.abort()
    assert sorted(house.closes) == [(f"/{number}", 1006, "") for number in range(3)]
    assert not house.server.work(1.0)
    assert all(peer.gone for peer in peers)
    assert peers[0].receive() == []
    house.server.abort()
    assert len(house.closes) == 3
    assert nothing_left(house)


def test_abort_goes_on_after_a_callbacks_error_and_raises_the_first() -> None:
    def on_close(ws: WebSocket, code: int, reason: str) -> None:
        raise ZeroDivisionError(ws.request.path)

    house = House(errors="raise", on_close=on_close)
    house.peers(3)
    with pytest.raises(ZeroDivisionError, match="/0"):
        house.server.abort()
    assert len(house.closes) == 3
    assert house.statistics.callback_errors == 3
    assert not house.server.work(0)


def test_an_interrupt_of_abort_leaves_the_rest_to_the_next_call() -> None:
    def on_close(ws: WebSocket, code: int, reason: str) -> None:
        if ws.request.path == "/0":
            raise KeyboardInterrupt

    house = House(on_close=on_close)
    house.peers(3)
    with pytest.raises(KeyboardInterrupt):
        house.server.abort()
    assert [name for name, *_ in house.closes] == ["/0"]
    house.server.abort()
    assert [name for name, *_ in house.closes] == ["/0", "/1", "/2"]
    assert not house.server.work(0)


@pytest.mark.parametrize("carried", [0, 100])
def test_what_is_left_over_of_a_slice_is_let_go_with_the_rest(carried: int) -> None:
    house = House()
    peer = house.peer()
    peer.say(text("x") * (64 + carried))
    house.turn()
    house.ws().send("x")
    house.server.abort()
    assert nothing_left(house)


def test_an_answer_that_is_here_when_the_time_is_over_counts() -> None:
    house = House()
    peer = house.peer()
    house.server.close(1001, timeout=0.2)
    house.turn()
    peer.say(close(1001))
    house.clock.advance(60.0)
    house.turn()
    assert house.closes == [("/", 1001, "")]


def test_abort_while_it_closes_ends_the_waiting() -> None:
    house = House()
    house.peer()
    house.server.close()
    house.turn(3)
    house.server.abort()
    assert house.closes == [("/", 1006, "")]
    assert not house.server.work(0)


def test_leaving_the_with_closes_and_works_until_done() -> None:
    house = House()
    deaf, gone = house.peer("/deaf"), house.peer("/gone")
    with house.server as server:
        assert server is house.server
        house.ws("/deaf").send("last words")
        gone.socket.reset()
    assert house.closes == [("/gone", 1006, ""), ("/deaf", 1006, "")]
    assert house.clock.now() == pytest.approx(5.0, abs=0.1)
    assert deaf.receive() == ["last words", ("close", 1001, "")]
    assert not house.server.work(0)


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_an_error_inside_the_with_passes_behind_the_closing(error: type[BaseException]) -> None:
    house = House()
    house.peer()
    with pytest.raises(error), house.server:
        raise error
    assert len(house.closes) == 1


def test_an_error_while_the_with_is_left_aborts() -> None:
    def on_message(ws: WebSocket, message: str) -> None:
        pytest.fail("nothing is delivered any more")

    def on_close(ws: WebSocket, code: int, reason: str) -> None:
        raise ZeroDivisionError(ws.request.path)

    house = House(errors="raise", on_close=on_close, on_message=on_message)
    peers = house.peers(3)
    for peer in peers:
        peer.say(text("late"))
    peers[1].say(close(1000))
    with pytest.raises(ZeroDivisionError), house.server:
        pass
    assert sorted(name for name, *_ in house.closes) == ["/0", "/1", "/2"]
    assert not house.server.work(0)


def test_after_the_end_everything_is_harmless() -> None:
    house = House()
    house.peer()
    ws = house.ws()
    server = house.server
    server.abort()
    calls: list[Callable[[], object]] = [
        server.wake, server.close, server.abort, ws.close, ws.abort, ws.statistics, server.statistics,
        lambda: server.close(1012, "x", timeout=0),
    ]  # fmt: skip
    for call in calls:
        call()
    falses: list[Callable[[], object]] = [
        lambda: server.work(1.0), lambda: server.work(None), lambda: server.receive(0), lambda: server.flush(0),
        lambda: ws.send("x"), lambda: ws.send_latest("key", "x"), lambda: ws.send_latest("key", lambda: "x"), ws.ping,
        lambda: ws.send_fragments(["x"]), lambda: server.broadcast("x"), lambda: server.broadcast_latest("key", "x"),
        lambda: ws.open, lambda: server.connections, lambda: server.addresses, server.next_deadline,
    ]  # fmt: skip
    assert [bool(call()) for call in falses] == [False] * len(falses)
    with server:
        pass
    assert server.port == 8056
    assert house.closes == [("/", 1006, "")]
    assert nothing_left(house)
