"""The snapshots that a client keeps, and the world between two of them. Pure; the same in tickws.js.

A field moves evenly from one snapshot to the next if it is a number that the server sends as a float; all else changes
when the later one's time has come. Entities that jump (cuts) do not move, but are elsewhere when it has. An entity is
there from the first snapshot that has it to the first that has it no more.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Any, Final

from tickws.sync.wire import MICROSECONDS, EntityId, Snapshot

__all__ = ["Entities", "SnapshotBuffer"]

Entities = dict[EntityId, dict[str, Any]]

KEPT: Final = 64
"""Snapshots kept: 3 s at 20 a second."""


class SnapshotBuffer:
    """The newest snapshots of a connection, in the order of their ticks."""

    def __init__(self) -> None:
        self._times: list[float] = []
        self._snapshots: list[Snapshot] = []
        self._floats: set[str] = set()  # names of fields that came as floats

    def insert(self, snapshot: Snapshot) -> bool:
        """Keep a whole snapshot; False: it is not newer than the newest."""
        if self._snapshots and snapshot.tick <= self._snapshots[-1].tick:
            return False
        self._times.append(snapshot.time / MICROSECONDS)
        self._snapshots.append(snapshot)
        del self._times[:-KEPT], self._snapshots[:-KEPT]
        for fields in snapshot.entities.values():
            for name, value in fields.items():
                if type(value) is float:
                    self._floats.add(name)
        return True

    @property
    def newest(self) -> Snapshot | None:
        """The newest snapshot."""
        return self._snapshots[-1] if self._snapshots else None

    def at(self, time: float) -> Entities:
        """The world at server time `time` (seconds), as new dicts; outside of the snapshots kept, the nearest one's."""
        if not self._snapshots:
            return {}
        after = bisect_right(self._times, time)
        if after == 0 or after == len(self._times):
            found = self._snapshots[after and after - 1]
            return {entity: dict(fields) for entity, fields in found.entities.items()}
        earlier, later = self._snapshots[after - 1], self._snapshots[after]
        share = (time - self._times[after - 1]) / (self._times[after] - self._times[after - 1])
        return {
            entity: self._between(fields, later.entities.get(entity, {}), share)
            if later.cuts.get(entity, -1) <= earlier.tick
            else dict(fields)
            for entity, fields in earlier.entities.items()
        }

    def _between(self, earlier: dict[str, Any], later: dict[str, Any], share: float) -> dict[str, Any]:
        result = dict(earlier)
        for name, end in later.items():
            start = earlier.get(name)
            if name in self._floats and _is_number(start) and _is_number(end):
                result[name] = start + (end - start) * share
        return result


def _is_number(value: object) -> bool:
    return type(value) is float or type(value) is int
