"""What the tests of `tickws.sync` share: an input, values by chance, faults caught, and msgpack written by hand."""

import struct
from collections.abc import Callable
from typing import Annotated, Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from msgspec import Meta

import tickws
from tickws.errors import ProtocolFault

STEADY = settings(deadline=None)

Value = Any


class Move(tickws.Input):
    """The input of most tests."""

    dy: Annotated[float, Meta(ge=-1, le=1)] = 0.0
    aim: float = 0.0
    serve: tickws.Press = False
    jump: tickws.Press = False


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
floats = st.floats(allow_nan=False, allow_infinity=False)
leaves = st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 64) - 1) | floats | texts | st.binary(max_size=12)


def _grown(inner: st.SearchStrategy[Value]) -> st.SearchStrategy[Value]:
    keys = texts | st.integers(-(1 << 63), (1 << 64) - 1)
    return st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4)


values = st.recursive(leaves, _grown, max_leaves=12)
"""What `unpack` may give out."""


def nested(levels: int, opening: bytes = b"\x91", leaf: bytes = b"\xc0") -> bytes:
    """So many lists in one another (or what else `opening` opens), and a leaf."""
    return opening * levels + leaf


def fault_of(call: Callable[[], object]) -> int:
    """The close code of the ProtocolFault that a call raises; it has a reason, too."""
    with pytest.raises(ProtocolFault) as caught:
        call()
    assert caught.value.reason
    return caught.value.close_code


def single(number: float) -> float:
    """A number as 32 bits hold it."""
    (held,) = struct.unpack("!f", struct.pack("!f", number))
    return float(held)
