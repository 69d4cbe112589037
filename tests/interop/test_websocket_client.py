"""websocket-client, the blocking client from PyPI, talks to `WebSocketServer` from a thread."""

from collections.abc import Callable
from typing import Any

import pytest
import websocket
from websocket import ABNF

import tickws
from tests.interop.helpers import HOST, LENGTHS, LIMIT, SECONDS, Recorder, Stage, message_of


def dial(server: tickws.WebSocketServer, path: str = "/", **options: Any) -> websocket.WebSocket:
    url = f"ws://{HOST}:{server.port}{path}"
    return websocket.create_connection(url, timeout=SECONDS, http_no_proxy=["*"], **options)


def conversation(
    server: tickws.WebSocketServer, talk: Callable[[websocket.WebSocket], Any], **options: Any
) -> Callable[[], Any]:
    """Connect, talk, and close the socket whatever happens."""

    def run() -> Any:
        ws = dial(server, **options)
        try:
            return talk(ws)
        finally:
            ws.shutdown()  # type: ignore[no-untyped-call]

    return run


def close_of(data: tuple[int, Any]) -> tuple[int, str]:
    """Code and reason of the Close that `recv_data_frame` gave."""
    opcode, frame = data
    assert opcode == ABNF.OPCODE_CLOSE
    return int.from_bytes(frame.data[:2], "big"), frame.data[2:].decode()


def test_every_length_both_ways(stage: Stage) -> None:
    handler = Recorder(echo=True)
    server = stage.server(handler)
    messages = [message_of(kind, size) for kind in (str, bytes) for size in LENGTHS]

    def talk(ws: websocket.WebSocket) -> None:
        for message in messages:
            if isinstance(message, str):
                ws.send(message)
            else:
                ws.send_binary(message)
            assert ws.recv() == message
        ws.close()

    stage.call(conversation(server, talk))
    assert handler.messages == messages
    stage.until(lambda: handler.closed)
    assert handler.closed == [(1000, "")]


@pytest.mark.parametrize("over", [1, 2])
def test_a_message_above_the_limit_is_1009(stage: Stage, over: int) -> None:
    handler = Recorder()
    server = stage.server(handler)

    def talk(ws: websocket.WebSocket) -> tuple[int, str]:
        ws.send_binary(bytes(LIMIT + over))
        return close_of(ws.recv_data_frame())

    reason = f"message above {LIMIT} bytes"
    assert stage.call(conversation(server, talk)) == (1009, reason)
    stage.until(lambda: handler.closed)
    assert handler.closed == [(1009, reason)]
    assert not handler.messages


def test_fragments_both_ways(stage: Stage) -> None:
    handler = Recorder()
    server = stage.server(handler)

    def talk(ws: websocket.WebSocket) -> list[Any]:
        ws.send_frame(ABNF.create_frame(b"\xf0\x9f", ABNF.OPCODE_TEXT, 0))
        ws.ping("between")
        ws.send_frame(ABNF.create_frame(b"", ABNF.OPCODE_CONT, 0))
        ws.send_frame(ABNF.create_frame(b"\x8e\xae", ABNF.OPCODE_CONT, 1))
        seen: list[Any] = [ws.recv_data_frame(control_frame=True)[1].data]
        for _ in range(3):
            frame = ws.recv_frame()  # type: ignore[no-untyped-call]
            seen.append((frame.opcode, frame.data, frame.fin))
        return [*seen, ws.recv()]

    call = stage.start(conversation(server, talk))
    stage.until(lambda: handler.messages)
    assert handler.messages == ["🎮"]
    assert handler.opened[0].send_fragments([b"a", b"", b"b"])
    assert handler.opened[0].send_fragments(["a", "", "é"])
    assert stage.finish(call) == [
        b"between",
        (ABNF.OPCODE_BINARY, b"a", 0),
        (ABNF.OPCODE_CONT, b"", 0),
        (ABNF.OPCODE_CONT, b"b", 1),
        "aé",
    ]


