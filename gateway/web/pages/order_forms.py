"""Forms that request from other libraries or place a hold."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import timedelta

from aiohttp import web
from sqlalchemy import Connection

from gateway.domain.library import PickupLocation
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.requests.citation import Citation, CitationExtra
from gateway.domain.requests.fulfilment import Fulfilment
from gateway.domain.requests.request import PatronLink, Request, RequestDates, RequestedService, ServiceType
from gateway.domain.requests.views import BorrowingDraft
from gateway.domain.value import keyword_value
from gateway.ports.catalogue import LinkCitation
from gateway.services.requests.intake import create_borrowing_request
from gateway.services.requests.library_context import PATRON
from gateway.store import patron_sessions
from gateway.store.patron_sessions import SessionRow
from gateway.web.pages import sign_in_pages
from gateway.web.pages.page_request import Checked, Form, PageFault, Turn, is_empty, usual_pickup
from gateway.web.pages.sign_in import hashed

SOURCE = "openurl"
DECLARATION = "copyright-declaration"
"""Name of the extra that keeps the words which the patron declared."""

CHOICES = (ServiceType.LOAN, ServiceType.COPY)

FIELD_OF = {
    MessagePart.NEED_BY: "need_by",
    MessagePart.PICKUP_LOCATION: "pickup",
    MessagePart.RECORD: "component_title",
}


class SentBefore(Exception):
    """The form has become a request already."""

    def __init__(self, request_id: str) -> None:
        super().__init__("the form was sent before")
        self.request_id = request_id


@keyword_value
class Order:
    """What the form is about, and what can be chosen. `id`: of the form, good for one request."""

    id: str
    link: str
    cited: LinkCitation
    pickups: tuple[PickupLocation, ...]

    @property
    def pickup_choices(self) -> list[tuple[str, str]]:
        return [(place.code, place.name) for place in self.pickups]


async def show_order_form(turn: Turn) -> web.Response:
    session = turn.session
    cited = cited_by(turn, turn.query)
    link = turn.encode_link(cited.citation, cited.service)
    if session is None:
        return sign_in_pages.ask(turn, f"request?{link}")
    order = await order_of(turn, secrets.token_urlsafe(24), link, cited)
    return _order_page(turn, order, Checked(turn, Form(), _first_values(order, session)))


async def submit_order(turn: Turn) -> web.Response:
    form = await turn.read_form_to_show_again()
    session = turn.session
    if session is None:  # it was over in the meantime
        return sign_in_pages.ask(turn, f"request?{form['link']}", wrong="over", kept=turn.kept_fields)
    cited = cited_by(turn, form["link"].encode())
    order = await order_of(turn, form["form"][:100], form["link"], cited)
    checked = Checked(turn, form, stale=not turn.is_own_form(form))
    draft = _draft(turn, checked, order, session)
    if not checked.is_good:
        return _order_page(turn, order, checked)
    try:
        request_id = await _sent(turn, draft, order.id)
    except Refused as refused:
        say(checked, refused)
        return _order_page(turn, order, checked)
    return turn.redirect(turn.path(f"requests/{request_id}", "sent=yes"))


def cited_by(turn: Turn, query: bytes) -> LinkCitation:
    cited = turn.decode_link(query)
    if is_empty(cited.citation):
        raise PageFault(400, "fault-link")
    return cited


async def order_of(turn: Turn, form_id: str, link: str, cited: LinkCitation) -> Order:
    if not form_id:
        raise PageFault(400, "fault-form")
    return Order(
        id=form_id, link=link, cited=cited, pickups=await turn.parts.offering.list_pickup_locations(turn.library)
    )


def _first_values(order: Order, session: SessionRow) -> dict[str, str]:
    citation, service = order.cited.citation, order.cited.service
    return {
        "service": (ServiceType.COPY if service is ServiceType.COPY else ServiceType.LOAN).value,
        "component_title": citation.component_title,
        "component_author": citation.component_author,
        "volume": citation.volume,
        "issue": citation.issue,
        "pages": citation.pages,
        "format_loan": "",
        "format_copy": "",
        "pickup": usual_pickup(order.pickups, session.branch),
        "need_by": "",
        "note": "",
        "declared": "",
    }


# --- what was sent -------------------------------------------------------------------------------------------


def _draft(turn: Turn, checked: Checked, order: Order, session: SessionRow) -> BorrowingDraft:
    """Only to be used when nothing is wrong."""
    rules = turn.house.policy().services
    chosen = checked.read_choice("service", [one.value for one in CHOICES])
    service = ServiceType.COPY if chosen == ServiceType.COPY else ServiceType.LOAN
    if not chosen:
        checked.add_problem("service", "wrong-missing")
    citation = _citation(checked, order.cited.citation, service)
    loan_format = checked.read_choice("format_loan", rules.formats.loans)
    copy_format = checked.read_choice("format_copy", rules.formats.copies)
    pickup = checked.read_choice("pickup", [place.code for place in order.pickups])
    need_by = checked.read_day("need_by", turn.house.today() + timedelta(days=rules.least_days))
    note = checked.read_lines("note")
    declared = checked.read_checkbox("declared")
    if rules.needs_declaration(service) and not declared:
        checked.add_problem("declared", "wrong-declaration")
    extras = (CitationExtra(DECLARATION, declaration(turn)),) if rules.needs_declaration(service) else ()
    return BorrowingDraft(
        citation=citation,
        service=RequestedService(service, copy_format if service is ServiceType.COPY else loan_format),
        dates=RequestDates(need_by=need_by),
        patron=PatronLink(identifier=session.identifier, pickup=pickup, language=turn.words.language),
        note=note,
        extras=extras,
        source=SOURCE,
        actor=PATRON,
    )


def _citation(checked: Checked, cited: Citation, service: ServiceType) -> Citation:
    """For a loan of the whole, a part that was cited stays as it is: it says why the patron wants it."""
    found = replace(
        cited,
        component_title=checked.read_line("component_title"),
        component_author=checked.read_line("component_author"),
        volume=checked.read_line("volume"),
        issue=checked.read_line("issue"),
        pages=checked.read_line("pages"),
    )
    if service is ServiceType.COPY and not (found.component_title or found.pages):
        checked.add_problem("component_title", "wrong-part")
    return found


def _beside_the_fields(cited: LinkCitation) -> Citation:
    """Of a copy, what can't be changed in the form itself."""
    if cited.service is not ServiceType.COPY:
        return cited.citation
    return replace(cited.citation, component_title="", component_author="", volume="", issue="", pages="")


