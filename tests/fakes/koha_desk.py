"""What a Koha's SIP2 server sees and does: the same patrons, items, loans and holds as its REST API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

from rehearsal.fakes.koha_schema import KohaError, Row
from rehearsal.fakes.koha_state import KohaState
from tests.fakes.desk_library import Answered, DeskLibrary, FakeHold, FakeItem, FakeLoan, FakePatron

NOT_LENT = "reference"


class KohaDesk(DeskLibrary):
    """Nothing is kept here: all is read from `state` for each message, and each change is made there."""

    def __init__(self, state: KohaState) -> None:
        super().__init__(now=state.now, pickups=tuple(state.libraries))
        self._state = state
        self._transits: dict[str, str] = {}  # barcode -> branch; the REST API doesn't show them

    def read_records(self) -> None:
        state = self._state
        self.patrons = {row["cardnumber"]: self._read_patron(row) for row in state.patrons.values()}
        self.items = {row["external_id"]: self._read_item(row) for row in state.items.values() if row["external_id"]}
        self.loans = {
            state.items[row["item_id"]]["external_id"]: FakeLoan(
                state.patrons[row["patron_id"]]["cardnumber"],
                datetime.fromisoformat(row["due_date"]).astimezone(UTC),
                row["renewals_count"],
            )
            for row in state.checkouts.values()
        }
        self.holds = [
            FakeHold(
                patron=state.patrons[row["patron_id"]]["cardnumber"],
                barcode=state.items[int(row["item_id"])]["external_id"],
                pickup=row["pickup_library_id"],
                ready=row["status"] == "W",
            )
            for row in sorted(state.holds.values(), key=lambda row: int(row["priority"]))
            if row["item_id"] is not None
        ]

    def _read_patron(self, row: Row) -> FakePatron:
        return FakePatron(
            number=row["cardnumber"],
            name=f"{row['surname']}, {row['firstname']}",
            pin=self._state.passwords.get(row["patron_id"], ""),
            expires=date.fromisoformat(row["expiry_date"]),
            branch=row["library_id"],
            category=row["category_id"],
            email=row["email"] or "",
            blocked=row["restricted"],
            fees=f"{self._state.balance_of(row['patron_id']):.2f}",
        )

    def _read_item(self, row: Row) -> FakeItem:
        return FakeItem(
            barcode=row["external_id"],
            title=self._state.biblios[row["biblio_id"]]["title"] or "",
            branch=row["home_library_id"],
            policy=NOT_LENT if row["not_for_loan_status"] > 0 else "standard",
            current=row["holding_library_id"],
            in_transit_to=self._transits.get(row["external_id"], ""),
        )

    # --- changes -----------------------------------------------------------------------------------------

    def check_out(self, number: str, barcode: str, *, no_block: bool = False, due: datetime | None = None) -> Answered:
        patron, item = self._find_patron_row(number), self._find_item_row(barcode)
        if patron is None or item is None:
            return Answered(False, "Unknown item" if item is None else "Unknown patron")
        blockers, confirms = self._state.judge_checkout(patron, item)
        if not no_block and (reasons := [key for key in (*blockers, *confirms) if key.isupper()]):
            return Answered(False, " ".join(reasons))
        row = self._state.add_checkout(patron, item)
        if due is not None:
            row["due_date"] = due.astimezone(UTC).isoformat(timespec="seconds")
        return self._end_change()

    def check_in(self, barcode: str, at: str) -> Answered:
        item = self._find_item_row(barcode)
        if item is None:
            return Answered(False, "Unknown item")
        loan = self._state.checkout_of(item["item_id"])
        item["holding_library_id"] = at or item["home_library_id"]
        if loan is not None:
            self._state.end_checkout(loan["checkout_id"])
        hold = self._state.first_hold_for(item)
        goal = hold["pickup_library_id"] if hold is not None else item["home_library_id"]
        self._transits.pop(barcode, None)
        if goal != item["holding_library_id"]:
            self._transits[barcode] = goal
        if hold is not None:
            hold |= {"status": "W" if goal == item["holding_library_id"] else "T", "item_id": str(item["item_id"])}
        return self._end_change(loan is not None, "Item not checked out")

    def renew(self, number: str, barcode: str) -> Answered:
        patron, item = self._find_patron_row(number), self._find_item_row(barcode)
        loan = self._state.checkout_of(item["item_id"]) if item is not None else None
        if patron is None or loan is None or loan["patron_id"] != patron["patron_id"]:
            return Answered(False, "Item not checked out")
        if reason := self._state.judge_renewal(loan):
            return Answered(False, reason)
        self._state.renew_checkout(loan["checkout_id"])
        return self._end_change()

    def place_hold(self, number: str, barcode: str, pickup: str) -> Answered:
        patron, item = self._find_patron_row(number), self._find_item_row(barcode)
        if patron is None or item is None:
            return Answered(False, "Unknown item" if item is None else "Unknown patron")
        body = {"patron_id": patron["patron_id"], "item_id": item["item_id"], "pickup_library_id": pickup}
        return self._try_change(lambda: self._state.add_hold(body))

    def cancel_hold(self, number: str, barcode: str) -> Answered:
        hold = self._find_hold_row(number, barcode)
        if hold is None:
            return Answered(False, "No active hold")
        return self._try_change(lambda: self._state.cancel_hold(hold["hold_id"]))

    def change_hold(self, number: str, barcode: str, pickup: str) -> Answered:
        hold = self._find_hold_row(number, barcode)
        if hold is None:
            return Answered(False, "No active hold")
        return self._try_change(lambda: self._state.change_hold(hold["hold_id"], {"pickup_library_id": pickup}))

    def _try_change(self, change: Callable[[], object]) -> Answered:
        try:
            change()
        except KohaError as error:
            return Answered(False, str(error))
        return self._end_change()

    def _end_change(self, is_done: bool = True, said: str = "") -> Answered:
        self.read_records()
        return Answered(is_done, "" if is_done else said)

    def _find_patron_row(self, number: str) -> Row | None:
        return next((row for row in self._state.patrons.values() if row["cardnumber"] == number), None)

    def _find_item_row(self, barcode: str) -> Row | None:
        return next((row for row in self._state.items.values() if row["external_id"] == barcode), None)

    def _find_hold_row(self, number: str, barcode: str) -> Row | None:
        patron, item = self._find_patron_row(number), self._find_item_row(barcode)
        if patron is None or item is None:
            return None
        wanted = (patron["patron_id"], str(item["item_id"]))
        return next((row for row in self._state.holds.values() if (row["patron_id"], row["item_id"]) == wanted), None)
