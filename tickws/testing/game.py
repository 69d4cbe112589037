"""A game and its clients on one memory network, turned frame by frame."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from tickws.client.client import GameClient
from tickws.game.server import GameServer
from tickws.loop.tickloop import TickLoop
from tickws.sync.schema import Input
from tickws.transport.memory import MemoryNetwork
from tickws.transport.pipe import Conditions

__all__ = ["GameTable"]

I = TypeVar("I", bound=Input)  # noqa: E741


class GameTable(Generic[I]):
    """A `GameServer` on a `TickLoop`, and as many clients as you `join`, all on one clock that you move by `run`.

        table = GameTable(Move, snapshot_rate=20)
        ada = table.join()
        ada.send_input(Move(dy=1.0))
        table.run(0.5)                       # half a second passes, at 60 ticks a second; no time does

    Give the systems and subscribers to `table.loop`, and the game's own names to `table.game`, as in a real one.

    Args:
        inputs: the subclass of `Input`.
        rate: ticks a second; clients draw as often, just behind the server.
        network: to play on, where other things are on it, too; None: one of its own.
        conditions: of the lines of that one.
        game: further arguments for the `GameServer`.
    """

    def __init__(
        self,
        inputs: type[I],
        *,
        rate: int = 60,
        network: MemoryNetwork | None = None,
        conditions: Conditions | None = None,
        **game: Any,
    ) -> None:
        self.network = MemoryNetwork(conditions=conditions) if network is None else network
        self.clock = self.network.clock
        self.loop = TickLoop(rate, clock=self.clock)
        if game.get("server") is None:
            game["network"] = self.network
        self.game: GameServer[I] = self.loop.add(GameServer(inputs=inputs, **game))
        self.clients: list[GameClient[I]] = []
        """Those that `run` turns."""
        self._inputs = inputs
        self._scheme = "wss" if game.get("ssl_context") is not None else "ws"

    def join(self, **client: Any) -> GameClient[I]:
        """One client more; connected after a few frames.

        Args:
            client: further arguments for the `GameClient`.
        """
        options = {"inputs": self._inputs, "network": self.network, **client}
        made: GameClient[I] = GameClient(f"{self._scheme}://127.0.0.1:{self.game.port}/", **options)
        self.clients.append(made)
        return made

    def run(self, seconds: float) -> None:
        """Let `seconds` pass, in frames: the loop's, then every client's."""
        for _ in range(max(1, round(seconds * self.loop.rate))):
            self.frame()

    def frame(self) -> None:
        """One frame of everybody; then the clock moves on by one tick."""
        self.loop.frame()
        for client in self.clients:
            client.work()
        self.clock.advance(self.loop.dt)
