"""The example's own paddle, as a player sees it: at once, and led back softly where the server differs."""

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.pong_server.client import MEMORY, OwnPaddle
from examples.pong_server.game import HEIGHT, PADDLE, PADDLE_SPEED

DT = 1 / 60
TOP, BOTTOM = PADDLE / 2, HEIGHT - PADDLE / 2


@given(st.lists(st.sampled_from([-1.0, -0.4, 0.0, 1.0]), min_size=1, max_size=40), st.integers(0, int(MEMORY / DT) - 2))
def test_a_server_that_agrees_but_late_is_never_felt(moves: list[float], delay: int) -> None:
    own, y, now = OwnPaddle(), HEIGHT / 2, 0.0
    said = deque([y] * (delay + 1))  # what is on its way from the server
    for move in moves:
        for _ in range(5):
            now += DT
            y = min(max(y + move * PADDLE_SPEED * DT, TOP), BOTTOM)
            said.append(y)
            assert own.step(move, said.popleft(), DT, now) == pytest.approx(y)


@given(st.floats(TOP, BOTTOM), st.floats(TOP, BOTTOM))
def test_where_the_server_differs_the_paddle_goes_there_without_a_jump(ours: float, theirs: float) -> None:
    own, now = OwnPaddle(), 0.0
    y = own.step(0.0, ours, DT, now)
    for _ in range(120):
        now += DT
        before, y = y, own.step(0.0, theirs, DT, now)
        assert abs(y - before) <= abs(theirs - ours) * 0.15
    assert y == pytest.approx(theirs, abs=0.05)


def test_it_moves_at_once_and_stays_in_the_field() -> None:
    own = OwnPaddle()
    assert own.step(1.0, 4.5, DT, 0.0) == pytest.approx(4.5 + PADDLE_SPEED * DT)
    for tick in range(1, 100):
        y = own.step(1.0, 4.5 if tick < 5 else BOTTOM, DT, tick * DT)
    assert y == pytest.approx(BOTTOM)
