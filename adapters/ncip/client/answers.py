"""An answer to what it says: success with its values, a refusal, or one of the technical failures.

Refusals come in many shapes: Problem in the service's own answer or at message level, Alma's `<Response>`, INC's
ItemRequestedResponse with the text in ToAgencyId, Koha's `It works!` (facts/ncip.md 1.2, 2.9).
"""

from __future__ import annotations

from datetime import tzinfo

from adapters.ncip.client.reasons import about_of, reason_of
from adapters.ncip.codec import Limits, decode, parse
from adapters.ncip.dialect import NcipDialect
from adapters.ncip.ends import is_cut
from adapters.ncip.messages import (
    Code,
    Initiation,
    ItemRequestedResponse,
    Message,
    Problem,
    Problems,
    Response,
    response_to,
)
from adapters.ncip.problems import TYPES
from adapters.ncip.reading import local_name
from gateway.domain.frozen import frozen
from gateway.domain.problems import Fault, MalformedMessage, OutcomeUnknown, Reason, Refused, Unavailable
from gateway.ports.partner import Reply

LIMITS = Limits(size=20_000_000, elements=500_000)
"""Of answers; a LookupItemSet may be long."""

KOHA_GREETING = b"It works!"

GENERIC = "Response"
"""Alma's name for the answer in some errors of version 1, whatever was asked (RELAY)."""

_NOT_DONE = frozenset({404, 405, 408, 410, 421, 425, 429, 501, 503, 505})
"""Statuses by which a server says that it has not begun: trying again does no harm."""


@frozen
class Answered:
    """A success: `response` has the values, `message` all that came."""

    response: Response
    message: Message


class RefusedByPartner(Refused):
    """With the answer and its problems, for those who show them. `problems` may be empty (INC)."""

    def __init__(self, refused: Refused, message: Message | None = None, problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(
            refused.reason, refused.detail, about=refused.about, value=refused.value, internal=refused.internal
        )
        self.message = message
        self.problems = problems


def read_reply(reply: Reply, sent: Message, dialect: NcipDialect, zone: tzinfo) -> Answered:
    """What came back by HTTP or TCP. An NCIP message is believed whatever the status; without one the status says
    whether anything can have been done.

    Raises Refused, Unavailable (nothing was done), OutcomeUnknown, MalformedMessage (an answer, but not NCIP).
    """
    try:
        return read_answer(reply.raw, sent, dialect, zone)
    except MalformedMessage as error:
        _blame_status(reply, error)
        if is_cut(reply.raw):
            raise OutcomeUnknown(f"the answer breaks off after {len(reply.raw)} bytes") from error
        raise


def _blame_status(reply: Reply, error: MalformedMessage) -> None:
    """Raises what an HTTP status says where the body isn't NCIP; nothing for 2xx and for TCP.

    500, 502 and 504 tell nothing of what was done before they came up: FOLIO answers 500 when it can't build an
    answer to what it has carried out.
    """
    status = reply.status
    if status in (401, 403, 407):
        raise Refused(
            Reason.SENDER_AUTH_FAILED, f"The other system let us not in (HTTP {status}).", internal=str(error)
        ) from error
    if 300 <= status < 500 or status in _NOT_DONE:
        raise Unavailable(f"the other system did not take the message (HTTP {status})") from error
    if status >= 500:
        raise OutcomeUnknown(f"the other system failed (HTTP {status}) without an NCIP answer") from error


def read_answer(raw: bytes, sent: Message, dialect: NcipDialect, zone: tzinfo) -> Answered:
    """The bytes of an answer. Raises Refused, MalformedMessage."""
    if raw.strip() == KOHA_GREETING:
        raise Refused(
            Reason.SENDER_AUTH_FAILED, "The other system did not accept our token.", internal="Koha: It works!"
        )
    message = _decoded(raw, sent, dialect, zone)
    body = message.body
    if isinstance(body, Problems):
        raise _refused(message, body.problems, sent, dialect)
    if not isinstance(body, Response):
        raise MalformedMessage(message.service, "is not an answer", Fault.PROTOCOL)
    if body.problems:
        raise _refused(message, body.problems, sent, dialect)
    if isinstance(body, ItemRequestedResponse):
        _check_requested(message, body, sent, dialect)
    expected = response_to(type(sent.body)) if isinstance(sent.body, Initiation) else None
    if expected is not type(body):
        raise MalformedMessage(message.service, f"does not answer {sent.service}", Fault.PROTOCOL)
    return Answered(body, message)


def _decoded(raw: bytes, sent: Message, dialect: NcipDialect, zone: tzinfo) -> Message:
    try:
        parsed = parse(raw, dialect.xml, limits=LIMITS)
        for child in parsed.root:
            if local_name(child) == GENERIC:
                child.tag = child.tag.replace(GENERIC, f"{sent.service}{GENERIC}")
        return decode(parsed, dialect.xml, zone)
    except MalformedMessage as error:
        if KOHA_GREETING in raw:
            raise MalformedMessage(
                "NCIPMessage", "the other system did not understand our message (It works!)", Fault.PROTOCOL
            ) from error
        raise


def _check_requested(message: Message, answer: ItemRequestedResponse, sent: Message, dialect: NcipDialect) -> None:
    """INC answers every failure so, with the error's text in place of our agency (facts/ncip.md 2.9)."""
    told = answer.response_header.to_agency_id if answer.response_header is not None else None
    asked = sent.body.initiation_header if isinstance(sent.body, Initiation) else None
    ours = {code.value for code in (asked.from_agency_id, asked.to_agency_id) if code} if asked is not None else set()
    if told is None or told.value in ours:
        return  # a real answer to ItemRequested; to anything else it doesn't fit, which the caller says
    raise _refused(message, (Problem(type=Code(told.value)),), sent, dialect)


def _refused(message: Message, problems: tuple[Problem, ...], sent: Message, dialect: NcipDialect) -> RefusedByPartner:
    """By the first problem that says something."""
    found = [(reason_of(problem, sent.service, dialect.errors), problem) for problem in problems]
    known = [pair for pair in found if pair[0] is not Reason.OTHER]
    reason, problem = (known or found)[0]
    refused = Refused(
        reason,
        f"The other system answered: {TYPES[reason]}." if reason is not Reason.OTHER else "The other system refused.",
        about=about_of(problem),
        value=problem.value or "",
        internal="; ".join(_words(problem) for problem in problems),
    )
    return RefusedByPartner(refused, message, problems)


def _words(problem: Problem) -> str:
    type_ = problem.type.value if problem.type is not None else ""
    return ", ".join(text for text in (type_, problem.detail, problem.element, problem.value) if text)
