"""What every nanosecond of a loop was spent on, by cause and name.

One reading of the clock at each boundary: the time since the boundary before is booked to whoever used it, so nothing
is counted twice and nothing is left out. The garbage collector strikes in the middle of anything; its time is booked to
itself and taken off from whom it interrupted.

Costs: a reading and two additions per subsystem half and system; a histogram's sample for each of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tickws.clock import NANOSECONDS
from tickws.collector import Collector
from tickws.loop.events import Cause
from tickws.statistics import Distribution, Overrun, Overruns, RecentHistogram, name_of

__all__ = ["Account", "Ledger", "Longest", "LoopStatistics", "Pace", "Spending"]


@dataclass(frozen=True, slots=True)
class Spending:
    """What one system or subsystem took, in seconds; the garbage collector's share left out."""

    last: float
    distribution: Distribution
    """Of the last two to three minutes."""


@dataclass(frozen=True, slots=True)
class LoopStatistics:
    """A loop: its counters since it was made; its distributions are of the last two to three minutes."""

    ticks: int
    frames: int
    rate: float
    """Ticks a second, as achieved over the last two seconds; 0.0 before there are two frames with ticks."""
    lateness: Distribution
    """Seconds that ticks came late. In `run()`: after they were due. In a loop of your own: by which their frame came
    later than one period after the one before."""
    frame_lateness: Distribution
    """In `run()`: seconds from when a tick was due to when its frame began, so without what `receive` took."""
    slow: bool
    """Whether a spell of slowness goes on: see `LoopSlow`."""
    slipped: float
    """Seconds that were never simulated."""
    budget_share: float
    """What subsystems get of their budgets now: 1.0, and down to an eighth under overload."""
    subsystems: Mapping[str, Spending]
    """`receive` and `flush` together, by name and frame (with `wake_on_input`: and wake)."""
    systems: Mapping[str, Spending]
    """Systems, and the `tick` of subsystems, by name and tick."""
    bus: Spending
    """The dispatch of each tick."""
    overruns: Mapping[str, Overrun]
    """By name, where there are any: a `receive` and `flush` that took longer than their budget (than `most`, where
    there is one); a system that took longer than a period; of a dispatch that took longer than the bus's budget the
    subscriber that took longest, as in "PlayerJoined: joined". Where they would not have without it: the garbage
    collector."""
    errors: int
    """Exceptions of systems, subsystems and the bus."""
    collections: int
    """Runs of the garbage collector, wherever it struck."""
    collection_seconds: float


class Account:
    """Time spent by one name for one cause."""

    __slots__ = ("cause", "histogram", "last", "late", "name", "pending")

    def __init__(self, cause: Cause, name: str) -> None:
        self.cause = cause
        self.name = name
        self.pending = 0
        """Nanoseconds since a frame's first tick."""
        self.late = 0
        """Nanoseconds before late ticks: what `pending` was, as long as they come late."""
        self.last = 0
        self.histogram = RecentHistogram()

    def spending(self, now: int) -> Spending:
        """For the statistics at `now` (nanoseconds)."""
        return Spending(self.last / NANOSECONDS, self.histogram.distribution(now))


class Longest:
    """Which subscriber took longest in a dispatch; told of each of them when it is done.

    Args:
        now: the clock, in nanoseconds.
    """

    __slots__ = ("_callback", "_kind", "_longest", "_mark", "_now")

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._mark = now()
        self._longest = -1
        self._callback: Callable[..., object] | None = None
        self._kind: type = object

    def __call__(self, callback: Callable[..., object], event: object) -> None:
        """`callback` has heard of `event`."""
        now = self._now()
        if now - self._mark > self._longest:
            self._longest = now - self._mark
            self._callback = callback
            self._kind = type(event)
        self._mark = now

    @property
    def name(self) -> str | None:
        """Of the event and its subscriber; None where there was none."""
        return None if self._callback is None else f"{self._kind.__qualname__}: {name_of(self._callback)}"


