"""Which moment of the server's time a client shows: a little behind the newest snapshot, so that there is a next one.

Snapshot interpolation after Gaffer ("Snapshot Interpolation") and Mirror (`SnapshotInterpolation.cs`), whose constants
these are. Playback runs with the client's clock; when it drifts from where it should be it runs a little faster or
slower, unseen, and only after a gap does it jump. Pure: every time is an argument, in seconds. The same sums, in the
same order, stand in tickws.js.
"""

from __future__ import annotations

import math
from typing import Final

__all__ = ["Average", "Timeline"]

INTERVALS: Final = 2.0
"""Snapshot intervals that playback lies behind the newest snapshot, where they come evenly. (Mirror, Source.)"""
MOST_INTERVALS: Final = 8.0
"""The same where they come as unevenly as can be."""
FASTER: Final = 1.02
"""Speed of playback while it lies behind by more than an interval. (Mirror.)"""
SLOWER: Final = 0.96
"""Speed of playback while it lies ahead by more than an interval. (Mirror.)"""
AVERAGE_SECONDS: Final = 1.0
"""Time over which drift and jitter are averaged. (Mirror.)"""


class Average:
    """An exponential moving average over about `count` samples, with its deviation."""

    __slots__ = ("_share", "mean", "variance")

    def __init__(self, count: float) -> None:
        self._share = 2 / (count + 1)
        self.mean = 0.0
        self.variance = 0.0

    def add(self, sample: float) -> None:
        """Count one sample."""
        difference = sample - self.mean
        self.mean = self.mean + self._share * difference
        self.variance = (1 - self._share) * (self.variance + self._share * difference * difference)


class Timeline:
    """Playback time.

    Args:
        rate: snapshots a second.
    """

    __slots__ = ("_arrived", "_drift", "_interval", "_jitter", "_now", "delay", "latest", "playback", "speed")

    def __init__(self, rate: int) -> None:
        self._interval = 1 / rate
        self._drift = Average(rate * AVERAGE_SECONDS)
        self._jitter = Average(rate * AVERAGE_SECONDS)
        self._arrived = 0.0
        self._now = 0.0
        self.latest: float | None = None
        """Server time of the newest snapshot; None before the first."""
        self.playback = 0.0
        """Server time that is shown."""
        self.delay = self._interval * INTERVALS
        """How far playback is meant to lie behind the newest snapshot."""
        self.speed = 1.0
        """How fast playback runs."""

    def insert(self, time: float, now: float) -> None:
        """A snapshot of server time `time` has arrived at local time `now`; one that is not newer changes nothing."""
        if self.latest is None:
            self.latest = time
            self.playback = time - self.delay
            self._arrived = self._now = now
            return
        if time <= self.latest:
            return
        self.advance(now)
        gap = (now - self._arrived) - (time - self.latest)
        shown = min(self.playback, self.latest)
        self._arrived = now
        self.latest = time
        if abs(gap) > MOST_INTERVALS * self._interval:  # somebody hung: that is no jitter
            self.playback = max(time - self.delay, shown)
            return
        self._jitter.add(gap)
        intervals = INTERVALS + math.sqrt(self._jitter.variance) / self._interval
        self.delay = self._interval * min(intervals, MOST_INTERVALS)
        self.playback = min(max(self.playback, time - 2 * self.delay), time)
        self._drift.add(time - self.delay - self.playback)
        if self._drift.mean > self._interval:
            self.speed = FASTER
        elif self._drift.mean < -self._interval:
            self.speed = SLOWER
        else:
            self.speed = 1.0

    def advance(self, now: float) -> float:
        """The server time to show at local time `now`; a clock that goes back stands still."""
        passed = max(0.0, now - self._now)
        self._now = self._now + passed
        self.playback = self.playback + passed * self.speed
        return self.playback
