"""The client under test: `python -m tests.conformance.echo_client URL COMPRESSION`.

URL is a fuzzing server's. The client asks how many cases it has, goes through them, a connection for each, and has
the report written. It judges nothing: what fails, the fuzzing server says.
"""

from __future__ import annotations

import os
import sys

import tickws
from tests.conformance.echoes import COMPRESSIONS, LIMITS, echo
from tests.conformance.wstest import AGENT
from tickws.transport.handler import OnMessage

WAIT_SECONDS = 1.0


def visit(url: str, compression: str, on_message: OnMessage) -> None:
    """One connection, from its making to its end."""
    parent = os.getppid()
    with tickws.WebSocketClient(
        url, on_message=on_message, limits=LIMITS, compression=COMPRESSIONS[compression]
    ) as client:
        while client.work(WAIT_SECONDS) and os.getppid() == parent:
            pass


def main(url: str, compression: str, on_message: OnMessage = echo) -> None:
    """Go through all cases, answering by that function."""
    counts: list[str | bytes] = []
    visit(f"{url}/getCaseCount", "off", lambda ws, message: counts.append(message))
    for number in range(1, int(counts[0]) + 1):
        visit(f"{url}/runCase?case={number}&agent={AGENT}", compression, on_message)
    visit(f"{url}/updateReports?agent={AGENT}", "off", echo)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
