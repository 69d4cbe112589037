"""The frame and what drives it: order, time, errors, the end. All on a clock that the tests move."""

import logging
import threading
from collections.abc import Callable
from dataclasses import astuple
from typing import Any

import pytest

from tests.loop.rigs import PERIOD, Plain, Rig, Sub
from tickws.bus import EventBus
from tickws.clock import ManualClock, SystemClock
from tickws.errors import UsageError
from tickws.loop.events import LoopSlipped
from tickws.loop.tickloop import TickLoop
from tickws.loop.timestep import Tick
from tickws.testing import Pair
from tickws.transport.websocket import WebSocket


class Boom(Exception):
    pass


# The frame


def test_the_frame_is_receive_ticks_flush_idle() -> None:
    rig = Rig()
    for name in "ab":
        rig.sub(name)
    for name in "xy":
        rig.system(name)
    rig.log.clear()
    rig.loop.bus.subscribe(str, rig.log.append)
    rig.loop.bus.emit("event")
    assert rig.loop.frame() == 1
    ticks: list[Any] = ["event", ("a.tick", 0), ("b.tick", 0), ("x", 0), ("y", 0)]
    ends = [("a.flush",), ("b.flush",), ("a.idle", PERIOD), ("b.idle", PERIOD)]
    assert rig.log == [("a.receive",), ("b.receive",), *ticks, *ends]


def test_a_frame_without_a_tick_still_receives_and_flushes() -> None:
    rig = Rig()
    rig.sub()
    rig.loop.frame()
    rig.log.clear()
    rig.clock.advance(0.01)
    for _ in range(3):  # the clock stands still
        assert rig.loop.frame() == 0
    assert rig.log == [("sub.receive",), ("sub.flush",), ("sub.idle", PERIOD - 0.01)] * 3


def test_what_receive_takes_counts_for_the_ticks_of_the_same_frame() -> None:
    rig = Rig()
    rig.sub(receive=2 * PERIOD + 1e-9)
    assert rig.loop.frame() == 3
    assert rig.loop.frame() == 2


def test_a_frame_never_sleeps() -> None:
    rig = Rig()
    rig.system()
    before = rig.clock.now()
    for _ in range(10):
        rig.loop.frame()
    assert rig.clock.now() == before


def test_a_tick_says_where_in_time_it_is() -> None:
    rig = Rig(50)
    ticks: list[Tick] = []
    rig.loop.system(ticks.append)
    rig.frames(3, every=0.04)
    assert ticks == [Tick(number, 0.02, number / 50) for number in range(5)]
    assert (rig.loop.rate, rig.loop.dt, rig.loop.ticks, rig.loop.clock) == (50, 0.02, 5, rig.clock)


def test_ticks_that_are_more_than_five_stay_owed() -> None:
    rig = Rig()
    rig.loop.frame()
    rig.clock.advance(12 * PERIOD + 1e-6)
    assert [rig.loop.frame() for _ in range(4)] == [5, 5, 2, 0]
    assert rig.loop.slipped == 0.0


def test_a_clock_that_jumps_makes_time_slip_and_ticks_keep_their_numbers() -> None:
    rig = Rig()
    rig.system()
    rig.loop.frame()
    rig.clock.advance(7200.0)
    assert [rig.loop.frame() for _ in range(4)] == [5, 5, 5, 0]
    assert rig.log == [("system", number) for number in range(16)]
    assert rig.loop.slipped == pytest.approx(7199.75)
    [slipped] = rig.slipped
    assert slipped == LoopSlipped(rig.loop.slipped, rig.loop.slipped, 1)
    rig.clock.advance(0.75)
    rig.loop.frame()
    again = rig.slipped[1]
    assert [again.seconds, again.total, again.tick] == pytest.approx([0.5, 7200.25, 16])


def test_time_before_the_first_frame_is_nobodys() -> None:
    rig = Rig()
    rig.clock.advance(1000.0)
    assert rig.loop.frame() == 1
    assert (rig.loop.slipped, rig.loop.alpha) == (0.0, 0.0)
    rig.clock.advance(PERIOD / 4)
    rig.loop.frame()
    assert rig.loop.alpha == pytest.approx(0.25)


