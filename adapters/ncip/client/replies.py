"""Replies: what an answer says.

Refusals come in many shapes: Problem in the service's own answer or at message level, Alma's `<Response>`, INC's
ItemRequestedResponse with the text in ToAgencyId, Koha's `It works!` (facts/ncip.md 1.2, 2.9).

Words are compared without case, and with `_` and `-` as blanks: OCLC sends `UNKNOWN_ITEM`, INC `PATRON_NOT_FOUND`.
"""

from __future__ import annotations

import re
from datetime import tzinfo

from lxml import etree

from adapters.ncip.codec import decode_message
from adapters.ncip.concealment import is_identity_type
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
from adapters.ncip.problem_elements import list_part_elements
from adapters.ncip.problems import TYPES
from adapters.ncip.xml_parser import DocumentLimits, is_truncated, parse_xml
from gateway.domain.problems import (
    MalformationKind,
    MalformedMessage,
    MessagePart,
    OutcomeUnknown,
    RefusalReason,
    Refused,
    Unavailable,
)
from gateway.domain.secret_reference import CONCEALED
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.message_transport import TransportReply

LIMITS = DocumentLimits(size=20_000_000, elements=500_000)
"""Of answers; a LookupItemSet may be long."""

KOHA_GREETING = b"It works!"

GENERIC = "Response"
"""Alma's name for the answer in some errors of version 1, whatever was asked (RELAY)."""

_NOT_DONE = frozenset({404, 405, 408, 410, 421, 425, 429, 501, 503, 505})
"""Statuses by which a server says that it has not begun: trying again does no harm."""

