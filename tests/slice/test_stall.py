"""Stall: clients who stop reading cost the others nothing; what waits is bounded, its age told once a spell."""

from typing import Any

import pytest

import tickws
from tests.game.helpers import RawClient, Table
from tests.transport.peers import SLOW, House, Peer
from tickws.protocol.limits import Limits
from tickws.testing import Conditions, MemoryNetwork
from tickws.transport.websocket import WebSocket

FRAME = 1 / 64
"""Of these tests: so that times are exact."""
LINE = 1000
"""Bytes that a slow line holds."""


class Stall:
    """A server that is worked in frames of 1/64 s, and tells of slow clients.

    Args:
        options: of the house.
    """

    def __init__(self, **options: Any) -> None:
        self.slow: list[tuple[str, float, float]] = []
        """Path, seconds and the time of each call of on_slow."""
        self.then: Any = None
        self.house = House(**{"on_slow": self._on_slow, **options})
        self.server = self.house.server

    def _on_slow(self, ws: WebSocket, seconds: float) -> None:
        self.slow.append((ws.request.path, seconds, self.house.clock.now()))
        if self.then is not None:
            self.then(ws)

    def frames(self, count: int) -> None:
        for _ in range(count):
            self.house.turn()
            self.house.clock.advance(FRAME)

    def seconds(self, seconds: float) -> None:
        self.frames(round(seconds / FRAME))

    def stalled(self, path: str = "/slow", waiting: int = 3000) -> tuple[Peer, WebSocket]:
        """A client on a slow line that is full from this instant on."""
        peer = self.house.peer(path, conditions=SLOW)
        ws = self.house.ws(path)
        assert ws.send("x" * waiting)
        self.house.turn()
        return peer, ws


# The others


@pytest.mark.parametrize("stalled", [1, 10, 20])
@pytest.mark.parametrize("latest", [False, True])
def test_the_others_get_every_snapshot_in_its_frame(latest: bool, stalled: int) -> None:
    house = House(limits=Limits(ping_seconds=1e6))
    readers = house.peers(50 - stalled)
    slow = [house.peer(f"/slow{number}", conditions=Conditions(buffer_bytes=LINE)) for number in range(stalled)]
    for number in range(240):
        snapshot = f"{number:04}" + "x" * 200
        for ws in house.server.connections:
            ws.send_latest("snapshot", snapshot) if latest else ws.send(snapshot)
        house.turn()
        assert [peer.receive() for peer in readers] == [[snapshot]] * len(readers)
        house.clock.advance(FRAME)
    for number in range(stalled):
        ws = house.ws(f"/slow{number}")
        queued = ws.statistics()
        if latest:
            assert ws.queued_bytes <= 206, "a part of one snapshot, and the newest beside it"
        else:
            assert queued.queued_messages == 240 - 5
    for peer in slow:
        heard: list[Any] = []
        for _ in range(240):
            heard += peer.receive()
            house.turn()
        numbers = [int(message[:4]) for message in heard]
        if latest:
            assert numbers == [0, 1, 2, 3, 4, 239], "what was committed, and the newest"
        else:
            assert numbers == list(range(240))


def test_a_game_shows_the_others_the_world_as_without() -> None:
    """Ticks of the snapshots that they had, frame by frame, with and without twenty clients that read nothing."""

    def seen(stalls: bool) -> list[list[int]]:
        table = Table(snapshot_rate=20, network=MemoryNetwork(conditions=Conditions(buffer_bytes=4000)))
        table.publish_each_tick({number: {"x": 0.5, "name": f"entity {number}"} for number in range(20)})
        raws = [RawClient(table, "/") for _ in range(25)]
        for raw in raws:
            raw.hello()
        table.run(0.5)
        for raw in raws[5:]:
            if stalls:
                raw.line.stall()
        ticks: list[list[int]] = []
        for _ in range(180):
            for raw in raws:
                if raw.snapshots:
                    raw.say(4, 0, raw.snapshots[-1].tick)
            table.run(1 / 60)
            ticks.append([raw.snapshots[-1].tick for raw in raws[:5]])
        assert len(table.game.players) == 25
        slow = {event.player.id for event in table.of(tickws.PlayerSlow)}
        assert len(slow) == (20 if stalls else 0)
        assert len(table.of(tickws.PlayerSlow)) == len(slow), "once a spell"
        return ticks

    assert seen(stalls=True) == seen(stalls=False)


def test_a_player_is_called_slow_once_a_spell_by_its_socket_or_by_its_silence() -> None:
    """The socket's queue is half full first; the age of what is not acknowledged comes after."""
    limits = tickws.GameLimits(queue_bytes=3000)
    table = Table(conditions=Conditions(buffer_bytes=LINE), limits=limits)
    table.publish_each_tick()
    raw = table.raw()
    player = table.player(1)
    for spell in (1, 2):
        raw.line.stall()
        for _ in range(30):
            player.send("news", "x" * 100)
            table.run(1 / 60)
        table.run(6.0)
        assert len(table.of(tickws.PlayerSlow)) == spell
        raw.line.stall(False)
        for _ in range(60):
            table.run(1 / 60)
            raw.say(4, len(raw.messages), raw.snapshots[-1].tick)
        assert player.connected
    assert table.of(tickws.PlayerSlow)[0].seconds < 1.0


