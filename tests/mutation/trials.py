"""Makes the mutants of the domain by mutmut and tries them: `python tests/mutation/trials.py [MUTANT …]`.

mutmut starts pytest anew for each mutant, which takes longer than the tests; a test that pytest doesn't find counts as
one that fails; and what a test run before has left in caches hides mutants. Here one process imports and collects all
tests, runs none, and forks for each mutant. Tests that need no fixture are simply called, those that have noticed most
mutants first. Run by its file, not as a module: the package `tests` is that of the copy in `mutants/`.
"""

from __future__ import annotations

import inspect
import io
import json
import mmap
import os
import resource
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from _pytest.outcomes import Skipped
from mutmut import __main__ as mutmut
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.state import state
from mutmut.utils.format_utils import mangled_name_from_mutant_name

ROOT = Path(__file__).resolve().parents[2]
MUTANTS = ROOT / "mutants"
REACHED = MUTANTS / "reached.json"

NOTICED, UNNOTICED, UNREACHED = 1, 0, 33
"""Results, in mutmut's words: exit codes of pytest, and its own for a mutant that no test reaches."""

CPU_SECONDS = 5
"""Besides ten times what the tests take: a mutant may run for ever, which is noticed by then."""

_FOR_ALL = {"answers", "event_loop_policy", "every_answer_is_valid", "logs_unchanged", "request"}
"""Fixtures that every test has, and that a test of the domain does without."""
_WITH_FIXTURES = {"asyncio", "skip", "skipif", "usefixtures", "xfail"}


@dataclass
class Reached:
    """`tests` by function, as mutmut mangles its name; `seconds` by test, of CPU."""

    tests: dict[str, list[str]]
    seconds: dict[str, float]


@dataclass(frozen=True)
class Mutant:
    """`meta`: where mutmut keeps the results of its module."""

    name: str
    meta: Path


def make_mutants() -> None:
    """Of functions that have changed since; results of the others stay."""
    os.chdir(ROOT)
    set_mutant_under_test("mutant_generation")
    MUTANTS.mkdir(exist_ok=True)
    with redirect_stdout(io.StringIO()):  # it names every file
        mutmut.copy_src_dir()
        mutmut.copy_also_copy_files()
        mutmut.setup_source_paths()
        mutmut.create_mutants(os.cpu_count() or 1)


class TrialPlugin:
    """Takes the place of pytest's own loop. `patterns`: which mutants, empty: those that have no result yet."""

    def __init__(self, patterns: list[str]) -> None:
        self._patterns = patterns
        self._failures: Counter[str] = Counter()  # by test

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed:
            raise session.Interrupted("the tests can't be collected")
        items = {item.nodeid: item for item in session.items}
        if _run_in_fork(lambda: _record_reached(session, list(items.values())), 3_600) != 0:
            raise session.Interrupted("without any mutant there is a failure")
        found = json.loads(REACHED.read_text(encoding="utf-8"))
        self._try_mutants(session, items, Reached(found["tests"], found["seconds"]))
        return True

    def _try_mutants(self, session: pytest.Session, items: dict[str, pytest.Item], reached: Reached) -> None:
        mutants = list(self._list_mutants())
        for number, mutant in enumerate(mutants, 1):
            names = reached.tests.get(mangled_name_from_mutant_name(mutant.name), [])
            names.sort(key=lambda name: (-self._failures[name], reached.seconds[name]))
            result = self._try_mutant(session, mutant, [items[name] for name in names], reached)
            content = json.loads(mutant.meta.read_text(encoding="utf-8"))
            content["exit_code_by_key"][mutant.name] = result
            mutant.meta.write_text(json.dumps(content, indent=4), encoding="utf-8")
            if result in (UNNOTICED, UNREACHED):
                print(f"{number} of {len(mutants)}: {mutant.name} survives", flush=True)

    def _list_mutants(self) -> Iterator[Mutant]:
        for meta in sorted((MUTANTS / "gateway" / "domain").rglob("*.meta")):
            for name, result in json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"].items():
                wanted = any(fnmatchcase(name, pattern) for pattern in self._patterns)
                if wanted or (not self._patterns and result is None):
                    yield Mutant(name, meta)

    def _try_mutant(self, session: pytest.Session, mutant: Mutant, tests: list[pytest.Item], reached: Reached) -> int:
        if not tests:
            return UNREACHED
        place = mmap.mmap(-1, 2)  # shared with the fork: the number of the test that runs

        def run_tests() -> int:
            set_mutant_under_test(mutant.name)
            for number, item in enumerate(tests):
                place[:] = number.to_bytes(2)
                _run_test(session, item)
            return UNNOTICED

        seconds = sum(reached.seconds[item.nodeid] for item in tests)
        if _run_in_fork(run_tests, int(10 * seconds) + CPU_SECONDS) == UNNOTICED:
            return UNNOTICED
        self._failures[tests[int.from_bytes(place[:])].nodeid] += 1
        return NOTICED


def _run_in_fork(work: Callable[[], int], cpu_seconds: int) -> int:
    """What `work` gives, without what it prints; another number when it raises or takes too long."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = NOTICED
    try:
        limit = int(time.process_time()) + cpu_seconds
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        code = work()
    finally:
        os._exit(code)


def _record_reached(session: pytest.Session, items: list[pytest.Item]) -> int:
    """Which tests reach which functions. Raises what a test raises."""
    set_mutant_under_test("stats")
    reached = Reached({}, {})
    functions: set[str] = state()._stats
    functions.clear()
    for item in items:
        begun = time.process_time()
        _run_test(session, item)
        reached.seconds[item.nodeid] = time.process_time() - begun
        for function in functions:
            reached.tests.setdefault(function, []).append(item.nodeid)
        functions.clear()
    REACHED.write_text(json.dumps(vars(reached)), encoding="utf-8")
    return 0


def _run_test(session: pytest.Session, item: pytest.Item) -> None:
    """Raises when it fails."""
    if isinstance(item, pytest.Function) and not _needs_fixtures(item):
        with suppress(Skipped):
            item.obj(**_parameters(item))
        return
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
    if session.testsfailed:
        raise AssertionError(item.nodeid)


def _needs_fixtures(item: pytest.Function) -> bool:
    return (
        bool(set(item.fixturenames) - _FOR_ALL - set(_parameters(item)))
        or inspect.iscoroutinefunction(item.obj)
        or any(mark.name in _WITH_FIXTURES for mark in item.iter_markers())
    )


def _parameters(item: pytest.Function) -> dict[str, Any]:
    return dict(item.callspec.params) if hasattr(item, "callspec") else {}


def main(patterns: list[str]) -> int:
    make_mutants()
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mutmut"]
    os.chdir(MUTANTS)
    os.environ["ILLGATE_FREEZE"] = "1"  # as the tests set it before `gateway` is imported
    set_mutant_under_test("")
    sys.path.insert(0, str(MUTANTS))
    arguments = [*settings["pytest_add_cli_args_test_selection"], *settings["pytest_add_cli_args"]]
    return int(pytest.main(["-q", "-s", "--rootdir=.", *arguments], plugins=[TrialPlugin(patterns)]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
