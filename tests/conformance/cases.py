"""Which cases run, and how they are shared among processes."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

__all__ = ["COMPRESSED", "NoSuchCase", "select", "split"]

COMPRESSED = ("12.*", "13.*")
"""The cases of permessage-deflate."""


class NoSuchCase(ValueError):
    """A pattern that no case matches."""


def select(cases: Sequence[str], patterns: Sequence[str], without: Sequence[str] = ()) -> list[str]:
    """The cases that match a pattern (all, where there is none) and none of `without`, in the suite's order.

    Args:
        cases: the suite's.
        patterns: as the shell has them: 7.* is the seventh group, 7.1.1 one case.
        without: patterns of what is left out.

    Raises:
        NoSuchCase: a pattern stands for nothing.
    """
    for pattern in patterns:
        if not any(fnmatchcase(case, pattern) for case in cases):
            raise NoSuchCase(f"no case is called {pattern}")
    chosen = [case for case in cases if not patterns or any(fnmatchcase(case, pattern) for pattern in patterns)]
    return [case for case in chosen if not any(fnmatchcase(case, pattern) for pattern in without)]


def split(cases: Sequence[str], jobs: int) -> list[list[str]]:
    """Shares of the cases, dealt out in turn: the long ones stand side by side, so no process gets all of them."""
    return [list(cases[job::jobs]) for job in range(min(jobs, len(cases)))]
