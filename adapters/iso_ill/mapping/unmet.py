"""What an ILL-Request asks of us as a responder that we can't do: it is answered UNFILLED at once, with the reason code
that the standard has for it (facts/iso-ill-10161.md 5 and 6)."""

from __future__ import annotations

from datetime import datetime

from adapters.iso_ill.mapping.context import Context
from adapters.iso_ill.mapping.moments import moment_out
from adapters.iso_ill.mapping.reasons import UNFILLED_IN
from adapters.iso_ill.messages import IllAnswer, IllRequest
from adapters.iso_ill.messages.answering import Explanation, UnfilledResults
from adapters.iso_ill.messages.codes import ApduType, ReasonUnfilled, Results, ServiceType, Wish
from adapters.iso_ill.messages.header import ServiceDateTime
from gateway.domain.frozen import frozen
from gateway.domain.requests.citation import Extra
from gateway.domain.requests.events import Details

_SUPPLIED = frozenset({ServiceType.LOAN, ServiceType.COPY_NON_RETURNABLE})


REASON = "reason-unfilled"
"""Name of the extra with the standard's own code, where our words have none for it."""


@frozen
class Unmet:
    reason: ReasonUnfilled
    detail: str

    @property
    def details(self) -> Details:
        """For an answer that goes through the outbox."""
        code = Extra(REASON, str(self.reason.value), "number")
        return Details(reason=UNFILLED_IN[self.reason].value, note=self.detail, extras=(code,))


def said_by(details: Details) -> ReasonUnfilled | None:
    """The code that `Unmet.details` has."""
    found = next((one.value for one in details.extras if one.name == REASON), "")
    return ReasonUnfilled(int(found)) if found else None


def unmet(apdu: IllRequest, context: Context) -> Unmet | None:
    """None: nothing that is asked is beyond us."""
    if apdu.service_types and not _SUPPLIED.intersection(apdu.service_types):
        return Unmet(ReasonUnfilled.OTHER, "Only loans and copies are supplied here.")
    can, wants = context.dialect.optional_messages, apdu.optional_messages
    for wish, able, type_, name in (
        (wants.shipped, can.can_send_shipped, ApduType.SHIPPED, "Shipped"),
        (wants.checked_in, can.can_send_checked_in, ApduType.CHECKED_IN, "Checked-In"),
    ):
        if wish == Wish.REQUIRES and not (able and context.dialect.takes(type_)):
            return Unmet(ReasonUnfilled.MANDATORY_MESSAGING_NOT_SUPPORTED, f"{name} is required; it is not sent here.")
    return None


def unfilled(apdu: IllRequest, why: Unmet, at: datetime, context: Context) -> IllAnswer:
    """With the ids as they came."""
    return IllAnswer(
        protocol_version=context.dialect.version,
        transaction_id=apdu.transaction_id,
        service_date_time=ServiceDateTime(this=moment_out(at, context.zone)),
        requester_id=apdu.requester_id,
        responder_id=apdu.responder_id,
        results=Results.UNFILLED,
        explanation=Explanation(unfilled=UnfilledResults(reason=why.reason)),
        note=why.detail,
    )
