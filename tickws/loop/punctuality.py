"""Whether ticks are on time; if they are not, the likeliest cause, and what the network gives back.

When is a tick late? In `run()`, where the loop paces the frames itself, when it begins more than 0.3 of a period after
it was due, beside the time that budgets gave the network in its frame. In a host's own loop frames come when they come:
at 60 frames beside 60 ticks a second, a tick may legitimately be due nearly a period before its frame. There, and in
`run()` as well, the frames are judged. One is late that comes

- more than 1.3 periods after the one before: 36 ms instead of 16.7;
- or noticeably later, where frames come more than 1.15 periods apart on average: pygame's `clock.tick(60)` takes the
  20 ms of a `server.work(0.020)` for its own, so that frames come every 20 ms. The average is over some 16 frames, and
  none counts for more than 1.3 periods in it, so neither jitter nor one hitch moves it.

The ticks of a late frame are late. A host's frame on time ends the row, with a tick in it or without: of frames that
jitter beside the ticks, the early ones have none, the late ones two.

The cause is sought in what the time was spent on before the ticks that came late, from one frame's first tick to the
next's; time before ticks that were on time says nothing. Sleep inside a subsystem is part of somebody's time (the
host's, who called `work`; a system's): it is the cause when it is at least half of the largest other.

Under lasting overload the network gives back: its budgets are halved each frame, down to an eighth, as long as ticks
come late *and* the network takes more than a tenth of the time (in a host's own loop: more than half); they double
again with each frame that is on time. A network that takes less has nothing to give back: were it cut down for a
simulation that is too slow, or for a host that sleeps, the ticks would be as late as before, and the players cut off.
"""

from __future__ import annotations

import logging
from typing import Final

from tickws.clock import FOREVER, NANOSECONDS
from tickws.loop.events import Cause, LoopSlow
from tickws.loop.ledger import Ledger
from tickws.statistics import RecentHistogram

__all__ = ["Punctuality"]

logger = logging.getLogger("tickws")

IN_A_ROW: Final = 10
"""Ticks that make a spell begin or end (lance: 10)."""

TOLERANCE: Final = 3, 10
"""Of a period, as a fraction: what a tick or frame may be late (lance: 0.3)."""

SLOW_AVERAGE: Final = 1.15
"""Periods from frame to frame, on average, beyond which a frame is late that is `NOTICEABLE`."""

NOTICEABLE: Final = 20
"""One part in so many of a period: less later than that, a frame is on time, whatever those before it were."""

MEMORY: Final = 16
"""Frames that the average remembers, about."""

WORTHWHILE: Final = 10
"""The network gives back when it takes more than one part in so many."""

WORTHWHILE_HOSTED: Final = 2
"""The same in a loop of yours, which may draw more slowly than it ticks, and is called slow for that alone."""

MOST_HALVINGS: Final = 3
"""An eighth of its budget is left to the network whatever happens: one that got less would cut off the players, and the
ticks would hardly be the sooner for it."""


