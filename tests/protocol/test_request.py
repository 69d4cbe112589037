"""What a request tells: target, path, query, headers, cookies, subprotocols; all of it parsed when asked for."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.helpers import UPGRADE, request, without
from tickws.errors import HTTPFault
from tickws.protocol.handshake import check_target, is_target

# The request target (section 4.2.1, item 1; section 3)

TARGETS = [
    ("/", "/", {}),
    ("/chat", "/chat", {}),
    ("/chat?", "/chat", {}),
    ("/chat?a=1&b=2", "/chat", {"a": "1", "b": "2"}),
    ("/chat?a=1&a=2&b", "/chat", {"a": "2", "b": ""}),
    ("/?a=x%20y+z&b=%c3%bc", "/", {"a": "x y z", "b": "ü"}),
    ("/?/..?x=?", "/", {"/..?x": "?"}),
    ("/a%2Fb%20%c3%bc", "/a/b ü", {}),
    ("/%00", "/\0", {}),
    ("/%ff%c3", "/\ufffd\ufffd", {}),
    ("/%", "/%", {}),
    ("/%zz?%zz=%ff", "/%zz", {"%zz": "\ufffd"}),
    ("//x", "//x", {}),
    ("//x/../y", "//x/../y", {}),
    ("/:@;,[]|\\^", "/:@;,[]|\\^", {}),
    ("http://a", "/", {}),
    ("http://a/", "/", {}),
    ("http://a/b?c=d", "/b", {"c": "d"}),
    ("HTTPS://a:1?c=d", "/", {"c": "d"}),
    ("http://[::1", "/", {}),
    ("http://[::1]:80/x", "/x", {}),
    ("http://a@b:c/x", "/x", {}),
]


@pytest.mark.parametrize(("target", "path", "query"), TARGETS)
def test_targets(target: str, path: str, query: dict[str, str]) -> None:
    check_target(target)
    assert is_target(target)
    assert (request(target).path, request(target).query, request(target).target) == (path, query, target)


NO_TARGETS = ["", "*", "x", "?x", "a/b", "a:80", "/#", "/a?b#c", "http://a#b", "http:///x", "http://", "http://?x"]
NO_TARGETS += ["ws://a/", "ftp://a/", "http:a", "http:/a", "httpx://a/"]


@pytest.mark.parametrize("target", NO_TARGETS)
def test_refuses_other_targets(target: str) -> None:
    assert not is_target(target)
    with pytest.raises(HTTPFault, match="neither a path nor an http URL") as fault:
        check_target(target)
    assert fault.value.status == 400


@given(st.lists(st.sampled_from(["http", "https", ":", "/", "//", "?", "#", "%", "=", "&", "[", "a", "%ff"])))
def test_what_passes_as_a_target_can_be_asked_for_its_parts(pieces: list[str]) -> None:
    target = "".join(pieces)
    before, scheme, rest = target.partition("://")
    authority = re.split("[/?]", rest)[0]
    absolute = before in ("http", "https") and scheme and authority
    assert is_target(target) == (bool(absolute or target.startswith("/")) and "#" not in target)
    if is_target(target):
        assert request(target).path.startswith("/")
        assert bool(request(target).query) == bool(re.search("[^&]", target.partition("?")[2]))


# The rest of a request


def test_request_shows_its_headers() -> None:
    shown = request("/x", "GET", UPGRADE | {"Origin": "https://a"}, "X-Twice:1", "x-twice: \t2 ", "X-Latin: \xe9")
    assert shown.origin == "https://a"
    assert shown.headers["HOST"] == "server.example.com"
    assert shown.headers["x-twice"] == "1, 2"
    assert shown.headers["x-latin"] == "é"
    assert len(shown.headers) == 8
    assert (request().origin, request().remote_address) == (None, None)
    assert repr(shown) == "<Request GET /x>"


@pytest.mark.parametrize(
    ("fields", "cookies"),
    [
        ([], {}),
        (["Cookie: a=1"], {"a": "1"}),
        (['Cookie: a=1; b="two"; a=3;c=x=y'], {"a": "1", "b": "two", "c": "x=y"}),
        (["Cookie: a=1", "cookie: b=2; a=4"], {"a": "1", "b": "2"}),
        (["Cookie: nonsense; ; =x; b="], {"": "x", "b": ""}),
        (["Cookie:"], {}),
    ],
)
def test_cookies(fields: list[str], cookies: dict[str, str]) -> None:
    assert request("/", "GET", UPGRADE, *fields).cookies == cookies


@pytest.mark.parametrize(
    ("fields", "offered"),
    [
        ([], ()),
        (["Sec-WebSocket-Protocol: chat"], ("chat",)),
        (["Sec-WebSocket-Protocol: a, b ,c"], ("a", "b", "c")),
        (["Sec-WebSocket-Protocol: b", "sec-websocket-protocol: a"], ("b", "a")),
    ],
)
def test_subprotocols_in_the_client_s_order(fields: list[str], offered: tuple[str, ...]) -> None:
    """Sections 1.9 and 11.3.4: the header may be split over several lines."""
    assert request("/", "GET", UPGRADE, *fields).subprotocols == offered


@pytest.mark.parametrize(
    ("value", "asks"),
    [
        ("websocket", True),
        ("WebSocket", True),
        ("h2c, websocket", True),
        ("websocket/13", False),
        ("h2c", False),
        ("", False),
        ("websockets", False),
    ],
)
def test_upgrade(value: str, asks: bool) -> None:
    """Section 4.2.1, item 3."""
    assert request(headers=UPGRADE | {"Upgrade": value}).upgrade is asks
    assert not request(headers=without("Upgrade")).upgrade


@pytest.mark.parametrize(
    ("origin", "same"),
    [
        (None, True),
        ("http://server.example.com", True),
        ("https://SERVER.example.COM", True),
        ("http://server.example.com:80", False),
        ("http://example.com", False),
        ("http://server.example.com.evil.example", False),
        ("null", False),
        ("server.example.com", False),
        ("", False),
    ],
)
def test_same_origin(origin: str | None, same: bool) -> None:
    """Section 10.2; who is no page has none."""
    assert request(headers=UPGRADE if origin is None else UPGRADE | {"Origin": origin}).same_origin is same


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        ("https://game.example", "game.example:443", True),
        ("http://game.example", "game.example:80", True),
        ("https://game.example:8443", "game.example:8443", True),
        ("http://[::1]:8056", "[::1]:8056", True),
        ("http://game.example", "game.example:443", False),
        ("https://game.example", "game.example:80", False),
        ("https://game.example", "game.example:4433", False),
        ("https://game.example:8443", "game.example", False),
        ("null", "", False),
        ("null", ":80", False),
        ("file://", "", False),
        ("http://", ":80", False),
        ("chrome-extension://game.example", "game.example", False),
    ],
)
def test_same_origin_knows_the_ports_that_schemes_imply(origin: str, host: str, same: bool) -> None:
    assert request(headers=UPGRADE | {"Host": host, "Origin": origin}).same_origin is same


def test_a_page_without_tls_is_another_origin_than_a_server_with_it() -> None:
    """Whoever stands between can write such a page."""
    for origin, same in (("https://server.example.com", True), ("http://server.example.com", False)):
        asked = request(headers=UPGRADE | {"Origin": origin})
        asked.secure = True
        assert asked.same_origin is same


def test_data_is_the_programs_own() -> None:
    asked = request()
    assert asked.data is None
    asked.data = {"user": "ada"}
    assert asked.data == {"user": "ada"}
    with pytest.raises(AttributeError):
        asked.user = "ada"  # type: ignore[attr-defined]
