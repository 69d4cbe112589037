"""The Autobahn|Testsuite against tickws, both ends: `python -m tests.conformance`, or `python dev.py conformance`.

Ends with 0 where every case passed strictly (see `judging.py`), with 1 where one did not, with 2 where the suite cannot
be set up, an argument or expected.toml is wrong, or the runner broke.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.conformance.cases import COMPRESSED, NoSuchCase, select
from tests.conformance.expected import BadExpectation, Exemption, load
from tests.conformance.judging import Kind, Verdict, judge
from tests.conformance.set_up import CannotSetUp, prepare
from tests.conformance.shares import Campaign, run
from tests.conformance.suite import Suite

QUICK_MESSAGES = 50
STALL_SECONDS = 500.0
INTERRUPTED = 130


@dataclass(frozen=True)
class Row:
    """One line of the table: an end of ours, and how it compresses."""

    side: str
    compression: str

    def __str__(self) -> str:
        words = {"off": "no compression", "default": "no context takeover", "takeover": "context takeover"}
        return f"{self.side}, {words[self.compression]}"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="python dev.py conformance",
        description="Run the Autobahn|Testsuite against tickws: its fuzzing client against WebSocketServer, its "
        "fuzzing server against WebSocketClient, each without and with context takeover. Strict: NON-STRICT fails.",
    )
    made.add_argument("patterns", nargs="*", metavar="CASE", help="ids or patterns, as 7.9.* or 12.1.3; else all")
    made.add_argument(
        "--quick", action="store_true", help=f"{QUICK_MESSAGES} messages a case of 12.x and 13.x, not 1000"
    )
    made.add_argument("--server", action="store_true", help="WebSocketServer only")
    made.add_argument("--client", action="store_true", help="WebSocketClient only")
    made.add_argument("--compression", choices=["default", "takeover"], help="one of the two only")
    made.add_argument(
        "--no-compression", action="store_true", help="with compression off, and so without 12.x and 13.x"
    )
    made.add_argument("--jobs", type=int, default=2, metavar="N", help="processes of the suite at once (default: 2)")
    made.add_argument("--stall", type=float, default=STALL_SECONDS, metavar="SECONDS", help=argparse.SUPPRESS)
    made.add_argument("--keep", metavar="FOLDER", help="a new folder for the suite's reports and logs")
    return made


def rows(options: argparse.Namespace) -> list[Row]:
    """What is to be run."""
    sides = [side for side in ("server", "client") if getattr(options, side)] or ["server", "client"]
    ways = [options.compression] if options.compression else ["default", "takeover"]
    if options.no_compression:
        ways = ["off"]
    return [Row(side, way) for side in sides for way in ways]


def main(arguments: Sequence[str]) -> int:
    """Run one command line; returns the exit code."""
    options = parser().parse_args(arguments)
    if options.jobs < 1 or (options.no_compression and options.compression):
        parser().error("--jobs is at least 1; --no-compression and --compression exclude each other")
    try:
        exemptions = load()
        suite = prepare()
        without = COMPRESSED if options.no_compression else ()
        cases = select(suite.cases, options.patterns, without)
        if not cases:
            raise NoSuchCase("no case is left to run")
    except (BadExpectation, CannotSetUp, NoSuchCase) as error:
        print(f"conformance: CANNOT RUN: {error}", file=sys.stderr)
        return 2
    folder = Path(options.keep or tempfile.mkdtemp(prefix="tickws-conformance-")).absolute()
    try:
        good = run_all(options, suite, cases, exemptions, folder)
    except KeyboardInterrupt:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    if good and not options.keep:
        shutil.rmtree(folder)
    else:
        print(f"the suite's reports: {folder}")
    return 0 if good else 1


def run_all(
    options: argparse.Namespace, suite: Suite, cases: Sequence[str], exemptions: Sequence[Exemption], folder: Path
) -> bool:
    """Run the rows, print the table as it grows, then what failed; whether all is good."""
    messages = QUICK_MESSAGES if options.quick else 0
    print(f"{len(cases)} cases{f', {messages} messages in those of 12.x and 13.x' if messages else ''}")
    print(f"{'':32}" + "".join(f"{kind.value:>15}" for kind in Kind) + f"{'seconds':>10}", flush=True)
    verdicts: dict[Row, Verdict] = {}
    for row in rows(options):
        program = (f"tests.conformance.echo_{row.side}", row.compression)
        place = folder / f"{row.side}-{row.compression}"
        began = time.monotonic()
        results = run(Campaign(suite, row.side, cases, program, messages, options.jobs, options.stall, place))
        seconds = time.monotonic() - began
        own = [exemption for exemption in exemptions if exemption.side == row.side]
        verdicts[row] = verdict = judge(cases, results, own, suite.cases)
        counts = "".join(f"{verdict.counts[kind]:15}" for kind in Kind)
        print(f"{row!s:32}{counts}{seconds:10.1f}", flush=True)
    print()
    for row, verdict in verdicts.items():
        for result in verdict.failed:
            print(f"FAILED   {row}: {result}")
        for result in verdict.excused:
            print(f"excused  {row}: {result}")
        for exemption in verdict.idle:
            print(f"FAILED   {row}: expected.toml excuses {exemption}, which passed or is no case: take it out")
    good = all(verdict.good for verdict in verdicts.values())
    print("conformance: PASS" if good else "conformance: FAIL")
    return good


def terminated(*_: object) -> None:
    """Ends as by Ctrl-C, so that what was started is ended too."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # close reasons hold anything
    signal.signal(signal.SIGTERM, terminated)
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Exception:
        traceback.print_exc()
        print("conformance: the runner broke")
        sys.exit(2)  # never to be taken for a finding
