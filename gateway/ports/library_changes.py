"""The gateway's memory of the changes that it asked of a library system outside its own store.

Such a system keeps no idempotency keys. So each change is written down before it is sent, and what came of it
afterwards: a repeat finds it, and a change whose answer was lost is found unfinished and is asked about before it is
sent again (design rule 6).
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Protocol

from gateway.domain.value import value_object


class ChangeKind(StrEnum):
    """The kind of change asked of the library system."""

    CHECK_OUT = "check-out"
    CHECK_IN = "check-in"
    RENEWAL = "renewal"
    RECALL = "recall"
    HOLD = "hold"
    HOLD_UPDATE = "hold-update"
    HOLD_CANCELLATION = "hold-cancellation"
    DUE_DATE = "due-date"
    TEMPORARY_ITEM = "temporary-item"
    TEMPORARY_ITEM_DELETION = "temporary-item-deletion"
    ITEM = "item"
    BARCODE_CHANGE = "barcode-change"
    MOVE = "move"
    PATRON = "patron"
    PATRON_UPDATE = "patron-update"
    PATRON_DELETION = "patron-deletion"
    FEE = "fee"


@value_object
class LibraryChange:
    """One change. `key`: the caller's idempotency key, unique for its kind. `record_id`: the loan or hold that it made
    or was about, as the adapter calls it. `ended` None: it may or may not have been carried out. `value`: what the
    adapter has to know again, as JSON."""

    kind: ChangeKind
    key: str
    barcode: str
    patron_id: str
    begun: datetime  # aware UTC
    request_id: str = ""
    record_id: str = ""
    ended: datetime | None = None
    value: str = ""


class LibraryChanges(Protocol):
    """The changes asked of one library's system. All methods raise Unavailable when the store can't be reached."""

    async def find_change(self, kind: ChangeKind, key: str) -> LibraryChange | None:
        """Find a change; raises Refused(REQUEST_CLOSED) for one that was made, where its request has forgotten its
        patron since."""
        ...

    async def begin_change(self, change: LibraryChange) -> None:
        """Durable when this returns: now it may be sent. One of the same kind and key is replaced."""
        ...

    async def end_change(self, change: LibraryChange) -> None:
        """It was carried out: `ended`, `record_id` and `value` are kept."""
        ...

    async def drop_change(self, kind: ChangeKind, key: str) -> None:
        """It was not carried out: the library has refused it, or it was never sent."""
        ...

    async def changes_of_item(self, barcode: str) -> tuple[LibraryChange, ...]:
        """The latest 100, newest first."""
        ...

    async def changes_of_patron(self, patron_id: str) -> tuple[LibraryChange, ...]:
        """The latest 1,000, newest first."""
        ...

    async def changes_of_request(self, request_id: str) -> tuple[LibraryChange, ...]:
        """The latest 100, newest first."""
        ...

    async def changes_of_record(self, record_id: str) -> tuple[LibraryChange, ...]:
        """The latest 100, newest first."""
        ...
