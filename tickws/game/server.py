"""`GameServer`: the game's side of a frame.

receive   the server's slice: hellos, input frames and events are read, typed and put where they belong
tick      each player gets the one input frame of this tick
publish   (a system's call) the world is copied and packed, when a snapshot is due
flush     the newest snapshot is queued for each client that can take one; the server writes
"""

from __future__ import annotations

import logging
import os
import ssl
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Generic, Self, TypeVar

from tickws.clock import NANOSECONDS, Clock, check_seconds
from tickws.errors import ErrorPolicy, UsageError
from tickws.game.door import Authenticate, Door, Origins, server_for
from tickws.game.events import MessageReceived
from tickws.game.inbox import Inbox
from tickws.game.limits import GameLimits, check_rate
from tickws.game.player import Player
from tickws.game.publish import Publisher, State
from tickws.game.roster import Roster
from tickws.game.rota import Rota
from tickws.game.session import Session
from tickws.game.statistics import GameCounts, GameStatistics
from tickws.loop.subsystem import Loop, Subsystem
from tickws.loop.timestep import Tick
from tickws.protocol.extensions import Deflate
from tickws.protocol.opcodes import CloseCode
from tickws.statistics import frozen_counts
from tickws.sync.events import pack_payload
from tickws.sync.inputs import InputBuffer
from tickws.sync.messages import MessageTypes
from tickws.sync.schema import Input, InputSchema, fingerprint
from tickws.sync.snapshot import Window, World
from tickws.sync.wire import VERSION, Event, Hello, Welcome, client_reader, encode, hello_fault, protocol_text
from tickws.transport.files import File
from tickws.transport.network import Network
from tickws.transport.server import WebSocketServer
from tickws.transport.websocket import WebSocket
from tickws.web import FILES

__all__ = ["GameServer"]

logger = logging.getLogger("tickws")
I = TypeVar("I", bound=Input)  # noqa: E741
F = TypeVar("F", bound=Callable[[Player[Any], Any], object])

TOKEN_BYTES: Final = 16
_OPTIONS: Final = ("host", "port", "ssl_context", "trusted_proxies", "compression", "network", "clock", "errors")


