"""The arithmetic of ticks: exact over any time, bounded in every frame."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickws.clock import NANOSECONDS
from tickws.loop.timestep import MOST_RATE, MOST_TICKS, Timestep


def run(timestep: Timestep) -> int:
    """One frame's ticks."""
    due = timestep.due
    for _ in range(due):
        timestep.step()
    return due


def owed(timestep: Timestep) -> Fraction:
    """Exactly."""
    return Fraction(timestep._owed, NANOSECONDS * timestep.rate)


def slipped(timestep: Timestep) -> Fraction:
    return Fraction(timestep._slipped, NANOSECONDS * timestep.rate)


@pytest.mark.parametrize("rate", [60.0, "60", None, True, False, 1j])
def test_a_rate_is_a_whole_number(rate: Any) -> None:
    with pytest.raises(TypeError, match="whole number of ticks a second"):
        Timestep(rate)


@pytest.mark.parametrize("rate", [0, -1, 1001, 10**9])
def test_a_rate_has_bounds(rate: int) -> None:
    with pytest.raises(ValueError, match=f"1 to 1000 ticks a second, not {rate}"):
        Timestep(rate)


@pytest.mark.parametrize("rate", [1, 7, 60, 1000])
def test_tick_0_is_due_at_once(rate: int) -> None:
    timestep = Timestep(rate)
    assert (timestep.due, timestep.late, timestep.left) == (1, 0, 0)
    assert run(timestep) == 1
    assert (timestep.due, timestep.ticks, timestep.alpha, timestep.owed) == (0, 1, 0.0, 0.0)
    assert timestep.left == -(-NANOSECONDS // rate)


@pytest.mark.parametrize("rate", [1, 3, 7, 59, 60, 144, 997, 1000])
def test_after_what_is_left_and_no_nanosecond_before_a_tick_is_due(rate: int) -> None:
    timestep = Timestep(rate)
    run(timestep)
    for number in range(1, 3 * rate):
        left = timestep.left
        timestep.elapse(left - 1)
        assert timestep.due == 0
        assert timestep.left == 1
        timestep.elapse(1)
        assert timestep.due == 1
        assert timestep.ticks == number
        assert 0 <= timestep.late * rate < rate
        timestep.step()


@pytest.mark.parametrize("rate", [60, 7, 144])
def test_a_million_ticks_do_not_drift(rate: int) -> None:
    timestep = Timestep(rate)
    passed = 0
    while timestep.ticks < 1_000_000:
        run(timestep)
        left = timestep.left
        timestep.elapse(left)
        passed += left
    assert passed == -(-1_000_000 * NANOSECONDS // rate), "the millionth tick is due exactly then, rounded up once"
    assert timestep.slipped == 0.0


def test_at_most_five_a_frame_and_the_rest_stays_owed() -> None:
    timestep = Timestep(60)
    run(timestep)
    assert timestep.elapse(NANOSECONDS // 5) == 0.0
    assert [run(timestep) for _ in range(4)] == [5, 5, 2, 0]
    assert timestep.slipped == 0.0


def test_what_is_beyond_a_quarter_second_slips() -> None:
    timestep = Timestep(60)
    run(timestep)
    assert timestep.elapse(NANOSECONDS // 4) == 0.0
    assert timestep.elapse(1) == 1e-9
    assert timestep.elapse(3600 * NANOSECONDS) == 3600.0
    assert timestep.owed == 0.25
    assert timestep.slipped == pytest.approx(3600.0 + 1e-9)
    assert [run(timestep) for _ in range(4)] == [MOST_TICKS, MOST_TICKS, MOST_TICKS, 0]
    assert timestep.ticks == 16


@pytest.mark.parametrize("rate", [1, 2, 3, 4, 5, 7])
def test_slow_ticks_do_not_slip_for_a_frame_that_is_a_little_late(rate: int) -> None:
    timestep = Timestep(rate)
    for _ in range(1000):
        timestep.elapse(17_000_000)
        run(timestep)
    assert timestep.slipped == 0.0
    assert timestep.ticks == 17 * rate + 1
    assert timestep.elapse(3600 * NANOSECONDS) > 0
    assert timestep.owed == 2 / rate


def test_time_never_goes_back() -> None:
    timestep = Timestep(60)
    run(timestep)
    assert timestep.elapse(-(10**12)) == 0.0
    assert (timestep.owed, timestep.due) == (0.0, 0)


def test_alpha_is_between_the_last_tick_and_the_next() -> None:
    timestep = Timestep(50)
    assert timestep.alpha == 1.0, "before tick 0 there is nothing to draw from"
    run(timestep)
    timestep.elapse(5_000_000)
    assert timestep.alpha == 0.25
    timestep.elapse(10_000_000)
    assert timestep.alpha == 0.75
    timestep.elapse(200_000_000)
    run(timestep)
    assert timestep.alpha == 1.0, "more is owed than a period"


@given(st.integers(1, MOST_RATE), st.lists(st.integers(-10, 10**9) | st.integers(0, 10**14), max_size=60))
def test_no_time_is_lost_and_none_is_made(rate: int, frames: list[int]) -> None:
    timestep = Timestep(rate)
    elapsed = 0
    for duration in frames:
        before = slipped(timestep)
        told = timestep.elapse(duration)
        elapsed += max(0, duration)
        assert told == float(slipped(timestep) - before)
        assert owed(timestep) <= max(Fraction(1, 4), Fraction(2, rate))
        ran = run(timestep)
        assert 0 <= ran <= MOST_TICKS
        assert ran == MOST_TICKS or timestep.due == 0
        assert owed(timestep) >= 0
        exact = Fraction(elapsed, NANOSECONDS) + Fraction(1, rate)
        assert Fraction(timestep.ticks, rate) + owed(timestep) + slipped(timestep) == exact
        assert 0.0 <= timestep.alpha <= 1.0


@given(st.integers(1, MOST_RATE), st.integers(0, 10**8), st.lists(st.integers(0, 10**8), max_size=20))
def test_how_time_is_cut_does_not_matter(rate: int, first: int, cuts: list[int]) -> None:
    whole, cut = Timestep(rate), Timestep(rate)
    total = min(first + sum(cuts), 240_000_000)
    whole.elapse(total)
    for piece in [first, *cuts]:
        cut.elapse(min(piece, total))
        total -= min(piece, total)
    assert (cut._owed, cut._slipped) == (whole._owed, whole._slipped)
