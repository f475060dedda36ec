"""Forms that request from other libraries or place a hold."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import timedelta
from urllib.parse import quote

from aiohttp import web

from gateway.domain.library import BlockCause, BlockScope, Patron, PickupLocation
from gateway.domain.problems import MessagePart, RefusalReason, Refused, Unavailable
from gateway.domain.requests.citation import DECLARATION, Citation, CitationExtra
from gateway.domain.requests.drafts import BorrowingDraft
from gateway.domain.requests.fulfilment import Fulfilment
from gateway.domain.requests.intake_rules import open_request_limit
from gateway.domain.requests.request import PatronLink, RequestDates, RequestedService, ServiceType
from gateway.domain.value import replace, value_object
from gateway.ports.catalogue import LinkCitation
from gateway.ports.library_system import PatronKey
from gateway.services.desks.sent_forms import create_once
from gateway.services.letters.templates import clean_line
from gateway.services.requests.intake import create_borrowing_request, preview_intake
from gateway.services.requests.library_context import PATRON
from gateway.store.patron_sessions import SessionRow
from gateway.web.html.citation_fields import read_volumes
from gateway.web.html.error_pages import PageError
from gateway.web.html.forms import FormCheck, SubmittedForm
from gateway.web.html.visits import hash_token
from gateway.web.pages import sign_in_pages
from gateway.web.pages.form_words import declaration_text
from gateway.web.pages.page_request import PageRequest, choose_usual_pickup, is_empty_citation
from gateway.web.pages.page_texts import (
    ASKED_BEFORE_TEXT,
    BLOCK_TEXTS,
    EXPIRED_TEXT,
    LIBRARY_MESSAGE_TEXT,
    LIMIT_TEXT,
    OWED_TEXT,
    find_refusal_text,
)

SOURCE = "openurl"

CHOICES = (ServiceType.LOAN, ServiceType.COPY)

MAX_MESSAGE_CHARS = 300
"""Of what the library's system tells a blocked patron."""

FIELD_OF = {
    MessagePart.NEED_BY: "need_by",
    MessagePart.PICKUP_LOCATION: "pickup",
    MessagePart.RECORD: "component_title",
}


@value_object(kw_only=True)
class OrderForm:
    """The subject of the form, and what can be chosen. `id`: of the form, good for one request."""

    id: str
    link: str
    cited: LinkCitation
    pickups: tuple[PickupLocation, ...]

    @property
    def pickup_choices(self) -> list[tuple[str, str]]:
        return [(place.code, place.name) for place in self.pickups]


@value_object(kw_only=True)
class ForeseenRefusals:
    """The refusals that the patron is told before anything is filled in. `stops`: why there is no form; `has_more`: the
    patron's options are more than the one that is refused; `notes`: above the form."""

    stops: tuple[str, ...] = ()
    has_more: bool = False
    notes: tuple[str, ...] = ()


NOTHING_FORESEEN = ForeseenRefusals()


async def show_order_form(page: PageRequest) -> web.Response:
    session = page.session
    cited = require_citation(page, page.query)
    link = page.encode_link(cited.citation, cited.service)
    if session is None:
        return sign_in_pages.ask_to_sign_in(page, f"request?{link}")
    order = await make_order_form(page, secrets.token_urlsafe(24), link, cited)
    foreseen = await _foresee_refusals(page, cited, session)
    free = await page.offering.find_free_version(cited.citation)
    first = FormCheck(page, SubmittedForm(), _first_values(order, session))
    return _render_order_form(page, order, first, foreseen, free.url if free is not None else "")


async def _foresee_refusals(page: PageRequest, cited: LinkCitation, session: SessionRow) -> ForeseenRefusals:
    """Foresee refusals before the patron fills in a form that is refused. What patrons can change in the form, or staff
    decide, is told above it; with what is about themselves there is no form."""
    draft = BorrowingDraft(
        citation=cited.citation,
        service=RequestedService(cited.service),
        patron=PatronLink(identifier=session.identifier),
        source=SOURCE,
    )
    try:
        findings = await preview_intake(page.context, draft)
    except Refused as refused:
        if refused.reason is not RefusalReason.UNKNOWN_PATRON:
            raise
        return ForeseenRefusals(stops=(refusal_text(page, refused.reason, refused.about),))
    about_patron = [problem for problem in findings.problems if problem.about is MessagePart.PATRON]
    others = [problem for problem in findings.problems if problem.about is not MessagePart.PATRON]
    warnings = [warning for warning in findings.warnings if warning.reason is RefusalReason.DUPLICATE_REQUEST]
    return ForeseenRefusals(
        stops=await _explain_refusals(page, [(finding.reason, finding.about) for finding in about_patron], session),
        has_more=bool(about_patron) and await _has_other_options(page, cited, session),
        notes=(
            *(refusal_text(page, finding.reason, finding.about) for finding in others),
            *(page.gettext(ASKED_BEFORE_TEXT) for _ in warnings),
        ),
    )


