"""What is no TLS where TLS is spoken, and the other way round: each costs its connection, and nothing raises."""

import logging
import random

import pytest

from tests.certificates import VERSIONS, Version
from tests.protocol.helpers import ROLES, TEXT
from tests.transport.peers import House, Peer, nothing_left, text
from tests.transport.tls_peers import TlsHouse, tls_seat
from tickws.protocol.connection import Role

BOTH = pytest.mark.parametrize("version", VERSIONS)
HELLO = b"\x16\x03\x01"


def raw(house: House) -> Peer:
    """A peer that speaks no TLS by itself."""
    return Peer(house.network, house.server.port)


def over(house: House, peer: Peer) -> None:
    """The connection ends at once, without a word in the log above debug; others are served."""
    house.turn(4)
    assert peer.gone
    peer.socket.close()
    house.turn(3)
    assert house.statistics.connections == 0
    assert house.statistics.tls_faults == 1
    assert house.log == []
    assert nothing_left(house)
    other = house.peer()
    other.say(text("served"))
    house.turn()
    assert house.heard("message") == ["served"]


GARBAGE = {
    "zeros": bytes(100),
    "random": random.Random(1).randbytes(1000),
    "much": random.Random(2).randbytes(100_000),
    "a record of another type": b"\x17\x03\x03\x00\x05hello",
    "an alert": b"\x15\x03\x01\x00\x02\x02\x28",
    "a hello of nothing": HELLO + b"\x00\x04\x01\x00\x00\x00",
    "a hello of garbage": HELLO + b"\x00\x20" + b"\x01\x00\x00\x1c" + bytes(28),
    "a record too long": HELLO + b"\xff\xff" + bytes(70_000),
    "an empty record": HELLO + b"\x00\x00",
    "SSL 2": b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10" + bytes(40),
    "SSL 3": b"\x16\x03\x00\x00\x2f\x01\x00\x00\x2b\x03\x00" + bytes(50),
    "a WebSocket's frame": text("hello"),
    "SSH": b"SSH-2.0-OpenSSH_9.6\r\n",
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
def test_garbage_instead_of_a_hello(garbage: bytes, caplog: pytest.LogCaptureFixture) -> None:
    house = TlsHouse()
    peer = raw(house)
    with caplog.at_level(logging.DEBUG, "tickws"):
        peer.say(garbage)
        if garbage == GARBAGE["an empty record"]:
            peer.say(garbage * 1000)
        over(house, peer)
    assert {record.levelno for record in caplog.records} == {logging.DEBUG}
    assert "127.0.0.1" in caplog.text


@pytest.mark.parametrize("garbage", [GARBAGE["random"], GARBAGE["a record of another type"], GARBAGE["an alert"]])
def test_garbage_byte_by_byte(garbage: bytes) -> None:
    house = TlsHouse()
    peer = raw(house)
    for at in range(len(garbage)):
        if peer.gone:
            break
        peer.say(garbage[at : at + 1])
        house.turn()
    over(house, peer)


@pytest.mark.parametrize(
    "request_head",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /chat?x=1 HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    ],
)
def test_plain_http_is_told_what_to_do(request_head: bytes) -> None:
    house = TlsHouse()
    peer = raw(house)
    peer.say(request_head)
    house.turn(4)
    head, _, body = peer.listen().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert b"Connection: close" in head
    assert b"wss://" in body
    assert b"https://" in body
    over(house, peer)


def test_plain_http_that_comes_in_pieces() -> None:
    """Too little to tell what it is, at first."""
    house = TlsHouse()
    peer = raw(house)
    for piece in (b"G", b"E", b"T", b" / HTTP/1.1\r\nHost: a\r\n", b"\r\n"):
        peer.socket.send(piece)
        house.turn()
    assert peer.listen().startswith(b"HTTP/1.1 400 ")
    over(house, peer)


