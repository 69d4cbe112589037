"""How the window draws the field, as page/board.js does. Here belongs all that has a colour."""

import math
import random
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pygame

from examples.pong_server import sprites
from examples.pong_server.game import GAP, HEIGHT, PADDLE, RADIUS, SERVE_PAUSE, SIDES, THICKNESS, WIDTH
from examples.pong_server.sprites import Colour

GROUND, GLOW, FIELD = (11, 13, 24), (23, 27, 51), (18, 22, 42)
INK, QUIET, WHITE = (238, 240, 251), (146, 154, 187), (255, 255, 255)
COLOURS: dict[str, Colour] = {"left": (255, 143, 102), "right": (95, 208, 255)}
TRAIL = 0.28
"""Seconds of the ball's way that are seen."""

View = Mapping[str, Mapping[str, Any]]
"""What the server publishes: ball, match, left, right."""


@dataclass(frozen=True)
class Spark:
    """A bit of light that flies from where something was hit."""

    x: float
    y: float
    vx: float
    vy: float
    born: float
    life: float
    colour: Colour


class Board:
    """The field and the words around it, as large as the window allows."""

    def __init__(self) -> None:
        sprites.forget()
        self.sparks: list[Spark] = []
        self.trail: deque[tuple[float, float, float]] = deque()  # time, x, y
        self.flash = dict.fromkeys(SIDES, -9.0)
        self.scored = dict.fromkeys(SIDES, -9.0)
        self.colour: Colour = INK  # the ball's: whose shot it is
        self.size = (0, 0)

    def happened(self, kind: str, event: Mapping[str, Any], now: float) -> None:
        """Something happened: let it be seen."""
        side, x, y = event["side"], event["x"], event["y"]
        if kind == "hit":
            self.flash[side] = now
        if kind == "point":
            self.scored[side] = now
        away = {"hit": 1 if side == "left" else -1}.get(kind, -1 if x > WIDTH / 2 else 1)
        for _ in range({"hit": 14, "wall": 5, "point": 40}.get(kind, 0)):
            angle, fast = random.uniform(-1.4, 1.4), random.uniform(0.2, 1.2) * event["speed"] * 0.35
            into, along = fast * math.cos(angle), fast * math.sin(angle)
            vx, vy = (along, -into if y > HEIGHT / 2 else into) if kind == "wall" else (away * into, along)
            self.sparks.append(Spark(x, y, vx, vy, now, random.uniform(0.25, 0.65), COLOURS[side]))

    def begin(self, screen: pygame.Surface) -> None:
        """Begin a frame: the empty field, as large as the window allows."""
        self.screen = screen
        if screen.get_size() != self.size:
            self._fit(screen.get_size())
        screen.blit(self.background, (0, 0))

    def draw(self, view: View, mine: str | None, now: float) -> None:
        """Draw what the server publishes; `mine` is our side."""
        for side in SIDES:
            lost = 1 - (now - self.scored[_other(side)]) / 0.7
            if lost > 0:
                edge = 0.0 if side == "left" else WIDTH
                self._glow(edge, HEIGHT / 2, 6.0, COLOURS[_other(side)], 0.45 * lost, clip=True)
            self._score(view, side, mine, now)
        self._ball(view, now)
        for side in SIDES:
            self._paddle(view[side]["y"], side, now)
        self.sparks = [spark for spark in self.sparks if now < spark.born + spark.life]
        for spark in self.sparks:
            age, left = now - spark.born, 1 - (now - spark.born) / spark.life
            way = age * (1 - age / spark.life / 2)  # they slow down
            self._disc(spark.x + spark.vx * way, spark.y + spark.vy * way, 0.09 * left + 0.02, spark.colour, left)
        if view["match"]["winner"] is not None:
            self._winner(view, mine)

    def dim(self) -> None:
        """The board is still there, but nothing moves: the connection is lost."""
        veil = pygame.Surface(self.size)
        veil.fill(GROUND)
        veil.set_alpha(165)
        self.screen.blit(veil, (0, 0))

    # The parts

    def _fit(self, size: tuple[int, int]) -> None:
        """Draw what never moves, once for each size of the window."""
        self.size = size
        self.unit = max(1.0, min((size[0] - 40) / WIDTH, (size[1] - 104) / HEIGHT))
        self.left, self.top = (size[0] - WIDTH * self.unit) / 2, 52 + (size[1] - 104 - HEIGHT * self.unit) / 2
        self.background = pygame.transform.smoothscale(sprites.gradient(GLOW, GROUND), size)
        field = pygame.Surface((round(WIDTH * self.unit), round(HEIGHT * self.unit)), pygame.SRCALPHA)
        field.blit(pygame.transform.smoothscale(sprites.gradient((24, 29, 56), FIELD), field.get_size()), (0, 0))
        for side in SIDES:
            light = pygame.Surface((32, 1), pygame.SRCALPHA)
            for x in range(32):
                light.set_at((x if side == "left" else 31 - x, 0), (*COLOURS[side], round(28 * (1 - x / 31))))
            light = pygame.transform.smoothscale(light, (round(4.5 * self.unit), field.get_height()))
            field.blit(light, (0 if side == "left" else field.get_width() - light.get_width(), 0))
        mask = sprites.rounded(field.get_size(), 20, WHITE)
        field.blit(mask, (0, 0), special_flags=pygame.BLEND_RGBA_MIN)
        self.background.blit(field, (round(self.left), round(self.top)))
        self.screen, screen = self.background, self.screen
        for dot in range(1, 30):
            self._disc(WIDTH / 2, dot * 0.3, 0.035, INK, 0.16)
        self.screen = screen

    def _at(self, x: float, y: float) -> tuple[float, float]:
        return self.left + x * self.unit, self.top + y * self.unit

    def _score(self, view: View, side: str, mine: str | None, now: float) -> None:
        out, align = (-1, 1.0) if side == "left" else (1, 0.0)
        pop = 1 + 0.3 * max(0.0, 1 - (now - self.scored[side]) / 0.4)
        x = WIDTH / 2 + out * 0.55
        x += out * (self.text(str(view[side]["score"]), x, 1.1, 1.35 * pop, COLOURS[side], align, bold=True) + 0.4)
        you = side == mine
        self.text(view[side]["name"], x, 0.93 if you else 1.1, 0.42, INK if you else QUIET, align)
        if you:
            self.text("you", x, 1.42, 0.32, COLOURS[side], align)

    def _ball(self, view: View, now: float) -> None:
        x, y, match = view["ball"]["x"], view["ball"]["y"], view["match"]
        if match["pause"] > 0:
            self.trail.clear()
        if self.trail and x != self.trail[-1][1]:
            self.colour = COLOURS["left" if x > self.trail[-1][1] else "right"]
        self.trail.append((now, x, y))
        while self.trail[0][0] < now - TRAIL:
            self.trail.popleft()
        if match["winner"] is not None:
            return
        if match["pause"] > 0:  # the ring closes until the ball is served
            self._ring(x, y, min(1.0, match["pause"] / SERVE_PAUSE), COLOURS.get(match["serving"], INK))
        else:
            for (_, ax, ay), (time, bx, by) in pairwise(self.trail):
                age = 1 - (now - time) / TRAIL
                for part in (0.25, 0.5, 0.75, 1.0):
                    at = ax + (bx - ax) * part, ay + (by - ay) * part
                    self._disc(*at, RADIUS * (0.2 + 0.75 * age), self.colour, 0.09 * age**1.4)
        self._glow(x, y, 0.9, self.colour, 0.35)
        self._disc(x, y, RADIUS, WHITE)

    def _ring(self, x: float, y: float, share: float, colour: Colour) -> None:
        for step in range(round(90 * share)):
            angle = math.tau * step / 90 - math.pi / 2
            self._disc(x + 0.46 * math.cos(angle), y + 0.46 * math.sin(angle), 0.04, colour, 0.8)

    def _paddle(self, y: float, side: str, now: float) -> None:
        fresh = max(0.0, 1 - (now - self.flash[side]) / 0.25)
        x = GAP if side == "left" else WIDTH - GAP - THICKNESS
        self._glow(x + THICKNESS / 2, y, 1.7 + 0.5 * fresh, COLOURS[side], 0.16 + 0.4 * fresh, clip=True)
        size = round(THICKNESS * self.unit), round(PADDLE * self.unit)
        back = 0.12 * fresh * (-1 if side == "left" else 1)
        for colour, alpha in ((COLOURS[side], 1.0), (WHITE, fresh)):
            sprite = sprites.rounded(size, size[0] / 2, colour)
            sprite.set_alpha(round(255 * alpha))
            self.screen.blit(sprite, self._at(x + back, y - PADDLE / 2))

    def _winner(self, view: View, mine: str | None) -> None:
        winner = view["match"]["winner"]
        veil = sprites.rounded((round(WIDTH * self.unit), round(HEIGHT * self.unit)), 20, GROUND)
        veil.set_alpha(176)
        self.screen.blit(veil, (round(self.left), round(self.top)))
        line = "You win!" if winner == mine else f"{view[winner]['name']} wins"
        self.text(line, WIDTH / 2, HEIGHT / 2 - 0.5, 1.1, COLOURS[winner], 0.5, bold=True)
        scores = f"{view['left']['score']} : {view['right']['score']}"
        line = f"{scores}  ·  next match in {math.ceil(view['match']['pause'])}"
        self.text(line, WIDTH / 2, HEIGHT / 2 + 0.55, 0.44, INK, 0.5)

    # The brush

    def text(
        self, line: str, x: float, y: float, size: float, colour: Colour, align: float = 0.0, *, bold: bool = False
    ) -> float:
        """Write at a point of the field (`align`: 0 to its right, 1 to its left); gives the width, in units."""
        return self.write(line, self._at(x, y), size * self.unit, colour, align, bold=bold) / self.unit

    def write(
        self, line: str, at: tuple[float, float], size: float, colour: Colour, align: float = 0.0, *, bold: bool = False
    ) -> int:
        """Write at a point of the window; gives the width, in pixels."""
        image = sprites.written(line, max(6, round(size)), colour, bold)
        self.screen.blit(image, (at[0] - align * image.get_width(), at[1] - image.get_height() / 2))
        return image.get_width()

    def _disc(self, x: float, y: float, radius: float, colour: Colour, alpha: float = 1.0) -> None:
        self._blit(sprites.disc(max(1, round(radius * self.unit * 4)), colour), x, y, alpha)

    def _glow(self, x: float, y: float, radius: float, colour: Colour, alpha: float, *, clip: bool = False) -> None:
        if clip:
            self.screen.set_clip((round(self.left), round(self.top), WIDTH * self.unit, HEIGHT * self.unit))
        self._blit(sprites.glow(round(radius * self.unit / 4) * 4, colour), x, y, alpha)
        self.screen.set_clip(None)

    def _blit(self, sprite: pygame.Surface, x: float, y: float, alpha: float) -> None:
        sprite.set_alpha(round(255 * alpha))
        left, top = self._at(x, y)
        self.screen.blit(sprite, (round(left - sprite.get_width() / 2), round(top - sprite.get_height() / 2)))


def _other(side: str) -> str:
    return "right" if side == "left" else "left"
