"""The example's page, in Chromium."""

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.examples.program import SECONDS, Program

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the program is interrupted as POSIX does it")

CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
CHROMIUM += ["--disable-component-update", "--disable-sync"]


@pytest.fixture
def browser(require: Callable[[str], str]) -> Iterator[Any]:
    """Chromium."""
    path = require("chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as runner:
        browser = runner.chromium.launch(executable_path=path, args=CHROMIUM, timeout=1000 * SECONDS)
        yield browser
        browser.close()


def open_page(context: Any, program: Program) -> Any:
    """A tab that has joined the chat; it fails where the page loads anything that is not ours, or raises."""
    page = context.new_page()
    page.set_default_timeout(1000 * SECONDS)
    page.on("request", lambda request: strays.append(request.url) if not request.url.startswith(program.url) else None)
    page.on("pageerror", lambda error: strays.append(str(error)))
    strays: list[str] = []
    page.strays = strays
    page.goto(program.url)
    page.wait_for_selector("[data-state=connected]")
    return page


def test_two_tabs_chat_and_come_back_after_a_restart(browser: Any, start: Callable[..., Program]) -> None:
    program = start()
    context = browser.new_context()
    pages = [open_page(context, program) for _ in range(2)]
    one, two = pages
    one.wait_for_function("document.querySelectorAll('#people li').length === 2")
    name = one.text_content("#people bdi")

    one.fill("#text", "hello from <one>")
    one.press("#text", "Enter")
    for page in pages:
        page.wait_for_selector(".line:has-text('hello from <one>')")
        assert page.text_content(".line .name") == name
    two.fill("#text", "hello from two")
    two.click("#send")
    one.wait_for_selector(".line:has-text('hello from two')")

    one.bring_to_front()
    one.evaluate("before = document.getElementById('box').toDataURL()")
    one.wait_for_function("document.getElementById('box').toDataURL() !== before")
    one.wait_for_function("Number(document.getElementById('tick').textContent.replace(',', '')) > 60")
    one.wait_for_function(r"/^ping \d+ ms$/.test(document.getElementById('ping').textContent)")
    one.wait_for_function("Number(document.getElementById('rate').textContent) > 0")

    program.process.send_signal(signal.SIGSTOP)
    one.wait_for_selector("[data-state=silent]:has-text('no answer')")
    program.process.send_signal(signal.SIGCONT)
    one.wait_for_selector("[data-state=connected]:has-text('live')")

    assert program.stop() == 0
    for page in pages:
        page.wait_for_selector("#banner:has-text('Connection lost (server stopped), reconnecting')")
        assert page.is_disabled("#send")
    again = start(program.port)
    for page in pages:
        page.wait_for_selector("[data-state=connected]")
        page.wait_for_selector("#banner", state="hidden")
        page.wait_for_selector(".note:has-text('The server has started anew')")
    one.wait_for_selector(f"#people button:has-text('{name}')")  # as before
    two.fill("#text", "here again")
    two.press("#text", "Enter")
    one.wait_for_selector(".line:has-text('here again')")
    assert not one.strays
    assert not two.strays
    context.close()
    assert again.stop() == 0
    assert "Traceback" not in program.output + again.output


def test_a_name_is_changed_and_survives_a_reload(browser: Any, start: Callable[..., Program]) -> None:
    page = open_page(browser.new_context(), start())
    page.click("#people button")
    page.press("#name", "Escape")
    page.click("#people button")
    page.fill("#name", "Ada")
    page.press("#name", "Enter")
    page.wait_for_selector(".note:has-text('is now Ada.')")
    assert page.locator(".note:has-text('is now')").count() == 1
    page.fill("#text", "it is me")
    page.press("#text", "Enter")
    page.wait_for_selector(".line:has-text('it is me')")
    page.reload()
    page.wait_for_selector(".line:has-text('it is me') .you")  # read from the history
    assert page.text_content("#people bdi") == "Ada"
    assert not page.strays


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1280, 800), (390, 844), (844, 390), (320, 480)])
def test_the_page_fits(browser: Any, start: Callable[..., Program], size: tuple[int, int], scheme: str) -> None:
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    page = open_page(context, start())
    page.fill("#text", "word" * 100)
    page.press("#text", "Enter")
    page.wait_for_selector(".line")
    root = "document.documentElement"
    assert page.evaluate(f"[{root}.scrollWidth <= innerWidth, {root}.scrollHeight <= innerHeight]") == [True, True]
    box = page.locator("#send").bounding_box()
    assert box["x"] + box["width"] <= size[0]
    assert box["y"] + box["height"] <= size[1]
    assert page.locator("#log").bounding_box()["height"] > 80
