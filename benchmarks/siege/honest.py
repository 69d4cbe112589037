"""Honest players: stamped inputs, each of which comes back; half of them over TLS; and newcomers beside them.

    python -m benchmarks.siege.honest --port P --players N [--rate HZ] [--secure-port P --authority FILE]

says `{"in": N}` when all are in and have begun to play, and takes commands:

    window NAME     round trips count as NAME from now on; one line of JSON on what was before
    disturbed NAME  what counts as NAME is left out of what is told of undisturbed times
    newcomers NAME  they come, and count as NAME; without one, they come no more
    stop            no inputs any more; one line of JSON when every answer is here, or was waited for

A round trip is from when an input was made to when its echo was read. It holds the wait for the server's next frame,
that frame's `receive`, tick and `flush`, and up to a millisecond until this process looks at its sockets.
"""

from __future__ import annotations

import argparse
import ssl
import sys
import time
from dataclasses import asdict
from time import perf_counter_ns
from typing import Any

from benchmarks.commands import Commands, answer
from benchmarks.guests.newcomers import Newcomers
from benchmarks.guests.players import FOREVER_SECONDS, STOPPING_SECONDS
from benchmarks.loadgen import SLOT_SECONDS, Load
from benchmarks.payloads import FIRST, Kind, Tally, make_stamped, snapshot_number, stamp
from benchmarks.peer import Peer
from benchmarks.process import Usage, raise_descriptors
from benchmarks.samples import Samples
from benchmarks.seat import HOST
from benchmarks.secure import trusting
from tickws.clock import NANOSECONDS, SystemClock
from tickws.statistics import Histogram

__all__ = ["Honest", "Players", "Trips"]

STAMPED = 0x97
"""The first byte of a stamped input: a list of seven."""


class Trips:
    """Round trips of a window: those of plain and of secured connections; for each all, and those of late."""

    def __init__(self) -> None:
        self.all = {False: Samples(), True: Samples()}
        self.recent = Histogram()

    def record(self, secured: bool, duration: int) -> None:
        """One more."""
        self.all[secured].record(duration)
        self.recent.record(duration)

    def lately(self) -> dict[str, Any]:
        """Since the last call, to about 6 %."""
        recent, self.recent = self.recent, Histogram()
        return asdict(recent.distribution())


class Honest(Peer):
    """One player."""

    __slots__ = ("echoes", "inputs", "name", "secured", "snapshots", "trips")

    def __init__(self, name: int, host: str, *, secured: bool = False) -> None:
        super().__init__(f"/?player={name}", host)
        self.name = name
        self.secured = secured
        self.inputs = 0
        self.echoes = Tally()
        self.snapshots = Tally()
        self.trips = Trips()

    def play(self) -> None:
        """Say the next input."""
        self.say(make_stamped(Kind.PLAYER, self.name, FIRST + self.inputs, perf_counter_ns()))
        self.inputs += 1

    def heard(self, payload: bytes) -> None:
        """An echo, or a snapshot."""
        if payload[0] != STAMPED:
            self.snapshots.take(snapshot_number(payload))
            return
        number, sent = stamp(payload)
        self.echoes.take(number)
        self.trips.record(self.secured, perf_counter_ns() - sent)


