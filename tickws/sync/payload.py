"""msgpack in and out. Here belongs what turns a value into bytes and back, and refuses what a game must not get.

Promises: `unpack` raises ValueError and nothing else, whatever the bytes are, and what it returns is made of None,
bool, int, float, str, bytes, list and dict (keys: str or int) alone. Costs: two passes in C, one walk in Python. (The
first pass believes no count: msgpack makes a list as long as the message for each of 5 bytes that announce one.)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, TypeVar, cast, overload

import msgpack
import msgspec

__all__ = ["DEPTH", "finite", "pack", "pack_quantised", "unpack"]

T = TypeVar("T")

DEPTH: Final = 16
"""How deep lists and maps may lie in one another. (A chat line is 1 deep, a saved level perhaps 6.)"""

_PLAIN: Final = frozenset({type(None), bool, int, str, bytes})
_skim: Final = msgspec.msgpack.Decoder(msgspec.Raw).decode  # raises where bytes are missing, or follow; makes nothing


def pack(value: object) -> bytes:
    """A value as msgpack: numbers, text, bytes, lists, mappings, dataclasses and msgspec Structs (as maps).

    Raises:
        TypeError: there is something else in it.
        ValueError: a whole number beyond 64 bits, text that UTF-8 cannot carry, or too many levels (a circle?).
    """
    return _pack(value, False)


def pack_quantised(value: object) -> bytes:
    """As `pack`, with floats of 32 bits (24 of them significant): how worlds are sent."""
    return _pack(value, True)


def _pack(value: object, single: bool) -> bytes:
    try:
        return cast(bytes, msgpack.packb(value, default=_as_builtin, use_single_float=single))
    except OverflowError as error:
        raise ValueError(f"cannot pack a number: {error}") from None
    except RecursionError:
        raise ValueError("cannot pack so many levels: a circle?") from None


def _as_builtin(value: object) -> object:
    """What msgpack does not know, as something that it does."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        raise TypeError(f"cannot pack a set, which has no order: {value!r}")
    return msgspec.to_builtins(value, builtin_types=(bytes, bytearray, memoryview), enc_hook=_inner)


def _inner(value: object) -> object:
    """What msgspec does not know, inside of what it does."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(
        f"cannot pack a {type(value).__name__}: numbers, text, bytes, lists, dicts, dataclasses and Structs go"
    )


@overload
def unpack(data: bytes | bytearray | memoryview, *, depth: int = ..., allow_nan: bool = ...) -> Any: ...
@overload
def unpack(data: bytes | bytearray | memoryview, type: type[T], *, depth: int = ..., allow_nan: bool = ...) -> T: ...
def unpack(
    data: bytes | bytearray | memoryview, type: Any = None, *, depth: int = DEPTH, allow_nan: bool = False
) -> Any:
    """The value that msgpack bytes stand for; safe for bytes from anybody.

    Args:
        data: one whole value. What it can hold is bounded by its length: no count in it is believed before its bytes
            are there.
        type: what it must be: a dataclass, a msgspec Struct, or any other type that msgspec knows; its bounds
            (`Annotated[..., Meta(...)]`) are checked. None: any of msgpack's own types.
        depth: how deep lists and maps may lie in one another.
        allow_nan: let NaN and infinities pass.

    Raises:
        ValueError: it is no msgpack, too deep, of another type, out of bounds, or not finite; says which.
    """
    try:
        _skim(data)
        value = msgpack.unpackb(data, strict_map_key=False)
        _check(value, depth, allow_nan)
    except (msgpack.StackError, RecursionError):
        raise ValueError("too deep") from None
    except UnicodeDecodeError:
        raise ValueError("text that is no UTF-8") from None
    except (msgspec.DecodeError, TypeError, msgpack.UnpackException) as error:
        raise ValueError(f"no msgpack: {error}") from None
    if type is None or type is Any:
        return value
    try:
        return msgspec.convert(value, type)
    except (msgspec.ValidationError, RecursionError) as error:
        raise ValueError(str(error)) from None
    except TypeError as error:  # a list in a set? or a `type` that is none?
        msgspec.msgpack.Decoder(type)
        raise ValueError(str(error)) from None


def _check(value: object, depth: int, allow_nan: bool) -> None:
    """Raise ValueError for what lies too deep, is of no plain type, or is not finite."""
    kind = type(value)
    if kind in _PLAIN:
        return
    if kind is float:
        if not allow_nan and not math.isfinite(cast(float, value)):
            raise ValueError(f"a number that is not finite: {value!r}")
    elif depth <= 0:
        raise ValueError("too deep")
    elif kind is list:
        for item in cast("list[object]", value):
            _check(item, depth - 1, allow_nan)
    elif kind is dict:
        for key, item in cast("dict[object, object]", value).items():
            if type(key) is not str and type(key) is not int:
                raise ValueError(f"a map's key must be text or a whole number, not {key!r}")
            _check(item, depth - 1, allow_nan)
    else:
        raise ValueError(f"msgpack's extension types are not taken: {value!r}")


def finite(value: object) -> bool:
    """Whether no float in a decoded value (Structs and dataclasses included) is NaN, infinite, or too deep to see."""
    try:
        return _finite(msgspec.to_builtins(value), DEPTH)
    except RecursionError:
        return False


def _finite(value: object, depth: int) -> bool:
    kind = type(value)
    if kind is float:
        return math.isfinite(cast(float, value))
    if kind is dict:
        inner: Any = [*cast("dict[object, object]", value), *cast("dict[object, object]", value).values()]
    elif kind is list or kind is tuple:
        inner = value
    else:
        return True
    return depth > 0 and all(_finite(item, depth - 1) for item in inner)
