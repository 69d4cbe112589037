"""tickws: a `WebSocketServer` on a `TickLoop`, which gives it its budget; snapshots are latest values."""

from __future__ import annotations

import ssl

import tickws
from benchmarks.contenders.contender import Contender, Game
from tickws.errors import ErrorPolicy

__all__ = ["Server"]


class Server(Contender):
    """tickws."""

    compression: tickws.Deflate | None = None
    errors: ErrorPolicy = "raise"

    def __init__(
        self,
        game: Game,
        send_buffer: int | None = None,
        limits: tickws.Limits | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(game, send_buffer)
        self._silent: set[tickws.WebSocket] = set()
        self.server = tickws.WebSocketServer(
            port=0,
            on_open=self._opened,
            on_message=self._heard,
            on_close=self._closed,
            compression=self.compression,
            limits=limits,
            errors=self.errors,
            ssl_context=ssl_context,
        )
        self.narrow(*self.server.sockets)
        self.port = self.server.port

    def _opened(self, ws: tickws.WebSocket) -> None:
        self._silent.add(ws)
        self.game.opened()

    def _heard(self, ws: tickws.WebSocket, message: str | bytes) -> None:
        self._silent.discard(ws)
        reply = self.game.message(message)
        if reply is not None:
            ws.send(reply)

    def _closed(self, ws: tickws.WebSocket, code: int, reason: str) -> None:
        self._silent.discard(ws)
        self.game.closed()

    def turn(self, budget: float | None) -> None:
        """`receive`."""
        self.server.receive(budget)

    def broadcast(self, snapshot: bytes) -> None:
        """`flush` builds and writes."""
        self.server.broadcast_latest("world", snapshot, exclude=self._silent)

    def write(self, budget: float | None) -> None:
        """`flush`."""
        self.server.flush(budget)

    @property
    def behind(self) -> bool:
        """The server's."""
        return self.server.behind

    def close(self) -> None:
        """At once."""
        self.server.abort()

    def longest_step(self) -> tuple[str, float] | None:
        """From the server's own statistics; the look at the network comes before the first step, and is none."""
        steps = self.server.statistics().steps
        return max(((kind, step.longest) for kind, step in steps.items() if kind != "poll"), key=lambda pair: pair[1])
