"""Copies by link, by FTP and by mail: where partners say it, and what is understood."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from lxml import etree

from adapters.iso18626.codec import NAMESPACE, decode_message, encode_message
from adapters.iso18626.dialect import Iso18626Dialect
from adapters.iso18626.mapping.deliveries import read_delivery
from adapters.iso18626.mapping.events_received import event_of_message
from adapters.iso18626.mapping.identities import MappingContext
from adapters.iso18626.mapping.messages_sent import message_of_event
from adapters.iso18626.messages.structures import DeliveryInfo
from gateway.domain.library import Money
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import (
    LendingState,
    LibraryParty,
    Request,
    RequestCosts,
    RequestedService,
    Role,
    ServiceType,
)
from gateway.ports.partner_channel import IncomingPartnerMessage, PartnerMessage
from tests.protocol.iso18626.habit_rows.messages import write_status
from tests.support.processor_time import TIMES_LARGER, require_linear
from tests.support.requests import attempt, borrowing, lending, money

NOW = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)
LENDER = LibraryParty(symbol="NO-0030101")
BORROWER = LibraryParty(symbol="DE-Brt1", email="fernleihe@brt.example", address="Am Markt 1\n12345 Brt")
LINK = "https://copies.example/9.pdf?a=1,2"
BOTH, ITEM_ID = Iso18626Dialect(), Iso18626Dialect(links="item-id")
NEWER = Iso18626Dialect(version="2021-2")
WHOLE = Iso18626Dialect(whole_amounts=True)


def write(kind: EventKind, dialect: Iso18626Dialect, request: Request, **details: Any) -> etree._Element:
    """The octets, parsed."""
    is_ours = request.role is Role.BORROWING
    message = PartnerMessage(
        id="1",
        kind=kind,
        at=NOW,
        sender=BORROWER if is_ours else LENDER,
        receiver=LENDER if is_ours else BORROWER,
        role=request.role,
        transaction="4711",
        details=EventDetails(**details),
        request=request,
    )
    context = MappingContext(library_zone=ZoneInfo("Europe/Oslo"), currency="NOK", dialect=dialect)
    return etree.fromstring(encode_message(message_of_event(message, context), dialect.schema_version).data)


def texts(root: etree._Element, name: str) -> list[str]:
    return [element.text or "" for element in root.iter(f"{{{NAMESPACE}}}{name}")]


def hear(root: etree._Element) -> IncomingPartnerMessage:
    message = decode_message(etree.tostring(root)).message
    context = MappingContext(library_zone=ZoneInfo("Europe/Oslo"), currency="NOK", dialect=BOTH)
    return event_of_message(message, context, "digest")


def read(status: str, sent: str, note: str = "", reason: str = "StatusChange") -> IncomingPartnerMessage:
    behind = f"<deliveryInfo><dateSent>2026-11-26T12:00:00Z</dateSent>{sent}</deliveryInfo>"
    return hear(etree.fromstring(write_status(status, reason, note=note, behind=behind).encode()))


# --- links -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dialect", "item_ids", "ways", "urls", "notes"),
    [
        (BOTH, [LINK], ["URL"], [], [f"URL: {LINK}"]),
        (ITEM_ID, [LINK], ["URL"], [], []),
        (NEWER, [], [], [LINK], []),
    ],
    ids=["2017", "reshare", "2021"],
)
def test_a_link_stands_where_the_partner_looks_for_it(
    dialect: Iso18626Dialect, item_ids: list[str], ways: list[str], urls: list[str], notes: list[str]
) -> None:
    root = write(EventKind.COPY_DELIVERED, dialect, lending(LendingState.COMPLETED), link=LINK)

    assert (texts(root, "itemId"), texts(root, "sentVia")) == (item_ids, ways)
    assert (texts(root, "URL"), texts(root, "note")) == (urls, notes)


def test_a_link_that_goes_through_us_is_told_once() -> None:
    heard = read("CopyCompleted", f"<itemId>{LINK}</itemId><sentVia>URL</sentVia>", f"URL: {LINK}; Danke").details
    root = write(EventKind.COPY_DELIVERED, BOTH, lending(LendingState.COMPLETED), link=heard.link, note=heard.note)

    assert texts(root, "note") == [f"URL: {LINK}; Danke"]


@pytest.mark.parametrize(
    ("sent", "note"),
    [
        (f"<itemId>{LINK}</itemId><sentVia>URL</sentVia>", ""),
        (f"<itemId> {LINK} </itemId><sentVia>url</sentVia>", ""),
        (f"<itemId>{LINK}</itemId>", ""),
        (f"<itemId>{LINK}</itemId><sentVia>ArticleExchange</sentVia>", ""),
        (f"<URL>{LINK}</URL>", ""),
        (f"<itemId>{LINK}</itemId><sentVia>URL</sentVia>", f"URL: {LINK}, Supplier: ELM"),
        ("<sentVia>URL</sentVia>", f"Supplier: ELM, URL: {LINK}, Danke"),
        ("", f"URL: {LINK}"),
    ],
)
def test_a_link_is_read_and_is_no_item(sent: str, note: str) -> None:
    heard = read("CopyCompleted", sent, note)

    assert heard.kind is EventKind.COPY_DELIVERED
    assert (heard.details.link, heard.details.barcode, heard.details.items) == (LINK, "", ())


def test_where_else_a_copy_is_stands_in_words() -> None:
    sent = f"<itemId>https://copies.example/1.pdf</itemId><itemId>{LINK}</itemId><itemId>in/9.pdf</itemId>"
    heard = read("CopyCompleted", f"{sent}<sentVia>FTP</sentVia>")

    assert (heard.details.link, heard.details.note) == (LINK, "sent to: https://copies.example/1.pdf in/9.pdf")


def test_many_links_are_read_in_linear_time() -> None:
    def make_ids(count: int) -> tuple[str, ...]:
        return (*(f"https://copies.example/{number}" for number in range(count)), *map(str, range(count)))

    def read_ids(ids: tuple[str, ...]) -> object:
        return read_delivery(DeliveryInfo(item_ids=ids), "", (), BOTH)

    require_linear(read_ids, make_ids(4_000), make_ids(4_000 * TIMES_LARGER))


def test_a_digital_loan_is_a_copy_that_is_here() -> None:
    sent = f"<itemId>{LINK}</itemId><sentVia>URL</sentVia><deliveredFormat>URL</deliveredFormat>"

    assert read("Loaned", sent).kind is EventKind.COPY_DELIVERED
    reported = read("Loaned", sent, reason="StatusRequestResponse").details
    assert (reported.reported, reported.link) == (EventKind.COPY_DELIVERED, LINK)


def test_a_book_that_is_said_to_be_sent_by_a_link_is_shipped() -> None:
    """CrossLink's mock says so of loans as well; a number of an item the link is not."""
    heard = read("Loaned", f"<itemId>{LINK}</itemId><sentVia>URL</sentVia><deliveredFormat>PDF</deliveredFormat>")

    assert (heard.kind, heard.details.barcode, heard.details.items) == (EventKind.SHIPPED, "", ())


