"""Makes the folder that `suite.py` describes, once: from Debian's archive and the package index that pip uses here.

Nothing is installed: four packages of Debian 11 are downloaded by the machine's own apt, from where it gets its other
packages, and unpacked; PyPy then runs a pip of its time. It takes half a minute. The folder is made beside its place
and moved there whole, so that one half made is never taken for the suite.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.conformance.suite import MADE_OF, PACKAGES, SDISTS, WHEELS, Suite, find, home_folder

__all__ = ["CannotSetUp", "old_sources", "prepare"]

OLD = "bullseye"
"""Debian 11."""
PIP = "pip==20.3.4"
"""The last that runs on Python 2.7."""
ALL_CASES = 517
LAST_LINES = 30
SOURCES = Path("/etc/apt")
RELEASE = Path("/etc/os-release")


class CannotSetUp(Exception):
    """What this machine lacks; the text says it."""


def prepare() -> Suite:
    """The suite, made first where it is not there.

    Raises:
        CannotSetUp: it cannot be made here.
    """
    home = home_folder()
    suite = find(home)
    if suite is not None:
        return suite
    sources = usable_sources()
    print(f"conformance: setting up the Autobahn|Testsuite in {home} (takes a minute, once)", flush=True)
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f"{home.name}.", dir=home.parent) as beside:
            made = Suite(Path(beside) / "made")
            unpack_interpreter(made, sources)
            install_packages(made)
            write_down(made)
            if home.exists():
                shutil.rmtree(home)
            made.home.rename(home)
    except OSError as error:
        raise CannotSetUp(f"{error}\nMay {home} be written? TICKWS_AUTOBAHN names another folder.") from error
    suite = find(home)
    assert suite is not None
    return suite


def usable_sources() -> str:
    """Where this machine's apt may get packages of the old release from.

    Raises:
        CannotSetUp: it has no apt, is no Debian on amd64, or has no entry that says where Debian's archive is.
    """
    for program in ("apt-get", "dpkg-deb"):
        if shutil.which(program) is None:
            raise CannotSetUp(f"there is no {program}: the suite's interpreter comes from Debian's archive")
    if platform.machine() != "x86_64":
        raise CannotSetUp(f"this is a machine of {platform.machine()}: the suite's packages are made for x86_64")
    system = dict(re.findall(r'^(\w+)="?(.*?)"?$', RELEASE.read_text(encoding="utf-8"), re.MULTILINE))
    if system.get("ID") != "debian":
        raise CannotSetUp(
            f"this is {system.get('PRETTY_NAME', 'no Debian')}: only Debian's archive has the interpreter"
        )
    files = [SOURCES / "sources.list", *sorted(SOURCES.glob("sources.list.d/*"))]
    files = [file for file in files if file.is_file() and file.suffix in (".list", ".sources")]
    found = [old_sources(file.read_text(encoding="utf-8"), system["VERSION_CODENAME"]) for file in files]
    if not any(found):
        raise CannotSetUp(f"no file under {SOURCES} says where apt gets Debian {system['VERSION_CODENAME']} from")
    return "\n\n".join(filter(None, found)) + "\n"


def old_sources(text: str, release: str) -> str:
    """The entries of an apt source file that are Debian's own, in either format, as stanzas for the old release.

    Args:
        text: of the file.
        release: the code name that they are for.
    """
    stanzas = []
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for stanza in re.split(r"\n\s*\n", "\n".join(lines)):
        fields = dict(re.findall(r"^([\w-]+):[ \t]*(.*(?:\n[ \t].*)*)", stanza, re.MULTILINE))
        if fields and "deb" in fields.get("Types", "").split():
            stanzas.append(fields)
    for options, where, rest in re.findall(r"^deb[ \t]+(?:\[(.*?)\][ \t]+)?(\S+)[ \t]+(.+)$", "\n".join(lines), re.M):
        suite, *components = rest.split()
        fields = {"URIs": where, "Suites": suite, "Components": " ".join(components)}
        if signed := re.search(r"signed-by=(\S+)", options):
            fields["Signed-By"] = signed[1]
        stanzas.append(fields)
    return "\n\n".join(filter(None, (old_stanza(fields, release) for fields in stanzas)))


def old_stanza(fields: Mapping[str, str], release: str) -> str:
    """One entry for the old release, or nothing: another vendor's, or one without Debian's main."""
    ours = {f"{release}{part}": f"{OLD}{part}" for part in ("", "-updates", "-security")}
    suites = [ours[suite] for suite in fields.get("Suites", "").split() if suite in ours]
    if not suites or "main" not in fields.get("Components", "").split():
        return ""
    kept = {"Types": "deb", "URIs": fields["URIs"], "Suites": " ".join(suites), "Components": "main"}
    if "Signed-By" in fields:
        kept["Signed-By"] = fields["Signed-By"]
    return "\n".join(f"{name}: {value}" for name, value in kept.items())


def unpack_interpreter(suite: Suite, sources: str) -> None:
    """Download the packages with an apt whose lists and caches are its own, and unpack them."""
    apt = suite.home / "apt"
    folders = {name: apt / name for name in ("sources", "preferences", "lists", "cache", "debs")}
    for folder in folders.values():
        (folder / "archives" / "partial").mkdir(parents=True)
    (folders["sources"] / "old.sources").write_text(sources, encoding="utf-8")
    options = {
        "Dir::Etc::sourcelist": os.devnull,
        "Dir::Etc::sourceparts": folders["sources"],
        "Dir::Etc::preferencesparts": folders["preferences"],
        "Dir::State::lists": folders["lists"],
        "Dir::Cache": folders["cache"],
        "APT::Sandbox::User": "root",  # what apt would become cannot write here
    }
    command = ["apt-get", *(argument for name, value in options.items() for argument in ("-o", f"{name}={value}"))]
    run([*command, "update"], cwd=apt)
    run([*command, "download", *PACKAGES], cwd=folders["debs"])
    for package in sorted(folders["debs"].glob("*.deb")):
        run(["dpkg-deb", "-x", str(package), str(suite.home / "root")], cwd=apt)
    shutil.rmtree(apt)


def install_packages(suite: Suite) -> None:
    """Let PyPy install the suite and what it imports."""
    wheels = suite.home / "wheels"
    run([sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "-d", str(wheels), PIP])
    pip = [str(suite.interpreter), str(next(wheels.glob("pip-*.whl")) / "pip"), "--no-python-version-warning"]
    install = [*pip, "install", "--no-deps", "--no-compile", "--no-warn-script-location", "--target", str(suite.site)]
    # Wheels for CPython: what of them is compiled, PyPy ignores, and there is a Python of it.
    for_cpython = ["--platform", "manylinux1_x86_64", "--implementation", "cp", "--abi", "cp27mu"]
    run([*install, "--only-binary=:all:", *for_cpython, *WHEELS], suite.environment())
    (suite.site / "zope" / "__init__.py").touch()  # namespace packages by .pth do not work from such a folder
    run([*install, "--no-build-isolation", *SDISTS], suite.environment())
    shutil.rmtree(wheels)


def write_down(suite: Suite) -> None:
    """Ask the suite for its cases, which shows that it starts, and write that it is made."""
    cases = suite.list_cases()
    if len(cases) != ALL_CASES:
        raise CannotSetUp(f"the suite has {len(cases)} cases instead of {ALL_CASES}")
    suite.made.write_text(json.dumps({"made_of": MADE_OF, "cases": cases}), encoding="utf-8")


def run(command: Sequence[str], environment: Mapping[str, str] | None = None, cwd: Path | None = None) -> None:
    """Run a step quietly.

    Raises:
        CannotSetUp: it failed; with the end of what it said.
    """
    finished = subprocess.run(
        command, env=environment, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if finished.returncode:
        said = "\n".join(finished.stdout.splitlines()[-LAST_LINES:])
        raise CannotSetUp(f"{said}\nThis failed: {' '.join(command)}\nIs there a network?")
