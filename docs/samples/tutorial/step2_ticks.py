"""Step 2: the same game in fixed steps of time: 60 ticks a second, however often it is drawn."""

import pygame
from rules import RIGHT, Ball, Paddle, State, robot, step
from step1_alone import controls, draw, open_window

import tickws


class Game:
    """The newest state, the one before it, and what the player does."""

    def __init__(self) -> None:
        self.before = self.state = State()
        self.dy, self.serve = 0.0, False

    def simulate(self, tick: tickws.Tick) -> None:
        self.before = self.state
        self.state = step(self.state, self.dy, robot(self.state, RIGHT), self.serve, tick.dt)
        self.serve = False  # a press counts once; `dy` is held, and goes on


def between(before: State, after: State, alpha: float) -> State:
    """What to draw between two ticks: alpha 0.0 is the first, 1.0 the second."""

    def mix(old: float, new: float) -> float:
        return old + (new - old) * alpha

    ball = Ball(mix(before.ball.x, after.ball.x), mix(before.ball.y, after.ball.y), after.ball.vx, after.ball.vy)
    (left, right), (new_left, new_right) = before.paddles, after.paddles
    return State(
        ball, (Paddle(mix(left.y, new_left.y), new_left.score), Paddle(mix(right.y, new_right.y), new_right.score))
    )


def main() -> None:
    screen = open_window("Pong, step 2")
    clock = pygame.time.Clock()
    loop, game = tickws.TickLoop(rate=60), Game()
    loop.system(game.simulate)
    while (pressed := controls()) is not None:
        game.dy = pressed[0]
        game.serve = game.serve or pressed[1]  # kept until a tick has used it
        loop.frame()  # runs the ticks that are due: often one, sometimes none, sometimes two
        draw(screen, between(game.before, game.state, loop.alpha), f"tick {loop.ticks}")
        clock.tick(120)
    loop.close()
    pygame.quit()


if __name__ == "__main__":
    main()