class Pace:
    """The rate that was achieved over the last two seconds or so, from one frame with ticks to another."""

    def __init__(self) -> None:
        self._samples: deque[tuple[int, int]] = deque(maxlen=9)
        self._last = (0, 0)

    def record(self, now: int, ticks: int) -> None:
        """At `now` (nanoseconds) a frame has run the last of `ticks`."""
        self._last = (now, ticks)
        if not self._samples or now - self._samples[-1][0] >= NANOSECONDS // 4:
            self._samples.append(self._last)

    @property
    def rate(self) -> float:
        """Ticks a second; 0.0 where it cannot be told yet."""
        first = self._samples[0] if self._samples else self._last
        passed = self._last[0] - first[0]
        return (self._last[1] - first[1]) * NANOSECONDS / passed if passed else 0.0


class Ledger:
    """The accounts of a loop.

    Args:
        now: the clock, in nanoseconds.
    """

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self.mark = 0
        """The last boundary, in nanoseconds."""
        self.host = Account(Cause.HOST, "host")
        self.bus = Account(Cause.BUS, "bus")
        self.garbage = Account(Cause.COLLECTOR, "garbage collector")
        self.accounts = [self.host, self.bus, self.garbage]
        self.collector = Collector(now)
        self.overruns = Overruns()
        self._collected = 0
        # Of the cycles before late ticks, as in Account.late: their length, frames and ticks.
        self.late_length = self.late_frames = self.late_ticks = 0
        self._cycle_start = self._cycle_frames = self._cycle_ticks = 0

    def open(self, *accounts: Account) -> None:
        """Keep further accounts."""
        self.accounts += accounts

    def begin(self) -> None:
        """Time counts from now."""
        self.collector.start()
        self.mark = self._cycle_start = self._now()

    def lap(self, account: Account) -> int:
        """Book the time since the last boundary; gives it, in nanoseconds, without the garbage collector's."""
        now = self._now()
        spent = now - self.mark
        self.mark = now
        if self.collector.total != self._collected:
            collected = self.collector.total - self._collected
            self._collected += collected
            self.garbage.pending += collected
            spent -= collected
        account.pending += spent
        return spent

    def sample(self, account: Account, duration: int, wall: int, limit: int, culprit: str | None = None) -> None:
        """One pass has taken `duration` nanoseconds; `wall` with the collector's, which is held against `limit`."""
        account.last = duration
        account.histogram.record(duration, self.mark)
        if wall > limit:
            name = self.garbage.name if duration <= limit else culprit or account.name
            self.overruns.record(name, wall - limit)

    def slept(self, duration: int) -> None:
        """The loop slept, and meant to for `duration` nanoseconds: what is beyond is booked to the host."""
        begun = self.mark
        self.lap(self.host)
        self.host.pending -= min(duration, self.mark - begun)

    def count_frame(self) -> None:
        """A frame begins."""
        self._cycle_frames += 1

    def count_tick(self) -> None:
        """A tick runs."""
        self._cycle_ticks += 1

    def close_cycle(self, *, late: bool) -> None:
        """The first tick of a frame is about to run. What happened since the one before is kept if it comes late."""
        if late:
            for account in self.accounts:
                account.late += account.pending
                account.pending = 0
            self.late_length += self.mark - self._cycle_start
            self.late_frames += self._cycle_frames
            self.late_ticks += self._cycle_ticks
        else:
            for account in self.accounts:
                account.pending = 0
        self._cycle_start = self.mark
        self._cycle_frames = self._cycle_ticks = 0

    def forget_late(self) -> None:
        """Begin anew to ask why ticks come late."""
        for account in self.accounts:
            account.late = 0
        self.late_length = self.late_frames = self.late_ticks = 0

    def late_by(self, cause: Cause) -> int:
        """Nanoseconds before late ticks that went to a cause."""
        return sum(account.late for account in self.accounts if account.cause is cause)
