"""HTTP heads in and out: bounds before h11, header fields, answers and requests."""

from collections.abc import Callable

import pytest

from tickws.errors import HTTPFault
from tickws.protocol.http import ClientHTTP, ServerHTTP
from tickws.protocol.limits import Limits

LIMITS = Limits(header_bytes=200, header_count=5)
HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


# The server's side


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", ("GET", "/", b"1.1")),
        (b"POST /x?y HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", ("POST", "/x?y", b"1.1")),
        (b"GET / HTTP/1.0\r\nContent-Length: 000\r\n\r\n", ("GET", "/", b"1.0")),
        (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", ("OPTIONS", "*", b"1.1")),
        (b"GET http://a/x HTTP/1.1\r\nHost: a\r\n\r\n", ("GET", "http://a/x", b"1.1")),
        (b"GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n", ("GET", "/", b"1.1")),
    ],
)
def test_parses_requests(head: bytes, expected: tuple[str, str, bytes]) -> None:
    assert ServerHTTP(LIMITS).parse(head) == expected


@pytest.mark.parametrize(
    "head",
    [
        b"\r\n\r\n",
        b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
        b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/11\r\nHost: a\r\n\r\n",
        b"GET / http/1.1\r\nHost: a\r\n\r\n",
        b"G\x00T / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX\xe9: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"PRI * HTTP/2\r\n\r\n",
        b"\xff\xff\xff\r\n\r\n",
    ],
)
def test_refuses_malformed_requests(head: bytes) -> None:
    http = ServerHTTP(LIMITS)
    with pytest.raises(HTTPFault, match="malformed request") as fault:
        http.parse(head)
    assert fault.value.status == 400
    assert b"".join(http.answer(400, [], b"no")).startswith(b"HTTP/1.1 400 Bad Request\r\n")


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
@pytest.mark.parametrize("announces", ["Content-Length: 5", "Content-Length: 5, 5", "Transfer-Encoding: chunked"])
def test_refuses_requests_with_a_body(method: str, announces: str) -> None:
    http = ServerHTTP(LIMITS)
    with pytest.raises(HTTPFault, match="with a body") as fault:
        http.parse(f"{method} / HTTP/1.1\r\nHost: a\r\n{announces}\r\n\r\n".encode())
    assert fault.value.status == 400
    assert b"".join(http.answer(400, [], b"no")).endswith(b"\r\n\r\n" if method == "HEAD" else b"\r\n\r\nno")


def test_refuses_connect() -> None:
    """It would turn an answer with a body into an error of ours."""
    http = ServerHTTP(LIMITS)
    with pytest.raises(HTTPFault, match="CONNECT"):
        http.parse(b"CONNECT /x HTTP/1.1\r\nHost: a\r\n\r\n")
    assert b"".join(http.answer(400, [], b"no")).endswith(b"\r\n\r\nno")


@pytest.mark.parametrize(
    ("method", "status", "expected"),
    [
        ("GET", 200, b"HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody"),
        ("POST", 499, b"HTTP/1.1 499 \r\nX: y\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody"),
        ("HEAD", 200, b"HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 4\r\nConnection: close\r\n\r\n"),
        ("GET", 204, b"HTTP/1.1 204 No Content\r\nX: y\r\nConnection: close\r\n\r\n"),
        ("GET", 304, b"HTTP/1.1 304 Not Modified\r\nX: y\r\nConnection: close\r\n\r\n"),
        ("HEAD", 304, b"HTTP/1.1 304 Not Modified\r\nX: y\r\nConnection: close\r\n\r\n"),
    ],
)
def test_answers(method: str, status: int, expected: bytes) -> None:
    http = ServerHTTP(LIMITS)
    http.parse(f"{method} / HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    assert b"".join(http.answer(status, [("X", "y")], b"body")) == expected


def test_a_body_is_not_copied() -> None:
    """A file that is sent to many is held once."""
    http = ServerHTTP(LIMITS)
    http.parse(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    body = bytes(100_000)
    assert http.answer(200, [], body)[1] is body


def test_switches() -> None:
    http = ServerHTTP(LIMITS)
    http.parse(b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n")
    assert http.switch([("X", "y")]) == b"HTTP/1.1 101 Switching Protocols\r\nX: y\r\n\r\n"


@pytest.mark.parametrize(
    "misuse",
    [
        lambda http: http.answer(101, [], b""),
        lambda http: http.answer(1000, [], b""),
        lambda http: http.answer(200, [("X", "a\r\nY: b")], b""),
        lambda http: http.answer(200, [("X", "a\0")], b""),
        lambda http: http.answer(200, [("a b", "c")], b""),
        lambda http: http.answer(200, [("X", "é")], b""),
        lambda http: http.answer(200, [("Content-Length", "7")], b"four"),
        lambda http: http.switch([("X", "a\nb")]),
    ],
)
def test_wrong_arguments_raise_and_spoil_nothing(misuse: Callable[[ServerHTTP], bytes]) -> None:
    http = ServerHTTP(LIMITS)
    http.parse(HEAD)
    with pytest.raises(ValueError):
        misuse(http)
    assert b"".join(http.answer(500, [], b"sorry")).endswith(b"sorry")


# The client's side


def test_requests() -> None:
    data = ClientHTTP(LIMITS).request("/x?y", [("Host", "a"), ("X", "y")])
    assert data == b"GET /x?y HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n"


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        ("/a b", [("Host", "a")]),
        ("", [("Host", "a")]),
        ("/\r\n", [("Host", "a")]),
        ("/é", [("Host", "a")]),
        ("/", []),
        ("/", [("Host", "a"), ("host", "b")]),
        ("/", [("Host", "a\r\nX: y")]),
    ],
)
def test_refuses_requests_that_are_no_http(target: str, headers: list[tuple[str, str]]) -> None:
    with pytest.raises(ValueError):
        ClientHTTP(LIMITS).request(target, headers)


def asked() -> ClientHTTP:
    http = ClientHTTP(LIMITS)
    http.request("/", [("Host", "a"), ("Upgrade", "websocket")])
    return http


def test_parses_answers_after_interim_ones() -> None:
    http = asked()
    assert http.parse(b"HTTP/1.1 100 Continue\r\n\r\n") == (100, [])
    assert http.parse(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n") == (103, [(b"link", b"x")])
    assert http.parse(b"HTTP/1.1 101\r\nX: y\r\nx: z\r\n\r\n") == (101, [(b"x", b"y"), (b"x", b"z")])


@pytest.mark.parametrize("status", [200, 204, 301, 401, 404, 426, 500, 599, 999])
def test_parses_refusals(status: int) -> None:
    assert asked().parse(f"HTTP/1.1 {status} No\r\nContent-Length: 5\r\n\r\n".encode())[0] == status


@pytest.mark.parametrize(
    "head",
    [
        b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"HTTP/1.1 099 No\r\n\r\n",
        b"HTTP/1.1 20 No\r\n\r\n",
        b"HTTP/1.1 2000 No\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    ],
)
def test_refuses_malformed_answers(head: bytes) -> None:
    with pytest.raises(HTTPFault, match="malformed answer") as fault:
        asked().parse(head)
    assert fault.value.status == 502
