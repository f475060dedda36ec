"""How names and modules of the product are spread: what the naming rules of CONTRIBUTING.md ask for, counted.

python -m tests.support.naming
"""

from __future__ import annotations

import ast
import re
import statistics
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.support.paths import ROOT

PACKAGES = ("gateway", "adapters", "rehearsal")

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Module:
    """What is counted of one file of the product, without its tree: the trees of all are 150 MB.

    `path` is relative to the project; `imported`: names that may be modules of the product, or things in one;
    `constants`: what it assigns to."""

    path: Path
    lines: int
    functions: tuple[str, ...]
    classes: tuple[str, ...]
    imported: tuple[str, ...]
    constants: tuple[str, ...]

    @property
    def is_ordinary(self) -> bool:
        """Neither a package's own file nor a migration."""
        return self.path.name != "__init__.py" and "versions" not in self.path.parts

    @property
    def dotted(self) -> str:
        return ".".join(self.path.with_suffix("").parts).removesuffix(".__init__")


def read_modules() -> tuple[Module, ...]:
    return tuple(read_module(path) for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")))


def read_module(path: Path) -> Module:
    text = path.read_text("utf-8")
    tree = ast.parse(text)
    defined = [node for node in ast.walk(tree) if isinstance(node, Definition) and not node.name.startswith("__")]
    return Module(
        path=path.relative_to(ROOT),
        lines=len(text.splitlines()),
        functions=tuple(node.name for node in defined if not isinstance(node, ast.ClassDef)),
        classes=tuple(node.name for node in defined if isinstance(node, ast.ClassDef)),
        imported=tuple(list_imported_names(tree)),
        constants=tuple(
            target.id
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        ),
    )


def list_imported_names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@dataclass(frozen=True)
class NamingReport:
    modules: tuple[Module, ...]

    @cached_property
    def functions(self) -> tuple[tuple[Module, str], ...]:
        return tuple((module, name) for module in self.modules for name in module.functions)

    @cached_property
    def classes(self) -> tuple[str, ...]:
        return tuple(name for module in self.modules for name in module.classes)

    @property
    def median_lines(self) -> float:
        return statistics.median(module.lines for module in self.modules if module.is_ordinary)

    @property
    def one_word_functions(self) -> float:
        """As a share of all."""
        return sum("_" not in name.strip("_") for _, name in self.functions) / len(self.functions)

    @property
    def one_word_classes(self) -> float:
        return sum(len(re.findall("[A-Z][a-z0-9]*", name)) <= 1 for name in self.classes) / len(self.classes)

    @property
    def frequent_names(self) -> Mapping[str, int]:
        """Of functions outside the ports and the migrations, whose functions Alembic names, those that most have."""
        named_elsewhere = (("gateway", "ports"), ("gateway", "store", "migrations"))
        outside = (
            name
            for module, name in self.functions
            if not any(module.path.parts[: len(place)] == place for place in named_elsewhere)
        )
        return dict(Counter(outside).most_common(12))

    @property
    def old_constants(self) -> tuple[str, ...]:
        pattern = re.compile("_?(MOST|LONGEST|LEAST|FARTHEST|SLOWEST|DEEPEST)(_|$)")
        return tuple(
            f"{module.path}: {name}" for module in self.modules for name in module.constants if pattern.match(name)
        )

    @property
    def shared_module_names(self) -> Mapping[str, list[str]]:
        """File names that several modules of a package have."""
        found: dict[str, list[str]] = {}
        for module in self.modules:
            if module.is_ordinary:
                found.setdefault(f"{module.path.parts[0]}/…/{module.path.name}", []).append(str(module.path))
        return {name: paths for name, paths in found.items() if len(paths) > 1}

    @property
    def small_modules_of_one(self) -> tuple[str, ...]:
        """Modules under 70 lines that one other module imports."""
        importers: Counter[str] = Counter()
        known = {module.dotted for module in self.modules}
        for module in self.modules:
            importers.update({name for name in module.imported if name in known and name != module.dotted})
        return tuple(
            f"{module.path} ({module.lines})"
            for module in self.modules
            if module.is_ordinary and module.lines < 70 and importers[module.dotted] == 1
        )


def main() -> None:
    report = NamingReport(read_modules())
    lines = [
        f"files: {len(report.modules)}, median of the ordinary ones {report.median_lines:g} lines",
        f"functions: {len(report.functions)}, of one word {report.one_word_functions:.0%}",
        f"classes: {len(report.classes)}, of one word {report.one_word_classes:.0%}",
        f"most frequent function names outside the ports: {dict(report.frequent_names)}",
        f"constants with old words: {list(report.old_constants)}",
        "modules that share a name:",
        *(f"  {name}: {len(paths)}" for name, paths in report.shared_module_names.items()),
        "modules under 70 lines with one importer:",
        *(f"  {one}" for one in report.small_modules_of_one),
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
