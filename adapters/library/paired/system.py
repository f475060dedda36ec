"""The port `LibrarySystem` on two systems: each does what the settings say. What each method refuses stands at the
port.

Where both are ways to the same data (`shared`), a task leads to one of them, whatever it is about. Where the second
keeps partners' items apart (`apart`), the item leads: all that is done with one of its items, it does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, datetime
from typing import TypeVar

from adapters.library.paired.loan_memory import LoanMemory
from adapters.library.paired.options import TASKS, PairedOptions, PairedTask
from adapters.library.paired.references import PairedSide, parse_reference
from adapters.library.paired.side_changes import SideChanges
from adapters.library.paired.sides import PatronCopies, SystemSide, require_reference
from adapters.library.parallel_questions import ask_together
from adapters.library.refusals import make_refusal, refuse_blocked
from gateway.domain.library import (
    Bib,
    BlockScope,
    Charge,
    Hold,
    HoldStatus,
    IdentifierType,
    Item,
    ItemStatus,
    Loan,
    Location,
    Money,
    Patron,
    PatronDraft,
    PickupLocation,
    RecordId,
)
from gateway.domain.problems import RefusalReason, Refused
from gateway.ports.adapter import LibraryAdapterContext
from gateway.ports.library_system import (
    BibHoldings,
    Capability,
    CheckedIn,
    HoldsConnections,
    HoldWish,
    LibraryCodes,
    LibraryInfo,
    LibrarySystem,
    ListsCodes,
    PatronKey,
    ProbesItself,
    ProbeStep,
    TemporaryItem,
    TemporaryItemResult,
)
from gateway.ports.limited_library import refuse_unsupported

R = TypeVar("R")

TEMPORARY = frozenset(
    {
        Capability.TEMPORARY_ITEM,
        Capability.ITEM_WITHOUT_HOLD,
        Capability.HOLD_SHELF,
        Capability.SHELF_CHOICE,
        Capability.SUPPRESS,
        Capability.CHANGE_BARCODE,
        Capability.ITEM_BY_REQUEST,
    }
)
"""What is about partners' items."""

CAUGHT = (ItemStatus.ON_HOLD_SHELF, ItemStatus.IN_TRANSIT)
CAUGHT_HOLDS = (HoldStatus.READY, HoldStatus.IN_TRANSIT)
GONE = (
    RefusalReason.UNKNOWN_PATRON,
    RefusalReason.IN_USE,
    RefusalReason.NOT_ALLOWED,
    RefusalReason.UNSUPPORTED_SERVICE,
)
"""Why a copy of a patron may stay, or is gone already."""


async def open_pair(context: LibraryAdapterContext, options: PairedOptions) -> PairedLibrary:
    """Opens both. Raises Unavailable, ConfigurationError."""
    systems = []
    for side, nested in ((PairedSide.MAIN, options.main), (PairedSide.SECOND, options.second)):
        own = replace(context, changes=SideChanges(context.changes, f"{side.value}/"))
        systems.append(await context.open_other(own, nested))
    return PairedLibrary(context, options, *systems)


