"""What an answer says.

Refusals come in many shapes: Problem in the service's own answer or at message level, Alma's `<Response>`, INC's
ItemRequestedResponse with the text in ToAgencyId, Koha's `It works!` (facts/ncip.md 1.2, 2.9).

Words are compared without case, and with `_` and `-` as blanks: OCLC sends `UNKNOWN_ITEM`, INC `PATRON_NOT_FOUND`.
"""

from __future__ import annotations

import re
from datetime import tzinfo

from adapters.ncip.answers import ELEMENTS, TYPES, V1_ELEMENTS
from adapters.ncip.codec import decode
from adapters.ncip.dialect import Errors, NcipDialect
from adapters.ncip.element_reader import local_name
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
from adapters.ncip.xml_parser import Limits, is_cut, parse
from gateway.domain.problems import About, Fault, MalformedMessage, OutcomeUnknown, Reason, Refused, Unavailable
from gateway.domain.value import frozen
from gateway.ports.partner_simulator import Reply

LIMITS = Limits(size=20_000_000, elements=500_000)
"""Of answers; a LookupItemSet may be long."""

KOHA_GREETING = b"It works!"

GENERIC = "Response"
"""Alma's name for the answer in some errors of version 1, whatever was asked (RELAY)."""

_NOT_DONE = frozenset({404, 405, 408, 410, 421, 425, 429, 501, 503, 505})
"""Statuses by which a server says that it has not begun: trying again does no harm."""

WORDS: dict[str, Reason] = {
    # the patron
    "unknown user": Reason.UNKNOWN_PATRON,
    "unkown user": Reason.UNKNOWN_PATRON,  # Koha, in LookupUser
    "user unknown": Reason.UNKNOWN_PATRON,  # Alma as VCU's addon knows it
    "patron not found": Reason.UNKNOWN_PATRON,  # INC
    "no user identifier provided": Reason.DATA_MISSING,  # Koha
    "non unique user": Reason.AMBIGUOUS_PATRON,
    "user authentication failed": Reason.PATRON_AUTH_FAILED,
    "user blocked": Reason.PATRON_BLOCKED,
    "user access denied": Reason.NOT_ALLOWED,
    "duplicate user": Reason.DUPLICATE_PATRON,
    "maximum check outs exceeded": Reason.LIMIT_REACHED,
    "user ineligible to check out this item": Reason.NOT_ALLOWED,
    "user ineligible to request this item": Reason.NOT_ALLOWED,
    "user ineligible to renew this item": Reason.NOT_ALLOWED,
    # the item or record
    "unknown item": Reason.UNKNOWN_ITEM,
    "unknown record": Reason.UNKNOWN_RECORD,  # Koha
    "non unique item": Reason.AMBIGUOUS_ITEM,
    "duplicate item": Reason.DUPLICATE_ITEM,
    "item access denied": Reason.NOT_ALLOWED,
    "item does not circulate": Reason.ITEM_DOES_NOT_CIRCULATE,
    "resource cannot be provided": Reason.ITEM_NOT_AVAILABLE,
    "check out not allowed item has outstanding requests": Reason.REQUESTED_BY_OTHER,  # Koha
    "check out not allowed item is already checked out": Reason.ITEM_ON_LOAN,  # Koha
    "item not checked out": Reason.NOT_CHECKED_OUT,
    "not on loan": Reason.NOT_CHECKED_OUT,  # by ReShare's list
    "9022": Reason.NOT_CHECKED_OUT,  # by ReShare's list
    # the request
    "unknown request": Reason.UNKNOWN_REQUEST,
    "non unique request": Reason.AMBIGUOUS_REQUEST,
    "request already processed": Reason.REQUEST_CLOSED,
    "duplicate request": Reason.DUPLICATE_REQUEST,
    "cannot accept item": Reason.NOT_ALLOWED,
    "cannot guarantee restrictions on use": Reason.NOT_ALLOWED,
    "element rule violated": Reason.NOT_ALLOWED,
    "pickup library invalid": Reason.BAD_PICKUP_LOCATION,  # Koha
    "pickup library not specified": Reason.BAD_PICKUP_LOCATION,  # Koha
    "item not available by need before date": Reason.NOT_AVAILABLE_IN_TIME,
    # the loan
    "item not renewable": Reason.NOT_RENEWABLE,
    "apply to circulation desk loan cannot be renewed (no change in due date)": Reason.NOT_RENEWABLE,  # Alma
    "maximum renewals exceeded": Reason.RENEWAL_LIMIT_REACHED,
    "renewal not allowed item has outstanding requests": Reason.RENEWAL_HAS_REQUESTS,
    "item cannot be recalled": Reason.CANNOT_BE_RECALLED,
    # money
    "duplicate fiscal transaction": Reason.DUPLICATE_CHARGE,
    "account access denied": Reason.NOT_ALLOWED,
    "invalid amount": Reason.INVALID_AMOUNT,
    # the message and its sender
    "needed data missing": Reason.DATA_MISSING,
    "invalid date": Reason.INVALID_DATE,
    "invalid message syntax error": Reason.INVALID_VALUE,
    "protocol error": Reason.INVALID_VALUE,
    "unknown element": Reason.INVALID_VALUE,
    "unknown scheme": Reason.INVALID_VALUE,
    "unknown value from known scheme": Reason.INVALID_VALUE,
    "unsupported shipping address type": Reason.INVALID_VALUE,
    "unable to add element": Reason.INVALID_VALUE,
    "unable to delete element": Reason.INVALID_VALUE,
    "unsupported service": Reason.UNSUPPORTED_SERVICE,
    "unknown service": Reason.UNSUPPORTED_SERVICE,
    "service is not known": Reason.UNSUPPORTED_SERVICE,  # Alma, also when it can't read umlauts
    "unauthorized service for agency": Reason.UNAUTHORIZED_SERVICE,
    "unauthorized service for system": Reason.UNAUTHORIZED_SERVICE,
    "unauthorized combination of element values for agency": Reason.INVALID_VALUE,
    "unauthorized combination of element values for system": Reason.INVALID_VALUE,
    "unknown agency": Reason.UNKNOWN_AGENCY,
    "unknown system": Reason.UNKNOWN_SENDER,
    "agency authentication failed": Reason.SENDER_AUTH_FAILED,
    "system authentication failed": Reason.SENDER_AUTH_FAILED,
    "temporary processing failure": Reason.TEMPORARY_FAILURE,
    "patron record is busy": Reason.TEMPORARY_FAILURE,  # Relais D2D
    "unknown error": Reason.OTHER,  # Koha
}

