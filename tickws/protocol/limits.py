"""What a peer may ask of us: every bound of protocol and transport, once, with its precedent."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

__all__ = ["Limits"]

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on one connection. Sizes in bytes, times in seconds (`math.inf`: never). Frozen; make what you need.

    Raises:
        ValueError: a bound is not a positive number.
    """

    message_bytes: int = MIB
    """The longest message that a peer may send, also as the sum of its fragments; in frame delivery, the longest frame.
    Over it: 1009. What we send is ours to bound. (1 MiB: websockets' max_size.)"""
    header_bytes: int = 16 * KIB
    """The longest HTTP head, request line included. Over it: 431. (16 KiB: h11; the original had 1,023 bytes.)"""
    header_count: int = 64
    """The most header lines of one. Over it: 431. (websockets 128, aiohttp's and nginx's practice below 100.)"""
    handshake_seconds: float = 10.0
    """Time for a whole handshake, TLS and HTTP. (websockets' open_timeout.)"""
    handshakes: int = 512
    """Handshakes that a server has at once. With one more, the oldest is dropped that came half a second ago or longer,
    and of which nothing waits to be read; where there is none, the newcomer waits in the backlog. (sshd's MaxStartups:
    10 to 100.)"""
    address_connections: float = math.inf
    """Connections that a server has from one IP address, or one IPv6 network of 64 bits. The next is closed at once.
    (nginx has no default either: behind a proxy, or in a school, many players share an address.)"""
    closing_seconds: float = 5.0
    """Time for a peer to finish a closing handshake, or to take the next `slice_bytes` of what is said before it, or of
    an HTTP answer. (The original's.)"""
    ping_seconds: float = 20.0
    """Silence after which we ping. (websockets' ping_interval.)"""
    dead_seconds: float = 20.0
    """Further silence after which the peer counts as gone, 1006. (websockets' ping_timeout.)"""
    queue_bytes: int = MIB
    """Unsent reliable bytes; a message is always taken into an empty queue. Over it: 1008."""
    queue_messages: int = 4096
    """Unsent reliable messages. Over it: 1008. (Mirror closes at 1,000 waiting, Nakama at 64.)"""
    slow_seconds: float = 1.0
    """Age of the oldest unsent byte at which `on_slow` is called; it is called sooner where half of the queue is full.
    (Players notice 1 s; uWebSockets tells at once.)"""
    latest_keys: int = 16
    """Keys of `send_latest` in use at once on one connection; one more raises ValueError."""
    slice_messages: int = 64
    """Messages taken from one connection in one slice; the rest waits for the next, round robin."""
    slice_bytes: int = 64 * KIB
    """Bytes read from one connection in one slice, and reliable bytes written before its latest values."""
    messages_per_second: float = math.inf
    """Messages, control frames and fragments that one connection may say, sustained. Who says more is not read for a
    while: TCP pushes back, nothing is dropped. Of a compressed message each 16 KiB count as one. (Source's servers: one
    command a tick.)"""
    messages_burst: int = 256
    """The same at once."""
    bytes_per_second: float = math.inf
    """Bytes that one connection may say, sustained: compressed as they come, and inside of TLS. As above."""
    bytes_burst: int = 256 * KIB
    """The same at once."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            whole = field.type == "int"
            if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)) or not value > 0:
                raise ValueError(
                    f"Limits.{field.name} must be a positive {'int' if whole else 'number'}, not {value!r}"
                )
