"""Holdings in MARC and OPAC records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace
from datetime import date, datetime

from lxml import etree

from adapters.marc import citation_texts
from adapters.marc.dialect import HeldField, Records
from adapters.marc.marc_records import Field, Marc, joined, said
from gateway.domain.value import value
from gateway.ports.catalogue import HeldItem

_CAPTIONS = {"863": "853", "864": "854", "865": "855"}


def marc_holdings(record: Marc, how: Records) -> tuple[HeldItem, ...] | None:
    """None: the record says nothing about it."""
    if how.holding_tags.isdisjoint(record.by_tag):
        return () if how.without_holdings == "none" else None
    captions = _captions(record)
    found: list[_Copy] = []
    for field in record.fields:
        if field.tag not in how.holding_tags:
            continue
        rule = next((one for one in how.holdings if one.tag == field.tag and _fits(field, one.indicators)), None)
        if rule is None:
            continue
        item = _item(field, rule, how, captions)
        if rule.under and found:
            found[-1].add_statement(item, stands_alone=bool(item.barcode))
        elif not rule.under:
            found.append(_Copy(item))
    if not found:
        return () if how.without_holdings == "none" else None
    return tuple(item for copy in found for item in copy.list_items())


class _Copy:
    """A field that stands for itself, and what those behind it add: items of their own, or more about it."""

    def __init__(self, item: HeldItem) -> None:
        self._item = item
        self._below: list[HeldItem] = []

    def add_statement(self, other: HeldItem, *, stands_alone: bool) -> None:
        if stands_alone:
            self._below.append(other)
        else:
            volumes = "; ".join(filter(None, (self._item.volumes, other.volumes)))
            self._item = replace(_filled(self._item, other), volumes=volumes)

    def list_items(self) -> list[HeldItem]:
        return [_filled(one, self._item) for one in self._below] or [self._item]


def _filled(item: HeldItem, other: HeldItem) -> HeldItem:
    """What the one doesn't say, the other does."""
    missing = {one.name: getattr(other, one.name) for one in fields(item) if getattr(item, one.name) in ("", None)}
    return replace(item, **missing)


def _item(field: Field, rule: HeldField, how: Records, captions: dict[tuple[str, str], Field]) -> HeldItem:
    texts = {name: said(field, codes) for name, codes in rule.text_codes.items()}
    return HeldItem(
        **texts,
        available=available(texts.get("status", ""), how),
        due=day(said(field, rule.due.split("|")), how) if rule.due else None,
        volumes=_volumes(field, rule.volumes, captions),
    )


def _fits(field: Field, indicators: str) -> bool:
    if indicators == "..":
        return True
    have = field.indicators.replace(" ", "#")
    return all(wanted in (".", here) for wanted, here in zip(indicators, have, strict=False))


# --- statuses and days -----------------------------------------------------------------------------------


def available(status: str, how: Records) -> bool | None:
    """None: the words don't say. A whole status counts before the beginning of one."""
    words = status.strip().casefold()
    if not words:
        return None
    if words in how.available:
        return True
    return False if words.startswith(how.unavailable) else None


def day(text: str, how: Records) -> date | None:
    text = text.strip()
    for form in how.dates if text else ():
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 - only its day
        except ValueError:
            continue
    return None


# --- enumeration and chronology with captions (853 and 863) ------------------------------------------------


def _captions(record: Marc) -> dict[tuple[str, str], Field]:
    """By tag and link number ($8)."""
    found = {}
    for tag in _CAPTIONS.values():
        for field in record.fields_with_tag(tag):
            found[tag, joined(field, "8").partition(".")[0]] = field
    return found


