"""Rows of `Limits`: whom a server lets in, and what one connection may say in the long run."""

from __future__ import annotations

from typing import Any

from tests.limits.connections import ENDS, sit
from tests.limits.places import dial_from
from tests.limits.table import Outcome, Rows, limited, pass_until
from tests.protocol.helpers import TEXT
from tests.transport.ends import Seat
from tests.transport.peers import House
from tests.transport.tls_peers import TlsHouse
from tickws.protocol.limits import Limits

ROWS = Rows()


def house_for(way: str, limits: Limits, **options: Any) -> House:
    return TlsHouse(limits=limits, **options) if "tls" in way else House(limits=limits, **options)


# -- at once ---------------------------------------------------------------------------------------------------------


@ROWS.row(
    "handshakes",
    "stale",
    "tls stale",
    within=Outcome((0, 3)),
    above=lambda over: Outcome((over, 3), limited={"handshakes": over}),
)
def handshakes(way: str, over: int) -> Outcome:
    """The oldest has kept us waiting."""
    house = house_for(way, Limits(handshakes=3))
    peers = [house.dial() for _ in range(2)]
    pass_until(house.network, 0.5, house.server)
    peers += [house.dial() for _ in range(1 + over)]
    house.turn(3)
    gone = [peer.gone for peer in peers]
    assert gone == sorted(gone, reverse=True), "the oldest are dropped, and nobody else"
    return Outcome((sum(gone), house.statistics.connections), None, None, limited(house.server))


@ROWS.row("handshakes", "fresh", "tls fresh", within=Outcome((0, 3)), above=Outcome((0, 3), limited={}))
def handshakes_that_have_just_begun(way: str, over: int) -> Outcome:
    """Who comes waits in the backlog, and nobody is dropped."""
    house = house_for(way, Limits(handshakes=3))
    peers = [house.dial() for _ in range(3 + over)]
    pass_until(house.network, 0.499, house.server)
    return Outcome((sum(peer.gone for peer in peers), house.statistics.connections), None, None, limited(house.server))


@ROWS.row(
    "address_connections",
    "plain",
    "tls",
    "network",
    within=Outcome([False] * 3),
    above=lambda over: Outcome([False] * 3 + [True] * over, limited={"address_connections": over}),
)
def address_connections(way: str, over: int) -> Outcome:
    house = house_for(way, Limits(address_connections=3))
    hosts = [f"2001:db8::{number:x}" if way == "network" else "192.0.2.1" for number in range(3 + over)]
    peers = [dial_from(house, host) for host in hosts]
    other = dial_from(house, "2001:db8:0:1::" if way == "network" else "192.0.2.2")
    house.turn(2)
    assert not other.gone
    assert house.statistics.connections == 4
    return Outcome([peer.gone for peer in peers], None, None, limited(house.server))


@ROWS.row(
    "address_connections",
    "proxy",
    within=Outcome([101] * 3),
    above=lambda over: Outcome([101] * 3 + [429] * over, limited={"address_connections": over}),
)
def address_connections_behind_a_proxy(way: str, over: int) -> Outcome:
    house = House(limits=Limits(address_connections=3), trusted_proxies=("127.0.0.1",))
    peers = [house.dial() for _ in range(3 + over)]
    for peer in peers:
        peer.ask("/", "X-Forwarded-For: 192.0.2.1")
    house.turn(2)
    assert house.statistics.answered == ({429: over} if over else {})
    return Outcome([peer.receive_status() for peer in peers], None, None, limited(house.server))


# -- in the long run -------------------------------------------------------------------------------------------------


def said(seat: Seat, number: int, size: int = 0) -> bytes:
    """A message that says its number, in a frame of `size` bytes."""
    plain = seat.frame(TEXT, b"%d" % number)
    return plain if not size else seat.frame(TEXT, b"%d" % number + b" " * (size - len(plain)))


def numbers(seat: Seat) -> list[int]:
    """The numbers of the messages that we were given."""
    return [int(each) for each in seat.heard]


@ROWS.row(
    "messages_burst",
    *ENDS,
    within=Outcome(heard=(16, True)),
    above=lambda over: Outcome(heard=(16 + over, False), limited={"messages_per_second": 1}),
)
def messages_burst(way: str, over: int) -> Outcome:
    seat = sit(way, Limits(messages_per_second=10, messages_burst=16))
    seat.peer.say(b"".join(said(seat, number) for number in range(16 + over)))
    seat.turn(2)
    heard, counted = len(seat.heard), limited(seat.ours)
    return Outcome(None, None, (heard, one_more(seat, over / 10)), counted)


@ROWS.row(
    "bytes_burst",
    *ENDS[:2],
    within=Outcome(heard=(1, True)),
    above=Outcome(heard=(1, False), limited={"bytes_per_second": 1}),
)
def bytes_burst(way: str, over: int) -> Outcome:
    seat = sit(way, Limits(bytes_per_second=10, bytes_burst=100))
    seat.peer.say(said(seat, 0, 100 + over))
    seat.turn(2)
    heard, counted = len(seat.heard), limited(seat.ours)
    return Outcome(None, None, (heard, one_more(seat, over / 10)), counted)


def one_more(seat: Seat, wait: float) -> bool:
    """Whether one message more is read at once; otherwise it is read after `wait` seconds, and not before."""
    before = len(seat.heard)
    seat.peer.say(said(seat, 99))
    seat.turn(3)
    at_once = len(seat.heard) > before
    now = seat.network.clock.now_ns()
    if wait:
        pass_until(seat.network, wait - 0.001, seat.ours, since=now)
        assert len(seat.heard) == before
        pass_until(seat.network, wait, seat.ours, since=now)
        seat.turn()
    assert numbers(seat) == [*range(before), 99]
    assert seat.closes == []
    return at_once


@ROWS.row(
    "messages_per_second",
    *ENDS,
    within=Outcome(heard=(6, True)),
    above=Outcome(heard=(6, False), limited={"messages_per_second": 5}),
)
def messages_per_second(way: str, over: int) -> Outcome:
    """Six messages at a rate, each heard at once: what is said between them is late by what all were too early."""
    seat = sit(way, Limits(messages_per_second=10, messages_burst=1))
    interval = 1 / (10 + over)
    for number in range(6):
        pass_until(seat.network, number * interval, seat.ours)
        seat.peer.say(said(seat, number))
        seat.turn()
    heard, counted = len(seat.heard), limited(seat.ours)
    return Outcome(None, None, (heard, one_more(seat, 5 * (1 / 10 - interval))), counted)


@ROWS.row(
    "bytes_per_second",
    *ENDS[:2],
    within=Outcome(heard=(20, True)),
    above=Outcome(heard=(20, False), limited={"bytes_per_second": 20}),
)
def bytes_per_second(way: str, over: int) -> Outcome:
    """Twenty messages of a tenth of a second's bytes, each so many bytes too long."""
    seat = sit(way, Limits(bytes_per_second=1000, bytes_burst=100))
    for number in range(20):
        pass_until(seat.network, number / 10, seat.ours)
        seat.peer.say(said(seat, number, 100 + over))
        seat.turn()
    heard, counted = len(seat.heard), limited(seat.ours)
    return Outcome(None, None, (heard, one_more(seat, 20 * over / 1000)), counted)
