"""The opening handshake on bytes: what is given out, what is answered, what is left for the frames."""

import pytest

from tests.protocol.helpers import ACCEPT, DEFAULTS, KEY, UPGRADE, answer_head, cuts, request_head
from tickws.errors import HTTPFault, UsageError
from tickws.protocol.events import Opened
from tickws.protocol.handshake import Accept, Request
from tickws.protocol.opening import ClientOpening, ServerOpening, status_text

OFFER = UPGRADE | {"Sec-WebSocket-Protocol": "chat, superchat"}


def requested(head: bytes) -> tuple[ServerOpening, Request]:
    opening = ServerOpening(DEFAULTS)
    request = opening.receive(head)
    assert request is not None
    return opening, request


def asked(*subprotocols: str) -> ClientOpening:
    opening = ClientOpening(DEFAULTS, KEY)
    opening.request("a", "/", subprotocols, None, ())
    return opening


# Server


@pytest.mark.parametrize("rest", [b"", b"\x81\x80abcd", b"\r\n\r\n"])
def test_server_gives_the_request_and_keeps_the_frames_behind_it(rest: bytes) -> None:
    *early, last = request_head()
    for chunks in cuts(bytes(early), points=40):
        opening = ServerOpening(DEFAULTS)
        assert [opening.receive(chunk) for chunk in chunks] == [None] * len(chunks)
        found = opening.receive(bytes([last]) + rest)
        assert found is not None
        assert (found.method, found.target, found.upgrade) == ("GET", "/chat", True)
        assert opening.rest == rest


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (request_head("GET /chat#x HTTP/1.1"), 400),
        (request_head("POST /chat HTTP/1.1"), 405),
        (request_head("GET /chat HTTP/1.0"), 400),
        (request_head(headers=UPGRADE | {"Sec-WebSocket-Version": "8"}), 426),
        (b"nonsense\r\n\r\n", 400),
        (b"\x16\x03\x01", 400),
    ],
)
def test_server_refuses_and_can_say_so(head: bytes, status: int) -> None:
    opening = ServerOpening(DEFAULTS)
    with pytest.raises(HTTPFault) as fault:
        opening.receive(head)
    assert fault.value.status == status
    assert b"".join(opening.answer(status, fault.value.headers, "no")).startswith(f"HTTP/1.1 {status} ".encode())


@pytest.mark.parametrize("line", ["GET / HTTP/1.1", "HEAD / HTTP/1.0", "POST /x HTTP/1.1"])
def test_server_gives_plain_requests_but_does_not_accept_them(line: str) -> None:
    opening, request = requested(request_head(line, {"Host": "a"}))
    assert not request.upgrade
    with pytest.raises(UsageError, match="a plain HTTP request cannot be accepted"):
        opening.accept(request, Accept(), ())
    assert b" 404 " in opening.answer(404, (), "no")[0]


def test_server_accepts() -> None:
    """The example of section 1.3."""
    opening, request = requested(request_head())
    assert opening.accept(request, Accept(headers={"X-Game": "pong"}), ("chat",)) == (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + ACCEPT.encode() + b"\r\nX-Game: pong\r\n\r\n",
        None,
    )


@pytest.mark.parametrize(
    ("chosen", "supported", "expected"),
    [
        (None, (), None),
        (None, ("other",), None),
        (None, ("superchat",), "superchat"),
        (None, ("superchat", "chat"), "chat"),  # the client's preference decides
        ("superchat", (), "superchat"),
        ("superchat", ("chat",), "superchat"),
    ],
)
def test_server_chooses_a_subprotocol(chosen: str | None, supported: tuple[str, ...], expected: str | None) -> None:
    opening, request = requested(request_head(headers=OFFER))
    data, subprotocol = opening.accept(request, Accept(chosen), supported)
    assert subprotocol == expected
    line = f"\r\nSec-WebSocket-Protocol: {expected}\r\n".encode()
    assert (line in data) == (expected is not None)
    assert data.lower().count(b"sec-websocket-protocol") == (expected is not None)


