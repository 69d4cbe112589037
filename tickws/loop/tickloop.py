"""The loop: the frame, in one function that you can read, and what drives it.

    receive(budget)   each subsystem, within its budget
    0..5 x tick       the bus, then subsystems, then systems
    flush(budget)     each subsystem, within what receive left, and at least its reserve
    idle(seconds)     those that have it, until the next tick is due

Promises: ticks are numbered from 0 without gaps and each is 1/rate long, whatever the clock does; subsystems and
systems are called in the order in which they were added; a frame with no tick due still receives and flushes; whatever
raises, the rest is flushed before the exception leaves. `frame()` never sleeps; `run()` does, between frames.
The time is read behind `receive`, so what that takes counts for the ticks of the same frame.
"""

from __future__ import annotations

import threading
import weakref
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from types import MappingProxyType
from typing import Any, Final, Self, TypeVar, overload

from tickws.bus import EventBus
from tickws.clock import NANOSECONDS, Clock, SystemClock, check_seconds
from tickws.errors import LoopErrorPolicy, UsageError
from tickws.loop.events import LoopSlipped
from tickws.loop.failures import Failures, bus_policy, log
from tickws.loop.ledger import Account, Ledger, LoopStatistics, Pace
from tickws.loop.punctuality import Punctuality
from tickws.loop.roster import Roster
from tickws.loop.timestep import Tick, Timestep

__all__ = ["TickLoop"]

S = TypeVar("S")
F = TypeVar("F", bound="Callable[[Tick], object]")

NAP: Final = NANOSECONDS // 50
"""The longest sleep of `run()`, in nanoseconds, so that `stop()` is heard soon; a tick at 60 Hz is due before."""


