"""StaffRequest: user, rights, library, language and form of one page of staff, and how it is rendered."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import hdrs, web

from gateway.domain.clock import Clock
from gateway.domain.library import PickupLocation
from gateway.domain.problems import Refused
from gateway.domain.requests.views import EventDenied
from gateway.domain.roles import Right, RoleGrant, StaffUser
from gateway.domain.value import value_object
from gateway.ports.catalogue import LinkFormat
from gateway.services.desks.message_replays import MessageReplayService
from gateway.services.letters.localization import Localization, TextCatalogues, mark_text
from gateway.services.libraries.library_services import LibraryServices
from gateway.services.operation.gateway_operation import GatewayOperation
from gateway.services.operation.library_overview import LibraryOverview
from gateway.services.operation.profile_editing import ProfileEditing
from gateway.services.patrons.patron_data import RetentionDays
from gateway.services.patrons.patron_names import PatronNames
from gateway.services.people.oidc_journeys import OidcJourneys
from gateway.services.people.second_factors import SecondFactorService
from gateway.services.people.sign_in_attempts import BrowserDevice
from gateway.services.people.staff_sign_in import StaffSession, StaffSignInError, StaffSignInMethod, StaffSignInService
from gateway.services.people.users import AuditOrigin
from gateway.services.requests.library_context import LibraryContext
from gateway.settings.staff_pages import StaffOidcSettings, StaffSettings
from gateway.web.app import GatewayReadiness
from gateway.web.html import assets
from gateway.web.html.assets import PageAssets, html_response, redirect_response
from gateway.web.html.brand import BrandAssets, PageBrand
from gateway.web.html.error_pages import PageError
from gateway.web.html.forms import MAX_FIELDS, MAX_FORM_BYTES, FormCheck, SubmittedForm, parse_form, read_posted_bytes
from gateway.web.html.rendering import PageTemplates
from gateway.web.html.visits import BrowserVisit, BrowserVisits
from gateway.web.oidc import OidcClient
from gateway.web.staff.actor_names import ActorNames
from gateway.web.staff.live_counts import CountStreams
from gateway.web.staff.recent_acts import RecentActs
from gateway.web.staff.request_viewers import RequestViewers
from gateway.web.staff.request_words import describe_denial
from gateway.web.trusted_proxies import TrustedProxies

ROOT = "/staff"
COOKIE = "illgate_staff"

LANGUAGE_KEY = "ui_language"
"""In the query: the language that the user has chosen."""

HERE = Path(__file__).parent
ASSETS = PageAssets(f"{ROOT}/_assets", (assets.FOLDER, HERE / "assets"))
TEMPLATES = PageTemplates(HERE / "templates", ASSETS)

PROGRAM_VERSION = version("illgate")
"""At the foot of pages for whoever has signed in."""

MAX_SWITCHES = 20
"""Libraries in the head of a page; more are found at the page of all libraries."""

BANNER_COOKIE = "illgate_banner"
MAX_BANNER_CHARS = 1_000
LOOK_COOKIE = "illgate_look"
THEMES = ("", "light", "dark")
ROWS = ("", "wide")

FORM_TEXTS = {
    "wrong-stale": mark_text("This form had expired, so nothing was done. Please check it and send it again."),
    "wrong-missing": mark_text("Please fill in “%(field)s”."),
    "wrong-long": mark_text("Please use no more than %(most)s characters."),
    "wrong-choice": mark_text("Please choose one of the options."),
    "wrong-day": mark_text("Please enter a date, such as 2026-12-31."),
    "wrong-day-early": mark_text("Please enter %(day)s or a later date."),
    "wrong-day-far": mark_text("This date is too far ahead. Please choose an earlier one."),
    "wrong-own-password": mark_text("This is not your password."),
    "wrong-too-often": mark_text("Too many failed attempts. Please wait 15 minutes."),
}
"""What `FormCheck` says of fields."""


CheckReadiness = Callable[[str], Awaitable[GatewayReadiness | None]]
"""What `/readyz` says of a library."""


@value_object
class StaffProvider:
    """The identity provider at which staff sign in. `library`: symbol of the one whose own it is; empty: the
    installation's. `read_grants`: roles by the claims of its ID token."""

    library: str
    settings: StaffOidcSettings
    client: OidcClient
    read_grants: Callable[[Mapping[str, Any]], tuple[RoleGrant, ...]]

    @property
    def method(self) -> StaffSignInMethod:
        return StaffSignInMethod.LIBRARY_OIDC if self.library else StaffSignInMethod.OIDC


