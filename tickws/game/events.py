"""What happens to players: the events that a `GameServer` puts on its loop's bus.

They are addressed to `player.entity`, where you have set it; a subscriber without an entity sees them all. A player is
in `game.players` from the delivery of its `PlayerJoined` to that of its `PlayerLeft`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from tickws.game.player import Player

__all__ = [
    "InputRejected",
    "MessageReceived",
    "PlayerJoined",
    "PlayerLeft",
    "PlayerSlow",
    "SpectatorJoined",
    "SpectatorLeft",
]


@dataclass(frozen=True, slots=True)
class PlayerJoined:
    """Somebody plays from this tick on."""

    player: Player[Any]


@dataclass(frozen=True, slots=True)
class PlayerLeft:
    """A player is gone: the close code (RFC 6455 section 7.4) and the reason that came with it."""

    lasting: ClassVar[bool] = True  # see EventBus.forget
    player: Player[Any]
    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class SpectatorJoined:
    """Somebody watches from this tick on."""

    player: Player[Any]


@dataclass(frozen=True, slots=True)
class SpectatorLeft:
    """A spectator is gone."""

    lasting: ClassVar[bool] = True  # see EventBus.forget
    player: Player[Any]
    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """A player has sent a message that was declared with `game.message(name, type)`; `payload` is of that type."""

    player: Player[Any]
    name: str
    payload: Any


@dataclass(frozen=True, slots=True)
class InputRejected:
    """Something that a player sent was not used; at most one a tick and player for frames of a wrong tick.

    `code` is what the connection closes with, once its tolerance is used up (1003, 1007, 1008); None: an input frame
    whose tick or sequence cannot be, which closes nothing: a client that has hung does that.
    """

    player: Player[Any]
    code: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class PlayerSlow:
    """A player does not take what it is sent; once for each such spell.

    For `GameLimits.slow_seconds` it has not acknowledged an event or a snapshot, or its socket has not taken something;
    or it has left half of the events unacknowledged that it may (`event_messages`, `event_bytes`).
    """

    player: Player[Any]
    seconds: float
    """Age of the oldest that it has not taken. Time in which the game hung does not count."""
    messages: int
    """Events that wait for its acknowledgment."""
    bytes: int
    """Theirs."""
