"""Reading time (DESIGN rule 8): it passes while we listen to the network, and at most `STALL` between two looks at it.

A host that hangs for a minute has not heard its peers for that minute: nobody times out for it, and nobody was slow.
"""

from __future__ import annotations

from typing import Final

from tickws.clock import nanoseconds

__all__ = ["LIGHT", "STALL", "UNIT", "ReadingTime"]

STALL: Final = nanoseconds(0.25)
"""The most reading time that passes between two slices, in nanoseconds; as much as a game loop may owe."""

UNIT: Final = nanoseconds(1 / 128)
"""What a message, or a KiB, spends of a link's share, whatever the limits: who says 128 a second or less is light."""
LIGHT: Final = 32 * UNIT
"""By how much a link may be ahead of the clock so, and is light: it is served before those who are not."""
MOST_SLACK: Final = nanoseconds(60.0)
"""Nobody has more to say, for a hitch of ours, than in so many nanoseconds."""


class ReadingTime:
    """The reading time of one endpoint, which moves it."""

    __slots__ = ("now", "slack")

    def __init__(self) -> None:
        self.now = 0
        """Nanoseconds."""
        self.slack = 0
        """Nanoseconds that passed while we did not listen; what was said in them is heard by and by (see `rates`)."""

    @property
    def light_until(self) -> int:
        """The time up to which a link may have spent its share, and is light; nobody is heavy for a hitch of ours."""
        return self.now + self.slack + LIGHT

    def advance(self, heard: int, passed: int) -> None:
        """Of `passed` nanoseconds, we listened for `heard`."""
        self.now += heard
        if self.slack or passed > heard:
            self.slack = min(max(0, self.slack - heard) + passed - heard, MOST_SLACK)
