"""Who comes to do harm: a raw end of a memory connection, in TLS or not, that reads or does not, and says anything."""

from __future__ import annotations

import ssl
from typing import Any, Protocol

from tests import certificates
from tests.hostile.words import head, word
from tests.transport.tls_peers import Tunnel
from tickws.testing import Conditions, MemoryNetwork

__all__ = ["Attacker"]

MOST_UNSENT = 1 << 18
"""What it would say, and the line does not take, is forgotten above this."""


class Place(Protocol):
    """What is attacked."""

    network: MemoryNetwork

    @property
    def server(self) -> Any:
        """The `WebSocketServer`."""


class Attacker:
    """One of them.

    Args:
        place: what it attacks.
        conditions: of its line.
        tunnel: whether it speaks TLS.
    """

    def __init__(self, place: Place, conditions: Conditions, *, tunnel: bool = False) -> None:
        self.socket = place.network.dial(place.server.port, conditions=conditions)
        self.reads = True
        self.gone = False
        self._unsent = b""
        self._tunnel = Tunnel(self.socket, certificates.trusted()) if tunnel else None
        self._plain = b""  # what waits for the TLS handshake

    def head(self, kind: int, number: int, body: bytes = b"") -> None:
        """Send a request, whole or not."""
        self.put(head(kind, number, body))

    def say(self, kind: int, number: int, body: bytes = b"") -> None:
        """Say something."""
        self.put(word(kind, number, body))

    def put(self, data: bytes) -> None:
        """Send bytes, in TLS where that is spoken."""
        if self._tunnel is None:
            self.put_raw(data)
        elif len(self._plain) < MOST_UNSENT:
            self._plain += data
            self.push()

    def put_raw(self, data: bytes) -> None:
        """Send bytes as they are, now or when the line takes them."""
        if len(self._unsent) < MOST_UNSENT:
            self._unsent += data
            self.push()

    def push(self) -> None:
        """Have the line take what it takes."""
        if self.gone:
            return
        try:
            if self._tunnel is not None:
                self._push_tunnel(self._tunnel)
            while self._unsent:
                self._unsent = self._unsent[self.socket.send(self._unsent) :]
        except BlockingIOError:
            pass
        except (OSError, ssl.SSLError):  # the server has had enough
            self._unsent = b""

    def _push_tunnel(self, tunnel: Tunnel) -> None:
        if not tunnel.shaken:
            tunnel.take_in()
            self._unsent += tunnel.hello()
        if tunnel.shaken and self._plain and tunnel.fault is None:
            data, self._plain = self._plain, b""
            self._unsent += tunnel.seal(data)

    def turn(self) -> None:
        """A frame: what waits is sent, what has come is read."""
        if self.gone:
            return
        self.push()
        if self.reads:
            self._read()

    def _read(self) -> None:
        source: Any = self.socket if self._tunnel is None else self._tunnel
        try:
            while source.recv(65536):
                pass
        except (BlockingIOError, ConnectionError, ssl.SSLError):
            pass

    def half_close(self) -> None:
        """End its half of the stream."""
        self._quietly(lambda: self.socket.shutdown(1))

    def reset(self) -> None:
        """Go with a reset."""
        self.gone = True
        self.socket.reset()

    def close(self) -> None:
        """Go with a FIN, or with a reset where something was left unread."""
        self.gone = True
        self.socket.close()

    def vanish(self) -> None:
        """Go without anything: nothing is sent or taken any more, and nobody is told."""
        self.gone = True
        self.socket.stall()

    def _quietly(self, act: Any) -> None:
        try:
            act()
        except OSError:
            pass
