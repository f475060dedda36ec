"""`/openurl`: the citation of a link, and what the library can do for it."""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import web

from gateway.domain.frozen import frozen_by_name
from gateway.domain.library import Item, ItemStatus
from gateway.domain.requests.fulfilment import Fulfilment
from gateway.services.letters.texts import clean
from gateway.services.offering import Held, Offer
from gateway.services.offering.held import is_free
from gateway.web.pages import citing
from gateway.web.pages.parts import PageParts
from gateway.web.pages.rendering import html, render
from gateway.web.pages.turn import ROOT, Turn, is_empty
from gateway.web.sessions.visits import LANGUAGE, preferred_languages

MOST_COPIES = 5
PLACES = {Fulfilment.HOLD: "hold", Fulfilment.BORROW: "request"}


@frozen_by_name
class Shown:
    """An offer as the page shows it. `url` empty: nothing to follow, the words say it all."""

    kind: str
    title: str
    text: str
    button: str = ""
    url: str = ""
    outside: bool = False


@frozen_by_name
class Copy:
    place: str
    call_number: str
    status: str
    free: bool


async def services(turn: Turn) -> web.Response:
    """GET and POST of a link. One that cites nothing opens the blank form, which says what was not understood."""
    form = await turn.body() if turn.http.method == "POST" else b""
    cited = turn.cited(turn.query, form)
    if is_empty(cited.citation):
        return citing.blank(turn, cited.unknown) if cited.unknown else turn.go(turn.path("citation"))
    category = turn.session.category if turn.session is not None else ""
    offered = await turn.parts.offering.offered(turn.library, cited.citation, cited.service, category)
    link = turn.link(cited.citation, cited.service)
    title = clean(cited.citation.component_title or cited.citation.title)
    return turn.page(
        "services",
        here=turn.path("", link),
        title=title or turn.text("services-title"),
        rows=[row for row in turn.citation_rows(cited.citation) if row[1] != title],
        unknown=[clean(line) for line in cited.unknown],
        offers=[_shown(turn, offer, link) for offer in offered.offers],
        availability=offered.held.availability.value,
        copies=await _copies(turn, offered.held),
        correct=turn.path("citation", link),
    )


def libraries(parts: PageParts, http: web.Request, status: int = 200) -> web.Response:
    """Several libraries are served here, and the address names none of them."""
    wished = (http.cookies.get(LANGUAGE, ""), *preferred_languages(http))
    words = parts.texts.spoken(wished)
    query = http.raw_path.partition("?")[2]
    names = [
        (
            parts.offering.house(symbol).info.name or symbol,
            f"{ROOT}/{quote(symbol, safe=':')}" + (f"?{query}" if query else ""),
        )
        for symbol in parts.doors
    ]
    text = render(
        "libraries",
        {
            "t": words.texts.__getitem__,
            "words": words.words,
            "language": words.language,
            "languages": [],
            "library": None,
            "session": None,
            "title": words.texts["libraries-title"],
            "libraries": names,
        },
    )
    return html(text, status, parts.embed_in)


# --- offers --------------------------------------------------------------------------------------------------


def _shown(turn: Turn, offer: Offer, link: str) -> Shown:
    kind = offer.kind.value
    if offer.kind is Fulfilment.ELECTRONIC:
        return Shown(
            kind=kind,
            title=turn.words.of(offer.name or {}),
            text=turn.text("electronic-text"),
            button=turn.text("electronic-button"),
            url=offer.url,
            outside=True,
        )
    if offer.kind is Fulfilment.ASK:
        return Shown(kind=kind, title=turn.text("ask-title"), text=turn.text("ask-text"))
    return Shown(
        kind=kind,
        title=turn.text(f"{kind}-title"),
        text=turn.text(f"{kind}-text"),
        button=turn.text(f"{kind}-button"),
        url=turn.path(PLACES[offer.kind], link),
    )


async def _copies(turn: Turn, held: Held) -> list[Copy]:
    if not held.copies:
        return []
    branches = {place.library: place.name for place in await turn.parts.offering.pickups(turn.library)}
    return [
        Copy(
            place=", ".join(filter(None, (branches.get(item.home.library, item.home.library), item.home.name))),
            call_number=item.call_number,
            status=_status(turn, item),
            free=is_free(item),
        )
        for item in held.copies[:MOST_COPIES]
    ]


def _status(turn: Turn, item: Item) -> str:
    if is_free(item):
        return turn.text("copy-available")
    if not item.circulates and item.status is ItemStatus.AVAILABLE:
        return turn.text("copy-here-only")
    if item.status is ItemStatus.ON_LOAN and item.due is not None:
        return turn.text("copy-due", day=turn.words.words.day(item.due.astimezone(turn.house.zone).date()))
    return turn.text("copy-out")
