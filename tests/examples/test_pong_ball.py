"""The example's ball: it stays in its box, and bounces as light does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.pong_server.ball import HEIGHT, RADIUS, WIDTH, Ball, step

balls = st.builds(
    Ball,
    st.floats(RADIUS, WIDTH - RADIUS),
    st.floats(RADIUS, HEIGHT - RADIUS),
    st.floats(-100, 100),
    st.floats(-100, 100),
)


@given(balls, st.floats(0, 100))
def test_the_ball_stays_in_its_box_and_keeps_its_speed(ball: Ball, seconds: float) -> None:
    after = step(ball, seconds)
    assert RADIUS - 1e-9 <= after.x <= WIDTH - RADIUS + 1e-9
    assert RADIUS - 1e-9 <= after.y <= HEIGHT - RADIUS + 1e-9
    assert (abs(after.speed_x), abs(after.speed_y)) == (abs(ball.speed_x), abs(ball.speed_y))


@given(balls, st.floats(0, 10), st.floats(0, 10))
def test_two_steps_lead_where_one_of_both_leads(ball: Ball, first: float, second: float) -> None:
    twice, once = step(step(ball, first), second), step(ball, first + second)
    assert twice[:2] == pytest.approx(once[:2], abs=1e-6)


@pytest.mark.parametrize(
    ("ball", "seconds", "after"),
    [
        (Ball(8, 4, 1, -1), 0.0, Ball(8, 4, 1, -1)),
        (Ball(8, 4, 1, -1), 2.0, Ball(10, 2, 1, -1)),
        (Ball(15, 4, 1, 0), 1.0, Ball(15.1, 4, -1, 0)),  # 0.55 m to the right wall, the rest back
        (Ball(1, 4, -1, 0), 1.0, Ball(0.9, 4, 1, 0)),
        (Ball(8, 8, 0, 1), 1.0, Ball(8, 8.1, 0, -1)),
        (Ball(8, 4, 15.1, 0), 2.0, Ball(8, 4, 15.1, 0)),  # right, left, and back to where it was
    ],
)
def test_the_ball_bounces(ball: Ball, seconds: float, after: Ball) -> None:
    assert step(ball, seconds) == pytest.approx(after)
