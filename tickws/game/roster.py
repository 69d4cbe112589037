"""Who plays and who watches: changed by the delivery of the events that say so, so never inside a tick's systems."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Generic, TypeVar

from tickws.bus import EventBus
from tickws.game.events import PlayerJoined, PlayerLeft, SpectatorJoined, SpectatorLeft
from tickws.game.player import Player
from tickws.game.session import Session
from tickws.sync.inputs import InputBuffer
from tickws.sync.schema import Input

__all__ = ["Roster"]

I = TypeVar("I", bound=Input)  # noqa: E741

COUNTED = ("executed", "missed", "late", "refused")
"""What an `InputBuffer` counts, and a game sums up."""


class Roster(Generic[I]):
    """The players of a game.

    Args:
        bus: where their coming and going is told.
    """

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus
        self.players: dict[int, Player[I]] = {}
        self.spectators: dict[int, Player[I]] = {}
        self.joined = 0
        """Hellos that were welcome."""
        self.left = 0
        """Of those, who is gone."""
        self._own: set[Player[I]] = set()  # a bus may have the events of several games
        self._counts = dict.fromkeys(COUNTED, 0)  # of those who are gone
        bus.subscribe(PlayerJoined, self._seated)
        bus.subscribe(SpectatorJoined, self._seated)
        bus.subscribe(PlayerLeft, self._gone)
        bus.subscribe(SpectatorLeft, self._gone)

    def join(self, session: Session, neutral: I) -> Player[I]:
        """Make a player of a connection, and tell."""
        self.joined += 1
        player: Player[I] = Player(self.joined, session.spectator, session, neutral)
        session.player = player
        self._own.add(player)
        self._bus.emit(SpectatorJoined(player) if session.spectator else PlayerJoined(player))
        return player

    def leave(self, session: Session, code: int, reason: str) -> None:
        """A connection is closed: tell, if it was a player's."""
        player = session.player
        if player is None:
            return
        self.left += 1
        if session.buffer is not None:
            self._add(self._counts, session.buffer)
        event = SpectatorLeft if session.spectator else PlayerLeft
        self._bus.emit(event(player, code, reason), player.entity)

    def input_counts(self, sessions: Iterable[Session]) -> dict[str, int]:
        """What became of all input frames, of those who are here and of those who were."""
        counts = dict(self._counts)
        for session in sessions:
            if session.buffer is not None and not session.gone:
                self._add(counts, session.buffer)
        return counts

    @staticmethod
    def _add(counts: dict[str, int], buffer: InputBuffer) -> None:
        for name in COUNTED:
            counts[name] += getattr(buffer, name)

    def owns(self, player: Player[Any]) -> bool:
        """Whether this is somebody of this game, whose leaving was not told yet."""
        return player in self._own

    def _among(self, player: Player[Any]) -> dict[int, Player[I]]:
        return self.spectators if player.spectator else self.players

    def _seated(self, event: PlayerJoined | SpectatorJoined) -> None:
        if event.player in self._own:
            self._among(event.player)[event.player.id] = event.player

    def _gone(self, event: PlayerLeft | SpectatorLeft) -> None:
        if event.player in self._own:
            self._own.discard(event.player)
            self._among(event.player).pop(event.player.id, None)
