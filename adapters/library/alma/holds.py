"""Requests of Alma of type HOLD: placed, found, changed and cancelled, each at most once."""

from __future__ import annotations

from adapters.library.alma.client import AlmaRefusalError
from adapters.library.alma.code_lists import CodeLists
from adapters.library.alma.lookups import AlmaDesk, AlmaItem
from adapters.library.alma.records import is_hold, read_pid, read_text, split_id, write_day
from adapters.library.change_sending import HOLD_JSON, make_hold_change
from adapters.library.json_fields import Row
from adapters.library.own_holds import (
    CLOSED,
    choose_hold_of_request,
    draft_hold,
    edit_hold,
    end_unlisted_hold,
    list_cancellations,
)
from adapters.library.own_marks import make_mark, write_marked_note
from adapters.library.parallel_questions import ask_together
from adapters.library.refusals import make_refusal, refuse_blocked
from gateway.domain.library import BlockScope, Hold, HoldStatus
from gateway.domain.problems import OutcomeUnknown, RefusalReason, Refused
from gateway.domain.sentences import write_about, write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.library_changes import ChangeKind, LibraryChange
from gateway.ports.library_operations import HoldCancellation, HoldUpdate
from gateway.ports.library_system import HoldWish

_TITLE = "/users/{user_id}/requests/{request_id}"


@value_object
class AlmaHoldTarget:
    """`item_pid`: Alma's number of the item; empty: any copy of the record."""

    bib_id: str
    item_pid: str


