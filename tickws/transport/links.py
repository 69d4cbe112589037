"""The lives of an endpoint's links: adopted, opened, closed, told of, released.

Here is what happens to one link when something is said of it: by the pump (an event, an error, the end of the stream),
by a deadline, by its owner. Promises: `on_open` and `on_close` come in pairs, once each, the second as a step of its
own; a peer's fault ends that peer's link and nothing else.
"""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable

from tickws.clock import Clock
from tickws.errors import ErrorPolicy
from tickws.protocol.connection import Connection, Role
from tickws.protocol.events import Closed, Event, Failed, Opened, Ping, Pong
from tickws.protocol.extensions import Deflate
from tickws.protocol.handshake import Request
from tickws.protocol.limits import Limits
from tickws.protocol.opcodes import CloseCode
from tickws.transport.backlog import Backlog
from tickws.transport.deadlines import Deadlines
from tickws.transport.handler import Callbacks
from tickws.transport.link import Link, Phase
from tickws.transport.network import Address, Socket
from tickws.transport.outbox import Outbox
from tickws.transport.poller import READABLE, WRITABLE, Poller
from tickws.transport.pump import Pump
from tickws.transport.readingtime import ReadingTime
from tickws.transport.sendqueue import SendQueue
from tickws.transport.steps import Meter, Step
from tickws.transport.stream import Stream
from tickws.transport.websocket import WebSocket

__all__ = ["Links", "Owner"]

logger = logging.getLogger("tickws")


class Owner:
    """What a server or a client does about its links; a base class whose steps do nothing."""

    def requested(self, link: Link, request: Request) -> None:
        """A client's request wants an answer."""

    def connected(self, link: Link) -> None:
        """A connection attempt was decided."""

    def failed(self, link: Link, status: int | None, reason: str) -> None:
        """A link ended before it opened."""

    def released(self, link: Link) -> None:
        """A descriptor is free again."""


