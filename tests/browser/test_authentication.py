"""Chromium: each recipe of docs/authentication.md from a page, and what a page of somebody else may do with our cookie.

Cookies know no port, so a page of another port of 127.0.0.1 stands for every page of the same site: SameSite stops none
of them. "localhost" is another site, and Chromium sends no cookie for it; the WebSocket it lets through.
"""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import tickws
from tests.authentication import load
from tests.browser.conftest import FILES, Chromium, OpenTab, Tab
from tests.browser.test_tickws_js import Turned
from tests.interop.helpers import HOST, SECONDS, Recorder, Stage
from tickws import web

SERVED = {**FILES, **web.FILES}
REFUSED = [{"error": True}, {"code": 1006, "reason": "", "wasClean": False}]
WELCOME = {"text": "welcome, ada"}
"""What a page hears when it is in, as Ada."""


def opened(protocol: str = "") -> dict[str, Any]:
    return {"open": True, "protocol": protocol, "extensions": ""}


def serve(stage: Stage, module: Any, **options: Any) -> tickws.WebSocketServer:
    return stage.server(on_request=module.on_request, on_open=module.on_open, files=SERVED, **options)


def seen(tab: Tab, count: int = 2) -> list[dict[str, Any]]:
    """What the page's WebSocket tells it, once there is so much of it."""
    tab.until(f"seen.length >= {count}")
    return tab.seen


def log_in(stage: Stage, tab: Tab, set_cookie: str, same_site: str = "Strict") -> None:
    """Give the tab's browser a cookie, as the website's answer to a login does."""
    pair, *attributes = set_cookie.split("; ")
    assert {"HttpOnly", "SameSite=Strict"} <= set(attributes)
    name, _, value = pair.partition("=")
    cookie = {"name": name, "value": value, "domain": HOST, "path": "/", "httpOnly": True, "sameSite": same_site}
    cookie["secure"] = same_site == "None"
    stage.finish(tab._thread.submit(tab._page.context.add_cookies, [cookie]))


def game_of(
    stage: Stage, authenticate: Callable[[tickws.Request], object], **options: Any
) -> tuple[tickws.TickLoop, tickws.GameServer[tickws.Input]]:
    """A game that the stage turns."""
    loop = tickws.TickLoop(rate=60)
    game = tickws.GameServer(port=0, inputs=tickws.Input, authenticate=authenticate, files=dict(FILES), **options)
    loop.add(game, budget=0.01)
    stage._endpoints.append(Turned(loop))  # type: ignore[arg-type]
    return loop, game


# -- the recipes -----------------------------------------------------------------------------------------------------


def test_query(stage: Stage, open_tab: OpenTab) -> None:
    module = load("query_token")
    server = serve(stage, module)
    tab = open_tab(server)
    path = f"/?token={module.tokens.issue('ada')}"
    tab.connect(path)
    assert seen(tab) == [opened(), WELCOME]
    tab.connect(path)  # the same one again
    assert seen(tab) == REFUSED
    tab.connect("/")
    assert seen(tab) == REFUSED
    assert server.statistics().answered[401] == 2


def test_subprotocol(stage: Stage, open_tab: OpenTab) -> None:
    module = load("subprotocol_token")
    server = serve(stage, module, subprotocols=["chat.1"])
    tab = open_tab(server)
    token = f"token.{module.tokens.issue('ada')}"
    tab.connect("/", [token, "chat.1"])
    assert seen(tab) == [opened("chat.1"), WELCOME]
    tab.connect("/", ["chat.1", token])
    assert seen(tab) == REFUSED
    assert server.statistics().answered[401] == 1
    complaint = tab.run("() => { try { new WebSocket('ws://127.0.0.1', ['token.=']) } catch (e) { return e.name } }")
    assert complaint == "SyntaxError"  # padding is no token's


def test_cookie(stage: Stage, open_tab: OpenTab) -> None:
    module = load("session_cookie")
    server = serve(stage, module)
    tab = open_tab(server)
    tab.connect()
    assert seen(tab) == REFUSED
    log_in(stage, tab, module.sessions.begin("ada"))
    assert tab.run("document.cookie") == ""  # HttpOnly
    tab.connect()
    assert seen(tab) == [opened(), WELCOME]


