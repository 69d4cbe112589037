"""The memory network tells the truth about TCP: order, partial writes, ends, resets, time."""

import errno
import socket

import pytest

from tickws.clock import ManualClock
from tickws.errors import ListenError, UsageError
from tickws.testing import Conditions, MemoryNetwork, MemorySocket
from tickws.transport.network import Socket
from tickws.transport.poller import READABLE, WRITABLE


def connected(
    network: MemoryNetwork, conditions: Conditions | None = None, port: int = 80
) -> tuple[MemorySocket, MemorySocket]:
    """A client's and a server's end, both ready."""
    door = network.listen("127.0.0.1", port, 5)[0]
    client = network.dial(port, conditions=conditions)
    network.clock.advance(10 * (conditions or network.conditions).latency)
    server, address = door.accept()
    assert address == client.getsockname() == server.getpeername()
    assert client.getpeername() == server.getsockname() == ("127.0.0.1", port)
    return client, server


def took(sock: MemorySocket, most: int = 65536) -> bytes | None:
    """What a recv gives; None: it would block."""
    try:
        return sock.recv(most)
    except BlockingIOError:
        return None


def test_bytes_arrive_once_in_order_and_as_a_stream() -> None:
    client, server = connected(MemoryNetwork())
    assert took(server) is None
    for data in (b"one", b"two", memoryview(b"three")):
        assert client.send(data) == len(data)
    assert took(server, 4) == b"onet"
    assert took(server) == b"wothree", "a recv gives all that has arrived, as TCP's does"
    assert took(server) is None
    server.send(b"back")
    assert took(client) == b"back"


def test_a_full_line_takes_a_part_and_then_nothing() -> None:
    client, server = connected(MemoryNetwork(), Conditions(buffer_bytes=10))
    assert client.send(b"0123456") == 7
    assert client.send(b"789abc") == 3
    with pytest.raises(BlockingIOError):
        client.send(b"a")
    assert client.send(b"") == 0
    assert server.recv(4) == b"0123"
    assert client.send(b"abcdef") == 4
    assert took(server) == b"456789abcd"


def test_latency_delays_connecting_bytes_and_ends() -> None:
    network = MemoryNetwork(conditions=Conditions(latency=0.1))
    door = network.listen("127.0.0.1", 80, 5)[0]
    client = network.dial(80)
    assert client.events_at()[1] == 200_000_000, "a round trip until it is connected"
    with pytest.raises(BlockingIOError):
        door.accept()
    network.clock.advance(0.1)
    server = door.accept()[0]
    network.clock.advance(0.1)
    client.send(b"x")
    client.shutdown(socket.SHUT_WR)
    for _ in range(10):
        assert took(server) is None
        network.clock.advance(0.01)
    assert took(server) == b"x"
    assert took(server) == b""


def test_jitter_is_random_bounded_keeps_the_order_and_is_the_same_for_a_seed() -> None:
    def arrivals(seed: int) -> list[tuple[float, bytes]]:
        network = MemoryNetwork(conditions=Conditions(latency=0.01, jitter=0.02), seed=seed)
        client, server = connected(network)
        start = network.clock.now()
        found: list[tuple[float, bytes]] = []
        for number in range(50):
            client.send(b"%02d" % number)
        while len(found) < 50:
            if data := took(server, 2):
                found.append((network.clock.now() - start, data))
            else:
                network.clock.advance(0.0001)
        return found

    first = arrivals(1)
    assert [data for _, data in first] == [b"%02d" % number for number in range(50)]
    assert all(0.01 <= instant < 0.031 for instant, _ in first)
    assert len({instant for instant, _ in first}) > 1
    assert arrivals(1) == first
    assert arrivals(2) != first


def test_the_end_of_a_stream_follows_its_bytes_and_stays() -> None:
    client, server = connected(MemoryNetwork())
    client.send(b"last")
    client.shutdown(socket.SHUT_WR)
    client.shutdown(socket.SHUT_WR)
    with pytest.raises(BrokenPipeError):
        client.send(b"more")
    assert [took(server) for _ in range(3)] == [b"last", b"", b""]
    server.send(b"still")
    assert took(client) == b"still", "half closed: the other half lives"
    server.shutdown(socket.SHUT_RD)
    assert server.send(b"!") == 1


def test_close_ends_the_stream_and_breaks_the_other_direction() -> None:
    network = MemoryNetwork()
    client, server = connected(network)
    client.send(b"last")
    client.close()
    client.close()
    assert client.fileno() == -1
    assert client not in network.sockets.values()
    assert [took(server), took(server)] == [b"last", b""]
    with pytest.raises(BrokenPipeError):
        server.send(b"into the void")
    for call in (lambda: client.recv(1), lambda: client.send(b"x"), lambda: client.shutdown(socket.SHUT_WR)):
        with pytest.raises(OSError, match="closed"):
            call()


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_close_over_unread_bytes_is_a_reset(how: str) -> None:
    client, server = connected(MemoryNetwork())
    client.send(b"unread")
    getattr(server, how)()
    assert client.events_at() == (0, 0), "readable and writable, to be noticed"
    with pytest.raises(OSError, match="failed") as caught:
        client.recv(1)
    assert caught.value.errno == errno.ECONNRESET
    with pytest.raises(BrokenPipeError):
        client.send(b"x")
    server.reset()
    client.reset()
    client.reset()


