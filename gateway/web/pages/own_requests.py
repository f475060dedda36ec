"""The patron's own requests, and what patrons do with them: cancel, renew, answer a question, have the copy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from urllib.parse import quote, urlsplit

from aiohttp import hdrs, web

from gateway.domain.library import Money
from gateway.domain.problems import Refused, Unavailable
from gateway.domain.requests.events import EventDetails
from gateway.domain.requests.patron_status import PatronStatus
from gateway.domain.requests.patron_views import PatronAction, PatronRefusal, PatronView
from gateway.domain.requests.request import BorrowingState, Request, ServiceType
from gateway.domain.requests.views import EventDenied, VersionConflict
from gateway.domain.value import value_object
from gateway.ports.library_system import PatronKey
from gateway.services.letters.facts import label_rows, readers_citation_rows, service_rows
from gateway.services.letters.localization import mark_text
from gateway.services.letters.renderer import mail_address
from gateway.services.letters.templates import clean_line, clean_lines
from gateway.services.patrons.patron_copies import PatronCopy
from gateway.store.patron_sessions import SessionRow
from gateway.web.html.assets import HEADERS, file_headers
from gateway.web.html.error_pages import PageError
from gateway.web.pages import sign_in_pages
from gateway.web.pages.own_holds import HOLD_TEXTS, NO_HOLDS, list_pickup_rows, list_shown_holds, load_pickup_names
from gateway.web.pages.page_request import PageRequest
from gateway.web.pages.page_texts import (
    ACT_TEXTS,
    ALREADY_SENT_TEXT,
    CANCEL_NOTED_TEXT,
    CANCEL_PENDING_TEXT,
    REFUSED_ACT_TEXTS,
    TOO_LATE_TEXT,
)
from gateway.web.pages.request_status import ShownOwnRequest, describe_file, find_open_question, make_shown_request

MAX_OWN_REQUESTS = 50

TOO_LATE = "late"
"""Of `done` in the query: what the patron wanted to do is not possible any more."""

ANSWERS = ("yes", "no")

QUESTIONS, READY, LOANS, UNDERWAY, OLDER = "questions", "ready", "loans", "underway", "older"

_GROUP_TITLES: Mapping[str, str] = {
    QUESTIONS: mark_text("Questions from the library"),
    READY: mark_text("Ready for you"),
    LOANS: mark_text("Loans"),
    UNDERWAY: mark_text("In progress"),
    OLDER: mark_text("Older requests"),
}

_GROUPS_OF_STATUS: Mapping[PatronStatus, str] = {
    PatronStatus.READY: READY,
    PatronStatus.ON_LOAN: LOANS,
    PatronStatus.RETURNED: OLDER,
    PatronStatus.DONE: OLDER,
    PatronStatus.ENDED: OLDER,
}
"""All others are in progress."""


async def list_own_requests(page: PageRequest) -> web.Response:
    if page.session is None:
        return sign_in_pages.ask_to_sign_in(page, "requests")
    requests = await page.library.patrons.list_requests(
        page.session.patron_id,
        None,
        page.localization.language,
        MAX_OWN_REQUESTS,
        page.http.query.get("cursor", "")[:500],
    )
    copies = await page.library.patron_copies.load_copies([view.request for view in requests])
    shown_requests = [make_shown_request(page, view, copies.get(view.request.id)) for view in requests]
    is_first = not page.http.query.get("cursor", "")
    return page.render(
        "own",
        held=await list_shown_holds(page, page.session) if is_first else NO_HOLDS,
        done=page.gettext(HOLD_TEXTS[done]) if (done := page.http.query.get("done", "")) in HOLD_TEXTS else "",
        address=page.path("requests"),
        title=page.gettext("My account"),
        groups=group_own_requests(page, shown_requests),
        costs=list_own_costs(page, shown_requests),
        total=_sum_own_costs(page, shown_requests) if is_first and not requests.cursor else "",
        urgent=sum(request.is_urgent for request in shown_requests),
        next=page.path("requests", f"cursor={quote(requests.cursor)}") if requests.cursor else "",
    )


@value_object
class OwnRequestGroup:
    """Requests that are alike for their patron. `name`: in addresses on the page; `is_older`: they are over."""

    name: str
    title: str
    requests: tuple[ShownOwnRequest, ...]

    @property
    def is_older(self) -> bool:
        return self.name == OLDER


def group_own_requests(page: PageRequest, requests: Sequence[ShownOwnRequest]) -> list[OwnRequestGroup]:
    """Group requests as their patron looks for them; groups without any are left out."""
    members: dict[str, list[ShownOwnRequest]] = {}
    for shown in requests:
        name = _GROUPS_OF_STATUS.get(shown.view.status, UNDERWAY)
        if shown.question or shown.copy:
            name = QUESTIONS if shown.question else READY
        members.setdefault(name, []).append(shown)
    return [
        OwnRequestGroup(name, page.gettext(title), tuple(members[name]))
        for name, title in _GROUP_TITLES.items()
        if name in members
    ]


def list_own_costs(page: PageRequest, requests: Sequence[ShownOwnRequest]) -> list[tuple[str, str, str]]:
    """List what requests cost, as far as it is agreed or charged: title, price, and which of the two."""
    costs = []
    for shown in requests:
        if price := _find_price(shown.view.request):
            costs.append((shown.title, page.localization.format_money(price), _name_price(page, shown.view.request)))
    return costs


def _find_price(request: Request) -> Money | None:
    price = request.costs.charged or request.costs.agreed
    return price if price is not None and price.amount else None


def _name_price(page: PageRequest, request: Request) -> str:
    return page.gettext("charged") if request.costs.charged else page.gettext("agreed")


def _sum_own_costs(page: PageRequest, requests: Sequence[ShownOwnRequest]) -> str:
    """Sum up several prices. Empty: there are fewer, or they are in different currencies."""
    prices = [price for shown in requests if (price := _find_price(shown.view.request))]
    if len(prices) < 2 or len({price.currency for price in prices}) > 1:
        return ""
    total = Money(sum((price.amount for price in prices), Decimal()), prices[0].currency)
    return page.localization.format_money(total)


async def open_account(page: PageRequest) -> web.Response:
    """Lead from the short address of the account to its page."""
    return page.redirect(page.path("requests"))


async def show_own_request(page: PageRequest) -> web.Response:
    """Somebody else's is not there."""
    id_ = page.http.match_info["id"]
    session = page.session
    if session is None:
        return sign_in_pages.ask_to_sign_in(page, f"requests/{id_}")
    view = await page.library.patrons.load_view(id_, session.patron_id, page.localization.language)
    request, words = view.request, page.words
    copies = await page.library.patron_copies.load_copies([request])
    refusal = await page.library.patrons.find_refusal(request)
    is_new = page.http.query.get("sent") == "yes"
    done = page.http.query.get("done", "")
    title = clean_line(request.citation.component_title or request.citation.title) or page.gettext(
        "Request %(number)s", number=request.number
    )
    if is_new:
        title = page.gettext("Request received")
    return page.render(
        "own_request",
        address=page.path(f"requests/{request.id}", "sent=yes" if is_new else ""),
        title=title,
        view=view,
        is_new=is_new,
        done=_text_of_done(page, done, view),
        is_too_late=done == TOO_LATE,
        one=make_shown_request(page, view, copies.get(request.id)),
        refusal=_describe_refusal(page, refusal) if refusal is not None else "",
        refusal_note=clean_lines(refusal.note) if refusal is not None else "",
        rows=(
            *readers_citation_rows(request.citation, words),
            *service_rows(request, words),
            *_list_due_rows(page, view),
            *await _list_collecting_rows(page, request),
            *_list_cost_rows(page, request),
            *(
                await _list_telling_rows(page, session)
                if is_new
                else ((page.gettext("Request number"), request.number),)
            ),
        ),
        days=page.context.policy().services.usual_days.of_service(request.service.type),
        by_when=_say_by_when(page, request) if is_new else "",
        can_cancel=PatronAction.CANCEL in view.actions,
    )


