"""What templates may say: the names that they find, for patrons and for partners. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, tzinfo

from gateway.domain.frozen import frozen, frozen_by_name
from gateway.domain.library import Patron
from gateway.domain.requests.events import Details, Kind
from gateway.domain.requests.request import Party, PatronLink, Request, Role
from gateway.ports.channel import PartnerMessage
from gateway.ports.letters import AnswerLink
from gateway.ports.library import LibraryInfo
from gateway.services.letters.rows import Rows, citation_rows, extra_rows, references, rows, service_rows
from gateway.services.letters.texts import clean_lines
from gateway.services.letters.words import Words


@frozen_by_name
class NoticeFacts:
    """What a notice to a patron says beyond its request. `details`: of the event that it tells. `pickup`: the
    place's name. `link`: to a copy, good until `link_until`. `answer_yes`, `answer_no`: addresses that answer the
    question. `account`: address of the patron's own requests. `message_id`: the same at every try."""

    message_id: str = ""
    details: Details = Details()
    pickup: str = ""
    hold_until: date | None = None
    link: str = ""
    link_until: date | datetime | None = None
    answer_yes: str = ""
    answer_no: str = ""
    account: str = ""


@frozen
class Content:
    """`inline`: one line each; `blocks`: label and value, shown as a table; `quotes`: somebody's own lines; `links`:
    addresses; `answers`: addresses that answer the letter, with what they say. `plain` is handed over as it is."""

    name: str  # of whom the letter greets
    inline: Mapping[str, str]
    blocks: Mapping[str, Rows]
    quotes: Mapping[str, str]
    links: Mapping[str, str]
    plain: Mapping[str, object]
    answers: Rows = ()


def for_patron(
    request: Request, patron: Patron | None, library: LibraryInfo, words: Words, zone: tzinfo, facts: NoticeFacts
) -> Content:
    details, terms, query = facts.details, request.terms, request.query
    due = terms.patron_due or details.due or (terms.lender_due if request.role is Role.LENDING else None)
    conditions = details.conditions or terms.conditions
    cost = details.cost or request.costs.agreed
    return Content(
        name=patron.name.direct if patron is not None else "",
        inline={
            "number": request.number,
            "title": request.citation.short,
            "due": words.when(due, zone) if due else "",
            "pickup": facts.pickup,
            "hold_until": words.day(facts.hold_until) if facts.hold_until else "",
            "link_until": words.when(facts.link_until, zone) if facts.link_until else "",
            "answer_by": words.when(query.answer_by, zone) if query and query.answer_by else "",
            "reason": words.reasons.get(details.reason, details.reason),
            "conditions": _conditions(conditions, words),
            "cost": words.sum(cost) if cost else "",
            "home": _home(request),
        },
        blocks={"item": citation_rows(request.citation, words), "references": rows(words, ("request", request.number))},
        quotes={"note": clean_lines(details.note), "query": clean_lines(query.text) if query else ""},
        links={"link": facts.link, "yes": facts.answer_yes, "no": facts.answer_no, "account": facts.account},
        plain={"request": request, "details": details, "library": library, "patron": patron},
    )


def _home(request: Request) -> str:
    """The library that asked for its patron, to whom our item is lent."""
    partner = request.partner
    if request.role is not Role.LENDING:
        return ""
    name = partner.name or partner.symbol
    return f"{name} ({partner.email})" if partner.email else name


def for_partner(
    message: PartnerMessage, library: LibraryInfo, words: Words, zone: tzinfo, answers: Sequence[AnswerLink] = ()
) -> Content:
    """Nothing in it says who the patron is: what may is taken out of the request first."""
    request, details = _without_patron(message.request), message.details
    ours, theirs = references(request, message.transaction)
    due = details.due or (request.terms.lender_due if message.role is Role.LENDING else None)
    present = request.terms.lender_due
    notes = [note.text for note in request.notes if note.for_partner] if message.kind is Kind.REQUEST else []
    return Content(
        name=message.receiver.name,
        inline={
            "reference": message.transaction,
            "our_reference": ours,
            "their_reference": theirs,
            "number": request.number,
            "reader": message.request.patron.identifier if message.kind is Kind.SUBMIT else "",
            "title": request.citation.short,
            "due": words.when(due, zone) if due else "",
            "present_due": words.when(present, zone) if present else "",
            "reason": words.reasons.get(details.reason, details.reason),
            "status": words.states.get(details.status, details.status),
            "service": words.services.get(request.service.type.value, request.service.type.value),
            "retry_after": words.day(details.retry_after) if details.retry_after else "",
            "expected": words.day(details.expected) if details.expected else "",
            "cost": words.sum(details.cost) if details.cost else "",
            "conditions": _conditions(details.conditions, words),
        },
        blocks={
            "item": citation_rows(request.citation, words),
            "wanted": service_rows(request, words),
            "facts": _facts(details, request, words, zone),
            "delivery": _delivery(message.sender, library, words),
            "references": rows(words, ("our-reference", ours), ("your-reference", theirs)),
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
        answers=tuple((words.pages.get(f"say-{one.answer}", one.answer), one.address) for one in answers),
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
        citation=replace(request.citation, original=""),
    )


def _facts(details: Details, request: Request, words: Words, zone: tzinfo) -> Rows:
    """What came with the event and has no sentence of its own."""
    volumes = [one.label or one.id for one in request.volumes if one.id in details.volumes]
    renewals = {None: "", True: words.label("yes"), False: words.label("no")}[details.renewals_allowed]
    return (
        *rows(
            words,
            ("due", words.when(details.due, zone) if details.due else ""),
            ("conditions", _conditions(details.conditions, words)),
            ("cost", words.sum(details.cost) if details.cost else ""),
            ("maximum-cost", words.sum(details.maximum_cost) if details.maximum_cost else ""),
            ("expected", words.day(details.expected) if details.expected else ""),
            ("retry-after", words.day(details.retry_after) if details.retry_after else ""),
            ("need-by", words.day(details.need_by) if details.need_by else ""),
            ("renewals", renewals),
            ("barcode", details.barcode),
            ("item", details.item_description),
            ("volumes", ", ".join(volumes)),
            ("pickup", details.pickup),
        ),
        *extra_rows(details.extras),
    )


def _delivery(us: Party, library: LibraryInfo, words: Words) -> Rows:
    return rows(
        words,
        ("library", us.name or library.name),
        ("symbol", us.symbol or library.symbol),
        ("address", us.address or library.address),
        ("email", us.email or library.email),
        ("phone", library.phone),
    )


def _conditions(conditions: tuple[str, ...], words: Words) -> str:
    return ", ".join(words.conditions.get(one, one) for one in conditions)
