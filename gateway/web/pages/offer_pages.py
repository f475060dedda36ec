"""What the library can do for a link; the patron's own requests."""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import web

from gateway.domain.library import Item, ItemStatus
from gateway.domain.requests.fulfilment import Fulfilment
from gateway.domain.requests.views import NotFound
from gateway.domain.value import value_object
from gateway.services.fulfilment import LocalCopies, ServiceOffer, is_free
from gateway.services.letters.facts import citation_rows, label_rows, service_rows
from gateway.services.letters.templates import clean_line
from gateway.web.pages import citation_form, sign_in_pages
from gateway.web.pages.page_request import (
    ROOT,
    PageRequest,
    PageServices,
    html_response,
    is_empty_citation,
    render_page_template,
)
from gateway.web.pages.sign_in import LANGUAGE, preferred_languages

MAX_COPIES = 5
PLACES = {Fulfilment.HOLD: "hold", Fulfilment.BORROW: "request"}

MAX_OWN_REQUESTS = 50


@value_object(kw_only=True)
class ShownOffer:
    """An offer as the page shows it. `url` empty: nothing to follow, the words say it all."""

    kind: str
    title: str
    text: str
    button: str = ""
    url: str = ""
    outside: bool = False


@value_object(kw_only=True)
class ShownCopy:
    place: str
    call_number: str
    status: str
    free: bool


async def show_services(turn: PageRequest) -> web.Response:
    """GET and POST of a link. One that cites nothing opens the blank form, which says what was not understood."""
    form = await turn.read_posted_bytes() if turn.http.method == "POST" else b""
    cited = turn.decode_link(turn.query, form)
    if is_empty_citation(cited.citation):
        return (
            citation_form.show_blank_form(turn, cited.unknown)
            if cited.unknown
            else turn.redirect(turn.path("citation"))
        )
    category = turn.session.category if turn.session is not None else ""
    offered = await turn.parts.offering.list_offers(turn.library, cited.citation, cited.service, category)
    link = turn.encode_link(cited.citation, cited.service)
    title = clean_line(cited.citation.component_title or cited.citation.title)
    return turn.render(
        "services",
        here=turn.path("", link),
        title=title or turn.format_text("services-title"),
        rows=[row for row in turn.citation_rows(cited.citation) if row[1] != title],
        unknown=[clean_line(line) for line in cited.unknown],
        offers=[_make_shown_offer(turn, offer, link) for offer in offered.offers],
        availability=offered.held.availability.value,
        copies=await _make_shown_copies(turn, offered.held),
        correct=turn.path("citation", link),
    )


def show_libraries(parts: PageServices, http: web.Request, status: int = 200) -> web.Response:
    """Several libraries are served here, and the address names none of them."""
    wished = (http.cookies.get(LANGUAGE, ""), *preferred_languages(http))
    words = parts.texts.choose_language(wished)
    query = http.raw_path.partition("?")[2]
    names = [
        (
            parts.offering.library_context(symbol).info.name or symbol,
            f"{ROOT}/{quote(symbol, safe=':')}" + (f"?{query}" if query else ""),
        )
        for symbol in parts.doors
    ]
    text = render_page_template(
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
    return html_response(text, status, parts.embed_in)


# --- offers --------------------------------------------------------------------------------------------------


def _make_shown_offer(turn: PageRequest, offer: ServiceOffer, link: str) -> ShownOffer:
    kind = offer.kind.value
    if offer.kind is Fulfilment.ELECTRONIC:
        return ShownOffer(
            kind=kind,
            title=turn.words.choose_text(offer.name or {}),
            text=turn.format_text("electronic-text"),
            button=turn.format_text("electronic-button"),
            url=offer.url,
            outside=True,
        )
    if offer.kind is Fulfilment.ASK:
        return ShownOffer(kind=kind, title=turn.format_text("ask-title"), text=turn.format_text("ask-text"))
    return ShownOffer(
        kind=kind,
        title=turn.format_text(f"{kind}-title"),
        text=turn.format_text(f"{kind}-text"),
        button=turn.format_text(f"{kind}-button"),
        url=turn.path(PLACES[offer.kind], link),
    )


async def _make_shown_copies(turn: PageRequest, held: LocalCopies) -> list[ShownCopy]:
    if not held.copies:
        return []
    branches = {place.library: place.name for place in await turn.parts.offering.list_pickup_locations(turn.library)}
    return [
        ShownCopy(
            place=", ".join(filter(None, (branches.get(item.home.library, item.home.library), item.home.name))),
            call_number=item.call_number,
            status=_copy_status_text(turn, item),
            free=is_free(item),
        )
        for item in held.copies[:MAX_COPIES]
    ]


def _copy_status_text(turn: PageRequest, item: Item) -> str:
    if is_free(item):
        return turn.format_text("copy-available")
    if not item.circulates and item.status is ItemStatus.AVAILABLE:
        return turn.format_text("copy-here-only")
    if item.status is ItemStatus.ON_LOAN and item.due is not None:
        return turn.format_text(
            "copy-due", day=turn.words.words.format_day(item.due.astimezone(turn.house.zone).date())
        )
    return turn.format_text("copy-out")


async def list_own_requests(turn: PageRequest) -> web.Response:
    if turn.session is None:
        return sign_in_pages.ask_to_sign_in(turn, "requests")
    page = await turn.parts.patrons.listing(
        turn.library,
        turn.session.patron_id,
        None,
        turn.words.language,
        MAX_OWN_REQUESTS,
        turn.http.query.get("cursor", "")[:500],
    )
    return turn.render(
        "own",
        here=turn.path("requests"),
        title=turn.format_text("own-title"),
        views=list(page),
        clean=clean_line,
        day=turn.words.words.format_day,
        zone=turn.house.zone,
        next=turn.path("requests", f"cursor={quote(page.cursor)}") if page.cursor else "",
    )


async def show_own_request(turn: PageRequest) -> web.Response:
    """Somebody else's is not there."""
    id_ = turn.http.match_info["id"]
    if turn.session is None:
        return sign_in_pages.ask_to_sign_in(turn, f"requests/{id_}")
    view = await turn.parts.patrons.show(turn.library, id_, turn.session.patron_id, turn.words.language)
    one, words = view.request, turn.words.words
    pickup = next(
        (
            place.name
            for place in await turn.parts.offering.list_pickup_locations(turn.library)
            if place.code == one.patron.pickup
        ),
        "",
    )
    is_new = turn.http.query.get("sent") == "yes"
    return turn.render(
        "own_request",
        here=turn.path(f"requests/{one.id}", "sent=yes" if is_new else ""),
        title=turn.format_text("sent-title") if is_new else turn.format_text("own-request-title", number=one.number),
        view=view,
        is_new=is_new,
        rows=(*citation_rows(one.citation, words), *service_rows(one, words)),
        pickup=pickup,
    )


async def show_own_hold(turn: PageRequest) -> web.Response:
    id_ = turn.http.match_info["id"]
    if turn.session is None:
        return sign_in_pages.ask_to_sign_in(turn, "requests")
    found = await turn.parts.offering.find_patron_hold(turn.library, turn.session.patron_id, id_)
    if found is None:
        raise NotFound("hold")
    pickup = next(
        (
            place.name
            for place in await turn.parts.offering.list_pickup_locations(turn.library)
            if place.code == found.pickup
        ),
        "",
    )
    return turn.render(
        "own_hold",
        here=turn.path(f"holds/{id_}"),
        title=turn.format_text("held-title"),
        hold=found,
        rows=label_rows(turn.words.words, ("title", found.title)),
        pickup=pickup,
    )
