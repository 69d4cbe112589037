"""Listening sockets: one connection a step, and a pause where no more can be held.

Promises: never more connections than the maximum; who comes beyond it waits in the kernel's backlog and gets in when
one leaves. Full, or out of descriptors, the listening sockets are taken out of the poller, so nothing spins.
"""

from __future__ import annotations

import errno
import logging
import os
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from tickws.errors import UsageError
from tickws.transport.binding import SocketFile
from tickws.transport.network import Address, Network, Socket
from tickws.transport.poller import READABLE, Poller

__all__ = ["Door", "Listener"]

logger = logging.getLogger("tickws")

_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
BACKLOG = 1024
"""Connections that the kernel holds for us (it may cut this down: net.core.somaxconn)."""


@dataclass(frozen=True, slots=True)
class Door:
    """A listening socket, and what belongs to it."""

    socket: Socket
    context: ssl.SSLContext | None = None
    """For the TLS that is spoken here; None: none is."""
    file: SocketFile | None = None
    """That of a unix socket which was bound here."""


class Listener:
    """The doors of a server.

    Args:
        adopt: takes an accepted socket, its peer's address, and the door by which it came.
    """

    def __init__(self, network: Network, poller: Poller, adopt: Callable[[Socket, Address, Door], object]) -> None:
        self._network = network
        self._poller = poller
        self._adopt = adopt
        self._doors: dict[int, Door] = {}
        self._waiting: dict[int, Door] = {}  # those at which somebody knocks
        self.paused = False
        self._warned = False

    def open(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        path: str | os.PathLike[str] | None = None,
        sock: socket.socket | None = None,
        reuse_port: bool = False,
        context: ssl.SSLContext | None = None,
    ) -> None:
        """Listen at one more place: host and port, or a unix path, or with a ready socket.

        Raises:
            ListenError: it cannot be bound.
            TypeError, ValueError: an argument that cannot be used; more than one place.
            UsageError: the network has no such sockets.
        """
        if not isinstance(host, str):
            raise TypeError(f'host is text, not {host!r}: "127.0.0.1" for this machine alone, "" for all addresses')
        _check_port(port)
        places = [(host, port, reuse_port) != ("127.0.0.1", 0, False), path is not None, sock is not None]
        if sum(places) > 1:
            raise TypeError("listen() takes one of: host, port and reuse_port; path; sock. Call it once for each place")
        if path is not None:
            bound, file = self._network.listen_path(path, BACKLOG)
            self._add(Door(bound, context, file))
        elif sock is not None:
            ready = self._network.listen_with(sock)
            if ready.fileno() in self._doors:
                raise ValueError(f"{sock!r} is listened with already")
            self._add(Door(ready, context))
        else:
            for made in self._network.listen(host, port, BACKLOG, reuse_port=reuse_port):
                self._add(Door(made, context))

    def _add(self, door: Door) -> None:
        self._doors[door.socket.fileno()] = door
        if not self.paused:
            self._poller.register(door.socket.fileno(), READABLE)

    @property
    def addresses(self) -> list[Address]:
        """The addresses bound, as the system names them."""
        return [door.socket.getsockname() for door in self._doors.values()]

    @property
    def sockets(self) -> tuple[socket.socket, ...]:
        """The listening sockets.

        Raises:
            UsageError: they are none of the machine's.
        """
        sockets = tuple(door.socket for door in self._doors.values())
        if not all(isinstance(sock, socket.socket) for sock in sockets):
            raise UsageError(f"{type(self._network).__name__} has no sockets of the machine's")
        return sockets  # type: ignore[return-value]

    def notice(self, fd: int) -> None:
        """The poller says that somebody knocks."""
        if fd in self._doors:
            self._waiting[fd] = self._doors[fd]

    @property
    def waiting(self) -> bool:
        """Whether an accept may succeed."""
        return bool(self._waiting) and not self.paused

    def accept(self) -> bool:
        """One step: take one connection from the backlog. False: there was none."""
        fd, door = next(iter(self._waiting.items()))
        del self._waiting[fd]
        try:
            accepted, address = door.socket.accept()
        except (BlockingIOError, InterruptedError, ConnectionError):  # gone again before we came
            return False
        except OSError as error:
            if error.errno not in _EXHAUSTED:
                logger.debug("accept failed: %s", error)
                return False
            level = logging.DEBUG if self._warned else logging.WARNING  # once, until one succeeds
            self._warned = True
            logger.log(level, "no connection can be accepted: %s. Raise the limit of this process (ulimit -n)", error)
            self.pause()
            return False
        self._warned = False
        self._waiting[fd] = door  # there may be more; its turn comes after the other doors'
        try:
            self._network.accepted(accepted)
        except OSError:
            accepted.close()
            return False
        self._adopt(accepted, address, door)
        return True

    def pause(self) -> None:
        """Take nobody in for now."""
        if not self.paused:
            self.paused = True
            self._waiting.clear()
            for fd in self._doors:
                self._poller.unregister(fd)

    def resume(self) -> None:
        """Take connections in again."""
        if self.paused:
            self.paused = False
            for fd in self._doors:
                self._poller.register(fd, READABLE)

    def close(self) -> None:
        """Let nobody in any more; the kernel refuses who waits in the backlog, unless another process has it too."""
        self._waiting.clear()
        doors, self._doors = self._doors, {}
        for fd, door in doors.items():
            if not self.paused:  # before the close, for a poller goes on with what another process has as well
                self._poller.unregister(fd)
            door.socket.close()
            if door.file is not None:
                door.file.remove()


def _check_port(port: object) -> None:
    """Raise TypeError or ValueError for what is no port."""
    if isinstance(port, bool) or not isinstance(port, int):
        raise TypeError(f"a port is a whole number, not {port!r}")
    if not 0 <= port <= 65535:
        raise ValueError(f"a port is a whole number from 0 to 65535, not {port!r}")
