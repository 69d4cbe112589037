"""Opening handshakes: `websockets` and ours let the same in, with the same subprotocol; the rest is listed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.protocol.differential.heads import (
    ANSWER,
    ODD_REQUEST_LINES,
    ODD_STATUS_LINES,
    REQUEST,
    HeadDifference,
    joined,
    odd_heads,
    through,
)
from tests.protocol.differential.opening_differences import ANSWERS, REQUESTS, STATUSES
from tests.protocol.differential.wire import cut
from tickws.protocol.connection import Role

points = st.lists(st.integers(0, 1000), max_size=4)


def agree(role: Role, lines: list[str], points: list[int], table: list[HeadDifference]) -> None:
    head = joined(lines)
    pair = through(role, lines, cut(head, points))
    assert pair.mine == through(role, lines).mine, "ours depends on how the head is cut"
    if pair.mine.verdict != pair.theirs.verdict:
        assert [entry.name for entry in table if entry.applies(pair)], f"not listed: {pair}"


@settings(deadline=None, max_examples=300)
@given(odd_heads(REQUEST, ODD_REQUEST_LINES, 3), points)
def test_the_same_requests_are_let_in(lines: list[str], points: list[int]) -> None:
    agree(Role.SERVER, lines, points, REQUESTS)


@settings(deadline=None, max_examples=200)
@given(odd_heads(ANSWER, ODD_STATUS_LINES, 3), points)
def test_the_same_answers_are_taken(lines: list[str], points: list[int]) -> None:
    agree(Role.CLIENT, lines, points, ANSWERS)


@settings(deadline=None, max_examples=200)
@given(odd_heads(REQUEST, ODD_REQUEST_LINES, 1))
def test_one_fault_is_answered_the_same(lines: list[str]) -> None:
    pair = through(Role.SERVER, lines)
    if pair.mine.verdict == pair.theirs.verdict and pair.mine.status != pair.theirs.status:
        assert [entry.name for entry in STATUSES if entry.applies(pair)], f"not listed: {pair}"


@pytest.mark.parametrize(
    ("role", "lines"),
    [
        (Role.SERVER, [*REQUEST, "Connection: Upgrade;x"]),
        (Role.SERVER, [*REQUEST, "Upgrade: h2c, ("]),
        (Role.CLIENT, [*ANSWER, "Connection: Upgrade;x"]),
    ],
)
def test_a_header_that_breaks_its_grammar_is_refused(role: Role, lines: list[str]) -> None:
    pair = through(role, lines)
    assert not pair.theirs.accepted
    assert not pair.mine.accepted


ENTRIES = [(Role.SERVER, REQUESTS, entry) for entry in REQUESTS]
ENTRIES += [(Role.SERVER, STATUSES, entry) for entry in STATUSES]
ENTRIES += [(Role.CLIENT, ANSWERS, entry) for entry in ANSWERS]


@pytest.mark.parametrize(("role", "table", "entry"), ENTRIES, ids=[entry.name for _, _, entry in ENTRIES])
def test_what_is_listed_is_still_so(role: Role, table: list[HeadDifference], entry: HeadDifference) -> None:
    pair = through(role, entry.example)
    assert (pair.mine.verdict == pair.theirs.verdict) == (table is STATUSES), "it is no more so: strike the entry out"
    assert pair.mine.status != pair.theirs.status or pair.mine.accepted != pair.theirs.accepted
    assert [other.name for other in table if other.applies(pair)] == [entry.name], "the entries overlap"
