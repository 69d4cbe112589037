"""The seam to the network: what makes sockets and the poller that waits for them.

`SocketNetwork` is the machine's; `tickws.testing.MemoryNetwork` is another one. What a network gives behaves as a
non-blocking `socket.socket` does (`Socket` lists the calls used), so that everything above is the same code.
"""

from __future__ import annotations

import os
import socket
import sys
from abc import ABC, abstractmethod
from typing import Any, Protocol

from tickws.clock import Clock, SystemClock
from tickws.errors import UsageError
from tickws.transport.binding import SocketFile, bind_path, bind_tcp, check_listening
from tickws.transport.poller import Poller, system_poller

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

__all__ = ["Address", "Network", "Socket", "SocketNetwork"]

Address = Any
"""What `socket` takes and gives as an address: (host, port), with IPv6 (host, port, flow, scope); of unix, the path."""

RESERVED_DESCRIPTORS = 64
"""Descriptors left to the rest of the process: files, libraries, our own poller."""
WINDOWS_SELECT = 512
"""What Python's select() takes there (FD_SETSIZE)."""
NOTSENT_LOWAT_BYTES = 16 * 1024
"""Unsent bytes at which the kernel says 'full' (TCP_NOTSENT_LOWAT): what waits there is stale when it leaves."""

LAST_DATA_RECV = 52
"""Where `tcpi_last_data_recv` is in Linux's `struct tcp_info`: 32 bits, milliseconds."""


class Socket(Protocol):
    """The part of a non-blocking `socket.socket` that tickws uses, and nothing else."""

    # ruff: noqa: D102 - socket.socket's own documentation holds
    def fileno(self) -> int: ...
    def recv(self, most: int, /) -> bytes: ...
    def send(self, data: bytes | memoryview, /) -> int: ...
    def shutdown(self, how: int, /) -> None: ...
    def close(self) -> None: ...
    def accept(self) -> tuple[Any, Address]: ...
    def getsockname(self) -> Address: ...
    def getpeername(self) -> Address: ...
    def getsockopt(self, level: int, option: int, /) -> int: ...


class Network(ABC):
    """Makes sockets and pollers that belong together."""

    clock: Clock
    """The time of this network: what an endpoint on it uses unless told otherwise."""

    def most_connections(self) -> int | None:
        """How many sockets may be open at once; None: no such bound."""
        return None

    @abstractmethod
    def listen(self, host: str, port: int, backlog: int, *, reuse_port: bool = False) -> list[Socket]:
        """Non-blocking listening sockets, one for each address that `host` stands for.

        Raises:
            ListenError: none of them can be bound.
        """

    def listen_path(self, path: str | os.PathLike[str], backlog: int) -> tuple[Socket, SocketFile]:
        """A non-blocking listening unix socket, and its file.

        Raises:
            ListenError: it cannot be bound.
            UsageError: this network has none.
        """
        raise UsageError(f"{type(self).__name__} has no unix sockets: listen at a host and port")

    def listen_with(self, sock: socket.socket) -> Socket:
        """A socket that listens already, made ready for use.

        Raises:
            TypeError, ValueError: it is none.
            UsageError: this network has no use for it.
        """
        raise UsageError(f"{type(self).__name__} has sockets of its own: listen at a host and port")

    @abstractmethod
    def accepted(self, sock: Socket) -> None:
        """Make an accepted socket ready for use: non-blocking, and as prompt as it can be."""

    def arrived_ago(self, sock: Socket) -> float | None:
        """How many seconds ago the last byte came to a connected socket, read or not; None: unknown here."""
        return None

    @abstractmethod
    def resolve(self, host: str, port: int) -> list[tuple[int, Address]]:
        """The addresses of a server, each with its family, in the order to try them.

        Raises:
            OSError: the name is unknown.
        """

    @abstractmethod
    def connect(self, family: int, address: Address) -> Socket:
        """A non-blocking socket on its way to `address`; it becomes writable when that is decided (SO_ERROR tells).

        Raises:
            OSError: it failed at once.
        """

    @abstractmethod
    def poller(self) -> Poller:
        """A poller for sockets of this network."""


class SocketNetwork(Network):
    """The machine's own TCP, and unix sockets."""

    def __init__(self) -> None:
        self.clock = SystemClock()

    def most_connections(self) -> int | None:
        """The limit of this process on descriptors (Windows: that of `select`), less a reserve for everything else."""
        if resource is None:
            return WINDOWS_SELECT - RESERVED_DESCRIPTORS
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        return None if limit == resource.RLIM_INFINITY else max(1, limit - RESERVED_DESCRIPTORS)

    def listen(self, host: str, port: int, backlog: int, *, reuse_port: bool = False) -> list[Socket]:
        """Non-blocking listening sockets, one for each address that `host` stands for; with port 0 all get the same.

        Raises:
            ListenError: none of them can be bound; names the address and says what to do.
        """
        return list(bind_tcp(host, port, backlog, reuse_port=reuse_port))

    def listen_path(self, path: str | os.PathLike[str], backlog: int) -> tuple[Socket, SocketFile]:
        """A non-blocking listening unix socket, and its file.

        Raises:
            TypeError, ValueError: that is no path.
            ListenError: it cannot be bound; names the path and says what to do.
        """
        return bind_path(path, backlog)

    def listen_with(self, sock: socket.socket) -> Socket:
        """A stream socket that listens already, made non-blocking.

        Raises:
            TypeError, ValueError: it is none.
        """
        return check_listening(sock)

    def accepted(self, sock: Socket) -> None:
        """Make an accepted socket ready for use: non-blocking, no Nagle's delay, little unsent in the kernel."""
        assert isinstance(sock, socket.socket)
        sock.setblocking(False)
        if sock.family not in (socket.AF_INET, socket.AF_INET6):
            return
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, NOTSENT_LOWAT_BYTES)

    def arrived_ago(self, sock: Socket) -> float | None:
        """How many seconds ago the last byte came, as Linux tells of TCP, to a tick of its kernel (1 to 10 ms)."""
        assert isinstance(sock, socket.socket)
        if sys.platform != "linux":  # others have a TCP_INFO too, without this or elsewhere in it
            return None
        try:
            told = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, LAST_DATA_RECV + 4)
        except OSError:  # a unix socket, or the connection is gone
            return None
        return int.from_bytes(told[LAST_DATA_RECV:], sys.byteorder) / 1000 if len(told) == LAST_DATA_RECV + 4 else None

    def resolve(self, host: str, port: int) -> list[tuple[int, Address]]:
        """The addresses of a server, each with its family, in the order to try them; blocks as name servers do.

        Raises:
            OSError: the name is unknown.
        """
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return list(dict.fromkeys((int(family), address) for family, _, _, _, address in found))

    def connect(self, family: int, address: Address) -> Socket:
        """A non-blocking socket on its way to `address`.

        Raises:
            OSError: it failed at once.
        """
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            self.accepted(sock)
            sock.connect(address)
        except BlockingIOError:
            pass
        except OSError:
            sock.close()
            raise
        return sock

    def poller(self) -> Poller:
        """The best poller that the machine has."""
        return system_poller()
