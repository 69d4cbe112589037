"""What the tests of game and client share: a table with a log, and clients and servers that say what they like."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from msgspec import Meta

import tickws
from tests.transport.peers import Peer
from tickws.clock import NANOSECONDS
from tickws.sync.wire import SUBPROTOCOL, Ack, Event, Snapshot, Welcome, server_reader
from tickws.testing import GameTable, MemorySocket

SPEAKS = f"Sec-WebSocket-Protocol: {SUBPROTOCOL}"
"""The header line with which a client of a game asks."""
E = TypeVar("E")


class Move(tickws.Input):
    """The inputs of most tests: one that is held, one that is pressed."""

    dy: Annotated[float, Meta(ge=-1, le=1)] = 0.0
    serve: tickws.Press = False


class Free(tickws.Input):
    """An input without bounds: NaN and infinities are of its type."""

    x: float = 0.0


class Table(GameTable[Any]):
    """A `GameTable` whose bus and whose players' inputs are logged.

    Args:
        inputs: the subclass of `Input`.
        options: of the `GameTable`.
    """

    def __init__(self, inputs: type[tickws.Input] = Move, **options: Any) -> None:
        super().__init__(inputs, **options)
        self.events: list[Any] = []
        """What the game said on the bus, in order."""
        self.inputs: dict[int, list[Any]] = {}
        """Each player's input frames, one a tick."""
        for kind in GAME_EVENTS:
            self.loop.bus.subscribe(kind, self.events.append)
        self.loop.system(self._note)

    def _note(self, tick: tickws.Tick) -> None:
        for player in self.game.players:
            self.inputs.setdefault(player.id, []).append(player.input(tick))

    def publish_each_tick(self, state: Any = None) -> None:
        """Publish in each tick: `state`, or one entity whose x is the tick's number."""
        self.loop.system(lambda tick: self.game.publish(state or {1: {"x": float(tick.number)}}))

    def run_apart(self, seconds: float, turn: Callable[[], object], rate: int, phase: float) -> None:
        """Let `seconds` pass in which the server has its frames, and somebody else has a turn `rate` times a second.

        `phase`: by how much of a turn the first one comes after the server's first frame.
        """
        start = self.clock.now_ns()
        beats: list[tuple[int, int, Callable[[], object]]] = []
        for order, (act, often, late) in enumerate([(self.loop.frame, self.loop.rate, 0.0), (turn, rate, phase)]):
            count = round(seconds * often)
            times = (start - int(-(number + late) * NANOSECONDS // often) for number in range(count))
            beats += [(time, order, act) for time in times]
        for time, _, act in sorted(beats, key=lambda beat: beat[:2]):
            self.clock.advance_to_ns(time)
            act()

    def of(self, kind: type[E]) -> list[E]:
        """The events of one kind."""
        return [event for event in self.events if type(event) is kind]

    def raw(self, path: str = "/", *, hello: bool = True, **options: Any) -> "RawClient":
        """A client that says what it is told; welcome already, if it has said hello."""
        raw = RawClient(self, path, **options)
        if hello:
            raw.hello()
        self.run(0.1 + 8 * self.network.conditions.latency)
        return raw

    def ask(self, path: str = "/", *headers: str) -> bytes:
        """The whole HTTP answer to a request for a WebSocket."""
        peer = Peer(self.network, self.game.port)
        peer.ask(path, *headers)
        self.run(0.1)
        return peer.listen()

    def player(self, number: int) -> tickws.Player[Any]:
        """The player or spectator with that number."""
        return next(player for player in (*self.game.players, *self.game.spectators) if player.id == number)

    @property
    def counts(self) -> tickws.GameStatistics:
        return self.game.statistics()

    def line(self) -> MemorySocket:
        """The client's end of the newest connection."""
        ends = [sock for sock in self.network.sockets.values() if isinstance(sock, MemorySocket)]
        return max((sock for sock in ends if sock.getpeername()[1] == self.game.port), key=MemorySocket.fileno)


GAME_EVENTS = (
    tickws.PlayerJoined,
    tickws.PlayerLeft,
    tickws.SpectatorJoined,
    tickws.SpectatorLeft,
    tickws.MessageReceived,
    tickws.InputRejected,
    tickws.PlayerSlow,
)


class RawClient:
    """A WebSocket that speaks tickws.1 by hand; `GameTable.run` turns it as it does a `GameClient`."""

    def __init__(self, table: Table, path: str, **options: Any) -> None:
        self.heard: list[Any] = []
        """What the server has said, decoded."""
        self.closed: tuple[int, str] | None = None
        self.table = table
        self.sequence = 0
        self._read = server_reader().read
        self.socket = tickws.WebSocketClient(
            f"ws://127.0.0.1:{table.game.port}{path}",
            subprotocols=[SUBPROTOCOL],
            network=table.network,
            on_message=lambda ws, message: self.heard.append(self._read(message)),
            on_close=self._on_close,
            **options,
        )
        self.line = table.line()
        """Our end of the memory connection."""
        table.clients.append(self)  # type: ignore[arg-type]

    def _on_close(self, ws: tickws.WebSocket, code: int, reason: str) -> None:
        self.closed = (code, reason)

    def work(self) -> bool:
        """One slice."""
        return self.socket.work(None, wait=0)

    def say(self, *message: object) -> None:
        """Send one message, of these elements."""
        self.socket.send(tickws.pack(list(message)))

    def say_bytes(self, *data: bytes | str) -> None:
        """Send messages as they are."""
        for each in data:
            self.socket.send(each)

    def hello(
        self,
        *,
        version: int = 1,
        hash: int | None = None,
        protocol: str = "",
        rate: int | None = None,
        token: bytes | None = None,
    ) -> None:
        """Say hello."""
        self.say(0, version, hash, protocol, rate, token, 0)

    def input(self, tick: int, *frame: object, applied: int | None = None, event: int = 0) -> None:
        """Send an input frame with the next sequence number."""
        self.sequence += 1
        self.say(2, self.sequence, tick, applied, event, list(frame) or [0.0, False])

    def of(self, kind: type[E]) -> list[E]:
        """What was heard of one kind."""
        return [message for message in self.heard if type(message) is kind]

    @property
    def welcome(self) -> Welcome:
        (welcome,) = self.of(Welcome)
        return welcome

    @property
    def snapshots(self) -> list[Snapshot]:
        return self.of(Snapshot)

    @property
    def messages(self) -> list[tuple[str, Any]]:
        """The events heard, with their payload."""
        return [(event.name, tickws.unpack(bytes(event.payload))) for event in self.of(Event)]

    @property
    def acknowledged(self) -> list[int]:
        """The events that the server said it has."""
        return [message.event for message in self.heard if isinstance(message, (Ack, Snapshot))]


class FakeServer:
    """A server that says what it is told, on the table's place in a client's life.

    Args:
        network: a memory network.
        answer: False: requests are refused with 404.
    """

    def __init__(self, network: Any, port: int = 8056) -> None:
        self.heard: list[list[Any]] = []
        """What clients have said."""
        self.closes: list[tuple[int, str]] = []
        self.server = tickws.WebSocketServer(
            network=network,
            port=port,
            subprotocols=[SUBPROTOCOL],
            on_message=lambda ws, message: self.heard.append(tickws.unpack(bytes(message))),  # type: ignore[arg-type]
            on_close=lambda ws, code, reason: self.closes.append((code, reason)),
        )

    def say(self, *message: object) -> None:
        """Send one message, of these elements, to everybody."""
        self.server.broadcast(tickws.pack(list(message)))

    def welcome(self, player: int = 1, *, rate: int = 60, snapshot_rate: int = 20, tick: int = 0) -> None:
        """Welcome everybody."""
        time = tick * 1_000_000 // rate
        self.say(1, 1, 0, "", rate, snapshot_rate, player, False, b"", tick, time, 4096)

    def snapshot(
        self, tick: int, entities: Any, *, cuts: Any = (), slipped: int = 0, baseline: int | None = None
    ) -> None:
        """Send a whole snapshot."""
        self.say(5, None, 0, tick, tick * 1_000_000 // 60 + slipped, slipped, baseline, entities, [], dict(cuts))
