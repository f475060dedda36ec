"""An operator's own words in YAML: `LANGUAGE/words.yml` and `LANGUAGE/openurl.yml` in the folder of letters.

They say by key what shall be said otherwise than in our texts, or in a language that has no catalogue; `words.yml` may
have words for keys of the operator's own too, and another way to write days and sums. The keys, with the English texts
that they stand for, are those of the two files in gateway/letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

import gateway
from gateway.configuration import yaml_document
from gateway.configuration.model_validation import validate_section
from gateway.configuration.yaml_document import YamlDocument, merge_documents
from gateway.domain.circulation_policy import ProfileSection
from gateway.domain.value import value_object

WORDS_FILE = "words.yml"

PAGE_TEXTS_FILE = "openurl.yml"

SHIPPED_WORDS = Path(gateway.__file__).parent / "letters"

WORD_GROUPS = ("labels", "types", "services", "reasons", "conditions", "states", "patron", "pages")

SENTENCES = ("dear", "dear_nobody", "closing")

LETTER_CONTEXT = "letter"
"""Of SENTENCES in catalogues. The context of a word is its group."""

_BRACES = re.compile(r"\{\{|\}\}|\{(\w+)\}")

ChangedFile = tuple[Path, int]
"""A file, and the time of its last change in nanoseconds."""


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


def _check_months(months: tuple[str, ...]) -> tuple[str, ...]:
    if len(months) not in (0, 12):
        raise ValueError("there are 12 months")
    return months


class OwnWords(ProfileSection):
    """All of it may lack. `labels`, `types`, … : our word -> the language's."""

    name: str = Field("", description="the language, in itself")
    direction: Literal["", "ltr", "rtl"] = ""
    months: Annotated[tuple[str, ...], AfterValidator(_check_months)] = Field((), description="twelve, for `date`")
    date: Annotated[str, _allow_placeholders("day", "month", "month_number", "year")] = ""
    time: Annotated[str, _allow_placeholders("hour", "minute")] = ""
    moment: Annotated[str, _allow_placeholders("date", "time")] = ""
    money: Annotated[str, _allow_placeholders("amount", "currency")] = ""
    decimal: str = ""
    dear: Annotated[str, _allow_placeholders("name")] = ""
    dear_nobody: str = Field("", description="greeting when no name is known")
    closing: str = ""
    labels: Mapping[str, str] = {}
    types: Mapping[str, str] = Field({}, description="of citations")
    services: Mapping[str, str] = Field({}, description="loan, copy; formats and levels of service too")
    reasons: Mapping[str, str] = {}
    conditions: Mapping[str, str] = {}
    states: Mapping[str, str] = Field({}, description="of a request on the partner's side, as in a status report")
    patron: Mapping[str, str] = Field({}, description="what patrons read about their request, a sentence each")
    pages: Mapping[str, str] = Field({}, description="of the page behind links of letters; labels of these links")


class OwnPageTexts(ProfileSection):
    texts: Mapping[str, str] = {}


@value_object
class OwnTranslation:
    """`context`, `text`: as in catalogues; `said`: instead."""

    context: str | None
    text: str
    said: str


@lru_cache(maxsize=64)
def read_own_words(files: tuple[ChangedFile, ...]) -> OwnWords:
    """Read an operator's words; of several files each comes before those ahead of it. Raises ConfigurationError with
    file and line."""
    return validate_section(OwnWords, _merge_files(files))


@lru_cache(maxsize=64)
def read_own_page_texts(files: tuple[ChangedFile, ...]) -> Mapping[str, str]:
    """Read an operator's page texts by key. Raises ConfigurationError with file and line."""
    return validate_section(OwnPageTexts, _merge_files(files)).texts


def _merge_files(files: Iterable[ChangedFile]) -> YamlDocument:
    whole = YamlDocument("")
    for file, _changed in files:
        whole = merge_documents(whole, yaml_document.read_yaml(file))
    return whole


@cache
def shipped_words() -> OwnWords:
    """The keys, with our English texts."""
    return read_own_words(((SHIPPED_WORDS / WORDS_FILE, 0),))


@cache
def shipped_page_texts() -> Mapping[str, str]:
    return read_own_page_texts(((SHIPPED_WORDS / PAGE_TEXTS_FILE, 0),))


def text_of_braces(text: str) -> str:
    """`{name}` as catalogues have it: `%(name)s`."""
    return _BRACES.sub(lambda match: f"%({match[1]})s" if match[1] else match[0][0], text.replace("%", "%%"))


def list_word_texts(words: OwnWords) -> Iterable[tuple[str, str, str]]:
    """Context, key and text of all that it says."""
    for key in SENTENCES:
        if text := getattr(words, key):
            yield LETTER_CONTEXT, key, text_of_braces(text)
    for group in WORD_GROUPS:
        for key, text in getattr(words, group).items():
            yield group, key, text_of_braces(text)


def translate_words(own: OwnWords) -> Iterable[OwnTranslation]:
    """Translate the words that we have a text for."""
    known = {(context, key): text for context, key, text in list_word_texts(shipped_words())}
    for context, key, text in list_word_texts(own):
        if (context, key) in known:
            yield OwnTranslation(context, known[context, key], text)


def translate_page_texts(own: Mapping[str, str]) -> Iterable[OwnTranslation]:
    """Translate the texts of keys that are known; of others there is no text any more."""
    known = shipped_page_texts()
    return (OwnTranslation(None, text_of_braces(known[key]), text_of_braces(own[key])) for key in own if key in known)
