"""The computer's player, as a pure function. Here belongs how well it plays, and how much like one of us.

It may do what a player may: `move` looks at the state and gives a `Move`. It knows where the ball will arrive, but
judges that late and not quite right, and less so the faster the ball is; and it needs a moment to see what was hit.
"""

import math

from examples.pong_server.game import FACES, FIRST_SPEED, HEIGHT, LEFT, RADIUS, WIDTH, Move, State, bounced, chance

REACTION = 0.22
"""Seconds until it has seen where a ball goes."""
FORESIGHT = 0.75
"""Seconds ahead that it sees well; of a ball that needs longer it only follows the height."""
HASTE, CALM = 0.85, 0.3
"""How fast it runs for a ball, and back to its place; a player's full speed is 1."""
AIM = 0.65
"""How far from its paddle's middle it likes to take a ball."""
ERROR, ERROR_PER_SPEED = 0.5, 0.13
"""How far it misjudges a slow ball, and by how much more a faster one."""
SERVE_AT = 0.7
"""It serves when so much of the pause is left."""


def move(state: State, side: int) -> Move:
    """What the computer does for that side."""
    ball = state.ball
    distance = abs(FACES[side] - ball.x) - RADIUS
    coming = ball.vx < 0 if side == LEFT else ball.vx > 0
    if not coming or _flown(state, side) < REACTION:
        home = HEIGHT / 2 + chance(state.seed, state.serves, state.hits, side)
        return Move(dy=_towards(state.paddles[side].y, home, CALM), serve=_serves(state, side))

    seconds = distance / abs(ball.vx)
    arrives, _ = bounced(ball.y, ball.vy, seconds)
    sure = min(1.0, FORESIGHT / max(seconds, 0.01))
    error = ERROR + ERROR_PER_SPEED * (math.hypot(ball.vx, ball.vy) - FIRST_SPEED)
    target = ball.y + (arrives - ball.y) * sure
    shot = (state.seed, state.serves, state.hits)
    target += AIM * chance(*shot, 2) + error * chance(*shot, 3)
    return Move(dy=_towards(state.paddles[side].y, target, HASTE))


def _serves(state: State, side: int) -> bool:
    return state.serving == side and 0 < state.pause < SERVE_AT


def _flown(state: State, side: int) -> float:
    """Seconds since the ball was hit on the other side, or served."""
    start = FACES[1 - side] if state.hits else WIDTH / 2
    return abs(state.ball.x - start) / abs(state.ball.vx)


def _towards(y: float, target: float, most: float) -> float:
    """There in a straight line, and slower for the last bit."""
    return min(max((target - y) * 2, -most), most)
