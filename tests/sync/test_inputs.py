"""One input frame per player and tick (DESIGN rule 6): against a player who sends whatever he likes, whenever.

What is right is said here in one sentence, and not as the buffer does it: *the frame of a tick is the last one accepted
that was meant for it or for an earlier tick*: executed in its own tick, and repeated from then on.
"""

from collections import Counter
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tickws
from tests.sync.helpers import STEADY, Move
from tickws.sync.inputs import EARLIEST, LATEST, InputBuffer
from tickws.sync.schema import InputSchema
from tickws.sync.wire import Inputs

SCHEMA = InputSchema(Move)
RATE = 20
HOLD = 10


class Taken(NamedTuple):
    """A frame that was accepted."""

    sequence: int
    tick: int
    now: int  # the last tick that had run when it came
    aim: float

    @property
    def since(self) -> int:
        """The tick that it is executed in; of a late one, the last that it came too late for."""
        return max(self.tick, self.now)


def told(buffer: InputBuffer, held: int = 0) -> Inputs:
    """What a client is told of its frames, if the present tick is published."""
    buffer.mark()
    return buffer.acknowledgment(held)


class Player:
    """A buffer, all that was sent to it, and what must come of it."""

    def __init__(self, now: int = 0) -> None:
        self.buffer = InputBuffer(SCHEMA, RATE, now)
        self.now = now
        self.sequence = 0
        self.leads: list[int] = []
        self.lead = 0
        self.taken: list[Taken] = []
        self.accepted: Counter[str] = Counter()
        self.executed: Counter[str] = Counter()
        self.late = self.refused = self.own = self.ticks = 0

    def send(self, lead: int, *presses: str, skip: int = 1) -> bool:
        """A frame for `lead` ticks from now; its `aim` is its sequence, so that it is known again."""
        sequence = self.sequence + skip
        fresh, fits = skip > 0, -256 <= lead <= 64
        frame = Move(0.0, float(sequence), "serve" in presses, "jump" in presses)
        refusal = self.buffer.receive(sequence, self.now + lead, frame)
        assert (refusal is None) == (fresh and fits), refusal
        if fresh:
            self.sequence = sequence
            self.leads.append(lead)
        if refusal is None:
            self.taken.append(Taken(sequence, self.now + lead, self.now, float(sequence)))
            self.accepted.update(presses)
        self.late += refusal is None and lead <= 0
        self.refused += refusal is not None
        assert len(self.buffer._frames) <= 64
        return refusal is None

    def tick(self) -> Move:
        """One tick; its frame is the right one."""
        self.now += 1
        self.ticks += 1
        frame = self.buffer.advance(self.now)
        assert type(frame) is Move
        self.executed.update(name for name in ("serve", "jump") if getattr(frame, name))
        assert self.executed <= self.accepted, "a press that nobody made"
        due = self.due()
        age = self.now - due.since if due else 0
        assert frame.aim == (due.aim if due and age <= HOLD else 0.0)
        self.own += due is not None and due.tick == self.now
        self.check()
        return frame

    def due(self) -> Taken | None:
        return next((taken for taken in reversed(self.taken) if taken.tick <= self.now), None)

    def check(self) -> None:
        """The acknowledgment, and the counters."""
        due = self.due()
        sequence, applied = (due.sequence, due.since + (due.tick <= due.now)) if due else (0, 0)
        repeated = self.now - due.since if due else self.ticks
        self.lead = min(self.leads, default=self.lead)
        self.leads.clear()
        assert told(self.buffer, 7) == Inputs(self.sequence, 7, self.lead, sequence, applied, repeated)
        counted = (self.buffer.late, self.buffer.refused, self.buffer.executed, self.buffer.missed)
        assert counted == (self.late, self.refused, self.own, self.ticks - self.own)

    def drain(self, ticks: int) -> None:
        """Nothing is sent any more: all presses are executed, and nothing else."""
        for _ in range(ticks):
            self.tick()
        assert self.executed == self.accepted
        assert self.tick() == Move() or ticks <= HOLD


