"""The opening handshake through a connection: what is given out, what goes on the wire, what the frames behind mean."""

import tracemalloc

import pytest

from tests.protocol.helpers import (
    BINARY,
    MASK,
    PING,
    TEXT,
    UPGRADE,
    Heard,
    answer_head,
    asked,
    feed,
    frame,
    hear,
    new,
    pull,
    request_head,
    right_accept,
)
from tickws.errors import UsageError
from tickws.protocol.connection import Connection, Role, State
from tickws.protocol.events import Failed, Opened, Ping
from tickws.protocol.handshake import Accept, Reject, Request
from tickws.protocol.limits import Limits

GET = "GET / HTTP/1.1"
HOST = {"Host": "a"}


def requested(head: bytes) -> tuple[Connection, Request]:
    connection = new(Role.SERVER)
    connection.receive(head)
    request = connection.next_event()
    assert isinstance(request, Request)
    assert connection.state is State.REQUESTED
    assert connection.next_event() is None
    return connection, request


def wire(connection: Connection) -> bytes:
    return b"".join(connection.data_to_send())


# Server

REFUSED = [
    ("not GET", request_head("POST /chat HTTP/1.1"), 405, "a WebSocket handshake is a GET"),
    ("HTTP/1.0", request_head("GET /chat HTTP/1.0"), 400, "a WebSocket handshake needs HTTP/1.1"),
    ("no host", request_head("GET / HTTP/1.1", {"X": "y"}), 400, "malformed request"),
    ("HTTP/2, no host", request_head("GET / HTTP/2.0", UPGRADE | {"Host": ""}), 400, "the header Host is missing"),
    ("version 8", request_head(headers=UPGRADE | {"Sec-WebSocket-Version": "8"}), 426, "WebSocket version 13 is"),
    ("bad key", request_head(headers=UPGRADE | {"Sec-WebSocket-Key": "x"}), 400, "Sec-WebSocket-Key is not"),
    ("OPTIONS *", request_head("OPTIONS * HTTP/1.1"), 400, "the request target is neither"),
    ("fragment", request_head("GET /#x HTTP/1.1"), 400, "the request target is neither"),
    ("CONNECT", request_head("CONNECT /x HTTP/1.1"), 400, "CONNECT is for proxies"),
    ("proxy", request_head("CONNECT a:80 HTTP/1.1"), 400, "CONNECT is for proxies"),
    ("body", request_head(GET, UPGRADE | {"Content-Length": "5"}) + b"12345", 400, "requests with a body"),
    ("chunks", request_head(GET, UPGRADE | {"Transfer-Encoding": "chunked"}), 400, "requests with a body"),
    ("folded", request_head(GET, UPGRADE, " more"), 400, "folded header line"),
    ("line feeds", b"GET / HTTP/1.1\nHost: a\n\n\r\n\r\n", 400, "bare line feed"),
    ("TLS", bytes.fromhex("16030100f1010000ed0303"), 400, "this port speaks ws:// and http://, not TLS"),
    ("blank line", b"\r\n\r\n", 400, "malformed request"),
    ("garbage", bytes(range(128, 256)) + b"\r\n\r\n", 400, "malformed request"),
    ("HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "the request target is neither"),
    ("many headers", request_head(GET, HOST, *["X: y"] * 64), 431, "more than 64 header lines"),
]


@pytest.mark.parametrize(("head", "status", "reason"), [pytest.param(*row[1:], id=row[0]) for row in REFUSED])
def test_server_refuses_with_a_status_and_says_why(head: bytes, status: int, reason: str) -> None:
    heard = feed(lambda: new(Role.SERVER), head, eof=True, points=40)
    (event,) = heard.events
    assert isinstance(event, Failed)
    assert event.status == status
    assert event.reason.startswith(reason)
    answer, _, body = heard.wire.decode().partition("\r\n\r\n")
    assert answer.startswith(f"HTTP/1.1 {status} ")
    assert "\r\nConnection: close" in answer
    assert reason in body
    assert ("\r\nAllow: GET\r\n" in answer) == (status == 405)
    assert ("\r\nSec-WebSocket-Version: 13\r\n" in answer) == (status == 426)


@pytest.mark.parametrize("more", [["Content-Length: 5"], ["Transfer-Encoding: chunked"]])
def test_server_refuses_a_head_request_without_a_body(more: list[str]) -> None:
    """A body in the answer would be an error of h11's, which a peer must not be able to cause."""
    heard = feed(lambda: new(Role.SERVER), request_head("HEAD / HTTP/1.1", HOST, *more), points=20)
    assert heard.events == [Failed(400, "requests with a body are not served")]
    assert heard.wire.endswith(b"\r\n\r\n")


def padded(size: int) -> bytes:
    """An upgrade request of so many bytes."""
    return request_head(GET, UPGRADE, "X: " + "y" * (size - len(request_head(GET, UPGRADE, "X: "))))


@pytest.mark.parametrize(("size", "fits"), [(399, True), (400, True), (401, False), (402, False)])
def test_server_counts_header_bytes(size: int, fits: bool) -> None:
    heard = feed(lambda: new(Role.SERVER, Limits(header_bytes=400)), padded(size), points=40)
    assert len(padded(size)) == size
    if fits:
        assert isinstance(heard.events[0], Request)
    else:
        assert heard.events == [Failed(431, "header above 400 bytes", "header_bytes")]


@pytest.mark.parametrize(("count", "fits"), [(64, True), (65, False), (66, False)])
def test_server_counts_headers(count: int, fits: bool) -> None:
    (event,) = feed(lambda: new(Role.SERVER), request_head(GET, HOST, *["X: y"] * (count - 1)), points=20).events
    assert isinstance(event, Request) == fits
    assert fits or event == Failed(431, "more than 64 header lines", "header_count")


@pytest.mark.parametrize("content_length", ["0", "00", "0, 0"])
def test_server_takes_an_empty_body(content_length: str) -> None:
    head = request_head(headers=UPGRADE | {"Content-Length": content_length})
    assert isinstance(feed(lambda: new(Role.SERVER), head, points=20).events[0], Request)


@pytest.mark.parametrize("target", ["http://[::1", "//x", "/%00", "/%ff%fe?%ff=%c3", "http://a", "/" + "a" * 9000])
def test_server_gives_out_nasty_targets(target: str) -> None:
    heard = feed(lambda: new(Role.SERVER), request_head(f"GET {target} HTTP/1.1"), points=10)
    (event,) = heard.events
    assert isinstance(event, Request)
    assert (event.target, event.path[:1], event.upgrade) == (target, "/", True)
    assert isinstance(event.query, dict)


def test_server_accepts_and_reads_the_frames_behind_the_head() -> None:
    frames = frame(TEXT, b"early", mask=MASK) + frame(PING, b"?", mask=MASK)
    whole = request_head() + frames
    for cut in range(len(request_head()), len(whole) + 1):
        connection, request = requested(whole[:cut])
        connection.receive(whole[cut:])
        assert connection.accept(request) is None
        assert connection.state is State.OPEN
        assert wire(connection).startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
        assert pull(connection) == ["early", Ping(b"?")]


def test_server_accepts_with_a_subprotocol_and_headers() -> None:
    connection, request = requested(request_head(headers=UPGRADE | {"Sec-WebSocket-Protocol": "a, b"}))
    for wrong in (Accept("c"), Accept(headers={"X": "é"})):
        with pytest.raises(ValueError):
            connection.accept(request, wrong)
    assert connection.state is State.REQUESTED
    assert connection.data_to_send() == []
    assert connection.accept(request, Accept(headers={"X": "y"}), supported=["c", "b"]) == "b"
    assert b"Sec-WebSocket-Protocol: b\r\nX: y\r\n" in wire(connection)


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (Reject(), "404 Not Found", "404 Not Found\n"),
        (Reject(503, "full", {"Retry-After": "9"}), "503 Service Unavailable", "full"),
        (Reject(403, b"\x00\x01"), "403 Forbidden", "\x00\x01"),
        (Reject(499), "499 ", "499\n"),
        (Reject(304), "304 Not Modified", ""),
    ],
)
@pytest.mark.parametrize("head", [request_head(), request_head("POST / HTTP/1.1", HOST)])
def test_server_rejects(answer: Reject, status: str, body: str, head: bytes) -> None:
    connection, _ = requested(head + frame(TEXT, b"never heard", mask=MASK))
    connection.reject(answer)
    head_sent, _, body_sent = wire(connection).decode().partition("\r\n\r\n")
    assert (head_sent.split("\r\n")[0], body_sent) == (f"HTTP/1.1 {status}", body)
    assert "\r\nConnection: close" in head_sent
    assert ("\r\nRetry-After: 9" in head_sent) == (answer.status == 503)
    assert (connection.state, connection.close_expected(), pull(connection)) == (State.CLOSED, True, [])


