"""The server's side of the load: who is there, and what they sent. Each benchmark has its own loop around it."""

from __future__ import annotations

import tickws
from benchmarks.payloads import Tally, input_number

__all__ = ["Game"]


class Game(tickws.Handler):
    """The callbacks. Clients are numbered from 0, as they say in their URL."""

    def __init__(self, clients: int) -> None:
        self.tallies = [Tally() for _ in range(clients)]
        self.here = 0
        """Clients that are in."""
        self.over = False
        """Set when closing begins: what closes before that, closes early."""
        self.codes: dict[int, int] = {}
        """Close codes, by client."""
        self.early: set[int] = set()

    def on_open(self, ws: tickws.WebSocket) -> None:
        ws.data = self.tallies[int(ws.request.query["player"])]
        self.here += 1

    def on_message(self, ws: tickws.WebSocket, message: str | bytes) -> None:
        ws.data.take(input_number(message))

    def on_close(self, ws: tickws.WebSocket, code: int, reason: str) -> None:
        name = self.tallies.index(ws.data)
        self.codes[name] = code
        self.here -= 1
        if not self.over:
            self.early.add(name)
