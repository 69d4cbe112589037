"""Sustained rates: a burst passes; who says more is not read for a while, loses nothing, and is not closed for it."""

from __future__ import annotations

import math
import select
from dataclasses import replace
from typing import Any

import pytest

import tickws
from tests.limits.table import pass_until
from tests.protocol.helpers import CONT, MASK, ROLES, TEXT, frame
from tests.transport.ends import Seat
from tests.transport.peers import FRAME, House, Peer, binary, close, nothing_left, ping, pong, run, text
from tests.transport.tls_peers import TlsHouse
from tickws.protocol.connection import Role
from tickws.protocol.limits import Limits
from tickws.testing import Conditions

SLOW = Limits(messages_per_second=10, messages_burst=5, ping_seconds=1000.0)
HELD = Limits(bytes_per_second=10, bytes_burst=100, ping_seconds=1.0, dead_seconds=1.0, closing_seconds=1.0)
"""Somebody who says a kilobyte is held for a minute and a half."""
WIDE = Conditions(buffer_bytes=1 << 24)


def numbers(count: int, first: int = 0) -> bytes:
    return b"".join(text(str(number)) for number in range(first, first + count))


def held(house: House, path: str = "/", size: int = 1000) -> Peer:
    """A peer that has just said far too much."""
    peer = house.peer(path)
    peer.say(binary(bytes(size - 8)))
    house.turn(2)
    assert len(house.heard("message", path)) == 1
    return peer


# -- what is held ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [House, TlsHouse])
def test_what_is_above_stays_on_the_line_and_is_heard_in_order_at_the_rate(make: type[House]) -> None:
    house = make(limits=SLOW, conditions=Conditions(buffer_bytes=4000))
    peer: Any = house.peer()
    said = 0
    while house.clock.now() < 10.0 and not getattr(peer.socket, "unsent", b""):
        try:
            if peer.socket.send(text(f"{said:500d}")) < 508:
                break
            said += 1
        except BlockingIOError:  # what TCP makes of it
            break
        house.run(FRAME)
        heard = len(house.heard("message"))
        assert heard <= 5 + 10 * house.clock.now() + 8
    else:
        assert make is TlsHouse, "the line is full"
    assert heard < said
    for _ in range(300):
        house.run(0.1)
        if make is TlsHouse:
            peer.tunnel.put()
    assert [int(each) for each in house.heard("message")][:said] == list(range(said))
    assert house.closes == []


def test_every_single_one_is_heard() -> None:
    house = House(limits=SLOW, conditions=WIDE)
    peer = house.peer()
    peer.say(numbers(300))
    house.run(28.0)
    heard = len(house.heard("message"))
    assert 5 + 270 <= heard <= 5 + 280 + 8
    house.run(3.0)
    assert house.heard("message") == [str(number) for number in range(300)]
    peer.say(text("on time again"))
    house.turn(2)
    assert house.heard("message")[-1] == "on time again"


@ROLES
@pytest.mark.parametrize("every", [1, 2, 3, 6, 60])
def test_a_rate_that_is_kept_is_never_held_over_minutes(role: Role, every: int) -> None:
    """One message every so many frames, each of exactly its share of bytes."""
    limits = Limits(
        messages_per_second=60 / every, messages_burst=2, bytes_per_second=100 * 60 / every, bytes_burst=101
    )
    seat = Seat(role, limits=limits)
    message = seat.frame(TEXT, b"x" * (100 - len(seat.frame(TEXT, b"x" * 90)) + 90))
    assert len(message) == 100
    for tick in range(60 * 180):
        pass_until(seat.network, tick / 60, seat.ours)
        if tick % every == 0:
            seat.peer.say(message)
            seat.turn()
    assert len(seat.heard) == 60 * 180 // every
    assert "messages_per_second" not in seat.ours.statistics().limited
    assert "bytes_per_second" not in seat.ours.statistics().limited


@pytest.mark.parametrize("kind", ["ping", "pong", "fragment"])
def test_frames_that_are_no_messages_count(kind: str) -> None:
    house = House(limits=SLOW)
    peer = house.peer()
    more = frame(CONT, b"x", fin=False, mask=MASK)
    first, one = {
        "ping": (text(""), ping(b"x")),
        "pong": (text(""), pong(b"x")),
        "fragment": (frame(TEXT, b"x", fin=False, mask=MASK), more),
    }[kind]
    peer.say(first + one * 4)
    house.turn(2)
    assert not house.statistics.limited
    peer.say(one)
    house.turn(2)
    assert house.statistics.limited["messages_per_second"] == 1