def test_server_answers_plain_requests() -> None:
    connection, request = requested(request_head("GET /tickws.js HTTP/1.1", HOST))
    with pytest.raises(UsageError, match="a plain HTTP request"):
        connection.accept(request)
    with pytest.raises(ValueError):
        connection.answer(200, [("X", "a\r\nb")], "")
    connection.answer(200, [("Content-Type", "text/javascript")], "export {}")
    assert wire(connection).endswith(
        b"Content-Type: text/javascript\r\nContent-Length: 9\r\nConnection: close\r\n\r\nexport {}"
    )
    assert connection.close_expected()


@pytest.mark.parametrize("let_in", [True, False])
def test_what_came_before_the_answer_is_not_held_after_it(let_in: bool) -> None:
    connection, request = requested(request_head())
    tracemalloc.start()
    try:
        connection.receive(frame(BINARY, bytes(100_000), mask=MASK))
        if let_in:
            connection.accept(request)
        else:
            connection.reject(Reject())
        assert len(pull(connection)) == let_in
        connection.data_to_send()
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 20_000


# Client


def test_client_asks_with_a_nonce_of_its_source() -> None:
    connection = new(Role.CLIENT, mask_source=lambda size: b"the sample nonce"[:size])
    connection.request("a:1", "/x?y", subprotocols=["chat"], origin="http://b", headers={"X": "y"})
    assert wire(connection) == (
        b"GET /x?y HTTP/1.1\r\nHost: a:1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Protocol: chat\r\nOrigin: http://b\r\nX: y\r\n\r\n"
    )
    assert connection.next_event() is None


