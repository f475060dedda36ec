"""What the pair itself remembers of loans, since neither system knows what is done by the other."""

from __future__ import annotations

from adapters.library.change_sending import LOAN_JSON
from gateway.domain.clock import Clock
from gateway.domain.library import Loan
from gateway.domain.value import value_object
from gateway.ports.library_changes import ChangeKind, LibraryChange, LibraryChanges


@value_object
class LoanMemory:
    changes: LibraryChanges
    clock: Clock

    async def keep_loan(self, barcode: str, key: str, loan: Loan) -> None:
        """The loan that is to end under this key, as the system that lends has it."""
        await self._keep(ChangeKind.CHECK_IN, barcode, key, loan.patron_id, LOAN_JSON.dump_json(loan).decode())

    async def find_loan(self, key: str) -> Loan | None:
        found = await self.changes.find_change(ChangeKind.CHECK_IN, key)
        return LOAN_JSON.validate_json(found.value) if found is not None else None

    async def keep_borrower(self, barcode: str, patron_number: str, key: str) -> None:
        """Who has a partner's item, so that the copy of the patron goes when the item goes."""
        await self._keep(ChangeKind.CHECK_OUT, barcode, key, patron_number, "")

    async def last_borrower(self, barcode: str) -> str:
        """Empty: nobody had it."""
        lent = (one for one in await self.changes.changes_of_item(barcode) if one.kind is ChangeKind.CHECK_OUT)
        latest = next(lent, None)
        return latest.patron_id if latest is not None else ""

    async def keep_copy(self, patron_id: str, number: str) -> None:
        """Which patron a copy is of, in the words of the system that has the copy: its loans outlive it."""
        now = self.clock.now()
        change = LibraryChange(ChangeKind.PATRON, patron_id, "", number, now, record_id=patron_id, ended=now)
        await self.changes.end_change(change)

    async def number_of_copy(self, patron_id: str) -> str:
        """Empty: of none that is remembered."""
        found = await self.changes.find_change(ChangeKind.PATRON, patron_id)
        return found.patron_id if found is not None else ""

    async def _keep(self, kind: ChangeKind, barcode: str, key: str, patron_number: str, value: str) -> None:
        now = self.clock.now()
        change = LibraryChange(kind, key, barcode, patron_number, now, record_id=key, ended=now, value=value)
        await self.changes.end_change(change)