@pytest.mark.parametrize("answer", [Accept("other"), Accept("CHAT"), Accept(""), Accept(headers=[("X", "a\r\nb")])])
def test_server_refuses_wrong_answers_and_can_still_give_another(answer: Accept) -> None:
    opening, request = requested(request_head(headers=OFFER))
    with pytest.raises(ValueError):
        opening.accept(request, answer, ("chat",))
    assert opening.accept(request, Accept(), ("chat",))[1] == "chat"


@pytest.mark.parametrize(
    ("headers", "body", "kind"),
    [
        ((), "grün", b"text/plain; charset=utf-8"),
        ((), b"\xff\xfe", b"application/octet-stream"),
        ([("content-type", "text/html")], "x", b"text/html"),
    ],
)
def test_answers_say_what_they_are(headers: list[tuple[str, str]], body: str | bytes, kind: bytes) -> None:
    opening, _ = requested(request_head("GET / HTTP/1.1", {"Host": "a"}))
    head, _, content = b"".join(opening.answer(200, headers, body)).partition(b"\r\n\r\n")
    assert content == (body.encode() if isinstance(body, str) else body)
    assert [line.split(b": ")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-type")] == [kind]
    assert f"Content-Length: {len(content)}".encode() in head


# Client


def test_client_asks() -> None:
    opening = ClientOpening(DEFAULTS, KEY)
    data = opening.request("a:1", "/x?y", ("chat", "superchat"), "http://b", {"X": "y"})
    assert data == (
        b"GET /x?y HTTP/1.1\r\nHost: a:1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: " + KEY.encode() + b"\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Protocol: chat, superchat\r\nOrigin: http://b\r\nX: y\r\n\r\n"
    )


@pytest.mark.parametrize("target", ["", "x", "?x", "*", "/#x", "http://", "ws://a/", "/a b", "/é", "/\r\nX: y"])
def test_client_refuses_to_ask_for_what_is_no_target(target: str) -> None:
    with pytest.raises(ValueError):
        ClientOpening(DEFAULTS, KEY).request("a", target, (), None, ())


INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"


@pytest.mark.parametrize("interim", [b"", INTERIM, INTERIM * 3])
@pytest.mark.parametrize("rest", [b"", b"\x81\x00"])
def test_client_is_accepted_after_any_interim_answers(interim: bytes, rest: bytes) -> None:
    data = interim + answer_head(ACCEPT, "Sec-WebSocket-Protocol: chat")
    for chunks in cuts(data, points=60):
        opening = asked("chat")
        *early, last = chunks
        assert [opening.receive(chunk) for chunk in early] == [None] * len(early)
        found = opening.receive(last + rest)
        assert isinstance(found, Opened)
        assert found.subprotocol == "chat"
        assert found.headers["sec-websocket-accept"] == ACCEPT
        assert "link" not in found.headers
        assert opening.rest == rest


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (answer_head("bad"), 101),
        (answer_head(ACCEPT, "Sec-WebSocket-Protocol: other"), 101),
        (answer_head(ACCEPT, line="HTTP/1.1 200 OK"), 200),
        (b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", 302),
        (INTERIM + b"HTTP/1.1 503 Full\r\n\r\n", 503),
        (INTERIM + b"HTTP/1.1 nonsense\r\n\r\n", 502),
        (b"nonsense\r\n\r\n", 502),
        (b"HTTP/1.1 101 Yes\r\n" + b"X: y\r\n" * 65 + b"\r\n", 431),
        (b"x" * (16 * 1024 + 1), 431),
    ],
)
def test_client_is_refused(data: bytes, status: int) -> None:
    opening = asked("chat")
    with pytest.raises(HTTPFault) as fault:
        opening.receive(data)
    assert fault.value.status == status


def test_status_text() -> None:
    assert status_text(404) == "404 Not Found\n"
    assert status_text(404, "no such room") == "404 Not Found: no such room\n"
    assert (status_text(499), status_text(499, "gone")) == ("499\n", "499: gone\n")
