"""The hot loop: read, parse, dispatch. Its twin, who gathers and writes, is `_writer_py`.

Turns queues of links, round robin, and looks at the clock after every step: one link's read and each message in it. A
link's turn is one read and a message, or a few. Who has lately said more than any player would stands in a queue of its
own until all of it is heard, and is served behind the others (`read_on`): flooders have what is left, and a small share
in any case, so they slow themselves only, and nobody who says little waits behind one who says much. What the time does
not allow goes on in the next slice, where it was cut; so does what is above a link's quota. Newcomers, who are in their
handshake, cannot keep those waiting who are in. Cost per link and slice: one recv, whatever is said in it.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from typing import Final

from tickws.protocol.events import Frame, Progress
from tickws.protocol.limits import Limits
from tickws.transport.link import Keeper, Link, Phase
from tickws.transport.rates import Rates
from tickws.transport.readingtime import LIGHT, UNIT, ReadingTime
from tickws.transport.sendqueue import SendQueue
from tickws.transport.steps import Meter, Step
from tickws.transport.tls import TlsStream

__all__ = ["Pump"]


TURN: Final = 8
"""Messages of one link in one turn: at a few microseconds each, less than what its read costs. Where light links had to
wait for the next slice, theirs are of one message: who says one is not behind who says many."""

CROWD: Final = 64
"""Newcomers beyond whom every other one served is the latest: it still waits, and who came long ago may be gone."""

_SECURING, _HANDSHAKE, _OPEN, _RELEASED = Phase.SECURING, Phase.HANDSHAKE, Phase.OPEN, Phase.RELEASED
_NEW = (_HANDSHAKE, _SECURING)


class Pump:
    """Turns the links of one endpoint.

    Args:
        keeper: gets whatever is not a message: handshakes, closings, faults, errors of callbacks.
        queue: the links to write.
        meter: has the clock, and is told of each step.
        listened: when a link was heard of.
        limited: counts what limits have done, by their names.
    """

    # fmt: off
    __slots__ = (
        "_keeper", "_later", "_light_turn", "_limited", "_listened", "_messages", "_meter", "_now", "_queue", "_quota",
        "_reads", "_share", "_slice", "_turn", "heavy", "newcomers", "rates", "ready",
    )
    # fmt: on

    def __init__(
        self,
        keeper: Keeper,
        queue: SendQueue,
        meter: Meter,
        listened: ReadingTime,
        limits: Limits,
        limited: Counter[str],
    ) -> None:
        self._keeper = keeper
        self._now = meter.now
        self._meter = meter
        self._reads = meter.tallies[Step.READ]
        self._messages = meter.tallies[Step.MESSAGE]
        self._listened = listened
        self._limited = limited
        self._quota = limits.slice_messages
        self._turn = self._light_turn = min(TURN, self._quota)
        self._share = limits.slice_bytes
        self._queue = queue
        self.rates = Rates(limits, limited)
        """What a link may say in the long run."""
        self._slice = 0  # its number
        self._later: list[Link] = []  # links whose quota is used up in this slice
        self.ready: deque[Link] = deque()
        """Light links that are to be read, in turn: their sockets have something, or something is here already."""
        self.heavy: deque[Link] = deque()
        """The same for those that have lately said more than any player would."""
        self.newcomers: deque[Link] = deque()
        """Links in their handshake, in turn."""

    def end(self) -> None:
        """The slice is over: everybody has a quota again; who has used it up stands behind who has not."""
        self._slice += 1
        self._light_turn = 1 if self.ready else self._turn
        for link in self._later:
            self._queue_of(link).append(link)
        self._later.clear()

    def clear(self) -> None:
        """Forget everybody: the end."""
        for queue in (self.ready, self.heavy, self.newcomers):
            queue.clear()

    # -- reading -----------------------------------------------------------------------------------------------------

    @property
    def busy(self) -> int:
        """How many links are to be read."""
        return len(self.ready) + len(self.heavy) + len(self.newcomers)

    def want_read(self, link: Link) -> None:
        """Queue a link whose socket may have something to say."""
        if not link.ready:
            link.ready = True
            self._queue_of(link).append(link)

    def read_again(self, link: Link) -> None:
        """Queue a link whose received bytes may hold more messages."""
        if link.phase is not _RELEASED:
            link.carried = True
            if not link.ready:
                link.ready = True
                self._queue_of(link).append(link)

    def _queue_of(self, link: Link) -> deque[Link]:
        if link.phase in _NEW:
            return self.newcomers
        return self.ready if link.spent <= self._listened.light_until else self.heavy

    def read(self, deadline: int) -> int:
        """Read the light links, until `deadline` (nanoseconds); at least one step.

        Returns:
            The number of links.
        """
        return self._serve(self.ready, self._light_turn, deadline)

    def read_on(self, deadline: int) -> int:
        """As `read`, the heavy ones."""
        return self._serve(self.heavy, self._turn, deadline)

    def _serve(self, queue: deque[Link], most: int, deadline: int) -> int:
        """Turns of `most` messages."""
        meter, now, number, share, rates = self._meter, self._now, self._slice, self._share, self.rates
        mark, heard = meter.mark, self._listened.now
        bound = heard + self._listened.slack
        steps = reads = reading = longest_read = messages = telling = longest = 0
        who: Callable[..., object] | None = None
        try:
            while queue:
                link = queue.popleft()
                if link.held:
                    link.queued = False
                    continue
                link.ready = False
                if link.phase is _RELEASED:
                    continue
                steps += 1
                connection = link.connection
                size = empty = 0
                if link.carried:
                    link.carried = False
                else:
                    data = link.stream.read(share)
                    if data:
                        link.heard = heard
                        size = len(data)
                        link.bytes_received += size
                        if size == share:
                            self._limited["slice_bytes"] += 1
                        connection.receive(data)
                    else:
                        fed = self._nothing_read(link, data)
                        size = fed or 0
                        empty = size > 0
                    instant = now()
                    reads += 1
                    spent = instant - mark
                    reading += spent
                    mark = instant
                    if spent > longest_read:  # noqa: PLR1730 (max() is a call)
                        longest_read = spent
                    if not data and fed is None:
                        if mark >= deadline:
                            break
                        continue
                turn = most if link.slice != number else min(most, link.quota)
                before = messages
                over = cut = False
                if link.told:  # the deadline has cut its turn
                    turn -= link.told
                    link.told = 0
                deliver = link.callbacks.deliver
                next_event = connection.next_event
                while (event := next_event()) is not None:
                    kind = type(event)
                    if kind is bytes or kind is str or kind is Frame:
                        link.messages_received += 1
                        called = deliver
                        if deliver is not None and link.outbox.open:
                            try:
                                deliver(link.websocket, event)
                            except Exception as error:
                                self._keeper.callback_failed(link, error)
                    else:
                        called = None
                        if kind is not Progress:
                            self._keeper.handle(link, event)
                    instant = now()
                    messages += 1
                    spent = instant - mark
                    telling += spent
                    mark = instant
                    if spent > longest:
                        longest = spent
                        who = called
                    if not connection.pending:
                        break
                    over = messages - before >= turn
                    cut = mark >= deadline
                    if over or cut:
                        break
                said = messages - before + empty
                time = link.spent
                link.spent = (time if time > heard else heard) + (said + (size >> 10) or 1) * UNIT
                if over or cut:
                    self._interrupt(link, said, queue, cut=not over)
                if link.stream.pending:
                    self._go_on(link, said, queue)
                if rates.on:
                    time = link.message_time
                    time = (time if time > heard else heard) + said * rates.message_cost
                    link.message_time = time
                    late = time > bound + rates.message_credit
                    time = link.byte_time
                    link.byte_time = time = (time if time > heard else heard) + size * rates.byte_cost
                    if late or time > bound + rates.byte_credit:
                        self._hold(link)
                if mark >= deadline:
                    break
        except BaseException:  # a callback's, on its way out of work(): the link may hold more messages
            meter.mark = mark
            mark = meter.lap(Step.MESSAGE, link.callbacks.deliver)
            self.read_again(link)
            raise
        finally:
            meter.mark = mark
            self._reads.merge(reads, reading, longest_read)
            self._messages.merge(messages, telling, longest, who)
        return steps

    def _hold(self, link: Link) -> None:
        """A link says too much: read it no more for a while."""
        if link.phase is _OPEN and link.held is None:
            self.rates.hold(link)
            link.queued = link.ready
            link.ready = True  # what it says waits for us: no deadline passes meanwhile
            self._keeper.pause(link)

    def release(self, deadline: int) -> int:
        """Read links again that were held, until `deadline`; at least one. Gives the steps."""
        steps = 0
        while (link := self.rates.pop_due(self._listened.now)) is not None:
            steps += 1
            self._resume(link)
            if self._meter.lap(Step.DEADLINE) >= deadline:
                break
        return steps

    def let_go(self, link: Link) -> None:
        """Read a link again that is held, whatever it has said: we wait for its Close."""
        self.rates.forget(link)
        self._resume(link)

    def _resume(self, link: Link) -> None:
        self._keeper.resume(link)
        if link.queued:
            return  # has been interrupted before it was held, and stands there still
        link.ready = False
        if link.carried:
            self.read_again(link)
        elif link.stream.pending:
            self._go_on(link, 0)

    def _go_on(self, link: Link, said: int, queue: deque[Link] | None = None) -> None:
        """A link's stream holds records that were not read, or has something to say itself."""
        stream = link.stream
        if stream.unsent_bytes:
            self._queue.want_write(link)
        if not isinstance(stream, TlsStream) or not stream.unread or link.ready or link.phase is _RELEASED:
            return
        if link.phase in _NEW:
            self.want_read(link)
        else:
            self._interrupt(link, max(said, 1), queue)  # also an empty record counts
            link.carried = False

    def _interrupt(self, link: Link, said: int, queue: deque[Link] | None, *, cut: bool = False) -> None:
        """A link of `queue` has said so much, and has more to say: its turn is over, or was cut, and goes on first.

        Who is heavy stays so until nothing is left of what it has said, however little of it is heard.
        """
        if link.slice != self._slice:
            link.slice = self._slice
            link.quota = self._quota
        link.quota -= said
        link.carried = True
        # however much it has said: once all of it is heard, it is light again after so long
        link.spent = min(link.spent, self._listened.light_until + LIGHT)
        if not link.ready:
            link.ready = True
            if link.quota <= 0:
                self._limited["slice_messages"] += 1
                self._later.append(link)
            elif cut and queue is not None:
                link.told += said
                queue.appendleft(link)
            elif queue is self.heavy:
                queue.append(link)
            else:
                self._queue_of(link).append(link)

    def greet(self, deadline: int) -> int:
        """As `read`, for newcomers."""
        newcomers = self.newcomers
        meter = self._meter
        steps = 0
        while newcomers:
            crowd = len(newcomers) > CROWD and steps % 2 == 1
            link = newcomers.pop() if crowd else newcomers.popleft()
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
                meter.lap(Step.HANDSHAKE, link.callbacks.on_open if link.opened else link.callbacks.on_request)
            if meter.mark >= deadline:
                break
        return steps

    def _greet_link(self, link: Link) -> None:
        if link.phase is _SECURING:
            self._keeper.secure(link)
            if link.phase is not _RELEASED and link.stream.pending:
                self._go_on(link, 0)
            return
        if link.carried:
            link.carried = False
        else:
            data = link.stream.read(self._share)
            if not data:
                if self._nothing_read(link, data) is not None and link.stream.pending:
                    self._go_on(link, 0)
                return
            link.heard = self._listened.now
            link.bytes_received += len(data)
            link.connection.receive(data)
        while link.phase is _HANDSHAKE and (event := link.connection.next_event()) is not None:
            self._keeper.handle(link, event)
        if (
            link.phase is not _HANDSHAKE and link.connection.pending
        ):  # it is in, and its first words are read as others'
            self.read_again(link)
        elif link.stream.pending:
            self._go_on(link, 0)

    def _nothing_read(self, link: Link, data: bytes | None) -> int | None:
        """The socket had nothing for us, has failed, or is at the peer's end of stream.

        Or something of TLS came: gives the bytes of records that hold no data, which count as a message; a part of a
        record is 0, and proves life.
        """
        stream = link.stream
        if data is not None:
            link.connection.receive_eof()
            self._keeper.end_of_stream(link)
            if link.phase is not _RELEASED and (event := link.connection.next_event()) is not None:
                self._keeper.handle(link, event)
        elif stream.lost:
            self._keeper.lose(link)
        elif isinstance(stream, TlsStream) and (stream.came or stream.fed):
            link.heard = self._listened.now
            return stream.fed
        elif stream.pending:
            self._go_on(link, 0)
        return None
