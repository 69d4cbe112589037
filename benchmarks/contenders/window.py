"""What is measured in a server's process, between one command and the next."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from time import perf_counter_ns
from typing import Any

from benchmarks.payloads import Kind
from benchmarks.process import Usage, resident_bytes
from benchmarks.samples import Samples
from tickws.clock import NANOSECONDS, nanoseconds
from tickws.statistics import Distribution

__all__ = ["BUDGET", "LATE", "RATE", "Window", "WindowResult"]

RATE = 60
"""Ticks a second."""
BUDGET = 0.004
"""Seconds of a frame for the server, unless told otherwise."""
LATE = nanoseconds(1 / RATE + BUDGET)
"""Who speaks just behind one frame's `receive` is heard a tick later, and then as late in it as others take."""
OVERRUN = nanoseconds(BUDGET + 0.001)


@dataclass(frozen=True, slots=True)
class WindowResult:
    """One window. Times in seconds."""

    name: str
    seconds: float
    frames: int
    slice: Distribution
    """What the server's calls took, by frame."""
    slice_cpu: Distribution
    """CPU time of the same: where that is far below, the process was not running."""
    overruns: int
    """Slices that took a millisecond more than `BUDGET`, or longer."""
    interval: Distribution
    """From the beginning of one frame to that of the next."""
    delay: dict[str, Distribution]
    """From when a client said something to when the callback got it, by kind of client."""
    missed: int
    """Players' inputs that were not heard in the first frame that began after they were said."""
    late: int
    """Players' inputs that were heard more than a tick and `BUDGET` after they were said."""
    messages: dict[str, int]
    """By kind of client."""
    opened: int
    closed: int
    slipped: float
    callback_worst: float
    """The longest callback."""
    cpu_seconds: float
    preempted: int | None
    """Times that the system gave the CPU to somebody else while we wanted it."""
    collections: int
    resident_begin: int
    resident_end: int
    resident_peak: int

    @classmethod
    def load(cls, row: dict[str, Any]) -> WindowResult:
        """From JSON."""
        delay = {kind: Distribution(**of) for kind, of in row["delay"].items()}
        of = {name: Distribution(**row[name]) for name in ("slice", "slice_cpu", "interval")}
        return cls(**{**row, **of, "delay": delay})


@dataclass(slots=True)
class Window:
    """A window that is open.

    Args:
        slipped: of the loop, when it opened.
    """

    name: str
    slipped: float
    begun: int = field(default_factory=perf_counter_ns)
    usage: Usage = field(default_factory=Usage.now)
    slice: Samples = field(default_factory=Samples)
    slice_cpu: Samples = field(default_factory=Samples)
    interval: Samples = field(default_factory=Samples)
    delay: dict[Kind, Samples] = field(default_factory=lambda: {kind: Samples() for kind in Kind})
    messages: Counter[Kind] = field(default_factory=Counter)
    missed: int = 0
    opened: int = 0
    closed: int = 0
    callback_worst: int = 0
    resident_begin: int = field(default_factory=lambda: resident_bytes() or 0)
    resident_end: int = 0
    resident_peak: int = 0
    ended: int = 0

    def sample_memory(self) -> None:
        """Look at the memory."""
        self.resident_end = resident_bytes() or 0
        self.resident_peak = max(self.resident_peak, self.resident_end)

    def close(self, slipped: float) -> None:
        """It ends now; what takes long is left to `result`.

        Args:
            slipped: of the loop.
        """
        self.sample_memory()
        self.usage = Usage.now().since(self.usage)
        self.slipped = slipped - self.slipped
        self.ended = perf_counter_ns()

    def result(self) -> WindowResult:
        """What was measured."""
        spread = self.slice.distribution()
        return WindowResult(
            name=self.name,
            seconds=(self.ended - self.begun) / NANOSECONDS,
            frames=spread.count,
            slice=spread,
            slice_cpu=self.slice_cpu.distribution(),
            overruns=self.slice.over(OVERRUN),
            interval=self.interval.distribution(),
            delay={kind.name.lower(): samples.distribution() for kind, samples in self.delay.items()},
            missed=self.missed,
            late=self.delay[Kind.PLAYER].over(LATE),
            messages={kind.name.lower(): count for kind, count in self.messages.items()},
            opened=self.opened,
            closed=self.closed,
            slipped=self.slipped,
            callback_worst=self.callback_worst / NANOSECONDS,
            cpu_seconds=self.usage.cpu_seconds,
            preempted=self.usage.preempted,
            collections=self.usage.collections,
            resident_begin=self.resident_begin,
            resident_end=self.resident_end,
            resident_peak=self.resident_peak,
        )
