"""Records of partners' items in FOLIO: instance, holdings, item and request, with ids that we choose.

They are made one after the other, since each names the one before. What stops half-way is finished by the next call
under the same key, since it finds the same ids; what FOLIO refuses is taken back at once.
"""

from __future__ import annotations

from adapters.library.change_sending import ITEM_JSON
from adapters.library.folio.answers import (
    FolioJson,
    HoldingsAnswer,
    InstanceAnswer,
    ItemAnswer,
    LocationRow,
    read_answer,
)
from adapters.library.folio.code_tables import CodeTable
from adapters.library.folio.holds import FolioHoldDesk
from adapters.library.folio.lookups import FolioDesk, ItemState, read_item_answer
from adapters.library.folio.record_changes import change_record, ensure_record, make_record_id, remove_record
from adapters.library.folio.records import (
    ISBN_TYPES,
    LENT_STATUSES,
    TEMPORARY_NOTE,
    ItemParts,
    is_temporary,
    read_bib,
    write_moment,
)
from adapters.library.parallel_questions import ask_together
from adapters.library.refusals import make_refusal
from gateway.domain.library import Bib, Hold, HoldStatus, Item
from gateway.domain.problems import MessagePart, OutcomeUnknown, RefusalReason, Refused, Unavailable
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.library_changes import ChangeKind, LibraryChange
from gateway.ports.library_operations import BarcodeChange, ItemCreation, TemporaryItemCreation, TemporaryItemDeletion
from gateway.ports.library_system import HoldWish, TemporaryItem, TemporaryItemResult

INSTANCES, HOLDINGS, ITEMS = "/inventory/instances", "/holdings-storage/holdings", "/inventory/items"
NOT_YET_FILLED = "Open - Not yet filled"


@value_object
class RecordSet:
    """The records that belong together, ready to be sent."""

    instance: FolioJson
    holdings: FolioJson
    item: FolioJson

    @property
    def ids(self) -> tuple[str, str, str]:
        """The ids of item, holdings and instance."""
        return str(self.item["id"]), str(self.holdings["id"]), str(self.instance["id"])


