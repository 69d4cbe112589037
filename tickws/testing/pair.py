"""A server and a client on one memory network, turned frame by frame."""

from __future__ import annotations

from typing import Any

from tickws.transport.client import WebSocketClient
from tickws.transport.memory import MemoryNetwork
from tickws.transport.pipe import Conditions
from tickws.transport.server import WebSocketServer
from tickws.transport.websocket import WebSocket

__all__ = ["Pair"]


class Pair:
    """One server and one client of it, connected before this returns.

    Args:
        path: what the client asks for.
        conditions: of the line between them.
        client: further arguments for the client.
        server: further arguments for the server, callbacks among them. With an `ssl_context` they meet by TLS, and the
            client needs one that trusts the certificate, for "127.0.0.1".

    Raises:
        ConnectError: the server refuses the client.
        TimeoutError: they are not connected within a minute of their clock.
    """

    def __init__(
        self,
        path: str = "/",
        *,
        conditions: Conditions | None = None,
        client: dict[str, Any] | None = None,
        **server: Any,
    ) -> None:
        self.network = MemoryNetwork(conditions=conditions)
        self.clock = self.network.clock
        self.received: list[str | bytes] = []
        """What the client received, unless `client` has an `on_message` (or `on_frame`) of its own."""
        self.server = WebSocketServer(**{"port": 8056, "network": self.network, **server})
        options = {"network": self.network, **(client or {})}
        if not {"handler", "on_message", "on_frame"} & options.keys():
            options["on_message"] = self._on_message
        scheme = "wss" if server.get("ssl_context") is not None else "ws"
        self.client = WebSocketClient(f"{scheme}://127.0.0.1:{self.server.port}{path}", **options)
        give_up = self.clock.now() + 60
        while not (self.client.websocket and self.client.websocket.open and self.server.connections):
            if self.client.error is not None:
                raise self.client.error
            if self.clock.now() > give_up:
                raise TimeoutError("the pair does not get connected")
            self.run(1 / 60)

    def _on_message(self, ws: WebSocket, message: str | bytes) -> None:
        self.received.append(message)

    def run(self, seconds: float, *, rate: float = 60.0) -> None:
        """Let `seconds` pass, in frames; in each one both ends work without waiting."""
        for _ in range(max(1, round(seconds * rate))):
            self.server.work(None, wait=0)
            self.client.work(None, wait=0)
            self.clock.advance(1 / rate)
