"""Idle: who has nothing to do does nothing. Looks at the network are counted; in no state is there one too many."""

from typing import Any

import pytest

from tests.slice.rests import MINUTE, RESTS, Rest, house_of
from tests.slice.rigs import PERIOD
from tests.transport.peers import House, Peer, ping, pong
from tickws.loop.tickloop import TickLoop
from tickws.transport.endpoint import Endpoint


def polls_of(endpoint: Endpoint) -> int:
    return endpoint.statistics().polls


def crowd(house: House, count: int) -> list[Peer]:
    """So many clients, who come all at once."""
    peers = [house.dial() for _ in range(count)]
    for peer in peers:
        peer.ask()
    house.turn(5)  # so many handshakes at once are two lots
    assert [peer.receive_status() for peer in peers] == [101] * count
    return peers


def pongs(peers: list[Peer]) -> int:
    """How many pings were heard; each is answered."""
    heard = 0
    for peer in peers:
        if peer.socket.events_at()[0] <= 1 << 61:  # there is something, or will be
            for said in peer.receive():
                assert isinstance(said, tuple)
                peer.say(pong(said[1]))
                heard += 1
    return heard


# Silent clients


def test_on_a_loop_there_is_one_look_in_each_frame() -> None:
    house = House()
    peers = crowd(house, 100)
    loop = TickLoop(60, clock=house.clock)
    loop.add(house.server, budget=0.004)
    before = polls_of(house.server)
    begun = house.clock.now()
    heard = 0
    for _ in range(MINUTE * 60):
        loop.frame()
        heard += pongs(peers)
        house.clock.advance(PERIOD)
    assert house.clock.now() - begun == pytest.approx(MINUTE)
    assert polls_of(house.server) - before == MINUTE * 60
    assert house.statistics.empty_polls == 0
    assert heard == 100 * 2, "at 20 and 40 seconds; at 60 the minute is over"
    assert house.statistics.open == 100


@pytest.mark.parametrize("budget", [0.020, 1.0, 600.0])
def test_work_sleeps_as_long_as_it_may(budget: float) -> None:
    house = House()
    peers = crowd(house, 400 if budget < 1 else 1000)
    before = polls_of(house.server)
    begun = house.clock.now()
    heard = 0
    looks = 0
    while house.clock.now() < begun + MINUTE - 1:  # at 60 s there are pings once more
        since = house.clock.now()
        house.server.work(min(budget, begun + MINUTE - 1 - since))
        looks += 1
        if house.clock.now() < since + budget:
            heard += pongs(peers)
    assert polls_of(house.server) - before == looks
    # Beyond those that the budget ends: pings go out, and their answers come, at two instants.
    assert looks <= MINUTE / budget + 6
    assert house.statistics.empty_polls == 0
    assert heard == 2 * len(peers)
    assert house.server.waited == pytest.approx(house.clock.now() - begun, abs=0.001)


# Every state in which something can rest


@pytest.mark.parametrize("rest", RESTS)
def test_there_is_no_busy_waiting_in_any_state(rest: Rest) -> None:
    endpoint, explained = rest()
    clock: Any = endpoint._clock
    for _ in range(2):  # what is to be done at once is done
        endpoint.work(None, wait=0)
    before, begun, calls = polls_of(endpoint), clock.now(), 0
    while clock.now() < begun + MINUTE:
        assert endpoint.work(1.0)
        calls += 1
        assert calls <= 2 * (MINUTE + explained) + 10, "it does not sleep"
    assert polls_of(endpoint) - before <= MINUTE + explained + 1
    assert endpoint.statistics().empty_polls == 0


@pytest.mark.parametrize("rest", RESTS)
def test_there_is_no_busy_waiting_for_who_waits_between_ticks(rest: Rest) -> None:
    endpoint, explained = rest()
    clock: Any = endpoint._clock
    for _ in range(2):
        endpoint.work(None, wait=0)
    begun, calls = clock.now(), 0
    while clock.now() < begun + MINUTE:
        calls += 1
        if endpoint.wait(1.0):
            endpoint.work(None, wait=0)
        assert calls <= 2 * (MINUTE + explained) + 10, "it does not sleep"
    assert calls <= MINUTE + explained + 1


def test_a_handshake_that_dribbles_costs_a_look_for_each_piece() -> None:
    house = house_of()
    peer = house.dial()
    house.turn(2)
    before = polls_of(house.server)
    for byte in b"GET / HTTP/1.1\r\nHost: here\r\n":
        peer.say(bytes((byte,)))
        house.server.work(1.0)
        house.server.work(0.5)  # nothing more came
    assert polls_of(house.server) - before == 2 * 28


def test_a_peer_that_pings_costs_a_look_for_each_ping() -> None:
    house = house_of()
    peer = house.peer()
    before = polls_of(house.server)
    for number in range(50):
        peer.say(ping(b"%d" % number))
        house.server.work(1.0)
        house.server.work(0.5)
    assert len(peer.receive()) == 50
    assert polls_of(house.server) - before == 100
