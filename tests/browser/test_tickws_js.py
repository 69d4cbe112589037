"""Chromium: tickws.js passes the vectors there, too, and speaks `tickws.1` over a real WebSocket."""

from pathlib import Path

import tickws
from tests.browser.conftest import FILES, OpenTab
from tests.interop.helpers import Stage
from tests.vectors.bytes_made import Move
from tests.vectors.worlds import snapshot
from tickws import web
from tickws.sync.payload import pack, unpack
from tickws.sync.wire import SUBPROTOCOL, Ack, Event, Hello, InputMessage, Welcome, client_reader, encode

TESTS = Path(__file__).parent.parent
NAMES = ["wire", "timeline", "pacer", "world"]
SERVED = {
    **FILES,
    **web.FILES,
    "/vectors.mjs": TESTS / "web" / "vectors.mjs",
    **{f"/{name}.json": TESTS / "vectors" / f"{name}.json" for name in NAMES},
}

CHECK = """async (names) => {
    const tickws = await import("/tickws.js");
    const { check } = await import("/vectors.mjs");
    const load = async (name) => [name, await (await fetch(`/${name}.json`)).json()];
    return check(tickws, Object.fromEntries(await Promise.all(names.map(load))));
}"""

PLAY = """async () => {
    const { GameClient, held, press } = await import("/tickws.js");
    const inputs = { dy: held(0), serve: press(), name: held("") };
    window.told = [];
    window.client = new GameClient({ inputs, query: { name: "Ada é" } });
    for (const event of ["connected", "dropped", "disconnected", "message"])
        client.on(event, (value) => told.push([event, value]));
    client.on("connected", () => client.send("chat", { text: "grüß dich 🎮" }));
    const frame = () => {
        if (client.work()) requestAnimationFrame(frame);
        window.state = [...client.state()];
    };
    frame();
}"""


ACT = "client.sendInput({ dy: -0.5, serve: true, name: 'Ada' })"


class Game(tickws.Handler):
    """A server that says what it should, and in the end what it should not."""

    def __init__(self) -> None:
        self.heard: list[object] = []
        self.closed: list[int] = []
        self.names: list[str] = []

    def on_message(self, ws: tickws.WebSocket, message: str | bytes) -> None:
        said = client_reader(Move).read(message)
        self.heard.append(said)
        if isinstance(said, Hello):
            self.names.append(ws.request.query["name"])
            ws.send(encode(Welcome(1, said.hash or 0, said.protocol, 60, 20, 1, False, bytes(16), 0, 0, 4096)))
            ws.send(snapshot(1, {"ball": {"x": 0.5}}))
        elif isinstance(said, Event):
            ws.send(pack([3, 1, said.name, unpack(bytes(said.payload))]))
            ws.send(encode(Ack(said.number, None)))

    def on_close(self, ws: tickws.WebSocket, code: int, reason: str) -> None:
        self.closed.append(code)

    def frames(self) -> list[InputMessage[Move]]:
        return [said for said in self.heard if isinstance(said, InputMessage)]


class Turned:
    """A loop that the stage turns beside its endpoints."""

    def __init__(self, loop: tickws.TickLoop) -> None:
        self.loop = loop

    def work(self, budget: float) -> None:
        self.loop.frame()

    def abort(self) -> None:
        self.loop.close()


def test_vectors(stage: Stage, open_tab: OpenTab) -> None:
    assert open_tab(stage.server(files=SERVED)).run(CHECK, NAMES) > 5_000


def test_plays(stage: Stage, open_tab: OpenTab) -> None:
    game = Game()
    server = stage.server(game, files=SERVED, subprotocols=(SUBPROTOCOL,))
    tab = open_tab(server)
    tab.run(PLAY)
    tab.until("told.length === 2 && state.length === 1")
    assert tab.run("told") == [
        ["connected", {"player": 1, "spectator": False}],
        ["message", {"name": "chat", "payload": {"text": "grüß dich 🎮"}}],
    ]
    assert tab.run("state") == [["ball", {"x": 0.5}]]
    tab.run(ACT)
    stage.until(lambda: any(said.frame.serve for said in game.frames()[:-5]))
    assert (game.frames()[-1].snapshot, game.frames()[-1].event) == (1, 1)
    assert game.names == ["Ada é"]
    assert isinstance(game.heard[0], Hello)
    assert game.heard[0].protocol == "|dy:held serve:press name:held"
    assert sum(said.frame.serve for said in game.frames()) == 1
    assert game.frames()[-1].frame == Move(-0.5, False, "Ada")
    [ws] = server.connections
    ws.send(b"\xc1")
    tab.until("told.length === 3")
    assert tab.run("[told[2][0], told[2][1].code]") == ["disconnected", 1007]
    stage.until(lambda: game.closed)
    assert game.closed == [4007]


def test_plays_with_a_game_server(stage: Stage, open_tab: OpenTab) -> None:
    loop = tickws.TickLoop(rate=60)
    game = loop.add(tickws.GameServer(port=0, inputs=Move, snapshot_rate=20, files=dict(SERVED)), budget=0.01)
    seen: list[Move] = []
    said: list[object] = []

    @game.message("chat", dict[str, str])
    def chat(player: tickws.Player[Move], payload: dict[str, str]) -> None:
        said.append(payload)
        game.broadcast("chat", payload)

    @loop.system
    def simulate(tick: tickws.Tick) -> None:
        seen.extend(player.input(tick) for player in game.players)
        game.publish({"ball": {"x": tick.number + 0.5}})

    stage._endpoints.append(Turned(loop))  # type: ignore[arg-type]
    tab = open_tab(game.server)
    tab.run(PLAY)
    tab.until("client.connected && client.state().size === 1")
    give_up = loop.clock.now() + 10
    while not game.players and loop.clock.now() < give_up:  # its first picture may come before the tick that seats it
        loop.frame()
    [player] = game.players
    assert player.request.query["name"] == "Ada é"
    assert tab.run("client.player") == player.id
    tab.run(ACT)
    stage.until(lambda: seen[-1] == Move(-0.5, False, "Ada"))
    assert sum(move.serve for move in seen) == 1
    assert tab.run("client.send('chat', { text: 'hello' })")
    tab.until("told.some(([event, value]) => event === 'message' && value.payload.text === 'hello')")
    assert said == [{"text": "grüß dich 🎮"}, {"text": "hello"}]
    tab.until("client.latency !== null")
    assert 0 <= tab.run("client.latency") < 1
    shown = tab.run("client.state().get('ball').x")
    tab.until(f"client.state().get('ball').x > {shown} + 10")
    player.kick("enough")
    tab.until("told.at(-1)[0] === 'disconnected'")
    assert tab.run("told.at(-1)[1]") == {"code": 1008, "reason": "enough"}
