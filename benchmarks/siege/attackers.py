"""A thousand attackers.

    python -m benchmarks.siege.attackers --port P --attackers N [--kinds slow-http,...] [--secure-port P --authority F]

takes commands, and answers each with one line of JSON, what each kind has done since the beginning:

    go          they come, and come again
    report      nothing
    stop        they hang up, all at once, with an RST

The process is nice: where it shares a CPU with those who measure, it waits for them. What it did is what is reported,
not what it wanted to do.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import asdict
from time import perf_counter_ns
from typing import Any

from benchmarks.commands import Commands, answer
from benchmarks.loadgen import SLOT_SECONDS
from benchmarks.process import Usage, raise_descriptors
from benchmarks.secure import trusting
from benchmarks.siege.attacks import share_out
from benchmarks.siege.crowd import Crowd, Doors
from tickws.clock import NANOSECONDS

__all__ = ["main"]

NICENESS = 5


def report(crowd: Crowd) -> dict[str, Any]:
    """What they have done."""
    return {
        "at": perf_counter_ns(),
        "kinds": {name: asdict(tally) for name, tally in crowd.tallies.items()},
        "late_seconds": crowd.late / NANOSECONDS,
        "cpu_seconds": Usage.now().cpu_seconds,
    }


def main(arguments: list[str] | None = None) -> int:
    """The program."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.siege.attackers", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--attackers", type=int, required=True, help="of all kinds, also of those that are left out")
    parser.add_argument("--kinds", default="", help="with commas; all, unless told")
    parser.add_argument("--secure-port", type=int, help="where TLS is spoken")
    parser.add_argument("--authority", default="", help="a PEM file: what they trust")
    options = parser.parse_args(arguments)
    raise_descriptors()
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    counts = share_out(options.attackers)
    wanted = options.kinds.split(",") if options.kinds else list(counts)
    context = trusting(options.authority) if options.authority else None
    crowd = Crowd(Doors(options.port, options.secure_port, context), {name: counts[name] for name in wanted})
    commands = Commands()
    while (words := commands.next()) != ["end"]:
        if words is not None:
            if words[0] == "go":
                crowd.late = 0
                crowd.go()
            elif words[0] == "stop":
                crowd.stop()
            answer(report(crowd))
        crowd.turn()
        time.sleep(SLOT_SECONDS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
