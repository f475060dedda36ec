"""How large the code is and how often it says a thing: `python -m tests.shape [--trace]`.

Each figure has a ceiling, which a test holds (tests/unit/docs/test_shape.py), and a goal. A change that needs a higher
ceiling raises it in the same commit and says why; a change that makes a figure smaller lowers it.

`--trace` measures as well what an AcceptItem, a link and the shipping of an item run through, in a gateway of its own.
"""

from __future__ import annotations

import ast
import math
import re
import statistics
import sys
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tests.support.paths import ROOT

PRODUCT = ("gateway", "adapters")
REHEARSAL = "rehearsal"
SERVICES = "gateway.services."
NEW_EVENT_KIND = "AT_PICKUP"
WORDS_WITHOUT_SUBJECT = re.compile(
    r"(Of|By|What|Raises|With|In|As|For|Where|From|At|On|To|Who|Whose|Which|When|Whether|How|If"
    r"|Without|Why|Until|Not|That|Before|Also|Under|Whom|After|Since|So|Inside|About)\b"
)
BARE_NAMES = re.compile(
    r"\bfor (?:\w+, )*(?:one|found|said|told|here)(?:, \w+)* in\b|[(,]\s*(?:one|found|said|told|here): "
    r"|^ +(?:one|found|said|told|here)(?:: [^=\n]+)? = ",
    re.MULTILINE,
)
OLD_CONSTANTS = re.compile("_?(MOST|LONGEST|LEAST|FARTHEST|SLOWEST|DEEPEST)(_|$)")
SMALL_LINES = 70
NAMED_ELSEWHERE = ("gateway.ports.", "gateway.store.migrations.")
"""Ports have a function's name once for each implementation, and Alembic names those of migrations."""


@dataclass(frozen=True)
class Bound:
    """`ceiling`: as it is today, which may only fall; `goal`: as it is to be; `floor`: what would be too little."""

    figure: str
    ceiling: int
    goal: int
    floor: int = 0

    def holds(self, now: int) -> bool:
        return self.floor <= now <= self.ceiling


BOUNDS: Sequence[Bound] = (
    Bound("code lines of gateway and adapters", 131_187, 108_000),
    Bound("code lines of rehearsal", 10_100, 8_000),
    Bound("code lines of tests", 127_643, 78_000),
    Bound("functions of services that take library: str first", 0, 0),
    Bound("imports inside functions", 50, 50),
    Bound("modules with an HTTP client of their own", 1, 1),
    Bound("rooms directly in services", 14, 14),
    Bound("loose files in services", 0, 0),
    Bound("rooms of services in a circle", 0, 0),
    Bound("class names that stand more than once in gateway", 0, 0),
    Bound("class names that stand more than once", 30, 30),
    Bound(f"files that name {NEW_EVENT_KIND}", 6, 6),
    Bound("docstrings that begin with Of, By, What, Raises …", 80, 80),
    Bound("variables called one, found, said, told, here", 300, 300),
    Bound("lines of the median module", 300, 300, floor=180),
    Bound(f"modules under {SMALL_LINES} lines that one other imports", 8, 8),
    Bound("functions of one word, in a hundred", 35, 35),
    Bound("classes of one word, in a hundred", 25, 25),
    Bound("functions that share the most frequent name", 20, 20),
    Bound("constants that say MOST, LONGEST, LEAST …", 0, 0),
)

TRACED_BOUNDS: Sequence[Bound] = (
    Bound("files that an AcceptItem runs through", 90, 55),
    Bound("files that a link to an ISO 18626 request runs through", 177, 115),
    Bound("files that ship runs through", 124, 90),
    Bound("transitions computed for one ship", 1, 1),
    Bound("loads of the request for one ship", 2, 2),
)
"""A few files more than were counted: what a daemon does beside, such as to wake its workers, is counted with them."""


@dataclass
class ModuleShape:
    """What is counted of one module, without its tree: the trees of all are 150 MB.

    `is_ordinary`: neither a package's own file nor a migration."""

    name: str
    is_ordinary: bool = True
    lines: int = 0
    code_lines: int = 0
    inner_imports: int = 0
    by_library: int = 0
    makes_client: bool = False
    names_kind: bool = False
    docstrings: int = 0
    bare_docstrings: int = 0
    bare_names: int = 0
    classes: list[str] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)
    constants: list[str] = field(default_factory=list)
    imports: set[str] = field(default_factory=set)

    @property
    def room(self) -> str:
        """The package or module directly in `services` that it belongs to."""
        return self.name.removeprefix(SERVICES).partition(".")[0] if self.name.startswith(SERVICES) else ""


