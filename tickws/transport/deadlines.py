"""How long a link may take: for its handshake, in silence, for its end.

Time here is reading time (`readingtime`). A link whose bytes are here and not read yet does not time out either.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from typing import Final

from tickws.clock import NANOSECONDS, check_seconds, nanoseconds
from tickws.protocol.limits import Limits
from tickws.transport.link import Keeper, Link, Phase
from tickws.transport.outbox import Fragments
from tickws.transport.readingtime import STALL, ReadingTime
from tickws.transport.sendqueue import SendQueue
from tickws.transport.steps import Meter, Step
from tickws.transport.timers import Timers

__all__ = ["Deadlines"]

BEAT: Final = nanoseconds(0.5)
"""Silence is looked for once in so many nanoseconds, but forty times in `limits.ping_seconds`: pings are that late."""

PING_BYTES: Final = 8
"""Random ones: a Pong that was said before its Ping came would make the line look shorter than it is."""

logger = logging.getLogger("tickws")


class Deadlines:
    """The one deadline that each link has, and what follows when it is past.

    Args:
        keeper: loses, ends and releases links.
        listened: the reading time.
        queue: takes our pings.
        meter: has the clock, and is told of each step.
        limited: counts what limits have done, by their names.
        random: gives so many random bytes.
    """

    def __init__(
        self,
        keeper: Keeper,
        listened: ReadingTime,
        queue: SendQueue,
        meter: Meter,
        limits: Limits,
        limited: Counter[str],
        random: Callable[[int], bytes],
    ) -> None:
        self._random = random
        self.timers = Timers()
        self.timed_out = 0
        self._limited = limited
        self._keeper = keeper
        self._listened = listened
        self._queue = queue
        self._meter = meter
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
        self._arm_ping(link, self._ping_time)

    def closing(self, link: Link) -> None:
        """We wait for the peer's Close, or for it to take our last words and hang up."""
        link.sent_mark = link.bytes_sent - link.stream.taken_less
        self._arm(link, self._closing_time)

    def clear(self, link: Link) -> None:
        """The link is gone."""
        self.timers.clear(link)

    def expire(self, deadline: int) -> int:
        """Serve deadlines that are past, until `deadline`; at least one. Gives the steps."""
        steps = 0
        while (link := self.timers.pop_due(self._listened.now)) is not None:
            steps += 1
            # it says anything but the Close that we wait for
            flooding = link.expiring and (
                link.held is not None or link.carried or link.stream.pending or link.spent > self._listened.light_until
            )
            if link.ready and not flooding and link.phase is not Phase.ENDING:
                self._arm(link, STALL)
            elif link.phase is Phase.OPEN and not link.expiring:
                self._keep_alive(link)
            elif link.phase is Phase.ENDING:
                self._expire_ending(link)
            elif link.expiring and self._takes_more(link):
                self.closing(link)
            elif link.expiring:
                self._give_up(link, "closing_seconds", f"no Close within {self._limits.closing_seconds:g} s")
            else:
                self._give_up(link, "handshake_seconds", f"no answer within {self._limits.handshake_seconds:g} s")
            if self._meter.lap(Step.DEADLINE) >= deadline:
                break
        return steps

    def _keep_alive(self, link: Link) -> None:
        """Ping a silent peer; give it up where it stays silent after that (any byte proves life)."""
        now = self._listened.now
        if now - link.heard < self._ping_time:
            self._arm_ping(link, self._ping_time - (now - link.heard))
        elif link.pinged <= link.heard:
            link.pinged = now
            self._limited["ping_seconds"] += 1
            link.ping_sent = 0  # see `Link.commit`
            link.ping_payload = self._random(PING_BYTES)
            self._queue.ping(link, link.ping_payload)
            self._arm(link, min(self._dead_time, self._ping_time))
        elif (left := self._dead_time - (now - link.pinged)) > 0:
            self._arm(link, min(left, self._ping_time))  # who answered, and then went silent, is pinged in its time
        else:
            self._give_up(link, "dead_seconds", f"silent for {(now - link.heard) / NANOSECONDS:g} s")

    def _expire_ending(self, link: Link) -> None:
        if not link.stream.unsent_bytes:  # all is said, the peer just does not hang up
            self._keeper.release(link)
        elif self._takes_more(link):
            self.closing(link)
        else:
            self._give_up(link, "closing_seconds", "does not take our last words")

    def _takes_more(self, link: Link) -> bool:
        """Whether the peer still takes what is said before the end, on a slow line.

        A story in fragments may have no end, and Pongs behind our Close have none where somebody pings on and on.
        """
        with self._queue.lock:
            endless = isinstance(link.outbox.unmade, Fragments) or (link.dismissed and link.phase is Phase.CLOSING)
            unsaid = not endless and (link.stream.unsent_bytes > 0 or link.unsaid)
        taken = link.bytes_sent - link.stream.taken_less
        return unsaid and taken - link.sent_mark >= self._limits.slice_bytes

    def _give_up(self, link: Link, limit: str, why: str) -> None:
        self.timed_out += 1
        self._limited[limit] += 1
        logger.debug("%r: timed out, %s: %s", link.remote_address, link.phase.value, why)
        self._keeper.lose(link, why)

    def _arm_ping(self, link: Link, time: int) -> None:
        """As `_arm`, but at the next beat: pings that go together wake an idle server once, and so do their pongs."""
        beat = min(BEAT, max(1, self._ping_time // 40))
        due = self._listened.now + time
        self.timers.set(link, due + -due % beat)

    def _arm(self, link: Link, time: int) -> None:
        self.timers.set(link, self._listened.now + time)
