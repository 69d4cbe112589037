"""One message for many: framed once, and compressed once for all who compress alike (DESIGN rule 4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tickws.protocol.codec import encode_frame
from tickws.protocol.deflate import Compressible
from tickws.protocol.messages import Buffer, payload_of
from tickws.transport.link import Link
from tickws.transport.sendqueue import SendQueue
from tickws.transport.websocket import WebSocket

__all__ = ["Broadcasts"]


class Broadcasts:
    """Says one thing to all links of a server. From any thread.

    Args:
        queue: takes it.
        links: who is open; under the queue's lock.
        compression: whether any of them may have agreed to compress.
    """

    def __init__(self, queue: SendQueue, links: Mapping[WebSocket, Link], *, compression: bool) -> None:
        self._queue = queue
        self._links = links
        self._compression = compression

    def put(self, message: str | Buffer, exclude: Iterable[WebSocket]) -> int:
        """Queue one message for every open link; gives how many took it."""
        without = set(exclude)  # outside the lock: an iterable is its caller's code
        plain, compressible = self._encode(message)
        with self._queue.lock:
            links = self._all_but(without)
            if compressible is None:
                return self._queue.put_many(links, plain)
            compressing = [link for link in links if link.connection.encoder.compresses(len(compressible))]
            others = [link for link in links if not link.connection.encoder.compresses(len(compressible))]
            return self._queue.put_many(compressing, compressible) + self._queue.put_many(others, plain)

    def put_latest(self, key: object, message: str | Buffer, exclude: Iterable[WebSocket]) -> int:
        """Set a latest value for every open link; gives how many took it."""
        without = set(exclude)
        plain, compressible = self._encode(message)
        taken = 0
        with self._queue.lock:
            for link in self._all_but(without):
                if link.outbox.has_room(key):
                    compresses = compressible is not None and link.connection.encoder.compresses(len(compressible))
                    value = compressible if compressible is not None and compresses else plain
                    taken += self._queue.put_latest(link, key, value)
        return taken

    def _encode(self, message: str | Buffer) -> tuple[bytes, Compressible | None]:
        """The message as it goes to those who do not compress it, and to those who may."""
        opcode, payload = payload_of(message)
        return encode_frame(opcode, payload, True, b""), Compressible(opcode, payload) if self._compression else None

    def _all_but(self, without: set[WebSocket]) -> list[Link]:
        return [link for websocket, link in self._links.items() if not without or websocket not in without]
