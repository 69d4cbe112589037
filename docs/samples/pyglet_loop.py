"""pyglet as the host: whoever joins gets a square and moves it; this window shows them all."""

from typing import Annotated

import pyglet
from msgspec import Meta

import tickws

WIDTH, HEIGHT, SIZE, SPEED = 640, 360, 24, 240.0  # pixels, and pixels a second
COLORS = ((255, 99, 71), (255, 215, 0), (0, 191, 255), (50, 205, 50), (218, 112, 214))
Axis = Annotated[float, Meta(ge=-1, le=1)]


class Move(tickws.Input):
    dx: Axis = 0.0
    dy: Axis = 0.0


class Square:
    """Where a player is, and was one tick ago; and what shows it."""

    def __init__(self, number: int) -> None:
        self.now = self.before = pyglet.math.Vec2(WIDTH / 2, HEIGHT / 2)
        self.shape = pyglet.shapes.Rectangle(*self.now, SIZE, SIZE, COLORS[number % len(COLORS)], batch=batch)

    def step(self, move: Move, dt: float) -> None:
        self.before, moved = self.now, self.now + pyglet.math.Vec2(move.dx, move.dy) * (SPEED * dt)
        self.now = pyglet.math.Vec2(min(max(moved.x, 0), WIDTH - SIZE), min(max(moved.y, 0), HEIGHT - SIZE))


window = pyglet.window.Window(WIDTH, HEIGHT, "ws://127.0.0.1:8056/")
batch = pyglet.graphics.Batch()
loop = tickws.TickLoop(rate=60)
game = loop.add(tickws.GameServer(port=8056, inputs=Move, snapshot_rate=20), budget=0.004)
squares: dict[int, Square] = {}


@loop.bus.on(tickws.PlayerJoined)
def joined(event: tickws.PlayerJoined) -> None:
    squares[event.player.id] = Square(event.player.id)


@loop.bus.on(tickws.PlayerLeft)
def left(event: tickws.PlayerLeft) -> None:
    squares.pop(event.player.id).shape.delete()


@loop.system
def simulate(tick: tickws.Tick) -> None:
    for player in game.players:
        squares[player.id].step(player.input(tick), tick.dt)
    game.publish({number: {"x": square.now.x, "y": square.now.y} for number, square in squares.items()})


@window.event
def on_draw() -> None:
    for square in squares.values():  # between the last two ticks, so that all move evenly
        square.shape.position = square.before.lerp(square.now, loop.alpha)
    window.clear()
    batch.draw()


def main() -> None:
    # Each time the network, and the ticks that are due: 0 to 5; it never waits, which pyglet does.
    pyglet.clock.schedule_interval(lambda dt: loop.frame(), 1 / 60)
    with loop:  # says goodbye to everybody, however it ends
        pyglet.app.run()  # until the window is closed


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
