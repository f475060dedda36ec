"""The names that templates find, for patrons and partners. Pure; empty values are left out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, tzinfo

from gateway.domain.library import Patron
from gateway.domain.requests.citation import BIBLIOGRAPHIC_NUMBERS, Citation, CitationExtra
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import (
    BorrowingState,
    LibraryParty,
    PatronLink,
    Request,
    RequestFlag,
    Role,
    ServiceType,
)
from gateway.domain.value import replace, value_object
from gateway.ports.library_system import LibraryInfo
from gateway.ports.outgoing_mail import AnswerLink
from gateway.ports.partner_channel import PartnerMessage
from gateway.services.letters.templates import clean_line, clean_lines
from gateway.services.letters.vocabulary import LanguageWords

Row = tuple[str, str]
Rows = tuple[Row, ...]

_PAGE_RANGE = re.compile(r"(?<=\d)-(?=\d)")


def label_rows(words: LanguageWords, *pairs: tuple[str, str]) -> Rows:
    """`pairs`: the name of the label, the value."""
    return tuple((words.label(name), clean_line(value)) for name, value in pairs if clean_line(value))


def citation_rows(citation: Citation, words: LanguageWords) -> Rows:
    """All of it but `original`, which may name the patron."""
    has_part = citation.is_part or bool(citation.component_title or citation.component_author)
    kind = words.types.get(citation.type.value, citation.type.value)
    title = ": ".join(part for part in (citation.title, citation.subtitle) if part)
    part = citation.type.value if f"title-of-{citation.type.value}" in words.labels else "part"
    return (
        *label_rows(
            words,
            ("type", kind),
            (f"title-of-{part}", citation.component_title),
            ("author", citation.component_author),
            ("in" if has_part else "title", title),
            ("author-of-whole" if has_part else "author", citation.author),
            ("series", citation.series),
            ("edition", citation.edition),
            ("volume", citation.volume),
            ("issue", citation.issue),
            ("pages", citation.pages),
            ("published", words.localization.format_written_day(citation.published)),
            ("place", citation.place),
            ("publisher", citation.publisher),
            ("language", words.localization.language_name(citation.language) if citation.language else ""),
            *((identifier.type, identifier.value) for identifier in citation.identifiers),
            ("call-number", citation.call_number),
            ("source", citation.source),
            ("note", citation.note),
        ),
        *extra_rows(citation.extras),
    )


def readers_citation_rows(citation: Citation, words: LanguageWords) -> Rows:
    """List what a reader wants to know of the work: without what systems have written for each other. Staff, partners
    and programs see all of it."""
    extras = [extra for extra in citation.extras if extra.is_bibliographic and extra.value != citation.published]
    numbers = tuple(identifier for identifier in citation.identifiers if identifier.type in BIBLIOGRAPHIC_NUMBERS)
    pages = _PAGE_RANGE.sub("–", citation.pages)
    known = replace(citation, source="", identifiers=numbers, extras=(), pages=pages)
    pairs = ((extra.name, words.localization.format_written_day(extra.value)) for extra in extras)
    return (*citation_rows(known, words), *label_rows(words, *pairs))


def extra_rows(extras: Iterable[CitationExtra]) -> Rows:
    """Fields that nobody has a word for, under their own names."""
    return tuple((clean_line(extra.name), clean_line(extra.value)) for extra in extras if clean_line(extra.value))


def service_rows(request: Request, words: LanguageWords) -> Rows:
    service, dates = request.service, request.dates
    maximum = request.costs.maximum
    return label_rows(
        words,
        ("service", words.services.get(service.type.value, service.type.value)),
        ("format", words.services.get(service.format, service.format)),
        ("level", words.services.get(service.level, service.level)),
        ("volumes", ", ".join(part.label or part.id for part in request.volumes) if len(request.volumes) > 1 else ""),
        ("need-by", words.format_day(dates.need_by) if dates.need_by else ""),
        ("start", words.format_day(dates.start) if dates.start else ""),
        ("end", words.format_day(dates.end) if dates.end else ""),
        ("maximum-cost", words.format_money(maximum) if maximum else ""),
    )


def reference_numbers(request: Request, transaction: str, attempt: int = 0) -> tuple[str, str]:
    """Our number of the request and the partner's, as the partner knows them."""
    if request.role is Role.LENDING:
        return request.number, transaction
    supplier_attempt = request.find_attempt(attempt) if attempt else request.attempt
    return transaction, supplier_attempt.theirs if supplier_attempt else ""


