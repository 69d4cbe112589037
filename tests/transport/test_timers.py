"""Deadlines: one a link, the earliest first, and nothing kept of links that have none."""

import gc
import random
import weakref
from typing import Any

import pytest

from tickws.transport.timers import Timers


class Thing:
    """Stands for a link: all that a timer needs of one."""

    def __init__(self) -> None:
        self.timer: Any = None


def make(count: int) -> tuple[Any, list[Any]]:
    return Timers(), [Thing() for _ in range(count)]


def popped(timers: Timers, now: int) -> list[object]:
    links: list[object] = []
    while (link := timers.pop_due(now)) is not None:
        links.append(link)
    return links


def test_nothing_is_due_without_deadlines() -> None:
    timers, _ = make(0)
    assert timers.next_due() is None
    assert timers.pop_due(1 << 62) is None


def test_deadlines_come_in_order_and_once() -> None:
    timers, things = make(100)
    dues = list(range(100))
    random.Random(1).shuffle(dues)
    for due, thing in zip(dues, things, strict=True):
        timers.set(thing, due)
    by_due = [thing for _, thing in sorted(zip(dues, things, strict=True), key=lambda pair: pair[0])]
    assert timers.next_due() == 0
    assert popped(timers, 49) == by_due[:50]
    assert timers.next_due() == 50
    assert popped(timers, 1000) == by_due[50:]
    assert timers.next_due() is None
    assert all(thing.timer is None for thing in things)


def test_equal_deadlines_come_in_the_order_in_which_they_were_set() -> None:
    timers, things = make(5)
    for thing in things:
        timers.set(thing, 7)
    assert popped(timers, 6) == []
    assert popped(timers, 7) == things


def test_a_new_deadline_takes_the_place_of_the_old_one() -> None:
    timers, (thing, other) = make(2)
    timers.set(thing, 5)
    timers.set(other, 10)
    timers.set(thing, 20)
    assert timers.next_due() == 10
    assert popped(timers, 19) == [other]
    timers.set(thing, 1)
    assert popped(timers, 19) == [thing]
    assert popped(timers, 100) == []


def test_a_deadline_taken_away_never_comes() -> None:
    timers, (thing, other) = make(2)
    timers.set(thing, 5)
    timers.set(other, 6)
    timers.clear(thing)
    timers.clear(thing)
    assert timers.next_due() == 6
    assert popped(timers, 100) == [other]
    timers.set(thing, 5)
    assert popped(timers, 100) == [thing]


@pytest.mark.parametrize("live", [0, 1, 100])
def test_a_deadline_set_again_and_again_costs_no_memory(live: int) -> None:
    timers, things = make(live + 1)
    for thing in things:
        timers.set(thing, 1000)
    for due in range(10_000):
        timers.set(things[0], due)
    assert len(timers._heap) <= 2 * (live + 1) + 65
    assert timers.next_due() == min(1000, 9_999) if live else 9_999


def test_links_without_a_deadline_are_let_go() -> None:
    """Few may wait in the heap until their time would have come; then they are gone too."""
    gc.disable()
    try:
        timers, _ = make(0)
        alive = []
        for due in range(1000):
            thing: Any = Thing()
            timers.set(thing, 10 + due)
            timers.clear(thing)
            alive.append(weakref.ref(thing))
            del thing
        assert sum(ref() is not None for ref in alive) <= 65
        timers.next_due()
        assert not [ref for ref in alive if ref() is not None]
    finally:
        gc.enable()
