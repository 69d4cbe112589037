"""The TLS handshake goes in steps: who stalls in it costs nothing, is dropped in time, and keeps nobody waiting."""

import logging
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests import certificates
from tests.certificates import VERSIONS, Version
from tests.transport.peers import House, nothing_left, text
from tests.transport.tls_peers import TlsHouse, TlsPeer
from tickws.protocol.limits import Limits
from tickws.testing import MemoryNetwork
from tickws.transport.poller import Poller

BOTH = pytest.mark.parametrize("version", VERSIONS)
SECONDS = Limits().handshake_seconds

Stall = Callable[[TlsHouse, TlsPeer], None]


def before_a_word(house: TlsHouse, peer: TlsPeer) -> None:
    """TCP alone."""


def amid_hello(size: int) -> Stall:
    """After so many bytes of ClientHello; from the end where that is negative."""

    def stall(house: TlsHouse, peer: TlsPeer) -> None:
        peer.deliver(peer.tunnel.hello()[:size])

    return stall


def before_finished(house: TlsHouse, peer: TlsPeer) -> None:
    """The server has said what it is; the client does not go on."""
    peer.deliver(peer.tunnel.hello())


def amid_finished(house: TlsHouse, peer: TlsPeer) -> None:
    """The last flight but its last byte."""
    peer.deliver(peer.tunnel.hello())
    house.turn()
    peer.tunnel.take_in()
    flight = peer.tunnel.hello()
    assert flight
    peer.deliver(flight[:-1])


def before_http(house: TlsHouse, peer: TlsPeer) -> None:
    """TLS is done, nothing is asked for."""
    peer.shake()


def amid_http(house: TlsHouse, peer: TlsPeer) -> None:
    """Half a request."""
    peer.shake()
    peer.say(b"GET / HTTP/1.1\r\nHost: a\r\n")


STALLS: dict[str, Stall] = {
    "before a word": before_a_word,
    "after 1 byte": amid_hello(1),
    "after a record's head": amid_hello(5),
    "after 50 bytes": amid_hello(50),
    "before the last byte of ClientHello": amid_hello(-1),
    "before Finished": before_finished,
    "amid the last flight": amid_finished,
    "before HTTP": before_http,
    "amid HTTP": amid_http,
}