presses = st.lists(st.sampled_from(["serve", "jump"]), unique=True)
usual = st.tuples(st.integers(-3, 5), presses)
anywhere = st.tuples(st.integers(EARLIEST - 2, LATEST + 2), presses)
edges = st.tuples(st.sampled_from([EARLIEST - 1, EARLIEST, -1, 0, 1, LATEST, LATEST + 1, -(10**9), 10**9]), presses)
frames = st.lists(usual | anywhere | edges, max_size=6)


@STEADY
@given(st.lists(st.tuples(frames, st.integers(0, 14)), max_size=12), st.integers(-1, 1000))
def test_any_schedule(schedule: list[tuple[list[tuple[int, list[str]]], int]], start: int) -> None:
    """Early, late, in bursts, with gaps, out of the window, by a clock that jumps."""
    player = Player(start)
    for sent, ticks in schedule:
        for lead, pressed in sent:
            player.send(lead, *pressed)
        for _ in range(ticks):
            player.tick()
    player.drain(LATEST + sum(player.accepted.values()) + HOLD + 1)


@STEADY
@given(st.lists(st.tuples(st.integers(-3, 3), usual), max_size=40))
def test_sequences_that_repeat_or_go_back_are_refused(sent: list[tuple[int, tuple[int, list[str]]]]) -> None:
    player = Player()
    for skip, (lead, pressed) in sent:
        player.send(lead, *pressed, skip=skip)
        player.tick()
    player.drain(LATEST + 2 * len(sent) + HOLD)


@STEADY
@given(st.lists(st.tuples(st.sampled_from([-10, -3, -1, 0, 1, 3]), st.integers(1, 8)), max_size=8))
def test_a_clock_that_is_corrected_loses_no_press(corrections: list[tuple[int, int]]) -> None:
    """A steady client, one frame a tick, a press in each third; then its clock goes back or forward."""
    player, lead = Player(), 3
    for step, length in corrections:
        lead += step
        for index in range(length):
            player.send(lead, *(["serve"] if index % 3 == 0 else []))
            player.tick()
    player.drain(LATEST + 80)


@pytest.mark.parametrize(
    ("lead", "taken"), [(-257, False), (-256, True), (0, True), (1, True), (64, True), (65, False)]
)
def test_window(lead: int, taken: bool) -> None:
    player = Player(1000)
    assert player.send(lead, "serve") == taken
    player.drain(80)
    assert player.executed["serve"] == taken


def test_a_frame_that_is_refused_is_not_used_but_counts_as_received() -> None:
    buffer = InputBuffer(SCHEMA, RATE, 100)
    assert buffer.receive(1, 101, Move(aim=1.0)) is None
    assert "+65" in str(buffer.receive(2, 165, Move(aim=2.0, serve=True)))
    assert "-257" in str(buffer.receive(3, -157, Move(aim=3.0, serve=True)))
    assert "sequence 3 after 3" in str(buffer.receive(3, 101, Move(aim=4.0)))
    assert told(buffer) == Inputs(3, 0, -257, 0, 0, 0)
    assert [buffer.advance(tick) for tick in (101, 102)] == [Move(aim=1.0)] * 2
    assert told(buffer) == Inputs(3, 0, -257, 1, 101, 1)


# Holding


@pytest.mark.parametrize(("rate", "hold"), [(1, 1), (10, 5), (20, 10), (60, 30), (128, 64), (1000, 500)])
@pytest.mark.parametrize("lead", [1, 0, -5])
def test_held_fields_repeat_for_half_a_second(rate: int, hold: int, lead: int) -> None:
    buffer = InputBuffer(SCHEMA, rate, 50)
    buffer.receive(1, 50 + lead, Move(1.0, 2.0, True))
    first = [buffer.advance(51)] if lead == 1 else []
    assert first in ([], [Move(1.0, 2.0, True)])
    since = 51 if first else 50
    repeated = [buffer.advance(tick) for tick in range(since + 1, since + hold + 4)]
    held = [Move(1.0, 2.0)] * hold + [Move()] * 3
    if lead < 1:
        held[0] = Move(held[0].dy, held[0].aim, True)  # the press is not lost by being late
    assert repeated == held


def test_nobody_ever_sent_anything() -> None:
    buffer = InputBuffer(SCHEMA, RATE, -1)
    assert [buffer.advance(tick) for tick in range(50)] == [Move()] * 50
    assert told(buffer) == Inputs(0, 0, 0, 0, 0, 50)


