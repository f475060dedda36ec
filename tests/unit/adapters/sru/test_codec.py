"""Answers of SRU servers, in all the shapes that they come in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from adapters.sru import codec
from adapters.sru.codec import SruDiagnostic, describe_diagnostic, diagnostic_number
from gateway.domain.problems import MalformedMessage

V1 = "http://www.loc.gov/zing/srw/"
V2 = "http://docs.oasis-open.org/ns/search-ws/sruResponse"


def answer(inner: str, namespace: str = V1) -> bytes:
    return f'<s:searchRetrieveResponse xmlns:s="{namespace}">{inner}</s:searchRetrieveResponse>'.encode()


RECORD = (
    "<s:numberOfRecords>12</s:numberOfRecords><s:records><s:record><s:recordSchema>mods</s:recordSchema>"
    "<s:recordData>{data}</s:recordData><s:recordPosition>3</s:recordPosition></s:record></s:records>"
)
MODS = '<mods xmlns="http://www.loc.gov/mods/v3"><titleInfo><title>Lamps</title></titleInfo></mods>'
DIAGNOSTIC = (
    '<d:diagnostic xmlns:d="http://www.loc.gov/zing/srw/diagnostic/"><d:uri>info:srw/diagnostic/1/64</d:uri>'
    "<d:details>mk3</d:details><d:message>Record temporarily unavailable</d:message></d:diagnostic>"
)


@pytest.mark.parametrize("namespace", [V1, V2, "http://www.loc.gov/zing/srw/v1.0/", "urn:none"])
def test_records_whatever_the_namespace(namespace: str) -> None:
    found = codec.parse_search_answer(answer(RECORD.format(data=MODS), namespace))

    assert found.total == 12
    (record,) = found.records
    assert (record.position, record.schema) == (3, "mods")
    assert isinstance(record.data, etree._Element)
    assert record.data.tag == "{http://www.loc.gov/mods/v3}mods"


def test_a_record_that_was_packed_as_a_string() -> None:
    packed = '&lt;?xml version="1.0" encoding="UTF-8"?&gt;' + MODS.replace("<", "&lt;")
    (record,) = codec.parse_search_answer(answer(RECORD.format(data=packed))).records

    assert isinstance(record.data, etree._Element)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (DIAGNOSTIC, "64 record temporarily unavailable: mk3"),
        ("", "a record without anything in it"),
        ("no XML at all", "a record that is no XML: line 1: Start tag expected, '<' not found, line 1, column 1"),
    ],
)
def test_what_stands_in_place_of_a_record(data: str, expected: str) -> None:
    (record,) = codec.parse_search_answer(answer(RECORD.format(data=data))).records

    assert isinstance(record.data, SruDiagnostic)
    assert describe_diagnostic(record.data) == expected


@pytest.mark.parametrize(
    "document",
    [
        answer(f"<s:numberOfRecords>0</s:numberOfRecords><s:diagnostics>{DIAGNOSTIC}</s:diagnostics>"),
        f'<s:explainResponse xmlns:s="{V1}"><s:diagnostics>{DIAGNOSTIC}</s:diagnostics></s:explainResponse>'.encode(),
        f"<diagnostics>{DIAGNOSTIC}</diagnostics>".encode(),
        b"<e:Envelope xmlns:e='urn:soap'><e:Body>"
        + answer(f"<s:diagnostics>{DIAGNOSTIC}</s:diagnostics>")
        + b"</e:Body></e:Envelope>",
    ],
    ids=["with a count", "in an explain", "alone", "over SOAP"],
)
def test_diagnostics_wherever_they_stand(document: bytes) -> None:
    found = codec.parse_search_answer(document)

    assert [diagnostic_number(one) for one in found.diagnostics] == [64]


@pytest.mark.parametrize(
    ("uri", "message", "expected"),
    [
        ("info:srw/diagnostic/1/16", "Unsupported index", "16 unsupported index: dc.titel"),
        ("16", "", "16 unsupported index: dc.titel"),
        ("info:srw/diagnostic/12/3", "Too thirsty", "info:srw/diagnostic/12/3: Too thirsty: dc.titel"),
        ("info:srw/diagnostic/1/999", "Novel", "999: Novel: dc.titel"),
        ("", "", "dc.titel"),
    ],
)
def test_diagnostics_in_words(uri: str, message: str, expected: str) -> None:
    assert describe_diagnostic(SruDiagnostic(uri, "dc.titel", message)) == expected


def test_terms() -> None:
    scanned = codec.parse_scan_answer(
        b"<scanResponse><terms><term><value>lamp</value><numberOfRecords>3</numberOfRecords></term>"
        b"<term><value>x</value><displayTerm>Xylem</displayTerm></term></terms></scanResponse>"
    )

    assert scanned.terms == (("lamp", 3), ("Xylem", 0))


def test_what_a_server_says_of_itself() -> None:
    said = codec.parse_explain_answer(
        b"<explainResponse><version>1.2</version><record><recordData><explain><serverInfo><database>books</database>"
        b"</serverInfo><databaseInfo><title>Books</title></databaseInfo><indexInfo><index><title>Title</title><map>"
        b"<name set='dc'>title</name></map><map><name>ti</name></map></index><index/></indexInfo><schemaInfo>"
        b"<schema name='mods' identifier='info:srw/schema/1/mods-v3.4'/></schemaInfo></explain></recordData></record>"
        b"</explainResponse>"
    )

    assert (said.version, said.database, said.title) == ("1.2", "books", "Books")
    assert [(one.title, one.names) for one in said.indexes] == [("Title", ("dc.title", "ti"))]
    assert said.schemas == (("mods", "info:srw/schema/1/mods-v3.4"),)


@pytest.mark.parametrize(
    "document",
    [b"", b"<html/>", b"<explainResponse/>", b"not XML", b"<!DOCTYPE a [<!ENTITY b 'c'>]><searchRetrieveResponse/>"],
)
def test_what_is_no_answer_is_told(document: bytes) -> None:
    with pytest.raises(MalformedMessage):
        codec.parse_search_answer(document)


@pytest.mark.parametrize(
    ("version", "present", "absent"),
    [
        ("1.1", {"operation": "searchRetrieve", "version": "1.1", "recordPacking": "xml"}, {"queryType"}),
        ("1.2", {"operation": "searchRetrieve", "version": "1.2", "recordPacking": "xml"}, {"queryType"}),
        ("2.0", {"queryType": "cql", "recordXMLEscaping": "xml"}, {"operation", "version", "recordPacking"}),
    ],
)
def test_what_is_said_in_each_version(version: str, present: dict[str, str], absent: set[str]) -> None:
    said = codec.search_parameters(version, "lamps", 11, 10, "mods")

    assert {**said, **present} == said
    assert not absent & set(said)
    assert (said["query"], said["startRecord"], said["maximumRecords"], said["recordSchema"]) == (
        "lamps",
        "11",
        "10",
        "mods",
    )


@given(st.binary(max_size=200) | st.text(alphabet="<>/ab &;\"'=", max_size=60).map(str.encode))
def test_no_octets_make_it_fail_otherwise(octets: bytes) -> None:
    for read in (codec.parse_search_answer, codec.parse_scan_answer, codec.parse_explain_answer):
        try:
            read(octets)
        except MalformedMessage:
            continue
