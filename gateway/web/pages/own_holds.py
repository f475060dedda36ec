"""The patron's reservations: holds in the library's own system, which patrons cancel themselves where it can."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from urllib.parse import quote

import structlog
from aiohttp import web

from gateway.domain.library import Hold, HoldStatus
from gateway.domain.problems import Refused, Unavailable
from gateway.domain.requests.views import NotFound
from gateway.domain.value import value_object
from gateway.services.letters.facts import label_rows
from gateway.services.letters.localization import mark_text, mark_text_in_context
from gateway.services.letters.templates import clean_line
from gateway.store.patron_sessions import SessionRow
from gateway.web.html.visits import hash_token
from gateway.web.pages import sign_in_pages
from gateway.web.pages.page_request import PageRequest
from gateway.web.pages.request_status import ShownStatus

log = structlog.get_logger(component="pages")

MAX_LIST_SECONDS = 5.0
"""Requests are shown without reservations, where the library's system takes longer."""

HOLD_CANCELLED = "hold-cancelled"
HOLD_GONE = "hold-gone"
HOLD_TEXTS: Mapping[str, str] = {
    HOLD_CANCELLED: mark_text("Your reservation is cancelled."),
    HOLD_GONE: mark_text("This reservation has ended already."),
}
"""By `done` in the query."""

STATUS_WORDS: Mapping[HoldStatus, tuple[str, tuple[str, str]]] = {
    HoldStatus.WAITING: ("waiting", mark_text_in_context("status of a request", "Reserved")),
    HoldStatus.PAGED: ("waiting", mark_text_in_context("status of a request", "Reserved")),
    HoldStatus.IN_TRANSIT: ("way", mark_text_in_context("status of a request", "On its way")),
    HoldStatus.READY: ("good", mark_text_in_context("status of a request", "Ready")),
}
"""Of open ones: kind of the tag, and its word with its context."""


@value_object
class ShownHold:
    """`path` without what is done with it."""

    path: str
    title: str
    status: ShownStatus
    pickup: str
    can_cancel: bool


@value_object
class ShownHolds:
    """`is_away`: they could not be listed."""

    holds: tuple[ShownHold, ...] = ()
    is_away: bool = False

    @property
    def is_for_staff(self) -> bool:
        """True if some of them are cancelled by staff alone."""
        return any(not hold.can_cancel for hold in self.holds)


NO_HOLDS = ShownHolds()


async def list_shown_holds(page: PageRequest, session: SessionRow) -> ShownHolds:
    try:
        async with asyncio.timeout(MAX_LIST_SECONDS):
            holds = await page.library.patrons.list_holds(session.patron_id)
            names = await load_pickup_names(page) if holds else {}
            return ShownHolds(tuple(_make_shown_hold(page, hold, names) for hold in holds))
    except (Refused, Unavailable, TimeoutError) as error:
        log.info("pages.holds_not_listed", error=type(error).__name__)
        return ShownHolds(is_away=True)


def _make_shown_hold(page: PageRequest, hold: Hold, names: Mapping[str, str]) -> ShownHold:
    """`names`: of pickup locations, by code."""
    return ShownHold(
        page.path(f"holds/{quote(hold.id, safe='')}"),
        clean_line(hold.title) or hold.item_barcode or hold.id,
        _make_hold_status(page, hold),
        names.get(hold.pickup, ""),
        page.library.patrons.can_cancel_hold(hold),
    )


def _make_hold_status(page: PageRequest, hold: Hold) -> ShownStatus:
    kind, word = STATUS_WORDS[hold.status if hold.status.is_open else HoldStatus.WAITING]
    localization, since = page.localization, ""
    if hold.status is HoldStatus.READY and hold.ready_until is not None:
        since = localization.pgettext("ready", "until %(day)s", day=page.format_short_day(hold.ready_until))
    elif hold.status is HoldStatus.WAITING and hold.position > 0:
        since = localization.gettext("number %(place)s in the queue", place=hold.position)
    return ShownStatus(kind, localization.pgettext(*word), since)


def list_pickup_rows(page: PageRequest, pickup: str) -> tuple[tuple[str, str], ...]:
    return ((page.gettext("Pickup location"), pickup),) if pickup else ()


async def load_pickup_names(page: PageRequest) -> Mapping[str, str]:
    """Load the names of pickup locations by code."""
    return {place.code: place.name for place in await page.offering.list_pickup_locations()}


async def show_own_hold(page: PageRequest) -> web.Response:
    id_ = page.http.match_info["id"]
    if page.session is None:
        return sign_in_pages.ask_to_sign_in(page, "requests")
    hold = await page.library.patrons.find_hold(page.session.patron_id, id_)
    shown_hold = _make_shown_hold(page, hold, await load_pickup_names(page))
    return page.render(
        "own_hold",
        address=page.path(f"holds/{quote(id_, safe='')}"),
        title=page.gettext("Reserved"),
        hold=shown_hold,
        rows=_list_hold_rows(page, shown_hold),
    )


def _list_hold_rows(page: PageRequest, hold: ShownHold) -> tuple[tuple[str, str], ...]:
    return (*label_rows(page.words, ("title", hold.title)), *list_pickup_rows(page, hold.pickup))


async def ask_before_cancelling_hold(page: PageRequest) -> web.Response:
    """Opening a link does nothing: its page asks first."""
    id_ = page.http.match_info["id"]
    if page.session is None:
        return sign_in_pages.ask_to_sign_in(page, "requests")
    try:
        hold = await page.library.patrons.find_hold(page.session.patron_id, id_)
    except NotFound:
        return _redirect_to_list(page, HOLD_GONE)
    shown_hold = _make_shown_hold(page, hold, await load_pickup_names(page))
    return page.render(
        "own_hold_cancel",
        address=f"{shown_hold.path}/cancel",
        title=page.gettext("Cancel this reservation?"),
        hold=shown_hold,
        form_id=secrets.token_urlsafe(24),
        rows=_list_hold_rows(page, shown_hold),
    )


async def cancel_own_hold(page: PageRequest) -> web.Response:
    id_ = page.http.match_info["id"]
    form = await page.read_own_form()
    if page.session is None:
        return sign_in_pages.ask_to_sign_in(page, "requests", wrong="over")
    form_id = form["form"][:100]
    key = f"page-cancel:{hash_token(f'{page.visit.id}:{id_}:{form_id}')}"
    try:
        await page.library.patrons.cancel_hold(page.session.patron_id, id_, key)
    except NotFound:
        return _redirect_to_list(page, HOLD_GONE)
    return _redirect_to_list(page, HOLD_CANCELLED)


def _redirect_to_list(page: PageRequest, done: str) -> web.Response:
    return page.redirect(page.path("requests", f"done={done}"))
