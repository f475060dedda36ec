"""The mutation tests name functions, files and mutations that there are; what may survive is explained in the docs."""

from __future__ import annotations

import ast
import tomllib
from functools import cache

import pytest

from tests.mutation.explained import read_explained_functions, read_explained_table_mutations
from tests.mutation.functions import IMPORTED, plain_function_name
from tests.mutation.state_tables import TABLES, TESTS, list_mutations, mutated_source
from tests.support.paths import ROOT

DOMAIN = ROOT / "gateway" / "domain"


@cache
def functions_of_domain() -> frozenset[str]:
    """As mutation tests name them: `requests.rota.choose_rota`, `library.Patron.find_block`."""
    found = set()
    for file in DOMAIN.rglob("*.py"):
        module = ".".join(file.relative_to(DOMAIN).with_suffix("").parts)
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                found.add(f"{module}.{node.name}")
            if isinstance(node, ast.ClassDef):
                found |= {f"{module}.{node.name}.{one.name}" for one in node.body if isinstance(one, ast.FunctionDef)}
    return frozenset(found)


@pytest.mark.parametrize(
    ("mutant", "function"),
    [
        ("gateway.domain.library.xǁPatronǁfind_block__mutmut_2", "library.Patron.find_block"),
        ("gateway.domain.requests.state_table.x__has_flag__mutmut_1", "requests.state_table._has_flag"),
        ("gateway.domain.requests.rota.x_choose_rota__mutmut_12", "requests.rota.choose_rota"),
    ],
)
def test_a_mutant_belongs_to_a_function(mutant: str, function: str) -> None:
    assert plain_function_name(mutant) == function
    assert function in functions_of_domain()


def test_functions_that_are_named_are_there() -> None:
    explained = read_explained_functions()
    assert explained, "the page has its table"
    others = {name for name in explained if name.startswith(("gateway.", "adapters."))}
    assert {*explained, *IMPORTED} - others - functions_of_domain() == set()
    assert [name for name in others if not is_function(name)] == []
    assert all(one.count > 0 and len(one.reason) > 10 for one in explained.values())


def is_function(name: str) -> bool:
    """Of a module, or of a class in one."""
    parts = name.split(".")
    files = [ROOT.joinpath(*parts[:count]).with_suffix(".py") for count in (-1, -2)]
    return any(file.exists() and f"def {parts[-1]}(" in file.read_text(encoding="utf-8") for file in files)


def test_tests_that_are_named_are_there() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mutmut"]
    named = [one for one in settings["pytest_add_cli_args_test_selection"] if one.startswith("tests/")]
    named += [one.removeprefix("--ignore=") for one in settings["pytest_add_cli_args"] if one.startswith("--ignore=")]
    named += [*TESTS, *(test for tests in IMPORTED.values() for test in tests)]
    assert [one for one in named if not (ROOT / one).exists()] == []


@pytest.mark.parametrize("module", TABLES)
def test_every_part_of_a_state_table_is_mutated(module: str) -> None:
    mutations = list_mutations(module)
    changes = {one.change.partition(" ")[0] for one in mutations}
    assert changes == {"without", "staying"}
    assert len(mutations) > 200
    assert all(compile(mutated_source(one), module, "exec") for one in mutations[:: len(mutations) // 10])


def test_mutations_of_tables_that_are_explained_are_there() -> None:
    keys = {one.key for module in TABLES for one in list_mutations(module)}
    assert set(read_explained_table_mutations()) - keys == set()
