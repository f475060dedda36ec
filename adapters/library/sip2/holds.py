"""Reservations of items on a SIP2 system.

SIP2 gives a reservation no number: it is a patron and an item. Ours have one that we made, others one made of these.
"""

from __future__ import annotations

from uuid import uuid4

from adapters.library.change_sending import HOLD_JSON, find_open_change, make_hold_change
from adapters.library.own_holds import choose_hold_of_request, draft_hold, edit_hold, list_cancellations
from adapters.library.refusals import make_refusal, refuse_blocked
from adapters.library.sip2.changes import end_session, send_message
from adapters.library.sip2.client import Sip2Conversation
from adapters.library.sip2.codec import Sip2Reply
from adapters.library.sip2.lookups import Sip2Desk, Sip2Item, is_listed
from adapters.library.sip2.messages import HoldMode, HoldTerms
from adapters.library.sip2.reasons import find_reason_of_message
from gateway.domain.library import BlockScope, Hold, HoldStatus, ItemStatus, Patron
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.value import replace, value_object
from gateway.ports.library_changes import ChangeKind, LibraryChange
from gateway.ports.library_operations import HoldCancellation, HoldUpdate
from gateway.ports.library_system import HoldWish

FOREIGN_PREFIX = "hold:"

_STATUSES = {ItemStatus.ON_HOLD_SHELF: HoldStatus.READY, ItemStatus.IN_TRANSIT: HoldStatus.IN_TRANSIT}


