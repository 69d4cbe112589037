"""How long a link may take: for its handshake, in silence, for its end.

Time here is *reading time* (DESIGN rule 8): it passes while we listen to the network, and at most `STALL` between two
looks at it. A host that hangs for a minute has not heard its peers for that minute; they do not time out for it. Nor
does a link whose bytes are here and not read yet.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from tickws.clock import NANOSECONDS, check_seconds, nanoseconds
from tickws.protocol.limits import Limits
from tickws.transport.link import Keeper, Link, Phase
from tickws.transport.pump import Pump
from tickws.transport.sendqueue import SendQueue
from tickws.transport.timers import Timers

__all__ = ["STALL", "Deadlines"]

logger = logging.getLogger("tickws")

STALL: Final = nanoseconds(0.25)
"""The most reading time that passes between two slices, in nanoseconds; as much as a game loop may owe."""


class Deadlines:
    """The one deadline that each link has, and what follows when it is past.

    Args:
        keeper: loses, ends and releases links.
        pump: has the reading time.
        queue: takes our pings.
        now: the clock, in nanoseconds.
    """

    def __init__(self, keeper: Keeper, pump: Pump, queue: SendQueue, now: Callable[[], int], limits: Limits) -> None:
        self.timers = Timers()
        self.timed_out = 0
        self._keeper = keeper
        self._pump = pump
        self._queue = queue
        self._now = now
        self._limits = limits
        self._handshake_time = check_seconds("handshake_seconds", float(limits.handshake_seconds))
        self._closing_time = check_seconds("closing_seconds", float(limits.closing_seconds))
        self._ping_time = check_seconds("ping_seconds", float(limits.ping_seconds))
        self._dead_time = check_seconds("dead_seconds", float(limits.dead_seconds))

    def handshake(self, link: Link) -> None:
        """The handshake begins."""
        self._arm(link, self._handshake_time)

    def silence(self, link: Link) -> None:
        """The link is open: from now on silence is watched."""
        self._arm(link, self._ping_time)

    def closing(self, link: Link) -> None:
        """We wait for the peer's Close, or for it to take our last words and hang up."""
        link.sent_mark = link.bytes_sent
        self._arm(link, self._closing_time)

    def clear(self, link: Link) -> None:
        """The link is gone."""
        self.timers.clear(link)

    def expire(self, deadline: int) -> int:
        """Serve deadlines that are past, until `deadline`; at least one. Gives the steps."""
        steps = 0
        while (link := self.timers.pop_due(self._pump.reading_time)) is not None:
            steps += 1
            flooding = link.carried and link.expiring  # it says anything but the Close that we wait for
            if link.ready and not flooding and link.phase is not Phase.ENDING:
                self._arm(link, STALL)
            elif link.phase is Phase.OPEN and not link.expiring:
                self._keep_alive(link)
            elif link.phase is Phase.ENDING:
                self._expire_ending(link)
            elif link.expiring:
                self._give_up(link, f"no Close within {self._limits.closing_seconds:g} s")
            else:
                self._give_up(link, f"no answer within {self._limits.handshake_seconds:g} s")
            if self._now() >= deadline:
                break
        return steps

    def _keep_alive(self, link: Link) -> None:
        """Ping a silent peer; give it up where it stays silent after that (any byte proves life)."""
        now = self._pump.reading_time
        if now - link.heard < self._ping_time:
            self._arm(link, self._ping_time - (now - link.heard))
        elif link.pinged <= link.heard:
            link.pinged = now
            link.ping_sent = self._now()
            link.ping_payload = link.ping_sent.to_bytes(8, "big")
            self._queue.ping(link, link.ping_payload)
            self._arm(link, self._dead_time)
        else:
            self._give_up(link, f"silent for {(now - link.heard) / NANOSECONDS:g} s")

    def _expire_ending(self, link: Link) -> None:
        if not link.stream.unsent_bytes:  # all is said, the peer just does not hang up
            self._keeper.release(link)
        elif link.bytes_sent - link.sent_mark >= self._limits.slice_bytes:
            self.closing(link)  # a long answer on a slow line: it goes on
        else:
            self._give_up(link, "does not take our last words")

    def _give_up(self, link: Link, why: str) -> None:
        self.timed_out += 1
        logger.debug("%s: timed out, %s: %s", link.remote_address, link.phase.value, why)
        self._keeper.lose(link, why)

    def _arm(self, link: Link, time: int) -> None:
        self.timers.set(link, self._pump.reading_time + time)
