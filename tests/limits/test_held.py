"""Who is held, and what is reckoned meanwhile: turns, slack, and errors that leave `work`."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import pytest

import tickws
from tests.transport.peers import FRAME, House, nothing_left, text
from tickws.protocol.handshake import Request
from tickws.protocol.limits import Limits


def test_who_was_held_while_it_stood_in_a_queue_stands_there_once() -> None:
    def heard(ws: tickws.WebSocket, message: object) -> None:
        house.clock.advance(0.0001)

    limits = Limits(messages_per_second=512, messages_burst=8, ping_seconds=1000.0)
    house = House(limits=limits, on_message=heard)
    peers = house.peers(60)
    said = dict.fromkeys(range(60), 60)
    for peer in peers:
        peer.say(text("x") * 60)
    pump = house.server._links.pump
    for frame in range(400):
        house.server.work(0.002, wait=0)
        house.clock.advance(0.003)
        queued = [id(link) for link in (*pump.ready, *pump.heavy, *pump._later)]
        assert len(queued) == len(set(queued)), "somebody stands there twice"
        if frame < 60:
            for number, peer in enumerate(peers):
                peer.say(text("x") * 8)
                said[number] += 8
    while sum(said.values()) > len(house.heard("message")):
        assert house.clock.now() < 60.0, "something is lost"
        house.server.work(0.002, wait=0)
        house.clock.advance(0.003)
    assert [len(house.heard("message", f"/{number}")) for number in range(60)] == list(said.values())


def test_what_a_hitch_allows_passes_in_quiet_frames_too() -> None:
    house = House(limits=Limits(messages_per_second=10.0, messages_burst=10, ping_seconds=1e6))
    peer = house.peer()
    house.clock.advance(60)
    peer.say(text("x"))
    house.server.receive(None)
    house.server.flush(None)
    for _ in range(1300):
        house.clock.advance(0.05)
        house.server.receive(None)
        house.server.flush(None)
    peer.say(text("x") * 140)
    for _ in range(60):
        house.clock.advance(FRAME)
        house.server.receive(None)
        house.server.flush(None)
    assert len(house.heard("message")) <= 1 + 10 + 10 + 8


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_ends_a_program_leaves_on_request_and_the_peer_gets_500(error: type[BaseException]) -> None:
    asked = []

    def ask(request: Request) -> bool:
        asked.append(request.path)
        raise error

    house = House(on_request=ask)
    peer = house.dial()
    peer.ask()
    with pytest.raises(error):
        house.turn(3)
    house.turn(3)
    assert peer.receive_status() == 500
    assert peer.gone
    peer.socket.close()
    house.turn(3)
    assert asked == ["/"]
    assert house.statistics.connections == 0
    assert nothing_left(house)


def test_the_counters_of_limits_are_read_under_the_lock() -> None:
    """Other threads add to them while they fill queues."""
    house = House()
    queue = house.server._links.queue
    free: list[bool] = []

    class Watched(Counter[str]):
        def items(self) -> Any:
            other = threading.Thread(target=lambda: free.append(queue.lock.acquire(blocking=False)))
            other.start()
            other.join()
            return super().items()

    queue.limited = Watched({"queue_bytes": 1})
    assert house.statistics.limited["queue_bytes"] == 1
    assert free
    assert not any(free), "another thread could have added to them"
