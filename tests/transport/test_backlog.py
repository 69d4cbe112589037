"""Who does not take what we send: one spell each, from the first byte that is refused to the last that is taken."""

from threading import RLock
from types import SimpleNamespace
from typing import Any

import pytest

from tickws.clock import FOREVER, NANOSECONDS
from tickws.protocol.limits import Limits
from tickws.transport.backlog import Backlog
from tickws.transport.outbox import Outbox
from tickws.transport.readingtime import ReadingTime

SECOND = NANOSECONDS


class Box:
    """A backlog, whose time is moved by hand, and links that are no more than it needs."""

    def __init__(self, **limits: Any) -> None:
        self.time = ReadingTime()
        self.limits = Limits(**limits)
        self.backlog = Backlog(self.limits, self.time, RLock())

    def link(self) -> Any:
        outbox = Outbox(self.limits, self.time)
        outbox.open = True
        stream = SimpleNamespace(unsent_bytes=0)
        made: Any = Link(outbox, stream)
        return made

    def write(self, link: Any, unsent: int) -> None:
        """All that is queued was offered to the socket, if it was empty; it has left so many bytes."""
        if not link.stream.unsent_bytes:
            link.outbox.take_reliable(1 << 30)
        link.stream.unsent_bytes = unsent
        self.backlog.update(link)

    def slow(self, at: float) -> list[tuple[Any, float]]:
        self.time.now = round(at * SECOND)
        return self.backlog.slow()


class Link:
    def __init__(self, outbox: Outbox, stream: Any) -> None:
        self.outbox = outbox
        self.stream = stream


def test_who_takes_all_is_never_looked_for() -> None:
    box = Box()
    link = box.link()
    for second in range(10):
        link.outbox.put(b"x")
        box.write(link, 0)
        assert box.slow(second) == []
        assert box.backlog.due == FOREVER


def test_it_is_looked_four_times_in_the_time_that_counts_as_slow() -> None:
    box = Box(slow_seconds=2.0)
    link = box.link()
    box.write(link, 5)
    assert box.backlog.due == SECOND // 2
    assert [box.slow(at) for at in (0.4, 0.5, 0.9, 1.2, 1.5, 1.9)] == [[]] * 6
    assert box.slow(2.0) == [], "it has looked at 1.9, and looks at 2.4"
    assert box.slow(2.4) == [(link, 2.4)]
    assert box.slow(100.0) == []
    assert box.backlog.due == FOREVER, "everybody who is blocked was told of"
    box.write(link, 0)
    assert box.slow(200.0) == []
    assert box.backlog.due == FOREVER


def test_several_are_told_of_in_one_look_in_the_order_in_which_they_were_blocked() -> None:
    box = Box()
    links = [box.link() for _ in range(5)]
    for link in links:
        box.write(link, 1)
    box.backlog.forget(links[2])
    told = box.slow(1.0)
    assert [link for link, _ in told] == [links[0], links[1], links[3], links[4]]


def test_a_spell_goes_on_while_what_was_queued_meanwhile_waits() -> None:
    box = Box()
    link = box.link()
    box.write(link, 1)
    assert box.slow(1.0) == [(link, 1.0)]
    link.outbox.put(b"queued at 1")
    box.slow(5.0)
    box.write(link, 0)  # the first is out, and what was queued meanwhile is the oldest now
    assert link.outbox.age == 4.0
    box.write(link, 3)
    assert link.outbox.age == 4.0
    assert box.slow(6.0) == []
    box.write(link, 0)
    assert link.outbox.age == 0.0
    box.write(link, 1)
    assert box.slow(6.9) == []
    ((told, seconds),) = box.slow(7.2)
    assert told is link, "a new spell"
    assert seconds == pytest.approx(1.2)


def test_a_queue_that_was_dropped_ends_the_spell_when_its_rest_is_out() -> None:
    box = Box()
    link = box.link()
    box.write(link, 1)
    link.outbox.put(b"x")
    link.outbox.clear()
    box.write(link, 0)
    assert box.slow(10.0) == []
    assert box.backlog.due == FOREVER


@pytest.mark.parametrize(("limit", "half"), [({"queue_bytes": 100}, 50), ({"queue_messages": 10}, 5)])
def test_more_than_half_of_a_queue_is_slow_at_the_next_look(limit: dict[str, int], half: int) -> None:
    box = Box(**limit)
    link = box.link()
    box.write(link, 1)
    for _ in range(half):
        assert link.outbox.put(b"x")
    assert box.slow(0.25) == []
    link.outbox.put(b"x")
    assert box.slow(0.4) == []
    assert box.slow(0.5) == [(link, 0.5)]
    assert box.slow(1.5) == []


def test_a_full_queue_whose_socket_takes_all_is_not_slow() -> None:
    box = Box(queue_messages=4)
    link = box.link()
    for _ in range(4):
        link.outbox.put(b"x")
    assert box.slow(10.0) == []


@pytest.mark.parametrize("slow_seconds", [0.016, 0.1, 0.3, 0.7, 1.1, 3.3])
def test_it_is_told_at_its_very_nanosecond(slow_seconds: float) -> None:
    box = Box(slow_seconds=slow_seconds)
    link = box.link()
    box.write(link, 1)
    assert [each for each, _ in box.slow(slow_seconds)] == [link]


@pytest.mark.parametrize("slow_seconds", [1e-9, 0.001, 0.015])
def test_it_is_not_looked_for_all_the_time(slow_seconds: float) -> None:
    box = Box(slow_seconds=slow_seconds)
    link = box.link()
    box.write(link, 1)
    assert box.backlog.due == 16_000_000
    assert [each for each, _ in box.slow(0.016)] == [link]
    assert box.backlog.due == FOREVER, "everybody was told of"


def test_never_is_never() -> None:
    box = Box(slow_seconds=float("inf"))
    link = box.link()
    box.write(link, 1)
    assert box.slow(1e9) == []
