"""MessageContext, its journal values, refusals recorded; values of a replay."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

import structlog

from gateway.domain.clock import Clock
from gateway.domain.commands import Command
from gateway.domain.problems import MalformedMessage, Refusal, RefusalReason, Unavailable
from gateway.domain.value import value_object
from gateway.ports.library_system import LibrarySystem
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


@value_object
class ExchangeLibrary:
    """A library of this installation with its system."""

    symbol: str
    name: str
    system: LibrarySystem
    zone: tzinfo
    currency: str


@dataclass(slots=True)
class MessageContext:
    """The message in hand: what is known so far."""

    arrival: RawMessage
    responder: Responder
    envelope: MessageEnvelope
    library: ExchangeLibrary
    started: float
    talk: ExchangeContext | None = None
    incoming: DecodedMessage | None = None
    outcome: OutcomeClass = OutcomeClass.OK
    reason: str = ""
    notes: list[str] = field(default_factory=list)
    repeat_of: str = ""
    replay_of: str = ""
    begun: JournalEntry | None = None  # its opening is in the journal already

    @property
    def profile(self) -> str:
        return self.talk.profile.name if self.talk is not None else ""


def journal_opening(hand: MessageContext) -> JournalOpening:
    arrival, envelope, incoming = hand.arrival, hand.envelope, hand.incoming
    return JournalOpening(
        library=hand.library.symbol,
        at=arrival.received,
        body=arrival.body,
        protocol=arrival.protocol,
        transport=arrival.transport.value,
        profile=hand.profile,
        service=envelope.service,
        version=envelope.version,
        peer=arrival.peer,
        from_agency=envelope.from_agency,
        to_agency=envelope.to_agency,
        request_id=incoming.request_id if incoming is not None else "",
        item_id=incoming.item_id if incoming is not None else "",
        content_type=arrival.content_type,
        note="; ".join(envelope.repairs),
        replay_of=hand.replay_of,
    )


def journal_ending(hand: MessageContext, answer: ResponderAnswer, at: datetime, key: str = "") -> JournalEnding:
    """`key`: what makes the message idempotent, where it was carried out."""
    return JournalEnding(
        at=at,
        outcome=hand.outcome,
        body=answer.body or None,
        content_type=answer.content_type,
        status=answer.status if hand.arrival.transport is TransportKind.HTTP else 0,
        reason=hand.reason,
        note="; ".join([AFTERWARDS, *hand.notes] if hand.begun is not None else hand.notes),
        duration_ms=(time.perf_counter() - hand.started) * 1000,
        repeat_of=hand.repeat_of,
        key=key,
    )


def message_sender(hand: MessageContext) -> MessageSender:
    arrival, envelope = hand.arrival, hand.envelope
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

    async def refuse_message(self, hand: MessageContext, refusal: Refusal) -> ResponderAnswer:
        sender = refusal.reason in (RefusalReason.UNKNOWN_SENDER, RefusalReason.SENDER_AUTH_FAILED)
        mark_failed(hand, OutcomeClass.REJECTED if sender else OutcomeClass.REFUSED, refusal)
        if sender:
            log.warning("sender.rejected", peer=hand.arrival.peer, reason=refusal.reason.value)
        return await self.record_answer(hand, hand.responder.refuse(hand.envelope, refusal, hand.talk))

    async def reject_malformed(self, hand: MessageContext, error: MalformedMessage) -> ResponderAnswer:
        hand.outcome, hand.reason = OutcomeClass.MALFORMED, error.fault.value
        hand.notes.append(str(error))
        return await self.record_answer(hand, hand.responder.refuse(hand.envelope, error, hand.talk))

    async def record_answer(self, hand: MessageContext, answer: ResponderAnswer) -> ResponderAnswer:
        try:
            if hand.begun is not None:
                await self.journal.complete(hand.begun, journal_ending(hand, answer, self.clock.now()))
            else:
                await self.journal.record_exchange(
                    journal_opening(hand), journal_ending(hand, answer, self.clock.now())
                )
        except Unavailable as down:
            return answer_not_stored(hand, down)
        return answer


def mark_failed(hand: MessageContext, outcome: OutcomeClass, refusal: Refusal) -> Refusal:
    """The refusal, once the message in hand knows of it."""
    hand.outcome, hand.reason = outcome, refusal.reason.value
    hand.notes.append(refusal.detail)
    if refusal.internal:
        hand.notes.append(f"library: {refusal.internal}")
    return refusal


def answer_not_stored(hand: MessageContext, down: Unavailable) -> ResponderAnswer:
    """A message that can't be kept is not dealt with: the sender keeps it and sends it again."""
    log.error("journal.down", reason=str(down))
    hand.outcome, hand.reason = OutcomeClass.FAILED, RefusalReason.TEMPORARY_FAILURE.value
    refusal = Refusal(RefusalReason.TEMPORARY_FAILURE, "The message could not be stored. Please send it again later.")
    return hand.responder.refuse(hand.envelope, refusal, hand.talk)


class NotReplayableError(Exception):
    """A plain sentence that says why a message can't be taken up again."""


@value_object
class ReplayResult:
    """What came of it. `note` as in the journal."""

    answer: ResponderAnswer
    outcome: OutcomeClass
    reason: str
    note: str


@value_object
class RehearsalResult:
    """What a message asks for, without asking the library; or what it tells of a managed request.

    Neither: it was refused when read (`refusal`), or the protocol answers it by itself. `answer`: what would
    be answered without the library, or what was answered when the message `carried_out_as` was carried out; None
    when only the library can tell.
    """

    service: str
    command: Command | None = None
    refusal: Refusal | MalformedMessage | None = None
    answer: ResponderAnswer | None = None
    carried_out_as: str = ""
    told: IncomingPartnerMessage | None = None


def rebuild_arrival(kept: FullMessage, received: datetime, transport: TransportKind) -> RawMessage:
    """The message as if it came in now. Raises NotReplayableError."""
    message = kept.message
    if message.direction is not MessageDirection.IN:
        raise NotReplayableError("it is one that we sent; only those that came in can be carried out again")
    if kept.body is None:
        raise NotReplayableError("its content is no longer kept (journal.keep_bodies_days)")
    if message.truncated:
        raise NotReplayableError("its content was too long to be kept whole (journal.body_limit)")
    return RawMessage(
        body=kept.body,
        received=received,
        transport=transport,
        protocol=message.protocol,
        peer=message.peer,
        profile=message.profile,
        headers={"content-type": message.content_type} if message.content_type else {},
    )
