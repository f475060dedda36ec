"""Which copies and volumes a MARC record shows, by the profile's map of fields; how statuses and dates are taken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import date, datetime

from adapters.marc.dialect import HeldField, Records
from adapters.marc.fields import Field, Marc, joined, said
from gateway.ports.search import HeldItem

_CAPTIONS = {"863": "853", "864": "854", "865": "855"}


def marc_holdings(record: Marc, how: Records) -> tuple[HeldItem, ...] | None:
    """None: the record says nothing about it."""
    if how.tags.isdisjoint(record.by_tag):
        return () if how.without_holdings == "none" else None
    captions = _captions(record)
    found: list[_Copy] = []
    for field in record.fields:
        if field.tag not in how.tags:
            continue
        rule = next((one for one in how.holdings if one.tag == field.tag and _fits(field, one.indicators)), None)
        if rule is None:
            continue
        item = _item(field, rule, how, captions)
        if rule.under and found:
            found[-1].more(item, stands_alone=bool(item.barcode))
        elif not rule.under:
            found.append(_Copy(item))
    if not found:
        return () if how.without_holdings == "none" else None
    return tuple(item for copy in found for item in copy.items())


class _Copy:
    """A field that stands for itself, and what those behind it add: items of their own, or more about it."""

    def __init__(self, item: HeldItem) -> None:
        self._item = item
        self._below: list[HeldItem] = []

    def more(self, other: HeldItem, *, stands_alone: bool) -> None:
        if stands_alone:
            self._below.append(other)
        else:
            volumes = "; ".join(filter(None, (self._item.volumes, other.volumes)))
            self._item = replace(_filled(self._item, other), volumes=volumes)

    def items(self) -> list[HeldItem]:
        return [_filled(one, self._item) for one in self._below] or [self._item]


def _filled(item: HeldItem, other: HeldItem) -> HeldItem:
    """What the one doesn't say, the other does."""
    missing = {one.name: getattr(other, one.name) for one in fields(item) if getattr(item, one.name) in ("", None)}
    return replace(item, **missing)


def _item(field: Field, rule: HeldField, how: Records, captions: dict[tuple[str, str], Field]) -> HeldItem:
    texts = {name: said(field, codes) for name, codes in rule.texts.items()}
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
        for field in record.all(tag):
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
