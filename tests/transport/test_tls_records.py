"""Records of TLS that hold no data, parts of records and slow readers: what they cost, and that nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import certificates
from tests.certificates import VERSIONS, Version
from tests.protocol.helpers import request_head
from tests.transport.forging import DATA, HANDSHAKE, Forger
from tests.transport.peers import House, text
from tests.transport.tls_peers import TlsHouse, TlsPeer
from tickws.protocol.limits import Limits
from tickws.testing import Conditions
from tickws.transport.tls import MOST_RECORDS, TlsStream

BOTH = pytest.mark.parametrize("version", VERSIONS)
WIDE = Conditions(buffer_bytes=1 << 20)
COUNT = 1000


def empties(forger: Forger, version: Version, count: int = COUNT) -> Iterator[bytes]:
    """Records that hold no data: key updates, where there are any."""
    return (forger.key_update() if version == "TLSv1.3" else forger.record(DATA, b"") for _ in range(count))


@pytest.mark.parametrize("count", [9, COUNT])
def test_openssl_gets_a_few_a_step(count: int, tmp_path: Path) -> None:
    house = TlsHouse("TLSv1.3", conditions=WIDE)
    forger = Forger(house, "TLSv1.3", tmp_path)
    records = list(empties(forger, "TLSv1.3", count))
    forger.peer.raw.send(b"".join(records))
    stream = house.ws("/")._link.stream
    assert isinstance(stream, TlsStream)
    left = count
    while left > MOST_RECORDS:
        assert stream.read(65536) is None
        assert stream.unread
        left -= MOST_RECORDS
        assert len(stream._wire) == sum(map(len, records[count - left :]))
    assert stream.read(65536) is None
    assert not stream.unread


def test_each_such_step_counts_as_a_message_of_the_slice(tmp_path: Path) -> None:
    house = TlsHouse("TLSv1.3", conditions=WIDE, limits=Limits(slice_messages=10))
    forger = Forger(house, "TLSv1.3", tmp_path)
    forger.peer.raw.send(b"".join(empties(forger, "TLSv1.3", 25 * MOST_RECORDS)) + forger.record(DATA, text("behind")))
    slices = 0
    while not house.heard("message"):
        house.turn()
        slices += 1
    assert slices == 3
    assert house.statistics.limited["slice_messages"] == 2


def test_who_says_them_is_read_behind_the_players(tmp_path: Path) -> None:
    house = TlsHouse("TLSv1.3", conditions=WIDE)
    forger = Forger(house, "TLSv1.3", tmp_path)  # which the poller finds first
    honest = house.peer("/honest")
    forger.peer.deliver(forger.record(DATA, text("x")))
    honest.say(text("x"))
    house.turn()
    for _ in range(100):
        forger.peer.deliver(forger.key_update())
    house.log.clear()
    honest.say(text("y"))
    forger.peer.raw.send(forger.record(DATA, text("y")))
    house.turn()
    assert [entry[1] for entry in house.log] == ["/honest", "/"]


@pytest.mark.parametrize(
    ("limit", "limits"),
    [
        ("bytes_per_second", Limits(bytes_per_second=1000, bytes_burst=2000)),
        ("messages_per_second", Limits(messages_per_second=2, messages_burst=10)),
    ],
)
def test_who_says_them_above_its_rate_is_not_read_for_a_while(limit: str, limits: Limits, tmp_path: Path) -> None:
    house = TlsHouse("TLSv1.3", conditions=WIDE, limits=limits)
    forger = Forger(house, "TLSv1.3", tmp_path)
    forger.peer.raw.send(b"".join(empties(forger, "TLSv1.3")))
    house.turn(3)
    forger.peer.raw.send(forger.record(DATA, text("behind")))
    house.run(5.0)
    assert house.heard("message") == []
    assert house.statistics.limited[limit] >= 1
    house.run(60.0)
    assert house.heard("message") == ["behind"]


def test_a_record_in_parts_is_charged_once(tmp_path: Path) -> None:
    """A second's worth of bytes, in a hundred parts, is not held."""
    house = TlsHouse("TLSv1.3", conditions=WIDE, limits=Limits(bytes_per_second=4000, bytes_burst=4000))
    forger = Forger(house, "TLSv1.3", tmp_path)
    forger.peer.deliver(forger.record(DATA, text("x" * 3800)), 38)
    house.turn()
    assert house.heard("message") == ["x" * 3800]
    assert house.statistics.limited.get("bytes_per_second", 0) == 0


