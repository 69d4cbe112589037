"""The game, for now: a ball in a box. Here belong the rules, as pure functions: no network, no clock, no chance."""

from typing import NamedTuple

WIDTH, HEIGHT, RADIUS = 16.0, 9.0, 0.45
"""The box and the ball, in metres."""


class Ball(NamedTuple):
    """Where the ball's centre is, in metres from a corner of the box, and its speed, in metres a second."""

    x: float
    y: float
    speed_x: float
    speed_y: float


SERVE = Ball(WIDTH / 4, HEIGHT / 2, 5.3, 3.7)
"""The first ball."""


def step(ball: Ball, seconds: float) -> Ball:
    """The ball so much later; walls throw it back without loss."""
    x, speed_x = _bounce(ball.x, ball.speed_x, seconds, WIDTH)
    y, speed_y = _bounce(ball.y, ball.speed_y, seconds, HEIGHT)
    return Ball(x, y, speed_x, speed_y)


def _bounce(position: float, speed: float, seconds: float, size: float) -> tuple[float, float]:
    """Position and speed between two walls, exact for any time: a bounce is a straight way, folded at the wall."""
    room = size - 2 * RADIUS
    way = (position - RADIUS + speed * seconds) % (2 * room)
    if way <= room:
        return RADIUS + way, speed
    return RADIUS + 2 * room - way, -speed
