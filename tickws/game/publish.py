"""When a snapshot is due, and the newest one there is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from tickws.sync.snapshot import Cuts, World
from tickws.sync.wire import MICROSECONDS

__all__ = ["Publisher", "State"]

State: TypeAlias = Mapping[Any, Any] | Callable[[], Mapping[Any, Any]]


class Publisher:
    """Makes one `World` out of every so many ticks.

    Args:
        rate: ticks a second.
        snapshot_rate: snapshots a second.

    Raises:
        ValueError: the second does not divide the first.
    """

    def __init__(self, rate: int, snapshot_rate: int) -> None:
        if not 0 < snapshot_rate <= rate or rate % snapshot_rate:
            fitting = ", ".join(str(number) for number in range(1, rate + 1) if rate % number == 0)
            raise ValueError(f"snapshot_rate={snapshot_rate} does not divide the loop's rate of {rate}: {fitting} do")
        self._rate = rate
        self._interval = rate // snapshot_rate
        self._due = 0
        self._recent = Cuts(rate)
        self.world: World | None = None
        """The newest one."""
        self.published = 0
        """How many there were."""

    def time(self, number: int, slipped: float) -> int:
        """When a tick is due, in microseconds on the server's clock; `slipped` in seconds."""
        return number * MICROSECONDS // self._rate + round(slipped * MICROSECONDS)

    def publish(self, state: State, number: int, slipped: float) -> bool:
        """Make a world of what is there at the end of tick `number`, if one is due; again in the same tick: anew.

        Returns:
            Whether it did.
        """
        again = self.world is not None and self.world.tick == number
        if number < self._due and not again:
            return False
        made = state() if callable(state) else state
        time = self.time(number, slipped)
        self.world = World(number, time, round(slipped * MICROSECONDS), made, self._recent.recent(number))
        self._due = number - number % self._interval + self._interval  # from the last multiple: no drift, no burst
        self.published += not again
        return True

    def cut(self, entity: object, number: int) -> None:
        """`entity` jumps in tick `number`; told with the next worlds: not with that tick's, if it is made already."""
        made = self.world is not None and self.world.tick == number
        self._recent.cut(entity, number + made)
