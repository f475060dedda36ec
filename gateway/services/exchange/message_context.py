"""MessageContext, its journal values, refusals recorded; values of a replay."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import blake2b

import structlog

from gateway.domain.clock import Clock
from gateway.domain.commands import Command, CreatePatron, Named, PatronRef
from gateway.domain.problems import MalformedMessage, Refusal, RefusalReason, Unavailable
from gateway.domain.sentences import sentence_of_text, write_sentence
from gateway.domain.value import value_object
from gateway.ports.guarded_library import ExchangeLibrary
from gateway.ports.partner_channel import IncomingPartnerMessage
from gateway.ports.responder import (
    DecodedMessage,
    ExchangeContext,
    MessageEnvelope,
    OutcomeClass,
    RawMessage,
    Responder,
    ResponderAnswer,
    TransportKind,
)
from gateway.profiles.matching import MessageSender
from gateway.store.journal import Journal
from gateway.store.journal_records import FullMessage, JournalEnding, JournalEntry, JournalOpening, MessageDirection

log = structlog.get_logger(component="exchange")

AFTERWARDS = "finished after an interruption; the answer was not sent"


@dataclass(slots=True)
class MessageContext:
    """The message in hand: what is known so far."""

    arrival: RawMessage
    responder: Responder
    envelope: MessageEnvelope
    library: ExchangeLibrary
    started: float
    exchange_context: ExchangeContext | None = None
    incoming: DecodedMessage | None = None
    outcome: OutcomeClass = OutcomeClass.OK
    reason: str = ""
    notes: list[str] = field(default_factory=list)
    token_fault: str = ""  # what is wrong with its signed token, where one is asked for
    agency_fault: str = ""  # whose credential fits, though not for the agency that it names; for staff only
    repeat_of: str = ""
    replay_of: str = ""
    first_received: datetime | None = None  # of a message that is carried out again; None: it has only just come
    begun: JournalEntry | None = None  # its opening is in the journal already
    managed_requests: tuple[str, ...] = ()  # ids of those that it turned out to be about
    told_patron: str = ""  # id of the one that its answer names

    @property
    def profile(self) -> str:
        return self.exchange_context.profile.name if self.exchange_context is not None else ""

    @property
    def identity(self) -> str:
        """The value that tells this message from another with the same words; the same when it is carried out again,
        after a crash or by staff."""
        first = (self.first_received or self.arrival.received).astimezone(UTC)
        return blake2b(first.isoformat().encode() + self.arrival.body, digest_size=12).hexdigest()


def journal_opening(message: MessageContext) -> JournalOpening:
    arrival, envelope, incoming = message.arrival, message.envelope, message.incoming
    return JournalOpening(
        library=message.library.symbol,
        at=arrival.received,
        body=arrival.body,
        protocol=arrival.protocol,
        transport=arrival.transport.value,
        profile=message.profile,
        service=envelope.service,
        version=envelope.version,
        peer=arrival.peer,
        from_agency=envelope.from_agency,
        to_agency=envelope.to_agency,
        request_id=incoming.request_id if incoming is not None else "",
        item_id=incoming.item_id if incoming is not None else "",
        content_type=arrival.content_type,
        note="; ".join(envelope.repairs),
        replay_of=message.replay_of,
        patron=_find_patron_number(message) or message.told_patron,
    )


def complete_opening(message: MessageContext, begun: JournalEntry) -> JournalEntry:
    """Complete the opening with the patron whom the message turned out to be about, by whom it is found again."""
    patron = begun.opening.patron or _find_patron_number(message) or message.told_patron
    return replace(begun, opening=replace(begun.opening, patron=patron))


def _find_patron_number(message: MessageContext) -> str:
    """Find the number by which the message names a patron of the library, as the library writes it; of several the
    first. Empty: it names none."""
    if message.incoming is None or message.exchange_context is None:
        return ""
    rules = message.exchange_context.profile.circulation.patrons
    command = message.incoming.command
    named = getattr(command, "patron", None)
    if isinstance(command, CreatePatron) and named is None:
        named = next((Named(one.value) for one in command.draft.identifiers), None)
    if isinstance(named, PatronRef):
        known = (one for one in named.credentials if one.type in rules.identity_types)
        named = named.id or next((Named(one.value) for one in known), None)
    return rules.rewrite.rewrite_identifier(named.value) if isinstance(named, Named) else ""


def journal_ending(message: MessageContext, answer: ResponderAnswer, at: datetime, key: str = "") -> JournalEnding:
    """`key`: what makes the message idempotent, where it was carried out."""
    return JournalEnding(
        at=at,
        outcome=message.outcome,
        body=answer.body or None,
        content_type=answer.content_type,
        status=answer.status if message.arrival.transport is TransportKind.HTTP else 0,
        reason=message.reason,
        note="; ".join([AFTERWARDS, *message.notes] if message.begun is not None else message.notes),
        duration_ms=(time.perf_counter() - message.started) * 1000,
        repeat_of=message.repeat_of,
        key=key,
        managed_requests=message.managed_requests,
        patron=message.told_patron,
    )


def message_sender(message: MessageContext) -> MessageSender:
    arrival, envelope = message.arrival, message.envelope
    return MessageSender(
        protocol=arrival.protocol,
        path=arrival.profile,
        from_agency=envelope.from_agency,
        to_agency=envelope.to_agency,
        profile_type=envelope.profile_type,
        from_system=envelope.from_system,
        version=envelope.version,
        network=arrival.peer,
        symbols=envelope.symbols,
    )


@value_object
class MessageOutcomes:
    journal: Journal
    clock: Clock

    async def refuse_message(self, message: MessageContext, refusal: Refusal) -> ResponderAnswer:
        sender = refusal.reason in (RefusalReason.UNKNOWN_SENDER, RefusalReason.SENDER_AUTH_FAILED)
        mark_failed(message, OutcomeClass.REJECTED if sender else OutcomeClass.REFUSED, refusal)
        if sender:
            log.warning("sender.rejected", peer=message.arrival.peer, reason=refusal.reason.value)
        answer = message.responder.refuse(message.envelope, refusal, message.exchange_context)
        if sender and message.token_fault:
            answer = replace(answer, status=401, headers={**answer.headers, "WWW-Authenticate": "Bearer"})
        return await self.record_answer(message, answer)

    async def reject_malformed(self, message: MessageContext, error: MalformedMessage) -> ResponderAnswer:
        message.outcome, message.reason = OutcomeClass.MALFORMED, error.fault.value
        message.notes.append(str(error))
        return await self.record_answer(
            message, message.responder.refuse(message.envelope, error, message.exchange_context)
        )

    async def record_answer(self, message: MessageContext, answer: ResponderAnswer) -> ResponderAnswer:
        try:
            if message.begun is not None:
                begun = complete_opening(message, message.begun)
                await self.journal.complete(begun, journal_ending(message, answer, self.clock.now()))
            else:
                await self.journal.record_exchange(
                    journal_opening(message), journal_ending(message, answer, self.clock.now())
                )
        except Unavailable as down:
            return answer_not_stored(message, down)
        return answer


def mark_failed(message: MessageContext, outcome: OutcomeClass, refusal: Refusal) -> Refusal:
    """The refusal, once the message in hand knows of it."""
    message.outcome, message.reason = outcome, refusal.reason.value
    message.notes.append(refusal.detail)
    if refusal.internal:
        message.notes.append(f"library: {refusal.internal}")
    return refusal


def answer_not_stored(message: MessageContext, down: Unavailable) -> ResponderAnswer:
    """A message that can't be kept is not dealt with: the sender keeps it and sends it again."""
    log.error("journal.down", reason=str(down))
    message.outcome, message.reason = OutcomeClass.FAILED, RefusalReason.TEMPORARY_FAILURE.value
    refusal = Refusal(RefusalReason.TEMPORARY_FAILURE, "The message could not be stored. Please send it again later.")
    return message.responder.refuse(message.envelope, refusal, message.exchange_context)


