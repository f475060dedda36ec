"""LimitedLibrary: what each library system that can't do everything begins with. It refuses, by name, every operation
that its own class doesn't have; `capabilities` of that class leaves them out.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Never

from gateway.domain.library import (
    Bib,
    Charge,
    Hold,
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
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.sentences import write_sentence
from gateway.ports.library_system import (
    BibHoldings,
    CheckedIn,
    HoldWish,
    LibrarySystem,
    PatronKey,
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


class LimitedLibrary(LibrarySystem):
    """Patrons and items are looked up in every system: what is about them alone has to be there. All else raises
    Refused(UNSUPPORTED_SERVICE)."""

    # patrons
    async def authenticate(self, key: PatronKey, secret: str) -> Patron:
        refuse_unsupported("check a PIN or password")

    async def patron_charges(self, patron_id: str) -> tuple[Charge, ...]:
        refuse_unsupported("list fees")

    async def create_patron(self, draft: PatronDraft, key: str) -> Patron:
        refuse_unsupported("create patrons")

    async def update_patron(self, patron_id: str, draft: PatronDraft, key: str) -> Patron:
        refuse_unsupported("change patrons")

    async def expire_patron(self, patron_id: str, on: date, key: str) -> Patron:
        refuse_unsupported("change patrons")

    async def delete_patron(self, patron_id: str, key: str) -> Patron:
        refuse_unsupported("delete patrons")

    # catalogue
    async def find_bib(self, record: RecordId) -> Bib:
        refuse_unsupported("look up records")

    async def search_bibs(self, query: str, limit: int = 20) -> tuple[Bib, ...]:
        refuse_unsupported("search its catalogue")

    async def holdings(self, bib_id: str) -> BibHoldings:
        refuse_unsupported("list the items of a record")

    async def item_by_request(self, request_id: str) -> Item:
        refuse_unsupported("find an item by a request number")

    # holds
    async def place_hold(self, wish: HoldWish, key: str) -> Hold:
        refuse_unsupported("place holds")

    async def cancel_hold(self, hold_id: str, key: str) -> Hold:
        refuse_unsupported("cancel holds")

    async def update_hold(
        self,
        hold_id: str,
        key: str,
        *,
        pickup: str | None = None,
        need_by: date | None = None,
        expires: date | None = None,
    ) -> Hold:
        refuse_unsupported("change holds")

    # temporary records
    async def create_temporary_item(self, item: TemporaryItem, key: str) -> TemporaryItemResult:
        refuse_unsupported("keep temporary items")

    async def delete_temporary_item(self, barcode: str, key: str) -> Item:
        refuse_unsupported("keep temporary items")

    async def change_barcode(self, barcode: str, new: str, key: str) -> Item:
        refuse_unsupported("change barcodes")

    async def create_item(self, item: TemporaryItem, key: str) -> TemporaryItemResult:
        refuse_unsupported("create items")

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
        refuse_unsupported("check items out")

    async def set_due_date(self, loan_id: str, due: datetime, key: str) -> Loan:
        refuse_unsupported("set a due date")

    async def check_in(self, barcode: str, key: str, *, at: str = "", fill_hold: bool = True) -> CheckedIn:
        refuse_unsupported("check items in")

    async def renew_loan(
        self,
        barcode: str,
        key: str,
        *,
        patron_id: str = "",
        due: datetime | None = None,
        latest: datetime | None = None,
    ) -> Loan:
        refuse_unsupported("renew loans")

    async def recall_loan(self, barcode: str, key: str, *, due: datetime | None = None) -> Loan:
        refuse_unsupported("recall loans")

    async def set_item_status(self, barcode: str, status: ItemStatus, key: str) -> Item:
        refuse_unsupported("change the status of items")

    # location
    async def move_to_ill(self, barcode: str, location: Location, key: str) -> Item:
        refuse_unsupported("move items")

    async def return_home(self, barcode: str, key: str) -> Item:
        refuse_unsupported("move items")

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
        refuse_unsupported("post fees")

    # reference
    async def pickup_locations(self) -> tuple[PickupLocation, ...]:
        refuse_unsupported("list pickup locations")
