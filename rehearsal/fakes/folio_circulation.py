"""Requests, loans and returns in a FOLIO that plays one: the rules of mod-circulation, with its own words and codes.

Source: facts/ils-backends.md 1.3 and section 4; folio-org/mod-circulation for the order in which it checks.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from rehearsal.fakes.folio_queries import FolioRecord
from rehearsal.fakes.folio_records import (
    TABLES,
    UUID_PATTERN,
    FolioAnswerError,
    FolioRecords,
    make_error,
    parse_moment,
    write_moment,
)

LOANS, REQUESTS = "/circulation/loans", "/circulation/requests"
ITEMS, USERS = "/inventory/items", "/users"

NOT_LENT_STATUSES = frozenset(
    {"Claimed returned", "Declared lost", "Aged to lost", "Intellectual item", "In process (non-requestable)"}
)

ALLOWED_REQUESTS: Mapping[str, frozenset[str]] = {
    "Page": frozenset({"Available", "Restricted"}),
    "Hold": frozenset(
        {
            "Checked out",
            "Awaiting pickup",
            "Awaiting delivery",
            "In transit",
            "Missing",
            "Paged",
            "On order",
            "In process",
            "Restricted",
        }
    ),
    "Recall": frozenset(
        {
            "Checked out",
            "Awaiting pickup",
            "Awaiting delivery",
            "In transit",
            "Paged",
            "On order",
            "In process",
            "Restricted",
        }
    ),
}


@dataclass
class CirculationRules:
    """The rules that a library has set up. `not_lent`: names of loan types that its policies keep in the house."""

    loan_days: int = 28
    max_renewals: int = 3
    max_loans: int = 50
    shelf_days: int = 7
    renews_from: str = "CURRENT_DUE_DATE"  # or SYSTEM_DATE
    not_lent: frozenset[str] = frozenset()
    fine_a_day: float = 0.25
    has_title_requests: bool = True
    fulfillment_key: str = "fulfillmentPreference"
    permissions: set[str] = field(default_factory=set)  # of overrides


@dataclass
class FolioCirculation:
    records: FolioRecords
    rules: CirculationRules

    # --- requests ----------------------------------------------------------------------------------------

    def create_request(self, body: FolioRecord) -> FolioRecord:
        records = self.records
        request = copy.deepcopy(body)
        request.setdefault("id", str(uuid4()))
        if not UUID_PATTERN.fullmatch(request["id"]):
            raise make_error("must match the pattern of a UUID", id=request["id"])
        level, kind = request.get("requestLevel", ""), request.get("requestType", "")
        if level not in ("Item", "Title") or (level == "Title" and not self.rules.has_title_requests):
            raise make_error('requestLevel must be one of the following: "Item"', requestLevel=level)
        for name in ("requestType", "requesterId", "instanceId", "requestDate", self.rules.fulfillment_key):
            if not request.get(name):
                raise make_error(f"The required {name} is missing", **{name: "null"})
        if level == "Item" and not (request.get("itemId") and request.get("holdingsRecordId")):
            raise make_error("Cannot create an item level request without itemId and holdingsRecordId")
        parse_moment(request["requestDate"])
        user = records.tables[USERS].get(request["requesterId"])
        overrides = (request.pop("requestProcessingParameters", None) or {}).get("overrideBlocks") or {}
        self._check_overrides(overrides)
        self._check_requester(user, request["requesterId"], is_overridden="patronBlock" in overrides)
        assert user is not None
        self._check_pickup(request)
        item = self._choose_item(request)
        if item is not None:
            self._check_item_request(request, item, kind)
        for other in self._open_requests(requesterId=user["id"], instanceId=request["instanceId"]):
            if level == "Item" and other.get("itemId") == request.get("itemId"):
                raise make_error(
                    "This requester already has an open request for this item",
                    "ITEM_ALREADY_REQUESTED",
                    itemId=str(request.get("itemId")),
                    requesterId=user["id"],
                )
            if level == "Title":
                raise make_error(
                    "This requester already has an open request for this instance",
                    "INSTANCE_ALREADY_REQUESTED",
                    instanceId=request["instanceId"],
                    requesterId=user["id"],
                )
        if request["id"] in records.tables[REQUESTS]:
            raise FolioAnswerError(
                400, f'ERROR: duplicate key value violates unique constraint "request_pkey" (23505): {request["id"]}'
            )
        request["status"] = "Open - Not yet filled"
        request["position"] = len(self._queue(request)) + 1
        request["metadata"] = {"createdDate": write_moment(records.now())}
        records.tables[REQUESTS][request["id"]] = request
        if kind == "Page" and item is not None:
            self._set_status(item, "Paged")
        return self.show_request(request)

    def _check_requester(self, user: FolioRecord | None, user_id: str, *, is_overridden: bool) -> None:
        if user is None or not user.get("patronGroup"):
            raise make_error("A valid user and patron group are required. User is null", userId=user_id)
        if not self._is_active(user):
            raise make_error("Inactive users cannot make requests", requesterId=user_id)
        if is_overridden:
            return
        if self._manual_block(user, "requests"):
            raise make_error("Patron blocked from requesting", "USER_IS_BLOCKED_MANUALLY", userId=user_id)
        if any(block.get("blockRequests") for block in self.records.automated_blocks.get(user_id, [])):
            raise make_error("Patron blocked from requesting", "USER_IS_BLOCKED_AUTOMATICALLY", userId=user_id)

    def _check_pickup(self, request: FolioRecord) -> None:
        if request.get(self.rules.fulfillment_key) != "Hold Shelf":
            return
        point = self.records.tables["/service-points"].get(str(request.get("pickupServicePointId")))
        if point is None:
            raise make_error(
                "Hold Shelf Fulfillment Requests require a Pickup Service Point",
                "HOLD_SHELF_REQUESTS_REQUIRE_PICKUP_SERVICE_POINT",
                id=str(request.get("id")),
            )
        if not point.get("pickupLocation"):
            raise make_error(
                "Service point is not a pickup location",
                "SERVICE_POINT_IS_NOT_PICKUP_LOCATION",
                pickupServicePointId=point["id"],
            )

    def _choose_item(self, request: FolioRecord) -> FolioRecord | None:
        """A page of a title takes an item that is in; a hold of a title waits for any."""
        items = self.records.list_table(ITEMS)
        if request["requestLevel"] == "Item":
            item = self.records.tables[ITEMS].get(request["itemId"])
            if item is None or self.records.instance_of_item(item)["id"] != request["instanceId"]:
                raise make_error("Cannot create a request with no item information", itemId=request["itemId"])
            return item
        if request["instanceId"] not in self.records.tables["/inventory/instances"]:
            raise make_error("Instance does not exist", "INSTANCE_DOES_NOT_EXIST", instanceId=request["instanceId"])
        ours = [item for item in items if self.records.instance_of_item(item)["id"] == request["instanceId"]]
        if request["requestType"] != "Page":
            return None
        free = [item for item in ours if item["status"]["name"] == "Available"]
        if not free:
            raise make_error(
                "Cannot create page TLR for this instance ID - no pageable available items found",
                instanceId=request["instanceId"],
            )
        request["itemId"] = free[0]["id"]
        request["holdingsRecordId"] = free[0]["holdingsRecordId"]
        return free[0]

    def _check_item_request(self, request: FolioRecord, item: FolioRecord, kind: str) -> None:
        status = item["status"]["name"]
        if self._loan_type(item) in self.rules.not_lent:
            raise make_error(
                f"{kind} requests are not allowed for this patron and item combination",
                "REQUEST_NOT_ALLOWED_FOR_PATRON_ITEM_COMBINATION",
                requestType=kind,
            )
        loan = self.find_open_loan(item["id"])
        if loan is not None and loan.get("userId") == request["requesterId"]:
            raise make_error(
                "This requester currently has this item on loan.",
                "REQUESTER_ALREADY_HAS_THIS_ITEM_ON_LOAN",
                itemId=item["id"],
                userId=request["requesterId"],
            )
        if status not in ALLOWED_REQUESTS.get(kind, frozenset()):
            raise make_error(f"{kind} requests are not allowed for {status} item status combination", itemId=item["id"])

    def replace_request(self, request_id: str, body: FolioRecord) -> None:
        record = self.records.get_record(REQUESTS, request_id)
        if record["status"].startswith("Closed"):
            raise make_error("The Request has already been closed", "REQUEST_ALREADY_CLOSED", id=request_id)
        changed = {name: value for name, value in copy.deepcopy(body).items() if name not in ("item", "instance")}
        changed["id"] = request_id
        status = changed.get("status", "")
        if status == "Closed - Cancelled":
            reasons = self.records.tables["/cancellation-reason-storage/cancellation-reasons"]
            if changed.get("cancellationReasonId") not in reasons:
                raise make_error("A cancellation reason is required", cancellationReasonId="null")
        elif status != record["status"]:
            raise make_error(f"The status can't be changed to '{status}' by hand", status=status)
        self._check_pickup(changed)
        self.records.tables[REQUESTS][request_id] = changed
        if status == "Closed - Cancelled":
            self._leave_queue(changed)
            item = self.records.tables[ITEMS].get(str(changed.get("itemId")))
            if item is not None and item["status"]["name"] == "Paged" and not self._open_requests(itemId=item["id"]):
                self._set_status(item, "Available")

    def expire_requests(self) -> None:
        """Expire requests as FOLIO's timer does."""
        for request in self._open_requests():
            ends = request.get("requestExpirationDate")
            if ends and request["status"] == "Open - Not yet filled" and parse_moment(ends) < self.records.now():
                request["status"] = "Closed - Unfilled"
                self._leave_queue(request)

    def show_request(self, request: FolioRecord) -> FolioRecord:
        shown = copy.deepcopy(request)
        item = self.records.tables[ITEMS].get(str(request.get("itemId")))
        if item is not None:
            shown["item"] = {"barcode": item.get("barcode"), "status": item["status"]["name"]}
        instance = self.records.tables["/inventory/instances"].get(request["instanceId"])
        if instance is not None:
            shown["instance"] = {"title": instance["title"], "identifiers": instance.get("identifiers", [])}
        return shown

    def _open_requests(self, **wanted: Any) -> list[FolioRecord]:
        records = self.records.find_records(REQUESTS, **wanted)
        return sorted(
            (row for row in records if row["status"].startswith("Open")), key=lambda row: row.get("position") or 0
        )

    def _queue(self, request: FolioRecord) -> list[FolioRecord]:
        if self.rules.has_title_requests:
            return self._open_requests(instanceId=request["instanceId"])
        return self._open_requests(itemId=request["itemId"])

    def _leave_queue(self, request: FolioRecord) -> None:
        request.pop("position", None)
        for place, other in enumerate(self._queue(request), start=1):
            other["position"] = place

    def _waiting_for(self, item: FolioRecord) -> list[FolioRecord]:
        """Open requests that this item may fill, the first first."""
        instance_id = self.records.instance_of_item(item)["id"]
        return [
            request
            for request in self._open_requests(instanceId=instance_id)
            if request.get("itemId") == item["id"] or (request["requestLevel"] == "Title" and not request.get("itemId"))
        ]

    # --- check-out ---------------------------------------------------------------------------------------

    def check_out(self, body: FolioRecord) -> FolioRecord:
        records, rules = self.records, self.rules
        for name in ("itemBarcode", "userBarcode", "servicePointId"):
            if not body.get(name):
                raise make_error(f"Check out must have {name}", **{name: "null"})
        overrides = body.get("overrideBlocks") or {}
        self._check_overrides(overrides)
        user = self._find_user(body["userBarcode"])
        if not self._is_active(user):
            raise make_error("Cannot check out to inactive user", userBarcode=body["userBarcode"])
        item = self._find_item(body["itemBarcode"])
        if item is None:
            raise make_error(
                f"No item with barcode {body['itemBarcode']} could be found", itemBarcode=body["itemBarcode"]
            )
        if self.find_open_loan(item["id"]) is not None:
            raise make_error("Item is already checked out", itemBarcode=body["itemBarcode"])
        title = records.instance_of_item(item)["title"]
        material = records.tables["/material-types"][item["materialType"]["id"]]["name"]
        named = f"{title} ({material}) (Barcode: {item['barcode']})"
        if item["status"]["name"] in NOT_LENT_STATUSES:
            raise make_error(
                f"{named} has the item status {item['status']['name']} and cannot be checked out",
                itemBarcode=item["barcode"],
            )
        waiting = self._waiting_for(item)
        if waiting and waiting[0]["requesterId"] != user["id"]:
            person = user["personal"]
            raise make_error(
                f"{named} cannot be checked out to user {person['lastName']}, {person.get('firstName', '')} "
                "because it has been requested by another patron",
                userBarcode=body["userBarcode"],
            )
        if "patronBlock" not in overrides:
            self._check_borrower(user)
        if "itemLimitBlock" not in overrides and len(self._open_loans(userId=user["id"])) >= rules.max_loans:
            raise make_error(
                f"Patron has reached maximum limit of {rules.max_loans} items for material type",
                "ITEM_LIMIT_MATERIAL_TYPE",
            )
        lent = parse_moment(body["loanDate"]) if body.get("loanDate") else records.now()
        due = (lent + timedelta(days=rules.loan_days)).replace(hour=23, minute=59, second=59, microsecond=0)
        if self._loan_type(item) in rules.not_lent:
            if "itemNotLoanableBlock" not in overrides:
                raise make_error("Item is not loanable", "ITEM_NOT_LOANABLE", itemBarcode=item["barcode"])
            due = parse_moment(overrides["itemNotLoanableBlock"]["dueDate"])
        loan: FolioRecord = {
            "id": str(uuid4()),
            "userId": user["id"],
            "itemId": item["id"],
            "loanDate": write_moment(lent),
            "dueDate": write_moment(due),
            "status": {"name": "Open"},
            "action": "checkedout",
            "checkoutServicePointId": body["servicePointId"],
            "itemEffectiveLocationIdAtCheckOut": records.find_effective_location(item)["id"],
        }
        records.tables[LOANS][loan["id"]] = loan
        self._set_status(item, "Checked out")
        if waiting:
            waiting[0]["status"] = "Closed - Filled"
            self._leave_queue(waiting[0])
        return self.show_loan(loan)

    def _check_overrides(self, overrides: FolioRecord) -> None:
        needed = {
            "patronBlock": "circulation.override-patron-block.post",
            "itemLimitBlock": "circulation.override-item-limit-block.post",
            "itemNotLoanableBlock": "circulation.override-item-not-loanable-block.post",
        }
        if overrides and not overrides.get("comment"):
            raise make_error("must not be null", comment="null")
        lacking = [right for name, right in needed.items() if name in overrides and right not in self.rules.permissions]
        if lacking:
            raise make_error("Missing override permissions", missingOverridePermissions=", ".join(lacking))

    def _check_borrower(self, user: FolioRecord) -> None:
        if self._manual_block(user, "borrowing"):
            raise make_error("Patron blocked from borrowing", "USER_IS_BLOCKED_MANUALLY", userId=user["id"])
        for block in self.records.automated_blocks.get(user["id"], []):
            if block.get("blockBorrowing"):
                raise make_error(block["message"], "USER_IS_BLOCKED_AUTOMATICALLY", userId=user["id"])

    # --- check-in ----------------------------------------------------------------------------------------

    def check_in(self, body: FolioRecord) -> FolioRecord:
        records = self.records
        for name in ("itemBarcode", "servicePointId", "checkInDate"):
            if not body.get(name):
                raise make_error(f"Checkin request must have {name}", **{name: "null"})
        item = self._find_item(body["itemBarcode"])
        if item is None:
            raise make_error(f"No item with barcode {body['itemBarcode']} exists", itemBarcode=body["itemBarcode"])
        point_id = body["servicePointId"]
        if point_id not in records.tables["/service-points"]:
            raise make_error("Check in failed, service point does not exist", servicePointId=point_id)
        at = parse_moment(body["checkInDate"])
        loan = self.find_open_loan(item["id"])
        if loan is not None:
            loan["status"] = {"name": "Closed"}
            loan["returnDate"] = write_moment(at)
            loan["action"] = "checkedin"
            loan["checkinServicePointId"] = point_id
            self._fine_late_return(loan, item, at)
        waiting = self._waiting_for(item)
        was_available = item["status"]["name"] == "Available"
        place = records.find_effective_location(item)
        item.pop("inTransitDestinationServicePointId", None)
        if waiting:
            self._fill_request(waiting[0], item, point_id)
        elif point_id in place.get("servicePointIds", [place["primaryServicePoint"]]):
            self._set_status(item, "Available")
        else:
            self._send_away(item, place["primaryServicePoint"])
        answer: FolioRecord = {
            "item": {
                "id": item["id"],
                "title": records.instance_of_item(item)["title"],
                "barcode": item["barcode"],
                "status": item["status"],
                "holdingsRecordId": item["holdingsRecordId"],
                "instanceId": records.instance_of_item(item)["id"],
                "location": {"name": place["name"]},
            },
            "inHouseUse": loan is None and not waiting and was_available,
        }
        if "inTransitDestinationServicePointId" in item:
            destination = item["inTransitDestinationServicePointId"]
            answer["item"]["inTransitDestinationServicePointId"] = destination
            name = records.tables["/service-points"][destination]["name"]
            answer["item"]["inTransitDestinationServicePoint"] = {"name": name}
        if loan is not None:
            answer["loan"] = self.show_loan(loan)
        return answer

    def _fill_request(self, request: FolioRecord, item: FolioRecord, point_id: str) -> None:
        request["itemId"], request["holdingsRecordId"] = item["id"], item["holdingsRecordId"]
        if request["pickupServicePointId"] == point_id:
            ends = self.records.now() + timedelta(days=self.rules.shelf_days)
            request["status"] = "Open - Awaiting pickup"
            request["holdShelfExpirationDate"] = write_moment(ends)
            self._set_status(item, "Awaiting pickup")
        else:
            request["status"] = "Open - In transit"
            self._send_away(item, request["pickupServicePointId"])

    def _send_away(self, item: FolioRecord, point_id: str) -> None:
        self._set_status(item, "In transit")
        item["inTransitDestinationServicePointId"] = point_id

    def _fine_late_return(self, loan: FolioRecord, item: FolioRecord, at: datetime) -> None:
        days = (at - parse_moment(loan["dueDate"])).days
        owners = self.records.list_table("/owners")
        types = self.records.find_records("/feefines", feeFineType="Overdue fine")
        if days <= 0 or not owners or not types or not self.rules.fine_a_day:
            return
        self.records.insert_record(
            "/accounts",
            {
                "userId": loan["userId"],
                "feeFineId": types[0]["id"],
                "ownerId": owners[0]["id"],
                "feeFineType": "Overdue fine",
                "feeFineOwner": owners[0]["owner"],
                "amount": self.rules.fine_a_day * days,
                "remaining": self.rules.fine_a_day * days,
                "status": {"name": "Open"},
                "paymentStatus": {"name": "Outstanding"},
                "loanId": loan["id"],
                "barcode": item["barcode"],
            },
        )

    # --- renewals and due dates --------------------------------------------------------------------------

    def renew(self, body: FolioRecord) -> FolioRecord:
        item = self._find_item(str(body.get("itemBarcode")))
        if item is None:
            raise make_error(
                f"No item with barcode {body.get('itemBarcode')} exists", itemBarcode=str(body.get("itemBarcode"))
            )
        loan = self.find_open_loan(item["id"])
        if loan is None:
            raise FolioAnswerError(500, f"More than one open loan for item {item['id']}")
        user = self._find_user(str(body.get("userBarcode")))
        if loan.get("userId") != user["id"]:
            raise make_error("Cannot renew item checked out to different user", "ITEM_CHECKED_OUT_TO_DIFFERENT_USER")
        if self._manual_block(user, "renewals"):
            raise make_error("Patron blocked from renewing", "USER_IS_BLOCKED_MANUALLY", userId=user["id"])
        if self._waiting_for(item):
            raise make_error(
                "Items cannot be renewed when there is an active, pending hold request",
                "RENEWAL_BLOCKED_BY_ACTIVE_REQUEST",
            )
        count = loan.get("renewalCount", 0)
        if count >= self.rules.max_renewals:
            raise make_error("loan at maximum renewal number", "LOAN_RENEWAL_LIMIT_REACHED")
        due = parse_moment(loan["dueDate"])
        begin = due if self.rules.renews_from == "CURRENT_DUE_DATE" else self.records.now()
        new = (begin + timedelta(days=self.rules.loan_days)).replace(hour=23, minute=59, second=59, microsecond=0)
        if new <= due:
            raise make_error("renewal would not change the due date", "RENEWAL_WOULD_NOT_CHANGE_DUE_DATE")
        loan["dueDate"], loan["renewalCount"], loan["action"] = write_moment(new), count + 1, "renewed"
        return self.show_loan(loan)

    def change_due_date(self, loan_id: str, body: FolioRecord) -> None:
        loan = self.records.get_record(LOANS, loan_id)
        if not body.get("dueDate"):
            raise make_error("A new due date is required in order to change the due date", dueDate="null")
        if loan["status"]["name"] != "Open":
            raise make_error("Loan is closed", id=loan_id)
        loan["dueDate"] = write_moment(parse_moment(body["dueDate"]))
        loan["action"] = "dueDateChanged"

    def declare_lost(self, loan_id: str, body: FolioRecord) -> None:
        loan = self.records.get_record(LOANS, loan_id)
        for name in ("servicePointId", "declaredLostDateTime"):
            if not body.get(name):
                raise make_error("must not be null", **{name: "null"})
        item = self.records.get_record(ITEMS, loan["itemId"])
        if loan["status"]["name"] != "Open":
            raise make_error("Loan is closed", loanId=loan_id)
        if item["status"]["name"] == "Declared lost":
            raise make_error("The item is already declared lost", "ITEM_ALREADY_DECLARED_LOST", itemId=item["id"])
        loan["action"] = "declaredLost"
        loan["declaredLostDate"] = write_moment(parse_moment(body["declaredLostDateTime"]))
        self._set_status(item, "Declared lost")

    def show_loan(self, loan: FolioRecord) -> FolioRecord:
        shown = copy.deepcopy(loan)
        user = self.records.tables[USERS].get(str(loan.get("userId")))
        if user is not None:
            person = user["personal"]
            shown["borrower"] = {"barcode": user.get("barcode"), "lastName": person["lastName"]}
        item = self.records.tables[ITEMS].get(loan["itemId"])
        if item is not None:
            instance = self.records.instance_of_item(item)
            shown["item"] = {
                "id": item["id"],
                "barcode": item.get("barcode"),
                "title": instance["title"],
                "instanceId": instance["id"],
                "holdingsRecordId": item["holdingsRecordId"],
                "status": item["status"],
            }
        return shown

    def find_open_loan(self, item_id: str) -> FolioRecord | None:
        return next(iter(self._open_loans(itemId=item_id)), None)

    def _open_loans(self, **wanted: Any) -> list[FolioRecord]:
        return [record for record in self.records.find_records(LOANS, **wanted) if record["status"]["name"] == "Open"]

    # --- statuses by hand --------------------------------------------------------------------------------

    def mark_item(self, item_id: str, status: str) -> FolioRecord:
        item = self.records.get_record(ITEMS, item_id)
        if item["status"]["name"] in ("Checked out", "Declared lost", "Claimed returned", "Aged to lost"):
            raise make_error(f'Item is not allowed to be marked as:"{status}"', itemId=item_id)
        self._set_status(item, status)
        return self.records.show_record(ITEMS, item)

    def _set_status(self, item: FolioRecord, name: str) -> None:
        item["status"] = {"name": name, "date": write_moment(self.records.now())}
        item["_version"] += 1

    # --- people ------------------------------------------------------------------------------------------

    def _find_user(self, barcode: str) -> FolioRecord:
        records = self.records.find_records(USERS, barcode=barcode)
        if not records:
            raise make_error("Could not find user with matching barcode", "USER_BARCODE_NOT_FOUND", userBarcode=barcode)
        return records[0]

    def _find_item(self, barcode: str) -> FolioRecord | None:
        return next(iter(self.records.find_records(ITEMS, barcode=barcode)), None)

    def _is_active(self, user: FolioRecord) -> bool:
        ends = user.get("expirationDate")
        return bool(user.get("active")) and not (ends and parse_moment(ends) < self.records.now())

    def _manual_block(self, user: FolioRecord, what: str) -> bool:
        return any(record.get(what) for record in self.records.find_records("/manualblocks", userId=user["id"]))

    def _loan_type(self, item: FolioRecord) -> str:
        kind = item.get("temporaryLoanType") or item["permanentLoanType"]
        return str(self.records.tables["/loan-types"][kind["id"]]["name"])


assert {LOANS, REQUESTS, ITEMS, USERS} <= TABLES.keys()