def test_cookie_set_by_the_answer_to_a_token(stage: Stage, open_tab: OpenTab) -> None:
    """A token that counts once lets in, and brings a cookie for the next time: both in one server."""
    query, cookie = load("query_token"), load("session_cookie")

    def on_request(request: tickws.Request) -> bool | tickws.Accept | tickws.Reject:
        if "token" not in request.query:
            return cookie.on_request(request)  # type: ignore[no-any-return]
        answer: bool | tickws.Reject = query.on_request(request)
        if isinstance(answer, tickws.Reject):
            return answer
        return tickws.Accept(headers={"Set-Cookie": cookie.sessions.begin(request.data)})

    server = stage.server(on_request=on_request, on_open=query.on_open, files=SERVED)
    tab = open_tab(server)
    tab.connect()
    assert seen(tab) == REFUSED
    tab.connect(f"/?token={query.tokens.issue('ada')}")
    assert seen(tab) == [opened(), WELCOME]
    tab.connect()
    assert seen(tab) == [opened(), WELCOME]


def test_first_message(stage: Stage, open_tab: OpenTab) -> None:
    tokens = load("tokens").Tokens(b"x" * 32)
    lobby = load("first_message").Lobby(tokens, patience=3)
    tab = open_tab(stage.server(lobby, files=SERVED))
    tab.connect()
    tab.run("token => ws.send(token)", tokens.issue("ada"))
    assert seen(tab) == [opened(), WELCOME]
    tab.connect()
    tab.run("ws.send('let me in')")
    assert seen(tab) == [opened(), {"code": 1008, "reason": "the token is not ours", "wasClean": True}]
    tab.connect()
    stage.until(lambda: lobby.strangers)
    for _ in range(3):
        lobby.sweep()
    assert seen(tab) == [opened(), {"code": 1008, "reason": "nobody said who it is", "wasClean": True}]


PLAY = """async ([query, token]) => {
    const { GameClient } = await import("/tickws.js");
    class WithToken extends WebSocket {
        constructor(url, protocol) { super(url, [protocol, `token.${token}`]); }
    }
    window.told = [];
    window.client = new GameClient({ inputs: {}, query, WebSocket: WithToken });
    for (const event of ["connected", "dropped", "disconnected"]) client.on(event, () => told.push(event));
    const frame = () => { if (client.work()) requestAnimationFrame(frame); };
    frame();
}"""


@pytest.mark.parametrize("recipe", ["query_token", "session_cookie", "subprotocol_token"])
def test_a_game(stage: Stage, open_tab: OpenTab, recipe: str) -> None:
    module = load(recipe)
    loop, game = game_of(stage, module.authenticate)
    users: list[object] = []
    loop.bus.subscribe(tickws.PlayerJoined, lambda event: users.append(event.player.user))
    tab = open_tab(game.server)
    tab.run(PLAY, [{"token": "forged"}, "forged"])
    tab.until("told.length")
    assert set(tab.run("told")) == {"dropped"}  # a page is not told of a 401, so tickws.js tries again
    tab.run("client.close()")
    refused = dict(game.statistics().turned_away)
    assert refused.keys() == {401}
    query, token = {}, "unused"
    if recipe == "session_cookie":
        log_in(stage, tab, module.sessions.begin("ada"))
    elif recipe == "query_token":
        query = {"token": module.tokens.issue("ada")}
    else:
        token = module.tokens.issue("ada")
    tab.run(PLAY, [query, token])
    tab.until("told.length")
    assert tab.run("told") == ["connected"]
    stage.until(lambda: users)
    assert users == ["ada"]
    assert dict(game.statistics().turned_away) == refused


# -- somebody else's page --------------------------------------------------------------------------------------------


class Victim:
    """A server that takes the cookie for a pass.

    Args:
        guard: what it does about origins, see `GUARDS` and `NO_GUARDS`.
    """

    def __init__(self, stage: Stage, guard: str) -> None:
        self.module = load("session_cookie")
        self.opened = [opened(), WELCOME]
        self.protocols: list[str] = []
        if guard.startswith("game"):
            options = {} if guard == "game" else {"origins": None}
            self.server = game_of(stage, self.module.authenticate, **options)[1].server
            self.opened, self.protocols = [opened("tickws.1")], ["tickws.1"]
            return
        listening = socket.create_server((HOST, 0))
        self.server = stage.server(
            on_request=self.module.on_request if guard == "the recipe" else self.careless,
            on_open=self.module.on_open,
            origins=[f"http://{HOST}:{listening.getsockname()[1]}"] if guard == "origins" else None,
            files=SERVED,
            port=None,
        )
        self.server.listen(sock=listening)

    def careless(self, request: tickws.Request) -> bool | tickws.Reject:
        """The recipe without its look at the origin."""
        user = self.module.authenticate(request)
        request.data = user
        return user if isinstance(user, tickws.Reject) else True

    def opened_by(self, tab: Tab) -> bool:
        """Whether a page comes in as Ada; else it is turned away with 403."""
        before = self.server.statistics().answered.get(403, 0)
        tab.connect("/", self.protocols, f"{HOST}:{self.server.port}")
        told = seen(tab, 1)
        if told[0] == {"error": True}:
            assert seen(tab) == REFUSED
            assert self.server.statistics().answered[403] == before + 1
            return False
        assert seen(tab, len(self.opened)) == self.opened
        return True


