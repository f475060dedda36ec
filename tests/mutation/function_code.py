"""Functions of the program, their mutants by mutmut's operators, and how one takes the place of what runs.

A mutant is the code object of its function compiled from changed source. It is put into the function that is there
already, so that whoever has imported that runs it, and nothing has to be copied or imported anew.
"""

from __future__ import annotations

import ast
import builtins
import functools
import importlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import libcst
from mutmut.mutation.file_mutation import create_mutations

ROOT = Path(__file__).resolve().parents[2]

NOTE_REACHED = "_note_reached_function"
"""Name among the builtins of what a function calls first while it is noted which tests reach it."""

_SENTENCES = {"write_sentence", "mark_text", "gettext", "ngettext"}
_LOGGERS = {"log", "logger"}

CodeKey = tuple[str, int]
"""The qualified name and the first line of a function in its module."""


@dataclass(frozen=True)
class ProgramFunction:
    """A function of a module, or a method. `first` and `last`: its lines; `size`: of its syntax tree."""

    file: Path
    name: str
    first: int
    last: int
    size: int

    @property
    def module(self) -> str:
        return module_of_file(self.file)

    @property
    def full_name(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(frozen=True)
class FunctionMutant:
    """`number`: among those of its function; `source`: of the whole changed module; `change`: its lines before and
    after."""

    function: ProgramFunction
    number: int
    source: str
    change: str

    def __str__(self) -> str:
        return f"{self.function.full_name} {self.number}: {self.change}"


def module_of_file(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def list_functions(file: Path) -> list[ProgramFunction]:
    """Those that mutmut makes mutants of: decorated ones only where they are methods of a class or static."""
    return list(_iter_functions(ast.parse(file.read_text(encoding="utf-8")).body, "", file))


def _iter_functions(body: Iterable[ast.stmt], prefix: str, file: Path) -> Iterator[ProgramFunction]:
    for node in body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() if _is_plain(node):
                size = sum(1 for _ in ast.walk(node))
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                yield ProgramFunction(file, prefix + node.name, first, node.end_lineno or first, size)
            case ast.ClassDef():
                yield from _iter_functions(node.body, f"{prefix}{node.name}.", file)
            case _:
                continue


def _is_plain(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    match node.decorator_list:
        case [] | [ast.Name(id="staticmethod" | "classmethod")]:
            return True
    return False


# --- mutants -------------------------------------------------------------------------------------------------


def iter_mutants(
    function: ProgramFunction, order: Callable[[list[int]], None] = lambda numbers: None
) -> Iterator[FunctionMutant]:
    """Those that change what runs: no defaults of parameters, no words of logs and sentences. `order` puts their
    numbers in another one."""
    source = function.file.read_text(encoding="utf-8")
    lines = source.splitlines(keepends=True)
    before, own, after = lines[: function.first - 1], lines[function.first - 1 : function.last], lines[function.last :]
    head = "class Holder:\n" if own[0][0].isspace() else ""
    snippet = head + "".join(own)
    tree, mutations, *_ = create_mutations(str(function.file), snippet, covered_lines=_list_telling_lines(snippet))
    original = _describe_code(compile_function(source, function))
    numbers = list(range(len(mutations)))
    order(numbers)
    for number in numbers:
        changed = tree.deep_replace(mutations[number].original_node, mutations[number].mutated_node)
        assert isinstance(changed, libcst.Module)
        whole = "".join(before) + changed.code.removeprefix(head) + "".join(after)
        if _describe_code(compile_function(whole, function)) != original:
            yield FunctionMutant(function, number, whole, _describe_change(snippet, changed.code))


def _list_telling_lines(snippet: str) -> set[int]:
    """All but those on which something is logged, or a sentence written: golden files have these."""
    lines = set(range(1, snippet.count("\n") + 2))
    for node in ast.walk(ast.parse(snippet)):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in _SENTENCES:
                lines -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name))) if name in _LOGGERS:
                lines -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
            case _:
                continue
    return lines


