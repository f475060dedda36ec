"""Instances and items of FOLIO: looked up by number, found by words, moved and marked."""

from __future__ import annotations

import re
from collections.abc import Mapping

from adapters.library.folio.answers import FolioJson, HoldingsAnswer, InstanceAnswer, read_answer
from adapters.library.folio.code_tables import CodeTable
from adapters.library.folio.cql import OPEN_REQUEST, match_all, match_identifier, match_value, match_words
from adapters.library.folio.lookups import FolioDesk, ItemState, is_uuid, read_item_answer
from adapters.library.folio.record_changes import change_record
from adapters.library.folio.records import ISBN_TYPES, LENT_STATUSES, ItemParts, read_bib, write_moment
from adapters.library.parallel_questions import ask_together
from adapters.library.refusals import make_refusal
from gateway.domain.library import Bib, Item, ItemStatus, PickupLocation, RecordId
from gateway.domain.problems import MessagePart, OutcomeUnknown, RefusalReason, Refused
from gateway.domain.value import value_object
from gateway.ports.library_changes import ChangeKind
from gateway.ports.library_operations import MoveToIll, ReturnHome, StatusChange
from gateway.ports.library_system import BibHoldings

INSTANCES, ITEMS = "/inventory/instances", "/inventory/items"

MARKS: Mapping[ItemStatus, tuple[str, str]] = {
    ItemStatus.MISSING: ("mark-missing", "Missing"),
    ItemStatus.LOST: ("mark-missing", "Missing"),  # only what is on loan can be declared lost
    ItemStatus.IN_PROCESS: ("mark-in-process", "In process"),
    ItemStatus.NOT_AVAILABLE: ("mark-unavailable", "Unavailable"),
}
"""Statuses that FOLIO lets be set by hand, by its path and its word."""

LOST_STATUSES = frozenset({"Declared lost", "Aged to lost"})

_NOT_IN_NUMBERS = re.compile(r"[^0-9A-Za-z]")


