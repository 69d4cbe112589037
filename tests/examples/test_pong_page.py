"""The example's page, in Chromium."""

import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.program import SECONDS, Program

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the program is interrupted as POSIX does it")

CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
CHROMIUM += ["--disable-component-update", "--disable-sync"]
OpenPage = Callable[..., Any]


@pytest.fixture
def browser(require: Callable[[str], str]) -> Iterator[Any]:
    """Chromium."""
    path = require("chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as runner:
        browser = runner.chromium.launch(executable_path=path, args=CHROMIUM, timeout=1000 * SECONDS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[OpenPage]:
    """A function that opens the page in a window of its own; no page may load what is not ours, or raise."""
    strays: list[str] = []

    def give(program: Program, query: str = "", **context: Any) -> Any:
        page = browser.new_context(**context).new_page()
        page.set_default_timeout(1000 * SECONDS)
        page.on("pageerror", lambda error: strays.append(str(error)))
        page.on("request", lambda asked: strays.extend([] if asked.url.startswith(program.url) else [asked.url]))
        page.goto(program.url + query)
        page.wait_for_selector("[data-state=connected]")
        page.wait_for_function("window.pong.view?.ball")
        return page

    yield give
    assert not strays


def seen(page: Any, path: str) -> Any:
    """What the page shows of the game now, as `left.y`."""
    return page.evaluate(f"window.pong.view.{path}")


def see(page: Any, condition: str) -> None:
    """Wait until a condition on what the page shows holds."""
    page.wait_for_function(f"(({{ view }}) => view && {condition})(window.pong)")


def test_a_key_held_in_one_page_moves_that_paddle_in_the_other(
    open_page: OpenPage, start: Callable[..., Program]
) -> None:
    program = start()
    ada, grace = open_page(program, "?name=Ada"), open_page(program, "?name=Grace")
    see(ada, "view.right.name === 'Grace'")
    assert [ada.text_content("#who"), grace.text_content("#who")] == ["you are left", "you are right"]
    right = seen(ada, "right.y")

    ada.keyboard.down("ArrowUp")
    see(grace, "view.left.y < 1")
    assert seen(ada, "left.y") == pytest.approx(0.9)
    ada.keyboard.up("ArrowUp")
    grace.keyboard.down("s")
    see(ada, "view.right.y > 8")
    grace.keyboard.up("s")
    assert seen(ada, "right.y") > right
    assert seen(ada, "left.y") == pytest.approx(0.9)

    ball = seen(grace, "ball.x")
    see(grace, f"view.ball.x !== {ball}")
    for page in (ada, grace):  # neither moves any more
        see(page, "view.left.score + view.right.score > 0")
        page.wait_for_function(r"/^\d+ ms$/.test(document.getElementById('ping').textContent)")
    assert program.stop() == 0
    assert "Traceback" not in program.output


def test_a_third_page_watches_and_takes_the_paddle_of_a_closed_one(
    open_page: OpenPage, start: Callable[..., Program]
) -> None:
    program = start()
    ada, grace, linus = (open_page(program, f"?name={name}") for name in ("Ada", "Grace", "Linus"))
    assert linus.text_content("#who") == "you are watching"
    see(ada, "view.match.watching === 1")
    assert not linus.is_visible("#take")
    ada.close()
    see(grace, "view.left.player === null && view.left.name === 'computer'")
    linus.wait_for_selector("#take:visible")
    linus.keyboard.press("Space")
    see(grace, "view.left.name === 'Linus'")
    linus.wait_for_selector("#who:has-text('you are left')")
    linus.fill("#name", "Torvalds")
    linus.press("#name", "Enter")
    see(grace, "view.left.name === 'Torvalds'")


def test_the_page_comes_back_after_a_restart(open_page: OpenPage, start: Callable[..., Program]) -> None:
    program = start()
    page = open_page(program, "?name=Ada")
    assert program.stop() == 0
    page.wait_for_selector("[data-state=lost]")
    page.wait_for_selector("#trouble:has-text('Connection lost'):has-text('The server was stopped')")
    assert page.is_visible("#board")
    page.wait_for_selector("#trouble:has-text('Trying again in')")
    start(port=program.port)
    page.wait_for_selector("[data-state=connected]")
    page.wait_for_selector("#trouble", state="hidden")
    see(page, "view.left.name === 'Ada' && view.mine === 'left'")
    ball = seen(page, "ball.x")
    see(page, f"view.ball.x !== {ball}")
    page.keyboard.down("w")
    see(page, "view.left.y < 1")


def test_a_finger_leads_the_paddle_upright_and_on_its_side(open_page: OpenPage, start: Callable[..., Program]) -> None:
    program = start()
    watcher = open_page(program, "?role=spectator")
    phone = {"has_touch": True, "is_mobile": True, "device_scale_factor": 2}
    for width, height, across in ((390, 844, True), (844, 390, False)):
        page = open_page(program, viewport={"width": width, "height": height}, **phone)
        box = page.locator("#board").bounding_box()
        for share, y in ((0.8, 7.2), (0.15, 1.35)):
            x = box["x"] + box["width"] * (share if across else 0.5)
            at = {"clientX": x, "clientY": box["y"] + box["height"] * (0.7 if across else share), "pointerId": 1}
            page.evaluate("setPointerCapture = () => {}; Element.prototype.setPointerCapture = setPointerCapture")
            page.dispatch_event("#board", "pointerdown", at)
            see(watcher, f"Math.abs(view.left.y - {y}) < 0.2")
            page.dispatch_event("#board", "pointerup", at)
        page.context.close()
        see(watcher, "view.left.player === null")


def test_sound_is_off_until_a_key_and_can_be_muted(open_page: OpenPage, start: Callable[..., Program]) -> None:
    page = open_page(start())
    assert page.get_attribute("#mute", "aria-pressed") == "false"
    page.keyboard.press("m")
    assert page.get_attribute("#mute", "aria-pressed") == "true"
    page.reload()
    page.wait_for_selector("[data-state=connected]")
    assert page.get_attribute("#mute", "aria-pressed") == "true"
    page.click("#mute")
    assert page.get_attribute("#mute", "aria-pressed") == "false"
    see(page, "true")
    page.wait_for_function("window.pong.view.match.pause === 0")


@pytest.mark.parametrize("size", [(1280, 800), (390, 844), (844, 390), (320, 480)])
def test_the_page_fits(open_page: OpenPage, start: Callable[..., Program], size: tuple[int, int]) -> None:
    page = open_page(start(), "?name=WWWWWWWWWWWWWWWW", viewport={"width": size[0], "height": size[1]})
    root = "document.documentElement"
    assert page.evaluate(f"[{root}.scrollWidth <= innerWidth, {root}.scrollHeight <= innerHeight]") == [True, True]
    for part in ("#board", "#who", "#name", "#mute"):
        box = page.locator(part).bounding_box()
        assert min(box["x"], box["y"]) >= 0, part
        assert box["x"] + box["width"] <= size[0] + 0.5, part
        assert box["y"] + box["height"] <= size[1] + 0.5, part
    board = page.locator("#board").bounding_box()
    long, short = max(board["width"], board["height"]), min(board["width"], board["height"])
    assert long / short == pytest.approx(16 / 9, rel=0.02)
    assert (board["height"] > board["width"]) == (size[1] > size[0])
    assert long > 0.7 * max(size)
    gaps = page.evaluate(
        """() => { const parts = [...document.querySelectorAll("header > *")];
                   const boxes = parts.map((part) => part.getBoundingClientRect()).filter((box) => box.width);
                   return boxes.slice(1).map((box, i) => box.left - boxes[i].right); }"""
    )
    assert min(gaps) >= 0, gaps
    assert re.fullmatch(r"you are (left|orange)", page.text_content("#who"))
