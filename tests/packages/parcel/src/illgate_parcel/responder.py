"""Port Responder: lines of PARCEL received and answered. Pure; what a message means for a request is the gateway's."""

from __future__ import annotations

import hashlib

from gateway.domain.library import RecordId
from gateway.domain.problems import MalformationKind, MalformedMessage, MessagePart, Refusal, RefusalReason, Refused
from gateway.domain.profile import Profile
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import LibraryParty, RequestDates, Role
from gateway.ports.partner_channel import InboxResult, IncomingPartnerMessage
from gateway.ports.responder import (
    DecodedMessage,
    ExchangeContext,
    MessageEnvelope,
    Outcome,
    RawMessage,
    ResponderAnswer,
    StreamFraming,
)
from illgate_parcel.codec import (
    LINE_WORDS,
    AskMessage,
    BackMessage,
    ErrorAnswer,
    LaterAnswer,
    NoMessage,
    OkAnswer,
    ParcelAnswer,
    ParcelMessage,
    SentMessage,
    decode_line,
    encode_line,
    peek_word,
    word_of_line,
)
from illgate_parcel.dialect import SECTION, ParcelDialect, dialect_of

MEDIA_TYPE = "text/plain; charset=utf-8"
NO_ANSWER = ResponderAnswer(b"", MEDIA_TYPE)
ANSWER_WORDS = frozenset({"OK", "LATER", "ERR"})


class ParcelResponder:
    protocol = SECTION
    services = LINE_WORDS

    def framing(self, profile: Profile | None) -> StreamFraming:
        return StreamFraming(end="newline", answer_end=b"\n")

    def open(self, arrival: RawMessage, limit: int) -> MessageEnvelope:
        word = peek_word(arrival.body)
        if len(arrival.body) > limit:
            too_large = MalformedMessage("line", f"longer than {limit} bytes", MalformationKind.TOO_LARGE)
            return MessageEnvelope(service=word, malformed=too_large)
        try:
            line = decode_line(arrival.body)
        except MalformedMessage as malformed:
            return MessageEnvelope(service=word, malformed=malformed)
        if not isinstance(line, ParcelMessage):  # an answer names nobody: its connection says whose it is
            return MessageEnvelope(service=word, parsed=line)
        return MessageEnvelope(
            service=word, from_agency=line.sender, to_agency=line.receiver, symbols=(line.sender,), parsed=line
        )

    def decode(self, envelope: MessageEnvelope, exchange_context: ExchangeContext) -> DecodedMessage:
        """Raises MalformedMessage, Refused."""
        if envelope.malformed is not None:
            raise envelope.malformed
        line = envelope.parsed
        if not isinstance(line, ParcelMessage):  # the channel, which waits for it, deals with it
            return DecodedMessage(service=envelope.service, command=None, message=line)
        if line.receiver.casefold() != exchange_context.symbol.casefold():
            raise Refused(
                RefusalReason.UNKNOWN_AGENCY,
                "Library not found.",
                about=MessagePart.RECEIVER,
                value=line.receiver,
            )
        return DecodedMessage(
            service=envelope.service,
            command=None,
            request_id=line.number,
            message=line,
            told=event_of_message(line, dialect_of(exchange_context.profile)),
        )

    def encode(
        self, envelope: MessageEnvelope, incoming: DecodedMessage, outcome: Outcome, exchange_context: ExchangeContext
    ) -> ResponderAnswer:
        if isinstance(outcome, Refusal):
            return self.refuse(envelope, outcome, exchange_context)
        if not isinstance(outcome, InboxResult):
            return NO_ANSWER
        if outcome.refused is not None:
            return self.refuse(envelope, outcome.refused, exchange_context)
        return _build_answer(OkAnswer(number=incoming.request_id))

    def refuse(
        self, envelope: MessageEnvelope, refusal: Refusal | MalformedMessage, exchange_context: ExchangeContext | None
    ) -> ResponderAnswer:
        if envelope.service in ANSWER_WORDS:  # an answer is never answered
            return NO_ANSWER
        number = envelope.parsed.number if isinstance(envelope.parsed, ParcelMessage) else ""
        malformed = refusal if isinstance(refusal, MalformedMessage) else envelope.malformed
        if malformed is not None:  # it names nobody, so its sender was not known
            return _build_answer(ErrorAnswer(number=number, reason=str(malformed)))
        assert isinstance(refusal, Refusal)
        if refusal.reason is RefusalReason.TEMPORARY_FAILURE:
            return _build_answer(LaterAnswer(number=number))
        return _build_answer(ErrorAnswer(number=number, reason=refusal.detail))

    def conceal_secrets(self, body: bytes) -> bytes:
        return body  # a line has none

    def describe_concealed(self, envelope: MessageEnvelope, profile: Profile) -> str:
        return ""


def _build_answer(answer: ParcelAnswer) -> ResponderAnswer:
    return ResponderAnswer(encode_line(answer), MEDIA_TYPE)


# --- what a message means --------------------------------------------------------------------------------


def event_of_message(message: ParcelMessage, dialect: ParcelDialect) -> IncomingPartnerMessage:
    """Lines have no id: one that says the same again is a repeat."""
    role, kind, details = _interpret_message(message, dialect)
    return IncomingPartnerMessage(
        id=hashlib.sha256(encode_line(message)).hexdigest(),
        kind=kind,
        role=role,
        sender=message.sender,
        receiver=message.receiver,
        transaction=message.number,
        details=details,
        request=build_lending_draft(message) if isinstance(message, AskMessage) else None,
    )


def _interpret_message(message: ParcelMessage, dialect: ParcelDialect) -> tuple[Role, EventKind, EventDetails]:
    """Our role, and what happened."""
    match message:
        case AskMessage():
            return Role.LENDING, EventKind.REQUEST, EventDetails()
        case BackMessage():
            return Role.LENDING, EventKind.RETURNED, EventDetails()
        case SentMessage():
            return Role.BORROWING, EventKind.SHIPPED, EventDetails(due=message.due)
        case NoMessage():
            reason = dialect.reasons.get(message.reason, message.reason)
            return Role.BORROWING, EventKind.UNFILLED, EventDetails(reason=reason)
        case _:
            raise AssertionError(f"{word_of_line(message)} is no message")


def build_lending_draft(ask: AskMessage) -> LendingDraft:
    return LendingDraft(
        citation=Citation(
            type=CitationType.BOOK,
            title=ask.title,
            author=ask.author,
            identifiers=(RecordId("isbn", ask.isbn),) if ask.isbn else (),
        ),
        dates=RequestDates(need_by=ask.need_by),
        requester=LibraryParty(symbol=ask.sender),
        transaction=ask.number,
        source="partner",
    )
