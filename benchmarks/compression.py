"""Compression: what does permessage-deflate cost a server, and what does it save?

    python -m benchmarks.compression [--clients 400] [--seconds 2] [--rounds 5]

A `WebSocketServer` in a process of its own, and 400 clients in another, which offer what browsers offer and compress
all that they say. The server does not compress; or it does as `Deflate()`, without context takeover; with takeover both
ways; or so with windows of 15 bits and memory level 8. Each way has a run in every round:

    to let in   CPU of the server until all are in, divided by them, and of the clients' process, divided likewise
    memory      of the server, resident, divided by the clients: when all are in, and when all have talked
    in          each client says an input, or a line of chat, 60 times a second: CPU inside of `receive`, by messages
    out         20 times a second the server says something to each client by itself: CPU of `send` and `flush`
    to all      likewise, but one broadcast: CPU until it is flushed to all, and bytes on the wire

*saved* is of the bytes of the frames, heads included; below zero is more than without. A second table has what zlib's
levels cost and save, measured alone: by it the default level and threshold were chosen.

Ends with 0 where everybody heard what was said, where a client of `Deflate()` holds no memory for it, and where a
broadcast is compressed once for all; else with 1.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from itertools import islice
from statistics import fmean

from benchmarks.bare.runs import Metrics, options, rounds
from benchmarks.bout import READY_SECONDS, cpus
from benchmarks.child import Failed, Talk, converse
from benchmarks.contenders.window import RATE
from benchmarks.contest import MS, Contest, Gate, Spread
from benchmarks.deflated.host import SNAPSHOT_RATE, Spent
from benchmarks.deflated.ways import DEFAULT, OFF, TITLES, WAYS
from benchmarks.deflated.words import KINDS, PATIENCE_SECONDS, words
from benchmarks.deflating import NOISE_MS, cost
from benchmarks.report import report
from benchmarks.secure import as_file
from tickws import Deflate

KIB = 1024
TALKED = "memory of a client that has talked, KiB"
FLAT_KIB = 2.0
"""What a client without takeover may hold more than one that does not compress: the heap's ups and downs."""
HANDING_MS = 0.01
"""What handing out a compressed message may cost a client more than a plain one: less than compressing it."""
LOST = "messages lost or wrong"
LEVELS = {"1": "level 1", "6": "level 6", "9": "level 9"}
SAMPLES = 8
"""Messages of a kind by which a level is judged."""


class Run:
    """One way, once.

    Args:
        host, crowd: the two processes.
    """

    def __init__(self, host: Talk, crowd: Talk, parsed: argparse.Namespace) -> None:
        self._host = host
        self._crowd = crowd
        self._clients = parsed.clients
        self._seconds = parsed.seconds
        self._wanted = self._told = self._said = 0
        self._heard: list[int] = []

    def take(self, kind: str, count: int) -> Spent:
        """Each client says that so often."""
        self._wanted += count * self._clients
        self._host.tell("take", self._wanted)
        self._said = self._crowd.ask("say", kind, count, timeout=self._patience)["said"]
        return Spent(**self._host.hear(self._patience))

    def say(self, how: str, kind: str, count: int) -> Spent:
        """The server says that so often: "tell", "broadcast"."""
        spent = Spent(**self._host.ask(how, kind, count, timeout=self._patience))
        self._told += count
        self._heard = self._crowd.ask("hear", self._told, timeout=self._patience)["heard"]
        return spent

    def arrival(self, cpu_seconds: float) -> Metrics:
        """What it took until all were in: here and, so many seconds, there."""
        came = self._host.ask("came", timeout=READY_SECONDS)
        steps = came["steps"]
        return {
            "to let one in: CPU, µs": came["cpu_seconds"] * 1e6 / self._clients,
            "of it accept and handshake, µs": (steps.get("accept", 0.0) + steps.get("handshake", 0.0)) * 1e6,
            "to get in, client: CPU, µs": cpu_seconds * 1e6 / self._clients,
        }

    def memory(self) -> int:
        """Of the server."""
        return int(self._host.ask("memory", timeout=READY_SECONDS)["resident_bytes"] or 0)

    @property
    def _patience(self) -> float:
        seconds: float = self._seconds
        return READY_SECONDS + 2 * PATIENCE_SECONDS + seconds

    def measure(self) -> Metrics:
        """All of it, from when all are in."""
        self.take("input", 2)
        self.say("tell", "1k", 2)
        found: Metrics = {TALKED: self.memory() / KIB / self._clients}
        inputs, snapshots = max(1, round(self._seconds * RATE)), max(1, round(self._seconds * SNAPSHOT_RATE))
        for kind in ("input", "chat"):
            found |= self._metrics(f"{kind} in", self.take(kind, inputs))
        for kind in ("chat", "1k", "10k"):
            found |= self._metrics(f"{kind} out", self.say("tell", kind, snapshots))
        for kind in ("1k", "10k"):
            spent = self.say("broadcast", kind, snapshots)
            found |= {
                f"{kind} to all: CPU, ms": MS * spent.cpu_seconds / snapshots,
                f"{kind} to all: KiB on the wire": spent.wire_bytes / snapshots / KIB,
            }
        said = self._host.ask("end", timeout=READY_SECONDS)
        wrong = [self._said != heard for heard in said["heard"]] + [said["said"] != heard for heard in self._heard]
        found[LOST] = float(sum(wrong) + 2 * self._clients - len(wrong))
        return found

    @staticmethod
    def _metrics(name: str, spent: Spent) -> Metrics:
        if not spent.messages:
            raise Failed(f"{name}: nothing came")
        return {
            f"{name}: CPU, µs": spent.cpu_seconds * 1e6 / spent.messages,
            f"{name}: bytes on the wire": spent.wire_bytes / spent.messages,
            f"{name}: saved, %": 100 * (1 - spent.wire_bytes / spent.plain_bytes),
        }


