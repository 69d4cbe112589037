"""The wheel as a user installs it: it holds tickws alone, and works where nothing else of the project is.

No network: what builds the wheel is installed already, and what it depends on is copied into the fresh environment.
"""

import email
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parent.parent


def run(*argv: str | Path, cwd: Path) -> str:
    """What a program prints; it has to succeed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(argv, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{argv} exited with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout.strip()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built once."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    [path] = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    """The files in it."""
    with ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_holds_tickws_alone(names: set[str]) -> None:
    tops = sorted({name.split("/")[0] for name in names})
    assert [re.sub(r"-.*\.", ".", top) for top in tops] == ["tickws", "tickws.dist-info"]


def test_holds_all_modules_and_their_types(names: set[str]) -> None:
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tickws").rglob("*.py")}
    assert modules - {"tickws/_build.py"} | {"tickws/py.typed", "tickws/web/tickws.js"} <= names


def test_holds_no_tool(names: set[str]) -> None:
    tool = re.compile(r"(.*/)?(_build\.py|tests/.*|test_[^/]*\.py|conftest\.py|.*\.pyc)")
    assert [name for name in names if tool.fullmatch(name)] == []


def test_works_in_a_fresh_environment(wheel: Path, tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    python = venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    run(sys.executable, "-m", "venv", "--without-pip", venv, cwd=tmp_path)
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel, cwd=tmp_path)
    packages = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path))
    for name in dependencies(wheel):
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.submodule_search_locations
        shutil.copytree(spec.submodule_search_locations[0], packages / name)

    script = "import tickws; [getattr(tickws, name) for name in tickws.__all__]; print(tickws.__file__)"
    imported = run(python, "-W", "error", "-c", script, cwd=tmp_path)
    assert (packages / "tickws" / "__init__.py").samefile(imported)


def dependencies(wheel: Path) -> list[str]:
    """The distributions that the wheel cannot do without; each of ours is a package of the same name."""
    with ZipFile(wheel) as archive:
        [path] = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes(archive.read(path))
    required = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    return [re.split(r"[^\w.-]", line)[0] for line in required]
