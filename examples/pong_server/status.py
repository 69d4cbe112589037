"""What the terminal shows of the loop. Here belongs the status line, and nothing that the loop needs to run."""

import shutil
from typing import TextIO

import tickws


class Status:
    """Says how the loop fares: twice a second in one line of the terminal; every 10 seconds in a file or a pipe."""

    def __init__(self, server: tickws.WebSocketServer, clock: tickws.Clock, output: TextIO) -> None:
        self._server = server
        self._clock = clock
        self._output = output
        self._in_place = output.isatty()
        self._period = 0.5 if self._in_place else 10.0
        self._since = clock.now()
        self._frames = self._received = self._sent = 0

    def frame(self) -> None:
        """One frame more; says something when it is time to."""
        self._frames += 1
        seconds = self._clock.now() - self._since
        if seconds < self._period:
            return
        seen = self._server.statistics()
        line = (
            f"{self._frames / seconds:.1f} frames/s | {seen.open} connected | messages/s "
            f"{(seen.messages_received - self._received) / seconds:.0f} in, "
            f"{(seen.messages_sent - self._sent) / seconds:.0f} out | "
            f"slice p99 {seen.slice.p99 * 1000:.2f} ms"
        )
        self._since += seconds
        self._frames, self._received, self._sent = 0, seen.messages_received, seen.messages_sent
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
