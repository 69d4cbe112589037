"""The cases of world.json: snapshots that are kept, and the world between two of them."""

from __future__ import annotations

from typing import Any

from tickws.client.world import SnapshotBuffer
from tickws.sync.snapshot import World
from tickws.sync.wire import Snapshot, server_reader

State = dict[Any, dict[str, Any]]


def snapshot(tick: int, state: State, cuts: dict[Any, int] | None = None, *, time: int | None = None) -> bytes:
    """A snapshot as a spectator gets it; 20 ticks a second, unless told otherwise."""
    return World(tick, tick * 50_000 if time is None else time, 0, state, cuts or {}).message(None, 0)


def world_cases() -> list[dict[str, Any]]:
    two = [snapshot(10, {1: {"x": 0.5, "y": 2.0}}), snapshot(11, {1: {"x": 1.5, "y": 2.0}})]
    between = [0.4, 0.5, 0.5125, 0.525, 0.5333333333333333, 0.5499999999, 0.55, 0.6]
    return [
        case("nothing yet", [0.0, 1.0]),
        case("one alone", [snapshot(10, {1: {"x": 0.5}}), 0.1, 0.5, 0.9]),
        case("evenly from one to the next", [*two, *between]),
        case("32-bit floats, and ids that are text", [
            snapshot(1, {"ball": {"x": 0.1, "y": -3.3}, "é 🎮": {"x": 1e-3}}),
            snapshot(2, {"ball": {"x": 0.7, "y": 12.7}, "é 🎮": {"x": 2e-3}}),
            0.05, 0.06, 0.0731, 0.099, 0.1,
        ]),
        case("a float that happens to be whole, at one end or both", [
            snapshot(1, {1: {"x": 1.0, "score": 1}, 2: {"x": 2.0, "score": 3}}),
            snapshot(2, {1: {"x": 2.0, "score": 2}, 2: {"x": 4.0, "score": 5}}),
            0.06, 0.075,
        ]),
        case("whole numbers move where the field's name has come as a float, before or later", [
            snapshot(1, {1: {"x": 0}}), snapshot(2, {1: {"x": 10}}), 0.075, snapshot(3, {1: {"x": 10.5}}), 0.075, 0.125,
        ]),
        case("whatever else changes when its time has come", [
            snapshot(1, {1: {"n": 1, "text": "a", "on": False, "list": [1.5], "none": None, "bytes": "b", "x": 0.5}}),
            snapshot(2, {1: {"n": 9, "text": "b", "on": True, "list": [2.5], "none": 1.5, "bytes": "c", "x": None}}),
            0.05, 0.0999, 0.1,
        ]),
        case("fields that come and go", [
            snapshot(1, {1: {"x": 0.5, "old": 1.5}}), snapshot(2, {1: {"x": 1.5, "new": 2.5}}), 0.075, 0.1,
        ]),
        case("entities that come and go", [
            snapshot(1, {1: {"x": 0.5}, 2: {"x": 0.5}}), snapshot(2, {2: {"x": 1.5}, 3: {"x": 1.5}}), 0.05, 0.075, 0.1,
        ]),
        case("an entity that jumps, told of by later snapshots too", [
            snapshot(1, {1: {"x": 0.5}, 2: {"x": 0.5}}),
            snapshot(2, {1: {"x": 9.5}, 2: {"x": 1.5}}, {1: 2}),
            snapshot(3, {1: {"x": 9.75}, 2: {"x": 2.5}}, {1: 2}),
            0.05, 0.075, 0.1, 0.125, 0.15,
        ]),
        case("a jump whose own snapshot was skipped", [
            snapshot(1, {"b": {"x": 0.5}}), snapshot(5, {"b": {"x": 8.5}}, {"b": 3}), 0.15, 0.25,
        ]),
        case("times of a thirtieth, in microseconds", [
            snapshot(1, {1: {"x": 0.5}}, time=33_333),
            snapshot(2, {1: {"x": 2.25}}, time=66_667),
            snapshot(3, {1: {"x": -1.5}}, time=100_000),
            0.033333, 0.04, 0.05, 0.066666, 0.066667, 0.07, 0.0999999,
        ]),
        case("what is not newer is not kept", [
            snapshot(3, {1: {"x": 0.5}}), snapshot(3, {1: {"x": 7.5}}), snapshot(2, {1: {"x": 7.5}}), 0.1, 0.15,
        ]),
        case("time that slipped lies between two ticks", [
            snapshot(1, {1: {"x": 0.5}}), snapshot(2, {1: {"x": 1.5}}, time=1_100_000), 0.5, 1.0,
        ]),
        case("two snapshots of one time", [
            snapshot(1, {1: {"x": 0.5}}), snapshot(2, {1: {"x": 1.5}}, time=50_000), snapshot(3, {1: {"x": 2.5}}),
            0.049, 0.05, 0.1,
        ]),
        case("the 64 newest are kept", [*(snapshot(i, {1: {"x": i / 2}}) for i in range(70)), 0.0, 0.3, 0.325, 3.4]),
        case("names that objects have already", [
            snapshot(1, {1: {"__proto__": 0.5, "constructor": 1.5, "toString": "a"}}),
            snapshot(2, {1: {"__proto__": 1.5, "constructor": 2.5, "toString": "b"}}),
            0.075,
        ]),
    ]  # fmt: skip


def case(about: str, calls: list[bytes | float]) -> dict[str, Any]:
    """Bytes are inserted, times asked for."""
    buffer = SnapshotBuffer()
    steps: list[list[Any]] = []
    for call in calls:
        if isinstance(call, bytes):
            message = server_reader().read(call)
            assert isinstance(message, Snapshot)
            steps.append(["insert", call.hex(), buffer.insert(message)])
        else:
            steps.append(["at", call, [[entity, fields] for entity, fields in buffer.at(call).items()]])
    return {"about": about, "steps": steps}
