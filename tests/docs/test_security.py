"""docs/security.md's threat model is true: its tests exist, its counters exist, its defences are proven."""

from __future__ import annotations

import ast
import re
from dataclasses import fields
from functools import cache
from pathlib import Path

import pytest

from tests.prove import DEFENCES
from tickws.game.limits import GameLimits
from tickws.game.statistics import GameStatistics
from tickws.protocol.limits import Limits
from tickws.statistics import ConnectionStatistics, EndpointStatistics

TESTS = Path(__file__).resolve().parents[1]
PAGE = TESTS.parent / "docs" / "security.md"
COLUMNS = ["attack", "defence", "the attacker gets", "counter", "test", "proof"]
STATISTICS = {"": EndpointStatistics, "game.": GameStatistics, "ws.": ConnectionStatistics}
COUNTER = re.compile(r"`((?:game|ws)\.|)(\w+)(?:\[\"?(\w+)\"?\])?`")


def threat_model() -> list[list[str]]:
    """The cells of each row of the tables below the heading."""
    text = PAGE.read_text(encoding="utf-8").partition("\n## The threat model\n")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return [cells for cells in rows if cells != COLUMNS]


ROWS = threat_model()
EACH = pytest.mark.parametrize("cells", ROWS, ids=[cells[0][:40] for cells in ROWS])


@cache
def names_in(file: str) -> set[str]:
    """The tests of a file."""
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}


def test_the_threat_model_is_found() -> None:
    assert len(ROWS) >= 45
    assert len({cells[0] for cells in ROWS}) == len(ROWS)
    text = PAGE.read_text(encoding="utf-8")
    assert text.count("| " + " | ".join(COLUMNS) + " |\n|---|") == 5


@EACH
def test_a_row_says_everything(cells: list[str]) -> None:
    assert len(cells) == len(COLUMNS)
    assert all(cells)


@EACH
def test_each_test_exists(cells: list[str]) -> None:
    named = re.findall(r"`([^`]+)`", cells[4])
    assert named
    for test in named:
        file, _, name = test.partition("::")
        assert Path(file).name.startswith("test_")
        assert name.startswith("test_")
        assert name in names_in(file)


@EACH
def test_each_counter_exists(cells: list[str]) -> None:
    found = COUNTER.findall(cells[3])
    assert found or cells[3].startswith("none: ")
    assert len(found) == cells[3].count("`") // 2, cells[3]
    for owner, field, key in found:
        assert field in {each.name for each in fields(STATISTICS[owner])}
        if field == "limited":
            names = {each.name for each in fields(GameLimits if owner else Limits)} | {"max_connections"}
            assert key in names
        elif key:
            assert key.isdigit()
        assert bool(key) == (field in ("limited", "closed", "faults", "answered", "rejected", "turned_away"))


@EACH
def test_each_row_is_proven(cells: list[str]) -> None:
    named = re.findall(r"\*([^*]+)\*", cells[5])
    assert named
    assert cells[5] == "; ".join(f"*{name}*" for name in named)
    assert set(named) <= {defence.name for defence in DEFENCES}


def test_names_of_defences_are_used_once() -> None:
    names = [defence.name for defence in DEFENCES]
    assert len(set(names)) == len(names)


def test_what_is_proven_for_security_alone_stands_in_the_table() -> None:
    from tests.security_defences import SECURITY_DEFENCES

    named = {name for cells in ROWS for name in re.findall(r"\*([^*]+)\*", cells[5])}
    assert {defence.name for defence in SECURITY_DEFENCES} <= named


def test_what_the_operator_watches_is_counted() -> None:
    text = PAGE.read_text(encoding="utf-8").partition("8. **Watch**")[2].partition("\n9. ")[0]
    server, _, game = text.partition("of the game")
    for part, owner in ((server, EndpointStatistics), (game, GameStatistics)):
        named = [field for _, field, _ in COUNTER.findall(part)]
        assert named
        assert set(named) <= {each.name for each in fields(owner)}
