"""Hostile: 200 play among 1,000 attackers. Do they notice?

    python -m benchmarks hostile [--seconds 300] [--players 200] [--attackers 1000] [--kinds slow-http,pings,...]

A server in a 60 Hz loop in a process of its own, with a plain port and one with TLS. The players live in a second
process: 30 stamped inputs a second each, half of the players over TLS; each input is sent back, and 20 snapshots a
second go to all who said something. Beside them somebody new comes twice a second. The attackers live in a third
process, which waits for the second where they share a CPU. `benchmarks.siege.attacks` has the kinds, their shares and
their rates; `benchmarks.siege.rules` has how the server is set up.

First it is calm; then the attackers come for a while and go, so that the heap has been as full as it will be. Memory
and descriptors are looked at; the attackers come again, for so many seconds, and go; memory and descriptors are looked
at again.

The round trip with a perfect server is spread evenly from 0 to one tick, the wait for the next frame; behind that come
the work of that frame, and up to a millisecond until the player's process looks. Within two ticks means: answered in
the first frame that begins after the input was said.

Ends with 0 where the players lost nothing and nobody, and the rest of the gates holds; with 2 where this machine does
not allow so many sockets; else with 1.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack

from benchmarks.child import Failed
from benchmarks.process import raise_descriptors
from benchmarks.report import add_json, report
from benchmarks.siege.attacks import NAMES
from benchmarks.siege.rules import BUDGET, MOST, PATIENCE_SECONDS, QUEUE_BYTES, SEND_BUFFER
from benchmarks.siege.siege import Siege

SPARE = 200
"""Descriptors that a process needs besides."""
KIB = 1024


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.hostile", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--seconds", type=float, default=300.0, help="of the attack")
    made.add_argument("--players", type=int, default=200)
    made.add_argument("--rate", type=float, default=30.0, help="inputs a second and player")
    made.add_argument("--attackers", type=int, default=1000, help="of all kinds, also of those that are left out")
    made.add_argument("--kinds", default=",".join(NAMES), help="with commas; all, unless told")
    made.add_argument("--budget", type=float, default=BUDGET, help="seconds of a frame")
    made.add_argument("--most", type=float, default=MOST, help="seconds of a frame that has time left")
    made.add_argument("--calm", type=float, default=10.0, help="seconds before the attackers come")
    made.add_argument("--warm-up", type=float, default=20.0, help="seconds in which they come for the first time")
    made.add_argument("--patience", type=float, default=PATIENCE_SECONDS, help="the server's, in seconds")
    made.add_argument("--queue", type=int, default=QUEUE_BYTES, help="bytes that may wait for one connection")
    made.add_argument("--send-buffer", type=int, default=SEND_BUFFER, help="bytes in the kernel for each connection")
    made.add_argument("--no-tls", dest="tls", action="store_false", help="the plain port alone")
    made.add_argument("--quick", action="store_true", help="a short round with few clients: does it run?")
    made.add_argument("--profile", metavar="FILE", help="have cProfile watch the server (which costs it much)")
    add_json(made)
    if made.parse_args(arguments).quick:
        made.set_defaults(
            seconds=3.0,
            players=10,
            attackers=60,
            calm=0.5,
            warm_up=1.0,
            patience=0.5,
            queue=8 * KIB,
            send_buffer=4 * KIB,
        )
    options = made.parse_args(arguments)
    options.kinds = options.kinds.split(",")
    if unknown := set(options.kinds) - set(NAMES):
        made.error(f"--kinds {','.join(sorted(unknown))}: known are {', '.join(NAMES)}")
    if min(options.seconds, options.players, options.rate, options.attackers, options.budget, options.warm_up) <= 0:
        made.error("seconds, players, rate, attackers and budget are above zero")
    return options


def main(arguments: list[str] | None = None) -> int:
    """The program; returns its exit code."""
    options = parse(arguments)
    may = raise_descriptors()
    needed = options.attackers + options.players + SPARE
    if may is not None and may < needed:
        print(
            f"SKIPPED: each process needs {needed} descriptors, and may open {may}. Raise the hard limit (ulimit -Hn "
            f"{needed}; LimitNOFILE= of a systemd unit; --ulimit nofile={needed} of a container), or have fewer "
            "--attackers.",
            file=sys.stderr,
        )
        return 2
    with ExitStack() as stack:
        try:
            found = Siege(options, stack).run()
        except Failed as error:
            print(f"FAILED       {error}", file=sys.stderr)
            return 1
    return report(found, options.json)


if __name__ == "__main__":
    sys.exit(main())
