"""Any script to the ASCII that the format allows, with a report of what was changed. Pure.

The letters come from anyascii (ISC licence): it covers all of Unicode and has no dependencies. Unidecode would do as
well, but it is under the GPL.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping

from anyascii import anyascii

from gateway.domain.frozen import frozen

MOST_SHOWN = 24
"""Characters in a summary."""


@frozen
class Change:
    """`written` is empty for a character that was left out."""

    character: str
    written: str
    count: int

    def __str__(self) -> str:
        name = self.character if self.character.isprintable() else f"U+{ord(self.character):04X}"
        times = f" ({self.count}×)" if self.count > 1 else ""
        return f"{name} → {self.written}{times}" if self.written else f"{name} left out{times}"


class Scribe:
    """Writes the texts of one message and counts what it changed. `allowed`: pattern of one allowed character; `own`:
    what a profile wants a character to become; `instead`: for what can't be written otherwise."""

    def __init__(self, allowed: str, own: Mapping[str, str], instead: str) -> None:
        self._allowed = re.compile(allowed)
        self._own = {unicodedata.normalize("NFC", key): value for key, value in own.items()}
        self._instead = instead
        self._changes: Counter[tuple[str, str]] = Counter()

    def write(self, text: str) -> str:
        """On one line."""
        composed = unicodedata.normalize("NFC", " ".join(text.split()))
        return " ".join("".join(map(self._character, composed)).split())

    @property
    def changes(self) -> tuple[Change, ...]:
        """In the order in which they came first."""
        return tuple(Change(character, written, count) for (character, written), count in self._changes.items())

    def summary(self) -> str:
        """One line; empty: nothing was changed."""
        changes = self.changes
        if not changes:
            return ""
        more = len(changes) - MOST_SHOWN
        shown = ", ".join(map(str, changes[:MOST_SHOWN]))
        return f"written in ASCII: {shown}" + (f" and {more} more" if more > 0 else "")

    def _character(self, character: str) -> str:
        if character not in self._own and self._is_allowed(character):
            return character
        written = self._own[character] if character in self._own else self._by_library(character)
        fitting = "".join(one if self._is_allowed(one) else self._instead for one in written)
        if fitting != character:
            self._changes[character, fitting] += 1
        return fitting

    def _by_library(self, character: str) -> str:
        """Marks and signs that only steer the layout fall away; what else the library doesn't know is shown."""
        invisible = unicodedata.category(character)[0] in "CMZ" and unicodedata.category(character) != "Co"
        return anyascii(character) or ("" if invisible else self._instead)

    def _is_allowed(self, character: str) -> bool:
        return character.isascii() and self._allowed.fullmatch(character) is not None
