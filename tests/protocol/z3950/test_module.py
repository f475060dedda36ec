"""Our module against the maintenance agency's, compiled by another library: it reads what we write as we mean it, and
we read what it writes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pycrate_asn1c.asnproc import GLOBAL
from pycrate_asn1rt.asnobj_str import STR_GENE

from adapters.z3950 import codec, pqf, values
from adapters.z3950.codec import Z3950Login
from adapters.z3950.values import (
    CloseNotice,
    InitAnswer,
    RawRecord,
    ScanEntry,
    Z3950Diagnostic,
    Z3950ScanAnswer,
    Z3950SearchAnswer,
)
from tests.protocol.z3950.reference import compiled

BIB_1 = (1, 2, 840, 10003, 3, 1)
DIAGNOSTICS = (1, 2, 840, 10003, 4, 1)
MARC21 = (1, 2, 840, 10003, 5, 10)


@pytest.fixture(scope="module")
def theirs(specs_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The type PDU of pycrate."""
    before, STR_GENE._codec = STR_GENE._codec, "utf-8"  # it takes GeneralString for a Japanese set
    yield compiled(specs_folder, tmp_path_factory.mktemp("pycrate"))
    STR_GENE._codec = before
    GLOBAL.clear()


def heard(theirs: Any, octets: bytes) -> tuple[str, dict[str, Any]]:
    theirs.from_ber(octets)
    found: tuple[str, dict[str, Any]] = theirs.get_val()
    return found


def said(theirs: Any, kind: str, **body: Any) -> bytes:
    theirs.set_val((kind, body))
    octets: bytes = theirs.to_ber()
    return octets


# --- what we say -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("login", "expected"),
    [
        (Z3950Login(), None),
        (Z3950Login(open="desk/made-up"), ("open", "desk/made-up")),
        (
            Z3950Login(user="desk", group="ill", password="made-up"),
            ("idPass", {"groupId": "ill", "userId": "desk", "password": "made-up"}),
        ),
    ],
)
def test_init(theirs: Any, login: Z3950Login, expected: object) -> None:
    kind, body = heard(theirs, codec.init_apdu(login, 1_000_000))

    assert kind == "initRequest"
    assert body.get("idAuthentication") == expected
    assert body["protocolVersion"] == (0b111, 3)
    assert body["options"] == (0b110000010000001, 15)  # search, present, scan, named result sets
    assert body["preferredMessageSize"] == body["exceptionalRecordSize"] == 1_000_000


def test_search(theirs: Any) -> None:
    query = pqf.parse_pqf('@and @attr 1=4 "灯塔" @prox 0 3 1 2 known 2 @attr exp-1 1=title lamps @term numeric 5')

    kind, body = heard(
        theirs, codec.search_apdu(query, ("books", "maps"), along=3, syntax="1.2.840.10003.5.10", elements="F")
    )

    assert kind == "searchRequest"
    assert (body["smallSetUpperBound"], body["largeSetLowerBound"], body["mediumSetPresentNumber"]) == (0, 2**31 - 1, 3)
    assert (body["replaceIndicator"], body["resultSetName"]) == (True, "default")
    assert body["databaseNames"] == ["books", "maps"]
    assert body["preferredRecordSyntax"] == MARC21
    assert body["mediumSetElementSetNames"] == ("genericElementSetName", "F")
    type_, rpn = body["query"]
    assert (type_, rpn["attributeSet"]) == ("type-1", BIB_1)
    outer = rpn["rpn"][1]
    assert outer["op"][0] == "and"
    assert outer["rpn1"] == (
        "op",
        (
            "attrTerm",
            {
                "attributes": [{"attributeType": 1, "attributeValue": ("numeric", 4)}],
                "term": ("general", "灯塔".encode()),
            },
        ),
    )
    near = outer["rpn2"][1]
    assert near["op"] == (
        "prox",
        {"exclusion": False, "distance": 3, "ordered": True, "relationType": 2, "proximityUnitCode": ("known", 2)},
    )
    assert near["rpn1"][1][1]["attributes"] == [
        {
            "attributeSet": (1, 2, 840, 10003, 3, 2),
            "attributeType": 1,
            "attributeValue": ("complex", {"list": [("string", "title")]}),
        }
    ]
    assert near["rpn2"][1][1]["term"] == ("numeric", 5)


def test_present(theirs: Any) -> None:
    assert heard(theirs, codec.present_apdu(11, 10, syntax="1.2.840.10003.5.10", elements="B")) == (
        "presentRequest",
        {
            "resultSetId": "default",
            "resultSetStartPoint": 11,
            "numberOfRecordsRequested": 10,
            "recordComposition": ("simple", ("genericElementSetName", "B")),
            "preferredRecordSyntax": MARC21,
        },
    )


