"""The conversations by which a system that answers NCIP is tried, and what is wrong with an answer.

Messages are those of `illgate send`: under a profile that lets nobody in we ask the system of the profile; under one
that lets a partner in, they are the partner's, and our own gateway is tried. The nine services in which interlibrary
loan is done are asked about a patron, an item and a request that nobody has; where a patron or an item is named that
may be used for trials, about these too (docs/facts/ncip.md 2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from lxml import etree

from adapters.ncip.codec import decode_message, peek_message
from adapters.ncip.concealment import conceal_secrets
from adapters.ncip.dialect import NcipDialect
from adapters.ncip.messages import Initiation, Message, Problem, Problems, Response, response_to
from adapters.ncip.partner_simulator import NcipPartnerSimulator, is_only_asked
from adapters.ncip.schema_check import check_schema
from adapters.ncip.wire_dialect import Strictness
from adapters.ncip.wire_values import Version
from adapters.ncip.xml_parser import parse_xml
from gateway.domain.problems import (
    ConfigurationError,
    ConfigurationProblem,
    MalformedMessage,
    OutcomeUnknown,
    Refused,
    Unavailable,
)
from gateway.domain.profile import Profile
from gateway.domain.value import value_object
from gateway.ports.partner_simulator import HttpPlace, InvalidParameter, TransportReply
from gateway.ports.rehearsal import (
    CheckedExchange,
    ConformanceContext,
    ConformanceConversation,
    ConformanceFinding,
    FindingWeight,
    TriedSide,
    make_conversation,
)
from gateway.ports.responder import ExchangeContext

HTTP = "NISO Z39.83-2: messages over HTTP"
SCHEMA = "NISO Z39.83-2: the XML schema of the version"
SERVICES = "NISO Z39.83-1: what a service answers"

TITLE = "Conformance trial"

CORE_SERVICES = (
    "lookup-user",
    "lookup-item",
    "request-item",
    "cancel-request-item",
    "accept-item",
    "check-out-item",
    "renew-item",
    "recall-item",
    "check-in-item",
)
"""Those in which interlibrary loan is done."""

VALUE_NAMES: Mapping[str, str] = {
    "patron": "a patron who may be used for trials",
    "item": "an item of theirs that may be requested, and is free",
    "pickup": "where that patron may collect something",
}
"""What whoever tries a system may name."""


@value_object(kw_only=True)
class AnswerExpectation:
    """`has_problem`: the answer must have one, or mustn't; None: either."""

    message: Message
    has_problem: bool | None = None


class NcipTrials:
    value_names = VALUE_NAMES

    def describe_version(self, profile: Profile) -> str:
        return dialect_of(profile).xml.version.value

    def list_conversations(self, context: ConformanceContext) -> Sequence[ConformanceConversation]:
        """Raises ConfigurationError for a profile that is of the other side."""
        if (context.tried is TriedSide.PARTNER) is not is_only_asked(context.profile):
            other = "lets a partner in, so it is of a system that asks us: say --ourselves"
            words = other if context.tried is TriedSide.PARTNER else "lets nobody in, so nobody asks us under it"
            raise ConfigurationError([ConfigurationProblem(f"profile {context.profile.name}", 0, ("auth",), words)])
        chosen = [("unknown", "Nine services, about what nobody has", try_unknown)]
        if "patron" in context.values:
            chosen.append(("loan", "An item comes for the patron, is lent and goes back", try_loan))
        if {"patron", "item"} <= set(context.values):
            chosen.append(("request", "The patron asks for the item, and changes their mind", try_request))
        chosen.append(("broken-messages", "What is no message", try_broken_messages))
        return [make_conversation(name, title, hold, partial(NcipTrial, name, context)) for name, title, hold in chosen]


def dialect_of(profile: Profile) -> NcipDialect:
    found = profile.dialects.get("ncip")
    return found if isinstance(found, NcipDialect) else NcipDialect()


