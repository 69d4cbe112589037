"""An endpoint's slice: what is a budget, when it sleeps, what other hosts can wait for, what is counted."""

import math
from collections.abc import Callable
from dataclasses import astuple
from typing import Any

import pytest

from tests.transport.peers import FRAME, House, Peer, Ticking, close, text
from tickws.errors import UsageError
from tickws.protocol.limits import Limits
from tickws.transport.endpoint import Endpoint
from tickws.transport.websocket import WebSocket

# Budgets that are none


@pytest.mark.parametrize("name", ["budget", "wait"])
@pytest.mark.parametrize(
    ("value", "error", "complaint"),
    [
        (2, ValueError, r"is in seconds: for 2 milliseconds say 0\.002, for seconds 2\.0"),
        (20, ValueError, r"is in seconds: for 20 milliseconds say 0\.02,"),
        (True, TypeError, "is a number of seconds or None, not True"),
        ("1", TypeError, ".* not '1'"),
        ([], TypeError, r".* not \[\]"),
        (1j, TypeError, ".* not 1j"),
        (math.nan, ValueError, "is not a number"),
    ],
)
def test_what_is_no_number_of_seconds_raises(name: str, value: Any, error: type[Exception], complaint: str) -> None:
    server: Any = House().server
    arguments = {"budget": 0.0, name: value}
    calls = [server.work, server.receive, *([server.flush] if name == "budget" else [])]
    for call in calls:
        with pytest.raises(error, match=f"{name} {complaint}"):
            call(**arguments)
    assert server.statistics().slice.count == 0
    assert server.work(0)


@pytest.mark.parametrize("value", [1, 0, -1, -2000, 1.0, 5.5, -math.inf, -1e300, 1e300, math.inf, None])
def test_any_number_of_seconds_will_do(value: float | None) -> None:
    house = House()
    house.peer().say(text("x"))
    assert house.server.work(value, wait=0)
    assert house.server.receive(value)
    assert house.server.flush(value)
    assert house.heard("message") == ["x"]
    house.server.wake()
    assert house.server.work(0.0, wait=value if value != 1e300 else 0.1)


# Work inside work


@pytest.mark.parametrize("where", ["request", "open", "message", "close", "producer", "fragments"])
@pytest.mark.parametrize("call", ["work", "receive", "flush"])
def test_a_slice_inside_a_callback_is_refused(call: str, where: str) -> None:
    refused: list[bool] = []

    def inside(*arguments: object) -> bool:
        with pytest.raises(UsageError, match="cannot be called inside a callback"):
            getattr(house.server, call)(0)
        refused.append(True)
        return True

    def pieces() -> Any:
        yield inside() and "x"

    options: dict[str, Any] = {f"on_{where}": inside} if where in ("request", "open", "message", "close") else {}
    house = House(**options)
    peer = house.peer()
    peer.say(text("message"))
    if where == "producer":
        house.ws().send_latest("key", lambda: "x" if inside() else None)
    if where == "fragments":
        house.ws().send_fragments(pieces())
    house.turn()
    peer.say(close(1000))
    house.turn(2)
    assert refused == [True]
    assert house.closes == [("/", 1000, "")]
    assert house.turn()


# Sleep


def sleeping(house: House, call: Callable[[], bool]) -> float:
    """Seconds that pass on the network while a slice waits."""
    before = house.clock.now()
    assert call()
    return house.clock.now() - before


@pytest.mark.parametrize(
    ("budget", "options", "slept"),
    [
        (0.5, {}, 0.5),
        (0.5, {"wait": None}, 0.5),
        (0.5, {"wait": 0}, 0.0),
        (0.5, {"wait": 0.0}, 0.0),
        (0.5, {"wait": -1.0}, 0.0),
        (0.5, {"wait": 0.125}, 0.125),
        (0.5, {"wait": 3.0}, 0.5),
        (0, {}, 0.0),
        (-1.0, {}, 0.0),
        (0.0, {"wait": 1.0}, 0.0),
        (None, {"wait": 0.25}, 0.25),
        (None, {"wait": 0}, 0.0),
    ],
)
def test_with_nothing_to_do_a_slice_sleeps_as_long_as_it_may(
    budget: float | None, options: dict[str, Any], slept: float
) -> None:
    house = House()
    assert sleeping(house, lambda: house.server.work(budget, **options)) == slept
    assert sleeping(house, lambda: house.server.receive(budget, **{"wait": 0.0, **options})) == (
        slept if "wait" in options else 0.0
    )
    assert sleeping(house, lambda: house.server.flush(budget)) == 0.0
    assert sleeping(house, lambda: house.server.receive(budget)) == 0.0


def test_it_knows_how_long_it_slept() -> None:
    house = House()
    assert house.server.waited == 0.0
    house.server.work(0.5)
    house.server.receive(1.0, wait=0.25)
    house.server.work(0.5, wait=0)
    house.server.receive(0.5)
    house.server.flush(0.5)
    house.clock.advance(10.0)
    assert house.server.waited == 0.75
    object.__setattr__(house.network.conditions, "latency", 0.0)
    house.peer().say(text("x"))
    house.server.work(0.5)
    assert house.server.waited == 0.75, "with something to do there is no sleep"
    with pytest.raises(AttributeError):
        house.server.waited = 0.0  # type: ignore[misc]


