"""The slice: what a server and a client have in common. `work` is the frame's share of an endpoint.

    receive   poll once (the only place that may sleep), then one fair pass:
              read, parse, dispatch · who says much · handshakes · accept · deadlines · on_close, on_slow · who was held
    flush     one fair pass over whoever has something to say: gather, one write each

Promises: the overshoot of a slice is one step (`steps` lists them all); who is in comes first, but leaves an eighth of
the time to others who wait; nothing starves (`turns`), even a budget of zero does one step of each half; unfinished
work is carried over, in order.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Self

from tickws.clock import FOREVER, NANOSECONDS, Clock, check_seconds
from tickws.errors import ErrorPolicy, UsageError, check_error_policy
from tickws.protocol.extensions import Deflate
from tickws.protocol.limits import Limits
from tickws.protocol.opcodes import check_close
from tickws.statistics import EndpointStatistics, frozen_counts
from tickws.transport.handler import Callbacks
from tickws.transport.link import Phase
from tickws.transport.links import BEFORE_OPEN, Links, Owner
from tickws.transport.lookout import Lookout
from tickws.transport.network import Network, SocketNetwork
from tickws.transport.steps import Step
from tickws.transport.turns import Turns

__all__ = ["Endpoint"]


class Endpoint(Owner):
    """A server or a client: links, the slice in which they are turned, and the queues that any thread may fill."""

    def __init__(
        self,
        callbacks: Callbacks,
        limits: Limits | None,
        network: Network | None,
        clock: Clock | None,
        errors: ErrorPolicy,
        compression: Deflate | None,
        mask_source: Callable[[int], bytes] = os.urandom,
    ) -> None:
        check_error_policy(errors)
        callbacks.check_compression(compression)
        bounds = Limits() if limits is None else limits
        if not isinstance(bounds, Limits):
            raise TypeError(f"limits is a tickws.Limits(...), not {limits!r}")
        self._network = network or SocketNetwork()
        self._clock = clock or self._network.clock
        self._now, self._limits = self._clock.now_ns, bounds
        self._poller = self._network.poller()
        self._links = Links(
            self, self._clock, self._network, self._poller, bounds, callbacks, errors, mask_source, compression
        )
        self._listened = self._links.listened
        self._meter = self._links.meter
        self._lookout = Lookout(self._poller, self._links, self._busy, self._next_due, self._notice)
        pump = self._links.pump
        self._turns = Turns(
            self._meter,
            (
                (pump.read, 3),
                (pump.read_on, 2),
                (pump.greet, 2),
                (self._accept, 3),
                (self._links.deadlines.expire, 1),  # behind those who read: what has come in time is in time
                (self._links.notices.tell, 1),
                (pump.release, 1),
            ),
        )
        self._working = False
        self._closing = False
        self._finished = False
        self._close_due = FOREVER  # in reading time
        self._slept = 0  # before this slice

    # -- the slice ---------------------------------------------------------------------------------------------------

    def work(self, budget: float | None, *, wait: float | None = None) -> bool:
        """One slice: `receive` and `flush`.

        Args:
            budget: seconds that this call may take, sleep included; it overshoots by at most one step (one callback,
                one read of at most 64 KiB, one write). None: no limit, one fair pass over all that is ready. Zero or
                less: the guaranteed minimum, one step of each half.
            wait: the most seconds to sleep until there is something to do; None: the whole budget; 0: never. It
                returns after the first pass that served something, and does not pad the slice.

        Returns:
            False once it is closed and every callback was called: the loop can end.

        Raises:
            TypeError, ValueError: budget or wait is no number of seconds (a whole number above 1: milliseconds?).
            UsageError: called inside a callback, or by two threads.
        """
        budget_time = check_seconds("budget", budget)
        wait_time = budget_time if wait is None else check_seconds("wait", wait)
        if self._finished:
            return False
        start = self._enter()
        try:
            deadline = start + budget_time
            try:
                self._receive(deadline, min(wait_time, budget_time), reserve=True)
            finally:  # a callback's error on its way out must not keep what the others have to say
                self._links.writer.write(deadline)
        finally:
            self._leave(start, budget_time)
        return not self._finished

    def receive(self, budget: float | None, *, wait: float | None = 0.0) -> bool:
        """The first half of `work`: accept, read, call back. Inputs are there when it returns; nothing is written.

        Args, returns and raises as `work`, but it does not sleep unless told.
        """
        budget_time = check_seconds("budget", budget)
        wait_time = budget_time if wait is None else check_seconds("wait", wait)
        if self._finished:
            return False
        if not wait_time and not self._working and not self._turns.cut and self._lookout.quiet():
            return True
        start = self._enter()
        try:
            self._receive(start + budget_time, min(wait_time, budget_time), reserve=False)
        finally:
            self._leave(start, budget_time, receive=True)
        return not self._finished

    def flush(self, budget: float | None) -> bool:
        """The second half of `work`: write what is queued, as far as the sockets take it. Never sleeps.

        Args, returns and raises as `work`.
        """
        budget_time = check_seconds("budget", budget)
        if self._finished:
            return False
        if not self._links.queue.pending and not self._working and not self._over():
            self._meter.fold()
            return True
        start = self._enter(flush=True)
        try:
            self._links.writer.write(start + budget_time)
        finally:
            self._leave(start, budget_time)
        return not self._finished

    def _receive(self, deadline: int, wait: int, *, reserve: bool) -> None:
        self._turns.cut = False
        self._lookout.look(wait)
        now = self._now()
        if reserve:  # a quarter of what is left belongs to flush
            deadline -= max(0, deadline - now) // 4
        try:
            if self._busy() or self._next_due() <= self._listened.now:
                try:
                    self._turns.run(deadline)
                finally:
                    self._links.pump.end()
        finally:
            if self._listened.now >= self._close_due:  # after reading: their Close may be here already
                self._abandon(deadline)

    def wait(self, seconds: float | None) -> bool:
        """Sleep at most `seconds`, until there is something to do for `receive` or `flush`; None: as long as it takes.

        Returns:
            Whether there is.

        Raises:
            TypeError, ValueError, UsageError: as `work`.
        """
        most = check_seconds("seconds", seconds)
        if self._finished:
            return False
        start = self._enter(wait=True)
        try:
            self._lookout.look(most)
            with self._links.queue.lock:
                return self._busy() or self._next_due() <= self._listened.now
        finally:
            self._leave(start, FOREVER, wait=True)

    def _busy(self) -> bool:
        """Whether anything can be done without the network's help. Under the lock."""
        links = self._links
        return bool(links.queue.pending or links.pump.busy or links.notices.farewells or links.notices.slow)

    def _next_due(self) -> int:
        """The earliest deadline, in reading time."""
        due = self._links.deadlines.timers.next_due()
        others = min(self._close_due, self._links.backlog.due, self._links.pump.rates.due)
        return others if due is None else min(due, others)

    def _enter(self, *, flush: bool = False, wait: bool = False) -> int:
        if self._working:
            raise UsageError("work() is running: it cannot be called inside a callback, nor by two threads at once")
        self._links.queue.worker = threading.get_ident()
        self._lookout.rest = 0
        self._slept = self._lookout.slept
        begun = self._meter.begin(flush=flush, wait=wait)
        self._working = True  # last: should an interrupt come before, the next call is none inside this one
        return begun

    def _leave(self, start: int, budget: int, *, receive: bool = False, wait: bool = False) -> None:
        self._working = False
        self._links.queue.worker = None
        self._meter.end(start, self._lookout.slept - self._slept, budget, receive=receive, wait=wait)
        if self._over():
            self._finish_if_over()
        if self._links.queue.watched:
            with self._links.queue.lock:
                if not self._finished and self._busy():
                    self._links.queue.wake()  # so that whoever waits for our descriptor comes back

    def _finish_if_over(self) -> None:
        with self._links.queue.lock:
            if self._over() and not self._links.by_fd and not self._links.notices.farewells and not self._finished:
                self._finished = True
                self._meter.collector.stop()
                self._poller.close()
                self._links.pump.clear()
                self._links.queue.pending.clear()

    # -- for hosts that wait for several things ----------------------------------------------------------------------

    def fileno(self) -> int:
        """A descriptor that is readable while anything is left to do: give it to `select`, asyncio's `add_reader`, ….

        Call `work(budget, wait=0)` when it is readable, and at `next_deadline`. `abort` closes it; `close` leaves it to
        the `work` that says False.

        Raises:
            UsageError: this platform has none (Windows), or the endpoint is closed.
        """
        if self._finished:
            raise UsageError("closed: there is nothing to wait for")
        fd = self._poller.fileno()
        with self._links.queue.lock:
            self._links.queue.watched = True
            self._lookout.rest = 0
            if self._busy():
                self._links.queue.wake()
        return fd

    def next_deadline(self) -> float | None:
        """Seconds until a timer wants `work` to be called; 0.0 when one is past, None where there is none."""
        due = self._next_due()
        if due >= FOREVER:
            return None
        return max(0, due - self._listened.now - self._lookout.unheard(self._now())) / NANOSECONDS

    @property
    def waited(self) -> float:
        """Seconds asleep inside `work` and `receive`, in total: a loop tells by it who waits beside its own clock."""
        return self._lookout.slept / NANOSECONDS

    @property
    def behind(self) -> bool:
        """Whether the last `receive` ended with its budget, before all that had come was served; a loop asks for it."""
        return self._turns.cut

    def wake(self) -> None:
        """End a `work` that sleeps. Thread-safe."""
        with self._links.queue.lock:
            if not self._finished:
                self._links.queue.wake()

    # -- the end -----------------------------------------------------------------------------------------------------

    def close(self, code: int = 1001, reason: str = "", *, timeout: float = 5.0) -> None:
        """Begin to close; never blocks. Reliable messages still go out, then a Close to everybody.

        `work` goes on as before and says False when all are gone or the time is over. Calling it again does nothing.

        Args:
            code: close code for open connections (1001: going away).
            reason: at most 123 bytes of UTF-8.
            timeout: seconds until connections that are left are dropped.

        Raises:
            TypeError, ValueError: code, reason or timeout cannot be used.
        """
        check_close(code, reason)
        timeout_time = check_seconds("timeout", float(timeout))
        if self._closing:
            return
        self._closing = True
        self._lookout.rest = 0
        self._close_due = self._listened.now + timeout_time
        self._stop()
        for link in list(self._links.by_fd.values()):
            if link.phase is Phase.OPEN:
                self._links.queue.close(link, code, reason)
            elif link.phase in BEFORE_OPEN:
                self._links.lose(link)
        if self._links.queue.watched:
            self.wake()  # whoever waits for our descriptor must hear of the end from `work`, not lose the descriptor
        elif not self._working:
            self._finish_if_over()

    def abort(self) -> None:
        """Close at once, without a word to anybody; `on_close` is called with 1006 for each open connection.

        Inside a callback these calls follow in the `work` that is running; outside they are made before it returns.
        """
        if self._finished:
            return
        self._closing = True
        self._stop()
        self._abandon(FOREVER)
        if self._working:
            return
        failed: Exception | None = None
        start = self._enter()
        try:
            while self._links.notices.farewells:
                try:
                    self._links.notices.tell(FOREVER)
                except Exception as error:
                    failed = failed or error
        finally:
            self._leave(start, FOREVER)
        try:
            if failed is not None:
                raise failed
        finally:
            failed = None  # its traceback refers to this frame

    def _abandon(self, deadline: int) -> None:
        """Drop every link, until `deadline` (nanoseconds); at least one."""
        for link in list(self._links.by_fd.values()):
            self._links.lose(link)
            if self._meter.lap(Step.DEADLINE) >= deadline:
                break
        if not self._links.by_fd:
            self._close_due = FOREVER

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Close, and work until done."""
        self.close()
        try:
            while self.work(0.05):
                pass
        finally:
            self.abort()

    # -- what a server or a client adds ------------------------------------------------------------------------------

    def _accept(self, deadline: int) -> int:
        """Take what arrived at the door, until `deadline`; gives the steps."""
        return 0

    def _notice(self, fd: int) -> None:
        """The poller found a descriptor that is no link's."""

    def _stop(self) -> None:
        """Let nobody new in."""

    def _over(self) -> bool:
        """Whether the endpoint is finished once its last link is gone."""
        return self._closing

    def statistics(self) -> EndpointStatistics:
        """Counters since the beginning, frozen."""
        links, meter = self._links, self._meter
        messages_received, messages_sent, bytes_received, bytes_sent = links.traffic()
        return EndpointStatistics(
            connections=len(links.by_fd),
            open=len(links.open) + len(links.mounted),
            accepted=links.accepted,
            opened=links.opened,
            closed=frozen_counts(links.closed),
            faults=frozen_counts(links.faults),
            answered=frozen_counts(links.answered),
            limited=frozen_counts(links.limits_met()),
            timed_out=links.deadlines.timed_out,
            tls_faults=links.tls_faults,
            callback_errors=links.notices.failed,
            messages_received=messages_received,
            messages_sent=messages_sent,
            bytes_received=bytes_received,
            bytes_sent=bytes_sent,
            carried_over=links.pump.busy,
            slice=meter.slices(),
            steps=meter.statistics(),
            overruns=meter.overruns.frozen(),
            polls=self._lookout.polls,
            empty_polls=self._lookout.empty_polls,
            collections=meter.collections,
            collection_seconds=meter.collected / NANOSECONDS,
        )
