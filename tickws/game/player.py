"""`Player`: what your code holds of somebody who plays, or watches."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Generic, Protocol, TypeVar

from tickws.errors import UsageError
from tickws.loop.timestep import Tick
from tickws.protocol.handshake import Request
from tickws.protocol.opcodes import CloseCode, cut_reason
from tickws.sync.schema import Input

__all__ = ["Player", "Seat"]

I = TypeVar("I", bound=Input)  # noqa: E741


class Seat(Protocol):
    """What a player needs of its connection."""

    user: Any

    @property
    def request(self) -> Request:
        """The request of the handshake."""

    @property
    def open(self) -> bool:
        """Whether something can be sent."""

    @property
    def round_trip(self) -> float | None:
        """Seconds; None: unknown."""

    @property
    def behind(self) -> float | None:
        """Seconds; None: unknown."""

    def send(self, name: str, payload: object) -> bool:
        """Send an event."""

    def close(self, code: int, reason: str) -> None:
        """Close the connection."""


class Player(Generic[I]):
    """Somebody who plays; a spectator, if that is what `spectator` says."""

    __slots__ = ("__weakref__", "_entity", "_frame", "_seat", "_tick", "data", "id", "spectator")

    def __init__(self, id: int, spectator: bool, seat: Seat, frame: I) -> None:
        self.id = id
        """1, 2, 3, ...: in the order of joining, never used twice."""
        self.spectator = spectator
        """Whether this one only watches: has no input frames, and stands in `game.spectators`."""
        self.data: Any = None
        """Yours: whatever you want to keep with this player."""
        self._entity: Hashable = None
        self._seat = seat
        self._frame = frame
        self._tick = -1

    @property
    def entity(self) -> Hashable:
        """Yours: the entity that this player's events on the bus are addressed to; None at first.

        Raises (where it is set):
            TypeError: it is not hashable.
        """
        return self._entity

    @entity.setter
    def entity(self, entity: Hashable) -> None:
        hash(entity)
        self._entity = entity

    def input(self, tick: Tick) -> I:
        """What this player does in `tick`: a real frame, or the last one repeated, or the neutral one. Never None.

        Raises:
            UsageError: it is not the tick that runs, or this is a spectator.
        """
        if tick.number != self._tick:
            if self.spectator:
                raise UsageError("a spectator has no input frames: go through game.players")
            raise UsageError(f"only the running tick has its input frames: {self._tick}, not {tick.number}")
        return self._frame

    def send(self, name: str, payload: object = None) -> bool:
        """Send one event, reliably and in order; `payload`: what `tickws.pack` takes.

        Returns:
            False where the player is gone, or is closed because too much waits for it.

        Raises:
            TypeError, ValueError: the payload cannot be packed, or the name is none (1 to 64 characters).
        """
        return self._seat.send(name, payload)

    def kick(self, reason: str = "") -> None:
        """Close this player's connection with 1008; `PlayerLeft` follows, and the client does not come back by itself.

        A reason of more than 123 bytes of UTF-8 is cut.
        """
        self._seat.close(CloseCode.POLICY_VIOLATION, cut_reason(reason))

    @property
    def user(self) -> Any:
        """What `authenticate` returned."""
        return self._seat.user

    @property
    def request(self) -> Request:
        """The request with which this player came: path, query, headers, cookies, address."""
        return self._seat.request

    @property
    def connected(self) -> bool:
        """Whether something can be sent to this player."""
        return self._seat.open

    @property
    def latency(self) -> float | None:
        """Seconds of the shortest round trip of late, from a snapshot's going to its acknowledgment; None before it.

        The line, and what each end takes to its next frame. (`WebSocket.latency` is the line alone; that is what this
        is before any snapshot was acknowledged.)
        """
        return self._seat.round_trip

    @property
    def behind(self) -> float | None:
        """Seconds between the newest snapshot and the newest one that this player has applied; None before any."""
        return self._seat.behind

    def __repr__(self) -> str:
        return f"<{'Spectator' if self.spectator else 'Player'} {self.id}>"
