"""Fields that a requester changes by a note (docs/facts/iso-18626.md 8.5): ReShare's names and its forms of values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import islice

from adapters.iso18626.mapping.codes import hyphenate_word
from gateway.domain.requests.events import FieldChange
from gateway.domain.requests.requester_changes import RequesterField
from gateway.domain.value import value_object

_VALUE = re.compile(
    r"(?P<name>[A-Za-z]{1,60})[:-](?:(?P<value>(?:(?!#(?:ReShare|seq:|lastSeq:)).){0,2000}?)#(?=#|\s*\Z)"
    r"|(?P<plain>[^#]{0,2000})#)",
    re.DOTALL,
)
"""What stands behind the marker. A hyphen before the value is met with at service level and highest cost. The value may
have the sign by which it ends."""

MAX_FIELDS = 60
"""Of one note, twice as many as ReShare has; what is beyond stays in the words of the note."""

_EMPTIED = "null"
_AMOUNT, _CURRENCY = "MaximumCostsMonetaryValue", "MaximumCostsCurrencyCode"

_F = RequesterField
_FIELDS: Mapping[str, RequesterField] = {
    "Author": _F.AUTHOR,
    "AuthorOfComponent": _F.COMPONENT_AUTHOR,
    "CopyrightType": _F.COPYRIGHT,
    "Edition": _F.EDITION,
    "ISBN": _F.ISBN,
    "ISSN": _F.ISSN,
    "Issue": _F.ISSUE,
    "Neededby": _F.NEED_BY,
    "OCLCNumber": _F.OCLC,
    "PagesRequested": _F.PAGES,
    "PatronNote": _F.NOTE,
    "PickupLocation": _F.PICKUP,
    "PlaceOfPublication": _F.PLACE,
    "PublicationDate": _F.PUBLISHED,
    "Publisher": _F.PUBLISHER,
    "ServiceLevel": _F.LEVEL,
    "Subtitle": _F.SUBTITLE,
    "SystemInstanceIdentifier": _F.RECORD,
    "Title": _F.TITLE,
    "TitleOfComponent": _F.COMPONENT_TITLE,
    "Volume": _F.VOLUME,
}


@value_object
class ChangedNote:
    """`text`: the note without what changes fields."""

    text: str
    changes: tuple[FieldChange, ...] = ()


def read_changes(note: str, marker: str) -> ChangedNote:
    """`marker`: before the name of a field; empty: the partner changes none."""
    if not marker or marker not in note:
        return ChangedNote(note)
    pattern = re.compile(re.escape(marker) + _VALUE.pattern, _VALUE.flags)
    matches = islice(pattern.finditer(note), MAX_FIELDS)
    texts = {match["name"]: match["value"] or match["plain"] or "" for match in matches}
    return ChangedNote(pattern.sub("", note, count=MAX_FIELDS), tuple(_list_changes(texts)))


def _list_changes(texts: Mapping[str, str]) -> Iterator[FieldChange]:
    for name, text in texts.items():
        value = "" if text.strip() == _EMPTIED else text.strip()
        if name == _CURRENCY and (_AMOUNT in texts or not value):  # a currency says nothing without its amount
            continue
        if name in (_AMOUNT, _CURRENCY):
            yield FieldChange(_F.MAXIMUM_COST, _join_sum(texts))
        elif name == "ServiceLevel":
            yield FieldChange(_F.LEVEL, hyphenate_word(value))
        elif name == "Neededby" and not _is_day(value):
            yield FieldChange(name, value)
        else:
            yield FieldChange(_FIELDS.get(name, name), value[:10] if name == "Neededby" else value)


def _is_day(value: str) -> bool:
    """A moment has a day, too."""
    if not value:
        return True
    try:
        date.fromisoformat(value[:10])
    except ValueError:
        return False
    return True


def _join_sum(texts: Mapping[str, str]) -> str:
    """An amount that is emptied is none, whatever its currency."""
    if texts.get(_AMOUNT, "").strip().casefold() == _EMPTIED:
        return ""
    parts = (texts.get(_AMOUNT, "").strip(), texts.get(_CURRENCY, "").strip().upper())
    return " ".join(part for part in parts if part and part.casefold() != _EMPTIED)
