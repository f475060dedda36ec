"""The search box of staff: a number leads to its request, a name to the patron's requests, other words to lists."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from aiohttp import web

from gateway.domain.problems import Unavailable
from gateway.domain.requests.request import Request, Role
from gateway.domain.requests.scan_rules import is_at_branch
from gateway.domain.requests.views import NotFound, RequestFilter, SeveralRequests
from gateway.domain.roles import Right
from gateway.domain.value import value_object
from gateway.ports.library_system import NamedPatron
from gateway.services.patrons.patron_names import search_names
from gateway.web.html.error_pages import PageError
from gateway.web.staff.list_filters import BORROWING, LENDING, ListPlace, list_path, parse_list_query
from gateway.web.staff.request_words import StateTag, tag_of_request
from gateway.web.staff.staff_request import StaffPage, StaffRequest

MAX_OF_PATRON = 5
"""The newest requests of each patron who is found."""


async def find_requests(request: StaffRequest) -> web.StreamResponse:
    """A number that leads to one request opens it; else the list with what was asked for, of the side that has it."""
    text = " ".join(request.http.query.get("q", "").split())[:200]
    places = [place for place in (BORROWING, LENDING) if request.has_right(place.read)]
    if not places:
        raise PageError(403, "fault-right")
    if not text:
        return request.redirect(request.path(places[0].name), request.gettext("Enter a number, name or title."), "look")
    if BORROWING in places and request.sees_patrons and not any(sign.isdigit() for sign in text):
        try:
            if hits := await _find_patron_hits(request, text):
                return _render_hits(request, text, places, hits)
        except Unavailable:
            notice = request.gettext("The library system is not responding, so names were not searched.")
            return await _show_hits(request, text, places, notice)
    try:
        only_match = await request.library.requests.find_only_match(text, hides_patrons=not request.sees_patrons)
    except (NotFound, SeveralRequests):
        return await _show_hits(request, text, places)
    place = BORROWING if only_match.role is Role.BORROWING else LENDING
    own = request.branches_for(place.read)
    if place in places and is_at_branch(only_match, own):
        return request.redirect(request.path("requests", only_match.number))
    return await _show_hits(request, text, places)


@value_object
class PatronHit:
    """A patron of the name that was searched. `more`: there are further requests than these."""

    patron: NamedPatron
    requests: Sequence[tuple[Request, StateTag]]
    more: bool


async def _find_patron_hits(request: StaffRequest, text: str) -> list[PatronHit]:
    """Patrons of this name who have requests. Raises Unavailable."""
    hits = []
    branches = tuple(sorted(request.branches_for(BORROWING.read)))
    for patron in await search_names(request.context, text):
        request_filter = RequestFilter(role=Role.BORROWING, patron_id=patron.id, branches=branches)
        page = await request.library.requests.list_requests(request_filter, MAX_OF_PATRON, "")
        if page.items:
            shown = [(hit, tag_of_request(hit, request.localization)) for hit in page]
            hits.append(PatronHit(patron, shown, bool(page.cursor)))
    return hits


def _render_hits(
    request: StaffRequest, text: str, places: Sequence[ListPlace], hits: Sequence[PatronHit] = (), warning: str = ""
) -> web.Response:
    """`places`: where requests with these words are; where nothing was found, they were searched there."""
    return request.render(
        "find",
        request.gettext("Search: %(text)s", text=text),
        help_topic="lists",
        hits=hits,
        paths={
            hit.patron.id: list_path(request, BORROWING, urlencode([("q", hit.patron.identifier), ("all", "yes")]))
            for hit in hits
        },
        places=[(place, list_path(request, place, urlencode([("q", text)]))) for place in places],
        warning=warning,
        words=text,
    )


async def _show_hits(
    request: StaffRequest, text: str, places: list[ListPlace], warning: str = ""
) -> web.StreamResponse:
    """Show hits on the list of the only side that has them; of both sides, that of the first, with a way to the
    other. A page of its own says that neither has any."""
    counted = []
    for place in places:
        list_query = parse_list_query(request, place, [("q", text)])
        page = await request.library.requests.list_requests(list_query.wanted, 1, "")
        counted.append((place, bool(page.items or page.cursor)))
    with_hits = [place for place, has_hits in counted if has_hits]
    if not with_hits:
        return _render_hits(request, text, places, warning=warning)
    place = with_hits[0]
    also = request.gettext("There are also matching lending requests.") if len(with_hits) > 1 else ""
    banner = " ".join(filter(None, (warning, also)))
    return request.redirect(list_path(request, place, urlencode([("q", text)])), banner, "look")


PAGES = (StaffPage("GET", "/find", find_requests, Right.WORK_READ),)
