"""TLS without a socket of the system: what the tests hold against our end, over a memory network.

`Tunnel` stands where an `End` has a `MemorySocket`, so `Peer` and `ServerEnd` speak through it unchanged; its
ciphertext can be had before it is sent, to be cut anywhere. `TlsHouse` is a server with a log whose peers come by TLS.
"""

import ssl
from collections.abc import Callable, Iterable
from typing import Any

from tests import certificates
from tests.certificates import Kind, Version
from tests.transport.ends import Log, Seat, Who
from tests.transport.peers import FRAME, House, Peer, run
from tickws.protocol.connection import Role
from tickws.testing import Conditions, MemoryNetwork, MemorySocket
from tickws.transport.client import WebSocketClient
from tickws.transport.server import WebSocketServer
from tickws.transport.websocket import WebSocket

WHOLE = 1 << 20
"""A cut that cuts nothing."""


class Tunnel:
    """TLS over one end of a memory connection, in steps. What the line does not take waits in `unsent`."""

    def __init__(self, raw: MemorySocket, context: ssl.SSLContext, *, server: bool = False, name: str = "127.0.0.1"):
        self.raw = raw
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        side: dict[str, Any] = {"server_side": True} if server else {"server_hostname": name}
        self.tls = context.wrap_bio(self.incoming, self.outgoing, **side)
        self.unsent = b""
        self.shaken = False
        self.fault: ssl.SSLError | None = None
        """What our own TLS has said of the other side."""
        self.close_notify = False
        """The other side has said that it ends."""
        self.ragged = False
        """The stream ended without that."""
        self.heard = b""
        """What came during the handshake, as it was on the line."""
        self._ended = False

    # as a socket

    def send(self, data: bytes) -> int:
        """Seal and put on the line."""
        self.put(self.seal(data))
        return len(data)

    def recv(self, most: int) -> bytes:
        """What has arrived, opened. Empty: the end of the stream, with close_notify or without."""
        self.take_in()
        if not self.shaken and not self.shake():
            raise BlockingIOError
        try:
            data = self.tls.read(min(most, WHOLE))
        except ssl.SSLWantReadError:
            self.put(self.outgoing.read())
            raise BlockingIOError from None
        except ssl.SSLZeroReturnError:
            self.close_notify = True
            return b""
        except ssl.SSLEOFError:
            self.ragged = True
            return b""
        except ssl.SSLError as error:
            self.fault = error
            raise ConnectionAbortedError(0, str(error)) from None
        self.close_notify = self.close_notify or not data
        return data

    def shutdown(self, how: int) -> None:
        """FIN, without close_notify."""
        self.raw.shutdown(how)

    def close(self) -> None:
        """Close the line beneath."""
        self.raw.close()

    def reset(self) -> None:
        """Reset the line beneath."""
        self.raw.reset()

    # in steps

    def take_in(self) -> int:
        """Move what has arrived into our TLS; gives the bytes."""
        size = 0
        try:
            while not self._ended:
                data = self.raw.recv(65536)
                self._ended = not data
                self.incoming.write(data)
                self.heard += b"" if self.shaken else data
                size += len(data)
            self.incoming.write_eof()
        except BlockingIOError:
            pass
        return size

    def put(self, ciphertext: bytes = b"") -> int:
        """Send, behind what is unsent; gives what the line took."""
        self.unsent += ciphertext
        try:
            sent = self.raw.send(self.unsent) if self.unsent else 0
        except BlockingIOError:
            sent = 0
        self.unsent = self.unsent[sent:]
        return sent

    def hello(self) -> bytes:
        """Our next flight of the handshake, not sent; empty once there is none."""
        if not self.shaken and self.fault is None:
            try:
                self.tls.do_handshake()
                self.shaken = True
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError as error:
                self.fault = error
        return self.outgoing.read()

    def shake(self) -> bool:
        """Go on with the handshake; gives whether it is done."""
        self.take_in()
        self.put(self.hello())
        return self.shaken

    def seal(self, *pieces: bytes) -> bytes:
        """Ciphertext of these, in records of their own."""
        for data in pieces:
            while data:
                data = data[self.tls.write(data) :]  # noqa: PLW2901
        return self.outgoing.read()

    def farewell(self) -> bytes:
        """Ciphertext of close_notify."""
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        return self.outgoing.read()


