"""Runs the project from a fresh clone: `python dev.py pong`, `python dev.py test`, and so on.

Needs the standard library only. Makes `.venv` beside itself, installs what the command needs into it (from
the network, once), and runs the command there; later calls start at once and touch no network.

The stamp in `.venv` says what was installed, from where, for which Python. It is written last and removed
first, so that a `.venv` without a stamp is half made, and is made anew.

This file must parse on Python 3.6, so that an old Python can say that it is too old.
"""

import hashlib
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
from typing import Any, Dict, List, NamedTuple, Optional

ROOT = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(ROOT, ".venv")
STAMP = os.path.join(VENV, "tickws-stamp.json")

OLDEST, NEWEST = (3, 11), (3, 13)
"""The Pythons that the tests run on."""

INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it: 128 + SIGINT."""

CLOSING_SECONDS = 10.0
"""How long a program may go on after Ctrl-C: more than the 5 s that a server takes at most to say Close."""


class Command(NamedTuple):
    """What one word after `dev.py` does; the arguments that follow it go to the last step."""

    help: str
    extra: str
    steps: List[List[str]]
    takes_arguments: bool = True


PYTEST = ["-m", "pytest"]
LINT = [["-m", "ruff", "check"], ["-m", "ruff", "format", "--check"]]
TYPES = ["-m", "mypy"]
TOX = ["-m", "tox", "run"]
REPORT = ["-m", "coverage", "report"]
COVER = [
    [*PYTEST, "--cov", "--cov-report="],
    [*REPORT, "--include=tickws/protocol/*", "--fail-under=100"],
    [*REPORT, "--include=tickws/transport/*", "--fail-under=95"],
    [*REPORT, "--include=tickws/bus.py,tickws/loop/*,tickws/sync/*,tickws/game/*,tickws/client/*", "--fail-under=97"],
]

COMMANDS: Dict[str, Command] = {
    "pong": Command("play: start the sample server", "pygame", [["-m", "examples.pong_server"]]),
    "test": Command("run the tests", "dev", [PYTEST]),
    "lint": Command("check style and format", "dev", LINT, takes_arguments=False),
    "types": Command("check the types", "dev", [TYPES]),
    "check": Command("lint, types and test", "dev", [*LINT, TYPES, PYTEST]),
    "cover": Command("run the tests, and check their coverage", "dev", COVER, takes_arguments=False),
    "conformance": Command("the Autobahn|Testsuite against both ends", "dev", [["-m", "tests.conformance"]]),
    "prove": Command("take each defence out, and see its test fail", "dev", [["tests/prove.py"]]),
    "fuzz": Command("fuzz: http, frames, messages, deflate, unpack, wire, server, tls", "fuzz", [["-m", "tests.fuzz"]]),
    "bench": Command("tickws beside its peers: flood, stall, hitch, storm, ...", "dev", [["-m", "benchmarks"]]),
    "match": Command("hold 60 Hz for 200 players and 50 spectators", "dev", [["-m", "benchmarks.match"]]),
    "hosts": Command("run the samples in pygame, pyglet, arcade, ...: a job for each", "dev", [[*TOX, "-m", "hosts"]]),
    "soak": Command("hold a full house of clients for a while", "dev", [["-m", "benchmarks.soak"]]),
}

HOLDS = {"dev": ["pygame"], "fuzz": ["dev", "pygame"]}
"""Extras that have others in them: who has the one needs nothing for the others."""


class Problem(Exception):
    """Something that the user can mend; the text says how."""


def main(arguments: List[str]) -> int:
    """Run one command line; returns the exit code."""
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(usage())
        return 0 if arguments else 2
    name, rest = arguments[0], arguments[1:]
    command = COMMANDS.get(name)
    if command is None:
        return complain(f"there is no command '{name}'\n\n{usage()}", 2)
    if rest and not command.takes_arguments:
        return complain(f"'{name}' takes no arguments", 2)
    try:
        other = better_python()
        if other:
            return run([*other, os.path.abspath(__file__), *arguments])
        return run_steps(prepare(command.extra), command.steps, rest)
    except Problem as problem:
        return complain(str(problem), 1)
    except OSError as error:
        return complain(f"{error}\nMay this folder be written to, and does nothing else run from its .venv?", 1)
    except KeyboardInterrupt:
        return INTERRUPTED


def usage() -> str:
    """The help text, from the table of commands."""
    rows = "\n".join(f"  {name:11} {command.help}" for name, command in COMMANDS.items())
    return (
        f"usage: python dev.py COMMAND [ARGUMENT ...]\n\n{rows}\n\n"
        "What a command needs is installed into .venv, beside this file, the first time."
    )


def complain(text: str, code: int) -> int:
    """Say what is wrong; returns the exit code."""
    print(f"dev.py: {text}", file=sys.stderr)
    return code


def run_steps(python: str, steps: List[List[str]], rest: List[str]) -> int:
    """Run the steps of a command, up to the first that fails; returns its exit code."""
    *first, last = steps
    for step in [*first, last + rest]:
        code = run([python, *step])
        if code:
            return code
    return 0


def run(argv: List[str]) -> int:
    """Run a program in the project's folder to its end; returns the exit code that a shell would tell."""
    sys.stdout.flush()
    child = subprocess.Popen(argv, cwd=ROOT)
    before = signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    try:
        code = child.wait()
    except KeyboardInterrupt:
        # The terminal sent the interrupt to the child as well: it may close its doors before it goes.
        try:
            child.wait(CLOSING_SECONDS)
        except (KeyboardInterrupt, subprocess.TimeoutExpired):
            child.terminate()
            child.wait()
        return INTERRUPTED
    finally:
        signal.signal(signal.SIGTERM, before)
    return code if code >= 0 else 128 - code