WORDS: dict[str, RefusalReason] = {
    # the patron
    "unknown user": RefusalReason.UNKNOWN_PATRON,
    "unkown user": RefusalReason.UNKNOWN_PATRON,  # Koha, in LookupUser
    "user unknown": RefusalReason.UNKNOWN_PATRON,  # Alma as VCU's addon knows it
    "patron not found": RefusalReason.UNKNOWN_PATRON,  # INC
    "no user identifier provided": RefusalReason.DATA_MISSING,  # Koha
    "non unique user": RefusalReason.AMBIGUOUS_PATRON,
    "user authentication failed": RefusalReason.PATRON_AUTH_FAILED,
    "user blocked": RefusalReason.PATRON_BLOCKED,
    "user access denied": RefusalReason.NOT_ALLOWED,
    "duplicate user": RefusalReason.DUPLICATE_PATRON,
    "maximum check outs exceeded": RefusalReason.LIMIT_REACHED,
    "user ineligible to check out this item": RefusalReason.NOT_ALLOWED,
    "user ineligible to request this item": RefusalReason.NOT_ALLOWED,
    "user ineligible to renew this item": RefusalReason.NOT_ALLOWED,
    # the item or record
    "unknown item": RefusalReason.UNKNOWN_ITEM,
    "unknown record": RefusalReason.UNKNOWN_RECORD,  # Koha
    "non unique item": RefusalReason.AMBIGUOUS_ITEM,
    "duplicate item": RefusalReason.DUPLICATE_ITEM,
    "item access denied": RefusalReason.NOT_ALLOWED,
    "item does not circulate": RefusalReason.ITEM_DOES_NOT_CIRCULATE,
    "resource cannot be provided": RefusalReason.ITEM_NOT_AVAILABLE,
    "check out not allowed item has outstanding requests": RefusalReason.REQUESTED_BY_OTHER,  # Koha
    "check out not allowed item is already checked out": RefusalReason.ITEM_ON_LOAN,  # Koha
    "item not checked out": RefusalReason.NOT_CHECKED_OUT,
    "not on loan": RefusalReason.NOT_CHECKED_OUT,  # by ReShare's list
    "9022": RefusalReason.NOT_CHECKED_OUT,  # by ReShare's list
    # the request
    "unknown request": RefusalReason.UNKNOWN_REQUEST,
    "non unique request": RefusalReason.AMBIGUOUS_REQUEST,
    "request already processed": RefusalReason.REQUEST_CLOSED,
    "duplicate request": RefusalReason.DUPLICATE_REQUEST,
    "cannot accept item": RefusalReason.NOT_ALLOWED,
    "cannot guarantee restrictions on use": RefusalReason.NOT_ALLOWED,
    "element rule violated": RefusalReason.NOT_ALLOWED,
    "pickup library invalid": RefusalReason.BAD_PICKUP_LOCATION,  # Koha
    "pickup library not specified": RefusalReason.BAD_PICKUP_LOCATION,  # Koha
    "item not available by need before date": RefusalReason.NOT_AVAILABLE_IN_TIME,
    # the loan
    "item not renewable": RefusalReason.NOT_RENEWABLE,
    "apply to circulation desk loan cannot be renewed (no change in due date)": RefusalReason.NOT_RENEWABLE,  # Alma
    "maximum renewals exceeded": RefusalReason.RENEWAL_LIMIT_REACHED,
    "renewal not allowed item has outstanding requests": RefusalReason.RENEWAL_HAS_REQUESTS,
    "item cannot be recalled": RefusalReason.CANNOT_BE_RECALLED,
    # money
    "duplicate fiscal transaction": RefusalReason.DUPLICATE_CHARGE,
    "account access denied": RefusalReason.NOT_ALLOWED,
    "invalid amount": RefusalReason.INVALID_AMOUNT,
    # the message and its sender
    "needed data missing": RefusalReason.DATA_MISSING,
    "invalid date": RefusalReason.INVALID_DATE,
    "invalid message syntax error": RefusalReason.INVALID_VALUE,
    "protocol error": RefusalReason.INVALID_VALUE,
    "unknown element": RefusalReason.INVALID_VALUE,
    "unknown scheme": RefusalReason.INVALID_VALUE,
    "unknown value from known scheme": RefusalReason.INVALID_VALUE,
    "unsupported shipping address type": RefusalReason.INVALID_VALUE,
    "unable to add element": RefusalReason.INVALID_VALUE,
    "unable to delete element": RefusalReason.INVALID_VALUE,
    "unsupported service": RefusalReason.UNSUPPORTED_SERVICE,
    "unknown service": RefusalReason.UNSUPPORTED_SERVICE,
    "service is not known": RefusalReason.UNSUPPORTED_SERVICE,  # Alma, also when it can't read umlauts
    "unauthorized service for agency": RefusalReason.UNAUTHORIZED_SERVICE,
    "unauthorized service for system": RefusalReason.UNAUTHORIZED_SERVICE,
    "unauthorized combination of element values for agency": RefusalReason.INVALID_VALUE,
    "unauthorized combination of element values for system": RefusalReason.INVALID_VALUE,
    "unknown agency": RefusalReason.UNKNOWN_AGENCY,
    "unknown system": RefusalReason.UNKNOWN_SENDER,
    "agency authentication failed": RefusalReason.SENDER_AUTH_FAILED,
    "system authentication failed": RefusalReason.SENDER_AUTH_FAILED,
    "temporary processing failure": RefusalReason.TEMPORARY_FAILURE,
    "patron record is busy": RefusalReason.TEMPORARY_FAILURE,  # Relais D2D
    "unknown error": RefusalReason.OTHER,  # Koha
    "blocked": RefusalReason.PATRON_BLOCKED,  # FOLIO, in ProblemDetail
    "item id is invalid": RefusalReason.INVALID_VALUE,  # FOLIO
    "item id missing": RefusalReason.DATA_MISSING,  # FOLIO
    "user id missing": RefusalReason.DATA_MISSING,  # FOLIO
    "request id missing": RefusalReason.DATA_MISSING,  # FOLIO
}

PHRASES: tuple[tuple[str, RefusalReason], ...] = (
    ("patron not found", RefusalReason.UNKNOWN_PATRON),  # INC: `PATRON_NOT_FOUND : id`
    ("patron record is busy", RefusalReason.TEMPORARY_FAILURE),  # Relais D2D
    ("itemalreadyonhold", RefusalReason.DUPLICATE_REQUEST),  # Koha, beside a word that says less
    ("item already on hold", RefusalReason.DUPLICATE_REQUEST),  # the same near Koha's main
    ("item with this barcode already exists", RefusalReason.DUPLICATE_ITEM),  # Koha
    # FOLIO: its own texts, and those that it passes on (facts/ils-backends.md section 4)
    ("did not find a user", RefusalReason.UNKNOWN_PATRON),
    ("pin check failed", RefusalReason.PATRON_AUTH_FAILED),
    ("patron blocked from", RefusalReason.PATRON_BLOCKED),
    ("inactive users cannot", RefusalReason.PATRON_BLOCKED),
    ("problem occurred while fetching item", RefusalReason.UNKNOWN_ITEM),
    ("no item with barcode", RefusalReason.UNKNOWN_ITEM),
    ("barcode must be unique", RefusalReason.DUPLICATE_ITEM),
    ("pickup location code note found", RefusalReason.BAD_PICKUP_LOCATION),
    ("already has an open loan", RefusalReason.ITEM_ON_LOAN),
    ("requested by another patron", RefusalReason.REQUESTED_BY_OTHER),
    ("and cannot be checked out", RefusalReason.ITEM_NOT_AVAILABLE),
    ("already has an open request", RefusalReason.DUPLICATE_REQUEST),
    ("requests are not allowed for this patron", RefusalReason.NOT_ALLOWED),
    ("request has already been closed", RefusalReason.REQUEST_CLOSED),
    ("request record with id", RefusalReason.UNKNOWN_REQUEST),
    ("initializing ncip properties failed for agencyid", RefusalReason.UNKNOWN_AGENCY),
)
"""Within longer texts, where a responder adds an id or a sentence, or says more than in the word beside it."""

