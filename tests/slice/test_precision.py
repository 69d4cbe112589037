"""Precision: ticks are as punctual as the machine's sleep, to the nanosecond; input between them is answered."""

import itertools
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

import tickws
from tests.game.helpers import Move
from tests.slice.rigs import BUDGET, PERIOD, Flooder
from tests.transport.peers import House, Peer, text
from tickws.clock import ManualClock
from tickws.errors import UsageError
from tickws.game.server import GameServer
from tickws.loop.subsystem import Subsystem
from tickws.loop.tickloop import TickLoop
from tickws.loop.timestep import Tick
from tickws.testing import Conditions
from tickws.transport.websocket import WebSocket

TINY = 3e-9
"""Seconds: a period is no whole number of nanoseconds."""


class Oversleeping(ManualClock):
    """A clock whose sleeps last longer than they should, by these seconds in turn."""

    def __init__(self, by: Sequence[float]) -> None:
        super().__init__(50.0)
        self._by = itertools.cycle(by)

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.advance(next(self._by))


class Costly(Subsystem):
    """Takes time to receive and to flush."""

    def __init__(self, clock: ManualClock, receive: float = 0.0, flush: float = 0.0) -> None:
        self._clock = clock
        self._costs = receive, flush

    def receive(self, budget: float | None) -> None:
        self._clock.advance(self._costs[0])

    def flush(self, budget: float | None) -> None:
        self._clock.advance(self._costs[1])


def run(loop: TickLoop, ticks: int) -> None:
    loop.system(name="stopper")(lambda tick: loop.stop() if tick.number == ticks - 1 else None)
    loop.run()


# How late


@pytest.mark.parametrize("by", [[0.0], [0.0005], [0.0, 0.0001, 0.003, 0.00002]])
def test_frames_are_late_by_what_the_clock_oversleeps(by: list[float]) -> None:
    clock = Oversleeping(by)
    loop = TickLoop(60, clock=clock)
    loop.add(Costly(clock, 0.001, 0.002), budget=BUDGET)
    run(loop, 401)
    late = loop.statistics().frame_lateness
    assert late.count == loop.statistics().frames == 401
    assert late.worst == pytest.approx(max(by), abs=2 * TINY)
    assert late.mean == pytest.approx(sum(by) / len(by) * 400 / 401, abs=2 * TINY)


@pytest.mark.parametrize("receive", [0.0, 0.001, 0.004])
def test_ticks_are_late_by_that_and_by_what_receive_takes(receive: float) -> None:
    clock = Oversleeping([0.0005])
    loop = TickLoop(60, clock=clock)
    loop.add(Costly(clock, receive, 0.003), budget=BUDGET)
    loop.system(name="game")(lambda tick: clock.advance(0.002))
    run(loop, 300)
    statistics = loop.statistics()
    assert statistics.lateness.worst == pytest.approx(0.0005 + receive, abs=2 * TINY)
    assert statistics.frame_lateness.worst == pytest.approx(0.0005, abs=2 * TINY)
    assert statistics.rate == pytest.approx(60, rel=1e-3)
    assert statistics.slipped == 0.0


def test_a_frame_behind_a_tick_that_is_too_long_is_late_by_the_rest_of_it() -> None:
    clock = ManualClock()
    loop = TickLoop(60, clock=clock)
    loop.system(name="game")(lambda tick: clock.advance(0.020 if tick.number == 50 else 0.0))
    run(loop, 60)
    assert loop.statistics().frame_lateness.worst == pytest.approx(0.020 - PERIOD, abs=2 * TINY)


def test_in_a_loop_of_yours_nothing_is_said_of_when_frames_begin() -> None:
    loop = TickLoop(60, clock=ManualClock())
    for _ in range(10):
        loop.frame()
        loop.clock.sleep(0.02)
    assert loop.statistics().frame_lateness.count == 0


# Between the ticks: wake_on_input