class NcipTrial:
    """One conversation, and what was exchanged."""

    def __init__(self, name: str, context: ConformanceContext) -> None:
        self.exchanges: list[CheckedExchange] = []
        self.number = f"{context.run}-{name}"
        self.values = context.values
        self.version = dialect_of(context.profile).xml.version
        self._context = context
        self._simulator = NcipPartnerSimulator(context.secrets)
        self._shown = NcipPartnerSimulator(_hide_secret)
        self._reading = dialect_of(context.profile).xml.model_copy(update={"strictness": Strictness.LENIENT})

    async def ask_service(self, service: str, values: Mapping[str, str], *, has_problem: bool | None) -> None:
        """A service that the version lacks isn't asked for."""
        exchange = self._make_exchange_context()
        if service not in {one.name for one in self._simulator.services(exchange)}:
            return
        texts = {name: (text,) for name, text in values.items() if text}
        try:
            body = self._simulator.build(service, texts, exchange)
            shown = self._shown.build(service, texts, exchange)
        except InvalidParameter as error:
            words = f"{service} can't be asked for: {error}"
            raise ConfigurationError(
                [ConfigurationProblem(f"profile {exchange.profile.name}", 0, (), words)]
            ) from error
        message = decode_message(parse_xml(body, self._reading), self._reading, exchange.zone)
        expected = AnswerExpectation(message=message, has_problem=has_problem)
        await self._exchange_messages(
            message.service, body, shown, lambda reply: check_answer(reply, expected, dialect_of(exchange.profile))
        )

    async def say_octets(self, title: str, body: bytes) -> None:
        """What is no message, and must not be carried out."""
        await self._exchange_messages(
            title, body, body, lambda reply: check_rejection(reply, dialect_of(self._context.profile))
        )

    def _make_exchange_context(self) -> ExchangeContext:
        context = self._context
        return ExchangeContext(context.profile, context.library, context.zone, context.currency, context.clock.now())

    async def _exchange_messages(
        self,
        title: str,
        body: bytes,
        shown: bytes,
        judge: Callable[[TransportReply], tuple[ConformanceFinding, ...]],
    ) -> None:
        try:
            reply = await self._simulator.send(body, self._make_exchange_context(), HttpPlace(self._context.url))
        except (Unavailable, OutcomeUnknown, Refused, MalformedMessage) as error:
            missing = ConformanceFinding(check="answer", clause=SERVICES, words=str(error))
            self.exchanges.append(CheckedExchange(title=title, sent=shown, findings=(missing,)))
            return
        self.exchanges.append(
            CheckedExchange(
                title=title,
                sent=shown,
                status=reply.status,
                content_type=reply.content_type,
                answer=conceal_secrets(reply.raw),
                seconds=reply.seconds,
                findings=judge(reply),
            )
        )


def _hide_secret(_reference: str) -> str:
    """For what is shown of a message."""
    return "not-shown"


# --- conversations ---------------------------------------------------------------------------------------


async def try_unknown(trial: NcipTrial) -> None:
    nobody, nothing = f"{trial.number}-nobody", f"{trial.number}-nothing"
    for service in CORE_SERVICES:
        await trial.ask_service(service, _choose_values(service, nobody, nothing, trial.number), has_problem=True)


async def try_loan(trial: NcipTrial) -> None:
    patron, pickup = trial.values["patron"], trial.values.get("pickup", "")
    await trial.ask_service("lookup-user", {"patron": patron}, has_problem=False)
    accepted = {"request": trial.number, "patron": patron, "title": TITLE, "pickup": pickup}
    await trial.ask_service("accept-item", accepted, has_problem=False)
    item = {"item": trial.number}
    await trial.ask_service("check-out-item", {**item, "patron": patron}, has_problem=False)
    await trial.ask_service("renew-item", {**item, "patron": patron}, has_problem=None)
    await trial.ask_service("check-in-item", item, has_problem=False)


async def try_request(trial: NcipTrial) -> None:
    wanted = {"patron": trial.values["patron"], "item": trial.values["item"], "request": trial.number}
    await trial.ask_service("lookup-item", {"item": trial.values["item"]}, has_problem=False)
    await trial.ask_service("request-item", {**wanted, "pickup": trial.values.get("pickup", "")}, has_problem=None)
    await trial.ask_service("cancel-request-item", wanted, has_problem=None)


async def try_broken_messages(trial: NcipTrial) -> None:
    await trial.say_octets("XML that ends in the middle", b'<?xml version="1.0"?><NCIPMessage><LookupUser>')
    await trial.say_octets("XML that is no message", b'<?xml version="1.0"?><order><title>Sult</title></order>')
    unknown = f'<?xml version="1.0"?><NCIPMessage version="{trial.version.value}"><JuggleItem/></NCIPMessage>'
    await trial.say_octets("a service that there isn't", unknown.encode())


def _choose_values(service: str, patron: str, item: str, request: str) -> Mapping[str, str]:
    both = {"patron": patron, "item": item}
    match service:
        case "lookup-user":
            return {"patron": patron}
        case "lookup-item" | "recall-item" | "check-in-item":
            return {"item": item}
        case "request-item" | "cancel-request-item":
            return {**both, "request": request}
        case "accept-item":
            return {"request": request, "patron": patron, "title": TITLE}
    return both


# --- what is wrong with an answer ------------------------------------------------------------------------


