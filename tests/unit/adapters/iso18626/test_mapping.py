"""What we say, as a message of ISO 18626, and what a partner that speaks it understands; and the notes of single
systems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from adapters.iso18626.codec import decode_message, encode_message
from adapters.iso18626.dialect import Iso18626Dialect
from adapters.iso18626.mapping.events_received import event_of_message
from adapters.iso18626.mapping.identities import MappingContext
from adapters.iso18626.mapping.messages_sent import list_sendable_kinds, messages_of_event
from adapters.iso18626.messages import Message, Request, RequestingAgencyMessage, SupplyingAgencyMessage
from adapters.iso18626.messages.codes import ReasonForMessage, Status
from adapters.iso18626.messages.declaration import OpenCode
from adapters.iso18626.messages.structures import (
    Costs,
    DeliveryInfo,
    MessageInfo,
    PhysicalAddress,
    RetryInfo,
    ReturnInfo,
    ShippingInfo,
    StatusInfo,
    SupplierHeader,
)
from gateway.domain.problems import RefusalReason, Refused
from gateway.domain.requests.citation import Citation, CitationExtra
from gateway.domain.requests.events import EventDetails, EventKind, LoanCondition
from gateway.domain.requests.request import (
    AttemptStatus,
    LendingState,
    LibraryParty,
    LoanTerms,
    Role,
    Volume,
    VolumeState,
)
from gateway.domain.requests.request import Request as IllRequest
from gateway.ports.partner_channel import IncomingPartnerMessage, PartnerMessage
from tests.support.requests import attempt, borrowing, lending, money

NOW = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)
OSLO = ZoneInfo("Europe/Oslo")
BORROWER = LibraryParty(symbol="PL-WaUW", name="Biblioteka Uniwersytecka", address="ul. Dobra 56/66\n00-312 Warszawa")
LENDER = LibraryParty(symbol="JP-1003457", name="京都図書館", address="岡崎成勝寺町\n京都市")
DAY = date(2026, 12, 24)


def tell(
    kind: EventKind, role: Role, dialect: Iso18626Dialect, pieces: tuple[Volume, ...] = (Volume("1"),), **details: Any
) -> tuple[Message, ...]:
    """What goes over the wire, after it has been there."""
    asked = attempt(transaction="B-17", theirs="L-4")
    ours = role is Role.BORROWING
    request = (
        borrowing(attempts=(asked,))
        if ours
        else lending(
            LendingState.SHIPPED,
            number="L-4",
            transaction="B-17",
            terms=LoanTerms(lender_due=date(2026, 12, 1)),
            volumes=pieces,
        )
    )
    message = PartnerMessage(
        id="1",
        kind=kind,
        at=NOW,
        sender=BORROWER if ours else LENDER,
        receiver=LENDER if ours else BORROWER,
        role=role,
        transaction="B-17",
        details=EventDetails(**details),
        request=request,
    )
    context = MappingContext(library_zone=OSLO, currency="NOK", ours=(message.sender.symbol,), dialect=dialect)
    found = []
    for said in messages_of_event(message, context):
        encoded = encode_message(said, dialect.schema_version)
        read = decode_message(encoded.data).message
        assert isinstance(read, Message)
        found.append(read)
    return tuple(found)


def ask_lender(request: IllRequest, transaction: str = "B-17", profile: str = "") -> PartnerMessage:
    return PartnerMessage(
        id="1",
        kind=EventKind.REQUEST,
        at=NOW,
        sender=BORROWER,
        receiver=replace(LENDER, profile=profile),
        role=Role.BORROWING,
        transaction=transaction,
        details=EventDetails(),
        request=request,
    )


def hear(message: Message, dialect: Iso18626Dialect) -> IncomingPartnerMessage:
    ours = LENDER if not isinstance(message, SupplyingAgencyMessage) else BORROWER
    context = MappingContext(library_zone=OSLO, currency="NOK", ours=(ours.symbol,), dialect=dialect)
    return event_of_message(message, context, "digest")


LENT = {
    EventKind.DUE_DATE_CHANGED,
    EventKind.OVERDUE,
    EventKind.RECALL,
    EventKind.RENEW_ACCEPTED,
    EventKind.SHIPPED,
}
HEARD_AS = {
    EventKind.REJECTED: EventKind.UNFILLED,
    EventKind.EXPIRED: EventKind.UNFILLED,
    EventKind.FORWARDED: EventKind.UNFILLED,
    EventKind.HOLD_PLACED: EventKind.EXPECT_TO_SUPPLY,  # it has no day here
    EventKind.SETTLED: EventKind.LOST,  # CompletedWithoutReturn, the one status of a loss
}
"""What is understood as something else, since the standard has no word for it."""


@pytest.mark.parametrize("version", ["1.1", "1.2", "2021-2", "2021-3"])
@pytest.mark.parametrize("role", Role)
def test_every_event_is_understood(role: Role, version: str) -> None:
    dialect = Iso18626Dialect(version=version)  # type: ignore[arg-type]
    for kind in sorted(list_sendable_kinds(role)):
        details: dict[str, Any] = {"note": "Ærlig talt"}
        if kind in LENT:
            details["due"] = DAY
        if kind is EventKind.CONDITIONAL:
            details["conditions"] = (LoanCondition.LIBRARY_USE_ONLY,)
        (said,) = tell(kind, role, dialect, **details)
        heard = hear(said, dialect)

        assert heard.kind is HEARD_AS.get(kind, kind), kind
        assert (heard.transaction, heard.receiver) == ("B-17", "")
        assert heard.sender == (BORROWER if role is Role.BORROWING else LENDER).symbol
        if kind is not EventKind.REQUEST:
            assert heard.details.note.endswith("Ærlig talt")
        if kind in LENT:
            assert heard.details.due == DAY
        if role is Role.LENDING:
            assert heard.details.transaction == "L-4"


@pytest.mark.parametrize("kind", [EventKind.TROUBLE, EventKind.STATUS_QUERY, EventKind.NOTE])
def test_what_a_supplier_can_not_say_is_refused(kind: EventKind) -> None:
    with pytest.raises(Refused) as caught:
        tell(kind, Role.LENDING, Iso18626Dialect())
    assert caught.value.reason is RefusalReason.UNSUPPORTED_SERVICE


@pytest.mark.parametrize("version", ["1.2", "2021-2"])
@pytest.mark.parametrize(
    ("kind", "details"),
    [
        (EventKind.SHIPPED, {"due": DAY, "barcode": "00123", "cost": money("45.00", "NOK")}),
        (EventKind.SHIPPED, {"conditions": (LoanCondition.SUPERVISED,)}),
        (EventKind.COPY_DELIVERED, {"link": "https://library.example/c/1"}),
        (EventKind.CONDITIONAL, {"conditions": (LoanCondition.NO_RENEWAL, LoanCondition.SIGNATURE_REQUIRED)}),
        (EventKind.CONDITIONAL, {"conditions": (LoanCondition.NO_REPRODUCTION,), "cost": money("120.00", "NOK")}),
        (EventKind.RETRY, {"reason": "on-loan", "retry_after": DAY}),
        (EventKind.RETRY, {"reason": "too-many-requests"}),
        (EventKind.UNFILLED, {"reason": "not-on-shelf"}),
        (EventKind.UNFILLED, {"reason": "copyright"}),
        (EventKind.WILL_SUPPLY, {"expected": DAY}),
        (EventKind.WILL_SUPPLY, {"cost": money("30.00", "NOK")}),
        (EventKind.HOLD_PLACED, {"expected": DAY}),
        (EventKind.DAMAGED, {"cost": money("45.50", "NOK")}),
        (EventKind.LOST, {"cost": money("450.00", "NOK")}),
        (EventKind.MESSAGE, {"return_on_hold": True}),
        (EventKind.MESSAGE, {"return_on_hold": False}),
    ],
)
def test_details_come_through(kind: EventKind, details: Mapping[str, Any], version: str) -> None:
    """Also where the version has no element for them: they are read from the note again."""
    dialect = Iso18626Dialect(version=version)  # type: ignore[arg-type]
    (said,) = tell(kind, Role.LENDING, dialect, **details)
    heard = hear(said, dialect)

    assert heard.kind is kind
    for name, value in details.items():
        found = getattr(heard.details, name)
        assert set(found) == set(value) if isinstance(value, tuple) else found == value, name


@pytest.mark.parametrize(
    ("version", "role", "is_held", "word", "note"),
    [
        ("2021-2", Role.LENDING, True, "HoldReturn", "Ausstellung bis Mai"),
        ("2021-2", Role.LENDING, False, "ReleaseHoldReturn", "Ausstellung bis Mai"),
        ("1.2", Role.LENDING, True, "Loaned", "return on hold; Ausstellung bis Mai"),
        ("2021-2", Role.BORROWING, True, "HoldReturn", "Ausstellung bis Mai"),
        ("2021-2", Role.BORROWING, False, "Notification", "return released; Ausstellung bis Mai"),
        ("1.2", Role.BORROWING, True, "Notification", "return on hold; Ausstellung bis Mai"),
    ],
)
def test_that_an_item_is_to_be_kept_is_said_as_the_version_has_it(
    version: str, role: Role, is_held: bool, word: str, note: str
) -> None:
    dialect = Iso18626Dialect(version=version)  # type: ignore[arg-type]
    (said,) = tell(EventKind.MESSAGE, role, dialect, note="Ausstellung bis Mai", return_on_hold=is_held)

    if isinstance(said, SupplyingAgencyMessage):
        assert said.status_info is not None
        assert (said.status_info.status, note_of(said)) == (word, note)
    else:
        assert isinstance(said, RequestingAgencyMessage)
        assert (said.action, said.note) == (word, note)
    heard = hear(said, dialect)
    assert (heard.kind, heard.details.return_on_hold) == (EventKind.MESSAGE, is_held)
    assert heard.details.note.endswith("Ausstellung bis Mai")


def test_a_promise_under_a_condition_waits_for_no_answer() -> None:
    (said,) = tell(EventKind.WILL_SUPPLY, Role.LENDING, Iso18626Dialect(), conditions=(LoanCondition.NO_REPRODUCTION,))
    heard = hear(said, Iso18626Dialect())

    assert (heard.kind, heard.details.note) == (EventKind.WILL_SUPPLY, "subject to: no reproduction")


def test_all_that_a_supplier_says_of_costs_parcel_and_return_is_kept() -> None:
    said = SupplyingAgencyMessage(
        header=SupplierHeader(requesting_agency_request_id="B-17"),
        message_info=MessageInfo(reason_for_message=ReasonForMessage.STATUS_CHANGE, note="お大事に"),
        status_info=StatusInfo(status=Status.LOANED),
        delivery_info=DeliveryInfo(
            delivery_costs=(
                Costs(currency=OpenCode("JPY"), amount=Decimal(800)),
                Costs(currency=OpenCode("JPY"), amount=Decimal(450)),
                Costs(currency=OpenCode("NOK"), amount=Decimal("12.50")),
                Costs(currency=OpenCode("IFLA vouchers"), amount=Decimal(1)),
            )
        ),
        shipping_info=ShippingInfo(courier_name=OpenCode("DHL"), tracking_ids=("RR 123",), insurance=True),
        return_info=ReturnInfo(
            name="京都図書館",
            physical_address=PhysicalAddress(line1="岡崎成勝寺町", postal_code="606-8343", locality="京都市"),
        ),
    )
    details = hear(said, Iso18626Dialect(version="2021-2")).details

    assert details.cost == money("1250", "JPY")
    assert details.note.split("; ") == [
        "cost: 12.50 NOK",
        "cost: 1 IFLA vouchers",
        "courierName: DHL",
        "trackingId: RR 123",
        "insurance: yes",
        "お大事に",
    ]
    assert [(one.name, one.value) for one in details.extras] == [
        ("return-to", "京都図書館\n岡崎成勝寺町\n606-8343 京都市")
    ]


def test_what_would_be_supplied_instead_is_kept() -> None:
    said = SupplyingAgencyMessage(
        header=SupplierHeader(requesting_agency_request_id="B-17"),
        message_info=MessageInfo(
            reason_for_message=ReasonForMessage.REQUEST_RESPONSE, reason_retry=OpenCode("ReqEditionNotPossible")
        ),
        status_info=StatusInfo(status=Status.RETRY_POSSIBLE),
        retry_info=RetryInfo(editions=("2.", "3."), item_formats=(OpenCode("PDF"),)),
    )
    heard = hear(said, Iso18626Dialect(version="2021-2"))

    assert heard.kind is EventKind.RETRY
    assert heard.details.note.endswith("edition: 2.; edition: 3.; itemFormat: PDF")


def test_a_day_until_which_it_may_be_asked_for_is_none_from_which_it_may() -> None:
    said = SupplyingAgencyMessage(
        header=SupplierHeader(requesting_agency_request_id="B-17"),
        message_info=MessageInfo(
            reason_for_message=ReasonForMessage.REQUEST_RESPONSE, reason_retry=OpenCode("MustMeetLoanCondition")
        ),
        status_info=StatusInfo(status=Status.RETRY_POSSIBLE),
        retry_info=RetryInfo(loan_conditions=(OpenCode("NoReproduction"),), retry_before=NOW),
    )
    heard = hear(said, Iso18626Dialect(version="2021-2")).details

    assert (heard.retry_after, heard.conditions) == (None, (LoanCondition.NO_REPRODUCTION,))
    assert heard.note == "a condition must be met; ask again by 2026-11-27"


@pytest.mark.parametrize(
    ("version", "elements", "note"),
    [
        ("2021-2", ["NoReproduction"], "condition accepted; conditions: no renewal"),
        ("1.2", [], "condition accepted; conditions: no reproduction, no renewal"),
    ],
)
def test_a_retry_accepts_the_conditions_that_its_supplier_has_set(version: str, elements: list[str], note: str) -> None:
    dialect = Iso18626Dialect.model_validate({"version": version})
    conditions = (LoanCondition.NO_REPRODUCTION, LoanCondition.NO_RENEWAL)
    said_no = attempt(status=AttemptStatus.RETRY, partner="kyoto", transaction="B-17", conditions=conditions)
    asked = attempt(number=2, partner="kyoto", transaction="B-17-2")
    message = ask_lender(borrowing(attempts=(said_no, asked), current=2), "B-17-2", "kyoto")
    context = MappingContext(library_zone=OSLO, currency="NOK", ours=(BORROWER.symbol,), dialect=dialect)
    (said,) = messages_of_event(message, context)

    assert isinstance(said, Request)
    assert said.service_info is not None
    assert said.service_info.previous_request_id == "B-17"
    assert [one.value for one in said.service_info.loan_conditions] == elements
    assert said.service_info.note == note


def test_who_is_asked_again_is_not_named_as_tried() -> None:
    """A broker would leave itself out."""
    tried = (attempt(status=AttemptStatus.UNFILLED), attempt(2, "kyoto", status=AttemptStatus.RETRY))
    message = ask_lender(
        borrowing(attempts=(*tried, attempt(3, "kyoto", transaction="B-17-3")), current=3), "B-17-3", "kyoto"
    )
    context = MappingContext(library_zone=OSLO, currency="NOK", ours=(BORROWER.symbol,), dialect=Iso18626Dialect())
    (said,) = messages_of_event(message, context)

    assert isinstance(said, Request)
    assert [one.supplier.value for one in said.suppliers if one.supplier is not None] == [
        tried[0].symbol.split(":")[-1]
    ]


def test_terms_of_a_request_that_came_through_us_go_on_to_its_supplier() -> None:
    terms = {"any-edition": "false", "preferred-edition": "ThisEdition", "accepted-condition": "LibraryUseOnly"}
    extras = tuple(CitationExtra(name, value) for name, value in terms.items())
    message = ask_lender(borrowing(attempts=(attempt(transaction="B-17"),), extras=extras))
    dialect = Iso18626Dialect(version="2021-2")
    context = MappingContext(library_zone=OSLO, currency="NOK", ours=(BORROWER.symbol,), dialect=dialect)
    (said,) = messages_of_event(message, context)
    heard = event_of_message(decode_message(encode_message(said, dialect.schema_version).data).message, context, "1")

    assert heard.request is not None
    assert {one.name: one.value for one in heard.request.extras} == terms


def test_a_renewal_names_the_day_that_is_wished() -> None:
    (said,) = tell(EventKind.RENEW, Role.BORROWING, Iso18626Dialect(), due=DAY)

    assert hear(said, Iso18626Dialect()).details.due == DAY


@pytest.mark.parametrize("version", ["1.2", "2021-2"])
def test_a_loss_is_understood_in_every_version(version: str) -> None:
    dialect = Iso18626Dialect(version=version)  # type: ignore[arg-type]
    (said,) = tell(EventKind.LOST, Role.BORROWING, dialect, note="glemt på toget")
    heard = hear(said, dialect)

    assert heard.kind is EventKind.LOST
    assert heard.details.note.endswith("glemt på toget")


def test_the_patron_is_never_told() -> None:
    request = borrowing(attempts=(attempt(transaction="B-17"),))
    patron = replace(request.patron, id="p-1", identifier="21000000000025", note="ring meg")
    message = ask_lender(replace(request, patron=patron))
    (said,) = messages_of_event(message, MappingContext(library_zone=OSLO, currency="NOK"))
    data = encode_message(said, Iso18626Dialect().schema_version).data.decode()

    assert "patronInfo" not in data
    assert "21000000000025" not in data
    assert "ring meg" not in data


@pytest.mark.parametrize(
    ("version", "volume", "elements", "note"),
    [
        ("1.2", "", (), "volume 1 of 2: Bd. 1; volume 2 of 2: Bd. 2"),
        ("2021-2", "", ("Bd. 1", "Bd. 2"), None),
        ("2021-2", "12", ("12",), "volume 1 of 2: Bd. 1; volume 2 of 2: Bd. 2"),
    ],
    ids=["one-element", "elements", "of-a-volume"],
)
def test_volumes_are_asked_for_one_by_one(
    version: str, volume: str, elements: tuple[str, ...], note: str | None
) -> None:
    dialect = Iso18626Dialect(version=version)  # type: ignore[arg-type]
    wish = borrowing(
        citation=Citation(title="Kongespeilet", volume=volume),
        attempts=(attempt(transaction="B-17"),),
        volumes=(Volume("1", "Bd. 1"), Volume("2", "Bd. 2")),
    )
    message = ask_lender(wish)
    (said,) = messages_of_event(message, MappingContext(library_zone=OSLO, currency="NOK", dialect=dialect))
    read = decode_message(encode_message(said, dialect.schema_version).data).message
    assert isinstance(read, Request)
    assert read.bibliographic_info is not None
    assert read.service_info is not None
    assert (read.bibliographic_info.volumes, read.service_info.note) == (elements, note)

    asked = hear(read, dialect).request
    assert asked is not None
    assert asked.volumes == ("Bd. 1", "Bd. 2")


# --- notes of single systems -----------------------------------------------------------------------------

ALMA = Iso18626Dialect.model_validate(
    {
        "expects_to_supply": False,
        "item_ids": "joined",
        "completed_as": "RequestResponse",
        "sent_as": "StatusChange",
        "condition_words": {"accepted": "ACCEPT", "refused": "REJECT", "refuse_by": "notification"},
        "notes": {
            "own_notification": True,
            "condition_prefix": "Condition: ",
            "cost_prefix": "Cost: ",
            "addresses": True,
        },
    }
)
RESHARE = Iso18626Dialect.model_validate(
    {
        "item_ids": "packed",
        "condition_words": {"accepted": "#ReShareLoanConditionAgreeResponse#"},
        "notes": {
            "condition_marker": "#ReShareAddLoanCondition#",
            "hidden": [r"#(?:lastSeq|seq):\d{1,9}#", r"#ReShare[A-Za-z]{1,60}(?:-[^#]{0,200})?#"],
        },
    }
)


def note_of(message: Message) -> str:
    info = message.message_info if isinstance(message, SupplyingAgencyMessage) else None
    return (info.note or "") if info is not None else ""


def test_alma_hears_of_conditions_by_a_notification_of_its_own() -> None:
    conditions = (LoanCondition.LIBRARY_USE_ONLY, LoanCondition.COST)
    answer, notification = tell(
        EventKind.CONDITIONAL, Role.LENDING, ALMA, conditions=conditions, cost=money("15.00"), note="bare her"
    )

    assert note_of(answer) == note_of(notification)
    assert note_of(notification) == "Condition: LibraryUseOnly; Condition: cost; Cost: 15.00 EUR; bare her"
    assert hear(answer, ALMA).kind is EventKind.CONDITIONAL
    heard = hear(notification, ALMA)
    assert heard.kind is EventKind.CONDITIONAL
    assert (heard.details.conditions, heard.details.cost) == (conditions, money("15.00"))
    assert heard.details.note == "bare her", "their words for programs are not for people"


@pytest.mark.parametrize(
    ("note", "kind"),
    [
        ("ACCEPT", EventKind.CONDITION_ACCEPTED),
        ("accept", EventKind.CONDITION_ACCEPTED),
        ("Reject", EventKind.CONDITION_REFUSED),
        ("We accept; thank you", EventKind.MESSAGE),
    ],
)
def test_people_answer_alma_s_conditions_by_a_word(note: str, kind: EventKind) -> None:
    (said,) = tell(EventKind.MESSAGE, Role.BORROWING, ALMA, note=note)

    assert hear(said, ALMA).kind is kind


def test_alma_gets_the_address_for_the_way_back_in_a_block() -> None:
    _, notification = tell(EventKind.SHIPPED, Role.LENDING, ALMA, due=DAY)

    assert note_of(notification) == "#RETURN_TO#\n京都図書館\n岡崎成勝寺町\n京都市\n#RT_END#"
    heard = hear(notification, ALMA).details
    assert [(one.name, one.value) for one in heard.extras] == [("return-to", "京都図書館\n岡崎成勝寺町\n京都市")]
    assert heard.note == ""


def test_alma_takes_an_item_for_back_as_a_response_to_the_request() -> None:
    (said,) = tell(EventKind.CHECKED_IN, Role.LENDING, ALMA)

    assert isinstance(said, SupplyingAgencyMessage)
    assert said.message_info is not None
    assert said.message_info.reason_for_message == "RequestResponse"


def test_reshare_marks_conditions_and_reads_the_mark() -> None:
    (said,) = tell(EventKind.CONDITIONAL, Role.LENDING, RESHARE, conditions=(LoanCondition.NO_REPRODUCTION,))
    assert note_of(said) == "#ReShareAddLoanCondition#"
    heard = hear(said, RESHARE)
    assert (heard.kind, heard.details.note) == (EventKind.CONDITIONAL, "")

    (agreed,) = tell(EventKind.CONDITION_ACCEPTED, Role.BORROWING, RESHARE)
    assert hear(agreed, RESHARE).kind is EventKind.CONDITION_ACCEPTED


def test_what_is_for_programs_alone_is_not_shown() -> None:
    (said,) = tell(EventKind.MESSAGE, Role.LENDING, RESHARE, note="Takk!#seq:12#")

    assert hear(said, RESHARE).details.note == "Takk!"
    assert hear(said, RESHARE).details.written == "Takk!"


def test_reshare_packs_items() -> None:
    (said,) = tell(EventKind.SHIPPED, Role.LENDING, RESHARE, due=DAY, barcode="30100-88")

    assert isinstance(said, SupplyingAgencyMessage)
    assert said.delivery_info is not None
    assert said.delivery_info.item_ids == ("ვეფხისტყაოსანი####30100-88",)
    assert hear(said, RESHARE).details.barcode == "30100-88"


OF_THREE = (
    Volume("1", "Bd. 1", VolumeState.RECEIVED, "30100-88"),
    Volume("2", "Bd. 2", VolumeState.SHIPPED, "30100-89"),
    Volume("3", "Bd. 3"),
)


@pytest.mark.parametrize(
    ("dialect", "item_ids", "items"),
    [
        (Iso18626Dialect(version="2021-2"), ("30100-88", "30100-89"), [("30100-88", ""), ("30100-89", "")]),
        (Iso18626Dialect(version="1.2"), ("30100-89",), []),
        (ALMA, ("30100-88,30100-89",), [("30100-88", ""), ("30100-89", "")]),
        (
            RESHARE,
            ("multivol:Bd. 1####30100-88###multivol:Bd. 2####30100-89",),
            [("30100-88", "Bd. 1"), ("30100-89", "Bd. 2")],
        ),
    ],
    ids=["2021", "2017", "alma", "reshare"],
)
def test_the_message_of_each_volume_names_all_that_are_out(
    dialect: Iso18626Dialect, item_ids: tuple[str, ...], items: list[tuple[str, str]]
) -> None:
    said = tell(EventKind.SHIPPED, Role.LENDING, dialect, OF_THREE, due=DAY, barcode="30100-89", volumes=("2",))[0]

    assert isinstance(said, SupplyingAgencyMessage)
    assert said.delivery_info is not None
    assert said.delivery_info.item_ids == item_ids
    heard = hear(said, dialect).details
    assert heard.volumes == ("2",)
    assert [(one.barcode, one.label) for one in heard.items] == items


def test_items_of_a_broker_are_read_from_its_note() -> None:
    block = "#MultipleItems#\n1|QL 737|Bd. 1\n2||A\\|B\\\\C\n#MultipleItemsEnd#"
    info = MessageInfo(reason_for_message=ReasonForMessage.STATUS_CHANGE, note=f"Vorsicht{block}")
    (loaned,) = tell(EventKind.SHIPPED, Role.LENDING, RESHARE, due=DAY)
    assert isinstance(loaned, SupplyingAgencyMessage)
    said = replace(loaned, message_info=info, delivery_info=None)

    heard = hear(said, RESHARE).details
    assert [(one.barcode, one.label) for one in heard.items] == [("1", "Bd. 1"), ("2", "A|B\\C")]
    assert heard.note == "Vorsicht"


@pytest.mark.parametrize("kind", [EventKind.WILL_SUPPLY, EventKind.SHIPPED, EventKind.UNFILLED, EventKind.CONDITIONAL])
@pytest.mark.parametrize(
    ("answered_in", "reason"),
    [(7, ReasonForMessage.REQUEST_RESPONSE), (6, ReasonForMessage.STATUS_CHANGE)],
    ids=["first", "later"],
)
def test_the_first_answer_and_no_other_is_a_request_response(
    kind: EventKind, answered_in: int, reason: ReasonForMessage
) -> None:
    assert reason_of_answer(kind, answered_in, Iso18626Dialect()) == reason


def test_what_a_profile_names_stays_so() -> None:
    assert reason_of_answer(EventKind.CHECKED_IN, 6, ALMA) == ReasonForMessage.REQUEST_RESPONSE
    assert reason_of_answer(EventKind.SHIPPED, 7, ALMA) == ReasonForMessage.STATUS_CHANGE
    assert reason_of_answer(EventKind.MESSAGE, 7, Iso18626Dialect()) == ReasonForMessage.NOTIFICATION


def reason_of_answer(kind: EventKind, answered_in: int, dialect: Iso18626Dialect) -> str | None:
    """Of what we say in the request's version 7."""
    request = lending(LendingState.SHIPPED, transaction="B-17", version=7, answered_in=answered_in)
    message = PartnerMessage(
        id="1",
        kind=kind,
        at=NOW,
        sender=LENDER,
        receiver=BORROWER,
        role=Role.LENDING,
        transaction="B-17",
        details=EventDetails(due=DAY, note="words"),
        request=request,
    )
    said = messages_of_event(message, MappingContext(library_zone=OSLO, currency="NOK", dialect=dialect))[0]
    assert isinstance(said, SupplyingAgencyMessage)
    assert said.message_info is not None
    return said.message_info.reason_for_message


@pytest.mark.parametrize(
    ("settings", "reasons"), [({}, ["RenewResponse"]), ({"reasons": ["Notification"]}, ["Notification"])]
)
def test_a_reason_that_a_partner_does_not_take_is_a_notification(settings: dict[str, Any], reasons: list[str]) -> None:
    told = tell(EventKind.RENEW_REFUSED, Role.LENDING, Iso18626Dialect.model_validate(settings), note="no")

    assert [message.message_info.reason_for_message.value for message in told if message.message_info] == reasons


@pytest.mark.parametrize(("zone", "day"), [("", 24), ("Asia/Tokyo", 25)])
def test_a_day_is_that_of_the_partners_zone(zone: str, day: int) -> None:
    dialect = Iso18626Dialect.model_validate({"zone": zone})
    (message,) = tell(EventKind.SHIPPED, Role.LENDING, dialect, due=datetime(2026, 12, 24, 20, 0, tzinfo=UTC))

    assert isinstance(message, SupplyingAgencyMessage)
    assert message.status_info is not None
    assert message.status_info.due_date == datetime(2026, 12, day, 23, 59, 59, tzinfo=UTC), "as the standard has days"
