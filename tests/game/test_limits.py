"""`GameLimits`: the documented defaults, and bounds that are none."""

from typing import Any

import pytest

import tickws
from tests.game.helpers import Table


def test_the_defaults_are_those_of_the_documents() -> None:
    limits = tickws.GameLimits()
    assert isinstance(limits, tickws.Limits)
    assert limits.message_bytes == 4096
    assert (limits.ping_seconds, limits.ping_seconds + limits.dead_seconds) == (1.0, 15.0)
    assert limits.hello_seconds == 10.0
    assert (limits.event_messages, limits.event_bytes) == (256, 256 * 1024)
    assert limits.rejected_messages == 8


@pytest.mark.parametrize("name", ["hello_seconds", "event_messages", "event_bytes", "rejected_messages"])
@pytest.mark.parametrize("value", [0, -1, True, "5", None])
def test_bounds_that_are_none(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"Limits\.{name} must be a positive"):
        tickws.GameLimits(**{name: value})


def test_who_falls_silent_is_gone_after_fifteen_seconds() -> None:
    table = Table()
    table.raw()
    table.clients.clear()
    table.run(14.7)
    assert table.of(tickws.PlayerLeft) == []
    table.run(0.6)
    assert [left.code for left in table.of(tickws.PlayerLeft)] == [1006]


def test_a_game_takes_other_limits() -> None:
    table = Table(limits=tickws.GameLimits(message_bytes=100, dead_seconds=1.0))
    table.game.message("any")
    raw = table.raw()
    raw.say(3, 1, "any", "x" * 100)
    table.run(0.1)
    assert raw.closed == (1009, "message above 100 bytes")