_ABOUT: dict[str, MessagePart] = {
    **{element.lower(): about for element, about in list_part_elements()},
    "useridentifiervalue": MessagePart.PATRON,
    "itemidentifiervalue": MessagePart.ITEM,
    "requestidentifiervalue": MessagePart.REQUEST,
    "authenticationinputdata": MessagePart.CREDENTIALS,
}


@value_object
class SuccessReply:
    """A success: `response` has the values, `message` all that came."""

    response: Response
    message: Message


class RefusedByPartner(Refused):
    """The refusal with the answer and its problems, for those who show them. `problems` may be empty (INC)."""

    def __init__(self, refused: Refused, message: Message | None = None, problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(
            refused.reason, refused.detail, about=refused.about, value=refused.value, internal=refused.internal
        )
        self.message = message
        self.problems = problems


def read_reply(reply: TransportReply, message: Message, dialect: NcipDialect, zone: tzinfo) -> SuccessReply:
    """Read what came back by HTTP or TCP. An NCIP message is believed whatever the status; without one the status says
    whether anything can have been done.

    Raises Refused, Unavailable (nothing was done), OutcomeUnknown, MalformedMessage (an answer, but not NCIP).
    """
    try:
        return read_answer(reply.raw, message, dialect, zone)
    except MalformedMessage as error:
        _raise_for_status(reply, error)
        if is_truncated(reply.raw):
            raise OutcomeUnknown(
                write_sentence("the answer is truncated after %(count)s bytes", count=len(reply.raw))
            ) from error
        raise


def _raise_for_status(reply: TransportReply, error: MalformedMessage) -> None:
    """Raise what an HTTP status says where the body isn't NCIP; nothing for 2xx and for TCP.

    500, 502 and 504 tell nothing of what was done before they came up: FOLIO answers 500 when it can't build an
    answer to what it has carried out.
    """
    status = reply.status
    if status in (401, 403, 407):
        raise Refused(
            RefusalReason.SENDER_AUTH_FAILED,
            write_sentence("The other system rejected our sign-in (HTTP %(status)s).", status=status),
            internal=str(error),
        ) from error
    if 300 <= status < 500 or status in _NOT_DONE:
        raise Unavailable(
            write_sentence("the other system did not accept the message (HTTP %(status)s)", status=status)
        ) from error
    if status >= 500:
        raise OutcomeUnknown(
            write_sentence("the other system failed (HTTP %(status)s) without an NCIP answer", status=status)
        ) from error


def read_answer(raw: bytes, sent: Message, dialect: NcipDialect, zone: tzinfo) -> SuccessReply:
    """The bytes of an answer. Raises Refused, MalformedMessage."""
    if raw.strip() == KOHA_GREETING:
        raise Refused(
            RefusalReason.SENDER_AUTH_FAILED, "The other system rejected our token.", internal="Koha: It works!"
        )
    message = _decode_answer(raw, sent, dialect, zone)
    body = message.body
    if isinstance(body, Problems):
        raise _refusal_of_problems(message, body.problems, sent, dialect)
    if not isinstance(body, Response):
        raise MalformedMessage(message.service, "is not an answer", MalformationKind.PROTOCOL)
    if body.problems:
        raise _refusal_of_problems(message, body.problems, sent, dialect)
    if isinstance(body, ItemRequestedResponse):
        _check_item_requested(message, body, sent, dialect)
    expected = response_to(type(sent.body)) if isinstance(sent.body, Initiation) else None
    if expected is not type(body):
        raise MalformedMessage(message.service, f"does not answer {sent.service}", MalformationKind.PROTOCOL)
    return SuccessReply(body, message)


def _decode_answer(raw: bytes, message: Message, dialect: NcipDialect, zone: tzinfo) -> Message:
    try:
        parsed = parse_xml(raw, dialect.xml, limits=LIMITS)
        for child in parsed.root:
            if local_name(child) == GENERIC:
                child.tag = child.tag.replace(GENERIC, f"{message.service}{GENERIC}")
            if local_name(child) == "LookupItemResponse":
                _move_item_fields(child)
        return decode_message(parsed, dialect.xml, zone)
    except MalformedMessage as error:
        if KOHA_GREETING in raw:
            raise MalformedMessage(
                "NCIPMessage", "the other system did not understand our message (It works!)", MalformationKind.PROTOCOL
            ) from error
        raise


def _move_item_fields(answer: etree._Element) -> None:
    """Koha has what it says of an item in UserOptionalFields, call number and copy number without ItemDescription."""
    by_name = {local_name(child): child for child in answer}
    fields = by_name.get("UserOptionalFields")
    if fields is None or "ItemOptionalFields" in by_name:
        return
    fields.tag = fields.tag.replace("UserOptionalFields", "ItemOptionalFields")
    described = [child for child in fields if local_name(child) in ("CallNumber", "CopyNumber")]
    if described:
        description = etree.SubElement(fields, fields.tag.replace("ItemOptionalFields", "ItemDescription"))
        description.extend(described)


def _check_item_requested(message: Message, answer: ItemRequestedResponse, sent: Message, dialect: NcipDialect) -> None:
    """INC answers every failure so, with the error's text in place of our agency (facts/ncip.md 2.9)."""
    agency = answer.response_header.to_agency_id if answer.response_header is not None else None
    asked = sent.body.initiation_header if isinstance(sent.body, Initiation) else None
    ours = {code.value for code in (asked.from_agency_id, asked.to_agency_id) if code} if asked is not None else set()
    if agency is None or agency.value in ours:
        return  # a real answer to ItemRequested; to anything else it doesn't fit, which the caller says
    raise _refusal_of_problems(message, (Problem(type=Code(agency.value)),), sent, dialect)


def _refusal_of_problems(
    message: Message, problems: tuple[Problem, ...], sent: Message, dialect: NcipDialect
) -> RefusedByPartner:
    """Make a refusal by the first problem that says something."""
    problems = tuple(map(conceal_refused_secret, problems))
    pairs = [(reason_of_problem(problem, sent.service, dialect.errors), problem) for problem in problems]
    known = [pair for pair in pairs if pair[0] is not RefusalReason.OTHER]
    reason, problem = (known or pairs)[0]
    refused = Refused(
        reason,
        write_sentence("The other system answered: %(reason)s.", reason=TYPES[reason])
        if reason is not RefusalReason.OTHER
        else "The other system refused.",
        about=message_part_of_problem(problem),
        value=problem.value or "",
        internal="; ".join(_problem_words(problem) for problem in problems),
    )
    return RefusedByPartner(refused, message, problems)


def conceal_refused_secret(problem: Problem) -> Problem:
    """Koha repeats a wrong PIN in ProblemValue (facts/ils-backends.md 1.6); what only names the patron stays."""
    type_ = problem.type.value if problem.type is not None else ""
    if not problem.value or _to_plain_words(type_) != "user authentication failed":
        return problem
    return problem if is_identity_type(problem.element or "") else replace(problem, value=CONCEALED)


def _problem_words(problem: Problem) -> str:
    type_ = problem.type.value if problem.type is not None else ""
    return ", ".join(text for text in (type_, problem.detail, problem.element, problem.value) if text)


def reason_of_problem(problem: Problem, service: str, errors: Errors) -> RefusalReason:
    """Return what a problem means; the profile's own wordings come first, OTHER last."""
    type_ = problem.type.value if problem.type is not None else ""
    for words in (errors.services.get(service, {}), errors.map):
        for reason, wording in words.items():
            if wording.type and _can_be_wording(wording.type, type_):
                return reason
    texts = [_to_plain_words(text) for text in (type_, problem.value, problem.detail) if text]
    meaning = next((reason for text in texts for phrase, reason in PHRASES if phrase in text), None)
    if meaning is None:
        meaning = next((WORDS[text] for text in texts if text in WORDS), RefusalReason.OTHER)
    about_record = meaning is RefusalReason.UNKNOWN_ITEM and message_part_of_problem(problem) is MessagePart.RECORD
    return RefusalReason.UNKNOWN_RECORD if about_record else meaning


def _can_be_wording(wording: str, text: str) -> bool:
    """Return whether a text is this wording with its {value} filled in."""
    before, value, after = wording.partition("{value}")
    if not value:
        return text == wording
    return len(text) >= len(before) + len(after) and text.startswith(before) and text.endswith(after)


def message_part_of_problem(problem: Problem) -> MessagePart | None:
    element = (problem.element or "").strip().lower()
    return _ABOUT.get(element.rpartition("/")[2])


def _to_plain_words(text: str) -> str:
    return re.sub(r"[\s_\-–]+", " ", text).strip().lower()
