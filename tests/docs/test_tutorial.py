"""The tutorial's programs do what its page says: the windows on SDL's dummy driver, the page in Chromium."""

from __future__ import annotations

import contextlib
import importlib
import re
import shutil
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import tickws
from tests.program import ROOT, SECONDS, Program

TUTORIAL = ROOT / "docs" / "samples" / "tutorial"
MODULES = [path.stem for path in TUTORIAL.glob("*.py")]
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
CHROMIUM += ["--disable-component-update", "--disable-sync"]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    """Imports a step as a reader's Python does: from the folder it lies in."""
    monkeypatch.syspath_prepend(str(TUTORIAL))
    yield importlib.import_module
    for name in MODULES:
        sys.modules.pop(name, None)


# -- the rules -------------------------------------------------------------------------------------------------------


def test_the_rules(load: Callable[[str], Any]) -> None:
    rules = load("rules")
    state = rules.State()
    assert rules.step(state, 0.0, 0.0, False, 1 / 60) == state
    highest = 0.0
    for number in range(60 * 120):  # somebody who hits with the paddle's end, and nods off for a half of two minutes
        aim = (state.ball.y - state.paddles[rules.LEFT].y + 38) / 8
        left = max(-1.0, min(aim, 1.0)) if number < 60 * 60 else 0.0
        right = rules.robot(state, rules.RIGHT)
        state = rules.step(state, left, right, number % 60 == 0, 1 / 60)
        highest = max(highest, abs(state.ball.vx))
        assert 0 < state.ball.x < rules.WIDTH
        assert -4 < state.ball.y < rules.HEIGHT + 4
        assert all(40 <= paddle.y <= rules.HEIGHT - 40 for paddle in state.paddles)
    assert state.paddles[rules.LEFT].score > 0  # each misses now and then,
    assert state.paddles[rules.RIGHT].score > 0
    assert rules.SERVE_SPEED < highest <= rules.TOP_SPEED  # and not always


# -- the windows -----------------------------------------------------------------------------------------------------


class Player:
    """Stands in for pygame's clock and keyboard: acts once a frame.

    Args:
        pygame: the module.
        act: called at the end of each frame with its number; True closes the window.
        sleep: called with the seconds of a frame.
    """

    def __init__(self, pygame: Any, act: Callable[[Player, int], bool], sleep: Callable[[float], object]) -> None:
        self.pygame, self.act, self.sleep = pygame, act, sleep
        self.held: dict[int, bool] = defaultdict(bool)
        self.drawn: list[tuple[Any, str]] = []
        self.frames = 0

    def tick(self, rate: float) -> float:
        self.sleep(1 / rate)
        if self.act(self, self.frames):
            self.pygame.event.post(self.pygame.event.Event(self.pygame.QUIT))
        self.frames += 1
        return 1000 / rate

    def press(self, key: int) -> None:
        self.pygame.event.post(self.pygame.event.Event(self.pygame.KEYDOWN, key=key))

    @property
    def state(self) -> Any:
        return self.drawn[-1][0]

    @property
    def note(self) -> str:
        return self.drawn[-1][1]


@pytest.fixture
def play(
    load: Callable[[str], Any], require: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Player]:
    """Opens the window of a step, and lets somebody play until they close it."""
    require("pygame")
    import pygame

    def play(
        step: str, act: Callable[[Player, int], bool], *arguments: str, sleep: Callable[[float], object]
    ) -> Player:
        module, player = load(step), Player(pygame, act, sleep)
        real = module.draw

        def draw(screen: Any, state: Any, note: str = "") -> None:
            player.drawn.append((state, note))
            real(screen, state, note)

        monkeypatch.setattr(module, "draw", draw)
        monkeypatch.setattr(pygame.time, "Clock", lambda: player)
        monkeypatch.setattr(pygame.key, "get_pressed", lambda: player.held)
        module.main(*arguments)
        assert not pygame.display.get_init()
        return player

    return play


def serve_and_hold_up(player: Player, frame: int) -> None:
    if frame == 0:
        player.press(player.pygame.K_SPACE)
        player.held[player.pygame.K_UP] = True


