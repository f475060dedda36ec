"""Orders that wait for others, as staff see them and decide about them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from sqlalchemy import Connection

from gateway.domain.requests.events import Details, Event, Kind, by_us
from gateway.domain.requests.views import GatheredOrder, NotThere, Page
from gateway.services.requests.happen import Happening, happen_in
from gateway.services.requests.house import House
from gateway.store.requests import filed, gathering, outbox
from gateway.store.requests.outbox import Row


def gathered(connection: Connection, house: House, limit: int, cursor: str) -> Page[GatheredOrder]:
    """Oldest first."""
    page = gathering.unsent(connection, house.symbol, limit, cursor)
    return Page(tuple(_view(connection, house, row) for row in page.rows), page.cursor)


def _view(connection: Connection, house: House, order: Row) -> GatheredOrder:
    view = GatheredOrder(id=order.id, partner=order.target, request_id=order.request_id, created=order.created)
    file_id = filed.file_of(order)
    if not file_id:
        return replace(view, due=gathering.due_of(connection, house.symbol, order.target))
    file = outbox.get(connection, house.symbol, file_id)
    number = next((one.number for one in filed.orders_of(connection, house.symbol, file_id)), "")
    return replace(view, file=number, error=file.error if file is not None else "")


def skip_orders(connection: Connection, house: House, file: Row, reason: str, actor: str) -> None:
    """Of a file that is never sent. Who decided it stands in the history of each request."""
    for order in filed.in_hand(connection, house.symbol, file.id):
        details = Details(note=f"outbox: {order.kind} {order.target} skipped: {reason}")
        event = Event(by_us(Kind.NOTE), house.now(), actor, details)
        with suppress(NotThere):
            happen_in(connection, house, Happening(request_id=order.request_id, event=event))
        outbox.let_be(connection, order, reason, actor, house.now())
