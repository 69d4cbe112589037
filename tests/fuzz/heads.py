"""The target `http`: the opening handshake's heads, a server's and a client's.

Only `HTTPFault` may come out of them. However the bytes are split, the same comes of them; what lies behind the blank
line is kept to the byte; nothing beyond the bounds is collected; whatever a request holds, it can be asked for all of
it and be answered, and what answers it is valid HTTP. Out of a `Connection` comes nothing at all, but one end.
"""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Callable

from tests.fuzz.target import Plan, Target, plan
from tests.protocol.helpers import KEY, plain
from tickws.errors import HTTPFault
from tickws.protocol.connection import Connection, Role
from tickws.protocol.events import Closed, Event, Failed, Progress
from tickws.protocol.extensions import Deflate
from tickws.protocol.handshake import Accept, Reject, Request
from tickws.protocol.http import ClientHTTP, HeadReader
from tickws.protocol.limits import Limits
from tickws.protocol.opening import ClientOpening, ServerOpening, status_text
from tickws.protocol.proxies import Proxies

__all__ = ["TARGET"]

CLIENT, SMALL, COMPRESSION, CONNECTION = 1, 2, 4, 8
"""The flags: we are the client; the bounds are small; we agree to compression; a whole `Connection` gets the bytes."""

DEFAULT = Limits()
TIGHT = Limits(header_bytes=256, header_count=6)
NONCE = base64.b64decode(KEY)
SUPPORTED = ("chat", "superchat")
PROXIES, PROXY = Proxies(("10.0.0.0/8", "fd00::/8", "unix")), ("10.0.0.1", 1)
END = b"\r\n\r\n"

Outcome = tuple[object, ...] | None


def run(data: bytes) -> None:
    """One input."""
    given = plan(data)
    limits = TIGHT if given.flags & SMALL else DEFAULT
    if given.flags & CONNECTION:
        converse(given, limits)
        return
    of_the_head(given, limits)
    hear = hear_answer if given.flags & CLIENT else hear_request
    compression = Deflate() if given.flags & COMPRESSION else None
    whole = hear([given.sent], limits, compression)
    parted = hear(given.chunks, limits, compression)
    assert whole == parted, f"whole: {whole!r}, split: {parted!r}"


def of_the_head(given: Plan, limits: Limits) -> None:
    """The reader of heads alone."""
    whole = hear_head([given.sent], limits)
    parted = hear_head(given.chunks, limits)
    assert whole == parted, f"whole: {whole!r}, split: {parted!r}"


def hear_head(chunks: list[bytes], limits: Limits) -> Outcome:
    """What a `HeadReader` makes of the chunks."""
    reader = HeadReader(limits)
    received = b""
    for number, chunk in enumerate(chunks):
        received += chunk
        try:
            found = reader.receive(chunk)
        except HTTPFault as fault:
            return fault_of(fault)
        if found is None:
            assert len(received) <= limits.header_bytes, f"{len(received)} bytes of a head are held"
            assert END not in received, "a head that is whole was not given"
            continue
        head, rest = found
        assert head + rest == received, "what was given is not what came"
        assert head.endswith(END)
        assert head.find(END) == len(head) - len(END), "more than one head was given"
        assert len(head) <= limits.header_bytes
        assert head.count(b"\r\n") - 2 <= limits.header_count
        return "head", head, rest + b"".join(chunks[number + 1 :])
    return None


def hear_request(chunks: list[bytes], limits: Limits, compression: Deflate | None) -> Outcome:
    """What a server makes of the chunks: it answers, whatever they are."""
    opening = ServerOpening(limits, compression)

    def receive(chunk: bytes) -> Outcome:
        request = opening.receive(chunk)
        return None if request is None else of_request(opening, request, compression)

    outcome = feed(receive, chunks, lambda: opening.rest)
    if outcome is not None and outcome[0] == "fault":
        _, status, reason, headers = outcome
        assert isinstance(status, int)
        assert isinstance(headers, tuple)
        answer = b"".join(opening.answer(status, headers, status_text(status, str(reason))))
        assert status_of(answer) == status
    return outcome


def of_request(opening: ServerOpening, request: Request, compression: Deflate | None) -> Outcome:
    """All that a request can be asked for, and the answer to it."""
    told = (
        request.method,
        request.target,
        request.path,
        tuple(request.query.items()),
        tuple(request.headers.items()),
        tuple(request.cookies.items()),
        request.origin,
        request.same_origin,
        request.subprotocols,
        extensions(request),
        client_of(request),
    )
    if not request.upgrade:
        pieces = opening.answer(404, (), "no such page")
        assert status_of(b"".join(pieces)) == 404
        assert len(pieces) == (1 if request.method == "HEAD" else 2)
        return told
    answer, subprotocol = opening.accept(request, Accept(), SUPPORTED)
    client = ClientOpening(DEFAULT, request.headers["sec-websocket-key"], compression)
    client.request("server.example.com", "/", request.subprotocols, None, ())
    opened = client.receive(answer + b"behind")
    assert opened is not None, "a client waits for more"
    assert opened.subprotocol == subprotocol
    assert client.rest == b"behind"
    assert (client.terms is None) == (opening.terms is None), "the two ends agree to different things"
    return (*told, subprotocol, opening.terms)


