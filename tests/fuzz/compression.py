"""The target `deflate`: permessage-deflate (RFC 7692): its header, its agreement, its streams, its connections.

The header gives a value or a ValueError; both ends agree to the same, within what each is willing to. `Inflater` gives
1007 or what an inflater of our own in Python gives, however the bytes are split and whatever is asked for at once; a
connection promises what it promises without. What `Deflater` makes comes back, whatever was agreed.
"""

from __future__ import annotations

from functools import partial

from tests.fuzz.connections import Script
from tests.fuzz.inflate import Corrupt, Early, Unknown, inflate
from tests.fuzz.session import Session, hear
from tests.fuzz.target import Plan, Target, plan, split
from tests.protocol.helpers import SMALL, counting_source
from tickws.errors import ProtocolFault
from tickws.protocol.connection import Connection, Role
from tickws.protocol.deflate import CHUNK_BYTES, Compressible, Deflater, Inflater
from tickws.protocol.events import Closed, Event, Opened
from tickws.protocol.extensions import (
    MOST_BITS,
    Deflate,
    Terms,
    accept_answer,
    answer_offers,
    make_offer,
    parse_extensions,
)
from tickws.protocol.handshake import Request
from tickws.protocol.limits import Limits

__all__ = ["TARGET"]

MESSAGE_BYTES = 70_000
"""More than four chunks."""


