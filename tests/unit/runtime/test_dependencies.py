"""What pyproject.toml asks for is what the code imports: no more, no less."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

from tests.support.paths import ROOT

WITHOUT_IMPORT = {"tzdata"}
"""Data for `zoneinfo` where the system has none."""

PARTS_OF_OTHERS = {"greenlet", "markupsafe", "multidict", "pydantic-core", "yarl"}
"""Of SQLAlchemy's asyncio, Jinja, pydantic and aiohttp: in their interfaces, so that they always come with them."""


def read_requirements() -> dict[str, set[str]]:
    """Names of distributions, by extra; "" for what always comes."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lists = {"": project["dependencies"], **project["optional-dependencies"]}
    return {extra: {normalize_name(line) for line in lines} for extra, lines in lists.items()}


def normalize_name(requirement: str) -> str:
    """As `sqlalchemy` of `SQLAlchemy[asyncio]>=2.0`."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found is not None, requirement
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def list_imported_distributions(declared: set[str]) -> set[str]:
    """Distributions of all modules that are named by an import statement of ours, wherever it stands; of those that
    share a package, such as `opentelemetry`, the declared ones."""
    known = packages_distributions()
    files = [file for package in ("gateway", "adapters", "rehearsal") for file in (ROOT / package).rglob("*.py")]
    modules = {name for file in files for name in list_imported_modules(file)}
    third_party = modules - {"gateway", "adapters", "rehearsal", "_typeshed"} - set(sys.stdlib_module_names)
    distributions = [{normalize_name(one) for one in known[module]} for module in third_party]
    return {one for names in distributions for one in names & declared or names}


def list_imported_modules(file: Path) -> set[str]:
    """First parts of their names."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def test_every_dependency_is_imported_and_every_import_declared() -> None:
    requirements = read_requirements()
    extras = ("", "mail", "pdf", "postgresql", "rehearsal", "traces")
    declared = {name for extra in extras for name in requirements[extra]}
    imported = list_imported_distributions(declared)

    assert declared - WITHOUT_IMPORT - imported == set()
    assert imported - declared - PARTS_OF_OTHERS == set()


def test_tools_of_the_tests_stay_in_the_extra_for_development() -> None:
    requirements = read_requirements()

    assert {"atheris", "hypothesis", "schemathesis", "mypy"} <= requirements["dev"]
    for extra in ("", "mail", "postgresql", "rehearsal", "traces"):
        assert requirements["dev"] & requirements[extra] == set(), extra
