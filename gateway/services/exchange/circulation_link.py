"""Tells managed requests what circulation and the library's desk did.

What doesn't fit is noted in the request's history; the message is answered as if nobody managed anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import tzinfo

from gateway.domain.circulation_policy import CirculationPolicy, ManagedRole
from gateway.domain.commands import (
    AllRenewed,
    CheckIn,
    CheckOut,
    Command,
    DeleteItem,
    GoesBack,
    ItemChanged,
    ItemLent,
    ItemReturned,
    Named,
    Noted,
    PatronRef,
    PlaceRequest,
    Renew,
    RequestPlaced,
    Result,
)
from gateway.domain.library import Hold, Item, Loan, Patron
from gateway.domain.problems import RefusalReason, Refused
from gateway.domain.profile import Profile
from gateway.domain.requests.events import Event, EventOrigin
from gateway.domain.requests.request import Request, Role, VolumeState
from gateway.domain.requests.state_machine import Denied
from gateway.domain.requests.supplier_takeover import find_supplier_party
from gateway.domain.value import replace, value_object
from gateway.ports.adapter import DeskAdvice
from gateway.ports.library_system import CheckedIn, PatronKey
from gateway.ports.shared_store import Transaction
from gateway.services.exchange.broker import lend_to_broker
from gateway.services.exchange.handlers import LinkResult
from gateway.services.letters.renderer import LetterRenderer, SlipFacts
from gateway.services.request_work.library_outcomes import LibraryOutcome, OutcomeEvent, outcome_of_command
from gateway.services.requests.history_rows import add_history_note
from gateway.services.requests.library_context import LibraryContext
from gateway.services.requests.transitions import EventRequest, apply_event_in
from gateway.store.requests import history, requests
from gateway.store.requests.requests import ReferencedRequest, find_by_any_reference

GOING_BACK = frozenset({VolumeState.BACK, VolumeState.RETURNED, VolumeState.CHECKED_IN})

ACTOR = "desk"
HERE = CirculationPolicy()
"""Barcodes as they are scanned."""


@value_object
class CirculationLinker:
    """A `services.exchange.handlers.Link`. `contexts` by symbol."""

    contexts: Mapping[str, LibraryContext]

    def __call__(
        self, connection: Transaction, library: str, profile: Profile, command: Command, result: Result
    ) -> LinkResult | None:
        """Link a result to its request; raises Unavailable."""
        context = self.contexts[library]
        placed = _find_placed_request(command, result)
        if placed is not None:
            lends = profile.circulation.requests.managed is ManagedRole.LENDING
            made = lends and lend_to_broker(connection, context, profile, *placed)
            return LinkResult(result, context.wake_outbox) if made else None
        if isinstance(result, AllRenewed):
            linked = [
                link_outcome(connection, context, profile.name, outcome, f"ncip:{profile.name}")
                for outcome in _list_renewal_outcomes(result, profile.circulation, context.zone)
            ]
            ids = tuple(request.id for request in linked if request is not None)
            return LinkResult(result, context.wake_outbox, ids) if ids else None
        outcome = outcome_of_command(command, result, profile.circulation, context.zone)
        request = (
            link_outcome(connection, context, profile.name, outcome, f"ncip:{profile.name}")
            if outcome is not None
            else None
        )
        if outcome is None or request is None:
            return None
        return LinkResult(_add_return_advice(outcome, request), context.wake_outbox, (request.id,))


def _list_renewal_outcomes(result: AllRenewed, policy: CirculationPolicy, zone: tzinfo) -> Iterator[LibraryOutcome]:
    """Each loan's renewal as if it had been asked for by itself."""
    for renewal in result.renewals:
        if renewal.renewed is None:
            continue
        outcome = outcome_of_command(Renew(Named(renewal.loan.item_barcode)), renewal.renewed, policy, zone)
        if outcome is not None:
            yield outcome


def _find_placed_request(command: Command, result: Result) -> tuple[PlaceRequest, RequestPlaced] | None:
    """A request for an item of ours, as a command or as the notification that amounts to it (ItemRequested)."""
    if isinstance(result, Noted) and result.meant is not None:
        command, result = result.meant
    if isinstance(command, PlaceRequest) and isinstance(result, RequestPlaced):
        return command, result
    return None


def link_outcome(
    connection: Transaction, context: LibraryContext, partner: str, outcome: LibraryOutcome, actor: str
) -> Request | None:
    """The managed request that the outcome is about, as it is then; None: there is none. `partner`: name of the profile
    whose numbers count."""
    chosen = _choose_request(connection, context, partner, outcome)
    if chosen is None:
        return None
    request, match, steps = chosen
    for step in steps:
        request = _apply_outcome_event(connection, context, actor, match, step) or request
    return request


