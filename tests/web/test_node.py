"""tickws.js in Node: the vectors, and GameClient against a WebSocket that the test plays."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tickws.transport.files import Files
from tickws.web import FILES

HERE = Path(__file__).parent
SECONDS = 60


def run(*argv: str | Path) -> str:
    """What a program prints; it has to succeed."""
    done = subprocess.run(argv, capture_output=True, text=True, encoding="utf-8", timeout=SECONDS, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout.strip()


@pytest.mark.parametrize("script", ["vectors.mjs", "client.mjs"])
def test_passes(script: str, require: Callable[[str], str]) -> None:
    print(run(require("node"), HERE / script))


def test_is_a_module_without_dependencies(require: Callable[[str], str], tmp_path: Path) -> None:
    source = FILES["/tickws.js"].read_text(encoding="utf-8")
    assert not [line for line in source.splitlines() if line.startswith("import") or "import(" in line]
    assert not [line for line in source.splitlines() if len(line) > 120]
    module = tmp_path / "tickws.mjs"
    module.write_text(source, encoding="utf-8")
    run(require("node"), "--check", module)


def test_is_served_as_javascript() -> None:
    served = Files(FILES).get("/tickws.js")
    assert served is not None
    headers, content = served
    assert ("Content-Type", "text/javascript; charset=utf-8") in headers
    assert content.startswith(b"// tickws.js: ")
