"""The program that the attacked server belongs to: what it is called for, held against what was said, and what it does.

A promise that is broken is a fault, wherever it was found: a callback's exception would only be logged.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from ssl import SSLContext
from typing import Any

from tests import certificates
from tests.hostile.honest import Honest
from tests.transport.peers import Ticking
from tickws.clock import ManualClock
from tickws.errors import ErrorPolicy
from tickws.protocol.events import Frame
from tickws.protocol.extensions import Deflate
from tickws.protocol.handshake import Reject, Request
from tickws.protocol.limits import Limits
from tickws.protocol.opcodes import is_wire_close_code
from tickws.testing import MemoryNetwork
from tickws.transport.network import Address
from tickws.transport.server import WebSocketServer
from tickws.transport.websocket import WebSocket

__all__ = ["LIMITS", "Act", "Oops", "Program", "Visit"]

LIMITS = Limits(
    message_bytes=3000, header_bytes=2000, header_count=20, queue_bytes=20_000, queue_messages=40, latest_keys=4,
    slice_messages=5, slice_bytes=2000, slow_seconds=0.5,
    handshake_seconds=3.0, closing_seconds=1.0, ping_seconds=2.0, dead_seconds=4.0,
)  # fmt: skip
Act = Callable[["Program", WebSocket | None], object]
"""What the program does inside a callback; the WebSocket is the one that it is called for, if any."""


class Oops(Exception):
    """What callbacks raise."""


@dataclass
class Visit:
    """What a connection was called for, from `on_open` to `on_close`."""

    heard: int = 0
    """Messages delivered."""
    said: list[str] = field(default_factory=list)
    """Reliable messages that its `send` has taken."""
    opens: int = 0
    closes: int = 0
    dismissed: bool = False
    """The program has closed it: no message may come after that."""
    excuse: str = ""
    """Why it may be closed: the program did it, or it was silent too long."""
    farewell: int | None = None
    """The code of a Close behind all that was said."""


@cache
def _door() -> SSLContext:
    # RSA: its signatures are all of one length, so that what goes over the line is, too
    return certificates.served(kind="rsa")


class Program:
    """A server, what it is called for, and what it says.

    Args:
        reading: seconds that a look at the server's clock takes.
        cost: seconds that a callback takes, by name; "produce" is a producer.
        errors: what becomes of the callbacks' exceptions.
        compression: what the server agrees to.
        by_frame: whether it is called frame by frame.
        secure: whether it speaks TLS.
        most: connections at once.
        chatter: what every honest client says in each frame, in messages; the program answers each of them.
        limits: of the server.
    """

    def __init__(
        self,
        *,
        reading: float = 0.0,
        cost: dict[str, float] | None = None,
        errors: str = "close",
        compression: Deflate | None = None,
        by_frame: bool = False,
        secure: bool = False,
        most: int = 12,
        chatter: int = 0,
        limits: Limits = LIMITS,
    ) -> None:
        self.network = MemoryNetwork()
        self.clock: ManualClock = Ticking(reading=reading) if reading else self.network.clock
        self.reading = reading
        self.cost = cost or {}
        self.secure = secure
        self.compression = compression
        self.most = most
        self.chatter = chatter
        self.limits = limits
        self.policy = errors
        policy: Any = self._told if errors == "call" else errors
        checked: ErrorPolicy = policy
        options: dict[str, Any] = {"on_frame": self._on_frame} if by_frame else {"on_message": self._on_message}
        self.server = WebSocketServer(
            port=0, network=self.network, clock=self.clock, max_connections=most, limits=limits, errors=checked,
            compression=compression, ssl_context=_door() if secure else None, on_request=self._on_request,
            on_open=self._on_open, on_close=self._on_close, on_slow=self._on_slow, **options,
        )  # fmt: skip
        self.honest: dict[Address, Honest] = {}
        self.visits: dict[Address, Visit] = {}
        self.plans: dict[str, list[Act]] = {}
        """What the program does in its next callbacks, by their names."""
        self.faults: list[str] = []
        self.raised = self.told = self.escaped = 0
        self.closing = False
        self._latest = 0
        self._stepped = self._produced = 0.0  # the longest steps of this slice
        self._sockets: list[weakref.ref[WebSocket]] = []

    # -- the program -------------------------------------------------------------------------------------------------

    def fault(self, text: str) -> None:
        """A promise is broken."""
        self.faults.append(text)

    def visit(self, address: Address) -> Visit:
        """What is known of the connection from `address`."""
        return self.visits.setdefault(address, Visit())

    def plan(self, callback: str, act: Act) -> None:
        """Have the program do something in its next callback of that name."""
        self.plans.setdefault(callback, []).append(act)

    def _called(self, name: str, ws: WebSocket | None) -> None:
        self.spend(name)
        waiting = self.plans.get(name)
        if waiting:
            waiting.pop(0)(self, ws)

    def spend(self, name: str) -> None:
        """Time passes in somebody's code."""
        cost = self.cost.get(name, 0.0)
        self.clock.advance(cost)
        if name == "produce":
            self._produced = max(self._produced, cost)
        else:  # a request is answered, and its WebSocket opened, in one step
            self._stepped = max(self._stepped, cost + (self.cost.get("request", 0.0) if name == "open" else 0.0))

    def oops(self, ws: WebSocket | None) -> None:
        """Raise, as a callback does that is wrong."""
        self.raised += 1
        if ws is not None:
            self.excuse(ws, "its callback raised")
        raise Oops

    def excuse(self, ws: WebSocket, why: str) -> None:
        """A connection is closed by the program, for some reason."""
        visit = self.visit(ws.remote_address)
        visit.dismissed = True
        visit.excuse = visit.excuse or why

    def _told(self, error: Exception, source: object) -> None:
        self.told += 1
        if not isinstance(error, Oops):
            self.fault(f"the error policy is told of {error!r}")

    def _on_request(self, request: Request) -> Any:
        waiting = self.plans.get("request")
        self.spend("request")
        if waiting:
            waiting.pop(0)(self, None)
            return Reject(503)
        return True

    def _on_open(self, ws: WebSocket) -> None:
        visit = self.visit(ws.remote_address)
        visit.opens += 1
        self._sockets.append(weakref.ref(ws))
        if visit.opens > 1 or visit.closes or visit.heard or not (ws.open or visit.dismissed or self.closing):
            self.fault(f"on_open of {visit}, open: {ws.open}")
        self._called("open", ws)

    def _on_message(self, ws: WebSocket, message: str | bytes) -> None:
        visit = self.visit(ws.remote_address)
        size = len(message) if isinstance(message, bytes) else len(message.encode())
        if visit.opens != 1 or visit.closes or visit.dismissed:
            self.fault(f"a message for {visit}")
        if size > self.limits.message_bytes:
            self.fault(f"a message of {size} bytes")
        honest = self.honest.get(ws.remote_address)
        if honest is not None and (visit.heard >= len(honest.sent) or honest.sent[visit.heard] != message):
            self.fault(f"{ws.remote_address} said {message[:20]!r}, as its number {visit.heard}")
        visit.heard += 1
        if honest is not None and self.chatter:
            self.tell(ws, 0)
        self._called("message", ws)

    def _on_frame(self, ws: WebSocket, frame: Frame) -> None:
        if ws.remote_address in self.honest:
            self._on_message(ws, frame.payload.decode() if frame.opcode == 1 else bytes(frame.payload))
            return
        visit = self.visit(ws.remote_address)
        if visit.opens != 1 or visit.closes or visit.dismissed:
            self.fault(f"a frame for {visit}")
        self._called("message", ws)

    def _on_close(self, ws: WebSocket, code: int, reason: str) -> None:
        address = ws.remote_address
        visit, honest = self.visit(address), self.honest.get(address)
        visit.closes += 1
        if visit.opens != 1 or visit.closes != 1:
            self.fault(f"on_close of {visit}")
        if not (is_wire_close_code(code) or code in (1005, 1006)):
            self.fault(f"closed with {code}")
        if ws.open or ws.send("too late"):
            self.fault("a WebSocket that is closed takes messages")
        if honest is not None:
            if not (visit.excuse or honest.left):
                self.fault(f"an honest client was lost with {code} {reason!r}, and nobody had a reason")
            if code == 4200 and not visit.excuse and visit.heard < len(honest.sent):
                self.fault(f"{visit.heard} of {len(honest.sent)} messages that came before the Close")
        self._called("close", ws)

    def _on_slow(self, ws: WebSocket, seconds: float) -> None:
        visit = self.visit(ws.remote_address)
        if visit.opens != 1 or visit.closes:
            self.fault(f"on_slow of {visit}")
        self._called("slow", ws)

    # -- what the program may do, in callbacks and beside them ---------------------------------------------------------

    def pick(self, index: int) -> WebSocket | None:
        """One of the connections, by any number."""
        connections = self.server.connections
        return connections[index % len(connections)] if connections else None

    def tell(self, ws: WebSocket, size: int) -> None:
        """Say something reliable, which has to come."""
        self._tell(ws, f"r{len(self.visit(ws.remote_address).said)}" + "." * size, ws.send)

    def tell_pieces(self, ws: WebSocket, sizes: list[int], *, fails: bool = False) -> None:
        """Say something reliable in fragments; an iterable may raise."""
        pieces = [f"r{len(self.visit(ws.remote_address).said)}", *("~" * size for size in sizes)]

        def make() -> Iterator[str]:
            for number, piece in enumerate(pieces):
                self.spend("produce")
                if fails and number:
                    self.oops(ws)
                yield piece

        self._tell(ws, "".join(pieces), lambda _: ws.send_fragments(make()))

    def _tell(self, ws: WebSocket, message: str, send: Callable[[str], bool]) -> None:
        visit = self.visit(ws.remote_address)
        was_open = ws.open
        if send(message):
            visit.said.append(message)
            if not was_open:
                self.fault("a closed connection took a message")
        elif was_open:
            self.excuse(ws, "its queue was full")

    def tell_latest(self, ws: WebSocket, key: int, size: int, kind: int) -> None:
        """Set a latest value: as it is, or by a producer, which may have nothing to say, or raise."""
        self._latest += 1
        value = f"l{key}:{self._latest}:" + "." * size
        calls = 0

        def produce() -> str | None:
            nonlocal calls
            calls += 1
            if calls > 1:
                self.fault("a producer was called twice")
            self.spend("produce")
            if kind % 4 == 3:
                self.oops(ws)
            return None if kind % 4 == 2 else value

        try:
            ws.send_latest(key, value if kind % 4 == 0 else produce)
        except ValueError:
            if key < self.limits.latest_keys:  # only so many are ever used
                self.fault("a key was refused, and there was room")

    def tell_all(self, size: int) -> None:
        """Broadcast something reliable."""
        before = [ws for ws in self.server.connections if ws.open]
        message = "".join(("b", str(len(self.visits)), "." * size))
        taken = self.server.broadcast(message)
        for ws in before:
            if ws.open:
                self.visit(ws.remote_address).said.append(message)
                taken -= 1
            else:
                self.excuse(ws, "its queue was full")
        if taken:
            self.fault("broadcast() has counted wrong")

    def tell_all_latest(self, key: int, size: int) -> None:
        """Broadcast a latest value."""
        self._latest += 1
        self.server.broadcast_latest(key, f"l{key}:{self._latest}:" + "." * size)

    def dismiss(self, ws: WebSocket, *, abort: bool = False) -> None:
        """Close a connection."""
        visit = self.visit(ws.remote_address)
        if ws.open and not abort and not visit.excuse:
            visit.farewell = 4100
        if abort:
            visit.farewell = None
        if ws.open or abort:
            self.excuse(ws, "the program closed it")
        if abort:
            ws.abort()
        else:
            ws.close(4100, "enough")

    def from_thread(self, act: Callable[[], object]) -> None:
        """Do something in another thread, which is over when this returns."""
        thread = threading.Thread(target=act)
        thread.start()
        thread.join(30)

    def close(self, *, abort: bool = False) -> None:
        """Close the server."""
        self.closing = True
        for visit in map(self.visit, self.honest):
            visit.excuse = visit.excuse or "the server closed"
        for ws in self.server.connections:
            self.visit(ws.remote_address).dismissed = True
        if abort:
            self._guarded(self.server.abort)
        else:
            self.server.close(1001, "good night", timeout=2.0)

    def _guarded(self, call: Callable[[], Any]) -> bool:
        """What only an `Oops` may leave, and that only where the policy says so."""
        try:
            return call() is not False
        except Oops:
            self.escaped += 1
            if self.policy != "raise":
                self.fault("a callback's exception escaped")
        return True
