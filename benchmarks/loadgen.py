"""The load: players in a process of their own, so that the server's CPU time is the server's alone.

    python -m benchmarks.loadgen --port P --clients N --rate HZ --inputs K      prints one JSON line at its end

All connect to 127.0.0.1; when all are in, each says K inputs, HZ a second, the players evenly spread over the period.
Then they listen until the server closes. It sleeps a millisecond between two looks at the sockets and never inside the
poller, so that no server pays for waking it. It ends by itself: when no connection is left (as when the server dies),
when one is lost before all are in, and after `--most` seconds.

`start` and `collect` are for the benchmark that wants it.
"""

from __future__ import annotations

import argparse
import json
import selectors
import ssl
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import Generic, TypeVar

from benchmarks import child
from benchmarks.peer import Peer
from benchmarks.player import Player, PlayerResult
from benchmarks.process import Usage
from benchmarks.seat import HOST, Seat, connect
from tickws.clock import NANOSECONDS, Clock, SystemClock

__all__ = ["SLOT_SECONDS", "Load", "LoadResult", "collect", "start"]

P = TypeVar("P", bound=Peer)

SLOT_SECONDS = 0.001
"""Between two looks at the sockets."""


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What the load generator says of a run."""

    players: list[PlayerResult]
    cpu_seconds: float
    late_seconds: float
    """How late the latest input was said: a load generator that cannot keep up is no load."""


class Load(Generic[P]):
    """All players of a run. Each gets its turns, `rate` a second, evenly spread over the period.

    Args:
        turns: for each player, from when all are ready; None: until `stop`.
        beside: called at every look at the sockets.
        distant: who is at the other end of a line, as `connect` has it.
        secured: the port of one who speaks TLS, and what it trusts; None: it does not.
    """

    def __init__(
        self,
        port: int,
        players: Sequence[P],
        rate: float,
        turns: int | None,
        clock: Clock,
        beside: Callable[[], None] = lambda: None,
        distant: Callable[[P], bool] = lambda player: False,
        secured: Callable[[P], tuple[int, ssl.SSLContext] | None] = lambda player: None,
    ) -> None:
        self._clock = clock
        self._spacing = NANOSECONDS / rate / len(players)  # from one player's turn to the next player's
        self._total = sys.maxsize if turns is None else turns * len(players)
        self._taken = 0
        self._beside = beside
        self._start: int | None = None  # when all were ready
        self._late = 0
        self._ended = False
        self._selector = selectors.DefaultSelector()
        self.seats: list[Seat[P]] = []
        for player in players:
            door, context = secured(player) or (port, None)
            self.seats.append(Seat(player, connect(door, distant=distant(player), context=context)))
        for seat in self.seats:
            self._selector.register(seat.sock, selectors.EVENT_READ, seat)

    def run(self, most_seconds: float) -> None:
        """Play to the end."""
        clock = self._clock
        give_up = clock.now() + most_seconds
        while self._selector.get_map() and clock.now() < give_up and not self._ended:
            self._play(clock.now_ns())
            self._beside()
            for key, _ in self._selector.select(0):
                self._read(key.data)
            for seat in self.seats:
                if not seat.over:
                    seat.write()
            if self._start is None and any(seat.over for seat in self.seats):
                break
            clock.sleep(SLOT_SECONDS)
        for seat in self.seats:
            seat.sock.close()

    def stop(self) -> None:
        """No turns any more."""
        self._total = self._taken

    def end(self) -> None:
        """Let `run` return."""
        self._ended = True

    def deafen(self, seat: Seat[P]) -> None:
        """Never again read what this one is sent."""
        if not seat.over:
            self._selector.unregister(seat.sock)

    @property
    def playing(self) -> bool:
        """Whether the turns have begun."""
        return self._start is not None

    @property
    def late_seconds(self) -> float:
        """How late the latest turn was."""
        return self._late / NANOSECONDS

    def _play(self, now: int) -> None:
        """Give the turns that are due."""
        if self._start is None:
            if all(seat.player.ready for seat in self.seats):
                self._start = now
            return
        while self._taken < self._total:
            due = self._start + round(self._taken * self._spacing)
            if due > now:
                break
            self._late = max(self._late, now - due)
            seat = self.seats[self._taken % len(self.seats)]
            if not seat.over:
                seat.player.play()
                seat.write()  # at once: what is stamped may not wait until others have read
            self._taken += 1

    def _read(self, seat: Seat[P]) -> None:
        seat.read()
        if seat.over:
            self._selector.unregister(seat.sock)
            seat.sock.close()


def main(arguments: list[str] | None = None) -> int:
    """The program: one run, one JSON line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loadgen", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--clients", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--inputs", type=int, required=True)
    parser.add_argument("--most", type=float, required=True)
    options = parser.parse_args(arguments)
    players = [Player(name, f"{HOST}:{options.port}") for name in range(options.clients)]
    load = Load(options.port, players, options.rate, options.inputs, SystemClock())
    load.run(options.most)
    results = [seat.player.result(over=seat.over) for seat in load.seats]
    print(json.dumps(asdict(LoadResult(results, Usage.now().cpu_seconds, load.late_seconds))))
    return 0


def start(
    port: int, *, clients: int, rate: float, inputs: int, most: float, cpu: int | None = None
) -> AbstractContextManager[subprocess.Popen[str]]:
    """A load generator in a process of its own; if it still runs at the end of the block, it is ended.

    Args:
        inputs: how many each player says.
        rate: how many of them a second.
        most: seconds after which it ends, whatever happens.
        cpu: the CPU that it is to run on.
    """
    options = {"--port": port, "--clients": clients, "--rate": rate, "--inputs": inputs, "--most": most}
    return child.start("benchmarks.loadgen", options, cpu)


def collect(process: subprocess.Popen[str], timeout: float) -> LoadResult | None:
    """Wait for a load generator's end; gives what it says, None where it failed or takes longer than `timeout`."""
    row = child.answer(process, timeout)
    if row is None:
        return None
    players = [PlayerResult(**player) for player in row.pop("players")]
    return LoadResult(players, **row)


if __name__ == "__main__":
    sys.exit(main())
