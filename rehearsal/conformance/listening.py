"""Messages that a system that is tried sends by itself: received as a partner would receive them, answered by the
protocol, kept for the conversation that waits for them."""

from __future__ import annotations

import asyncio

from gateway.domain.problems import MalformedMessage, MessagePart, Refusal, RefusalReason, Refused
from gateway.domain.value import replace, value_object
from gateway.ports.partner_channel import InboxResult
from gateway.ports.responder import ExchangeContext, RawMessage, Responder, ResponderAnswer
from rehearsal.mock.mock_answers import MockReply
from rehearsal.ports.rehearsals import ProtocolRehearsal
from rehearsal.ports.trials import ArrivedMessage, ConformanceContext, TriedSide

MAX_WAITING = 100
"""So many messages wait to be judged; whoever reaches the port may send more, which are answered and forgotten."""


@value_object
class TrialParty:
    """The party as which messages are received. `run`: what is in the number of each request of the trial; `request`:
    of one of the system's own, empty: none."""

    exchange: ExchangeContext
    run: str
    request: str = ""

    def has_request(self, number: str) -> bool:
        return bool(number) and (self.run in number or number == self.request)


def make_trial_party(context: ConformanceContext, protocol: str, rehearsal: ProtocolRehearsal) -> TrialParty:
    """Us; where we are tried ourselves, the partner."""
    profile, symbol = context.profile, context.library
    if context.tried is TriedSide.OURSELVES:
        mirrored = {protocol: rehearsal.mirror_dialect(profile, context.url)}
        profile, symbol = profile.model_copy(update={"dialects": {**profile.dialects, **mirrored}}), context.partner
    exchange = ExchangeContext(profile, symbol, context.zone, context.currency, context.clock.now())
    return TrialParty(exchange, context.run, context.values.get("request", ""))


class TrialReception:
    """A `MockReception`, and the port `TrialArrivals`. A message that isn't about a request of the trial is refused, so
    that its sender doesn't take it for delivered."""

    def __init__(self, party: TrialParty, responder: Responder) -> None:
        self._party, self.responder = party, responder
        self._arrived: asyncio.Queue[ArrivedMessage] = asyncio.Queue(MAX_WAITING)

    @property
    def protocol(self) -> str:
        return self.responder.protocol

    @property
    def max_bytes(self) -> int:
        return self._party.exchange.profile.max_bytes

    pass_seconds = staticmethod(asyncio.sleep)

    async def receive_message(self, arrival: RawMessage) -> MockReply:
        answer, is_of_trial = self._answer_message(arrival)
        message = ArrivedMessage(arrival, answer.body, is_of_trial)
        return MockReply(answer=answer, speak=lambda: self._keep_message(message))

    def _keep_message(self, arrived: ArrivedMessage) -> None:
        if not self._arrived.full():
            self._arrived.put_nowait(arrived)

    async def wait_for_message(self, seconds: float) -> ArrivedMessage | None:
        try:
            async with asyncio.timeout(seconds):
                return await self._arrived.get()
        except TimeoutError:
            return None

    def _answer_message(self, arrival: RawMessage) -> tuple[ResponderAnswer, bool]:
        """Answer a message, and return whether it is about the trial. What names no request that can be read is, where
        it has the trial's own word in it, which nobody guesses."""
        responder, exchange = self.responder, replace(self._party.exchange, now=arrival.received)
        has_run = self._party.run.encode() in arrival.body
        envelope = responder.open(arrival, self.max_bytes)
        if envelope.malformed is not None:
            return responder.refuse(envelope, envelope.malformed, exchange), has_run
        try:
            incoming = responder.decode(envelope, exchange)
        except MalformedMessage as malformed:
            return responder.refuse(envelope, malformed, exchange), has_run
        except Refused as refused:
            return responder.refuse(envelope, Refusal.from_error(refused), exchange), has_run
        if incoming.told is None and incoming.command is None:  # the protocol itself answers
            return responder.encode(envelope, incoming, None, exchange), has_run
        number = incoming.told.transaction if incoming.told is not None else ""
        if not self._party.has_request(number):
            words = "Only messages about the requests of the trial are taken here."
            unknown = Refusal(RefusalReason.UNKNOWN_REQUEST, words, MessagePart.REQUEST, number)
            return responder.refuse(envelope, unknown, exchange), False
        return responder.encode(envelope, incoming, InboxResult(request_id=number), exchange), True
