"""An XML tree to a message: by local name, in any order, in the names of any version.

What is out of the ordinary is noted as a remark with its place and without the value; elements that the standard
doesn't have there are kept (`Structure.unknown`). The habits that are met with are listed in docs/facts/iso-18626.md 2
and 8.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeVar

from lxml import etree

from adapters.iso18626.messages.declaration import Compound, FieldElement, Kind, OpenCode, UnknownElement, list_elements
from gateway.domain.value import value_object

S = TypeVar("S", bound=Compound)

MAX_REMARKS = 100

_MOMENT = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})(?:[T ](?P<time>\d{2}:\d{2}(?::\d{2})?)(?:\.(?P<fraction>\d+))?)?"
    r"\s?(?P<zone>Z|[+-]\d{2}:?\d{2})?"
)
_AMOUNT = re.compile(r"[+-]?(?:[0-9]{1,15}(?:[.,][0-9]{0,15})?|[.,][0-9]{1,15})")
_YES = {"y": True, "yes": True, "true": True, "1": True, "n": False, "no": False, "false": False, "0": False}
_EMPTY_YEAR = 1
"""Go's empty time, which some programs send: 0001-01-01."""


@value_object
class ReadingRemark:
    """Something out of the ordinary. `place`: path below the root. No value of the message is in it."""

    place: str
    what: str


class MessageReader:
    """Reads one message. `zone`: where times without a zone are, as Koha sends them."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self.remarks: list[ReadingRemark] = []
        self.has_local_times = False

    def read_structure(self, structure: type[S], element: etree._Element, path: str) -> S:
        """Every field that the element has; of what may stand only once, the first that says something."""
        slots = _index_elements(structure)
        values: dict[str, Any] = {}
        several: dict[str, list[Any]] = {}
        unknown: list[UnknownElement] = []
        for child in element:
            name = get_local_name(child)
            place = f"{path}/{name}"
            slot = slots.get(name)
            if slot is None:
                unknown.append(build_raw_element(child, place))
                self.add_remark(place, "an element that the standard doesn't have here")
                continue
            value = self._read_value(slot.element, child, place)
            if value is None:
                continue
            if slot.element.is_many:
                several.setdefault(slot.field, []).append(value)
            elif slot.field in values:
                unknown.append(build_raw_element(child, place))
                self.add_remark(place, "a second time")
            else:
                values[slot.field] = value
        values.update((field, tuple(values_of_field)) for field, values_of_field in several.items())
        return structure(**values, unknown=tuple(unknown))

    def add_remark(self, place: str, what: str) -> None:
        if len(self.remarks) < MAX_REMARKS:
            self.remarks.append(ReadingRemark(place, what))

    def _read_value(self, element: FieldElement, child: etree._Element, place: str) -> Any:
        if element.kind is Kind.STRUCTURE:
            assert element.structure is not None
            return self.read_structure(element.structure, child, place)
        text = read_text(child)
        if not text:
            return "" if element.allow_empty else None
        if element.kind is Kind.CODE:
            return OpenCode(text, _read_scheme(child))
        if element.kind is Kind.WORD:
            assert element.words is not None
            return self._read_word(element.words, text, place)
        reader = _SIMPLE_READERS.get(element.kind)
        if element.kind is Kind.MOMENT:
            value: Any = parse_moment(text, self._zone)
            self.has_local_times = self.has_local_times or not _names_zone(text)
        else:
            value = reader(text) if reader is not None else text
        if value is None:
            self.add_remark(place, f"not a {element.kind.value}")
        return value

    def _read_word(self, words: type[StrEnum], text: str, place: str) -> str:
        """The word of the list, however it is capitalised; a word that it lacks stays as it is."""
        word = _fold_words(words).get(_fold_word(text))
        if word is None:
            self.add_remark(place, "a word that the list doesn't have")
            return text
        return word


def parse_moment(text: str, zone: tzinfo) -> datetime | None:
    """Aware, in UTC. A day alone is its last second, as the standard wants due dates written; a time without zone is in
    `zone`. None for what is no moment, and for an empty time."""
    match = _MOMENT.fullmatch(text)
    if match is None:
        return None
    clock = match["time"] or "23:59:59"
    clock = clock if len(clock) > 5 else f"{clock}:00"
    fraction = (match["fraction"] or "")[:6].ljust(6, "0")
    try:
        moment = datetime.fromisoformat(f"{match['day']}T{clock}.{fraction}{_spell_zone(match['zone'])}")
        if moment.year == _EMPTY_YEAR:
            return None
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _names_zone(text: str) -> bool:
    match = _MOMENT.fullmatch(text)
    return match is None or bool(match["zone"])


def _spell_zone(zone: str | None) -> str:
    if not zone or zone == "Z":
        return "+00:00" if zone else ""
    return zone if ":" in zone else f"{zone[:3]}:{zone[3:]}"


def get_local_name(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2]


def read_text(element: etree._Element) -> str:
    """All text inside, without blanks at its ends."""
    if not len(element):
        return (element.text or "").strip()
    return "".join(str(part) for part in element.itertext()).strip()


def build_raw_element(element: etree._Element, path: str) -> UnknownElement:
    return UnknownElement(path, read_text(element), _write_fragment(element))


def _write_fragment(element: etree._Element) -> str:
    """Canonical, so that no namespace is declared that isn't used; plain where that can't be: canonical XML has no
    relative namespace names."""
    try:
        return etree.tostring(element, method="c14n", exclusive=True, with_tail=False).decode("utf-8")
    except etree.C14NError:
        return etree.tostring(element, encoding="unicode", with_tail=False)


def _read_scheme(element: etree._Element) -> str | None:
    """Read the scheme with or without a prefix; one test client calls it `schema`."""
    for name, value in element.items():
        if str(name).rpartition("}")[2] in ("scheme", "schema"):
            return str(value).strip() or None
    return None


def _read_number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[+-]?\d{1,9}", text) else None


def _read_amount(text: str) -> Decimal | None:
    """Read an amount as xs:decimal has it, with a comma as well. No exponent: 1e999999999 would be a text of a
    gigabyte."""
    return Decimal(text.replace(",", ".")) if _AMOUNT.fullmatch(text) else None


def _read_flag(text: str) -> bool | None:
    return _YES.get(text.lower())


_SIMPLE_READERS: dict[Kind, Callable[[str], Any]] = {
    Kind.NUMBER: _read_number,
    Kind.AMOUNT: _read_amount,
    Kind.YES_NO: _read_flag,
    Kind.BOOLEAN: _read_flag,
}


@value_object
class _Slot:
    field: str
    element: FieldElement


_SLOTS: dict[type[Compound], dict[str, _Slot]] = {}


def _index_elements(structure: type[Compound]) -> dict[str, _Slot]:
    """Index the elements by every name that any version has for them."""
    slots = _SLOTS.get(structure)
    if slots is None:
        slots = _SLOTS[structure] = _build_index(structure)
    return slots


def _build_index(structure: type[Compound]) -> dict[str, _Slot]:
    index: dict[str, _Slot] = {}
    for field, element in list_elements(structure).items():
        index[element.name] = _Slot(field, element)
        if element.older_name:
            index.setdefault(element.older_name, _Slot(field, element))
    return index


@lru_cache(maxsize=32)
def _fold_words(words: type[StrEnum]) -> dict[str, str]:
    return {_fold_word(word): word for word in words}


def _fold_word(word: str) -> str:
    """Fold a word without regard to capitals, and to the two spellings of Unrecognised."""
    return word.lower().replace("unrecognized", "unrecognised")
