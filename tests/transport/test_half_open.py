"""Peers that vanish without a word (a plug is pulled, a NAT forgets): found in their time, and nobody else."""

from typing import Any

import pytest

import tickws
from tests.protocol.helpers import BINARY, MASK, PONG, frame
from tests.transport.ends import Two, Who
from tests.transport.peers import FRAME, House, Peer, nothing_left, pong, text
from tickws.protocol.limits import Limits
from tickws.testing import MemorySocket

PLAYERS = tickws.GameLimits()
BEAT = 0.5
LIMITS = [Limits(), PLAYERS, Limits(ping_seconds=4.0, dead_seconds=3.0), Limits(ping_seconds=0.5, dead_seconds=60.0)]


def vanish(sock: MemorySocket) -> None:
    """Nothing arrives at either end any more, and neither learns of it."""
    assert sock.other is not None
    sock.stall()
    sock.other.stall()


def named(limits: Limits) -> str:
    return f"{limits.ping_seconds:g}+{limits.dead_seconds:g}"


@pytest.mark.parametrize("sending", ["nothing", "what the kernel takes", "more than it takes", "latest values"])
@pytest.mark.parametrize("after", [0.0, 1.3, 7.0, 33.3])
@pytest.mark.parametrize("limits", LIMITS, ids=named)
def test_who_vanishes_is_found_within_its_time(limits: Limits, after: float, sending: str) -> None:
    """Wherever the pings are just then; and whatever we have to say, none of which proves that it is there."""
    house = House(limits=limits)
    peer, other = house.peer("/gone"), house.peer("/here")
    ws = house.ws("/gone")
    answer_until(house, after, peer, other)
    peer.say(text("my last word"))
    house.run(FRAME)
    vanish(peer.socket)
    if sending == "more than it takes":
        ws.send(bytes(400_000))
    begun = house.clock.now()
    most = limits.ping_seconds + limits.dead_seconds + BEAT + 3 * FRAME
    while not house.closes and house.clock.now() - begun < 2 * most:
        if sending == "what the kernel takes":
            ws.send(b"a word")
        elif sending == "latest values":
            ws.send_latest("world", bytes(500))
        answer_until(house, FRAME, other)
    assert house.closes == [("/gone", 1006, "")]
    assert limits.ping_seconds + limits.dead_seconds - 2 * FRAME <= house.clock.now() - begun <= most
    answer_until(house, 2.0, other)
    assert house.closes == [("/gone", 1006, "")], "told once"
    assert house.statistics.timed_out == 1
    assert house.statistics.open == 1


def answer_until(house: House, seconds: float, *peers: Peer) -> None:
    """Let time pass in which peers answer pings."""
    for _ in range(round(seconds / FRAME)):
        for peer in peers:
            peer.say(*(pong(each[1]) for each in peer.receive() if isinstance(each, tuple) and each[0] == "ping"))
        house.run(FRAME)


def test_who_answers_and_vanishes_at_once_has_no_second_life() -> None:
    """Its ping was answered: the next one comes a `ping_seconds` after that, not when this one would have failed."""
    house = House(limits=PLAYERS)
    peer = house.peer()
    while not (heard := [each[1] for each in peer.receive() if isinstance(each, tuple)]):
        house.run(FRAME)
    peer.say(pong(heard[0]))
    house.run(FRAME)
    vanish(peer.socket)
    begun = house.clock.now()
    while not house.closes:
        house.run(FRAME)
    assert house.clock.now() - begun == pytest.approx(15.0, abs=0.1)
    house.run(1.0)
    peer.socket.close()
    assert nothing_left(house)


@pytest.mark.parametrize("who", ["server", "client"])
@pytest.mark.parametrize("sending", [False, True])
def test_both_ends_find_it(who: Who, sending: bool) -> None:
    two = Two(limits=PLAYERS)
    vanish(line_of(two))
    if sending:
        two.ws(who).send(bytes(400_000))
    two.run(15.0 + BEAT + 3 * FRAME, who)
    assert two.closes(who) == [(1006, "")]
    assert two.ends[who].statistics().timed_out == 1


def line_of(two: Two) -> MemorySocket:
    """One end of the line between them."""
    network: Any = two.ends["server"]._network
    return next(sock for sock in network.sockets.values() if isinstance(sock, MemorySocket))


@pytest.mark.parametrize("what", ["message", "pong", "head"])
def test_who_says_one_byte_at_a_time_is_alive(what: str) -> None:
    """Of a frame that is never whole; each byte comes just before it would be too late, and no ping is answered."""
    house = House(limits=PLAYERS)
    peer = house.peer()
    words = {
        "message": frame(BINARY, bytes(200), mask=MASK),
        "pong": frame(PONG, b"x" * 100, mask=MASK),
        "head": frame(BINARY, bytes(4000), mask=MASK),
    }
    for byte in words[what][:10]:
        house.run(14.5)
        assert house.closes == []
        peer.say(bytes([byte]))
    house.run(14.5)
    assert house.closes == []
    house.run(1.0)
    assert house.closes == [("/", 1006, "")]
    assert house.statistics.timed_out == 1


def test_one_half_that_hangs_is_no_half_open_connection() -> None:
    """It still talks, though nothing of ours reaches it."""
    house = House(limits=PLAYERS)
    peer = house.peer()
    peer.socket.stall()
    for _ in range(40):
        peer.say(text("hello?"))
        house.run(1.5)
    assert house.closes == []