def test_a_stalled_line_delivers_nothing_until_it_goes_on() -> None:
    client, server = connected(MemoryNetwork())
    client.send(b"a")
    server.stall()
    client.send(b"b")
    assert took(server) is None
    server.stall(False)
    assert took(server) == b"ab"


def test_who_knocks_at_no_door_or_a_full_one_is_refused() -> None:
    network = MemoryNetwork()
    network.listen("127.0.0.1", 80, 2)
    waiting, refused = [network.dial(80) for _ in range(2)], [network.dial(80), network.dial(81)]
    assert [sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) for sock in waiting] == [0, 0]
    for sock in refused:
        assert sock.events_at() == (0, 0)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0, "told once, as by the system"


def test_a_door_that_closes_resets_who_waits() -> None:
    network = MemoryNetwork()
    door = network.listen("127.0.0.1", 80, 5)[0]
    client = network.dial(80)
    door.close()
    with pytest.raises(OSError, match="failed"):
        client.recv(1)
    assert network.dial(80).getsockopt(0, 0) == errno.ECONNREFUSED
    client.close()
    assert not [sock for sock in network.sockets.values() if sock is client]


def test_doors_have_ports_of_their_own() -> None:
    network = MemoryNetwork()
    first, second = (network.listen("127.0.0.1", 0, 5)[0] for _ in range(2))
    assert first.getsockname()[1] != second.getsockname()[1]
    with pytest.raises(ListenError, match=r"cannot listen on 127\.0\.0\.1:80: the port is taken"):
        [network.listen("127.0.0.1", 80, 5) for _ in range(2)]
    with pytest.raises(OSError, match="not listening"):
        network.dial(80).accept()


def test_who_dialled_later_over_a_faster_line_is_here_first() -> None:
    network = MemoryNetwork()
    door = network.listen("127.0.0.1", 80, 5)[0]
    slow, quick, other = (network.dial(80, conditions=Conditions(latency=latency)) for latency in (0.3, 0.1, 0.1))
    network.clock.advance(0.3)
    assert [door.accept()[1] for _ in range(3)] == [sock.getsockname() for sock in (quick, other, slow)]


def test_accepts_fail_on_request() -> None:
    network = MemoryNetwork()
    door = network.listen("127.0.0.1", 80, 5)[0]
    network.fail_accepts(80, errno.EMFILE, times=2)
    with pytest.raises(BlockingIOError):
        door.accept()
    network.dial(80)
    for _ in range(2):
        with pytest.raises(OSError, match="accept failed") as caught:
            door.accept()
        assert caught.value.errno == errno.EMFILE
    door.accept()


def test_the_network_connects_and_resolves_as_it_dials() -> None:
    network = MemoryNetwork()
    network.listen("127.0.0.1", 80, 5)
    assert network.resolve("anything", 80) == [(0, ("anything", 80))]
    made: Socket = network.connect(0, ("anything", 80))
    network.accepted(made)
    assert made.getpeername() == ("127.0.0.1", 80)
    assert network.most_connections() is None


def test_waiting_moves_the_clock_to_what_happens_next() -> None:
    network = MemoryNetwork(ManualClock(100.0))
    client, server = connected(network, Conditions(latency=0.5))
    poller = network.poller()
    poller.register(server.fileno(), READABLE)
    start = network.clock.now()
    client.send(b"x")
    assert poller.poll(0) == []
    assert poller.poll(0.2) == []
    assert network.clock.now() == start + 0.2
    assert poller.poll(60.0) == [(server.fileno(), READABLE)]
    assert network.clock.now() == start + 0.5
    poller.modify(server.fileno(), READABLE | WRITABLE)
    assert poller.poll(None) == [(server.fileno(), READABLE | WRITABLE)]
    poller.unregister(server.fileno())
    assert poller.poll(1.0) == []
    poller.close()


def test_a_full_line_is_not_writable_until_it_is_read() -> None:
    network = MemoryNetwork()
    client, server = connected(network, Conditions(buffer_bytes=3))
    poller = network.poller()
    poller.register(client.fileno(), WRITABLE)
    assert poller.poll(0) == [(client.fileno(), WRITABLE)]
    client.send(b"xyz")
    assert poller.poll(0) == []
    server.recv(1)
    assert poller.poll(0) == [(client.fileno(), WRITABLE)]


def test_waiting_for_ever_for_nothing_raises() -> None:
    poller = MemoryNetwork().poller()
    with pytest.raises(UsageError, match="nothing will happen"):
        poller.poll(None)
    poller.wake()
    poller.wake()
    assert poller.poll(None) == [(poller.wake_fd, READABLE)]
    assert poller.poll(None) == [(poller.wake_fd, READABLE)]
    poller.drain()
    assert poller.poll(0) == []
    with pytest.raises(UsageError, match="no descriptors"):
        poller.fileno()
