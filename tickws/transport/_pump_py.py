"""The hot loop: read, parse, dispatch; and its twin, gather and write.

Both turn a queue of links, round robin, and look at the clock after every step: one link's read and each message in it,
one link's commit and write. Each link has one turn a slice; what it has beyond its quota, or what the time does not
allow, waits in the queue for the next slice, so a flooder slows itself only. Newcomers, who are in their handshake,
have a queue of their own: they cannot keep those waiting who are in. Cost per link and slice: one recv, one send,
whatever is said in them.
"""

from __future__ import annotations

from collections import deque

from tickws.protocol.events import Frame, Progress
from tickws.protocol.limits import Limits
from tickws.transport.link import Keeper, Link, Phase
from tickws.transport.poller import WRITABLE
from tickws.transport.readingtime import ReadingTime
from tickws.transport.sendqueue import SendQueue
from tickws.transport.steps import Meter, Step

__all__ = ["Pump"]


_HANDSHAKE, _OPEN, _RELEASED = Phase.HANDSHAKE, Phase.OPEN, Phase.RELEASED


class Pump:
    """Turns the links of one endpoint.

    Args:
        keeper: gets whatever is not a message: handshakes, closings, faults, errors of callbacks.
        queue: the links to write.
        meter: has the clock, and is told of each step.
        listened: when a link was heard of.
    """

    # fmt: off
    __slots__ = (
        "_cut", "_cut_quota", "_keeper", "_listened", "_lock", "_messages", "_meter", "_now", "_queue", "_quota",
        "_reads", "_share", "_unread", "_unwelcomed", "newcomers", "ready",
    )
    # fmt: on

    def __init__(self, keeper: Keeper, queue: SendQueue, meter: Meter, listened: ReadingTime, limits: Limits) -> None:
        self._keeper = keeper
        self._now = meter.now
        self._meter = meter
        self._reads = meter.tallies[Step.READ]
        self._messages = meter.tallies[Step.MESSAGE]
        self._listened = listened
        self._quota = limits.slice_messages
        self._share = limits.slice_bytes
        self._queue = queue
        self._lock = queue.lock
        self.ready: deque[Link] = deque()
        """Links to read, in turn."""
        self.newcomers: deque[Link] = deque()
        """The same, of those in their handshake."""
        self._unread = self._unwelcomed = 0  # how many of both have had no turn in this slice
        self._cut: Link | None = None  # whose turn the deadline has ended
        self._cut_quota = 0  # what was left of it

    def begin(self) -> None:
        """A slice begins: everybody who waits has a turn, and who was cut off has had the last one."""
        if self._cut is not None:
            if self._cut.ready:
                self.ready.remove(self._cut)
                self.ready.append(self._cut)
            self._cut = None
        self._unread = len(self.ready)
        self._unwelcomed = len(self.newcomers)

    # -- reading -----------------------------------------------------------------------------------------------------

    def want_read(self, link: Link) -> None:
        """Queue a link that may have something to say."""
        if not link.ready:
            link.ready = True
            (self.newcomers if link.phase is _HANDSHAKE else self.ready).append(link)

    def read_again(self, link: Link) -> None:
        """Queue a link whose received bytes may hold more messages."""
        if link.phase is not _RELEASED:
            link.carried = True
            self.want_read(link)

    def read(self, deadline: int) -> int:
        """Give the links to read their turns, until `deadline` (nanoseconds); at least one step. Gives the steps."""
        ready = self.ready
        meter = self._meter
        steps = 0
        while self._unread > 0 and ready:
            self._unread -= 1
            link = ready.popleft()
            link.ready = False
            if link.phase is _RELEASED:
                continue
            steps += 1
            try:
                self._read_link(link, deadline)
            except BaseException:  # a callback's, on its way out of work(): the link may hold more messages
                meter.lap(Step.MESSAGE, link.callbacks.deliver)
                self.read_again(link)
                raise
            if meter.mark >= deadline:
                break
        return steps

    def _read_link(self, link: Link, deadline: int) -> None:
        now = self._now
        meter = self._meter
        mark = meter.mark
        if link.carried:
            link.carried = False
        else:
            got = self._take(link)
            meter.mark = instant = now()
            reads = self._reads
            reads.count += 1
            reads.spent += instant - mark
            reads.longest = max(reads.longest, instant - mark)
            mark = instant
            if not got:
                return
        messages = self._messages
        next_event = link.connection.next_event
        quota = self._quota
        if link is self._cut:
            quota = self._cut_quota
            self._cut = None
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
            meter.mark = instant = now()
            messages.count += 1
            messages.spent += instant - mark
            if instant - mark > messages.longest:
                messages.longest = instant - mark
                messages.who = deliver
            mark = instant
            quota -= 1
            if quota <= 0 or mark >= deadline:
                if link.connection.pending:
                    self._interrupt(link, quota)
                return

    def _interrupt(self, link: Link, quota: int) -> None:
        """A link has used up its quota, or its time: in that case it goes on, should there be time left in the end."""
        if quota <= 0 or link.ready:
            self.read_again(link)
            return
        self._cut = link
        self._cut_quota = quota
        self._go_on(link)

    def _go_on(self, link: Link) -> None:
        """Queue a link that may say more in this very slice."""
        link.carried = link.ready = True
        self.ready.appendleft(link)
        self._unread += 1

    def greet(self, deadline: int) -> int:
        """As `read`, for newcomers."""
        newcomers = self.newcomers
        meter = self._meter
        steps = 0
        while self._unwelcomed > 0 and newcomers:
            self._unwelcomed -= 1
            link = newcomers.popleft()
            link.ready = False
            if link.phase is _RELEASED:
                continue
            steps += 1
            try:
                self._greet_link(link)
            except BaseException:
                self.read_again(link)
                raise
            finally:
                meter.lap(Step.HANDSHAKE, link.callbacks.on_open or link.callbacks.on_request)
            if meter.mark >= deadline:
                break
        return steps

    def _greet_link(self, link: Link) -> None:
        if link.carried:
            link.carried = False
        elif not self._take(link):
            return
        while link.phase is _HANDSHAKE and (event := link.connection.next_event()) is not None:
            self._keeper.handle(link, event)
        if (
            link.phase is not _HANDSHAKE and link.connection.pending
        ):  # it is in, and its first words are read as others'
            self._go_on(link)

    def _take(self, link: Link) -> bool:
        """Read once. False: there was nothing, the socket has failed, or it is at the peer's end of stream."""
        data = link.stream.read(self._share)
        if data:
            link.heard = self._listened.now
            link.bytes_received += len(data)
            link.connection.receive(data)
            return True
        if data is not None:
            link.connection.receive_eof()
            self._keeper.end_of_stream(link)
            if link.phase is not _RELEASED and (event := link.connection.next_event()) is not None:
                self._keeper.handle(link, event)
        elif link.stream.lost:
            self._keeper.lose(link)
        return False

    # -- writing -----------------------------------------------------------------------------------------------------

    def write(self, deadline: int) -> int:
        """One pass over the links to write, until `deadline` (nanoseconds); at least one step. Gives the steps."""
        pending = self._queue.pending
        meter = self._meter
        steps = 0
        for _ in range(len(pending)):
            link = pending.popleft()
            if link.phase is _RELEASED:
                continue
            steps += 1
            try:
                self._write_link(link, deadline)
            finally:
                meter.lap(Step.WRITE)
            if meter.mark >= deadline:
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
                link.commit(frames, self._lock, self._share, self._meter, deadline)
            except BaseException as error:
                failed = error
        if (frames or stream.unsent_bytes) and link.phase is not _RELEASED:  # as a producer may have it
            link.bytes_sent += stream.write(frames)
        if stream.lost:
            self._keeper.lose(link)
        elif link.phase is _RELEASED:
            pass
        elif stream.unsent_bytes or link.phase is not _OPEN or link.outbox.special or link.outbox.waiting is not None:
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
