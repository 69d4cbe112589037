"""The game by wss: the same game, and what a client is told of certificates."""

import ssl
from typing import Any

import pytest

import tickws
from tests import certificates
from tests.certificates import VERSIONS, Version
from tests.protocol.helpers import UPGRADE
from tests.transport.tls_peers import Tunnel
from tickws.sync.wire import SUBPROTOCOL
from tickws.testing import Conditions, MemoryNetwork

URL = "wss://localhost:8056/"


class Move(tickws.Input):
    """What a player does."""

    dy: float = 0.0
    serve: tickws.Press = False


class Table:
    """A game behind TLS and its clients, on one memory network."""

    def __init__(
        self,
        version: Version | None = None,
        *,
        conditions: Conditions | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.network = MemoryNetwork(conditions=conditions)
        self.loop = tickws.TickLoop(60, clock=self.network.clock)
        self.game = self.loop.add(
            tickws.GameServer(
                port=8056,
                inputs=Move,
                snapshot_rate=20,
                network=self.network,
                ssl_context=context or certificates.served(version),
            )
        )
        self.moves: list[Move] = []
        self.clients: list[tickws.GameClient[Move]] = []
        self.events: list[object] = []
        self.loop.system(self.simulate)
        self.heard: list[object] = []
        self.game.message("chat")(lambda player, payload: self.heard.append(payload))

    def simulate(self, tick: tickws.Tick) -> None:
        self.moves += [player.input(tick) for player in self.game.players]
        self.game.publish({"ball": {"x": float(tick.number)}})

    def join(self, url: str = URL, **options: Any) -> tickws.GameClient[Move]:
        options = {"ssl_context": certificates.trusted(), **options}
        client = tickws.GameClient(url, inputs=Move, network=self.network, **options)
        for event in (tickws.Connected, tickws.Dropped, tickws.Disconnected):
            client.bus.subscribe(event, self.events.append)
        self.clients.append(client)
        return client

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds * 60)):
            self.loop.frame()
            for client in self.clients:
                client.work()
            self.network.clock.advance(self.loop.dt)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("latency", [0.0, 0.05])
def test_the_game_is_played_by_tls(version: Version, latency: float) -> None:
    table = Table(version, conditions=Conditions(latency=latency))
    ada, grace = table.join(), table.join()
    table.run(1.0)
    assert ada.connected
    assert grace.connected
    ada.send_input(Move(dy=0.5, serve=True))
    assert ada.send("chat", {"text": "hello"})
    table.run(1.0)
    assert sum(move.serve for move in table.moves) == 1
    assert table.moves[-2].dy == 0.5
    assert table.heard == [{"text": "hello"}]
    assert grace.state()["ball"]["x"] > 60
    assert ada.latency is not None
    for player in table.game.players:
        assert player.request.secure
    statistics = table.game.server.statistics()
    assert (statistics.open, statistics.tls_faults, statistics.faults) == (2, 0, {})


def test_a_client_comes_back_by_tls() -> None:
    table = Table()
    client = table.join()
    table.run(0.5)
    for ws in list(table.game.server._links.mounted):  # the game's own, dropped as by a router
        ws.abort()
    table.run(3.0)
    assert [type(event).__name__ for event in table.events] == ["Connected", "Dropped", "Connected"]
    assert client.connected


def test_a_certificate_that_is_not_trusted_ends_it() -> None:
    """It will be the same next time, so it is said at once, and not tried again."""
    table = Table(context=certificates.served(leaf=certificates.untrusted()))
    client = table.join()
    table.run(1.0)
    (event,) = table.events
    assert isinstance(event, tickws.Disconnected)
    assert "the certificate is not trusted" in event.reason
    assert "cafile" in event.reason
    assert not client.work()
    assert table.game.server.statistics().accepted == 1


def test_a_certificate_of_another_host_ends_it() -> None:
    table = Table()
    table.join("wss://127.0.0.2:8056/")
    table.run(1.0)
    (event,) = table.events
    assert isinstance(event, tickws.Disconnected)
    assert "127.0.0.2" in event.reason


def test_a_server_that_is_away_is_tried_again() -> None:
    """What passes is tried again."""
    table = Table()
    client = table.join()
    table.run(0.5)
    table.loop.close()
    for _ in range(60):
        assert client.work()
        table.network.clock.advance(1 / 60)
    kinds = [type(event).__name__ for event in table.events]
    assert kinds == ["Connected"] + ["Dropped"] * (len(kinds) - 1)
    assert len(kinds) > 2


@pytest.mark.parametrize(
    ("origin", "status"),
    [("https://localhost:8056", 101), ("http://localhost:8056", 403), ("https://evil.example", 403)],
)
def test_the_pages_origin_is_https_too(origin: str, status: int) -> None:
    """A page that came by http, where anybody may have changed it, is another origin (RFC 6454 section 4)."""
    table = Table()
    tunnel = Tunnel(table.network.dial(8056), certificates.trusted(), name="localhost")
    while not tunnel.shake():
        table.run(1 / 60)
    headers = {**UPGRADE, "Host": "localhost:8056", "Origin": origin, "Sec-WebSocket-Protocol": SUBPROTOCOL}
    lines = ["GET / HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    tunnel.send("\r\n".join(lines).encode())
    table.run(0.1)
    assert tunnel.recv(1000).startswith(f"HTTP/1.1 {status} ".encode())
