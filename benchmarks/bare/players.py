"""Players that say stamped inputs, and time how long the echo of each takes; snapshots are only counted.

    python -m benchmarks.bare.players --port P --players N [--rate HZ]

They speak in turn, evenly spread over the period. Between two looks at the sockets the process sleeps a quarter of a
millisecond (so much later than it came an answer may be seen), never in the poller: no server pays for waking it. It
says `{"in": N}` when all are in, then for each line `mark` what happened since the line before (`Said`). At `stop` they
say nothing more, and wait for the echoes that are owed: `{"owed": N}` tells how many did not come.
"""

from __future__ import annotations

import argparse
import selectors
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.commands import Commands, answer
from benchmarks.payloads import FIRST, Kind, make_stamped, read_stamped
from benchmarks.peer import Peer
from benchmarks.process import Usage, raise_descriptors
from benchmarks.samples import Samples
from benchmarks.seat import HOST, Seat, connect
from tickws.clock import NANOSECONDS
from tickws.statistics import Distribution

__all__ = ["Said"]

SLOT_SECONDS = 0.000_25
CONNECTING_SECONDS = 30.0
OWED_SECONDS = 5.0
"""How long the last echoes may take."""
INPUT_BYTES = 24
"""An echo is as long; a snapshot is longer."""

now = time.perf_counter_ns


@dataclass(frozen=True, slots=True)
class Said:
    """What happened from one mark to the next. Seconds."""

    inputs: int
    echoes: int
    snapshots: int
    lost: int
    """Players that are gone."""
    answer: Distribution
    """From when an input was said until its echo was read."""
    late: float
    """How late the latest input was said."""
    cpu_seconds: float

    @classmethod
    def load(cls, row: dict[str, Any]) -> Said:
        """From JSON."""
        return cls(**{**row, "answer": Distribution(**row["answer"])})


class Player(Peer):
    """One of them."""

    __slots__ = ("crowd", "inputs", "name")

    def __init__(self, name: int, host: str, crowd: Crowd) -> None:
        super().__init__("/", host)
        self.name = name
        self.inputs = 0
        self.crowd = crowd

    def play(self) -> None:
        """Say the next input."""
        self.say(make_stamped(Kind.PLAYER, self.name, FIRST + self.inputs, now()))
        self.inputs += 1

    def heard(self, payload: bytes) -> None:
        """An echo, or a snapshot."""
        if len(payload) == INPUT_BYTES:
            self.crowd.answers.record(now() - read_stamped(payload)[-1])
            self.crowd.echoes += 1
            self.crowd.owed -= 1
        else:
            self.crowd.snapshots += 1


class Crowd:
    """All players, and what is counted of them."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._spacing = NANOSECONDS / options.rate / options.players
        self._selector = selectors.DefaultSelector()
        self._seats: list[Seat[Player]] = []
        self._port: int = options.port
        self._turns = 0
        self._usage = Usage.now()
        self.owed = 0
        self.lost = 0
        self._reset()
        for name in range(options.players):
            self._connect(name)

    def _reset(self) -> None:
        self.answers = Samples()
        self.inputs = self.echoes = self.snapshots = self._late = 0
        self._usage = Usage.now()

    def _connect(self, name: int) -> None:
        seat = Seat(Player(name, f"{HOST}:{self._port}", self), connect(self._port))
        seat.write()
        self._selector.register(seat.sock, selectors.EVENT_READ, seat)
        self._seats.append(seat)

    def listen(self) -> None:
        """Read what has come."""
        for key, _ in self._selector.select(0):
            seat: Seat[Player] = key.data
            seat.read()
            if seat.player.out:  # a pong
                seat.write()
            if seat.over:
                self.lost += 1
                self._selector.unregister(seat.sock)
                seat.sock.close()

    @property
    def ready(self) -> int:
        """How many are in."""
        return sum(seat.player.open for seat in self._seats)

    def play(self, start: int) -> None:
        """Give the turns that are due."""
        while True:
            late = now() - start - round(self._turns * self._spacing)
            if late < 0:
                return
            self._late = max(self._late, late)
            seat = self._seats[self._turns % len(self._seats)]
            if not seat.over:
                seat.player.play()
                seat.write()
                self.inputs += 1
                self.owed += 1
            self._turns += 1

    def mark(self) -> Said:
        """What happened since the last one."""
        said = Said(
            inputs=self.inputs,
            echoes=self.echoes,
            snapshots=self.snapshots,
            lost=self.lost,
            answer=self.answers.distribution(),
            late=self._late / NANOSECONDS,
            cpu_seconds=Usage.now().since(self._usage).cpu_seconds,
        )
        self._reset()
        return said


def main(arguments: list[str] | None = None) -> int:
    """The program."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bare.players",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--players", type=int, required=True)
    parser.add_argument("--rate", type=float, default=60.0)
    options = parser.parse_args(arguments)
    raise_descriptors()
    commands = Commands()
    crowd = Crowd(options)
    give_up = time.monotonic() + CONNECTING_SECONDS
    while crowd.ready < options.players and not crowd.lost and time.monotonic() < give_up:
        crowd.listen()
        time.sleep(SLOT_SECONDS)
    answer({"in": crowd.ready})
    start = now()
    while (words := commands.next()) not in (["stop"], ["end"]):
        if words is not None:
            answer(asdict(crowd.mark()))
        crowd.play(start)
        crowd.listen()
        time.sleep(SLOT_SECONDS)
    give_up = time.monotonic() + OWED_SECONDS
    while crowd.owed and words == ["stop"] and time.monotonic() < give_up:
        crowd.listen()
        time.sleep(SLOT_SECONDS)
    answer({"owed": crowd.owed})
    return 0


if __name__ == "__main__":
    sys.exit(main())
