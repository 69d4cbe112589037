"""Fuzzes the parsers that peers reach: `python dev.py fuzz [TARGET ...] [--seconds 60]`, all where none is named.

Each target runs in a process of its own. What it finds worth keeping goes to the cache folder, and is where the next
run begins, beside the committed seeds. `python -m tests.fuzz TARGET FILE ...` runs a target on those inputs alone, and
needs no atheris. Ends with 1 where there is a finding, with 2 where it could not begin.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import traceback
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS

__all__ = ["Result", "main", "read_log"]

ROOT = Path(__file__).resolve().parents[2]
INSTALL = "fuzzing needs atheris (Linux, CPython 3.11 to 3.13), which is not installed: pip install 'atheris>=2.3'"
INPUT_SECONDS = 60
"""An input that takes longer is a finding. (By the clock on the wall: a busy machine may stand still for a while.)"""
MEMORY_MIB = 1024
"""So is one that takes more."""

PROGRESS = re.compile(r"^#(\d+)\t.*\bcov: (\d+) ft: (\d+) corp: (\d+)", re.MULTILINE)
STATISTIC = re.compile(r"^stat::(\w+):\s+(\d+)", re.MULTILINE)
UNCAUGHT = re.compile(r"=== Uncaught Python exception: ===\n(.*?)\n==", re.DOTALL)
LINE = 300
"""Characters of a line of a traceback: what an assertion says may hold a whole message."""
COLUMNS = "{:<10}{:>12}{:>10}{:>8}{:>10}{:>8}  {:<20}{:>8}"


@dataclass(frozen=True)
class Result:
    """What libFuzzer's log tells of one run."""

    runs: int = 0
    edges: int = 0
    features: int = 0
    inputs: int = 0
    runs_a_second: int = 0
    error: str = ""


def read_log(log: str) -> Result:
    """The last figures in a log, whether or not the run came to its end."""
    lines = [tuple(map(int, line)) for line in PROGRESS.findall(log)]
    runs, edges, features, inputs = lines[-1] if lines else (0, 0, 0, 0)
    statistics = {name: int(value) for name, value in STATISTIC.findall(log)}
    uncaught = UNCAUGHT.search(log)
    return Result(
        statistics.get("number_of_executed_units", runs),
        edges,
        features,
        inputs,
        statistics.get("average_exec_per_sec", 0),
        uncaught[1].strip() if uncaught else "",
    )


def main(arguments: list[str]) -> int:
    """Fuzz, or replay; returns the exit code."""
    parser = argparse.ArgumentParser("python -m tests.fuzz", description="Fuzz the parsers that peers reach.")
    parser.add_argument("what", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}; or TARGET FILE ...")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (default: 60)")
    parser.add_argument("--missing", action="store_true", help="tell which branches the corpus does not take")
    parser.add_argument("--cache", type=Path, default=ROOT / ".fuzz", help="folder for what is found (default: .fuzz)")
    options = parser.parse_args(arguments)
    names = [what for what in options.what if what in TARGETS]
    others = [what for what in options.what if what not in TARGETS]
    missing = [other for other in others if not Path(other).is_file()]
    if missing:
        parser.error(f"{missing[0]} is no target ({', '.join(TARGETS)}) and no file")
    if others and len(names) != 1:
        parser.error("files are replayed by one target: TARGET FILE ...")
    if others:
        return replay(TARGETS[names[0]], [Path(other) for other in others])
    if find_spec("atheris") is None:
        print(INSTALL, file=sys.stderr)
        return 2
    print(COLUMNS.format("target", "runs", "a second", "edges", "features", "inputs", "branches", "findings"))
    findings = 0
    for name in names or TARGETS:
        findings += fuzz(TARGETS[name], options.seconds, options.cache.resolve() / name, missing=options.missing)
    return 1 if findings else 0


def replay(target: Target, files: list[Path]) -> int:
    """Run a target on some inputs; 1 where one of them is a finding."""
    code = 0
    for path in files:
        try:
            target.run(path.read_bytes())
        except Exception:
            traceback.print_exc()
            code = 1
        print(f"{path}: {'FINDING' if code else 'nothing found'}", flush=True)
    return code


def fuzz(target: Target, seconds: int, folder: Path, *, missing: bool) -> int:
    """Fuzz one target and print its row; how many findings there are."""
    corpus, findings, log = folder / "corpus", folder / "findings", folder / "log.txt"
    corpus.mkdir(parents=True, exist_ok=True)
    findings.mkdir(exist_ok=True)
    before = set(findings.iterdir())
    command = [
        *(sys.executable, "-m", "tests.fuzz.engine", target.name, ",".join(target.packages)),
        f"-max_total_time={seconds}",
        f"-max_len={target.most_bytes}",
        f"-timeout={INPUT_SECONDS}",
        f"-rss_limit_mb={MEMORY_MIB}",
        f"-artifact_prefix={findings}/",
        "-print_final_stats=1",
        *([f"-dict={target.dictionary}"] if target.dictionary.exists() else []),
        *map(str, (corpus, target.seeds)),
    ]
    with log.open("wb") as out:
        code = subprocess.run(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, check=False).returncode
    result = read_log(log.read_text(encoding="utf-8", errors="replace"))
    found = sorted(set(findings.iterdir()) - before)
    branches, left_out = measure(target, [corpus, target.seeds])
    print(
        COLUMNS.format(
            target.name,
            f"{result.runs:,}",
            f"{result.runs_a_second:,}",
            result.edges,
            result.features,
            result.inputs,
            branches,
            len(found),
        ),
        flush=True,
    )
    for line in result.error.splitlines():
        print(line[:LINE])
    for path in found:
        print(f"saved: {path}\nreplay: python -m tests.fuzz {target.name} {path}")
    if code and not found:
        print(f"ended with {code}: see {log}")
    if missing:
        print(left_out)
    return len(found) or int(code != 0)


def measure(target: Target, folders: list[Path]) -> tuple[str, str]:
    """The branches of the target's files that the corpus takes, and those that it does not."""
    command = [sys.executable, "-m", "tests.fuzz.measure", target.name, ",".join(target.files), *map(str, folders)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        return "?", done.stderr
    told = json.loads(done.stdout)
    left_out = [
        f"    {file}: {', '.join(f'{line}->{to}' for line, to in branches)}"
        for file, branches in told["missing"].items()
        if branches
    ]
    return f"{told['taken']}/{told['branches']} ({100 * told['taken'] / told['branches']:.1f} %)", "\n".join(left_out)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