def test_inside_a_tick_the_loop_knows_its_number() -> None:
    rig = Rig()
    numbers: list[tuple[int, int]] = []
    rig.loop.system(lambda tick: numbers.append((tick.number, rig.loop.ticks)))
    rig.frames(3)
    assert numbers == [(0, 0), (1, 1), (2, 2)]
    assert rig.loop.ticks == 3


def test_a_day_of_host_frames_runs_the_ticks_of_a_day() -> None:
    rig = Rig()
    start = rig.clock.now_ns()
    rig.loop.frame()
    for _ in range(20_000):
        rig.clock.advance(0.0169999)
        rig.loop.frame()
    assert rig.loop.ticks == (rig.clock.now_ns() - start) * 60 // 10**9 + 1


# Systems


def test_a_system_is_registered_bare_and_with_a_name() -> None:
    loop = Rig().loop

    @loop.system
    def simulate(tick: Tick) -> None: ...

    @loop.system(name="physics")
    def other(tick: Tick) -> None: ...

    loop.system(print)
    loop.system(Plain().log.append)
    loop.system(SomeSystem())
    assert (simulate.__name__, other.__name__) == ("simulate", "other")
    assert list(loop.statistics().systems) == ["simulate", "physics", "print", "append", "SomeSystem"]


class SomeSystem:
    def __call__(self, tick: Tick) -> None: ...


async def coroutine(tick: Tick) -> None: ...


@pytest.mark.parametrize("system", [coroutine, lambda: None, 5])
def test_what_cannot_be_a_system_is_refused(system: Any) -> None:
    loop = Rig().loop
    with pytest.raises(TypeError, match="a system "):
        loop.system(system)
    with pytest.raises(TypeError, match="a system "):
        loop.system(name="x")(system)


def test_a_system_may_register_another_which_runs_from_the_next_tick() -> None:
    rig = Rig()
    rig.loop.system(lambda tick: rig.system("new") if tick.number == 0 else None)
    rig.frames(3)
    assert rig.log == [("new", 1), ("new", 2)]


