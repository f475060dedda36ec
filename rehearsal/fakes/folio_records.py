"""The records of a FOLIO that plays one: tables in memory, what they require, and how FOLIO says what is wrong.

Source: facts/ils-backends.md 1.3. Nothing here is taken from what our own backend happens to send.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid4, uuid5

from rehearsal.fakes.folio_queries import FolioRecord, read_plain_field

UUID_PATTERN = re.compile(r"[a-fA-F0-9]{8}-[a-fA-F0-9]{4}-[1-5][a-fA-F0-9]{3}-[89abAB][a-fA-F0-9]{3}-[a-fA-F0-9]{12}")

ITEM_STATUS_NAMES = frozenset(
    {
        "Aged to lost",
        "Available",
        "Awaiting delivery",
        "Awaiting pickup",
        "Checked out",
        "Claimed returned",
        "Declared lost",
        "In process",
        "In process (non-requestable)",
        "In transit",
        "Intellectual item",
        "Long missing",
        "Lost and paid",
        "Missing",
        "On order",
        "Order closed",
        "Paged",
        "Restricted",
        "Unavailable",
        "Unknown",
        "Withdrawn",
    }
)


class FolioAnswerError(Exception):
    """The answer of FOLIO instead of a success. `body`: an object becomes JSON, a text stays plain text."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.body = body


def make_error(message: str, code: str = "", **parameters: str) -> FolioAnswerError:
    """The usual one: 422 with one error."""
    entry: FolioRecord = {"message": message}
    if code:
        entry["code"] = code
    entry["parameters"] = [{"key": key, "value": value} for key, value in parameters.items()]
    return FolioAnswerError(422, {"errors": [entry]})


def make_id(name: str) -> str:
    """The same for the same name, so that examples can be told from one another."""
    return str(uuid5(NAMESPACE_URL, f"folio:{name}"))


@dataclass(frozen=True, slots=True)
class TableRules:
    """`key`: of its list in an answer; `unique`: (field, what it is called in the error); `has_body`: whether a POST is
    answered with the record; `is_plain`: whether refusals are plain text, as inventory's are."""

    key: str
    required: tuple[str, ...] = ()
    unique: tuple[tuple[str, str], ...] = ()
    references: tuple[tuple[str, str], ...] = ()  # field -> path of the table
    has_body: bool = True
    has_versions: bool = False


TABLES: Mapping[str, TableRules] = {
    "/users": TableRules(
        "users",
        ("personal.lastName",),
        (("barcode", "barcode"), ("username", "username"), ("externalSystemId", "external system id")),
        (("patronGroup", "/groups"),),
    ),
    "/groups": TableRules("usergroups", ("group",), (("group", "group"),)),
    "/addresstypes": TableRules("addressTypes", ("addressType",)),
    "/service-points": TableRules("servicepoints", ("name", "code", "discoveryDisplayName"), (("code", "code"),)),
    "/service-points-users": TableRules("servicePointsUsers", ("userId",)),
    "/locations": TableRules("locations", ("name", "code", "primaryServicePoint"), (("code", "code"),)),
    "/loan-types": TableRules("loantypes", ("name",), (("name", "name"),)),
    "/material-types": TableRules("mtypes", ("name",), (("name", "name"),)),
    "/instance-types": TableRules("instanceTypes", ("name", "code", "source")),
    "/identifier-types": TableRules("identifierTypes", ("name",)),
    "/contributor-name-types": TableRules("contributorNameTypes", ("name",)),
    "/holdings-sources": TableRules("holdingsRecordsSources", ("name",)),
    "/cancellation-reason-storage/cancellation-reasons": TableRules("cancellationReasons", ("name",)),
    "/owners": TableRules("owners", ("owner",)),
    "/feefines": TableRules("feefines", ("feeFineType",)),
    "/accounts": TableRules(
        "accounts",
        ("userId", "feeFineId", "ownerId", "amount", "remaining", "status.name", "paymentStatus.name"),
        references=(("feeFineId", "/feefines"), ("ownerId", "/owners")),
    ),
    "/feefineactions": TableRules("feefineactions", ("accountId", "userId")),
    "/manualblocks": TableRules("manualblocks", ("desc", "userId")),
    "/inventory/instances": TableRules(
        "instances",
        ("title", "source", "instanceTypeId"),
        references=(("instanceTypeId", "/instance-types"),),
        has_body=False,
        has_versions=True,
    ),
    "/holdings-storage/holdings": TableRules(
        "holdingsRecords",
        ("instanceId", "permanentLocationId", "sourceId"),
        references=(
            ("instanceId", "/inventory/instances"),
            ("permanentLocationId", "/locations"),
            ("sourceId", "/holdings-sources"),
        ),
        has_versions=True,
    ),
    "/inventory/items": TableRules(
        "items",
        ("holdingsRecordId", "status.name", "materialType.id", "permanentLoanType.id"),
        references=(
            ("holdingsRecordId", "/holdings-storage/holdings"),
            ("materialType.id", "/material-types"),
            ("permanentLoanType.id", "/loan-types"),
        ),
        has_body=False,
        has_versions=True,
    ),
    "/circulation/requests": TableRules("requests"),
    "/circulation/loans": TableRules("loans"),
}

