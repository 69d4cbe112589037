"""Clocks: what they promise, and that the manual one obeys its owner alone."""

import itertools

import pytest

from tickws.clock import NANOSECONDS, Clock, ManualClock, SystemClock, nanoseconds


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, 0), (1, NANOSECONDS), (-2.5, -2_500_000_000), (1e-9, 1), (0.4e-9, 0), (0.6e-9, 1), (1 / 60, 16_666_667)],
)
def test_seconds_are_rounded_to_the_nearest_nanosecond(seconds: float, expected: int) -> None:
    assert nanoseconds(seconds) == expected


def test_a_day_of_sixtieths_does_not_drift() -> None:
    assert abs(nanoseconds(86400.0) - sum(itertools.repeat(nanoseconds(1 / 60), 86400 * 60))) < 86400 * 60


def test_the_system_clock_goes_forward_and_sleeps() -> None:
    clock = SystemClock()
    readings = [clock.now_ns() for _ in range(1000)]
    assert readings == sorted(readings)
    assert readings[-1] / NANOSECONDS <= clock.now()
    before = clock.now()
    clock.sleep(0.001)
    assert clock.now() - before >= 0.001
    before = clock.now()
    clock.sleep(0)
    clock.sleep(-10.0)
    assert clock.now() - before < 1.0


def test_a_clock_needs_its_two_methods() -> None:
    with pytest.raises(TypeError):
        Clock()  # type: ignore[abstract]


def test_the_manual_clock_stands_still_until_it_is_moved() -> None:
    clock = ManualClock(5.0)
    assert [clock.now(), clock.now()] == [5.0, 5.0]
    clock.advance(0.25)
    clock.sleep(0.25)
    clock.sleep(0)
    clock.sleep(-1.0)
    assert clock.now() == 5.5
    assert clock.now_ns() == 5_500_000_000


def test_the_manual_clock_never_goes_back() -> None:
    clock = ManualClock(5.0)
    with pytest.raises(ValueError, match=r"never goes back: -0\.1"):
        clock.advance(-0.1)
    clock.advance_to_ns(4 * NANOSECONDS)
    assert clock.now() == 5.0
    clock.advance_to_ns(6 * NANOSECONDS)
    assert clock.now() == 6.0


def test_every_look_at_the_manual_clock_may_cost_time() -> None:
    clock = ManualClock(reading=0.5)
    assert [clock.now(), clock.now(), clock.now_ns()] == [0.5, 1.0, 1_500_000_000]
    clock.advance(1.0)
    assert clock.now() == 3.0
