"""One heap for the deadlines of many links; what time it is, and what follows, is its owner's (see `deadlines`)."""

from __future__ import annotations

import heapq

from tickws.transport.link import Link

__all__ = ["Timers"]


class Timers:
    """One deadline a link, in nanoseconds of reading time."""

    __slots__ = ("_heap", "_live", "_order")

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Link]] = []
        self._order = 0
        self._live = 0

    def set(self, link: Link, due: int) -> None:
        """Give `link` a deadline, in place of the one it had."""
        if link.timer is None:
            self._live += 1
        self._order += 1
        link.timer = (due, self._order, link)
        heapq.heappush(self._heap, link.timer)
        self._compact()

    def clear(self, link: Link) -> None:
        """Take the deadline of `link` away."""
        if link.timer is not None:
            link.timer = None
            self._live -= 1
            self._compact()

    def next_due(self) -> int | None:
        """The earliest deadline; None where there is none."""
        heap = self._heap
        while heap and heap[0][2].timer is not heap[0]:
            heapq.heappop(heap)
        return heap[0][0] if heap else None

    def pop_due(self, now: int) -> Link | None:
        """A link whose deadline is past, taken out; None where there is none."""
        due = self.next_due()
        if due is None or due > now:
            return None
        link = heapq.heappop(self._heap)[2]
        link.timer = None
        self._live -= 1
        return link

    def _compact(self) -> None:
        """Superseded deadlines must not pin the links that they belonged to."""
        if len(self._heap) > 2 * self._live + 64:
            self._heap = [entry for entry in self._heap if entry[2].timer is entry]
            heapq.heapify(self._heap)
