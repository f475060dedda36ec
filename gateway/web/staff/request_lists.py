"""Lists of requests: borrowing, lending, copies; the search box; filters kept under a name; the list as a file."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from urllib.parse import parse_qsl, urlencode

import structlog
from aiohttp import hdrs, web

from gateway.domain.problems import Refused, Unavailable
from gateway.domain.requests.request import PatronLink, Request, Role
from gateway.domain.requests.request_messages import STAFF_ACTOR
from gateway.domain.requests.views import (
    ListCounts,
    ListFacet,
    RequestFilter,
    RequestOrder,
    ResultPage,
)
from gateway.domain.roles import Right
from gateway.domain.value import value_object
from gateway.services.desks.bulk_actions import MAX_BULK
from gateway.services.letters.localization import mark_text
from gateway.store.saved_filters import SavedFilter
from gateway.web.html.assets import HEADERS
from gateway.web.html.error_pages import PageError
from gateway.web.html.visits import YEAR
from gateway.web.request_csv import format_csv_header
from gateway.web.staff.bulk_pages import find_usual_act
from gateway.web.staff.list_filters import (
    BORROWING,
    COPIES,
    LENDING,
    PLACES,
    TASK_TEXTS,
    ListPlace,
    ListQuery,
    list_chosen_filters,
    list_path,
    list_user_names,
    make_facets,
    parse_list_query,
)
from gateway.web.staff.list_positions import make_list_address
from gateway.web.staff.list_rows import COLUMNS, USUAL_COLUMNS, ShownNames, format_csv_line, make_row
from gateway.web.staff.staff_request import ROOT, StaffPage, StaffRequest

log = structlog.get_logger(component="staff")

PAGE_ROWS = 50
CSV_PAGE = 200

COLUMNS_COOKIE = "illgate_columns"

ORDER_TEXTS: Mapping[RequestOrder, str] = {
    RequestOrder.LONGEST: mark_text("waiting longest first"),
    RequestOrder.NEWEST: mark_text("newest change first"),
    RequestOrder.NEED_BY: mark_text("needed or due soonest first"),
    RequestOrder.NUMBER: mark_text("by number"),
    RequestOrder.NUMBER_DOWN: mark_text("by number, descending"),
    RequestOrder.TITLE: mark_text("by title"),
    RequestOrder.TITLE_DOWN: mark_text("by title, descending"),
}

SORTED_COLUMNS: Mapping[str, Mapping[RequestOrder, str]] = {
    "number": {RequestOrder.NUMBER: "ascending", RequestOrder.NUMBER_DOWN: "descending"},
    "title": {RequestOrder.TITLE: "ascending", RequestOrder.TITLE_DOWN: "descending"},
    "when": {RequestOrder.NEED_BY: "ascending"},
    "waits": {RequestOrder.LONGEST: "descending", RequestOrder.NEWEST: "ascending"},
}
"""The orders of each column, that of the first press first, and which way its values run in them."""


# --- the list --------------------------------------------------------------------------------------------


def make_list_page(place: ListPlace) -> Callable[[StaffRequest], Awaitable[web.Response]]:
    async def show_list(request: StaffRequest) -> web.Response:
        list_query = parse_list_query(request, place, request.http.query.items())
        return await _render_list(request, list_query)

    return show_list


@value_object
class ReadList:
    """The list as the store has it. `is_unreadable`: it could not be asked."""

    page: ResultPage[Request]
    since: Mapping[str, datetime]
    counts: ListCounts
    saved: Sequence[SavedFilter]
    is_unreadable: bool = False


_UNREADABLE = ReadList(ResultPage(()), {}, ListCounts(None, dict.fromkeys(ListFacet)), (), is_unreadable=True)


async def _read_list(request: StaffRequest, asked: ListQuery) -> ReadList:
    requests, wanted = request.library.requests, asked.wanted
    try:
        page = await requests.list_requests(wanted, PAGE_ROWS, asked.cursor)
        counts = await requests.count_list(wanted)
        saved = await request.library.saved_filters.list_filters(asked.place.name, request.user.name)
        await request.actors.load_names(f"{STAFF_ACTOR}{name}" for name in list_user_names(asked, page, counts, saved))
        return ReadList(page, await requests.find_waiting_since(wanted.task, page), counts, saved)
    except Unavailable as away:
        log.warning("staff.list_unreadable", list=asked.place.name, error=str(away))
        return _UNREADABLE


async def _render_list(request: StaffRequest, asked: ListQuery) -> web.Response:
    place, wanted = asked.place, asked.wanted
    read = await _read_list(request, asked)
    page, since, counts, saved = read.page, read.since, read.counts, read.saved
    partners = name_partners(request)
    opened = next((saved_filter for saved_filter in saved if asked.query and saved_filter.query == asked.query), None)
    selected = request.http.query.get("select", "")
    columns = read_columns(request, place)
    patrons = await _name_patrons(request, page) if "for" in columns else {}
    names = ShownNames(partners, patrons, make_list_address(asked))
    rows = [make_row(request, record, since[record.id], wanted.task, names) for record in page]
    return request.render(
        "request_list",
        _make_title(request, asked, opened.name if opened is not None else ""),
        503 if read.is_unreadable else 200,
        help_topic="lists",
        place=place,
        asked=asked,
        rows=rows,
        total=counts.total,
        most=MAX_BULK,
        chosen=list_chosen_filters(request, asked, partners),
        facets=make_facets(request, asked, counts, partners),
        saved=[
            (saved_filter, list_path(request, place, saved_filter.query), saved_filter.owner == request.user.name)
            for saved_filter in saved
        ],
        opened=opened,
        columns=columns,
        column_texts=COLUMNS,
        sorts=_make_sorts(request, asked),
        order_text=request.gettext(ORDER_TEXTS[wanted.order]),
        selected=selected if selected in ("page", "all") else "",
        can_act=request.has_right(place.act),
        can_print=request.has_right(Right.PRINT) and place is not COPIES,
        here=list_path(request, place, asked.query),
        first_path=list_path(request, place, asked.query),
        next_path=_next_path(request, asked, page),
        select_paths={
            what: list_path(request, place, _page_query(asked, ("select", what))) for what in ("page", "all", "")
        },
        csv_path=f"{request.path(f'{place.name}.csv')}{'?' if asked.query else ''}{asked.query}",
        quiet=_describe_unreadable_list(request, asked)
        if read.is_unreadable
        else _describe_quiet_list(request, asked, page)
        if not rows
        else None,
        is_unreadable=read.is_unreadable,
        primary=find_usual_act(request, wanted.task),
    )


async def _name_patrons(request: StaffRequest, page: Iterable[Request]) -> Mapping[PatronLink, str]:
    """None for those who don't see patrons."""
    if not request.sees_patrons:
        return {}
    return await request.parts.patron_names.find_names(request.context, (record.patron for record in page))