class PairedLibrary:
    def __init__(
        self, context: LibraryAdapterContext, options: PairedOptions, main: LibrarySystem, second: LibrarySystem
    ) -> None:
        self._context = context
        self._options = options
        apart = options.data == "apart"
        number = options.patron_number
        copies = PatronCopies(options.copy_category, options.copy_branch) if apart else None
        self._memory = LoanMemory(SideChanges(context.changes, "pair/"), context.clock)
        self._main = SystemSide(PairedSide.MAIN, main, number)
        self._second = SystemSide(PairedSide.SECOND, second, number, apart, copies, main, self._memory)
        self._is_apart = apart

    # --- who does what -----------------------------------------------------------------------------------

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Apart, those of the main system, and partners' items by the second: a promise must hold for all items."""
        able = {one for one in Capability if one in self._side_that_can(one).system.capabilities}
        if self._side_of(PairedTask.REQUESTS) is not self._side_of(PairedTask.CATALOGUE) and not self._is_apart:
            able.discard(Capability.HOLD_TITLE)  # one's numbers of titles mean nothing to the other
        return frozenset(able)

    def capabilities_of_item(self, barcode: str, loan_id: str) -> frozenset[Capability]:
        """See `ports.library_system.DiffersByItem`."""
        found = parse_reference(loan_id)
        if self._is_apart and found is not None:
            return self._side(found.side).system.capabilities
        return self.capabilities

    def _side(self, side: PairedSide) -> SystemSide:
        return self._main if side is PairedSide.MAIN else self._second

    def _side_of(self, task: PairedTask | None) -> SystemSide:
        return self._second if task in self._options.second_does and not self._is_apart else self._main

    def _side_that_can(self, capability: Capability) -> SystemSide:
        return self._keeper if capability in TEMPORARY else self._side_of(TASKS.get(capability))

    @property
    def _keeper(self) -> SystemSide:
        """Of partners' items."""
        return self._second if self._is_apart else self._side_of(PairedTask.REQUESTS)

    async def _side_of_item(self, barcode: str, task: PairedTask) -> SystemSide:
        """Raises Refused(UNKNOWN_ITEM) where the second keeps its items apart and neither knows it."""
        if not self._is_apart:
            return self._side_of(task)
        return (await self._find_item(barcode))[0]

    async def _find_item(self, barcode: str) -> tuple[SystemSide, Item]:
        """Apart, a partner's item comes first: nobody gives one the barcode of an item of the library's own."""
        if not self._is_apart:
            side = self._side_of(PairedTask.CATALOGUE)
            return side, await side.system.item_by_barcode(barcode)
        try:
            return self._second, await self._second.system.item_by_barcode(barcode)
        except Refused as refused:
            if refused.reason is not RefusalReason.UNKNOWN_ITEM:
                raise
        return self._main, await self._main.system.item_by_barcode(barcode)

    @property
    def _sides(self) -> tuple[SystemSide, SystemSide]:
        return self._main, self._second

    # --- both --------------------------------------------------------------------------------------------

    async def ping(self) -> None:
        await ask_together(self._main.system.ping(), self._second.system.ping())

    async def info(self) -> LibraryInfo:
        return self._context.info

    async def close_connections(self) -> None:
        """See `ports.library_system.HoldsConnections`."""
        for side in self._sides:
            if isinstance(side.system, HoldsConnections):
                await side.system.close_connections()

    async def probe(self) -> tuple[ProbeStep, ...]:
        """See `ports.library_system.ProbesItself`."""
        steps: list[ProbeStep] = []
        for side in self._sides:
            if isinstance(side.system, ProbesItself):
                steps += [_name_step(step, side.side) for step in await side.system.probe()]
        return tuple(steps)

    async def codes(self) -> LibraryCodes:
        """See `ports.library_system.ListsCodes`: of items where partners' items are kept, of patrons and fees in the
        main system, unless the second has the task."""
        items = await _list_codes(self._keeper.system)
        patrons = await _list_codes(self._side_of(PairedTask.NEW_PATRONS).system)
        fees = await _list_codes(self._side_of(PairedTask.FEES).system)
        return LibraryCodes(
            items.branches,
            items.shelves,
            items.item_policies,
            patrons.patron_categories,
            fees.fee_types,
            items.sharing_branch,
        )

    # patrons
    async def find_patron(self, key: PatronKey) -> Patron:
        """Apart, with what the patron has of partners' items."""
        patron = await self._find_in_main(key)
        if not self._is_apart:
            return patron
        copy = await self._find_copy(patron.id)
        if copy is None:
            return patron
        return replace(
            patron, loan_count=patron.loan_count + copy.loan_count, hold_count=patron.hold_count + copy.hold_count
        )

    async def _find_in_main(self, key: PatronKey) -> Patron:
        if key.types == (IdentifierType.INTERNAL.value,):
            return self._main.name_patron(await self._main.find_patron(key.value))
        return self._main.name_patron(await self._main.system.find_patron(key))

    async def _find_copy(self, number: str) -> Patron | None:
        try:
            return await self._second.find_patron(number)
        except Refused as refused:
            if refused.reason is RefusalReason.UNKNOWN_PATRON:
                return None
            raise

    async def authenticate(self, key: PatronKey, secret: str) -> Patron:
        side = self._side_of(PairedTask.AUTHENTICATION)
        known = side.name_patron(await side.system.authenticate(key, secret))
        return await self.find_patron(PatronKey(known.id, (IdentifierType.INTERNAL.value,)))

    async def patron_loans(self, patron_id: str) -> tuple[Loan, ...]:
        async def list_loans(side: SystemSide, native: str) -> tuple[Loan, ...]:
            return tuple(side.name_loan(loan, patron_id) for loan in await side.system.patron_loans(native))

        found = await self._gather_lists(patron_id, PairedTask.CHECK_OUT, list_loans)
        return tuple(sorted(found, key=lambda loan: loan.due))

    async def patron_holds(self, patron_id: str) -> tuple[Hold, ...]:
        async def list_holds(side: SystemSide, native: str) -> tuple[Hold, ...]:
            return tuple(side.name_hold(hold, patron_id) for hold in await side.system.patron_holds(native))

        found = await self._gather_lists(patron_id, PairedTask.REQUESTS, list_holds)
        return tuple(sorted(found, key=lambda hold: hold.placed))

    async def patron_charges(self, patron_id: str) -> tuple[Charge, ...]:
        async def list_charges(side: SystemSide, native: str) -> tuple[Charge, ...]:
            if self._is_apart and Capability.FEES_READ not in side.system.capabilities:
                return ()
            return tuple(side.name_charge(one, patron_id) for one in await side.system.patron_charges(native))

        if Capability.FEES_READ not in self.capabilities:
            refuse_unsupported("list fees")
        found = await self._gather_lists(patron_id, PairedTask.FEES, list_charges)
        return tuple(sorted(found, key=lambda charge: charge.posted))

    async def _gather_lists(
        self, number: str, task: PairedTask, list_records: Callable[[SystemSide, str], Awaitable[tuple[R, ...]]]
    ) -> tuple[R, ...]:
        """Of the system that has the task; apart, of both."""
        if not self._is_apart:
            side = self._side_of(task)
            return await list_records(side, await side.require_patron(number))
        found = await list_records(self._main, await self._main.require_patron(number))
        copy = await self._find_copy(number)
        return found if copy is None else (*found, *await list_records(self._second, copy.id))

    async def create_patron(self, draft: PatronDraft, key: str) -> Patron:
        side = self._side_of(PairedTask.NEW_PATRONS)
        return side.name_patron(await side.system.create_patron(draft, key))

    async def update_patron(self, patron_id: str, draft: PatronDraft, key: str) -> Patron:
        side = self._side_of(PairedTask.NEW_PATRONS)
        return side.name_patron(await side.system.update_patron(await side.require_patron(patron_id), draft, key))

    async def expire_patron(self, patron_id: str, on: date, key: str) -> Patron:
        side = self._side_of(PairedTask.NEW_PATRONS)
        return side.name_patron(await side.system.expire_patron(await side.require_patron(patron_id), on, key))

    async def delete_patron(self, patron_id: str, key: str) -> Patron:
        side = self._side_of(PairedTask.NEW_PATRONS)
        gone = side.name_patron(await side.system.delete_patron(await side.require_patron(patron_id), key))
        if self._is_apart:
            await self._drop_copy(patron_id, key)
        return gone

    async def _drop_copy(self, number: str, key: str) -> None:
        """The second system forgets who it was, as soon as nothing of a partner's is with the patron."""
        copy = await self._find_copy(number) if number else None
        if copy is None or Capability.PATRON_DELETE not in self._second.system.capabilities:
            return
        try:
            await self._second.system.delete_patron(copy.id, f"{key}:copy")
        except Refused as refused:
            if refused.reason not in GONE:
                raise

    # catalogue
    async def find_bib(self, record: RecordId) -> Bib:
        found = parse_reference(record.value) if record.type == "local" else None
        if found is not None:
            return await self.get_bib(record.value)
        side = self._side_of(PairedTask.CATALOGUE)
        return side.name_bib(await side.system.find_bib(record))

    async def search_bibs(self, query: str, limit: int = 20) -> tuple[Bib, ...]:
        side = self._side_of(PairedTask.CATALOGUE)
        return tuple(side.name_bib(bib) for bib in await side.system.search_bibs(query, limit))

    async def holdings(self, bib_id: str) -> BibHoldings:
        found = require_reference(bib_id, RefusalReason.UNKNOWN_RECORD)
        side = self._side(found.side)
        there = await side.system.holdings(found.number)
        return replace(there, bib=side.name_bib(there.bib), items=tuple(map(side.name_item, there.items)))

    async def item_by_barcode(self, barcode: str) -> Item:
        side, item = await self._find_item(barcode)
        return side.name_item(item)

    async def item_by_request(self, request_id: str) -> Item:
        """Apart, of a partner's item first."""
        if not self._is_apart:
            side = self._keeper
            return await self.item_by_barcode((await side.system.item_by_request(request_id)).barcode)
        try:
            return self._second.name_item(await self._second.system.item_by_request(request_id))
        except Refused as refused:
            has_own = Capability.ITEM_BY_REQUEST in self._main.system.capabilities
            if refused.reason is not RefusalReason.UNKNOWN_ITEM or not has_own:
                raise
        return self._main.name_item(await self._main.system.item_by_request(request_id))

    async def get_bib(self, bib_id: str) -> Bib:
        found = require_reference(bib_id, RefusalReason.UNKNOWN_RECORD)
        side = self._side(found.side)
        return side.name_bib(await side.system.get_bib(found.number))

    async def item_loan(self, item_id: str) -> Loan | None:
        side = await self._side_of_known_item(item_id, PairedTask.CHECK_OUT)
        if side is None:
            return None
        loan = await side.system.item_loan(await side.item_number(item_id))
        return await side.describe_loan(loan) if loan is not None else None

    async def item_holds(self, item_id: str) -> tuple[Hold, ...]:
        side = await self._side_of_known_item(item_id, PairedTask.REQUESTS)
        if side is None:
            return ()
        return tuple(
            [await side.describe_hold(one) for one in await side.system.item_holds(await side.item_number(item_id))]
        )

    async def _side_of_known_item(self, item_id: str, task: PairedTask) -> SystemSide | None:
        """None for an item that is gone."""
        found = parse_reference(item_id)
        if found is not None:
            return self._side(found.side)
        try:
            return await self._side_of_item(item_id, task)
        except Refused as refused:
            if refused.reason is RefusalReason.UNKNOWN_ITEM:
                return None
            raise

    # holds
    async def place_hold(self, wish: HoldWish, key: str) -> Hold:
        if wish.item_barcode:
            side = await self._side_of_item(wish.item_barcode, PairedTask.REQUESTS)
            bib_id = ""
        else:
            found = require_reference(wish.bib_id, RefusalReason.UNKNOWN_RECORD)
            side, bib_id = self._side_of(PairedTask.REQUESTS), found.number
            if found.side is not side.side:
                refuse_unsupported("place a hold on a title that the other system of the pair looks up")
        if side.copies is not None:
            await self._refuse_blocked_in_main(wish.patron_id, BlockScope.REQUEST)
        native = replace(wish, patron_id=await side.require_patron(wish.patron_id), bib_id=bib_id)
        return side.name_hold(await side.system.place_hold(native, key), wish.patron_id)

    async def _refuse_blocked_in_main(self, number: str, scope: BlockScope) -> None:
        """A copy has none of the blocks of its patron."""
        today = self._context.clock.now().astimezone(self._context.zone).date()
        refuse_blocked(await self._main.find_patron(number), scope, today)

    async def find_hold(self, request_id: str) -> Hold:
        """Apart, of both; what is open comes before what has ended.

        Raises Refused(UNKNOWN_REQUEST | AMBIGUOUS_REQUEST), Unavailable."""
        if not self._is_apart:
            side = self._side_of(PairedTask.REQUESTS)
            return await side.describe_hold(await side.system.find_hold(request_id))
        found = []
        for side in self._sides:
            try:
                found.append(await side.describe_hold(await side.system.find_hold(request_id)))
            except Refused as refused:
                if refused.reason is not RefusalReason.UNKNOWN_REQUEST:
                    raise
        open_ones = [hold for hold in found if hold.status.is_open]
        if len(open_ones) > 1:
            raise make_refusal(RefusalReason.AMBIGUOUS_REQUEST)
        if not found:
            raise make_refusal(RefusalReason.UNKNOWN_REQUEST)
        return (open_ones or found[::-1])[0]

    async def cancel_hold(self, hold_id: str, key: str) -> Hold:
        found = require_reference(hold_id, RefusalReason.UNKNOWN_REQUEST)
        side = self._side(found.side)
        return await side.describe_hold(await side.system.cancel_hold(found.number, key))

    async def update_hold(
        self,
        hold_id: str,
        key: str,
        *,
        pickup: str | None = None,
        need_by: date | None = None,
        expires: date | None = None,
    ) -> Hold:
        found = require_reference(hold_id, RefusalReason.UNKNOWN_REQUEST)
        side = self._side(found.side)
        changed = await side.system.update_hold(found.number, key, pickup=pickup, need_by=need_by, expires=expires)
        return await side.describe_hold(changed)

    # temporary records
    async def create_temporary_item(self, item: TemporaryItem, key: str) -> TemporaryItemResult:
        """Apart, a barcode of the library's own is refused too: it would lead to the partner's item from then on."""
        side = self._keeper
        if self._is_apart:
            await self._refuse_own_barcode(item.barcode)
        number = item.hold.patron_id if item.hold is not None else ""
        if item.hold is not None:
            item = replace(item, hold=replace(item.hold, patron_id=await side.require_patron(number)))
        return side.name_result(await side.system.create_temporary_item(item, key), number)

    async def _refuse_own_barcode(self, barcode: str) -> None:
        """Raises Refused(DUPLICATE_ITEM)."""
        try:
            await self._main.system.item_by_barcode(barcode)
        except Refused as refused:
            if refused.reason is RefusalReason.UNKNOWN_ITEM:
                return
            raise
        raise make_refusal(RefusalReason.DUPLICATE_ITEM)

    async def delete_temporary_item(self, barcode: str, key: str) -> Item:
        side = self._keeper
        holders = await self._list_holders(barcode) if self._is_apart else ()
        try:
            gone = await side.system.delete_temporary_item(barcode, key)
        except Refused as refused:
            if refused.reason is RefusalReason.UNKNOWN_ITEM and self._is_apart:
                await self._main.system.item_by_barcode(barcode)
                raise make_refusal(RefusalReason.NOT_ALLOWED, "an item of the library's own") from refused
            raise
        for number in holders:
            await self._drop_copy(number, f"{key}:{number}")
        return side.name_item(gone)

    async def _list_holders(self, barcode: str) -> tuple[str, ...]:
        """Patrons who wait for a partner's item, or had it last."""
        second = self._second
        try:
            item = await second.system.item_by_barcode(barcode)
        except Refused as refused:
            if refused.reason is RefusalReason.UNKNOWN_ITEM:
                return ()
            raise
        native = [hold.patron_id for hold in await second.system.item_holds(item.id)]
        last = await self._memory.last_borrower(barcode)
        numbers = [await second.number_of_patron(one) for one in native]
        return tuple(dict.fromkeys(number for number in (*numbers, last) if number))

    async def change_barcode(self, barcode: str, new: str, key: str) -> Item:
        side = self._keeper
        if self._is_apart:
            await self._refuse_own_barcode(new)
        try:
            return side.name_item(await side.system.change_barcode(barcode, new, key))
        except Refused as refused:
            if refused.reason is RefusalReason.UNKNOWN_ITEM and self._is_apart:
                await self._main.system.item_by_barcode(barcode)
                raise make_refusal(RefusalReason.NOT_ALLOWED, "an item of the library's own") from refused
            raise

    async def create_item(self, item: TemporaryItem, key: str) -> TemporaryItemResult:
        side = self._side_of(PairedTask.REQUESTS)
        return side.name_result(await side.system.create_item(item, key), "")

    # circulation
    async def check_out(
        self,
        barcode: str,
        patron_id: str,
        key: str,
        *,
        due: datetime | None = None,
        request_id: str = "",
        override: bool = False,
    ) -> Loan:
        side = await self._side_of_item(barcode, PairedTask.CHECK_OUT)
        if side.copies is not None and not override:
            await self._refuse_blocked_in_main(patron_id, BlockScope.BORROW)
        native = await side.require_patron(patron_id)
        if not request_id and side is not self._keeper and not self._is_apart:
            request_id = await self._find_request(barcode)
        loan = await side.system.check_out(barcode, native, key, due=due, request_id=request_id, override=override)
        if side.copies is not None:
            await self._memory.keep_borrower(barcode, patron_id, key)
        return side.name_loan(loan, patron_id)

    async def _find_request(self, barcode: str) -> str:
        """The number of the request for which a partner's item is here, which the system that lends can't know; empty
        for an item of the library's own."""
        system = self._keeper.system
        item = await system.item_by_barcode(barcode)
        holds = await system.item_holds(item.id) if item.temporary else ()
        return next((hold.request_id for hold in holds if hold.request_id), "")

    async def set_due_date(self, loan_id: str, due: datetime, key: str) -> Loan:
        found = require_reference(loan_id, RefusalReason.NOT_CHECKED_OUT)
        side = self._side(found.side) if self._is_apart else self._side_of(PairedTask.DUE_DATES)
        number = found.number
        if side.side is not found.side:
            loan = await side.system.item_loan((await side.system.item_by_barcode(found.barcode)).id)
            if loan is None:
                raise make_refusal(RefusalReason.NOT_CHECKED_OUT)
            number = loan.id
        return await self._merge_loan(side, await side.system.set_due_date(number, due, key))

    async def _merge_loan(self, side: SystemSide, loan: Loan) -> Loan:
        """What another system than the one that lends has changed, on the loan as the latter has it."""
        lends = side if self._is_apart else self._side_of(PairedTask.CHECK_OUT)
        if side is lends:
            return await side.describe_loan(loan)
        known = await self.item_loan(name_of_loaned_item(loan))
        if known is None:
            return await side.describe_loan(loan)
        return replace(known, due=loan.due, renewals=max(known.renewals, loan.renewals), recalled=loan.recalled)

    async def check_in(self, barcode: str, key: str, *, at: str = "", fill_hold: bool = True) -> CheckedIn:
        """By another system than the one that lends: the loan is the latter's, so that whoever has its number knows it
        again; what it was is remembered for a repeat."""
        side = await self._side_of_returned_item(barcode) if self._is_apart else self._side_of(PairedTask.CHECK_IN)
        lends = side if self._is_apart else self._side_of(PairedTask.CHECK_OUT)
        loan = await self._find_loan_to_end(barcode) if side is not lends else None
        if loan is not None:
            await self._memory.keep_loan(barcode, key, loan)
        done = await side.describe_return(await side.system.check_in(barcode, key, at=at, fill_hold=fill_hold))
        known = await self._memory.find_loan(key) if side is not lends else None
        if known is not None and done.loan is not None:
            done = replace(done, loan=replace(known, returned=done.loan.returned))
        if not self._is_apart:
            done = await self._describe_across(done)
        return await self._name_borrower(done)

    async def _find_loan_to_end(self, barcode: str) -> Loan | None:
        """None too for an item that is deleted: a repeat may come later than that."""
        try:
            return await self.item_loan(barcode)
        except Refused as refused:
            if refused.reason is not RefusalReason.UNKNOWN_ITEM:
                raise
            return None

    async def _name_borrower(self, done: CheckedIn) -> CheckedIn:
        if done.loan is None or not done.loan.patron_id:
            return done
        who = PatronKey(done.loan.patron_id, (IdentifierType.INTERNAL.value,))
        return replace(done, patron=await self._find_in_main(who))

    async def _describe_across(self, done: CheckedIn) -> CheckedIn:
        """With the item as the catalogue's system has it, and the hold as that which keeps holds."""
        took_back = self._side_of(PairedTask.CHECK_IN)
        item, hold = done.item, done.next_hold
        if self._side_of(PairedTask.CATALOGUE) is not took_back:
            try:
                item = await self.item_by_barcode(item.barcode)
            except Refused as refused:
                if refused.reason is not RefusalReason.UNKNOWN_ITEM:  # deleted since
                    raise
            if done.item.status is ItemStatus.IN_TRANSIT:  # Koha's REST API doesn't show where an item travels
                item = replace(item, status=ItemStatus.IN_TRANSIT)
        if self._side_of(PairedTask.REQUESTS) is not took_back and item.status in CAUGHT and not done.repeated:
            caught = (one for one in await self.item_holds(item.id) if one.status in CAUGHT_HOLDS)
            hold = next(caught, hold)
        return replace(done, item=item, next_hold=hold)

    async def _side_of_returned_item(self, barcode: str) -> SystemSide:
        """A repeat may come when a partner's item is deleted already: the system that had it knows it still."""
        try:
            return (await self._find_item(barcode))[0]
        except Refused as refused:
            if refused.reason is RefusalReason.UNKNOWN_ITEM:
                return self._second
            raise

    async def renew_loan(
        self,
        barcode: str,
        key: str,
        *,
        patron_id: str = "",
        due: datetime | None = None,
        latest: datetime | None = None,
    ) -> Loan:
        side = await self._side_of_item(barcode, PairedTask.RENEWALS)
        native = await side.require_patron(patron_id) if patron_id else ""
        loan = await side.system.renew_loan(barcode, key, patron_id=native, due=due, latest=latest)
        return await self._merge_loan(side, loan)

    async def recall_loan(self, barcode: str, key: str, *, due: datetime | None = None) -> Loan:
        side = await self._side_of_item(barcode, PairedTask.RECALLS)
        return await self._merge_loan(side, await side.system.recall_loan(barcode, key, due=due))

    async def set_item_status(self, barcode: str, status: ItemStatus, key: str) -> Item:
        side = await self._side_of_item(barcode, PairedTask.STATUSES)
        await side.system.set_item_status(barcode, status, key)
        return await self.item_by_barcode(barcode)

    # location
    async def move_to_ill(self, barcode: str, location: Location, key: str) -> Item:
        side = await self._side_of_item(barcode, PairedTask.LOCATIONS)
        await side.system.move_to_ill(barcode, location, key)
        return await self.item_by_barcode(barcode)

    async def return_home(self, barcode: str, key: str) -> Item:
        side = await self._side_of_item(barcode, PairedTask.LOCATIONS)
        await side.system.return_home(barcode, key)
        return await self.item_by_barcode(barcode)

    # money
    async def post_fee(
        self,
        patron_id: str,
        amount: Money,
        type_: str,
        key: str,
        *,
        description: str = "",
        item_barcode: str = "",
        request_id: str = "",
    ) -> Charge:
        """Apart, in the main system, where the patron pays; the item is named by words there, since it has none."""
        side = self._side_of(PairedTask.FEES)
        native = await side.require_patron(patron_id)
        if self._is_apart and item_barcode and (await self._find_item(item_barcode))[0] is not side:
            description, item_barcode = f"{description} ({item_barcode})".strip(), ""
        charge = await side.system.post_fee(
            native, amount, type_, key, description=description, item_barcode=item_barcode, request_id=request_id
        )
        return side.name_charge(charge, patron_id)

    # reference
    async def pickup_locations(self) -> tuple[PickupLocation, ...]:
        return await self._side_of(PairedTask.PICKUPS).system.pickup_locations()


def name_of_loaned_item(loan: Loan) -> str:
    return loan.item_barcode


def _name_step(step: ProbeStep, side: PairedSide) -> ProbeStep:
    key = f"{side.value}.{step.key}" if step.key else ""
    return replace(step, name=f"{side.value} {step.name}", key=key)


async def _list_codes(system: LibrarySystem) -> LibraryCodes:
    return await system.codes() if isinstance(system, ListsCodes) else LibraryCodes()
