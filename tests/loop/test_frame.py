"""What a frame gives to whom: budgets that stretch into what it has left, and never into a tick; who overran."""

from functools import partial
from typing import Any

import pytest

from tests.loop.rigs import PERIOD, Rig, Sub
from tickws.errors import UsageError
from tickws.loop.ledger import Ledger
from tickws.loop.subsystem import Member
from tickws.loop.tickloop import TickLoop
from tickws.loop.timestep import Tick

BUDGET = 0.002
MOST = 0.008
MARGIN = PERIOD / 16
TINY = 1e-8


def add(rig: Rig, name: str = "sub", budget: float | None = BUDGET, most: float | None = MOST, **costs: Any) -> Sub:
    """A subsystem that may stretch; what it costs may be "all": whatever it is given."""
    made: Sub = rig.loop.add(Sub(rig, name, **costs), budget=budget, name=name, most=most)
    for half, told in (("receive", made.budgets), ("flush", made.rests)):
        if costs.get(half) == "all":
            made.costs[half] = partial(last, told)
    return made


def last(told: list[float | None]) -> float:
    return told[-1] or 0.0


def given(budgets: list[float | None]) -> list[float]:
    return [budget or 0.0 for budget in budgets]


# most


def test_in_run_both_halves_may_take_what_the_frame_has_left() -> None:
    rig = Rig()
    sub = add(rig, receive="all", flush="all")
    rig.run(40)
    used = [a + b for a, b in zip(given(sub.budgets), given(sub.rests), strict=True)]
    assert used == pytest.approx([MOST] * 40, abs=TINY)
    assert min(given(sub.budgets)) > BUDGET * 0.75
    assert rig.loop.statistics().frame_lateness.worst <= TINY
    assert rig.loop.statistics().overruns == {}


@pytest.mark.parametrize("budget", [0.006, 0.009, 0.012])
def test_what_a_budget_allows_makes_nobody_late(budget: float) -> None:
    """Else it would be halved for being used, and who gives more would get less."""
    rig = Rig()
    sub = add(rig, budget=budget, most=None, receive="all", flush="all")
    rig.run(200)
    assert min(a + b for a, b in zip(given(sub.budgets), given(sub.rests), strict=True)) == pytest.approx(
        budget, abs=TINY
    )
    told = rig.loop.statistics()
    assert (told.budget_share, told.slow) == (1.0, False)


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("most", [MOST, 0.1])
def test_a_stretched_receive_does_not_make_its_own_tick_late(most: float, count: int) -> None:
    """The loop would call itself slow, and name who has taken no more than it was given."""
    rig = Rig()
    subs = [add(rig, str(number), most=most, receive="all", flush="all") for number in range(count)]
    rig.run(200)
    assert rig.loop.statistics().lateness.worst <= PERIOD * 0.3
    assert rig.loop.statistics().frame_lateness.worst <= TINY
    assert rig.slow == []
    assert rig.loop.statistics().budget_share == 1.0
    for sub in subs:
        assert min(given(sub.budgets)) >= BUDGET * 0.75 - TINY, "what is guaranteed is given"
        assert min(given(sub.rests)) >= BUDGET / 4 - TINY


def test_in_a_loop_of_yours_it_is_the_budget() -> None:
    rig = Rig()
    sub = add(rig)
    rig.frames(10)
    assert given(sub.budgets) == [BUDGET * 0.75] * 10
    assert given(sub.rests) == [BUDGET] * 10


@pytest.mark.parametrize("cost", [0.0, 0.005, 0.010, 0.014])
def test_it_never_stretches_into_the_next_tick(cost: float) -> None:
    """What a tick takes is known from the ticks before, and a margin is kept."""
    rig = Rig()
    sub = add(rig, most=0.1, receive="all", flush="all")
    rig.system("game", cost)
    rig.run(100)
    free = max(BUDGET, PERIOD - cost - MARGIN)
    used = [a + b for a, b in zip(given(sub.budgets)[1:], given(sub.rests)[1:], strict=True)]
    assert max(used) <= free + TINY
    assert min(used) >= free - TINY
    late = rig.loop.statistics().frame_lateness
    assert late.p50 <= TINY
    assert late.worst <= (TINY if cost <= 0.010 else BUDGET), "what the first tick would cost was not known"
    assert rig.loop.slipped == 0.0
    assert rig.slow == []


