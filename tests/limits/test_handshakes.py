"""Handshakes at once: newcomers wait in the backlog, the oldest who keeps us waiting is dropped, honest ones get in."""

from __future__ import annotations

import pytest

from tests.transport.peers import FRAME, House, Peer, nothing_left
from tests.transport.tls_peers import TlsHouse
from tickws.protocol.handshake import Request
from tickws.protocol.limits import Limits
from tickws.testing import Conditions

THREE = Limits(handshakes=3)


def crowd(house: House, count: int = 3) -> list[Peer]:
    """So many who have just come, and say nothing."""
    peers = [house.dial() for _ in range(count)]
    house.turn(2)
    return peers


@pytest.mark.parametrize("how", ["asks", "is refused", "resets", "closes", "ends", "garbage"])
def test_who_waits_in_the_backlog_gets_in_when_another_is_done(how: str) -> None:
    house = House(limits=THREE, on_request=lambda request: request.path != "/refused")
    peers = crowd(house)
    late = house.dial()
    late.ask("/late")
    house.turn(3)
    assert late.receive_status() == 0
    peer = peers[1]
    if how == "asks":
        peer.ask()
    elif how == "is refused":
        peer.ask("/refused")
    elif how == "resets":
        peer.socket.reset()
    elif how == "closes":
        peer.socket.close()
    elif how == "ends":
        peer.socket.shutdown(1)
    else:
        peer.say(b"\0\r\n\r\n")
    house.turn(4)  # no time passes
    assert late.receive_status() == 101
    assert not any(each.gone for each in (peers[0], peers[2]))
    assert "handshakes" not in house.statistics.limited


def test_the_oldest_is_dropped_and_the_others_go_on() -> None:
    house = House(limits=THREE)
    first, second = crowd(house, 2)
    house.run(0.4)
    [third] = crowd(house, 1)
    house.run(0.2)
    newcomers = [house.dial() for _ in range(4)]
    for peer in newcomers:
        peer.ask("/new")
    house.turn(2)
    assert (first.gone, second.gone, third.gone) == (True, True, False)
    house.run(1.0)
    assert [peer.receive_status() for peer in newcomers] == [101] * 4
    third.ask("/third")
    house.turn(2)
    assert third.receive_status() == 101
    assert house.statistics.timed_out == 0


def test_those_who_sit_it_out_keep_nobody_out() -> None:
    """Three new ones in every tenth of a second, who say nothing, beside a player who comes once a second."""
    house = House(limits=THREE)
    idlers: list[Peer] = []
    waited = []
    for _ in range(10):
        for _ in range(10):
            idlers += [house.dial() for _ in range(3)]
            house.run(0.1)
        player = house.dial()
        player.ask()
        begun = house.clock.now()
        while player.receive_status() == 0:
            assert house.clock.now() - begun < 120.0
            house.run(FRAME)
        waited.append(house.clock.now() - begun)
        for idler in idlers:  # who was dropped comes again
            idler.socket.close()
        idlers.clear()
    assert max(waited) <= 6.0  # ten times half a second for three in the backlog before it, at most
    assert house.statistics.limited["handshakes"] > 10


def test_whom_we_have_kept_waiting_ourselves_is_not_dropped() -> None:
    """All ask at once, and `on_request` takes a fifth of a second for each."""

    def look_up(request: Request) -> bool:
        house.clock.advance(0.2)
        return True

    house = House(limits=Limits(handshakes=16, handshake_seconds=60.0), on_request=look_up)
    peers = [house.dial() for _ in range(60)]
    for peer in peers:
        peer.ask()
    for _ in range(100):
        house.server.work(1.0, wait=0)
    assert [peer.receive_status() for peer in peers] == [101] * 60
    assert "handshakes" not in house.statistics.limited


@pytest.mark.parametrize("make", [House, TlsHouse])
def test_a_storm_of_honest_clients_loses_nobody(make: type[House]) -> None:
    """Two thousand at once, at two ports, for a backlog holds a thousand; with TLS fewer, for it takes our time."""
    count = 2000 if make is House else 60
    house = make(limits=Limits(handshakes=100 if make is House else 10), conditions=Conditions(latency=0.05))
    house.server.listen("127.0.0.1", 9000)
    peers = []
    if make is House:
        for number in range(count):
            peer = Peer(house.network, 9000 if number % 2 else house.server.port)
            peer.ask()
            peers.append(peer)
        answered = 0
        while answered < count:
            assert house.clock.now() < 60.0
            house.server.work(0.004, wait=0)
            house.clock.advance(FRAME)
            answered = house.statistics.opened
        house.run(0.2)
    else:
        peers = [house.dial() for _ in range(count)]
        asked = set()
        while house.statistics.opened < count:
            assert house.clock.now() < 60.0
            house.run(FRAME)
            for peer in peers:
                if peer.tunnel.shake() and peer not in asked:  # type: ignore[attr-defined]
                    asked.add(peer)
                    peer.ask()
        house.run(0.2)
    assert [peer.receive_status() for peer in peers] == [101] * count
    assert not any(peer.gone for peer in peers)
    assert set(house.statistics.limited) <= {"ping_seconds"}


def test_together_with_max_connections() -> None:
    house = House(limits=Limits(handshakes=3), max_connections=5)
    players = house.peers(4)
    idler, late = house.dial(), house.dial()
    late.ask("/late")
    house.run(2.0)
    assert house.statistics.connections == 5
    assert late.receive_status() == 101
    assert idler.gone, "it has kept the last place waiting"
    assert house.statistics.limited["handshakes"] == 1
    later = house.dial()
    later.ask("/later")
    house.run(2.0)
    assert later.receive_status() == 0, "who is in stays in"
    players[0].socket.close()
    house.run(1.0)
    assert later.receive_status() == 101
    assert house.statistics.limited["handshakes"] == 1


@pytest.mark.parametrize("most", [None, 3])
def test_nobody_spins_on_a_backlog_that_has_to_wait(most: int | None) -> None:
    house = House(limits=THREE, max_connections=most)
    crowd(house)
    house.dial()
    before = house.statistics.polls
    begun = house.clock.now()
    while house.clock.now() < begun + 0.45:
        house.server.work(0.45 - (house.clock.now() - begun) or None)
    assert house.statistics.polls - before <= 20
    assert house.statistics.connections == 3


def test_all_are_gone_in_the_end() -> None:
    house = House(limits=Limits(handshakes=3, handshake_seconds=1.0))
    peers = [house.dial() for _ in range(12)]
    house.run(20.0)
    assert all(peer.gone for peer in peers)
    assert nothing_left(house)
    assert house.statistics.limited["handshakes"] + house.statistics.limited.get("handshake_seconds", 0) == 12
    assert not house.server._links.newcomers
