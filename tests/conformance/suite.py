"""The Autobahn|Testsuite on this machine: where it lies, and how a part of it is started.

The suite is Python 2.7 only, so it lies in a folder of its own, with an interpreter: `$TICKWS_AUTOBAHN`, or
`~/.cache/tickws-autobahn`. `set_up.py` makes that folder; nothing in it knows where it lies, so it may be moved.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

__all__ = ["MADE_OF", "PACKAGES", "SDISTS", "WHEELS", "Suite", "find", "home_folder"]

PACKAGES = ("pypy", "pypy-lib", "libffi7", "libssl1.1")
"""Of Debian 11, the last release with a PyPy of Python 2.7: it runs the suite four times as fast as CPython did."""
WHEELS = (
    "setuptools==44.0.0",
    "wheel==0.36.2",
    "Twisted==20.3.0",
    "zope.interface==4.6.0",
    "Automat==0.8.0",
    "PyHamcrest==1.9.0",
    "argparse==1.4.0",
    "attrs==20.3.0",
    "constantly==15.1.0",
    "hyperlink==19.0.0",
    "idna==2.10",
    "incremental==17.5.0",
    "jinja2==2.11.3",
    "linecache2==1.0.0",
    "markupsafe==1.1.1",
    "six==1.16.0",
    "traceback2==1.4.0",
    "unittest2==1.1.0",
)
"""What the suite imports, TLS left out: the newest that run on Python 2.7."""
SDISTS = ("txaio==2.1.0", "autobahn==0.10.9", "autobahntestsuite==25.10.1")
"""The suite, with the autobahn that it pins."""

MADE_OF = hashlib.sha256("\n".join((*PACKAGES, *WHEELS, *SDISTS)).encode()).hexdigest()
"""A folder that was made of something else is made anew."""

BOOT = Path(__file__).with_name("boot.py")


@dataclass(frozen=True)
class Suite:
    """The suite in a folder, ready to run.

    Args:
        home: the folder: `root` has the interpreter, `site` the packages, `made.json` says that all of it is there.
        cases: the ids of its cases, in its order.
    """

    home: Path
    cases: tuple[str, ...] = ()

    @property
    def interpreter(self) -> Path:
        """PyPy for Python 2.7."""
        return self.home / "root" / "usr" / "lib" / "pypy" / "bin" / "pypy-c"

    @property
    def site(self) -> Path:
        """Where the packages are."""
        return self.home / "site"

    @property
    def made(self) -> Path:
        """Written last when the folder is made."""
        return self.home / "made.json"

    def environment(self) -> dict[str, str]:
        """This process's environment, with what the interpreter needs to find its libraries and the packages."""
        libraries = [self.interpreter.parent, *self.home.glob("root/usr/lib/*-linux-gnu")]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        environment["LD_LIBRARY_PATH"] = os.pathsep.join(map(str, libraries))
        environment["PYTHONPATH"] = str(self.site)
        environment["PYTHONNOUSERSITE"] = "1"
        return environment

    def boot(self, arguments: Sequence[str], log: IO[str], lines: int) -> subprocess.Popen[bytes]:
        """Start the suite.

        Args:
            arguments: boot.py's.
            log: takes all that it prints.
            lines: the descriptor of a pipe for boot.py's lines of JSON; it is inherited under its number.
        """
        return subprocess.Popen(
            [self.interpreter, BOOT, *arguments, str(lines)],
            env=self.environment(),
            cwd=Path(log.name).parent,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=[lines],
        )

    def list_cases(self) -> list[str]:
        """The ids of all cases, asked from the suite itself."""
        listed = subprocess.run(
            [self.interpreter, BOOT, "--list"], env=self.environment(), capture_output=True, text=True, check=True
        )
        return listed.stdout.split()


def home_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the suite lies, or will."""
    given = environment.get("TICKWS_AUTOBAHN")
    return Path(given).absolute() if given else Path.home() / ".cache" / "tickws-autobahn"


def find(home: Path) -> Suite | None:
    """The suite that lies there; None where none does, or one made of something else."""
    try:
        made = json.loads(Suite(home).made.read_text(encoding="utf-8"))
        return Suite(home, tuple(made["cases"])) if made["made_of"] == MADE_OF else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
