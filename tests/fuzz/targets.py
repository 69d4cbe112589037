"""All targets, by name."""

from __future__ import annotations

from tests.fuzz import compression, connections, frames, heads, payloads, server

__all__ = ["TARGETS"]

TARGETS = {
    target.name: target
    for target in (
        heads.TARGET,
        frames.TARGET,
        connections.TARGET,
        compression.TARGET,
        payloads.UNPACK,
        payloads.WIRE,
        server.SERVER,
        server.TLS,
    )
}