def _describe_refusal(page: PageRequest, refusal: PatronRefusal) -> str:
    day = page.format_day(refusal.at.astimezone(page.context.zone).date())
    reason = page.words.reasons.get(refusal.reason, "")
    with_reason, alone = REFUSED_ACT_TEXTS[refusal.action]
    if refusal.is_sent:
        return page.gettext(ALREADY_SENT_TEXT, day=day)
    return page.gettext(with_reason, day=day, reason=reason) if reason else page.gettext(alone, day=day)


def _list_due_rows(page: PageRequest, view: PatronView) -> Iterable[tuple[str, str]]:
    due = view.request.terms.patron_due if view.status is PatronStatus.ON_LOAN else None
    return label_rows(page.words, ("due", page.words.format_moment(due, page.context.zone) if due else ""))


def _list_cost_rows(page: PageRequest, request: Request) -> tuple[tuple[str, str], ...]:
    price = _find_price(request)
    if price is None:
        return ()
    return ((page.gettext("Costs"), f"{page.localization.format_money(price)} ({_name_price(page, request)})"),)


async def _list_collecting_rows(page: PageRequest, request: Request) -> tuple[tuple[str, str], ...]:
    """A copy comes by itself, or where its letter says."""
    if request.service.type is ServiceType.COPY:
        return ()
    names = await load_pickup_names(page)
    return list_pickup_rows(page, names.get(request.patron.pickup, ""))


