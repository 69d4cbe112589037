"""What can be added to a loop, and what is called of it."""

import threading
from typing import Any

import pytest

from tests.loop.rigs import Plain, Rig
from tickws.loop.subsystem import Subsystem


def test_a_bare_subsystem_does_nothing_and_costs_nothing() -> None:
    rig = Rig()
    bare: Any = rig.loop.add(Subsystem())
    [member] = rig.loop._roster.members
    assert [member.attach, member._receive, member.tick, member._flush, member.idle] == [None] * 5
    rig.frames(3)
    for method in ("attach", "receive", "tick", "flush", "idle"):
        assert getattr(bare, method)(0) is None
    assert bare.close() is None
    assert bare.waited == 0.0
    rig.loop.close()


@pytest.mark.parametrize("method", ["attach", "receive", "tick", "flush", "idle", "close"])
def test_one_method_is_enough(method: str) -> None:
    log: list[str] = []
    kind = type("Thing", (), {method: lambda self, *arguments: log.append(method)})
    rig = Rig()
    rig.loop.add(kind())
    rig.frames(2)
    rig.loop.close()
    assert set(log) == {method}


def test_what_a_server_has_is_enough() -> None:
    rig, plain = Rig(), Plain()
    assert rig.loop.add(plain, budget=0.002) is plain
    rig.frames(1)
    rig.loop.close()
    assert plain.log == [("receive", 0.0015), ("flush", 0.002), "close"]


@pytest.mark.parametrize("thing", [None, 5, "server", [], {}, object()])
def test_what_has_none_of_them_is_refused(thing: Any) -> None:
    with pytest.raises(
        TypeError, match=r"a subsystem has one of attach, receive, tick, flush, idle, close; .* has none"
    ):
        Rig().loop.add(thing)


def test_refusals_say_what_is_meant() -> None:
    loop = Rig().loop
    with pytest.raises(TypeError, match=r"add an instance: Plain\(\.\.\.\), not the class"):
        loop.add(Plain)
    with pytest.raises(TypeError, match=r"for a function there is @loop\.system"):
        loop.add(lambda tick: None)


def test_methods_that_cannot_be_called_are_refused() -> None:
    class Async:
        async def receive(self, budget: float | None) -> None: ...

    class Short:
        def tick(self) -> None: ...

    class Attributes(Plain):
        tick = 5
        idle = None

    loop = Rig().loop
    with pytest.raises(TypeError, match=r"Async\.receive is async"):
        loop.add(Async())
    with pytest.raises(TypeError, match=r"Short\.tick is called with \(tick\)"):
        loop.add(Short())
    loop.add(Attributes())
    loop.frame()


@pytest.mark.parametrize(("budget", "error"), [(2, ValueError), ("1", TypeError), (True, TypeError)])
def test_what_is_no_number_of_seconds_is_refused(budget: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="budget is"):
        Rig().loop.add(Plain(), budget=budget)


# Budgets


@pytest.mark.parametrize(
    ("budget", "cost", "received", "left"),
    [
        (0.004, 0.0, 0.003, 0.004),
        (0.004, 0.001, 0.003, 0.003),
        (0.004, 0.003, 0.003, 0.001),
        (0.004, 0.0035, 0.003, 0.001),
        (0.004, 1.0, 0.003, 0.001),
        (0, 0.5, 0.0, 0.0),
        (-1.0, 0.5, 0.0, 0.0),
        (None, 0.5, None, None),
    ],
)
def test_flush_gets_what_receive_left_and_at_least_a_quarter(
    budget: float | None, cost: float, received: float | None, left: float | None
) -> None:
    rig = Rig()
    sub = rig.sub(budget=budget, receive=cost)
    rig.loop.frame()
    assert (sub.budgets, sub.rests) == ([received], [left])


def test_one_that_raised_in_receive_has_used_its_time() -> None:
    rig = Rig(errors="log")

    def receive() -> float:
        rig.clock.advance(0.002)
        raise ZeroDivisionError

    sub = rig.sub(budget=0.004, receive=receive)
    rig.loop.frame()
    assert sub.rests == [0.002]


def test_one_added_in_a_tick_is_flushed_in_the_same_frame_with_its_whole_budget() -> None:
    rig = Rig()
    late = Plain()
    rig.loop.system(lambda tick: rig.loop.add(late, budget=0.004) if tick.number == 0 else None)
    rig.frames(2)
    assert late.log == [("flush", 0.004), ("receive", 0.003), ("flush", 0.004)]


def test_a_wait_of_its_own_is_its_own_affair() -> None:
    class Mine(Plain):
        def wait(self) -> None: ...

    loop = Rig().loop
    loop.add(Mine(), budget=0.002)
    loop.frame()
    with pytest.raises(TypeError, match="a subsystem has one of"):
        loop.add(threading.Event())
    waking = Rig(wake_on_input=True).loop
    waking.add(Mine())
    with pytest.raises(TypeError, match=r"Mine\.wait is called with \(seconds\)"):
        waking.run()
