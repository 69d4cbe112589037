"""Sustained rates of one connection: who says more than that is not read for a while, and TCP pushes back.

Nothing is dropped, and nobody is closed for it. Reckoned as the generic cell rate algorithm does (ITU-T I.371, annex
A): a link has one time for its messages and one for its bytes, up to which it has spent what it may say, and which may
be ahead of the clock by its burst. The pump adds up (`Pump._serve`), in reading time, and what was said while we did
not listen is not held against anybody; here stand those who wait.
"""

from __future__ import annotations

import heapq
from collections import Counter

from tickws.clock import FOREVER, NANOSECONDS
from tickws.protocol.limits import Limits
from tickws.transport.link import Link

__all__ = ["Rates"]


class Rates:
    """What one endpoint's links may say, and those that are held.

    Args:
        limited: counts how often somebody is held, by the name of the limit.
    """

    def __init__(self, limits: Limits, limited: Counter[str]) -> None:
        self._limited = limited
        self._held: list[tuple[int, int, Link]] = []
        self._order = 0
        self._stale = 0  # entries of links that are not held any more
        self.message_cost = _cost(limits.messages_per_second, limits.messages_burst)
        """Nanoseconds that one message spends."""
        self.byte_cost = _cost(limits.bytes_per_second, limits.bytes_burst)
        """Nanoseconds that one byte spends."""
        self.message_credit = limits.messages_burst * self.message_cost
        """Nanoseconds that a link's messages may be ahead of the clock."""
        self.byte_credit = limits.bytes_burst * self.byte_cost
        """Nanoseconds that a link's bytes may be ahead of the clock."""
        self.on = self.message_cost > 0 or self.byte_cost > 0
        """Whether anything is to be reckoned."""

    @property
    def due(self) -> int:
        """When the next one is read again, in reading time."""
        held = self._held
        while held and held[0][2].held is not held[0]:
            heapq.heappop(held)
            self._stale -= 1
        return held[0][0] if held else FOREVER

    def hold(self, link: Link) -> None:
        """Have a link wait until what it said is within its rates."""
        messages, size = link.message_time - self.message_credit, link.byte_time - self.byte_credit
        self._limited["messages_per_second" if messages >= size else "bytes_per_second"] += 1
        self._order += 1
        link.held = (int(max(messages, size)), self._order, link)
        heapq.heappush(self._held, link.held)

    def forget(self, link: Link) -> None:
        """A link that is held waits no longer; the heap must not pin those that are gone."""
        link.held = None
        self._stale += 1
        if self._stale * 2 > len(self._held):
            self._held = [entry for entry in self._held if entry[2].held is entry]
            heapq.heapify(self._held)
            self._stale = 0

    def pop_due(self, now: int) -> Link | None:
        """A link whose time has come at reading time `now`, taken out; None where there is none."""
        if self.due > now:
            return None
        link = heapq.heappop(self._held)[2]
        link.held = None
        return link


def _cost(rate: float, burst: int) -> float:
    """Nanoseconds of one; a burst lasts for ever at most, and where it is over at once, nothing is reckoned."""
    cost = min(NANOSECONDS / rate, FOREVER / burst)
    return cost if cost * burst >= 1 else 0.0
