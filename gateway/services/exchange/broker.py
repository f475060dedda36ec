"""Requests of a broker under profiles that say `managed`.

RequestItem makes a borrowing request; LookupRequest, UpdateRequestItem and CancelRequestItem are about it as long as
its item isn't here. What concerns no such request is the library's, as ever.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.domain.circulation_policy import ManagedRole
from gateway.domain.commands import (
    CancelRequest,
    Command,
    LookUpRequest,
    Named,
    PatronRef,
    PlaceRequest,
    RequestCancelled,
    RequestFound,
    RequestPlaced,
    Result,
    UpdateRequest,
)
from gateway.domain.due_dates import local_day, require_future_day
from gateway.domain.library import Bib, Hold, HoldStatus, Patron, PickupLocation, RecordId
from gateway.domain.partner_identifiers import read_request_number, translate_record_ids
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.profile import Profile
from gateway.domain.requests.attempt_updates import name_promised_item, replace_attempt
from gateway.domain.requests.citation import WANTED_ITEM, Citation, CitationType
from gateway.domain.requests.drafts import BorrowingDraft, LendingDraft
from gateway.domain.requests.events import Event, EventDetails, EventKind, local_signal, partner_signal
from gateway.domain.requests.request import (
    BorrowingState,
    LibraryParty,
    PatronLink,
    Request,
    RequestDates,
    RequestFlag,
    Role,
    SupplyPromise,
)
from gateway.domain.requests.views import EventDenied
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.shared_store import Transaction
from gateway.services.circulation import CirculationContext, dispatch_command, holds, items, patrons
from gateway.services.requests.intake import create_borrowing_request
from gateway.services.requests.lending_intake import new_lending_request, store_lending_request
from gateway.services.requests.library_context import LibraryContext
from gateway.services.requests.transitions import EventRequest, apply_event, apply_event_in
from gateway.store.requests import requests
from gateway.store.requests.requests import TransactionTaken

TAKEN = (PlaceRequest, CancelRequest, UpdateRequest, LookUpRequest)

NOT_HERE_YET = frozenset(
    {
        BorrowingState.NEW,
        BorrowingState.REVIEW,
        BorrowingState.SOURCING,
        BorrowingState.NO_SUPPLIER,
        BorrowingState.REQUESTED,
        BorrowingState.HOLD_PLACED,
        BorrowingState.WILL_SUPPLY,
        BorrowingState.CONDITIONAL,
        BorrowingState.CANCEL_PENDING,
        BorrowingState.SHIPPED,
    }
)

OVER_WITHOUT_IT = frozenset({BorrowingState.CANCELLED, BorrowingState.UNFILLED, BorrowingState.EXPIRED})

STATUSES: Mapping[BorrowingState, HoldStatus] = {
    **dict.fromkeys(NOT_HERE_YET, HoldStatus.WAITING),
    BorrowingState.CANCEL_PENDING: HoldStatus.CANCELLED,
    BorrowingState.SHIPPED: HoldStatus.IN_TRANSIT,
    BorrowingState.RECEIVED: HoldStatus.READY,
    BorrowingState.LENT: HoldStatus.FILLED,
    BorrowingState.BACK: HoldStatus.FILLED,
    BorrowingState.RETURNED: HoldStatus.FILLED,
    BorrowingState.COMPLETED: HoldStatus.FILLED,
    BorrowingState.LOST: HoldStatus.FILLED,
    BorrowingState.CANCELLED: HoldStatus.CANCELLED,
    BorrowingState.UNFILLED: HoldStatus.EXPIRED,
    BorrowingState.EXPIRED: HoldStatus.EXPIRED,
}
"""How a request stands, in the words that a broker has for a hold."""


@value_object
class RequestBroker:
    """A `services.exchange.handlers.CommandBroker`. `contexts` by symbol."""

    contexts: Mapping[str, LibraryContext]

    def can_handle(self, profile: Profile, command: Command) -> bool:
        return profile.circulation.requests.managed is ManagedRole.BORROWING and isinstance(command, TAKEN)

    async def carry_out(self, command: Command, circulation: CirculationContext, key: str) -> Result:
        """Carry out a command; raises Refused, Unavailable, OutcomeUnknown."""
        context = self.contexts[circulation.symbol]
        match command:
            case PlaceRequest():
                return await _place_request(context, command, circulation, key)
            case CancelRequest() | UpdateRequest() | LookUpRequest():
                about = await _find_brokered_request(context, circulation, command.request, command.patron)
                if about is not None:
                    return await _apply_command(context, command, circulation, about)
        return await dispatch_command(command, circulation, key)


def _find_hold_status(request: Request) -> HoldStatus:
    """Find the status; what the patron has not had, and will not have, is not filled; what is recalled before may come
    from another library."""
    state, is_wanted = request.state, RequestFlag.UNWANTED not in request.flags
    assert isinstance(state, BorrowingState)
    if request.is_delivered:
        return STATUSES[state]
    if not is_wanted and (state in NOT_HERE_YET or state is BorrowingState.RECEIVED):
        return HoldStatus.CANCELLED
    if is_wanted and RequestFlag.RECALLED in request.flags and state in _GOES_BACK_UNUSED:
        return HoldStatus.WAITING
    return HoldStatus.EXPIRED if state in _OVER else STATUSES[state]


_GOES_BACK_UNUSED = frozenset({BorrowingState.SHIPPED, BorrowingState.RECEIVED, BorrowingState.BACK})
_OVER = frozenset({BorrowingState.BACK, BorrowingState.RETURNED, BorrowingState.COMPLETED, BorrowingState.LOST})


@value_object
class _BrokeredRequest:
    request: Request
    patron: Patron

    @property
    def bib(self) -> Bib:
        citation = self.request.citation
        return Bib(title=citation.title, author=citation.author, identifiers=citation.identifiers)

    def build_hold(self, number: str) -> Hold:
        """The request as a broker sees it."""
        request = self.request
        return Hold(
            id=request.id,
            key="",
            request_id=number or request.number,
            patron_id=self.patron.id,
            bib_id="",
            item_id="",
            pickup=request.patron.pickup,
            status=_find_hold_status(request),
            placed=request.created,
            need_by=request.dates.need_by,
            item_barcode=next((volume.barcode for volume in request.volumes if volume.barcode), ""),
            title=request.citation.title,
        )


# --- a new request ---------------------------------------------------------------------------------------


async def _place_request(
    context: LibraryContext, command: PlaceRequest, circulation: CirculationContext, key: str
) -> RequestPlaced:
    """The message again finds its request by the broker's number (by its key, where it has none); a request that has
    ended without the item is not what is asked for again."""
    patron = await patrons.resolve_patron(command.patron, circulation)
    number = read_request_number(command.request, circulation.policy).value
    before = await context.store.read(lambda c: _find_latest_request(c, context, circulation.profile, number or key))
    if before is not None and before.patron.id not in ("", patron.id):
        raise Refused(
            RefusalReason.DUPLICATE_REQUEST, "Another request has this number.", about=MessagePart.REQUEST, value=number
        )
    if before is not None and _is_same_request(before, number):
        if command.promise is not None:
            before = await _change_promise(context, before, command.promise)
        return _build_placed_result(_BrokeredRequest(before, patron), number, None)
    reference = number or key if before is None else _next_reference(before, number or key)
    place = (
        await holds.resolve_pickup(command.pickup, command.receiver, patron, circulation)
        if _has_pickup_wish(command, circulation)
        else None
    )
    borrowing_draft = command.wanted
    draft = _complete_draft(
        borrowing_draft
        if borrowing_draft is not None
        else BorrowingDraft(citation=citation_of_bib(await _resolve_wanted_bib(command, circulation)), source="ncip"),
        command,
        circulation,
        patron,
        number,
        place,
    )

    def claim_transaction(connection: Transaction, request: Request) -> None:
        requests.add_transaction(
            connection, context.symbol, Role.BORROWING, circulation.profile, reference, request.id, request.current
        )

    try:
        request = await create_borrowing_request(context, draft, claim_transaction)
    except TransactionTaken as taken:  # another node was quicker
        found_id = taken.found.request_id
        placed = await context.store.read(lambda c: requests.load_request(c, context.symbol, found_id))
        if placed is None:
            raise
        request = placed
    return _build_placed_result(_BrokeredRequest(request, patron), number, place)


async def _change_promise(context: LibraryContext, request: Request, promise: SupplyPromise) -> Request:
    """The broker has found another supplier, before anything has come. Raises Refused(NOT_ALLOWED)."""
    attempt = request.attempt
    known = next((extra.value for extra in request.extras if extra.name == WANTED_ITEM), "")
    if attempt is None or (attempt.symbol, known) == (promise.symbol, promise.barcode):
        return request
    if request.state is not BorrowingState.WILL_SUPPLY:
        raise Refused(
            RefusalReason.NOT_ALLOWED,
            "An item from another supplier has already been received for this request.",
            about=MessagePart.REQUEST,
        )
    party = replace(request.partner, symbol=promise.symbol)

    def set_supplier(now: Request) -> Request:
        current = now.attempt
        assert current is not None
        named = name_promised_item(replace(now, partner=party), promise.barcode)
        return replace_attempt(named, replace(current, symbol=promise.symbol))

    event = Event(
        partner_signal(EventKind.WILL_SUPPLY),
        context.now(),
        f"partner:{promise.symbol}",
        EventDetails(barcode=promise.barcode),
        request.current,
    )
    event_request = EventRequest(request_id=request.id, event=event, prepare=set_supplier)
    return (await apply_event(context, event_request)).request


def _has_pickup_wish(command: PlaceRequest, context: CirculationContext) -> bool:
    return context.policy.requests.use_pickup and bool(command.pickup.strip() or command.receiver.strip())


def _is_same_request(before: Request, number: str) -> bool:
    """Return whether it is the same request; without a number, whoever got the item may ask for it once more."""
    return before.open or (bool(number) and before.state not in OVER_WITHOUT_IT)


def _next_reference(before: Request, reference: str) -> str:
    return f"{reference}:after-{before.id}"


def _find_latest_request(
    connection: Transaction, context: LibraryContext, profile: str, reference: str
) -> Request | None:
    """Find the latest of the requests that came from this broker under one number, one after the other."""
    latest = None
    match = requests.find_by_transaction(connection, context.symbol, Role.BORROWING, profile, reference)
    while (
        match is not None
        and (request := requests.load_request(connection, context.symbol, match.request_id)) is not None
    ):
        latest = request
        following = _next_reference(request, reference)
        match = requests.find_by_transaction(connection, context.symbol, Role.BORROWING, profile, following)
    return latest


async def _resolve_wanted_bib(command: PlaceRequest, context: CirculationContext) -> Bib:
    """Return the record that is described; else what our own catalogue says of the numbers."""
    bib = command.citation or Bib()
    if bib.title or bib.component_title:
        return replace(
            bib, identifiers=tuple(dict.fromkeys((*_normalize_record_ids(command, context), *bib.identifiers)))
        )
    try:
        if command.items:
            return await context.library.get_bib((await items.resolve_item(command.items[0], context)).bib_id)
        return await items.resolve_record(command.records, context)
    except Refused as refused:
        if refused.reason not in (RefusalReason.UNKNOWN_RECORD, RefusalReason.AMBIGUOUS_ITEM) or not command.records:
            raise
    return replace(bib, identifiers=_normalize_record_ids(command, context))


def _normalize_record_ids(command: PlaceRequest, context: CirculationContext) -> tuple[RecordId, ...]:
    """Normalise ids to our spelling; those of kinds that we don't look up are kept as they are."""
    try:
        return translate_record_ids(command.records, context.policy.records) if command.records else ()
    except Refused as refused:
        if refused.reason is not RefusalReason.INVALID_VALUE:
            raise
        return command.records


