"""Queries as FOLIO takes them (CQL). A value is always in quotes, and what CQL gives a meaning in it is escaped:
without that a barcode `4*` would find every item that begins with 4. Pure.

Source: facts/ils-backends.md 1.3.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_SPECIAL = re.compile(r'([\\"*?^])')

EVERYTHING = "cql.allRecords=1"
OPEN_REQUEST = 'status=="Open - *"'
OPEN_LOAN = 'status.name=="Open"'


def quote_value(value: str) -> str:
    """`a"b*` -> `"a\\"b\\*"`"""
    return '"' + _SPECIAL.sub(r"\\\1", value) + '"'


def match_value(index: str, value: str) -> str:
    """The whole field, but FOLIO compares without case and accents: answers have to be compared once more."""
    return f"{index}=={quote_value(value)}"


def match_part(index: str, part: str) -> str:
    """A field that has this somewhere in it."""
    return f'{index}=="*{quote_value(part)[1:-1]}*"'


def match_any_index(indexes: Iterable[str], value: str) -> str:
    return "(" + " or ".join(match_value(index, value) for index in indexes) + ")"


def match_any_value(index: str, values: Iterable[str]) -> str:
    return f"{index}==(" + " or ".join(quote_value(value) for value in values) + ")"


def match_identifier(type_id: str, value: str) -> str:
    """An identifier of an instance by the id of its type; `value` may stand anywhere in it."""
    return f"identifiers =/@value/@identifierTypeId={quote_value(type_id)} {quote_value(value)}"


def match_words(words: str) -> str:
    """Write a query of the search index (mod-search): all words, in any field; suppressed records are left out."""
    return f"(keyword all {quote_value(words)}) and discoverySuppress==false and staffSuppress==false"


def match_all(*parts: str) -> str:
    return " and ".join(parts)
