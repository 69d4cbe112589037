"""The recipes of docs/authentication.md that decide before the upgrade, against those who have no business there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import tickws
from tests.authentication import SECRET, Calendar, load
from tests.game.helpers import SPEAKS, Table
from tests.transport.peers import House

COOKIE = "session"


@pytest.fixture
def calendar() -> Calendar:
    return Calendar()


@pytest.fixture
def tokens(calendar: Calendar) -> Any:
    return load("tokens").Tokens(SECRET, seconds=30.0, clock=calendar)


def sample(monkeypatch: pytest.MonkeyPatch, name: str, tokens: Any) -> Any:
    """A recipe whose tokens are those."""
    module = load(name)
    monkeypatch.setattr(module, "tokens", tokens)
    return module


@pytest.fixture
def query(monkeypatch: pytest.MonkeyPatch, tokens: Any) -> Any:
    return sample(monkeypatch, "query_token", tokens)


@pytest.fixture
def subprotocol(monkeypatch: pytest.MonkeyPatch, tokens: Any) -> Any:
    return sample(monkeypatch, "subprotocol_token", tokens)


@pytest.fixture
def cookie(monkeypatch: pytest.MonkeyPatch, calendar: Calendar) -> Any:
    module = load("session_cookie")
    sessions = module.Sessions(COOKIE, secure=False, seconds=3600.0, clock=calendar)
    monkeypatch.setattr(module, "sessions", sessions)
    return module


def answer(module: Any, path: str = "/", *headers: str, **options: Any) -> tuple[int, str, Any]:
    """Status and body of a recipe's answer, and who the connection is afterwards: by a server alone."""
    house = House(on_request=module.on_request, on_open=module.on_open, **options)
    peer = house.dial()
    peer.ask(path, *headers)
    house.turn(3)
    status = int(peer.listen()[9:12])
    head, _, body = peer.listen().partition(b"\r\n\r\n")
    assert b"token." not in head
    assert b"eyJ" not in head
    [user] = [ws.data for ws in house.server.connections] or [None]
    assert (status == 101) == (user is not None)
    return status, "" if status == 101 else body.decode(), user


def answer_of_a_game(module: Any, path: str = "/", *headers: str) -> int:
    """The same by a game: its status."""
    return int(Table(authenticate=module.authenticate).ask(path, *headers)[9:12])


# -- the query -------------------------------------------------------------------------------------------------------


def test_query_lets_in_once(query: Any, tokens: Any) -> None:
    token = tokens.issue("ada")
    assert answer(query, f"/?token={token}") == (101, "", "ada")
    status, body, user = answer(query, f"/?token={token}")
    assert (status, body, user) == (401, "401 Unauthorized: the token was used before\n", None)
    assert answer_of_a_game(query, f"/?token={tokens.issue('bob')}", SPEAKS) == 101
    assert answer_of_a_game(query, f"/?token={token}", SPEAKS) == 401


def test_query_refuses_who_is_late_by_a_second(query: Any, tokens: Any, calendar: Calendar) -> None:
    token = tokens.issue("ada")
    calendar.now += 31
    assert answer(query, f"/?token={token}") == (401, "401 Unauthorized: the token has expired\n", None)


HOSTILE_QUERIES: dict[str, Callable[[str], str]] = {
    "none": lambda token: "/",
    "empty": lambda token: "/?token=",
    "no value": lambda token: "/?token",
    "another name": lambda token: f"/?Token={token}",
    "another separator": lambda token: f"/?a=b;token={token}",
    "an array, as PHP has it": lambda token: f"/?token[]={token}",
    "doubled, the last one empty": lambda token: f"/?token={token}&token=",
    "doubled, the last one forged": lambda token: f"/?token={token}&token=forged",
    "encoded twice": lambda token: f"/?token={token.replace('.', '%252E')}",
    "a plus": lambda token: f"/?token={token}+",
    "a NUL": lambda token: f"/?token={token}%00",
    "no UTF-8": lambda token: "/?token=%ff%fe",
    "a surrogate": lambda token: "/?token=%ed%a0%80",
    "an emoji": lambda token: "/?token=%F0%9F%8E%AE",
    "half a percent": lambda token: f"/?token={token}%",
    "in the fragment of an encoded one": lambda token: f"/?%23token={token}",
    "15 KiB": lambda token: f"/?token={token}{'A' * 15 * 1024}",
    "15 KiB of parameters": lambda token: "/?" + "a&" * 7680,
}


