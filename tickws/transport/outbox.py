"""What one connection has to say, until it is committed to its stream: thread-safe, bounded, in DESIGN's order.

Each commit takes control frames first, then a bounded share of the reliable messages in order, then the latest value
under each key. An unsent latest value is replaced by a newer one; a reliable message is never dropped while the
connection stays open: what does not fit into the queue ends the connection (1008), and `put` says so. What is to be
compressed waits as it is, so that nothing is compressed in vain.
The lock is the endpoint's: one for all of its connections, held for a few list operations and never over a callback.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeAlias

from tickws.clock import NANOSECONDS
from tickws.protocol.connection import Connection
from tickws.protocol.deflate import Compressible
from tickws.protocol.limits import Limits
from tickws.protocol.messages import Buffer
from tickws.transport.readingtime import ReadingTime
from tickws.transport.steps import Meter, Step

__all__ = ["Fragments", "Outbox", "Producer"]

PINGS = 16
"""Pings that wait for a socket to take them."""
Producer: TypeAlias = Callable[[], str | Buffer | None]
"""Makes a latest value when its bytes are committed; None: nothing this time."""
_UNASKED: Final = object()
_NO_MORE: Final = object()


class Fragments:
    """A message that is sent in pieces, each taken from its iterable when there is room for it (section 5.4)."""

    __slots__ = ("_interrupted", "_next", "_pieces")

    def __init__(self, pieces: Iterable[str | Buffer]) -> None:
        self._pieces: Iterator[str | Buffer] = iter(pieces)
        self._next: Any = _UNASKED  # one is looked ahead: only the last frame has FIN
        self._interrupted = False

    def take(self, frames: list[bytes], connection: Connection, share: int, meter: Meter, deadline: int) -> bool:
        """Append the next frames, of together about `share` bytes, until `deadline`; one item is a step.

        Returns:
            Whether the message is complete with them.

        Raises whatever the iterable does, and as `MessageEncoder.fragment`; RuntimeError, where an interrupt came
        out of the iterable before: what is left of the message is unknown.
        """
        if self._interrupted:
            raise RuntimeError("the iterable of fragments was interrupted")
        self._interrupted = True
        if self._next is _UNASKED:
            self._next = next(self._pieces, _NO_MORE)
            if meter.lap(Step.ENCODE) >= deadline and self._next is not _NO_MORE:
                self._interrupted = False
                return False
        size = 0
        while self._next is not _NO_MORE and size < share:
            piece, self._next = self._next, next(self._pieces, _NO_MORE)
            frames.append(connection.encoder.fragment(piece, fin=self._next is _NO_MORE))
            size += len(frames[-1])
            if meter.lap(Step.ENCODE) >= deadline:
                break
        self._interrupted = False
        return self._next is _NO_MORE


class Outbox:
    """The send queue of one connection. Every method wants the endpoint's lock held."""

    __slots__ = (
        "_latest",
        "_limits",
        "_listened",
        "_pings",
        "_reliable",
        "_times",
        "_unmade",
        "closing",
        "open",
        "queued_bytes",
        "special",
        "waiting",
    )

    def __init__(self, limits: Limits, listened: ReadingTime) -> None:
        self._limits = limits
        self._listened = listened
        self._reliable: list[bytes | Compressible | Fragments] = []
        self._latest: dict[object, bytes | Compressible | Producer] | None = None
        self.queued_bytes = 0
        """Bytes of the reliable messages waiting."""
        self.open = False
        """Whether anything is taken in."""
        self.closing: tuple[int, str] | None = None
        """Close code and reason to send when the reliable messages are out."""
        self.special = False
        """Whether there is, or may be, more to think of than whole reliable messages."""
        self._unmade = 0  # how many of the reliable ones are made when they are committed
        self._pings: list[bytes] | None = None
        self.waiting: int | None = None
        """Reading time at which the oldest byte was queued that the socket has not taken; None: it has taken all."""
        self._times: list[int] | None = None  # of each of the reliable messages, while something waits

    def put(self, message: bytes | Compressible | Fragments) -> bool:
        """Queue a reliable message, encoded or to be; False: it does not fit, and nothing was queued."""
        reliable = self._reliable
        size = 0 if isinstance(message, Fragments) else len(message)
        if reliable and (
            self.queued_bytes + size > self._limits.queue_bytes or len(reliable) >= self._limits.queue_messages
        ):
            return False
        if not isinstance(message, bytes):
            self._unmade += 1
            self.special = True
        reliable.append(message)
        self.queued_bytes += size
        if self._times is not None:
            self._times.append(self._listened.now)
        return True

    def put_latest(self, key: object, message: bytes | Compressible | Producer) -> None:
        """Set the value under `key`, in place of one that is still unsent.

        Raises:
            ValueError: too many keys are in use.
        """
        if not self.has_room(key):
            raise ValueError(
                f"send_latest: {self._limits.latest_keys} keys are waiting, as many as limits.latest_keys allows; "
                "a key names a kind of message, not a message"
            )
        if self._latest is None:
            self._latest = {}
        self._latest[key] = message
        self.special = True

    def has_room(self, key: object) -> bool:
        """Whether a latest value can be set under `key`."""
        latest = self._latest
        return latest is None or key in latest or len(latest) < self._limits.latest_keys

    def put_ping(self, payload: bytes) -> None:
        """Ask for a ping; of more than `PINGS` that wait, the oldest is forgotten."""
        self._pings = [*(self._pings or ())[1 - PINGS :], payload]
        self.special = True

    def close(self, code: int, reason: str, *, drop: bool) -> None:
        """Take nothing more in; with `drop`, forget what waits instead of sending it before the Close."""
        self.open = False
        self.closing = (code, reason)
        self.special = True
        if drop:
            self.clear()

    def clear(self) -> None:
        """Forget all that waits; the connection is past sending it."""
        self.open = False
        self._reliable.clear()
        self._unmade = 0
        self._latest = self._pings = None
        self.queued_bytes = 0
        self.waiting = self._times = None

    def block(self) -> None:
        """The socket has not taken all that was committed."""
        if self.waiting is None:
            self.waiting = self._listened.now
            self._times = [self.waiting] * len(self._reliable)

    @property
    def age(self) -> float:
        """Seconds that the oldest byte waits which the socket has not taken; 0.0 where it has taken all."""
        return 0.0 if self.waiting is None else (self._listened.now - self.waiting) / NANOSECONDS

    def unblock(self) -> None:
        """The socket has taken all that was committed; what was queued meanwhile has waited since then."""
        if self._times:
            if isinstance(self._reliable[0], Fragments):  # whose next piece is not made yet
                self._times[0] = self._listened.now
            self.waiting = self._times[0]
        else:
            self.waiting = self._times = None

    @property
    def queued_messages(self) -> int:
        """Reliable messages waiting."""
        return len(self._reliable)

    @property
    def empty(self) -> bool:
        """Whether nothing waits (a wish to close does not count)."""
        return not (self._reliable or self._latest or self._pings)

    @property
    def unmade(self) -> Compressible | Fragments | None:
        """The next reliable message, where it is still to be made; it stays until `finish`."""
        first = self._reliable[0] if self._reliable else None
        return None if isinstance(first, bytes) else first

    def take_reliable(self, share: int) -> list[bytes]:
        """The next reliable messages, of together at least `share` bytes, up to the first that is still to be made."""
        reliable = self._reliable
        if not self.special and self.queued_bytes <= share:
            self._reliable = []
            self.queued_bytes = 0
            if self._times:
                self._times.clear()
            return reliable  # type: ignore[return-value]  # all are bytes, or it were special
        size = 0
        taken: list[bytes] = []
        for message in reliable:
            if not isinstance(message, bytes) or size >= share:
                break
            size += len(message)
            taken.append(message)
        del reliable[: len(taken)]
        if self._times is not None:
            del self._times[: len(taken)]
        self.queued_bytes -= size
        self.special = bool(self.closing or self._unmade or self._latest or self._pings)
        return taken

    def take_whole(self) -> list[bytes | Compressible]:
        """All reliable messages that can still be sent whole: those before the first one in fragments."""
        taken: list[bytes | Compressible] = []
        for message in self._reliable:
            if isinstance(message, Fragments):
                break
            taken.append(message)
        return taken

    def take_pings(self) -> list[bytes]:
        """The pings asked for."""
        pings, self._pings = self._pings, None
        return pings or []

    def finish(self, message: Compressible | Fragments) -> None:
        """The first message is complete; an iterable of fragments may have had the queue cleared meanwhile."""
        if self._reliable and self._reliable[0] is message:
            del self._reliable[0]
            if self._times:
                del self._times[0]
            self._unmade -= 1
            if isinstance(message, Compressible):
                self.queued_bytes -= len(message)

    def take_latest(self) -> dict[object, bytes | Compressible | Producer]:
        """The latest values, all of them."""
        latest, self._latest = self._latest, None
        return latest or {}

    def put_back(self, key: object, value: Compressible | Producer) -> None:
        """A value that was taken and not made waits on, unless there is a newer one, or no more use for it."""
        if self.open or self.closing is not None:
            if self._latest is None:
                self._latest = {}
            self._latest.setdefault(key, value)
            self.special = True