class TickLoop:
    """A fixed-timestep loop: subsystems get their share of each frame, systems run once a tick.

        loop = tickws.TickLoop(rate=60)
        loop.add(server, budget=0.002)

        @loop.system
        def simulate(tick): ...

        loop.run()                           # or loop.frame() once per frame of your own loop

    Args:
        rate: ticks a second, a whole number from 1 to 1000.
        clock: what tells the time and sleeps; None: the machine's.
        errors: what happens to an exception of a system, a subsystem or the bus. "raise": the rest of the tick is left
            out, everything is flushed, then the exception leaves `frame` or `run`. "log": logged with its traceback,
            and the tick goes on. A callable gets the exception and the name of what raised it. A tick that raised
            counts as run, and the loop can go on.
        bus: where events go; None: one of its own, with the same error policy.
        bus_budget: seconds that the bus may dispatch in each tick; at least one event is delivered, and the rest waits
            for the next tick. None: half a period.

    Only `stop` and `bus.emit` are thread-safe.

    Raises:
        TypeError, ValueError: an argument that cannot be used.
    """

    def __init__(
        self,
        rate: int = 60,
        *,
        clock: Clock | None = None,
        errors: LoopErrorPolicy = "raise",
        bus: EventBus | None = None,
        bus_budget: float | None = None,
    ) -> None:
        self._timestep = Timestep(rate)
        self._failures = Failures(errors)
        if clock is not None and not isinstance(clock, Clock):
            raise TypeError(f"clock is a tickws.Clock, not {clock!r}")
        if bus is not None and not isinstance(bus, EventBus):
            raise TypeError(f"bus is a tickws.EventBus, not {bus!r}")
        self.rate = rate
        self.dt = 1 / rate
        self.clock = SystemClock() if clock is None else clock
        self.bus = EventBus(bus_policy(errors)) if bus is None else bus
        self._now = self.clock.now_ns
        self._ledger = Ledger(self._now)
        self._pace = Pace()
        self._punctuality = Punctuality(rate, self._ledger)
        self._bus_budget = (
            self._punctuality.period // 2 if bus_budget is None else check_seconds("bus_budget", bus_budget)
        )
        self._roster = Roster(self._ledger)
        self._elapsed_at: int | None = None  # when the timestep was told last
        self._in_frame = False
        self._running = False
        self._stopping = threading.Event()
        self._closed = False
        self._frames = 0
        weakref.finalize(self, self._ledger.collector.stop).atexit = False

    # -- what is in it -----------------------------------------------------------------------------------------------

    def add(self, subsystem: S, budget: float | None = None, name: str | None = None) -> S:
        """Have `subsystem` turned in each frame, after those that were added before; gives it back.

        Args:
            subsystem: a `Subsystem`, or whatever has one of its methods: a `WebSocketServer` has.
            budget: seconds for its `receive` and `flush` together in one frame; a quarter is kept for `flush`. None: no
                limit. Zero or less: one step of each. Under lasting overload it gets less.
            name: for the statistics; None: its class's.

        Raises:
            TypeError: it has none of the methods, or one that cannot be called; `budget` is no number.
            ValueError: it is in the loop already; `budget` is a whole number above 1 (milliseconds?).
            UsageError: the loop is closed.
        """
        self._check_open()
        self._roster.add(self, subsystem, check_seconds("budget", budget), name)
        return subsystem

    @overload
    def system(self, function: F, /) -> F: ...

    @overload
    def system(self, /, *, name: str) -> Callable[[F], F]: ...

    def system(self, function: F | None = None, /, *, name: str | None = None) -> F | Callable[[F], F]:
        """Have a function called with each `Tick`, after those registered before: `@loop.system`; gives it back.

        Args:
            function: a plain function of one argument.
            name: for the statistics and the log, as in `@loop.system(name="physics")`; None: the function's.

        Raises:
            TypeError: it is async, a generator, or cannot be called with a tick.
            UsageError: the loop is closed.
        """
        if function is None:
            return lambda function: self._register(function, name)
        return self._register(function, name)

    def _register(self, function: F, name: str | None) -> F:
        self._check_open()
        self._roster.register(function, name)
        return function

    # -- the frame ---------------------------------------------------------------------------------------------------

    def frame(self) -> int:
        """One frame, for a loop of your own: call it once in each of yours. Never sleeps; runs tick 0 the first time.

        Returns:
            How many ticks ran: 0 to 5.

        Raises:
            UsageError: called inside a frame, beside `run()`, or after `close()`.
            Exception: what a system, a subsystem or the bus let out, where `errors` says "raise".
        """
        self._check_idle()
        return self._frame(hosted=True)

    def _frame(self, *, hosted: bool) -> int:
        self._in_frame = True
        try:
            self._begin(hosted)
            for member in self._roster.members:
                self._failures.guard(
                    member.name, member.receive, self._ledger, self._punctuality.allowed(member.budget)
                )
            ran = self._run_ticks()
            for member in self._roster.members:
                self._failures.guard(member.name, member.flush, self._ledger)
            self._idle()
        finally:
            self._in_frame = False
        self._failures.let_out()
        return ran

    def _begin(self, hosted: bool) -> None:
        """Book the time between the frames."""
        ledger = self._ledger
        if self._elapsed_at is None:
            ledger.begin()
            self._elapsed_at = ledger.mark
        ledger.lap(ledger.host)
        for member in self._roster.members:
            member.book_waits()
        self._punctuality.frame(ledger.mark, hosted=hosted)
        self._frames += 1

    def _run_ticks(self) -> int:
        """Run the ticks that are due; gives their number."""
        timestep = self._timestep
        now = self._elapse()
        ran = 0
        for _ in range(timestep.due):
            if self._failures.pending is not None or (self._running and self._stopping.is_set()):
                break
            event = self._punctuality.tick(timestep.ticks, timestep.late + self._ledger.mark - now)
            if event is not None:
                self.bus.emit(event)
            ran += 1
            try:
                self._run_tick(Tick(timestep.ticks, self.dt, timestep.ticks / timestep.rate))
            finally:
                timestep.step()
        if ran:
            self._pace.record(now, timestep.ticks)
        return ran

    def _elapse(self) -> int:
        """Tell the timestep what time has passed; gives the time."""
        now = self._ledger.mark
        slipped = self._timestep.elapse(now - self._elapsed_at) if self._elapsed_at is not None else 0.0
        self._elapsed_at = now
        if slipped:
            self.bus.emit(LoopSlipped(slipped, self._timestep.slipped, self._timestep.ticks))
        return now

    def _run_tick(self, tick: Tick) -> None:
        ledger = self._ledger
        deadline = ledger.mark + self._bus_budget
        self._step(ledger.bus, self.bus.dispatch, lambda: self._now() >= deadline)
        for member in self._roster.members:
            if member.tick is not None:
                self._step(member.ticking, member.tick, tick)
        for account, function in self._roster.systems:
            self._step(account, function, tick)

    def _step(self, account: Account, function: Callable[[Any], object], argument: object) -> None:
        """One part of a tick; left out once something is on its way out of the frame."""
        if self._failures.pending is not None:
            return
        begun = self._ledger.mark
        try:
            self._failures.guard(account.name, function, argument)
        finally:
            spent = self._ledger.lap(account)
            account.sample(spent, self._ledger.mark - begun, self._punctuality.period)

    def _idle(self) -> None:
        for member in self._roster.members:
            if member.idle is not None and self._failures.pending is None:
                self._failures.guard(member.name, member.idle, self._left() / NANOSECONDS)
                self._ledger.lap(member.network)

    def _left(self) -> int:
        """Nanoseconds until the next tick is due."""
        passed = 0 if self._elapsed_at is None else self._now() - self._elapsed_at
        return max(0, self._timestep.left - passed)

    # -- until the end -----------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Frames until `stop()` or Ctrl-C, asleep in between; then what was added is closed, in reverse order.

        Raises:
            UsageError: called inside a frame, twice, or after `close()`.
            Exception: what `frame` and `close` raise.
        """
        self._check_idle()
        self._running = True
        error: BaseException | None = None
        try:
            while not self._stopping.is_set():
                self._frame(hosted=False)
                self._sleep()
        except KeyboardInterrupt:
            pass
        except BaseException as raised:
            error = raised
            raise
        finally:
            self._running = False
            try:
                self._close(error)
            finally:
                error = None

    def _sleep(self) -> None:
        """Sleep until the next tick is due, in naps."""
        while (left := self._left()) and not self._stopping.is_set():
            nap = min(left, NAP)
            self.clock.sleep(nap / NANOSECONDS)
            self._ledger.slept(nap)

    def stop(self) -> None:
        """Have `run()` end: after the tick that is running, its flush, and at most 20 ms of sleep. Thread-safe."""
        self._stopping.set()

    def close(self) -> None:
        """Close what was added, in reverse order, for loops that call `frame()`; `run()` does it by itself.

        What is a context manager is left by its `__exit__`, else `close()` is called. Then the bus delivers once more,
        so that what the closing emitted is heard. Calling it again does nothing.

        Raises:
            UsageError: called inside a frame or beside `run()`.
            Exception: what the closing raised; everything else was closed nevertheless.
        """
        if self._in_frame or self._running:
            raise UsageError("the loop is running: say stop(), and run() closes")
        self._close(None)

    def _close(self, error: BaseException | None) -> None:
        """Close; where `error` is on its way out already, what the closing raises is logged."""
        if self._closed:
            return
        self._closed = True
        try:
            with ExitStack() as stack:
                stack.callback(self._ledger.collector.stop)
                stack.callback(self._hear_out)
                self._roster.leave(stack)
                if self._failures.pending is not None:  # a Ctrl-C came before it could leave the frame
                    self._failures.let_out()
        except Exception as failure:
            if error is None:
                raise
            log("closing", failure)

    def _hear_out(self) -> None:
        """Deliver all that is queued; the first exception leaves, others are logged."""
        failed: Exception | None = None
        for _ in range(self.bus.statistics().queued):
            try:
                self.bus.dispatch()
                break
            except Exception as error:
                if failed is not None:
                    log("closing", error)
                failed = failed or error
        try:
            if failed is not None:
                raise failed
        finally:
            failed = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        """Close, as `close()`."""
        self._close(error)

    def _check_open(self) -> None:
        if self._closed:
            raise UsageError("the loop is closed: make a new one")

    def _check_idle(self) -> None:
        self._check_open()
        if self._in_frame or self._running:
            raise UsageError("the loop is running: no frame() or run() inside a frame, nor beside run()")

    # -- what it says of itself --------------------------------------------------------------------------------------

    @property
    def alpha(self) -> float:
        """Where the last frame is between the last tick (0.0) and the next (1.0): draw what moves there."""
        return self._timestep.alpha

    @property
    def slipped(self) -> float:
        """Seconds that will never be simulated, in total: more was owed than the loop makes up for."""
        return self._timestep.slipped

    @property
    def left(self) -> float:
        """Seconds until the next tick is due, 0.0 where one is: how long your own loop may sleep now."""
        return self._left() / NANOSECONDS

    @property
    def ticks(self) -> int:
        """How many ticks ran; also the number of the next, and inside a tick its own."""
        return self._timestep.ticks

    def statistics(self) -> LoopStatistics:
        """Counters since the beginning, frozen."""
        ledger = self._ledger
        members, systems = self._roster.networks(), self._roster.steps()
        overruns: Counter[str] = Counter()
        for account in members + systems:
            overruns[account.name] += account.overruns
        return LoopStatistics(
            ticks=self._timestep.ticks,
            frames=self._frames,
            rate=self._pace.rate,
            lateness=self._punctuality.lateness.distribution(),
            slow=self._punctuality.slow,
            slipped=self._timestep.slipped,
            budget_share=self._punctuality.budget_share,
            subsystems=MappingProxyType({account.name: account.spending() for account in members}),
            systems=MappingProxyType({account.name: account.spending() for account in systems}),
            bus=ledger.bus.spending(),
            overruns=MappingProxyType(dict(+overruns)),
            errors=self._failures.count,
            collections=ledger.collector.count,
            collection_seconds=ledger.collector.total / NANOSECONDS,
        )
