"""Copies and volumes that records show: by the standard fields, by a profile's own, in OPAC records."""

from datetime import date

import pytest
from pydantic import ValidationError

from adapters.marc.dialect import Records
from tests.unit.adapters.marc.support import iso2709, of, read

ITEM_949 = {
    "tag": "949",
    "location": "l",
    "barcode": "b",
    "policy": "p",
    "status": "s",
    "due": "d",
    "call_number": "c|h",
}


def test_a_copy_by_852() -> None:
    found = read(iso2709(("245", b"10$aLamps"), ("852", b"  $bNORD$cMAG$hQX417$i.Q8$p30001$zFragile")))

    assert found.holdings is not None
    (held,) = found.holdings
    assert (held.location, held.sublocation, held.call_number) == ("NORD", "MAG", "QX417 .Q8")
    assert (held.barcode, held.note, held.available) == ("30001", "Fragile", None)
    assert found.citation.call_number == "QX417 .Q8"


def test_runs_of_volumes_by_863_with_the_captions_of_853() -> None:
    found = read(
        iso2709(
            ("852", b"  $aNORD$hP17"),
            ("853", b"  $81$av.$bno.$i(year)"),
            ("863", b"  $81.1$a1-20$b1-4$i1990-2010"),
            ("866", b"  $aSuppl. 1-3"),
            ("852", b"  $aHAVN"),
            ("866", b"  $av.5 (1994)"),
        )
    )

    assert found.holdings is not None
    assert [(one.location, one.call_number, one.volumes) for one in found.holdings] == [
        ("NORD", "P17", "v.1-20:no.1-4 (1990-2010); Suppl. 1-3"),
        ("HAVN", "", "v.5 (1994)"),
    ]


def test_items_by_876_have_the_place_of_their_852() -> None:
    found = read(
        iso2709(
            ("852", b"  $bNORD$cMAG$hQX1"),
            ("876", b"  $p30001$jAvailable$hLoan$3v.1"),
            ("876", b"  $p30002$jChecked out$lREPAIR$3v.2"),
        )
    )

    assert found.holdings is not None
    assert [
        (one.location, one.sublocation, one.barcode, one.policy, one.available, one.volumes) for one in found.holdings
    ] == [("NORD", "MAG", "30001", "Loan", True, "v.1"), ("NORD", "REPAIR", "30002", "", False, "v.2")]


def test_items_in_a_field_of_the_profile() -> None:
    octets = iso2709(
        ("852", b"  $bNOT ASKED FOR"),
        ("949", b"  $lHAVN$b0001$ploan$sAvailable$hQX9"),
        ("949", b"  $lHAVN$b0002$preading-room$sChecked out$d2027-02-14"),
        ("949", b"  $lHAVN$b0003$sOn a walk"),
    )
    found = read(octets, holdings=[ITEM_949])

    assert found.holdings is not None
    assert [(one.barcode, one.policy, one.available, one.due, one.call_number) for one in found.holdings] == [
        ("0001", "loan", True, None, "QX9"),
        ("0002", "reading-room", False, date(2027, 2, 14), ""),
        ("0003", "", None, None, ""),
    ]


def test_indicators_choose_among_fields_of_a_tag() -> None:
    octets = iso2709(("999", b"11$lSHARED"), ("999", b"  $lOWN"))
    rules = [{"tag": "999", "indicators": "11", "location": "l"}]

    assert [one.location for one in read(octets, holdings=rules).holdings or ()] == ["SHARED"]


@pytest.mark.parametrize(("word", "expected"), [("unknown", None), ("none", ())])
def test_what_no_field_means_is_the_profiles_to_say(word: str, expected: object) -> None:
    assert read(iso2709(("245", b"10$aLamps")), without_holdings=word).holdings == expected


