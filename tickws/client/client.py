"""`GameClient`: a line to a game, what it says over it, and the world that it shows."""

from __future__ import annotations

import logging
import os
import ssl
from collections.abc import Callable, Mapping
from typing import Any, Generic, Literal, Self, TypeVar
from urllib.parse import urlencode

from tickws.bus import EventBus
from tickws.client.events import Connected, Disconnected, Dropped, ServerMessage
from tickws.client.line import Callbacks, Line
from tickws.client.pacer import Pacer
from tickws.client.timeline import Timeline
from tickws.client.voice import Controls, Voice
from tickws.client.world import Entities, SnapshotBuffer
from tickws.clock import NANOSECONDS, Clock, SystemClock, check_seconds
from tickws.errors import LoopErrorPolicy, ProtocolFault
from tickws.protocol.extensions import Deflate
from tickws.protocol.handshake import HeaderFields
from tickws.protocol.limits import Limits
from tickws.protocol.opcodes import CloseCode
from tickws.sync.events import pack_payload
from tickws.sync.messages import MessageTypes
from tickws.sync.schema import Input, InputSchema, fingerprint
from tickws.sync.wire import (
    MICROSECONDS,
    VERSION,
    Ack,
    Event,
    Hello,
    Snapshot,
    Welcome,
    encode,
    protocol_text,
    server_reader,
)
from tickws.transport.network import Network
from tickws.transport.websocket import WebSocket

__all__ = ["GameClient"]

I = TypeVar("I", bound=Input)  # noqa: E741
F = TypeVar("F", bound=Callable[[Any], object])

logger = logging.getLogger("tickws")

RESERVE = 4  # one part in so many of a budget is flush's own


