"""The three libraries behind one face: bytes in, and out comes what was heard, how it ended and what was answered.

`ours`, `websockets` and `wsproto` drive a Sans-I/O connection that is open already, as a program would: every Ping is
answered, a Close is echoed, a fault is told. Of `websockets` the text is decoded when its message is whole, as its
`recv()` does: its Sans-I/O layer leaves that to others. Nothing here decides who is right.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame
from websockets.protocol import State as TheirState
from websockets.server import ServerProtocol
from websockets.uri import parse_uri
from wsproto.connection import Connection as WsprotoConnection
from wsproto.connection import ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, TextMessage
from wsproto.events import Ping as WsprotoPing
from wsproto.events import Pong as WsprotoPong
from wsproto.extensions import PerMessageDeflate as WsprotoDeflate

from tests.protocol.differential.wire import at_frame_ends
from tests.protocol.helpers import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    UPGRADE,
    answer_head,
    counting_source,
    read_frames,
    request_head,
    right_accept,
)
from tickws import Deflate
from tickws.protocol.connection import Connection, Role
from tickws.protocol.events import Closed, Opened, Ping, Pong, Progress
from tickws.protocol.handshake import Request
from tickws.protocol.limits import Limits

Heard: TypeAlias = tuple[Literal["text", "binary", "ping", "pong"], str | bytes]
Peer: TypeAlias = Literal["websockets", "wsproto"]
PLENTY = 200_000
URI = parse_uri("ws://server.example.com/chat")


@dataclass(frozen=True)
class Window:
    """What was agreed of permessage-deflate for one direction."""

    bits: int = 15
    takeover: bool = True


@dataclass(frozen=True)
class Setup:
    """One open connection: who reads, its limit, what was agreed of compression, and whether it has said Close."""

    role: Role = Role.SERVER
    limit: int = PLENTY
    deflate: tuple[Window, Window] | None = None
    """Of the server's messages, and of the client's."""
    closing: bool = False

    @property
    def masked(self) -> bool:
        return self.role is Role.SERVER

    @property
    def incoming(self) -> Window:
        assert self.deflate is not None
        return self.deflate[self.role is Role.SERVER]

    @property
    def outgoing(self) -> Window:
        assert self.deflate is not None
        return self.deflate[self.role is Role.CLIENT]


@dataclass(frozen=True)
class End:
    """How it ended: the peer's Close (code and reason), a fault (code), or its bytes were over."""

    kind: Literal["closed", "fault", "lost", "waiting"]
    code: int = 0
    reason: str = ""


@dataclass(frozen=True)
class Outcome:
    """What one library made of the bytes. A fault's code is no part of the verdict, it is compared by itself."""

    heard: tuple[Heard, ...]
    answers: tuple[tuple[int, bytes], ...]
    """The frames sent back, less the Close that tells a fault."""
    end: End
    verdict: tuple[object, ...] = field(init=False)

    def __post_init__(self) -> None:
        end = ("fault",) if self.end.kind == "fault" else (self.end.kind, self.end.code, self.end.reason)
        object.__setattr__(self, "verdict", (self.heard, self.answers, end))


Run: TypeAlias = Callable[[Setup, Sequence[bytes], bool], Outcome]


def outcome(heard: list[Heard], wire: bytes, end: End, closing: bool) -> Outcome:
    """An outcome, with the answers read from the wire. Whoever has not said Close yet says why it fails."""
    if closing and end.kind == "closed":
        end = End("closed")  # two Closes crossed: whose code counts is no matter of reading
    answers = [(frame.opcode, frame.payload) for frame in read_frames(wire)]
    if end.kind == "fault" and not closing:
        assert answers, "a fault was not told"
        opcode, payload = answers.pop()
        assert (opcode, payload[:2]) == (CLOSE, end.code.to_bytes(2, "big")), "the wire tells another code"
    return Outcome(tuple(heard), tuple(answers), end)


