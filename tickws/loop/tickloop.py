"""The loop: what drives the frame (`tickws.loop.frame`), once in each of yours or by itself, and what it tells.

`frame()` never sleeps; `run()` does, between frames.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from contextlib import ExitStack
from types import MappingProxyType
from typing import Final, Self, TypeVar, overload

from tickws.bus import EventBus
from tickws.clock import NANOSECONDS, Clock, SystemClock, check_seconds
from tickws.errors import LoopErrorPolicy, UsageError, check_callback
from tickws.loop.failures import Failures, bus_policy, log
from tickws.loop.frame import Frames
from tickws.loop.ledger import Ledger, LoopStatistics
from tickws.loop.roster import Roster
from tickws.loop.subsystem import Member
from tickws.loop.termination import heeding_sigterm
from tickws.loop.timestep import Tick, Timestep

__all__ = ["TickLoop"]

S = TypeVar("S")
F = TypeVar("F", bound="Callable[[Tick], object]")

NAP: Final = NANOSECONDS // 50
"""The longest sleep of `run()`, in nanoseconds, so that `stop()` is heard soon; a tick at 60 Hz is due before."""

AT_ONCE: Final = 50_000
"""Nanoseconds: a wait that is over sooner, and for nothing, does not wait."""


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
        wake_on_input: between ticks, have `run()` wait for the network instead of the clock alone, and receive and
            flush whenever something comes, within what the frame left of the budget. For answers that cannot wait for
            the next tick; inputs of a game can, and waking for each of them costs (docs/performance.md).

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
        wake_on_input: bool = False,
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
        self._ledger = Ledger(self.clock.now_ns)
        self._roster = Roster(self._ledger)
        self._frame = Frames(
            self._timestep,
            self.clock,
            self._ledger,
            self._roster,
            self._failures,
            self.bus,
            None if bus_budget is None else check_seconds("bus_budget", bus_budget),
            lambda: self._running and self._stopping,
        )
        self._wake_on_input = wake_on_input
        self._in_frame = False
        self._running = False
        self._stopping = False  # no threading.Event: a signal may come while its lock is held
        self._closed = False
        weakref.finalize(self, self._ledger.collector.stop).atexit = False

    # -- what is in it -----------------------------------------------------------------------------------------------

    def add(
        self, subsystem: S, budget: float | None = None, name: str | None = None, *, most: float | None = None
    ) -> S:
        """Have `subsystem` turned in each frame, after those that were added before; gives it back.

        Args:
            subsystem: a `Subsystem`, or whatever has one of its methods: a `WebSocketServer` has.
            budget: seconds for its `receive` and `flush` together in one frame; a quarter is kept for `flush`. None: no
                limit. Zero or less: one step of each. Under lasting overload it gets less, down to an eighth.
            name: for the statistics; None: its class's.
            most: seconds that it may use where the frame has time left, in `run()`; None: no more than `budget`.

        Raises:
            TypeError: it has none of the methods, or one that cannot be called; a budget is no number.
            ValueError: it is in the loop already; a budget is a whole number above 1 (milliseconds?); `most` is less
                than `budget`.
            UsageError: the loop is closed.
        """
        self._check_open()
        most_time = None if most is None else check_seconds("most", most)
        self._roster.add(self, subsystem, check_seconds("budget", budget), most_time, name)
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
        return self._turn(hosted=True)

    def _turn(self, *, hosted: bool) -> int:
        self._in_frame = True
        try:
            ran = self._frame.run(hosted=hosted)
        finally:
            self._in_frame = False
        self._failures.let_out()
        return ran

    # -- until the end -----------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Frames until `stop()`, Ctrl-C or SIGTERM, asleep in between; then what was added is closed, in reverse order.

        SIGTERM does what `stop()` does, where `run()` is called on the main thread and nobody handles it otherwise; the
        handler is there only as long as `run()` is.

        Raises:
            UsageError: called inside a frame, twice, or after `close()`.
            Exception: what `frame` and `close` raise.
        """
        self._check_idle()
        waiter = self._waiter()
        with heeding_sigterm(self.stop):
            self._run(waiter)

    def _run(self, waiter: Member | None) -> None:
        self._running = True
        error: BaseException | None = None
        try:
            while not self._stopping:
                self._turn(hosted=False)
                self._sleep(waiter)
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

    def _waiter(self) -> Member | None:
        """The subsystem that is waited for between ticks; None: the clock alone."""
        if not self._wake_on_input:
            return None
        waiters = [member for member in self._roster.members if member.wait is not None]
        if len(waiters) != 1:
            raise UsageError(
                f"wake_on_input waits for one subsystem that can wait, as servers can; this loop has {len(waiters)}"
            )
        check_callback(f"{waiters[0].name}.wait", waiters[0].wait, ("seconds",))
        return waiters[0]

    def _sleep(self, waiter: Member | None) -> None:
        """Sleep until the next tick is due, in naps."""
        while (left := self._frame.left()) and not self._stopping:
            nap = min(left, NAP)
            if waiter is not None and self._frame.can_serve(waiter):
                woken = waiter.sleep(nap / NANOSECONDS)
                if not woken and left - self._frame.left() < AT_ONCE:  # where it is closed: it must not spin
                    self.clock.sleep(nap / NANOSECONDS)
                self._ledger.slept(nap)
                if woken and self._frame.can_serve(waiter):  # it may have woken just before the tick
                    self._serve(waiter)
            else:
                self.clock.sleep(nap / NANOSECONDS)
                self._ledger.slept(nap)
                if nap == left:
                    return

    def _serve(self, waiter: Member) -> None:
        self._in_frame = True
        try:
            self._frame.serve(waiter)
        finally:
            self._in_frame = False
        self._failures.let_out()

    def stop(self) -> None:
        """Have `run()` end: after the tick that is running, its flush, and at most 20 ms of sleep. Thread-safe.

        Servers are closed with 1001. For another code close them before: `server.close(1012, "restart")`.
        """
        self._stopping = True

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
        return self._frame.left() / NANOSECONDS

    @property
    def ticks(self) -> int:
        """How many ticks ran; also the number of the next, and inside a tick its own."""
        return self._timestep.ticks

    def statistics(self) -> LoopStatistics:
        """Counters since the beginning, frozen."""
        ledger, frame, punctuality = self._ledger, self._frame, self._frame.punctuality
        members, systems = self._roster.networks(), self._roster.steps()
        now = self.clock.now_ns()
        return LoopStatistics(
            ticks=self._timestep.ticks,
            frames=frame.count,
            rate=frame.pace.rate,
            lateness=punctuality.lateness.distribution(now),
            frame_lateness=punctuality.frame_lateness.distribution(now),
            slow=punctuality.slow,
            slipped=self._timestep.slipped,
            budget_share=punctuality.budget_share,
            subsystems=MappingProxyType({account.name: account.spending(now) for account in members}),
            systems=MappingProxyType({account.name: account.spending(now) for account in systems}),
            bus=ledger.bus.spending(now),
            overruns=ledger.overruns.frozen(),
            errors=self._failures.count,
            collections=ledger.collector.count,
            collection_seconds=ledger.collector.total / NANOSECONDS,
        )
