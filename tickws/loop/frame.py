"""The frame.

In one function that you can read, `Frames.run`:

    receive(budget)   each subsystem, within its budget
    0..5 x tick       the bus, then subsystems, then systems
    flush(budget)     each subsystem, within what receive left, and at least its reserve
    receive, flush    once more who is behind, where the frame has time left
    idle(seconds)     those that have it, until the next tick is due

Promises: ticks are numbered from 0 without gaps and each is 1/rate long, whatever the clock does; subsystems and
systems are called in the order in which they were added; a frame with no tick due still receives and flushes; whatever
raises, the rest is flushed before the exception leaves.
The time is read behind `receive`, so what that takes counts for the ticks of the same frame.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tickws.bus import EventBus
from tickws.clock import NANOSECONDS, Clock
from tickws.loop.events import LoopSlipped
from tickws.loop.failures import Failures
from tickws.loop.ledger import Account, Ledger, Longest, Pace
from tickws.loop.punctuality import Punctuality
from tickws.loop.roster import Roster
from tickws.loop.subsystem import RESERVE, Member
from tickws.loop.timestep import Tick, Timestep

__all__ = ["Frames"]

MARGIN: Final = 16
"""One part in so many of a period is kept free before the next tick: a last step may overshoot, a sleep may last."""

STRETCH: Final = 4
"""`receive` stretches into one part in so many of a period, as the tick waits for it: what is left beyond is for
`flush`."""

FORGETTING: Final = 16
"""What a tick costs is taken for the most that it cost lately; a peak is forgotten by one part in so many a tick."""


class Frames:
    """Turns what is in a loop, once for each frame.

    Args:
        timestep: which ticks are due.
        ledger: what the time is spent on.
        bus_budget: nanoseconds that the bus may dispatch in each tick.
        stopping: whether no further tick is to be run.
    """

    def __init__(
        self,
        timestep: Timestep,
        clock: Clock,
        ledger: Ledger,
        roster: Roster,
        failures: Failures,
        bus: EventBus,
        bus_budget: int | None,
        stopping: Callable[[], bool],
    ) -> None:
        self.punctuality = Punctuality(timestep.rate, ledger)
        self.pace = Pace()
        self.count = 0
        """Frames so far."""
        self._timestep = timestep
        self._now = clock.now_ns
        self._ledger = ledger
        self._roster = roster
        self._failures = failures
        self._bus = bus
        self._bus_budget = self.punctuality.period // 2 if bus_budget is None else bus_budget
        self._stopping = stopping
        self._dt = 1 / timestep.rate
        self._begun = False
        self._elapsed_at = 0  # when the timestep was told last
        self._tick_cost = 0  # nanoseconds: the most that a tick took lately

    def run(self, *, hosted: bool) -> int:
        """One frame; `hosted`: a loop other than ours decided when. Gives how many ticks ran.

        What an error policy lets out waits in `failures`.
        """
        self._begin(hosted)
        ledger = self._ledger
        spare = 0 if hosted or not self._roster.stretching else self._spare()
        granted = 0  # of the time that `receive` took, what its budgets allow
        for member in self._roster.members:
            allowed = self.punctuality.allowed(member.budget)
            more = max(0, min(spare, member.most - allowed)) if spare else 0
            self._failures.guard(member.name, member.receive, ledger, allowed, more)
            spare -= max(0, member.used - (allowed - member.reserve)) if spare else 0
            granted += min(member.used, allowed)
        ran = self._run_ticks(granted)
        for member in self._roster.members:
            left = 0 if hosted or member.most <= member.budget else self._left_for(member)
            self._failures.guard(member.name, member.flush, ledger, left)
        if not hosted and self._roster.stretching:
            self._catch_up()
        if self._roster.idling:
            self._idle()
        return ran

    def _catch_up(self) -> None:
        """Have those go on whose budget ended before their work: the frame has time left."""
        for member in self._roster.members:
            if member.behind and self.punctuality.budget_share >= 1 and self.can_serve(member):
                self.serve(member)

    def _begin(self, hosted: bool) -> None:
        """Book the time between the frames."""
        ledger = self._ledger
        if not self._begun:
            self._begun = True
            ledger.begin()
            self._elapsed_at = ledger.mark
        ledger.lap(ledger.host)
        for member in self._roster.members:
            member.book_waits()
        self.punctuality.frame(ledger.mark, None if hosted else self._late)
        self.count += 1

    # -- between the ticks: for `wake_on_input`, and for who is behind ------------------------------------------------

    def can_serve(self, member: Member) -> bool:
        """Whether a subsystem has time left, of its own and before the next tick."""
        return member.used < member.most and self.left() > self._margin

    def serve(self, member: Member) -> None:
        """Something is there between two ticks: receive and flush within what this frame left of the budget."""
        ledger = self._ledger
        ledger.lap(ledger.host)
        left = min(member.most - member.used, self.left() - self._margin)
        self._failures.guard(member.name, member.serve, ledger, max(0, left))

    # -- the ticks ---------------------------------------------------------------------------------------------------

    def _run_ticks(self, granted: int) -> int:
        """Run the ticks that are due; gives their number. `granted`: nanoseconds that the network was given first."""
        timestep = self._timestep
        begun = self._elapse()
        ran = 0
        for _ in range(timestep.due):
            if self._failures.pending is not None or self._stopping():
                break
            event = self.punctuality.tick(timestep.ticks, timestep.late + self._ledger.mark - begun, granted)
            if event is not None:
                self._bus.emit(event)
            ran += 1
            before = self._ledger.mark
            try:
                self._run_tick(Tick(timestep.ticks, self._dt, timestep.ticks / timestep.rate))
            finally:
                timestep.step()
                cost = self._ledger.mark - before
                self._tick_cost = max(cost, self._tick_cost - self._tick_cost // FORGETTING)
        if ran:
            self.pace.record(begun, timestep.ticks)
        return ran

    def _elapse(self) -> int:
        """Tell the timestep what time has passed; gives the time."""
        now = self._ledger.mark
        slipped = self._timestep.elapse(now - self._elapsed_at)
        self._elapsed_at = now
        if slipped:
            self._bus.emit(LoopSlipped(slipped, self._timestep.slipped, self._timestep.ticks))
        return now

    def _run_tick(self, tick: Tick) -> None:
        self._dispatch()
        for member in self._roster.members:
            if member.tick is not None:
                self._step(member.ticking, member.tick, tick)
        for account, function in self._roster.systems:
            self._step(account, function, tick)

    def _dispatch(self) -> None:
        """The bus's part of a tick; of one that is over its budget, who took longest is named."""
        ledger, bus = self._ledger, self._ledger.bus
        if not self._bus.waiting:
            ledger.sample(bus, 0, 0, 0)
            return
        longest = Longest(self._now)
        begun = ledger.mark
        deadline = begun + self._bus_budget
        try:
            self._failures.guard(bus.name, self._bus.dispatch, lambda: self._now() >= deadline, longest)
        finally:
            spent = ledger.lap(bus)
            ledger.sample(bus, spent, ledger.mark - begun, self._bus_budget, longest.name)

    def _step(self, account: Account, function: Callable[[Any], object], argument: object) -> None:
        """One part of a tick; left out once something is on its way out of the frame."""
        if self._failures.pending is not None:
            return
        ledger = self._ledger
        begun = ledger.mark
        try:
            self._failures.guard(account.name, function, argument)
        finally:
            spent = ledger.lap(account)
            ledger.sample(account, spent, ledger.mark - begun, self.punctuality.period)

    def _idle(self) -> None:
        for member in self._roster.members:
            if member.idle is not None and self._failures.pending is None:
                self._failures.guard(member.name, member.idle, self.left() / NANOSECONDS)
                self._ledger.lap(member.network)

    # -- what the frame has left -------------------------------------------------------------------------------------

    def left(self) -> int:
        """Nanoseconds until the next tick is due."""
        return max(0, self._timestep.left - (self._now() - self._elapsed_at if self._begun else 0))

    @property
    def _late(self) -> int:
        """Nanoseconds since the next tick became due, by the last look at the clock; negative: until it does."""
        return self._timestep.late + self._ledger.mark - self._elapsed_at

    @property
    def _margin(self) -> int:
        return self.punctuality.period // MARGIN

    def _left_for(self, member: Member) -> int:
        """Nanoseconds that the frame has left for the flush of `member`: without what is owed to those behind it."""
        members = self._roster.members
        owed = sum(other.owed for other in members[members.index(member) + 1 :])
        return self.left() - self._margin - owed

    def _spare(self) -> int:
        """Nanoseconds of this frame, which has just begun, that `receive` may have beyond budgets.

        Nobody needs them who is in the frame, and its tick is on time behind them; 0 under overload.
        """
        period, late = self.punctuality.period, self._late
        if late >= period or self.punctuality.budget_share < 1:
            return 0
        granted = sum(self.punctuality.allowed(member.budget) for member in self._roster.members)
        if late < 0:  # no tick is due
            return max(0, -late - granted - self._margin)
        until_next = period - late - self._tick_cost - granted - self._margin
        until_late = period // STRETCH - late - (granted - granted // RESERVE)
        return max(0, min(until_next, until_late))
