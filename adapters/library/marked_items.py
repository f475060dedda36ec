"""Partners' items in a library system that gives all numbers itself: made and deleted by several calls, all or nothing.

Each of the calls may be lost. What is made has a mark of the key, so that it is found again, and the next call under
the same key goes on from there. What a refusal leaves behind is taken back at once. The calls are each system's own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import Generic, Protocol, TypeVar

from adapters.library.change_sending import ITEM_JSON, make_item_change
from adapters.library.parallel_questions import ask_together
from adapters.library.refusals import make_refusal, refuse_blocked
from gateway.domain.library import BlockScope, Item, Patron
from gateway.domain.problems import RefusalReason
from gateway.domain.value import replace, value_object
from gateway.ports.library_changes import ChangeKind, LibraryChange, LibraryChanges
from gateway.ports.library_operations import BarcodeChange, ItemCreation, TemporaryItemCreation, TemporaryItemDeletion
from gateway.ports.library_system import TemporaryHold, TemporaryItem, TemporaryItemResult


class FoundItem(Protocol):
    """The answer of the system about an item. `loan`: the open one."""

    @property
    def item(self) -> Item: ...

    @property
    def loan(self) -> object | None: ...


A = TypeVar("A")
FoundItemT = TypeVar("FoundItemT", bound=FoundItem)
FoundItemCo = TypeVar("FoundItemCo", bound=FoundItem, covariant=True)


class ItemDesk(Protocol[FoundItemCo]):
    """The desk that all parts of an adapter share, as far as it is needed here."""

    @property
    def changes(self) -> LibraryChanges: ...

    def now(self) -> datetime: ...

    def today(self) -> date: ...

    async def ask_item(self, barcode: str) -> FoundItemCo | None: ...

    async def send_change(
        self,
        change: LibraryChange,
        send: Callable[[], Awaitable[A]],
        find_it_done: Callable[[], Awaitable[A | None]],
        *,
        before: LibraryChange | None,
    ) -> A: ...


@value_object
class ItemRecipient:
    """The recipient of the item: all that was checked before anything is made."""

    patron: Patron
    pickup: str


@value_object(kw_only=True)
class ItemMaking:
    """An item in the making. `wish`: with all codes; `key`: of the change, by which `mark` is made; `is_resumed`: an
    earlier call under the key may have got part of the way."""

    wish: TemporaryItem
    key: str
    mark: str
    recipient: ItemRecipient | None
    is_resumed: bool


class MarkedItemDesk(ABC, Generic[FoundItemT]):
    """The order of the steps; what each system does in them, its own class says."""

    def __init__(self, desk: ItemDesk[FoundItemT]) -> None:
        self._changes = desk.changes
        self._read_time = desk.now
        self._read_day = desk.today
        self._ask_item = desk.ask_item
        self._send_change = desk.send_change

    # --- making ------------------------------------------------------------------------------------------

    async def make_item(self, creation: TemporaryItemCreation | ItemCreation, key: str) -> TemporaryItemResult:
        """Make an item; raises Refused(DUPLICATE_ITEM | INVALID_VALUE | UNKNOWN_PATRON | BAD_PICKUP_LOCATION …),
        Unavailable, OutcomeUnknown."""
        wish, is_lasting = self._fill_codes(creation.item), isinstance(creation, ItemCreation)
        kind = ChangeKind.ITEM if is_lasting else ChangeKind.TEMPORARY_ITEM
        mark = self._make_item_mark(key, is_lasting=is_lasting)
        before, answer, recipient, _ = await ask_together(
            self._changes.find_change(kind, key),
            self._ask_item(wish.barcode),
            self._check_recipient(wish.hold),
            self._check_codes(wish),
        )
        if answer is not None and mark not in self._read_notes(answer).split():
            raise make_refusal(RefusalReason.DUPLICATE_ITEM)
        if answer is not None and before is not None and before.ended is not None:
            return await self._repeat_result(wish, key, answer)
        change = LibraryChange(
            kind=kind,
            key=key,
            barcode=wish.barcode,
            patron_id=recipient.patron.id if recipient is not None else "",
            begun=self._read_time(),
            request_id=wish.request_id,
        )
        is_resumed = before is not None and before.ended is None
        making = ItemMaking(wish=wish, key=key, mark=mark, recipient=recipient, is_resumed=is_resumed)

        async def make_all() -> TemporaryItemResult:
            return await self._make_all(making, answer)

        async def find_made_item() -> TemporaryItemResult | None:
            return None  # what was lost was looked for at once; the next call goes on from there

        made = await self._send_change(change, make_all, find_made_item, before=before if is_resumed else None)
        await self._changes.end_change(replace(change, record_id=made.item.id, ended=self._read_time()))
        return made

    async def _check_recipient(self, hold: TemporaryHold | None) -> ItemRecipient | None:
        if hold is None:
            return None
        recipient = await self._find_recipient(hold)
        refuse_blocked(recipient.patron, BlockScope.REQUEST, self._read_day())
        return recipient

    @abstractmethod
    def _fill_codes(self, wish: TemporaryItem) -> TemporaryItem:
        """Codes that a profile may leave to the settings."""

    @abstractmethod
    def _make_item_mark(self, key: str, *, is_lasting: bool) -> str: ...

    @abstractmethod
    def _read_notes(self, found_item: FoundItemT) -> str:
        """Read where the mark is."""

    @abstractmethod
    async def _find_recipient(self, hold: TemporaryHold) -> ItemRecipient:
        """Find the recipient; raises Refused(UNKNOWN_PATRON | BAD_PICKUP_LOCATION …), Unavailable."""

    @abstractmethod
    async def _check_codes(self, wish: TemporaryItem) -> None:
        """Check codes; raises Refused(INVALID_VALUE), Unavailable."""

    @abstractmethod
    async def _repeat_result(self, wish: TemporaryItem, key: str, found_item: FoundItemT) -> TemporaryItemResult:
        """Return the result of what was made under this key before."""

    @abstractmethod
    async def _make_all(self, making: ItemMaking, found_item: FoundItemT | None) -> TemporaryItemResult:
        """`found_item`: where an earlier call got so far. Raises Unavailable only as long as nothing is made."""

    # --- deleting ----------------------------------------------------------------------------------------

    async def delete_item(self, deletion: TemporaryItemDeletion, key: str) -> Item:
        """Delete an item; raises Refused(UNKNOWN_ITEM | IN_USE | NOT_ALLOWED), Unavailable, OutcomeUnknown."""
        barcode = deletion.barcode
        before, answer = await ask_together(
            self._changes.find_change(ChangeKind.TEMPORARY_ITEM_DELETION, key), self._ask_item(barcode)
        )
        if answer is None:
            return await self._end_deletion(before)
        if not answer.item.temporary:
            raise make_refusal(
                RefusalReason.NOT_ALLOWED, detail="Only partners' items are deleted; this one is the library's own."
            )
        if answer.loan is not None:
            raise make_refusal(RefusalReason.IN_USE, detail="The item is on loan.")
        item = answer.item
        change = make_item_change(ChangeKind.TEMPORARY_ITEM_DELETION, item, key, self._read_time())

        async def delete_all() -> Item:
            await self._cancel_holds(answer, key)
            await self._delete_item(answer)
            await self._delete_record(item.bib_id)
            return item

        async def find_item_gone() -> Item | None:
            if not await self._is_gone(answer):
                return None
            await self._delete_record(item.bib_id)
            return item

        sent = await self._send_change(change, delete_all, find_item_gone, before=before)
        await self._changes.end_change(replace(change, ended=self._read_time()))
        return sent

    async def _end_deletion(self, before: LibraryChange | None) -> Item:
        """The item is gone. Raises Refused(UNKNOWN_ITEM) where it was not this deletion that it went by."""
        if before is None:
            raise make_refusal(RefusalReason.UNKNOWN_ITEM)
        gone = ITEM_JSON.validate_json(before.value)
        if before.ended is None:
            await self._delete_record(gone.bib_id)
            await self._changes.end_change(replace(before, ended=self._read_time()))
        return gone

    @abstractmethod
    async def _cancel_holds(self, found_item: FoundItemT, key: str) -> None:
        """Those on this very item: they go with it. Raises Refused, Unavailable, OutcomeUnknown."""

    @abstractmethod
    async def _delete_item(self, found_item: FoundItemT) -> None:
        """Delete an item; raises Refused, Unavailable, OutcomeUnknown."""

    @abstractmethod
    async def _delete_record(self, bib_id: str) -> None:
        """Delete a record, unless other items are left on it. The item is gone by now, so what fails here is never
        Unavailable."""

    @abstractmethod
    async def _is_gone(self, found_item: FoundItemT) -> bool:
        """Return whether an item is gone; raises Unavailable."""


class BarcodeDesk(ABC, Generic[FoundItemT]):
    """The change of a temporary item's barcode."""

    desk: ItemDesk[FoundItemT]

    async def change_barcode(self, wish: BarcodeChange, key: str) -> Item:
        """Change a barcode; raises Refused(UNKNOWN_ITEM | DUPLICATE_ITEM | NOT_ALLOWED), Unavailable,
        OutcomeUnknown."""
        before, answer, taken = await ask_together(
            self.desk.changes.find_change(ChangeKind.BARCODE_CHANGE, key),
            self.desk.ask_item(wish.barcode),
            self.desk.ask_item(wish.new),
        )
        if answer is None and taken is not None and before is not None:
            await self._rename_changes(wish.barcode, wish.new)
            return taken.item
        if answer is None:
            raise make_refusal(RefusalReason.UNKNOWN_ITEM)
        if not answer.item.temporary:
            raise make_refusal(
                RefusalReason.NOT_ALLOWED, detail="Only partners' items get another barcode; this is the library's own."
            )
        if taken is not None:
            raise make_refusal(RefusalReason.DUPLICATE_ITEM)
        changed = await self._set_barcode(answer, wish.new, key)
        await self._rename_changes(wish.barcode, wish.new)
        return changed

    @abstractmethod
    async def _set_barcode(self, answer: FoundItemT, new: str, key: str) -> Item:
        """Set the barcode. Raises Refused, Unavailable, OutcomeUnknown."""

    @abstractmethod
    async def _rename_changes(self, barcode: str, new: str) -> None:
        """Rename what was made under the old barcode, so that it is found under the new one."""


def make_item_notes(wish: TemporaryItem, mark: str) -> str:
    """Make the notes of the item: for people, and the mark."""
    number = f"ILL {wish.request_id}" if wish.request_id else ""
    return " ".join(part for part in (number, wish.lender, wish.note, mark) if part)
