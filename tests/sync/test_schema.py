"""What a game declares as its input, and what is made of it."""

import enum
import math
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

import tickws
from tests.sync.helpers import STEADY, Move
from tests.sync.quoted import Quoted
from tickws.sync.schema import InputSchema, fingerprint

# Misuse


class NoInput(msgspec.Struct):
    x: float = 0.0


class Required(tickws.Input):
    x: float


class RequiredByName(tickws.Input, kw_only=True):
    y: int = 0
    x: float


class RequiredPress(tickws.Input):
    fire: tickws.Press


class Pressed(tickws.Input):
    fire: tickws.Press = True


class PressMade(tickws.Input):
    fire: tickws.Press = msgspec.field(default_factory=bool)


class Mapped(tickws.Input, array_like=False):
    x: float = 0.0


class Tagged(tickws.Input, tag=7):
    x: float = 0.0


class OutOfItself(tickws.Input):
    x: Annotated[float, msgspec.Meta(le=1)] = 2.0


class PressAmong(Move):
    fire: tickws.Press = True


@pytest.mark.parametrize("type", [None, int, "Move", Move(), NoInput, NoInput(), msgspec.Struct, object(), [Move]])
def test_what_is_no_subclass(type: Any) -> None:
    with pytest.raises(TypeError, match="is a subclass of tickws"):
        InputSchema(type)


@pytest.mark.parametrize(
    ("type", "message"),
    [
        (Required, r"Required\.x needs a default"),
        (Mapped, "Mapped goes over the wire as an array"),
        (Tagged, "Tagged goes over the wire as an array"),
        (OutOfItself, r"OutOfItself\(\) is the neutral input, and does not fit its own types: .* at `OutOfItself\.x`"),
        (RequiredByName, r"RequiredByName\.x needs a default"),
        (RequiredPress, r"RequiredPress\.fire needs a default"),
        (Pressed, r"Pressed\.fire is a press: its default is False"),
        (PressMade, r"PressMade\.fire is a press: its default is False"),
        (PressAmong, r"PressAmong\.fire is a press: its default is False"),
    ],
)
def test_misuse_names_the_field(type: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        InputSchema(type)


def test_a_field_without_a_type_that_msgspec_knows_is_refused_where_it_is_written() -> None:
    with pytest.raises(TypeError):
        Move(1.0, 2.0, False, False, 5)  # type: ignore[call-arg]


# What is derived


class Base(tickws.Input):
    x: float = 0.0
    fire: tickws.Press = False


class Derived(Base, frozen=True):
    y: int = 0
    jump: tickws.Press = False


class Redeclared(Base, frozen=True):
    fire: bool = False  # no press any more


class Named(tickws.Input):
    down: bool = False
    extra: Annotated[bool, Meta(extra={"other": 1})] = False
    documented: Annotated[tickws.Press, Meta(description="a press all the same")] = False
    wrapped: Annotated[tickws.Press, "note"] = False


@pytest.mark.parametrize(
    ("type", "text", "presses"),
    [
        (tickws.Input, "", []),
        (Move, "dy:held aim:held serve:press jump:press", ["serve", "jump"]),
        (Base, "x:held fire:press", ["fire"]),
        (Derived, "x:held fire:press y:held jump:press", ["fire", "jump"]),
        (Redeclared, "x:held fire:held", []),
        (Quoted, "x:held fire:press free:held", ["fire"]),
        (Named, "down:held extra:held documented:press wrapped:press", ["documented", "wrapped"]),
    ],
)
def test_fields_in_their_order(type: type[tickws.Input], text: str, presses: list[str]) -> None:
    schema = InputSchema(type)
    assert (schema.text, schema.presses, schema.neutral) == (text, presses, type())


def test_the_order_is_the_one_of_the_wire() -> None:
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(Derived(1.5, True, 7, False))) == [1.5, True, 7, False]


def test_pressed_and_pressing() -> None:
    schema = InputSchema(Move)
    frame = Move(1.0, 2.0, serve=True)
    assert schema.pressed(frame) == ["serve"]
    assert schema.pressing(frame, ["serve"]) is frame
    assert schema.pressing(frame, []) == Move(1.0, 2.0)
    assert schema.pressing(frame, ["jump"]) == Move(1.0, 2.0, jump=True)
    assert schema.pressing(frame, ["jump", "serve"]) == Move(1.0, 2.0, True, True)
    assert frame == Move(1.0, 2.0, serve=True)


def test_frames_do_not_change() -> None:
    with pytest.raises(AttributeError):
        Move().dy = 1.0  # type: ignore[misc]