def _choose_request(
    connection: Transaction, context: LibraryContext, partner: str, outcome: LibraryOutcome
) -> tuple[Request, ReferencedRequest, tuple[OutcomeEvent, ...]] | None:
    """The newest open request for which something follows; a closed one only where none is open."""
    possible = []
    for referenced_request in find_by_any_reference(connection, context.symbol, partner, outcome.names):
        request = requests.load_request(connection, context.symbol, referenced_request.request_id)
        if request is not None:
            possible.append((request, referenced_request, outcome.derive_events(request)))
    possible.sort(key=lambda match: (not match[0].open, not match[2]))  # keeps newest first among its like
    return possible[0] if possible else None


def _apply_outcome_event(
    connection: Transaction, context: LibraryContext, actor: str, request: ReferencedRequest, step: OutcomeEvent
) -> Request | None:
    """The request after it; None: it didn't fit."""
    event = Event(step.signal, context.now(), actor, step.details, step.attempt or request.attempt)
    outcome = apply_event_in(
        connection, context, EventRequest(request_id=request.request_id, event=event, prepare=step.prepare)
    )
    if not isinstance(outcome, Denied):
        return outcome.request
    if event.signal.origin is not EventOrigin.PARTNER:  # those are in the history already
        _note_denied_event(connection, context, request.request_id, event, outcome.detail)
    return None


def _note_denied_event(
    connection: Transaction, context: LibraryContext, request_id: str, event: Event, denied: str
) -> None:
    """Note an event once, however often the message comes."""
    before = history.list_events_of_request(connection, context.symbol, request_id)
    if before and before[-1].event.signal == event.signal and before[-1].denied == denied:
        return
    request = requests.lock_request(connection, context.symbol, request_id)
    assert request is not None, "the event was denied by it"
    add_history_note(connection, context, request, event, denied)


# --- what the desk is told -------------------------------------------------------------------------------


def _add_return_advice(outcome: LibraryOutcome, request: Request) -> Result:
    result: Result = outcome.result
    if not isinstance(result, ItemReturned) or result.item is None:
        return result
    return replace(result, goes_back=advise_return(request, result.item.barcode))


def advise_return(request: Request, barcode: str) -> GoesBack | None:
    """Return what a desk has to know of a partner's item that it has scanned; None: it stays, or it is our own."""
    if request.role is not Role.BORROWING or not barcode:
        return None
    extra = request.find_attempt_on_record(barcode)
    if extra is not None:
        return GoesBack(extra.symbol or extra.partner, request.number)
    volume = next((volume for volume in request.volumes if volume.barcode == barcode), None)
    if volume is None or volume.state not in GOING_BACK:
        return None
    owner = find_supplier_party(request)
    return GoesBack(owner.name or owner.symbol or owner.profile, request.number)


@value_object
class DeskLink:
    context: LibraryContext
    letters: LetterRenderer

    async def notify_checked_out(self, loan: Loan, item: Item, patron: Patron) -> None:
        bib = await self.context.system.get_bib(item.bib_id)
        result = ItemLent(loan, item, bib, patron)
        await self._link_desk_outcome(
            outcome_of_command(CheckOut(PatronRef(), Named(item.barcode)), result, HERE, self.context.zone)
        )

    async def notify_checked_in(self, done: CheckedIn) -> DeskAdvice:
        item = done.item
        request = await self._link_desk_outcome(
            outcome_of_command(CheckIn(Named(item.barcode)), ItemReturned(item, done.loan), HERE, self.context.zone)
        )
        if request is None or request.role is not Role.BORROWING:
            return DeskAdvice()
        back = advise_return(request, item.barcode)
        if back is not None:
            return DeskAdvice(back.advice, self._render_slip("return", request, None, SlipFacts(barcode=item.barcode)))
        if done.next_hold is not None:
            return DeskAdvice(slip=await self._render_hold_slip(request, item, done.next_hold))
        return DeskAdvice()

    async def notify_deleted(self, item: Item) -> None:
        deleted = DeleteItem(Named(item.barcode))
        await self._link_desk_outcome(outcome_of_command(deleted, ItemChanged(item), HERE, self.context.zone))

    async def _link_desk_outcome(self, outcome: LibraryOutcome | None) -> Request | None:
        if outcome is None:
            return None
        request = await self.context.store.write(lambda c: link_outcome(c, self.context, "", outcome, ACTOR))
        self.context.wake_outbox()
        return request

    async def _render_hold_slip(self, request: Request, item: Item, hold: Hold) -> str:
        places = {place.code: place.name for place in await self.context.system.pickup_locations()}
        facts = SlipFacts(
            barcode=item.barcode, pickup=places.get(hold.pickup, hold.pickup), hold_until=hold.ready_until
        )
        return self._render_slip("hold", request, await self._find_hold_patron(hold.patron_id), facts)

    async def _find_hold_patron(self, patron_id: str) -> Patron | None:
        try:
            return await self.context.system.find_patron(PatronKey(patron_id, ("internal",)))
        except Refused as refused:
            if refused.reason is RefusalReason.UNKNOWN_PATRON:
                return None
            raise

    def _render_slip(self, name: str, request: Request, patron: Patron | None, facts: SlipFacts) -> str:
        context = self.context
        return self.letters.render_slip(name, request, patron, context.info, context.zone, context.now(), facts).text
