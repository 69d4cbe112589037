"""Newcomers: every so often somebody connects, is let in, says one thing, hears it again, and goes."""

from __future__ import annotations

import ssl
from time import perf_counter_ns
from typing import Any

from benchmarks.guests.arrivals import Arrival, Arrivals
from benchmarks.payloads import FIRST, Kind, make_stamped
from benchmarks.peer import Peer
from benchmarks.seat import HOST
from tickws.clock import NANOSECONDS, nanoseconds

__all__ = ["Newcomers"]


class Newcomer(Peer):
    """One of them."""

    __slots__ = ("answered", "word")

    def __init__(self, number: int, host: str, offer: str = "") -> None:
        super().__init__(f"/?newcomer={number}", host, extension=offer)
        self.word = make_stamped(Kind.NEWCOMER, number, FIRST, perf_counter_ns())
        self.answered: int | None = None
        """When it heard itself."""

    def opened(self) -> None:
        """Say it."""
        self.word = self.word[:-8] + perf_counter_ns().to_bytes(8, "big")  # where msgpack has the time
        self.say(self.word)

    def heard(self, payload: bytes) -> None:
        """A snapshot, or our word."""
        if payload == self.word:
            self.answered = perf_counter_ns()


class Newcomers:
    """All of them.

    Args:
        every: seconds from one to the next; 0: none come.
        offer: an extension that they offer.
        context: for TLS.
    """

    def __init__(self, port: int, every: float, offer: str = "", context: ssl.SSLContext | None = None) -> None:
        self._offer = offer
        self._host = f"{HOST}:{port}"
        self._every = nanoseconds(every)
        self._arrivals = Arrivals[Newcomer](port, context=context)
        self._windows: dict[str, list[Arrival[Newcomer]]] = {}
        self._window: list[Arrival[Newcomer]] | None = None
        self._waiting: list[Arrival[Newcomer]] = []  # those that have not heard themselves
        self._due = 0
        self._count = 0

    def window(self, name: str) -> None:
        """Those who come from now on count as `name`."""
        self._window = self._windows.setdefault(name, [])
        self._due = perf_counter_ns()

    def stop(self) -> None:
        """Nobody comes any more."""
        self._window = None

    @property
    def waiting(self) -> bool:
        """Whether somebody has not heard yet."""
        return bool(self._waiting)

    def turn(self) -> None:
        """Let come who is due, and go who has heard."""
        if self._window is not None and self._every and perf_counter_ns() >= self._due:
            self._due += self._every
            arrival = self._arrivals.begin(Newcomer(self._count, self._host, self._offer))
            self._count += 1
            self._window.append(arrival)
            self._waiting.append(arrival)
        if self._waiting:
            self._arrivals.turn()
            for arrival in [arrival for arrival in self._waiting if arrival.peer.answered or arrival.over]:
                self._waiting.remove(arrival)
                self._arrivals.drop(arrival)

    def result(self) -> dict[str, Any]:
        """By window: for each, the seconds until its 101 and until it heard itself; and who never did, until now."""
        return {
            name: {
                "opening": [arrival.opening_seconds for arrival in arrivals],
                "answered": [self._seconds(arrival) for arrival in arrivals],
                "waiting": sum(arrival.peer.answered is None for arrival in arrivals),
            }
            for name, arrivals in self._windows.items()
        }

    @staticmethod
    def _seconds(arrival: Arrival[Newcomer]) -> float:
        """From `connect` until it heard itself, or until now."""
        return ((arrival.peer.answered or perf_counter_ns()) - arrival.begun) / NANOSECONDS