def test_two_neutral_inputs_share_nothing() -> None:
    class Path(tickws.Input):
        way: list[int] = []  # noqa: RUF012  # msgspec copies it

    Path().way.append(1)
    assert Path() == InputSchema(Path).neutral


# Finite


class Inner(msgspec.Struct, frozen=True):
    z: float = 0.0


class Side(enum.Enum):
    LEFT = "left"


class Rich(tickws.Input):
    inner: Inner = Inner()
    many: list[float] = []  # noqa: RUF012  # msgspec copies it
    named: dict[str, float] = {}  # noqa: RUF012
    maybe: float | None = None
    pair: tuple[float, int] = (0.0, 0)
    side: Side = Side.LEFT
    kind: Literal["a", "b"] = "a"
    any: Any = None
    odd: dict[float | bool, tuple[float, ...]] = {}  # noqa: RUF012
    tags: frozenset[float] = frozenset()


class LowerBound(tickws.Input):
    x: Annotated[float, Meta(ge=0)] = 0.0


class UpperBound(tickws.Input):
    x: Annotated[float, Meta(lt=5)] = 0.0


BAD = [math.nan, -math.nan, math.inf, -math.inf]


@pytest.mark.parametrize("bad", BAD)
def test_no_number_of_a_frame_may_be_endless(bad: float) -> None:
    schema = InputSchema(Rich)
    for frame in (
        Rich(Inner(bad)),
        Rich(many=[0.0, bad]),
        Rich(named={"a": bad}),
        Rich(maybe=bad),
        Rich(pair=(bad, 1)),
        Rich(any={"a": [{"b": bad}]}),
        Rich(odd={bad: ()}),
        Rich(odd={1.5: (1.0, bad)}),
        Rich(tags=frozenset([1.0, bad])),
    ):
        assert not schema.is_finite(frame)
    assert not InputSchema(Move).is_finite(Move(aim=bad))
    assert not InputSchema(Quoted).is_finite(Quoted(free=bad))


def test_finite_frames() -> None:
    full = Rich(Inner(1e308), [1.0, -0.0], {"a": 5e-324}, 1.0, (2.0, 1 << 60), Side.LEFT, "b", [{"a": [1]}, b"x"])
    assert InputSchema(Rich).is_finite(full)
    assert InputSchema(Rich).is_finite(Rich(odd={1.5: (0.5,), True: ()}, tags=frozenset([1.0])))
    assert InputSchema(Rich).is_finite(Rich())
    assert InputSchema(Move).is_finite(Move(1.0, 1e300, True))


@STEADY
@given(st.sampled_from([Move, LowerBound, UpperBound, Quoted]), st.data())
def test_no_endless_number_passes_both_type_and_check(type: type[tickws.Input], data: st.DataObject) -> None:
    """What the bounds let through, `is_finite` does not: whichever of the two is left to do it."""
    schema = InputSchema(type)
    fields: list[Any] = list(msgspec.structs.astuple(schema.neutral))
    place = data.draw(st.sampled_from([at for at, value in enumerate(fields) if isinstance(value, float)]))
    fields[place] = data.draw(st.sampled_from(BAD))
    raw = msgspec.msgpack.encode(fields)
    try:
        frame = msgspec.msgpack.decode(raw, type=type)
    except msgspec.ValidationError:
        return
    assert not schema.is_finite(frame)


@pytest.mark.parametrize("levels", [17, 300, 900, 970, 980, 985, 990, 995, 5_000])
def test_a_deep_frame_is_refused_without_a_recursion_error(levels: int) -> None:
    """A reader takes just as many levels as Python does; the check, called deeper, must not break on them."""
    deep: Any = None
    for _ in range(levels):
        deep = [deep]
    assert not InputSchema(Rich).is_finite(Rich(any=deep))


# The fingerprint


@pytest.mark.parametrize(
    ("text", "value"),  # from the test suite of its authors, test_fnv.c
    [
        ("", 0x811C9DC5),
        ("a", 0xE40C292C),
        ("b", 0xE70C2DE5),
        ("c", 0xE60C2C52),
        ("fo", 0x6222E842),
        ("foo", 0xA9F37ED7),
        ("foob", 0x3F5076EF),
        ("fooba", 0x39AAA18A),
        ("foobar", 0xBF9CF968),
        ("chongo was here!\n", 0xD49930D5),
    ],
)
def test_fingerprint_is_fnv_1a(text: str, value: int) -> None:
    assert fingerprint(text) == value


@STEADY
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_fingerprint_is_32_bits_of_utf8(text: str) -> None:
    value = 0x811C9DC5
    for byte in text.encode("utf-8"):
        value = ((value ^ byte) * 16_777_619) % 2**32
    assert fingerprint(text) == value
