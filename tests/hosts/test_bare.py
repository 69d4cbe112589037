"""The sample without a host: a `while` of one's own; and the guest that fits all games of the recipes."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hosts.helpers import Guest, Stage, end, play
from tests.hosts.runner import SAMPLES
from tests.program import Program


@pytest.fixture
def stage() -> Iterator[Stage]:
    """The sample, which runs."""
    with Stage("bare", "bare_loop.py") as stage:
        yield stage


def test_players_join_and_move(stage: Stage) -> None:
    play(stage)


def test_ctrl_c_says_goodbye(stage: Stage) -> None:
    end(stage, signal.SIGINT)


def test_the_guest_joins_and_walks(stage: Stage, tmp_path: Path) -> None:
    sample = (SAMPLES / "guest.py").read_text(encoding="utf-8")
    assert sample.count("8056") == 1
    copy = tmp_path / "guest.py"
    copy.write_text(sample.replace("8056", str(stage.port)), encoding="utf-8")
    walker = Program("-u", copy)
    try:
        walker.wait_for("Connected")
        with Guest(stage.url) as guest:
            state = guest.client.state
            guest.until(lambda: len(state()) == 2)
            [other] = [number for number in state() if number != guest.number]
            start = state()[other]
            guest.until(lambda: state()[other]["x"] != start["x"] and state()[other]["y"] != start["y"])
        assert walker.stop() == 0
    finally:
        walker.close()