@BOTH
@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_nothing_is_lost_among_them(version: Version, size: int, tmp_path: Path) -> None:
    house = TlsHouse(version, conditions=WIDE)
    forger = Forger(house, version, tmp_path)
    count = 12 if size < 10 else 200
    wire = b""
    for number in range(count):
        wire += b"".join(empties(forger, version, number % 11)) + forger.record(DATA, text(str(number)))
    forger.peer.deliver(wire, size)
    house.turn(count)
    assert house.heard("message") == [str(number) for number in range(count)]


def test_who_does_not_wait_for_our_finished_has_asked_for_nothing() -> None:
    """Chromium's false start (RFC 7918): its request may be here before the end of our handshake is written."""
    house = TlsHouse("TLSv1.2")
    peer = house.peer()
    stream = house.ws("/")._link.stream
    assert isinstance(stream, TlsStream)
    stream._outgoing.write(b"not written yet")
    peer.say(text("hello"))
    assert stream.read(65536)
    assert not stream.fault
    assert not stream.lost


@BOTH
def test_who_begins_another_handshake_is_dropped_at_the_first_reply(version: Version, tmp_path: Path) -> None:
    house = TlsHouse(version, conditions=WIDE)
    forger = Forger(house, version, tmp_path)
    hello = TlsPeer(house, certificates.trusted()).tunnel.hello()[5:]
    house.turn()
    forger.peer.raw.send(b"".join(forger.record(HANDSHAKE, hello) for _ in range(100)))
    stream = house.ws("/")._link.stream
    house.server.work(0, wait=0)
    house.turn()
    assert house.closes == [("/", 1006, "")]
    assert stream.lost


@BOTH
@pytest.mark.parametrize("garbage", [b"\xff" * 5, b"\x17\x02\x03\x00\x05", b"\x17\x03\x03\x48\x01", bytes(100)])
def test_what_is_no_record_fails_at_once(version: Version, garbage: bytes, tmp_path: Path) -> None:
    """Of a head that announces more than is allowed, nobody waits for the rest."""
    house = TlsHouse(version)
    forger = Forger(house, version, tmp_path)
    forger.peer.deliver(forger.record(DATA, text("before")) + garbage)
    house.turn()
    assert house.heard("message") == ["before"]
    assert house.closes == [("/", 1006, "")]


@pytest.mark.parametrize("make", [House, TlsHouse])
def test_a_part_of_a_record_proves_life(make: type[House]) -> None:
    house = make(limits=Limits(ping_seconds=1.0, dead_seconds=2.0))
    peer = house.peer()
    message = text("x" * 12_000)
    wire = peer.tunnel.seal(message) if isinstance(peer, TlsPeer) else message
    line = peer.raw if isinstance(peer, TlsPeer) else peer.socket
    for at in range(0, len(wire), 200):
        assert house.closes == []
        line.send(wire[at : at + 200])
        house.run(0.2)
    assert house.heard("message") == ["x" * 12_000]


@pytest.mark.parametrize("make", [House, TlsHouse])
@pytest.mark.parametrize(("rate", "whole"), [(20_000, True), (9_000, False)])
def test_who_takes_our_last_words_slowly(make: type[House], rate: int, whole: bool, tmp_path: Path) -> None:
    """`slice_bytes` in `closing_seconds`, 13 KB a second, are enough."""
    file = tmp_path / "page.bin"
    file.write_bytes(bytes(400_000))
    house = make(conditions=Conditions(buffer_bytes=65536), files={"/page": file})
    peer = house.dial()
    if isinstance(peer, TlsPeer):
        peer.shake()
    peer.say(b"GET /page HTTP/1.1\r\nHost: a\r\n\r\n")
    line = peer.raw if isinstance(peer, TlsPeer) else peer.socket
    taken, over = 0, False
    while not over and house.clock.now() < 60.0:
        house.run(0.1)
        try:
            data = line.recv(rate // 10)
            taken, over = taken + len(data), not data
        except BlockingIOError:
            pass
        except OSError:
            over = True
    assert (taken >= 400_000) == whole
    assert house.statistics.timed_out == (not whole)
    assert house.statistics.limited.get("closing_seconds", 0) == (not whole)


@BOTH
def test_before_the_request_they_are_nothing_either(version: Version) -> None:
    """Many records in one segment, which hold a byte of the request each, and of a message behind it."""
    house = TlsHouse(version, conditions=WIDE)
    peer = house.dial()
    for _ in range(5):
        if peer.tunnel.shaken:
            break
        peer.tunnel.take_in()
        flight = peer.tunnel.hello()
        if peer.tunnel.shaken and version == "TLSv1.3":
            break
        peer.tunnel.put(flight)
        flight = b""
        house.turn(2)
    words = request_head("GET / HTTP/1.1") + text("at once")
    peer.tunnel.put(flight + peer.tunnel.seal(*(words[at : at + 1] for at in range(len(words)))))
    house.turn(len(words))
    assert house.heard("message") == ["at once"]
