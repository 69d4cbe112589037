"""The lives of an endpoint's links: adopted, opened, closed, told of, released.

Here is what happens to one link when something is said of it: by the pump (an event, an error, the end of the stream),
by a deadline, by its owner. Promises: `on_open` and `on_close` come in pairs, once each, the second as a step of its
own; a peer's fault ends that peer's link and nothing else.
"""

from __future__ import annotations

import logging
import ssl
from collections import Counter
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
from tickws.transport.latency import Arrivals, with_trip
from tickws.transport.link import Link, Phase
from tickws.transport.network import Address, Network, Socket
from tickws.transport.notices import Notices
from tickws.transport.outbox import Outbox
from tickws.transport.poller import READABLE, WRITABLE, Poller
from tickws.transport.pump import Pump
from tickws.transport.readingtime import ReadingTime
from tickws.transport.sendqueue import SendQueue
from tickws.transport.steps import Meter, Step
from tickws.transport.stream import Stream
from tickws.transport.tls import WENT_AWAY, TlsStream
from tickws.transport.websocket import WebSocket
from tickws.transport.writer import Writer

__all__ = ["BEFORE_OPEN", "Links", "Owner"]

logger = logging.getLogger("tickws")

BEFORE_OPEN = (Phase.CONNECTING, Phase.SECURING, Phase.HANDSHAKE)


class Owner:
    """What a server or a client does about its links; a base class whose steps do nothing."""

    def requested(self, link: Link, request: Request) -> None:
        """A client's request wants an answer."""

    def connected(self, link: Link) -> None:
        """A connection attempt was decided."""

    def secured(self, link: Link) -> None:
        """A TLS handshake is over."""

    def failed(self, link: Link, status: int | None, reason: str) -> None:
        """A link ended before it opened."""

    def settled(self, link: Link) -> None:
        """A newcomer is one no longer."""

    def released(self, link: Link) -> None:
        """A descriptor is free again."""


