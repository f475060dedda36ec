"""The port `LibrarySystem` on two systems: each does what the settings say. What each method refuses stands at the
port."""

from __future__ import annotations

from functools import partial
from typing import TypeVar

from adapters.library.paired.changes import PairMemory, SideChanges
from adapters.library.paired.holds import PairedHoldDesk
from adapters.library.paired.loans import PairedLoanDesk
from adapters.library.paired.options import PairedOptions, PairedTask
from adapters.library.paired.patrons import PairedPatronDesk
from adapters.library.paired.sides import PairedSide, PatronCopyRules, SystemSide, parse_reference, require_reference
from adapters.library.paired.systems import PairedSystems
from adapters.library.paired.temporary_items import PairedTemporaryItemDesk
from adapters.library.parallel_questions import ask_together
from gateway.domain.library import Bib, Charge, Hold, Item, Loan, Patron, PickupLocation, RecordId
from gateway.domain.problems import RefusalReason, Refused
from gateway.domain.value import replace
from gateway.ports.adapter import LibraryAdapterContext
from gateway.ports.guarded_library import LibrarySystem
from gateway.ports.library_operations import (
    BarcodeChange,
    DueDateChange,
    Fee,
    HoldCancellation,
    HoldUpdate,
    ItemCreation,
    LoanCheckIn,
    LoanCheckOut,
    LoanRecall,
    MoveToIll,
    PatronCreation,
    PatronDeletion,
    PatronExpiry,
    PatronUpdate,
    Renewal,
    ReturnHome,
    StatusChange,
    TemporaryItemCreation,
    TemporaryItemDeletion,
)
from gateway.ports.library_system import (
    AlertsOperators,
    BibHoldings,
    Capability,
    HoldsConnections,
    HoldWish,
    LibraryCodes,
    LibraryOperation,
    ListsCodes,
    PatronKey,
    ProbesItself,
    ProbeStep,
)

R = TypeVar("R")


async def open_pair(context: LibraryAdapterContext, options: PairedOptions) -> PairedLibrary:
    """Opens both. Raises Unavailable, ConfigurationError."""
    systems = []
    for side, nested in ((PairedSide.MAIN, options.main), (PairedSide.SECOND, options.second)):
        own = replace(context, changes=SideChanges(context.changes, f"{side.value}/"))
        systems.append(await context.open_other(own, nested))
    return PairedLibrary(context, options, *systems)


