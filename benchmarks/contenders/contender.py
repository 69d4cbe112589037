"""What all servers have in common: two calls in a frame, each timed, and a game to tell what happens."""

from __future__ import annotations

import asyncio
import asyncio.trsock
import socket
from abc import ABC, abstractmethod
from collections.abc import Awaitable
from time import perf_counter_ns
from typing import Protocol

import tickws
from benchmarks.process import cpu_ns

__all__ = ["Contender", "Game", "Stepped"]

BACKLOG = 1024
"""What the kernel holds for a server that does not accept yet: tickws' own, given to all."""


class Game(Protocol):
    """What a server calls."""

    def opened(self) -> None:
        """Somebody is in."""

    def message(self, payload: str | bytes) -> bytes | None:
        """A message; what it gives is sent back."""

    def closed(self) -> None:
        """Somebody who was in is gone."""

    def reading(self, begun: int) -> None:
        """A frame begins, at that time (nanoseconds)."""

    def sliced(self, duration: int, cpu: int) -> None:
        """The server's calls of one frame took that long, and that much CPU (nanoseconds)."""


class Contender(tickws.Subsystem, ABC):
    """One server, on a free port of 127.0.0.1.

    Its slice is what it takes of a frame: `turn` before the tick, and `write` behind it, where what the tick had to say
    is said. Only tickws heeds the budget.

    Args:
        send_buffer: what the kernel may hold for each connection, in bytes; None: what it likes.
    """

    authority = ""
    """Whom clients must trust, where it speaks TLS: PEM."""

    def __init__(self, game: Game, send_buffer: int | None = None) -> None:
        self.game = game
        self._send_buffer = send_buffer
        self.port = 0
        self._received = self._used = 0  # by `receive`, in this frame

    def receive(self, budget: float | None) -> None:
        """The first half of a frame."""
        used = cpu_ns()
        begun = perf_counter_ns()
        self.game.reading(begun)
        self.turn(budget)
        self._received = perf_counter_ns() - begun
        self._used = cpu_ns() - used

    def flush(self, budget: float | None) -> None:
        """The second."""
        used = cpu_ns()
        begun = perf_counter_ns()
        self.write(budget)
        spent = perf_counter_ns() - begun
        self.game.sliced(self._received + spent, self._used + cpu_ns() - used)

    @abstractmethod
    def turn(self, budget: float | None) -> None:
        """Let in, read, call back."""

    @abstractmethod
    def broadcast(self, snapshot: bytes) -> None:
        """Have `write` send that to everybody who ever said something."""

    @abstractmethod
    def write(self, budget: float | None) -> None:
        """Send what is to be sent."""

    def narrow(self, *doors: asyncio.trsock.TransportSocket | socket.socket) -> None:
        """Have what comes in by these listening sockets get that buffer."""
        for door in doors:
            if self._send_buffer is not None:
                door.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._send_buffer)

    def longest_step(self) -> tuple[str, float] | None:
        """The kind of step that took longest so far, and its seconds; None where the server does not tell."""
        return None


class Stepped(Contender):
    """A server of asyncio, stepped from the loop."""

    steps = 1
    """Turns of the event loop in a frame: the first does the sockets' part; tasks that it wakes run in the second."""

    def __init__(self, game: Game, send_buffer: int | None = None) -> None:
        super().__init__(game, send_buffer)
        self.loop = asyncio.new_event_loop()
        self._due: bytes | None = None
        server = self.loop.run_until_complete(self.listen())
        self.narrow(*server.sockets)
        self.port = int(server.sockets[0].getsockname()[1])
        self._server = server

    @abstractmethod
    def listen(self) -> Awaitable[asyncio.Server]:
        """Open the door."""

    @abstractmethod
    def send(self, snapshot: bytes) -> None:
        """To everybody who ever said something."""

    def turn(self, budget: float | None) -> None:
        """As many turns of the event loop as it takes to hear of what is here."""
        for _ in range(self.steps):
            self.loop.call_soon(self.loop.stop)
            self.loop.run_forever()

    def broadcast(self, snapshot: bytes) -> None:
        """At the end of the frame."""
        self._due = snapshot

    def write(self, budget: float | None) -> None:
        """Send the snapshot, if one is due."""
        if self._due is not None:
            self.send(self._due)
            self._due = None
