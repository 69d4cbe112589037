"""Chromium: a page that tickws serves talks to the server that serves it."""

from collections.abc import Callable
from typing import Any

import pytest

import tickws
from tests.browser.conftest import FILES, OpenTab, Tab
from tests.interop.helpers import HOST, LENGTHS, Recorder, Stage

LONGEST = (4999, "é" * 61 + "!")  # a reason of 123 bytes
OPEN = {"open": True, "protocol": "", "extensions": ""}


class Chat(Recorder):
    """Tells everybody what anybody says."""

    server: tickws.WebSocketServer

    def on_message(self, ws: tickws.WebSocket, message: str | bytes) -> None:
        super().on_message(ws, message)
        self.server.broadcast(message)


def serve(stage: Stage, handler: tickws.Handler, **options: Any) -> tickws.WebSocketServer:
    return stage.server(handler, files=FILES, **options)


def connected(stage: Stage, open_tab: OpenTab, handler: Recorder, **options: Any) -> tuple[Tab, tickws.WebSocket]:
    """Both ends of one connection: the page's, ours."""
    tab = open_tab(serve(stage, handler, **options))
    tab.connect()
    assert tab.seen == [OPEN]
    return tab, handler.opened[0]


def test_two_tabs_chat(stage: Stage, open_tab: OpenTab) -> None:
    chat = Chat()
    chat.server = serve(stage, chat)
    tabs = [open_tab(chat.server) for _ in range(2)]
    for tab in tabs:
        tab.connect()
    sentences = ["hello", "grüß dich 🎮", "<b>not markup</b>", ""]
    for i, sentence in enumerate(sentences):
        tabs[i % 2].do("fill", "#say input", sentence)
        tabs[i % 2].do("press", "#say input", "Enter")
        for tab in tabs:
            tab.until(f"said.children.length === {i + 1}")
    for tab in tabs:
        assert tab.run("Array.from(said.children, item => item.textContent)") == sentences
        assert tab.seen == [OPEN, *({"text": sentence} for sentence in sentences)]
    assert chat.messages == sentences
    assert {ws.request.origin for ws in chat.opened} == {f"http://{HOST}:{chat.server.port}"}


@pytest.mark.parametrize("kind", ["ArrayBuffer", "view", "Blob"])
def test_binary(stage: Stage, open_tab: OpenTab, kind: str) -> None:
    handler = Recorder(echo=True)
    tab, _ = connected(stage, open_tab, handler)
    made = {"ArrayBuffer": "bytes.buffer", "view": "bytes.subarray(0)", "Blob": "new Blob([bytes])"}[kind]
    tab.run(f"() => {{ const bytes = Uint8Array.from({{length: 256}}, (_, i) => i); ws.send({made}) }}")
    tab.until("seen.length === 2")
    assert handler.messages == [bytes(range(256))]
    assert tab.seen[1] == {"bytes": list(range(256))}


