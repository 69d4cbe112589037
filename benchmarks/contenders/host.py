"""A server in its game: the same 60 Hz loop around each, in a process of its own, which does as it is told.

    python -m benchmarks.contenders.host --server NAME [--budget 0.004] [--entities 50] [--every 3]

says `{"port": P, "authority": PEM}` (empty where it speaks no TLS), and takes commands, a line each:

    window NAME     what is measured from now on counts as NAME
    hitch SECONDS   the game blocks, once
    end             one line of JSON: all windows (`benchmarks.contenders.window`), and what each client said

The game decodes each input, compares its time with the clock, counts its number, and every third tick broadcasts the
snapshot to everybody who ever said something. The loop is a `TickLoop` for all servers: what differs is the server.
"""

from __future__ import annotations

import argparse
import logging
import os
import time
from dataclasses import asdict, fields, is_dataclass
from time import perf_counter_ns
from typing import Any, NoReturn

import tickws
from benchmarks import contenders
from benchmarks.commands import Commands, answer
from benchmarks.contenders.window import BUDGET, RATE, Window
from benchmarks.payloads import ENTITIES, FIRST, Kind, Tally, make_snapshot, read_stamped
from benchmarks.process import raise_descriptors

__all__ = ["SNAPSHOT_TICKS", "Host"]

SNAPSHOT_TICKS = 3
"""Ticks from one snapshot to the next."""
QUIET_TICKS = RATE // 4
"""The end comes when so many ticks brought no message."""
DRAINING_TICKS = 5 * RATE
"""It comes at the latest after so many."""
MEMORY_TICKS = RATE // 4
"""From one look at the memory to the next."""


class Host:
    """The game, and the loop around it."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._every = options.every
        self._entities = options.entities
        self._commands = Commands()
        self._loop = tickws.TickLoop(rate=RATE)
        self._windows: list[Window] = []
        self.tallies: dict[int, Tally] = {}
        self._frame = self._frame_before = 0  # when this one began to read, and the one before
        self._snapshots = 0
        self._ending: int | None = None  # the tick at which the end was told
        self._last = 0  # the tick that brought the last message
        self._heard = self._counted = 0
        self.window = Window("setup", 0.0)
        self.contender = contenders.of(options.server)(self, options.send_buffer)
        self._loop.add(self.contender, budget=options.budget)
        self._loop.system(self._tick)

    # -- what the server says ----------------------------------------------------------------------------------------

    def opened(self) -> None:
        """Somebody is in."""
        self.window.opened += 1

    def closed(self) -> None:
        """Somebody who was in is gone."""
        self.window.closed += 1

    def message(self, payload: str | bytes) -> bytes | None:
        """An input; a newcomer gets it back."""
        begun = perf_counter_ns()
        window = self.window
        said = read_stamped(payload)
        self._heard += 1
        if said[0] == Kind.FLOODER:
            window.messages[Kind.FLOODER] += 1
        else:
            kind, client, _, _, _, number, sent = said
            window.messages[Kind(kind)] += 1
            window.delay[Kind(kind)].record(begun - sent)
            if kind == Kind.NEWCOMER:
                return bytes(payload) if isinstance(payload, bytes) else None
            window.missed += sent < self._frame_before
            tally = self.tallies.get(client)
            if tally is None:
                tally = self.tallies[client] = Tally()
            tally.take(number)
        window.callback_worst = max(window.callback_worst, perf_counter_ns() - begun)
        return None

    def reading(self, begun: int) -> None:
        """A frame begins, at that time."""
        if self._frame:
            self.window.interval.record(begun - self._frame)
        self._frame_before, self._frame = self._frame, begun

    def sliced(self, duration: int, cpu: int) -> None:
        """The server's calls of one frame took that long, and that much CPU."""
        self.window.slice.record(duration)
        self.window.slice_cpu.record(cpu)

    # -- what the game does ------------------------------------------------------------------------------------------

    def _tick(self, tick: tickws.Tick) -> None:
        if self._every and tick.number % self._every == 0:
            self.contender.broadcast(make_snapshot(FIRST + self._snapshots, self._entities))
            self._snapshots += 1
        if tick.number % MEMORY_TICKS == 0:
            self.window.sample_memory()
        if self._heard != self._counted:
            self._last, self._counted = tick.number, self._heard
        if self._ending is None:
            self._obey(tick)
        elif tick.number - max(self._ending, self._last) >= QUIET_TICKS or (
            tick.number - self._ending >= DRAINING_TICKS
        ):
            self._loop.stop()

    def _obey(self, tick: tickws.Tick) -> None:
        words = self._commands.next()
        if words is None:
            return
        if words[0] == "window":
            self._turn(" ".join(words[1:]))
        elif words[0] == "hitch":
            time.sleep(float(words[1]))
        elif words[0] == "end":
            self._ending = tick.number
            self._turn("draining")

    def _turn(self, name: str) -> None:
        """This window ends, the next begins."""
        self.window.close(self._loop.slipped)
        self._windows.append(self.window)
        self.window = Window(name, self._loop.slipped)

    # -- all of it ---------------------------------------------------------------------------------------------------

    def run(self) -> dict[str, Any]:
        """Until the end; gives the answer."""
        failed = ""
        try:
            self._loop.run()
        except Exception as error:  # a server's: that is its result
            failed = f"{type(error).__name__}: {error}"
        self._turn("end")
        return {
            "windows": [asdict(window.result()) for window in self._windows],
            "clients": {
                client: {"received": of.received, "missing": of.missing, "disordered": of.disordered}
                for client, of in self.tallies.items()
            },
            "slipped": self._loop.slipped,
            "loop": _plain(self._loop.statistics()),
            "step": self.contender.longest_step(),
            "failed": failed,
        }


def _plain(of: object) -> dict[str, Any]:
    """The fields of a frozen dataclass that JSON can hold: numbers, and dataclasses of numbers."""
    assert is_dataclass(of)
    found: dict[str, Any] = {}
    for of_field in fields(of):
        value = getattr(of, of_field.name)
        if is_dataclass(value) and not isinstance(value, type):
            found[of_field.name] = _plain(value)
        elif isinstance(value, (int, float, str)):
            found[of_field.name] = value
    return found


def main(arguments: list[str] | None = None) -> NoReturn:
    """The program."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.contenders.host", description=__doc__)
    parser.add_argument("--server", choices={*contenders.NAMES, *contenders.OURS}, required=True)
    parser.add_argument("--budget", type=float, default=BUDGET, help="seconds of a frame")
    parser.add_argument("--entities", type=int, default=ENTITIES, help="of a snapshot")
    parser.add_argument("--every", type=int, default=SNAPSHOT_TICKS, help="ticks from snapshot to snapshot; 0: none")
    parser.add_argument("--send-buffer", type=int, help="bytes that the kernel may hold for each connection")
    options = parser.parse_args(arguments)
    logging.disable(logging.CRITICAL)
    raise_descriptors()
    host = Host(options)
    answer({"port": host.contender.port, "authority": host.contender.authority})
    answer(host.run())
    os._exit(0)  # how each server would end with its clients in is not the question


if __name__ == "__main__":
    main()
