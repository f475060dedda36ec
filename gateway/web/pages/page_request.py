"""PageRequest: library, language, patron and form of one page, and how it is rendered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_plus

from aiohttp import hdrs, web

from gateway.domain.clock import Clock
from gateway.domain.library import PickupLocation
from gateway.domain.problems import MalformedMessage
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.request import ServiceType
from gateway.domain.value import replace, value_object
from gateway.ports.catalogue import LinkCitation, LinkFormat, ReceivedLink
from gateway.ports.shared_store import Store
from gateway.services.letters.facts import readers_citation_rows
from gateway.services.letters.localization import Localization, TextCatalogues
from gateway.services.letters.vocabulary import LanguageWords, words_of_language
from gateway.services.libraries.library_services import LibraryRegistry, LibraryServices
from gateway.services.patrons.patron_data import RetentionDays
from gateway.services.people.oidc_journeys import OidcJourneys
from gateway.services.people.sign_in_attempts import BrowserDevice
from gateway.services.requests.library_context import LibraryContext
from gateway.services.searching.fulfilment import FulfilmentService
from gateway.settings.patron_pages import SignInSettings
from gateway.store.patron_sessions import SessionRow
from gateway.web.html import assets
from gateway.web.html.assets import PageAssets, html_response, redirect_response
from gateway.web.html.brand import BrandAssets
from gateway.web.html.error_pages import PageError
from gateway.web.html.forms import SubmittedForm, parse_form, read_posted_bytes
from gateway.web.html.rendering import PageTemplates
from gateway.web.html.visits import BrowserVisit, BrowserVisits
from gateway.web.inbound import AdmissionQueue
from gateway.web.oidc import OidcClient
from gateway.web.pages.page_texts import ACT_TEXTS, FORM_TEXTS
from gateway.web.pages.sign_in import PatronSessions, SignInService
from gateway.web.trusted_proxies import TrustedProxies

ROOT = "/openurl"
LANGUAGE_KEY = "ui_language"
"""In the query: the language that the patron has chosen. No key of OpenURL."""

MAX_LINK_CHARS = 24_000
"""Characters. With all around it such a link fits into 32 kB, which docs/openurl.md asks of a proxy."""

HERE = Path(__file__).parent
ASSETS = PageAssets(f"{ROOT}/_assets", (assets.FOLDER, HERE / "assets"))
TEMPLATES = PageTemplates(HERE / "templates", ASSETS)


@value_object(kw_only=True)
class LibraryEntry:
    """One library's own part of the pages: its texts, and the ways in which patrons sign in.
    `header_proxies`: from where the header is believed."""

    settings: SignInSettings
    texts: TextCatalogues
    header_proxies: TrustedProxies
    oidc: OidcClient | None = None


@value_object(kw_only=True)
class PageServices:
    """`libraries` and `entries` by symbol. `texts`: of pages that are no library's. `proxies`: whose X-Forwarded-For is
    believed; `embed_in`: sites that may show the pages in a frame. `sends_mail`: letters to patrons go out by mail.
    `look_ups`: anybody can have catalogues asked about a number, so only a few are at once."""

    links: LinkFormat
    retention: RetentionDays
    texts: TextCatalogues
    store: Store
    clock: Clock
    sessions: PatronSessions
    signing_in: SignInService
    journeys: OidcJourneys
    visits: BrowserVisits
    libraries: LibraryRegistry
    entries: Mapping[str, LibraryEntry]
    brands: BrandAssets
    proxies: TrustedProxies
    public_url: str = ""
    embed_in: tuple[str, ...] = ()
    sends_mail: bool = False
    look_ups: AdmissionQueue = field(default_factory=lambda: AdmissionQueue(places=4, queue=16, seconds=5.0))


@dataclass(slots=True)
class PageRequest:
    """`visit` and `session` change when somebody signs in or out. `sent`: the form that came, once it was read."""

    parts: PageServices
    http: web.Request
    library: LibraryServices
    localization: Localization
    visit: BrowserVisit
    session: SessionRow | None = None
    said_wrong: str = ""
    sent: SubmittedForm | None = None
    device: BrowserDevice = field(init=False)

    def __post_init__(self) -> None:
        self.device = self.parts.visits.device_of_request(self.http)

    @property
    def context(self) -> LibraryContext:
        return self.library.context

    @property
    def offering(self) -> FulfilmentService:
        assert self.library.offering is not None  # without an adapter that reads links there are no pages
        return self.library.offering

    @property
    def entry(self) -> LibraryEntry:
        return self.parts.entries[self.library.symbol]

    @property
    def words(self) -> LanguageWords:
        return words_of_language(self.localization)

    def gettext(self, message: str, /, **values: object) -> str:
        return self.localization.gettext(message, **values)

    def format_text(self, key: str, **values: object) -> str:
        """See `FormPage`."""
        return self.localization.gettext(FORM_TEXTS[key], **values)

    def format_day(self, day: date) -> str:
        return self.localization.format_day(day)

    def format_short_day(self, moment: date | datetime) -> str:
        """24 Nov; with the year where it isn't this year. In the zone of the library."""
        zone = self.context.zone
        day = moment.astimezone(zone).date() if isinstance(moment, datetime) else moment
        return self.localization.format_short(day, self.parts.clock.now(), zone)

    # --- what came in ----------------------------------------------------------------------------------------

    @property
    def query(self) -> bytes:
        """The query as it came, without our own key."""
        raw = self.http.raw_path.partition("?")[2]
        return "&".join(part for part in raw.split("&") if not _is_own_key(part)).encode()

    async def read_posted_bytes(self) -> bytes:
        """Read a body; raises PageError, ConnectionError."""
        return await read_posted_bytes(self.http)

    async def read_own_form(self) -> SubmittedForm:
        """Read a form; raises PageError for one that isn't from a page of ours."""
        form = await self.read_any_form()
        if not self.is_own_form(form):
            raise PageError(403, "fault-form")
        return form

    async def read_form_to_show_again(self) -> SubmittedForm:
        """One that may be from a page of ours that is out of date, such as one from before signing in anew: to be
        shown again to whoever is signed in where it isn't (`is_own_form`). Raises PageError where nobody is, and it
        isn't from a page of this visit."""
        form = await self.read_any_form()
        if not self.is_own_form(form) and (self.visit.is_new or self.session is None):
            raise PageError(403, "fault-form")
        return form

    def is_own_form(self, form: SubmittedForm) -> bool:
        return self.visit.is_own_token(form["csrf"])

    async def read_any_form(self) -> SubmittedForm:
        """One that changes nothing may come from anywhere."""
        if self.sent is not None:
            return self.sent
        self.sent = parse_form(await self.read_posted_bytes())
        return self.sent

    def decode_link(self, query: bytes, form: bytes = b"") -> LinkCitation:
        """Decode a link; raises PageError where nothing can be read."""
        kind = self.http.headers.get(hdrs.CONTENT_TYPE, "") if form else ""
        try:
            return self.parts.links.decode(ReceivedLink(query, form, kind))
        except MalformedMessage:
            raise PageError(400, "fault-link") from None

    def encode_link(self, citation: Citation, service: ServiceType) -> str:
        """Encode a query string that says the same, without whoever asks. Of one that is longer than what servers take
        in an address, without what only people read."""
        link = self.parts.links.encode(citation, service)
        if len(link) <= MAX_LINK_CHARS:
            return link
        return self.parts.links.encode(replace(citation, note="", extras=()), service)

    # --- what goes out ---------------------------------------------------------------------------------------

    def path(self, place: str = "", link: str = "") -> str:
        """`place`: request, hold …; empty: the services."""
        base = f"{ROOT}/{quote(self.library.symbol, safe=':')}"
        return "".join((base, f"/{place}" if place else "", f"?{link}" if link else ""))

    def render(self, template: str, *, address: str, title: str, status: int = 200, **values: Any) -> web.Response:
        """`here`: a path at which the same can be had by GET, for the choice of the language."""
        joint = "&" if "?" in address else "?"
        languages = [
            (code, name, f"{address}{joint}{LANGUAGE_KEY}={code}")
            for code, name in self.entry.texts.known.items()
            if code != self.localization.language
        ]
        text = TEMPLATES.render(
            template,
            self.localization,
            {
                "turn": self,
                "act_texts": ACT_TEXTS,
                "languages": languages,
                "library": self.context.info,
                "brand": self.parts.brands.find_brand(self.library.symbol),
                "session": self.session,
                "embedded": bool(self.parts.embed_in),
                "csrf": self.visit.csrf,
                "title": title,
                **values,
            },
        )
        return html_response(text, status, self.parts.embed_in)

    def redirect(self, path: str) -> web.Response:
        """Redirect after something was done: to a page that can be loaded again without doing it again."""
        return redirect_response(path)

    @property
    def kept_fields(self) -> Mapping[str, str]:
        """The fields that were sent, to be sent again with the token of now."""
        fields = self.sent.fields if self.sent is not None else {}
        return {name: value for name, value in fields.items() if name != "csrf"}

    def citation_rows(self, citation: Citation) -> tuple[tuple[str, str], ...]:
        return readers_citation_rows(citation, self.words)


def is_empty_citation(citation: Citation) -> bool:
    """Return whether nothing is cited."""
    return citation.is_empty


def _is_own_key(part: str) -> bool:
    """Return whether a part of a query is our own key, however it is written."""
    return unquote_plus(part.partition("=")[0]) == LANGUAGE_KEY


def choose_usual_pickup(places: tuple[PickupLocation, ...], branch: str) -> str:
    """The place in the patron's branch, else the first."""
    return next((place.code for place in places if place.library == branch), places[0].code if places else "")
