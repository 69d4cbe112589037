"""What the tests with real sockets share; nothing sleeps, a wait is the system's own and has an end."""

import select
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

SECONDS = 10.0
"""How long anything may take."""


@contextmanager
def tcp_pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two connected, non-blocking ends on the loopback."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        first = socket.create_connection(door.getsockname())
        second, _ = door.accept()
    with first, second:
        first.setblocking(False)
        second.setblocking(False)
        yield first, second


def wait_readable(sock: socket.socket) -> None:
    """Until there are bytes, an end or an error."""
    assert select.select([sock], [], [], SECONDS)[0]


def read_all(sock: socket.socket, size: int) -> bytes:
    """So many bytes."""
    data = b""
    while len(data) < size:
        wait_readable(sock)
        part = sock.recv(size - len(data))
        assert part, "the stream ended early"
        data += part
    return data


def reset(sock: socket.socket) -> None:
    """Close with a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
