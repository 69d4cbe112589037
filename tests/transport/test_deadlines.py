"""Deadlines: who is pinged, who is given up, and that nobody is for time in which we did not read."""

import logging
from typing import Any

import pytest

from tests.transport.peers import FRAME, SLOW, House, Peer, close, nothing_left, pong, text
from tickws.protocol.limits import Limits
from tickws.testing import Conditions
from tickws.transport.readingtime import STALL

QUICK = Limits(handshake_seconds=2.0, closing_seconds=1.0, ping_seconds=4.0, dead_seconds=3.0)


def pings(peer: Peer) -> list[bytes]:
    return [each[1] for each in peer.receive() if isinstance(each, tuple) and each[0] == "ping"]


# The handshake


@pytest.mark.parametrize("said", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: a\r\n"])
def test_who_does_not_ask_in_time_is_dropped(said: bytes) -> None:
    house = House(limits=QUICK)
    peer = house.dial()
    peer.say(said)
    house.run(1.9)
    assert not peer.gone
    house.run(0.2)
    assert peer.gone
    assert house.statistics.timed_out == 1
    assert (house.opens, house.closes) == ([], [])
    assert nothing_left(house)


def test_a_request_that_trickles_in_has_one_deadline_for_all_of_it() -> None:
    house = House(limits=QUICK)
    peer = house.dial()
    for _ in range(25):
        if not peer.gone:
            peer.say(b"G")
        house.run(0.1)
    assert peer.gone


def test_after_the_handshake_its_deadline_is_forgotten() -> None:
    house = House(limits=QUICK)
    peer = house.peer()
    house.run(3.0)
    assert not peer.gone


# Keeping alive


def test_a_silent_peer_is_pinged_and_dropped_when_it_stays_silent() -> None:
    house = House(limits=QUICK)
    peer = house.peer()
    house.run(3.9)
    assert pings(peer) == []
    house.run(0.2)
    assert len(pings(peer)) == 1
    house.run(2.8)
    assert house.closes == []
    house.run(0.2)
    assert house.closes == [("/", 1006, "")]
    assert pings(peer) == [], "pinged once"
    assert house.statistics.timed_out == 1


@pytest.mark.parametrize("life", [pong(), pong(b"unasked"), text("hi"), text("hello")[:1], close(1000)[:2]])
def test_any_byte_proves_life(life: bytes) -> None:
    house = House(limits=QUICK)
    peer = house.peer()
    house.run(6.5)
    peer.say(life)
    house.run(3.0)
    assert house.closes == []
    house.run(4.4)
    assert [code for _, code, _ in house.closes] == [1006]


def test_who_answers_stays_for_ever_and_its_latency_is_known() -> None:
    house = House(limits=QUICK)
    peer = house.peer(conditions=Conditions(latency=0.0))
    ws = house.ws()
    assert ws.latency is None
    for turn in range(10):
        house.run(4.1)
        (payload,) = pings(peer)
        house.clock.advance(0.1)
        peer.say(pong(b"not this"), pong(payload), pong(payload))
        house.run(FRAME)
        assert ws.latency is not None
        assert 0.1 <= ws.latency <= 0.3, turn
        assert ws.statistics().latency == ws.latency
    assert house.closes == []


def test_who_talks_is_never_pinged() -> None:
    house = House(limits=QUICK)
    peer = house.peer()
    for _ in range(20):
        peer.say(text("x"))
        house.run(1.0)
    assert pings(peer) == []


def test_who_takes_bytes_is_alive_though_it_says_nothing() -> None:
    """A slow download proves life; false time-outs behind bulk data are a known fault elsewhere."""
    house = House(limits=QUICK)
    peer = house.peer(conditions=SLOW)
    house.ws().send(bytes(40_000))
    for _ in range(38):
        peer.listen(1000)
        house.run(0.5)
    assert house.closes == []


def test_who_takes_nothing_and_says_nothing_is_dropped() -> None:
    house = House(limits=QUICK)
    house.peer(conditions=SLOW)
    house.ws().send(bytes(40_000))
    house.run(6.9)
    assert house.closes == []
    house.run(0.3)
    assert house.closes == [("/", 1006, "")]


# Time in which we did not read


@pytest.mark.parametrize("jump", [60.0, 3600.0, 1e6])
def test_a_host_that_hangs_kills_nobody(jump: float) -> None:
    house = House(limits=QUICK)
    silent, asking, closing, talking = house.peer("/silent"), house.dial(), house.peer("/closing"), house.peer("/talk")
    house.ws("/closing").close(4000)
    house.turn()
    asking.ask("/asking")
    talking.say(text("hello"))
    closing.say(close(4000))
    house.clock.advance(jump)
    house.turn(3)
    assert sorted(map(str, house.opens)) == ["/asking", "/closing", "/silent", "/talk"]
    assert house.closes == [("/closing", 4000, "")]
    assert house.heard("message") == ["hello"]
    assert house.statistics.timed_out == 0
    assert not silent.gone


def test_a_host_of_slow_frames_gives_each_peer_its_time_in_slices() -> None:
    """Each pause counts for at most 0.25 s, however long it is."""
    assert STALL == 250_000_000
    house = House(limits=QUICK)
    house.dial()
    house.turn()
    for _ in range(7):
        house.clock.advance(10.0)
        house.turn()
    assert house.statistics.timed_out == 0
    house.clock.advance(10.0)
    house.turn()
    assert house.statistics.timed_out == 1


@pytest.mark.parametrize("waits_for_the_descriptor", [True, False])
def test_time_that_a_host_waits_for_our_descriptor_counts_whole(waits_for_the_descriptor: bool) -> None:
    """It listens in our place; who just does not call has not listened."""
    house = House(limits=QUICK)
    house.peer()
    poller: Any = house.server._poller
    poller.fileno = lambda: 77
    if waits_for_the_descriptor:
        house.server.fileno()
    start, slices = house.clock.now(), 0
    while not house.closes:
        house.clock.advance(house.server.next_deadline() or 0.0)
        house.turn()
        slices += 1
        assert slices < 100
    assert house.closes == [("/", 1006, "")]
    if waits_for_the_descriptor:
        assert house.clock.now() - start == pytest.approx(7.0)
        assert slices == 2
    else:
        assert slices > 20


def test_a_host_that_hangs_instead_of_waiting_for_our_descriptor_kills_nobody() -> None:
    house = House(limits=QUICK)
    peer, asking = house.peer(), house.dial()
    house.turn()
    poller: Any = house.server._poller
    poller.fileno = lambda: 77
    house.server.fileno()
    asking.ask("/asking")
    peer.say(text("hello"))
    house.clock.advance(3600.0)
    house.turn(2)
    assert house.statistics.timed_out == 0
    assert house.opens == ["/", "/asking"]


def test_time_asleep_in_work_counts_whole() -> None:
    house = House(limits=QUICK)
    house.dial()
    house.turn()
    while house.statistics.connections:
        house.server.work(60.0)
    assert house.clock.now() == pytest.approx(2.0)


def test_a_sleep_that_lasted_an_hour_counts_as_what_it_was_meant_to_be() -> None:
    """A laptop was shut."""
    house = House(limits=QUICK)
    house.dial()
    house.turn()
    poller = house.server._poller
    poll = poller.poll

    def shut(timeout: float | None) -> list[tuple[int, int]]:
        house.clock.advance(3600.0)
        return poll(0)

    poller.poll = shut  # type: ignore[method-assign]
    house.server.work(0.5)
    assert house.statistics.timed_out == 0


def test_whatever_was_said_before_the_deadline_is_read_first() -> None:
    """The deadline and the request are found in the same slice, and the pass begins with the deadlines."""
    house = House(limits=QUICK)
    peer = house.dial()
    house.run(1.9)
    house.server._turns._missed = 2
    peer.ask()
    house.clock.advance(0.2)
    house.turn(2)
    assert peer.receive_status() == 101
    assert house.statistics.timed_out == 0


def test_many_deadlines_at_once_are_all_met() -> None:
    house = House(limits=QUICK)
    for _ in range(300):
        house.dial()
    house.run(2.1)
    assert house.statistics.timed_out == 300
    assert nothing_left(house)


def test_given_up_peers_are_named_at_debug(caplog: pytest.LogCaptureFixture) -> None:
    house = House(limits=QUICK)
    with caplog.at_level(logging.DEBUG, "tickws"):
        house.dial()
        house.peer()
        house.run(8.0)
    assert [record.levelname for record in caplog.records] == ["DEBUG", "DEBUG"]
    assert "timed out, handshake" in caplog.text
    assert "silent for 7" in caplog.text


def test_who_dribbles_through_a_handshake_does_not_stretch_it() -> None:
    """A byte in each frame, so that there is something to read whenever the deadline is looked at."""
    house = House(limits=QUICK)
    peer = house.dial()
    peer.say(b"GET / HTTP/1.1\r\nX: ")
    frames = 0
    while house.statistics.timed_out == 0 and frames < 600:
        peer.say(b"x")
        house.clock.advance(1 / 60)
        house.turn()
        frames += 1
    assert frames <= QUICK.handshake_seconds * 60 + 2


def test_pings_go_together_so_that_an_idle_server_wakes_seldom() -> None:
    """A hundred who came one by one within two seconds are pinged in five slices, half a second apart."""
    house = House()
    peers = []
    for _ in range(100):
        peers.append(house.peer())
        house.run(0.02)
    before = house.statistics.messages_sent
    slices = 0
    for _ in range(60 * 23):
        house.clock.advance(1 / 60)
        writes = house.statistics.steps["write"].count
        house.server.work(0.004, wait=0)
        slices += house.statistics.steps["write"].count > writes
    assert house.statistics.messages_sent == before, "pings are no messages"
    assert [len(pings(peer)) for peer in peers] == [1] * 100
    assert slices <= 6
