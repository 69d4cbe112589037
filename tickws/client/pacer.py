"""Which tick an input frame is for: just so early that it is there when its tick begins.

The client reckons the server's tick from the snapshots that came fastest, and adds a lead; the server says with each
snapshot how early the newest frame came (`lead`: 1 is just in time), and the pacer corrects. One frame for each tick,
however many frames a second the client draws. Pure: every time is an argument, in seconds. The same sums, in the same
order, stand in tickws.js.
"""

from __future__ import annotations

import math
from typing import Final

__all__ = ["Pacer"]

FIRST_LEAD: Final = 2
"""Ticks ahead of the server's to begin with."""
LEAST: Final = 1
"""Ticks before its own that a frame must come; one that comes later is too late."""
MOST: Final = 2
"""Ticks early that the latest of a window may be before the lead is taken back."""
WINDOW_SECONDS: Final = 2.0
"""How long frames must have come too early, and how long the fastest snapshot counts."""
CATCH_UP: Final = 12
"""Frames sent at once at most: one picture's at 5 a second. What is beyond is left to the server, which repeats."""
AHEAD: Final = 8
"""Ticks that we may have sent too far ahead before we begin anew: the server has hung, and its time slipped."""
FURTHEST: Final = 60
"""The most that we send ahead: the server takes 64."""
_TOLERANCE: Final = 0.01  # of a tick: times are rounded to microseconds on the wire


class Pacer:
    """The ticks of one client's input frames.

    Args:
        rate: ticks a second.
        tick: the tick that is to come on the server (of the welcome).
        time: when it is due, on the server's clock.
        now: local time.
    """

    __slots__ = (
        "_best",
        "_heard",
        "_last",
        "_least",
        "_offset",
        "_rate",
        "_settled",
        "_since",
        "_slipped",
        "_window",
        "lead",
    )

    def __init__(self, rate: int, tick: int, time: float, now: float) -> None:
        self._rate = rate
        self._offset = now - (time - 1 / rate)  # local less server time, of what came fastest
        self._best = self._offset  # the same, of this window alone
        self._slipped = time - tick / rate
        self._last = tick  # it may run before our first frame is there
        self._window = now
        self._least = FURTHEST  # the smallest lead of this window
        self._since = now
        self._heard = 0  # sequence of the newest frame that the server has spoken of
        self._settled = 1  # sequence of the first frame sent with the present lead
        self.lead = FIRST_LEAD
        """Ticks ahead of what we reckon the server to be at."""

    def snapshot(self, time: float, slipped: float, now: float) -> None:
        """A snapshot came: of server time `time`, `slipped` seconds of which were not simulated."""
        self._slipped = slipped
        sample = now - time
        if now - self._window > WINDOW_SECONDS:
            self._offset = self._best
            self._best = sample
            self._window = now
        self._best = min(self._best, sample)
        self._offset = min(self._offset, self._best)

    def feedback(self, received: int, lead: int, next_sequence: int, now: float) -> None:
        """The server says how early frames came at least, those after its last word up to `received`.

        `next_sequence`: of the frame that is sent next.
        """
        before, self._heard = self._heard, received
        if received == before or before + 1 < self._settled:  # nothing new, or from before the last correction
            return
        if lead < LEAST:
            self._correct(LEAST - lead, next_sequence, now)
            return
        self._least = min(self._least, lead)
        if now - self._since > WINDOW_SECONDS:
            early = self._least - MOST
            self._correct(-max(0, early), next_sequence, now)

    def _correct(self, ticks: int, next_sequence: int, now: float) -> None:
        self.lead = min(max(self.lead + ticks, 0), FURTHEST)
        self._least = FURTHEST
        self._since = now
        if ticks:
            self._settled = next_sequence

    def tick(self, now: float) -> int:
        """The tick that the server is reckoned to have run last, as far as we have heard."""
        return math.floor((now - self._offset - self._slipped) * self._rate + _TOLERANCE)

    def due(self, now: float) -> range:
        """The ticks for which a frame is to be sent now."""
        target = self.tick(now) + self.lead
        if self._last - target > AHEAD:
            self._last = target - 1
        if target <= self._last:
            return range(0)
        first = max(self._last + 1, target - CATCH_UP + 1, 0)
        self._last = target
        return range(first, target + 1)
