"""The architecture is a test: who may import whom, no cycles, every public name at home in one module.

Each rule is a function from the modules of a package to its complaints. All rules read `tickws`, where they have
nothing to complain about, and each reads a small package that breaks it, and it alone.
"""

import graphlib
import importlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.package_reader import Module, read_package

PACKAGE = Path(__file__).parent.parent / "tickws"
MAX_LINES = 400

GROUND = {"errors", "clock", "statistics", "collector"}

MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "clock": {"errors"},
    "statistics": {"errors"},
    "collector": {"errors"},
    "bus": {"errors"},
    "protocol": {"errors"},
    "sync": {"errors"},
    "web": set(),
    "transport": {"protocol"} | GROUND,
    "loop": {"bus"} | GROUND,
    "game": {"transport", "protocol", "sync", "loop", "bus", "web"} | GROUND,
    "client": {"transport", "protocol", "sync", "bus"} | GROUND,
}
"""A package or module directly in tickws: what it may import of ours, besides itself."""

MAY_IMPORT_ALL = {"testing", "tools", "__init__"}

PURE = {"protocol", "sync"}
IMPURE = {"socket", "ssl", "select", "selectors", "time", "random", "threading", "asyncio", "logging"}

ONE_IMPORTER = {"h11": "tickws.protocol.http"}

BUILD = re.compile(r"(?P<package>.+)\._(?P<noun>\w+)_(py|c)")
"""One of the two builds of a source, as `_codec_py` and `_codec_c`, between which `codec` chooses."""

Modules = dict[str, Module]
Rule = Callable[[Modules], Iterator[str]]


def row_of(name: str) -> str:
    """The row of the table that a module of ours stands in."""
    return name.split(".")[1] if "." in name else "__init__"


def imports_point_down(modules: Modules) -> Iterator[str]:
    for module in modules.values():
        row = row_of(module.name)
        if row in MAY_IMPORT_ALL:
            continue
        if row not in MAY_IMPORT:
            yield f"{module.name} stands in no row of the table"
            continue
        for item in module.imports:
            ours = item.target.split(".")[0] == "tickws"
            if ours and row_of(item.target) not in {row} | MAY_IMPORT[row]:
                yield f"{module.name}:{item.line} imports {item.target}"


def pure_layers_import_no_world(modules: Modules) -> Iterator[str]:
    for module in modules.values():
        for item in module.imports:
            if row_of(module.name) in PURE and item.target.split(".")[0] in IMPURE:
                yield f"{module.name}:{item.line} imports {item.target}"


def one_module_alone_imports_it(modules: Modules) -> Iterator[str]:
    for module in modules.values():
        for item in module.imports:
            if ONE_IMPORTER.get(item.target.split(".")[0], module.name) != module.name:
                yield f"{module.name}:{item.line} imports {item.target}"


def only_the_chooser_imports_a_build(modules: Modules) -> Iterator[str]:
    for module in modules.values():
        for item in module.imports:
            build = BUILD.fullmatch(item.target)
            if build and module.name != "{package}.{noun}".format_map(build.groupdict()):
                yield f"{module.name}:{item.line} imports {item.target}"


def no_import_cycles(modules: Modules) -> Iterator[str]:
    """Imports for types alone never run, so they may close a circle."""
    graph = {
        module.name: {item.target for item in module.imports if item.target in modules and not item.for_types}
        for module in modules.values()
    }
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        yield " <- ".join(error.args[1])


def public_names_have_one_home(modules: Modules) -> Iterator[str]:
    public = modules["tickws"].exports
    if public is None:
        yield "tickws has no __all__"
        return
    for name in public:
        homes = [module.name for module in modules.values() if name in module.defines]
        homes += [f"tickws.{name}"] * (f"tickws.{name}" in modules)
        if public.count(name) > 1 or len(homes) != 1:
            yield f"{name} is exported {public.count(name)} times, and defined in: {', '.join(homes) or 'no module'}"


def modules_say_what_they_are(modules: Modules) -> Iterator[str]:
    for module in modules.values():
        if not module.docstring:
            yield f"{module.name} has no docstring"


def files_are_short(modules: Modules) -> Iterator[str]:
    for module in modules.values():
        if module.lines > MAX_LINES:
            yield f"{module.name} has {module.lines} lines; is there a second noun in it?"


RULES: list[Rule] = [
    imports_point_down,
    pure_layers_import_no_world,
    one_module_alone_imports_it,
    only_the_chooser_imports_a_build,
    no_import_cycles,
    public_names_have_one_home,
    modules_say_what_they_are,
    files_are_short,
]


@pytest.mark.parametrize("rule", RULES)
def test_tickws_keeps(rule: Rule) -> None:
    assert list(rule(read_package(PACKAGE))) == []