def read_shape(path: Path) -> ModuleShape:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    parts = path.relative_to(ROOT).with_suffix("").parts
    name = ".".join(parts).removesuffix(".__init__")
    shape = ModuleShape(name, is_ordinary=parts[-1] != "__init__" and "versions" not in parts)
    shape.names_kind = re.search(rf"\b{NEW_EVENT_KIND}\b", text) is not None
    shape.makes_client = "ClientSession(" in text
    shape.bare_names = len(BARE_NAMES.findall(text))
    prose: set[int] = set()
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    for node, owner, is_first in _iter_statements(tree):
        match node:
            case ast.Expr(value=ast.Constant(value=str(prose_text))):
                prose.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
                if is_first and isinstance(owner, functions | ast.ClassDef | ast.Module):
                    shape.docstrings += 1
                    shape.bare_docstrings += WORDS_WITHOUT_SUBJECT.match(prose_text.lstrip()) is not None
            case ast.ClassDef():
                shape.classes.append(node.name)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                shape.functions.append(node.name)
                shape.by_library += _takes_library_first(node)
            case ast.Assign(targets=targets) if owner is tree:
                shape.constants += [target.id for target in targets if isinstance(target, ast.Name)]
            case ast.ImportFrom(module=str(module), level=0):
                shape.imports.update({module, *(f"{module}.{alias.name}" for alias in node.names)})
            case ast.Import():
                shape.imports.update(alias.name for alias in node.names)
        shape.inner_imports += isinstance(owner, functions) and isinstance(node, ast.Import | ast.ImportFrom)
    lines = text.splitlines()
    shape.lines = len(lines)
    shape.code_lines = sum(
        1
        for number, line in enumerate(lines, start=1)
        if number not in prose and line.strip() and not line.lstrip().startswith("#")
    )
    return shape


@cache
def read_shapes(folder: str) -> Sequence[ModuleShape]:
    return tuple(read_shape(path) for path in sorted((ROOT / folder).rglob("*.py")))


def _takes_library_first(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    parameters = [each for each in (*node.args.posonlyargs, *node.args.args) if each.arg not in ("self", "cls")]
    if not parameters or parameters[0].arg != "library":
        return False
    return isinstance(parameters[0].annotation, ast.Name) and parameters[0].annotation.id == "str"


def _iter_statements(owner: ast.AST, around: ast.AST | None = None) -> Iterator[tuple[ast.stmt, ast.AST, bool]]:
    """Each statement, the function, class or module that it stands in, and whether it is the first one there.

    Expressions aren't walked through: they are most of a tree.
    """
    around = around or owner
    for name in ("body", "orelse", "finalbody", "handlers", "cases"):
        for place, child in enumerate(getattr(owner, name, ())):
            if isinstance(child, ast.stmt):
                yield child, around, place == 0 and owner is around
            inner = child if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) else around
            yield from _iter_statements(child, inner)


def find_circles(modules: Sequence[ModuleShape]) -> list[frozenset[str]]:
    """Sets of rooms in `services` that need each other, directly or by others."""
    reached: dict[str, set[str]] = defaultdict(set)
    for module in modules:
        targets = {name.removeprefix(SERVICES).partition(".")[0] for name in module.imports if SERVICES in name}
        if module.room:
            reached[module.room] |= targets - {module.room}
    for middle in list(reached):
        for room in list(reached):
            if middle in reached[room]:
                reached[room] |= reached[middle]
    circles = {
        frozenset({room, *(other for other in reached[room] if room in reached.get(other, ()))})
        for room in reached
        if room in reached[room]
    }
    return sorted(circles, key=sorted)


def count_repeated_names(modules: Sequence[ModuleShape]) -> int:
    """Names that more than one class has."""
    return sum(1 for times in Counter(name for module in modules for name in module.classes).values() if times > 1)


