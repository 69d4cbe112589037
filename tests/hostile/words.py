"""What attackers say: heads and frames of every kind, each made of a few small numbers, so that chance can choose them.

`head` and `word` take any number: they wrap around, so that a byte of a fuzzer's input is as good as a choice of
hypothesis. Whole and valid ones are among them, for who comes further is let in before he breaks something.
"""

from __future__ import annotations

import zlib
from functools import cache

from tests.protocol.helpers import BINARY, CLOSE, CONT, PING, PONG, TEXT, UPGRADE, frame, request_head, without

__all__ = ["HEADS", "WORDS", "head", "word"]

ZEROS = bytes(4)
"""A mask that changes nothing: long frames are made fast, and a fuzzer sees its own bytes."""
OFFER = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"
CODES = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 3000, 4999, 0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65535)
HEADS = 16
"""How many kinds of head there are."""
WORDS = 27
"""How many kinds of word there are."""


def head(kind: int, number: int, body: bytes = b"", *more: str) -> bytes:
    """A request; `number` says where it is cut or bent, `body` follows or is put into it, `more` are header lines."""
    kind %= HEADS
    whole = request_head("GET /game HTTP/1.1", UPGRADE, *more)
    at = number * 7 % len(whole)
    if kind < 5:  # most come in
        return (whole if kind < 3 else request_head("GET /game HTTP/1.1", UPGRADE, OFFER, *more)) + body
    if kind == 5:
        return whole[:at]
    if kind == 6:
        return whole[:at] + bytes([whole[at] ^ 1 << number % 8]) + whole[at + 1 :]
    if kind == 7:
        return whole[:at] + body + whole[at:]
    if kind == 8:
        return request_head("GET /game HTTP/1.1", UPGRADE, *(f"X-{each}: y" for each in range(number)))
    if kind == 9:
        return request_head("GET /game HTTP/1.1", UPGRADE, "X: " + "y" * 40 * number)
    if kind == 10:
        return b"GET / HTTP/1.1\r\nX: " + b"y" * 40 * number  # and no end
    if kind == 11:
        return request_head("GET / HTTP/1.1", {"Host": "a"}) + body
    if kind == 12:
        return request_head("POST / HTTP/1.1", {"Host": "a", "Content-Length": str(len(body))}) + body
    if kind == 13:
        return request_head("GET /game HTTP/1.1", without(list(UPGRADE)[number % len(UPGRADE)])) + body
    if kind == 14:
        return b"\x16\x03\x01" + len(body).to_bytes(2, "big") + body  # TLS
    return body


def word(kind: int, number: int, body: bytes = b"") -> bytes:
    """What is said behind a head: mostly frames, whole ones and broken ones."""
    kind %= WORDS
    if kind < 8:
        return _valid(kind, number, body)
    if kind < 15:
        return _many(kind, number, body)
    return _broken(kind, number, body)


def _valid(kind: int, number: int, body: bytes) -> bytes:
    """One frame or message that any server must take."""
    if kind < 2:
        text = body.decode(errors="replace").encode()
        return frame(TEXT, text * (1 + number // 64), mask=ZEROS)
    if kind < 4:
        return frame(BINARY, body * (1 + number // 8), mask=ZEROS)
    if kind == 4:
        return frame(PING, body[:125], mask=ZEROS)
    if kind == 5:
        return frame(PONG, body[:125], mask=ZEROS)
    if kind == 6:
        return frame(
            CLOSE, CODES[number % 10].to_bytes(2, "big") + body[:20].decode(errors="ignore").encode(), mask=ZEROS
        )
    return frame(CLOSE, mask=ZEROS)


def _many(kind: int, number: int, body: bytes) -> bytes:
    """Floods: each frame is valid, and there are many, or they never end."""
    if kind == 8:
        return frame(PING, body[:125], mask=ZEROS) * number
    if kind == 9:
        return frame(TEXT, b"x", mask=ZEROS) * number
    if kind == 10:
        return frame(BINARY, b"", mask=ZEROS) * number
    if kind == 11:
        return frame(TEXT, fin=False, mask=ZEROS) + frame(CONT, fin=False, mask=ZEROS) * number * 4
    if kind == 12:
        return frame(BINARY, body, fin=False, mask=ZEROS) + frame(CONT, b"y", fin=False, mask=ZEROS) * number
    if kind == 13:  # a message in pieces, with a ping between them
        parts = frame(BINARY, body, fin=False, mask=ZEROS) + frame(PING, b"?", mask=ZEROS)
        return parts + frame(CONT, body * (number // 16), mask=ZEROS)
    return bomb(1 + number % 3)


def _broken(kind: int, number: int, body: bytes) -> bytes:
    """What no server may take, or what waits for more."""
    fin = bool(number & 1)
    if kind == 15:
        return frame(number & 0x0F, body[:125], fin=fin, rsv=1 + (number >> 4) % 7, mask=ZEROS)
    if kind == 16:
        return frame((3, 4, 5, 6, 7, 11, 12, 13, 14, 15)[number % 10], body[:125], mask=ZEROS)
    if kind == 17:
        return frame((CLOSE, PING, PONG)[number % 3], body, fin=number % 5 > 0, mask=ZEROS)
    if kind == 18:
        return frame(CLOSE, CODES[number % len(CODES)].to_bytes(2, "big") + body[:123], mask=ZEROS)
    if kind == 19:
        return frame(CONT, body, fin=fin, mask=ZEROS)
    if kind == 20:
        return frame(TEXT, b"a\xed\xa0\x80" + body, fin=fin, mask=ZEROS)
    if kind == 21:  # a length that the frame will never have
        size = (1 << 63, (1 << 63) - 1, 1 << 40, 1 << 31, 70_000, 3001, 3000, 125)[number % 8]
        return b"\x82\xff" + size.to_bytes(8, "big") + ZEROS + body
    if kind == 22:
        return frame(BINARY, body)  # not masked
    if kind == 23:
        whole = frame(BINARY, body + b"y" * number, mask=ZEROS)
        return whole[: number % len(whole)]
    if kind == 24:
        return frame(BINARY, b"y" * 16 * number, mask=ZEROS)  # some are longer than a message may be
    if kind == 25:
        return frame(TEXT, body, rsv=4, mask=ZEROS)  # compressed, it says
    return body


@cache
def bomb(size: int) -> bytes:
    """A frame of a few KiB that stands for `size` MiB."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = compressor.compress(bytes(size << 20)) + compressor.flush(zlib.Z_SYNC_FLUSH)
    return frame(BINARY, data[:-4], rsv=4, mask=ZEROS)
