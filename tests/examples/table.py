"""The example's server and its guests, on a memory network."""

from collections.abc import Callable
from typing import Any, Literal

import tickws
from examples.pong_server.client import joining
from examples.pong_server.game import SIDES, Move
from examples.pong_server.match import Turn
from examples.pong_server.server import RATE, Pong
from tickws.testing import MemoryNetwork

URL = "http://127.0.0.1:8056/"


class Guest:
    """A client, what it does, and what it has heard."""

    def __init__(self, client: tickws.GameClient[Move]) -> None:
        self.client = client
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.world: dict[Any, dict[str, Any]] = {}
        self.move: Move | None = None
        client.bus.subscribe(tickws.ServerMessage, self._heard)

    def _heard(self, event: tickws.ServerMessage) -> None:
        self.heard.append((event.name, event.payload))

    def do(self, move: Move) -> None:
        """From now on; a press once."""
        self.move = move

    def leave(self) -> None:
        self.client.close()

    def work(self) -> None:
        if self.move is not None:
            self.client.send_input(self.move)
            self.move = Move(dy=self.move.dy)
        self.client.work()
        self.world = self.client.state() or self.world

    @property
    def side(self) -> str | None:
        """Which paddle is ours."""
        return next((side for side in SIDES if self.world[side]["player"] == self.client.player), None)


class Table:
    """A server and its guests; what the server's systems raise fails the test."""

    def __init__(self, seed: int = 1, network: MemoryNetwork | None = None, **options: Any) -> None:
        self.network = network or MemoryNetwork()
        self.clock = self.network.clock
        self.turns: list[Turn] = []
        self.pong = Pong(network=self.network, clock=self.clock, seed=seed, record=self.turns.append, **options)
        self.guests: list[Guest] = []

    def join(self, name: str, role: Literal["player", "spectator"] = "player") -> Guest:
        client = tickws.GameClient(
            joining(URL), inputs=Move, query={"name": name}, role=role, network=self.network, clock=self.clock
        )
        guest = Guest(client)
        self.guests.append(guest)
        return guest

    def run(self, seconds: float) -> None:
        """So much later."""
        for _ in range(max(1, round(seconds * RATE))):
            self.pong.loop.frame()
            for guest in self.guests:
                guest.work()
            self.clock.advance(1 / RATE)

    def run_until(self, condition: Callable[[], bool], seconds: float) -> None:
        """Until that is so, which is at most so much later."""
        for _ in range(round(seconds * RATE)):
            self.run(1 / RATE)
            if condition():
                return
        raise AssertionError(f"it is not so after {seconds:g} s")
