"""Getting in: sockets that connect without waiting, from `connect` to the 101, many at once; by TLS, too."""

from __future__ import annotations

import selectors
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter_ns
from typing import Generic, TypeVar

from benchmarks.peer import Peer
from benchmarks.seat import HOST, READ_BYTES
from benchmarks.secure import Secure, secure, shaking
from tickws.clock import NANOSECONDS

__all__ = ["Arrival", "Arrivals"]

P = TypeVar("P", bound=Peer)


@dataclass(slots=True, eq=False)
class Arrival(Generic[P]):
    """One of them."""

    peer: P
    sock: socket.socket
    begun: int = field(default_factory=perf_counter_ns)
    """When it called `connect`."""
    opened: int | None = None
    """When it read its 101."""
    over: bool = False

    @property
    def opening_seconds(self) -> float:
        """From `connect` to the 101, or until now."""
        return ((perf_counter_ns() if self.opened is None else self.opened) - self.begun) / NANOSECONDS


class Arrivals(Generic[P]):
    """All of them; in or out, each is served until it ends or is dropped.

    Args:
        changed: called when one is in, and when one is over.
        context: for TLS.
    """

    def __init__(
        self,
        port: int,
        changed: Callable[[Arrival[P]], None] = lambda arrival: None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._port = port
        self._changed = changed
        self._context = context
        self._selector = selectors.DefaultSelector()

    def begin(self, peer: P) -> Arrival[P]:
        """One more."""
        sock = socket.socket()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        arrival = Arrival(peer, sock)
        sock.connect_ex((HOST, self._port))  # how that went, the first write tells
        self._selector.register(sock, selectors.EVENT_READ | selectors.EVENT_WRITE, arrival)
        return arrival

    def drop(self, arrival: Arrival[P]) -> None:
        """It hangs up."""
        if not arrival.over:
            arrival.over = True
            self._selector.unregister(arrival.sock)
            arrival.sock.close()

    def turn(self) -> None:
        """Serve all that are ready."""
        for key, events in self._selector.select(0):
            arrival: Arrival[P] = key.data
            try:
                self._serve(arrival, events)
            except OSError:
                self._fail(arrival)

    def _serve(self, arrival: Arrival[P], events: int) -> None:
        peer = arrival.peer
        if self._context is not None and not isinstance(arrival.sock, Secure):
            if error := arrival.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(error, "not connected")
            arrival.sock = secure(arrival.sock, self._context)  # before it is connected, that would speak no TLS
        if events & selectors.EVENT_READ:
            self._read(arrival)
        if peer.out and not arrival.over:
            try:
                peer.out = peer.out[arrival.sock.send(peer.out) :]
            except BlockingIOError:
                pass
        if not arrival.over:
            self._selector.modify(arrival.sock, self._wanted(arrival), arrival)

    def _read(self, arrival: Arrival[P]) -> None:
        peer = arrival.peer
        try:
            data = arrival.sock.recv(READ_BYTES)
        except BlockingIOError:
            return
        peer.receive(data)
        if peer.fault or not data:
            self._fail(arrival)
        elif arrival.opened is None and peer.open:
            arrival.opened = perf_counter_ns()
            self._changed(arrival)

    @staticmethod
    def _wanted(arrival: Arrival[P]) -> int:
        """What to wait for: in a TLS handshake for the server's word, which stands before ours."""
        sock = arrival.sock
        if not arrival.peer.out or shaking(sock):
            return selectors.EVENT_READ
        return selectors.EVENT_READ | selectors.EVENT_WRITE

    def _fail(self, arrival: Arrival[P]) -> None:
        self.drop(arrival)
        self._changed(arrival)
