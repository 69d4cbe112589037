"""permessage-deflate negotiated: a header through ours, `websockets` and wsproto, as a server and as a client."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.datastructures import Headers
from websockets.exceptions import InvalidHandshake
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    PerMessageDeflate,
    ServerPerMessageDeflateFactory,
)
from websockets.server import ServerProtocol
from wsproto.extensions import PerMessageDeflate as WsprotoDeflate
from wsproto.handshake import client_extensions_handshake, server_extensions_handshake

from tests.protocol.differential.rig import URI
from tests.protocol.helpers import DEFAULTS, UPGRADE, answer_head, counting_source, request_head, right_accept
from tickws import Deflate
from tickws.protocol.connection import Connection, Role
from tickws.protocol.events import Failed, Opened
from tickws.protocol.handshake import Request

NAME = "permessage-deflate"


@dataclass(frozen=True)
class Agreed:
    """What both ends keep to; `server` and `client` are of the messages that each of them sends."""

    server_bits: int
    client_bits: int
    server_takeover: bool
    client_takeover: bool


def get_along(server: "Result", client: "Result") -> bool:
    """Whether each end reads all that the other may send: it sends with no larger window, and takes no more over."""
    if not isinstance(server, Agreed) or not isinstance(client, Agreed):
        return server == client
    return (
        server.server_bits <= client.server_bits
        and client.client_bits <= server.client_bits
        and server.server_takeover <= client.server_takeover
        and client.client_takeover <= server.client_takeover
    )


Result: TypeAlias = Agreed | str | None
"""None: no compression; a text: the handshake has failed."""
FAILED = "failed"


def read(header: str, offered: Deflate | None = None) -> Agreed | None:
    """The terms in a server's answer; what it leaves out is as the client offered."""
    if not header:
        return None
    header = header.replace("\\", "")  # quoted pairs
    bits = {name: int(value) for name, value in re.findall(r'(\w+_max_window_bits)\s*=\s*"?(\d+)', header)}
    bound = 15 if offered is None else offered.window_bits
    return Agreed(
        bits.get("server_max_window_bits", 15),
        min(bits.get("client_max_window_bits", bound), bound),
        "server_no_context_takeover" not in header,
        "client_no_context_takeover" not in header and (offered is None or offered.context_takeover),
    )


def our_answer(ours: Deflate, offer: str) -> tuple[Result, str]:
    """What our server makes of an offer, and its header."""
    connection = Connection(Role.SERVER, DEFAULTS, counting_source(), compression=ours)
    connection.receive(request_head("GET / HTTP/1.1", UPGRADE, f"Sec-WebSocket-Extensions: {offer}"))
    event = connection.next_event()
    if isinstance(event, Failed):
        return FAILED, ""
    assert isinstance(event, Request)
    connection.accept(event)
    return read(connection.extensions), connection.extensions


def our_offer(ours: Deflate) -> str:
    """What our client offers."""
    connection = Connection(Role.CLIENT, DEFAULTS, counting_source(), compression=ours)
    connection.request("a", "/")
    wire = b"".join(connection.data_to_send()).decode()
    return wire.split("Sec-WebSocket-Extensions: ")[1].split("\r\n")[0]


def our_reading(ours: Deflate, answer: str) -> Result:
    """What our client makes of an answer."""
    connection = Connection(Role.CLIENT, DEFAULTS, counting_source(), compression=ours)
    connection.request("a", "/")
    connection.receive(answer_head(right_accept(connection), f"Sec-WebSocket-Extensions: {answer}"))
    event = connection.next_event()
    if isinstance(event, Failed):
        return FAILED
    assert isinstance(event, Opened)
    return read(connection.extensions, ours)


def their_server(ours: Deflate) -> ServerPerMessageDeflateFactory:
    """`websockets`' server with the same wishes; it knows no window of 8 bits for itself."""
    return ServerPerMessageDeflateFactory(
        not ours.context_takeover,
        not ours.peer_context_takeover,
        max(9, ours.window_bits) if ours.window_bits < 15 else None,
        ours.peer_window_bits if ours.peer_window_bits < 15 else None,
    )


def their_client(ours: Deflate) -> ClientPerMessageDeflateFactory:
    """`websockets`' client with the same wishes."""
    return ClientPerMessageDeflateFactory(
        not ours.peer_context_takeover,
        not ours.context_takeover,
        ours.peer_window_bits if ours.peer_window_bits < 15 else None,
        max(9, ours.window_bits) if ours.window_bits < 15 else True,
    )


