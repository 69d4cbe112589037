"""Out through TLS: full lines, order, latest values, fragments, broadcasts, doors with and without TLS, compression."""

import random
from typing import Any

import pytest

from tests import certificates
from tests.certificates import VERSIONS, Version
from tests.protocol.helpers import ROLES
from tests.transport.ears import Ear
from tests.transport.peers import Peer, text
from tests.transport.tls_peers import TlsHouse, TlsPeer, tls_seat
from tickws.protocol.connection import Role
from tickws.protocol.extensions import Deflate
from tickws.protocol.limits import Limits
from tickws.testing import Conditions
from tickws.transport.steps import WRITE_BYTES
from tickws.transport.tls import TlsStream

BOTH = pytest.mark.parametrize("version", VERSIONS)
SMALL = Conditions(buffer_bytes=10_000)
BIG = Limits(queue_bytes=64 << 20)


@ROLES
@BOTH
def test_large_messages_to_one_who_does_not_read_and_then_does(version: Version, role: Role) -> None:
    """Nothing lost, nothing twice, in order; meanwhile nothing is turned that waits for the line."""
    seat, tunnel = tls_seat(role, version, conditions=SMALL, limits=BIG)
    chance = random.Random(1)
    messages = [chance.randbytes(size) for size in (1, 200_000, 3, 1_000_000, 16384, 16385, 0, 500_000)]
    for message in messages:
        assert seat.socket.send(message)
        seat.turn()
    assert seat.socket.queued_bytes > 1_600_000
    slept = seat.ours.waited
    assert not seat.ours.wait(0.2)
    assert seat.ours.waited - slept == pytest.approx(0.2)
    heard: list[object] = []
    for _ in range(2000):
        seat.peer.listen()
        heard += seat.peer.receive()
        seat.turn()
        if len(heard) == len(messages):
            break
    assert heard == messages
    assert seat.socket.queued_bytes == 0
    assert not tunnel.fault
    assert seat.closes == []


@BOTH
def test_a_full_line_holds_one_write(version: Version) -> None:
    """What waits is plain: no more than one write of it is encrypted, and held twice, at a time."""
    house = TlsHouse(version, limits=BIG)
    house.peer(conditions=SMALL)
    ws = house.ws()
    ws.send(bytes(8 << 20))
    house.turn(3)
    stream = ws._link.stream
    assert isinstance(stream, TlsStream)
    for _ in range(20):
        stream.write([])
    assert stream._raw.unsent_bytes < WRITE_BYTES + 10_000


@BOTH
def test_latest_values_are_fresh_behind_a_full_line(version: Version) -> None:
    house = TlsHouse(version)
    peer = house.peer(conditions=SMALL)
    ws = house.ws()
    ws.send(bytes(50_000))
    house.turn()
    produced: list[int] = []

    def produce(number: int) -> Any:
        def make() -> str:
            produced.append(number)
            return f"state {number}"

        return make

    for number in range(100):
        ws.send_latest("state", produce(number))
        ws.send_latest("other", f"other {number}")
        house.turn()
    assert produced == []
    heard: list[object] = []
    for _ in range(50):
        peer.listen()
        heard += peer.receive()
        house.turn()
    assert heard == [bytes(50_000), "state 99", "other 99"]
    assert produced == [99]


@ROLES
@BOTH
def test_fragments(version: Version, role: Role) -> None:
    seat, _ = tls_seat(role, version, conditions=SMALL)
    pieces = [random.Random(number).randbytes(number * 97) for number in range(60)]
    seat.socket.send_fragments(iter(pieces))
    seat.socket.send("behind")
    heard: list[Any] = []
    for _ in range(500):
        seat.peer.listen()
        heard += seat.peer.receive_frames()
        seat.turn()
    data = b"".join(sent.payload for sent in heard[:-1])
    assert data == b"".join(pieces)
    assert heard[-1].payload == b"behind"
    assert [sent.fin for sent in heard].count(True) == 2


@BOTH
def test_control_frames_overtake_behind_a_full_line(version: Version) -> None:
    """A Pong goes before the reliable messages that are not committed yet."""
    house = TlsHouse(version, limits=BIG)
    peer = house.peer(conditions=SMALL)
    for number in range(50):
        house.ws().send(f"{number}".encode() + bytes(10_000))
    house.turn()
    house.ws().ping(b"hello")
    kinds = []
    for _ in range(200):
        peer.listen()
        kinds += ["ping" if isinstance(item, tuple) else "message" for item in peer.receive()]
        house.turn()
    assert kinds.count("message") == 50
    assert kinds.index("ping") < 49


