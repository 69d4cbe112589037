"""What is said where compression is measured, and at what pace. Each kind is a sequence, the same for whoever makes it.

input               24 bytes of msgpack, 30 as a client's frame: `payloads.make_stamped`, a tick from one to the next
chat                a line of chat as JSON, 110 to 190 bytes
256, 512, 1k, 10k   a snapshot of about so many bytes of msgpack: rows of id, x, y and two speeds; two in
                    three bodies move, by sixteenths of a pixel, and now and then turn
"""

from __future__ import annotations

import itertools
import json
import math
import random
import time
from collections.abc import Iterator

import msgpack

from benchmarks.contenders.window import RATE
from benchmarks.payloads import FIRST, Kind, make_stamped
from tickws.clock import NANOSECONDS

__all__ = ["KINDS", "PATIENCE_SECONDS", "ticks", "words"]

SEED = 7
ROW_BYTES = 24
SIDE = 1000
STEPS = 16
"""To a pixel."""
PATIENCE_SECONDS = 30.0
"""How long one may wait, tick by tick, for others."""
BEGUN = 1_000_000 * NANOSECONDS
"""The time of the first input."""
TALK = (
    "is anyone still alive over there we need two more at the bridge go left now wait for me they have the flag who is "
    "coming with us nice shot thanks i have no ammo behind you run last one wins the tower is ours again sorry my fault"
)
NAMES = ("Ada", "Grace", "Linus", "xX_wolf_Xx", "Margaret", "Ken")


def _inputs() -> Iterator[bytes]:
    number = 0
    while True:
        yield make_stamped(Kind.PLAYER, 7, FIRST + number, BEGUN + number * NANOSECONDS // RATE)
        number += 1


def _chat() -> Iterator[bytes]:
    chance = random.Random(SEED)
    number = 0
    while True:
        text = " ".join(chance.choices(TALK.split(), k=chance.randint(6, 20)))
        number += 1
        line = {"type": "chat", "id": number, "channel": "team", "from": chance.choice(NAMES), "text": text}
        yield json.dumps(line).encode()


def _world(size: int) -> Iterator[bytes]:
    chance = random.Random(SEED)
    bodies = [
        [1000 + name, chance.randrange(SIDE * STEPS), chance.randrange(SIDE * STEPS), 0, 0]
        for name in range(size // ROW_BYTES)
    ]
    number = FIRST
    while True:
        for body in bodies:
            if body[0] % 3:
                if number == FIRST or chance.random() < 0.1:
                    body[3:] = chance.randint(-32, 32), chance.randint(-32, 32)
                body[1], body[2] = (body[1] + body[3]) % (SIDE * STEPS), (body[2] + body[4]) % (SIDE * STEPS)
        rows = [(name, x / STEPS, y / STEPS, across, down) for name, x, y, across, down in bodies]
        yield bytes(msgpack.packb((number, rows)))
        number += 1


def words(kind: str) -> Iterator[bytes]:
    """The sequence of that kind, without end."""
    if kind == "input":
        return _inputs()
    return _chat() if kind == "chat" else _world(SIZES[kind])


SIZES = {"256": 256, "512": 512, "1k": 1024, "10k": 10 * 1024}
KINDS = ("input", "chat", *SIZES)


def ticks(rate: int, most: float = math.inf) -> Iterator[int]:
    """Waits between its items, so many of which there are a second; ends after `most` seconds."""
    begun = time.monotonic()
    for number in itertools.count():
        yield number
        left = begun + (number + 1) / rate - time.monotonic()
        time.sleep(max(0.0, left))
        if number / rate > most:
            return
