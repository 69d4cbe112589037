"""Who does not take what we send: since when, and whether that was told (`on_slow`).

Only connections whose socket has refused something are here, so that those who keep up cost nothing.
"""

from __future__ import annotations

from threading import RLock
from typing import Final

from tickws.clock import FOREVER, NANOSECONDS, check_seconds, nanoseconds
from tickws.protocol.limits import Limits
from tickws.transport.link import Link
from tickws.transport.readingtime import ReadingTime

__all__ = ["Backlog"]

SHORTEST: Final = nanoseconds(0.016)
"""From one look for slow ones to the next, in nanoseconds, at least."""


class Backlog:
    """The links of one endpoint that have something waiting for their sockets.

    Args:
        listened: the time that ages are counted in.
        lock: the outboxes'.
    """

    def __init__(self, limits: Limits, listened: ReadingTime, lock: RLock) -> None:
        self._limits = limits
        self._listened = listened
        self._lock = lock
        self._slow_time = check_seconds("slow_seconds", float(limits.slow_seconds))
        self._interval = max(self._slow_time // 4, SHORTEST)
        self._told: dict[Link, bool] = {}
        self.due = FOREVER
        """When to look for slow ones next, in reading time."""

    def update(self, link: Link) -> None:
        """A link was written to: the socket took it all, or it did not."""
        outbox = link.outbox
        if link.stream.unsent_bytes:
            with self._lock:
                outbox.block()
            if link not in self._told:
                self._told[link] = False
                self.due = min(self.due, self._listened.now + self._interval)
        elif link in self._told:  # also where its queue was dropped meanwhile
            with self._lock:
                outbox.unblock()
            if outbox.waiting is None:
                self.forget(link)

    def forget(self, link: Link) -> None:
        """Nothing waits any more, or nothing will be written."""
        self._told.pop(link, None)

    def slow(self) -> list[tuple[Link, float]]:
        """Who has become slow: the links, and the age in seconds of the oldest byte that waits; each once a spell.

        Slow is whose oldest byte waits for `limits.slow_seconds`, or who has filled half of its queue meanwhile. Is
        looked for four times in that time; a spell is over when all that waited is written.
        """
        now = self._listened.now
        if now < self.due:
            return []
        found = [(link, link.outbox.age) for link, told in self._told.items() if not told]
        found = [(link, age) for link, age in found if age * NANOSECONDS >= self._slow_time or self._half_full(link)]
        for link, _ in found:
            self._told[link] = True
        self.due = FOREVER if all(self._told.values()) else now + self._interval
        return found

    def _half_full(self, link: Link) -> bool:
        outbox, limits = link.outbox, self._limits
        return outbox.queued_bytes * 2 > limits.queue_bytes or outbox.queued_messages * 2 > limits.queue_messages
