"""A game beside other tasks of an asyncio program: a task turns the loop, and sleeps until its next tick is due."""

import asyncio
from typing import Annotated

from msgspec import Meta

import tickws

Axis = Annotated[float, Meta(ge=-1, le=1)]


class Move(tickws.Input):
    dx: Axis = 0.0
    dy: Axis = 0.0


class Walk:
    """A game: everybody has a place, and goes where their inputs say."""

    def __init__(self) -> None:
        self.loop = tickws.TickLoop(rate=60)
        self.game = self.loop.add(tickws.GameServer(port=8056, inputs=Move, snapshot_rate=20), budget=0.004)
        self.places: dict[int, dict[str, float]] = {}
        self.loop.bus.subscribe(tickws.PlayerJoined, self.joined)
        self.loop.bus.subscribe(tickws.PlayerLeft, self.left)
        self.loop.system(self.simulate)

    def joined(self, event: tickws.PlayerJoined) -> None:
        self.places[event.player.id] = {"x": 0.0, "y": 0.0}

    def left(self, event: tickws.PlayerLeft) -> None:
        del self.places[event.player.id]

    def simulate(self, tick: tickws.Tick) -> None:
        for player in self.game.players:
            move, place = player.input(tick), self.places[player.id]
            place["x"] += move.dx * tick.dt
            place["y"] += move.dy * tick.dt
        self.game.publish(self.places)

    async def status(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Something else that the program does: a line for everybody who connects to another port."""
        writer.write(f"{len(self.places)} players, {self.loop.statistics().rate:.0f} ticks a second\n".encode())
        writer.close()
        await writer.wait_closed()


async def play(loop: tickws.TickLoop) -> None:
    """Turn `loop` until this task is cancelled; then everybody hears 1001."""
    with loop:
        while True:
            loop.frame()
            await asyncio.sleep(loop.left)


async def main() -> None:
    walk = Walk()
    async with await asyncio.start_server(walk.status, "127.0.0.1", 8057):
        await play(walk.loop)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
