"""CommandHandler: commands to the library, in one transaction or in steps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import field
from typing import Any, Protocol

import structlog
from structlog.contextvars import bind_contextvars

from gateway.domain.clock import Clock
from gateway.domain.commands import (
    AcceptItem,
    Command,
    CreatePatron,
    DeletePatron,
    ItemAccepted,
    ItemLent,
    LookUpPatron,
    LookUpRequest,
    Noted,
    PatronRef,
    Result,
    UpdatePatron,
)
from gateway.domain.library import Patron
from gateway.domain.partner_identifiers import translate_agency
from gateway.domain.problems import MessagePart, OutcomeUnknown, Refusal, RefusalReason, Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.domain.value import value_object
from gateway.ports.guarded_library import LibrarySystem
from gateway.ports.library_system import PatronKey
from gateway.ports.partner_things import PartnerThings
from gateway.ports.responder import OutcomeClass, ResponderAnswer
from gateway.ports.shared_store import (
    FailedStatementError,
    LibraryTransaction,
    SavepointsNeeded,
    SharesStore,
    TakenKeyError,
    Transaction,
    Work,
    run_without_waiting,
)
from gateway.services.circulation import CirculationContext, dispatch_command, idempotency_key
from gateway.services.circulation.context import Authenticate
from gateway.services.circulation.own_things import OwnThings
from gateway.services.circulation.patrons import list_secrets
from gateway.services.exchange.message_context import (
    MessageContext,
    MessageEnding,
    MessageOutcomes,
    complete_opening,
    end_not_stored,
    end_refused,
    journal_ending,
    journal_opening,
)
from gateway.services.people.patron_authentication import PatronAuthenticator
from gateway.store.journal import Journal
from gateway.store.journal_records import JournalEnding, JournalEntry, JournalOpening, ProcessedMessage
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
AWAY = (
    "The library system can't be reached or reports a temporary failure; nothing was done. "
    "Please send the message again later."
)
DEFECT = "An internal error occurred; the message is kept and can be replayed."
NOT_TOLD = "the managed request could not be told; see the gateway's log"

RACES = 3
"""So often a command is carried out again where another transaction was quicker."""

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

    async def handle_query(self, message: MessageContext, command: Command | None) -> MessageEnding:
        """Handle a message that changes nothing. Without a command it is the protocol that answers."""
        if command is None:
            return await self.endings.record_ending(MessageEnding(message=message, answer=message.write_answer(None)))
        system = self._find_shared_system(message, command) if isinstance(command, SHORT) else None
        if system is not None:
            return await self._carry_out_in_transaction(message, command, "", system)
        return await self.endings.record_ending(await self._ask_library(message, command))

    async def handle_command(self, message: MessageContext, command: Command) -> MessageEnding:
        """Handle a message that changes something: once, however often it comes. A library whose system shares the
        store does it in one transaction, any other in steps."""
        key = idempotency_key(command, message.profile)
        async with self.locks.hold_key(f"{message.library.symbol} {key}"):
            system = self._find_shared_system(message, command)
            if system is not None:
                return await self._carry_out_in_transaction(message, command, key, system)
            return await self._carry_out_in_steps(message, command, key)

    async def find_repeated_answer(self, message: MessageContext, key: str) -> MessageEnding | None:
        """Find the answer that this message got when it was carried out before."""
        return _end_repeated(message, await self.journal.find_processed(message.library.symbol, message.profile, key))

    def _find_shared_system(self, message: MessageContext, command: Command) -> SharesStore | None:
        """Find the library's system where it shares the store; None also for what a broker does, and for a message
        whose opening is in the journal."""
        system = message.library.system
        if message.begun is not None or not isinstance(system, SharesStore):
            return None
        is_brokered = self.broker is not None and self.broker.can_handle(message.rules, command)
        return None if is_brokered else system

    # --- in one transaction ------------------------------------------------------------------------------

    async def _carry_out_in_transaction(
        self, message: MessageContext, command: Command, key: str, system: SharesStore
    ) -> MessageEnding:
        """Work, answer and journal in one transaction (docs/decisions/0005-one-transaction.md), a refusal too; only a
        defect ends it, and is answered as one. Secrets are checked and hashed before, since that takes long."""
        try:
            secrets = await self._check_secrets(message, command)
            hashes = {secret: await system.hash_secret(secret) for secret in _list_new_secrets(command)}
            carried = _CommandInTransaction(self, message, command, key, system, secrets, hashes)
            ending, linked = await self._record_in_transaction(carried)
        except Unavailable as down:
            return end_not_stored(message, down)
        except Exception as error:  # noqa: BLE001 - the partner gets an answer, and the message can be replayed
            self.report_defect("exchange.defect", error)
            return await self.endings.record_ending(_end_failed(message, DEFECT))
        if linked is not None:
            linked.after()
        return ending

    async def _record_in_transaction(self, carried: _CommandInTransaction) -> tuple[MessageEnding, LinkResult | None]:
        """Once more with savepoints where part of it was refused or failed after something had been written, or where
        another transaction was quicker."""
        try:
            return await self.journal.record_in_transaction(carried.run)
        except (SavepointsNeeded, TakenKeyError) as error:
            log.debug("exchange.carried_out_again", kind=type(error).__name__)
            for _ in range(RACES):
                with suppress(FailedStatementError):
                    return await self.journal.record_in_transaction(carried.run_with_savepoints)
            return await self.journal.record_in_transaction(carried.run_last)

    async def _check_secrets(
        self, message: MessageContext, command: Command
    ) -> Mapping[tuple[PatronKey, str], Refused | None]:
        """Check the secrets by which the command names its patron: why each is refused, or None. The use case says it
        when its turn comes. Raises Unavailable."""
        named = getattr(command, "patron", None)
        if not isinstance(named, PatronRef) or not named.credentials:
            return {}
        context = self.make_library_context(message)
        checked: dict[tuple[PatronKey, str], Refused | None] = {}
        with suppress(Refused):
            for key, secret in list_secrets(named, context):
                try:
                    await context.authenticate(key, secret)
                except Refused as refused:
                    checked[key, secret] = refused
                    break
                checked[key, secret] = None
        return checked

    # --- in steps ----------------------------------------------------------------------------------------

    async def _carry_out_in_steps(self, message: MessageContext, command: Command, key: str) -> MessageEnding:
        """The library first, then the managed request, then answer and journal: each finds done what was done."""
        try:
            begun = message.begun or await self.journal.begin(journal_opening(message))
            bind_contextvars(exchange=begun.exchange)
            ending = await self._ask_library(message, command, begun)
            if ending.outcome is OutcomeClass.REFUSED and _may_be_repeat(command, ending.reason, message.rules):
                ending = await self.find_repeated_answer(message, key) or ending
            done = key if ending.outcome is OutcomeClass.OK and not ending.repeat_of else ""
            recorded = journal_ending(ending, self.clock.now(), done)
            await self.journal.complete(complete_opening(begun, ending), recorded)
        except Unavailable as down:
            return end_not_stored(message, down)
        return ending

    async def _ask_library(
        self, message: MessageContext, command: Command, begun: JournalEntry | None = None
    ) -> MessageEnding:
        """`begun`: the exchange to which what a managed request is told belongs; None: it isn't told. Raises
        Unavailable (the store, when the library has done its part)."""
        context, broker = self.make_library_context(message), self.broker
        try:
            async with asyncio.timeout(self.library_seconds):
                if broker is not None and broker.can_handle(message.rules, command):
                    result = await broker.carry_out(command, context, idempotency_key(command, context.profile))
                else:
                    result = await dispatch_command(command, context)
        except Refused as refused:
            return _end_refusal(message, Refusal.from_error(refused))
        except Unavailable as error:
            log.warning("library.unavailable", reason=str(error))
            return _end_failed(message, AWAY)
        except TimeoutError:
            log.warning("library.outcome_unknown", reason="no answer in time")
            return _end_failed(message, UNCERTAIN)
        except OutcomeUnknown as unknown:
            log.warning("library.outcome_unknown", reason=str(unknown))
            return _end_failed(message, UNUSABLE)
        except Exception as error:  # noqa: BLE001 - the partner gets an answer, and the message can be replayed
            self.report_defect("exchange.defect", error)
            return _end_failed(message, DEFECT)
        if self.link is None or begun is None:
            return end_done(message, result, None)
        return await self._link_request(message, command, result, self.link, begun)

    async def _link_request(
        self, message: MessageContext, command: Command, result: Result, link: Link, begun: JournalEntry
    ) -> MessageEnding:
        """Link what the library did to events of a managed request. After a crash from here on the message is carried
        out again, and the request told again. A defect here is no reason to answer that the library did nothing.

        Raises Unavailable (the store).
        """
        try:
            linked = await self.journal.run_for_exchange(
                begun, lambda c: link(c, message.library.symbol, message.rules, command, result)
            )
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - see above
            self.report_defect("exchange.link_defect", error)
            return end_done(message, result, None, NOT_TOLD)
        ending = end_done(message, result, linked)
        if linked is not None:
            linked.after()
        return ending

    # --- the use case ------------------------------------------------------------------------------------

    def make_library_context(self, message: MessageContext) -> CirculationContext:
        """Make the context of what waits for the library."""
        journal = self.journal
        things = StoredPartnerThings(
            message.library.symbol, journal.read_store, journal.run_in_own_transaction, self.clock
        )
        return self.make_context(message, message.library.system, self._make_authenticate(message), things)

    def _make_authenticate(self, message: MessageContext) -> Authenticate:
        library, address = message.library, message.arrival.peer
        address_failures = message.rules.circulation.patrons.address_tries

        async def authenticate(key: PatronKey, secret: str) -> Patron:
            return await self.authenticator.authenticate(library, key, secret, address, address_failures)

        return authenticate

    def make_context(
        self, message: MessageContext, system: LibrarySystem, authenticate: Authenticate, things: PartnerThings
    ) -> CirculationContext:
        profile, addressee = message.rules, message.library
        return CirculationContext(
            library=system,
            things=OwnThings(things, profile.name, profile.circulation.rights.profiles),
            authenticate=authenticate,
            policy=profile.circulation,
            profile=profile.name,
            zone=addressee.zone,
            currency=addressee.currency,
            clock=self.clock,
            symbol=addressee.symbol,
            sender=translate_agency(message.envelope.from_agency, profile.circulation),
            institution=profile.partner.symbol if profile.partner is not None else "",
            identify_message=message.identify,
        )


@value_object
class _CommandInTransaction:
    """A command as it is carried out, answered and recorded in a transaction. Run as often as it takes."""

    handler: CommandHandler
    message: MessageContext
    command: Command
    key: str
    system: SharesStore
    secrets: Mapping[tuple[PatronKey, str], Refused | None] = field(repr=False)
    hashes: Mapping[str, str] = field(repr=False)

    def run(self, connection: Transaction) -> RecordedCommand:
        """Run the command. Raises SavepointsNeeded, and what is a defect."""
        return self._run_within(LibraryTransaction(connection, self.hashes))

    def run_with_savepoints(self, connection: Transaction) -> RecordedCommand:
        """Run the command in savepoints. Raises FailedStatementError, and what is a defect."""
        return self._run_within(LibraryTransaction(connection, self.hashes, has_savepoints=True))

    def run_last(self, connection: Transaction) -> RecordedCommand:
        """Run it with savepoints and no other try: where the managed request can't be told, the command is done all
        the same. Raises what is a defect."""
        return self._run_within(LibraryTransaction(connection, self.hashes, has_savepoints=True), is_last=True)

    def _run_within(self, transaction: LibraryTransaction, *, is_last: bool = False) -> RecordedCommand:
        message, linked, done = self.message, None, ""
        try:
            with transaction.begin_savepoint():
                context = self._make_context(transaction)
                result = run_without_waiting(dispatch_command(self.command, context, self.key))
        except Refused as refused:
            if transaction.has_changes and not transaction.has_savepoints:
                raise SavepointsNeeded("refused after a change") from refused
            ending = self._end_refused(transaction.connection, Refusal.from_error(refused))
        else:
            linked, notes = self._link_request(transaction, result, is_last=is_last)
            ending, done = end_done(message, result, linked, *notes), self.key
        recorded = journal_ending(ending, self.handler.clock.now(), done)
        return (ending, linked), journal_opening(message, ending.patron), recorded

    def _make_context(self, transaction: LibraryTransaction) -> CirculationContext:
        system = self.system.in_transaction(transaction)

        async def run_work(work: Work[Any]) -> Any:
            return work(transaction.connection)

        async def authenticate(key: PatronKey, secret: str) -> Patron:
            refused = self.secrets[key, secret]
            if refused is not None:
                raise refused
            return await system.find_patron(key)

        things = StoredPartnerThings(self.message.library.symbol, run_work, run_work, self.handler.clock)
        return self.handler.make_context(self.message, system, authenticate, things)

    def _end_refused(self, connection: Transaction, refusal: Refusal) -> MessageEnding:
        message, journal = self.message, self.handler.journal
        repeated = None
        if self.key and _may_be_repeat(self.command, refusal.reason, message.rules):
            before = journal.find_processed_in(connection, message.library.symbol, message.profile, self.key)
            repeated = _end_repeated(message, before)
        return repeated or _end_refusal(message, refusal)

    def _link_request(
        self, transaction: LibraryTransaction, result: Result, *, is_last: bool
    ) -> tuple[LinkResult | None, tuple[str, ...]]:
        """Tell the managed request; return what became of it, and what the journal is told. As in steps, a defect here
        is no reason to answer that the library did nothing."""
        link, message = self.handler.link, self.message
        if link is None or not self.key:
            return None, ()
        try:
            with transaction.begin_savepoint():
                connection = transaction.connection
                return link(connection, message.library.symbol, message.rules, self.command, result), ()
        except Exception as error:
            if not transaction.has_savepoints:
                raise SavepointsNeeded("the managed request could not be told") from error
            if isinstance(error, FailedStatementError) and not is_last:
                raise  # another transaction may have been quicker
            self.handler.report_defect("exchange.link_defect", error)
            return None, (NOT_TOLD,)


RecordedCommand = tuple[tuple[MessageEnding, LinkResult | None], JournalOpening, JournalEnding]


def end_done(message: MessageContext, result: Result, linked: LinkResult | None, *notes: str) -> MessageEnding:
    """End a message that the library has carried out."""
    return MessageEnding(
        message=message,
        answer=message.write_answer(linked.result if linked is not None else result),
        notes=(*_notes_of_command(result), *notes),
        requests=linked.request_ids if linked is not None else (),
        patron=_find_answered_patron(result),
    )


def _end_refusal(
    message: MessageContext, refusal: Refusal, outcome: OutcomeClass = OutcomeClass.REFUSED
) -> MessageEnding:
    return end_refused(message, refusal, message.write_answer(refusal), outcome)


def _end_failed(message: MessageContext, detail: str) -> MessageEnding:
    refusal = Refusal(RefusalReason.TEMPORARY_FAILURE, detail, MessagePart.SERVICE)
    return _end_refusal(message, refusal, OutcomeClass.FAILED)


def _end_repeated(message: MessageContext, before: ProcessedMessage | None) -> MessageEnding | None:
    first = before.answer if before is not None else None
    if before is None or first is None or first.body is None or first.message.truncated:
        return None
    answer = ResponderAnswer(first.body, first.message.content_type, first.message.status or 200)
    notes = ("a repeat: answered as before",)
    return MessageEnding(message=message, answer=answer, notes=notes, repeat_of=before.first_message)


def _notes_of_command(result: Result) -> tuple[str, ...]:
    """Return what the journal is told of a command that was carried out."""
    if isinstance(result, Noted) and result.meant is not None:
        result = result.meant[1]
    return result.notes if isinstance(result, ItemAccepted | ItemLent) else ()


def _find_answered_patron(result: object) -> str:
    """Id of the patron that the answer may name, whether the question did or not."""
    patron = getattr(result, "patron", None)
    return patron.id if isinstance(patron, Patron) else ""


def _list_new_secrets(command: Command) -> tuple[str, ...]:
    match command:
        case CreatePatron(draft=draft) | UpdatePatron(add=draft):
            return (draft.secret,) if draft.secret else ()
    return ()


def _may_be_repeat(command: Command, reason: str, profile: Profile) -> bool:
    """Return whether a refusal shows that the library did this before. Nobody is found by the name of a patron that
    this very message has deleted."""
    if isinstance(command, AcceptItem) and profile.circulation.accept.duplicate == "refuse":
        return False
    is_deleted = isinstance(command, DeletePatron) and reason == RefusalReason.UNKNOWN_PATRON
    return is_deleted or reason in REPEATABLE
