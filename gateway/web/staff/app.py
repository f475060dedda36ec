"""The pages of staff as a part of the HTTP side: the table of all routes, and what surrounds every page.

A page is open only to users who have its right (`StaffPage.right`); what isn't in the table isn't there. To add a page,
write a function of a StaffRequest in a module of its topic, and a line into that module's PAGES.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import timedelta

import structlog
from aiohttp import web

from gateway.domain.library import PickupLocation
from gateway.domain.problems import OutcomeUnknown, Refused, Unavailable
from gateway.domain.requests.views import EventDenied, InvalidCursorError, NotFound, VersionConflict
from gateway.domain.roles import Right
from gateway.services.desks.sent_forms import prune_sent_forms
from gateway.services.letters.localization import mark_text
from gateway.services.searching.answer_cache import AnswerCache
from gateway.web.html.error_pages import PageError, make_wrong_path_middleware
from gateway.web.html.visits import LANGUAGE, preferred_languages
from gateway.web.staff import (
    account_pages,
    bulk_pages,
    copy_pages,
    error_pages,
    find_pages,
    handbook,
    help_page,
    journal_pages,
    mail_pages,
    message_example_pages,
    message_pages,
    new_request_pages,
    office_page,
    operation_pages,
    outbox_pages,
    partner_pages,
    print_pages,
    privacy_pages,
    profile_edit_pages,
    profile_pages,
    replay_job_pages,
    replay_pages,
    request_acts,
    request_lists,
    request_page,
    scan_pages,
    second_factor_pages,
    sign_in_pages,
    statistics_pages,
    undo_pages,
    user_pages,
    work_queue,
)
from gateway.web.staff.staff_request import (
    ASSETS,
    LANGUAGE_KEY,
    ROOT,
    MenuEntry,
    StaffPage,
    StaffRequest,
    StaffServices,
)

log = structlog.get_logger(component="staff")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

PAGES: tuple[StaffPage, ...] = (
    *work_queue.PAGES,
    *office_page.PAGES,
    *scan_pages.PAGES,
    *outbox_pages.PAGES,
    *partner_pages.PAGES,
    *print_pages.PAGES,
    *message_pages.PAGES,
    *mail_pages.PAGES,
    *new_request_pages.PAGES,
    *request_page.PAGES,
    *request_acts.PAGES,
    *copy_pages.PAGES,
    *request_lists.PAGES,
    *find_pages.PAGES,
    *bulk_pages.PAGES,
    *undo_pages.PAGES,
    *statistics_pages.PAGES,
    *operation_pages.PAGES,
    *journal_pages.PAGES,
    *message_example_pages.PAGES,
    *replay_pages.PAGES,
    *replay_job_pages.PAGES,
    *profile_pages.PAGES,
    *profile_edit_pages.PAGES,
    *privacy_pages.PAGES,
    *user_pages.PAGES,
    *account_pages.PAGES,
    *second_factor_pages.PAGES,
    *sign_in_pages.PAGES,
    *help_page.PAGES,
    *handbook.PAGES,
)
"""All pages of staff, by topic."""

MENU: tuple[MenuEntry, ...] = (
    MenuEntry("/office", mark_text("Libraries"), names_library=False),
    MenuEntry("", mark_text("Work queue")),
    MenuEntry("/borrowing", mark_text("Borrowing")),
    MenuEntry("/lending", mark_text("Lending")),
    MenuEntry("/copies", mark_text("Copies")),
    MenuEntry("/scan", mark_text("Scan")),
    MenuEntry("/messages", mark_text("Messages")),
    MenuEntry("/mail", mark_text("Email")),
    MenuEntry("/print", mark_text("Print")),
    MenuEntry("/partners", mark_text("Partners")),
    MenuEntry("/statistics", mark_text("Statistics")),
    MenuEntry("/privacy", mark_text("Privacy"), is_folded=True),
    MenuEntry("/operation", mark_text("System"), is_folded=True),
    MenuEntry("/operation/profiles", mark_text("Profiles"), is_folded=True),
    MenuEntry("/users", mark_text("Accounts"), is_folded=True),
)
"""What the head of every page leads to, in this order: those that are there and that the user may open."""

PLACES_KEPT_FOR = timedelta(minutes=10)
"""Where patrons collect, as the library's system says."""

