"""TLS for the benchmarks: contexts, and a light client's end of a secured connection.

The client's end is Python's own `SSLSocket` on a socket, not tickws' TLS over memory: a fault of tickws cannot hide by
being at both ends.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

__all__ = ["NAME", "Secure", "as_file", "client_hello", "secure", "serving", "shaking", "trusted", "trusting"]

NAME = "localhost"
"""For whom the certificate stands, and what clients say that they want to reach."""


class Secure(ssl.SSLSocket):
    """A socket without waiting: where TLS wants something of the network first, that is a BlockingIOError.

    Its handshake goes on whenever it is read or written.
    """

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """What has come; one record at most, the others stay readable."""
        try:
            return super().recv(buflen, flags)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise BlockingIOError from None

    def send(self, data: Any, flags: int = 0) -> int:
        """Say something. What was not taken must be said again, as it was."""
        try:
            return super().send(data, flags)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise BlockingIOError from None


def serving(chain: str, key: str) -> ssl.SSLContext:
    """A server's context."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    return context


def trusting(authority: str) -> ssl.SSLContext:
    """A client's context; the sockets that it wraps are `Secure`."""
    context = ssl.create_default_context(cafile=authority)
    context.sslsocket_class = Secure
    return context


def trusted(authority: str) -> ssl.SSLContext | None:
    """The same for the option `--authority`: none where it is empty."""
    return trusting(authority) if authority else None


@contextmanager
def as_file(authority: str) -> Iterator[str]:
    """The name of a file that holds this PEM, as `trusting` wants it, until the end of the block; none for none."""
    if not authority:
        yield ""
        return
    with TemporaryDirectory() as folder:
        path = Path(folder, "authority.pem")
        path.write_text(authority)
        yield str(path)


def secure(sock: socket.socket, context: ssl.SSLContext) -> socket.socket:
    """Speak TLS over a connected socket (over another it would speak none), without waiting for the handshake."""
    return context.wrap_socket(sock, server_hostname=NAME, do_handshake_on_connect=False)


def shaking(sock: socket.socket) -> bool:
    """Whether it is in its TLS handshake: whatever is to be said waits for the server's word."""
    return isinstance(sock, Secure) and sock.version() is None


def client_hello(context: ssl.SSLContext) -> bytes:
    """What a client says first."""
    sent = ssl.MemoryBIO()
    end = context.wrap_bio(ssl.MemoryBIO(), sent, server_hostname=NAME)
    try:
        end.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return sent.read()
