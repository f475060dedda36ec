"""Each language's words: file `words.yml` in its folder, and how dates and money are written with them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date as Day
from datetime import datetime, tzinfo
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from gateway.domain.library import Money
from gateway.domain.policy import Section

WORDS_FILE = "words.yml"


def _with(*fields: str) -> AfterValidator:
    """A text in which only these may stand in braces."""

    def check(value: str) -> str:
        sample = {name: 1 if name in ("day", "month_number", "year", "hour", "minute") else "x" for name in fields}
        try:
            value.format(**sample)
        except (KeyError, IndexError, ValueError, AttributeError) as error:
            known = ", ".join(f"{{{name}}}" for name in fields)
            raise ValueError(f"can't be filled in ({error}); it may contain {known}") from error
        return value

    return AfterValidator(check)


class Words(Section):
    """`labels`, `types`, … : our word -> the language's. A word that isn't there is shown as it is."""

    name: str = Field(description="the language, in itself")
    direction: Literal["ltr", "rtl"] = "ltr"
    months: Annotated[tuple[str, ...], Field(min_length=12, max_length=12)]
    date: Annotated[str, _with("day", "month", "month_number", "year")]
    time: Annotated[str, _with("hour", "minute")]
    moment: Annotated[str, _with("date", "time")]
    money: Annotated[str, _with("amount", "currency")]
    decimal: str = "."
    dear: Annotated[str, _with("name")]
    dear_nobody: str = Field(description="greeting when no name is known")
    closing: str
    labels: Mapping[str, str]
    types: Mapping[str, str] = Field(description="of citations")
    services: Mapping[str, str] = Field(description="loan, copy; formats and levels of service too")
    reasons: Mapping[str, str]
    conditions: Mapping[str, str]
    states: Mapping[str, str] = Field(description="of a request on the partner's side, as in a status report")
    patron: Mapping[str, str] = Field(description="what patrons read about the state of their request, a sentence each")
    pages: Mapping[str, str] = Field(
        description="of the page behind links of letters, where patrons and partners answer; labels of these links"
    )

    def label(self, word: str) -> str:
        return self.labels.get(word, word)

    def day(self, day: Day) -> str:
        return self.date.format(day=day.day, month=self.months[day.month - 1], month_number=day.month, year=day.year)

    def when(self, moment: Day | datetime, zone: tzinfo) -> str:
        """A day, or a day and a time in the zone; the last minute of a day is the day."""
        if not isinstance(moment, datetime):
            return self.day(moment)
        local = moment.astimezone(zone)
        if (local.hour, local.minute) == (23, 59):
            return self.day(local.date())
        time = self.time.format(hour=local.hour, minute=local.minute)
        return self.moment.format(date=self.day(local.date()), time=time)

    def sum(self, money: Money) -> str:
        exponent = money.amount.as_tuple().exponent
        places = 2 if exponent == -1 else max(0, -exponent) if isinstance(exponent, int) else 0
        return self.money.format(
            amount=f"{money.amount:.{places}f}".replace(".", self.decimal), currency=money.currency
        )
