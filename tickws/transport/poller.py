"""Waits until something can be read or written: epoll where there is one, else the best of `selectors`.

What was found is a list of (descriptor, events); everything beside WRITABLE means 'read and see' (data, end, error).
Level triggered: what is not served is told again. `wake` ends a wait from any thread.
"""

from __future__ import annotations

import io
import os
import select
import selectors
import socket
from abc import ABC, abstractmethod
from typing import Final

from tickws.errors import UsageError

__all__ = ["READABLE", "WRITABLE", "Poller", "system_poller"]

READABLE: Final = 1
"""Interest in reading; EPOLLIN."""
WRITABLE: Final = 4
"""Interest in writing; EPOLLOUT."""

_SELECT_MOST = 1024  # FD_SETSIZE: select() takes no descriptor from here on


class Poller(ABC):
    """Watches descriptors for one endpoint."""

    wake_fd: int
    """The descriptor that is reported when `wake` was called; `drain` quiets it."""

    @abstractmethod
    def register(self, fd: int, events: int) -> None:
        """Watch `fd` for `events`."""

    @abstractmethod
    def modify(self, fd: int, events: int) -> None:
        """Watch `fd`, which is registered, for other events."""

    @abstractmethod
    def unregister(self, fd: int) -> None:
        """Watch `fd` no more. Before it is closed."""

    @abstractmethod
    def poll(self, timeout: float | None) -> list[tuple[int, int]]:
        """What can be done now: (descriptor, events). Waits up to `timeout` seconds for it; None: for ever."""

    @abstractmethod
    def wake(self) -> None:
        """End a wait, now or to come. Thread-safe."""

    @abstractmethod
    def drain(self) -> None:
        """Forget earlier calls of `wake`."""

    @abstractmethod
    def fileno(self) -> int:
        """A descriptor that is readable whenever `poll` would find something.

        Raises:
            UsageError: this platform has none.
        """

    @abstractmethod
    def close(self) -> None:
        """Give back all descriptors."""


class EpollPoller(Poller):
    """Linux: one epoll, woken by an eventfd."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._watched = 1
        # a file, so that it is closed with its owner, as sockets are
        self._wake = io.FileIO(os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC), "r+")
        self.wake_fd = self._wake.fileno()
        self._epoll.register(self.wake_fd, READABLE)

    def register(self, fd: int, events: int) -> None:
        """Watch `fd` for `events`."""
        self._epoll.register(fd, events)
        self._watched += 1

    def modify(self, fd: int, events: int) -> None:
        """Watch `fd`, which is registered, for other events."""
        self._epoll.modify(fd, events)

    def unregister(self, fd: int) -> None:
        """Watch `fd` no more. Before it is closed."""
        self._epoll.unregister(fd)
        self._watched -= 1

    def poll(self, timeout: float | None) -> list[tuple[int, int]]:
        """What can be done now, all of it at once: who is not told of would seem silent.

        epoll counts whole milliseconds, so a wait is select's, which counts microseconds.
        """
        if timeout != 0:
            fd = self._epoll.fileno()
            if timeout is None or fd >= _SELECT_MOST:
                return self._epoll.poll(timeout, self._watched)
            select.select((fd,), (), (), timeout)
        return self._epoll.poll(0, self._watched)

    def wake(self) -> None:
        """End a wait, now or to come. Thread-safe."""
        os.eventfd_write(self.wake_fd, 1)

    def drain(self) -> None:
        """Forget earlier calls of `wake`."""
        try:
            os.eventfd_read(self.wake_fd)
        except BlockingIOError:
            pass

    def fileno(self) -> int:
        """The epoll's own descriptor."""
        return self._epoll.fileno()

    def close(self) -> None:
        """Give back all descriptors."""
        self._epoll.close()
        self._wake.close()


class SelectorPoller(Poller):
    """macOS, Windows and the rest: `selectors.DefaultSelector`, woken by a pair of sockets."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._waker, self._woken = socket.socketpair()
        self._waker.setblocking(False)
        self._woken.setblocking(False)
        self.wake_fd = self._woken.fileno()
        self.register(self.wake_fd, READABLE)

    def register(self, fd: int, events: int) -> None:
        """Watch `fd` for `events`."""
        self._selector.register(fd, _to_selectors(events))

    def modify(self, fd: int, events: int) -> None:
        """Watch `fd`, which is registered, for other events."""
        self._selector.modify(fd, _to_selectors(events))

    def unregister(self, fd: int) -> None:
        """Watch `fd` no more. Before it is closed."""
        self._selector.unregister(fd)

    def poll(self, timeout: float | None) -> list[tuple[int, int]]:
        """What can be done now."""
        return [(key.fd, _from_selectors(events)) for key, events in self._selector.select(timeout)]

    def wake(self) -> None:
        """End a wait, now or to come. Thread-safe."""
        try:
            self._waker.send(b"\0")
        except BlockingIOError:  # full: it is awake
            pass

    def drain(self) -> None:
        """Forget earlier calls of `wake`."""
        try:
            while self._woken.recv(4096):
                pass
        except BlockingIOError:
            pass

    def fileno(self) -> int:
        """The selector's descriptor, where it has one (kqueue).

        Raises:
            UsageError: it has none.
        """
        fileno = getattr(self._selector, "fileno", None)
        if fileno is None:
            raise UsageError(
                "this platform has no one descriptor to wait for: call work(0) from a timer of your loop instead, "
                "as often as it ticks"
            )
        return int(fileno())

    def close(self) -> None:
        """Give back all descriptors."""
        self._selector.close()
        self._waker.close()
        self._woken.close()


def _to_selectors(events: int) -> int:
    return (selectors.EVENT_READ if events & READABLE else 0) | (selectors.EVENT_WRITE if events & WRITABLE else 0)


def _from_selectors(events: int) -> int:
    return (READABLE if events & selectors.EVENT_READ else 0) | (WRITABLE if events & selectors.EVENT_WRITE else 0)


def system_poller() -> Poller:
    """The best poller that the machine has."""
    if hasattr(select, "epoll") and hasattr(os, "eventfd"):
        return EpollPoller()
    return SelectorPoller()
