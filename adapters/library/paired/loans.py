"""Loans of a pair: made by one system, and ended, renewed or changed by the same or the other."""

from __future__ import annotations

from adapters.library.paired.changes import PairMemory
from adapters.library.paired.holds import PairedHoldDesk
from adapters.library.paired.options import PairedTask
from adapters.library.paired.patrons import PairedPatronDesk
from adapters.library.paired.sides import SystemSide, require_reference
from adapters.library.paired.systems import PairedSystems
from adapters.library.refusals import make_refusal
from gateway.domain.library import BlockScope, HoldStatus, IdentifierType, ItemStatus, Loan
from gateway.domain.problems import RefusalReason, Refused
from gateway.domain.value import replace, value_object
from gateway.ports.library_operations import DueDateChange, LoanCheckIn, LoanCheckOut, LoanRecall, Renewal
from gateway.ports.library_system import CheckedIn, PatronKey

CAUGHT = (ItemStatus.ON_HOLD_SHELF, ItemStatus.IN_TRANSIT)
CAUGHT_HOLDS = (HoldStatus.READY, HoldStatus.IN_TRANSIT)


@value_object
class PairedLoanDesk:
    systems: PairedSystems
    patrons: PairedPatronDesk
    holds: PairedHoldDesk
    memory: PairMemory

    async def find_loan(self, item_id: str) -> Loan | None:
        side = await self.systems.find_side_of_known_item(item_id, PairedTask.CHECK_OUT)
        if side is None:
            return None
        loan = await side.system.item_loan(await side.item_number(item_id))
        return await side.describe_loan(loan) if loan is not None else None

    async def check_out(self, wish: LoanCheckOut, key: str) -> Loan:
        barcode, patron_id, request_id = wish.barcode, wish.patron_id, wish.request_id
        side = await self.systems.find_side_of_item(barcode, PairedTask.CHECK_OUT)
        if side.copies is not None and not wish.override:
            await self.patrons.refuse_blocked(patron_id, BlockScope.BORROW)
        native = await side.require_patron(patron_id)
        if not request_id and side is not self.systems.side_of_temporary_items and not self.systems.is_apart:
            request_id = await self._find_request(barcode)
        loan = await side.system.change(replace(wish, patron_id=native, request_id=request_id), key)
        if side.copies is not None:
            await self.memory.keep_borrower(barcode, patron_id, key)
        return side.name_loan(loan, patron_id)

    async def _find_request(self, barcode: str) -> str:
        """The number of the request for which a partner's item is here, which the system that lends can't know; empty
        for an item of the library's own."""
        system = self.systems.side_of_temporary_items.system
        item = await system.item_by_barcode(barcode)
        holds = await system.item_holds(item.id) if item.temporary else ()
        return next((hold.request_id for hold in holds if hold.request_id), "")

    async def set_due_date(self, wish: DueDateChange, key: str) -> Loan:
        reference = require_reference(wish.loan_id, RefusalReason.NOT_CHECKED_OUT)
        side = (
            self.systems.select_side(reference.side)
            if self.systems.is_apart
            else self.systems.select_side_of(PairedTask.DUE_DATES)
        )
        number = reference.number
        if side.side is not reference.side:
            loan = await side.system.item_loan((await side.system.item_by_barcode(reference.barcode)).id)
            if loan is None:
                raise make_refusal(RefusalReason.NOT_CHECKED_OUT)
            number = loan.id
        return await self._merge_loan(side, await side.system.change(replace(wish, loan_id=number), key))

    async def _merge_loan(self, side: SystemSide, loan: Loan) -> Loan:
        """Merge what another system than the one that lends has changed into the loan as the latter has it."""
        lends = side if self.systems.is_apart else self.systems.select_side_of(PairedTask.CHECK_OUT)
        if side is lends:
            return await side.describe_loan(loan)
        known = await self.find_loan(loan.item_barcode)
        if known is None:
            return await side.describe_loan(loan)
        return replace(known, due=loan.due, renewals=max(known.renewals, loan.renewals), recalled=loan.recalled)

    async def check_in(self, wish: LoanCheckIn, key: str) -> CheckedIn:
        """Check in an item, maybe by another system than the one that lends: the loan is the latter's, so that whoever
        has its number knows it again; what it was is remembered for a repeat."""
        barcode = wish.barcode
        side = (
            await self._find_side_of_returned_item(barcode)
            if self.systems.is_apart
            else self.systems.select_side_of(PairedTask.CHECK_IN)
        )
        lends = side if self.systems.is_apart else self.systems.select_side_of(PairedTask.CHECK_OUT)
        loan = await self._find_loan_to_end(barcode) if side is not lends else None
        if loan is not None:
            await self.memory.keep_loan(barcode, key, loan)
        done = await side.describe_return(await side.system.change(wish, key))
        known = await self.memory.find_loan(key) if side is not lends else None
        if known is not None and done.loan is not None:
            done = replace(done, loan=replace(known, returned=done.loan.returned))
        if not self.systems.is_apart:
            done = await self._describe_across(done)
        return await self._name_borrower(done)

    async def _find_loan_to_end(self, barcode: str) -> Loan | None:
        """None too for an item that is deleted: a repeat may come later than that."""
        try:
            return await self.find_loan(barcode)
        except Refused as refused:
            if refused.reason is not RefusalReason.UNKNOWN_ITEM:
                raise
            return None

    async def _name_borrower(self, done: CheckedIn) -> CheckedIn:
        if done.loan is None or not done.loan.patron_id:
            return done
        who = PatronKey(done.loan.patron_id, (IdentifierType.INTERNAL.value,))
        return replace(done, patron=await self.systems.find_main_patron(who))

    async def _describe_across(self, done: CheckedIn) -> CheckedIn:
        """Describe a check-in with the item as the catalogue's system has it, and the hold as that which keeps
        holds."""
        took_back = self.systems.select_side_of(PairedTask.CHECK_IN)
        item, hold = done.item, done.next_hold
        if self.systems.select_side_of(PairedTask.CATALOGUE) is not took_back:
            try:
                item = await self.systems.look_up_item(item.barcode)
            except Refused as refused:
                if refused.reason is not RefusalReason.UNKNOWN_ITEM:  # deleted since
                    raise
            if done.item.status is ItemStatus.IN_TRANSIT:  # Koha's REST API doesn't show where an item travels
                item = replace(item, status=ItemStatus.IN_TRANSIT)
        if (
            self.systems.select_side_of(PairedTask.REQUESTS) is not took_back
            and item.status in CAUGHT
            and not done.repeated
        ):
            caught = (other for other in await self.holds.list_item_holds(item.id) if other.status in CAUGHT_HOLDS)
            hold = next(caught, hold)
        return replace(done, item=item, next_hold=hold)

    async def _find_side_of_returned_item(self, barcode: str) -> SystemSide:
        """A repeat may come when a partner's item is deleted already: the system that had it knows it still."""
        try:
            return (await self.systems.find_item(barcode))[0]
        except Refused as refused:
            if refused.reason is RefusalReason.UNKNOWN_ITEM:
                return self.systems.second
            raise

    async def renew_loan(self, wish: Renewal, key: str) -> Loan:
        side = await self.systems.find_side_of_item(wish.barcode, PairedTask.RENEWALS)
        native = await side.require_patron(wish.patron_id) if wish.patron_id else ""
        loan = await side.system.change(replace(wish, patron_id=native), key)
        return await self._merge_loan(side, loan)

    async def recall_loan(self, wish: LoanRecall, key: str) -> Loan:
        side = await self.systems.find_side_of_item(wish.barcode, PairedTask.RECALLS)
        return await self._merge_loan(side, await side.system.change(wish, key))
