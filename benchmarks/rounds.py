"""The rounds of a contest: each has every server in every case once, in an order of its own, a process for each.

What a machine does besides changes from minute to minute; so servers are compared by rounds that lie side by side, and
never by runs of one after runs of the other.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable, Mapping, Sequence

from benchmarks import contenders, process
from benchmarks.bout import cpus
from benchmarks.child import Failed
from benchmarks.contest import Cases, Contest
from benchmarks.report import add_json

__all__ = ["add_compression", "add_tls", "hold", "parse", "parser"]

SEED = 4
"""Of the orders: the same for all, so that two runs of a program are alike."""

Play = Callable[[str, str], Cases]
"""What holds one bout: of a server, in a case."""


def parser(name: str, text: str | None) -> argparse.ArgumentParser:
    """A command line with what all contests have.

    Args:
        text: the program's docstring.
    """
    made = argparse.ArgumentParser(
        prog=f"python -m benchmarks.{name}", description=text, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--servers", default=",".join(contenders.NAMES), help="with commas; all, unless told")
    made.add_argument("--rounds", type=int, default=5)
    made.add_argument("--seconds", type=float, default=5.0, help="of one window")
    made.add_argument("--players", type=int)
    made.add_argument("--quick", action="store_true", help="a short round with few clients: does it run?")
    add_json(made)
    return made


def add_compression(made: argparse.ArgumentParser) -> None:
    """The option `--compression`: tickws alone, without and with it."""
    made.add_argument("--compression", action="store_true", help="tickws without and with permessage-deflate")


def add_tls(made: argparse.ArgumentParser) -> None:
    """The option `--tls`: tickws alone, without and with it."""
    made.add_argument("--tls", action="store_true", help="tickws without and with TLS")


def parse(
    made: argparse.ArgumentParser, arguments: list[str] | None, quick: Mapping[str, object]
) -> argparse.Namespace:
    """Parse; `--quick` changes what is not given to `quick`, and `servers` becomes a list."""
    if made.parse_args(arguments).quick:
        made.set_defaults(rounds=1, seconds=1.0, **quick)
    options = made.parse_args(arguments)
    asked = {contenders.DEFLATE: getattr(options, "compression", False), contenders.TLS: getattr(options, "tls", False)}
    options.servers = options.servers.split(",")
    if any(asked.values()):
        options.servers = ["tickws", *(server for server, wanted in asked.items() if wanted)]
    if unknown := set(options.servers) - {*contenders.NAMES, *contenders.OURS}:
        made.error(f"--servers {','.join(sorted(unknown))}: known are {', '.join(contenders.NAMES)}")
    if min(options.rounds, options.seconds, options.players) <= 0:
        made.error("rounds, seconds and players are above zero")
    return options


def hold(name: str, setting: str, options: argparse.Namespace, cases: Sequence[str], play: Play) -> Contest:
    """All rounds. Who is not installed is left out, who fails has nothing measured: both loudly.

    Args:
        setting: what is done, in one line.
        cases: what `play` gets, one at a time.
    """
    contest = Contest(
        name=name,
        setting=setting,
        machine=process.machine(),
        load_average=process.load_average(),
        pinned=cpus()[0] is not None,
        titles={},
        rounds={},
        notes=[],
    )
    for server in options.servers:
        lack = contenders.missing(server)
        if lack is None:
            contest.titles[server] = contenders.title(server)
            contest.rounds[server] = []
        else:
            _note(contest, f"WITHOUT {server}: {lack}")
    order = random.Random(SEED)
    for number in range(options.rounds):
        results: dict[tuple[str, str], Cases] = {}
        bouts = [(server, case) for server in contest.rounds for case in cases]
        order.shuffle(bouts)
        for server, case in bouts:
            print(f"round {number + 1} of {options.rounds}: {server}, {case}", file=sys.stderr)
            try:
                results[server, case] = play(server, case)
            except Failed as error:
                _note(contest, f"{server}, {case}, round {number + 1}: {error}")
        for server, found in contest.rounds.items():
            found.append({name: row for case in cases for name, row in results.get((server, case), {}).items()})
    return contest


def _note(contest: Contest, text: str) -> None:
    """Loudly: now, and below the figures."""
    print(text, file=sys.stderr)
    contest.notes.append(text)
