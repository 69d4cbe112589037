"""Sustained rates of one connection: who says more than that is not read for a while, and TCP pushes back.

Nothing is dropped, and nobody is closed for it. Reckoned as the generic cell rate algorithm does (ITU-T I.371, annex
A): a link has one time for its messages and one for its bytes, up to which it has spent what it may say, and which may
be ahead of the clock by its burst. The pump adds up (`Pump._serve`), in reading time, and what was said while we did
not listen is not held against anybody; here stand those who wait.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from typing import Final

from tickws.clock import FOREVER, NANOSECONDS, nanoseconds
from tickws.protocol.limits import Limits
from tickws.transport.link import Link, Phase

__all__ = ["LIGHT", "UNIT", "Rates"]

UNIT: Final = nanoseconds(1 / 128)
"""What a message, or a KiB, spends of a link's share, whatever the limits: who says 128 a second or less is light."""
LIGHT: Final = 32 * UNIT
"""By how much a link may be ahead of the clock so, and is light: it is read before those who are not."""


class Rates:
    """What one endpoint's links may say, and those that are held.

    Args:
        limited: counts how often somebody is held, by the name of the limit.
    """

    def __init__(self, limits: Limits, limited: Counter[str]) -> None:
        self._limited = limited
        self._held: list[tuple[int, int, Link]] = []
        self._order = 0
        self.on = math.isfinite(limits.messages_per_second) or math.isfinite(limits.bytes_per_second)
        """Whether anything is to be reckoned."""
        self.message_cost = _cost(limits.messages_per_second)
        """Nanoseconds that one message spends."""
        self.byte_cost = _cost(limits.bytes_per_second)
        """Nanoseconds that one byte spends."""
        self.message_credit = round(limits.messages_burst * self.message_cost)
        """Nanoseconds that a link's messages may be ahead of the clock."""
        self.byte_credit = round(limits.bytes_burst * self.byte_cost)
        """Nanoseconds that a link's bytes may be ahead of the clock."""

    @property
    def due(self) -> int:
        """When the next one is read again, in reading time."""
        return self._held[0][0] if self._held else FOREVER

    def hold(self, link: Link) -> None:
        """Have a link wait until what it said is within its rates."""
        messages, size = link.message_time - self.message_credit, link.byte_time - self.byte_credit
        self._limited["messages_per_second" if messages >= size else "bytes_per_second"] += 1
        link.held = True
        self._order += 1
        heapq.heappush(self._held, (int(max(messages, size)), self._order, link))

    def pop_due(self, now: int) -> Link | None:
        """A link whose time has come at reading time `now`, taken out; None where there is none."""
        while self._held and self._held[0][0] <= now:
            link = heapq.heappop(self._held)[2]
            link.held = False
            if link.phase is not Phase.RELEASED:
                return link
        return None


def _cost(rate: float) -> float:
    return NANOSECONDS / rate if math.isfinite(rate) else 0.0
