"""Runs one target under atheris: `python -m tests.fuzz.engine TARGET PACKAGE,... [libFuzzer's arguments]`.

A process of its own, for libFuzzer ends it; and what is instrumented must not have been imported before.
"""

from __future__ import annotations

import sys
from importlib import import_module

__all__ = ["main"]


def main(arguments: list[str]) -> None:
    """Fuzz until libFuzzer has enough, and ends this process."""
    name, packages, *rest = arguments
    import atheris

    with atheris.instrument_imports(include=packages.split(",")):
        target = import_module("tests.fuzz.targets").TARGETS[name]
    atheris.Setup([f"fuzz-{name}", *rest], target.run)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
