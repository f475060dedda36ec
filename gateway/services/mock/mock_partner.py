"""A partner that is played: it answers what comes as its protocol wants it, and says what its scenarios say.

It keeps all in memory, and only so much; what was exchanged is there for a page (`exchanges`).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import field
from datetime import datetime, tzinfo

from gateway.domain.clock import Clock
from gateway.domain.problems import (
    MalformedMessage,
    MessagePart,
    OutcomeUnknown,
    Refusal,
    RefusalReason,
    Refused,
    Unavailable,
)
from gateway.domain.profile import Profile
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import Request, Role
from gateway.domain.value import value_object
from gateway.ports.partner_channel import (
    ChannelMessage,
    InboxResult,
    IncomingPartnerMessage,
    PartnerChannel,
)
from gateway.ports.rehearsal import ProtocolRehearsal
from gateway.ports.responder import (
    DecodedMessage,
    ExchangeContext,
    MessageEnvelope,
    RawMessage,
    Responder,
    ResponderAnswer,
)
from gateway.services.mock.mock_conversation import MockConversation, MockParties, compose_request, receive_request
from gateway.services.mock.scenario import (
    AnswerChange,
    MockReaction,
    MockScenario,
    SaidEvent,
    choose_scenario,
    find_marked_name,
)

MAX_CONVERSATIONS = 1_000
MAX_EXCHANGES = 500
MAX_SHOWN_BYTES = 20_000
MAX_ANSWERS_KEPT = 2_000

DEFAULT_SCENARIOS = ("loaned", "copied")

_PLAIN = "text/plain; charset=utf-8"

_sent_now: ContextVar[list[ChannelMessage]] = ContextVar("sent_now")
"""What the channel has sent in this task since the partner began to speak."""

Wait = Callable[[float], Awaitable[None]]


@value_object(kw_only=True)
class MockExchange:
    """A message that came or went, with its answer. `note`: what was out of the ordinary."""

    number: int  # from 1
    at: datetime
    came: bool
    service: str
    transaction: str = ""
    scenario: str = ""
    body: bytes = field(default=b"", repr=False)
    answer: bytes = field(default=b"", repr=False)
    status: int = 0
    note: str = ""


@value_object(kw_only=True)
class MockReply:
    """`answer` None: the connection ends without one. `speak`: what the partner says of itself once its answer is
    out."""

    answer: ResponderAnswer | None
    after_seconds: float = 0.0
    speak: Callable[[], None]


@value_object(kw_only=True)
class MockPlay:
    """What is played. `profile`: as the partner would have it; `parties`: the partner, and whom it speaks with;
    `chosen`: scenarios in the order in which requests get them; `misbehaviour`: of each answer; `over_http`: else an
    HTTP status is no answer at all."""

    profile: Profile
    parties: MockParties
    zone: tzinfo
    currency: str
    scenarios: Mapping[str, MockScenario]
    chosen: Sequence[MockScenario] = ()
    misbehaviour: str = ""
    over_http: bool = True


class MockPartner:
    """`make_channel` is given what takes each message that has been sent. `wait` passes seconds."""

    def __init__(
        self,
        play: MockPlay,
        responder: Responder,
        make_channel: Callable[[Callable[[ChannelMessage], None]], PartnerChannel],
        rehearsal: ProtocolRehearsal,
        clock: Clock,
        wait: Wait = asyncio.sleep,
    ) -> None:
        self.play = play
        self.exchanges: deque[MockExchange] = deque(maxlen=MAX_EXCHANGES)
        self.conversations: OrderedDict[str, MockConversation] = OrderedDict()
        self._responder = responder
        self._channel = make_channel(_note_sent)
        self._rehearsal = rehearsal
        self._clock = clock
        self.wait = wait
        self._answers: OrderedDict[str, tuple[ResponderAnswer, int]] = OrderedDict()
        self._speaking: set[asyncio.Task[None]] = set()
        self._turn = 0
        self._numbers = 0
        self._exchange_count = 0

    # --- what comes ----------------------------------------------------------------------------------------

    def receive_message(self, arrival: RawMessage) -> MockReply:
        """The answer, by protocol and scenario. A message that was answered before gets the same answer, and nothing
        follows."""
        context = self._make_exchange_context(arrival.received)
        envelope = self._responder.open(arrival, self.play.profile.max_bytes)
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

    @property
    def is_speaking(self) -> bool:
        return bool(self._speaking)

    async def finish_speaking(self) -> None:
        """Until nothing is under way that follows from what has come."""
        while self._speaking:
            await asyncio.gather(*self._speaking)
            await asyncio.sleep(0)  # tasks that have ended are taken out then

    async def stop(self) -> None:
        for task in self._speaking:
            task.cancel()
        await asyncio.gather(*self._speaking, return_exceptions=True)

    def _make_exchange_context(self, now: datetime) -> ExchangeContext:
        play = self.play
        return ExchangeContext(play.profile, play.parties.ours.symbol, play.zone, play.currency, now)

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
        conversation = self.conversations.get(told.transaction)
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
        conversation, refusal = self._find_conversation(told, context.now)
        if conversation is None:
            assert refusal is not None
            return self._refuse_message(arrival, envelope, refusal, context)
        reaction = conversation.choose_reaction(told.kind) or MockReaction(when=told.kind)
        change = reaction.answer
        refused = Refusal(RefusalReason.OTHER, change.refused) if change.refused else None
        result = InboxResult(request_id=conversation.transaction, refused=refused, request=conversation.request)
        answer = self._responder.encode(envelope, incoming, result, context)
        is_whole = not (change.missing or change.status or change.misbehaviour)
        oddity = ""
        if is_whole:
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
            speak=lambda: self._start_speaking(conversation, reaction.say),
        )

    def _find_conversation(
        self, told: IncomingPartnerMessage, now: datetime
    ) -> tuple[MockConversation | None, Refusal | None]:
        found = self.conversations.get(told.transaction)
        if told.kind is not EventKind.REQUEST or told.request is None:
            unknown = Refusal(RefusalReason.UNKNOWN_REQUEST, "There is no such request here.", MessagePart.REQUEST)
            return found, unknown
        if found is not None and found.is_taken and found.request.open:
            known = Refusal(RefusalReason.DUPLICATE_REQUEST, "There is such a request already.", MessagePart.REQUEST)
            return None, told.guard(found.request) if told.guard is not None else known
        if found is not None and not found.is_taken:
            return found, None
        marked = find_marked_name(told.request.citation)
        scenario = self.play.scenarios.get(marked) if marked else self._choose_by_turn(told)
        if scenario is None or scenario.role is not Role.LENDING or scenario.abstract:
            words = f"There is no supplier's scenario called {marked}."
            return None, Refusal(RefusalReason.INVALID_VALUE, words, MessagePart.ITEM)
        lacking = sorted(scenario.list_misbehaviours() - set(self._rehearsal.misbehaviours))
        if lacking:
            words = f"This protocol has no misbehaviour called {lacking[0]}, which the scenario {scenario.name} names."
            return None, Refusal(RefusalReason.INVALID_VALUE, words, MessagePart.ITEM)
        request = receive_request(told.request, self.play.parties.ours.symbol, self._next_number(), now)
        return self._add_conversation(request, scenario), None

    def _choose_by_turn(self, told: IncomingPartnerMessage) -> MockScenario:
        assert told.request is not None
        scenarios = self.play.scenarios
        chosen = [one for one in self.play.chosen if one.role is Role.LENDING] or [
            scenarios[name] for name in DEFAULT_SCENARIOS
        ]
        turn = self._turn % len(chosen)
        self._turn += 1
        return choose_scenario(told.request.service.type, [*chosen[turn:], *chosen[:turn]])

    def _add_conversation(self, request: Request, scenario: MockScenario) -> MockConversation:
        conversation = MockConversation(request, scenario, self.play.parties, self.play.currency)
        self.conversations[request.transaction] = conversation
        self.conversations.move_to_end(request.transaction)
        while len(self.conversations) > MAX_CONVERSATIONS:
            self.conversations.popitem(last=False)
        return conversation

    def _next_number(self) -> str:
        self._numbers += 1
        return f"MOCK-{self._clock.now():%Y%m%d%H%M%S}-{self._numbers}"

    def _keep_answer(self, id_: str, answer: ResponderAnswer) -> None:
        self._answers[id_] = (answer, 1)
        while len(self._answers) > MAX_ANSWERS_KEPT:
            self._answers.popitem(last=False)

    def _change_answer(self, answer: ResponderAnswer, change: AnswerChange) -> ResponderAnswer | None:
        if change.missing or (change.status and not self.play.over_http):
            return None
        if change.status:
            words = f"This mock answers with HTTP {change.status} here.\n"
            return ResponderAnswer(words.encode(), _PLAIN, status=change.status)
        if change.misbehaviour:
            return self._rehearsal.spoil_answer(change.misbehaviour, answer, 1)
        return self._spoil_answer(answer, 1)

    def _spoil_answer(self, answer: ResponderAnswer, number: int) -> ResponderAnswer:
        name = self.play.misbehaviour
        return self._rehearsal.spoil_answer(name, answer, number) if name else answer

    # --- what the partner says -------------------------------------------------------------------------------

    def begin_scenario(self, scenario: MockScenario) -> MockConversation:
        """A requester asks for something: its request goes out in a moment."""
        request = compose_request(
            scenario, self.play.parties, self._channel.name, self._next_number(), self._clock.now()
        )
        conversation = self._add_conversation(request, scenario)
        conversation.is_taken = True
        self._start_speaking(conversation, scenario.begin)
        return conversation

    def _start_speaking(self, conversation: MockConversation, said: Sequence[SaidEvent]) -> None:
        if said:
            task = asyncio.get_running_loop().create_task(self._speak_in_turn(conversation, said))
            self._speaking.add(task)
            task.add_done_callback(self._speaking.discard)

    async def _speak_in_turn(self, conversation: MockConversation, said: Sequence[SaidEvent]) -> None:
        """What follows from one message is said before what follows from the next."""
        async with conversation.speaking:
            for one in said:
                if one.after_seconds:
                    await self.wait(one.after_seconds)
                await self._say_event(conversation, one)

    async def _say_event(self, conversation: MockConversation, said: SaidEvent) -> None:
        message, oddity = conversation.build_message(said, self._clock.now())
        for _ in range(said.times):
            sent: list[ChannelMessage] = []
            _sent_now.set(sent)
            try:
                result = await self._channel.send(message, self.play.profile)
                refused = result.refused
                problem = f"refused: {refused.detail}" if refused is not None else ""
            except (Unavailable, OutcomeUnknown, Refused) as error:
                problem = f"not delivered: {error}"
            note = "; ".join(filter(None, (oddity, problem)))
            self._record_said(conversation, said.event, sent, note)

    # --- what is shown ---------------------------------------------------------------------------------------

    def _record_said(
        self, conversation: MockConversation, kind: EventKind, sent: Sequence[ChannelMessage], note: str
    ) -> None:
        for one in sent or (ChannelMessage(protocol="", transport="", body=b"", service=kind.value),):
            self._exchange_count += 1
            self.exchanges.append(
                MockExchange(
                    number=self._exchange_count,
                    at=self._clock.now(),
                    came=False,
                    service=one.service or kind.value,
                    transaction=conversation.transaction,
                    scenario=conversation.scenario.name,
                    body=self._conceal_secrets(one.body),
                    answer=self._conceal_secrets(one.answer or b""),
                    status=one.status,
                    note=note,
                )
            )

    def _record_arrival(
        self,
        arrival: RawMessage,
        service: str,
        conversation: MockConversation | None,
        answer: ResponderAnswer | None,
        note: str,
    ) -> None:
        self._exchange_count += 1
        self.exchanges.append(
            MockExchange(
                number=self._exchange_count,
                at=arrival.received,
                came=True,
                service=service or "unreadable",
                transaction=conversation.transaction if conversation is not None else "",
                scenario=conversation.scenario.name if conversation is not None else "",
                body=self._conceal_secrets(arrival.body),
                answer=answer.body[:MAX_SHOWN_BYTES] if answer is not None else b"",
                status=answer.status if answer is not None and self.play.over_http else 0,
                note=note,
            )
        )

    def _conceal_secrets(self, body: bytes) -> bytes:
        return self._responder.conceal_secrets(body)[:MAX_SHOWN_BYTES]


def _note_sent(sent: ChannelMessage) -> None:
    _sent_now.get().append(sent)


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
