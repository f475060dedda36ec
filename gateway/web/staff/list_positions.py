"""Position of a request in the list that it was opened from. The address of the pages of a request names the list, with
its filter, and once it has been worked on the place that it had there: so the next one is known when it has left."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from gateway.domain.requests.request import Request
from gateway.domain.requests.task_lists import BY_NAME
from gateway.domain.value import value_object
from gateway.web.html.error_pages import PageError
from gateway.web.staff.list_filters import PLACES, TASK_TEXTS, ListQuery, list_path, parse_list_query
from gateway.web.staff.staff_request import StaffRequest

MAX_LISTED = 100
"""Of the list so many: so far back and forth leads."""

MAX_ADDRESS_CHARS = 1_000


@value_object(kw_only=True)
class PositionInList:
    """`title` and `path`: of the list; `address`: what names it in addresses of requests; `position`: 0 for a request
    that has left it; `count`: of those that are there; `before` and `after`: its neighbours, or those of the place that
    it had."""

    title: str
    path: str
    address: Mapping[str, str]
    position: int
    count: int
    before: Request | None = None
    after: Request | None = None

    @property
    def address_of_acts(self) -> Mapping[str, str]:
        """The address of what is done with this request: it may leave the list by it."""
        return {**self.address, "at": str(self.position)} if self.position else self.address


def make_list_address(asked: ListQuery) -> dict[str, str]:
    """Make what names a list in the address of a request: a task as it is, else the list with its filter."""
    if set(asked.values) <= {"task"}:
        return {"task": asked.wanted.task} if asked.wanted.task else {}
    return {"list": f"{asked.place.name}?{asked.query}"}


def read_list_address(page: StaffRequest) -> dict[str, str]:
    """Read what a request's address says of the list, to be said again in the addresses that lead on from it."""
    query = page.http.query
    words = {name: query.get(name, "")[:MAX_ADDRESS_CHARS] for name in ("task", "list", "at")}
    return {name: word for name, word in words.items() if word}


async def find_list_position(page: StaffRequest, request: Request) -> PositionInList | None:
    """None: it was opened from no list, or from one that there isn't, or that isn't for this user."""
    address = read_list_address(page)
    asked = _parse_address(page, request, address)
    if asked is None or not page.has_right(asked.place.read):
        return None
    listed = (await page.library.requests.list_requests(asked.wanted, MAX_LISTED, "")).items
    ids = [record.id for record in listed]
    place = address.pop("at", "")
    is_there = request.id in ids
    at = ids.index(request.id) if is_there else int(place) - 1 if place.isdecimal() and 0 < int(place) < 1_000 else None
    if at is None:
        return None
    rest = listed[at + 1 :] if is_there else listed[at:] or listed[:1]
    return PositionInList(
        title=page.gettext(TASK_TEXTS[asked.wanted.task] if asked.wanted.task else asked.place.title),
        path=list_path(page, asked.place, asked.query),
        address=address,
        position=at + 1 if is_there else 0,
        count=len(listed),
        before=listed[min(at, len(listed)) - 1] if at and listed else None,
        after=rest[0] if rest else None,
    )


def _parse_address(page: StaffRequest, request: Request, address: Mapping[str, str]) -> ListQuery | None:
    if "list" in address:
        name, _, query = address["list"].partition("?")
    else:
        task = address.get("task", "")
        name, query = request.role.value, f"task={task}" if task in BY_NAME else ""
    if name not in PLACES or not query:
        return None
    try:
        return parse_list_query(page, PLACES[name], parse_qsl(query))
    except PageError:
        return None