# Which Python


def better_python() -> Optional[List[str]]:
    """The command of a Python to run on instead of this one; None where this one will do."""
    if os.path.realpath(sys.prefix) == os.path.realpath(VENV):
        # Windows cannot make .venv anew while a program runs from it, so step out of it.
        return [str(getattr(sys, "_base_executable"))]  # noqa: B009 (typeshed does not know it)
    here = sys.version_info[:2]
    if OLDEST <= here <= NEWEST:
        return None
    this = "Python {}.{}".format(*here)
    found = next((command for command in candidates() if is_tested(command)), None)
    if found:
        print("dev.py: this is {}; going on with {}".format(this, " ".join(found)))
    elif here < OLDEST:
        oldest, newest = "{}.{}".format(*OLDEST), "{}.{}".format(*NEWEST)
        raise Problem(
            f"this is {this}; tickws needs {oldest} or newer, and there is none on the PATH.\n"
            f"Install Python {newest} (from https://www.python.org/downloads/ or with your system's package\n"
            f"manager), then run dev.py with it: python{newest} dev.py ..."
        )
    return found


def candidates() -> List[List[str]]:
    """Commands that may start a Python that the tests run on, the newest first."""
    versions = [f"3.{minor}" for minor in range(NEWEST[1], OLDEST[1] - 1, -1)]
    names = [*(f"python{version}" for version in versions), "python3", "python"]
    commands = [[path] for path in map(shutil.which, names) if path]
    launcher = shutil.which("py") if os.name == "nt" else None
    if launcher:
        commands += [[launcher, f"-{version}"] for version in versions]
    return commands


def is_tested(python: List[str]) -> bool:
    """Whether that command starts a Python that the tests run on (a pyenv shim may start none at all)."""
    test = f"import sys; sys.exit(not {OLDEST} <= sys.version_info[:2] <= {NEWEST})"
    silence = subprocess.DEVNULL
    try:
        return subprocess.call([*python, "-c", test], stdout=silence, stderr=silence) == 0
    except OSError:
        return False


# .venv


def prepare(extra: str) -> str:
    """Have `.venv` hold the project and what that extra needs; returns the path of its Python."""
    python = os.path.join(VENV, *(("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")))
    made_for = "Python {}.{}.{} of {} in {}".format(*sys.version_info[:3], sys.base_prefix, ROOT)
    with open(os.path.join(ROOT, "pyproject.toml"), "rb") as file:
        project = hashlib.sha256(file.read()).hexdigest()

    stamp = read_stamp()
    whole = stamp.get("made_for") == made_for and os.path.exists(python)
    extras = set(stamp.get("extras") or ()) if whole else set()
    held = extras.union(*(HOLDS.get(name, ()) for name in extras))
    if whole and stamp.get("project") == project and extra in held:
        return python

    if os.path.exists(STAMP):
        os.remove(STAMP)
    if not whole:
        make_venv()
    extras.add(extra)
    install(python, ".[{}]".format(",".join(sorted(extras))))
    with open(STAMP, "w") as out:
        json.dump({"made_for": made_for, "project": project, "extras": sorted(extras)}, out)
    return python


def read_stamp() -> Dict[str, Any]:
    """What the stamp says; nothing where there is none, or a torn one."""
    try:
        with open(STAMP) as file:
            return dict(json.load(file))
    except (OSError, ValueError, TypeError):
        return {}


def make_venv() -> None:
    """Make `.venv` new, whatever is there."""
    try:
        importlib.import_module("ensurepip")
        venv = importlib.import_module("venv")
    except ImportError:
        version = "{}.{}".format(*sys.version_info[:2])
        raise Problem(
            f"this Python ({sys.executable}) has no venv. Install it, then run this again:\n"
            f"    Debian, Ubuntu: sudo apt install python3-venv (or python{version}-venv)\n"
            "    elsewhere: a Python from https://www.python.org/downloads/ has it"
        ) from None
    print("dev.py: making .venv")
    try:
        venv.create(VENV, clear=True, symlinks=os.name != "nt", with_pip=True)
    except subprocess.CalledProcessError as error:
        said = (error.output or b"").decode(errors="replace")
        raise Problem(f"could not make .venv: {error}\n{said}") from None


def install(python: str, what: str) -> None:
    """Install the project, editable, with its extras."""
    print(f"dev.py: installing {what} into .venv (takes a minute, once)")
    options = ["--quiet", "--no-input", "--disable-pip-version-check"]
    code = run([python, "-m", "pip", "install", *options, "--editable", what])
    if code == INTERRUPTED:
        raise KeyboardInterrupt
    if code:
        advice = "Is there a network? (Behind a proxy: set HTTPS_PROXY.)"
        if sys.version_info[:2] > NEWEST:
            advice += " Python {}.{} is the newest that tickws is tested on.".format(*NEWEST)
        raise Problem(f"pip could not install that: see above.\n{advice}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