class PairedLibrary(LibrarySystem):
    def __init__(
        self, context: LibraryAdapterContext, options: PairedOptions, main: LibrarySystem, second: LibrarySystem
    ) -> None:
        super().__init__(context)
        number = options.patron_number
        memory = PairMemory(SideChanges(context.changes, "pair/"), context.clock)
        is_apart = options.data == "apart"
        copies = PatronCopyRules(options.copy_category, options.copy_branch) if is_apart else None
        self._systems = PairedSystems(
            options,
            SystemSide(PairedSide.MAIN, main, number),
            SystemSide(PairedSide.SECOND, second, number, is_apart, copies, main, memory),
        )
        self._patrons = PairedPatronDesk(self._systems, context)
        self._holds = PairedHoldDesk(self._systems, self._patrons)
        temporary_items = PairedTemporaryItemDesk(self._systems, self._patrons, memory)
        self._loans = PairedLoanDesk(self._systems, self._patrons, self._holds, memory)

        self.handlers = {
            PatronCreation: self._patrons.create_patron,
            PatronUpdate: self._patrons.change_patron,
            PatronExpiry: self._patrons.change_patron,
            PatronDeletion: self._patrons.delete_patron,
            HoldWish: self._holds.place_hold,
            HoldCancellation: self._holds.change_hold,
            HoldUpdate: self._holds.change_hold,
            TemporaryItemCreation: temporary_items.make_item,
            TemporaryItemDeletion: temporary_items.delete_item,
            ItemCreation: temporary_items.make_lasting_item,
            BarcodeChange: temporary_items.change_barcode,
            LoanCheckOut: self._loans.check_out,
            DueDateChange: self._loans.set_due_date,
            LoanCheckIn: self._loans.check_in,
            Renewal: self._loans.renew_loan,
            LoanRecall: self._loans.recall_loan,
            StatusChange: partial(self._change_item, PairedTask.STATUSES),
            MoveToIll: partial(self._change_item, PairedTask.LOCATIONS),
            ReturnHome: partial(self._change_item, PairedTask.LOCATIONS),
            Fee: self._post_fee,
        }

    async def change(self, operation: LibraryOperation[R], key: str) -> R:
        """Each of the two systems guards what it is given, and may be able to do more than the pair promises."""
        return await self.carry_out(operation, key)

    async def _change_item(self, task: PairedTask, wish: StatusChange | MoveToIll | ReturnHome, key: str) -> Item:
        side = await self._systems.find_side_of_item(wish.barcode, task)
        await side.system.change(wish, key)
        return await self._systems.look_up_item(wish.barcode)

    async def _post_fee(self, fee: Fee, key: str) -> Charge:
        """Post a fee; apart, in the main system, where the patron pays; the item is named by words there, since it has
        none."""
        side = self._systems.select_side_of(PairedTask.FEES)
        native = replace(fee, patron_id=await side.require_patron(fee.patron_id))
        barcode = fee.item_barcode
        if self._systems.is_apart and barcode and (await self._systems.find_item(barcode))[0] is not side:
            native = replace(native, description=f"{fee.description} ({barcode})".strip(), item_barcode="")
        return side.name_charge(await side.system.change(native, key), fee.patron_id)

    @property
    def capabilities(self) -> frozenset[Capability]:
        return self._systems.capabilities

    def capabilities_of_item(self, barcode: str, loan_id: str) -> frozenset[Capability]:
        """See `ports.library_system.DiffersByItem`."""
        return self._systems.capabilities_of_item(barcode, loan_id)

    async def ping(self) -> None:
        await ask_together(self._systems.main.system.ping(), self._systems.second.system.ping())

    async def close_connections(self) -> None:
        """See `ports.library_system.HoldsConnections`."""
        for side in self._systems.both_sides:
            if isinstance(side.system, HoldsConnections):
                await side.system.close_connections()

    @property
    def alerts(self) -> tuple[str, ...]:
        """See `ports.library_system.AlertsOperators`."""
        systems = (side.system for side in self._systems.both_sides)
        return tuple(alert for system in systems if isinstance(system, AlertsOperators) for alert in system.alerts)

    async def probe(self) -> tuple[ProbeStep, ...]:
        """See `ports.library_system.ProbesItself`."""
        steps: list[ProbeStep] = []
        for side in self._systems.both_sides:
            if isinstance(side.system, ProbesItself):
                steps += [_name_step(step, side.side) for step in await side.system.probe()]
        return tuple(steps)

    async def codes(self) -> LibraryCodes:
        """See `ports.library_system.ListsCodes`: of items where partners' items are kept, of patrons and fees in the
        main system, unless the second has the task."""
        items = await _list_codes(self._systems.side_of_temporary_items.system)
        patrons = await _list_codes(self._systems.select_side_of(PairedTask.NEW_PATRONS).system)
        fees = await _list_codes(self._systems.select_side_of(PairedTask.FEES).system)
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
        return await self._patrons.find_patron(key)

    async def authenticate(self, key: PatronKey, secret: str) -> Patron:
        return await self._patrons.authenticate(key, secret)

    async def patron_loans(self, patron_id: str) -> tuple[Loan, ...]:
        return await self._patrons.list_loans(patron_id)

    async def patron_holds(self, patron_id: str) -> tuple[Hold, ...]:
        return await self._patrons.list_holds(patron_id)

    async def patron_charges(self, patron_id: str) -> tuple[Charge, ...]:
        return await self._patrons.list_charges(patron_id)

    # catalogue
    async def find_bib(self, record: RecordId) -> Bib:
        reference = parse_reference(record.value) if record.type == "local" else None
        if reference is not None:
            return await self.get_bib(record.value)
        side = self._systems.select_side_of(PairedTask.CATALOGUE)
        return side.name_bib(await side.system.find_bib(record))

    async def search_bibs(self, query: str, limit: int = 20) -> tuple[Bib, ...]:
        side = self._systems.select_side_of(PairedTask.CATALOGUE)
        return tuple(side.name_bib(bib) for bib in await side.system.search_bibs(query, limit))

    async def holdings(self, bib_id: str) -> BibHoldings:
        reference = require_reference(bib_id, RefusalReason.UNKNOWN_RECORD)
        side = self._systems.select_side(reference.side)
        there = await side.system.holdings(reference.number)
        return replace(there, bib=side.name_bib(there.bib), items=tuple(map(side.name_item, there.items)))

    async def item_by_barcode(self, barcode: str) -> Item:
        return await self._systems.look_up_item(barcode)

    async def item_by_request(self, request_id: str) -> Item:
        """Find an item; apart, of a partner's item first."""
        if not self._systems.is_apart:
            side = self._systems.side_of_temporary_items
            return await self._systems.look_up_item((await side.system.item_by_request(request_id)).barcode)
        try:
            return self._systems.second.name_item(await self._systems.second.system.item_by_request(request_id))
        except Refused as refused:
            has_own = Capability.ITEM_BY_REQUEST in self._systems.main.system.capabilities
            if refused.reason is not RefusalReason.UNKNOWN_ITEM or not has_own:
                raise
        return self._systems.main.name_item(await self._systems.main.system.item_by_request(request_id))

    async def get_bib(self, bib_id: str) -> Bib:
        reference = require_reference(bib_id, RefusalReason.UNKNOWN_RECORD)
        side = self._systems.select_side(reference.side)
        return side.name_bib(await side.system.get_bib(reference.number))

    async def item_loan(self, item_id: str) -> Loan | None:
        return await self._loans.find_loan(item_id)

    async def item_holds(self, item_id: str) -> tuple[Hold, ...]:
        return await self._holds.list_item_holds(item_id)

    # holds
    async def find_hold(self, request_id: str) -> Hold:
        return await self._holds.find_hold(request_id)

    # reference
    async def pickup_locations(self) -> tuple[PickupLocation, ...]:
        return await self._systems.select_side_of(PairedTask.PICKUPS).system.pickup_locations()


def _name_step(step: ProbeStep, side: PairedSide) -> ProbeStep:
    key = f"{side.value}.{step.key}" if step.key else ""
    return replace(step, name=f"{side.value} {step.name}", key=key)


async def _list_codes(system: LibrarySystem) -> LibraryCodes:
    return await system.codes() if isinstance(system, ListsCodes) else LibraryCodes()
