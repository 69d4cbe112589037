"""The exceptions that this project claims: `expected.toml`, which is read strictly.

It may only list a case whose outcome an RFC decides otherwise than the suite does, with the clause:

    [[exemption]]
    side = "server"                      # or "client": which end tickws is
    case = "7.1.5"
    behavior = "NON-STRICT"              # what the suite says
    close = "OK"                         # and of the closing handshake
    clause = "RFC 6455 section 7.1.5"
    why = "what the clause says, and what tickws does"

An entry with anything missing or unknown is refused; one whose case passes is an error of the run.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

__all__ = ["EXPECTED", "BadExpectation", "Exemption", "load", "parse"]

EXPECTED = Path(__file__).with_name("expected.toml")

FORMS = {
    "side": r"server|client",
    "case": r"\d+(\.\d+)+",
    "behavior": r"OK|NON-STRICT|FAILED|UNIMPLEMENTED",
    "close": r"OK|WRONG CODE|UNCLEAN|FAILED BY CLIENT|FAILED",
    "clause": r"RFC (6455|7692) section \d+(\.\d+)*",
    "why": r"(?s).*\S.*",
}
"""What each value looks like."""


class BadExpectation(ValueError):
    """An entry that cannot be taken; the text says which, and why."""


@dataclass(frozen=True)
class Exemption:
    """One entry; the fields are the file's."""

    side: str
    case: str
    behavior: str
    close: str
    clause: str
    why: str

    def allows(self, behavior: str, close: str) -> bool:
        """Whether it is just this outcome that is excused."""
        return (self.behavior, self.close) == (behavior, close)

    def __str__(self) -> str:
        return f"{self.side} {self.case} ({self.clause})"


def load(path: Path = EXPECTED) -> list[Exemption]:
    """The entries of the file.

    Raises:
        BadExpectation: one cannot be taken.
    """
    return parse(path.read_text(encoding="utf-8"))


def parse(text: str) -> list[Exemption]:
    """The entries of the file's text.

    Raises:
        BadExpectation: one cannot be taken.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadExpectation(f"expected.toml: {error}") from error
    entries = content.pop("exemption", [])
    if content or not isinstance(entries, list):
        raise BadExpectation(f"expected.toml holds [[exemption]] entries alone, not {sorted(content) or entries!r}")
    exemptions = [exemption(entry) for entry in entries]
    seen: set[tuple[str, str]] = set()
    for each in exemptions:
        if (each.side, each.case) in seen:
            raise BadExpectation(f"expected.toml: {each.side} {each.case} stands twice")
        seen.add((each.side, each.case))
    return exemptions


def exemption(entry: object) -> Exemption:
    """One entry, checked."""
    names: Sequence[str] = [field.name for field in fields(Exemption)]
    if not isinstance(entry, dict) or set(entry) != set(names):
        raise BadExpectation(f"expected.toml: an exemption has {', '.join(names)}; this is {entry!r}")
    for name in names:
        value = entry[name]
        if not isinstance(value, str) or not re.fullmatch(FORMS[name], value):
            raise BadExpectation(f"expected.toml: {name} is {value!r} where it should look like {FORMS[name]}")
    return Exemption(**entry)
