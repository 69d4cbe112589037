"""Writes the seeds of all targets: `python -m tests.fuzz.seeds`.

Each is a file of one input in corpus/<target>/, with a name that says what it is. Most are masked with zeros, so that
the fuzzer can change a payload as it stands. What was found once is kept beside them as found-..., and is not touched.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import msgspec

from tests.fuzz.scripts import server, tls
from tests.fuzz.target import CORPUS
from tests.protocol.helpers import (
    ACCEPT,
    BINARY,
    CLOSE,
    CONT,
    KEY,
    MASK,
    PING,
    PONG,
    TEXT,
    UPGRADE,
    answer_head,
    close_payload,
    frame,
    request_head,
    without,
)

__all__ = ["seeds"]

Seeds = Iterator[tuple[str, bytes]]
ZEROS = bytes(4)
WHOLE, BYTEWISE, MIXED = b"\0\0\0", b"\1\1\1", b"\3\1\7"


def http() -> Seeds:
    """Heads: for a server, then for a client."""
    offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"
    requests = {
        "upgrade": request_head(),
        "subprotocols": request_head("GET /chat?a=1&b=%20 HTTP/1.1", UPGRADE, "Sec-WebSocket-Protocol: x, superchat"),
        "compression": request_head("GET / HTTP/1.1", UPGRADE, offer, "Origin: http://server.example.com"),
        "cookies": request_head("GET / HTTP/1.1", UPGRADE, 'Cookie: a=1; b="2"', "Cookie: c="),
        "frames-behind": request_head() + frame(TEXT, b"hello", mask=MASK),
        "plain": request_head("GET /index.html HTTP/1.1", {"Host": "a"}),
        "head": request_head("HEAD / HTTP/1.0", {}),
        "absolute": request_head("GET http://a:80/b?c HTTP/1.1", UPGRADE),
        "post": request_head("POST / HTTP/1.1", {"Host": "a", "Content-Length": "3"}) + b"abc",
        "connect": request_head("CONNECT a:1 HTTP/1.1", {"Host": "a"}),
        "old-version": request_head("GET / HTTP/1.1", UPGRADE | {"Sec-WebSocket-Version": "8"}),
        "no-key": request_head("GET / HTTP/1.1", without("Sec-WebSocket-Key")),
        "short-key": request_head("GET / HTTP/1.1", UPGRADE | {"Sec-WebSocket-Key": "YQ=="}),
        "two-keys": request_head("GET / HTTP/1.1", UPGRADE, f"Sec-WebSocket-Key: {KEY}"),
        "no-host": request_head("GET / HTTP/1.1", UPGRADE | {"Host": ""}),
        "no-connection": request_head("GET / HTTP/1.1", without("Connection")),
        "forwarded": request_head(
            "GET / HTTP/1.1", UPGRADE, "X-Forwarded-For: [2001:db8::1]:1, 10.0.0.2", "X-Forwarded-Proto: https"
        ),
        "two-origins": request_head("GET / HTTP/1.1", UPGRADE, "Origin: a", "Origin: b"),
        "bad-subprotocol": request_head("GET / HTTP/1.1", UPGRADE, "Sec-WebSocket-Protocol: a b"),
        "bad-extensions": request_head("GET / HTTP/1.1", UPGRADE, "Sec-WebSocket-Extensions: a; =b"),
        "options": request_head("OPTIONS * HTTP/1.1", {"Host": "a"}),
        "http-1.0": request_head("GET / HTTP/1.0"),
        "folded": b"GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n",
        "bare-feed": b"GET / HTTP/1.1\nHost: a\n\n\r\n\r\n",
        "tls": b"\x16\x03\x01\x02\x00\x01",
        "many-lines": request_head("GET / HTTP/1.1", {f"X-{n}": "y" for n in range(70)}),
        "no-end": b"GET / HTTP/1.1\r\nHost: " + b"a" * 300,
    }
    answers = {
        "accept": answer_head(ACCEPT),
        "subprotocol": answer_head(ACCEPT, "Sec-WebSocket-Protocol: chat"),
        "terms": answer_head(
            ACCEPT,
            "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; server_max_window_bits=12",
        ),
        "continue": b"HTTP/1.1 100 Continue\r\n\r\n" + answer_head(ACCEPT) + b"\x81\x02hi",
        "refusal": b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno",
        "other-upgrade": answer_head(ACCEPT).replace(b"websocket", b"h2c"),
        "other-connection": answer_head(ACCEPT).replace(b"Connection: Upgrade", b"Connection: close"),
        "other-subprotocol": answer_head(ACCEPT, "Sec-WebSocket-Protocol: x"),
        "other-terms": answer_head(ACCEPT, "Sec-WebSocket-Extensions: x"),
        "other-key": answer_head("x" * 28),
        "garbage": b"\x00\xffHTTP/1.1 101\r\n\r\n",
    }
    for number, (name, head) in enumerate(requests.items()):
        yield f"request-{name}", bytes([4 * (number % 2)]) + (WHOLE, BYTEWISE, MIXED)[number % 3] + head
    behind = scenes(ZEROS)["ping-between"] + scenes(ZEROS)["close"]
    yield "connection-server", b"\x08" + MIXED + requests["subprotocols"] + behind
    yield "connection-server-refuses", b"\x08" + MIXED + requests["plain"] + behind
    yield "connection-server-fails", b"\x08" + BYTEWISE + requests["bad-extensions"]
    yield "connection-server-compressed", b"\x0c" + MIXED + requests["compression"] + behind
    yield "connection-client", b"\x09" + MIXED + answers["subprotocol"] + scenes(b"")["ping-between"]
    yield "connection-client-fails", b"\x09" + BYTEWISE + answers["refusal"]
    yield "request-over-the-bound", b"\2" + MIXED + request_head()
    for number, (name, head) in enumerate(answers.items()):
        yield f"answer-{name}", bytes([1 + 4 * (name == "terms")]) + (WHOLE, BYTEWISE, MIXED)[number % 3] + head


def scenes(mask: bytes) -> dict[str, bytes]:
    """What one end may send: sequences of frames."""
    text = "grüß dich 🎮".encode()

    def one(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0) -> bytes:
        return frame(opcode, payload, fin=fin, rsv=rsv, mask=mask)

    return {
        "text": one(TEXT, b"hello") + one(TEXT, text),
        "binary": one(BINARY, bytes(range(20))) + one(BINARY),
        "lengths": one(BINARY, bytes(125)) + one(BINARY, bytes(126)) + one(BINARY, bytes(300)),
        "fragments": one(TEXT, text[:4], fin=False) + one(CONT, text[4:9], fin=False) + one(CONT, text[9:]),
        "ping-between": one(BINARY, b"a", fin=False) + one(PING, b"p") + one(CONT, b"b") + one(PONG, b"q"),
        "empty-fragments": one(TEXT, fin=False) + one(CONT, fin=False) * 5 + one(CONT),
        "pings": one(PING, b"x") * 70,
        "close": one(TEXT, b"a") + one(CLOSE, close_payload(1000, b"bye")) + one(TEXT, b"late"),
        "close-empty": one(CLOSE),
        "close-short": one(CLOSE, b"\x03"),
        "close-code": one(CLOSE, close_payload(1005)),
        "close-reason": one(CLOSE, close_payload(1000, b"\xff")),
        "rsv1": one(TEXT, b"a", rsv=4),
        "rsv2": one(TEXT, b"a", rsv=2),
        "opcode-3": one(3, b"a"),
        "opcode-11": one(11),
        "long-ping": one(PING, bytes(126)),
        "parted-ping": one(PING, b"a", fin=False),
        "continuation-of-nothing": one(CONT, b"a"),
        "mixed": one(TEXT, b"a", fin=False) + one(TEXT, b"b"),
        "bad-utf8": one(TEXT, b"a\xed\xa0\x80b"),
        "half-character": one(TEXT, b"\xf0\x9f", fin=False) + one(CONT, b"\x8e"),
        "too-long": one(BINARY, bytes(150), fin=False) + one(CONT, bytes(100)),
        "unfinished": one(BINARY, bytes(60))[:-20],
        "length-16-short": b"\x82" + bytes([126 | 0x80 * bool(mask)]) + b"\x00\x05" + mask + b"hello",
        "length-64": b"\x82" + bytes([127 | 0x80 * bool(mask)]) + (1 << 40).to_bytes(8, "big") + mask + b"hello",
        "length-64-sign": b"\x82" + bytes([127 | 0x80 * bool(mask)]) + b"\x80" + bytes(7) + mask,
    }


def frames() -> Seeds:
    """Frames for both roles, and payloads for the encoders."""
    for number, (name, data) in enumerate(scenes(ZEROS).items()):
        yield f"server-{name}", bytes([1 | number % 2 << 1 | number % 4 << 4]) + (MIXED, BYTEWISE)[number % 2] + data
    for name in ("text", "fragments", "too-long", "unfinished", "rsv1"):
        yield f"client-{name}", bytes([8 * (name == "rsv1")]) + MIXED + scenes(b"")[name]
    yield "server-masked", b"\1" + MIXED + scenes(MASK)["text"]
    yield "wrong-mask", b"\0" + WHOLE + scenes(MASK)["text"]
    for number in range(6):
        yield f"encode-{number}", bytes([4 | number % 2 | number << 4]) + bytes([3, 8 * number, 0]) + bytes(range(140))


def step(what: int, body: bytes = b"") -> bytes:
    """One step of a script: see `connections.Script`."""
    return bytes([what, len(body)]) + body


SCRIPTS = {
    "talk": step(0, b"hello") + step(9, b"hi") + step(0x49, b"\0\1") + step(3, b"ping") + step(13, b"p"),
    "fragments": step(0x8A, b"one") + step(13) + step(0x8A, b"two") + step(10, b"three") + step(0x29, b"long"),
    "theirs": step(0x80, b"a") + step(3, b"x") + step(0x82, b"b") + step(2, b"c") + step(4),
    "close-by-us": step(0x1E, b"bye") + step(0, b"late") + step(3) + step(6),
    "close-by-them": step(9, b"a") + step(0x36, b"over") + step(9, b"b"),
    "gone": step(9, b"a") + step(0x81, b"x") + step(15) + step(9, b"b"),
    "long": step(0x57, b"x" * 50) + step(0x57, b"y" * 200) + step(0x27, b"\xff" * 9),
    "raw": step(9, b"a") + step(8, b"\x81\x85\0\0\0\0hello") + step(8, b"\xff\xff"),
}


def messages() -> Seeds:
    """Frames for open connections, and scripts."""
    for number, (name, data) in enumerate(scenes(ZEROS).items()):
        by_frame, drain = number % 4 == 1, number % 3 == 1
        yield f"server-{name}", bytes([4 | by_frame << 1 | drain << 4]) + (MIXED, BYTEWISE)[number % 2] + data
    for number, name in enumerate(("text", "fragments", "close", "bad-utf8", "ping-between")):
        yield f"client-{name}", bytes([1 | number % 2 << 1]) + MIXED + scenes(b"")[name]
    for number, (name, data) in enumerate(SCRIPTS.items()):
        yield f"script-{name}", bytes([8 | number % 2 | number % 2 << 4]) + WHOLE + data


def compressed(data: bytes, *, level: int = 6, final: bool = False) -> bytes:
    """A message's payload (RFC 7692 section 7.2.1)."""
    compressor = zlib.compressobj(level, zlib.DEFLATED, -15)
    made = compressor.compress(data)
    if final:
        return made + compressor.flush() + b"\0"
    return (made + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


HEADERS = (
    "permessage-deflate",
    "permessage-deflate; client_max_window_bits; server_max_window_bits=10",
    'permessage-deflate; server_no_context_takeover; client_max_window_bits="8"',
    "permessage-deflate; server_max_window_bits=16, permessage-deflate; client_no_context_takeover",
    "x-a;b=c;d, , permessage-deflate;client_no_context_takeover;client_no_context_takeover",
    "permessage-deflate; =1",
    "",
)
DATA = b"the quick brown fox jumps over the lazy dog, the quick brown fox jumps over the lazy dog"
PAYLOADS = {
    "fixed": compressed(b"Hello"),
    "dynamic": compressed(DATA * 3 + bytes(range(200))),
    "stored": compressed(DATA, level=0),
    "final": compressed(DATA, final=True),
    "final-long": compressed(bytes(20_000), final=True),
    "final-then-more": compressed(b"Hello", final=True)[:-1] + compressed(b"again"),
    "long": compressed(bytes(40_000)),
    "too-long": compressed(bytes(80_000)),
    "two-blocks": compressed(b"Hel") + b"\0\0\xff\xff" + compressed(b"lo"),
    "early": compressed(DATA)[:-9],
    "corrupt": b"\x07" + compressed(DATA),
    "empty": b"\0",
}
BOTH_ENDS = bytes([40, 0x3F, 3, 0]) * 2
"""Settings with windows of 15 bits and context takeover, no threshold."""


def deflate() -> Seeds:
    """For each turn of the target: see `compression.TURNS`."""
    for number, header in enumerate(HEADERS):
        yield f"header-{number}", b"\0" + WHOLE + BOTH_ENDS + header.encode()
    for number, (name, payload) in enumerate(PAYLOADS.items()):
        body = bytes([len(payload) if len(payload) < 256 else 0]) + payload
        yield f"inflate-{name}", bytes([1 + 5 * 15]) + (MIXED, BYTEWISE)[number % 2] + body * (1 + number % 2)
    for number in range(4):
        yield f"round-trip-{number}", bytes([2 + 5 * (7 * number + number % 2)]) + b"\x18\5\xff" + BOTH_ENDS + DATA
    for number, (name, payload) in enumerate(PAYLOADS.items()):
        message = frame(TEXT, payload, rsv=4, mask=ZEROS)
        parts = frame(BINARY, payload[:3], rsv=4, fin=False, mask=ZEROS) + frame(PING, mask=ZEROS)
        data = message + parts + frame(CONT, payload[3:], mask=ZEROS)
        yield f"server-{name}", bytes([3 + 5 * (2 * (number % 2))]) + MIXED + BOTH_ENDS + data
    yield "client-fixed", b"\x08" + MIXED + BOTH_ENDS + frame(TEXT, PAYLOADS["fixed"], rsv=4) * 2
    yield (
        "server-rsv1-continuation",
        (b"\3" + MIXED + BOTH_ENDS + frame(TEXT, b"\0", rsv=4, fin=False) + frame(CONT, b"\0", rsv=4)),
    )
    for name, data in SCRIPTS.items():
        yield f"script-{name}", b"\4" + WHOLE + BOTH_ENDS + data


VALUES: tuple[object, ...] = (
    *(None, True, 0, 127, 128, -1, -33, 1 << 16, 1 << 53, (1 << 64) - 1, -(1 << 63), 0.5, -1e300),
    *("", "a", "grüß dich 🎮", "x" * 40, b"", bytes(range(40)), [], [1, "a", None], list(range(20)), {}),
    *({"a": {"b": [1.5, b"c"]}}, {1: "a", -2: "b"}, [[[[[]]]]]),
)
pack = msgspec.msgpack.encode


def unpack() -> Seeds:
    """Values of all kinds, and such as fit the types."""
    for number, value in enumerate(VALUES):
        yield f"value-{number:02}", b"\0\x10" + pack(value)
    yield "chat", b"\1\x10" + pack({"text": "hi", "to": 3, "at": (0.5, 1.0)})
    yield "save", b"\2\x10" + pack({"name": "a", "values": {"b": [1]}, "inner": {"name": "c"}})
    yield "numbers", b"\3\x10" + pack([1, -1, 1 << 40, 1 << 63])
    yield "floats", b"\4\x10" + pack({"a": 0.5, "b": float("nan")})
    yield "set", b"\5\x10" + pack([1, 2, 2])
    yield "keys", b"\7\x10" + pack({1: None, -5: b"x"})
    yield "deep", b"\0\x10" + b"\x91" * 20 + b"\xc0"
    yield "deep-maps", b"\0\x05" + b"\x81\xa1a" * 6 + b"\xc0"
    yield "counts", b"\0\x10" + b"\xdd\xff\xff\xff\xff" * 3
    yield "extension", b"\0\x10\xd6\xff\0\0\0\0"
    yield "trailing", b"\0\x10\xc0\xc0"
    yield "bad-utf8", b"\0\x10\xa2\xff\xfe"


WIRE = {
    "hello": [0, 1, None, "|", 60, None, 0],
    "hello-again": [0, 1, 12345, "pong 1|dy:held", 60, bytes(16), 7],
    "hello-version": [0, 2, None, "|", None, None, 0],
    "welcome": [1, 1, 12345, "pong 1|dy:held", 60, 20, 1, False, bytes(16), 100, 1_666_667, 4096],
    "input": [2, 1, 5, None, 0, [0.5, 1.0, "a", True]],
    "input-of-bounds": [2, 1, 5, 3, 0, [1.5, 1.0, None, False]],
    "input-neutral": [2, 1 << 31, 1 << 52, 0, 1, []],
    "event-chat": [3, 1, "chat", {"text": "hi"}],
    "event-any": [3, 2, "any", [1, {"a": [None]}]],
    "event-save": [3, 3, "save", {"name": "a"}],
    "event-ids": [3, 4, "ids", [1, 2, 3]],
    "event-unknown": [3, 5, "cheat", None],
    "event-nan": [3, 3, "any", [float("nan")]],
    "ack": [4, 3, 77],
    "ack-of-server": [4, 3, None],
    "snapshot": [5, [7, 1500, 2, 6, 99, 0], 3, 100, 1_666_667, 0, None, {1: {"x": 0.5}, 2: {}}, [], {1: 99}],
    "snapshot-of-spectator": [5, None, 0, 0, 0, 0, 3, {"a": {"b": [1]}}, ["c", 5], {}],
    "kind-6": [6, 1],
    "kind-of-text": ["a", 1],
    "too-few": [2, 1],
    "too-many": [4, 1, None, 5],
    "map": {"a": 1},
}


def wire() -> Seeds:
    """Messages of both ends, right and wrong."""
    for name, message in WIRE.items():
        yield name, pack(message)
    yield "deep", b"\x94\3\1\xa3any" + b"\x91" * 40 + b"\xc0"
    yield "cut", pack(WIRE["welcome"])[:-3]
    yield "bad-utf8", b"\x94\3\1\xa2\xff\xfe\xc0"
    yield "empty", b""


MAKERS = (http, frames, messages, deflate, unpack, wire, server, tls)


def seeds() -> dict[str, dict[str, bytes]]:
    """All seeds: target to name to input."""
    return {maker.__name__: dict(maker()) for maker in MAKERS}


def main() -> None:
    """Write them, and remove those that are no longer made."""
    for target, made in seeds().items():
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            if path.name not in made and not path.name.startswith("found-"):
                path.unlink()
        for name, data in made.items():
            (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
