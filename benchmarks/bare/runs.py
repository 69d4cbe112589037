"""Runs side by side: each loop of each case once in every round, in an order of chance, a process for each."""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from benchmarks import contenders, process
from benchmarks.bare.marks import Mark
from benchmarks.bare.players import Said
from benchmarks.bout import READY_SECONDS, cpus
from benchmarks.child import Failed, Talk, converse
from benchmarks.contest import Contest
from benchmarks.report import add_json

__all__ = ["Measured", "Metrics", "host", "measure", "note", "options", "play", "rounds"]

Metrics = dict[str, float | None]

SETTLING_SECONDS = 1.0
"""Between the beginning and what is measured, in runs that are longer than that."""
SEED = 4


@dataclass(frozen=True, slots=True)
class Measured:
    """What both ends say of one run."""

    host: Mark
    said: Said | None = None
    """By players, where there are any."""
    owed: int = 0
    """Inputs that were never answered."""

    def usage(self) -> Metrics:
        """What every loop has."""
        mark = self.host
        share = mark.cpu_seconds / mark.seconds
        return {
            "CPU, % of a core": 100 * share,
            "frames a second": None if mark.frames is None else mark.frames / mark.seconds,
            "CPU a frame, µs": mark.cpu_seconds * 1e6 / mark.frames if mark.frames else None,
        }


def options(name: str, text: str | None, *, seconds: float, rounds: int) -> argparse.ArgumentParser:
    """A command line with what these programs have in common.

    Args:
        text: the program's docstring.
    """
    made = argparse.ArgumentParser(
        prog=f"python -m benchmarks.{name}", description=text, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--seconds", type=float, default=seconds, help="that are measured of a run")
    made.add_argument("--rounds", type=int, default=rounds)
    made.add_argument("--servers", default=",".join(contenders.NAMES), help="with commas; others than tickws idle only")
    made.add_argument("--quick", action="store_true", help="one short round with few clients: does it run?")
    add_json(made)
    return made


def rounds(
    name: str,
    setting: str,
    count: int,
    titles: dict[str, str],
    pairs: Sequence[tuple[str, str]],
    run: Callable[[str, str], Metrics],
) -> Contest:
    """All rounds; who fails in one has nothing measured in it, and says so.

    Args:
        setting: what is done, in one line.
        titles: the loops, with what is to be printed for each.
        pairs: loop and case.
        run: gets both.
    """
    contest = Contest(
        name=name,
        setting=setting,
        machine=process.machine(),
        load_average=process.load_average(),
        pinned=cpus()[0] is not None,
        titles=titles,
        rounds={loop: [] for loop in titles},
        notes=[],
    )
    chance = random.Random(SEED)
    for number in range(count):
        found: dict[str, dict[str, Mapping[str, float | None]]] = {loop: {} for loop in titles}
        for loop, case in chance.sample(pairs, len(pairs)):
            print(f"round {number + 1} of {count}: {loop}, {case}", file=sys.stderr)
            try:
                found[loop][case] = run(loop, case)
            except Failed as error:
                note(contest, f"{loop}, {case}, round {number + 1}: {error}")
        for loop, cases in found.items():
            contest.rounds[loop].append({case: cases[case] for _, case in pairs if case in cases})
    return contest


def note(contest: Contest, text: str) -> None:
    """Say it now, and below the figures."""
    print(text, file=sys.stderr)
    contest.notes.append(text)


@contextmanager
def host(kind: str, *, away: bool = False, **words: object) -> Iterator[tuple[Talk, int]]:
    """A loop (`benchmarks.bare.host`), and its port; 0 where it has none.

    Args:
        away: it runs where the load does.
        words: its options.
    """
    given = {"--kind": kind} | {f"--{name}": word for name, word in words.items()}
    with converse("benchmarks.bare.host", given, cpus()[away]) as talk:
        yield talk, talk.hear(READY_SECONDS)["port"] or 0


def measure(loop: Talk, seconds: float, players: Talk | None = None) -> Measured:
    """Let them settle, and measure.

    Raises:
        Failed: a process is gone.
    """
    time.sleep(min(SETTLING_SECONDS, seconds))
    if players is not None:
        players.ask("mark", timeout=READY_SECONDS)
    loop.ask("mark", timeout=READY_SECONDS)
    time.sleep(seconds)
    mark = Mark.load(loop.ask("mark", timeout=READY_SECONDS))
    if players is None:
        return Measured(mark)
    return Measured(mark, Said.load(players.ask("mark", timeout=READY_SECONDS)))


@contextmanager
def crowd(port: int, players: int) -> Iterator[Talk]:
    """Players that play (`benchmarks.bare.players`).

    Raises:
        Failed: not all of them got in.
    """
    with converse("benchmarks.bare.players", {"--port": port, "--players": players}, cpus()[1]) as talk:
        inside = talk.hear(READY_SECONDS)["in"]
        if inside < players:
            raise Failed(f"{inside} of {players} players got in")
        yield talk


def play(players: int, seconds: float, kind: str, **words: int) -> Measured:
    """A loop with a game, and its players."""
    with host(kind, away=False, game=1, **words) as (loop, port), crowd(port, players) as talk:
        measured = measure(loop, seconds, talk)
        if words.get("echo", 1):
            measured = replace(measured, owed=talk.ask("stop", timeout=READY_SECONDS)["owed"])
    if measured.said is not None and measured.said.lost:
        raise Failed(f"{measured.said.lost} players were lost")
    return measured