def test_looks_at_the_clock_are_no_sleep() -> None:
    house = House(clock=Ticking(reading=0.001))
    house.server.work(0.5, wait=0)
    house.server.receive(0.5)
    assert house.server.waited == 0.0


def test_a_slice_returns_after_the_first_pass_that_served_something() -> None:
    house = House(on_message=lambda ws, message: ws.send(message))
    peer = house.peer()
    object.__setattr__(house.network.conditions, "latency", 0.3)
    peer.say(text("late"))
    assert sleeping(house, lambda: house.server.work(1.0)) == pytest.approx(0.3)
    assert house.heard("message") == ["late"]
    house.clock.advance(0.3)
    assert peer.receive() == ["late"], "the answer went out in the same slice"


def test_whoever_waits_for_ever_waits_for_the_next_event() -> None:
    house = House()
    peer = house.peer()
    assert sleeping(house, lambda: house.server.work(None)) == pytest.approx(20.0), "the time of its ping"
    assert peer.receive_frames()[0].payload


@pytest.mark.parametrize("reason", ["carried over", "something to say", "a farewell", "knocking"])
def test_no_slice_sleeps_while_there_is_something_to_do(reason: str) -> None:
    house = House()
    peer = house.peer()
    if reason == "carried over":
        peer.say(text("x") * 65)
        house.turn()
    elif reason == "something to say":
        house.ws().send("x")
    elif reason == "a farewell":
        house.ws().abort()
    else:
        house.dial()
    assert sleeping(house, lambda: house.server.work(10.0)) == 0.0


def test_a_wake_ends_the_sleep_now_or_to_come() -> None:
    house = House()
    house.server.wake()
    house.server.wake()
    assert sleeping(house, lambda: house.server.work(1.0)) == 0.0
    assert sleeping(house, lambda: house.server.work(1.0)) == 1.0
    assert house.statistics.empty_polls == 0


def test_a_deadline_ends_the_sleep() -> None:
    house = House()
    house.dial()
    house.turn(2)
    assert sleeping(house, lambda: house.server.work(60.0)) == pytest.approx(10.0)
    assert house.statistics.connections == 0
    assert house.server.next_deadline() is None


# Deadlines and descriptors for other hosts


def test_the_next_deadline_is_told() -> None:
    house = House()
    server = house.server
    assert server.next_deadline() is None
    house.peer()
    assert server.next_deadline() == 20.0
    house.clock.advance(0.1)
    assert server.next_deadline() == pytest.approx(19.9)
    house.clock.advance(3600.0)
    assert server.next_deadline() == pytest.approx(19.75), "at most 0.25 s pass between two slices"
    server.close(timeout=3.0)
    house.clock.advance(0.0)
    assert server.next_deadline() == pytest.approx(2.75)


def test_a_deadline_that_is_past_is_zero_seconds_away() -> None:
    house = House(limits=Limits(handshake_seconds=0.1))
    house.dial()
    house.turn()
    house.clock.advance(0.2)
    assert house.server.next_deadline() == 0.0


class Descriptor:
    """Gives an endpoint's poller a descriptor, and tells whether it is readable for something to do."""

    def __init__(self, endpoint: Endpoint) -> None:
        poller: Any = endpoint._poller
        poller.fileno = lambda: 77
        self.poller = poller
        assert endpoint.fileno() == 77

    @property
    def readable(self) -> bool:
        return bool(self.poller._woken)


def test_the_descriptor_is_readable_while_anything_is_left_to_do() -> None:
    house = House()
    peer = house.peer()
    ws = house.ws()
    descriptor = Descriptor(house.server)
    assert not descriptor.readable
    calls: list[Callable[[], object]] = [
        lambda: ws.send("x"),
        lambda: ws.send_latest("key", "x"),
        ws.ping,
        lambda: house.server.broadcast("x"),
        house.server.wake,
        ws.close,
    ]
    for call in calls:
        call()
        assert descriptor.readable
        house.turn(3)
        assert not descriptor.readable
    other = house.peer("/other")
    house.turn()
    other.say(text("x") * 100)
    house.turn()
    assert descriptor.readable, "36 messages are carried over"
    house.turn(2)
    assert not descriptor.readable
    house.ws("/other").abort()
    assert descriptor.readable, "an on_close is owed"
    house.turn(2)
    assert not descriptor.readable
    house.server.close()
    assert descriptor.readable, "a Close is to be said"
    assert peer.receive()[0] == "x"


def test_a_descriptor_asked_for_when_there_is_something_to_do_is_readable() -> None:
    house = House()
    house.peer()
    house.ws().send("x")
    assert Descriptor(house.server).readable


