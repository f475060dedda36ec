"""A catalogue that is played: it answers searches out of a few made-up records, unless a scenario says otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from gateway.domain.problems import MalformedMessage
from gateway.domain.requests.citation import Citation
from gateway.domain.value import value_object
from gateway.ports.rehearsal import (
    CatalogueConversation,
    CatalogueFinding,
    CatalogueQuestion,
    CatalogueQuestionKind,
    CatalogueRehearsal,
    MessageSplitter,
)
from gateway.ports.responder import RawMessage, ResponderAnswer
from gateway.services.mock.catalogue_records import RECORDS, find_records
from gateway.services.mock.mock_answers import AnswerChanger, MockReply, Wait, describe_change
from gateway.services.mock.mock_log import (
    GivenAnswer,
    LoggedMessage,
    MockExchange,
    MockExchangeLog,
    MockParties,
    ShownRequest,
)
from gateway.services.mock.scenario import AnswerChange
from gateway.services.mock.scenario_choice import ScenarioChoice

MAX_QUESTION_BYTES = 100_000


@value_object(kw_only=True)
class CataloguePlay:
    """What is played. `protocol`: as profiles call its section; `misbehaviour`: of each answer."""

    protocol: str
    parties: MockParties
    choice: ScenarioChoice
    misbehaviour: str = ""


class PlayedCatalogue:
    """`wait` passes seconds."""

    def __init__(self, play: CataloguePlay, rehearsal: CatalogueRehearsal, wait: Wait = asyncio.sleep) -> None:
        self.play = play
        self._rehearsal = rehearsal
        self._over_http = rehearsal.cut_messages is None
        self._changer = AnswerChanger(rehearsal, play.misbehaviour, self._over_http)
        self._conversation = rehearsal.open_conversation()
        self._log = MockExchangeLog(lambda body: body)
        self._wait = wait

    # --- what it is asked ----------------------------------------------------------------------------------

    @property
    def protocol(self) -> str:
        return self.play.protocol

    @property
    def max_bytes(self) -> int:
        return MAX_QUESTION_BYTES

    async def wait(self, seconds: float) -> None:
        await self._wait(seconds)

    @property
    def cut_messages(self) -> Callable[[int], MessageSplitter] | None:
        """See `CatalogueRehearsal`."""
        return self._rehearsal.cut_messages

    def open_conversation(self) -> CatalogueConversation:
        return self._rehearsal.open_conversation()

    async def receive_message(self, arrival: RawMessage) -> MockReply:
        """By HTTP."""
        return self.answer_message(self._conversation, arrival)

    def answer_message(self, conversation: CatalogueConversation, arrival: RawMessage) -> MockReply:
        try:
            question = conversation.read_question(arrival)
        except MalformedMessage as malformed:
            answer = self._changer.spoil_answer(conversation.refuse_question(arrival, str(malformed)), 1)
            self._record_arrival(arrival, "", answer, f"refused: {malformed}", "")
            return MockReply(answer=answer)
        chosen = self.play.choice.choose_reaction(question.kind.value, question.text)
        change = chosen.reaction.answer
        if question.kind is CatalogueQuestionKind.OTHER:
            answer = conversation.refuse_question(arrival, "only searches are answered here")
        else:
            answer = conversation.write_answer(arrival, _find_records(question, change))
        given = self._changer.change_answer(answer, change)
        self._record_arrival(arrival, question.kind.value, given, describe_change(change), chosen.scenario.name)
        return MockReply(answer=given, after_seconds=change.after_seconds)

    def _record_arrival(
        self, arrival: RawMessage, service: str, answer: ResponderAnswer | None, note: str, scenario: str
    ) -> None:
        asked = "\n".join(f"{name}={value}" for name, value in arrival.query.items()).encode() or arrival.body
        status = answer.status if answer is not None and self._over_http else 0
        given = GivenAnswer(answer.body if answer is not None else b"", status)
        self._log.record_arrival(LoggedMessage(arrival.received, service, asked), given, note, scenario=scenario)

    # --- what is shown ---------------------------------------------------------------------------------------

    @property
    def parties(self) -> MockParties:
        return self.play.parties

    @property
    def exchanges(self) -> Sequence[MockExchange]:
        return self._log.exchanges

    def list_requests(self) -> Sequence[ShownRequest]:
        return self.play.choice.list_requests()

    async def stop(self) -> None:
        """It says nothing by itself."""


def _find_records(question: CatalogueQuestion, change: AnswerChange) -> CatalogueFinding:
    if change.refused:
        return CatalogueFinding(refused=change.refused)
    if change.found is not None:
        positions = range(question.start, min(question.start + question.count, change.found + 1))
        repeated: list[Citation] = [RECORDS[(n - 1) % len(RECORDS)] for n in positions]
        return CatalogueFinding(total=change.found, start=question.start, records=tuple(repeated))
    found = find_records(question.words)
    shown = found[question.start - 1 : question.start - 1 + question.count] if question.start else ()
    return CatalogueFinding(total=len(found), start=question.start, records=tuple(shown))
