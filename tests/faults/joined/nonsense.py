"""Messages that make no sense where they arrive. The receiver must refuse them, or they would make the two differ."""

from __future__ import annotations

from gateway.domain.requests.events import Event, EventDetails, EventKind, partner_signal
from gateway.domain.requests.request import Request, Role, SupplierAttempt
from gateway.domain.requests.state_machine import Denied, compute_transition
from gateway.ports.partner_channel import PartnerMessage
from gateway.services.requests.effects import PARTNER, new_outbox_row, remove_patron_data
from gateway.store.requests import outbox
from gateway.store.requests.request_rows import dump_message
from gateway.store.schema import make_exchange_id
from tests.faults.joined.town import Town
from tests.faults.joined.world import Side, World

SENSE_ANYWHERE = (EventKind.REQUEST, EventKind.TROUBLE)
"""A request is new or known; that a message of ours was refused is taken in every state, as what happened here."""


async def say_nonsense(world: World, sender: Side, receiver: Side, which: int) -> None:
    """Sent at once, unless something else waits for this partner."""
    (town, request), (other, theirs) = sender, receiver
    attempt = _attempt(request, theirs)
    kinds = [
        kind
        for kind in sorted(EventKind)
        if kind not in SENSE_ANYWHERE and _is_denied(world, other, theirs, kind, attempt)
    ]
    receiving = town.context.party_of_partner(other.symbol.lower())
    waiting = [
        row for row in await town.unfinished() if row.request_id == request.id and row.target == receiving.profile
    ]
    if not kinds or waiting:
        return
    kind = world.pick(kinds, which)
    world.tell(f"{town.symbol} {request.number} says {kind.value} to {other.symbol} ({theirs.state.value})")
    now = world.clock.now()
    message = PartnerMessage(
        id=make_exchange_id(now),
        kind=kind,
        at=now,
        sender=town.context.party,
        receiver=receiving,
        role=request.role,
        transaction=attempt.transaction,
        details=EventDetails(),
        request=remove_patron_data(request),
    )
    row = new_outbox_row(request, PARTNER, receiving.profile, dump_message(message), now, message.id)
    await town.context.store.write(lambda c: outbox.add_outbox_row(c, row))
    await town.do(row.id)
    assert message.id in world.wire.refused, f"{kind.value} was not refused"


def _attempt(request: Request, theirs: Request) -> SupplierAttempt:
    borrowing, lending = (request, theirs) if request.role is Role.BORROWING else (theirs, request)
    return next(one for one in borrowing.attempts if one.transaction == lending.transaction)


def _is_denied(world: World, town: Town, request: Request, kind: EventKind, attempt: SupplierAttempt) -> bool:
    number = attempt.number if request.role is Role.BORROWING else 0
    event = Event(partner_signal(kind), world.clock.now(), attempt=number)
    return isinstance(compute_transition(request, event, town.context.workflow(request)), Denied)
