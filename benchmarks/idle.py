"""Idle: what does a server cost that has nothing to do?

    python -m benchmarks.idle [--clients 1000] [--seconds 20] [--rounds 3] [--spread 20] [--loops tickws,picows,...]

A loop turns 60 times a second in a process of its own. In a second one 1,000 clients, which came in over 20 s, say
nothing and answer pings. Each server has its own pings: tickws after 20 s of silence, `websockets` every 20 s,
`picows` has none unless told. tickws and its peers are called once a turn by a plain loop on `time.sleep`; beside them
there are `WebSocketServer` on a `TickLoop`, and a `work(0.020)` that waits for input instead of the clock; and, with
nobody connected, the plain loop and an empty `TickLoop`: what the machine takes for waking 60 times a second. CPU is
all threads of the loop's process.

Ends with 0 where tickws in the plain loop takes less than 1 % of a core, with all clients and with none, keeps every
client, and never polls in vain; else with 1.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks import contenders
from benchmarks.bare.host import STEPPED
from benchmarks.bare.runs import Measured, Metrics, host, measure, note, options, rounds
from benchmarks.bout import READY_SECONDS, cpus
from benchmarks.child import Failed, converse
from benchmarks.contest import Contest, Gate
from benchmarks.report import report

MOST_CPU = 1.0
"""Per cent of a core."""
NOBODY = "nobody connected"
TITLES = {
    "sleep": "time.sleep",
    "bare": "tickws",
    "loop": "TickLoop alone",
    "tickws": "tickws on a TickLoop",
    "work": "tickws, work(0.020)",
}
PEERS = ("picows", "websockets")
"""SimpleWebSocketServer waits in select(), which takes no thousand clients."""


def metrics(measured: Measured) -> Metrics:
    """Of one run."""
    mark = measured.host

    def each_second(count: int | None) -> float | None:
        return None if count is None else count / mark.seconds

    return {
        **measured.usage(),
        "polls a second": each_second(mark.polls),
        "empty polls": None if mark.empty_polls is None else float(mark.empty_polls),
        "memory, MB": None if mark.resident_bytes is None else mark.resident_bytes / 1e6,
    }


def run(kind: str, clients: int, parsed: argparse.Namespace) -> Metrics:
    """One loop, with so many clients.

    Raises:
        Failed: one of them did not get in.
    """
    with host(kind) as (loop, port):
        if not clients:
            return metrics(measure(loop, parsed.seconds))
        bare = loop.ask("mark", timeout=READY_SECONDS)["resident_bytes"]
        words = {"--port": port, "--clients": clients, "--spread": parsed.spread}
        with converse("benchmarks.bare.silent", words, cpus()[1]) as crowd:
            inside = crowd.hear(READY_SECONDS + parsed.spread)["open"]
            if inside < clients:
                raise Failed(f"{inside} of {clients} clients got in")
            full = loop.ask("mark", timeout=READY_SECONDS)["resident_bytes"]
            measured = measure(loop, parsed.seconds)
            said = crowd.ask("end", timeout=READY_SECONDS)
    each = None if bare is None or full is None else (full - bare) / clients / 1e3
    return {
        **metrics(measured),
        "memory of a connection, kB": each,
        "pings answered": float(said["pings"]),
        "clients lost": float(said["lost"] + clients - measured.host.open),
    }


def gates(contest: Contest, cases: list[str]) -> list[Gate]:
    """What tickws promises."""
    found = []
    for case in cases:
        bounds = [("CPU, % of a core", MOST_CPU), ("empty polls", 0.0)]
        if case != NOBODY:
            bounds.append(("clients lost", 0.0))
        found += [Gate(f"{case}: {metric}", contest.spread("bare", case, metric), bound) for metric, bound in bounds]
    return found


def main(arguments: list[str] | None = None) -> int:
    """The program; returns its exit code."""
    made = options("idle", __doc__, seconds=20.0, rounds=3)
    made.add_argument("--clients", type=int, default=1000)
    made.add_argument("--spread", type=float, default=20.0, help="seconds over which they come in")
    made.add_argument("--loops", help="with commas; all, and the peers among --servers, unless told")
    if made.parse_args(arguments).quick:
        made.set_defaults(seconds=0.5, rounds=1, clients=20, spread=0.1)
    parsed = made.parse_args(arguments)
    wanted = [*TITLES, *(name for name in PEERS if name in parsed.servers.split(","))]
    kinds = parsed.loops.split(",") if parsed.loops else wanted
    if unknown := set(kinds) - {*TITLES, *STEPPED}:
        made.error(f"--loops {','.join(sorted(unknown))}: known are {', '.join((*TITLES, *STEPPED))}")
    if min(parsed.seconds, parsed.rounds, parsed.clients) <= 0 or parsed.spread < 0:
        made.error("seconds, rounds and clients are above zero")

    lacks = {kind: contenders.missing(kind) for kind in kinds if kind in STEPPED}
    titles = {kind: TITLES.get(kind) or contenders.title(kind) for kind in kinds if not lacks.get(kind)}
    full = f"{parsed.clients:,} silent clients"
    pairs = [(kind, NOBODY) for kind in titles if kind in TITLES] + [
        (kind, full) for kind in titles if kind not in ("sleep", "loop")
    ]
    setting = f"60 Hz, {parsed.rounds} rounds, {parsed.seconds:g} s each; clients came in over {parsed.spread:g} s"
    contest = rounds(
        "idle",
        setting,
        parsed.rounds,
        titles,
        pairs,
        lambda kind, case: run(kind, parsed.clients * (case == full), parsed),
    )
    for kind, lack in lacks.items():
        if lack is not None:
            note(contest, f"WITHOUT {kind}: {lack}")
    if "bare" in titles:
        contest.gates.extend(gates(contest, [NOBODY, full]))
    return report(contest, parsed.json)


if __name__ == "__main__":
    sys.exit(main())
