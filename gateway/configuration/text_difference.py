"""Two texts compared line by line, for people: what was taken away, what was added, and some lines around."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from enum import StrEnum

from gateway.domain.value import value_object

LINES_AROUND = 3


class LineChange(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    SAME = "same"
    LEFT_OUT = "left-out"  # lines that are the same in both


@value_object
class DifferenceLine:
    """`before` and `after`: number of the line in either text, 0: it isn't there."""

    change: LineChange
    before: int
    after: int
    text: str


def compare_texts(before: str, after: str) -> tuple[DifferenceLine, ...]:
    """Empty: they are the same."""
    return tuple(_iter_lines(before.splitlines(), after.splitlines()))


def _iter_lines(before: list[str], after: list[str]) -> Iterator[DifferenceLine]:
    groups = difflib.SequenceMatcher(None, before, after).get_grouped_opcodes(LINES_AROUND)
    for number, group in enumerate(groups):
        if number:
            yield DifferenceLine(LineChange.LEFT_OUT, 0, 0, "")
        for tag, first, stop, new_first, new_stop in group:
            if tag == "equal":
                for offset in range(stop - first):
                    line = before[first + offset]
                    yield DifferenceLine(LineChange.SAME, first + offset + 1, new_first + offset + 1, line)
                continue
            for at in range(first, stop):
                yield DifferenceLine(LineChange.REMOVED, at + 1, 0, before[at])
            for at in range(new_first, new_stop):
                yield DifferenceLine(LineChange.ADDED, 0, at + 1, after[at])
