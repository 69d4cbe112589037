"""The names of a game's messages, and what each must be: nothing else reaches the game."""

from __future__ import annotations

from collections.abc import Callable
from types import NoneType
from typing import Any, TypeVar

import msgspec

from tickws.errors import ProtocolFault, check_callback
from tickws.sync.events import check_name
from tickws.sync.payload import unpack
from tickws.sync.wire import Event

__all__ = ["MessageTypes"]

F = TypeVar("F", bound=Callable[..., object])


class MessageTypes:
    """Declared messages: name to type.

    Args:
        strict: names that were not declared, NaN and infinities are faults; otherwise they pass (a client believes its
            server).
    """

    def __init__(self, *, strict: bool) -> None:
        self._strict = strict
        self._types: dict[str, Any] = {}
        self.handlers: dict[str, Callable[..., object]] = {}
        """What is called for a message, by its name."""

    def declare(self, name: str, type: Any) -> None:
        """Say what the payload of `name` is: any type that msgspec knows, `typing.Any` among them.

        Raises:
            TypeError, ValueError: the name names no message, or is declared already; the type is none of msgspec's.
        """
        check_name(name)
        if name in self._types:
            raise ValueError(f"the message {name!r} is declared already")
        try:
            if isinstance(msgspec.inspect.type_info(type), msgspec.inspect.CustomType):
                raise TypeError("nothing tells its fields; a dataclass or a Struct does")
            msgspec.msgpack.Decoder(type)
        except TypeError as error:
            raise TypeError(f"the message {name!r} cannot be a {type!r}: {error}") from None
        self._types[name] = NoneType if type is None else type

    def handler(self, name: str, type: Any, arguments: tuple[str, ...]) -> Callable[[F], F]:
        """Declare a message; gives a decorator for the function that is called for it, with these arguments.

        Raises as `declare`; and the decorator TypeError, for what cannot be called so.
        """
        self.declare(name, type)

        def decorate(function: F) -> F:
            check_callback(f"the handler of {name!r}", function, arguments)
            self.handlers[name] = function
            return function

        return decorate

    def payload(self, event: Event) -> Any:
        """What an event carries.

        Raises:
            ProtocolFault: 1008 a name that was not declared, 1007 a payload that does not fit.
        """
        if self._strict and event.name not in self._types:
            raise ProtocolFault(1008, f"a message of the unknown name {event.name!r}")
        try:
            return unpack(bytes(event.payload), self._types.get(event.name, Any), allow_nan=not self._strict)
        except ValueError as error:
            raise ProtocolFault(1007, f"message {event.name!r}: {error}") from None