def _complete_draft(
    draft: BorrowingDraft,
    command: PlaceRequest,
    context: CirculationContext,
    patron: Patron,
    number: str,
    place: PickupLocation | None,
) -> BorrowingDraft:
    today = context.today()
    need_by = require_future_day(command.need_by or draft.dates.need_by, today, context.zone, MessagePart.NEED_BY)
    return replace(
        draft,
        dates=replace(
            draft.dates,
            need_by=need_by or require_future_day(command.expires, today, context.zone, MessagePart.PICKUP_EXPIRY),
        ),
        patron=PatronLink(
            identifier=patron.identifier("barcode") or next((id_.value for id_ in patron.identifiers), patron.id),
            pickup=place.code if place is not None else "",
        ),
        external=(number,) if number else (),
        actor=f"{draft.source}:{context.profile}",
        partner=context.profile if command.promise is not None else draft.partner,
        mediated=False if command.promise is not None else draft.mediated,
        override=command.promise is not None,  # it was promised to the patron: staff see what stands against it
        promise=command.promise,
    )


def _build_placed_result(about: _BrokeredRequest, number: str, place: PickupLocation | None) -> RequestPlaced:
    return RequestPlaced(about.build_hold(number), about.patron, about.bib, None, place)


# --- what is said of it later ----------------------------------------------------------------------------


