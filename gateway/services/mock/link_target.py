"""A system that is played to which requests are pushed as links: it reads each link, and answers with a page that has a
number, unless a scenario says otherwise."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from html import escape
from urllib.parse import urlencode

from gateway.domain.problems import MalformedMessage
from gateway.domain.value import value_object
from gateway.ports.catalogue import LinkCitation, LinkFormat, ReceivedLink
from gateway.ports.responder import RawMessage, ResponderAnswer
from gateway.services.mock.mock_answers import AnswerChanger, MockReply, PassSeconds, describe_change
from gateway.services.mock.mock_log import (
    GivenAnswer,
    LoggedMessage,
    MockExchange,
    MockExchangeLog,
    MockParties,
    ShownRequest,
)
from gateway.services.mock.scenario import LINK, AnswerChange
from gateway.services.mock.scenario_choice import ScenarioChoice

MAX_LINK_BYTES = 100_000
MAX_LINKS = 1_000

HTML = "text/html; charset=utf-8"

FIRST_NUMBER = 117001
"""Of what has come; ILLiad's page says such a number as `Transaction Number`."""


@value_object(kw_only=True)
class LinkPlay:
    """The link target that is played. `protocol`: as profiles call its section."""

    protocol: str
    parties: MockParties
    choice: ScenarioChoice


class NoMisbehaviours:
    """A page has no standard that it could break."""

    @property
    def misbehaviours(self) -> Mapping[str, str]:
        return {}

    def spoil_answer(self, name: str, _answer: ResponderAnswer, _number: int) -> ResponderAnswer:
        raise KeyError(name)


class PlayedLinkTarget:
    """`pass_seconds` is told how long it takes its time."""

    def __init__(self, play: LinkPlay, link_format: LinkFormat, pass_seconds: PassSeconds = asyncio.sleep) -> None:
        self.play = play
        self._format = link_format
        self._answer_changer = AnswerChanger(NoMisbehaviours(), "", over_http=True)
        self._log = MockExchangeLog(lambda body: body)
        self._pass_seconds = pass_seconds
        self._taken: OrderedDict[str, ShownRequest] = OrderedDict()
        self._next_number = FIRST_NUMBER

    # --- what comes ----------------------------------------------------------------------------------------

    @property
    def protocol(self) -> str:
        return self.play.protocol

    @property
    def max_bytes(self) -> int:
        return MAX_LINK_BYTES

    async def pass_seconds(self, seconds: float) -> None:
        await self._pass_seconds(seconds)

    async def receive_message(self, arrival: RawMessage) -> MockReply:
        try:
            cited = self._format.decode(_find_link(arrival))
        except MalformedMessage as malformed:
            answer = _write_page(f"This link can't be read: {malformed}", is_error=True)
            self._record_arrival(arrival, answer, f"can't be read: {malformed}", "", "")
            return MockReply(answer=answer)
        chosen = self.play.choice.choose_reaction(LINK, cited.citation.title)
        change = chosen.reaction.answer
        number = str(self._next_number)
        self._next_number += 1
        given = self._answer_changer.change_answer(_answer_link(number, change), change)
        note = "; ".join(filter(None, (_describe_citation(cited), describe_change(change))))
        self._record_arrival(arrival, given, note, number, chosen.scenario.name)
        self._taken[number] = ShownRequest(transaction=number, scenario=chosen.scenario.name)
        while len(self._taken) > MAX_LINKS:
            self._taken.popitem(last=False)
        return MockReply(answer=given, after_seconds=change.after_seconds)

    def _record_arrival(
        self, arrival: RawMessage, answer: ResponderAnswer | None, note: str, number: str, scenario: str
    ) -> None:
        given = GivenAnswer(answer.body, answer.status) if answer is not None else GivenAnswer()
        self._log.record_arrival(LoggedMessage(arrival.received, LINK, arrival.body), given, note, number, scenario)

    # --- what is shown ---------------------------------------------------------------------------------------

    @property
    def shown_parties(self) -> MockParties:
        return self.play.parties

    @property
    def exchanges(self) -> Sequence[MockExchange]:
        return self._log.exchanges

    def list_requests(self) -> Sequence[ShownRequest]:
        return list(self._taken.values())

    async def stop(self) -> None:
        """It says nothing by itself."""


def _find_link(arrival: RawMessage) -> ReceivedLink:
    """Find the link; by GET the body is what stood behind the question mark."""
    if not arrival.content_type:
        return ReceivedLink(query=arrival.body)
    return ReceivedLink(urlencode(arrival.query).encode(), arrival.body, arrival.content_type)


def _answer_link(number: str, change: AnswerChange) -> ResponderAnswer:
    if change.refused:
        return _write_page(change.refused, is_error=True)
    return _write_page(change.page or f"Your request has been received. Transaction Number {number}")


def _write_page(words: str, *, is_error: bool = False) -> ResponderAnswer:
    """An error has the class that ILLiad's pages give it."""
    kind = "statusError" if is_error else "statusInformation"
    shown = f'<p class="{kind}">{escape(words)}</p>'
    body = f"<!DOCTYPE html><html><head><title>Requests</title></head><body>{shown}</body></html>"
    return ResponderAnswer(body.encode(), HTML)


def _describe_citation(cited: LinkCitation) -> str:
    """Describe what was read; nothing about the patron."""
    unknown = "".join(f"; {line}" for line in cited.unknown)
    return f"{cited.service.value}: {cited.citation.short}{unknown}"
