"""MessageContext, its journal values, refusals recorded; values of a replay."""

from __future__ import annotations

import time
from collections.abc import Collection
from datetime import UTC, datetime
from hashlib import blake2b

import structlog

from gateway.domain.clock import Clock
from gateway.domain.commands import Command, CreatePatron, Named, PatronRef
from gateway.domain.problems import MalformedMessage, MessagePart, Refusal, RefusalReason, Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.domain.sentences import sentence_of_text, write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.guarded_library import ExchangeLibrary
from gateway.ports.partner_channel import IncomingPartnerMessage
from gateway.ports.responder import (
    DecodedMessage,
    ExchangeContext,
    MessageEnvelope,
    Outcome,
    OutcomeClass,
    RawMessage,
    Responder,
    ResponderAnswer,
    TransportKind,
)
from gateway.profiles.matching import MessageSender
from gateway.store.journal import Journal
from gateway.store.journal_records import (
    FullMessage,
    JournalEnding,
    JournalEntry,
    JournalOpening,
    MessageDirection,
)

log = structlog.get_logger(component="exchange")

AFTERWARDS = "finished after an interruption; the answer was not sent"


@value_object(kw_only=True)
class MessageContext:
    """A message in hand: what is known of it before it is dealt with. `owner`: symbol of the library that its address
    names, later of its profile's; OFFICE: neither names one. `addressee`, `exchange` and `incoming`: once a profile is
    chosen, and it is decoded. `first_received`: of a message that is carried out again; None: it has only just come.
    `begun`: its opening is in the journal already."""

    arrival: RawMessage
    responder: Responder
    envelope: MessageEnvelope
    owner: str
    started: float
    addressee: ExchangeLibrary | None = None
    exchange: ExchangeContext | None = None
    incoming: DecodedMessage | None = None
    replay_of: str = ""
    first_received: datetime | None = None
    begun: JournalEntry | None = None

    @property
    def profile(self) -> str:
        return self.exchange.profile.name if self.exchange is not None else ""

    @property
    def library(self) -> ExchangeLibrary:
        """The library that it is for, once a profile is chosen."""
        assert self.addressee is not None, "a profile is chosen first"
        return self.addressee

    def identify(self) -> str:
        """Tell this message from another with the same words; the same when it is carried out again, after a crash or
        by staff."""
        first = (self.first_received or self.arrival.received).astimezone(UTC)
        return blake2b(first.isoformat().encode() + self.arrival.body, digest_size=12).hexdigest()

    @property
    def rules(self) -> Profile:
        """The profile, once it is chosen."""
        assert self.exchange is not None, "a profile is chosen first"
        return self.exchange.profile

    def write_answer(self, outcome: Outcome) -> ResponderAnswer:
        """Write the answer to a decoded message."""
        assert self.incoming is not None, "it is decoded first"
        assert self.exchange is not None, "a profile is chosen first"
        return self.responder.encode(self.envelope, self.incoming, outcome, self.exchange)

    def write_refusal(self, refusal: Refusal | MalformedMessage) -> ResponderAnswer:
        return self.responder.refuse(self.envelope, refusal, self.exchange)


@value_object(kw_only=True)
class MessageEnding:
    """The outcome of a message. `requests`: ids of the managed requests that it turned out to be about; `patron`: id of
    the one that its answer names."""

    message: MessageContext
    answer: ResponderAnswer
    outcome: OutcomeClass = OutcomeClass.OK
    reason: str = ""
    notes: tuple[str, ...] = ()
    repeat_of: str = ""
    requests: tuple[str, ...] = ()
    patron: str = ""

    @property
    def note(self) -> str:
        unknown = self.message.incoming.unknown if self.message.incoming is not None else ()
        afterwards = [AFTERWARDS] if self.message.begun is not None else []
        return "; ".join([*afterwards, *(f"not understood: {path}" for path in unknown), *self.notes])


def end_refused(
    message: MessageContext, refusal: Refusal, answer: ResponderAnswer, outcome: OutcomeClass = OutcomeClass.REFUSED
) -> MessageEnding:
    return MessageEnding(
        message=message, answer=answer, outcome=outcome, reason=refusal.reason.value, notes=list_refusal_notes(refusal)
    )


def list_refusal_notes(refusal: Refusal) -> tuple[str, ...]:
    return (refusal.detail, f"library: {refusal.internal}") if refusal.internal else (refusal.detail,)


def journal_opening(message: MessageContext, answered_patron: str = "") -> JournalOpening:
    arrival, envelope, incoming = message.arrival, message.envelope, message.incoming
    return JournalOpening(
        library=message.owner,
        at=arrival.received,
        body=arrival.body,
        protocol=arrival.protocol,
        transport=str(arrival.transport),
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
        patron=_find_patron_number(message) or answered_patron,
    )


