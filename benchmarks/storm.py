"""Storm: thousands connect as fast as they can. Do those who play notice, and how long until all are in?

    python -m benchmarks.storm [--clients 2000] [--flight 500] [--players 50] [--rounds 5] [--seconds 5] [--servers …]
    python -m benchmarks.storm --tls [...]

Each server in a 60 Hz loop in a process of its own, the players in a second, the many in a third. 50 players say a
stamped input 60 times a second each and get snapshots. One window is calm; then the many connect, 500 on their way at a
time, and are silent once they are in: nobody who has said nothing gets snapshots. The second window lasts until all are
in, or turned away, or patience is out; the third is calm again, with all of them there. Rounds are interleaved.

`--tls` has tickws alone, without and with TLS: there all come by TLS 1.3, each with a full handshake. It must hold the
same; all in are they later by what the handshakes take.

Ends with 0 where tickws holds what it promises, with 2 where this machine does not allow so many sockets; else with 1.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

from benchmarks import contenders
from benchmarks.bout import PERIOD, READY_SECONDS, Bout
from benchmarks.child import Failed, Talk
from benchmarks.contenders.window import BUDGET, WindowResult
from benchmarks.contest import MS, Cases, Contest, Gate, delays, percent
from benchmarks.process import raise_descriptors
from benchmarks.report import report
from benchmarks.rounds import add_tls, hold, parse, parser

BEFORE, STORM, FULL = "before", "while they connect", "all in"
SPARE = 200
"""Descriptors that a process needs besides: those of the players, and tickws' own reserve of 64."""


def metrics(window: WindowResult) -> dict[str, float | None]:
    """Of one window."""
    return {
        "slice p50, ms": window.slice.p50 * MS,
        "slice p99.9, ms": window.slice.p999 * MS,
        "slice CPU p99.9, ms": window.slice_cpu.p999 * MS,
        "preempted, times": None if window.preempted is None else float(window.preempted),
        "slices over 5 ms, %": percent(window.overruns, window.frames),
        "slice worst, ms": window.slice.worst * MS,
        **delays("players' delay", window.delay["player"]),
        "over a tick and 4 ms, % of inputs": percent(window.late, window.messages.get("player", 0)),
        "missed the first frame, % of inputs": percent(window.missed, window.messages.get("player", 0)),
        "frames a second": window.frames / window.seconds,
        "CPU, %": percent(window.cpu_seconds, window.seconds),
    }


def connect(crowd: Talk, patience: float) -> dict[str, Any]:
    """Let them come; gives what they say when all are in or out, or patience is."""
    crowd.tell("go")
    try:
        return crowd.hear(patience)
    except Failed:
        return crowd.ask("report", timeout=READY_SECONDS)


def play(server: str, options: argparse.Namespace) -> Cases:
    """One bout."""
    with Bout(server) as bout:
        players = bout.players(options.players)
        crowd = bout.guests("connectors", {"--clients": options.clients, "--flight": options.flight})
        bout.window("before")
        time.sleep(options.seconds)
        bout.window("storm")
        came = connect(crowd, options.patience)
        bout.window("full")
        time.sleep(options.seconds)
        result = bout.end(players)
    opening = sorted(came["opening"])
    everybody = came["in"] == options.clients
    storm = result.windows["storm"]
    return {
        BEFORE: metrics(result.windows["before"]),
        STORM: {
            **metrics(storm),
            "all in, s": came["seconds"] if everybody else None,
            "in": float(came["in"]),
            "in, a second": came["in"] / came["seconds"] if came["seconds"] else None,
            "one's way in p50, ms": opening[len(opening) // 2] * MS,
            "one's way in, worst, ms": opening[-1] * MS,
            "memory of a client, KiB": (storm.resident_end - storm.resident_begin) / 1024 / came["in"]
            if came["in"]
            else None,
        },
        FULL: {**metrics(result.windows["full"]), **result.losses()},
    }


def gates(contest: Contest, server: str, options: argparse.Namespace) -> list[Gate]:
    """What tickws promises."""
    spread, suffix = contest.spread, contenders.suffix(server)
    normal = PERIOD * MS + BUDGET * MS
    found = [
        Gate(
            f"{case}{suffix}: players' delay p99, ms",
            spread(server, case, "players' delay p99, ms"),
            normal,
            why="one tick and the slice",
        )
        for case in (STORM, FULL)
    ]
    return [
        *found,
        Gate(f"clients in{suffix}", spread(server, STORM, "in"), float(options.clients), at_least=True),
        Gate(f"inputs lost{suffix}", spread(server, FULL, "inputs lost"), 0.0),
        Gate(f"players disconnected{suffix}", spread(server, FULL, "players disconnected"), 0.0),
    ]


def main(arguments: list[str] | None = None) -> int:
    """The program; returns its exit code."""
    made = parser("storm", __doc__)
    made.add_argument("--clients", type=int, default=2000)
    made.add_argument("--flight", type=int, default=500, help="how many are on their way at a time")
    made.add_argument("--patience", type=float, default=30.0, help="seconds after which the storm is over")
    made.set_defaults(players=50)
    add_tls(made)
    options = parse(made, arguments, {"clients": 50, "flight": 20, "players": 5})
    if min(options.clients, options.flight, options.patience) <= 0:
        made.error("--clients, --flight and --patience are above zero")
    may = raise_descriptors()
    needed = options.clients + options.players + SPARE
    if may is not None and may < needed:
        print(
            f"SKIPPED: each process needs {needed} descriptors, and may open {may}. Raise the hard limit (ulimit -Hn "
            f"{needed}; LimitNOFILE= of a systemd unit; --ulimit nofile={needed} of a container), or say --clients N.",
            file=sys.stderr,
        )
        return 2
    setting = (
        f"{options.clients} connect while {options.players} play at 60 Hz; windows of {options.seconds:g} s, "
        f"{options.rounds} rounds"
    )
    contest = hold("storm", setting, options, ["storm"], lambda server, case: play(server, options))
    for server in contenders.OURS:
        if server in contest.rounds:
            contest.gates.extend(gates(contest, server, options))
    return report(contest, options.json)


if __name__ == "__main__":
    sys.exit(main())