@BOTH
def test_an_overfull_queue_is_closed_with_1008(version: Version) -> None:
    house = TlsHouse(version, limits=Limits(queue_bytes=50_000, closing_seconds=1.0))
    peer = house.peer(conditions=SMALL)
    for _ in range(20):
        for ws in house.server.connections:
            ws.send(bytes(10_000))
        house.turn()
    heard: list[object] = []
    for _ in range(100):
        peer.listen()
        heard += peer.receive()
        house.run(0.02)
    assert isinstance(heard[-1], tuple)
    assert heard[-1][:2] == ("close", 1008)
    assert house.closes[0][1] == 1008


# Doors


def two_doors(**options: Any) -> tuple[TlsHouse, int]:
    """A server with TLS at its port, and one more door without."""
    house = TlsHouse(**options)
    before = {address[1] for address in house.server.addresses}
    house.server.listen("127.0.0.1", 0)
    (port,) = {address[1] for address in house.server.addresses} - before
    return house, port


def plain_peer(house: TlsHouse, port: int, path: str) -> Peer:
    peer = Peer(house.network, port)
    peer.ask(path)
    house.turn(3)
    assert peer.receive_status() == 101
    return peer


def test_broadcasts_reach_both_doors() -> None:
    house, port = two_doors()
    peers: list[Peer] = []
    for number in range(6):
        peers.append(house.peer(f"/{number}") if number % 2 else plain_peer(house, port, f"/{number}"))
    house.server.broadcast("for all")
    house.server.broadcast(bytes(1000))
    house.server.broadcast_latest("state", "old")
    house.server.broadcast_latest("state", "new")
    house.turn()
    for peer in peers:
        assert peer.receive() == ["for all", bytes(1000), "new"]
    assert [ws.request.secure for ws in house.server.connections] == [False, True] * 3
    assert [ws.tls is not None for ws in house.server.connections] == [False, True] * 3
    for number, peer in enumerate(peers):
        peer.say(text(f"{number}"))
    house.turn(2)
    assert sorted(house.heard("message")) == ["0", "1", "2", "3", "4", "5"]


def test_each_door_has_its_own_context() -> None:
    """Two doors with two certificates, and TLS 1.2 at one alone."""
    house, _ = two_doors(version="TLSv1.3")
    before = {address[1] for address in house.server.addresses}
    context = certificates.served("TLSv1.2", leaf=certificates.certificate("rsa", "other.example"))
    house.server.listen("127.0.0.1", 0, ssl_context=context)
    (port,) = {address[1] for address in house.server.addresses} - before
    peer = TlsPeer(house, certificates.trusted(), name="other.example", port=port)
    peer.shake()
    assert peer.tunnel.tls.version() == "TLSv1.2"
    first = house.peer("/first")
    assert first.tunnel.tls.version() == "TLSv1.3"


def test_the_constructors_context_is_not_for_other_doors() -> None:
    house, port = two_doors()
    assert not plain_peer(house, port, "/plain").gone
    assert house.ws("/plain").tls is None


@BOTH
@pytest.mark.parametrize("takeover", [True, False])
def test_compression_with_tls(version: Version, takeover: bool) -> None:
    deflate = Deflate(context_takeover=takeover, threshold_bytes=0)
    house = TlsHouse(version, compression=deflate)
    said = "" if takeover else "; server_no_context_takeover"
    ears = [
        Ear(
            house.peer(f"/{number}", f"Sec-WebSocket-Extensions: permessage-deflate{said}"),
            takeover=takeover,
        )
        for number in range(3)
    ]
    messages = [f"the state of tick {number}, which is much like the last one " * 50 for number in range(10)]
    for message in messages:
        house.server.broadcast(message)
        house.turn()
    for ear in ears:
        assert ear.hear() == messages
        assert ear.compressed == 10


def test_statistics_count_what_websocket_says() -> None:
    """Bytes are those of frames, as without TLS; messages as ever."""
    house = TlsHouse()
    peer = house.peer()
    ws = house.ws()
    before = ws.statistics()
    ws.send(bytes(1000))
    peer.say(text("0123456789"))
    house.turn(2)
    after = ws.statistics()
    assert after.messages_sent - before.messages_sent == 1
    assert after.messages_received - before.messages_received == 1
    assert after.bytes_sent - before.bytes_sent == 1004
    assert after.bytes_received - before.bytes_received == 16