# --- other ways ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "note", "barcode"),
    [
        (
            "<itemId>ftp://ftp.example/in/9.pdf</itemId><sentVia>FTP</sentVia>",
            "sent by FTP: ftp://ftp.example/in/9.pdf",
            "",
        ),
        ("<itemId>in/9.pdf</itemId><sentVia>FTP</sentVia>", "sent by FTP: in/9.pdf", ""),
        ("<sentVia>FTP</sentVia>", "sent by FTP", ""),
        ("<itemId>30100-88</itemId><sentVia>Email</sentVia>", "sent by email", "30100-88"),
        ("<itemId>ill@brt.example</itemId><sentVia>Email</sentVia>", "sent by email: ill@brt.example", ""),
        ("<itemId>copies.example/9</itemId><sentVia>URL</sentVia>", "sent by a link: copies.example/9", ""),
        ("<URL>ftp://ftp.example/9</URL>", "sent to: ftp://ftp.example/9", ""),
        ("<itemId>30100-88</itemId><sentVia>Mail</sentVia>", "", "30100-88"),
    ],
)
def test_what_is_no_link_is_words_for_staff(sent: str, note: str, barcode: str) -> None:
    details = read("CopyCompleted", sent).details

    assert (details.link, details.note, details.barcode) == ("", note, barcode)


