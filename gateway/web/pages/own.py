"""A patron's own requests, and what was just sent."""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import web

from gateway.domain.requests.views import NotThere
from gateway.services.letters.rows import citation_rows, rows, service_rows
from gateway.services.letters.texts import clean
from gateway.web.pages import signing
from gateway.web.pages.turn import Turn

MOST = 50


async def listing(turn: Turn) -> web.Response:
    if turn.session is None:
        return signing.ask(turn, "requests")
    page = await turn.parts.patrons.listing(
        turn.library, turn.session.patron_id, None, turn.words.language, MOST, turn.http.query.get("cursor", "")[:500]
    )
    return turn.page(
        "own",
        here=turn.path("requests"),
        title=turn.text("own-title"),
        views=list(page),
        clean=clean,
        day=turn.words.words.day,
        zone=turn.house.zone,
        next=turn.path("requests", f"cursor={quote(page.cursor)}") if page.cursor else "",
    )


async def request(turn: Turn) -> web.Response:
    """Somebody else's is not there."""
    id_ = turn.http.match_info["id"]
    if turn.session is None:
        return signing.ask(turn, f"requests/{id_}")
    view = await turn.parts.patrons.show(turn.library, id_, turn.session.patron_id, turn.words.language)
    one, words = view.request, turn.words.words
    pickup = next(
        (place.name for place in await turn.parts.offering.pickups(turn.library) if place.code == one.patron.pickup), ""
    )
    is_new = turn.http.query.get("sent") == "yes"
    return turn.page(
        "own_request",
        here=turn.path(f"requests/{one.id}", "sent=yes" if is_new else ""),
        title=turn.text("sent-title") if is_new else turn.text("own-request-title", number=one.number),
        view=view,
        is_new=is_new,
        rows=(*citation_rows(one.citation, words), *service_rows(one, words)),
        pickup=pickup,
    )


async def hold(turn: Turn) -> web.Response:
    id_ = turn.http.match_info["id"]
    if turn.session is None:
        return signing.ask(turn, "requests")
    found = await turn.parts.offering.hold(turn.library, turn.session.patron_id, id_)
    if found is None:
        raise NotThere("hold")
    pickup = next(
        (place.name for place in await turn.parts.offering.pickups(turn.library) if place.code == found.pickup), ""
    )
    return turn.page(
        "own_hold",
        here=turn.path(f"holds/{id_}"),
        title=turn.text("held-title"),
        hold=found,
        rows=rows(turn.words.words, ("title", found.title)),
        pickup=pickup,
    )
