"""One connected socket and its out-buffer: bytes that are committed, in order, and can no longer be dropped.

Promises: never blocks; the out-buffer is only added to when it is empty, so it is bounded by one commit of the
`Outbox`; what is unsent is not copied again. A socket error is an answer (`lost`), never an exception. Cost: one system
call for whatever a frame has to say, however many pieces it is in.
"""

from __future__ import annotations

import socket

from tickws.transport.network import Socket
from tickws.transport.steps import COPIED_BYTES, WRITE_BYTES

__all__ = ["Stream"]

_GATHERED = 64
"""The most pieces for one `sendmsg`; systems take at least 16, most 1,024."""


class Stream:
    """A non-blocking connected socket with an out-buffer."""

    __slots__ = ("_ended", "_gather", "_out", "_socket", "fd", "lost", "unsent_bytes")

    pending = False
    """Something is left to do that no poller tells of: never (see `TlsStream`)."""
    fault = ""
    """What the peer did wrong: nothing that shows here."""
    taken_less = 0
    """Of the bytes that `write` has given as written, how many the kernel has not taken: none."""

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

    @property
    def socket(self) -> Socket:
        """The socket itself."""
        return self._socket

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
        if self.lost:
            return 0
        if not out and pieces:
            piece = pieces[0] if len(pieces) == 1 else self._whole(pieces)
            if piece is not None and len(piece) <= WRITE_BYTES:  # the usual frame, taken whole
                # An interrupt that comes out of this call (Ctrl-C) leaves the piece as sent, which it nearly always is.
                sent = self._send(piece)
                if sent < len(piece):
                    out.append(memoryview(piece)[sent:])
                    self.unsent_bytes = len(piece) - sent
                return sent
        out += pieces
        self.unsent_bytes += sum(map(len, pieces))
        try:
            sent = self._send_some() if self.unsent_bytes else 0
            self._forget(sent)
        except BaseException:  # interrupted: how much of it went out, nobody knows
            self.lost = True
            raise
        return sent

    @staticmethod
    def _whole(pieces: list[bytes]) -> bytes | None:
        """The pieces as one, where that is cheap."""
        return b"".join(pieces) if sum(map(len, pieces)) <= COPIED_BYTES else None

    def _send_some(self) -> int:
        """One system call, for at most `WRITE_BYTES`."""
        out = self._out
        if len(out) > 1 and (self._gather is None or self.unsent_bytes <= COPIED_BYTES):
            self._join()
        if len(out) == 1 or self._gather is None or len(out[0]) >= WRITE_BYTES:
            return self._send(memoryview(out[0])[:WRITE_BYTES])
        pieces, size = [], 0
        for piece in out[:_GATHERED]:
            size += len(piece)
            if size > WRITE_BYTES:
                break
            pieces.append(piece)
        try:
            return int(self._gather(pieces))
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:
            self.lost = True
            return 0

    def _join(self) -> None:
        """Make one piece of the first ones, of together at most `COPIED_BYTES`, or of the first alone."""
        size = count = 0
        for piece in self._out:
            size += len(piece)
            if count and size > COPIED_BYTES:
                break
            count += 1
        if count > 1:
            self._out[:count] = [b"".join(self._out[:count])]

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
