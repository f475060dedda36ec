"""Orders as they are written: golden files of several scripts, keywords, addresses, numbers, test orders."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from adapters.artemail.codec import ArtemailOrder, OrderFile, OrderFileLayout, decode, encode
from adapters.artemail.dialect import dialect_of
from adapters.artemail.orders import choose_customer, prepare_order
from gateway.domain.library import Money, RecordId
from gateway.domain.problems import RefusalReason, Refused
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import Request, RequestCosts, RequestDates, ServiceType
from gateway.services.letters import sample
from tests.unit.adapters.artemail.support import LIBRARY, NUMBER, PASSWORD, bldss, borrowed, message, tailored, written

FOLDER = Path(__file__).parent / "orders"
COPY = ServiceType.COPY

CONFERENCE = Citation(
    type=CitationType.CONFERENCE_PAPER,
    title="Tagung der Fernleihbibliothekare",
    place="Graz",
    published="1991",
    component_title="Vom Zettel zum Band",
    component_author="Ødegård, Åse",
    pages="17-24",
)
LONG = Citation(
    type=CitationType.BOOK,
    title="Über die allmähliche Verfertigung von Bibliothekskatalogen in den Klöstern am oberen Lauf der Drau",
    author="Großmann, Jürgen; Wójcik-Sørensen, Łucja; Ñúñez-Çelik, Íñigo; Þórsdóttir, Ásta",
    published="1987",
)
LIKE_MARKERS = Citation(
    type=CitationType.BOOK, title="NNNN: a signal", author="TX7 S LOAN", publisher=":DELIVER ABOVE ITEM TO:"
)
ORDERS: dict[str, Request] = {
    **{f"loan-{name}": borrowed(citation) for name, citation in sample.CITATIONS.items()},
    "copy-arabic": borrowed(sample.CITATIONS["arabic"], COPY),
    "copy-urgent": borrowed(sample.CITATIONS["arabic"], COPY, level="urgent"),
    "copy-rush": borrowed(sample.CITATIONS["arabic"], COPY, level="rush"),
    "copy-web": borrowed(sample.CITATIONS["arabic"], COPY, format_="web"),
    "copy-or-loan": borrowed(sample.CITATIONS["chinese"], ServiceType.COPY_OR_LOAN),
    "copy-conference": borrowed(CONFERENCE, COPY),
    "loan-long": borrowed(LONG),
    "loan-like-markers": borrowed(LIKE_MARKERS),
}


@pytest.mark.parametrize("name", sorted(ORDERS))
def test_an_order_is_written_as_in_its_golden_file(name: str) -> None:
    text = written(message(request=ORDERS[name]))
    file = FOLDER / f"{name}.txt"
    if os.environ.get("ILLGATE_GOLDEN") == "write":
        file.write_text(text, encoding="ascii")

    assert text == file.read_text(encoding="ascii")
    assert all(len(line) <= 40 for line in text.splitlines() if not line.startswith("TX"))


def test_a_request_for_nothing_is_not_ordered() -> None:
    with pytest.raises(Refused, match="The citation has no data"):
        prepare_order(message(request=borrowed(Citation(note="?"))), dialect_of(bldss()), LIBRARY)


def test_every_golden_file_is_looked_at() -> None:
    assert sorted(file.stem for file in FOLDER.iterdir()) == sorted(ORDERS)


def test_the_file_has_the_parts_of_the_facts_in_their_order() -> None:
    lines = written(message()).split("\n")

    assert lines[:5] == ["99-9999", PASSWORD, "", "", ""]
    assert lines[5] == f"TX{NUMBER} S LOAN"
    assert lines[-5:] == ["", "", "", "NNNN", ""]


# --- keywords --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "level", "format_", "codes"),
    [
        (ServiceType.LOAN, "", "", "S LOAN"),
        (ServiceType.LOAN, "urgent", "", "S LOAN"),
        (COPY, "", "", "S SED99"),
        (COPY, "urgent", "", "S SED99*2*"),
        (COPY, "express", "", "S SED99*2*"),
        (COPY, "rush", "", "S SED99*24*"),
        (COPY, "next-day", "", "S SED99*24*"),
        (COPY, "", "web", "S PTW"),
        (COPY, "", "email", "S PTW"),
        (ServiceType.COPY_OR_LOAN, "", "", "S"),
    ],
)
def test_keywords_follow_from_service_level_and_format(
    service: ServiceType, level: str, format_: str, codes: str
) -> None:
    text = written(message(request=borrowed(service=service, level=level, format_=format_)))

    assert f"\nTX{NUMBER} {codes}\n" in text


def test_every_keyword_of_the_profile_is_written_in_some_golden_file() -> None:
    keywords = dialect_of(bldss()).keywords
    known = {code for group in keywords.groups for rule in group for code in rule.codes}
    firsts = [
        line.split()[1:]
        for file in FOLDER.iterdir()
        for line in file.read_text().splitlines()
        if line.startswith("TXNO")
    ]

    assert {code for line in firsts for code in line} == known


def test_a_query_is_the_third_group() -> None:
    profile = tailored(keywords={"queries": [{"types": ["thesis"], "codes": ["QTHESIS"]}]})

    text = written(message(request=borrowed(sample.CITATIONS["cyrillic"])), profile)

    assert f"\nTX{NUMBER} S LOAN QTHESIS\n" in text
    assert "QTHESIS" not in written(message(), profile)


# --- customers -------------------------------------------------------------------------------------------


CUSTOMERS = [
    {"code": "11-1111", "password": "env:A", "services": ["copy"]},
    {"code": "22-2222", "password": "env:B", "branches": ["LAW"]},
    {"code": "33-3333", "password": "env:C", "levels": ["urgent"]},
]


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (borrowed(service=COPY), "11-1111"),
        (replace(borrowed(), branch="LAW"), "22-2222"),
        (borrowed(level="urgent"), "33-3333"),
    ],
)
def test_the_first_customer_code_that_fits_counts(request_: Request, code: str) -> None:
    dialect = dialect_of(tailored(customers=CUSTOMERS))

    assert choose_customer(message(request=request_), dialect).code == code


def test_where_no_customer_code_fits_nothing_is_ordered() -> None:
    with pytest.raises(Refused, match="no customer code"):
        choose_customer(message(), dialect_of(tailored(customers=CUSTOMERS)))


# --- lines -----------------------------------------------------------------------------------------------


def test_a_long_line_is_cut_where_the_profile_says_so_and_that_is_told() -> None:
    dialect = dialect_of(tailored(layout={"overflow": "cut"}))
    order = prepare_order(message(request=borrowed(LONG)), dialect, LIBRARY).order

    text, cuts = encode(OrderFile(customer="99-9999", password=PASSWORD, orders=(order,)), dialect.layout.codec_layout)

    assert "\nUeber die allmaehliche Verfertigung von\nGrossmann, Juergen; Wojcik-Sorensen, Luc\n" in text
    assert [cut.line for cut in cuts] == [order.lines[0], order.lines[1]]
    assert order.lines[0].endswith("oberen Lauf der Drau")


def test_a_line_that_is_not_known_is_held_open_so_that_those_below_keep_their_place() -> None:
    request = borrowed(replace(sample.CITATIONS["arabic"], component_title="", component_author=""), COPY)

    assert "VOL 12 PT 3 PP 45-61\n-\n-\n0317-8471\n" in written(message(request=request))
    moved_up = written(message(request=request), tailored(items={"missing": ""}))
    assert "VOL 12 PT 3 PP 45-61\n0317-8471\n" in moved_up


def test_lines_of_an_item_are_what_the_profile_says() -> None:
    profile = tailored(
        items={"book": ["{author}: {title}[ ({year})]", "[DOI {doi}]", "[NEEDED BY {need_by}]", "[MAX {maximum_cost}]"]}
    )
    citation = Citation(title="Erdölatlas", author="Đoković", identifiers=(RecordId("doi", "10.9999/atlas"),))
    request = replace(
        borrowed(citation),
        dates=RequestDates(need_by=date(2026, 5, 29)),
        costs=RequestCosts(maximum=Money(Decimal("12.50"), "GBP")),
    )

    lines = written(message(request=request), profile).splitlines()

    assert lines[6:10] == ["Dokovic: Erdoelatlas", "DOI 10.9999/atlas", "NEEDED BY 2026-05-29", "MAX 12.50 GBP"]


def test_what_became_of_letters_is_reported_one_by_one() -> None:
    ordered = prepare_order(message(request=borrowed(LONG)), dialect_of(bldss()), LIBRARY)

    (note,) = ordered.notes
    assert note.startswith("written in ASCII: Ü → Ue, ä → ae")
    assert "Þ → TH" in note or "Þ → Th" in note
    assert "ø → o" in note


# --- addresses -------------------------------------------------------------------------------------------


def test_our_address_stands_below_the_item() -> None:
    text = written(message(), tailored(delivery={"loans": "postal"}))

    assert f"\nTX{NUMBER} S LOAN ADD\n" in text
    assert ":DELIVER ABOVE ITEM TO:\nNorrefjord bibliotek\nHavnegade 4\n9990 Norrefjord\n\n\n\nNNNN\n" in text


def test_a_copy_is_delivered_to_our_mail_address() -> None:
    profile = tailored(delivery={"copies": "email"})

    text = written(message(request=borrowed(service=COPY)), profile)

    assert ":DELIVER ABOVE ITEM TO:\nill@norrefjord.example\n" in text
    assert "DELIVER" not in written(message(), profile)


def test_a_loan_that_we_broker_goes_to_the_requester() -> None:
    """Though the service sends what we order to the address that it has on file."""
    asked = message()
    sender = replace(asked.sender, address="Tartu Ülikooli Raamatukogu\nStruve 1\n50091 Tartu")

    text = written(replace(asked, sender=sender), bldss())

    assert f"\nTX{NUMBER} S LOAN ADD\n" in text
    assert ":DELIVER ABOVE ITEM TO:\nTartu Uelikooli Raamatukogu\nStruve 1\n50091 Tartu\n\n\n\nNNNN\n" in text

    by_us = replace(asked, sender=replace(sender, address=LIBRARY.address))
    assert "DELIVER" not in written(by_us, bldss())


def test_an_address_for_the_whole_file_stands_above_all_items() -> None:
    profile = tailored(layout={"file_address": ":DELIVER ALL TO:"}, delivery={"file": "email"})

    text = written(message(), profile)

    assert f"\n:DELIVER ALL TO:\nill@norrefjord.example\n\n\n\nTX{NUMBER} S LOAN\n" in text


def test_no_patron_is_written_anywhere() -> None:
    request = sample.sample_request()
    text = written(message(request=request), tailored(delivery={"loans": "postal"}))

    assert request.patron.identifier not in text
    assert "stergard" not in text


# --- numbers, test orders, what else is said -------------------------------------------------------------


@pytest.mark.parametrize("number", ["B 1", "no-digits", "Б-2026-1", "", "b-2026-1", "X" * 30 + "1"])
def test_a_number_that_the_service_would_not_take_is_refused(number: str) -> None:
    with pytest.raises(Refused) as refused:
        prepare_order(replace(message(), transaction=number), dialect_of(bldss()), LIBRARY)

    assert refused.value.reason is RefusalReason.INVALID_VALUE
    assert "partner.number" in refused.value.detail


def test_a_prefix_stands_before_our_number() -> None:
    assert f"\nTXQQ{NUMBER} S LOAN\n" in written(message(), tailored(numbers={"prefix": "QQ"}))


def test_a_test_order_is_marked() -> None:
    profile = tailored(mode="test", test={"keywords": ["TEST"]})

    assert f"\nTX{NUMBER} S LOAN TEST\n" in written(message(), profile)
    assert f"\nTX{NUMBER} RENEW TEST\n" in written(message(EventKind.RENEW), profile)


@pytest.mark.parametrize(
    ("kind", "code"), [(EventKind.CANCEL, "CANCEL"), (EventKind.RENEW, "RENEW"), (EventKind.STATUS_QUERY, "CHASER")]
)
def test_renewals_cancellations_and_chasers_go_the_same_way(kind: EventKind, code: str) -> None:
    text = written(message(kind, note="Bitte bald, danke für die Mühe"))

    assert f"\nTX{NUMBER} {code}\nBitte bald, danke fuer die Muehe\n\n\n\nNNNN\n" in text


def test_what_the_format_has_no_word_for_is_refused_by_name() -> None:
    with pytest.raises(Refused, match=r"actions\.codes"):
        prepare_order(message(EventKind.DAMAGED), dialect_of(bldss()), LIBRARY)


def test_a_file_may_hold_many_orders() -> None:
    file = OrderFile(
        customer="99-9999",
        password=PASSWORD,
        orders=(
            ArtemailOrder("A-1", ("S", "LOAN"), ("One",)),
            ArtemailOrder("A-2", ("S",), ("Two",), ("x@y.example",)),
        ),
    )

    assert decode(encode(file, OrderFileLayout())[0], OrderFileLayout()) == file