async def _has_other_options(page: PageRequest, cited: LinkCitation, session: SessionRow) -> bool:
    offered = await page.offering.list_offers(cited.citation, cited.service, session.category)
    return bool(offered.held.copies) or offered.has_offer(Fulfilment.ELECTRONIC)


async def _explain_refusals(
    page: PageRequest, refusals: Iterable[tuple[RefusalReason, MessagePart | None]], session: SessionRow
) -> tuple[str, ...]:
    """Explain refusals; a block with what stands behind it."""
    texts: list[str] = []
    for reason, about in refusals:
        texts.append(refusal_text(page, reason, about))
        if reason is RefusalReason.LIMIT_REACHED:
            most = open_request_limit(session.category, page.context.policy().intake)
            texts.append(page.gettext(LIMIT_TEXT, most=page.localization.format_number(most)))
        if reason is RefusalReason.PATRON_BLOCKED:
            texts += await _explain_request_blocks(page, session.identifier)
    return tuple(texts)


async def _explain_request_blocks(page: PageRequest, identifier: str) -> tuple[str, ...]:
    """A sentence for each cause, then the library's own messages. Nothing is said where its system can't be asked."""
    try:
        patron = await page.context.system.find_patron(PatronKey(identifier))
    except (Unavailable, Refused):
        return ()
    blocks = patron.list_blocks(BlockScope.REQUEST)
    causes = dict.fromkeys(block.cause for block in blocks if block.cause in BLOCK_TEXTS)
    messages = dict.fromkeys(clean_line(block.message)[:MAX_MESSAGE_CHARS] for block in blocks)
    return (
        *(_describe_cause(page, cause, patron) for cause in causes),
        *(page.gettext(LIBRARY_MESSAGE_TEXT, message=message) for message in messages if message),
    )


def _describe_cause(page: PageRequest, cause: BlockCause, patron: Patron) -> str:
    owed = patron.balance
    if cause is BlockCause.FEES and owed is not None and owed.amount > 0:
        return page.gettext(OWED_TEXT, amount=page.words.format_money(owed))
    if cause is BlockCause.EXPIRED and patron.expires is not None and patron.expires <= page.context.today():
        return page.gettext(EXPIRED_TEXT, day=page.format_day(patron.expires))
    return page.gettext(BLOCK_TEXTS[cause])


async def submit_order(page: PageRequest) -> web.Response:
    form = await page.read_form_to_show_again()
    session = page.session
    if session is None:  # it was over in the meantime
        return sign_in_pages.ask_to_sign_in(page, f"request?{form['link']}", wrong="over", kept=page.kept_fields)
    cited = require_citation(page, form["link"].encode())
    order = await make_order_form(page, form["form"][:100], form["link"], cited)
    checked = FormCheck(page, form, stale=not page.is_own_form(form))
    draft = _draft_of_form(page, checked, order, session)
    if not checked.is_good:
        return _render_order_form(page, order, checked)
    try:
        request_id = await _create_request_once(page, draft, order.id)
    except Refused as refused:
        await show_refusal(page, checked, refused, session)
        return _render_order_form(page, order, checked)
    return page.redirect(page.path(f"requests/{request_id}", "sent=yes"))


def require_citation(page: PageRequest, query: bytes) -> LinkCitation:
    cited = page.decode_link(query)
    if is_empty_citation(cited.citation):
        raise PageError(400, "fault-link")
    return cited


async def make_order_form(page: PageRequest, form_id: str, link: str, cited: LinkCitation) -> OrderForm:
    if not form_id:
        raise PageError(400, "fault-form")
    return OrderForm(id=form_id, link=link, cited=cited, pickups=await page.offering.list_pickup_locations())


