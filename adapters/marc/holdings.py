"""Holdings in MARC and OPAC records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from datetime import date, datetime

from lxml import etree

from adapters.marc import xml_elements
from adapters.marc.dialect import HeldField, Records
from adapters.marc.marc_records import MarcField, MarcRecord, join_first_subfields, join_subfields
from gateway.domain.value import replace, value_object
from gateway.ports.catalogue import HeldItem

_CAPTIONS = {"863": "853", "864": "854", "865": "855"}


def read_marc_holdings(record: MarcRecord, how: Records) -> tuple[HeldItem, ...] | None:
    """None: the record says nothing about it."""
    if how.holding_tags.isdisjoint(record.by_tag):
        return () if how.without_holdings == "none" else None
    captions = _find_captions(record)
    copies: list[_HeldCopy] = []
    for field in record.fields:
        if field.tag not in how.holding_tags:
            continue
        rule = next(
            (rule for rule in how.holdings if rule.tag == field.tag and _has_indicators(field, rule.indicators)), None
        )
        if rule is None:
            continue
        item = _read_held_item(field, rule, how, captions)
        if rule.under and copies:
            copies[-1].add_statement(item, stands_alone=bool(item.barcode))
        elif not rule.under:
            copies.append(_HeldCopy(item))
    if not copies:
        return () if how.without_holdings == "none" else None
    return tuple(item for copy in copies for item in copy.list_items())


class _HeldCopy:
    """A field that stands for itself, and what those behind it add: items of their own, or more about it."""

    def __init__(self, item: HeldItem) -> None:
        self._item = item
        self._below: list[HeldItem] = []

    def add_statement(self, other: HeldItem, *, stands_alone: bool) -> None:
        if stands_alone:
            self._below.append(other)
        else:
            volumes = "; ".join(filter(None, (self._item.volumes, other.volumes)))
            self._item = replace(_fill_missing(self._item, other), volumes=volumes)

    def list_items(self) -> list[HeldItem]:
        return [_fill_missing(item, self._item) for item in self._below] or [self._item]


def _fill_missing(item: HeldItem, other: HeldItem) -> HeldItem:
    """Fill in from the other item what the one doesn't say."""
    missing = [field.name for field in fields(item) if getattr(item, field.name) in ("", None)]
    return replace(item, **{name: getattr(other, name) for name in missing})


def _read_held_item(
    field: MarcField, rule: HeldField, how: Records, captions: dict[tuple[str, str], MarcField]
) -> HeldItem:
    texts = {name: join_first_subfields(field, codes) for name, codes in rule.text_codes.items()}
    return HeldItem(
        **texts,
        available=parse_availability(texts.get("status", ""), how),
        due=parse_due_day(join_first_subfields(field, rule.due.split("|")), how) if rule.due else None,
        volumes=_format_volumes(field, rule.volumes, captions),
    )


def _has_indicators(field: MarcField, indicators: str) -> bool:
    if indicators == "..":
        return True
    have = field.indicators.replace(" ", "#")
    return all(indicator in (".", actual) for indicator, actual in zip(indicators, have, strict=False))


# --- statuses and days -----------------------------------------------------------------------------------


def parse_availability(status: str, how: Records) -> bool | None:
    """None: the words don't say. A whole status counts before the beginning of one."""
    words = status.strip().casefold()
    if not words:
        return None
    if words in how.available:
        return True
    return False if words.startswith(how.unavailable) else None


def parse_due_day(text: str, how: Records) -> date | None:
    text = text.strip()
    for form in how.dates if text else ():
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 - only its day
        except ValueError:
            continue
    return None


# --- enumeration and chronology with captions (853 and 863) ------------------------------------------------


def _find_captions(record: MarcRecord) -> dict[tuple[str, str], MarcField]:
    """Find captions by tag and link number ($8)."""
    captions = {}
    for tag in _CAPTIONS.values():
        for field in record.fields_with_tag(tag):
            captions[tag, join_subfields(field, "8").partition(".")[0]] = field
    return captions