def client_of(request: Request) -> object:
    """Whom a trusted proxy names; an address or the proxy itself, whatever the header says."""
    client: tuple[str, int] = PROXIES.client(PROXY, request.headers)
    assert client is PROXY or (str(ipaddress.ip_address(client[0])), 0) == client
    return client, PROXIES.secure(request.headers)


def extensions(request: Request) -> object:
    """What a request offers; of a plain one, nobody has looked whether that is a list."""
    try:
        return request.extensions
    except ValueError:
        assert not request.upgrade, "a header that breaks the grammar passed"
        return None


def hear_answer(chunks: list[bytes], limits: Limits, compression: Deflate | None) -> Outcome:
    """What a client that has asked makes of the chunks."""
    opening = ClientOpening(limits, KEY, compression)
    opening.request("server.example.com", "/chat", SUPPORTED, None, ())

    def receive(chunk: bytes) -> Outcome:
        opened = opening.receive(chunk)
        return None if opened is None else (opened.subprotocol, opening.terms, tuple(opened.headers.items()))

    return feed(receive, chunks, lambda: opening.rest)


def feed(receive: Callable[[bytes], Outcome], chunks: list[bytes], rest: Callable[[], bytes]) -> Outcome:
    """The first thing that comes of the chunks, and the bytes that are behind it."""
    for number, chunk in enumerate(chunks):
        try:
            outcome = receive(chunk)
        except HTTPFault as fault:
            return fault_of(fault)
        if outcome is not None:
            behind = rest()
            assert chunk.endswith(behind), "the bytes behind the head are others than came"
            return (*outcome, behind + b"".join(chunks[number + 1 :]))
    return None


def converse(given: Plan, limits: Limits) -> None:
    """A connection from its first byte to its end."""
    whole, extensions = talk(given, [given.sent], limits)
    parted, _ = talk(given, given.chunks, limits)
    assert extensions or whole == parted, f"whole: {whole!r}, split: {parted!r}"  # compressed: see compression.frames


def talk(given: Plan, chunks: list[bytes], limits: Limits) -> tuple[tuple[list[object], bytes], str]:
    """What a connection tells and says of the chunks, and the extensions agreed to."""
    role = Role.CLIENT if given.flags & CLIENT else Role.SERVER
    compression = Deflate() if given.flags & COMPRESSION else None
    connection = Connection(role, limits, lambda size: NONCE[:size], compression=compression)
    if role is Role.CLIENT:
        connection.request("server.example.com", "/chat", subprotocols=SUPPORTED)
    events: list[Event] = []
    for chunk in [*chunks, b""]:
        if chunk:
            connection.receive(chunk)
        else:
            connection.receive_eof()
        while (event := connection.next_event()) is not None:
            if not isinstance(event, Progress):
                events.append(event)
            if isinstance(event, Request):
                if event.upgrade:
                    connection.accept(event, supported=SUPPORTED)
                else:
                    connection.reject(Reject(404))
    wire = b"".join(connection.data_to_send())
    assert connection.close_expected(), "there was no end"
    ends = [event for event in events if isinstance(event, Closed | Failed)]
    refused = any(isinstance(event, Request) and not event.upgrade for event in events)
    assert len(ends) == (0 if refused else 1), f"so many ends: {ends!r}"
    assert refused or events[-1] is ends[0], "something came behind the end"
    return (list(map(plain, events)), wire), connection.extensions


def fault_of(fault: HTTPFault) -> Outcome:
    """A fault as a value; that it can be answered with."""
    assert 100 <= fault.status <= 999
    return "fault", fault.status, fault.reason, fault.headers


def status_of(answer: bytes) -> int:
    """The status of an answer of ours, as a client reads it."""
    head, end, _ = answer.partition(END)
    client = ClientHTTP(DEFAULT)
    client.request("/", [("Host", "server.example.com")])
    status, _ = client.parse(head + end)
    return status


TARGET = Target(
    "http",
    run,
    files=("protocol/http.py", "protocol/handshake.py", "protocol/opening.py"),
    packages=("tickws.protocol", "tickws.errors", "h11"),
    most_bytes=1024,
)
