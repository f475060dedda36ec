"""A partner's item as a short MARC 21 record. Pure. Sources: facts/ils-backends.md 1.2; what Koha's own NCIP server
writes for AcceptItem (942)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lxml import etree

from gateway.domain.library import Bib
from gateway.domain.value import value_object
from gateway.ports.library_system import TemporaryItem

NAMESPACE = "http://www.loc.gov/MARC21/slim"
LEADER = "00000nam a2200000 i 4500"
FIXED_FIELD = "      s        xx            000 0 und d"
_DEFAULT_NAMESPACE: Any = {None: NAMESPACE}  # lxml's types know no default namespace
_UNPRINTABLE: dict[int, None] = dict.fromkeys((*range(32), 0x7F, 0xFFFE, 0xFFFF))


@value_object
class _Field:
    """`subfields`: code and value; empty values are left out."""

    tag: str
    subfields: tuple[tuple[str, str], ...]
    indicators: str = "  "


def write_marcxml(item: TemporaryItem, mark: str) -> bytes:
    """`mark`: a note by which the record is found again. What XML can't hold is left out of texts."""
    record = etree.Element(f"{{{NAMESPACE}}}record", nsmap=_DEFAULT_NAMESPACE)
    etree.SubElement(record, f"{{{NAMESPACE}}}leader").text = LEADER
    fixed = etree.SubElement(record, f"{{{NAMESPACE}}}controlfield", tag="008")
    fixed.text = FIXED_FIELD
    for one in _list_fields(item, mark):
        values = [(code, value.translate(_UNPRINTABLE).strip()) for code, value in one.subfields]
        values = [(code, value) for code, value in values if value]
        if not values:
            continue
        field = etree.SubElement(
            record, f"{{{NAMESPACE}}}datafield", tag=one.tag, ind1=one.indicators[0], ind2=one.indicators[1]
        )
        for code, value in values:
            etree.SubElement(field, f"{{{NAMESPACE}}}subfield", code=code).text = value
    return etree.tostring(record, encoding="UTF-8", xml_declaration=True)


def _list_fields(item: TemporaryItem, mark: str) -> Iterable[_Field]:
    bib = item.bib
    yield from _list_numbers(bib)
    yield _Field("041", (("a", bib.language),), "0 ")
    yield _Field("100", (("a", bib.author),), "1 ")
    yield _Field("245", (("a", bib.title or "Interlibrary loan"),), "1 " if bib.author else "0 ")
    yield _Field("250", (("a", bib.edition),))
    yield _Field("260", (("a", bib.place), ("b", bib.publisher), ("c", bib.published)))
    yield _Field("300", (("a", bib.pages),))
    yield _Field("490", (("a", bib.series),), "0 ")
    yield _Field("500", (("a", mark),))
    yield _Field("942", (("c", item.policy), ("n", "1" if item.suppressed else "")))


def _list_numbers(bib: Bib) -> Iterable[_Field]:
    for one in bib.identifiers:
        kind = one.type.casefold()
        if kind in ("isbn", "issn", "lccn"):
            yield _Field({"isbn": "020", "issn": "022", "lccn": "010"}[kind], (("a", one.value),))
        elif kind == "oclc":
            yield _Field("035", (("a", f"(OCoLC){one.value}"),))
        elif kind == "doi":
            yield _Field("024", (("a", one.value), ("2", "doi")), "7 ")
