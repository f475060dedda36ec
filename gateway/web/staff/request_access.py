"""The request that a page is about, and what this user may see of it and do with it."""

from __future__ import annotations

from gateway.domain.requests.event_catalogue import EVENT_CATALOGUE
from gateway.domain.requests.events import EventKind as K
from gateway.domain.requests.request import Request, Role
from gateway.domain.requests.scan_rules import is_at_branch
from gateway.domain.requests.views import NotFound, RequestView
from gateway.domain.roles import Right
from gateway.web.staff.staff_request import StaffRequest

READ_RIGHTS = {Role.BORROWING: Right.BORROWING_READ, Role.LENDING: Right.LENDING_READ}
ACT_RIGHTS = {Role.BORROWING: Right.BORROWING_ACT, Role.LENDING: Right.LENDING_ACT}


async def load_request_view(page: StaffRequest) -> RequestView:
    """The request that the address names, by whatever number. Raises NotFound, PageError."""
    named_request = await find_named_request(page)
    return await page.library.requests.load_view(named_request.id)


async def find_named_request(page: StaffRequest, number: str = "") -> Request:
    """Find the request with this number, or else that of the address; raises NotFound, PageError where it isn't for
    this user."""
    request = await page.library.requests.find_request(number or page.http.match_info["number"])
    right = READ_RIGHTS[request.role]
    page.require_right(right)
    branches = page.branches_for(right)
    if not is_at_branch(request, branches):
        raise NotFound("request")
    return request


def find_act_right(role: Role, kind: K) -> Right:
    return EVENT_CATALOGUE[kind].right or ACT_RIGHTS[role]


def list_permitted_acts(page: StaffRequest, view: RequestView) -> tuple[K, ...]:
    """List what this user may do with it now."""
    role = view.request.role
    may_sign = page.library.copies.can_sign_off(view.request, page.origin.actor)
    return tuple(
        kind
        for kind in view.allowed
        if EVENT_CATALOGUE[kind].label
        and page.has_right(find_act_right(role, kind))
        and (may_sign or kind is not K.CLEARED)
    )