def test_a_tick_that_was_long_once_is_minded_and_forgotten() -> None:
    rig = Rig()
    sub = add(rig, most=0.1)

    @rig.loop.system
    def game(tick: Tick) -> None:
        rig.clock.advance(0.0125 if tick.number == 10 else 0.0)

    rig.run(200)
    more = [budget - BUDGET * 0.75 for budget in given(sub.budgets)]
    most = PERIOD / 4 - BUDGET * 0.75
    assert more[10] == pytest.approx(most, abs=TINY)
    assert more[11] == pytest.approx(PERIOD - BUDGET - MARGIN - 0.0125, abs=TINY)
    assert more[12] == pytest.approx(PERIOD - BUDGET - MARGIN - 0.0125 * 15 / 16, abs=TINY)
    assert more[13] > more[12]
    assert more[-1] == pytest.approx(most, abs=TINY)


def test_a_frame_that_is_late_by_a_tick_gives_nothing_away() -> None:
    rig = Rig()
    sub = add(rig)

    @rig.loop.system
    def game(tick: Tick) -> None:
        rig.clock.advance(0.2 if tick.number == 10 else 0.0)

    rig.run(60)
    assert sub.budgets[10] > sub.budgets[11] == BUDGET * 0.75  # type: ignore[operator]
    assert sub.rests[10] == BUDGET, "flush has what is its own"
    assert min(given(sub.budgets)) == BUDGET * 0.75


def test_late_by_less_than_a_tick_it_gives_what_is_left() -> None:
    rig = Rig()
    sub = add(rig, most=0.1)

    @rig.loop.system
    def game(tick: Tick) -> None:
        rig.clock.advance(PERIOD + 0.005 if tick.number == 10 else 0.0)
        if tick.number == 11:
            rig.loop.stop()

    rig.loop.run()
    assert sub.budgets[11] == BUDGET * 0.75, "what the last tick cost, this one may cost"


def test_flush_gets_what_is_left_before_the_next_tick() -> None:
    rig = Rig()
    sub = add(rig, most=0.1, receive=0.001)
    rig.system("game", 0.006)
    rig.run(10)
    assert given(sub.rests)[1:] == pytest.approx([PERIOD - 0.001 - 0.006 - MARGIN] * 9, abs=TINY)


def test_where_nothing_is_left_flush_has_its_quarter() -> None:
    rig = Rig()
    sub = add(rig, receive=0.0019)
    rig.system("game", 0.016)
    rig.run(10)
    assert given(sub.rests)[2:] == pytest.approx([BUDGET / 4] * 8, abs=TINY)


@pytest.mark.parametrize("halves", [("receive",), ("flush",), ("receive", "flush")])
@pytest.mark.parametrize("count", [2, 3])
def test_several_that_take_all_they_get_leave_the_next_tick_alone(count: int, halves: tuple[str, ...]) -> None:
    rig = Rig()
    greedy: dict[str, Any] = dict.fromkeys(halves, "all")
    subs = [add(rig, str(number), most=0.1, **greedy) for number in range(count)]
    rig.system("game", 0.002)
    rig.run(50)
    assert rig.loop.statistics().frame_lateness.worst <= TINY
    frames = [
        sum(given(sub.budgets)[number] * ("receive" in halves) for sub in subs)
        + sum(given(sub.rests)[number] * ("flush" in halves) for sub in subs)
        for number in range(1, 50)
    ]
    assert max(frames) <= PERIOD - 0.002 - MARGIN + TINY


def test_one_without_a_limit_has_none_and_the_others_get_no_more() -> None:
    rig = Rig()
    unlimited = add(rig, "unlimited", budget=None, most=None)
    sub = add(rig)
    rig.run(5)
    assert set(unlimited.budgets) == set(unlimited.rests) == {None}
    assert given(sub.budgets) == [BUDGET * 0.75] * 5


@pytest.mark.parametrize("most", [0.0, 0.0019, -1.0])
def test_most_is_no_less_than_the_budget(most: float) -> None:
    rig = Rig()
    with pytest.raises(ValueError, match="no less than budget"):
        add(rig, most=most)
    with pytest.raises(ValueError, match="milliseconds"):
        rig.loop.add(Sub(rig, "sub"), budget=BUDGET, most=8)
    with pytest.raises(TypeError):
        rig.loop.add(Sub(rig, "sub"), budget=BUDGET, most="8 ms")  # type: ignore[arg-type]
    rig.loop.frame()
    assert rig.loop.statistics().subsystems == {}


