"""The meter: what slices were spent on, to the nanosecond, and who took too long."""

import functools
import gc
import logging
from collections.abc import Callable, Iterator

import pytest

from tickws.statistics import MOST_NAMES
from tickws.transport.steps import Meter, Step

BUDGET = 4_000_000


class Watch:
    """A meter on a clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000
        self.meter = Meter(lambda: self.now)

    def step(self, step: Step, spent: int, who: Callable[..., object] | None = None) -> None:
        self.now += spent
        assert self.meter.lap(step, who) == self.now

    def call(
        self, *steps: tuple[Step, int], half: str = "work", budget: int = BUDGET, slept: int = 0, rest: int = 0
    ) -> None:
        """One call of `work`, `receive`, `flush` or `wait`, of these steps, and of `rest` nanoseconds behind them."""
        begun = self.meter.begin(flush=half in ("flush", "wait"))
        assert begun == self.meter.mark == self.now
        self.now += slept
        self.meter.mark = self.now
        for step, spent in steps:
            self.step(step, spent)
        self.now += rest
        self.meter.end(begun, slept, budget, receive=half == "receive", wait=half == "wait")

    @property
    def overruns(self) -> dict[str, int]:
        """The nanoseconds of each, the last time."""
        return {name: round(overrun.last * 1e9) for name, overrun in self.meter.overruns.frozen().items()}


def somebody() -> None:
    """Somebody's callback."""


class Chat:
    def on_message(self) -> None:
        """Somebody's callback."""


def test_steps_are_booked_from_one_look_at_the_clock_to_the_next() -> None:
    watch = Watch()
    watch.call((Step.POLL, 10), (Step.READ, 100), (Step.MESSAGE, 7), (Step.MESSAGE, 30), rest=5)
    told = watch.meter.statistics()
    assert list(told) == ["poll", "accept", "handshake", "read", "message", "deadline", "close", "encode", "write"]
    assert (told["message"].count, told["message"].last, told["message"].longest) == (2, 37e-9, 30e-9)
    assert (told["read"].count, told["read"].last, told["read"].longest) == (1, 100e-9, 100e-9)
    assert told["write"].count == 0
    assert watch.meter.slices().worst == 152e-9


def test_receive_and_flush_are_one_slice() -> None:
    watch = Watch()
    for _ in range(3):
        watch.call((Step.READ, 100), (Step.ENCODE, 1), half="receive")
        watch.now += 1_000_000  # ticks
        watch.call((Step.WRITE, 50), (Step.ENCODE, 2), half="flush")
    slices = watch.meter.slices()
    assert (slices.count, slices.worst) == (3, 153e-9)
    told = watch.meter.statistics()
    assert (told["encode"].count, told["encode"].last, told["encode"].slices.count) == (6, 3e-9, 3)
    assert told["encode"].longest == 2e-9


def test_a_receive_without_its_flush_is_a_slice_when_the_next_begins() -> None:
    watch = Watch()
    watch.call((Step.READ, 100), half="receive")
    assert watch.meter.slices().count == 0
    watch.call((Step.READ, 30), half="receive")
    assert watch.meter.slices().worst == 100e-9
    watch.call((Step.WRITE, 1), half="flush")
    assert watch.meter.slices().count == 2
    watch.call((Step.WRITE, 1), half="flush")
    assert watch.meter.slices().count == 3


def test_a_wait_is_no_slice_and_its_look_is_in_none() -> None:
    watch = Watch()
    watch.call((Step.READ, 100), half="receive")
    watch.call((Step.POLL, 7), half="wait", slept=5_000)
    watch.call((Step.WRITE, 50), half="flush")
    assert (watch.meter.slices().count, watch.meter.slices().worst) == (1, 150e-9)
    for _ in range(5):
        watch.call((Step.POLL, 1), half="wait")
    assert watch.meter.slices().count == 1
    assert watch.meter.statistics()["read"].last == 100e-9
    watch.call((Step.POLL, 2), half="receive")
    watch.call(half="flush")
    assert watch.meter.slices().count == 2
    assert watch.meter.statistics()["poll"].last == 2e-9


def test_sleep_is_not_counted() -> None:
    watch = Watch()
    watch.call((Step.READ, 100), slept=10_000_000, budget=20_000_000)
    assert watch.meter.slices().worst == 100e-9
    assert watch.overruns == {}


def test_last_is_of_the_last_slice_and_its_distribution_of_slices_that_had_any() -> None:
    watch = Watch()
    watch.call((Step.ACCEPT, 500))
    watch.call((Step.READ, 1))
    accepts = watch.meter.statistics()["accept"]
    assert (accepts.count, accepts.last, accepts.longest, accepts.slices.count) == (1, 0.0, 500e-9, 1)
    assert watch.meter.statistics()["read"].slices.count == 1


