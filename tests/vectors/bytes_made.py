"""The cases of wire.json: messages and their bytes, plain values, and bytes that are refused.

JSON has no bytes: they stand as {"$bytes": hex}. A map whose keys are ids stands as {"$pairs": [[key, value], ...]}.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from tickws.sync.payload import pack
from tickws.sync.schema import Input, Press, fingerprint
from tickws.sync.snapshot import World
from tickws.sync.wire import Ack, Event, Hello, InputMessage, Inputs, Snapshot, Welcome, encode, protocol_text


class Move(Input):
    """The input of the vectors: `dy:held serve:press name:held`."""

    dy: Annotated[float, Meta(ge=-1, le=1)] = 0.0
    serve: Press = False
    name: Annotated[str, Meta(max_length=8)] = ""


NAMES = {Hello: "hello", Welcome: "welcome", InputMessage: "input", Event: "event", Ack: "ack", Snapshot: "snapshot"}
LARGE = (1 << 53) - 1
LAST = (1 << 32) - 1
PROTOCOL = protocol_text("pong 1", "dy:held serve:press name:held")
TOKEN = bytes(range(16))


def texts() -> list[list[Any]]:
    samples = ["", "a", "|", PROTOCOL, "grüß dich 🎮|x:held", "x" * 1000]
    return [[sample, fingerprint(sample)] for sample in samples]


def as_json(value: Any) -> Any:
    """A value of Python's as JSON can hold it."""
    if isinstance(value, bytes):
        return {"$bytes": value.hex()}
    if isinstance(value, msgspec.Raw):
        return as_json(msgspec.msgpack.decode(value))
    if isinstance(value, msgspec.Struct):
        names = value.__struct_fields__
        if isinstance(value, Input):
            return [as_json(getattr(value, name)) for name in names]
        return {
            name: pairs(getattr(value, name)) if name in ("entities", "cuts") else as_json(getattr(value, name))
            for name in names
        }
    if isinstance(value, dict):
        return {key: as_json(item) for key, item in value.items()}
    return [as_json(item) for item in value] if isinstance(value, list) else value


def pairs(value: dict[Any, Any]) -> dict[str, Any]:
    return {"$pairs": [[key, as_json(item)] for key, item in value.items()]}


def wire_messages() -> list[dict[str, Any]]:
    """Each kind in each direction. `write`: encoding the message gives these bytes, in Python and in JavaScript."""
    return [
        message("client", "all there is", Hello(1, fingerprint(PROTOCOL), PROTOCOL, 60, TOKEN, 7)),
        message("client", "a spectator's, a tool's", Hello(1, None, "|", None, None, 0)),
        message("client", "text beyond ASCII, the largest numbers", Hello(1, LAST, "grüß 🎮|", 1000, b"", LAST)),
        message("client", "the longest", Hello(1, 0, "x" * 1024, 1, bytes(64), 0)),
        message("client", "the first", InputMessage(1, 0, None, 0, Move(0.25))),
        message("client", "a float, a press, text", InputMessage(300, 70_000, 69_990, 12, Move(0.5, True, "Ada"))),
        message("client", "a whole number for a float", InputMessage(4, 5, 0, 0, Move(-1, False, "é🎮")), write=False),
        message("client", "the largest numbers", InputMessage(LAST, LARGE, LARGE, LAST, Move(-0.1))),
        message("client", "nothing in it", event(1, "ready", None)),
        message("client", "a map", event(2, "chat", {"text": "hello é 🎮", "to": [1, -2, 3.5, True, None]})),
        message("client", "the longest name", event(LAST, "é" * 64, [])),
        message("client", "nothing applied", Ack(3, None)),
        message("client", "both", Ack(0, 123_456)),
        message("server", "a player's", Welcome(
            1, fingerprint(PROTOCOL), PROTOCOL, 60, 20, 1, False, TOKEN, 12_345, 205_750_000, 4096
        )),
        message("server", "a spectator's", Welcome(1, fingerprint("|"), "|", 1000, 1, LAST, True, b"", 0, 0, 1)),
        message("server", "the largest numbers", Welcome(1, 0, "|", 1, 1, 0, False, bytes(64), LARGE, LARGE, LAST)),
        message("server", "a map", event(1, "point", {"side": "left", "speed": 1.25, "at": {"x": 0.1}})),
        message("server", "bytes and lists", event(2, "raw", [b"", b"\x00\xff", bytes(300), [[]], {}])),
        message("server", "text that begins with U+FEFF", event(3, "\ufefftext", "\ufeffa\x00")),
        message("server", "16 levels", event(4, "deep", nested(16))),
        message("server", "an event acknowledged", Ack(9, None)),
        message("server", "whole numbers of 9 bytes", Ack(1, None), hexed="9304cf0000000000000001c0", write=False),
        message("server", "its size in 16 bits", Ack(1, None), hexed="dc00030401c0", write=False),
        snapshot("empty", World(0, 0, 0, {}, {}), None, 0),
        snapshot("a player's; a float is 32 bits wide", World(
            123, 2_050_000, 250_000, {1: {"x": 0.1, "y": 1.0, "score": 3}, 2: {"x": -2.5, "name": "é 🎮"}}, {2: 120}
        ), Inputs(7, 1234, 1, 6, 122, 1), 2),
        snapshot("a spectator's, ids that are text", World(
            1, 50_000, 0, {"ball": {"x": 1e-3, "on": True, "by": None, "path": [1.5, 2]}, "": {}}, {"ball": 1}
        ), None, 0),
        snapshot("a frame that came late, large ids, the largest numbers", World(
            LARGE, LARGE, LARGE, {LARGE: {}, -LARGE: {"n": 1 << 40}, 0: {"n": -(1 << 40)}}, {LARGE: LARGE}
        ), Inputs(LAST, LARGE, -256, 0, LARGE, LAST), LAST),
        snapshot("16 and more of each", World(
            5, 6, 7, {i: {f"field {j}": j / 2 for j in range(20)} for i in range(17)}, {i: i for i in range(20)}
        ), None, 0),
        message("server", "a difference, with floats of 64 bits", Snapshot(
            None, 1, 20, 333_333, 0, 17, {3: {"x": 0.1}}, [1, "b"], {}
        ), write=False),
    ]  # fmt: skip


