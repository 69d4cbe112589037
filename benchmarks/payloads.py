"""What players and game say to each other in the benchmarks: numbered messages, and the tally of their numbers.

An input is 24 bytes of msgpack, a snapshot of 50 entities 1,209. Both carry a number that grows by one a message, so
that whoever gets them sees what is missing. Numbers begin at `FIRST`, from where on msgpack writes each in five bytes:
sizes stay the same for a run, and the load generator can read and write a number without decoding the rest.
"""

from __future__ import annotations

import msgpack

__all__ = ["FIRST", "INPUT_NUMBER_AT", "Tally", "input_number", "make_input", "make_snapshot", "snapshot_number"]

FIRST = 1 << 16
"""The number of the first message in either direction; the last possible one is 2**32 - 1."""
INPUT_NUMBER_AT = 6
"""Where the four bytes of its number stand in an input."""
_ENTITIES = [(1000 + i, 100.25 + 1.5 * i, 200.125 + 2.25 * i, i % 7 - 3, i % 5 - 2) for i in range(50)]
"""Id, place and speed of each thing in the world."""


def make_input(number: int) -> bytes:
    """What a player did: two axes and a set of buttons."""
    return bytes(msgpack.packb({"seq": number, "mx": 1, "my": -1, "btn": 200}))


def input_number(payload: str | bytes) -> int:
    """Decode an input, all of it as a game would; gives its number."""
    return int(msgpack.unpackb(payload)["seq"])


def make_snapshot(number: int) -> bytes:
    """The state of the world."""
    return bytes(msgpack.packb((number, _ENTITIES)))


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
