"""The client that opens: its request, its URLs, what is said early, how it ends."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.protocol.helpers import CLOSE, frame
from tests.transport.lines import URL, Line, hang_up, over, server_close
from tests.transport.peers import FRAME, ServerEnd, run
from tickws.errors import UsageError
from tickws.protocol.limits import Limits
from tickws.testing import Conditions, MemoryNetwork, Pair
from tickws.transport.client import WebSocketClient
from tickws.transport.server import WebSocketServer
from tickws.transport.websocket import WebSocket


def test_both_ends_talk() -> None:
    pair = Pair(on_message=lambda ws, message: ws.send(message.upper()))
    assert pair.client.error is None
    assert pair.client.websocket is not None
    assert pair.client.websocket.open
    pair.client.send("hello")
    pair.client.send(b"bytes")
    pair.run(0.1)
    assert pair.received == ["HELLO", b"BYTES"]


@pytest.mark.parametrize(
    "conditions",
    [
        Conditions(),
        Conditions(latency=0.05, jitter=0.05),
        Conditions(buffer_bytes=300),
        Conditions(latency=0.01, jitter=0.02, buffer_bytes=1000),
    ],
)
def test_over_any_line_everything_arrives_in_order(conditions: Conditions) -> None:
    pair = Pair(on_message=lambda ws, message: ws.send(message), conditions=conditions)
    messages: list[str | bytes] = []
    for number in range(200):
        messages.append(str(number) * (number % 7) if number % 3 else bytes(number * 3))
        assert pair.client.send(messages[-1])
        if number % 4 == 0:
            pair.run(FRAME)
    pair.run(200 * FRAME if conditions.buffer_bytes > 1000 else 6000 * FRAME)
    assert pair.received == messages


def test_the_request_says_what_was_asked_for() -> None:
    line = Line(
        "ws://127.0.0.1:8056/room%201?id=5",
        subprotocols=["a", "b"], origin="https://game.example", headers={"X-Token": "t"}, mask_source=bytes,
    )  # fmt: skip
    head = line.accept().receive_head().decode()
    assert head.startswith("GET /room%201?id=5 HTTP/1.1\r\nHost: 127.0.0.1:8056\r\n")
    for expected in (
        "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Origin: https://game.example",
        "Sec-WebSocket-Protocol: a, b", "X-Token: t", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    ):  # fmt: skip
        assert f"\r\n{expected}\r\n" in head


@pytest.mark.parametrize(
    ("url", "host", "target", "asked"),
    [
        ("ws://game.example", "game.example", "/", ("game.example", 80)),
        ("ws://game.example:80/", "game.example", "/", ("game.example", 80)),
        ("ws://game.example:8056", "game.example:8056", "/", ("game.example", 8056)),
        ("WS://GAME.example/A?B=c", "game.example", "/A?B=c", ("game.example", 80)),
        ("ws://game.example?x", "game.example", "/?x", ("game.example", 80)),
        ("ws://[::1]:8056/", "[::1]:8056", "/", ("::1", 8056)),
        ("ws://[::1]/", "[::1]", "/", ("::1", 80)),
    ],
)
def test_a_url_is_taken_apart(url: str, host: str, target: str, asked: tuple[str, int]) -> None:
    network = MemoryNetwork()
    resolved: list[tuple[str, int]] = []

    def resolve(name: str, port: int) -> list[tuple[int, Any]]:
        resolved.append((name, port))
        return [(0, ("anywhere", 8056))]

    network.resolve = resolve  # type: ignore[method-assign, assignment]
    door = network.listen("127.0.0.1", 8056, 5)[0]
    client = WebSocketClient(url, network=network)
    run(network, 2 * FRAME, client)
    head = ServerEnd(door.accept()[0]).receive_head().decode()
    assert resolved == [asked]
    assert head.startswith(f"GET {target} HTTP/1.1\r\nHost: {host}\r\n")
    assert client.url == url


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("http://game.example/", "no WebSocket URL: it looks like ws://127"),
        ("game.example:8056", "no WebSocket URL"),
        ("ws:///path", "no WebSocket URL"),
        ("", "no WebSocket URL"),
        ("ws://game.example/#there", "no #fragment"),
        ("ws://me:secret@game.example/", "no user name"),
        ("ws://game.example:port/", "[Pp]ort"),
        ("ws://game.example:65536/", "[Pp]ort"),
        ("ws://[::1/", "IPv6"),
        ("ws://game.example/a b", r"."),
        ("ws://game.example/\r\nX: y", r"."),
    ],
)
def test_a_url_that_is_none_raises(url: str, complaint: str) -> None:
    if "\r" in url or " " in url:
        try:  # Python cleans some of these away; what is left must be harmless
            line = Line(url)
        except ValueError:
            return
        assert line.accept().receive_head().count(b"X: y\r\n") == 0
        return
    with pytest.raises(ValueError, match=complaint):
        Line(url)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"subprotocols": "chat"}, ValueError),
        ({"subprotocols": ["a", "a"]}, ValueError),
        ({"subprotocols": ["a b"]}, ValueError),
        ({"headers": {"Host": "other"}}, ValueError),
        ({"headers": {"Sec-WebSocket-Key": "x"}}, ValueError),
        ({"headers": {"X": "a\r\nb"}}, ValueError),
        ({"origin": "a\nb"}, ValueError),
        ({"errors": "ignore"}, ValueError),
        ({"on_open": 5}, TypeError),
        ({"handler": object()}, TypeError),
    ],
)
def test_misuse_shows_when_the_client_is_made(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        Line(**options)


def test_what_is_said_early_waits_for_the_opening_in_order() -> None:
    line = Line()
    client, ws = line.client, line.client.websocket
    assert ws is not None
    assert not ws.open
    assert client.send("one")
    assert client.send(b"two")
    assert client.send_latest("key", "old")
    assert client.send_latest("key", lambda: "newest")
    assert ws.ping(b"early")
    assert ws.send_fragments(["a", "b"])
    end = line.accept()
    assert end.receive_head()
    assert end.receive_frames() == []
    line = Line()
    for message in ("one", b"two"):
        line.client.send(message)
    line.client.send_latest("key", lambda: "newest")
    assert line.client.websocket is not None
    line.client.websocket.ping(b"early")
    end = line.opened()
    line.turn(2)
    assert end.receive() == [("ping", b"early"), "one", b"two", "newest"]
    assert line.log == [("open",)]


def test_frames_behind_the_answer_are_delivered() -> None:
    line = Line(subprotocols=["a", "b"])
    line.accept().answer("Sec-WebSocket-Protocol: b", then=frame(1, b"hello") + frame(2, b"\x00") + server_close(4000))
    line.turn(2)
    assert line.log == [("open",), ("message", "hello"), ("message", b"\x00"), ("close", 4000, "")]
    assert line.client.websocket is not None
    assert line.client.websocket.subprotocol == "b"


def test_interim_answers_are_skipped() -> None:
    line = Line()
    end = line.accept()
    end.say(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n")
    line.turn()
    end.answer()
    line.turn()
    assert line.log == [("open",)]


# Endings


@pytest.mark.parametrize("stage", ["connecting", "asked"])
@pytest.mark.parametrize("how", ["close", "abort"])
def test_a_close_before_the_opening_is_the_end(how: str, stage: str, caplog: pytest.LogCaptureFixture) -> None:
    line = Line()
    if stage == "asked":
        line.turn(2)
    getattr(line.client, how)()
    assert not line.client.work(0)
    over(line)
    assert "it was closed before that" in str(line.error)
    assert caplog.records == [], "that was no accident"


def test_closing_the_websocket_before_it_opens_still_sends_what_was_said() -> None:
    line = Line()
    line.client.send("early")
    assert line.client.websocket is not None
    line.client.websocket.close(4000, "never mind")
    assert not line.client.send("late")
    end = line.opened()
    assert not line.client.send("late")
    line.turn()
    assert end.receive() == ["early", ("close", 4000, "never mind")]
    line.run(4.8)
    assert line.log == [("open",)]
    line.run(0.4)
    assert line.log == [("open",), ("close", 1006, "")], "its closing time, not its ping time"


def test_a_handshake_has_its_own_time_though_the_websocket_is_closed_already() -> None:
    line = Line()
    line.turn(2)
    assert line.client.websocket is not None
    line.client.websocket.close()
    line.run(9.8)
    assert line.client.error is None
    line.run(0.4)
    assert not line.client.work(0)


def test_it_closes_and_waits_for_the_server_to_hang_up() -> None:
    line = Line()
    end = line.opened()
    line.client.close(4000, "bye")
    line.turn()
    assert end.receive() == [("close", 4000, "bye")]
    end.say(server_close(4000, "bye"))
    assert line.turn(2), "the server ends TCP first (RFC 6455 section 7.1.1)"
    assert line.log[1:] == [("close", 4000, "bye")]
    end.socket.close()
    line.turn()
    assert not line.client.work(0)


def test_the_server_closes() -> None:
    line = Line()
    end = line.opened()
    end.say(server_close(1012, "restart"))
    line.turn()
    assert [each[:2] for each in end.receive() if isinstance(each, tuple)] == [("close", 1012)]
    end.socket.close()
    line.turn()
    assert not line.client.work(0)
    assert line.log == [("open",), ("close", 1012, "restart")]
    assert line.client.error is None


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x81\x81" + bytes(5), 1002),
        (b"\x83\x00", 1002),
        (b"\x81\x01\xff", 1007),
        (b"\x82\x7e\x00\x80", 1009),
    ],
)
def test_a_servers_fault_is_failed(data: bytes, code: int) -> None:
    line = Line(limits=Limits(message_bytes=100))
    end = line.opened()
    end.say(data)
    line.turn(2)
    assert [each[1] for each in end.receive() if isinstance(each, tuple)] == [code]
    assert [each[1] for each in line.log[1:]] == [code]


@pytest.mark.parametrize("how", ["close", "abort", "websocket close", "websocket abort"])
@pytest.mark.parametrize("place", ["open", "message", "close"])
def test_it_may_be_ended_in_any_callback(place: str, how: str) -> None:
    line: Line
    told: list[str] = []

    def callback(kind: str) -> Callable[..., None]:
        def call(ws: WebSocket, *arguments: object) -> None:
            told.append(kind)
            if kind == place:
                getattr(ws if how.startswith("websocket") else line.client, how.rsplit(maxsplit=1)[-1])()

        return call

    callbacks: dict[str, Any] = {f"on_{kind}": callback(kind) for kind in ("open", "message", "close")}
    line = Line(**callbacks)
    end = line.accept()
    end.answer(then=frame(1, b"one") + frame(1, b"two") + server_close(4000))
    line.turn(3)
    end.socket.close()
    line.turn(2)
    assert told[0] == "open"
    assert told.count("message") == {"open": 0, "message": 1, "close": 2}[place]
    assert told[-1] == "close"
    assert told.count("close") == 1
    assert not line.client.work(0)


@pytest.mark.parametrize("how", ["close", "reset", "end"])
def test_a_lost_server_is_1006(how: str) -> None:
    line = Line()
    end = line.opened()
    hang_up(end, how)
    line.turn(2)
    assert line.log == [("open",), ("close", 1006, "")]
    assert not line.client.work(0)


def test_its_frames_are_masked_with_what_the_source_gives() -> None:
    masks: list[int] = []

    def source(size: int) -> bytes:
        masks.append(size)
        return bytes(range(size))

    line = Line(mask_source=source)
    end = line.opened()
    line.client.send("abcd")
    line.turn()
    assert end.listen() == b"\x81\x84\x00\x01\x02\x03" + bytes(x ^ y for x, y in zip(b"abcd", range(4), strict=True))
    assert set(masks) == {4, 16}


def test_frames_are_delivered_where_they_are_wanted() -> None:
    got: list[object] = []
    line = Line(on_message=None, on_frame=lambda ws, part: got.append((part.payload, part.fin)))
    line.opened().say(frame(1, b"a", fin=False) + frame(0, b"b"))
    line.turn()
    assert got == [(b"a", False), (b"b", True)]


def test_a_callback_that_raises_closes_with_1011() -> None:
    def on_message(ws: WebSocket, message: object) -> None:
        raise ZeroDivisionError

    line = Line(on_message=on_message, errors="raise")
    end = line.opened()
    end.say(frame(1, b"x"))
    with pytest.raises(ZeroDivisionError):
        line.turn()
    line.turn()
    assert end.receive() == [("close", 1011, "internal error")]


def test_work_inside_its_callbacks_is_refused_too() -> None:
    refused: list[bool] = []

    def on_open(ws: WebSocket) -> None:
        with pytest.raises(UsageError):
            line.client.work(0)
        refused.append(True)

    line = Line(on_open=on_open)
    line.opened()
    assert refused == [True]


def test_the_with_closes_and_works_until_done() -> None:
    network = MemoryNetwork()
    server = WebSocketServer(network=network)
    closed: list[tuple[int, str]] = []
    with WebSocketClient(URL, network=network, on_close=lambda ws, *told: closed.append(told)) as client:
        run(network, 0.1, client, server)
        assert client.websocket is not None
        assert client.websocket.open
        client.send("hello")
    assert closed == [(1006, "")], "nobody worked for the server"
    assert not client.work(0)
    assert server.statistics().opened == 1


def test_what_overflows_before_it_opens_closes_it_then() -> None:
    line = Line(limits=Limits(queue_bytes=30))
    assert [line.client.send(bytes(20)) for _ in range(3)] == [True, False, False]
    end = line.opened()
    line.turn()
    assert end.receive() == [("close", 1008, "send queue full")]
    end.say(frame(CLOSE, b"\x03\xf0"))
    line.turn(2)
    assert line.log == [("open",), ("close", 1008, "send queue full")]