def deflate_of(setup: Setup) -> Deflate | None:
    """What a connection of ours is told for the terms of `setup`."""
    if setup.deflate is None:
        return None
    out, come = setup.outgoing, setup.incoming
    return Deflate(
        window_bits=out.bits,
        peer_window_bits=come.bits,
        context_takeover=out.takeover,
        peer_context_takeover=come.takeover,
        threshold_bytes=0,
    )


def open_ours(setup: Setup) -> Connection:
    """An open connection of ours."""
    limits = Limits(message_bytes=setup.limit)
    connection = Connection(setup.role, limits, counting_source(), compression=deflate_of(setup))
    if setup.role is Role.CLIENT:
        connection.request("server.example.com", "/chat")
        terms = [f"Sec-WebSocket-Extensions: {header_of(*setup.deflate)}"] if setup.deflate else []
        connection.receive(answer_head(right_accept(connection), *terms))
        assert isinstance(connection.next_event(), Opened)
    else:
        offer = ["Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"] if setup.deflate else []
        connection.receive(request_head("GET /chat HTTP/1.1", UPGRADE, *offer))
        request = connection.next_event()
        assert isinstance(request, Request)
        connection.accept(request)
    connection.data_to_send()
    return connection


def header_of(server: Window, client: Window) -> str:
    """The terms as they stand in a server's answer."""
    header = f"permessage-deflate; server_max_window_bits={server.bits}; client_max_window_bits={client.bits}"
    header += "; server_no_context_takeover" * (not server.takeover)
    return header + "; client_no_context_takeover" * (not client.takeover)


def ours(setup: Setup, chunks: Sequence[bytes], eof: bool = False) -> Outcome:
    """What tickws makes of the bytes."""
    connection = open_ours(setup)
    if setup.closing:
        connection.send_close(4000)
        connection.data_to_send()
    heard: list[Heard] = []
    end: End | None = None
    for chunk in [*chunks, *([None] if eof else [])]:
        if end is not None:
            break
        if chunk is None:
            connection.receive_eof()
        else:
            connection.receive(chunk)
        while (event := connection.next_event()) is not None:
            if isinstance(event, str):
                heard.append(("text", event))
            elif isinstance(event, bytes):
                heard.append(("binary", event))
            elif isinstance(event, Ping):
                heard.append(("ping", event.payload))
            elif isinstance(event, Pong):
                heard.append(("pong", event.payload))
            elif isinstance(event, Closed):
                end = End("fault", event.code) if event.fault else End("closed", event.code, event.reason)
                if event.code == 1006:
                    end = End("lost")
            else:
                assert isinstance(event, Progress), event
    return outcome(heard, b"".join(connection.data_to_send()), end or End("waiting"), setup.closing)


def websockets(setup: Setup, chunks: Sequence[bytes], eof: bool = False) -> Outcome:
    """What `websockets` makes of the bytes."""
    protocol: ServerProtocol | ClientProtocol
    if setup.role is Role.SERVER:
        protocol = ServerProtocol(max_size=setup.limit, state=TheirState.OPEN)
    else:
        protocol = ClientProtocol(URI, max_size=setup.limit, state=TheirState.OPEN)
    if setup.deflate is not None:
        out, come = setup.outgoing, setup.incoming
        extension = PerMessageDeflate(not come.takeover, not out.takeover, come.bits, max(9, out.bits))
        protocol.extensions = [extension]
    if setup.closing:
        protocol.send_close(4000)
        protocol.data_to_send()
    heard: list[Heard] = []
    parts: list[Frame] = []
    wire = bytearray()
    chunks = at_frame_ends(chunks)  # text is decoded before the next frame is looked at
    for chunk in [*chunks, *([None] if eof else [])]:
        if protocol.reader.eof or protocol.parser_exc is not None or (protocol.close_rcvd is not None and chunk):
            break
        if chunk is None:
            protocol.receive_eof()
        else:
            protocol.receive_data(chunk)
        wire += b"".join(protocol.data_to_send())
        for frame in protocol.events_received():
            assert isinstance(frame, Frame)
            try:
                heard += their_message(frame, parts)
            except UnicodeDecodeError:  # as their connections do
                fault = protocol.close_sent is None
                protocol.fail(1007)
                wire += b"".join(protocol.data_to_send()) if fault else b""
                return outcome(heard, bytes(wire), End("fault", 1007), setup.closing)
    return outcome(heard, bytes(wire), their_end(protocol, eof), setup.closing)


