"""Whoever is played: with whom, what was exchanged, and what it does by itself meanwhile."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from gateway.ports.responder import ResponderAnswer
from rehearsal.mock.mock_answers import AnswerChanger, PassSeconds
from rehearsal.mock.mock_log import (
    LoggedMessage,
    MockExchange,
    MockExchangeLog,
    MockParties,
    ShownRequest,
)
from rehearsal.scenarios.scenario_choice import ScenarioChoice


class PlayedSystem(ABC):
    """A system as the page shows it. `show_body` makes of a message what people may see; `pass_seconds` is told how
    long the system takes its time."""

    def __init__(
        self, parties: MockParties, show_body: Callable[[bytes], bytes], pass_seconds: PassSeconds = asyncio.sleep
    ) -> None:
        self.shown_parties = parties
        self.pass_seconds = pass_seconds
        self._log = MockExchangeLog(show_body)
        self._speaking: set[asyncio.Task[None]] = set()

    @property
    def exchanges(self) -> Sequence[MockExchange]:
        return self._log.exchanges

    @abstractmethod
    def list_requests(self) -> Sequence[ShownRequest]:
        """The last one comes last."""

    def speak(self, speech: Coroutine[Any, Any, None]) -> None:
        """Begin what it says by itself."""
        task = asyncio.get_running_loop().create_task(speech)
        self._speaking.add(task)
        task.add_done_callback(self._speaking.discard)

    @property
    def is_speaking(self) -> bool:
        return bool(self._speaking)

    async def finish_speaking(self) -> None:
        """Wait until nothing is under way that it says by itself."""
        while self._speaking:
            await asyncio.gather(*self._speaking)
            await asyncio.sleep(0)  # tasks that have ended are taken out then

    async def stop(self) -> None:
        for task in self._speaking:
            task.cancel()
        await asyncio.gather(*self._speaking, return_exceptions=True)


class AnsweringSystem(PlayedSystem):
    """A system that only answers, as the scenarios of `choice` say."""

    def __init__(
        self,
        parties: MockParties,
        choice: ScenarioChoice,
        changer: AnswerChanger,
        show_body: Callable[[bytes], bytes],
        pass_seconds: PassSeconds,
    ) -> None:
        super().__init__(parties, show_body, pass_seconds)
        self._choice = choice
        self._answer_changer = changer

    def list_requests(self) -> Sequence[ShownRequest]:
        return self._choice.list_requests()

    def _record_arrival(
        self,
        message: LoggedMessage,
        answer: ResponderAnswer | None,
        note: str,
        subject: str = "",
        scenario: str = "",
    ) -> None:
        self._log.record_arrival(message, self._answer_changer.show_answer(answer), note, subject, scenario)