@pytest.mark.parametrize(
    ("said", "dialect", "items", "urls", "way"),
    [
        ("ftp://ftp.example/in/9.pdf", BOTH, ["ftp://ftp.example/in/9.pdf"], [], ["FTP"]),
        ("SFTP://ftp.example/in/9.pdf", ITEM_ID, ["SFTP://ftp.example/in/9.pdf"], [], ["FTP"]),
        ("ftp://ftp.example/in/9.pdf", NEWER, [], ["ftp://ftp.example/in/9.pdf"], ["FTP"]),
        ("mailto:fernleihe@brt.example", BOTH, ["fernleihe@brt.example"], [], ["Email"]),
        ("fernleihe@brt.example", ITEM_ID, ["fernleihe@brt.example"], [], ["Email"]),
        ("mailto:fernleihe@brt.example", NEWER, ["fernleihe@brt.example"], [], ["Email"]),
        ("https://ill@copies.example/9", BOTH, ["https://ill@copies.example/9"], [], ["URL"]),
    ],
)
def test_how_a_copy_was_sent_is_told(
    said: str, dialect: Iso18626Dialect, items: list[str], urls: list[str], way: list[str]
) -> None:
    root = write(EventKind.COPY_DELIVERED, dialect, lending(LendingState.CLEARED), link=said)

    name = "deliveryMethod" if dialect is NEWER else "sentVia"
    assert (texts(root, "itemId"), texts(root, "URL"), texts(root, name)) == (items, urls, way)


@pytest.mark.parametrize(
    ("said", "note"),
    [
        ("ftp://ftp.example/in/9.pdf", "sent by FTP: ftp://ftp.example/in/9.pdf"),
        ("mailto:fernleihe@brt.example", "sent by email: fernleihe@brt.example"),
    ],
)
def test_a_gateway_of_our_kind_reads_how_a_copy_was_sent(said: str, note: str) -> None:
    for dialect in (BOTH, ITEM_ID, NEWER):
        details = hear(write(EventKind.COPY_DELIVERED, dialect, lending(LendingState.CLEARED), link=said)).details
        assert (details.link, details.barcode) == ("", "")
        assert note in details.note


# --- where a copy is to go -------------------------------------------------------------------------------


def ask(service: ServiceType, dialect: Iso18626Dialect = BOTH, **changes: Any) -> etree._Element:
    wanted = borrowing(attempts=(attempt(transaction="4711"),), service=RequestedService(service), **changes)
    return write(EventKind.REQUEST, dialect, wanted)


@pytest.mark.parametrize(
    ("service", "kinds"),
    [
        (ServiceType.LOAN, ["physicalAddress", "electronicAddress"]),
        (ServiceType.COPY, ["electronicAddress"]),
        (ServiceType.COPY_OR_LOAN, ["electronicAddress", "physicalAddress"]),
    ],
)
def test_a_copy_goes_to_the_electronic_address(service: ServiceType, kinds: list[str]) -> None:
    found = ask(service).iterfind(f".//{{{NAMESPACE}}}requestedDeliveryInfo/{{{NAMESPACE}}}address/*")

    assert [etree.QName(one).localname for one in found] == kinds


