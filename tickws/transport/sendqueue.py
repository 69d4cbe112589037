"""The thread-safe send queue: what any thread may do to an endpoint's connections, and whom it wakes.

One lock for all outboxes of an endpoint, held for a few list operations and never over a callback. A link with
something to say stands in `pending` once; `flush` takes it out. A call that finds the loop's thread asleep in its poll
ends the sleep.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from collections.abc import Iterable

from tickws.protocol.deflate import Compressible
from tickws.protocol.limits import Limits
from tickws.protocol.opcodes import CloseCode
from tickws.transport.link import Link, Phase
from tickws.transport.outbox import Fragments, Producer
from tickws.transport.poller import Poller

__all__ = ["SendQueue"]

logger = logging.getLogger("tickws")

_BEFORE_CLOSE = (Phase.CONNECTING, Phase.SECURING, Phase.HANDSHAKE, Phase.OPEN)


class SendQueue:
    """All that waits to be sent by one endpoint."""

    __slots__ = ("_limits", "_poller", "_woken", "limited", "lock", "pending", "sleeping", "watched", "worker")

    def __init__(self, poller: Poller, limits: Limits) -> None:
        self._poller = poller
        self._limits = limits
        self.limited: Counter[str] = Counter()
        """Messages that did not fit, by the name of the limit."""
        self._woken = False
        self.lock = threading.RLock()  # reentrant: a signal handler or a finaliser may send while its thread holds it
        self.pending: deque[Link] = deque()
        """Links to write, in turn."""
        self.sleeping = False
        """The loop's thread is about to sleep, or sleeps."""
        self.watched = False
        """A host waits for the endpoint's descriptor."""
        self.worker: int | None = None
        """The thread that is inside `work`, which needs no waking."""

    def put(self, link: Link, message: bytes | Compressible | Fragments) -> bool:
        """Queue a reliable message; False where the link is not open, or is no longer, because it does not fit."""
        with self.lock:
            taken = self._put(link, message)
            self._nudge()
            return taken

    def put_many(self, links: Iterable[Link], message: bytes | Compressible) -> int:
        """Queue one reliable message for many links; gives how many took it."""
        with self.lock:
            count = sum([self._put(link, message) for link in links])
            self._nudge()
            return count

    def _put(self, link: Link, message: bytes | Compressible | Fragments) -> bool:
        outbox = link.outbox
        if not outbox.open:
            return False
        if not outbox.put(message):
            full = outbox.queued_messages >= self._limits.queue_messages
            self.limited["queue_messages" if full else "queue_bytes"] += 1
            logger.debug(
                "%r: send queue full (%d messages, %d bytes)",
                link.remote_address,
                outbox.queued_messages,
                outbox.queued_bytes,
            )
            self.condemn(link, CloseCode.POLICY_VIOLATION, "send queue full")
            return False
        if not link.pending:
            link.pending = True
            self.pending.append(link)
        return True

    def put_latest(self, link: Link, key: object, value: bytes | Compressible | Producer) -> bool:
        """Set a latest value; False where the link is not open.

        Raises:
            ValueError: too many keys are waiting.
        """
        with self.lock:
            if not link.outbox.open:
                return False
            if not link.outbox.has_room(key):
                self.limited["latest_keys"] += 1
            link.outbox.put_latest(key, value)
            self.want_write(link)
            return True

    def ping(self, link: Link, payload: bytes) -> bool:
        """Queue a ping; False where the link is not open."""
        with self.lock:
            if not link.outbox.open:
                return False
            link.outbox.put_ping(payload)
            self.want_write(link)
            return True

    def close(self, link: Link, code: int, reason: str) -> None:
        """Take nothing more in, and close behind what is queued."""
        with self.lock:
            if link.outbox.open:
                link.outbox.close(code, reason, drop=False)
                self.want_write(link)

    def condemn(self, link: Link, code: int, reason: str) -> None:
        """Close at once, without what is queued: `on_close` gets this code whatever the peer says."""
        with self.lock:
            if link.verdict is None and link.phase in _BEFORE_CLOSE:
                link.verdict = (int(code), reason)
                link.outbox.close(code, reason, drop=True)
                self.want_write(link)

    def want_write(self, link: Link) -> None:
        """Have a link written in the next flush."""
        with self.lock:
            if not link.pending and link.phase is not Phase.RELEASED:
                link.pending = True
                self.pending.append(link)
                self._nudge()

    def nudge(self) -> None:
        """There is something to do: wake whoever sleeps, or waits for our descriptor."""
        with self.lock:
            self._nudge()

    def _nudge(self) -> None:
        if self.sleeping or (self.watched and self.worker != threading.get_ident()):
            self.wake()

    def wake(self) -> None:
        """End a sleep, now or to come; once is enough until it was noticed."""
        with self.lock:
            if not self._woken:
                self._woken = True
                self._poller.wake()

    def awake(self) -> None:
        """The poller has noticed `wake`."""
        with self.lock:
            self._woken = False
            self._poller.drain()