def complete_opening(begun: JournalEntry, ending: MessageEnding) -> JournalEntry:
    """Complete the opening with the patron whom the message turned out to be about, by whom it is found again."""
    patron = begun.opening.patron or _find_patron_number(ending.message) or ending.patron
    return replace(begun, opening=replace(begun.opening, patron=patron))


def _find_patron_number(message: MessageContext) -> str:
    """Find the number by which the message names a patron of the library, as the library writes it; of several the
    first. Empty: it names none."""
    if message.incoming is None or message.exchange is None:
        return ""
    rules = message.exchange.profile.circulation.patrons
    command = message.incoming.command
    named = getattr(command, "patron", None)
    if isinstance(command, CreatePatron) and named is None:
        named = next((Named(identifier.value) for identifier in command.draft.identifiers), None)
    if isinstance(named, PatronRef):
        usable = (credential for credential in named.credentials if credential.type in rules.identity_types)
        named = named.id or next((Named(credential.value) for credential in usable), None)
    return rules.rewrite.rewrite_identifier(named.value) if isinstance(named, Named) else ""


def journal_ending(ending: MessageEnding, at: datetime, key: str = "") -> JournalEnding:
    """`key`: what makes the message idempotent, where it was carried out."""
    message, answer = ending.message, ending.answer
    return JournalEnding(
        at=at,
        outcome=ending.outcome,
        body=answer.body or None,
        content_type=answer.content_type,
        status=answer.status if message.arrival.transport is TransportKind.HTTP else 0,
        reason=ending.reason,
        note=ending.note,
        duration_ms=(time.perf_counter() - message.started) * 1000,
        repeat_of=ending.repeat_of,
        key=key,
        managed_requests=ending.requests,
        patron=ending.patron,
    )


def message_sender(message: MessageContext) -> MessageSender:
    arrival, envelope = message.arrival, message.envelope
    return MessageSender(
        protocol=arrival.protocol,
        path=arrival.profile,
        library=arrival.library,
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

    async def refuse_message(self, message: MessageContext, refused: Refused, request: str = "") -> MessageEnding:
        """Refuse a message before its turn. `request`: id of the managed request that it names, where its sender isn't
        let in."""
        refusal = Refusal.from_error(refused)
        ending = end_refused(message, refusal, message.write_refusal(refusal))
        if refused.reason in (RefusalReason.UNKNOWN_SENDER, RefusalReason.SENDER_AUTH_FAILED):
            log.warning("sender.rejected", peer=message.arrival.peer, reason=refused.reason.value)
            ending = replace(ending, outcome=OutcomeClass.REJECTED, requests=(request,) if request else ())
        if isinstance(refused, SenderRefused):
            ending = refused.add_faults(ending)
        return await self.record_ending(ending)

    async def reject_malformed(self, message: MessageContext, error: MalformedMessage) -> MessageEnding:
        return await self.record_ending(
            MessageEnding(
                message=message,
                answer=message.write_refusal(error),
                outcome=OutcomeClass.MALFORMED,
                reason=error.fault.value,
                notes=(str(error),),
            )
        )

    async def record_ending(self, ending: MessageEnding) -> MessageEnding:
        """Record it, and return it; or else that nothing could be recorded."""
        message, recorded = ending.message, journal_ending(ending, self.clock.now())
        try:
            if message.begun is not None:
                await self.journal.complete(complete_opening(message.begun, ending), recorded)
            else:
                await self.journal.record_exchange(journal_opening(message, ending.patron), recorded)
        except Unavailable as down:
            return end_not_stored(message, down)
        return ending


def end_not_stored(message: MessageContext, down: Unavailable) -> MessageEnding:
    """End a message that can't be kept: it is not dealt with, so that its sender keeps it and sends it again."""
    log.error("journal.down", reason=str(down))
    refusal = Refusal(RefusalReason.TEMPORARY_FAILURE, "The message could not be stored. Please send it again later.")
    return replace(end_refused(message, refusal, message.write_refusal(refusal), OutcomeClass.FAILED), notes=())


class SenderRefused(Refused):
    """Nobody is known by this message's words, or whoever it is could not prove it. `token_fault`: what is wrong with
    its signed token, where one is asked for; `agency_fault`: whose credential fits, though not for the agency that it
    names; for staff only."""

    def __init__(
        self, reason: RefusalReason, detail: str, *, value: str = "", token_fault: str = "", agency_fault: str = ""
    ) -> None:
        super().__init__(reason, detail, about=MessagePart.SENDER, value=value)
        self._token_fault = token_fault
        self._agency_fault = agency_fault

    def add_faults(self, ending: MessageEnding) -> MessageEnding:
        """Add what staff are told of it, and how its sender is asked for a token."""
        if self._agency_fault:
            ending = replace(ending, notes=(self._agency_fault, *ending.notes))
        if not self._token_fault:
            return ending
        headers = {**ending.answer.headers, "WWW-Authenticate": "Bearer"}
        return replace(ending, answer=replace(ending.answer, status=401, headers=headers))


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
        library=message.library,
        headers={"content-type": message.content_type} if message.content_type else {},
    )
