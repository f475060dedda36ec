"""Runs the mutation tests of services, of the store of requests, of matching and of one library system:
`python -m tests.mutation.services [--sample 300] [--seed 1] [--minutes 60] [FUNCTION …]`.

There are some 50,000 mutants, so a run tries a sample, or all of those of the functions that are named (`*` stands for
anything). One process collects the tests and runs none. A fork of it notes which tests reach which function, once for
each test; then each mutant gets a fork of its own, which runs the tests that reach its function, those first that have
noticed most. Needs the extra `mutation`. Exit code 1: the score is too low, or something survived that
docs/mutation-tests.md doesn't explain.
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tests.mutation.explained import read_explained_functions
from tests.mutation.function_code import (
    ROOT,
    FunctionMutant,
    ProgramFunction,
    iter_mutants,
    list_functions,
    note_reached,
    put_in_place,
)

AREAS = ("gateway/services", "gateway/store/requests", "gateway/profiles/matching.py", "adapters/library/koha")
TESTS = (
    *("tests/unit/services", "tests/unit/store", "tests/unit/profiles", "tests/unit/policies", "tests/unit/cli"),
    *("tests/unit/adapters/koha", "tests/library_contract", "tests/protocol/api", "tests/protocol/ncip"),
    *("tests/protocol/pages", "tests/protocol/staff"),
)
OPTIONS = (
    *("-q", "-s", "-m", "not long and not postgresql", "-p", "no:randomly", "-p", "no:cacheprovider"),
    *("-p", "no:unraisableexception", "-W", "ignore::ResourceWarning"),  # what a fork leaves is no fault of its test
)
REACHED = ROOT / "mutants" / "services-reached.json"

MIN_SCORE = 0.8
MUTANT_SECONDS = 60
"""Of the tests that reach a mutant the quickest are run, for so long by what each took when it was noted."""

HANGING = 10
"""So many times as long, and a minute more, a mutant may take: then it hangs, which is noticed."""


@dataclass
class Reached:
    """`tests` by function; `seconds` by test, None for one that fails without any mutant."""

    tests: dict[str, list[str]]
    seconds: dict[str, float | None]

    def list_tests(self, function: str, items: Mapping[str, pytest.Item], failures: Counter[str]) -> dict[str, float]:
        """Those that shall notice a mutant of it, in their order, with their seconds."""
        seconds = {name: self.seconds[name] or 0.0 for name in self.tests.get(function, ()) if name in items}
        passing = sorted((name for name in seconds if self.seconds[name] is not None), key=lambda name: seconds[name])
        left = float(MUTANT_SECONDS)
        kept = [name for name in passing if (left := left - seconds[name]) > 0] or passing[:1]
        return {name: seconds[name] for name in sorted(kept, key=lambda name: (-failures[name], seconds[name]))}


@dataclass(frozen=True)
class Trial:
    """`noticed_by`: the test that failed; empty: it survived."""

    mutant: FunctionMutant
    noticed_by: str


class TrialPlugin:
    """Takes the place of pytest's own loop."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.trials: list[Trial] = []
        self._options = options
        self._failed: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._failed.add(report.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed:
            raise session.Interrupted("the tests can't be collected")
        items = {item.nodeid: item for item in session.items}
        reached = self._note_reached(items)
        until = time.monotonic() + 60 * self._options.minutes
        failures: Counter[str] = Counter()
        for number, mutant in enumerate(_choose_mutants(self._options, reached), 1):
            if time.monotonic() > until:
                break
            names = reached.list_tests(mutant.function.full_name, items, failures)
            trial = Trial(mutant, self._try_mutant(mutant, [items[name] for name in names], sum(names.values())))
            failures[trial.noticed_by] += 1
            self.trials.append(trial)
            print(f"{number}: {mutant}\n   {trial.noticed_by or f'SURVIVES {len(names)} tests'}", flush=True)
        return True

    def _note_reached(self, items: Mapping[str, pytest.Item]) -> Reached:
        """With what was noted in earlier runs."""
        reached = Reached(**json.loads(REACHED.read_text(encoding="utf-8"))) if REACHED.exists() else Reached({}, {})
        new = [item for name, item in items.items() if name not in reached.seconds]
        if not new:
            return reached
        REACHED.parent.mkdir(exist_ok=True)
        run_in_fork(lambda: self._note_tests(new, reached), 24 * 3_600)
        return Reached(**json.loads(REACHED.read_text(encoding="utf-8")))

    def _note_tests(self, items: Sequence[pytest.Item], reached: Reached) -> int:
        functions: set[str] = set()
        note_reached(_list_files(), functions.add)
        for item, following in zip(items, [*items[1:], None], strict=True):
            functions.clear()
            begun = time.monotonic()
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            seconds = time.monotonic() - begun
            reached.seconds[item.nodeid] = None if item.nodeid in self._failed else seconds
            for function in functions:
                reached.tests.setdefault(function, []).append(item.nodeid)
            if following is None or len(reached.seconds) % 100 == 0:
                REACHED.write_text(json.dumps(vars(reached)), encoding="utf-8")
        return 0

    def _try_mutant(self, mutant: FunctionMutant, tests: Sequence[pytest.Item], seconds: float) -> str:
        """The test that notices it; empty: none does."""

        place = mmap.mmap(-1, 4)  # shared with the fork: the number of the test that runs

        def run_tests() -> int:
            if not tests or not put_in_place(mutant):
                return 0
            for number, (item, following) in enumerate(zip(tests, [*tests[1:], None], strict=True)):
                place[:] = number.to_bytes(4)
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                if item.nodeid in self._failed:
                    return 1
            return 0

        code = run_in_fork(run_tests, HANGING * seconds + 60)
        return tests[int.from_bytes(place[:])].nodeid if code else ""


def run_in_fork(work: Callable[[], int], seconds: float) -> int:
    """What `work` returns, without what it prints; another number when it raises or takes too long. What it has started
    is ended."""
    sys.stdout.flush()
    child = os.fork()
    if not child:
        code = 1
        try:
            os.setpgid(0, 0)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, seconds)
            silent = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silent, 1)
            os.dup2(silent, 2)
            code = work()
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    return code


