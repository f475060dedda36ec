"""The pages as a part of the HTTP side: their routes, and what surrounds every page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping

import structlog
from aiohttp import web

from gateway.domain.problems import OutcomeUnknown, Refused, Unavailable
from gateway.domain.requests.views import InvalidCursorError, NotFound
from gateway.ports.shared_store import Transaction
from gateway.services.desks.sent_forms import FORM_MEMORY
from gateway.services.libraries.library_services import find_library
from gateway.store import patron_sessions
from gateway.web.html.error_pages import PageError, make_wrong_path_middleware
from gateway.web.html.visits import LANGUAGE, hash_token, preferred_languages
from gateway.web.pages import (
    citation_form,
    offer_pages,
    order_forms,
    own_data,
    own_holds,
    own_messages,
    own_requests,
    own_settings,
    sign_in_pages,
)
from gateway.web.pages.page_request import ASSETS, LANGUAGE_KEY, ROOT, PageRequest, PageServices
from gateway.web.pages.page_texts import FAULT_TEXTS
from gateway.web.pages.sign_in import SignInFailedError, SignInMethod
from gateway.web.trusted_proxies import read_asserted_header

log = structlog.get_logger(component="pages")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Page = Callable[[PageRequest], Awaitable[web.Response]]

"""A form that was sent is known so long; a browser that still has it open sends it in vain."""

PAGES: tuple[tuple[str, str, Page], ...] = (
    ("GET", "", offer_pages.show_services),
    ("POST", "", offer_pages.show_services),
    ("GET", "/citation", citation_form.show_citation_form),
    ("POST", "/citation", citation_form.submit_citation),
    ("GET", "/request", order_forms.show_order_form),
    ("POST", "/request", order_forms.submit_order),
    ("GET", "/hold", order_forms.show_hold_form),
    ("POST", "/hold", order_forms.submit_hold),
    ("GET", "/sign-in", sign_in_pages.show_sign_in),
    ("POST", "/sign-in", sign_in_pages.submit_sign_in),
    ("GET", "/sign-in/provider", sign_in_pages.redirect_to_provider),
    ("GET", "/signed-in", sign_in_pages.finish_oidc),
    ("POST", "/sign-out", sign_in_pages.sign_out),
    ("GET", "/privacy", own_data.show_own_data),
    ("POST", "/privacy/file", own_data.export_own_data),
    ("POST", "/privacy/erase", own_data.erase_own_data),
    ("GET", "/settings", own_settings.show_settings),
    ("POST", "/settings", own_settings.save_settings),
    ("GET", "/messages", own_messages.list_messages),
    ("GET", "/messages/{id}", own_messages.show_message),
    ("GET", "/requests", own_requests.list_own_requests),
    ("GET", "/requests/{id}", own_requests.show_own_request),
    ("GET", "/requests/{id}/copy", own_requests.show_own_copy),
    ("POST", "/requests/{id}/copy", own_requests.take_own_copy),
    ("GET", "/requests/{id}/{act}", own_requests.ask_before_act),
    ("POST", "/requests/{id}/{act}", own_requests.perform_act),
    ("GET", "/holds/{id}", own_holds.show_own_hold),
    ("GET", "/holds/{id}/cancel", own_holds.ask_before_cancelling_hold),
    ("POST", "/holds/{id}/cancel", own_holds.cancel_own_hold),
)
"""Method, path behind /openurl/SYMBOL, page."""

ACCOUNT = "/account"
"""Short for the list of one's own requests; with several libraries the symbol of one follows."""

OTHERS = ("/api/", "/staff/")
"""Below these, others answer for what isn't there."""

ONCE = (sign_in_pages.redirect_to_provider, sign_in_pages.finish_oidc)
"""Each GET of these does something, so a HEAD must not."""

FROM_ANYWHERE = (offer_pages.show_services, citation_form.submit_citation, offer_pages.show_nothing)
"""Forms of other sites may lead to these: they change nothing."""

SENT_AGAIN = ("request", "hold")
"""Forms that make something once, however often they are sent."""


