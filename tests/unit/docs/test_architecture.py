"""docs/architecture.md is true to the code: layers, arrows of the diagram, adapters, and the functions of each way."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path

import pytest

from tests.shape import read_shapes
from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")

STEPS = ("step", "module", "function", "what happens")
"""The head of a table of steps."""

CODE = re.compile(r"`([^`\n]+)`")
MODULE_PATH = re.compile(r"`((?:gateway|adapters|rehearsal|tests)/[^`\s]+)`")
ARROW = re.compile(r"^\s*(\w+) --> (\w+)$", re.MULTILINE)

Row = tuple[str, ...]
Graph = dict[str, set[str]]


# --- the page --------------------------------------------------------------------------------------------


def read_section(heading: str, text: str = PAGE) -> str:
    """What stands under a heading of the second level."""
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, flags=re.MULTILINE | re.DOTALL)
    assert found is not None, f"the page has no section '{heading}'"
    return found[1]


def read_tables(text: str) -> Iterator[list[Row]]:
    """Each table with its head, without the line below that."""
    for block in re.findall(r"(?:^\|.*\|\n)+", text, flags=re.MULTILINE):
        rows = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in block.splitlines()]
        yield [rows[0], *rows[2:]]


def read_first_column(heading: str) -> list[str]:
    table = next(read_tables(read_section(heading)))
    return [row[0].strip("`") for row in table[1:]]


def list_steps() -> list[Row]:
    return [row for table in read_tables(PAGE) if table[0] == STEPS for row in table[1:]]


# --- the code --------------------------------------------------------------------------------------------


@lru_cache(maxsize=8)
def parse_module(path: Path) -> ast.Module:
    """Few are kept: all together are 150 MB."""
    return ast.parse(path.read_text("utf-8"))


def has_definition(path: Path, name: str) -> bool:
    """A function or class of the module, or `Class.method` of one of its classes."""
    outer, _, inner = name.partition(".")
    for node in parse_module(path).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name == outer:
            return not inner or any(
                isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and one.name == inner for one in node.body
            )
    return False


def list_imports(tree: ast.Module) -> Iterator[str]:
    """Modules that it imports, also within functions; not those that only the type checker sees."""
    unseen = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if node in unseen:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def read_import_graph() -> Graph:
    """Packages and modules right below `gateway`, each with those that it imports."""
    folder = ROOT / "gateway"
    parts = {path.stem for path in folder.iterdir() if (path / "__init__.py").exists() or path.suffix == ".py"}
    parts.discard("__init__")
    graph: Graph = {part: set() for part in parts}
    for path in sorted(folder.rglob("*.py")):
        part = path.relative_to(folder).parts[0].removesuffix(".py")
        for module in list_imports(parse_module(path)) if part in parts else ():
            first, *rest = module.split(".")
            if first == "gateway" and rest and rest[0] in parts - {part}:
                graph[part].add(rest[0])
    return graph


def find_reachable(graph: Graph, start: str) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        for following in graph.get(waiting.pop(), set()) - found:
            found.add(following)
            waiting.append(following)
    return found


def reduce_graph(graph: Graph) -> Graph:
    """Without the arrows that follow from others."""
    return {
        start: {end for end in ends if not any(end in find_reachable(graph, other) for other in ends - {end})}
        for start, ends in graph.items()
    }


def list_layers() -> list[str]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    (layers,) = [one["layers"] for one in contracts if one["type"] == "layers" and not one["containers"]]
    return [layer.removeprefix("gateway.") for layer in layers]


# --- the page and the code -------------------------------------------------------------------------------


def test_list_the_layers_of_the_import_contract() -> None:
    assert read_first_column("The layers") == list_layers()


def test_list_all_packages_of_services() -> None:
    rows = list(read_tables(read_section("The layers")))[1][1:]

    packages = {path.parent for path in (ROOT / "gateway" / "services").glob("*/__init__.py")}
    assert {ROOT / row[0].strip("`") for row in rows} == packages


def test_draw_the_imports_of_the_code() -> None:
    """Exactly those: an arrow too many is an import that isn't there, and one too few would hide one."""
    drawn: Graph = {}
    for start, end in ARROW.findall(read_section("The picture")):
        drawn.setdefault(start, set()).add(end)
    needed = {start: ends for start, ends in reduce_graph(read_import_graph()).items() if ends}
    assert drawn == needed


def test_list_every_adapter() -> None:
    packages = {f"adapters/{path.parent.name}" for path in (ROOT / "adapters").glob("*/__init__.py")}
    assert set(read_first_column("The adapters")) == packages


@pytest.mark.parametrize("row", list_steps(), ids=lambda row: f"{row[0]}-{row[1].strip('`')}")
def test_find_every_function_in_its_module(row: Row) -> None:
    _, module, functions, _ = row
    path = ROOT / module.strip("`")
    names = CODE.findall(functions)
    assert names, "a step names its functions"
    assert [name for name in names if not has_definition(path, name)] == []


def test_find_every_path() -> None:
    missing = [path for path in MODULE_PATH.findall(PAGE) if not (ROOT / path).exists()]
    assert missing == []


def test_find_every_class_and_function_that_the_text_names() -> None:
    """Names in prose: of some module, whichever."""
    modules = [module for folder in ("gateway", "adapters", "rehearsal") for module in read_shapes(folder)]
    known = {name for module in modules for name in (*module.functions, *module.classes)}
    prose = re.sub(r"^```.*?^```", "", PAGE, flags=re.MULTILINE | re.DOTALL)
    named = [name for name in CODE.findall(prose) if re.fullmatch(r"_?[a-z]+(_[a-z]+)+|([A-Z][a-z]+){2,}", name)]
    assert len(named) > 100
    assert [name for name in named if name not in known and name not in NO_DEFINITIONS] == []


NO_DEFINITIONS = frozenset({"mail_format", "adapter_registry"})
"""Names of modules that look like functions."""


def test_describe_five_ways() -> None:
    ways = re.findall(r"^### (.+)$", read_section("Five ways through it"), flags=re.MULTILINE)
    assert len(ways) == 5
    assert len(list_steps()) > 80


# --- the helpers -----------------------------------------------------------------------------------------


def test_reduce_graph() -> None:
    graph = {"a": {"b", "c"}, "b": {"c"}, "c": set[str]()}

    assert reduce_graph(graph) == {"a": {"b"}, "b": {"c"}, "c": set()}


@pytest.mark.parametrize(
    ("name", "found"),
    [("sing", True), ("Bird", True), ("Bird.fly", True), ("Bird.sing", False), ("fly", False), ("Fish", False)],
)
def test_find_definition(name: str, found: bool, tmp_path: Path) -> None:
    module = tmp_path / "birds.py"
    module.write_text("class Bird:\n    def fly(self): ...\n\n\nasync def sing(): ...\n", "utf-8")
    assert has_definition(module, name) is found
