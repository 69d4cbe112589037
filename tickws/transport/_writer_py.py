"""The pump's twin: gather and write.

Turns the links that have something to say, round robin, those that lately said much themselves behind the others, and
looks at the clock after every step: one link's commit and write. Cost per link and slice: one send, whatever it holds.
"""

from __future__ import annotations

from tickws.transport.link import Keeper, Link, Phase
from tickws.transport.poller import WRITABLE
from tickws.transport.readingtime import ReadingTime
from tickws.transport.sendqueue import SendQueue
from tickws.transport.steps import Meter, Step

__all__ = ["Writer"]

_OPEN, _RELEASED = Phase.OPEN, Phase.RELEASED


class Writer:
    """Writes for the links of one endpoint.

    Args:
        keeper: gets whatever is left to be done behind a write: a full socket, an end, an error of a producer.
        queue: the links to write.
        meter: has the clock, and is told of each step.
        listened: the time in which links are light.
        share: bytes of reliable messages that go before a link's latest values.
    """

    __slots__ = ("_cut", "_heavy", "_keeper", "_listened", "_lock", "_meter", "_now", "_queue", "_share", "_writes")

    def __init__(self, keeper: Keeper, queue: SendQueue, meter: Meter, listened: ReadingTime, share: int) -> None:
        self._keeper = keeper
        self._queue = queue
        self._lock = queue.lock
        self._meter = meter
        self._now = meter.now
        self._writes = meter.tallies[Step.WRITE]
        self._listened = listened
        self._share = share
        self._cut = False  # time was over before all heavy ones had a turn
        self._heavy = 0  # how many there were in this pass

    def write(self, deadline: int) -> int:
        """One pass over the links to write, until `deadline` (nanoseconds); at least one step. Gives the steps."""
        meter, now = self._meter, self._now
        steps = writing = longest = 0
        links = self._in_order()
        try:
            while links:
                link = links.pop()
                if link.phase is _RELEASED:
                    continue
                steps += 1
                self._write_link(link, deadline)
                instant = now()
                spent = instant - meter.mark  # which a producer may have moved
                meter.mark = instant
                writing += spent
                if spent > longest:  # noqa: PLR1730 (max() is a call)
                    longest = spent
                if instant >= deadline:
                    break
        finally:
            self._writes.merge(steps, writing, longest)
            if links:
                with self._lock:
                    self._queue.pending.extendleft(links)
                self._cut = self._heavy > 0
        return steps

    def _in_order(self) -> list[Link]:
        """Takes all links out of the queue, the last one first: behind the light ones those that are heavy.

        Where time has cut a pass that had heavy ones, one of them is the first of the next: nobody starves.
        """
        light = self._listened.light_until
        pending = self._queue.pending
        with self._lock:
            links = list(pending)
            pending.clear()
        links.reverse()
        heavy = [link for link in links if link.spent > light]
        cut, self._cut, self._heavy = self._cut, False, len(heavy)
        if not heavy:
            return links
        links = heavy + [link for link in links if link.spent <= light]
        if cut:
            links.append(links.pop(len(heavy) - 1))
        return links

    def _write_link(self, link: Link, deadline: int) -> None:
        stream = link.stream
        frames: list[bytes] = []
        failed: BaseException | None = None
        waited = stream.unsent_bytes > 0
        if waited:  # the poller, or a look at a full socket, says that it takes more
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
                link.connection.encoder.forget()  # what was compressed may be lost: nothing may refer to it
        if (frames or stream.unsent_bytes) and link.phase is not _RELEASED:  # as a producer may have it
            link.bytes_sent += stream.write(frames)
        if waited and not stream.unsent_bytes:
            self._queue.want_write(link)  # what came behind it is said next: a Pong, a Close
        if stream.lost:
            self._keeper.lose(link)
        elif link.phase is _RELEASED:
            pass
        elif stream.unsent_bytes or link.phase is not _OPEN or link.outbox.special or link.outbox.waiting is not None:
            self._keeper.written(link)
        elif link.outbox.queued_bytes:
            self._queue.want_write(link)
        if failed is not None:
            try:
                if not isinstance(failed, Exception):
                    raise failed
                self._keeper.callback_failed(link, failed)
            finally:
                failed = None  # its traceback refers to this frame
