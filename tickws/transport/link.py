"""One TCP connection in an endpoint's care: what the pump turns, from its first byte to its last.

    CONNECTING ──> SECURING ──> HANDSHAKE ──> OPEN ──> CLOSING ──> ENDING ──> RELEASED
     (client)       (TLS) └─────────┴──────────┴─────────┴────────────^ a fault, a Close, an HTTP answer, the peer's end

CLOSING waits for the peer's Close; ENDING writes what is left, ends our half of the stream and reads away what still
comes, so that no unread byte makes the kernel answer with a reset, which would destroy our last words. Only the loop's
thread touches a link; other threads reach its `outbox`, under the endpoint's lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from threading import RLock
from typing import Any, Protocol

from tickws.protocol.connection import Connection
from tickws.protocol.deflate import Compressible
from tickws.protocol.events import Event
from tickws.protocol.handshake import Request
from tickws.protocol.http import Headers
from tickws.transport.network import Address
from tickws.transport.outbox import Fragments, Outbox, Producer
from tickws.transport.steps import Meter, Step
from tickws.transport.stream import Stream
from tickws.transport.tls import TlsStream

__all__ = ["Keeper", "Link", "Phase"]


class Phase(Enum):
    """Where a link stands; the drawing is above."""

    CONNECTING = "connecting"
    SECURING = "securing"
    HANDSHAKE = "handshake"
    OPEN = "open"
    CLOSING = "closing"
    ENDING = "ending"
    RELEASED = "released"


_OPEN = Phase.OPEN  # looked up once: an enum's members are slow to reach


class Link:
    """Socket, protocol and send queue of one connection, with the flags of those who turn it."""

    # fmt: off
    __slots__ = (
        "address_key", "begun", "byte_time", "bytes_received", "bytes_sent", "callbacks", "carried", "connection",
        "dismissed", "expiring", "heard", "held", "last_words", "message_time", "messages_received", "messages_sent",
        "opened", "outbox", "pending", "phase", "ping_payload", "ping_sent", "pinged", "queued", "quota", "ready",
        "remote_address", "request", "response_headers", "resumes", "sent_mark", "slice", "spent", "stream",
        "subprotocol", "timer", "told", "trips", "verdict", "watching", "websocket",
    )
    # fmt: on

    def __init__(
        self,
        stream: Stream | TlsStream,
        connection: Connection,
        outbox: Outbox,
        phase: Phase,
        address: Address,
        callbacks: Any = None,
    ) -> None:
        self.stream = stream
        self.connection = connection
        self.callbacks = callbacks
        """The `Callbacks` that are called for this link; its request may choose others (`WebSocketServer.mount`)."""
        self.outbox = outbox
        self.phase = phase
        self.remote_address = address
        self.address_key: str | None = None
        """What it is counted as, where connections by address are counted."""
        self.websocket: Any = None
        """The `WebSocket` that stands for this link outside, set before it opens; None again after `on_close`."""
        self.request: Request | None = None
        self.response_headers: Headers | None = None
        """Of the server's answer, at a client."""
        self.subprotocol: str | None = None
        self.opened = False
        """`on_open` was called, or would have been; `on_close` is owed, until it is told."""
        self.verdict: tuple[int, str] | None = None
        """Code and reason that `on_close` gets even where no closing handshake follows: why *we* gave the peer up."""
        self.last_words: Sequence[bytes] = ()
        """Reliable messages that were queued when the end came: they go out before our Close."""
        # The pump's marks:
        self.watching = 0
        """What the poller watches for: READABLE until the peer's end of stream, WRITABLE while the kernel is full."""
        self.ready = False  # in the queue of links to read
        self.carried = False  # received bytes may hold further messages
        self.slice = self.quota = 0  # what may still be read in the slice of that number
        self.told = 0  # messages of a turn that the deadline has cut
        self.spent: float = 0  # up to when it has spent what a light link says, in reading time
        self.pending = False  # in the queue of links to write; under the lock
        # Rates, in reading time:
        self.held: tuple[int, int, Link] | None = None  # not read for a while
        self.queued = False  # it still stands in the queue of links to read
        self.resumes = 0  # what the poller watches for again after that
        self.message_time: float = 0  # up to when it has spent what it may say (see `rates`)
        self.byte_time: float = 0
        # Deadlines, in reading time:
        self.begun = 0  # when it came
        self.timer: tuple[int, int, Link] | None = None
        self.expiring = False  # the deadline is that of the closing handshake
        self.dismissed = False  # our Close has left: the peer's time to answer it runs
        self.heard = 0  # when the last byte came, or the kernel took some again
        self.sent_mark = 0  # `bytes_sent` when the deadline was set
        self.pinged = -1  # when the last keep-alive ping was sent
        self.ping_payload: bytes | None = None  # of the ping that is not answered yet
        self.ping_sent = 0  # when it was committed, on the clock; 0: not yet, or it measures nothing
        self.trips = b""  # the last round trips (see `latency`)
        # Statistics:
        self.messages_received = 0
        self.messages_sent = 0
        self.bytes_received = 0
        self.bytes_sent = 0

    def commit(self, frames: list[bytes], lock: RLock, share: int, meter: Meter, deadline: int) -> None:
        """Append to `frames` what is to be written next, taken out of the outbox in the order of DESIGN rule 3.

        Called when the stream has nothing unsent. Raises whatever a producer or an iterable of fragments does; what
        was appended before is to be written nevertheless. What is made here (compressed messages, fragments, values of
        producers) waits for the next commit where it comes after `deadline`; a step is one of them, or 16 KiB of it.
        """
        connection = self.connection
        outbox = self.outbox
        with lock:
            self.pending = False
            is_open = self.phase is _OPEN
            plain = not (is_open and outbox.special)
            reliable = outbox.take_reliable(share) if is_open else []
            unmade = None if plain else outbox.unmade
            amid = isinstance(unmade, Fragments) and not reliable
            latest = {} if plain or amid else outbox.take_latest()
            pings = [] if plain else outbox.take_pings()
        if plain:  # the usual frame, and the handshake's and the closing's own words
            frames += connection.data_to_send()
            if self.last_words:
                frames[-1:-1] = self.last_words  # behind them is the Close
                self.messages_sent += len(self.last_words)
                self.last_words = ()
            frames += reliable
            self.messages_sent += len(reliable)
            return
        for payload in pings:
            connection.send_ping(payload)
            if payload is self.ping_payload:  # the same object: a user's ping is another one, whatever it says
                self.ping_sent = meter.mark
        frames += connection.data_to_send()
        late = False
        if amid and isinstance(unmade, Fragments):
            before = len(frames)
            if unmade.take(frames, connection, share, meter, deadline):
                self.messages_sent += len(frames) > before  # no message is made of no fragments
                with lock:
                    outbox.finish(unmade)
        elif reliable or unmade is not None:
            late = self._commit_reliable(frames, reliable, unmade, lock, share, meter, deadline)
        if latest:
            self._commit_latest(frames, latest, lock, meter, deadline, late)
        if outbox.closing is not None and outbox.empty and self.phase is _OPEN:  # a producer may have dropped us
            connection.send_close(*outbox.closing)
            self.phase = Phase.CLOSING
            frames += connection.data_to_send()

    def _commit_reliable(
        self,
        frames: list[bytes],
        made: list[bytes],
        unmade: Compressible | Fragments | None,
        lock: RLock,
        share: int,
        meter: Meter,
        deadline: int,
    ) -> bool:
        """Commit whole messages: those `made`, and from `unmade` on up to the first one in fragments.

        Returns:
            Whether `deadline` is past.
        """
        outbox = self.outbox
        while True:
            frames += made
            self.messages_sent += len(made)
            share -= sum(map(len, made))
            if share <= 0 or not isinstance(unmade, Compressible):
                return False
            frame = self.connection.encoder.compress(unmade)
            late = meter.lap(Step.ENCODE) >= deadline
            made = []
            if frame is not None:
                frames.append(frame)
                self.messages_sent += 1
                share -= len(frame)
                with lock:
                    outbox.finish(unmade)
                    if not late:
                        made = outbox.take_reliable(share)
                    unmade = outbox.unmade
            if late:
                return True

    def _commit_latest(
        self,
        frames: list[bytes],
        latest: dict[object, bytes | Compressible | Producer],
        lock: RLock,
        meter: Meter,
        deadline: int,
        late: bool,
    ) -> None:
        for key, value in latest.items():
            made = value
            if not late and not isinstance(value, (bytes, Compressible)):
                produced = value()
                late = meter.lap(Step.ENCODE, value) >= deadline
                if produced is None:
                    continue
                made = self.connection.encoder.prepare(produced)
            while isinstance(made, Compressible) and not late:
                made = self.connection.encoder.compress(made) or made
                late = meter.lap(Step.ENCODE) >= deadline
            if isinstance(made, bytes):
                frames.append(made)
                self.messages_sent += 1
            else:
                with lock:
                    self.outbox.put_back(key, made)

    def traffic(self) -> tuple[int, int, int, int]:
        """Messages received and sent, bytes received and sent."""
        return self.messages_received, self.messages_sent, self.bytes_received, self.bytes_sent

    @property
    def released(self) -> bool:
        """Whether the descriptor was given back."""
        return self.phase is Phase.RELEASED

    @property
    def unsaid(self) -> bool:
        """Whether the outbox has more for the next commit."""
        return self.phase is Phase.OPEN and not (self.outbox.empty and self.outbox.closing is None)


class Keeper(Protocol):
    """Who decides what becomes of a link, as far as the pump and a `WebSocket` need to know."""

    def handle(self, link: Link, event: Event) -> None:
        """Do what an event that is no message asks for."""

    def secure(self, link: Link) -> None:
        """Take the next step of a link's TLS handshake."""

    def pause(self, link: Link) -> None:
        """Read a link no more, until `resume`."""

    def resume(self, link: Link) -> None:
        """Read a link again."""

    def end_of_stream(self, link: Link) -> None:
        """The peer has ended its half of the stream; what came before is still to be read."""

    def written(self, link: Link) -> None:
        """Something was written, and there is more to be done: a full socket, a closing handshake, the end."""

    def lose(self, link: Link, why: str = "") -> None:
        """TCP failed, or the peer is given up."""

    def release(self, link: Link) -> None:
        """Give the descriptor back."""

    def abort(self, link: Link) -> None:
        """Drop a link, in any phase."""

    def callback_failed(self, link: Link, error: Exception) -> None:
        """A callback let `error` out."""
