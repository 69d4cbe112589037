"""A light client and its socket, and how that is connected."""

from __future__ import annotations

import socket
import ssl
from typing import Generic, TypeVar

from benchmarks.peer import Peer
from benchmarks.secure import secure

__all__ = ["HOST", "READ_BYTES", "Seat", "connect", "distance"]

P = TypeVar("P", bound=Peer)

HOST = "127.0.0.1"
READ_BYTES = 64 * 1024
CONNECTING_SECONDS = 10.0
DISTANT_BYTES = 16 * 1024
ETHERNET_SEGMENT = 1448


def distance(sock: socket.socket) -> None:
    """Let a socket that is not connected yet take no more at once than the other end of a line would.

    Between two sockets of one machine the kernel holds megabytes, so that it would take minutes until a server feels
    that somebody does not read.
    """
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, DISTANT_BYTES)
    if hasattr(socket, "TCP_MAXSEG"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, ETHERNET_SEGMENT)


def connect(port: int, *, distant: bool = False, context: ssl.SSLContext | None = None) -> socket.socket:
    """A socket to that port of this machine.

    Args:
        distant: see `distance`.
        context: for TLS (`benchmarks.secure.trusting`); its handshake goes on while the socket is read and written.
    """
    sock = socket.socket()
    try:
        if distant:
            distance(sock)
        sock.settimeout(CONNECTING_SECONDS)
        sock.connect((HOST, port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setblocking(False)
        if context is not None:
            sock = secure(sock, context)
    except BaseException:
        sock.close()
        raise
    return sock


class Seat(Generic[P]):
    """A player and its socket."""

    __slots__ = ("over", "player", "sock")

    def __init__(self, player: P, sock: socket.socket) -> None:
        self.player = player
        self.sock = sock
        self.over = False
        """The connection has ended."""

    def read(self) -> None:
        """Take what the server sent."""
        try:
            data = self.sock.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self.player.receive(data)
        self.over = self.over or not data or bool(self.player.fault)

    def write(self) -> None:
        """Send what the socket takes."""
        if not self.player.out:
            return
        try:
            self.player.out = self.player.out[self.sock.send(self.player.out) :]
        except BlockingIOError:
            pass
        except OSError:
            self.over = True
