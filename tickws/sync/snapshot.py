"""The world as it is sent: captured once for all, and no more of it under way to one client than it can take.

World       what `publish` makes: copied, quantised to 32-bit floats, packed once (DESIGN rule 4)
Cuts        which entities jumped lately
Window      how many snapshots one client may have that it has not said it applied (rule 5)
"""

from __future__ import annotations

import dataclasses
import math
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from tickws.sync.payload import pack, pack_quantised, unpack
from tickws.sync.wire import Inputs

__all__ = ["CUT_SECONDS", "Cuts", "Window", "World"]

CUT_SECONDS: Final = 1.0
"""How long a jump is told of: a client that skipped the snapshot of its tick still learns of it."""
SPARE: Final = 2
"""Snapshots that may be outstanding beyond those that the round trip itself keeps under way (DESIGN rule 5)."""
MOST_BYTES: Final = 1024 * 1024 - 64
"""The most that a world may take: what clients take in one message, less the part that is theirs alone."""
SAMPLES: Final = 32
"""Round trips of which the shortest counts. (A stalled client's first answers are no measure of its distance.)"""
LONGEST: Final = 1.0
"""Seconds that a round trip counts at most."""

_ARRAY: Final = bytes([0x90 | 10])
"""msgpack's array of 10: kind, inputs, event; tick, time, slipped, baseline, entities, removed, cuts."""
_LARGEST_ID: Final = 1 << 53


class World:
    """One published state, whole.

    Args:
        tick: whose end it shows.
        time: when that tick was due, in microseconds on the server's clock.
        slipped: microseconds that simulated time has fallen behind, in all.
        state: entity id to its fields: a mapping from name to value, a dataclass or a msgspec Struct.
        cuts: see `Cuts`.

    Raises:
        TypeError: `state` is no such mapping.
        ValueError: an id or a value cannot be sent.
    """

    __slots__ = ("_shared", "tick")

    def __init__(self, tick: int, time: int, slipped: int, state: Mapping[Any, Any], cuts: dict[Any, int]) -> None:
        self.tick = tick
        entities = _entities(state)
        told = {entity: at for entity, at in cuts.items() if entity in entities}
        parts: tuple[object, ...] = (tick, time, slipped, None, entities, [], told)
        self._shared = pack_quantised(parts)[1:]
        if len(self._shared) > MOST_BYTES:
            raise ValueError(f"a world of {len(self._shared)} bytes: clients take {MOST_BYTES} in one snapshot")

    def message(self, inputs: Inputs | None, event: int) -> bytes:
        """The snapshot for one client: what it alone is told, and the bytes that all have in common."""
        return _ARRAY + _own_part((5, inputs, event))[1:] + self._shared


_own_part = msgspec.msgpack.Encoder().encode


def _entities(state: Mapping[Any, Any]) -> dict[Any, dict[str, Any]]:
    if not isinstance(state, Mapping):
        raise TypeError(f"a state maps entity ids to their fields; this is a {type(state).__name__}")
    kinds = set(map(type, state))
    if not (kinds <= {int} or kinds <= {str}):
        raise TypeError(
            "entity ids are all int, or all str, in one world; "
            f"these are {', '.join(sorted(kind.__name__ for kind in kinds))}"
        )
    if kinds == {int} and not all(-_LARGEST_ID < entity < _LARGEST_ID for entity in state):
        raise ValueError("an entity id that is a number lies below 2^53, so that JavaScript can hold it")
    return {entity: _fields(entity, fields) for entity, fields in state.items()}


def _fields(entity: object, fields: Any) -> dict[str, Any]:
    found = _as_dict(entity, fields)
    for name, value in found.items():
        if type(name) is not str:
            raise TypeError(f"the fields of an entity have names: {name!r} of entity {entity!r} is none")
        kind = type(value)
        if kind in _PLAIN or (kind is float and value - value == 0.0):  # of all numbers not NaN and the infinities
            continue
        try:
            unpack(pack(value))
        except ValueError as error:
            raise ValueError(f"{name} of entity {entity!r}: {error}: no client could show that") from None
    return found


_PLAIN = frozenset({int, bool, str, bytes, type(None)})


def _as_dict(entity: object, fields: Any) -> dict[str, Any]:
    if isinstance(fields, Mapping):
        return fields if type(fields) is dict else dict(fields)
    if dataclasses.is_dataclass(fields) and not isinstance(fields, type):
        return {field.name: getattr(fields, field.name) for field in dataclasses.fields(fields)}
    if isinstance(fields, msgspec.Struct):
        return {name: getattr(fields, name) for name in fields.__struct_fields__}
    raise TypeError(
        f"the fields of entity {entity!r} are a mapping, a dataclass or a Struct, not a {type(fields).__name__}"
    )


class Cuts:
    """Entities that jumped: they are where they are, and were not on the way.

    Args:
        rate: ticks a second.
    """

    def __init__(self, rate: int) -> None:
        self._keep = math.ceil(CUT_SECONDS * rate)
        self._ticks: dict[Any, int] = {}

    def cut(self, entity: object, tick: int) -> None:
        """Say that `entity` jumps in `tick`."""
        self._ticks[entity] = tick

    def recent(self, tick: int) -> dict[Any, int]:
        """The jumps that a snapshot of `tick` tells of."""
        if self._ticks:
            self._ticks = {entity: at for entity, at in self._ticks.items() if tick - at <= self._keep}
        return self._ticks


class Window:
    """The snapshots under way to one client: at most ceil(round trip x rate) + 2 that it has not applied.

    The kernel and the receiver hide seconds of data that no socket option shows; what was applied cannot be hidden.

    Args:
        rate: snapshots a second.
    """

    __slots__ = ("_rate", "_sent", "_trips")

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._sent: deque[tuple[int, float]] = deque()  # tick and time of going
        self._trips: deque[float] = deque(maxlen=SAMPLES)

    def sent(self, tick: int, now: float) -> None:
        """A snapshot is committed to the stream; `now` in seconds."""
        self._sent.append((tick, now))

    def applied(self, tick: int, now: float) -> bool:
        """The client has applied the snapshot of `tick`, and all before it; False: none of that tick is under way."""
        if not any(at == tick for at, _ in self._sent):
            return False
        while self._sent:
            at, when = self._sent.popleft()
            if at == tick:
                self._trips.append(now - when)
                break
        return True

    @property
    def open(self) -> bool:
        """Whether one more may be sent."""
        outstanding = len(self._sent)  # mostly below what needs no sums
        return outstanding < SPARE or outstanding < math.ceil(self.round_trip * self._rate) + SPARE

    @property
    def oldest(self) -> int | None:
        """The tick of the oldest that is under way; None: none is."""
        return self._sent[0][0] if self._sent else None

    @property
    def outstanding(self) -> int:
        """How many are under way."""
        return len(self._sent)

    @property
    def round_trip(self) -> float:
        """Seconds from sending a snapshot to hearing that it was applied: the shortest of late; 0.0 before any."""
        return min(*self._trips, LONGEST) if self._trips else 0.0
