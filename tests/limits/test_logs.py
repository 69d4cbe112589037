"""What the log says of limits: whom it met and why, at debug; an attacker cannot fill a log with warnings."""

from __future__ import annotations

import logging

import pytest

from tests.game.helpers import Table
from tests.limits import connections, games, servers
from tests.limits.table import Row
from tickws.game.limits import GameLimits

ENDED = {
    "message_bytes": "message above",
    "header_bytes": "header above",
    "header_count": "header lines",
    "handshake_seconds": "no answer within",
    "handshakes": "handshakes at once",
    "address_connections": "connections",
    "closing_seconds": "no Close within",
    "dead_seconds": "silent for",
    "queue_bytes": "send queue full",
    "queue_messages": "send queue full",
}
"""Limits that end a connection, and what is said of it."""
ROWS = [row for row in (*connections.ROWS, *servers.ROWS) if row.over == 1 and "client" not in row.way.split()]


@pytest.mark.parametrize("row", [row for row in ROWS if row.field in ENDED and "fresh" not in row.way], ids=str)
def test_whose_connection_ended_and_why(row: Row, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "tickws")
    row.trial(row.way, row.over)
    lines = [record.getMessage() for record in caplog.records]
    assert [line for line in lines if line.startswith("('") and ENDED[row.field] in line], lines


@pytest.mark.parametrize("row", [*ROWS, *(row for row in games.ROWS if row.over == 1)], ids=str)
def test_no_peer_fills_our_log(row: Row, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody makes us warn; of a refused hello, once."""
    row.trial(row.way, row.over)
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    said = [line for line in said if not line.startswith("limits.messages_per_second=")]  # said to who made the game
    assert len(said) == (row.field == "hello_seconds"), said


def test_a_reason_for_a_refusal_is_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    table = Table(limits=GameLimits(hello_seconds=1.0))
    for _ in range(20):
        table.raw(hello=False)
    table.run(2.0)
    assert table.counts.limited == {"hello_seconds": 20}
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 1
