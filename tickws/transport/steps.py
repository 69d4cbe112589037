"""The steps of a slice, in one place, each with its cap; and the meter that tells what slices were spent on.

A step is the smallest piece of work that cannot be cut. Behind each the clock is read, so a slice overshoots its budget
by at most one of them:

    accept      one connection taken from the backlog
    handshake   one read of at most `limits.slice_bytes` from a newcomer, and the answer to its request: `on_request`
                and `on_open`, or one file; or what TLS makes of it (a signature)
    read        one read of at most `limits.slice_bytes`, and of TLS a few records, of together at most 32 KiB
    message     one message of at most `limits.message_bytes`, or one frame: its parsing and its callback; or 16 KiB of
                what a compressed one stands for
    deadline    one deadline that is past
    close       one `on_close`, or one `on_slow`
    encode      one call of a producer, one item of a message in fragments, or 16 KiB of a message compressed
    write       one client's words gathered, and one write of at most `WRITE_BYTES`

The look at the network (`poll`) is none of them: it comes once in each slice, whatever the budget.
"""

from __future__ import annotations

import logging
import weakref
from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from tickws.clock import NANOSECONDS
from tickws.collector import Collector
from tickws.statistics import MOST_NAMES, Distribution, Overruns, RecentHistogram, StepStatistics, name_of

__all__ = ["COPIED_BYTES", "WRITE_BYTES", "Meter", "Step", "Tally"]

logger = logging.getLogger("tickws")

WRITE_BYTES: Final = 256 * 1024
"""The most that one write offers to the kernel: a step must not last as long as a fast reader goes on reading."""

COPIED_BYTES: Final = 64 * 1024
"""Pieces of together at most this are joined, once, and sent as one; larger ones are gathered by the system."""

MOST_IDLE: Final = 1024
"""Slices with nothing to do that are recorded together: some seconds of them."""

WORTH_A_WARNING: Final = 1_000_000
"""Nanoseconds: a callback that took less is not complained of, however small the budget."""


class Step(StrEnum):
    """The kinds of step, and the look at the network."""

    POLL = "poll"
    ACCEPT = "accept"
    HANDSHAKE = "handshake"
    READ = "read"
    MESSAGE = "message"
    DEADLINE = "deadline"
    CLOSE = "close"
    ENCODE = "encode"
    WRITE = "write"


class Tally:
    """The steps of one kind."""

    __slots__ = ("count", "frame", "histogram", "last", "longest", "record", "spent", "total", "who")

    def __init__(self) -> None:
        # Of this call of `work`, `receive` or `flush`:
        self.count = 0
        self.spent = 0
        self.longest = 0
        self.who: Callable[..., object] | None = None
        """What was called in the longest, where it is somebody's code."""
        # Of this frame, and since the beginning:
        self.frame = 0
        self.last = 0
        self.total = 0
        self.record = 0
        self.histogram = RecentHistogram()

    def add(self, spent: int, who: Callable[..., object] | None = None) -> None:
        """Count one step of `spent` nanoseconds."""
        self.merge(1, spent, spent, who)

    def merge(self, count: int, spent: int, longest: int, who: Callable[..., object] | None = None) -> None:
        """Count so many steps, of `spent` nanoseconds in total; the pump adds its own up: they are the most."""
        self.count += count
        self.spent += spent
        if longest > self.longest:
            self.longest = longest
            self.who = who


