"""Rates against a token bucket that is written down as one would on paper, for any schedule of sizes and pauses."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.limits.table import pass_until
from tests.protocol.helpers import BINARY, ROLES
from tests.transport.ends import Seat
from tests.transport.peers import FRAME
from tickws.protocol.connection import Role
from tickws.protocol.limits import Limits
from tickws.testing import Conditions

WIDE = Conditions(buffer_bytes=1 << 24)
ROUNDING = 1e-6
TURN = 8
"""Messages that are heard before anybody asks whether they were too many."""


@dataclass
class Bucket:
    """Tokens drip in at `rate` a second, up to `burst`; each thing said takes some, and waits until they are there."""

    rate: float
    burst: float
    tokens: float = -1.0
    now: float = 0.0

    def __post_init__(self) -> None:
        self.tokens = self.burst

    def pass_to(self, now: float) -> None:
        self.tokens = min(self.burst, self.tokens + (now - self.now) * self.rate)
        self.now = now

    def take(self, size: float, now: float) -> float:
        """When something that was said at `now` may pass, behind all that was said before."""
        self.pass_to(max(now, self.now))
        if (
            self.tokens < size
        ):  # as long as it takes; what is larger than the burst passes when all of it has dripped in
            wait = (size - self.tokens) / self.rate
            self.now += wait
            self.tokens = size
        self.tokens -= size
        return self.now


@dataclass
class Heard:
    """What one connection said, and when it was heard."""

    said: list[tuple[float, int]]
    times: list[float]
    limited: int


def talk(role: Role, limits: Limits, schedule: list[tuple[int, list[int]]]) -> Heard:
    """Say messages with frames of these sizes, after pauses of so many frames."""
    seat = Seat(role, limits=limits, conditions=WIDE)
    said: list[tuple[float, int]] = []
    times: list[float] = []
    tick = 0

    def frame() -> None:
        nonlocal tick
        tick += 1
        pass_until(seat.network, tick * FRAME, seat.ours)
        times.extend([tick * FRAME] * (len(seat.heard) - len(times)))

    for pause, sizes in schedule:
        for _ in range(pause):
            frame()
        for size in sizes:
            plain = len(seat.frame(BINARY, bytes(126))) - 126
            payload = len(said).to_bytes(4, "big") + bytes(size - plain - 4)
            seat.peer.say(seat.frame(BINARY, payload))
            said.append((tick * FRAME, size))
        frame()
    for _ in range(60 * 120):
        if len(times) == len(said):
            break
        frame()
    assert [int.from_bytes(each[:4], "big") for each in seat.heard] == list(range(len(said))), "each once, in order"
    assert seat.closes == []
    limited = seat.ours.statistics().limited
    return Heard(said, times, limited.get("messages_per_second", 0) + limited.get("bytes_per_second", 0))


schedules = st.lists(
    st.tuples(st.integers(0, 90), st.lists(st.integers(140, 1000), min_size=1, max_size=30)), min_size=1, max_size=12
)
roles = st.sampled_from(list(Role))


@settings(max_examples=40, deadline=None)
@given(role=roles, rate=st.integers(10, 120), burst=st.integers(4, 60), schedule=schedules)
@example(role=Role.SERVER, rate=10, burst=4, schedule=[(0, [140] * 30), (60, [140] * 30)])
def test_messages_against_a_token_bucket(
    role: Role, rate: int, burst: int, schedule: list[tuple[int, list[int]]]
) -> None:
    burst = max(
        burst, rate // 10
    )  # some frames' worth: where a burst is less, whoever is held loses a part of the rate
    limits = Limits(messages_per_second=rate, messages_burst=burst, ping_seconds=1000.0)
    heard = talk(role, limits, schedule)
    bucket = Bucket(rate, burst)
    due = [bucket.take(1, when) for when, _ in heard.said]
    check(heard, due, ahead=TURN)


@settings(max_examples=40, deadline=None)
@given(role=roles, rate=st.integers(2000, 50_000), burst=st.integers(1000, 20_000), schedule=schedules)
def test_bytes_against_a_token_bucket(role: Role, rate: int, burst: int, schedule: list[tuple[int, list[int]]]) -> None:
    burst = max(burst, rate // 10)
    limits = Limits(
        bytes_per_second=rate, bytes_burst=burst, slice_bytes=2000, slice_messages=1000, ping_seconds=1000.0
    )
    heard = talk(role, limits, schedule)
    bucket = Bucket(rate, burst)
    due = [bucket.take(size, when) for when, size in heard.said]
    check(heard, due, ahead=2000 // 140 + 2)


def check(heard: Heard, due: list[float], ahead: int) -> None:
    """Nobody is later than in the bucket by more than some frames, nor earlier by more than a turn.

    Who keeps to the bucket is never held.
    """
    for number, (came, when) in enumerate(zip(heard.times, due, strict=True)):
        assert came <= when + 5 * FRAME + len(heard.said) / 60 * FRAME + ROUNDING, number
        assert came >= due[max(0, number - ahead)] - ROUNDING, number
    if all(when <= said for (said, _), when in zip(heard.said, due, strict=True)):
        assert heard.limited == 0


@ROLES
def test_in_the_long_run_it_is_the_rate(role: Role) -> None:
    """Somebody who always has more to say."""
    limits = Limits(messages_per_second=100, messages_burst=20, ping_seconds=1000.0)
    heard = talk(role, limits, [(0, [140] * 20)] * 150)
    assert len(heard.said) == 3000
    assert 29.0 <= heard.times[-1] <= 30.5