def test_others_are_read_meanwhile_and_all_are_written_to() -> None:
    house = House(limits=SLOW)
    loud, calm = house.peer("/loud"), house.peer("/calm")
    loud.say(numbers(100))
    for tick in range(120):
        if tick % 6 == 0:
            calm.say(text(str(tick)))
        house.run(FRAME)
        assert len(house.heard("message", "/calm")) == tick // 6 + 1
    assert house.server.broadcast("hello") == 2
    house.turn()
    assert (loud.receive(), calm.receive()) == (["hello"], ["hello"])
    assert house.closes == []


# -- a hitch of ours -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hitch", [0.5, 30.0])
def test_a_hitch_of_ours_is_held_against_nobody(hitch: float) -> None:
    house = House(limits=replace(SLOW, slice_messages=1000), conditions=WIDE)
    peers = house.peers(5)
    house.run(2.0)
    house.clock.advance(hitch)
    count = 5 + math.floor((hitch - 0.25) * 10)
    for peer in peers:
        peer.say(numbers(count))
    house.run(2 * FRAME)
    for number in range(5):
        assert house.heard("message", f"/{number}") == [str(each) for each in range(count)]
    assert "messages_per_second" not in house.statistics.limited


def test_a_hitch_excuses_what_could_be_said_in_it_and_no_more() -> None:
    house = House(limits=replace(SLOW, slice_messages=10_000), conditions=WIDE)
    peers = house.peers(2)
    house.run(2.0)
    house.clock.advance(30.0)
    peers[0].say(numbers(5 + 300 + 20))
    peers[1].say(numbers(1))
    house.turn(3)
    assert house.statistics.limited["messages_per_second"] == 1
    assert 5 + 290 <= len(house.heard("message", "/0")) <= 5 + 300 + 8
    house.run(60.0)
    assert len(house.heard("message", "/0")) == 325
    peers[0].say(numbers(14))  # nothing is left of it
    house.turn(3)
    assert house.statistics.limited["messages_per_second"] > 1


def test_a_hang_of_an_hour_excuses_a_minute() -> None:
    house = House(limits=replace(SLOW, slice_messages=10_000), conditions=WIDE)
    peer = house.peer()
    house.clock.advance(3600.0)
    peer.say(numbers(2000))
    house.turn(3)
    assert 600 <= len(house.heard("message")) <= 5 + 600 + 8


# -- a held link and its end -----------------------------------------------------------------------------------------


def test_who_is_held_does_not_time_out_and_is_not_pinged() -> None:
    house = House(limits=HELD)
    peer = held(house)
    house.run(80.0)
    assert house.closes == []
    assert peer.receive() == []
    house.run(9.9)
    peer.say(text("x"))
    house.run(0.5)
    assert house.heard("message")[-1] == "x"
    house.run(3.0)
    assert house.closes == [("/", 1006, "")], "silence counts again"


def test_who_is_held_can_be_aborted() -> None:
    house = House(limits=HELD)
    peer = held(house)
    house.ws().abort()
    house.turn()
    assert house.closes == [("/", 1006, "")]
    assert peer.gone
    assert nothing_left(house)
    house.run(100.0)
    assert nothing_left(house)
    assert house.server.next_deadline() is None


@pytest.mark.parametrize("answers", [True, False])
def test_who_is_held_can_be_closed_within_the_closing_time(answers: bool) -> None:
    house = House(limits=HELD)
    peer = held(house)
    house.ws().close(4000, "enough")
    house.turn()
    assert peer.receive() == [("close", 4000, "enough")], "it is written to as ever"
    if answers:
        peer.say(close(4000))
    house.run(1.1)
    assert house.closes == [("/", 4000, "enough") if answers else ("/", 1006, "")]


@pytest.mark.parametrize("way", ["close", "abort"])
def test_the_end_of_the_server_waits_for_nobody_who_is_held(way: str) -> None:
    house = House(limits=HELD)
    peers = [held(house, f"/{number}") for number in range(3)]
    if way == "close":
        house.server.close(timeout=0.5)
    else:
        house.server.abort()
    give_up = house.clock.now() + 0.6
    while house.turn():
        assert house.clock.now() < give_up
        house.clock.advance(FRAME)
    assert [closed[1] for closed in house.closes] == [1006] * 3
    assert all(peer.gone for peer in peers)
    assert house.server.next_deadline() is None


