"""Runs the mutation tests of gateway/domain and says what survived: `python -m tests.mutation [MUTANT …]`.

Needs the extra `mutation`. A run that was stopped goes on where it was. MUTANT: some that are tried once more, such as
those whose survival a new test should end (`*` stands for anything). Exit code 1: the score is too low, or something
survived that docs/mutation-tests.md doesn't explain.
"""

from __future__ import annotations

import sys
from collections import Counter

from tests.mutation.explained import read_explained_functions
from tests.mutation.functions import (
    FunctionMutant,
    count_survivors,
    read_mutants,
    run_trials,
    try_imported_mutants,
)

MIN_SCORE = 0.85


def main(names: list[str]) -> int:
    run_trials(names)
    mutants = list(try_imported_mutants(read_mutants()))
    print_figures(mutants)
    unexplained = find_unexplained(count_survivors(mutants))
    for function, count in unexplained.items():
        print(f"{function}: {count} mutants survive that docs/mutation-tests.md doesn't explain")
    noticed = sum(one.noticed is True for one in mutants)
    tried = sum(one.noticed is not None for one in mutants)
    from tests.mutation import state_tables  # only now: it imports the domain, which must be imported mutated before

    tables = state_tables.main([])
    return 1 if tables or unexplained or noticed < MIN_SCORE * tried else 0


def print_figures(mutants: list[FunctionMutant]) -> None:
    """Of each module, and of all."""
    modules = list(dict.fromkeys(one.module for one in mutants))
    rows = [(module, [one for one in mutants if one.module == module]) for module in modules]
    print(f"{'module':32} {'mutants':>8} {'tried':>8} {'noticed':>8} {'score':>7}")
    for name, group in [*rows, ("all", mutants)]:
        tried = [one for one in group if one.noticed is not None]
        noticed = sum(one.noticed is True for one in tried)
        score = f"{noticed / len(tried):.1%}" if tried else ""
        print(f"{name:32} {len(group):8} {len(tried):8} {noticed:8} {score:>7}")


def find_unexplained(survivors: Counter[str]) -> dict[str, int]:
    """By function, how many more survive than are explained."""
    explained = read_explained_functions()
    more = {name: count - (explained[name].count if name in explained else 0) for name, count in survivors.items()}
    return {name: count for name, count in more.items() if count > 0}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
