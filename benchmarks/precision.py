"""Precision: how late do ticks begin, beside a plain `time.sleep` loop?

    python -m benchmarks.precision [--seconds 20] [--clients 400] [--rounds 5] [--beside]

At 60 Hz, each in a process of its own on the same CPU, one after the other in every round:

    time.sleep       a plain loop: `time.sleep(due - now)`
    TickLoop         `TickLoop.run()` with nothing in it
    server, idle     with a `WebSocketServer` and nobody connected
    server, playing  with 400 players, who each say 24 bytes 60 times a second and get 1.2 kB 20 times a second

`--beside` adds the plain loop while such a server and its players are busy on the other CPU: what the load alone does
to a machine's sleep. *late* is a tick from when it was due until the frame that runs it began; *first call* until that
frame called the first subsystem. What the machine does besides makes ticks late in every loop, so what counts is the
difference to the plain one.

Ends with 0 where the loops held 60 Hz as well as the plain one did, and no player was lost; else with 1.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks.bare.host import RATE
from benchmarks.bare.runs import Measured, Metrics, crowd, host, measure, options, play, rounds
from benchmarks.contest import MS, Contest, Gate
from benchmarks.report import report

CASE = "ticks at 60 Hz"
TITLES = {
    "sleep": "time.sleep",
    "loop": "TickLoop",
    "idle": "server, idle",
    "playing": "server, playing",
    "beside": "time.sleep beside players",
}
HELD = 0.995
"""Of the plain loop's rate."""


def metrics(measured: Measured) -> Metrics:
    """Of one run."""
    late, called, said = measured.host.late, measured.host.called, measured.said
    found: Metrics = {
        "late p50, ms": late.p50 * MS,
        "late p99, ms": late.p99 * MS,
        "late p99.9, ms": late.p999 * MS,
        "late worst, ms": late.worst * MS,
        "first call p50, ms": called.p50 * MS if called.count else None,
        "first call p99, ms": called.p99 * MS if called.count else None,
        "ticks watched": float(late.count),
        "slipped, ms": measured.host.slipped * MS,
        **measured.usage(),
    }
    told = measured.host.told
    if told is not None:
        found["the loop's frame_lateness p50, ms"] = told.p50 * MS
        found["the loop's frame_lateness p99, ms"] = told.p99 * MS
    if said is not None:
        found["inputs a second"] = said.inputs / measured.host.seconds
        found["load: CPU, % of a core"] = 100 * said.cpu_seconds / measured.host.seconds
        found["load: latest input, ms"] = said.late * MS
    return found


def run(loop: str, parsed: argparse.Namespace) -> Metrics:
    """One of them."""
    if loop == "playing":
        return metrics(play(parsed.clients, parsed.seconds, "tickws", watch=1, echo=0))
    if loop == "beside":
        with (
            host("tickws", away=True, game=1, echo=0) as (_, port),
            crowd(port, parsed.clients),
            host("sleep", watch=1) as (sleeper, _),
        ):
            return metrics(measure(sleeper, parsed.seconds))
    kind = "tickws" if loop == "idle" else loop
    with host(kind, watch=1) as (talk, _):
        return metrics(measure(talk, parsed.seconds))


def gates(contest: Contest) -> list[Gate]:
    """A loop that does not hold its rate is not precise, whatever its ticks say."""
    plain = contest.spread("sleep", CASE, "frames a second")
    least = (plain.median if plain else RATE) * HELD
    return [
        Gate(f"{title}: ticks a second", contest.spread(loop, CASE, "frames a second"), least, at_least=True)
        for loop, title in contest.titles.items()
        if loop not in ("sleep", "beside")
    ]


def main(arguments: list[str] | None = None) -> int:
    """The program; returns its exit code."""
    made = options("precision", __doc__, seconds=20.0, rounds=5)
    made.add_argument("--clients", type=int, default=400)
    made.add_argument("--beside", action="store_true", help="the plain loop beside the players' load, too")
    if made.parse_args(arguments).quick:
        made.set_defaults(seconds=0.5, rounds=1, clients=20)
    parsed = made.parse_args(arguments)
    if min(parsed.seconds, parsed.rounds, parsed.clients) <= 0:
        made.error("seconds, rounds and clients are above zero")

    titles = {loop: title for loop, title in TITLES.items() if parsed.beside or loop != "beside"}
    pairs = [(loop, CASE) for loop in titles]
    setting = f"{parsed.rounds} rounds, {parsed.seconds:g} s each; {parsed.clients} players"
    contest = rounds("precision", setting, parsed.rounds, titles, pairs, lambda loop, _: run(loop, parsed))
    contest.gates.extend(gates(contest))
    return report(contest, parsed.json)


if __name__ == "__main__":
    sys.exit(main())
