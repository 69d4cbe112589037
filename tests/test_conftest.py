"""The `require` fixture: what is missing skips a test, or fails it where TICKWS_REQUIRE names it."""

from collections.abc import Callable
from pathlib import Path

import pytest

Require = Callable[[str], str]


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine with an empty PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("TICKWS_REQUIRE", raising=False)
    return monkeypatch


def test_skips_where_missing(require: Require, bare: pytest.MonkeyPatch) -> None:
    with pytest.raises(pytest.skip.Exception, match="no chromium"):
        require("chromium")


def test_fails_where_missing_but_required(require: Require, bare: pytest.MonkeyPatch) -> None:
    bare.setenv("TICKWS_REQUIRE", "pygame, chromium")
    with pytest.raises(pytest.fail.Exception, match="no chromium"):
        require("chromium")


def test_finds(require: Require, bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    browser = tmp_path / "chromium"
    browser.touch(mode=0o755)
    bare.setenv("PATHEXT", "")
    assert require("chromium") == str(browser)


def test_refuses_a_misspelt_name(require: Require, bare: pytest.MonkeyPatch) -> None:
    bare.setenv("TICKWS_REQUIRE", "chrome")
    with pytest.raises(pytest.UsageError, match="chrome"):
        require("chromium")
