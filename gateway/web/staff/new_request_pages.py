"""A new request at /staff/requests/new: found by a number, a link or a search, or typed in; then sent by one form."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation

from aiohttp import web

from gateway.domain.library import Money
from gateway.domain.problems import MalformedMessage, MessagePart, RefusalReason, Refused, Unavailable
from gateway.domain.requests.citation import Citation, CitationType, parse_standard_number
from gateway.domain.requests.drafts import BorrowingDraft, LendingDraft
from gateway.domain.requests.request import (
    LibraryParty,
    PatronLink,
    Request,
    RequestDates,
    RequestedService,
    Role,
    ServiceType,
)
from gateway.domain.roles import Right
from gateway.domain.value import value_object
from gateway.ports.catalogue import LinkFormat, ReceivedLink
from gateway.services.desks.sent_forms import create_once
from gateway.services.letters.localization import mark_text
from gateway.services.letters.templates import clean_line
from gateway.services.requests.intake import OVERRULED_BY_STAFF, create_borrowing_request
from gateway.services.requests.lending_intake import create_lending_request
from gateway.services.searching.search import SearchableTarget, SearchOutcome, parse_query
from gateway.web.html.citation_fields import fill_citation_fields, read_citation, read_volumes
from gateway.web.html.error_pages import PageError
from gateway.web.html.forms import FormCheck, SubmittedForm
from gateway.web.html.visits import hash_token
from gateway.web.staff.act_forms import list_places, list_suppliers
from gateway.web.staff.coded_words import list_work_types
from gateway.web.staff.request_access import ACT_RIGHTS, find_named_request
from gateway.web.staff.staff_request import StaffPage, StaffRequest

MAX_WISH_CHARS = 24_000
"""Of a link that is pasted."""

_LINK_KEYS = frozenset(
    ("genre", "title", "atitle", "jtitle", "btitle", "stitle", "issn", "eissn", "isbn", "id", "rft_id", "doi", "pmid")
)
"""Keys of OpenURL 0.1 and 1.0, of which a link that cites something has one; of 1.0 also all that begin with `rft.`"""

FIELD_OF = {
    MessagePart.PATRON: "patron",
    MessagePart.PICKUP_LOCATION: "pickup",
    MessagePart.NEED_BY: "need_by",
    MessagePart.RECORD: "title",
    MessagePart.SENDER: "partner",
    MessagePart.REQUEST: "transaction",
}
"""Where a refusal is shown, by what it is about."""


@value_object(kw_only=True)
class FoundWork:
    """The work that was found for the wish. `citation` None: nothing was. `notice`: what the page says of it;
    `free_url`: where anybody may read it."""

    citation: Citation | None = None
    service: ServiceType = ServiceType.LOAN
    notice: str = ""
    free_url: str = ""


async def show_new_request(page: StaffRequest) -> web.StreamResponse:
    """Show the form. The query has: `role`; `find`, what somebody pasted or typed, and `where`, a catalogue; or `link`,
    a citation; or `copy`, the number of a request that is made once more."""
    role = _require_role(page)
    query = page.http.query
    if copied_number := query.get("copy", ""):
        return await _show_copy(page, role, await find_named_request(page, copied_number))
    wish, where, link = query.get("find", "").strip(), query.get("where", ""), query.get("link", "")
    if link:
        work = await _read_link(page, link)
        return await _render_form(page, role, _fill_form(page, work), work=work)
    if not wish:
        return await _render_form(page, role, _fill_form(page, FoundWork()))
    if len(wish) > MAX_WISH_CHARS:
        raise PageError(413, "fault-too-large")
    number, link = parse_standard_number(wish), _link_of_text(wish)
    if number is not None or link:
        work = await (_look_up(page, wish) if number is not None else _read_link(page, link))
        return await _render_form(page, role, _fill_form(page, work), work=work)
    return await _show_search(page, role, wish, where)


def _require_role(page: StaffRequest) -> Role:
    """Require a role; raises PageError."""
    word = page.http.query.get("role", "") or Role.BORROWING.value
    if word not in set(Role):
        raise PageError(404, "fault-not-there")
    page.require_right(ACT_RIGHTS[Role(word)])
    return Role(word)


def _link_of_text(text: str) -> str:
    """The query string of an OpenURL, with the address of a resolver before it or without; empty: it is none."""
    before, mark, behind = text.partition("?")
    query = behind if mark and "=" not in before else text
    if any(char.isspace() for char in query):
        return ""
    keys = {part.partition("=")[0].casefold() for part in query.split("&") if "=" in part}
    return query if keys & _LINK_KEYS or any(key.startswith("rft.") for key in keys) else ""


async def _look_up(page: StaffRequest, text: str) -> FoundWork:
    number = parse_standard_number(text)
    assert number is not None, "looked at before"
    bare = Citation(
        type=CitationType.ARTICLE if number.type in ("doi", "pmid") else CitationType.BOOK, identifiers=(number,)
    )
    offering = page.library.offering
    if offering is None:
        return FoundWork(citation=bare)
    try:
        citation = await offering.look_up_citation(number)
    except Unavailable:
        notice = page.gettext("No service could look up this number now. Please fill in the rest of the form.")
        return FoundWork(citation=bare, notice=notice)
    if citation is None:
        notice = page.gettext("No service knows this number. Please fill in the rest of the form.")
        return FoundWork(citation=bare, notice=notice)
    return await _describe_found(page, citation, ServiceType.COPY if citation.is_part else ServiceType.LOAN)


async def _read_link(page: StaffRequest, link: str) -> FoundWork:
    """Read a link; raises PageError where nothing can be read."""
    links, offering = page.parts.links, page.library.offering
    if links is None or offering is None:
        raise PageError(404, "fault-not-there")
    try:
        cited = await offering.complete_link(links.decode(ReceivedLink(link.encode())))
    except MalformedMessage:
        return FoundWork(notice=page.gettext("This link cannot be read. Please fill in the form."))
    if cited.citation.is_empty:
        return FoundWork(notice=page.gettext("This link does not identify an item."))
    return await _describe_found(page, cited.citation, cited.service)


async def _describe_found(page: StaffRequest, citation: Citation, service: ServiceType) -> FoundWork:
    offering = page.library.offering
    free = await offering.find_free_version(citation) if offering is not None else None
    return FoundWork(
        citation=citation,
        service=service,
        notice=page.gettext("Found these details: %(title)s", title=clean_line(citation.short)),
        free_url=free.url if free is not None else "",
    )


# --- searching -------------------------------------------------------------------------------------------


@value_object(kw_only=True)
class ShownHit:
    """One result of a search. `link`: the citation, for the form."""

    title: str
    author: str
    details: str
    holders: str
    link: str


async def _show_search(page: StaffRequest, role: Role, wish: str, where: str) -> web.StreamResponse:
    """Words are looked for in a catalogue; where none is set up, they become the title."""
    targets = page.library.search.targets()
    names = _name_catalogues(page, targets)
    links = page.parts.links
    if not names or links is None:
        work = FoundWork(
            citation=Citation(type=CitationType.BOOK, title=clean_line(wish)),
            notice=page.gettext(
                "No catalogue is configured for searching, so your words have been entered as the title."
            ),
        )
        return await _render_form(page, role, _fill_form(page, work), work=work)
    chosen = where if where in names else next(iter(names))
    try:
        outcome = await page.library.search.search(chosen, parse_query(wish))
    except Refused as refused:
        work = FoundWork(notice=page.describe_refusal(refused))
        return await _render_form(page, role, _fill_form(page, work), work=work)
    return page.render(
        "request_search",
        page.gettext("Choose an item"),
        help_topic="new-request",
        role=role.value,
        wish=wish,
        where=chosen,
        targets=names,
        hits=_list_hits(page, outcome, links, names),
        problems=[
            (names.get(answer.target, answer.target), answer.problem) for answer in outcome.answers if answer.problem
        ],
    )


def _name_catalogues(page: StaffRequest, targets: Iterable[SearchableTarget]) -> dict[str, str]:
    """Name catalogues as people do, by the name of the profile or group: the library, or what its profile says of
    it."""

    def name_catalogue(target: SearchableTarget) -> str:
        library = page.context.name_of_partner(target.name)
        return library if library != target.name else target.description or target.name

    return {searchable_target.name: name_catalogue(searchable_target) for searchable_target in targets}


def _list_hits(
    page: StaffRequest, outcome: SearchOutcome, links: LinkFormat, names: Mapping[str, str]
) -> Sequence[ShownHit]:
    """`names`: what people call the catalogues."""
    hits = []
    for result in outcome.results:
        citation = result.citation
        details = [citation.edition, citation.publisher, page.localization.format_written_day(citation.published)]
        service = ServiceType.COPY if citation.is_part else ServiceType.LOAN
        hits.append(
            ShownHit(
                title=citation.component_title or citation.title,
                author=citation.component_author or citation.author,
                details=", ".join(filter(None, details)),
                holders=page.localization.format_list([names.get(copy.target, copy.target) for copy in result.holders]),
                link=links.encode(citation, service),
            )
        )
    return hits


# --- the form --------------------------------------------------------------------------------------------


def _fill_form(page: StaffRequest, work: FoundWork) -> FormCheck:
    """Fill in the form for the first time."""
    citation = work.citation or Citation(type=CitationType.BOOK)
    values = {
        **fill_citation_fields(citation),
        "service": (ServiceType.COPY if work.service is ServiceType.COPY else ServiceType.LOAN).value,
        "form": secrets.token_urlsafe(24),
        "maximum_cost_currency": page.context.currency,
        "patron": page.http.query.get("patron", ""),
    }
    return FormCheck(page, SubmittedForm(), values)


async def _show_copy(page: StaffRequest, role: Role, original: Request) -> web.StreamResponse:
    """Show the form as a request was made; days and notes are of that one alone. Raises PageError."""
    if original.role is not role:
        raise PageError(404, "fault-not-there")
    checked = _fill_form(page, FoundWork(citation=original.citation, service=original.service.type))
    maximum = original.costs.maximum
    if maximum is not None:
        checked.values["maximum_cost"] = page.localization.format_amount(maximum.amount)
        checked.values["maximum_cost_currency"] = maximum.currency
    if role is Role.BORROWING and page.sees_patrons:
        checked.values["patron"] = original.patron.identifier
    checked.values["pickup"] = original.patron.pickup
    checked.values["partner"] = original.partner.profile if role is Role.LENDING else ""
    checked.values["volumes"] = "\n".join(volume.label for volume in original.volumes if volume.label)
    return await _render_form(page, role, checked)


async def _render_form(
    page: StaffRequest, role: Role, checked: FormCheck, work: FoundWork | None = None, *, can_override: bool = False
) -> web.Response:
    """`can_override`: what stands against it may be overruled."""
    targets = page.library.search.targets()
    title = mark_text("New borrowing request") if role is Role.BORROWING else mark_text("New lending request")
    return page.render(
        "request_new",
        page.gettext(title),
        status=checked.status,
        help_topic="new-request",
        role=role.value,
        is_borrowing=role is Role.BORROWING,
        checked=checked,
        work=work,
        wish=page.http.query.get("find", ""),
        where=page.http.query.get("where", ""),
        targets=_name_catalogues(page, targets),
        types=list_work_types(page.localization),
        places=list((await list_places(page)).items()),
        suppliers=list_suppliers(page.context),
        partners=list_requesters(page),
        can_override=can_override,
    )


def list_requesters(page: StaffRequest) -> tuple[tuple[str, str], ...]:
    """Libraries that may ask us: profile and name."""
    requesters = [
        (profile.name, partner.name or profile.name)
        for profile, partner in page.context.partners()
        if "requester" in {role.value for role in partner.roles}
    ]
    return tuple(sorted(requesters, key=lambda pair: pair[1].casefold()))


async def submit_new_request(page: StaffRequest) -> web.StreamResponse:
    form = await page.read_own_form()
    role = _require_role(page)
    checked = FormCheck(page, form)
    token = checked.read_line("form", 100)
    if not token:
        checked.values["form"] = secrets.token_urlsafe(24)
        checked.general.append(page.format_text("wrong-stale"))
    draft = _read_borrowing(page, checked) if role is Role.BORROWING else _read_lending(page, checked)
    if not checked.is_good:
        return await _render_form(page, role, checked)
    try:
        request_id = await _create_request(page, draft, hash_token(f"{page.visit.id}:{token}"))
    except Refused as refused:
        _show_refusal(page, checked, refused)
        can_override = role is Role.BORROWING and refused.reason in OVERRULED_BY_STAFF
        return await _render_form(page, role, checked, can_override=can_override)
    request = await page.library.requests.find_request(request_id)
    return page.redirect(
        page.path("requests", request.number), page.gettext("Request %(number)s created.", number=request.number)
    )


async def _create_request(page: StaffRequest, draft: BorrowingDraft | LendingDraft, key: str) -> str:
    """Id of the request. Raises Refused, Unavailable."""
    context = page.context
    if isinstance(draft, BorrowingDraft):
        return await create_once(context, key, lambda claim: create_borrowing_request(context, draft, claim))
    return await create_once(context, key, lambda claim: create_lending_request(context, draft, claim))


def _read_borrowing(page: StaffRequest, checked: FormCheck) -> BorrowingDraft:
    patron = checked.read_line("patron", 100)
    pickup = checked.read_line("pickup", 100)
    if patron == "" and pickup:
        pickup = ""  # nobody collects it
    return BorrowingDraft(
        citation=_read_work(page, checked),
        service=_read_service(checked),
        dates=RequestDates(need_by=checked.read_day("need_by", page.context.today())),
        maximum_cost=_read_cost(page, checked),
        patron=PatronLink(identifier=patron, pickup=pickup),
        partner=checked.read_choice("supplier", [name for name, _ in list_suppliers(page.context)]),
        note=checked.read_lines("note"),
        volumes=read_volumes(checked),
        override=checked.read_checkbox("override"),
        source="staff",
        actor=page.origin.actor,
    )


def _read_lending(page: StaffRequest, checked: FormCheck) -> LendingDraft:
    partner = checked.read_choice("partner", [name for name, _ in list_requesters(page)])
    if not partner:
        checked.add_problem("partner", "wrong-missing", field=page.gettext("Requesting library"))
    return LendingDraft(
        citation=_read_work(page, checked),
        requester=LibraryParty(profile=partner),
        transaction=checked.read_line("transaction", 100),
        service=_read_service(checked),
        dates=RequestDates(need_by=checked.read_day("need_by", page.context.today())),
        maximum_cost=_read_cost(page, checked),
        note=checked.read_lines("note"),
        volumes=read_volumes(checked),
        source="staff",
        actor=page.origin.actor,
    )


def _read_work(page: StaffRequest, checked: FormCheck) -> Citation:
    citation = read_citation(checked)
    if citation.is_empty:
        checked.add_problem("title", "wrong-missing", field=page.gettext("Title of the book or journal"))
    return citation


def _read_service(checked: FormCheck) -> RequestedService:
    choice = checked.read_choice("service", [ServiceType.LOAN.value, ServiceType.COPY.value])
    level = checked.read_choice("level", ["rush"])
    service = ServiceType.LOAN if "service" in checked.problems else ServiceType(choice or ServiceType.LOAN)
    return RequestedService(type=service, level=level)


def _read_cost(page: StaffRequest, checked: FormCheck) -> Money | None:
    text = checked.read_line("maximum_cost", 20)
    currency = checked.read_line("maximum_cost_currency", 3).upper() or page.context.currency
    if not text:
        return None
    try:
        return Money(Decimal(text.replace(",", ".")).quantize(Decimal("0.01")), currency)
    except (InvalidOperation, ValueError):
        checked.add_problem_text("maximum_cost", page.gettext("Please enter an amount, such as 12.50, and a currency."))
        return None


def _show_refusal(page: StaffRequest, checked: FormCheck, refused: Refused) -> None:
    """Show a refusal at the field that it is about, else above the form."""
    name = FIELD_OF.get(refused.about) if refused.about is not None else None
    if name is not None and refused.reason is not RefusalReason.DUPLICATE_REQUEST:
        checked.add_problem_text(name, page.describe_refusal(refused))
    else:
        checked.general.append(page.describe_refusal(refused))


# Whoever may make requests to other libraries may make some to us; `_require_role` looks at that once more.
PAGES = (
    StaffPage("GET", "/requests/new", show_new_request, Right.BORROWING_ACT),
    StaffPage("POST", "/requests/new", submit_new_request, Right.BORROWING_ACT),
)