# Late frames


def test_a_late_frame_is_never_executed() -> None:
    player = Player(10)
    for lead in (0, -1, -200):
        player.send(lead, "serve")
    assert [player.tick().serve for _ in range(5)] == [True, True, True, False, False]
    assert (player.buffer.executed, player.buffer.late) == (0, 3)


def test_a_late_frame_is_acknowledged_with_its_tick() -> None:
    """It has its effect in the next tick: not a word of it before that."""
    buffer = InputBuffer(SCHEMA, RATE, 10)
    buffer.receive(1, 11, Move(aim=1.0))
    buffer.advance(11)
    buffer.advance(12)
    buffer.receive(2, 12, Move(aim=2.0))
    assert told(buffer) == Inputs(2, 0, 0, 1, 11, 1)
    buffer.advance(13)
    assert told(buffer) == Inputs(2, 0, 0, 2, 13, 1)
    buffer.advance(14)
    assert told(buffer) == Inputs(2, 0, 0, 2, 13, 2)


def test_always_one_tick_late_is_repeated_once_each_tick() -> None:
    buffer = InputBuffer(SCHEMA, RATE, 0)
    for tick in range(1, 200):
        buffer.receive(tick, tick - 1, Move(aim=float(tick)))
        assert buffer.advance(tick) == Move(aim=float(tick))
        assert told(buffer) == Inputs(tick, 0, 0, tick, tick, 1)


def test_what_happened_after_the_publication_is_not_acknowledged_with_it() -> None:
    buffer = InputBuffer(SCHEMA, RATE, 10)
    buffer.receive(1, 11, Move(aim=1.0))
    buffer.receive(2, 12, Move(aim=2.0))
    buffer.advance(11)
    buffer.mark()
    buffer.advance(12)
    assert buffer.acknowledgment(0) == Inputs(2, 0, 1, 1, 11, 0)


def test_a_frame_of_its_own_comes_after_a_late_one() -> None:
    buffer = InputBuffer(SCHEMA, RATE, 10)
    buffer.receive(1, 9, Move(aim=1.0, serve=True))
    buffer.receive(2, 11, Move(aim=2.0))
    assert buffer.advance(11) == Move(aim=2.0, serve=True)
    assert told(buffer) == Inputs(2, 0, -1, 2, 11, 0)
    assert told(buffer).lead == -1  # nothing new
    assert buffer.advance(12) == Move(aim=2.0)


# Floods


@pytest.mark.parametrize("lead", [-256, -1, 0, 1, 2, 64])
def test_twenty_times_as_many_frames_move_no_further(lead: int) -> None:
    buffer = InputBuffer(SCHEMA, RATE, 0)
    moved, sequence = 0.0, 0
    for tick in range(1, 201):
        for _ in range(20):
            sequence += 1
            buffer.receive(sequence, tick - 1 + lead, Move(dy=1.0, serve=True))
            assert len(buffer._frames) <= 64
        frame = buffer.advance(tick)
        assert isinstance(frame, Move)
        moved += frame.dy
    assert moved <= 200
    assert sum(buffer._waiting.values()) <= 320
    assert told(buffer).received == 4000


def test_a_flood_over_the_whole_window_keeps_64_frames() -> None:
    buffer = InputBuffer(SCHEMA, RATE, 0)
    sequence = 0
    for tick in range(1, 100):
        for lead in (*range(1, 65), *range(64, 0, -1), *range(1, 65)):
            sequence += 1
            assert buffer.receive(sequence, tick - 1 + lead, Move(serve=True)) is None
            assert len(buffer._frames) <= 64
        buffer.advance(tick)
    assert buffer._waiting["serve"] <= 320
    frames = [buffer.advance(tick) for tick in range(100, 600)]
    assert sum(frame != Move() for frame in frames) <= 320 + 63
    assert frames[-1] == Move()


def test_an_input_without_presses_is_repeated_as_it_is() -> None:
    class Axis(tickws.Input):
        x: float = 0.0

    buffer = InputBuffer(InputSchema(Axis), RATE, 0)
    buffer.receive(1, 1, Axis(1.0))
    assert [buffer.advance(tick) for tick in range(1, 4)] == [Axis(1.0)] * 3
