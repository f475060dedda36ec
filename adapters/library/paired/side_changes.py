"""What each system of a pair remembers is its own: the same key or number may mean another change in the other."""

from __future__ import annotations

from dataclasses import replace

from gateway.domain.value import value_object
from gateway.ports.library_changes import ChangeKind, LibraryChange, LibraryChanges


@value_object
class SideChanges:
    """`LibraryChanges` of one system: its part of those of the library."""

    changes: LibraryChanges
    prefix: str

    async def find_change(self, kind: ChangeKind, key: str) -> LibraryChange | None:
        found = await self.changes.find_change(kind, self._add(key))
        return self._restore(found) if found is not None else None

    async def begin_change(self, change: LibraryChange) -> None:
        await self.changes.begin_change(self._mark(change))

    async def end_change(self, change: LibraryChange) -> None:
        await self.changes.end_change(self._mark(change))

    async def drop_change(self, kind: ChangeKind, key: str) -> None:
        await self.changes.drop_change(kind, self._add(key))

    async def changes_of_item(self, barcode: str) -> tuple[LibraryChange, ...]:
        return self._restore_all(await self.changes.changes_of_item(self._add(barcode)))

    async def changes_of_patron(self, patron_id: str) -> tuple[LibraryChange, ...]:
        return self._restore_all(await self.changes.changes_of_patron(self._add(patron_id)))

    async def changes_of_request(self, request_id: str) -> tuple[LibraryChange, ...]:
        return self._restore_all(await self.changes.changes_of_request(self._add(request_id)))

    async def changes_of_record(self, record_id: str) -> tuple[LibraryChange, ...]:
        return self._restore_all(await self.changes.changes_of_record(self._add(record_id)))

    def _add(self, text: str) -> str:
        return f"{self.prefix}{text}" if text else ""

    def _take_off(self, text: str) -> str:
        return text.removeprefix(self.prefix)

    def _mark(self, change: LibraryChange) -> LibraryChange:
        return replace(
            change,
            key=self._add(change.key),
            barcode=self._add(change.barcode),
            patron_id=self._add(change.patron_id),
            request_id=self._add(change.request_id),
            record_id=self._add(change.record_id),
        )

    def _restore(self, change: LibraryChange) -> LibraryChange:
        return replace(
            change,
            key=self._take_off(change.key),
            barcode=self._take_off(change.barcode),
            patron_id=self._take_off(change.patron_id),
            request_id=self._take_off(change.request_id),
            record_id=self._take_off(change.record_id),
        )

    def _restore_all(self, found: tuple[LibraryChange, ...]) -> tuple[LibraryChange, ...]:
        return tuple(map(self._restore, found))
