"""A server that listens no more: who is in stays, who comes is refused, and it may listen again."""

import select
import socket
from collections.abc import Iterator

import pytest

import tickws
from tests.transport.places import talk, url
from tickws.testing import MemoryNetwork

HOST = "127.0.0.1"


@pytest.fixture
def server() -> Iterator[tickws.WebSocketServer]:
    """One that says what it hears in capitals."""
    server = tickws.WebSocketServer(port=0, on_message=lambda ws, message: ws.send(message.upper()))
    yield server
    server.abort()


def test_who_is_in_stays_when_listening_ends(server: tickws.WebSocketServer) -> None:
    heard: list[str | bytes] = []
    with tickws.WebSocketClient(url(HOST, server.port), on_message=lambda ws, message: heard.append(message)) as client:
        while not (client.websocket and client.websocket.open):
            client.work(0.001)
            server.work(0.001)
        server.stop_listening()
        server.stop_listening()
        assert (server.addresses, server.sockets) == ([], ())
        assert server.port, "still known"
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((HOST, server.port))
        client.send("still here?")
        while not heard:
            client.work(0.001)
            assert server.work(0.001)
        server.listen(port=server.port)
        assert talk(server, url(HOST, server.port)) == ["UP"]
        server.close(1012, "restart")
        while server.work(0.001):
            client.work(0.001)


def test_a_handshake_that_has_begun_is_finished(server: tickws.WebSocketServer) -> None:
    with socket.create_connection((HOST, server.port)) as client:
        while not server.statistics().connections:
            server.work(0.01)
        server.stop_listening()
        client.sendall(
            b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        while not select.select([client], [], [], 0)[0]:
            server.work(0.01)
        assert client.recv(100).startswith(b"HTTP/1.1 101 ")


def test_a_full_server_that_stops_and_listens_again() -> None:
    network = MemoryNetwork()
    server = tickws.WebSocketServer(network=network, max_connections=1)
    first = network.dial(server.port)
    server.work(0, wait=0)
    assert server.statistics().connections == 1
    server.stop_listening()
    server.listen(port=9000)
    late = network.dial(9000)
    server.work(0, wait=0)
    assert server.statistics().accepted == 1, "it is full still"
    first.close()
    for _ in range(3):
        server.work(0, wait=0)
    assert server.statistics().accepted == 2
    late.close()
