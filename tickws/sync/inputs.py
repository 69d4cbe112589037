"""One input frame per player and tick: out of frames that come early, late, in bursts, or not at all (DESIGN rule 6).

Each tick takes one frame: the one that was sent for it, or the newest one known, repeated. That is the speed limit:
who sends more moves no faster, and who is silent is not punished. Frames that come after their tick are never executed;
their presses wait for the next ticks, and what they hold is what is repeated from then on.
"""

from __future__ import annotations

from typing import Final

from tickws.sync.schema import Input, InputSchema
from tickws.sync.wire import Inputs

__all__ = ["EARLIEST", "HOLD_SECONDS", "LATEST", "InputBuffer"]

EARLIEST: Final = -256
"""How far behind now a frame's tick may lie, in ticks. (lightyear.)"""
LATEST: Final = 64
"""How far ahead of now a frame's tick may lie: as many frames are kept at most. (lightyear: the far side is a memory
attack.)"""
HOLD_SECONDS: Final = 0.5
"""How long held fields repeat without a frame; then the player is neutral."""
PRESSES: Final = LATEST - EARLIEST
"""Presses of one field that may wait for their tick: as many as there are ticks in the window."""


class InputBuffer:
    """The input frames of one player, from their coming to their tick.

    Args:
        schema: of the frames.
        rate: ticks a second.
        tick: the last tick that has run; -1 for none.
    """

    __slots__ = (
        "_applied",
        "_frames",
        "_held",
        "_held_at",
        "_hold",
        "_late",
        "_lead",
        "_newest",
        "_published",
        "_repeated",
        "_schema",
        "_sequence",
        "_told_lead",
        "_waiting",
        "executed",
        "late",
        "missed",
        "now",
        "received",
        "refused",
    )

    def __init__(self, schema: InputSchema, rate: int, tick: int) -> None:
        self._schema = schema
        self._hold = max(1, round(HOLD_SECONDS * rate))
        self.now = tick
        """The last tick that has run."""
        self._frames: dict[int, tuple[int, Input]] = {}  # by tick: all ahead of now
        self._newest = tick  # nothing in it lies beyond
        self._held = schema.neutral
        self._held_at = tick
        self._waiting: dict[str, int] = {}  # presses whose frame is past: how many of each field
        self.received = 0
        """The sequence of the newest frame."""
        self._lead: int | None = None  # the least of those that came since the last acknowledgment
        self._told_lead = 0
        self._late = 0  # sequence of a late frame that has its effect in the next tick; 0: none
        self._sequence = 0
        self._applied = 0
        self._repeated = 0
        self._published = (0, 0, 0)  # these three, as of the tick that was published last
        self.late = 0
        """Frames that came after their tick."""
        self.refused = 0
        """Frames that were refused."""
        self.executed = 0
        """Ticks that had a frame of their own."""
        self.missed = 0
        """Ticks that had none."""

    def receive(self, sequence: int, tick: int, frame: Input) -> str | None:
        """Take one frame.

        It takes the place of the frames that are already there for its own tick and for later ones: the client has
        corrected its clock. No press is lost by that.

        Returns:
            Why it was refused; None: it was taken.
        """
        if sequence <= self.received:
            self.refused += 1
            return f"sequence {sequence} after {self.received}"
        self.received = sequence
        lead = tick - self.now
        self._lead = lead if self._lead is None else min(self._lead, lead)
        if not EARLIEST <= lead <= LATEST:
            self.refused += 1
            return f"tick {tick} is {lead:+d} from now; {EARLIEST} to +{LATEST} are taken"
        if tick <= self._newest:
            for later in [other for other in self._frames if other >= tick]:
                self._keep_presses(self._frames.pop(later)[1])
        self._newest = tick
        if lead > 0:
            self._frames[tick] = (sequence, frame)
            return None
        self.late += 1
        self._keep_presses(frame)
        self._held = frame
        self._held_at = self.now
        self._late = sequence
        return None

    def advance(self, tick: int) -> Input:
        """The frame of a tick; to be asked for once for each tick, in order."""
        self.now = tick
        sequence, frame = self._frames.pop(tick, (0, None))
        late, self._late = self._late, 0
        if frame is not None:
            self.executed += 1
            self._held = frame
            self._held_at = tick
            self._sequence = sequence
            self._applied = tick
            self._repeated = 0
            return frame if not self._waiting else self._release(frame, self._schema.pressed(frame))
        if late:
            self._sequence = late
            self._applied = tick
            self._repeated = 0
        self._repeated += 1
        self.missed += 1
        if tick - self._held_at > self._hold:
            self._held = self._schema.neutral
        if not self._schema.presses:
            return self._held
        return self._release(self._held, [])

    def skip(self, tick: int) -> None:
        """A tick in which the player is not asked, as nobody knows of it yet: no press is lost by that."""
        self.now = tick
        _, frame = self._frames.pop(tick, (0, None))
        if frame is not None:
            self._keep_presses(frame)
            self._held = frame
            self._held_at = tick

    def mark(self) -> None:
        """The present tick is published: what had its effect by it is what its snapshot acknowledges."""
        self._published = (self._sequence, self._applied, self._repeated)

    def acknowledgment(self, held: int) -> Inputs:
        """What the client is told next of its frames; `held`: microseconds since the newest one came."""
        if self._lead is not None:
            self._told_lead, self._lead = self._lead, None
        return Inputs(self.received, held, self._told_lead, *self._published)

    def _keep_presses(self, frame: Input) -> None:
        for name in self._schema.pressed(frame):
            self._waiting[name] = min(self._waiting.get(name, 0) + 1, PRESSES)

    def _release(self, frame: Input, pressed: list[str]) -> Input:
        """`frame` with the presses of its own tick, and one of each field that waits and finds its place free."""
        for name in [name for name in self._waiting if name not in pressed]:
            pressed.append(name)
            self._waiting[name] -= 1
            if not self._waiting[name]:
                del self._waiting[name]
        return self._schema.pressing(frame, pressed)
