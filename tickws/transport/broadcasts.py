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
        opcode, payload = payload_of(message)
        plain = encode_frame(opcode, payload, True, b"")
        with self._queue.lock:
            links = self._all_but(without)
            compressing = self._compressing(links, len(payload))
            if not compressing:
                return self._queue.put_many(links, plain)
            others = [link for link in links if link not in compressing]
            return self._queue.put_many(compressing, Compressible(opcode, payload)) + self._queue.put_many(
                others, plain
            )

    def put_latest(self, key: object, message: str | Buffer, exclude: Iterable[WebSocket]) -> int:
        """Set a latest value for every open link; gives how many took it."""
        without = set(exclude)
        opcode, payload = payload_of(message)
        plain, compressible = encode_frame(opcode, payload, True, b""), Compressible(opcode, payload)
        with self._queue.lock:
            wanted = self._all_but(without)
            links = [link for link in wanted if link.outbox.has_room(key)]
            self._queue.limited["latest_keys"] += len(wanted) - len(links)
            compressing = self._compressing(links, len(payload))
            return sum(
                self._queue.put_latest(link, key, compressible if link in compressing else plain) for link in links
            )

    def _compressing(self, links: list[Link], size: int) -> dict[Link, None]:
        """Those that compress a message of so many bytes, in their order."""
        if not self._compression:
            return {}
        return {link: None for link in links if link.connection.encoder.compresses(size)}

    def _all_but(self, without: set[WebSocket]) -> list[Link]:
        return [link for websocket, link in self._links.items() if not without or websocket not in without]
