"""The targets `unpack` and `wire`: msgpack from anybody, and the messages of the subprotocol `tickws.1`.

`unpack` gives what is plain, finite and not too deep, or raises ValueError; what it gives can be packed and comes back.
The readers of both ends give a message that has its types, or raise `ProtocolFault`; it can be encoded and comes back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import Meta

import tickws
from tests.fuzz.target import Target
from tickws.errors import ProtocolFault
from tickws.protocol.opcodes import check_close, cut_reason
from tickws.sync.messages import MessageTypes
from tickws.sync.payload import DEPTH, finite
from tickws.sync.schema import Input, InputSchema, fingerprint
from tickws.sync.wire import (
    LAYOUTS,
    Event,
    Hello,
    InputMessage,
    MessageReader,
    client_reader,
    encode,
    hello_fault,
    protocol_text,
    server_reader,
)

__all__ = ["UNPACK", "WIRE"]


class Move(Input):
    """What a player does."""

    dy: Annotated[float, Meta(ge=-1, le=1)] = 0.0
    aim: float = 0.0
    kind: str | None = None
    serve: tickws.Press = False


@dataclass
class Chat:
    """A message with a type."""

    text: Annotated[str, Meta(max_length=20)]
    to: int | None = None
    at: tuple[float, float] = (0.0, 0.0)


class Save(msgspec.Struct):
    """Another, which holds itself."""

    name: str
    values: dict[str, list[int]] = {}
    inner: Save | None = None


TYPES: tuple[Any, ...] = (None, Chat, Save, list[int], dict[str, float], set[int], int | str, dict[int, Any], bytes)
CODES = (1003, 1007, 1008)


def run_unpack(data: bytes) -> None:
    """One input: a byte that chooses the type, a byte for the depth, and msgpack."""
    type: Any = TYPES[data[0] % len(TYPES)] if data else None
    depth = data[1] % (DEPTH + 1) if data[1:] else DEPTH
    packed = data[2:]
    try:
        value = tickws.unpack(packed, depth=depth)
    except ValueError as error:
        if not str(error):
            raise
        value = None
    else:
        assert count(value, depth) <= len(packed), "more came out than went in"
        assert finite(value)
        again = tickws.unpack(tickws.pack(value), depth=depth)
        assert again == value, f"{value!r} comes back as {again!r}"
    try:
        typed = tickws.unpack(packed, type, depth=depth)
    except ValueError as error:
        if not str(error):
            raise
    else:
        assert type is None or msgspec.convert(msgspec.to_builtins(typed, builtin_types=(bytes,)), type) == typed
    try:
        tickws.unpack(packed, depth=depth, allow_nan=True)
    except ValueError:
        assert value is None, "what is finite passes only where all must be"


def count(value: object, depth: int) -> int:
    """How many values there are in one; that each is plain."""
    if isinstance(value, list):
        assert depth > 0
        return 1 + sum(count(item, depth - 1) for item in value)
    if isinstance(value, dict):
        assert depth > 0
        assert all(type(key) in (str, int) for key in value)
        return 1 + sum(1 + count(item, depth - 1) for item in value.values())
    assert value is None or type(value) in (bool, int, float, str, bytes), f"{value!r} is not plain"
    assert type(value) is not float or math.isfinite(value)
    return 1


FROM_CLIENT = client_reader(Move)
FROM_SERVER = server_reader()
PROTOCOL = protocol_text("pong 1", InputSchema(Move).text)
STRICT, LENIENT = MessageTypes(strict=True), MessageTypes(strict=False)
for types in (STRICT, LENIENT):
    for name, kind in (("chat", Chat), ("save", Save), ("ids", list[int]), ("any", Any)):
        types.declare(name, kind)


def run_wire(data: bytes) -> None:
    """One input: a message of a client, and of a server."""
    read(FROM_CLIENT, data, STRICT)
    read(FROM_SERVER, data, LENIENT)


def read(reader: MessageReader[Any], data: bytes, types: MessageTypes) -> None:
    """What one end makes of a message."""
    try:
        message = reader.read(data)
    except ProtocolFault as fault:
        check_fault(fault)
        return
    assert type(message) in LAYOUTS.values()
    encoded = encode(message)
    assert encode(reader.read(encoded)) == encoded, "what comes back is not what came"
    if isinstance(message, Hello):
        refusal = hello_fault(message, PROTOCOL, 60)
        if refusal is not None:
            check_close(1008, cut_reason(refusal))
        else:
            assert message.version == 1
            assert message.hash in (None, fingerprint(PROTOCOL))
    elif isinstance(message, InputMessage):
        check_input(message.frame)
    elif isinstance(message, Event):
        try:
            types.payload(message)
        except ProtocolFault as fault:
            check_fault(fault)


def check_fault(fault: ProtocolFault) -> None:
    """A fault can be said in a Close."""
    assert fault.close_code in CODES
    assert fault.reason
    check_close(fault.close_code, cut_reason(fault.reason))


def check_input(frame: Move) -> None:
    """What an input holds has its types, whoever sent it."""
    assert type(frame) is Move
    assert type(frame.dy) is float
    assert -1 <= frame.dy <= 1
    assert type(frame.aim) is float
    assert type(frame.serve) is bool
    assert frame.kind is None or type(frame.kind) is str


UNPACK = Target("unpack", run_unpack, files=("sync/payload.py",), packages=("tickws.sync", "tickws.errors"))
WIRE = Target("wire", run_wire, files=("sync/wire.py", "sync/messages.py"), packages=("tickws.sync", "tickws.errors"))
