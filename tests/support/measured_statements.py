"""A program that carries statements out on one SQLite: which plan it makes, how many steps it takes, what it gives.

`python measured_statements.py DRIVER` reads a pickled `[file, analyze, statements]`, each statement as its SQL, its
values and the most steps that it may take, and answers with a list of `(plan, steps, rows)`. Nothing is kept of what
statements change. It imports nothing of the gateway: the driver may lie in a folder of its own.
"""

from __future__ import annotations

import importlib
import pickle
import sys
from typing import Any

STEPS_AT_ONCE = 20
"""Steps of the virtual machine that are counted together: to count each one takes longer than the steps."""

CHANGED = "changed"
"""In place of rows, with the number of those that a statement changed."""

STOPPED = ("stopped",)
"""In place of the rows of a statement that took too many steps."""


def main(driver: str) -> None:
    sqlite: Any = importlib.import_module(driver)
    file, analyze, statements = pickle.load(sys.stdin.buffer)
    connection = sqlite.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode=MEMORY")
    connection.execute("PRAGMA synchronous=OFF")
    if analyze:
        connection.execute("ANALYZE")
    measured = [_measure_statement(connection, sqlite, *statement) for statement in statements]
    pickle.dump(measured, sys.stdout.buffer)


def _measure_statement(connection: Any, sqlite: Any, sql: str, values: tuple[Any, ...], most: int) -> tuple[Any, ...]:
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
    steps = 0

    def count_step() -> bool:
        nonlocal steps
        steps += STEPS_AT_ONCE
        return steps > most

    connection.execute("BEGIN")
    connection.set_progress_handler(count_step, STEPS_AT_ONCE)
    try:
        cursor = connection.execute(sql, values)
        rows = [(CHANGED, cursor.rowcount)] if cursor.description is None else cursor.fetchall()
    except sqlite.OperationalError:
        if steps <= most:
            raise
        rows = [STOPPED]
    finally:
        connection.set_progress_handler(None, 1)
        connection.execute("ROLLBACK")
    return plan, steps, rows


if __name__ == "__main__":
    main(sys.argv[1])
