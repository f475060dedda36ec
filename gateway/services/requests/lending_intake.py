"""New lending requests: for what a partner asks, and for what staff enter in its name."""

from __future__ import annotations

from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.profile import Profile
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import Event, EventKind, partner_signal
from gateway.domain.requests.partner_policy import PartnerRole
from gateway.domain.requests.request import (
    LibraryParty,
    PatronLink,
    Request,
    RequestNote,
    Role,
)
from gateway.domain.requests.state_table import TimerKind
from gateway.domain.value import replace
from gateway.ports.shared_store import Transaction
from gateway.services.outbox.keyed_work import write_once
from gateway.services.requests.deadlines import timer_due
from gateway.services.requests.effects import new_work_row
from gateway.services.requests.history_rows import make_history_row
from gateway.services.requests.intake import Claim, claim_nothing, require_named_work
from gateway.services.requests.lending import LOCATE, register_requester
from gateway.services.requests.library_context import LibraryContext
from gateway.services.requests.request_numbers import assign_request_number
from gateway.store.requests import history, outbox, requests, timers
from gateway.store.schema import make_exchange_id


def new_lending_request(
    connection: Transaction, context: LibraryContext, draft: LendingDraft, profile: Profile, transaction: str
) -> Request:
    """The lending request for what a partner asks; not stored yet. Raises Refused(UNAUTHORIZED_SERVICE |
    UNSUPPORTED_SERVICE: the library is being closed)."""
    context.require_open()
    partner = profile.partner
    if partner is None or PartnerRole.REQUESTER not in partner.roles:
        raise Refused(
            RefusalReason.UNAUTHORIZED_SERVICE,
            "This partner is not allowed to make requests.",
            about=MessagePart.SENDER,
        )
    now = context.now()
    number = assign_request_number(connection, context, Role.LENDING, profile=profile.name)
    request = draft.make_request(context.symbol, make_exchange_id(now), number, now)
    return replace(request, partner=party_of_sender(context, profile, draft.requester), transaction=transaction)


async def create_lending_request(context: LibraryContext, draft: LendingDraft, claim: Claim = claim_nothing) -> Request:
    """A request that staff enter for a library that asked by letter or telephone. It needs a profile of its partner.

    Raises Refused(UNKNOWN_AGENCY | DATA_MISSING | DUPLICATE_REQUEST | UNAUTHORIZED_SERVICE, and for a patron
    NOT_ALLOWED | DUPLICATE_PATRON).
    """
    profile = context.profile(draft.requester.profile) or context.find_partner_by_symbol(draft.requester.symbol)
    if profile is None or profile.partner is None:
        raise Refused(
            RefusalReason.UNKNOWN_AGENCY,
            "There is no profile for the requesting library.",
            about=MessagePart.SENDER,
            value=draft.requester.profile or draft.requester.symbol,
        )
    require_named_work(draft.citation)
    patron = await register_requester(context, profile, draft.patron) if draft.patron is not None else PatronLink()

    def insert_claimed_request(connection: Transaction) -> Request:
        request = _insert_staff_request(connection, context, draft, profile, patron)
        claim(connection, request)
        return request

    request = await write_once(context.store, insert_claimed_request, lambda made: made.id)
    context.wake_outbox()
    return request


def _insert_staff_request(
    connection: Transaction, context: LibraryContext, draft: LendingDraft, profile: Profile, patron: PatronLink
) -> Request:
    request = new_lending_request(connection, context, draft, profile, draft.transaction)
    request = replace(
        request,
        transaction=draft.transaction or request.number,
        external=draft.external,
        direct_patron=patron,
        notes=(RequestNote(request.created, draft.actor, draft.note),) if draft.note else (),
    )
    if (
        requests.find_by_transaction(connection, context.symbol, Role.LENDING, profile.name, request.transaction)
        is not None
    ):
        raise Refused(
            RefusalReason.DUPLICATE_REQUEST,
            "This library already has a request with this number.",
            about=MessagePart.REQUEST,
            value=request.transaction,
        )
    start_lending_request(connection, context, request, draft.actor)
    return request


def start_lending_request(connection: Transaction, context: LibraryContext, request: Request, actor: str) -> None:
    """Stores a new lending request; then it is looked for on our shelves."""
    store_lending_request(connection, context, request, actor)
    outbox.add_outbox_row(connection, new_work_row(request, LOCATE, request.created))


def store_lending_request(connection: Transaction, context: LibraryContext, request: Request, actor: str) -> None:
    """Stores a new lending request with its history's first line."""
    event = Event(partner_signal(EventKind.REQUEST), request.created, actor)
    row = make_history_row(context, event, request, request)
    requests.insert_request(connection, replace(request, last_event=row.id))
    history.add_history_event(connection, row)
    requests.add_transaction(
        connection, context.symbol, Role.LENDING, request.partner.profile, request.transaction, request.id, 0
    )
    if (over := timer_due(context, TimerKind.NEED_BY, request, request.created)) is not None:
        timers.start_timer(connection, context.symbol, request.id, TimerKind.NEED_BY, over)


def party_of_sender(context: LibraryContext, profile: Profile, party: LibraryParty) -> LibraryParty:
    """Make the party: what the message says of its sender outweighs the profile, but for who it is."""
    ours = context.party_of_partner(profile.name)
    return replace(
        ours,
        symbol=party.symbol or ours.symbol,
        name=party.name or ours.name,
        email=party.email or ours.email,
        address=party.address or ours.address,
    )