PHRASES: tuple[tuple[str, Reason], ...] = (
    ("patron not found", Reason.UNKNOWN_PATRON),  # INC: `PATRON_NOT_FOUND : id`
    ("did not find a user", Reason.UNKNOWN_PATRON),  # FOLIO: `Did not find a user with that id`
    ("patron record is busy", Reason.TEMPORARY_FAILURE),  # Relais D2D
)
"""Within longer texts, where a responder adds an id or a sentence."""

_ABOUT: dict[str, About] = {
    **{element.rpartition("/")[2].lower(): about for about, element in ELEMENTS.items()},
    **{V1_ELEMENTS[element].lower(): about for about, element in ELEMENTS.items() if element in V1_ELEMENTS},
    "useridentifiervalue": About.PATRON,
    "itemidentifiervalue": About.ITEM,
    "requestidentifiervalue": About.REQUEST,
    "authenticationinputdata": About.CREDENTIALS,
}


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


def reason_of(problem: Problem, service: str, errors: Errors) -> Reason:
    """What a problem means; the profile's own wordings come first, OTHER last."""
    type_ = problem.type.value if problem.type is not None else ""
    for words in (errors.services.get(service, {}), errors.map):
        for reason, wording in words.items():
            if wording.type and _could_be(wording.type, type_):
                return reason
    texts = [_plain(text) for text in (type_, problem.value, problem.detail) if text]
    found = next((WORDS[text] for text in texts if text in WORDS), None)
    if found is None:
        found = next((reason for text in texts for phrase, reason in PHRASES if phrase in text), Reason.OTHER)
    about_record = found is Reason.UNKNOWN_ITEM and about_of(problem) is About.RECORD
    return Reason.UNKNOWN_RECORD if about_record else found


def _could_be(wording: str, text: str) -> bool:
    """Whether a text is this wording with its {value} filled in."""
    before, value, after = wording.partition("{value}")
    if not value:
        return text == wording
    return len(text) >= len(before) + len(after) and text.startswith(before) and text.endswith(after)


def about_of(problem: Problem) -> About | None:
    element = (problem.element or "").strip().lower()
    return _ABOUT.get(element.rpartition("/")[2])


def _plain(text: str) -> str:
    return re.sub(r"[\s_\-–]+", " ", text).strip().lower()
