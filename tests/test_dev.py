"""dev.py: what it makes, when it makes it again, and what it says when it cannot."""

import ast
import json
import os
import signal
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest

import dev

SCRIPT = Path(dev.__file__)


def call(*arguments: str, script: Path = SCRIPT, **environment: str) -> subprocess.CompletedProcess[str]:
    """Start dev.py as a user does."""
    return subprocess.run(
        [sys.executable, script, *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


class Checkout:
    """A folder that dev.py takes for its own, and what it ran there; none of it really runs.

    `failing` holds the exit codes of what is to fail: "venv" or "pip".
    """

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch
        self.ran: list[str] = []
        self.failing: dict[str, int] = {}
        self.move(root)
        monkeypatch.setattr(dev, "run", self.run)
        monkeypatch.setattr(venv, "create", self.create)

    def move(self, root: Path) -> None:
        """Make another folder its own."""
        self.root, self.venv = root, root / ".venv"
        root.mkdir(exist_ok=True)
        (root / "pyproject.toml").touch()
        self.monkeypatch.setattr(dev, "ROOT", str(root))
        self.monkeypatch.setattr(dev, "VENV", str(self.venv))
        self.monkeypatch.setattr(dev, "STAMP", str(self.venv / "stamp.json"))

    def run(self, argv: list[str]) -> int:
        """Stands in for `dev.run`, which only pip is run by here."""
        self.ran.append(f"pip {argv[-1]}")
        return self.failing.get("pip", 0)

    def create(self, folder: str, **options: bool) -> None:
        """Stands in for `venv.create`."""
        self.ran.append("venv")
        for name in ("bin/python", "Scripts/python.exe"):
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        if code := self.failing.get("venv", 0):
            raise KeyboardInterrupt if code == dev.INTERRUPTED else subprocess.CalledProcessError(code, "ensurepip")

    def prepared(self, extra: str) -> list[str]:
        """What is run so that the extra is there."""
        self.ran.clear()
        dev.prepare(extra)
        return list(self.ran)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A fresh clone."""
    return Checkout(tmp_path / "clone", monkeypatch)


@pytest.fixture(autouse=True)
def not_the_one_we_run_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a test does, these tests' own `.venv` is not what it does it to."""
    monkeypatch.setattr(dev, "VENV", str(tmp_path / ".venv"))
    monkeypatch.setattr(dev, "STAMP", str(tmp_path / ".venv" / "stamp.json"))


# The command line


def test_help_tells_every_command() -> None:
    done = call("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert [name for name in dev.COMMANDS if f"\n  {name} " not in done.stdout] == []


def test_nothing_to_do_is_told_the_commands() -> None:
    done = call()
    assert done.returncode == 2
    assert done.stdout == dev.usage() + "\n"


@pytest.mark.parametrize("arguments", [["pnog"], ["lint", "tickws"]])
def test_refuses_what_it_does_not_know(arguments: list[str]) -> None:
    done = call(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"'{arguments[0]}'" in done.stderr


def test_parses_on_an_old_python() -> None:
    ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 6))


def test_the_project_file_names_the_same_pythons() -> None:
    project = (SCRIPT.parent / "pyproject.toml").read_text(encoding="utf-8")
    versions = [f"3.{minor}" for minor in range(dev.OLDEST[1], dev.NEWEST[1] + 1)]
    assert f'requires-python = ">={versions[0]}"' in project
    assert [v for v in versions if f'"Programming Language :: Python :: {v}"' not in project] == []
    assert f"env_list = {json.dumps(['py' + v.replace('.', '') for v in versions])}" in project


def test_every_host_has_a_job() -> None:
    tox = tomllib.loads((SCRIPT.parent / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["tox"]
    files = (SCRIPT.parent / "tests" / "hosts").glob("test_*.py")
    jobs = {f"host-{path.stem.removeprefix('test_')}": f"tests/hosts/{path.name}" for path in files}
    assert sorted(tox["labels"]["hosts"]) == sorted(jobs)
    assert [job for job, file in jobs.items() if file not in tox["env"][job]["commands"][0]] == []
    assert dev.COMMANDS["hosts"].steps == [["-m", "tox", "run", "-m", "hosts"]]


# Running


def test_steps_run_in_order_and_arguments_go_to_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []

    def run(argv: list[str]) -> int:
        ran.append(argv)
        return 0

    monkeypatch.setattr(dev, "run", run)
    assert dev.run_steps("python", [["first"], ["last", "step"]], ["-x"]) == 0
    assert ran == [["python", "first"], ["python", "last", "step", "-x"]]


def test_the_first_step_that_fails_is_the_last() -> None:
    steps = [["-c", ""], ["-c", "raise SystemExit(7)"], ["-c", "raise SystemExit(8)"]]
    assert dev.run_steps(sys.executable, steps, []) == 7


CHILD = """
import sys
try:
    print("ready", flush=True)
    sys.stdin.read()
except KeyboardInterrupt:
    print("bye")
"""


def start_child() -> subprocess.Popen[str]:
    """A Python that runs CHILD by `dev.run`, in a process group of its own, as a terminal does it."""
    program = f"import sys, dev; sys.exit(dev.run([sys.executable, '-c', {CHILD!r}]))"
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=SCRIPT.parent,
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        text=True,
        start_new_session=True,
    )


@pytest.mark.skipif(os.name == "nt", reason="process groups are POSIX's")
def test_ctrl_c_ends_it_quietly_after_the_child() -> None:
    with start_child() as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        os.killpg(process.pid, signal.SIGINT)
        assert process.communicate() == ("bye\n", "")
    assert process.returncode == dev.INTERRUPTED


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
def test_a_termination_takes_the_child_along() -> None:
    with start_child() as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.terminate()
        process.communicate()
    assert process.returncode == 128 + signal.SIGTERM


# Which Python


def test_an_old_python_says_what_to_install(checkout: Checkout, capsys: pytest.CaptureFixture[str]) -> None:
    checkout.monkeypatch.setattr(sys, "version_info", (3, 8, 18, "final", 0))
    checkout.monkeypatch.setattr(dev, "candidates", list)
    assert dev.main(["test"]) == 1
    assert checkout.ran == []
    said = capsys.readouterr().err
    assert "this is Python 3.8; tickws needs 3.11 or newer" in said
    assert "python3.13 dev.py" in said


@pytest.mark.parametrize("version", [(3, 8), (3, 14)])
def test_an_untested_python_hands_over_to_a_tested_one(version: tuple[int, int], checkout: Checkout) -> None:
    checkout.monkeypatch.setattr(sys, "version_info", (*version, 0, "final", 0))
    checkout.monkeypatch.setattr(dev, "candidates", lambda: [["no-such-python"], [sys.executable]])
    assert dev.better_python() == [sys.executable]


def test_a_newer_python_goes_on_where_there_is_no_other(checkout: Checkout) -> None:
    checkout.monkeypatch.setattr(sys, "version_info", (3, 14, 0, "final", 0))
    checkout.monkeypatch.setattr(dev, "candidates", list)
    assert dev.better_python() is None


def test_steps_out_of_the_venv_that_it_may_have_to_make_anew(checkout: Checkout) -> None:
    checkout.monkeypatch.setattr(sys, "prefix", str(checkout.venv))
    checkout.monkeypatch.setattr(sys, "_base_executable", "the base")
    assert dev.better_python() == ["the base"]


def test_candidates_are_the_newest_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("python3.11", "python3.13", "python3"):
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PATHEXT", "")
    assert [Path(path).name for path, *_ in dev.candidates()] == ["python3.13", "python3.11", "python3"]


# .venv


def test_installs_once(checkout: Checkout) -> None:
    assert checkout.prepared("dev") == ["venv", "pip .[dev]"]
    assert checkout.prepared("dev") == []


def test_an_extra_holds_those_in_it(checkout: Checkout) -> None:
    assert checkout.prepared("pygame") == ["venv", "pip .[pygame]"]
    assert checkout.prepared("dev") == ["pip .[dev,pygame]"]
    assert checkout.prepared("pygame") == []
    assert checkout.prepared("fuzz") == ["pip .[dev,fuzz,pygame]"]
    assert checkout.prepared("dev") == []


def test_the_project_file_says_which_extra_holds_which() -> None:
    project = tomllib.loads((SCRIPT.parent / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    assert {command.extra for command in dev.COMMANDS.values()} == extras.keys()

    def held(name: str) -> set[str]:
        inner = {other for other in extras if f"tickws[{other}]" in extras[name]}
        return inner.union(*map(held, inner))

    assert {name: set(dev.HOLDS.get(name, ())) for name in extras} == {name: held(name) for name in extras}


def test_installs_again_what_the_project_file_changed(checkout: Checkout) -> None:
    checkout.prepared("dev")
    (checkout.root / "pyproject.toml").write_text("[project]")
    assert checkout.prepared("pygame") == ["pip .[dev,pygame]"]


def test_makes_anew_what_another_python_made(checkout: Checkout) -> None:
    checkout.prepared("dev")
    checkout.monkeypatch.setattr(sys, "version_info", (3, 12, 99, "final", 0))
    assert checkout.prepared("pygame") == ["venv", "pip .[pygame]"]


def test_makes_anew_what_was_moved(checkout: Checkout, tmp_path: Path) -> None:
    checkout.prepared("dev")
    checkout.root.rename(tmp_path / "elsewhere")
    checkout.move(tmp_path / "elsewhere")
    assert checkout.prepared("dev") == ["venv", "pip .[dev]"]


@pytest.mark.parametrize("stamp", ["", "{", "[]", "[1]", "null"])
def test_makes_anew_what_has_no_whole_stamp(checkout: Checkout, stamp: str) -> None:
    checkout.prepared("dev")
    Path(dev.STAMP).write_text(stamp)
    assert checkout.prepared("dev") == ["venv", "pip .[dev]"]


def test_makes_anew_what_lost_its_python(checkout: Checkout) -> None:
    Path(dev.prepare("dev")).unlink()
    assert checkout.prepared("dev") == ["venv", "pip .[dev]"]


@pytest.mark.parametrize(
    ("program", "code"), [("venv", 1), ("pip", 1), ("venv", dev.INTERRUPTED), ("pip", dev.INTERRUPTED)]
)
def test_makes_anew_what_was_left_half_made(checkout: Checkout, program: str, code: int) -> None:
    checkout.failing[program] = code
    with pytest.raises(KeyboardInterrupt if code == dev.INTERRUPTED else dev.Problem):
        dev.prepare("dev")
    checkout.failing.clear()
    assert checkout.prepared("dev") == ["venv", "pip .[dev]"]


def test_makes_anew_what_an_update_left_half_made(checkout: Checkout) -> None:
    checkout.prepared("pygame")
    checkout.failing["pip"] = 1
    with pytest.raises(dev.Problem, match="network"):
        dev.prepare("dev")
    checkout.failing.clear()
    assert checkout.prepared("dev") == ["venv", "pip .[dev]"]


def test_a_newer_python_gets_a_hint_where_pip_fails(checkout: Checkout) -> None:
    checkout.failing["pip"] = 1
    checkout.monkeypatch.setattr(sys, "version_info", (3, 14, 0, "final", 0))
    with pytest.raises(dev.Problem, match=r"3\.13 is the newest"):
        dev.prepare("dev")


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_says_what_to_install_where_venv_is_missing(checkout: Checkout, module: str) -> None:
    checkout.monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(dev.Problem, match="apt install python3-venv"):
        dev.prepare("dev")
    assert checkout.ran == []


def test_says_what_it_could_not_read_or_write(checkout: Checkout, capsys: pytest.CaptureFixture[str]) -> None:
    Path(dev.STAMP).mkdir(parents=True)
    assert dev.main(["test"]) == 1
    said = capsys.readouterr().err
    assert dev.STAMP in said
    assert "May this folder be written to" in said


def test_a_real_venv_is_mended_and_no_network_is_told(tmp_path: Path) -> None:
    """The one test that makes a .venv for good: with an index that is nowhere, pip is where it ends."""
    script = tmp_path / "dev.py"
    script.write_bytes(SCRIPT.read_bytes())
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "nothing"\nversion = "1"\n')
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(tmp_path / "gone")
    done = call("test", script=script, PIP_NO_INDEX="1", PIP_FIND_LINKS="", PIP_CONFIG_FILE=os.devnull)
    assert done.returncode == 1
    assert "pip could not install that" in done.stderr
    assert "Traceback" not in done.stderr
    mended = tmp_path / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    assert subprocess.call([mended, "-m", "pip", "--version"], stdout=subprocess.DEVNULL) == 0
    assert not (tmp_path / ".venv" / Path(dev.STAMP).name).exists()
