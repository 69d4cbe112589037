"""The opening handshake clause by clause (RFC 6455 sections 4.1 and 4.2), and what a request tells."""

import base64
from typing import Any

import pytest

from tests.protocol.helpers import ACCEPT, KEY, UPGRADE, request, without
from tickws.errors import HTTPFault
from tickws.protocol.handshake import (
    Accept,
    Reject,
    accept_key,
    check_response,
    check_tokens,
    check_upgrade,
    client_headers,
    server_headers,
)
from tickws.protocol.http import Headers

# The client's half (section 4.2.1)


@pytest.mark.parametrize(
    "headers",
    [
        UPGRADE,
        UPGRADE | {"Connection": "keep-alive, UPGRADE"},
        UPGRADE | {"Sec-WebSocket-Key": base64.b64encode(bytes(16)).decode()},
        UPGRADE | {"Origin": "null"},
        UPGRADE | {"Sec-WebSocket-Protocol": "a,b , !#$%&'*+-.^_`|~09azAZ"},
        UPGRADE | {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"},
    ],
)
@pytest.mark.parametrize("version", [b"1.1", b"1.2", b"2.0"])
def test_takes_valid_handshakes(headers: dict[str, str], version: bytes) -> None:
    assert check_upgrade(request(headers=headers), version) == headers["Sec-WebSocket-Key"]


@pytest.mark.parametrize("method", ["POST", "HEAD", "OPTIONS", "get"])
def test_refuses_other_methods(method: str) -> None:
    """Item 1: a GET."""
    with pytest.raises(HTTPFault) as fault:
        check_upgrade(request(method=method), b"1.1")
    assert (fault.value.status, fault.value.headers) == (405, (("Allow", "GET"),))


@pytest.mark.parametrize("version", [b"0.9", b"1.0"])
def test_refuses_old_http(version: bytes) -> None:
    """Item 1: HTTP/1.1 or higher."""
    with pytest.raises(HTTPFault, match=r"needs HTTP/1\.1") as fault:
        check_upgrade(request(), version)
    assert fault.value.status == 400


@pytest.mark.parametrize("version", ["", "0", "8", "12", "14", "013", "13x", "x" * 1000, "13;x"])
def test_refuses_other_versions_and_names_its_own(version: str) -> None:
    """Item 6 and section 4.2.2, item 4."""
    with pytest.raises(HTTPFault, match="WebSocket version 13") as fault:
        check_upgrade(request(headers=UPGRADE | {"Sec-WebSocket-Version": version}), b"1.1")
    assert (fault.value.status, dict(fault.value.headers)) == (
        426,
        {"Upgrade": "websocket", "Sec-WebSocket-Version": "13"},
    )
    assert len(fault.value.reason) < 100


def replaced(name: str, value: str) -> tuple[dict[str, str], list[str]]:
    return UPGRADE | {name: value}, []


BAD_KEY = "Sec-WebSocket-Key is not the base64 of 16 bytes"
CLAUSES = [
    ("2 host missing", (without("Host"), []), "Host is missing"),
    ("2 host empty", replaced("Host", ""), "Host is missing"),
    ("4 connection missing", (without("Connection"), []), "Connection header"),
    ("4 connection other", replaced("Connection", "keep-alive"), "Connection header"),
    ("4 connection joined", replaced("Connection", "keep-alive Upgrade"), "Connection header"),
    ("4 connection malformed", replaced("Connection", "Upgrade, a;b"), "Connection header"),
    ("3 upgrade malformed", replaced("Upgrade", "websocket, ("), "Upgrade header is malformed"),
    ("5 key missing", (without("Sec-WebSocket-Key"), []), "Key is missing"),
    ("5 key twice", (UPGRADE, [f"Sec-WebSocket-Key: {KEY}"]), "more than one Sec-Websocket-Key"),
    ("5 key empty", replaced("Sec-WebSocket-Key", ""), BAD_KEY),
    ("5 key of 15 bytes", replaced("Sec-WebSocket-Key", base64.b64encode(bytes(15)).decode()), BAD_KEY),
    ("5 key of 17 bytes", replaced("Sec-WebSocket-Key", base64.b64encode(bytes(17)).decode()), BAD_KEY),
    ("5 key unpadded", replaced("Sec-WebSocket-Key", KEY.rstrip("=")), BAD_KEY),
    ("5 key with a space", replaced("Sec-WebSocket-Key", KEY[:4] + " " + KEY[4:]), BAD_KEY),
    ("5 key no base64", replaced("Sec-WebSocket-Key", "!" + KEY[1:]), BAD_KEY),
    ("5 key not ASCII", replaced("Sec-WebSocket-Key", "é" + KEY[1:]), BAD_KEY),
    ("6 version missing", (without("Sec-WebSocket-Version"), []), "Version is missing"),
    ("6 version twice", (UPGRADE, ["Sec-WebSocket-Version: 13"]), "more than one Sec-Websocket-Version"),
    ("6 versions", replaced("Sec-WebSocket-Version", "13, 8"), "more than one Sec-Websocket-Version"),
    ("7 origin twice", (UPGRADE, ["Origin: a", "Origin: b"]), "more than one Origin"),
    ("8 protocol empty", replaced("Sec-WebSocket-Protocol", ""), "distinct tokens"),
    ("8 protocol no token", replaced("Sec-WebSocket-Protocol", "a, b c"), "distinct tokens"),
    ("8 protocol not ASCII", replaced("Sec-WebSocket-Protocol", "é"), "distinct tokens"),
    ("8 protocol repeated", replaced("Sec-WebSocket-Protocol", "a, b, a"), "distinct tokens"),
    ("8 protocol in two lines", (UPGRADE, ["Sec-WebSocket-Protocol: a"] * 2), "distinct tokens"),
]


@pytest.mark.parametrize(("fields", "reason"), [pytest.param(*row[1:], id=row[0]) for row in CLAUSES])
def test_refuses_what_breaks_a_clause(fields: tuple[dict[str, str], list[str]], reason: str) -> None:
    """Named by the item of section 4.2.1; the protocol by section 4.1, item 10."""
    headers, more = fields
    with pytest.raises(HTTPFault, match=reason) as fault:
        check_upgrade(request("/", "GET", headers, *more), b"1.1")
    assert fault.value.status == 400


def test_accept_key_is_that_of_the_rfc() -> None:
    """Section 1.3."""
    assert accept_key(KEY) == ACCEPT


def test_server_headers() -> None:
    """Section 4.2.2, item 5: no extensions, and a subprotocol only where there is one."""
    ours = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", ACCEPT)]
    assert server_headers(KEY, None, {"X": "y"}) == [*ours, ("X", "y")]
    assert server_headers(KEY, "chat", [("X", "y")]) == [*ours, ("Sec-WebSocket-Protocol", "chat"), ("X", "y")]


# The client's request (section 4.1)


def test_client_headers() -> None:
    ours = {name: UPGRADE[name] for name in UPGRADE}
    assert dict(client_headers("server.example.com", KEY, (), None, ())) == ours
    assert dict(client_headers("server.example.com", KEY, ["a", "b"], "o", {"X": "y"})) == ours | {
        "Sec-WebSocket-Protocol": "a, b",
        "Origin": "o",
        "X": "y",
    }


@pytest.mark.parametrize("subprotocols", ["chat", ["a", "a"], [""], ["a b"], ["a,b"], ["é"], ["a\n"], ["a", '"']])
def test_client_refuses_wrong_subprotocols(subprotocols: list[str]) -> None:
    with pytest.raises(ValueError, match="subprotocol"):
        client_headers("a", KEY, subprotocols, None, ())


OURS = ["Connection", "CONTENT-LENGTH", "Transfer-Encoding", "upgrade", "Sec-WebSocket-Accept"]
OURS += ["Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol"]


@pytest.mark.parametrize("name", [*OURS, "Host", "sec-websocket-key", "Sec-WebSocket-Version", "origin"])
def test_client_refuses_headers_that_the_handshake_sets(name: str) -> None:
    with pytest.raises(ValueError, match=f"the header {name} is set by tickws"):
        client_headers("a", KEY, (), "http://b", [("X", "y"), (name, "x")])


def test_check_tokens_names_the_wrong_one() -> None:
    check_tokens(["a", "b"])
    with pytest.raises(ValueError, match="'b c' is no subprotocol name"):
        check_tokens(["a", "b c"])


# The server's half (section 4.1, "the client MUST validate the server's response")

AGREED = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": ACCEPT}


def answer(headers: dict[str, str]) -> Headers:
    return Headers((name.encode(), value.encode()) for name, value in headers.items())


@pytest.mark.parametrize(
    ("more", "chosen"),
    [
        ({}, None),
        ({"Upgrade": "WebSocket", "Connection": "x, upgrade"}, None),
        ({"Sec-WebSocket-Protocol": "chat"}, "chat"),
        ({"Sec-WebSocket-Extensions": ""}, None),
    ],
)
def test_takes_valid_answers(more: dict[str, str], chosen: str | None) -> None:
    assert check_response(101, answer(AGREED | more), KEY, ["x", "chat"]) == chosen


@pytest.mark.parametrize(
    ("status", "more", "reason"),
    [
        (200, {}, "HTTP status 200"),
        (404, {}, "HTTP status 404"),
        (101, {"Upgrade": ""}, "Upgrade header"),
        (101, {"Upgrade": "websocket, h2c"}, "Upgrade header"),
        (101, {"Connection": "close"}, "Connection header"),
        (101, {"Connection": ""}, "Connection header"),
        (101, {"Connection": "Upgrade, a;b"}, "Connection header"),
        (101, {"Sec-WebSocket-Accept": ""}, "Sec-WebSocket-Accept"),
        (101, {"Sec-WebSocket-Accept": ACCEPT.lower()}, "Sec-WebSocket-Accept"),
        (101, {"Sec-WebSocket-Accept": f"{ACCEPT}, {ACCEPT}"}, "Sec-WebSocket-Accept"),
        (101, {"Sec-WebSocket-Protocol": "other"}, "subprotocol 'other'"),
        (101, {"Sec-WebSocket-Protocol": "Chat"}, "subprotocol 'Chat'"),
        (101, {"Sec-WebSocket-Protocol": "x, chat"}, "subprotocol 'x, chat'"),
        (101, {"Sec-WebSocket-Protocol": ""}, "subprotocol ''"),
    ],
)
def test_refuses_answers_that_break_a_clause(status: int, more: dict[str, str], reason: str) -> None:
    with pytest.raises(HTTPFault, match=reason) as fault:
        check_response(status, answer(AGREED | more), KEY, ["x", "chat"])
    assert fault.value.status == status


@pytest.mark.parametrize("missing", list(AGREED))
def test_refuses_answers_that_lack_a_header(missing: str) -> None:
    headers = {name: value for name, value in AGREED.items() if name != missing}
    with pytest.raises(HTTPFault, match=missing):
        check_response(101, answer(headers), KEY, ())


# Accept and Reject


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("make", [Accept, Reject])
def test_answers_refuse_headers_that_are_ours(make: Any, name: str) -> None:
    with pytest.raises(ValueError, match=f"the header {name} is set by tickws"):
        make(headers={name: "x"})
    with pytest.raises(ValueError, match=f"the header {name} is set by tickws"):
        make(headers=[("X", "y"), (name, "x")])
    assert make(headers={"Set-Cookie": "a=b"}).headers == {"Set-Cookie": "a=b"}


@pytest.mark.parametrize("status", [300, 404, 599])
def test_reject_takes_refusals(status: int) -> None:
    assert Reject(status).status == status
    assert (Reject().status, Reject().body) == (404, "")


@pytest.mark.parametrize("status", [0, 101, 200, 299, 600, -404])
def test_reject_takes_nothing_else(status: int) -> None:
    with pytest.raises(ValueError, match=f"from 300 to 599, not {status}"):
        Reject(status)


@pytest.mark.parametrize("body", [{"error": 1}, None, 5, bytearray(b"x")])
def test_a_refusals_body_is_text_or_bytes(body: object) -> None:
    """Found where it is made: in the middle of an answer it could not be said any more."""
    with pytest.raises(TypeError, match="the body of a refusal is str or bytes"):
        Reject(403, body)  # type: ignore[arg-type]