def _format_volumes(field: MarcField, codes: str, captions: dict[tuple[str, str], MarcField]) -> str:
    """`v.1-20:no.1-4 (1990-2010)`: levels of enumeration (a to h) by colons, chronology (i to m) in parentheses."""
    if field.tag not in _CAPTIONS or not codes:
        return join_first_subfields(field, codes.split("|"))
    pattern = captions.get((_CAPTIONS[field.tag], join_subfields(field, "8").partition(".")[0]))
    enumeration = ":".join(_caption_levels(field, pattern, "abcdefgh", codes))
    chronology = ":".join(_caption_levels(field, pattern, "ijklm", codes))
    return f"{enumeration} ({chronology})".strip() if chronology else enumeration


def _caption_levels(field: MarcField, pattern: MarcField | None, levels: str, codes: str) -> Iterator[str]:
    for code in levels:
        value = join_subfields(field, code) if code in codes else ""
        if value:
            caption = join_subfields(pattern, code)
            yield value if caption.startswith("(") else caption + value


@value_object
class OpacCirculation:
    """An item of a holding. `texts` by the names of the standard; None: not said."""

    texts: Mapping[str, str]
    available_now: bool | None = None
    on_hold: bool | None = None


@value_object
class OpacHolding:
    """`texts` by the names of the standard: nucCode, localLocation, callNumber, …"""

    texts: Mapping[str, str]
    volumes: tuple[str, ...] = ()
    circulations: tuple[OpacCirculation, ...] = ()


def items_of_opac_holdings(holdings: Iterable[OpacHolding], how: Records) -> tuple[HeldItem, ...]:
    """An item for each that circulates, or one for a holding of which no items are shown."""
    return tuple(item for holding in holdings for item in _items_of_holding(holding, how))


def _items_of_holding(holding: OpacHolding, how: Records) -> Iterator[HeldItem]:
    for circulation in holding.circulations or (OpacCirculation({}),):
        texts = {**holding.texts, **circulation.texts}
        status = texts.get(how.opac.status, "")
        availability = parse_availability(status, how)
        yield HeldItem(
            location=texts.get(how.opac.location, "") or texts.get("nucCode", ""),
            sublocation=texts.get(how.opac.sublocation, ""),
            call_number=texts.get("callNumber", ""),
            barcode=texts.get("itemId", ""),
            policy=texts.get(how.opac.policy, ""),
            status=status or _status_text(circulation),
            available=circulation.available_now if availability is None else availability,
            due=parse_due_day(texts.get("availabilityDate", ""), how),
            volumes=texts.get("enumAndChron", "") or "; ".join(holding.volumes),
            note=texts.get("publicNote", ""),
        )


def _status_text(circulation: OpacCirculation) -> str:
    status = {True: "available", False: "not available", None: ""}[circulation.available_now]
    return ", ".join(filter(None, (status, "on hold" if circulation.on_hold else "")))


# --- as XML ----------------------------------------------------------------------------------------------


def opac_holdings_from_xml(record: etree._Element) -> tuple[OpacHolding, ...] | None:
    """Read the holdings of an `opacRecord`. None: it has no element for holdings."""
    parent = xml_elements.find_child(record, "holdings")
    if parent is None:
        return None
    return tuple(_read_holding(element) for element in xml_elements.child_elements(parent, "holding"))


def _read_holding(element: etree._Element) -> OpacHolding:
    volumes = xml_elements.child_elements(xml_elements.find_child(element, "volumes"), "volume")
    circulations = xml_elements.child_elements(xml_elements.find_child(element, "circulations"), "circulation")
    return OpacHolding(
        _read_texts(element),
        tuple(filter(None, (" ".join(filter(None, _read_texts(volume).values())) for volume in volumes))),
        tuple(
            OpacCirculation(_read_texts(entry), _read_flag(entry, "availableNow"), _read_flag(entry, "onHold"))
            for entry in circulations
        ),
    )


def _read_texts(element: etree._Element) -> dict[str, str]:
    """The standard misspells one name; both spellings are about."""
    texts = {
        xml_elements.local_name(child): xml_elements.element_text(child)
        for child in element
        if not len(child) and xml_elements.element_text(child)
    }
    if "availablityDate" in texts:
        texts["availabilityDate"] = texts.pop("availablityDate")
    return texts


def _read_flag(element: etree._Element, name: str) -> bool | None:
    """`<availableNow value="1"/>`, or the word in it."""
    child = xml_elements.find_child(element, name)
    if child is None:
        return None
    word = (child.get("value") or xml_elements.element_text(child)).strip().casefold()
    return word in ("1", "true") if word else None
