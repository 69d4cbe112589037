"""Step 3: a server. The same rules and the same loop, without a window; whoever connects takes a paddle."""

from typing import Annotated

from msgspec import Meta
from rules import LEFT, RIGHT, State, robot, step

import tickws


class Move(tickws.Input):
    """What a player does in one tick."""

    dy: Annotated[float, Meta(ge=-1, le=1)] = 0.0  # held: goes on until the player says something else
    serve: tickws.Press = False  # a press: happens once


class Pong:
    """The game: who sits where, and the state."""

    def __init__(self, loop: tickws.TickLoop, game: tickws.GameServer[Move]) -> None:
        self.game = game
        self.state = State()
        self.seats: list[tickws.Player[Move] | None] = [None, None]
        loop.bus.subscribe(tickws.PlayerJoined, self.joined)
        loop.bus.subscribe(tickws.PlayerLeft, self.left)
        loop.system(self.simulate)

    def joined(self, event: tickws.PlayerJoined) -> None:
        self.seats[self.seats.index(None)] = event.player  # there is one: the server lets in two

    def left(self, event: tickws.PlayerLeft) -> None:
        self.seats[self.seats.index(event.player)] = None

    def simulate(self, tick: tickws.Tick) -> None:
        left, right = (self.move(side, tick) for side in (LEFT, RIGHT))
        before = self.state
        self.state = step(before, left.dy, right.dy, left.serve or right.serve, tick.dt)
        if self.state.points > before.points:
            self.game.cut("ball")  # it jumps to the middle: nobody is to see it fly there
        self.game.publish(self.world)

    def move(self, side: int, tick: tickws.Tick) -> Move:
        player = self.seats[side]
        return player.input(tick) if player else Move(dy=robot(self.state, side))

    def world(self) -> dict[str, object]:
        """What everybody sees."""
        left, right = (player.id if player else None for player in self.seats)
        return {
            "ball": self.state.ball,
            "left": self.state.paddles[LEFT],
            "right": self.state.paddles[RIGHT],
            "seats": {"left": left, "right": right},
        }


def main() -> None:
    loop = tickws.TickLoop(rate=60)
    game = loop.add(tickws.GameServer(port=8056, inputs=Move, snapshot_rate=20, max_players=2), budget=0.004)
    Pong(loop, game)
    print("Pong at ws://127.0.0.1:8056/, Ctrl-C ends it", flush=True)
    loop.run()


if __name__ == "__main__":
    main()
