"""The rules of Pong, as pure functions on a state. Here belongs what would hold on paper: no network, no clock.

`step` takes a state, what the two players do, and a time step; it gives the next state, and what happened on the way.
With the same moves the same match is played, with the same Python and C library (sine, cosine and hypotenuse are that
one's): what looks like chance comes from the state's seed.

The field is 16 by 9; x grows to the right and y downwards. Distances are in these units, times in seconds.
"""

import math
import random
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from msgspec import Meta

import tickws

LEFT, RIGHT = 0, 1
"""The two sides, and with them the two players."""
SIDES = ("left", "right")

WIDTH, HEIGHT = 16.0, 9.0
RADIUS = 0.2
"""Of the ball."""
PADDLE, THICKNESS, GAP = 1.8, 0.3, 0.5
"""A paddle's length and thickness, and the room behind it."""
FACES = (GAP + THICKNESS, WIDTH - GAP - THICKNESS)
"""Where the paddles' faces are, which the ball bounces off."""

PADDLE_SPEED = 9.0
FIRST_SPEED, FASTER, TOP_SPEED = 9.0, 1.07, 20.0
"""The ball's speed at the serve, by how much each hit makes it faster, and the end of that."""
STEEPEST = math.radians(55)
"""The angle of a ball that was hit with the very end of a paddle."""

WINNING_SCORE = 11
SERVE_PAUSE, MATCH_PAUSE = 1.5, 5.0
"""The ball is served by itself after the first; after the second a new match begins."""


class Move(tickws.Input):
    """What a player does in one tick. The type is all that tickws needs to know of it: it checks what comes in."""

    dy: Annotated[float, Meta(ge=-1, le=1)] = 0.0  # up is -1, down is 1; held: goes on until something else is said
    serve: tickws.Press = False  # happens once for each time it is pressed


Kind = Literal["serve", "hit", "wall", "point", "won"]


@dataclass(frozen=True)
class Event:
    """Something that happened in a step, for ears and eyes; the state holds all that matters for the game."""

    kind: Kind
    side: int  # who did it; for "wall", whose ball it is
    x: float
    y: float
    speed: float  # of the ball


@dataclass(frozen=True)
class Ball:
    """Where the ball's centre is, and its speed."""

    x: float = WIDTH / 2
    y: float = HEIGHT / 2
    vx: float = 0.0
    vy: float = 0.0


@dataclass(frozen=True)
class Paddle:
    """Where a paddle's middle is, and the points of the player who moves it."""

    y: float = HEIGHT / 2
    score: int = 0


@dataclass(frozen=True)
class State:
    """All there is to know between two steps."""

    seed: int = 0
    ball: Ball = Ball()
    paddles: tuple[Paddle, Paddle] = (Paddle(), Paddle())
    pause: float = SERVE_PAUSE  # until the ball is served by itself; 0 while it flies
    serving: int = LEFT
    winner: int | None = None
    serves: int = 0
    hits: int = 0  # since the serve


Stepped = tuple[State, tuple[Event, ...]]


def step(state: State, moves: tuple[Move, Move], dt: float) -> Stepped:
    """The state `dt` seconds later, and what happened on the way."""
    left, right = state.paddles
    state = replace(state, paddles=(_moved(left, moves[LEFT], dt), _moved(right, moves[RIGHT], dt)))
    return _wait(state, moves, dt) if state.pause > 0 else _fly(state, dt)


def new_match(state: State) -> State:
    """No points for nobody, and a moment to get ready; the paddles stay where they are."""
    left, right = (replace(paddle, score=0) for paddle in state.paddles)
    return State(state.seed, paddles=(left, right), serving=1 - state.serving, serves=state.serves)


def bounced(y: float, vy: float, seconds: float) -> tuple[float, float]:
    """Height and speed of a ball between the walls, so much later: a bounce is a straight way, folded at the wall."""
    room = HEIGHT - 2 * RADIUS
    way = (y - RADIUS + vy * seconds) % (2 * room)
    return (RADIUS + way, vy) if way <= room else (RADIUS + 2 * room - way, -vy)