MAX_PLACES_SECONDS = 2.0
"""So long a page waits to hear of them; who asks later has the answer."""

RESERVED = frozenset({"_assets", *(page.path.split("/")[1] for page in PAGES if page.path)})
"""Words behind /staff/ that name no library."""

_LIBRARY_IN_PATH = rf"(?!(?:{'|'.join(sorted(RESERVED))})(?:/|$))[A-Za-z0-9][A-Za-z0-9._-]*"

_WRONG_PATH = StaffPage("GET", "/{wrong:.+}", error_pages.show_nothing, None)


class StaffPages:
    """`HttpSite.staff`."""

    def __init__(self, parts: StaffServices, pages: Iterable[StaffPage] = PAGES) -> None:
        self._parts = parts
        self._pages = tuple(pages)
        self._places: AnswerCache[str, tuple[PickupLocation, ...]] = AnswerCache(parts.clock)
        self._right_by_path = {page.path: page.right for page in self._pages if page.method == "GET"}

    def register(self, app: web.Application) -> None:
        ASSETS.register(app)
        self._parts.brands.register(app)
        app.middlewares.append(make_wrong_path_middleware(self._make_handler(_WRONG_PATH), _is_path_for_staff))
        for page in self._pages:
            app.router.add_route(page.method, f"{ROOT}{page.path}", self._make_handler(page))
        for page in self._pages:
            if page.names_library:
                path = f"{ROOT}/{{library:{_LIBRARY_IN_PATH}}}{page.path}"
                app.router.add_route(page.method, path, self._make_handler(page))
        app.router.add_get(f"{ROOT}/", _redirect_to_root)

    def wake_streams(self, library: str) -> None:
        """Wake the streams of this library to look, when something has been committed. Call it from the event loop."""
        self._parts.streams.wake_library(library)

    def end_streams(self) -> None:
        """Call it before the listeners stop: streams would hold them up."""
        self._parts.streams.end_streams()

    async def prune_expired(self) -> int:
        """Sessions that are over, forms that were sent, and what the audit log need not keep any more; how many rows.
        Raises Unavailable."""
        sign_in = self._parts.sign_in
        keep = timedelta(days=self._parts.settings.audit_days)
        forgotten = await sign_in.prune_sessions() + await sign_in.prune_audit(keep)
        forgotten += await self._parts.factors.prune_waits()
        for library in self._parts.libraries.values():
            forgotten += await prune_sent_forms(library.context, self._parts.clock.now())
        return forgotten

    def _make_handler(self, page: StaffPage) -> Handler:
        async def handle_page(http: web.Request) -> web.StreamResponse:
            named = self._parts.find_named_library(http.match_info.get("library", ""))
            is_wrong = "library" in http.match_info and not named
            request = self._make_staff_request(http, _WRONG_PATH if is_wrong else page)
            request.named = named
            if (chosen := self._switch_language(request)) is not None:
                return chosen
            arrived = request.visit
            response = await self._answer_page(request)
            if not response.prepared:
                self._parts.visits.set_visit_cookie(http, response, arrived, request.visit)
            if request.device.is_changed and not response.prepared:
                self._parts.visits.set_device_cookie(response, request.device, request.visit.secure)
            return response

        return handle_page

    def _make_staff_request(self, http: web.Request, page: StaffPage) -> StaffRequest:
        wished = (http.cookies.get(LANGUAGE, ""), *preferred_languages(http))
        localization = self._parts.texts.choose_language(wished)
        return StaffRequest(self._parts, http, page, localization, self._parts.visits.visit_of_request(http))

    def _switch_language(self, request: StaffRequest) -> web.Response | None:
        """Keep the language, and take it out of the address again."""
        chosen = request.http.query.get(LANGUAGE_KEY, "")
        if request.http.method != "GET" or not chosen:
            return None
        response = request.redirect(request.here)
        if chosen in self._parts.texts.known:
            self._parts.visits.set_language_cookie(response, chosen, request.visit.secure)
        return response

    async def _answer_page(self, request: StaffRequest) -> web.StreamResponse:
        try:
            await self._recognise_user(request)
            if self._parts.visits.is_foreign_form(request.http):
                raise PageError(403, "fault-foreign-form")
            if self._lacks_library(request):
                return request.redirect(f"{request.root}{request.here.removeprefix(ROOT)}")
            if request.page.right is not None:
                if request.session is None:
                    return await sign_in_pages.ask_who_it_is(request)
                request.require_right(request.page.right)
                if request.is_plain_form:
                    await request.read_own_form()  # before anything is said of what the address names
            return await request.page.show(request)
        except PageError as fault:
            return await error_pages.show_fault(request, fault.status, fault.word)
        except (NotFound, InvalidCursorError):
            return await error_pages.show_fault(request, 404, "fault-not-there")
        except VersionConflict:
            return await error_pages.show_fault(request, 409, "fault-changed")
        except (EventDenied, Refused) as refused:
            return await error_pages.show_fault(request, 409, "fault-refused", request.describe_refusal(refused))
        except Unavailable:
            return await error_pages.show_fault(request, 503, "fault-away")
        except OutcomeUnknown:
            return await error_pages.show_fault(request, 504, "fault-outcome-unknown")
        except (ConnectionError, web.HTTPException):
            raise
        except Exception:  # a defect: say so without details, keep the traceback for the log
            mark = error_pages.make_fault_mark()
            log.exception("staff.page_failed", page=page_name(request.page), mark=mark)
            return await error_pages.show_fault(request, 500, "fault-defect", mark=mark)

    async def _recognise_user(self, request: StaffRequest) -> None:
        if request.visit.is_new:
            return
        sign_in = self._parts.sign_in
        find = sign_in.load_session if request.is_polled else sign_in.find_session
        session = await find(request.visit.id)
        request.lacks_factor = session is not None and session.lacks_factor
        request.session = session if not request.lacks_factor or request.page.without_factor else None
        is_stranger = await self._work_for_named_library(request)
        if request.session is not None and not request.lacks_factor:
            rights = request.rights
            request.open_paths = frozenset(path for path, right in self._right_by_path.items() if right in rights)
            request.menu = tuple(entry for entry in MENU if self._is_of_use(entry, request))
            await self._load_places(request)
        if is_stranger:
            raise PageError(403, "fault-right")

    async def _work_for_named_library(self, request: StaffRequest) -> bool:
        """An address without a library leads to this one from now on. True: it is none of the user's libraries."""
        session = request.session
        if session is None or request.named in ("", session.library):
            return False
        if request.named not in self._parts.sign_in.libraries_of(session.user):
            request.named = ""
            return True
        if request.http.method == "GET" and not request.is_polled:
            request.session = await self._parts.sign_in.switch_library(session, request.named)
        return False

    def _lacks_library(self, request: StaffRequest) -> bool:
        """Return whether the address of a page is to name one of several libraries, and doesn't."""
        is_of_one = request.page.right is not None and request.page.names_library and not request.named
        is_read = request.http.method == "GET" and not request.is_asked_by_script
        return is_of_one and is_read and request.session is not None and len(self._parts.libraries) > 1

    def _is_of_use(self, entry: MenuEntry, request: StaffRequest) -> bool:
        if not entry.path:
            return request.has_right(Right.WORK_READ)
        if entry.path == "/operation/profiles" and "/operation" in request.open_paths:
            return False  # which leads there
        if entry.path == "/office" and len(self._parts.sign_in.libraries_of(request.user)) == 1:
            return False
        return entry.path in request.open_paths

    async def _load_places(self, request: StaffRequest) -> None:
        """Load the places for whoever works for branches. While the library's system names none, a branch is the one
        place in it."""
        if any(grant.branch for grant in request.user.grants if grant.library == request.library.symbol):
            context = request.context
            with suppress(Refused, Unavailable, TimeoutError):
                async with asyncio.timeout(MAX_PLACES_SECONDS):
                    request.places = await self._places.fetch_answer(
                        context.symbol, context.system.pickup_locations, PLACES_KEPT_FOR
                    )


def page_name(page: StaffPage) -> str:
    """Return a page's name for logs and tests."""
    return f"{page.method} {ROOT}{page.path}"


def _is_path_for_staff(path: str) -> bool:
    return path.startswith(f"{ROOT}/")


async def _redirect_to_root(_http: web.Request) -> web.Response:
    return web.Response(status=308, headers={"Location": ROOT})
