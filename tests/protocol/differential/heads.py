"""Opening handshakes through ours and `websockets`: heads with lines missing, doubled, odd; who lets them in."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.http11 import Request as TheirRequest
from websockets.protocol import State as TheirState
from websockets.server import ServerProtocol

from tests.protocol.differential.rig import URI
from tests.protocol.helpers import ACCEPT, DEFAULTS, KEY, UPGRADE, answer_head, counting_source, right_accept
from tickws.protocol.connection import Connection, Role
from tickws.protocol.events import Failed, Opened
from tickws.protocol.handshake import Request

zeros = bytes
"""A source of masks and nonces that is not random at all."""
SUPPORTED = ("chat", "superchat")
OFFERS = "Sec-WebSocket-Protocol: chat, superchat"


@dataclass(frozen=True)
class Answered:
    """Who lets whom in: accepted (with a subprotocol), or refused with a status; 0: without an answer."""

    accepted: bool
    status: int
    subprotocol: str | None = None

    @property
    def verdict(self) -> tuple[object, ...]:
        return (self.accepted, self.subprotocol)


def our_server(chunks: Sequence[bytes]) -> Answered:
    connection = Connection(Role.SERVER, DEFAULTS, counting_source())
    for chunk in [*chunks, None]:
        if chunk is None:
            connection.receive_eof()
        else:
            connection.receive(chunk)
        event = connection.next_event()
        if isinstance(event, Request):
            if not event.upgrade:
                return Answered(False, 200)  # it is the application's to answer
            return Answered(True, 101, connection.accept(event, supported=SUPPORTED))
        if event is not None:
            assert isinstance(event, Failed)
            return Answered(False, event.status or 0)
    raise AssertionError("a request without an end")


def their_server(chunks: Sequence[bytes]) -> Answered:
    def choose(_: ServerProtocol, offered: Sequence[str]) -> str | None:
        return next((name for name in offered if name in SUPPORTED), None)

    protocol = ServerProtocol(subprotocols=list(SUPPORTED), select_subprotocol=choose)  # type: ignore[arg-type]
    for chunk in chunks:
        protocol.receive_data(chunk)
        for event in protocol.events_received():
            assert isinstance(event, TheirRequest)
            response = protocol.accept(event)
            protocol.send_response(response)
            return Answered(response.status_code == 101, response.status_code, protocol.subprotocol)
    protocol.receive_eof()
    wire = b"".join(protocol.data_to_send())
    return Answered(False, int(wire[9:12] or 0))


def our_client(chunks: Sequence[bytes]) -> Answered:
    connection = Connection(Role.CLIENT, DEFAULTS, zeros)
    connection.request("server.example.com", "/chat", subprotocols=SUPPORTED)
    connection.data_to_send()
    for chunk in [*chunks, None]:
        if chunk is None:
            connection.receive_eof()
        else:
            connection.receive(chunk)
        event = connection.next_event()
        if isinstance(event, Opened):
            return Answered(True, 101, event.subprotocol)
        if event is not None:
            return Answered(False, 0)
    raise AssertionError("an answer without an end")


def their_client(chunks: Sequence[bytes]) -> Answered:
    protocol = ClientProtocol(URI, subprotocols=list(SUPPORTED))  # type: ignore[arg-type]
    protocol.key = NONCE
    for chunk in chunks:
        protocol.receive_data(chunk)
        if protocol.state is TheirState.OPEN:
            return Answered(True, 101, protocol.subprotocol)
        if protocol.handshake_exc is not None:
            return Answered(False, 0)
    return Answered(False, 0)


NONCE = "AAAAAAAAAAAAAAAAAAAAAA=="

REQUEST = ["GET /chat HTTP/1.1", *(f"{name}: {value}" for name, value in UPGRADE.items()), OFFERS]
ODD_REQUEST_LINES = [
    "GET /chat HTTP/1.0", "GET /chat HTTP/2.0", "GET /chat HTTP/1.2", "GET /chat", "GET  /chat HTTP/1.1",
    "POST /chat HTTP/1.1", "HEAD /chat HTTP/1.1", "get /chat HTTP/1.1", "CONNECT a:80 HTTP/1.1", "OPTIONS * HTTP/1.1",
    "GET * HTTP/1.1", "GET chat HTTP/1.1", "GET /chat#here HTTP/1.1", "GET http://a/chat HTTP/1.1",
    "GET HTTP://a HTTP/1.1", "GET ftp://a/chat HTTP/1.1", "GET //chat?a=%ff HTTP/1.1", "GET /ch\xe4t HTTP/1.1",
    "GET /a b HTTP/1.1", "", "GET /chat http/1.1", "GET /chat HTTP/1.1 ",
]  # fmt: skip
ODD_HEADERS = [
    "Host: b", "Host:", "Upgrade: h2c", "Upgrade: WebSocket", "Upgrade: websocket, h2c", "Upgrade: websocket/13",
    "Upgrade: ,websocket,", "Upgrade: h2c, (", "Connection: keep-alive, upgrade", "Connection: keep-alive",
    "Connection: close", "Connection: Upgrade;x", "Connection: , Upgrade ,", f"Sec-WebSocket-Key: {KEY}",
    "Sec-WebSocket-Key: x", f"Sec-WebSocket-Key: {KEY[:-2]}", f"Sec-WebSocket-Key: {KEY}=", "Sec-WebSocket-Key: AAAA",
    "Sec-WebSocket-Key: \xe4\xf6", "Sec-WebSocket-Version: 8", "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Version: 13, 8", "Sec-WebSocket-Version: +13", "Sec-WebSocket-Version: 013",
    "Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Protocol: a b", "Sec-WebSocket-Protocol: ,",
    "Sec-WebSocket-Protocol:", "Sec-WebSocket-Protocol: superchat", "Sec-WebSocket-Protocol: x, , y",
    "Sec-WebSocket-Protocol: (", "Sec-WebSocket-Extensions: x; y=1", "Sec-WebSocket-Extensions: ;", "Origin: null",
    "Origin: http://a, http://b", "Content-Length: 0", "Content-Length: 00", "Content-Length: 5", "Content-Length: x",
    "Transfer-Encoding: chunked", "Expect: 100-continue", "X: \xff", "X: \x01", "X: \x7f", "X: a\tb", "X : a",
    " X: a", "X", ": a", "X:", "X(: a", "\xe4: a", "X: \0", "Set-Cookie: a", f"Sec-WebSocket-Accept: {ACCEPT}",
    "X: a\rb", "X: a\nb", "Cookie: a=b; c",
]  # fmt: skip


def answer(accept: str) -> list[str]:
    """A right answer, line by line."""
    lines = answer_head(accept, "Sec-WebSocket-Protocol: chat").decode().split("\r\n")
    return lines[:-2]


def right() -> str:
    """The Accept for the key of nothing but zeros."""
    connection = Connection(Role.CLIENT, DEFAULTS, zeros)
    connection.request("server.example.com", "/chat")
    return right_accept(connection)


ANSWER = answer(right())
ODD_STATUS_LINES = [
    "HTTP/1.1 101", "HTTP/1.1 101 ", "HTTP/1.1 200 OK", "HTTP/1.0 101 Switching Protocols", "HTTP/1.1 404 Not Found",
    "HTTP/1.1 099 No", "HTTP/1.1 0101 x", "HTTP/1.1 101 \xe4", "HTTP/1.1 101 \x01", "HTTP/2.0 101 x",
    "HTTP/1.1 1e2 x", "HTTP/1.1  101 x", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 x",
    "HTTP/1.1 103 Hints\r\nLink: a\r\n\r\nHTTP/1.1 101 x", "HTTP/1.1 204 x", "x", "",
]  # fmt: skip


@st.composite
def odd_heads(draw: st.DrawFn, lines: Sequence[str], first: Sequence[str], most: int) -> list[str]:
    """A valid head with up to so many changes: a line taken out, put in, doubled, or another first line."""
    head = list(lines)
    for _ in range(draw(st.integers(0, most))):
        how = draw(st.sampled_from(["out", "in", "in", "in", "swap", "swap", "double", "first", "case"]))
        place = draw(st.integers(1, len(head) - 1)) if len(head) > 1 else 0
        odd = draw(st.sampled_from(ODD_HEADERS))
        if how == "first":
            head[0] = draw(st.sampled_from(first))
        elif how == "in" or not place:
            head.insert(max(1, place), odd)
        elif how == "out":
            del head[place]
        elif how == "double":
            head.insert(place, head[place])
        elif how == "case":
            head[place] = draw(st.sampled_from([head[place].upper(), head[place].lower(), head[place] + "\t "]))
        else:  # in the place of the line of that name
            same = [i for i, line in enumerate(head) if line.partition(":")[0] == odd.partition(":")[0]]
            head[same[0] if same else place] = odd
    return head


def joined(lines: Sequence[str]) -> bytes:
    """The head on the wire."""
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


@dataclass(frozen=True)
class HeadDifference:
    """A difference that is known: how `websockets` differs, what decides it and why ours is right."""

    name: str
    clause: str
    why: str
    applies: Callable[["Pair"], bool]
    example: Sequence[str]


@dataclass(frozen=True)
class Pair:
    """A head, and what came of it on both sides."""

    lines: Sequence[str]
    mine: Answered
    theirs: Answered

    @property
    def only_theirs(self) -> bool:
        return self.theirs.accepted and not self.mine.accepted

    @property
    def only_mine(self) -> bool:
        return self.mine.accepted and not self.theirs.accepted

    def values(self, name: str) -> list[str]:
        """The values of a header, one for each of its lines."""
        pairs = (line.partition(":") for line in self.lines[1:])
        return [value.strip(" \t") for key, colon, value in pairs if colon and key.lower() == name.lower()]

    def has(self, pattern: str) -> bool:
        """Whether a line matches."""
        return any(re.fullmatch(pattern, line, re.IGNORECASE | re.DOTALL) for line in self.lines)


def through(role: Role, lines: Sequence[str], chunks: Sequence[bytes] | None = None) -> Pair:
    """The head through both."""
    chunks = [joined(lines)] if chunks is None else chunks
    if role is Role.SERVER:
        return Pair(lines, our_server(chunks), their_server(chunks))
    return Pair(lines, our_client(chunks), their_client(chunks))
