"""The messages of the subprotocol `tickws.1`: one class each, their layout, and how they become bytes and back.

Each message is one binary WebSocket message: a msgpack array whose first element is its kind. docs/wire-format.md is
the specification; `tests/vectors/wire.json` has bytes for each, which Python and JavaScript both read and write.

    kind         from      | 0 | 1         | 2         | 3         | 4         | 5 ...
    HELLO        client    | 0 | version   | hash      | protocol  | tick rate | token, event
    WELCOME      server    | 1 | version   | hash      | protocol  | tick rate | snapshot rate, player, spectator,
                           |   |           |           |           |           |     token, tick, time, message bytes
    INPUT        client    | 2 | sequence  | tick      | snapshot  | event     | frame
    EVENT        both      | 3 | number    | name      | payload   |
    ACK          client    | 4 | event     | snapshot  |
                 server    | 4 | event     | nil       |
    SNAPSHOT     server    | 5 | inputs    | event     | tick      | time      | slipped, baseline, entities,
                           |   |     |     |           |           |           |     removed, cuts
                                     `- nil or [received, held, lead, sequence, applied, repeated]

A snapshot is made of two parts, so that what is the same for everybody is encoded once: the first three elements are
one client's, the rest is the world's (`snapshot.World`).
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Generic, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

from tickws.errors import ProtocolFault
from tickws.sync.schema import Input, fingerprint

__all__ = [
    "LAYOUTS",
    "MICROSECONDS",
    "NAME_LENGTH",
    "SUBPROTOCOL",
    "VERSION",
    "Ack",
    "Event",
    "FromClient",
    "FromServer",
    "Hello",
    "InputMessage",
    "Inputs",
    "MessageReader",
    "Snapshot",
    "Welcome",
    "client_reader",
    "difference",
    "encode",
    "hello_fault",
    "protocol_text",
    "server_reader",
]

SUBPROTOCOL: Final = "tickws.1"
VERSION: Final = 1
"""Said again in the hello, so that an error can name the other's."""

MICROSECONDS: Final = 1_000_000
"""In a second: the unit of times."""
NAME_LENGTH: Final = 64
"""Characters in an event's name, at most."""
PROTOCOL_LENGTH: Final = 1024
"""Characters of what `protocol_text` gives, at most."""

Whole: TypeAlias = Annotated[int, Meta(ge=0, lt=1 << 53)]
"""A tick, a number of microseconds: exact in JavaScript, too."""
Count: TypeAlias = Annotated[int, Meta(ge=0, lt=1 << 32)]
"""The number of a message: 1 for the first, 0 for none."""
EntityId: TypeAlias = int | str
Token: TypeAlias = Annotated[bytes, Meta(max_length=64)]
Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=NAME_LENGTH)]
F = TypeVar("F", bound=Input)


class Hello(msgspec.Struct, frozen=True, array_like=True, tag=0, forbid_unknown_fields=True):
    """The first message of a client."""

    version: int
    hash: Annotated[int, Meta(ge=0, lt=1 << 32)] | None
    """Of `protocol`, see `schema.fingerprint`; None: takes the server's as it is (a spectator, a tool)."""
    protocol: Annotated[str, Meta(max_length=PROTOCOL_LENGTH)]
    """See `protocol_text`: for the error's sake, where the hashes differ."""
    tick_rate: Annotated[int, Meta(ge=1, le=1000)] | None
    """What the client was written for; None: any."""
    token: Token | None
    """Of a connection that is to be resumed."""
    event: Count
    """The number of the last event that the client has from the connection that it resumes."""


class Welcome(msgspec.Struct, frozen=True, array_like=True, tag=1, forbid_unknown_fields=True):
    """The server's answer: who the client is, and what the server speaks."""

    version: int
    hash: int
    protocol: str
    tick_rate: Annotated[int, Meta(ge=1, le=1000)]
    snapshot_rate: Annotated[int, Meta(ge=1, le=1000)]
    player: Count
    spectator: bool
    token: Token
    """Lets this client, and nobody else, resume."""
    tick: Whole
    """The number of the tick that is to come."""
    time: Whole
    """When that tick is due: microseconds on the server's clock."""
    message_bytes: Annotated[int, Meta(ge=1, lt=1 << 32)]
    """The longest message that the client may send: one that is longer costs it the connection."""


class InputMessage(msgspec.Struct, Generic[F], frozen=True, array_like=True, tag=2, forbid_unknown_fields=True):
    """What the player does in one tick."""

    sequence: Annotated[int, Meta(ge=1, lt=1 << 32)]
    """1, 2, 3, ...: in the order of sending."""
    tick: Whole
    """The tick that it is meant for."""
    snapshot: Whole | None
    """The tick of the newest snapshot applied."""
    event: Count
    """The number of the last event received."""
    frame: F


class Event(msgspec.Struct, frozen=True, array_like=True, tag=3, forbid_unknown_fields=True):
    """A reliable, ordered message with a name."""

    number: Annotated[int, Meta(ge=1, lt=1 << 32)]
    """1, 2, 3, ... without gaps, for each direction."""
    name: Name
    payload: msgspec.Raw


class Ack(msgspec.Struct, frozen=True, array_like=True, tag=4, forbid_unknown_fields=True):
    """What was received, where nothing else is sent that says so."""

    event: Count
    snapshot: Whole | None