class GameClient(Generic[I]):
    """A client of a `GameServer`, turned by your own loop as a server is.

        with tickws.GameClient("ws://127.0.0.1:8056/", inputs=Move) as client:
            while client.work():                           # never waits, unless told
                client.send_input(Move(dy=keyboard()))     # what you do from now on
                draw(client.state())                       # the world a moment ago, smooth
                clock.tick(60)

    It connects inside `work`, and comes back by itself when the connection is lost. Its events (`Connected`, `Dropped`,
    `Disconnected`, `ServerMessage`) are on `client.bus`, and are delivered inside `work`.

    Args:
        url: ws://host:port/path of the game.
        inputs: the subclass of `Input` that the server has; None: one who only watches needs none.
        role: "player", or "spectator" to ask for a seat to watch from.
        query: further parameters of the URL, for the game: {"name": "Ada"}.
        protocol: the label that the server has.
        tick_rate: the server's, where you depend on it; None: any.
        origin, headers, ssl_context, compression, limits, network, clock, mask_source: as for `WebSocketClient`.
        errors: what happens to exceptions of your subscribers, see `LoopErrorPolicy`.

    Raises:
        TypeError, ValueError: an argument that cannot be used.
    """

    def __init__(
        self,
        url: str,
        inputs: type[I] | None = None,
        *,
        role: Literal["player", "spectator"] = "player",
        query: Mapping[str, str] | None = None,
        protocol: str = "",
        tick_rate: int | None = None,
        origin: str | None = None,
        headers: HeaderFields = (),
        ssl_context: ssl.SSLContext | None = None,
        compression: Deflate | None = None,
        limits: Limits | None = None,
        network: Network | None = None,
        clock: Clock | None = None,
        mask_source: Callable[[int], bytes] = os.urandom,
        errors: LoopErrorPolicy = "raise",
    ) -> None:
        if role not in ("player", "spectator"):
            raise ValueError(f'role is "player" or "spectator", not {role!r}')
        if inputs is None and role == "player":
            raise TypeError("a player has inputs: GameClient(url, inputs=Move); who watches says role='spectator'")
        self._schema = InputSchema(Input if inputs is None else inputs)
        self._text = protocol_text(protocol, self._schema.text)
        self._hash = None if inputs is None else fingerprint(self._text)
        self._tick_rate = tick_rate
        self.url = _with_query(url, {**({"role": role} if role != "player" else {}), **(query or {})})
        self._clock: Clock = clock or (network.clock if network is not None else SystemClock())
        self.bus = EventBus(errors)
        """Where its events are."""
        self.bus.subscribe(ServerMessage, self._deliver)
        self._reader = server_reader()
        self._messages = MessageTypes(strict=False)
        self._controls = Controls(self._schema)
        self._voice: Voice | None = None
        self._timeline: Timeline | None = None
        self._world = SnapshotBuffer()
        self._fresh = True  # the next snapshot is the first of its connection
        self.player: int | None = None
        """Our number in the game; None while we are not connected."""
        self.spectator = role == "spectator"
        """Whether we only watch."""
        self.tick_rate: int | None = None
        """The server's ticks a second; None before the first welcome."""
        self.snapshot_rate: int | None = None
        """The server's snapshots a second; None before the first welcome."""
        options = {
            "origin": origin,
            "headers": headers,
            "ssl_context": _trust(url) if ssl_context is None else ssl_context,
            "compression": compression,
            "limits": limits,
            "network": network,
            "mask_source": mask_source,
        }
        callbacks = Callbacks(self._opened, self._heard, self._dropped, self._ended)
        self._line = Line(callbacks, self.url, self._clock, options)

    # -- the slice ---------------------------------------------------------------------------------------------------

    def work(self, budget: float | None = None, *, wait: float | None = 0.0) -> bool:
        """One slice: `receive` and `flush`; once a frame.

        Args:
            budget: seconds that this may take, sleep included, as `WebSocketServer.work`; None: no limit.
            wait: the most seconds to sleep until something comes; 0: never; None: as long as the budget allows.

        Returns:
            False once it is over for good: closed, refused, or too many attempts; `Disconnected` was on the bus.

        Raises:
            TypeError, ValueError: budget or wait is no number of seconds.
            UsageError: called inside a callback.
        """
        budget_time = check_seconds("budget", budget)
        start = self._clock.now_ns()
        self.receive(None if budget is None else (budget_time - budget_time // RESERVE) / NANOSECONDS, wait=wait)
        left = max(budget_time // RESERVE, budget_time - (self._clock.now_ns() - start))
        return self.flush(None if budget is None else left / NANOSECONDS)

    def receive(self, budget: float | None = None, *, wait: float | None = 0.0) -> bool:
        """The first half: what the server says is read and applied, and events are delivered. As `work`."""
        self._line.receive(budget, wait)
        self.bus.dispatch()
        return not self._line.over

    def flush(self, budget: float | None = None) -> bool:
        """The second half: input frames that are due, events and acknowledgments are sent. As `work`."""
        if self._voice is not None:
            self._voice.speak(self._clock.now(), self._line.unsent_bytes)
        self._line.flush(budget)
        if self._line.over:
            self.bus.dispatch()
        return not self._line.over

    @property
    def waited(self) -> float:
        """Seconds asleep in `work`, in total; a `TickLoop` that it is added to asks for it."""
        return self._line.waited

    # -- what the player does ----------------------------------------------------------------------------------------

    def send_input(self, frame: I) -> None:
        """Say what you do from now on: `work` sends one input frame for each tick of the server.

        Call it as often as you like. Held fields count until you say otherwise, presses once each; presses of one field
        that are made before the next frame goes out are one.

        Raises:
            TypeError: it is not of the class that was given as `inputs`.
            ValueError: a field is of another type, out of its bounds, or not finite: no server would take it.
        """
        if type(frame) is not self._schema.type:
            raise TypeError(f"an input of this game is a {self._schema.type.__name__}, not {frame!r}")
        self._controls.put(frame)

    def send(self, name: str, payload: object = None) -> bool:
        """Send one message, reliably and in order; `payload`: what `tickws.pack` takes.

        Returns:
            False where we are not connected, or too many wait for the server's acknowledgment: nothing is sent then.

        Raises:
            TypeError, ValueError: the payload cannot be packed, or is more than the server takes in one message (4 KiB,
                unless it says otherwise); or the name is none (1 to 64 characters).
        """
        packed = pack_payload(name, payload)
        return self._voice is not None and self._voice.event(name, packed)

    def message(self, name: str, type: Any = Any) -> Callable[[F], F]:
        """Have a function called for the server's messages of that name, with a payload of that type.

            @client.message("chat", Chat)
            def chat(line): ...

        Raises:
            TypeError, ValueError: the name names no message, or is declared already; the type is none of msgspec's.
        """
        return self._messages.handler(name, type, ("payload",))

    # -- what the player sees ----------------------------------------------------------------------------------------

    def state(self, now: float | None = None) -> Entities:
        """The world as it is to be shown: entity id to fields, as new dicts.

        Between two snapshots, numbers that the server has as floats move evenly. What is shown lies about two snapshot
        intervals behind the server. Empty before the first snapshot; while the connection is lost, as it was.

        Args:
            now: seconds on this client's clock; None: now.
        """
        if self._timeline is None:
            return {}
        return self._world.at(self._timeline.advance(self._clock.now() if now is None else now))

    @property
    def connected(self) -> bool:
        """Whether we are welcome, and nothing was lost since."""
        return self._voice is not None

    @property
    def latency(self) -> float | None:
        """Seconds of the round trip, smoothed; None before the first input frame was answered."""
        return None if self._voice is None else self._voice.latency

    def close(self, code: int = CloseCode.NORMAL, reason: str = "", *, timeout: float = 5.0) -> None:
        """Begin to close; `work` goes on, and says False when it is done.

        Raises:
            ValueError: code, reason or timeout cannot be used.
        """
        self._line.close(code, reason, timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Close, and work until done."""
        self.close()
        while self.work(0.05, wait=0.05):
            pass

    # -- what the line says ------------------------------------------------------------------------------------------

    def _opened(self, ws: WebSocket) -> None:
        """The line is up: say hello."""
        ws.send(encode(Hello(VERSION, self._hash, self._text, self._tick_rate, None, 0)))

    def _dropped(self, code: int, reason: str, seconds: float) -> None:
        """The line is lost, for now."""
        self._voice = None
        self.player = None
        self.bus.emit(Dropped(code, reason, seconds))

    def _ended(self, code: int, reason: str) -> None:
        """The line is lost, for good."""
        self._voice = None
        self.player = None
        self.bus.emit(Disconnected(code, reason))

    # -- what the server says ----------------------------------------------------------------------------------------

    def _heard(self, ws: WebSocket, data: str | bytes) -> None:
        try:
            message = self._reader.read(data)
            if isinstance(message, Welcome):
                self._welcome(ws, message)
            elif self._voice is None:
                raise ProtocolFault(CloseCode.POLICY_VIOLATION, "the server speaks before its welcome")
            elif isinstance(message, Snapshot):
                self._apply(self._voice, message)
            elif isinstance(message, Event):
                if self._voice.heard(message):
                    self._tell(message)
            elif isinstance(message, Ack):
                self._voice.outgoing.acknowledge(message.event)
        except ProtocolFault as fault:
            self._line.fail(ws, fault.close_code, f"the server's fault: {fault.reason}")

    def _tell(self, event: Event) -> None:
        """One message that does not fit what this client declared is no reason to leave."""
        try:
            self.bus.emit(ServerMessage(event.name, self._messages.payload(event)))
        except ProtocolFault as fault:
            logger.warning("%s: dropped a message of the server: %s", self.url, fault.reason)

    def _welcome(self, ws: WebSocket, message: Welcome) -> None:
        if self._voice is not None:
            raise ProtocolFault(CloseCode.POLICY_VIOLATION, "a second welcome")
        if message.version != VERSION:
            raise ProtocolFault(CloseCode.POLICY_VIOLATION, f"it speaks version {message.version}, we {VERSION}")
        pacer = Pacer(message.tick_rate, message.tick, message.time / MICROSECONDS, self._clock.now())
        self._voice = Voice(
            ws.send, pacer, self._controls, watches=message.spectator, message_bytes=message.message_bytes
        )
        self._fresh = True
        self._line.welcome()
        self.player = message.player
        self.spectator = message.spectator
        self.tick_rate = message.tick_rate
        self.snapshot_rate = message.snapshot_rate
        self.bus.emit(Connected(message.player, message.spectator))

    def _apply(self, voice: Voice, snapshot: Snapshot) -> None:
        if snapshot.baseline is not None:
            raise ProtocolFault(CloseCode.POLICY_VIOLATION, f"a difference from {snapshot.baseline}, unasked")
        if self._fresh and self.snapshot_rate is not None:
            self._fresh = False
            self._timeline = Timeline(self.snapshot_rate)
            self._world = SnapshotBuffer()
        if not self._world.insert(snapshot):
            raise ProtocolFault(CloseCode.POLICY_VIOLATION, f"snapshot {snapshot.tick} after a newer one")
        now = self._clock.now()
        voice.applied = snapshot.tick
        voice.outgoing.acknowledge(snapshot.event)
        voice.pacer.snapshot(snapshot.time / MICROSECONDS, snapshot.slipped / MICROSECONDS, now)
        if self._timeline is not None:
            self._timeline.insert(snapshot.time / MICROSECONDS, now)
        if snapshot.inputs is not None:
            voice.answered(snapshot.inputs, now)

    def _deliver(self, message: ServerMessage) -> None:
        function = self._messages.handlers.get(message.name)
        if function is not None:
            function(message.payload)


def _trust(url: str) -> ssl.SSLContext | None:
    """Whom to trust where nothing else is said; made once for all attempts, as it takes 10 ms."""
    return ssl.create_default_context() if url.lower().startswith("wss:") else None


def _with_query(url: str, query: Mapping[str, str]) -> str:
    if not query:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"
