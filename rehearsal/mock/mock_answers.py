"""Answers of whoever is played, where a scenario has something else than the right one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from gateway.domain.value import value_object
from gateway.ports.responder import RawMessage, ResponderAnswer
from rehearsal.mock.mock_log import GivenAnswer
from rehearsal.ports.rehearsals import SpoilsAnswers
from rehearsal.scenarios.scenario import AnswerChange

_PLAIN = "text/plain; charset=utf-8"

PassSeconds = Callable[[float], Awaitable[None]]


def say_nothing() -> None:
    return None


@value_object(kw_only=True)
class MockReply:
    """`answer` None: the connection ends without one. `speak`: what the partner says of itself once its answer is
    out."""

    answer: ResponderAnswer | None
    after_seconds: float = 0.0
    speak: Callable[[], None] = say_nothing


class MockReception(Protocol):
    """A receiver of messages by HTTP for whoever is played."""

    @property
    def protocol(self) -> str:
        """The name that the messages' registry has."""
        ...

    @property
    def max_bytes(self) -> int: ...

    async def receive_message(self, arrival: RawMessage) -> MockReply: ...

    @property
    def pass_seconds(self) -> PassSeconds: ...


class AnswerChanger:
    """`misbehaviour`: of each answer; empty: none. `over_http`: else an HTTP status is no answer at all."""

    def __init__(self, rehearsal: SpoilsAnswers, misbehaviour: str, over_http: bool) -> None:
        self._rehearsal = rehearsal
        self._misbehaviour = misbehaviour
        self._over_http = over_http

    def change_answer(self, answer: ResponderAnswer, change: AnswerChange) -> ResponderAnswer | None:
        if change.missing or (change.status and not self._over_http):
            return None
        if change.status:
            words = f"This mock answers with HTTP {change.status} here.\n"
            return ResponderAnswer(words.encode(), _PLAIN, status=change.status)
        if change.misbehaviour:
            return self._rehearsal.spoil_answer(change.misbehaviour, answer, 1)
        return self.spoil_answer(answer, 1)

    def spoil_answer(self, answer: ResponderAnswer, number: int) -> ResponderAnswer:
        """`number`: its place among the answers to this message, from 1."""
        name = self._misbehaviour
        return self._rehearsal.spoil_answer(name, answer, number) if name else answer

    def show_answer(self, answer: ResponderAnswer | None) -> GivenAnswer:
        """Show an answer in the log; None: there was none."""
        if answer is None:
            return GivenAnswer()
        return GivenAnswer(answer.body, answer.status if self._over_http else 0)


def describe_change(change: AnswerChange) -> str:
    """Describe a change for the page."""
    parts = (
        f"answered after {change.after_seconds:g} seconds" if change.after_seconds else "",
        "no answer" if change.missing else "",
        f"HTTP {change.status} instead of an answer" if change.status else "",
        "refused" if change.refused else "",
        f"{change.found} records found" if change.found is not None else "",
        f"misbehaves: {change.misbehaviour}" if change.misbehaviour else "",
    )
    return "; ".join(filter(None, parts))
