"""Port `CatalogueRehearsal`: a catalogue that is played, in SRU 1.1, 1.2 and 2.0, and what it can do wrong
(docs/rehearsing.md).

Of CQL it takes clauses that are joined by `and`: each word of each term must be found somewhere in a record, whatever
the index. Records are MARC 21 or Dublin Core.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from lxml import etree
from pymarc import Field, Indicators, Record, Subfield
from pymarc.marcxml import record_to_xml

from adapters.sru.codec import PREFIX, TEXTS, V2
from gateway.domain.problems import MalformedMessage
from gateway.domain.requests.citation import Citation
from gateway.domain.value import replace, value_object
from gateway.ports.responder import RawMessage, ResponderAnswer
from rehearsal.ports.adapter import RehearsalAdapter
from rehearsal.ports.rehearsals import CatalogueFinding, CatalogueQuestion, CatalogueQuestionKind

V1_NAMESPACE = "http://www.loc.gov/zing/srw/"
V2_NAMESPACE = "http://docs.oasis-open.org/ns/search-ws/sruResponse"
V1_DIAGNOSTIC = "http://www.loc.gov/zing/srw/diagnostic/"
V2_DIAGNOSTIC = "http://docs.oasis-open.org/ns/search-ws/diagnostic"
ZEEREX = "http://explain.z3950.org/dtd/2.0/"
MARCXML = "info:srw/schema/1/marcxml-v1.1"
DUBLIN_CORE = "info:srw/schema/1/dc-v1.1"
DC = "http://purl.org/dc/elements/1.1/"
DC_RECORD = "info:srw/schema/1/dc-schema"
SCHEMAS = {"marcxml": MARCXML, "dc": DUBLIN_CORE}

LIBRARY = "MAIN"
"""Where the one copy of each is, in field 852."""

CONTENT_TYPE = "application/xml; charset=utf-8"
MAX_RECORDS_AT_ONCE = 100

NOT_SUPPORTED, NO_QUERY, SYNTAX, NO_BOOLEAN, OUT_OF_RANGE, NO_SCHEMA, GENERAL = 4, 7, 10, 37, 61, 66, 1

_CLAUSE = re.compile(
    r"(?:[\w.]+\s*(?:==?|<[>=]?|>=?|\b(?:all|any|exact|adj|within)\b)\s*)?"
    r'(?:"((?:[^"\\]|\\.)*)"|([^\s"()]+))'
)
"""Index and relation, if there are any, and a term."""
_JOINED = re.compile(r"\s+(and|or|not|prox)\s+", re.IGNORECASE)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')


class SruRehearsal:
    @property
    def misbehaviours(self) -> Mapping[str, str]:
        return {name: misbehaviour.words for name, misbehaviour in MISBEHAVIOURS.items()}

    def spoil_answer(self, name: str, answer: ResponderAnswer, _number: int) -> ResponderAnswer:
        return MISBEHAVIOURS[name].change_answer(answer)

    def read_question(self, arrival: RawMessage) -> CatalogueQuestion:
        parameters = _read_parameters(arrival)
        operation = parameters.get("operation", "searchRetrieve" if "query" in parameters else "explain")
        if operation == "explain":
            return CatalogueQuestion(kind=CatalogueQuestionKind.EXPLAIN)
        if operation != "searchRetrieve":
            return CatalogueQuestion(kind=CatalogueQuestionKind.OTHER)
        query = parameters.get("query", "").strip()
        if not query:
            raise MalformedMessage("query", TEXTS[NO_QUERY])
        return CatalogueQuestion(
            kind=CatalogueQuestionKind.SEARCH,
            words=_read_words(query),
            text=query,
            start=_read_number(parameters.get("startRecord", "1")),
            count=min(_read_number(parameters.get("maximumRecords", "10")), MAX_RECORDS_AT_ONCE),
        )

    def write_answer(self, arrival: RawMessage, finding: CatalogueFinding) -> ResponderAnswer:
        parameters = _read_parameters(arrival)
        shape = AnswerShape.of_parameters(parameters)
        if "query" not in parameters:
            return _make_answer(_write_explanation(shape))
        schema = _find_schema(parameters.get("recordSchema", "marcxml"))
        if finding.refused:
            return _make_answer(shape.write_refusal(GENERAL, finding.refused))
        if schema is None:
            return _make_answer(shape.write_refusal(NO_SCHEMA, parameters["recordSchema"]))
        if finding.total and finding.start > finding.total:
            return _make_answer(shape.write_refusal(OUT_OF_RANGE, str(finding.start), finding.total))
        return _make_answer(shape.write_records(finding, schema))

    def refuse_question(self, arrival: RawMessage, words: str) -> ResponderAnswer:
        shape = AnswerShape.of_parameters(_read_parameters(arrival))
        number = next((code for code, text in TEXTS.items() if text in words), NOT_SUPPORTED)
        return _make_answer(shape.write_refusal(number, words))


# --- what it is asked ------------------------------------------------------------------------------------


def _read_parameters(arrival: RawMessage) -> Mapping[str, str]:
    """Read the parameters of the URL, or of a form."""
    form = dict(parse_qsl(arrival.body.decode(errors="replace"))) if arrival.body else {}
    return {**arrival.query, **form}


def _read_number(word: str) -> int:
    if not word.isascii() or not word.isdigit() or len(word) > 9:
        raise MalformedMessage("startRecord", f"{TEXTS[6]}: {word[:20]}")
    return int(word)


def _read_words(query: str) -> tuple[str, ...]:
    """Read words; raises MalformedMessage."""
    outside = _QUOTED.sub('""', query)
    joins = {word.lower() for word in _JOINED.findall(outside)}
    if joins - {"and"}:
        raise MalformedMessage("query", f"{TEXTS[NO_BOOLEAN]}: {', '.join(sorted(joins - {'and'}))}")
    clauses = _split_clauses(query)
    matches = [_CLAUSE.fullmatch(clause) for clause in clauses]
    if not all(matches):
        raise MalformedMessage("query", TEXTS[SYNTAX])
    terms = [re.sub(r"\\(.)", r"\1", hit[1]) if hit[1] is not None else hit[2] for hit in matches if hit is not None]
    return tuple(word for term in terms for word in term.rstrip("*").split())


def _split_clauses(query: str) -> list[str]:
    """Split at `and` outside of quotes."""
    parts, begin = [], 0
    quoted = [match.span() for match in _QUOTED.finditer(query)]
    for join in _JOINED.finditer(query):
        if not any(first <= join.start() < last for first, last in quoted):
            parts.append(query[begin : join.start()])
            begin = join.end()
    return [*(part.strip().strip("()") for part in parts), query[begin:].strip().strip("()")]


def _find_schema(name: str) -> str | None:
    """Servers call the same schema by several names."""
    lowered = name.casefold()
    if "marc" in lowered:
        return MARCXML
    return DUBLIN_CORE if "dc" in lowered or "dublin" in lowered else None


# --- what it answers ---------------------------------------------------------------------------------------


@value_object
class AnswerShape:
    """Namespaces of a version."""

    version: str
    namespace: str
    diagnostic: str

    @classmethod
    def of_parameters(cls, parameters: Mapping[str, str]) -> AnswerShape:
        """2.0 has no parameter that names it."""
        version = parameters.get("version", V2)
        if version == V2:
            return cls(V2, V2_NAMESPACE, V2_DIAGNOSTIC)
        return cls(version, V1_NAMESPACE, V1_DIAGNOSTIC)

    def make_root(self, name: str, total: int | None = None) -> etree._Element:
        root = etree.Element(f"{{{self.namespace}}}{name}", nsmap=_default_namespace(self.namespace))
        self.add_text(root, "version", self.version)
        if total is not None:
            self.add_text(root, "numberOfRecords", str(total))
        return root

    def add_text(self, parent: etree._Element, name: str, text: str) -> None:
        etree.SubElement(parent, f"{{{self.namespace}}}{name}").text = text

    def write_refusal(self, number: int, details: str, total: int = 0) -> etree._Element:
        root = self.make_root("searchRetrieveResponse", total)
        group = etree.SubElement(root, f"{{{self.namespace}}}diagnostics")
        element = etree.SubElement(group, f"{{{self.diagnostic}}}diagnostic", nsmap={"diag": self.diagnostic})
        for name, text in (("uri", f"{PREFIX}{number}"), ("details", details), ("message", TEXTS[number])):
            etree.SubElement(element, f"{{{self.diagnostic}}}{name}").text = text
        return root

    def write_records(self, finding: CatalogueFinding, schema: str) -> etree._Element:
        root = self.make_root("searchRetrieveResponse", finding.total)
        if finding.records:
            group = etree.SubElement(root, f"{{{self.namespace}}}records")
            for position, citation in enumerate(finding.records, start=finding.start):
                self._add_record(group, citation, position, schema)
        following = finding.start + len(finding.records)
        if finding.records and following <= finding.total:
            self.add_text(root, "nextRecordPosition", str(following))
        return root

    def _add_record(self, group: etree._Element, citation: Citation, position: int, schema: str) -> None:
        record = etree.SubElement(group, f"{{{self.namespace}}}record")
        self.add_text(record, "recordSchema", schema)
        self.add_text(record, "recordXMLEscaping" if self.version == V2 else "recordPacking", "xml")
        data = etree.SubElement(record, f"{{{self.namespace}}}recordData")
        data.append(_write_marcxml(citation) if schema == MARCXML else _write_dublin_core(citation))
        self.add_text(record, "recordPosition", str(position))


def _default_namespace(namespace: str) -> Any:  # stubs of lxml know no default namespace
    return {None: namespace}


def _write_explanation(shape: AnswerShape) -> etree._Element:
    root = shape.make_root("explainResponse")
    record = etree.SubElement(root, f"{{{shape.namespace}}}record")
    shape.add_text(record, "recordSchema", ZEEREX)
    data = etree.SubElement(record, f"{{{shape.namespace}}}recordData")
    explained = etree.SubElement(data, f"{{{ZEEREX}}}explain", nsmap=_default_namespace(ZEEREX))
    server = etree.SubElement(explained, f"{{{ZEEREX}}}serverInfo", protocol="SRU", version=shape.version)
    etree.SubElement(server, f"{{{ZEEREX}}}database").text = "mock"
    database = etree.SubElement(explained, f"{{{ZEEREX}}}databaseInfo")
    etree.SubElement(database, f"{{{ZEEREX}}}title").text = "A catalogue that is played"
    schemas = etree.SubElement(explained, f"{{{ZEEREX}}}schemaInfo")
    for name, identifier in SCHEMAS.items():
        etree.SubElement(schemas, f"{{{ZEEREX}}}schema", name=name, identifier=identifier)
    return root


def _make_answer(root: etree._Element) -> ResponderAnswer:
    return ResponderAnswer(etree.tostring(root, xml_declaration=True, encoding="UTF-8"), CONTENT_TYPE)


# --- what can be wrong in it -------------------------------------------------------------------------------

_PAGE = b"<!DOCTYPE html><html><head><title>Welcome</title></head><body><p>It works.</p></body></html>"


@value_object
class SruMisbehaviour:
    words: str
    change_answer: Callable[[ResponderAnswer], ResponderAnswer]


def _encode_as_latin_1(answer: ResponderAnswer) -> ResponderAnswer:
    """Its declaration says UTF-8 all the same."""
    return replace(answer, body=answer.body.decode(errors="replace").encode("latin-1", "replace"))


def _drop_count(answer: ResponderAnswer) -> ResponderAnswer:
    body = re.sub(rb"<numberOfRecords>\d*</numberOfRecords>", b"", answer.body)
    return replace(answer, body=body)


def _drop_record_data(answer: ResponderAnswer) -> ResponderAnswer:
    body = re.sub(rb"<recordData>.*?</recordData>", b"<recordData/>", answer.body, flags=re.DOTALL)
    return replace(answer, body=body)


MISBEHAVIOURS: Mapping[str, SruMisbehaviour] = {
    "broken-answer": SruMisbehaviour(
        "the answer ends in the middle",
        lambda answer: replace(answer, body=answer.body[: max(1, len(answer.body) * 2 // 3)]),
    ),
    "empty-answer": SruMisbehaviour("the answer has no body", lambda answer: replace(answer, body=b"")),
    "web-page": SruMisbehaviour(
        "the answer is a web page",
        lambda answer: replace(answer, body=_PAGE, content_type="text/html; charset=utf-8"),
    ),
    "wrong-encoding": SruMisbehaviour("it says UTF-8 and is Latin-1", _encode_as_latin_1),
    "no-count": SruMisbehaviour("it doesn't say how many there are", _drop_count),
    "empty-records": SruMisbehaviour("records have nothing in them", _drop_record_data),
}


# --- records ---


def _write_marcxml(citation: Citation) -> etree._Element:
    octets: bytes = record_to_xml(_make_marc_record(citation), namespace=True)  # type: ignore[no-untyped-call]
    return etree.fromstring(octets)


def _make_marc_record(citation: Citation) -> Record:
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


def _write_dublin_core(citation: Citation) -> etree._Element:
    root = etree.Element(f"{{{DC_RECORD}}}dc", nsmap={"srw_dc": DC_RECORD, "dc": DC})
    isbn = citation.identifier("isbn")
    values = (
        ("identifier", citation.identifier("local")),
        ("identifier", f"URN:ISBN:{isbn}" if isbn else ""),
        ("title", citation.title),
        ("creator", citation.author),
        ("publisher", citation.publisher),
        ("date", citation.published),
    )
    for name, value in values:
        if value:
            etree.SubElement(root, f"{{{DC}}}{name}").text = value
    return root


rehearsal = RehearsalAdapter(catalogue=SruRehearsal)
