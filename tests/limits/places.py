"""Peers on a memory network that come from other addresses than this machine's."""

from __future__ import annotations

from typing import Any

from tests.transport.peers import House, Peer


def dial_from(house: House, host: str, *, port: int = 4711) -> Peer:
    """A peer that has said nothing yet, and comes from `host`; of a unix socket, where that is empty."""
    peer: Any = house.dial()
    end = getattr(peer, "raw", peer.socket).other
    end._peer = "" if not host else (host, port, 0, 0) if ":" in host else (host, port)
    made: Peer = peer
    return made
