"""State of a fake Koha, and its rules: facts/ils-backends.md 1.2, with what Koha's own code does.

Moments are aware; days are in UTC, as the fake has no other zone.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from io import BytesIO
from typing import Any

from pymarc import Record, parse_xml_to_array

from rehearsal.fakes.koha_schema import (
    DEBIT_KEYS,
    HOLD_KEYS,
    ITEM_KEYS,
    PATRON_FLAGS,
    PATRON_KEYS,
    PATRON_READ_ONLY,
    PATRON_TEXTS,
    KohaError,
    Row,
    invalid_body,
)

LOAN_DAYS = 28
RENEWALS_ALLOWED = 3
FINE_LIMIT = 10.0


@dataclass(slots=True)
class KohaState:
    """`now`: the time that it takes it to be."""

    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    libraries: dict[str, Row] = field(default_factory=dict)
    categories: set[str] = field(default_factory=set)
    item_types: set[str] = field(default_factory=set)
    debit_types: set[str] = field(default_factory=lambda: {"MANUAL", "LOST", "OVERDUE"})
    patrons: dict[int, Row] = field(default_factory=dict)
    passwords: dict[int, str] = field(default_factory=dict)
    biblios: dict[int, Row] = field(default_factory=dict)
    items: dict[int, Row] = field(default_factory=dict)
    holds: dict[int, Row] = field(default_factory=dict)
    checkouts: dict[int, Row] = field(default_factory=dict)
    old_checkouts: dict[int, Row] = field(default_factory=dict)
    debits: dict[int, Row] = field(default_factory=dict)
    max_holds: int = 50
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def next_number(self) -> int:
        return int(next(self._numbers))

    def today(self) -> str:
        return self.now().date().isoformat()

    def stamp(self) -> str:
        return self.now().astimezone(UTC).isoformat(timespec="seconds")

    # --- setting it up -----------------------------------------------------------------------------------

    def add_library(self, code: str, name: str, *, is_pickup: bool = True) -> None:
        self.libraries[code] = {"library_id": code, "name": name, "pickup_location": is_pickup}

    # --- patrons -----------------------------------------------------------------------------------------

    def add_patron(self, body: Row, *, restricted: bool = False) -> Row:
        self._check_patron(body, None)
        number = self.next_number()
        row: Row = dict.fromkeys(PATRON_TEXTS) | dict.fromkeys(PATRON_FLAGS, False)
        row |= {"lang": "default", "restricted": restricted, "anonymized": False, "date_enrolled": self.today()}
        row |= {key: value for key, value in body.items() if key not in PATRON_READ_ONLY}
        row["patron_id"] = number
        row["userid"] = row["userid"] or row["cardnumber"]
        if row["expiry_date"] is None:
            row["expiry_date"] = (self.now().date() + timedelta(days=365)).isoformat()
        self.patrons[number] = row
        return row

    def change_patron(self, number: int, body: Row) -> Row:
        row = self.find_patron(number)
        self._check_patron(body, number)
        row |= {key: value for key, value in body.items() if key not in PATRON_READ_ONLY and key != "patron_id"}
        return row

    def _check_patron(self, body: Row, number: int | None) -> None:
        for key in ("surname", "library_id", "category_id"):
            if not body.get(key):
                raise invalid_body(f"/body/{key}", "Missing property.")
        if read_only := PATRON_READ_ONLY.intersection(body):
            raise invalid_body(f"/body/{min(read_only)}", "Read-only.")
        if unknown := set(body) - PATRON_KEYS:
            raise invalid_body("/body", f"Properties not allowed: {', '.join(sorted(unknown))}.")
        if body["library_id"] not in self.libraries:
            raise KohaError(400, "Given library_id does not exist")
        if body["category_id"] not in self.categories:
            raise KohaError(400, "Given category_id does not exist")
        for other in self.patrons.values():
            for key in ("cardnumber", "userid"):
                if body.get(key) and other[key] == body[key] and other["patron_id"] != number:
                    raise KohaError(409, "Patron already exists.", conflict=key)

    def find_patron(self, number: int) -> Row:
        if number not in self.patrons:
            raise KohaError(404, "Patron not found")
        return self.patrons[number]

    def delete_patron(self, number: int) -> None:
        row = self.find_patron(number)
        if any(checkout["patron_id"] == number for checkout in self.checkouts.values()):
            raise KohaError(409, "Pending checkouts prevent deletion", "has_checkouts")
        if self.balance_of(number) > 0:
            raise KohaError(409, "Pending debts prevent deletion", "has_debt")
        for hold in [hold["hold_id"] for hold in self.holds.values() if hold["patron_id"] == row["patron_id"]]:
            del self.holds[hold]
        del self.patrons[number]

    def balance_of(self, number: int) -> float:
        return float(sum(debit["amount_outstanding"] for debit in self.debits.values() if debit["patron_id"] == number))

    def is_expired(self, row: Row) -> bool:
        return row["expiry_date"] is not None and row["expiry_date"] < self.today()

    # --- records and items -------------------------------------------------------------------------------

    def add_biblio(self, marcxml: bytes, *, is_confirmed: bool = True) -> int:
        try:
            records: list[Record | None] = parse_xml_to_array(BytesIO(marcxml))  # type: ignore[no-untyped-call]
        except Exception as error:
            raise KohaError(400, "Invalid MARC record") from error
        if len(records) != 1 or records[0] is None:
            raise KohaError(400, "Invalid MARC record")
        row = _describe_record(records[0])
        twin = next(
            (
                biblio["biblio_id"]
                for biblio in self.biblios.values()
                if biblio["title"] == row["title"] and biblio["author"] == row["author"]
            ),
            None,
        )
        if twin is not None and not is_confirmed:
            raise KohaError(400, f"Duplicate biblio {twin}")
        row["biblio_id"] = self.next_number()
        row["creation_date"] = self.today()
        self.biblios[row["biblio_id"]] = row
        return int(row["biblio_id"])

    def find_biblio(self, number: int) -> Row:
        if number not in self.biblios:
            raise KohaError(404, "Bibliographic record not found")
        return self.biblios[number]

    def delete_biblio(self, number: int) -> None:
        self.find_biblio(number)
        if self.items_of(number):
            raise KohaError(409, "This Biblio has items attached, please delete them first before deleting this biblio")
        for hold in [hold["hold_id"] for hold in self.holds.values() if hold["biblio_id"] == number]:
            del self.holds[hold]
        del self.biblios[number]

    def items_of(self, biblio: int) -> list[Row]:
        return [item for item in self.items.values() if item["biblio_id"] == biblio]

    def add_item(self, biblio: int, body: Row) -> Row:
        self.find_biblio(biblio)
        number = self.next_number()
        row: Row = dict.fromkeys(ITEM_KEYS)
        row |= dict.fromkeys(("not_for_loan_status", "damaged_status", "lost_status", "withdrawn"), 0)
        self._store_item(row, {**body, "item_id": number, "biblio_id": biblio})
        self.items[number] = row
        return row

    def change_item(self, biblio: int, number: int, body: Row) -> Row:
        self.find_biblio(biblio)
        row = self.find_item(number)
        if row["biblio_id"] != biblio:
            raise KohaError(404, "Item not found")
        self._store_item(row, {**body, "item_id": number, "biblio_id": biblio})
        row["extended_subfields"] = None  # whatever was sent: Koha's controller forgets subfields without a column
        return row

    def _store_item(self, row: Row, body: Row) -> None:
        if unknown := set(body) - ITEM_KEYS:
            raise invalid_body("/body", f"Properties not allowed: {', '.join(sorted(unknown))}.")
        for key in ("home_library_id", "holding_library_id"):
            if body.get(key) is not None and body[key] not in self.libraries:
                raise KohaError(409, f"Given {key} does not exist")
        if body.get("item_type_id") is not None and body["item_type_id"] not in self.item_types:
            raise KohaError(409, "Given item_type_id does not exist")
        barcode = body.get("external_id")
        if barcode and any(
            item["external_id"] == barcode and item["item_id"] != body["item_id"] for item in self.items.values()
        ):
            raise KohaError(409, "Duplicate barcode.")
        moved = "location" in body and body["location"] != row["location"]
        remembers = "permanent_location" in body and body["permanent_location"] != row["permanent_location"]
        row |= {key: value for key, value in body.items() if key != "checked_out_date"}
        if moved and not remembers and row["location"] not in ("CART", "PROC"):
            row["permanent_location"] = row["location"]  # as Koha::Item->store does it
        row["holding_library_id"] = row["holding_library_id"] or row["home_library_id"]
        row["effective_not_for_loan_status"] = row["not_for_loan_status"]
        row["effective_item_type_id"] = row["item_type_id"]
        row["timestamp"] = self.stamp()

    def find_item(self, number: int) -> Row:
        if number not in self.items:
            raise KohaError(404, "Item not found")
        return self.items[number]

    def delete_item(self, number: int) -> None:
        row = self.find_item(number)
        if self.checkout_of(number) is not None:
            raise KohaError(409, "The item is checked out", "book_on_loan")
        if any(hold["item_id"] == str(number) for hold in self.holds.values()):
            raise KohaError(409, "The item has holds", "item_has_holds")
        title_holds = [hold for hold in self.holds.values() if hold["biblio_id"] == row["biblio_id"]]
        if title_holds and len(self.items_of(row["biblio_id"])) == 1:
            raise KohaError(409, "The item is the last one with a hold on its record", "last_item_for_hold")
        del self.items[number]

    # --- holds -------------------------------------------------------------------------------------------

    def add_hold(self, body: Row) -> Row:
        if unknown := set(body) - HOLD_KEYS:
            raise invalid_body("/body", f"Properties not allowed: {', '.join(sorted(unknown))}.")
        for key in ("patron_id", "pickup_library_id"):
            if body.get(key) is None:
                raise invalid_body(f"/body/{key}", "Missing property.")
        biblio, item = body.get("biblio_id"), body.get("item_id")
        if item is not None and biblio is not None:
            if item not in self.items or self.items[item]["biblio_id"] != biblio:
                raise KohaError(400, f"Item {item} doesn't belong to biblio {biblio}")
        elif item is not None:
            if item not in self.items:
                raise KohaError(404, "item_id not found.")
            biblio = self.items[item]["biblio_id"]
        elif biblio is None:
            raise KohaError(400, "At least one of biblio_id, item_id should be given")
        if biblio not in self.biblios:
            raise KohaError(400, "Biblio not found.")
        if body["patron_id"] not in self.patrons:
            raise KohaError(400, "patron_id not found")
        self._check_pickup(body["pickup_library_id"])
        self._check_hold_rules(self.patrons[body["patron_id"]], biblio, item)
        number = self.next_number()
        row: Row = {
            "hold_id": number,
            "patron_id": body["patron_id"],
            "hold_date": self.today(),
            "biblio_id": biblio,
            "item_id": str(item) if item is not None else None,
            "pickup_library_id": body["pickup_library_id"],
            "cancellation_date": None,
            "notes": body.get("notes"),
            "priority": 1 + sum(hold["biblio_id"] == biblio for hold in self.holds.values()),
            "status": None,
            "timestamp": self.stamp(),
            "waiting_date": None,
            "expiration_date": body.get("expiration_date"),
            "lowest_priority": False,
            "suspended": False,
            "suspended_until": None,
            "non_priority": bool(body.get("non_priority")),
            "item_type": None,
            "item_level": item is not None,
        }
        self.holds[number] = row
        return row

    def _check_pickup(self, code: str) -> None:
        if not self.libraries.get(code, {}).get("pickup_location"):
            raise KohaError(400, "The supplied pickup location is not valid")

    def _check_hold_rules(self, patron: Row, biblio: int, item: int | None) -> None:
        mine = [hold for hold in self.holds.values() if hold["patron_id"] == patron["patron_id"]]
        reason = ""
        if len(mine) + 1 > self.max_holds:
            reason = "tooManyReserves"
        elif item is not None and any(hold["item_id"] == str(item) for hold in mine):
            reason = "itemAlreadyOnHold"
        elif item is None and any(hold["biblio_id"] == biblio for hold in mine):
            reason = "tooManyHoldsForThisRecord"
        elif item is not None and self.items[item]["not_for_loan_status"] > 0:
            reason = "notReservable"
        elif any(
            checkout["patron_id"] == patron["patron_id"] and self.items[checkout["item_id"]]["biblio_id"] == biblio
            for checkout in self.checkouts.values()
        ):
            reason = "alreadypossession"
        if reason:
            raise KohaError(403, f"Hold cannot be placed. Reason: {reason}")
        for is_blocked, code in (
            (patron["restricted"], "restricted"),
            (self.is_expired(patron), "expired"),
            (patron["patron_card_lost"], "card_lost"),
            (patron["incorrect_address"], "bad_address"),
            (self.balance_of(patron["patron_id"]) > FINE_LIMIT, "debt_limit"),
        ):
            if is_blocked:
                raise KohaError(409, "Hold cannot be placed. Patron blocked.", code)

    def find_hold(self, number: int) -> Row:
        if number not in self.holds:
            raise KohaError(404, "Hold not found.")
        return self.holds[number]

    def change_hold(self, number: int, body: Row) -> Row:
        row = self.find_hold(number)
        if unknown := set(body) - {"priority", "pickup_library_id", "suspended_until", "hold_date", "expiration_date"}:
            raise invalid_body("/body", f"Properties not allowed: {', '.join(sorted(unknown))}.")
        if body.get("pickup_library_id") is not None:
            self._check_pickup(body["pickup_library_id"])
        row |= body
        return row

    def cancel_hold(self, number: int) -> None:
        gone = self.find_hold(number)
        del self.holds[number]
        for hold in self.holds.values():
            if hold["biblio_id"] == gone["biblio_id"] and hold["priority"] > gone["priority"] > 0:
                hold["priority"] -= 1

    def first_hold_for(self, item: Row) -> Row | None:
        """The hold that this item would fill."""
        fitting = [
            hold
            for hold in self.holds.values()
            if hold["biblio_id"] == item["biblio_id"] and hold["item_id"] in (None, str(item["item_id"]))
        ]
        return min(fitting, key=lambda hold: hold["priority"], default=None)

    # --- loans -------------------------------------------------------------------------------------------

    def checkout_of(self, item: int) -> Row | None:
        return next((checkout for checkout in self.checkouts.values() if checkout["item_id"] == item), None)

    def judge_checkout(self, patron: Row, item: Row) -> tuple[Row, Row]:
        """Blockers, and what has to be confirmed."""
        blockers: Row = {}
        confirms: Row = {}
        if patron["restricted"]:
            blockers["USERBLOCKEDNOENDDATE"] = 1
        if self.is_expired(patron):
            blockers["EXPIRED"] = 1
        if patron["patron_card_lost"]:
            blockers["LOST"] = 1
        if patron["incorrect_address"]:
            blockers["GNA"] = 1
        if item["not_for_loan_status"] > 0:
            blockers["NOT_FOR_LOAN"] = 1
            blockers["item_notforloan"] = item["not_for_loan_status"]
        if item["withdrawn"]:
            blockers["WTHDRAWN"] = 1
        if (debt := self.balance_of(patron["patron_id"])) > FINE_LIMIT:
            confirms["DEBT"] = debt
        if item["lost_status"]:
            confirms["ITEM_LOST"] = str(item["lost_status"])
        loan = self.checkout_of(item["item_id"])
        if loan is not None and loan["patron_id"] == patron["patron_id"]:
            confirms["RENEW_ISSUE"] = 1
        elif loan is not None:
            confirms["ISSUED_TO_ANOTHER"] = 1
            confirms["issued_borrowernumber"] = loan["patron_id"]
        hold = self.first_hold_for(item)
        if hold is not None and hold["patron_id"] != patron["patron_id"]:
            confirms["RESERVE_WAITING" if hold["status"] == "W" else "RESERVED"] = 1
            confirms["reserve_id"] = hold["hold_id"]
        return blockers, confirms

    def add_checkout(self, patron: Row, item: Row) -> Row:
        """Add a checkout; what stood in the way was asked about before. The due date comes from the rules, whatever was
        wished."""
        if (again := self.checkout_of(item["item_id"])) is not None:
            if again["patron_id"] == patron["patron_id"]:
                return self.renew_checkout(again["checkout_id"])
            self.end_checkout(again["checkout_id"])
        number = self.next_number()
        row: Row = {
            "checkout_id": number,
            "patron_id": patron["patron_id"],
            "item_id": item["item_id"],
            "due_date": self._make_due(LOAN_DAYS),
            "library_id": item["holding_library_id"],
            "checkout_date": self.stamp(),
            "checkin_date": None,
            "last_renewed_date": None,
            "renewals_count": 0,
            "auto_renew": False,
            "onsite_checkout": False,
            "note": None,
        }
        self.checkouts[number] = row
        item["checked_out_date"] = self.today()
        mine = [
            hold
            for hold in self.holds.values()
            if hold["patron_id"] == patron["patron_id"]
            and hold["biblio_id"] == item["biblio_id"]
            and hold["item_id"] in (None, str(item["item_id"]))
        ]
        if mine:
            self.cancel_hold(min(mine, key=lambda hold: hold["priority"])["hold_id"])
        return row

    def _make_due(self, days: int) -> str:
        day: date = self.now().date() + timedelta(days=days)
        return datetime.combine(day, time(23, 59), UTC).isoformat(timespec="seconds")

    def find_checkout(self, number: int) -> Row:
        if number not in self.checkouts:
            raise KohaError(404, "Checkout not found", "not_found")
        return self.checkouts[number]

    def judge_renewal(self, row: Row) -> str:
        """Return why it can't be renewed; empty: it can."""
        if row["renewals_count"] >= RENEWALS_ALLOWED:
            return "too_many"
        hold = self.first_hold_for(self.items[row["item_id"]])
        if hold is not None and hold["patron_id"] != row["patron_id"]:
            return "on_reserve"
        if self.patrons[row["patron_id"]]["restricted"]:
            return "restriction"
        if self.balance_of(row["patron_id"]) > FINE_LIMIT:
            return "too_much_owing"
        return ""

    def renew_checkout(self, number: int) -> Row:
        row = self.find_checkout(number)
        row["renewals_count"] += 1
        row["last_renewed_date"] = self.stamp()
        row["due_date"] = self._make_due(LOAN_DAYS * (row["renewals_count"] + 1))
        return row

    def end_checkout(self, number: int) -> None:
        """End a checkout at the library's desk: the API has no call for it."""
        row = self.checkouts.pop(number)
        row["checkin_date"] = self.stamp()
        self.old_checkouts[number] = row
        item = self.items[row["item_id"]]
        item["checked_out_date"] = None
        hold = self.first_hold_for(item)
        if hold is not None:
            hold |= {"status": "W", "priority": 0, "item_id": str(item["item_id"]), "waiting_date": self.today()}

    # --- money -------------------------------------------------------------------------------------------

    def add_debit(self, number: int, body: Row) -> Row:
        self.find_patron(number)
        if "amount" not in body:
            raise invalid_body("/body/amount", "Missing property.")
        if unknown := set(body) - DEBIT_KEYS:
            raise invalid_body("/body", f"Properties not allowed: {', '.join(sorted(unknown))}.")
        if body["amount"] < 0:
            raise invalid_body("/body/amount", "Smaller than minimum.")
        if body.get("type") is not None and body["type"] not in self.debit_types:
            raise KohaError(409, "Given debit type does not exist")
        line = self.next_number()
        row: Row = dict.fromkeys(DEBIT_KEYS) | {"date": self.stamp(), "interface": "api"} | body
        row |= {"account_line_id": line, "patron_id": number, "amount_outstanding": body["amount"]}
        self.debits[line] = row
        return row


def _describe_record(record: Record) -> Row:
    """The columns that Koha fills from MARC 21 by its usual mapping."""

    def read(tag: str, code: str) -> str | None:
        fields = [value for field in record.get_fields(tag) for value in field.get_subfields(code)]
        return " | ".join(fields) or None

    return {
        "biblio_id": 0,
        "title": read("245", "a"),
        "subtitle": read("245", "b"),
        "author": read("100", "a"),
        "isbn": read("020", "a"),
        "issn": read("022", "a"),
        "lccn": read("010", "a"),
        "ean": read("024", "a"),
        "edition_statement": read("250", "a"),
        "publication_place": read("260", "a"),
        "publisher": read("260", "b"),
        "publication_year": read("260", "c"),
        "copyright_date": None,
        "pages": read("300", "a"),
        "series_title": read("490", "a"),
        "notes": read("500", "a"),
        "item_type": read("942", "c"),
        "opac_suppressed": read("942", "n") == "1",
    }
