"""The sample in arcade, with the real library and without a display: arcade's headless mode, which draws by EGL."""

import signal
from collections.abc import Callable, Iterator

import pytest

from tests.hosts.helpers import Stage, end, play


@pytest.fixture
def stage(require: Callable[[str], str]) -> Iterator[Stage]:
    """The sample, which runs."""
    require("arcade")
    require("egl")
    require("freetype")
    with Stage("arcade", "arcade_loop.py") as stage:
        yield stage


def test_players_join_and_move(stage: Stage) -> None:
    play(stage)


def test_closing_the_window_says_goodbye(stage: Stage) -> None:
    end(stage, signal.SIGUSR1)


def test_ctrl_c_says_goodbye(stage: Stage) -> None:
    end(stage, signal.SIGINT)
