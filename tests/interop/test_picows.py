"""picows, an asyncio client written in Cython, talks frame by frame to `WebSocketServer`."""

import asyncio
from typing import Any

import picows
import pytest
from picows import WSCloseCode, WSMsgType

import tickws
from tests.interop.helpers import HOST, KINDS, LENGTHS, LIMIT, Recorder, Stage, message_of, run_scene

CONTINUATION = WSMsgType.CONTINUATION

Seen = tuple[Any, bytes, bool]


class Frames(picows.WSListener):
    """Keeps the frames that come, in order: type, payload, FIN."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Seen] = asyncio.Queue()

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        self.queue.put_nowait((frame.msg_type, frame.get_payload_as_bytes(), frame.fin))
        if frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code())
            transport.disconnect()


async def dial(server: tickws.WebSocketServer, path: str = "/", **options: Any) -> tuple[picows.WSTransport, Frames]:
    transport, frames = await picows.ws_connect(Frames, f"ws://{HOST}:{server.port}{path}", **options)
    assert isinstance(frames, Frames)
    return transport, frames


def encoded(message: str | bytes) -> tuple[WSMsgType, bytes]:
    if isinstance(message, str):
        return WSMsgType.TEXT, message.encode()
    return WSMsgType.BINARY, message


async def leave(transport: picows.WSTransport, frames: Frames) -> None:
    """Close, and see the server's answer."""
    transport.send_close(WSCloseCode.OK)
    assert await frames.queue.get() == (WSMsgType.CLOSE, b"\x03\xe8", True)
    await transport.wait_disconnected()


def test_every_length_both_ways(stage: Stage) -> None:
    handler = Recorder(echo=True)
    server = stage.server(handler)
    messages = [message_of(kind, size) for kind in KINDS for size in LENGTHS]

    async def scene() -> None:
        transport, frames = await dial(server)
        for message in messages:
            kind, data = encoded(message)
            transport.send(kind, data)
            assert await frames.queue.get() == (kind, data, True)
        await leave(transport, frames)

    stage.play(scene)
    assert handler.messages == messages
    stage.until(lambda: handler.closed)
    assert handler.closed == [(1000, "")]


@pytest.mark.parametrize("over", [1, 2])
def test_a_message_above_the_limit_is_1009(stage: Stage, over: int) -> None:
    handler = Recorder()
    server = stage.server(handler)

    async def scene() -> Seen:
        transport, frames = await dial(server)
        transport.send(WSMsgType.BINARY, bytes(LIMIT + over))
        seen = await frames.queue.get()
        await transport.wait_disconnected()
        return seen

    reason = f"message above {LIMIT} bytes"
    assert stage.play(scene) == (WSMsgType.CLOSE, b"\x03\xf1" + reason.encode(), True)
    stage.until(lambda: handler.closed)
    assert handler.closed == [(1009, reason)]


def test_fragments_both_ways(stage: Stage) -> None:
    handler = Recorder()
    server = stage.server(handler)
    sent = [(WSMsgType.TEXT, b"\xf0\x9f", False), (CONTINUATION, b"", False), (CONTINUATION, b"\x8e\xae", True)]

    async def scene() -> list[Seen]:
        transport, frames = await dial(server)
        for kind, payload, fin in sent:
            transport.send(kind, payload, fin)
            transport.send_ping(b"between")  # section 5.4: control frames may come between fragments
        seen = [await frames.queue.get() for _ in range(6)]
        await leave(transport, frames)
        return seen

    call = stage.start(run_scene, scene)
    stage.until(lambda: handler.messages)
    assert handler.messages == ["🎮"]
    assert handler.opened[0].send_fragments(["a", "", "é"])
    seen = stage.finish(call)
    assert seen == [
        *[(WSMsgType.PONG, b"between", True)] * 3,
        (WSMsgType.TEXT, b"a", False),
        (CONTINUATION, b"", False),
        (CONTINUATION, "é".encode(), True),
    ]


