"""The exception tree, the error policies, and what a callback must be; imports nothing of ours.

    TickwsError
    ├── UsageError(RuntimeError)    a call that the state forbids: work() inside a callback
    ├── ListenError(OSError)        an address that cannot be bound; names it and says what to do
    ├── ConnectError(OSError)       why a client's connection never opened
    └── PeerFault                   what a peer did wrong; internal: it becomes an event, never an exception of yours
        ├── HTTPFault               carries the HTTP status to answer with
        └── ProtocolFault           carries the close code to fail the connection with (RFC 6455 section 7.4.1)

Wrong arguments raise Python's own TypeError and ValueError.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Literal

__all__ = [
    "ConnectError",
    "ErrorPolicy",
    "HTTPFault",
    "ListenError",
    "LoopErrorPolicy",
    "PeerFault",
    "ProtocolFault",
    "TickwsError",
    "UsageError",
    "check_callback",
    "check_error_policy",
    "check_loop_error_policy",
]

ErrorPolicy = Literal["close", "raise"] | Callable[[Exception, object], None]
"""What happens to an exception that one of your callbacks lets out.

"close": its connection is closed with 1011, the traceback is logged at error. "raise": the connection is closed
with 1011 and the exception leaves `work()` once the sockets are in order. A callable gets the exception and
its source (a `WebSocket`, or the server for `on_request`); the connection is being closed with 1011, and takes nothing
more. `KeyboardInterrupt` and its like are never caught.
"""

LoopErrorPolicy = Literal["log", "raise"] | Callable[[Exception, Any], None]
"""What happens to an exception of your own code in the loop: of a system, or of a subscriber of the bus.

"raise": it leaves the call, once that has put its things in order. "log": logged at error with its traceback, and the
loop goes on. A callable gets the exception and its source (the bus: the event; the loop: the name of what raised it).
`KeyboardInterrupt` and its like are never caught.
"""


class TickwsError(Exception):
    """The root of everything that tickws raises beside TypeError and ValueError."""


class UsageError(TickwsError, RuntimeError):
    """A call that is not allowed in this state."""


class ListenError(TickwsError, OSError):
    """An address that cannot be bound; `errno` is the system's."""


class ConnectError(TickwsError, OSError):
    """Why a client's connection never opened.

    `status` is the HTTP status, where the server answered with one; `tls`, whether the TLS handshake failed.
    """

    def __init__(self, message: str, *, status: int | None = None, tls: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.tls = tls


class PeerFault(TickwsError):
    """What a peer did wrong. Costs that peer its connection and never leaves tickws."""


class HTTPFault(PeerFault):
    """A request or response that is none; `status` is the answer a server gives; `limit`, the bound that it broke."""

    def __init__(self, status: int, reason: str, headers: tuple[tuple[str, str], ...] = (), *, limit: str = "") -> None:
        super().__init__(reason)
        self.status = status
        self.limit = limit
        self.reason = reason
        self.headers = headers


class ProtocolFault(PeerFault):
    """A violation of RFC 6455 after the handshake; `close_code` is what the connection fails with."""

    def __init__(self, close_code: int, reason: str) -> None:
        super().__init__(reason)
        self.close_code = close_code
        self.reason = reason


def check_error_policy(policy: ErrorPolicy) -> ErrorPolicy:
    """Return `policy`.

    Raises:
        ValueError: it is neither "close" nor "raise" nor callable.
    """
    if policy in ("close", "raise") or callable(policy):
        return policy
    raise ValueError(f'errors must be "close", "raise" or a callable, not {policy!r}')


def check_loop_error_policy(policy: LoopErrorPolicy) -> LoopErrorPolicy:
    """Return `policy`.

    Raises:
        ValueError: it is neither "raise" nor "log" nor callable.
    """
    if policy in ("raise", "log") or callable(policy):
        return policy
    raise ValueError(f'errors must be "raise", "log" or a callable, not {policy!r}')


def check_callback(name: str, callback: object, arguments: tuple[str, ...]) -> None:
    """Raise for what cannot be called as a plain function.

    Args:
        name: of the callback, for the error.
        callback: what was given.
        arguments: the names of what it is called with.

    Raises:
        TypeError: it is not callable, is async or a generator (it would never run), or takes other arguments.
    """
    if not callable(callback):
        raise TypeError(f"{name} must be callable, not {callback!r}")
    kinds = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)
    if any(kind(callback) or kind(type(callback).__call__) for kind in kinds):
        raise TypeError(
            f"{name} is async, or a generator, and would never run: tickws calls plain functions; "
            "start a task from it, or collect what came and handle it later"
        )
    try:
        inspect.signature(callback).bind(*arguments)
    except TypeError as error:
        raise TypeError(f"{name} is called with ({', '.join(arguments)}): {error}") from None
    except ValueError:  # a builtin that does not tell
        pass
