"""What a fuzz target is, and how all of them read their input.

A target is a function of bytes. It catches what the documents say that comes out of a parser and nothing else, and it
asserts what they promise: whatever else leaves it is a finding. The same input does the same in every run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["CORPUS", "DICTIONARIES", "Plan", "Target", "plan", "split"]

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"
DICTIONARIES = HERE / "dictionaries"


@dataclass(frozen=True)
class Target:
    """One parser, or a few that lie on one another.

    Args:
        run: what is called with each input.
        files: whose branches the report tells, in tickws/.
        packages: what is instrumented, so that the fuzzer sees where an input leads.
        most_bytes: the longest input.
        by_chance: inputs that the test suite makes by chance; each takes its time.
    """

    name: str
    run: Callable[[bytes], None]
    files: tuple[str, ...]
    packages: tuple[str, ...]
    most_bytes: int = 4096
    by_chance: int = 250

    @property
    def seeds(self) -> Path:
        """The folder of inputs to begin with: those of seeds.py, and what was found once (`found-...`)."""
        return CORPUS / self.name

    @property
    def dictionary(self) -> Path:
        """Words for the fuzzer; not every target has some."""
        return DICTIONARIES / f"{self.name}.dict"


@dataclass(frozen=True)
class Plan:
    """An input, read: four bytes say how, the rest is what the peer sends."""

    flags: int
    """Which of a target's settings to take: eight bits."""
    sizes: bytes
    """In which chunks the peer's bytes come, see `split`."""
    sent: bytes

    @property
    def chunks(self) -> list[bytes]:
        """What the peer sends, in those chunks."""
        return split(self.sent, self.sizes)


def plan(data: bytes) -> Plan:
    """Read an input; one that is too short goes on with zeros."""
    head = data[:4].ljust(4, b"\0")
    return Plan(head[0], head[1:], data[4:])


def split(data: bytes, sizes: bytes) -> list[bytes]:
    """`data` in chunks of these sizes, in turn; 0 stands for all that is left."""
    chunks = []
    position = turn = 0
    while position < len(data):
        size = sizes[turn % len(sizes)] or len(data)
        chunks.append(data[position : position + size])
        position += size
        turn += 1
    return chunks
