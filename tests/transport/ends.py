"""Both ends in either role: `Seat`, one of ours against a peer that speaks bytes; `Two`, two of ours on one line."""

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from tests.protocol.helpers import frame, mask_to
from tests.transport.peers import FRAME, End, Peer, ServerEnd, run
from tickws.protocol.connection import Role
from tickws.testing import Conditions, MemoryNetwork, Pair
from tickws.transport.client import WebSocketClient
from tickws.transport.server import WebSocketServer
from tickws.transport.websocket import WebSocket

Who: TypeAlias = Literal["server", "client"]


class Log:
    """What one of our ends was called for."""

    def __init__(self) -> None:
        self.opens = 0
        self.heard: list[Any] = []
        """Messages, or frames."""
        self.closes: list[tuple[int, str]] = []
        self.ws: WebSocket | None = None

    def callbacks(self, options: dict[str, Any]) -> dict[str, Callable[..., None]]:
        """The callbacks that keep this log; those that `options` has are taken out of it, and called behind."""
        data = "on_frame" if "on_frame" in options else "on_message"
        after = {name: options.pop(name, None) for name in ("on_open", data, "on_close")}

        def then(name: str, ws: WebSocket, *arguments: object) -> None:
            if after[name] is not None:
                after[name](ws, *arguments)

        def on_open(ws: WebSocket) -> None:
            self.opens += 1
            self.ws = ws
            then("on_open", ws)

        def on_data(ws: WebSocket, item: object) -> None:
            self.heard.append(item)
            then(data, ws, item)

        def on_close(ws: WebSocket, code: int, reason: str) -> None:
            assert self.opens == 1
            assert not self.closes, "told twice"
            assert not ws.open
            self.closes.append((code, reason))
            then("on_close", ws, code, reason)

        return {"on_open": on_open, data: on_data, "on_close": on_close}


class Seat(Log):
    """One end of ours, and a peer that speaks bytes.

    Args:
        role: ours.
        shaken: go through the handshake.
        url: of the server, for a client of ours.
        conditions: of the line.
        options: of our end; callbacks among them are called behind the log.
    """

    def __init__(
        self,
        role: Role,
        *,
        shaken: bool = True,
        url: str = "ws://127.0.0.1:8056/",
        conditions: Conditions | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        self.role = role
        self.network = MemoryNetwork(conditions=conditions)
        options.update(self.callbacks(options), network=self.network)
        self.ours: WebSocketServer | WebSocketClient
        self.peer: End
        if role is Role.SERVER:
            self.ours = WebSocketServer(**options)
            self.peer = Peer(self.network, self.ours.port)
        else:
            door: Any = self.network.listen("127.0.0.1", 8056, 5)[0]
            self.ours = WebSocketClient(url, **options)
            self.turn(2)
            self.peer = ServerEnd(door.accept()[0])
        if shaken:
            self.shake()
            assert self.ws is not None

    def shake(self, then: bytes = b"") -> None:
        """Go through the handshake; `then` follows the peer's half of it in the same packet."""
        if isinstance(self.peer, Peer):
            self.turn()
            self.peer.ask(then=then)
            self.turn(2)
            assert self.peer.receive_status() == 101
        elif isinstance(self.peer, ServerEnd):
            self.peer.answer(then=then)
            self.turn(2)

    @property
    def socket(self) -> WebSocket:
        """Our WebSocket, once it was opened."""
        assert self.ws is not None
        return self.ws

    def turn(self, slices: int = 1) -> bool:
        """Work, without a limit and without waiting."""
        goes_on = True
        for _ in range(slices):
            goes_on = self.ours.work(None, wait=0)
        return goes_on

    def run(self, seconds: float) -> None:
        """Let time pass, in frames."""
        run(self.network, seconds, self.ours)

    def frame(self, opcode: int, payload: bytes = b"", *, fin: bool = True) -> bytes:
        """A frame as the peer sends it."""
        return frame(opcode, payload, fin=fin, mask=mask_to(self.role))

    def say(self, opcode: int, payload: bytes = b"", *, fin: bool = True) -> None:
        """Let the peer say a frame."""
        self.peer.say(self.frame(opcode, payload, fin=fin))

    def hang_up(self, how: str) -> None:
        """Let the peer end its half of the stream ("end"), "close", or "reset"."""
        if how == "end":
            self.peer.socket.shutdown(1)
        elif how == "close":
            self.peer.socket.close()
        else:
            self.peer.socket.reset()


class Two:
    """A server and a client of ours, connected, each with its log.

    Args:
        conditions: of the line.
        options: of both ends.
    """

    def __init__(self, *, conditions: Conditions | None = None, **options: Any) -> None:
        self.logs: dict[Who, Log] = {"server": Log(), "client": Log()}
        server, client = self.logs["server"].callbacks({}), self.logs["client"].callbacks({})
        self._pair = Pair(conditions=conditions, client={**options, **client}, **{**options, **server})
        self.ends: dict[Who, WebSocketServer | WebSocketClient] = {
            "server": self._pair.server,
            "client": self._pair.client,
        }

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
        run(self._pair.network, seconds, *(self.ends[each] for each in who or self.ends))

    def stand(self, seconds: float) -> None:
        """Let time pass in which nobody works."""
        self._pair.clock.advance(max(seconds, FRAME))


def other(who: Who) -> Who:
    """Whom one talks to."""
    return "client" if who == "server" else "server"
