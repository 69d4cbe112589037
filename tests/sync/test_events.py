"""Events: reliable, in order, bounded, each once."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tickws
from tests.sync.helpers import STEADY, fault_of
from tickws.sync.events import EventCounter, EventQueue, check_name, pack_payload
from tickws.sync.wire import NAME_LENGTH, Event, server_reader


def raw(size: int) -> msgspec.Raw:
    """A payload of so many bytes, 2 at least."""
    return msgspec.Raw(b"\xc4" + bytes([size - 2]) + bytes(size - 2))


def read(message: bytes | None) -> Event:
    assert message is not None
    event = server_reader().read(message)
    assert isinstance(event, Event)
    return event


OVERHEAD = 5  # array, kind, number, length of the name, the name "e"


# The queue


def test_events_are_numbered_and_kept() -> None:
    queue = EventQueue(10, 1000)
    events = [read(queue.put("e", pack_payload("e", {"n": n}))) for n in range(3)]
    assert [(event.number, event.name, tickws.unpack(bytes(event.payload))) for event in events] == [
        (1, "e", {"n": 0}),
        (2, "e", {"n": 1}),
        (3, "e", {"n": 2}),
    ]
    assert (len(queue), queue.last) == (3, 3)


def test_so_many_messages_and_not_one_more() -> None:
    queue = EventQueue(3, 10_000)
    assert all(queue.put("e", raw(2)) for _ in range(3))
    assert [queue.put("e", raw(2)) for _ in range(2)] == [None, None]
    assert (len(queue), queue.last, queue.bytes) == (3, 3, 3 * (OVERHEAD + 2))
    queue.acknowledge(1)
    assert read(queue.put("e", raw(2))).number == 4
    assert queue.put("e", raw(2)) is None


def test_so_many_bytes_and_not_one_more() -> None:
    for size, fits in ((42, True), (43, False)):
        queue = EventQueue(100, 100)
        assert queue.put("e", raw(48))
        assert queue.bytes == 53
        assert (queue.put("e", raw(size)) is not None) == fits
        assert queue.bytes == (100 if fits else 53)


def test_one_event_is_always_taken() -> None:
    queue = EventQueue(3, 20)
    assert read(queue.put("e", raw(200))).number == 1
    assert queue.put("e", raw(2)) is None
    queue.acknowledge(1)
    assert queue.bytes == 0
    assert read(queue.put("e", raw(200))).number == 2


@STEADY
@given(st.lists(st.integers(-20, 60)))
def test_the_queue_holds_what_is_not_acknowledged(steps: list[int]) -> None:
    """Positive: an event of that size. Else: an acknowledgment so far behind the last event."""
    queue, waiting, last = EventQueue(5, 120), dict[int, int](), 0
    for step in steps:
        if step >= 2:
            message = queue.put("e", raw(step))
            size = step + OVERHEAD
            fits = not waiting or (len(waiting) < 5 and sum(waiting.values()) + size <= 120)
            assert (message is not None) == fits
            if message is not None:
                last += 1
                waiting[last] = len(message)
        elif step <= 0:
            queue.acknowledge(last + step)
            waiting = {number: size for number, size in waiting.items() if number > last + step}
        assert (len(queue), queue.bytes, queue.last) == (len(waiting), sum(waiting.values()), last)
        assert queue.half_full == (len(waiting) > 2 or sum(waiting.values()) > 60)


def test_acknowledging_what_was_never_sent() -> None:
    queue = EventQueue(5, 100)
    queue.acknowledge(0)
    assert fault_of(lambda: queue.acknowledge(1)) == 1008
    queue.put("e", raw(2))
    queue.put("e", raw(2))
    assert fault_of(lambda: queue.acknowledge(3)) == 1008
    assert len(queue) == 2
    queue.acknowledge(2)
    for old in (2, 1, 0, -5):
        queue.acknowledge(old)
    assert fault_of(lambda: queue.acknowledge(3)) == 1008
    assert (len(queue), queue.bytes, queue.last) == (0, 0, 2)


def test_an_event_that_cannot_be_written_changes_nothing() -> None:
    queue = EventQueue(5, 100)
    with pytest.raises(ValueError):
        queue.put("\ud800", raw(2))
    assert (len(queue), queue.bytes, queue.last) == (0, 0, 0)
    assert read(queue.put("e", raw(2))).number == 1


# The counter


def test_each_event_once_and_in_order() -> None:
    counter = EventCounter()
    assert [counter.take(number) for number in (1, 2, 2, 1, 3)] == [True, True, False, False, True]
    assert (counter.received, counter.told) == (3, 0)
    assert (counter.tell(), counter.told) == (3, 3)


@pytest.mark.parametrize("number", [3, 4, (1 << 32) - 1])
def test_a_gap_is_a_fault_and_counts_for_nothing(number: int) -> None:
    counter = EventCounter()
    counter.take(1)
    assert fault_of(lambda: counter.take(number)) == 1008
    assert counter.received == 1
    assert counter.take(2)


@pytest.mark.parametrize("number", [0, -1])
def test_numbers_begin_at_one(number: int) -> None:
    assert not EventCounter().take(number)


@STEADY
@given(st.lists(st.integers(0, 6)))
def test_what_one_end_sends_the_other_takes_once(resumed_from: list[int]) -> None:
    """Each time, all from some number on is said again."""
    queue, counter, taken = EventQueue(100, 10_000), EventCounter(), []
    sent = [read(queue.put("e", raw(2))).number for _ in range(6)]
    for start in resumed_from:
        taken += [number for number in sent[min(start, counter.received) :] if counter.take(number)]
        queue.acknowledge(counter.tell())
    assert taken == (sent if resumed_from else [])
    assert len(queue) == (0 if resumed_from else 6)


# Names


@pytest.mark.parametrize("name", ["e", " ", "x" * NAME_LENGTH, "größer", "💥" * NAME_LENGTH])
def test_names(name: str) -> None:
    check_name(name)
    assert read(EventQueue(1, 1).put(name, pack_payload(name, None))).name == name


@pytest.mark.parametrize(("name", "error"), [(b"e", TypeError), (None, TypeError), (1, TypeError), ("", ValueError)])
def test_what_is_no_name(name: Any, error: type[Exception]) -> None:
    for call in (lambda: check_name(name), lambda: pack_payload(name, None)):
        with pytest.raises(error, match="event's name"):
            call()
    with pytest.raises(ValueError, match="event's name"):
        check_name("x" * (NAME_LENGTH + 1))


@pytest.mark.parametrize(("payload", "error"), [({1}, TypeError), (1 << 64, ValueError), ("\ud800", ValueError)])
def test_what_is_no_payload(payload: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        pack_payload("e", payload)