def _describe_change(before: str, after: str) -> str:
    """The lines that differ, without what surrounds them."""
    old, new = before.splitlines(), after.splitlines()
    while old and new and old[0] == new[0]:
        del old[0], new[0]
    while old and new and old[-1] == new[-1]:
        del old[-1], new[-1]
    return " ".join(line.strip() for line in old) + "  ->  " + " ".join(line.strip() for line in new)


def compile_function(source: str, function: ProgramFunction) -> CodeType:
    """Its code in a changed module. Raises SyntaxError."""
    module = compile(source, str(function.file), "exec", dont_inherit=True)
    return next(code for key, code in _iter_codes(module) if key == (function.name, function.first))


def _iter_codes(code: CodeType) -> Iterator[tuple[CodeKey, CodeType]]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield (constant.co_qualname, constant.co_firstlineno), constant
            yield from _iter_codes(constant)


def _describe_code(code: CodeType) -> object:
    """What it does, wherever it stands."""
    constants = tuple(_describe_code(one) if isinstance(one, CodeType) else (type(one), one) for one in code.co_consts)
    return code.co_code, constants, code.co_names, code.co_varnames, code.co_freevars


# --- what runs -----------------------------------------------------------------------------------------------


def put_in_place(mutant: FunctionMutant) -> bool:
    """Of its function, wherever that is known. False: nothing that runs has this code."""
    function = mutant.function
    live = _find_live_functions(importlib.import_module(function.module))[function.name, function.first]
    code = compile_function(mutant.source, function)
    for one in live:
        one.__code__ = code
    return bool(live)


def note_reached(files: Iterable[Path], note: Callable[[str], None]) -> None:
    """From now on each function of these files calls `note` with its full name when it begins."""
    setattr(builtins, NOTE_REACHED, note)
    for file in files:
        functions = {(one.name, one.first): one.full_name for one in list_functions(file)}
        tree = ast.parse(file.read_text(encoding="utf-8"))
        _add_notes(tree.body, "", functions)
        codes = dict(_iter_codes(compile(ast.fix_missing_locations(tree), str(file), "exec", dont_inherit=True)))
        live = _find_live_functions(importlib.import_module(module_of_file(file)))
        for key in functions:
            for one in live[key]:
                one.__code__ = codes[key]


def _add_notes(body: Iterable[ast.stmt], prefix: str, functions: Mapping[CodeKey, str]) -> None:
    for node in body:
        if isinstance(node, ast.ClassDef):
            _add_notes(node.body, f"{prefix}{node.name}.", functions)
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        if full_name := functions.get((prefix + node.name, first)):
            call = ast.Call(ast.Name(NOTE_REACHED, ast.Load()), [ast.Constant(full_name)], [])
            node.body.insert(0, ast.copy_location(ast.Expr(call), node.body[0]))


def _find_live_functions(module: ModuleType) -> Mapping[CodeKey, list[FunctionType]]:
    """Those that were defined in this module, also inside of descriptors and wrappers."""
    live: defaultdict[CodeKey, list[FunctionType]] = defaultdict(list)
    seen: set[int] = set()
    todo: list[Any] = list(vars(module).values())
    while todo:
        one = todo.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        match one:
            case staticmethod() | classmethod():
                todo.append(one.__func__)
            case property():
                todo += [one.fget, one.fset]
            case functools.cached_property():
                todo.append(one.func)
            case type() if one.__module__ == module.__name__:
                todo += vars(one).values()
            case FunctionType() if one.__code__.co_filename == module.__file__:
                live[one.__code__.co_qualname, one.__code__.co_firstlineno].append(one)
        if hasattr(type(one), "__wrapped__") or "__wrapped__" in getattr(one, "__dict__", {}):
            todo.append(one.__wrapped__)
    return live
