"""A game to measure with: everybody has a body that is pushed about a square, and may dash. Knows no network."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

import tickws

__all__ = ["Arena", "Body", "Move"]

SIDE = 2000.0
PUSH, DRAG = 900.0, 2.0
DASH_SPEED, DASH_TICKS = 600.0, 45

Axis = Annotated[float, Meta(ge=-1, le=1)]


class Move(tickws.Input):
    """What a player does in one tick."""

    dx: Axis = 0.0
    dy: Axis = 0.0
    dash: tickws.Press = False


class Body:
    """One player's."""

    __slots__ = ("dash", "vx", "vy", "x", "y")

    def __init__(self, number: int) -> None:
        self.x = 100.0 + number * 173.5 % (SIDE - 200)
        self.y = 100.0 + number * 311.25 % (SIDE - 200)
        self.vx = self.vy = 0.0
        self.dash = 0
        """Ticks until it may dash again."""

    def move(self, move: Move, dt: float) -> None:
        """One tick: push, drag, and the walls."""
        if self.dash:
            self.dash -= 1
        elif move.dash:
            self.dash = DASH_TICKS
            self.vx += move.dx * DASH_SPEED
            self.vy += move.dy * DASH_SPEED
        drag = 1 - DRAG * dt
        self.vx = (self.vx + move.dx * PUSH * dt) * drag
        self.vy = (self.vy + move.dy * PUSH * dt) * drag
        self.x += self.vx * dt
        self.y += self.vy * dt
        if not 0 <= self.x <= SIDE:
            self.x = min(max(self.x, 0.0), SIDE)
            self.vx = -self.vx
        if not 0 <= self.y <= SIDE:
            self.y = min(max(self.y, 0.0), SIDE)
            self.vy = -self.vy


class Arena:
    """All bodies.

    Args:
        shown: how many of them, at most, a snapshot holds; None: all.
    """

    def __init__(self, shown: int | None = None) -> None:
        self.bodies: dict[int, Body] = {}
        self.dashes = 0
        """Presses that arrived."""
        self._shown = shown

    def move(self, number: int, move: Move, dt: float) -> None:
        """Player `number` does that in this tick."""
        self.dashes += move.dash
        self.bodies[number].move(move, dt)

    def state(self) -> dict[int, dict[str, Any]]:
        """What a snapshot shows: place, and the ticks until the next dash."""
        shown = list(self.bodies.items())[: self._shown]
        return {number: {"x": body.x, "y": body.y, "dash": body.dash} for number, body in shown}
