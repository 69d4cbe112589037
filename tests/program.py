"""A program as a process of its own, which a test waits for by what it says."""

import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
SECONDS = 30.0
"""How long a test waits for what takes a moment, on a machine that is busy."""


class Program:
    """A Python program as a process; its output is read by a thread, so that waiting for a line has a deadline.

    Args:
        arguments: Python's: `-m` and a module, or a file; and the program's own.
    """

    url: str
    """Where it serves, once it `listens`."""
    port: int

    def __init__(self, *arguments: str | Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.output = ""
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def listens(self) -> None:
        """Wait until it says where it serves."""
        self.url = self.wait_for(r"(https?|wss?)://127\.0\.0\.1:\d+/")
        self.port = int(self.url.rstrip("/").rpartition(":")[2])

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def wait_for(self, pattern: str) -> str:
        """What the next line that matches says."""
        deadline = time.monotonic() + SECONDS
        while True:
            line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            assert line is not None, f"it ended:\n{self.output}"
            self.output += line
            if match := re.search(pattern, line):
                return match[0]

    def stop(self, number: int = signal.SIGINT) -> int:
        """Interrupt it; gives its exit code once all of its output is here."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        """Its exit code, after its end."""
        code = self.process.wait(SECONDS)
        self._reader.join(SECONDS)
        while (line := self._lines.get(timeout=SECONDS)) is not None:
            self.output += line
        self._lines.put(None)
        return code

    def close(self) -> None:
        """End it, whatever it does."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()
