"""Chromium by https and wss: page, WebSocket and game from one port."""

from typing import Any

import pytest

import tickws
from tests import certificates
from tests.browser.conftest import FILES, OpenTab
from tests.browser.test_tickws_js import ACT, PLAY, SERVED, Turned
from tests.certificates import VERSIONS, Version
from tests.interop.helpers import HOST, Recorder, Stage
from tests.vectors.bytes_made import Move

OPEN = {"open": True, "protocol": "", "extensions": ""}


def serve(stage: Stage, handler: tickws.Handler, version: Version | None = None, **options: Any) -> Any:
    return stage.server(handler, ssl_context=certificates.served(version), files=FILES, **options)


@pytest.mark.parametrize("version", VERSIONS)
def test_page_and_websocket(stage: Stage, open_tab: OpenTab, version: Version) -> None:
    handler = Recorder(echo=True)
    server = serve(stage, handler, version)
    tab = open_tab(server, "https")
    tab.connect()
    assert tab.seen == [OPEN]
    assert tab.run("ws.url") == f"wss://{HOST}:{server.port}/"
    for size in (0, 1, 125, 126, 65_535, 65_536, 1 << 20):
        assert tab.run("size => echoed('x'.repeat(size))", size)
        assert tab.run("size => echoed(Uint8Array.from({length: size}, (_, i) => i * i))", size)
    (ws,) = handler.opened
    assert ws.tls is not None
    assert ws.tls.version() == version
    assert ws.tls.selected_alpn_protocol() == "http/1.1"
    assert ws.request.secure
    assert ws.request.origin == f"https://{HOST}:{server.port}"
    tab.run("ws.close(4000, 'enough')")
    tab.until("seen.length === 2")
    assert tab.seen[1] == {"code": 4000, "reason": "enough", "wasClean": True}
    stage.until(lambda: handler.closed)
    assert handler.closed == [(4000, "enough")]


def test_a_page_of_many_requests(stage: Stage, open_tab: OpenTab) -> None:
    """Each file comes by a connection of its own, with close_notify behind it."""
    server = serve(stage, Recorder())
    tab = open_tab(server, "https")
    texts = tab.run("Promise.all(Array(20).fill('/chat.js').map(async path => (await fetch(path)).text()))")
    assert set(texts) == {FILES["/chat.js"].read_text("utf-8")}
    assert len(texts) == 20


def test_we_close(stage: Stage, open_tab: OpenTab) -> None:
    handler = Recorder()
    server = serve(stage, handler)
    tab = open_tab(server, "https")
    tab.connect()
    server.broadcast("last words")
    server.close(1012, "back in a minute")
    stage.until(lambda: not server.work(0))
    tab.until("seen.length === 3")
    assert tab.seen[1:] == [{"text": "last words"}, {"code": 1012, "reason": "back in a minute", "wasClean": True}]


def test_compressed(stage: Stage, open_tab: OpenTab) -> None:
    handler = Recorder(echo=True)
    server = serve(stage, handler, compression=tickws.Deflate())
    tab = open_tab(server, "https")
    tab.connect()
    assert tab.run("echoed('much the same '.repeat(1000))")
    assert handler.opened[0].extensions.startswith("permessage-deflate")


def test_a_page_of_another_origin(stage: Stage, open_tab: OpenTab) -> None:
    """The http page of the same host is no origin of the https one."""
    here = stage.server(Recorder(), files=FILES)
    there = serve(stage, Recorder(), origins=[f"https://{HOST}:{here.port}"])
    tab = open_tab(here)
    url = f"wss://{HOST}:{there.port}/"
    code = "url => new Promise(done => { new WebSocket(url).onclose = ({ code }) => done(code) })"
    assert tab.run(code, url) == 1006
    assert dict(there.statistics().answered) == {403: 1}


def test_tickws_js_chooses_wss_by_itself(stage: Stage, open_tab: OpenTab) -> None:
    """Its URL is made from the page's: https gives wss."""
    loop = tickws.TickLoop(rate=60)
    game = loop.add(
        tickws.GameServer(port=0, inputs=Move, snapshot_rate=20, files=dict(SERVED), ssl_context=certificates.served()),
        budget=0.01,
    )
    seen: list[Move] = []

    @game.message("chat", dict[str, str])
    def chat(player: tickws.Player[Move], payload: dict[str, str]) -> None:
        game.broadcast("chat", payload)

    @loop.system
    def simulate(tick: tickws.Tick) -> None:
        seen.extend(player.input(tick) for player in game.players)
        game.publish({"ball": {"x": tick.number + 0.5}})

    stage._endpoints.append(Turned(loop))  # type: ignore[arg-type]
    tab = open_tab(game.server, "https")
    tab.run(PLAY)
    tab.until("client.connected && client.state().size === 1")
    tab.run(ACT)
    stage.until(lambda: seen[-1:] == [Move(-0.5, False, "Ada")])
    tab.until("told.some(([event, value]) => event === 'message' && value.payload.text === 'grüß dich 🎮')")
    (player,) = game.players
    assert player.request.secure
    assert player.request.origin == f"https://{HOST}:{game.port}"
