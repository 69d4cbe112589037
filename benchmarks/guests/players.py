"""Players that say stamped inputs and read what they are sent; some may stop reading; and newcomers beside them.

    python -m benchmarks.guests.players --port P --players N [--stallers M] [--rate HZ] [--newcomers SECONDS]

says `{"in": N}` when all are in and have begun to play, and takes commands:

    window NAME     newcomers count as NAME from now on; in a window, one comes every so many seconds
    stall           the stallers read no more
    stop            no inputs and no newcomers any more; one line of JSON when everything is said
"""

from __future__ import annotations

import argparse
import sys
import time
from time import perf_counter_ns
from typing import Any

from benchmarks.commands import Commands, answer
from benchmarks.guests.newcomers import Newcomers
from benchmarks.loadgen import SLOT_SECONDS, Load
from benchmarks.payloads import FIRST, Kind, make_stamped
from benchmarks.peer import Peer
from benchmarks.process import Usage, raise_descriptors
from benchmarks.seat import HOST
from benchmarks.secure import trusted
from tickws.clock import FOREVER, NANOSECONDS, SystemClock

__all__ = ["Player", "Players", "kinds"]

STOPPING_SECONDS = 5.0
"""How long what was said may wait for the sockets to take it, and newcomers for their answer."""
FOREVER_SECONDS = FOREVER / NANOSECONDS


class Player(Peer):
    """One of them."""

    __slots__ = ("inputs", "kind", "messages", "name")

    def __init__(self, name: int, host: str, kind: Kind, offer: str = "") -> None:
        super().__init__(f"/?player={name}", host, extension=offer)
        self.name = name
        self.kind = kind
        self.inputs = 0
        self.messages = 0
        """Snapshots that came."""

    def play(self) -> None:
        """Say the next input."""
        self.say(make_stamped(self.kind, self.name, FIRST + self.inputs, perf_counter_ns()))
        self.inputs += 1

    def heard(self, payload: bytes) -> None:
        """A snapshot came."""
        self.messages += 1


class Players:
    """All of them, and what they are told."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._commands = Commands()
        context = trusted(options.authority)
        self._newcomers = Newcomers(options.port, options.newcomers, options.offer, context)
        players = [
            Player(name, f"{HOST}:{options.port}", kind, options.offer)
            for name, kind in enumerate(kinds(options.players, options.stallers))
        ]
        self._load = Load(
            options.port,
            players,
            options.rate,
            None,
            SystemClock(),
            self._beside,
            lambda player: player.kind == Kind.STALLER,
            lambda player: None if context is None else (options.port, context),
        )
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
        if self._stopping is not None and (perf_counter_ns() > self._stopping or not self._unsaid):
            self._stopping = None
            answer(self._result())

    def _obey(self, words: list[str]) -> None:
        if words[0] == "window":
            self._newcomers.window(" ".join(words[1:]))
        elif words[0] == "stall":
            for seat in self._load.seats:
                if seat.player.kind == Kind.STALLER:
                    self._load.deafen(seat)
        elif words[0] == "stop":
            self._load.stop()
            self._newcomers.stop()
            self._stopping = perf_counter_ns() + round(STOPPING_SECONDS * NANOSECONDS)
        elif words[0] == "end":
            self._load.end()
            self._over = True

    @property
    def _unsaid(self) -> bool:
        return self._newcomers.waiting or any(seat.player.out for seat in self._load.seats if not seat.over)

    def _result(self) -> dict[str, Any]:
        seats = self._load.seats
        return {
            "said": {seat.player.name: seat.player.inputs for seat in seats},
            "messages": {seat.player.name: seat.player.messages for seat in seats},
            "lost": {seat.player.name: seat.player.ended(over=True) for seat in seats if seat.over},
            "faults": {seat.player.name: seat.player.fault for seat in seats if seat.player.fault},
            "newcomers": self._newcomers.result(),
            "late_seconds": self._load.late_seconds,
            "cpu_seconds": Usage.now().cpu_seconds,
        }


def kinds(players: int, stallers: int) -> list[Kind]:
    """Of each player: the stallers are spread among them, as turns are spread over a tick by name."""
    return [
        Kind.STALLER if name * stallers // players != (name + 1) * stallers // players else Kind.PLAYER
        for name in range(players)
    ]


def main(arguments: list[str] | None = None) -> int:
    """The program."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.guests.players", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--players", type=int, required=True)
    parser.add_argument("--stallers", type=int, default=0, help="how many of the players may stop reading")
    parser.add_argument("--rate", type=float, default=60.0, help="inputs a second and player")
    parser.add_argument("--newcomers", type=float, default=0.0, help="seconds from one to the next; 0: none come")
    parser.add_argument("--offer", default="", help="an extension")
    parser.add_argument("--authority", default="", help="whom to trust, by TLS: a PEM file")
    options = parser.parse_args(arguments)
    raise_descriptors()
    Players(options).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
