"""docs/security.md says of each limit what it is: field, default, outcome."""

from __future__ import annotations

import math
import re
from dataclasses import fields
from pathlib import Path

import pytest

from tests.limits import connections, games, servers
from tests.limits.table import Row
from tickws.game.limits import GameLimits
from tickws.protocol.limits import KIB, MIB, Limits

PAGE = Path(__file__).resolve().parents[2] / "docs" / "security.md"
TABLES: list[tuple[type[Limits], list[str], list[Row]]] = [
    (Limits, [field.name for field in fields(Limits)], [*connections.ROWS, *servers.ROWS]),
    (GameLimits, list(GameLimits.__annotations__), games.ROWS),
]


def rows(kind: type[Limits]) -> dict[str, list[str]]:
    """The table below the heading of a class: its cells, by the field of their row, in order."""
    text = PAGE.read_text(encoding="utf-8").partition(f"\n### `{kind.__name__}`\n")[2].partition("\n### ")[0]
    found = re.findall(r"^\| `(\w+)` \|(.*)\|$", text, re.MULTILINE)
    return {name: [cell.strip() for cell in rest.split(" | ")] for name, rest in found}


def said(name: str, value: float) -> str:
    """A default, as the page says it."""
    if math.isinf(value):
        return "none"
    if "seconds" in name:
        return f"{value:g} s"
    if "bytes" in name:
        return f"{value / MIB:g} MiB" if value >= MIB else f"{value / KIB:g} KiB"
    return f"{value:,g}"


@pytest.mark.parametrize(("kind", "names", "trials"), TABLES, ids=["Limits", "GameLimits"])
def test_the_table_has_each_field_with_its_default(kind: type[Limits], names: list[str], trials: list[Row]) -> None:
    assert {name: cells[0] for name, cells in rows(kind).items()} == {
        name: said(name, getattr(kind(), name)) for name in names
    }
    assert list(rows(kind)) == names, "in the order of the class"
    assert all(len(cells) == 4 and all(cells) for cells in rows(kind).values())


@pytest.mark.parametrize(("kind", "names", "trials"), TABLES, ids=["Limits", "GameLimits"])
def test_the_table_has_each_outcome_that_was_tried(kind: type[Limits], names: list[str], trials: list[Row]) -> None:
    """Close codes and statuses."""
    tried = {(row.field, str(code)) for row in trials if row.over > 0 for code in outcomes(row)}
    assert len(tried) == {Limits: 8, GameLimits: 6}[kind], "as many as there are"
    missing = [(name, code) for name, code in sorted(tried) if code not in rows(kind)[name][2]]
    assert not missing


def outcomes(row: Row) -> list[int]:
    """The close code and the statuses that are expected above the limit."""
    expected = row.expected
    statuses = expected.peer if isinstance(expected.peer, list) else [expected.peer]
    found = [status for status in statuses if isinstance(status, int) and status in (429, 431)]
    if expected.told is not None:
        found.append(expected.told[0])
    elif row.field == "hello_seconds" and isinstance(expected.peer, tuple):
        found.append(expected.peer[0])
    return found