@value_object(kw_only=True)
class StaffServices:
    """The services behind pages of staff. `libraries` by symbol; `list_address_names`: as they stand behind /staff/, by
    symbol, now; `list_unserved`: names of libraries that are closed or held back now, by symbol; `protocols`: as the
    journal names them.
    `providers`: identity providers by the library whose own they are; of the installation: empty;
    `header_proxies`: from where the header of a sign-in is believed; `links` None: no adapter reads links, so numbers
    aren't looked up either."""

    retention: RetentionDays
    operations: Mapping[str, GatewayOperation]
    profile_editing: ProfileEditing
    replays: Mapping[str, MessageReplayService]
    check_readiness: CheckReadiness
    check_installation: Callable[[], Awaitable[GatewayReadiness]]
    overview: LibraryOverview
    protocols: Sequence[str]
    libraries: Mapping[str, LibraryServices]
    list_address_names: Callable[[], Mapping[str, str]]
    list_unserved: Callable[[], Mapping[str, str]]
    brands: BrandAssets
    sign_in: StaffSignInService
    factors: SecondFactorService
    journeys: OidcJourneys
    providers: Mapping[str, StaffProvider]
    header_proxies: TrustedProxies
    texts: TextCatalogues
    clock: Clock
    visits: BrowserVisits
    streams: CountStreams
    readers: RequestViewers
    recent: RecentActs
    patron_names: PatronNames
    proxies: TrustedProxies
    settings: StaffSettings
    home: str
    public_url: str = ""
    max_file_bytes: int = 50_000_000
    links: LinkFormat | None = None

    def find_named_library(self, name: str) -> str:
        """Find the symbol of the library that an address names, in any case; empty: there is none."""
        wanted = name.casefold()
        named = (symbol for symbol, known in self.list_address_names().items() if known.casefold() == wanted)
        return next((symbol for symbol in named if symbol in self.libraries), "")

    def find_provider(self, library: str) -> StaffProvider | None:
        """Find the identity provider for staff of a library: its own, or else the installation's. `library` empty: for
        any; of the only one where there is one."""
        own = library or (next(iter(self.libraries)) if len(self.libraries) == 1 else "")
        return self.providers.get(own) or self.providers.get("")

    def has_provider(self, library: str) -> bool:
        """Return whether staff of a library can sign in with an account of their organisation."""
        return self.find_provider(library) is not None or bool(self.settings.header.name)


Page = Callable[["StaffRequest"], Awaitable[web.StreamResponse]]


@value_object
class StaffPage:
    """A route. `path` is behind /staff, and behind /staff/LIBRARY where it `names_library`; `right` None: open to
    whoever has not signed in; `max_bytes`: of a form; `without_factor`: also for whoever has signed in and has to set
    up a second factor first."""

    method: str
    path: str
    show: Page
    right: Right | None
    max_bytes: int = MAX_FORM_BYTES
    max_fields: int = MAX_FIELDS
    without_factor: bool = False
    names_library: bool = True


@value_object
class MenuEntry:
    """The entry in the head of every page. `path` as of `StaffPage`; it is there for whoever may open that page;
    `is_folded`: few need it, so it is behind "More"."""

    path: str
    text: str
    is_folded: bool = False
    names_library: bool = True


MENU_PARENTS = {
    **dict.fromkeys(("/requests", "/find", "/outbox"), ""),
    **dict.fromkeys(("/rotas", "/rota-trial"), "/partners"),
    **dict.fromkeys(("/audit", "/new-user"), "/users"),
}
"""The menu's entry of pages that lie below it though their path does not, as their trails have it."""


@value_object
class FlashBanner:
    """The banner of what has just been done, on top of the next page. `kind`: good, look or late; `undo`: the word by
    which it is taken back (`RecentActs`), empty where nothing takes it back."""

    text: str
    kind: str = "good"
    undo: str = ""