@value_object(kw_only=True)
class NoticeFacts:
    """The facts of a notice to a patron beyond its request. `details`: of the event that it tells. `pickup`: the
    place's name. `link`: to a copy, good until `link_until`. `answer_yes`, `answer_no`: addresses that answer the
    question. `account`: address of the patron's own requests; `settings`: of their settings of notices. `message_id`:
    the same at every try."""

    message_id: str = ""
    details: EventDetails = EventDetails()
    pickup: str = ""
    hold_until: date | None = None
    link: str = ""
    link_until: date | datetime | None = None
    answer_yes: str = ""
    answer_no: str = ""
    account: str = ""
    settings: str = ""


@value_object
class LetterContent:
    """`inline`: one line each; `blocks`: label and value, shown as a table; `quotes`: somebody's own lines; `links`:
    addresses; `answers`: addresses that answer the letter, with what they say; `settings`: address of the patron's
    settings of notices. `plain` is handed over as it is."""

    name: str  # of whom the letter greets
    inline: Mapping[str, str]
    blocks: Mapping[str, Rows]
    quotes: Mapping[str, str]
    links: Mapping[str, str]
    plain: Mapping[str, object]
    answers: Rows = ()
    settings: str = ""


def make_patron_content(
    request: Request,
    patron: Patron | None,
    library: LibraryInfo,
    words: LanguageWords,
    zone: tzinfo,
    facts: NoticeFacts,
) -> LetterContent:
    details, terms, query = facts.details, request.terms, request.query
    due = terms.patron_due or details.due or (terms.lender_due if request.role is Role.LENDING else None)
    conditions = details.conditions or terms.conditions
    is_asked = request.state is BorrowingState.CONDITIONAL
    cost = details.cost or (request.costs.offered if is_asked else request.costs.agreed)
    return LetterContent(
        name=patron.name.direct if patron is not None else "",
        inline={
            "number": request.number,
            "title": request.citation.short,
            "due": words.format_moment(due, zone) if due else "",
            "pickup": facts.pickup,
            "hold_until": words.format_day(facts.hold_until) if facts.hold_until else "",
            "link_until": words.format_moment(facts.link_until, zone) if facts.link_until else "",
            "answer_by": words.format_moment(query.answer_by, zone) if query and query.answer_by else "",
            "reason": _describe_reason(request, details, words),
            "conditions": _format_conditions(conditions, words),
            "cost": words.format_money(cost) if cost else "",
            "home": _name_home_library(request),
        },
        blocks={
            "item": readers_citation_rows(request.citation, words),
            "references": label_rows(words, ("request", request.number)),
        },
        quotes={"note": clean_lines(details.note), "query": clean_lines(query.text) if query else ""},
        links={"link": facts.link, "yes": facts.answer_yes, "no": facts.answer_no, "account": facts.account},
        plain={
            "request": request,
            "details": details,
            "library": library,
            "patron": patron,
            "outcome": _find_outcome(request),
            "message": "\n\n".join(clean_lines(details.note).splitlines()),
        },
        settings=facts.settings,
    )


def _find_outcome(request: Request) -> str:
    """Find what has become of an item that doesn't come, or comes though it was cancelled, or how staff have closed the
    request. Empty: none of these."""
    if request.ending is not None:
        return request.ending.value
    if request.state is BorrowingState.LOST:
        return "lost"
    if RequestFlag.UNWANTED in request.flags:
        if request.service.type is ServiceType.COPY:
            return "copy"
        return "sent" if request.state is BorrowingState.SHIPPED else ""
    return "recalled" if RequestFlag.RECALLED in request.flags else ""


def _describe_reason(request: Request, details: EventDetails, words: LanguageWords) -> str:
    """Describe the reason; of a request that nobody supplies, where nothing else is said, it is the one that the last
    supplier gave. A partner's own words are none that a patron is told."""
    is_unfilled = request.role is Role.BORROWING and request.state is BorrowingState.UNFILLED
    heard = next((past.reason for past in reversed(request.attempts) if past.reason), "") if is_unfilled else ""
    reason = details.reason or heard
    return words.reasons.get(reason, "")


