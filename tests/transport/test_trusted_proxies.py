"""A server behind proxies: whom it takes a client for."""

import logging
import math
from typing import Any

import pytest

import tickws
from tests.transport.peers import House, Peer
from tickws.transport.addresses import address_key

CLIENT, OTHER = "203.0.113.9", "203.0.113.10"


def forwarded(*entries: str) -> str:
    return f"X-Forwarded-For: {', '.join(entries)}"


def house(*trusted: str, **options: Any) -> tuple[House, list[tickws.Request]]:
    """A server, and the requests that it was asked about."""
    asked: list[tickws.Request] = []

    def on_request(request: tickws.Request) -> bool:
        asked.append(request)
        return True

    return House(trusted_proxies=trusted, on_request=on_request, **options), asked


def test_what_a_trusted_proxy_says_of_a_client_is_the_client() -> None:
    server, asked = house("127.0.0.1")
    server.peer("/", forwarded("198.51.100.1", CLIENT), "X-Forwarded-Proto: https")
    [request] = asked
    assert (request.remote_address, request.secure) == ((CLIENT, 0), True)
    assert server.ws().remote_address == (CLIENT, 0)
    assert CLIENT in repr(server.ws())


def test_what_others_say_is_ignored() -> None:
    for trusted in ((), ("10.0.0.0/8", "unix")):
        server, asked = house(*trusted)
        peer = server.peer("/", forwarded(CLIENT), "X-Forwarded-Proto: https")
        [request] = asked
        assert request.remote_address == server.ws().remote_address == peer.socket.getsockname()
        assert not request.secure


def test_a_proxy_that_says_nothing_is_the_client() -> None:
    server, asked = house("127.0.0.1")
    peer = server.peer()
    assert asked[0].remote_address == peer.socket.getsockname()
    assert not asked[0].secure


def test_files_and_refusals_are_for_the_client_as_well(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server, _ = house("127.0.0.1", limits=tickws.Limits(handshake_seconds=1, ping_seconds=1, dead_seconds=1))
    server.peer("/", forwarded(CLIENT))
    server.run(5)
    assert any(CLIENT in record.getMessage() for record in caplog.records), "the log names the client, not the proxy"


@pytest.mark.parametrize(
    ("proto", "origin", "same"),
    [
        ("https", "https://game.example", True),
        ("https", "http://game.example", False),
        ("http", "http://game.example", True),
        ("http", "https://game.example", True),
        ("https", "https://game.example:8443", False),
    ],
)
def test_same_origin_behind_tls_that_ends_before_us(proto: str, origin: str, same: bool) -> None:
    server, asked = house("127.0.0.1")
    peer = server.dial()
    head = [
        "GET / HTTP/1.1",
        "Host: game.example",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        f"Origin: {origin}",
        f"X-Forwarded-Proto: {proto}",
    ]
    peer.say("\r\n".join([*head, "", ""]).encode())
    server.turn(3)
    assert asked[0].same_origin is same


# -- connections of one address ----------------------------------------------------------------------------------------


def join(server: House, *more: str) -> tuple[Peer, int]:
    """One more peer, and the status that it is answered with."""
    peer = server.dial()
    peer.ask("/", *more)
    server.turn(4)
    return peer, peer.receive_status()


def test_clients_are_counted_by_their_own_addresses_and_proxies_not_at_all() -> None:
    server, _ = house("127.0.0.1", limits=tickws.Limits(address_connections=2))
    peers = [join(server, forwarded(CLIENT)) for _ in range(3)] + [join(server, forwarded(OTHER)) for _ in range(3)]
    assert [status for _, status in peers] == [101, 101, 429, 101, 101, 429]
    assert [join(server)[1] for _ in range(4)] == [101] * 4, "the proxy itself, which looks whether we live"
    assert server.statistics.limited["address_connections"] == 2
    peers[0][0].socket.close()
    peers[2][0].socket.close()
    server.turn(3)
    assert [join(server, forwarded(CLIENT))[1] for _ in range(2)] == [101, 429], "one has left, and no more than one"


def test_who_is_not_trusted_is_counted_whatever_it_says() -> None:
    server, _ = house("10.0.0.0/8", limits=tickws.Limits(address_connections=2))
    assert [join(server, forwarded(f"203.0.113.{number}"))[1] for number in range(4)] == [101, 101, 0, 0]


def test_without_the_limit_nothing_is_counted() -> None:
    server, _ = house("127.0.0.1", limits=tickws.Limits(address_connections=math.inf))
    assert [join(server, forwarded(CLIENT))[1] for _ in range(9)] == [101] * 9
    assert address_key((CLIENT, 0)) == CLIENT


def test_misuse_shows_when_the_server_is_made() -> None:
    with pytest.raises(TypeError, match="trusted_proxies is a collection"):
        House(trusted_proxies="127.0.0.1")
    with pytest.raises(ValueError, match="'localhost' names no trusted proxy"):
        House(trusted_proxies=["localhost"])