def check_answer(
    reply: TransportReply, expected: AnswerExpectation, dialect: NcipDialect
) -> tuple[ConformanceFinding, ...]:
    findings = list(_check_http(reply))
    reading = dialect.xml.model_copy(update={"strictness": Strictness.LENIENT})
    try:
        parsed = parse_xml(reply.raw, reading, http=dialect.http)
    except MalformedMessage as malformed:
        return (*findings, _find_broken("well-formed", SCHEMA, str(malformed)))
    findings += [_find_broken("well-formed", SCHEMA, f"had to be mended: {note}") for note in parsed.notes]
    try:
        seen, answer = peek_message(parsed), decode_message(parsed, reading)
    except MalformedMessage as malformed:
        return (*findings, _find_broken("message", SCHEMA, str(malformed)))
    if seen.version is not expected.message.version:
        words = f"version {seen.version.value}, though {expected.message.version.value} was asked"
        findings.append(_find_broken("version", SCHEMA, words))
    findings += _check_schema(parsed.root, answer, seen.version)
    findings += _check_outcome(answer, expected)
    findings += _check_header(answer, expected.message)
    return tuple(findings)


def check_rejection(reply: TransportReply, dialect: NcipDialect) -> tuple[ConformanceFinding, ...]:
    """A Problem, or HTTP 4xx."""
    if 400 <= reply.status < 500:
        return ()
    if reply.status >= 500:
        return (_find_broken("http-status", HTTP, f"HTTP {reply.status}: the fault was the sender's"),)
    try:
        answer = decode_message(parse_xml(reply.raw, dialect.xml, http=dialect.http), dialect.xml)
    except MalformedMessage as malformed:
        return (_find_broken("message", SCHEMA, f"the answer is no message: {malformed}"),)
    if not list(_list_problems(answer)):
        return (_find_broken("problem", SERVICES, "it was taken as a message"),)
    return ()


def _check_http(reply: TransportReply) -> Iterator[ConformanceFinding]:
    if reply.status not in (0, 200):  # 0: a transport without one
        yield _find_broken("http-status", HTTP, f"an answer comes with HTTP 200, not {reply.status}")
    kind = reply.content_type.partition(";")[0].strip().casefold()
    if reply.status and kind not in ("application/xml", "text/xml"):
        yield _find_broken("content-type", HTTP, f"Content-Type is {kind or 'missing'}, not application/xml")


def _check_schema(root: etree._Element, answer: Message, version: Version) -> Iterator[ConformanceFinding]:
    """The first fault: what follows it may follow from it."""
    body = next((child for child in root if isinstance(child.tag, str)), None)
    if body is None:
        return
    try:
        check_schema(root, body, answer.body, version)
    except MalformedMessage as malformed:
        yield _find_broken("schema", SCHEMA, f"{malformed.place}: {malformed.reason}")


def _check_outcome(answer: Message, expected: AnswerExpectation) -> Iterator[ConformanceFinding]:
    asked = expected.message.body
    assert isinstance(asked, Initiation), "a trial asks"
    problems = list(_list_problems(answer))
    if not isinstance(answer.body, (response_to(type(asked)), Problems)):
        words = f"{expected.message.service} is answered by {answer.service}"
        yield _find_broken("response-name", SERVICES, words)
        return
    if isinstance(answer.body, Problems):
        yield _find_advice("response-name", "a Problem stands outside the service's own answer")
    if expected.has_problem is True and not problems:
        yield _find_broken("problem", SERVICES, "done, though there is no such patron, item or request")
    if expected.has_problem is False and problems:
        kinds = ", ".join(one.type.value if one.type is not None else "no type" for one in problems)
        yield _find_broken("problem", SERVICES, f"not done: {kinds}")
    if any(one.type is None or not one.type.value for one in problems):
        yield _find_broken("problem-type", SCHEMA, "a Problem without ProblemType")


def _list_problems(answer: Message) -> Iterator[Problem]:
    body = answer.body
    if isinstance(body, Response | Problems):
        yield from body.problems


def _check_header(answer: Message, asked: Message) -> Iterator[ConformanceFinding]:
    """Who answers is who was asked."""
    ours = asked.body.initiation_header if isinstance(asked.body, Initiation) else None
    theirs = answer.body.response_header if isinstance(answer.body, Response) else None
    if ours is None or theirs is None:
        return
    pairs = ((theirs.from_agency_id, ours.to_agency_id), (theirs.to_agency_id, ours.from_agency_id))
    if any(one is not None and other is not None and one.value != other.value for one, other in pairs):
        yield _find_advice("header", "from and to aren't those of the question, turned round")


def _find_broken(check: str, clause: str, words: str) -> ConformanceFinding:
    return ConformanceFinding(check=check, clause=clause, words=words)


def _find_advice(check: str, words: str) -> ConformanceFinding:
    return ConformanceFinding(check=check, clause=SERVICES, words=words, weight=FindingWeight.ADVICE)