class Inputs(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What became of a player's input frames."""

    received: Count
    """The sequence of the newest frame received."""
    held: Whole
    """Microseconds between its coming and this snapshot's going: not part of the round trip."""
    lead: int
    """How many ticks early the latest of the frames came that are new since the last snapshot: 1 just in time; 0 or
    less: too late, and executed never."""
    sequence: Count
    """The sequence of the newest frame that had its effect (or, late, its presses) by this snapshot's tick."""
    applied: Whole
    """The tick in which that was."""
    repeated: Count
    """How many ticks since then had no frame, and repeated it; 0: this snapshot's own tick had one."""


class Snapshot(msgspec.Struct, frozen=True, array_like=True, tag=5, forbid_unknown_fields=True):
    """The world after one tick, as one client may see it."""

    inputs: Inputs | None
    """None for spectators."""
    event: Count
    """The number of the last event received from this client."""
    tick: Whole
    time: Whole
    """When that tick was due: microseconds on the server's clock, simulated time and what slipped."""
    slipped: Whole
    """Microseconds by which simulated time has fallen behind, in all."""
    baseline: Whole | None
    """The tick of the snapshot that this is the difference from; None: it is whole."""
    entities: dict[EntityId, dict[str, Any]]
    """Their fields; in a difference, those that changed."""
    removed: list[EntityId]
    """Those that are gone since the baseline."""
    cuts: dict[EntityId, Whole]
    """Entities that jumped lately, and the tick in which they did: nobody interpolates across it."""


FromClient: TypeAlias = Hello | InputMessage[Any] | Event | Ack
FromServer: TypeAlias = Welcome | Event | Ack | Snapshot

LAYOUTS: Final[dict[int, type[msgspec.Struct]]] = {
    0: Hello,
    1: Welcome,
    2: InputMessage,
    3: Event,
    4: Ack,
    5: Snapshot,
}
assert all(layout.__struct_config__.tag == kind for kind, layout in LAYOUTS.items())

encode = msgspec.msgpack.Encoder().encode
"""A message as bytes."""

Message = TypeVar("Message")


class MessageReader(Generic[Message]):
    """Reads what one side may say.

    Args:
        type: the union of its messages.
    """

    def __init__(self, type: Any) -> None:
        self._decode = msgspec.msgpack.Decoder(type).decode
        self._kinds = frozenset(_kind(layout) for layout in type.__args__)

    def read(self, data: str | bytes) -> Message:
        """One message.

        Raises:
            ProtocolFault: 1003 text, 1007 no msgpack, or values that do not fit, 1008 a kind that this side may not
                send.
        """
        if isinstance(data, str):
            raise ProtocolFault(1003, f"text: {SUBPROTOCOL} speaks binary messages")
        try:
            return self._decode(data)  # type: ignore[no-any-return]
        except msgspec.ValidationError as error:
            kind = _first_number(data)
            if kind is not None and kind not in self._kinds:
                raise ProtocolFault(1008, f"a message of kind {kind}") from None
            raise ProtocolFault(1007, str(error)) from None
        except msgspec.DecodeError as error:
            raise ProtocolFault(1007, f"no msgpack: {error}") from None
        except UnicodeDecodeError:
            raise ProtocolFault(1007, "text that is no UTF-8") from None
        except RecursionError:
            raise ProtocolFault(1007, "too deep") from None


def _kind(layout: Any) -> int:
    return int(getattr(layout, "__origin__", layout).__struct_config__.tag)


assert {_kind(layout) for layout in (*FromClient.__args__, *FromServer.__args__)} == LAYOUTS.keys()


def _first_number(data: bytes) -> int | None:
    """The kind of a message, if it has one."""
    try:
        return msgspec.msgpack.decode(msgspec.msgpack.decode(data, type=list[msgspec.Raw])[0], type=int)
    except (msgspec.DecodeError, UnicodeDecodeError, IndexError, RecursionError):
        return None


def client_reader(frame: type[Input]) -> MessageReader[FromClient]:
    """What a server reads: messages of clients whose input frames are of that type."""
    return MessageReader(Hello | InputMessage[frame] | Event | Ack)  # type: ignore[valid-type]


def server_reader() -> MessageReader[FromServer]:
    """What a client reads."""
    return MessageReader(FromServer)


def protocol_text(label: str, inputs: str) -> str:
    """What two ends compare: the game's own label, and the fields of its inputs (`InputSchema.text`).

    Raises:
        ValueError: that is too long.
    """
    text = f"{label}|{inputs}"
    if len(text) > PROTOCOL_LENGTH:
        raise ValueError(f"label and input fields have {len(text)} characters together; {PROTOCOL_LENGTH} go")
    return text


def difference(client: str, server: str) -> str:
    """What differs between two such texts, in words."""
    (label, _, inputs), (our_label, _, our_inputs) = client.rpartition("|"), server.rpartition("|")
    if label != our_label:
        return f"protocol: the client has {label!r}, the server {our_label!r}"
    return f"inputs: the client has {inputs!r}, the server {our_inputs!r}"


def hello_fault(hello: Hello, protocol: str, tick_rate: int) -> str | None:
    """Why a server that speaks `protocol` at `tick_rate` refuses a hello; None: it is welcome."""
    if hello.version != VERSION:
        return f"version: the client speaks tickws.{hello.version}, the server tickws.{VERSION}"
    if hello.hash is not None and hello.hash != fingerprint(protocol):
        return difference(hello.protocol, protocol)
    if hello.tick_rate is not None and hello.tick_rate != tick_rate:
        return f"tick rate: the client has {hello.tick_rate}, the server {tick_rate}"
    return None
