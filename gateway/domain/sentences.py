"""Sentences of the program that staff read: finished in English, and still knowing what they were made of.

Messages to partners, the journal, the JSON API and commands take such a sentence as the text that it is. A page tells
it in its reader's language (`Localization.translate_sentence`). A sentence without values is known by its own text,
also where it was stored; one with values is stored with its template: beside its text (`dump_sentence`), or in its
place within a document (`StoredSentence`). Those stored by older releases are texts, and told as they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any

from pydantic_core import core_schema

from gateway.domain.library import Money

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema


class Sentence(str):
    """`template`: with the values by name, `%(name)s`, as catalogues have it. A value may be a sentence itself."""

    __slots__ = ("template", "values")

    template: str
    values: Mapping[str, SentenceValue]


SentenceValue = str | date | Decimal | Money
"""Days, moments, numbers with decimals and sums are told as the reader's language writes them; all else is text. A
moment is in the zone in which it is told."""


def write_sentence(template: str, /, **values: object) -> Sentence:
    return compose_sentence(template, **values)


def mark_template(template: str) -> str:
    """The same: it is for `write_sentence`, and catalogues have it."""
    return template


def compose_sentence(template: str, /, **values: object) -> Sentence:
    """The same for a template without words, which needs no translation: `%(partner)s: %(report)s`."""
    args = {name: _take_value(value) for name, value in values.items()}
    return _make_sentence(template % {name: _write_value(value) for name, value in args.items()}, template, args)


def join_sentences(separator: str, sentences: Iterable[str]) -> str:
    """One after the other; a single one as it is."""
    parts = [sentence for sentence in sentences if sentence]
    if len(parts) < 2:
        return parts[0] if parts else ""
    values = {f"part{number}": part for number, part in enumerate(parts, start=1)}
    return compose_sentence(separator.replace("%", "%%").join(f"%({name})s" for name in values), **values)


def write_about(subject: object, report: str) -> Sentence:
    """title: no hits"""
    return compose_sentence("%(subject)s: %(report)s", subject=subject, report=report)


def _take_value(value: object) -> SentenceValue:
    if isinstance(value, float):
        return Decimal(f"{value:g}")
    return value if isinstance(value, str | date | Decimal | Money) else str(value)


def _write_value(value: SentenceValue) -> str:
    """2.0 seconds are 2, a sum is 12.50 EUR, a moment 2026-12-04 23:59."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, Decimal):
        return f"{value:f}"
    return f"{value.amount:f} {value.currency}" if isinstance(value, Money) else str(value)


def sentence_of_text(text: str) -> Sentence:
    """Make a sentence of a text without values; a sentence stays as it is."""
    return text if isinstance(text, Sentence) else _make_sentence(text, text.replace("%", "%%"), {})


def recognize_sentence(text: str, templates: Mapping[str, str]) -> Sentence:
    """Return the sentence that a text is by one of these templates, which its values may be sentences of too; each with
    the template by which pages tell it. For texts that are stored without theirs."""
    for stored, shown in templates.items():
        if (match := _compile_template(stored).fullmatch(text)) is not None:
            values = {name: recognize_sentence(value, templates) for name, value in match.groupdict().items()}
            return compose_sentence(shown, **values)
    return sentence_of_text(text)


@lru_cache(maxsize=64)
def _compile_template(template: str) -> re.Pattern[str]:
    pattern = re.sub(r"%\\\((\w+)\\\)s", r"(?P<\1>.+?)", re.escape(template))
    return re.compile(pattern, re.DOTALL)


def strip_sentence(text: str) -> str:
    """Return a text without blanks and ends of lines around it; a sentence stays one."""
    bare = text.strip()
    return text if bare == text else bare


def strip_full_stop(text: str) -> str:
    """Strip the full stop of a sentence that goes on within another."""
    if not isinstance(text, Sentence):
        return text.rstrip(".")
    return _make_sentence(text.rstrip("."), text.template.rstrip("."), text.values)


def _make_sentence(text: str, template: str, values: Mapping[str, SentenceValue]) -> Sentence:
    sentence = Sentence(text)
    sentence.template = template
    sentence.values = dict(values)
    return sentence


# --- stored ----------------------------------------------------------------------------------------------


def dump_sentence(text: str) -> str:
    """Return what is stored beside a text, as JSON; empty: it has no values, or is no sentence of the program."""
    if not isinstance(text, Sentence) or not text.values:
        return ""
    return json.dumps(_document_of_sentence(text), ensure_ascii=False, separators=(",", ":"))


def load_sentence(text: str, stored: str) -> str:
    """The text as it was before `dump_sentence`; as it is where `stored` is not of this text."""
    if not stored:
        return text
    try:
        sentence = _read_document(json.loads(stored))
    except (ValueError, TypeError, KeyError):  # by hand, or by a later release
        return text
    return sentence if sentence == text else text


def _document_of_sentence(sentence: Sentence) -> dict[str, Any]:
    return {
        "template": sentence.template,
        "values": {name: _document_of_value(value) for name, value in sentence.values.items()},
    }


def _document_of_value(value: SentenceValue) -> str | dict[str, Any]:
    if isinstance(value, Sentence):
        return _document_of_sentence(value)
    if isinstance(value, datetime):
        return {"moment": value.isoformat()}
    if isinstance(value, date):
        return {"day": value.isoformat()}
    if isinstance(value, Decimal):
        return {"number": f"{value:f}"}
    return {"amount": str(value.amount), "currency": value.currency} if isinstance(value, Money) else value


def _read_document(document: dict[str, Any]) -> Sentence:
    return compose_sentence(
        document["template"], **{name: _read_value(value) for name, value in dict(document["values"]).items()}
    )


def _read_value(value: str | dict[str, Any]) -> SentenceValue:
    if isinstance(value, str):
        return value
    if "moment" in value:
        return datetime.fromisoformat(value["moment"])
    if "day" in value:
        return date.fromisoformat(value["day"])
    if "number" in value:
        return _read_number(value["number"])
    if "amount" in value:
        return Money(_read_number(value["amount"]), value["currency"])
    return _read_document(value)


def _read_number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"{text!r} is no number") from error


# --- in a document ---------------------------------------------------------------------------------------


class _SentenceField:
    """The form in which pydantic stores a text that may be a sentence of the program: then as its template and values,
    so that it is told from words of people."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.union_schema(
            [
                core_schema.str_schema(),
                core_schema.no_info_after_validator_function(_read_stored, core_schema.dict_schema()),
            ],
            mode="left_to_right",
            serialization=core_schema.plain_serializer_function_ser_schema(_store_text, when_used="json"),
        )


def _store_text(text: str) -> str | dict[str, Any]:
    return _document_of_sentence(text) if isinstance(text, Sentence) else text


def _read_stored(document: dict[str, Any]) -> Sentence:
    """Read a stored sentence; raises ValueError."""
    try:
        return _read_document(document)
    except (TypeError, KeyError) as error:
        raise ValueError("it is no sentence") from error


StoredSentence = Annotated[str, _SentenceField()]
"""Of a value that is stored as a document: a text, of a person or a sentence of the program."""