class TlsPeer(Peer):
    """A client that speaks TLS by hand, on a line to our server."""

    def __init__(
        self,
        house: House,
        context: ssl.SSLContext,
        *,
        conditions: Conditions | None = None,
        name: str = "127.0.0.1",
        port: int | None = None,
    ) -> None:
        super().__init__(house.network, port or house.server.port, conditions=conditions)
        self.raw = self.socket
        self.tunnel = Tunnel(self.raw, context, name=name)
        self.socket: Any = self.tunnel
        self._house = house

    def shake(self, turns: int = 200) -> None:
        """Go through the TLS handshake."""
        for _ in range(turns):
            if self.tunnel.shake():
                break
            self._house.turn()
        assert self.tunnel.shaken, self.tunnel.fault
        self._house.turn()

    def take_all(self) -> bytes:
        """The bytes on the line, as they are."""
        data = b""
        try:
            while part := self.raw.recv(65536):
                data += part
        except BlockingIOError:
            pass
        return data

    def deliver(self, ciphertext: bytes, size: int | Iterable[int] = WHOLE) -> None:
        """Put ciphertext on the line in pieces of this size, or of these; the server works after each."""
        sizes = [size] * -(-len(ciphertext) // size) if isinstance(size, int) else list(size)
        for piece in sizes:
            data, ciphertext = ciphertext[:piece], ciphertext[piece:]
            for _ in range(100_000):
                if not data:
                    break
                try:
                    data = data[self.raw.send(data) :]
                except BlockingIOError:  # the line is full
                    pass
                self._house.turn()
            assert not data, "it is not read"


class TlsHouse(House):
    """A server behind TLS, with a log."""

    def __init__(self, version: Version | None = None, **options: Any) -> None:
        super().__init__(**{"ssl_context": certificates.served(version), **options})
        self._context = certificates.trusted()

    def dial(self, *, conditions: Conditions | None = None) -> TlsPeer:
        """A peer that has not even said hello."""
        return TlsPeer(self, self._context, conditions=conditions)

    def peer(self, path: str = "/", *more: str, conditions: Conditions | None = None) -> TlsPeer:
        """A peer that is through its handshakes."""
        peer = self.dial(conditions=conditions)
        peer.shake()
        peer.ask(path, *more)
        for _ in range(200):
            self.turn()
            if status := peer.receive_status():
                break
        assert status == 101
        self.turn()
        return peer


def tls_seat(role: Role, version: Version | None = None, *, cut: int = WHOLE, **options: Any) -> tuple[Seat, Tunnel]:
    """One of ours against a peer that speaks bytes in TLS, through both handshakes; what the peer says comes in pieces
    of `cut` bytes, one a slice."""
    if role is Role.SERVER:
        seat = Seat(role, shaken=False, ssl_context=certificates.served(version), **options)
        tunnel = Tunnel(seat.peer.socket, certificates.trusted())
    else:
        seat = Seat(role, shaken=False, url="wss://localhost:8056/", ssl_context=certificates.trusted(), **options)
        tunnel = Tunnel(seat.peer.socket, certificates.served(version), server=True)
    for _ in range(20):
        tunnel.take_in()
        flight = tunnel.hello()
        for at in range(0, len(flight), cut):
            tunnel.put(flight[at : at + cut])
            seat.turn()
        seat.turn()
    assert tunnel.shaken, tunnel.fault
    seat.peer.socket = tunnel  # type: ignore[assignment]
    seat.shake()
    assert seat.opens == 1
    return seat, tunnel


class TlsTwo:
    """A server and a client of ours, connected by TLS on a memory network, each with its log.

    Args:
        version: of TLS; None: whatever they agree on.
        kind: of the certificate.
        conditions: of the line.
        server: further options of the server alone.
        options: of both.
    """

    def __init__(
        self,
        version: Version | None = None,
        kind: Kind = "ecdsa",
        *,
        conditions: Conditions | None = None,
        server: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self.logs: dict[Who, Log] = {"server": Log(), "client": Log()}
        self.network = MemoryNetwork(conditions=conditions)
        options["network"] = self.network
        server = dict(server or {})
        callbacks = self.logs["server"].callbacks(server)
        context = certificates.served(version, kind)
        house = WebSocketServer(ssl_context=context, **{**options, **callbacks, **server})
        url = f"wss://localhost:{house.port}/"
        options.update(self.logs["client"].callbacks({}), ssl_context=certificates.trusted())
        guest = WebSocketClient(url, **options)
        self.ends: dict[Who, WebSocketServer | WebSocketClient] = {"server": house, "client": guest}
        self.run_until(lambda: self.logs["server"].opens and self.logs["client"].opens)

    def ws(self, who: Who) -> WebSocket:
        """Somebody's WebSocket."""
        ws = self.logs[who].ws
        assert ws is not None
        return ws

    def heard(self, who: Who) -> list[Any]:
        """The messages that somebody was given."""
        return self.logs[who].heard

    def closes(self, who: Who) -> list[tuple[int, str]]:
        """What somebody's `on_close` was called with."""
        return self.logs[who].closes

    def run(self, seconds: float, *who: Who) -> None:
        """Let time pass, in frames in which these work; nobody named: both."""
        run(self.network, seconds, *(self.ends[each] for each in who or self.ends))

    def run_until(self, condition: Callable[[], object], seconds: float = 600.0) -> None:
        """Let time pass until something is so, at most so much."""
        give_up = self.network.clock.now() + seconds
        while not condition():
            assert self.network.clock.now() < give_up, "nothing came of it"
            self.run(FRAME)