def event(number: int, name: str, payload: object) -> Event:
    return Event(number, name, msgspec.Raw(pack(payload)))


def nested(levels: int) -> list[Any]:
    return [nested(levels - 1)] if levels > 1 else []


def message(side: str, about: str, value: msgspec.Struct, *, hexed: str = "", write: bool = True) -> dict[str, Any]:
    fields = as_json(value)
    data = hexed or encode(value).hex()
    return {"from": side, "kind": NAMES[type(value)], "about": about, "hex": data, "write": write, "message": fields}


def snapshot(about: str, world: World, inputs: Inputs | None, number: int) -> dict[str, Any]:
    data = world.message(inputs, number)
    value = msgspec.msgpack.decode(data, type=Snapshot)
    return message("server", about, value, hexed=data.hex(), write=False)


# Values alone: [value, hex, whether encoding gives these bytes].
VALUES: list[list[Any]] = [
    [as_json(value), pack(value).hex(), True]
    for value in [
        None, True, False, "", "a", "x" * 31, "x" * 32, "é" * 128, "x" * 256, "\ufeff", "a\x00b", "🎮",
        *(sign * ((1 << bits) + by) for bits in (5, 7, 8, 15, 16, 31, 32, 48) for sign in (1, -1) for by in (-1, 0, 1)),
        0, LARGE, -LARGE, 0.5, -0.1, 1e300, 5e-324, 1.7976931348623157e308, 3.141592653589793,
        b"", b"\x00\x01", bytes(256), [], [1, [2, [3]]], list(range(16)), [None] * 300, {},
        {"a": 1, "b": {"c": [0.25]}},
        {f"k{i}": i for i in range(16)}, {"__proto__": 1, "toString": 2},
    ]
] + [
    [1.5, "ca3fc00000", False],
    [0.10000000149011612, "ca3dcccccd", False],
    [1, "ca3f800000", False],
    [1, "cb3ff0000000000000", False],
    *([n, pack(n).hex(), False] for n in (1 << 53, (1 << 53) + 1, (1 << 64) - 1, -(1 << 63), -(1 << 53) - 1)),
    [5, "cc05", False], [5, "cd0005", False], [5, "ce00000005", False], [5, "cf0000000000000005", False],
    [5, "d005", False], [-5, "d1fffb", False], [-5, "d2fffffffb", False], [-5, "d3fffffffffffffffb", False],
    ["a", "d90161", False], ["a", "da000161", False], ["a", "db0000000161", False],
    [[1], "dc000101", False], [[1], "dd0000000101", False], [{"a": 1}, "de0001a16101", False],
    [{"a": 1}, "df00000001a16101", False], [{"a": 2}, "82a16101a16102", False],
    [as_json(b"a"), "c5000161", False], [as_json(b"a"), "c60000000161", False],
]  # fmt: skip

WELCOME = [1, 1, 5, "|", 60, 20, 1, False, TOKEN, 3, 50_000, 4096]
SHOT: list[Any] = [5, None, 0, 1, 50_000, 0, None, {1: {"x": 1.5}}, [], {}]
HELLO = [0, 1, None, "|", None, None, 0]
INPUT = [2, 1, 5, None, 0, [0.5, True, "Ada"]]


def altered(value: list[Any], **changes: Any) -> str:
    """`value` with other items at some places: `altered(SHOT, _3=-1)`."""
    items = list(value)
    for place, item in changes.items():
        items[int(place[1:])] = item
    return pack(items).hex()


def event_bytes(number: int, name: str | bytes, payload: object) -> str:
    return pack([3, number, name, payload]).hex()


def refused(side: str, about: str, hexed: str, code: int = 1007) -> dict[str, Any]:
    return {"from": side, "about": about, "hex": hexed, "code": code}


