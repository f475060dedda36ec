"""The port `LibrarySystem` on a ledger. What each method promises stands at the port."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from gateway.domain.library import (
    Bib,
    Block,
    BlockScope,
    Contact,
    ContactKind,
    Hold,
    IdentifierType,
    Item,
    ItemStatus,
    Loan,
    Location,
    Patron,
    PatronIdentifier,
    PersonName,
    PickupLocation,
)
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.ports.adapter import LibraryAdapterContext
from gateway.ports.guarded_library import LibrarySystem
from gateway.ports.library_operations import LoanCheckIn, LoanCheckOut
from gateway.ports.library_system import Capability, CheckedIn, PatronKey
from illgate_ledger.ledger import LedgerFile
from illgate_ledger.options import LedgerOptions

Pages = dict[str, Any]


async def open_ledger(context: LibraryAdapterContext, options: LedgerOptions) -> LedgerLibrary:
    """A ledger that can't be read now may be there later: the gateway starts without it."""
    return LedgerLibrary(context, options)


class LedgerLibrary(LibrarySystem):
    capabilities = frozenset({Capability.PATRON_LOOKUP, Capability.CONTACT, Capability.CHECK_OUT, Capability.CHECK_IN})

    def __init__(self, context: LibraryAdapterContext, options: LedgerOptions) -> None:
        super().__init__(context)
        self._options = options
        self._file = LedgerFile(context.folder / options.file)
        self.handlers = {LoanCheckOut: self._check_out, LoanCheckIn: self._check_in}

    async def ping(self) -> None:
        self._file.read_pages()

    def _today(self) -> date:
        return self._context.clock.now().astimezone(self._context.zone).date()

    # --- patrons -----------------------------------------------------------------------------------------

    async def find_patron(self, key: PatronKey) -> Patron:
        known = {IdentifierType.BARCODE.value, IdentifierType.INTERNAL.value}
        if key.types and not known & set(key.types):
            raise refuse(RefusalReason.UNKNOWN_PATRON, MessagePart.PATRON)
        return self._describe_patron(self._file.read_pages(), key.value)

    def _describe_patron(self, pages: Pages, number: str) -> Patron:
        entry = pages["patrons"].get(number)
        if entry is None:
            raise refuse(RefusalReason.UNKNOWN_PATRON, MessagePart.PATRON)
        surname, _, given = entry["name"].partition(", ")
        expires = date.fromisoformat(entry["expires"])
        blocks = [Block(entry["block"])] if entry.get("block") else []
        if expires < self._today():
            blocks.append(Block("the membership has expired", since=expires))
        return Patron(
            id=number,
            identifiers=(PatronIdentifier(IdentifierType.BARCODE, number),),
            name=PersonName(surname, given),
            category="",
            home_library=entry["branch"],
            contacts=(Contact(ContactKind.EMAIL, value=entry["mail"]),) if entry.get("mail") else (),
            blocks=tuple(blocks),
            expires=expires,
            loan_count=sum(loan["patron"] == number and not loan["returned"] for loan in pages["loans"]),
        )

    async def patron_loans(self, patron_id: str) -> tuple[Loan, ...]:
        pages = self._file.read_pages()
        self._describe_patron(pages, patron_id)
        mine = [one for one in pages["loans"] if one["patron"] == patron_id and not one["returned"]]
        return tuple(sorted((self._describe_loan(pages, one) for one in mine), key=lambda loan: loan.due))

    async def patron_holds(self, patron_id: str) -> tuple[Hold, ...]:
        return ()

    # --- items -------------------------------------------------------------------------------------------

    async def item_by_barcode(self, barcode: str) -> Item:
        return self._describe_item(self._file.read_pages(), barcode)

    def _describe_item(self, pages: Pages, barcode: str) -> Item:
        entry = pages["items"].get(barcode)
        if entry is None:
            raise refuse(RefusalReason.UNKNOWN_ITEM, MessagePart.ITEM)
        loan = find_open_loan(pages, barcode)
        home, away = Location(entry["branch"]), entry.get("at", "")
        status = ItemStatus.IN_TRANSIT if away else ItemStatus.AVAILABLE
        return Item(
            id=barcode,
            barcode=barcode,
            bib_id=f"item:{barcode}",
            status=ItemStatus.ON_LOAN if loan is not None else status,
            policy="",
            home=home,
            current=Location(away) if away else home,
            circulates=entry["lent"],
            due=datetime.fromisoformat(loan["due"]) if loan is not None else None,
        )

    async def get_bib(self, bib_id: str) -> Bib:
        entry = self._file.read_pages()["items"].get(bib_id.removeprefix("item:"))
        if entry is None:
            raise refuse(RefusalReason.UNKNOWN_RECORD, MessagePart.RECORD)
        return Bib(id=bib_id, title=entry["title"])

    async def item_loan(self, item_id: str) -> Loan | None:
        pages = self._file.read_pages()
        entry = find_open_loan(pages, item_id)
        return self._describe_loan(pages, entry) if entry is not None else None

    async def item_holds(self, item_id: str) -> tuple[Hold, ...]:
        return ()

    async def find_hold(self, request_id: str) -> Hold:
        raise refuse(RefusalReason.UNKNOWN_REQUEST, MessagePart.REQUEST)

    # --- loans -------------------------------------------------------------------------------------------

    async def _check_out(self, wish: LoanCheckOut, key: str) -> Loan:
        """The ledger keeps our key: a repeat finds the loan that it made."""
        pages, barcode = self._file.read_pages(), wish.barcode
        patron, item = self._describe_patron(pages, wish.patron_id), self._describe_item(pages, barcode)
        entry = find_open_loan(pages, barcode)
        if entry is not None:
            if entry["key"] == key and entry["patron"] == wish.patron_id:
                return self._describe_loan(pages, entry)
            mine = entry["patron"] == wish.patron_id
            raise refuse(RefusalReason.ON_LOAN_SAME_PATRON if mine else RefusalReason.ITEM_ON_LOAN)
        if not wish.override:
            self._refuse_by_rules(patron, item)
        now = self._context.clock.now()
        entry = {
            "id": f"{barcode}/{len(pages['loans']) + 1}",
            "key": key,
            "request": wish.request_id,
            "item": barcode,
            "patron": wish.patron_id,
            "lent": now.isoformat(),
            "due": (now + timedelta(days=self._options.loan_days)).isoformat(),
            "returned": "",
            "return_key": "",
        }
        pages["loans"].append(entry)
        pages["items"][barcode].pop("at", None)
        self._file.write_pages(pages)
        return self._describe_loan(pages, entry)

    def _refuse_by_rules(self, patron: Patron, item: Item) -> None:
        if patron.expires is not None and patron.expires < self._today():
            raise refuse(RefusalReason.PATRON_EXPIRED, MessagePart.PATRON)
        if patron.find_block(BlockScope.BORROW) is not None:
            raise refuse(RefusalReason.PATRON_BLOCKED, MessagePart.PATRON)
        if not item.circulates:
            raise refuse(RefusalReason.ITEM_DOES_NOT_CIRCULATE)

    async def _check_in(self, wish: LoanCheckIn, key: str) -> CheckedIn:
        pages, barcode = self._file.read_pages(), wish.barcode
        item = self._describe_item(pages, barcode)
        entry = find_open_loan(pages, barcode)
        latest = next((one for one in reversed(pages["loans"]) if one["item"] == barcode), None)
        if entry is None and latest is not None and latest["return_key"] == key:
            return self._describe_return(pages, barcode, latest, repeated=True)
        place = wish.at or item.home.library
        if entry is None and place == item.current.library and item.status is ItemStatus.AVAILABLE:
            raise refuse(RefusalReason.NOT_CHECKED_OUT)
        if entry is not None:
            entry |= {"returned": self._context.clock.now().isoformat(), "return_key": key}
        pages["items"][barcode]["at"] = "" if place == item.home.library else place
        self._file.write_pages(pages)
        return self._describe_return(pages, barcode, entry)

    def _describe_return(self, pages: Pages, barcode: str, entry: Pages | None, *, repeated: bool = False) -> CheckedIn:
        item = self._describe_item(pages, barcode)
        loan = self._describe_loan(pages, entry) if entry is not None else None
        patron = self._describe_patron(pages, loan.patron_id) if loan is not None else None
        route = item.home if item.status is ItemStatus.IN_TRANSIT else None
        return CheckedIn(item, loan, patron, route_to=route, repeated=repeated)

    def _describe_loan(self, pages: Pages, entry: Pages) -> Loan:
        loan = Loan(
            id=entry["id"],
            key=entry["key"],
            request_id=entry["request"],
            item_id=entry["item"],
            item_barcode=entry["item"],
            bib_id=f"item:{entry['item']}",
            patron_id=entry["patron"],
            lent=datetime.fromisoformat(entry["lent"]),
            due=datetime.fromisoformat(entry["due"]),
            title=pages["items"][entry["item"]]["title"],
        )
        return replace(loan, returned=datetime.fromisoformat(entry["returned"])) if entry["returned"] else loan

    async def pickup_locations(self) -> tuple[PickupLocation, ...]:
        return ()


def find_open_loan(pages: Pages, barcode: str) -> Pages | None:
    return next((loan for loan in pages["loans"] if loan["item"] == barcode and not loan["returned"]), None)


DETAILS = {
    RefusalReason.UNKNOWN_PATRON: "Patron not found in the library system.",
    RefusalReason.PATRON_EXPIRED: "The patron's membership has expired.",
    RefusalReason.PATRON_BLOCKED: "The patron is blocked.",
    RefusalReason.UNKNOWN_ITEM: "Item not found in the library system.",
    RefusalReason.UNKNOWN_RECORD: "Record not found in the library system.",
    RefusalReason.UNKNOWN_REQUEST: "Hold not found.",
    RefusalReason.ITEM_ON_LOAN: "The item is on loan to another patron.",
    RefusalReason.ON_LOAN_SAME_PATRON: "The item is already on loan to this patron.",
    RefusalReason.ITEM_DOES_NOT_CIRCULATE: "The item cannot be lent.",
    RefusalReason.NOT_CHECKED_OUT: "The item is not on loan.",
}


def refuse(reason: RefusalReason, about: MessagePart = MessagePart.ITEM) -> Refused:
    return Refused(reason, DETAILS[reason], about=about)
