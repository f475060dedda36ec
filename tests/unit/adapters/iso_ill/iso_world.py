"""The joined libraries of the domain's tests with ISO ILL between them: every message is an APDU, and its receiver's
state table is asked first."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC

from adapters.iso_ill.codec import decode_apdu, encode_apdu
from adapters.iso_ill.mapping import IllContext, apdu_of_message
from adapters.iso_ill.mapping.identities import transaction_key
from adapters.iso_ill.messages import Apdu
from adapters.iso_ill.state_rules import describe_deviation, guard_message
from adapters.iso_ill.state_tables import ALWAYS
from gateway.domain.problems import Refused
from gateway.domain.requests.events import EventDetails, EventKind, EventOrigin, EventSignal
from gateway.domain.requests.request import LibraryParty, Role
from gateway.domain.requests.state_machine import Denied, Transition
from gateway.domain.requests.state_table import DenialReason
from gateway.ports.partner_channel import PartnerMessage
from tests.unit.domain.requests.joined import Message, World

BORROWER = LibraryParty(symbol="ISIL:PL-WaUW", name="Biblioteka Uniwersytecka")
LENDER = LibraryParty(symbol="ISIL:JP-1003457", name="京都図書館")
CONTEXT = IllContext(library_zone=UTC, currency="EUR")


@dataclass
class IsoWorld(World):
    """`prohibited`: what a guard refused; `deviations`: where our tables led elsewhere than the protocol's."""

    apdus: dict[int, Apdu] = field(default_factory=dict)
    prohibited: list[str] = field(default_factory=list)
    deviations: list[str] = field(default_factory=list)
    coming: Apdu | None = None

    def _send(self, to: Role, attempt: int, kind: EventKind, details: EventDetails) -> None:
        super()._send(to, attempt, kind, details)
        from_borrower = to is Role.LENDING
        side = self.borrower if from_borrower else self.lenders[attempt]
        asked = self.borrower.request.find_attempt(attempt)
        assert asked is not None
        message = PartnerMessage(
            id=str(self.sent),
            kind=kind,
            at=self.at,
            sender=BORROWER if from_borrower else LENDER,
            receiver=LENDER if from_borrower else BORROWER,
            role=Role.BORROWING if from_borrower else Role.LENDING,
            transaction=asked.transaction if from_borrower else side.request.transaction,
            details=details,
            request=side.request,
        )
        try:
            apdu = apdu_of_message(message, CONTEXT)
        except Refused:  # an Overdue of a loan without a date: it goes nowhere
            self.wire.pop()
            return
        self.apdus[self.sent] = decode_apdu(encode_apdu(apdu)).apdu

    def _asks(self, message: Message) -> None:
        super()._asks(message)
        side = self.lenders[message.attempt]
        transaction = transaction_key(self.apdus[message.id].transaction_id)
        side.request = replace(side.request, transaction=transaction, created=self.at, changed=self.at)

    def deliver(self, index: int) -> None:
        self.coming = self.apdus[self.wire[index % len(self.wire)].id]
        try:
            super().deliver(index)
        finally:
            self.coming = None

    def happens(
        self, number: int, signal: EventSignal, attempt: int = 0, details: EventDetails | None = None
    ) -> Transition | Denied:
        apdu = self.coming
        if apdu is None or signal.origin is not EventOrigin.PARTNER:
            return super().happens(number, signal, attempt, details)
        self.coming = None  # what follows from it is not the APDU itself
        request = self.side(number).request
        allowed = guard_message(apdu, CONTEXT)
        refusal = allowed(request)
        if refusal is not None:
            self.prohibited.append(refusal.detail)
            self.story.append(f"{number or 'borrower'}: {refusal.detail}")
            return Denied(DenialReason.NOT_NOW, signal, request.state)
        outcome = super().happens(number, signal, attempt, details)
        if apdu.type in ALWAYS:  # a changed due date goes as a Message
            return outcome
        if isinstance(outcome, Transition) and (
            line := describe_deviation(apdu, outcome.request, CONTEXT, allowed.seen)
        ):
            self.deviations.append(line)
        return outcome
