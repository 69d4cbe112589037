"""Flood: do players notice that others send as fast as they can?

    python -m benchmarks.flood [--flooders 1,4,10] [--players 20] [--rounds 5] [--seconds 5] [--servers …]
    python -m benchmarks.flood --compression [...]
    python -m benchmarks.flood --tls [...]

Each server in a 60 Hz loop in a process of its own, all clients in others. 20 players say a stamped input 60 times a
second each, and every 250 ms a newcomer connects, says one thing, and wants it back. One window is calm; then come the
flooders: each says 16-byte messages as fast as its socket takes them, to the end of the second window. Rounds are
interleaved. What is measured is in the server's process, but for the newcomers.

`--compression` has tickws alone, without and with permessage-deflate: there all clients compress all that they say, and
snapshots are compressed. It must be no worse by more than the compression itself (`benchmarks.deflating` has the rule).
Where the flood takes all of the budget, CPU shows nothing: then the CPU of each of its messages does, which is what the
flood adds to the calm, by its messages. In further cases the flooders say bombs: about 1 KiB each, which is 1 MiB
inflated, as much as `Limits` allow.

`--tls` has tickws alone, without and with TLS: there all clients come by TLS 1.3. It must hold the same.

Ends with 0 where tickws holds what it promises; else with 1.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator

import tickws
from benchmarks import contenders, deflating
from benchmarks.bout import PERIOD, READY_SECONDS, Bout, BoutResult, longest_step
from benchmarks.contenders.window import BUDGET
from benchmarks.contest import MS, Cases, Contest, Gate, delays, percent
from benchmarks.payloads import ENTITIES, FLOOD, make_bomb
from benchmarks.report import report
from benchmarks.rounds import add_compression, add_tls, hold, parse, parser

NEWCOMER_SECONDS = 0.25
"""From one newcomer to the next; and how long one may take to be in."""
CALM = "calm"
SHOWN_CALM = (
    "slice p50, ms",
    "slice p99.9, ms",
    "players' delay p50, ms",
    "players' delay p99, ms",
    "newcomer in, worst, ms",
    "CPU, %",
)
"""What is shown of the window before the flood, too."""
BOMBS = "b"
"""What stands behind a number of flooders that say bombs."""
BOMB_BYTES = tickws.Limits().message_bytes
COST = "CPU of a flood's message, µs"
COMPARED = ("slice p50, ms", "players' delay p50, ms", "players' delay p99, ms", "CPU, %", COST)
"""With compression and without."""


def flood_case(flooders: str) -> str:
    """Its name."""
    count = flooders.removesuffix(BOMBS)
    name = "1 flooder" if count == "1" else f"{count} flooders"
    return name if count == flooders else f"{name}, bombs"


def metrics(result: BoutResult, name: str, itself: deflating.Itself | None) -> dict[str, float | None]:
    """Of one window."""
    window = result.windows[name]
    newcomers = result.players["newcomers"][name]
    opening = newcomers["opening"]
    inputs = window.messages.get("player", 0)
    return {
        "slice p50, ms": window.slice.p50 * MS,
        "slice p99.9, ms": window.slice.p999 * MS,
        "slice CPU p99.9, ms": window.slice_cpu.p999 * MS,
        "preempted, times": None if window.preempted is None else float(window.preempted),
        "slices over 5 ms, %": percent(window.overruns, window.frames),
        "slice worst, ms": window.slice.worst * MS,
        **delays("players' delay", window.delay["player"]),
        "over a tick and 4 ms, % of inputs": percent(window.late, inputs),
        "missed the first frame, % of inputs": percent(window.missed, inputs),
        "frames a second": window.frames / window.seconds,
        "newcomer in, worst, ms": max(opening) * MS if opening else None,
        "newcomer heard, worst, ms": max(newcomers["answered"]) * MS if opening else None,
        "newcomers never heard": float(newcomers["waiting"]),
        "memory grown, KiB": (window.resident_end - window.resident_begin) / 1024,
        "CPU, %": percent(window.cpu_seconds, window.seconds),
        **(itself.metrics(window) if itself else {}),
    }


def play(server: str, case: str, options: argparse.Namespace) -> Cases:
    """One bout. Who does not compress knows no bombs."""
    flooded = flood_case(case)
    bombs = case.endswith(BOMBS)
    if bombs and server != contenders.DEFLATE:
        return {}
    flooders = int(case.removesuffix(BOMBS))
    itself = deflating.itself(server, entities=ENTITIES, flood=make_bomb(BOMB_BYTES) if bombs else FLOOD)
    with Bout(server, budget=options.budget) as bout:
        players = bout.players(options.players, newcomers=NEWCOMER_SECONDS)
        mob = bout.guests("flooders", {"--bomb": BOMB_BYTES if bombs else 0})
        mob.ask("join", flooders, timeout=READY_SECONDS)
        bout.window(CALM, players)
        time.sleep(options.seconds)
        bout.window(flooded, players)
        mob.tell("flood")
        time.sleep(options.seconds)
        took = mob.ask("stop", timeout=READY_SECONDS)
        result = bout.end(players)
    calm, busy = metrics(result, CALM, itself), metrics(result, flooded, itself)
    window = result.windows[flooded]
    taken = window.messages.get("flooder", 0) / window.seconds
    before, during = calm["players' delay p99, ms"], busy["players' delay p99, ms"]
    return {
        flooded: {
            **{f"calm: {metric}": calm[metric] for metric in (*SHOWN_CALM, *deflating.METRICS) if metric in calm},
            **busy,
            "p99 beside calm, times": during / before if before and during else None,
            "flood taken, messages a second": taken,
            COST: 1e4 * (busy["CPU, %"] - calm["CPU, %"]) / taken
            if taken and busy["CPU, %"] and calm["CPU, %"]
            else None,
            **(itself.of_flood() if itself else {}),
            "flooders thrown out or not in": float(flooders - took["in"] + took["lost"]),
            **result.losses(),
            **(result.longest_step() if server in contenders.OURS else {}),
        },
    }


def gates(contest: Contest, server: str, case: str, options: argparse.Namespace) -> list[Gate]:
    """What tickws promises."""
    title = case + contenders.suffix(server)
    step, kind = longest_step(contest, case, server)
    budget = options.budget * MS
    bounds = [
        ("slice p99.9, ms", budget + step, f"the budget, and one step: the longest {kind}, {step:.2f} ms"),
        ("players' delay p99, ms", PERIOD * MS + budget, "one tick and the slice"),
        ("newcomer in, worst, ms", NEWCOMER_SECONDS * MS, ""),
        ("newcomers never heard", 0.0, ""),
        ("inputs lost", 0.0, ""),
        ("players disconnected", 0.0, ""),
    ]
    return [
        Gate(f"{title}: {metric}", contest.spread(server, case, metric), bound, why=why)
        for metric, bound, why in bounds
    ]


def all_gates(contest: Contest, cases: list[str], options: argparse.Namespace) -> Iterator[Gate]:
    """Of all that took part; and the verdict on compression, where both did."""
    for case in cases:
        name = flood_case(case)
        for server in contenders.OURS:
            if server in contest.rounds and (server == contenders.DEFLATE or not case.endswith(BOMBS)):
                yield from gates(contest, server, name, options)
        if contenders.DEFLATE in contest.rounds and not case.endswith(BOMBS):
            yield from deflating.verdict(contest, name, ["slice p50, ms", "CPU, %"], prefix="calm: ")
            yield from deflating.verdict(contest, name, COMPARED)


def main(arguments: list[str] | None = None) -> int:
    """The program; returns its exit code."""
    made = parser("flood", __doc__)
    made.add_argument("--flooders", default="1,4,10", help="how many at a time, with commas")
    made.add_argument("--budget", type=float, default=BUDGET, help="seconds of a frame")
    made.set_defaults(players=20)
    add_compression(made)
    add_tls(made)
    options = parse(made, arguments, {"flooders": "2", "players": 5})
    cases = [str(int(count)) for count in options.flooders.split(",")]
    if contenders.DEFLATE in options.servers:
        cases += [case + BOMBS for case in cases]
    setting = (
        f"{options.players} players at 60 Hz, a newcomer every {NEWCOMER_SECONDS * MS:g} ms, windows of "
        f"{options.seconds:g} s, {options.rounds} rounds; {options.budget * MS:g} ms of a frame"
    )
    contest = hold("flood", setting, options, cases, lambda server, case: play(server, case, options))
    contest.gates.extend(all_gates(contest, cases, options))
    return report(contest, options.json)


if __name__ == "__main__":
    sys.exit(main())
