"""What a `GameClient` tells of itself, on its bus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Connected", "Disconnected", "Dropped", "ServerMessage"]


@dataclass(frozen=True, slots=True)
class Connected:
    """The server has welcomed us: we are player number `player`, or only watch."""

    player: int
    spectator: bool


@dataclass(frozen=True, slots=True)
class Dropped:
    """The connection is lost, or did not come about; the next attempt follows in `retry_seconds`, without your doing.

    `code` is the close code (1006: TCP failed, or nobody listens there).
    """

    code: int
    reason: str
    retry_seconds: float


@dataclass(frozen=True, slots=True)
class Disconnected:
    """It is over: the server wants no more of us, or there were too many attempts, or we closed."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class ServerMessage:
    """The server has sent an event (`game.broadcast`, `player.send`)."""

    name: str
    payload: Any