class Players:
    """All of them, and what they are told."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._commands = Commands()
        self._newcomers = Newcomers(options.port, options.newcomers)
        context = trusting(options.authority) if options.authority else None
        host = f"{HOST}:{options.port}"
        players = [Honest(name, host, secured=context is not None and name % 2 == 1) for name in range(options.players)]

        def secured(player: Honest) -> tuple[int, ssl.SSLContext] | None:
            return (options.secure_port, context) if context is not None and player.secured else None

        self._load = Load(
            options.port, players, options.rate, None, SystemClock(), beside=self._beside, secured=secured
        )
        self._windows: dict[str, Trips] = {}
        self._trips = Trips()
        self._disturbed: set[str] = set()
        self._over = False
        self._said = False  # that all are in
        self._stopping: int | None = None  # until when, at most

    def run(self) -> None:
        """Until the end, whoever is left."""
        self._load.run(FOREVER_SECONDS)
        while not self._over:
            self._beside()
            time.sleep(SLOT_SECONDS)

    def _beside(self) -> None:
        """Between two looks at the sockets."""
        self._newcomers.turn()
        if not self._said and self._load.playing:
            self._said = True
            answer({"in": len(self._load.seats)})
        words = self._commands.next()
        if words is not None:
            self._obey(words)
        if self._stopping is not None and (perf_counter_ns() > self._stopping or not self._unanswered):
            self._stopping = None
            answer(self._result())

    def _obey(self, words: list[str]) -> None:
        if words[0] == "window":
            answer({"trips": self._trips.lately(), "lost": self._lost})
            self._window(" ".join(words[1:]))
        elif words[0] == "disturbed":
            self._disturbed.add(" ".join(words[1:]))
        elif words[0] == "newcomers":
            self._newcomers.stop()
            if len(words) > 1:
                self._newcomers.window(" ".join(words[1:]))
        elif words[0] == "stop":
            self._load.stop()
            self._newcomers.stop()
            self._stopping = perf_counter_ns() + round(STOPPING_SECONDS * NANOSECONDS)
        elif words[0] == "end":
            self._load.end()
            self._over = True

    def _window(self, name: str) -> None:
        self._trips = self._windows.setdefault(name, Trips())
        for seat in self._load.seats:
            seat.player.trips = self._trips

    @property
    def _lost(self) -> int:
        return sum(seat.over for seat in self._load.seats)

    @property
    def _unanswered(self) -> bool:
        return self._newcomers.waiting or any(
            seat.player.echoes.received < seat.player.inputs for seat in self._load.seats if not seat.over
        )

    def _told(self) -> dict[str, dict[str, Samples]]:
        """Round trips by window and way. A window's name up to the first digit is that of all of its kind."""
        told: dict[str, dict[str, Samples]] = {}
        for name, trips in self._windows.items():
            kind = name.rstrip("0123456789 ")
            for group in (kind,) if name in self._disturbed else (kind, f"{kind}, undisturbed"):
                ways = told.setdefault(group, {"plain": Samples(), "TLS": Samples()})
                ways["plain"].add(trips.all[False])
                ways["TLS"].add(trips.all[True])
        return told

    def _result(self) -> dict[str, Any]:
        players = [seat.player for seat in self._load.seats]
        return {
            "said": {player.name: player.inputs for player in players},
            "unanswered": sum(abs(player.inputs - player.echoes.received) for player in players),
            "disordered": sum(player.echoes.disordered + player.snapshots.disordered for player in players),
            "snapshots": sum(player.snapshots.received for player in players),
            "lost": {seat.player.name: seat.player.ended(over=True) for seat in self._load.seats if seat.over},
            "faults": {player.name: player.fault for player in players if player.fault},
            "secured": sum(player.secured for player in players),
            "trips": {
                name: {way: asdict(samples.distribution()) for way, samples in ways.items()}
                for name, ways in self._told().items()
            },
            "newcomers": self._newcomers.result(),
            "late_seconds": self._load.late_seconds,
            "cpu_seconds": Usage.now().cpu_seconds,
        }


def main(arguments: list[str] | None = None) -> int:
    """The program."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.siege.honest", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--players", type=int, required=True)
    parser.add_argument("--rate", type=float, default=30.0, help="inputs a second and player")
    parser.add_argument("--newcomers", type=float, default=0.5, help="seconds from one to the next; 0: none come")
    parser.add_argument("--secure-port", type=int, default=0, help="where half of them go")
    parser.add_argument("--authority", default="", help="a PEM file: what they trust")
    options = parser.parse_args(arguments)
    raise_descriptors()
    Players(options).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
