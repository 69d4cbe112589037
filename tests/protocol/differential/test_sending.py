"""What ours sends, `websockets` and wsproto read back: compressed or not, every window, whole or in fragments."""

from typing import TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.protocol.differential.rig import PEERS, Heard, Setup, Window, open_ours
from tests.protocol.differential.wire import cut
from tests.protocol.helpers import other
from tickws.protocol.connection import Role

Said: TypeAlias = tuple[str | bytes, list[str | bytes], bytes | None]

texts = st.text(st.sampled_from("aé€😀 "), max_size=20).flatmap(lambda text: st.sampled_from([text, text * 60]))
payloads = st.one_of(
    st.binary(max_size=20),
    st.sampled_from([b"tick tock " * 90, bytes(70_000), bytes(range(256)) * 5, b"a" * 125, b"b" * 126]),
)
windows = st.builds(Window, st.integers(8, 15), st.booleans())


@st.composite
def said(draw: st.DrawFn) -> Said:
    """A message, the fragments that it goes in, and a Ping to go before the last of them."""
    ping = draw(st.none() | st.binary(max_size=5))
    if draw(st.booleans()):
        data = draw(payloads)
        return data, [*cut(data, draw(st.lists(st.integers(0, 10**6), max_size=3)))], ping
    text = draw(texts)
    middle = draw(st.integers(0, len(text)))
    return text, draw(st.sampled_from([[text], [text[:middle], text[middle:]], ["", text]])), ping


def talk(setup: Setup, says: list[Said], points: list[int]) -> None:
    """Ours says it all, and both peers hear it, in any cut."""
    connection = open_ours(setup)
    expected: list[Heard] = []
    for message, fragments, ping in says:
        for index, fragment in enumerate(fragments):
            last = index == len(fragments) - 1
            if last and ping is not None:
                connection.send_ping(ping)
                expected.append(("ping", ping))
            if len(fragments) == 1:
                connection.send(fragment)
            else:
                connection.send_fragment(fragment, fin=last)
        expected.append(("text", message) if isinstance(message, str) else ("binary", message))
    connection.send_close(4000, "größer")
    wire = b"".join(connection.data_to_send())
    peer = Setup(other(setup.role), setup.limit, setup.deflate)
    for name, run in PEERS.items():
        if name == "wsproto" and setup.deflate is not None and any(ping is not None for _, _, ping in says):
            continue  # it loses a compressed message with a control frame in it: `deflate_differences`
        outcome = run(peer, cut(wire, points), True)
        assert list(outcome.heard) == expected
        assert (outcome.end.kind, outcome.end.code, outcome.end.reason) == ("closed", 4000, "größer")


points = st.lists(st.integers(0, 10**6), max_size=5)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(Role), st.lists(said(), max_size=5), points)
def test_plain(role: Role, says: list[Said], points: list[int]) -> None:
    talk(Setup(role), says, points)


@pytest.mark.parametrize("takeover", [False, True])
@pytest.mark.parametrize("bits", range(8, 16))
@pytest.mark.parametrize("role", Role)
@settings(deadline=None, max_examples=5)
@given(other_window=windows, says=st.lists(said(), max_size=5), points=points)
def test_compressed(
    role: Role, bits: int, takeover: bool, other_window: Window, says: list[Said], points: list[int]
) -> None:
    out = Window(bits, takeover)
    talk(Setup(role, deflate=(out, other_window) if role is Role.SERVER else (other_window, out)), says, points)
