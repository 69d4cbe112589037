"""What is said in the clear behind a TLS handshake that failed: nobody hears it, whatever it is."""

import ssl
from typing import Any

import pytest

from tests import certificates
from tests.protocol.helpers import request_head
from tests.transport.peers import Peer, nothing_left, text
from tests.transport.tls_peers import TlsHouse, TlsPeer
from tickws.protocol.handshake import Request
from tickws.protocol.limits import Limits

CLOSING = Limits(closing_seconds=2.0)
REQUEST = request_head("GET /secret HTTP/1.1")
FIRST = {
    "garbage": b"x" * 20,
    "a request": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "an alert": b"\x15\x03\x01\x00\x02\x02\x28",
    "a hello of nothing": b"\x16\x03\x01\x00\x04\x01\x00\x00\x00",
}


class Asked(TlsHouse):
    """A house that knows of each request."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.requests: list[str] = []
        options: dict[str, Any] = {} if context is None else {"ssl_context": context}
        super().__init__(limits=CLOSING, on_request=self._ask, **options)

    def _ask(self, request: Request) -> bool:
        self.requests.append(request.path)
        return True

    def heard_nothing(self) -> bool:
        """Nobody was asked, nobody is in."""
        assert (self.requests, self.log) == ([], [])
        assert (self.statistics.open, self.statistics.opened, self.statistics.messages_received) == (0, 0, 0)
        assert set(self.statistics.answered) == set()
        return True


def certified() -> ssl.SSLContext:
    """A server's context that asks clients for a certificate."""
    context = certificates.served()
    certificates.authority().configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def talk_on(house: Asked, peer: Peer, size: int) -> None:
    """Ask and speak in the clear, in pieces of `size` bytes, as if nothing were; never hang up."""
    words = REQUEST + text("in the clear")
    for at in range(0, len(words), size):
        try:
            peer.socket.send(words[at : at + size])
        except OSError:
            break
        house.turn()
        assert house.heard_nothing()
    house.turn(3)
    assert house.heard_nothing()


def goes_in_time(house: Asked, peer: Peer) -> None:
    """Though it talks on and does not hang up."""
    for _ in range(21):
        try:
            peer.socket.send(text("again"))
        except OSError:
            pass
        house.run(0.1)
    assert house.heard_nothing()
    assert (house.statistics.connections, house.statistics.tls_faults) == (0, 1)
    assert nothing_left(house)


@pytest.mark.parametrize("required", [False, True], ids=["", "certificates are required"])
@pytest.mark.parametrize("size", [1, 100, 1 << 20])
@pytest.mark.parametrize("first", FIRST.values(), ids=FIRST)
def test_what_comes_behind_a_handshake_that_failed_is_not_heard(first: bytes, size: int, required: bool) -> None:
    house = Asked(certified() if required else None)
    peer = Peer(house.network, house.server.port)
    peer.say(first)
    house.turn(5)
    talk_on(house, peer, size)
    goes_in_time(house, peer)


@pytest.mark.parametrize("first", FIRST.values(), ids=FIRST)
def test_nor_what_comes_with_it(first: bytes) -> None:
    """In one segment."""
    house = Asked()
    peer = Peer(house.network, house.server.port)
    peer.say(first + REQUEST + text("in the clear"))
    house.turn(5)
    assert house.heard_nothing()
    goes_in_time(house, peer)


@pytest.mark.parametrize("size", [1, 1 << 20])
@pytest.mark.parametrize("version", certificates.VERSIONS)
def test_who_has_no_certificate_is_not_heard_in_the_clear(version: certificates.Version, size: int) -> None:
    """Its end of TLS has done everything else that there is to do."""
    house = Asked(certificates.only(certified(), version))
    peer = TlsPeer(house, certificates.trusted(version))
    for _ in range(5):
        peer.tunnel.shake()
        house.turn()
    peer.socket = peer.raw
    talk_on(house, peer, size)
    goes_in_time(house, peer)


def test_the_answer_to_plain_http_is_said_all_the_same() -> None:
    house = Asked()
    peer = Peer(house.network, house.server.port)
    peer.say(FIRST["a request"])
    house.turn(5)
    talk_on(house, peer, 1 << 20)
    answer = peer.listen()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1") == 1
    assert peer.gone