@pytest.mark.parametrize("target", ["x", "/ ", "/#a", ""])
def test_client_may_ask_again_after_a_wrong_argument(target: str) -> None:
    connection = new(Role.CLIENT)
    with pytest.raises(ValueError):
        connection.request("a", target)
    assert connection.data_to_send() == []
    connection.request("a", "/")
    assert wire(connection).startswith(b"GET / HTTP/1.1\r\nHost: a\r\n")


ACCEPTED = right_accept(asked())
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"


def waiting(limits: Limits | None = None) -> Connection:
    """A client that has sent its request; its key is the same each time."""
    connection = asked(limits or Limits())
    assert right_accept(connection) == ACCEPTED
    return connection


@pytest.mark.parametrize("interim", [b"", INTERIM])
@pytest.mark.parametrize(("more", "chosen"), [([], None), (["Sec-WebSocket-Protocol: superchat"], "superchat")])
def test_client_is_let_in_and_reads_the_frames_behind_the_head(
    interim: bytes, more: list[str], chosen: str | None
) -> None:
    heard = feed(waiting, interim + answer_head(ACCEPTED, *more) + frame(TEXT, b"early") + frame(PING))
    opening, *rest = heard.events
    assert isinstance(opening, Opened)
    assert opening.subprotocol == chosen
    assert (opening.headers["upgrade"], "link" in opening.headers) == ("websocket", False)
    assert rest == ["early", Ping(b"")]
    assert [(sent.payload, sent.masked) for sent in heard.frames] == [(b"", True)]