@pytest.mark.parametrize("how", ["reset", "close", "shutdown"])
def test_a_held_peer_that_goes_is_let_go_when_its_time_is_over(how: str) -> None:
    house = House(limits=HELD)
    peer = held(house)
    peer.socket.shutdown(1) if how == "shutdown" else getattr(peer.socket, how)()
    house.run(91.0)
    assert house.closes == [("/", 1006, "")]
    house.run(5.0)
    assert nothing_left(house)


def test_who_is_slow_and_held_is_closed_for_its_queue() -> None:
    house = House(limits=Limits(bytes_per_second=10, bytes_burst=100, queue_messages=3, closing_seconds=1.0))
    peer = held(house)
    ws = house.ws()
    assert [ws.send("x") for _ in range(4)] == [True, True, True, False]
    house.turn(2)
    assert peer.receive() == [("close", 1008, "send queue full")]
    peer.socket.close()
    house.run(95.0)
    assert house.closes == [("/", 1008, "send queue full")]
    assert nothing_left(house)


def test_a_fault_at_the_end_of_a_burst_is_said_at_once() -> None:
    house = House(limits=HELD)
    peer = house.peer()
    peer.say(binary(bytes(1000)) + b"\x83\x80\0\0\0\0")
    house.turn(3)
    assert peer.receive() == [("close", 1002, "reserved opcode")]
    assert house.closes == [("/", 1002, "reserved opcode")]


def test_who_floods_while_it_is_closed_is_held_and_gone_in_time() -> None:
    house = House(limits=replace(SLOW, closing_seconds=1.0))
    peer = house.peer()
    house.ws().close(4000)
    house.turn()
    for _ in range(70):
        try:
            peer.say(numbers(20))
        except (AssertionError, OSError):
            pass
        house.run(FRAME)
    assert house.closes == [("/", 1006, "")]
    house.run(10.0)
    assert nothing_left(house)


# -- what it costs us ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [House, TlsHouse])
@pytest.mark.parametrize("count", [1, 100])
def test_nobody_spins_on_who_is_held(make: type[House], count: int) -> None:
    house = make(limits=Limits(bytes_per_second=10, bytes_burst=100, ping_seconds=1000.0))
    peers = [held(house, f"/{number}") for number in range(count)]
    for peer in peers:
        peer.say(text("more"))
    house.turn(3)
    before = house.statistics.polls
    slept = house.server.waited
    begun = house.clock.now()
    while house.clock.now() < begun + 60.0:
        assert house.server.work(1.0)
    assert house.statistics.polls - before <= 62
    assert house.server.waited - slept >= 59.9
    assert house.statistics.carried_over == 0


def test_a_thousand_are_held_and_let_go_in_turn() -> None:
    house = House(limits=SLOW)
    peers = house.peers(1000)
    for peer in peers:
        peer.say(numbers(20))
    house.turn(3)
    assert house.statistics.limited["messages_per_second"] >= 1000
    house.run(3.0)
    for number in range(1000):
        assert house.heard("message", f"/{number}") == [str(each) for each in range(20)]
    assert house.closes == []


@pytest.mark.parametrize("budget", [0.0, None])
def test_what_is_carried_over_keeps_its_order(budget: float | None) -> None:
    """More in one read than a slice may serve, and than the burst; in slices of one step, too."""
    house = House(limits=Limits(messages_per_second=100, messages_burst=10, slice_messages=9))
    peers = house.peers(4)
    said = 0
    for tick in range(600):
        if tick % 60 == 0:
            for peer in peers:
                peer.say(numbers(40, said))
            said += 40
        for _ in range(8):
            house.server.work(budget, wait=0)
        house.clock.advance(FRAME)
    house.run(10.0)
    for number in range(4):
        assert house.heard("message", f"/{number}") == [str(each) for each in range(said)]
    links = house.server._links
    assert not links.pump.busy
    assert all(not link.ready and not link.held for link in links.by_fd.values())


def test_a_link_stands_in_no_queue_twice() -> None:
    """However short the slices are in which it is held and let go again."""
    house = House(limits=Limits(messages_per_second=1000, messages_burst=1, slice_messages=9), conditions=WIDE)
    peers = house.peers(6)
    for peer in peers:
        peer.say(numbers(400))
    for _ in range(3000):
        house.server.work(0.0, wait=0)
        house.clock.advance(0.001)
        assert house.statistics.carried_over <= 6


