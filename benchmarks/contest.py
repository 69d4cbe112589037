"""What a benchmark of several servers measured, in rounds: medians with their spread, and the gates to pass.

A case is a situation ("4 flooders"), a metric a number in it; its name ends with its unit ("slice p99, ms").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import TypeAlias

from benchmarks.figures import heading
from tickws.statistics import Distribution

__all__ = ["MS", "Cases", "Contest", "Gate", "Spread", "delays", "percent"]

Cases: TypeAlias = Mapping[str, Mapping[str, float | None]]
"""Of one server and round: by case and metric. None: there was nothing to measure."""

MS = 1e3
"""Milliseconds in a second."""


def percent(part: float, whole: float) -> float | None:
    """A share."""
    return 100 * part / whole if whole else None


def delays(name: str, of: Distribution) -> dict[str, float | None]:
    """Metrics of a distribution: p50, p99, worst."""
    return {
        f"{name} {share}, ms": value * MS if of.count else None
        for share, value in (("p50", of.p50), ("p99", of.p99), ("worst", of.worst))
    }


@dataclass(frozen=True, slots=True)
class Spread:
    """One metric over all rounds."""

    median: float
    low: float
    high: float
    rounds: int
    """Those in which there was something to measure."""

    @classmethod
    def over(cls, values: list[float | None]) -> Spread | None:
        """Of the values of all rounds; None where there are none."""
        known = [value for value in values if value is not None]
        return cls(median(known), min(known), max(known), len(known)) if known else None

    def __str__(self) -> str:
        if self.rounds == 1:
            return _digits(self.median)
        return f"{_digits(self.median)} ({_digits(self.low)}..{_digits(self.high)})"


def _digits(value: float) -> str:
    if value == round(value):
        return f"{value:,.0f}"
    return f"{value:,.{2 if abs(value) < 10 else 1 if abs(value) < 100 else 0}f}"


@dataclass(frozen=True, slots=True)
class Gate:
    """What must hold."""

    name: str
    spread: Spread | None
    """The median counts; None fails."""
    bound: float
    at_least: bool = False
    """The bound is the least; else it is the most."""
    why: str = ""
    """Where the bound comes from."""

    @property
    def passed(self) -> bool:
        """Whether it holds."""
        if self.spread is None:
            return False
        return self.spread.median >= self.bound if self.at_least else self.spread.median <= self.bound

    def __str__(self) -> str:
        side = ">=" if self.at_least else "<="
        value = "nothing was measured" if self.spread is None else str(self.spread)
        why = f"   ({self.why})" if self.why else ""
        return f"{'PASS' if self.passed else 'FAIL'}  {self.name}: {value} {side} {_digits(self.bound)}{why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """All of it."""

    name: str
    setting: str
    """What was done, in one line."""
    machine: str
    load_average: float | None
    pinned: bool
    titles: dict[str, str]
    """Servers, with their versions."""
    rounds: dict[str, list[Cases]]
    """By server."""
    notes: list[str]
    """What went wrong with somebody: who could not take part, who failed."""
    gates: list[Gate] = field(default_factory=list)

    def spread(self, server: str, case: str, metric: str) -> Spread | None:
        """One metric over all rounds."""
        return Spread.over([cases.get(case, {}).get(metric) for cases in self.rounds.get(server, [])])

    def lines(self) -> Iterator[str]:
        """The figures for people."""
        yield from heading(self.machine, self.load_average, pinned=self.pinned)
        yield f"{self.name:<12} {self.setting}"
        yield "             medians of all rounds (lowest..highest); - : nothing to measure"
        cases: dict[str, dict[str, None]] = {}  # sets that keep their order
        for rows in self.rounds.values():
            for row in rows:
                for case, metrics in row.items():
                    cases.setdefault(case, {}).update(dict.fromkeys(metrics))
        for case, names in cases.items():
            yield ""
            yield from self._table(case, list(names))
        yield ""
        yield from (f"note         {note}" for note in self.notes)
        yield from map(str, self.gates)

    def _table(self, case: str, metrics: list[str]) -> Iterator[str]:
        rows = [[case, *self.titles.values()]]
        for metric in metrics:
            spreads = [self.spread(server, case, metric) for server in self.titles]
            rows.append([metric, *("-" if spread is None else str(spread) for spread in spreads)])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for first, *rest in rows:
            cells = (f"{cell:>{width}}" for cell, width in zip(rest, widths[1:], strict=True))
            yield "  ".join((f"{first:<{widths[0]}}", *cells))

    def complaints(self) -> list[str]:
        """The gates that do not hold."""
        return [str(gate) for gate in self.gates if not gate.passed]