def test_scan(theirs: Any) -> None:
    operand = pqf.parse_pqf("@attr 1=4 lamps").rpn
    assert not isinstance(operand, values.ResultSet | values.BooleanQuery)

    kind, body = heard(theirs, codec.scan_apdu(operand, ("books",), 5))

    assert (kind, body["numberOfTermsRequested"], body["preferredPositionInResponse"]) == ("scanRequest", 5, 1)
    assert body["termListAndStartPoint"]["term"] == ("general", b"lamps")


def test_close(theirs: Any) -> None:
    assert heard(theirs, codec.close_apdu()) == ("close", {"closeReason": 0})


# --- what we hear ----------------------------------------------------------------------------------------

RECORD = ("retrievalRecord", {"direct-reference": MARC21, "encoding": ("octet-aligned", b"one record")})
NO = {"diagnosticSetId": DIAGNOSTICS, "condition": 14, "addinfo": ("v2Addinfo", "disk")}
OTHER = {
    "category": {"categoryValue": 1},
    "information": ("characterInfo", "nothing that we read"),
}


def test_answers_to_init(theirs: Any) -> None:
    octets = said(
        theirs,
        "initResponse",
        referenceId=b"ref",
        protocolVersion=(0b110, 3),
        options=(0b11000001, 8),
        preferredMessageSize=1000,
        exceptionalRecordSize=1000,
        result=True,
        implementationName="Łódź server",
        implementationVersion="1.2",
        otherInfo=[OTHER],
    )

    answer = codec.decode_apdu(octets)

    assert isinstance(answer, InitAnswer)
    assert (answer.accepted, answer.version, answer.implementation) == (True, 2, "Łódź server 1.2")
    assert answer.options == {0, 1, 7}


def test_answers_to_search(theirs: Any) -> None:
    octets = said(
        theirs,
        "searchResponse",
        resultCount=2,
        numberOfRecordsReturned=2,
        nextResultSetPosition=3,
        searchStatus=True,
        presentStatus=0,
        records=(
            "responseRecords",
            [
                {"name": "books", "record": RECORD},
                {"record": ("surrogateDiagnostic", ("defaultFormat", NO))},
            ],
        ),
        additionalSearchInfo=[OTHER, OTHER],
        otherInfo=[OTHER],
    )

    answer = codec.decode_apdu(octets)

    assert answer == Z3950SearchAnswer(
        succeeded=True,
        hits=2,
        records=(
            RawRecord("1.2.840.10003.5.10", b"one record"),
            Z3950Diagnostic(14, "disk", "1.2.840.10003.4.1"),
        ),
    )


@pytest.mark.parametrize(
    "records",
    [
        ("nonSurrogateDiagnostic", NO),
        ("multipleNonSurDiagnostics", [("defaultFormat", {**NO, "addinfo": ("v3Addinfo", "disk")})]),
    ],
)
def test_answers_that_are_a_no(theirs: Any, records: object) -> None:
    octets = said(
        theirs,
        "presentResponse",
        numberOfRecordsReturned=0,
        nextResultSetPosition=0,
        presentStatus=5,
        records=records,
    )

    assert codec.decode_apdu(octets) == Z3950SearchAnswer(
        succeeded=True, diagnostics=(Z3950Diagnostic(14, "disk", "1.2.840.10003.4.1"),)
    )


def test_answers_to_scan(theirs: Any) -> None:
    attributes = [{"attributeType": 1, "attributeValue": ("numeric", 4)}]
    octets = said(
        theirs,
        "scanResponse",
        stepSize=0,
        scanStatus=0,
        numberOfEntriesReturned=2,
        positionOfTerm=1,
        entries={
            "entries": [
                (
                    "termInfo",
                    {
                        "term": ("general", b"lamps"),
                        "suggestedAttributes": attributes,
                        "alternativeTerm": [{"attributes": attributes, "term": ("general", b"lanterns")}],
                        "globalOccurrences": 7,
                        "byAttributes": [{"attributes": attributes, "occurrences": ("global", 3)}],
                        "otherTermInfo": [OTHER],
                    },
                ),
                ("surrogateDiagnostic", ("defaultFormat", NO)),
            ],
            "nonsurrogateDiagnostics": [("defaultFormat", NO)],
        },
        attributeSet=BIB_1,
    )

    assert codec.decode_apdu(octets) == Z3950ScanAnswer(
        entries=(ScanEntry("lamps", 7),), diagnostics=(Z3950Diagnostic(14, "disk", "1.2.840.10003.4.1"),)
    )


def test_leave(theirs: Any) -> None:
    assert codec.decode_apdu(said(theirs, "close", closeReason=2, diagnosticInformation="disk")) == CloseNotice(
        "system problem", "disk"
    )
