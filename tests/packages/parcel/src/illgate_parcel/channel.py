"""Port PartnerChannel: what we say to a partner, each message on a connection of its own."""

from __future__ import annotations

from datetime import tzinfo

from gateway.domain.due_dates import local_day
from gateway.domain.problems import MalformedMessage, OutcomeUnknown, Refusal, RefusalReason, Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.domain.requests.events import EventKind
from gateway.ports.adapter import ChannelContext
from gateway.ports.partner_channel import DeliveryResult, OutgoingMessage, PartnerMessage
from illgate_parcel.codec import (
    AskMessage,
    BackMessage,
    LaterAnswer,
    NoMessage,
    OkAnswer,
    ParcelMessage,
    SentMessage,
    decode_line,
    encode_line,
    word_of_line,
)
from illgate_parcel.dialect import SECTION, dialect_of


class ParcelChannel:
    name = "parcel"

    def __init__(self, context: ChannelContext) -> None:
        self._context = context

    async def send(self, message: PartnerMessage, profile: Profile) -> DeliveryResult:
        """Raises Refused, Unavailable, OutcomeUnknown; see `gateway.ports.partner_channel.PartnerChannel`."""
        zone = self._context.libraries[message.request.library].zone
        parcel, dialect = message_of_event(message, zone), dialect_of(profile)
        if not dialect.address:
            raise Refused(RefusalReason.DATA_MISSING, "The partner's profile has no address for PARCEL.")
        answer = await self._context.lines.send(
            OutgoingMessage(
                protocol=SECTION,
                profile=profile.name,
                message=encode_line(parcel) + b"\n",
                address=dialect.address,
                own=True,
                is_reply=lambda _line: True,  # whatever comes on it can only be the answer
                needs_reply=True,
                seconds=dialect.answer_seconds,
            )
        )
        return read_answer(answer or b"", parcel)


def message_of_event(message: PartnerMessage, zone: tzinfo) -> ParcelMessage:
    """`zone` is the library's: an event may have a moment where PARCEL has a day. Raises Refused: it can't be said."""
    sender, receiver, number = message.sender.symbol, message.receiver.symbol, message.transaction
    details = message.details
    match message.kind:
        case EventKind.REQUEST:
            citation = message.request.citation
            return AskMessage(
                sender=sender,
                receiver=receiver,
                number=number,
                isbn=citation.identifier("isbn"),
                title=citation.title,
                author=citation.author,
                need_by=message.request.dates.need_by,
            )
        case EventKind.SHIPPED:
            return SentMessage(sender=sender, receiver=receiver, number=number, due=local_day(details.due, zone))
        case EventKind.RETURNED:
            return BackMessage(sender=sender, receiver=receiver, number=number)
        case EventKind.UNFILLED:
            return NoMessage(sender=sender, receiver=receiver, number=number, reason=details.reason)
        case _:
            raise Refused(RefusalReason.UNSUPPORTED_SERVICE, f"PARCEL has no message for '{message.kind.value}'.")


def read_answer(raw: bytes, sent: ParcelMessage) -> DeliveryResult:
    """Raises Unavailable, OutcomeUnknown."""
    try:
        answer = decode_line(raw)
    except MalformedMessage as malformed:
        raise OutcomeUnknown(f"the answer can't be read: {malformed}") from malformed
    if isinstance(answer, ParcelMessage):
        raise OutcomeUnknown(f"the answer is a {word_of_line(answer)}")
    if isinstance(answer, LaterAnswer):
        raise Unavailable("the partner can't take it now")
    note = f"{word_of_line(sent)} answered by {word_of_line(answer)}"
    if isinstance(answer, OkAnswer):
        return DeliveryResult(note)
    return DeliveryResult(note, refused=Refusal(RefusalReason.OTHER, answer.reason))
