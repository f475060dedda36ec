"""Mutates the state tables of managed requests, one place after the other, and tells which changes no test notices.

mutmut changes what is inside functions; the tables are data of their modules. A mutation takes away one effect, one
condition, one branch or one cell, or lets a state stay as it is. Each is tried in a process of its own, on the tests of
the tables: `python -m tests.mutation.state_tables [borrowing_table|lending_table]`. Exit code 1: some survived that
docs/mutation-tests.md doesn't explain; 2: the tests fail without any mutation.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from types import ModuleType

import pytest

from gateway.domain.requests.borrowing_table import BORROWING
from gateway.domain.requests.lending_table import LENDING
from gateway.domain.requests.state_table import StateTable
from tests.mutation.explained import read_explained_table_mutations

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "gateway.domain.requests"
TABLES = {"borrowing_table": "BORROWING", "lending_table": "LENDING"}
FOLDER = "tests/unit/domain/requests"
TESTS = (
    f"{FOLDER}/test_borrowing_effects.py",
    f"{FOLDER}/test_lending_effects.py",
    f"{FOLDER}/test_machine_borrowing.py",
    f"{FOLDER}/test_machine_lending.py",
    f"{FOLDER}/test_tables.py",
    f"{FOLDER}/test_states.py",
)

_EFFECTS = {"StartTimer", "StopTimer", "NotifyPartner", "SendPatronLetter", "CallLibrary", "RunFollowUp"}


@dataclass(frozen=True)
class TableMutation:
    """The change of this `number` (from 0) in a table's module; `change`: what is taken away in that line."""

    module: str
    number: int
    line: int
    change: str

    @property
    def key(self) -> str:
        """As it stands in docs/mutation-tests.md: without the line, which every edit moves."""
        return f"{self.module}: {self.change}"

    def __str__(self) -> str:
        return f"{self.module}:{self.line}: {self.change}"


def list_mutations(module: str) -> list[TableMutation]:
    changes = enumerate(_iter_changes(_parse_module(module)))
    return [TableMutation(module, number, place.line, change) for number, (place, change) in changes]


def mutated_source(mutation: TableMutation) -> str:
    """Of the whole module."""
    tree = _parse_module(mutation.module)
    change, _ = list(_iter_changes(tree))[mutation.number]
    change.apply()
    return ast.unparse(ast.fix_missing_locations(tree))


def _parse_module(module: str) -> ast.Module:
    return ast.parse((ROOT / PACKAGE.replace(".", "/") / f"{module}.py").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class _Removal:
    """Takes the element at `index` out of `elements` (and of `twins`, a list beside it)."""

    elements: list[ast.expr]
    index: int
    line: int
    twins: list[ast.expr | None] | None = None

    def apply(self) -> None:
        del self.elements[self.index]
        if self.twins is not None:
            del self.twins[self.index]


@dataclass(frozen=True)
class _KeywordRemoval:
    call: ast.Call
    keyword: ast.keyword
    line: int

    def apply(self) -> None:
        self.call.keywords.remove(self.keyword)


@dataclass(frozen=True)
class _Stay:
    """`move_to(STATE, …)` becomes `move_to(None, …)`."""

    call: ast.Call
    line: int

    def apply(self) -> None:
        self.call.args[0] = ast.Constant(None)


_Change = _Removal | _KeywordRemoval | _Stay


def _iter_changes(tree: ast.Module) -> Iterator[tuple[_Change, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="move_to" | "remain" | "Branch")):
                yield from _iter_branch_changes(node)
            case ast.Tuple(elts=elements) if len(elements) > 1 and not _is_pattern(node):
                for index, element in enumerate(elements):
                    if _is_effect(element) or _is_branch(element):
                        yield _Removal(elements, index, element.lineno), f"without {ast.unparse(element)}"
            case ast.Dict(keys=keys, values=values):
                for index, key in enumerate(keys):
                    if key is not None and isinstance(key, ast.Call):  # a cell; a row that lacks ends the program
                        yield _Removal(values, index, key.lineno, keys), f"without the cell {ast.unparse(key)}"
            case _:
                continue


def _is_pattern(node: ast.Tuple) -> bool:
    return isinstance(node.ctx, ast.Store)


def _is_effect(node: ast.expr) -> bool:
    match node:
        case ast.Call(func=ast.Name(id=name)):
            return name in _EFFECTS
        case ast.Starred() | ast.Name(id="_FIND" | "_DECIDED"):
            return True
    return False


def _is_branch(node: ast.expr) -> bool:
    match node:
        case ast.Call(func=ast.Name(id="move_to" | "remain" | "Branch")):
            return True
        case ast.Name(id=name):
            return name == "KEPT" or name in ("_IT_COMES", "_OLD_NEWS", "_CANCELLED", "_EXPIRED", "_CLOSED")
    return False


def _iter_branch_changes(call: ast.Call) -> Iterator[tuple[_Change, str]]:
    assert isinstance(call.func, ast.Name)
    if call.func.id == "move_to":
        yield _Stay(call, call.lineno), f"staying instead of {ast.unparse(call.args[0])}"
    for index, argument in enumerate(call.args):
        if _is_effect(argument):
            yield _Removal(call.args, index, argument.lineno), f"without {ast.unparse(argument)}"
    for keyword in call.keywords:
        if keyword.arg in ("when", "kept"):
            yield _KeywordRemoval(call, keyword, keyword.value.lineno), f"without {ast.unparse(keyword)}"


# --- trying one ------------------------------------------------------------------------------------------


def build_mutated_table(mutation: TableMutation) -> StateTable:
    """The table as the changed module makes it. Raises whatever the module raises."""
    module = ModuleType(f"{PACKAGE}.mutated")
    exec(compile(mutated_source(mutation), f"<mutated {mutation.module}>", "exec"), module.__dict__)
    table: StateTable = vars(module)[TABLES[mutation.module]]
    return table


def is_noticed(mutation: TableMutation) -> bool:
    """Whether a test fails, or the module can't be made, with this change."""
    try:
        mutated = build_mutated_table(mutation)
    except (ValueError, TypeError, KeyError, AttributeError):
        return True
    table = BORROWING if mutation.module == "borrowing_table" else LENDING
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0
    for field in fields(table):  # in place, since tests and state machine have imported it
        object.__setattr__(table, field.name, getattr(mutated, field.name))
    os._exit(run_tests())


def run_tests(*options: str) -> int:
    silent = os.open(os.devnull, os.O_WRONLY)
    kept = os.dup(1), os.dup(2)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    try:
        return int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *options, *TESTS]))
    finally:
        os.dup2(kept[0], 1)
        os.dup2(kept[1], 2)
        for one in (silent, *kept):
            os.close(one)


def main(wanted: Sequence[str]) -> int:
    os.chdir(ROOT)
    if run_tests():  # which imports all that a mutation needs, once for all
        print("the tests fail without any mutation")
        return 2
    mutations = [one for module in wanted or TABLES for one in list_mutations(module)]
    may_survive = read_explained_table_mutations()
    noticed = explained = unexplained = 0
    for mutation in mutations:
        if is_noticed(mutation):
            noticed += 1
        elif mutation.key in may_survive:
            explained += 1
        else:
            unexplained += 1
            print(f"survived: {mutation}", flush=True)
    print(f"{len(mutations)} mutations of state tables: {noticed} noticed, {explained} explained, {unexplained} not")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
