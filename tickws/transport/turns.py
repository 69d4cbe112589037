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
    the same order. Where the time ends before all had a turn, those that had none have a step each at the beginning of
    the next pass, so that nothing starves, however short the time.

    Args:
        meter: has the time.
        kinds: in the order of their importance.
    """

    def __init__(self, meter: Meter, kinds: Sequence[Work]) -> None:
        self._meter = meter
        self._kinds = kinds
        self._missed = len(kinds)  # index of the first kind that had no turn in the last pass
        self.cut = False
        """Whether the last pass ended with its time, not with its work."""

    def run(self, deadline: int) -> None:
        """One pass, until `deadline` (nanoseconds); at least one step."""
        meter, kinds = self._meter, self._kinds
        missed, self._missed = self._missed, len(kinds)
        stepped = False
        self.cut = True
        for index in range(missed, len(kinds)):
            self._missed = index + 1  # also where a callback's error ends the pass
            stepped = kinds[index][0](meter.mark) > 0 or stepped
            if stepped and meter.mark >= deadline:
                return
        first_round = moved = True
        while moved:
            moved = False
            for index, (work, share) in enumerate(kinds):
                if first_round:
                    self._missed = index + 1
                left = max(0, deadline - meter.mark)
                moved = work(meter.mark + left * share // 4) > 0 or moved
                stepped = stepped or moved
                if stepped and meter.mark >= deadline:
                    return
            first_round = False
        self.cut = False
