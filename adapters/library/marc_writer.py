"""A partner's item as a short MARC 21 record, for systems that take records in XML. Pure."""

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
class MarcField:
    """`subfields`: code and value; empty values are left out."""

    tag: str
    subfields: tuple[tuple[str, str], ...]
    indicators: str = "  "


def make_item_record(item: TemporaryItem, own_fields: Iterable[MarcField], *, namespace: str = NAMESPACE) -> Any:
    """An element `record`. `own_fields`: what only this system keeps in a record."""
    fields = sorted((*_list_fields(item), *own_fields), key=lambda one: one.tag)
    return make_record(LEADER, FIXED_FIELD, fields, namespace=namespace)


def make_record(leader: str, fixed_field: str, fields: Iterable[MarcField], *, namespace: str) -> Any:
    """`namespace` empty: elements without one. What XML can't hold is left out of texts."""
    prefix = f"{{{namespace}}}" if namespace else ""
    record = etree.Element(f"{prefix}record", nsmap=_DEFAULT_NAMESPACE if namespace else None)
    etree.SubElement(record, f"{prefix}leader").text = leader
    etree.SubElement(record, f"{prefix}controlfield", tag="008").text = fixed_field
    for one in fields:
        values = [(code, value.translate(_UNPRINTABLE).strip()) for code, value in one.subfields]
        values = [(code, value) for code, value in values if value]
        if not values:
            continue
        field = etree.SubElement(
            record, f"{prefix}datafield", tag=one.tag, ind1=one.indicators[0], ind2=one.indicators[1]
        )
        for code, value in values:
            etree.SubElement(field, f"{prefix}subfield", code=code).text = value
    return record


def serialize_xml(element: Any) -> bytes:
    return etree.tostring(element, encoding="UTF-8", xml_declaration=True)


def _list_fields(item: TemporaryItem) -> Iterable[MarcField]:
    bib = item.bib
    yield from _list_numbers(bib)
    yield MarcField("041", (("a", bib.language),), "0 ")
    yield MarcField("100", (("a", bib.author),), "1 ")
    yield MarcField("245", (("a", bib.title or "Interlibrary loan"),), "1 " if bib.author else "0 ")
    yield MarcField("250", (("a", bib.edition),))
    yield MarcField("260", (("a", bib.place), ("b", bib.publisher), ("c", bib.published)))
    yield MarcField("300", (("a", bib.pages),))
    yield MarcField("490", (("a", bib.series),), "0 ")


def _list_numbers(bib: Bib) -> Iterable[MarcField]:
    for one in bib.identifiers:
        kind = one.type.casefold()
        if kind in ("isbn", "issn", "lccn"):
            yield MarcField({"isbn": "020", "issn": "022", "lccn": "010"}[kind], (("a", one.value),))
        elif kind == "oclc":
            yield MarcField("035", (("a", f"(OCoLC){one.value}"),))
        elif kind == "doi":
            yield MarcField("024", (("a", one.value), ("2", "doi")), "7 ")