def _make_title(request: StaffRequest, asked: ListQuery, saved: str) -> str:
    if saved:
        return saved
    task = asked.wanted.task
    return request.gettext(TASK_TEXTS[task] if task else asked.place.title)


def name_partners(request: StaffRequest) -> Mapping[str, str]:
    """Names by profile."""
    return request.context.partner_names()


def _page_query(asked: ListQuery, *more: tuple[str, str]) -> str:
    """Return the query of this very page."""
    page = [("cursor", asked.cursor), ("from", str(asked.start))] if asked.cursor else []
    return "&".join(filter(None, (asked.query, urlencode([*page, *((k, v) for k, v in more if v)]))))


def _next_path(request: StaffRequest, asked: ListQuery, page: ResultPage[Request]) -> str:
    if not page.cursor:
        return ""
    following = urlencode([("cursor", page.cursor), ("from", str(asked.start + len(page.items)))])
    return list_path(request, asked.place, "&".join(filter(None, (asked.query, following))))


def _make_sorts(request: StaffRequest, asked: ListQuery) -> Mapping[str, tuple[str, str]]:
    """Make by column the address of the list in that order, and which way it runs now (empty: it isn't in force)."""
    sorts = {}
    for column, orders in SORTED_COLUMNS.items():
        other = next((order for order in orders if order is not asked.order), asked.order)
        path = list_path(request, asked.place, asked.with_value("order", other.value))
        sorts[column] = (path, orders.get(asked.order, ""))
    return sorts


def _describe_unreadable_list(request: StaffRequest, asked: ListQuery) -> tuple[str, str, str]:
    """See `_describe_quiet_list`: the same page again."""
    title = request.gettext(
        "This list cannot be loaded: the database is not responding. Nothing is lost. Please try again in a minute. "
        "If the problem continues, tell your operator."
    )
    return title, list_path(request, asked.place, _page_query(asked)), request.gettext("Try again")


def _describe_quiet_list(request: StaffRequest, asked: ListQuery, page: ResultPage[Request]) -> tuple[str, str, str]:
    """Describe why nothing stands there, where the way leads on, and its words."""
    gettext, place = request.gettext, asked.place
    everything = list_path(request, place, "")
    if page.cursor:
        return gettext("No matches so far."), _next_path(request, asked, page), gettext("Continue searching")
    if asked.cursor:
        return gettext("No more matches."), list_path(request, place, asked.query), gettext("First page")
    only_task = asked.wanted.task and set(asked.values) <= {"task", "order"}
    if only_task:
        return gettext("Nothing to do here now."), request.path(), gettext("See other work")
    if not asked.values:
        return gettext("There are no open requests."), f"{everything}?all=yes", gettext("Include closed requests")
    if set(asked.values) <= {"q", "order", "all"}:
        words = gettext("Nothing found for “%(words)s”.", words=asked.value("q"))
        return words, everything, gettext("Clear all filters")
    return gettext("No requests match these filters."), everything, gettext("Clear all filters")


# --- columns ---------------------------------------------------------------------------------------------


