"""Histograms: exact where they promise it, within a sixteenth elsewhere, and of constant size."""

import math
import random
from collections import Counter

import pytest

from tickws.clock import NANOSECONDS
from tickws.statistics import Distribution, Histogram, frozen_counts


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
