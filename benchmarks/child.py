"""A second process beside the server's, which tells what it saw in one line of JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.process import pin

__all__ = ["answer", "start"]


@contextmanager
def start(module: str, options: Mapping[str, object], cpu: int | None = None) -> Iterator[subprocess.Popen[str]]:
    """Run `python -m module` with these options; if it still runs at the end of the block, it is ended.

    Args:
        cpu: the CPU that it is to run on.
    """
    words = [str(word) for option in options.items() for word in option]
    argv = [sys.executable, "-m", module, *words]
    with subprocess.Popen(argv, cwd=Path(__file__).parent.parent, stdout=subprocess.PIPE, text=True) as process:
        try:
            if cpu is not None:
                pin(process.pid, cpu)
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def answer(process: subprocess.Popen[str], timeout: float) -> dict[str, Any] | None:
    """Wait for its end; gives what it says, None where it failed or takes longer than `timeout` seconds."""
    try:
        said: dict[str, Any] = json.loads(process.communicate(timeout=timeout)[0])
    except (subprocess.TimeoutExpired, ValueError):
        return None
    return said