@pytest.mark.parametrize("chunk", [1, 3])
def test_tls_records_that_are_not_read_are_waited_for(chunk: int) -> None:
    house = TlsHouse(limits=SLOW)
    peer: Any = house.peer()
    sealed = b"".join(peer.tunnel.seal(numbers(chunk, first)) for first in range(0, 60, chunk))
    peer.tunnel.put(sealed)
    house.turn(3)
    assert len(house.heard("message")) <= 5 + 8 + chunk
    before = house.statistics.polls
    while len(house.heard("message")) < 60 and house.clock.now() < 20.0:
        house.server.work(1.0)
    assert house.heard("message") == [str(number) for number in range(60)]
    assert house.statistics.polls - before <= 200
    assert house.clock.now() >= (60 - 5 - 8 - chunk) / 10


def test_next_deadline_tells_when_and_wait_sleeps_until_then() -> None:
    house = House(limits=Limits(bytes_per_second=10, bytes_burst=100, ping_seconds=1000.0))
    held(house, size=150)
    begun = house.clock.now()
    assert house.server.next_deadline() == pytest.approx(5.0, abs=0.01)
    assert not house.server.wait(4.0)
    assert house.clock.now() == pytest.approx(begun + 4.0, abs=0.01)
    assert house.server.wait(20.0)
    assert house.clock.now() == pytest.approx(begun + 5.0, abs=0.01)
    assert house.server.next_deadline() == pytest.approx(0.0, abs=0.01)


def test_a_hosts_descriptor_is_quiet_while_somebody_is_held() -> None:
    """On sockets of the machine; held for a quarter of an hour."""
    limits = Limits(bytes_per_second=1, bytes_burst=100)
    heard: list[Any] = []
    clock = tickws.SystemClock()
    server = tickws.WebSocketServer(port=0, limits=limits, on_message=lambda ws, message: heard.append(message))
    client = tickws.WebSocketClient(f"ws://127.0.0.1:{server.port}/", on_open=lambda ws: ws.send(bytes(1000)))
    give_up = clock.now() + 30.0
    while not heard and clock.now() < give_up:
        client.work(0.001)
        server.work(0.001)
    client.send("more")
    client.work(0.0)
    try:
        quiet = False
        while not quiet and clock.now() < give_up:
            server.work(0.0, wait=0)
            quiet = not select.select([server.fileno()], [], [], 0.05)[0]
        assert quiet
        assert len(heard) == 1
        assert 0.0 < (server.next_deadline() or 0.0) <= limits.ping_seconds + 1
    finally:
        client.abort()
        server.abort()


def test_a_client_holds_its_server_as_well() -> None:
    seat = Seat(Role.CLIENT, limits=SLOW)
    seat.peer.say(seat.frame(TEXT, b"x") * 40)
    seat.turn(3)
    assert len(seat.heard) <= 5 + 8
    run(seat.network, 4.0, seat.ours)
    assert len(seat.heard) == 40
    assert seat.ours.statistics().limited["messages_per_second"] >= 3


@pytest.mark.parametrize("rate", [5e-324, 1e-300, 1e-9, 1e300, math.inf])
@pytest.mark.parametrize("name", ["messages_per_second", "bytes_per_second"])
def test_any_rate_that_is_positive_will_do(name: str, rate: float) -> None:
    house = House(limits=Limits(**{name: rate}))  # type: ignore[arg-type]
    peer = house.peer()
    for _ in range(3):
        if not house.statistics.limited.get(name):
            peer.say(numbers(99), binary(bytes(120_000)))
        house.run(0.1)
    assert bool(house.statistics.limited.get(name, 0)) == (rate < 1)
    assert len(house.heard("message")) >= (200 if rate < 1 else 300), "a burst passes"


@pytest.mark.parametrize("how", ["close", "overflow"])
def test_who_is_held_and_reads_nothing_is_gone_within_the_closing_time(how: str) -> None:
    house = House(limits=replace(HELD, queue_bytes=6000), conditions=Conditions(buffer_bytes=4000))
    held(house)
    ws = house.ws()
    for _ in range(2):
        assert ws.send(bytes(5000))
        house.turn()
    if how == "close":
        ws.close(4000)
    else:
        assert not ws.send(bytes(5000))
    house.run(1.2)
    assert house.closes == [("/", 1006, "") if how == "close" else ("/", 1008, "send queue full")]
    assert nothing_left(house)
