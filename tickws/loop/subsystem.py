"""What a loop turns: a `Subsystem`, or anything that has one of its methods.

A plain `WebSocketServer` has `receive`, `flush` and `close`, and is added as it is. What is not there, or still the
base class's no-op, is never called and costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

from tickws.bus import EventBus
from tickws.clock import FOREVER, NANOSECONDS, Clock, nanoseconds
from tickws.errors import check_callback
from tickws.loop.events import Cause
from tickws.loop.ledger import Account, Ledger
from tickws.loop.timestep import Tick

__all__ = ["Loop", "Member", "Subsystem"]

RESERVE: Final = 4
"""One part in so many of a budget is flush's own."""

_ARGUMENTS = {
    "attach": ("loop",),
    "receive": ("budget",),
    "tick": ("tick",),
    "flush": ("budget",),
    "idle": ("seconds",),
    "close": (),
}
"""The methods of a subsystem, and what each is called with."""


class Loop(Protocol):
    """What a subsystem may know of the loop that it is on; a `TickLoop` is one."""

    rate: int
    """Ticks a second."""
    clock: Clock
    bus: EventBus

    @property
    def slipped(self) -> float:
        """Seconds that will never be simulated."""


class Subsystem:
    """Base class for what `TickLoop.add` takes; override what you need. All of it is called on the loop's thread."""

    def attach(self, loop: Loop) -> None:
        """It is being added to `loop`. An exception keeps it out."""

    def receive(self, budget: float | None) -> object:
        """The frame begins: take in what the world says.

        Args:
            budget: seconds that this may take; zero: one step; None: no limit. It must not wait for anything.
        """

    def tick(self, tick: Tick) -> None:
        """One tick: before the game's systems, after the bus."""

    def flush(self, budget: float | None) -> object:
        """The frame ends: say what is to be said. Is called whatever happened before, exceptions too.

        Args:
            budget: as `receive`'s; a quarter of what both have is kept for this one.
        """

    def idle(self, seconds: float) -> None:
        """Nothing is to be done for `seconds`. Sleeping longer makes the next tick late."""

    def wait(self, seconds: float) -> bool:
        """Sleep at most `seconds`, until there is something to receive; whether there is. Only for `wake_on_input`."""
        return False

    def close(self) -> None:
        """The loop ends. Where a subsystem is a context manager, its `__exit__` is called instead."""

    @property
    def waited(self) -> float:
        """Seconds asleep inside these methods, in total: by it the loop tells a wait from work. May be an attribute."""
        return 0.0

    @property
    def behind(self) -> bool:
        """Whether the last `receive` ended with its budget, not with its work. May be an attribute.

        Where it has `most`, and the frame has time left behind `flush`, both are called once more.
        """
        return False


