"""`WebSocketServer`: doors, requests, broadcasts."""

from __future__ import annotations

import logging
import math
import os
import re
import socket
import ssl
import sys
from collections.abc import Iterable, Mapping, Sequence

from tickws.clock import Clock, nanoseconds
from tickws.errors import ErrorPolicy, UsageError
from tickws.protocol.connection import Role
from tickws.protocol.extensions import Deflate
from tickws.protocol.handshake import Request
from tickws.protocol.limits import Limits
from tickws.protocol.messages import Buffer
from tickws.protocol.proxies import Proxies
from tickws.transport.addresses import Addresses, address_key
from tickws.transport.binding import listen_error
from tickws.transport.broadcasts import Broadcasts
from tickws.transport.endpoint import Endpoint
from tickws.transport.files import File
from tickws.transport.handler import Callbacks, Handler, OnClose, OnFrame, OnMessage, OnOpen, OnRequest, OnSlow
from tickws.transport.link import Link
from tickws.transport.listener import Door, Listener
from tickws.transport.network import Address, Network, Socket
from tickws.transport.reception import Reception
from tickws.transport.steps import Step
from tickws.transport.tls import TlsStream, prepare_context
from tickws.transport.websocket import WebSocket

__all__ = ["WebSocketServer"]

logger = logging.getLogger("tickws")

