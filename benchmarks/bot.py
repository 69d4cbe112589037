"""A light client of tickws.1: bytes in, bytes out. Of a snapshot it reads the head, and skips the world.

It does as it is told, and answers each event of the server with a "done": after "stop" it has no inputs more, after
"hush" it says nothing more at all, so that both ends can be counted.

The tick of each input frame is from the real `Pacer`; what it applies it acknowledges, as `GameClient` does. The rest
of a real client (the world between two snapshots) costs it nothing, so that one process can be hundreds of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import msgspec

from benchmarks.arena import Move
from benchmarks.peer import Peer
from tickws.client.pacer import Pacer
from tickws.clock import Clock
from tickws.sync.schema import InputSchema, fingerprint
from tickws.sync.wire import (
    SUBPROTOCOL,
    VERSION,
    Ack,
    Event,
    Hello,
    InputMessage,
    Inputs,
    Welcome,
    encode,
    protocol_text,
)

__all__ = ["Bot", "BotResult", "move"]

MICROSECONDS = 1_000_000
TURNS = 16
"""Directions to go in, one after the other."""
STRAIGHT = 30
"""Input frames in one direction."""
EVERY = 60
"""Input frames from one dash to the next."""

_DIRECTIONS = [(math.cos(math.tau * i / TURNS), math.sin(math.tau * i / TURNS)) for i in range(TURNS)]
_MOVES = {dash: [Move(dx, dy, dash) for dx, dy in _DIRECTIONS] for dash in (False, True)}
_PROTOCOL = protocol_text("", InputSchema(Move).text)


class Head(msgspec.Struct, array_like=True, tag=5):
    """The beginning of a snapshot; msgspec goes over what follows."""

    inputs: Inputs | None
    event: int
    tick: int
    time: int
    slipped: int
    baseline: int | None


_decode = msgspec.msgpack.Decoder(Welcome | Event | Ack | Head).decode


@dataclass(frozen=True, slots=True)
class BotResult:
    """One light client's part of a match."""

    said: int
    """Messages."""
    heard: int
    """Messages."""
    inputs: int
    presses: int
    snapshots: int
    spared: int
    """Snapshots that were due and not sent: it had not applied enough of those before."""
    close_code: int | None
    fault: str


class Bot(Peer):
    """A player, or a spectator.

    Args:
        name: its number, which is in its URL.
        clock: what its times are read from.
    """

    __slots__ = (
        "_applied",
        "_clock",
        "_done",
        "_event",
        "_interval",
        "_name",
        "_pacer",
        "_spectator",
        "_told",
        "inputs",
        "messages_heard",
        "messages_said",
        "presses",
        "snapshots",
        "spared",
    )

    def __init__(self, name: int, host: str, clock: Clock, *, spectator: bool = False) -> None:
        role = "&role=spectator" if spectator else ""
        super().__init__(f"/?player={name}{role}", host, SUBPROTOCOL)
        self._name = name
        self._clock = clock
        self._spectator = spectator
        self._pacer: Pacer | None = None
        self._interval = 1  # ticks from snapshot to snapshot
        self._applied: int | None = None
        self._told: tuple[int, int | None] = (0, None)
        self._event = 0
        self._done: set[str] = set()
        self.messages_said = self.messages_heard = 0
        self.inputs = self.presses = self.snapshots = self.spared = 0

    @property
    def ready(self) -> bool:
        """Whether it is welcome."""
        return self._pacer is not None

    def opened(self) -> None:
        """Introduce ourselves."""
        self.tell(Hello(VERSION, fingerprint(_PROTOCOL), _PROTOCOL, None, None, 0))

    def tell(self, message: object) -> None:
        """Send one message."""
        self.messages_said += 1
        self.say(encode(message))

    def play(self) -> None:
        """One frame of a client: what is due is said."""
        pacer = self._pacer
        assert pacer is not None, "its turns begin when it is ready"
        news = (self._event, self._applied)
        if "hush" in self._done:
            return
        if not self._spectator and "stop" not in self._done:
            for tick in pacer.due(self._clock.now()):
                frame = move(self._name, self.inputs)
                self.inputs += 1
                self.presses += frame.dash
                self.tell(InputMessage(self.inputs, tick, self._applied, self._event, frame))
                self._told = news
        if self._told != news:
            self._told = news
            self.tell(Ack(self._event, self._applied))

    def heard(self, payload: bytes) -> None:
        """The server says something."""
        self.messages_heard += 1
        message = _decode(payload)
        if isinstance(message, Head):
            self._apply(message)
        elif isinstance(message, Event):
            if message.number != self._event + 1:
                raise ValueError(f"event {message.number} after {self._event}")
            self._event = message.number
            self._done.add(message.name)
            self.tell(Event(message.number, "done", msgspec.Raw(encode(None))))
        elif isinstance(message, Welcome):
            self._interval = message.tick_rate // message.snapshot_rate
            self._pacer = Pacer(message.tick_rate, message.tick, message.time / MICROSECONDS, self._clock.now())

    def _apply(self, snapshot: Head) -> None:
        if self._pacer is None or snapshot.baseline is not None:
            raise ValueError("a snapshot that cannot be applied")
        if self._applied is not None:
            if snapshot.tick <= self._applied:
                raise ValueError(f"snapshot {snapshot.tick} after {self._applied}")
            self.spared += (snapshot.tick - self._applied - 1) // self._interval
        self.snapshots += 1
        self._applied = snapshot.tick
        now = self._clock.now()
        self._pacer.snapshot(snapshot.time / MICROSECONDS, snapshot.slipped / MICROSECONDS, now)
        if snapshot.inputs is not None:
            self._pacer.feedback(snapshot.inputs.received, snapshot.inputs.lead, self.inputs + 1, now)

    def result(self, *, over: bool) -> BotResult:
        """Its part; `over` tells whether the connection has ended."""
        return BotResult(
            said=self.messages_said,
            heard=self.messages_heard,
            inputs=self.inputs,
            presses=self.presses,
            snapshots=self.snapshots,
            spared=self.spared,
            close_code=self.ended(over=over),
            fault=self.fault,
        )


def move(name: int, number: int) -> Move:
    """What player `name` does in its input frame `number`."""
    return _MOVES[(name + number) % EVERY == 0][(name + number // STRAIGHT) % TURNS]
