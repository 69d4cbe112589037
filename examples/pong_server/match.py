"""Who plays: two seats, and the computer in those that nobody has taken. Here belongs all that joins people to a game.

`play` is a pure function as well. All that comes from outside in a tick is one value, a `Turn`: whoever keeps the
turns can play the whole match again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from examples.pong_server import ai
from examples.pong_server.game import LEFT, RIGHT, Event, Move, State, new_match, step

NAME_LENGTH = 16
"""In characters, at most."""


class Turn(NamedTuple):
    """What comes from outside in one tick; players are known by their number."""

    joined: Mapping[int, str] = {}  # their names
    left: tuple[int, ...] = ()
    named: Mapping[int, str] = {}  # who has another name from now on
    moves: Mapping[int, Move] = {}


@dataclass(frozen=True)
class Seat:
    """Who moves a paddle."""

    player: int | None = None  # None is the computer
    name: str = "computer"


@dataclass(frozen=True)
class Match:
    """A game, and who plays it."""

    state: State = field(default_factory=State)
    seats: tuple[Seat, Seat] = (Seat(), Seat())


def play(match: Match, turn: Turn, dt: float) -> tuple[Match, tuple[Event, ...]]:
    """The match one tick later, and what happened in it."""
    match = _seated(match, turn)
    left, right = (
        ai.move(match.state, side) if seat.player is None else turn.moves.get(seat.player, Move())
        for side, seat in enumerate(match.seats)
    )
    state, events = step(match.state, (left, right), dt)
    return replace(match, state=state), events


def tidy(name: str, otherwise: str) -> str:
    """A name that can be shown: what cannot be seen is left out, and so is what is too much."""
    seen = "".join(character for character in name if character.isprintable())
    return " ".join(seen.split())[:NAME_LENGTH].rstrip() or otherwise


def _seated(match: Match, turn: Turn) -> Match:
    """The match after those who leave have left, and those who come have sat down."""
    seats, state = list(match.seats), match.state
    for side, seat in enumerate(seats):
        if seat.player in turn.left:
            seats[side] = Seat()  # the computer plays on
        elif seat.player is not None and seat.player in turn.named:
            seats[side] = replace(seat, name=turn.named[seat.player])
    for player, name in turn.joined.items():
        free = [side for side, seat in enumerate(seats) if seat.player is None]
        if free and player not in turn.left:
            seats[free[0]] = Seat(player, name)
            state = new_match(state)  # against somebody new the score begins anew
    return Match(state, (seats[LEFT], seats[RIGHT]))
