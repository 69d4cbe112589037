"""The set-up's own logic: where the old release is had from, what counts as made, what a machine lacks."""

import json
import platform
import shutil
from pathlib import Path

import pytest

from tests.conformance import __main__ as program
from tests.conformance import set_up
from tests.conformance.set_up import CannotSetUp, old_sources, usable_sources
from tests.conformance.suite import MADE_OF, Suite, find, home_folder

STANZAS = """\
# Debian's own
Types: deb deb-src
URIs: http://archive.example/debian
Suites: trixie trixie-updates trixie-backports
Components: main contrib
Signed-By: /usr/share/keyrings/debian.gpg

Types: deb
URIs: http://archive.example/security
Suites: trixie-security
Components: main
Signed-By:
 -----BEGIN PGP
 .
 END

Types: deb
URIs: http://vendor.example
Suites: stable
Components: main

Types: deb-src
URIs: http://archive.example/sources
Suites: trixie
Components: main
"""
OLD_STANZAS = """\
Types: deb
URIs: http://archive.example/debian
Suites: bullseye bullseye-updates
Components: main
Signed-By: /usr/share/keyrings/debian.gpg

Types: deb
URIs: http://archive.example/security
Suites: bullseye-security
Components: main
Signed-By: 
 -----BEGIN PGP
 .
 END"""  # noqa: W291 (as it stands in the file)
LINES = """\
deb [arch=amd64 signed-by=/etc/keys/debian.gpg] http://archive.example/debian trixie main contrib
deb-src http://archive.example/debian trixie main
deb http://vendor.example/tools trixie stable
# deb http://archive.example/debian trixie-updates main
"""
OLD_LINES = """\
Types: deb
URIs: http://archive.example/debian
Suites: bullseye
Components: main
Signed-By: /etc/keys/debian.gpg"""


@pytest.mark.parametrize(
    ("text", "old"), [(STANZAS, OLD_STANZAS), (LINES, OLD_LINES), ("", ""), ("deb http://vendor.example/ x/y main", "")]
)
def test_the_old_release_comes_from_where_the_new_one_does(text: str, old: str) -> None:
    assert old_sources(text, "trixie").replace("By: \n", "By:\n") == old.replace("By: \n", "By:\n")


@pytest.fixture
def debian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine that has all that is needed."""
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d" / "debian.sources").write_text(STANZAS)
    (tmp_path / "os-release").write_text('PRETTY_NAME="Debian"\nID=debian\nVERSION_CODENAME="trixie"\n')
    monkeypatch.setattr(set_up, "SOURCES", tmp_path)
    monkeypatch.setattr(set_up, "RELEASE", tmp_path / "os-release")
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    return tmp_path


def test_a_debian_will_do(debian: Path) -> None:
    assert "bullseye-security" in usable_sources()
    (debian / "sources.list").write_text(LINES)
    assert usable_sources().count("Types: deb\n") == 3


def test_says_that_there_is_no_apt(debian: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(CannotSetUp, match="no apt-get"):
        usable_sources()


def test_says_that_this_is_another_machine(debian: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    with pytest.raises(CannotSetUp, match="aarch64"):
        usable_sources()


def test_says_that_this_is_another_system(debian: Path) -> None:
    (debian / "os-release").write_text('ID=other\nPRETTY_NAME="Other 3"\n')
    with pytest.raises(CannotSetUp, match="Other 3"):
        usable_sources()


def test_says_that_no_source_is_known(debian: Path) -> None:
    (debian / "sources.list.d" / "debian.sources").write_text("")
    with pytest.raises(CannotSetUp, match="trixie"):
        usable_sources()


def test_the_folder_can_be_chosen() -> None:
    assert home_folder({"TICKWS_AUTOBAHN": "/some/where"}) == Path("/some/where").absolute()
    assert home_folder({}).name == "tickws-autobahn"


def test_finds_only_what_is_whole_and_made_of_the_same(tmp_path: Path) -> None:
    made = Suite(tmp_path).made
    assert find(tmp_path) is None
    for text in ("", "{", "[]", "{}", json.dumps({"made_of": "other", "cases": []}), json.dumps({"made_of": MADE_OF})):
        made.write_text(text)
        assert find(tmp_path) is None
    made.write_text(json.dumps({"made_of": MADE_OF, "cases": ["1.1.1"]}))
    assert find(tmp_path) == Suite(tmp_path, ("1.1.1",))


def test_what_fails_leaves_nothing(debian: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unpack(suite: Suite, sources: str) -> None:
        suite.home.mkdir()
        (suite.home / "half").touch()
        raise CannotSetUp("the network went")

    home = tmp_path / "cache" / "suite"
    monkeypatch.setenv("TICKWS_AUTOBAHN", str(home))
    monkeypatch.setattr(set_up, "unpack_interpreter", unpack)
    with pytest.raises(CannotSetUp, match="the network went"):
        set_up.prepare()
    assert list(home.parent.iterdir()) == []


def test_what_fails_says_what_it_was() -> None:
    with pytest.raises(CannotSetUp, match=r"(?s)no such luck.*This failed: sh -c"):
        set_up.run(["sh", "-c", "echo no such luck; exit 3"])


def test_the_program_ends_with_2_where_it_cannot_be(
    debian: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TICKWS_AUTOBAHN", str(tmp_path / "nowhere"))
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert program.main(["--quick"]) == 2
    assert "CANNOT RUN: there is no apt-get" in capsys.readouterr().err
