"""Whatever octets come: a value, or MalformedMessage."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.marc.dialect import Records
from adapters.z3950 import client, codec
from adapters.z3950.values import RawRecord
from gateway.domain.problems import MalformedMessage
from tests.support.targets import accepted, apdu, found, presented

ANSWERS = (
    accepted(),
    found(2, [b"one", b"two"]),
    presented(no=13),
    apdu(
        "scanResponse",
        scanStatus=0,
        numberOfEntriesReturned=1,
        entries={"entries": [("termInfo", {"term": ("general", b"x"), "globalOccurrences": 1})]},
    ),
    apdu("close", closeReason=0),
)

OPAC = codec.load_asn1_module().encode(
    "OPACRecord",
    {
        "bibliographicRecord": {"direct-reference": "1.2.840.10003.5.10", "encoding": ("octet-aligned", b"bad")},
        "holdingsData": [
            ("holdingsAndCirc", {"localLocation": b"NORD", "circulationData": [{"availableNow": True}]}),
            ("marcHoldingsRecord", {"direct-reference": "1.2.840.10003.5.10", "encoding": ("octet-aligned", b"bad")}),
        ],
    },
)


def read(octets: bytes) -> None:
    try:
        codec.decode_apdu(octets)
    except MalformedMessage:
        return


@given(st.sampled_from((b"", b"\xb5", b"\xb7\x80", b"\xb9\x81", b"\xbf\x24\x80", b"\xbf\x30")), st.binary(max_size=300))
@example(b"", b"")
def test_no_octets_make_it_fail_otherwise(begin: bytes, octets: bytes) -> None:
    read(begin + octets)


@given(st.sampled_from(ANSWERS), st.data())
def test_no_damage_makes_it_fail_otherwise(answer: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(answer) - 1))
    read(answer[:at] + data.draw(st.binary(max_size=3)) + answer[at + data.draw(st.integers(0, 3)) :])


@given(st.integers(0, len(OPAC) - 1), st.binary(max_size=3), st.integers(0, 3))
def test_no_opac_record_makes_it_fail(at: int, octets: bytes, cut: int) -> None:
    damaged = bytes(OPAC[:at]) + octets + bytes(OPAC[at + cut :])

    found = client.read_answer_record(RawRecord("1.2.840.10003.5.102", damaged), 1, Records())

    assert found.syntax == "opac"


@given(st.binary(max_size=300))
def test_no_octets_in_any_syntax_make_it_fail(octets: bytes) -> None:
    for syntax in ("1.2.840.10003.5.10", "1.2.840.10003.5.102", "1.2.840.10003.5.109.10", "1.2.3", ""):
        client.read_answer_record(RawRecord(syntax, octets), 1, Records())


@pytest.mark.parametrize("octets", [b"", b"HTTP/1.1 200 OK", b"\xb6\x00", b"\xb4\x00"])
def test_what_no_target_says_is_told(octets: bytes) -> None:
    with pytest.raises(MalformedMessage, match="no answer begins with"):
        codec.decode_apdu(octets)
