"""arcade as the host: whoever joins gets a square and moves it; this window shows them all."""

from typing import Annotated

import arcade
from msgspec import Meta

import tickws

WIDTH, HEIGHT, SIZE, SPEED = 640, 360, 24, 240.0  # pixels, and pixels a second
COLORS = (arcade.color.RED, arcade.color.GOLD, arcade.color.SKY_BLUE, arcade.color.LIME_GREEN, arcade.color.ORCHID)
Axis = Annotated[float, Meta(ge=-1, le=1)]


class Move(tickws.Input):
    dx: Axis = 0.0
    dy: Axis = 0.0


class Square(arcade.SpriteSolidColor):
    """What shows a player; `now` is where it is, `before` where it was one tick ago."""

    def __init__(self, number: int) -> None:
        self.now = self.before = arcade.Vec2(WIDTH / 2, HEIGHT / 2)
        super().__init__(SIZE, SIZE, *self.now, COLORS[number % len(COLORS)])

    def step(self, move: Move, dt: float) -> None:
        self.before, moved = self.now, self.now + arcade.Vec2(move.dx, move.dy) * (SPEED * dt)
        half = SIZE / 2
        self.now = arcade.Vec2(min(max(moved.x, half), WIDTH - half), min(max(moved.y, half), HEIGHT - half))


class Window(arcade.Window):
    def __init__(self) -> None:
        super().__init__(WIDTH, HEIGHT, "ws://127.0.0.1:8056/")
        self.loop = tickws.TickLoop(rate=60)
        self.game = self.loop.add(tickws.GameServer(port=8056, inputs=Move, snapshot_rate=20), budget=0.004)
        self.loop.bus.subscribe(tickws.PlayerJoined, self.joined)
        self.loop.bus.subscribe(tickws.PlayerLeft, self.left)
        self.loop.system(self.simulate)
        self.squares: dict[int, Square] = {}
        self.sprites = arcade.SpriteList()

    def joined(self, event: tickws.PlayerJoined) -> None:
        self.squares[event.player.id] = square = Square(event.player.id)
        self.sprites.append(square)

    def left(self, event: tickws.PlayerLeft) -> None:
        self.squares.pop(event.player.id).remove_from_sprite_lists()

    def simulate(self, tick: tickws.Tick) -> None:
        for player in self.game.players:
            self.squares[player.id].step(player.input(tick), tick.dt)
        self.game.publish({number: {"x": square.now.x, "y": square.now.y} for number, square in self.squares.items()})

    def on_update(self, delta_time: float) -> None:
        self.loop.frame()  # the network, and the ticks that are due: 0 to 5; never waits, which arcade does

    def on_draw(self) -> None:
        for square in self.squares.values():  # between the last two ticks, so that all move evenly
            square.position = square.before.lerp(square.now, self.loop.alpha)
        self.clear()
        self.sprites.draw()


def main() -> None:
    window = Window()
    with window.loop:  # says goodbye to everybody, however it ends
        arcade.run()  # until the window is closed


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
