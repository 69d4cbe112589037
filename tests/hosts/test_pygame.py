"""The sample in pygame, with the real library and without a display: SDL's dummy driver."""

import signal
import time
from collections.abc import Callable, Iterator

import pytest

from tests.hosts.helpers import Stage, end, play
from tests.program import SECONDS


@pytest.fixture
def stage(require: Callable[[str], str]) -> Iterator[Stage]:
    """The sample, which runs."""
    require("pygame")
    with Stage("pygame", "pygame_loop.py") as stage:
        yield stage


def test_players_join_and_move(stage: Stage) -> None:
    play(stage)


def test_closing_the_window_says_goodbye(stage: Stage) -> None:
    end(stage, signal.SIGUSR1)


def test_ctrl_c_says_goodbye(stage: Stage) -> None:
    end(stage, signal.SIGINT)


@pytest.mark.parametrize("way", ["tick", "tick_busy_loop"])
def test_60_frames_a_second_are_frames_of_16_ms(require: Callable[[str], str], way: str) -> None:
    """Of 16.67 ms, three frames in a row are 49 whole ones at least, however they fall. As docs/recipes.md says."""
    require("pygame")
    import pygame

    tick = getattr(pygame.time.Clock(), way)
    tick(60)
    frames: list[int] = []
    give_up = time.monotonic() + SECONDS
    while frames[-3:] != [16, 16, 16]:  # on a machine that is busy, now and then one takes longer
        assert time.monotonic() < give_up, frames
        frames.append(tick(60))