def test_pings_both_ways(stage: Stage) -> None:
    handler = Recorder(echo=True)
    server = stage.server(handler, limits=tickws.Limits(ping_seconds=0.02))

    def talk(ws: websocket.WebSocket) -> list[Any]:
        ws.pong("unasked")
        ws.ping(b"\xff" * 125)
        seen = []
        while True:
            opcode, frame = ws.recv_data_frame(control_frame=True)
            if opcode != ABNF.OPCODE_PING:
                seen.append((opcode, frame.data))
            if opcode == ABNF.OPCODE_TEXT:
                return seen

    call = stage.start(conversation(server, talk))
    stage.until(lambda: handler.opened)
    ws = handler.opened[0]
    stage.until(lambda: ws.latency is not None)
    assert ws.send("enough")
    assert stage.finish(call) == [(ABNF.OPCODE_PONG, b"\xff" * 125), (ABNF.OPCODE_TEXT, b"enough")]


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (4000, "é" * 61)])
def test_close_by_either_side(stage: Stage, code: int, reason: str) -> None:
    handler = Recorder()
    server = stage.server(handler)

    def listen(ws: websocket.WebSocket) -> tuple[int, str]:
        return close_of(ws.recv_data_frame())

    def leave(ws: websocket.WebSocket) -> Any:
        ws.close(code, reason.encode(), timeout=SECONDS)
        answer: Any = ws.close_frame
        return close_of((ABNF.OPCODE_CLOSE, answer))

    call = stage.start(conversation(server, listen))
    stage.until(lambda: handler.opened)
    handler.opened[0].close(code, reason)
    assert stage.finish(call) == (code, reason)
    assert stage.call(conversation(server, leave)) == (code, reason)
    stage.until(lambda: len(handler.closed) == 2)
    assert handler.closed == [(code, reason)] * 2


def test_they_vanish(stage: Stage) -> None:
    handler = Recorder()
    server = stage.server(handler)
    stage.call(conversation(server, lambda ws: None))
    stage.until(lambda: handler.closed)
    assert handler.closed == [(1006, "")]


def test_handshake(stage: Stage) -> None:
    handler = Recorder()
    server = stage.server(handler, subprotocols=["b", "a"])
    options = {
        "path": "/room?x=1",
        "subprotocols": ["x", "a", "b"],
        "header": {"X-Token": "sesame"},
        "cookie": "name=Ada",
        "origin": "https://game.example",
    }
    assert stage.call(conversation(server, lambda ws: ws.getsubprotocol(), **options)) == "a"
    [ws] = handler.opened
    assert (ws.subprotocol, ws.request.path, ws.request.query) == ("a", "/room", {"x": "1"})
    assert ws.request.headers["X-Token"] == "sesame"
    assert ws.request.cookies == {"name": "Ada"}
    assert ws.request.origin == "https://game.example"


@pytest.mark.parametrize("status", [404, 403, 503])
def test_rejected(stage: Stage, status: int) -> None:
    server = stage.server(on_request=lambda request: tickws.Reject(status, "no"))

    def refused() -> Any:
        with pytest.raises(websocket.WebSocketBadStatusException) as caught:
            dial(server)
        return caught.value.status_code, caught.value.resp_body

    assert stage.call(refused) == (status, b"no")


def test_twelve_at_once(stage: Stage) -> None:
    handler = Recorder(echo=True)
    server = stage.server(handler)

    def talk(ws: websocket.WebSocket) -> list[Any]:
        seen = []
        for i in range(30):
            ws.send(str(i))
            seen.append(ws.recv())
        ws.close()
        return seen

    calls = [stage.start(conversation(server, talk)) for _ in range(12)]
    for call in calls:
        assert stage.finish(call) == [str(i) for i in range(30)]
    stage.until(lambda: len(handler.closed) == 12)
    assert handler.closed == [(1000, "")] * 12
