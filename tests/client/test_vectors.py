"""tests/vectors: the client's sums, which JavaScript does too, to the last bit."""

from typing import Any

import pytest

from tests.vectors.reading import cases
from tickws.client.pacer import Pacer
from tickws.client.timeline import Timeline
from tickws.client.world import SnapshotBuffer
from tickws.sync.wire import Snapshot, server_reader

TIMELINES = cases("timeline")
PACERS = cases("pacer")
WORLDS = cases("world")


@pytest.mark.parametrize("about", TIMELINES)
def test_timeline(about: str) -> None:
    timeline = Timeline(TIMELINES[about]["rate"])
    for step in TIMELINES[about]["steps"]:
        match step:
            case ["insert", time, now, *expected]:
                timeline.insert(time, now)
                assert [timeline.playback, timeline.delay, timeline.speed] == expected, step
            case ["advance", now, expected]:
                assert timeline.advance(now) == expected, step
            case _:
                pytest.fail(f"an unknown step: {step}")


@pytest.mark.parametrize("about", PACERS)
def test_pacer(about: str) -> None:
    case: dict[str, Any] = PACERS[about]
    pacer = Pacer(case["rate"], case["tick"], case["time"], case["now"])
    for step in case["steps"]:
        match step:
            case ["snapshot", time, slipped, now, expected]:
                pacer.snapshot(time, slipped, now)
                assert pacer.tick(now) == expected, step
            case ["feedback", received, lead, next_sequence, now, expected]:
                pacer.feedback(received, lead, next_sequence, now)
                assert pacer.lead == expected, step
            case ["due", now, expected]:
                assert list(pacer.due(now)) == expected, step
            case _:
                pytest.fail(f"an unknown step: {step}")


@pytest.mark.parametrize("about", WORLDS)
def test_world(about: str) -> None:
    buffer = SnapshotBuffer()
    for step in WORLDS[about]["steps"]:
        match step:
            case ["insert", data, expected]:
                snapshot = server_reader().read(bytes.fromhex(data))
                assert isinstance(snapshot, Snapshot)
                assert buffer.insert(snapshot) is expected, step
            case ["at", time, expected]:
                assert [[entity, fields] for entity, fields in buffer.at(time).items()] == expected, step
            case _:
                pytest.fail(f"an unknown step: {step}")