class Punctuality:
    """Judges ticks by the time that the ledger has.

    Args:
        rate: ticks a second.
        ledger: what the time was spent on.
    """

    def __init__(self, rate: int, ledger: Ledger) -> None:
        self._ledger = ledger
        self.period = NANOSECONDS // rate
        self._tolerance = NANOSECONDS * TOLERANCE[0] // (rate * TOLERANCE[1])
        self._began: int | None = None  # the frame before
        self._hosted = False
        self._excess = 0  # of this frame: nanoseconds that it came later than a period after the one before
        self._average = 1.0  # periods from frame to frame
        self._late_frame = False
        self._first = True  # no tick yet in this frame
        self._late_row = 0
        self._punctual_row = 0
        self._told: set[Cause] = set()  # in this spell
        self._logged: set[tuple[Cause, str]] = set()
        self._halvings = 0
        self.slow = False
        """Whether a spell goes on."""
        self.lateness = RecentHistogram()
        self.frame_lateness = RecentHistogram()

    def frame(self, now: int, late: int | None) -> None:
        """A frame begins at `now`, `late` after its tick was due (nanoseconds); None: another loop paces it."""
        hosted = late is None
        period, tolerance = self.period, self._tolerance
        if late is not None and late >= 0:
            self.frame_lateness.record(late, now)
        interval = period if self._began is None or hosted is not self._hosted else now - self._began
        self._began = now
        self._hosted = hosted
        self._excess = max(0, interval - period)
        self._average += (min(interval, period + tolerance) / period - self._average) / MEMORY
        self._late_frame = self._excess > tolerance or (
            self._average > SLOW_AVERAGE and self._excess > period // NOTICEABLE
        )
        self._first = True
        self._ledger.count_frame()
        if hosted and not self._late_frame:
            self._end_row()

    def tick(self, number: int, late: int, granted: int = 0) -> LoopSlow | None:
        """A tick is about to run, `late` nanoseconds after it was due. Gives what is to be said about it.

        `granted`: what the network used of its budgets in this frame, before the tick; nobody is late for that.
        """
        if self._hosted:
            late = self._excess
        slow = self._late_frame or (late - granted > self._tolerance and not self._hosted)
        self.lateness.record(late, self._ledger.mark)
        if self._first:
            self._first = False
            self._ledger.close_cycle(late=slow)
            if slow or self._halvings:
                self._give_back(slow)
        self._ledger.count_tick()
        if slow:
            self._punctual_row = 0
            self._late_row += 1
            return self._say(number, late) if self._late_row % IN_A_ROW == 0 else None
        self._end_row()
        self._punctual_row += 1
        if self.slow and self._punctual_row >= IN_A_ROW:
            self.slow = False
            self._told.clear()
        return None

    def _end_row(self) -> None:
        """Something was on time: what was before does not matter any more."""
        if self._late_row:
            self._late_row = 0
            self._ledger.forget_late()

    # -- the cause ---------------------------------------------------------------------------------------------------

    def _say(self, number: int, late: int) -> LoopSlow | None:
        """Ten late ticks more: why? None where it was said already."""
        self.slow = True
        ledger = self._ledger
        cause = self._cause()
        told = cause in self._told
        self._told.add(cause)
        accounts = [account for account in ledger.accounts if account.cause is cause]
        chief = max(accounts, key=lambda account: account.late)
        each = ledger.late_ticks if cause in (Cause.SYSTEM, Cause.BUS) else ledger.late_frames
        unit = max(1, each) * NANOSECONDS
        event = LoopSlow(
            late=late / NANOSECONDS,
            period=self.period / NANOSECONDS,
            cause=cause,
            name=chief.name,
            seconds=chief.late / unit,
            total=ledger.late_by(cause) / unit,
            every=ledger.late_length / (max(1, ledger.late_frames) * NANOSECONDS),
            tick=number,
            hosted=self._hosted,
        )
        ledger.forget_late()
        if told:
            return None
        known = (cause, chief.name) in self._logged
        self._logged.add((cause, chief.name))
        logger.log(logging.DEBUG if known else logging.WARNING, "%s", event)
        return event

    def _cause(self) -> Cause:
        """What most of the time before these late ticks was spent on."""
        late_by = self._ledger.late_by
        most, worst = max((late_by(cause), cause) for cause in Cause if cause is not Cause.WAIT)
        asleep = late_by(Cause.WAIT)
        if asleep and 2 * asleep >= most:
            return Cause.WAIT
        return worst if most > 0 else Cause.HOST

    # -- what the network gives back ---------------------------------------------------------------------------------

    def _give_back(self, slow: bool) -> None:
        """Halve the budgets while that helps, double them once it did."""
        worthwhile = WORTHWHILE_HOSTED if self._hosted else WORTHWHILE
        if not slow:
            self._halvings = max(0, self._halvings - 1)
        elif self.slow and self._ledger.late_by(Cause.NETWORK) * worthwhile > self._ledger.late_length:
            self._halvings = min(MOST_HALVINGS, self._halvings + 1)

    def allowed(self, budget: int) -> int:
        """What a subsystem may use of its budget now, in nanoseconds; one without a limit is halved from a period."""
        if not self._halvings:
            return budget
        return (self.period if budget >= FOREVER else budget) >> self._halvings

    @property
    def budget_share(self) -> float:
        """What is left of budgets: 1.0 to 0.125."""
        return 0.5**self._halvings