@pytest.mark.parametrize("path", HOSTILE_QUERIES.values(), ids=HOSTILE_QUERIES)
def test_query_refuses(query: Any, tokens: Any, path: Callable[[str], str]) -> None:
    token = tokens.issue("ada")
    status, body, _ = answer(query, path(token))
    assert status == 401
    assert body.startswith("401 Unauthorized: ")
    assert len(body) < 100  # it does not say after them what they say
    assert answer_of_a_game(query, path(token), SPEAKS) == 401
    assert answer(query, f"/?token={token}")[0] == 101


def test_query_takes_percent_encoding(query: Any, tokens: Any) -> None:
    token = "".join(f"%{ord(letter):02X}" for letter in tokens.issue("ada"))
    assert answer(query, f"/?token={token}") == (101, "", "ada")


def test_query_of_two_tokens_takes_the_last(query: Any, tokens: Any) -> None:
    first, last = tokens.issue("ada"), tokens.issue("bob")
    assert answer(query, f"/?token={first}&token={last}") == (101, "", "bob")


def test_query_of_16_kib_is_no_request(query: Any) -> None:
    house = House(on_request=query.on_request)
    peer = house.dial()
    peer.ask("/?token=" + "A" * 16384)
    house.turn(3)
    assert peer.receive_status() == 431


# -- the cookie ------------------------------------------------------------------------------------------------------


def pair_of(set_cookie: str) -> str:
    """What a browser makes of a Set-Cookie header."""
    return set_cookie.partition(";")[0]


def test_cookie_lets_in_until_it_ends(cookie: Any, calendar: Calendar) -> None:
    header = f"Cookie: {pair_of(cookie.sessions.begin('ada'))}"
    for _ in range(2):
        assert answer(cookie, "/", header) == (101, "", "ada")
    assert answer_of_a_game(cookie, "/", SPEAKS, header) == 101
    calendar.now += 3599
    assert answer(cookie, "/", header)[0] == 101
    calendar.now += 1
    assert answer(cookie, "/", header) == (401, "401 Unauthorized: log in first\n", None)


def test_cookie_is_for_nobody_but_the_browser(cookie: Any) -> None:
    header = load("session_cookie").Sessions().begin("ada")
    name, _, attributes = header.partition("=")
    assert name == "__Host-session"
    assert attributes.split("; ")[1:] == ["Path=/", "HttpOnly", "SameSite=Strict", "Secure", "Max-Age=86400"]
    assert "Secure" not in cookie.sessions.begin("ada")


def test_cookie_may_be_set_by_the_answer_of_a_websocket(cookie: Any) -> None:
    house = House(on_request=lambda request: tickws.Accept(headers={"Set-Cookie": cookie.sessions.begin("ada")}))
    peer = house.dial()
    peer.ask()
    house.turn(3)
    [line] = [line for line in peer.receive_head().decode().split("\r\n") if line.lower().startswith("set-cookie: ")]
    assert answer(cookie, "/", f"Cookie: {pair_of(line[12:])}") == (101, "", "ada")


