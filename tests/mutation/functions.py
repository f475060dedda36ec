"""Mutates the functions of the domain by mutmut (settings: `tool.mutmut` in pyproject.toml) and reads what came of it.

A function is changed after its module was imported. What runs while a module is imported is there already by then, so
that each mutant of such a function is tried once more, in a process of its own that imports it changed.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp.test_utils
import alembic.command
import jinja2
import lxml.etree
import pydantic
import pytest
import sqlalchemy.ext.asyncio

PRELOADED = (aiohttp, alembic, jinja2, lxml, pydantic, sqlalchemy)
"""What tests import of others: once here, and not in each fork."""

ROOT = Path(__file__).resolve().parents[2]
MUTANTS = ROOT / "mutants"
"""Where mutmut keeps the changed code and its results."""

PREFIX = "gateway.domain."
_OPTIONS = ("-c", os.devnull, "--rootdir", ".", "--noconftest", "-p", "no:cacheprovider")
"""Without settings, fixtures and plugins, which these tests don't need and which take longer than they do."""

_SURVIVED = (0, 33)  # 33: no test runs it
_REQUESTS = "tests/unit/domain/requests"
_TABLES = (
    f"{_REQUESTS}/test_borrowing_effects.py",
    f"{_REQUESTS}/test_lending_effects.py",
    f"{_REQUESTS}/test_machine_borrowing.py",
    f"{_REQUESTS}/test_machine_lending.py",
    f"{_REQUESTS}/test_states.py",
)

IMPORTED: dict[str, tuple[str, ...]] = {
    "circulation_policy._braces_validator": (f"{_REQUESTS}/test_templates.py",),
    "requests.attachments._starts_with": (
        f"{_REQUESTS}/test_lists_and_words.py",
        "tests/unit/services/attachments/test_types.py",
    ),
    "requests.borrowing_table._next_supplier_cell": _TABLES,
    "requests.citation_matching._number_extractor": ("tests/unit/store/requests/test_fingerprint.py",),
    "requests.request_updates._make_flag_change": _TABLES,
    "requests.state_table._has_attempt_status": _TABLES,
    "requests.state_table._has_flag": _TABLES,
    "requests.state_table._has_volumes_left": _TABLES,
    "requests.state_table._make_guard": _TABLES,
    "requests.state_table.build_table": (*_TABLES, f"{_REQUESTS}/test_tables.py"),
    "requests.state_table.combine_guards": (*_TABLES, f"{_REQUESTS}/test_tables.py"),
    "requests.state_table.move_to": _TABLES,
    "requests.state_table.remain": _TABLES,
    "requests.task_lists._borrowing_list": (f"{_REQUESTS}/test_lists_and_words.py",),
    "requests.task_lists._lending_list": (f"{_REQUESTS}/test_lists_and_words.py",),
    "value.value_object": ("tests/unit/domain/test_values.py",),
}
"""Functions that run while their module is imported, and the tests that look at what they made."""


@dataclass(frozen=True)
class FunctionMutant:
    """`name`: as mutmut calls it; `function`: below `gateway.domain`, such as `requests.rota.can_ask_supplier`;
    `noticed` None: it was not tried."""

    name: str
    function: str
    noticed: bool | None

    @property
    def module(self) -> str:
        return self.function.rpartition(".")[0]


def run_trials(names: list[str]) -> None:
    """Of all mutants that have no result yet; of those that are named in any case. Raises CalledProcessError."""
    subprocess.run([sys.executable, "tests/mutation/trials.py", *names], cwd=ROOT, check=True)


def read_mutants() -> list[FunctionMutant]:
    """In the order of modules and functions; those of IMPORTED as mutmut saw them."""
    found = []
    for file in sorted((MUTANTS / "gateway" / "domain").rglob("*.meta")):
        for name, code in json.loads(file.read_text(encoding="utf-8"))["exit_code_by_key"].items():
            found.append(
                FunctionMutant(name, plain_function_name(name), None if code is None else code not in _SURVIVED)
            )
    return found


def plain_function_name(mutant: str) -> str:
    """`gateway.domain.library.xǁPatronǁfind_block__mutmut_2` -> `library.Patron.find_block`"""
    module, _, rest = mutant.rpartition("__mutmut_")[0].removeprefix(PREFIX).rpartition(".x")
    return f"{module}.{rest.removeprefix('ǁ').replace('ǁ', '.') if rest.startswith('ǁ') else rest.removeprefix('_')}"


def try_imported_mutants(mutants: list[FunctionMutant]) -> Iterator[FunctionMutant]:
    """The same, those of IMPORTED with what became of them in a process of their own. Raises RuntimeError when their
    tests fail without any mutant."""
    os.chdir(ROOT)
    for tests in set(IMPORTED.values()):
        if _fails_when_imported("", tests):
            raise RuntimeError(f"without any mutant there is a failure in {', '.join(tests)}")
    for mutant in mutants:
        tests = IMPORTED.get(mutant.function, ())
        yield replace(mutant, noticed=_fails_when_imported(mutant.name, tests)) if tests else mutant


def _fails_when_imported(mutant: str, tests: tuple[str, ...]) -> bool:
    """In a fork, so that what others have made is imported once. `gateway` itself must not be imported here yet."""
    assert "gateway" not in sys.modules, "it would be the one without mutants"
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0
    code = 1
    try:
        os.environ["MUTANT_UNDER_TEST"] = mutant
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        os.environ["ILLGATE_FREEZE"] = "1"  # as the tests set it before `gateway` is imported
        sys.path.insert(0, str(MUTANTS))
        importlib.import_module("gateway")  # before pytest puts the folder of the tests in front
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        code = int(pytest.main(["-x", "-q", *_OPTIONS, *tests]))
    finally:
        os._exit(code)


def count_survivors(mutants: list[FunctionMutant]) -> Counter[str]:
    """By function."""
    return Counter(one.function for one in mutants if one.noticed is False)
