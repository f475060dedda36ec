"""Section `partner` of a profile: identity, abilities, prices, mail, workflow, number templates.

How requests run with a partner is its `workflow`; how its messages look is its protocol's own section. All days are
business days of the library's calendar unless a key says otherwise.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from gateway.domain.circulation_policy import ProfileSection
from gateway.domain.library import Money
from gateway.domain.profile_values import make_duration_check
from gateway.domain.requests.citation import Citation, comparison_key, is_listed_work
from gateway.domain.requests.network_load import NetworkMember
from gateway.domain.requests.request import BorrowingState, RequestedService, ServiceType
from gateway.domain.sentences import Sentence, write_sentence

FIELDS = ("library", "year", "month", "branch", "partner", "prefix", "sequence")
_SAMPLE: dict[str, object] = {
    "library": "x",
    "year": 2026,
    "month": 11,
    "branch": "x",
    "partner": "x",
    "prefix": "x",
    "sequence": 1,
}
MAX_NUMBER_CHARS = 60

Sender = Annotated[str, Field(pattern=r"^[^@\s<>]*@[^@\s<>]+$")]
TimeOfDay = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


TimeLimit = Annotated[str, make_duration_check("hd", "a time limit such as 4h (hours) or 3d (days)")]
"""Hours of business days (4h) or business days (3d); added by `Calendar.add_time_limit`."""

LETTERS = (
    "placed",
    "sent",
    "available",
    "due-soon",
    "overdue",
    "recalled",
    "renewed",
    "renewal-refused",
    "cancelled",
    "cancel-refused",
    "closed",
    "not-coming",
    "gone-back",
    "not-supplied-yet",
    "not-supplied",
    "copy-ready",
    "query",
)
"""Notices to patrons. A reminder before the due date is usually the library system's own."""

STAFF_LETTER = "from-staff"
"""The letter that staff write themselves: no rule leaves it out."""


def _check_number_template(value: str) -> str:
    known = ", ".join(f"{{{name}}}" for name in FIELDS)
    try:
        names = [name for _, name, _, _ in string.Formatter().parse(value) if name is not None]
        if unknown := [name for name in names if name not in FIELDS]:
            raise ValueError(f"'{unknown[0]}' is no field")
        length = len(value.format(**_SAMPLE))
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError(f"can't be filled in ({error}); it may contain {known}") from error
    if names.count("sequence") != 1:
        raise ValueError("must contain {sequence} once, or {sequence:05d}, so that numbers differ")
    if "month" in names and "year" not in names:
        raise ValueError("with {month} it must contain {year} too, or numbers come again after a year")
    if length > MAX_NUMBER_CHARS:
        raise ValueError(f"longer than {MAX_NUMBER_CHARS} characters")
    return value


NumberTemplate = Annotated[str, AfterValidator(_check_number_template)]
"""Text with {library} (its symbol), {year}, {month}, {branch}, {partner} (its main symbol), {prefix}, {sequence}."""


def _check_batch_number(template: str) -> str:
    """Check that the number can be found again in an answer."""
    if re.search(r"\{(?:branch|partner|library)\b", template):
        raise ValueError("a file is of no branch, and a symbol may have characters that no answer repeats")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9./-]*", template.format(year=1, month=1, prefix="x", sequence=1)):
        raise ValueError("a file's number is one word of letters, digits and . / -")
    return template


class BatchRule(ProfileSection):
    """Orders wait until one of these comes true, then all that wait go together (domain.requests.calendar)."""

    at: tuple[TimeOfDay, ...] = Field(
        (), description="times at which batches are sent, such as 11:30, in the library's time zone, on opening days"
    )
    wait_minutes: int | None = Field(None, ge=1, le=10_080, description="maximum waiting time of an order")
    most: int = Field(
        50,
        ge=1,
        le=1_000,
        description="number of orders that are sent at once, and maximum per email; 1: each order separately",
    )
    number: Annotated[NumberTemplate, AfterValidator(_check_batch_number)] = Field(
        "F{sequence:06d}",
        description="template of the file number, quoted by the partner: {year}, {month}, {prefix}, {sequence}",
    )

    @model_validator(mode="after")
    def _check_wait_ends(self) -> BatchRule:
        if not self.at and self.wait_minutes is None and self.most > 1:
            raise ValueError("needs `at` or `wait_minutes`: an order could wait for others for ever")
        return self


