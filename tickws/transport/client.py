"""`WebSocketClient`: the other end, with the same `work` and the same callbacks."""

from __future__ import annotations

import errno
import logging
import os
import ssl
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from tickws.clock import Clock
from tickws.errors import ConnectError, ErrorPolicy
from tickws.protocol.connection import Connection, Role
from tickws.protocol.extensions import Deflate
from tickws.protocol.handshake import HeaderFields
from tickws.protocol.limits import Limits
from tickws.protocol.messages import Buffer
from tickws.protocol.opcodes import CloseCode
from tickws.transport.endpoint import Endpoint
from tickws.transport.handler import Callbacks, Handler, OnClose, OnFrame, OnMessage, OnOpen, OnSlow
from tickws.transport.link import Link, Phase
from tickws.transport.network import Address, Network
from tickws.transport.outbox import Producer
from tickws.transport.tls import WENT_AWAY, TlsStream, prepare_context
from tickws.transport.websocket import WebSocket

__all__ = ["WebSocketClient"]

logger = logging.getLogger("tickws")


class WebSocketClient(Endpoint):
    """A WebSocket client that lives in your loop: one connection, from its making to its end.

        with tickws.WebSocketClient("ws://127.0.0.1:8056/", on_message=lambda ws, message: print(message)) as client:
            client.send("hello")  # queued until the connection is open
            while client.work(0.020):
                ...

    Connecting goes on inside `work`, and blocks nothing; only a host *name* is looked up here and now. Where no
    connection comes about, `error` says why, the log too (as a warning), and `work` returns False.

    Args:
        url: ws://host:port/path?query, or wss:// for TLS.
        handler: as for `WebSocketServer`; `on_request` is not called.
        subprotocols: names to offer, the preferred one first.
        origin: an Origin header to send.
        headers: further headers to send.
        ssl_context: for wss, whom to trust; None: those that the system trusts (`ssl.create_default_context()`). Its
            ALPN is set to "http/1.1", and renegotiation is turned off.
        compression: what to offer of permessage-deflate; None: nothing. Not together with `on_frame`.
        limits: bounds on what the server may send; `handshake_seconds` bounds each attempt to connect, too.
        network: where sockets come from.
        clock: the time; the network's unless given.
        errors: what happens to exceptions of callbacks, see `ErrorPolicy`.
        mask_source: gives so many random bytes; chance is an argument, for tests.

    Raises:
        ValueError: the URL, a subprotocol or a header cannot be used.
        TypeError: `ssl_context`, `limits`, a callback or another argument is of another type.
    """

    def __init__(
        self,
        url: str,
        handler: Handler | None = None,
        *,
        subprotocols: Sequence[str] = (),
        origin: str | None = None,
        headers: HeaderFields = (),
        ssl_context: ssl.SSLContext | None = None,
        compression: Deflate | None = None,
        limits: Limits | None = None,
        network: Network | None = None,
        clock: Clock | None = None,
        errors: ErrorPolicy = "close",
        mask_source: Callable[[int], bytes] = os.urandom,
        on_open: OnOpen | None = None,
        on_message: OnMessage | None = None,
        on_frame: OnFrame | None = None,
        on_close: OnClose | None = None,
        on_slow: OnSlow | None = None,
    ) -> None:
        secure, host, port, target = _split(url)
        if ssl_context is not None and not secure:
            raise ValueError(f"{url!r}: ssl_context is for wss:// URLs")
        if secure:
            ssl_context = ssl.create_default_context() if ssl_context is None else ssl_context
            prepare_context(ssl_context, host)
        callbacks = Callbacks(handler, None, on_open, on_message, on_frame, on_close, on_slow)
        super().__init__(callbacks, limits, network, clock, errors, compression, mask_source)
        self.url = url
        self.error: ConnectError | None = None
        """Why no connection came about; None before that is decided, and where one did."""
        self._ssl_context = ssl_context
        self._host = host
        self._handshake = (_host_header(host, port, 443 if secure else 80), target, subprotocols, origin, headers)
        self._link: Link | None = None
        self._websocket: WebSocket | None = None
        self._addresses: list[tuple[int, Address]] = []
        try:
            # misuse shows here, not in work()
            self._request(Connection(Role.CLIENT, self._limits, mask_source, compression=compression))
            self._addresses = self._network.resolve(host, port)
        except OSError as error:
            self._give_up(None, f"the host name is unknown ({error.strerror})", error.errno)
        except BaseException:
            self._poller.close()
            raise
        self._try_next()
        self._finish_if_over()

    @property
    def websocket(self) -> WebSocket | None:
        """The connection, also before it opens and after it closed; None where none came about."""
        return self._websocket

    def send(self, message: str | Buffer) -> bool:
        """As `WebSocket.send`; before the connection opens, the message waits for that. Thread-safe."""
        return self._websocket is not None and self._websocket.send(message)

    def send_latest(self, key: object, message: str | Buffer | Producer) -> bool:
        """As `WebSocket.send_latest`; before the connection opens, the value waits for that. Thread-safe."""
        return self._websocket is not None and self._websocket.send_latest(key, message)

    def close(self, code: int = CloseCode.NORMAL, reason: str = "", *, timeout: float = 5.0) -> None:
        """As `WebSocketServer.close`, with 1000 as the code."""
        super().close(code, reason, timeout=timeout)

    # -- connecting --------------------------------------------------------------------------------------------------

    def _try_next(self) -> None:
        """Begin to connect to the next address, if one is left."""
        while self._addresses:
            family, address = self._addresses.pop(0)
            try:
                sock = self._network.connect(family, address)
            except OSError as error:
                if not self._addresses:
                    self._give_up(None, _advice(error.errno), error.errno)
                continue
            link = self._links.adopt(sock, Role.CLIENT, address, self._ssl_context, self._host)
            with self._links.queue.lock:
                before, self._link = self._link, link
                if before is None or self._websocket is None:
                    link.outbox.open = True
                    self._websocket = self._links.websocket(link)
                else:  # the same WebSocket, and what waits for the connection, move on to the next attempt
                    link.outbox, before.outbox = before.outbox, link.outbox
                    self._websocket._link = link
                    before.websocket = None
                link.websocket = self._websocket
            return

    def connected(self, link: Link) -> None:
        """The system knows whether somebody answers there."""
        number = link.stream.error()
        if number:
            self._attempt_failed(link, _advice(number), number)
            self._links.release(link)
            return
        if isinstance(link.stream, TlsStream):
            link.phase = Phase.SECURING
            self._links.secure(link)
        else:
            self.secured(link)

    def secured(self, link: Link) -> None:
        """All is ready for the HTTP request."""
        link.phase = Phase.HANDSHAKE
        self._request(link.connection)
        self._links.queue.want_write(link)

    def _request(self, connection: Connection) -> None:
        host, target, subprotocols, origin, headers = self._handshake
        connection.request(host, target, subprotocols=subprotocols, origin=origin, headers=headers)

    def failed(self, link: Link, status: int | None, reason: str) -> None:
        """The connection ended before it opened."""
        if status == 400 and self._ssl_context is None:
            reason += "; is it a wss:// server?"
        self._attempt_failed(link, reason, None, status)

    def _attempt_failed(self, link: Link, reason: str, number: int | None, status: int | None = None) -> None:
        if link.phase is Phase.CONNECTING and self._addresses and link.outbox.open and not self._closing:
            self._try_next()
        else:
            self._give_up(status, reason, number)

    def _give_up(self, status: int | None, reason: str, number: int | None) -> None:
        unwanted = self._closing or (self._link is not None and not self._link.outbox.open)
        if unwanted:
            reason = "it was closed before that"
        by_tls = self._link is not None and self._link.stream.fault not in ("", WENT_AWAY)
        self.error = ConnectError(f"cannot connect to {self.url}: {reason}", status=status, tls=by_tls)
        self.error.errno = number
        with self._links.queue.lock:
            if self._link is not None:
                self._link.outbox.clear()
        if not unwanted:
            self.complain()

    def complain(self) -> None:
        """Log why no connection came about; for who tries again and again to override."""
        logger.warning("%s", self.error)

    def _over(self) -> bool:
        """A client holds one connection: when that is gone, it is finished."""
        return True


def _split(url: str) -> tuple[bool, str, int, str]:
    """Whether TLS is spoken, host, port and request target of a WebSocket URL (RFC 6455 section 3).

    Raises:
        ValueError: it is none.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise ValueError(f"{url!r} is no WebSocket URL: it looks like ws://127.0.0.1:8056/path")
    if parts.fragment or parts.username is not None:
        raise ValueError(f"{url!r}: a WebSocket URL has no #fragment and no user name")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    secure = parts.scheme == "wss"
    port = parts.port
    return secure, parts.hostname, (443 if secure else 80) if port is None else port, target


def _host_header(host: str, port: int, usual: int) -> str:
    name = f"[{host}]" if ":" in host else host
    return name if port == usual else f"{name}:{port}"


def _advice(number: int | None) -> str:
    """What an error of the system means for somebody who wants to connect."""
    if number == errno.ECONNREFUSED:
        return "nobody listens there. Is the server running, and is the port right?"
    return os.strerror(number) if number else "unknown error"
