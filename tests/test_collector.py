"""The garbage collector's time, with a clock that moves only while it runs."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from tests.loop.rigs import Rig
from tickws.clock import ManualClock
from tickws.collector import Collector
from tickws.loop.tickloop import TickLoop


@pytest.fixture(autouse=True)
def collector_on_demand() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


class Rubbish:
    """Refers to itself; takes time to collect."""

    def __init__(self, clock: ManualClock, seconds: float) -> None:
        self.clock = clock
        self.seconds = seconds
        self.itself = self

    def __del__(self) -> None:
        self.clock.advance(self.seconds)


def test_runs_are_timed_from_start_to_stop() -> None:
    clock = ManualClock()
    collector = Collector(clock.now_ns)
    Rubbish(clock, 1.0)
    gc.collect()
    assert (collector.total, collector.count) == (0, 0)
    collector.start()
    Rubbish(clock, 0.25)
    gc.collect()
    assert (collector.total, collector.count) == (250_000_000, 1)
    collector.stop()
    collector.stop()
    Rubbish(clock, 1.0)
    gc.collect()
    assert (collector.total, collector.count) == (250_000_000, 1)


def test_started_in_the_middle_of_a_run_it_waits_for_the_next() -> None:
    collector = Collector(ManualClock().now_ns)
    collector._called("stop", {})
    assert collector.count == 0


def test_its_time_is_taken_off_from_whom_it_interrupts() -> None:
    rig = Rig()

    def wasteful(tick: object) -> None:
        rig.clock.advance(0.002)
        Rubbish(rig.clock, 0.030)
        gc.collect()

    rig.loop.system(wasteful)
    rig.frames(1)
    told = rig.loop.statistics()
    assert told.systems["wasteful"].last == 0.002
    assert (told.collections, told.collection_seconds) == (1, 0.030)
    assert list(told.overruns) == ["garbage collector"], "without it, nobody would have been over"
    rig.frames(20, every=0.0)
    [slow] = rig.slow
    assert (slow.cause, slow.name) == ("collector", "garbage collector")
    assert slow.seconds > 0.030, "some frames have more than one tick"
    rig.loop.close()


def test_close_takes_it_off() -> None:
    before = list(gc.callbacks)
    for end in (lambda loop: loop.close(), lambda loop: (loop.stop(), loop.run())):
        loop = TickLoop(clock=ManualClock())
        loop.frame()
        assert len(gc.callbacks) == len(before) + 1
        end(loop)
        assert gc.callbacks == before


def test_a_loop_that_nobody_closed_leaves_nothing_behind() -> None:
    before = list(gc.callbacks)
    loop = TickLoop(clock=ManualClock())
    loop.frame()
    gone = weakref.ref(loop)
    del loop
    gc.collect()
    assert gone() is None
    assert gc.callbacks == before
