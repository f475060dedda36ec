"""A supplier has passed our request on and left the dialogue (ISO 10161 Forward-Notification): from then on the new one
is spoken to and heard, if there is a profile of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import Connection

from gateway.domain.profile import Profile
from gateway.domain.requests.events import Kind
from gateway.domain.requests.record import with_attempt
from gateway.domain.requests.request import OPEN_ATTEMPT, Party, Request, Role
from gateway.ports.channel import FromPartner
from gateway.services.requests.happen import as_it_is
from gateway.services.requests.house import House
from gateway.store.requests import requests
from gateway.store.requests.requests import Found, TransactionTaken


def handed_over(
    connection: Connection, house: House, message: FromPartner, profile: Profile, found: Found
) -> Callable[[Request], Request]:
    """What becomes of the request before the event. The transaction keeps its number; both may use it."""
    if message.kind is not Kind.FORWARDED or message.role is not Role.BORROWING:
        return as_it_is
    new = house.partner_with(message.details.partner)
    if new is None or new.partner is None or new.name == profile.name:
        return as_it_is
    try:
        requests.add_transaction(
            connection, house.symbol, Role.BORROWING, new.name, message.transaction, found.request_id, found.attempt
        )
    except TransactionTaken:
        return as_it_is
    party, channel = house.party_of(new.name), new.partner.channel
    return lambda request: _with(request, found.attempt, party, channel)


def _with(request: Request, number: int, party: Party, channel: str) -> Request:
    attempt = request.attempt_number(number)
    if attempt is None or attempt.status not in OPEN_ATTEMPT:
        return request
    new = with_attempt(request, replace(attempt, partner=party.profile, symbol=party.symbol, channel=channel))
    return replace(new, partner=party) if number == request.current else new