REFUSED: list[dict[str, Any]] = [
    *(refused(side, about, hexed) for side in ("client", "server") for about, hexed in [
        ("nothing", ""), ("a byte that MessagePack does not have", "c1"), ("a number", "05"), ("a map", "80"),
        ("nil", "c0"), ("an empty array", "90"), ("no text as a kind", "93a13401c0"),
        ("no float as a kind", "93cb401000000000000001c0"), ("cut off", "930401"), ("bytes follow", "930401c0c0"),
        ("too few", "920401"), ("too many", "940401c0c0"), ("a size that is not there", "ddffffffff"),
        ("a negative count", "9304ffc0"), ("a count of 2^32", "9304cf0000000100000000c0"),
        ("true for a number", "9304c3c0"), ("a whole float for a number", "9304cb3ff0000000000000c0"),
        ("nil for a number", "9304c0c0"), ("an event's number 0", event_bytes(0, "a", None)),
        ("no name", event_bytes(1, "", None)), ("a name of 65 characters", event_bytes(1, "é" * 65, None)),
        ("bytes for a name", event_bytes(1, b"a", None)), ("text that is no UTF-8", "940301a1ffc0"),
        ("text that is a surrogate", "940301a3eda080c0"), ("a payload that is missing", "930301a161"),
        ("a payload cut off", "940301a161a2"), ("an extension type in a payload", "940301a161d40100"),
        ("17 levels in a payload", event_bytes(1, "a", nested(17))),
        ("a thousand levels", "940301a161" + "91" * 1000 + "c0"), ("nil for a key in a payload", "940301a16181c001"),
    ]),
    refused("client", "an unknown kind", "930901c0", 1008),
    refused("client", "a negative kind", "93ff01c0", 1008),
    refused("client", "a welcome", pack(WELCOME).hex(), 1008),
    refused("client", "a snapshot", pack(SHOT).hex(), 1008),
    refused("client", "a hash of 33 bits", altered(HELLO, _2=1 << 32)),
    refused("client", "a protocol of 1,025 characters", altered(HELLO, _3="x" * 1025)),
    refused("client", "1,001 ticks a second", altered(HELLO, _4=1001)),
    refused("client", "no tick a second", altered(HELLO, _4=0)),
    refused("client", "a token of 65 bytes", altered(HELLO, _5=bytes(65))),
    refused("client", "text for a token", altered(HELLO, _5="x")),
    refused("client", "sequence 0", altered(INPUT, _1=0)),
    refused("client", "tick 2^53", altered(INPUT, _2=1 << 53)),
    refused("client", "a frame that is a map", altered(INPUT, _5={})),
    refused("client", "a frame too long", altered(INPUT, _5=[0.5, True, "Ada", 1])),
    refused("client", "a number out of bounds", altered(INPUT, _5=[1.5, True, "Ada"])),
    refused("client", "a number that is none", altered(INPUT, _5=[float("nan"), True, "Ada"])),
    refused("client", "a number for a press", altered(INPUT, _5=[0.5, 1, "Ada"])),
    refused("server", "an unknown kind", "930901c0", 1008),
    refused("server", "a hello", pack(HELLO).hex(), 1008),
    refused("server", "an input", pack(INPUT).hex(), 1008),
    refused("server", "a tick rate of 0", altered(WELCOME, _4=0)),
    refused("server", "a snapshot rate of 1,001", altered(WELCOME, _5=1001)),
    refused("server", "a number for a yes or no", altered(WELCOME, _7=0)),
    refused("server", "no token", altered(WELCOME, _8=None)),
    refused("server", "a token of 65 bytes", altered(WELCOME, _8=bytes(65))),
    refused("server", "a negative tick", altered(WELCOME, _9=-1)),
    refused("server", "a time of 2^53", altered(WELCOME, _10=1 << 53)),
    refused("server", "messages of no bytes", altered(WELCOME, _11=0)),
    refused("server", "inputs too short", altered(SHOT, _1=[0, 0, 0, 0, 0])),
    refused("server", "inputs too long", altered(SHOT, _1=[0, 0, 0, 0, 0, 0, 0])),
    refused("server", "inputs that are a map", altered(SHOT, _1={})),
    refused("server", "a negative sequence", altered(SHOT, _1=[-1, 0, 0, 0, 0, 0])),
    refused("server", "a float for a time", altered(SHOT, _4=0.5)),
    refused("server", "entities in an array", altered(SHOT, _7=[])),
    refused("server", "nil for an id", altered(SHOT, _7={None: {}})),
    refused("server", "a float for an id", altered(SHOT, _7={1.5: {}})),
    refused("server", "a number for a field's name", altered(SHOT, _7={1: {1: 2}})),
    refused("server", "an array for an entity's fields", altered(SHOT, _7={1: [1]})),
    refused("server", "removed that is no array", altered(SHOT, _8={})),
    refused("server", "nil in removed", altered(SHOT, _8=[None])),
    refused("server", "a negative cut", altered(SHOT, _9={1: -1})),
]  # fmt: skip
