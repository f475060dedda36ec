"""Partners' items while they are here: AcceptItem makes record, item and hold in one message, DeleteItem removes
them."""

from __future__ import annotations

from uuid import uuid4

import structlog

from adapters.library.change_sending import HOLD_JSON, ITEM_JSON
from adapters.library.parallel_questions import ask_together
from adapters.library.refusals import make_refusal
from adapters.ncip.client import MessageValues
from adapters.ncip.library_system.holds import NcipHoldDesk, choose_pickup, read_kept_hold
from adapters.ncip.library_system.lookups import KEPT_ITEM_JSON, KeptTemporaryItem, NcipDesk, find_temporary_item
from adapters.ncip.library_system.records import RECORD_PREFIX, NcipItem, NcipPatron
from adapters.ncip.messages import AcceptItemResponse, DeleteItemResponse
from gateway.domain.library import Hold, HoldStatus, Item, ItemStatus, Location
from gateway.domain.problems import RefusalReason, Refused, Unavailable
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.library_changes import ChangeKind, LibraryChange
from gateway.ports.library_operations import TemporaryItemCreation, TemporaryItemDeletion
from gateway.ports.library_system import TemporaryItem, TemporaryItemResult

log = structlog.get_logger(component="library")

DUPLICATES = frozenset({RefusalReason.DUPLICATE_ITEM, RefusalReason.NOT_ALLOWED, RefusalReason.OTHER})
"""What a system may say of a barcode that is there already ("Cannot Accept Item")."""


