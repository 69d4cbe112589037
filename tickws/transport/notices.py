"""What the program is owed to hear: `on_close` and `on_slow`, each a step of its own; and what becomes of its errors.

Promises: whoever was opened is told of its end once, also where another callback's error left `work` in between.
"""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable

from tickws.errors import ErrorPolicy
from tickws.transport.backlog import Backlog
from tickws.transport.link import Keeper, Link, Phase
from tickws.transport.steps import Meter, Step
from tickws.transport.websocket import WebSocket

__all__ = ["Notices"]

logger = logging.getLogger("tickws")


class Notices:
    """The calls that one endpoint owes.

    Args:
        keeper: closes the connection of a callback that fails.
        backlog: knows who has become slow.
        meter: is told of each step.
        errors: what happens to exceptions of callbacks.
        limited: counts what limits have done, by their names.
    """

    def __init__(
        self, keeper: Keeper, backlog: Backlog, meter: Meter, errors: ErrorPolicy, limited: Counter[str]
    ) -> None:
        self._keeper = keeper
        self._backlog = backlog
        self._meter = meter
        self._errors = errors
        self._limited = limited
        self.farewells: deque[tuple[Link, WebSocket, int, str]] = deque()
        """Calls of `on_close`."""
        self.slow: deque[tuple[Link, float]] = deque()
        """Calls of `on_slow`."""
        self.failed = 0
        """Callbacks that let an exception out."""

    def report(self, error: Exception, source: object) -> None:
        """A callback let `error` out: do what the error policy says.

        Raises:
            Exception: `error` itself, where the policy is "raise".
        """
        self.failed += 1
        if self._errors == "raise":
            raise error
        if callable(self._errors):
            self._errors(error, source)
        else:
            logger.error("a callback raised an exception", exc_info=error)

    def tell(self, deadline: int) -> int:
        """Call `on_close` for links that are closed, and `on_slow`, until `deadline`; at least one. Gives the steps."""
        steps = 0
        slow = self._backlog.slow()
        self.slow += slow
        self._limited["slow_seconds"] += len(slow)
        while self.farewells or self.slow:
            steps += 1
            called: Callable[..., object] | None = None
            try:
                if self.farewells:
                    link, websocket, code, reason = self.farewells.popleft()
                    called = link.callbacks.on_close
                    self._tell_closed(link, websocket, code, reason)
                else:
                    link, age = self.slow.popleft()
                    called = link.callbacks.on_slow
                    self._tell_slow(link, age)
            finally:
                self._meter.lap(Step.CLOSE, called)
            if self._meter.mark >= deadline:
                break
        return steps

    def _tell_closed(self, link: Link, websocket: WebSocket, code: int, reason: str) -> None:
        try:
            if link.callbacks.on_close is not None:
                link.callbacks.on_close(websocket, code, reason)
        except Exception as error:
            self.report(error, websocket)
        finally:
            link.websocket = None  # they refer to each other: without this, both wait for the collector

    def _tell_slow(self, link: Link, age: float) -> None:
        if link.callbacks.on_slow is None or link.phase is not Phase.OPEN or not link.outbox.open:
            return
        try:
            link.callbacks.on_slow(link.websocket, age)
        except Exception as error:
            self._keeper.callback_failed(link, error)