@pytest.fixture
def polls(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How often the memory network was polled so far."""
    count = 0
    network = MemoryNetwork()
    kind = type(network.poller())
    real = kind.poll

    def poll(poller: Poller, timeout: float | None) -> list[tuple[int, int]]:
        nonlocal count
        count += 1
        return real(poller, timeout)

    monkeypatch.setattr(kind, "poll", poll)
    return lambda: count


@BOTH
@pytest.mark.parametrize("stall", STALLS.values(), ids=STALLS)
def test_who_stalls_is_dropped_in_time_and_nothing_spins_until_then(
    version: Version, stall: Stall, polls: Callable[[], int]
) -> None:
    house = TlsHouse(version)
    peer = house.dial()
    start = house.clock.now()
    stall(house, peer)
    house.turn(3)
    before, slept = polls(), house.server.waited
    assert not house.server.wait(SECONDS / 2)
    assert house.server.waited - slept == pytest.approx(SECONDS / 2)
    assert polls() - before <= 2
    assert house.statistics.connections == 1
    while house.clock.now() < start + SECONDS - 0.001:
        assert not peer.raw._closed
        assert house.statistics.timed_out == 0
        house.server.work(0.5)
    assert polls() - before < 40
    for _ in range(50):  # an answer, and time for it to be taken
        house.server.work(0.5)
        peer.listen()
    assert house.statistics.timed_out == 1
    assert house.statistics.connections == 0
    assert peer.gone
    assert house.log == []
    assert nothing_left(house)


@BOTH
@pytest.mark.parametrize("drip", [1, 7])
def test_who_goes_on_drop_by_drop_is_dropped_all_the_same(version: Version, drip: int) -> None:
    """A byte now and then does not prolong it: the deadline is for the whole handshake."""
    house = TlsHouse(version, limits=Limits(handshake_seconds=2.0))
    peer = house.dial()
    hello = peer.tunnel.hello()
    for at in range(0, len(hello) - drip, drip):
        if peer.gone:
            break
        peer.raw.send(hello[at : at + drip])
        house.run(0.1)
    assert peer.gone or drip == 7
    house.run(2.5)
    assert peer.gone
    assert house.statistics.timed_out == 1
    assert nothing_left(house)


@BOTH
def test_the_time_is_for_tls_and_http_together(version: Version) -> None:
    house = TlsHouse(version, limits=Limits(handshake_seconds=2.0))
    peer = house.dial()
    house.run(1.2)
    peer.shake()
    house.run(0.7)
    assert not peer.gone
    house.run(0.3)
    assert house.statistics.timed_out == 1


@pytest.mark.parametrize("stall", [amid_hello(50), before_finished, before_http], ids=["hello", "finished", "http"])
def test_a_thousand_who_stall_keep_nobody_waiting(stall: Stall, polls: Callable[[], int]) -> None:
    house = TlsHouse(limits=Limits(handshakes=1200))
    honest = house.peer("/honest")
    stalling = [house.dial() for _ in range(1000)]
    house.turn()
    for peer in stalling:
        stall(house, peer)
    house.turn(3)
    assert house.statistics.connections == 1001
    before = polls()
    assert not house.server.wait(1.0)
    assert polls() - before <= 2
    honest.say(text("still here"))
    house.turn()
    assert house.heard("message") == ["still here"]
    late = house.peer("/late")
    late.say(text("me too"))
    house.turn()
    assert house.heard("message") == ["still here", "me too"]
    house.run(SECONDS + 6)
    assert house.statistics.timed_out == 1000
    assert house.statistics.connections == 2


@BOTH
def test_a_handshake_is_a_step_of_the_slice(version: Version) -> None:
    """With a budget of nothing, one slice takes one flight of one newcomer, and messages come first."""
    house = TlsHouse(version)
    honest = house.peer("/honest")
    newcomers = [house.dial() for _ in range(20)]
    house.turn(3)
    for peer in newcomers:
        peer.tunnel.put(peer.tunnel.hello())
    honest.say(text("first"))
    house.server.work(0)
    house.server.work(0)
    assert house.heard("message") == ["first"]
    answered = [peer for peer in newcomers if peer.tunnel.take_in()]
    assert len(answered) <= 2


# How it fails


def leave(house: House, peer: TlsPeer) -> None:
    """Hang up, and let the server see it."""
    house.turn(3)
    peer.take_all()
    peer.raw.close()
    house.turn(3)
    assert nothing_left(house)


@contextmanager
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing above debug is logged: a peer's fault is no news."""
    with caplog.at_level(logging.DEBUG, "tickws"):
        yield
    assert not [record for record in caplog.records if record.levelno > logging.DEBUG]


@BOTH
@pytest.mark.parametrize("how", ["FIN", "close", "reset"])
@pytest.mark.parametrize("stall", STALLS.values(), ids=STALLS)
def test_who_goes_away_in_it(version: Version, stall: Stall, how: str, caplog: pytest.LogCaptureFixture) -> None:
    with quiet(caplog):
        house = TlsHouse(version)
        peer = house.dial()
        house.turn()
        stall(house, peer)
        if how == "FIN":
            peer.raw.shutdown(1)
        elif how == "close":
            peer.raw.close()
        else:
            peer.raw.reset()
        house.turn(5)
        peer.listen()
        house.turn()
        assert house.statistics.connections == 0
        assert house.statistics.tls_faults == 0
        assert house.log == []
        assert nothing_left(house)


@pytest.mark.parametrize("stall", STALLS.values(), ids=STALLS)
def test_the_server_is_aborted_or_closed_amid_it(stall: Stall) -> None:
    for end in ("abort", "close"):
        house = TlsHouse()
        peer = house.dial()
        stall(house, peer)
        house.turn()
        getattr(house.server, end)()
        assert not house.turn(3)
        assert peer.raw._error or peer.gone
        assert nothing_left(house)


def test_versions_below_are_refused() -> None:
    """A context of 1.3 alone and a peer of 1.2: an alert, a fault, no exception."""
    house = TlsHouse("TLSv1.3")
    peer = TlsPeer(house, certificates.trusted("TLSv1.2"))
    for _ in range(4):
        peer.tunnel.shake()
        house.turn()
    assert peer.tunnel.fault is not None
    assert "ALERT_PROTOCOL_VERSION" in str(peer.tunnel.fault)
    leave(house, peer)
    assert house.statistics.tls_faults == 1


def test_a_peer_that_does_not_trust_us_is_its_own_affair(caplog: pytest.LogCaptureFixture) -> None:
    with quiet(caplog):
        house = TlsHouse(ssl_context=certificates.served(leaf=certificates.untrusted()))
        peer = house.dial()
        for _ in range(4):
            peer.tunnel.shake()
            house.turn()
        assert "CERTIFICATE_VERIFY_FAILED" in str(peer.tunnel.fault)
        leave(house, peer)
        assert house.statistics.tls_faults == 1


def test_a_context_without_a_certificate_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    """The first handshake fails, and the log says what is missing."""
    house: House = TlsHouse(ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    peer = house.dial()
    assert isinstance(peer, TlsPeer)
    for _ in range(4):
        peer.tunnel.shake()
        house.turn()
    assert peer.tunnel.fault is not None
    (record,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert "load_cert_chain" in record.getMessage()
    leave(house, peer)
    assert house.statistics.tls_faults == 1


def test_a_certificate_that_is_loaded_again_is_what_newcomers_see() -> None:
    """A renewed certificate needs no restart: `load_cert_chain` on the same context; who is in stays in."""
    context = certificates.served(leaf=certificates.certificate("ecdsa", "127.0.0.1"))
    house = TlsHouse(ssl_context=context)
    early = house.peer("/early")
    certificates.certificate("ecdsa", "127.0.0.1", "renewed.example").configure_cert(context)
    late = house.peer("/late")

    def names(peer: TlsPeer) -> set[str]:
        found = peer.tunnel.tls.getpeercert() or {}
        return {str(pair[1]) for pair in found["subjectAltName"]}

    assert names(early) == {"127.0.0.1"}
    assert names(late) == {"127.0.0.1", "renewed.example"}
    early.say(text("still here"))
    late.say(text("here"))
    house.turn()
    assert sorted(house.heard("message")) == ["here", "still here"]
