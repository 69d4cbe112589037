"""The sample in Panda3D, with the real library and without a display: no window at all, or one drawn by software."""

import itertools
import runpy
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import tickws
from tests.hosts.helpers import Move, Stage, end, play
from tests.hosts.runner import SAMPLES, Game, prepare_panda3d
from tests.program import SECONDS

SAMPLE = "panda3d_loop.py"


@pytest.fixture(params=["none", "offscreen"])
def stage(request: pytest.FixtureRequest, require: Callable[[str], str]) -> Iterator[Stage]:
    """The sample, which runs."""
    require("panda3d")
    with Stage("panda3d", SAMPLE, request.param) as stage:
        yield stage


def test_players_join_and_move(stage: Stage) -> None:
    run = play(stage)
    assert run.frames < 1.5 * run.ticks  # it sleeps in between


def test_closing_the_window_says_goodbye(stage: Stage) -> None:
    end(stage, signal.SIGUSR1)


def test_ctrl_c_says_goodbye(stage: Stage) -> None:
    end(stage, signal.SIGINT)


# -- what is drawn ---------------------------------------------------------------------------------------------------


@pytest.fixture
def game(require: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The sample's game in this process; it draws as often as it can."""
    require("panda3d")
    prepare_panda3d()
    monkeypatch.setattr(tickws, "GameServer", Game)
    game = runpy.run_path(str(SAMPLES / SAMPLE))["Game"]("offscreen")
    game.taskMgr.remove("sleep")
    game.camera.setPos(0, -40, 0)
    yield game
    game.tick_loop.close()
    game.taskMgr.remove("tickws")
    game.destroy()


def bright(game: Any) -> set[int]:
    """The columns of the picture in which there is anything but background."""
    from panda3d.core import PNMImage

    picture = PNMImage()
    assert game.win.getScreenshot(picture)
    width, height = picture.getXSize(), picture.getYSize()
    background = sum(picture.getXel(0, 0))
    step = range(0, height, 4)
    return {x for x in range(0, width, 4) if any(sum(picture.getXel(x, y)) > background + 0.3 for y in step)}


def test_boxes_are_drawn_where_they_are_between_two_ticks(game: Any) -> None:
    client = tickws.GameClient(f"ws://127.0.0.1:{game.server.port}/", inputs=Move)
    drawn: list[tuple[int, float]] = []

    def until(reached: Callable[[], bool]) -> None:
        deadline = time.monotonic() + SECONDS
        while not reached():
            assert time.monotonic() < deadline
            client.work(0.002)
            game.taskMgr.step()
            for box in game.boxes.values():
                assert box.before.x - 1e-5 <= box.node.getX() <= box.now.x + 1e-5  # Panda's floats are short
                drawn.append((game.tick_loop.ticks, box.node.getX()))

    until(lambda: client.player in client.state())
    before = bright(game)
    drawn.clear()
    client.send_input(Move(dx=1.0))
    until(lambda: any(a[0] == b[0] and a[1] < b[1] for a, b in itertools.pairwise(drawn)))  # two places of one tick
    until(lambda: drawn[-1][1] > 4.0)
    places = [x for _, x in drawn]
    assert places == sorted(places)
    after = bright(game)
    assert max(before) < max(after)
    assert min(before) < min(after)

    game.mainWinMinimized = True  # as when the window is: the sample will not have it
    game.taskMgr.step()
    assert not game.mainWinMinimized

    client.close()
    until(lambda: not client.work() and not game.boxes)
    assert game.render.findAllMatches("**/+ModelRoot").getNumPaths() == 0
    assert not bright(game)
