"""What a loop counts from one mark to the next, for whoever asks; it pays nothing while nobody does."""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.commands import Lines, answer
from benchmarks.process import Usage, resident_bytes
from benchmarks.samples import Samples
from tickws.clock import NANOSECONDS
from tickws.statistics import Distribution

__all__ = ["Host", "Mark", "Orders", "now"]

LISTENING_SECONDS = 1e6
"""Longer than any run."""

now = time.perf_counter_ns


@dataclass(frozen=True, slots=True)
class Mark:
    """What happened from one mark to the next. Seconds; None: this kind of loop cannot tell."""

    seconds: float
    cpu_seconds: float
    preempted: int | None
    frames: int | None
    polls: int | None
    empty_polls: int | None
    resident_bytes: int | None
    """Now."""
    open: int
    """Connections, now."""
    closed: int
    """That were closed meanwhile."""
    slipped: float
    late: Distribution
    """From when a tick was due until the frame that ran it began."""
    called: Distribution
    """From when a tick was due until its frame called the first subsystem."""
    delay: Distribution
    """From when a client said something until the callback had it."""
    told: Distribution | None
    """What a `TickLoop` itself says of its frames' lateness, over its last minutes."""

    @classmethod
    def load(cls, row: dict[str, Any]) -> Mark:
        """From JSON."""
        of = {name: Distribution(**row[name]) for name in ("late", "called", "delay", "told") if row[name] is not None}
        return cls(**{**row, **of})


class Orders:
    """What the parent says, taken by a thread that sleeps until it does: a loop without orders pays nothing."""

    def __init__(self, tell: Callable[[str], object]) -> None:
        self._tell = tell
        self._lines = Lines(open(0, "rb", buffering=0, closefd=False))  # noqa: SIM115 (closed by nobody: it is stdin)
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while (line := self._lines.next(LISTENING_SECONDS)) not in (None, "end"):
            self._tell(str(line))
        self._tell("end")


class Host:
    """What all kinds count. It is the game of a contender, too (`contenders.contender.Game`)."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.port: int | None = None
        self.frames: int | None = 0
        self.slipped = 0.0
        self.late, self.called, self.delay = Samples(), Samples(), Samples()
        self._open = self._closed = 0
        self._before: dict[str, Any] = self._counters()

    def run(self) -> None:
        """Until the end is told."""
        raise NotImplementedError

    def order(self, line: str) -> None:
        """The parent has said something; on the loop's thread."""
        if line == "mark":
            self._mark()
        else:
            self.stop()

    def stop(self) -> None:
        """Let `run` return."""

    def polls(self) -> tuple[int | None, int | None]:
        """Polls, and those that found nothing though they slept."""
        return None, None

    def told(self) -> Distribution | None:
        """What the loop says of its lateness."""
        return None

    # -- what a server says ------------------------------------------------------------------------------------------

    def opened(self, *_: object) -> None:
        """Somebody is in."""
        self._open += 1

    def closed(self, *_: object) -> None:
        """Somebody is gone."""
        self._open -= 1
        self._closed += 1

    def message(self, payload: str | bytes) -> bytes | None:
        """Somebody has said something."""
        return None

    def reading(self, begun: int) -> None:
        """A frame of a contender begins."""

    def sliced(self, duration: int, cpu: int) -> None:
        """A contender's frame is over."""

    # -- from mark to mark -------------------------------------------------------------------------------------------

    def _counters(self) -> dict[str, Any]:
        polls, empty = self.polls()
        return {
            "at": now(),
            "usage": Usage.now(),
            "frames": self.frames,
            "polls": polls,
            "empty_polls": empty,
            "closed": self._closed,
            "slipped": self.slipped,
        }

    def _mark(self) -> None:
        after, before = self._counters(), self._before

        def passed(name: str) -> Any:
            return None if after[name] is None or before[name] is None else after[name] - before[name]

        usage = after["usage"].since(before["usage"])
        late, called, delay = self.late, self.called, self.delay
        self.late, self.called, self.delay = Samples(), Samples(), Samples()
        counted = {name: passed(name) for name in ("frames", "polls", "empty_polls", "closed", "slipped")}
        mark = Mark(
            seconds=passed("at") / NANOSECONDS,
            cpu_seconds=usage.cpu_seconds,
            preempted=usage.preempted,
            resident_bytes=resident_bytes(),
            open=self._open,
            late=late.distribution(),
            called=called.distribution(),
            delay=delay.distribution(),
            told=self.told(),
            **counted,
        )
        answer(asdict(mark))
        self._before = self._counters()