# Who took too long


def test_a_slice_within_its_budget_is_nobodys_fault() -> None:
    watch = Watch()
    watch.call((Step.READ, BUDGET))
    assert watch.overruns == {}
    watch.call((Step.READ, BUDGET + 1))
    assert watch.overruns == {"read": 1}


def test_the_longest_step_is_named_and_its_callback() -> None:
    watch = Watch()
    begun = watch.meter.begin(flush=False)
    watch.step(Step.READ, 2_000_000)
    watch.step(Step.MESSAGE, 1_900_000, somebody)
    watch.step(Step.MESSAGE, 2_500_000, Chat().on_message)
    watch.step(Step.CLOSE, 100, somebody)
    watch.meter.end(begun, 0, BUDGET, receive=False)
    assert watch.overruns == {"message: Chat.on_message": 2_400_100}


def test_a_look_alone_overruns_nothing() -> None:
    """Where there was nothing to do, the machine was late, not we."""
    watch = Watch()
    watch.call((Step.POLL, 2 * BUDGET))
    assert watch.overruns == {}
    watch.call((Step.POLL, 2 * BUDGET), (Step.READ, 1))
    assert watch.overruns == {"poll": BUDGET + 1}


@pytest.fixture
def collector_on_demand() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_the_garbage_collector_is_named_where_it_was_the_one(collector_on_demand: None) -> None:
    watch = Watch()
    for cost, expected in ((2_000_000, {"garbage collector": 1_000_000}), (500_000, {"garbage collector": 1_000_000})):

        def finalised(phase: str, info: dict[str, int], cost: int = cost) -> None:
            watch.now += cost if phase == "stop" else 0

        begun = watch.meter.begin(flush=False)
        gc.callbacks.insert(0, finalised)
        try:
            gc.collect()
        finally:
            gc.callbacks.remove(finalised)
        watch.step(Step.READ, 3_000_000 if cost == 2_000_000 else BUDGET + 7, somebody)
        watch.meter.end(begun, 0, BUDGET, receive=False)
        assert {name: watch.overruns[name] for name in expected} == expected
    assert watch.overruns["read: somebody"] == 500_007
    assert watch.meter.collections == 2
    watch.call((Step.READ, 5))
    gc.collect()
    assert watch.meter.collections == 2, "only inside slices"


def test_one_warning_for_each_callback_that_alone_is_too_long(caplog: pytest.LogCaptureFixture) -> None:
    watch = Watch()

    def slice_of(who: Callable[..., object] | None, spent: int, budget: int = BUDGET, steps: int = 1) -> list[str]:
        caplog.clear()
        begun = watch.meter.begin(flush=False)
        for _ in range(steps):
            watch.step(Step.MESSAGE, spent, who)
        watch.meter.end(begun, 0, budget, receive=False)
        return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]

    assert slice_of(somebody, 3_000_000, steps=2) == [], "each alone is short enough"
    assert slice_of(somebody, 9_000_000) == ["message: somebody took 9.0 ms of a slice of 4.0 ms"]
    assert slice_of(somebody, 9_000_000) == []
    assert slice_of(Chat().on_message, 5_000_000) == ["message: Chat.on_message took 5.0 ms of a slice of 4.0 ms"]
    assert slice_of(None, 9_000_000) == [], "a long read is nobody's"
    assert slice_of(functools.partial(somebody), 999_999, budget=0) == [], "too short to complain of"
    assert slice_of(functools.partial(somebody), 1_000_001, budget=0) == [
        "message: partial took 1.0 ms of a slice of 0.0 ms"
    ]
    assert watch.meter.overruns.frozen()["message: somebody"].count == 3


def test_names_are_bounded(caplog: pytest.LogCaptureFixture) -> None:
    watch = Watch()
    for number in range(MOST_NAMES + 50):

        def callback() -> None: ...

        callback.__qualname__ = f"callback{number}"
        begun = watch.meter.begin(flush=False)
        watch.step(Step.MESSAGE, 5_000_000, callback)
        watch.meter.end(begun, 0, BUDGET, receive=False)
    overruns = watch.meter.overruns.frozen()
    assert len(overruns) == MOST_NAMES + 1
    assert overruns["others"].count == 50
    assert len(caplog.records) == MOST_NAMES


def test_a_long_step_of_another_slice_is_not_named() -> None:
    watch = Watch()
    watch.call((Step.READ, 3_900_000))
    watch.call((Step.WRITE, 3_000_000), (Step.MESSAGE, 1_500_000))
    assert watch.overruns == {"write": 500_000}
