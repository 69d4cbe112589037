"""Takes each defence out of a copy of tickws and shows that its test fails: `python dev.py prove`.

A row (`defences.py`: the original's faults, `game_defences.py`: the game layer, `slice_defences.py`: the slice,
`wire_defences.py`: compression and the end, `door_defences.py`: addresses and proxies, `tls_defences.py`: TLS,
`limit_defences.py`: limits, `security_defences.py`: what else docs/security.md names) says what is guarded, which test
guards it, and how to take the defence out: a piece of the source that stands there exactly once, and what it becomes.
The tests run on a copy; nothing here touches the checkout. A mutant that survives, a piece of source that is gone, or a
test that fails without any mutation is an error: exit code 1.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.defences import FAULT_DEFENCES, Defence  # noqa: E402
from tests.door_defences import DOOR_DEFENCES  # noqa: E402
from tests.game_defences import GAME_DEFENCES  # noqa: E402
from tests.limit_defences import LIMIT_DEFENCES  # noqa: E402
from tests.security_defences import SECURITY_DEFENCES  # noqa: E402
from tests.slice_defences import SLICE_DEFENCES  # noqa: E402
from tests.tls_defences import TLS_DEFENCES  # noqa: E402
from tests.wire_defences import WIRE_DEFENCES  # noqa: E402

DEFENCES = [
    *FAULT_DEFENCES,
    *GAME_DEFENCES,
    *SLICE_DEFENCES,
    *WIRE_DEFENCES,
    *DOOR_DEFENCES,
    *TLS_DEFENCES,
    *LIMIT_DEFENCES,
    *SECURITY_DEFENCES,
]
COPIED = ("tickws", "tests", "pyproject.toml")
TIMEOUT_SECONDS = 40.0
"""A mutant that hangs, as the original did, has failed."""


def prove(defence: Defence | None) -> str:
    """Run a defence's test without the defence (all tests with all of them, for None); what is wrong, or nothing."""
    with tempfile.TemporaryDirectory(prefix="tickws-prove-") as folder:
        copy = Path(folder)
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
            else:
                shutil.copy(source, copy / name)
        tests = [defence.test] if defence else sorted({each.test for each in DEFENCES})
        if defence is not None:
            file = copy / "tickws" / defence.file
            text = file.read_text(encoding="utf-8")
            if text.count(defence.source) != 1:
                return f"tickws/{defence.file} has {text.count(defence.source)} x {defence.source!r}: mend this row"
            file.write_text(text.replace(defence.source, defence.without), encoding="utf-8")
        try:
            code = run(copy, tests, TIMEOUT_SECONDS if defence else 4 * TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            return "" if defence else "the tests hang"
        if defence is None:
            return "" if code == 0 else "the tests fail without any mutation"
        return {0: "SURVIVED: no test noticed", 1: ""}.get(code, f"pytest itself failed, exit code {code}")


def run(folder: Path, tests: list[str], timeout: float) -> int:
    """The exit code of pytest: 0 all passed, 1 some failed."""
    selected = [test.partition("::") for test in tests]
    files = sorted({file for file, _, _ in selected})
    names = [name for _, _, name in selected if name]
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *files]
    if names:
        command += ["-k", " or ".join(names)]
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    finished = subprocess.run(command, cwd=folder, env=environment, timeout=timeout, capture_output=True, check=False)
    return finished.returncode


def main() -> int:
    """Prove all rows; the exit code."""
    wrong = prove(None)
    print(f"{wrong or 'ok':10}  all defences in place")
    failures = int(bool(wrong))
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for defence, result in zip(DEFENCES, pool.map(prove, DEFENCES), strict=True):
            print(f"{result or 'fails, ok':10}  without {defence.name}", flush=True)
            failures += bool(result)
    print(f"{len(DEFENCES) + 1 - failures} passed, {failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
