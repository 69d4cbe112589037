"""The example's pygame window, which nobody sees, against its server in memory; and a machine without a display."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.examples.table import URL, Table
from tests.program import ROOT, SECONDS, Program

DT = 1 / 60


class Screen:
    """A window at the table, and the keys that are held down."""

    def __init__(self, pygame: Any, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
        from examples.pong_server.window import Window

        self.pygame, self.table = pygame, table
        self.held: set[int] = set()
        monkeypatch.setattr(pygame.key, "get_pressed", lambda: {key: key in self.held for key in self.keys()})
        self.window = Window(URL, "Ada", network=table.network)

    def keys(self) -> list[int]:
        return [getattr(self.pygame, f"K_{name}") for name in ("UP", "DOWN", "w", "s")]

    def press(self, name: str) -> None:
        """A key, once."""
        self.pygame.event.post(self.pygame.event.Event(self.pygame.KEYDOWN, key=getattr(self.pygame, f"K_{name}")))

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / DT)):
            self.window.frame(DT)
            self.table.run(DT)

    def picture(self) -> bytes:
        return bytes(self.pygame.image.tobytes(self.window.screen, "RGB"))


@pytest.fixture
def pygame(require: Callable[[str], str]) -> Iterator[Any]:
    """pygame with a window and a sound device that nobody notices."""
    require("pygame")
    import pygame

    pygame.display.init()
    pygame.font.init()
    yield pygame
    pygame.quit()


@pytest.fixture
def screen(pygame: Any, monkeypatch: pytest.MonkeyPatch) -> Screen:
    return Screen(pygame, Table(), monkeypatch)


def test_a_held_key_moves_our_paddle_at_once_and_on_the_server(screen: Screen) -> None:
    screen.run(0.5)
    assert screen.window.mine == "left"
    shown = screen.window.view["left"]["y"]
    screen.held = {screen.pygame.K_UP}
    screen.window.frame(DT)
    assert screen.window.view["left"]["y"] == pytest.approx(shown - 9 * DT)  # before the server knows
    screen.run(1.0)
    assert screen.table.pong.match.state.paddles[0].y == pytest.approx(0.9)
    screen.held = {screen.pygame.K_s}
    screen.run(0.4)
    screen.held = set()
    screen.run(1.0)
    y = screen.table.pong.match.state.paddles[0].y
    assert y == pytest.approx(0.9 + 0.4 * 9, abs=0.4)
    assert screen.window.view["left"]["y"] == pytest.approx(y, abs=0.05)  # led back softly


def test_ball_and_scores_are_shown_and_change(screen: Screen) -> None:
    screen.run(2.5)
    one = screen.picture()
    screen.run(0.2)
    assert screen.picture() != one
    screen.held = {screen.pygame.K_UP}
    for _ in range(600):
        screen.run(0.1)
        if screen.window.view["right"]["score"]:
            return
    pytest.fail("nobody scores against who does nothing")


def test_space_serves_and_takes_a_free_paddle(pygame: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table()
    others = [table.join(name) for name in ("Grace", "Linus")]
    table.run(0.5)
    screen = Screen(pygame, table, monkeypatch)
    screen.run(0.5)
    assert screen.window.mine is None
    assert screen.window.client.spectator
    assert "taken" in screen.window.hint()
    screen.press("SPACE")  # does nothing
    screen.run(0.2)
    assert screen.window.client.spectator
    others[0].leave()
    screen.run(0.5)
    assert "press space to play" in screen.window.hint()
    screen.press("SPACE")
    screen.run(0.5)
    assert screen.window.mine == "left"
    assert table.pong.match.seats[0].name == "Ada"


def test_a_lost_connection_is_said_and_found_again(screen: Screen) -> None:
    screen.run(0.5)
    table = screen.table
    table.pong.game.close(1001, "the server was stopped")
    screen.run(0.3)
    assert screen.window.trouble
    picture = screen.picture()
    table.pong.loop.close()
    screen.table = Table(network=table.network)
    screen.run(10.0)
    assert screen.window.trouble == ""
    assert screen.window.mine == "left"
    assert screen.picture() != picture


def test_the_window_may_have_any_size(screen: Screen) -> None:
    screen.run(0.5)
    for size in ((400, 300), (1600, 500), (300, 900)):
        screen.window.screen = screen.pygame.display.set_mode(size, screen.pygame.RESIZABLE)
        screen.run(0.1)
        assert screen.window.board.size == size
        assert len(set(screen.picture())) > 20


def test_escape_and_the_window_s_button_end_it(screen: Screen) -> None:
    screen.run(0.1)
    screen.press("ESCAPE")
    screen.run(0.1)
    assert not screen.window.running
    screen.window.running = True
    screen.pygame.event.post(screen.pygame.event.Event(screen.pygame.QUIT))
    screen.run(0.1)
    assert not screen.window.running


def play(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """The program that opens a window, to its end."""
    kept = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    kept.pop("SDL_VIDEODRIVER", None)
    return subprocess.run(
        [sys.executable, "-m", "examples.pong_server", "play", *arguments],
        cwd=ROOT,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a display")
@pytest.mark.parametrize("environment", [{}, {"SDL_VIDEODRIVER": "x11"}, {"SDL_VIDEODRIVER": "nonsense"}])
def test_without_a_display_one_line_says_so_and_names_the_url(
    require: Callable[[str], str], environment: dict[str, str]
) -> None:
    require("pygame")
    done = play("http://127.0.0.1:9999/", **environment)
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("No window can be opened here")
    assert "Open http://127.0.0.1:9999/ in a browser instead" in line
    assert "SDL_VIDEODRIVER" in line


def test_without_pygame_one_line_says_what_to_do(tmp_path: Any) -> None:
    (tmp_path / "pygame.py").write_text("raise ImportError('No module named pygame')")
    done = play(PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert "pip install" in line
    assert "http://127.0.0.1:8056/ in a browser" in line


@pytest.mark.skipif(os.name != "posix", reason="the program is interrupted as POSIX does it")
def test_a_window_of_its_own_joins_a_real_server(require: Callable[[str], str], start: Callable[..., Program]) -> None:
    """The whole way, over TCP: the window plays, is interrupted, and leaves its paddle."""
    require("pygame")
    import signal
    import time

    import tickws
    from examples.pong_server.client import joining
    from examples.pong_server.game import Move

    program = start()
    window = subprocess.Popen(
        [sys.executable, "-m", "examples.pong_server", "play", program.url, "--name", "Ada"],
        cwd=ROOT,
        env={**os.environ, "SDL_VIDEODRIVER": "dummy", "SDL_AUDIODRIVER": "dummy"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    watcher = tickws.GameClient(joining(program.url), inputs=Move, role="spectator")

    def until(name: str) -> None:
        deadline = time.monotonic() + SECONDS
        while watcher.state().get("left", {}).get("name") != name:
            assert time.monotonic() < deadline
            assert watcher.work(0.01, wait=0.01)

    try:
        until("Ada")
        window.send_signal(signal.SIGINT)
        output = window.communicate(timeout=SECONDS)
    finally:
        window.kill()
        window.communicate()
    assert (window.returncode, output) == (0, ("", ""))
    until("computer")
    watcher.close()
    while watcher.work(0.05, wait=0.05):
        pass
