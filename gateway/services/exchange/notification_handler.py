"""NotificationHandler: what partners tell of managed requests."""

from __future__ import annotations

from dataclasses import field
from typing import Protocol

from gateway.domain.clock import Clock
from gateway.domain.problems import Refusal, RefusalReason, Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.domain.value import value_object
from gateway.ports.partner_channel import InboxResult, IncomingPartnerMessage, ReportedStranger, StrangerMessage
from gateway.ports.responder import OutcomeClass
from gateway.ports.shared_store import Transaction
from gateway.services.exchange.handlers import DEFECT, DefectReporter, KeyedLocks, log_defect
from gateway.services.exchange.message_context import (
    MessageContext,
    MessageEnding,
    MessageOutcomes,
    NotReplayableError,
    end_not_stored,
    end_refused,
    journal_ending,
    journal_opening,
)
from gateway.store.journal import Journal
from gateway.store.journal_records import JournalEnding, JournalOpening


class PartnerInboxPort(Protocol):
    """The inbox of partners' messages about managed requests."""

    def receive_in(
        self, connection: Transaction, symbol: str, message: IncomingPartnerMessage, profile: Profile
    ) -> InboxResult:
        """Receive a message for the library with this symbol, inside a transaction; one that was here before changes
        nothing."""
        ...

    def report_stranger(self, connection: Transaction, stranger: StrangerMessage) -> ReportedStranger | None:
        """The request that a message names whose sender isn't let in, now on a list of staff: of whichever library,
        where its address names none. None: it names none, or one that is on that list already."""
        ...

    def notify_committed(self, symbol: str) -> None:
        """Wake what waits when that transaction has ended well."""
        ...


@value_object(kw_only=True)
class NotificationHandler:
    """`partner_inbox`: None where the gateway manages no requests."""

    journal: Journal
    clock: Clock
    endings: MessageOutcomes
    partner_inbox: PartnerInboxPort | None
    report_defect: DefectReporter = log_defect
    locks: KeyedLocks = field(default_factory=KeyedLocks)

    async def handle_notification(self, message: MessageContext, notice: IncomingPartnerMessage) -> MessageEnding:
        """Handle a notification; what it changes, its answer and the journal are one transaction. Messages of one
        partner about one request go one after the other; all others may share a commit. After a crash it was never
        here: its sender sends it again."""
        partner_inbox, symbol = self.partner_inbox, message.library.symbol
        if partner_inbox is None:
            return await self.endings.refuse_message(
                message, Refused(RefusalReason.UNSUPPORTED_SERVICE, "No requests are managed here.")
            )

        def receive_and_record(connection: Transaction) -> tuple[MessageEnding, JournalOpening, JournalEnding]:
            taken = partner_inbox.receive_in(connection, symbol, notice, message.rules)
            answer = message.write_answer(taken)
            refused = taken.refused
            ending = MessageEnding(
                message=message,
                answer=answer,
                outcome=OutcomeClass.OK if refused is None else OutcomeClass.REFUSED,
                reason=refused.reason.value if refused is not None else "",
                notes=(*_notes_of_result(taken), *([answer.note] if answer.note else [])),
                requests=(taken.request_id,),
            )
            return ending, journal_opening(message), journal_ending(ending, self.clock.now())

        async with self.locks.hold_key(f"{symbol} {message.profile} {notice.transaction}"):
            try:
                ending = await self.journal.record_in_transaction(receive_and_record)
            except Unavailable as down:
                return end_not_stored(message, down)
            except Exception as error:  # noqa: BLE001 - the partner gets an answer, and the message can be replayed
                self.report_defect("exchange.defect", error)
                refusal = Refusal(RefusalReason.TEMPORARY_FAILURE, DEFECT)
                answer = message.write_answer(InboxResult("", refusal))
                return await self.endings.record_ending(end_refused(message, refusal, answer, OutcomeClass.FAILED))
        partner_inbox.notify_committed(symbol)
        return ending

    async def report_stranger(self, message: MessageContext) -> ReportedStranger | None:
        """Report the request that a message names, though its sender isn't let in: the staff of its library look at it,
        and the journal leads to it. None: it names none. Once for a request, until staff have seen to it: whoever may
        do nothing here must not fill the disk either."""
        envelope, partner_inbox = message.envelope, self.partner_inbox
        if partner_inbox is None or envelope.request_role is None or not envelope.request_number:
            return None
        sender = envelope.from_agency or message.arrival.peer
        stranger = StrangerMessage(
            envelope.request_role, envelope.request_number, sender, envelope.to_agency, message.owner
        )
        try:
            return await self.journal.run_in_own_transaction(lambda c: partner_inbox.report_stranger(c, stranger))
        except Unavailable:
            return None  # it is refused all the same, and the journal says that it is away

    async def rehearse(self, message: MessageContext, notice: IncomingPartnerMessage) -> InboxResult:
        """Return what would become of it; nothing does. Raises NotReplayableError."""
        partner_inbox = self.partner_inbox
        if partner_inbox is None:
            raise NotReplayableError("no requests are managed here")

        def receive_and_roll_back(connection: Transaction) -> InboxResult:
            raise _RehearsalRollback(
                partner_inbox.receive_in(connection, message.library.symbol, notice, message.rules)
            )

        try:
            return await self.journal.run_in_own_transaction(receive_and_roll_back)
        except _RehearsalRollback as rehearsed:
            return rehearsed.taken


class _RehearsalRollback(Exception):
    """Ends a transaction that was only to show what it would do."""

    def __init__(self, taken: InboxResult) -> None:
        super().__init__("taken back")
        self.taken = taken


def _notes_of_result(taken: InboxResult) -> list[str]:
    notes = ["a repeat: it was here before"] if taken.repeated else []
    notes += ["about a request of a conformance test"] if taken.is_trial else []
    return notes if taken.refused is None else [*notes, taken.refused.detail]
