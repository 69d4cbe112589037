"""Players without a screen: many clients in one process and one loop. Here belongs how to fill a server.

Each asks for a seat; where there is none, the server lets it watch.
"""

import signal
import sys
from typing import Any

import tickws
from examples.pong_server.client import joining, said
from examples.pong_server.game import HEIGHT, SIDES, Move
from examples.pong_server.status import Status

RATE = 60
EAGER = 0.8
"""How fast a bot runs; a player's full speed is 1."""


class Bot:
    """One client; it follows the ball."""

    def __init__(self, url: str, number: int, **options: Any) -> None:
        name = {"name": f"bot {number}"}
        self.client = tickws.GameClient(joining(url), inputs=Move, query=name, **options)
        self.client.bus.subscribe(tickws.Dropped, self.on_lost)
        self.client.bus.subscribe(tickws.Disconnected, self.on_lost)
        self.side: str | None = None
        self.lost = ""

    def on_lost(self, event: tickws.Dropped | tickws.Disconnected) -> None:
        self.lost = said(event.reason) or str(event.code)

    def step(self) -> bool:
        """Look, think, and say what to do; False once it is over for good."""
        world = self.client.state()
        player = None if self.client.spectator else self.client.player
        self.side = next((side for side in SIDES if world and player and world[side]["player"] == player), None)
        if self.side:
            resting = world["match"]["pause"] > 0
            target = HEIGHT / 2 if resting else world["ball"]["y"] + self.taste(world["left"]["score"])
            dy = min(max((target - world[self.side]["y"]) * 2, -EAGER), EAGER)
            self.client.send_input(Move(dy=dy, serve=resting and world["match"]["serving"] == self.side))
        return self.client.work()

    def taste(self, score: int) -> float:
        """Where on its paddle it takes the ball, so that not every rally is the same."""
        return (score * 7 % 5 - 2) * 0.3 * (1 if self.side == "left" else -1)


def main(url: str, count: int, **options: Any) -> int:
    """Have that many bots play and watch until Ctrl-C, or until the server has had enough of all of them.

    Args:
        options: their `GameClient`s' further ones.
    """
    loop = tickws.TickLoop(rate=RATE)
    bots = [Bot(url, number + 1, **options) for number in range(count)]
    here = list(bots)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: loop.stop())

    @loop.system
    def step(tick: tickws.Tick) -> None:
        here[:] = [bot for bot in here if bot.step()]
        if not here:
            loop.stop()

    def line(seconds: float) -> str:
        connected = sum(bot.client.connected for bot in here)
        playing = sum(bot.side is not None for bot in here)
        trouble = "" if connected or not here else f" | {here[0].lost}"
        return f"{count} bots, {connected} connected | {playing} playing | {loop.ticks} ticks{trouble}"

    status = Status(line, loop.clock, sys.stdout)
    loop.system(status.tick)
    loop.run()
    status.end()
    leaving = [bot.client for bot in here]
    for client in leaving:
        client.close(timeout=1.0)
    while leaving := [client for client in leaving if client.work()]:
        loop.clock.sleep(0.01)
    if not here:
        print(f"No bot is left: {bots[-1].lost}", file=sys.stderr)
        return 1
    print("Stopped. Goodbye!", flush=True)
    return 0
