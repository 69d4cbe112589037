"""The stage, and Chromium with tabs on it."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import tickws
from tests.interop.helpers import HOST, SECONDS, Stage

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
HERE = Path(__file__).parent
FILES = {"/": HERE / "page.html", "/chat.js": HERE / "chat.js"}


class Chromium:
    """The browser. Playwright's calls block, and all come from one thread: its own."""

    def __init__(self, path: str) -> None:
        from playwright.sync_api import sync_playwright

        self._path = path
        self.thread = ThreadPoolExecutor(1, "chromium")
        self._playwright = self.thread.submit(sync_playwright().start).result()
        self.browser = self.thread.submit(
            self._playwright.chromium.launch, executable_path=path, headless=True, args=ARGUMENTS
        ).result()

    def launch_profile(self, folder: Path) -> Any:
        """One more browser, with what is in that folder as its user's profile; call it on the thread."""
        return self._playwright.chromium.launch_persistent_context(
            folder, executable_path=self._path, headless=True, args=ARGUMENTS
        )

    def close(self) -> None:
        """End the browser."""
        self.thread.submit(self.browser.close).result()
        self.thread.submit(self._playwright.stop).result()
        self.thread.shutdown()


class Tab:
    """A page in a tab; the stage is turned while anything is asked of it."""

    def __init__(self, stage: Stage, thread: ThreadPoolExecutor, page: Any) -> None:
        self._stage = stage
        self._thread = thread
        self._page = page

    def do(self, method: str, *arguments: Any) -> Any:
        """Call a method of Playwright's `Page`."""
        return self._stage.finish(self._thread.submit(getattr(self._page, method), *arguments))

    def run(self, script: str, argument: Any = None) -> Any:
        """Evaluate a script in the page; waits for a promise."""
        return self.do("evaluate", script, argument)

    def connect(self, path: str = "/", protocols: list[str] | None = None, host: str | None = None) -> None:
        """Open the page's WebSocket, or see that fail."""
        script = "([path, protocols, host]) => { seen.length = 0; connect(path, protocols, host ?? location.host) }"
        self.run(script, [path, protocols or [], host])
        self.until("seen.length")

    def until(self, condition: str) -> None:
        """Wait until a script's value is true."""
        self.do("wait_for_function", f"() => Boolean({condition})")

    @property
    def seen(self) -> list[dict[str, Any]]:
        """What the page's WebSocket has told it."""
        return list(self.run("seen"))


OpenTab = Callable[..., Tab]


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A new stage, swept afterwards."""
    stage = Stage()
    yield stage
    stage.close()


@pytest.fixture(scope="session")
def chromium(require: Callable[[str], str]) -> Iterator[Chromium]:
    """Chromium, started once; whoever requires it requires Playwright, which steers it."""
    path = require("chromium")
    try:
        import playwright  # noqa: F401
    except ImportError:
        if "chromium" in os.environ.get("TICKWS_REQUIRE", ""):
            raise
        pytest.skip("this Python has no playwright, which steers Chromium")
    chromium = Chromium(path)
    yield chromium
    chromium.close()


@pytest.fixture
def open_tab(stage: Stage, chromium: Chromium) -> Iterator[OpenTab]:
    """A function that opens the page of a server in a new tab; a certificate of the tests' own will do."""
    thread = chromium.thread
    context = thread.submit(lambda: chromium.browser.new_context(ignore_https_errors=True)).result()
    context.set_default_timeout(SECONDS * 1000)

    def give(server: tickws.WebSocketServer, scheme: str = "http") -> Tab:
        tab = Tab(stage, thread, thread.submit(context.new_page).result())
        tab.do("goto", f"{scheme}://{HOST}:{server.port}/")
        tab.until("window.connect")
        return tab

    yield give
    thread.submit(context.close).result()
