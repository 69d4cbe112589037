"""What a player does in one tick: `Input`, `Press`, and what both ends derive from a subclass of it.

A field is *held* or a *press*. Held fields (an axis, a button kept down) say how things are: where no frame came, the
last one is repeated. A press says that something happened: it counts once, however late it comes.
"""

from __future__ import annotations

import typing
from typing import Annotated, Any, Final, TypeAlias

import msgspec

from tickws.sync.payload import finite

__all__ = ["Input", "InputSchema", "Press", "fingerprint"]

_PRESS: Final = "tickws.press"

Press: TypeAlias = Annotated[bool, msgspec.Meta(extra={_PRESS: True})]
"""A field of an `Input` that happens once: never repeated, and never lost by being late."""


@typing.dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Input(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Base class for what a player does in one tick. Subclass it; every field has a default, and `Move()` is neutral.

        class Move(tickws.Input):
            dy: Annotated[float, Meta(ge=-1, le=1)] = 0.0    # held: repeats when a frame is missing
            serve: tickws.Press = False                      # press: happens once, never repeats, is never lost

    Types and their bounds are msgspec's; what does not fit is refused before the game sees it. On the wire it is an
    array of the fields' values, in their order.
    """


class InputSchema:
    """What is derived from a subclass of `Input`.

    Args:
        type: the subclass.

    Raises:
        TypeError: it is none, a field has no default, or a press is not False by default.
    """

    def __init__(self, type: type[Input]) -> None:
        if not isinstance(type, _StructMeta) or not issubclass(type, Input):
            raise TypeError(f"inputs is a subclass of tickws.Input, not {type!r}")
        self.type = type
        self.presses: list[str] = []
        """The names of the fields that are presses, in order."""
        hints = typing.get_type_hints(type, include_extras=True)
        self._check_finite = any(not _is_exact(hints[name]) for name in type.__struct_fields__)
        for field in msgspec.structs.fields(type):
            if field.required:
                raise TypeError(f"{type.__name__}.{field.name} needs a default: {type.__name__}() is the neutral input")
            if _is_press(hints[field.name]):
                if field.default is not False:
                    raise TypeError(f"{type.__name__}.{field.name} is a press: its default is False")
                self.presses.append(field.name)
        self.neutral = type()
        """Nothing pressed, nothing held."""
        config = type.__struct_config__
        if not config.array_like or config.tag is not None:
            raise TypeError(
                f"{type.__name__} goes over the wire as an array of its fields: no array_like=False, no tag"
            )
        try:
            self.check(self.neutral)
        except ValueError as error:
            raise TypeError(
                f"{type.__name__}() is the neutral input, and does not fit its own types: {error}"
            ) from None
        self.text = " ".join(
            f"{field.name}:{'press' if field.name in self.presses else 'held'}"
            for field in msgspec.structs.fields(type)
        )
        """The fields as both ends compare them: "dy:held serve:press"."""

    def pressed(self, frame: Input) -> list[str]:
        """The presses that a frame holds."""
        return [name for name in self.presses if getattr(frame, name)]

    def pressing(self, frame: Input, names: list[str]) -> Input:
        """A frame with the same held fields, and just these presses."""
        changes = {name: name in names for name in self.presses if getattr(frame, name) is not (name in names)}
        return msgspec.structs.replace(frame, **changes) if changes else frame

    def check(self, frame: Input) -> None:
        """What a server will find wrong with a frame, found here: Structs do not check what they are made of.

        Raises:
            ValueError: a field is of another type, out of its bounds, or not finite; names it.
        """
        try:
            msgspec.convert(msgspec.to_builtins(frame), self.type)
            _encode(frame)
        except (msgspec.ValidationError, TypeError, OverflowError, UnicodeEncodeError) as error:
            raise ValueError(self.explain(str(error))) from None
        if not self.is_finite(frame):
            raise ValueError(f"a number in {frame!r} is not finite")

    def explain(self, error: str, path: str = "$") -> str:
        """An error of msgspec's with the field's name for its place: "Expected `float` <= 1.0 - at `Move.dy`"."""
        for place, name in enumerate(self.type.__struct_fields__):
            error = error.replace(f"`{path}[{place}]", f"`{self.type.__name__}.{name}")
        return error

    def is_finite(self, frame: Input) -> bool:
        """Whether no number in a frame is NaN or infinite; a bound (ge, le) excludes them already."""
        return not self._check_finite or finite(frame)


_StructMeta = type(msgspec.Struct)
_encode = msgspec.msgpack.Encoder().encode


def _is_press(hint: Any) -> bool:
    metadata = getattr(hint, "__metadata__", ())
    return any(isinstance(meta, msgspec.Meta) and _PRESS in (meta.extra or {}) for meta in metadata)


def _is_exact(hint: Any) -> bool:
    """Whether a value of that type cannot be NaN or infinite."""
    if hint in (bool, int, str) or _is_press(hint):
        return True
    bounds = [meta for meta in getattr(hint, "__metadata__", ()) if isinstance(meta, msgspec.Meta)]
    lower = any(meta.ge is not None or meta.gt is not None for meta in bounds)
    upper = any(meta.le is not None or meta.lt is not None for meta in bounds)
    return typing.get_origin(hint) is Annotated and hint.__origin__ in (int, float) and lower and upper


def fingerprint(text: str) -> int:
    """A number of 32 bits for a text (FNV-1a over its UTF-8), the same in every language."""
    value = 0x811C9DC5
    for byte in text.encode():
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value
