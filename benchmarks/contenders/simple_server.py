"""`SimpleWebSocketServer`: `serveonce` once a frame, as users have it in a loop. What it sends goes a frame later."""

from __future__ import annotations

from functools import partial
from typing import Any

from SimpleWebSocketServer import SimpleWebSocketServer, WebSocket

from benchmarks.contenders.contender import BACKLOG, Contender, Game

__all__ = ["Server"]


class Connection(WebSocket):  # type: ignore[misc]
    """One of them."""

    def __init__(self, game: Game, joined: set[Connection], *rest: Any) -> None:
        super().__init__(*rest)
        self._game = game
        self._joined = joined

    def handleConnected(self) -> None:
        self._game.opened()

    def handleMessage(self) -> None:
        self._joined.add(self)
        reply = self._game.message(bytes(self.data))
        if reply is not None:
            self.sendMessage(reply)

    def handleClose(self) -> None:
        self._joined.discard(self)
        self._game.closed()


class Server(Contender):
    """`SimpleWebSocketServer`."""

    def __init__(self, game: Game, send_buffer: int | None = None) -> None:
        super().__init__(game, send_buffer)
        self._joined: set[Connection] = set()
        make = partial(Connection, game, self._joined)
        self._server = SimpleWebSocketServer("127.0.0.1", 0, make, selectInterval=0)
        self._server.serversocket.listen(BACKLOG)  # of its own it has 5: others would wait a second for the kernel
        self.narrow(self._server.serversocket)
        self.port = int(self._server.serversocket.getsockname()[1])

    def turn(self, budget: float | None) -> None:
        """Write, then read, then let in at most one."""
        self._server.serveonce()

    def broadcast(self, snapshot: bytes) -> None:
        """Queue it for the next `serveonce`."""
        for connection in list(self._joined):
            connection.sendMessage(snapshot)

    def write(self, budget: float | None) -> None:
        """Nothing: `serveonce` writes."""