@dataclass(slots=True)
class StaffRequest:
    """`page` is the route; `session` None: nobody has signed in, which only pages without a right see. `menu`: entries
    that this user may open; `named`: symbol of the library that the address names, empty: none; `open_paths`: all pages
    that the user may open, as `StaffPage.path`. `sent`: the form that came, once it was read. `lacks_factor`: somebody
    has signed in who has to set up a second factor first. `places`: where the library's patrons collect, for a user
    whose roles are for branches."""

    parts: StaffServices
    http: web.Request
    page: StaffPage
    localization: Localization
    visit: BrowserVisit
    named: str = ""
    session: StaffSession | None = None
    menu: tuple[MenuEntry, ...] = ()
    open_paths: frozenset[str] = frozenset()
    sent: SubmittedForm | None = None
    lacks_factor: bool = False
    places: tuple[PickupLocation, ...] = ()
    actors: ActorNames = field(init=False)
    device: BrowserDevice = field(init=False)

    def __post_init__(self) -> None:
        self.actors = ActorNames(self.library.users)
        self.device = self.parts.visits.device_of_request(self.http)

    # --- who, where, and what is allowed ---------------------------------------------------------------------

    @property
    def user(self) -> StaffUser:
        assert self.session is not None, "a page with a right has a session"
        return self.session.user

    @property
    def library(self) -> LibraryServices:
        """The one that the address names, or else the user worked for last; the first where nobody has signed in."""
        last = self.session.library if self.session is not None else ""
        return self.parts.libraries[self.named or last or next(iter(self.parts.libraries))]

    @property
    def root(self) -> str:
        """The beginning of all addresses of this library's pages; of the installation's where none is known."""
        is_known = bool(self.named) or (self.session is not None and len(self.parts.libraries) > 1)
        return self.root_of(self.library.symbol) if is_known else ROOT

    def root_of(self, library: str) -> str:
        return f"{ROOT}/{quote(self.parts.list_address_names()[library], safe='')}"

    @property
    def heading(self) -> str:
        """The name on top of the page: the library's, but not where somebody is to sign in for any."""
        return self.context.info.name if self._is_of_library else self.gettext("For staff")

    @property
    def brand(self) -> PageBrand | None:
        """The look of the library at whose page somebody is to sign in; None: at that of any, or they have."""
        is_shown = self.session is None and self._is_of_library
        return self.parts.brands.find_brand(self.library.symbol) if is_shown else None

    @property
    def _is_of_library(self) -> bool:
        return self.session is not None or bool(self.named) or len(self.parts.libraries) == 1

    @property
    def switches(self) -> tuple[tuple[str, str, bool], ...]:
        """The libraries that the user may change to, and this one: address, name, whether it is this one. Empty: there
        is one, or so many that a list in the head is no help."""
        own = self.parts.sign_in.libraries_of(self.user) if self.session is not None else ()
        if not 1 < len(own) <= MAX_SWITCHES:
            return ()
        return tuple(
            (self.root_of(symbol), self.parts.libraries[symbol].context.info.name, symbol == self.library.symbol)
            for symbol in own
        )

    @property
    def operation(self) -> GatewayOperation:
        return self.parts.operations[self.library.symbol]

    @property
    def replays(self) -> MessageReplayService:
        return self.parts.replays[self.library.symbol]

    @property
    def context(self) -> LibraryContext:
        return self.library.context

    @property
    def rights(self) -> frozenset[Right]:
        return self.user.rights_in(self.library.symbol) if self.session is not None else frozenset()

    def has_right(self, right: Right) -> bool:
        return right in self.rights

    @property
    def operates_all(self) -> bool:
        """True if the user operates all libraries, and so the machine, and what came for no library."""
        return all(self.user.has_right(symbol, Right.OPERATION) for symbol in self.parts.libraries)

    def require_right(self, right: Right) -> None:
        """Require a right for what a page does only for some of those who may open it. Raises PageError."""
        if not self.has_right(right):
            raise PageError(403, "fault-right")

    def branches_for(self, right: Right) -> frozenset[str]:
        """Codes of the branches that the user has this right for, and of the places there where patrons collect; empty:
        all of the library."""
        own = self.user.branches_with(self.library.symbol, right)
        return own | {place.code for place in self.places if place.library in own}

    @property
    def origin(self) -> AuditOrigin:
        """The person who does it, for the audit log; `origin.actor` for histories."""
        return AuditOrigin(self.user.actor, self.address)

    @property
    def address(self) -> str:
        """IP address of whoever asks, in front of the proxies that we trust."""
        return self.parts.proxies.sender_address(self.http)

    @property
    def sees_patrons(self) -> bool:
        """True if names and numbers of patrons are shown without asking; else they are masked."""
        return self.has_right(Right.PATRON_DATA)

    async def reveal_patron(self, request_number: str) -> None:
        """Log that data of a request's patron are to be shown that are masked for this user, or that nobody needs for
        the daily work. Raises PageError."""
        self.require_right(Right.PATRON_REVEAL)
        await self.library.users.log_patron_view(request_number, self.origin)

    async def note_words_shown(self, subject: str) -> None:
        """Log, for a user for whom patrons are masked, that words of partners, patrons or colleagues are to be shown:
        they may name a patron. `subject`: a request's number, or the mail's id."""
        if not self.sees_patrons:
            await self.library.users.log_words_view(subject, self.origin)

    # --- texts -----------------------------------------------------------------------------------------------

    def gettext(self, message: str, /, **values: object) -> str:
        return self.localization.gettext(message, **values)

    def ngettext(self, singular: str, plural: str, count: int, /, **values: object) -> str:
        return self.localization.ngettext(singular, plural, count, **values)

    def describe_refusal(self, error: EventDenied | Refused) -> str:
        """Describe why something was not done, in the reader's language."""
        if isinstance(error, EventDenied):
            return describe_denial(error.denied, self.localization)
        return self.localization.translate_sentence(error.detail)

    def format_text(self, key: str, **values: object) -> str:
        """See `FormPage`."""
        return self.localization.gettext(FORM_TEXTS[key], **values)

    def format_day(self, day: date) -> str:
        """Format a day, its number and month on one line."""
        return self.localization.format_day(day).replace(" ", "\u00a0", 1)

    def format_moment(self, moment: date | datetime) -> str:
        """Format a moment in the zone of the library, its number and month on one line."""
        return self.localization.format_moment(moment, self.context.zone).replace(" ", "\u00a0", 1)

    def format_short(self, moment: date | datetime) -> str:
        """Format a moment for lists: today a clock time, else a day."""
        return self.localization.format_short(moment, self.parts.clock.now(), self.context.zone)

    def format_age(self, since: datetime) -> str:
        """Format an age for lists: 22 h, 3 d."""
        return self.localization.format_age(since, self.parts.clock.now())

    def format_age_in_words(self, since: datetime) -> str:
        return self.localization.format_age_in_words(since, self.parts.clock.now())

    # --- what came in ----------------------------------------------------------------------------------------

    async def read_own_form(self) -> SubmittedForm:
        """Read a form; raises PageError for one that isn't from a page of ours, as it is now."""
        form = await self.read_any_form()
        if not self.is_own_form(form):
            raise PageError(403, "fault-form")
        return form

    @property
    def is_asked_by_script(self) -> bool:
        """True if it is asked not for a page that people read, but for an answer that a script of ours takes in."""
        return self.http.headers.get(hdrs.ACCEPT, "").startswith(("text/event-stream", "application/json"))

    @property
    def is_polled(self) -> bool:
        """True for what an open page asks for from time to time, whether or not somebody sits there: no session lives
        on with it."""
        return self.http.method == "GET" and self.is_asked_by_script

    @property
    def is_plain_form(self) -> bool:
        """True for a form but one with files, whose fields the page reads itself."""
        return self.http.method == "POST" and not self.http.content_type.startswith("multipart/")

    def is_own_form(self, form: SubmittedForm) -> bool:
        return self.visit.is_own_token(form["csrf"])

    async def read_any_form(self) -> SubmittedForm:
        """One that changes nothing may come from anywhere. Raises PageError."""
        if self.sent is None:
            self.sent = parse_form(await read_posted_bytes(self.http, self.page.max_bytes), self.page.max_fields)
        return self.sent

    @property
    def is_confirmed(self) -> bool:
        """True if the user's password came in a moment ago. Nobody is asked for one who has none."""
        return self.session is not None and (
            self.parts.sign_in.is_confirmed(self.session) or not self.session.user.has_password
        )

    async def confirm_by_form(self, checked: FormCheck) -> None:
        """Check the user's own password in the form before something dear (`own_password_field` of staff_parts), unless
        it came in a moment ago. A wrong one is a problem of the form."""
        if self.is_confirmed:
            return
        assert self.session is not None, "a page with a right has a session"
        try:
            self.session = await self.parts.sign_in.confirm_password(
                self.session, checked.form.fields.get("own_password", ""), self.address, self.device
            )
        except StaffSignInError as error:
            checked.add_problem(
                "own_password", "wrong-too-often" if error.word == "too-often" else "wrong-own-password"
            )

    # --- what goes out ---------------------------------------------------------------------------------------

    def path(self, *parts: str, **query: str) -> str:
        """`path("requests", "L2026-00004", task="to-ship")`: /staff/requests/L2026-00004?task=to-ship; of several
        libraries /staff/lib01/requests/…"""
        place = "".join(f"/{quote(part, safe='')}" for part in parts)
        pairs = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items() if value)
        return f"{self.root}{place}{'?' if pairs else ''}{pairs}"

    def open_path(self, path: str) -> str:
        """The address of a page by its path behind /staff, such as /borrowing?task=to-ship; empty: there is none, or
        not for this user."""
        return f"{self.root}{path}" if path and path.partition("?")[0] in self.open_paths else ""

    def address_of(self, entry: MenuEntry) -> str:
        return f"{self.root if entry.names_library else ROOT}{entry.path}"

    def help_url(self, topic: str = "") -> str:
        """Return where the help is about this page."""
        return f"{ROOT}/help{f'#{topic}' if topic else ''}"

    @property
    def menu_path(self) -> str:
        """The path of the menu's entry under which this page is: /scan for /scan/receive."""
        place = self.http.path.removeprefix(self.root if self.named else ROOT)
        first = f"/{place.split('/')[1]}" if place else ""
        return MENU_PARENTS.get(first, first)

    @property
    def can_find(self) -> bool:
        """True if the search box is of use to this user."""
        return "/find" in self.open_paths

    @property
    def here(self) -> str:
        """The address of this page, without our own key."""
        path, _, query = self.http.raw_path.partition("?")
        kept = "&".join(part for part in query.split("&") if part and part.partition("=")[0] != LANGUAGE_KEY)
        return f"{path}?{kept}" if kept else path

    def render(
        self,
        template: str,
        title: str,
        status: int = 200,
        *,
        help_topic: str = "",
        embed_in: tuple[str, ...] = (),
        frames: tuple[str, ...] = (),
        **values: Any,
    ) -> web.Response:
        """`template`: a name in `templates`, without its suffix; `title`: h1 and the first part of the page's title;
        `help_topic`: part of the help that is about this page; `embed_in` and `frames`: who may show the page in a
        frame, and whose pages it may (`content_security_policy`)."""
        text = TEMPLATES.render(
            template,
            self.localization,
            {
                "page": self,
                "title": title,
                "help_topic": help_topic,
                "banner": self._read_banner(),
                "theme": self.theme,
                "rows": self.rows,
                "is_mistake": status == 422,
                **values,
            },
        )
        response = html_response(text, status, embed_in, frames)
        if BANNER_COOKIE in self.http.cookies:
            response.headers.add(hdrs.SET_COOKIE, f"{BANNER_COOKIE}=; Path={ROOT}; Max-Age=0; HttpOnly; SameSite=Lax")
        return response

    def redirect(self, path: str, banner: str = "", kind: str = "good", undo: str = "") -> web.Response:
        """Redirect after something was done: to a page that can be loaded again without doing it again. `banner`: what
        was done, in words; `kind` and `undo`: as of `FlashBanner`."""
        response = redirect_response(path)
        if banner:
            secure = "; Secure" if self.visit.secure else ""
            value = self._sign_banner(FlashBanner(banner[:MAX_BANNER_CHARS], kind, undo))
            response.headers.add(
                hdrs.SET_COOKIE, f"{BANNER_COOKIE}={value}; Path={ROOT}; Max-Age=60; HttpOnly; SameSite=Lax{secure}"
            )
        return response

    @property
    def theme(self) -> str:
        """light or dark; empty: as the system."""
        chosen = self.http.cookies.get(LOOK_COOKIE, "").partition(".")[0]
        return chosen if chosen in THEMES else ""

    @property
    def rows(self) -> str:
        """wide; empty: narrow."""
        chosen = self.http.cookies.get(LOOK_COOKIE, "").partition(".")[2]
        return chosen if chosen in ROWS else ""

    @property
    def program_version(self) -> str:
        return PROGRAM_VERSION

    @property
    def languages(self) -> tuple[tuple[str, str, str], ...]:
        """Those that the page isn't in: code, name in itself, address of the page in it."""
        joint = "&" if "?" in self.here else "?"
        is_page = self.http.method == "GET"
        return tuple(
            (code, name, f"{self.here if is_page else self.root}{joint if is_page else '?'}{LANGUAGE_KEY}={code}")
            for code, name in self.parts.texts.known.items()
            if code != self.localization.language
        )

    def _sign_banner(self, banner: FlashBanner) -> str:
        """It is the browser that keeps it meanwhile, and nobody else may put one there."""
        payload = base64.urlsafe_b64encode(json.dumps([banner.kind, banner.text, banner.undo]).encode()).decode()
        return f"{payload}.{self._banner_mark(payload)}"

    def _read_banner(self) -> FlashBanner | None:
        said, _, mark = self.http.cookies.get(BANNER_COOKIE, "").partition(".")
        if not said or not hmac.compare_digest(mark.encode(), self._banner_mark(said).encode()):
            return None
        kind, text, undo = json.loads(base64.urlsafe_b64decode(said))
        return FlashBanner(text, kind, undo)

    def _banner_mark(self, payload: str) -> str:
        return hmac.new(self.visit.token.encode(), f"banner:{payload}".encode(), hashlib.sha256).hexdigest()