async def _find_brokered_request(
    context: LibraryContext, circulation: CirculationContext, sent: Named | None, who: PatronRef | None
) -> _BrokeredRequest | None:
    """The request that a broker means by its number or ours. None where there is none, or its item is here: then the
    library has a hold under this number. Another patron's is as good as none.

    Raises Refused(UNKNOWN_PATRON …).
    """
    number = read_request_number(sent, circulation.policy).value
    if not number:
        return None
    request = await context.store.read(lambda c: _find_by_broker_number(c, context, circulation.profile, number))
    if request is None or request.role is not Role.BORROWING:
        return None
    if who is not None:
        patron = await patrons.resolve_patron(who, circulation)
    elif request.patron.id:
        patron = await patrons.find_patron_by_id(request.patron.id, circulation)
    else:
        return None
    if request.patron.id != patron.id:
        return None
    return _BrokeredRequest(request, patron)


def _find_by_broker_number(
    connection: Transaction, context: LibraryContext, profile: str, number: str
) -> Request | None:
    """The newest that came under the broker's number; else ours, where a broker brought it."""
    latest = _find_latest_request(connection, context, profile, number)
    if latest is not None:
        return latest
    ours = requests.find_by_number(connection, context.symbol, number)
    request = requests.load_request(connection, context.symbol, ours) if ours is not None else None
    return request if request is not None and request.source == "ncip" else None


