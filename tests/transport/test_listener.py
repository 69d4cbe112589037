"""The doors: one connection a step, an exact maximum, and no spinning where nobody can be let in."""

import errno
import logging
from typing import Any

import pytest

from tests.transport.peers import FRAME, House, Peer, text
from tickws.testing import MemoryNetwork
from tickws.transport.listener import BACKLOG, Listener
from tickws.transport.poller import READABLE


def knock(house: House, count: int, *, port: int | None = None) -> list[Peer]:
    peers = [Peer(house.network, port or house.server.port) for _ in range(count)]
    for peer in peers:
        peer.ask()
    return peers


def accepted(house: House) -> int:
    return house.statistics.accepted


@pytest.fixture
def polls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many descriptors each poll found."""
    found: list[int] = []
    made = MemoryNetwork.poller

    def poller(network: MemoryNetwork) -> Any:
        poller = made(network)
        poll = poller.poll

        def counting(timeout: float | None) -> list[tuple[int, int]]:
            result = poll(timeout)
            found.append(len(result))
            return result

        monkeypatch.setattr(poller, "poll", counting)
        return poller

    monkeypatch.setattr(MemoryNetwork, "poller", poller)
    return found


@pytest.mark.parametrize("most", [1, 2, 5])
def test_never_more_than_the_maximum_and_the_next_gets_in_when_one_leaves(most: int, polls: list[int]) -> None:
    house = House(max_connections=most)
    peers = knock(house, most + 2)
    for _ in range(5):
        house.turn()
        assert house.statistics.connections <= most
    assert [peer.receive_status() for peer in peers] == [101] * most + [0, 0]
    del polls[:]
    house.turn(10)
    assert polls == [0] * 10, "the door is not watched while the house is full"
    peers[0].socket.close()
    house.turn(3)
    assert peers[most].receive_status() == 101
    assert peers[most + 1].receive_status() == 0
    assert (house.statistics.connections, accepted(house)) == (most, most + 1)


def test_a_connection_in_its_handshake_takes_a_place_for_half_a_second_at_least() -> None:
    house = House(max_connections=1)
    house.dial()
    house.turn()
    (late,) = knock(house, 1)
    house.run(0.45)
    assert late.receive_status() == 0
    house.run(0.2)
    assert late.receive_status() == 101


def test_who_waits_gets_in_in_order() -> None:
    house = House(max_connections=1)
    peers = [house.dial() for _ in range(5)]
    for number, peer in enumerate(peers):
        peer.ask(f"/{number}")
    for peer in peers:
        house.turn(3)
        assert peer.receive_status() == 101
        peer.socket.close()
    assert house.opens == [f"/{number}" for number in range(5)]


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
def test_out_of_descriptors_the_doors_rest_for_a_second(
    number: int, polls: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    house = House()
    house.network.fail_accepts(house.server.port, number, times=3)
    (peer,) = knock(house, 1)
    house.turn()
    del polls[:]
    house.run(0.9)
    assert not any(polls), "no spinning"
    assert house.server.next_deadline() is not None
    house.run(0.2)
    house.run(2.2)
    assert peer.receive_status() == 101
    assert sum(polls) <= 8
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1, "once, until one succeeds"
    assert "ulimit -n" in warnings[0].getMessage()


def test_out_of_descriptors_a_leaver_makes_room_at_once() -> None:
    house = House()
    here = house.peer()
    house.network.fail_accepts(house.server.port, errno.EMFILE)
    (waiting,) = knock(house, 1)
    house.turn(5)
    assert waiting.receive_status() == 0
    here.socket.close()
    house.turn(3)
    assert waiting.receive_status() == 101
    assert house.server.next_deadline() == pytest.approx(20.0), "no retry is needed any more"
    house.run(1.5)
    assert house.statistics.connections == 1


def test_a_sleeping_server_wakes_for_the_retry() -> None:
    house = House()
    house.network.fail_accepts(house.server.port, errno.EMFILE)
    knock(house, 1)
    house.turn()
    assert house.server.next_deadline() == 1.0
    before = house.clock.now()
    while accepted(house) == 0:
        assert house.server.work(None)
    assert house.clock.now() - before == 1.0
    house.turn(2)
    assert house.server.next_deadline() == pytest.approx(20.0), "the retry is over"


@pytest.mark.parametrize("number", [errno.ECONNABORTED, errno.EPROTO, errno.EPERM])
def test_who_is_gone_before_we_came_costs_one_step(number: int) -> None:
    house = House()
    house.network.fail_accepts(house.server.port, number, times=2)
    (peer,) = knock(house, 1)
    house.turn(5)
    assert peer.receive_status() == 101
    assert accepted(house) == 1


def test_a_socket_that_cannot_be_prepared_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(network: MemoryNetwork, sock: object) -> None:
        raise OSError(errno.EINVAL, "gone")

    house = House()
    (peer,) = knock(house, 1)
    with monkeypatch.context() as patch:
        patch.setattr(MemoryNetwork, "accepted", broken)
        house.turn(3)
    assert peer.gone
    assert accepted(house) == 0
    assert house.statistics.connections == 0
    (peer,) = knock(house, 1)
    house.turn(3)
    assert peer.receive_status() == 101


def test_doors_take_turns() -> None:
    house = House()
    house.server.listen(port=9000)
    house.server.listen(port=9001)
    ports = {peer.socket.getsockname(): port for port in (8056, 9000, 9001) for peer in knock(house, 3, port=port)}
    for _ in range(100):
        house.server.work(0, wait=0)
    assert [ports[ws.remote_address] for ws in house.server.connections] == [8056, 9000, 9001] * 3
    assert [address[1] for address in house.server.addresses] == [8056, 9000, 9001]


def test_a_door_opened_while_the_house_is_full_waits_with_the_others() -> None:
    house = House(max_connections=1)
    first = house.peer()
    house.server.listen(port=9000)
    (late,) = knock(house, 1, port=9000)
    house.turn(3)
    assert late.receive_status() == 0
    first.socket.close()
    house.turn(3)
    assert late.receive_status() == 101


def test_closing_refuses_who_waits_and_gives_the_port_back() -> None:
    house = House(max_connections=1)
    house.peer()
    waiting = house.dial()
    house.server.close()
    assert waiting.gone
    assert house.server.addresses == []
    assert house.dial().gone
    House(network=house.network)  # the port is free


def test_pausing_and_resuming_twice_does_nothing_more() -> None:
    network = MemoryNetwork()
    poller = network.poller()
    adopted: list[object] = []
    listener = Listener(network, poller, lambda sock, address, context: adopted.append(sock))
    listener.open("127.0.0.1", 80)
    fd = next(iter(network.sockets))
    listener.resume()
    network.dial(80)
    assert poller.poll(0) == [(fd, READABLE)]
    listener.notice(fd)
    listener.notice(12345)
    assert listener.waiting
    for _ in range(2):
        listener.pause()
        assert not listener.waiting
        assert poller.poll(0) == []
    for _ in range(2):
        listener.resume()
        assert poller.poll(0) == [(fd, READABLE)]
    listener.notice(fd)
    assert [listener.accept(), listener.accept()] == [True, False]
    assert len(adopted) == 1
    assert BACKLOG >= 128


def test_accepts_have_a_share_of_the_slice_of_their_own() -> None:
    """A crowd at the door does not keep those inside waiting, nor the other way round."""
    house: House = House(on_message=lambda ws, message: house.clock.advance(0.001))
    inside = house.peers(4)
    for peer in inside:
        peer.say(text("x") * 200)
    knock(house, 200)
    before = accepted(house)
    messages = house.statistics.messages_received
    house.server.work(FRAME, wait=0)
    assert accepted(house) > before
    assert house.statistics.messages_received > messages
