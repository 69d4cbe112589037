"""The look at the network: how long it sleeps, what reading time passes with it, and which looks were for nothing."""

from typing import Any

import pytest

from tests.transport.peers import House, text
from tickws.protocol.limits import Limits
from tickws.transport.steps import Step

QUIET = Limits(ping_seconds=1e6, handshake_seconds=1e6)


class Look:
    """A house whose server is asked to wait."""

    def __init__(self, limits: Limits = QUIET) -> None:
        self.house = House(limits=limits)
        self.server = self.house.server
        self.clock = self.house.clock

    def wait(self, seconds: float | None) -> tuple[bool, float]:
        """What it says, and the seconds that it slept."""
        before = self.clock.now()
        return self.server.wait(seconds), round(self.clock.now() - before, 9)


def test_with_nothing_to_do_it_sleeps_as_long_as_it_may() -> None:
    look = Look()
    look.house.peer()
    assert look.wait(0.5) == (False, 0.5)
    assert look.wait(0) == (False, 0.0)
    assert look.wait(-1.0) == (False, 0.0)
    assert look.server.waited == 0.5
    assert look.house.statistics.empty_polls == 0


def test_it_wakes_for_input_and_there_is_something_to_do_until_it_was_read() -> None:
    look = Look()
    peer = look.house.peer()
    peer.say(text("x"))
    assert [look.wait(1.0) for _ in range(3)] == [(True, 0.0)] * 3
    assert look.house.heard("message") == []
    look.server.receive(None)
    assert look.house.heard("message") == ["x"]
    assert look.wait(1.0) == (False, 1.0)


def test_it_wakes_for_what_is_queued_and_for_newcomers() -> None:
    look = Look()
    look.house.peer()
    look.house.ws().send("x")
    assert look.wait(1.0) == (True, 0.0)
    look.server.flush(None)
    assert look.wait(1.0) == (False, 1.0)
    look.house.dial()
    assert look.wait(1.0) == (True, 0.0)


def test_it_wakes_for_a_deadline() -> None:
    look = Look(Limits(ping_seconds=3.0))
    look.house.peer()
    assert [look.wait(2.0) for _ in range(3)] == [(False, 2.0), (True, 1.0), (True, 0.0)]
    look.house.turn()
    assert look.wait(2.0) == (False, 2.0)


def test_a_wait_without_end_ends_with_a_deadline() -> None:
    look = Look(Limits(ping_seconds=3.0))
    look.house.peer()
    assert look.wait(None) == (True, 3.0)


def test_who_is_closed_waits_for_nothing() -> None:
    look = Look()
    look.server.abort()
    assert look.wait(1.0) == (False, 0.0)
    assert look.wait(None) == (False, 0.0)


@pytest.mark.parametrize("seconds", [True, "1", 1000])
def test_what_is_no_number_of_seconds_is_refused(seconds: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        Look().server.wait(seconds)


def test_a_sleep_that_ends_before_its_time_for_nothing_is_counted() -> None:
    look = Look()
    look.house.peer()
    poller: Any = look.server._poller
    poll = poller.poll

    def disturbed(timeout: float | None) -> Any:
        return poll(None if timeout is None else timeout / 2)

    poller.poll = disturbed
    assert look.wait(1.0) == (False, 0.5)
    assert look.house.statistics.empty_polls == 1
    look.server.work(0.5)
    assert look.house.statistics.empty_polls == 2
    look.server.work(0.5, wait=0)
    look.server.receive(0.5)
    assert look.house.statistics.empty_polls == 2, "those did not sleep"


def test_a_look_is_a_step_and_its_sleep_is_none() -> None:
    look = Look()
    look.house.peer()
    before = look.house.statistics
    look.server.work(2.0)
    after = look.house.statistics
    assert after.polls == before.polls + 1
    assert after.steps[Step.POLL].count == before.steps[Step.POLL].count + 1
    assert after.steps[Step.POLL].last == 0.0
    assert after.slice.worst == 0.0


@pytest.mark.parametrize("seconds", [0.1, 0.25, 0.26, 1000.0])
def test_of_a_host_that_hangs_a_quarter_second_counts(seconds: float) -> None:
    look = Look()
    look.house.turn()
    before = look.server._listened.now
    look.clock.advance(seconds)
    look.house.turn()
    assert look.server._listened.now - before == pytest.approx(min(seconds, 0.25) * 1e9, abs=2)


def test_of_a_sleep_all_counts() -> None:
    look = Look()
    before = look.server._listened.now
    look.server.work(100.0)
    assert look.server._listened.now - before == 100 * 10**9


@pytest.mark.parametrize("act", ["abort", "close", "send", "server"])
def test_what_is_done_between_frames_is_not_overlooked(act: str) -> None:
    """However long there was nothing to do before."""
    look = Look()
    peer = look.house.peer()

    def frames(count: int) -> None:
        for _ in range(count):
            look.server.receive(0.004)
            look.server.flush(0.004)
            look.clock.advance(1 / 60)

    frames(20)
    ws = look.house.ws()
    if act == "server":
        look.server.close(4000, "bye")
    elif act == "send":
        ws.send("hello")
    else:
        getattr(ws, act)()
    frames(2)
    if act == "abort":
        assert look.house.closes == [("/", 1006, "")]
    else:
        expected = {"close": ("close", 1000, ""), "send": "hello", "server": ("close", 4000, "bye")}
        assert peer.receive() == [expected[act]]


def test_deadlines_pass_though_every_frame_is_quiet() -> None:
    look = Look(Limits(ping_seconds=3.0, dead_seconds=2.0))
    peer = look.house.peer()
    for _ in range(60 * 6):
        look.server.receive(0.004)
        look.server.flush(0.004)
        look.clock.advance(1 / 60)
    assert [said[0] for said in peer.receive() if isinstance(said, tuple)] == ["ping"]
    assert look.house.closes == [("/", 1006, "")]
    assert look.house.statistics.timed_out == 1