REFERRING = {
    "/inventory/instances": ("/holdings-storage/holdings", "instanceId", "holdings_record"),
    "/holdings-storage/holdings": ("/inventory/items", "holdingsRecordId", "item"),
}
"""A record is not deleted while these still name it."""


@dataclass
class FolioRecords:
    """`now`: what the clock of this FOLIO says, aware UTC."""

    now: Callable[[], datetime]
    tables: dict[str, dict[str, FolioRecord]] = field(default_factory=lambda: {path: {} for path in TABLES})
    pins: dict[str, str] = field(default_factory=dict)
    automated_blocks: dict[str, list[FolioRecord]] = field(default_factory=dict)

    # --- reading -----------------------------------------------------------------------------------------

    def get_record(self, path: str, record_id: str) -> FolioRecord:
        """Load a record; raises FolioAnswerError(404)."""
        record = self.tables[path].get(record_id)
        if record is None:
            raise FolioAnswerError(404, f"{TABLES[path].key} record with id {record_id} not found")
        return record

    def list_table(self, path: str) -> list[FolioRecord]:
        return list(self.tables[path].values())

    def find_records(self, path: str, **wanted: Any) -> list[FolioRecord]:
        return [row for row in self.list_table(path) if all(row.get(name) == value for name, value in wanted.items())]

    def show_record(self, path: str, record: FolioRecord) -> FolioRecord:
        """Show a record as it is answered: an item has its names beside the ids, and says where it is by the rules."""
        shown = copy.deepcopy(record)
        if path != "/inventory/items":
            return shown
        holdings = self.tables["/holdings-storage/holdings"].get(record["holdingsRecordId"], {})
        instance = self.tables["/inventory/instances"].get(str(holdings.get("instanceId", "")), {})
        shown["title"] = instance.get("title", "")
        for name, table in (
            ("materialType", "/material-types"),
            ("permanentLoanType", "/loan-types"),
            ("temporaryLoanType", "/loan-types"),
            ("permanentLocation", "/locations"),
            ("temporaryLocation", "/locations"),
        ):
            if name in shown:
                shown[name] = {"id": shown[name]["id"], "name": self.tables[table][shown[name]["id"]]["name"]}
        place = self.find_effective_location(record)
        shown["effectiveLocation"] = {"id": place["id"], "name": place["name"]}
        number = record.get("itemLevelCallNumber") or holdings.get("callNumber")
        shown["effectiveCallNumberComponents"] = {"callNumber": number, "prefix": None, "suffix": None}
        return shown

    def find_effective_location(self, item: FolioRecord) -> FolioRecord:
        holdings = self.tables["/holdings-storage/holdings"][item["holdingsRecordId"]]
        for place in (
            item.get("temporaryLocation", {}).get("id"),
            item.get("permanentLocation", {}).get("id"),
            holdings.get("temporaryLocationId"),
            holdings["permanentLocationId"],
        ):
            if place:
                return self.tables["/locations"][place]
        raise AssertionError("every holdings record has a location")

    def instance_of_item(self, item: FolioRecord) -> FolioRecord:
        holdings = self.tables["/holdings-storage/holdings"][item["holdingsRecordId"]]
        return self.tables["/inventory/instances"][holdings["instanceId"]]

    def read_field(self, path: str) -> Callable[[FolioRecord, str], Iterable[Any]]:
        def read_indexed(record: FolioRecord, name: str) -> Iterable[Any]:
            if path == "/inventory/items" and name in ("instance.id", "holdingsRecords.instanceId"):
                return [self.instance_of_item(record)["id"]]
            if path == "/inventory/instances" and name == "isbn":
                return [re.sub("[^0-9Xx]", "", id_.get("value", "")) for id_ in record.get("identifiers", [])]
            return read_plain_field(record, name)

        return read_indexed

    # --- writing -----------------------------------------------------------------------------------------

    def insert_record(self, path: str, body: FolioRecord) -> FolioRecord:
        """Insert a record; raises FolioAnswerError."""
        rules = TABLES[path]
        record = copy.deepcopy(body)
        record.setdefault("id", str(uuid4()))
        if not UUID_PATTERN.fullmatch(str(record["id"])):
            raise make_error("must match the pattern of a UUID", id=str(record["id"]))
        if record["id"] in self.tables[path]:
            raise make_error(f"id value already exists in table {rules.key}: {record['id']}", id=record["id"])
        self.check_record(path, record)
        record["metadata"] = {"createdDate": write_moment(self.now())}
        if rules.has_versions:
            record["_version"] = 1
        self.tables[path][record["id"]] = record
        return record

    def replace_record(self, path: str, record_id: str, body: FolioRecord) -> FolioRecord:
        """Replace a record; raises FolioAnswerError: 404, 409 for a stale version, 422."""
        kept = self.get_record(path, record_id)
        record = {**copy.deepcopy(body), "id": record_id, "metadata": kept.get("metadata", {})}
        if TABLES[path].has_versions:
            if record.get("_version") != kept["_version"]:
                raise FolioAnswerError(
                    409,
                    f"Cannot update record {record_id} because it has been changed (optimistic locking): Stored "
                    f"_version is {kept['_version']}, _version of request is {record.get('_version')}",
                )
            record["_version"] = kept["_version"] + 1
        self.check_record(path, record)
        self.tables[path][record_id] = record
        return record

    def delete_record(self, path: str, record_id: str) -> None:
        """Delete a record; raises FolioAnswerError."""
        self.get_record(path, record_id)
        if path in REFERRING:
            table, name, what = REFERRING[path]
            if any(row.get(name) == record_id for row in self.list_table(table)):
                raise FolioAnswerError(
                    400,
                    f"Cannot delete {TABLES[path].key}.id = {record_id} because id is still referenced from {what}.",
                )
        del self.tables[path][record_id]

    def check_record(self, path: str, record: FolioRecord) -> None:
        rules = TABLES[path]
        for name in rules.required:
            if not any(value not in (None, "") for value in read_plain_field(record, name)):
                raise make_error("must not be null", **{name: "null"})
        for name, table in rules.references:
            for value in read_plain_field(record, name):
                if value not in self.tables[table]:
                    raise make_error(
                        f"Cannot set {name} = {value} because it does not exist in {table}", **{name: value}
                    )
        for name, words in rules.unique:
            if record.get(name) and self._is_taken(path, record, name):
                raise make_error(f"User with this {words} already exists", **{name: record[name]})
        if path == "/inventory/items":
            self._check_item(record)

    def _check_item(self, record: FolioRecord) -> None:
        barcode = record.get("barcode")
        if barcode and self._is_taken("/inventory/items", record, "barcode"):
            raise FolioAnswerError(400, f"Barcode must be unique, {barcode} is already assigned to another item")
        if record["status"]["name"] not in ITEM_STATUS_NAMES:
            raise make_error("Undefined status", **{"status.name": record["status"]["name"]})
        for name in ("permanentLocation", "temporaryLocation"):
            if name in record and record[name].get("id") not in self.tables["/locations"]:
                raise make_error(f"Cannot set {name}: it does not exist", **{name: str(record[name].get("id"))})

    def _is_taken(self, path: str, record: FolioRecord, name: str) -> bool:
        wanted = str(record[name]).casefold()
        return any(
            row["id"] != record["id"] and str(row.get(name, "")).casefold() == wanted for row in self.list_table(path)
        )


def write_moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+00:00"


def parse_moment(text: str) -> datetime:
    """Parse a moment; raises FolioAnswerError(422)."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise make_error("Unable to parse date", date=text) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