class PartnerMail(ProfileSection):
    addresses: tuple[Sender, ...] = Field(
        (), description="further sender addresses; @DOMAIN: any address of the domain"
    )
    require: tuple[Literal["spf", "dkim", "dmarc"], ...] = Field(
        (),
        description="checks that our mail server must have passed before an email is applied (protection against "
        "forged senders)",
    )
    bounce: Literal["next", "staff"] = Field(
        "next", description="whether an undeliverable request goes to the next supplier or to staff review"
    )
    repeat_hours: int = Field(
        24,
        ge=0,
        le=8760,
        description="period in which the same content with another Message-ID counts as a repeat; 0: never",
    )

    gather: BatchRule | None = Field(
        None,
        description="send several orders in one email, if the channel supports it; none: each order separately",
    )

    def is_partner_address(self, address: str) -> bool:
        """Return whether one of `addresses` is this one, or its domain; without case."""
        wanted = address.casefold()
        at_domain = wanted[wanted.rfind("@") :]
        return any(listed.casefold() in (wanted, at_domain) for listed in self.addresses)


class BorrowingWorkflow(ProfileSection):
    """What we may do, and expect, when this partner is the supplier."""

    patron_may_cancel: bool = Field(True, description="the patron may cancel until the item is checked out")
    patron_may_renew: bool = Field(True, description="the patron may request a renewal")
    cancel: bool = Field(True, description="the partner supports cancellations")
    renew: bool = Field(True, description="the partner supports renewals")
    status_query: bool = Field(True, description="the partner supports status queries")
    conditions: Literal["staff", "patron", "accept", "refuse"] = Field(
        "staff", description="who answers a supplier's condition"
    )
    asks_others: bool = Field(
        False,
        description="the partner is a broker that asks suppliers itself: after a declined condition or offer, and when "
        "staff skip a supplier, the request remains with it, and it is told so by ISO 18626",
    )
    tell_received: bool = Field(True, description="tell the partner that the item has been received")
    tell_returned: bool = Field(True, description="tell the partner that the item has been returned")
    tell_on_shelf: bool = Field(False, description="tell the partner that the item is on the hold shelf")
    tell_lent: bool = Field(False, description="tell the partner that the item is checked out to the patron")
    expects_check_in: bool = Field(
        True, description="the partner reports check-in; false: a returned request is closed"
    )
    digital_only: bool = Field(False, description="request only copies from this partner")
    answer_days: int = Field(3, ge=1, le=365, description="time limit for an answer; then the next supplier is asked")
    answer: TimeLimit | None = Field(
        None,
        description="time limit for an answer, such as 4h (hours of business days) or 3d (business days), instead of "
        "`answer_days`",
    )
    ship_days: int = Field(
        7,
        ge=1,
        le=365,
        description='time limit for shipment after "will supply"; then the partner is asked for the status',
    )
    cancel_days: int = Field(
        3, ge=1, le=365, description="time limit for an answer to a cancellation; then it counts as accepted"
    )
    condition_days: int = Field(
        3, ge=1, le=365, description="time limit for answering a condition; then it is declined"
    )
    renewal_answer_days: int = Field(3, ge=1, le=365, description="time limit for an answer to a renewal request")
    renewal_fallback: Literal["refused", "granted"] = Field(
        "refused", description="result of a renewal request without an answer"
    )
    renewal_fallback_days: int = Field(7, ge=1, le=365, description="calendar days added if it counts as granted")
    loss_fee: bool = Field(False, description="charge the patron when a loss is settled (`circulation.fees`)")

    @model_validator(mode="before")
    @classmethod
    def _take_former_name(cls, data: object) -> object:
        """`renewal_days` was the time limit here, while it is the days that a renewal adds in `lending`."""
        if not isinstance(data, Mapping) or "renewal_days" not in data:
            return data
        if "renewal_answer_days" in data:
            raise ValueError("renewal_days is the former name of renewal_answer_days; keep only renewal_answer_days")
        return {"renewal_answer_days" if key == "renewal_days" else key: value for key, value in data.items()}


