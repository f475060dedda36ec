"""A partner's item as a short record in MARC 21, KORMARC or UNIMARC, for systems that take records in XML. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lxml import etree

from adapters.library.record_format import RecordFormat
from gateway.domain.library import Bib
from gateway.domain.value import value_object
from gateway.ports.library_system import TemporaryItem

NAMESPACE = "http://www.loc.gov/MARC21/slim"
LEADER = "00000nam a2200000 i 4500"
FIXED_FIELD = "      s        xx            000 0 und d"
_DEFAULT_NAMESPACE: Any = {None: NAMESPACE}  # lxml's types know no default namespace
_UNPRINTABLE: dict[int, None] = dict.fromkeys((*range(32), 0x7F, 0xFFFE, 0xFFFF))


UNIMARC_LEADER = "00000nam0 2200000   450 "
UNIMARC_GENERAL_DATA = "        u        k  y0engy50      ba"
"""100 $a: dates unknown, catalogued in English, UTF-8."""


@value_object
class DataField:
    """`subfields`: code and value; empty values are left out."""

    tag: str
    subfields: tuple[tuple[str, str], ...]
    indicators: str = "  "


def make_item_record(
    item: TemporaryItem,
    own_fields: Iterable[DataField],
    *,
    namespace: str = NAMESPACE,
    record_format: RecordFormat = RecordFormat.MARC21,
) -> Any:
    """An element `record`. `own_fields`: what only this system keeps in a record."""
    is_unimarc = record_format is RecordFormat.UNIMARC
    described = _list_unimarc_fields(item.bib) if is_unimarc else _list_fields(item)
    fields = sorted((*described, *own_fields), key=lambda field: field.tag)
    if is_unimarc:
        return make_record(UNIMARC_LEADER, "", fields, namespace=namespace)
    return make_record(LEADER, FIXED_FIELD, fields, namespace=namespace)


def make_record(leader: str, fixed_field: str, fields: Iterable[DataField], *, namespace: str) -> Any:
    """`fixed_field` empty: no 008; `namespace` empty: elements without one. What XML can't hold is left out."""
    prefix = f"{{{namespace}}}" if namespace else ""
    record = etree.Element(f"{prefix}record", nsmap=_DEFAULT_NAMESPACE if namespace else None)
    etree.SubElement(record, f"{prefix}leader").text = leader
    if fixed_field:
        etree.SubElement(record, f"{prefix}controlfield", tag="008").text = fixed_field
    for field in fields:
        values = [(code, _clean_value(value)) for code, value in field.subfields]
        values = [(code, value) for code, value in values if value]
        if not values:
            continue
        datafield = etree.SubElement(
            record, f"{prefix}datafield", tag=field.tag, ind1=field.indicators[0], ind2=field.indicators[1]
        )
        for code, value in values:
            etree.SubElement(datafield, f"{prefix}subfield", code=code).text = value
    return record


def _clean_value(value: str) -> str:
    """Coded data keep their positions."""
    return value if value == UNIMARC_GENERAL_DATA else value.translate(_UNPRINTABLE).strip()


def serialize_xml(element: Any) -> bytes:
    return etree.tostring(element, encoding="UTF-8", xml_declaration=True)


def _list_fields(item: TemporaryItem) -> Iterable[DataField]:
    bib = item.bib
    yield from _list_numbers(bib)
    yield DataField("041", (("a", bib.language),), "0 ")
    yield DataField("100", (("a", bib.author),), "1 ")
    yield DataField("245", (("a", bib.title or "Interlibrary loan"),), "1 " if bib.author else "0 ")
    yield DataField("250", (("a", bib.edition),))
    yield DataField("260", (("a", bib.place), ("b", bib.publisher), ("c", bib.published)))
    yield DataField("300", (("a", bib.pages),))
    yield DataField("490", (("a", bib.series),), "0 ")


def _list_numbers(bib: Bib) -> Iterable[DataField]:
    for identifier in bib.identifiers:
        kind = identifier.type.casefold()
        if kind in ("isbn", "issn", "lccn"):
            yield DataField({"isbn": "020", "issn": "022", "lccn": "010"}[kind], (("a", identifier.value),))
        elif kind == "oclc":
            yield DataField("035", (("a", f"(OCoLC){identifier.value}"),))
        elif kind == "doi":
            yield DataField("024", (("a", identifier.value), ("2", "doi")), "7 ")


def _list_unimarc_fields(bib: Bib) -> Iterable[DataField]:
    tags = {"isbn": "010", "issn": "011"}
    for identifier in bib.identifiers:
        kind = identifier.type.casefold()
        if kind in tags:
            yield DataField(tags[kind], (("a", identifier.value),))
        elif kind == "oclc":
            yield DataField("035", (("a", f"(OCoLC){identifier.value}"),))
        elif kind == "doi":
            yield DataField("017", (("a", identifier.value), ("2", "doi")), "70")
    yield DataField("100", (("a", UNIMARC_GENERAL_DATA),))
    yield DataField("101", (("a", bib.language),), "0 ")
    yield DataField("200", (("a", bib.title or "Interlibrary loan"), ("f", bib.author)), "1 ")
    yield DataField("205", (("a", bib.edition),))
    yield DataField("210", (("a", bib.place), ("c", bib.publisher), ("d", bib.published)))
    yield DataField("215", (("a", bib.pages),))
    yield DataField("225", (("a", bib.series),), "2 ")
    yield DataField("700", (("a", bib.author),), " 0")
