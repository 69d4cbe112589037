"""What the protocol's tests share: frames built and read by hand, and feeding in every cut.

Nothing here uses the code under test to say what is right: frames are packed with `struct`, masked byte by byte.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tickws.protocol.connection import Connection, Role
from tickws.protocol.events import Closed, Event, Failed, Progress
from tickws.protocol.handshake import Request, accept_key
from tickws.protocol.limits import Limits

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
MASK = b"\x37\xfa\x21\x3d"  # RFC 6455 section 5.7
KEY, ACCEPT = "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455 section 1.3
DEFAULTS = Limits()
SMALL = Limits(message_bytes=1000)
ROLES = pytest.mark.parametrize("role", list(Role), ids=[role.value for role in Role])
MaskSource = Callable[[int], bytes]
LENGTHS = (0, 1, 2, 3, 4, 5, 124, 125, 126, 127, 128, 129, 255, 256, 65535, 65536, 65537)


def naive_xor(payload: bytes, mask: bytes) -> bytes:
    """Masking as section 5.3 spells it: octet i is XORed with octet i modulo 4 of the key."""
    return bytes(octet ^ mask[i % 4] for i, octet in enumerate(payload))


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, mask: bytes = b"", rsv: int = 0) -> bytes:
    """A frame of section 5.2."""
    size, bit = len(payload), 0x80 if mask else 0
    first = fin << 7 | rsv << 4 | opcode
    if size <= 125:
        head = struct.pack("!BB", first, bit | size)
    elif size <= 0xFFFF:
        head = struct.pack("!BBH", first, bit | 126, size)
    else:
        head = struct.pack("!BBQ", first, bit | 127, size)
    return head + mask + (naive_xor(payload, mask) if mask else payload)


def close_payload(code: int, reason: bytes = b"") -> bytes:
    """The payload of a Close (section 5.5.1)."""
    return struct.pack("!H", code) + reason


@dataclass(frozen=True)
class Sent:
    """A frame read back from what a connection put on the wire."""

    opcode: int
    payload: bytes
    fin: bool = True
    masked: bool = False


def read_frames(data: bytes) -> list[Sent]:
    """All frames in `data`; a cut or garbled one is an error."""
    frames = []
    while data:
        first, second = data[0], data[1]
        size, at = second & 0x7F, 2
        if size == 126:
            size, at = *struct.unpack_from("!H", data, 2), 4
            assert size > 125, "length not in its shortest form"
        elif size == 127:
            size, at = *struct.unpack_from("!Q", data, 2), 10
            assert size > 0xFFFF, "length not in its shortest form"
        masked = second >= 0x80
        mask, at = (data[at : at + 4], at + 4) if masked else (b"", at)
        payload, data = data[at : at + size], data[at + size :]
        assert len(payload) == size, "frame cut short"
        assert not first & 0x70, "reserved bits sent"
        frames.append(Sent(first & 0x0F, naive_xor(payload, mask) if masked else payload, first >= 0x80, masked))
    return frames


def cuts(data: bytes, points: int = 300) -> Iterator[list[bytes]]:
    """`data` whole, byte by byte, and in two at every point (of long data: at the outermost `points`)."""
    yield [data]
    yield [data[i : i + 1] for i in range(len(data))]
    half = points // 2
    inner = range(1, len(data)) if len(data) <= points else [*range(1, half), *range(len(data) - half, len(data))]
    for point in inner:
        yield [data[:point], data[point:]]


def counting_source() -> MaskSource:
    """Masks that differ from frame to frame and are the same in every run."""
    calls = 0

    def give(size: int) -> bytes:
        nonlocal calls
        calls += 1
        return (calls * 0x9E3779B1 % 2**32).to_bytes(4, "big") * (size // 4)

    return give


UPGRADE: dict[str, str] = {
    "Host": "server.example.com",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Version": "13",
}


def request_head(line: str = "GET /chat HTTP/1.1", headers: dict[str, str] = UPGRADE, *more: str) -> bytes:
    """A request's head; `more` are whole header lines."""
    lines = [line, *(f"{name}: {value}" for name, value in headers.items()), *more]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def request(target: str = "/", method: str = "GET", headers: dict[str, str] = UPGRADE, *more: str) -> Request:
    """A request as a server gives it out."""
    return Request(method, target, request_head(f"{method} {target} HTTP/1.1", headers, *more))


