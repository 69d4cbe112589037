"""Exceptions of your code in the loop: where they go, and that the frame is in order before one leaves it."""

from __future__ import annotations

import logging
from collections.abc import Callable

from tickws.errors import LoopErrorPolicy, check_loop_error_policy

__all__ = ["Failures", "bus_policy", "log"]

logger = logging.getLogger("tickws")


class Failures:
    """The error policy of a loop at work. Only `Exception` is caught.

    Args:
        policy: as `TickLoop`'s `errors`.

    Raises:
        ValueError: it is none.
    """

    def __init__(self, policy: LoopErrorPolicy) -> None:
        self._policy = check_loop_error_policy(policy)
        self.pending: Exception | None = None
        """What leaves the frame, once that is in order."""
        self.count = 0

    def guard(self, name: str, function: Callable[..., object], *arguments: object) -> None:
        """Call somebody's code, and do with its exception what the policy says."""
        try:
            function(*arguments)
        except Exception as error:
            self.count += 1
            self._report(name, error)

    def _report(self, name: str, error: Exception) -> None:
        if self._policy == "log":
            log(name, error)
            return
        if self._policy != "raise":
            try:
                self._policy(error, name)
                return
            except Exception as raised:  # its own, or what it was given
                error = raised
        if self.pending is None:
            self.pending = error
        else:
            log(name, error)

    def let_out(self) -> None:
        """Raise what was held back, if anything was."""
        failure, self.pending = self.pending, None
        try:
            if failure is not None:
                raise failure
        finally:
            failure = None  # its traceback refers to this frame


def bus_policy(policy: LoopErrorPolicy) -> LoopErrorPolicy:
    """A loop's policy for a bus of its own: a callable hears the event's type for a name."""
    if not callable(policy):
        return policy
    tell = policy
    return lambda error, event: tell(error, type(event).__name__)


def log(name: str, error: Exception) -> None:
    """Tell of an exception that goes no further."""
    logger.error("%s raised an exception", name, exc_info=error)
