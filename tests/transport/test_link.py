"""The order on the wire, at each commit: control frames, reliable messages, latest values."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.transport.peers import SLOW, House, Peer, ping
from tickws.protocol.limits import Limits
from tickws.transport.websocket import WebSocket


def stuck(**options: Any) -> tuple[House, Peer, WebSocket]:
    """A connection whose line is full, with unsent bytes."""
    house = House(**options)
    peer = house.peer(conditions=SLOW)
    ws = house.ws()
    ws.send(bytes(5000))
    house.turn(2)
    assert ws.statistics().queued_messages == 0
    assert ws.queued_bytes > 0
    return house, peer, ws


def drain(house: House, peer: Peer, until: Callable[[list[object]], bool]) -> list[object]:
    """Read on and on; gives what was heard."""
    heard: list[object] = []
    for _ in range(1000):
        heard += peer.receive()
        if until(heard):
            break
        house.turn()
    return heard


def test_control_then_reliable_then_latest() -> None:
    house = House(on_message=lambda ws, message: None)
    peer = house.peer()
    ws = house.ws()
    peer.say(ping(b"theirs"))
    ws.send_latest("a", "latest a")
    ws.send("reliable 1")
    ws.send_latest("b", lambda: "latest b")
    ws.send(b"reliable 2")
    ws.ping(b"ours")
    ws.send_latest("a", "newest a")
    ws.close(4000, "bye")
    house.turn()
    assert peer.receive() == [
        ("pong", b"theirs"), ("ping", b"ours"), "reliable 1", b"reliable 2", "newest a", "latest b",
        ("close", 4000, "bye"),
    ]  # fmt: skip


def test_the_handshakes_answer_goes_first() -> None:
    def greet(ws: WebSocket) -> None:
        ws.send_latest("key", "latest")
        ws.send("reliable")
        ws.ping(b"!")
        ws.close()

    house = House(on_open=greet)
    peer = house.dial()
    peer.ask(then=ping(b"?"))
    house.turn(2)
    assert peer.receive_status() == 101
    heard = peer.receive()
    assert heard[-3:] == ["reliable", "latest", ("close", 1000, "")]
    assert set(heard[:-3]) == {("ping", b"!"), ("pong", b"?")}


def test_reliable_messages_leave_room_for_latest_values_at_each_commit() -> None:
    house = House(limits=Limits(slice_bytes=1000))
    peer = house.peer()
    ws = house.ws()
    for number in range(10):
        ws.send(bytes((number,)) * 400)
    for turn in range(4):
        ws.send_latest("tick", str(turn))
        house.turn()
    kinds = [each if isinstance(each, str) else "." for each in peer.receive()]
    assert "".join(kinds) == "...0...1...2.3"


# Latest values


def test_an_unsent_value_is_replaced_and_a_sent_one_follows() -> None:
    house, peer, ws = stuck()
    for number in range(50):
        assert ws.send_latest("state", str(number))
        assert ws.send_latest("score", f"s{number}")
        house.turn()
    heard = drain(house, peer, lambda heard: len(heard) >= 3)
    assert heard == [bytes(5000), "49", "s49"]
    ws.send_latest("state", "new")
    house.turn()
    assert peer.receive() == ["new"]


def test_latest_values_wait_while_anything_is_unsent_and_their_producers_too() -> None:
    house, peer, ws = stuck()
    calls: list[int] = []

    def produce() -> str:
        calls.append(ws.queued_bytes)
        return "fresh"

    ws.send_latest("state", produce)
    while ws.queued_bytes:
        assert calls == []
        peer.listen(100)
        house.turn()
    house.turn()
    assert calls == [0], "called once, with nothing before it"
    assert drain(house, peer, lambda heard: len(heard) == 2) == [bytes(5000), "fresh"]
    house.turn(5)
    assert len(calls) == 1


def test_a_value_that_is_partly_written_is_written_whole() -> None:
    house = House()
    peer = house.peer(conditions=SLOW)
    ws = house.ws()
    ws.send_latest("state", "a" * 1500)
    house.turn()
    ws.send_latest("state", "b" * 1500)
    ws.send_latest("state", "c" * 1500)
    assert drain(house, peer, lambda heard: len(heard) >= 2) == ["a" * 1500, "c" * 1500]


def test_keys_are_counted_while_they_wait() -> None:
    house, peer, ws = stuck()
    for key in range(16):
        ws.send_latest(key, "x")
    with pytest.raises(ValueError, match=r"16 keys are waiting, as many as limits\.latest_keys"):
        ws.send_latest(16, "x")
    assert ws.send_latest(15, "y")
    assert house.server.broadcast_latest(16, "x") == 0
    assert house.server.broadcast_latest(3, "z") == 1
    heard = drain(house, peer, lambda heard: len(heard) == 17)
    assert heard[1:] == ["x"] * 3 + ["z"] + ["x"] * 11 + ["y"]
    assert ws.send_latest(16, "x")
    with pytest.raises(TypeError):
        ws.send_latest([], "x")
    assert ws.open


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (None, []),
        ("text", ["text"]),
        (b"bytes", [b"bytes"]),
        (bytearray(b"ba"), [b"ba"]),
        (memoryview(b"mv"), [b"mv"]),
        ("", [""]),
    ],
)
def test_a_producer_makes_any_message_or_none(made: Any, expected: list[object]) -> None:
    house = House()
    peer = house.peer()
    ws = house.ws()
    ws.send_latest("key", lambda: made)
    house.turn(2)
    assert peer.receive() == expected
    assert ws.statistics().messages_sent == len(expected)


def test_a_replaced_producer_is_never_called() -> None:
    house = House()
    peer = house.peer()
    house.ws().send_latest("key", lambda: pytest.fail("called"))
    house.ws().send_latest("key", lambda: "newer")
    house.turn()
    assert peer.receive() == ["newer"]


def test_a_producer_may_send_for_the_next_flush() -> None:
    def produce() -> str:
        house.ws().send("reliable")
        house.ws().send_latest("key", "next")
        return "first"

    house = House()
    peer = house.peer()
    house.ws().send_latest("key", produce)
    house.turn()
    assert peer.receive() == ["first"]
    house.turn()
    assert peer.receive() == ["reliable", "next"]


def boom() -> str:
    raise ZeroDivisionError


@pytest.mark.parametrize("produce", [boom, lambda: 5, lambda: "\ud800"])
def test_a_producer_that_fails_costs_its_connection(produce: Any) -> None:
    house = House()
    peer, other = house.peer(), house.peer("/other")
    ws = house.ws("/")
    ws.send("reliable")
    ws.send_latest("a", "before")
    ws.send_latest("b", produce)
    house.ws("/other").send("unharmed")
    house.turn(2)
    assert peer.receive() == ["reliable", "before", ("close", 1011, "internal error")]
    assert other.receive() == ["unharmed"]
    assert not ws.open
    assert house.statistics.callback_errors == 1


def test_an_interrupt_in_a_producer_loses_nothing_that_was_committed() -> None:
    def interrupt() -> str:
        raise KeyboardInterrupt

    house = House()
    peer = house.peer()
    ws = house.ws()
    for number in range(3):
        ws.send(str(number))
    ws.send_latest("a", "before")
    ws.send_latest("b", interrupt)
    with pytest.raises(KeyboardInterrupt):
        house.turn()
    assert peer.receive() == ["0", "1", "2", "before"]
    ws.send("after")
    house.turn()
    assert peer.receive() == ["after"]


# Overflow


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (Limits(queue_bytes=1020), bytes(100)),  # ten messages of 102 bytes with their headers
        (Limits(queue_messages=10), b"x"),
    ],
)
def test_one_message_too_many_closes_with_1008(limits: Limits, message: bytes) -> None:
    house = House(limits=limits)
    peer = house.peer()
    ws = house.ws()
    assert [ws.send(message) for _ in range(10)] == [True] * 10
    assert ws.send(message) is False
    assert not ws.open
    assert ws.send(b"") is False
    house.turn()
    assert peer.receive() == [("close", 1008, "send queue full")]
    peer.socket.close()
    house.turn()
    assert house.closes == [("/", 1008, "send queue full")]


def test_overflow_on_a_line_that_takes_nothing_ends_with_1008_after_the_closing_time() -> None:
    house, peer, ws = stuck(limits=Limits(queue_messages=10))
    for _ in range(11):
        last = ws.send("x")
    assert last is False
    house.run(4.9)
    assert house.closes == []
    house.run(0.2)
    assert house.closes == [("/", 1008, "send queue full")]
    assert peer.gone


def test_overflow_is_said_where_the_line_goes_on_and_what_was_committed_arrives() -> None:
    house, peer, ws = stuck(limits=Limits(queue_messages=2))
    assert [ws.send("x") for _ in range(3)] == [True, True, False]
    heard = drain(house, peer, lambda heard: len(heard) == 2)
    assert heard == [bytes(5000), ("close", 1008, "send queue full")]


def test_a_message_larger_than_the_queue_goes_into_an_empty_one() -> None:
    house = House(limits=Limits(queue_bytes=100))
    peer = house.peer()
    assert house.ws().send(bytes(50_000))
    assert house.server.broadcast("x") == 0
    assert not house.ws().open
    house.turn()
    assert peer.receive() == [("close", 1008, "send queue full")]
