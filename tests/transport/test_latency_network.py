"""When the last byte came: what networks say, in memory exactly, and on Linux of TCP."""

import socket
import sys
import time
from typing import Any

import pytest

from tests.transport.sockets import SECONDS, tcp_pair, wait_readable
from tickws.clock import SystemClock
from tickws.protocol.limits import Limits
from tickws.testing import Conditions, MemoryNetwork, MemorySocket
from tickws.transport.client import WebSocketClient
from tickws.transport.network import LAST_DATA_RECV, Network, SocketNetwork
from tickws.transport.server import WebSocketServer

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux tells when bytes came")


def memory_pair(**conditions: Any) -> tuple[MemoryNetwork, MemorySocket, MemorySocket]:
    """A network, and the two ends of a line on it."""
    network = MemoryNetwork(conditions=Conditions(**conditions))
    (door,) = network.listen("", 80, 5)
    client = network.dial(80)
    network.clock.advance(10.0)
    return network, client, door.accept()[0]


def test_in_memory_it_is_exact_read_or_not() -> None:
    network, client, server = memory_pair(latency=0.25)
    client.send(b"ab")
    network.clock.advance(0.5)
    assert network.arrived_ago(server) == 0.25
    network.clock.advance(0.5)
    client.send(b"c")
    assert network.arrived_ago(server) == 0.75, "what is on its way has not come"
    assert server.recv(1) == b"a"
    assert network.arrived_ago(server) == 0.75
    network.clock.advance(0.5)
    assert network.arrived_ago(server) == 0.25, "the last byte, behind unread ones"
    assert server.recv(9) == b"bc"
    network.clock.advance(1.0)
    assert network.arrived_ago(server) == 1.25
    client.shutdown(socket.SHUT_WR)
    network.clock.advance(1.0)
    assert network.arrived_ago(server) == 2.25, "the end of the stream is no byte"


def test_in_memory_what_a_stall_held_up_comes_when_it_is_over() -> None:
    network, client, server = memory_pair(latency=0.25)
    server.stall()
    client.send(b"a")
    network.clock.advance(5.0)
    before = network.arrived_ago(server)
    assert before is not None
    assert before >= 5.0
    server.stall(False)
    server.stall(False)
    network.clock.advance(0.5)
    assert network.arrived_ago(server) == 0.5
    assert server.recv(9) == b"a"


def test_a_door_hears_nothing() -> None:
    network = MemoryNetwork()
    (door,) = network.listen("", 80, 5)
    assert network.arrived_ago(door) is None


def test_a_network_need_not_know() -> None:
    network: Any = MemoryNetwork()
    assert Network.arrived_ago(network, network.dial(80)) is None


@on_linux
def test_linux_tells_of_tcp() -> None:
    """Within the bounds that hold on any machine, however busy: between sending and now, but for the kernel's tick."""
    tick = time.clock_getres(6) + 0.001  # CLOCK_MONOTONIC_COARSE, which Python has no name for
    clock = SystemClock()
    with tcp_pair() as (sock, peer):
        before = clock.now()
        peer.send(b"x")
        wait_readable(sock)
        for data in (b"x", b""):
            ago = SocketNetwork().arrived_ago(sock)
            assert ago is not None
            assert 0.0 <= ago <= clock.now() - before + tick
            assert data == b"" or sock.recv(9) == data


@on_linux
def test_of_unix_sockets_and_of_what_is_closed_nobody_knows() -> None:
    first, second = socket.socketpair()
    with first, second:
        second.send(b"x")
        assert SocketNetwork().arrived_ago(first) is None
    assert SocketNetwork().arrived_ago(first) is None


def test_elsewhere_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with tcp_pair() as (sock, _):
        assert SocketNetwork().arrived_ago(sock) is None


@on_linux
def test_what_a_kernel_says_is_read_at_its_place_and_only_whole() -> None:
    told = bytes(LAST_DATA_RECV) + (1500).to_bytes(4, sys.byteorder)

    def getsockopt(*option: int) -> bytes:
        assert option == (socket.IPPROTO_TCP, socket.TCP_INFO, LAST_DATA_RECV + 4)
        return told

    class Told(socket.socket):
        pass

    with Told() as sock:
        told_by: Any = sock
        told_by.getsockopt = getsockopt
        assert SocketNetwork().arrived_ago(sock) == 1.5
        told = told[:-1]
        assert SocketNetwork().arrived_ago(sock) is None


@pytest.mark.parametrize("waits", [False, True])
def test_over_real_sockets_it_is_within_what_is_possible(waits: bool) -> None:
    """At least nothing, at most the time that passed since the connection was opened."""
    clock = SystemClock()
    limits = Limits(ping_seconds=0.05, dead_seconds=SECONDS)
    with WebSocketServer(port=0, limits=limits) as server:
        client = WebSocketClient(f"ws://127.0.0.1:{server.port}/", limits=limits)
        begun = clock.now()
        ends: list[float | None] = []
        while len(ends) < 2:
            assert clock.now() < begun + SECONDS
            server.work(0.005, wait=None if waits else 0)
            client.work(0.005, wait=0)
            sockets = [*server.connections, client.websocket]
            ends = [ws.latency for ws in sockets if ws is not None and ws.latency is not None]
        passed = clock.now() - begun
        for latency in ends:
            assert latency is not None
            assert 0.0 <= latency <= passed
        client.abort()