class Meter:
    """What the time of an endpoint's slices went to, step by step: from each look at the clock to the next.

    Args:
        now: the clock, in nanoseconds.
    """

    def __init__(self, now: Callable[[], int]) -> None:
        self.now = now
        self.mark = 0
        """The last look at the clock, in nanoseconds."""
        self.tallies = {step: Tally() for step in Step}
        self._items = tuple(self.tallies.items())
        self._slices = RecentHistogram()
        self.overruns = Overruns()
        self.collector = Collector(now)
        self.collector.start()
        weakref.finalize(self, self.collector.stop).atexit = False
        self.collections = self.collected = 0
        """Runs of the garbage collector inside slices, and their nanoseconds."""
        self._runs = self._collected = 0  # anywhere, before this call
        self._frame = 0  # nanoseconds of this frame's calls
        self.idle = 0
        """Slices that found nothing at all to do, and are not recorded yet."""
        self._open = False  # a `receive` whose `flush` has not come
        self._quiet = False  # that found nothing at all to do
        self._warned: set[str] = set()

    def begin(self, *, flush: bool, wait: bool = False) -> int:
        """A call of `work`, `receive`, `flush` or `wait` begins; gives the time."""
        if self._open and not (flush or wait):
            self.fold()
        if self._quiet and flush:  # something is to be said: this slice is none of the idle ones, but it has looked
            self.idle -= 1
            self.tallies[Step.POLL].total += 1
        if not wait:
            self._quiet = False
            self._catch_up()
        self._runs, self._collected = self.collector.count, self.collector.total
        self.mark = self.now()
        return self.mark

    def quiet(self) -> None:
        """A `receive` has found nothing at all to do, in a look at the network."""
        if self._open:
            self.fold()
        if self.idle >= MOST_IDLE:
            self._catch_up()
        self._quiet = True
        self.idle += 1

    def part(self, step: Step, who: Callable[..., object] | None) -> None:
        """The first part of a step is done, in which somebody was called."""
        self.lap(step, who)
        self.tallies[step].count -= 1

    def lap(self, step: Step, who: Callable[..., object] | None = None) -> int:
        """One step is done; gives the time."""
        now = self.now()
        self.tallies[step].add(now - self.mark, who)
        self.mark = now
        return now

    def end(self, begun: int, slept: int, budget: int, *, receive: bool, wait: bool = False) -> None:
        """The call that began at `begun` is over; a `receive` waits for its `flush`, and they are one slice.

        A `wait` is none. Of a call that did something and took longer than `budget`, the longest step is named.
        """
        now = self.now()
        if self.collector.count != self._runs:
            self.collections += self.collector.count - self._runs
            self.collected += self.collector.total - self._collected
        spent = now - begun
        if not wait:
            self._frame += spent - slept
            self._open = True
        longest: tuple[int, Step, Callable[..., object] | None] = (0, Step.POLL, None)
        stepped = False
        for step, tally in self._items:
            if tally.count:
                stepped = stepped or step is not Step.POLL
                if tally.longest > longest[0]:
                    longest = (tally.longest, step, tally.who)
                if not wait:
                    tally.frame += tally.spent
                tally.total += tally.count
                tally.record = max(tally.record, tally.longest)
                tally.count = tally.spent = tally.longest = 0
                tally.who = None
        self.mark = now
        if stepped and spent > budget + (longest[0] if slept else 0):  # who sleeps for its whole budget may do a step
            self._overrun(spent, budget, *longest)
        if not receive and not wait:
            self.fold()

    def _overrun(self, spent: int, budget: int, longest: int, step: Step, who: Callable[..., object] | None) -> None:
        name = str(step) if who is None else f"{step}: {name_of(who)}"
        if spent - (self.collector.total - self._collected) <= budget:
            name = "garbage collector"
        elif who is not None and longest > max(budget, WORTH_A_WARNING):
            self._warn(name, longest, budget)
        self.overruns.record(name, spent - budget)

    def _warn(self, name: str, longest: int, budget: int) -> None:
        """Say once for each callback that it alone is too long."""
        if name not in self._warned and len(self._warned) < MOST_NAMES:
            self._warned.add(name)
            logger.warning("%s took %.1f ms of a slice of %.1f ms", name, longest / 1e6, budget / 1e6)

    def fold(self) -> None:
        """The slice is complete, if one was begun."""
        if not self._open:
            return
        self._open = False
        now = self.mark
        self._slices.record(self._frame, now)
        self._frame = 0
        for _, tally in self._items:
            if tally.frame or tally.last:
                tally.last = tally.frame
            if tally.frame:
                tally.histogram.record(tally.frame, now)
                tally.frame = 0

    def _catch_up(self) -> None:
        """Record the slices that found nothing to do: each was a look at the network, and no more."""
        if self.idle:
            self._slices.record(0, self.now(), self.idle)
            self.tallies[Step.POLL].total += self.idle
            self.idle = 0
            for _, tally in self._items:
                tally.last = 0

    def slices(self) -> Distribution:
        """What slices took, lately."""
        self._catch_up()
        return self._slices.distribution(self.now())

    def statistics(self) -> Mapping[str, StepStatistics]:
        """By kind of step."""
        self._catch_up()
        now = self.now()
        return MappingProxyType(
            {
                str(step): StepStatistics(
                    count=tally.total,
                    last=tally.last / NANOSECONDS,
                    longest=tally.record / NANOSECONDS,
                    slices=tally.histogram.distribution(now),
                )
                for step, tally in self.tallies.items()
            }
        )