def test_step_1_is_pong_against_the_computer(play: Callable[..., Player]) -> None:
    colours = []

    def act(player: Player, frame: int) -> bool:
        if frame == 0:
            assert player.state.ball.vx == 0
            screen = player.pygame.display.get_surface()
            colours.append(tuple(screen.get_at((24, 225))[:3]))
            colours.append(tuple(screen.get_at((400, 225))[:3]))
        serve_and_hold_up(player, frame)
        return frame == 60 * 3

    player = play("step1_alone", act, sleep=lambda seconds: None)
    assert colours == [(76, 201, 240), (232, 235, 245)]
    assert player.state.paddles[0].y == 40
    assert max(state.ball.x for state, _ in player.drawn) > 740  # the computer has hit it
    assert min(state.ball.x for state, _ in player.drawn) < 400


def test_step_2_runs_the_same_ticks_however_often_it_is_drawn(
    play: Callable[..., Player], load: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def ball(frame_seconds: float) -> tuple[float, int]:
        clock = tickws.ManualClock()
        monkeypatch.setattr(tickws, "TickLoop", partial(tickws_loop, clock=clock))
        alpha_seen = set()

        def act(player: Player, frame: int) -> bool:
            serve_and_hold_up(player, frame)
            if player.drawn:
                alpha_seen.add(player.state.ball.x)
            return clock.now() > 1.0

        play("step2_ticks", act, sleep=lambda seconds: clock.advance(frame_seconds))
        game = games.pop()
        return game.ticks, len(alpha_seen)

    tickws_loop = tickws.TickLoop
    games: list[Any] = []

    class Counting(load("step2_ticks").Game):  # type: ignore[misc]
        ticks = 0

        def __init__(self) -> None:
            super().__init__()
            games.append(self)

        def simulate(self, tick: tickws.Tick) -> None:
            super().simulate(tick)
            self.ticks += 1
            if tick.number == 30:
                assert self.state.ball.x > 400  # the press was not lost between two ticks
                assert self.state.paddles[0].y == 40
                assert not self.serve

    monkeypatch.setattr(load("step2_ticks"), "Game", Counting)
    slow, fast = ball(1 / 30), ball(1 / 240)
    assert abs(slow[0] - fast[0]) <= 3
    assert fast[1] > 3 * slow[1]  # more pictures of the same flight


# -- the programs ----------------------------------------------------------------------------------------------------


SERVES = re.compile(r'print\("(Pong at \w+://127\.0\.0\.1):8056/')
"""The line in which a step says where it serves."""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Starts steps, from copies of their own; afterwards each must end by Ctrl-C.

    A server of the tutorial listens on 8056 and says so. Its copy listens on a free port, and says which.
    """
    programs: list[Program] = []

    def copied(port: int) -> Path:
        folder = tmp_path / str(len(programs))
        shutil.copytree(TUTORIAL, folder, ignore=shutil.ignore_patterns("__pycache__"))
        for path in folder.glob("*.py"):
            text = path.read_text(encoding="utf-8").replace("port=8056", "port=0")
            text = SERVES.sub(r'print(f"\1:{game.port}/', text).replace("8056", str(port))
            path.write_text(text, encoding="utf-8")
        return folder

    def start(name: str, *arguments: str, joins: Program | None = None) -> Program:
        folder = copied(joins.port if joins else 0)
        programs.append(Program(folder / name, *arguments))
        stack.callback(programs[-1].close)
        if not joins:
            programs[-1].listens()
        return programs[-1]

    with contextlib.ExitStack() as stack:
        yield start
        for program in reversed(programs):
            assert program.stop() == 0, program.output
            assert "Traceback" not in program.output


@pytest.fixture
def join(load: Callable[[str], Any]) -> Iterator[Callable[..., tickws.GameClient[Any]]]:
    """Lets a client join a program; it is closed afterwards."""
    clients: list[tickws.GameClient[Any]] = []

    def join(program: Program, **options: Any) -> tickws.GameClient[Any]:
        inputs = load("step3_server").Move
        clients.append(tickws.GameClient(f"ws://127.0.0.1:{program.port}/", **{"inputs": inputs, **options}))
        return clients[-1]

    yield join
    for client in clients:
        with client:
            pass


def until(client: tickws.GameClient[Any], condition: Callable[[dict[Any, Any]], bool]) -> None:
    """Turn a client until what it is shown fulfils a condition."""
    deadline = time.monotonic() + SECONDS
    while True:
        assert client.work(0.02, wait=0.02)
        world = client.state()
        if world and condition(world):
            return
        assert time.monotonic() < deadline, world


@pytest.mark.parametrize("name", ["step3_test", "step6_test"])
def test_the_tests_of_the_tutorial_pass(name: str, load: Callable[[str], Any]) -> None:
    module = load(name)
    tests = [function for name, function in vars(module).items() if name.startswith("test_")]
    assert len(tests) == 2
    for test in tests:
        test()


def test_step_4_is_a_window_that_plays_on_the_server_of_step_3(
    play: Callable[..., Player], start: Callable[..., Program], join: Callable[..., tickws.GameClient[Any]]
) -> None:
    server = start("step3_server.py")
    other = join(server)
    until(other, lambda world: world["seats"]["left"] == other.player)
    notes = []
    deadline = time.monotonic() + SECONDS

    def wait(seconds: float) -> None:
        """A frame of the window: until the server says something, and no longer than a frame."""
        assert other.work(0.02, wait=seconds)

    def act(player: Player, frame: int) -> bool:
        notes.append(player.note)
        if player.note.startswith("you are right"):
            player.held[player.pygame.K_UP] = True
            if player.state.ball.vx == 0:
                player.press(player.pygame.K_SPACE)
        here = player.state.ball.x != 400 and player.state.paddles[1].y == 40
        there = other.state()["ball"]["x"] != 400 and other.state()["right"]["y"] == 40
        return (here and there) or time.monotonic() > deadline

    play("step4_window", act, f"ws://127.0.0.1:{server.port}/", sleep=wait)
    assert notes[0].startswith("connecting to ws://")
    assert time.monotonic() < deadline
    until(other, lambda world: world["seats"]["right"] is None)  # the window was closed


@pytest.mark.parametrize("step", ["step5_page.py", "step6_visitors.py"])
def test_step_5_is_a_page_that_plays(
    step: str,
    start: Callable[..., Program],
    join: Callable[..., tickws.GameClient[Any]],
    require: Callable[[str], str],
) -> None:
    path = require("chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    server = start(step)
    strays: list[str] = []
    with playwright.sync_playwright() as runner:
        browser = runner.chromium.launch(executable_path=path, args=CHROMIUM, timeout=1000 * SECONDS)
        page = browser.new_page(viewport={"width": 900, "height": 620})
        page.set_default_timeout(1000 * SECONDS)
        page.on("pageerror", lambda error: strays.append(str(error)))
        page.on("console", lambda message: strays.append(message.text))
        page.goto(f"http://127.0.0.1:{server.port}/")
        page.wait_for_selector("p:has-text('You are left')")
        other = join(server)
        until(other, lambda world: world["seats"]["right"] == other.player)
        page.keyboard.down("ArrowUp")
        page.keyboard.press("Space")
        until(other, lambda world: world["left"]["y"] == 40 and world["ball"]["x"] != 400)
        page.close()
        until(other, lambda world: world["seats"]["left"] is None)
        browser.close()
    assert strays == []


def test_step_6_has_spectators_a_chat_and_points(
    start: Callable[..., Program], join: Callable[..., tickws.GameClient[Any]], load: Callable[[str], Any]
) -> None:
    server = start("step6_visitors.py")
    move = load("step3_server").Move
    ada = join(server)
    until(ada, lambda world: world["seats"]["left"] == ada.player)
    watcher = start("step6_watch.py", "well", "played", joins=server)
    watcher.wait_for(r"^2 says: well played$")
    ada.send("chat", {"text": "thank you"})
    ada.send("chat", {"text": ""})  # too short
    ada.send_input(move(dy=1.0, serve=True))  # out of the way: the ball comes back from the robot, and is a point
    until(ada, lambda world: world["right"]["score"] == 1)
    watcher.wait_for(r"^1 says: thank you$")
    watcher.wait_for(r"^0 : 1$")
    server.wait_for(r"^<Player 1> sent what cannot be used: message .chat.: Expected `str` of length >= 1")
    ada.close()
    while ada.work(0.02, wait=0.02):
        pass
    server.wait_for(r"^<Player 1> left: 1000")


def test_step_6_kicks_who_sleeps(load: Callable[[str], Any], capsys: pytest.CaptureFixture[str]) -> None:
    from tickws.testing import GameTable

    step6, move = load("step6_visitors"), load("step3_server").Move
    table = GameTable(move, max_players=2)
    step6.Visited(table.loop, table.game)
    ada, grace = table.join(), table.join()
    for second in range(70):
        ada.send_input(move(dy=float(second % 3 - 1)))
        table.run(1.0)
    assert ada.connected
    assert not grace.connected
    assert capsys.readouterr().out == "<Player 2> left: 1008 you fell asleep\n"
