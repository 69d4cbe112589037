"""A chat of the example and its visitors, on a memory network."""

import json
import random
from typing import Any

import tickws
from examples.pong_server.__main__ import RATE
from examples.pong_server.chat import LIMITS, Chat
from tickws.testing import MemoryNetwork


class Visitor:
    """A page's end of the chat: what it heard, and how it was closed."""

    def __init__(self, room: "Room", query: str, origin: str | None) -> None:
        self.heard: list[dict[str, Any]] = []
        self.closed: tuple[int, str] | None = None
        self.client = tickws.WebSocketClient(
            f"ws://127.0.0.1:8056/ws{query}",
            network=room.network,
            origin=origin,
            on_message=lambda ws, message: self.heard.append(json.loads(message)),
            on_close=self._on_close,
        )

    def _on_close(self, ws: tickws.WebSocket, code: int, reason: str) -> None:
        self.closed = (code, reason)

    def say(self, kind: str, **fields: object) -> None:
        assert self.client.send(json.dumps({"kind": kind, **fields}))

    def all(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.heard if message["kind"] == kind]

    @property
    def name(self) -> str:
        return str(self.all("welcome")[0]["you"]["name"])


class Room:
    """A chat and its visitors on a memory network; what the chat's callbacks raise fails the test."""

    def __init__(self) -> None:
        self.network = MemoryNetwork()
        self.chat = Chat(RATE, random.Random(1))
        self.server = tickws.WebSocketServer(self.chat, network=self.network, limits=LIMITS, errors="raise")
        self.chat.server = self.server
        self.visitors: list[Visitor] = []

    def join(self, query: str = "", *, origin: str | None = None) -> Visitor:
        visitor = Visitor(self, query, origin)
        self.visitors.append(visitor)
        self.turn()
        return visitor

    def turn(self, frames: int = 4) -> None:
        for _ in range(frames):
            self.server.work(None, wait=0)
            for visitor in self.visitors:
                visitor.client.work(None, wait=0)
            self.network.clock.advance(1 / RATE)