def test_sessions_end(cookie: Any, calendar: Calendar) -> None:
    sessions = cookie.sessions
    headers = [f"Cookie: {pair_of(sessions.begin(name))}" for name in ("ada", "bob")]
    house = House()
    house.peer("/", headers[0])
    [ws] = house.server.connections
    sessions.end(ws.request)
    sessions.end(ws.request)
    assert [answer(cookie, "/", header)[0] for header in headers] == [401, 101]
    calendar.now += 3600
    sessions.begin("cyd")
    assert len(sessions._users) == 1  # who has ended is forgotten when somebody begins
    assert all("session" not in repr(digest) and len(digest) == 32 for digest in sessions._users)


HOSTILE_COOKIES: dict[str, Callable[[str], list[str]]] = {
    "none": lambda value: [],
    "empty": lambda value: ["Cookie:"],
    "no value": lambda value: [f"Cookie: {COOKIE}"],
    "an empty value": lambda value: [f"Cookie: {COOKIE}="],
    "no name": lambda value: [f"Cookie: ={value}", f"Cookie: {value}"],
    "another name": lambda value: [f"Cookie: Session={value}"],
    "doubled, the first one forged": lambda value: [f"Cookie: {COOKIE}=forged; {COOKIE}={value}"],
    "two headers, the first one forged": lambda value: [f"Cookie: {COOKIE}=forged", f"Cookie: {COOKIE}={value}"],
    "commas for semicolons": lambda value: [f"Cookie: a=b, {COOKIE}={value}"],
    "a blank in its name": lambda value: [f"Cookie: {COOKIE} ={value}"],
    "cut": lambda value: [f"Cookie: {COOKIE}={value[:-1]}"],
    "longer": lambda value: [f"Cookie: {COOKIE}={value}A"],
    "in another header": lambda value: [f"Set-Cookie: {COOKIE}={value}"],
    "not ASCII": lambda value: [f"Cookie: {COOKIE}=\xff\xfe{value}"],
    "percent-encoded": lambda value: [f"Cookie: {COOKIE}=%41{value}"],
    "semicolons": lambda value: ["Cookie: " + ";" * 8000],
    "15 KiB": lambda value: [f"Cookie: {COOKIE}={'A' * 15 * 1024}"],
    "the digest in place of the session": lambda value: [
        f"Cookie: {COOKIE}={load('session_cookie').Sessions._digest(value).hex()}"
    ],
}


@pytest.mark.parametrize("headers", HOSTILE_COOKIES.values(), ids=HOSTILE_COOKIES)
def test_cookie_refuses(cookie: Any, headers: Callable[[str], list[str]]) -> None:
    pair = pair_of(cookie.sessions.begin("ada"))
    hostile = headers(pair.partition("=")[2])
    assert answer(cookie, "/", *hostile) == (401, "401 Unauthorized: log in first\n", None)
    assert answer_of_a_game(cookie, "/", SPEAKS, *hostile) == 401
    assert answer(cookie, "/", f"Cookie: {pair}") == (101, "", "ada")


@pytest.mark.parametrize("form", ["{0}", "a=b; {0}; c", "; ;{0}", '{1}="{2}"', "{0}; session=forged", "broken; {0}"])
def test_cookie_among_others(cookie: Any, form: str) -> None:
    pair = pair_of(cookie.sessions.begin("ada"))
    name, _, value = pair.partition("=")
    assert answer(cookie, "/", "Cookie: " + form.format(pair, name, value)) == (101, "", "ada")


ORIGINS = {
    None: 101,  # no browser, so nobody's cookie but its own
    "http://server.example.com": 101,
    "http://server.example.com:8080": 403,
    "https://server.example.com.evil.example": 403,
    "http://evil.example": 403,
    "null": 403,
    "": 403,
}


@pytest.mark.parametrize(("origin", "status"), ORIGINS.items())
def test_cookie_is_taken_from_our_own_pages_alone(cookie: Any, origin: str | None, status: int) -> None:
    headers = [f"Cookie: {pair_of(cookie.sessions.begin('ada'))}"] + [f"Origin: {origin}"] * (origin is not None)
    assert answer(cookie, "/", *headers)[0] == status
    assert answer_of_a_game(cookie, "/", SPEAKS, *headers) == status


