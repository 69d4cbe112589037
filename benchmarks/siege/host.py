"""The server under attack: a `WebSocketServer` on a 60 Hz `TickLoop`, in a process of its own.

    python -m benchmarks.siege.host [--budget 0.006] [--most 0.012] [--chain FILE --key FILE] [...]

says `{"port": P, "secure_port": Q}`, and takes commands, each of which has one line of JSON for an answer:

    window NAME     what is measured from now on counts as NAME: the window that ended, and the counters
    state           who is here
    settle          garbage is collected, free memory given back: memory and descriptors
    end             the inputs of each player, what the log has, and the loop's end

The game decodes each message; what it knows it sends back, and who said such a thing gets a snapshot every third tick.
Who says anything else is closed with 1008.
"""

from __future__ import annotations

import argparse
import cProfile
import ctypes
import gc
import logging
import sys
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from time import perf_counter_ns
from typing import Any

import tickws
from benchmarks.commands import Commands, answer
from benchmarks.contenders import tickws_server
from benchmarks.contenders.host import MEMORY_TICKS, SNAPSHOT_TICKS
from benchmarks.contenders.window import RATE, Window
from benchmarks.payloads import ENTITIES, FIRST, Kind, Tally, make_snapshot, read_stamped
from benchmarks.process import descriptors, raise_descriptors, resident_bytes
from benchmarks.seat import HOST
from benchmarks.secure import serving
from benchmarks.siege.rules import BUDGET, MOST, PATIENCE_SECONDS, QUEUE_BYTES, SEND_BUFFER, rules

__all__ = ["Host", "flat"]

LISTED = 20
"""Lines of the log that are told."""


class Heard(logging.Handler):
    """What the library logs."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []
        self.exceptions = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self.exceptions += record.exc_info is not None or record.levelno >= logging.ERROR
        if len(self.lines) < LISTED:
            self.lines.append(self.format(record))


class Server(tickws_server.Server):
    """tickws, as operators are told to run it."""

    compression = tickws.Deflate()
    errors = "close"

    def _heard(self, ws: tickws.WebSocket, message: str | bytes) -> None:
        reply = self.game.message(message)
        if reply is None:
            ws.close(1008, "that is not spoken here")
            return
        self._silent.discard(ws)
        ws.send(reply)


class Host:
    """The game, and the loop around it."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._commands = Commands()
        self._loop = tickws.TickLoop(rate=RATE)
        self._frame = self._frame_before = 0  # when this one began to read, and the one before
        self._ticked = True  # since then
        self._spent = self._cpu = 0  # by the server's calls in this frame
        self._snapshots = 0
        self._log = Heard()
        logging.getLogger("tickws").addHandler(self._log)
        self.tallies: dict[int, Tally] = {}
        self.window = Window("setup", 0.0)
        limits = rules(queue_bytes=options.queue, patience_seconds=options.patience)
        self._contender = Server(self, options.send_buffer, limits)
        self.port, self.secure_port = self._contender.port, None
        if options.chain:
            server = self._contender.server
            server.listen(HOST, 0, ssl_context=serving(options.chain, options.key))
            self.secure_port = int(server.addresses[-1][1])
            self._contender.narrow(*server.sockets)
        self._loop.add(self._contender, budget=options.budget, most=max(options.budget, options.most))
        self._loop.system(self._tick)

    # -- what the server says ----------------------------------------------------------------------------------------

    def opened(self) -> None:
        """Somebody is in."""
        self.window.opened += 1

    def closed(self) -> None:
        """Somebody who was in is gone."""
        self.window.closed += 1

    def message(self, payload: str | bytes) -> bytes | None:
        """What the game knows comes back."""
        begun = perf_counter_ns()
        try:
            said = read_stamped(payload)
            kind = Kind(said[0])
            if kind == Kind.PLAYER:
                tally = self.tallies.setdefault(said[1], Tally())
                tally.take(said[5])
                self.window.delay[kind].record(begun - said[6])
                self.window.missed += said[6] < self._frame_before
        except (ValueError, TypeError, IndexError, KeyError):
            return None
        self.window.messages[kind] += 1
        self.window.callback_worst = max(self.window.callback_worst, perf_counter_ns() - begun)
        return payload if isinstance(payload, bytes) else None

    def reading(self, begun: int) -> None:
        """A frame begins, at that time; or goes on, as the server was behind."""
        if not self._ticked:
            return
        self._ticked = False
        if self._frame:
            self.window.interval.record(begun - self._frame)
            self.window.slice.record(self._spent)
            self.window.slice_cpu.record(self._cpu)
        self._frame_before, self._frame = self._frame, begun
        self._spent = self._cpu = 0

    def sliced(self, duration: int, cpu: int) -> None:
        """The server's calls took that long, and that much CPU."""
        self._spent += duration
        self._cpu += cpu

    # -- what the game does ------------------------------------------------------------------------------------------

    def _tick(self, tick: tickws.Tick) -> None:
        self._ticked = True
        if tick.number % SNAPSHOT_TICKS == 0:
            self._contender.broadcast(make_snapshot(FIRST + self._snapshots, ENTITIES))
            self._snapshots += 1
        if tick.number % MEMORY_TICKS == 0:
            self.window.sample_memory()
        words = self._commands.next()
        if words is not None:
            self._obey(words)

    def _obey(self, words: list[str]) -> None:
        if words[0] == "window":
            self.window.close(self._loop.slipped)
            ended, self.window = self.window, Window(" ".join(words[1:]), self._loop.slipped)
            answer({"window": asdict(ended.result()), "counters": self._counters()})
        elif words[0] == "state":
            answer(self._state())
        elif words[0] == "settle":
            settle()
            answer({**self._state(), "resident": resident_bytes(), "descriptors": descriptors()})
        elif words[0] == "end":
            steps = self._contender.server.statistics().steps
            answer(
                {
                    "clients": {
                        client: {"received": of.received, "missing": of.missing, "disordered": of.disordered}
                        for client, of in self.tallies.items()
                    },
                    "exceptions": self._log.exceptions,
                    "log": self._log.lines,
                    "steps": {kind: step.longest for kind, step in steps.items()},
                    "slices": {kind: asdict(step.slices) for kind, step in steps.items()},
                    "slipped": self._loop.slipped,
                    "counters": self._counters(),
                }
            )
            self._loop.stop()

    def _state(self) -> dict[str, Any]:
        statistics = self._contender.server.statistics()
        return {"connections": statistics.connections, "open": statistics.open}

    def _counters(self) -> dict[str, float]:
        return flat(self._contender.server.statistics())

    def run(self) -> None:
        """Until the end."""
        self._loop.run()


