"""Offers of the library for a link."""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import web

from gateway.domain.library import Item, ItemStatus
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.fulfilment import Fulfilment
from gateway.domain.requests.views import NotFound
from gateway.domain.value import replace, value_object
from gateway.ports.article_lookup import FreeVersion
from gateway.services.circulation.local_holdings import LocalCopies
from gateway.services.letters.templates import clean_line
from gateway.services.searching.fulfilment import ServiceOffer
from gateway.web.html.assets import html_response
from gateway.web.html.visits import LANGUAGE, preferred_languages
from gateway.web.pages import citation_form
from gateway.web.pages.page_request import (
    ROOT,
    TEMPLATES,
    PageRequest,
    PageServices,
    is_empty_citation,
)
from gateway.web.pages.page_texts import FREE_TEXT, FREE_TEXTS, OFFER_TEXTS

MAX_COPIES = 5
PLACES = {Fulfilment.HOLD: "hold", Fulfilment.BORROW: "request"}


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


async def show_nothing(_page: PageRequest) -> web.Response:
    """Show nothing at a path that there isn't."""
    raise NotFound("page")


async def show_services(page: PageRequest) -> web.Response:
    """GET and POST of a link. One that cites nothing opens the blank form, which says what was not understood."""
    form = await page.read_posted_bytes() if page.http.method == "POST" else b""
    cited = page.decode_link(page.query, form)
    if is_empty_citation(cited.citation):
        return (
            citation_form.show_blank_form(page, cited.doubts) if cited.unknown else page.redirect(page.path("citation"))
        )
    cited = await page.offering.complete_link(cited)
    category = page.session.category if page.session is not None else ""
    offered = await page.offering.list_offers(cited.citation, cited.service, category)
    citation = _complete_citation(cited.citation, offered.held)
    link = page.encode_link(citation, cited.service)
    title = clean_line(citation.component_title or citation.title)
    return page.render(
        "services",
        address=page.path("", link),
        title=title or page.gettext("Your options"),
        rows=[row for row in page.citation_rows(citation) if row[1] != title],
        unknown=citation_form.translate_doubts(page, cited.doubts),
        offers=[
            *([_make_free_offer(page, offered.free)] if offered.free is not None else []),
            *(_make_shown_offer(page, offer, link) for offer in offered.offers),
        ],
        held_note=_choose_held_note(page, offered.held),
        copies=await _make_shown_copies(page, offered.held),
        correct=page.path("citation", link),
    )


def _complete_citation(citation: Citation, copies: LocalCopies) -> Citation:
    """Complete a citation with title and author of the record that was found, where the link gives a number and no
    title."""
    if citation.title or copies.record is None:
        return citation
    return replace(citation, title=copies.record.title, author=citation.author or copies.record.author)


def _choose_held_note(page: PageRequest, local_copies: LocalCopies) -> str:
    """Choose the note that says why nobody knows whether the library has it."""
    if local_copies.away:
        return page.gettext("We cannot check our catalogue at the moment. Please search it yourself.")
    if local_copies.candidates and not local_copies.copies:
        return page.gettext("We may have this item. Please check our catalogue.")
    return ""


def show_libraries(parts: PageServices, http: web.Request, status: int = 200) -> web.Response:
    """Several libraries are served here, and the address names none of them."""
    wished = (http.cookies.get(LANGUAGE, ""), *preferred_languages(http))
    localization = parts.texts.choose_language(wished)
    query = http.raw_path.partition("?")[2]
    names = [
        (
            library.context.info.name or symbol,
            f"{ROOT}/{quote(symbol, safe=':')}" + (f"?{query}" if query else ""),
        )
        for symbol, library in parts.libraries.items()
    ]
    text = TEMPLATES.render(
        "libraries",
        localization,
        {
            "languages": [],
            "library": None,
            "brand": None,
            "session": None,
            "title": localization.gettext("Which library do you belong to?"),
            "libraries": names,
        },
    )
    return html_response(text, status, parts.embed_in)


# --- offers --------------------------------------------------------------------------------------------------


def _make_free_offer(page: PageRequest, free: FreeVersion) -> ShownOffer:
    """Make the offer that stands before anything that has to be ordered."""
    return ShownOffer(
        kind="free",
        title=page.gettext("Read now"),
        text=page.gettext(FREE_TEXTS.get(free.version, FREE_TEXT)),
        button=page.gettext("Read online"),
        url=free.url,
        outside=True,
    )


def _make_shown_offer(page: PageRequest, offer: ServiceOffer, link: str) -> ShownOffer:
    kind = offer.kind.value
    if offer.kind is Fulfilment.ELECTRONIC:
        return ShownOffer(
            kind=kind,
            title=page.localization.choose_text(offer.name or {}),
            text=page.gettext("This link opens another site, which may ask you to sign in."),
            button=page.gettext("Open"),
            url=offer.url,
            outside=True,
        )
    offer_text = OFFER_TEXTS[offer.kind]
    if offer.kind is Fulfilment.ASK:
        return ShownOffer(kind=kind, title=page.gettext(offer_text.title), text=page.gettext(offer_text.text))
    return ShownOffer(
        kind=kind,
        title=page.gettext(offer_text.title),
        text=page.gettext(offer_text.text),
        button=page.gettext(offer_text.button),
        url=page.path(PLACES[offer.kind], link),
    )


async def _make_shown_copies(page: PageRequest, local_copies: LocalCopies) -> list[ShownCopy]:
    if not local_copies.copies:
        return []
    branches = {place.library: place.name for place in await page.offering.list_pickup_locations()}
    return [
        ShownCopy(
            place=", ".join(filter(None, (branches.get(item.home.library, item.home.library), item.home.name))),
            call_number=item.call_number,
            status=_copy_status_text(page, item, local_copies.free),
            free=item.id in local_copies.free,
        )
        for item in local_copies.copies[:MAX_COPIES]
    ]


def _copy_status_text(page: PageRequest, item: Item, free: frozenset[str]) -> str:
    if item.id in free:
        return page.gettext("available")
    if not item.circulates and item.status is ItemStatus.AVAILABLE:
        return page.gettext("library use only")
    if item.status is ItemStatus.ON_LOAN and item.due is not None:
        return page.gettext("due %(day)s", day=page.words.format_day(item.due.astimezone(page.context.zone).date()))
    return page.gettext("not available")