class NotReplayableError(Exception):
    """`detail`: a plain sentence, which goes on after the message's name and a colon, that says why a message can't be
    taken up again."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = sentence_of_text(detail)


@value_object
class ReplayResult:
    """The result of a replay. `note` as in the journal."""

    answer: ResponderAnswer
    outcome: OutcomeClass
    reason: str
    note: str


@value_object
class RehearsalResult:
    """The request in a message, without asking the library; or what it tells of a managed request.

    Neither: it was refused when read (`refusal`), or the protocol answers it by itself. `answer`: what would
    be answered without the library, or what was answered when the message `carried_out_as` was carried out; None
    when only the library can tell. `is_repeat`: what it tells was here before, so that nothing would change.
    """

    service: str
    command: Command | None = None
    refusal: Refusal | MalformedMessage | None = None
    answer: ResponderAnswer | None = None
    carried_out_as: str = ""
    told: IncomingPartnerMessage | None = None
    is_repeat: bool = False


def rebuild_arrival(
    kept: FullMessage, received: datetime, transport: TransportKind, protocols: Collection[str]
) -> RawMessage:
    """The message as if it came in now; `protocols` are those whose messages pass the pipeline. Raises
    NotReplayableError."""
    message = kept.message
    if message.direction is not MessageDirection.IN:
        raise NotReplayableError("we sent it; only received messages can be replayed")
    if message.protocol not in protocols:
        able = ", ".join(sorted(protocols))
        raise NotReplayableError(
            write_sentence(
                "it was received by %(protocol)s; only %(able)s messages can be replayed",
                protocol=message.protocol,
                able=able,
            )
        )
    if not message.profile:
        raise NotReplayableError("no profile was found when it was received; ask the sender to send it again")
    if kept.body is None:
        raise NotReplayableError("its content is no longer kept (journal.keep_bodies_days)")
    if message.truncated:
        raise NotReplayableError("its content was too long to be stored in full (journal.body_limit)")
    return RawMessage(
        body=kept.body,
        received=received,
        transport=transport,
        protocol=message.protocol,
        peer=message.peer,
        profile=message.profile,
        headers={"content-type": message.content_type} if message.content_type else {},
    )
