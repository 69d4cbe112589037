"""One process of the suite, and what it tells line by line."""

from __future__ import annotations

import json
import os
import select
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from tests.conformance.suite import Suite

__all__ = ["AGENT", "Line", "Mode", "Wstest"]

AGENT = "tickws"
Mode = Literal["fuzzingclient", "fuzzingserver"]
Line = dict[str, Any]
"""What boot.py tells: `start` or `refused` with a case, `result` with its fields, `listening` with a port."""

ENDING_SECONDS = 10.0
LAST_BYTES = 2000


class Wstest:
    """A fuzzing client or server with some cases; leaving the `with` ends it.

    Args:
        suite: what it is of.
        mode: which of the two.
        cases: ids.
        messages: how many each case of 12.x and 13.x sends; 0: as many as upstream.
        folder: new; gets its specification, its log, and the suite's own reports.
        url: of the server under test, for a fuzzing client.
    """

    def __init__(
        self, suite: Suite, mode: Mode, cases: Sequence[str], messages: int, folder: Path, url: str = ""
    ) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._lines = b""
        specification: dict[str, Any] = {"outdir": str(folder / "reports"), "options": {}, "cases": list(cases)}
        if mode == "fuzzingclient":
            specification["servers"] = [{"agent": AGENT, "url": url}]
        else:
            specification["url"] = "ws://127.0.0.1:9001"  # boot.py listens at a free port instead
        file = folder / "specification.json"
        file.write_text(json.dumps(specification), encoding="utf-8")
        self._pipe, lines = os.pipe()
        try:
            with open(folder / "wstest.log", "w", encoding="utf-8") as log:
                self.process = suite.boot([mode, str(file), str(messages)], log, lines)
        except BaseException:
            os.close(self._pipe)
            raise
        finally:
            os.close(lines)

    def line(self, seconds: float) -> Line | None:
        """The next line; None where none comes within that time.

        Raises:
            EOFError: the process has ended, and all of its lines were given.
        """
        deadline = time.monotonic() + seconds
        while b"\n" not in self._lines:
            if not select.select([self._pipe], [], [], max(0.0, deadline - time.monotonic()))[0]:
                return None
            part = os.read(self._pipe, 65536)
            if not part:
                raise EOFError(f"wstest has ended, exit code {self.process.wait()}")
            self._lines += part
        line, _, self._lines = self._lines.partition(b"\n")
        told: Line = json.loads(line)
        return told

    def reported(self) -> dict[str, tuple[str, str]]:
        """Case to behavior and behavior when closing, as the suite's own report has it; empty where it wrote none."""
        index = self._folder / "reports" / "index.json"
        if not index.exists():
            return {}
        cases = json.loads(index.read_text(encoding="utf-8")).get(AGENT, {})
        return {case: (report["behavior"], report["behaviorClose"]) for case, report in cases.items()}

    def last_words(self) -> str:
        """The end of what it printed."""
        return (self._folder / "wstest.log").read_text(encoding="utf-8", errors="replace")[-LAST_BYTES:]

    def close(self) -> None:
        """End it, whatever it does."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(ENDING_SECONDS)
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1

    def __enter__(self) -> Wstest:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
