"""Listening sockets: one connection a step, and a pause where no more can be held.

Promises: never more connections than the maximum; who comes beyond it waits in the kernel's backlog and gets in when
one leaves. Full, or out of descriptors, the listening sockets are taken out of the poller, so nothing spins.
"""

from __future__ import annotations

import errno
import logging
import ssl
from collections.abc import Callable

from tickws.transport.network import Address, Network, Socket
from tickws.transport.poller import READABLE, Poller

__all__ = ["Listener"]

logger = logging.getLogger("tickws")

_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
BACKLOG = 1024
"""Connections that the kernel holds for us (it may cut this down: net.core.somaxconn)."""


class Listener:
    """The doors of a server.

    Args:
        adopt: takes an accepted socket, its peer's address, and the TLS context of the door.
    """

    def __init__(
        self, network: Network, poller: Poller, adopt: Callable[[Socket, Address, ssl.SSLContext | None], object]
    ) -> None:
        self._network = network
        self._poller = poller
        self._adopt = adopt
        self._sockets: dict[int, Socket] = {}
        self._contexts: dict[int, ssl.SSLContext | None] = {}
        self._waiting: dict[int, Socket] = {}  # those at which somebody knocks
        self.paused = False

    def open(self, host: str, port: int, context: ssl.SSLContext | None = None) -> None:
        """Listen at one more address.

        Raises:
            ListenError: it cannot be bound.
        """
        for sock in self._network.listen(host, port, BACKLOG):
            self._sockets[sock.fileno()] = sock
            self._contexts[sock.fileno()] = context
            if not self.paused:
                self._poller.register(sock.fileno(), READABLE)

    @property
    def addresses(self) -> list[Address]:
        """The addresses bound, as the system names them."""
        return [sock.getsockname() for sock in self._sockets.values()]

    def notice(self, fd: int) -> None:
        """The poller says that somebody knocks."""
        if fd in self._sockets:
            self._waiting[fd] = self._sockets[fd]

    @property
    def waiting(self) -> bool:
        """Whether an accept may succeed."""
        return bool(self._waiting) and not self.paused

    def accept(self) -> bool:
        """One step: take one connection from the backlog. False: there was none."""
        fd, sock = next(iter(self._waiting.items()))
        del self._waiting[fd]
        try:
            accepted, address = sock.accept()
        except (BlockingIOError, InterruptedError, ConnectionError):  # gone again before we came
            return False
        except OSError as error:
            if error.errno not in _EXHAUSTED:
                logger.debug("accept failed: %s", error)
                return False
            logger.warning("no connection can be accepted: %s. Raise the limit of this process (ulimit -n)", error)
            self.pause()
            return False
        self._waiting[fd] = sock  # there may be more; its turn comes after the other doors'
        try:
            self._network.accepted(accepted)
        except OSError:
            accepted.close()
            return False
        self._adopt(accepted, address, self._contexts[fd])
        return True

    def pause(self) -> None:
        """Take nobody in for now."""
        if not self.paused:
            self.paused = True
            self._waiting.clear()
            for fd in self._sockets:
                self._poller.unregister(fd)

    def resume(self) -> None:
        """Take connections in again."""
        if self.paused:
            self.paused = False
            for fd in self._sockets:
                self._poller.register(fd, READABLE)

    def close(self) -> None:
        """Let nobody in any more; who waits in the backlog is refused by the kernel."""
        self.pause()
        for sock in self._sockets.values():
            sock.close()
        self._sockets.clear()
