"""Failures, kept apart by what the caller has to do about them.

- `Refused`: a business answer ("no, because"); repeating the message won't help.
- `Unavailable`: a technical failure before anything happened; repeating is safe.
- `Postponed`: an Unavailable by which the other side answers about this message alone; others may go through.
- `UnfinishedWork`: one that other work of ours brings about; nothing is wrong with the other side.
- `OutcomeUnknown`: a time-out after sending; ask before repeating.
- `UnclearAnswer`: there was an answer, which doesn't tell; it is about this message alone as well.
- `MalformedMessage`: bytes that no value could be made of.

The reasons are the common vocabulary of facts/ils-backends.md section 4; each protocol words them in its own
way, and never shows a partner the raw text of a library system.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from gateway.domain.sentences import join_sentences, sentence_of_text, write_sentence
from gateway.domain.value import value_object


class RefusalReason(StrEnum):
    """Why a library or the gateway refuses."""

    # the patron
    UNKNOWN_PATRON = "unknown-patron"
    AMBIGUOUS_PATRON = "ambiguous-patron"
    PATRON_AUTH_FAILED = "patron-auth-failed"
    PATRON_BLOCKED = "patron-blocked"
    PATRON_EXPIRED = "patron-expired"
    LIMIT_REACHED = "limit-reached"
    DUPLICATE_PATRON = "duplicate-patron"
    # the item or record
    UNKNOWN_ITEM = "unknown-item"
    AMBIGUOUS_ITEM = "ambiguous-item"
    UNKNOWN_RECORD = "unknown-record"
    DUPLICATE_ITEM = "duplicate-item"
    ITEM_NOT_AVAILABLE = "item-not-available"
    ITEM_DOES_NOT_CIRCULATE = "item-does-not-circulate"
    ITEM_ON_LOAN = "item-on-loan"
    ON_LOAN_SAME_PATRON = "on-loan-same-patron"
    REQUESTED_BY_OTHER = "requested-by-other"
    NOT_CHECKED_OUT = "not-checked-out"
    IN_USE = "in-use"
    # the hold or request
    UNKNOWN_REQUEST = "unknown-request"
    AMBIGUOUS_REQUEST = "ambiguous-request"
    REQUEST_CLOSED = "request-closed"
    DUPLICATE_REQUEST = "duplicate-request"
    BAD_PICKUP_LOCATION = "bad-pickup-location"
    NOT_ALLOWED = "not-allowed"
    NOT_AVAILABLE_IN_TIME = "not-available-in-time"
    # the loan
    NOT_RENEWABLE = "not-renewable"
    RENEWAL_LIMIT_REACHED = "renewal-limit-reached"
    RENEWAL_HAS_REQUESTS = "renewal-has-requests"
    CANNOT_BE_RECALLED = "cannot-be-recalled"
    # money
    DUPLICATE_CHARGE = "duplicate-charge"
    INVALID_AMOUNT = "invalid-amount"
    # the message and its sender
    DATA_MISSING = "data-missing"
    INVALID_DATE = "invalid-date"
    INVALID_VALUE = "invalid-value"
    UNSUPPORTED_SERVICE = "unsupported-service"
    UNAUTHORIZED_SERVICE = "unauthorized-service"
    UNKNOWN_SENDER = "unknown-sender"
    SENDER_AUTH_FAILED = "sender-auth-failed"
    UNKNOWN_AGENCY = "unknown-agency"
    # technical, as it is worded to a partner
    TEMPORARY_FAILURE = "temporary-failure"
    CALL_NOT_ACCEPTED = "call-not-accepted"  # by the library system: settings, rights or its release are in the way
    OTHER = "other"


COLLISIONS = frozenset({RefusalReason.DUPLICATE_ITEM, RefusalReason.ITEM_ON_LOAN, RefusalReason.ON_LOAN_SAME_PATRON})
"""Something else has the barcode or the item now; when it has let go the same can be done."""


class MessagePart(StrEnum):
    """The part of the message that a refusal is about; a protocol turns it into an element name."""

    PATRON = "patron"
    CREDENTIALS = "credentials"
    ITEM = "item"
    RECORD = "record"
    REQUEST = "request"
    PICKUP_LOCATION = "pickup-location"
    PICKUP_EXPIRY = "pickup-expiry"
    DUE_DATE = "due-date"
    NEED_BY = "need-by"
    AMOUNT = "amount"
    ACTION = "action"
    REQUEST_TYPE = "request-type"
    SENDER = "sender"
    RECEIVER = "receiver"
    STATUS = "status"
    SERVICE = "service"


class Refused(Exception):
    """A business refusal.

    `detail` is one plain English sentence without personal data, fit for a partner's eyes; `value` is the
    offending value as the partner sent it (may identify a person: for the answer, never for a log);
    `internal` is the library system's own wording, for staff only.
    """

    def __init__(
        self,
        reason: RefusalReason,
        detail: str,
        *,
        about: MessagePart | None = None,
        value: str = "",
        internal: str = "",
    ) -> None:
        super().__init__(f"{reason.value}: {detail}")
        self.reason = reason
        self.detail = sentence_of_text(detail)
        self.about = about
        self.value = value
        self.internal = internal


class Unavailable(Exception):
    """The library system or a partner can't be reached or can't answer now; nothing was done.

    `detail` is one plain English sentence without personal data, fit for staff and for logs.
    """

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail


class Postponed(Unavailable):
    """The other side answered that it can't do this now: nothing was done, and the same will do later. Whether it would
    have done something else is not said."""


class UnfinishedWork(Postponed):
    """The library answers, and says no because of what we have not finished with another request: nothing was done,
    and the same will do later."""


class OutcomeUnknown(Exception):
    """The call was sent and no answer came: it may or may not have been carried out. `detail` as in `Unavailable`."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail


