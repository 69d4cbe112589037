"""What you are called for: a `Handler` subclass or keyword callbacks, resolved once into `Callbacks`."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any, TypeAlias

from tickws.errors import check_callback
from tickws.protocol.events import Frame
from tickws.protocol.extensions import Deflate
from tickws.protocol.handshake import Accept, Reject, Request
from tickws.transport.websocket import WebSocket

__all__ = ["Answer", "Callbacks", "Handler", "OnClose", "OnFrame", "OnMessage", "OnOpen", "OnRequest", "OnSlow"]

Answer: TypeAlias = Accept | Reject | bool
OnRequest: TypeAlias = Callable[[Request], Answer]
OnOpen: TypeAlias = Callable[[WebSocket], object]
OnMessage: TypeAlias = Callable[[WebSocket, str | bytes], object]
OnFrame: TypeAlias = Callable[[WebSocket, Frame], object]
OnClose: TypeAlias = Callable[[WebSocket, int, str], object]
OnSlow: TypeAlias = Callable[[WebSocket, float], object]


class Handler:
    """Base class for what a server or client calls, always inside `work()` and on its thread; override what you need.

    Any connection, all of them, or the server itself may be closed in any callback.
    """

    def on_request(self, request: Request) -> Answer:
        """A client asks for a WebSocket (servers only).

        Returns:
            True or `Accept(...)` to let it in; False (404) or `Reject(...)` to turn it away.
        """
        return True

    def on_open(self, ws: WebSocket) -> None:
        """A WebSocket is open. Comes once for each, before anything else about it."""

    def on_message(self, ws: WebSocket, message: str | bytes) -> None:
        """A whole message came: text as str, binary as bytes (RFC 6455 section 5.6)."""

    def on_frame(self, ws: WebSocket, frame: Frame) -> None:
        """A data frame came; override it *instead* of `on_message` to put fragments together yourself (section 5.4).

        Frames come as they are, so there is no compression then.
        """

    def on_close(self, ws: WebSocket, code: int, reason: str) -> None:
        """A WebSocket that was open is closed. Comes once for each, after everything else about it.

        Args:
            ws: what was closed; sending on it does nothing.
            code: the close code (section 7.4) of the Close that began the closing, whoever sent it; 1005: it had none;
                1006: there was no closing handshake, because TCP failed or the peer no longer read.
            reason: the text that came with it.
        """

    def on_slow(self, ws: WebSocket, seconds: float) -> None:
        """A WebSocket's peer does not take what it is sent: say less, or close it. Comes once for each such spell.

        Args:
            ws: who it is; `ws.queued_bytes` and `ws.unsent_seconds` tell how it goes on.
            seconds: age of the oldest byte that its socket has not taken: `limits.slow_seconds` or more, or less where
                half of `limits.queue_bytes` or `limits.queue_messages` has filled up meanwhile.
        """


_ARGUMENTS = {
    "on_request": ("request",),
    "on_open": ("ws",),
    "on_message": ("ws", "message"),
    "on_frame": ("ws", "frame"),
    "on_close": ("ws", "code", "reason"),
    "on_slow": ("ws", "seconds"),
}
"""What each callback is called with."""


class Callbacks:
    """The callbacks in use; None for those that nobody wants."""

    __slots__ = ("deliver", "on_close", "on_frame", "on_message", "on_open", "on_request", "on_slow")

    def __init__(
        self,
        handler: Handler | None,
        on_request: OnRequest | None = None,
        on_open: OnOpen | None = None,
        on_message: OnMessage | None = None,
        on_frame: OnFrame | None = None,
        on_close: OnClose | None = None,
        on_slow: OnSlow | None = None,
    ) -> None:
        given = {
            "on_request": on_request,
            "on_open": on_open,
            "on_message": on_message,
            "on_frame": on_frame,
            "on_close": on_close,
            "on_slow": on_slow,
        }
        if handler is not None:
            if not isinstance(handler, Handler):
                raise TypeError(
                    f"handler is an instance of a subclass of tickws.Handler, not {handler!r}; "
                    "a port or callbacks go by keyword: port=8056, on_message=..."
                )
            _check_spelling(handler)
            both = [name for name, callback in given.items() if callback is not None]
            if both:
                raise TypeError(f"give a handler or callbacks, not both: {', '.join(both)}")
            given = {
                name: getattr(handler, name)
                for name in given
                if getattr(type(handler), name) is not getattr(Handler, name) or name in vars(handler)
            }
        for name, callback in given.items():
            if callback is not None:
                check_callback(name, callback, _ARGUMENTS[name])
        self.on_request: OnRequest | None = given.get("on_request")  # type: ignore[assignment]
        self.on_open: OnOpen | None = given.get("on_open")  # type: ignore[assignment]
        self.on_message: OnMessage | None = given.get("on_message")  # type: ignore[assignment]
        self.on_frame: OnFrame | None = given.get("on_frame")  # type: ignore[assignment]
        self.on_close: OnClose | None = given.get("on_close")  # type: ignore[assignment]
        self.on_slow: OnSlow | None = given.get("on_slow")  # type: ignore[assignment]
        if self.on_frame is not None and self.on_message is not None:
            raise TypeError("on_frame takes the place of on_message: give one of them")
        self.deliver: Callable[[WebSocket, Any], object] | None = self.on_frame or self.on_message
        """What takes data, frames or messages."""

    def check_compression(self, compression: Deflate | None) -> None:
        """Raise TypeError for what is no compression, or none for these callbacks."""
        if not isinstance(compression, Deflate | None):
            raise TypeError(f"compression is a tickws.Deflate(...) or None, not {compression!r}")
        if compression is not None and self.on_frame is not None:
            raise TypeError("on_frame and compression do not go together: frames are delivered as they came")


def _check_spelling(handler: Handler) -> None:
    """Raise TypeError for a method that is nearly a callback's name: it would never be called."""
    for name in dir(type(handler)):
        if name.startswith("on") and name not in _ARGUMENTS:
            meant = difflib.get_close_matches(name, _ARGUMENTS, 1, 0.8)
            if meant:
                raise TypeError(f"{type(handler).__name__}.{name} is never called: is {meant[0]} meant?")
