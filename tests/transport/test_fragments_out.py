"""Fragments out, at both ends: made as there is room, never held whole, mixed with nothing, finished only by us."""

import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from tests.protocol.helpers import BINARY, CLOSE, CONT, ROLES, TEXT, close_payload
from tests.transport.ends import Seat
from tickws.protocol.connection import Role
from tickws.protocol.limits import Limits
from tickws.testing import Conditions

KIB = 1024


class Piece(bytearray):
    """A fragment that says when nobody holds it any more."""

    def __init__(self, tale: "Tale") -> None:
        super().__init__(tale.size)
        self.tale = tale
        tale.taken += 1
        tale.alive += 1
        tale.most = max(tale.most, tale.alive)

    def __del__(self) -> None:
        self.tale.alive -= 1


class Tale:
    """A message in pieces, which knows how many of them were taken, and how many of those somebody holds."""

    def __init__(self, count: int, size: int) -> None:
        self.count, self.size = count, size
        self.taken = self.alive = self.most = 0

    def __iter__(self) -> Iterator[bytearray]:
        for _ in range(self.count):
            yield Piece(self)


def drain(seat: Seat, most: int = 1 << 30) -> int:
    """Take what the peer was sent off the line, and forget it."""
    size = 0
    try:
        while size < most:
            size += len(seat.peer.socket.recv(64 * KIB))
    except BlockingIOError:
        pass
    return size


@ROLES
@pytest.mark.parametrize(("count", "size"), [(300, 100 * KIB), (30_000, 1000), (131_000, 1), (131_000, 0)])
def test_no_more_is_held_than_a_share_and_one_piece(count: int, size: int, role: Role) -> None:
    """30 MB go out of a few hundred KiB; of the caller's pieces, the one at hand and the next are alive."""
    share = 64 * KIB
    seat = Seat(role, conditions=Conditions(buffer_bytes=32 * KIB))
    tale = Tale(count, size)
    assert seat.socket.send_fragments(tale)
    assert tale.taken == 0, "nothing is asked for before flush"
    sent = most = 0
    while not seat.socket.statistics().messages_sent or seat.socket.queued_bytes:
        seat.turn()
        most = max(most, seat.socket.queued_bytes)
        sent += drain(seat)
    sent += drain(seat)
    assert tale.most <= 3
    assert tale.alive == 0
    assert most <= share + size + 14
    assert sent >= count * (size + 2)
    assert (tale.taken, seat.socket.statistics().messages_sent) == (count, 1)


@ROLES
def test_who_does_not_read_is_sent_a_share_and_no_piece_more_is_asked_for(role: Role) -> None:
    seat = Seat(role, conditions=Conditions(buffer_bytes=32 * KIB), limits=Limits(ping_seconds=1000.0))
    tale = Tale(1 << 40, 1000)
    seat.socket.send_fragments(tale)
    seat.run(1.0)
    taken = tale.taken
    assert taken <= 65 + 2, "65 fill a share, and one more is looked at"
    seat.run(10.0)
    assert (tale.taken, tale.alive) == (taken, 1), "the next one waits"
    drain(seat, 1000)
    seat.run(0.1)
    assert tale.taken == taken, "the rest of the share goes first"
    seat.hang_up("reset")
    seat.turn(2)
    assert tale.alive == 0, "who is gone is told no story"
    assert seat.closes == [(1006, "")]


@ROLES
def test_memory_is_bounded_whatever_the_length(role: Role) -> None:
    seat = Seat(role, conditions=Conditions(buffer_bytes=32 * KIB))

    def peak(count: int) -> int:
        tale = Tale(count, 16 * KIB)
        tracemalloc.start()
        try:
            seat.socket.send_fragments(tale)
            while tale.taken < count or seat.socket.queued_bytes:
                seat.turn()
                drain(seat)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(500) < peak(20) * 1.2 + 16 * KIB
    assert peak(500) < 1024 * KIB, "of 8 MiB"


@ROLES
@pytest.mark.parametrize("early", [False, True])
def test_others_wait_their_turn(early: bool, role: Role) -> None:
    """Before and behind a message in fragments, and a second one; control frames go between."""
    seat = Seat(role, shaken=role is Role.SERVER or not early, limits=Limits(slice_bytes=100))
    if role is Role.CLIENT and early:
        ws: Any = seat.ours.websocket  # type: ignore[union-attr]
    else:
        ws = seat.socket
    assert ws.send("before")
    assert ws.send_fragments(["a" * 99, "b" * 99])
    assert ws.send("between")
    assert ws.send_fragments([b"c" * 99, b"", b"d"])
    assert ws.send_latest("key", "latest")
    assert ws.send(b"behind")
    if not seat.opens:
        seat.shake()
    heard: list[Any] = []
    for number in range(10):
        ws.ping(b"%d" % number)
        seat.turn()
        heard += seat.peer.receive()
    assert [each for each in heard if each[0] != "ping" and each != "latest"] == [
        "before",
        (TEXT, b"a" * 99, False),
        (CONT, b"b" * 99, True),
        "between",
        (BINARY, b"c" * 99, False),
        (CONT, b"", False),
        (CONT, b"d", True),
        b"behind",
    ]
    pings = [each for each in heard if each[0] == "ping"]
    assert pings == [("ping", b"%d" % number) for number in range(10)]
    inside = heard[heard.index((TEXT, b"a" * 99, False)) : heard.index((CONT, b"b" * 99, True))]
    assert "latest" not in inside
    assert any(each[0] == "ping" for each in inside)
    assert heard.count("latest") == 1


@ROLES
@pytest.mark.parametrize("how", ["we close", "they close", "fault", "abort", "whole end"])
def test_an_end_amid_a_message(how: str, role: Role) -> None:
    """We close behind it; anything else breaks it off, and never with FIN."""
    seat = Seat(role, limits=Limits(slice_bytes=100))
    tale = Tale(5, 99)
    seat.socket.send_fragments(tale)
    seat.socket.send("behind")
    seat.turn(2)
    if how == "we close":
        seat.socket.close(4000)
    elif how == "whole end":
        seat.ours.close(4000)
    elif how == "abort":
        seat.socket.abort()
    else:
        seat.say(CLOSE, close_payload(4000 if how == "they close" else 1005))
    heard: list[Any] = []
    for _ in range(8):
        seat.turn()
        heard += seat.peer.receive()
    finished = [each for each in heard if each[0] == CONT and each[2]]
    if how in ("we close", "whole end"):
        assert len(heard) == 7
        assert len(finished) == 1
        assert heard[-2:] == ["behind", ("close", 4000, "")]
    else:
        assert finished == []
        assert heard[-1][0] == ("close" if how != "abort" else CONT)
        assert tale.taken < 5
        assert tale.alive == 0