class GameServer(Subsystem, Generic[I]):
    """A multiplayer game on a `TickLoop`: players join, say each tick what they do, and are shown the world.

        loop = tickws.TickLoop(rate=60)
        game = loop.add(tickws.GameServer(port=8056, inputs=Move, snapshot_rate=20), budget=0.004)

        @loop.system
        def simulate(tick):
            for player in game.players:
                world.move(player.id, player.input(tick).dy)
            world.step(tick.dt)
            game.publish(world.state)

        loop.run()

    Its clients speak `tickws.1` (docs/wire-format.md): `GameClient`, and `tickws.js`, which is served at /tickws.js.

    Args:
        server: the `WebSocketServer` to play on; None: one is made, with `host`, `port`, `ssl_context`,
            `trusted_proxies`, `compression`, `network`, `clock`, `errors` and `limits`, for which see there.
        inputs: a subclass of `Input`: what a player does in one tick.
        path: of the URL that players connect to.
        snapshot_rate: snapshots a second; divides the loop's rate.
        max_players: seats to play in; None: any number. A full game answers 503.
        spectators: seats to watch from, for who asks for one (`?role=spectator`) and who finds no seat to play in.
        authenticate: called with each `Request` that would be let in. What it returns becomes `player.user`; None and
            False turn away with 401, a `Reject` with what it says.
        origins: pages that may connect: "same" (this server's; clients that name none), None (all), or as a server's.
        protocol: a label of your own, compared with the client's beside `inputs`; change it with what you send.
        files: URL path to file, served to browsers beside /tickws.js.
        token_source: gives so many random bytes; chance is an argument, for tests.

    Raises:
        ListenError: the address cannot be bound.
        FileNotFoundError: one of `files` is not there.
        TypeError, ValueError: an argument that cannot be used.
    """

    def __init__(
        self,
        server: WebSocketServer | None = None,
        *,
        inputs: type[I],
        host: str | None = None,
        port: int | None = None,
        path: str = "/",
        snapshot_rate: int = 20,
        max_players: int | None = None,
        spectators: int | None = 0,
        authenticate: Authenticate | None = None,
        origins: Origins = "same",
        protocol: str = "",
        files: Mapping[str, File] | None = None,
        ssl_context: ssl.SSLContext | None = None,
        trusted_proxies: Iterable[str] | None = None,
        compression: Deflate | None = None,
        limits: GameLimits | None = None,
        network: Network | None = None,
        clock: Clock | None = None,
        errors: ErrorPolicy | None = None,
        token_source: Callable[[int], bytes] = os.urandom,
    ) -> None:
        if isinstance(snapshot_rate, bool) or not isinstance(snapshot_rate, int):
            raise TypeError(f"snapshot_rate is a whole number, not {snapshot_rate!r}")
        self.limits = GameLimits() if limits is None else limits
        if not isinstance(self.limits, GameLimits):
            raise TypeError(f"limits is a tickws.GameLimits(...), not {limits!r}")
        self.schema = InputSchema(inputs)
        self.reader = client_reader(inputs)
        self.snapshot_rate = snapshot_rate
        self.rate = 0
        self.counts = GameCounts()
        self._protocol = protocol_text(protocol, self.schema.text)
        self._door = Door(self._enter, self.leave, max_players, spectators, authenticate, origins)
        self._token_source = token_source
        self._messages = MessageTypes(strict=True)
        self._loop: Loop | None = None
        self._rota = Rota(self.now_ns)
        self._tick = -1
        options = (host, port, ssl_context, trusted_proxies, compression, network, clock, errors)
        self.server = server_for(server, self.limits, dict(zip(_OPTIONS, options, strict=True)))
        """The `WebSocketServer` that it plays on."""
        try:
            self.server.mount(path, self._door, files={**FILES, **(files or {})})
        except BaseException:
            if server is None:
                self.server.abort()
            raise

    # -- the frame ---------------------------------------------------------------------------------------------------

    def attach(self, loop: Loop) -> None:
        """Called by `loop.add`.

        Raises:
            UsageError: it is on a loop already.
            ValueError: `snapshot_rate` does not divide the loop's rate.
        """
        if self._loop is not None:
            raise UsageError("this game is on a loop already")
        check_rate(self.limits, loop.rate)
        self._publisher = Publisher(loop.rate, self.snapshot_rate)
        self._loop = loop
        self.rate = loop.rate
        self._roster: Roster[I] = Roster(loop.bus)
        loop.bus.subscribe(MessageReceived, self._delivered)

    def receive(self, budget: float | None) -> None:
        """Part of the loop's frame: the server's slice."""
        self._on_loop()
        self.server.receive(budget)

    def tick(self, tick: Tick) -> None:
        """Part of the loop's frame: one input frame for each player."""
        self._tick = tick.number
        players = self._roster.players
        overdue = tick.number - self.limits.hello_seconds * self.rate
        for session in list(self._door.sessions.values()):
            player = session.player
            if player is None:
                if session.open and session.opened_in < overdue:
                    self.counts.limited["hello_seconds"] += 1
                    self._refuse(session, f"no hello within {self.limits.hello_seconds:g} s")
                continue
            if session.inbox.busy:
                session.tick()
            if session.buffer is None:
                continue
            if player.id in players:
                player._tick, player._frame = tick.number, session.buffer.advance(tick.number)
            else:  # the bus has not come to tell of it yet
                session.buffer.skip(tick.number)
        for player in players.values():
            if player._tick != tick.number:  # gone, and the bus has not come to tell that yet
                player._tick, player._frame = tick.number, self.schema.neutral  # type: ignore[assignment]

    def flush(self, budget: float | None) -> None:
        """Part of the loop's frame: what the clients are told, and the server's writing."""
        begun = self.now_ns()
        deadline = begun + check_seconds("budget", budget)
        self._rota.flush(tuple(self._door.sessions.values()), (begun + deadline) // 2)  # the other half is for writing
        self.server.flush(None if budget is None else (deadline - self.now_ns()) / NANOSECONDS)

    def wait(self, seconds: float) -> bool:
        """As the server's; asked for by a loop with `wake_on_input`."""
        return self.server.wait(seconds)

    @property
    def waited(self) -> float:
        """Seconds that the server has slept in `work`; the loop asks for it."""
        return self.server.waited

    @property
    def behind(self) -> bool:
        """As the server's; the loop asks for it."""
        return self.server.behind

    # -- the world ---------------------------------------------------------------------------------------------------

    def publish(self, state: State) -> None:
        """Show the clients the world as it is; does nothing in ticks without a snapshot, so call it in each.

        The world is copied, and floats are quantised to 32 bits, before this returns. Each client is sent the newest
        one that is there when its socket takes it. Cost: one packing, whatever the number of clients.

        Args:
            state: entity id (all int, or all str) to its fields: a mapping from name to value, a dataclass or a msgspec
                Struct; or a callable that makes it, called only when a snapshot is due.

        Raises:
            TypeError, ValueError: that is no state, or holds what cannot be packed.
            UsageError: the game is on no loop, or no tick has run.
        """
        loop = self._on_loop()
        if self._tick < 0:
            raise UsageError("publish() belongs into a tick: there has been none")
        if self._publisher.publish(state, self._tick, loop.slipped):
            for session in self._door.sessions.values():
                if session.buffer is not None:
                    session.buffer.mark()

    def cut(self, entity: object) -> None:
        """Say that `entity` jumps in this tick: clients show it where it is, and not on the way there.

        Raises:
            TypeError: it is no entity's id.
            UsageError: the game is on no loop.
        """
        if type(entity) not in (int, str):
            raise TypeError(f"an entity's id is an int or a str, not {entity!r}")
        self._on_loop()
        self._publisher.cut(entity, self._tick)

    # -- players -----------------------------------------------------------------------------------------------------

    @property
    def players(self) -> tuple[Player[I], ...]:
        """Who plays, in the order of joining; changes only when events are delivered, never inside a system."""
        return tuple(self._roster.players.values()) if self._loop else ()

    @property
    def spectators(self) -> tuple[Player[I], ...]:
        """Who watches, in the order of joining."""
        return tuple(self._roster.spectators.values()) if self._loop else ()

    def broadcast(self, name: str, payload: object = None, *, exclude: Iterable[Player[Any]] = ()) -> int:
        """Send one event to everybody who plays or watches, packed once; gives how many took it.

        Raises:
            TypeError, ValueError: as `Player.send`.
        """
        packed = pack_payload(name, payload)
        without = set(exclude)
        sessions = [session for session in self._door.sessions.values() if session.player not in without]
        return sum(session.send_packed(name, packed) for session in sessions)

    def message(self, name: str, type: Any = Any) -> Callable[[F], F]:
        """Declare a message that players may send, and what its payload must be.

            @game.message("chat", Chat)
            def chat(player, chat): ...          # called when the bus is dispatched

        A `MessageReceived` is on the bus as well, so that decorating a function is optional. Messages that were not
        declared, or do not fit, never reach the game.

        Raises:
            TypeError, ValueError: the name names no message, or is declared already; the type is none of msgspec's.
        """
        return self._messages.handler(name, type, ("player", "payload"))

    @property
    def port(self) -> int:
        """The server's port."""
        return self.server.port

    def statistics(self) -> GameStatistics:
        """Counters since the beginning, frozen.

        Raises:
            UsageError: the game is on no loop yet.
        """
        self._on_loop()
        roster = self._roster
        counts = roster.input_counts(self._door.sessions.values())
        return self.counts.frozen(
            players=len(roster.players),
            spectators=len(roster.spectators),
            joined=roster.joined,
            left=roster.left,
            turned_away=frozen_counts(self._door.turned_away),
            inputs=counts["executed"],
            repeated=counts["missed"],
            late=counts["late"],
            out_of_range=counts["refused"],
            published=self._publisher.published,
        )

    def close(self, code: int = CloseCode.GOING_AWAY, reason: str = "", *, timeout: float = 5.0) -> None:
        """Begin to close the server, as `WebSocketServer.close`; the loop goes on until all are gone, or time is up."""
        self.server.close(code, reason, timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Close, and work until done; the loop's end does it."""
        self.server.__exit__(*error)

    # -- what sessions need of their table ---------------------------------------------------------------------------

    @property
    def world(self) -> World | None:
        """The newest published world."""
        return None if self._loop is None else self._publisher.world

    def now_ns(self) -> int:
        """The loop's clock."""
        return self._on_loop().clock.now_ns()

    @property
    def ticks(self) -> int:
        """How many ticks ran."""
        return self._tick + 1

    def emit(self, event: object, player: Player[Any]) -> None:
        """Put an event on the bus, addressed to that player's entity."""
        self._on_loop().bus.emit(event, player.entity)

    def received(self, player: Player[Any], event: Event) -> None:
        """A named message has come. Raises ProtocolFault where it cannot be used."""
        payload = self._messages.payload(event)
        self.counts.received += 1
        self.emit(MessageReceived(player, event.name, payload), player)

    def welcome(self, session: Session, hello: Hello) -> None:
        """Let a client join, or refuse it with the reason."""
        loop = self._on_loop()
        fault = hello_fault(hello, self._protocol, self.rate)
        if fault is not None:
            return self._refuse(session, fault)
        player = self._roster.join(session, self.schema.neutral)  # type: ignore[arg-type]
        session.window = Window(self.snapshot_rate)
        session.inbox = Inbox(self.limits, self.rate)
        if not session.spectator:
            session.buffer = InputBuffer(self.schema, self.rate, self._tick)
        welcome = Welcome(
            version=VERSION,
            hash=fingerprint(self._protocol),
            protocol=self._protocol,
            tick_rate=self.rate,
            snapshot_rate=self.snapshot_rate,
            player=player.id,
            spectator=session.spectator,
            token=self._token_source(TOKEN_BYTES),
            tick=self._tick + 1,
            time=self._publisher.time(self._tick + 1, loop.slipped),
            message_bytes=self.limits.message_bytes,
        )
        session.ws.send(encode(welcome))

    # -- what happens to players -------------------------------------------------------------------------------------

    def _enter(self, ws: WebSocket, spectator: bool, user: Any) -> Session:
        return Session(self, ws, spectator, user, self._tick + 1)

    def _refuse(self, session: Session, reason: str) -> None:
        self.counts.refused += 1
        self._door.refuse(session, reason)

    def leave(self, session: Session, code: int, reason: str) -> None:
        """A connection is closed, or we have closed it: its player is gone from now on, and the seat is free."""
        self._door.vacate(session)
        if self._loop is not None and not session.gone:
            session.gone = True
            self._roster.leave(session, code, reason)

    def _delivered(self, event: MessageReceived) -> None:
        function = self._messages.handlers.get(event.name)
        if function is not None and self._roster.owns(event.player):
            function(event.player, event.payload)

    def _on_loop(self) -> Loop:
        if self._loop is None:
            raise UsageError("the game is on no loop yet: loop.add(game)")
        return self._loop
