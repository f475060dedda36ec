"""Port `CatalogueRehearsal`: a target that is played, and what it can do wrong (docs/rehearsing.md).

It knows Init, Search, Present and Close. Of a type-1 query it takes terms that are joined by `and`: each word of each
term must be found somewhere in a record, whatever its attributes. Records are MARC 21, as ISO 2709 or XML.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from lxml import etree

from adapters.ber import BerLimits, BerSplitter
from adapters.z3950.codec import (
    FINISHED,
    NAMED_RESULT_SETS,
    PRESENT,
    SEARCH,
    VERSIONS,
    UndecodableError,
    decode_as,
    encode_apdu,
    encode_bits,
)
from adapters.z3950.values import BIB_1_DIAGNOSTICS, SYNTAXES
from gateway.domain.problems import MalformedMessage
from gateway.domain.requests.citation import Citation
from gateway.domain.value import value_object
from gateway.ports.responder import RawMessage, ResponderAnswer
from rehearsal.ports.adapter import RehearsalAdapter
from rehearsal.ports.rehearsals import (
    CatalogueConversation,
    CatalogueFinding,
    CatalogueQuestion,
    CatalogueQuestionKind,
    MessageSplitter,
)
from rehearsal.protocols.marc_writer import make_marc_record, write_marcxml

MARC21, XML = SYNTAXES["marc21"], SYNTAXES["xml"]

PERMANENT_ERROR, OUT_OF_RANGE, QUERY_TYPE, OPERATOR, NO_SYNTAX = 1, 13, 107, 110, 239
"""Of the diagnostics of Bib-1."""

UNSPECIFIED = 9
"""Reason of a Close."""

FAILED = 5
"""Status of a Present."""

MAX_RECORDS_AT_ONCE = 100

_TEXT_OUTSIDE_ASCII = re.compile(rb"(?<=[ -~])[\xc3-\xdf][\x80-\xbf](?=[ -~])")


class Z3950Rehearsal:
    @property
    def misbehaviours(self) -> Mapping[str, str]:
        return {name: misbehaviour.words for name, misbehaviour in MISBEHAVIOURS.items()}

    def spoil_answer(self, name: str, answer: ResponderAnswer, _number: int) -> ResponderAnswer:
        return MISBEHAVIOURS[name].change_answer(answer)

    @property
    def cut_messages(self) -> Callable[[int], MessageSplitter] | None:
        return lambda limit: BerSplitter(BerLimits(size=limit))

    def open_conversation(self) -> CatalogueConversation:
        return Z3950Conversation()


class Z3950Conversation:
    """A connection, with the one result set that there is at a time."""

    def __init__(self) -> None:
        self.is_over = False
        self._kind = ""
        self._body: dict[str, Any] = {}
        self._found = CatalogueQuestion(kind=CatalogueQuestionKind.SEARCH)
        self._problem = PERMANENT_ERROR

    def read_question(self, arrival: RawMessage) -> CatalogueQuestion:
        self._problem = PERMANENT_ERROR
        try:
            self._kind, self._body = decode_as("APDU", arrival.body)
        except (UndecodableError, IndexError, ValueError, OverflowError, struct.error) as error:
            self._kind, self._body = "", {}
            raise MalformedMessage("APDU", "what came can't be read") from error
        match self._kind:
            case "initRequest":
                return CatalogueQuestion(kind=CatalogueQuestionKind.OPEN)
            case "searchRequest":
                self._found = self._read_search()
                return self._found
            case "presentRequest":
                start, count = self._body["resultSetStartPoint"], self._body["numberOfRecordsRequested"]
                return replace(self._found, start=max(1, start), count=min(max(0, count), MAX_RECORDS_AT_ONCE))
            case "close":
                return CatalogueQuestion(kind=CatalogueQuestionKind.CLOSE)
        return CatalogueQuestion(kind=CatalogueQuestionKind.OTHER)

    def write_answer(self, _arrival: RawMessage, finding: CatalogueFinding) -> ResponderAnswer:
        match self._kind:
            case "initRequest":
                return self._make_answer(
                    "initResponse",
                    protocolVersion=VERSIONS,
                    options=encode_bits((SEARCH, PRESENT, NAMED_RESULT_SETS)),
                    preferredMessageSize=1_000_000,
                    exceptionalRecordSize=1_000_000,
                    result=True,
                    implementationName=b"illgate mock",
                )
            case "searchRequest":
                return self._write_search_answer(finding)
            case "presentRequest":
                return self._write_present_answer(finding)
        self.is_over = True
        return self._make_answer("close", closeReason=FINISHED)

    def refuse_question(self, _arrival: RawMessage, words: str) -> ResponderAnswer:
        if self._kind == "searchRequest":
            return self._write_search_refusal(self._problem, words)
        self.is_over = True
        return self._make_answer("close", closeReason=UNSPECIFIED, diagnosticInformation=words.encode())

    # --- what it is asked ----------------------------------------------------------------------------------

    def _read_search(self) -> CatalogueQuestion:
        kind, query = self._body["query"]
        if kind != "type-1":
            self._problem = QUERY_TYPE
            raise MalformedMessage("query", "only queries of type 1 are answered here")
        terms = list(self._list_terms(query["rpn"]))
        along = max(self._body["smallSetUpperBound"], self._body["mediumSetPresentNumber"])
        return CatalogueQuestion(
            kind=CatalogueQuestionKind.SEARCH,
            words=tuple(word for term in terms for word in term.split()),
            text=" ".join(terms),
            count=min(max(0, along), MAX_RECORDS_AT_ONCE),
        )

    def _list_terms(self, rpn: tuple[str, Any]) -> Iterator[str]:
        kind, said = rpn
        if kind == "rpnRpnOp":
            if said["op"][0] != "and":
                self._problem = OPERATOR
                raise MalformedMessage("query", "terms are joined by `and` alone here")
            yield from self._list_terms(said["rpn1"])
            yield from self._list_terms(said["rpn2"])
            return
        operand, value = said
        if operand != "attrTerm":
            self._problem = QUERY_TYPE
            raise MalformedMessage("query", "a result set can't be searched here")
        term = value["term"][1]
        yield term.decode(errors="replace") if isinstance(term, bytes | bytearray) else str(term)

    # --- what it answers -------------------------------------------------------------------------------------

    def _write_search_answer(self, finding: CatalogueFinding) -> ResponderAnswer:
        if finding.refused:
            return self._write_search_refusal(PERMANENT_ERROR, finding.refused)
        records = finding.records[: self._count_along(finding.total)]
        listed = self._list_records(records) if records else None
        shown: dict[str, Any] = {"records": ("responseRecords", listed)} if listed else {}
        if records and listed is None:  # found, and not shown
            records = ()
            shown = {"records": self._make_syntax_diagnostic(), "presentStatus": FAILED}
        return self._make_answer(
            "searchResponse",
            resultCount=finding.total,
            numberOfRecordsReturned=len(records),
            nextResultSetPosition=len(records) + 1 if len(records) < finding.total else 0,
            searchStatus=True,
            **shown,
        )

    def _count_along(self, total: int) -> int:
        """Records that come with the answer to a search."""
        if total <= self._body["smallSetUpperBound"]:
            return total
        number: int = self._body["mediumSetPresentNumber"]
        return 0 if total >= self._body["largeSetLowerBound"] else number

    def _write_search_refusal(self, number: int, words: str) -> ResponderAnswer:
        return self._make_answer(
            "searchResponse",
            resultCount=0,
            numberOfRecordsReturned=0,
            nextResultSetPosition=0,
            searchStatus=False,
            records=_make_diagnostic(number, words),
        )

    def _write_present_answer(self, finding: CatalogueFinding) -> ResponderAnswer:
        listed = self._list_records(finding.records)
        problem = None
        if finding.refused:
            problem = _make_diagnostic(PERMANENT_ERROR, finding.refused)
        elif listed is None:
            problem = self._make_syntax_diagnostic()
        elif self._body["resultSetStartPoint"] + self._body["numberOfRecordsRequested"] - 1 > finding.total:
            problem = _make_diagnostic(OUT_OF_RANGE, str(finding.start))
        following = finding.start + len(finding.records)
        return self._make_answer(
            "presentResponse",
            numberOfRecordsReturned=0 if problem else len(finding.records),
            nextResultSetPosition=following if following <= finding.total else 0,
            presentStatus=FAILED if problem else 0,
            records=problem if problem else ("responseRecords", listed),
        )

    def _list_records(self, citations: tuple[Citation, ...]) -> list[dict[str, Any]] | None:
        """List records in the syntax that is preferred; None: it isn't known here."""
        syntax = self._body.get("preferredRecordSyntax", MARC21)
        if syntax not in (MARC21, XML):
            return None
        return [_make_record(_write_record(citation, syntax), syntax) for citation in citations]

    def _make_syntax_diagnostic(self) -> tuple[str, dict[str, Any]]:
        return _make_diagnostic(NO_SYNTAX, self._body.get("preferredRecordSyntax", ""))

    def _make_answer(self, kind: str, **body: Any) -> ResponderAnswer:
        if "referenceId" in self._body:
            body["referenceId"] = self._body["referenceId"]
        return ResponderAnswer(encode_apdu(kind, body), "")


