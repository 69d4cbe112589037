"""The rules of Pong: pure functions on a state. No window, no keyboard, no network, no clock."""

from dataclasses import dataclass, replace

WIDTH, HEIGHT = 800.0, 450.0
RADIUS = 8.0  # of the ball
LENGTH, THICKNESS = 80.0, 10.0  # of a paddle
PADDLE_X = (24.0, WIDTH - 24.0)
PADDLE_SPEED, SERVE_SPEED, TOP_SPEED = 400.0, 340.0, 900.0  # a second
LEFT, RIGHT = 0, 1


@dataclass(frozen=True)
class Ball:
    x: float = WIDTH / 2
    y: float = HEIGHT / 2
    vx: float = 0.0  # not moving: it waits to be served
    vy: float = 0.0


@dataclass(frozen=True)
class Paddle:
    y: float = HEIGHT / 2
    score: int = 0


@dataclass(frozen=True)
class State:
    ball: Ball = Ball()
    paddles: tuple[Paddle, Paddle] = (Paddle(), Paddle())

    @property
    def points(self) -> int:
        """How many have been played."""
        return self.paddles[LEFT].score + self.paddles[RIGHT].score


def step(state: State, left: float, right: float, serve: bool, dt: float) -> State:
    """The state `dt` seconds later. `left` and `right` move the paddles: -1 is up, 1 is down."""
    paddles = (move(state.paddles[LEFT], left, dt), move(state.paddles[RIGHT], right, dt))
    if state.ball.vx != 0:
        return fly(state.ball, paddles, dt)
    if serve:
        return State(Ball(vx=-SERVE_SPEED if state.points % 2 else SERVE_SPEED, vy=SERVE_SPEED / 3), paddles)
    return State(state.ball, paddles)


def move(paddle: Paddle, dy: float, dt: float) -> Paddle:
    y = paddle.y + dy * PADDLE_SPEED * dt
    return replace(paddle, y=min(max(y, LENGTH / 2), HEIGHT - LENGTH / 2))


def fly(ball: Ball, paddles: tuple[Paddle, Paddle], dt: float) -> State:
    x, y, vx, vy = ball.x + ball.vx * dt, ball.y + ball.vy * dt, ball.vx, ball.vy
    if (y < RADIUS and vy < 0) or (y > HEIGHT - RADIUS and vy > 0):  # a wall
        vy = -vy
    side = LEFT if vx < 0 else RIGHT
    offset = (y - paddles[side].y) / (LENGTH / 2 + RADIUS)  # -1 is the paddle's upper end, 1 its lower one
    if abs(x - PADDLE_X[side]) < RADIUS + THICKNESS / 2 and abs(offset) < 1:  # a hit: back, and a little faster
        vx, vy = max(-TOP_SPEED, min(-1.06 * vx, TOP_SPEED)), SERVE_SPEED * offset
    if 0 < x < WIDTH:
        return State(Ball(x, y, vx, vy), paddles)
    left, right = paddles  # a point
    if side == LEFT:
        return State(Ball(), (left, replace(right, score=right.score + 1)))
    return State(Ball(), (replace(left, score=left.score + 1), right))


def robot(state: State, side: int) -> float:
    """What the computer does with a paddle: it follows the ball, not quite as fast as you can."""
    return max(-0.6, min((state.ball.y - state.paddles[side].y) / 20, 0.6))