def run(way: str, parsed: argparse.Namespace) -> Metrics:
    """One way, in processes of its own.

    Raises:
        Failed: not all got in, or a process is gone.
    """
    here, there = cpus()
    with ExitStack() as stack:
        host = stack.enter_context(converse("benchmarks.deflated.host", {"--way": way}, here))
        said = host.hear(READY_SECONDS)
        empty = int(host.ask("memory", timeout=READY_SECONDS)["resident_bytes"] or 0)
        authority = stack.enter_context(as_file(said["authority"]))
        words = {"--port": said["port"], "--clients": parsed.clients, "--authority": authority}
        crowd = stack.enter_context(converse("benchmarks.deflated.crowd", words, there))
        inside = crowd.hear(READY_SECONDS)
        if inside["open"] < parsed.clients:
            raise Failed(f"{inside['open']} of {parsed.clients} clients got in")
        once = Run(host, crowd, parsed)
        arrival = once.arrival(inside["cpu_seconds"])
        silent = once.memory()
        found = once.measure()
    bare = empty / KIB / parsed.clients
    silence: Metrics = {"memory of a silent client, KiB": silent / KIB / parsed.clients - bare}
    talked = found[TALKED]
    return {**arrival, **silence, **found, TALKED: None if talked is None else talked - bare}


def levels(level: str, kind: str) -> Metrics:
    """What a level makes of some messages of a kind, each by itself."""
    ours = Deflate(level=int(level))
    messages = list(islice(words(kind), SAMPLES))
    costs = [cost(message, ours) for message in messages]
    return {
        "deflate, µs": fmean(each.deflate for each in costs) * 1e6,
        "inflate, µs": fmean(each.inflate for each in costs) * 1e6,
        "bytes": fmean(map(len, messages)),
        "bytes compressed": fmean(each.size for each in costs),
        "saved, %": 100 * (1 - sum(each.size for each in costs) / sum(map(len, messages))),
    }


def shared(contest: Contest, case: str, clients: int) -> list[Gate]:
    """A broadcast is compressed once for all: it costs more than without by one compression, and by handing it out."""
    most = clients * HANDING_MS
    found = []
    for kind in ("1k", "10k"):
        metric = f"{kind} to all: CPU, ms"
        once = cost(next(words(kind)), Deflate()).deflate * MS
        above = [
            None if without is None or value is None else value - without
            for off, default in zip(contest.rounds[OFF], contest.rounds[DEFAULT], strict=True)
            for without, value in [(off.get(case, {}).get(metric), default.get(case, {}).get(metric))]
        ]
        name = f"{TITLES[DEFAULT]}: {metric}, above that without"
        why = f"one compression, {once:.2f} ms; {HANDING_MS * MS:g} µs a client; noise"
        found.append(Gate(name, Spread.over(above), once + most + NOISE_MS, why=why))
    return found


def gates(contest: Contest, case: str, clients: int) -> list[Gate]:
    """What tickws promises."""
    off = contest.spread(OFF, case, TALKED)
    return [
        *(Gate(f"{title}: {LOST}", contest.spread(way, case, LOST), 0.0) for way, title in contest.titles.items()),
        Gate(
            f"{TITLES[DEFAULT]}: {TALKED}",
            contest.spread(DEFAULT, case, TALKED),
            (off.median if off else 0.0) + FLAT_KIB,
            why=f"that without, and {FLAT_KIB:g} KiB",
        ),
        *shared(contest, case, clients),
    ]


def main(arguments: list[str] | None = None) -> int:
    """The program; returns its exit code."""
    made = options("compression", __doc__, seconds=2.0, rounds=5)
    made.add_argument("--clients", type=int, default=400)
    if made.parse_args(arguments).quick:
        made.set_defaults(seconds=0.2, rounds=1, clients=20)
    parsed = made.parse_args(arguments)
    if min(parsed.seconds, parsed.rounds, parsed.clients) <= 0:
        made.error("seconds, rounds and clients are above zero")

    case = f"{parsed.clients:,} clients"
    setting = f"{parsed.rounds} rounds; each kind for {parsed.seconds:g} s"
    pairs = [(way, case) for way in WAYS]
    contest = rounds("compression", setting, parsed.rounds, TITLES, pairs, lambda way, _: run(way, parsed))
    contest.gates.extend(gates(contest, case, parsed.clients))
    alone = rounds(
        "levels",
        f"{parsed.rounds} rounds; {SAMPLES} messages of a kind, each by itself, with a window of 12 bits",
        parsed.rounds,
        LEVELS,
        [(level, kind) for kind in KINDS for level in LEVELS],
        levels,
    )
    codes = [report(contest, parsed.json), report(alone, parsed.json)]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
