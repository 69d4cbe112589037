"""Properties: what one role says, the other hears; nothing that a peer may send raises; cuts change nothing."""

import base64
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.protocol.helpers import (
    KEY,
    MASK,
    Heard,
    answer_head,
    asked,
    close_payload,
    counting_source,
    frame,
    mask_to,
    new,
    opened,
    other,
    plain,
    request_head,
    right_accept,
)
from tickws.protocol.connection import Connection, Role, State
from tickws.protocol.events import Closed, Event, Failed, Opened, Ping, Progress
from tickws.protocol.handshake import Request
from tickws.protocol.limits import Limits

BOUNDS = Limits(message_bytes=300, header_bytes=600, header_count=12)
STEADY = settings(deadline=None)

roles = st.sampled_from(Role)
cut_points = st.lists(st.integers(0, 10_000), max_size=8)


def chunks_of(data: bytes, points: list[int]) -> list[bytes]:
    """`data` in pieces; empty ones too."""
    marks = [0, *sorted(point % (len(data) + 1) for point in points), len(data)]
    return [data[start:end] for start, end in pairwise(marks)]


# What one role says, the other hears


class Say(NamedTuple):
    """One message to send, in fragments (in one frame, where there is one), with pings before each."""

    message: str | bytes
    fragments: list[str | bytes]
    pings: list[bytes]

    @classmethod
    def text(cls, fragments: list[str], pings: list[bytes]) -> "Say":
        return cls("".join(fragments), list(fragments), pings)

    @classmethod
    def binary(cls, fragments: list[bytes], pings: list[bytes]) -> "Say":
        return cls(b"".join(fragments), list(fragments), pings)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
payloads = st.one_of(st.binary(max_size=40), st.sampled_from([125, 126, 127, 128, 299, 300]).map(bytes))
controls = st.lists(st.binary(max_size=125), max_size=3)
says = st.builds(Say.text, st.lists(texts, min_size=1, max_size=4), controls) | st.builds(
    Say.binary, st.lists(payloads, min_size=1, max_size=4), controls
)


@STEADY
@given(roles, st.lists(says, max_size=6), cut_points, st.sampled_from([None, (1000, ""), (4999, "größer")]))
def test_all_that_is_said_is_heard_in_any_cut(
    role: Role, said: list[Say], points: list[int], close: tuple[int, str] | None
) -> None:
    sender, receiver = opened(role), opened(other(role))
    expected: list[object] = []
    for say in said:
        last = len(say.fragments) - 1
        for index, fragment in enumerate(say.fragments):
            for payload in say.pings:
                sender.send_ping(payload)
            if last == 0:
                sender.send(fragment)
            else:
                sender.send_fragment(fragment, fin=index == last)
        expected += [Ping(payload) for payload in say.pings] * (last + 1)
        expected.append(say.message)
    if close is not None:
        sender.send_close(*close)
        expected.append(Closed(*close))
    heard = talk(receiver, chunks_of(b"".join(sender.data_to_send()), points))
    assert [event for event in heard.events if not isinstance(event, Progress)] == expected


@STEADY
@given(
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="#"), max_size=20),
    st.lists(st.text("!#$%&'*+-.^_`|~09azAZ", min_size=1, max_size=4), unique=True, max_size=3),
    cut_points,
)
def test_what_a_client_asks_a_server_reads(path: str, subprotocols: list[str], points: list[int]) -> None:
    client, server = new(Role.CLIENT), new(Role.SERVER)
    client.request("a", "/" + path, subprotocols=subprotocols)
    heard = talk(server, chunks_of(b"".join(client.data_to_send()), points))
    (request,) = heard.events
    assert isinstance(request, Request)
    assert (request.target, request.subprotocols) == ("/" + path, tuple(subprotocols))
    client.receive(heard.wire)
    assert isinstance(client.next_event(), Opened)


# Nothing that a peer may send raises


def talk(connection: Connection, chunks: list[bytes], *, eof: bool = False) -> Heard:
    """Give the chunks and answer every request; the end comes at most once, and last."""
    events: list[Event] = []
    for step in [*chunks, None]:
        if step is not None:
            connection.receive(step)
        elif eof:
            connection.receive_eof()
        while (event := connection.next_event()) is not None:
            events.append(event)
            if isinstance(event, Request):
                reply(connection, event)
    ends = [index for index, event in enumerate(events) if isinstance(event, Closed | Failed)]
    assert ends in ([], [len(events) - 1]), events
    assert not ends or connection.state is State.CLOSED
    return Heard(events, b"".join(connection.data_to_send()))


def reply(connection: Connection, request: Request) -> None:
    """Look at everything in the request, and let it in, or answer it."""
    assert request.path
    assert isinstance((request.query, request.cookies, request.origin, dict(request.headers)), tuple)
    if request.upgrade:
        connection.accept(request, supported=request.subprotocols)
    else:
        connection.answer(200, (), "a body")


def same_in_any_cut(make: Callable[[], Connection], data: bytes, points: list[int]) -> None:
    outcomes = []
    for chunks in ([data], [data[i : i + 1] for i in range(len(data))], chunks_of(data, points)):
        heard = talk(make(), chunks, eof=True)
        outcomes.append(([plain(event) for event in heard.events], heard.wire))
    assert outcomes[0] == outcomes[1] == outcomes[2]
    events = outcomes[0][0]
    assert [event for event in events if isinstance(event, Closed | Failed)] or isinstance(events[-1], tuple)