@BOTH
@pytest.mark.parametrize("cut", [1, 1 << 20])
def test_a_hello_at_a_plain_port(version: Version, cut: int) -> None:
    """TLS where HTTP is spoken is bad HTTP: an answer or an end, and no exception."""
    plain = House()
    tls = TlsHouse(version).dial()
    peer = plain.dial()
    hello = tls.tunnel.hello()
    for at in range(0, len(hello), cut):
        if peer.gone:
            break
        peer.socket.send(hello[at : at + cut])
        plain.turn()
    plain.run(11)
    assert peer.gone
    peer.socket.close()
    plain.turn(3)
    assert plain.log == []
    assert nothing_left(plain)


# Once it is open


@ROLES
@BOTH
@pytest.mark.parametrize(
    "garbage",
    [
        b"\x17\x03\x03\x00\x20" + bytes(32),
        b"\x17\x03\x03\x00\x00",
        b"\x17\x03\x03\xff\xff" + bytes(66_000),
        b"\x16\x03\x03\x00\x10" + bytes(16),
        b"GET / HTTP/1.1\r\n\r\n",
        bytes(50),
        b"\xff" * 50,
    ],
    ids=["forged", "empty", "too long", "handshake", "HTTP", "zeros", "ones"],
)
def test_garbage_amid_an_open_connection(version: Version, role: Role, garbage: bytes) -> None:
    """What was said before it is delivered; then the connection is lost, 1006: nobody can trust what follows."""
    seat, tunnel = tls_seat(role, version)
    tunnel.put(tunnel.seal(seat.frame(TEXT, b"before")) + garbage + tunnel.seal(seat.frame(TEXT, b"behind")))
    seat.turn(6)
    assert seat.heard == ["before"]
    assert seat.closes == [(1006, "")]
    tunnel.raw.close()
    seat.turn(3)
    assert seat.ours.statistics().tls_faults == 1
    assert seat.ours.statistics().connections == 0


@ROLES
@BOTH
@pytest.mark.parametrize("at", [0, 3, 5, 20, -1])
def test_a_record_that_was_changed_on_its_way(version: Version, role: Role, at: int) -> None:
    seat, tunnel = tls_seat(role, version)
    sealed = bytearray(tunnel.seal(seat.frame(TEXT, b"a message of some length")))
    sealed[at] ^= 0x01
    tunnel.put(bytes(sealed))
    tunnel.raw.shutdown(1)
    seat.turn(5)
    assert seat.heard == []
    assert seat.closes == [(1006, "")]


@ROLES
@BOTH
def test_a_record_twice(version: Version, role: Role) -> None:
    """A replayed record is no message."""
    seat, tunnel = tls_seat(role, version)
    sealed = tunnel.seal(seat.frame(TEXT, b"once"))
    tunnel.put(sealed + sealed)
    seat.turn(5)
    assert seat.heard == ["once"]
    assert seat.closes == [(1006, "")]


@BOTH
def test_an_alert_tells_the_peer(version: Version) -> None:
    """bad_record_mac reaches the peer before the end."""
    house = TlsHouse(version)
    peer = house.peer()
    peer.tunnel.put(b"\x17\x03\x03\x00\x20" + bytes(32))
    house.turn(3)
    peer.listen()
    assert peer.tunnel.fault is not None
    assert "BAD_RECORD_MAC" in str(peer.tunnel.fault).upper().replace(" ", "_")


def test_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    """A hundred with garbage, in one slice with a hundred who talk."""
    house = TlsHouse()
    honest = [house.peer(f"/{number}") for number in range(100)]
    liars = [raw(house) for _ in range(100)]
    house.turn(2)
    chance = random.Random(3)
    for number, (peer, liar) in enumerate(zip(honest, liars, strict=True)):
        peer.say(text(f"{number}"))
        liar.say(chance.randbytes(chance.randrange(1, 3000)))
    house.turn(4)
    for number in range(100):
        assert house.heard("message", f"/{number}") == [f"{number}"]
    for liar in liars:
        liar.socket.close()
    house.turn(5)
    assert house.statistics.connections == 100
    assert not [record for record in caplog.records if record.levelno > logging.DEBUG]
