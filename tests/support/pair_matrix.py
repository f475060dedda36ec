"""Tables of what becomes of requests between two gateways, and through a third that brokers, by each way in which they
can be joined (tests/support/joined_ways.py).

`python -m tests.support.pair_matrix` plays all cells and prints the tables; words after it choose ways by their names,
as in `python -m tests.support.pair_matrix iso18626-2021 artemail`, and `--at-once 2` says how many processes play. What
becomes of each cell goes to stderr as soon as it is known. A cell says `yes`, or why the standard can't say it; the
command ends with 1 where one says `fails`. The tests in tests/interop play a part of it, and `make test-long` more.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing.util import Finalize
from pathlib import Path

from gateway.domain.value import value_object
from tests.faults.joined.installations import Template, make_template
from tests.support import brokered_sequences, iso_sequences
from tests.support.dovecot import Dovecot
from tests.support.joined_ways import (
    BY_NCIP,
    TO_BROKER,
    UNSAYABLE,
    WAYS,
    list_unsayable,
    play_desk,
    play_pair,
    play_trio,
)
from tests.support.library_matrix import render_table

MAX_CELL_SECONDS = 300.0
"""A machine that has other work to do needs much longer than the two or three of one that has not."""

MAX_CELLS_OF_A_PROCESS = 25
"""Then another one begins: what a hundred gateways leave in the memory of a process that has had them is much."""


@value_object
class PlayedCase:
    """A case between two gateways, or through a broker that is asked by `near` and asks by `way`. Where either is
    `ncip`, between two, of which the borrower or the lender works by NCIP."""

    case: str
    way: str
    near: str = ""

    @property
    def column(self) -> str:
        return f"{self.near} → {self.way}" if self.near else self.way

    @property
    def reason(self) -> str:
        """Why it can't be said; empty: it can."""
        way = self.near if self.way == BY_NCIP else self.way
        is_brokered = self.near and BY_NCIP not in (self.near, self.way)
        unsayable = list_unsayable(self.near, way) if is_brokered else UNSAYABLE.get(way, {})
        return unsayable.get(self.case, "")


def list_pairs(ways: Sequence[str]) -> list[PlayedCase]:
    return [PlayedCase(case, way) for way in ways for case in iso_sequences.SEQUENCES]


def list_brokered(near: str, ways: Sequence[str]) -> list[PlayedCase]:
    return [PlayedCase(case, way, near) for way in ways for case in brokered_sequences.SEQUENCES]


def list_desks(ways: Sequence[str], *, borrows: bool) -> list[PlayedCase]:
    """Cases in which the library that borrows, or the one that lends, works by NCIP."""
    joined = [(BY_NCIP, way) if borrows else (way, BY_NCIP) for way in ways]
    return [PlayedCase(case, way, near) for near, way in joined for case in iso_sequences.SEQUENCES]


# --- in a process of its own -----------------------------------------------------------------------------


class CellPlayer:
    """What a process needs for all of its cells."""

    def __init__(self, template: Template) -> None:
        self._template = template
        self._dovecot = Dovecot()
        Finalize(self, self._dovecot.stop, exitpriority=0)

    async def play_case(self, played: PlayedCase) -> str:
        """What the cell says."""
        case, near, way = played.case, played.near, played.way
        with tempfile.TemporaryDirectory() as made:
            needed = (self._template, Path(made), self._dovecot)
            async with asyncio.timeout(MAX_CELL_SECONDS):
                if BY_NCIP in (near, way):
                    joined_by, desk = (way, "NORTH") if near == BY_NCIP else (near, "SOUTH")
                    return await play_desk(joined_by, desk, case, *needed)
                if near:
                    await play_trio(near, way, case, *needed)
                else:
                    await play_pair(way, case, *needed)
        return "yes"


_player: CellPlayer


def start_player(template: Template) -> None:
    """In a new process. What gateways log is not for the tables."""
    global _player
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    _player = CellPlayer(template)


def play_in_process(played: PlayedCase) -> tuple[PlayedCase, str, float]:
    """What the cell says, and the seconds that it took. Whatever went wrong is a failure of this cell alone."""
    began = time.monotonic()
    try:
        said = asyncio.run(_player.play_case(played))
    except Exception as error:  # noqa: BLE001  it is told, and the command ends with 1
        said = f"fails: {type(error).__name__} {error}".replace("\n", " ").replace("|", "/")[:120]
    return played, said, time.monotonic() - began


# --- the tables ------------------------------------------------------------------------------------------


def play_all(cases: Sequence[PlayedCase], template: Template, at_once: int) -> Mapping[PlayedCase, str]:
    """What the cells say. Not by an executor of `concurrent.futures`, which may wait for ever in Python 3.11 when a
    process has had its number of cells."""
    said = {one: f"– ({one.reason})" for one in cases if one.reason}
    wanted = [one for one in cases if not one.reason]
    spawned = multiprocessing.get_context("spawn")
    with spawned.Pool(at_once, start_player, (template,), MAX_CELLS_OF_A_PROCESS) as processes:
        for place, (played, result, seconds) in enumerate(processes.imap_unordered(play_in_process, wanted), 1):
            said[played] = result
            sys.stderr.write(f"[{place}/{len(wanted)}] {played.column}, {played.case}: {result} ({seconds:.1f} s)\n")
        processes.close()
        processes.join()  # so that each stops its Dovecot
    return said


def render_cases(head: str, cases: Sequence[PlayedCase], said: Mapping[PlayedCase, str]) -> str:
    columns = tuple(dict.fromkeys(one.column for one in cases))
    rows: dict[str, list[str]] = {}
    for one in cases:
        rows.setdefault(one.case, []).append(said[one])
    return render_table((head, *columns), rows)


def render_tables(ways: Sequence[str], template: Template, at_once: int) -> Iterator[str]:
    """Of pairs, of those in which one works by NCIP, and of ways to a broker with the ways from it."""
    tables = {
        "case": list_pairs(ways),
        "case, borrower by NCIP": list_desks(ways, borrows=True),
        "case, lender by NCIP": list_desks(ways, borrows=False),
    } | {f"case, brokered from {near}": list_brokered(near, ways) for near in TO_BROKER if near in ways}
    said = play_all([one for cases in tables.values() for one in cases], template, at_once)
    return (render_cases(head, cases, said) for head, cases in tables.items())


def main() -> int:
    """1: a cell says `fails`."""
    options = argparse.ArgumentParser(description="Play requests by all ways in which gateways can be joined.")
    options.add_argument("ways", nargs="*", choices=(*WAYS, []), metavar="WAY", help=", ".join(WAYS))
    options.add_argument("--at-once", type=int, default=os.cpu_count(), metavar="N", help="processes that play")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as made:
        tables = "\n".join(render_tables(chosen.ways or tuple(WAYS), make_template(Path(made)), chosen.at_once))
    sys.stdout.write(tables)
    return 1 if "| fails" in tables else 0


if __name__ == "__main__":
    sys.exit(main())
