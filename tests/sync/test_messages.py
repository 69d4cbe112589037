"""The names of a game's messages and their types: nothing else reaches the game."""

import dataclasses
import math
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

import tickws
from tests.sync.helpers import STEADY, Value, fault_of, nested, values
from tickws.errors import ProtocolFault
from tickws.sync.messages import MessageTypes
from tickws.sync.wire import Event


@dataclasses.dataclass
class Chat:
    text: Annotated[str, Meta(max_length=10)]
    to: Literal["all", "team"] = "all"


class Plain:
    def __init__(self, text: str) -> None:
        self.text = text


def event(name: str, data: bytes) -> Event:
    return Event(1, name, msgspec.Raw(data))


def said(name: str, payload: object) -> Event:
    return event(name, tickws.pack(payload))


@pytest.fixture
def strict() -> MessageTypes:
    types = MessageTypes(strict=True)
    for name, type in (("chat", Chat), ("any", Any), ("none", None), ("tags", set[Any]), ("speed", float)):
        types.declare(name, type)
    return types


def test_what_fits(strict: MessageTypes) -> None:
    assert strict.payload(said("chat", {"text": "hi"})) == Chat("hi")
    assert strict.payload(said("chat", Chat("hi", "team"))) == Chat("hi", "team")
    assert strict.payload(said("any", [1, {"a": None}])) == [1, {"a": None}]
    assert strict.payload(said("none", None)) is None
    assert strict.payload(said("tags", [1, "a", 1])) == {1, "a"}
    assert strict.payload(said("speed", 2)) == 2.0


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("chat", None),
        ("chat", {}),
        ("chat", {"text": "x" * 11}),
        ("chat", {"text": b"hi"}),
        ("chat", {"text": "hi", "to": "them"}),
        ("chat", ["hi"]),
        ("none", 0),
        ("none", {"anything": "else"}),
        ("tags", [[1]]),
        ("tags", [{}]),
        ("speed", math.nan),
        ("speed", True),
        ("any", [{"a": math.inf}]),
    ],
)
def test_what_does_not_fit(strict: MessageTypes, name: str, payload: object) -> None:
    assert fault_of(lambda: strict.payload(said(name, payload))) == 1007


@pytest.mark.parametrize(
    "data",
    [
        nested(17),
        nested(990),
        nested(5_000),
        nested(5_000, b"\x81\xa1a"),
        b"\xa1\xff",
        b"\xd4\x01\x00",
        b"\xd6\xff\x00\x00\x00\x00",
        b"\x81\xc0\x01",
        b"",
        b"\xc1",
    ],
)
@pytest.mark.parametrize("name", ["any", "chat", "none", "tags"])
def test_bytes_that_no_game_wants(strict: MessageTypes, name: str, data: bytes) -> None:
    assert fault_of(lambda: strict.payload(event(name, data))) == 1007


@STEADY
@given(st.sampled_from([Chat, Any, None, set[Any], float, dict[str, list[Chat]], int | str | None]), values)
def test_a_payload_is_of_its_type_or_a_fault(type: Any, value: Value) -> None:
    types = MessageTypes(strict=True)
    types.declare("m", type)
    try:
        types.payload(said("m", value))
    except ProtocolFault as fault:
        code = fault.close_code
        if code != 1007:
            raise


@pytest.mark.parametrize("name", ["Chat", "chat ", "", "__class__", "\x00", "x" * 64])
def test_unknown_names(strict: MessageTypes, name: str) -> None:
    assert fault_of(lambda: strict.payload(said(name, None))) == 1008


def test_a_client_believes_its_server() -> None:
    types = MessageTypes(strict=False)
    types.declare("chat", Chat)
    assert math.isnan(types.payload(said("anything", [math.nan]))[0])
    assert types.payload(said("chat", {"text": "hi"})) == Chat("hi")
    assert fault_of(lambda: types.payload(said("chat", {"text": 1}))) == 1007
    assert fault_of(lambda: types.payload(event("anything", nested(17)))) == 1007


# Declaring


def test_a_name_is_declared_once(strict: MessageTypes) -> None:
    with pytest.raises(ValueError, match="'chat' is declared already"):
        strict.declare("chat", Chat)


@pytest.mark.parametrize(("name", "error"), [(None, TypeError), (b"chat", TypeError), ("", ValueError)])
def test_what_is_no_name(strict: MessageTypes, name: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="event's name"):
        strict.declare(name, Chat)
    with pytest.raises(ValueError, match="event's name"):
        strict.declare("x" * 65, Chat)


@pytest.mark.parametrize("type", [Chat("hi"), 1, "Chat", object(), object, Plain, int | Plain, list["Nowhere"]])  # type: ignore[name-defined]  # noqa: F821
def test_what_is_no_type(strict: MessageTypes, type: Any) -> None:
    """A class without declared fields is none: nothing would ever fit."""
    with pytest.raises(TypeError, match="the message 'new' cannot be a "):
        strict.declare("new", type)
    assert fault_of(lambda: strict.payload(said("new", None))) == 1008
    strict.declare("new", Chat)
