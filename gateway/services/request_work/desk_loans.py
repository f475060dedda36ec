"""An action at the desk, and the loans that it begins and ends in the library's own system."""

from __future__ import annotations

from datetime import datetime

from gateway.domain.circulation_policy import CirculationPolicy
from gateway.domain.library import ItemStatus, Loan
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.requests.events import Event, EventKind
from gateway.domain.requests.request import (
    LoanTerms,
    Request,
    Volume,
    VolumeState,
)
from gateway.domain.requests.volume_updates import find_meant_volumes
from gateway.domain.sentences import write_sentence
from gateway.domain.value import value_object
from gateway.ports.library_system import Capability, RemembersLoans
from gateway.services.circulation.due_date_changes import move_due_date
from gateway.services.request_work.item_conflicts import wait_for_loan
from gateway.services.requests.library_context import LibraryContext


@value_object
class DeskAction:
    """`terms` are those of the loan as they are with the event: it may bring the due date."""

    context: LibraryContext
    request: Request
    event: Event
    key: str
    terms: LoanTerms

    @property
    def policy(self) -> CirculationPolicy:
        profile = self.context.profile(self.request.partner.profile)
        return profile.circulation if profile is not None else CirculationPolicy()

    def piece_key(self, volume: Volume) -> str:
        """One supplier's piece: the next supplier's is another, even where this one is lost and still on record."""
        return f"{self.request.id}:{self.request.current}:{volume.id}"

    def select_volumes(self, *states: VolumeState) -> tuple[Volume, ...]:
        """Those that the event is about, of these states."""
        meant = find_meant_volumes(self.request, self.event)
        return tuple(v for v in self.request.volumes if v.state in states and v.id in meant)


async def check_out_item(
    action: DeskAction, barcode: str, patron_id: str, key: str, due: datetime | None, *, override: bool
) -> Loan:
    """A loan that an earlier action made for this request, without knowing so in the end, is taken for this one."""
    system, number = action.context.system, action.request.number
    try:
        return await system.check_out(barcode, patron_id, key, due=due, request_id=number, override=override)
    except Refused as refused:
        loan = await find_own_loan(action, barcode) if refused.reason is RefusalReason.ON_LOAN_SAME_PATRON else None
        if loan is None:
            await wait_for_loan(action.context, action.request, barcode, refused)
            raise
    return await move_due_date(system, loan, due, key) if due is not None else loan


async def check_in_item(action: DeskAction, barcode: str, part: str) -> None:
    try:
        await action.context.system.check_in(barcode, f"{action.key}:{part}", fill_hold=False)
    except Refused as refused:
        if refused.reason is RefusalReason.UNSUPPORTED_SERVICE:
            await _require_item_back(action, barcode, part, refused)
        elif refused.reason not in (RefusalReason.NOT_CHECKED_OUT, RefusalReason.UNKNOWN_ITEM):
            raise


async def _require_item_back(action: DeskAction, barcode: str, part: str, refused: Refused) -> None:
    """Require an item that staff have taken back in a system that can't be told of a return: nothing is left to be done
    as soon as it is on loan no more. Where it can't be asked either, staff's word counts. Raises Refused."""
    system = action.context.system
    item = await action.context.find_item(barcode)
    if item is None:
        return
    if action.event.kind in _ENDS_OF_LOANS and isinstance(system, RemembersLoans):
        await system.forget_returned_loan(barcode, f"{action.key}:{part}")
    if await system.item_loan(item.id) is not None:
        raise Refused(
            RefusalReason.UNSUPPORTED_SERVICE,
            write_sentence(
                "Check in %(barcode)s in the library system, then repeat this step here. The library system has no "
                "interface for this return.",
                barcode=barcode,
            ),
            about=MessagePart.ITEM,
            internal=refused.detail,
        ) from refused


_ENDS_OF_LOANS = frozenset({EventKind.RETURNED_BY_PATRON, EventKind.CHECKED_IN, EventKind.SETTLED})
"""By these staff say that an item isn't out any more."""


async def find_own_loan(action: DeskAction, barcode: str) -> Loan | None:
    """The open loan of the item, if it is this request's."""
    item = await action.context.find_item(barcode)
    loan = await action.context.system.item_loan(item.id) if item is not None else None
    return loan if loan is not None and loan.request_id == action.request.number else None


async def mark_item(action: DeskAction, barcode: str, status: ItemStatus, key: str) -> None:
    """A system that takes no status keeps its own: staff see to it there."""
    if Capability.STATUS_UPDATE in action.context.system.capabilities:
        await action.context.system.set_item_status(barcode, status, key)
