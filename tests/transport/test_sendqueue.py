"""The thread-safe send queue: who stands in it, who is woken, what is said of links that are no longer open."""

import threading
from typing import Any

import pytest

from tests.protocol.helpers import opened
from tickws.protocol.connection import Role
from tickws.protocol.limits import Limits
from tickws.testing import MemoryNetwork
from tickws.transport.link import Link, Phase
from tickws.transport.outbox import Fragments, Outbox
from tickws.transport.readingtime import ReadingTime
from tickws.transport.sendqueue import SendQueue
from tickws.transport.stream import Stream

LIMITS = Limits(queue_bytes=10, queue_messages=4, latest_keys=2)


class Wakes:
    """Stands for a poller: counts how often it was woken."""

    def __init__(self) -> None:
        self.count = 0

    def wake(self) -> None:
        self.count += 1

    def drain(self) -> None:
        """As a poller that is awake."""


def make(count: int = 1, *, opened_: bool = True) -> tuple[SendQueue, Wakes, list[Link]]:
    network, wakes = MemoryNetwork(), Wakes()
    poller: Any = wakes
    links = [
        Link(Stream(network.dial(80)), opened(Role.SERVER), Outbox(LIMITS, ReadingTime()), Phase.OPEN, None)
        for _ in range(count)
    ]
    for link in links:
        link.outbox.open = opened_
    return SendQueue(poller, Limits()), wakes, links


def everything(queue: SendQueue, link: Link) -> list[object]:
    """What each way to say something answers; closes the link at last."""
    answers: list[object] = [
        queue.put(link, b"message"),
        queue.put(link, Fragments([b""])),
        queue.put_latest(link, "key", b"latest"),
        queue.ping(link, b"ping"),
    ]
    queue.close(link, 1000, "")
    return answers


def test_a_link_with_something_to_say_stands_in_the_queue_once() -> None:
    queue, wakes, (link, other) = make(2)
    queue.put(other, b"x")
    assert everything(queue, link) == [True] * 4
    queue.want_write(link)
    assert list(queue.pending) == [other, link]
    assert link.pending
    assert wakes.count == 0, "nobody sleeps"


@pytest.mark.parametrize("call", ["put", "put_latest", "ping", "close", "condemn", "want_write"])
def test_each_way_to_say_something_queues_the_link(call: str) -> None:
    queue, _, (link,) = make()
    arguments = {"put": (b"",), "put_latest": (1, b""), "ping": (b"",), "want_write": ()}.get(call, (1000, ""))
    getattr(queue, call)(link, *arguments)
    assert list(queue.pending) == [link]


def test_a_link_that_is_not_open_says_nothing() -> None:
    queue, _, (link,) = make(opened_=False)
    assert everything(queue, link) == [False] * 4
    assert not queue.pending
    assert link.outbox.empty
    assert link.outbox.closing is None


def test_a_released_link_is_not_queued() -> None:
    queue, _, (link,) = make()
    link.phase = Phase.RELEASED
    queue.want_write(link)
    queue.condemn(link, 1008, "why")
    assert not queue.pending
    assert link.verdict is None


@pytest.mark.parametrize(
    ("message", "before"), [(b"12345", [b"123456"]), (b"x", [b"x"] * 4), (Fragments([]), [Fragments([])] * 4)]
)
def test_what_does_not_fit_condemns_the_link(message: bytes | Fragments, before: list[bytes | Fragments]) -> None:
    queue, _, (link,) = make()
    assert all(queue.put(link, each) for each in before)
    assert queue.put(link, message) is False
    assert link.verdict == link.outbox.closing == (1008, "send queue full")
    assert link.outbox.empty, "what was queued is dropped"
    assert everything(queue, link) == [False] * 4
    assert link.outbox.closing == (1008, "send queue full")


def test_the_first_verdict_stands() -> None:
    queue, _, (link,) = make()
    queue.close(link, 1000, "bye")
    queue.condemn(link, 1011, "error")
    queue.condemn(link, 1008, "full")
    assert link.verdict == link.outbox.closing == (1011, "error")


def test_put_many_counts_who_took_it() -> None:
    queue, _, links = make(4)
    links[1].outbox.open = False
    queue.put(links[2], bytes(10))
    assert queue.put_many(links, b"x") == 2
    assert [link.outbox.queued_messages for link in links] == [1, 0, 0, 1]
    assert links[2].verdict == (1008, "send queue full")
    assert queue.put_many((), b"x") == 0


def test_a_latest_key_too_many_raises_and_changes_nothing() -> None:
    queue, _, (link,) = make()
    for key in range(2):
        queue.put_latest(link, key, b"")
    with pytest.raises(ValueError, match="2 keys are waiting"):
        queue.put_latest(link, 2, b"")
    assert link.outbox.open


@pytest.mark.parametrize(
    ("sleeping", "watched", "inside", "woken"),
    [
        (False, False, False, False),
        (True, False, False, True),
        (False, True, False, True),
        (False, True, True, False),  # whoever is inside work looks at the queue before it returns
        (True, True, True, True),
    ],
)
def test_who_sleeps_or_waits_for_the_descriptor_is_woken_once(
    sleeping: bool, watched: bool, inside: bool, woken: bool
) -> None:
    queue, wakes, (link,) = make()
    queue.sleeping, queue.watched, queue.worker = sleeping, watched, threading.get_ident() if inside else None
    for _ in range(3):
        queue.put(link, b"x")
    assert wakes.count == woken


def test_one_wake_is_enough_until_it_was_noticed() -> None:
    """A broadcast to many, and another one, is one system call and not one a link."""
    queue, wakes, links = make(5)
    queue.watched = True
    assert queue.put_many(links[:3], b"x") == 3
    assert queue.put_many(links, b"y") == 5
    assert wakes.count == 1
    queue.awake()
    queue.pending.clear()
    for link in links:
        link.pending = False
    queue.put_many(links, b"z")
    assert wakes.count == 2


def test_another_thread_wakes_the_worker_that_is_inside() -> None:
    queue, wakes, (link,) = make()
    queue.watched, queue.worker = True, threading.get_ident()
    thread = threading.Thread(target=queue.put, args=(link, b"x"))
    thread.start()
    thread.join()
    assert wakes.count == 1


def test_threads_lose_nothing_and_queue_the_link_once() -> None:
    queue, _, (link,) = make()
    link.outbox = Outbox(Limits(queue_messages=10_000), ReadingTime())
    link.outbox.open = True
    sent: list[int] = []

    def send() -> None:
        sent.append(sum(queue.put(link, b"x") for _ in range(1000)))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sent == [1000] * 8
    assert link.outbox.queued_messages == 8000
    assert list(queue.pending) == [link]


def test_the_lock_may_be_held_already() -> None:
    """A signal handler or a finaliser may send while its thread holds it."""
    queue, _, (link,) = make()
    with queue.lock:
        assert everything(queue, link) == [True] * 4
