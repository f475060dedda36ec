"""CommandHandler and NotificationHandler: the two ways of a message."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import field
from typing import Any, Protocol

import structlog
from structlog.contextvars import bind_contextvars

from gateway.domain.clock import Clock
from gateway.domain.commands import (
    AcceptItem,
    Command,
    DeletePatron,
    ItemAccepted,
    ItemLent,
    LookUpPatron,
    LookUpRequest,
    Noted,
    Result,
)
from gateway.domain.library import Patron
from gateway.domain.partner_identifiers import translate_agency
from gateway.domain.problems import MessagePart, OutcomeUnknown, Refusal, RefusalReason, Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.domain.value import value_object
from gateway.ports.guarded_library import LibrarySystem
from gateway.ports.library_system import PatronKey
from gateway.ports.partner_channel import InboxResult, IncomingPartnerMessage, ReportedStranger, StrangerMessage
from gateway.ports.partner_things import PartnerThings
from gateway.ports.responder import DecodedMessage, ExchangeContext, OutcomeClass, ResponderAnswer
from gateway.ports.shared_store import SharesStore, Transaction, Work, WouldWait, run_without_waiting
from gateway.services.circulation import CirculationContext, dispatch_command, idempotency_key
from gateway.services.circulation.context import Authenticate
from gateway.services.circulation.own_things import OwnThings
from gateway.services.exchange.message_context import (
    MessageContext,
    MessageOutcomes,
    NotReplayableError,
    answer_not_stored,
    complete_opening,
    journal_ending,
    journal_opening,
    mark_failed,
)
from gateway.services.people.patron_authentication import PatronAuthenticator
from gateway.store.journal import Journal
from gateway.store.journal_records import JournalEnding, JournalEntry, JournalOpening
from gateway.store.partner_things import StoredPartnerThings

log = structlog.get_logger(component="exchange")

REPEATABLE = frozenset(
    {
        RefusalReason.DUPLICATE_ITEM,
        RefusalReason.DUPLICATE_REQUEST,
        RefusalReason.DUPLICATE_PATRON,
        RefusalReason.DUPLICATE_CHARGE,
        RefusalReason.ON_LOAN_SAME_PATRON,
        RefusalReason.NOT_CHECKED_OUT,
        RefusalReason.UNKNOWN_ITEM,
        RefusalReason.UNKNOWN_REQUEST,
        RefusalReason.REQUEST_CLOSED,
    }
)
"""Refusals by which a library that keeps no keys shows that it did this before: then the first answer is repeated."""

SHORT = (LookUpPatron, LookUpRequest)
"""Look-ups that read a few rows by their keys, so that they may stand in the way of those who write."""

UNCERTAIN = "The library system did not answer in time; whether it did its part is not known."
UNUSABLE = "The library system gave no usable answer; whether it did its part is not known."


@value_object
class LinkResult:
    """The result of a message that is about a managed request: with what the request adds to it, what is to be done
    when the transaction is over, and ids of the requests."""

    result: Result
    after: Callable[[], None]
    request_ids: tuple[str, ...] = ()


Link = Callable[[Transaction, str, Profile, Command, Result], LinkResult | None]
"""Tells the managed request that a message is about, inside a transaction: what the library has just done for a
command, by the symbol of the library. Done twice it changes nothing. None: no managed request is meant."""


DefectReporter = Callable[[str, Exception], None]
"""Takes an exception that nobody expects, and the event under which the log has it (`exchange.defect` …)."""


def log_defect(event: str, error: Exception) -> None:
    """A `DefectReporter` for commands: each defect is a line."""
    log.error(event, exc_info=error)


class CommandBroker(Protocol):
    """Commands that under some profiles are not for the library's system, but for managed requests."""

    def can_handle(self, profile: Profile, command: Command) -> bool: ...

    async def carry_out(self, command: Command, context: CirculationContext, key: str) -> Result:
        """Carry out a command as `services.circulation.dispatch` does, which also gets what turns out to be the
        library's after all."""
        ...


