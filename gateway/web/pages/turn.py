"""One page being made: for which library, in which language, for whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, quote, unquote_plus

from aiohttp import hdrs, web

from gateway.domain.frozen import frozen
from gateway.domain.problems import MalformedMessage
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.request import ServiceType
from gateway.ports.citing import ArrivedLink, Cited
from gateway.services.letters.page_texts import PageWords
from gateway.services.letters.rows import citation_rows
from gateway.services.requests.house import House
from gateway.store.pages.sessions import SessionRow
from gateway.web.body import read_body
from gateway.web.pace import Patience
from gateway.web.pages.parts import Door, PageParts
from gateway.web.pages.rendering import HEADERS, html, render
from gateway.web.sessions.visits import Visit

ROOT = "/openurl"
LANGUAGE_KEY = "ui_language"
"""In the query: the language that the patron has chosen. No key of OpenURL."""

LONGEST_LINK = 24_000
"""Characters. With all around it such a link fits into 32 kB, which docs/openurl.md asks of a proxy."""

MOST_BYTES = 200_000
MOST_FIELDS = 100
PATIENCE = Patience(10.0, 30.0)


class PageFault(Exception):
    """Ends a page with another one that says what is wrong: `word` of the texts (fault-…)."""

    def __init__(self, status: int, word: str) -> None:
        super().__init__(word)
        self.status = status
        self.word = word


@frozen
class Form:
    """What a browser sent. Of a field that is there more than once the first counts."""

    fields: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __getitem__(self, name: str) -> str:
        return self.fields.get(name, "").strip()


@dataclass(slots=True)
class Turn:
    """`visit` and `session` change when somebody signs in or out. `sent`: the form that came, once it was read."""

    parts: PageParts
    http: web.Request
    house: House
    words: PageWords
    visit: Visit
    session: SessionRow | None = None
    said_wrong: str = ""
    sent: Form | None = None

    @property
    def library(self) -> str:
        return self.house.symbol

    @property
    def door(self) -> Door:
        return self.parts.doors[self.library]

    def text(self, key: str, **values: object) -> str:
        return self.words.texts[key].format(**values) if values else self.words.texts[key]

    # --- what came in ----------------------------------------------------------------------------------------

    @property
    def query(self) -> bytes:
        """As it came, without our own key."""
        raw = self.http.raw_path.partition("?")[2]
        return "&".join(part for part in raw.split("&") if not _is_own(part)).encode()

    async def body(self) -> bytes:
        """Raises PageFault, ConnectionError."""
        found = await read_body(self.http, MOST_BYTES, PATIENCE)
        if len(found.data) > MOST_BYTES:
            raise PageFault(413, "fault-too-large")
        if not found.whole:
            raise PageFault(400, "fault-broken-off")
        return found.data

    async def form(self) -> Form:
        """Raises PageFault for one that isn't from a page of ours."""
        form = await self.open_form()
        if not self.is_ours(form):
            raise PageFault(403, "fault-form")
        return form

    async def form_to_show_again(self) -> Form:
        """One that may be from a page of ours that is out of date, such as one from before signing in anew: to be
        shown again where it isn't (`is_ours`). Raises PageFault where the browser has no cookie."""
        form = await self.open_form()
        if self.visit.is_new:
            raise PageFault(403, "fault-form")
        return form

    def is_ours(self, form: Form) -> bool:
        return self.visit.sent(form["csrf"])

    async def open_form(self) -> Form:
        """One that changes nothing may come from anywhere."""
        if self.sent is not None:
            return self.sent
        try:
            pairs = parse_qsl((await self.body()).decode("utf-8"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
        except ValueError:
            raise PageFault(400, "fault-broken-off") from None
        self.sent = Form({name: value.replace("\x00", "") for name, value in reversed(pairs)})
        return self.sent

    def cited(self, query: bytes, form: bytes = b"") -> Cited:
        """Raises PageFault where nothing can be read."""
        kind = self.http.headers.get(hdrs.CONTENT_TYPE, "") if form else ""
        try:
            return self.parts.links.decode(ArrivedLink(query, form, kind))
        except MalformedMessage:
            raise PageFault(400, "fault-link") from None

    def link(self, citation: Citation, service: ServiceType) -> str:
        """As a query string that says the same, without whoever asks. Of one that is longer than what servers take in
        an address, without what only people read."""
        link = self.parts.links.encode(citation, service)
        if len(link) <= LONGEST_LINK:
            return link
        return self.parts.links.encode(replace(citation, note="", extras=()), service)

    # --- what goes out ---------------------------------------------------------------------------------------

    def path(self, place: str = "", link: str = "") -> str:
        """`place`: request, hold …; empty: the services."""
        base = f"{ROOT}/{quote(self.library, safe=':')}"
        return "".join((base, f"/{place}" if place else "", f"?{link}" if link else ""))

    def page(self, template: str, *, here: str, title: str, status: int = 200, **values: Any) -> web.Response:
        """`here`: a path at which the same can be had by GET, for the choice of the language."""
        joint = "&" if "?" in here else "?"
        languages = [
            (code, name, f"{here}{joint}{LANGUAGE_KEY}={code}")
            for code, name in self.parts.texts.known.items()
            if code != self.words.language
        ]
        text = render(
            template,
            {
                "t": self.text,
                "turn": self,
                "words": self.words.words,
                "language": self.words.language,
                "languages": languages,
                "library": self.house.info,
                "session": self.session,
                "embedded": bool(self.parts.embed_in),
                "csrf": self.visit.csrf,
                "title": title,
                **values,
            },
        )
        return html(text, status, self.parts.embed_in)

    def go(self, path: str) -> web.Response:
        """After something was done: a page that can be loaded again without doing it again."""
        return web.Response(status=303, headers={**HEADERS, hdrs.LOCATION: path})

    @property
    def kept(self) -> Mapping[str, str]:
        """What was sent, to be sent again with the token of now."""
        fields = self.sent.fields if self.sent is not None else {}
        return {name: value for name, value in fields.items() if name != "csrf"}

    def citation_rows(self, citation: Citation) -> tuple[tuple[str, str], ...]:
        return citation_rows(citation, self.words.words)


def is_empty(citation: Citation) -> bool:
    """Nothing is cited."""
    return not (citation.title or citation.component_title or citation.identifiers)


def _is_own(part: str) -> bool:
    """Of a query: our own key, however it is written."""
    return unquote_plus(part.partition("=")[0]) == LANGUAGE_KEY
