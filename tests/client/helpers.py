"""What the client's tests share: a log of what it tells, and a client of a server that says what it likes."""

from typing import Any

import tickws
from tests.game.helpers import FakeServer, Move
from tickws.testing import Conditions, MemoryNetwork


class Log:
    """What a client says on its bus, with the time."""

    def __init__(self, client: tickws.GameClient[Any]) -> None:
        self._clock = client._clock
        self.events: list[Any] = []
        self.times: list[float] = []
        for kind in (tickws.Connected, tickws.Dropped, tickws.Disconnected, tickws.ServerMessage):
            client.bus.subscribe(kind, self._note)

    def _note(self, event: object) -> None:
        self.events.append(event)
        self.times.append(self._clock.now())


class Fake:
    """A `FakeServer` and a client of it, turned frame by frame.

    Args:
        conditions: of the line.
        client: further arguments for the client.
    """

    def __init__(self, conditions: Conditions | None = None, **client: Any) -> None:
        self.network = MemoryNetwork(conditions=conditions)
        self.clock = self.network.clock
        self.server = FakeServer(self.network)
        options = {"inputs": Move, "network": self.network, **client}
        self.client: tickws.GameClient[Any] = tickws.GameClient("ws://127.0.0.1:8056/", **options)
        self.log = Log(self.client)

    def run(self, seconds: float) -> None:
        """Let time pass, in frames of both."""
        for _ in range(max(1, round(seconds * 60))):
            self.server.server.work(None, wait=0)
            self.client.work()
            self.clock.advance(1 / 60)

    def say(self, *message: object) -> None:
        """Have the server say something, and the client hear it."""
        self.server.say(*message)
        self.run(0.1)

    def welcome(self, **options: Any) -> None:
        """Get connected."""
        self.run(0.1)
        self.server.welcome(**options)
        self.run(0.1)
