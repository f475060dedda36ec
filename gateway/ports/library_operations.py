"""The changes that a library system may be asked for, each as one value that says what it needs.

`LibrarySystem` (`gateway.ports.guarded_library`) guards each of them by that. `HoldWish` is one of them as well.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar, Never

from gateway.domain.library import Charge, Hold, Item, ItemStatus, Loan, Location, Money, Patron, PatronDraft
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.sentences import write_sentence
from gateway.domain.value import value_object
from gateway.ports.library_system import (
    Capability,
    CheckedIn,
    LibraryOperation,
    Need,
    TemporaryItem,
    TemporaryItemResult,
)


def refuse_unsupported(what: str) -> Never:
    """Raise Refused(UNSUPPORTED_SERVICE). `what`: verb and object."""
    raise Refused(
        RefusalReason.UNSUPPORTED_SERVICE,
        write_sentence("The library system cannot %(what)s.", what=what),
        about=MessagePart.SERVICE,
    )


# --- patrons ---------------------------------------------------------------------------------------------


@value_object
class PatronCreation(LibraryOperation[Patron]):
    need: ClassVar[Need] = Need(Capability.PATRON_CREATE, "create patrons")

    draft: PatronDraft


@value_object
class PatronUpdate(LibraryOperation[Patron]):
    need: ClassVar[Need] = Need(Capability.PATRON_UPDATE, "change patrons", "patron/{0.patron_id}")

    patron_id: str
    draft: PatronDraft


@value_object
class PatronExpiry(LibraryOperation[Patron]):
    need: ClassVar[Need] = Need(Capability.PATRON_EXPIRE, "change patrons", "patron/{0.patron_id}")

    patron_id: str
    on: date


@value_object
class PatronDeletion(LibraryOperation[Patron]):
    need: ClassVar[Need] = Need(Capability.PATRON_DELETE, "delete patrons", "patron/{0.patron_id}")

    patron_id: str


# --- holds -----------------------------------------------------------------------------------------------


@value_object
class HoldCancellation(LibraryOperation[Hold]):
    need: ClassVar[Need] = Need(Capability.HOLD_CANCEL, "cancel holds", "hold/{0.hold_id}")

    hold_id: str


@value_object
class HoldUpdate(LibraryOperation[Hold]):
    """An edit of a hold; None: it stays."""

    need: ClassVar[Need] = Need(Capability.HOLD_UPDATE, "change holds", "hold/{0.hold_id}")

    hold_id: str
    pickup: str | None = None
    need_by: date | None = None
    expires: date | None = None


# --- temporary records -----------------------------------------------------------------------------------


@value_object
class TemporaryItemCreation(LibraryOperation[TemporaryItemResult]):
    need: ClassVar[Need] = Need(Capability.TEMPORARY_ITEM, "keep temporary items", "item/{0.item.barcode}")

    item: TemporaryItem


@value_object
class TemporaryItemDeletion(LibraryOperation[Item]):
    need: ClassVar[Need] = Need(Capability.TEMPORARY_ITEM, "keep temporary items", "item/{0.barcode}")

    barcode: str


@value_object
class ItemCreation(LibraryOperation[TemporaryItemResult]):
    """A lasting item: one without a hold."""

    need: ClassVar[Need] = Need(Capability.TEMPORARY_ITEM, "create items", "item/{0.item.barcode}")

    item: TemporaryItem


@value_object
class BarcodeChange(LibraryOperation[Item]):
    need: ClassVar[Need] = Need(Capability.CHANGE_BARCODE, "change barcodes", "item/{0.barcode}")

    barcode: str
    new: str


# --- loans -----------------------------------------------------------------------------------------------

DATE_NEED = Need(Capability.DUE_DATE_GIVEN, "set a due date")


@value_object
class LoanCheckOut(LibraryOperation[Loan]):
    need: ClassVar[Need] = Need(Capability.CHECK_OUT, "check items out", "item/{0.barcode}")

    barcode: str
    patron_id: str
    due: datetime | None = None
    request_id: str = ""
    override: bool = False


@value_object
class DueDateChange(LibraryOperation[Loan]):
    need: ClassVar[Need] = Need(Capability.DUE_DATE_CHANGE, "set a due date", "loan/{0.loan_id}")

    loan_id: str
    due: datetime


@value_object
class LoanCheckIn(LibraryOperation[CheckedIn]):
    need: ClassVar[Need] = Need(Capability.CHECK_IN, "check items in", "item/{0.barcode}")

    barcode: str
    at: str = ""
    fill_hold: bool = True


@value_object
class Renewal(LibraryOperation[Loan]):
    need: ClassVar[Need] = Need(Capability.RENEW, "renew loans", "item/{0.barcode}")

    barcode: str
    patron_id: str = ""
    due: datetime | None = None
    latest: datetime | None = None

    @property
    def needs(self) -> tuple[Need, ...]:
        return (self.need,) if self.due is None and self.latest is None else (self.need, DATE_NEED)


@value_object
class LoanRecall(LibraryOperation[Loan]):
    need: ClassVar[Need] = Need(Capability.RECALL, "recall loans", "item/{0.barcode}")

    barcode: str
    due: datetime | None = None


@value_object
class StatusChange(LibraryOperation[Item]):
    need: ClassVar[Need] = Need(Capability.STATUS_UPDATE, "change the status of items", "item/{0.barcode}")

    barcode: str
    status: ItemStatus


@value_object
class MoveToIll(LibraryOperation[Item]):
    need: ClassVar[Need] = Need(Capability.MOVE_LOCATION, "move items", "item/{0.barcode}")

    barcode: str
    location: Location


@value_object
class ReturnHome(LibraryOperation[Item]):
    need: ClassVar[Need] = Need(Capability.MOVE_LOCATION, "move items", "item/{0.barcode}")

    barcode: str


# --- fees ------------------------------------------------------------------------------------------------


@value_object
class Fee(LibraryOperation[Charge]):
    need: ClassVar[Need] = Need(Capability.POST_FEE, "post fees", "fee/{0.patron_id}")

    patron_id: str
    amount: Money
    type: str
    description: str = ""
    item_barcode: str = ""
    request_id: str = ""
