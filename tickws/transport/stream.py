"""One connected socket and its out-buffer: bytes that are committed, in order, and can no longer be dropped.

Promises: never blocks; the out-buffer is only added to when it is empty, so it is bounded by one commit of the
`Outbox`; what is unsent is not copied again. A socket error is an answer (`lost`), never an exception. Cost: one system
call for whatever a frame has to say, however many pieces it is in.
"""

from __future__ import annotations

import socket

from tickws.transport.network import Socket

__all__ = ["Stream"]

_COPIED_BYTES = 64 * 1024
"""Pieces of together at most this are joined and sent by `send`; larger ones are gathered by `sendmsg`, uncopied."""
_GATHERED = 64
"""The most pieces for one `sendmsg`; systems take at least 16, most 1,024."""


class Stream:
    """A non-blocking connected socket with an out-buffer."""

    __slots__ = ("_ended", "_gather", "_out", "_socket", "fd", "lost", "unsent_bytes")

    def __init__(self, sock: Socket) -> None:
        self._socket = sock
        self.fd = sock.fileno()
        self._gather = getattr(sock, "sendmsg", None)  # Windows has none
        self._ended = False
        self._out: list[bytes | memoryview] = []
        self.unsent_bytes = 0
        """Committed bytes that the kernel has not taken."""
        self.lost = False
        """Whether the connection was found broken: reset, unreachable, timed out."""

    def read(self, most: int) -> bytes | None:
        """Read at most `most` bytes: empty at the end of the stream, None where there is nothing (or `lost`)."""
        try:
            return self._socket.recv(most)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError:
            self.lost = True
            return None

    def error(self) -> int:
        """How connecting ended: 0, or the system's error number."""
        return self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)

    def write(self, pieces: list[bytes]) -> int:
        """Commit `pieces` and write what the kernel takes; gives the number of bytes written.

        Afterwards `unsent_bytes` waits for the socket to be writable, and then for `write([])`.
        """
        out = self._out
        if not out and len(pieces) == 1:  # the usual frame: one piece, taken whole
            piece = pieces[0]
            try:
                sent = self._socket.send(piece)
            except (BlockingIOError, InterruptedError):
                sent = 0
            except OSError:
                self.lost = True
                return 0
            if sent < len(piece):
                out.append(memoryview(piece)[sent:])
                self.unsent_bytes = len(piece) - sent
            return sent
        out += pieces
        self.unsent_bytes += sum(map(len, pieces))
        total = 0
        while self.unsent_bytes:
            sent = self._send_some()
            if not sent:
                break
            total += sent
            self._forget(sent)
        return total

    def _send_some(self) -> int:
        out = self._out
        if len(out) == 1:
            return self._send(out[0])
        if self.unsent_bytes <= _COPIED_BYTES or self._gather is None:
            return self._send(b"".join(out if self.unsent_bytes <= _COPIED_BYTES else out[:_GATHERED]))
        try:
            return int(self._gather(out[:_GATHERED]))
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:
            self.lost = True
            return 0

    def _send(self, data: bytes | memoryview) -> int:
        try:
            return self._socket.send(data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:
            self.lost = True
            return 0

    def _forget(self, sent: int) -> None:
        """Drop what was sent from the out-buffer."""
        out = self._out
        self.unsent_bytes -= sent
        done = 0
        for piece in out:
            if sent < len(piece):
                break
            sent -= len(piece)
            done += 1
        del out[:done]
        if sent:
            out[0] = memoryview(out[0])[sent:]

    def end(self) -> None:
        """End our half of the stream (FIN), once: the peer reads what was written, then the end."""
        if self._ended:
            return
        self._ended = True
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            self.lost = True

    def close(self) -> None:
        """Give the descriptor back. Unsent bytes are lost."""
        self._out.clear()
        self.unsent_bytes = 0
        self._socket.close()
