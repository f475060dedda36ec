"""A partner that is played: its requests, what it says of itself as scenarios tell it, and what was exchanged.

What comes to it is read by `mock_reception` and `mock_mail_reception`. It keeps all in memory, and only so much.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from datetime import datetime, tzinfo

from gateway.domain.clock import Clock
from gateway.domain.problems import (
    ConfigurationError,
    MessagePart,
    OutcomeUnknown,
    Refusal,
    RefusalReason,
    Refused,
    Unavailable,
)
from gateway.domain.profile import Profile
from gateway.domain.requests.citation import PREVIOUS_REQUEST, RETRY
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import Request, Role
from gateway.domain.value import value_object
from gateway.ports.partner_channel import ChannelMessage, IncomingPartnerMessage, PartnerChannel
from rehearsal.mock.mock_answers import PassSeconds
from rehearsal.mock.mock_log import GivenAnswer, LoggedMessage, MockParties, ShownRequest
from rehearsal.mock.played_system import PlayedSystem
from rehearsal.partners.mock_conversation import MockConversation, compose_request
from rehearsal.scenarios.scenario import MockScenario, PlayedRole, SaidEvent, choose_scenario, find_marked_name

MAX_CONVERSATIONS = 1_000

DEFAULT_SCENARIOS = ("loaned", "copied")

_sent_now: ContextVar[list[ChannelMessage]] = ContextVar("sent_now")
"""What the channel has sent in this task since the partner began to speak."""


WriteElements = Callable[[Profile, Mapping[str, str | None]], Profile]


def keep_profile(profile: Profile, _elements: Mapping[str, str | None]) -> Profile:
    return profile


@value_object(kw_only=True)
class MockPlay:
    """The partner that is played. `profile`: as the partner would have it; `parties`: the partner, and whom it speaks
    with; `chosen`: scenarios in the order in which requests get them; `misbehaviour`: of each answer, `misbehaviours`:
    all that its protocol has; `over_http`: else an HTTP status is no answer at all; `write_elements`: as of
    `ProtocolRehearsal`."""

    profile: Profile
    parties: MockParties
    zone: tzinfo
    currency: str
    scenarios: Mapping[str, MockScenario]
    chosen: Sequence[MockScenario] = ()
    misbehaviour: str = ""
    misbehaviours: frozenset[str] = frozenset()
    over_http: bool = True
    write_elements: WriteElements = keep_profile


class MockPartner(PlayedSystem):
    """`make_channel` is given what takes each message that has been sent; `show_body` makes of a message what people
    may see. `pass_seconds` is told how long it takes its time."""

    def __init__(
        self,
        play: MockPlay,
        make_channel: Callable[[Callable[[ChannelMessage], None]], PartnerChannel],
        show_body: Callable[[bytes], bytes],
        clock: Clock,
        pass_seconds: PassSeconds = asyncio.sleep,
    ) -> None:
        super().__init__(play.parties, show_body, pass_seconds)
        self.play = play
        self.conversations: OrderedDict[str, MockConversation] = OrderedDict()
        self._channel = make_channel(_note_sent)
        self._clock = clock
        self._turn = 0
        self._numbers = 0

    # --- what comes ----------------------------------------------------------------------------------------

    def find_conversation(
        self, message: IncomingPartnerMessage, now: datetime
    ) -> tuple[MockConversation | None, Refusal | None]:
        """Find the request that a message is about; a new one gets its scenario. Else why it isn't taken."""
        talk = self.conversations.get(message.transaction)
        if message.kind is not EventKind.REQUEST or message.request is None:
            unknown = Refusal(RefusalReason.UNKNOWN_REQUEST, "There is no such request here.", MessagePart.REQUEST)
            is_refused = talk is not None and talk.is_forgotten and talk.request.role is Role.BORROWING
            return None if is_refused else talk, unknown
        if talk is not None and talk.is_taken and talk.request.open and not talk.is_over:
            refusal = Refusal(RefusalReason.DUPLICATE_REQUEST, "There is such a request already.", MessagePart.REQUEST)
            return None, message.guard(talk.request) if message.guard is not None else refusal
        if talk is not None and not talk.is_taken:
            return talk, None
        previous = self._find_previous(message.request)
        if previous is not None:
            request = self._receive_request(message.request, now)
            return self._keep_conversation(previous.continue_conversation(request)), None
        marked = find_marked_name(message.request.citation)
        scenario = self.play.scenarios.get(marked) if marked else self._choose_by_turn(message)
        if scenario is None or scenario.role is not PlayedRole.LENDING or scenario.abstract:
            words = f"There is no supplier's scenario called {marked}."
            return None, Refusal(RefusalReason.INVALID_VALUE, words, MessagePart.ITEM)
        lacking = sorted(scenario.list_misbehaviours() - self.play.misbehaviours)
        if lacking:
            words = f"This protocol has no misbehaviour called {lacking[0]}, which the scenario {scenario.name} names."
            return None, Refusal(RefusalReason.INVALID_VALUE, words, MessagePart.ITEM)
        request = self._receive_request(message.request, now)
        return self._add_conversation(request, scenario), None

    def _receive_request(self, draft: LendingDraft, now: datetime) -> Request:
        number = self._next_number()
        return draft.make_request(self.play.parties.ours.symbol, number, number, now)

    def _find_previous(self, draft: LendingDraft) -> MockConversation | None:
        """The conversation that a request goes on with, which is asked again."""
        extras = {extra.name: extra.value for extra in draft.extras}
        return self.conversations.get(extras.get(PREVIOUS_REQUEST, "")) if extras.get(RETRY) == "true" else None

    def _choose_by_turn(self, message: IncomingPartnerMessage) -> MockScenario:
        assert message.request is not None
        scenarios = self.play.scenarios
        mock_scenarios = [scenario for scenario in self.play.chosen if scenario.role is PlayedRole.LENDING] or [
            scenarios[name] for name in DEFAULT_SCENARIOS
        ]
        turn = self._turn % len(mock_scenarios)
        self._turn += 1
        return choose_scenario(message.request.service.type, [*mock_scenarios[turn:], *mock_scenarios[:turn]])

    def _add_conversation(self, request: Request, scenario: MockScenario) -> MockConversation:
        return self._keep_conversation(MockConversation(request, scenario, self.play.parties, self.play.currency))

    def _keep_conversation(self, conversation: MockConversation) -> MockConversation:
        self.conversations[conversation.transaction] = conversation
        self.conversations.move_to_end(conversation.transaction)
        while len(self.conversations) > MAX_CONVERSATIONS:
            self.conversations.popitem(last=False)
        return conversation

    def _next_number(self) -> str:
        self._numbers += 1
        return f"MOCK-{self._clock.now():%Y%m%d%H%M%S}-{self._numbers}"

    # --- what the partner says -------------------------------------------------------------------------------

    def begin_scenario(self, scenario: MockScenario) -> MockConversation:
        """A requester asks for something: its request goes out in a moment."""
        request = compose_request(
            scenario, self.play.parties, self._channel.name, self._next_number(), self._clock.now()
        )
        conversation = self._add_conversation(request, scenario)
        conversation.is_taken = True
        self.start_speaking(conversation, scenario.begin)
        return conversation

    def start_speaking(self, conversation: MockConversation, events: Sequence[SaidEvent]) -> None:
        if events:
            self.speak(self._speak_in_turn(conversation, events))

    async def _speak_in_turn(self, conversation: MockConversation, events: Sequence[SaidEvent]) -> None:
        """Say what follows from one message before what follows from the next."""
        async with conversation.speaking:
            for event in events:
                if event.after_seconds:
                    await self.pass_seconds(event.after_seconds)
                await self._say_event(conversation, event)

    async def _say_event(self, conversation: MockConversation, said_event: SaidEvent) -> None:
        if said_event.event is EventKind.REQUEST and conversation.has_asked:
            number = conversation.transaction if said_event.keeps_number else self._next_number()
            conversation.ask_again(number, self._clock.now())
            self._keep_conversation(conversation)
        message, oddity = conversation.build_message(said_event, self._clock.now())
        elements = {**conversation.scenario.elements, **said_event.elements}
        for _ in range(said_event.times):
            messages: list[ChannelMessage] = []
            _sent_now.set(messages)
            try:
                profile = self.play.write_elements(self.play.profile, elements) if elements else self.play.profile
                result = await self._channel.send(message, profile)
                refused = result.refused
                problem = f"refused: {refused.detail}" if refused is not None else ""
            except (Unavailable, OutcomeUnknown, Refused, ConfigurationError) as error:
                problem = f"not delivered: {error}"
            note = "; ".join(filter(None, (oddity, problem)))
            self._record_said(conversation, said_event.event, messages, note)

    # --- what is shown ---------------------------------------------------------------------------------------

    def list_requests(self) -> Sequence[ShownRequest]:
        return [
            ShownRequest(transaction=talk.transaction, scenario=talk.scenario.name, state=talk.request.state.value)
            for talk in self.conversations.values()
        ]

    def _record_said(
        self, conversation: MockConversation, kind: EventKind, messages: Sequence[ChannelMessage], note: str
    ) -> None:
        for channel_message in messages or (ChannelMessage(protocol="", transport="", body=b"", service=kind.value),):
            message = LoggedMessage(self._clock.now(), channel_message.service or kind.value, channel_message.body)
            answer = GivenAnswer(channel_message.answer or b"", channel_message.status)
            self._log.record_sent(message, answer, note, conversation.transaction, conversation.scenario.name)

    def record_arrival(
        self, came: LoggedMessage, conversation: MockConversation | None, answer: GivenAnswer, note: str
    ) -> None:
        transaction = conversation.transaction if conversation is not None else ""
        scenario = conversation.scenario.name if conversation is not None else ""
        self._log.record_arrival(came, answer, note, transaction, scenario)


def _note_sent(message: ChannelMessage) -> None:
    _sent_now.get().append(message)