def _list_files() -> list[Path]:
    files = (file for area in AREAS for file in (ROOT / area).parent.rglob("*.py") if is_below(file, ROOT / area))
    return sorted(files)


def is_below(file: Path, area: Path) -> bool:
    return file == area or area in file.parents


def _choose_mutants(options: argparse.Namespace, reached: Reached) -> Iterator[FunctionMutant]:
    """All of the functions that are named; else a sample, in which a function counts as much as it has code."""
    functions = [one for file in _list_files() for one in list_functions(file)]
    if options.functions:
        wanted = (one for one in functions if any(fnmatchcase(one.full_name, name) for name in options.functions))
        for function in wanted:
            yield from iter_mutants(function)
        return
    chance = random.Random(options.seed)
    tried: set[tuple[ProgramFunction, int]] = set()
    functions = [one for one in functions if options.tests is TESTS or one.full_name in reached.tests]
    while len(tried) < options.sample:
        (function,) = chance.choices(functions, [one.size for one in functions])
        new = (one for one in iter_mutants(function, chance.shuffle) if (function, one.number) not in tried)
        if (mutant := next(new, None)) is not None:
            tried.add((function, mutant.number))
            yield mutant


def print_figures(trials: Sequence[Trial]) -> None:
    """Those of each area, and of all."""
    rows = [(area, [one for one in trials if is_below(one.mutant.function.file, ROOT / area)]) for area in AREAS]
    print(f"\n{'area':32} {'tried':>8} {'noticed':>8} {'score':>7}")
    for area, group in [*rows, ("all", list(trials))]:
        noticed = sum(bool(one.noticed_by) for one in group)
        print(f"{area:32} {len(group):8} {noticed:8} {noticed / max(1, len(group)):>7.1%}")


def find_unexplained(trials: Sequence[Trial]) -> list[FunctionMutant]:
    """Survivors of functions of which more survive than docs/mutation-tests.md says."""
    survivors = [one.mutant for one in trials if not one.noticed_by]
    counts = Counter(one.function.full_name for one in survivors)
    explained = read_explained_functions()
    more = {name for name, count in counts.items() if count > (explained[name].count if name in explained else 0)}
    return [one for one in survivors if one.function.full_name in more]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation.services")
    parser.add_argument("functions", nargs="*", metavar="FUNCTION")
    parser.add_argument("--sample", type=int, default=300, help="number of mutants")
    parser.add_argument("--seed", type=int, default=1, help="which ones")
    parser.add_argument("--minutes", type=float, default=24 * 60, help="no mutant begins after so long")
    parser.add_argument(
        "--tests", nargs="+", default=TESTS, help="those that may notice it; then only what they reach is mutated"
    )
    options = parser.parse_args(arguments)
    os.chdir(ROOT)
    plugin = TrialPlugin(options)
    if code := int(pytest.main([*OPTIONS, *options.tests], plugins=[plugin])):
        return code
    print_figures(plugin.trials)
    unexplained = find_unexplained(plugin.trials)
    for mutant in unexplained:
        print(f"survives, and docs/mutation-tests.md doesn't explain it: {mutant}")
    noticed = sum(bool(one.noticed_by) for one in plugin.trials)
    return 1 if unexplained or noticed < MIN_SCORE * len(plugin.trials) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