def test_pings_both_ways(stage: Stage) -> None:
    handler = Recorder(echo=True)
    server = stage.server(handler)
    ours = (b"", b"x", b"\xff" * 125)

    async def scene() -> None:
        transport, frames = await dial(server, enable_auto_pong=False)
        for payload in ours:
            assert await frames.queue.get() == (WSMsgType.PING, payload, True)
            transport.send_pong(payload)
        for payload in ours:
            transport.send_ping(payload)
            assert await frames.queue.get() == (WSMsgType.PONG, payload, True)
        transport.send_pong(b"unasked")
        for kind in (WSMsgType.TEXT, WSMsgType.BINARY):
            transport.send(kind, b"")
            transport.send_pong(b"")
            assert await frames.queue.get() == (kind, b"", True)
        await leave(transport, frames)

    call = stage.start(run_scene, scene)
    stage.until(lambda: handler.opened)
    for payload in ours:
        assert handler.opened[0].ping(payload)
    stage.finish(call)
    assert handler.messages == ["", b""]


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (1001, "so long"), (1011, "é" * 61)])
def test_we_close(stage: Stage, code: int, reason: str) -> None:
    handler = Recorder()
    server = stage.server(handler)

    async def scene() -> Seen:
        transport, frames = await dial(server)
        seen = await frames.queue.get()
        await transport.wait_disconnected()
        return seen

    call = stage.start(run_scene, scene)
    stage.until(lambda: handler.opened)
    handler.opened[0].close(code, reason)
    assert stage.finish(call) == (WSMsgType.CLOSE, code.to_bytes(2, "big") + reason.encode(), True)
    stage.until(lambda: handler.closed)
    assert handler.closed == [(code, reason)]


def test_they_close_with_a_reason_or_without_a_code(stage: Stage) -> None:
    handler = Recorder()
    server = stage.server(handler)

    async def scene(payload: bytes) -> Seen:
        transport, frames = await dial(server)
        transport.send(WSMsgType.CLOSE, payload)
        seen = await frames.queue.get()
        await transport.wait_disconnected()
        return seen

    for payload in (b"\x0f\xa1" + "süß".encode(), b""):
        assert stage.play(scene, payload) == (WSMsgType.CLOSE, payload, True)
    stage.until(lambda: len(handler.closed) == 2)
    assert handler.closed == [(4001, "süß"), (1005, "")]


def test_they_vanish(stage: Stage) -> None:
    handler = Recorder()
    server = stage.server(handler)

    async def scene() -> None:
        transport, _ = await dial(server)
        transport.disconnect(graceful=False)
        await transport.wait_disconnected()

    stage.play(scene)
    stage.until(lambda: handler.closed)
    assert handler.closed == [(1006, "")]


def test_handshake(stage: Stage) -> None:
    handler = Recorder()
    server = stage.server(handler, subprotocols=["b", "a"])

    async def scene() -> Any:
        headers = {"X-Token": "sesame", "Sec-WebSocket-Protocol": "a, b"}
        transport, frames = await dial(server, "/room?x=1", extra_headers=headers)
        chosen = transport.response.headers["Sec-WebSocket-Protocol"]
        await leave(transport, frames)
        return chosen

    assert stage.play(scene) == "a"
    [ws] = handler.opened
    assert (ws.subprotocol, ws.request.path, ws.request.query) == ("a", "/room", {"x": "1"})
    assert ws.request.headers["X-Token"] == "sesame"


@pytest.mark.parametrize("status", [404, 403, 503])
def test_rejected(stage: Stage, status: int) -> None:
    server = stage.server(on_request=lambda request: tickws.Reject(status, "no"))

    async def scene() -> Any:
        with pytest.raises(picows.WSInvalidStatusError) as caught:
            await dial(server)
        return caught.value.response

    response = stage.play(scene)
    assert int(response.status) == status
    assert server.statistics().answered == {status: 1}


def test_sixty_at_once(stage: Stage) -> None:
    handler = Recorder(echo=True)
    server = stage.server(handler)

    async def one(number: int) -> list[Seen]:
        transport, frames = await dial(server)
        for i in range(30):
            transport.send(WSMsgType.TEXT, b"%d:%d" % (number, i))
        seen = [await frames.queue.get() for _ in range(30)]
        await leave(transport, frames)
        return seen

    async def scene() -> list[list[Seen]]:
        return list(await asyncio.gather(*map(one, range(60))))

    for number, seen in enumerate(stage.play(scene)):
        assert seen == [(WSMsgType.TEXT, b"%d:%d" % (number, i), True) for i in range(30)]
    stage.until(lambda: len(handler.closed) == 60)
    assert handler.closed == [(1000, "")] * 60
