"""What an ILL-Request asks beyond title and service: optional messages, expiry, third parties."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time

import pytest

from adapters.ber import BerSource
from adapters.iso_ill.codec import apdu_digest, decode_apdu, encode_apdu
from adapters.iso_ill.dialect import IsoIllDialect
from adapters.iso_ill.mapping import IllContext, apdu_of_message, event_of_apdu
from adapters.iso_ill.mapping.ill_request import UnsuppliableWish, find_unsuppliable, unfilled_answer
from adapters.iso_ill.messages import Apdu, IllAnswer, IllRequest
from adapters.iso_ill.messages.codes import ExpiryFlag, ReasonUnfilled, Results, ServiceType, TransactionType, Wish
from adapters.iso_ill.messages.request_phase import Search, ThirdPartyInfo
from adapters.iso_ill.messages.structures import (
    DeliveryAddress,
    DeliveryInfo,
    DeliveryParameters,
    Extension,
    Moment,
    Recipient,
    ServiceDateTime,
    ShownCredentials,
    SystemAddress,
    SystemId,
    TransactionId,
)
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import RequestDates
from tests.support.full_apdus import CONTEXT, LENDING, NOW, REQUESTING


def asked(**changes: object) -> IllRequest:
    apdu = apdu_of_message(next(one for one in REQUESTING if one.kind is EventKind.REQUEST), CONTEXT)
    assert isinstance(apdu, IllRequest)
    return replace(apdu, **changes)  # type: ignore[arg-type]


def taken(apdu: Apdu) -> LendingDraft:
    request = event_of_apdu(decode_apdu(encode_apdu(apdu)).apdu, CONTEXT).request
    assert request is not None
    return request


def extras(apdu: Apdu) -> dict[str, str]:
    return {one.name: one.value for one in taken(apdu).extras}


def with_dialect(**said: object) -> IllContext:
    return replace(CONTEXT, dialect=IsoIllDialect.model_validate(said))


@pytest.mark.parametrize(
    ("address", "email"),
    [
        (SystemAddress(service="SMTP", address="ill@fjordby.example"), "ill@fjordby.example"),
        (SystemAddress(service="FAX", address="+47 55 00 00 00"), ""),
        (SystemAddress(service="HTTP", address="https://fjordby.example/openurl"), ""),
        (None, ""),
    ],
)
def test_only_an_address_of_mail_is_written_to(address: SystemAddress | None, email: str) -> None:
    assert taken(asked(delivery_address=DeliveryAddress(electronic=address))).requester.email == email


class TestUnmet:
    def test_what_we_supply_is_met(self) -> None:
        assert find_unsuppliable(asked(), CONTEXT) is None

    @pytest.mark.parametrize(
        "types", [(ServiceType.LOCATIONS,), (ServiceType.ESTIMATE, ServiceType.RESPONDER_SPECIFIC), (9,)]
    )
    def test_neither_loan_nor_copy(self, types: tuple[ServiceType | int, ...]) -> None:
        found = find_unsuppliable(asked(service_types=types), CONTEXT)

        assert found is not None
        assert found.reason is ReasonUnfilled.OTHER

    def test_one_of_several_is_enough(self) -> None:
        assert find_unsuppliable(asked(service_types=(ServiceType.ESTIMATE, ServiceType.LOAN)), CONTEXT) is None

    @pytest.mark.parametrize("field", ["shipped", "checked_in"])
    def test_a_required_message_that_we_do_not_send(self, field: str) -> None:
        wants = replace(asked().optional_messages, shipped=Wish.DESIRES, checked_in=Wish.DESIRES)
        apdu = asked(optional_messages=replace(wants, **{field: Wish.REQUIRES}))
        silent = with_dialect(optional_messages={f"can_send_{field}": False})

        found = find_unsuppliable(apdu, silent)

        assert found is not None
        assert found.reason is ReasonUnfilled.MANDATORY_MESSAGING_NOT_SUPPORTED
        assert find_unsuppliable(apdu, CONTEXT) is None
        assert find_unsuppliable(asked(optional_messages=wants), silent) is None

    def test_one_that_the_partner_does_not_take_is_not_sent_either(self) -> None:
        apdu = asked(optional_messages=replace(asked().optional_messages, shipped=Wish.REQUIRES))

        assert find_unsuppliable(apdu, with_dialect(withheld=["shipped"])) is not None

    def test_through_the_outbox_it_has_the_same_code(self) -> None:
        """The standard's own, also where our words have none for it."""
        message = next(one for one in LENDING if one.kind is EventKind.UNFILLED)
        for code in (ReasonUnfilled.MANDATORY_MESSAGING_NOT_SUPPORTED, ReasonUnfilled.OTHER):
            answer = apdu_of_message(
                replace(message, details=UnsuppliableWish(code, "It is not sent here.").details), CONTEXT
            )

            assert isinstance(answer, IllAnswer)
            assert answer.explanation is not None
            assert answer.explanation.unfilled is not None
            assert answer.explanation.unfilled.reason is code
            assert answer.note == "It is not sent here."

    def test_it_is_answered_with_the_ids_as_they_came(self) -> None:
        apdu = asked(service_types=(ServiceType.LOCATIONS,))
        why = find_unsuppliable(apdu, CONTEXT)
        assert why is not None

        answer = decode_apdu(encode_apdu(unfilled_answer(apdu, why, NOW, CONTEXT))).apdu

        assert answer == unfilled_answer(apdu, why, NOW, CONTEXT)
        assert answer.transaction_id == apdu.transaction_id
        assert unfilled_answer(apdu, why, NOW, CONTEXT).results is Results.UNFILLED


