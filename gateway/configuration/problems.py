"""What is wrong in a settings or profile file."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from gateway.domain.frozen import frozen

Path = tuple[str | int, ...]
"""Where a value stands in a document: keys and list positions (from 0)."""

MOST_SHOWN = 30
"""A library may have hundreds of codes; the nearest one is said in any case."""


@frozen
class Problem:
    """One thing that is wrong. `line` counts from 1; 0: the file as a whole.

    `found` and `allowed` are ready to print; `found` is empty where the value must not be shown (secrets).
    """

    file: str
    line: int
    path: Path
    message: str
    found: str = ""
    allowed: tuple[str, ...] = ()
    suggestion: str = ""

    @property
    def key(self) -> str:
        return dotted(self.path)

    def __str__(self) -> str:
        """`profiles/x.yml:12: circulation.accept.trap_hold: found 'at-acept', allowed: at-accept, at-check-in`"""
        place = f"{self.file}:{self.line}" if self.line else self.file
        said = [self.message] if self.message else []
        if self.found:
            said.append(f"found {self.found}")
        if self.allowed:
            more = len(self.allowed) - MOST_SHOWN
            said.append(f"allowed: {', '.join(self.allowed[:MOST_SHOWN])}" + (f" and {more} more" if more > 0 else ""))
        text = ", ".join(said)
        if self.suggestion:
            text += f" (did you mean '{self.suggestion}'?)"
        return ": ".join(part for part in (place, self.key, text) if part)


class ConfigurationError(Exception):
    """Settings or profiles can't be used: everything that is wrong in them, one problem a line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def dotted(path: Path) -> str:
    return ".".join(str(part) for part in path)


def nearest(word: str, words: Iterable[str]) -> str:
    """The word that was probably meant; empty if none is near."""
    by_fold = {known.casefold(): known for known in words}
    found = difflib.get_close_matches(word.casefold(), by_fold, n=1, cutoff=0.6)
    return by_fold[found[0]] if found else ""
