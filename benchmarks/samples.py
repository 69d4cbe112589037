"""Durations that were measured, all of them: percentiles are exact, unlike those of `tickws.statistics`."""

from __future__ import annotations

from array import array

from tickws.clock import NANOSECONDS
from tickws.statistics import Distribution

__all__ = ["Samples"]


class Samples:
    """Durations in nanoseconds, eight bytes each."""

    __slots__ = ("_values", "record")

    def __init__(self) -> None:
        self._values = array("q")
        self.record = self._values.append
        """Keep one duration."""

    def add(self, others: Samples) -> None:
        """Take in what others have."""
        self._values.extend(others._values)

    def over(self, bound: int) -> int:
        """How many are longer than `bound` nanoseconds."""
        return sum(value > bound for value in self._values)

    def distribution(self) -> Distribution:
        """Seconds; a percentile is the smallest sample that so many of all do not exceed. Zeros without samples."""
        values = sorted(self._values) or [0]
        count = len(self._values)

        def percentile(per_mille: int) -> float:
            return values[max(0, -(-per_mille * count // 1000) - 1)] / NANOSECONDS

        return Distribution(
            count=count,
            mean=sum(values) / len(values) / NANOSECONDS,
            p50=percentile(500),
            p99=percentile(990),
            p999=percentile(999),
            worst=values[-1] / NANOSECONDS,
        )
