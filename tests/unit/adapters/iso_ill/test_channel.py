"""What the channel makes of a message and of the partner's answer to it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from adapters.iso_ill.channel import IsoIllChannel
from adapters.iso_ill.codec import PartialHeader, decode_apdu, encode_apdu
from adapters.iso_ill.dialect import IsoIllDialect
from adapters.iso_ill.messages import Apdu, IllAnswer, StatusOrErrorReport
from adapters.iso_ill.messages.codes import (
    GeneralProblem,
    ReasonUnfilled,
    Results,
    TransactionIdProblem,
    UnableToPerform,
)
from adapters.iso_ill.messages.request_phase import Explanation, UnfilledResults
from adapters.iso_ill.messages.structures import ShownCredentials
from adapters.iso_ill.messages.tracking_phase import ProviderError, UserError
from adapters.iso_ill.responder import build_problem_report
from gateway.domain.clock import FixedClock
from gateway.domain.problems import ConfigurationError, ConfigurationProblem, Unavailable
from gateway.domain.profile import Profile
from gateway.domain.requests.events import EventKind
from gateway.ports.partner_channel import DeliveryResult, OutgoingMessage, PartnerMessage
from tests.support.full_apdus import CONTEXT, NOW, REQUESTING

ASKED = next(one for one in REQUESTING if one.kind is EventKind.REQUEST)
QUESTION = next(one for one in REQUESTING if one.kind is EventKind.RENEW)


@dataclass
class Wire:
    """A partner that answers each APDU as `answer` says."""

    answer: Any = None
    said: list[OutgoingMessage] = field(default_factory=list)

    async def send(self, saying: OutgoingMessage) -> bytes | None:
        self.said.append(saying)
        if self.answer is None:
            return None
        reply = encode_apdu(self.answer(decode_apdu(saying.message).apdu))
        assert saying.is_reply is not None
        assert saying.is_reply(reply), "not recognised as the reply"
        return reply


def channel(wire: Wire) -> IsoIllChannel:
    def secrets(reference: str) -> str:
        if reference == "env:MISSING":
            raise ConfigurationError([ConfigurationProblem("", 0, (), "the variable MISSING is not set")])
        return "hemmelig"

    library = SimpleNamespace(zone=CONTEXT.library_zone, currency="EUR", info=None)
    context = SimpleNamespace(
        libraries={"FJORDBY": library}, clock=FixedClock(NOW), secrets=secrets, folder=Path(), lines=wire
    )
    return IsoIllChannel(cast(Any, context))


async def send(message: PartnerMessage, wire: Wire, **dialect: Any) -> tuple[DeliveryResult, Apdu]:
    profile = Profile(name="them", dialects={"iso_ill": IsoIllDialect(**dialect)})
    delivered = await channel(wire).send(message, profile)
    return delivered, decode_apdu(wire.said[-1].message).apdu


def answered(problem: ProviderError | UserError | None = None) -> Any:
    def make(apdu: Apdu) -> StatusOrErrorReport:
        seen = PartialHeader(
            apdu.type, 2, apdu.transaction_id, apdu.service_date_time, apdu.requester_id, apdu.responder_id
        )
        if problem is not None:
            return build_problem_report(seen, problem, "so it is", NOW, CONTEXT)
        return replace(build_problem_report(seen, UserError(), "", NOW, CONTEXT), error_report=None)

    return make


async def test_a_repeat_names_the_time_of_its_first_sending() -> None:
    _, first = await send(ASKED, Wire())
    _, again = await send(replace(ASKED, repeated=True), Wire())
    assert first.service_date_time.original is None
    assert again.service_date_time.original == first.service_date_time.this
    assert replace(again, service_date_time=first.service_date_time) == first


async def test_credentials_go_along() -> None:
    _, apdu = await send(ASKED, Wire(), credentials={"user": "100-1", "password": "env:HERE"})
    assert apdu.carried_extensions[0].item == ShownCredentials("100-1", "hemmelig")
    with pytest.raises(Unavailable, match="MISSING is not set"):
        await send(ASKED, Wire(), credentials={"user": "100-1", "password": "env:MISSING"})


@pytest.mark.parametrize(
    ("dialect", "own", "needed"),
    [
        ({"transport": {"mode": "call-back"}}, True, False),
        ({"transport": {"mode": "same-connection"}}, False, False),
        ({"transport": {"mode": "same-connection"}, "acknowledges": "requests"}, False, True),
    ],
)
async def test_how_it_is_said(dialect: dict[str, Any], own: bool, needed: bool) -> None:
    wire = Wire()
    await send(ASKED, wire, **dialect)
    assert (wire.said[0].own, wire.said[0].needs_reply) == (own, needed)


async def test_only_requests_are_confirmed_where_the_partner_confirms_requests() -> None:
    wire = Wire()
    await send(QUESTION, wire, acknowledges="requests")
    assert not wire.said[0].needs_reply


async def test_a_report_without_an_error_means_delivered() -> None:
    delivered, _ = await send(ASKED, Wire(answered()), acknowledges="all")
    assert delivered == DeliveryResult("ILL-Request answered by Status-Or-Error-Report")


async def test_an_answer_to_the_request_is_a_receipt() -> None:
    def unfilled(apdu: Apdu) -> IllAnswer:
        return IllAnswer(
            protocol_version=2,
            transaction_id=apdu.transaction_id,
            service_date_time=apdu.service_date_time,
            results=Results.UNFILLED,
            explanation=Explanation(unfilled=UnfilledResults(reason=ReasonUnfilled.NOT_OWNED)),
        )

    delivered, _ = await send(ASKED, Wire(unfilled), acknowledges="requests")
    assert delivered.refused is None


async def test_an_error_report_refuses() -> None:
    problem = ProviderError(general_problem=GeneralProblem.BADLY_STRUCTURED_APDU)
    delivered, _ = await send(QUESTION, Wire(answered(problem)), acknowledges="all")
    assert delivered.refused is not None
    assert "badly-structured-apdu" in delivered.refused.detail


async def test_a_request_that_is_known_there_was_delivered_before() -> None:
    wire = Wire(answered(ProviderError(transaction_id_problem=TransactionIdProblem.DUPLICATE_TRANSACTION_ID)))
    first, _ = await send(ASKED, wire, acknowledges="all")
    again, _ = await send(replace(ASKED, repeated=True), wire, acknowledges="all")
    assert first.refused is not None
    assert again.refused is None


async def test_a_partner_that_can_not_now_is_asked_again() -> None:
    wire = Wire(answered(UserError(unable_to_perform=UnableToPerform.RESOURCE_LIMITATION)))
    with pytest.raises(Unavailable):
        await send(ASKED, wire, acknowledges="all")


async def test_a_report_about_something_else_is_no_reply() -> None:
    wire = Wire()
    _, apdu = await send(ASKED, wire, acknowledges="all")
    is_reply = wire.said[0].is_reply
    assert is_reply is not None
    other = replace(apdu.transaction_id, qualifier="99")
    assert not is_reply(encode_apdu(answered()(replace(apdu, transaction_id=other))))
    assert not is_reply(b"\x73\x03\x30\x01\x00")
    assert not is_reply(encode_apdu(apdu))
