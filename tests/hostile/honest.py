"""Who comes to play: a client of ours that numbers what it says, and compares what it hears with what was said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests import certificates
from tests.protocol.helpers import counting_source
from tickws.protocol.extensions import Deflate
from tickws.testing import Conditions, MemorySocket
from tickws.transport.client import WebSocketClient
from tickws.transport.websocket import WebSocket

if TYPE_CHECKING:
    from tests.hostile.program import Program

__all__ = ["Honest"]

LEAVING = 4200
"""The code with which it goes."""


class Honest:
    """One honest client, on a line of its own.

    Args:
        arena: where it plays.
        conditions: of its line.
        compression: what it offers.
    """

    def __init__(self, arena: Program, conditions: Conditions, compression: Deflate | None) -> None:
        self.arena = arena
        network = arena.network
        before, network.conditions = network.conditions, conditions
        scheme = "wss://localhost" if arena.secure else "ws://127.0.0.1"
        self.client = WebSocketClient(
            f"{scheme}:{arena.server.port}/game",
            network=network,
            compression=compression,
            mask_source=counting_source(),
            ssl_context=certificates.trusted() if arena.secure else None,
            on_open=self._on_open,
            on_message=self._on_message,
            on_close=self._on_close,
        )
        network.conditions = before
        ends = (sock for sock in reversed(network.sockets.values()) if isinstance(sock, MemorySocket))
        self.line = next(sock for sock in ends if sock.getpeername()[1] == arena.server.port)
        self.address = self.line.getsockname()
        self.sent: list[str | bytes] = []
        """What it said, and was taken."""
        self.heard = 0
        """How many of the reliable messages that were said to it have come."""
        self.latest: dict[str, int] = {}
        self.stalled = False
        self.worked = 0
        """Reading time of the server when it last worked."""
        self.opened = self.left = self.over = False
        self.code: int | None = None

    def say(self, size: int) -> None:
        """Say one message more: text and bytes in turn."""
        number = len(self.sent)
        text = f"{number}" + "." * size
        message = text.encode() if number % 2 else text
        if self.client.send(message):
            self.sent.append(message)

    def leave(self) -> None:
        """Close, behind what was said."""
        self.left = True
        self.client.close(LEAVING, "bye")

    def vanish(self) -> None:
        """Go without a word."""
        self.left = True
        self.client.abort()

    def turn(self) -> None:
        """A frame of its own loop."""
        if not self.stalled and not self.over:
            self.worked = self.arena.server._listened.now
            self.over = not self.client.work(None, wait=0)

    @property
    def alive(self) -> bool:
        """Whether its connection is one that must not end."""
        return self.opened and self.code is None and not self.left and not self.arena.visit(self.address).excuse

    def _on_open(self, ws: WebSocket) -> None:
        self.opened = True

    def _on_message(self, ws: WebSocket, message: str | bytes) -> None:
        arena = self.arena
        text = message if isinstance(message, str) else message.decode()
        if text[:1] == "l":
            key, number, _ = text.split(":")
            if int(number) <= self.latest.get(key, 0):
                arena.fault(f"an older latest value came behind a newer one: {text[:20]}")
            self.latest[key] = int(number)
            return
        said = arena.visit(self.address).said
        if self.heard >= len(said) or said[self.heard] != text:
            arena.fault(f"{self.address}: heard {text[:20]!r}, of {len(said)} its number {self.heard}")
        self.heard += 1

    def _on_close(self, ws: WebSocket, code: int, reason: str) -> None:
        visit = self.arena.visit(self.address)
        if self.code is not None or not self.opened:
            self.arena.fault("a client's on_close came twice, or without an on_open")
        self.code = code
        if not self.left and not visit.excuse:
            self.arena.fault(f"an honest client was closed with {code} {reason!r}, and nobody had a reason")
        if visit.farewell == code and not self.left and self.heard < len(visit.said):
            self.arena.fault(f"of {len(visit.said)} messages before the Close {self.heard} came")
