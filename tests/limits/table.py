"""The table of limits: each field of `Limits` and `GameLimits` has rows, and each row is tried at, above and below it.

A row's trial takes what it overdoes: 0 is the limit itself, 1 and 2 are above; of times, 0 is the very nanosecond, -1
and 1 are a bit before and after.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from tests.transport.peers import FRAME
from tickws.clock import NANOSECONDS
from tickws.testing import MemoryNetwork
from tickws.transport.endpoint import Endpoint

COUNTED: Final = (0, 1, 2)
TIMED: Final = (-1, 0, 1)


@dataclass(frozen=True)
class Outcome:
    """What became of a trial.

    Args:
        peer: what the peer saw.
        told: what `on_close` was called with; for a game, code and reason of `PlayerLeft`.
        heard: what our program was given, or called with.
        limited: what `statistics().limited` has, all of it.
    """

    peer: object = None
    told: tuple[int, str] | None = None
    heard: object = None
    limited: dict[str, int] | None = None


Trial: TypeAlias = Callable[[str, int], Outcome]
Expected: TypeAlias = Outcome | Callable[[int], Outcome]


@dataclass(frozen=True)
class Row:
    """One field, in one way, overdone by so much."""

    field: str
    way: str
    over: int
    trial: Trial
    within: Outcome
    above: Expected
    timed: bool

    @property
    def expected(self) -> Outcome:
        """What ought to become of it."""
        if self.over < (0 if self.timed else 1):
            return replace(self.within, limited=self.within.limited or {})
        made = self.above if isinstance(self.above, Outcome) else self.above(self.over)
        return replace(made, limited={self.field: 1} if made.limited is None else made.limited)

    def __str__(self) -> str:
        return "-".join([self.field, *self.way.split(), str(self.over)])


class Rows(list[Row]):
    """The rows of one class of limits."""

    def row(
        self,
        field: str,
        *ways: str,
        within: Outcome,
        above: Expected,
        timed: bool = False,
        overs: Sequence[int] | None = None,
    ) -> Callable[[Trial], Trial]:
        """Register a trial of `field`: each way of it, at, above and below the limit.

        Above, the field's counter moves by one unless the outcome says otherwise; within, none does.
        """

        def register(trial: Trial) -> Trial:
            for way in ways or ("",):
                for over in overs or (TIMED if timed else COUNTED):
                    self.append(Row(field, way, over, trial, within, above, timed))
            return trial

        return register


def pass_until(network: MemoryNetwork, seconds: float, *endpoints: Endpoint, since: int = 0) -> None:
    """Let time pass in frames until so many seconds after `since` (nanoseconds), to the nanosecond."""
    instant = since + round(seconds * NANOSECONDS)
    frame = round(FRAME * NANOSECONDS)
    while True:
        for endpoint in endpoints:
            endpoint.work(None, wait=0)
        left = instant - network.clock.now_ns()
        if left <= 0:
            break
        network.clock.advance_to_ns(instant - max(0, left - frame))


def limited(*endpoints: Any) -> dict[str, int]:
    """What limits have done at these, added up."""
    total: dict[str, int] = {}
    for endpoint in endpoints:
        for name, count in endpoint.statistics().limited.items():
            total[name] = total.get(name, 0) + count
    return total