@value_object
class Sip2HoldDesk:
    desk: Sip2Desk

    # --- look-ups ----------------------------------------------------------------------------------------

    async def list_patron_holds(self, patron_id: str) -> tuple[Hold, ...]:
        """Oldest first; those that others placed come last."""
        desk = self.desk
        changes = await desk.changes.changes_of_patron(patron_id)
        async with desk.client.open_conversation() as talk:
            patron, entries = await desk.load_patron_and_holds(talk, patron_id)
            holds = [await self._describe_entry(talk, entry, patron, changes) for entry in entries]
        ours = sorted((hold for hold in holds if hold.key), key=lambda hold: hold.placed)
        return (*ours, *(hold for hold in holds if not hold.key))

    async def _describe_entry(
        self, talk: Sip2Conversation, entry: str, patron: Patron, changes: tuple[LibraryChange, ...]
    ) -> Hold:
        """Describe an entry in the patron's list: a barcode, or a title in systems that show titles there."""
        barcode = entry.split(maxsplit=1)[0]
        answer = await self.desk.ask_item(talk, barcode)
        if answer is None:
            return self._make_foreign_hold(patron.id, "", "", entry)
        of_item = tuple(change for change in changes if change.barcode == barcode)
        change = find_open_change(ChangeKind.HOLD, ChangeKind.HOLD_CANCELLATION, of_item)
        if change is None:
            return self._make_foreign_hold(patron.id, barcode, answer.item.bib_id, answer.title)
        return self._restore_hold(change, answer)

    async def list_item_holds(self, talk: Sip2Conversation, answer: Sip2Item) -> tuple[Hold, ...]:
        """Ours in the order in which they were placed; of others only is known how many they are: they follow, without
        patrons."""
        desk, barcode = self.desk, answer.item.barcode
        changes = await desk.changes.changes_of_item(barcode)
        over = {change.record_id for change in list_cancellations(changes)}
        holds: list[Hold] = []
        for change in reversed(changes):
            if change.kind is not ChangeKind.HOLD or change.record_id in over:
                continue
            if is_listed(barcode, await desk.list_holds(talk, change.patron_id)):
                holds.append(self._restore_hold(change, answer))
        holds.sort(key=lambda hold: (hold.placed, hold.position))
        others = max(0, answer.item.hold_count - len(holds))
        unnamed = self._make_foreign_hold("", barcode, answer.item.bib_id, answer.title)
        return (*holds, *(replace(unnamed, id=f"{unnamed.id}:{number}") for number in range(1, others + 1)))

    async def find_hold(self, request_id: str) -> Hold:
        """Find a hold; raises Refused(UNKNOWN_REQUEST | AMBIGUOUS_REQUEST)."""
        desk = self.desk
        changes = await desk.changes.changes_of_request(request_id) if request_id else ()
        placed = [change for change in changes if change.kind is ChangeKind.HOLD and change.value]
        if not placed:  # without it no session need be opened
            raise make_refusal(RefusalReason.UNKNOWN_REQUEST)
        async with desk.client.open_conversation() as talk:
            return choose_hold_of_request([await self._find_present_state(talk, change) for change in placed])

    async def _find_present_state(self, talk: Sip2Conversation, change: LibraryChange) -> Hold:
        """Find the present state of a reservation of ours. One that is in no list any more was cancelled by us, or
        filled, or has ended otherwise, which SIP2 calls by no name."""
        desk = self.desk
        hold = HOLD_JSON.validate_json(change.value)
        if await self._cancellations(change.record_id):
            return replace(hold, status=HoldStatus.CANCELLED)
        answer = await desk.ask_item(talk, change.barcode)
        if answer is not None and is_listed(change.barcode, await desk.list_holds(talk, change.patron_id)):
            return self._restore_hold(change, answer)
        if answer is not None and answer.is_charged and await desk.has_on_loan(talk, hold.patron_id, change.barcode):
            return replace(hold, status=HoldStatus.FILLED)
        return replace(hold, status=HoldStatus.EXPIRED)

    async def _cancellations(self, hold_id: str) -> tuple[LibraryChange, ...]:
        return list_cancellations(await self.desk.changes.changes_of_record(hold_id))

    def _restore_hold(self, change: LibraryChange, answer: Sip2Item) -> Hold:
        status = _STATUSES.get(answer.item.status, HoldStatus.WAITING)
        if not change.value:  # the answer was lost, and the system lists it
            foreign = self._make_foreign_hold(change.patron_id, change.barcode, answer.item.bib_id, answer.title)
            return replace(foreign, id=change.record_id, key=change.key, request_id=change.request_id, status=status)
        return replace(HOLD_JSON.validate_json(change.value), status=status)

    def _make_foreign_hold(self, patron_id: str, barcode: str, bib_id: str, title: str) -> Hold:
        return Hold(
            id=f"{FOREIGN_PREFIX}{patron_id}:{barcode}",
            key="",
            request_id="",
            patron_id=patron_id,
            bib_id=bib_id,
            item_id=barcode,
            pickup="",
            status=HoldStatus.WAITING,
            placed=self.desk.now(),
            item_barcode=barcode,
            title=title,
        )

    # --- changes -----------------------------------------------------------------------------------------

    async def place_hold(self, wish: HoldWish, key: str) -> Hold:
        desk, barcode = self.desk, wish.item_barcode
        pickup = self._choose_pickup(wish.pickup)
        before = await desk.changes.find_change(ChangeKind.HOLD, key)
        async with desk.client.open_conversation() as talk:
            if before is not None and before.ended is not None:
                return await self._find_present_state(talk, before)
            patron, held = await desk.load_patron_and_holds(talk, wish.patron_id)
            answer = await desk.require_item(talk, barcode)
            if is_listed(barcode, held):
                if before is None:
                    raise make_refusal(RefusalReason.DUPLICATE_REQUEST)
                return self._restore_hold(before, answer)
            refuse_blocked(patron, BlockScope.REQUEST, desk.today())
            if not answer.item.circulates:
                raise make_refusal(RefusalReason.NOT_ALLOWED)
            if answer.is_charged and await desk.has_on_loan(talk, patron.id, barcode):
                raise make_refusal(RefusalReason.ON_LOAN_SAME_PATRON)
            wish = replace(wish, patron_id=patron.id, pickup=pickup)
            item = answer.item
            draft = draft_hold(wish, key, desk.now(), bib_id=item.bib_id, item_id=item.id, title=answer.title)
            status = _STATUSES.get(item.status, HoldStatus.WAITING)
            hold = replace(draft, id=uuid4().hex, status=status, position=item.hold_count + 1)
            change = make_hold_change(ChangeKind.HOLD, hold, key, hold.placed)

            async def find_it_done() -> Hold | None:
                entries = await desk.list_holds(talk, patron.id)
                return await desk.end_change(change, hold) if is_listed(barcode, entries) else None

            terms = HoldTerms(pickup, wish.expires)
            query = desk.writer.hold(HoldMode.ADD, patron.id, barcode, desk.now(), terms)
            sent = await send_message(desk, talk, change, query, find_it_done, before=before)
            if isinstance(sent, Hold):
                return sent
            place = sent.first("BR")
            position = int(place) if place.isascii() and place.isdigit() else hold.position
            placed = await desk.end_change(change, replace(hold, position=position))
            await end_session(desk, talk, patron.id)
            return placed

    async def cancel_hold(self, wish: HoldCancellation, key: str) -> Hold:
        desk, hold_id = self.desk, wish.hold_id
        before = await desk.changes.find_change(ChangeKind.HOLD_CANCELLATION, key)
        if before is not None and before.ended is not None:
            return HOLD_JSON.validate_json(before.value)
        if await self._cancellations(hold_id):
            raise make_refusal(RefusalReason.REQUEST_CLOSED, about=MessagePart.REQUEST)
        hold = await self._load_hold(hold_id)
        cancelled = replace(hold, status=HoldStatus.CANCELLED)
        change = make_hold_change(ChangeKind.HOLD_CANCELLATION, cancelled, key, desk.now())
        async with desk.client.open_conversation() as talk:

            async def find_it_done() -> Hold | None:
                if is_listed(hold.item_barcode, await desk.list_holds(talk, hold.patron_id)):
                    return None
                return await desk.end_change(change, cancelled)

            if not is_listed(hold.item_barcode, await desk.list_holds(talk, hold.patron_id)):
                if before is not None:
                    return await desk.end_change(before, cancelled)
                raise make_refusal(RefusalReason.REQUEST_CLOSED, about=MessagePart.REQUEST)
            query = desk.writer.hold(HoldMode.DELETE, hold.patron_id, hold.item_barcode, desk.now(), HoldTerms())
            sent = await send_message(desk, talk, change, query, find_it_done, before=before)
            if isinstance(sent, Hold):
                return sent
            return await desk.end_change(change, cancelled)

    async def update_hold(self, edit: HoldUpdate, key: str) -> Hold:
        """Update a hold; sent again after an unknown outcome: to set the same once more changes nothing."""
        desk, hold_id = self.desk, edit.hold_id
        pickup = self._choose_pickup(edit.pickup) if edit.pickup is not None else None
        before = await desk.changes.find_change(ChangeKind.HOLD_UPDATE, key)
        if before is not None and before.ended is not None:
            return HOLD_JSON.validate_json(before.value)
        if await self._cancellations(hold_id):
            raise make_refusal(RefusalReason.REQUEST_CLOSED, about=MessagePart.REQUEST)
        hold = await self._load_hold(hold_id)
        changed = edit_hold(hold, edit, pickup)
        change = make_hold_change(ChangeKind.HOLD_UPDATE, changed, key, desk.now())

        async def find_it_done() -> Hold | None:
            return None  # SIP2 doesn't tell where a reservation is collected

        async with desk.client.open_conversation() as talk:
            await desk.require_patron(talk, hold.patron_id)
            terms = HoldTerms(changed.pickup, changed.expires)
            query = desk.writer.hold(HoldMode.CHANGE, hold.patron_id, hold.item_barcode, desk.now(), terms)
            await send_message(desk, talk, change, query, find_it_done, before=before, refuse=self._refuse_update)
        placing = await self._find_placing(hold_id)
        if placing is not None:
            await desk.end_change(placing, changed)
        return await desk.end_change(change, changed)

    def _refuse_update(self, reply: Sip2Reply) -> Refused:
        reason = find_reason_of_message(reply.screen_message, self.desk.options.reasons)
        reason = RefusalReason.NOT_ALLOWED if reason is RefusalReason.OTHER else reason
        return make_refusal(reason, reply.screen_message, about=MessagePart.REQUEST)

    async def _find_placing(self, hold_id: str) -> LibraryChange | None:
        changes = await self.desk.changes.changes_of_record(hold_id)
        return next((change for change in changes if change.kind is ChangeKind.HOLD), None)

    async def _load_hold(self, hold_id: str) -> Hold:
        """Load a hold as it was when we placed it; of another's what its number says. Raises
        Refused(UNKNOWN_REQUEST)."""
        placing = await self._find_placing(hold_id)
        if placing is not None:
            return HOLD_JSON.validate_json(placing.value)
        patron_id, colon, barcode = hold_id.removeprefix(FOREIGN_PREFIX).rpartition(":")
        if not hold_id.startswith(FOREIGN_PREFIX) or not (patron_id and colon and barcode):
            raise make_refusal(RefusalReason.UNKNOWN_REQUEST, about=MessagePart.REQUEST)
        return self._make_foreign_hold(patron_id, barcode, "", "")

    def _choose_pickup(self, wanted: str) -> str:
        """Choose the pickup location; raises Refused(BAD_PICKUP_LOCATION)."""
        pickups = self.desk.options.pickups
        if not pickups or wanted in {pickup.code for pickup in pickups}:
            return wanted
        if wanted:
            raise make_refusal(RefusalReason.BAD_PICKUP_LOCATION, about=MessagePart.PICKUP_LOCATION)
        return next((pickup.code for pickup in pickups if pickup.resource_sharing), pickups[0].code)
