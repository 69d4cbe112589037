"""Reads the vectors, for the tests of the modules that must pass them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def load(name: str) -> Any:
    """What a file of vectors holds."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def cases(name: str) -> dict[str, dict[str, Any]]:
    """The cases of a file, by what they are about."""
    return {case["about"]: case for case in load(name)["cases"]}


def from_json(value: Any) -> Any:
    """A value as Python holds it; see README.md."""
    if isinstance(value, list):
        return [from_json(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "$bytes" in value:
        return bytes.fromhex(value["$bytes"])
    if "$pairs" in value:
        return {key: from_json(item) for key, item in value["$pairs"]}
    return {key: from_json(item) for key, item in value.items()}
