"""Who has how much of a slice: the kinds of work in their order, each with its share of the time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from tickws.transport.steps import Meter

__all__ = ["Turns", "Work"]

Work: TypeAlias = tuple[Callable[[int], int], int]
"""Works until a deadline (nanoseconds), does at least one step if there is one to do, and gives the number of steps;
and its share: so many quarters of the time that is left when its turn comes."""


class Turns:
    """Takes turns among kinds of work.

    Each kind has its share, so none can keep the others waiting; what they do not need goes to those that want more, in
    the same order. Where the time ends before all had a turn, the next pass begins with the first that had none, so
    that nothing starves, however short the time.

    Args:
        meter: has the time.
        kinds: in the order of their importance.
    """

    def __init__(self, meter: Meter, kinds: Sequence[Work]) -> None:
        self._meter = meter
        self._kinds = kinds
        self._first = 0  # index of the kind that the next pass begins with

    def run(self, deadline: int) -> None:
        """One pass, until `deadline` (nanoseconds); at least one step."""
        kinds, meter = self._kinds, self._meter
        first = self._first
        stepped, moved = False, True
        missed = len(kinds)  # kinds that had no turn yet
        while moved:
            moved = False
            for turn in range(len(kinds)):
                index = (first + turn) % len(kinds)
                missed = max(0, missed - 1)
                self._first = (index + 1) % len(kinds) if missed else 0  # also where a callback's error ends the pass
                work, share = kinds[index]
                left = max(0, deadline - meter.mark)
                moved = work(meter.mark + left * share // 4) > 0 or moved
                stepped = stepped or moved
                if stepped and meter.mark >= deadline:
                    return
            self._first = first = 0
