"""A pygame window as the host: `work(budget, wait=0)` once a frame, beside `clock.tick`, which does the waiting."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import tickws
from tests.interop.helpers import Recorder, Stage
from tests.interop.test_websocket_client import dial
from tests.protocol.helpers import CLOSE, TEXT

RATE = 60
BUDGET = 0.004


@pytest.fixture
def pygame(require: Callable[[str], str]) -> Iterator[Any]:
    """pygame with a window that nobody sees."""
    require("pygame")
    import pygame

    pygame.display.init()
    pygame.display.set_mode((64, 64))
    yield pygame
    pygame.quit()


class Game(Recorder):
    """A square that players push; drawn every frame."""

    def __init__(self, pygame: Any, *, talks: bool = True) -> None:
        super().__init__()
        self._pygame = pygame
        self._talks = talks
        self._clock = pygame.time.Clock()
        self.frames = 0
        self.x = 0
        self.networking: list[float] = []
        """Seconds that each frame's `work` took."""

    def on_message(self, ws: tickws.WebSocket, message: str | bytes) -> None:
        self.x += {"left": -1, "right": 1}[str(message)]
        super().on_message(ws, message)

    def frame(self, server: tickws.WebSocketServer) -> None:
        pygame = self._pygame
        for event in pygame.event.get():
            assert event.type != pygame.QUIT
        started = time.perf_counter()
        server.work(BUDGET, wait=0)
        self.networking.append(time.perf_counter() - started)
        if self._talks:
            server.broadcast_latest("x", f"{self.frames} {self.x}")
        screen = pygame.display.get_surface()
        screen.fill("black")
        screen.fill("white", (32 + self.x, 32, 8, 8))
        pygame.display.flip()
        self._clock.tick(RATE)
        self.frames += 1


def test_a_game_with_players(stage: Stage, pygame: Any) -> None:
    game = Game(pygame)
    server = stage.server(game)
    [watcher] = stage.raw(server)

    def play() -> list[int]:
        ws = dial(server)
        try:
            seen = []
            for _ in range(10):
                ws.send("right")
                seen.append(int(str(ws.recv()).split()[1]))
            return seen
        finally:
            ws.close()

    player = stage.start(play)
    while not player.done():
        assert game.frames < 20 * RATE
        game.frame(server)
    seen = player.result()
    assert game.x == 10
    assert seen == sorted(seen)
    assert max(seen) >= 8  # each frame shows what the one before it took in
    stage.until(lambda: game.closed)
    assert game.closed == [(1000, "")]
    told = [int(payload.split()[0]) for opcode, payload in watcher.heard() if opcode == TEXT]
    assert told == list(range(told[0], told[0] + len(told)))  # one state a frame, none left out
    assert len(told) >= game.frames - 2


def test_the_network_takes_no_time_of_an_idle_game(stage: Stage, pygame: Any) -> None:
    """With `wait=0` nothing sleeps in `work`: the frame's idle time is `clock.tick`'s."""
    game = Game(pygame, talks=False)
    server = stage.server(game)
    stage.raw(server, "/", "/", "/")
    game.networking.clear()
    started = time.perf_counter()
    for _ in range(30):
        game.frame(server)
    took = time.perf_counter() - started
    assert 0.4 < took < 5.0  # 30 frames of 16 ms
    assert sorted(game.networking)[15] < 0.002  # the median: the machine has other things to do as well


def test_a_window_that_closes_says_goodbye(stage: Stage, pygame: Any) -> None:
    game = Game(pygame)
    server = stage.server(game)
    players = stage.raw(server, "/", "/")
    for _ in range(3):
        game.frame(server)
    server.close(1001, "the window was closed")
    frames = 0
    while server.work(BUDGET, wait=0):
        for player in players:
            if not player.ended and player.heard()[-1][0] == CLOSE:
                player.send(CLOSE, b"\x03\xe9")
                stage.until(player.gone)
                player.close()
        game.frame(server)
        frames += 1
        assert frames < 5 * RATE
    assert game.closed == [(1001, "the window was closed")] * 2
    for client in players:
        assert client.frames[-1] == (CLOSE, b"\x03\xe9the window was closed")
