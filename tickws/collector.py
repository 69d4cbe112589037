"""Time that Python's garbage collector takes: it runs when it likes, in the middle of anything."""

from __future__ import annotations

import gc
from collections.abc import Callable

__all__ = ["Collector"]


class Collector:
    """Times the collector's runs, between `start` and `stop`, which may follow one another any number of times.

    Args:
        now: the clock, in nanoseconds.
    """

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._begun: int | None = None
        self.total = 0
        """Nanoseconds."""
        self.count = 0

    def start(self) -> None:
        """Have every run reported."""
        gc.callbacks.append(self._called)

    def stop(self) -> None:
        """Have no more reported; also without `start`, and a second time."""
        if self._called in gc.callbacks:
            gc.callbacks.remove(self._called)

    def _called(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._begun = self._now()
        elif self._begun is not None:
            self.total += self._now() - self._begun
            self.count += 1
            self._begun = None