def test_public_names_can_be_imported() -> None:
    tickws = importlib.import_module("tickws")
    assert [name for name in tickws.__all__ if not hasattr(tickws, name)] == []


SOUND = {
    "__init__.py": "from .transport.server import Server as Server\n__all__ = ['Server', '__version__', 'errors']\n"
    "__version__ = '1'\n",
    "errors.py": "import logging\n",
    "protocol/__init__.py": "",
    "protocol/http.py": "import h11\nfrom ..errors import Oops\n",
    "protocol/codec.py": "import os\nif os.environ:\n    from . import _codec_py as build\n",
    "protocol/_codec_py.py": "from tickws.errors import Oops\n",
    "transport/__init__.py": "",
    "transport/server.py": "import socket, time\nfrom typing import TYPE_CHECKING\nfrom ..protocol import codec\n"
    "if TYPE_CHECKING:\n    from .stream import Stream\nelse:\n    Stream = None\nclass Server: pass\n",
    "transport/stream.py": "def f():\n    from .server import Server\n",
    "testing/__init__.py": "from tickws import Server\n",
}

BROKEN: list[tuple[Rule, dict[str, str], str]] = [
    (
        imports_point_down,
        {"errors.py": "from . import clock\n", "clock.py": ""},
        "tickws.errors:2 imports tickws.clock",
    ),
    (imports_point_down, {"protocol/http.py": "from ..transport import stream\n"}, "imports tickws.transport.stream"),
    (imports_point_down, {"protocol/http.py": "import tickws.transport.stream\n"}, "imports tickws.transport.stream"),
    (imports_point_down, {"protocol/http.py": "def f():\n    import tickws.clock\n"}, "http:3 imports tickws.clock"),
    (
        imports_point_down,
        {"protocol/http.py": "import typing as t\nif t.TYPE_CHECKING:\n    from ..clock import Clock\n"},
        "tickws.protocol.http:4 imports tickws.clock",
    ),
    (imports_point_down, {"loop/__init__.py": "from tickws import Nothing\n"}, "tickws.loop:2 imports tickws"),
    (imports_point_down, {"attic.py": ""}, "tickws.attic stands in no row"),
    (pure_layers_import_no_world, {"protocol/http.py": "import asyncio.events\n"}, "imports asyncio.events"),
    (pure_layers_import_no_world, {"sync/wire.py": "class A:\n    from time import time\n"}, "imports time"),
    (one_module_alone_imports_it, {"transport/stream.py": "from h11 import Request\n"}, "stream:2 imports h11"),
    (
        only_the_chooser_imports_a_build,
        {"protocol/http.py": "from . import _codec_py\n"},
        "imports tickws.protocol._co",
    ),
    (only_the_chooser_imports_a_build, {"transport/codec.py": "from ..protocol import _codec_py\n"}, "_codec_py"),
    (no_import_cycles, {"protocol/_codec_py.py": "def f():\n    from . import codec\n"}, "tickws.protocol.codec <- "),
    (
        no_import_cycles,
        {"protocol/__init__.py": "from .http import h\n", "protocol/http.py": "from . import x\n"},
        "http",
    ),
    (public_names_have_one_home, {"transport/stream.py": "class Server: pass\n"}, "Server is exported 1 times"),
    (public_names_have_one_home, {"transport/server.py": "if 1 > 0:\n    pass\n"}, "defined in: no module"),
    (public_names_have_one_home, {"__init__.py": "__all__ = ['errors', 'errors']\n"}, "errors is exported 2 times"),
    (public_names_have_one_home, {"__init__.py": ""}, "no __all__"),
    (modules_say_what_they_are, {"clock.py": "# no docstring\n"}, "tickws.clock has no docstring"),
    (files_are_short, {"clock.py": "\n" * MAX_LINES}, "tickws.clock has 401 lines"),
]


def write_package(folder: Path, files: dict[str, str]) -> Path:
    """A package of these files, each under a docstring, unless it starts with a comment."""
    for name, text in files.items():
        path = folder / "tickws" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text if text.startswith("#") else f'"""What it is."""\n{text}', encoding="utf-8")
    return folder / "tickws"


def test_no_rule_minds_a_sound_package(tmp_path: Path) -> None:
    modules = read_package(write_package(tmp_path, SOUND))
    assert [complaint for rule in RULES for complaint in rule(modules)] == []


@pytest.mark.parametrize(("broken", "files", "complaint"), BROKEN)
def test_a_rule_minds_what_breaks_it(broken: Rule, files: dict[str, str], complaint: str, tmp_path: Path) -> None:
    modules = read_package(write_package(tmp_path, SOUND | files))
    assert {rule: said for rule in RULES if (said := "; ".join(rule(modules)))}.keys() == {broken}
    assert complaint in "; ".join(broken(modules))


def test_each_rule_was_seen_to_mind() -> None:
    assert {rule for rule, _, _ in BROKEN} == set(RULES)
