"""What a broker puts before the notes of the libraries behind it, and whom its messages name."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from adapters.iso18626.codec import decode_message
from adapters.iso18626.dialect import Iso18626Dialect
from adapters.iso18626.mapping.events_received import event_of_message
from adapters.iso18626.mapping.identities import MappingContext
from adapters.iso18626.messages import SupplyingAgencyMessage
from gateway.domain.library import Money
from gateway.domain.requests.events import (
    Event,
    EventDetails,
    EventKind,
    LoanCondition,
    NamedSupplier,
    partner_signal,
)
from gateway.domain.requests.request_messages import is_message_to_read
from gateway.ports.partner_channel import IncomingPartnerMessage
from tests.protocol.iso18626.habit_rows.messages import HEADER, write_status
from tests.support.processor_time import TIMES_LARGER, require_linear

OSLO = ZoneInfo("Europe/Oslo")
K = EventKind
NOW = datetime(2026, 11, 30, 9, 30, tzinfo=UTC)
NOTES = {"supplier_prefix": "Supplier: ", "vendor_prefix": "Vendor: "}
RETURN_INFO = (
    "<returnInfo><returnAgencyId><agencyIdType>ISIL</agencyIdType><agencyIdValue>{}</agencyIdValue></returnAgencyId>"
    "<name>{}</name><physicalAddress><line1>{}</line1></physicalAddress></returnInfo>"
)


def hear(octets: str, **notes: object) -> IncomingPartnerMessage:
    decoded = decode_message(octets.encode(), OSLO)
    assert isinstance(decoded.message, SupplyingAgencyMessage)
    dialect = Iso18626Dialect.model_validate({"notes": NOTES | notes})
    context = MappingContext(
        library_zone=OSLO, currency="NOK", ours=("NO-0030101",), theirs=("ISIL:DE-Brt1",), dialect=dialect
    )
    return event_of_message(decoded.message, context, "digest")


def details_of_note(note: str, status: str = "WillSupply", **notes: object) -> EventDetails:
    return hear(write_status(status, note=note), **notes).details


@pytest.mark.parametrize(
    ("note", "separator", "text"),
    [
        ("Supplier: ELM", ", ", ""),
        ("Supplier: ELM, Lesesaal; bis Mai", ", ", "Lesesaal; bis Mai"),
        ("Supplier: ELM; Lesesaal, bis Mai", "; ", "Lesesaal, bis Mai"),
        ("Supplier: ELM | Lesesaal", " | ", "Lesesaal"),
        ("Vendor: Alma, Supplier: ELM, Lesesaal", ", ", "Lesesaal"),
        ("Vendor: Alma; Supplier: ELM; Lesesaal", "; ", "Lesesaal"),
        ("Supplier: ELM\n#RETURN_TO#\nElm Library\n#RT_END#\n", ", ", ""),
        ("Supplier: ELM#MARK#", ", ", "#MARK#"),
    ],
)
def test_the_prefix_is_taken_off_and_names_the_supplier(note: str, separator: str, text: str) -> None:
    found = details_of_note(note, prefix_separator=separator)
    assert found.supplier is not None
    assert (found.supplier.symbol, found.note, found.written) == ("ELM", text, text)


@pytest.mark.parametrize("note", ["Vendor: Alma, who else?", "Our Supplier: ELM", "Lesesaal, Supplier: ELM"])
def test_words_that_are_no_prefix_stay(note: str) -> None:
    found = details_of_note(note)
    assert (found.supplier, found.note) == (None, note)


@pytest.mark.parametrize(
    "part",
    ["Condition: a, ", "#MultipleItems##MultipleItemsEnd#", "#SHIP_TO#", "#RETURN_TO# "],
    ids=lambda one: one[:9],
)
def test_a_note_as_long_as_a_message_is_read_in_linear_time(part: str) -> None:
    small, large = (part * (length // len(part)) for length in (100_000, 100_000 * TIMES_LARGER))
    require_linear(lambda note: details_of_note(note, condition_prefix="Condition: "), small, large)


def test_a_line_of_a_block_as_long_as_a_message_is_read_in_linear_time() -> None:
    small, large = (
        "#MultipleItems#\n" + "1" * length + "\n#MultipleItemsEnd#" for length in (100_000, 100_000 * TIMES_LARGER)
    )
    require_linear(lambda note: details_of_note(note, status="Loaned"), small, large)


def test_without_the_setting_nothing_is_taken_off() -> None:
    found = details_of_note("Supplier: ELM, Lesesaal", supplier_prefix="")
    assert (found.supplier, found.note) == (None, "Supplier: ELM, Lesesaal")


def test_what_stands_behind_the_prefix_is_read_as_without_it() -> None:
    conditional = hear(write_status("WillSupply", note="Supplier: ELM, conditions: library use only; cost: 5.00 EUR"))
    assert (conditional.kind, conditional.details.conditions, conditional.details.cost) == (
        K.CONDITIONAL,
        (LoanCondition.LIBRARY_USE_ONLY,),
        Money(Decimal("5.00"), "EUR"),
    )
    marked = hear(
        write_status("WillSupply", note="Supplier: ELM#ReShareAddLoanCondition#"),
        condition_marker="#ReShareAddLoanCondition#",
    )
    assert (marked.kind, marked.details.note) == (K.CONDITIONAL, "")
    link = hear(write_status("CopyCompleted", note="Supplier: ELM, URL: https://elm.example/c/1.pdf"))
    assert (link.kind, link.details.link) == (K.COPY_DELIVERED, "https://elm.example/c/1.pdf")
    assert hear(write_status("Loaned", "Notification", "Supplier: ELM, item damaged; cost: 3.00 EUR")).kind is K.DAMAGED
    assert hear(write_status("Loaned", note="Supplier: ELM, volume 2 of 3: Bd. 2")).details.volumes == ("2",)
    held = hear(write_status("Loaned", "Notification", "Supplier: ELM, return on hold"))
    assert held.details.return_on_hold is True
    exact = hear(write_status("Unfilled", note="Supplier: ELM, copyright"))
    assert exact.details.reason == "copyright"


def test_a_condition_and_a_price_before_the_prefix_are_terms() -> None:
    found = hear(
        write_status("WillSupply", note="Condition: LibraryUseOnly, Cost: 50 EUR, Supplier: ELM, Lesesaal"),
        condition_prefix="Condition: ",
        cost_prefix="Cost: ",
    )
    assert (found.kind, found.details.cost) == (K.CONDITIONAL, Money(Decimal(50), "EUR"))
    assert found.details.conditions == (LoanCondition.LIBRARY_USE_ONLY,)
    assert found.details.note == "Lesesaal"


@pytest.mark.parametrize(
    "octets",
    [
        write_status("ExpectToSupply", "Notification", "Supplier: ELM"),
        write_status("ExpectToSupply", "Notification", "Vendor: ReShare, Supplier: ELM"),
        write_status("ExpectToSupply", "StatusChange", "Vendor: ReShare"),
        write_status("WillSupply", "StatusChange", "Supplier: ELM"),
    ],
)
def test_notices_of_the_broker_are_for_nobody_to_read(octets: str) -> None:
    message = hear(octets)
    assert message.kind in (K.EXPECT_TO_SUPPLY, K.WILL_SUPPLY)
    event = Event(partner_signal(message.kind), NOW, f"partner:{message.sender}", message.details, 1)
    assert not is_message_to_read(event)


def test_a_supplier_is_known_by_the_header_that_names_another_than_the_partner() -> None:
    assert hear(write_status("WillSupply")).details.supplier is None
    found = hear(write_status("WillSupply", header=HEADER.replace("DE-Brt1", "DE-1")))
    assert (found.sender, found.details.supplier) == ("DE-1", NamedSupplier(symbol="DE-1"))


@pytest.mark.parametrize(
    ("agency", "note", "supplier"),
    [
        ("DE-1", "", NamedSupplier(symbol="DE-1", name="UB Graz", address="Platz 3")),
        ("DE-1", "Supplier: ELM", NamedSupplier(symbol="ELM", name="UB Graz", address="Platz 3")),
        ("DE-Brt1", "", NamedSupplier(symbol="DE-Brt1", name="UB Graz", address="Platz 3")),
        ("DE-Brt1", "Supplier: ELM", NamedSupplier(symbol="ELM")),
        ("NO-0030101", "Supplier: ELM", NamedSupplier(symbol="ELM")),
        ("NO-0030101", "", None),
    ],
)
def test_items_go_back_to_the_supplier_and_never_to_us_or_the_broker(
    agency: str, note: str, supplier: NamedSupplier | None
) -> None:
    octets = write_status("Loaned", note=note, behind=RETURN_INFO.format(agency, f"UB Graz (ISIL:{agency})", "Platz 3"))
    assert hear(octets).details.supplier == supplier


def test_recorded_notes_of_the_broker_are_shown_without_its_prefix(samples_folder: Path) -> None:
    shown, named = set(), set()
    for file in sorted((samples_folder / "iso-18626" / "crosslink-broker").glob("*-borrow*/*.xml")):
        octets = file.read_text("utf-8")
        if re.search(r"<(\w+:)?supplyingAgencyMessage>", octets) and ".ours." not in file.name:
            details = hear(octets, condition_prefix="Condition: ", cost_prefix="Cost: ").details
            shown.add(details.note)
            named.add(details.supplier.symbol if details.supplier is not None else "")
    assert {"ELM", "SUP2"} <= named
    assert {"missing", "Found it after all, sorry", "cost: 12.50 EUR; Lesesaal"} <= shown
    assert not [note for note in shown if "Supplier: " in note or "Vendor: " in note]
