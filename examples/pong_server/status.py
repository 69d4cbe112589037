"""What the terminal shows of a loop. Here belongs the status line, and nothing that the loop needs to run."""

import shutil
from collections.abc import Callable
from typing import TextIO

import tickws
from examples.pong_server.server import BUDGET, Pong


class Status:
    """Says how things are: twice a second in one line of the terminal; every 10 seconds in a file or a pipe.

    Args:
        line: what there is to say; called with the seconds since it was called last.
    """

    def __init__(self, line: Callable[[float], str], clock: tickws.Clock, output: TextIO) -> None:
        self._line = line
        self._clock = clock
        self._output = output
        self._in_place = output.isatty()
        self._period = 0.5 if self._in_place else 10.0
        self._since = clock.now()

    def tick(self, tick: tickws.Tick) -> None:
        """A system of the loop: says something when it is time to."""
        seconds = self._clock.now() - self._since
        if seconds < self._period:
            return
        self._since += seconds
        line = self._line(seconds)
        if self._in_place:
            width = shutil.get_terminal_size().columns - 1
            self._output.write(f"\r{'':{width}}\r{line[:width]}")
        else:
            self._output.write(f"{line}\n")
        self._output.flush()

    def end(self) -> None:
        """Leave the line as it is, for what is said next."""
        if self._in_place:
            self._output.write("\n")


def server_line(pong: Pong) -> Callable[[float], str]:
    """What there is to say of a server: how its loop keeps time, who is there, and what the network takes."""
    received = sent = 0

    def line(seconds: float) -> str:
        nonlocal received, sent
        loop, game, server = pong.loop.statistics(), pong.game.statistics(), pong.game.server.statistics()
        into, out = (server.bytes_received - received) / seconds, (server.bytes_sent - sent) / seconds
        received, sent = server.bytes_received, server.bytes_sent
        used = loop.subsystems["game"].distribution.p99
        return (
            f"{loop.rate:.1f} ticks/s, p99 {loop.lateness.p99 * 1000:.1f} ms late | "
            f"{game.players} playing, {game.spectators} watching | "
            f"{into / 1000:.1f} kB/s in, {out / 1000:.1f} kB/s out | "
            f"slice p99 {used * 1000:.2f} of {BUDGET * 1000:.0f} ms"
        )

    return line