NO_GUARDS = ("none", "game, origins=None")
GUARDS = ("origins", "the recipe", "game")


@pytest.mark.parametrize("guard", [*NO_GUARDS, *GUARDS])
def test_hijacking_from_the_same_site(stage: Stage, open_tab: OpenTab, guard: str) -> None:
    """A page of another port (or subdomain) has our cookie with it, though it is HttpOnly and SameSite=Strict."""
    victim = Victim(stage, guard)
    ours = open_tab(victim.server)
    log_in(stage, ours, victim.module.sessions.begin("ada"))
    theirs = open_tab(stage.server(files=FILES))
    assert victim.opened_by(theirs) == (guard in NO_GUARDS)
    assert victim.opened_by(ours)


@pytest.mark.parametrize("guard", [*NO_GUARDS, *GUARDS])
def test_hijacking_from_another_site(stage: Stage, chromium: Chromium, tmp_path: Path, guard: str) -> None:
    """A page of another site has it where the cookie is SameSite=None, as embedded games want it."""
    victim = Victim(stage, guard)
    with visitor(stage, chromium, tmp_path) as open_page:
        ours = open_page(f"http://{HOST}:{victim.server.port}/")
        log_in(stage, ours, victim.module.sessions.begin("ada"), "None")
        theirs = open_page(f"http://localhost:{stage.server(files=FILES).port}/")
        assert victim.opened_by(theirs) == (guard in NO_GUARDS)
        assert victim.opened_by(ours)


@contextmanager
def visitor(stage: Stage, chromium: Chromium, folder: Path) -> Iterator[Callable[[str], Tab]]:
    """A browser with a profile that sends cookies to other sites; Playwright's usual one is private, and does not."""
    (folder / "Default").mkdir()
    settings = {"profile": {"cookie_controls_mode": 0, "block_third_party_cookies": False}}
    (folder / "Default" / "Preferences").write_text(json.dumps(settings), encoding="utf-8")
    thread = chromium.thread
    context = thread.submit(chromium.launch_profile, folder).result()
    context.set_default_timeout(SECONDS * 1000)

    def open_page(url: str) -> Tab:
        tab = Tab(stage, thread, thread.submit(context.new_page).result())
        tab.do("goto", url)
        tab.until("window.connect")
        return tab

    try:
        yield open_page
    finally:
        thread.submit(context.close).result()


@pytest.mark.parametrize("same_site", ["Strict", "Lax"])
def test_same_site_keeps_the_cookie_from_other_sites_and_lets_the_websocket_through(
    stage: Stage, open_tab: OpenTab, same_site: str
) -> None:
    victim = Victim(stage, "none")
    ours = open_tab(victim.server)
    log_in(stage, ours, victim.module.sessions.begin("ada"), same_site)
    theirs = open_tab(stage.server(files=FILES))
    theirs.do("goto", theirs.run("location.href").replace(HOST, "localhost"))
    theirs.until("window.connect")
    theirs.connect("/", [], f"{HOST}:{victim.server.port}")
    assert seen(theirs) == REFUSED
    assert victim.server.statistics().answered[401] == 1
    guarded = Victim(stage, "origins")
    assert not guarded.opened_by(theirs)
    anybodys = stage.server(Recorder(echo=True))  # a server on this machine, without passes: any page can talk to it
    theirs.connect("/", [], f"{HOST}:{anybodys.port}")
    assert theirs.seen == [opened()]
    assert theirs.run("echoed('hello from anywhere')")
    ours_alone = stage.server(Recorder(), origins=[f"http://{HOST}:{victim.server.port}"])
    theirs.connect("/", [], f"{HOST}:{ours_alone.port}")
    assert seen(theirs) == REFUSED
    assert dict(ours_alone.statistics().answered) == {403: 1}