def _first_values(order: OrderForm, session: SessionRow) -> dict[str, str]:
    citation, service = order.cited.citation, order.cited.service
    return {
        "service": (ServiceType.COPY if service is ServiceType.COPY else ServiceType.LOAN).value,
        "component_title": citation.component_title,
        "component_author": citation.component_author,
        "volume": citation.volume,
        "issue": citation.issue,
        "pages": citation.pages,
        "volumes": "",
        "format_loan": "",
        "format_copy": "",
        "pickup": choose_usual_pickup(order.pickups, session.branch),
        "need_by": "",
        "note": "",
        "declared": "",
    }


# --- what was sent -------------------------------------------------------------------------------------------


def _draft_of_form(page: PageRequest, checked: FormCheck, order: OrderForm, session: SessionRow) -> BorrowingDraft:
    """Draft a request; only to be used when nothing is wrong."""
    rules = page.context.policy().services
    choice = checked.read_choice("service", [kind.value for kind in CHOICES])
    service = ServiceType.COPY if choice == ServiceType.COPY else ServiceType.LOAN
    if not choice:
        checked.add_problem("service", "wrong-missing")
    citation = _edited_citation(checked, order.cited.citation, service)
    loan_format = checked.read_choice("format_loan", rules.formats.loans)
    copy_format = checked.read_choice("format_copy", rules.formats.copies)
    pickup = _read_pickup(checked, order, session, service)
    need_by = checked.read_day("need_by", page.context.today() + timedelta(days=rules.least_days))
    note = checked.read_lines("note")
    volumes = read_volumes(checked)
    declared = checked.read_checkbox("declared")
    if rules.needs_declaration(service) and not declared:
        checked.add_problem("declared", "wrong-declaration")
    extras = (CitationExtra(DECLARATION, declaration_text(page)),) if rules.needs_declaration(service) else ()
    return BorrowingDraft(
        citation=citation,
        service=RequestedService(service, copy_format if service is ServiceType.COPY else loan_format),
        dates=RequestDates(need_by=need_by),
        patron=PatronLink(identifier=session.identifier, pickup=pickup, language=page.localization.language),
        note=note,
        volumes=volumes if service is ServiceType.LOAN else (),
        extras=extras,
        source=SOURCE,
        actor=PATRON,
    )


def _read_pickup(checked: FormCheck, order: OrderForm, session: SessionRow, service: ServiceType) -> str:
    """Read the pickup location; nobody is asked where to collect a copy: one that comes on paper waits at the patron's
    usual place."""
    if service is ServiceType.COPY:
        return choose_usual_pickup(order.pickups, session.branch)
    return checked.read_choice("pickup", [place.code for place in order.pickups])


def _edited_citation(checked: FormCheck, cited: Citation, service: ServiceType) -> Citation:
    """Return the edited citation; for a loan of the whole, a part that was cited stays as it is: it says why the patron
    wants it."""
    citation = replace(
        cited,
        component_title=checked.read_line("component_title"),
        component_author=checked.read_line("component_author"),
        volume=checked.read_line("volume"),
        issue=checked.read_line("issue"),
        pages=checked.read_line("pages"),
    )
    if service is ServiceType.COPY and not (citation.component_title or citation.pages):
        checked.add_problem("component_title", "wrong-part")
    return citation


def _fixed_citation_part(cited: LinkCitation) -> Citation:
    """Return what of a copy can't be changed in the form itself."""
    if cited.service is not ServiceType.COPY:
        return cited.citation
    return replace(cited.citation, component_title="", component_author="", volume="", issue="", pages="")


async def _create_request_once(page: PageRequest, draft: BorrowingDraft, form_id: str) -> str:
    """Id of the request, the same however often and by however many at once. Raises Refused."""
    return await create_once(
        page.context,
        hash_token(f"{page.visit.id}:{form_id}"),
        lambda claim: create_borrowing_request(page.context, draft, claim),
    )


async def show_refusal(page: PageRequest, checked: FormCheck, refused: Refused, session: SessionRow) -> None:
    """Show a refusal at the field that it is about, else above the form."""
    name = FIELD_OF.get(refused.about) if refused.about is not None else None
    if name is not None and refused.reason is not RefusalReason.UNKNOWN_RECORD:
        checked.problems.setdefault(name, refusal_text(page, refused.reason, refused.about))
    else:
        checked.general += await _explain_refusals(page, [(refused.reason, refused.about)], session)