class UnclearAnswer(OutcomeUnknown):
    """The other side answered, with nothing that says whether it was carried out. What else it would have said to
    another call isn't known."""


class MalformationKind(StrEnum):
    """The kind of malformation; messaging problem types of NCIP follow it (facts/ncip.md 3.6)."""

    SYNTAX = "syntax"
    TOO_LARGE = "too-large"
    PROTOCOL = "protocol"
    UNKNOWN_SERVICE = "unknown-service"
    UNKNOWN_ELEMENT = "unknown-element"
    DATA_MISSING = "data-missing"
    INVALID_VALUE = "invalid-value"
    INVALID_DATE = "invalid-date"
    UNSUPPORTED_VERSION = "unsupported-version"


class MalformedMessage(Exception):
    """Bytes that don't make a message: `place` is a path, line or offset, `reason` a plain sentence."""

    def __init__(self, place: str, reason: str, fault: MalformationKind = MalformationKind.SYNTAX) -> None:
        super().__init__(f"{place}: {reason}" if place else reason)
        self.place = place
        self.reason = reason
        self.fault = fault


@value_object
class Refusal:
    """`Refused` as a value: how an outcome is kept, worded and compared."""

    reason: RefusalReason
    detail: str
    about: MessagePart | None = None
    value: str = ""
    internal: str = ""

    @classmethod
    def from_error(cls, refused: Refused) -> Refusal:
        return cls(refused.reason, refused.detail, refused.about, refused.value, refused.internal)


# --- configuration ---------------------------------------------------------------------------------------

KeyPath = tuple[str | int, ...]
"""Where a value stands in a document: keys and list positions (from 0)."""

MAX_LISTED_CODES = 30
"""A library may have hundreds of codes; the nearest one is said in any case."""


@value_object
class ConfigurationProblem:
    """One thing that is wrong. `line` counts from 1; 0: the file as a whole.

    `found` and `allowed` are ready to print; `found` is empty where the value must not be shown (secrets).
    `path_in_file`: if the file has the value elsewhere than the document that it was read into.
    """

    file: str
    line: int
    path: KeyPath
    message: str
    found: str = ""
    allowed: tuple[str, ...] = ()
    suggestion: str = ""
    path_in_file: KeyPath | None = None

    @property
    def key(self) -> str:
        return format_key_path(self.path if self.path_in_file is None else self.path_in_file)

    def __str__(self) -> str:
        return str(self.describe_problem())

    def describe_problem(self) -> str:
        """`profiles/x.yml:12: circulation.accept.trap_hold: found 'at-acept', allowed: at-accept, at-check-in`, as a
        sentence, so that pages can tell it in the reader's language."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        parts = [sentence_of_text(self.message)] if self.message else []
        if self.found:
            parts.append(write_sentence("found %(value)s", value=sentence_of_text(self.found)))
        if self.allowed:
            codes, more = ", ".join(self.allowed[:MAX_LISTED_CODES]), len(self.allowed) - MAX_LISTED_CODES
            if more > 0:
                codes = write_sentence("%(codes)s and %(num)s more", codes=codes, num=more)
            parts.append(write_sentence("allowed: %(codes)s", codes=codes))
        text = join_sentences(", ", parts)
        if self.suggestion:
            text = write_sentence("%(text)s (did you mean '%(code)s'?)", text=text, code=self.suggestion)
        return join_sentences(": ", (place, self.key, text))


class ConfigurationError(Exception):
    """Settings or profiles can't be used: everything that is wrong in them, one problem a line."""

    def __init__(self, problems: Iterable[ConfigurationProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    @property
    def detail(self) -> str:
        """The text of all problems, as a sentence that pages can tell in the reader's language."""
        return join_sentences("\n", [problem.describe_problem() for problem in self.problems])


def format_key_path(path: KeyPath) -> str:
    return ".".join(str(part) for part in path)
