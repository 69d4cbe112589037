"""permessage-deflate: ours, `websockets` and wsproto inflate the same streams to the same messages, or all refuse."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.protocol.differential import deflate_differences, differences
from tests.protocol.differential.cases import Case, Difference, differ, explain, messages_of, settle
from tests.protocol.differential.compressed import RSV1, TAIL, Packer, compressed_streams, inflate, setups, windows
from tests.protocol.differential.rig import PEERS, Outcome, Setup, Window, ours
from tests.protocol.differential.streams import arrivals
from tests.protocol.differential.wire import build, walk
from tests.protocol.helpers import BINARY, MASK, TEXT
from tickws.protocol.connection import Role

VERDICTS = [*differences.VERDICTS, *deflate_differences.VERDICTS]
CODES = [*differences.CODES, *deflate_differences.CODES]
WIDEST = (Window(), Window())


@settings(deadline=None, max_examples=200)
@given(st.data(), setups | st.builds(Setup, st.sampled_from(Role), deflate=st.just(WIDEST)), st.booleans())
def test_all_inflate_the_same(data: st.DataObject, setup: Setup, eof: bool) -> None:
    compare(data, setup, eof)


@settings(deadline=None, max_examples=120)
@given(st.data(), st.sampled_from(Role), st.sampled_from([1, 60, 360, 2999, 3000]), st.booleans())
def test_limits_of_what_inflates_are_the_same(data: st.DataObject, role: Role, limit: int, eof: bool) -> None:
    compare(data, Setup(role, limit, WIDEST), eof)


def compare(data: st.DataObject, setup: Setup, eof: bool) -> None:
    stream = data.draw(compressed_streams(setup))
    chunks = data.draw(arrivals(stream))
    mine, cut = ours(setup, [stream], eof), ours(setup, chunks, eof)
    assert not differ(mine, cut) or breaks_at_the_limit(setup, stream, mine, cut), "ours depends on how it is cut"
    for peer in PEERS:
        settle(Case(peer, setup, chunks, eof), VERDICTS, CODES)


def breaks_at_the_limit(setup: Setup, stream: bytes, *outcomes: Outcome) -> bool:
    """Whether a message is broken just behind the first byte that is too much.

    Where both come in one read, zlib tells of the break and gives nothing, so that it is 1007; in two, it is 1009.
    """
    messages = [message for message in messages_of(walk(stream)) if message]
    known = (inflate(messages[: end + 1], setup.incoming.takeover) for end in range(len(messages)))
    return {outcome.end.code for outcome in outcomes} == {1007, 1009} and any(
        found.corrupt and len(found.data) == setup.limit + 1 for found in known
    )


def test_a_message_that_breaks_at_the_limit() -> None:
    setup = Setup(Role.CLIENT, 100, WIDEST)
    stream = build(BINARY, Packer(Window()).pack(bytes(101)) + TAIL + b"\xff", rsv=RSV1)
    whole, cut = ours(setup, [stream]), ours(setup, [stream[:-1], stream[-1:]])
    assert not differ(whole, cut) or breaks_at_the_limit(setup, stream, whole, cut)


@pytest.mark.parametrize("takeover", [False, True])
@pytest.mark.parametrize("bits", range(8, 16))
@pytest.mark.parametrize("role", Role)
@settings(deadline=None, max_examples=4)
@given(data=st.data(), other=windows)
def test_every_window(data: st.DataObject, other: Window, role: Role, bits: int, takeover: bool) -> None:
    come = Window(bits, takeover)
    setup = Setup(role, deflate=(other, come) if role is Role.SERVER else (come, other))
    stream = data.draw(compressed_streams(setup, odd=False))
    chunks = data.draw(arrivals(stream))
    for peer in PEERS:
        settle(Case(peer, setup, chunks), VERDICTS, CODES)


@pytest.mark.parametrize(
    "entry",
    [*deflate_differences.VERDICTS, *deflate_differences.CODES],
    ids=lambda entry: f"{entry.peer}: {entry.name}",
)
def test_what_is_listed_is_still_so(entry: Difference) -> None:
    case = entry.case()
    table = CODES if entry in CODES else VERDICTS
    assert differ(*case.run()), "it is no more so: strike the entry out"
    assert case.of_code_only == (table is CODES)
    assert list(explain(case, table)) == [entry.name], "the entries overlap"


@pytest.mark.parametrize("role", Role)
def test_a_wrong_text_above_the_limit_is_told_as_one_in_any_cut(role: Role) -> None:
    setup = Setup(role, 3, WIDEST)
    payload = Packer(Window()).pack(b"a\xff" + b"aeiou" * 20)
    stream = build(TEXT, payload, rsv=RSV1, mask=MASK if setup.masked else b"")
    bytewise = [stream[i : i + 1] for i in range(len(stream))]
    for chunks in ([stream], bytewise):
        assert ours(setup, chunks).end.code == 1007
