"""Patrons of a pair, and lists of what they have; apart, their copies in the second system."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from adapters.library.paired.options import PairedTask
from adapters.library.paired.sides import SystemSide
from adapters.library.paired.systems import PairedSystems
from adapters.library.refusals import refuse_blocked
from gateway.domain.library import BlockScope, Charge, Hold, IdentifierType, Loan, Patron, sort_loans
from gateway.domain.problems import RefusalReason, Refused
from gateway.domain.value import replace, value_object
from gateway.ports.adapter import LibraryAdapterContext
from gateway.ports.library_operations import (
    PatronCreation,
    PatronDeletion,
    PatronExpiry,
    PatronUpdate,
    refuse_unsupported,
)
from gateway.ports.library_system import Capability, PatronKey

R = TypeVar("R")

GONE = (
    RefusalReason.UNKNOWN_PATRON,
    RefusalReason.IN_USE,
    RefusalReason.NOT_ALLOWED,
    RefusalReason.UNSUPPORTED_SERVICE,
)
"""Why a copy of a patron may stay, or is gone already."""


@value_object
class PairedPatronDesk:
    systems: PairedSystems
    context: LibraryAdapterContext

    async def find_patron(self, key: PatronKey) -> Patron:
        """Find a patron; apart, with what the patron has of partners' items."""
        patron = await self.systems.find_main_patron(key)
        if not self.systems.is_apart:
            return patron
        copy = await self.find_copy(patron.id)
        if copy is None:
            return patron
        return replace(
            patron, loan_count=patron.loan_count + copy.loan_count, hold_count=patron.hold_count + copy.hold_count
        )

    async def find_copy(self, number: str) -> Patron | None:
        try:
            return await self.systems.second.find_patron(number)
        except Refused as refused:
            if refused.reason is RefusalReason.UNKNOWN_PATRON:
                return None
            raise

    async def authenticate(self, key: PatronKey, secret: str) -> Patron:
        side = self.systems.select_side_of(PairedTask.AUTHENTICATION)
        patron = side.name_patron(await side.system.authenticate(key, secret))
        return await self.find_patron(PatronKey(patron.id, (IdentifierType.INTERNAL.value,)))

    async def list_loans(self, patron_id: str) -> tuple[Loan, ...]:
        async def list_loans_of_side(side: SystemSide, native: str) -> tuple[Loan, ...]:
            return tuple(side.name_loan(loan, patron_id) for loan in await side.system.patron_loans(native))

        lists = await self._gather_lists(patron_id, PairedTask.CHECK_OUT, list_loans_of_side)
        return sort_loans(lists)

    async def list_holds(self, patron_id: str) -> tuple[Hold, ...]:
        async def list_holds_of_side(side: SystemSide, native: str) -> tuple[Hold, ...]:
            return tuple(side.name_hold(hold, patron_id) for hold in await side.system.patron_holds(native))

        lists = await self._gather_lists(patron_id, PairedTask.REQUESTS, list_holds_of_side)
        return tuple(sorted(lists, key=lambda hold: hold.placed))

    async def list_charges(self, patron_id: str) -> tuple[Charge, ...]:
        async def list_charges_of_side(side: SystemSide, native: str) -> tuple[Charge, ...]:
            if self.systems.is_apart and Capability.FEES_READ not in side.system.capabilities:
                return ()
            return tuple(side.name_charge(charge, patron_id) for charge in await side.system.patron_charges(native))

        if Capability.FEES_READ not in self.systems.capabilities:
            refuse_unsupported("list fees")
        lists = await self._gather_lists(patron_id, PairedTask.FEES, list_charges_of_side)
        return tuple(sorted(lists, key=lambda charge: charge.posted))

    async def _gather_lists(
        self, number: str, task: PairedTask, list_records: Callable[[SystemSide, str], Awaitable[tuple[R, ...]]]
    ) -> tuple[R, ...]:
        """Gather the lists of the system that has the task; apart, of both."""
        if not self.systems.is_apart:
            side = self.systems.select_side_of(task)
            return await list_records(side, await side.require_patron(number))
        records = await list_records(self.systems.main, await self.systems.main.require_patron(number))
        copy = await self.find_copy(number)
        return records if copy is None else (*records, *await list_records(self.systems.second, copy.id))

    async def create_patron(self, wish: PatronCreation, key: str) -> Patron:
        side = self.systems.select_side_of(PairedTask.NEW_PATRONS)
        return side.name_patron(await side.system.change(wish, key))

    async def change_patron(self, wish: PatronUpdate | PatronExpiry | PatronDeletion, key: str) -> Patron:
        side = self.systems.select_side_of(PairedTask.NEW_PATRONS)
        native = replace(wish, patron_id=await side.require_patron(wish.patron_id))
        return side.name_patron(await side.system.change(native, key))

    async def delete_patron(self, wish: PatronDeletion, key: str) -> Patron:
        gone = await self.change_patron(wish, key)
        if self.systems.is_apart:
            await self.drop_copy(wish.patron_id, key)
        return gone

    async def drop_copy(self, number: str, key: str) -> None:
        """The second system forgets who it was, as soon as nothing of a partner's is with the patron."""
        copy = await self.find_copy(number) if number else None
        if copy is None or Capability.PATRON_DELETE not in self.systems.second.system.capabilities:
            return
        try:
            await self.systems.second.system.delete_patron(copy.id, f"{key}:copy")
        except Refused as refused:
            if refused.reason not in GONE:
                raise

    async def refuse_blocked(self, number: str, scope: BlockScope) -> None:
        """A copy has none of the blocks of its patron."""
        today = self.context.clock.now().astimezone(self.context.zone).date()
        refuse_blocked(await self.systems.main.find_patron(number), scope, today)
