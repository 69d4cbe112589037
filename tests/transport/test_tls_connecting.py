"""A client that does not get through TLS says why, and what to do; ALPN, names, contexts, several addresses."""

import logging
import ssl
from typing import Any

import pytest

from tests import certificates
from tests.certificates import VERSIONS, Version
from tests.transport.lines import Line, hang_up, over
from tests.transport.tls_peers import TlsHouse, TlsPeer, TlsTwo, Tunnel
from tickws.errors import ConnectError
from tickws.protocol.limits import Limits
from tickws.testing import MemoryNetwork
from tickws.transport.client import WebSocketClient
from tickws.transport.server import WebSocketServer

BOTH = pytest.mark.parametrize("version", VERSIONS)
URL = "wss://127.0.0.1:8056/"


def meet(
    server: ssl.SSLContext | None, client: ssl.SSLContext | None, url: str = URL, **options: Any
) -> tuple[WebSocketServer, WebSocketClient]:
    """A server and a client, who have had their time."""
    network = MemoryNetwork()
    house = WebSocketServer(port=8056, network=network, ssl_context=server)
    guest = WebSocketClient(url, network=network, ssl_context=client, **options)
    for _ in range(100):
        house.work(None, wait=0)
        if not guest.work(None, wait=0):
            break
        network.clock.advance(0.2)
    house.work(None, wait=0)
    return house, guest


def refusal(
    server: ssl.SSLContext | None, client: ssl.SSLContext | None, url: str = URL, **options: Any
) -> ConnectError:
    """Why the client does not get in."""
    house, guest = meet(server, client, url, **options)
    assert guest.error is not None
    assert str(guest.error).startswith(f"cannot connect to {url}: ")
    assert not guest.work(0)
    assert house.statistics().connections == 0
    assert guest.statistics().connections == 0
    return guest.error


def of(leaf: Any) -> ssl.SSLContext:
    return certificates.served(leaf=leaf)


@BOTH
def test_an_untrusted_certificate(version: Version, caplog: pytest.LogCaptureFixture) -> None:
    """It says how to trust one of one's own; the log has it, once, as a warning."""
    error = refusal(of(certificates.untrusted()), certificates.trusted(version))
    assert "the certificate is not trusted" in str(error)
    assert "ssl_context=ssl.create_default_context(cafile=" in str(error)
    (record,) = [record for record in caplog.records if record.levelno > logging.DEBUG]
    assert record.getMessage() == str(error)


def test_a_certificate_that_the_system_does_not_know() -> None:
    """Without a context, those whom the system trusts are trusted, and they are checked."""
    error = refusal(certificates.served(), None)
    assert "the certificate is not trusted" in str(error)


@BOTH
def test_an_expired_certificate(version: Version) -> None:
    error = refusal(of(certificates.expired()), certificates.trusted(version))
    assert "expired" in str(error)
    assert "renew" in str(error).lower() or "clock" in str(error).lower()


@BOTH
@pytest.mark.parametrize("name", ["127.0.0.2", "other.example", "[::2]"])
def test_a_certificate_for_another_name(version: Version, name: str) -> None:
    error = refusal(certificates.served(), certificates.trusted(version), f"wss://{name}:8056/")
    assert "another host" in str(error)
    assert name.strip("[]") in str(error)
    assert "URL" in str(error)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]", "game.example", "GAME.example"])
def test_the_names_of_the_certificate(name: str) -> None:
    house, guest = meet(certificates.served(), certificates.trusted(), f"wss://{name}:8056/")
    assert guest.error is None
    (ws,) = house.connections
    assert ws.request.headers["host"].lower() == f"{name}:8056".lower()


@BOTH
def test_a_server_that_speaks_no_tls(version: Version) -> None:
    error = refusal(None, certificates.trusted(version))
    assert "speaks no TLS" in str(error)
    assert "ws://" in str(error)
    assert error.status is None


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0-x\r\n", b"220 mail\r\n", b"+OK\r\n", bytes(100), b"\x15\x03\x01\x00\x02\x02\x28"]
)
def test_somebody_else_who_speaks_no_tls(answer: bytes) -> None:
    line = Line(URL, ssl_context=certificates.trusted())
    line.accept().say(answer)
    over(line)
    assert "TLS" in str(line.error)


def test_a_client_that_speaks_no_tls() -> None:
    """ws:// to a TLS port: the server says 400, and the client what that may mean."""
    error = refusal(certificates.served(), None, "ws://127.0.0.1:8056/")
    assert error.status == 400
    assert "wss://" in str(error)