class LendingWorkflow(ProfileSection):
    """What we do when this partner is the requester."""

    will_supply: bool = Field(True, description='send "will supply" before shipment')
    promise_first: bool = Field(
        False, description='if an item is shipped without "will supply", send both, because the partner requires it'
    )
    conditional: bool = Field(True, description="the partner supports conditions")
    hold_placed: bool = Field(True, description="the partner supports hold-placed")
    condition_days: int = Field(
        5, ge=1, le=365, description="time limit for the answer to our condition; then the request is closed"
    )
    cancel: Literal["grant", "staff", "refuse"] = Field(
        "grant", description="how a cancellation before shipping is answered"
    )
    declined: Literal["end", "next-supplier"] = Field(
        "end",
        description="what follows when the partner declines a condition of a supplier whom we have asked for it: end "
        "(of its request), or next-supplier, for a partner that knows us as a broker and waits for another answer; a "
        "cancellation ends it in any case",
    )
    renew: Literal["grant", "staff", "refuse"] = Field(
        "grant",
        description="how a renewal is answered; one of what was shipped as not renewable is never granted by rule",
    )
    renewals: int = Field(2, ge=0, le=99, description="number of renewals granted by rule")
    renewal_repeat_hours: int = Field(
        24,
        ge=0,
        le=8760,
        description="period in which a further renewal request counts as a repeat and gets the same answer, unless "
        "something else has happened; 0: never",
    )
    renewal_days: int = Field(14, ge=1, le=365, description="calendar days added by a renewal")
    loan_days: int = Field(28, ge=1, le=365, description="calendar days of a loan")
    tell_checked_in: bool = Field(True, description="tell the partner that the item has been checked in")
    overdue_notices: bool = Field(True, description="send an overdue notice to the partner")
    overdue_days: int = Field(1, ge=0, le=365, description="business days after the due date")
    return_days: int = Field(
        10,
        ge=1,
        le=365,
        description="time limit for arrival of a returned item; then it is on the task list return-late",
    )
    loss_fee: bool = Field(False, description="charge the account of the loan when a loss is settled")
    while_closed: Literal["retry", "unfilled"] = Field(
        "retry",
        description="how a new request is answered on days on which we do not lend: retry, with the first open day; or "
        "unfilled, for a broker that then asks the next library at once",
    )
    clearance: Literal["required", "not-required"] = Field("required", description="copyright sign-off of copies")
    clearance_by: Literal["anybody", "somebody-else"] = Field(
        "anybody", description="who may sign off a copy: any user with the right, or only a user who did not make it"
    )
    loan_to: Literal["institution", "requester"] = Field(
        "institution",
        description="whose account an item is lent on: the partner's, or that of its patron where a request names one: "
        "a temporary record here (`circulation.patrons` defines its category and days)",
    )


def _check_letter_name(name: str) -> str:
    if name not in LETTERS:
        raise ValueError(f"no such letter; letters: {', '.join(LETTERS)}")
    return name


class PatronWorkflow(ProfileSection):
    """Notices to the patron of a borrowing request, by the name of their letter."""

    letters: tuple[Annotated[str, AfterValidator(_check_letter_name)], ...] = Field(
        (
            "placed",
            "sent",
            "available",
            "overdue",
            "recalled",
            "renewed",
            "renewal-refused",
            "cancelled",
            "cancel-refused",
            "closed",
            "not-coming",
            "gone-back",
            "not-supplied",
            "copy-ready",
            "query",
        ),
        description="notices that are sent",
    )
    in_person: tuple[Annotated[str, AfterValidator(_check_letter_name)], ...] = Field(
        (
            "available",
            "overdue",
            "recalled",
            "renewed",
            "renewal-refused",
            "cancelled",
            "cancel-refused",
            "closed",
            "not-coming",
            "gone-back",
            "not-supplied-yet",
            "not-supplied",
            "copy-ready",
            "query",
        ),
        description="notices that staff give in person (task list to-tell) if the patron has no email address",
    )
    query_days: int = Field(3, ge=1, le=90, description="business days for a patron's answer")
    shelf_days: int = Field(7, ge=1, le=90, description="business days on the hold shelf")
    due_soon_days: int = Field(
        2, ge=0, le=60, description="calendar days before the due date when a reminder is sent; 0: none"
    )


class Workflow(ProfileSection):
    borrowing: BorrowingWorkflow = BorrowingWorkflow.model_construct()
    lending: LendingWorkflow = LendingWorkflow.model_construct()
    patron: PatronWorkflow = PatronWorkflow.model_construct()


class PartnerRole(StrEnum):
    SUPPLIER = "supplier"  # we may ask it
    REQUESTER = "requester"  # it may ask us


class Closure(ProfileSection):
    """Closed from the first day to the last, both included."""

    first: date
    last: date
    note: str = Field("", description="reason, shown to staff")

    @model_validator(mode="after")
    def _check_closure_days(self) -> Closure:
        if self.last < self.first:
            raise ValueError("last is before first")
        return self

    def includes_day(self, day: date) -> bool:
        return self.first <= day <= self.last

    def describe_closure(self) -> Sentence:
        if self.note:
            return write_sentence("closed until %(day)s: %(words)s", day=self.last, words=self.note)
        return write_sentence("closed until %(day)s", day=self.last)