@st.composite
def near_frames(draw: st.DrawFn, mask: bytes) -> bytes:
    """Frames that are nearly right: mostly valid, some with one wrong thing, some cut, some noise."""
    pieces = []
    for kind in draw(st.lists(st.sampled_from("mmmmffffppcwwn"), max_size=12)):
        payload = draw(st.binary(max_size=6) | texts.map(str.encode) | st.sampled_from([126, 200, 301]).map(bytes))
        if kind == "m":
            pieces.append(frame(draw(st.sampled_from([1, 2])), payload, mask=mask))
        elif kind == "f":
            pieces.append(frame(draw(st.sampled_from([0, 0, 1, 2])), payload, fin=draw(st.booleans()), mask=mask))
        elif kind == "p":
            pieces.append(frame(draw(st.sampled_from([9, 10])), payload, mask=mask))
        elif kind == "c":
            pieces.append(
                frame(8, close_payload(draw(st.integers(998, 1016))) + payload[: draw(st.integers(0, 9))], mask=mask)
            )
        elif kind == "w":
            opcode, fin, rsv = draw(st.integers(0, 15)), draw(st.booleans()), draw(st.sampled_from([0, 0, 0, 1, 4]))
            pieces.append(frame(opcode, payload, fin=fin, rsv=rsv, mask=draw(st.sampled_from([mask, mask, b"", MASK]))))
        else:
            pieces.append(draw(st.binary(max_size=20)))
    data = b"".join(pieces)
    return data[: draw(st.integers(0, len(data)))] if draw(st.booleans()) else data


@settings(deadline=None, max_examples=300)
@given(st.data(), roles, st.booleans(), st.booleans(), cut_points)
def test_an_open_connection_survives_anything(
    data: st.DataObject, role: Role, by_frame: bool, closing: bool, points: list[int]
) -> None:
    def make() -> Connection:
        connection = opened(role, BOUNDS, by_frame=by_frame)
        if closing:
            connection.send_close(4000)
        return connection

    same_in_any_cut(make, data.draw(near_frames(mask_to(role)) | st.binary(max_size=60)), points)


REQUEST_PIECES = [
    "GET ", "HEAD ", "POST ", "CONNECT ", "OPTIONS ", "/", "/chat?a=%ff&b", "*", "http://[::1", "//x", "#",
    " HTTP/1.1\r\n", " HTTP/1.0\r\n", " HTTP/2.0\r\n", "Host: a\r\n", "Host:\r\n",
    "Upgrade: websocket\r\n", "Connection: Upgrade\r\n",
    f"Sec-WebSocket-Key: {KEY}\r\n", "Sec-WebSocket-Version: 13\r\n", "Sec-WebSocket-Version: 8\r\n",
    "Sec-WebSocket-Protocol: a, b\r\n", "Sec-WebSocket-Protocol: ,\r\n", "Origin: null\r\n", "Cookie: a=b; =\r\n",
    "Content-Length: 0\r\n", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", "Expect: 100-continue\r\n",
    "X: \xff\x01\r\n", " folded\r\n", "\n", "\r", "\0", ":", "\r\n", "\r\n\r\n", "\x16",
]  # fmt: skip
ANSWER_PIECES = [
    "HTTP/1.1 101 Switching Protocols\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 200 OK\r\n", "HTTP/1.0 101\r\n",
    "HTTP/1.1 099 No\r\n", "HTTP/1.1 204 No\r\n", "Upgrade: websocket\r\n", "Connection: Upgrade\r\n",
    "Sec-WebSocket-Accept: x\r\n", "Sec-WebSocket-Extensions: x\r\n", "Sec-WebSocket-Protocol: x\r\n",
    "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", " folded\r\n", "X: \xff\r\n", "\n", "\r", "\0", ":",
    "\r\n", "\r\n\r\n", "\x16",
]  # fmt: skip


@st.composite
def near_heads(draw: st.DrawFn, valid: bytes, pieces: list[str]) -> bytes:
    """A head with lines taken out and put in, or one of pieces alone; something like frames behind it."""
    if draw(st.booleans()):
        lines = valid.splitlines(keepends=True)
        for _ in range(draw(st.integers(0, 2))):
            del lines[draw(st.integers(0, len(lines) - 1))]
        for piece in draw(st.lists(st.sampled_from(pieces), max_size=3)):
            lines.insert(draw(st.integers(0, len(lines))), piece.encode("latin-1"))
        head = b"".join(lines)
    else:
        head = "".join(draw(st.lists(st.sampled_from(pieces), max_size=14))).encode("latin-1")
    return head + draw(st.binary(max_size=10) | st.just(frame(1, b"hi", mask=MASK)) | st.just(frame(9, b"hi")))


@settings(deadline=None, max_examples=500)
@given(near_heads(request_head(), REQUEST_PIECES) | st.binary(max_size=60), cut_points)
def test_a_server_s_handshake_survives_anything(data: bytes, points: list[int]) -> None:
    same_in_any_cut(lambda: new(Role.SERVER, BOUNDS), data, points)


ACCEPTED = right_accept(asked())


@settings(deadline=None, max_examples=300)
@given(near_heads(answer_head(ACCEPTED), ANSWER_PIECES) | st.binary(max_size=60), cut_points)
def test_a_client_s_handshake_survives_anything(data: bytes, points: list[int]) -> None:
    def make() -> Connection:
        connection = asked(BOUNDS)
        connection.data_to_send()
        return connection

    same_in_any_cut(make, data, points)


@given(st.binary(min_size=16, max_size=16))
def test_any_nonce_is_a_valid_key(nonce: bytes) -> None:
    source = counting_source()
    client, server = new(Role.CLIENT, mask_source=lambda size: nonce if size == 16 else source(size)), new(Role.SERVER)
    client.request("a", "/")
    server.receive(b"".join(client.data_to_send()))
    request = server.next_event()
    assert isinstance(request, Request)
    assert base64.b64decode(request.headers["sec-websocket-key"]) == nonce
