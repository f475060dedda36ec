"""Requests in FOLIO: item level, and title level where it is enabled there.

FOLIO wants to be told the kind: a page for what is on its shelf, a hold for what isn't, a recall for what is to come
back sooner (facts/ils-backends.md 1.3).
"""

from __future__ import annotations

from datetime import date

from adapters.library.change_sending import HOLD_JSON
from adapters.library.folio.answers import FolioJson, RequestAnswer
from adapters.library.folio.code_tables import CodeTable
from adapters.library.folio.cql import OPEN_REQUEST, match_all, match_value
from adapters.library.folio.lookups import FolioDesk, ItemState, is_uuid, read_request
from adapters.library.folio.reasons import FolioRefusal
from adapters.library.folio.record_changes import change_record, ensure_record, make_record_id
from adapters.library.folio.records import write_moment
from adapters.library.own_holds import choose_hold_of_request
from adapters.library.parallel_questions import ask_together
from adapters.library.refusals import make_refusal
from gateway.domain.library import Hold
from gateway.domain.problems import MessagePart, OutcomeUnknown, RefusalReason, Refused, Unavailable
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.library_changes import ChangeKind, LibraryChange
from gateway.ports.library_operations import HoldCancellation, HoldUpdate
from gateway.ports.library_system import HoldWish

REQUESTS = "/circulation/requests"
PAGED_STATUSES = frozenset({"Available"})
CANCELLED = "Closed - Cancelled"
MAX_COMMENT_CHARS = 1000