def test_a_closed_endpoint_has_no_descriptor() -> None:
    house = House()
    with pytest.raises(UsageError, match="no descriptors to wait for"):
        house.server.fileno()
    house.server.abort()
    with pytest.raises(UsageError, match="closed"):
        house.server.fileno()


# What is counted


def test_slices_are_measured_without_their_sleep() -> None:
    house: House = House(on_message=lambda ws, message: house.clock.advance(0.05))
    peer = house.peer()
    before = house.statistics
    house.server.work(0.5)
    peer.say(text("x"))
    house.server.work(0.02)
    house.server.receive(0.02)
    house.server.flush(0.02)
    after = house.statistics
    assert after.slice.count - before.slice.count == 3, "a receive and its flush are one"
    assert after.slice.worst == pytest.approx(0.05)
    [(name, overrun)] = after.overruns.items()
    assert name.startswith("message: ")
    assert astuple(overrun) == pytest.approx((1, 0.03, 0.03))


def test_a_sleep_that_lasted_a_little_longer_is_no_overrun() -> None:
    house = House()
    poller: Any = house.server._poller
    poll = poller.poll

    def late(timeout: float | None) -> Any:
        house.clock.advance(0.001)
        return poll(timeout)

    poller.poll = late
    for _ in range(10):
        house.server.work(0.02)
    assert house.statistics.overruns == {}


def test_a_poll_that_woke_for_nothing_is_counted() -> None:
    house = House()
    poller: Any = house.server._poller
    poller.poll = lambda timeout: []
    house.server.work(0.5)
    assert house.statistics.empty_polls == 1
    house.server.work(0.5, wait=0)
    assert house.statistics.empty_polls == 1


def test_an_event_for_a_descriptor_that_is_gone_is_harmless() -> None:
    house = House()
    poller: Any = house.server._poller
    poller.poll = lambda timeout: [(12345, 1)]
    assert house.server.work(0.5)


def first_open(house: House) -> WebSocket:
    return house.server.connections[0]


def test_a_host_that_hangs_still_hears_what_was_said_meanwhile() -> None:
    house = House()
    peers: list[Peer] = house.peers(3)
    for peer in peers:
        peer.say(text("before"))
    house.clock.advance(3600.0)
    house.run(10 * FRAME)
    assert house.heard("message") == ["before"] * 3
    assert house.statistics.open == 3
    assert first_open(house).open


# What statistics make of frames


def test_a_frame_that_only_says_something_is_one_slice() -> None:
    house = House()
    house.peer()
    before = house.statistics.slice.count
    for _ in range(100):
        house.server.receive(0.003)
        house.server.broadcast("x")
        house.server.flush(0.001)
    assert house.statistics.slice.count - before == 100
    assert house.statistics.steps["poll"].count == house.statistics.polls


def test_a_wait_between_quiet_frames_takes_none_of_them_away() -> None:
    house = House()
    for _ in range(3000):
        house.server.receive(0.003)
        house.server.flush(0.001)
        house.server.wait(0.001)
    told = house.statistics
    assert told.slice.count == 3000
    assert told.steps["poll"].count == told.polls == 6000


def test_quiet_frames_are_counted_when_they_were() -> None:
    house = House()
    for _ in range(60 * 600):
        house.clock.advance(1 / 60)
        house.server.receive(0.003)
        house.server.flush(0.001)
    told = house.statistics
    assert told.polls == told.steps["poll"].count == 36_000
    assert 60 * 60 * 2 <= told.slice.count <= 60 * 60 * 3 + 1024, "those of the last two to three minutes"


def test_who_sleeps_nearly_all_of_its_budget_and_does_a_step_has_not_overrun() -> None:
    house: House = House(on_message=lambda ws, message: house.clock.advance(0.0002))
    peer = house.peer()
    poller: Any = house.server._poller
    poll = poller.poll

    def asleep(timeout: float | None) -> Any:
        house.clock.advance(0.0199)
        peer.say(text("x"))
        return poll(0)

    poller.poll = asleep
    for _ in range(10):
        house.server.work(0.02)
    assert house.heard("message") == ["x"] * 10
    assert house.statistics.overruns == {}


def test_an_interrupt_at_the_very_beginning_leaves_it_usable() -> None:
    house = House()
    real = house.server._meter.now

    def strike() -> int:
        raise KeyboardInterrupt

    house.server._meter.now = strike
    with pytest.raises(KeyboardInterrupt):
        house.server.work(0)
    house.server._meter.now = real
    assert house.server.work(0)


def test_at_the_end_of_closing_connections_are_dropped_step_by_step() -> None:
    clock = Ticking(reading=0.0001)
    house = House(clock=clock)
    house.peers(100)
    house.server.close(timeout=0.5)
    house.turn(3)
    longest = 0.0
    slices = 0
    goes_on = True
    while goes_on:
        clock.advance(0.05)
        before = clock.instant
        goes_on = house.server.work(0.002, wait=0)
        longest = max(longest, clock.instant - before)
        slices += 1
        assert slices < 1000
    assert longest <= 0.002 + 30 * 0.0001
    assert slices > 5
    assert len(house.closes) == 100
