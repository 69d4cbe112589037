"""Reads a package without importing it: its modules, what each imports, and what each defines."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Import:
    """One thing that a module imports, under its absolute name: a module of the package, or a foreign one."""

    target: str
    line: int
    for_types: bool
    """It stands under `if TYPE_CHECKING`, and never runs."""


@dataclass(frozen=True)
class Module:
    """One file of the package."""

    name: str
    imports: list[Import]
    defines: list[str]
    docstring: str | None
    lines: int
    exports: list[str] | None
    """Its `__all__`; None where it has none."""


def read_package(folder: Path) -> dict[str, Module]:
    """All modules below the folder, by their dotted names."""
    paths: dict[str, Path] = {}
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder.parent).with_suffix("").parts
        paths[".".join(parts[:-1] if path.stem == "__init__" else parts)] = path
    return {name: read_module(name, path, set(paths)) for name, path in paths.items()}


def read_module(name: str, path: Path, names: set[str]) -> Module:
    """One module; `names` are those of all modules of its package."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text, str(path))
    reader = ImportReader(name if path.stem == "__init__" else name.rpartition(".")[0], names)
    reader.visit(tree)
    return Module(
        name=name,
        imports=reader.imports,
        defines=list(defined(tree.body)),
        docstring=ast.get_docstring(tree),
        lines=len(text.splitlines()),
        exports=exported(tree),
    )


class ImportReader(ast.NodeVisitor):
    """Collects the imports of a module, wherever in it they stand."""

    def __init__(self, package: str, names: set[str]) -> None:
        self.imports: list[Import] = []
        self._package = package.split(".")
        self._names = names
        self._for_types = False

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.imports.append(Import(alias.name, node.lineno, self._for_types))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        above = self._package[: len(self._package) + 1 - node.level] if node.level else []
        base = ".".join([*above, *([node.module] if node.module else [])])
        for alias in node.names:
            module = f"{base}.{alias.name}"
            self.imports.append(Import(module if module in self._names else base, node.lineno, self._for_types))

    def visit_If(self, node: ast.If) -> None:
        match node.test:
            case ast.Name("TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
                outside, self._for_types = self._for_types, True
                for child in node.body:
                    self.visit(child)
                self._for_types = outside
                for child in node.orelse:
                    self.visit(child)
            case _:
                self.generic_visit(node)


def defined(body: list[ast.stmt]) -> Iterator[str]:
    """The names that a module's own statements define, in branches as well; imported names are not among them."""
    for node in body:
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.Assign(targets=targets):
                yield from (name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name))
            case ast.AnnAssign(target=ast.Name(name), value=ast.expr()):
                yield name
            case ast.If(body=first, orelse=second):
                # Two branches define one name, once.
                yield from dict.fromkeys([*defined(first), *defined(second)])
            case ast.Try(body=first, handlers=handlers, orelse=second, finalbody=third):
                rest = [statement for handler in handlers for statement in handler.body]
                yield from dict.fromkeys(defined([*first, *rest, *second, *third]))


def exported(tree: ast.Module) -> list[str] | None:
    """The value of `__all__`, which has to be a plain list."""
    for node in tree.body:
        match node:
            case (
                ast.Assign(targets=[ast.Name("__all__")], value=value)
                | ast.AnnAssign(target=ast.Name("__all__"), value=ast.expr() as value)
            ):
                return list(ast.literal_eval(value))
    return None
