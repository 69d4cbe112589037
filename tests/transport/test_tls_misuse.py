"""What cannot be used raises at construction, and says what to do instead."""

import ssl
from typing import Any

import pytest

import tickws
from tests import certificates
from tickws.testing import MemoryNetwork


def client(url: str, **options: Any) -> tickws.WebSocketClient:
    return tickws.WebSocketClient(url, network=MemoryNetwork(), **options)


def server(**options: Any) -> tickws.WebSocketServer:
    return tickws.WebSocketServer(network=MemoryNetwork(), port=0, **options)


NO_CONTEXTS = [True, "cert.pem", ("cert.pem", "key.pem"), ssl.SSLContext, ssl, 0, {}]


@pytest.mark.parametrize("context", NO_CONTEXTS, ids=repr)
def test_what_is_no_context(context: Any) -> None:
    with pytest.raises(TypeError, match=r"ssl\.SSLContext"):
        server(ssl_context=context)
    with pytest.raises(TypeError, match=r"ssl\.SSLContext"):
        client("wss://localhost/", ssl_context=context)
    with pytest.raises(TypeError, match=r"ssl\.SSLContext"):
        server().listen(ssl_context=context)


def test_a_clients_context_at_a_server() -> None:
    for context in (certificates.trusted(), ssl.create_default_context()):
        with pytest.raises(ValueError, match="PROTOCOL_TLS_SERVER"):
            server(ssl_context=context)
        with pytest.raises(ValueError, match="PROTOCOL_TLS_SERVER"):
            server().listen(ssl_context=context)


def test_a_servers_context_at_a_client() -> None:
    for context in (certificates.served(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)):
        with pytest.raises(ValueError, match="PROTOCOL_TLS_CLIENT"):
            client("wss://localhost/", ssl_context=context)


def test_a_context_for_an_url_without_tls() -> None:
    with pytest.raises(ValueError, match="wss://"):
        client("ws://localhost/", ssl_context=certificates.trusted())
    with pytest.raises(ValueError, match="wss://"):
        tickws.GameClient(
            "ws://localhost/", role="spectator", network=MemoryNetwork(), ssl_context=certificates.trusted()
        )


@pytest.mark.parametrize("url", ["https://localhost/", "wsss://localhost/", "wss:localhost", "wss://", "wss:///path"])
def test_urls_that_are_none(url: str) -> None:
    with pytest.raises(ValueError, match="URL"):
        client(url)


def test_a_server_that_raised_has_bound_nothing() -> None:
    network = MemoryNetwork()
    for context in (certificates.trusted(), "no"):
        with pytest.raises((TypeError, ValueError)):
            tickws.WebSocketServer(port=8056, network=network, ssl_context=context)  # type: ignore[arg-type]
    tickws.WebSocketServer(port=8056, network=network, ssl_context=certificates.served()).abort()


def test_a_door_that_raised_leaves_the_others() -> None:
    house = server()
    before = house.addresses
    with pytest.raises(ValueError, match="PROTOCOL_TLS_SERVER"):
        house.listen(port=4444, ssl_context=certificates.trusted())
    assert house.addresses == before


def test_a_context_may_serve_many() -> None:
    """The same context at several doors, and at several servers."""
    context = certificates.served()
    house = server(ssl_context=context)
    house.listen(ssl_context=context)
    server(ssl_context=context)
    assert len(house.addresses) == 2


def test_a_game_takes_one_too() -> None:
    class Move(tickws.Input):
        pass

    game = tickws.GameServer(
        port=0, inputs=Move, snapshot_rate=20, network=MemoryNetwork(), ssl_context=certificates.served()
    )
    game.server.abort()
    with pytest.raises(ValueError, match="PROTOCOL_TLS_SERVER"):
        tickws.GameServer(
            port=0, inputs=Move, snapshot_rate=20, network=MemoryNetwork(), ssl_context=certificates.trusted()
        )
