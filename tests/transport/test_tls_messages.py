"""Messages over TLS: every length, both ends, TLS 1.2 and 1.3, and ciphertext that comes in any pieces."""

import math
import random
from typing import Any

import pytest

from tests.certificates import KINDS, VERSIONS, Kind, Version
from tests.protocol.helpers import BINARY, ROLES, TEXT
from tests.transport.ends import Seat, Who, other
from tests.transport.peers import binary, text
from tests.transport.tls_peers import WHOLE, TlsHouse, TlsTwo, tls_seat
from tickws.protocol.connection import Role
from tickws.protocol.extensions import Deflate
from tickws.protocol.limits import Limits
from tickws.testing import Conditions

LENGTHS = (0, 1, 125, 126, 65535, 65536, 1 << 20)
BOTH = pytest.mark.parametrize("version", VERSIONS)


def message_of(size: int, *, is_text: bool) -> str | bytes:
    """A message of so many bytes, no two kilobytes of which are alike."""
    data = random.Random(size).randbytes(size)
    return data.hex()[:size] if is_text else data


@BOTH
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", LENGTHS)
def test_echo(version: Version, kind: Kind, size: int) -> None:
    """Both ends are ours: there and back."""
    two = TlsTwo(version, kind, server={"on_message": lambda ws, message: ws.send(message)})
    messages = [message_of(size, is_text=True), message_of(size, is_text=False), "last"]
    for count, message in enumerate(messages, 1):
        assert two.ws("client").send(message)
        two.run_until(lambda count=count: len(two.heard("client")) == count)  # type: ignore[misc]
    assert two.heard("server") == two.heard("client") == messages
    for who in ("server", "client"):
        ws = two.ws(who)
        assert ws.tls is not None
        assert ws.tls.version() == version
        assert ws.tls.selected_alpn_protocol() == "http/1.1"


@ROLES
@BOTH
@pytest.mark.parametrize("cut", [1, 2, 3, 4, 5, 6, 21, 22, 100, 1000, WHOLE])
def test_ciphertext_in_pieces(version: Version, role: Role, cut: int) -> None:
    """From the first byte of the handshake to the last of the last record: byte by byte, amid heads and records."""
    seat, tunnel = tls_seat(role, version, cut=cut)
    pieces = [seat.frame(TEXT, b"one"), seat.frame(BINARY, b""), seat.frame(BINARY, bytes(300)), seat.frame(TEXT, b"e")]
    for sealed in (tunnel.seal(*pieces), tunnel.seal(b"".join(pieces))):
        seat_hears(seat, tunnel, sealed, cut)
    assert seat.heard == ["one", b"", bytes(300), "e"] * 2
    seat.socket.send("answer")
    seat.turn()
    assert seat.peer.receive()[-1] == "answer"


def seat_hears(seat: Seat, tunnel: Any, sealed: bytes, cut: int) -> None:
    """Let ciphertext arrive in pieces of `cut` bytes, with a slice behind each."""
    for at in range(0, len(sealed), cut):
        tunnel.put(sealed[at : at + cut])
        seat.turn()
        while tunnel.unsent:
            tunnel.put()
            seat.turn()


@BOTH
@pytest.mark.parametrize("size", [65535, 65536, 1 << 20])
def test_a_long_message_in_pieces_that_end_amid_a_record(version: Version, size: int) -> None:
    house = TlsHouse(version)
    peer = house.peer()
    message = bytes(message_of(size, is_text=False))  # type: ignore[arg-type]
    sealed = peer.tunnel.seal(binary(message))
    chance = random.Random(size)
    peer.deliver(sealed, [chance.choice((1, 4, 5, 6, 900, 16384, 40_000)) for _ in range(len(sealed))])
    assert house.heard("message") == [message]


@BOTH
def test_a_record_for_each_byte(version: Version) -> None:
    """A frame may be cut into as many records as it has bytes."""
    house = TlsHouse(version)
    peer = house.peer()
    said = text("a word") + binary(bytes(200))
    peer.deliver(peer.tunnel.seal(*(said[at : at + 1] for at in range(len(said)))))
    house.turn(len(said))
    assert house.heard("message") == ["a word", bytes(200)]


@pytest.mark.parametrize("cut", [1, 100, WHOLE])
def test_the_request_may_be_in_one_packet_with_the_end_of_the_handshake(cut: int) -> None:
    """In TLS 1.3 the last flight, the HTTP request and the first message may be one piece, cut anywhere."""
    house = TlsHouse("TLSv1.3")
    peer = house.dial()
    peer.deliver(peer.tunnel.hello())
    house.turn(2)
    peer.tunnel.take_in()
    flight = peer.tunnel.hello()
    assert peer.tunnel.shaken
    pocket = Pocket()
    peer.socket = pocket
    peer.ask("/", then=text("at once"))
    peer.socket = peer.tunnel
    peer.deliver(flight + peer.tunnel.seal(pocket.data), cut)
    house.turn(3)
    assert peer.receive_status() == 101
    assert house.heard("message") == ["at once"]


class Pocket:
    """Stands for a socket, and keeps what it is given."""

    data = b""

    def send(self, data: bytes) -> int:
        self.data += data
        return len(data)


@BOTH
def test_compression_beneath_nothing_is_changed_by_tls(version: Version) -> None:
    two = TlsTwo(version, compression=Deflate(threshold_bytes=0))
    for who in ("server", "client"):
        speaker: Who = who
        for number in range(5):
            assert two.ws(speaker).send(f"the state of tick {number}, much like the last one " * 100)
        two.run(0.1)
        assert len(two.heard(other(speaker))) == 5
        assert two.ws(speaker).extensions.startswith("permessage-deflate")
        assert two.ws(speaker).statistics().bytes_sent < 5000


@BOTH
def test_on_frame_over_tls(version: Version) -> None:
    frames: list[Any] = []
    house = TlsHouse(version, on_frame=lambda ws, frame: frames.append((frame.payload, frame.fin)))
    peer = house.peer()
    peer.say(text("whole"))
    house.turn(2)
    assert frames == [(b"whole", True)]


@BOTH
@pytest.mark.parametrize("buffer_bytes", [1, 7, 1000])
def test_a_line_that_holds_little(version: Version, buffer_bytes: int) -> None:
    """Handshake, messages and the end go over a line that takes one byte at a time."""
    limits = Limits(handshake_seconds=math.inf, closing_seconds=math.inf)
    two = TlsTwo(version, conditions=Conditions(buffer_bytes=buffer_bytes), limits=limits)
    assert two.ws("client").send("there" * 10)
    assert two.ws("server").send("here" * 10)
    two.run_until(lambda: two.heard("server") and two.heard("client"))
    two.ends["client"].close(4000, "enough")
    two.run_until(lambda: two.closes("server") and two.closes("client"))
    assert (two.heard("server"), two.heard("client")) == (["there" * 10], ["here" * 10])
    assert two.closes("server") == two.closes("client") == [(4000, "enough")]


def test_the_certificate_can_be_seen_by_the_client() -> None:
    two = TlsTwo()
    tls = two.ws("client").tls
    assert tls is not None
    names: Any = (tls.getpeercert() or {})["subjectAltName"]
    assert {name for _, name in names} >= {"localhost", "127.0.0.1"}
    server = two.ws("server").tls
    assert server is not None
    assert server.getpeercert() is None
    assert two.ws("server").request.secure


def test_without_tls_there_is_none() -> None:
    seat = Seat(Role.SERVER)
    assert seat.socket.tls is None
    assert not seat.socket.request.secure
