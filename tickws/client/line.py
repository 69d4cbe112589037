"""A line to one server: a WebSocket, and the next one when it is lost.

Tells its owner what comes of it; sleeps only in `receive`, and only as long as it may. What a lost connection means,
and when it is tried again, is said here and in `retry`; what goes over it is its owner's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from tickws.client.retry import Retry
from tickws.clock import NANOSECONDS, Clock, check_seconds, nanoseconds
from tickws.protocol.opcodes import CloseCode, check_close, cut_reason
from tickws.sync.wire import SUBPROTOCOL
from tickws.transport.client import WebSocketClient
from tickws.transport.websocket import WebSocket

__all__ = ["Callbacks", "Line"]

logger = logging.getLogger("tickws")

WORDS: Final = {
    400: f"no game there speaks {SUBPROTOCOL}",
    401: "it does not let us in",
    403: "this origin may not play there",
    404: "there is no game at this path",
    426: "there is no game at this path",
    503: "the game is full",
}
"""What a refusal before the upgrade means, by HTTP status."""


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Who has a line is called for these."""

    opened: Callable[[WebSocket], None]
    """A connection is open."""
    heard: Callable[[WebSocket, str | bytes], None]
    """A message has come."""
    dropped: Callable[[int, str, float], None]
    """The connection is lost (code, reason); the next attempt follows in so many seconds."""
    ended: Callable[[int, str], None]
    """It is over for good (code, reason)."""


class Attempt(WebSocketClient):
    """One connection; that it failed is told by the line's owner, and not in the log for each."""

    def complain(self) -> None:
        """Log why no connection came about."""
        logger.debug("%s", self.error)


class Line:
    """Connects, and connects again.

    Args:
        callbacks: what happens.
        url: where to.
        clock: the time.
        options: further arguments for each `WebSocketClient`.

    Raises:
        TypeError, ValueError: an argument that cannot be used.
    """

    def __init__(self, callbacks: Callbacks, url: str, clock: Clock, options: dict[str, Any]) -> None:
        self._callbacks = callbacks
        self._url = url
        self._clock = clock
        self._options = options
        self._retry = Retry()
        self._retry_at = 0  # nanoseconds
        self._welcomed: int | None = None  # when, on this connection
        self._ended: tuple[int, str] | None = None  # how this connection did
        self._closing: tuple[int, str] | None = None
        self._waited = 0.0  # beside what the present socket has
        self.over = False
        """Whether it is over for good."""
        self._socket: WebSocketClient | None = self._dial()

    def _dial(self) -> WebSocketClient:
        return Attempt(
            self._url,
            subprotocols=[SUBPROTOCOL],
            on_open=self._callbacks.opened,
            on_message=self._callbacks.heard,
            on_close=self._closed,
            errors="raise",
            clock=self._clock,
            **self._options,
        )

    # -- the slice ---------------------------------------------------------------------------------------------------

    def receive(self, budget: float | None, wait: float | None) -> None:
        """Read what has come, or wait for the next attempt; as `WebSocketClient.receive`."""
        if self.over:
            return
        slept = self._connect(budget, wait)
        if self._socket is not None and not self._socket.receive(budget, wait=0.0 if slept else wait):
            self._lost(self._socket)

    def flush(self, budget: float | None) -> None:
        """Write what is queued; as `WebSocketClient.flush`."""
        if self._socket is not None and not self._socket.flush(budget):
            self._lost(self._socket)

    def _connect(self, budget: float | None, wait: float | None) -> bool:
        """Try again, when it is time to, and sleep until then, as far as that may be; gives whether it did."""
        if self._socket is not None:
            return False
        start = self._clock.now_ns()
        left = self._retry_at - start
        if left > 0:
            longest = min(check_seconds("budget", budget), check_seconds("wait", budget if wait is None else wait))
            self._clock.sleep(min(left, longest) / NANOSECONDS)
        now = self._clock.now_ns()
        self._waited += (now - start) / NANOSECONDS
        if now >= self._retry_at:
            self._ended = self._welcomed = None
            self._socket = self._dial()
        return left > 0 and now > start

    @property
    def waited(self) -> float:
        """Seconds asleep, in total."""
        return self._waited + (0.0 if self._socket is None else self._socket.waited)

    @property
    def unsent_bytes(self) -> int:
        """Bytes that wait for the socket."""
        websocket = None if self._socket is None else self._socket.websocket
        return 0 if websocket is None else websocket.queued_bytes

    # -- how it ends -------------------------------------------------------------------------------------------------

    def welcome(self) -> None:
        """The server took us in on this connection."""
        self._welcomed = self._clock.now_ns()

    def fail(self, ws: WebSocket, code: int, reason: str) -> None:
        """Leave for good: the server broke the rules."""
        self._ended = (code, reason)
        ws.close(code, cut_reason(reason))

    def close(self, code: int, reason: str, timeout: float) -> None:
        """Begin to close; as `WebSocketClient.close`."""
        check_close(code, reason)
        if self._socket is not None:
            self._socket.close(code, reason, timeout=timeout)
        self._closing = self._closing or (code, reason)
        if self._socket is None:
            self._end(code, reason)

    def _closed(self, ws: WebSocket, code: int, reason: str) -> None:
        self._ended = (code, reason)

    def _lost(self, socket: WebSocketClient) -> None:
        """The socket is done: come back, or be done, too."""
        self._waited += socket.waited
        self._socket = None
        status = None
        if socket.error is not None:
            status = socket.error.status
            words = WORDS.get(status or 0)
            failed = CloseCode.TLS_HANDSHAKE if socket.error.tls else CloseCode.ABNORMAL
            self._ended = self._closing or (failed, f"{socket.error}{(words and f': {words}') or ''}")
        code, reason = self._ended or self._closing or (CloseCode.ABNORMAL, "")
        if code == CloseCode.ABNORMAL and not reason:
            reason = "the connection was lost"
        held = 0.0 if self._welcomed is None else (self._clock.now_ns() - self._welcomed) / NANOSECONDS
        seconds = None if self._closing else self._retry.after(code, held, status)
        if seconds is None:
            self._end(code, reason)
        else:
            self._retry_at = self._clock.now_ns() + nanoseconds(seconds)
            self._callbacks.dropped(code, reason, seconds)

    def _end(self, code: int, reason: str) -> None:
        if self.over:
            return
        self.over = True
        self._callbacks.ended(code, reason)
        if code not in (CloseCode.NORMAL, CloseCode.GOING_AWAY) and not self._closing:
            logger.warning("%s: disconnected: %s %s", self._url, code, reason)
