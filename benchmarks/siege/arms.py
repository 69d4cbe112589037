"""What attackers say: bytes, all made beforehand, so that a thousand attackers cost one process little."""

from __future__ import annotations

import zlib
from functools import cache

from benchmarks.packing import OFFER, TAIL
from benchmarks.payloads import make_bomb
from benchmarks.peer import MASK, PACKED, PING, Peer, masked

__all__ = [
    "BOMB_BYTES",
    "HEADERS",
    "HEADER_BYTES",
    "LENGTHS",
    "bomb",
    "empty_blocks",
    "fragments",
    "huge",
    "long_header",
    "many_headers",
    "pings",
    "plain_requests",
    "request",
    "word",
]

BOMB_BYTES = 32 * 1024 * 1024
"""What a bomb inflates to; it is 32 KiB on the wire."""
LENGTHS = (2**63 - 1, 2**63)
"""What a frame may at most say that it holds (RFC 6455 section 5.2), and one more."""
HEADERS = 1000
HEADER_BYTES = 1024 * 1024
PING_BYTES = 125
BLOCK, BLOCKS = b"\x00\x00\x00\xff\xff", 12_000
"""A block of DEFLATE that holds nothing."""
BINARY_FIRST, CONTINUATION = 0x02, 0x00
"""First bytes of fragments that are not the last."""


@cache
def request(host: str) -> bytes:
    """What lets one in: a proper request, which offers compression."""
    return Peer("/?attacker", host, extension=OFFER).out


@cache
def fragments(size: int, count: int, *, first: bool = False) -> bytes:
    """So many fragments of so many bytes, none of which is the last.

    Args:
        first: whether a message begins with them, or goes on.
    """
    rest = masked(CONTINUATION, b"x" * size)
    return masked(BINARY_FIRST, b"x" * size) + rest * (count - 1) if first else rest * count


@cache
def pings(count: int) -> bytes:
    """So many, each as long as a ping may be."""
    return masked(PING, b"p" * PING_BYTES) * count


def huge(length: int) -> bytes:
    """The head of a frame that says that it holds so much, and a few bytes of it."""
    return bytes((0x82, 0x80 | 127)) + length.to_bytes(8, "big") + MASK + b"more to come"


def _deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH)).removesuffix(TAIL)


@cache
def bomb(size: int = BOMB_BYTES) -> bytes:
    """A compressed message of so many zeros."""
    return masked(PACKED, _deflate(bytes(size)))


@cache
def word(size: int, *, packed: bool = False) -> bytes:
    """A message of so many bytes, all but a few zeros, which the game takes; compressed or not."""
    said = make_bomb(2 * size - len(make_bomb(size)))  # below 64 KiB, msgpack writes the length in fewer bytes
    return masked(PACKED, _deflate(said)) if packed else masked(0x82, said)


@cache
def empty_blocks() -> bytes:
    """A compressed message of many blocks that inflates to nothing."""
    return masked(PACKED, (BLOCK * BLOCKS).removesuffix(TAIL))


@cache
def many_headers(host: str) -> bytes:
    """A request of a thousand header lines."""
    lines = b"".join(b"X-Header-%d: some content\r\n" % number for number in range(HEADERS))
    return request(host).removesuffix(b"\r\n") + lines + b"\r\n"


@cache
def long_header(host: str) -> bytes:
    """A request with a header of a mebibyte."""
    return request(host).removesuffix(b"\r\n") + b"X-Header: " + b"x" * HEADER_BYTES + b"\r\n\r\n"


@cache
def plain_requests(host: str) -> tuple[bytes, ...]:
    """Other things than WebSockets that are asked of a port."""
    name = host.encode()
    return (
        b"GET / HTTP/1.1\r\nHost: " + name + b"\r\nUser-Agent: a crawler\r\nAccept: */*\r\n\r\n",
        b"POST /login HTTP/1.1\r\nHost: " + name + b"\r\nContent-Length: 9\r\n\r\nuser=root",
        b"GET /../../etc/passwd HTTP/1.1\r\nHost: " + name + b"\r\n\r\n",
        b"\x00\x01\x02 no HTTP at all\r\n\r\n",
    )