@pytest.mark.parametrize("most", [None, BUDGET, 1.0])
def test_most_is_what_is_held_against_it(most: float | None) -> None:
    rig = Rig()
    add(rig, most=most, receive=0.003)
    rig.frames(3)
    overruns = rig.loop.statistics().overruns
    if most == 1.0:
        assert overruns == {}
    else:
        assert overruns["sub"].count == 3
        assert overruns["sub"].worst == pytest.approx(0.001, abs=TINY)


# Once more


class Late(Sub):
    """Is behind after so many of its next slices."""

    behind_for = 0

    def receive(self, budget: float | None) -> None:
        super().receive(budget)
        self.behind_for -= 1

    @property
    def behind(self) -> bool:
        return self.behind_for > 0


def late(rig: Rig, name: str = "late", most: float | None = MOST, **costs: Any) -> Late:
    return rig.loop.add(Late(rig, name, **costs), budget=BUDGET, name=name, most=most)


def slices(rig: Rig, name: str = "late") -> list[str]:
    told = [entry[0].removeprefix(f"{name}.") for entry in rig.log if entry[0].startswith(f"{name}.")]
    return [what for what in told if what in ("receive", "tick", "flush")]


def test_who_is_behind_goes_on_where_the_frame_has_time_left() -> None:
    rig = Rig()
    sub = late(rig, receive=0.0015, flush=0.0005)
    sub.behind_for = 2
    rig.run(3)
    once = ["receive", "tick", "flush"]
    assert slices(rig) == [*once, "receive", "flush", *once, *once], "behind after the first alone"
    assert sub.budgets[1] == pytest.approx((MOST - 0.002) * 0.75, abs=TINY), "what is left of its most"
    assert sub.rests[1] == pytest.approx(MOST - 0.002 - 0.0015, abs=TINY)
    assert rig.loop.statistics().overruns == {}


def test_who_is_behind_goes_on_once_in_a_frame() -> None:
    rig = Rig()
    sub = late(rig, receive=0.0001)
    sub.behind_for = 100
    rig.run(3)
    assert len(sub.budgets) == 6


@pytest.mark.parametrize(
    ("most", "hosted", "cost"),
    [(None, False, 0.0), (BUDGET, False, 0.0), (MOST, True, 0.0), (MOST, False, PERIOD - MARGIN)],
    ids=["no most", "most is the budget", "a loop of yours", "no time left"],
)
def test_who_is_behind_waits_for_the_next_frame_where_it_has_no_more_time(
    most: float | None, hosted: bool, cost: float
) -> None:
    rig = Rig()
    sub = late(rig, most=most, receive=0.0015)
    sub.behind_for = 100
    rig.system("game", cost)
    if hosted:
        rig.frames(5)
    else:
        rig.run(5)
    assert len(sub.budgets) == len([entry for entry in rig.log if entry[0] == "game"])


def test_who_has_used_its_most_does_not_go_on() -> None:
    rig = Rig()
    sub = late(rig, receive=MOST)
    sub.behind_for = 100
    rig.run(3)
    assert len(sub.budgets) == 3


def test_under_overload_nobody_goes_on() -> None:
    rig = Rig()
    sub = late(rig, receive=0.012)
    sub.behind_for = 10_000
    rig.system("game", 0.010)
    rig.run(100)
    assert rig.loop.statistics().budget_share < 1
    frames = rig.loop.statistics().frames
    assert len(sub.budgets) == frames


@pytest.mark.parametrize("count", [2, 3])
def test_several_that_are_behind_leave_the_next_tick_alone(count: int) -> None:
    rig = Rig()
    subs = [late(rig, str(number), most=0.1) for number in range(count)]
    for sub in subs:
        sub.behind_for = 10_000
        sub.costs.update(receive=partial(last, sub.budgets), flush=partial(last, sub.rests))
    rig.system("game", 0.002)
    rig.run(50)
    assert rig.loop.statistics().frame_lateness.worst <= TINY
    assert rig.slow == []


# The least