class Member:
    """A subsystem in a loop: which methods it has, what it may use, and what it used.

    Args:
        subsystem: what was added.
        budget: nanoseconds for `receive` and `flush` together in one frame; FOREVER: no limit.
        most: the same where the frame has time left; None: `budget`.

    Raises:
        TypeError: it has none of the methods, or one of them cannot be called as the loop does.
        ValueError: `most` is less than `budget`.
    """

    def __init__(self, subsystem: Any, budget: int, most: int | None = None) -> None:
        _check_methods(subsystem)
        self.subsystem = subsystem
        self.budget = budget
        self.most = budget if most is None else most
        if self.most < budget:
            unlimited = ": without a budget there is no limit, and no most" if budget >= FOREVER else ""
            raise ValueError(f"most is what it may use where a frame has time left, no less than budget{unlimited}")
        self.network = Account(Cause.NETWORK, "")
        self.ticking = Account(Cause.SYSTEM, "")
        self.waiting = Account(Cause.WAIT, "")
        self.used = 0
        """Nanoseconds that it used in this frame."""
        self.attach = _own(subsystem, "attach")
        self._receive = _own(subsystem, "receive")
        self.tick = _own(subsystem, "tick")
        self._flush = _own(subsystem, "flush")
        self.idle = _own(subsystem, "idle")
        self.wait = _own(subsystem, "wait")
        self._waited = self._read_waited()
        self._allowed = budget  # in this frame
        self._spent = 0  # as `used`, without the collector's

    def receive(self, ledger: Ledger, allowed: int, more: int = 0) -> None:
        """Have it receive in `allowed` nanoseconds, less a quarter which is `flush`'s, and in `more` that are free."""
        self._allowed = allowed
        self._spent = self.used = 0
        self._call(ledger, self._receive, allowed - allowed // RESERVE + more)

    def flush(self, ledger: Ledger, left: int = 0) -> None:
        """Have it flush in what `receive` left, at least the reserve, and up to `most` where there are `left`."""
        allowed = max(self.owed, min(self.most - self.used, left))
        try:
            self._call(ledger, self._flush, allowed)
        finally:
            ledger.sample(self.network, self._spent, self.used, self.most)

    @property
    def reserve(self) -> int:
        """What `receive` leaves to `flush` in this frame."""
        return self._allowed // RESERVE

    @property
    def owed(self) -> int:
        """What `flush` has in this frame, whatever the others need."""
        return max(self._allowed - self.used, self.reserve)

    def serve(self, ledger: Ledger, allowed: int) -> None:
        """Once more in the same frame, which has `allowed` left: receive, and flush what that gave rise to."""
        before, spent = self.used, self._spent
        try:
            self._call(ledger, self._receive, allowed - allowed // RESERVE)
        finally:
            try:
                self._call(ledger, self._flush, max(allowed // RESERVE, before + allowed - self.used))
            finally:
                ledger.sample(self.network, self._spent - spent, self.used - before, self.most - before)

    def _call(self, ledger: Ledger, half: Callable[[Any], object] | None, allowed: int) -> None:
        if half is None:
            return
        begun = ledger.mark
        try:
            half(None if allowed > FOREVER // 2 else allowed / NANOSECONDS)
        finally:
            self._spent += ledger.lap(self.network)
            self.used += ledger.mark - begun

    @property
    def behind(self) -> bool:
        """Whether it could use more time than its budget, and may."""
        return self.used < self.most and self.most > self.budget and bool(getattr(self.subsystem, "behind", False))

    @property
    def name(self) -> str:
        """What its accounts are kept under."""
        return self.network.name

    @name.setter
    def name(self, name: str) -> None:
        for account in (self.network, self.ticking, self.waiting):
            account.name = name

    def leave(self) -> None:
        """Close it: by its `__exit__`, if it is a context manager, else by its `close`."""
        leave = getattr(type(self.subsystem), "__exit__", None)
        close = getattr(self.subsystem, "close", None)
        if leave is not None:
            leave(self.subsystem, None, None, None)
        elif callable(close):
            close()

    def book_waits(self) -> None:
        """Book what it slept since the last time."""
        waited = self._read_waited()
        if waited != self._waited:
            self.waiting.pending += nanoseconds(waited - self._waited)
            self._waited = waited

    def sleep(self, seconds: float) -> bool:
        """Have it `wait`: a sleep that the loop has asked for is nobody's fault. Whether there is something to do."""
        assert self.wait is not None
        try:
            return bool(self.wait(seconds))
        finally:
            self._waited = self._read_waited()

    def _read_waited(self) -> float:
        waited: float = getattr(self.subsystem, "waited", 0.0)
        return waited


def _check_methods(subsystem: Any) -> None:
    """Raise TypeError for what a loop has nothing to do with, or cannot call."""
    if isinstance(subsystem, type):
        raise TypeError(f"add an instance: {subsystem.__name__}(...), not the class")
    found = [method for method in _ARGUMENTS if callable(getattr(subsystem, method, None))]
    if not found:
        hint = "; for a function there is @loop.system" if callable(subsystem) else ""
        raise TypeError(f"a subsystem has one of {', '.join(_ARGUMENTS)}; {subsystem!r} has none{hint}")
    for method in found:
        check_callback(f"{type(subsystem).__name__}.{method}", getattr(subsystem, method), _ARGUMENTS[method])


def _own(subsystem: Any, method: str) -> Callable[[Any], object] | None:
    """A bound method; None for what is not there, or still the base class's no-op."""
    own: Callable[[Any], object] | None = getattr(subsystem, method, None)
    if not callable(own) or getattr(own, "__func__", None) is getattr(Subsystem, method):
        return None
    return own
