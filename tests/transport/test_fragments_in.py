"""Fragments in, at both ends, assembled and by frame: one limit for all, and no part costs more than its bytes."""

import tracemalloc
from collections.abc import Iterable
from typing import Any

import pytest

from tests.protocol.helpers import BINARY, CLOSE, CONT, PING, PONG, ROLES, TEXT, close_payload
from tests.transport.ends import Seat
from tickws.protocol.connection import Role
from tickws.protocol.events import Frame
from tickws.protocol.limits import Limits
from tickws.protocol.opcodes import Opcode

DELIVERIES = pytest.mark.parametrize("by_frame", [False, True], ids=["assembled", "by frame"])


def delivering(by_frame: bool) -> dict[str, Any]:
    """What has an end deliver frames."""
    return {"on_frame": lambda ws, part: None} if by_frame else {}


def flood(seat: Seat, data: bytes, times: int) -> None:
    """Send `data` again and again, as fast as it is read."""
    for _ in range(times):
        seat.peer.say(data)
        while seat.turn() and seat.ours.statistics().carried_over:
            pass


@ROLES
@DELIVERIES
def test_131000_fragments_pin_their_bytes_and_empty_ones_nothing(by_frame: bool, role: Role) -> None:
    """A list of them, or an object for each, would be megabytes. Traced are the last of each kind, for that is slow."""
    count = [0, 0]

    def on_frame(ws: object, part: Frame) -> None:
        count[len(part.payload)] += 1

    options: dict[str, Any] = {"on_frame": on_frame} if by_frame else {}
    seat = Seat(role, limits=Limits(slice_messages=4000), **options)
    seat.heard = Forgetful()
    seat.say(TEXT, b"", fin=False)
    ones, empty = (seat.frame(CONT, part, fin=False) * 1000 for part in (b"x", b""))
    flood(seat, ones, 121)
    tracemalloc.start()
    try:
        flood(seat, ones, 10)
        with_ones = tracemalloc.get_traced_memory()[0]
        flood(seat, empty, 10)
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    pinned = 0 if by_frame else 131_000
    assert held < pinned * 1.2 + 8_000
    assert held < with_ones + 2_000
    assert peak < pinned * 2.2 + 60_000, "what was just read, and the buffer as it grows"
    flood(seat, empty, 40)
    assert seat.closes == []
    assert count == ([50_001, 131_000] if by_frame else [0, 0])
    seat.say(CONT)
    seat.say(CLOSE, close_payload(4000))
    seat.turn(2)
    assert seat.closes == [(4000, "")]
    assert seat.heard == ([] if by_frame else ["x" * 131_000])


class Forgetful(list[Any]):
    """A log that keeps no frames."""

    def append(self, item: object) -> None:
        if not isinstance(item, Frame):
            super().append(item)


LIMIT = 1000
SPLITS: dict[str, list[int]] = {
    "whole": [LIMIT],
    "halves": [500, 500],
    "ones": [1] * LIMIT,
    "empty first": [0, LIMIT],
    "empty last": [LIMIT, 0],
    "empty everywhere": [0, 400, 0, 0, 599, 0, 1, 0],
}


def announced(seat: Seat, sizes: list[int]) -> Iterable[bytes]:
    """A message in fragments of these sizes."""
    for number, size in enumerate(sizes):
        yield seat.frame(CONT if number else BINARY, b"x" * size, fin=number == len(sizes) - 1)


@ROLES
@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("over", [0, 1, 2])
@pytest.mark.parametrize("where", ["first", "last", "behind"])
def test_the_limit_is_of_all_fragments_together(where: str, over: int, split: str, role: Role) -> None:
    """Limit, + 1, + 2, wherever the surplus stands; it is found when it is announced, and nothing is delivered."""
    sizes = list(SPLITS[split])
    if where == "behind":
        sizes += [over]
    else:
        sizes[0 if where == "first" else -1] += over
    seat = Seat(role, limits=Limits(message_bytes=LIMIT, slice_messages=4000))
    for data in announced(seat, sizes):
        seat.peer.say(data)
    seat.turn(3)
    if over:
        assert (seat.heard, seat.closes) == ([], [(1009, f"message above {LIMIT} bytes")])
        assert seat.peer.receive() == [("close", 1009, f"message above {LIMIT} bytes")]
    else:
        assert (seat.heard, seat.closes) == ([b"x" * LIMIT], [])


@ROLES
@DELIVERIES
@pytest.mark.parametrize("over", [0, 1, 2])
def test_a_surplus_need_not_arrive_to_be_refused(over: int, by_frame: bool, role: Role) -> None:
    """By frame the limit is that of each frame, and a message may be of any length."""
    seat = Seat(role, limits=Limits(message_bytes=LIMIT), **delivering(by_frame))
    for number in range(3 if by_frame else 1):
        seat.say(CONT if number else TEXT, b"x" * (LIMIT if by_frame else 1), fin=False)
    head = seat.frame(CONT, b"x" * (LIMIT + over - (not by_frame)), fin=False)
    seat.peer.say(head[:8])
    seat.turn(2)
    assert [code for code, _ in seat.closes] == [1009] * (over > 0)
    if not over:
        seat.peer.say(head[8:])
        seat.turn()
        assert seat.closes == []
        assert len(seat.heard) == (4 if by_frame else 0)


@ROLES
@DELIVERIES
def test_control_frames_amid_fragments_are_served_at_once(by_frame: bool, role: Role) -> None:
    seat = Seat(role, **delivering(by_frame))
    for number, part in enumerate(("é".encode()[:1], "é".encode()[1:], b"", b"!")):
        seat.say(CONT if number else TEXT, part, fin=number == 3)
        seat.say(PING, b"%d" % number)
        seat.say(PONG, b"unasked")
        seat.turn()
        assert seat.peer.receive() == [("pong", b"%d" % number)]
        assert len(seat.heard) == (number + 1 if by_frame else number == 3)
    text, more = Opcode.TEXT, Opcode.CONTINUATION
    frames = [
        Frame(text, b"\xc3", False),
        Frame(more, b"\xa9", False),
        Frame(more, b"", False),
        Frame(more, b"!", True),
    ]
    assert seat.heard == (frames if by_frame else ["é!"])


@ROLES
@DELIVERIES
@pytest.mark.parametrize("first", ["ours", "theirs"])
def test_a_close_amid_a_message_takes_it_along(first: str, by_frame: bool, role: Role) -> None:
    """What was begun is never delivered as if it were whole; after our Close its rest is no fault."""
    seat = Seat(role, **delivering(by_frame))
    seat.say(TEXT, b"one", fin=False)
    seat.turn()
    if first == "ours":
        seat.socket.close(4000, "ours")
        seat.turn()
        seat.say(CONT, b"two", fin=False)
        seat.say(CONT, b"three")
        seat.say(TEXT, b"four", fin=False)
    seat.say(CLOSE, close_payload(4000, b"ours"))
    seat.turn(2)
    assert seat.heard == ([Frame(Opcode.TEXT, b"one", False)] if by_frame else [])
    assert seat.closes == [(4000, "ours")]
    assert seat.peer.receive() == [("close", 4000, "ours")]
    assert dict(seat.ours.statistics().faults) == {}
