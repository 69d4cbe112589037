"""`WebSocket`: what your code holds of one connection."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from typing import Any

from tickws.clock import NANOSECONDS
from tickws.errors import UsageError
from tickws.protocol.handshake import Request
from tickws.protocol.http import Headers
from tickws.protocol.messages import Buffer, check_ping
from tickws.protocol.opcodes import CloseCode, check_close
from tickws.statistics import ConnectionStatistics
from tickws.transport.latency import shortest
from tickws.transport.link import Keeper, Link, Phase
from tickws.transport.network import Address
from tickws.transport.outbox import Fragments, Producer
from tickws.transport.sendqueue import SendQueue
from tickws.transport.tls import TlsStream

__all__ = ["WebSocket"]


class WebSocket:
    """One connection, from `on_open` to `on_close`.

    `send`, `send_latest`, `ping` and `close` may be called from any thread, and at any time: on a connection that is
    gone they do nothing. Nothing is written before the next `flush` (or `work`).
    """

    __slots__ = ("__weakref__", "_keeper", "_link", "_queue", "data")

    def __init__(self, keeper: Keeper, queue: SendQueue, link: Link) -> None:
        self._keeper = keeper
        self._queue = queue
        self._link = link
        self.data: Any = None
        """Yours: whatever you want to keep with this connection."""

    def send(self, message: str | Buffer) -> bool:
        """Queue one unfragmented message (RFC 6455 section 5.6).

        Thread-safe. Cost: one copy of `message`.

        Args:
            message: text, or bytes for a binary message; of any length. Not kept after return.

        Returns:
            False where the connection is no longer open; nothing is queued then. A message that does not fit into the
            queue (`limits.queue_bytes`, `limits.queue_messages`) closes the connection with 1008, and is one of these.

        Raises:
            TypeError: `message` is neither text nor bytes-like.
            ValueError: it is text that UTF-8 cannot carry (lone surrogates).
        """
        return self._queue.put(self._link, self._link.connection.encoder.prepare(message))

    def send_latest(self, key: object, message: str | Buffer | Producer) -> bool:
        """Set the value that goes out next under `key`; an older one that is still unsent is replaced.

        For state of which only the newest counts: a slow client gets fewer values, never old ones. Latest values go
        out behind reliable messages, and only when the socket has taken everything before them. Thread-safe.

        Args:
            key: which kind of value this is; at most `limits.latest_keys` may wait at once.
            message: as for `send`; or a callable without arguments that makes it, called inside `flush`, once, when
                its bytes are about to be committed. It may return None for 'nothing this time'.

        Returns:
            False where the connection is no longer open.

        Raises:
            TypeError, ValueError: as `send`; ValueError also for one key too many.
        """
        value = message if callable(message) else self._link.connection.encoder.prepare(message)
        return self._queue.put_latest(self._link, key, value)

    def send_fragments(self, fragments: Iterable[str | Buffer]) -> bool:
        """Queue one message that is made as it is sent (section 5.4): each item is a fragment, all text or all bytes.

        Items are taken inside `flush`, as the socket has room, and never held together. Other messages wait until the
        last one is out, latest values too. An iterable without items sends nothing. What the iterable raises closes
        the connection with 1011, as no callback's error can take back what is sent. Not thread-safe. One item is
        one step, and compressed as one: keep items to some 16 KiB where there is compression.

        Returns:
            False where the connection is no longer open.

        Raises:
            TypeError: `fragments` is not iterable, or is itself a message.
        """
        if isinstance(fragments, (str, bytes, bytearray, memoryview)):
            raise TypeError("send_fragments takes an iterable of fragments; a whole message goes by send()")
        return self._queue.put(self._link, Fragments(fragments))

    def ping(self, payload: Buffer = b"") -> bool:
        """Send a Ping (section 5.5.2). Pings for keep-alive and `latency` are sent without you. Thread-safe.

        Returns:
            False where the connection is no longer open.

        Raises:
            TypeError: `payload` is not bytes-like.
            ValueError: it is longer than 125 bytes.
        """
        return self._queue.ping(self._link, check_ping(payload))

    def close(self, code: int = CloseCode.NORMAL, reason: str = "") -> None:
        """Close with a closing handshake (section 7.1.2), behind the reliable messages that are queued.

        No message is delivered after this call. `on_close` follows when the peer has answered, at the latest after
        `limits.closing_seconds` in which it took less than `limits.slice_bytes` of what was still to be said. Does
        nothing if the connection is no longer open. Thread-safe.

        Args:
            code: 1000, 3000 to 4999 for your own, or a registered code.
            reason: at most 123 bytes of UTF-8.

        Raises:
            ValueError: the code may not be sent, or the reason is too long.
        """
        check_close(code, reason)
        self._queue.close(self._link, code, reason)

    def abort(self) -> None:
        """Drop the connection at once, without a word; `on_close` follows with 1006. Not thread-safe."""
        self._keeper.abort(self._link)

    @property
    def open(self) -> bool:
        """Whether messages can be sent: from `on_open` until either side begins to close."""
        return self._link.phase is Phase.OPEN and self._link.outbox.open

    @property
    def request(self) -> Request:
        """The client's handshake request (servers only).

        Raises:
            UsageError: this is a client's end.
        """
        if self._link.request is None:
            raise UsageError("only a server's WebSocket has a request")
        return self._link.request

    @property
    def response_headers(self) -> Headers | None:
        """A client's: the headers of the server's answer; None before it opens, and at a server."""
        return self._link.response_headers

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol agreed on (section 1.9)."""
        return self._link.subprotocol

    @property
    def extensions(self) -> str:
        """What was agreed, as in the server's answer: "permessage-deflate; …", or "" for nothing (section 9.1)."""
        return self._link.connection.extensions

    @property
    def tls(self) -> ssl.SSLObject | None:
        """What TLS says of this connection: `version()`, `cipher()`, `getpeercert()`, …; None without TLS."""
        stream = self._link.stream
        return stream.tls if isinstance(stream, TlsStream) else None

    @property
    def remote_address(self) -> Address:
        """The peer's address: (host, port) or, with IPv6, (host, port, flow, scope).

        On a unix socket "", or the path that the peer is bound to; behind a trusted proxy the client's, with port 0.
        """
        return self._link.remote_address

    @property
    def queued_bytes(self) -> int:
        """Bytes that wait to be sent: reliable messages queued, and what the kernel has not taken yet."""
        return self._link.outbox.queued_bytes + self._link.stream.unsent_bytes

    @property
    def unsent_seconds(self) -> float:
        """Age of the oldest reliable or committed byte that the socket has not taken; 0.0 where it takes all.

        Time in which we did not listen does not count (nobody is slow for our hitch). See `on_slow`.
        """
        return self._link.outbox.age

    @property
    def latency(self) -> float | None:
        """Seconds to the peer and back: the shortest of the last eight keep-alive pings; None before the first.

        The line and the peer's own delay, without ours: how long a pong lies there until a frame reads it is taken off
        (exact to some milliseconds on Linux, to half a frame elsewhere and on unix sockets). Only silent peers are
        pinged (`limits.ping_seconds`): of one that talks all the time it stays what it was.
        """
        latency = shortest(self._link.trips)
        return None if latency is None else latency / NANOSECONDS

    def statistics(self) -> ConnectionStatistics:
        """Counters of this connection, frozen."""
        link = self._link
        return ConnectionStatistics(
            messages_received=link.messages_received,
            messages_sent=link.messages_sent,
            bytes_received=link.bytes_received,
            bytes_sent=link.bytes_sent,
            queued_messages=link.outbox.queued_messages,
            queued_bytes=self.queued_bytes,
            unsent_seconds=self.unsent_seconds,
            latency=self.latency,
        )

    def __repr__(self) -> str:
        return f"<WebSocket {self.remote_address!r} {self._link.phase.value}>"
