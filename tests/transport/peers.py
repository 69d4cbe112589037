"""What the transport's tests share: a server on a memory network that keeps a log, and raw ends that speak bytes."""

from collections.abc import Callable
from typing import Any

from tests.protocol.helpers import BINARY, CLOSE, MASK, PING, PONG, TEXT, UPGRADE, Sent, answer_head, frame, read_frames
from tickws.clock import NANOSECONDS, Clock, ManualClock
from tickws.protocol.handshake import accept_key
from tickws.statistics import EndpointStatistics
from tickws.testing import Conditions, MemoryNetwork, MemorySocket
from tickws.transport.endpoint import Endpoint
from tickws.transport.server import WebSocketServer
from tickws.transport.websocket import WebSocket

FRAME = 1 / 60
"""Seconds of a host's frame."""
SLOW = Conditions(buffer_bytes=1000)
"""A line that is soon full."""


def text(message: str) -> bytes:
    """A client's text message."""
    return frame(TEXT, message.encode(), mask=MASK)


def binary(message: bytes) -> bytes:
    """A client's binary message; the mask is zeroes, which makes a large one cheap."""
    plain = frame(BINARY, message)
    head = len(plain) - len(message)
    return plain[:1] + bytes((plain[1] | 0x80,)) + plain[2:head] + bytes(4) + message


def frame_of(opcode: int, payload: bytes) -> bytes:
    """A client's frame of any kind."""
    return frame(opcode, payload, mask=MASK)


def ping(payload: bytes = b"") -> bytes:
    """A client's Ping."""
    return frame(PING, payload, mask=MASK)


def pong(payload: bytes = b"") -> bytes:
    """A client's Pong."""
    return frame(PONG, payload, mask=MASK)


def close(code: int | None = 1000, reason: str = "") -> bytes:
    """A client's Close."""
    payload = b"" if code is None else code.to_bytes(2, "big") + reason.encode()
    return frame(CLOSE, payload, mask=MASK)


def short(sent: Sent) -> object:
    """A frame in short: a whole text as str, whole bytes as bytes, others as a tuple that says what they are."""
    if sent.opcode == CLOSE:
        return ("close", int.from_bytes(sent.payload[:2], "big") or None, sent.payload[2:].decode())
    if sent.opcode in (PING, PONG):
        return ("ping" if sent.opcode == PING else "pong", sent.payload)
    if not sent.fin or sent.opcode not in (TEXT, BINARY):
        return (sent.opcode, sent.payload, sent.fin)
    return sent.payload.decode() if sent.opcode == TEXT else sent.payload


def whole_frames(data: bytes) -> int:
    """How many bytes of `data` are whole frames."""
    end = 0
    while len(data) - end >= 2:
        size, head = data[end + 1] & 0x7F, 2
        if size >= 126:
            head = 4 if size == 126 else 10
            size = int.from_bytes(data[end + 2 : end + head], "big")
        size += head + 4 * (data[end + 1] >> 7)
        if len(data) - end < size:
            break
        end += size
    return end


class End:
    """One end of a memory connection that speaks bytes. What it does not take in stays on the line, which may fill."""

    def __init__(self, sock: MemorySocket, *, masked: bool) -> None:
        self.socket = sock
        self.ended = False
        """The other side has ended its half of the stream."""
        self.error: int | None = None
        """What the socket failed with."""
        self._masked = masked  # what is heard
        self._heard = bytearray()

    def say(self, *data: bytes) -> None:
        """Put bytes on the line; there must be room."""
        for part in data:
            assert self.socket.send(part) == len(part)

    def listen(self, most: int = 1 << 30) -> bytes:
        """Take in what has arrived, at most `most` bytes; gives all that was not given as a head or frame yet."""
        while most > 0 and not self.ended and self.error is None:
            try:
                data = self.socket.recv(min(most, 65536))
            except BlockingIOError:
                break
            except OSError as error:
                self.error = error.errno
                break
            self.ended = not data
            self._heard += data
            most -= len(data)
        return bytes(self._heard)

    def receive_head(self) -> bytes:
        """The HTTP head that has arrived; empty where there is none yet."""
        head, blank, rest = self.listen().partition(b"\r\n\r\n")
        if not blank:
            return b""
        self._heard = bytearray(rest)
        return head + blank

    def receive_frames(self) -> list[Sent]:
        """The frames that have arrived whole, behind the head of an answer that was not asked for."""
        if self.listen().startswith(b"HTTP/"):
            self.receive_head()
        data = self.listen()
        end = whole_frames(data)
        del self._heard[:end]
        frames = read_frames(data[:end])
        assert all(sent.masked == self._masked for sent in frames)
        return frames

    def receive(self) -> list[object]:
        """The frames that have arrived whole, in short."""
        return [short(sent) for sent in self.receive_frames()]

    @property
    def gone(self) -> bool:
        """Whether the other side has given the connection up, by end of stream or reset."""
        self.listen()
        return self.ended or self.error is not None