@pytest.mark.parametrize("size", [*LENGTHS, 100_000])
def test_lengths_both_ways(stage: Stage, open_tab: OpenTab, size: int) -> None:
    handler = Recorder(echo=True)
    tab, _ = connected(stage, open_tab, handler)
    assert tab.run("size => echoed('x'.repeat(size % 2) + 'é'.repeat(size / 2))", size)
    assert tab.run("size => echoed(Uint8Array.from({length: size}, (_, i) => i * i))", size)
    text, binary = handler.messages
    assert text == "x" * (size % 2) + "é" * (size // 2)
    assert binary == bytes(i * i % 256 for i in range(size))


def test_a_message_above_the_limit(stage: Stage, open_tab: OpenTab) -> None:
    handler = Recorder()
    tab, _ = connected(stage, open_tab, handler, limits=tickws.Limits(message_bytes=1000))
    tab.run("ws.send('x'.repeat(1001))")
    tab.until("seen.length === 2")
    reason = "message above 1000 bytes"
    assert tab.seen[1] == {"code": 1009, "reason": reason, "wasClean": True}
    assert handler.closed == [(1009, reason)]


def test_fragments_and_pings_of_ours(stage: Stage, open_tab: OpenTab) -> None:
    handler = Recorder(echo=True)
    tab, ws = connected(stage, open_tab, handler, limits=tickws.Limits(ping_seconds=0.02))
    ws.send_fragments(["a", "", "🎮", "b"])
    ws.send_fragments([bytes([i]) for i in range(100)])
    tab.until("seen.length === 3")
    assert tab.seen[1:] == [{"text": "a🎮b"}, {"bytes": list(range(100))}]
    stage.until(lambda: ws.latency is not None)
    assert tab.run("echoed('still here')")


@pytest.mark.parametrize(
    ("code", "reason"), [(1000, ""), (1001, "going"), (4001, "the match is over"), (3000, "é" * 61)]
)
def test_we_close(stage: Stage, open_tab: OpenTab, code: int, reason: str) -> None:
    handler = Recorder()
    tab, ws = connected(stage, open_tab, handler)
    ws.send("last words")
    ws.close(code, reason)
    tab.until("seen.length === 3")
    assert tab.seen[1:] == [{"text": "last words"}, {"code": code, "reason": reason, "wasClean": True}]
    stage.until(lambda: handler.closed)
    assert handler.closed == [(code, reason)]


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (3000, "süß"), LONGEST])
def test_the_page_closes(stage: Stage, open_tab: OpenTab, code: int, reason: str) -> None:
    handler = Recorder()
    tab, _ = connected(stage, open_tab, handler)
    tab.run("([code, reason]) => { ws.send('last words'); ws.close(code, reason) }", [code, reason])
    tab.until("seen.length === 2")
    assert tab.seen[1] == {"code": code, "reason": reason, "wasClean": True}
    stage.until(lambda: handler.closed)
    assert handler.messages == ["last words"]
    assert handler.closed == [(code, reason)]


def test_the_page_closes_without_a_code(stage: Stage, open_tab: OpenTab) -> None:
    handler = Recorder()
    tab, _ = connected(stage, open_tab, handler)
    tab.run("ws.close()")
    tab.until("seen.length === 2")
    assert tab.seen[1] == {"code": 1005, "reason": "", "wasClean": True}
    stage.until(lambda: handler.closed)
    assert handler.closed == [(1005, "")]


LEAVING: dict[str, Callable[[Tab], object]] = {
    "the tab is closed": lambda tab: tab.do("close"),
    "the page navigates": lambda tab: tab.do("goto", "about:blank"),
    "the page is loaded again": lambda tab: tab.do("reload"),
}


@pytest.mark.parametrize("leave", LEAVING.values(), ids=LEAVING)
def test_the_page_is_left(stage: Stage, open_tab: OpenTab, leave: Callable[[Tab], object]) -> None:
    handler = Recorder()
    tab, _ = connected(stage, open_tab, handler)
    leave(tab)
    stage.until(lambda: handler.closed)
    assert handler.closed == [(1001, "")]
    assert len(handler.opened) == 1


def test_the_server_closes(stage: Stage, open_tab: OpenTab) -> None:
    handler = Recorder()
    server = serve(stage, handler)
    tabs = [open_tab(server) for _ in range(2)]
    for tab in tabs:
        tab.connect()
    server.broadcast("last words")
    server.close(1012, "back in a minute")
    stage.until(lambda: not server.work(0))
    for tab in tabs:
        tab.until("seen.length === 3")
        assert tab.seen[1:] == [{"text": "last words"}, {"code": 1012, "reason": "back in a minute", "wasClean": True}]
    assert handler.closed == [(1012, "back in a minute")] * 2


