"""A player's messages on their way to the game: so many a second, with a burst; what is more waits its turn.

Nothing is dropped and nobody is punished for a burst: what waits is not acknowledged, and a client stops by itself at
256 that are not. Who goes on all the same breaks the protocol. Released by ticks, not by time: the same in a replay.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final

from tickws.errors import ProtocolFault
from tickws.game.limits import GameLimits
from tickws.sync.events import MOST_EVENTS, EventCounter
from tickws.sync.wire import Event

__all__ = ["Inbox"]

A_TICK: Final = 4
"""Of a burst, how many pass in one tick: what some say to all at once must not drown a third."""


class Inbox:
    """The messages of one player.

    Args:
        limits: `message_rate`, `message_burst`, `event_messages`.
        rate: ticks a second.
    """

    __slots__ = ("_limits", "_most", "_now", "_rate", "_share", "_waiting", "busy", "counter")

    def __init__(self, limits: GameLimits, rate: int) -> None:
        self._limits = limits
        self._most = max(limits.event_messages, MOST_EVENTS)
        self._rate = rate
        self._share = float(limits.message_burst)  # messages that may pass, by and by
        self._now = A_TICK  # of these, how many in this tick
        self._waiting: deque[Event] = deque()
        self.busy = False
        """Whether it wants to hear of ticks: something has come of late."""
        self.counter = EventCounter()
        """What has passed, and what of it was acknowledged."""

    def put(self, event: Event) -> None:
        """A message has come.

        Raises:
            ProtocolFault: 1008, more wait than may be unacknowledged.
        """
        if len(self._waiting) >= self._most:
            raise ProtocolFault(1008, "more messages than may wait for acknowledgment")
        self._waiting.append(event)
        self.busy = True

    def tick(self) -> None:
        """A tick has passed: some more may pass."""
        self._now = A_TICK
        self._share = min(self._share + self._limits.message_rate / self._rate, self._limits.message_burst)
        self.busy = bool(self._waiting) or self._share < self._limits.message_burst

    @property
    def short(self) -> bool:
        """Whether messages wait because of the rate."""
        return bool(self._waiting) and self._share < 1

    def take(self) -> Iterator[Event]:
        """Those that pass now, each once and in order.

        Raises:
            ProtocolFault: 1008, one is missing before the next.
        """
        while self._waiting and self._now and self._share >= 1:
            event = self._waiting.popleft()
            if self.counter.take(event.number):
                self._share -= 1
                self._now -= 1
                yield event