async def _apply_command(
    context: LibraryContext,
    command: CancelRequest | UpdateRequest | LookUpRequest,
    circulation: CirculationContext,
    about: _BrokeredRequest,
) -> Result:
    number = command.request.value.strip() if command.request is not None else ""
    match command:
        case LookUpRequest():
            return RequestFound(about.build_hold(number), about.patron, about.bib)
        case CancelRequest():
            if about.request.state not in NOT_HERE_YET | OVER_WITHOUT_IT:
                return await dispatch_command(command, circulation)
            return RequestCancelled(
                (await _apply_broker_event(context, about, EventKind.CANCEL, EventDetails(), circulation)).build_hold(
                    number
                ),
                about.patron,
            )
        case UpdateRequest():
            if about.request.state not in NOT_HERE_YET | OVER_WITHOUT_IT:
                return await dispatch_command(command, circulation)
            return await _update_brokered_request(context, command, circulation, about, number)


async def _update_brokered_request(
    context: LibraryContext,
    command: UpdateRequest,
    circulation: CirculationContext,
    about: _BrokeredRequest,
    number: str,
) -> RequestPlaced:
    place = (
        await holds.resolve_pickup(command.pickup, "", about.patron, circulation) if command.pickup.strip() else None
    )
    today = circulation.today()
    need_by = require_future_day(command.need_by, today, circulation.zone, MessagePart.NEED_BY)
    details = EventDetails(
        pickup=place.code if place is not None else "",
        need_by=need_by or require_future_day(command.expires, today, circulation.zone, MessagePart.PICKUP_EXPIRY),
    )
    if details != EventDetails():
        about = await _apply_broker_event(context, about, EventKind.EDIT, details, circulation)
    return _build_placed_result(about, number, place)


