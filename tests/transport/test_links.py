"""Closing handshakes: who says what, who is told what, and how long anybody waits."""

from collections.abc import Iterable

import pytest

from tests.protocol.helpers import MASK, frame
from tests.transport.peers import SLOW, House, close, nothing_left, ping, text
from tickws.protocol.limits import Limits
from tickws.transport.websocket import WebSocket

# Closing handshakes


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (1001, "bye"), (3000, "x" * 123), (4999, "Grüße")])
def test_we_close_and_the_peer_answers(code: int, reason: str) -> None:
    house = House()
    peer = house.peer()
    ws = house.ws()
    ws.send("last words")
    ws.close(code, reason)
    assert not ws.open
    house.turn()
    assert peer.receive() == ["last words", ("close", code, reason)]
    assert not peer.gone
    assert house.closes == []
    peer.say(close(code))
    house.turn(2)
    assert house.closes == [("/", code, reason)]
    assert peer.gone, "the server ends the stream first (RFC 6455 section 7.1.1)"
    assert house.statistics.connections == 1
    peer.socket.close()
    house.turn()
    assert nothing_left(house)


@pytest.mark.parametrize(
    ("code", "reason", "told"),
    [(1000, "", (1000, "")), (4321, "done", (4321, "done")), (None, "", (1005, "")), (1001, "é", (1001, "é"))],
)
def test_the_peer_closes_and_we_answer(code: int | None, reason: str, told: tuple[int, str]) -> None:
    house = House()
    peer = house.peer()
    house.ws().send("queued")
    peer.say(close(code, reason))
    house.turn()
    heard = peer.receive()
    assert heard[0] == "queued"
    assert [each[:2] for each in heard[1:] if isinstance(each, tuple)] == [("close", code)]
    assert peer.gone
    assert house.closes == [("/", *told)]
    peer.socket.close()
    house.turn()
    assert nothing_left(house)


def test_both_close_at_once_and_each_keeps_its_own_code() -> None:
    house = House()
    peer = house.peer()
    house.ws().close(4001, "ours")
    peer.say(close(4002, "theirs"))
    house.server.flush(None)
    house.turn(2)
    assert peer.receive() == [("close", 4001, "ours")], "one Close, no answer to the answer"
    assert house.closes == [("/", 4001, "ours")]


def test_nothing_is_delivered_after_close_and_everything_before_it() -> None:
    def on_message(ws: WebSocket, message: str) -> None:
        if message == "3":
            ws.close(4000)
            ws.close(4001, "the first one counts")

    house = House(on_message=on_message)
    peer = house.peer()
    peer.say(*map(text, "012345"))
    house.turn()
    peer.say(text("6"), ping(b"?"), close())
    house.turn(2)
    assert house.heard("message") == ["0", "1", "2", "3"]
    assert house.closes == [("/", 4000, "")]
    assert peer.receive() == [("close", 4000, ""), ("pong", b"?")]


@pytest.mark.parametrize("reads", [True, False])
def test_who_never_answers_is_dropped_after_the_closing_time(reads: bool) -> None:
    house = House()
    peer = house.peer(conditions=SLOW)
    if not reads:
        house.ws().send(bytes(5000))
        house.turn(2)
    house.ws().close(4000)
    for _ in range(49):
        house.run(0.1)
        if reads:
            peer.listen()
    assert house.closes == []
    house.run(0.2)
    assert house.closes == [("/", 1006, "")]
    assert house.statistics.timed_out == 1
    assert peer.gone
    assert nothing_left(house)


@pytest.mark.parametrize("what", [text("x") * 500, ping() * 500, text("x" * 9000) * 3])
def test_who_talks_on_and_never_answers_is_dropped_too(what: bytes) -> None:
    house = House()
    peer = house.peer()
    house.ws().close(4000)
    for _ in range(330):
        try:
            peer.socket.send(what)
        except BlockingIOError:
            pass
        house.run(1 / 60)
        peer.listen()
        if house.closes:
            break
    assert house.closes == [("/", 1006, "")]


def test_who_does_not_hang_up_is_hung_up_on() -> None:
    house = House()
    peer = house.peer()
    peer.say(close(1000))
    house.run(4.9)
    assert house.statistics.connections == 1
    house.run(0.2)
    assert nothing_left(house)
    assert house.statistics.timed_out == 0, "all was said"
    assert house.closes == [("/", 1000, "")]


def test_who_floods_after_the_end_is_hung_up_on_though_there_is_no_time_to_read_it() -> None:
    house = House()
    peer = house.peer()
    peer.say(close(1000))
    for _ in range(400):
        if not peer.gone or peer.error is None:
            try:
                peer.socket.send(text("x" * 100))
            except OSError:
                pass
        house.server.work(0, wait=0)
        house.clock.advance(1 / 60)
        peer.listen()
    assert house.statistics.connections == 0


def test_a_fault_is_said_and_told_and_what_was_queued_goes_out_before() -> None:
    house = House()
    peer = house.peer()
    house.ws().send("queued")
    peer.say(frame(3, b"", mask=MASK), text("never read"))
    house.turn(2)
    assert peer.receive() == ["queued", ("close", 1002, "reserved opcode")]
    assert house.closes == [("/", 1002, "reserved opcode")]
    assert dict(house.statistics.faults) == {1002: 1}
    assert house.heard("message") == []


@pytest.mark.parametrize("ending", [close(4000), frame(3, b"", mask=MASK)])
@pytest.mark.parametrize("begun", [True, False])
def test_an_end_in_the_midst_of_a_story_breaks_it_off_and_mixes_nothing_into_it(begun: bool, ending: bytes) -> None:
    house = House(limits=Limits(slice_bytes=100))
    peer = house.peer()
    ws = house.ws()
    ws.send("before")
    ws.send_fragments("x" * 99 for _ in range(5))
    ws.send("behind")
    if begun:
        house.turn(3)
    peer.say(ending)
    house.turn(2)
    heard = peer.receive()
    assert heard[0] == "before"
    parts = heard[1:-1]
    assert [part[0] for part in parts if isinstance(part, tuple)] == ([1, 0] if begun else [])
    assert isinstance(heard[-1], tuple)
    assert heard[-1][0] == "close"


def test_what_follows_an_end_is_read_away_so_that_no_reset_destroys_our_last_words() -> None:
    house = House()
    peer = house.peer()
    peer.say(close(1000))
    house.turn()
    for _ in range(3):
        peer.say(text("still talking") * 100)
        house.turn()
    assert peer.receive()[0] == ("close", 1000, "")
    assert peer.error is None
    peer.socket.close()
    house.turn(2)
    assert nothing_left(house)


def test_a_story_told_to_who_is_gone_is_let_go() -> None:
    ended: list[bool] = []

    def story() -> Iterable[str]:
        try:
            while True:
                yield "x" * 1000
        finally:
            ended.append(True)

    house = House(limits=Limits(slice_bytes=2000))
    peer = house.peer(conditions=SLOW)
    house.ws().send_fragments(story())
    house.turn(3)
    peer.socket.reset()
    house.turn(3)
    assert ended == [True]
    assert nothing_left(house)
