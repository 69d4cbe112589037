"""A `while` of your own as the host: the loop's frame, whatever else you do, and sleep until the next tick is due."""

from typing import Annotated

from msgspec import Meta

import tickws

WIDTH, HEIGHT, SPEED = 640, 360, 240.0  # pixels, and pixels a second
Axis = Annotated[float, Meta(ge=-1, le=1)]


class Move(tickws.Input):
    dx: Axis = 0.0
    dy: Axis = 0.0


loop = tickws.TickLoop(rate=60)
game = loop.add(tickws.GameServer(port=8056, inputs=Move, snapshot_rate=20), budget=0.004)
places: dict[int, dict[str, float]] = {}


@loop.bus.on(tickws.PlayerJoined)
def joined(event: tickws.PlayerJoined) -> None:
    places[event.player.id] = {"x": WIDTH / 2, "y": HEIGHT / 2}


@loop.bus.on(tickws.PlayerLeft)
def left(event: tickws.PlayerLeft) -> None:
    del places[event.player.id]


@loop.system
def simulate(tick: tickws.Tick) -> None:
    for player in game.players:
        place, move = places[player.id], player.input(tick)
        place["x"] = min(max(place["x"] + move.dx * SPEED * tick.dt, 0.0), WIDTH)
        place["y"] = min(max(place["y"] + move.dy * SPEED * tick.dt, 0.0), HEIGHT)
    game.publish(places)


def main() -> None:
    with loop:  # says goodbye to everybody, however it ends
        while True:
            loop.frame()  # the network, and the ticks that are due: 0 to 5; never waits
            # ... whatever else your program does, in each of its frames ...
            loop.clock.sleep(loop.left)  # the only place that waits


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
