"""Clocks: the only place where time enters.

Everything above gets a `Clock` as an argument and does its sums in integer nanoseconds, so that nothing drifts; the
public names take and give seconds as floats, as `time.sleep` does.
"""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from typing import Final

__all__ = ["FOREVER", "NANOSECONDS", "Clock", "ManualClock", "SystemClock", "check_seconds", "nanoseconds"]

NANOSECONDS: Final = 1_000_000_000
"""Nanoseconds in a second."""


FOREVER: Final = 1 << 62
"""A time that never comes, in nanoseconds."""


_FOREVER_SECONDS: Final = FOREVER / NANOSECONDS


def nanoseconds(seconds: float) -> int:
    """Seconds as whole nanoseconds, rounded to the nearest."""
    return round(seconds * NANOSECONDS)


def check_seconds(name: str, value: float | None) -> int:
    """A caller's budget in nanoseconds: FOREVER for None, 0 for less than nothing.

    Args:
        name: of the argument, for the error.
        value: seconds.

    Raises:
        TypeError: it is no number.
        ValueError: it is a whole number above 1 (milliseconds, as in the original?), or not a number.
    """
    if type(value) is float and 0.0 <= value <= _FOREVER_SECONDS:  # nearly always, several times a frame
        return round(value * NANOSECONDS)
    if value is None:
        return FOREVER
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} is a number of seconds or None, not {value!r}")
    if isinstance(value, int) and value > 1:
        raise ValueError(f"{name} is in seconds: for {value} milliseconds say {value / 1000}, for seconds {value}.0")
    if math.isnan(value):
        raise ValueError(f"{name} is not a number")
    return nanoseconds(min(max(0.0, value), _FOREVER_SECONDS))


class Clock(ABC):
    """A clock that never goes back. Its zero means nothing; only differences do."""

    @abstractmethod
    def now_ns(self) -> int:
        """Nanoseconds since some fixed point."""

    @abstractmethod
    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass; zero or less returns at once."""

    def now(self) -> float:
        """Seconds since some fixed point."""
        return self.now_ns() / NANOSECONDS


class SystemClock(Clock):
    """The machine's monotonic clock (`time.perf_counter_ns`: fine-grained on Windows too)."""

    now_ns = staticmethod(time.perf_counter_ns)

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass; zero or less returns at once."""
        if seconds > 0:
            time.sleep(seconds)


class ManualClock(Clock):
    """A clock that stands still until its owner moves it: for tests, replays and simulations.

    `reading` seconds pass at every look at it (0 by default), so that a test can make work cost time.
    """

    def __init__(self, start: float = 0.0, *, reading: float = 0.0) -> None:
        self._now = nanoseconds(start)
        self._reading = nanoseconds(reading)

    def now_ns(self) -> int:
        """Nanoseconds since the clock's zero."""
        self._now += self._reading
        return self._now

    def sleep(self, seconds: float) -> None:
        """Move the clock by `seconds`; zero or less does nothing."""
        if seconds > 0:
            self._now += nanoseconds(seconds)

    def advance(self, seconds: float) -> None:
        """Move the clock by `seconds`.

        Raises:
            ValueError: `seconds` is negative: a clock never goes back.
        """
        if seconds < 0:
            raise ValueError(f"a clock never goes back: {seconds!r}")
        self._now += nanoseconds(seconds)

    def advance_to_ns(self, instant: int) -> None:
        """Move the clock to `instant` (nanoseconds); an instant in the past leaves it where it is."""
        self._now = max(self._now, instant)
