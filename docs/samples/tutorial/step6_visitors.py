"""Step 6: spectators, a chat, an event for each point, and a kick for who sleeps."""

from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct
from step3_server import Move, Pong

import tickws

PAGE = Path(__file__).with_name("step5_page.html")
PATIENCE = 60.0  # seconds without a move, before a paddle is given to somebody else


class Chat(Struct):
    """What somebody says: checked before it gets here, as a Move is."""

    text: Annotated[str, Meta(min_length=1, max_length=200)]


class Visited(Pong):
    """Pong with an audience."""

    def __init__(self, loop: tickws.TickLoop, game: tickws.GameServer[Move]) -> None:
        super().__init__(loop, game)
        self.awake: dict[int, float] = {}  # player id to the time of its last move
        game.message("chat", Chat)(self.chat)
        loop.bus.subscribe(tickws.InputRejected, self.rejected)

    def simulate(self, tick: tickws.Tick) -> None:
        points = self.state.points
        super().simulate(tick)
        if self.state.points > points:
            left, right = self.state.paddles
            self.game.broadcast("point", {"left": left.score, "right": right.score})
        for player in self.game.players:
            if player.input(tick) != Move() or player.id not in self.awake:
                self.awake[player.id] = tick.time
            elif tick.time - self.awake[player.id] > PATIENCE:
                player.kick("you fell asleep")

    def left(self, event: tickws.PlayerLeft) -> None:
        super().left(event)
        self.awake.pop(event.player.id, None)
        print(f"{event.player} left: {event.code} {event.reason}", flush=True)

    def chat(self, player: tickws.Player[Move], said: Chat) -> None:
        self.game.broadcast("chat", {"who": player.id, "text": said.text})

    def rejected(self, event: tickws.InputRejected) -> None:
        print(f"{event.player} sent what cannot be used: {event.reason}", flush=True)


def main() -> None:
    loop = tickws.TickLoop(rate=60)
    game = tickws.GameServer(port=8056, inputs=Move, snapshot_rate=20, max_players=2, spectators=50, files={"/": PAGE})
    loop.add(game, budget=0.004)
    Visited(loop, game)
    print("Pong at http://127.0.0.1:8056/, Ctrl-C ends it", flush=True)
    loop.run()


if __name__ == "__main__":
    main()
