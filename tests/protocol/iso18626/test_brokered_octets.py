"""What a supplier says, as it goes on through us to the requester: octets of one system in, octets of another out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from lxml import etree

from adapters.iso18626.codec import NAMESPACE, decode_message, encode_message
from adapters.iso18626.dialect import dialect_of
from adapters.iso18626.mapping.events_received import event_of_message
from adapters.iso18626.mapping.messages_sent import messages_of_event
from gateway.domain.requests.brokered_requests import carry_details
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.events import Event, EventKind, partner_signal
from gateway.domain.requests.request import LendingState, Role
from gateway.ports.partner_channel import PartnerMessage
from tests.protocol.iso18626.habit_rows.messages import write_status
from tests.protocol.iso18626.test_habits_of_systems import BORROWER, LENDER, NOW, find_profile, make_context
from tests.support.requests import borrowing, lending

LINK = "https://copies.example/9.pdf"
PACKED = "<itemId>Sult, vol. 1##PT 8950##30100-88</itemId>"
COMMAS = "<itemId>30100-88,PT 8950,Sult</itemId>"
BLOCK = "#MultipleItems#\n30100-88|PT 8950|Sult\n#MultipleItemsEnd#"
BY_LINK = f"<itemId>{LINK}</itemId><sentVia>URL</sentVia>"


def carry(octets: str, kind: EventKind, supplier: str, requester: str) -> etree._Element:
    """`supplier` and `requester`: names of profiles. The first message that goes out, parsed."""
    heard = event_of_message(
        decode_message(octets.encode()).message,  # type: ignore[arg-type]
        make_context(dialect_of(find_profile(supplier)), "NO-0030101"),
        "digest",
    )
    assert heard.kind is kind
    asked = borrowing(citation=Citation(title="Sult"))
    details = carry_details(Event(partner_signal(kind), NOW, "partner", heard.details), asked, 0, NOW.date())
    told = PartnerMessage(
        id="1",
        kind=kind,
        at=NOW,
        sender=LENDER,
        receiver=BORROWER,
        role=Role.LENDING,
        transaction="B-17",
        details=details,
        request=replace(lending(LendingState.SHIPPED), citation=asked.citation),
    )
    dialect = dialect_of(find_profile(requester))
    said = messages_of_event(told, make_context(dialect, LENDER.symbol))[0]
    return etree.fromstring(encode_message(said, dialect.schema_version).data)


def texts(root: etree._Element, name: str) -> list[str]:
    return [element.text or "" for element in root.iter(f"{{{NAMESPACE}}}{name}")]


def write_sent(status: str, delivery: str, note: str = "") -> str:
    sent = f"<deliveryInfo><dateSent>2026-11-26T12:00:00Z</dateSent>{delivery}</deliveryInfo>"
    return write_status(status, note=note, behind=sent)


@pytest.mark.parametrize(
    ("supplier", "delivery", "note", "label"),
    [
        ("reshare-18626", PACKED, "Lesesaal#seq:4#", "Sult, vol. 1"),
        ("reshare-18626", COMMAS, "Lesesaal", "Sult"),
        ("crosslink-18626", "", f"Supplier: ELM, Lesesaal\n{BLOCK}", "Sult"),
        ("crosslink-18626", PACKED, f"Lesesaal\n{BLOCK}", "Sult"),
    ],
    ids=["reshare", "reshare-by-crosslink", "crosslink", "reshare-behind-crosslink"],
)
def test_items_keep_their_call_numbers(supplier: str, delivery: str, note: str, label: str) -> None:
    octets = write_sent("Loaned", delivery, note)

    packed = carry(octets, EventKind.SHIPPED, supplier, "reshare-18626")
    assert texts(packed, "itemId") == [f"{label}##PT 8950##30100-88"]
    assert texts(packed, "note") == ["Lesesaal"]

    block = carry(octets, EventKind.SHIPPED, supplier, "crosslink-18626")
    assert texts(block, "itemId") == ["30100-88"]
    assert texts(block, "note") == [f"Lesesaal\n#MultipleItems#\n30100-88|PT 8950|{label}\n#MultipleItemsEnd#"]

    plain = carry(octets, EventKind.SHIPPED, supplier, "iso18626-2017")
    assert (texts(plain, "itemId"), texts(plain, "note")) == (["30100-88"], ["Lesesaal"])


@pytest.mark.parametrize("supplier", ["reshare-18626", "crosslink-18626", "alma-18626"])
@pytest.mark.parametrize(
    ("requester", "notes"),
    [
        ("reshare-18626", ["Danke"]),
        ("crosslink-18626", ["Danke"]),
        ("alma-18626", [f"Danke; URL: {LINK}"]),
    ],
)
def test_a_link_goes_to_where_the_requester_looks(supplier: str, requester: str, notes: list[str]) -> None:
    root = carry(write_sent("CopyCompleted", BY_LINK, "Danke"), EventKind.COPY_DELIVERED, supplier, requester)

    assert (texts(root, "itemId"), texts(root, "sentVia"), texts(root, "note")) == ([LINK], ["URL"], notes)


def test_a_digital_loan_goes_on_as_a_copy() -> None:
    octets = write_sent("Loaned", f"{BY_LINK}<deliveredFormat>URL</deliveredFormat>")
    root = carry(octets, EventKind.COPY_DELIVERED, "reshare-18626", "crosslink-18626")

    assert (texts(root, "status"), texts(root, "itemId")) == (["CopyCompleted"], [LINK])


def test_a_marker_is_there_once() -> None:
    octets = write_status(
        "WillSupply",
        note="Lesesaal#ReShareAddLoanCondition##seq:2#",
        behind="<deliveryInfo><dateSent>2026-11-26T12:00:00Z</dateSent><loanCondition>LibraryUseOnly</loanCondition>"
        "</deliveryInfo>",
    )
    root = carry(octets, EventKind.CONDITIONAL, "reshare-18626", "reshare-18626")

    assert texts(root, "note")[0].count("#ReShareAddLoanCondition#") == 1
    assert texts(root, "note")[0].count("Lesesaal") == 1
    assert "#seq" not in texts(root, "note")[0]