class Links:
    """All links of one endpoint."""

    def __init__(
        self,
        owner: Owner,
        clock: Clock,
        poller: Poller,
        limits: Limits,
        callbacks: Callbacks,
        errors: ErrorPolicy,
        mask_source: Callable[[int], bytes],
        compression: Deflate | None,
    ) -> None:
        self.queue = SendQueue(poller)
        self.limits = limits
        self.callbacks = callbacks
        self.meter = Meter(clock.now_ns)
        self.listened = ReadingTime()
        self.pump = Pump(self, self.queue, self.meter, self.listened, limits)
        self.deadlines = Deadlines(self, self.listened, self.queue, self.meter, limits)
        self.backlog = Backlog(limits, self.listened, self.queue.lock)
        self.by_fd: dict[int, Link] = {}
        self.open: dict[WebSocket, Link] = {}
        """WebSockets that are open, in the order of their opening; under the lock."""
        self.mounted: dict[WebSocket, Link] = {}
        """The same for those whose request chose other callbacks: broadcasts are not for them."""
        self.farewells: deque[tuple[Link, WebSocket, int, str]] = deque()
        """Calls of `on_close` that are owed."""
        self.slow: deque[tuple[Link, float]] = deque()
        """Calls of `on_slow`, likewise."""
        self.accepted = 0
        self.opened = 0
        self.callback_errors = 0
        self.retired = [0, 0, 0, 0]
        """Of links that are released: messages received and sent, bytes received and sent."""
        self.answered: Counter[int] = Counter()
        self.closed: Counter[int] = Counter()
        self.faults: Counter[int] = Counter()
        self._owner = owner
        self._now = clock.now_ns
        self._poller = poller
        self._errors = errors
        self._mask_source = mask_source
        self._compression = compression

    # -- the beginning -----------------------------------------------------------------------------------------------

    def adopt(self, sock: Socket, role: Role, address: Address, phase: Phase = Phase.HANDSHAKE) -> Link:
        """Take a connected socket (or one that is CONNECTING) into care."""
        by_frame = self.callbacks.on_frame is not None
        connection = Connection(role, self.limits, self._mask_source, by_frame=by_frame, compression=self._compression)
        link = Link(Stream(sock), connection, Outbox(self.limits, self.listened), phase, address, self.callbacks)
        self.watch(link, WRITABLE if phase is Phase.CONNECTING else READABLE)
        self.by_fd[link.stream.fd] = link
        link.heard = self.listened.now
        self.deadlines.handshake(link)
        self.accepted += 1
        return link

    def websocket(self, link: Link) -> WebSocket:
        """Make what stands for `link` outside."""
        link.websocket = websocket = WebSocket(self, self.queue, link)
        return websocket

    def opening(self, link: Link) -> None:
        """The handshake is over; its answer may still wait to be written."""
        websocket: WebSocket = link.websocket
        link.phase = Phase.OPEN
        link.opened = True
        self.opened += 1
        self.deadlines.silence(link)
        with self.queue.lock:
            link.outbox.open = link.outbox.closing is None
            (self.open if link.callbacks is self.callbacks else self.mounted)[websocket] = link
        self.queue.want_write(link)
        on_open = link.callbacks.on_open
        if on_open is not None:
            self.meter.part(Step.HANDSHAKE, link.callbacks.on_request)
            try:
                on_open(websocket)
            except Exception as error:
                self.callback_failed(link, error)

    # -- what the pump says of a link --------------------------------------------------------------------------------

    def handle(self, link: Link, event: Event) -> None:
        """An event that is no message."""
        if isinstance(event, Pong):
            if event.payload == link.ping_payload:
                link.ping_payload = None
                link.latency = self._now() - link.ping_sent
            return
        if isinstance(event, Closed):
            self._closed(link, event)
        elif isinstance(event, Request):
            self._owner.requested(link, event)
        elif isinstance(event, Opened):
            link.subprotocol = event.subprotocol
            link.response_headers = event.headers
            self.opening(link)
        elif isinstance(event, Failed):
            if event.status is not None:
                self.answered[event.status] += 1
            logger.debug("%s: handshake failed: %s", link.remote_address, event.reason)
            self._owner.failed(link, event.status, event.reason)
            if link.connection.role is Role.SERVER:
                self.end(link)
            else:
                self.release(link)
        else:
            assert isinstance(event, Ping), event  # answered by the connection already
        self.queue.want_write(link)

    def _closed(self, link: Link, event: Closed) -> None:
        code, reason = event.code, event.reason
        if event.fault:
            self.faults[code] += 1
            logger.debug("%s: failed with %d: %s", link.remote_address, code, reason)
        if link.verdict is not None:
            code, reason = link.verdict
        elif event.fault and link.phase is Phase.CLOSING and link.outbox.closing is not None:
            code, reason = link.outbox.closing  # ours was the first Close, whatever came behind it
        with self.queue.lock:
            whole = link.outbox.take_whole()
        plain = link.connection.encoder.plain
        link.last_words = [message if isinstance(message, bytes) else plain(message) for message in whole]
        self._bid_farewell(link, code, reason)
        if event.code == CloseCode.ABNORMAL:
            self.release(link)
        else:
            self.end(link)

    def end_of_stream(self, link: Link) -> None:
        """The peer has ended its half of the stream; what came before is still to be read."""
        self.watch(link, link.watching & ~READABLE)
        if link.phase is Phase.ENDING:
            self.written(link)

    def written(self, link: Link) -> None:
        """After a write that leaves something to be done: a full socket, a closing handshake, the end."""
        if link.stream.unsent_bytes:
            self.watch(link, link.watching | WRITABLE)
        self.backlog.update(link)
        if link.phase is Phase.ENDING:
            if not link.stream.unsent_bytes and not link.pending:
                self._finish(link)
        elif link.outbox.closing is not None and link.opened and not link.dismissed:
            link.dismissed = link.phase is Phase.CLOSING and not link.stream.unsent_bytes
            if link.dismissed or not link.expiring:
                link.expiring = True
                self.deadlines.closing(link)
        if link.phase is Phase.OPEN and not link.stream.unsent_bytes and link.unsaid:
            self.queue.want_write(link)

    def lose(self, link: Link, why: str = "the connection was lost") -> None:
        """TCP failed, or the peer is given up."""
        code, reason = link.verdict or (CloseCode.ABNORMAL, "")
        if link.phase in (Phase.CONNECTING, Phase.HANDSHAKE):
            self._owner.failed(link, None, why)
        self._bid_farewell(link, int(code), reason)
        self.release(link)

    def abort(self, link: Link) -> None:
        """Drop a link, in any phase."""
        if link.phase is not Phase.RELEASED:
            with self.queue.lock:
                link.outbox.clear()
            self.lose(link)
            self.queue.nudge()

    def callback_failed(self, link: Link, error: Exception) -> None:
        """A callback let `error` out: close its connection with 1011, and do what the error policy says."""
        self.callback_errors += 1
        self.queue.condemn(link, CloseCode.INTERNAL_ERROR, "internal error")
        self.report(error, link.websocket)

    def report(self, error: Exception, source: object) -> None:
        """Do what the error policy says.

        Raises:
            Exception: `error` itself, where the policy is "raise".
        """
        if self._errors == "raise":
            raise error
        if callable(self._errors):
            self._errors(error, source)
        else:
            logger.error("a callback raised an exception", exc_info=error)

    def traffic(self) -> list[int]:
        """Messages received and sent, bytes received and sent, since the beginning."""
        return [
            sum(column) for column in zip(self.retired, *(link.traffic() for link in self.by_fd.values()), strict=True)
        ]

    # -- the end -----------------------------------------------------------------------------------------------------

    def end(self, link: Link) -> None:
        """Nothing more is read: write what is left, end the stream, wait for the peer's end."""
        if link.phase is not Phase.RELEASED:
            link.phase = Phase.ENDING
            self.deadlines.closing(link)
            self.queue.want_write(link)

    def _finish(self, link: Link) -> None:
        """All is written. The server ends the stream first (section 7.1.1): its peer may reconnect at once."""
        if not link.watching & READABLE:
            self.release(link)
        elif link.connection.role is Role.SERVER:
            link.stream.end()
            if link.stream.lost:
                self.release(link)

    def _bid_farewell(self, link: Link, code: int, reason: str) -> None:
        """Owe the link's `on_close`, if it was opened."""
        websocket: WebSocket | None = link.websocket
        with self.queue.lock:
            link.outbox.clear()
            if websocket is not None:
                self.open.pop(websocket, None)
                self.mounted.pop(websocket, None)
        if link.opened and websocket is not None:
            link.opened = False
            self.closed[code] += 1
            self.farewells.append((link, websocket, code, reason))

    def tell(self, deadline: int) -> int:
        """Call `on_close` for links that are closed, and `on_slow`, until `deadline`; at least one. Gives the steps."""
        steps = 0
        self.slow += self.backlog.slow()
        while self.farewells or self.slow:
            steps += 1
            called: Callable[..., object] | None = None
            try:
                if self.farewells:
                    link, websocket, code, reason = self.farewells.popleft()
                    called = link.callbacks.on_close
                    self._tell_closed(link, websocket, code, reason)
                else:
                    link, age = self.slow.popleft()
                    called = link.callbacks.on_slow
                    self._tell_slow(link, age)
            finally:
                self.meter.lap(Step.CLOSE, called)
            if self.meter.mark >= deadline:
                break
        return steps

    def _tell_closed(self, link: Link, websocket: WebSocket, code: int, reason: str) -> None:
        try:
            if link.callbacks.on_close is not None:
                link.callbacks.on_close(websocket, code, reason)
        except Exception as error:
            self.callback_errors += 1
            self.report(error, websocket)
        finally:
            link.websocket = None  # they refer to each other: without this, both wait for the collector

    def _tell_slow(self, link: Link, age: float) -> None:
        if link.callbacks.on_slow is None or link.phase is not Phase.OPEN or not link.outbox.open:
            return
        try:
            link.callbacks.on_slow(link.websocket, age)
        except Exception as error:
            self.callback_failed(link, error)

    def release(self, link: Link) -> None:
        """Give the descriptor back."""
        if link.phase is Phase.RELEASED:
            return
        link.phase = Phase.RELEASED
        self.watch(link, 0)
        self.deadlines.clear(link)
        self.backlog.forget(link)
        del self.by_fd[link.stream.fd]
        self.retired = [total + own for total, own in zip(self.retired, link.traffic(), strict=True)]
        link.stream.close()
        self._owner.released(link)

    # -- watching and waiting ----------------------------------------------------------------------------------------

    def watch(self, link: Link, events: int) -> None:
        """Have the poller watch for `events`: never for what we would not serve."""
        if events == link.watching:
            return
        fd = link.stream.fd
        if not events:
            self._poller.unregister(fd)
        elif not link.watching:
            self._poller.register(fd, events)
        else:
            self._poller.modify(fd, events)
        link.watching = events

    def notice(self, link: Link, events: int) -> None:
        """What the poller found: queue the link for reading, writing or both."""
        if link.phase is Phase.CONNECTING:
            self.watch(link, READABLE)
            self._owner.connected(link)
            return
        if events & WRITABLE and link.watching & WRITABLE:
            link.heard = self.listened.now  # the kernel takes more: the peer has acknowledged some
            self.watch(link, link.watching & ~WRITABLE)
            self.queue.want_write(link)
        if events & ~WRITABLE:
            self.pump.want_read(link)
