"""One direction of a connection in memory: how long bytes are on their way, and how many may be."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass

from tickws.clock import FOREVER, ManualClock, nanoseconds

__all__ = ["Conditions", "Pipe"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What a line is like, each way. Seconds and bytes; `jitter` is the most that is added to `latency`, at random."""

    latency: float = 0.0
    jitter: float = 0.0
    buffer_bytes: int = 128 * 1024
    """What kernel and line hold before a sender gets EAGAIN."""


class Pipe:
    """One direction of a connection: bytes on their way, in order.

    Args:
        chance: of the jitter.
    """

    def __init__(self, clock: ManualClock, chance: random.Random, conditions: Conditions) -> None:
        self._clock = clock
        self._chance = chance
        self._conditions = conditions
        self._chunks: deque[tuple[int, bytes]] = deque()  # (arrival, data); empty data is the end of the stream
        self._held = 0
        self._last = 0
        self._taken = 0  # when that arrived which was taken last
        self.stalled = False
        self.broken = False
        """Whether the reader is gone: writing fails."""

    @property
    def room(self) -> int:
        """How many bytes more may be under way."""
        return self._conditions.buffer_bytes - self._held

    def put(self, data: bytes) -> None:
        """Put bytes on their way; none: the end of the stream."""
        conditions = self._conditions
        delay = conditions.latency + self._chance.random() * conditions.jitter
        self._last = max(self._last, self._clock.now_ns() + nanoseconds(delay))
        self._chunks.append((self._last, data))
        self._held += len(data)

    def take(self, most: int) -> bytes | None:
        """Bytes that have arrived; empty at the end of the stream, None where there is nothing yet."""
        now = self._clock.now_ns()
        if self.arrival() > now:
            return None
        taken = bytearray()
        while self._chunks and self._chunks[0][0] <= now and self._chunks[0][1] and len(taken) < most:
            arrival, data = self._chunks.popleft()
            room = most - len(taken)
            taken += data[:room]
            self._taken = arrival
            if room < len(data):
                self._chunks.appendleft((arrival, data[room:]))
        self._held -= len(taken)
        return bytes(taken)

    def resume(self) -> None:
        """Let what was held up by a stall arrive: now."""
        now = self._clock.now_ns()
        self.stalled = False
        self._chunks = deque((max(arrival, now), data) for arrival, data in self._chunks)
        self._last = max(self._last, now)

    def arrived_last(self) -> int:
        """When the last byte arrived, taken or not."""
        now = self._clock.now_ns()
        arrivals = () if self.stalled else [arrival for arrival, data in self._chunks if data and arrival <= now]
        return max(arrivals, default=self._taken)

    def arrival(self) -> int:
        """When there is something to take, in nanoseconds."""
        return self._chunks[0][0] if self._chunks and not self.stalled else FOREVER
