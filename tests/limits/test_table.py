"""Each limit: at it nothing happens; above it, what docs/security.md says, and its counter tells how often."""

from dataclasses import fields

import pytest

from tests.limits import connections, games, servers
from tests.limits.table import Row
from tickws.game.limits import GameLimits
from tickws.protocol.limits import Limits

OF_LIMITS = [*connections.ROWS, *servers.ROWS]
OF_GAMES = games.ROWS


@pytest.mark.parametrize("row", [*OF_LIMITS, *OF_GAMES], ids=str)
def test_a_limit(row: Row) -> None:
    assert row.trial(row.way, row.over) == row.expected


def test_every_limit_has_a_row() -> None:
    assert {row.field for row in OF_LIMITS} == {field.name for field in fields(Limits)}


def test_every_limit_of_games_has_a_row() -> None:
    """Those that only games have, and those that they have otherwise."""
    assert {row.field for row in OF_GAMES} == set(GameLimits.__annotations__)
