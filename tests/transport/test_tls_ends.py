"""How TLS ends: close_notify before FIN, from us and from the peer; ragged ends, resets, aborts."""

import pytest

from tests.certificates import VERSIONS, Version
from tests.protocol.helpers import CLOSE, ROLES, TEXT, close_payload
from tests.transport.peers import House, close, nothing_left, text
from tests.transport.tls_peers import TlsHouse, TlsTwo, tls_seat
from tickws.protocol.connection import Role
from tickws.protocol.limits import Limits
from tickws.testing import Conditions

BOTH = pytest.mark.parametrize("version", VERSIONS)


@BOTH
def test_the_server_says_close_notify_before_it_ends_the_stream(version: Version) -> None:
    house = TlsHouse(version)
    peer = house.peer()
    house.ws().close(4000, "enough")
    house.turn()
    peer.say(close(4000))
    house.turn(2)
    assert peer.receive() == [("close", 4000, "enough")]
    assert peer.ended
    assert peer.tunnel.close_notify
    assert not peer.tunnel.ragged
    peer.raw.close()
    house.turn(2)
    assert house.closes == [("/", 4000, "enough")]
    assert house.statistics.tls_faults == 0
    assert nothing_left(house)


@BOTH
def test_an_http_answer_is_ended_in_the_same_way(version: Version) -> None:
    house = TlsHouse(version)
    peer = house.dial()
    peer.shake()
    peer.say(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    house.turn(3)
    assert peer.receive_status() == 426
    assert peer.listen().endswith(b"open it with wss://\n")
    assert peer.tunnel.close_notify


@BOTH
@pytest.mark.parametrize("answer", [True, False], ids=["answered", "unanswered"])
def test_the_client_says_it_too(version: Version, answer: bool) -> None:
    """A server ends first (RFC 6455 section 7.1.1); the client says close_notify on its way out."""
    seat, tunnel = tls_seat(Role.CLIENT, version)
    seat.ours.close(4000, "enough")
    seat.turn()
    assert seat.peer.receive() == [("close", 4000, "enough")]
    seat.peer.say(seat.frame(CLOSE, close_payload(4000)))
    if answer:
        tunnel.put(tunnel.farewell())
    tunnel.raw.shutdown(1)
    assert not seat.turn(4)
    seat.peer.listen()
    assert tunnel.close_notify
    assert seat.closes == [(4000, "enough")]


@ROLES
@BOTH
@pytest.mark.parametrize("behind", [True, False], ids=["with a Close", "without"])
def test_close_notify_of_the_peer_ends_the_stream(version: Version, role: Role, behind: bool) -> None:
    """It is the end of what the peer says, as FIN is; no FIN need follow."""
    seat, tunnel = tls_seat(role, version)
    sealed = tunnel.seal(seat.frame(TEXT, b"last"), seat.frame(CLOSE, close_payload(4001, b"bye")) if behind else b"")
    tunnel.put(sealed + tunnel.farewell())
    seat.run(Limits().closing_seconds + 1)
    assert seat.heard == ["last"]
    assert seat.closes == [(4001, "bye") if behind else (1006, "")]


@ROLES
@BOTH
def test_a_ragged_end_is_the_end_of_the_stream(version: Version, role: Role) -> None:
    """FIN without close_notify: WebSocket's own Close tells whether anything is missing (1006, here)."""
    seat, tunnel = tls_seat(role, version)
    seat.peer.say(seat.frame(TEXT, b"last"))
    tunnel.raw.shutdown(1)
    seat.turn(4)
    assert seat.heard == ["last"]
    assert seat.closes == [(1006, "")]
    assert seat.ours.statistics().faults == {}
    assert seat.ours.statistics().tls_faults == 0


@ROLES
@BOTH
@pytest.mark.parametrize("cut", [1, 5, -1])
def test_an_end_amid_a_record(version: Version, role: Role, cut: int) -> None:
    seat, tunnel = tls_seat(role, version)
    sealed = tunnel.seal(seat.frame(TEXT, b"half"))
    tunnel.put(sealed[:cut])
    tunnel.raw.shutdown(1)
    seat.turn(4)
    assert seat.heard == []
    assert seat.closes == [(1006, "")]


@ROLES
@BOTH
@pytest.mark.parametrize("rest", [b"nonsense", b"\x17\x03\x03\xff\xff", bytes(100_000)])
def test_what_comes_behind_close_notify_is_ignored(version: Version, role: Role, rest: bytes) -> None:
    seat, tunnel = tls_seat(role, version)
    sealed = tunnel.seal(seat.frame(TEXT, b"last"))
    tunnel.put(sealed + tunnel.farewell() + rest)
    for _ in range(20):
        seat.turn()
        tunnel.put()
    assert seat.heard == ["last"]
    assert seat.closes == [(1006, "")]
    seat.run(Limits().closing_seconds + 1)
    assert seat.ours.statistics().connections == 0
    assert seat.ours.statistics().tls_faults == 0


@ROLES
@BOTH
def test_a_reset(version: Version, role: Role) -> None:
    seat, tunnel = tls_seat(role, version)
    tunnel.raw.reset()
    seat.turn(2)
    assert seat.closes == [(1006, "")]
    assert seat.ours.statistics().connections == 0


@ROLES
@BOTH
@pytest.mark.parametrize("whose", ["endpoint", "connection"])
def test_an_abort(version: Version, role: Role, whose: str) -> None:
    seat, tunnel = tls_seat(role, version)
    seat.socket.send("never sent")
    if whose == "endpoint":
        seat.ours.abort()
    else:
        seat.socket.abort()
    seat.turn(2)
    assert seat.closes == [(1006, "")]
    seat.peer.listen()
    assert seat.peer.gone
    assert tunnel.ragged or seat.peer.error


@BOTH
def test_both_ends_are_ours(version: Version) -> None:
    """Whoever begins: both hear the same, and nothing is left."""
    for who in ("server", "client"):
        two = TlsTwo(version)
        two.ws("server").send("last words")
        two.run_until(lambda two=two: two.heard("client"))  # type: ignore[misc]
        two.ends[who].close(4000, "enough")
        two.run(1.0)
        assert two.heard("client") == ["last words"]
        assert two.closes("server") == two.closes("client") == [(4000, "enough")]
        assert [end.statistics().connections for end in two.ends.values()] == [0, 0]
        assert not two.ends["client"].work(0)
        if who == "server":
            assert not two.ends["server"].work(0)
        else:
            two.ends["server"].abort()


@BOTH
def test_close_notify_waits_for_a_full_line(version: Version) -> None:
    """Where the line is full when the end comes, or has room for a part, close_notify and FIN follow when it is not."""
    cut = 0
    for size in range(3880, 3960, 2):
        house = TlsHouse(version)
        peer = house.peer(conditions=Conditions(buffer_bytes=4000))
        peer.listen()
        house.ws().send(bytes(size))
        house.ws().close(4000)
        house.turn()
        peer.say(close(4000))
        house.turn(4)
        (link,) = house.server._links.by_fd.values()
        cut += 0 < link.stream.unsent_bytes < 30
        for _ in range(40):
            house.turn()
            peer.listen(700)
        assert peer.receive() == [bytes(size), ("close", 4000, "")]
        assert peer.tunnel.close_notify
        assert not peer.tunnel.ragged
        peer.raw.close()
        house.turn(3)
        assert nothing_left(house)
    assert cut > 3


@BOTH
def test_a_peer_that_never_answers_the_end_is_dropped(version: Version) -> None:
    """As without TLS."""
    for house in (House(), TlsHouse(version)):
        house.peer()
        house.ws().close(4000)
        house.run(Limits().closing_seconds + 1)
        assert house.closes == [("/", 1006, "")]
        assert house.statistics.timed_out == 1
        assert nothing_left(house)


@BOTH
def test_the_client_says_nothing_after_its_close(version: Version) -> None:
    """What the peer says after its own Close is not read as TLS, nor does it matter."""
    house = TlsHouse(version)
    peer = house.peer()
    peer.tunnel.put(peer.tunnel.seal(text("first"), close(4003), text("too late")))
    house.turn(4)
    assert house.heard("message") == ["first"]
    assert peer.receive() == [("close", 4003, "")]
    assert house.closes == [("/", 4003, "")]
    peer.tunnel.put(b"\x00" * 1000)
    house.turn(3)
    peer.raw.close()
    house.turn(3)
    assert nothing_left(house)
