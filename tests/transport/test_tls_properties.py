"""Any schedule of sends, in any segmentation, over any line: all arrives whole, once and in order, at both ends."""

from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.certificates import VERSIONS, Version
from tests.protocol.helpers import BINARY, TEXT
from tests.transport.ends import Who
from tests.transport.tls_peers import TlsTwo, tls_seat
from tickws.protocol.connection import Role
from tickws.protocol.limits import Limits
from tickws.testing import Conditions

BIG = Limits(queue_bytes=64 << 20, closing_seconds=60.0)


@dataclass(frozen=True)
class Act:
    """One thing that happens: somebody says so many messages of that size, or time passes."""

    who: Who
    size: int
    count: int
    frames: int


SIZES = st.one_of(st.integers(0, 300), st.sampled_from([16_383, 16_384, 16_385, 65_536, 70_000]))
ACTS = st.builds(
    Act, st.sampled_from(["server", "client"]), SIZES, st.integers(0, 6), st.sampled_from([0, 0, 1, 3])
)  # fmt: skip
LINES = st.builds(
    Conditions,
    latency=st.sampled_from([0.0, 0.02, 0.2]),
    jitter=st.sampled_from([0.0, 0.05]),
    buffer_bytes=st.sampled_from([300, 5_000, 131_072]),
)


def message(number: int, size: int) -> str | bytes:
    """A message that nobody takes for another one."""
    head = f"{number}:"
    return head + "x" * max(0, size - len(head)) if number % 2 else head.encode() + bytes(size)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(version=st.sampled_from(VERSIONS), line=LINES, acts=st.lists(ACTS, max_size=12), quota=st.sampled_from([1, 64]))
def test_both_ends_are_ours(version: Version, line: Conditions, acts: list[Act], quota: int) -> None:
    limits = Limits(queue_bytes=64 << 20, slice_messages=quota, handshake_seconds=600.0, dead_seconds=600.0)
    two = TlsTwo(version, conditions=line, limits=limits)
    said: dict[str, list[Any]] = {"server": [], "client": []}
    for act in acts:
        for _ in range(act.count):
            words = message(len(said[act.who]), act.size)
            assert two.ws(act.who).send(words)
            said[act.who].append(words)
        for _ in range(act.frames):
            two.run(0.001)
    two.run_until(
        lambda: (len(two.heard("server")), len(two.heard("client"))) == (len(said["client"]), len(said["server"])),
        seconds=3600.0,
    )
    two.run(0.1)
    assert two.heard("server") == said["client"]
    assert two.heard("client") == said["server"]
    for end in two.ends.values():
        end.abort()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    version=st.sampled_from(VERSIONS),
    role=st.sampled_from(list(Role)),
    groups=st.lists(st.lists(SIZES, max_size=4), max_size=4),
    cuts=st.lists(st.one_of(st.integers(20, 40_000), st.integers(1, 19)), min_size=1, max_size=10),
    quota=st.sampled_from([1, 3, 64]),
    small=st.booleans(),
)
def test_ciphertext_in_any_pieces(
    version: Version, role: Role, groups: list[list[int]], cuts: list[int], quota: int, small: bool
) -> None:
    """Groups of messages are sealed into records of their own, or together, and cut anywhere."""
    seat, tunnel = tls_seat(role, version, limits=Limits(slice_messages=quota, queue_bytes=BIG.queue_bytes))
    expected: list[Any] = []
    sealed = b""
    for group in groups:
        frames = []
        for size in group:
            words = message(len(expected), size)
            expected.append(words)
            data = words.encode() if isinstance(words, str) else words
            frames.append(seat.frame(TEXT if isinstance(words, str) else BINARY, data))
        sealed += tunnel.seal(*(frames if small else [b"".join(frames)]))
    at = step = 0
    while at < len(sealed) or tunnel.unsent:
        size = cuts[step % len(cuts)] if step < 300 else 10_000
        tunnel.put(sealed[at : at + size])
        at += size
        step += 1
        seat.turn()
    for _ in range(3 * len(expected) + 100):
        seat.turn()
    assert seat.heard == expected
    assert seat.closes == []
    seat.ours.abort()
