"""The ledger: every nanosecond is booked once."""

import pytest

from tickws.clock import NANOSECONDS, ManualClock
from tickws.loop.events import Cause
from tickws.loop.ledger import Account, Ledger, Pace


def open_ledger() -> tuple[ManualClock, Ledger, Account]:
    clock = ManualClock()
    ledger = Ledger(clock.now_ns)
    work = Account(Cause.SYSTEM, "work")
    ledger.open(work)
    ledger.begin()
    ledger.collector.stop()
    return clock, ledger, work


def test_time_since_the_last_boundary_is_booked() -> None:
    clock, ledger, work = open_ledger()
    clock.advance(0.5)
    assert ledger.lap(work) == NANOSECONDS // 2
    assert ledger.lap(work) == 0
    clock.advance(0.25)
    assert ledger.lap(ledger.host) == NANOSECONDS // 4
    assert (work.pending, ledger.host.pending) == (NANOSECONDS // 2, NANOSECONDS // 4)
    assert ledger.mark == clock.now_ns()


def test_of_a_sleep_only_what_is_too_long_is_booked() -> None:
    clock, ledger, _ = open_ledger()
    clock.advance(0.012)
    ledger.slept(10_000_000)
    assert ledger.host.pending == 2_000_000


def test_time_before_ticks_on_time_is_forgotten_and_before_late_ones_kept() -> None:
    clock, ledger, work = open_ledger()
    for late in (False, True, True):
        ledger.count_frame()
        ledger.count_tick()
        clock.advance(1.0)
        ledger.lap(work)
        ledger.close_cycle(late=late)
        assert work.pending == 0
    assert work.late == ledger.late_by(Cause.SYSTEM) == ledger.late_length == 2 * NANOSECONDS
    assert (ledger.late_frames, ledger.late_ticks) == (2, 2)
    ledger.forget_late()
    assert (work.late, ledger.late_length, ledger.late_frames, ledger.late_ticks) == (0, 0, 0, 0)


def test_pace_is_told_over_the_last_two_seconds() -> None:
    pace = Pace()
    assert pace.rate == 0.0
    pace.record(5, 1)
    assert pace.rate == 0.0
    for tick in range(1, 1000):
        pace.record(tick * NANOSECONDS // 100, tick)
    assert pace.rate == pytest.approx(100.0)
    for tick in range(1, 101):
        pace.record(10 * NANOSECONDS + tick * NANOSECONDS // 10, 1000 + tick)
    assert pace.rate == pytest.approx(10.0), "what was long ago does not count"
