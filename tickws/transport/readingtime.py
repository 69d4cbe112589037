"""Reading time (DESIGN rule 8): it passes while we listen to the network, and at most `STALL` between two looks at it.

A host that hangs for a minute has not heard its peers for that minute: nobody times out for it, and nobody was slow.
"""

from __future__ import annotations

from typing import Final

from tickws.clock import nanoseconds

__all__ = ["STALL", "ReadingTime"]

STALL: Final = nanoseconds(0.25)
"""The most reading time that passes between two slices, in nanoseconds; as much as a game loop may owe."""


class ReadingTime:
    """The reading time of one endpoint, which moves it."""

    __slots__ = ("now",)

    def __init__(self) -> None:
        self.now = 0
        """Nanoseconds."""