def declaration(turn: Turn) -> str:
    return turn.words.choose_text(turn.house.policy().services.declaration.text) or turn.format_text("declaration")


async def _sent(turn: Turn, draft: BorrowingDraft, form_id: str) -> str:
    """Id of the request, the same however often and by however many at once. Raises Refused."""
    library, store = turn.library, turn.parts.store
    key = hashed(f"{turn.visit.id}:{form_id}")
    if before := await store.read(lambda c: patron_sessions.find_sent_form(c, library, key)):
        return before

    def claim_form_key(c: Connection, request: Request) -> None:
        if found := patron_sessions.claim_form(c, library, key, request.id, turn.parts.clock.now()):
            raise SentBefore(found)

    try:
        return (await create_borrowing_request(turn.house, draft, claim_form_key)).id
    except SentBefore as before_us:
        return before_us.request_id


def say(checked: Checked, refused: Refused) -> None:
    """At the field that it is about, else above the form."""
    texts, name = checked.turn.words.texts, FIELD_OF.get(refused.about) if refused.about is not None else None
    key = f"refused-{refused.reason.value}"
    if refused.reason is RefusalReason.NOT_ALLOWED and refused.about is MessagePart.ITEM:
        key = "refused-owned"
    said = texts.get(key, texts["refused-other"])
    if name is not None and refused.reason is not RefusalReason.UNKNOWN_RECORD:
        checked.problems.setdefault(name, said)
    else:
        checked.general.append(said)


def _order_page(turn: Turn, order: Order, checked: Checked) -> web.Response:
    rules = turn.house.policy().services
    names = turn.words.words.services
    return turn.render(
        "request",
        here=turn.path("request", order.link),
        title=turn.format_text("request-title"),
        status=checked.status,
        form=checked,
        order=order,
        rows=turn.citation_rows(_beside_the_fields(order.cited)),
        correct=turn.path("citation", order.link),
        pickups=order.pickup_choices,
        loan_formats=[(one, names.get(one, one)) for one in rules.formats.loans],
        copy_formats=[(one, names.get(one, one)) for one in rules.formats.copies],
        least_day=turn.house.today() + timedelta(days=rules.least_days),
        declares=bool(rules.declaration.services),
        declares_loans=ServiceType.LOAN in rules.declaration.services,
        declaration=declaration(turn),
    )


async def show_hold_form(turn: Turn) -> web.Response:
    session = turn.session
    cited = cited_by(turn, turn.query)
    link = turn.encode_link(cited.citation, cited.service)
    if session is None:
        return sign_in_pages.ask(turn, f"hold?{link}")
    order = await order_of(turn, secrets.token_urlsafe(24), link, cited)
    first = {"pickup": usual_pickup(order.pickups, session.branch), "need_by": "", "note": ""}
    return await _hold_page(turn, order, Checked(turn, Form(), first))


async def submit_hold(turn: Turn) -> web.Response:
    """The library's system keeps the form's id as key of the hold, so that sending it twice places one."""
    form = await turn.read_form_to_show_again()
    session = turn.session
    if session is None:
        return sign_in_pages.ask(turn, f"hold?{form['link']}", wrong="over", kept=turn.kept_fields)
    order = await order_of(turn, form["form"][:100], form["link"], cited_by(turn, form["link"].encode()))
    checked = Checked(turn, form, stale=not turn.is_own_form(form))
    pickup = checked.read_choice("pickup", [place.code for place in order.pickups])
    need_by = checked.read_day("need_by", turn.house.today())
    note = checked.read_lines("note", 500)
    if not pickup and order.pickups:
        checked.add_problem("pickup", "wrong-missing")
    if not checked.is_good:
        return await _hold_page(turn, order, checked)
    key = f"page:{hashed(f'{turn.visit.id}:{order.id}')}"
    try:
        hold = await turn.parts.offering.place_hold(
            turn.library, session.identifier, order.cited.citation, pickup, RequestDates(need_by=need_by), note, key
        )
    except Refused as refused:
        say(checked, refused)
        return await _hold_page(turn, order, checked)
    return turn.redirect(turn.path(f"holds/{hold.id}"))


async def _hold_page(turn: Turn, order: Order, checked: Checked) -> web.Response:
    return turn.render(
        "hold",
        here=turn.path("hold", order.link),
        title=turn.format_text("hold-form-title"),
        status=checked.status,
        form=checked,
        order=order,
        pickups=order.pickup_choices,
        rows=turn.citation_rows(order.cited.citation),
        borrow=turn.path("request", order.link) if await _may_borrow(turn, order) else "",
        least_day=turn.house.today(),
    )


async def _may_borrow(turn: Turn, order: Order) -> bool:
    session = turn.session
    category = session.category if session is not None else ""
    cited = order.cited
    offered = await turn.parts.offering.list_offers(turn.library, cited.citation, cited.service, category)
    return offered.has_offer(Fulfilment.BORROW)
