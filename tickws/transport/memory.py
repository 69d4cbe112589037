"""A network in memory, on a manual clock: TCP's behaviour without TCP, deterministic to the nanosecond.

Sockets have bounded buffers, latency and jitter; they can be stalled, reset, half-closed, left unread. A poller that
waits moves the clock to the next thing that happens, so a test that "sleeps" takes no time, and server and clients
share one thread. It tells the truth about partial writes, end of stream and resets, because everything above it lives
by them.
"""

from __future__ import annotations

import errno
import itertools
import random
import socket
from collections import deque
from typing import Any

from tickws.clock import FOREVER, NANOSECONDS, ManualClock, nanoseconds
from tickws.errors import UsageError
from tickws.transport.binding import listen_error
from tickws.transport.network import Address, Network, Socket
from tickws.transport.pipe import Conditions, Pipe
from tickws.transport.poller import READABLE, WRITABLE, Poller

__all__ = ["MemoryNetwork", "MemorySocket"]


class MemorySocket:
    """One end of a connection; behaves as a non-blocking `socket.socket`."""

    def __init__(self, network: MemoryNetwork, incoming: Pipe, outgoing: Pipe, name: Address, peer: Address) -> None:
        self._network = network
        self._incoming = incoming
        self._outgoing = outgoing
        self._name, self._peer = name, peer
        self._fd = next(network.descriptors)
        self._error = 0
        self._closed = self._ended = False
        self._ready_at = 0  # when connecting is decided
        self.other: MemorySocket | None = None

    def fileno(self) -> int:
        """A number that stands for this socket in the network's pollers; -1 once closed."""
        return -1 if self._closed else self._fd

    def recv(self, most: int, /) -> bytes:
        """Bytes that have arrived, at most `most`; empty at the end of the stream."""
        self._check()
        data = self._incoming.take(most)
        if data is None:
            raise BlockingIOError(errno.EAGAIN, "nothing there")
        return data

    def send(self, data: bytes | memoryview, /) -> int:
        """Put bytes on the line, as many as there is room for."""
        self._check()
        if self._outgoing.broken or self._ended:
            raise BrokenPipeError(errno.EPIPE, "the peer is gone")
        taken = bytes(data[: self._outgoing.room])
        if not taken and len(data):
            raise BlockingIOError(errno.EAGAIN, "full")
        if taken:
            self._outgoing.put(taken)
        return len(taken)

    def shutdown(self, how: int, /) -> None:
        """End our half of the stream."""
        self._check()
        if how != socket.SHUT_RD and not self._ended:
            self._ended = True
            self._outgoing.put(b"")

    def close(self) -> None:
        """Close; with unread bytes the peer sees a reset, as TCP does it."""
        if self._closed:
            return
        unread = self._incoming.take(1)
        self._network.forget(self)
        self._closed = True
        self._incoming.broken = True
        if unread:
            self._reset_other()
        elif not self._ended:
            self._outgoing.put(b"")

    def reset(self) -> None:
        """Close with a reset."""
        if not self._closed:
            self._network.forget(self)
            self._closed = True
            self._incoming.broken = True
            self._reset_other()

    def stall(self, stalled: bool = True) -> None:
        """Let nothing arrive here any more, or again: a line that hangs."""
        if stalled:
            self._incoming.stalled = True
        elif self._incoming.stalled:
            self._incoming.resume()

    def arrived_ago(self) -> int:
        """How long ago the last byte arrived, in nanoseconds (the zero of the clock, where none has)."""
        return self._network.clock.now_ns() - self._incoming.arrived_last()

    def accept(self) -> tuple[Any, Address]:
        """Not a listening socket."""
        raise OSError(errno.EINVAL, "not listening")

    def getsockname(self) -> Address:
        """Our address."""
        return self._name

    def getpeername(self) -> Address:
        """The peer's address."""
        return self._peer

    def getsockopt(self, level: int, option: int, /) -> int:
        """SO_ERROR: how connecting ended."""
        error, self._error = self._error, 0
        return error

    def refuse(self, number: int) -> None:
        """Let connecting fail."""
        self._error = number

    def events_at(self) -> tuple[int, int]:
        """When this becomes readable and when writable, in nanoseconds."""
        if self._error:
            return self._ready_at, self._ready_at
        readable = self._incoming.arrival()
        writable = self._ready_at if self._outgoing.room or self._outgoing.broken else FOREVER
        return max(readable, self._ready_at) if readable < FOREVER else FOREVER, writable

    def connect_at(self, instant: int) -> None:
        """Set when connecting is decided."""
        self._ready_at = instant

    def _check(self) -> None:
        if self._closed:
            raise OSError(errno.EBADF, "closed")
        if self._error:
            number, self._error = self._error, 0
            raise OSError(number, "the connection failed")

    def _reset_other(self) -> None:
        if self.other is not None and not self.other._closed:
            self.other._error = errno.ECONNRESET
            self._outgoing.broken = True


