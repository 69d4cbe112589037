"""The end of every benchmark's command line: figures for people, figures for a file, and the exit code."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, ClassVar, Protocol

__all__ = ["Report", "add_json", "report"]


class Report(Protocol):
    """What was measured: a dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def lines(self) -> Iterator[str]:
        """The figures for people."""

    def complaints(self) -> list[str]:
        """What went wrong."""


def add_json(parser: argparse.ArgumentParser) -> None:
    """The option `--json`."""
    parser.add_argument("--json", metavar="FILE", help="add the figures to this file, as one line of JSON")


def report(figures: Report, path: str | None) -> int:
    """Print them, add them to the file of `--json`, and give the exit code: 1 where something went wrong."""
    print("\n".join(figures.lines()))
    complaints = figures.complaints()
    if path:
        with open(path, "a", encoding="utf-8") as file:
            print(json.dumps({**asdict(figures), "complaints": complaints}), file=file)
    return 1 if complaints else 0
