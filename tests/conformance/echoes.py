"""What the two echoes under test have in common: limits for the suite's messages, and the ways to compress."""

from __future__ import annotations

import math

import tickws

__all__ = ["COMPRESSIONS", "LIMITS", "echo"]

MIB = 1024 * 1024

LIMITS = tickws.Limits(
    message_bytes=16 * MIB,  # the suite's longest: 9.1.6, 9.2.6
    queue_bytes=64 * MIB,
    ping_seconds=math.inf,  # the suite counts every frame that comes, so a ping of ours would be a fault in its eyes
)

COMPRESSIONS: dict[str, tickws.Deflate | None] = {
    "off": None,
    "default": tickws.Deflate(threshold_bytes=0),
    "takeover": tickws.Deflate(
        window_bits=15, peer_window_bits=15, context_takeover=True, peer_context_takeover=True, threshold_bytes=0
    ),
}
"""What is agreed to. Every message is compressed, however short: by the defaults, which take no context over, or with
both contexts and the largest windows."""


def echo(ws: tickws.WebSocket, message: str | bytes) -> None:
    """The answer to each message: itself, of its kind."""
    ws.send(message)