class Waking(Subsystem):
    """A server that is waited for, on a loop of its own; it notes the seconds that each frame of it took.

    Args:
        cost: seconds of the callback for a message.
        latency: of the lines, in seconds.
        options: of `loop.add`.
    """

    def __init__(self, cost: float = 0.0, latency: float = 0.005, wake: bool = True, **options: Any) -> None:
        self.cost = cost
        self.latency = latency
        self.heard: list[tuple[float, str]] = []
        self.house = House(on_message=self._echo)
        self.clock = self.house.clock
        self.loop = TickLoop(60, clock=self.clock, wake_on_input=wake)
        self.ticks: list[float] = []
        self.frames: list[float] = []
        self.waits = 0
        self.before_waiting: Callable[[], object] = lambda: None
        self.loop.add(Marker(self.frames))
        self.loop.add(self, **{"budget": BUDGET, **options})
        self.loop.system(name="note")(lambda tick: self.ticks.append(self.clock.now()))

    def _echo(self, ws: WebSocket, message: str) -> None:
        self.heard.append((self.clock.now(), message))
        self.clock.advance(self.cost)
        ws.send(message)

    def receive(self, budget: float | None) -> None:
        self._timed(self.house.server.receive, budget)

    def flush(self, budget: float | None) -> None:
        self._timed(self.house.server.flush, budget)

    def _timed(self, half: Callable[[float | None], object], budget: float | None) -> None:
        begun = self.clock.now()
        half(budget)
        self.frames[-1] += self.clock.now() - begun

    def wait(self, seconds: float) -> bool:
        self.waits += 1
        assert self.waits < 50_000, "it spins"
        self.before_waiting()
        return self.house.server.wait(seconds)

    @property
    def waited(self) -> float:
        return self.house.server.waited

    def peer(self) -> Peer:
        """A client that is in once the loop has run for a few ticks."""
        peer = self.house.dial(conditions=Conditions(latency=self.latency))
        peer.ask()
        return peer


class Marker(Subsystem):
    """Where a frame begins."""

    def __init__(self, frames: list[float]) -> None:
        self._frames = frames

    def receive(self, budget: float | None) -> None:
        self._frames.append(0.0)


@pytest.mark.parametrize("latency", [0.0001, 0.005, 0.010, 0.0155])
def test_input_between_ticks_is_in_its_callback_when_it_arrives_and_answered_before_the_next(latency: float) -> None:
    waking = Waking(latency=latency)
    peer = waking.peer()
    said: list[float] = []
    echoes: list[float] = []

    @waking.loop.system
    def speak(tick: Tick) -> None:
        if tick.number >= 10 and tick.number % 4 == 0:
            peer.say(text(str(tick.number)))
            said.append(waking.clock.now())
        if tick.number >= 10 and tick.number % 4 == 1:  # the answer is on its way
            echoes.append(peer.socket.events_at()[0] / 1e9)
        if tick.number >= 10 and tick.number % 4 == 3:
            peer.receive_frames()

    run(waking.loop, 100)
    assert [instant for instant, _ in waking.heard] == pytest.approx([instant + latency for instant in said], abs=TINY)
    assert echoes == pytest.approx([instant + 2 * latency for instant in said[: len(echoes)]], abs=TINY)
    statistics = waking.loop.statistics()
    assert statistics.lateness.worst <= TINY
    assert statistics.frame_lateness.worst <= TINY


def test_without_it_input_waits_for_the_tick() -> None:
    waking = Waking(wake=False)
    peer = waking.peer()
    waking.loop.system(name="speak")(lambda tick: peer.say(text("x")) if tick.number == 10 else None)
    run(waking.loop, 20)
    assert [instant for instant, _ in waking.heard] == [waking.ticks[11]]
    assert waking.waits == 0


@pytest.mark.parametrize("cost", [0.0005, 0.001])
@pytest.mark.parametrize("latency", [0.0, 0.004, 0.0135, 0.0155, 0.0162])
def test_ticks_are_not_late_for_it(latency: float, cost: float) -> None:
    waking = Waking(cost, latency)
    peer = waking.peer()
    waking.loop.system(name="speak")(lambda tick: peer.say(text("x")) if tick.number >= 10 else None)
    run(waking.loop, 200)
    assert len(waking.heard) >= 188
    assert waking.loop.statistics().frame_lateness.worst <= TINY


