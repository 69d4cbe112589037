"""The rules of the example: the ball keeps to the field, the paddles to their lines; the same moves give the same."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples.pong_server.game import (
    FACES,
    FIRST_SPEED,
    HEIGHT,
    LEFT,
    PADDLE,
    PADDLE_SPEED,
    RADIUS,
    RIGHT,
    SERVE_PAUSE,
    TOP_SPEED,
    WIDTH,
    WINNING_SCORE,
    Ball,
    Event,
    Move,
    Paddle,
    State,
    bounced,
    chance,
    step,
)

DT = 1 / 60
STILL = Move()
moves = st.builds(Move, st.floats(-1, 1), st.booleans())
balls = st.builds(
    Ball,
    st.floats(RADIUS, WIDTH - RADIUS),
    st.floats(RADIUS, HEIGHT - RADIUS),
    st.floats(1, 20) | st.floats(-20, -1),
    st.floats(-20, 20),
)
paddles = st.builds(Paddle, st.floats(PADDLE / 2, HEIGHT - PADDLE / 2), st.integers(0, WINNING_SCORE - 1))
states = st.builds(
    State,
    seed=st.integers(0, 99),
    ball=balls,
    paddles=st.tuples(paddles, paddles),
    pause=st.just(0.0),
    serving=st.sampled_from([LEFT, RIGHT]),
    hits=st.integers(0, 50),
)


def flying(ball: Ball, **fields: object) -> State:
    """A state in which that ball flies."""
    return replace(State(ball=ball, pause=0.0), **fields)  # type: ignore[arg-type]


def run(state: State, seconds: float, move: Move = STILL) -> tuple[State, list[Event]]:
    """So much later, with both players doing the same."""
    happened: list[Event] = []
    for _ in range(round(seconds / DT)):
        state, events = step(state, (move, move), DT)
        happened += events
    return state, happened


@given(states, st.lists(st.tuples(moves, moves), max_size=200), st.sampled_from([1 / 120, DT, 0.05, 0.25]))
@settings(deadline=None)
def test_ball_and_paddles_stay_in_the_field(state: State, inputs: list[tuple[Move, Move]], dt: float) -> None:
    for both in inputs:
        before = state
        state, events = step(state, both, dt)
        assert RADIUS - 1e-9 <= state.ball.x <= WIDTH - RADIUS + 1e-9
        assert RADIUS - 1e-9 <= state.ball.y <= HEIGHT - RADIUS + 1e-9
        for was, paddle in zip(before.paddles, state.paddles, strict=True):
            assert PADDLE / 2 <= paddle.y <= HEIGHT - PADDLE / 2
            assert abs(paddle.y - was.y) <= PADDLE_SPEED * dt + 1e-9
        scored = [event.side for event in events if event.kind == "point"]
        points = [paddle.score for paddle in state.paddles]
        if before.winner is None:
            assert sum(points) == sum(paddle.score for paddle in before.paddles) + len(scored)
        assert max(points) <= WINNING_SCORE


@given(states, st.lists(st.tuples(moves, moves), max_size=60))
@settings(deadline=None)
def test_the_same_moves_give_the_same_match(state: State, inputs: list[tuple[Move, Move]]) -> None:
    one = two = state
    for both in inputs:
        one, events = step(one, both, DT)
        two, again = step(two, both, DT)
        assert (one, events) == (two, again)


@given(st.floats(RADIUS, HEIGHT - RADIUS), st.floats(-30, 30), st.floats(0, 5), st.floats(0, 5))
def test_two_flights_lead_where_one_of_both_leads(y: float, vy: float, first: float, second: float) -> None:
    assert bounced(*bounced(y, vy, first), second)[0] == pytest.approx(bounced(y, vy, first + second)[0], abs=1e-6)


@pytest.mark.parametrize(
    ("y", "vy", "seconds", "after"),
    [
        (4.0, 1.0, 2.0, (6.0, 1.0)),
        (4.0, -1.0, 4.8, (1.2, 1.0)),  # 3.8 to the upper wall, the rest back
        (8.0, 1.0, 1.8, (7.8, -1.0)),
        (4.0, 8.6, 2.0, (4.0, 8.6)),  # down, up, and back to where it was
    ],
)
def test_walls_throw_the_ball_back(y: float, vy: float, seconds: float, after: tuple[float, float]) -> None:
    assert bounced(y, vy, seconds) == pytest.approx(after)


def test_the_ball_is_served_by_itself_after_a_pause() -> None:
    state, happened = run(State(serving=RIGHT), SERVE_PAUSE - 0.1)
    assert not happened
    assert state.ball == Ball()
    state, happened = run(state, 0.2)
    assert [(event.kind, event.side) for event in happened] == [("serve", RIGHT)]
    assert state.ball.vx < 0  # away from who serves
    assert (state.ball.vx**2 + state.ball.vy**2) ** 0.5 == pytest.approx(FIRST_SPEED)


def test_who_serves_may_serve_at_once_and_nobody_else() -> None:
    press = Move(serve=True)
    waiting, happened = step(State(serving=LEFT), (STILL, press), DT)
    assert not happened
    assert waiting.pause > 0
    served, [event] = step(waiting, (press, STILL), DT)
    assert (event.kind, event.side, served.pause) == ("serve", LEFT, 0.0)


@given(st.floats(-1, 1), st.sampled_from([LEFT, RIGHT]), st.floats(FIRST_SPEED, TOP_SPEED))
def test_the_farther_from_the_middle_the_steeper_and_each_hit_makes_it_faster(
    offset: float, side: int, speed: float
) -> None:
    to = 1 if side == RIGHT else -1
    y = HEIGHT / 2 + 0.99 * offset * (PADDLE / 2 + RADIUS)
    state, [event] = step(flying(Ball(FACES[side] - to * (RADIUS + 0.1), y, to * speed, 0.0)), (STILL, STILL), DT)
    assert (event.kind, event.side) == ("hit", side)
    assert state.ball.vx * to < 0
    assert state.ball.vy * offset >= 0
    assert abs(state.ball.vy) <= abs(state.ball.vx) * 1.5
    assert min(speed * 1.01, TOP_SPEED) - 1e-9 <= (state.ball.vx**2 + state.ball.vy**2) ** 0.5 <= TOP_SPEED + 1e-9


@pytest.mark.parametrize("side", [LEFT, RIGHT])
def test_a_missed_ball_is_a_point_and_the_loser_serves(side: int) -> None:
    to = 1 if side == RIGHT else -1
    state, happened = run(flying(Ball(vx=to * 12.0, y=1.0)), 1.0)
    assert [(event.kind, event.side) for event in happened] == [("point", 1 - side)]
    assert [paddle.score for paddle in state.paddles] == [int(side == RIGHT), int(side == LEFT)]
    assert (state.ball, state.serving) == (Ball(), side)


def test_who_has_eleven_has_won_and_a_new_match_begins() -> None:
    almost = (Paddle(score=WINNING_SCORE - 1), Paddle(score=7))
    state, happened = run(flying(Ball(vx=12.0, y=1.0), paddles=almost), 1.0, Move(serve=True))
    assert [(event.kind, event.side) for event in happened] == [("point", LEFT), ("won", LEFT)]
    assert state.winner == LEFT
    assert [paddle.score for paddle in state.paddles] == [WINNING_SCORE, 7]
    state, happened = run(state, 5.0)
    assert (state.winner, [paddle.score for paddle in state.paddles]) == (None, [0, 0])


def test_a_late_save_counts_while_the_ball_is_beside_the_paddle() -> None:
    ball = Ball(FACES[RIGHT] - RADIUS + 0.2, 4.5, 12.0, 0.0)
    _, [event] = step(flying(ball), (STILL, STILL), DT)
    assert event.kind == "hit"
    past = Ball(FACES[RIGHT] - RADIUS + 0.31, 4.5, 12.0, 0.0)
    assert step(flying(past), (STILL, STILL), DT)[1] == ()


def test_chance_is_the_same_for_the_same_numbers_and_evenly_spread() -> None:
    drawn = [chance(7, number) for number in range(2000)]
    assert drawn == [chance(7, number) for number in range(2000)]
    assert all(-1 <= number <= 1 for number in drawn)
    assert abs(sum(drawn)) < 100
    assert all(one != two for one, two in pairwise(drawn))
