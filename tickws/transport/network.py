"""The seam to the network: what makes sockets and the poller that waits for them.

`SocketNetwork` is the machine's; `tickws.testing.MemoryNetwork` is another one. What a network gives behaves as a
non-blocking `socket.socket` does (`Socket` lists the calls used), so that everything above is the same code.
"""

from __future__ import annotations

import errno
import os
import socket
from abc import ABC, abstractmethod
from typing import Any, Protocol

from tickws.clock import Clock, SystemClock
from tickws.errors import ListenError
from tickws.transport.poller import Poller, system_poller

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

__all__ = ["Address", "Network", "Socket", "SocketNetwork"]

Address = Any
"""What `socket` takes and gives as an address: (host, port) or (host, port, flow, scope)."""

_SKIPPED = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
RESERVED_DESCRIPTORS = 64
"""Descriptors left to the rest of the process: files, libraries, our own poller."""
WINDOWS_SELECT = 512
"""What Python's select() takes there (FD_SETSIZE)."""
NOTSENT_LOWAT_BYTES = 16 * 1024
"""Unsent bytes at which the kernel says 'full' (TCP_NOTSENT_LOWAT): what waits there is stale when it leaves."""


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
    def listen(self, host: str, port: int, backlog: int) -> list[Socket]:
        """Non-blocking listening sockets, one for each address that `host` stands for.

        Raises:
            ListenError: none of them can be bound.
        """

    @abstractmethod
    def accepted(self, sock: Socket) -> None:
        """Make an accepted socket ready for use: non-blocking, and as prompt as it can be."""

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
    """The machine's own TCP."""

    def __init__(self) -> None:
        self.clock = SystemClock()

    def most_connections(self) -> int | None:
        """The limit of this process on descriptors (Windows: that of `select`), less a reserve for everything else."""
        if resource is None:
            return WINDOWS_SELECT - RESERVED_DESCRIPTORS
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        return None if limit == resource.RLIM_INFINITY else max(1, limit - RESERVED_DESCRIPTORS)

    def listen(self, host: str, port: int, backlog: int) -> list[Socket]:
        """Non-blocking listening sockets, one for each address that `host` stands for; with port 0 all get the same.

        Raises:
            ListenError: none of them can be bound; names the address and says what to do.
        """
        try:
            found = socket.getaddrinfo(
                host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_NUMERICSERV
            )
        except (OSError, UnicodeError) as error:
            raise listen_error(host, port, error) from error
        sockets: list[socket.socket] = []
        failed: OSError | None = None
        for family, _, _, _, wanted in dict.fromkeys(found):
            address = wanted if port or not sockets else (wanted[0], sockets[0].getsockname()[1], *wanted[2:])
            try:
                sockets.append(_bound(family, address, backlog))
            except OSError as error:
                failed = error
                if error.errno not in _SKIPPED:
                    break
        if failed is not None and (not sockets or failed.errno not in _SKIPPED):
            for sock in sockets:
                sock.close()
            raise listen_error(host, port, failed) from failed
        return list(sockets)

    def accepted(self, sock: Socket) -> None:
        """Make an accepted socket ready for use: non-blocking, no Nagle's delay, little unsent in the kernel."""
        assert isinstance(sock, socket.socket)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, NOTSENT_LOWAT_BYTES)

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


def _bound(family: int, address: Address, backlog: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        else:  # there SO_REUSEADDR would share the port with a stranger
            sock.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_EXCLUSIVEADDRUSE"), 1)  # noqa: B009
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address)
        sock.listen(backlog)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


_ADVICE = {
    errno.EADDRINUSE: "the port is taken. Stop what has it (an older run of this program?), or take another port; "
    "0 picks a free one",
    errno.EACCES: "no permission. Ports below 1024 belong to the administrator: take one above, as 8056",
    errno.EADDRNOTAVAIL: "this machine has no such address. Take 127.0.0.1 for this machine alone, 0.0.0.0 for all",
    errno.EMFILE: "this process has no file descriptors left. Raise its limit (ulimit -n), or close some",
    errno.ENFILE: "this machine has no file descriptors left",
}


def listen_error(host: str, port: int, error: Exception) -> ListenError:
    """What went wrong with an address, and what to do about it."""
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(error, (socket.gaierror, UnicodeError)):
        advice = f"the host name is unknown ({error}). Take 127.0.0.1 for this machine alone, 0.0.0.0 for all"
    else:
        advice = _ADVICE.get(number or 0, str(error))
    made = ListenError(f"cannot listen on {host or '*'}:{port}: {advice}")
    made.errno = number
    return made
