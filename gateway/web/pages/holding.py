"""The form for a hold on the library's own copy."""

from __future__ import annotations

import secrets

from aiohttp import web

from gateway.domain.problems import Refused
from gateway.domain.requests.fulfilment import Fulfilment
from gateway.domain.requests.request import Dates
from gateway.web.pages import signing
from gateway.web.pages.forms import Checked, usual_pickup
from gateway.web.pages.ordering import Order, cited_by, order_of, say
from gateway.web.pages.turn import Form, Turn
from gateway.web.sessions.visits import hashed


async def show_hold_form(turn: Turn) -> web.Response:
    session = turn.session
    cited = cited_by(turn, turn.query)
    link = turn.link(cited.citation, cited.service)
    if session is None:
        return signing.ask(turn, f"hold?{link}")
    order = await order_of(turn, secrets.token_urlsafe(24), link, cited)
    first = {"pickup": usual_pickup(order.pickups, session.branch), "need_by": "", "note": ""}
    return await _hold_page(turn, order, Checked(turn, Form(), first))


async def submit_hold(turn: Turn) -> web.Response:
    """The library's system keeps the form's id as key of the hold, so that sending it twice places one."""
    form = await turn.form_to_show_again()
    session = turn.session
    if session is None:
        return signing.ask(turn, f"hold?{form['link']}", wrong="over", kept=turn.kept)
    order = await order_of(turn, form["form"][:100], form["link"], cited_by(turn, form["link"].encode()))
    checked = Checked(turn, form, stale=not turn.is_ours(form))
    pickup = checked.choice("pickup", [place.code for place in order.pickups])
    need_by = checked.day("need_by", turn.house.today())
    note = checked.lines("note", 500)
    if not pickup and order.pickups:
        checked.wrong("pickup", "wrong-missing")
    if not checked.is_good:
        return await _hold_page(turn, order, checked)
    key = f"page:{hashed(f'{turn.visit.id}:{order.id}')}"
    try:
        hold = await turn.parts.offering.place_hold(
            turn.library, session.identifier, order.cited.citation, pickup, Dates(need_by=need_by), note, key
        )
    except Refused as refused:
        say(checked, refused)
        return await _hold_page(turn, order, checked)
    return turn.go(turn.path(f"holds/{hold.id}"))


async def _hold_page(turn: Turn, order: Order, checked: Checked) -> web.Response:
    return turn.page(
        "hold",
        here=turn.path("hold", order.link),
        title=turn.text("hold-form-title"),
        status=checked.status,
        form=checked,
        order=order,
        pickups=order.choices,
        rows=turn.citation_rows(order.cited.citation),
        borrow=turn.path("request", order.link) if await _may_borrow(turn, order) else "",
        least_day=turn.house.today(),
    )


async def _may_borrow(turn: Turn, order: Order) -> bool:
    session = turn.session
    category = session.category if session is not None else ""
    cited = order.cited
    offered = await turn.parts.offering.offered(turn.library, cited.citation, cited.service, category)
    return offered.has(Fulfilment.BORROW)
