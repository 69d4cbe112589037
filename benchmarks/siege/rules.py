"""How the server under attack is set up: as docs/security.md tells operators, for a game of small messages."""

from __future__ import annotations

import tickws

__all__ = ["BUDGET", "MESSAGE_BYTES", "MOST", "PATIENCE_SECONDS", "QUEUE_BYTES", "SEND_BUFFER", "rules"]

BUDGET = 0.006
"""Seconds of a frame that the server has in any case. 200 players who are answered, half of them by TLS, take 3 to 4 ms
of each frame with nobody attacking."""
MOST = 0.012
"""Seconds that it may have where the frame has them to spare."""
MESSAGE_BYTES = 16 * 1024
"""The longest message."""
QUEUE_BYTES = 64 * 1024
"""What may wait for who does not read."""
SEND_BUFFER = 64 * 1024
"""Bytes in the kernel for each connection: what Linux begins with on an Ethernet."""
PATIENCE_SECONDS = 10.0
"""For a whole handshake; half of it for a closing handshake."""


def rules(*, queue_bytes: int = QUEUE_BYTES, patience_seconds: float = PATIENCE_SECONDS) -> tickws.Limits:
    """The limits: rates are those of `GameLimits`, with room above a player at 30 Hz; what is not named is the default.

    All come from one address here, players too, so nothing is set for addresses.
    """
    return tickws.Limits(
        message_bytes=MESSAGE_BYTES,
        queue_bytes=queue_bytes,
        handshake_seconds=patience_seconds,
        closing_seconds=patience_seconds / 2,
        messages_per_second=240.0,
        messages_burst=240,
        bytes_per_second=64.0 * 1024,
        bytes_burst=128 * 1024,
    )
