"""`ws.latency`: the line's round trip, whatever our frames are like, and nobody's pong but the one we asked for."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transport.peers import FRAME, House, Peer, pong, text
from tests.transport.tls_peers import TlsHouse
from tickws.clock import NANOSECONDS
from tickws.protocol.limits import Limits
from tickws.testing import Conditions, MemoryNetwork
from tickws.transport.latency import Arrivals, shortest, with_trip
from tickws.transport.readingtime import STALL
from tickws.transport.websocket import WebSocket

EVERY_SECOND = Limits(ping_seconds=1.0, dead_seconds=14.0)
STEP = 0.00025
"""Seconds in which a peer of the tests answers."""
MILLISECOND = NANOSECONDS // 1000


def silent(network: MemoryNetwork) -> None:
    """From now on this network does not know when anything came."""
    network.arrived_ago = lambda sock: None  # type: ignore[method-assign]


def pings(peer: Peer) -> list[bytes]:
    return [each[1] for each in peer.receive() if isinstance(each, tuple) and each[0] == "ping"]


class Line:
    """A server in a loop of frames, and a peer that answers pings at once, also while the loop computes.

    Args:
        trip: seconds there and back.
        known: the network knows when something came.
        computing: seconds of each frame between `receive` and `flush`.
    """

    def __init__(
        self, trip: float, *, known: bool = True, computing: float = 0.0, jitter: float = 0.0, **options: Any
    ) -> None:
        self.house = House(**{"limits": EVERY_SECOND, **options})
        if not known:
            silent(self.house.network)
        self.peer = self.house.dial(conditions=Conditions(latency=trip / 2, jitter=jitter / 2))
        self.computing = computing
        self.pass_time(trip + jitter)
        self.peer.ask()
        while not self.house.opens:
            self.frame()
        assert self.peer.receive_status() in (0, 101)
        self.ws = self.house.ws()

    def pass_time(self, seconds: float) -> None:
        """Let time pass in which the peer lives, and nobody else."""
        clock = self.house.clock
        end = clock.now() + seconds
        while clock.now() < end - 1e-9:
            clock.advance(min(STEP, end - clock.now()))
            for payload in pings(self.peer):
                self.peer.say(pong(payload))

    def frame(self) -> None:
        """Read, compute, write, and wait for the next frame."""
        self.house.server.receive(None)
        self.pass_time(self.computing)
        self.house.server.flush(None)
        self.pass_time(FRAME - self.computing)

    def run(self, seconds: float) -> float:
        """Let frames pass; gives what is known of the latency then."""
        for _ in range(round(seconds / FRAME)):
            self.frame()
        assert self.ws.latency is not None
        return self.ws.latency


TRIPS = [0.0, 0.003, 0.02, 0.08, 0.3]


@pytest.mark.parametrize("computing", [0.0, 0.01])
@pytest.mark.parametrize("trip", TRIPS)
def test_neither_frames_nor_the_simulation_are_in_it(trip: float, computing: float) -> None:
    assert Line(trip, computing=computing).run(5.0) == pytest.approx(trip, abs=0.001)


@pytest.mark.parametrize("computing", [0.0, 0.01])
@pytest.mark.parametrize("trip", TRIPS)
def test_where_nobody_knows_when_a_pong_came_it_is_half_a_frame_off_at_most(trip: float, computing: float) -> None:
    latency = Line(trip, known=False, computing=computing).run(5.0)
    assert latency == pytest.approx(trip, abs=FRAME / 2 + 0.001)


@pytest.mark.parametrize("known", [True, False])
def test_of_a_line_with_jitter_the_shortest_counts(known: bool) -> None:
    line = Line(0.02, known=known, computing=0.01, jitter=0.04)
    seen = [line.run(2.0) for _ in range(15)]
    spare = 0.001 if known else FRAME / 2 + 0.001
    assert 0.02 - spare <= min(seen)
    assert max(seen[5:]) <= 0.04 + spare, "the shortest of eight is no bad one"


def test_who_moves_away_is_measured_anew() -> None:
    line = Line(0.02)
    assert line.run(10.0) == pytest.approx(0.02, abs=0.001)
    for pipe in (line.peer.socket._outgoing, line.peer.socket._incoming):
        pipe._conditions = Conditions(latency=0.05)
    assert line.run(2.0) == pytest.approx(0.02, abs=0.001)
    assert line.run(9.0) == pytest.approx(0.1, abs=0.001)


@pytest.mark.parametrize("known", [True, False])
def test_who_sleeps_until_something_comes_knows_when_it_came(known: bool) -> None:
    house = House(limits=EVERY_SECOND)
    if not known:
        silent(house.network)
    peer = house.peer(conditions=Conditions(latency=0.0))
    ws = house.ws()
    peer.socket._outgoing._conditions = Conditions(latency=0.07)
    while ws.latency is None:
        house.server.work(60.0)
        for payload in pings(peer):
            peer.say(pong(payload))
    assert ws.latency == pytest.approx(0.07, abs=1e-6)


def test_a_hitch_is_not_in_it() -> None:
    line = Line(0.02)
    while not line.ws._link.ping_sent:
        line.frame()
    line.pass_time(30.0)
    assert line.ws.latency is None
    assert line.run(FRAME) == pytest.approx(0.02, abs=0.001)


def test_where_nobody_knows_a_hitch_measures_nothing() -> None:
    line = Line(0.02, known=False)
    while not line.ws._link.ping_sent:
        line.frame()
    line.pass_time(STALL / NANOSECONDS + 0.1)
    line.frame()
    assert line.ws.latency is None
    assert line.ws._link.ping_payload is None, "answered it is"
    assert line.run(3.0) == pytest.approx(0.02, abs=FRAME / 2 + 0.001)


def test_a_pong_that_was_left_for_the_next_slice_came_earlier() -> None:
    """There is time for one link a slice, and ours is the last: the pong lies there for a third of a second."""
    house = House(limits=EVERY_SECOND)
    others, peer = house.peers(20), house.peer("/last")
    ws = house.ws("/last")
    while not (payloads := pings(peer)):
        for other in others:
            other.say(text("x"))
        house.turn()
        house.clock.advance(FRAME)
    for other in others:
        other.say(text("x"))
    asked = ws._link.ping_sent
    peer.say(pong(payloads[0]))
    came = house.clock.now_ns()
    frames = 0
    while ws.latency is None:
        house.clock.advance(FRAME)
        house.server.receive(0.0)
        frames += 1
    assert frames > 15
    assert ws.latency == pytest.approx((came - asked) / NANOSECONDS, abs=1e-6)


def test_over_tls_it_is_the_same() -> None:
    house = TlsHouse(limits=EVERY_SECOND)
    peer = house.peer()
    ws = house.ws()
    while not (heard := pings(peer)):
        house.run(FRAME)
    asked = ws._link.ping_sent
    house.clock.advance(0.03)
    peer.say(pong(heard[0]))
    came = house.clock.now_ns()
    house.clock.advance(0.01)
    house.run(FRAME)
    assert ws.latency == pytest.approx((came - asked) / NANOSECONDS, abs=1e-6)


# Whose pong it is


class Asked:
    """A server whose ping is on its way, and a peer that has heard it."""

    def __init__(self) -> None:
        self.house = House(limits=EVERY_SECOND)
        self.peer = self.house.peer()
        self.ws = self.house.ws()
        while not (heard := pings(self.peer)):
            self.house.run(FRAME)
        (self.payload,) = heard

    def answer(self, *payloads: bytes) -> float | None:
        """Say pongs; gives the latency then."""
        self.peer.say(*map(pong, payloads))
        self.house.run(FRAME)
        return self.ws.latency


def test_pongs_that_nobody_asked_for_measure_nothing() -> None:
    asked = Asked()
    assert asked.answer(b"", asked.payload[:-1], asked.payload + b"x", bytes(8)) is None
    asked.house.clock.advance(0.1)
    assert asked.answer(asked.payload) == pytest.approx(0.1 + FRAME, abs=2 * FRAME)


def test_a_pong_that_comes_twice_counts_once() -> None:
    asked = Asked()
    latency = asked.answer(asked.payload)
    trips = asked.ws._link.trips
    for _ in range(10):
        assert asked.answer(asked.payload) == latency
    assert asked.ws._link.trips == trips


def test_the_answer_to_a_ping_before_the_last_does_not_count() -> None:
    asked = Asked()
    asked.peer.say(text("still here"))
    old = asked.payload
    while not (heard := pings(asked.peer)):
        asked.house.run(FRAME)
    assert asked.answer(old) is None
    assert asked.answer(*heard) is not None


def test_what_the_next_ping_will_say_is_not_to_be_guessed() -> None:
    asked = Asked()
    asked.answer(asked.payload)
    said = [asked.payload]
    for _ in range(3):
        while not (heard := pings(asked.peer)):
            asked.house.run(FRAME)
        asked.answer(*heard)
        said += heard
    assert len(set(said)) == len(said) == 4
    steps = {int.from_bytes(after, "big") - int.from_bytes(before, "big") for before, after in itertools.pairwise(said)}
    assert len(steps) == 3, "no counter"


def test_a_pong_that_comes_before_its_ping_has_left_measures_nothing() -> None:
    """Somebody who guesses well; the ping before this one was answered."""
    asked = Asked()
    latency = asked.answer(asked.payload)
    link, trips = asked.ws._link, asked.ws._link.trips
    while link.ping_payload is None:
        asked.house.clock.advance(FRAME)
        asked.house.server.receive(None)
    asked.peer.say(pong(link.ping_payload))
    asked.house.clock.advance(FRAME)
    asked.house.server.receive(None)
    asked.house.server.flush(None)
    assert link.ping_payload is None
    assert asked.answer(*pings(asked.peer)) == latency
    assert link.trips == trips


@pytest.mark.parametrize("count", [1, 3])
def test_pings_of_the_program_leave_it_alone(count: int) -> None:
    """Their pongs measure nothing, and those of keep-alive do beside them."""
    line = Line(0.02)

    def more(seconds: float) -> None:
        for _ in range(round(seconds / FRAME)):
            for number in range(count):
                line.ws.ping(bytes([number]))
            line.frame()

    more(0.5)
    assert line.ws.latency is None
    assert line.run(2.0) == pytest.approx(0.02, abs=0.001)
    trips = line.ws._link.trips
    more(3.0)
    assert line.ws._link.trips == trips, "who answers is not silent: nobody else pings"
    assert line.house.closes == []


def test_a_ping_of_the_program_that_goes_with_it_does_not_hide_it() -> None:
    asked = Asked()
    asked.answer(asked.payload)
    while not asked.ws._link.ping_payload:
        asked.house.clock.advance(FRAME)
        asked.house.server.receive(None)
    before = asked.ws._link.trips
    asked.ws.ping(asked.ws._link.ping_payload)  # even with the same words
    asked.house.run(FRAME)
    heard = pings(asked.peer)
    assert len(heard) == 2
    assert asked.answer(*heard) is not None
    assert len(asked.ws._link.trips) == 2 * len(before)


def test_a_later_ping_of_the_program_does_not_shorten_it() -> None:
    asked = Asked()
    asked.house.run(0.5)
    asked.ws.ping(b"later")
    asked.house.run(FRAME)
    latency = asked.answer(asked.payload)
    assert latency is not None
    assert latency >= 0.5


def test_a_ping_that_waits_behind_a_full_socket_measures_nothing() -> None:
    house = House(limits=EVERY_SECOND)
    peer = house.peer(conditions=Conditions(buffer_bytes=1000))
    ws = house.ws()
    peer.listen()
    while not ws._link.ping_payload:
        house.clock.advance(FRAME)
        house.server.receive(None)
    ws.send(bytes(5000))
    house.server.flush(None)
    assert ws.queued_bytes > 0
    while ws._link.ping_payload is not None:
        house.run(0.1)
        peer.say(*map(pong, pings(peer)))
    assert ws.latency is None
    while ws.latency is None:  # the next ones do
        peer.say(*map(pong, pings(peer)))
        house.run(FRAME)
    assert ws.latency <= 2 * FRAME


# The sums


@given(st.lists(st.integers(0, 1 << 50), max_size=40))
def test_the_shortest_of_the_last_eight(trips: list[int]) -> None:
    kept = b""
    assert shortest(kept) is None
    for index, trip in enumerate(trips):
        kept = with_trip(kept, trip)
        exact = min(trips[max(0, index - 7) : index + 1])
        found = shortest(kept)
        assert found is not None
        assert exact - 1000 < found <= exact or found == ((1 << 32) - 1) * 1000 < exact
        assert len(kept) <= 32


@pytest.mark.parametrize(
    ("since", "asked", "now", "ago", "watched", "came"),
    [
        pytest.param(100, 0, 116, 5, False, 111, id="the system knows"),
        pytest.param(100, 0, 116, 20, False, 100, id="not before the last look"),
        pytest.param(100, 110, 116, 20, False, 110, id="nor before it was asked for"),
        pytest.param(100, 0, 116, 0, False, 116, id="just now"),
        pytest.param(100, 0, 116, -3, False, 116, id="never later"),
        pytest.param(100, 0, 116, None, False, 108, id="the middle"),
        pytest.param(100, 112, 116, None, False, 114, id="of what is possible"),
        pytest.param(116, 0, 116, 50, False, 116, id="woken for it: nobody is asked"),
        pytest.param(100, 0, 30_100, 30_000, False, 100, id="a hitch, and the system knows"),
        pytest.param(100, 0, 30_100, 20_000, True, 10_100, id="the same, though a host was waiting"),
        pytest.param(100, 0, 30_100, None, False, None, id="a hitch, and nobody knows"),
        pytest.param(100, 0, 30_100, None, True, 30_100, id="a host was waiting, and nobody knows"),
    ],
)
def test_when_something_came(
    since: int, asked: int, now: int, ago: int | None, watched: bool, came: int | None
) -> None:
    """All in milliseconds."""
    house = House()
    arrivals = Arrivals(house.network, house.server._links.queue)
    house.server._links.queue.watched = watched
    arrivals.since = since * MILLISECOND
    house.network.arrived_ago = lambda sock: None if ago is None else ago / 1000  # type: ignore[method-assign]
    line: Any = None
    found = arrivals.instant(line, asked * MILLISECOND, now * MILLISECOND)
    assert found == (None if came is None else came * MILLISECOND)


@given(st.integers(1, 400), st.integers(0, 600), st.integers(1, 300), st.booleans())
def test_never_beyond_what_is_possible(frame: int, trip: int, late: int, known: bool) -> None:
    """At least nothing, at most the time until it was read; over the system's figures and without them."""
    house = House(limits=Limits(ping_seconds=1.0, dead_seconds=100.0))
    network = house.network
    if not known:
        silent(network)
    peer = house.peer()
    ws: WebSocket = house.ws()
    peer.socket._outgoing._conditions = Conditions(latency=trip / 1000)
    sent = read = 0
    for _ in range(10_000):
        house.server.receive(None)
        link = ws._link
        if sent and link.ping_payload is None:
            read = house.clock.now_ns()
            break
        house.clock.advance(min(late, frame) / 1000)
        house.server.flush(None)
        sent = link.ping_sent
        peer.say(*map(pong, pings(peer)))
        house.clock.advance(max(0, frame - late) / 1000)
    assert read
    if ws.latency is None:
        assert not known
        assert frame / 1000 > STALL / NANOSECONDS
    else:
        assert 0 <= ws.latency <= (read - sent) / NANOSECONDS