def test_the_server_goes_away_and_comes_back(stage: Stage, open_tab: OpenTab) -> None:
    handler = Recorder()
    server = serve(stage, handler)
    tab = open_tab(server)
    tab.connect()
    server.abort()
    lost = {"code": 1006, "reason": "", "wasClean": False}
    tab.until("seen.length > 1")
    assert tab.seen[-1] == lost
    assert handler.closed == [(1006, "")]

    tab.connect()
    tab.until("seen.length === 2")
    assert tab.seen == [{"error": True}, lost]

    serve(stage, Recorder(echo=True), port=server.port)
    tab.connect()
    assert tab.seen == [OPEN]
    assert tab.run("echoed('hello again')")


@pytest.mark.parametrize(
    ("offered", "chosen"), [(["protocol1"], "protocol1"), (["x", "second", "protocol1"], "second")]
)
def test_subprotocols(stage: Stage, open_tab: OpenTab, offered: list[str], chosen: str) -> None:
    handler = Recorder()
    tab = open_tab(serve(stage, handler, subprotocols=["protocol1", "second"]))
    tab.connect("/", offered)
    chosen = next(name for name in offered if name != "x")
    assert tab.seen == [{**OPEN, "protocol": chosen}]
    assert handler.opened[0].subprotocol == chosen


@pytest.mark.parametrize("status", [404, 403, 503])
def test_rejected(stage: Stage, open_tab: OpenTab, status: int) -> None:
    requests: list[tickws.Request] = []

    class Bouncer(Recorder):
        def on_request(self, request: tickws.Request) -> tickws.Reject:
            requests.append(request)
            return tickws.Reject(status, "not you")

    handler = Bouncer()
    server = serve(stage, handler)
    tab = open_tab(server)
    tab.connect("/room?name=B%C3%A9")
    tab.until("seen.length === 2")
    assert tab.seen == [{"error": True}, {"code": 1006, "reason": "", "wasClean": False}]
    assert [(request.path, request.query) for request in requests] == [("/room", {"name": "Bé"})]
    assert server.statistics().answered[status] >= 1
    assert not handler.opened
    assert not handler.closed


def test_origins(stage: Stage, open_tab: OpenTab) -> None:
    """The page's own server knows its origin; another's page is turned away where it is not named."""
    here = serve(stage, Recorder())
    origin = f"http://{HOST}:{here.port}"
    open_to_it = stage.server(Recorder(), origins=[origin])
    closed_to_it = stage.server(Recorder(), origins=["https://game.example"])
    tab = open_tab(here)
    tab.connect(host=f"{HOST}:{open_to_it.port}")
    assert tab.seen == [OPEN]
    tab.connect(host=f"{HOST}:{closed_to_it.port}")
    assert tab.seen[0] == {"error": True}
    assert dict(closed_to_it.statistics().answered) == {403: 1}


def test_an_error_in_a_callback(stage: Stage, open_tab: OpenTab) -> None:
    class Faulty(Recorder):
        def on_message(self, ws: tickws.WebSocket, message: str | bytes) -> None:
            raise LookupError(message)

    errors: list[str] = []
    handler = Faulty()
    tab, _ = connected(stage, open_tab, handler, errors=lambda error, source: errors.append(repr(error)))
    tab.run("ws.send('oops')")
    tab.until("seen.length === 2")
    assert tab.seen[1] == {"code": 1011, "reason": "internal error", "wasClean": True}
    assert handler.closed == [(1011, "internal error")]
    assert errors == ["LookupError('oops')"]


def test_a_page_that_is_not_there(stage: Stage, open_tab: OpenTab) -> None:
    server = serve(stage, Recorder())
    tab = open_tab(server)
    status, text = tab.run("fetch('/nowhere').then(async answer => [answer.status, await answer.text()])")
    assert status == 404
    assert text.startswith("404 Not Found")
    assert tab.run("fetch('/').then(answer => answer.status)") == 200
    assert tab.run("fetch('/', {method: 'POST'}).then(answer => answer.status)") == 405