TURNED_AWAY = [
    ("404", b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", 404, "the server answered with HTTP status 404"),
    ("301", b"HTTP/1.1 301 Moved\r\nLocation: /\r\n\r\n", 301, "the server answered with HTTP status 301"),
    ("200 after interim", INTERIM + b"HTTP/1.1 200 OK\r\n\r\n", 200, "the server answered with HTTP status 200"),
    ("accept", answer_head("x" * 28), 101, "the answer's Sec-WebSocket-Accept does not match"),
    ("extension", answer_head(ACCEPTED, "Sec-WebSocket-Extensions: x"), 101, "the server chose an extension"),
    ("subprotocol", answer_head(ACCEPTED, "Sec-WebSocket-Protocol: x"), 101, "the server chose the subprotocol 'x'"),
    ("not HTTP", b"SSH-2.0\r\n\r\n", 502, "malformed answer"),
    ("a request", request_head(), 502, "malformed answer"),
    ("folded", answer_head(ACCEPTED, " x"), 400, "folded header line"),
    ("many headers", answer_head(ACCEPTED, *["X: y"] * 62), 431, "more than 64 header lines"),
]


@pytest.mark.parametrize(("data", "status", "reason"), [pytest.param(*row[1:], id=row[0]) for row in TURNED_AWAY])
def test_client_is_turned_away(data: bytes, status: int, reason: str) -> None:
    """Section 4.1; a client has nothing to say to that."""
    heard = feed(waiting, data, eof=True, points=40)
    (event,) = heard.events
    assert isinstance(event, Failed)
    assert (event.status, event.reason[: len(reason)], heard.wire) == (status, reason, b"")


def test_client_counts_header_bytes_of_each_head() -> None:
    head = answer_head(ACCEPTED)
    limits = Limits(header_bytes=len(head))
    many = INTERIM * 20 + head  # each fits
    assert isinstance(feed(lambda: waiting(limits), many, points=20).events[0], Opened)
    over = feed(lambda: waiting(limits), answer_head(ACCEPTED + " "), points=20)
    assert over.events == [Failed(431, f"header above {len(head)} bytes", "header_bytes")]
    endless = feed(lambda: waiting(limits), b"x" * (len(head) + 1), points=20)
    assert endless.events == over.events


def test_what_a_client_gets_before_it_asks_is_ignored() -> None:
    connection = new(Role.CLIENT)
    assert hear(connection, [b"HTTP/1.1 404 Not Found\r\n\r\n"]).events == []
    connection.request("a", "/")
    connection.receive(answer_head(right_accept(connection)))
    assert isinstance(connection.next_event(), Opened)


# Both


def test_two_connections_of_ours_meet() -> None:
    client, server = asked(), new(Role.SERVER)
    server.receive(wire(client))
    (request,) = pull(server)
    assert isinstance(request, Request)
    assert (request.path, request.subprotocols) == ("/chat", ("chat", "superchat"))
    assert server.accept(request, supported=("superchat",)) == "superchat"
    client.receive(wire(server))
    (opening,) = pull(client)
    assert isinstance(opening, Opened)
    assert opening.subprotocol == "superchat"
    client.send("hi")
    server.receive(wire(client))
    assert pull(server) == ["hi"]


def test_a_closed_handshake_keeps_nothing_and_says_nothing() -> None:
    connection = new(Role.SERVER)
    (failed,) = hear(connection, [b"\x16\x03\x01"]).events
    assert isinstance(failed, Failed)
    assert hear(connection, [request_head(), b"more"], eof=True) == Heard([], b"")
    assert (connection.state, connection.close_expected()) == (State.CLOSED, True)
