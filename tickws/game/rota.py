"""Whose turn it is to be told what is new: everybody in turn, as long as the time lasts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from tickws.game.session import Session

__all__ = ["Rota"]

AT_ONCE: Final = 16
"""Sessions that are told what is new between two looks at the clock: one step of flush."""


class Rota:
    """Goes round the sessions of a game, and on where the last round ended.

    Args:
        now: the clock, in nanoseconds.
    """

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._first = 0  # place of the session that the next round begins with

    def flush(self, sessions: Sequence[Session], deadline: int) -> None:
        """Let them queue what they have to say, until `deadline` (nanoseconds); at least one step."""
        first = self._first
        for turn in range(len(sessions)):
            sessions[(first + turn) % len(sessions)].flush()
            if turn % AT_ONCE == AT_ONCE - 1 and self._now() >= deadline:
                self._first = (first + turn + 1) % len(sessions)
                break
