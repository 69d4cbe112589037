"""How much a server may hold for its connections, added up place by place, held against what its limits say.

It reaches into what the package keeps to itself, for tests alone; `tracemalloc` would be too slow to ask at every step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tickws.protocol.connection import PENDING_PONGS
from tickws.transport.link import Link, Phase
from tickws.transport.outbox import PINGS
from tickws.transport.tls import RECORD_BYTES, TlsStream

if TYPE_CHECKING:
    from tests.hostile.program import Program

__all__ = ["check_memory", "held_bytes"]

HEADER = 139
"""The most of a header or control frame that a decoder holds unfinished."""
MESSAGE = 2600
"""The longest message of the arena's program, in a frame."""
CONTROL = 131
"""The longest control frame."""


def held_bytes(link: Link) -> int:
    """Bytes that were received and are held: unread, or of an unfinished head or message."""
    connection: Any = link.connection
    held = len(connection._received)
    if connection._opening is not None:
        reader = getattr(connection._opening, "_head", None)
        held += 0 if reader is None else len(reader._buffer)
    messages = connection._messages
    if messages is not None:
        held += len(messages._buffer or b"")
        held += len(getattr(messages._decoder, "_data", b"")) + len(getattr(messages._decoder, "payload", b""))
    if isinstance(link.stream, TlsStream):
        held += link.stream._incoming.pending
    return held


def check_memory(arena: Program) -> None:
    """Hold every bound against what is there."""
    links, limits = arena.server._links, arena.limits
    if len(links.by_fd) > arena.most:
        arena.fault(f"{len(links.by_fd)} connections, of {arena.most}")
    timers: Any = links.deadlines.timers
    if timers._live > len(links.by_fd) or len(timers._heap) > 2 * len(links.by_fd) + 64:
        arena.fault(f"{len(timers._heap)} timers, {timers._live} of them live, for {len(links.by_fd)} connections")
    if not set(links.backlog._told) <= set(links.by_fd.values()):
        arena.fault("somebody is waited for who is gone")
    for link in links.by_fd.values():
        outbox: Any = link.outbox
        before_open = link.phase in (Phase.SECURING, Phase.HANDSHAKE)
        most = limits.slice_bytes + (limits.header_bytes if before_open else limits.message_bytes + HEADER)
        # A record is read whole, and the next one with it where the first is short; a third one waits sealed.
        most += 3 * RECORD_BYTES if isinstance(link.stream, TlsStream) else 0
        if held_bytes(link) > most:
            arena.fault(f"{held_bytes(link)} bytes of {link.phase} are held")
        if outbox.queued_bytes != sum(len(each) for each in outbox._reliable if hasattr(each, "__len__")):
            arena.fault("a queue has counted its bytes wrong")
        if outbox.queued_bytes > max(limits.queue_bytes, MESSAGE) or outbox.queued_messages > limits.queue_messages:
            arena.fault(f"{outbox.queued_bytes} bytes, {outbox.queued_messages} messages in a queue")
        if len(outbox._pings or ()) > PINGS or len(outbox._latest or ()) > limits.latest_keys:
            arena.fault(f"{len(outbox._pings or ())} pings, {len(outbox._latest or ())} latest values in a queue")
        if len(link.connection._pongs) > PENDING_PONGS:
            arena.fault("too many Pongs wait")
        # One commit, or what is left to be said before a Close; records of TLS add to it.
        said = limits.queue_bytes + limits.slice_bytes + (limits.latest_keys + 2) * MESSAGE
        if link.stream.unsent_bytes > (said + (PENDING_PONGS + PINGS + 2) * CONTROL) * 1.1:
            arena.fault(f"{link.stream.unsent_bytes} bytes are committed and not sent")
