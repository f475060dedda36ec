"""Messages that a partner who is played gets by HTTP or TCP: read by the protocol's own responder, and answered.

A message that was answered before gets the same answer, and nothing follows.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from gateway.domain.problems import MalformedMessage, MessagePart, Refusal, RefusalReason, Refused
from gateway.domain.requests.events import EventKind
from gateway.domain.value import value_object
from gateway.ports.partner_channel import InboxResult, IncomingPartnerMessage
from gateway.ports.rehearsal import ProtocolRehearsal
from gateway.ports.responder import (
    DecodedMessage,
    ExchangeContext,
    MessageEnvelope,
    RawMessage,
    Responder,
    ResponderAnswer,
)
from gateway.services.mock.mock_conversation import MockConversation
from gateway.services.mock.mock_partner import GivenAnswer, MockPartner, ReceivedMessage
from gateway.services.mock.scenario import AnswerChange

MAX_ANSWERS_KEPT = 2_000

_PLAIN = "text/plain; charset=utf-8"


@value_object(kw_only=True)
class MockReply:
    """`answer` None: the connection ends without one. `speak`: what the partner says of itself once its answer is
    out."""

    answer: ResponderAnswer | None
    after_seconds: float = 0.0
    speak: Callable[[], None]


class MessageReception:
    """Of one partner. `rehearsal`: what it can do wrong in its answers."""

    def __init__(self, partner: MockPartner, responder: Responder, rehearsal: ProtocolRehearsal) -> None:
        self.partner = partner
        self._responder = responder
        self._rehearsal = rehearsal
        self._answers: OrderedDict[str, tuple[ResponderAnswer, int]] = OrderedDict()

    @property
    def protocol(self) -> str:
        """As the messages' registry calls it."""
        return self._responder.protocol

    def receive_message(self, arrival: RawMessage) -> MockReply:
        """The answer, by protocol and scenario."""
        play = self.partner.play
        context = ExchangeContext(play.profile, play.parties.ours.symbol, play.zone, play.currency, arrival.received)
        envelope = self._responder.open(arrival, play.profile.max_bytes)
        if envelope.malformed is not None:
            return self._refuse_message(arrival, envelope, envelope.malformed, context)
        try:
            incoming = self._responder.decode(envelope, context)
        except MalformedMessage as malformed:
            return self._refuse_message(arrival, envelope, malformed, context)
        except Refused as refused:
            return self._refuse_message(arrival, envelope, Refusal.from_error(refused), context)
        told = incoming.told
        if told is None and incoming.command is None:  # the protocol itself answers
            return self._answer_by_protocol(arrival, envelope, incoming, context)
        if told is None:
            no_request = Refusal(
                RefusalReason.UNSUPPORTED_SERVICE, "A mock takes messages about requests only.", MessagePart.SERVICE
            )
            return self._refuse_message(arrival, envelope, no_request, context)
        if told.id in self._answers:
            return self._repeat_answer(arrival, envelope, told)
        return self._take_message(arrival, envelope, incoming, told, context)

    def _refuse_message(
        self,
        arrival: RawMessage,
        envelope: MessageEnvelope,
        refusal: Refusal | MalformedMessage,
        context: ExchangeContext,
    ) -> MockReply:
        answer = self._spoil_answer(self._responder.refuse(envelope, refusal, context), 1)
        note = str(refusal) if isinstance(refusal, MalformedMessage) else f"refused: {refusal.detail}"
        self._record_arrival(arrival, envelope.service, None, answer, note)
        return MockReply(answer=answer, speak=_say_nothing)

    def _answer_by_protocol(
        self, arrival: RawMessage, envelope: MessageEnvelope, incoming: DecodedMessage, context: ExchangeContext
    ) -> MockReply:
        answer = self._responder.encode(envelope, incoming, None, context)
        self._record_arrival(arrival, envelope.service, None, answer, "")
        return MockReply(answer=answer, speak=_say_nothing)

    def _repeat_answer(self, arrival: RawMessage, envelope: MessageEnvelope, told: IncomingPartnerMessage) -> MockReply:
        answer, count = self._answers[told.id]
        self._answers[told.id] = (answer, count + 1)
        conversation = self.partner.conversations.get(told.transaction)
        answer = self._spoil_answer(answer, count + 1)
        self._record_arrival(arrival, envelope.service, conversation, answer, "a repeat")
        return MockReply(answer=answer, speak=_say_nothing)

    def _take_message(
        self,
        arrival: RawMessage,
        envelope: MessageEnvelope,
        incoming: DecodedMessage,
        told: IncomingPartnerMessage,
        context: ExchangeContext,
    ) -> MockReply:
        conversation, refusal = self.partner.find_conversation(told, context.now)
        if conversation is None:
            assert refusal is not None
            return self._refuse_message(arrival, envelope, refusal, context)
        reaction = conversation.choose_reaction(told.kind, told.details.note)
        change = reaction.answer
        refused = Refusal(RefusalReason.OTHER, change.refused) if change.refused else None
        result = InboxResult(request_id=conversation.transaction, refused=refused, request=conversation.request)
        answer = self._responder.encode(envelope, incoming, result, context)
        oddity = ""
        if change.is_whole_answer:
            conversation.is_taken = True
            self._keep_answer(told.id, answer)
            if not refused and told.kind is not EventKind.REQUEST:
                oddity = conversation.note_event(told, context.now)
        given = self._change_answer(answer, change)
        note = "; ".join(filter(None, (oddity, _describe_change(change))))
        self._record_arrival(arrival, envelope.service, conversation, given, note)
        return MockReply(
            answer=given,
            after_seconds=change.after_seconds,
            speak=lambda: self.partner.start_speaking(conversation, reaction.say),
        )

    def _keep_answer(self, id_: str, answer: ResponderAnswer) -> None:
        self._answers[id_] = (answer, 1)
        while len(self._answers) > MAX_ANSWERS_KEPT:
            self._answers.popitem(last=False)

    def _change_answer(self, answer: ResponderAnswer, change: AnswerChange) -> ResponderAnswer | None:
        if change.missing or (change.status and not self.partner.play.over_http):
            return None
        if change.status:
            words = f"This mock answers with HTTP {change.status} here.\n"
            return ResponderAnswer(words.encode(), _PLAIN, status=change.status)
        if change.misbehaviour:
            return self._rehearsal.spoil_answer(change.misbehaviour, answer, 1)
        return self._spoil_answer(answer, 1)

    def _spoil_answer(self, answer: ResponderAnswer, number: int) -> ResponderAnswer:
        name = self.partner.play.misbehaviour
        return self._rehearsal.spoil_answer(name, answer, number) if name else answer

    def _record_arrival(
        self,
        arrival: RawMessage,
        service: str,
        conversation: MockConversation | None,
        answer: ResponderAnswer | None,
        note: str,
    ) -> None:
        status = answer.status if answer is not None and self.partner.play.over_http else 0
        given = GivenAnswer(answer.body if answer is not None else b"", status)
        self.partner.record_arrival(ReceivedMessage(arrival.received, service, arrival.body), conversation, given, note)


def _say_nothing() -> None:
    return None


def _describe_change(change: AnswerChange) -> str:
    parts = (
        f"answered after {change.after_seconds:g} seconds" if change.after_seconds else "",
        "no answer" if change.missing else "",
        f"HTTP {change.status} instead of an answer" if change.status else "",
        "refused" if change.refused else "",
        f"misbehaves: {change.misbehaviour}" if change.misbehaviour else "",
    )
    return "; ".join(filter(None, parts))
