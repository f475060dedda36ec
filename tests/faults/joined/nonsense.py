"""Messages that make no sense where they arrive. The receiver must refuse them, or they would make the two differ."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from adapters.loopback import codec
from gateway.domain.problems import Refused
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import LibraryParty, Request, Role, SupplierAttempt
from gateway.ports.partner_channel import PartnerMessage
from gateway.services.requests.effects import PARTNER, new_outbox_row, remove_patron_data
from gateway.services.requests.partner_inbox import LibraryInbox
from gateway.store.requests import outbox
from gateway.store.requests.request_rows import dump_message
from gateway.store.schema import make_exchange_id
from tests.faults.joined.town import Town
from tests.faults.joined.world import Side, World

KINDS = tuple(kind for kind in sorted(EventKind) if kind is not EventKind.REQUEST)
"""A request is new or known, and never nonsense."""


class AskedError(Exception):
    """`refused`: those of the messages that the inbox would refuse. Nothing of them is kept."""

    def __init__(self, refused: tuple[PartnerMessage, ...]) -> None:
        super().__init__()
        self.refused = refused


async def say_nonsense(world: World, sender: Side, receiver: Side, which: int) -> None:
    """Sent at once, unless something else waits for this partner."""
    (town, request), (other, theirs) = sender, receiver
    receiving = town.context.party_of_partner(other.symbol.lower())
    waiting = [
        row for row in await town.unfinished() if row.request_id == request.id and row.target == receiving.profile
    ]
    if waiting:
        return
    refused = await _list_refused(other, [_make_message(world, sender, receiving, theirs, kind) for kind in KINDS])
    if not refused:
        return
    message = world.pick(refused, which)
    kind, now = message.kind, message.at
    world.tell(f"{town.symbol} {request.number} says {kind.value} to {other.symbol} ({theirs.state.value})")
    row = new_outbox_row(request, PARTNER, receiving.profile, dump_message(message), now, message.id)
    await town.context.store.write(lambda c: outbox.add_outbox_row(c, row))
    await town.do(row.id)
    assert message.id in world.wire.refused, f"{kind.value} was not refused"


def _attempt(request: Request, theirs: Request) -> SupplierAttempt:
    borrowing, lending = (request, theirs) if request.role is Role.BORROWING else (theirs, request)
    return next(one for one in borrowing.attempts if one.transaction == lending.transaction)


def _make_message(
    world: World, sender: Side, receiving: LibraryParty, theirs: Request, kind: EventKind
) -> PartnerMessage:
    town, request = sender
    now = world.clock.now()
    return PartnerMessage(
        id=make_exchange_id(now),
        kind=kind,
        at=now,
        sender=town.context.party,
        receiver=receiving,
        role=request.role,
        transaction=_attempt(request, theirs).transaction,
        details=EventDetails(),
        request=remove_patron_data(request),
    )


async def _list_refused(town: Town, messages: Iterable[PartnerMessage]) -> tuple[PartnerMessage, ...]:
    """Those that the inbox of the town would refuse now. Each is handed to it, and taken back."""

    def ask_inbox(connection: Connection) -> None:
        raise AskedError(tuple(one for one in messages if _is_refused(connection, town, one)))

    try:
        await town.context.store.write(ask_inbox)
    except AskedError as asked:
        return asked.refused
    raise AssertionError("a transaction that fails says so")


def _is_refused(connection: Connection, town: Town, message: PartnerMessage) -> bool:
    incoming = codec.decode_partner_message(codec.encode_partner_message(message))
    profile = town.context.find_partner_by_symbol(incoming.sender)
    assert profile is not None
    trial = connection.begin_nested()
    try:
        return LibraryInbox(town.context).receive_in(connection, incoming, profile).refused is not None
    except Refused:
        return True
    finally:
        trial.rollback()
