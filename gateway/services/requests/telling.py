"""What follows on our side when a partner has got a message: what it refused at once, and what we had to alter."""

from __future__ import annotations

from sqlalchemy import Connection

from gateway.domain.problems import Refusal
from gateway.domain.requests.events import Details, Event, Kind, by_partner, by_us
from gateway.domain.requests.request import Role
from gateway.ports.channel import Delivered, PartnerMessage
from gateway.services.requests.happen import Happening, happen_in
from gateway.services.requests.house import House
from gateway.store.ids import exchange_id
from gateway.store.requests import history, requests
from gateway.store.requests.history import EventRow

ACTOR = "outbox"


def told(connection: Connection, house: House, message: PartnerMessage, delivered: Delivered) -> None:
    """In the transaction that ends the message. An answer to what became no request has none that it could concern."""
    if not message.request.id:
        return
    if delivered.altered:
        _altered(connection, house, message, delivered.altered)
    if delivered.refused is not None:
        _refused(connection, house, message, delivered.refused)


def _refused(connection: Connection, house: House, message: PartnerMessage, refused: Refusal) -> None:
    """It comes onto the request; a request that the partner can't take goes to the next."""
    rejected = message.kind is Kind.REQUEST and message.role is Role.BORROWING
    signal = by_partner(Kind.REJECTED) if rejected else by_us(Kind.TROUBLE)
    attempt = _attempt_of(message) if message.role is Role.BORROWING else 0
    details = Details(reason=refused.reason.value, note=refused.detail)
    event = Event(signal, house.now(), f"partner:{message.receiver.symbol}", details, attempt)
    happen_in(connection, house, Happening(request_id=message.request.id, event=event))


def _attempt_of(message: PartnerMessage) -> int:
    return next((one.number for one in message.request.attempts if one.transaction == message.transaction), 0)


def _altered(connection: Connection, house: House, message: PartnerMessage, altered: str) -> None:
    """Into the history alone: the request is as it was, whoever is at work on it."""
    request = requests.load(connection, house.symbol, message.request.id)
    if request is None:
        return
    now = house.now()
    text = f"{message.kind.value} to {message.receiver.profile}: {altered}"
    row = EventRow(
        id=exchange_id(now),
        library=house.symbol,
        request_id=request.id,
        at=now,
        event=Event(by_us(Kind.NOTE), now, ACTOR, Details(note=text)),
        before=request.state.value,
        after=request.state.value,
    )
    history.add(connection, row)
