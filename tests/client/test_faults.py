"""A server that says what it should not: it is over, with the fault for a reason; and what is borne."""

from typing import Any

import pytest

import tickws
from tests.client.helpers import Fake

WELCOME = [1, 1, 0, "", 60, 20, 1, False, b"", 0, 0, 4096]
SNAPSHOT: list[Any] = [5, None, 0, 3, 50000, 0, None, {1: {"x": 1.0}}, [], {}]


def snapshot(**changes: object) -> list[object]:
    """A snapshot with other fields, by their names."""
    names = ["kind", "inputs", "event", "tick", "time", "slipped", "baseline", "entities", "removed", "cuts"]
    return [changes.get(name, value) for name, value in zip(names, SNAPSHOT, strict=True)]


def test_a_welcome_of_another_version() -> None:
    fake = Fake()
    fake.run(0.1)
    fake.say(1, 2, 0, "", 60, 20, 1, False, b"", 0, 0, 4096)
    assert fake.log.events == [tickws.Disconnected(1008, "the server's fault: it speaks version 2, we 1")]


@pytest.mark.parametrize(
    ("message", "code", "words"),
    [
        (b"", 1007, "no msgpack"),
        (b"\xc1", 1007, "no msgpack"),
        ("hello", 1003, "binary"),
        (b"\x91" * 5000, 1007, ""),
        (tickws.pack([9]), 1008, "kind 9"),
        (tickws.pack([0, 1, None, "", None, None, 0]), 1008, "kind 0"),
        (tickws.pack([2, 1, 1, None, 0, []]), 1008, "kind 2"),
        (tickws.pack(WELCOME), 1008, "a second welcome"),
        (tickws.pack(snapshot(tick=-1)), 1007, ""),
        (tickws.pack(snapshot(entities=[1, 2])), 1007, ""),
        (tickws.pack(snapshot(entities={1: 5})), 1007, ""),
        (tickws.pack(snapshot(inputs=[1, 2])), 1007, ""),
        (tickws.pack(snapshot(baseline=2)), 1008, "a difference from 2, unasked"),
        (tickws.pack(snapshot(event=1)), 1008, "event 1, which was never sent"),
        (tickws.pack([4, 1, None]), 1008, "event 1, which was never sent"),
        (tickws.pack([3, 2, "hello", None]), 1008, "event 2 after 0"),
    ],
)
def test_faults_of_the_server(message: bytes | str, code: int, words: str) -> None:
    fake = Fake()
    fake.client.message("number", int)
    fake.welcome()
    fake.server.server.broadcast(message)
    fake.run(0.2)
    _, event = fake.log.events
    assert type(event) is tickws.Disconnected
    assert event.code == code
    assert event.reason.startswith("the server's fault: ")
    assert words in event.reason
    assert [close[0] for close in fake.server.closes] == [code]  # and the server hears it, too
    assert not fake.client.work()


@pytest.mark.parametrize("message", [SNAPSHOT, [3, 1, "hello", None], [4, 0, None]])
def test_before_the_welcome_nothing_is_taken(message: list[object]) -> None:
    fake = Fake()
    fake.run(0.1)
    fake.say(*message)
    (event,) = fake.log.events
    assert event == tickws.Disconnected(1008, "the server's fault: the server speaks before its welcome")


@pytest.mark.parametrize("tick", [2, 3])
def test_a_snapshot_that_is_not_newer(tick: int) -> None:
    fake = Fake()
    fake.welcome()
    fake.say(*SNAPSHOT)
    fake.say(*snapshot(tick=tick))
    assert fake.log.events[-1].code == 1008
    assert f"snapshot {tick} after a newer one" in fake.log.events[-1].reason


def test_a_long_reason_is_cut_for_the_server() -> None:
    fake = Fake()
    fake.welcome()
    fake.say(*snapshot(**{"entities": {1: 5}, "cuts": {"ä" * 200: 1}}))
    fake.run(0.1)
    assert fake.log.events[-1].code == 1007
    assert len(fake.server.closes[0][1].encode()) <= 123


def test_one_message_that_does_not_fit_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    fake = Fake()
    heard: list[int] = []
    fake.client.message("number", int)(heard.append)
    fake.welcome()
    fake.say(3, 1, "number", "five")
    fake.say(3, 2, "number", 6)
    assert heard == [6]
    assert fake.client.connected
    assert "dropped a message of the server: message 'number': Expected `int`, got `str`" in caplog.text


def test_what_is_borne() -> None:
    fake = Fake()
    fake.welcome()
    fake.say(3, 1, "undeclared", {"any": [None]})
    fake.say(3, 1, "undeclared", "again")  # was here before
    fake.say(3, 2, "nan", float("nan"))
    fake.say(*snapshot(entities={"a": {"x": float("inf"), "deep": [[[[1]]]]}}))
    fake.say(*snapshot(tick=6, time=100000, entities={}))
    assert fake.client.connected
    assert fake.log.events[1] == tickws.ServerMessage("undeclared", {"any": [None]})
    assert [event.name for event in fake.log.events[1:]] == ["undeclared", "nan"]


def test_a_welcome_for_a_tick_rate_that_is_none() -> None:
    fake = Fake()
    fake.run(0.1)
    fake.say(1, 1, 0, "", 0, 20, 1, False, b"", 0, 0, 4096)
    assert fake.log.events[-1].code == 1007


def test_a_server_that_speaks_no_tickws() -> None:
    fake = Fake()
    fake.server.server.abort()
    other: Any = tickws.WebSocketServer(network=fake.network)
    fake.server.server = other
    fake.run(0.3)
    assert fake.client.player is None
    assert all(type(event) in (tickws.Dropped, tickws.Disconnected) for event in fake.log.events)


def test_nothing_of_what_came_behind_the_fault_counts() -> None:
    fake = Fake()
    fake.welcome()
    fake.server.server.broadcast(b"\xc1")
    fake.server.server.broadcast(tickws.pack([3, 1, "hello", 1]))
    fake.run(0.2)
    assert [type(event) for event in fake.log.events] == [tickws.Connected, tickws.Disconnected]