def _text_of_done(page: PageRequest, done: str, view: PatronView) -> str:
    """Return the text of what is done, as it is now: a cancellation may have to be answered first."""
    if done == TOO_LATE:
        return page.gettext(TOO_LATE_TEXT)
    if done not in list(PatronAction):
        return ""
    if done == PatronAction.CANCEL and view.request.open:
        is_pending = view.request.state is BorrowingState.CANCEL_PENDING
        return page.gettext(CANCEL_PENDING_TEXT if is_pending else CANCEL_NOTED_TEXT)
    return page.gettext(ACT_TEXTS[PatronAction(done)].done)


async def _list_telling_rows(page: PageRequest, session: SessionRow) -> tuple[tuple[str, str], ...]:
    """List how the patron hears of the request. Nothing is said where the library's system can't be asked."""
    try:
        patron = await page.context.system.find_patron(PatronKey(session.patron_id, ("internal",)))
    except (Unavailable, Refused):
        return ()
    address = mail_address(patron, page.context.today()) if page.parts.sends_mail else ""
    if address:
        text = page.gettext("By email to %(address)s", address=address)
    else:
        text = page.gettext("At the library, and under My account")
    return ((page.gettext("How we will notify you"), text),)


def _say_by_when(page: PageRequest, request: Request) -> str:
    if request.dates.need_by is None:
        return page.gettext("We will notify you if no library can supply it.")
    return page.gettext(
        "We will notify you if no library can supply it by %(day)s.", day=page.format_day(request.dates.need_by)
    )


# --- what patrons do -----------------------------------------------------------------------------------------


async def ask_before_act(page: PageRequest) -> web.Response:
    """Opening a link does nothing: its page asks first."""
    act, id_ = _read_act(page), page.http.match_info["id"]
    if page.session is None:
        return sign_in_pages.ask_to_sign_in(page, f"requests/{id_}/{act.value}")
    view = await page.library.patrons.load_view(id_, page.session.patron_id, page.localization.language)
    if act not in view.actions:
        return _redirect_to_request(page, id_, TOO_LATE)
    return _render_act(page, act, view)


