"""Fields of forms: what was sent, what is wrong with it, and how both are shown again."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

from gateway.domain.library import PickupLocation
from gateway.services.letters.texts import clean
from gateway.web.pages.turn import Form, Turn

LINE = 500
NOTE = 2000
FURTHEST = timedelta(days=730)

_GERMAN_DAY = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})")


@dataclass(slots=True)
class Checked:
    """One form. `values` by field, for showing it again; `problems`: field -> what is wrong, in the patron's words;
    `general`: what is wrong with the whole; `stale`: it isn't from a page of ours as it is now, so nothing is done
    before somebody has seen it again."""

    turn: Turn
    form: Form
    values: dict[str, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    general: list[str] = field(default_factory=list)
    stale: bool = False

    def __post_init__(self) -> None:
        if self.stale:
            self.general.append(self.turn.text("wrong-stale"))

    @property
    def is_good(self) -> bool:
        return not (self.problems or self.general)

    @property
    def status(self) -> int:
        """Of HTTP."""
        return 403 if self.stale else 200 if self.is_good else 422

    def wrong(self, name: str, key: str, **values: object) -> None:
        """The first that is found of a field counts."""
        self.problems.setdefault(name, self.turn.text(key, **values))

    def line(self, name: str, most: int = LINE) -> str:
        text = clean(self.form[name])
        self.values[name] = text
        if len(text) > most:
            self.wrong(name, "wrong-long", most=most)
        return text

    def lines(self, name: str, most: int = NOTE) -> str:
        text = "\n".join(map(clean, self.form[name].splitlines())).strip()
        self.values[name] = text
        if len(text) > most:
            self.wrong(name, "wrong-long", most=most)
        return text

    def choice(self, name: str, allowed: Iterable[str]) -> str:
        """Empty is a choice too."""
        text = self.line(name)
        if text and text not in set(allowed):
            self.wrong(name, "wrong-choice")
        return text

    def day(self, name: str, least: date) -> date | None:
        """2026-12-31, as browsers send it; where a field for days is a plain one to them, 31.12.2026 too."""
        text = self.line(name)
        if not text:
            return None
        found = _GERMAN_DAY.fullmatch(text)
        try:
            day = date(int(found[3]), int(found[2]), int(found[1])) if found else date.fromisoformat(text)
        except ValueError:
            self.wrong(name, "wrong-day")
            return None
        if day < least:
            self.wrong(name, "wrong-day-early", day=self.turn.words.words.day(least))
        elif day > least + FURTHEST:
            self.wrong(name, "wrong-day-far")
        return day

    def ticked(self, name: str) -> bool:
        self.values[name] = "yes" if self.form[name] else ""
        return bool(self.form[name])


def usual_pickup(places: tuple[PickupLocation, ...], branch: str) -> str:
    """The place in the patron's branch, else the first."""
    return next((one.code for one in places if one.library == branch), places[0].code if places else "")