@pytest.mark.parametrize("most", [None, 0.008])
@pytest.mark.parametrize("cost", [0.0001, 0.0005])
def test_a_flooder_cannot_make_it_spin(cost: float, most: float | None) -> None:
    """All slices of a frame share its budget."""
    waking = Waking(cost, most=most)
    flooder: Any = Flooder(waking, "/flooder")  # type: ignore[arg-type]
    waking.house.log.clear()

    def fill() -> None:
        flooder.peer.receive()
        flooder.fill()

    waking.before_waiting = fill
    run(waking.loop, 120)
    assert max(waking.frames) <= (most or BUDGET) + 2 * cost + TINY, "a step of each half"
    assert sorted(waking.frames)[len(waking.frames) // 2] >= (most or BUDGET) * 0.9, "what it has, it uses"
    assert waking.loop.statistics().frame_lateness.worst <= TINY
    heard = waking.house.heard("message", "/flooder")
    assert heard == [str(number) for number in range(len(heard))]


@pytest.mark.parametrize("count", [0, 2])
def test_it_waits_for_one(count: int) -> None:
    house = House()
    loop = TickLoop(60, clock=house.clock, wake_on_input=True)
    loop.add(Subsystem())
    for _ in range(count):
        loop.add(tickws.WebSocketServer(network=house.network, port=0))
    with pytest.raises(UsageError, match=f"this loop has {count}"):
        loop.run()
    loop.frame()  # it is as it was
    assert loop.ticks == 1


def test_a_game_can_be_waited_for() -> None:
    house = House()
    loop = TickLoop(60, clock=house.clock, wake_on_input=True)
    game: Any = loop.add(GameServer(inputs=Move, network=house.network, port=8057), budget=BUDGET)
    peer = Peer(house.network, game.port, conditions=Conditions(latency=0.004))
    peer.ask("/tickws.js")
    answered: list[float] = []

    @loop.system
    def note(tick: Tick) -> None:
        answered.append(peer.socket.events_at()[0] / 1e9)

    run(loop, 3)
    assert answered[1] == pytest.approx(0.008, abs=TINY), "asked at 0, read at 4 ms, answered at once"


@pytest.mark.parametrize("end", ["abort", "close"])
def test_a_server_that_is_closed_leaves_a_loop_that_sleeps(end: str) -> None:
    waking = Waking()

    @waking.loop.system
    def leave(tick: Tick) -> None:
        if tick.number == 5:
            getattr(waking.house.server, end)()

    run(waking.loop, 60)
    assert waking.waits <= 2 * 60
    assert waking.loop.statistics().frame_lateness.worst <= TINY
    assert waking.ticks[-1] == pytest.approx(59 * PERIOD, abs=1e-6)


def test_stop_from_elsewhere_ends_it_with_the_sleep_that_goes_on() -> None:
    waking = Waking()
    calls = 0

    def stop() -> None:
        nonlocal calls
        calls += 1
        if calls == 10:
            thread = threading.Thread(target=waking.loop.stop)
            thread.start()
            thread.join(30)

    waking.before_waiting = stop
    waking.loop.run()
    assert waking.loop.ticks == 10


def test_a_send_from_another_thread_goes_out_at_once() -> None:
    waking = Waking()
    peer = waking.peer()
    poller: Any = waking.house.server._poller
    poll = poller.poll
    sent: list[float] = []

    def poll_while_somebody_sends(timeout: float | None) -> list[tuple[int, int]]:
        if timeout and waking.loop.ticks == 20 and not sent:
            waking.clock.advance(0.004)  # it sleeps already
            sent.append(waking.clock.now())
            thread = threading.Thread(target=waking.house.ws().send, args=("hello",))
            thread.start()
            thread.join(30)
            timeout -= 0.004
        found: list[tuple[int, int]] = poll(timeout)
        return found

    poller.poll = poll_while_somebody_sends
    arrival: list[float] = []
    waking.loop.system(name="look")(lambda tick: arrival.append(peer.socket.events_at()[0] / 1e9))
    waking.loop.system(name="read")(lambda tick: peer.listen() if tick.number == 15 else None)
    run(waking.loop, 21)
    waking.house.clock.advance(1.0)
    assert peer.receive()[0] == "hello"
    assert arrival[20] == pytest.approx(sent[0] + 0.005, abs=TINY)


def test_frame_never_waits() -> None:
    waking = Waking()
    waking.peer()
    for _ in range(20):
        before = waking.clock.now()
        waking.loop.frame()
        assert waking.clock.now() == before
        waking.clock.advance(PERIOD / 2)
    assert waking.waits == 0


@pytest.mark.parametrize("errors", ["raise", "log"])
def test_what_a_callback_raises_between_ticks_leaves_as_from_a_frame(
    errors: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """And whoever was answered before it has the answer."""
    house = House(errors="raise", on_message=lambda ws, message: 1 / 0 if message == "bad" else ws.send(message))
    loop = TickLoop(60, clock=house.clock, wake_on_input=True, errors=errors)
    loop.add(house.server, budget=BUDGET)
    peers = [house.dial(conditions=Conditions(latency=0.004)) for _ in range(2)]
    for peer in peers:
        peer.ask()

    @loop.system
    def speak(tick: Tick) -> None:
        if tick.number == 10:
            peers[0].say(text("good"))
            peers[1].say(text("bad"))
        if tick.number == 20:
            loop.stop()

    if errors == "raise":
        with pytest.raises(ZeroDivisionError):
            loop.run()
        assert loop.ticks == 11
    else:
        loop.run()
        assert "raised an exception" in caplog.text
    house.clock.advance(1.0)
    assert peers[0].receive()[0] == "good"