def settle() -> None:
    """Give back what can be given back."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


def flat(statistics: object) -> dict[str, float]:
    """The counters of a server: its whole numbers, and those that it has by key as `field.key`."""
    assert is_dataclass(statistics)
    found: dict[str, float] = {}
    for of in fields(statistics):
        value = getattr(statistics, of.name)
        if isinstance(value, int):
            found[of.name] = value
        elif isinstance(value, Mapping):
            found.update({f"{of.name}.{key}": count for key, count in value.items() if isinstance(count, int)})
    return found


def main(arguments: list[str] | None = None) -> int:
    """The program."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.siege.host", description=__doc__)
    parser.add_argument("--budget", type=float, default=BUDGET, help="seconds of a frame")
    parser.add_argument("--most", type=float, default=MOST, help="seconds of a frame that has time left")
    parser.add_argument("--chain", default="", help="a PEM file: the certificate, for a second port with TLS")
    parser.add_argument("--key", default="", help="a PEM file")
    parser.add_argument("--queue", type=int, default=QUEUE_BYTES, help="bytes that may wait for one connection")
    parser.add_argument("--patience", type=float, default=PATIENCE_SECONDS, help="for a handshake; half for a closing")
    parser.add_argument("--send-buffer", type=int, default=SEND_BUFFER, help="bytes in the kernel for each connection")
    parser.add_argument("--profile", default="", help="a file for cProfile's figures")
    options = parser.parse_args(arguments)
    raise_descriptors()
    host = Host(options)
    answer({"port": host.port, "secure_port": host.secure_port})
    if options.profile:
        profile = cProfile.Profile()
        profile.runcall(host.run)
        profile.dump_stats(options.profile)
    else:
        host.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
