"""Everybody in a match: light players and spectators (`benchmarks.bot`), and a few real `GameClient`s among them.

    python -m benchmarks.bots --port P --bots N --spectators M --real R --rate HZ --most SECONDS

prints one JSON line at its end. Each takes a turn `rate` times a second, as a client that draws so often; the real ones
also ask for the world that they would draw.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from subprocess import Popen

import msgspec

import tickws
from benchmarks import child
from benchmarks.arena import Move
from benchmarks.bot import Bot, BotResult, move
from benchmarks.loadgen import SLOT_SECONDS, Load
from benchmarks.process import Usage
from benchmarks.seat import HOST
from tickws.clock import NANOSECONDS, Clock, SystemClock

__all__ = ["CrowdResult", "RealResult", "collect", "start"]

ENDING_SECONDS = 2.0
"""How long real clients may take to hear of the end, once the light ones are gone."""


@dataclass(frozen=True, slots=True)
class RealResult:
    """One `GameClient`'s part of a match."""

    most_shown: int
    """Bodies in its world, at most."""
    latency: float | None
    """Seconds of its round trip, before the end."""
    close_code: int | None
    """None: it was never told that it is over."""
    drops: int
    """Connections that it lost."""


@dataclass(frozen=True, slots=True)
class CrowdResult:
    """What the clients' process says of a match."""

    bots: list[BotResult]
    """The players, then the spectators."""
    real: list[RealResult]
    cpu_seconds: float
    late_seconds: float
    """How late the latest turn was."""


class Real:
    """A `GameClient`, played as a bot is."""

    def __init__(self, name: int, port: int, clock: Clock) -> None:
        url = f"ws://{HOST}:{port}/"
        self._name = name
        self._clock = clock
        self._client = tickws.GameClient(url, inputs=Move, query={"player": str(name)}, clock=clock)
        self._client.bus.subscribe(tickws.ServerMessage, lambda message: self._client.send("done"))
        self._client.bus.subscribe(tickws.Disconnected, self._disconnected)
        self._client.bus.subscribe(tickws.Dropped, self._dropped)
        self._frames = 0
        self._shown = 0
        self._latency: float | None = None
        self._code: int | None = None
        self._drops = 0

    @property
    def playing(self) -> bool:
        """Whether it does not know of the end."""
        return self._code is None

    def play(self) -> None:
        """One frame."""
        if not self.playing:
            return
        client = self._client
        client.send_input(msgspec.structs.replace(move(self._name, self._frames), dash=False))
        self._frames += 1
        client.work()
        self._shown = max(self._shown, len(client.state()))
        self._latency = client.latency if client.latency is not None else self._latency

    def _disconnected(self, event: tickws.Disconnected) -> None:
        self._code = event.code

    def _dropped(self, event: tickws.Dropped) -> None:
        self._drops += 1
        self._client.close()

    def result(self) -> RealResult:
        """Its part."""
        return RealResult(self._shown, self._latency, self._code, self._drops)


class Audience:
    """The real clients, each with its turns."""

    def __init__(self, clients: list[Real], rate: float, clock: Clock) -> None:
        self.clients = clients
        self._clock = clock
        self._spacing = NANOSECONDS / rate / max(1, len(clients))
        self._start = clock.now_ns()
        self._turns = 0

    def play(self) -> None:
        """Give the turns that are due; what was missed is left out, as a client that draws late does."""
        due = int((self._clock.now_ns() - self._start) / self._spacing)
        for turn in range(max(self._turns, due - len(self.clients)), due):
            self.clients[turn % len(self.clients)].play()
        self._turns = due

    def finish(self) -> None:
        """Turns until all know that it is over, or it takes too long."""
        give_up = self._clock.now() + ENDING_SECONDS
        while any(client.playing for client in self.clients) and self._clock.now() < give_up:
            self.play()
            self._clock.sleep(SLOT_SECONDS)


def main(arguments: list[str] | None = None) -> int:
    """The program: one match, one JSON line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bots", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--bots", type=int, required=True)
    parser.add_argument("--spectators", type=int, required=True)
    parser.add_argument("--real", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--most", type=float, required=True)
    options = parser.parse_args(arguments)
    logging.disable(logging.WARNING)
    clock, host = SystemClock(), f"{HOST}:{options.port}"
    count = options.bots + options.spectators
    bots = [Bot(name, host, clock, spectator=name >= options.bots) for name in range(count)]
    audience = Audience([Real(count + name, options.port, clock) for name in range(options.real)], options.rate, clock)
    load = Load(options.port, bots, options.rate, round(options.most * options.rate), clock, audience.play)
    load.run(options.most)
    audience.finish()
    results = [seat.player.result(over=seat.over) for seat in load.seats]
    real = [client.result() for client in audience.clients]
    print(json.dumps(asdict(CrowdResult(results, real, Usage.now().cpu_seconds, load.late_seconds))))
    return 0


def start(
    port: int, *, bots: int, spectators: int, real: int, rate: float, most: float, cpu: int | None = None
) -> AbstractContextManager[Popen[str]]:
    """The clients in a process of their own; if it still runs at the end of the block, it is ended.

    Args:
        most: seconds after which it ends, whatever happens.
        cpu: the CPU that it is to run on.
    """
    options = {
        "--port": port,
        "--bots": bots,
        "--spectators": spectators,
        "--real": real,
        "--rate": rate,
        "--most": most,
    }
    return child.start("benchmarks.bots", options, cpu)


def collect(process: Popen[str], timeout: float) -> CrowdResult | None:
    """Wait for the clients' end; gives what they say, None where they failed or take longer than `timeout`."""
    row = child.answer(process, timeout)
    if row is None:
        return None
    bots = [BotResult(**bot) for bot in row.pop("bots")]
    real = [RealResult(**client) for client in row.pop("real")]
    return CrowdResult(bots, real, **row)


if __name__ == "__main__":
    sys.exit(main())
