"""Connectors: many clients that want in at once, and then are silent but for their pongs.

    python -m benchmarks.guests.connectors --port P --clients N [--flight 500]

takes commands:

    go          connect, at most `flight` of them on their way at a time; one line of JSON when all are in or out
    report      one line of JSON, now
"""

from __future__ import annotations

import argparse
import sys
import time
from time import perf_counter_ns
from typing import Any

from benchmarks.commands import Commands, answer
from benchmarks.guests.arrivals import Arrival, Arrivals
from benchmarks.loadgen import SLOT_SECONDS
from benchmarks.peer import Peer
from benchmarks.process import Usage, raise_descriptors
from benchmarks.seat import HOST
from benchmarks.secure import trusted
from tickws.clock import NANOSECONDS

__all__ = ["Connector", "Connectors"]


class Connector(Peer):
    """One of them: takes what comes, and says nothing."""

    __slots__ = ()

    def heard(self, payload: bytes) -> None:
        """Something that it does not listen to."""


class Connectors:
    """All of them, and what they are told."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._commands = Commands()
        self._arrivals = Arrivals[Connector](options.port, self._changed, trusted(options.authority))
        self._clients: list[Arrival[Connector]] = []
        self._begun: int | None = None
        self._last: int | None = None  # when the last one got in
        self._inside = self._failed = self._lost = 0
        self._told = False

    def run(self) -> None:
        """Until the end."""
        options = self._options
        while (words := self._commands.next()) != ["end"]:
            if words == ["go"]:
                self._begun = perf_counter_ns()
            elif words == ["report"]:
                answer(self._result())
            if self._begun is not None:
                while len(self._clients) < options.clients and self._on_their_way < options.flight:
                    peer = Connector("/", f"{HOST}:{options.port}", extension=options.offer)
                    self._clients.append(self._arrivals.begin(peer))
                if not self._told and self._inside + self._failed == options.clients:
                    self._told = True
                    answer(self._result())
            self._arrivals.turn()
            time.sleep(SLOT_SECONDS)

    @property
    def _on_their_way(self) -> int:
        return len(self._clients) - self._inside - self._failed

    def _changed(self, arrival: Arrival[Connector]) -> None:
        if arrival.opened is None:
            self._failed += 1
        elif arrival.over:
            self._lost += 1
        else:
            self._inside += 1
            self._last = arrival.opened

    def _result(self) -> dict[str, Any]:
        begun = self._begun or perf_counter_ns()
        return {
            "seconds": ((self._last or begun) - begun) / NANOSECONDS,
            "in": self._inside,
            "failed": self._failed,
            "lost": self._lost,
            "opening": [arrival.opening_seconds for arrival in self._clients],
            "cpu_seconds": Usage.now().cpu_seconds,
        }


def main(arguments: list[str] | None = None) -> int:
    """The program."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.guests.connectors", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--clients", type=int, required=True)
    parser.add_argument("--flight", type=int, default=500, help="how many are on their way at a time")
    parser.add_argument("--offer", default="", help="an extension")
    parser.add_argument("--authority", default="", help="whom to trust, by TLS: a PEM file")
    options = parser.parse_args(arguments)
    raise_descriptors()
    Connectors(options).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