# -- the subprotocol -------------------------------------------------------------------------------------------------


def offered(*names: str) -> str:
    return f"Sec-WebSocket-Protocol: {', '.join(names)}"


@pytest.mark.parametrize("order", [1, -1])
def test_subprotocol_lets_in_and_is_not_echoed(subprotocol: Any, tokens: Any, order: int) -> None:
    token = tokens.issue("ada")
    house = House(on_request=subprotocol.on_request, on_open=subprotocol.on_open, subprotocols=["chat.1"])
    peer = house.dial()
    peer.ask("/", offered(*["chat.1", f"token.{token}"][::order]))
    house.turn(3)
    head = peer.receive_head().decode()
    assert head.startswith("HTTP/1.1 101 ")
    assert "Sec-WebSocket-Protocol: chat.1\r\n" in head
    assert token not in head
    assert [ws.data for ws in house.server.connections] == ["ada"]
    said = Table(authenticate=subprotocol.authenticate).ask("/", offered("tickws.1", f"token.{tokens.issue('bob')}"))
    assert b"Sec-WebSocket-Protocol: tickws.1\r\n" in said
    assert b"token" not in said


HOSTILE_OFFERS: dict[str, tuple[int, Callable[[str], list[str]]]] = {
    "none": (400, lambda token: []),
    "an empty one": (400, lambda token: ["Sec-WebSocket-Protocol:"]),
    "the token alone": (400, lambda token: [offered(f"token.{token}")]),
    "no token": (401, lambda token: [offered("chat.1")]),
    "an empty token": (401, lambda token: [offered("chat.1", "token.")]),
    "another name": (401, lambda token: [offered("chat.1", f"Token.{token}")]),
    "no name": (401, lambda token: [offered("chat.1", token)]),
    "two tokens": (401, lambda token: [offered("chat.1", f"token.{token}", "token.forged")]),
    "two tokens in two headers": (401, lambda token: [offered("chat.1", "token.forged"), offered(f"token.{token}")]),
    "the same token twice": (400, lambda token: [offered("chat.1", f"token.{token}", f"token.{token}")]),
    "padded": (400, lambda token: [offered("chat.1", f"token.{token}=")]),
    "base64 that is not for URLs": (400, lambda token: [offered("chat.1", f"token.{token}/+")]),
    "a blank": (400, lambda token: [offered("chat.1", f"token {token}")]),
    "quoted": (400, lambda token: [offered("chat.1", f'token."{token}"')]),
    "not ASCII": (400, lambda token: [offered("chat.1", f"token.\xe9{token}")]),
    "percent-encoded": (401, lambda token: [offered("chat.1", f"token.{token.replace('.', '%2E')}")]),
    "longer": (401, lambda token: [offered("chat.1", f"token.{token}A")]),
    "15 KiB": (401, lambda token: [offered("chat.1", f"token.{'A' * 15 * 1024}")]),
    "16 KiB": (431, lambda token: [offered("chat.1", f"token.{'A' * 16384}")]),
    "1,300 tokens": (401, lambda token: [offered("chat.1", *(f"token.{i}" for i in range(1300)))]),
}


@pytest.mark.parametrize(("status", "headers"), HOSTILE_OFFERS.values(), ids=HOSTILE_OFFERS)
def test_subprotocol_refuses(subprotocol: Any, tokens: Any, status: int, headers: Callable[[str], list[str]]) -> None:
    token = tokens.issue("ada")
    got, body, _ = answer(subprotocol, "/", *headers(token), subprotocols=["chat.1"])
    assert got == status
    assert token not in body
    asked = [line.replace("chat.1", "tickws.1") for line in headers(token)]
    assert answer_of_a_game(subprotocol, "/", *asked) == status
    good = offered("chat.1", f"token.{token}")
    assert answer(subprotocol, "/", good, subprotocols=["chat.1"]) == (101, "", "ada")
