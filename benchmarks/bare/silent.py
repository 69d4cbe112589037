"""Clients that only listen: plain sockets in one process, which answer pings and say nothing else.

    python -m benchmarks.bare.silent --port P --clients N [--spread SECONDS]

They connect evenly over `spread` seconds, so that later their pings are spread, too. It says `{"open": N}` once all are
in, and `{"pings": ..., "lost": ..., "cpu_seconds": ...}` when it was told `end`.
"""

from __future__ import annotations

import argparse
import selectors
import ssl
import sys
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from benchmarks.commands import Commands, answer
from benchmarks.peer import Peer
from benchmarks.process import Usage, raise_descriptors
from benchmarks.seat import HOST, Seat, connect

__all__ = ["CONNECTING_SECONDS", "Crowd", "main"]

P = TypeVar("P", bound=Peer)

LISTENING_SECONDS = 0.02
CONNECTING_SECONDS = 30.0


class Silent(Peer):
    """Nobody says anything to it but pings, which it answers by itself."""

    __slots__ = ()

    def heard(self, payload: bytes) -> None:
        """A message: that must not be."""
        raise ValueError("a message that nobody sent")


class Crowd(Generic[P]):
    """All of them.

    Args:
        make: makes one.
        context: for TLS.
    """

    def __init__(self, port: int, make: Callable[[], P], context: ssl.SSLContext | None = None) -> None:
        self._port = port
        self._make = make
        self._context = context
        self._selector = selectors.DefaultSelector()
        self.seats: list[Seat[P]] = []
        self.pings = 0
        self.lost = 0

    def connect(self) -> None:
        """One more."""
        seat = Seat(self._make(), connect(self._port, context=self._context))
        seat.write()
        self._selector.register(seat.sock, selectors.EVENT_READ, seat)
        self.seats.append(seat)

    def listen(self, seconds: float) -> None:
        """Wait for something to read, and answer it."""
        for key, _ in self._selector.select(seconds):
            seat: Seat[P] = key.data
            seat.read()
            if seat.player.out:
                self.pings += 1
                seat.write()
            if seat.over:
                self.lost += 1
                self._selector.unregister(seat.sock)
                seat.sock.close()

    @property
    def open(self) -> int:
        """How many are in."""
        return sum(seat.player.open and not seat.over for seat in self.seats)


def main(arguments: list[str] | None = None) -> int:
    """The program."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bare.silent",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--clients", type=int, required=True)
    parser.add_argument("--spread", type=float, default=0.0)
    options = parser.parse_args(arguments)
    raise_descriptors()
    crowd = Crowd(options.port, lambda: Silent("/", f"{HOST}:{options.port}"))
    commands = Commands()
    begun = time.monotonic()
    for number in range(options.clients):
        crowd.connect()
        due = begun + options.spread * (number + 1) / options.clients
        crowd.listen(0.0)
        while (left := due - time.monotonic()) > 0:
            crowd.listen(left)
    give_up = time.monotonic() + CONNECTING_SECONDS
    while crowd.open < options.clients and not crowd.lost and time.monotonic() < give_up:
        crowd.listen(LISTENING_SECONDS)
    answer({"open": crowd.open})
    while commands.next() is None:
        crowd.listen(LISTENING_SECONDS)
    answer({"pings": crowd.pings, "lost": crowd.lost, "cpu_seconds": Usage.now().cpu_seconds})
    return 0


if __name__ == "__main__":
    sys.exit(main())