class _Listening:
    """A listening socket."""

    def __init__(self, network: MemoryNetwork, address: Address, backlog: int) -> None:
        self._network = network
        self._address = address
        self._backlog: deque[tuple[int, MemorySocket]] = deque()
        self._most = backlog
        self._fd = next(network.descriptors)
        self.failures: deque[int] = deque()
        """Error numbers that the next accepts fail with (EMFILE, …)."""

    def fileno(self) -> int:
        return self._fd

    def offer(self, sock: MemorySocket, arrival: int) -> bool:
        if len(self._backlog) >= self._most:
            return False
        place = len(self._backlog)
        while place and self._backlog[place - 1][0] > arrival:  # who dialled later over a faster line is here first
            place -= 1
        self._backlog.insert(place, (arrival, sock))
        return True

    def accept(self) -> tuple[MemorySocket, Address]:
        if not self._backlog or self._backlog[0][0] > self._network.clock.now_ns():
            raise BlockingIOError(errno.EAGAIN, "nobody")
        if self.failures:
            raise OSError(self.failures.popleft(), "accept failed")
        sock = self._backlog.popleft()[1]
        return sock, sock.getpeername()

    def getsockname(self) -> Address:
        return self._address

    def events_at(self) -> tuple[int, int]:
        return (self._backlog[0][0] if self._backlog else FOREVER), FOREVER

    def close(self) -> None:
        self._network.forget(self)
        for _, sock in self._backlog:
            sock.reset()
        self._backlog.clear()


class _MemoryPoller(Poller):
    """Polls sockets of one network; a wait moves the network's clock."""

    def __init__(self, network: MemoryNetwork) -> None:
        self._network = network
        self._interests: dict[int, int] = {}
        self._woken = False
        self.wake_fd = next(network.descriptors)

    def register(self, fd: int, events: int) -> None:
        self._interests[fd] = events

    def modify(self, fd: int, events: int) -> None:
        self._interests[fd] = events

    def unregister(self, fd: int) -> None:
        del self._interests[fd]

    def poll(self, timeout: float | None) -> list[tuple[int, int]]:
        clock = self._network.clock
        start = clock.now_ns()
        limit = FOREVER if timeout is None else start + nanoseconds(timeout)
        while True:
            now = clock.now_ns()
            found, following = self._look(now)
            if found or now >= limit:
                return found
            following = min(following, limit)
            if following >= FOREVER:
                raise UsageError("waiting for ever: nothing will happen on this memory network")
            clock.advance_to_ns(following)

    def _look(self, now: int) -> tuple[list[tuple[int, int]], int]:
        """What is ready, and when the next thing will be."""
        found = [(self.wake_fd, READABLE)] if self._woken else []
        following = FOREVER
        for fd, interest in self._interests.items():
            readable, writable = self._network.sockets[fd].events_at()
            events = 0
            for instant, kind in ((readable, READABLE), (writable, WRITABLE)):
                if interest & kind:
                    if instant <= now:
                        events |= kind
                    else:
                        following = min(following, instant)
            if events:
                found.append((fd, events))
        return found, following

    def wake(self) -> None:
        self._woken = True

    def drain(self) -> None:
        self._woken = False

    def fileno(self) -> int:
        raise UsageError("a memory network has no descriptors to wait for: call work(0)")

    def close(self) -> None:
        self._interests.clear()