# The bounds


@pytest.mark.parametrize("limit", ["messages", "bytes"])
def test_the_queue_is_bounded_to_the_message_and_to_the_byte(limit: str) -> None:
    stall = Stall(limits=Limits(queue_messages=10) if limit == "messages" else Limits(queue_bytes=1000))
    _, ws = stall.stalled()
    stall.house.turn()
    assert ws.statistics().queued_messages == 0, "it is the socket that waits"
    if limit == "messages":
        assert all(ws.send("x") for _ in range(10))
    else:
        assert ws.send("x" * 498)  # 4 bytes of head each above 125
        assert ws.send("x" * (500 - 4 - 2))
    stall.frames(4)
    assert ws.open
    assert not ws.send("")
    assert not ws.open
    stall.seconds(8)
    assert stall.house.closes == [("/slow", 1008, "send queue full")]


def test_of_latest_values_one_waits() -> None:
    stall = Stall()
    peer, ws = stall.stalled()
    for number in range(500):
        assert ws.send_latest("key", str(number))
        stall.frames(1)
    assert ws.statistics().queued_messages == 0
    stall.house.turn()
    peer.receive()
    heard: list[object] = []
    for _ in range(10):
        stall.house.turn()
        heard += peer.receive()
    assert [message for message in heard if isinstance(message, str)] == ["x" * 3000, "499"]


# How old is what waits


def test_the_age_of_the_oldest_byte_is_exact_to_a_frame() -> None:
    stall = Stall(limits=Limits(slow_seconds=1e6))
    peer = stall.house.peer("/slow", conditions=SLOW)
    ws = stall.house.ws("/slow")
    for _ in range(10):
        ws.send("x")
        stall.frames(1)
        assert ws.unsent_seconds == 0.0
        peer.receive()
    ws.send("x" * 1500)
    stall.frames(1)
    for number in range(64):
        assert ws.unsent_seconds == ws.statistics().unsent_seconds == number * FRAME
        if number == 32:
            ws.send("y" * 800)  # it will be the oldest, once the first is through
        stall.frames(1)
    peer.receive()  # the first is all on the line now, and as much of the second as fits
    stall.house.turn()
    stall.house.turn()
    assert ws.unsent_seconds == 33 * FRAME, "it was queued in the 33rd frame before this one"
    stall.frames(8)
    assert ws.unsent_seconds == 40 * FRAME
    peer.receive()
    stall.house.turn()
    stall.house.turn()
    assert ws.unsent_seconds == 0.0
    ws.send("z")
    stall.frames(10)
    assert ws.unsent_seconds == 0.0


def test_a_hitch_of_the_host_makes_nobody_slow() -> None:
    stall = Stall()
    peer, ws = stall.stalled()
    for _ in range(3):
        stall.house.clock.advance(10.0)
        stall.house.turn()
    assert ws.unsent_seconds == 0.75, "a quarter of a second each"
    assert stall.slow == []
    for _ in range(8):
        peer.receive()
        stall.frames(1)
    assert ws.unsent_seconds == 0.0


# on_slow


@pytest.mark.parametrize("slow_seconds", [0.25, 1.0, 2.0])
@pytest.mark.parametrize("phase", [0, 3, 9])
def test_on_slow_comes_once_a_spell_not_before_its_time_and_a_quarter_of_it_later_at_most(
    slow_seconds: float, phase: int
) -> None:
    stall = Stall(limits=Limits(slow_seconds=slow_seconds))
    stall.stalled("/other", 2000)
    stall.frames(phase)  # the other one sets the rhythm in which is looked
    peer, ws = stall.stalled()
    begun = stall.house.clock.now()
    stall.seconds(10 * slow_seconds)
    calls = [call for call in stall.slow if call[0] == "/slow"]
    assert len(calls) == 1
    _, seconds, instant = calls[0]
    assert slow_seconds <= seconds <= 1.25 * slow_seconds + FRAME
    assert seconds == instant - begun
    for _ in range(8):  # it recovers, and a new spell begins
        peer.receive()
        stall.frames(1)
    assert ws.unsent_seconds == 0.0
    ws.send("x" * 3000)
    stall.house.turn()
    begun = stall.house.clock.now()
    stall.seconds(10 * slow_seconds)
    calls = [call for call in stall.slow if call[0] == "/slow"]
    assert len(calls) == 2
    assert slow_seconds <= calls[1][2] - begun <= 1.25 * slow_seconds + FRAME


def test_a_peer_that_takes_a_little_now_and_then_is_in_the_same_spell() -> None:
    stall = Stall()
    peer, ws = stall.stalled(waiting=20_000)
    for _ in range(16):
        stall.frames(16)
        peer.listen(500)
    assert len(stall.slow) == 1
    assert ws.queued_bytes > 0


