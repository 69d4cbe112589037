"""Sec-WebSocket-Extensions: its grammar (RFC 6455 section 9.1); and `Deflate`, what we agree to of the only one."""

import dataclasses
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.protocol.helpers import UPGRADE, counting_source, request_head
from tickws.protocol.connection import Connection, Role
from tickws.protocol.events import Failed
from tickws.protocol.extensions import MOST_PARTS, Deflate, accept_answer, parse_extensions
from tickws.protocol.limits import Limits

# -- grammar ---------------------------------------------------------------------------------------------------------

LISTS: dict[str, list[tuple[str, list[tuple[str, str | None]]]]] = {
    "a": [("a", [])],
    " \ta\t ": [("a", [])],
    "a, b": [("a", []), ("b", [])],
    "a,b,a": [("a", []), ("b", []), ("a", [])],
    "a;b": [("a", [("b", None)])],
    "a; b=1; c; b=2": [("a", [("b", "1"), ("c", None), ("b", "2")])],
    'a; b="1"': [("a", [("b", "1")])],
    'a \t;\t b \t=\t "c-d" \t, \te': [("a", [("b", "c-d")]), ("e", [])],
    r'a; b="1\0"': [("a", [("b", "10")])],  # what is quoted is unquoted first
    ",a": [("a", [])],
    ", ,\t,a , ,b,,": [("a", []), ("b", [])],  # RFC 9110 section 5.6.1.2: a recipient takes empty elements
    "!#$%&'*+-.^_`|~09AZaz; x=!#$%&'*+-.^_`|~": [("!#$%&'*+-.^_`|~09AZaz", [("x", "!#$%&'*+-.^_`|~")])],
    "a; b; c, d; e=f": [("a", [("b", None), ("c", None)]), ("d", [("e", "f")])],
}
BROKEN = [
    "", " ", ",", " , ,", ";", "=", "a;", "a; ;b", "a;;b", "a; b=", "a; =b", "a=b", "a b", "a; b c",
    "a; b=c d", "a;b=c=d",
    'a; b=""', 'a; b="', 'a; b="c', 'a; b=c"', 'a; b="c d"', 'a; b="c,d"', 'a; b="c"d', r'a; b="c\"', r'a; b="\""',
    r'a; b="\,"', "a; b='c d'", "a; b=c;", "a, b;", "a/b", "a; b@=1", "a;b=(c)", "(a)",
    "a\x0bb", "a\nb", "a\r\n b", "é", "a; é", "a\0",
    '"a"', 'a; "b"=c', "a; b=[c]", "a, b/", "a,\x0b,b", "{a}",
]  # fmt: skip
TOKEN = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize("header", LISTS)
def test_a_list_of_extensions(header: str) -> None:
    assert parse_extensions(header) == LISTS[header]


@pytest.mark.parametrize("header", BROKEN)
def test_no_list_of_extensions(header: str) -> None:
    with pytest.raises(ValueError):
        parse_extensions(header)
    assert refusal(header) == 400, "section 9.1: whoever cannot read it must fail the connection"
    with pytest.raises(ValueError):
        accept_answer(header, Deflate())


def refusal(header: str) -> int | None:
    """The status that a server answers a request with this header with; None: it is let in."""
    connection = Connection(Role.SERVER, Limits(), counting_source(), compression=Deflate())
    connection.receive(request_head("GET / HTTP/1.1", {**UPGRADE, "Sec-WebSocket-Extensions": header}))
    event = connection.next_event()
    return event.status if isinstance(event, Failed) else None


tokens = st.text(TOKEN, min_size=1, max_size=8)
spaces = st.text(" \t", max_size=2)


@st.composite
def written(draw: st.DrawFn) -> tuple[str, list[tuple[str, list[tuple[str, str | None]]]]]:
    """A list of extensions, and a header that says it, with as much space and as many quotes as there may be."""
    meant = draw(st.lists(st.tuples(tokens, st.lists(st.tuples(tokens, st.none() | tokens), max_size=4)), min_size=1))
    elements = []
    for name, parameters in meant:
        element = name
        for key, value in parameters:
            element += f"{draw(spaces)};{draw(spaces)}{key}"
            if value is not None:
                how = draw(st.integers(0, 2))
                escaped = "".join(draw(st.sampled_from(["", "\\"])) + letter for letter in value)
                element += f"{draw(spaces)}={draw(spaces)}" + [value, f'"{value}"', f'"{escaped}"'][how]
        elements += [draw(spaces)] * draw(st.integers(0, 2)) + [draw(spaces) + element + draw(spaces)]
    return ",".join(elements), meant


