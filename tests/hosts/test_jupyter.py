"""The notebook, run by nbclient in a real kernel, cell by cell, with a player who is connected all the while."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from tests.hosts.helpers import Guest, Move
from tests.hosts.runner import SAMPLES
from tests.program import ROOT, SECONDS

NOTEBOOK = SAMPLES / "notebook.ipynb"


def sources() -> dict[str, str]:
    """The code of the notebook's cells, by their ids."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    return {cell["id"]: "".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"}


class Kernel:
    """A kernel that runs cells.

    Args:
        client: of nbclient; its kernel runs.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def run(self, source: str) -> str:
        """What one more cell prints, errors included. Raises where the cell does."""
        import nbformat

        cells = self._client.nb.cells
        cells.append(nbformat.v4.new_code_cell(source))
        self._client.execute_cell(cells[-1], len(cells) - 1)
        return "".join(output.get("text", "") for output in cells[-1].outputs)

    def tells(self, text: str) -> None:
        """Wait until some cell's task prints that, while no cell runs; nbclient has no ear for it, a browser has."""
        from jupyter_core.utils import run_sync

        hear = run_sync(self._client.kc.get_iopub_msg)
        while text not in hear(timeout=SECONDS)["content"].get("text", ""):
            pass


@pytest.fixture
def kernel(require: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Kernel]:
    """A kernel, in which nothing runs yet."""
    require("jupyter")
    import nbclient
    import nbformat

    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    client = nbclient.NotebookClient(nbformat.v4.new_notebook(), timeout=int(SECONDS), kernel_name="python3")
    with client.setup_kernel():
        yield Kernel(client)


@pytest.fixture
def cells() -> dict[str, str]:
    """The notebook's, with its game at a free port."""
    cells = sources()
    assert cells["game"].count("8056") == 1
    return {**cells, "game": cells["game"].replace("8056", "0")}


@pytest.fixture
def guest(kernel: Kernel, cells: dict[str, str]) -> Iterator[Guest]:
    """A player of the notebook's game, which runs."""
    for name in ("game", "rules", "play"):
        assert kernel.run(cells[name]) == ""
    port = kernel.run("print(game.port)").strip()
    with closing(Guest(f"ws://127.0.0.1:{port}/")) as guest:
        yield guest


@contextmanager
def taking_part(guest: Guest) -> Iterator[None]:
    """Turn the player's client in a thread, as long as the block runs."""
    done = threading.Event()
    thread = threading.Thread(target=guest.until, args=[done.is_set])
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def test_the_committed_notebook_is_clean() -> None:
    text = NOTEBOOK.read_text(encoding="utf-8")
    notebook = json.loads(text)
    assert text == json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    assert notebook["metadata"] == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in notebook["cells"]:
        assert cell["metadata"] == {}
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None


def test_the_recipe_shows_the_cell_that_matters() -> None:
    recipes = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    assert f"<!-- cell of: notebook.ipynb -->\n~~~python\n{sources()['play']}\n~~~\n" in recipes


def test_the_notebook_runs_from_above_and_once_more(kernel: Kernel, cells: dict[str, str]) -> None:
    for _ in range(2):
        printed = {name: kernel.run(source) for name, source in cells.items()}
        assert printed.pop("look").startswith("0 players at {}\n")
        assert printed.pop("stop").endswith("was the last\n")
        assert set(printed.values()) == {""}


def test_a_game_that_is_played_from_cells(kernel: Kernel, cells: dict[str, str], guest: Guest) -> None:
    guest.client.send_input(Move(dx=1.0))
    guest.until(lambda: guest.sees(guest)["x"] > 0.1)
    with taking_part(guest):
        players, pace, *_ = kernel.run(cells["look"]).splitlines()
        assert re.match(rf"1 players at \{{{guest.number}: \{{'x': \d", players)
        assert pace.endswith(" s slipped")
        kernel.run(cells["change"])
    guest.until(lambda: guest.sees(guest)["x"] >= 100.0)
    with taking_part(guest):
        kernel.run(cells["rules"].replace("+= move.dx", "-= move.dx"))  # the keys are swapped
    guest.until(lambda: guest.sees(guest)["x"] < 100.0)
    with taking_part(guest):
        assert kernel.run(cells["stop"]).startswith("tick ")
    guest.until(lambda: guest.ended is not None)
    assert guest.ended is not None
    assert guest.ended.code == 1001


def test_a_cell_that_blocks_slips_and_disconnects_nobody(kernel: Kernel, cells: dict[str, str], guest: Guest) -> None:
    with taking_part(guest):
        kernel.run("import time\nbefore = loop.ticks\ntime.sleep(1)\nassert loop.ticks == before")
        seen = guest.client.state()
        kernel.run("while loop.ticks < before + 60:\n    await asyncio.sleep(0.01)")
        assert kernel.run("print(loop.slipped > 0.7, len(game.players))") == "True 1\n"
    assert seen
    assert guest.ended is None
    guest.client.send_input(Move(dx=1.0))
    guest.until(lambda: guest.sees(guest)["x"] > 0.1)
    with taking_part(guest):
        kernel.run(cells["stop"])


def test_a_mistake_in_the_rules_is_shown_and_can_be_mended(kernel: Kernel, cells: dict[str, str], guest: Guest) -> None:
    with taking_part(guest):
        kernel.run("def step(tick):\n    raise ValueError('a mistake')")
        kernel.tells("ValueError: a mistake")
        kernel.run(cells["rules"])
        guest.client.send_input(Move(dx=1.0))
    guest.until(lambda: guest.sees(guest)["x"] > 0.1)
    assert guest.ended is None
    with taking_part(guest):
        kernel.run(cells["stop"])