class Peer(End):
    """A client's end."""

    def __init__(self, network: MemoryNetwork, port: int, *, conditions: Conditions | None = None) -> None:
        super().__init__(network.dial(port, conditions=conditions), masked=False)

    def ask(self, path: str = "/", *more: str, then: bytes = b"") -> None:
        """Ask for a WebSocket; `more` are further header lines, `then` follows in the same packet."""
        headers = [f"{name}: {value}" for name, value in UPGRADE.items()]
        self.say("\r\n".join([f"GET {path} HTTP/1.1", *headers, *more, "", ""]).encode("latin-1") + then)

    def receive_status(self) -> int:
        """The status of the answer; 0 where there is none yet."""
        head = self.receive_head()
        return int(head[9:12]) if head else 0


class ServerEnd(End):
    """A server's end."""

    def __init__(self, sock: MemorySocket) -> None:
        super().__init__(sock, masked=True)

    def answer(self, *more: str, then: bytes = b"") -> bytes:
        """Accept the WebSocket that is asked for; gives the request's head."""
        head = self.receive_head()
        key = head.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0]
        self.say(answer_head(accept_key(key.decode()), *more) + then)
        return head


class House:
    """A server on a memory network, with a log of what it was called for; a connection's name is its path.

    Args:
        clock: of the server, where it is not the network's.
        conditions: of the lines.
        options: of the server; callbacks among them are called behind the log.
    """

    def __init__(self, *, clock: Clock | None = None, conditions: Conditions | None = None, **options: Any) -> None:
        self.network = MemoryNetwork(conditions=conditions)
        self.clock: ManualClock = self.network.clock
        self.log: list[tuple[Any, ...]] = []
        calls = {kind: self._logged(kind, options.pop(f"on_{kind}", None)) for kind in ("open", "close")}
        kind = "frame" if "on_frame" in options else "message"
        calls[kind] = self._logged(kind, options.pop(f"on_{kind}", None))
        callbacks = {f"on_{kind}": call for kind, call in calls.items()}
        self.server = WebSocketServer(**{"network": self.network, "clock": clock, **callbacks, **options})

    def _logged(self, kind: str, then: Callable[..., object] | None) -> Callable[..., None]:
        def call(ws: WebSocket, *arguments: object) -> None:
            self.log.append((kind, ws.request.path, *arguments))
            if then is not None:
                then(ws, *arguments)

        return call

    @property
    def statistics(self) -> EndpointStatistics:
        return self.server.statistics()

    def dial(self, *, conditions: Conditions | None = None) -> Peer:
        """A peer that has said nothing yet."""
        return Peer(self.network, self.server.port, conditions=conditions)

    def peer(self, path: str = "/", *more: str, conditions: Conditions | None = None) -> Peer:
        """A peer that is through its handshake."""
        peer = self.dial(conditions=conditions)
        peer.ask(path, *more)
        self.turn(3)
        assert peer.receive_status() == 101
        return peer

    def peers(self, count: int) -> list[Peer]:
        """Peers with the paths /0, /1, …"""
        return [self.peer(f"/{number}") for number in range(count)]

    def ws(self, path: str = "/") -> WebSocket:
        """The newest connection with this path."""
        return next(ws for ws in reversed(self.server.connections) if ws.request.path == path)

    def turn(self, slices: int = 1) -> bool:
        """Work, without a limit and without waiting."""
        goes_on = True
        for _ in range(slices):
            goes_on = self.server.work(None, wait=0)
        return goes_on

    def run(self, seconds: float) -> None:
        """Let time pass, in frames."""
        run(self.network, seconds, self.server)

    def heard(self, kind: str, path: str | None = None) -> list[Any]:
        """The first argument of each call of one kind (for one connection)."""
        return [entry[2] for entry in self.log if entry[0] == kind and path in (None, entry[1])]

    @property
    def opens(self) -> list[str]:
        """The connections that were opened, by name."""
        return [entry[1] for entry in self.log if entry[0] == "open"]

    @property
    def closes(self) -> list[tuple[str, int, str]]:
        """What on_close was called with: name, code, reason."""
        return [(entry[1], entry[2], entry[3]) for entry in self.log if entry[0] == "close"]


def run(network: MemoryNetwork, seconds: float, *endpoints: Endpoint) -> None:
    """Let time pass on a network, in frames in which every endpoint works without waiting."""
    for _ in range(max(1, round(seconds / FRAME))):
        for endpoint in endpoints:
            endpoint.work(None, wait=0)
        network.clock.advance(FRAME)


class Ticking(ManualClock):
    """A clock at which every look costs time."""

    @property
    def instant(self) -> float:
        """Seconds, for nothing."""
        return self._now / NANOSECONDS


def nothing_left(house: House) -> bool:
    """Whether a server keeps nothing of connections that are gone: asserts it, place by place."""
    links = house.server._links
    assert (links.by_fd, links.open, list(links.notices.farewells)) == ({}, {}, [])
    assert (list(links.pump.ready), list(links.queue.pending)) == ([], [])
    assert links.deadlines.timers.next_due() is None
    assert links.deadlines.timers._heap == []
    return True
