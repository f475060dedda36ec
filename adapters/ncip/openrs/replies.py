"""Replies of OpenRS to what it was told (docs/facts/openrs.md 3)."""

from __future__ import annotations

from adapters.ncip.codec import decode_message
from adapters.ncip.dialect import NcipDialect
from adapters.ncip.messages import Body, Initiation, Problem, Problems, Response, response_to
from adapters.ncip.xml_parser import parse_xml
from gateway.domain.problems import (
    MalformedMessage,
    MessagePart,
    Postponed,
    RefusalReason,
    Refused,
    UnclearAnswer,
)
from gateway.domain.sentences import write_sentence
from gateway.ports.message_transport import TransportReply
from gateway.ports.partner_channel import DeliveryResult

NOT_NOW = frozenset({408, 425, 429, 503})
"""Statuses of HTTP by which a server says that it has not begun."""


def read_body(octets: bytes, ncip: NcipDialect) -> Body:
    """Read the body; raises MalformedMessage."""
    return decode_message(parse_xml(octets, ncip.xml), ncip.xml).body


def judge_reply(reply: TransportReply, sent: Body, ncip: NcipDialect) -> DeliveryResult:
    """`sent`: what it answers; a response that we post may be answered with nothing. Raises Refused (staff look and
    release it, and then it is written anew), Unavailable, OutcomeUnknown (the same is sent again)."""
    service = type(sent).__name__
    if reply.status in (401, 403):
        raise Refused(
            RefusalReason.SENDER_AUTH_FAILED,
            write_sentence(
                "OpenRS rejected our sign-in (HTTP %(status)s): %(report)s. Check our system name and keys.",
                status=reply.status,
                report=_describe_problem(reply, ncip),
            ),
            about=MessagePart.SENDER,
        )
    if reply.status in NOT_NOW:
        raise Postponed(write_sentence("the partner did not accept it (HTTP %(status)s)", status=reply.status))
    is_success = 200 <= reply.status < 300
    if is_success and not reply.raw.strip() and isinstance(sent, Response):
        return DeliveryResult(f"{service} taken")
    try:
        body = read_body(reply.raw, ncip)
    except MalformedMessage as malformed:
        if is_success or reply.status >= 500:
            raise UnclearAnswer(
                write_sentence("the answer is not NCIP (HTTP %(status)s)", status=reply.status)
            ) from malformed
        raise Refused(
            RefusalReason.OTHER, write_sentence("The partner refused it (HTTP %(status)s).", status=reply.status)
        ) from malformed
    problems = _list_problems(body)
    if problems:
        raise Refused(
            RefusalReason.OTHER,
            write_sentence("OpenRS refused %(service)s: %(report)s", service=service, report=_join_problems(problems)),
        )
    expected = response_to(type(sent)) if isinstance(sent, Initiation) else None
    if expected is not None and not isinstance(body, expected):
        raise UnclearAnswer(write_sentence("%(service)s was answered with a different message", service=service))
    return DeliveryResult(f"{service} taken")


def _list_problems(body: Body) -> tuple[Problem, ...]:
    return body.problems if isinstance(body, Problems | Response) else ()


def _join_problems(problems: tuple[Problem, ...]) -> str:
    return "; ".join(fault.detail or (fault.type.value if fault.type is not None else "?") for fault in problems)


def _describe_problem(reply: TransportReply, ncip: NcipDialect) -> str:
    try:
        return _join_problems(_list_problems(read_body(reply.raw, ncip))) or "?"
    except MalformedMessage:
        return "?"
