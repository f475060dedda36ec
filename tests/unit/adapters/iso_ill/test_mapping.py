"""Between APDUs and the gateway's events."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings

from adapters.iso_ill.codec import PartialHeader, decode_apdu, encode_apdu
from adapters.iso_ill.dialect import Identifiers, IllSymbols, IsoIllDialect, Wire
from adapters.iso_ill.mapping import (
    IllContext,
    apdu_of_message,
    build_error_report,
    event_of_apdu,
    id_of_apdu,
    ill_state_of_request,
    is_same_ill_symbol,
    parse_transaction_key,
    problem_of_malformed,
    reasons,
    transaction_key,
)
from adapters.iso_ill.mapping.citations import numbers_of_external
from adapters.iso_ill.mapping.identities import amount_of_money, incoming_symbol, money_of_amount, outgoing_symbol
from adapters.iso_ill.mapping.reports import REQUESTER, RESPONDER
from adapters.iso_ill.messages import Apdu, IllAnswer, IllRequest, Lost, Message, Overdue, Shipped, StatusOrErrorReport
from adapters.iso_ill.messages.codes import (
    ApduType,
    CurrentState,
    GeneralProblem,
    ReasonConditional,
    ReasonRetry,
    ReasonUnfilled,
    Results,
    ServiceType,
    ShippedConditions,
    Wish,
)
from adapters.iso_ill.messages.declaration import External
from adapters.iso_ill.messages.request_phase import Explanation, UnfilledResults
from adapters.iso_ill.messages.structures import (
    Amount,
    DeliveryInfo,
    DeliveryParameters,
    Extension,
    Moment,
    Name,
    ServiceDateTime,
    Symbol,
    SystemAddress,
    SystemId,
    TransactionId,
)
from gateway.domain.library import Money, RecordId
from gateway.domain.problems import MalformationKind, MalformedMessage, RefusalReason, Refused
from gateway.domain.requests.citation import CitationType
from gateway.domain.requests.events import EventDetails, EventKind, LoanCondition, ReasonCodes
from gateway.domain.requests.request import BorrowingState, LendingState, RequestedService, RequestFlag, Role, Volume
from gateway.domain.requests.request import ServiceType as Wanted
from gateway.ports.partner_channel import PartnerMessage
from tests.protocol.iso_ill.strategies import apdus
from tests.support.full_apdus import CITATION, CONTEXT, LENDING, NOW, REQUESTING, THEM, US, build_full_apdus

THEIR_CONTEXT = replace(CONTEXT, ours=(THEM.symbol,))
"""How the other side sees what we say."""


def said(kind: EventKind, role: Role, **details: object) -> PartnerMessage:
    message = next(one for one in (REQUESTING if role is Role.BORROWING else LENDING) if one.kind is kind)
    return replace(message, details=EventDetails(**details)) if details else message  # type: ignore[arg-type]


def by_ids(message: PartnerMessage) -> str:
    return f"{message.role.value}-{message.kind.value}"


@settings(max_examples=300, suppress_health_check=list(HealthCheck))
@given(apdus())
def test_every_apdu_means_something(apdu: Apdu) -> None:
    message = event_of_apdu(apdu, CONTEXT)

    assert isinstance(message.kind, EventKind)
    assert (message.request is not None) == (message.kind is EventKind.REQUEST)
    assert message.id == event_of_apdu(apdu, CONTEXT).id


def test_a_cost_without_a_currency_is_one_of_ours() -> None:
    shipped = next(one for one in LENDING if one.kind is EventKind.SHIPPED)
    apdu = apdu_of_message(shipped, CONTEXT)
    assert isinstance(apdu, Shipped)
    bare = replace(apdu, supply_details=replace(apdu.supply_details, cost=Amount(currency="", value="12.50")))

    cost = event_of_apdu(bare, CONTEXT).details.cost
    assert cost == Money(Decimal("12.50"), CONTEXT.currency)


@pytest.mark.parametrize("message", [*REQUESTING, *LENDING], ids=by_ids)
def test_what_one_side_says_is_what_the_other_understands(message: PartnerMessage) -> None:
    told = event_of_apdu(decode_apdu(encode_apdu(apdu_of_message(message, CONTEXT))).apdu, THEIR_CONTEXT)

    expected = {
        EventKind.EXPECT_TO_SUPPLY: EventKind.WILL_SUPPLY,  # ISO ILL has one word for both
        EventKind.REJECTED: EventKind.UNFILLED,
        EventKind.ACKNOWLEDGED: EventKind.STATUS_REPORT,  # the example is shipped already
        EventKind.STATUS_REPORT: EventKind.ACKNOWLEDGED if message.role is Role.BORROWING else EventKind.STATUS_REPORT,
    }.get(message.kind, message.kind)
    assert told.kind is expected
    assert told.role is not message.role
    assert (told.sender, told.receiver) == (message.sender.symbol, message.receiver.symbol)
    if message.details.note and message.kind not in (EventKind.REQUEST, EventKind.EXPIRED):
        assert message.details.note in told.details.note


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("kind", EventKind)
def test_every_kind_of_event_has_an_apdu_or_is_refused(kind: EventKind, role: Role) -> None:
    message = replace(said(EventKind.MESSAGE, role), kind=kind)

    try:
        apdu = apdu_of_message(message, CONTEXT)
    except Refused as refused:
        assert refused.reason in (RefusalReason.UNSUPPORTED_SERVICE, RefusalReason.DATA_MISSING)  # noqa: PT017 - either is right
    else:
        assert decode_apdu(encode_apdu(apdu)).apdu == apdu


def test_a_request_arrives_as_it_was_meant() -> None:
    message = said(EventKind.REQUEST, Role.BORROWING)

    told = event_of_apdu(apdu_of_message(message, CONTEXT), THEIR_CONTEXT)

    asked = told.request
    assert asked is not None
    assert asked.service == RequestedService(Wanted.COPY_OR_LOAN, "paper-copy", "rush")
    assert asked.dates.need_by == date(2026, 4, 1)
    assert asked.maximum_cost == Money(Decimal("25.00"), "EUR")
    assert replace(asked.citation, identifiers=(), extras=(), note="") == replace(
        CITATION, identifiers=(), extras=(), note=""
    )
    assert set(CITATION.identifiers[:2]) <= set(asked.citation.identifiers)
    assert asked.requester.address.splitlines() == ["Fjordby bibliotek", "0123 Fjordby", "Norge", "Storgata 1"]
    assert {(one.name, one.value) for one in asked.extras} >= {
        ("already-tried", "ISIL:SE-S"),
        ("retry", "true"),
        ("place-on-hold", "no"),
        ("copyright-compliance", "other"),
    }


def test_nothing_about_the_patron_goes_out() -> None:
    apdu = apdu_of_message(said(EventKind.REQUEST, Role.BORROWING), CONTEXT)

    assert isinstance(apdu, IllRequest)
    assert apdu.client is None


class TestReasons:
    @pytest.mark.parametrize("reason", ReasonCodes)
    def test_every_reason_of_ours_can_be_said(self, reason: ReasonCodes) -> None:
        for kind in (EventKind.UNFILLED, EventKind.RETRY):
            apdu = apdu_of_message(said(kind, Role.LENDING, reason=reason.value), CONTEXT)
            told = event_of_apdu(apdu, THEIR_CONTEXT).details
            assert told.reason == reason.value or reason.value in told.note

    @pytest.mark.parametrize("code", ReasonUnfilled)
    def test_every_code_is_a_reason_of_ours(self, code: ReasonUnfilled) -> None:
        answer = replace(
            answered(Results.UNFILLED), explanation=Explanation(unfilled=UnfilledResults(reason=code)), note=""
        )

        told = event_of_apdu(answer, CONTEXT)

        assert told.kind is EventKind.UNFILLED
        assert told.details.reason == reasons.UNFILLED_IN[code].value

    def test_a_code_that_the_list_does_not_have_is_other_and_named(self) -> None:
        answer = replace(
            answered(Results.UNFILLED), explanation=Explanation(unfilled=UnfilledResults(reason=99)), note=""
        )

        told = event_of_apdu(answer, CONTEXT).details

        assert (told.reason, told.note) == ("other", "code 99")

    def test_the_tables_are_whole(self) -> None:
        assert reasons.UNFILLED_IN.keys() == set(ReasonUnfilled)
        assert reasons.UNFILLED_OUT.keys() == set(ReasonCodes)
        assert reasons.RETRY_IN.keys() == set(ReasonRetry)
        assert reasons.CONDITION_IN.keys() == set(ReasonConditional)
        assert reasons.CONDITION_OUT.keys() == set(LoanCondition)
        assert reasons.SHIPPED_CONDITION_IN.keys() == set(ShippedConditions)
        assert reasons.SHIPPED_CONDITION_OUT.keys() == set(LoanCondition)
        assert set(REQUESTER) == set(BorrowingState)
        assert set(RESPONDER) == set(LendingState)

    @pytest.mark.parametrize("condition", LoanCondition)
    def test_every_condition_can_be_said(self, condition: LoanCondition) -> None:
        told = event_of_apdu(
            apdu_of_message(said(EventKind.CONDITIONAL, Role.LENDING, conditions=(condition,)), CONTEXT), THEIR_CONTEXT
        )

        exact = condition in reasons.EXACT
        assert told.details.conditions == ((condition,) if exact else told.details.conditions)
        assert exact or condition is LoanCondition.OTHER or condition.value.replace("-", " ") in told.details.note


def answered(result: Results) -> IllAnswer:
    found = next(one for one in build_full_apdus(IllAnswer) if isinstance(one, IllAnswer) and one.results is result)
    assert isinstance(found, IllAnswer)
    return found


@pytest.mark.parametrize(
    ("result", "kind"),
    [
        (Results.CONDITIONAL, EventKind.CONDITIONAL),
        (Results.RETRY, EventKind.RETRY),
        (Results.UNFILLED, EventKind.UNFILLED),
        (Results.LOCATIONS_PROVIDED, EventKind.UNFILLED),
        (Results.WILL_SUPPLY, EventKind.WILL_SUPPLY),
        (Results.HOLD_PLACED, EventKind.HOLD_PLACED),
        (Results.ESTIMATE, EventKind.RETRY),
    ],
)
def test_answers_with_and_without_an_explanation(result: Results, kind: EventKind) -> None:
    assert event_of_apdu(answered(result), CONTEXT).kind is kind
    assert event_of_apdu(replace(answered(result), explanation=None), CONTEXT).kind is kind


def test_an_answer_of_an_unknown_kind_is_shown_to_staff() -> None:
    told = event_of_apdu(replace(answered(Results.RETRY), results=42), CONTEXT)

    assert told.kind is EventKind.MESSAGE
    assert "code 42" in told.details.note


def test_a_loan_that_is_shipped_brings_its_due_date_and_terms() -> None:
    apdu = apdu_of_message(said(EventKind.SHIPPED, Role.LENDING), CONTEXT)

    told = event_of_apdu(apdu, THEIR_CONTEXT).details

    assert (told.due, told.renewals_allowed, told.conditions) == (
        date(2026, 4, 15),
        False,
        (LoanCondition.LIBRARY_USE_ONLY,),
    )
    assert told.cost == Money(Decimal("8.50"), "EUR")
    assert told.transaction == "L-2026-4"  # Suppliers-Reference


def test_a_copy_brings_its_link_in_version_2_and_in_the_note_always() -> None:
    message = said(EventKind.COPY_DELIVERED, Role.LENDING)

    new = apdu_of_message(message, CONTEXT)
    old = apdu_of_message(message, replace(CONTEXT, dialect=IsoIllDialect(version=1)))

    assert event_of_apdu(new, THEIR_CONTEXT).details.link == message.details.link
    assert isinstance(old, Shipped)
    assert (old.protocol_version, old.supply_details.electronic_delivery) == (1, None)
    assert message.details.link in old.note


def test_an_overdue_without_a_due_date_cannot_be_said() -> None:
    with pytest.raises(Refused) as found:
        apdu_of_message(said(EventKind.OVERDUE, Role.LENDING, note="late"), CONTEXT)

    assert found.value.reason is RefusalReason.DATA_MISSING


class TestTransactions:
    @pytest.mark.parametrize(
        ("id_", "key"),
        [
            (TransactionId(group_qualifier="248705", qualifier="1"), "248705/1"),
            (TransactionId(group_qualifier="a/b", qualifier="1 %", sub_qualifier="x@y"), "a%2Fb/1 %25/x%40y"),
            (
                TransactionId(
                    initial_requester_id=SystemId.from_symbol("als:BVAS"), group_qualifier="7", qualifier="2"
                ),
                "7/2@als:BVAS",
            ),
            (
                TransactionId(
                    initial_requester_id=SystemId(
                        symbol=Symbol(person="p=1"), name=Name(institution="Königliche Bibliothek")
                    ),
                    group_qualifier="7",
                    qualifier="",
                ),
                "7/@p=p%3D1&i=Königliche Bibliothek",
            ),
        ],
    )
    def test_a_key_is_read_back(self, id_: TransactionId, key: str) -> None:
        assert transaction_key(id_) == key
        assert parse_transaction_key(key) == id_

    def test_a_transaction_without_a_name_is_told_apart_by_its_message(self) -> None:
        nameless = TransactionId(group_qualifier="", qualifier="")

        assert transaction_key(nameless, "abc") == "~abc"
        assert parse_transaction_key("~abc") == nameless

    @pytest.mark.parametrize(("qualifier", "sent"), [("attempt", "2"), ("transaction", "B-2026-17-2")])
    def test_ours_comes_back_as_we_named_it(self, qualifier: str, sent: str) -> None:
        identifiers = Identifiers.model_validate({"qualifier": qualifier})
        context = replace(CONTEXT, dialect=IsoIllDialect(identifiers=identifiers))
        apdu = apdu_of_message(said(EventKind.CANCEL, Role.BORROWING), context)
        answer = replace(answered(Results.WILL_SUPPLY), transaction_id=apdu.transaction_id)

        assert (apdu.transaction_id.group_qualifier, apdu.transaction_id.qualifier) == ("B-2026-17", sent)
        assert event_of_apdu(answer, context).transaction == "B-2026-17-2"

    def test_theirs_is_echoed_with_all_its_parts(self) -> None:
        apdu = apdu_of_message(said(EventKind.RECALL, Role.LENDING), CONTEXT)

        assert apdu.transaction_id == TransactionId(
            initial_requester_id=SystemId.from_symbol("ISIL:DE-9999"), group_qualifier="248705", qualifier="1"
        )

    def test_a_request_of_another_protocol_has_no_name_here(self) -> None:
        with pytest.raises(Refused) as found:
            apdu_of_message(replace(said(EventKind.RECALL, Role.LENDING), transaction="18626-X"), CONTEXT)

        assert found.value.reason is RefusalReason.DATA_MISSING


class TestSymbols:
    @pytest.mark.parametrize(
        ("sent", "read"),
        [("TLC: SITE1", "TLC:SITE1"), ("IKM", "NUC:IKM"), ("a:b:c", "a:b:c"), (" OCLC:XYZ ", "OCLC:XYZ"), ("", "")],
    )
    def test_the_first_colon_divides(self, sent: str, read: str) -> None:
        assert incoming_symbol(sent, IllSymbols(default_authority="NUC")) == read

    def test_an_authority_may_be_dropped(self) -> None:
        assert outgoing_symbol("ISIL:NO-1", IllSymbols(authority_out="drop")) == "NO-1"

    def test_authorities_are_compared_without_case(self) -> None:
        assert is_same_ill_symbol("isil:NO-1", "ISIL:NO-1")
        assert not is_same_ill_symbol("ISIL:no-1", "ISIL:NO-1")
        assert is_same_ill_symbol("NO-1", "ISIL:NO-1")

    def test_a_sender_without_an_id_is_known_by_its_alias(self) -> None:
        entry = DeliveryParameters(
            encoding=(),
            transport=SystemAddress(service="TCP/IP", address="x:1"),
            aliases=(SystemId.from_symbol("nlc:BVAS"),),
        )
        extension = Extension.from_item(DeliveryInfo(sender=(entry,), recipient=()))
        request = replace(build_full_apdus(IllRequest)[0], requester_id=None, extensions=(extension,))  # type: ignore[call-arg]

        assert event_of_apdu(request, CONTEXT).sender == "nlc:BVAS"

    def test_the_symbol_by_which_a_partner_knows_us_is_ours(self) -> None:
        context = replace(CONTEXT, dialect=IsoIllDialect(symbols=IllSymbols(ours="OCLC:FJB")))
        apdu = apdu_of_message(said(EventKind.LOST, Role.BORROWING), context)
        lost = replace(
            build_full_apdus(Lost)[0],
            requester_id=SystemId.from_symbol("OCLC:FJB"),
            responder_id=SystemId.from_symbol("OCLC:XYZ"),
        )

        assert apdu.requester_id == SystemId.from_symbol("OCLC:FJB", US.name)
        assert (event_of_apdu(lost, context).role, event_of_apdu(lost, context).receiver) == (Role.BORROWING, "")


class TestRepeats:
    def test_a_repeat_has_the_id_of_the_first(self) -> None:
        first = build_full_apdus(Message)[0]
        first = replace(first, service_date_time=ServiceDateTime(this=Moment(day=date(2026, 3, 2), clock=time(9))))
        again = replace(
            first,
            service_date_time=ServiceDateTime(
                this=Moment(day=date(2026, 3, 3), clock=time(8)), original=first.service_date_time.this
            ),
        )
        another = replace(first, service_date_time=again.service_date_time.__class__(this=again.service_date_time.this))

        assert id_of_apdu(again) == id_of_apdu(first)
        assert id_of_apdu(another) != id_of_apdu(first)

    def test_every_try_of_a_message_is_the_same_octets(self) -> None:
        message = said(EventKind.SHIPPED, Role.LENDING)

        assert encode_apdu(apdu_of_message(message, CONTEXT)) == encode_apdu(apdu_of_message(message, CONTEXT))


class TestDialect:
    def test_times_are_the_partners_local_ones(self) -> None:
        context = replace(CONTEXT, dialect=IsoIllDialect(wire=Wire(zone="Pacific/Auckland")))
        late = replace(said(EventKind.RETURNED, Role.BORROWING), at=datetime(2026, 3, 2, 23, 0, tzinfo=UTC))

        apdu = apdu_of_message(late, context)

        assert apdu.service_date_time.this == Moment(day=date(2026, 3, 3), clock=time(12))
        assert getattr(apdu, "date_returned") == date(2026, 3, 3)  # noqa: B009 - of one of twenty kinds

    def test_what_a_partner_never_sends_is_not_wanted_of_it(self) -> None:
        context = replace(CONTEXT, dialect=IsoIllDialect(never_sends=("checked-in",)))
        apdu = apdu_of_message(said(EventKind.REQUEST, Role.BORROWING), context)

        assert isinstance(apdu, IllRequest)
        assert (apdu.optional_messages.shipped, apdu.optional_messages.checked_in) == (Wish.DESIRES, Wish.NEITHER)

    def test_what_a_partner_cannot_take_is_refused(self) -> None:
        context = replace(CONTEXT, dialect=IsoIllDialect(withheld=("recall",)))

        with pytest.raises(Refused, match="does not accept recall"):
            apdu_of_message(said(EventKind.RECALL, Role.LENDING), context)

    def test_long_texts_are_cut_and_told_in_the_note(self) -> None:
        context = replace(CONTEXT, dialect=IsoIllDialect(max_lengths={"title": 10}))
        apdu = apdu_of_message(said(EventKind.REQUEST, Role.BORROWING), context)

        assert isinstance(apdu, IllRequest)
        assert apdu.item.title == "Annalen de"
        assert f"title: {CITATION.title}" in apdu.note

    @pytest.mark.parametrize(
        ("keys", "said_"),
        [
            ({"wire": {"zone": "Mars/Olympus"}}, "not a time zone"),
            ({"wire": {"charset_in": "hex"}}, "not a character set"),
            ({"never_sends": ["receipt"]}, "no APDU is called receipt"),
            ({"unknown": 1}, "Extra inputs"),
        ],
    )
    def test_what_cannot_be_is_said_when_it_is_read(self, keys: dict[str, object], said_: str) -> None:
        with pytest.raises(ValueError, match=said_):
            IsoIllDialect.model_validate(keys)

    def test_no_delivery_info_without_an_address(self) -> None:
        silent = replace(CONTEXT, dialect=IsoIllDialect(delivery_info="omit", reply_to="x:499"))

        assert any(
            one.name == "APDU-Delivery-Info"
            for one in apdu_of_message(said(EventKind.LOST, Role.LENDING), CONTEXT).carried_extensions
        )
        assert not any(
            one.name == "APDU-Delivery-Info"
            for one in apdu_of_message(said(EventKind.LOST, Role.LENDING), silent).carried_extensions
        )


@pytest.mark.parametrize(
    ("value", "currency", "read"),
    [
        ("$35", "", Money(Decimal(35), "CAD")),
        ("25,00", "EUR", Money(Decimal("25.00"), "EUR")),
        ("1 234,50", "nok", Money(Decimal("1234.50"), "NOK")),
        ("1,234.5", "USD", Money(Decimal("1234.5"), "USD")),
        ("1.000.000", "USD", Money(Decimal(1000000), "USD")),
        ("1.000", "USD", None),
        ("£7.", "", Money(Decimal(7), "GBP")),
        ("on request", "", None),
    ],
)
def test_amounts(value: str, currency: str, read: Money | None) -> None:
    assert money_of_amount(Amount(currency=currency, value=value), "CAD") == read


def test_an_amount_goes_and_comes() -> None:
    money = Money(Decimal("1250.00"), "NOK")

    assert money_of_amount(amount_of_money(money), "EUR") == money


@pytest.mark.parametrize(
    "value",
    [
        "300ba509a1030a0104",  # too short: the contents end early
        "",
    ],
)
def test_numbers_that_cannot_be_read_are_none(value: str) -> None:
    assert numbers_of_external(External("1.0.10161.6.1", bytes.fromhex(value))) == ()


@pytest.mark.parametrize(
    ("oid", "value"),
    [
        ("1.0.10161.6.1", "30123010a1030a0104a4091b0738363735333039"),
        ("1.0.10161.6.1", "300e300c810104840738363735333039"),
        ("1.2.124.10161.2", "300e300c0a01031b0738363735333039"),
    ],
)
def test_system_numbers(oid: str, value: str) -> None:
    assert numbers_of_external(External(oid, bytes.fromhex(value))) == (RecordId("oclc", "8675309"),)


class TestReports:
    @pytest.mark.parametrize(
        ("state", "reported"),
        [
            (LendingState.SHIPPED, EventKind.SHIPPED),
            (LendingState.UNFILLED, EventKind.UNFILLED),
            (LendingState.CANCELLED, EventKind.CANCEL_ACCEPTED),
            (LendingState.COMPLETED, EventKind.CHECKED_IN),
            (LendingState.FORWARDED, None),
        ],
    )
    def test_a_status_names_the_service_that_leads_to_it(self, state: LendingState, reported: EventKind | None) -> None:
        message = said(EventKind.STATUS_REPORT, Role.LENDING)
        message = replace(message, request=replace(message.request, state=state))

        told = event_of_apdu(decode_apdu(encode_apdu(apdu_of_message(message, CONTEXT))).apdu, THEIR_CONTEXT)

        assert (told.kind, told.details.reported) == (EventKind.STATUS_REPORT, reported)

    def test_a_report_about_a_message_that_cannot_be_read(self) -> None:
        peek = PartialHeader(
            ApduType.SHIPPED,
            transaction_id=TransactionId(group_qualifier="G", qualifier="1"),
            service_date_time=ServiceDateTime(this=Moment(day=date(2026, 3, 2), clock=time(9, 30))),
        )

        report = build_error_report(
            peek, problem_of_malformed(MalformedMessage("x", "y", MalformationKind.SYNTAX)), "why", NOW, CONTEXT
        )

        assert report.error_report is not None
        assert report.error_report.correlation == "Shipped G 1 20260302093000"
        assert report.error_report.provider is not None
        assert report.error_report.provider.general_problem is GeneralProblem.BADLY_STRUCTURED_APDU
        assert decode_apdu(encode_apdu(report)).apdu == report

    def test_of_an_unknown_apdu_nothing_is_known(self) -> None:
        report = build_error_report(
            PartialHeader(None),
            problem_of_malformed(MalformedMessage("", "", MalformationKind.UNKNOWN_SERVICE)),
            "",
            NOW,
            CONTEXT,
        )

        assert report.transaction_id == TransactionId(group_qualifier="", qualifier="")
        assert isinstance(decode_apdu(encode_apdu(report)).apdu, StatusOrErrorReport)

    def test_an_error_about_our_request_rejects_it(self) -> None:
        report = build_error_report(
            PartialHeader(ApduType.ILL_REQUEST),
            problem_of_malformed(MalformedMessage("", "")),
            "no title",
            NOW,
            CONTEXT,
        )

        told = event_of_apdu(report, CONTEXT)

        assert told.kind is EventKind.REJECTED
        assert "badly-structured-apdu" in told.details.status

    @pytest.mark.parametrize(
        ("state", "flags", "reported"),
        [
            (LendingState.SHIPPED, {RequestFlag.OVERDUE}, CurrentState.OVERDUE),
            (LendingState.SHIPPED, {RequestFlag.OVERDUE, RequestFlag.RENEWAL_PENDING}, CurrentState.RENEW_OVERDUE),
            (BorrowingState.SHIPPED, {RequestFlag.OVERDUE}, CurrentState.NOT_RECEIVED_OVERDUE),
            (BorrowingState.LENT, {RequestFlag.RECALLED, RequestFlag.OVERDUE}, CurrentState.RECALL),
            (LendingState.SHIPPED, {RequestFlag.RENEWAL_PENDING}, CurrentState.RENEW_PENDING),
            (LendingState.UNFILLED, {RequestFlag.OVERDUE}, CurrentState.NOT_SUPPLIED),
        ],
    )
    def test_states(
        self, state: LendingState | BorrowingState, flags: set[RequestFlag], reported: CurrentState
    ) -> None:
        request = replace(LENDING[0].request, state=state, flags=frozenset(flags))

        assert ill_state_of_request(request) is reported


def test_items_of_any_kind_become_a_citation() -> None:
    article = build_full_apdus(IllRequest)[0]
    assert isinstance(article, IllRequest)

    asked = event_of_apdu(replace(article, service_types=(ServiceType.ESTIMATE, ServiceType.LOAN)), CONTEXT).request

    assert asked is not None
    assert asked.service.type is Wanted.LOAN
    assert asked.citation.type in CitationType
    assert ("service-types", "estimate") in {(one.name, one.value) for one in asked.extras}


def test_an_overdue_names_the_day() -> None:
    told = event_of_apdu(build_full_apdus(Overdue)[0], CONTEXT)

    assert (told.kind, told.details.due) == (EventKind.OVERDUE, date(2026, 3, 2))


def test_the_library_zone_counts_where_the_partner_has_none() -> None:
    assert IllContext(library_zone=ZoneInfo("Europe/Oslo"), currency="NOK").zone == ZoneInfo("Europe/Oslo")


# --- terms in the note -----------------------------------------------------------------------------------

AFTER_MIDNIGHT = datetime(2026, 4, 16, 22, 30, tzinfo=UTC)
"""The 17th in Zürich."""
REPAIR = Money(Decimal("45.50"), "EUR")


@pytest.mark.parametrize(
    ("kind", "details", "note"),
    [
        (EventKind.RECALL, {"due": date(2026, 4, 17)}, "due: 2026-04-17"),
        (EventKind.RECALL, {"due": AFTER_MIDNIGHT, "note": "Für die Prüfung"}, "due: 2026-04-17; Für die Prüfung"),
        (EventKind.RECALL, {"note": "Понадобилась"}, "Понадобилась"),
        (EventKind.DAMAGED, {"cost": REPAIR, "note": "Einband gerissen"}, "cost: 45.50 EUR; Einband gerissen"),
        (EventKind.LOST, {"cost": REPAIR}, "cost: 45.50 EUR"),
    ],
)
def test_what_an_apdu_has_no_field_for_goes_in_its_note_and_is_read_from_there(
    kind: EventKind, details: dict[str, Any], note: str
) -> None:
    zurich = replace(CONTEXT, library_zone=ZoneInfo("Europe/Zurich"))
    sent = apdu_of_message(replace(said(kind, Role.LENDING), details=EventDetails(**details)), zurich)

    apdu = decode_apdu(encode_apdu(sent)).apdu
    received = event_of_apdu(apdu, zurich)

    assert apdu.note_text == note
    assert received.kind is kind
    assert received.details.due == (date(2026, 4, 17) if "due" in details else None)
    assert received.details.cost == details.get("cost")
    assert received.details.note == note


def test_the_cost_of_a_condition_is_read_from_the_note() -> None:
    details = EventDetails(conditions=(LoanCondition.COST, LoanCondition.LIBRARY_USE_ONLY), cost=REPAIR)
    sent = apdu_of_message(replace(said(EventKind.CONDITIONAL, Role.LENDING), details=details), CONTEXT)

    assert event_of_apdu(decode_apdu(encode_apdu(sent)).apdu, CONTEXT).details.cost == REPAIR


@pytest.mark.parametrize("kind", [EventKind.CONDITIONAL, EventKind.SHIPPED])
@pytest.mark.parametrize(
    "conditions",
    [
        (LoanCondition.SUPERVISED, LoanCondition.NO_REPRODUCTION, LoanCondition.SIGNATURE_REQUIRED),
        (LoanCondition.COST, LoanCondition.WATCHED),
        (LoanCondition.OTHER, LoanCondition.COST),
    ],
)
def test_conditions_for_which_the_code_has_no_room_are_read_from_the_note(
    kind: EventKind, conditions: tuple[LoanCondition, ...]
) -> None:
    details = EventDetails(conditions=conditions, note="Nur im Lesesaal, bitte")
    sent = apdu_of_message(replace(said(kind, Role.LENDING), details=details), CONTEXT)

    told = event_of_apdu(decode_apdu(encode_apdu(sent)).apdu, CONTEXT).details

    assert {*told.conditions} >= {*conditions} - {LoanCondition.OTHER}
    assert {*told.conditions} <= {*conditions, LoanCondition.LIBRARY_USE_ONLY}, "the code says watched use so"
    assert told.note.endswith("Nur im Lesesaal, bitte")


def test_a_changed_due_date_is_understood_though_it_is_a_message_in_words() -> None:
    details = EventDetails(due=date(2026, 4, 17), note="Понадобилась раньше")
    sent = apdu_of_message(replace(said(EventKind.DUE_DATE_CHANGED, Role.LENDING), details=details), CONTEXT)

    told = event_of_apdu(decode_apdu(encode_apdu(sent)).apdu, THEIR_CONTEXT)

    assert sent.note_text == "The due date is now 2026-04-17.; Понадобилась раньше"
    assert (told.kind, told.role, told.details.due) == (EventKind.DUE_DATE_CHANGED, Role.BORROWING, date(2026, 4, 17))
    assert told.details.note == sent.note_text


@pytest.mark.parametrize(
    ("role", "note"),
    [
        (Role.BORROWING, "The due date is now 2026-04-17."),  # borrowers change no due date
        (Role.LENDING, "Is it right that the due date is now 2026-04-17?"),
        (Role.LENDING, "The due date is now 2026-04-31."),
    ],
)
def test_other_messages_about_a_due_date_stay_messages(role: Role, note: str) -> None:
    sent = apdu_of_message(replace(said(EventKind.MESSAGE, role), details=EventDetails(note=note)), CONTEXT)

    told = event_of_apdu(decode_apdu(encode_apdu(sent)).apdu, THEIR_CONTEXT)

    assert (told.kind, told.details.due, told.details.note) == (EventKind.MESSAGE, None, note)


@pytest.mark.parametrize(
    "note",
    ["due: 2026-02-30", "overdue: 2026-04-17", "It was due: 2026-04-17", "due: soon", "cost: a lot", "due: 17.4."],
)
def test_other_words_stay_words(note: str) -> None:
    sent = apdu_of_message(replace(said(EventKind.RECALL, Role.LENDING), details=EventDetails(note=note)), CONTEXT)

    received = event_of_apdu(decode_apdu(encode_apdu(sent)).apdu, CONTEXT).details

    assert (received.due, received.cost, received.note) == (None, None, note)


SET = (Volume("1", "Bd. 1"), Volume("2", "Bd. 2"))


def test_the_volumes_of_a_request_go_in_its_note_and_are_read_from_there() -> None:
    message = said(EventKind.REQUEST, Role.BORROWING)
    sent = apdu_of_message(replace(message, request=replace(message.request, volumes=SET)), CONTEXT)

    asked = event_of_apdu(decode_apdu(encode_apdu(sent)).apdu, THEIR_CONTEXT).request

    assert asked is not None
    assert asked.volumes == tuple(one.label for one in SET)
    assert asked.citation.note.startswith("volume 1 of 2: Bd. 1; volume 2 of 2: Bd. 2")


@pytest.mark.parametrize(("kind", "role"), [(EventKind.SHIPPED, Role.LENDING), (EventKind.RETURNED, Role.BORROWING)])
def test_which_volume_is_shipped_or_returned_goes_in_the_note(kind: EventKind, role: Role) -> None:
    message = said(kind, role, volumes=("2",))
    sent = apdu_of_message(replace(message, request=replace(message.request, volumes=SET)), CONTEXT)

    told = event_of_apdu(decode_apdu(encode_apdu(sent)).apdu, THEIR_CONTEXT)

    assert (told.kind, told.details.volumes) == (kind, ("2",))
    assert told.details.note == "volume 2 of 2: Bd. 2"
