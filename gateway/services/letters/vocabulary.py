"""Words of letters and pages in a reader's language: labels, reasons, states, greetings.

The English ones stand in gateway/letters/words.yml, by keys that the rest of the program knows; catalogues translate
them, each in the context of its group.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, tzinfo
from functools import lru_cache
from typing import Literal

from gateway.domain.library import Money
from gateway.domain.value import value_object
from gateway.services.letters.catalogue_files import find_placeholders
from gateway.services.letters.localization import Localization
from gateway.services.letters.own_words import LETTER_CONTEXT, WORD_GROUPS, list_word_texts, shipped_words


@value_object
class LanguageWords:
    """`labels`, `types`, … : our word -> the language's. A word that isn't there is shown as it is. Values stand in a
    text as `%(name)s`."""

    localization: Localization
    dear: str
    dear_nobody: str
    closing: str
    labels: Mapping[str, str]
    types: Mapping[str, str]
    services: Mapping[str, str]
    reasons: Mapping[str, str]
    conditions: Mapping[str, str]
    states: Mapping[str, str]
    patron: Mapping[str, str]
    pages: Mapping[str, str]

    @property
    def name(self) -> str:
        """The name of the language, in itself."""
        return self.localization.name

    @property
    def direction(self) -> Literal["ltr", "rtl"]:
        return self.localization.direction

    def label(self, word: str) -> str:
        return self.labels.get(word, word)

    def format_day(self, day: date) -> str:
        return self.localization.format_day(day)

    def format_moment(self, moment: date | datetime, zone: tzinfo) -> str:
        """A day, or a day and a time in the zone; the last minute of a day is the day."""
        return self.localization.format_moment(moment, zone)

    def format_money(self, money: Money) -> str:
        """Format money with the currency's code, since a letter may go abroad: EUR 12.50."""
        return self.localization.format_sum_with_code(money)


@lru_cache(maxsize=64)
def words_of_language(localization: Localization) -> LanguageWords:
    words: dict[str, dict[str, str]] = {group: dict(getattr(localization.extra, group)) for group in WORD_GROUPS}
    sentences: dict[str, str] = {}
    for context, key, text in list_word_texts(shipped_words()):
        word = localization.translations.pgettext(context, text)
        if not find_placeholders(word):
            word %= {}
        (sentences if context == LETTER_CONTEXT else words[context])[key] = word
    return LanguageWords(
        localization=localization,
        dear=sentences["dear"],
        dear_nobody=sentences["dear_nobody"],
        closing=sentences["closing"],
        labels=words["labels"],
        types=words["types"],
        services=words["services"],
        reasons=words["reasons"],
        conditions=words["conditions"],
        states=words["states"],
        patron=words["patron"],
        pages=words["pages"],
    )