async def perform_act(page: PageRequest) -> web.Response:
    """The request's version says what the patron has seen: where it has gone on meanwhile, the page asks anew."""
    act, id_ = _read_act(page), page.http.match_info["id"]
    form = await page.read_own_form()
    if page.session is None:
        return sign_in_pages.ask_to_sign_in(page, f"requests/{id_}/{act.value}")
    patron_id, language, version = page.session.patron_id, page.localization.language, form["version"]
    answer = form["answer"] if act is PatronAction.ANSWER else ""
    if not (version.isascii() and version.isdigit() and len(version) < 10) or (answer not in ANSWERS) == (
        act is PatronAction.ANSWER
    ):
        raise PageError(400, "fault-form")
    details = EventDetails(answer=answer)
    try:
        await page.library.patrons.apply_action(id_, patron_id, act, details, int(version), language)
    except (VersionConflict, EventDenied):
        view = await page.library.patrons.load_view(id_, patron_id, language)
        if act not in view.actions:
            return _redirect_to_request(page, id_, TOO_LATE)
        return _render_act(page, act, view, has_changed=True)
    return _redirect_to_request(page, id_, act.value)


def _read_act(page: PageRequest) -> PatronAction:
    try:
        return PatronAction(page.http.match_info["act"])
    except ValueError:
        raise PageError(404, "fault-not-there") from None


def _redirect_to_request(page: PageRequest, request_id: str, done: str) -> web.Response:
    return page.redirect(page.path(f"requests/{quote(request_id, safe='')}", f"done={done}"))


def _render_act(page: PageRequest, act: PatronAction, view: PatronView, *, has_changed: bool = False) -> web.Response:
    request, words, texts = view.request, page.words, ACT_TEXTS[act]
    until = request.query.answer_by if act is PatronAction.ANSWER and request.query is not None else None
    return page.render(
        "own_act",
        address=page.path(f"requests/{request.id}/{act.value}"),
        title=page.gettext(texts.title),
        text=page.gettext(texts.text) if texts.text else "",
        button=page.gettext(texts.button) if texts.button else "",
        status=409 if has_changed else 200,
        act=act.value,
        view=view,
        has_changed=has_changed,
        question=find_open_question(view),
        until=words.format_moment(until, page.context.zone) if until else "",
        rows=(*readers_citation_rows(request.citation, words), *_list_due_rows(page, view)),
    )


# --- a copy that has come ------------------------------------------------------------------------------------


async def show_own_copy(page: PageRequest) -> web.Response:
    """Opening it takes nothing: its button does."""
    id_ = page.http.match_info["id"]
    if page.session is None:
        return sign_in_pages.ask_to_sign_in(page, f"requests/{id_}/copy")
    return _render_copy(page, id_, await page.library.patron_copies.load_copy(id_, page.session.patron_id))


async def take_own_copy(page: PageRequest) -> web.Response:
    id_ = page.http.match_info["id"]
    await page.read_own_form()
    if page.session is None:
        return sign_in_pages.ask_to_sign_in(page, f"requests/{id_}/copy", wrong="over")
    taken = await page.library.patron_copies.take_copy(id_, page.session.patron_id)
    if taken.content is not None:
        file = taken.content.attachment
        headers = {**HEADERS, **file_headers(file.name), hdrs.CONTENT_TYPE: file.media_type}
        return web.Response(body=taken.content.content, headers=headers)
    return _render_copy(page, id_, taken.copy, is_taken=taken.is_given, status=200 if taken.is_given else 410)


def _render_copy(
    page: PageRequest, id_: str, copy: PatronCopy, *, is_taken: bool = False, status: int = 200
) -> web.Response:
    """`is_taken`: the button was pressed, so the lending library's address may be opened."""
    place = f"requests/{quote(id_, safe='')}"
    return page.render(
        "own_copy",
        address=page.path(f"{place}/copy"),
        title=page.gettext("Your copy"),
        status=status,
        copy=copy,
        file=describe_file(page, copy.file) if copy.file is not None else "",
        url=copy.url if is_taken else "",
        host=urlsplit(copy.url).hostname or "",
        until=page.words.format_moment(copy.expires, page.context.zone),
        action=page.path(f"{place}/copy"),
        back=page.path(place),
    )