def _name_home_library(request: Request) -> str:
    """The library that asked for its patron, to whom our item is lent."""
    partner = request.partner
    if request.role is not Role.LENDING:
        return ""
    name = partner.name or partner.symbol
    return f"{name} ({partner.email})" if partner.email else name


def make_partner_content(
    message: PartnerMessage,
    library: LibraryInfo,
    words: LanguageWords,
    zone: tzinfo,
    answers: Sequence[AnswerLink] = (),
) -> LetterContent:
    """Make the content; nothing in it says who the patron is: what may is taken out of the request first."""
    request, details = _without_patron(message.request), message.details
    ours, theirs = reference_numbers(request, message.transaction)
    due = details.due or (request.terms.lender_due if message.role is Role.LENDING else None)
    present = request.terms.lender_due
    notes = [note.text for note in request.notes if note.for_partner] if message.kind is EventKind.REQUEST else []
    return LetterContent(
        name=message.receiver.name,
        inline={
            "reference": message.transaction,
            "our_reference": ours,
            "their_reference": theirs,
            "number": request.number,
            "reader": message.request.patron.identifier if message.kind is EventKind.SUBMIT else "",
            "title": request.citation.short,
            "due": words.format_moment(due, zone) if due else "",
            "present_due": words.format_moment(present, zone) if present else "",
            "reason": words.reasons.get(details.reason, details.reason),
            "status": words.states.get(details.status, details.status),
            "service": words.services.get(request.service.type.value, request.service.type.value),
            "retry_after": words.format_day(details.retry_after) if details.retry_after else "",
            "expected": words.format_day(details.expected) if details.expected else "",
            "cost": words.format_money(details.cost) if details.cost else "",
            "conditions": _format_conditions(details.conditions, words),
        },
        blocks={
            "item": citation_rows(request.citation, words),
            "wanted": service_rows(request, words),
            "facts": _make_event_rows(details, request, words, zone),
            "delivery": _make_delivery_rows(message.sender, library, words),
            "references": label_rows(words, ("our-reference", ours), ("your-reference", theirs)),
        },
        quotes={"note": clean_lines("\n".join([*notes, details.note]))},
        links={"link": details.link},
        plain={
            "request": request,
            "details": details,
            "library": library,
            "partner": message.receiver,
            "role": message.role.value,
        },
        answers=tuple((words.pages.get(f"say-{link.answer}", link.answer), link.address) for link in answers),
    )


def _without_patron(request: Request) -> Request:
    return replace(
        request,
        patron=PatronLink(),
        direct_patron=PatronLink(),
        borrower_id="",
        query=None,
        notes=tuple(note for note in request.notes if note.for_partner),
        warnings=(),
        extras=(),
        external=(),
        candidates=(),
        sign_offs=(),
        digitised_by="",
        citation=replace(request.citation, original=""),
    )


def _make_event_rows(details: EventDetails, request: Request, words: LanguageWords, zone: tzinfo) -> Rows:
    """Make rows of what came with the event and has no sentence of its own."""
    volumes = [volume.label or volume.id for volume in request.volumes if volume.id in details.volumes]
    renewals = {None: "", True: words.label("yes"), False: words.label("no")}[details.renewals_allowed]
    return (
        *label_rows(
            words,
            ("due", words.format_moment(details.due, zone) if details.due else ""),
            ("conditions", _format_conditions(details.conditions, words)),
            ("cost", words.format_money(details.cost) if details.cost else ""),
            ("maximum-cost", words.format_money(details.maximum_cost) if details.maximum_cost else ""),
            ("expected", words.format_day(details.expected) if details.expected else ""),
            ("retry-after", words.format_day(details.retry_after) if details.retry_after else ""),
            ("need-by", words.format_day(details.need_by) if details.need_by else ""),
            ("renewals", renewals),
            ("barcode", details.barcode),
            ("item", details.item_description),
            ("volumes", ", ".join(volumes)),
            ("pickup", details.pickup),
        ),
        *extra_rows(details.extras),
    )


def _make_delivery_rows(us: LibraryParty, library: LibraryInfo, words: LanguageWords) -> Rows:
    return label_rows(
        words,
        ("library", us.name or library.name),
        ("symbol", us.symbol or library.symbol),
        ("address", us.address or library.address),
        ("email", us.email or library.email),
        ("phone", library.phone),
    )


def _format_conditions(conditions: tuple[str, ...], words: LanguageWords) -> str:
    return ", ".join(words.conditions.get(condition, condition) for condition in conditions)
