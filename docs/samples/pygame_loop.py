"""pygame as the host: whoever joins gets a square and moves it; this window shows them all."""

from typing import Annotated

import pygame
from msgspec import Meta

import tickws

WIDTH, HEIGHT, SIZE, SPEED = 640, 360, 24, 240.0  # pixels, and pixels a second
COLORS = ("tomato", "gold", "deepskyblue", "limegreen", "orchid", "white")
Axis = Annotated[float, Meta(ge=-1, le=1)]


class Move(tickws.Input):
    dx: Axis = 0.0
    dy: Axis = 0.0


loop = tickws.TickLoop(rate=60)
game = loop.add(tickws.GameServer(port=8056, inputs=Move, snapshot_rate=20), budget=0.004)
places: dict[int, pygame.Vector2] = {}  # of each player's square
before: dict[int, pygame.Vector2] = {}  # the same, one tick ago


@loop.bus.on(tickws.PlayerJoined)
def joined(event: tickws.PlayerJoined) -> None:
    places[event.player.id] = pygame.Vector2(WIDTH / 2, HEIGHT / 2)


@loop.bus.on(tickws.PlayerLeft)
def left(event: tickws.PlayerLeft) -> None:
    del places[event.player.id]


@loop.system
def simulate(tick: tickws.Tick) -> None:
    before.clear()
    for player in game.players:
        place, move = places[player.id], player.input(tick)
        before[player.id] = place.copy()
        place.x = pygame.math.clamp(place.x + move.dx * SPEED * tick.dt, 0, WIDTH - SIZE)
        place.y = pygame.math.clamp(place.y + move.dy * SPEED * tick.dt, 0, HEIGHT - SIZE)
    game.publish({number: {"x": place.x, "y": place.y} for number, place in places.items()})


def main() -> None:
    pygame.init()
    screen = pygame.display.set_mode((WIDTH, HEIGHT))
    pygame.display.set_caption("ws://127.0.0.1:8056/")
    clock = pygame.time.Clock()
    with loop:  # says goodbye to everybody, however it ends
        while pygame.QUIT not in [event.type for event in pygame.event.get()]:
            loop.frame()  # the network, and the ticks that are due: 0 to 5; never waits
            screen.fill("black")
            for number, old in before.items():  # between the last two ticks, so that all move evenly
                x, y = old.lerp(places[number], loop.alpha)
                pygame.draw.rect(screen, COLORS[number % len(COLORS)], (x, y, SIZE, SIZE))
            pygame.display.flip()
            clock.tick(60)  # the only place that waits
    pygame.quit()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
