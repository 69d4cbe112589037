"""What players and game say to each other in the benchmarks: numbered messages, and the tally of their numbers.

An input is 24 bytes of msgpack, a snapshot of 50 entities 1,209. Both carry a number that grows by one a message, so
that whoever gets them sees what is missing. Numbers begin at `FIRST`, from where on msgpack writes each in five bytes:
sizes stay the same for a run, and the load generator can read and write a number without decoding the rest.

A stamped input is as long, and says in addition who made it and when: a list of `Kind`, client, two axes, buttons,
number and time. What a flooder sends is 16 bytes, always the same.
"""

from __future__ import annotations

from enum import IntEnum
from functools import cache

import msgpack

__all__ = [
    "FIRST",
    "FLOOD",
    "INPUT_NUMBER_AT",
    "Kind",
    "Tally",
    "input_number",
    "make_bomb",
    "make_input",
    "make_snapshot",
    "make_stamped",
    "read_stamped",
    "snapshot_number",
    "stamp",
]


class Kind(IntEnum):
    """Who says a stamped input."""

    PLAYER = 0
    FLOODER = 1
    """Says `FLOOD`, as fast as it can."""
    NEWCOMER = 2
    """Says one, and wants it back."""
    STALLER = 3
    """A player that will read no more at some time."""


FIRST = 1 << 16
"""The number of the first message in either direction; the last possible one is 2**32 - 1."""
INPUT_NUMBER_AT = 6
"""Where the four bytes of its number stand in an input."""
_CLIENT = 1000  # from where on msgpack writes a client in three bytes
FLOOD = bytes(msgpack.packb((Kind.FLOODER, b"some content")))
ENTITIES = 50


@cache
def _entities(count: int) -> list[tuple[float, ...]]:
    """Id, place and speed of each thing in the world."""
    return [(1000 + i, 100.25 + 1.5 * i, 200.125 + 2.25 * i, i % 7 - 3, i % 5 - 2) for i in range(count)]


def make_input(number: int) -> bytes:
    """What a player did: two axes and a set of buttons."""
    return bytes(msgpack.packb({"seq": number, "mx": 1, "my": -1, "btn": 200}))


def input_number(payload: str | bytes) -> int:
    """Decode an input, all of it as a game would; gives its number."""
    return int(msgpack.unpackb(payload)["seq"])


def make_stamped(kind: Kind, client: int, number: int, time: int) -> bytes:
    """What a client did, and when (nanoseconds of `time.perf_counter_ns`, which all processes of a machine share)."""
    return bytes(msgpack.packb((kind, _CLIENT + client, 1, -1, 40_000, number, time)))


def read_stamped(payload: str | bytes) -> list[int]:
    """Decode a stamped input (kind, client, two axes, buttons, number, time), or what a flooder says (kind, bytes)."""
    said: list[int] = msgpack.unpackb(payload)
    if len(said) > 1 and said[0] != Kind.FLOODER:
        said[1] -= _CLIENT
    return said


def stamp(payload: bytes) -> tuple[int, int]:
    """Number and time of a stamped input, read from their places without a look at the rest."""
    return int.from_bytes(payload[-13:-9], "big"), int.from_bytes(payload[-8:], "big")


def make_bomb(size: int) -> bytes:
    """What a flooder says who wants much made of little: so many bytes, and all but seven are zeros."""
    return bytes(msgpack.packb((Kind.FLOODER, bytes(size - 7))))


def make_snapshot(number: int, entities: int = ENTITIES) -> bytes:
    """The state of the world."""
    return bytes(msgpack.packb((number, _entities(entities))))


def snapshot_number(payload: bytes) -> int:
    """The number of a snapshot, read from its place without a look at the rest."""
    return int.from_bytes(payload[2:6], "big")


class Tally:
    """Counts numbered messages of one sender, and notices what is wrong with their order."""

    __slots__ = ("disordered", "missing", "next", "received")

    def __init__(self) -> None:
        self.next = FIRST
        self.received = 0
        self.missing = 0
        """Numbers that were skipped."""
        self.disordered = 0
        """Messages whose number was not above the one before: repeated, or late."""

    def take(self, number: int) -> None:
        """Count the next message."""
        self.received += 1
        if number < self.next:
            self.disordered += 1
            return
        self.missing += number - self.next
        self.next = number + 1