@pytest.mark.parametrize("how", ["close", "end", "reset"])
@pytest.mark.parametrize("flights", [0, 1])
def test_a_server_that_goes_away_in_the_handshake(how: str, flights: int) -> None:
    line = Line(URL, ssl_context=certificates.trusted())
    end = line.accept()
    tunnel = Tunnel(end.socket, certificates.served("TLSv1.2"), server=True)
    for _ in range(flights):
        tunnel.shake()
        line.turn()
    hang_up(end, how)
    over(line)
    assert "went away" in str(line.error) or "lost" in str(line.error)


def test_a_server_that_stalls_in_the_handshake() -> None:
    line = Line(URL, ssl_context=certificates.trusted(), limits=Limits(handshake_seconds=2.0))
    line.accept()
    line.run(1.9)
    assert line.client.error is None
    over(line, seconds=0.3)
    assert str(line.error) == f"cannot connect to {URL}: no answer within 2 s"


def test_no_version_in_common() -> None:
    for ours, theirs in ((VERSIONS[0], VERSIONS[1]), (VERSIONS[1], VERSIONS[0])):
        error = refusal(certificates.served(ours), certificates.trusted(theirs))
        assert "version" in str(error).lower()


def test_a_server_without_a_certificate(caplog: pytest.LogCaptureFixture) -> None:
    error = refusal(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), certificates.trusted())
    assert "TLS handshake failed" in str(error)
    assert "load_cert_chain" in caplog.text


def test_a_client_certificate_that_is_asked_for_and_not_given() -> None:
    """Mutual TLS: the server's `verify_mode` is the caller's; who has none is let in by nobody."""
    context = certificates.served()
    context.verify_mode = ssl.CERT_REQUIRED
    certificates.authority().configure_trust(context)
    house, guest = meet(context, certificates.trusted())
    assert house.statistics().opened == 0
    assert guest.error is not None or guest.websocket is not None
    assert house.statistics().tls_faults == 1


@BOTH
def test_a_client_certificate_that_is_given(version: Version) -> None:
    context = certificates.served()
    context.verify_mode = ssl.CERT_REQUIRED
    certificates.authority().configure_trust(context)
    client = certificates.trusted(version)
    certificates.certificate("rsa", "ada.example").configure_cert(client)
    house, guest = meet(context, client)
    assert guest.error is None
    (ws,) = house.connections
    assert ws.tls is not None
    assert (ws.tls.getpeercert() or {})["subjectAltName"] == (("DNS", "ada.example"),)


def test_early_words_are_kept() -> None:
    network = MemoryNetwork()
    heard: list[object] = []
    house = WebSocketServer(
        port=8056, network=network, ssl_context=certificates.served(), on_message=lambda ws, said: heard.append(said)
    )
    guest = WebSocketClient(URL, network=network, ssl_context=certificates.trusted())
    assert guest.send("before it is open")
    guest.send_latest("state", "old")
    guest.send_latest("state", "new")
    for _ in range(10):
        house.work(None, wait=0)
        guest.work(None, wait=0)
    assert heard == ["before it is open", "new"]


# ALPN


@BOTH
@pytest.mark.parametrize(
    ("offered", "agreed"),
    [(["http/1.1"], "http/1.1"), (["h2", "http/1.1"], "http/1.1"), ([], None), (["h2"], None), (["x", "y"], None)],
)
def test_what_alpn_agrees_on(version: Version, offered: list[str], agreed: str | None) -> None:
    """A client that offers h2 alone finds none agreed (OpenSSL goes on without), and then speaks HTTP/1.1, or not."""
    house = TlsHouse(version)
    context = certificates.trusted()
    if offered:
        context.set_alpn_protocols(offered)
    peer = TlsPeer(house, context)
    peer.shake()
    assert peer.tunnel.tls.selected_alpn_protocol() == agreed
    peer.ask("/")
    house.turn(3)
    assert peer.receive_status() == 101


def test_a_client_that_speaks_http_2() -> None:
    """Its preface is bad HTTP/1.1: an answer, or an end."""
    house = TlsHouse()
    context = certificates.trusted()
    context.set_alpn_protocols(["h2"])
    peer = TlsPeer(house, context)
    peer.shake()
    peer.say(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9))
    house.turn(4)
    peer.listen()
    assert peer.gone
    assert house.log == []


@BOTH
def test_our_client_offers_http_1_1(version: Version) -> None:
    two = TlsTwo(version)
    tls = two.ws("client").tls
    assert tls is not None
    assert tls.selected_alpn_protocol() == "http/1.1"