PATIENCE = nanoseconds(0.5)
"""Reading time for which a handshake is not dropped for another: some round trips on a slow line."""
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
        port: the port; 0 picks a free one, `port` tells which. None: listen nowhere until `listen` is called.
        max_connections: the most held at once; others wait in the backlog. None: what the process may open, less 64.
        subprotocols: those that are spoken here; of those that a client offers, in its order, the first is chosen.
        origins: the pages that may connect: strings ("https://game.example") or compiled patterns matched whole, and
            None for clients that name no page; others get 403. None: everybody (RFC 6455 section 10.2).
        ssl_context: for TLS at this address: `ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)` with a certificate
            (`load_cert_chain`). Its ALPN is set to "http/1.1", and renegotiation is turned off.
        trusted_proxies: the peers whose X-Forwarded-For and X-Forwarded-Proto are believed: IP addresses, networks
            ("10.0.0.0/8"), and "unix". From them `remote_address` is the client's, with port 0.
        compression: what to agree to of permessage-deflate, with clients that offer it; None: nothing. Not together
            with `on_frame`.
        limits: bounds on every connection.
        files: URL path to file, served to browsers on the same port.
        network: where sockets come from (`tickws.testing.MemoryNetwork` for tests).
        clock: the time; the network's unless given.
        errors: what happens to exceptions of callbacks, see `ErrorPolicy`.

    Raises:
        ListenError: the address cannot be bound; it says what to do.
        FileNotFoundError: one of `files` is not there.
        TypeError, ValueError: an argument that cannot be used.
    """

    def __init__(
        self,
        handler: Handler | None = None,
        *,
        host: str = "127.0.0.1",
        port: int | None = 8056,
        max_connections: int | None = None,
        subprotocols: Sequence[str] = (),
        origins: Iterable[str | re.Pattern[str] | None] | None = None,
        ssl_context: ssl.SSLContext | None = None,
        trusted_proxies: Iterable[str] = (),
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
        if port is None and (host, ssl_context) != ("127.0.0.1", None):
            raise TypeError("with port=None the server listens nowhere yet: give host and ssl_context to listen()")
        self._proxies = Proxies(trusted_proxies)
        self._port: int | None = None
        self._retry_at: int | None = None  # reading time
        self._crowded = False  # nobody is let in, until a place is free
        try:
            super().__init__(callbacks, limits, network, clock, errors, compression)
        except OSError as error:  # no descriptors left, not even to wait with
            raise listen_error(host, port, error) from error
        self._broadcasts = Broadcasts(self._links.queue, self._links.open, compression=compression is not None)
        most = self._limits.address_connections
        self._addresses = Addresses(most) if math.isfinite(most) else None
        self._listener = Listener(self._network, self._poller, self._adopt)
        try:
            self._max_connections = _check_max_connections(max_connections, self._network.most_connections())
            self._reception = Reception(self._links, self, subprotocols, origins, files)
            if port is not None:
                self.listen(host, port, ssl_context=ssl_context)
        except BaseException:
            self._poller.close()
            raise

    def listen(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        path: str | os.PathLike[str] | None = None,
        sock: socket.socket | None = None,
        reuse_port: bool = False,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """Listen at one more place, with the same handler and limits: `host` and `port`, or `path`, or `sock`.

        Args:
            host, port, ssl_context: as the constructor's; without a context, no TLS is spoken there.
            path: of a unix socket. A file left there by a server that is gone is replaced; who may connect is up to the
                directory and the umask (0o177: this user alone). The file is removed when listening ends.
            sock: a stream socket that listens already: systemd's, another process's. The server closes it.
            reuse_port: share the port with processes that say so too; the kernel deals newcomers out among them.

        Raises:
            ListenError: it cannot be bound; it says what to do.
            TypeError, ValueError: an argument that cannot be used, or more than one place.
            UsageError: the server is closed; or its network has no such sockets.
        """
        if self._closing:
            raise UsageError("the server is closed")
        if ssl_context is not None:
            prepare_context(ssl_context)
        self._listener.open(host, port, path=path, sock=sock, reuse_port=reuse_port, context=ssl_context)
        ports = (int(address[1]) for address in self._listener.addresses if isinstance(address, tuple))
        self._port = next(ports, None) if self._port is None else self._port

    def stop_listening(self) -> None:
        """Let nobody new in; open connections, and handshakes that have begun, go on. `close` does it as well.

        Who waits in the backlog is refused by the kernel, unless another process has the socket too: then it is let in
        there, and a unix socket's file stays. `listen` may be called again.
        """
        self._listener.close()

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
        self._reception.mount(path, callbacks, files)

    @property
    def addresses(self) -> list[Address]:
        """What is listened at, as the system names it: (host, port), with IPv6 (host, port, flow, scope), or a path."""
        return self._listener.addresses

    @property
    def port(self) -> int:
        """The port of the first address of TCP that was listened at; also after `close`.

        Raises:
            UsageError: there was none.
        """
        if self._port is None:
            raise UsageError("no port is listened at: call listen(host, port) first; `addresses` has all there is")
        return self._port

    @property
    def sockets(self) -> tuple[socket.socket, ...]:
        """The listening sockets, to hand to another process (`subprocess.Popen(pass_fds=...)`, `socket.send_fds`).

        Raises:
            UsageError: the network has none of the machine's.
        """
        return self._listener.sockets

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
        """Answer a request, once it is known whose it is."""
        peer = link.remote_address
        request.secure = isinstance(link.stream, TlsStream)
        if self._proxies.trust(peer):
            headers = request.headers
            link.remote_address = self._proxies.client(peer, headers)
            secure = self._proxies.secure(headers)
            request.secure = request.secure if secure is None else secure
        request.remote_address = link.remote_address
        link.request = request
        if link.remote_address == peer or self._count(link, link.remote_address):
            self._reception.answer(link, request)
        else:
            self._reception.refuse(link, 429, detail="too many connections from your address")

    # -- doors -------------------------------------------------------------------------------------------------------

    def _adopt(self, sock: Socket, address: Address, door: Door) -> None:
        trusted = self._proxies.trust(address)  # a proxy is many clients: each is counted once it is known who it is
        key = None if self._addresses is None or trusted else address_key(address)
        if self._take(key, address):
            self._links.adopt(sock, Role.SERVER, address, door.context).address_key = key
        else:
            sock.close()

    def _take(self, key: str | None, address: Address) -> bool:
        """Count one more connection from an address, where they are counted; False: it is one too many."""
        if key is None or self._addresses is None or self._addresses.take(key):
            return True
        self._links.limited["address_connections"] += 1
        logger.debug("%r: too many connections from there", address)
        return False

    def _count(self, link: Link, address: Address) -> bool:
        """Count a link for the client that its proxy names."""
        key = None if self._addresses is None else address_key(address)
        if not self._take(key, address):
            return False
        link.address_key = key
        return True

    def _accept(self, deadline: int) -> int:
        """Let in whom the backlog holds, until `deadline`; at least one. Gives the steps."""
        listener = self._listener
        if self._retry_at is not None and self._listened.now >= self._retry_at:
            self._retry_at = None
            listener.resume()
        steps = 0
        links = self._links
        while listener.waiting:
            stale: Link | None = None
            full = len(links.by_fd) >= self._max_connections
            if full or len(links.newcomers) >= self._limits.handshakes:
                stale = self._stale()
                if stale is None:
                    self._wait_for_places(full)
                    break
            before = len(links.by_fd)
            listener.accept()
            if stale is not None and len(links.by_fd) > before:  # somebody came
                self._drop(stale)
            steps += 1
            if listener.paused:
                self._retry_at = self._listened.now + _RETRY
            if self._meter.lap(Step.ACCEPT) >= deadline:
                break
        return steps

    def _wait_for_places(self, full: bool) -> None:
        """Nobody can be let in until somebody goes, or a newcomer has kept us waiting for too long."""
        if full and not self._crowded:
            self._links.limited["max_connections"] += 1
        self._crowded = True
        self._listener.pause()
        if self._links.newcomers:
            self._retry_at = self._listened.now + PATIENCE // 8

    def _drop(self, stale: Link) -> None:
        """A newcomer makes room for another one."""
        self._links.limited["handshakes"] += 1
        logger.debug("%r: dropped: too many handshakes at once", stale.remote_address)
        self._links.lose(stale, "too many handshakes at once")

    def _stale(self) -> Link | None:
        """The oldest newcomer that keeps us waiting, for so long that it may be dropped for another.

        Who has been heard and not been served yet is not: there, we are the slow ones.
        """
        oldest = next((link for link in self._links.newcomers if not link.ready), None)
        return oldest if oldest is not None and self._listened.now - oldest.begun >= PATIENCE else None

    def settled(self, link: Link) -> None:
        """A newcomer is in, or gone: another one may begin its handshake."""
        if self._crowded and len(self._links.by_fd) < self._max_connections:
            self._open_doors()
        elif self._crowded and not self._links.newcomers:
            self._retry_at = None  # nobody can have kept us waiting

    def released(self, link: Link) -> None:
        """A descriptor is free again: whoever waits in the backlog may come in."""
        if link.address_key is not None and self._addresses is not None:
            self._addresses.give(link.address_key)
        self._open_doors()

    def _open_doors(self) -> None:
        if self._listener.paused and not self._closing:
            self._crowded = False
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


def _check_max_connections(wanted: int | None, possible: int | None) -> int:
    """The most connections to hold.

    Raises:
        TypeError, ValueError: it is no positive whole number, or more than the process may open.
    """
    if wanted is None:
        return sys.maxsize if possible is None else possible
    if not isinstance(wanted, int) or isinstance(wanted, bool):
        raise TypeError(f"max_connections is a whole number or None, not {wanted!r}")
    if wanted < 1:
        raise ValueError(f"max_connections is a positive number or None, not {wanted!r}")
    if possible is not None and wanted > possible:
        raise ValueError(
            f"max_connections={wanted}, but this process may hold {possible}: "
            "raise its limit on open files (ulimit -n), or take fewer"
        )
    return wanted