def find_opening_day(closures: Iterable[Closure], day: date) -> date | None:
    """The day itself if no closure holds then, else the first one after it; None: it never opens again."""
    held = tuple(closures)
    while (closure := next((period for period in held if period.includes_day(day)), None)) is not None:
        if closure.last == date.max:
            return None
        day = closure.last + timedelta(days=1)
    return day


class Price(ProfileSection):
    amount: Decimal = Field(ge=0, max_digits=12, decimal_places=3)
    currency: str = Field(pattern=r"^[A-Z]{3}$", description="ISO 4217 code")

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)


def _check_listed_identifier(text: str) -> str:
    if not comparison_key(text):
        raise ValueError("not an identifier such as isbn:9783161484100 or issn:0317-8471")
    return text


ListedIdentifier = Annotated[str, AfterValidator(_check_listed_identifier)]
Owns = Literal["everything", "nothing", "unknown"] | tuple[ListedIdentifier, ...]


def _check_symbols_differ(values: tuple[str, ...]) -> tuple[str, ...]:
    twice = {value for value in values if [v.casefold() for v in values].count(value.casefold()) > 1}
    if twice:
        raise ValueError(f"stands twice: {', '.join(sorted(twice))}")
    return values


class Term(ProfileSection):
    """An agreement of partners on a service; of several the first that fits a request counts."""

    service: Literal[ServiceType.LOAN, ServiceType.COPY] | None = Field(None, description="loan or copy; not set: both")
    level: tuple[str, ...] = Field((), description="levels of service of ISO 18626, such as rush; empty: all")
    price: Literal[0] | Price | None = Field(
        None, description="0, or amount and currency; not set: the term leaves the price to the partner"
    )
    days: int | None = Field(None, ge=1, le=365, description="calendar days of a loan, instead of `loan_days`")
    renewals: int | None = Field(None, ge=0, le=99, description="renewals granted by rule, instead of `renewals`")
    answer: TimeLimit | None = Field(
        None,
        description="time limit for the supplier's answer, such as 4h (hours of business days) or 3d (business days)",
    )

    @model_validator(mode="before")
    @classmethod
    def _take_former_name(cls, data: object) -> object:
        """`answer_days` was the time limit when it was in days only."""
        if not isinstance(data, Mapping) or "answer_days" not in data:
            return data
        if "answer" in data:
            raise ValueError("answer_days is the former name of answer; keep only answer")
        days = data["answer_days"]
        kept = {key: value for key, value in data.items() if key != "answer_days"}
        return {**kept, "answer": f"{days}d" if isinstance(days, int) else days}

    def fits(self, service: RequestedService) -> bool:
        """A request for a copy or a loan has the terms of a loan."""
        is_copy = service.type is ServiceType.COPY
        levels = {level.casefold() for level in self.level}
        return (not levels or service.level.casefold() in levels) and (
            self.service is None or (self.service is ServiceType.COPY) == is_copy
        )


class PartnerTerm(Term):
    group: str = Field("", description="set by the gateway: the group whose term it is; empty: the partner's own")


