"""Fixed steps from elapsed time: pure arithmetic, no clock.

An accumulator as in Gaffer's *Fix Your Timestep*: time that passes is owed to the simulation, each tick pays one period
back. A sixtieth of a second is no whole number of nanoseconds, so what is owed is counted in nanoseconds x rate, in
which every period is exactly 10**9. Nothing is ever rounded, so nothing drifts: at any moment

    ticks / rate + owed + slipped == elapsed + 1 / rate

The one period at the end is tick 0, which is owed from the start: it is due at once, and tick n at n / rate.

What may be owed is bounded: a simulation that cannot keep up must not owe ever more, and run ever more ticks for it
(the spiral of death). What is beyond *slips*: it is counted and never made up for; ticks keep their numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tickws.clock import NANOSECONDS

__all__ = ["MOST_OWED", "MOST_RATE", "MOST_TICKS", "Tick", "Timestep"]

MOST_OWED: Final = 0.25
"""Seconds that may be owed (Fix Your Timestep, Bevy: 250 ms). Ticks of less than 8 Hz: two periods, so that a tick that
comes a little late is none the worse."""

MOST_TICKS: Final = 5
"""Ticks in one frame; what else is owed stays owed (FishNet 3, netfox 8)."""

MOST_RATE: Final = 1000
"""Ticks a second: beyond it, a frame costs more than its period."""


@dataclass(frozen=True, slots=True)
class Tick:
    """One fixed step of the simulation."""

    number: int
    """From 0, without gaps."""
    dt: float
    """Seconds that it simulates: 1/rate, always the same."""
    time: float
    """Simulated seconds before it: number/rate."""


class Timestep:
    """How many ticks are due.

    Args:
        rate: ticks a second, 1 to 1000.

    Raises:
        TypeError: `rate` is no int: a period is exact only for whole rates.
        ValueError: it is out of range.
    """

    __slots__ = ("_most", "_owed", "_slipped", "rate", "ticks")

    def __init__(self, rate: int) -> None:
        if isinstance(rate, bool) or not isinstance(rate, int):
            raise TypeError(f"rate is a whole number of ticks a second, not {rate!r}")
        if not 1 <= rate <= MOST_RATE:
            raise ValueError(f"rate is 1 to {MOST_RATE} ticks a second, not {rate}")
        self.rate = rate
        self.ticks = 0
        """How many ran; the number of the next."""
        # All three in nanoseconds x rate: a period is NANOSECONDS of them.
        self._most = max(round(MOST_OWED * NANOSECONDS) * rate, 2 * NANOSECONDS)
        self._owed = NANOSECONDS
        self._slipped = 0

    def elapse(self, duration: int) -> float:
        """Let `duration` nanoseconds pass; a negative one counts as none. Gives the seconds that slip."""
        self._owed += max(0, duration) * self.rate
        surplus = self._owed - self._most
        if surplus <= 0:
            return 0.0
        self._owed -= surplus
        self._slipped += surplus
        return self._seconds(surplus)

    def step(self) -> None:
        """One tick has run, or is about to."""
        self._owed -= NANOSECONDS
        self.ticks += 1

    @property
    def due(self) -> int:
        """Ticks to run in this frame: 0 to 5."""
        return max(0, min(self._owed // NANOSECONDS, MOST_TICKS))

    @property
    def late(self) -> int:
        """Nanoseconds since the next tick became due, rounded down; negative: until it does."""
        return (self._owed - NANOSECONDS) // self.rate

    @property
    def left(self) -> int:
        """Nanoseconds until the next tick is due, rounded up, so that after them it is; 0 where it is due now."""
        return max(0, -self.late)

    @property
    def alpha(self) -> float:
        """How far the moment is between the last tick (0.0) and the next (1.0): where to draw what moves."""
        return max(0.0, min(1.0, self._owed / NANOSECONDS))

    @property
    def owed(self) -> float:
        """Seconds that have passed and were not simulated yet."""
        return self._seconds(self._owed)

    @property
    def slipped(self) -> float:
        """Seconds that will never be simulated, in total."""
        return self._seconds(self._slipped)

    def _seconds(self, amount: int) -> float:
        return amount / (NANOSECONDS * self.rate)
