"""The server under test: `python -m tests.conformance.echo_server COMPRESSION`.

Says where it listens, and serves until it is ended, or whoever started it is.
"""

from __future__ import annotations

import os
import sys

import tickws
from tests.conformance.echoes import COMPRESSIONS, LIMITS, echo
from tickws.transport.handler import OnMessage

__all__ = ["serve"]

WAIT_SECONDS = 1.0


def serve(compression: str, on_message: OnMessage = echo) -> None:
    """Serve, answering by that function."""
    parent = os.getppid()
    with tickws.WebSocketServer(
        on_message=on_message, port=0, limits=LIMITS, compression=COMPRESSIONS[compression]
    ) as server:
        print(f"ws://127.0.0.1:{server.port}/", flush=True)
        while server.work(WAIT_SECONDS) and os.getppid() == parent:
            pass


if __name__ == "__main__":
    serve(sys.argv[1])
