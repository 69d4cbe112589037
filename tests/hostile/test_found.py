"""What the machines have found, each as the smallest script that shows it."""

from __future__ import annotations

from tests.hostile.table import Siege
from tickws.testing import Conditions


def test_a_burst_of_an_honest_player_is_delivered_whatever_event_messages_says() -> None:
    """A client stops at 256 that are not acknowledged; the inbox once had room for `event_messages` alone."""
    siege = Siege(event_messages=24)
    try:
        seat = siege.join("player", Conditions())
        for _ in range(20):
            siege.frame()
        for _ in range(40):
            seat.say()
        for _ in range(300):
            siege.frame()
        assert siege.heard == seat.sent
    finally:
        siege.finish()