class PartnerPolicy(ProfileSection):
    symbols: Annotated[tuple[str, ...], AfterValidator(_check_symbols_differ)] = Field(
        (), description="symbols, such as ISIL:NO-01; the first is used in messages"
    )
    name: str = ""
    email: str = Field("", pattern=r"^([^@\s]+@[^@\s]+)?$", description="address for letters and tagged mail")
    mail: PartnerMail = PartnerMail.model_construct()
    address: str = Field("", description="postal address, for parcels and letters")
    phone: str = Field("", description="phone number for staff, shown by `illgate partner show`")
    language: str = Field(
        "", pattern=r"^([a-z]{2,3}(-[A-Za-z0-9]{2,8})*)?$", description="language of letters: en, de …"
    )
    category: str = Field("", description="your own category; loan periods can depend on it")
    campus: str = Field("", description="campus; requests of the same campus prefer it (`ranking.near`)")
    roles: tuple[PartnerRole, ...] = Field(
        (PartnerRole.SUPPLIER, PartnerRole.REQUESTER), description="supplier, requester or both"
    )
    push_new: bool = Field(
        False,
        description="it is told of every new request of our patrons, with the patron's identifier: for a system of the "
        "library's own that looks after requests, not for another library",
    )
    push_states: tuple[BorrowingState, ...] = Field(
        (),
        description="states of borrowing requests that are reported to it; for the same kind of system",
    )
    channel: str = Field("", description="channel: mail, loopback or a protocol; empty: no messages can be sent")
    brokered: Literal["opaque", "transparent"] = Field(
        "opaque",
        description="of what we broker: opaque: it deals with us alone; transparent: messages name the library on the "
        "other side, to it and from it (ISO 18626)",
    )
    closures: tuple[Closure, ...] = Field(
        (),
        description="closing days, on which it is not asked; open requests continue and their time limits are "
        "suspended (facts/users-want.md 20)",
    )
    network: NetworkMember | None = Field(
        None, description="address of its gateway, if it is a member of our network and reports the load of suppliers"
    )
    max_open: int = Field(0, ge=0, le=1_000_000, description="maximum number of open requests; 0: `overload.max_open`")
    cost: Price | None = Field(None, description="usual charge for a loan; not set: free")
    copy_cost: Price | None = Field(None, description="usual charge for a copy; not set: as `cost`")
    terms: tuple[PartnerTerm, ...] = Field(
        (), description="prices, loan periods and renewals by service and level; those of shared groups come first"
    )
    cost_limit: Price | None = Field(
        None, description="maximum cost at this partner, for any request; it is asked only if `cost` is not higher"
    )
    reciprocity: float = Field(
        1.0,
        ge=0,
        le=100,
        description="balance of lending and borrowing; 1: even; more than 1: it owes us and is asked earlier",
    )
    owns: Owns = Field(
        "unknown", description="holdings, if no catalogue is searched: everything, nothing, unknown, or identifiers"
    )
    services: tuple[ServiceType, ...] = Field((), description="services; empty: loans and copies")
    formats: tuple[str, ...] = Field((), description="formats, such as printed; empty: all")
    number: NumberTemplate | None = Field(
        None, description="template of request numbers for this partner, instead of those in requests.yml"
    )
    workflow: Workflow = Workflow.model_construct()

    @property
    def symbol(self) -> str:
        """The main one; empty where none is said."""
        return self.symbols[0] if self.symbols else ""

    def is_closed(self, day: date) -> bool:
        return self.find_closure(day) is not None

    def find_closure(self, day: date) -> Closure | None:
        return next((closure for closure in self.closures if closure.includes_day(day)), None)

    def usual_price(self, service: RequestedService) -> Money | None:
        """Return the usual price; None: nothing."""
        term = self.find_term(service)
        if term is not None and term.price is not None:
            return term.price.money if term.price else None
        is_copy = service.type is ServiceType.COPY
        price = self.copy_cost if is_copy and self.copy_cost is not None else self.cost
        return price.money if price is not None else None

    def find_term(self, service: RequestedService) -> PartnerTerm | None:
        """Find the term that counts: the first of each group that fits, of these the cheapest, else the partner's own.
        Amounts are compared as they stand; one that leaves the price to the partner comes last."""
        first: dict[str, PartnerTerm] = {}
        for term in self.terms:
            if term.fits(service):
                first.setdefault(term.group, term)
        own = first.pop("", None)
        return min(first.values(), key=_rank_term, default=own)

    def workflow_of_service(self, service: RequestedService) -> Workflow:
        """Return the workflow as the term that counts has it."""
        term = self.find_term(service)
        if term is None:
            return self.workflow
        lending = {"loan_days": term.days, "renewals": term.renewals}
        borrowing = {"answer": term.answer}
        changed = {
            name: section.model_copy(update={key: value for key, value in values.items() if value is not None})
            for name, section, values in (
                ("lending", self.workflow.lending, lending),
                ("borrowing", self.workflow.borrowing, borrowing),
            )
        }
        return self.workflow.model_copy(update=changed)

    def can_supply(self, service: ServiceType) -> bool:
        """`copy-or-loan` is supplied by whoever supplies one of them."""
        offered = set(self.services) or {ServiceType.COPY_OR_LOAN}
        if ServiceType.COPY_OR_LOAN in offered:
            offered = {ServiceType.LOAN, ServiceType.COPY}
        if self.workflow.borrowing.digital_only:
            offered -= {ServiceType.LOAN}
        return bool(offered) if service is ServiceType.COPY_OR_LOAN else service in offered

    def owns_work(self, citation: Citation) -> bool | None:
        """Return whether the partner owns the work, by `owns`; None: that can't be told from here."""
        if isinstance(self.owns, str):
            return {"everything": True, "nothing": False, "unknown": None}[self.owns]
        return is_listed_work(citation.identifiers, self.owns)


def _rank_term(term: PartnerTerm) -> tuple[bool, Decimal]:
    return term.price is None, term.price.amount if term.price else Decimal()
