"""Hitch: the game blocks half a second, once. Is anything lost, and how long does it hurt?

    python -m benchmarks.hitch [--hitch 0.5] [--players 50] [--rounds 5] [--seconds 5] [--servers tickws,picows,…]
    python -m benchmarks.hitch --tls [...]

Each server in a 60 Hz loop in a process of its own, all clients in another. 50 players say a stamped input 60 times a
second each, whatever the server does. One window is calm; then the game sleeps in the middle of a tick. The second
window is the hitch and the second behind it, the third the second after that. Rounds are interleaved.

`--tls` has tickws alone, without and with TLS: there all players come by TLS 1.3. It must hold the same.

Ends with 0 where tickws holds what it promises; else with 1.
"""

from __future__ import annotations

import argparse
import sys
import time

from benchmarks import contenders
from benchmarks.bout import PERIOD, Bout
from benchmarks.contenders.window import BUDGET, WindowResult
from benchmarks.contest import MS, Cases, Contest, Gate, delays, percent
from benchmarks.report import report
from benchmarks.rounds import add_tls, hold, parse, parser

BEFORE, HITCH, AFTER = "before", "the hitch, and a second", "the second after that"
KEPT = 0.25
"""What of the hitch the loop makes up for, in seconds; the rest slips."""


def metrics(window: WindowResult) -> dict[str, float | None]:
    """Of one window."""
    return {
        "slice p50, ms": window.slice.p50 * MS,
        "slice worst, ms": window.slice.worst * MS,
        "slice CPU, worst, ms": window.slice_cpu.worst * MS,
        "preempted, times": None if window.preempted is None else float(window.preempted),
        **delays("players' delay", window.delay["player"]),
        "over a tick and 4 ms, % of inputs": percent(window.late, window.messages.get("player", 0)),
        "slipped, ms": window.slipped * MS,
    }


def play(server: str, options: argparse.Namespace) -> Cases:
    """One bout."""
    with Bout(server) as bout:
        players = bout.players(options.players)
        bout.window("before")
        time.sleep(options.seconds)
        bout.window("hitch")
        bout.hitch(options.hitch)
        time.sleep(options.hitch + 1.0)
        bout.window("after")
        time.sleep(1.0)
        result = bout.end(players)
    return {
        BEFORE: metrics(result.windows["before"]),
        HITCH: metrics(result.windows["hitch"]),
        AFTER: {**metrics(result.windows["after"]), **result.losses()},
    }


def gates(contest: Contest, server: str, options: argparse.Namespace) -> list[Gate]:
    """What tickws promises."""
    spread, suffix = contest.spread, contenders.suffix(server)
    normal = PERIOD * MS + BUDGET * MS
    delay = spread(server, AFTER, "players' delay p99, ms")
    return [
        Gate(f"inputs lost{suffix}", spread(server, AFTER, "inputs lost"), 0.0),
        Gate(f"players disconnected{suffix}", spread(server, AFTER, "players disconnected"), 0.0),
        Gate(
            f"slip counted{suffix}, ms",
            spread(server, HITCH, "slipped, ms"),
            (options.hitch - KEPT) * MS,
            at_least=True,
            why="the hitch, less the 250 ms that the loop makes up for",
        ),
        Gate(f"players' delay p99 a second later{suffix}, ms", delay, normal, why="one tick and the slice"),
    ]


def main(arguments: list[str] | None = None) -> int:
    """The program; returns its exit code."""
    made = parser("hitch", __doc__)
    made.add_argument("--hitch", type=float, default=0.5, help="seconds that the game blocks")
    made.set_defaults(players=50)
    add_tls(made)
    options = parse(made, arguments, {"players": 5})
    if options.hitch <= 2 * KEPT - PERIOD:
        made.error(f"--hitch is {2 * KEPT:g} or more: less is made up for, or nearly")
    setting = (
        f"the game blocks {options.hitch * MS:g} ms; {options.players} players at 60 Hz; a window of "
        f"{options.seconds:g} s before it, {options.rounds} rounds"
    )
    contest = hold("hitch", setting, options, ["hitch"], lambda server, case: play(server, options))
    for server in contenders.OURS:
        if server in contest.rounds:
            contest.gates.extend(gates(contest, server, options))
    return report(contest, options.json)


if __name__ == "__main__":
    sys.exit(main())