def refusal_text(page: PageRequest, reason: RefusalReason, about: MessagePart | None) -> str:
    return page.gettext(find_refusal_text(reason, about))


def _render_order_form(
    page: PageRequest,
    order: OrderForm,
    checked: FormCheck,
    foreseen: ForeseenRefusals = NOTHING_FORESEEN,
    free_url: str = "",
) -> web.Response:
    """`free_url`: where anybody may read it; empty: nowhere that we know of."""
    rules = page.context.policy().services
    names = page.words.services
    return page.render(
        "request",
        address=page.path("request", order.link),
        title=page.gettext("Request from another library"),
        status=checked.status,
        form=checked,
        foreseen=foreseen,
        free_url=free_url,
        order=order,
        rows=page.citation_rows(_fixed_citation_part(order.cited)),
        correct=page.path("citation", order.link),
        pickups=order.pickup_choices,
        loan_formats=[(name, names.get(name, name)) for name in rules.formats.loans],
        copy_formats=[(name, names.get(name, name)) for name in rules.formats.copies],
        least_day=page.context.today() + timedelta(days=rules.least_days),
        declares=bool(rules.declaration.services),
        declares_loans=ServiceType.LOAN in rules.declaration.services,
        declaration=declaration_text(page),
    )


async def show_hold_form(page: PageRequest) -> web.Response:
    session = page.session
    cited = require_citation(page, page.query)
    link = page.encode_link(cited.citation, cited.service)
    if session is None:
        return sign_in_pages.ask_to_sign_in(page, f"hold?{link}")
    order = await make_order_form(page, secrets.token_urlsafe(24), link, cited)
    first = {"pickup": choose_usual_pickup(order.pickups, session.branch), "need_by": "", "note": ""}
    try:
        await page.offering.check_patron_may_hold(session.identifier)
    except Refused as refused:
        stops = await _explain_refusals(page, [(refused.reason, refused.about)], session)
        foreseen = ForeseenRefusals(stops=stops, has_more=True)
    else:
        foreseen = NOTHING_FORESEEN
    return await _render_hold_form(page, order, FormCheck(page, SubmittedForm(), first), foreseen)


async def submit_hold(page: PageRequest) -> web.Response:
    """The library's system keeps the form's id as key of the hold, so that sending it twice places one."""
    form = await page.read_form_to_show_again()
    session = page.session
    if session is None:
        return sign_in_pages.ask_to_sign_in(page, f"hold?{form['link']}", wrong="over", kept=page.kept_fields)
    order = await make_order_form(page, form["form"][:100], form["link"], require_citation(page, form["link"].encode()))
    checked = FormCheck(page, form, stale=not page.is_own_form(form))
    pickup = checked.read_choice("pickup", [place.code for place in order.pickups])
    if not pickup and order.pickups:
        checked.add_problem("pickup", "wrong-missing")
    need_by = checked.read_day("need_by", page.context.today())
    note = checked.read_lines("note", 500)
    if not checked.is_good:
        return await _render_hold_form(page, order, checked)
    key = f"page:{hash_token(f'{page.visit.id}:{order.id}')}"
    try:
        hold = await page.offering.place_hold(
            session.identifier, order.cited.citation, pickup, RequestDates(need_by=need_by), note, key
        )
    except Refused as refused:
        await show_refusal(page, checked, refused, session)
        return await _render_hold_form(page, order, checked)
    return page.redirect(page.path(f"holds/{quote(hold.id, safe='')}"))


async def _render_hold_form(
    page: PageRequest, order: OrderForm, checked: FormCheck, foreseen: ForeseenRefusals = NOTHING_FORESEEN
) -> web.Response:
    return page.render(
        "hold",
        address=page.path("hold", order.link),
        title=page.gettext("Reserve this item"),
        status=checked.status,
        form=checked,
        foreseen=foreseen,
        order=order,
        pickups=order.pickup_choices,
        rows=page.citation_rows(order.cited.citation),
        borrow=page.path("request", order.link) if await _can_borrow(page, order) else "",
        least_day=page.context.today(),
    )


async def _can_borrow(page: PageRequest, order: OrderForm) -> bool:
    session = page.session
    category = session.category if session is not None else ""
    cited = order.cited
    offered = await page.offering.list_offers(cited.citation, cited.service, category)
    return offered.has_offer(Fulfilment.BORROW)
