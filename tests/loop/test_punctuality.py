"""When ticks are late, why, and what the network gives back."""

import logging
import random
from collections.abc import Callable

import pytest

from tests.loop.rigs import PERIOD, Rig, Sub
from tickws.loop.events import LoopSlow
from tickws.loop.tickloop import TickLoop
from tickws.testing import Pair

# In a loop of your own


def test_a_punctual_host_hears_nothing(caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig()
    rig.system(cost=0.010)
    rig.frames(600)
    assert (rig.slow, rig.slipped, caplog.records) == ([], [], [])
    assert not rig.loop.statistics().slow


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("jitter", [0.1, 0.3, 0.45])
def test_a_jittering_host_hears_nothing(seed: int, jitter: float) -> None:
    """60 frames beside 60 ticks a second: frames with no tick, with two, and never slow."""
    chance, rig = random.Random(seed), Rig()
    start = rig.clock.now()
    ran = set()
    for number in range(1200):
        rig.clock.advance(max(0.0, start + (number + chance.uniform(-jitter, jitter)) * PERIOD - rig.clock.now()))
        ran.add(rig.loop.frame())
    assert ran == {0, 1, 2}
    assert rig.slow == []


@pytest.mark.parametrize("seed", range(20))
def test_a_host_whose_frames_wander_hears_nothing(seed: int) -> None:
    chance, rig = random.Random(seed), Rig()
    for _ in range(1200):
        rig.loop.frame()
        rig.clock.advance(PERIOD * chance.uniform(0.75, 1.25))
    assert rig.slow == []


@pytest.mark.parametrize("rate", [30, 50, 59, 60, 61, 75, 144, 240])
def test_hosts_at_about_the_tick_rate_or_faster_hear_nothing(rate: int) -> None:
    rig = Rig(min(rate, 60))
    rig.frames(1000, every=1 / rate)
    assert rig.slow == []


@pytest.mark.parametrize("stall", [0.05, 0.2, 3.0, 3600.0])
def test_one_hitch_is_not_slowness(stall: float) -> None:
    rig = Rig()
    rig.frames(100)
    rig.clock.advance(stall)
    rig.frames(300)
    assert rig.slow == []


@pytest.mark.parametrize("every", [0.020, 0.024, 0.036, 0.1, 0.5])
def test_a_slow_host_is_told_once(every: float, caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig()
    rig.system(cost=0.001)
    rig.frames(200, every=every)
    [slow] = rig.slow
    assert (slow.cause, slow.name, slow.hosted, slow.period) == ("host", "host", True, PERIOD_NS)
    assert slow.late == pytest.approx(every - PERIOD, abs=1e-8)
    assert slow.every == pytest.approx(every)
    assert slow.seconds == pytest.approx(every - 0.001 * min(every / PERIOD, 5), rel=0.1)
    [record] = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage() == str(slow)
    assert f"frames come every {every * 1000:.1f} ms while ticks take 16.7 ms" in record.getMessage()
    assert rig.loop.statistics().slow


PERIOD_NS = 16_666_666 / 1e9
"""The period as it is told: in whole nanoseconds."""


@pytest.mark.parametrize("added", [True, False])
@pytest.mark.parametrize("vsync", [False, True])
def test_a_wait_beside_the_clock_of_pygame(added: bool, vsync: bool) -> None:
    """`server.work(0.020); loop.frame(); clock.tick(60)`: clock.tick counts the wait as its own, a vsync does not."""
    pair = Pair()
    loop = TickLoop(clock=pair.clock)
    told: list[LoopSlow] = []
    loop.bus.subscribe(LoopSlow, told.append)
    if added:
        loop.add(pair.server, budget=0.004)
    for _ in range(60):
        pair.server.work(0.020)
        loop.frame()
        pair.clock.advance(0.016 if vsync else 0.0)
    [slow] = told
    assert slow.every == pytest.approx(0.036 if vsync else 0.020)
    if added:
        assert (slow.cause, slow.name) == ("wait", "WebSocketServer")
        assert slow.seconds == pytest.approx(0.020)
        assert "20.0 ms of each frame are slept inside WebSocketServer, by a work()" in str(slow)
    else:
        assert (slow.cause, slow.name) == ("host", "host")
        assert "server.work(0.020) beside clock.tick(60)" in str(slow)
    assert loop.statistics().budget_share == 1.0, "a network that sleeps has nothing to give back"


# In run()


def test_in_run_lateness_is_what_came_after_a_tick_was_due() -> None:
    rig = Rig()
    rig.loop.system(name="x")(lambda tick: rig.clock.advance(0.030 if tick.number == 3 else 0.0))
    rig.run(6)
    lateness = rig.loop.statistics().lateness
    assert lateness.count == 6
    assert lateness.worst == pytest.approx(0.030 - PERIOD, abs=1e-8)
    assert rig.slow == []


def test_ten_late_ticks_in_a_row_and_not_nine() -> None:
    rig = Rig()
    rig.system("busy", 0.030)
    rig.run(60)
    [slow] = rig.slow
    assert slow.tick == 10, "tick 0 was on time"
    assert (slow.cause, slow.name, slow.hosted) == ("system", "busy", False)
    assert slow.seconds == slow.total == pytest.approx(0.030)
    assert slow.late > 0.3 * PERIOD
    assert str(slow).endswith("busy takes 30.0 ms of each tick's 16.7 ms")


@pytest.mark.parametrize(
    ("setup", "cause", "name"),
    [
        (lambda rig: rig.system("busy", 0.030), "system", "busy"),
        (lambda rig: [rig.system(name, cost) for name, cost in (("a", 0.009), ("b", 0.015))], "system", "b"),
        (lambda rig: rig.sub("game", tick=0.030), "system", "game"),
        (lambda rig: rig.sub("net", receive=0.020, flush=0.005), "network", "net"),
        (lambda rig: rig.sub("net", flush=0.025), "network", "net"),
        (lambda rig: [rig.sub("net", flush=0.005), rig.sub("other", receive=0.020)], "network", "other"),
        (lambda rig: storm(rig, 0.004), "bus", "bus"),
        (lambda rig: sleepy(rig, 0.030), "wait", "net"),
    ],
)
@pytest.mark.parametrize("hosted", [False, True])
def test_the_likeliest_cause_is_named(setup: Callable[[Rig], object], cause: str, name: str, hosted: bool) -> None:
    rig = Rig()
    setup(rig)
    if hosted:
        rig.frames(60)
    else:
        rig.run(60)
    assert (rig.slow[0].cause, rig.slow[0].name, rig.slow[0].hosted) == (cause, name, hosted)
    assert len({slow.cause for slow in rig.slow}) == len(rig.slow)


def storm(rig: Rig, cost: float) -> None:
    """In each tick, ten events that take time."""
    rig.loop.bus.subscribe(str, lambda event: rig.clock.advance(cost))

    @rig.loop.system(name="emitter")
    def emitter(tick: object) -> None:
        for _ in range(10):
            rig.loop.bus.emit("event")

    rig.system(cost=0.008)


def sleepy(rig: Rig, seconds: float) -> Sub:
    """A system that has its server wait."""
    sub = rig.sub("net")
    rig.loop.system(name="culprit")(lambda tick: sub.work(seconds))
    return sub


def test_a_machine_that_sleeps_too_long() -> None:
    class Coarse(type(Rig().clock)):  # type: ignore[misc]
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds + 0.015)

    rig = Rig()
    rig.clock.__class__ = Coarse
    rig.run(60)
    [slow] = rig.slow
    assert (slow.cause, slow.hosted) == ("host", False)
    assert "the machine lets the loop sleep" in str(slow)


# Spells


def test_once_for_each_spell_and_cause(caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig()
    cost = [0.0, 0.0]
    rig.loop.system(name="a")(lambda tick: rig.clock.advance(cost[0]))
    sub = rig.sub("net")
    caplog.set_level(logging.DEBUG, "tickws")

    def play(frames: int, system: float, network: float) -> list[str]:
        rig.slow.clear()
        cost[0] = system
        sub.costs["receive"] = network
        rig.frames(frames)
        return [slow.cause for slow in rig.slow]

    assert play(50, 0.030, 0.0) == ["system"]
    assert play(50, 0.030, 0.0) == []
    assert play(50, 0.0, 0.030) == ["network"], "another cause in the same spell"
    assert play(50, 0.030, 0.0) == []
    assert rig.loop.statistics().slow
    assert play(60, 0.0, 0.0) == []
    assert not rig.loop.statistics().slow
    assert play(50, 0.030, 0.0) == ["system"], "another spell"
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING", "DEBUG"]


def test_a_spell_ends_with_ten_ticks_on_time() -> None:
    rig = Rig()
    rig.frames(20, every=0.036)
    assert rig.loop.statistics().slow
    rig.frames(9)
    assert rig.loop.statistics().slow
    rig.frames(4)
    assert not rig.loop.statistics().slow


# What the network gives back


@pytest.mark.parametrize("budget", [0.004, None])
def test_under_overload_budgets_shrink_to_an_eighth_and_come_back(budget: float | None) -> None:
    rig = Rig()
    step = [0.030]
    sub = rig.sub("net", budget=budget, receive=lambda: step[0])
    rig.frames(40)
    whole = 0.003 if budget else None
    first = sub.budgets.index(next(given for given in sub.budgets if given != whole))
    assert rig.slow[0].cause == "network"
    full = 0.004 if budget else PERIOD_NS
    halves = [full / 2**count * 0.75 for count in range(1, 4)]
    assert sub.budgets[first : first + 4] == pytest.approx([*halves, halves[-1]], abs=2e-9)
    assert sub.budgets[-1] == pytest.approx(full / 8 * 0.75, abs=2e-9), "nobody starves"
    assert sub.rests[-1] == pytest.approx(full / 8 * 0.25, abs=2e-9)
    assert len(sub.budgets) == len(sub.rests) == 40
    assert rig.loop.statistics().budget_share == 0.125
    step[0] = 0.0
    rig.frames(40)
    assert sub.budgets[-1] == whole
    assert rig.loop.statistics().budget_share == 1.0
    back = [given for given in sub.budgets[40:] if given != whole]
    assert back == sorted(back, key=lambda given: given or 0.0)
    assert back[-1] == pytest.approx(halves[0], abs=2e-9)


@pytest.mark.parametrize("hosted", [False, True])
def test_a_network_that_takes_little_has_nothing_to_give_back(hosted: bool) -> None:
    """The simulation takes 20 % more than there is: without its 2 ms in 100, the network would cut the players off."""
    rig = Rig()
    sub = rig.sub("net", budget=0.002, receive=0.001)
    rig.system(cost=0.020)
    if hosted:
        rig.frames(100)
    else:
        rig.run(100)
    assert rig.slow[0].cause == "system"
    assert set(sub.budgets) == {0.0015}


def test_where_the_network_tips_the_balance_it_gives_just_that_back() -> None:
    """15 ms of simulation and a network that would take 10: together too much, with 1.6 they fit."""
    rig = Rig()
    sub = rig.sub("net", budget=0.010)
    sub.costs["receive"] = lambda: min(0.008, sub.budgets[-1] or 0.0)
    rig.system(cost=0.015)
    rig.run(600)
    slipped = rig.loop.slipped
    late = rig.loop.statistics()
    assert late.budget_share < 1.0
    assert late.rate > 50.0, "without giving back: 43"
    assert slipped < 2.0