@value_object
class NcipTemporaryItemDesk:
    desk: NcipDesk
    holds: NcipHoldDesk

    # --- making ------------------------------------------------------------------------------------------

    async def make_item(self, creation: TemporaryItemCreation, key: str) -> TemporaryItemResult:
        desk, item = self.desk, creation.item
        pickup = choose_pickup(desk, item.hold.pickup) if item.hold is not None else ""
        medium = self._choose_medium(item.policy)
        before = await desk.changes.find_change(ChangeKind.TEMPORARY_ITEM, key)
        if before is not None and before.ended is not None:
            if find_temporary_item(await desk.changes.changes_of_item(before.barcode)) == before:
                return await self._repeat_result(before)
            before = None  # it was deleted since
        temporary_item = find_temporary_item(await desk.changes.changes_of_item(item.barcode))
        if temporary_item is not None:
            raise make_refusal(RefusalReason.DUPLICATE_ITEM)
        change = self._describe_change(item, key, before)
        if before is not None and (result := await self._find_it_made(change, item, pickup)) is not None:
            return result
        values = self._describe_item(item, change, pickup, medium)

        async def send_item() -> AcceptItemResponse:
            try:
                return await desk.client.change(AcceptItemResponse, values)
            except Refused as refused:
                raise await self._explain_refusal(refused, item.barcode) from refused

        sent = await desk.send_change(
            change, send_item, lambda: self._find_it_made(change, item, pickup), before=before
        )
        if isinstance(sent, TemporaryItemResult):
            return sent
        # its own rules may give it another barcode than was asked for: that of the answer counts
        barcode = sent.item_id.value if sent.item_id is not None and sent.item_id.value else item.barcode
        number = sent.request_id.value if sent.request_id is not None else ""
        if desk.options.requests.numbers == "theirs" and number == number_at_system(change):
            number = ""  # Koha repeats ours and doesn't tell its own
        return await self._end_creation(replace(change, barcode=barcode), item, pickup, number)

    def _choose_medium(self, policy: str) -> str:
        """Choose the medium; raises Refused(INVALID_VALUE)."""
        policies = self.desk.options.item_policies
        if policies and policy not in policies:
            raise make_refusal(
                RefusalReason.INVALID_VALUE,
                write_sentence("item_policies has no '%(policy)s'", policy=policy),
                detail="The library has no such item policy.",
            )
        return policies.get(policy, "")

    def _describe_change(self, item: TemporaryItem, key: str, before: LibraryChange | None) -> LibraryChange:
        return LibraryChange(
            kind=ChangeKind.TEMPORARY_ITEM,
            key=key,
            barcode=item.barcode,
            patron_id=item.hold.patron_id if item.hold is not None else "",
            begun=self.desk.now(),
            request_id=item.request_id,
            record_id=before.record_id if before is not None else uuid4().hex,
        )

    def _describe_item(self, item: TemporaryItem, change: LibraryChange, pickup: str, medium: str) -> MessageValues:
        bib, hold = item.bib, item.hold
        return MessageValues(
            request=change.request_id or change.record_id,
            items=(item.barcode,),
            action=self.desk.options.requests.accept_action,
            patron=hold.patron_id if hold is not None else "",
            pickup=pickup,
            pickup_until=hold.expires if hold is not None else None,
            due=item.lender_due,
            renewals=item.renewals_allowed,
            title=bib.title,
            author=bib.author,
            publisher=bib.publisher,
            published=bib.published,
            edition=bib.edition,
            medium=medium,  # a partner's own word may be one that the system doesn't know
            call_number=item.call_number,
        )

    async def _find_it_made(
        self, change: LibraryChange, item: TemporaryItem, pickup: str
    ) -> TemporaryItemResult | None:
        """Find the item of a message without an answer, if it is there: by its barcode and title, or by its hold."""
        desk = self.desk
        if desk.options.is_answered("LookupItem"):
            try:
                answer = await desk.look_up_item(item.barcode)
            except Refused as refused:
                if refused.reason is RefusalReason.UNKNOWN_ITEM:
                    return None
                raise
            title = answer.bib.title
            if title and item.bib.title.casefold() not in title.casefold():
                return None  # another item has this barcode
        elif item.hold is None or "holds" not in desk.options.patrons.lists:
            return None
        else:
            patron = await desk.ask_patron(item.hold.patron_id)
            if patron.find_hold(item.barcode, change.request_id or change.record_id) is None:
                return None
        return await self._end_creation(change, item, pickup)

    async def _end_creation(
        self, change: LibraryChange, item: TemporaryItem, pickup: str, number: str = ""
    ) -> TemporaryItemResult:
        """`number`: by which the system knows the hold; empty where its answer was lost, or tells none."""
        desk = self.desk
        answer, patron = await ask_together(self._ask_new_item(change, item), self._ask_holder(item))
        hold = self._make_hold(change, item, pickup, answer, patron, number)
        temporary_item = KeptTemporaryItem(item, answer.item, answer.bib)
        ended = replace(change, ended=desk.now(), value=KEPT_ITEM_JSON.dump_json(temporary_item).decode())
        if hold is not None:
            placing = replace(ended, kind=ChangeKind.HOLD, record_id=hold.id, request_id=number_at_system(change))
            listed = patron.find_hold(hold.item_barcode, number or placing.request_id) if patron is not None else None
            await self.holds.end_placing(placing, hold, number or (listed.request_id if listed is not None else ""))
        await desk.changes.end_change(ended)
        return TemporaryItemResult(answer.item, answer.bib, hold)

    async def _ask_new_item(self, change: LibraryChange, wish: TemporaryItem) -> NcipItem:
        answer = await self._look_up_new_item(change.barcode) or self._describe_new_item(change.barcode, wish)
        return replace(answer, item=replace(answer.item, id=change.record_id, temporary=True, policy=wish.policy))

    async def _look_up_new_item(self, barcode: str) -> NcipItem | None:
        """None: it can't be looked up, or not yet. It was accepted all the same."""
        if not self.desk.options.is_answered("LookupItem"):
            return None
        try:
            return await self.desk.look_up_item(barcode)
        except (Refused, Unavailable) as failed:
            log.warning("library.accepted_item_not_found", item=barcode, reason=str(failed))
            return None

    def _describe_new_item(self, barcode: str, wish: TemporaryItem) -> NcipItem:
        place = wish.location if wish.location.library else Location(self.desk.options.branch)
        number = f"{RECORD_PREFIX}{barcode}"
        item = Item(barcode, barcode, number, ItemStatus.AVAILABLE, wish.policy, place, place, pieces=wish.pieces)
        return NcipItem(item, replace(wish.bib, id=number), is_told=False)

    async def _ask_holder(self, item: TemporaryItem) -> NcipPatron | None:
        if item.hold is None or "holds" not in self.desk.options.patrons.lists:
            return None
        try:
            return await self.desk.ask_patron(item.hold.patron_id)
        except (Refused, Unavailable):
            return None

    def _make_hold(
        self,
        change: LibraryChange,
        item: TemporaryItem,
        pickup: str,
        answer: NcipItem,
        patron: NcipPatron | None,
        number: str,
    ) -> Hold | None:
        if item.hold is None:
            return None
        hold = Hold(
            id=f"{change.record_id}-hold",
            key=change.key,
            request_id=item.request_id,
            patron_id=item.hold.patron_id,
            bib_id=answer.item.bib_id,
            item_id=answer.item.id,
            pickup=pickup,
            status=HoldStatus.WAITING,
            placed=change.begun,
            expires=item.hold.expires,
            item_barcode=answer.item.barcode,
            title=answer.bib.title,
        )
        return self.holds.complete_hold(hold, patron, number or number_at_system(change), answer.item)

    async def _repeat_result(self, before: LibraryChange) -> TemporaryItemResult:
        desk = self.desk
        answer = await desk.ask_item(before.barcode)
        item = KEPT_ITEM_JSON.validate_json(before.value)
        hold = await self.holds.load_present_hold(f"{before.record_id}-hold") if item.wish.hold is not None else None
        return TemporaryItemResult(answer.item, answer.bib, hold, repeated=True)

    async def _explain_refusal(self, refused: Refused, barcode: str) -> Refused:
        """Explain whether it is the barcode that can't be accepted."""
        if refused.reason not in DUPLICATES or not self.desk.options.is_answered("LookupItem"):
            return refused
        try:
            await self.desk.look_up_item(barcode)
        except Refused as unknown:
            if unknown.reason is RefusalReason.UNKNOWN_ITEM:
                return refused
            raise
        return make_refusal(RefusalReason.DUPLICATE_ITEM, refused.internal)

    # --- deleting ----------------------------------------------------------------------------------------

    async def delete_item(self, wish: TemporaryItemDeletion, key: str) -> Item:
        """Delete an item; without DeleteItem the system removes the record by itself when the item is checked in; then
        it is only remembered as gone."""
        desk, barcode = self.desk, wish.barcode
        before = await desk.changes.find_change(ChangeKind.TEMPORARY_ITEM_DELETION, key)
        changes = await desk.changes.changes_of_item(barcode)
        temporary_item = find_temporary_item(changes)
        if temporary_item is None:
            if before is not None and before.ended is not None and before.barcode == barcode:
                return ITEM_JSON.validate_json(before.value)
            await desk.ask_item(barcode)
            raise make_refusal(RefusalReason.NOT_ALLOWED, "not a temporary item of the gateway's")
        answer = await self._ask_item_to_delete(temporary_item)
        if answer is not None and answer.is_charged:
            raise make_refusal(RefusalReason.IN_USE)
        item = answer.item if answer is not None else KEPT_ITEM_JSON.validate_json(temporary_item.value).item
        change = LibraryChange(
            kind=ChangeKind.TEMPORARY_ITEM_DELETION,
            key=key,
            barcode=barcode,
            patron_id=temporary_item.patron_id,
            begun=desk.now(),
            request_id=temporary_item.request_id,
            record_id=temporary_item.record_id,
            value=ITEM_JSON.dump_json(item).decode(),
        )
        if answer is None or not desk.options.is_answered("DeleteItem"):
            return await self._end_deletion(change, changes, item)

        async def find_it_done() -> Item | None:
            if not desk.options.is_answered("LookupItem"):
                return None
            gone = await self._ask_item_to_delete(temporary_item) is None
            return await self._end_deletion(change, changes, item) if gone else None

        values = MessageValues(items=(barcode,))
        try:
            sent = await desk.send_change(
                change,
                lambda: desk.client.change(DeleteItemResponse, values),
                find_it_done,
                before=before,
            )
        except Refused as refused:
            if refused.reason is RefusalReason.UNKNOWN_ITEM:
                return await self._end_deletion(change, changes, item)
            raise
        return sent if isinstance(sent, Item) else await self._end_deletion(change, changes, item)

    async def _ask_item_to_delete(self, change: LibraryChange) -> NcipItem | None:
        """None: it is gone already, deleted by staff or by a message whose answer was lost."""
        try:
            return await self.desk.ask_item(change.barcode)
        except Refused as refused:
            if refused.reason is RefusalReason.UNKNOWN_ITEM:
                return None
            raise

    async def _end_deletion(self, change: LibraryChange, changes: tuple[LibraryChange, ...], item: Item) -> Item:
        """Its hold ends with it, unless it was filled."""
        await self._end_its_hold(change, changes)
        await self.desk.changes.end_change(replace(change, ended=self.desk.now()))
        return item

    async def _end_its_hold(self, change: LibraryChange, changes: tuple[LibraryChange, ...]) -> None:
        hold_id = f"{change.record_id}-hold"
        holds = (change for change in changes if change.kind is ChangeKind.HOLD)
        placing = next((hold for hold in holds if hold.record_id == hold_id), None)
        if placing is None:
            return
        lent = (change for change in changes if change.kind is ChangeKind.CHECK_OUT and change.ended is not None)
        if any(loan.patron_id == placing.patron_id and loan.begun >= placing.begun for loan in lent):
            return
        hold = replace(read_kept_hold(placing).hold, status=HoldStatus.CANCELLED)
        value = HOLD_JSON.dump_json(hold).decode()
        ended = replace(placing, kind=ChangeKind.HOLD_CANCELLATION, key=f"{change.key}:hold", begun=change.begun)
        await self.desk.changes.end_change(replace(ended, ended=self.desk.now(), value=value))


def number_at_system(change: LibraryChange) -> str:
    """RequestId of the AcceptItem."""
    return change.request_id or change.record_id