class PartnerInboxPort(Protocol):
    """The inbox of partners' messages about managed requests."""

    def receive_in(
        self, connection: Transaction, symbol: str, message: IncomingPartnerMessage, profile: Profile
    ) -> InboxResult:
        """Receive a message for the library with this symbol, inside a transaction; one that was here before changes
        nothing."""
        ...

    def report_stranger(self, connection: Transaction, stranger: StrangerMessage) -> ReportedStranger | None:
        """The request, of whichever library, that a message names whose sender isn't let in, now on a list of staff.
        None: it names none, or one that is on that list already."""
        ...

    def notify_committed(self, symbol: str) -> None:
        """Wake what waits when that transaction has ended well."""
        ...


class KeyedLocks:
    """One message of a kind at a time: a repeat that comes while the first is in hand waits for its answer."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def hold_key(self, key: str) -> AsyncIterator[None]:
        lock, users = self._held.get(key, (asyncio.Lock(), 0))
        self._held[key] = (lock, users + 1)
        try:
            async with lock:
                yield
        finally:
            lock, users = self._held[key]
            if users == 1:
                del self._held[key]
            else:
                self._held[key] = (lock, users - 1)


@value_object(kw_only=True)
class CommandHandler:
    """`library_seconds`: longest time for one use case. `link` and `broker`: where the gateway manages requests."""

    journal: Journal
    clock: Clock
    endings: MessageOutcomes
    authenticator: PatronAuthenticator
    library_seconds: float
    link: Link | None
    broker: CommandBroker | None
    report_defect: DefectReporter = log_defect
    locks: KeyedLocks = field(default_factory=KeyedLocks)

    async def handle_query(
        self, message: MessageContext, incoming: DecodedMessage, exchange: ExchangeContext
    ) -> ResponderAnswer:
        """Handle a message that changes nothing. Without a command it is the protocol that answers."""
        if isinstance(incoming.command, SHORT):
            answer = await self._handle_in_transaction(message, incoming, incoming.command, "", exchange)
            if answer is not None:
                return answer
        result = await self._ask_library(message, incoming.command, exchange) if incoming.command is not None else None
        message.told_patron = _find_told_patron(result)
        answer = message.responder.encode(message.envelope, incoming, result, exchange)
        return await self.endings.record_answer(message, answer)

    async def handle_command(
        self, message: MessageContext, incoming: DecodedMessage, command: Command, exchange: ExchangeContext
    ) -> ResponderAnswer:
        """Handle a message that changes something: once, however often it comes."""
        key = idempotency_key(command, exchange.profile.name)
        async with self.locks.hold_key(f"{message.library.symbol} {key}"):
            answer = await self._handle_in_transaction(message, incoming, command, key, exchange)
            if answer is not None:
                return answer
            try:
                begun = message.begun or await self.journal.begin(journal_opening(message))
            except Unavailable as down:
                return answer_not_stored(message, down)
            bind_contextvars(exchange=begun.exchange)
            return await self._handle_in_steps(message, incoming, command, key, exchange, begun)

    async def find_repeated_answer(self, message: MessageContext, key: str) -> ResponderAnswer | None:
        """The answer that this message got when it was carried out before."""
        before = await self.journal.find_processed(message.library.symbol, message.profile, key)
        first = before.answer if before is not None else None
        if before is None or first is None or first.body is None or first.message.truncated:
            return None
        message.outcome, message.reason, message.repeat_of = OutcomeClass.OK, "", before.first_message
        message.notes = ["a repeat: answered as before"]
        return ResponderAnswer(first.body, first.message.content_type, first.message.status or 200)

    # --- in one transaction ------------------------------------------------------------------------------

    async def _handle_in_transaction(
        self, message: MessageContext, incoming: DecodedMessage, command: Command, key: str, exchange: ExchangeContext
    ) -> ResponderAnswer | None:
        """Work, answer and journal in one transaction (docs/decisions/0005-one-transaction.md).

        None where that is not possible or doesn't end well: nothing has happened then, and the usual way meets the
        same again and tells the kinds of trouble apart. A defect may be of this way alone: it is reported here."""
        system = message.library.system
        if message.begun is not None or not isinstance(system, SharesStore):
            return None
        if self.broker is not None and self.broker.can_handle(exchange.profile, command):
            return None
        link = self.link if key else None
        notes = tuple(message.notes)

        def dispatch_and_record(
            connection: Transaction,
        ) -> tuple[tuple[ResponderAnswer, LinkResult | None], JournalOpening, JournalEnding]:
            here = system.in_transaction(connection)

            async def run_here(work: Work[Any]) -> Any:
                return work(connection)

            things = StoredPartnerThings(message.library.symbol, run_here, run_here, self.clock)
            context = self._make_circulation_context(message, exchange, here, here.authenticate, things)
            result = run_without_waiting(dispatch_command(command, context, key))
            message.notes, message.told_patron = [*notes, *_notes_of_command(result)], _find_told_patron(result)
            linked = (
                link(connection, message.library.symbol, exchange.profile, command, result)
                if link is not None
                else None
            )
            message.managed_requests = linked.request_ids if linked is not None else ()
            answer = message.responder.encode(message.envelope, incoming, linked.result if linked else result, exchange)
            return (answer, linked), journal_opening(message), journal_ending(message, answer, self.clock.now(), key)

        try:
            answer, linked = await self.journal.record_in_transaction(dispatch_and_record)
        except (Refused, Unavailable, OutcomeUnknown, WouldWait) as error:
            log.debug("exchange.fell_back_to_steps", kind=type(error).__name__)
            message.notes, message.managed_requests = [*notes], ()
            return None
        except Exception as error:  # noqa: BLE001 - see above
            self.report_defect("exchange.transaction_defect", error)
            message.notes, message.managed_requests = [*notes], ()
            return None
        if linked is not None:
            linked.after()
        return answer

    # --- in steps ----------------------------------------------------------------------------------------

    async def _handle_in_steps(
        self,
        message: MessageContext,
        incoming: DecodedMessage,
        command: Command,
        key: str,
        exchange: ExchangeContext,
        begun: JournalEntry,
    ) -> ResponderAnswer:
        """The library first, then the managed request, then answer and journal: each finds done what was done."""
        outcome = await self._ask_library(message, command, exchange)
        if not isinstance(outcome, Refusal):
            message.notes += _notes_of_command(outcome)
            message.told_patron = _find_told_patron(outcome)
        begun = complete_opening(message, begun)
        answer = None
        if (
            isinstance(outcome, Refusal)
            and (outcome.reason in REPEATABLE or _is_already_deleted(command, outcome))
            and _can_repeat_answer(command, exchange.profile)
        ):
            answer = await self.find_repeated_answer(message, key)
        try:
            if answer is None:
                outcome = await self._link_request(message, command, outcome, exchange, begun)
                answer = message.responder.encode(message.envelope, incoming, outcome, exchange)
            done = key if message.outcome is OutcomeClass.OK and not message.repeat_of else ""
            await self.journal.complete(begun, journal_ending(message, answer, self.clock.now(), done))
        except Unavailable as down:
            return answer_not_stored(message, down)
        return answer

    async def _link_request(
        self,
        message: MessageContext,
        command: Command,
        outcome: Result | Refusal,
        exchange: ExchangeContext,
        begun: JournalEntry,
    ) -> Result | Refusal:
        """Link what the library did to events of a managed request. After a crash from here on the message is carried
        out again, and the request told again. A defect here is no reason to answer that the library did nothing.

        Raises Unavailable (the store).
        """
        link = self.link
        if link is None or isinstance(outcome, Refusal):
            return outcome
        symbol = message.library.symbol
        try:
            linked = await self.journal.run_for_exchange(
                begun, lambda c: link(c, symbol, exchange.profile, command, outcome)
            )
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - see above
            self.report_defect("exchange.link_defect", error)
            message.notes.append("the managed request could not be told; see the gateway's log")
            return outcome
        if linked is None:
            return outcome
        message.managed_requests = linked.request_ids
        linked.after()
        return linked.result

    # --- the use case ------------------------------------------------------------------------------------

    async def _ask_library(
        self, message: MessageContext, command: Command, exchange: ExchangeContext
    ) -> Result | Refusal:
        context = self._make_circulation_context(
            message,
            exchange,
            message.library.system,
            self._make_authenticate(message, exchange),
            StoredPartnerThings(
                message.library.symbol, self.journal.read_store, self.journal.run_in_own_transaction, self.clock
            ),
        )
        broker = self.broker
        try:
            async with asyncio.timeout(self.library_seconds):
                if broker is not None and broker.can_handle(exchange.profile, command):
                    return await broker.carry_out(command, context, idempotency_key(command, context.profile))
                return await dispatch_command(command, context)
        except Refused as refused:
            return mark_failed(message, OutcomeClass.REFUSED, Refusal.from_error(refused))
        except Unavailable as error:
            log.warning("library.unavailable", reason=str(error))
            detail = (
                "The library system can't be reached or reports a temporary failure; nothing was done. "
                "Please send the message again later."
            )
        except TimeoutError:
            log.warning("library.outcome_unknown", reason="no answer in time")
            detail = UNCERTAIN
        except OutcomeUnknown as unknown:
            log.warning("library.outcome_unknown", reason=str(unknown))
            detail = UNUSABLE
        except Exception as error:  # noqa: BLE001 - the partner gets an answer, and the message can be replayed
            self.report_defect("exchange.defect", error)
            detail = "An internal error occurred; the message is kept and can be replayed."
        return mark_failed(
            message, OutcomeClass.FAILED, Refusal(RefusalReason.TEMPORARY_FAILURE, detail, MessagePart.SERVICE)
        )

    def _make_authenticate(self, message: MessageContext, exchange: ExchangeContext) -> Authenticate:
        library, address = message.library, message.arrival.peer
        address_failures = exchange.profile.circulation.patrons.address_tries

        async def authenticate(key: PatronKey, secret: str) -> Patron:
            return await self.authenticator.authenticate(library, key, secret, address, address_failures)

        return authenticate

    def _make_circulation_context(
        self,
        message: MessageContext,
        exchange: ExchangeContext,
        system: LibrarySystem,
        authenticate: Authenticate,
        things: PartnerThings,
    ) -> CirculationContext:
        """Make the context; in a transaction `authenticate` is the library's own, which waits for nothing: it leaves
        the check of a secret to the usual way."""
        return CirculationContext(
            library=system,
            things=OwnThings(things, exchange.profile.name, exchange.profile.circulation.rights.profiles),
            authenticate=authenticate,
            policy=exchange.profile.circulation,
            profile=exchange.profile.name,
            zone=message.library.zone,
            currency=message.library.currency,
            clock=self.clock,
            symbol=message.library.symbol,
            sender=translate_agency(message.envelope.from_agency, exchange.profile.circulation),
            institution=exchange.profile.partner.symbol if exchange.profile.partner is not None else "",
            message_id=message.identity,
        )


def _notes_of_command(result: Result) -> tuple[str, ...]:
    """Return what the journal is told of a command that was carried out."""
    if isinstance(result, Noted) and result.meant is not None:
        result = result.meant[1]
    return result.notes if isinstance(result, ItemAccepted | ItemLent) else ()


def _find_told_patron(result: object) -> str:
    """Id of the patron that the answer may name, whether the question did or not."""
    patron = getattr(result, "patron", None)
    return patron.id if isinstance(patron, Patron) else ""


def _is_already_deleted(command: Command, refusal: Refusal) -> bool:
    """Return whether nobody is found by the name of a patron that this very message has deleted."""
    return isinstance(command, DeletePatron) and refusal.reason is RefusalReason.UNKNOWN_PATRON


def _can_repeat_answer(command: Command, profile: Profile) -> bool:
    return not isinstance(command, AcceptItem) or profile.circulation.accept.duplicate != "refuse"


@value_object(kw_only=True)
class NotificationHandler:
    """`partner_inbox`: None where the gateway manages no requests."""

    journal: Journal
    clock: Clock
    endings: MessageOutcomes
    partner_inbox: PartnerInboxPort | None
    report_defect: DefectReporter = log_defect
    locks: KeyedLocks = field(default_factory=KeyedLocks)

    async def handle_notification(
        self, message: MessageContext, incoming: DecodedMessage, told: IncomingPartnerMessage, exchange: ExchangeContext
    ) -> ResponderAnswer:
        """Handle a notification; what it changes, its answer and the journal are one transaction. Messages of one
        partner about one request go one after the other; all others may share a commit. After a crash it was never
        here: its sender sends it again."""
        partner_inbox, profile = self.partner_inbox, exchange.profile
        if partner_inbox is None:
            return await self.endings.refuse_message(
                message, Refusal(RefusalReason.UNSUPPORTED_SERVICE, "No requests are managed here.")
            )
        notes = tuple(message.notes)

        def receive_and_record(connection: Transaction) -> tuple[ResponderAnswer, JournalOpening, JournalEnding]:
            message.outcome, message.reason = OutcomeClass.OK, ""
            taken = partner_inbox.receive_in(connection, message.library.symbol, told, profile)
            message.managed_requests = (taken.request_id,)
            answer = message.responder.encode(message.envelope, incoming, taken, exchange)
            message.notes = [*notes, *_notes_of_result(taken), *([answer.note] if answer.note else [])]
            if taken.refused is not None:
                message.outcome, message.reason = OutcomeClass.REFUSED, taken.refused.reason.value
            return answer, journal_opening(message), journal_ending(message, answer, self.clock.now())

        async with self.locks.hold_key(f"{message.library.symbol} {profile.name} {told.transaction}"):
            try:
                answer = await self.journal.record_in_transaction(receive_and_record)
            except Unavailable as down:
                return answer_not_stored(message, down)
            except Exception as error:  # noqa: BLE001 - the partner gets an answer, and the message can be replayed
                self.report_defect("exchange.defect", error)
                message.notes, message.managed_requests = [*notes], ()
                detail = "An internal error occurred; the message is kept and can be replayed."
                refusal = mark_failed(message, OutcomeClass.FAILED, Refusal(RefusalReason.TEMPORARY_FAILURE, detail))
                answer = message.responder.encode(message.envelope, incoming, InboxResult("", refusal), exchange)
                return await self.endings.record_answer(message, answer)
        partner_inbox.notify_committed(message.library.symbol)
        return answer

    async def report_stranger(self, message: MessageContext) -> str:
        """The symbol of the library whose request a message names, though its sender isn't let in: its staff look at
        it, and the journal leads to the request. Empty: it names none. Once for a request, until staff have seen to it:
        whoever may do nothing here must not fill the disk either."""
        envelope, partner_inbox = message.envelope, self.partner_inbox
        if partner_inbox is None or envelope.request_role is None or not envelope.request_number:
            return ""
        sender = envelope.from_agency or message.arrival.peer
        stranger = StrangerMessage(envelope.request_role, envelope.request_number, sender, envelope.to_agency)
        try:
            found = await self.journal.run_in_own_transaction(lambda c: partner_inbox.report_stranger(c, stranger))
        except Unavailable:
            return ""  # it is refused all the same, and the journal says that it is away
        if found is None:
            return ""
        message.managed_requests = (found.request_id,)
        return found.library

    async def rehearse(
        self, message: MessageContext, told: IncomingPartnerMessage, exchange: ExchangeContext
    ) -> InboxResult:
        """Return what would become of it; nothing does. Raises NotReplayableError."""
        partner_inbox = self.partner_inbox
        if partner_inbox is None:
            raise NotReplayableError("no requests are managed here")

        def receive_and_roll_back(connection: Transaction) -> InboxResult:
            raise _RehearsalRollback(
                partner_inbox.receive_in(connection, message.library.symbol, told, exchange.profile)
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