class MemoryNetwork(Network):
    """Listeners and connections in memory.

    Args:
        clock: the time, moved by whoever waits; a new `ManualClock` unless given.
        conditions: what lines are like, unless `connect` or `dial` say otherwise.
        seed: of the jitter.
    """

    def __init__(
        self, clock: ManualClock | None = None, *, conditions: Conditions | None = None, seed: int = 0
    ) -> None:
        self.clock: ManualClock = clock or ManualClock()
        self.conditions = conditions or Conditions()
        self.random = random.Random(seed)
        self.descriptors = itertools.count(1)
        self.sockets: dict[int, MemorySocket | _Listening] = {}
        self._listening: dict[int, _Listening] = {}
        self._ports = itertools.count(49152)

    def listen(self, host: str, port: int, backlog: int, *, reuse_port: bool = False) -> list[Socket]:
        """One listening socket, at any host; two never share a port.

        Raises:
            ListenError: the port is taken.
        """
        number = port or next(self._ports)
        if number in self._listening:
            raise listen_error(host, number, OSError(errno.EADDRINUSE, "taken"))
        made = _Listening(self, (host, number), backlog)
        self._listening[number] = self.sockets[made.fileno()] = made
        return [made]  # type: ignore[list-item]

    def accepted(self, sock: Socket) -> None:
        """Nothing to be set."""

    def arrived_ago(self, sock: Socket) -> float | None:
        """How many seconds ago the last byte came; exactly."""
        return sock.arrived_ago() / NANOSECONDS if isinstance(sock, MemorySocket) else None

    def resolve(self, host: str, port: int) -> list[tuple[int, Address]]:
        """The address as it stands."""
        return [(0, (host, port))]

    def connect(self, family: int, address: Address) -> Socket:
        """A socket on its way to a listener; refused where there is none."""
        return self.dial(address[1])

    def poller(self) -> Poller:
        """A poller for this network."""
        return _MemoryPoller(self)

    def dial(self, port: int, *, conditions: Conditions | None = None) -> MemorySocket:
        """A raw client end, connected to `port`: for tests that speak bytes.

        A connection takes one latency to be seen by the listener, two to be seen here.
        """
        conditions = conditions or self.conditions
        there, back = Pipe(self.clock, self.random, conditions), Pipe(self.clock, self.random, conditions)
        ours, theirs = ("127.0.0.1", next(self._ports)), ("127.0.0.1", port)
        client = MemorySocket(self, back, there, ours, theirs)
        server = MemorySocket(self, there, back, theirs, ours)
        client.other, server.other = server, client
        now = self.clock.now_ns()
        latency = nanoseconds(conditions.latency)
        client.connect_at(now + 2 * latency)
        self.sockets[client.fileno()] = client
        listening = self._listening.get(port)
        if listening is None or not listening.offer(server, now + latency):
            client.refuse(errno.ECONNREFUSED)
        else:
            self.sockets[server.fileno()] = server
        return client

    def fail_accepts(self, port: int, number: int, times: int = 1) -> None:
        """Let the next accepts at `port` fail with an error number, as EMFILE."""
        self._listening[port].failures.extend([number] * times)

    def forget(self, sock: MemorySocket | _Listening) -> None:
        """A socket is closed."""
        self.sockets.pop(sock.fileno(), None)
        if isinstance(sock, _Listening):
            self._listening.pop(sock.getsockname()[1], None)
