"""SRU requests and answers, CQL, diagnostics.

Pure: no I/O, no clock, no settings.

    search_parameters(...), scan_parameters(...), explain_parameters(...)   -> names and values
    found(bytes), scanned(bytes), explained(bytes)                          -> values

SRU 1.1, 1.2 (http://www.loc.gov/zing/srw/) and 2.0 (OASIS searchRetrieve) differ in namespaces and in what a parameter
is called; elements are read by their local names. What can't be read is `MalformedMessage`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from adapters.marc import xml_elements
from adapters.marc.citation_texts import format_term_value
from adapters.marc.xml_elements import child_elements, child_text, element_text, find_child, local_name
from adapters.sru.dialect import CqlIndex, SruDialect
from gateway.domain.problems import MalformedMessage, RefusalReason, Refused, Unavailable
from gateway.domain.sentences import write_about, write_sentence
from gateway.domain.value import value_object
from gateway.ports.catalogue import CatalogueQuery, SearchTerm, TermMatch

V2 = "2.0"

Parameters = dict[str, str]

PREFIX = "info:srw/diagnostic/1/"

OUT_OF_RANGE = 61
SCHEMA_NOT_KNOWN = frozenset({66, 67})
PASSING = frozenset({2, 52, 64})
"""Temporarily unavailable: the system, a result set, a record."""

SIGNING_IN = frozenset({3, 68})

TEXTS = {
    1: "general system error",
    2: "system temporarily unavailable",
    3: "authentication error",
    4: "unsupported operation",
    5: "unsupported version",
    6: "unsupported parameter value",
    7: "mandatory parameter not supplied",
    8: "unsupported parameter",
    9: "unsupported combination of parameters",
    10: "query syntax error",
    11: "unsupported query type",
    12: "too many characters in query",
    13: "invalid or unsupported use of parentheses",
    14: "invalid or unsupported use of quotes",
    15: "unsupported context set",
    16: "unsupported index",
    17: "unsupported combination of indexes",
    18: "unsupported combination of index and relation",
    19: "unsupported relation",
    20: "unsupported relation modifier",
    21: "unsupported combination of relation modifiers",
    22: "unsupported combination of relation and index",
    23: "too many characters in term",
    24: "unsupported combination of relation and term",
    25: "special characters not quoted in term",
    26: "non special character escaped in term",
    27: "empty term unsupported",
    28: "masking character not supported",
    29: "masked words too short",
    30: "too many masking characters in term",
    31: "anchoring character not supported",
    32: "anchoring character in unsupported position",
    33: "combination of proximity/adjacency and masking characters not supported",
    34: "combination of proximity/adjacency and anchoring characters not supported",
    35: "term contains only stopwords",
    36: "term in invalid format for index or relation",
    37: "unsupported boolean operator",
    38: "too many boolean operators in query",
    39: "proximity not supported",
    40: "unsupported proximity relation",
    41: "unsupported proximity distance",
    42: "unsupported proximity unit",
    43: "unsupported proximity ordering",
    44: "unsupported combination of proximity modifiers",
    45: "prefix assigned to multiple identifiers",
    46: "unsupported boolean modifier",
    47: "cannot process query; reason unknown",
    48: "query feature unsupported",
    49: "masking character in unsupported position",
    50: "result sets not supported",
    51: "result set does not exist",
    52: "result set temporarily unavailable",
    53: "result sets only supported for retrieval",
    55: "combination of result sets with search terms not supported",
    58: "result set created with unpredictable partial results available",
    59: "result set created with valid partial results available",
    60: "result set not created: too many matching records",
    61: "first record position out of range",
    62: "negative number of records requested",
    63: "system error in retrieving records",
    64: "record temporarily unavailable",
    65: "record does not exist",
    66: "unknown schema for retrieval",
    67: "record not available in this schema",
    68: "not authorised to send record",
    69: "not authorised to send record in this schema",
    70: "record too large to send",
    71: "unsupported record packing",
    72: "XPath retrieval unsupported",
    73: "XPath expression contains unsupported feature",
    74: "unable to evaluate XPath expression",
    80: "sort not supported",
    110: "stylesheets not supported",
    120: "response position out of range",
    121: "too many terms requested",
}

_MASKING = re.compile(r'([\\"*?^])')


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


def parse_search_answer(data: bytes) -> SruSearchAnswer:
    """Parse an answer; raises MalformedMessage for what is no answer to a search."""
    root = _parse_answer_root(data, "searchRetrieveResponse", "explainResponse", "diagnostics")
    if local_name(root) == "searchRetrieveResponse":
        total = _parse_number(child_text(root, "numberOfRecords"))
        records = tuple(_read_record(element) for element in child_elements(find_child(root, "records"), "record"))
        return SruSearchAnswer(total=total, records=records, diagnostics=tuple(_read_diagnostics(root)))
    diagnostics = tuple(_read_diagnostics(root if local_name(root) == "explainResponse" else _wrap_diagnostics(root)))
    if not diagnostics:
        raise MalformedMessage("", f"<{local_name(root)}> is no answer to a search")
    return SruSearchAnswer(diagnostics=diagnostics)


def parse_scan_answer(data: bytes) -> SruScanAnswer:
    """Parse an answer; raises MalformedMessage."""
    root = _parse_answer_root(data, "scanResponse", "diagnostics")
    if local_name(root) == "diagnostics":
        return SruScanAnswer(diagnostics=tuple(_read_diagnostics(_wrap_diagnostics(root))))
    terms = tuple(
        (
            child_text(element, "displayTerm") or child_text(element, "value"),
            _parse_number(child_text(element, "numberOfRecords")) or 0,
        )
        for element in child_elements(find_child(root, "terms"), "term")
    )
    return SruScanAnswer(terms=terms, diagnostics=tuple(_read_diagnostics(root)))


def parse_explain_answer(data: bytes) -> ServerExplanation:
    """Parse an answer; raises MalformedMessage for what is no ZeeRex description."""
    root = _parse_answer_root(data, "explainResponse", "explain")
    description = next((element for element in root.iter() if local_name(element) == "explain"), None)
    if description is None:
        raise MalformedMessage("", "it says nothing about itself")
    indexes = (_read_index(element) for element in child_elements(find_child(description, "indexInfo"), "index"))
    return ServerExplanation(
        database=child_text(description, "serverInfo", "database"),
        title=child_text(description, "databaseInfo", "title"),
        version=child_text(root, "version"),
        indexes=tuple(index for index in indexes if index.names),
        schemas=tuple(
            (element.get("name", ""), element.get("identifier", ""))
            for element in child_elements(find_child(description, "schemaInfo"), "schema")
        ),
    )


def _parse_answer_root(data: bytes, *names: str) -> etree._Element:
    root = xml_elements.parse_untrusted_xml(data)
    if local_name(root) == "Envelope":  # SRW, the same over SOAP
        body = find_child(root, "Body")
        root = body[0] if body is not None and len(body) else root
    if local_name(root) not in names:
        raise MalformedMessage("", f"<{local_name(root)}> is no answer of an SRU server")
    return root


def _read_record(element: etree._Element) -> SruRecord:
    data = find_child(element, "recordData")
    schema, position = child_text(element, "recordSchema"), _parse_number(child_text(element, "recordPosition")) or 0
    inner = next((child for child in data if local_name(child)), None) if data is not None else None
    if inner is None:
        return SruRecord(
            _unpack_record("".join(map(str, data.itertext())) if data is not None else ""), schema, position
        )
    return SruRecord(_read_diagnostic(inner) if local_name(inner) == "diagnostic" else inner, schema, position)


def _unpack_record(string: str) -> etree._Element | SruDiagnostic:
    """A record that was packed as a string."""
    if not string.strip():
        return SruDiagnostic("", message="a record without anything in it")
    try:
        element = xml_elements.parse_untrusted_xml(string.strip().encode())
    except MalformedMessage as malformed:
        return SruDiagnostic("", message=f"a record that is no XML: {malformed}")
    return _read_diagnostic(element) if local_name(element) == "diagnostic" else element


def _read_diagnostics(root: etree._Element) -> Iterator[SruDiagnostic]:
    for element in child_elements(find_child(root, "diagnostics"), "diagnostic"):
        yield _read_diagnostic(element)


def _wrap_diagnostics(diagnostics: etree._Element) -> etree._Element:
    """`diagnostics` that are the whole answer (some servers of 1.1)."""
    parent = etree.Element("answer")
    parent.append(diagnostics)
    return parent


def _read_diagnostic(element: etree._Element) -> SruDiagnostic:
    return SruDiagnostic(child_text(element, "uri"), child_text(element, "details"), child_text(element, "message"))


def _read_index(element: etree._Element) -> ExplainedIndex:
    named = [name for map_ in child_elements(element, "map") for name in child_elements(map_, "name")]
    names = (".".join(filter(None, (name.get("set", ""), element_text(name)))) for name in named)
    return ExplainedIndex(child_text(element, "title"), tuple(filter(None, names)))


def _parse_number(word: str) -> int | None:
    return int(word) if word.isascii() and word.isdigit() and len(word) < 16 else None


@value_object
class SruDiagnostic:
    """`uri`: which one, such as info:srw/diagnostic/1/16."""

    uri: str
    details: str = ""
    message: str = ""


@value_object
class SruRecord:
    """`data`: the root of the record, or what stands in its place. `position` 0: not said."""

    data: etree._Element | SruDiagnostic
    schema: str = ""
    position: int = 0


@value_object(kw_only=True)
class SruSearchAnswer:
    """`total` None: the answer has no count, so that the diagnostics are all there is to it."""

    total: int | None = None
    records: tuple[SruRecord, ...] = ()
    diagnostics: tuple[SruDiagnostic, ...] = ()


@value_object(kw_only=True)
class SruScanAnswer:
    terms: tuple[tuple[str, int], ...] = ()
    diagnostics: tuple[SruDiagnostic, ...] = ()


@value_object
class ExplainedIndex:
    """`names` with their context sets: dc.title."""

    title: str
    names: tuple[str, ...]


@value_object(kw_only=True)
class ServerExplanation:
    """The server's description of itself (ZeeRex). `schemas`: by name, with their identifiers."""

    database: str = ""
    title: str = ""
    version: str = ""
    indexes: tuple[ExplainedIndex, ...] = ()
    schemas: tuple[tuple[str, str], ...] = ()


