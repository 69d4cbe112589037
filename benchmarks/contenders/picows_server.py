"""`picows` (its framing is compiled), on asyncio, stepped from the loop."""

from __future__ import annotations

import asyncio

from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

from benchmarks.contenders.contender import BACKLOG, Game, Stepped

__all__ = ["Server"]


class Listener(WSListener):
    """One connection's."""

    def __init__(self, game: Game, joined: set[WSTransport]) -> None:
        self._game = game
        self._joined = joined

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._game.opened()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._joined.discard(transport)
        self._game.closed()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.BINARY:
            self._joined.add(transport)
            reply = self._game.message(frame.get_payload_as_bytes())
            if reply is not None:
                transport.send(WSMsgType.BINARY, reply)
        elif frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()


class Server(Stepped):
    """`picows`."""

    async def listen(self) -> asyncio.Server:
        """Open the door."""
        self._joined: set[WSTransport] = set()
        return await ws_create_server(self._listener, "127.0.0.1", 0, backlog=BACKLOG)

    def _listener(self, request: WSUpgradeRequest) -> Listener:
        return Listener(self.game, self._joined)

    def send(self, snapshot: bytes) -> None:
        """To everybody who ever said something."""
        for transport in self._joined:
            transport.send(WSMsgType.BINARY, snapshot)
