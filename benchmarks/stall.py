"""Stall: do players notice that others stop reading, and does the server's memory?

    python -m benchmarks.stall [--stallers 1,10,20] [--players 50] [--rounds 5] [--seconds 5] [--servers …]
    python -m benchmarks.stall --compression [...]
    python -m benchmarks.stall --tls [...]

Each server in a 60 Hz loop in a process of its own, all clients in another. 50 players say a stamped input 60 times a
second each, and 20 times a second the game broadcasts a snapshot of 200 entities, 4.8 kB. In one window all read; in
the next some read no more, but go on to speak. The kernel holds as much as it does at the end of a line, not the
megabytes that it keeps between two sockets of one machine. Rounds are interleaved. The delays are those of the players
who go on to read.

`--compression` has tickws alone, without and with permessage-deflate: players compress all that they say, and snapshots
are compressed. It must be no worse by more than the compression itself (`benchmarks.deflating` has the rule).

`--tls` has tickws alone, without and with TLS: there all clients come by TLS 1.3. It must hold the same.

Ends with 0 where tickws holds what it promises; else with 1.
"""

from __future__ import annotations

import argparse
import sys
import time

from benchmarks import contenders, deflating
from benchmarks.bout import Bout
from benchmarks.contenders.window import WindowResult
from benchmarks.contest import MS, Cases, Contest, Gate, delays, percent
from benchmarks.guests.players import kinds
from benchmarks.payloads import Kind
from benchmarks.report import report
from benchmarks.rounds import add_compression, add_tls, hold, parse, parser

ENTITIES = 200
SEND_BUFFER = 64 * 1024
"""Bytes in the kernel for each connection: what Linux begins with on an Ethernet."""
KIB, MIB = 1024, 1024 * 1024
FLAT_KIB = 1024
"""What memory may grow, for all and whatever the time: the heap's own ups and downs."""
FLAT_KIB_EACH = 64
"""And for each who does not read: what is committed to its stream at once (`Limits.slice_bytes`)."""
NOISE_MS = 1.0
"""By so much a p99 may be above the spread of those before, as rounds are few."""
COMPARED = ("slice p50, ms", "the others' delay p50, ms", "the others' delay p99, ms", "CPU, %")
"""With compression and without."""


def stall_cases(stallers: int) -> tuple[str, str]:
    """The names of before and during."""
    return f"before {stallers}", "1 reads no more" if stallers == 1 else f"{stallers} read no more"


def metrics(window: WindowResult, itself: deflating.Itself | None) -> dict[str, float | None]:
    """Of one window."""
    return {
        "slice p50, ms": window.slice.p50 * MS,
        "slice p99.9, ms": window.slice.p999 * MS,
        "slice CPU p99.9, ms": window.slice_cpu.p999 * MS,
        "preempted, times": None if window.preempted is None else float(window.preempted),
        "slices over 5 ms, %": percent(window.overruns, window.frames),
        **delays("the others' delay", window.delay["player"]),
        "over a tick and 4 ms, % of inputs": percent(window.late, window.messages.get("player", 0)),
        "frames a second": window.frames / window.seconds,
        "memory grown, KiB": (window.resident_end - window.resident_begin) / KIB,
        "CPU, %": percent(window.cpu_seconds, window.seconds),
        **(itself.metrics(window) if itself else {}),
    }


def play(server: str, stallers: int, options: argparse.Namespace) -> Cases:
    """One bout."""
    before, stalled = stall_cases(stallers)
    itself = deflating.itself(server, entities=ENTITIES)
    with Bout(server, entities=ENTITIES, send_buffer=SEND_BUFFER) as bout:
        players = bout.players(options.players, stallers=stallers)
        bout.window(before)
        time.sleep(options.seconds)
        players.tell("stall")
        bout.window(stalled)
        time.sleep(options.seconds)
        result = bout.end(players)
    first, second = result.windows[before], result.windows[stalled]
    reading = [name for name, kind in enumerate(kinds(options.players, stallers)) if kind == Kind.PLAYER]
    others = [name for name in reading if str(name) in result.players["lost"]]
    return {
        before: metrics(first, itself),
        stalled: {
            **metrics(second, itself),
            "memory at its peak, MiB": second.resident_peak / MIB,
            "thrown out": float(result.disconnected - len(others)),
            "others disconnected": float(len(others)),
            "others' inputs lost": float(result.lost_of(reading)),
        },
    }


def gates(contest: Contest, server: str, options: argparse.Namespace) -> list[Gate]:
    """What tickws promises."""
    found = []
    suffix = contenders.suffix(server)
    for stallers in options.stallers:
        before, stalled = stall_cases(stallers)
        calm = contest.spread(server, before, "the others' delay p99, ms")
        flat = FLAT_KIB + FLAT_KIB_EACH * stallers
        bounds = [
            ("the others' delay p99, ms", (calm.high if calm else 0.0) + NOISE_MS, "the highest before, and 1 ms"),
            ("memory grown, KiB", float(flat), f"{FLAT_KIB} for all, {FLAT_KIB_EACH} each"),
            ("others disconnected", 0.0, ""),
            ("others' inputs lost", 0.0, ""),
        ]
        found += [
            Gate(f"{stalled}{suffix}: {metric}", contest.spread(server, stalled, metric), bound, why=why)
            for metric, bound, why in bounds
        ]
    return found


def main(arguments: list[str] | None = None) -> int:
    """The program; returns its exit code."""
    made = parser("stall", __doc__)
    made.add_argument("--stallers", default="1,10,20", help="how many stop reading, with commas")
    add_compression(made)
    add_tls(made)
    made.set_defaults(players=50)
    options = parse(made, arguments, {"stallers": "2", "players": 6})
    options.stallers = [int(count) for count in options.stallers.split(",")]
    if max(options.stallers) >= options.players:
        made.error("some of the players must go on to read")
    setting = (
        f"{options.players} players at 60 Hz, 20 snapshots a second of {ENTITIES} entities, windows of "
        f"{options.seconds:g} s, {options.rounds} rounds"
    )
    cases = [str(count) for count in options.stallers]
    contest = hold("stall", setting, options, cases, lambda server, case: play(server, int(case), options))
    for server in contenders.OURS:
        if server in contest.rounds:
            contest.gates.extend(gates(contest, server, options))
    if contenders.DEFLATE in contest.rounds:
        for case in [name for stallers in options.stallers for name in stall_cases(stallers)]:
            contest.gates.extend(deflating.verdict(contest, case, COMPARED))
    return report(contest, options.json)


if __name__ == "__main__":
    sys.exit(main())