@pytest.mark.parametrize("what", ["bytes", "messages"])
def test_a_queue_that_is_half_full_tells_earlier(what: str) -> None:
    limits = Limits(queue_bytes=10_000) if what == "bytes" else Limits(queue_messages=20)
    stall = Stall(limits=limits)
    _, ws = stall.stalled()
    for _ in range(10):
        ws.send("x" * (496 if what == "bytes" else 1))
    stall.seconds(0.5)
    assert stall.slow == [], "exactly half is not more than half"
    ws.send("x")
    stall.seconds(0.25)
    ((path, seconds, _),) = stall.slow
    assert path == "/slow"
    assert 0.5 <= seconds <= 0.75
    stall.seconds(5)
    assert len(stall.slow) == 1


@pytest.mark.parametrize("act", ["close", "abort", "send", "server"])
def test_on_slow_may_do_anything(act: str) -> None:
    stall = Stall(limits=Limits(queue_messages=3))

    def then(ws: WebSocket) -> None:
        if act == "close":
            ws.close(4000, "too slow")
        elif act == "abort":
            ws.abort()
        elif act == "send":
            while ws.send("more"):
                pass
        else:
            stall.server.close()

    stall.then = then
    stall.stalled("/first")
    stall.stalled("/second")
    for _ in range(64 * 9):
        stall.server.work(None, wait=0)
        stall.house.clock.advance(FRAME)
    # A slow peer's Close never goes out; on_close tells what we had decided, or that nothing was heard.
    assert sorted(path for path, _, _ in stall.house.closes) == ["/first", "/second"]
    told = [path for path, _, _ in stall.slow]
    assert told in (["/first", "/second"], ["/first"]) if act == "server" else told == ["/first", "/second"]
    if act == "send":
        assert {code for _, code, _ in stall.house.closes} == {1008}


@pytest.mark.parametrize("errors", ["close", "raise", "callable"])
def test_what_on_slow_raises_costs_its_connection(errors: Any, caplog: pytest.LogCaptureFixture) -> None:
    heard: list[tuple[Exception, object]] = []
    stall = Stall(errors=(lambda error, source: heard.append((error, source))) if errors == "callable" else errors)

    def then(ws: WebSocket) -> None:
        raise ZeroDivisionError

    stall.then = then
    _, ws = stall.stalled()
    raised = 0
    for _ in range(64 * 8):
        try:
            stall.server.work(None, wait=0)
        except ZeroDivisionError:
            raised += 1
        stall.house.clock.advance(FRAME)
    assert raised == (errors == "raise")
    assert [(type(error), source) for error, source in heard] == [(ZeroDivisionError, ws)] * (errors == "callable")
    assert ("a callback raised" in caplog.text) == (errors == "close")
    assert stall.house.closes == [("/slow", 1011, "internal error")]
    assert stall.house.statistics.callback_errors == 1
    assert len(stall.slow) == 1


def test_a_mounted_handler_hears_of_its_own() -> None:
    calls: list[tuple[str, float]] = []

    class Mounted(tickws.Handler):
        def on_slow(self, ws: WebSocket, seconds: float) -> None:
            calls.append((ws.request.path, seconds))

    stall = Stall()
    stall.server.mount("/game", Mounted())
    peer = stall.house.dial(conditions=SLOW)
    peer.ask("/game")
    stall.house.turn(3)
    (ws,) = stall.server._links.mounted
    ws.send("x" * 3000)
    stall.seconds(5)
    assert calls == [("/game", 1.0)]
    assert stall.slow == []


def test_nobody_is_told_of_a_link_that_is_closing() -> None:
    stall = Stall(limits=Limits(closing_seconds=100.0))
    _, ours = stall.stalled("/ours")
    ours.close()
    theirs, _ = stall.stalled("/theirs")
    theirs.say(b"\x88\x80\x00\x00\x00\x00")
    stall.seconds(5)
    assert stall.slow == []


def test_who_recovers_before_its_time_is_not_told_of() -> None:
    stall = Stall()
    peer, _ = stall.stalled()
    for _ in range(20):
        stall.seconds(0.75)
        for _ in range(8):
            peer.receive()
            stall.frames(1)
        stall.house.ws("/slow").send("x" * 3000)
        stall.house.turn()
    assert stall.slow == []


@pytest.mark.parametrize("budget", [0.0, 1e-6])
def test_each_is_told_of_though_there_is_time_for_one_a_slice(budget: float) -> None:
    """What is owed keeps a host that waits awake."""
    stall = Stall()
    for number in range(5):
        stall.stalled(f"/{number}")
    stall.house.clock.advance(0.25)
    while not stall.slow:
        stall.server.work(0, wait=0)
        stall.house.clock.advance(0.125)
    for _ in range(60):
        if not stall.server._busy():
            break
        stall.server.work(budget, wait=0)
    assert sorted(path for path, _, _ in stall.slow) == [f"/{number}" for number in range(5)]