OPAC = """<opacRecord><bibliographicRecord><record><leader>00000nam a2200000   4500</leader>
<datafield tag="245" ind1="1" ind2="0"><subfield code="a">Lamps</subfield></datafield></record></bibliographicRecord>
<holdings><holding><localLocation>NORD</localLocation>
<shelvingLocation>MAG</shelvingLocation><callNumber>QX417</callNumber>
<publicNote>AVAILABLE</publicNote>
<volumes><volume><enumeration>v.1</enumeration><chronology>1990</chronology></volume></volumes>
<circulations><circulation><availableNow value="0"/><availabilityDate>2027-02-14</availabilityDate>
<itemId>30001</itemId>
<onHold value="1"/><temporaryLocation>short loan</temporaryLocation></circulation></circulations></holding>
<holding><localLocation>HAVN</localLocation></holding></holdings></opacRecord>"""


def test_opac_records_in_xml() -> None:
    found = read(of(OPAC), "xml")

    assert (found.syntax, found.citation.title, found.citation.call_number) == ("opac", "Lamps", "QX417")
    assert found.holdings is not None
    first, second = found.holdings
    assert (first.location, first.sublocation, first.barcode, first.volumes) == ("NORD", "MAG", "30001", "v.1 1990")
    assert (first.available, first.status, first.due) == (False, "not available, on hold", date(2027, 2, 14))
    assert (second.location, second.available) == ("HAVN", None)


def test_which_element_says_what_is_the_profiles_to_say() -> None:
    found = read(of(OPAC), "xml", opac={"status": "publicNote", "policy": "temporaryLocation"})

    assert found.holdings is not None
    assert (found.holdings[0].available, found.holdings[0].policy) == (True, "short loan")


@pytest.mark.parametrize(("field", "before"), [("location", "NORD"), ("sublocation", "MAG")])
def test_an_element_of_an_opac_record_is_read_as_is_set(field: str, before: str) -> None:
    found = [read(of(OPAC), "xml", **one).holdings for one in ({}, {"opac": {field: "temporaryLocation"}})]
    assert [getattr(holdings[0], field) for holdings in found if holdings] == [before, "short loan"]


@pytest.mark.parametrize(
    ("section", "status", "before", "after"),
    [
        ({"available": ["at the desk"]}, b"At the desk", None, True),
        ({"unavailable": ["at the binder"]}, b"At the binder", None, False),
    ],
)
def test_what_a_status_means_is_the_profiles_to_say(
    section: dict[str, object], status: bytes, before: object, after: object
) -> None:
    record = iso2709(("245", b"10$aLamps"), ("949", b"  $lNORD$s" + status))
    found = [read(record, holdings=[ITEM_949], **one).holdings for one in ({}, section)]
    assert [holdings[0].available for holdings in found if holdings] == [before, after]


def test_how_due_dates_are_written_is_the_profiles_to_say() -> None:
    record = iso2709(("245", b"10$aLamps"), ("949", b"  $lNORD$sOn loan$d03/04/2027"))
    found = [read(record, holdings=[ITEM_949], **one).holdings for one in ({}, {"dates": ["%d/%m/%Y"]})]
    assert [holdings[0].due for holdings in found if holdings] == [date(2027, 3, 4), date(2027, 4, 3)]


def test_holdings_that_are_shown_to_be_none() -> None:
    assert read(b"<opacRecord><holdings/></opacRecord>", "xml").holdings == ()


@pytest.mark.parametrize(
    ("section", "reason"),
    [
        ({"holdings": [{"tag": "866", "under": "before"}]}, "at least one must stand for itself"),
        ({"holdings": [{"tag": "852", "location": "B"}]}, "not subfield codes"),
        ({"holdings": [{"tag": "85"}]}, "pattern"),
        ({"charset": "klingon"}, "no character set"),
        ({"dates": ["%Q"]}, "no form of a date"),
        ({"local": "01"}, "local"),
    ],
)
def test_a_map_that_cannot_work_is_refused_when_it_is_read(section: dict[str, object], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Records.model_validate(section)
