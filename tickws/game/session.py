"""One connection of a game: what its messages mean, and what it is told.

Promises: whatever a client says, nothing but typed and checked values reaches the game, and nothing raises. What cannot
be used is dropped, counted and told (`InputRejected`); beyond the tolerance it costs the connection, with the fault's
own close code. At most the newest snapshot waits here, and it is built when the socket takes it.
"""

from __future__ import annotations

import logging
from typing import Any, Protocol

import msgspec

from tickws.clock import NANOSECONDS
from tickws.errors import ProtocolFault
from tickws.game.events import InputRejected, PlayerSlow
from tickws.game.inbox import Inbox
from tickws.game.limits import GameLimits
from tickws.game.player import Player
from tickws.game.statistics import GameCounts
from tickws.protocol.handshake import Request
from tickws.protocol.opcodes import CloseCode, cut_reason
from tickws.sync.events import EventQueue, pack_payload
from tickws.sync.inputs import InputBuffer
from tickws.sync.schema import InputSchema
from tickws.sync.snapshot import Window, World
from tickws.sync.wire import Ack, Event, FromClient, Hello, InputMessage, MessageReader, encode
from tickws.transport.websocket import WebSocket

__all__ = ["Session", "Table"]

logger = logging.getLogger("tickws")

FIRST_WORD = "before its hello"


class Table(Protocol):
    """What a session needs of its game."""

    limits: GameLimits
    schema: InputSchema
    reader: MessageReader[FromClient]
    counts: GameCounts
    rate: int

    @property
    def ticks(self) -> int:
        """How many ticks ran."""

    @property
    def world(self) -> World | None:
        """The newest published world."""

    def now_ns(self) -> int:
        """The clock."""

    def welcome(self, session: Session, hello: Hello) -> None:
        """Let a client join, or refuse it."""

    def emit(self, event: object, player: Player[Any]) -> None:
        """Put an event on the bus, addressed to that player's entity."""

    def leave(self, session: Session, code: int, reason: str) -> None:
        """A session is over; told once."""

    def received(self, player: Player[Any], event: Event) -> None:
        """A named message has come.

        Raises:
            ProtocolFault: it cannot be used.
        """


