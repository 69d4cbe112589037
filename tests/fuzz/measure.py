"""Which branches a corpus takes: `python -m tests.fuzz.measure TARGET FILE,... FOLDER ...` prints them as JSON.

A process of its own, for coverage.py must see the import of what it measures.
"""

from __future__ import annotations

import json
import sys
import tempfile
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import coverage

__all__ = ["main"]


def main(arguments: list[str]) -> None:
    """Run a target over all inputs in the folders."""
    name, files, *folders = arguments
    spec = find_spec("tickws")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    watch = coverage.Coverage(
        branch=True, include=[str(package / file) for file in files.split(",")], data_file=None, config_file=False
    )
    watch.start()
    target = import_module("tests.fuzz.targets").TARGETS[name]
    for folder in folders:
        for path in sorted(Path(folder).iterdir()):
            try:
                target.run(path.read_bytes())
            except Exception as error:  # the fuzzer has told it; here the branches count
                print(f"{path}: {error!r}", file=sys.stderr)
    watch.stop()
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch, "report.json")
        watch.json_report(outfile=str(report))
        told = json.loads(report.read_text(encoding="utf-8"))
    missing = {Path(path).name: each["missing_branches"] for path, each in told["files"].items()}
    totals = told["totals"]
    print(json.dumps({"branches": totals["num_branches"], "taken": totals["covered_branches"], "missing": missing}))


if __name__ == "__main__":
    main(sys.argv[1:])
