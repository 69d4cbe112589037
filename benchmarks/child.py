"""A second process beside the benchmark's own: one that tells what it saw at its end, or one that can be talked to."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from benchmarks.commands import Lines
from benchmarks.process import pin

__all__ = ["Failed", "Talk", "answer", "converse", "start"]

ROOT = Path(__file__).parent.parent
GOING_SECONDS = 5.0
"""How long a process that was told to end may take, before it is killed."""


class Failed(Exception):
    """The process is gone, or says nothing."""


def _argv(module: str, options: Mapping[str, object]) -> list[str]:
    words = [str(word) for option in options.items() for word in option]
    return [sys.executable, "-m", module, *words]


@contextmanager
def start(module: str, options: Mapping[str, object], cpu: int | None = None) -> Iterator[subprocess.Popen[str]]:
    """Run `python -m module` with these options; if it still runs at the end of the block, it is ended.

    Args:
        cpu: the CPU that it is to run on.
    """
    with subprocess.Popen(_argv(module, options), cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
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


class Talk:
    """A process that is told what to do, and answers."""

    def __init__(self, name: str, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._name = name
        self._stdin = process.stdin
        self._lines = Lines(cast(Any, process.stdout))  # bufsize=0: it is raw

    def tell(self, *words: object) -> None:
        """Give a command."""
        try:
            self._stdin.write(" ".join(map(str, words)).encode() + b"\n")
        except OSError as error:
            raise Failed(f"{self._name} is gone") from error

    def hear(self, timeout: float) -> dict[str, Any]:
        """Wait for the next answer, at most so many seconds.

        Raises:
            Failed: there is none.
        """
        try:
            line = self._lines.next(timeout)
        except TimeoutError as error:
            raise Failed(f"{self._name} did not answer within {timeout:g} s") from error
        if line is None:
            raise Failed(f"{self._name} is gone")
        said: dict[str, Any] = json.loads(line)
        return said

    def ask(self, *words: object, timeout: float) -> dict[str, Any]:
        """Give a command, and wait for its answer."""
        self.tell(*words)
        return self.hear(timeout)


@contextmanager
def converse(module: str, options: Mapping[str, object], cpu: int | None = None) -> Iterator[Talk]:
    """Run `python -m module` and talk to it; it is told that the talk is over at the end of the block, and then ended.

    Args:
        cpu: the CPU that it is to run on.
    """
    pipe = subprocess.PIPE
    with subprocess.Popen(_argv(module, options), cwd=ROOT, stdin=pipe, stdout=pipe, bufsize=0) as process:
        try:
            if cpu is not None:
                pin(process.pid, cpu)
            yield Talk(module, process)
        finally:
            if process.stdin is not None:
                process.stdin.close()
            try:
                process.wait(GOING_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
