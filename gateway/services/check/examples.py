"""A profile's examples: is the message understood, and answered, as the example says?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from gateway.configuration.problems import Path, Problem
from gateway.configuration.validation import describe
from gateway.domain.frozen import frozen
from gateway.domain.problems import MalformedMessage, Refused
from gateway.domain.profile import Example
from gateway.ports.protocol import Arrival, Conversation, Incoming, OutcomeClass, Responder, Transport
from gateway.profiles import LoadedProfile
from gateway.services.check.elements import Unreadable, texts_at
from gateway.services.check.looking import look, named, unlike


@frozen
class ExampleAnswer:
    body: bytes
    outcome: OutcomeClass


class ExampleExchange(Protocol):
    """Carries a message out for its profile, on a library that may be changed, without asking who sent it."""

    async def __call__(self, arrival: Arrival) -> ExampleAnswer:
        """`arrival.profile` names the profile."""
        ...


@frozen
class Ran:
    problems: tuple[Problem, ...]
    answered: bool = False


_ANSWER_KEYS = frozenset({"answer_contains", "answer_lacks", "answer_paths"})


@frozen
class ExampleRunner:
    """Runs the examples of one profile in one protocol."""

    loaded: LoadedProfile
    responder: Responder
    talk: Conversation
    exchange: ExampleExchange | None
    read: Callable[[str], bytes] = str.encode

    async def run(self, index: int, example: Example) -> Ran:
        path: Path = ("examples", index)
        try:
            sent = self.read(example.send)
        except ValueError as error:
            return Ran((self.loaded.problem((*path, "send"), f"{named(example)}: {error}"),))
        arrival = Arrival(
            sent,
            self.talk.now,
            Transport.REPLAY,
            self.responder.protocol,
            profile=self.loaded.profile.name,
        )
        found = self._decode(arrival)
        problems = [*self._fate(found, example, path), *self._understood(found, example, path)]
        if self.exchange is None or not wants_answer(example) or problems:
            return Ran(tuple(problems))
        answer = await self.exchange(arrival)
        return Ran(tuple(self._answer(answer, example, path)), answered=True)

    def _decode(self, arrival: Arrival) -> Incoming | Refused | MalformedMessage:
        envelope = self.responder.open(arrival, self.loaded.profile.max_bytes)
        if envelope.malformed is not None:
            return envelope.malformed
        try:
            return self.responder.decode(envelope, self.talk)
        except (Refused, MalformedMessage) as refusal:
            return refusal

    def _fate(self, found: Incoming | Refused | MalformedMessage, example: Example, path: Path) -> Iterator[Problem]:
        """Was the message read at all, where it should be?"""
        if isinstance(found, MalformedMessage):
            if example.outcome != "malformed":
                yield self.loaded.problem((*path, "send"), f"{named(example)} can't be read: {found}")
        elif example.outcome == "malformed":
            yield self.loaded.problem((*path, "outcome"), f"{named(example)} should be malformed, but it was read")
        elif isinstance(found, Refused) and example.outcome != "refused":
            yield self.loaded.problem((*path, "send"), f"{named(example)} is refused: {found}")

    def _understood(
        self, found: Incoming | Refused | MalformedMessage, example: Example, path: Path
    ) -> Iterator[Problem]:
        if not isinstance(found, Incoming):
            return
        yield from unlike(self.loaded, example, path, lambda key: _look(found, key))

    def _answer(self, answer: ExampleAnswer, example: Example, path: Path) -> Iterator[Problem]:
        name = named(example)
        if answer.outcome.value != example.outcome:
            message = f"{name}: expected the outcome {example.outcome}, it was {answer.outcome.value}"
            yield self.loaded.problem((*path, "outcome"), message)
        text = answer.body.decode(errors="replace")
        for place, wanted in enumerate(example.answer_contains):
            if wanted not in text:
                here: Path = (*path, "answer_contains", place)
                yield self.loaded.problem(here, f"{name}: the answer does not contain it", wanted)
        for place, unwanted in enumerate(example.answer_lacks):
            if unwanted in text:
                here = (*path, "answer_lacks", place)
                yield self.loaded.problem(here, f"{name}: the answer contains it", unwanted)
        if example.answer_paths:
            yield from self._answer_paths(answer.body, example, path)

    def _answer_paths(self, body: bytes, example: Example, path: Path) -> Iterator[Problem]:
        for key, expected in example.answer_paths.items():
            here = (*path, "answer_paths", key)
            try:
                texts = texts_at(body, key)
            except Unreadable as error:
                yield self.loaded.problem(here, f"{named(example)}: {error}")
                return
            if not texts:
                yield self.loaded.problem(here, f"{named(example)}: the answer has no such element")
            elif expected not in texts:
                said = f"{named(example)}: expected {describe(expected)}, answered {describe(texts[0])}"
                yield self.loaded.problem(here, said)


def wants_answer(example: Example) -> bool:
    return bool(_ANSWER_KEYS & example.model_fields_set) or "outcome" in example.model_fields_set


def _look(incoming: Incoming, key: str) -> object:
    """The value at a dotted path of the command, or of what is told of a request; `service` is the service's name,
    `message` the message itself. Raises LookupError with a plain sentence."""
    if key == "service":
        return incoming.service
    root, _, rest = key.partition(".")
    if root == "message":
        return look(incoming.message, rest.split(".") if rest else [])
    return look(incoming.told if incoming.told is not None else incoming.command, key.split("."))
