"""Rude endings: resets, ends and silence at each stage of a connection end that connection alone."""

import errno
from typing import Any

import pytest

from tests.protocol.helpers import MASK, TEXT, UPGRADE, frame
from tests.transport.peers import House, close, text
from tickws.transport.websocket import WebSocket

HEAD = "\r\n".join(["GET / HTTP/1.1", *(f"{name}: {value}" for name, value in UPGRADE.items()), "", ""]).encode()
STAGES: dict[str, list[bytes]] = {
    "before it is accepted": [],
    "accepted": [b""],
    "in its request": [b"", HEAD[:50]],
    "behind its request": [b"", HEAD],
    "open": [b"", HEAD, b""],
    "in a header": [b"", HEAD, text("hello")[:1]],
    "in a message": [b"", HEAD, frame(TEXT, b"x" * 1000, mask=MASK)[:500]],
    "in a fragmented message": [b"", HEAD, frame(TEXT, b"x", mask=MASK, fin=False)],
    "behind a message": [b"", HEAD, text("hello")],
    "behind its close": [b"", HEAD, close(1000)],
    "behind a refused request": [b"", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"],
    "behind nonsense": [b"", b"\x16\x03\x01"],
}


@pytest.mark.parametrize("how", ["reset", "close", "end"])
@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("answers_wait", [False, True])
def test_a_rude_ending_at_any_stage_ends_one_connection_alone(stage: str, how: str, answers_wait: bool) -> None:
    house = House(on_open=lambda ws: ws.send("welcome"))
    other = house.peer("/other")
    peer = house.dial()
    *before, last = [*STAGES[stage], b""]
    for data in before:
        peer.say(data)
        house.turn()
    peer.say(last)
    if answers_wait and len(house.server.connections) == 2:
        house.ws("/").send(bytes(200_000))  # more than the line takes
        house.turn()
    if how == "reset":
        peer.socket.reset()
    elif how == "close":
        peer.socket.close()
    else:
        peer.socket.shutdown(1)
    house.turn(5)
    for _ in range(5):
        peer.listen() if how == "end" else None
        house.turn()
    assert house.statistics.connections == 1
    assert [name for name, *_ in house.closes] == [name for name in house.opens if name == "/"]
    assert {code for _, code, _ in house.closes} <= {1006, 1000}
    assert dict(house.statistics.faults) == {}
    other.say(text("alive"))
    house.turn()
    assert house.heard("message", "/other") == ["alive"]


@pytest.mark.parametrize("pieces", [1, 3])
def test_a_reset_that_writing_finds_ends_the_connection(pieces: int) -> None:
    house = House()
    peer = house.peer()
    for _ in range(pieces):
        house.ws().send("x")
    peer.socket.reset()
    house.server.flush(None)
    assert house.statistics.connections == 0
    house.server.receive(None)
    assert house.closes == [("/", 1006, "")]


def test_an_end_that_cannot_be_said_any_more_releases_the_connection() -> None:
    def broken(how: int) -> None:
        raise OSError(errno.ENOTCONN, "not connected")

    house = House()
    peer = house.peer()
    sock: Any = house.ws()._link.stream.socket
    sock.shutdown = broken
    peer.say(close(1000))
    house.turn()
    assert house.statistics.connections == 0
    assert house.closes == [("/", 1000, "")]


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (close(4000, "bye"), 4000),
        (frame(TEXT, b"\xff", mask=MASK), 1007),
        (b"\xf1\x80" + MASK, 1002),
    ],
)
def test_what_was_queued_before_the_peers_end_goes_out_before_our_close(end: bytes, code: int) -> None:
    """An echo is not lost to what stands behind it in the same read; behind a Close nothing goes (section 5.5.1)."""

    def echo(ws: WebSocket, message: str | bytes) -> None:
        ws.send(message)
        ws.send_latest("state", "never")

    house = House(on_message=echo)
    peer = house.peer()
    peer.say(text("one") + text("two") + end)
    house.turn(2)
    *echoes, last = peer.receive()
    assert echoes == ["one", "two"]
    assert isinstance(last, tuple)
    assert last[:2] == ("close", code)
    assert house.heard("close") == [code]
    assert house.statistics.messages_sent == 2


def test_a_message_in_fragments_is_not_finished_behind_the_peers_close() -> None:
    def answer(ws: WebSocket, message: str | bytes) -> None:
        ws.send("whole")
        ws.send_fragments(["a", "b"])
        ws.send("behind")

    house = House(on_message=answer)
    peer = house.peer()
    peer.say(text("hello") + close(1000))
    house.turn(2)
    assert peer.receive() == ["whole", ("close", 1000, "")]


@pytest.mark.parametrize(
    ("doing", "told"),
    [
        ("raise", (1011, "internal error")),
        ("overflow", (1008, "send queue full")),
    ],
)
def test_our_verdict_is_not_hidden_by_the_junk_behind_it(doing: str, told: tuple[int, str]) -> None:
    def on_message(ws: WebSocket, message: str | bytes) -> None:
        if doing == "raise":
            raise RuntimeError("mine")
        while ws.send(bytes(1000)):
            pass

    house = House(on_message=on_message, errors=lambda error, source: None)
    peer = house.peer()
    peer.say(text("x") + b"\xff\xff")
    house.turn(2)
    assert house.closes == [("/", *told)]
    assert dict(house.statistics.faults) == {1002: 1}


def test_our_close_is_not_hidden_by_the_junk_behind_it() -> None:
    house = House()
    peer = house.peer()
    house.ws().close(4000, "bye")
    house.turn()
    peer.say(b"\xff\xff")
    house.turn()
    assert house.closes == [("/", 4000, "bye")]
    assert peer.receive() == [("close", 4000, "bye")]
