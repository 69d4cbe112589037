"""What one connection has to say: order, shares, bounds, and what is forgotten when."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.protocol.helpers import BINARY, CONT, TEXT, opened, read_frames
from tickws.errors import UsageError
from tickws.protocol.connection import Role
from tickws.protocol.limits import Limits
from tickws.transport.outbox import PINGS, Fragments, Outbox
from tickws.transport.readingtime import ReadingTime
from tickws.transport.steps import Meter

IN_TIME = (Meter(lambda: 0), 1)
"""A clock that stands still before a deadline."""
SMALL = Limits(queue_bytes=100, queue_messages=5, latest_keys=3)


def an_outbox(limits: Limits = SMALL) -> Outbox:
    outbox = Outbox(limits, ReadingTime())
    outbox.open = True
    return outbox


def taken(outbox: Outbox, share: int = 1 << 20) -> list[object]:
    return list(outbox.take_reliable(share))


# Reliable messages


def test_a_new_outbox_is_empty_and_takes_nothing_in() -> None:
    outbox = Outbox(SMALL, ReadingTime())
    assert (outbox.open, outbox.empty, outbox.queued_bytes, outbox.queued_messages) == (False, True, 0, 0)
    assert taken(outbox) == list(outbox.take_latest()) == list(outbox.take_pings()) == []


def test_messages_come_out_in_order_and_once() -> None:
    outbox = an_outbox()
    for message in (b"one", b"two", b"three"):
        assert outbox.put(message)
    assert (outbox.queued_bytes, outbox.queued_messages, outbox.empty) == (11, 3, False)
    assert taken(outbox) == [b"one", b"two", b"three"]
    assert (outbox.queued_bytes, outbox.queued_messages, outbox.empty) == (0, 0, True)
    assert taken(outbox) == []


@pytest.mark.parametrize("special", [False, True])
@pytest.mark.parametrize(
    ("share", "counts"),
    [(1, [1, 1, 1, 1]), (10, [1, 1, 1, 1]), (11, [2, 2]), (20, [2, 2]), (39, [4]), (40, [4]), (1000, [4])],
)
def test_a_share_is_reached_by_whole_messages(share: int, counts: list[int], special: bool) -> None:
    outbox = an_outbox()
    for number in range(4):
        outbox.put(b"message %02d" % number)
    if special:
        outbox.put_latest("key", b"latest")
    shares = []
    while outbox.queued_messages:
        shares.append(taken(outbox, share))
        assert outbox.queued_bytes == 10 * outbox.queued_messages
    assert [len(each) for each in shares] == counts
    assert [message for each in shares for message in each] == [b"message %02d" % number for number in range(4)]


@pytest.mark.parametrize(
    ("sizes", "fits"),
    [
        ([100], True),
        ([101], True),  # whatever its size: into an empty queue
        ([100_000], True),
        ([99, 1], True),
        ([100, 1], False),
        ([99, 2], False),
        ([50, 25, 25], True),
        ([50, 25, 26], False),
        ([1] * 5, True),
        ([1] * 6, False),
    ],
)
def test_the_bounds_hold_to_the_byte_and_the_message(sizes: list[int], fits: bool) -> None:
    outbox = an_outbox()
    *first, last = sizes
    assert all(outbox.put(bytes(size)) for size in first)
    assert outbox.put(bytes(last)) is fits
    queued = sizes if fits else first
    assert (outbox.queued_bytes, outbox.queued_messages) == (sum(queued), len(queued))
    assert [len(message) for message in outbox.take_reliable(1 << 20) if isinstance(message, bytes)] == queued
    assert outbox.put(bytes(1))


# Latest values


def test_a_newer_value_takes_the_place_of_an_unsent_one() -> None:
    outbox = an_outbox()
    for key, value in (("a", b"1"), ("b", b"1"), ("a", b"2"), ("a", b"3"), ("c", b"1")):
        outbox.put_latest(key, value)
    assert outbox.take_latest() == {"a": b"3", "b": b"1", "c": b"1"}
    assert outbox.take_latest() == {}
    assert outbox.empty


@pytest.mark.parametrize("keys", [1, 3, 16])
def test_one_key_too_many_raises(keys: int) -> None:
    outbox = an_outbox(Limits(latest_keys=keys))
    for key in range(keys):
        assert outbox.has_room(key)
        outbox.put_latest(key, b"")
    assert not outbox.has_room(keys)
    with pytest.raises(ValueError, match=f"{keys} keys are waiting"):
        outbox.put_latest(keys, b"")
    outbox.put_latest(0, b"still there")
    assert outbox.has_room(0)
    assert len(list(outbox.take_latest())) == keys
    outbox.put_latest(keys, b"")


# Pings


@pytest.mark.parametrize("count", [1, PINGS - 1, PINGS, PINGS + 1, 3 * PINGS])
def test_of_pings_the_newest_wait(count: int) -> None:
    outbox = an_outbox()
    for number in range(count):
        outbox.put_ping(b"%d" % number)
    assert not outbox.empty
    assert outbox.take_pings() == [b"%d" % number for number in range(max(0, count - PINGS), count)]
    assert outbox.empty


# Closing


@pytest.mark.parametrize("drop", [False, True])
def test_closing_takes_nothing_more_in_and_may_drop_what_waits(drop: bool) -> None:
    outbox = an_outbox()
    outbox.put(b"reliable")
    outbox.put(Fragments([b"in", b"parts"]))
    outbox.put_latest("key", b"latest")
    outbox.put_ping(b"ping")
    outbox.close(4000, "why", drop=drop)
    assert (outbox.open, outbox.closing, outbox.empty) == (False, (4000, "why"), drop)
    assert outbox.queued_bytes == (0 if drop else 8)
    assert taken(outbox) == ([] if drop else [b"reliable"])
    outbox.clear()
    assert (outbox.empty, outbox.closing, outbox.queued_messages) == (True, (4000, "why"), 0)


@pytest.mark.parametrize(
    ("messages", "whole"),
    [([], []), ([b"a", b"b"], [b"a", b"b"]), ([b"a", "story", b"b"], [b"a"]), (["story", b"a"], [])],
)
def test_what_can_still_be_sent_whole_is_what_stands_before_the_first_story(
    messages: list[bytes | str], whole: list[bytes]
) -> None:
    outbox = an_outbox()
    for message in messages:
        outbox.put(message if isinstance(message, bytes) else Fragments([message]))
    assert outbox.take_whole() == whole


# Messages in fragments


class Pieces:
    """An iterable that counts how many of its pieces were asked for."""

    def __init__(self, *pieces: Any) -> None:
        self.pieces = pieces
        self.asked = 0

    def __iter__(self) -> Iterator[Any]:
        for piece in self.pieces:
            self.asked += 1
            if isinstance(piece, BaseException):
                raise piece
            yield piece


def parts(
    fragments: Fragments, share: int = 1 << 20, connection: Any = None
) -> tuple[list[tuple[int, bytes, bool]], bool]:
    """The frames of one take, and whether the message is complete with them."""
    frames: list[bytes] = []
    complete = fragments.take(frames, connection or opened(Role.SERVER), share, *IN_TIME)
    return [(sent.opcode, sent.payload, sent.fin) for sent in read_frames(b"".join(frames))], complete


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([], []),
        ([b"all"], [(BINARY, b"all", True)]),
        (["a", "b", "c"], [(TEXT, b"a", False), (CONT, b"b", False), (CONT, b"c", True)]),
        ([b"", bytearray(b""), memoryview(b"")], [(BINARY, b"", False), (CONT, b"", False), (CONT, b"", True)]),
    ],
)
def test_each_item_is_a_fragment(pieces: list[Any], expected: list[tuple[int, bytes, bool]]) -> None:
    assert parts(Fragments(pieces)) == (expected, True)


def test_items_are_asked_for_as_there_is_room() -> None:
    pieces = Pieces(*[bytes(100)] * 10)
    fragments, connection = Fragments(pieces), opened(Role.SERVER)
    assert pieces.asked == 0
    counts = []
    complete = False
    while not complete:
        frames, complete = parts(fragments, 250, connection)
        counts.append(len(frames))
        assert pieces.asked <= sum(counts) + 1, "one is looked ahead, to know the last one"
    assert counts == [3, 3, 3, 1]


def test_an_outbox_gives_fragments_alone_until_they_are_finished() -> None:
    outbox = an_outbox()
    message = Fragments([b"a"])
    for each in (b"before", message, b"after", Fragments([b"b"])):
        outbox.put(each)
    assert outbox.unmade is None
    assert taken(outbox) == [b"before"]
    for _ in range(3):
        assert taken(outbox) == []
        assert outbox.unmade is message
        assert outbox.queued_messages == 3
    outbox.finish(message)
    outbox.finish(message)
    assert outbox.unmade is None
    assert taken(outbox) == [b"after"]
    assert outbox.unmade not in (None, message)
    assert outbox.queued_messages == 1


def test_fragments_count_as_messages() -> None:
    outbox = an_outbox()
    assert all(outbox.put(Fragments([])) for _ in range(5))
    assert not outbox.put(Fragments([]))
    assert not outbox.put(b"")


@pytest.mark.parametrize(
    ("pieces", "error"),
    [
        ([b"a", "b"], UsageError),
        (["a", b"b"], UsageError),
        ([b"a", None, b"b"], TypeError),
        ([None], TypeError),
        ([5], TypeError),
        ([b"a", RuntimeError("mine")], RuntimeError),
        ([RuntimeError("mine")], RuntimeError),
    ],
)
def test_what_is_wrong_with_an_item_raises_and_completes_nothing(pieces: list[Any], error: type[Exception]) -> None:
    frames: list[bytes] = []
    with pytest.raises(error):
        Fragments(Pieces(*pieces)).take(frames, opened(Role.SERVER), 1 << 20, *IN_TIME)
    assert not any(sent.fin for sent in read_frames(b"".join(frames)))


def test_an_interrupted_iterable_is_never_taken_for_a_finished_one() -> None:
    fragments, connection = Fragments(Pieces(b"a", b"b", KeyboardInterrupt())), opened(Role.SERVER)
    with pytest.raises(KeyboardInterrupt):
        fragments.take([], connection, 1 << 20, *IN_TIME)
    with pytest.raises(RuntimeError, match="interrupted"):
        fragments.take([], connection, 1 << 20, *IN_TIME)


def test_a_producer_that_was_not_called_waits_on_but_not_in_place_of_a_newer_value() -> None:
    outbox = an_outbox()
    for key in ("a", "b"):
        outbox.put_latest(key, print)
    uncalled = outbox.take_latest()
    outbox.put_latest("a", b"newer")
    for waiting in uncalled:
        outbox.put_back(waiting, print)
    assert outbox.take_latest() == {"a": b"newer", "b": print}
    outbox.close(1008, "", drop=True)
    outbox.clear()
    outbox.closing = None
    outbox.put_back("a", print)
    assert outbox.empty


def test_fragments_stop_at_a_deadline_and_go_on() -> None:
    fragments, connection = Fragments(Pieces(b"a", b"b", b"c")), opened(Role.SERVER)
    frames: list[bytes] = []
    late = (Meter(lambda: 5), 5)
    assert not fragments.take(frames, connection, 1 << 20, *late)
    assert frames == [], "to look ahead is a step"
    assert not fragments.take(frames, connection, 1 << 20, *late)
    assert len(frames) == 1
    assert fragments.take(frames, connection, 1 << 20, *IN_TIME)
    assert [sent.fin for sent in read_frames(b"".join(frames))] == [False, False, True]


# How long the oldest byte waits


def waiting_outbox() -> tuple[Outbox, ReadingTime]:
    listened = ReadingTime()
    outbox = Outbox(SMALL, listened)
    outbox.open = True
    return outbox, listened


def test_an_outbox_has_no_age_while_the_socket_takes_all() -> None:
    outbox, listened = waiting_outbox()
    outbox.put(b"x")
    listened.now = 5 * 10**9
    assert outbox.age == 0.0
    assert outbox.waiting is None


def test_age_is_of_the_oldest_message_that_the_socket_has_not_taken() -> None:
    outbox, listened = waiting_outbox()
    outbox.put(b"committed")
    taken(outbox)
    outbox.put(b"queued before it was known")
    listened.now = 10**9
    outbox.block()
    for second in (2, 3):
        listened.now = second * 10**9
        outbox.put(b"%d" % second)
        outbox.block()  # once more, as it stays full
        assert outbox.age == second - 1
    listened.now = 4 * 10**9
    outbox.unblock()
    assert outbox.age == 3.0, "since it was known that the socket is full"
    assert taken(outbox, 1) == [b"queued before it was known"]
    outbox.unblock()
    assert outbox.age == 2.0
    assert taken(outbox) == [b"2", b"3"]
    outbox.unblock()
    assert (outbox.age, outbox.waiting) == (0.0, None)


@pytest.mark.parametrize("special", [False, True])
def test_times_go_with_their_messages_whatever_else_there_is(special: bool) -> None:
    outbox, listened = waiting_outbox()
    outbox.block()
    if special:
        outbox.put_latest("key", b"latest")
        outbox.put_ping(b"ping")
    for second in range(1, 5):
        listened.now = second * 10**9
        assert outbox.put(b"x" * 20)
    for second in (1, 2, 3):
        outbox.unblock()
        assert outbox.age == 4 - second
        assert taken(outbox, 20) == [b"x" * 20]
    outbox.unblock()
    assert outbox.age == 0.0
    assert outbox.waiting is not None, "one waits still, of this very instant"
    taken(outbox)
    outbox.unblock()
    assert outbox.waiting is None


def test_of_a_message_in_fragments_that_is_as_old_which_the_socket_has_not_taken() -> None:
    outbox, listened = waiting_outbox()
    outbox.block()
    listened.now = 10**9
    story = Fragments([b"a", b"b"])
    outbox.put(story)
    listened.now = 2 * 10**9
    outbox.put(b"behind it")
    listened.now = 3 * 10**9
    for _ in range(3):
        assert taken(outbox) == []
        assert outbox.unmade is story
        outbox.unblock()
        assert outbox.age == 0.0, "what is not made yet does not wait"
        listened.now += 10**9
        assert outbox.age == 1.0
    listened.now = 3 * 10**9
    outbox.finish(story)
    outbox.unblock()
    assert outbox.age == 1.0
    assert taken(outbox) == [b"behind it"]
    outbox.unblock()
    assert outbox.waiting is None


def test_what_is_dropped_has_no_age() -> None:
    outbox, listened = waiting_outbox()
    outbox.block()
    outbox.put(b"x")
    listened.now = 10**9
    outbox.clear()
    assert (outbox.age, outbox.waiting) == (0.0, None)
    outbox.unblock()
    outbox.finish(Fragments([]))
    assert outbox.waiting is None


def test_what_does_not_fit_leaves_no_time_behind() -> None:
    outbox, listened = waiting_outbox()
    outbox.block()
    for _ in range(7):
        outbox.put(b"x")
    assert outbox.queued_messages == 5
    listened.now = 10**9
    taken(outbox)
    outbox.unblock()
    assert outbox.waiting is None
