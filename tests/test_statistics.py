"""Histograms: exact where they promise it, within a sixteenth elsewhere, and of constant size."""

import functools
import math
import random
from collections import Counter

import pytest

from tickws.clock import NANOSECONDS
from tickws.statistics import (
    MOST_NAMES,
    Distribution,
    Histogram,
    Overrun,
    Overruns,
    RecentHistogram,
    frozen_counts,
    name_of,
)


def filled(*durations: int) -> Histogram:
    histogram = Histogram()
    for duration in durations:
        histogram.record(duration)
    return histogram


def test_an_empty_histogram_says_zero() -> None:
    assert Histogram().distribution() == Distribution(0, 0.0, 0.0, 0.0, 0.0, 0.0)
    assert Histogram().percentile(0.5) == 0.0


def test_count_mean_and_worst_are_exact() -> None:
    counted = filled(1_000_003, 5, 77_777_777).distribution()
    assert (counted.count, counted.worst) == (3, 77_777_777 / NANOSECONDS)
    assert counted.mean == pytest.approx((1_000_003 + 5 + 77_777_777) / 3 / NANOSECONDS)


@pytest.mark.parametrize("duration", [0, 1, 15, 16, 31, 32, 33, 1000, 16_666_667, 10**12, 2**62, 2**63 - 1, 2**64 - 1])
def test_one_duration_of_any_size_is_told_exactly(duration: int) -> None:
    counted = filled(duration).distribution()
    assert counted.p50 == counted.p99 == counted.p999 == counted.worst == duration / NANOSECONDS


def test_a_negative_duration_counts_as_zero() -> None:
    assert filled(-5).distribution() == Distribution(1, 0.0, 0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("size", [1, 2, 3, 10, 1000])
@pytest.mark.parametrize("largest", [20, 1000, 10**6, 10**10])
def test_percentiles_are_never_below_and_at_most_a_sixteenth_above(size: int, largest: int) -> None:
    chance = random.Random(size * largest)
    durations = sorted(chance.randrange(largest) for _ in range(size))
    histogram = filled(*durations)
    for share in (0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0):
        exact = durations[math.ceil(share * size) - 1]
        told = histogram.percentile(share) * NANOSECONDS
        assert exact - 0.01 <= told <= exact * 17 / 16 + 0.01, share


def test_a_rare_hitch_shows_in_the_worst_and_not_in_the_median() -> None:
    counted = filled(*[1_000_000] * 1998, 100_000_000, 250_000_000).distribution()
    assert counted.p50 == pytest.approx(0.001, rel=1 / 16)
    assert counted.p99 == pytest.approx(0.001, rel=1 / 16)
    assert counted.p999 == pytest.approx(0.001, rel=1 / 16)
    assert counted.worst == 0.25


def test_frozen_counts_are_sorted_copies() -> None:
    counts = Counter({1006: 1, 1000: 2})
    frozen = frozen_counts(counts)
    counts[1001] += 1
    assert list(frozen.items()) == [(1000, 2), (1006, 1)]
    with pytest.raises(TypeError):
        frozen[1] = 1  # type: ignore[index]


# Of the last minutes


MINUTE = 60 * NANOSECONDS


def test_what_was_minutes_ago_is_forgotten() -> None:
    recent = RecentHistogram()
    recent.record(500, 7)
    for second in range(1, 121):
        recent.record(1, 7 + second * NANOSECONDS)
        assert recent.distribution(7 + second * NANOSECONDS).worst == 500e-9, "it is within two minutes"
    for second in range(121, 181):
        recent.record(1, 7 + second * NANOSECONDS)
    assert recent.distribution(7 + 181 * NANOSECONDS).worst == 1e-9
    assert 120 <= recent.distribution(7 + 181 * NANOSECONDS).count <= 180


@pytest.mark.parametrize("later", [3 * MINUTE, 60 * MINUTE, 1000 * MINUTE + 1])
@pytest.mark.parametrize("records", [False, True])
def test_a_clock_that_jumps_by_hours_forgets_at_once(later: int, records: bool) -> None:
    recent = RecentHistogram()
    for minute in range(3):
        recent.record(500, minute * MINUTE)
    if records:
        recent.record(1, 2 * MINUTE + later)
    told = recent.distribution(2 * MINUTE + later)
    assert (told.count, told.worst) == ((1, 1e-9) if records else (0, 0.0))
    recent.record(2, 2 * MINUTE + later)
    assert recent.distribution(2 * MINUTE + later).count == 1 + records


def test_nothing_recorded_is_nothing_told_at_any_time() -> None:
    assert RecentHistogram().distribution(1 << 60) == Histogram().distribution()


@pytest.mark.parametrize("seed", range(4))
def test_between_two_and_three_minutes_are_remembered(seed: int) -> None:
    chance = random.Random(seed)
    recent = RecentHistogram()
    now = chance.randrange(MINUTE)
    recorded: list[int] = []
    for _ in range(400):
        now += chance.choice((chance.randrange(NANOSECONDS * 3), chance.randrange(MINUTE * 2)))
        recent.record(1, now)
        recorded.append(now)
        told = recent.distribution(now).count
        least = sum(then > now - 2 * MINUTE for then in recorded)
        most = sum(then > now - 3 * MINUTE for then in recorded)
        assert least <= told <= most


# Who overran


def test_overruns_are_counted_by_name() -> None:
    overruns = Overruns()
    for name, excess in (("a", 5), ("b", 1), ("a", 9), ("a", 7)):
        overruns.record(name, excess)
    frozen = overruns.frozen()
    assert dict(frozen) == {"a": Overrun(3, 7e-9, 9e-9), "b": Overrun(1, 1e-9, 1e-9)}
    overruns.record("a", 1)
    assert frozen["a"].count == 3
    with pytest.raises(TypeError):
        frozen["c"] = frozen["a"]  # type: ignore[index]


def test_names_of_overruns_are_bounded() -> None:
    overruns = Overruns()
    for number in range(MOST_NAMES + 100):
        overruns.record(str(number), number)
    overruns.record("0", 1)
    frozen = overruns.frozen()
    assert len(frozen) == MOST_NAMES + 1
    assert frozen["others"] == Overrun(100, (MOST_NAMES + 99) / NANOSECONDS, (MOST_NAMES + 99) / NANOSECONDS)
    assert frozen["0"].count == 2, "who has a name keeps it"


class Callable:
    def __call__(self) -> None: ...

    def method(self) -> None: ...

    @staticmethod
    def static() -> None: ...


def test_a_callable_is_called_what_it_was_written_as() -> None:
    def inner() -> None: ...

    assert name_of(inner) == "inner"
    assert name_of(filled) == "filled"
    assert name_of(lambda: None) == "<lambda>"
    assert name_of(Callable().method) == name_of(Callable.method) == "Callable.method"
    assert name_of(Callable.static) == "Callable.static"
    assert name_of(Callable()) == "Callable"
    assert name_of(Callable) == "Callable"
    assert name_of(functools.partial(inner)) == "partial"
    assert name_of([].append) == "list.append"
