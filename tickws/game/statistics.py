"""What a `GameServer` counts: what its parts add to, and what is handed out of it, frozen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tickws.statistics import frozen_counts

__all__ = ["GameCounts", "GameStatistics"]


@dataclass(slots=True)
class GameCounts:
    """Counters since the game was made."""

    refused: int = 0
    """Hellos that were refused."""
    received: int = 0
    """Named messages that reached the game."""
    snapshots: int = 0
    """Snapshots sent."""
    rejected: Counter[int] = field(default_factory=Counter)
    """Messages that could not be used, by the close code of their fault."""
    limited: Counter[str] = field(default_factory=Counter)
    """What limits have done, by their names."""

    def frozen(self, **others: Any) -> GameStatistics:
        """These, and those that others have counted."""
        return GameStatistics(
            refused=self.refused,
            messages=self.received,
            snapshots=self.snapshots,
            rejected=frozen_counts(self.rejected),
            limited=frozen_counts(self.limited),
            **others,
        )


@dataclass(frozen=True, slots=True)
class GameStatistics:
    """A game since it was made. Its connections, bytes and slices are in `game.server.statistics()`."""

    players: int
    """Who plays now."""
    spectators: int
    """Who watches now."""
    joined: int
    """Hellos that were welcome."""
    left: int
    """Of those, who is gone."""
    turned_away: Mapping[int, int]
    """Requests that were refused, by HTTP status: 400 no tickws.1, 401 `authenticate`, 403 origin, 503 full."""
    refused: int
    """Hellos that were refused: another protocol, version or tick rate, or none in time."""
    rejected: Mapping[int, int]
    """Messages that could not be used, by the close code of their fault."""
    limited: Mapping[str, int]
    """How often a limit of the game took effect, by the name of its field in `GameLimits`; those that it has from
    `Limits` are in the server's statistics, but for "message_bytes" of a server that was given."""
    inputs: int
    """Input frames executed in the tick that they were meant for."""
    repeated: int
    """Ticks of a player without a frame of their own."""
    late: int
    """Input frames that came after their tick."""
    out_of_range: int
    """Input frames whose sequence or tick cannot be."""
    messages: int
    """Named messages received."""
    snapshots: int
    """Snapshots sent: one a client and publication, less what slow clients were spared."""
    published: int
    """Worlds published: packed once each."""
