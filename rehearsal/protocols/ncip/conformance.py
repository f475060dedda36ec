"""The conversations by which a system that answers NCIP is tried, and what is wrong with an answer.

Messages are those of `illgate send`: under a profile that lets nobody in we ask the system of the profile; under one
that lets a partner in, they are the partner's, and our own gateway is tried. The nine services in which interlibrary
loan is done are asked about a patron, an item and a request that nobody has; where a patron or an item is named that
may be used for trials, about these too (docs/facts/ncip.md 2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from lxml import etree

from adapters.ncip.client import find_service
from adapters.ncip.codec import decode_message, peek_message
from adapters.ncip.concealment import conceal_secrets
from adapters.ncip.dialect import NcipDialect
from adapters.ncip.messages import (
    AcceptItemResponse,
    Initiation,
    Message,
    Problem,
    Problems,
    RequestItemResponse,
    Response,
    response_to,
)
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
from gateway.ports.message_transport import HttpPlace, TransportReply
from gateway.ports.responder import ExchangeContext
from rehearsal.ports.partner_simulator import InvalidParameter
from rehearsal.ports.trials import (
    CheckedExchange,
    ConformanceContext,
    ConformanceConversation,
    ConformanceFinding,
    TriedSide,
    find_advice,
    find_broken,
    make_conversation,
)
from rehearsal.protocols.ncip.partner_simulator import NcipPartnerSimulator, is_only_asked

HTTP_STATUS = "RFC 9110, 15.6: 5xx is the server's own failure"
SCHEMA = "NISO Z39.83-2: the XML schema of the version"
VERSION = "NISO Z39.83-1, 5.3.5: an answer has the version of the message"
SERVICES = "NISO Z39.83-1: a service is answered by its own response, or by a Problem"
PROBLEMS = "NISO Z39.83-1, Appendix A: Unknown User, Unknown Item, Unknown Request and others are Problems"
MESSAGING = "NISO Z39.83-1, Appendix A: what can't be read is a Problem, such as Invalid Message Syntax Error"

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

_UNKNOWN_TYPES = frozenset({"Unknown Item", "Unknown Request", "Unknown User"})

VALUE_NAMES: Mapping[str, str] = {
    "patron": "a patron who may be used for trials",
    "item": "an item of theirs that may be requested, and is free",
    "pickup": "where that patron may collect something",
    "record": "the record of that item, where a request names records: SYSNUMBER:11",
}
"""What whoever tries a system may name."""


@value_object(kw_only=True)
class AnswerExpectation:
    """`is_unknown`: what is asked about there isn't, so that the answer must be a Problem; `is_known`: what is asked
    about was there a moment ago. A library may have its reasons to refuse everything else."""

    message: Message
    is_unknown: bool = False
    is_known: bool = False


class NcipTrials:
    value_names = VALUE_NAMES
    can_listen = False

    def describe_version(self, profile: Profile) -> str:
        return dialect_of(profile).xml.version.value

    def aim_section(self, section: Mapping[str, Any], address: str) -> Mapping[str, Any]:
        return section

    def list_conversations(self, context: ConformanceContext) -> Sequence[ConformanceConversation]:
        """List conversations; raises ConfigurationError for a profile that is of the other side."""
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
    dialect = profile.dialects.get("ncip")
    return dialect if isinstance(dialect, NcipDialect) else NcipDialect()


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

    async def ask_service(
        self, service: str, values: Mapping[str, str], *, is_unknown: bool = False, is_known: bool = False
    ) -> Response | None:
        """Ask a service, and return what it answers, None where it didn't do it. A service that the version lacks isn't
        asked for."""
        exchange = self._make_exchange_context()
        if service not in {partner_service.name for partner_service in self._simulator.services(exchange)}:
            return None
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
        expected = AnswerExpectation(message=message, is_unknown=is_unknown, is_known=is_known)
        dialect = dialect_of(exchange.profile)
        reply = await self._exchange_messages(
            message.service, body, shown, lambda reply: check_answer(reply, expected, dialect)
        )
        return read_done(reply, dialect) if reply is not None else None

    def skip_services(self, why: str, *services: str) -> None:
        self.exchanges += [CheckedExchange(title=find_wire_name(service), untried=why) for service in services]

    async def say_octets(self, title: str, body: bytes) -> None:
        """Say what is no message, and must not be carried out."""
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
    ) -> TransportReply | None:
        try:
            reply = await self._simulator.send_message(
                body, self._make_exchange_context(), HttpPlace(self._context.url)
            )
        except (Unavailable, OutcomeUnknown, Refused, MalformedMessage) as error:
            missing = find_broken("answer", SERVICES, str(error))
            self.exchanges.append(CheckedExchange(title=title, sent=shown, findings=(missing,)))
            return None
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
        return reply


def find_wire_name(service: str) -> str:
    request = find_service(service)
    assert request is not None, "one of CORE_SERVICES"
    return request.message.__name__


def _hide_secret(_reference: str) -> str:
    """Hide the secret in what is shown of a message."""
    return "not-shown"


# --- conversations ---------------------------------------------------------------------------------------


async def try_unknown(trial: NcipTrial) -> None:
    nobody, nothing = f"{trial.number}-nobody", f"{trial.number}-nothing"
    for service in CORE_SERVICES:
        values = _choose_values(service, nobody, nothing, trial.number)
        pickup = {"pickup": trial.values.get("pickup", "")} if service in ("accept-item", "request-item") else {}
        await trial.ask_service(service, {**values, **pickup}, is_unknown=True)


async def try_loan(trial: NcipTrial) -> None:
    """Each message about what the one before has made or found."""
    patron, pickup = trial.values["patron"], trial.values.get("pickup", "")
    if await trial.ask_service("lookup-user", {"patron": patron}) is None:
        rest = ("accept-item", "check-out-item", "renew-item", "check-in-item")
        trial.skip_services("LookupUser did not find the patron", *rest)
        return
    accepted = await trial.ask_service(
        "accept-item", {"request": trial.number, "patron": patron, "title": TITLE, "pickup": pickup}
    )
    if not isinstance(accepted, AcceptItemResponse):
        trial.skip_services("AcceptItem was not done", "check-out-item", "renew-item", "check-in-item")
        return
    item = {"item": accepted.item_id.value if accepted.item_id is not None else trial.number}
    if await trial.ask_service("check-out-item", {**item, "patron": patron}, is_known=True) is None:
        trial.skip_services("CheckOutItem was not done", "renew-item", "check-in-item")
        return
    await trial.ask_service("renew-item", {**item, "patron": patron}, is_known=True)
    await trial.ask_service("check-in-item", item, is_known=True)


async def try_request(trial: NcipTrial) -> None:
    wanted = {"patron": trial.values["patron"], "item": trial.values["item"]}
    await trial.ask_service("lookup-item", {"item": trial.values["item"]})
    extra = {name: trial.values.get(name, "") for name in ("pickup", "record")}
    done = await trial.ask_service("request-item", {**wanted, **extra, "request": trial.number})
    if not isinstance(done, RequestItemResponse):
        trial.skip_services("RequestItem was not done", "cancel-request-item")
        return
    number = done.request_id.value if done.request_id is not None else trial.number
    await trial.ask_service("cancel-request-item", {**wanted, "request": number}, is_known=True)


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
        return (*findings, find_broken("well-formed", SCHEMA, str(malformed)))
    findings += [find_broken("well-formed", SCHEMA, f"had to be mended: {note}") for note in parsed.notes]
    try:
        seen, answer = peek_message(parsed), decode_message(parsed, reading)
    except MalformedMessage as malformed:
        return (*findings, find_broken("message", SCHEMA, str(malformed)))
    if seen.version is not expected.message.version:
        words = f"version {seen.version.value}, though {expected.message.version.value} was asked"
        findings.append(find_broken("version", VERSION, words))
    findings += _check_schema(parsed.root, answer, seen.version)
    findings += _check_outcome(answer, expected)
    findings += _check_header(answer, expected.message)
    return tuple(findings)


def read_done(reply: TransportReply, dialect: NcipDialect) -> Response | None:
    """None: it wasn't done, or what came can't be read."""
    reading = dialect.xml.model_copy(update={"strictness": Strictness.LENIENT})
    try:
        body = decode_message(parse_xml(reply.raw, reading, http=dialect.http), reading).body
    except MalformedMessage:
        return None
    return body if isinstance(body, Response) and not body.problems else None


def check_rejection(reply: TransportReply, dialect: NcipDialect) -> tuple[ConformanceFinding, ...]:
    """A Problem, or HTTP 4xx."""
    if 400 <= reply.status < 500:
        return ()
    if reply.status >= 500:
        return (find_broken("http-status", HTTP_STATUS, f"HTTP {reply.status}: the fault was the sender's"),)
    try:
        answer = decode_message(parse_xml(reply.raw, dialect.xml, http=dialect.http), dialect.xml)
    except MalformedMessage as malformed:
        return (find_broken("message", MESSAGING, f"the answer is no message: {malformed}"),)
    if not list(_list_problems(answer)):
        return (find_broken("problem", MESSAGING, "it was taken as a message"),)
    return ()


def _check_http(reply: TransportReply) -> Iterator[ConformanceFinding]:
    if reply.status >= 500:
        yield find_broken("http-status", HTTP_STATUS, f"HTTP {reply.status} with an answer")
    elif reply.status not in (0, 200):  # 0: a transport without one
        yield find_advice("http-status", f"HTTP {reply.status}: clients are known that take 200 alone")
    kind = reply.content_type.partition(";")[0].strip().casefold()
    if reply.status and kind not in ("application/xml", "text/xml"):
        yield find_advice("content-type", f"Content-Type is {kind or 'missing'}: CrossLink takes application/xml alone")


def _check_schema(root: etree._Element, answer: Message, version: Version) -> Iterator[ConformanceFinding]:
    """The first fault: what follows it may follow from it."""
    body = next((child for child in root if isinstance(child.tag, str)), None)
    if body is None:
        return
    try:
        check_schema(root, body, answer.body, version)
    except MalformedMessage as malformed:
        yield find_broken("schema", SCHEMA, f"{malformed.place}: {malformed.reason}")


def _check_outcome(answer: Message, expected: AnswerExpectation) -> Iterator[ConformanceFinding]:
    asked = expected.message.body
    assert isinstance(asked, Initiation), "a trial asks"
    problems = list(_list_problems(answer))
    if not isinstance(answer.body, (response_to(type(asked)), Problems)):
        words = f"{expected.message.service} is answered by {answer.service}"
        yield find_broken("response-name", SERVICES, words)
        return
    if isinstance(answer.body, Problems):
        yield find_advice("response-name", "a Problem stands outside the service's own answer")
    kinds = ", ".join(problem.type.value if problem.type is not None else "no type" for problem in problems)
    if expected.is_unknown and not problems:
        yield find_broken("problem", PROBLEMS, "done, though there is no such patron, item or request")
    elif expected.is_known and any(item.type is not None and item.type.value in _UNKNOWN_TYPES for item in problems):
        yield find_broken("known", PROBLEMS, f"{kinds}, though the service before knew it")
    elif problems and not expected.is_unknown:
        yield find_advice("refused", f"not done: {kinds}")
    if any(problem.type is None or not problem.type.value for problem in problems):
        yield find_broken("problem-type", SCHEMA, "a Problem without ProblemType")


def _list_problems(answer: Message) -> Iterator[Problem]:
    body = answer.body
    if isinstance(body, Response | Problems):
        yield from body.problems


def _check_header(answer: Message, message: Message) -> Iterator[ConformanceFinding]:
    """Check that who answers is who was asked."""
    ours = message.body.initiation_header if isinstance(message.body, Initiation) else None
    theirs = answer.body.response_header if isinstance(answer.body, Response) else None
    if ours is None or theirs is None:
        return
    pairs = ((theirs.from_agency_id, ours.to_agency_id), (theirs.to_agency_id, ours.from_agency_id))
    if any(code is not None and other is not None and code.value != other.value for code, other in pairs):
        yield find_advice("header", "from and to aren't those of the question, turned round")
