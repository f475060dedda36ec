"""Languages of letters and pages: fallbacks, words, dates, money."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date as Day
from datetime import datetime, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

import structlog
from pydantic import AfterValidator, Field

import gateway
from gateway.configuration import yaml_document
from gateway.configuration.model_validation import validate_section
from gateway.configuration.yaml_document import YamlDocument, merge_documents
from gateway.domain.circulation_policy import ProfileSection
from gateway.domain.library import Money
from gateway.domain.problems import ConfigurationError
from gateway.domain.value import value_object

log = structlog.get_logger(component="pages")

LAST = "en"
"""Complete, so it stands in for all others."""

_CODE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*")

THREE_LETTERS = {
    "ara": "ar", "chi": "zh", "cze": "cs", "ces": "cs", "dan": "da", "deu": "de", "dut": "nl", "eng": "en",
    "fin": "fi", "fra": "fr", "fre": "fr", "ger": "de", "gre": "el", "heb": "he", "hun": "hu", "ita": "it",
    "jpn": "ja", "kor": "ko", "nld": "nl", "nor": "no", "pol": "pl", "por": "pt", "rum": "ro", "rus": "ru",
    "slk": "sk", "slo": "sk", "slv": "sl", "spa": "es", "swe": "sv", "tur": "tr", "ukr": "uk", "zho": "zh",
}  # fmt: skip
"""ISO 639-2, which library systems keep, to ISO 639-1, as folders are called."""

WORDS_FILE = "words.yml"

PAGE_TEXTS_FILE = "openurl.yml"

SHIPPED = Path(gateway.__file__).parent / "letters"


class LanguageSet:
    """Those that some folder has, the first folder first."""

    def __init__(self, folders: tuple[Path, ...], default: str) -> None:
        self._folders = folders
        self._default = default

    @property
    def known(self) -> tuple[str, ...]:
        """By code; a folder without `words.yml` anywhere is no language."""
        found = {file.parent.name for folder in self._folders for file in folder.glob(f"*/{WORDS_FILE}")}
        return tuple(sorted(code for code in found if _CODE.fullmatch(code)))

    def fallback_chain(self, wanted: str) -> tuple[str, ...]:
        """The language and those that stand in for it: de-ch, de, the default, en. Only those that there are."""
        known = self.known
        chain = [one for code in (wanted, self._default, LAST) for one in language_fallbacks(code) if one in known]
        return tuple(dict.fromkeys(chain))

    def read_words(self, chain: tuple[str, ...]) -> LanguageWords:
        """Of the first, with those that it lacks from the others. Raises ConfigurationError with file and line."""
        return _read_words(self.find_language_files(chain, WORDS_FILE))

    def find_language_files(self, chain: tuple[str, ...], name: str) -> tuple[tuple[Path, int], ...]:
        """Those of this name, the one that comes before all others last; each with the time of its last change."""
        files = [folder / code / name for code in reversed(chain) for folder in reversed(self._folders)]
        return tuple((file, file.stat().st_mtime_ns) for file in files if file.is_file())


@lru_cache(maxsize=64)
def _read_words(files: tuple[tuple[Path, int], ...]) -> LanguageWords:
    whole = YamlDocument("")
    for file, _changed in files:
        whole = merge_documents(whole, yaml_document.read_yaml(file))
    return validate_section(LanguageWords, whole)


def language_fallbacks(code: str) -> list[str]:
    parts = code.strip().casefold().replace("_", "-").split("-")
    parts[0] = THREE_LETTERS.get(parts[0], parts[0])
    return ["-".join(parts[:length]) for length in range(len(parts), 0, -1)]


def _allow_placeholders(*fields: str) -> AfterValidator:
    """A text in which only these may stand in braces."""

    def check_placeholders(value: str) -> str:
        sample = {name: 1 if name in ("day", "month_number", "year", "hour", "minute") else "x" for name in fields}
        try:
            value.format(**sample)
        except (KeyError, IndexError, ValueError, AttributeError) as error:
            known = ", ".join(f"{{{name}}}" for name in fields)
            raise ValueError(f"can't be filled in ({error}); it may contain {known}") from error
        return value

    return AfterValidator(check_placeholders)


class LanguageWords(ProfileSection):
    """`labels`, `types`, … : our word -> the language's. A word that isn't there is shown as it is."""

    name: str = Field(description="the language, in itself")
    direction: Literal["ltr", "rtl"] = "ltr"
    months: Annotated[tuple[str, ...], Field(min_length=12, max_length=12)]
    date: Annotated[str, _allow_placeholders("day", "month", "month_number", "year")]
    time: Annotated[str, _allow_placeholders("hour", "minute")]
    moment: Annotated[str, _allow_placeholders("date", "time")]
    money: Annotated[str, _allow_placeholders("amount", "currency")]
    decimal: str = "."
    dear: Annotated[str, _allow_placeholders("name")]
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

    def format_day(self, day: Day) -> str:
        return self.date.format(day=day.day, month=self.months[day.month - 1], month_number=day.month, year=day.year)

    def format_moment(self, moment: Day | datetime, zone: tzinfo) -> str:
        """A day, or a day and a time in the zone; the last minute of a day is the day."""
        if not isinstance(moment, datetime):
            return self.format_day(moment)
        local = moment.astimezone(zone)
        if (local.hour, local.minute) == (23, 59):
            return self.format_day(local.date())
        time = self.time.format(hour=local.hour, minute=local.minute)
        return self.moment.format(date=self.format_day(local.date()), time=time)

    def format_money(self, money: Money) -> str:
        exponent = money.amount.as_tuple().exponent
        places = 2 if exponent == -1 else max(0, -exponent) if isinstance(exponent, int) else 0
        return self.money.format(
            amount=f"{money.amount:.{places}f}".replace(".", self.decimal), currency=money.currency
        )


class _PageTextFile(ProfileSection):
    texts: Mapping[str, str]


@value_object
class PageWords:
    """`chain`: the language and those that stand in for it; `words` are those of letters."""

    chain: tuple[str, ...]
    words: LanguageWords
    texts: Mapping[str, str]

    @property
    def language(self) -> str:
        return self.chain[0]

    def choose_text(self, said: Mapping[str, str]) -> str:
        """Of what an operator wrote in some languages; the first where none of ours is among them."""
        return next((said[code] for code in self.chain if code in said), next(iter(said.values()), ""))


class PageTexts:
    """An operator's words that can't be read change nothing: those of before stay, and the log says why."""

    def __init__(self, folder: Path | None, default_language: str) -> None:
        folders = tuple(one for one in (folder, SHIPPED) if one is not None)
        self._languages = LanguageSet(folders, default_language)
        self._shipped = LanguageSet((SHIPPED,), default_language)
        self._good: dict[tuple[str, ...], PageWords] = {}
        self._problem = ""

    @property
    def known(self) -> Mapping[str, str]:
        """Code -> the language's name in itself."""
        return {
            code: self._read_page_words(self._languages.fallback_chain(code)).words.name
            for code in self._languages.known
        }

    def choose_language(self, wished: tuple[str, ...]) -> PageWords:
        """In the first of them that there is, else the default."""
        languages = self._languages
        chains = [chain for code in wished if (chain := languages.fallback_chain(code))[0] in language_fallbacks(code)]
        chain = chains[0] if chains else languages.fallback_chain("")
        return self._read_page_words(chain)

    def _read_page_words(self, chain: tuple[str, ...]) -> PageWords:
        languages = self._languages
        try:
            found = PageWords(
                chain,
                languages.read_words(chain),
                _read_page_texts(languages.find_language_files(chain, PAGE_TEXTS_FILE)),
            )
        except ConfigurationError as error:
            if str(error) != self._problem:
                self._problem = str(error)
                log.error("pages.texts_unreadable", why=self._problem)
            return self._good.get(chain) or self._read_shipped_words()
        self._good[chain] = found
        return found

    def _read_shipped_words(self) -> PageWords:
        chain = self._shipped.fallback_chain("")
        return PageWords(
            chain,
            self._shipped.read_words(chain),
            _read_page_texts(self._shipped.find_language_files(chain, PAGE_TEXTS_FILE)),
        )


@lru_cache(maxsize=64)
def _read_page_texts(files: tuple[tuple[Path, int], ...]) -> Mapping[str, str]:
    whole = YamlDocument("")
    for file, _changed in files:
        whole = merge_documents(whole, yaml_document.read_yaml(file))
    return validate_section(_PageTextFile, whole).texts