def without(name: str) -> dict[str, str]:
    """The headers of an upgrade, without one."""
    return {key: value for key, value in UPGRADE.items() if key != name}


def answer_head(accept: str, *more: str, line: str = "HTTP/1.1 101 Switching Protocols") -> bytes:
    """A server's acceptance; `more` are whole header lines."""
    lines = [line, "Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Accept: {accept}", *more]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def other(role: Role) -> Role:
    """The role of the peer."""
    return Role.CLIENT if role is Role.SERVER else Role.SERVER


def mask_to(role: Role) -> bytes:
    """The mask of frames that `role` gets: only a client masks (section 5.1)."""
    return MASK if role is Role.SERVER else b""


def new(
    role: Role, limits: Limits = DEFAULTS, *, by_frame: bool = False, mask_source: MaskSource | None = None
) -> Connection:
    """A connection before its handshake."""
    return Connection(role, limits, mask_source or counting_source(), by_frame=by_frame)


def asked(limits: Limits = DEFAULTS, *, by_frame: bool = False, mask_source: MaskSource | None = None) -> Connection:
    """A client that has asked for the subprotocols chat and superchat."""
    connection = new(Role.CLIENT, limits, by_frame=by_frame, mask_source=mask_source)
    connection.request("server.example.com", "/chat", subprotocols=["chat", "superchat"])
    return connection


def right_accept(asked: Connection) -> str:
    """The answer to the key of a client that has asked; takes its request off it."""
    request = b"".join(asked.data_to_send()).decode()
    return accept_key(request.split("Sec-WebSocket-Key: ")[1].split("\r\n")[0])


def opened(
    role: Role, limits: Limits = DEFAULTS, *, by_frame: bool = False, mask_source: MaskSource | None = None
) -> Connection:
    """An open connection that has nothing left to send."""
    if role is Role.CLIENT:
        connection = asked(limits, by_frame=by_frame, mask_source=mask_source)
        connection.receive(answer_head(right_accept(connection)))
        connection.next_event()
    else:
        connection = new(role, limits, by_frame=by_frame, mask_source=mask_source)
        connection.receive(request_head())
        request = connection.next_event()
        assert isinstance(request, Request)
        connection.accept(request)
    connection.data_to_send()
    return connection


def pull(connection: Connection) -> list[Event]:
    """All events that are there, less the mere progress; an end is the last of them."""
    events: list[Event] = []
    while (event := connection.next_event()) is not None:
        if not isinstance(event, Progress):
            events.append(event)
    assert not any(isinstance(event, Closed | Failed) for event in events[:-1]), events
    return events


def sent(connection: Connection) -> list[Sent]:
    """The frames that the connection wants on the wire."""
    return read_frames(b"".join(connection.data_to_send()))


def plain(event: Event) -> object:
    """An event that can be compared: a request is no value."""
    return (event.method, event.target, dict(event.headers)) if isinstance(event, Request) else event


@dataclass(frozen=True)
class Heard:
    """What came of some bytes: the events, and the bytes to send."""

    events: list[Event]
    wire: bytes

    @property
    def frames(self) -> list[Sent]:
        """The bytes to send, as frames."""
        return read_frames(self.wire)


def hear(connection: Connection, chunks: list[bytes], *, eof: bool = False) -> Heard:
    """Give a connection the chunks one by one; what it says after its end must be nothing."""
    events = []
    for chunk in chunks:
        connection.receive(chunk)
        events += pull(connection)
    if eof:
        connection.receive_eof()
        events += pull(connection)
    assert pull(connection) == []
    return Heard(events, b"".join(connection.data_to_send()))


def feed(make: Callable[[], Connection], data: bytes, *, eof: bool = False, points: int = 300) -> Heard:
    """What comes of `data`, after checking that the same comes of it in every cut."""
    first: Heard | None = None
    for chunks in cuts(data, points):
        heard = hear(make(), chunks, eof=eof)
        first = first or heard
        assert list(map(plain, heard.events)) == list(map(plain, first.events)), chunks
        assert heard.wire == first.wire, chunks
    assert first is not None
    return first
