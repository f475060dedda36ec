"""Messages that a partner who is played gets by HTTP or TCP: read by the protocol's own responder, and answered.

A message that was answered before gets the same answer, and nothing follows; one that was refused is heard anew.
"""

from __future__ import annotations

from collections import OrderedDict

from gateway.domain.problems import MalformedMessage, MessagePart, Refusal, RefusalReason, Refused
from gateway.domain.requests.events import EventKind
from gateway.ports.partner_channel import InboxResult, IncomingPartnerMessage
from gateway.ports.responder import (
    DecodedMessage,
    ExchangeContext,
    MessageEnvelope,
    RawMessage,
    Responder,
    ResponderAnswer,
)
from rehearsal.mock.mock_answers import AnswerChanger, MockReply, PassSeconds, describe_change
from rehearsal.mock.mock_log import LoggedMessage
from rehearsal.partners.mock_conversation import MockConversation
from rehearsal.partners.mock_partner import MockPartner
from rehearsal.ports.rehearsals import ProtocolRehearsal

MAX_ANSWERS_KEPT = 2_000


class MessageReception:
    """The reception of messages for one partner. `rehearsal`: what it can do wrong in its answers."""

    def __init__(self, partner: MockPartner, responder: Responder, rehearsal: ProtocolRehearsal) -> None:
        self.partner = partner
        self._responder = responder
        self._rehearsal = rehearsal
        self._answers: OrderedDict[str, tuple[ResponderAnswer, int]] = OrderedDict()

    @property
    def _answer_changer(self) -> AnswerChanger:
        return AnswerChanger(self._rehearsal, self.partner.play.misbehaviour, self.partner.play.over_http)

    @property
    def protocol(self) -> str:
        """The name that the messages' registry has."""
        return self._responder.protocol

    @property
    def max_bytes(self) -> int:
        return self.partner.play.profile.max_bytes

    @property
    def pass_seconds(self) -> PassSeconds:
        return self.partner.pass_seconds

    async def receive_message(self, arrival: RawMessage) -> MockReply:
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
        message = incoming.told
        if message is None and incoming.command is None:  # the protocol itself answers
            return self._answer_by_protocol(arrival, envelope, incoming, context)
        if message is None:
            no_request = Refusal(
                RefusalReason.UNSUPPORTED_SERVICE, "A mock takes messages about requests only.", MessagePart.SERVICE
            )
            return self._refuse_message(arrival, envelope, no_request, context)
        if message.id in self._answers and not self._is_refused_repeat(message):
            return self._repeat_answer(arrival, envelope.service, message)
        return self._take_message(arrival, envelope, incoming, message, context)

    def _is_refused_repeat(self, message: IncomingPartnerMessage) -> bool:
        """Return whether it repeats a request that isn't over, where the scenario refuses that. By TCP a sender repeats
        what it got no answer to on another connection, and nobody was recorded who refuses that."""
        is_request = message.kind is EventKind.REQUEST and self.partner.play.over_http
        talk = self.partner.conversations.get(message.transaction) if is_request else None
        return talk is not None and talk.scenario.refuses_repeats and talk.request.open and not talk.is_over

    def _refuse_message(
        self,
        arrival: RawMessage,
        envelope: MessageEnvelope,
        refusal: Refusal | MalformedMessage,
        context: ExchangeContext,
    ) -> MockReply:
        answer = self._answer_changer.spoil_answer(self._responder.refuse(envelope, refusal, context), 1)
        note = str(refusal) if isinstance(refusal, MalformedMessage) else f"refused: {refusal.detail}"
        self._record_arrival(arrival, envelope.service, None, answer, note)
        return MockReply(answer=answer)

    def _answer_by_protocol(
        self, arrival: RawMessage, envelope: MessageEnvelope, incoming: DecodedMessage, context: ExchangeContext
    ) -> MockReply:
        answer = self._responder.encode(envelope, incoming, None, context)
        self._record_arrival(arrival, envelope.service, None, answer, "")
        return MockReply(answer=answer)

    def _repeat_answer(self, arrival: RawMessage, service: str, message: IncomingPartnerMessage) -> MockReply:
        answer, count = self._answers[message.id]
        self._answers[message.id] = (answer, count + 1)
        conversation = self.partner.conversations.get(message.transaction)
        answer = self._answer_changer.spoil_answer(answer, count + 1)
        self._record_arrival(arrival, service, conversation, answer, "a repeat")
        return MockReply(answer=answer)

    def _take_message(
        self,
        arrival: RawMessage,
        envelope: MessageEnvelope,
        incoming: DecodedMessage,
        message: IncomingPartnerMessage,
        context: ExchangeContext,
    ) -> MockReply:
        conversation, refusal = self.partner.find_conversation(message, context.now)
        if conversation is None:
            assert refusal is not None
            return self._refuse_message(arrival, envelope, refusal, context)
        reaction = conversation.choose_reaction(message.kind, message.details.note)
        change = reaction.answer
        refused = Refusal(change.reason, change.refused) if change.refused else None
        result = InboxResult(request_id=conversation.transaction, refused=refused, request=conversation.request)
        answer = self._responder.encode(envelope, incoming, result, context)
        if change.elements:
            answer = self._rehearsal.change_answer(answer, change.elements)
        oddity = ""
        if change.is_whole_answer and not refused:
            conversation.is_taken = True
            self._keep_answer(message.id, answer)
            if message.kind is not EventKind.REQUEST:
                oddity = conversation.note_event(message, context.now)
        responder_answer = self._answer_changer.change_answer(answer, change)
        note = "; ".join(filter(None, (oddity, describe_change(change))))
        self._record_arrival(arrival, envelope.service, conversation, responder_answer, note)
        return MockReply(
            answer=responder_answer,
            after_seconds=change.after_seconds,
            speak=lambda: self.partner.start_speaking(conversation, reaction.say),
        )

    def _keep_answer(self, id_: str, answer: ResponderAnswer) -> None:
        self._answers[id_] = (answer, 1)
        while len(self._answers) > MAX_ANSWERS_KEPT:
            self._answers.popitem(last=False)

    def _record_arrival(
        self,
        arrival: RawMessage,
        service: str,
        conversation: MockConversation | None,
        answer: ResponderAnswer | None,
        note: str,
    ) -> None:
        given = self._answer_changer.show_answer(answer)
        self.partner.record_arrival(LoggedMessage(arrival.received, service, arrival.body), conversation, given, note)
