"""Holds in Koha, each placed, changed and cancelled at most once (see `adapters.library.change_sending`)."""

from __future__ import annotations

from adapters.library.change_sending import HOLD_JSON, make_hold_change
from adapters.library.json_fields import Row
from adapters.library.koha import abilities
from adapters.library.koha.client import KohaRefusalError
from adapters.library.koha.lookups import KohaDesk, KohaItem
from adapters.library.koha.reasons import refusal_of_answer
from adapters.library.koha.records import read_text
from adapters.library.koha.settings_lists import SettingsLists
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
from gateway.domain.library import BlockScope, Hold, HoldStatus, Patron
from gateway.domain.problems import OutcomeUnknown, RefusalReason, Refused
from gateway.domain.sentences import write_about, write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.library_changes import ChangeKind, LibraryChange
from gateway.ports.library_operations import HoldCancellation, HoldUpdate, refuse_unsupported
from gateway.ports.library_system import HoldWish


@value_object
class KohaHoldTarget:
    """The target of a hold: an item, or (`answer` None) any copy of a record."""

    bib_id: str
    title: str
    answer: KohaItem | None = None


@value_object
class KohaHoldDesk:
    desk: KohaDesk
    lists: SettingsLists

    # --- placing -----------------------------------------------------------------------------------------

    async def place_hold(self, wish: HoldWish, key: str) -> Hold:
        desk = self.desk
        before, target, patron, pickup = await ask_together(
            desk.changes.find_change(ChangeKind.HOLD, key),
            self._find_target(wish),
            desk.require_borrower(wish.patron_id),
            self.choose_pickup(wish.pickup),
        )
        if before is not None and before.ended is not None:
            return await self._find_present_state(before)
        return await self.place_on_target(wish, key, target, patron, pickup, before=before)

    async def place_on_target(
        self,
        wish: HoldWish,
        key: str,
        target: KohaHoldTarget,
        patron: Patron,
        pickup: str,
        *,
        before: LibraryChange | None,
    ) -> Hold:
        """`before`: begun under this key, and not known to be done. Raises Refused, Unavailable, OutcomeUnknown."""
        desk = self.desk
        if before is not None and (done := await self._find_marked(target, patron.id, key)) is not None:
            return await desk.end_change(before, self._read_own(before, done, target))
        refuse_blocked(patron, BlockScope.REQUEST, desk.today())
        if target.answer is not None:
            self._refuse_item(target.answer, patron.id)
        item = target.answer.item if target.answer is not None else None
        wish = replace(wish, patron_id=patron.id, pickup=pickup, item_barcode=item.barcode if item is not None else "")
        item_id = item.id if item is not None else ""
        wished = draft_hold(wish, key, desk.now(), bib_id=target.bib_id, item_id=item_id, title=target.title)
        change = make_hold_change(ChangeKind.HOLD, wished, key, wished.placed)
        row = self._make_row(wished, key, wish.note)

        async def send_hold() -> Row:
            made = await desk.client.send_row("POST", "holds", title="/holds", row=row)
            if not isinstance(made, dict) or "hold_id" not in made:
                raise OutcomeUnknown(write_about("Koha", write_sentence("the answer has no hold")))
            return made

        async def find_made_hold() -> Row | None:
            return await self._find_marked(target, patron.id, key)

        sent = await desk.send_change(change, send_hold, find_made_hold, before=before, is_refused_twice=True)
        return await desk.end_change(change, self._read_own(change, sent, target))

    @staticmethod
    def _make_row(hold: Hold, key: str, note: str) -> Row:
        """Always with the record: with the item alone Koha counts the queue of nothing."""
        return {
            "patron_id": int(hold.patron_id),
            "biblio_id": int(hold.bib_id),
            **({"item_id": int(hold.item_id)} if hold.item_id else {}),
            "pickup_library_id": hold.pickup,
            **({"expiration_date": hold.expires.isoformat()} if hold.expires is not None else {}),
            "notes": write_marked_note(key, hold.request_id, note),
        }

    async def _find_target(self, wish: HoldWish) -> KohaHoldTarget:
        """Find the target; raises Refused(UNKNOWN_ITEM | UNKNOWN_RECORD), Unavailable."""
        if wish.item_barcode:
            answer = await self.desk.require_item(wish.item_barcode)
            return KohaHoldTarget(answer.item.bib_id, answer.title, answer)
        bib = await self.desk.require_bib(wish.bib_id)
        return KohaHoldTarget(bib.id, bib.title)

    @staticmethod
    def _refuse_item(answer: KohaItem, patron_id: str) -> None:
        """Refuse what Koha would refuse with fewer words, or let pass. Raises Refused."""
        item = answer.item
        if any(
            read_text(row, "patron_id") == patron_id and read_text(row, "item_id") == item.id for row in answer.holds
        ):
            raise make_refusal(RefusalReason.DUPLICATE_REQUEST)
        if answer.loan is not None and read_text(answer.loan, "patron_id") == patron_id:
            raise make_refusal(RefusalReason.ON_LOAN_SAME_PATRON)
        if not item.circulates:
            raise make_refusal(RefusalReason.NOT_ALLOWED)

    async def _find_marked(self, target: KohaHoldTarget, patron_id: str, key: str) -> Row | None:
        mark = make_mark(key)
        for row in await self.desk.ask_holds_of_bib(target.bib_id):
            if read_text(row, "patron_id") == patron_id and mark in read_text(row, "notes").split():
                return row
        return None

    def _read_own(self, change: LibraryChange, row: Row, target: KohaHoldTarget) -> Hold:
        barcode = target.answer.item.barcode if target.answer is not None else ""
        hold = self.desk.reader.read_hold(row, barcode, target.title)
        return self.desk.restore_hold(hold, (replace(change, record_id=hold.id),))

    async def choose_pickup(self, wanted: str) -> str:
        """Choose a pickup location; raises Refused(BAD_PICKUP_LOCATION), Unavailable."""
        places = await self.lists.list_pickups()
        if not wanted:
            wanted = self.desk.options.resource_sharing_branch or (places[0].code if places else "")
        if wanted not in {place.code for place in places}:
            raise make_refusal(RefusalReason.BAD_PICKUP_LOCATION)
        return wanted

    # --- finding -----------------------------------------------------------------------------------------

    async def find_hold(self, request_id: str) -> Hold:
        """Find a hold; raises Refused(UNKNOWN_REQUEST | AMBIGUOUS_REQUEST), Unavailable."""
        changes = await self.desk.changes.changes_of_request(request_id) if request_id else ()
        placed = [change for change in changes if change.kind is ChangeKind.HOLD and change.ended is not None]
        return choose_hold_of_request(await ask_together(*map(self._find_present_state, placed)))

    async def _find_present_state(self, change: LibraryChange) -> Hold:
        """Find the present state of a hold of ours. One that Koha lists no more was cancelled by us, or filled, or has
        ended otherwise."""
        desk = self.desk
        hold = HOLD_JSON.validate_json(change.value)
        row, changes = await ask_together(
            desk.ask_hold_row(change.record_id), desk.changes.changes_of_record(change.record_id)
        )
        if row is not None:
            return desk.restore_hold(desk.reader.read_hold(row, hold.item_barcode, hold.title), (change,))
        if list_cancellations(changes):
            return replace(hold, status=HoldStatus.CANCELLED)
        return end_unlisted_hold(hold, await desk.list_patron_loans(hold.patron_id))

    async def _require_open(self, hold_id: str) -> Hold:
        """Require an open hold; raises Refused(UNKNOWN_REQUEST | REQUEST_CLOSED), Unavailable."""
        desk = self.desk
        row, changes = await ask_together(desk.ask_hold_row(hold_id), desk.changes.changes_of_record(hold_id))
        if row is None:
            known = any(change.kind is ChangeKind.HOLD for change in changes)
            raise make_refusal(RefusalReason.REQUEST_CLOSED if known else RefusalReason.UNKNOWN_REQUEST)
        return (await desk.describe_holds((row,), changes))[0]

    # --- cancelling and changing -------------------------------------------------------------------------

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

    async def _cancel_open(self, hold: Hold, key: str, before: LibraryChange | None) -> Hold:
        desk, hold_id = self.desk, hold.id
        cancelled = replace(hold, status=HoldStatus.CANCELLED)
        change = make_hold_change(ChangeKind.HOLD_CANCELLATION, cancelled, key, desk.now())

        async def send_cancellation() -> Hold:
            try:
                status = await desk.client.delete_row("holds", hold_id, title="/holds/{hold_id}")
            except KohaRefusalError as refusal:
                if refusal.status == 404:
                    return cancelled
                raise refusal_of_answer(refusal, desk.options.reasons) from refusal
            if status == 202:
                raise make_refusal(
                    RefusalReason.NOT_ALLOWED,
                    "HTTP 202: Koha has written down the wish to cancel; staff decide about it there",
                    detail="The reservation waits for its patron already; the library's staff decide about it.",
                )
            return cancelled

        async def find_hold_gone() -> Hold | None:
            return cancelled if await desk.ask_hold_row(hold_id) is None else None

        sent = await desk.send_change(change, send_cancellation, find_hold_gone, before=before)
        return await desk.end_change(change, sent)

    async def update_hold(self, edit: HoldUpdate, key: str) -> Hold:
        """Update a hold; sent again after an unknown outcome: to set the same once more changes nothing."""
        desk, hold_id = self.desk, edit.hold_id
        before = await desk.changes.find_change(ChangeKind.HOLD_UPDATE, key)
        if before is not None and before.ended is not None:
            return HOLD_JSON.validate_json(before.value)
        if edit.expires is not None and not desk.client.abilities.may_send(abilities.CHANGE_HOLD, "expiration_date"):
            refuse_unsupported("change the day on which a reservation ends")
        hold = await self._require_open(hold_id)
        pickup = await self.choose_pickup(edit.pickup) if edit.pickup is not None else hold.pickup
        changed = edit_hold(hold, edit, pickup)
        change = make_hold_change(ChangeKind.HOLD_UPDATE, changed, key, desk.now())
        row: dict[str, str] = {}
        if edit.pickup is not None:
            row["pickup_library_id"] = pickup
        if edit.expires is not None:
            row["expiration_date"] = edit.expires.isoformat()

        async def send_edit() -> Hold:
            if row:
                await desk.client.send_row("PATCH", "holds", hold_id, title="/holds/{hold_id}", row=row)
            return changed

        async def find_hold_edited() -> Hold | None:
            now = await desk.ask_hold_row(hold_id)
            is_done = now is not None and all(read_text(now, name) == value for name, value in row.items())
            return changed if is_done else None

        sent = await desk.send_change(change, send_edit, find_hold_edited, before=before)
        for placing in await desk.changes.changes_of_record(hold_id):
            if placing.kind is ChangeKind.HOLD:
                await desk.end_change(placing, sent)
        return await desk.end_change(change, sent)

    async def cancel_holds_of_item(self, answer: KohaItem, key: str) -> None:
        """Those on this very item: they go with it. Raises Refused, Unavailable, OutcomeUnknown."""
        for row in answer.holds:
            if read_text(row, "item_id") == answer.item.id:
                hold = self.desk.reader.read_hold(row, answer.item.barcode, answer.title)
                ours = await self.desk.changes.changes_of_record(hold.id)
                hold_key = f"{key}/hold/{hold.id}"
                before = await self.desk.changes.find_change(ChangeKind.HOLD_CANCELLATION, hold_key)
                await self._cancel_open(self.desk.restore_hold(hold, ours), hold_key, before)