def _write_record(citation: Citation, syntax: str) -> bytes:
    if syntax == XML:
        return etree.tostring(write_marcxml(citation), encoding="UTF-8", xml_declaration=True)
    octets: bytes = make_marc_record(citation).as_marc()
    return octets


def _make_record(octets: bytes, syntax: str) -> dict[str, Any]:
    external = {"direct-reference": syntax, "encoding": ("octet-aligned", octets)}
    return {"name": b"mock", "record": ("retrievalRecord", external)}


def _make_diagnostic(number: int, words: str) -> tuple[str, dict[str, Any]]:
    said = {"diagnosticSetId": BIB_1_DIAGNOSTICS, "condition": number, "addinfo": ("v2Addinfo", words.encode())}
    return "nonSurrogateDiagnostic", said


# --- what can be wrong in it -------------------------------------------------------------------------------


@value_object
class Z3950Misbehaviour:
    words: str
    change_answer: Callable[[ResponderAnswer], ResponderAnswer]


def _encode_otherwise(answer: ResponderAnswer) -> ResponderAnswer:
    """Encode letters of two octets otherwise; as long as before, so that all lengths are right."""
    return replace(answer, body=_TEXT_OUTSIDE_ASCII.sub(b"\xe9\xe9", answer.body))


MISBEHAVIOURS: Mapping[str, Z3950Misbehaviour] = {
    "broken-answer": Z3950Misbehaviour(
        "the answer is cut in the middle, and never ends",
        lambda answer: replace(answer, body=answer.body[: max(1, len(answer.body) * 2 // 3)]),
    ),
    "web-page": Z3950Misbehaviour(
        "a web server answers", lambda answer: replace(answer, body=b"HTTP/1.1 400 Bad Request\r\n\r\n")
    ),
    "wrong-encoding": Z3950Misbehaviour("records say UTF-8 and aren't in it", _encode_otherwise),
}


rehearsal = RehearsalAdapter(catalogue=Z3950Rehearsal)