class Session:
    """One connection; a player once its hello has come."""

    # fmt: off
    __slots__ = (
        "_applied", "_arrived", "_committed", "_outgoing", "_queued", "_refused_in", "_rejected", "_short", "_slow",
        "_table", "buffer", "gone", "inbox", "opened_in", "player", "seated", "spectator", "user", "window", "ws",
    )
    # fmt: on

    def __init__(self, table: Table, ws: WebSocket, spectator: bool, user: Any, opened_in: int) -> None:
        self._table = table
        self.ws = ws
        self.spectator = spectator
        self.user = user
        self.opened_in = opened_in
        """The tick before which it connected."""
        self.player: Player[Any] | None = None
        """None before the hello."""
        self.buffer: InputBuffer | None = None
        """None for spectators, and before the hello."""
        self.window: Window | None = None
        """None before the hello."""
        self.seated = True
        """Whether it takes a seat."""
        self.gone = False
        """Whether its player has left, as far as the game is told."""
        self._outgoing = EventQueue(table.limits.event_messages, table.limits.event_bytes)
        self.inbox: Inbox
        """Not before the hello."""
        self._short = False  # messages wait because of the rate
        self._slow = False
        self._queued = False  # a snapshot waits for the socket
        self._committed = -1  # tick of the last snapshot sent
        self._applied = -1  # tick of the last snapshot that the client has applied
        self._arrived = 0  # when the newest input frame came
        self._rejected = 0
        self._refused_in = -1  # tick of the last `InputRejected` for a frame of a wrong tick

    # -- what the client says ----------------------------------------------------------------------------------------

    def receive(self, data: str | bytes) -> None:
        """One WebSocket message."""
        try:
            if len(data) > self._table.limits.message_bytes:  # a server that was given may take longer ones elsewhere
                self._table.counts.limited["message_bytes"] += 1
                raise ProtocolFault(
                    CloseCode.MESSAGE_TOO_BIG, f"message above {self._table.limits.message_bytes} bytes"
                )
            message = self._table.reader.read(data)
            kind = type(message)
            if kind is InputMessage:
                self._take_input(message)  # type: ignore[arg-type]
            elif kind is Hello:
                self._take_hello(message)  # type: ignore[arg-type]
            elif self.player is None:
                raise ProtocolFault(CloseCode.POLICY_VIOLATION, f"kind {kind.__struct_config__.tag} {FIRST_WORD}")
            elif kind is Ack:
                self._acknowledge(message.event, message.snapshot)  # type: ignore[union-attr]
            else:
                self._take_event(self.player, message)  # type: ignore[arg-type]
        except ProtocolFault as fault:
            self._reject(fault)

    def _take_input(self, message: InputMessage[Any]) -> None:
        buffer = self.buffer
        if buffer is None:
            who = "from a spectator" if self.player else FIRST_WORD
            raise ProtocolFault(CloseCode.POLICY_VIOLATION, f"an input frame {who}")
        if not self._table.schema.is_finite(message.frame):
            raise ProtocolFault(CloseCode.INVALID_PAYLOAD, "a number that is not finite")
        self._acknowledge(message.event, message.snapshot)
        if message.sequence > buffer.received:
            self._arrived = self._table.now_ns()
        refused = buffer.receive(message.sequence, message.tick, message.frame)
        if refused is not None and self._refused_in != buffer.now and self.player is not None:
            self._refused_in = buffer.now
            self._table.emit(InputRejected(self.player, None, refused), self.player)

    def _take_hello(self, message: Hello) -> None:
        if self.player is not None:
            raise ProtocolFault(CloseCode.POLICY_VIOLATION, "a second hello")
        self._table.welcome(self, message)

    def tick(self) -> None:
        """A tick begins: messages that had to wait may reach the game."""
        self.inbox.tick()
        if self.player is not None and self.open:
            try:
                self._release(self.player)
            except ProtocolFault as fault:
                self._reject(fault)

    def _take_event(self, player: Player[Any], message: Event) -> None:
        try:
            self.inbox.put(message)
        except ProtocolFault:
            self._table.counts.limited["event_messages"] += 1
            raise
        self._release(player)

    def _release(self, player: Player[Any]) -> None:
        for event in self.inbox.take():
            self._table.received(player, event)
        short = self.inbox.short
        self._table.counts.limited["message_rate"] += short and not self._short
        self._short = short

    def _acknowledge(self, event: int, snapshot: int | None) -> None:
        self._outgoing.acknowledge(event)
        if snapshot is not None and snapshot > self._applied and self.window is not None:
            if not self.window.applied(snapshot, self._table.now_ns() / NANOSECONDS):
                raise ProtocolFault(CloseCode.POLICY_VIOLATION, f"applies snapshot {snapshot}, which was never sent")
            self._applied = snapshot
        if self._slow:
            self._keep_pace()

    def _reject(self, fault: ProtocolFault) -> None:
        """Drop a message that cannot be used; close the connection when there were too many."""
        reason = self._table.schema.explain(fault.reason, "$[5]")
        self._table.counts.rejected[fault.close_code] += 1
        self._rejected += 1
        logger.debug("%r: rejected a message: %s", self.ws.remote_address, reason)
        if self.player is not None:
            self._table.emit(InputRejected(self.player, fault.close_code, reason), self.player)
        tolerated = fault.close_code != CloseCode.MESSAGE_TOO_BIG and self.player is not None
        if tolerated and self._rejected > self._table.limits.rejected_messages:
            tolerated = False
            self._table.counts.limited["rejected_messages"] += 1
        if not tolerated:
            self.close(fault.close_code, cut_reason(reason))

    # -- what the client is told -------------------------------------------------------------------------------------

    def send(self, name: str, payload: object) -> bool:
        """As `Player.send`."""
        return self.send_packed(name, pack_payload(name, payload))

    def send_packed(self, name: str, payload: msgspec.Raw) -> bool:
        """The same for a payload that is packed once for many."""
        if self.player is None or not self.ws.open:
            return False
        outgoing = self._outgoing
        message = outgoing.put(name, payload, self._table.ticks)
        if message is None:
            full = len(outgoing) >= self._table.limits.event_messages
            self._table.counts.limited["event_messages" if full else "event_bytes"] += 1
            waiting = f"{len(outgoing)} events ({outgoing.bytes} bytes)"
            self.close(CloseCode.TRY_AGAIN_LATER, f"too slow: {waiting} are not acknowledged")
            return False
        if outgoing.half_full:
            self._keep_pace()
        return self.ws.send(message)

    def flush(self) -> None:
        """Queue what this frame has for the client: the newest snapshot, if it can take one; an acknowledgment."""
        window, world = self.window, self._table.world
        if window is None:
            return
        waiting = self._queued or (world is not None and world.tick > self._committed and not window.open)
        if waiting:
            self._keep_pace()
            return
        if world is not None and world.tick > self._committed:
            self._queued = self.ws.send_latest("snapshot", self._snapshot)
        elif self.inbox.counter.told < self.inbox.counter.received:
            self.ws.send_latest("ack", encode(Ack(self.inbox.counter.tell(), None)))
        if len(self._outgoing):
            self._keep_pace()

    def _keep_pace(self) -> None:
        """Tell the game, once a spell, of a client that does not take what it is sent.

        Time is told in ticks: nobody is slow for a hitch of ours.
        """
        snapshot = None if self.window is None else self.window.oldest
        oldest = min(tick for tick in (snapshot, self._outgoing.oldest, self._table.ticks) if tick is not None)
        age = (self._table.ticks - oldest) / self._table.rate
        limit = self._table.limits.slow_seconds
        if age >= limit or self._outgoing.half_full:
            self.stalled(age)
        elif age < limit / 2 and not self.ws.unsent_seconds:  # the socket, which may have told of it, takes all again
            self._slow = False

    def stalled(self, seconds: float) -> None:
        """The client has not taken, for `seconds`, something that it was sent."""
        if not self._slow and self.player is not None:
            self._slow = True
            self._table.counts.limited["slow_seconds"] += 1
            self._table.emit(PlayerSlow(self.player, seconds, len(self._outgoing), self._outgoing.bytes), self.player)

    def _snapshot(self) -> bytes | None:
        """The newest snapshot, made when it is committed to the stream."""
        self._queued = False
        table = self._table
        world = table.world
        if world is None or self.window is None:
            return None
        now = table.now_ns()
        self._committed = world.tick
        self.window.sent(world.tick, now / NANOSECONDS)
        table.counts.snapshots += 1
        buffer = self.buffer
        inputs = None if buffer is None else buffer.acknowledgment(max(0, now - self._arrived) // 1000)
        return world.message(inputs, self.inbox.counter.tell())

    def close(self, code: int, reason: str) -> None:
        """Close the connection; `reason` has at most 123 bytes."""
        if self.ws.open:
            self.ws.close(code, reason)
            self._table.leave(self, code, reason)

    # -- what a player asks ------------------------------------------------------------------------------------------

    @property
    def open(self) -> bool:
        """Whether something can be sent."""
        return self.ws.open

    @property
    def request(self) -> Request:
        """The request of the handshake."""
        return self.ws.request

    @property
    def round_trip(self) -> float | None:
        """Seconds, as `Window.round_trip`; the WebSocket's own ping where no snapshot was acknowledged yet.

        The window's has a frame or so of ours in it, and must: it bounds what is under way until *we* have read an
        answer. To take that out here would cost a system call for each message; players who play are never pinged.
        """
        return (self.window and self.window.round_trip) or self.ws.latency

    @property
    def behind(self) -> float | None:
        """As `Player.behind`."""
        world = self._table.world
        if world is None or self._applied < 0:
            return None
        return (world.tick - self._applied) / self._table.rate
