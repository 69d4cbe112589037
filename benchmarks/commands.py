"""The line between a benchmark and a process of its own: commands go in, a word a line; answers come out, JSON a line.

A thread reads, so that whoever has something else to do looks for a line at no cost, and no system is left out. This is
the child's end; the parent's is `benchmarks.child.converse`.
"""

from __future__ import annotations

import io
import json
import queue
import threading
from typing import Any

__all__ = ["Commands", "Lines", "answer"]


class Lines:
    """The lines of a stream, as they come.

    Args:
        stream: unbuffered, so that a reader that is stuck in it holds no lock when the process ends.
    """

    def __init__(self, stream: io.RawIOBase) -> None:
        self._stream = stream
        self._queue: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        rest = b""
        while True:
            try:
                data = self._stream.read(1 << 16)
            except (OSError, ValueError):  # closed
                data = b""
            if not data:
                self._queue.put(None)
                return
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                self._queue.put(line.decode())

    def next(self, timeout: float | None = 0.0) -> str | None:
        """The next line; None behind the last one.

        Raises:
            TimeoutError: none came in `timeout` seconds.
        """
        try:
            return self._queue.get(timeout=timeout) if timeout else self._queue.get_nowait()
        except queue.Empty:
            raise TimeoutError("no line came") from None

    @property
    def empty(self) -> bool:
        """Whether there is nothing to take now."""
        return self._queue.empty()


class Commands:
    """What the parent says on standard input."""

    def __init__(self) -> None:
        self._lines = Lines(open(0, "rb", buffering=0, closefd=False))  # noqa: SIM115 (closed by nobody: it is stdin)

    def next(self) -> list[str] | None:
        """The words of the next command; None where there is none now. A parent that is gone says "end"."""
        if self._lines.empty:
            return None
        line = self._lines.next()
        return ["end"] if line is None else line.split()


def answer(row: dict[str, Any]) -> None:
    """Tell the parent."""
    print(json.dumps(row), flush=True)
