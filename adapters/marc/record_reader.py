"""A record as it came -> FoundRecord. Never raises for bad records: `problem` says what is wrong with one.

record_from_bytes("marc21", data, ...)   what Z39.50 sends in its record syntaxes
record_from_xml(element, ...)            a record in XML, by the name of its root
"""

from __future__ import annotations

from lxml import etree

from adapters.marc import holdings, marc_citations, marc_records, other_citations, xml_elements
from adapters.marc.dialect import AUTO, MARC_8, Records
from adapters.marc.marc_records import MarcRecord
from gateway.domain.problems import MalformedMessage
from gateway.domain.requests.citation import Citation
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace
from gateway.ports.catalogue import FoundRecord, HeldItem

_UNIMARC_NAMESPACE = "unimarc"


def record_from_bytes(syntax: str, data: bytes, position: int, how: Records, source: str = "") -> FoundRecord:
    """`syntax`: marc21, unimarc, xml or sutrs. `source`: the name of the target, for the citation."""
    match syntax:
        case "marc21" | "unimarc":
            if data.lstrip().startswith(b"<"):  # XML under the name of MARC: some servers do so
                return record_from_bytes("xml", data, position, how, source)
            return _record_from_marc(syntax, data, position, how, source)
        case "xml":
            try:
                element = xml_elements.parse_untrusted_xml(data)
            except MalformedMessage as malformed:
                return FoundRecord(position=position, syntax=syntax, raw=data, problem=str(malformed))
            return record_from_xml(element, position, how, source, data)
        case "sutrs":
            citation = other_citations.sutrs_citation(_decode_sutrs(data, how), source)
            return FoundRecord(position=position, syntax=syntax, raw=data, citation=citation)
        case _:
            problem = write_sentence("unsupported record syntax")
            return FoundRecord(position=position, syntax=syntax, raw=data, problem=problem)


def record_from_xml(
    element: etree._Element, position: int, how: Records, source: str = "", raw: bytes = b""
) -> FoundRecord:
    """`raw`: the octets, if they are at hand."""
    raw = raw or etree.tostring(element)
    draft = FoundRecord(position=position, raw=raw)
    match xml_elements.local_name(element):
        case "mods":
            held = other_citations.mods_holdings(element)
            return replace(draft, syntax="mods", citation=other_citations.mods_citation(element, source), holdings=held)
        case "modsCollection" | "collection" if len(element):
            return record_from_xml(element[0], position, how, source, raw)
        case "opacRecord":
            return _record_from_opac_xml(element, draft, how, source)
        case "record" if (
            xml_elements.find_child(element, "leader") is not None
            or xml_elements.find_child(element, "datafield") is not None
        ):
            record = marc_records.read_marcxml(element)
            citation, shown = _describe_record(record, _marc_format("marc21", how, element), how, source)
            return replace(draft, syntax="xml", citation=citation, holdings=shown)
        case _ if any(xml_elements.element_namespace(child) in other_citations.NAMESPACES for child in element.iter()):
            return replace(draft, syntax="dc", citation=other_citations.dc_citation(element, source))
        case name:
            return replace(
                draft, syntax="xml", problem=write_sentence("<%(name)s> is not a supported record format", name=name)
            )


def record_from_opac(
    bibliographic: FoundRecord | None,
    items: tuple[HeldItem, ...] | None,
    position: int,
    raw: bytes,
) -> FoundRecord:
    """An OPAC record: its bibliographic record, and holdings that count for more than those which that one shows."""
    if bibliographic is None:
        problem = write_sentence("an OPAC record without a bibliographic record")
        return FoundRecord(position=position, syntax="opac", raw=raw, holdings=items, problem=problem)
    held_items = items if items is not None else bibliographic.holdings
    shelf = _first_call_number(items) or bibliographic.citation.call_number
    citation = replace(bibliographic.citation, call_number=shelf)
    return replace(bibliographic, position=position, syntax="opac", raw=raw, holdings=held_items, citation=citation)


def holdings_from_marc(data: bytes, how: Records) -> tuple[HeldItem, ...]:
    """Read a MARC holdings record in an OPAC record; empty for one that can't be read."""
    record = marc_records.read_iso2709(data, how.charset).record
    return (holdings.read_marc_holdings(record, how) or ()) if record is not None else ()


def _record_from_marc(syntax: str, data: bytes, position: int, how: Records, source: str) -> FoundRecord:
    word = _marc_format(syntax, how)
    read = marc_records.read_iso2709(data, how.charset, unimarc=word == "unimarc")
    if read.record is None:
        return FoundRecord(position=position, syntax=syntax, raw=data, problem=read.problem)
    citation, held = _describe_record(read.record, word, how, source)
    return FoundRecord(
        position=position, citation=citation, holdings=held, syntax=syntax, raw=data, problem=read.problem
    )


def _marc_format(syntax: str, how: Records, element: etree._Element | None = None) -> str:
    """marc21 or unimarc: as the profile says, else the syntax, or the `format` and namespace of an element."""
    if how.format != "auto":
        return how.format
    if element is not None:
        format_name = f"{element.get('format', '')} {xml_elements.element_namespace(element)}".casefold()
        return "unimarc" if _UNIMARC_NAMESPACE in format_name else "marc21"
    return syntax


def _describe_record(
    record: MarcRecord, word: str, how: Records, source: str
) -> tuple[Citation, tuple[HeldItem, ...] | None]:
    marc_holdings = holdings.read_marc_holdings(record, how)
    describe = marc_citations.unimarc_citation if word == "unimarc" else marc_citations.marc21_citation
    return describe(record, how.local, source, _first_call_number(marc_holdings)), marc_holdings


def _first_call_number(items: tuple[HeldItem, ...] | None) -> str:
    """Find the call number of a copy, which is of more use than how the work is classed."""
    return next((item.call_number for item in items or () if item.call_number), "")


def _record_from_opac_xml(element: etree._Element, found_record: FoundRecord, how: Records, source: str) -> FoundRecord:
    inner = xml_elements.find_child(element, "bibliographicRecord")
    record = inner[0] if inner is not None and len(inner) else None
    bibliographic = record_from_xml(record, found_record.position, how, source) if record is not None else None
    opac_holdings = holdings.opac_holdings_from_xml(element)
    items = holdings.items_of_opac_holdings(opac_holdings, how) if opac_holdings is not None else None
    return record_from_opac(bibliographic, items, found_record.position, found_record.raw)


def _decode_sutrs(data: bytes, how: Records) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        charset = "iso-8859-1" if how.charset in (AUTO, MARC_8) else how.charset
        return data.decode(charset, "replace")
