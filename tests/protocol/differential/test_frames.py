"""Frames: ours, `websockets` and wsproto hear the same, or all find a fault; what differs stands in `differences`."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.protocol.differential.cases import Case, Difference, differ, explain, settle
from tests.protocol.differential.differences import CODES, VERDICTS
from tests.protocol.differential.rig import PEERS, Setup, ours
from tests.protocol.differential.streams import arrivals, messages, setups, streams
from tests.protocol.differential.wire import cut
from tests.protocol.helpers import MASK
from tickws.protocol.connection import Role


def compare(setup: Setup, data: bytes, chunks: Sequence[bytes], eof: bool) -> None:
    """The stream through all three, as it comes; and ours is the same, however it comes."""
    mine = ours(setup, [data], eof)
    assert not differ(mine, ours(setup, chunks, eof)), "ours depends on how the stream is cut"
    for peer in PEERS:
        settle(Case(peer, setup, chunks, eof), VERDICTS, CODES)


@settings(deadline=None, max_examples=200)
@given(st.data(), setups, st.booleans())
def test_all_hear_the_same(data: st.DataObject, setup: Setup, eof: bool) -> None:
    stream = data.draw(streams(setup.role))
    compare(setup, stream, data.draw(arrivals(stream)), eof)


@settings(deadline=None, max_examples=120)
@given(st.data(), st.sampled_from(Role), st.sampled_from([1, 5, 60, 126, 300]), st.booleans())
def test_limits_are_the_same(data: st.DataObject, role: Role, limit: int, eof: bool) -> None:
    stream = data.draw(streams(role))
    compare(Setup(role, limit), stream, data.draw(arrivals(stream)), eof)


@settings(deadline=None, max_examples=100)
@given(st.data(), setups, st.booleans())
def test_noise_is_heard_the_same(data: st.DataObject, setup: Setup, eof: bool) -> None:
    stream = data.draw(st.binary(max_size=60))
    compare(setup, stream, data.draw(arrivals(stream)), eof)


@settings(deadline=None, max_examples=80)
@given(st.data(), st.sampled_from(Role))
def test_what_is_valid_is_heard_by_all(data: st.DataObject, role: Role) -> None:
    mask = MASK if role is Role.SERVER else b""
    stream = b"".join(data.draw(st.lists(messages(mask, good=True), max_size=5)))
    chunks = cut(stream, data.draw(st.lists(st.integers(0, 10**6), max_size=5)))
    mine = ours(Setup(role), chunks)
    assert mine.end.kind == "waiting"
    for run in PEERS.values():
        assert not differ(mine, run(Setup(role), chunks, False))


@pytest.mark.parametrize("entry", [*VERDICTS, *CODES], ids=lambda entry: f"{entry.peer}: {entry.name}")
def test_what_is_listed_is_still_so(entry: Difference) -> None:
    case = entry.case()
    table = CODES if entry in CODES else VERDICTS
    assert differ(*case.run()), "it is no more so: strike the entry out"
    assert case.of_code_only == (table is CODES)
    assert list(explain(case, table)) == [entry.name], "the entries overlap"
