"""Changes of each system of a pair, which remembers its own, since the same key or number may mean another change in
the other; and what the pair itself remembers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adapters.library.change_sending import LOAN_JSON
from gateway.domain.clock import Clock
from gateway.domain.library import Loan
from gateway.domain.value import replace, value_object
from gateway.ports.library_changes import ChangeKind, LibraryChange, LibraryChanges


@value_object
class SideChanges:
    """`LibraryChanges` of one system: its part of those of the library."""

    changes: LibraryChanges
    prefix: str

    async def find_change(self, kind: ChangeKind, key: str) -> LibraryChange | None:
        change = await self.changes.find_change(kind, self._add_prefix(key))
        return self._remove_prefixes(change) if change is not None else None

    async def begin_change(self, change: LibraryChange) -> None:
        await self.changes.begin_change(self._add_prefixes(change))

    async def end_change(self, change: LibraryChange) -> None:
        await self.changes.end_change(self._add_prefixes(change))

    async def drop_change(self, kind: ChangeKind, key: str) -> None:
        await self.changes.drop_change(kind, self._add_prefix(key))

    async def changes_of_item(self, barcode: str) -> tuple[LibraryChange, ...]:
        return self._remove_prefixes_of_all(await self.changes.changes_of_item(self._add_prefix(barcode)))

    async def changes_of_patron(self, patron_id: str) -> tuple[LibraryChange, ...]:
        return self._remove_prefixes_of_all(await self.changes.changes_of_patron(self._add_prefix(patron_id)))

    async def changes_of_request(self, request_id: str) -> tuple[LibraryChange, ...]:
        return self._remove_prefixes_of_all(await self.changes.changes_of_request(self._add_prefix(request_id)))

    async def changes_of_record(self, record_id: str) -> tuple[LibraryChange, ...]:
        return self._remove_prefixes_of_all(await self.changes.changes_of_record(self._add_prefix(record_id)))

    def _add_prefix(self, text: str) -> str:
        return f"{self.prefix}{text}" if text else ""

    def _remove_prefix(self, text: str) -> str:
        return text.removeprefix(self.prefix)

    def _add_prefixes(self, change: LibraryChange) -> LibraryChange:
        return _convert_texts(change, self._add_prefix)

    def _remove_prefixes(self, change: LibraryChange) -> LibraryChange:
        return _convert_texts(change, self._remove_prefix)

    def _remove_prefixes_of_all(self, changes: tuple[LibraryChange, ...]) -> tuple[LibraryChange, ...]:
        return tuple(map(self._remove_prefixes, changes))


def _convert_texts(change: LibraryChange, convert: Callable[[str], str]) -> LibraryChange:
    names = ("key", "barcode", "patron_id", "request_id", "record_id")
    texts: dict[str, Any] = {name: convert(getattr(change, name)) for name in names}
    return replace(change, **texts)


@value_object
class PairMemory:
    """The memory of the pair itself, since neither system knows what is done by the other."""

    changes: LibraryChanges
    clock: Clock

    async def keep_loan(self, barcode: str, key: str, loan: Loan) -> None:
        """The loan that is to end under this key, as the system that lends has it."""
        await self._keep_change(ChangeKind.CHECK_IN, barcode, key, loan.patron_id, LOAN_JSON.dump_json(loan).decode())

    async def find_loan(self, key: str) -> Loan | None:
        change = await self.changes.find_change(ChangeKind.CHECK_IN, key)
        return LOAN_JSON.validate_json(change.value) if change is not None else None

    async def keep_borrower(self, barcode: str, patron_number: str, key: str) -> None:
        """Keep who has a partner's item, so that the copy of the patron goes when the item goes."""
        await self._keep_change(ChangeKind.CHECK_OUT, barcode, key, patron_number, "")

    async def last_borrower(self, barcode: str) -> str:
        """Empty: nobody had it."""
        lent = (change for change in await self.changes.changes_of_item(barcode) if change.kind is ChangeKind.CHECK_OUT)
        latest = next(lent, None)
        return latest.patron_id if latest is not None else ""

    async def keep_copy(self, patron_id: str, number: str) -> None:
        """Keep which patron a copy is of, in the words of the system that has the copy: its loans outlive it."""
        now = self.clock.now()
        change = LibraryChange(ChangeKind.PATRON, patron_id, "", number, now, record_id=patron_id, ended=now)
        await self.changes.end_change(change)

    async def number_of_copy(self, patron_id: str) -> str:
        """Empty: of none that is remembered."""
        change = await self.changes.find_change(ChangeKind.PATRON, patron_id)
        return change.patron_id if change is not None else ""

    async def _keep_change(self, kind: ChangeKind, barcode: str, key: str, patron_number: str, value: str) -> None:
        now = self.clock.now()
        change = LibraryChange(kind, key, barcode, patron_number, now, record_id=key, ended=now, value=value)
        await self.changes.end_change(change)
