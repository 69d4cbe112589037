"""Messages that are made as they are sent: never held whole, never mixed, never finished by mistake."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.protocol.helpers import BINARY, CONT, TEXT
from tests.transport.peers import House
from tickws.protocol.limits import Limits
from tickws.testing import Conditions


class Story:
    """A message that is told in pieces; it knows how many of them were ever taken."""

    def __init__(self, count: int, size: int = 1000, then: BaseException | None = None) -> None:
        self.count, self.size, self.then = count, size, then
        self.taken = 0

    def __iter__(self) -> Iterator[bytes]:
        for number in range(self.count):
            self.taken += 1
            yield bytes((number % 256,)) * self.size
        if self.then is not None:
            raise self.then


def test_a_story_is_never_held_whole() -> None:
    house = House(limits=Limits(slice_bytes=5000))
    peer = house.peer(conditions=Conditions(buffer_bytes=10_000))
    story = Story(2000)
    assert house.ws().send_fragments(story)
    assert story.taken == 0
    heard = 0
    while heard < 2000:
        house.turn()
        frames = peer.receive_frames()
        heard += len(frames)
        assert story.taken - heard <= 20, "about two shares, in the line and before it"
    assert [sent.fin for sent in frames][-1]


def test_control_frames_go_between_fragments_and_everything_else_waits() -> None:
    house = House(limits=Limits(slice_bytes=1000))
    peer = house.peer()
    ws = house.ws()
    ws.send("before")
    ws.send_fragments(["a" * 999, "b" * 999, "c" * 999])
    ws.send("after")
    heard = []
    for turn in range(6):
        ws.ping(b"%d" % turn)
        ws.send_latest("key", f"latest {turn}")
        house.turn()
        heard.append(peer.receive())
    assert heard == [
        [("ping", b"0"), "before", "latest 0"],
        [("ping", b"1"), (TEXT, b"a" * 999, False)],
        [("ping", b"2"), (CONT, b"b" * 999, False)],
        [("ping", b"3"), (CONT, b"c" * 999, True)],
        [("ping", b"4"), "after", "latest 4"],
        [("ping", b"5"), "latest 5"],
    ]


def test_a_story_without_pieces_sends_nothing_and_keeps_nobody_waiting() -> None:
    house = House()
    peer = house.peer()
    ws = house.ws()
    assert ws.send_fragments([])
    assert ws.send_fragments(iter(()))
    ws.send("after")
    house.turn(3)
    assert peer.receive() == ["after"]
    assert ws.statistics().messages_sent == 1


def test_stories_and_messages_keep_their_order() -> None:
    house = House()
    peer = house.peer()
    ws = house.ws()
    ws.send_fragments([b"a", b"b"])
    ws.send("1")
    ws.send_fragments(["c"])
    ws.send("2")
    house.turn(5)
    assert peer.receive() == [(BINARY, b"a", False), (CONT, b"b", True), "1", "c", "2"]
    assert ws.statistics().messages_sent == 4


@pytest.mark.parametrize(
    ("pieces", "heard"),
    [
        (Story(3, 5, ZeroDivisionError()), 2),
        (Story(0, 5, ZeroDivisionError()), 0),
        ([b"bytes", "text"], 1),
        (["text", b"bytes"], 1),
        ([b"a", None, b"b"], 1),
        ([b"a", 5], 1),
    ],
)
def test_a_story_that_goes_wrong_closes_with_1011_and_is_never_finished(pieces: Any, heard: int) -> None:
    house = House()
    peer = house.peer()
    ws = house.ws()
    ws.send_fragments(pieces)
    ws.send("never said")
    house.turn(3)
    *parts, last = peer.receive()
    assert len(parts) <= heard
    assert not any(part[2] for part in parts if isinstance(part, tuple))
    assert last == ("close", 1011, "internal error")
    assert house.statistics.callback_errors == 1


def test_an_interrupted_story_is_not_taken_for_a_finished_one() -> None:
    house = House()
    peer = house.peer()
    house.ws().send_fragments(Story(2, 5, KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        house.turn()
    house.turn(3)
    *parts, last = peer.receive()
    assert not any(part[2] for part in parts if isinstance(part, tuple))
    assert last == ("close", 1011, "internal error")


def test_a_close_waits_for_the_story_that_is_being_told() -> None:
    house = House(limits=Limits(slice_bytes=1000))
    peer = house.peer()
    ws = house.ws()
    ws.send_fragments(Story(3))
    house.turn()
    ws.close(4000, "the end")
    assert not ws.send_fragments(Story(1))
    house.turn(4)
    parts = peer.receive()
    assert [part[0] for part in parts if isinstance(part, tuple)] == [BINARY, CONT, CONT, "close"]


def test_a_story_without_end_is_cut_off_by_the_closing_time() -> None:
    house = House(limits=Limits(slice_bytes=1000))
    peer = house.peer()
    house.ws().send_fragments(Story(1 << 30))
    house.turn()
    house.ws().close()
    for _ in range(320):
        house.run(1 / 60)
        peer.listen()
    assert house.closes == [("/", 1006, "")]