@pytest.mark.parametrize(
    "options",
    [{"clock": 5}, {"clock": ManualClock}, {"bus": print}, {"rate": 60.0}, {"bus_budget": "1"}],
)
def test_arguments_of_the_wrong_kind(options: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        TickLoop(**options)


@pytest.mark.parametrize("options", [{"rate": 0}, {"rate": 1001}, {"errors": "close"}, {"bus_budget": 5}])
def test_arguments_out_of_range(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        TickLoop(**options)


# The bus


@pytest.mark.parametrize(("options", "each"), [({}, 5), ({"bus_budget": 0.004}, 2), ({"bus_budget": 0}, 1),
                                               ({"bus_budget": 10.0}, 9)])  # fmt: skip
def test_the_bus_has_a_budget_in_each_tick(options: dict[str, Any], each: int) -> None:
    rig = Rig(**options)
    rig.loop.bus.subscribe(int, lambda event: rig.clock.advance(0.002))
    for number in range(9):
        rig.loop.bus.emit(number)
    rig.loop.frame()
    assert rig.loop.bus.statistics().delivered == each


def test_a_bus_may_be_shared() -> None:
    bus = EventBus("log")
    loop = TickLoop(bus=bus, clock=ManualClock())
    assert loop.bus is bus


def test_closing_is_heard_on_the_bus() -> None:
    rig = Rig()
    heard: list[str] = []
    rig.loop.bus.subscribe(str, heard.append)
    rig.loop.bus.emit("before")

    def goodbye() -> float:
        rig.loop.bus.emit("goodbye")
        return 0.0

    rig.sub(close=goodbye)
    rig.loop.close()
    assert heard == ["before", "goodbye"]


# Errors


def a_subscriber(rig: Rig, error: BaseException) -> None:
    rig.loop.bus.subscribe(str, raising(error))
    rig.loop.bus.emit("event")


def raising(error: BaseException) -> Callable[[object], None]:
    def raise_it(*arguments: object) -> None:
        raise error

    return raise_it


PLACES: dict[str, Callable[[Rig, Any], object]] = {
    "receive": lambda rig, error: rig.sub("culprit", receive=error),
    "tick": lambda rig, error: rig.sub("culprit", tick=error),
    "flush": lambda rig, error: rig.sub("culprit", flush=error),
    "idle": lambda rig, error: rig.sub("culprit", idle=error),
    "system": lambda rig, error: rig.system("culprit", error=error),
    "bus": a_subscriber,
}


@pytest.mark.parametrize("place", PLACES)
def test_raise_puts_the_frame_in_order_first(place: str) -> None:
    rig = Rig()
    first = rig.sub("first")
    PLACES[place](rig, Boom())
    last = rig.sub("last")
    rig.system("after")
    with pytest.raises(Boom):
        rig.loop.frame()
    assert len(first.rests) == len(last.rests) == len(first.budgets) == len(last.budgets) == 1
    assert (("after", 0) in rig.log) == (place in ("flush", "idle")), "the rest of the tick is left out"
    assert rig.loop.ticks == (0 if place == "receive" else 1), "a tick that raised counts as run"
    assert rig.loop.statistics().errors == 1


def test_the_loop_goes_on_after_an_exception() -> None:
    rig = Rig()
    rig.loop.system(lambda tick: 1 // (tick.number - 3))
    rig.loop.frame()
    rig.clock.advance(5 * PERIOD + 1e-6)
    with pytest.raises(ZeroDivisionError):
        rig.loop.frame()
    assert rig.loop.ticks == 4
    assert rig.loop.frame() == 2, "what was owed still is"


def test_an_exception_in_receive_keeps_the_ticks_owed() -> None:
    rig = Rig()
    culprit = rig.sub(receive=Boom())
    with pytest.raises(Boom):
        rig.loop.frame()
    culprit.costs.clear()
    assert rig.loop.frame() == 1


@pytest.mark.parametrize("place", PLACES)
def test_log_goes_on(place: str, caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig(errors="log")
    PLACES[place](rig, Boom())
    rig.system("after")
    assert rig.loop.frame() == 1
    assert ("after", 0) in rig.log
    [record] = caplog.records
    assert record.exc_info
    assert record.exc_info[0] is Boom
    if place != "bus":
        assert record.getMessage() == "culprit raised an exception"


@pytest.mark.parametrize("place", PLACES)
def test_a_callable_gets_the_exception_and_the_name(place: str) -> None:
    told: list[object] = []
    rig = Rig(errors=lambda error, name: told.append((type(error), name)))
    PLACES[place](rig, Boom())
    rig.system("after")
    assert rig.loop.frame() == 1
    assert ("after", 0) in rig.log
    assert told == [(Boom, "str" if place == "bus" else "culprit")]


def test_a_callable_may_raise_what_it_was_given() -> None:
    def policy(error: Exception, name: str) -> None:
        raise error

    rig = Rig(errors=policy)
    sub = rig.sub()
    rig.system(error=Boom())
    with pytest.raises(Boom):
        rig.loop.frame()
    assert len(sub.rests) == 1


def test_the_first_of_several_leaves_and_the_others_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig()
    rig.sub("a", receive=Boom("first"))
    rig.sub("b", receive=Boom("second"), flush=Boom("third"))
    with pytest.raises(Boom, match="first"):
        rig.loop.frame()
    assert [record.getMessage() for record in caplog.records] == ["b raised an exception"] * 2


@pytest.mark.parametrize("errors", ["raise", "log", lambda error, name: None])
@pytest.mark.parametrize("place", PLACES)
def test_only_exceptions_are_caught(errors: Any, place: str) -> None:
    rig = Rig(errors=errors)
    PLACES[place](rig, SystemExit())
    with pytest.raises(SystemExit):
        rig.loop.frame()
    if place in ("tick", "system"):
        assert rig.loop.ticks == 1
    rig.loop.close()


# What is not allowed


@pytest.mark.parametrize("call", ["frame", "run", "close"])
@pytest.mark.parametrize("place", ["receive", "tick", "flush", "idle"])
def test_no_frame_in_a_frame(call: str, place: str) -> None:
    rig = Rig()

    def inside(*arguments: object) -> float:
        with pytest.raises(UsageError, match="is running"):
            getattr(rig.loop, call)()
        rig.log.append("refused")
        return 0.0

    rig.sub("sub", **{place: inside})
    rig.loop.frame()
    assert "refused" in rig.log


def test_nothing_goes_on_after_close() -> None:
    rig = Rig()
    rig.loop.frame()
    rig.loop.close()
    rig.loop.close()
    for call in (rig.loop.frame, rig.loop.run, lambda: rig.loop.add(Plain()), lambda: rig.loop.system(print)):
        with pytest.raises(UsageError, match="is closed"):
            call()
    assert rig.loop.statistics().ticks == 1


# run()


def test_run_sleeps_until_each_tick_is_due() -> None:
    rig = Rig()
    times: list[float] = []
    rig.loop.system(lambda tick: times.append(rig.clock.now() - 100.0))
    rig.run(100)
    assert times == [pytest.approx(number / 60, abs=2e-9) for number in range(100)]
    statistics = rig.loop.statistics()
    assert (statistics.frames, statistics.ticks) == (100, 100)
    assert statistics.lateness.worst < 1e-7
    assert statistics.rate == pytest.approx(60.0)


def test_run_at_one_tick_a_second() -> None:
    rig = Rig(1)
    rig.run(5)
    assert rig.clock.now() == 104.0


def test_stop_ends_after_the_tick_that_is_running() -> None:
    rig = Rig()
    sub = rig.sub()
    rig.system(cost=0.1)
    rig.loop.system(lambda tick: rig.loop.stop() if tick.number == 2 else None)
    rig.loop.run()
    assert rig.loop.ticks == 3, "though more was owed"
    assert len(sub.rests) == len(sub.budgets) == 2
    assert rig.log[-1] == ("sub.close",)


def test_stop_before_run() -> None:
    rig = Rig()
    rig.sub()
    rig.loop.stop()
    rig.loop.run()
    assert rig.log == [("sub.attach",), ("sub.close",)]


@pytest.mark.parametrize("rate", [1, 60])
def test_stop_from_another_thread_wakes_a_sleeping_loop(rate: int) -> None:
    """On a clock that only ever sleeps: the other thread stops the loop in the middle of it."""
    slept: list[float] = []

    class Stopping(ManualClock):
        def sleep(self, seconds: float) -> None:
            slept.append(seconds)
            thread = threading.Thread(target=loop.stop)
            thread.start()
            thread.join()

    loop = TickLoop(rate, clock=Stopping())
    loop.run()
    assert loop.ticks == 1
    assert len(slept) == 1
    assert slept[0] <= 0.02, "no sleep is longer than it takes to hear of it"


@pytest.mark.parametrize("place", ["receive", "tick", "flush", "idle", "sleep"])
def test_ctrl_c_ends_it_quietly(place: str, caplog: pytest.LogCaptureFixture) -> None:
    class Interrupted(ManualClock):
        def sleep(self, seconds: float) -> None:
            raise KeyboardInterrupt

    rig = Rig()
    if place == "sleep":
        rig.loop.clock = Interrupted()
        rig.sub()
    else:
        rig.sub("sub", **{place: KeyboardInterrupt()})
    rig.loop.run()
    assert rig.log[-1] == ("sub.close",)
    assert not caplog.records


def test_an_exception_that_waits_for_the_flush_is_not_lost_to_ctrl_c() -> None:
    rig = Rig()
    rig.sub(flush=KeyboardInterrupt())
    rig.system(error=Boom())
    with pytest.raises(Boom):
        rig.loop.run()
    assert rig.log[-1] == ("sub.close",)


def test_a_system_that_raises_ends_run_and_all_is_closed_in_reverse_order() -> None:
    rig = Rig()
    for name in "abc":
        rig.sub(name)
    rig.system(error=Boom())
    with pytest.raises(Boom):
        rig.loop.run()
    assert rig.log[-3:] == [("c.close",), ("b.close",), ("a.close",)]
    with pytest.raises(UsageError, match="is closed"):
        rig.loop.run()


def test_frame_and_close_beside_run_are_refused() -> None:
    class Meddling(ManualClock):
        def sleep(self, seconds: float) -> None:
            for call in (loop.frame, loop.run, loop.close):
                with pytest.raises(UsageError, match="is running"):
                    call()
            refused.append(True)
            loop.stop()

    refused: list[bool] = []
    loop = TickLoop(clock=Meddling())
    loop.run()
    assert refused == [True]


def test_run_on_the_machines_clock() -> None:
    loop = TickLoop(1000, clock=SystemClock())
    start = loop.clock.now()
    loop.system(lambda tick: loop.stop() if tick.number == 50 else None)
    loop.run()
    assert loop.ticks >= 51
    assert 0.045 <= loop.clock.now() - start < 5.0


# The end


class Managed(Sub):
    def __enter__(self) -> "Managed":
        return self

    def __exit__(self, *error: object) -> bool:
        self._do("exit")
        return True


def test_what_is_a_context_manager_is_left_as_one() -> None:
    rig = Rig()
    rig.loop.add(Managed(rig, "managed"))
    rig.system(error=Boom())
    with pytest.raises(Boom):
        rig.loop.run()
    assert rig.log[-1] == ("managed.exit",)


def test_with_closes() -> None:
    rig = Rig()
    rig.sub()
    rig.system(error=Boom())
    with pytest.raises(Boom), rig.loop as loop:
        loop.frame()
    assert rig.log[-1] == ("sub.close",)


def test_everything_is_closed_whatever_some_of_it_raises(caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig()
    for name, error in (("a", 0.0), ("b", Boom()), ("c", KeyboardInterrupt()), ("d", 0.0)):
        rig.sub(name, close=error)
    with pytest.raises(Boom):
        rig.loop.close()
    assert rig.log[-4:] == [("d.close",), ("c.close",), ("b.close",), ("a.close",)]


def test_what_closing_raises_does_not_hide_why_run_ended(caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig()
    rig.sub(close=Boom("closing"))
    rig.system(error=Boom("system"))
    with pytest.raises(Boom, match="system"):
        rig.loop.run()
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == [
        "closing raised an exception"
    ]


# What it says of itself


def test_statistics() -> None:
    rig = Rig()
    rig.sub("net", budget=0.002, receive=0.001, flush=0.0005, tick=0.003)
    rig.system("fast", 0.001)
    rig.loop.system(name="slow")(lambda tick: rig.clock.advance(0.02 if tick.number == 5 else 0.0))
    before = rig.loop.statistics()
    assert (before.ticks, before.frames, before.rate, before.lateness.count) == (0, 0, 0.0, 0)
    rig.frames(121)
    told = rig.loop.statistics()
    assert (told.ticks, told.slipped, told.errors, told.slow, told.budget_share) == (121, 0.0, 0, False, 1.0)
    assert told.frames == 121
    assert told.rate == pytest.approx(60.0, rel=0.02)
    assert list(told.subsystems) == ["net"]
    assert list(told.systems) == ["net", "fast", "slow"]
    assert told.subsystems["net"].last == pytest.approx(0.0015)
    assert told.subsystems["net"].distribution.mean == pytest.approx(0.0015)
    assert told.systems["net"].distribution.worst == 0.003
    assert told.systems["fast"].distribution.count == 121
    assert told.systems["slow"].distribution.worst == 0.02
    over = 0.02 - rig.loop.dt
    assert list(told.overruns) == ["slow"]
    assert astuple(told.overruns["slow"]) == pytest.approx((1, over, over), abs=2e-9)
    with pytest.raises(TypeError):
        told.overruns["x"] = told.overruns["slow"]  # type: ignore[index]


def test_overruns_are_counted_by_name() -> None:
    rig = Rig()
    flushes = iter([0.002, 0.004, 0.0011])
    rig.sub("net", budget=0.002, receive=0.001, flush=lambda: next(flushes))
    rig.sub("unbounded", receive=0.02)
    rig.frames(3, every=0.1)
    overruns = rig.loop.statistics().overruns
    assert list(overruns) == ["net"]
    assert astuple(overruns["net"]) == pytest.approx((3, 0.0001, 0.003))


# A real server


def test_a_server_is_added_as_it_is() -> None:
    def on_message(ws: WebSocket, message: str | bytes) -> None:
        ws.send(f"{loop.ticks}: {message!r}")

    pair = Pair(on_message=on_message)
    loop = TickLoop(clock=pair.clock)
    server = loop.add(pair.server, budget=0.004)
    loop.frame()
    pair.client.send("hello")
    for _ in range(4):
        pair.client.work(0.0)
        pair.clock.advance(PERIOD)
        loop.frame()
    pair.client.work(0.0)
    assert pair.received == ["1: 'hello'"]
    assert list(loop.statistics().subsystems) == ["WebSocketServer"]
    loop.close()
    assert not server.work(0.0)
