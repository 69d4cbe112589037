"""Events: reliable, ordered, numbered, and kept until the other end says that it has them. The same at both ends.

EventQueue      what we have sent, and they have not acknowledged
EventCounter    what they have sent, and we have received
"""

from __future__ import annotations

from collections import deque
from typing import Final, TypeAlias

import msgspec

from tickws.errors import ProtocolFault
from tickws.sync.payload import pack, unpack
from tickws.sync.wire import NAME_LENGTH, Event, encode

__all__ = ["MOST_EVENTS", "EventCounter", "EventQueue", "check_name", "pack_payload"]

MOST_EVENTS: Final = 256
"""Events of a client that may wait for acknowledgment, whatever its server (docs/wire-format.md)."""

Message: TypeAlias = bytes


class EventQueue:
    """Events to the other end, from their sending to their acknowledgment.

    Args:
        messages: how many may wait.
        bytes: how many bytes of them; one event is always taken.
    """

    __slots__ = ("_max_bytes", "_max_messages", "_waiting", "bytes", "last")

    def __init__(self, messages: int, bytes: int) -> None:
        self._max_messages = messages
        self._max_bytes = bytes
        self._waiting: deque[tuple[int, Message, int]] = deque()  # and when they were queued
        self.bytes = 0
        """Bytes that wait for acknowledgment."""
        self.last = 0
        """The number of the last event."""

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def oldest(self) -> int | None:
        """When the oldest that waits was queued; None: nothing waits."""
        return self._waiting[0][2] if self._waiting else None

    def put(self, name: str, payload: msgspec.Raw, now: int = 0) -> Message | None:
        """Number one event, and keep it; gives the message to send, or None: too much waits already."""
        message = encode(Event(self.last + 1, name, payload))
        if self._waiting and (len(self._waiting) >= self._max_messages or self.bytes + len(message) > self._max_bytes):
            return None
        self.last += 1
        self._waiting.append((self.last, message, now))
        self.bytes += len(message)
        return message

    def acknowledge(self, number: int) -> None:
        """The other end has every event up to that number.

        Raises:
            ProtocolFault: 1008, it was never sent.
        """
        if number > self.last:
            raise ProtocolFault(1008, f"acknowledges event {number}, which was never sent")
        waiting = self._waiting
        while waiting and waiting[0][0] <= number:
            self.bytes -= len(waiting.popleft()[1])

    @property
    def half_full(self) -> bool:
        """Whether more than half of what may wait does."""
        return len(self._waiting) > self._max_messages // 2 or self.bytes > self._max_bytes // 2


class EventCounter:
    """Events from the other end: each once, in order."""

    __slots__ = ("received", "told")

    def __init__(self) -> None:
        self.received = 0
        """The number of the last one."""
        self.told = 0
        """The last number that was acknowledged."""

    def take(self, number: int) -> bool:
        """Count one event; False: it was here before (a resume says things again).

        Raises:
            ProtocolFault: 1008, one is missing before it.
        """
        if number <= self.received:
            return False
        if number != self.received + 1:
            raise ProtocolFault(1008, f"event {number} after {self.received}: one is missing")
        self.received = number
        return True

    def tell(self) -> int:
        """The number to acknowledge with; it counts as told."""
        self.told = self.received
        return self.received


def check_name(name: object) -> None:
    """Raise TypeError or ValueError for what names no event."""
    if not isinstance(name, str):
        raise TypeError(f"an event's name is text, not {name!r}")
    if not 0 < len(name) <= NAME_LENGTH:
        raise ValueError(f"an event's name has 1 to {NAME_LENGTH} characters, not {name!r}")


def pack_payload(name: str, payload: object) -> msgspec.Raw:
    """What `EventQueue.put` takes for a payload.

    Raises:
        TypeError, ValueError: the payload cannot be packed, or the other end would refuse it (see `unpack`); or the
            name names no event.
    """
    check_name(name)
    packed = pack(payload)
    unpack(packed)
    return msgspec.Raw(packed)
