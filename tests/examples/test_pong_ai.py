"""The example's computer player: it returns most balls, moves as a player may, and can be beaten."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples.pong_server import ai
from examples.pong_server.game import FACES, LEFT, PADDLE, RADIUS, RIGHT, Ball, Move, State, bounced, step
from tests.examples.test_pong_game import DT, STILL, states

Player = Callable[[State, int], Move]


def still(state: State, side: int) -> Move:
    return STILL


def expert(state: State, side: int) -> Move:
    """A good player: at once where the ball will be, and hitting it off the middle."""
    ball, y = state.ball, state.paddles[side].y
    target = 4.5
    if (ball.vx > 0) == (side == RIGHT) and ball.vx:
        target = bounced(ball.y, ball.vy, (abs(FACES[side] - ball.x) - RADIUS) / abs(ball.vx))[0] - 0.35 * PADDLE
    return Move(dy=min(max((target - y) * 4, -1), 1))


def match(seed: int, left: Player) -> tuple[State, int, int]:
    """A whole match against the computer on the right: its end, and how many balls it returned and missed."""
    state, returned, missed = State(seed=seed), 0, 0
    for _ in range(60 * 1200):
        state, events = step(state, (left(state, LEFT), ai.move(state, RIGHT)), DT)
        returned += sum(event.kind == "hit" and event.side == RIGHT for event in events)
        missed += sum(event.kind == "point" and event.side == LEFT for event in events)
        if state.winner is not None:
            return state, returned, missed
    pytest.fail("this match never ends")


def test_it_beats_who_does_nothing() -> None:
    state, _, missed = match(3, still)
    assert state.winner == RIGHT
    assert missed <= 2


def test_it_returns_most_balls_and_loses_to_an_expert() -> None:
    ended = [match(seed, expert) for seed in range(3)]
    assert [state.winner for state, _, _ in ended] == [LEFT] * 3
    returned, missed = sum(returned for _, returned, _ in ended), sum(missed for _, _, missed in ended)
    assert returned > 2 * missed


def test_against_itself_both_score() -> None:
    state, returned, _ = match(1, ai.move)
    assert all(paddle.score > 1 for paddle in state.paddles)
    assert returned > 30


@given(states, st.sampled_from([LEFT, RIGHT]))
def test_it_does_what_a_player_may_and_the_same_in_the_same_state(state: State, side: int) -> None:
    move = ai.move(state, side)
    assert -ai.HASTE <= move.dy <= ai.HASTE
    assert move == ai.move(state, side)


@given(st.floats(1.0, 8.0), st.floats(-6, 6))
@settings(max_examples=50)
def test_it_needs_a_moment_to_see_what_was_hit(y: float, vy: float) -> None:
    """The moment after a hit it does the same, wherever the ball goes."""
    start = FACES[LEFT] + RADIUS
    seen = [ai.move(State(ball=Ball(start, 4.5, 9.0, 0.0), pause=0.0, hits=1), RIGHT)]
    seen.append(ai.move(State(ball=Ball(start, y, 9.0, vy), pause=0.0, hits=1), RIGHT))
    assert seen[0] == seen[1]


def test_it_serves_for_itself_and_after_a_moment() -> None:
    served = [ai.move(State(serving=RIGHT, pause=pause), RIGHT).serve for pause in (1.5, 0.8, 0.5)]
    assert served == [False, False, True]
    assert not ai.move(State(serving=LEFT, pause=0.5), RIGHT).serve
