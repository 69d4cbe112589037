"""What a Close may hold, what may follow it, and closing in callbacks; either role of ours against bytes."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.protocol.helpers import CLOSE, CONT, PING, PONG, ROLES, TEXT, close_payload
from tests.transport.ends import Seat
from tests.transport.peers import SLOW
from tickws.protocol.connection import Role
from tickws.protocol.limits import Limits
from tickws.transport.websocket import WebSocket

OURS, THEIRS = (4001, "ours"), (4002, "theirs")


def payload(told: tuple[int, str]) -> bytes:
    return close_payload(told[0], told[1].encode())


def we_say(seat: Seat) -> None:
    seat.socket.close(*OURS)
    seat.turn()
    assert seat.peer.receive() == [("close", *OURS)]


def we_fill(seat: Seat) -> None:
    seat.socket.send(bytes(5000))
    seat.turn(2)
    assert seat.socket.queued_bytes > 3000


def we_tell(seat: Seat) -> None:
    seat.socket.send_fragments(bytes(300) for _ in range(50))
    seat.turn()


DOINGS: dict[str, Callable[[Seat], None]] = {"nothing": lambda seat: None, "telling": we_tell, "full": we_fill}


FAULTS: dict[str, tuple[bytes, int]] = {
    "one byte": (b"\x03", 1002),
    **{f"{code}": (close_payload(code), 1002) for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535)},
    "reason no UTF-8": (close_payload(1000, b"\xff"), 1007),
    "reason cut short": (close_payload(1000, "é".encode()[:1]), 1007),
    "reason of 124 bytes": (close_payload(1000, b"x" * 124), 1002),
}


@ROLES
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("doing", DOINGS)
def test_a_close_that_breaks_a_rule(doing: str, fault: str, role: Role) -> None:
    """Sections 5.5, 5.5.1, 7.4: it is answered with what is wrong, and that is told."""
    said, code = FAULTS[fault]
    seat = Seat(role, conditions=SLOW, limits=Limits(slice_bytes=500))
    DOINGS[doing](seat)
    seat.say(CLOSE, said)
    heard: list[Any] = []
    for _ in range(20):
        seat.turn()
        heard += seat.peer.receive()
    assert [each[1] for each in heard if each[0] == "close"] == [code]
    assert heard[-1][0] == "close"
    assert [told for told, _ in seat.closes] == [code]
    assert heard[-1][2] == seat.closes[0][1]
    assert dict(seat.ours.statistics().faults) == {code: 1}


@ROLES
@pytest.mark.parametrize("fault", FAULTS)
def test_an_answer_that_breaks_a_rule(fault: str, role: Role) -> None:
    """Ours was the first Close: nothing more is said, and it is what is told."""
    seat = Seat(role)
    we_say(seat)
    seat.say(CLOSE, FAULTS[fault][0])
    seat.turn(2)
    assert seat.peer.receive() == []
    assert seat.closes == [OURS]


# What comes, and what may be said, behind a Close


@ROLES
@pytest.mark.parametrize("first", ["ours", "theirs"])
def test_nothing_but_control_frames_follows_a_close_of_ours(first: str, role: Role) -> None:
    """Section 5.5.1: no more data behind it; calls say so."""
    seat = Seat(role)
    if first == "ours":
        we_say(seat)
    else:
        seat.say(CLOSE, payload(THEIRS))
        seat.turn()
    ws = seat.socket
    assert not any((ws.send("x"), ws.send_latest("key", "x"), ws.send_fragments(["x"]), ws.ping(b"x")))
    ws.close(4999, "again")
    seat.turn(2)
    assert seat.peer.receive() == ([] if first == "ours" else [("close", *THEIRS)])


@ROLES
def test_a_ping_behind_our_close_is_answered(role: Role) -> None:
    """Section 5.5.2: "MUST send a Pong frame in response, unless it already received a Close frame"."""
    seat = Seat(role)
    we_say(seat)
    seat.say(TEXT, b"still")
    seat.say(PING, b"there?")
    seat.turn(2)
    assert seat.peer.receive() == [("pong", b"there?")]
    seat.say(PONG)
    seat.say(CLOSE, payload(OURS))
    seat.turn(2)
    assert seat.peer.receive() == []
    assert (seat.heard, seat.closes) == ([], [OURS])


JUNK: list[tuple[int, bytes]] = [(TEXT, b"late"), (PING, b"?"), (CLOSE, payload(OURS)), (CONT, b"x"), (3, b"")]


@ROLES
@pytest.mark.parametrize("junk", JUNK, ids=["text", "ping", "close", "continuation", "reserved"])
@pytest.mark.parametrize("first", ["ours", "theirs"])
@pytest.mark.parametrize("together", [False, True])
def test_whatever_follows_their_close_is_ignored(
    first: str, junk: tuple[int, bytes], together: bool, role: Role
) -> None:
    """Section 5.5.1: "MUST NOT send any more data frames"; whoever does is not heard."""
    seat = Seat(role)
    if first == "ours":
        we_say(seat)
    told = OURS if first == "ours" else THEIRS
    seat.say(CLOSE, payload(told))
    if not together:
        seat.turn()
    seat.say(*junk)
    seat.turn(3)
    assert seat.peer.receive() == ([] if first == "ours" else [("close", *THEIRS)])
    assert (seat.heard, seat.closes) == ([], [told])
    assert dict(seat.ours.statistics().faults) == {}


# In callbacks

PLACES = ["open", "message", "frame", "slow", "close", "producer", "fragments"]


@ROLES
@pytest.mark.parametrize("place", PLACES)
def test_a_close_in_a_callback(place: str, role: Role) -> None:
    """Twice, as careless code does: the first one counts, both ends hear it, and it is told once."""

    def act(ws: WebSocket, *arguments: object) -> None:
        ws.close(*OURS)
        ws.close(4999, "again")

    def produce(ws: WebSocket) -> str:
        act(ws)
        return "made"

    def story(ws: WebSocket) -> Iterator[str]:
        yield "a"
        yield produce(ws)

    options: dict[str, Any] = {f"on_{place}": act} if place not in ("producer", "fragments") else {}
    seat = Seat(role, conditions=SLOW, limits=Limits(slow_seconds=0.1), **options)
    told = OURS
    if place in ("message", "frame"):
        seat.say(TEXT, b"hello")
    elif place == "slow":
        we_fill(seat)
        seat.run(0.3)
    elif place == "close":
        seat.say(CLOSE, payload(THEIRS))
        told = THEIRS
    elif place == "producer":
        seat.socket.send_latest("key", lambda: produce(seat.socket))
    elif place == "fragments":
        seat.socket.send_fragments(story(seat.socket))
    heard: list[object] = []
    for _ in range(20):
        seat.turn()
        heard += seat.peer.receive()
    assert heard[-1] == ("close", *told)
    assert seat.closes == ([THEIRS] if place == "close" else [])
    if place != "close":
        seat.say(CLOSE, payload(OURS))
    seat.turn(3)
    assert seat.closes == [told]
    assert seat.ours.statistics().callback_errors == 0


BAD_CODES = (-1, 0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535, 65536)


@ROLES
@pytest.mark.parametrize("whole", [False, True])
def test_arguments_that_no_close_can_hold_are_refused_and_change_nothing(whole: bool, role: Role) -> None:
    """Section 7.4: neither by the WebSocket nor by the whole end."""
    seat = Seat(role)
    target: Any = seat.ours if whole else seat.socket
    for arguments in [(code, "") for code in BAD_CODES] + [(1000, "x" * 124), (1000, "é" * 62), (1000, "\ud800")]:
        with pytest.raises(ValueError):
            target.close(*arguments)
    for wrong in [("1000", ""), (1000.0, ""), (None, ""), (1000, b"bytes"), (1000, None)]:
        with pytest.raises(TypeError):
            target.close(*wrong)
    seat.turn()
    assert seat.socket.open
    assert seat.peer.receive() == []
    target.close(4000, "x" * 123)
    seat.turn()
    assert seat.peer.receive() == [("close", 4000, "x" * 123)]