def count_percent_of_one_word(names: Collection[str], word: str) -> int:
    return math.ceil(100 * sum(len(re.findall(word, name)) <= 1 for name in names) / len(names))


def measure_names(modules: Sequence[ModuleShape]) -> Mapping[str, int]:
    """How names and lines are spread: what the naming rules of CONTRIBUTING.md ask for."""
    known = {module.name for module in modules}
    importers = Counter(name for module in modules for name in module.imports & known - {module.name})
    ordinary = [module for module in modules if module.is_ordinary]
    functions = [(module.name, name) for module in modules for name in module.functions if not name.startswith("__")]
    frequent = Counter(name for module, name in functions if not f"{module}.".startswith(NAMED_ELSEWHERE))
    classes = [name for module in modules for name in module.classes if not name.startswith("__")]
    return {
        "lines of the median module": math.ceil(statistics.median(module.lines for module in ordinary)),
        f"modules under {SMALL_LINES} lines that one other imports": sum(
            module.lines < SMALL_LINES and importers[module.name] == 1 for module in ordinary
        ),
        "functions of one word, in a hundred": count_percent_of_one_word([name for _, name in functions], "[^_]+"),
        "classes of one word, in a hundred": count_percent_of_one_word(classes, "[A-Z][a-z0-9]*"),
        "functions that share the most frequent name": frequent.most_common(1)[0][1],
        "constants that say MOST, LONGEST, LEAST …": sum(
            OLD_CONSTANTS.match(name) is not None for module in modules for name in module.constants
        ),
    }


def measure() -> Mapping[str, int]:
    """The figures that the code itself tells; each file is parsed once."""
    product = [module for folder in PRODUCT for module in read_shapes(folder)]
    tests, rehearsal = read_shapes("tests"), read_shapes(REHEARSAL)
    gateway = read_shapes("gateway")
    services = [module for module in gateway if module.room]
    entries = [path for path in (ROOT / "gateway" / "services").iterdir() if path.name != "__pycache__"]
    loose = [path for path in entries if path.suffix == ".py" and path.name != "__init__.py"]
    return {
        "code lines of gateway and adapters": sum(module.code_lines for module in product),
        "code lines of rehearsal": sum(module.code_lines for module in rehearsal),
        "code lines of tests": sum(module.code_lines for module in tests),
        "functions of services that take library: str first": sum(module.by_library for module in services),
        "imports inside functions": sum(module.inner_imports for module in product),
        "modules with an HTTP client of their own": sum(module.makes_client for module in product),
        "rooms directly in services": len(loose) + sum(any(path.glob("**/*.py")) for path in entries if path.is_dir()),
        "loose files in services": len(loose),
        "rooms of services in a circle": sum(map(len, find_circles(product))),
        "class names that stand more than once in gateway": count_repeated_names(gateway),
        "class names that stand more than once": count_repeated_names(product),
        f"files that name {NEW_EVENT_KIND}": sum(module.names_kind for module in product),
        "docstrings that begin with Of, By, What, Raises …": sum(module.bare_docstrings for module in product),
        "variables called one, found, said, told, here": sum(module.bare_names for module in product),
        **measure_names([*product, *rehearsal]),
    }


def format_figures(figures: Mapping[str, int], bounds: Sequence[Bound] = BOUNDS) -> Iterator[str]:
    width = max(len(bound.figure) for bound in bounds)
    yield f"{'':{width}} {'now':>9} {'ceiling':>9} {'goal':>9}"
    for bound in bounds:
        now = figures[bound.figure]
        remark = "  reached" if now <= bound.goal else ""
        if not bound.holds(now):
            remark = "  too many" if now > bound.ceiling else "  too few"
        yield f"{bound.figure:{width}} {now:9,} {bound.ceiling:9,} {bound.goal:9,}{remark}"


def main() -> int:
    figures, bounds = measure(), BOUNDS
    if "--trace" in sys.argv[1:]:
        from tests.support.touched_files import measure_events  # loads all of the gateway

        figures, bounds = {**figures, **measure_events()}, (*BOUNDS, *TRACED_BOUNDS)
    sys.stdout.write("\n".join(format_figures(figures, bounds)) + "\n")
    return 0 if all(bound.holds(figures[bound.figure]) for bound in bounds) else 1


if __name__ == "__main__":
    sys.exit(main())
