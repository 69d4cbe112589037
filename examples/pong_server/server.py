"""Pong for everybody: the game in a loop, and the loop's door to the network. Begin to read here.

Each tick: what came from the network becomes one `Turn`, `play` makes the next match of it, and that is published.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, Struct

import tickws
from examples.pong_server.game import SIDES, Move, State
from examples.pong_server.match import Match, Turn, play, tidy

RATE = 60
"""Ticks a second; each is sent, as the game is small and fast."""
BUDGET = 0.004
"""Seconds of each frame that the network may take; a frame has 0.0167."""
PAGE = Path(__file__).parent / "page"
FILES = {"/": PAGE / "index.html"} | {
    f"/{name}": PAGE / name for name in ("pong.js", "board.js", "controls.js", "sound.js", "style.css", "favicon.svg")
}


class Name(Struct):
    """A player's wish for another name."""

    name: Annotated[str, Meta(max_length=64)]


class Pong:
    """A match that anybody can join: `pong.loop.run()` plays it.

    Args:
        seed: of all that looks like chance in the game.
        clock: what the loop goes by; None: the machine's.
        record: called with each tick's turn, which is all that is needed to play the match again.
        options: the `GameServer`'s further ones: where it listens.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        clock: tickws.Clock | None = None,
        record: Callable[[Turn], None] = lambda turn: None,
        **options: Any,
    ) -> None:
        self.match = Match(State(seed=seed))
        self.record = record
        self.joined: dict[int, str] = {}
        self.left: list[int] = []
        self.named: dict[int, str] = {}

        self.loop = tickws.TickLoop(rate=RATE, clock=clock)
        self.game = tickws.GameServer(
            inputs=Move,
            snapshot_rate=RATE,
            max_players=2,
            spectators=100,
            files=FILES,
            clock=clock,
            **options,
        )
        self.loop.add(self.game, budget=BUDGET, name="game")
        self.loop.bus.subscribe(tickws.PlayerJoined, self.on_joined)
        self.loop.bus.subscribe(tickws.PlayerLeft, self.on_left)
        self.game.message("name", Name)(self.on_name)
        self.loop.system(self.simulate)

    # These are called just before `simulate`, on the same thread.

    def on_joined(self, event: tickws.PlayerJoined) -> None:
        player = event.player
        self.joined[player.id] = tidy(player.request.query.get("name", ""), f"guest {player.id}")

    def on_left(self, event: tickws.PlayerLeft) -> None:
        self.left.append(event.player.id)

    def on_name(self, player: tickws.Player[Move], message: Name) -> None:
        self.named[player.id] = tidy(message.name, f"guest {player.id}")

    # The tick

    def simulate(self, tick: tickws.Tick) -> None:
        moves = {player.id: player.input(tick) for player in self.game.players}
        turn = Turn(self.joined, tuple(self.left), self.named, moves)
        self.joined, self.left, self.named = {}, [], {}
        self.record(turn)

        self.match, events = play(self.match, turn, tick.dt)
        for event in events:
            what = {"side": SIDES[event.side], "x": event.x, "y": event.y, "speed": event.speed}
            self.game.broadcast(event.kind, what)  # for eyes and ears: sparks and sounds
            if event.kind == "point":
                self.game.cut("ball")  # it lies in the middle again: nobody is to see it fly there,
                self.game.cut("match")  # nor a pause that begins halfway
        self.game.publish(self.entities)

    def entities(self) -> dict[str, dict[str, object]]:
        """What everybody sees: an entity for each thing that moves, and one for the rest."""
        state = self.match.state
        world: dict[str, dict[str, object]] = {
            "ball": {"x": state.ball.x, "y": state.ball.y},
            "match": {
                "pause": state.pause,
                "serving": SIDES[state.serving] if state.pause > 0 else None,
                "winner": None if state.winner is None else SIDES[state.winner],
                "watching": len(self.game.spectators),
            },
        }
        for side, paddle, seat in zip(SIDES, state.paddles, self.match.seats, strict=True):
            world[side] = {"y": paddle.y, "score": paddle.score, "name": seat.name, "player": seat.player}
        return world