def test_a_copy_goes_by_post_where_there_is_no_other_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "BORROWER", LibraryParty(symbol="DE-Brt1", address="Am Markt 1"))
    found = ask(ServiceType.COPY).iterfind(f".//{{{NAMESPACE}}}requestedDeliveryInfo/{{{NAMESPACE}}}address/*")

    assert [etree.QName(one).localname for one in found] == ["physicalAddress"]


def test_no_postal_address_of_a_copy_stands_in_the_note() -> None:
    blocks = Iso18626Dialect.model_validate({"notes": {"addresses": True}})

    assert "#SHIP_TO#" in texts(ask(ServiceType.LOAN, blocks), "note")[0]
    assert not texts(ask(ServiceType.COPY, blocks), "note")


# --- amounts ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("written", "amount"), [(".5", "0.5"), ("5", "5"), ("12.50", "12.50"), ("7.", "7")])
def test_amounts_are_read_as_they_are_written(written: str, amount: str) -> None:
    cost = f"<deliveryCosts><currencyCode>EUR</currencyCode><monetaryValue>{written}</monetaryValue></deliveryCosts>"

    assert read("Loaned", cost).details.cost == Money(Decimal(amount), "EUR")


@pytest.mark.parametrize(
    ("kind", "details"),
    [
        (EventKind.SHIPPED, {}),
        (EventKind.COPY_DELIVERED, {"link": LINK}),
        (EventKind.WILL_SUPPLY, {}),
        (EventKind.CONDITIONAL, {}),
        (EventKind.RETRY, {"reason": "cost-exceeds-maximum"}),
    ],
)
@pytest.mark.parametrize(
    ("amount", "values", "is_noted"), [("50.00", ["50"], False), ("1E+2", ["100"], False), ("12.50", [], True)]
)
def test_no_amount_is_written_that_would_be_misread(
    kind: EventKind, details: dict[str, Any], amount: str, values: list[str], is_noted: bool
) -> None:
    root = write(kind, WHOLE, lending(LendingState.SHIPPED), cost=money(amount), **details)

    assert texts(root, "monetaryValue") == values
    words = [part for note in texts(root, "note") for part in note.split("; ")]
    assert words.count("cost: 12.50 EUR") == is_noted
    assert hear(root).details.cost == money(amount), "a gateway of our kind reads it"


def test_a_limit_with_cents_is_said_in_words() -> None:
    root = ask(ServiceType.LOAN, WHOLE, costs=RequestCosts(maximum=money("12.50")))

    assert (texts(root, "note"), texts(root, "monetaryValue")) == (["maximum cost: 12.50 EUR"], [])
    heard = hear(root).request
    assert heard is not None
    assert heard.maximum_cost == money("12.50")
    assert texts(ask(ServiceType.LOAN, WHOLE, costs=RequestCosts(maximum=money("12.00"))), "monetaryValue") == ["12"]


# --- a request that was made twice -----------------------------------------------------------------------


@pytest.mark.parametrize("details", [{"reason": "duplicate"}, {"reason": "policy", "note": "Duplicate, we think"}])
def test_a_search_is_not_ended_by_the_word_duplicate(details: dict[str, Any]) -> None:
    silent = Iso18626Dialect(tells_duplicate=False)
    root = write(EventKind.UNFILLED, silent, lending(LendingState.UNFILLED), **details)

    assert texts(root, "reasonUnfilled") == ["PolicyProblem"]
    assert texts(root, "note")[0].startswith("reason: ")


# --- through us ------------------------------------------------------------------------------------------


def test_terms_that_came_in_a_note_are_not_doubled() -> None:
    note = "item damaged; cost: 45.00 EUR; våt"
    heard = read("Loaned", "", note, reason="Notification")
    root = write(heard.kind, BOTH, lending(LendingState.SHIPPED), note=heard.details.note, cost=heard.details.cost)

    assert heard.kind is EventKind.DAMAGED
    assert texts(root, "note") == [note]
