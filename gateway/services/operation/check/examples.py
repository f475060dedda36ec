"""Examples of profiles, run and compared with what they expect.

`send` is the mail as it travels: header, an empty line, text. Its Date is when it was received.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Protocol

from lxml import etree

from gateway.configuration.model_validation import describe_value
from gateway.domain.problems import ConfigurationProblem, KeyPath, MalformedMessage, Refused
from gateway.domain.profile import ProfileExample
from gateway.domain.value import replace, value_object
from gateway.ports.incoming_mail import IncomingMail, MailFormat, MailInterpretation, ParseMail
from gateway.ports.responder import DecodedMessage, ExchangeContext, OutcomeClass, RawMessage, Responder, TransportKind
from gateway.profiles import LoadedProfile


@value_object
class ExampleAnswer:
    body: bytes
    outcome: OutcomeClass


class ExampleExchange(Protocol):
    """Carries a message out for its profile, on a library that may be changed, without asking who sent it."""

    async def __call__(self, arrival: RawMessage) -> ExampleAnswer:
        """`arrival.profile` names the profile."""
        ...


@value_object
class ExampleResult:
    problems: tuple[ConfigurationProblem, ...]
    answered: bool = False


_ANSWER_KEYS = frozenset({"answer_contains", "answer_lacks", "answer_paths"})


@value_object
class ExampleRunner:
    """Runs the examples of one profile in one protocol."""

    loaded: LoadedProfile
    responder: Responder
    exchange_context: ExchangeContext
    read: Callable[[str], bytes] = str.encode

    async def run(self, index: int, example: ProfileExample, exchange: ExampleExchange | None = None) -> ExampleResult:
        """Run an example; without `exchange` it is decoded only."""
        path: KeyPath = ("examples", index)
        try:
            sent = self.read(example.send)
        except ValueError as error:
            return ExampleResult((self.loaded.make_problem((*path, "send"), f"{example_label(example)}: {error}"),))
        arrival = RawMessage(
            sent,
            self.exchange_context.now,
            TransportKind.REPLAY,
            self.responder.protocol,
            profile=self.loaded.profile.name,
        )
        decoded = self._decode_example(arrival, example.addressed_to)
        problems = [*self._check_readable(decoded, example, path), *self._check_understood(decoded, example, path)]
        if exchange is None or not wants_answer(example) or problems:
            return ExampleResult(tuple(problems))
        answer = await exchange(arrival)
        return ExampleResult(tuple(self._check_answer(answer, example, path)), answered=True)

    def _decode_example(self, arrival: RawMessage, addressed_to: str) -> DecodedMessage | Refused | MalformedMessage:
        context = self.exchange_context
        if addressed_to:
            context = replace(context, symbol=addressed_to)
        envelope = self.responder.open(arrival, self.loaded.profile.max_bytes)
        if envelope.malformed is not None:
            return envelope.malformed
        try:
            return self.responder.decode(envelope, context)
        except (Refused, MalformedMessage) as refusal:
            return refusal

    def _check_readable(
        self, message: DecodedMessage | Refused | MalformedMessage, example: ProfileExample, path: KeyPath
    ) -> Iterator[ConfigurationProblem]:
        """Check that the message was read at all, where it should be."""
        if isinstance(message, MalformedMessage):
            if example.outcome != "malformed":
                yield self.loaded.make_problem((*path, "send"), f"{example_label(example)} can't be read: {message}")
        elif example.outcome == "malformed":
            yield self.loaded.make_problem(
                (*path, "outcome"), f"{example_label(example)} should be malformed, but it was read"
            )
        elif isinstance(message, Refused) and example.outcome != "refused":
            yield self.loaded.make_problem((*path, "send"), f"{example_label(example)} is refused: {message}")

    def _check_understood(
        self, message: DecodedMessage | Refused | MalformedMessage, example: ProfileExample, path: KeyPath
    ) -> Iterator[ConfigurationProblem]:
        if not isinstance(message, DecodedMessage):
            return
        yield from compare_expectations(self.loaded, example, path, lambda key: _value_in_message(message, key))

    def _check_answer(
        self, answer: ExampleAnswer, example: ProfileExample, path: KeyPath
    ) -> Iterator[ConfigurationProblem]:
        name = example_label(example)
        if answer.outcome.value != example.outcome:
            message = f"{name}: expected the outcome {example.outcome}, it was {answer.outcome.value}"
            yield self.loaded.make_problem((*path, "outcome"), message)
        text = answer.body.decode(errors="replace")
        for place, wanted in enumerate(example.answer_contains):
            if wanted not in text:
                key_path: KeyPath = (*path, "answer_contains", place)
                yield self.loaded.make_problem(key_path, f"{name}: the answer does not contain it", wanted)
        for place, unwanted in enumerate(example.answer_lacks):
            if unwanted in text:
                key_path = (*path, "answer_lacks", place)
                yield self.loaded.make_problem(key_path, f"{name}: the answer contains it", unwanted)
        if example.answer_paths:
            yield from self._check_answer_paths(answer.body, example, path)

    def _check_answer_paths(
        self, body: bytes, example: ProfileExample, path: KeyPath
    ) -> Iterator[ConfigurationProblem]:
        for key, expected in example.answer_paths.items():
            key_path = (*path, "answer_paths", key)
            try:
                texts = find_texts_at(body, key)
            except UnreadableAnswer as error:
                yield self.loaded.make_problem(key_path, f"{example_label(example)}: {error}")
                return
            if not texts:
                yield self.loaded.make_problem(key_path, f"{example_label(example)}: the answer has no such element")
            elif expected not in texts:
                value = describe_value(texts[0])
                mismatch = f"{example_label(example)}: expected {describe_value(expected)}, answered {value}"
                yield self.loaded.make_problem(key_path, mismatch)


def wants_answer(example: ProfileExample) -> bool:
    return bool(_ANSWER_KEYS & example.model_fields_set) or "outcome" in example.model_fields_set


def _value_in_message(incoming: DecodedMessage, key: str) -> object:
    """The value at a dotted path of the command, or of what is told of a request; `service` is the service's name,
    `message` the message itself. Raises LookupError with a plain sentence."""
    if key == "service":
        return incoming.service
    root, _, rest = key.partition(".")
    if root == "message":
        return value_at_path(incoming.message, rest.split(".") if rest else [])
    return value_at_path(incoming.told if incoming.told is not None else incoming.command, key.split("."))


@value_object
class MailExampleRunner:
    """Runs the examples of one profile in one format. `parse` takes mails apart; `now`: when a mail without a date was
    received."""

    loaded: LoadedProfile
    parse: ParseMail
    mail_format: MailFormat
    now: datetime

    def run(self, index: int, example: ProfileExample) -> ExampleResult:
        path: KeyPath = ("examples", index)
        example_mail = self._decode_example_mail(example)
        return ExampleResult(tuple(self._find_mail_problems(example_mail, example, path)))

    def _decode_example_mail(self, example: ProfileExample) -> MailInterpretation | MalformedMessage:
        try:
            mail = _parse_example_mail(example.send, self.parse, self.now)
            return self.mail_format.decode(mail, self.loaded.profile)
        except MalformedMessage as malformed:
            return malformed

    def _find_mail_problems(
        self, reading: MailInterpretation | MalformedMessage, example: ProfileExample, path: KeyPath
    ) -> Iterator[ConfigurationProblem]:
        if isinstance(reading, MalformedMessage):
            if example.outcome != "malformed":
                yield self.loaded.make_problem((*path, "send"), f"{example_label(example)} can't be read: {reading}")
            return
        if example.outcome != "ok":
            problem = f"{example_label(example)} should be {example.outcome}, but it was read"
            yield self.loaded.make_problem((*path, "outcome"), problem)
        elif example.answer_contains or example.answer_lacks or example.answer_paths:
            yield self.loaded.make_problem(path, f"{example_label(example)} is a mail, which has no answer to look at")
        yield from compare_expectations(self.loaded, example, path, lambda key: value_at_path(reading, key.split(".")))


def _parse_example_mail(text: str, parse: ParseMail, now: datetime) -> IncomingMail:
    """Parse a mail; raises MalformedMessage."""
    parsed = parse(text.encode(), now)
    return replace(parsed.mail, received=parsed.dated) if parsed.dated is not None else parsed.mail


def value_at_path(value: object, parts: list[str]) -> object:
    """The value at a path. Raises LookupError with a plain sentence."""
    for part in parts:
        if value is None:
            return None
        value = _value_at_step(value, part)
    return value


def compare_expectations(
    loaded: LoadedProfile, example: ProfileExample, path: KeyPath, at: Callable[[str], object]
) -> Iterator[ConfigurationProblem]:
    """Report what was understood otherwise than the example says. `at` gives what there is at a key of `understood`, or
    raises LookupError with a plain sentence."""
    for key, expected in example.understood.items():
        key_path = (*path, "understood", key)
        try:
            actual = at(key)
        except LookupError as error:
            yield loaded.make_problem(key_path, f"{example_label(example)}: {error.args[0]}")
            continue
        if not _is_same_value(actual, expected):
            mismatch = (
                f"{example_label(example)}: expected {describe_value(expected)}, understood {_describe_actual(actual)}"
            )
            yield loaded.make_problem(key_path, mismatch)


def example_label(example: ProfileExample) -> str:
    return f"example '{example.name}'"


def _value_at_step(value: object, part: str) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in fields(value)]
        if part in names:
            return getattr(value, part)
        raise LookupError(f"{type(value).__name__} has no '{part}', it has: {', '.join(names)}")
    if isinstance(value, list | tuple):
        if part.isdecimal():
            return value[int(part)] if int(part) < len(value) else None
        raise LookupError(f"'{part}' must be a position in the list, counted from 0")
    if isinstance(value, Mapping):
        return value.get(part)
    raise LookupError(f"there is nothing inside a {type(value).__name__}, so no '{part}'")


def _is_same_value(actual: object, expected: object) -> bool:
    actual = _to_yaml_value(actual)
    if isinstance(actual, list) and isinstance(expected, list | tuple):
        return len(actual) == len(expected) and all(map(_is_same_value, actual, expected))
    if actual is None or expected is None or isinstance(actual, bool) or isinstance(expected, bool):
        return actual == expected
    return str(actual) == str(expected)


def _to_yaml_value(value: object) -> object:
    """Write a value as it would stand in YAML."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime | date | time):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, tuple | list):
        return [_to_yaml_value(part) for part in value]
    return value


def _describe_actual(value: object) -> str:
    plain = _to_yaml_value(value)
    return (
        f"[{', '.join(_describe_actual(part) for part in plain)}]" if isinstance(plain, list) else describe_value(plain)
    )


class UnreadableAnswer(Exception):
    """The answer is not XML."""


def find_texts_at(body: bytes, path: str) -> list[str]:
    """The texts of all elements at a path such as `LookupUserResponse/UserId/UserIdentifierValue`, which may begin
    anywhere; namespaces don't count. Raises UnreadableAnswer."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise UnreadableAnswer(f"the answer is not XML: {error}") from error
    names = path.split("/")
    return [
        "".join(str(text) for text in element.itertext()).strip()
        for element in root.iter("{*}" + names[-1])
        if _names_of_ancestors(element, len(names)) == names
    ]


def _names_of_ancestors(element: etree._Element, count: int) -> list[str]:
    """Local names of an element and what is around it, outermost first."""
    names: list[str] = []
    at: etree._Element | None = element
    while at is not None and len(names) < count:
        names.append(etree.QName(at).localname)
        at = at.getparent()
    return names[::-1]
