"""`websockets`: its asyncio server, stepped from the loop; its own `broadcast`; compression off, as tickws has none."""

from __future__ import annotations

import asyncio

from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed

from benchmarks.contenders.contender import BACKLOG, Stepped

__all__ = ["Server"]


class Server(Stepped):
    """`websockets`. Its handlers are tasks, which would hear of a message a frame later if there were one step."""

    steps = 2

    async def listen(self) -> asyncio.Server:
        """Open the door."""
        self._joined: set[ServerConnection] = set()
        server = await serve(self._handle, "127.0.0.1", 0, compression=None, backlog=BACKLOG)
        return server.server

    async def _handle(self, connection: ServerConnection) -> None:
        self.game.opened()
        try:
            async for message in connection:
                self._joined.add(connection)
                reply = self.game.message(message)
                if reply is not None:
                    await connection.send(reply)
        except ConnectionClosed:
            pass
        finally:
            self._joined.discard(connection)
            self.game.closed()

    def send(self, snapshot: bytes) -> None:
        """To everybody who ever said something."""
        broadcast(self._joined, snapshot)
