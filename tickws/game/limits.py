"""What a player may ask of a game: `Limits` of a connection that plays, and the bounds of tickws.1; with precedents."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from tickws.protocol.limits import KIB, Limits

__all__ = ["GameLimits", "check_rate"]

logger = logging.getLogger("tickws")


@dataclass(frozen=True, slots=True, kw_only=True)
class GameLimits(Limits):
    """Bounds on one player. Sizes in bytes, times in seconds. Frozen; make what you need.

    Raises:
        ValueError: a bound is not a positive number.
    """

    message_bytes: int = 4 * KIB
    """The longest message that a player may send. Over it: 1009, at once. (Colyseus, Nakama.)"""
    ping_seconds: float = 1.0
    """Silence after which we ping: a player who plays is never silent."""
    dead_seconds: float = 14.0
    """Further silence after which a player counts as gone: 15 s in all. (Colyseus 6 s to 30 s, Photon 10 s.)"""
    slow_seconds: float = 2.0
    """Age of the oldest event or snapshot that a player has not acknowledged, at which it is slow: `PlayerSlow`. (A
    browser's hidden tab acknowledges once a second.)"""
    messages_per_second: float = 512.0
    """Messages of a player, sustained: an input frame a tick, `message_rate`, and as much again at 128 ticks."""
    messages_burst: int = 512
    """The same at once: a second of them."""
    bytes_per_second: float = 64.0 * KIB
    """Bytes of a player, sustained: some hundred a tick are usual."""
    bytes_burst: int = 128 * KIB
    """The same at once."""
    hello_seconds: float = 10.0
    """Time from the open connection to its hello. Over it: 1008. (As for the handshake.)"""
    event_messages: int = 256
    """Events sent to a player that wait for acknowledgment. Over it: 1013. So many of a player's own may wait their
    turn, too. (Nakama's 64 is too small for a burst, Mirror has 1,000.)"""
    event_bytes: int = 256 * KIB
    """Bytes of them."""
    message_rate: float = 60.0
    """Named messages of a player that reach the game in a second, sustained; more wait their turn, unacknowledged."""
    message_burst: int = 64
    """The same at once. (Mirror's cap is 10,000 a tick, for all.)"""
    rejected_messages: int = 8
    """Messages of a player that cannot be used and are dropped; one more closes with the code of its fault."""


def check_rate(limits: GameLimits, rate: int) -> None:
    """Warn where an honest player, who says an input frame a tick and named messages, would be held."""
    if limits.messages_per_second < rate + limits.message_rate:
        logger.warning(
            "limits.messages_per_second=%g is less than players say at %d ticks a second: an input frame in each, and "
            "up to %g messages (limits.message_rate)",
            limits.messages_per_second,
            rate,
            limits.message_rate,
        )
