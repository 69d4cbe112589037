"""All places are taken, and fewer than `handshakes`: newcomers who keep us waiting make room, nobody else does."""

from __future__ import annotations

import pytest

from tests.transport.peers import FRAME, House, nothing_left
from tickws.protocol.limits import Limits


@pytest.mark.parametrize("handshakes", [4, 512])
def test_a_newcomer_makes_room_for_another_after_half_a_second(handshakes: int) -> None:
    house = House(max_connections=4, limits=Limits(handshakes=handshakes))
    idlers = [house.dial() for _ in range(4)]
    house.turn(2)
    late = house.dial()
    late.ask("/late")
    while house.clock.now() < 0.49:
        house.run(FRAME)
        assert not any(idler.gone for idler in idlers)
        assert "handshakes" not in house.statistics.limited
    for _ in range(10):  # nobody goes by itself: the listener is asked again all the same
        house.run(FRAME)
        assert house.statistics.connections <= 4
    assert late.receive_status() == 101
    assert [idler.gone for idler in idlers] == [True, False, False, False]
    assert house.statistics.limited["handshakes"] == 1


def test_who_is_in_is_never_dropped_for_a_newcomer() -> None:
    house = House(max_connections=5, limits=Limits(ping_seconds=1000.0))
    players = house.peers(3)
    idlers = [house.dial() for _ in range(2)]
    house.turn(2)
    late = [house.dial() for _ in range(4)]
    for peer in late:
        peer.ask("/late")
    for _ in range(200):
        house.run(FRAME)
        assert house.statistics.connections <= 5
    assert not any(player.gone for player in players)
    assert all(idler.gone for idler in idlers)
    assert [peer.receive_status() for peer in late] == [101, 101, 0, 0]
    assert house.statistics.limited["handshakes"] == 2
    assert house.statistics.open == 5


def test_at_the_limit_nobody_is_dropped() -> None:
    house = House(max_connections=3, limits=Limits(handshake_seconds=60.0))
    idlers = [house.dial() for _ in range(3)]
    house.run(5.0)
    assert not any(idler.gone for idler in idlers)
    assert "handshakes" not in house.statistics.limited
    house.server.abort()
    assert nothing_left(house)
