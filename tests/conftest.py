"""What the tests share: the things that a machine may lack.

A test that needs one asks the `require` fixture for it, and is skipped on a machine that lacks it. `TICKWS_REQUIRE`
names, with commas, what a machine must have: there, the same test fails. CI sets it, so that nothing is skipped in
silence.
"""

import ctypes.util
import importlib.util
import os
import shutil
import sys
from collections.abc import Callable

import pytest

# No test opens a window or a sound device, wherever it runs.
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("SDL_AUDIODRIVER", "dummy")
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
os.environ.setdefault("PYGLET_HEADLESS", "true")
os.environ.setdefault("ARCADE_HEADLESS", "True")


def find_chromium() -> str | None:
    """The path of a Chromium, or of a browser made from it."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
    return next(filter(None, map(shutil.which, names)), None)


def package(name: str) -> Callable[[], str | None]:
    """What gives the path of an installed package."""

    def find() -> str | None:
        spec = importlib.util.find_spec(name)
        return spec.origin if spec else None

    return find


def find_jupyter() -> str | None:
    """The path of the kernel, where what runs notebooks is there as well."""
    return package("nbclient")() and package("ipykernel")()


def find_egl() -> str | None:
    """The name of the library that draws by OpenGL without a display, as pyglet and arcade do in these tests."""
    return ctypes.util.find_library("EGL") if sys.platform == "linux" else None


def find_freetype() -> str | None:
    """The name of the library that arcade wants for fonts on Linux, even where nothing is written."""
    return ctypes.util.find_library("freetype") if sys.platform == "linux" else None


def find_node() -> str | None:
    """The path of Node.js."""
    return shutil.which("node") or shutil.which("nodejs")


FINDERS: dict[str, Callable[[], str | None]] = {
    "chromium": find_chromium,
    "node": find_node,
    "egl": find_egl,
    "freetype": find_freetype,
    "nginx": lambda: shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin"),
    "caddy": lambda: shutil.which("caddy"),
    "arcade": package("arcade"),
    "esper": package("esper"),
    "jupyter": find_jupyter,
    "panda3d": package("panda3d"),
    "pygame": package("pygame"),
    "pyglet": package("pyglet"),
}

HINTS = {
    "egl": "on Debian: apt install libegl1 libgl1 libgl1-mesa-dri",
    "freetype": "on Debian: apt install libfreetype6",
    "nginx": "on Debian: apt install nginx-core",
    "caddy": "on Debian: apt install caddy",
    "arcade": "python dev.py hosts has it",
    "esper": "python dev.py hosts has it",
    "jupyter": "nbclient and ipykernel; python dev.py hosts has them",
    "panda3d": "python dev.py hosts has it",
    "pyglet": "python dev.py hosts has it",
}
"""How a machine gets what most of them lack."""


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
        hint = f" ({HINTS[name]})" if name in HINTS else ""
        if path is None and name in must_have():
            pytest.fail(f"this machine has no {name}, which TICKWS_REQUIRE names{hint}", pytrace=False)
        if path is None:
            pytest.skip(f"this machine has no {name}{hint}")
        return path

    return give
