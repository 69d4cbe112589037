"""The quick form of a benchmark, run for real; and a contest that was never held."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.contest import Contest

ROOT = Path(__file__).parent.parent.parent
SECONDS = 90.0
"""How long a program may take, on a machine that is busy with other tests."""


def program(module: str, path: Path, *arguments: str) -> tuple[dict[str, Any], str]:
    """Run a program's quick form; gives its figures and what it printed."""
    argv = [
        sys.executable,
        "-m",
        f"benchmarks.{module}",
        "--quick",
        "--seconds",
        "0.2",
        "--json",
        str(path),
        *arguments,
    ]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)
    [line] = path.read_text(encoding="utf-8").splitlines()
    figures = json.loads(line)
    assert done.returncode == (1 if figures["complaints"] else 0), done.stderr
    return figures, done.stdout


def contest(**rounds: Any) -> Contest:
    """A contest of one round."""
    return Contest(
        name="idle",
        setting="",
        machine="a machine",
        load_average=None,
        pinned=False,
        titles={loop: loop for loop in rounds},
        rounds={loop: [cases] for loop, cases in rounds.items()},
        notes=[],
    )