@pytest.mark.parametrize("hosted", [False, True])
def test_under_lasting_overload_an_eighth_is_left_whatever_happens(hosted: bool) -> None:
    rig = Rig()
    sub = add(rig, budget=0.008, most=None, receive=0.030, flush=0.030)
    rig.system("game", 0.010)
    if hosted:
        rig.frames(100)
    else:
        rig.run(400)
    assert given(sub.budgets)[-1] == pytest.approx(0.008 / 8 * 0.75, abs=TINY)
    assert min(given(sub.budgets)) == given(sub.budgets)[-1]
    assert given(sub.rests)[-1] == pytest.approx(0.008 / 8 / 4, abs=TINY)
    assert rig.loop.statistics().budget_share == 0.125


def test_under_overload_most_gives_nothing_back() -> None:
    """What was taken away comes back with ticks on time, and not by another door."""
    rig = Rig()
    sub = add(rig, budget=0.008, most=0.016, receive=0.030)
    rig.system("game", 0.010)
    rig.run(200)
    assert given(sub.budgets)[-1] == pytest.approx(0.008 / 8 * 0.75, abs=TINY)


# Between the ticks


class Waiter(Sub):
    """Something to receive is always there."""

    def wait(self, seconds: float) -> bool:
        self.rig.log.append((f"{self.name}.wait", pytest.approx(seconds)))
        return True


def test_all_slices_of_a_frame_share_its_budget() -> None:
    rig = Rig(wake_on_input=True)
    waiter = rig.loop.add(Waiter(rig, "waiter", receive=0.0005, flush=0.0001), budget=BUDGET, name="waiter")
    rig.run(10)
    slices = rig.log.count(("waiter.receive",)) or len([entry for entry in rig.log if entry[0] == "waiter.receive"])
    assert slices == len(waiter.budgets)
    # 0.6 ms a slice, of 2 ms: four, the last of which begins with 0.2 ms left. The last frame has its first alone.
    assert slices == 9 * 4 + 1
    served = [budget for budget in given(waiter.budgets) if budget < BUDGET * 0.75 - TINY]
    assert served[:3] == pytest.approx([0.0014 * 0.75, 0.0008 * 0.75, 0.0002 * 0.75], abs=TINY)
    assert rig.loop.statistics().frame_lateness.worst <= TINY


def test_what_is_served_between_ticks_counts_for_the_statistics() -> None:
    rig = Rig(wake_on_input=True)
    rig.loop.add(Waiter(rig, "waiter", receive=0.003), budget=BUDGET, name="waiter")
    rig.run(5)
    told = rig.loop.statistics()
    assert told.overruns["waiter"].count >= 5
    assert told.subsystems["waiter"].distribution.worst == pytest.approx(0.003, abs=TINY)


def test_who_cannot_wait_is_no_waiter() -> None:
    rig = Rig(wake_on_input=True)
    rig.sub()
    with pytest.raises(UsageError, match="has 0"):
        rig.loop.run()


def test_the_statistics_name_a_slow_subscriber() -> None:
    rig = Rig(bus_budget=0.001)

    class Noise:
        pass

    class Town:
        def quick(self, event: object) -> None:
            rig.clock.advance(0.0004)

        def slow(self, event: object) -> None:
            rig.clock.advance(0.003)

    town = Town()
    rig.loop.bus.subscribe(Noise, town.quick)
    rig.loop.bus.subscribe(Noise, town.slow)
    rig.loop.bus.subscribe(Noise, town.quick)
    rig.loop.bus.emit(Noise())
    rig.frames(2)
    noise = f"{Noise.__qualname__}: Town.slow"
    (name,) = rig.loop.statistics().overruns
    assert name == noise
    overrun = rig.loop.statistics().overruns[name]
    assert overrun.count == 1
    assert overrun.worst == pytest.approx(0.0028, abs=TINY)


def test_many_short_subscribers_that_are_too_long_together_are_named_by_the_longest() -> None:
    rig = Rig(bus_budget=0.001)

    @rig.loop.bus.on(int)
    def short(event: int) -> None:
        rig.clock.advance(0.0003)

    for number in range(4):
        rig.loop.bus.emit(number)
    rig.frames(3)
    overruns = rig.loop.statistics().overruns
    assert list(overruns) == ["int: short"]
    assert overruns["int: short"].worst == pytest.approx(0.0002, abs=TINY)


def test_a_member_owes_its_flush_what_receive_left() -> None:
    loop = TickLoop()
    ledger = Ledger(loop.clock.now_ns)
    member = Member(Sub(Rig(), "sub"), 4000, 8000)
    member.receive(ledger, 4000)
    assert member.reserve == 1000
    assert member.owed == max(4000 - member.used, 1000)
