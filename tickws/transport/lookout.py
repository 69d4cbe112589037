"""The look at the network: the only place that may sleep, and where reading time passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tickws.clock import FOREVER, NANOSECONDS
from tickws.transport.link import Phase
from tickws.transport.links import Links
from tickws.transport.poller import READABLE, Poller
from tickws.transport.readingtime import STALL
from tickws.transport.steps import Step

__all__ = ["Lookout"]

_OPEN = Phase.OPEN

ASLEEP: Final = 100_000
"""Nanoseconds: a poll that took longer has slept, and was woken by what it found."""


class Lookout:
    """Polls for one endpoint.

    Args:
        busy: whether anything can be done without the network's help; asked under the lock.
        next_due: the earliest deadline, in reading time.
        notice: told of a descriptor that is no link's.
    """

    def __init__(
        self,
        poller: Poller,
        links: Links,
        busy: Callable[[], bool],
        next_due: Callable[[], int],
        notice: Callable[[int], None],
    ) -> None:
        self._busy = busy
        self._next_due = next_due
        self._notice = notice
        self._poller = poller
        self._links = links
        self._meter = links.meter
        self._listened = links.listened
        self._looked = links.meter.now()
        self._found: list[tuple[int, int]] | None = None  # by `quiet`, for `look`
        self.rest = 0
        """The earliest deadline, while nothing has happened since it was asked for; 0: something has."""
        self.slept = 0
        """Nanoseconds asleep where that was allowed, in total."""
        self.polls = 0
        self.empty_polls = 0
        """Of those, which slept and woke before their time with nothing to do."""

    def quiet(self) -> bool:
        """Look, without sleep: whether there is nothing at all to do. Where there is, `look` must follow.

        Most frames of most games end here, and a frame that wakes up finds its code gone from the processor's caches:
        so this is short, and asks again only what may have changed since it was quiet before.
        """
        links, listened = self._links, self._listened
        if not self.rest:
            if self._busy() or links.queue.watched:
                return False
            self.rest = self._next_due()
        if links.queue.pending or links.notices.farewells:  # by other threads; by `abort` between two slices
            return False
        now = self._meter.now()
        heard = listened.now + min(now - self._looked, STALL)
        if heard >= self.rest:
            return False
        found = self._poller.poll(0)
        if found:
            self._found = found
            return False
        listened.advance(heard - listened.now, now - self._looked)
        self._looked = now
        self.polls += 1
        self._meter.quiet()
        return True

    def look(self, wait: int) -> None:
        """Take in what the network has, asleep for at most `wait` nanoseconds while there is nothing to do."""
        links, listened, meter = self._links, self._listened, self._meter
        before = meter.mark
        listened.advance(self.unheard(before), before - self._looked)
        found, self._found = self._found, None
        if found is not None:
            wait = 0
        if wait > 0:
            with links.queue.lock:
                wait = 0 if self._busy() else max(0, min(wait, self._next_due() - listened.now))
                links.queue.sleeping = wait > 0
        try:
            if found is None:
                found = self._poller.poll(0 if not wait else None if wait >= FOREVER // 2 else wait / NANOSECONDS)
        finally:
            links.queue.sleeping = False
        looked = self._looked
        self._looked = meter.now()
        self.polls += 1
        passed = self._looked - before
        if wait > 0:
            self.slept += passed
            meter.mark = self._looked
        listened.advance(min(passed, wait + STALL), passed)
        ready, heavy, light = links.pump.ready, links.pump.heavy, listened.light_until
        if wait > 0 and passed > ASLEEP:
            links.arrivals.since = self._looked
        elif not ready:  # all that was found before is read
            links.arrivals.since = looked
        for fd, events in found:
            link = links.by_fd.get(fd)
            if link is not None:
                if events == READABLE and link.phase is _OPEN:  # nearly always
                    if not link.ready:
                        link.ready = True
                        (ready if link.spent <= light else heavy).append(link)
                else:
                    links.notice(link, events)
            elif fd == self._poller.wake_fd:
                links.queue.awake()
            else:
                self._notice(fd)
        meter.lap(Step.POLL)
        if wait > 0 and not found and self._next_due() > listened.now and passed < wait:
            self.empty_polls += 1

    def unheard(self, now: int) -> int:
        """What counts of the time since the last look: a host that waits for our descriptor listens in our place."""
        passed = now - self._looked
        if passed <= STALL or not self._links.queue.watched:
            return min(passed, STALL)
        most = self._next_due() - self._listened.now
        return min(passed, max(STALL, most))  # beyond the next deadline it did not wait, it hung