def terms(found: PerMessageDeflate, role: Role) -> Agreed:
    """The terms of `websockets`' extension in that role."""
    local = found.local_max_window_bits, not found.local_no_context_takeover
    remote = found.remote_max_window_bits, not found.remote_no_context_takeover
    server, client = (local, remote) if role is Role.SERVER else (remote, local)
    return Agreed(server[0], client[0], server[1], client[1])


def their_answer(factory: ServerPerMessageDeflateFactory, offer: str) -> tuple[Result, str]:
    """What `websockets`' server makes of an offer, and its header."""
    protocol = ServerProtocol(extensions=[factory])
    try:
        header, found = protocol.process_extensions(Headers([("Sec-WebSocket-Extensions", offer)]))
    except InvalidHandshake:
        return FAILED, ""
    return _terms(found, Role.SERVER), header or ""


def their_reading(factory: ClientPerMessageDeflateFactory, answer: str) -> Result:
    """What `websockets`' client makes of an answer that has the header."""
    protocol = ClientProtocol(URI, extensions=[factory])
    try:
        found = protocol.process_extensions(Headers([("Sec-WebSocket-Extensions", answer)]))
    except InvalidHandshake:
        return FAILED
    return _terms(found, Role.CLIENT)


def _terms(found: Sequence[object], role: Role) -> Result:
    assert len(found) <= 1
    first = found[0] if found else None
    assert first is None or isinstance(first, PerMessageDeflate)
    return None if first is None else terms(first, role)


def wsproto_extension(ours: Deflate, role: Role) -> WsprotoDeflate:
    """wsproto's extension in that role, with the same wishes; it knows no window of 8 bits."""
    out, come = max(9, ours.window_bits), max(9, ours.peer_window_bits)
    server, client = (out, come) if role is Role.SERVER else (come, out)
    no_out, no_come = not ours.context_takeover, not ours.peer_context_takeover
    no_server, no_client = (no_out, no_come) if role is Role.SERVER else (no_come, no_out)
    return WsprotoDeflate(no_client, client, no_server, server)


def wsproto_terms(found: WsprotoDeflate) -> Result:
    """Its terms, if it is on."""
    if not found.enabled():
        return None
    bits = found.server_max_window_bits, found.client_max_window_bits
    return Agreed(*bits, not found.server_no_context_takeover, not found.client_no_context_takeover)


def wsproto_answer(found: WsprotoDeflate, offer: str) -> tuple[Result, str]:
    """What wsproto's server makes of an offer, and its header."""
    header = server_extensions_handshake(offer.split(","), [found])
    return wsproto_terms(found), (header or b"").decode()


def wsproto_reading(found: WsprotoDeflate, answer: str) -> Result:
    """What wsproto's client makes of an answer."""
    try:
        client_extensions_handshake([answer] if answer else [], [found])
    except ValueError:  # it raises for a window that it does not know
        return FAILED
    return wsproto_terms(found)


values = st.sampled_from(
    ["", "=8", "=9", "=10", "=12", "=15", "= 12", '="11"', "=7", "=16", "=08", "=x", "=", '="', "=1 2", "=-9"]
)
names = st.sampled_from(
    ["server_no_context_takeover", "client_no_context_takeover", "server_max_window_bits", "client_max_window_bits"]
)
parameters = st.one_of(
    names.map(lambda name: name),
    st.builds("{}_max_window_bits={}".format, st.sampled_from(["server", "client"]), st.integers(8, 15)),
    st.builds("{}_max_window_bits={}".format, st.sampled_from(["server", "client"]), st.integers(8, 15)),
    st.builds("{}{}".format, names, values),
    st.sampled_from(["x", "x=1", "", "SERVER_NO_CONTEXT_TAKEOVER", "(", '"x"', "client_max_window_bits=10 x"]),
)
valid_parameters = st.one_of(
    st.sampled_from(["server_no_context_takeover", "client_no_context_takeover", "client_max_window_bits"]),
    st.builds("{}_max_window_bits={}".format, st.sampled_from(["server", "client"]), st.integers(8, 15)),
)
extension_names = st.sampled_from([NAME] * 8 + ["x-unknown", "Permessage-Deflate", "permessage-bzip2", "", "a b"])
separators = st.sampled_from(["; ", ";", " ;\t"])
extensions = st.builds(
    lambda name, found, separator: separator.join([name, *found]),
    extension_names,
    st.lists(valid_parameters, max_size=3, unique_by=lambda text: text.partition("=")[0])
    | st.lists(parameters, max_size=3),
    separators,
)
headers = st.lists(extensions, min_size=1, max_size=3).map(", ".join)
wishes = st.builds(
    Deflate,
    window_bits=st.integers(9, 15),
    peer_window_bits=st.integers(8, 15),
    context_takeover=st.booleans(),
    peer_context_takeover=st.booleans(),
)