@given(written())
def test_whatever_is_written_is_read(case: tuple[str, list[tuple[str, list[tuple[str, str | None]]]]]) -> None:
    header, meant = case
    assume(header.count(",") + header.count(";") <= MOST_PARTS)
    assert parse_extensions(header) == meant


@pytest.mark.parametrize("part", [",a", ";a", ";a=a", ","])
def test_the_number_of_parts_is_bounded(part: str) -> None:
    assert parse_extensions("a" + part * MOST_PARTS)
    with pytest.raises(ValueError, match="more than 64 parts"):
        parse_extensions("a" + part * (MOST_PARTS + 1))


@given(st.text(TOKEN[:3] + ';=," \t\\aé', max_size=30))
def test_anything_else_is_a_value_error(header: str) -> None:
    try:
        found = parse_extensions(header)
    except ValueError:
        return
    assert found
    for name, parameters in found:
        assert set(name) <= set(TOKEN)
        for key, value in parameters:
            assert key
            assert set(key) <= set(TOKEN)
            assert value is None or (value and set(value) <= set(TOKEN))


@pytest.mark.parametrize(
    "piece", [";a", "a;", "a,", ",", " ", "\t", ";a=", ';a="', ';a="a', ";a=a", '\\"', "a \t", ";a \t"]
)
def test_no_header_takes_long(piece: str) -> None:
    """The longest head there may be; what grows with the square of it would not end within the test's patience."""
    for header in (piece * (65536 // len(piece)), "a" + piece * (65536 // len(piece)) + "\0"):
        try:
            parse_extensions(header)
        except ValueError:
            pass


# -- Deflate ---------------------------------------------------------------------------------------------------------

RANGES = {"level": (1, 9), "memory_level": (1, 9), "window_bits": (8, 15), "peer_window_bits": (8, 15)}
SWITCHES = ["context_takeover", "peer_context_takeover"]


@pytest.mark.parametrize("name", RANGES)
def test_deflate_s_bounds(name: str) -> None:
    least, most = RANGES[name]
    for value in range(least, most + 1):
        assert getattr(make(name, value), name) == value
    for value in (least - 1, most + 1, -least, -most, 0, 1 << 70):
        if not least <= value <= most:
            with pytest.raises(ValueError, match=rf"Deflate\.{name} .*{least}.*{most}"):
                make(name, value)


def test_deflate_s_threshold() -> None:
    assert [make("threshold_bytes", value).threshold_bytes for value in (0, 1, 1 << 40)] == [0, 1, 1 << 40]
    with pytest.raises(ValueError, match=r"Deflate\.threshold_bytes is at least 0: -1"):
        Deflate(threshold_bytes=-1)


@pytest.mark.parametrize("name", [*RANGES, "threshold_bytes"])
@pytest.mark.parametrize("value", [True, False, 9.0, "9", None, b"9", [9]])
def test_deflate_s_numbers_are_whole(name: str, value: object) -> None:
    with pytest.raises(TypeError, match=rf"Deflate\.{name} is a whole number"):
        make(name, value)


@pytest.mark.parametrize("name", SWITCHES)
@pytest.mark.parametrize("value", [0, 1, None, "True"])
def test_deflate_s_switches_are_bools(name: str, value: object) -> None:
    assert getattr(make(name, True), name) is True
    with pytest.raises(TypeError, match=rf"Deflate\.{name} is True or False"):
        make(name, value)


def test_deflate_is_frozen_and_wants_names() -> None:
    deflate = Deflate()
    for field in dataclasses.fields(Deflate):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(deflate, field.name, 9)
    assert deflate == Deflate()
    assert hash(deflate) == hash(Deflate())
    assert (deflate.context_takeover, deflate.peer_context_takeover) == (False, False)
    with pytest.raises(TypeError):
        Deflate(9)  # type: ignore[call-arg]


def make(name: str, value: object) -> Deflate:
    arguments: dict[str, Any] = {name: value}
    return Deflate(**arguments)
