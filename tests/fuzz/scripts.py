"""The seeds of `server` and `tls`, which are scripts: see `tests/hostile/script.py` and `secure.py`."""

from __future__ import annotations

from collections.abc import Iterator

from tests.hostile.words import HEADS, WORDS

__all__ = ["server", "tls"]

Seeds = Iterator[tuple[str, bytes]]
WHOLE, MIXED = b"\0\0\0", b"\3\1\7"


def acts(*steps: tuple[int, int, bytes]) -> bytes:
    """A script for `tests/hostile/script.py`, or `secure.py`: what, to whom or how much, and what follows."""
    return b"".join(bytes([what, number, len(body)]) + body for what, number, body in steps)


WELL, BADLY, RAW, GO, TIME, ACT, PLAN, FRAMES, WORD = 0, 1, 2, 6, 7, 8, 9, 10, 0x80
"""Steps of `server`."""


def server() -> Seeds:
    """Each kind of head and word once, each way to go, and what passes between."""
    body = b"hello"
    for kind in range(HEADS):
        yield (
            f"head-{kind:02}",
            bytes([kind]) + MIXED + acts((BADLY, kind << 2, body), (FRAMES, 3, b""), (GO, kind, b"")),
        )
    for kind in range(WORDS):
        flags = (kind % 3 == 1) << 2 | (kind == 14) | kind % 2 << 3
        said = acts((WELL, 0x30 * (kind == 14), b""), (WORD | kind, 8 * kind + 5, body), (FRAMES, kind, b""))
        yield f"word-{kind:02}", bytes([flags]) + bytes([kind, kind // 4, 0]) + said
    for number, name in enumerate(("half-close", "reset", "close", "vanish")):
        script = acts(
            (WELL, 1, b""), (ACT, 5, b"hello"), (5, 0, b""), (FRAMES, 9, b""), (GO, number, b""), (FRAMES, 50, b"")
        )
        yield f"go-{name}", bytes([4 * (number % 2)]) + bytes([number, 0, 0]) + script + acts((TIME, 2, b""))
    crowd = acts(*((WELL, 16 * number, b"") for number in range(5)))
    yield "crowd", b"\x08" + WHOLE + crowd + acts((TIME, 1, b""), (FRAMES, 59, b"")) * 3
    for kind in range(13):
        how = bytes([(0, 1, 4, 17)[kind % 4]])
        script = acts((WELL, 2 + 0x30, b""), *[(ACT, kind % 10 + 10 * who, bytes([80, who])) for who in range(4)])
        yield f"act-{kind:02}", how + MIXED + script + acts((FRAMES, 40, b""))
        planned = [(PLAN, 8 * kind + where, bytes([40])) for where in range(5)]
        yield f"plan-{kind:02}", how + MIXED + acts(*planned, (WELL, 0, b""), (WORD, 0, b"hello"), (FRAMES, 9, b""))
    yield "silent", b"\0" + WHOLE + acts((BADLY, 10 << 2, b""), (FRAMES, 59, b""), (TIME, 2, b""), (FRAMES, 59, b""))
    yield "flood", b"\x04\1\1\0" + crowd + acts((WORD | 9, 255, b""), (4, 1, b""), (WORD | 8, 255, b"?")) * 4
    yield (
        "raw",
        b"\0" + WHOLE + acts((WELL, 0, b""), (RAW, 0, b"\x81\x85\0\0\0\0he"), (FRAMES, 2, b""), (RAW, 0, b"llo")),
    )


def tls() -> Seeds:
    """Handshakes whole and bent, records of every kind, tunnels and what is said in them."""
    come, hello, shaken, say, cut, record, raw, bye, go, time = 0, 1, 2, 3, 5, 6, 7, 8, 9, 11
    for version in range(3):
        yield (
            f"hello-{version}",
            b"\0" + WHOLE + acts((come, 4 * version, b""), (hello, 0, b""), (hello, 0, b""), (time, 9, b"")),
        )
        tunnel = acts((come, 4 * version, b""), (shaken, 0, b""))
        yield f"tunnel-{version}", b"\0" + WHOLE + tunnel + acts((say, 0, b"hello"), (say, 4, b"?"), (say, 6, b""))
        yield f"pieces-{version}", b"\x04" + WHOLE + tunnel + acts((cut, 0, b"\x81\x85\0\0\0\0hello"), (time, 9, b""))
        yield f"bye-{version}", b"\0" + WHOLE + tunnel + acts((bye, 0, b""), (time, 9, b""), (say, 0, b"late"))
        for how in range(5, 10):
            bent = acts((come, 4 * version, b""), (hello + 12 * how, 40, b"\xff"), (time, 3, b""), (hello, 0, b""))
            yield f"bent-hello-{version}-{how}", b"\0" + WHOLE + bent
            yield (
                f"bent-word-{version}-{how}",
                b"\0" + WHOLE + tunnel + acts((say + 12 * how, 9, b"hello"), (time, 3, b"")),
            )
    for kind in range(6):
        yield f"record-{kind}", b"\0" + WHOLE + acts((come, 0, b""), (record, kind, b"\1\0"), (time, 3, b""))
        yield f"record-inside-{kind}", b"\0" + WHOLE + acts((come, 0, b""), (shaken, 0, b""), (record, kind, b"\2\50"))
    yield "http", b"\0" + WHOLE + acts((come, 0, b""), (raw, 0, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), (time, 9, b""))
    yield "silent", b"\0" + WHOLE + acts((come, 0, b""), (time, 59, b""), (time + 24, 7, b""), (time, 59, b""))
    for number, name in enumerate(("half-close", "reset", "close", "vanish")):
        yield f"go-{name}", b"\0" + WHOLE + acts((come, 1, b""), (hello, 0, b""), (go, number, b""), (time, 50, b""))