def _volumes(field: Field, codes: str, captions: dict[tuple[str, str], Field]) -> str:
    """`v.1-20:no.1-4 (1990-2010)`: levels of enumeration (a to h) by colons, chronology (i to m) in parentheses."""
    if field.tag not in _CAPTIONS or not codes:
        return said(field, codes.split("|"))
    pattern = captions.get((_CAPTIONS[field.tag], joined(field, "8").partition(".")[0]))
    enumeration = ":".join(_captioned(field, pattern, "abcdefgh", codes))
    chronology = ":".join(_captioned(field, pattern, "ijklm", codes))
    return f"{enumeration} ({chronology})".strip() if chronology else enumeration


def _captioned(field: Field, pattern: Field | None, levels: str, codes: str) -> Iterator[str]:
    for code in levels:
        value = joined(field, code) if code in codes else ""
        if value:
            caption = joined(pattern, code)
            yield value if caption.startswith("(") else caption + value


@value
class Circulation:
    """An item of a holding. `texts` by the names of the standard; None: not said."""

    texts: Mapping[str, str]
    available_now: bool | None = None
    on_hold: bool | None = None


@value
class OpacHolding:
    """`texts` by the names of the standard: nucCode, localLocation, callNumber, …"""

    texts: Mapping[str, str]
    volumes: tuple[str, ...] = ()
    circulations: tuple[Circulation, ...] = ()


def opac_holdings(holdings: Iterable[OpacHolding], how: Records) -> tuple[HeldItem, ...]:
    """An item for each that circulates, or one for a holding of which no items are shown."""
    return tuple(item for holding in holdings for item in _items(holding, how))


def _items(holding: OpacHolding, how: Records) -> Iterator[HeldItem]:
    for circulation in holding.circulations or (Circulation({}),):
        texts = {**holding.texts, **circulation.texts}
        status = texts.get(how.opac.status, "")
        shown = available(status, how)
        yield HeldItem(
            location=texts.get(how.opac.location, "") or texts.get("nucCode", ""),
            sublocation=texts.get(how.opac.sublocation, ""),
            call_number=texts.get("callNumber", ""),
            barcode=texts.get("itemId", ""),
            policy=texts.get(how.opac.policy, ""),
            status=status or _words(circulation),
            available=circulation.available_now if shown is None else shown,
            due=day(texts.get("availabilityDate", ""), how),
            volumes=texts.get("enumAndChron", "") or "; ".join(holding.volumes),
            note=texts.get("publicNote", ""),
        )


def _words(circulation: Circulation) -> str:
    said = {True: "available", False: "not available", None: ""}[circulation.available_now]
    return ", ".join(filter(None, (said, "on hold" if circulation.on_hold else "")))


# --- as XML ----------------------------------------------------------------------------------------------


def of_xml(record: etree._Element) -> tuple[OpacHolding, ...] | None:
    """Of an `opacRecord`. None: it has no element for holdings."""
    parent = citation_texts.child(record, "holdings")
    if parent is None:
        return None
    return tuple(_holding(one) for one in citation_texts.children(parent, "holding"))


def _holding(element: etree._Element) -> OpacHolding:
    volumes = citation_texts.children(citation_texts.child(element, "volumes"), "volume")
    circulations = citation_texts.children(citation_texts.child(element, "circulations"), "circulation")
    return OpacHolding(
        _texts(element),
        tuple(filter(None, (" ".join(filter(None, _texts(one).values())) for one in volumes))),
        tuple(Circulation(_texts(one), _flag(one, "availableNow"), _flag(one, "onHold")) for one in circulations),
    )


def _texts(element: etree._Element) -> dict[str, str]:
    """The standard misspells one name; both spellings are about."""
    found = {
        citation_texts.name(one): citation_texts.text(one)
        for one in element
        if not len(one) and citation_texts.text(one)
    }
    if "availablityDate" in found:
        found["availabilityDate"] = found.pop("availablityDate")
    return found


def _flag(element: etree._Element, name: str) -> bool | None:
    """`<availableNow value="1"/>`, or the word in it."""
    found = citation_texts.child(element, name)
    if found is None:
        return None
    word = (found.get("value") or citation_texts.text(found)).strip().casefold()
    return word in ("1", "true") if word else None
