"""The documentation is true: its code runs, its samples are the files, its samples do what they say."""

from __future__ import annotations

import ast
import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import tickws
from tests import certificates

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "docs" / "samples"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(
    r"(?:<!-- (?P<kind>sample|part of): (?P<sample>\S+) -->\n)?```(?P<language>python|js)\n(?P<code>.*?)```\n",
    re.DOTALL,
)


def samples_shown(kind: str) -> list[tuple[str, str, str]]:
    """(page, sample, code) for every sample that a page shows whole ("sample"), or in part ("part of")."""
    found = [(page, match) for page in PAGES for match in BLOCK.finditer(page.read_text(encoding="utf-8"))]
    return [(page.name, match["sample"], match["code"]) for page, match in found if match["kind"] == kind]


def code_blocks() -> list[Any]:
    """Every other piece of code: of the pages, and of the package's manuals."""
    blocks = []
    for page in PAGES:
        matches = [match for match in BLOCK.finditer(page.read_text(encoding="utf-8")) if not match["sample"]]
        matches = [match for match in matches if match["language"] == "python"]
        blocks += [pytest.param(match["code"], id=f"{page.name}-{n}") for n, match in enumerate(matches)]
    for path in (ROOT / "tickws" / "__init__.py", ROOT / "tickws" / "testing" / "__init__.py"):
        manual = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        pieces = re.findall(r"(?:^(?:    .*)?\n)+", manual + "\n", re.MULTILINE)
        code = [textwrap.dedent(piece) for piece in pieces if piece.strip()]
        blocks += [pytest.param(piece, id=f"{path.parent.name}-{n}") for n, piece in enumerate(code)]
    return blocks


@pytest.mark.parametrize("code", code_blocks())
def test_code_in_the_documentation_runs(code: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Server(tickws.WebSocketServer):
        """As the real one, but at a free port, and closed after a few slices."""

        slices = 0

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **{**options, "port": options.get("port", 0) and 0})

        def work(self, budget: float | None, *, wait: float | None = None) -> bool:
            self.slices += 1
            if self.slices > 3:
                self.close()
            return super().work(budget, wait=wait)

    class Game(tickws.GameServer[Any]):
        """As the real one, but at a free port."""

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **{**options, "port": 0})

    class Loop(tickws.TickLoop):
        """As the real one, but over after a few frames."""

        def run(self) -> None:
            with self:
                for _ in range(4):
                    self.frame()
                    self.clock.sleep(self.dt)

    certificates.written(tmp_path)  # cert.pem, key.pem, ca.pem: for those who load them
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tickws, "WebSocketServer", Server)
    monkeypatch.setattr(tickws, "GameServer", Game)
    monkeypatch.setattr(tickws, "TickLoop", Loop)
    exec(compile(code, "documentation", "exec", dont_inherit=True), {"tickws": tickws, "__name__": "documentation"})


@pytest.mark.parametrize(("page", "sample", "code"), samples_shown("sample"))
def test_a_sample_stands_in_its_page_as_it_is(page: str, sample: str, code: str) -> None:
    assert code == (SAMPLES / sample).read_text(encoding="utf-8"), f"copy docs/samples/{sample} into docs/{page}"


@pytest.mark.parametrize(("page", "sample", "code"), samples_shown("part of"))
def test_a_part_of_a_sample_stands_in_its_page_as_it_is(page: str, sample: str, code: str) -> None:
    whole = (SAMPLES / sample).read_text(encoding="utf-8")
    indented = [textwrap.indent(code, " " * depth) for depth in (0, 2, 4)]
    assert any(part in whole for part in indented), f"docs/{page} shows what is not in docs/samples/{sample}"


def test_every_sample_is_shown() -> None:
    samples = {
        str(path.relative_to(SAMPLES).as_posix()) for path in SAMPLES.rglob("*") if path.suffix in (".py", ".html")
    }
    pages = {page.name: page.read_text(encoding="utf-8") for page in PAGES}
    shown = {sample for kind in ("sample", "part of") for _, sample, _ in samples_shown(kind)}
    linked = {sample for sample in samples if f"(samples/{sample})" in "".join(pages.values())}
    assert shown <= samples
    assert samples <= shown | linked
    assert {sample for sample in samples if "/" not in sample} <= {sample for _, sample, _ in samples_shown("sample")}


# -- samples with a real client --------------------------------------------------------------------------------------


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str], int]]:
    """Starts a sample, at a port of its own; afterwards it must end by Ctrl-C, without a word of complaint."""
    running: list[subprocess.Popen[str]] = []

    def start(name: str) -> int:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = int(free.getsockname()[1])
        copy = tmp_path / name
        copy.write_text((SAMPLES / name).read_text(encoding="utf-8").replace("8056", str(port)), encoding="utf-8")
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "SDL_VIDEODRIVER": "dummy"}
        running.append(
            subprocess.Popen(
                [sys.executable, str(copy)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
        )
        return port

    yield start
    for process in running:
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=20)
        assert process.returncode == 0
        assert complaints == ""


class Visitor:
    """A client that tries until the sample is up."""

    def __init__(self, port: int, path: str = "/", **options: Any) -> None:
        self.messages: list[str | bytes] = []
        self.clock = tickws.SystemClock()
        give_up = self.clock.now() + 20
        while True:
            self.client = tickws.WebSocketClient(
                f"ws://127.0.0.1:{port}{path}", on_message=lambda ws, message: self.messages.append(message), **options
            )
            while self.client.work(0.05) and not (self.client.websocket and self.client.websocket.open):
                pass
            if self.client.error is None:
                return
            assert self.clock.now() < give_up, self.client.error
            self.clock.sleep(0.05)

    def hears(self, expected: Callable[[str | bytes], bool]) -> bool:
        """Whether such a message comes within some seconds."""
        give_up = self.clock.now() + 20
        while not any(map(expected, self.messages)) and self.clock.now() < give_up:
            self.client.work(0.05)
        return any(map(expected, self.messages))

    def __enter__(self) -> Visitor:
        return self

    def __exit__(self, *error: object) -> None:
        with self.client:
            pass


def test_the_originals_own_program(start: Callable[[str], int]) -> None:
    with Visitor(start("original.py"), "/ws", subprotocols=["protocol0", "protocol1"]) as visitor:
        assert visitor.client.websocket is not None
        assert visitor.client.websocket.subprotocol == "protocol1"
        visitor.client.send("does it?")
        assert visitor.hears(lambda message: message == "Oh yeah! It works!")


def test_the_bare_loop(start: Callable[[str], int]) -> None:
    with Visitor(start("frame_loop.py")) as visitor:
        visitor.client.send("an input")
        assert visitor.hears(lambda message: str(message).endswith(" 1 moves"))


def test_the_asyncio_loop(start: Callable[[str], int]) -> None:
    with Visitor(start("asyncio_loop.py")) as visitor:
        visitor.client.send("echo")
        assert visitor.hears(lambda message: message == "echo")
        assert visitor.hears(lambda message: str(message).endswith(" seconds"))