class TestExpiry:
    BEFORE, OTHER = date(2026, 4, 1), date(2026, 4, 20)

    @pytest.mark.parametrize(
        ("flag", "dates", "expires"),
        [
            (ExpiryFlag.NEED_BEFORE_DATE, RequestDates(BEFORE), "2026-04-01"),
            (ExpiryFlag.OTHER_DATE, RequestDates(OTHER), "2026-04-20"),
            (ExpiryFlag.NO_EXPIRY, RequestDates(BEFORE, expires=False), None),
        ],
    )
    def test_the_flag_says_when_our_timer_runs_out(
        self, flag: ExpiryFlag, dates: RequestDates, expires: str | None
    ) -> None:
        other = self.OTHER if flag is ExpiryFlag.OTHER_DATE else None
        apdu = asked(search=Search(need_before_date=self.BEFORE, expiry_flag=flag, expiry_date=other))

        assert taken(apdu).dates == dates
        assert extras(apdu).get("expires") == expires


class TestThirdParties:
    def test_permissions_and_lists_are_kept(self) -> None:
        third = ThirdPartyInfo(
            permission_to_forward=True,
            permission_to_change_send_to_list=True,
            send_to_list=(Recipient(id=SystemId.from_symbol("ISIL:SE-S")),),
            already_tried_list=(SystemId.from_symbol("ISIL:DK-800015"),),
        )

        found = extras(asked(third_party_info=third, forward_flag=True))

        assert found["permission-to-forward"] == found["permission-to-change-send-to-list"] == "true"
        assert "permission-to-chain" not in found
        assert (found["send-to"], found["already-tried"], found["forwarded"]) == (
            "ISIL:SE-S",
            "ISIL:DK-800015",
            "true",
        )

    def test_a_sub_transaction_has_a_number_of_its_own(self) -> None:
        id_ = TransactionId(
            initial_requester_id=SystemId.from_symbol("ISIL:FI-H"),
            group_qualifier="77",
            qualifier="1",
            sub_qualifier="2",
        )
        apdu = asked(transaction_id=id_, transaction_type=TransactionType.CHAINED)

        request = taken(apdu)

        assert request.transaction == "77/1/2@ISIL:FI-H"
        assert extras(apdu)["transaction-type"] == "chained"
        assert find_unsuppliable(apdu, CONTEXT) is None


class TestKnownAgain:
    def test_a_repeat_has_the_digest_of_the_first(self) -> None:
        first = asked()
        times = ServiceDateTime(this=Moment(day=date(2026, 3, 5), clock=time(8)), original=first.service_date_time.this)

        assert apdu_digest(encode_apdu(replace(first, service_date_time=times))) == apdu_digest(encode_apdu(first))

    def test_how_the_sender_is_reached_and_signs_in_does_not_count(self) -> None:
        elsewhere = DeliveryParameters(encoding=(), transport=SystemAddress(service="TCP/IP", address="x:1"))
        more = (
            Extension.from_item(DeliveryInfo(sender=(elsewhere,), recipient=())),
            Extension.from_item(ShownCredentials("100-1", "sesam")),
        )

        assert apdu_digest(encode_apdu(asked(extensions=more))) == apdu_digest(encode_apdu(asked(extensions=())))

    def test_all_else_counts(self) -> None:
        later = ServiceDateTime(this=Moment(day=date(2026, 3, 5), clock=time(8)))
        others = (asked(note="x"), asked(service_date_time=later), asked(retry_flag=False))

        assert len({apdu_digest(encode_apdu(one)) for one in (asked(), *others)}) == 4

    def test_what_decode_passes_over_is_no_obstacle(self) -> None:
        whole = encode_apdu(asked())
        _, _, start, stop, _ = BerSource(whole).read_header(0, len(whole))
        _, _, begin, end, _ = BerSource(whole).read_header(start, stop)
        twice = b"\xa2\x05\xa0\x7f\x80\x01x"  # a second time of service, broken
        broken = b"\x61\x80\x30\x80" + whole[begin:end] + twice + b"\0\0\0\0"

        assert decode_apdu(broken).apdu == decode_apdu(whole).apdu
        assert apdu_digest(broken) != apdu_digest(whole)
