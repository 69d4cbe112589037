"""tickws beside its peers: `python -m benchmarks` runs all contests, `python -m benchmarks flood --quick` one of them;
`python -m benchmarks hostile` has it among attackers.

Options go to each. Ends with 0 where all did, else with the first other exit code.
"""

from __future__ import annotations

import sys
from importlib import import_module

CONTESTS = ("flood", "stall", "hitch", "storm", "idle", "precision", "wake", "compression", "tls")
ALONE = ("hostile",)
"""Those that are no contests among servers, and take long: each runs where it is named."""


def main(arguments: list[str]) -> int:
    """Run what is named first, or all; returns the exit code."""
    names = list(CONTESTS)
    if arguments and not arguments[0].startswith("-"):
        name, *arguments = arguments
        if name not in CONTESTS + ALONE:
            print(f"there is no contest '{name}': {', '.join(CONTESTS + ALONE)}", file=sys.stderr)
            return 2
        names = [name]
    codes: list[int] = []
    for name in names:
        codes.append(import_module(f"benchmarks.{name}").main(arguments))
        print()
    return next(filter(None, codes), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
