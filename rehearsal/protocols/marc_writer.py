"""Citations as records of a catalogue that is played: MARC 21 in XML, and Dublin Core."""

from __future__ import annotations

from lxml import etree
from pymarc import Field, Indicators, Record, Subfield
from pymarc.marcxml import record_to_xml

from gateway.domain.requests.citation import Citation

DC = "http://purl.org/dc/elements/1.1/"
SRW_DC = "info:srw/schema/1/dc-schema"

LIBRARY = "MAIN"
"""Where the one copy of each is, in field 852."""


def write_marcxml(citation: Citation) -> etree._Element:
    octets: bytes = record_to_xml(make_marc_record(citation), namespace=True)  # type: ignore[no-untyped-call]
    return etree.fromstring(octets)


def make_marc_record(citation: Citation) -> Record:
    record = Record(force_utf8=True, leader="00000nam a2200000 a 4500")
    record.add_field(Field(tag="001", data=citation.identifier("local")))  # type: ignore[no-untyped-call]
    _add_field(record, "020", "  ", ("a", citation.identifier("isbn")))
    _add_field(record, "100", "1 ", ("a", citation.author))
    _add_field(record, "245", "10", ("a", citation.title), ("b", citation.subtitle))
    _add_field(record, "264", " 1", ("a", citation.place), ("b", citation.publisher), ("c", citation.published))
    _add_field(record, "852", "  ", ("b", LIBRARY), ("h", citation.call_number))
    return record


def _add_field(record: Record, tag: str, indicators: str, *values: tuple[str, str]) -> None:
    subfields = [Subfield(code, value) for code, value in values if value]
    if subfields:
        field = Field(tag=tag, indicators=Indicators(*indicators), subfields=subfields)
        record.add_field(field)  # type: ignore[no-untyped-call]


def write_dublin_core(citation: Citation) -> etree._Element:
    root = etree.Element(f"{{{SRW_DC}}}dc", nsmap={"srw_dc": SRW_DC, "dc": DC})
    isbn = citation.identifier("isbn")
    said = (
        ("identifier", citation.identifier("local")),
        ("identifier", f"URN:ISBN:{isbn}" if isbn else ""),
        ("title", citation.title),
        ("creator", citation.author),
        ("publisher", citation.publisher),
        ("date", citation.published),
    )
    for name, value in said:
        if value:
            etree.SubElement(root, f"{{{DC}}}{name}").text = value
    return root
