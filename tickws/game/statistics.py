"""What a `GameServer` counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["GameStatistics"]


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