def diagnostic_number(diagnostic: SruDiagnostic) -> int:
    """0: none of the standard list. Some servers send the bare number."""
    digits = diagnostic.uri.strip().removeprefix(PREFIX)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 6 else 0


def describe_diagnostic(diagnostic: SruDiagnostic) -> str:
    """'16 unsupported index: dc.titel', in one line. The target's own message only where there is no other."""
    known = diagnostic_number(diagnostic)
    head = f"{known} {TEXTS.get(known, '')}".strip() if known else diagnostic.uri
    message = diagnostic.message if known not in TEXTS else ""
    return ": ".join(filter(None, (head, message, diagnostic.details))) or "an unnamed diagnostic"


def error_of_diagnostics(diagnostics: tuple[SruDiagnostic, ...], name: str) -> Refused | Unavailable:
    """The error for an answer that is a 'no'. `name`: of the target."""
    words = "; ".join(map(describe_diagnostic, diagnostics)) or write_sentence("the answer has no count")
    numbers = {diagnostic_number(diagnostic) for diagnostic in diagnostics}
    if numbers & PASSING or not diagnostics:
        return Unavailable(write_about(name, words))
    reason = RefusalReason.SENDER_AUTH_FAILED if numbers & SIGNING_IN else RefusalReason.INVALID_VALUE
    return Refused(reason, write_sentence("%(name)s: %(report)s", name=name, report=words))


