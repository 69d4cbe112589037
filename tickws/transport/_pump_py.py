"""The hot loop: read, parse, dispatch; and its twin, gather and write.

Both turn a queue of links, round robin, and look at the clock after every step: one link's read and each message in it,
one link's commit and write. A pass serves each link that was queued at its beginning at most once; what a link has
beyond its quota, or what the time does not allow, waits in the queue for the next slice, so a flooder slows itself
only. Cost per link and slice: one recv, one send, whatever is said in them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from tickws.protocol.events import Frame, Progress
from tickws.protocol.limits import Limits
from tickws.transport.link import Keeper, Link, Phase
from tickws.transport.poller import WRITABLE
from tickws.transport.sendqueue import SendQueue

__all__ = ["Pump"]


_OPEN, _RELEASED = Phase.OPEN, Phase.RELEASED


class Pump:
    """Turns the links of one endpoint.

    Args:
        keeper: gets whatever is not a message: handshakes, closings, faults, errors of callbacks.
        queue: the links to write.
        now: the clock, in nanoseconds.
    """

    # fmt: off
    __slots__ = ("_keeper", "_lock", "_now", "_queue", "_quota", "_share", "reading_time", "ready")
    # fmt: on

    def __init__(self, keeper: Keeper, queue: SendQueue, now: Callable[[], int], limits: Limits) -> None:
        self._keeper = keeper
        self._now = now
        self._quota = limits.slice_messages
        self._share = limits.slice_bytes
        self._queue = queue
        self._lock = queue.lock
        self.ready: deque[Link] = deque()
        """Links to read, in turn."""
        self.reading_time = 0
        """Nanoseconds that we have listened to the network (DESIGN rule 8); the endpoint moves it."""

    def read(self, deadline: int) -> int:
        """One pass over the links to read, until `deadline` (nanoseconds); at least one step. Gives the steps."""
        ready = self.ready
        now = self._now
        steps = 0
        for _ in range(len(ready)):
            link = ready.popleft()
            link.ready = False
            if link.phase is _RELEASED:
                continue
            steps += 1
            try:
                self._read_link(link, deadline)
            except BaseException:  # a callback's, on its way out of work(): the link may hold more messages
                self.read_again(link)
                raise
            if now() >= deadline:
                break
        return steps

    def read_again(self, link: Link) -> None:
        """Queue a link whose received bytes may hold more messages."""
        if link.phase is not _RELEASED:
            link.carried = True
            if not link.ready:
                link.ready = True
                self.ready.append(link)

    def _read_link(self, link: Link, deadline: int) -> None:
        connection = link.connection
        if link.carried:
            link.carried = False
        else:
            data = link.stream.read(self._share)
            if not data:
                self._nothing_read(link, data)
                return
            link.heard = self.reading_time
            link.bytes_received += len(data)
            connection.receive(data)
        now = self._now
        next_event = connection.next_event
        quota = self._quota
        deliver = link.callbacks.deliver
        while (event := next_event()) is not None:
            kind = type(event)
            if kind is bytes or kind is str or kind is Frame:
                link.messages_received += 1
                if deliver is not None and link.outbox.open:
                    try:
                        deliver(link.websocket, event)
                    except Exception as error:
                        self._keeper.callback_failed(link, error)
            elif kind is not Progress:
                self._keeper.handle(link, event)
                deliver = link.callbacks.deliver  # a request may have chosen others
            quota -= 1
            if quota <= 0 or now() >= deadline:
                self.read_again(link)
                return

    def _nothing_read(self, link: Link, data: bytes | None) -> None:
        """The socket had nothing, has failed, or is at the peer's end of stream."""
        if data is not None:
            link.connection.receive_eof()
            self._keeper.end_of_stream(link)
            if link.phase is not _RELEASED and (event := link.connection.next_event()) is not None:
                self._keeper.handle(link, event)
        elif link.stream.lost:
            self._keeper.lose(link)

    def write(self, deadline: int) -> int:
        """One pass over the links to write, until `deadline` (nanoseconds); at least one step. Gives the steps."""
        pending = self._queue.pending
        now = self._now
        steps = 0
        for _ in range(len(pending)):
            link = pending.popleft()
            if link.phase is _RELEASED:
                continue
            steps += 1
            self._write_link(link, deadline)
            if now() >= deadline:
                break
        return steps

    def _write_link(self, link: Link, deadline: int) -> None:
        stream = link.stream
        frames: list[bytes] = []
        failed: BaseException | None = None
        if stream.unsent_bytes:  # the poller, or a look at a full socket, says that it takes more
            with self._lock:
                link.pending = False
            if link.watching & WRITABLE:
                self._keeper.written(link)
                return
        else:
            try:
                link.commit(frames, self._lock, self._share, self._now, deadline)
            except BaseException as error:
                failed = error
        if (frames or stream.unsent_bytes) and link.phase is not _RELEASED:  # as a producer may have it
            link.bytes_sent += stream.write(frames)
        if stream.lost:
            self._keeper.lose(link)
        elif link.phase is _RELEASED:
            pass
        elif stream.unsent_bytes or link.phase is not _OPEN or link.outbox.special:
            self._keeper.written(link)
        elif link.outbox.queued_bytes:
            self._queue.want_write(link)
        try:
            if isinstance(failed, Exception):
                self._keeper.callback_failed(link, failed)
            elif failed is not None:
                raise failed
        finally:
            failed = None  # its traceback refers to this frame