@value_object
class FolioHoldDesk:
    desk: FolioDesk

    # --- look-ups ----------------------------------------------------------------------------------------

    async def list_patron_holds(self, patron_id: str) -> tuple[Hold, ...]:
        desk = self.desk
        if not is_uuid(patron_id):
            return ()
        query = match_all(match_value("requesterId", patron_id), OPEN_REQUEST)
        rows = await desk.client.list_records(REQUESTS, "requests", query, sort="requestDate")
        return tuple([await desk.describe_hold(read_request(row)) for row in rows])

    async def list_item_holds(self, item_id: str) -> tuple[Hold, ...]:
        desk = self.desk
        state = await desk.find_item_of_id(item_id)
        return tuple([await desk.describe_hold(request) for request in state.requests]) if state is not None else ()

    async def find_hold(self, request_id: str) -> Hold:
        """Find a hold; raises Refused(UNKNOWN_REQUEST | AMBIGUOUS_REQUEST), Unavailable."""
        desk = self.desk
        changes = await desk.changes.changes_of_request(request_id) if request_id else ()
        ids = dict.fromkeys(change.record_id for change in changes if change.kind is ChangeKind.HOLD)
        answers = await ask_together(*(desk.find_request(id_) for id_ in ids))
        return choose_hold_of_request([await desk.describe_hold(answer[1]) for answer in answers if answer is not None])

    # --- placing -----------------------------------------------------------------------------------------

    async def place_hold(self, wish: HoldWish, key: str) -> Hold:
        desk = self.desk
        before = await desk.changes.find_change(ChangeKind.HOLD, key)
        if before is not None and before.ended is not None and (request := await desk.find_request(before.record_id)):
            return await desk.describe_hold(request[1])
        if not is_uuid(wish.patron_id):
            raise make_refusal(RefusalReason.UNKNOWN_PATRON)
        pickup = (await desk.codes.require_pickup(wish.pickup)).id
        record_id = before.record_id if before is not None else make_record_id(desk.library, "hold", key)
        record = self._make_request(record_id, wish.patron_id, pickup, wish.request_id, wish.note, wish.expires)
        if wish.item_barcode:
            item_record = await desk.require_item_record(wish.item_barcode)
            holdings = await desk.load_holdings(item_record[1])
            item_fields = {
                "requestLevel": "Item",
                "itemId": item_record[1].id,
                "holdingsRecordId": holdings.id,
                "instanceId": holdings.instance_id,
            }
            kind = choose_request_type(item_record[1].status.name, wish.kind)
        else:
            item_fields = {"requestLevel": "Title", "instanceId": wish.bib_id}
            kind = await self._choose_title_request(wish, pickup)
        return await self.send_request({**record, **item_fields, "requestType": kind}, wish, key, before)

    def _make_request(
        self, record_id: str, patron_id: str, pickup_id: str, request_id: str, note: str, expires: date | None
    ) -> FolioJson:
        desk = self.desk
        comment = "; ".join(part for part in (f"ILL {request_id}" if request_id else "", note) if part)
        record: FolioJson = {
            "id": record_id,
            "requesterId": patron_id,
            "requestDate": write_moment(desk.now()),
            desk.options.fulfillment_key: "Hold Shelf",
            "pickupServicePointId": pickup_id,
        }
        if comment:
            record["patronComments"] = comment[:MAX_COMMENT_CHARS]
        if expires is not None:
            record["requestExpirationDate"] = desk.patrons.write_day(expires)
        return record

    async def _choose_title_request(self, wish: HoldWish, pickup_id: str) -> str:
        """A page takes a copy that is in; where none is, the request waits for one."""
        desk = self.desk
        instance = await desk.find_instance(wish.bib_id)
        if instance is None:
            raise make_refusal(RefusalReason.UNKNOWN_RECORD)
        query = match_all(match_value("instance.id", instance.id), match_value("status.name", "Available"))
        is_in = await desk.client.count_records("/inventory/items", query)
        return "Page" if is_in else "Recall" if wish.kind == "recall" else "Hold"

    async def send_request(self, record: FolioJson, wish: HoldWish, key: str, before: LibraryChange | None) -> Hold:
        """Send a request, which is written down before. Raises Refused, Unavailable, OutcomeUnknown."""
        desk = self.desk
        change = LibraryChange(
            kind=ChangeKind.HOLD,
            key=key,
            barcode=wish.item_barcode,
            patron_id=wish.patron_id,
            begun=desk.now(),
            request_id=wish.request_id,
            record_id=str(record["id"]),
        )
        await desk.changes.begin_change(change)
        try:
            made = (await ensure_record(desk.client, REQUESTS, record)).record
        except (Refused, Unavailable):
            if before is None:
                await desk.changes.drop_change(change.kind, change.key)
            raise
        if made is None:
            raise OutcomeUnknown(write_sentence("FOLIO's answer to a new request is not a record"))
        hold = await desk.describe_hold(read_request(made))
        hold = replace(hold, need_by=wish.need_by)
        return await desk.end_change(change, hold)

    async def request_temporary_item(
        self, found_ids: tuple[str, str, str], wish: HoldWish, key: str, record_id: str
    ) -> Hold:
        """A page of an item that has just been made. `found_ids`: of item, holdings and instance."""
        pickup = (await self.desk.codes.require_pickup(wish.pickup)).id
        record = self._make_request(record_id, wish.patron_id, pickup, wish.request_id, wish.note, wish.expires)
        item_id, holdings_id, instance_id = found_ids
        record |= {
            "requestLevel": "Item",
            "requestType": "Page",
            "itemId": item_id,
            "holdingsRecordId": holdings_id,
            "instanceId": instance_id,
        }
        if self.desk.options.override == "override":  # the item is here, whatever the patron owes
            record["requestProcessingParameters"] = {
                "overrideBlocks": {"patronBlock": {}, "comment": "a partner's item has come for this patron"}
            }
        before = await self.desk.changes.find_change(ChangeKind.HOLD, key)
        return await self.send_request(record, wish, key, before)

    # --- ending and changing -----------------------------------------------------------------------------

    async def cancel_hold(self, wish: HoldCancellation, key: str) -> Hold:
        desk, hold_id = self.desk, wish.hold_id
        before = await desk.changes.find_change(ChangeKind.HOLD_CANCELLATION, key)
        record, request = await self._require_request(hold_id)
        if not request.is_open:
            if before is not None and request.status == CANCELLED:
                await self._end_cancellation(before)
                return await desk.describe_hold(request)
            raise make_refusal(RefusalReason.REQUEST_CLOSED)
        hold = await desk.describe_hold(request)
        change = LibraryChange(
            kind=ChangeKind.HOLD_CANCELLATION,
            key=key,
            barcode=hold.item_barcode,
            patron_id=hold.patron_id,
            begun=desk.now(),
            request_id=hold.request_id,
            record_id=hold_id,
        )
        await desk.changes.begin_change(change)
        try:
            ended = await self.cancel_request(hold_id, record)
        except (Refused, Unavailable):
            if before is None:
                await desk.changes.drop_change(change.kind, change.key)
            raise
        await self._end_cancellation(change)
        return await desk.describe_hold(ended)

    async def _end_cancellation(self, change: LibraryChange) -> None:
        if change.ended is None:
            await self.desk.changes.end_change(replace(change, ended=self.desk.now()))

    async def cancel_request(self, hold_id: str, known: FolioJson | None = None) -> RequestAnswer:
        """`known`: as it was just read.

        Raises Refused(UNKNOWN_REQUEST | REQUEST_CLOSED), Unavailable, OutcomeUnknown."""
        desk = self.desk
        reason_id, user_id = await ask_together(
            desk.codes.require_id(
                CodeTable.CANCELLATION_REASONS, desk.options.cancellation_reason, MessagePart.REQUEST
            ),
            desk.codes.load_own_user_id(),
        )

        def close_request(record: FolioJson) -> bool:
            if record.get("status") == CANCELLED:
                return False
            record["status"] = CANCELLED
            record["cancellationReasonId"] = reason_id
            record["cancelledDate"] = write_moment(desk.now())
            record["cancellationAdditionalInformation"] = "cancelled by the interlibrary loan gateway"
            if user_id:
                record["cancelledByUserId"] = user_id
            return True

        ended = await change_record(desk.client, REQUESTS, hold_id, close_request, known)
        if ended is None:
            raise make_refusal(RefusalReason.UNKNOWN_REQUEST)
        ended.pop("position", None)
        return read_request(ended)

    async def update_hold(self, edit: HoldUpdate, _key: str) -> Hold:
        """Update a hold; to set the same once more changes nothing, so a repeat is sent again."""
        desk, hold_id = self.desk, edit.hold_id
        pickup = (await desk.codes.require_pickup(edit.pickup)).id if edit.pickup is not None else None

        def edit_request(record: FolioJson) -> bool:
            wanted: FolioJson = {}
            if pickup is not None:
                wanted["pickupServicePointId"] = pickup
            if edit.expires is not None:
                wanted["requestExpirationDate"] = desk.patrons.write_day(edit.expires)
            is_other = any(record.get(name) != value for name, value in wanted.items())
            record |= wanted
            return is_other

        record, request = await self._require_request(hold_id)
        if not request.is_open:
            raise make_refusal(RefusalReason.REQUEST_CLOSED)
        try:
            changed = await change_record(desk.client, REQUESTS, hold_id, edit_request, record)
        except FolioRefusal as refused:
            if refused.reason is RefusalReason.OTHER:
                raise make_refusal(RefusalReason.NOT_ALLOWED, refused.internal, about=MessagePart.REQUEST) from refused
            raise
        if changed is None:
            raise make_refusal(RefusalReason.UNKNOWN_REQUEST)
        hold = await desk.describe_hold(read_request(changed))
        if edit.need_by is not None:
            hold = await self._keep_need_by(hold, edit.need_by)
        return hold

    async def _keep_need_by(self, hold: Hold, need_by: date) -> Hold:
        """FOLIO has no field for it."""
        changed = replace(hold, need_by=need_by)
        for change in await self.desk.changes.changes_of_record(hold.id):
            if change.kind is ChangeKind.HOLD:
                value = HOLD_JSON.dump_json(changed).decode()
                await self.desk.changes.end_change(replace(change, ended=change.ended or self.desk.now(), value=value))
                return changed
        return hold

    async def _require_request(self, hold_id: str) -> tuple[FolioJson, RequestAnswer]:
        request = await self.desk.find_request(hold_id)
        if request is None:
            raise make_refusal(RefusalReason.UNKNOWN_REQUEST)
        return request


def choose_request_type(status: str, wanted: str) -> str:
    """`wanted`: the port's word; only a recall makes a difference."""
    if status in PAGED_STATUSES:
        return "Page"
    return "Recall" if wanted == "recall" and status == "Checked out" else "Hold"


def find_next_request(state: ItemState) -> RequestAnswer | None:
    return state.requests[0] if state.requests else None
