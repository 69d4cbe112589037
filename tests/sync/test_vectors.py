"""tests/vectors/wire.json: the messages and their bytes, as JavaScript reads and writes them too."""

from typing import Any

import msgspec
import pytest

from tests.vectors.bytes_made import Move
from tests.vectors.reading import from_json, load
from tickws.errors import ProtocolFault
from tickws.sync.payload import pack, unpack
from tickws.sync.schema import fingerprint
from tickws.sync.wire import LAYOUTS, Event, client_reader, encode, server_reader

WIRE = load("wire")
READERS: dict[str, Any] = {"client": client_reader(Move), "server": server_reader()}


def names(rows: list[dict[str, Any]]) -> list[str]:
    return [" ".join(filter(None, [row["from"], row.get("kind"), row["about"]])) for row in rows]


def fields_of(message: Any) -> dict[str, Any]:
    """A message as its fields by name, with an event's payload read."""
    fields = {name: getattr(message, name) for name in message.__struct_fields__}
    for name, value in fields.items():
        if isinstance(value, msgspec.Raw):
            fields[name] = unpack(bytes(value))
        elif isinstance(value, Move):
            fields[name] = list(msgspec.structs.astuple(value))
        elif isinstance(value, msgspec.Struct):
            fields[name] = fields_of(value)
    return fields


@pytest.mark.parametrize(("text", "number"), WIRE["fingerprints"])
def test_fingerprint(text: str, number: int) -> None:
    assert fingerprint(text) == number


@pytest.mark.parametrize(("value", "data", "exact"), WIRE["values"])
def test_value(value: object, data: str, exact: bool) -> None:
    value = from_json(value)
    assert unpack(bytes.fromhex(data)) == value
    if exact:
        assert pack(value).hex() == data
        assert encode(value).hex() == data


@pytest.mark.parametrize("row", WIRE["messages"], ids=names(WIRE["messages"]))
def test_message(row: dict[str, Any]) -> None:
    message = READERS[row["from"]].read(bytes.fromhex(row["hex"]))
    assert type(message).__name__.removesuffix("Message").lower() == row["kind"]
    assert fields_of(message) == from_json(row["message"])
    if row["write"]:
        assert encode(message).hex() == row["hex"]


def test_all_kinds_are_there_from_those_who_say_them() -> None:
    said = {(row["from"], row["kind"]) for row in WIRE["messages"]}
    kinds = {layout.__name__.removesuffix("Message").lower() for layout in LAYOUTS.values()}
    assert {kind for _, kind in said} == kinds
    assert {kind for side, kind in said if side == "client"} == {"hello", "input", "event", "ack"}
    assert {kind for side, kind in said if side == "server"} == {"welcome", "event", "ack", "snapshot"}


@pytest.mark.parametrize("row", WIRE["refused"], ids=names(WIRE["refused"]))
def test_refused(row: dict[str, Any]) -> None:
    with pytest.raises((ProtocolFault, ValueError)) as caught:
        read_whole(row["from"], bytes.fromhex(row["hex"]))
    assert getattr(caught.value, "close_code", 1007) == row["code"]


def read_whole(side: str, data: bytes) -> None:
    """Read a message, and the payload that it may have."""
    message = READERS[side].read(data)
    if isinstance(message, Event):
        unpack(bytes(message.payload))
