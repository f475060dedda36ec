"""What is said about the item, key by key, whichever version said it; and what of it was not understood."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from adapters.openurl.carrying import Carried
from adapters.openurl.keys import (
    BY_REFERENCE,
    CHARSET_HABIT,
    ENTITY,
    FORMAT,
    ITEM_FORMATS,
    PLAIN,
    REFERENT,
    REQUESTER,
)
from adapters.openurl.private import Private, private_of
from gateway.domain.requests.citation import Extra
from gateway.domain.requests.fingerprint import fold_for_search

LONGEST = 200
"""Characters of a value that are shown in the report."""

MOST = 100
"""Lines of the report."""

_PRIVATE_NAMES = frozenset({"oclcnum", "oclc", "isbn", "issn", "eissn", "doi", "pmid", "lccn"})
_REPEATABLE = frozenset({"au", "aucorp", "creator", "inv", "subject", "identifier", "type", "isbn", "issn", "eissn"})


class Referent:
    """Values by key; `report` collects what was not understood, one line each."""

    def __init__(self, carried: Carried) -> None:
        self._values: dict[str, list[str]] = {}
        self._admin: dict[str, list[str]] = {}
        self.extras: list[Extra] = []
        self.lines: list[str] = list(carried.notes)
        self.private = Private()
        for key, value in sorted(carried.pairs, key=lambda pair: not pair[0].startswith("rft.")):
            self._sort_in(key, value)

    def _sort_in(self, key: str, value: str) -> None:
        name = key.removeprefix("rft.")
        if name in (REFERENT if key != name else PLAIN):
            self._add(self._values, name, value)
        elif key != name:
            self.keep(name, value)
            self.report(key, value, "is not known")
        elif key in BY_REFERENCE:
            shown = "" if REQUESTER.match(key) else value
            self.report(key, shown, "is elsewhere, which is not fetched")
        elif key in ("rft_dat", "pid"):
            self._take_private(key, value)
        elif key in ("sid", "id", CHARSET_HABIT) or ENTITY.match(key):
            self._add(self._admin, key, value)
        else:
            self.report(key, "", "is no key of OpenURL")  # without its value: it may be about a person

    @staticmethod
    def _add(to: dict[str, list[str]], key: str, value: str) -> None:
        values = to.setdefault(key, [])
        if value.casefold() not in (one.casefold() for one in values):
            values.append(value)

    def _take_private(self, key: str, value: str) -> None:
        found = private_of(value)
        if found.own is not None:
            self.private = found
        for name, text in found.pairs:
            if name in _PRIVATE_NAMES:
                self._add(self._values, name, text)
            else:
                self.keep(name, text)
        if not found.known:
            self.keep(key, value)
            self.report(key, value, "is not understood")

    # --- what is said ------------------------------------------------------------------------------------

    def one(self, *names: str) -> str:
        """The value of the first of these keys that has one."""
        return next((values[0] for name in names if (values := self._values.get(name))), "")

    def all(self, name: str) -> tuple[str, ...]:
        return tuple(self._values.get(name, ()))

    def admin(self, *keys: str) -> str:
        return next((values[0] for key in keys if (values := self._admin.get(key))), "")

    def admins(self, key: str) -> tuple[str, ...]:
        return tuple(self._admin.get(key, ()))

    def has(self, *names: str) -> bool:
        return any(name in self._values for name in names)

    @property
    def format(self) -> str:
        """journal, book, dissertation, patent, dc, by the first `rft_val_fmt` that says one of them."""
        for said in self.admins("rft_val_fmt"):
            found = FORMAT.fullmatch(said)
            if found is not None and found[1].lower() in ITEM_FORMATS:
                return found[1].lower().removeprefix("oai_")
            self.report("rft_val_fmt", said, "is not known")
        return ""

    # --- what is not understood --------------------------------------------------------------------------

    def keep(self, name: str, value: str) -> None:
        """What has no place in a citation."""
        extra = Extra(name, value)
        if value and extra not in self.extras:
            self.extras.append(extra)

    def keep_values(self, names: Iterable[str]) -> None:
        for name in names:
            for value in self.all(name):
                self.keep(name, value)

    def report(self, key: str, value: str, what: str) -> None:
        shown = value if len(value) <= LONGEST else value[: LONGEST - 1] + "…"
        line = f"{key} {what}: {shown}" if shown else f"{key} {what}"
        if line not in self.lines and len(self.lines) < MOST:
            self.lines.append(line)

    def report_contradictions(self) -> None:
        """A second value of a key that can have only one: the first was taken."""
        for name, value in self._second_values():
            self.report(name, value, "was said twice, not taken")

    def _second_values(self) -> Iterator[tuple[str, str]]:
        for name, values in self._values.items():
            if name in _REPEATABLE:
                continue
            for value in values[1:]:
                if fold_for_search(value) != fold_for_search(values[0]):
                    yield name, value