@value_object
class FolioTemporaryItemDesk:
    desk: FolioDesk
    holds: FolioHoldDesk

    # --- making ------------------------------------------------------------------------------------------

    async def create_item(self, creation: TemporaryItemCreation | ItemCreation, key: str) -> TemporaryItemResult:
        desk, wish = self.desk, creation.item
        kind = ChangeKind.ITEM if isinstance(creation, ItemCreation) else ChangeKind.TEMPORARY_ITEM
        if kind is ChangeKind.ITEM and wish.hold is not None:
            raise make_refusal(RefusalReason.INVALID_VALUE, detail="A lasting item is made without a hold.")
        before = await desk.changes.find_change(kind, key)
        generation = int(before.value) if before is not None else 0
        if before is not None and before.ended is not None:
            if (kept := await desk.find_item_of_id(before.record_id)) is not None:
                return await self._repeat_result(kept, before, key)
            generation += 1  # it was deleted since
            before = None
        records = await self._make_records(wish, key, kind, generation)
        await self._refuse_early(wish, records)
        change = LibraryChange(
            kind=kind,
            key=key,
            barcode=wish.barcode,
            patron_id=wish.hold.patron_id if wish.hold is not None else "",
            begun=desk.now(),
            request_id=wish.request_id,
            record_id=records.ids[0],
            value=str(generation),
        )
        await desk.changes.begin_change(change)
        try:
            hold = await self._send_records(wish, key, records, generation)
        except Refused:
            await self._take_back(records)
            await desk.changes.drop_change(kind, key)
            raise
        item, bib = await ask_together(self._describe_new_item(records, hold), self._describe_bib(records.instance))
        await desk.changes.end_change(replace(change, ended=desk.now()))
        return TemporaryItemResult(item, bib, hold)

    async def _describe_new_item(self, records: RecordSet, hold: Hold | None) -> Item:
        record = await self.desk.client.find_record(ITEMS, records.ids[0])
        if record is None:
            raise OutcomeUnknown(write_sentence("FOLIO does not return the item that it created"))
        reader = await self.desk.make_item_reader()
        holdings = read_answer(HoldingsAnswer, records.holdings, "holdings")
        parts = ItemParts(
            item=read_item_answer(record),
            instance_id=holdings.instance_id,
            holdings=holdings,
            hold_count=1 if hold is not None and hold.status.is_open else 0,
            loan=None,
        )
        return reader.read_item(parts)

    async def _repeat_result(self, kept: ItemState, before: LibraryChange, key: str) -> TemporaryItemResult:
        desk = self.desk
        item, instance, placed = await ask_together(
            desk.describe_item(kept),
            desk.find_instance(kept.instance_id),
            desk.changes.find_change(ChangeKind.HOLD, key),
        )
        if instance is None:
            raise Unavailable(write_sentence("FOLIO returned an item without its instance"))
        request = await desk.find_request(placed.record_id) if placed is not None else None
        hold = await desk.describe_hold(request[1]) if request is not None else None
        return TemporaryItemResult(item, await desk.describe_bib(instance), hold, repeated=True)

    async def _make_records(self, wish: TemporaryItem, key: str, kind: ChangeKind, generation: int) -> RecordSet:
        """Make records; raises Refused(INVALID_VALUE) for a code that this library doesn't have, Unavailable."""
        desk, wanted = self.desk, self.desk.options.temporary_items
        codes = desk.codes
        location, loan_type, material, instance_type, source = await ask_together(
            self._require_location(wish),
            codes.require_id(CodeTable.LOAN_TYPES, wish.policy or wanted.loan_type, MessagePart.ITEM),
            codes.require_id(CodeTable.MATERIAL_TYPES, wanted.material_type, MessagePart.ITEM),
            codes.require_id(CodeTable.INSTANCE_TYPES, wanted.instance_type, MessagePart.ITEM),
            codes.require_id(CodeTable.HOLDINGS_SOURCES, wanted.holdings_source, MessagePart.ITEM),
        )
        instance_id, holdings_id, item_id = (
            make_record_id(desk.library, f"{kind.value}:{what}", key, generation)
            for what in ("bib", "holdings", "item")
        )
        suppressed = {"discoverySuppress": wish.suppressed}
        instance: FolioJson = {
            "id": instance_id,
            "title": wish.bib.title or "(without title)",
            "source": wanted.instance_source,
            "instanceTypeId": instance_type,
            **suppressed,
            **await self._describe_instance(wish.bib),
        }
        holdings: FolioJson = {
            "id": holdings_id,
            "instanceId": instance_id,
            "permanentLocationId": location.id,
            "sourceId": source,
            **suppressed,
        }
        item: FolioJson = {
            "id": item_id,
            "holdingsRecordId": holdings_id,
            "barcode": wish.barcode,
            "status": {"name": "Available"},
            "materialType": {"id": material},
            "permanentLoanType": {"id": loan_type},
            "permanentLocation": {"id": location.id},
            **suppressed,
        }
        if wish.pieces > 1:
            item["numberOfPieces"] = str(wish.pieces)
        if wish.call_number:
            item["itemLevelCallNumber"] = wish.call_number
        notes = [f"{TEMPORARY_NOTE}, request {wish.request_id}"] if kind is ChangeKind.TEMPORARY_ITEM else []
        if wish.note:
            notes.append(wish.note)
        if notes:
            item["administrativeNotes"] = notes
        return RecordSet(instance, holdings, item)

    async def _require_location(self, wish: TemporaryItem) -> LocationRow:
        shelf = wish.location.shelf or self.desk.options.temporary_items.location
        location = await self.desk.codes.find_location(wish.location.library, shelf)
        if location is None:
            named = f"'{shelf}'" if shelf else f"of service point '{wish.location.library}'"
            raise make_refusal(
                RefusalReason.INVALID_VALUE,
                about=MessagePart.ITEM,
                detail=f"The library has no location {named}, or several.",
            )
        return location

    async def _describe_instance(self, bib: Bib) -> FolioJson:
        """Describe what of a citation an instance has a place for."""
        fields: FolioJson = {}
        if bib.author:
            name_type = await self.desk.codes.find_id(CodeTable.CONTRIBUTOR_NAME_TYPES, "Personal name")
            if name_type:
                fields["contributors"] = [{"name": bib.author, "contributorNameTypeId": name_type, "primary": True}]
        identifiers = []
        for id_ in bib.identifiers:
            type_id = await self.desk.codes.find_id(CodeTable.IDENTIFIER_TYPES, ISBN_TYPES.get(id_.type, id_.type))
            if type_id:
                identifiers.append({"identifierTypeId": type_id, "value": id_.value})
        if identifiers:
            fields["identifiers"] = identifiers
        published = {"publisher": bib.publisher, "place": bib.place, "dateOfPublication": bib.published}
        if any(published.values()):
            fields["publication"] = [{name: value for name, value in published.items() if value}]
        if bib.edition:
            fields["editions"] = [bib.edition]
        return fields

    async def _refuse_early(self, wish: TemporaryItem, records: RecordSet) -> None:
        """Refuse what would be refused only when half is made. Raises Refused(DUPLICATE_ITEM | UNKNOWN_PATRON |
        BAD_PICKUP_LOCATION), Unavailable."""
        desk = self.desk
        if wish.hold is None:
            there = await desk.find_item_record(wish.barcode)
        else:
            there, _, _ = await ask_together(
                desk.find_item_record(wish.barcode),
                desk.require_user(wish.hold.patron_id),
                desk.codes.require_pickup(wish.hold.pickup),
            )
        if there is not None and there[1].id != records.ids[0]:
            raise make_refusal(RefusalReason.DUPLICATE_ITEM)

    async def _send_records(self, wish: TemporaryItem, key: str, records: RecordSet, generation: int) -> Hold | None:
        client = self.desk.client
        await ensure_record(client, INSTANCES, records.instance)
        await ensure_record(client, HOLDINGS, records.holdings)
        await ensure_record(client, ITEMS, records.item)
        if wish.hold is None:
            return None
        hold_id = make_record_id(self.desk.library, "temporary-item:hold", key, generation)
        hold_wish = HoldWish(
            patron_id=wish.hold.patron_id,
            pickup=wish.hold.pickup,
            request_id=wish.request_id,
            item_barcode=wish.barcode,
            expires=wish.hold.expires,
        )
        hold = await self.holds.request_temporary_item(records.ids, hold_wish, key, hold_id)
        return await self._put_on_shelf(wish, hold) if wish.hold.on_shelf else hold

    async def _put_on_shelf(self, wish: TemporaryItem, hold: Hold) -> Hold:
        """Put an item on the shelf by a check-in where partners' items come in: FOLIO puts it on the hold shelf there,
        or sends it on."""
        desk = self.desk
        if hold.status is not HoldStatus.PAGED:
            return hold  # a call before this one has come so far
        point = await desk.codes.find_service_point(wish.location.library)
        point = point or await desk.codes.require_service_point("")
        body = {"itemBarcode": wish.barcode, "servicePointId": point.id, "checkInDate": write_moment(desk.now())}
        lost: OutcomeUnknown | None = None
        try:
            await desk.client.send("POST", "/circulation/check-in-by-barcode", body)
        except OutcomeUnknown as unknown:
            lost = unknown
        after = await desk.find_request(hold.id)
        if after is None or (lost is not None and after[1].status == NOT_YET_FILLED):
            raise lost or OutcomeUnknown(write_sentence("FOLIO does not return the request that it created"))
        return await desk.describe_hold(after[1])

    async def _take_back(self, records: RecordSet) -> None:
        """Take back whatever of them is there. Raises Unavailable, OutcomeUnknown: the next call under this key tries
        again."""
        item_id, holdings_id, instance_id = records.ids
        await remove_record(self.desk.client, ITEMS, item_id)
        await remove_record(self.desk.client, HOLDINGS, holdings_id)
        await remove_record(self.desk.client, INSTANCES, instance_id)

    async def _describe_bib(self, instance: FolioJson) -> Bib:
        types = await self.desk.codes.load_words(CodeTable.IDENTIFIER_TYPES) if instance.get("identifiers") else {}
        return read_bib(read_answer(InstanceAnswer, instance, "instance"), types)

    # --- deleting ----------------------------------------------------------------------------------------

    async def delete_item(self, wish: TemporaryItemDeletion, key: str) -> Item:
        desk, barcode = self.desk, wish.barcode
        before = await desk.changes.find_change(ChangeKind.TEMPORARY_ITEM_DELETION, key)
        record = await desk.find_item_record(barcode)
        if before is not None and (record is None or record[1].id == before.record_id):
            return await self._finish_deletion(before)
        if record is None:
            raise make_refusal(RefusalReason.UNKNOWN_ITEM)
        if not is_temporary(record[1]):
            raise make_refusal(RefusalReason.NOT_ALLOWED, detail="The item is not a partner's.")
        if record[1].status.name in LENT_STATUSES:
            raise make_refusal(RefusalReason.IN_USE, detail="The item is on loan.")
        state = await desk.complete_item(*record)
        item = await desk.describe_item(state)
        change = LibraryChange(
            kind=ChangeKind.TEMPORARY_ITEM_DELETION,
            key=key,
            barcode=barcode,
            patron_id="",
            begun=desk.now(),
            request_id=await desk.find_request_of_item(item.id),
            record_id=item.id,
            value=f"{state.holdings.id}\n{ITEM_JSON.dump_json(item).decode()}",
        )
        await desk.changes.begin_change(change)
        return await self._finish_deletion(change, state)

    async def _finish_deletion(self, change: LibraryChange, known: ItemState | None = None) -> Item:
        """Finish a deletion from wherever it stopped; `known`: the item as it was just read.

        Raises Refused, Unavailable, OutcomeUnknown.
        """
        desk = self.desk
        holdings_id, _, text = change.value.partition("\n")
        item = ITEM_JSON.validate_json(text)
        if change.ended is not None:
            return item
        state = known or await desk.find_item_of_id(change.record_id)
        if state is not None:
            for request in state.requests:
                await self.holds.cancel_request(request.id)
        await remove_record(desk.client, ITEMS, change.record_id)
        if await remove_record(desk.client, HOLDINGS, holdings_id):
            await remove_record(desk.client, INSTANCES, item.bib_id)
        await desk.changes.end_change(replace(change, ended=desk.now()))
        return item

    # --- barcode -----------------------------------------------------------------------------------------

    async def change_barcode(self, wish: BarcodeChange, key: str) -> Item:
        desk, barcode, new = self.desk, wish.barcode, wish.new
        before = await desk.changes.find_change(ChangeKind.BARCODE_CHANGE, key)
        record = await desk.find_item_record(barcode)
        if record is None and before is not None:
            done = await desk.find_item_of_id(before.record_id)
            if done is not None and done.answer.barcode == new:
                return await desk.describe_item(done)
        if record is None:
            raise make_refusal(RefusalReason.UNKNOWN_ITEM)
        item: ItemAnswer = record[1]
        if not is_temporary(item):
            raise make_refusal(RefusalReason.NOT_ALLOWED, detail="The item is not a partner's.")
        change = LibraryChange(ChangeKind.BARCODE_CHANGE, key, new, "", desk.now(), "", item.id)
        await desk.changes.begin_change(change)

        def set_barcode(fields: FolioJson) -> bool:
            is_other = fields.get("barcode") != new
            fields["barcode"] = new
            return is_other

        try:
            changed = await change_record(desk.client, ITEMS, item.id, set_barcode, record[0])
        except (Refused, Unavailable):
            await desk.changes.drop_change(change.kind, key)
            raise
        if changed is None:
            raise make_refusal(RefusalReason.UNKNOWN_ITEM)
        await desk.changes.end_change(replace(change, ended=desk.now()))
        return await desk.describe_item(await desk.complete_item(changed, read_item_answer(changed)))
