"""Close and the end of TCP, either role of ours against a peer that speaks bytes: at each point, in each order."""

from collections.abc import Callable

import pytest

from tests.protocol.helpers import BINARY, CLOSE, PING, ROLES, TEXT, close_payload
from tests.transport.ends import Seat
from tests.transport.peers import SLOW
from tickws.protocol.connection import Role
from tickws.protocol.limits import Limits

OURS, THEIRS = (4001, "ours"), (4002, "theirs")
LOST = (1006, "")
HOWS = pytest.mark.parametrize("how", ["end", "close", "reset"])


def payload(told: tuple[int, str]) -> bytes:
    return close_payload(told[0], told[1].encode())


def nothing(seat: Seat) -> None:
    pass


def we_ask(seat: Seat) -> None:
    seat.socket.close(*OURS)


def we_say(seat: Seat) -> None:
    we_ask(seat)
    seat.turn()
    assert seat.peer.receive()[-1:] == [("close", *OURS)]


def they_begin(seat: Seat) -> None:
    seat.peer.say(seat.frame(CLOSE, payload(THEIRS))[:-1])
    seat.turn()


def they_say(seat: Seat) -> None:
    seat.say(CLOSE, payload(THEIRS))
    seat.turn()


def they_say_unheard(seat: Seat) -> None:
    seat.say(CLOSE, payload(THEIRS))


def we_fill(seat: Seat) -> None:
    seat.socket.send(bytes(5000))
    seat.turn(2)
    assert seat.socket.queued_bytes > 3000


def we_tell(seat: Seat) -> None:
    seat.socket.send_fragments(bytes(300) for _ in range(50))
    seat.turn()
    assert seat.socket.statistics().queued_messages == 1


def they_tell(seat: Seat) -> None:
    seat.say(TEXT, b"never", fin=False)
    seat.turn()


Step = Callable[[Seat], None]
POINTS: dict[str, tuple[list[Step], tuple[int, str]]] = {
    "open": ([nothing], LOST),
    "our fragments": ([we_tell], LOST),
    "their fragments": ([they_tell], LOST),
    "our buffer full": ([we_fill], LOST),
    "our close, unsaid": ([we_ask], LOST),
    "our close": ([we_say], LOST),
    "our close, buffer full": ([we_fill, we_ask], LOST),
    "our close, our fragments": ([we_tell, we_ask], LOST),
    "our close, their fragments": ([they_tell, we_say], LOST),
    "our close, half an answer": ([we_say, they_begin], LOST),
    "half a close": ([they_begin], LOST),
    "our close, answered": ([we_say, they_say], OURS),
    "their close": ([they_say], THEIRS),
    "their close, buffer full": ([we_fill, they_say], THEIRS),
    "their close, our fragments": ([we_tell, they_say], THEIRS),
    "their close, their fragments": ([they_tell, they_say], THEIRS),
    "both, ours unsaid": ([we_ask, they_say_unheard], THEIRS),
    "their close, unheard": ([they_say_unheard], THEIRS),
    "our close, answer unheard": ([we_say, they_say_unheard], OURS),
}
"""How to come there, and what is told when TCP ends at that point."""


@ROLES
@HOWS
@pytest.mark.parametrize("point", POINTS)
def test_tcp_ends(point: str, how: str, role: Role) -> None:
    """1006 where no closing handshake was heard of, else its code (section 7.1.5); a reset takes unread bytes along."""
    steps, told = POINTS[point]
    seat = Seat(role, conditions=SLOW, limits=Limits(slice_bytes=500))
    for step in steps:
        step(seat)
    seat.hang_up(how)
    seat.run(0.5)
    for _ in range(30):
        if how == "end":
            seat.peer.listen()
        seat.turn()
    assert seat.closes == [LOST if how == "reset" and steps[-1] is they_say_unheard else told]
    statistics = seat.ours.statistics()
    assert (statistics.opened, statistics.open, statistics.connections) == (1, 0, 0)
    assert dict(statistics.faults) == {}
    assert seat.heard == []


@ROLES
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("told", [OURS, THEIRS])
def test_a_half_closed_peer_still_hears_our_close(told: tuple[int, str], full: bool, role: Role) -> None:
    """Its end of stream behind its Close says only that it will say nothing more (section 7.1.1)."""
    seat = Seat(role, conditions=SLOW)
    if full:
        we_fill(seat)
    if told == OURS:
        seat.socket.close(*OURS)
        seat.turn()
    seat.say(CLOSE, payload(told))
    seat.hang_up("end")
    seat.turn()
    heard: list[object] = []
    for _ in range(20):
        heard += seat.peer.receive()
        seat.turn()
    assert heard == [bytes(5000)] * full + [("close", *told)]
    assert seat.peer.gone
    assert seat.closes == [told]
    assert seat.ours.statistics().connections == 0


@ROLES
@pytest.mark.parametrize(
    "words",
    [[], [(TEXT, b"hello")], [(BINARY, b"x"), (PING, b"?")]],
    ids=["none", "text", "more"],
)
def test_a_close_that_comes_while_our_buffer_is_full_is_answered_when_there_is_room(
    words: list[tuple[int, bytes]], role: Role
) -> None:
    """And a Ping likewise, though nothing else is to be said (section 5.5.2)."""
    seat = Seat(role, conditions=SLOW)
    we_fill(seat)
    for word in words:
        seat.say(*word)
    seat.turn()
    seat.socket.send("queued")
    seat.say(CLOSE, payload(THEIRS))
    seat.turn()
    heard: list[object] = []
    for _ in range(20):
        heard += seat.peer.receive()
        seat.turn()
    answers = [("pong", data) for opcode, data in words if opcode == PING]
    assert heard[0] == bytes(5000)
    assert sorted(map(str, heard[1:-1])) == sorted(map(str, ["queued", *answers]))
    assert heard[-1] == ("close", *THEIRS)
    assert seat.closes == [THEIRS]


@ROLES
def test_a_ping_that_comes_while_our_buffer_is_full_is_answered_when_there_is_room(role: Role) -> None:
    seat = Seat(role, conditions=SLOW)
    we_fill(seat)
    seat.say(PING, b"?")
    heard: list[object] = []
    for _ in range(20):
        seat.turn()
        heard += seat.peer.receive()
    assert heard == [bytes(5000), ("pong", b"?")]


@ROLES
@pytest.mark.parametrize("size", [9000, 9500, 10_000, 10_500])
@pytest.mark.parametrize(("takes", "told"), [(500, OURS), (20, LOST)])
def test_who_reads_slowly_has_its_time_to_answer_when_it_has_read_our_close(
    takes: int, told: tuple[int, str], size: int, role: Role
) -> None:
    """1006 is for who no longer reads: a slow line takes longer for what is queued than a closing handshake may."""
    seat = Seat(role, conditions=SLOW, limits=Limits(slice_bytes=500, closing_seconds=1.0))
    for _ in range(3):
        seat.socket.send(bytes(size))
    seat.turn()
    seat.socket.close(*OURS)
    mask = 4 if role is Role.CLIENT else 0
    total = 3 * (4 + mask + size) + 2 + mask + len(payload(OURS))
    for _ in range(400):
        if seat.closes or len(seat.peer.listen(takes)) == total:
            break
        seat.run(0.25)
    if not seat.closes:
        seat.run(0.2)  # beside the half second in which the line is read empty
        assert seat.closes == []
        seat.say(CLOSE, payload(OURS))
        seat.turn(2)
    assert seat.closes == [told]
