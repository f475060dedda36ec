"""A small library in memory: patrons, items, loans and holds by the rules that any library system has.

Nothing but the standard library is needed, so that servers in an environment of their own can load this file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone

LOAN_DAYS = 28
MAX_RENEWALS = 3


@dataclass
class FakePatron:
    number: str
    name: str
    pin: str
    expires: date
    branch: str = "MAIN"
    category: str = "adult"
    email: str = ""
    blocked: bool = False
    fees: str = "0.00"


@dataclass
class FakeItem:
    barcode: str
    title: str
    branch: str = "MAIN"
    policy: str = "standard"
    current: str = ""
    in_transit_to: str = ""

    def __post_init__(self) -> None:
        self.current = self.current or self.branch


@dataclass
class FakeLoan:
    patron: str
    due: datetime
    renewals: int = 0


@dataclass
class FakeHold:
    patron: str
    barcode: str
    pickup: str
    ready: bool = False


@dataclass
class Answered:
    ok: bool
    said: str = ""


@dataclass
class DeskLibrary:
    """`now` is aware. `not_lent`: item policies."""

    now: Callable[[], datetime] = lambda: datetime.now(timezone.utc)  # noqa: UP017  also for Python 3.9
    patrons: dict[str, FakePatron] = field(default_factory=dict)
    items: dict[str, FakeItem] = field(default_factory=dict)
    loans: dict[str, FakeLoan] = field(default_factory=dict)
    holds: list[FakeHold] = field(default_factory=list)
    pickups: tuple[str, ...] = ("MAIN", "NORTH", "RS")
    not_lent: tuple[str, ...] = ("reference",)
    history: list[tuple[str, str, str]] = field(default_factory=list)  # what was carried out: verb, patron, barcode

    def read_records(self) -> None:
        """Before each message: for a library whose records are kept elsewhere."""

    def is_expired(self, patron: FakePatron) -> bool:
        return patron.expires < self.now().date()

    def circulation_status(self, barcode: str) -> str:
        """As SIP2 codes it."""
        if barcode in self.loans:
            return "04"
        if self.items[barcode].in_transit_to:
            return "10"
        return "08" if any(hold.ready for hold in self.holds_of_item(barcode)) else "03"

    def holds_of_item(self, barcode: str) -> list[FakeHold]:
        return [hold for hold in self.holds if hold.barcode == barcode]

    def holds_of_patron(self, number: str) -> list[FakeHold]:
        return [hold for hold in self.holds if hold.patron == number]

    def charged(self, number: str) -> list[str]:
        return [barcode for barcode, loan in self.loans.items() if loan.patron == number]

    def refusal_of_patron(self, number: str) -> str:
        patron = self.patrons.get(number)
        if patron is None:
            return "Unknown patron"
        if self.is_expired(patron):
            return "Patron expired"
        return "Patron blocked" if patron.blocked else ""

    def check_out(self, number: str, barcode: str, *, no_block: bool = False, due: datetime | None = None) -> Answered:
        if barcode not in self.items:
            return Answered(False, "Unknown item")
        if number not in self.patrons:
            return Answered(False, "Unknown patron")
        loan = self.loans.get(barcode)
        if loan is not None:
            mine = loan.patron == number
            return Answered(False, "Item already checked out to you" if mine else "Item checked out to another patron")
        waiting = self.holds_of_item(barcode)
        if not no_block:
            if refusal := self.refusal_of_patron(number):
                return Answered(False, refusal)
            if self.items[barcode].policy in self.not_lent:
                return Answered(False, "Not for loan")
            if waiting and waiting[0].patron != number:
                return Answered(False, "Item is on hold for another patron")
        self.loans[barcode] = FakeLoan(number, due or self.now() + timedelta(days=LOAN_DAYS))
        self.items[barcode].in_transit_to = ""
        self.holds = [hold for hold in self.holds if (hold.patron, hold.barcode) != (number, barcode)]
        self.history.append(("check-out", number, barcode))
        return Answered(True)

    def check_in(self, barcode: str, at: str) -> Answered:
        """Not ok where it was not on loan, even if it then is put in its place."""
        item = self.items.get(barcode)
        if item is None:
            return Answered(False, "Unknown item")
        loan = self.loans.pop(barcode, None)
        if loan is not None:
            self.history.append(("check-in", loan.patron, barcode))
        item.current, item.in_transit_to = at or item.branch, ""
        waiting = self.holds_of_item(barcode)
        goal = waiting[0].pickup if waiting else item.branch
        if goal != item.current:
            item.in_transit_to = goal
        elif waiting:
            waiting[0].ready = True
        return Answered(loan is not None, "" if loan is not None else "Item not checked out")

    def renew(self, number: str, barcode: str) -> Answered:
        loan = self.loans.get(barcode)
        if loan is None or loan.patron != number:
            return Answered(False, "Item not checked out")
        if self.holds_of_item(barcode):
            return Answered(False, "Item is requested by another patron")
        if loan.renewals >= MAX_RENEWALS:
            return Answered(False, "Renewal limit reached")
        loan.due += timedelta(days=LOAN_DAYS)
        loan.renewals += 1
        self.history.append(("renew", number, barcode))
        return Answered(True)

    def place_hold(self, number: str, barcode: str, pickup: str) -> Answered:
        if refusal := self.refusal_of_patron(number):
            return Answered(False, refusal)
        if barcode not in self.items:
            return Answered(False, "Unknown item")
        if self.items[barcode].policy in self.not_lent:
            return Answered(False, "Item cannot be reserved")
        if pickup not in self.pickups:
            return Answered(False, "Invalid pickup location")
        if any(hold.patron == number for hold in self.holds_of_item(barcode)):
            return Answered(False, "Hold exists")
        self.holds.append(FakeHold(number, barcode, pickup))
        self.history.append(("hold", number, barcode))
        return Answered(True)

    def cancel_hold(self, number: str, barcode: str) -> Answered:
        for hold in self.holds:
            if (hold.patron, hold.barcode) == (number, barcode):
                self.holds.remove(hold)
                self.history.append(("cancel-hold", number, barcode))
                return Answered(True)
        return Answered(False, "No active hold")

    def change_hold(self, number: str, barcode: str, pickup: str) -> Answered:
        for hold in self.holds:
            if (hold.patron, hold.barcode) == (number, barcode):
                hold.pickup = pickup
                return Answered(True)
        return Answered(False, "No active hold")