def run(data: bytes) -> None:
    """One input."""
    given = plan(data)
    TURNS[given.flags % len(TURNS)](given, given.flags // len(TURNS))


# The header


def header(given: Plan, variant: int) -> None:
    """A header from anybody, and what two ends make of each other's."""
    ours, theirs = settings(given.sent[:4]), settings(given.sent[4:8])
    text = given.sent[8:].decode("latin-1")
    try:
        extensions = parse_extensions(text)
    except ValueError:
        pass
    else:
        assert extensions, "a list of nothing"
        again = ", ".join("; ".join([name, *map(parameter, parameters)]) for name, parameters in extensions)
        assert parse_extensions(again) == extensions
        terms = answer_offers(extensions, ours)
        if terms is not None:
            check_terms(terms, ours)
            assert parse_extensions(terms.header)[0][0] == "permessage-deflate"
    try:
        answer = accept_answer(text, ours)
    except ValueError:
        pass
    else:
        assert (answer is None) == (not text)
        if answer is not None:
            check_terms(answer, ours)
            assert answer.peer_window_bits <= ours.peer_window_bits
    agree(ours, theirs)


def parameter(pair: tuple[str, str | None]) -> str:
    """A parameter as it stands in a header."""
    name, value = pair
    return name if value is None else f"{name}={value}"


def check_terms(terms: Terms, ours: Deflate) -> None:
    """We do no more than we are willing to."""
    assert 8 <= terms.window_bits <= ours.window_bits
    assert 8 <= terms.peer_window_bits <= 15
    assert ours.context_takeover or not terms.context_takeover
    assert ours.peer_context_takeover or not terms.peer_context_takeover


def agree(server: Deflate, client: Deflate) -> tuple[Terms, Terms]:
    """The terms of a server and a client: what the one sends, the other can read."""
    offers = parse_extensions(make_offer(client))
    at_server = answer_offers(offers, server)
    assert at_server is not None, "our own offer was declined"
    at_client = accept_answer(at_server.header, client)
    assert at_client is not None
    check_terms(at_server, server)
    check_terms(at_client, client)
    for sender, receiver in ((at_server, at_client), (at_client, at_server)):
        assert sender.window_bits <= receiver.peer_window_bits
        assert receiver.peer_context_takeover or not sender.context_takeover
    assert at_client.header == at_server.header
    return at_server, at_client


def settings(data: bytes) -> Deflate:
    """Four bytes as what one end agrees to."""
    level, windows, flags, threshold = data.ljust(4, b"\0")
    return Deflate(
        level=1 + level % 9,
        memory_level=1 + level // 9 % 9,
        window_bits=8 + windows % 8,
        peer_window_bits=8 + windows // 8 % 8,
        context_takeover=bool(flags & 1),
        peer_context_takeover=bool(flags & 2),
        threshold_bytes=threshold,
    )


# Streams


def inflating(given: Plan, variant: int) -> None:
    """Messages from anybody: each begins with a byte that says how long it is; 0: all that is left."""
    takeover, bits = bool(variant & 1), 8 + (variant >> 1) % 8
    terms = Terms(bits, takeover, bits, takeover, "")
    most = 1 + given.sizes[2] * (CHUNK_BYTES // 255)
    whole = partial(read_messages, Inflater(terms), most=CHUNK_BYTES, sizes=b"\0")
    parted = partial(read_messages, Inflater(terms), most=most, sizes=given.sizes)
    window = b""
    data = given.sent
    while data:
        size = data[0] or len(data)
        message, data = data[1 : 1 + size], data[1 + size :]
        if not message:
            continue
        got = whole(message), parted(message)
        try:
            expected, window = inflate(message, window, bits, MESSAGE_BYTES)
        except Unknown:
            return
        except (Corrupt, Early):
            assert got == (None, None), f"no fault, where there is one: {got!r}"
            return
        assert got == (expected, expected), f"{got!r}, twice not {expected!r}"
        window = window[-(1 << MOST_BITS) :] if takeover else b""


def read_messages(inflater: Inflater, message: bytes, *, most: int, sizes: bytes) -> bytes | None:
    """One message of a peer, in parts; None for a fault. No more is made of it than `MESSAGE_BYTES` and a chunk."""
    made = bytearray()
    parts = split(message, sizes)
    for number, part in enumerate(parts, start=1):
        fed = False
        while not fed or inflater.more:
            try:
                chunk = inflater.chunk(most) if fed else inflater.feed(part, most, final=number == len(parts))
            except ProtocolFault as fault:
                if fault.close_code != 1007:
                    raise
                return None
            fed = True
            assert len(chunk) <= most, "more than was asked for"
            made += chunk
            if len(made) > MESSAGE_BYTES:
                inflater.more = False
                return bytes(made[:MESSAGE_BYTES])
    return bytes(made)


def round_trip(given: Plan, variant: int) -> None:
    """Messages that one end compresses and the other inflates: whole, by fragments, long and short."""
    data = given.sent[8:]
    ends = [settings(given.sent[:4]), settings(given.sent[4:8])]
    server, client = agree(*ends)
    if variant & 1:
        deflater, inflater = Deflater(ends[0], server, alone=False), Inflater(client)
    else:
        deflater, inflater = Deflater(ends[1], client, alone=True), Inflater(server)
    repeat = 1 + (variant >> 1) % 8 * 20
    for number, message in enumerate(split(data, given.sizes)):
        payload = message * repeat
        if number % 3 == 2:
            halves = split(payload, bytes([given.sizes[1] or 7])) if variant & 16 else [payload]
            wire = b"".join(deflater.fragment(part, fin=False) for part in halves) + deflater.fragment(b"", fin=True)
        else:
            compressible = Compressible(2, payload)
            steps = [made for _ in range(1 + len(payload) // CHUNK_BYTES) if (made := compressible.compress(deflater))]
            assert len(steps) >= 1, "compressing takes more steps than the message has chunks"
            wire = steps[0]
            if wire is payload:
                continue
        got = read_messages(inflater, wire, most=CHUNK_BYTES, sizes=given.sizes)
        assert got == payload[:MESSAGE_BYTES], "what comes back is not what went"
        if len(payload) > MESSAGE_BYTES:
            return


# Connections


def connect(role: Role, limits: Limits, ours: Deflate, theirs: Deflate) -> tuple[Connection, Connection]:
    """A connection that has agreed to compression, and its peer."""
    server_has, client_has = (ours, theirs) if role is Role.SERVER else (theirs, ours)
    bounds = {side: limits if side is role else Limits() for side in Role}
    server = Connection(Role.SERVER, bounds[Role.SERVER], counting_source(), compression=server_has)
    client = Connection(Role.CLIENT, bounds[Role.CLIENT], counting_source(), compression=client_has)
    client.request("server.example.com", "/")
    server.receive(b"".join(client.data_to_send()))
    request = server.next_event()
    assert isinstance(request, Request)
    server.accept(request)
    client.receive(b"".join(server.data_to_send()))
    assert isinstance(client.next_event(), Opened)
    assert server.extensions == client.extensions != ""
    return (server, client) if role is Role.SERVER else (client, server)


def settled(given: Plan, variant: int) -> tuple[Role, Limits, Deflate, Deflate]:
    """How two connections are to be."""
    limits = SMALL if variant & 2 else Limits(message_bytes=MESSAGE_BYTES)
    return Role.CLIENT if variant & 1 else Role.SERVER, limits, settings(given.sent[:4]), settings(given.sent[4:8])


def frames(given: Plan, variant: int) -> None:
    """A peer's bytes, to a connection that inflates."""
    role, limits, ours, theirs = settled(given, variant)
    first, _ = connect(role, limits, ours, theirs)
    second, _ = connect(role, limits, ours, theirs)
    sent = given.sent[8:]
    drain = bool(variant & 4)
    events, _ = hear(Session(first, limits.message_bytes), [sent], drain=drain)
    split_events, _ = hear(Session(second, limits.message_bytes), split(sent, given.sizes), drain=drain)
    bound = "client_max_window_bits" if role is Role.SERVER else "server_max_window_bits"
    if bound in first.extensions:
        return  # zlib sees a distance that is too long only where it has forgotten what that refers to
    assert list(map(comparable, events)) == list(map(comparable, split_events)), f"{events!r}, {split_events!r}"


def comparable(event: Event) -> Event:
    """An event without the words of a fault: what is no text and no DEFLATE either is found by what is seen first."""
    return Closed(event.code, "", True) if isinstance(event, Closed) and event.fault else event


def script(given: Plan, variant: int) -> None:
    """Steps of both ends, as the target `messages` has them."""
    role, limits, ours, theirs = settled(given, variant)
    connection, peer = connect(role, limits, ours, theirs)
    Script(Session(connection, limits.message_bytes), peer, Plan(given.flags, given.sizes, given.sent[8:])).play()


TURNS = (header, inflating, round_trip, frames, script)
"""What an input is for: its flags, modulo 5. The rest of them, and the first bytes of what is sent, are settings."""

TARGET = Target(
    "deflate",
    run,
    files=("protocol/deflate.py", "protocol/extensions.py"),
    packages=("tickws.protocol", "tickws.errors"),
    most_bytes=1024,
)