@value_object
class AlmaHoldDesk:
    desk: AlmaDesk
    lists: CodeLists

    # --- placing -----------------------------------------------------------------------------------------

    async def place_hold(self, wish: HoldWish, key: str) -> Hold:
        desk = self.desk
        before, (bib_id, answer), patron, pickup = await ask_together(
            desk.changes.find_change(ChangeKind.HOLD, key),
            self._find_target(wish),
            desk.require_patron(wish.patron_id),
            self.lists.choose_pickup(wish.pickup),
        )
        if before is not None:
            if before.ended is not None:
                return await self._find_present_state(before)
            if (done := await self.find_marked(patron.id, key)) is not None:
                return await self.end_found_hold(before, done)
        refuse_blocked(patron, BlockScope.REQUEST, desk.today())
        if answer is not None:
            self._refuse_item(answer, patron.id)
        item_pid = read_pid(answer.row) if answer is not None else ""
        return await self.place_on_target(
            replace(wish, patron_id=patron.id, pickup=pickup), key, AlmaHoldTarget(bib_id, item_pid), before=before
        )

    async def place_on_target(
        self, wish: HoldWish, key: str, target: AlmaHoldTarget, *, before: LibraryChange | None
    ) -> Hold:
        """`wish`: all of it was looked up. Raises Refused, Unavailable, OutcomeUnknown."""
        desk, patron_id = self.desk, wish.patron_id
        wished = draft_hold(wish, key, desk.now(), bib_id=target.bib_id, item_id=wish.item_barcode)
        change = make_hold_change(ChangeKind.HOLD, wished, key, wished.placed)
        row = {
            "request_type": "HOLD",
            "pickup_location_type": "LIBRARY",
            "pickup_location_library": wish.pickup,
            **({"last_interest_date": write_day(wish.expires)} if wish.expires is not None else {}),
            "comment": write_marked_note(key, wish.request_id, wish.note),
        }
        query = {"item_pid": target.item_pid} if target.item_pid else {"mms_id": target.bib_id}

        async def send_hold() -> Row:
            path = ("users", patron_id, "requests")
            made = await desk.client.send_row("POST", *path, title="/users/{user_id}/requests", row=row, query=query)
            if "request_id" not in made:
                raise OutcomeUnknown(write_about("Alma", write_sentence("the answer has no request")))
            return made

        async def find_made_hold() -> Row | None:
            return await self.find_marked(patron_id, key)

        sent = await desk.send_change(change, send_hold, find_made_hold, before=before, is_refused_twice=True)
        return await self._end_hold(change, sent, wished)

    async def _find_target(self, wish: HoldWish) -> tuple[str, AlmaItem | None]:
        """The record and, unless any copy will do, the item. Raises Refused(UNKNOWN_ITEM | UNKNOWN_RECORD)."""
        if wish.item_barcode:
            answer = await self.desk.require_item(wish.item_barcode)
            return answer.item.bib_id, answer
        return (await self.desk.require_bib(wish.bib_id)).id, None

    @staticmethod
    def _refuse_item(answer: AlmaItem, patron_id: str) -> None:
        """Refuse what Alma would refuse with fewer words. Raises Refused."""
        if any(
            read_text(hold, "user_primary_id") == patron_id and read_text(hold, "barcode") == answer.item.barcode
            for hold in answer.holds
        ):
            raise make_refusal(RefusalReason.DUPLICATE_REQUEST)
        if answer.loan is not None and read_text(answer.loan, "user_id") == patron_id:
            raise make_refusal(RefusalReason.ON_LOAN_SAME_PATRON)
        if not answer.item.circulates:
            raise make_refusal(RefusalReason.NOT_ALLOWED)

    async def find_marked(self, patron_id: str, key: str) -> Row | None:
        mark = make_mark(key)
        rows = await self.desk.ask_hold_rows(patron_id)
        return next((row for row in rows or () if mark in read_text(row, "comment").split()), None)

    async def end_found_hold(self, change: LibraryChange, row: Row) -> Hold:
        """End the change of a hold that was placed, though its answer was lost."""
        return await self._end_hold(change, row, HOLD_JSON.validate_json(change.value))

    async def _end_hold(self, change: LibraryChange, row: Row, wished: Hold) -> Hold:
        desk = self.desk
        read = desk.reader.read_hold(row)
        hold = replace(
            read,
            key=change.key,
            request_id=change.request_id,
            placed=wished.placed,
            kind=wished.kind,
            need_by=wished.need_by,
        )
        return await desk.end_change(change, hold)

    # --- finding -----------------------------------------------------------------------------------------

    async def find_hold(self, request_id: str) -> Hold:
        """Find a hold; raises Refused(UNKNOWN_REQUEST | AMBIGUOUS_REQUEST), Unavailable."""
        changes = await self.desk.changes.changes_of_request(request_id) if request_id else ()
        placed = [change for change in changes if change.kind is ChangeKind.HOLD and change.ended is not None]
        return choose_hold_of_request(await ask_together(*map(self._find_present_state, placed)))

    async def _find_present_state(self, change: LibraryChange) -> Hold:
        """Find the present state of a hold of ours. One that Alma lists no more was cancelled by us, or filled, or has
        ended otherwise."""
        desk = self.desk
        hold = HOLD_JSON.validate_json(change.value)
        row, changes = await ask_together(
            self.ask_hold_row(change.record_id), desk.changes.changes_of_record(change.record_id)
        )
        if row is not None:
            return desk.restore_hold(desk.reader.read_hold(row), (change,))
        if list_cancellations(changes):
            return replace(hold, status=HoldStatus.CANCELLED)
        return end_unlisted_hold(hold, await desk.list_patron_loans(hold.patron_id))

    async def ask_hold_row(self, hold_id: str) -> Row | None:
        """None: there is no such open hold. Raises Unavailable."""
        ids = split_id(hold_id)
        if ids is None:
            return None
        number, user = ids
        row = await self.desk.client.get_row("users", user, "requests", number, title=_TITLE)
        return row if row is not None and is_hold(row) else None

    # --- cancelling --------------------------------------------------------------------------------------

    async def cancel_hold(self, wish: HoldCancellation, key: str) -> Hold:
        desk = self.desk
        before = await desk.changes.find_change(ChangeKind.HOLD_CANCELLATION, key)
        if before is not None and before.ended is not None:
            return HOLD_JSON.validate_json(before.value)
        try:
            hold = await self._require_open(wish.hold_id)
        except Refused as refused:
            if before is None or refused.reason not in CLOSED:
                raise
            return await desk.end_change(before, HOLD_JSON.validate_json(before.value))  # it was, after all
        return await self._cancel_open(hold, key, before)

    async def cancel_holds_of_item(self, answer: AlmaItem, key: str) -> None:
        """Those on this very item: they go with it. Raises Refused, Unavailable, OutcomeUnknown."""
        for hold in await self.desk.describe_holds(answer.holds):
            if hold.item_barcode == answer.item.barcode:
                hold_key = f"{key}/hold/{hold.id}"
                before = await self.desk.changes.find_change(ChangeKind.HOLD_CANCELLATION, hold_key)
                await self._cancel_open(hold, hold_key, before)

    async def _cancel_open(self, hold: Hold, key: str, before: LibraryChange | None) -> Hold:
        desk = self.desk
        cancelled = replace(hold, status=HoldStatus.CANCELLED)
        change = make_hold_change(ChangeKind.HOLD_CANCELLATION, cancelled, key, desk.now())
        number, user = hold.id.split(":", 1)

        async def send_cancellation() -> Hold:
            query = {"reason": desk.options.cancel_reason, "notify_user": "false"}
            try:
                await desk.client.delete_row("users", user, "requests", number, title=_TITLE, query=query)
            except AlmaRefusalError as refusal:
                if not refusal.is_about_nothing:
                    raise
            return cancelled

        async def find_hold_gone() -> Hold | None:
            return cancelled if await self.ask_hold_row(hold.id) is None else None

        sent = await desk.send_change(change, send_cancellation, find_hold_gone, before=before)
        return await desk.end_change(change, sent)

    # --- changing ----------------------------------------------------------------------------------------

    async def update_hold(self, edit: HoldUpdate, key: str) -> Hold:
        """All of the request goes back with what is new: what isn't sent would be emptied. To set the same once more
        changes nothing. Raises Refused(UNKNOWN_REQUEST | REQUEST_CLOSED | BAD_PICKUP_LOCATION), Unavailable,
        OutcomeUnknown."""
        desk, hold_id = self.desk, edit.hold_id
        before = await desk.changes.find_change(ChangeKind.HOLD_UPDATE, key)
        if before is not None and before.ended is not None:
            return HOLD_JSON.validate_json(before.value)
        row, changes = await ask_together(self.ask_hold_row(hold_id), desk.changes.changes_of_record(hold_id))
        hold = self._read_open(row, changes)
        pickup = await self.lists.choose_pickup(edit.pickup) if edit.pickup is not None else hold.pickup
        changed = edit_hold(hold, edit, pickup)
        change = make_hold_change(ChangeKind.HOLD_UPDATE, changed, key, desk.now())
        wanted: dict[str, str] = {}
        if pickup != hold.pickup:
            wanted |= {"pickup_location_type": "LIBRARY", "pickup_location_library": pickup}
        if changed.expires is not None and changed.expires != hold.expires:
            wanted["last_interest_date"] = write_day(changed.expires)
        number, user = hold.id.split(":", 1)

        async def send_edit() -> Hold:
            if wanted:
                path, whole = ("users", user, "requests", number), {**(row or {}), **wanted}
                await desk.client.send_row("PUT", *path, title=_TITLE, row=whole)
            return changed

        async def find_hold_edited() -> Hold | None:
            now = await self.ask_hold_row(hold_id)
            is_done = now is not None and all(read_text(now, name) == value for name, value in wanted.items())
            return changed if is_done else None

        sent = await desk.send_change(change, send_edit, find_hold_edited, before=before)
        for placing in changes:
            if placing.kind is ChangeKind.HOLD and placing.ended is not None:
                await desk.changes.end_change(replace(placing, value=HOLD_JSON.dump_json(sent).decode()))
        return await desk.end_change(change, sent)

    async def _require_open(self, hold_id: str) -> Hold:
        """Require an open hold; raises Refused(UNKNOWN_REQUEST | REQUEST_CLOSED), Unavailable."""
        return self._read_open(
            *await ask_together(self.ask_hold_row(hold_id), self.desk.changes.changes_of_record(hold_id))
        )

    def _read_open(self, row: Row | None, changes: tuple[LibraryChange, ...]) -> Hold:
        """Read an open hold; raises Refused(UNKNOWN_REQUEST | REQUEST_CLOSED)."""
        if row is None:
            known = any(change.kind is ChangeKind.HOLD for change in changes)
            raise make_refusal(RefusalReason.REQUEST_CLOSED if known else RefusalReason.UNKNOWN_REQUEST)
        return self.desk.restore_hold(self.desk.reader.read_hold(row), changes)