class PatronPages:
    """`HttpSite.pages`."""

    def __init__(self, parts: PageServices) -> None:
        self._parts = parts

    def register(self, app: web.Application) -> None:
        app.middlewares.append(
            make_wrong_path_middleware(self._make_handler(offer_pages.show_nothing), _is_path_for_patrons)
        )
        ASSETS.register(app)
        self._parts.brands.register(app)
        for method in ("GET", "HEAD", "POST"):
            for path in (ROOT, f"{ROOT}/", f"{ROOT}/{{library}}/"):
                app.router.add_route(method, path, self._make_handler(offer_pages.show_services))
        for path in (ACCOUNT, f"{ACCOUNT}/{{library}}"):
            app.router.add_route("GET", path, self._make_handler(own_requests.open_account))
        for method, path, page in PAGES:
            app.router.add_route(method, f"{ROOT}/{{library}}{path}", self._make_handler(page))
            if method == "GET" and page not in ONCE:
                app.router.add_route("HEAD", f"{ROOT}/{{library}}{path}", self._make_handler(page))

    async def prune_expired(self, libraries: Iterable[str]) -> int:
        """Remove what is over, and return how many rows. Raises Unavailable."""
        now = self._parts.clock.now()
        forgotten = 0
        for library in libraries:

            def prune_library(c: Transaction, library: str = library) -> int:
                return (
                    patron_sessions.prune_sessions(c, library, now)
                    + patron_sessions.prune_journeys(c, library, now)
                    + patron_sessions.prune_forms(c, library, now - FORM_MEMORY)
                )

            forgotten += await self._parts.store.write(prune_library)
        return forgotten

    def _make_handler(self, make_page: Page) -> Handler:
        async def handle_page(http: web.Request) -> web.StreamResponse:
            library = http.match_info.get("library", "") or self._library_of_path(http.path) or self._sole_library()
            if not library:
                status = 404 if make_page is offer_pages.show_nothing else 200
                return offer_pages.show_libraries(self._parts, http, status)
            try:
                page = self._make_page_request(http, library)
            except NotFound:
                return offer_pages.show_libraries(self._parts, http, status=404)
            except Unavailable:
                return offer_pages.show_libraries(self._parts, http, status=503)
            if (chosen := self._switch_language(page)) is not None:
                return chosen
            arrived = page.visit
            response = await self._answer_page(make_page, page)
            self._parts.visits.set_visit_cookie(http, response, arrived, page.visit)
            if page.device.is_changed:
                self._parts.visits.set_device_cookie(response, page.device, page.visit.secure)
            return response

        return handle_page

    def _library_of_path(self, path: str) -> str:
        """Return the library of a wrong path behind /openurl/SYMBOL; empty: it names none of ours."""
        named = path.removeprefix(f"{ROOT}/").partition("/")[0] if path.startswith(f"{ROOT}/") else ""
        return named if named in self._parts.libraries else ""

    def _sole_library(self) -> str:
        libraries = self._parts.libraries
        return next(iter(libraries)) if len(libraries) == 1 and not libraries.held_back else ""

    def _make_page_request(self, http: web.Request, library: str) -> PageRequest:
        """Make a page request; raises NotFound, Unavailable."""
        parts = self._parts
        wished = (http.cookies.get(LANGUAGE, ""), *preferred_languages(http))
        entry = find_library(parts.libraries, library)
        localization = parts.entries[entry.symbol].texts.choose_language(wished)
        return PageRequest(parts, http, entry, localization, parts.visits.visit_of_request(http))

    def _switch_language(self, page: PageRequest) -> web.Response | None:
        """Keep the language, and take it out of the address again."""
        chosen = page.http.query.get(LANGUAGE_KEY, "")
        if page.http.method != "GET" or not chosen:
            return None
        response = page.redirect("?".join(filter(None, (page.http.rel_url.raw_path, page.query.decode()))))
        if chosen in page.entry.texts.known:
            self._parts.visits.set_language_cookie(response, chosen, page.visit.secure)
        return response

    async def _answer_page(self, make_page: Page, page: PageRequest) -> web.Response:
        try:
            if make_page not in FROM_ANYWHERE and self._parts.visits.is_foreign_form(page.http):
                raise PageError(403, "fault-foreign-form")
            await self._recognise_patron(page)
            return await make_page(page)
        except PageError as fault:
            return _render_fault(page, fault.status, fault.word)
        except (NotFound, InvalidCursorError):
            return _render_fault(page, 404, "fault-not-there")
        except Refused as refused:
            log.warning("pages.library_refused", reason=refused.reason.value)
            return _render_fault(page, 409, "fault-refused")
        except Unavailable:
            return await self._render_unavailable(page)
        except OutcomeUnknown:
            return _render_fault(page, 504, "fault-outcome-unknown")
        except (ConnectionError, web.HTTPException):
            raise
        except Exception:  # a defect: say so without details, keep the traceback for the log
            log.exception("pages.page_failed", page=page.http.match_info.route.resource and make_page.__module__)
            return _render_fault(page, 500, "fault-defect")

    async def _render_unavailable(self, page: PageRequest) -> web.Response:
        """Render a page with what was filled in, to be sent again: browsers forget it, since they may keep nothing."""
        place = page.http.path.rpartition("/")[2]
        try:
            if page.http.method == "POST" and place in SENT_AGAIN:
                await page.read_own_form()
        except PageError as fault:
            return _render_fault(page, fault.status, fault.word)
        return _render_fault(page, 503, "fault-away", place, page.kept_fields if place in SENT_AGAIN else {})

    async def _recognise_patron(self, page: PageRequest) -> None:
        """Recognise the patron by the cookie, or by the header of a proxy that has signed the patron in: then that
        header must say so on each page. A form that may be another site's signs nobody in."""
        parts, header = self._parts, page.entry.settings.header
        page.session = await parts.sessions.find_session(page.library.symbol, page.visit)
        assertion = read_asserted_header(page.http, header.name, page.entry.header_proxies)
        by_header = page.session is not None and page.session.method == SignInMethod.HEADER
        may_be_foreign = page.http.method == "POST" and (page.visit.is_new or parts.visits.is_foreign_form(page.http))
        if not assertion:
            page.session = None if by_header else page.session
        elif page.session is None or page.session.proof != hash_token(assertion):
            page.session = None
            if may_be_foreign:
                return
            try:
                who = await parts.signing_in.sign_in_by_assertion(
                    page.context.system, assertion, header.identifier_types, SignInMethod.HEADER
                )
            except SignInFailedError as problem:
                page.said_wrong = problem.word
            else:
                await sign_in_pages.start_session(page, who)


def _is_path_for_patrons(path: str) -> bool:
    return not path.startswith(OTHERS)


def _render_fault(
    page: PageRequest, status: int, word: str, place: str = "", kept: Mapping[str, str] | None = None
) -> web.Response:
    """`kept`: a form that can be sent to `place` again."""
    title, why = FAULT_TEXTS[word]
    return page.render(
        "fault",
        address=page.path(),
        title=page.gettext(title),
        status=status,
        why=page.gettext(why),
        word=word,
        place=place,
        kept=kept or {},
        again=page.http.path_qs if page.http.method == "GET" and word in ("fault-away", "fault-defect") else "",
    )
