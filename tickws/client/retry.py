"""When a lost connection is tried again, and when not. Pure; the same in tickws.js."""

from __future__ import annotations

from typing import Final

from tickws.protocol.opcodes import CloseCode

__all__ = ["Retry"]

FIRST_SECONDS: Final = 0.1
"""Before the first attempt; each further one waits twice as long. (Colyseus.)"""
MOST_SECONDS: Final = 5.0
"""The longest wait. (Colyseus.)"""
ATTEMPTS: Final = 15
"""Attempts without a connection between them that held, at most. (Colyseus.)"""

PASSING: Final = frozenset(
    {
        CloseCode.GOING_AWAY,
        CloseCode.ABNORMAL,
        CloseCode.INTERNAL_ERROR,
        CloseCode.SERVICE_RESTART,
        CloseCode.TRY_AGAIN_LATER,
    }
)
"""Close codes after which a server may be there again; others are meant for us."""
REFUSALS: Final = frozenset({400, 401, 403, 404, 426})
"""HTTP answers that will be the same next time. (503 is not among them: a seat may be free then.)"""


class Retry:
    """Counts attempts."""

    def __init__(self) -> None:
        self._attempts = 0

    def after(self, code: int, held: float = 0.0, status: int | None = None) -> float | None:
        """Seconds until the next attempt, after a connection that ended so; None: no more.

        Args:
            code: how it was closed; 1006 where it never opened.
            held: seconds from its welcome to its end; 0.0 where there was none. One that held counts anew.
            status: the HTTP answer in place of an upgrade.
        """
        if held >= MOST_SECONDS:
            self._attempts = 0
        if code not in PASSING or status in REFUSALS or self._attempts >= ATTEMPTS:
            return None
        seconds = min(FIRST_SECONDS * 2.0**self._attempts, MOST_SECONDS)
        self._attempts += 1
        return seconds
