"""TLS: what does it cost a server?

    python -m benchmarks.tls [--clients 400] [--seconds 2] [--rounds 5]

A `WebSocketServer` in a process of its own, and 400 clients in another, which all come at once. The server speaks no
TLS; or TLS 1.3 with a certificate whose key is ECDSA (P-256), or RSA (2,048 bits). Each client has a full handshake,
as Python's clients have, and checks the certificate. Each way has a run in every round:

    to let in   CPU of the server until all are in, divided by them; of it, by its own statistics and on the wall
                clock, the steps "accept" and "handshake"; and CPU of the clients' process, divided likewise
    memory      of the server, resident, divided by the clients: when all are in, and when all have talked
    in          each client says an input, or a line of chat, 60 times a second: CPU inside of `receive`, by messages
    out         20 times a second the server says something to each client by itself: CPU of `send` and `flush`
    to all      likewise, but one broadcast: CPU until it is flushed to all

Ends with 0 where everybody heard what was said; else with 1.
"""

from __future__ import annotations

import sys

from benchmarks.bare.runs import Metrics, options, rounds
from benchmarks.compression import LOST, run
from benchmarks.contest import Gate
from benchmarks.deflated.ways import SECURED
from benchmarks.report import report


def metrics(found: Metrics) -> Metrics:
    """Without those that are compression's own: the bytes are counted before TLS has them."""
    return {name: value for name, value in found.items() if not name.endswith((" on the wire", "saved, %"))}


def main(arguments: list[str] | None = None) -> int:
    """The program; returns its exit code."""
    made = options("tls", __doc__, seconds=2.0, rounds=5)
    made.add_argument("--clients", type=int, default=400)
    if made.parse_args(arguments).quick:
        made.set_defaults(seconds=0.2, rounds=1, clients=20)
    parsed = made.parse_args(arguments)
    if min(parsed.seconds, parsed.rounds, parsed.clients) <= 0:
        made.error("seconds, rounds and clients are above zero")

    case = f"{parsed.clients:,} clients"
    setting = f"{parsed.rounds} rounds; each kind for {parsed.seconds:g} s"
    pairs = [(way, case) for way in SECURED]
    contest = rounds("tls", setting, parsed.rounds, SECURED, pairs, lambda way, _: metrics(run(way, parsed)))
    contest.gates.extend(
        Gate(f"{title}: {LOST}", contest.spread(way, case, LOST), 0.0) for way, title in SECURED.items()
    )
    return report(contest, parsed.json)


if __name__ == "__main__":
    sys.exit(main())
