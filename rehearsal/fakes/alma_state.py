"""State of a fake Alma, and the rules by which it lends, requests and renews (facts/ils-backends.md 1.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

LOAN_DAYS = 28
MAX_RENEWALS = 10

Row = dict[str, Any]


class AlmaError(Exception):
    """The error as Alma's JSON says it."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


@dataclass(slots=True)
class AlmaState:
    """All tables by number. Items, loans and requests as the API gives them; `renewals` by loan. `not_lent`: item
    policies that no loan rule lends and no request rule lets be asked for."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    libraries: dict[str, str] = field(default_factory=dict)
    locations: dict[str, set[str]] = field(default_factory=dict)
    desks: dict[str, str] = field(default_factory=dict)
    users: dict[str, Row] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)
    bibs: dict[str, Row] = field(default_factory=dict)
    holdings: dict[str, Row] = field(default_factory=dict)
    items: dict[str, Row] = field(default_factory=dict)
    loans: dict[str, Row] = field(default_factory=dict)
    requests: dict[str, Row] = field(default_factory=dict)
    fees: dict[str, Row] = field(default_factory=dict)
    renewals: dict[str, int] = field(default_factory=dict)
    in_house_uses: int = 0
    not_lent: set[str] = field(default_factory=set)
    fee_types: set[str] = field(default_factory=lambda: {"OTHER"})
    item_policies: set[str] = field(default_factory=lambda: {"BOOK", "REF", "ILL"})
    material_types: set[str] = field(default_factory=lambda: {"BOOK", "ISSUE", "DVD"})
    user_groups: set[str] = field(default_factory=lambda: {"STAFF", "VISITOR"})
    cancel_reasons: set[str] = field(default_factory=lambda: {"CancelledAtPatronRequest"})
    identifier_types: set[str] = field(default_factory=lambda: {"BARCODE", "INST_ID"})
    _number: int = 1000

    def next_number(self) -> str:
        self._number += 1
        return str(self._number)

    def write_now(self) -> str:
        return write_moment(self.now())

    # --- stock -------------------------------------------------------------------------------------------

    def add_user(self, primary_id: str, barcode: str, surname: str, given: str, expires: date, **more: Any) -> Row:
        self.users[primary_id] = {
            "primary_id": primary_id,
            "first_name": given,
            "last_name": surname,
            "status": {"value": "ACTIVE", "desc": "Active"},
            "account_type": {"value": "INTERNAL", "desc": "Internal"},
            "user_group": {"value": "STAFF", "desc": "Staff"},
            "expiry_date": f"{expires.isoformat()}Z",
            "contact_info": {"email": [{"email_address": f"{primary_id}@library.example", "preferred": True}]},
            "user_identifier": [{"id_type": {"value": "BARCODE"}, "value": barcode, "status": "ACTIVE"}],
            "user_block": [],
            **more,
        }
        return self.users[primary_id]

    def add_bib(self, title: str, author: str, **more: Any) -> str:
        mms = f"99{self.next_number()}"
        record = (
            f'<record><leader>00000nam a2200000 i 4500</leader><controlfield tag="001">{mms}</controlfield></record>'
        )
        self.bibs[mms] = {
            "mms_id": mms,
            "title": title,
            "author": author,
            "suppress_from_publishing": "false",
            **more,
            "anies": [record],
        }
        return mms

    def add_library(self, code: str, name: str, desk: str = "DEFAULT_CIRC_DESK") -> None:
        self.libraries[code] = name
        self.desks[code] = desk
        self.locations[code] = {"stacks", "ill"}

    def add_holding(self, mms: str, library: str, location: str, call_number: str = "") -> Row:
        number = f"22{self.next_number()}"
        self.holdings[number] = {
            "holding_id": number,
            "mms_id": mms,
            "library": {"value": library},
            "location": {"value": location},
            "call_number": call_number,
        }
        return self.holdings[number]

    def add_item(self, mms: str, barcode: str, library: str, policy: str) -> Row:
        """Add an item on a holding of its own."""
        pid = f"23{self.next_number()}"
        holding = self.add_holding(mms, library, "stacks")
        self.items[pid] = {
            "bib_data": {"mms_id": mms, "title": self.bibs[mms]["title"]},
            "holding_data": {"holding_id": holding["holding_id"], "call_number": "", "in_temp_location": False},
            "item_data": {
                "pid": pid,
                "barcode": barcode,
                "base_status": {"value": "1", "desc": "Item in place"},
                "process_type": {"value": ""},
                "library": {"value": library},
                "location": {"value": "stacks"},
                "policy": {"value": policy},
            },
        }
        return self.items[pid]

    # --- finding -----------------------------------------------------------------------------------------

    def find_user(self, value: str) -> Row:
        for row in self.users.values():
            numbers = {identifier["value"] for identifier in row["user_identifier"]}
            if row["primary_id"].casefold() == value.casefold() or value in numbers:
                return row
        raise AlmaError("401861", f"User with identifier {value} was not found.")

    def find_item(self, barcode: str) -> Row:
        for row in self.items.values():
            if row["item_data"]["barcode"] == barcode:
                return row
        raise AlmaError("401689", f"No items found for barcode {barcode}.")

    def find_bib(self, mms: str) -> Row:
        if mms not in self.bibs:
            raise AlmaError("402203", f"Input parameters mmsId {mms} is not valid.")
        return self.bibs[mms]

    def find_loan(self, user_id: str, number: str) -> Row:
        loan = self.loans.get(number)
        if loan is None or loan["user_id"] != self.find_user(user_id)["primary_id"]:
            raise AlmaError("401823", f"Loan ID {number} does not exist.")
        return loan

    def find_request(self, user_id: str, number: str) -> Row:
        row = self.requests.get(number)
        if row is None or row["user_primary_id"] != self.find_user(user_id)["primary_id"]:
            raise AlmaError("401694", f"Request Identifier {number} was not found.")
        return self.describe_request(row)

    def loan_of_item(self, barcode: str) -> Row | None:
        return next((loan for loan in self.loans.values() if loan["item_barcode"] == barcode), None)

    def describe_user(self, row: Row) -> Row:
        user = row["primary_id"]
        owed = sum(fee["balance"] for fee in self.fees.values() if fee["user"] == user)
        return {
            **row,
            "loans": {"value": len([loan for loan in self.loans.values() if loan["user_id"] == user])},
            "requests": {"value": len([hold for hold in self.requests.values() if hold["user_primary_id"] == user])},
            "fees": {"value": owed},
        }

    def describe_request(self, row: Row) -> Row:
        """`place_in_queue` among those that the same item or record has."""
        same = [hold for hold in self.requests.values() if hold["mms_id"] == row["mms_id"] and _overlap(hold, row)]
        return {**row, "place_in_queue": same.index(row) + 1}

    def requests_of_item(self, item: Row) -> list[Row]:
        """Those that the item may fill, in order."""
        mms, barcode = item["bib_data"]["mms_id"], item["item_data"]["barcode"]
        return [row for row in self.requests.values() if row["mms_id"] == mms and row["barcode"] in ("", barcode)]

    # --- loans -------------------------------------------------------------------------------------------

    def lend_item(self, user_id: str, barcode: str, body: Row) -> Row:
        user, item = self.find_user(user_id), self.find_item(barcode)
        if self.desks.get(read_code(body, "library")) != read_code(body, "circ_desk"):
            raise AlmaError("401153", "The circulation desk may not lend this item.")
        data = item["item_data"]
        if self.loan_of_item(barcode) is not None:
            raise AlmaError("401651", "Item is already loaned.")
        if data["policy"]["value"] in self.not_lent:
            raise AlmaError("401651", "Item is not loanable.")
        if self._is_blocked(user):
            raise AlmaError("401651", "Patron is blocked.")
        if data["base_status"]["value"] != "1" and data["process_type"]["value"] not in ("HOLDSHELF", "TRANSIT"):
            raise AlmaError("401651", "Item is not loanable.")
        waiting = self.requests_of_item(item)
        mine = [row for row in waiting if row["user_primary_id"] == user["primary_id"]]
        if data["process_type"]["value"] == "HOLDSHELF" and not mine:
            raise AlmaError("401651", "Item is on hold shelf of another patron.")
        for row in mine[:1]:
            del self.requests[row["request_id"]]
        number = self.next_number()
        self.loans[number] = {
            "loan_id": number,
            "user_id": user["primary_id"],
            "item_barcode": barcode,
            "due_date": write_moment(self.now() + timedelta(days=LOAN_DAYS)),
            "loan_status": "ACTIVE",
            "loan_date": self.write_now(),
            "mms_id": item["bib_data"]["mms_id"],
            "holding_id": item["holding_data"]["holding_id"],
            "item_id": data["pid"],
            "title": item["bib_data"]["title"],
        }
        _set_process(item, "LOAN")
        return self.loans[number]

    def change_due_date(self, loan: Row, body: Row) -> Row:
        try:
            due = datetime.fromisoformat(str(body["due_date"]))
        except (KeyError, ValueError) as error:
            raise AlmaError("401824", "Due date is missing.") from error
        if due <= self.now():
            raise AlmaError("401681", "Due date is in the past.")
        loan["due_date"] = write_moment(due)
        return loan

    def renew_loan(self, loan: Row) -> Row:
        """A renewal that is refused is an answer of 200 too."""
        number = loan["loan_id"]
        item = self.find_item(loan["item_barcode"])
        if self.renewals.get(number, 0) >= MAX_RENEWALS:
            return {**loan, "last_renew_status": {"value": "LIMIT", "desc": "Renewal limit was reached"}}
        if self.requests_of_item(item):
            return {**loan, "last_renew_status": {"value": "REQUESTED", "desc": "Item is requested by another patron"}}
        self.renewals[number] = self.renewals.get(number, 0) + 1
        due = max(datetime.fromisoformat(loan["due_date"]), self.now() + timedelta(days=LOAN_DAYS))
        loan["due_date"] = write_moment(due + timedelta(seconds=1))
        return {**loan, "last_renew_status": {"value": "RENEWED", "desc": "Renewed Successfully"}}

    def scan_item(self, item: Row, library: str, desk: str, *, is_for_shelf: bool) -> Row:
        """Ends a loan, then looks for who waits; without anybody the item goes to its place. Who collects here finds it
        on the hold shelf only if it `is_for_shelf`."""
        if self.desks.get(library) != desk:
            raise AlmaError("401153", "The circulation desk does not exist.")
        loan = self.loan_of_item(item["item_data"]["barcode"])
        if loan is not None:
            del self.loans[loan["loan_id"]]
        waiting = self.requests_of_item(item)
        chosen = next((row for row in waiting if row["request_status"] != "NOT_STARTED"), None) or next(
            iter(waiting), None
        )
        if chosen is None:
            _set_process(item, "" if item["item_data"]["library"]["value"] == library else "TRANSIT")
            return {**item, "additional_info": ""}
        chosen["barcode"], chosen["item_id"] = item["item_data"]["barcode"], item["item_data"]["pid"]
        if chosen["pickup_location_library"] == library and not is_for_shelf:
            _set_process(item, "")
            return {**item, "additional_info": "Item is requested."}
        if chosen["pickup_location_library"] == library:
            chosen |= {"request_status": "ON_HOLD_SHELF", "task_name": "On Hold Shelf"}
            chosen["expiry_date"] = f"{(self.now() + timedelta(days=7)).date().isoformat()}Z"
            _set_process(item, "HOLDSHELF")
        else:
            chosen |= {"request_status": "IN_PROCESS", "task_name": "Transit Item"}
            _set_process(item, "TRANSIT")
        return {**item, "additional_info": "Item is requested."}

    # --- requests ----------------------------------------------------------------------------------------

    def add_request(self, user_id: str, item: Row | None, mms: str, body: Row) -> Row:
        user = self.find_user(user_id)
        title = self.find_bib(mms)["title"]
        data = item["item_data"] if item is not None else {"pid": "", "barcode": ""}
        if body.get("request_type") != "HOLD" or body.get("pickup_location_type") != "LIBRARY":
            raise AlmaError("401652", "General error.")
        pickup = body.get("pickup_location_library")
        if pickup not in self.libraries:
            raise AlmaError("401895", "Pickup library is not valid.")
        items = [item] if item is not None else [row for row in self.items.values() if row["bib_data"]["mms_id"] == mms]
        if self._is_blocked(user) or all(row["item_data"]["policy"]["value"] in self.not_lent for row in items):
            raise AlmaError("401129", "No items can fulfill the submitted request.")
        for row in self.requests.values():
            if (row["user_primary_id"], row["mms_id"], row["barcode"]) == (user["primary_id"], mms, data["barcode"]):
                raise AlmaError("401136", "Failed to save the request: Patron has active request for selected item.")
        number = self.next_number()
        self.requests[number] = {
            "request_id": number,
            "request_type": "HOLD",
            "request_status": "NOT_STARTED",
            "task_name": "Pickup From Shelf",
            "user_primary_id": user["primary_id"],
            "mms_id": mms,
            "item_id": data["pid"],
            "barcode": data["barcode"],
            "title": title,
            "pickup_location_type": "LIBRARY",
            "pickup_location_library": pickup,
            "last_interest_date": body.get("last_interest_date", ""),
            "comment": body.get("comment", ""),
            "request_time": self.write_now(),
        }
        return self.describe_request(self.requests[number])

    def change_request(self, user_id: str, number: str, body: Row) -> Row:
        """Change a request; what is left out is emptied."""
        row = self.requests[self.find_request(user_id, number)["request_id"]]
        if body.get("request_type") != row["request_type"]:
            raise AlmaError("401652", "The type of a request cannot be changed.")
        if body.get("pickup_location_library") not in self.libraries:
            raise AlmaError("401895", "Pickup library is not valid.")
        for name in ("pickup_location_type", "pickup_location_library", "last_interest_date", "comment"):
            row[name] = body.get(name, "")
        return self.describe_request(row)

    def cancel_request(self, row: Row, reason: str) -> None:
        if not reason:
            raise AlmaError("401652", "Cancellation reason is missing.")
        del self.requests[row["request_id"]]
        if row["request_status"] != "NOT_STARTED":
            _set_process(self.find_item(row["barcode"]), "")

    # --- fees --------------------------------------------------------------------------------------------

    def add_fee(self, user_id: str, body: Row) -> Row:
        user = self.find_user(user_id)["primary_id"]
        if read_code(body, "type") not in self.fee_types:
            raise AlmaError("4019991", "Fee type is not valid.")
        amount = body.get("original_amount")
        if not isinstance(amount, int | float) or amount <= 0:
            raise AlmaError("4019994", "Amount is not valid.")
        if read_code(body, "owner") not in self.libraries:
            raise AlmaError("4019996", "Owner is missing.")
        number = self.next_number()
        self.fees[number] = {
            "id": number,
            "user": user,
            "type": body["type"],
            "status": {"value": "ACTIVE"},
            "original_amount": amount,
            "balance": amount,
            "owner": body["owner"],
            "comment": body.get("comment", ""),
            "barcode": {"value": body.get("item_barcode", "")},
            "creation_time": self.write_now(),
        }
        return self.fees[number]

    def _is_blocked(self, user: Row) -> bool:
        until = user["expiry_date"][:10]
        return bool(until and date.fromisoformat(until) < self.now().date()) or bool(user["user_block"])


def write_moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def cut_page(rows: Iterable[Row], name: str, limit: int, offset: int) -> Row:
    """A list as Alma gives it: an empty one is left out."""
    whole = list(rows)
    part = whole[offset : offset + limit]
    return {**({name: part} if part else {}), "total_record_count": len(whole)}


def _overlap(row: Row, other: Row) -> bool:
    return not row["barcode"] or not other["barcode"] or row["barcode"] == other["barcode"]


def read_code(body: Row, key: str) -> str:
    value = body.get(key)
    return str(value.get("value", "")) if isinstance(value, dict) else ""


def _set_process(item: Row, process: str) -> None:
    item["item_data"]["base_status"] = {"value": "0" if process else "1"}
    item["item_data"]["process_type"] = {"value": process}
