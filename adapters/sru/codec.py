"""SRU on the wire: parameters of a request, and answers in XML to values. Pure: no I/O, no clock, no settings.

    search_parameters(...), scan_parameters(...), explain_parameters(...)   -> names and values
    found(bytes), scanned(bytes), explained(bytes)                          -> values

SRU 1.1, 1.2 (http://www.loc.gov/zing/srw/) and 2.0 (OASIS searchRetrieve) differ in namespaces and in what a parameter
is called; elements are read by their local names. What can't be read is `MalformedMessage`.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from adapters.marc import markup
from adapters.marc.markup import child, children, name, said, text
from adapters.sru.values import Diagnostic, Explained, ExplainedIndex, Found, Scanned, SruRecord
from gateway.domain.problems import MalformedMessage

V2 = "2.0"

Parameters = dict[str, str]

# --- what we say -----------------------------------------------------------------------------------------


def search_parameters(version: str, query: str, start: int, count: int, schema: str) -> Parameters:
    """Positions count from 1. 2.0 has neither `operation` nor `recordPacking`."""
    common = {"query": query, "startRecord": str(start), "maximumRecords": str(count), "recordSchema": schema}
    if version == V2:
        return {"queryType": "cql", **common, "recordXMLEscaping": "xml"}
    return {"operation": "searchRetrieve", "version": version, **common, "recordPacking": "xml"}


def scan_parameters(version: str, clause: str, count: int) -> Parameters:
    common = {"scanClause": clause, "responsePosition": "1", "maximumTerms": str(count)}
    return common if version == V2 else {"operation": "scan", "version": version, **common}


def explain_parameters(version: str) -> Parameters:
    """2.0 asks by saying nothing."""
    return {} if version == V2 else {"operation": "explain", "version": version}


# --- what we hear ----------------------------------------------------------------------------------------


def found(data: bytes) -> Found:
    """Raises MalformedMessage for what is no answer to a search."""
    root = _root(data, "searchRetrieveResponse", "explainResponse", "diagnostics")
    if name(root) == "searchRetrieveResponse":
        total = _number(said(root, "numberOfRecords"))
        records = tuple(_record(one) for one in children(child(root, "records"), "record"))
        return Found(total=total, records=records, diagnostics=tuple(_diagnostics(root)))
    diagnostics = tuple(_diagnostics(root if name(root) == "explainResponse" else _wrapped(root)))
    if not diagnostics:
        raise MalformedMessage("", f"<{name(root)}> is no answer to a search")
    return Found(diagnostics=diagnostics)


def scanned(data: bytes) -> Scanned:
    """Raises MalformedMessage."""
    root = _root(data, "scanResponse", "diagnostics")
    if name(root) == "diagnostics":
        return Scanned(diagnostics=tuple(_diagnostics(_wrapped(root))))
    terms = tuple(
        (said(one, "displayTerm") or said(one, "value"), _number(said(one, "numberOfRecords")) or 0)
        for one in children(child(root, "terms"), "term")
    )
    return Scanned(terms=terms, diagnostics=tuple(_diagnostics(root)))


def explained(data: bytes) -> Explained:
    """Raises MalformedMessage for what is no ZeeRex description."""
    root = _root(data, "explainResponse", "explain")
    description = next((one for one in root.iter() if name(one) == "explain"), None)
    if description is None:
        raise MalformedMessage("", "it says nothing about itself")
    indexes = (_explained_index(one) for one in children(child(description, "indexInfo"), "index"))
    return Explained(
        database=said(description, "serverInfo", "database"),
        title=said(description, "databaseInfo", "title"),
        version=said(root, "version"),
        indexes=tuple(one for one in indexes if one.names),
        schemas=tuple(
            (one.get("name", ""), one.get("identifier", ""))
            for one in children(child(description, "schemaInfo"), "schema")
        ),
    )


def _root(data: bytes, *names: str) -> etree._Element:
    root = markup.parse(data)
    if name(root) == "Envelope":  # SRW, the same over SOAP
        body = child(root, "Body")
        root = body[0] if body is not None and len(body) else root
    if name(root) not in names:
        raise MalformedMessage("", f"<{name(root)}> is no answer of an SRU server")
    return root


def _record(element: etree._Element) -> SruRecord:
    data = child(element, "recordData")
    schema, position = said(element, "recordSchema"), _number(said(element, "recordPosition")) or 0
    inner = next((one for one in data if name(one)), None) if data is not None else None
    if inner is None:
        return SruRecord(_unpacked("".join(map(str, data.itertext())) if data is not None else ""), schema, position)
    return SruRecord(_diagnostic(inner) if name(inner) == "diagnostic" else inner, schema, position)


def _unpacked(string: str) -> etree._Element | Diagnostic:
    """A record that was packed as a string."""
    if not string.strip():
        return Diagnostic("", message="a record without anything in it")
    try:
        element = markup.parse(string.strip().encode())
    except MalformedMessage as malformed:
        return Diagnostic("", message=f"a record that is no XML: {malformed}")
    return _diagnostic(element) if name(element) == "diagnostic" else element


def _diagnostics(root: etree._Element) -> Iterator[Diagnostic]:
    for one in children(child(root, "diagnostics"), "diagnostic"):
        yield _diagnostic(one)


def _wrapped(diagnostics: etree._Element) -> etree._Element:
    """`diagnostics` that are the whole answer (some servers of 1.1)."""
    parent = etree.Element("answer")
    parent.append(diagnostics)
    return parent


def _diagnostic(element: etree._Element) -> Diagnostic:
    return Diagnostic(said(element, "uri"), said(element, "details"), said(element, "message"))


def _explained_index(element: etree._Element) -> ExplainedIndex:
    named = [one for map_ in children(element, "map") for one in children(map_, "name")]
    names = (".".join(filter(None, (one.get("set", ""), text(one)))) for one in named)
    return ExplainedIndex(said(element, "title"), tuple(filter(None, names)))


def _number(word: str) -> int | None:
    return int(word) if word.isascii() and word.isdigit() and len(word) < 16 else None
