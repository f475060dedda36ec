"""A library's system that is played: it answers what it is asked out of a library with sample data, unless a scenario
says otherwise.

What it does and how a repeat is answered is the business of the gateway's own exchange; how refusals look is that of
the profile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import tzinfo

from gateway.domain.problems import MalformedMessage, MessagePart, Refusal, RefusalReason, Refused
from gateway.domain.profile import Profile
from gateway.domain.value import replace, value_object
from gateway.ports.responder import ExchangeContext, MessageEnvelope, RawMessage, Responder, ResponderAnswer
from gateway.services.circulation.dispatch import SERVICES
from rehearsal.mock.mock_answers import AnswerChanger, MockReply, PassSeconds, describe_change
from rehearsal.mock.mock_log import LoggedMessage, MockParties
from rehearsal.mock.played_system import AnsweringSystem
from rehearsal.ports.rehearsals import SystemRehearsal
from rehearsal.scenarios.scenario import ANY_MESSAGE
from rehearsal.scenarios.scenario_choice import ScenarioChoice

AnswerMessage = Callable[[RawMessage], Awaitable[ResponderAnswer]]


_PARTS: Mapping[RefusalReason, MessagePart] = {
    RefusalReason.UNKNOWN_PATRON: MessagePart.PATRON,
    RefusalReason.AMBIGUOUS_PATRON: MessagePart.PATRON,
    RefusalReason.PATRON_BLOCKED: MessagePart.PATRON,
    RefusalReason.PATRON_EXPIRED: MessagePart.PATRON,
    RefusalReason.LIMIT_REACHED: MessagePart.PATRON,
    RefusalReason.PATRON_AUTH_FAILED: MessagePart.CREDENTIALS,
    RefusalReason.UNKNOWN_REQUEST: MessagePart.REQUEST,
    RefusalReason.DUPLICATE_REQUEST: MessagePart.REQUEST,
    RefusalReason.REQUEST_CLOSED: MessagePart.REQUEST,
    RefusalReason.BAD_PICKUP_LOCATION: MessagePart.PICKUP_LOCATION,
    RefusalReason.UNKNOWN_RECORD: MessagePart.RECORD,
    RefusalReason.UNSUPPORTED_SERVICE: MessagePart.SERVICE,
}
"""Which part of a message a refusal is about; of other reasons the item."""


@value_object(kw_only=True)
class LibraryPlay:
    """The library's system that is played. `profile`: as the library's system would have it; `misbehaviour`: of each
    answer; `over_http`: else an HTTP status is no answer at all."""

    profile: Profile
    parties: MockParties
    zone: tzinfo
    currency: str
    choice: ScenarioChoice
    misbehaviour: str = ""
    over_http: bool = True


class PlayedLibrarySystem(AnsweringSystem):
    """`carry_out`: in the sample library. `pass_seconds` is told how long it takes its time."""

    def __init__(
        self,
        play: LibraryPlay,
        responder: Responder,
        rehearsal: SystemRehearsal,
        carry_out: AnswerMessage,
        pass_seconds: PassSeconds = asyncio.sleep,
    ) -> None:
        changer = AnswerChanger(rehearsal, play.misbehaviour, play.over_http)
        super().__init__(play.parties, play.choice, changer, responder.conceal_secrets, pass_seconds)
        self.play = play
        self._responder = responder
        self._carry_out = carry_out

    @property
    def protocol(self) -> str:
        """The name that the messages' registry has."""
        return self._responder.protocol

    @property
    def max_bytes(self) -> int:
        return self.play.profile.max_bytes

    async def receive_message(self, arrival: RawMessage) -> MockReply:
        play = self.play
        arrival = replace(arrival, profile=play.profile.name)
        envelope = self._responder.open(arrival, play.profile.max_bytes)
        context = ExchangeContext(play.profile, play.parties.ours.symbol, play.zone, play.currency, arrival.received)
        try:
            incoming = self._responder.decode(envelope, context)
        except (MalformedMessage, Refused):  # the exchange says so, in the protocol's words
            return await self._answer_unread(arrival, envelope)
        command = incoming.command
        word = SERVICES[type(command)] if command is not None else ANY_MESSAGE
        text = arrival.body.decode(errors="replace")
        chosen_reaction = play.choice.choose_reaction(word, text, (incoming.request_id, incoming.item_id))
        change = chosen_reaction.reaction.answer
        if change.refused and command is not None:
            refusal = Refusal(change.reason, change.refused, _PARTS.get(change.reason, MessagePart.ITEM))
            answer = self._responder.encode(envelope, incoming, refusal, context)
        else:
            answer = await self._carry_out(arrival)
        responder_answer = self._answer_changer.change_answer(answer, change)
        message = LoggedMessage(arrival.received, envelope.service, arrival.body)
        scenario = chosen_reaction.scenario.name
        self._record_arrival(message, responder_answer, describe_change(change), chosen_reaction.subject, scenario)
        return MockReply(answer=responder_answer, after_seconds=change.after_seconds)

    async def _answer_unread(self, arrival: RawMessage, envelope: MessageEnvelope) -> MockReply:
        answer = self._answer_changer.spoil_answer(await self._carry_out(arrival), 1)
        message = LoggedMessage(arrival.received, envelope.service, arrival.body)
        self._record_arrival(message, answer, "not understood")
        return MockReply(answer=answer)
