"""PageRequest: library, language, patron and form of one page, and how it is rendered."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote_plus

import jinja2
from aiohttp import hdrs, web

from gateway.domain.clock import Clock
from gateway.domain.library import PickupLocation
from gateway.domain.problems import MalformedMessage
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.request import ServiceType
from gateway.domain.value import value_object
from gateway.ports.catalogue import LinkCitation, LinkFormat, ReceivedLink
from gateway.ports.shared_store import Store
from gateway.services.fulfilment import FulfilmentService
from gateway.services.letters.facts import readers_citation_rows
from gateway.services.letters.languages import PageTexts, PageWords
from gateway.services.letters.templates import clean_line
from gateway.services.requests.library_context import LibraryContext
from gateway.services.requests.request_service import PatronRequestService
from gateway.settings.patron_pages import SignInSettings
from gateway.store.patron_sessions import SessionRow
from gateway.web.inbound import AdmissionQueue, ReadTimeouts, read_body
from gateway.web.pages.oidc import OidcClient
from gateway.web.pages.sign_in import BrowserVisit, BrowserVisits, PatronSessions, SignInService
from gateway.web.trusted_proxies import TrustedProxies

ROOT = "/openurl"
LANGUAGE_KEY = "ui_language"
"""In the query: the language that the patron has chosen. No key of OpenURL."""

MAX_LINK_CHARS = 24_000
"""Characters. With all around it such a link fits into 32 kB, which docs/openurl.md asks of a proxy."""

MAX_FORM_BYTES = 200_000
MAX_FIELDS = 100
PATIENCE = ReadTimeouts(10.0, 30.0)

LINE = 500
NOTE = 2000
MAX_TIME_AHEAD = timedelta(days=730)

_GERMAN_DAY = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})")

HERE = Path(__file__).parent
ASSETS = "/openurl/_assets"
TYPES = {".css": "text/css", ".js": "text/javascript"}

_environment = jinja2.Environment(
    loader=jinja2.FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@value_object(kw_only=True)
class LibraryEntry:
    """How patrons of one library sign in. `header_proxies`: from where the header is believed."""

    settings: SignInSettings
    header_proxies: TrustedProxies
    oidc: OidcClient | None = None


@value_object(kw_only=True)
class PageServices:
    """`libraries` by symbol. `proxies`: whose X-Forwarded-For is believed; `embed_in`: sites that may show the pages in
    a frame. `look_ups`: anybody can have catalogues asked about a number, so only a few are at once."""

    links: LinkFormat
    offering: FulfilmentService
    patrons: PatronRequestService
    texts: PageTexts
    store: Store
    clock: Clock
    sessions: PatronSessions
    signing_in: SignInService
    visits: BrowserVisits
    libraries: Mapping[str, LibraryEntry]
    proxies: TrustedProxies
    public_url: str = ""
    embed_in: tuple[str, ...] = ()
    look_ups: AdmissionQueue = field(default_factory=lambda: AdmissionQueue(places=4, queue=16, seconds=5.0))


class PageError(Exception):
    """Ends a page with another one that says what is wrong: `word` of the texts (fault-…)."""

    def __init__(self, status: int, word: str) -> None:
        super().__init__(word)
        self.status = status
        self.word = word


@value_object
class SubmittedForm:
    """What a browser sent. Of a field that is there more than once the first counts."""

    fields: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __getitem__(self, name: str) -> str:
        return self.fields.get(name, "").strip()


@dataclass(slots=True)
class PageRequest:
    """`visit` and `session` change when somebody signs in or out. `sent`: the form that came, once it was read."""

    parts: PageServices
    http: web.Request
    context: LibraryContext
    words: PageWords
    visit: BrowserVisit
    session: SessionRow | None = None
    said_wrong: str = ""
    sent: SubmittedForm | None = None

    @property
    def library(self) -> str:
        return self.context.symbol

    @property
    def entry(self) -> LibraryEntry:
        return self.parts.libraries[self.library]

    def format_text(self, key: str, **values: object) -> str:
        return self.words.texts[key].format(**values) if values else self.words.texts[key]

    # --- what came in ----------------------------------------------------------------------------------------

    @property
    def query(self) -> bytes:
        """As it came, without our own key."""
        raw = self.http.raw_path.partition("?")[2]
        return "&".join(part for part in raw.split("&") if not _is_own_key(part)).encode()

    async def read_posted_bytes(self) -> bytes:
        """Raises PageError, ConnectionError."""
        found = await read_body(self.http, MAX_FORM_BYTES, PATIENCE)
        if len(found.data) > MAX_FORM_BYTES:
            raise PageError(413, "fault-too-large")
        if not found.whole:
            raise PageError(400, "fault-broken-off")
        return found.data

    async def read_own_form(self) -> SubmittedForm:
        """Raises PageError for one that isn't from a page of ours."""
        form = await self.read_any_form()
        if not self.is_own_form(form):
            raise PageError(403, "fault-form")
        return form

    async def read_form_to_show_again(self) -> SubmittedForm:
        """One that may be from a page of ours that is out of date, such as one from before signing in anew: to be
        shown again where it isn't (`is_own_form`). Raises PageError where the browser has no cookie."""
        form = await self.read_any_form()
        if self.visit.is_new:
            raise PageError(403, "fault-form")
        return form

    def is_own_form(self, form: SubmittedForm) -> bool:
        return self.visit.is_own_token(form["csrf"])

    async def read_any_form(self) -> SubmittedForm:
        """One that changes nothing may come from anywhere."""
        if self.sent is not None:
            return self.sent
        try:
            pairs = parse_qsl(
                (await self.read_posted_bytes()).decode("utf-8"), keep_blank_values=True, max_num_fields=MAX_FIELDS
            )
        except ValueError:
            raise PageError(400, "fault-broken-off") from None
        self.sent = SubmittedForm({name: value.replace("\x00", "") for name, value in reversed(pairs)})
        return self.sent

    def decode_link(self, query: bytes, form: bytes = b"") -> LinkCitation:
        """Raises PageError where nothing can be read."""
        kind = self.http.headers.get(hdrs.CONTENT_TYPE, "") if form else ""
        try:
            return self.parts.links.decode(ReceivedLink(query, form, kind))
        except MalformedMessage:
            raise PageError(400, "fault-link") from None

    def encode_link(self, citation: Citation, service: ServiceType) -> str:
        """As a query string that says the same, without whoever asks. Of one that is longer than what servers take in
        an address, without what only people read."""
        link = self.parts.links.encode(citation, service)
        if len(link) <= MAX_LINK_CHARS:
            return link
        return self.parts.links.encode(replace(citation, note="", extras=()), service)

    # --- what goes out ---------------------------------------------------------------------------------------

    def path(self, place: str = "", link: str = "") -> str:
        """`place`: request, hold …; empty: the services."""
        base = f"{ROOT}/{quote(self.library, safe=':')}"
        return "".join((base, f"/{place}" if place else "", f"?{link}" if link else ""))

    def render(self, template: str, *, here: str, title: str, status: int = 200, **values: Any) -> web.Response:
        """`here`: a path at which the same can be had by GET, for the choice of the language."""
        joint = "&" if "?" in here else "?"
        languages = [
            (code, name, f"{here}{joint}{LANGUAGE_KEY}={code}")
            for code, name in self.parts.texts.known.items()
            if code != self.words.language
        ]
        text = render_page_template(
            template,
            {
                "t": self.format_text,
                "turn": self,
                "words": self.words.words,
                "language": self.words.language,
                "languages": languages,
                "library": self.context.info,
                "session": self.session,
                "embedded": bool(self.parts.embed_in),
                "csrf": self.visit.csrf,
                "title": title,
                **values,
            },
        )
        return html_response(text, status, self.parts.embed_in)

    def redirect(self, path: str) -> web.Response:
        """After something was done: a page that can be loaded again without doing it again."""
        return web.Response(status=303, headers={**HEADERS, hdrs.LOCATION: path})

    @property
    def kept_fields(self) -> Mapping[str, str]:
        """What was sent, to be sent again with the token of now."""
        fields = self.sent.fields if self.sent is not None else {}
        return {name: value for name, value in fields.items() if name != "csrf"}

    def citation_rows(self, citation: Citation) -> tuple[tuple[str, str], ...]:
        return readers_citation_rows(citation, self.words.words)