def chance(*numbers: int) -> float:
    """From -1 to 1: the same for the same numbers, and nothing to be guessed from others."""
    return random.Random(repr(numbers)).uniform(-1, 1)


def _moved(paddle: Paddle, move: Move, dt: float) -> Paddle:
    y = paddle.y + move.dy * PADDLE_SPEED * dt
    return replace(paddle, y=min(max(y, PADDLE / 2), HEIGHT - PADDLE / 2))


def _wait(state: State, moves: tuple[Move, Move], dt: float) -> Stepped:
    """The ball lies in the middle, until it is served or a new match begins."""
    pause = state.pause - dt
    pressed = moves[state.serving].serve and state.winner is None
    if pause > 0 and not pressed:
        return replace(state, pause=pause), ()
    if state.winner is not None:
        return new_match(state), ()
    angle = chance(state.seed, state.serves) * STEEPEST / 2
    ball = Ball(vx=FIRST_SPEED * math.cos(angle) * _to(1 - state.serving), vy=FIRST_SPEED * math.sin(angle))
    served = replace(state, ball=ball, pause=0.0, serves=state.serves + 1, hits=0)
    return served, (Event("serve", state.serving, ball.x, ball.y, FIRST_SPEED),)


def _fly(state: State, dt: float) -> Stepped:
    """The ball flies on: to a paddle, past it, or somewhere in between, perhaps off a wall."""
    ball = state.ball
    side = RIGHT if ball.vx > 0 else LEFT  # who has to get it
    speed = math.hypot(ball.vx, ball.vy)

    before = (FACES[side] - ball.x) * _to(side) - RADIUS  # from the ball's edge to the paddle's face
    after = before - abs(ball.vx) * dt
    if after <= 0 < before + THICKNESS:
        y, _ = bounced(ball.y, ball.vy, max(0.0, before) / abs(ball.vx))
        offset = (y - state.paddles[side].y) / (PADDLE / 2 + RADIUS)  # -1 is the upper end, 1 the lower
        if abs(offset) <= 1:
            hit = _hit(side, y, offset, min(speed * FASTER, TOP_SPEED))
            return replace(state, ball=hit, hits=state.hits + 1), (Event("hit", side, hit.x, hit.y, speed),)

    x = ball.x + ball.vx * dt
    if not RADIUS < x < WIDTH - RADIUS:
        return _point(state, 1 - side, speed)
    y, vy = bounced(ball.y, ball.vy, dt)
    events = () if vy == ball.vy else (Event("wall", 1 - side, x, y, speed),)
    return replace(state, ball=Ball(x, y, ball.vx, vy)), events


def _hit(side: int, y: float, offset: float, speed: float) -> Ball:
    """The ball as it leaves a paddle: the farther from its middle, the steeper."""
    angle = offset * STEEPEST
    away = -_to(side)
    return Ball(FACES[side] + away * RADIUS, y, speed * math.cos(angle) * away, speed * math.sin(angle))


def _point(state: State, scorer: int, speed: float) -> Stepped:
    left, right = (replace(paddle, score=paddle.score + (side == scorer)) for side, paddle in enumerate(state.paddles))
    won = (left, right)[scorer].score == WINNING_SCORE
    x, y = (WIDTH, 0.0)[scorer], state.ball.y
    events = [Event("point", scorer, x, y, speed)]
    if won:
        events.append(Event("won", scorer, x, y, speed))
    return (
        replace(
            state,
            ball=Ball(),
            paddles=(left, right),
            pause=MATCH_PAUSE if won else SERVE_PAUSE,
            serving=1 - scorer,
            winner=scorer if won else None,
        ),
        tuple(events),
    )


def _to(side: int) -> int:
    """The sign of a speed towards that side."""
    return 1 if side == RIGHT else -1
