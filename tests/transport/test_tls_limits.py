"""Limits under TLS: at each, one above, two above; what is counted; what is left."""

import gc
import tracemalloc
from collections import Counter
from typing import Any

import pytest

from tests.certificates import VERSIONS, Version
from tests.protocol.helpers import ROLES, TEXT
from tests.transport.peers import House, close, nothing_left, text
from tests.transport.tls_peers import TlsHouse, tls_seat
from tickws.protocol.connection import Role
from tickws.protocol.limits import Limits

BOTH = pytest.mark.parametrize("version", VERSIONS)
MEMORY = ("tickws.transport.memory.", "tickws.transport.pipe.")
OVER = pytest.mark.parametrize("over", [0, 1, 2])


@ROLES
@BOTH
@OVER
@pytest.mark.parametrize("limit", [1000, 16_384, 100_000])
def test_message_bytes(version: Version, role: Role, over: int, limit: int) -> None:
    seat, tunnel = tls_seat(role, version, limits=Limits(message_bytes=limit))
    sealed = tunnel.seal(seat.frame(TEXT, b"x" * (limit + over)))
    tunnel.put(sealed)
    seat.turn(limit // 1000 + 10)
    if over:
        assert seat.heard == []
        assert seat.peer.receive() == [("close", 1009, f"message above {limit} bytes")]
        assert seat.closes == [(1009, f"message above {limit} bytes")]
        assert seat.ours.statistics().faults == {1009: 1}
    else:
        assert seat.heard == ["x" * limit]
    assert seat.ours.statistics().tls_faults == 0


@BOTH
@OVER
@pytest.mark.parametrize("limit", [1000, 16_384, 40_000])
def test_header_bytes(version: Version, over: int, limit: int) -> None:
    """The head is measured behind TLS, whatever its records."""
    house = TlsHouse(version, limits=Limits(header_bytes=limit))
    plain = House(limits=Limits(header_bytes=limit))
    statuses = []
    for each in (house, plain):
        peer = each.dial()
        if isinstance(each, TlsHouse):
            peer.shake()  # type: ignore[attr-defined]
        head = (
            b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        )
        head += b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nX: "
        head += b"x" * (limit + over - len(head) - 4) + b"\r\n\r\n"
        assert len(head) == limit + over
        peer.say(head)
        each.turn(10)
        statuses.append(peer.receive_status())
    assert statuses == [431 if over else 101] * 2


@BOTH
def test_a_head_without_end(version: Version) -> None:
    """Answered 431 as soon as it is too long, without reading on."""
    house = TlsHouse(version)
    peer = house.dial()
    peer.shake()
    for _ in range(20):
        if peer.gone:
            break
        peer.tunnel.put(peer.tunnel.seal(b"x" * 16_000))
        house.turn(2)
    assert peer.receive_status() == 431


@OVER
def test_max_connections(over: int) -> None:
    """Who stands in its TLS handshake holds a place, too."""
    house = TlsHouse(max_connections=3)
    peers = [house.dial() for _ in range(3 + over)]
    house.turn(3)
    assert house.statistics.connections == 3
    for peer in peers[:3]:
        peer.shake()
    peers[0].raw.close()
    house.turn(3)
    assert house.statistics.connections == (3 if over else 2)


def test_statistics_of_a_server_behind_tls() -> None:
    house = TlsHouse()
    peers = [house.peer(f"/{number}") for number in range(5)]
    for peer in peers:
        peer.say(text("hello"))
    house.turn(2)
    peers[0].say(close(4000))
    peers[1].raw.reset()
    peers[2].tunnel.put(b"\x17\x03\x03\x00\x20" + bytes(32))
    house.turn(4)
    for peer in peers[:3]:
        peer.raw.close()
    house.turn(4)
    statistics = house.statistics
    assert (statistics.accepted, statistics.opened, statistics.open, statistics.connections) == (5, 5, 2, 2)
    assert statistics.closed == {1006: 2, 4000: 1}
    assert statistics.tls_faults == 1
    assert statistics.messages_received == 5


def test_tls_can_still_be_asked_when_all_is_over() -> None:
    """`ws.tls` in on_close and behind it: an object, or None, no exception."""
    seen: list[Any] = []
    house = TlsHouse(on_close=lambda ws, code, reason: seen.append((ws, ws.tls and ws.tls.version())))
    peer = house.peer()
    peer.raw.reset()
    house.turn(2)
    ws, version = seen[0]
    assert version == "TLSv1.3"
    assert ws.tls is None or ws.tls.version() in ("TLSv1.3", None)


def come_and_go(house: TlsHouse, count: int) -> None:
    """Connect, talk and leave, in each of four ways."""
    for number in range(count):
        peer = house.dial()
        if number % 4 == 0:
            peer.raw.send(peer.tunnel.hello()[:100])
            house.turn(2)
            peer.raw.reset()
        else:
            peer.shake()
            peer.ask()
            house.turn(2)
            peer.say(text("hello"))
            house.turn(2)
            if number % 4 == 1:
                peer.say(close())
                house.turn(2)
                peer.raw.close()
            elif number % 4 == 2:
                peer.raw.reset()
            else:
                peer.tunnel.put(b"garbage")
                house.turn(2)
                peer.take_all()
                peer.raw.close()
        house.turn(3)
        house.log.clear()


def ours() -> Counter[str]:
    """How many objects of tickws there are, and of TLS; the memory network's sockets know each other, and may wait."""
    kinds = Counter(f"{type(thing).__module__}.{type(thing).__qualname__}" for thing in gc.get_objects())
    mine = {kind: count for kind, count in kinds.items() if kind.startswith(("tickws.", "h11.", "ssl.", "_ssl."))}
    return Counter({kind: count for kind, count in mine.items() if not kind.startswith(MEMORY)})


def test_two_hundred_do_not_wait_for_the_collector() -> None:
    """Games switch it off, for it costs frames: what is closed is freed by its last reference."""
    house = TlsHouse()
    come_and_go(house, 40)
    gc.collect()
    gc.disable()
    try:
        before = ours()
        come_and_go(house, 200)
        more = ours() - before
    finally:
        gc.enable()
    assert not more
    assert nothing_left(house)
    assert len(house.network.sockets) == 1


def test_two_hundred_leave_no_byte_behind() -> None:
    house = TlsHouse()
    come_and_go(house, 40)
    tracemalloc.start()
    try:
        come_and_go(house, 40)
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        grown = []
        for _ in range(3):
            come_and_go(house, 200)
            gc.collect()
            now = tracemalloc.get_traced_memory()[0]
            grown.append(now - before)
            before = now
    finally:
        tracemalloc.stop()
    assert min(grown) < 20 * 200, grown
