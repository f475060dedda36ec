"""What a partner may send when, and what a profile may say otherwise."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from adapters.iso_ill.dialect import IsoIllDialect
from adapters.iso_ill.mapping import IllContext
from adapters.iso_ill.messages import (
    Apdu,
    Cancel,
    CancelReply,
    ConditionalReply,
    IllAnswer,
    Message,
    Renew,
    Returned,
    Shipped,
)
from adapters.iso_ill.messages.codes import CurrentState, Results, ServiceType, Wish
from adapters.iso_ill.messages.request_phase import ResponderOptionalMessages
from adapters.iso_ill.messages.structures import Moment, ServiceDateTime, TransactionId
from adapters.iso_ill.messages.tracking_phase import SupplyDetails
from adapters.iso_ill.state_rules import describe_deviation, guard_message
from gateway.domain.problems import RefusalReason
from gateway.domain.requests.request import AttemptStatus, BorrowingState, LendingState, RequestFlag
from tests.support.requests import START, attempt, borrowing, lending

LATER = START + timedelta(minutes=5)
EARLIER = START - timedelta(minutes=5)


def context(**states: Any) -> IllContext:
    return IllContext(library_zone=UTC, currency="EUR", dialect=IsoIllDialect.model_validate({"states": states}))


CONTEXT = context()


def header(at: datetime, qualifier: str = "1") -> dict[str, Any]:
    return {
        "protocol_version": 2,
        "transaction_id": TransactionId(group_qualifier="B-2026-0001", qualifier=f"B-2026-0001-{qualifier}"),
        "service_date_time": ServiceDateTime(this=Moment(day=at.date(), clock=at.time())),
    }


def renew(at: datetime = LATER) -> Apdu:
    return Renew(**header(at))


def cancel(at: datetime = LATER) -> Apdu:
    return Cancel(**header(at))


def answer(result: Results, at: datetime = LATER, qualifier: str = "1") -> Apdu:
    return IllAnswer(**header(at, qualifier), results=result)


def shipped(at: datetime = LATER, qualifier: str = "1") -> Apdu:
    return Shipped(
        **header(at, qualifier),
        service_type=ServiceType.LOAN,
        supply_details=SupplyDetails(),
        optional_messages=ResponderOptionalMessages(
            can_send_shipped=True, can_send_checked_in=True, received=Wish.DESIRES, returned=Wish.DESIRES
        ),
    )


class TestGuard:
    def test_what_the_state_allows_goes_on(self) -> None:
        assert guard_message(renew(), CONTEXT)(lending(LendingState.SHIPPED)) is None

    def test_what_it_prohibits_is_refused_with_the_state(self) -> None:
        refusal = guard_message(renew(), CONTEXT)(lending(LendingState.LOCATED))

        assert refusal is not None
        assert refusal.reason is RefusalReason.NOT_ALLOWED
        assert refusal.detail == "Renew is not allowed in the state IN-PROCESS."

    def test_of_a_closed_request(self) -> None:
        refusal = guard_message(renew(), CONTEXT)(lending(LendingState.UNFILLED))

        assert refusal is not None
        assert refusal.reason is RefusalReason.REQUEST_CLOSED
        assert refusal.detail == "Renew is not allowed in the state NOT-SUPPLIED."

    @pytest.mark.parametrize("state", LendingState)
    def test_talk_is_always_allowed(self, state: LendingState) -> None:
        assert guard_message(Message(**header(LATER), note="Vielen Dank"), CONTEXT)(lending(state)) is None

    def test_an_answer_of_an_unknown_kind_is_left_to_the_mapping(self) -> None:
        unknown = IllAnswer(**header(LATER), results=9)

        assert guard_message(unknown, CONTEXT)(borrowing(BorrowingState.LENT)) is None

    def test_each_supplier_has_a_transaction_of_its_own(self) -> None:
        request = borrowing(
            BorrowingState.SHIPPED,
            attempts=(attempt(1, status=AttemptStatus.LOST), attempt(2, "kyoto", status=AttemptStatus.SHIPPED)),
            current=2,
        )

        assert guard_message(answer(Results.UNFILLED, qualifier="1"), CONTEXT)(request) is not None
        assert guard_message(shipped(qualifier="2"), CONTEXT)(request) is None


class TestCrossing:
    def test_what_was_sent_before_our_last_change_is_kept(self) -> None:
        request = borrowing(BorrowingState.SHIPPED, attempts=(attempt(status=AttemptStatus.SHIPPED),), current=1)

        assert guard_message(answer(Results.WILL_SUPPLY, EARLIER), CONTEXT)(request) is None
        assert guard_message(answer(Results.WILL_SUPPLY, LATER), CONTEXT)(request) is not None

    def test_without_a_time_an_earlier_day_tells_it(self) -> None:
        apdu = renew()
        today = replace(apdu, service_date_time=ServiceDateTime(this=Moment(day=START.date())))
        before = replace(apdu, service_date_time=ServiceDateTime(this=Moment(day=START.date() - timedelta(days=1))))

        assert guard_message(today, CONTEXT)(lending(LendingState.LOCATED)) is not None
        assert guard_message(before, CONTEXT)(lending(LendingState.LOCATED)) is None

    def test_a_strict_profile_refuses_it(self) -> None:
        assert guard_message(renew(EARLIER), context(late="refuse"))(lending(LendingState.LOCATED)) is not None

    @pytest.mark.parametrize(
        ("changed", "sent", "kept"),
        [
            ("2026-10-25T00:50", "2026-10-25T02:10", True),
            ("2026-10-25T01:10", "2026-10-25T02:50", True),  # which 02:50 it was nobody knows
            ("2026-10-25T01:50", "2026-10-25T03:10", False),
            ("2026-03-29T00:59", "2026-03-29T03:00", False),
            ("2026-03-29T01:30", "2026-03-29T03:20", True),
            ("2026-03-29T01:30", "0001-01-01T00:00", True),
            ("2026-03-29T01:30", "9999-12-31T23:59", False),
        ],
    )
    def test_where_the_clocks_are_changed(self, changed: str, sent: str, kept: bool) -> None:
        """`changed` in UTC, `sent` by the clocks in Berlin."""
        berlin = replace(CONTEXT, library_zone=ZoneInfo("Europe/Berlin"))
        request = replace(lending(LendingState.LOCATED), changed=datetime.fromisoformat(changed).replace(tzinfo=UTC))

        assert (guard_message(renew(datetime.fromisoformat(sent)), berlin)(request) is None) is kept

    def test_by_mail_ours_are_under_way_for_a_while(self) -> None:
        assert guard_message(renew(LATER), context(transit_minutes=10))(lending(LendingState.LOCATED)) is None

    def test_a_cancel_that_crossed_the_parcel_is_answered(self) -> None:
        assert guard_message(cancel(), CONTEXT)(lending(LendingState.SHIPPED)) is None

    def test_a_parcel_that_crossed_the_cancel_is_taken(self) -> None:
        request = borrowing(BorrowingState.CANCEL_PENDING, attempts=(attempt(),), current=1)

        assert guard_message(shipped(), CONTEXT)(request) is None

    def test_its_refusal_that_comes_behind_changes_nothing(self) -> None:
        request = borrowing(BorrowingState.SHIPPED, attempts=(attempt(status=AttemptStatus.SHIPPED),), current=1)

        assert guard_message(CancelReply(**header(LATER), answer=False), CONTEXT)(request) is None

    def test_what_was_forwarded_is_nobodys_to_cancel_here(self) -> None:
        assert guard_message(cancel(EARLIER), CONTEXT)(lending(LendingState.FORWARDED)) is not None


class TestDeviation:
    def test_none_where_both_tables_agree(self) -> None:
        allowed = guard_message(renew(), CONTEXT)
        allowed(lending(LendingState.SHIPPED))
        after = lending(LendingState.SHIPPED, flags=frozenset({RequestFlag.RENEWAL_PENDING}))

        assert allowed.seen is CurrentState.SHIPPED
        assert describe_deviation(renew(), after, CONTEXT, allowed.seen) == ""
        assert describe_deviation(renew(), after, CONTEXT) == ""

    def test_said_in_one_line(self) -> None:
        reply = ConditionalReply(**header(LATER), answer=True)

        line = describe_deviation(reply, lending(LendingState.CONDITIONAL), CONTEXT, CurrentState.CONDITIONAL)

        assert line == "Conditional-Reply in CONDITIONAL: by the table IN-PROCESS, with us CONDITIONAL"

    def test_what_our_rules_answer_at_once_is_none(self) -> None:
        assert describe_deviation(cancel(), lending(LendingState.CANCELLED), CONTEXT, CurrentState.IN_PROCESS) == ""

    def test_what_is_kept_as_late_changes_nothing(self) -> None:
        assert describe_deviation(renew(), lending(LendingState.UNFILLED), CONTEXT, CurrentState.NOT_SUPPLIED) == ""

    def test_returned_has_no_state_of_its_own_with_the_responder(self) -> None:
        returned = Returned(**header(LATER), date_returned=LATER.date())

        assert describe_deviation(returned, lending(LendingState.RETURNED), CONTEXT, CurrentState.SHIPPED) == ""


class TestOverriding:
    def test_a_cell_may_be_prohibited(self) -> None:
        strict = context(responder={"shipped": {"cancel": "prohibited"}})

        assert guard_message(cancel(), strict)(lending(LendingState.SHIPPED)) is not None

    def test_a_cell_may_be_allowed_and_lead_elsewhere(self) -> None:
        lax = context(responder={"not-supplied": {"renew": "not-supplied"}})

        assert guard_message(renew(), lax)(lending(LendingState.UNFILLED)) is None
        assert describe_deviation(renew(), lending(LendingState.UNFILLED), lax, CurrentState.NOT_SUPPLIED) == ""

    def test_an_answer_means_all_its_results(self) -> None:
        lax = context(requester={"received": {"ILL-Answer": "received", "ill-answer/unfilled": "prohibited"}})
        request = borrowing(BorrowingState.LENT, attempts=(attempt(status=AttemptStatus.SHIPPED),), current=1)

        assert guard_message(answer(Results.HOLD_PLACED), lax)(request) is None
        assert guard_message(answer(Results.UNFILLED), lax)(request) is not None

    @pytest.mark.parametrize(
        ("states", "complaint"),
        [
            ({"responder": {"shipt": {"cancel": "shipped"}}}, "a responder has no state shipt; there are: idle, "),
            ({"requester": {"pending": {"ask": "pending"}}}, "no service that changes a state is called ask; "),
            ({"requester": {"pending": {"shipped": "gone"}}}, "a requester has no state gone; there are: idle, "),
            ({"requester": {"pending": {"message": "pending"}}}, "no service that changes a state is called message; "),
            ({"late": "perhaps"}, "'keep' or 'refuse'"),
        ],
    )
    def test_what_is_wrong_is_said_with_what_there_is(self, states: dict[str, Any], complaint: str) -> None:
        with pytest.raises(ValidationError) as found:
            context(**states)

        (error,) = found.value.errors()
        assert complaint in error["msg"]
        assert error["loc"][:2] == ("states", next(iter(states)))