def format_cql(query: CatalogueQuery, dialect: SruDialect, name: str) -> str:
    """`name`: of the target. Raises Refused for what can't be said to it."""
    if query.native:
        return query.native.strip()
    clauses = [format_clause(term, dialect, name) for term in query.terms if term.value.strip()]
    if not clauses:
        raise Refused(RefusalReason.DATA_MISSING, write_sentence("%(name)s: the query is empty.", name=name))
    return " and ".join(clauses)


def format_clause(term: SearchTerm, dialect: SruDialect, name: str) -> str:
    """One term, such as `dc.title all "silent spring"`. Raises Refused."""
    index = _find_cql_index(term, dialect, name)
    relation = index.relation or dialect.cql_relation(term.match)
    mask = "*" if term.match is TermMatch.BEGINS else ""
    return f'{index.name} {relation} "{_escape_term(format_term_value(term.index, term.value, index.form))}{mask}"'


def format_scan_clause(term: SearchTerm, dialect: SruDialect, name: str) -> str:
    """Format the clause of a scan: the index from this term on. Raises Refused."""
    index = _find_cql_index(term, dialect, name)
    return f'{index.name} = "{_escape_term(format_term_value(term.index, term.value, index.form))}"'


def _find_cql_index(term: SearchTerm, dialect: SruDialect, name: str) -> CqlIndex:
    index = dialect.cql_index(term.index)
    if index is None:
        raise Refused(
            RefusalReason.INVALID_VALUE,
            write_sentence("%(name)s: index '%(value)s' not found.", name=name, value=term.index.value),
        )
    return index


def _escape_term(value: str) -> str:
    """Escape what means something else inside quotation marks (CQL 1.2, masking)."""
    return _MASKING.sub(r"\\\1", " ".join(value.split()))