def is_empty_citation(citation: Citation) -> bool:
    """Nothing is cited."""
    return not (citation.title or citation.component_title or citation.identifiers)


def _is_own_key(part: str) -> bool:
    """Of a query: our own key, however it is written."""
    return unquote_plus(part.partition("=")[0]) == LANGUAGE_KEY


@dataclass(slots=True)
class FormCheck:
    """One form. `values` by field, for showing it again; `problems`: field -> what is wrong, in the patron's words;
    `general`: what is wrong with the whole; `stale`: it isn't from a page of ours as it is now, so nothing is done
    before somebody has seen it again."""

    turn: PageRequest
    form: SubmittedForm
    values: dict[str, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    general: list[str] = field(default_factory=list)
    stale: bool = False

    def __post_init__(self) -> None:
        if self.stale:
            self.general.append(self.turn.format_text("wrong-stale"))

    @property
    def is_good(self) -> bool:
        return not (self.problems or self.general)

    @property
    def status(self) -> int:
        """Of HTTP."""
        return 403 if self.stale else 200 if self.is_good else 422

    def add_problem(self, name: str, key: str, **values: object) -> None:
        """The first that is found of a field counts."""
        self.problems.setdefault(name, self.turn.format_text(key, **values))

    def read_line(self, name: str, most: int = LINE) -> str:
        text = clean_line(self.form[name])
        self.values[name] = text
        if len(text) > most:
            self.add_problem(name, "wrong-long", most=most)
        return text

    def read_lines(self, name: str, most: int = NOTE) -> str:
        text = "\n".join(map(clean_line, self.form[name].splitlines())).strip()
        self.values[name] = text
        if len(text) > most:
            self.add_problem(name, "wrong-long", most=most)
        return text

    def read_choice(self, name: str, allowed: Iterable[str]) -> str:
        """Empty is a choice too."""
        text = self.read_line(name)
        if text and text not in set(allowed):
            self.add_problem(name, "wrong-choice")
        return text

    def read_day(self, name: str, least: date) -> date | None:
        """2026-12-31, as browsers send it; where a field for days is a plain one to them, 31.12.2026 too."""
        text = self.read_line(name)
        if not text:
            return None
        found = _GERMAN_DAY.fullmatch(text)
        try:
            day = date(int(found[3]), int(found[2]), int(found[1])) if found else date.fromisoformat(text)
        except ValueError:
            self.add_problem(name, "wrong-day")
            return None
        if day < least:
            self.add_problem(name, "wrong-day-early", day=self.turn.words.words.format_day(least))
        elif day > least + MAX_TIME_AHEAD:
            self.add_problem(name, "wrong-day-far")
        return day

    def read_checkbox(self, name: str) -> bool:
        self.values[name] = "yes" if self.form[name] else ""
        return bool(self.form[name])


def choose_usual_pickup(places: tuple[PickupLocation, ...], branch: str) -> str:
    """The place in the patron's branch, else the first."""
    return next((one.code for one in places if one.library == branch), places[0].code if places else "")


@value_object
class PageAsset:
    content: bytes
    content_type: str
    version: str


@cache
def load_assets() -> Mapping[str, PageAsset]:
    """By name. They come from here and from nowhere else: a page loads nothing from other hosts."""
    found = {}
    for file in sorted((HERE / "assets").iterdir()):
        if file.suffix in TYPES:
            content = file.read_bytes()
            found[file.name] = PageAsset(content, TYPES[file.suffix], hashlib.sha256(content).hexdigest()[:12])
    return found


def _make_asset_url(name: str) -> str:
    return f"{ASSETS}/{name}?v={load_assets()[name].version}"


_environment.globals["asset"] = _make_asset_url


def render_page_template(template: str, values: Mapping[str, object]) -> str:
    return _environment.get_template(f"{template}.html.j2").render(values)


def content_security_policy(embed_in: tuple[str, ...]) -> str:
    """Content-Security-Policy: nothing but our own files, and no script or style in the page itself."""
    ancestors = " ".join(embed_in) or "'none'"
    return (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; "
        f"base-uri 'none'; frame-ancestors {ancestors}"
    )


HEADERS = {
    hdrs.CACHE_CONTROL: "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


def html_response(text: str, status: int, embed_in: tuple[str, ...]) -> web.Response:
    response = web.Response(text=text, status=status, content_type="text/html", charset="utf-8")
    response.headers.update({**HEADERS, "Content-Security-Policy": content_security_policy(embed_in)})
    return response


async def serve_asset(request: web.Request) -> web.StreamResponse:
    found = load_assets().get(request.match_info["name"])
    if found is None:
        raise web.HTTPNotFound
    headers = {hdrs.CACHE_CONTROL: "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    return web.Response(body=found.content, content_type=found.content_type, charset="utf-8", headers=headers)