def their_message(frame: Frame, parts: list[Frame]) -> list[Heard]:
    """What a frame completes; `parts` are those of the message that is unfinished."""
    if frame.opcode in (PING, PONG):
        return [("ping" if frame.opcode == PING else "pong", bytes(frame.data))]
    if frame.opcode == CLOSE:
        return []
    assert frame.opcode in (TEXT, BINARY) or parts
    parts.append(frame)
    if not frame.fin:
        return []
    data = b"".join(bytes(part.data) for part in parts)
    text = parts[0].opcode == TEXT
    parts.clear()
    return [("text", data.decode())] if text else [("binary", data)]


def their_end(protocol: ServerProtocol | ClientProtocol, eof: bool) -> End:
    """How it ended for `websockets`."""
    fault = protocol.parser_exc
    if fault is not None and not isinstance(fault, EOFError):
        name = type(fault).__name__
        return End("fault", {"PayloadTooBig": 1009, "UnicodeDecodeError": 1007, "ProtocolError": 1002}.get(name, 1011))
    if protocol.close_rcvd is not None:
        sent, received = protocol.close_sent, protocol.close_rcvd
        first = received if protocol.close_rcvd_then_sent or sent is None else sent
        return End("closed", int(first.code), first.reason)
    return End("lost" if eof else "waiting")


def wsproto(setup: Setup, chunks: Sequence[bytes], eof: bool = False) -> Outcome:
    """What wsproto makes of the bytes."""
    kind = ConnectionType.SERVER if setup.role is Role.SERVER else ConnectionType.CLIENT
    extension = None
    if setup.deflate is not None:  # it knows no window of 8 bits; one of 9 reads the same
        server, client = setup.deflate
        extension = WsprotoDeflate()
        extension.finalize(header_of(Window(max(9, server.bits), server.takeover), Window(max(9, client.bits))))
        extension.client_no_context_takeover = not client.takeover
    connection = WsprotoConnection(kind, [] if extension is None else [extension])
    if setup.closing:
        connection.send(CloseConnection(code=4000))
    heard: list[Heard] = []
    parts: list[str | bytes] = []
    wire = bytearray()
    for chunk in [*chunks, *([None] if eof else [])]:
        connection.receive_data(chunk)
        for event in connection.events():
            if isinstance(event, (TextMessage, BytesMessage)):
                parts.append(event.data if isinstance(event.data, str) else bytes(event.data))
                if event.message_finished and isinstance(event, TextMessage):
                    heard.append(("text", "".join(part for part in parts if isinstance(part, str))))
                elif event.message_finished:
                    heard.append(("binary", b"".join(part for part in parts if isinstance(part, bytes))))
                if event.message_finished:
                    parts.clear()
            elif isinstance(event, WsprotoPing):
                heard.append(("ping", bytes(event.payload)))
                if connection.state is ConnectionState.OPEN:  # else it refuses to answer
                    wire += connection.send(event.response())
            elif isinstance(event, WsprotoPong):
                heard.append(("pong", bytes(event.payload)))
            else:
                assert isinstance(event, CloseConnection), event
                if chunk is None:
                    return outcome(heard, bytes(wire), End("lost"), setup.closing)
                if connection.state is ConnectionState.CLOSED:
                    return outcome(heard, bytes(wire), End("closed", 4000), setup.closing)
                fault = connection.state is not ConnectionState.REMOTE_CLOSING
                code, reason = int(event.code), event.reason or ""
                if connection.state is not ConnectionState.LOCAL_CLOSING:
                    wire += connection.send(event.response())
                end = End("fault", code) if fault else End("closed", code, reason)
                return outcome(heard, bytes(wire), end, setup.closing)
    return outcome(heard, bytes(wire), End("waiting"), setup.closing)


PEERS: dict[Peer, Run] = {"websockets": websockets, "wsproto": wsproto}
