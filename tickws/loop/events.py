"""What the loop says on its bus, and in the log: in the words of somebody who has to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Cause", "LoopSlipped", "LoopSlow"]


class Cause(StrEnum):
    """What can make ticks come late."""

    SYSTEM = "system"
    """A system, or a subsystem's `tick`."""
    NETWORK = "network"
    """A subsystem's `receive` and `flush`."""
    WAIT = "wait"
    """Sleep inside a subsystem: a `work` that waits beside the clock that paces the frames."""
    COLLECTOR = "collector"
    """Python's garbage collector."""
    BUS = "bus"
    """Subscribers of the bus."""
    HOST = "host"
    """Whatever happens between two calls of `frame()`; in `run()`: a sleep that took longer than it was told."""


@dataclass(frozen=True, slots=True)
class LoopSlipped:
    """Time that will never be simulated: more was owed than the loop makes up for (`timestep.MOST_OWED`)."""

    seconds: float
    """That slipped now."""
    total: float
    """Seconds that have slipped since the loop began."""
    tick: int
    """The number of the next tick; numbers stay without gaps."""

    def __str__(self) -> str:
        return f"{self.seconds:.3f} s slipped before tick {self.tick}, {self.total:.3f} s in total"


@dataclass(frozen=True, slots=True)
class LoopSlow:
    """Ten ticks in a row came late by more than 0.3 of a period (lance's rule), or in frames that did.

    Once per spell and cause. A spell of slowness ends with ten ticks in a row that are on time.
    """

    late: float
    """Seconds by which the last of these ticks was late. In `run()`: after it was due. In a loop of your own: by which
    its frame came later than one period after the one before."""
    period: float
    """Seconds from tick to tick, as they should be."""
    cause: Cause
    """What most of the time was spent on; compares equal to "system", "network", "wait", "collector", "bus", "host"."""
    name: str
    """Of the system or subsystem; else of the cause."""
    seconds: float
    """Spent by `name` for each tick ("system", "bus") or each frame (the others), on average."""
    total: float
    """Likewise, by all that share the cause."""
    every: float
    """Seconds from frame to frame, on average."""
    tick: int
    """The number of the last of these ticks."""
    hosted: bool
    """Whether the frames come from a loop of yours, which calls `frame()`."""

    def __str__(self) -> str:
        frames = f"frames come every {_ms(self.every)} while ticks take {_ms(self.period)}"
        head = frames if self.hosted or self.late <= 0.3 * self.period else f"ticks are {_ms(self.late)} late"
        advice = _ADVICE[self.cause if self.hosted or self.cause is not Cause.HOST else None]
        several = f" ({_ms(self.total)} with the others)" if _ms(self.total) != _ms(self.seconds) else ""
        return f"{head}: " + advice.format(name=self.name, seconds=_ms(self.seconds) + several, period=_ms(self.period))


_ADVICE = {
    Cause.SYSTEM: "{name} takes {seconds} of each tick's {period}",
    Cause.NETWORK: "{name} takes {seconds} of each frame to receive and flush. A budget bounds it: "
    "loop.add(server, budget=0.004)",
    Cause.WAIT: "{seconds} of each frame are slept inside {name}, by a work() or receive() that waits beside the clock "
    "that paces your frames. Wait in one place: say work(budget, wait=0), or leave the call out, as the loop receives "
    "and flushes in each frame",
    Cause.COLLECTOR: "the {name} takes {seconds} of each frame. gc.freeze() after loading, and fewer objects that "
    "refer to each other, make it cheaper",
    Cause.BUS: "subscribers of the bus take {seconds} of each tick's {period}",
    Cause.HOST: "{seconds} of that pass outside of loop.frame(). If that is not your drawing, look for a second wait, "
    "such as server.work(0.020) beside clock.tick(60): say server.work(0.004, wait=0), or receive and flush, or leave "
    "it to the loop: loop.add(server)",
    None: "the machine lets the loop sleep {seconds} too long in each frame. It is busy, or its timers are coarse",
}
"""What the text says of a cause; None: of the host in `run()`, where there is none but the machine."""

assert _ADVICE.keys() == {*Cause, None}


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"