async def _apply_broker_event(
    context: LibraryContext,
    about: _BrokeredRequest,
    kind: EventKind,
    details: EventDetails,
    circulation: CirculationContext,
) -> _BrokeredRequest:
    """Apply an event; raises Refused(REQUEST_CLOSED | NOT_ALLOWED)."""
    event = Event(local_signal(kind), context.now(), f"ncip:{circulation.profile}", details)
    try:
        transition = await apply_event(context, EventRequest(request_id=about.request.id, event=event))
    except EventDenied as late:
        reason = RefusalReason.NOT_ALLOWED if about.request.open else RefusalReason.REQUEST_CLOSED
        raise Refused(reason, late.denied.detail, about=MessagePart.REQUEST) from late
    return _BrokeredRequest(transition.request, about.patron)


def lend_to_broker(
    connection: Transaction, context: LibraryContext, profile: Profile, command: PlaceRequest, placed: RequestPlaced
) -> bool:
    """Make a lending request, and return whether it was made: not where no hold was placed, nor for a message that
    comes again.

    A hold on one item makes it located at once. A hold on any copy leaves it to staff, who say which it is.
    """
    hold = placed.hold
    if not hold.id:
        return False
    transaction = read_request_number(command.request, profile.circulation).value or hold.request_id or hold.id
    if requests.find_by_transaction(connection, context.symbol, Role.LENDING, profile.name, transaction) is not None:
        return False
    actor = f"ncip:{profile.name}"
    request = _lending_request_of_hold(connection, context, profile, command, placed, transaction)
    store_lending_request(connection, context, request, actor)
    if hold.item_barcode:
        located = Event(
            local_signal(EventKind.LOCATED),
            context.now(),
            actor,
            EventDetails(barcode=hold.item_barcode, note=write_sentence("the item on hold")),
        )
        apply_event_in(connection, context, EventRequest(request_id=request.id, event=located))
    return True


def _lending_request_of_hold(
    connection: Transaction,
    context: LibraryContext,
    profile: Profile,
    command: PlaceRequest,
    placed: RequestPlaced,
    transaction: str,
) -> Request:
    draft = LendingDraft(
        citation=citation_of_bib(placed.bib),
        dates=RequestDates(need_by=local_day(command.need_by, context.zone)),
        requester=_party_of_patron(placed.patron),
        source="ncip",
    )
    request = new_lending_request(connection, context, draft, profile, transaction)
    return replace(
        request,
        hold_id=placed.hold.id,
        borrower_id=placed.patron.id,
        direct_patron=_build_direct_patron(context, profile, placed.patron, placed.hold),
    )


def _party_of_patron(patron: Patron) -> LibraryParty:
    """The institution on whose account it is; a broker asks for many."""
    return LibraryParty(name=patron.name.direct) if patron.name.is_organisation else LibraryParty()


def _build_direct_patron(context: LibraryContext, profile: Profile, patron: Patron, hold: Hold) -> PatronLink:
    """Loan to requester: somebody of the partner's own, whom it has registered here."""
    partner = profile.partner
    if partner is None or partner.workflow.lending.loan_to != "requester":
        return PatronLink()
    if not patron.temporary or patron.name.is_organisation or patron.home_institution not in partner.symbols:
        return PatronLink()
    return PatronLink(
        id=patron.id,
        identifier=patron.identifiers[0].value if patron.identifiers else "",
        category=patron.category,
        pickup=hold.pickup,
        language=patron.language,
    )


def citation_of_bib(bib: Bib) -> Citation:
    """A record as the citation of who asks for it."""
    return Citation(
        type=CitationType.BOOK if any(id_.type == "isbn" for id_ in bib.identifiers) else CitationType.OTHER,
        title=bib.title,
        author=bib.author,
        component_title=bib.component_title,
        component_author=bib.component_author,
        series=bib.series,
        edition=bib.edition,
        publisher=bib.publisher,
        place=bib.place,
        published=bib.published,
        pages=bib.pages,
        language=bib.language,
        identifiers=bib.identifiers,
    )
