"""Hitch: the game blocks once for half a second. Nothing is lost, nobody is thrown out, and it is over soon."""

from typing import Any

import pytest

import tickws
from tests.game.helpers import Move, Table
from tests.slice.rigs import BUDGET, PERIOD
from tests.transport.peers import House, text
from tickws.loop.events import LoopSlipped, LoopSlow
from tickws.loop.subsystem import Subsystem
from tickws.loop.tickloop import TickLoop
from tickws.loop.timestep import Tick
from tickws.protocol.limits import Limits

HITCH = 0.5
BEFORE = 60
"""The tick that blocks."""


class Crowd(Subsystem):
    """Twenty clients who say a number sixty times a second, whatever the host does."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.peers = house.peers(20)
        self.said = 0
        self.begun = house.clock.now()

    def receive(self, budget: float | None) -> None:
        """What was said since the last frame is on the lines."""
        while self.said <= (self.house.clock.now() - self.begun) / PERIOD:
            for peer in self.peers:
                peer.say(text(str(self.said)))
            self.said += 1


class Hitch:
    """A loop that runs for some ticks, one of which blocks."""

    def __init__(self, ticks: int, *, errors: Any = "raise", blocks: bool = True, **limits: Any) -> None:
        self.house = House(limits=Limits(**limits))
        clock = self.house.clock
        self.loop = TickLoop(60, clock=clock)
        self.crowd = self.loop.add(Crowd(self.house))
        self.loop.add(self.house.server, budget=BUDGET, most=0.008)
        self.instants: list[float] = []
        self.events: list[object] = []
        self.closes: list[tuple[str, int, str]] = []
        self.loop.bus.subscribe(LoopSlipped, self.events.append)
        self.loop.bus.subscribe(LoopSlow, self.events.append)

        @self.loop.system
        def note(tick: Tick) -> None:
            self.instants.append(clock.now() - self.crowd.begun)
            if tick.number == BEFORE and blocks:
                clock.advance(HITCH)
            if tick.number == ticks - 1:
                self.closes = self.house.closes
                self.timed_out = self.house.statistics.timed_out
                self.loop.stop()

        self.loop.run()


@pytest.mark.parametrize("most", [None, BUDGET, 0.012])
def test_what_came_meanwhile_is_heard_sooner_where_the_frames_have_time_left(most: float | None) -> None:
    """Three thousand messages of 20 µs each: 20 frames by the budget alone, of which receive has three quarters."""
    house: House = House(limits=Limits(), on_message=lambda ws, message: house.clock.advance(20e-6))
    peers = house.peers(20)
    loop = TickLoop(60, clock=house.clock)
    loop.add(house.server, budget=BUDGET, most=most)
    frames: list[tuple[float, int]] = []

    @loop.system
    def note(tick: Tick) -> None:
        frames.append((house.clock.now(), len(house.heard("message"))))
        if tick.number == 0:
            for peer in peers:
                peer.say(b"".join(text(str(number)) for number in range(150)))
        if tick.number == 60:
            loop.stop()

    loop.run()
    done = next(number for number, (_, heard) in enumerate(frames) if heard == 20 * 150)
    assert done >= 20 if most in (None, BUDGET) else done <= 9
    for number, (instant, _) in enumerate(frames):
        assert instant - frames[0][0] == pytest.approx(number * PERIOD, abs=0.0045), "nobody makes the next tick late"
    for path in (f"/{number}" for number in range(20)):
        assert house.heard("message", path) == [str(number) for number in range(150)]


def test_slip_is_counted_and_ticks_keep_their_numbers() -> None:
    hitch = Hitch(180)
    assert hitch.loop.ticks == 180
    assert hitch.loop.slipped == pytest.approx(HITCH - 0.25, abs=1e-6), "a quarter of a second is owed, the rest slips"
    slipped, *more = hitch.events
    assert isinstance(slipped, LoopSlipped)
    assert all(isinstance(event, LoopSlow) and event.name == "note" for event in more), "the culprit may be named"
    assert len(more) <= 1
    assert slipped.tick == BEFORE + 1


def test_ticks_are_on_time_again_within_a_second() -> None:
    instants = Hitch(240).instants
    hitch = instants[BEFORE]
    assert instants[BEFORE - 1] == pytest.approx(hitch - PERIOD, abs=1e-6)
    late = [
        instant
        for number, instant in enumerate(instants)
        if instant > number * PERIOD + (HITCH - 0.25) * (number > BEFORE) + 1e-6
    ]
    assert len(late) in (14, 15), "what was owed is made up for at once"
    assert max(late) <= hitch + HITCH + PERIOD


def test_inputs_come_in_order_and_nothing_is_lost() -> None:
    hitch = Hitch(180)
    heard = {path: hitch.house.heard("message", path) for path in {f"/{number}" for number in range(20)}}
    for messages in heard.values():
        assert messages == [str(number) for number in range(hitch.crowd.said)]
    assert hitch.crowd.said == 180 + 15, "as many as there was time for"
    assert hitch.closes == []


@pytest.mark.parametrize("blocks", [False, True])
def test_nobody_times_out_for_it(blocks: bool) -> None:
    """Though each may be silent for less than the hitch lasts."""
    hitch = Hitch(180, blocks=blocks, ping_seconds=0.2, dead_seconds=0.26)
    assert hitch.closes == []
    assert hitch.timed_out == 0


def test_an_echo_takes_part_in_it() -> None:
    """What is answered after the hitch is answered once, in order."""
    house = House(on_message=lambda ws, message: ws.send(message))
    peer = house.peer()
    loop = TickLoop(60, clock=house.clock)
    loop.add(house.server, budget=BUDGET)
    heard: list[object] = []

    @loop.system
    def blocks(tick: Tick) -> None:
        heard.extend(peer.receive())
        peer.say(text(str(tick.number)))
        if tick.number == 10:
            house.clock.advance(HITCH)
        if tick.number == 40:
            loop.stop()

    loop.run()
    assert heard == [str(number) for number in range(39)]


@pytest.mark.parametrize("seconds", [HITCH, 10.0])
def test_a_game_loses_nobody_and_calls_nobody_slow(seconds: float) -> None:
    table = Table(snapshot_rate=20)
    table.publish_each_tick()
    clients = [table.join() for _ in range(3)]
    heard: list[tuple[int, int]] = []
    table.game.message("up", int)(lambda player, number: heard.append((player.id, number)))

    @table.loop.system
    def blocks(tick: Tick) -> None:
        if tick.number == BEFORE:
            table.clock.advance(seconds)

    said = 0
    for frame in range(180):
        for client in clients:
            client.send_input(Move(dy=1.0, serve=frame == 70))
            if client.connected and frame % 3 == 0:
                client.send("up", frame)
                said += 1
        table.run(PERIOD)
    table.run(0.5)
    assert table.of(tickws.PlayerSlow) == []
    assert table.of(tickws.PlayerLeft) == []
    assert table.loop.slipped == pytest.approx(seconds - 0.25, abs=PERIOD + 1e-6)
    assert len(heard) == said
    for number in (1, 2, 3):
        ours = [frame for player, frame in heard if player == number]
        assert ours == sorted(set(ours)), "in order, and once"
        assert sum(frame.serve for frame in table.inputs[number]) == 1, "a press comes once"
    assert all(client.connected for client in clients)
