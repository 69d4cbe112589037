"""Pong in a pygame window: joins a server, as the page does. Here belongs what reads keys and talks to the server."""

import contextlib
import math
import os
import sys
import textwrap
from collections import deque
from collections.abc import Iterator
from typing import Any

import pygame

import tickws
from examples.pong_server.client import OwnPaddle, joining, said
from examples.pong_server.drawing import COLOURS, INK, QUIET, Board
from examples.pong_server.game import SIDES, Move
from examples.pong_server.tones import Sounds

FRAMES = 60
"""Drawn a second."""
SIZE = (1100, 720)


class Window:
    """A window that plays, or watches where both paddles are taken.

    Args:
        url: of the server, as a browser has it.
        name: what we are called.
        options: the `GameClient`'s further ones.
    """

    def __init__(self, url: str, name: str = "", **options: Any) -> None:
        self.url, self.name, self.options = url, name, options
        self.screen = pygame.display.set_mode(SIZE, pygame.RESIZABLE)
        pygame.display.set_caption("Pong")
        self.board, self.sounds = Board(), Sounds()
        self.now = 0.0
        self.running = True
        self.leaving: list[tickws.GameClient[Move]] = []
        self.join()

    def join(self) -> None:
        """Connect; the client connects again by itself when it has to."""
        self.trouble = ""
        self.retry_at = math.inf
        self.own = OwnPaddle()
        self.events: deque[tuple[float, str, dict[str, Any]]] = deque()
        self.view: dict[str, dict[str, Any]] = {}
        self.mine: str | None = None
        self.client = tickws.GameClient(joining(self.url), inputs=Move, query={"name": self.name}, **self.options)
        self.client.bus.subscribe(tickws.Connected, self.on_connected)
        self.client.bus.subscribe(tickws.Dropped, self.on_dropped)
        self.client.bus.subscribe(tickws.Disconnected, self.on_disconnected)
        self.client.bus.subscribe(tickws.ServerMessage, self.on_message)

    # What the server tells

    def on_connected(self, event: tickws.Connected) -> None:
        self.trouble = ""

    def on_dropped(self, event: tickws.Dropped) -> None:
        self.trouble, self.retry_at = said(event.reason) or "it broke", self.now + event.retry_seconds
        self.own = OwnPaddle()

    def on_disconnected(self, event: tickws.Disconnected) -> None:
        self.trouble, self.retry_at = said(event.reason) or "the server does not answer", math.inf

    def on_message(self, message: tickws.ServerMessage) -> None:
        what_we_see_is_old = 2 / (self.client.snapshot_rate or FRAMES)  # and so shall be what we hear
        self.events.append((self.now + what_we_see_is_old, message.name, message.payload))

    # Each frame

    def frame(self, dt: float) -> None:
        """Read keys, talk with the server, draw."""
        self.now += dt
        move = self.move()
        if self.mine:
            self.client.send_input(move)
        self.client.work(0.004)
        self.leaving = [client for client in self.leaving if client.work()]
        self.tell()
        self.board.begin(self.screen)
        self.view = {str(entity): fields for entity, fields in self.client.state().items()} or self.view
        if self.view:
            player = None if self.client.spectator else self.client.player
            self.mine = next((side for side in SIDES if player and self.view[side]["player"] == player), None)
            if self.mine and self.client.connected:
                paddle = self.view[self.mine]
                paddle["y"] = self.own.step(move.dy, paddle["y"], dt, self.now)
            self.board.draw(self.view, self.mine, self.now)
        self.words()
        pygame.display.flip()

    def tell(self) -> None:
        """Let be seen and heard what has happened by now."""
        while self.events and self.events[0][0] <= self.now:
            _, kind, event = self.events.popleft()
            self.board.happened(kind, event, self.now)
            self.sounds.play(kind, event["speed"], self.mine in (None, event["side"]))

    def move(self) -> Move:
        """The events since the last frame, and what is held down."""
        serve = False
        for event in pygame.event.get():
            if event.type == pygame.QUIT or (event.type == pygame.KEYDOWN and event.key == pygame.K_ESCAPE):
                self.running = False
            elif event.type == pygame.KEYDOWN and event.key == pygame.K_m:
                self.sounds.muted = not self.sounds.muted
            elif event.type == pygame.KEYDOWN and event.key == pygame.K_SPACE:
                serve = True
        if serve and self.is_free():
            self.client.close(timeout=1.0)
            self.leaving.append(self.client)
            self.join()
        held = pygame.key.get_pressed()
        up, down = held[pygame.K_UP] or held[pygame.K_w], held[pygame.K_DOWN] or held[pygame.K_s]
        return Move(dy=float(down - up), serve=serve)

    def is_free(self) -> bool:
        """Whether we watch, and could play instead."""
        return self.client.spectator and bool(self.view) and any(self.view[side]["player"] is None for side in SIDES)

    def words(self) -> None:
        """What stands around the field, or above it where something is wrong."""
        wide, high = self.screen.get_size()
        write = self.board.write
        if not self.view or self.trouble:
            self.board.dim()
            waits = max(0, math.ceil(self.retry_at - self.now)) if self.retry_at < math.inf else 0
            again = (
                f"Trying again in {waits} s"
                if waits
                else "Esc leaves"
                if self.retry_at == math.inf
                else "Trying again…"
            )
            what = "Connection lost" if self.view else f"Joining {self.url}"
            write(what, (wide / 2, high / 2 - 34), 30, INK, 0.5, bold=True)
            lines = [*textwrap.wrap(self.trouble, wide // 10), again] if self.trouble else ["…"]
            for number, line in enumerate(lines):
                write(line, (wide / 2, high / 2 + 4 + 26 * number), 17, QUIET if line is lines[-1] else INK, 0.5)
            return
        who = f"you are {self.mine}" if self.mine else "you are watching"
        write(who, (24, 30), 18, COLOURS.get(self.mine or "", QUIET))
        latency = "" if self.client.latency is None else f"{self.client.latency * 1000:.0f} ms"
        watching = f"{self.view['match']['watching']} watching     " if self.view["match"]["watching"] else ""
        write(watching + latency, (wide - 24, 30), 18, QUIET, 1.0)
        write(self.hint(), (wide / 2, high - 28), 16, QUIET, 0.5)

    def hint(self) -> str:
        """What one may do."""
        if self.mine is None:
            return "A paddle is free: press space to play" if self.is_free() else "Both paddles are taken"
        if self.view["match"]["serving"] == self.mine and self.view["match"]["winner"] is None:
            return "Your serve: press space"
        return "Up, down or W, S move; space serves; M is for sound; Esc leaves"


def main(url: str, name: str, **options: Any) -> int:
    """Play until the window is closed; gives the exit code. `options`: the `GameClient`'s further ones."""
    wish = os.environ.get("SDL_VIDEODRIVER")
    try:
        with quiet():
            pygame.display.init()
            if not wish and pygame.display.get_driver() in ("offscreen", "dummy"):
                raise pygame.error("no display was found")
            pygame.font.init()
            window = Window(url, name, **options)
    except pygame.error as error:
        how = f"SDL_VIDEODRIVER is {wish!r}" if wish else "SDL_VIDEODRIVER=x11 or =wayland says where one is"
        print(f"No window can be opened here ({error}; {how}). Open {url} in a browser instead.", file=sys.stderr)
        return 1
    clock = pygame.time.Clock()
    while window.running:  # Ctrl-C ends it, too: SDL makes the same event of it as of the window's button
        window.frame(min(0.1, clock.tick(FRAMES) / 1000))
    window.client.close(timeout=1.0)
    while window.client.work(0.02, wait=0.02):
        pass
    pygame.quit()
    return 0


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Nothing on stderr: sound and display libraries write there what they do not find."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
