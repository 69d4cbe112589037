"""What the tests share: the things that a machine may lack.

A test that needs one asks the `require` fixture for it, and is skipped on a machine that lacks it. `TICKWS_REQUIRE`
names, with commas, what a machine must have: there, the same test fails. CI sets it, so that nothing is skipped in
silence.
"""

import importlib.util
import os
import shutil
from collections.abc import Callable

import pytest

# No test opens a window or a sound device, wherever it runs.
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("SDL_AUDIODRIVER", "dummy")
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")


def find_chromium() -> str | None:
    """The path of a Chromium, or of a browser made from it."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
    return next(filter(None, map(shutil.which, names)), None)


def find_pygame() -> str | None:
    """The path of the installed package."""
    spec = importlib.util.find_spec("pygame")
    return spec.origin if spec else None


def find_node() -> str | None:
    """The path of Node.js."""
    return shutil.which("node") or shutil.which("nodejs")


FINDERS: dict[str, Callable[[], str | None]] = {
    "chromium": find_chromium,
    "node": find_node,
    "pygame": find_pygame,
}


def must_have() -> set[str]:
    """What `TICKWS_REQUIRE` names."""
    names = {name.strip() for name in os.environ.get("TICKWS_REQUIRE", "").split(",")} - {""}
    if unknown := names - FINDERS.keys():
        raise pytest.UsageError(f"TICKWS_REQUIRE names {sorted(unknown)}; known are {sorted(FINDERS)}")
    return names


def pytest_report_header() -> list[str]:
    """Lines at the top of a test run: what is there, what is missing, what must not be."""
    must = must_have()
    found = {name: find() for name, find in FINDERS.items()}
    return [f"{name}: {path or 'MISSING'}{' (required)' * (name in must)}" for name, path in found.items()]


@pytest.fixture(scope="session")
def require() -> Callable[[str], str]:
    """A function that gives the path of a thing by its name, and else skips the test, or fails it in CI."""

    def give(name: str) -> str:
        path = FINDERS[name]()
        if path is None and name in must_have():
            pytest.fail(f"this machine has no {name}, which TICKWS_REQUIRE names", pytrace=False)
        if path is None:
            pytest.skip(f"this machine has no {name}")
        return path

    return give