@value_object
class FolioCatalogueDesk:
    desk: FolioDesk

    # --- records -----------------------------------------------------------------------------------------

    async def find_bib(self, record: RecordId) -> Bib:
        """`local` is FOLIO's id or HRID. Raises Refused(UNKNOWN_RECORD | AMBIGUOUS_ITEM), Unavailable."""
        desk = self.desk
        if record.type == "local":
            return await self._find_local(record.value)
        type_id = await desk.codes.find_id(CodeTable.IDENTIFIER_TYPES, ISBN_TYPES.get(record.type, record.type))
        if type_id is None or not record.value:
            raise make_refusal(RefusalReason.UNKNOWN_RECORD)
        wanted = fold_number(record.value)
        spellings = dict.fromkeys((record.value, wanted))
        query = " or ".join(match_identifier(type_id, f"*{spelling}*") for spelling in spellings)
        if record.type == "isbn":
            query += " or " + match_value("isbn", wanted)
        rows = await desk.client.list_records(INSTANCES, "instances", query)
        answers = [read_answer(InstanceAnswer, row, "instance") for row in rows]
        fitting = [
            answer
            for answer in answers
            if any(
                number.identifier_type_id == type_id and fold_number(number.value.partition(" ")[0]) == wanted
                for number in answer.identifiers
            )
        ]
        if not fitting:
            raise make_refusal(RefusalReason.UNKNOWN_RECORD)
        if len(fitting) > 1:
            raise make_refusal(RefusalReason.AMBIGUOUS_ITEM, about=MessagePart.RECORD)
        return await desk.describe_bib(fitting[0])

    async def _find_local(self, value: str) -> Bib:
        desk = self.desk
        if is_uuid(value):
            return await self.get_bib(value)
        rows = await desk.client.list_records(INSTANCES, "instances", match_value("hrid", value)) if value else []
        same = [row for row in rows if row.get("hrid") == value]
        if len(same) != 1:
            raise make_refusal(RefusalReason.UNKNOWN_RECORD)
        return await desk.describe_bib(read_answer(InstanceAnswer, same[0], "instance"))

    async def get_bib(self, bib_id: str) -> Bib:
        """Load a record; raises Refused(UNKNOWN_RECORD), Unavailable."""
        return await self.desk.describe_bib(await self._require_instance(bib_id))

    async def _require_instance(self, bib_id: str) -> InstanceAnswer:
        instance = await self.desk.find_instance(bib_id)
        if instance is None:
            raise make_refusal(RefusalReason.UNKNOWN_RECORD)
        return instance

    async def search_bibs(self, query: str, limit: int) -> tuple[Bib, ...]:
        """FOLIO's search index follows its records after some seconds. Raises Unavailable."""
        desk = self.desk
        if not query.strip():
            return ()
        rows = await desk.client.list_records(
            "/search/instances", "instances", match_words(query), sort="title", limit=limit
        )
        types = await desk.codes.load_words(CodeTable.IDENTIFIER_TYPES)
        return tuple(read_bib(read_answer(InstanceAnswer, row, "instance"), types) for row in rows)

    async def list_holdings(self, bib_id: str) -> BibHoldings:
        """List the holdings; raises Refused(UNKNOWN_RECORD), Unavailable."""
        desk, of_instance = self.desk, match_value("instanceId", bib_id)
        if not is_uuid(bib_id):
            raise make_refusal(RefusalReason.UNKNOWN_RECORD)
        instance, item_rows, holdings_rows, request_rows, reader = await ask_together(
            self._require_instance(bib_id),
            desk.client.list_records(ITEMS, "items", match_value("instance.id", bib_id), sort="barcode"),
            desk.client.list_records("/holdings-storage/holdings", "holdingsRecords", of_instance),
            desk.client.list_records("/circulation/requests", "requests", match_all(of_instance, OPEN_REQUEST)),
            desk.make_item_reader(),
        )
        answers = [read_item_answer(row) for row in item_rows]
        lent = tuple(answer.id for answer in answers if answer.status.name in LENT_STATUSES)
        loans = await desk.list_open_loans(lent)
        holdings = {row["id"]: read_answer(HoldingsAnswer, row, "holdings") for row in holdings_rows}
        items: list[Item] = []
        for entry in answers:
            waiting = sum(
                row.get("itemId") == entry.id or (row.get("requestLevel") == "Title" and not row.get("itemId"))
                for row in request_rows
            )
            parts = ItemParts(entry, bib_id, holdings.get(entry.holdings_record_id), waiting, loans.get(entry.id))
            items.append(reader.read_item(parts))
        return BibHoldings(await desk.describe_bib(instance), tuple(items), len(request_rows))

    async def list_pickup_locations(self) -> tuple[PickupLocation, ...]:
        """List the pickup locations; raises Unavailable."""
        points = await self.desk.codes.load_service_points()
        shared = self.desk.options.service_point
        return tuple(
            PickupLocation(point.code, point.discovery_display_name or point.name, point.code, point.code == shared)
            for point in sorted(points.by_code.values(), key=lambda point: point.code)
            if point.pickup_location
        )

    # --- items -------------------------------------------------------------------------------------------

    async def find_item_of_request(self, request_id: str) -> Item:
        """Find the item of what came by us. What is here or out comes before what has ended.

        Raises Refused(UNKNOWN_ITEM | AMBIGUOUS_ITEM), Unavailable.
        """
        desk = self.desk
        changes = await desk.changes.changes_of_request(request_id) if request_id else ()
        endings = (ChangeKind.CHECK_IN, ChangeKind.HOLD_CANCELLATION)
        over = {change.record_id for change in changes if change.kind in endings and change.ended is not None}
        states: dict[str, ItemState] = {}
        open_ids: set[str] = set()
        for change in changes:
            if change.kind is ChangeKind.TEMPORARY_ITEM:
                item = await desk.find_item_of_id(change.record_id)
            elif change.kind in (ChangeKind.CHECK_OUT, ChangeKind.HOLD) and change.barcode:
                record = await desk.find_item_record(change.barcode)
                item = await desk.complete_item(*record) if record is not None else None
            else:
                continue
            if item is not None:
                states[item.answer.id] = item
                if change.kind is ChangeKind.TEMPORARY_ITEM or change.record_id not in over:
                    open_ids.add(item.answer.id)
        chosen = open_ids or set(states)
        if len(chosen) > 1:
            raise make_refusal(RefusalReason.AMBIGUOUS_ITEM)
        if not chosen:
            raise make_refusal(RefusalReason.UNKNOWN_ITEM)
        return await desk.describe_item(states[chosen.pop()])

    async def move_item(self, wish: MoveToIll | ReturnHome, _key: str) -> Item:
        """Move an item to a temporary location, or home. To move it to the same place once more changes nothing.

        Raises Refused(UNKNOWN_ITEM | INVALID_VALUE), Unavailable, OutcomeUnknown."""
        desk, location = self.desk, wish.location if isinstance(wish, MoveToIll) else None
        known, item = await desk.require_item_record(wish.barcode)
        wanted: FolioJson | None = None
        if location is not None:
            row = await desk.codes.find_location(
                location.library, location.shelf or desk.options.temporary_items.location
            )
            if row is None:
                raise make_refusal(
                    RefusalReason.INVALID_VALUE,
                    detail=f"The library has no location '{location.shelf or location.library}', or several.",
                )
            wanted = {"id": row.id, "name": row.name}

        def set_place(record: FolioJson) -> bool:
            kept = record.get("temporaryLocation") or {}
            if kept.get("id") == (wanted or {}).get("id"):
                return False
            if wanted is None:
                record.pop("temporaryLocation", None)
            else:
                record["temporaryLocation"] = wanted
            return True

        if await change_record(desk.client, ITEMS, item.id, set_place, known) is None:
            raise make_refusal(RefusalReason.UNKNOWN_ITEM)
        return await self._require_item_of_id(item.id)

    async def _require_item_of_id(self, item_id: str) -> Item:
        state = await self.desk.find_item_of_id(item_id)
        if state is None:
            raise make_refusal(RefusalReason.UNKNOWN_ITEM)
        return await self.desk.describe_item(state)

    async def set_item_status(self, wish: StatusChange, _key: str) -> Item:
        """`AVAILABLE` is a check-in at home, `LOST` of what is on loan a declaration.

        Raises Refused(UNKNOWN_ITEM | IN_USE | NOT_ALLOWED), Unavailable, OutcomeUnknown."""
        desk, barcode, status = self.desk, wish.barcode, wish.status
        _, item = await desk.require_item_record(barcode)
        if item.status.name in LENT_STATUSES:
            if status is not ItemStatus.LOST:
                raise make_refusal(RefusalReason.IN_USE, detail="The item is on loan.")
            if item.status.name not in LOST_STATUSES:
                await self._declare_lost(item.id)
            return await self._require_item_of_id(item.id)
        if status is ItemStatus.AVAILABLE:
            if item.status.name != "Available":
                await self._check_in_at_home(barcode, item.effective_location.id)
            return await self._require_item_of_id(item.id)
        if status not in MARKS:
            raise make_refusal(RefusalReason.NOT_ALLOWED, detail=f"FOLIO lets nobody set the status '{status.value}'.")
        mark, word = MARKS[status]
        if item.status.name != word:
            await self._mark_item(item.id, mark, word)
        return await self._require_item_of_id(item.id)

    async def _declare_lost(self, item_id: str) -> None:
        """The loan stays open, and FOLIO's rules say what it costs."""
        desk = self.desk
        loan = await desk.find_open_loan(item_id)
        if loan is None:
            raise make_refusal(RefusalReason.NOT_CHECKED_OUT)
        body = {
            "servicePointId": (await desk.codes.require_service_point("")).id,
            "declaredLostDateTime": write_moment(desk.now()),
            "comment": "declared lost in interlibrary loan",
        }
        title = "/circulation/loans/{id}/declare-item-lost"
        try:
            await desk.client.send("POST", title.replace("{id}", loan.id), body, title=title)
        except OutcomeUnknown:
            record = await desk.client.find_record(ITEMS, item_id)
            if record is None or read_item_answer(record).status.name not in LOST_STATUSES:
                raise

    async def _mark_item(self, item_id: str, mark: str, word: str) -> None:
        client = self.desk.client
        try:
            await client.send("POST", f"{ITEMS}/{item_id}/{mark}", {}, title=f"{ITEMS}/{{id}}/{mark}")
        except OutcomeUnknown:
            record = await client.find_record(ITEMS, item_id)
            if record is None or read_item_answer(record).status.name != word:
                raise

    async def _check_in_at_home(self, barcode: str, location_id: str) -> None:
        desk = self.desk
        place = (await desk.codes.load_locations()).get(location_id)
        if place is None:
            raise Refused(RefusalReason.OTHER, "The item has no location.", about=MessagePart.ITEM)
        body = {
            "itemBarcode": barcode,
            "servicePointId": place.primary_service_point,
            "checkInDate": write_moment(desk.now()),
        }
        try:
            await desk.client.send("POST", "/circulation/check-in-by-barcode", body)
        except OutcomeUnknown:
            if (await desk.require_item_record(barcode))[1].status.name != "Available":
                raise


def fold_number(number: str) -> str:
    """ISBN and the like without hyphens, `978-0-00` -> `978000`."""
    return _NOT_IN_NUMBERS.sub("", number).casefold()