class Links:
    """All links of one endpoint."""

    def __init__(
        self,
        owner: Owner,
        clock: Clock,
        network: Network,
        poller: Poller,
        limits: Limits,
        callbacks: Callbacks,
        errors: ErrorPolicy,
        mask_source: Callable[[int], bytes],
        compression: Deflate | None,
    ) -> None:
        self.queue = SendQueue(poller, limits)
        self.limits = limits
        self.limited: Counter[str] = Counter()
        """What limits have done, by their names."""
        self.callbacks = callbacks
        self.meter = Meter(clock.now_ns)
        self.listened = ReadingTime()
        self.arrivals = Arrivals(network, self.queue)
        self.pump = Pump(self, self.queue, self.meter, self.listened, limits, self.limited)
        self.writer = Writer(self, self.queue, self.meter, self.listened, limits.slice_bytes)
        self.deadlines = Deadlines(self, self.listened, self.queue, self.meter, limits, self.limited, mask_source)
        self.backlog = Backlog(limits, self.listened, self.queue.lock)
        self.notices = Notices(self, self.backlog, self.meter, errors, self.limited)
        self.by_fd: dict[int, Link] = {}
        self.newcomers: dict[Link, None] = {}
        """A server's that are in their handshake, in the order of their coming."""
        self.open: dict[WebSocket, Link] = {}
        """WebSockets that are open, in the order of their opening; under the lock."""
        self.mounted: dict[WebSocket, Link] = {}
        """The same for those whose request chose other callbacks: broadcasts are not for them."""
        self.accepted = 0
        self.opened = 0
        self.tls_faults = 0
        self.retired = [0, 0, 0, 0]
        """Of links that are released: messages received and sent, bytes received and sent."""
        self.answered: Counter[int] = Counter()
        self.closed: Counter[int] = Counter()
        self.faults: Counter[int] = Counter()
        self._owner = owner
        self._now = clock.now_ns
        self._poller = poller
        self._mask_source = mask_source
        self._compression = compression

    # -- the beginning -----------------------------------------------------------------------------------------------

    def adopt(
        self,
        sock: Socket,
        role: Role,
        address: Address,
        context: ssl.SSLContext | None = None,
        server_hostname: str | None = None,
    ) -> Link:
        """Take a server's connected socket, or a client's that is CONNECTING, into care; with a `context`, by TLS."""
        raw = Stream(sock)
        stream = raw if context is None else TlsStream(raw, context, server_hostname)
        phase = Phase.HANDSHAKE if context is None else Phase.SECURING
        if role is Role.CLIENT:
            phase = Phase.CONNECTING
        by_frame = self.callbacks.on_frame is not None
        connection = Connection(role, self.limits, self._mask_source, by_frame=by_frame, compression=self._compression)
        link = Link(stream, connection, Outbox(self.limits, self.listened), phase, address, self.callbacks)
        self.watch(link, WRITABLE if phase is Phase.CONNECTING else READABLE)
        self.by_fd[link.stream.fd] = link
        link.heard = link.begun = self.listened.now
        if role is Role.SERVER:
            self.newcomers[link] = None
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
        self._settled(link)
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

    def secure(self, link: Link) -> None:
        """The next step of a TLS handshake."""
        stream = link.stream
        assert isinstance(stream, TlsStream)
        link.heard = self.listened.now
        done = stream.secure(self.limits.slice_bytes)
        if stream.lost:
            self.lose(link)
        elif stream.fault:
            if stream.fault is WENT_AWAY:
                self.watch(link, link.watching & ~READABLE)
            self.handle(link, Failed(None, stream.fault))
        else:
            if done:
                link.phase = Phase.HANDSHAKE
                self._owner.secured(link)
            if stream.unsent_bytes:
                self.queue.want_write(link)

    def handle(self, link: Link, event: Event) -> None:
        """An event that is no message."""
        if isinstance(event, Pong):
            if event.payload == link.ping_payload:
                link.ping_payload = None
                self._measure(link)
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
            if event.limit:
                self.limited[event.limit] += 1
            logger.debug("%r: handshake failed: %s", link.remote_address, event.reason)
            self._owner.failed(link, event.status, event.reason)
            if link.connection.role is Role.SERVER:
                self.end(link)
            else:
                self.release(link)
        else:
            assert isinstance(event, Ping), event  # answered by the connection already
        self.queue.want_write(link)

    def _measure(self, link: Link) -> None:
        """The keep-alive ping is answered."""
        if link.ping_sent:
            came = self.arrivals.instant(link.stream.socket, link.ping_sent, self._now())
            if came is not None:
                link.trips = with_trip(link.trips, came - link.ping_sent)

    def _closed(self, link: Link, event: Closed) -> None:
        code, reason = event.code, event.reason
        if event.fault:
            self.faults[code] += 1
            self.limited["message_bytes"] += code == CloseCode.MESSAGE_TOO_BIG
            logger.debug("%r: failed with %d: %s", link.remote_address, code, reason)
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
            link.ping_sent = 0  # a ping that waits behind a full socket does not measure the line
            self.watch(link, link.watching | WRITABLE)
        self.backlog.update(link)
        if link.phase is Phase.ENDING:
            if not link.stream.unsent_bytes and not link.pending:
                self._finish(link)
        elif link.outbox.closing is not None and link.opened and not link.dismissed:
            link.dismissed = link.phase is Phase.CLOSING and not link.stream.unsent_bytes
            if link.dismissed and link.held is not None:
                self.pump.let_go(link)
            if link.dismissed or not link.expiring:
                link.expiring = True
                self.deadlines.closing(link)
        if link.phase is Phase.OPEN and not link.stream.unsent_bytes and link.unsaid:
            self.queue.want_write(link)

    def lose(self, link: Link, why: str = "the connection was lost") -> None:
        """TCP failed, or the peer is given up."""
        code, reason = link.verdict or (CloseCode.ABNORMAL, "")
        if link.phase in BEFORE_OPEN:
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
        self.queue.condemn(link, CloseCode.INTERNAL_ERROR, "internal error")
        self.notices.report(error, link.websocket)

    def limits_met(self) -> Counter[str]:
        """How often a limit took effect, by its name."""
        with self.queue.lock:
            return self.limited + self.queue.limited

    def traffic(self) -> list[int]:
        """Messages received and sent, bytes received and sent, since the beginning."""
        return [sum(of) for of in zip(self.retired, *(link.traffic() for link in self.by_fd.values()), strict=True)]

    # -- the end -----------------------------------------------------------------------------------------------------

    def end(self, link: Link) -> None:
        """Nothing more is read: write what is left, end the stream, wait for the peer's end."""
        if link.phase is not Phase.RELEASED:
            link.phase = Phase.ENDING
            link.connection.ignore()  # what comes behind a TLS handshake that failed
            self._settled(link)
            self.deadlines.closing(link)
            self.queue.want_write(link)

    def _finish(self, link: Link) -> None:
        """All is written. The server ends the stream first (section 7.1.1): its peer may reconnect at once."""
        if not link.watching & READABLE:
            if isinstance(link.stream, TlsStream):
                link.stream.end()  # close_notify: theirs wants an answer
            self.release(link)
        elif link.connection.role is Role.SERVER:
            link.stream.end()
            if link.stream.lost:
                self.release(link)
            elif link.stream.unsent_bytes:  # close_notify
                self.watch(link, link.watching | WRITABLE)

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
            self.notices.farewells.append((link, websocket, code, reason))

    def release(self, link: Link) -> None:
        """Give the descriptor back."""
        if link.phase is Phase.RELEASED:
            return
        link.phase = Phase.RELEASED
        self._settled(link)
        if link.held is not None:
            self.pump.rates.forget(link)
        self.watch(link, 0)
        self.deadlines.clear(link)
        self.backlog.forget(link)
        del self.by_fd[link.stream.fd]
        self.retired = [total + own for total, own in zip(self.retired, link.traffic(), strict=True)]
        self.tls_faults += bool(link.stream.fault) and link.stream.fault is not WENT_AWAY
        link.stream.close()
        self._owner.released(link)

    def _settled(self, link: Link) -> None:
        """A link is no newcomer any more, if it was one."""
        if link in self.newcomers:
            del self.newcomers[link]
            self._owner.settled(link)

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

    def pause(self, link: Link) -> None:
        """Read a link no more, until `resume`."""
        link.resumes = link.watching & READABLE
        self.watch(link, link.watching & ~READABLE)

    def resume(self, link: Link) -> None:
        """Read a link again."""
        self.watch(link, link.watching | link.resumes)

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
