"""What becomes of an exception that a callback lets out, under each policy, for each callback."""

import logging
from typing import Any

import pytest

from tests.transport.peers import House, Peer, close, text
from tickws.protocol.handshake import Accept, Reject
from tickws.transport.websocket import WebSocket

PLACES = ["request", "open", "message", "frame", "close", "producer", "fragments"]


class MyError(Exception):
    """A callback's own."""


class Trouble:
    """Raises once, in one callback of the connection /bad; a second connection looks on."""

    def __init__(self, place: str, errors: Any) -> None:
        self.place = place
        self.error = MyError(place)
        options: dict[str, Any] = {f"on_{place}": self.fail} if place not in ("producer", "fragments") else {}
        self.house = House(errors=errors, **options)
        self.other = self.house.peer("/other")
        self.bad = self.house.dial()
        self.raised = 0

    def fail(self, subject: Any = None, *arguments: object) -> bool:
        path = getattr(getattr(subject, "request", subject), "path", "/bad")
        if path == "/bad":
            raise self.error
        return True

    def turn(self, slices: int = 1) -> None:
        for _ in range(slices):
            try:
                self.house.turn()
            except MyError as error:
                self.raised += error is self.error

    def happen(self) -> None:
        """Let it raise, in the midst of other work."""
        self.bad.ask("/bad")
        self.turn(3)
        if self.place in ("message", "frame"):
            self.bad.say(text("1") + text("2"))
        if self.place == "close":
            self.bad.say(close(4000, "bye"))
        if self.place in ("producer", "fragments"):
            ws = self.house.ws("/bad")
            if self.place == "producer":
                ws.send_latest("key", lambda: "x" if self.fail() else None)
            else:
                ws.send_fragments("x" for _ in range(3) if self.fail())
        self.other.say(text("meanwhile"))
        self.turn(3)


def what_the_peer_sees(place: str, bad: Peer) -> None:
    if place == "request":
        assert bad.listen().startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
        assert bad.gone
        return
    told = bad.receive()
    assert told[-1] == (("close", 4000, "bye") if place == "close" else ("close", 1011, "internal error"))
    bad.say(close(1011)) if place != "close" else None


def check(trouble: Trouble) -> None:
    """The bad connection alone has ended, the right way."""
    house, place = trouble.house, trouble.place
    what_the_peer_sees(place, trouble.bad)
    trouble.turn(3)
    assert house.statistics.callback_errors == 1
    expected = {"request": [], "close": [("/bad", 4000, "bye")]}.get(place, [("/bad", 1011, "internal error")])
    assert house.closes == expected
    kind = "frame" if place == "frame" else "message"
    assert len(house.heard(kind, "/other")) == 1
    assert len(house.heard(kind, "/bad")) == (place in ("message", "frame")), "nothing more is delivered"
    trouble.other.say(text("still here"))
    trouble.turn()
    assert len(house.heard(kind, "/other")) == 2
    assert house.turn()


@pytest.mark.parametrize("place", PLACES)
def test_close_ends_the_connection_and_logs_the_traceback(place: str, caplog: pytest.LogCaptureFixture) -> None:
    trouble = Trouble(place, "close")
    trouble.happen()
    check(trouble)
    assert trouble.raised == 0
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None
    assert record.exc_info[1] is trouble.error


@pytest.mark.parametrize("place", PLACES)
def test_raise_lets_it_out_once_and_goes_on(place: str, caplog: pytest.LogCaptureFixture) -> None:
    trouble = Trouble(place, "raise")
    trouble.happen()
    check(trouble)
    assert trouble.raised == 1
    assert caplog.records == []


@pytest.mark.parametrize("place", PLACES)
def test_a_callable_gets_the_error_and_its_source(place: str) -> None:
    got: list[tuple[Exception, object]] = []
    trouble = Trouble(place, lambda error, source: got.append((error, source)))
    trouble.happen()
    check(trouble)
    assert trouble.raised == 0
    ((error, source),) = got
    assert error is trouble.error
    if place == "request":
        assert source is trouble.house.server
    else:
        assert isinstance(source, WebSocket)
        assert source.request.path == "/bad"


@pytest.mark.parametrize("place", PLACES)
def test_a_callable_that_raises_raises_out_of_work(place: str) -> None:
    def policy(error: Exception, source: object) -> None:
        raise error

    trouble = Trouble(place, policy)
    trouble.happen()
    check(trouble)
    assert trouble.raised == 1


def test_after_raise_what_the_link_and_the_others_still_hold_is_served() -> None:
    def on_message(ws: WebSocket, message: str) -> None:
        if message == "bad":
            raise MyError

    house = House(errors="raise", on_message=on_message)
    peers = house.peers(3)
    for peer in peers:
        peer.say(text("1") + text("2"))
    peers[1].say(text("bad") + text("dropped"))
    peers[1].say(text("3") * 100)
    raised = 0
    for _ in range(4):
        try:
            house.turn()
        except MyError:
            raised += 1
    assert raised == 1
    assert [house.heard("message", f"/{number}") for number in range(3)] == [["1", "2"], ["1", "2", "bad"], ["1", "2"]]
    assert peers[1].receive() == [("close", 1011, "internal error")]
    peers[1].say(close(1011))
    house.turn(2)
    assert house.closes == [("/1", 1011, "internal error")]


def test_raising_again_and_again_never_loses_a_connection() -> None:
    def on_open(ws: WebSocket) -> None:
        raise MyError

    house = House(errors="raise", on_open=on_open)
    peers = [house.dial() for _ in range(10)]
    for number, peer in enumerate(peers):
        peer.ask(f"/{number}")
    raised = 0
    for _ in range(30):
        for peer in peers:
            if ("close", 1011, "internal error") in peer.receive():
                peer.say(close(1011))
        try:
            house.turn()
        except MyError:
            raised += 1
    assert raised == 10
    assert sorted(name for name, *_ in house.closes) == sorted(house.opens) == [f"/{number}" for number in range(10)]


@pytest.mark.parametrize(
    "answer",
    [None, "yes", 1, 404, object(), Accept, Accept("unoffered"), Accept(headers={"Bad Name": "x"}),
     Reject(403, headers={"X": "a\nb"})],
)  # fmt: skip
def test_an_answer_that_is_none_is_a_500(answer: Any, caplog: pytest.LogCaptureFixture) -> None:
    house = House(on_request=lambda request: answer)
    peer = house.dial()
    peer.ask()
    house.turn(3)
    assert peer.receive_status() == 500
    assert peer.gone
    assert house.opens == []
    (record,) = caplog.records
    assert record.exc_info is not None
    assert record.exc_info[0] is (ValueError if isinstance(answer, Accept | Reject) else TypeError)
    assert dict(house.statistics.answered) == {500: 1}


@pytest.mark.parametrize("errors", ["ignore", None, 5, ""])
def test_a_policy_that_is_none_raises(errors: Any) -> None:
    with pytest.raises(ValueError, match='errors must be "close", "raise" or a callable'):
        House(errors=errors)
