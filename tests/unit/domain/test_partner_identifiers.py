"""What a partner calls agencies, patrons, requests, items and records becomes what the library calls them."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.domain.circulation_policy import CirculationPolicy, IdentifierRewrite, PatronRules, RecordRules
from gateway.domain.commands import Named
from gateway.domain.library import RecordId
from gateway.domain.partner_identifiers import (
    RequestNumber,
    append_agency_code,
    choose_identifier_types,
    generate_barcode,
    institution_identifier,
    is_request_number,
    list_item_barcodes,
    make_temporary_barcode,
    read_request_number,
    translate_agency,
    translate_record_ids,
)
from gateway.domain.problems import MessagePart, RefusalReason, Refused

# --- rewriting -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "sent", "ours"),
    [
        ({}, " 39011 ", "39011"),
        ({"trim": False}, " 39011 ", " 39011 "),
        ({"strip_prefix": ["", "OC-", "OCL"]}, "OCLC-7", "C-7"),
        ({"strip_prefix": ["A", "B"]}, "AB7", "B7"),  # only the first that fits
        ({"strip_suffix": ["", "-ILL", "L"]}, "7-ILL", "7"),
        ({"strip_suffix": ["L", "-ILL"]}, "7-ILL", "7-IL"),
        ({"strip_suffix": ["X"]}, "XX7", "XX7"),
        ({"pattern": r"(\d+)/(\d+)", "replacement": r"\2-\1"}, "26/17", "17-26"),
        ({"case": "upper"}, "mała", "MAŁA"),
        ({"case": "lower"}, "MAŁA", "mała"),
        ({"zero_pad": 6}, "417", "000417"),
        ({"zero_pad": 6}, "A417", "A417"),
        ({"prefix": "ILL-", "suffix": "-x"}, "7", "ILL-7-x"),
        (
            {"strip_prefix": ["n"], "strip_suffix": ["z"], "case": "upper", "zero_pad": 4, "prefix": "p"},
            " n12z ",
            "p0012",
        ),
    ],
)
def test_an_identifier_is_rewritten_step_by_step(rules: dict[str, Any], sent: str, ours: str) -> None:
    assert IdentifierRewrite(**rules).rewrite_identifier(sent) == ours


# --- agencies and patrons --------------------------------------------------------------------------------


def test_an_agency_is_translated_without_regard_to_case() -> None:
    policy = CirculationPolicy(agencies={"Straße": "CH-STR", "NV": "NVD"})
    assert translate_agency(" STRASSE ", policy) == "CH-STR"
    assert translate_agency("nv", policy) == "NVD"
    assert translate_agency(" Elsewhere ", policy) == "Elsewhere"


@pytest.mark.parametrize(
    ("user", "agency", "patron"),
    [
        (" INST-7 ", "NVD", "LIB-NVD-7"),
        ("INST-7", r"N\1D", r"LIB-N\1D-7"),  # nothing in it names a group
        ("library:VAASA", "NVD", "library:VAASA/VAASA"),
        ("XINST-7", "NVD", None),
        ("21000000000017", "NVD", None),
    ],
)
def test_an_institution_is_told_from_a_person(user: str, agency: str, patron: str | None) -> None:
    rules = PatronRules(
        institutional=[  # type: ignore[arg-type]
            {"match": r"INST-(\d+)", "patron": r"LIB-{agency}-\1"},
            {"match": r"library:(\w+)", "patron": r"{user}/\1"},
        ]
    )
    assert institution_identifier(user, agency, rules) == patron


def test_the_type_of_a_user_id_says_how_it_is_looked_up() -> None:
    rules = PatronRules(id_types={"institution id": "matriculation"}, lookup_by=("barcode", "username"))
    assert choose_identifier_types(Named("7", " Institution Id "), rules) == ("matriculation",)
    assert choose_identifier_types(Named("7", "Barcode"), rules) == ("barcode", "username")


# --- request numbers -------------------------------------------------------------------------------------

PREFIXES = CirculationPolicy.model_validate(
    {
        "requests": {
            "prefixes": [
                {"prefix": "LU-", "means": ["library-use-only"], "keep": False},
                {"prefix": "R-", "means": ["renewable"], "keep": True},
                {"prefix": "NR-", "means": ["not-renewable"], "keep": False},
            ],
            "rewrite": {"prefix": "ILL"},
        }
    }
)


@pytest.mark.parametrize(
    ("sent", "number"),
    [
        (" LU-417 ", RequestNumber("ILL417", library_use_only=True)),
        ("R-417", RequestNumber("ILLR-417", renewable=True)),
        ("NR-417", RequestNumber("ILL417", renewable=False)),
        ("X-417", RequestNumber("ILLX-417")),
    ],
)
def test_the_prefix_of_a_request_number_says_what_may_be_done(sent: str, number: RequestNumber) -> None:
    assert read_request_number(Named(sent), PREFIXES) == number


def test_without_a_number_there_is_an_empty_one() -> None:
    assert read_request_number(None, PREFIXES) == RequestNumber("")


def test_an_item_id_may_be_said_to_be_a_request_number() -> None:
    policy = CirculationPolicy.model_validate({"items": {"request_id_types": ["ill request id"]}})
    assert is_request_number(Named("417", " ILL Request Id "), policy)
    assert not is_request_number(Named("417", "Item Barcode"), policy)


# --- barcodes --------------------------------------------------------------------------------------------


def barcodes(source: str = "item-id", suffix: bool = False, **accept: Any) -> CirculationPolicy:
    return CirculationPolicy.model_validate(
        {
            "items": {"rewrite": {"prefix": "OWN"}},
            "accept": {"barcode_from": source, "barcode": {"prefix": "T"}, **accept},
            "notifications": {"barcode_suffix_agency": suffix},
        }
    )


def test_an_item_id_is_one_of_our_own_or_that_of_a_temporary_record() -> None:
    sent = Named("7")
    assert list_item_barcodes(sent, "nvd", barcodes()) == ("OWN7", "T7")
    assert list_item_barcodes(sent, "nvd", barcodes(suffix=True)) == ("OWN7", "T7nvd")
    assert list_item_barcodes(sent, "nvd", barcodes("generated")) == ("OWN7",)
    assert list_item_barcodes(sent, "nvd", barcodes(barcode={"prefix": "OWN"})) == ("OWN7",), "one is enough"


def test_the_code_of_the_site_is_put_behind() -> None:
    assert append_agency_code("31", "9nvd", barcodes(suffix=True)) == "319nvd"
    assert append_agency_code("31", "9nvd", barcodes()) == "31"


def test_a_temporary_barcode_is_made_of_what_the_profile_names() -> None:
    item, request, number = Named("31"), Named("R-17"), RequestNumber("417")
    assert make_temporary_barcode(item, number, request, "nvd", "k", barcodes()) == "T31"
    assert make_temporary_barcode(item, number, request, "nvd", "k", barcodes(suffix=True)) == "T31nvd"
    assert make_temporary_barcode(None, number, request, "nvd", "k", barcodes("request-id")) == "TR-17"
    generated = barcodes("generated", barcode_template="{request}/{number:09d}")
    assert make_temporary_barcode(None, number, None, "nvd", "k", generated) == "417/" + generate_barcode(
        barcodes("generated", barcode_template="{number:09d}").accept, "", "k"
    )


@pytest.mark.parametrize(
    ("source", "item", "request_", "about"),
    [
        ("item-id", None, Named("R-17"), MessagePart.ITEM),
        ("item-id", Named("  "), Named("R-17"), MessagePart.ITEM),
        ("request-id", Named("31"), None, MessagePart.REQUEST),
    ],
)
def test_without_the_id_there_is_no_barcode(
    source: str, item: Named | None, request_: Named | None, about: MessagePart
) -> None:
    with pytest.raises(Refused) as refused:
        make_temporary_barcode(item, RequestNumber("417"), request_, "nvd", "k", barcodes(source))
    assert (refused.value.reason, refused.value.about) == (RefusalReason.DATA_MISSING, about)
    assert refused.value.detail == "The ID for the item’s barcode is missing."


def test_a_barcode_may_be_as_long_as_the_library_takes_and_no_longer() -> None:
    policy = barcodes(barcode_max=6)
    assert make_temporary_barcode(Named("12345"), RequestNumber(""), None, "nvd", "k", policy) == "T12345"
    with pytest.raises(Refused) as refused:
        make_temporary_barcode(Named("123456"), RequestNumber(""), None, "nvd", "k", policy)
    found = refused.value
    assert (found.reason, found.about, found.value) == (RefusalReason.INVALID_VALUE, MessagePart.ITEM, "123456")
    assert found.detail == "The barcode would be longer than 6 characters."


def test_a_generated_barcode_that_is_too_long_is_said_to_be_the_items() -> None:
    with pytest.raises(Refused) as refused:
        make_temporary_barcode(None, RequestNumber("4" * 30), None, "nvd", "k", barcodes("generated", barcode_max=9))
    assert (refused.value.about, refused.value.value) == (MessagePart.ITEM, "")


def test_a_generated_barcode_is_the_same_for_the_same_key() -> None:
    accept = barcodes("generated", barcode_template="ILL{number:09d}").accept
    assert generate_barcode(accept, "417", "Ключ-1") == generate_barcode(accept, "417", "Ключ-1") == "ILL034543347"
    assert generate_barcode(accept, "417", "Ключ-2") != "ILL034543347"


# --- records ---------------------------------------------------------------------------------------------

RECORDS = RecordRules.model_validate(
    {
        "types": {"accession": "local", "isbn-13": "isbn"},
        "order": ["isbn", "local"],
        "rewrite": {"isbn": {"pattern": "-", "replacement": ""}},
    }
)


def test_record_numbers_are_tried_in_the_order_of_the_profile() -> None:
    sent = (RecordId(" Accession ", " b100 "), RecordId("doi", "10.1/x"), RecordId("ISBN-13", "978-0-00-001001-8"))
    assert translate_record_ids(sent, RECORDS) == (RecordId("isbn", "9780000010018"), RecordId("local", "b100"))


def test_the_order_of_the_profile_is_not_that_of_the_alphabet() -> None:
    rules = RecordRules(order=("oclc", "local", "isbn"))
    sent = tuple(RecordId(type_, "7") for type_ in ("isbn", "local", "oclc"))
    assert [one.type for one in translate_record_ids(sent, rules)] == ["oclc", "local", "isbn"]


def test_a_check_digit_behind_a_record_number_is_dropped_of_our_own_numbers_only() -> None:
    rules = RECORDS.model_copy(update={"drop_check_digit": True})
    sent = (RecordId("local", "b1234x"), RecordId("isbn", "9780000010018"))
    assert translate_record_ids(sent, rules) == (RecordId("isbn", "9780000010018"), RecordId("local", "b1234"))


@pytest.mark.parametrize("sent", [(RecordId("doi", "10.1/x"),), (RecordId("local", "  "), RecordId("doi", "10.1/x"))])
def test_numbers_of_no_use_are_refused(sent: tuple[RecordId, ...]) -> None:
    with pytest.raises(Refused) as refused:
        translate_record_ids(sent, RECORDS)
    found = refused.value
    assert (found.reason, found.about, found.value) == (
        RefusalReason.INVALID_VALUE,
        MessagePart.RECORD,
        sent[0].value,
    )
    assert found.detail == "None of the record numbers can be looked up in this library system."


def test_no_number_at_all_is_refused_too() -> None:
    with pytest.raises(Refused) as refused:
        translate_record_ids((), RECORDS)
    assert refused.value.value == ""
