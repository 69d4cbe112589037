"""Waking: what does it cost to answer input as it comes, and what is it worth?

    python -m benchmarks.wake [--clients 16,100,400] [--seconds 10] [--rounds 5]

A `WebSocketServer` on a `TickLoop` at 60 Hz, once with `wake_on_input=True` and once without. So many players each say
24 bytes 60 times a second, evenly spread; the server decodes each in its callback and sends it back, and 20 times a
second it sends everybody a snapshot of 1.2 kB. CPU is the server's process, by ticks and players. A message carries the
time at which it was made: *to callback* is until the server's callback began, *to answer* until its echo was read by
the player, who looks every quarter of a millisecond.

Ends with 0 where no player was lost and every input was answered; else with 1. What waking costs is no promise.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks.bare.host import RATE, can_wake
from benchmarks.bare.runs import Measured, Metrics, note, options, play, rounds
from benchmarks.contest import MS, Contest, Gate, Spread
from benchmarks.report import report

TITLES = {"ticks": "once a tick", "wakes": "wake_on_input"}


def metrics(measured: Measured, players: int) -> Metrics:
    """Of one run."""
    mark, said = measured.host, measured.said
    assert said is not None
    found: Metrics = {
        "CPU a client-tick, µs": mark.cpu_seconds * 1e6 / (mark.seconds * RATE * players),
        "CPU, % of a core": 100 * mark.cpu_seconds / mark.seconds,
        "ticks a second": None if mark.frames is None else mark.frames / mark.seconds,
        "polls a second": None if mark.polls is None else mark.polls / mark.seconds,
        "empty polls": None if mark.empty_polls is None else float(mark.empty_polls),
    }
    for name, of in (("to callback", mark.delay), ("to answer", said.answer)):
        found |= {f"{name} {share}, ms": part * MS for share, part in (("p50", of.p50), ("p99", of.p99))}
    found["inputs never answered"] = float(measured.owed)
    found["load: CPU, % of a core"] = 100 * said.cpu_seconds / mark.seconds
    found["load: latest input, ms"] = said.late * MS
    return found


def compare(contest: Contest, cases: list[str]) -> None:
    """Say what waking costs, round by round: machines change from minute to minute."""
    for case in cases:
        both = [
            (plain.get(case, {}), woken.get(case, {}))
            for plain, woken in zip(contest.rounds["ticks"], contest.rounds["wakes"], strict=True)
        ]
        for metric in ("CPU a client-tick, µs", "to callback p50, ms", "to answer p50, ms"):
            found = [(plain.get(metric), woken.get(metric)) for plain, woken in both]
            spread = Spread.over([woken / plain if plain and woken else None for plain, woken in found])
            if spread is not None:
                note(contest, f"{case}: {metric}: with wake_on_input {spread} times that of once a tick")


def gates(contest: Contest, cases: list[str]) -> list[Gate]:
    """Nothing may be lost."""
    metric = "inputs never answered"
    return [
        Gate(f"{case}, {title}: {metric}", contest.spread(loop, case, metric), 0.0)
        for case in cases
        for loop, title in contest.titles.items()
    ]


def main(arguments: list[str] | None = None) -> int:
    """The program; returns its exit code."""
    made = options("wake", __doc__, seconds=10.0, rounds=5)
    made.add_argument("--clients", default="16,100,400", help="how many at a time, with commas")
    if made.parse_args(arguments).quick:
        made.set_defaults(seconds=0.5, rounds=1, clients="8")
    parsed = made.parse_args(arguments)
    counts = {f"{int(count):,} clients": int(count) for count in parsed.clients.split(",")}
    if min(parsed.seconds, parsed.rounds, *counts.values()) <= 0:
        made.error("seconds, rounds and clients are above zero")

    titles = {loop: title for loop, title in TITLES.items() if loop == "ticks" or can_wake()}
    pairs = [(loop, case) for case in counts for loop in titles]
    setting = f"60 Hz, {parsed.rounds} rounds, {parsed.seconds:g} s each"
    contest = rounds("wake", setting, parsed.rounds, titles, pairs, lambda loop, case: one(loop, counts[case], parsed))
    if "wakes" in titles:
        compare(contest, list(counts))
    else:
        note(contest, "WITHOUT wake_on_input: this tickws has none")
    contest.gates.extend(gates(contest, list(counts)))
    return report(contest, parsed.json)


def one(loop: str, players: int, parsed: argparse.Namespace) -> Metrics:
    """One run."""
    return metrics(play(players, parsed.seconds, "tickws", wake=int(loop == "wakes")), players)


if __name__ == "__main__":
    sys.exit(main())