def read_columns(request: StaffRequest, place: ListPlace) -> tuple[str, ...]:
    """Read the columns in their order; as chosen in this browser, else the usual ones. Few lending requests say whom
    they are for."""
    cookie = request.http.cookies.get(COLUMNS_COOKIE, "")
    usual = tuple(name for name in USUAL_COLUMNS if name != "for" or place.role is Role.BORROWING)
    chosen = cookie.split(".") if cookie else usual
    return tuple(name for name in COLUMNS if name in chosen)


async def choose_columns(request: StaffRequest) -> web.Response:
    """Choose columns, which are kept in this browser."""
    form = await request.read_own_form()
    columns = [name for name in COLUMNS if name in form.all_values("column")]
    response = request.redirect(_require_own_path(request, form["back"]))
    secure = "; Secure" if request.visit.secure else ""
    response.headers.add(
        hdrs.SET_COOKIE,
        f"{COLUMNS_COOKIE}={'.'.join(columns) or 'none'}; Path={ROOT}; Max-Age={YEAR}; HttpOnly; SameSite=Lax{secure}",
    )
    return response


def _require_own_path(request: StaffRequest, path: str) -> str:
    """Require the path of one of these lists. Raises PageError."""
    plain = path.partition("?")[0]
    if plain not in {request.path(name) for name in PLACES} or not path.isascii() or not path.isprintable():
        raise PageError(404, "fault-not-there")
    return path


# --- filters with a name ---------------------------------------------------------------------------------


async def save_filter(request: StaffRequest) -> web.Response:
    form = await request.read_own_form()
    place = _require_place(request, form["place"])
    list_query = parse_list_query(request, place, parse_qsl(form["query"]))
    back = list_path(request, place, list_query.query)
    try:
        saved = await request.library.saved_filters.save_filter(
            place.name, request.user.name, form["name"], list_query.query, bool(form["shared"])
        )
    except Refused as refused:
        return request.redirect(back, request.describe_refusal(refused), "late")
    return request.redirect(back, request.gettext("Saved as “%(name)s”.", name=saved.name))


async def delete_filter(request: StaffRequest) -> web.Response:
    form = await request.read_own_form()
    place = _require_place(request, form["place"])
    await request.library.saved_filters.delete_filter(form["id"], request.user.name)
    return request.redirect(
        request.path(place.name), request.gettext("The filter has been removed. The requests are unchanged.")
    )


def _require_place(request: StaffRequest, name: str) -> ListPlace:
    """Require a list; raises PageError for one that isn't there, or not for this user."""
    place = PLACES.get(name)
    if place is None:
        raise PageError(404, "fault-not-there")
    request.require_right(place.read)
    return place


# --- as a file -------------------------------------------------------------------------------------------


def make_csv_page(place: ListPlace) -> Callable[[StaffRequest], Awaitable[web.StreamResponse]]:
    async def send_csv(request: StaffRequest) -> web.StreamResponse:
        """Page by page, so that a long list costs no memory."""
        list_query = parse_list_query(request, place, request.http.query.items())
        first = await request.library.requests.list_requests(list_query.wanted, CSV_PAGE, "")
        response = web.StreamResponse(headers={**HEADERS, hdrs.CONTENT_TYPE: "text/csv; charset=utf-8"})
        response.headers[hdrs.CONTENT_DISPOSITION] = f'attachment; filename="{place.name}.csv"'
        await response.prepare(request.http)
        await response.write(("\ufeff" + format_csv_header()).encode())
        await _write_csv_rows(request, response, list_query.wanted, first)
        await response.write_eof()
        return response

    return send_csv


async def _write_csv_rows(
    request: StaffRequest, response: web.StreamResponse, request_filter: RequestFilter, page: ResultPage[Request]
) -> None:
    requests = request.library.requests
    while True:
        since = await requests.find_waiting_since(request_filter.task, page)
        await response.write("".join(format_csv_line(request, record, since[record.id]) for record in page).encode())
        if not page.cursor:
            return
        page = await requests.list_requests(request_filter, CSV_PAGE, page.cursor)


PAGES = (
    StaffPage("GET", "/borrowing", make_list_page(BORROWING), Right.BORROWING_READ),
    StaffPage("GET", "/lending", make_list_page(LENDING), Right.LENDING_READ),
    StaffPage("GET", "/copies", make_list_page(COPIES), Right.COPIES_READ),
    StaffPage("GET", "/borrowing.csv", make_csv_page(BORROWING), Right.BORROWING_READ),
    StaffPage("GET", "/lending.csv", make_csv_page(LENDING), Right.LENDING_READ),
    StaffPage("GET", "/copies.csv", make_csv_page(COPIES), Right.COPIES_READ),
    StaffPage("POST", "/list-columns", choose_columns, Right.WORK_READ),
    StaffPage("POST", "/saved-filters", save_filter, Right.WORK_READ),
    StaffPage("POST", "/saved-filters/delete", delete_filter, Right.WORK_READ),
)
