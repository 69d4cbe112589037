"""`WebSocketServer`: doors, requests, broadcasts."""

from __future__ import annotations

import re
import ssl
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from tickws.clock import Clock, nanoseconds
from tickws.errors import ErrorPolicy, UsageError
from tickws.protocol.connection import Role
from tickws.protocol.extensions import Deflate
from tickws.protocol.handshake import Accept, Reject, Request, check_tokens
from tickws.protocol.limits import Limits
from tickws.protocol.messages import Buffer
from tickws.protocol.opening import status_text
from tickws.transport.broadcasts import Broadcasts
from tickws.transport.endpoint import Endpoint
from tickws.transport.files import File, Files
from tickws.transport.handler import Callbacks, Handler, OnClose, OnFrame, OnMessage, OnOpen, OnRequest, OnSlow
from tickws.transport.link import Link
from tickws.transport.listener import Listener
from tickws.transport.network import Address, Network, Socket, listen_error
from tickws.transport.steps import Step
from tickws.transport.tls import TlsStream, prepare_context
from tickws.transport.websocket import WebSocket

__all__ = ["WebSocketServer", "matches"]

_RETRY = nanoseconds(1.0)
"""Reading time after which a process that was out of descriptors tries again, even if none of ours came free."""


class WebSocketServer(Endpoint):
    """A WebSocket server that lives in your loop: nothing happens but in `work` (or `receive` and `flush`).

        with tickws.WebSocketServer(on_message=lambda ws, message: ws.send(message), port=8056) as server:
            while server.work(0.020):
                ...  # the rest of the application

    Thread-safe are `broadcast`, `broadcast_latest`, `wake`, and of a `WebSocket` its `send`, `send_latest`, `ping` and
    `close`; nothing else is.

    Args:
        handler: an instance of a `Handler` subclass; or give callbacks by keyword, as `Handler` has them: `on_request`,
            `on_open`, `on_message` (or `on_frame`), `on_close`, `on_slow`.
        host: the address to listen at: "127.0.0.1" is this machine alone, "0.0.0.0" all of IPv4, "::" all of IPv6, ""
            both; a name stands for all of its addresses.
        port: the port; 0 picks a free one, `port` tells which.
        max_connections: the most connections held at once; the surplus waits in the kernel's backlog. None: what the
            process may open, less 64.
        subprotocols: those that are spoken here; of those that a client offers, in its order, the first is chosen.
        origins: the pages that may connect: strings ("https://game.example") or compiled patterns matched whole, and
            None for clients that name no page; others get 403. None: everybody (RFC 6455 section 10.2).
        ssl_context: for TLS at this address: `ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)` with a certificate
            (`load_cert_chain`). Its ALPN is set to "http/1.1", and renegotiation is turned off.
        compression: what to agree to of permessage-deflate, with clients that offer it; None: nothing. Not together
            with `on_frame`.
        limits: bounds on every connection.
        files: URL path to file, served to browsers on the same port.
        network: where sockets come from (`tickws.testing.MemoryNetwork` for tests).
        clock: the time; the network's unless given.
        errors: what happens to exceptions of callbacks, see `ErrorPolicy`.

    Raises:
        ListenError: the address cannot be bound; it says what to do.
        TypeError, ValueError: an argument that cannot be used.
    """

    def __init__(
        self,
        handler: Handler | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 8056,
        max_connections: int | None = None,
        subprotocols: Sequence[str] = (),
        origins: Iterable[str | re.Pattern[str] | None] | None = None,
        ssl_context: ssl.SSLContext | None = None,
        compression: Deflate | None = None,
        limits: Limits | None = None,
        files: Mapping[str, File] | None = None,
        network: Network | None = None,
        clock: Clock | None = None,
        errors: ErrorPolicy = "close",
        on_request: OnRequest | None = None,
        on_open: OnOpen | None = None,
        on_message: OnMessage | None = None,
        on_frame: OnFrame | None = None,
        on_close: OnClose | None = None,
        on_slow: OnSlow | None = None,
    ) -> None:
        callbacks = Callbacks(handler, on_request, on_open, on_message, on_frame, on_close, on_slow)
        if isinstance(subprotocols, str):
            raise TypeError(f"subprotocols is a sequence of names: ({subprotocols!r},)")
        check_tokens(subprotocols)
        if isinstance(origins, str):
            raise TypeError(f"origins is a collection: ({origins!r},)")
        self._subprotocols = tuple(subprotocols)
        self._origins = None if origins is None else tuple(origins)
        self._files = Files({} if files is None else files)
        self._mounts: dict[str, Callbacks] = {}
        self._retry_at: int | None = None  # reading time
        try:
            super().__init__(callbacks, limits, network, clock, errors, compression)
        except OSError as error:  # no descriptors left, not even to wait with
            raise listen_error(host, port, error) from error
        self._broadcasts = Broadcasts(self._links.queue, self._links.open, compression=compression is not None)
        self._listener = Listener(self._network, self._poller, self._adopt)
        try:
            self._max_connections = _check_max_connections(max_connections, self._network.most_connections())
            self.listen(host, port, ssl_context=ssl_context)
        except BaseException:
            self._poller.close()
            raise
        self._port = int(self._listener.addresses[0][1])

    def listen(self, host: str = "127.0.0.1", port: int = 0, *, ssl_context: ssl.SSLContext | None = None) -> None:
        """Listen at one more address, with the same handler and limits.

        Args:
            host, port, ssl_context: as the constructor's; without a context, no TLS is spoken there.

        Raises:
            ListenError: it cannot be bound.
            TypeError, ValueError: the port is none.
            UsageError: the server is closed.
        """
        if self._closing:
            raise UsageError("the server is closed")
        _check_port(port)
        if ssl_context is not None:
            prepare_context(ssl_context)
        self._listener.open(host, port, ssl_context)

    def mount(self, path: str, handler: Handler, *, files: Mapping[str, File] | None = None) -> None:
        """Let another handler have the WebSockets of one path: a game beside a chat, on one port.

        Its `on_request` is asked in place of the server's own, and of `origins` and `subprotocols`; its WebSockets are
        not among `connections`, and get no broadcast. Limits and error policy are the server's.

        Args:
            path: of the URL, without its query.
            handler: called for that path alone; `on_frame` cannot be had.
            files: further files to serve.

        Raises:
            TypeError, ValueError: as the constructor; the path is taken; or the server delivers frames (`on_frame`).
            FileNotFoundError: there is no such file.
        """
        callbacks = Callbacks(handler)
        if callbacks.on_frame is not None or self._links.callbacks.on_frame is not None:
            raise TypeError("on_frame and mount() do not go together: what is mounted takes whole messages")
        if not path.startswith("/"):
            raise ValueError(f"a path begins with a slash, not {path!r}")
        if path in self._mounts:
            raise ValueError(f"something is mounted at {path!r} already")
        self._files.add({} if files is None else files)
        self._mounts[path] = callbacks

    @property
    def addresses(self) -> list[Address]:
        """The addresses that are listened at, as the system names them: (host, port) or, with IPv6, four of them."""
        return self._listener.addresses

    @property
    def port(self) -> int:
        """The port of the first address; also after `close`."""
        return self._port

    @property
    def connections(self) -> tuple[WebSocket, ...]:
        """The open WebSockets, in the order in which they opened; a copy, so that any may be closed meanwhile."""
        with self._links.queue.lock:
            return tuple(self._links.open)

    def broadcast(self, message: str | Buffer, *, exclude: Iterable[WebSocket] = ()) -> int:
        """Queue one message for every open connection: framed once, the same bytes for all. Thread-safe.

        Args:
            message: as for `WebSocket.send`.
            exclude: connections that do not get it.

        Returns:
            How many connections took it.

        Raises:
            TypeError, ValueError: as `WebSocket.send`.
        """
        return self._broadcasts.put(message, exclude)

    def broadcast_latest(self, key: object, message: str | Buffer, *, exclude: Iterable[WebSocket] = ()) -> int:
        """Set a latest value for every open connection, as `WebSocket.send_latest` does for one. Thread-safe.

        Args:
            key: as for `send_latest`. A connection at which too many keys wait already does not take it.
            message: as for `WebSocket.send`; no producer.
            exclude: connections that do not get it.

        Returns:
            How many connections took it.

        Raises:
            TypeError, ValueError: as `WebSocket.send`.
        """
        hash(key)  # misuse shows here, not when somebody has joined
        return self._broadcasts.put_latest(key, message, exclude)

    # -- requests ----------------------------------------------------------------------------------------------------

    def requested(self, link: Link, request: Request) -> None:
        """Answer a request; what the callback gets wrong is a 500, and goes where the error policy says."""
        request.remote_address = link.remote_address
        request.secure = isinstance(link.stream, TlsStream)
        link.request = request
        if not request.upgrade:
            self._serve(link, request)
            return
        try:
            answer = self._judge(link, request)
            if link.released:  # the callback closed the server
                return
            if isinstance(answer, Reject):
                link.connection.reject(answer)
            else:
                subprotocols = () if request.path in self._mounts else self._subprotocols
                link.subprotocol = link.connection.accept(request, answer, subprotocols)
        except Exception as error:
            if not link.released:
                self._refuse(link, 500)
            self._links.notices.report(error, self)
            return
        if isinstance(answer, Reject):
            self._answered(link, answer.status)
        else:
            self._links.websocket(link)
            self._links.opening(link)

    def _judge(self, link: Link, request: Request) -> Accept | Reject:
        """Whether a WebSocket request is let in.

        Raises:
            TypeError: `on_request` gave no answer.
        """
        mounted = self._mounts.get(request.path)
        if (
            mounted is None
            and self._origins is not None
            and not any(map(partial(matches, request.origin), self._origins))
        ):
            return Reject(403, f"403 Forbidden: the origin {request.origin or '(none)'} may not connect\n")
        callbacks = link.callbacks = mounted or link.callbacks
        answer = True if callbacks.on_request is None else callbacks.on_request(request)
        if isinstance(answer, (Accept, Reject)):
            return answer
        if isinstance(answer, bool):
            return Accept() if answer else Reject(404)
        raise TypeError(f"on_request must return True, False, Accept(...) or Reject(...), not {answer!r}")

    def _serve(self, link: Link, request: Request) -> None:
        """Answer plain HTTP: one of the files, or why not."""
        if request.method not in ("GET", "HEAD"):
            self._refuse(link, 405, [("Allow", "GET, HEAD")], f"{request.method} is not served here")
            return
        found = self._files.get(request.path)
        if found is not None:
            headers, content = found
            link.connection.answer(200, headers, content)
            self._answered(link, 200)
        elif self._files:
            self._refuse(link, 404, detail="there is no such page")
        else:
            headers = [("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")]
            self._refuse(link, 426, headers, "this is a WebSocket server; open it with ws://")

    def _refuse(self, link: Link, status: int, headers: Sequence[tuple[str, str]] = (), detail: str = "") -> None:
        link.connection.answer(status, headers, status_text(status, detail))
        self._answered(link, status)

    def _answered(self, link: Link, status: int) -> None:
        self._links.answered[status] += 1
        self._links.end(link)

    # -- doors -------------------------------------------------------------------------------------------------------

    def _adopt(self, sock: Socket, address: Address, context: ssl.SSLContext | None) -> None:
        self._links.adopt(sock, Role.SERVER, address, context)

    def _accept(self, deadline: int) -> int:
        """Let in whom the backlog holds, until `deadline`; at least one. Gives the steps."""
        listener = self._listener
        if self._retry_at is not None and self._listened.now >= self._retry_at:
            self._retry_at = None
            listener.resume()
        steps = 0
        while listener.waiting:
            listener.accept()
            steps += 1
            if len(self._links.by_fd) >= self._max_connections:
                listener.pause()
            elif listener.paused:
                self._retry_at = self._listened.now + _RETRY
            if self._meter.lap(Step.ACCEPT) >= deadline:
                break
        return steps

    def released(self, link: Link) -> None:
        """A descriptor is free again: whoever waits in the backlog may come in."""
        if self._listener.paused and not self._closing:
            self._retry_at = None
            self._listener.resume()

    def _notice(self, fd: int) -> None:
        self._listener.notice(fd)

    def _busy(self) -> bool:
        return super()._busy() or self._listener.waiting

    def _next_due(self) -> int:
        due = super()._next_due()
        return due if self._retry_at is None else min(due, self._retry_at)

    def _stop(self) -> None:
        self._retry_at = None
        self._listener.close()


def matches(origin: str | None, allowed: str | re.Pattern[str] | None) -> bool:
    """Whether an origin is the one allowed, or fits its pattern as a whole."""
    if isinstance(allowed, re.Pattern):
        return origin is not None and allowed.fullmatch(origin) is not None
    return origin == allowed


def _check_port(port: object) -> None:
    """Raise TypeError or ValueError for what is no port."""
    if isinstance(port, bool) or not isinstance(port, int):
        raise TypeError(f"a port is a whole number, not {port!r}")
    if not 0 <= port <= 65535:
        raise ValueError(f"a port is a whole number from 0 to 65535, not {port!r}")


def _check_max_connections(wanted: int | None, possible: int | None) -> int:
    """The most connections to hold.

    Raises:
        ValueError: it is no positive number, or more than the process may open.
    """
    if wanted is None:
        return sys.maxsize if possible is None else possible
    if wanted < 1:
        raise ValueError(f"max_connections is a positive number or None, not {wanted!r}")
    if possible is not None and wanted > possible:
        raise ValueError(
            f"max_connections={wanted}, but this process may hold {possible}: "
            "raise its limit on open files (ulimit -n), or take fewer"
        )
    return wanted
