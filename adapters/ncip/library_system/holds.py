"""Requests of items and titles on a system that answers NCIP: placed, changed and cancelled, each at most once."""

from __future__ import annotations

from uuid import uuid4

from pydantic import TypeAdapter

from adapters.library.change_sending import HOLD_JSON, find_open_change, make_hold_change
from adapters.library.own_holds import choose_hold_of_request, draft_hold, edit_hold, list_cancellations
from adapters.library.parallel_questions import ask_together
from adapters.library.refusals import make_refusal, refuse_blocked
from adapters.ncip.client import MessageValues
from adapters.ncip.library_system.lookups import NcipDesk
from adapters.ncip.library_system.records import RECORD_PREFIX, ListedHold, NcipItem, NcipPatron
from adapters.ncip.messages import (
    CancelRequestItemResponse,
    LookupRequestResponse,
    RequestItemResponse,
    UpdateRequestItemResponse,
)
from gateway.domain.library import Bib, BlockScope, Hold, HoldStatus, Item, ItemStatus, RecordId
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.value import replace, value_object
from gateway.ports.library_changes import ChangeKind, LibraryChange
from gateway.ports.library_operations import HoldCancellation, HoldUpdate
from gateway.ports.library_system import HoldWish

FOREIGN_PREFIX = "hold:"

_STATUSES = {ItemStatus.ON_HOLD_SHELF: HoldStatus.READY, ItemStatus.IN_TRANSIT: HoldStatus.IN_TRANSIT}


@value_object
class KeptHold:
    """A hold of ours as it was placed. `number`: the RequestId by which the system knows it; empty where it has told
    none."""

    hold: Hold
    number: str = ""


_KEPT_JSON: TypeAdapter[KeptHold | Hold] = TypeAdapter(KeptHold | Hold)


def read_kept_hold(placing: LibraryChange) -> KeptHold:
    """Read a kept hold; before numbers were kept, the value was the hold alone."""
    kept = _KEPT_JSON.validate_json(placing.value)
    return kept if isinstance(kept, KeptHold) else KeptHold(kept)


def write_kept_hold(hold: Hold, number: str) -> str:
    return _KEPT_JSON.dump_json(KeptHold(hold, number)).decode()


@value_object
class NcipHoldDesk:
    desk: NcipDesk

    @property
    def _is_listed(self) -> bool:
        return "holds" in self.desk.options.patrons.lists

    # --- look-ups ----------------------------------------------------------------------------------------

    async def list_patron_holds(self, patron_id: str) -> tuple[Hold, ...]:
        """Oldest first; those that others placed come last. Where the system lists none, those of ours that have not
        ended."""
        desk = self.desk
        changes = await desk.changes.changes_of_patron(patron_id)
        answer = await desk.ask_patron(patron_id)
        ours = [(change, await self._find_present_state(change, answer)) for change in list_open_holds(changes)]
        holds = sorted((hold for _, hold in ours if hold.status.is_open), key=lambda hold: hold.placed)
        named = {(hold.item_barcode, find_listed_number(change)) for change, hold in ours}
        others = [
            listed_hold
            for listed_hold in answer.holds
            if not any(listed_hold in _select_matching_holds(answer, barcode, number) for barcode, number in named)
        ]
        return (*holds, *(self._make_foreign_hold(patron_id, listed_hold) for listed_hold in others))

    async def list_item_holds(self, answer: NcipItem) -> tuple[Hold, ...]:
        """Ours in the order in which they were placed; of others only is known how many they are: they follow, without
        patrons."""
        desk, item = self.desk, answer.item
        changes = await desk.changes.changes_of_item(item.barcode)
        if answer.bib.id:
            titles = await desk.changes.changes_of_item(answer.bib.id)  # where title holds are kept
            changes = (*changes, *titles)
        holds = []
        for change in list_open_holds(changes):
            hold = await self._find_present_state(change, await desk.ask_patron(change.patron_id))
            if hold.status.is_open:
                holds.append(hold)
        holds.sort(key=lambda hold: (hold.placed, hold.position))
        others = max(0, item.hold_count - len(holds))
        unnamed = ListedHold(item.barcode, "", HoldStatus.WAITING, None, "", 0, None, answer.bib.title)
        foreign = self._make_foreign_hold("", unnamed)
        return (*holds, *(replace(foreign, id=f"{foreign.id}:{number}") for number in range(1, others + 1)))

    async def find_hold(self, request_id: str) -> Hold:
        """Find a hold; raises Refused(UNKNOWN_REQUEST | AMBIGUOUS_REQUEST)."""
        changes = await self.desk.changes.changes_of_request(request_id) if request_id else ()
        placed = [change for change in changes if change.kind is ChangeKind.HOLD and change.value]
        return choose_hold_of_request([await self._find_present_state(change, None) for change in placed])

    async def _find_present_state(self, change: LibraryChange, patron: NcipPatron | None) -> Hold:
        """Find the present state of a hold of ours. One that the system lists no more was cancelled by us, or filled,
        or has ended otherwise, which NCIP calls by no name. Where it lists none, it is open until we have ended it."""
        desk = self.desk
        hold = read_kept_hold(change).hold
        ended = await self._find_ending(change.record_id)
        if ended is not None:
            return replace(hold, status=ended)
        if not self._is_listed:
            return await self._infer_state(hold)
        patron = patron or await desk.ask_patron(change.patron_id)
        listed = patron.find_hold(hold.item_barcode, find_listed_number(change))
        if listed is None:
            filled = bool(hold.item_barcode) and patron.has_on_loan(hold.item_barcode)
            return replace(hold, status=HoldStatus.FILLED if filled else HoldStatus.EXPIRED)
        return await self._complete_hold(hold, listed)

    async def _complete_hold(self, hold: Hold, listed: ListedHold) -> Hold:
        """Complete a hold with what the list says; an item that is on its way to its patron is told by its own
        status."""
        barcode = hold.item_barcode or listed.barcode
        item = None
        if listed.status is HoldStatus.WAITING and barcode and self.desk.options.is_answered("LookupItem"):
            item = (await self.desk.ask_item(barcode)).item
        return _merge_listed(hold, listed, item)

    def complete_hold(self, hold: Hold, patron: NcipPatron | None, number: str, item: Item) -> Hold:
        """A hold that has just been placed together with its item. `patron` None: the system lists no holds."""
        listed = patron.find_hold(hold.item_barcode, number) if patron is not None else None
        if listed is None:
            return replace(hold, status=_STATUSES.get(item.status, hold.status))
        return _merge_listed(hold, listed, item)

    async def load_present_hold(self, hold_id: str) -> Hold:
        """Load the present state of a hold of ours. Raises Refused(UNKNOWN_REQUEST)."""
        placing, _hold = await self._load_hold(hold_id)
        if placing is None:
            raise make_refusal(RefusalReason.UNKNOWN_REQUEST)
        return await self._find_present_state(placing, None)

    async def _infer_state(self, hold: Hold) -> Hold:
        """Infer the state from the loan that has filled it, or the shelf on which its item lies."""
        if not hold.item_barcode:
            return hold
        changes = await self.desk.changes.changes_of_item(hold.item_barcode)
        lent = (change for change in changes if change.kind is ChangeKind.CHECK_OUT and change.ended is not None)
        if any(change.patron_id == hold.patron_id and change.begun >= hold.placed for change in lent):
            return replace(hold, status=HoldStatus.FILLED)
        if not self.desk.options.is_answered("LookupItem"):
            return hold
        item = (await self.desk.ask_item(hold.item_barcode)).item
        return replace(hold, status=_STATUSES.get(item.status, hold.status))

    async def _find_ending(self, hold_id: str) -> HoldStatus | None:
        changes = await self.desk.changes.changes_of_record(hold_id)
        return HoldStatus.CANCELLED if list_cancellations(changes) else None

    def _make_foreign_hold(self, patron_id: str, listed: ListedHold) -> Hold:
        name = listed.request_id or listed.barcode
        return Hold(
            id=f"{FOREIGN_PREFIX}{patron_id}:{name}",
            key="",
            request_id=listed.request_id,
            patron_id=patron_id,
            bib_id="",
            item_id=listed.barcode,
            pickup=listed.pickup,
            status=listed.status,
            placed=listed.placed or self.desk.now(),
            position=listed.position,
            ready_until=listed.ready_until,
            item_barcode=listed.barcode,
            title=listed.title,
        )

    # --- changes -----------------------------------------------------------------------------------------

    async def place_hold(self, wish: HoldWish, key: str) -> Hold:
        desk = self.desk
        pickup = choose_pickup(desk, wish.pickup)
        if wish.bib_id.startswith(RECORD_PREFIX):  # a record of which nothing but its item is known
            wish = replace(wish, item_barcode=wish.bib_id.removeprefix(RECORD_PREFIX), bib_id="")
        before = await desk.changes.find_change(ChangeKind.HOLD, key)
        if before is not None and before.ended is not None:
            return await self._find_present_state(before, None)
        patron, (draft, bib) = await ask_together(desk.ask_patron(wish.patron_id), self._draft_hold(wish, key, pickup))
        if before is not None:  # under the number by which the system may know it already
            draft = replace(draft, id=before.record_id)
        listed = patron.find_hold(draft.item_barcode, wish.request_id or draft.id)
        if listed is not None:
            if before is None:
                raise make_refusal(RefusalReason.DUPLICATE_REQUEST)
            hold = await self._complete_hold(read_kept_hold(before).hold, listed)
            return await self.end_placing(before, hold, listed.request_id)
        refuse_blocked(patron.patron, BlockScope.REQUEST, desk.today())
        if draft.item_barcode and await self._has_on_loan(patron, draft.item_barcode):
            raise make_refusal(RefusalReason.ON_LOAN_SAME_PATRON)
        records = self._choose_records(draft, bib)
        change = LibraryChange(
            kind=ChangeKind.HOLD,
            key=key,
            barcode=draft.item_barcode or draft.bib_id,
            patron_id=wish.patron_id,
            begun=draft.placed,
            request_id=wish.request_id,
            record_id=draft.id,
            value=write_kept_hold(draft, ""),
        )

        async def find_it_done() -> Hold | None:
            listed = (await desk.ask_patron(wish.patron_id)).find_hold(draft.item_barcode, find_listed_number(change))
            if listed is None:
                return None
            return await self.end_placing(change, await self._complete_hold(draft, listed), listed.request_id)

        async def send_request() -> RequestItemResponse:
            try:
                return await desk.client.change(RequestItemResponse, self._describe_request(draft, change, records))
            except Refused as refused:
                if refused.reason is RefusalReason.ITEM_DOES_NOT_CIRCULATE:
                    raise make_refusal(RefusalReason.NOT_ALLOWED, refused.internal) from refused
                raise

        try:
            sent = await desk.send_change(change, send_request, find_it_done, before=before)
        except Refused as refused:
            if before is not None and refused.reason is RefusalReason.DUPLICATE_REQUEST:
                return await self.end_placing(before, draft, "")  # the message whose answer was lost was carried out
            raise
        if isinstance(sent, Hold):
            return sent
        number = sent.request_id.value if sent.request_id is not None else ""
        if not draft.item_barcode and sent.item_id is not None and sent.item_id.value:
            draft = replace(draft, item_id=sent.item_id.value, item_barcode=sent.item_id.value)  # it has chosen a copy
        hold = await self._ask_position(draft, number or our_number_of_hold(change))
        return await self.end_placing(change, hold, number)

    async def _draft_hold(self, wish: HoldWish, key: str, pickup: str) -> tuple[Hold, Bib]:
        """Draft a hold with what is known of its record. Raises Refused(UNKNOWN_ITEM | NOT_ALLOWED)."""
        desk = self.desk
        draft = draft_hold(replace(wish, pickup=pickup), key, desk.now(), bib_id=wish.bib_id)
        hold = replace(draft, id=uuid4().hex, item_barcode="")
        if not wish.item_barcode:
            return hold, Bib(id=wish.bib_id)
        answer = await desk.ask_item(wish.item_barcode)
        item = answer.item
        if not item.circulates:
            raise make_refusal(RefusalReason.NOT_ALLOWED)
        placed = replace(
            hold,
            bib_id=item.bib_id,
            item_id=item.id,
            item_barcode=item.barcode,
            title=answer.bib.title,
            status=_STATUSES.get(item.status, HoldStatus.WAITING) if not item.hold_count else HoldStatus.WAITING,
            position=item.hold_count + 1,
        )
        return placed, answer.bib

    async def _has_on_loan(self, patron: NcipPatron, barcode: str) -> bool:
        """Tell a loan by the system's list, else by what we remember."""
        if "loans" in self.desk.options.patrons.lists:
            return patron.has_on_loan(barcode)
        lent = find_open_change(
            ChangeKind.CHECK_OUT, ChangeKind.CHECK_IN, await self.desk.changes.changes_of_item(barcode)
        )
        return lent is not None and lent.ended is not None and lent.patron_id == patron.patron.id

    def _choose_records(self, hold: Hold, bib: Bib) -> tuple[RecordId, ...]:
        """Choose what names the record in RequestItem. Raises Refused(UNSUPPORTED_SERVICE)."""
        options = self.desk.options
        codes = options.ncip.items.record_codes
        local = codes.get("local", "Accession Number")
        if not hold.item_barcode:
            return (RecordId(local, hold.bib_id),)
        if options.requests.item_as == "item":
            return ()
        if options.requests.item_as == "request":
            return (RecordId(local, ""),)
        ids = {identifier.type.lower(): identifier.value for identifier in bib.identifiers}
        if number := ids.get("local") or ids.get(local.lower()):
            return (RecordId(local, number),)
        if isbn := ids.get("isbn"):
            return (RecordId(codes.get("isbn", "ISBN"), isbn),)
        raise Refused(
            RefusalReason.UNSUPPORTED_SERVICE,
            "The library system takes holds by record number or ISBN only, and this item has neither.",
            about=MessagePart.ITEM,
        )

    def _describe_request(self, hold: Hold, change: LibraryChange, records: tuple[RecordId, ...]) -> MessageValues:
        options = self.desk.options
        of_item = bool(hold.item_barcode)
        by_request = of_item and options.requests.item_as == "request"
        return MessageValues(
            patron=hold.patron_id,
            items=(hold.item_barcode,) if of_item and not by_request else (),
            records=records,
            request=hold.item_barcode if by_request else our_number_of_hold(change),
            kind=options.requests.item_type if of_item else options.requests.title_type,
            scope=options.requests.item_scope if of_item else options.requests.title_scope,
            pickup=hold.pickup,
            need_by=hold.need_by,
            pickup_until=hold.expires,
        )

    async def _ask_position(self, hold: Hold, number: str) -> Hold:
        """Ask about a request, its state and place in the queue, where the system can be asked."""
        if not self.desk.options.is_answered("LookupRequest"):
            return hold
        answer = await self.desk.client.ask(LookupRequestResponse, MessageValues(request=number))
        status = self.desk.reader.read_hold_status(
            answer.request_status_type.value if answer.request_status_type is not None else ""
        )
        return replace(hold, status=status, position=answer.hold_queue_position or hold.position)

    async def end_placing(self, change: LibraryChange, hold: Hold, number: str) -> Hold:
        """`number`: by which the system knows it, empty where it has told none."""
        await self.desk.changes.end_change(replace(change, ended=self.desk.now(), value=write_kept_hold(hold, number)))
        return hold

    async def _end_hold(self, change: LibraryChange, hold: Hold) -> Hold:
        return await self.desk.end_change(change, hold)

    async def cancel_hold(self, wish: HoldCancellation, key: str) -> Hold:
        desk, hold_id = self.desk, wish.hold_id
        before = await desk.changes.find_change(ChangeKind.HOLD_CANCELLATION, key)
        if before is not None and before.ended is not None:
            return HOLD_JSON.validate_json(before.value)
        if await self._find_ending(hold_id) is not None:
            raise make_refusal(RefusalReason.REQUEST_CLOSED)
        placing, hold = await self._load_hold(hold_id)
        number = find_listed_number(placing) if placing is not None else hold.request_id
        cancelled = replace(hold, status=HoldStatus.CANCELLED)
        change = self._describe_change(ChangeKind.HOLD_CANCELLATION, key, cancelled)
        if await self._is_gone(hold, number):
            if before is not None:
                return await self._end_hold(before, cancelled)
            raise make_refusal(RefusalReason.REQUEST_CLOSED)
        values = MessageValues(
            patron=hold.patron_id,
            request=self._choose_number(placing) if placing is not None else number,
            items=(hold.item_barcode,) if hold.item_barcode else (),
            scope=desk.options.requests.item_scope if hold.item_barcode else desk.options.requests.title_scope,
        )

        async def find_it_done() -> Hold | None:
            return await self._end_hold(change, cancelled) if await self._is_gone(hold, number) else None

        try:
            sent = await desk.send_change(
                change,
                lambda: desk.client.change(CancelRequestItemResponse, values),
                find_it_done,
                before=before,
            )
        except Refused as refused:
            over = (RefusalReason.UNKNOWN_REQUEST, RefusalReason.REQUEST_CLOSED)
            if before is not None and refused.reason in over:
                return await self._end_hold(before, cancelled)
            raise
        return sent if isinstance(sent, Hold) else await self._end_hold(change, cancelled)

    async def _is_gone(self, hold: Hold, number: str) -> bool:
        """Return whether the system lists it no more; no where it lists none."""
        if not self._is_listed:
            return False
        return (await self.desk.ask_patron(hold.patron_id)).find_hold(hold.item_barcode, number) is None

    async def update_hold(self, edit: HoldUpdate, key: str) -> Hold:
        """Update a hold; sent again after an unknown outcome: to set the same once more changes nothing."""
        desk, hold_id = self.desk, edit.hold_id
        pickup = choose_pickup(desk, edit.pickup) if edit.pickup is not None else None
        before = await desk.changes.find_change(ChangeKind.HOLD_UPDATE, key)
        if before is not None and before.ended is not None:
            return HOLD_JSON.validate_json(before.value)
        if await self._find_ending(hold_id) is not None:
            raise make_refusal(RefusalReason.REQUEST_CLOSED)
        placing, hold = await self._load_hold(hold_id)
        changed = edit_hold(hold, edit, pickup)
        change = self._describe_change(ChangeKind.HOLD_UPDATE, key, changed)
        values = MessageValues(
            patron=hold.patron_id,
            request=self._choose_number(placing) if placing is not None else hold.request_id,
            items=(hold.item_barcode,) if hold.item_barcode else (),
            kind=desk.options.requests.item_type,
            pickup=changed.pickup,
            need_by=changed.need_by,
            pickup_until=changed.expires,
        )

        async def find_it_done() -> Hold | None:
            return None  # no list tells all of it

        sent = await desk.send_change(
            change,
            lambda: desk.client.change(UpdateRequestItemResponse, values),
            find_it_done,
            before=before,
        )
        if isinstance(sent, Hold):
            return sent
        if placing is not None:
            await self.end_placing(placing, changed, read_kept_hold(placing).number)
        return await self._end_hold(change, changed)

    def _choose_number(self, placing: LibraryChange) -> str:
        """Choose the number by which the system is to find it: its own, else ours where it keeps that. A system with
        numbers of its own could take ours for the number of another patron's hold.

        Raises Refused(UNSUPPORTED_SERVICE).
        """
        number = read_kept_hold(placing).number
        if number or self.desk.options.requests.numbers == "ours":
            return number or our_number_of_hold(placing)
        raise Refused(
            RefusalReason.UNSUPPORTED_SERVICE,
            "The library system gave no number for this hold. Cancel or change it in the library system.",
            about=MessagePart.REQUEST,
        )

    def _describe_change(self, kind: ChangeKind, key: str, hold: Hold) -> LibraryChange:
        return replace(make_hold_change(kind, hold, key, self.desk.now()), barcode=hold.item_barcode or hold.bib_id)

    async def _load_hold(self, hold_id: str) -> tuple[LibraryChange | None, Hold]:
        """Load a hold as it was when we placed it; of another's what its number says. Raises
        Refused(UNKNOWN_REQUEST)."""
        changes = await self.desk.changes.changes_of_record(hold_id)
        placing = next((change for change in changes if change.kind is ChangeKind.HOLD), None)
        if placing is not None:
            return placing, read_kept_hold(placing).hold
        patron_id, colon, name = hold_id.removeprefix(FOREIGN_PREFIX).rpartition(":")
        if not hold_id.startswith(FOREIGN_PREFIX) or not (patron_id and colon and name):
            raise make_refusal(RefusalReason.UNKNOWN_REQUEST)
        answer = await self.desk.ask_patron(patron_id)
        listed = answer.find_hold(name, name)
        if listed is None:
            raise make_refusal(RefusalReason.REQUEST_CLOSED)
        return None, self._make_foreign_hold(patron_id, listed)


def our_number_of_hold(change: LibraryChange) -> str:
    """Return the number that we send when we place it: the partner's, else one of ours."""
    return change.request_id or change.record_id


def find_listed_number(change: LibraryChange) -> str:
    """Find the number under which the system lists a request of ours, as far as we know."""
    return read_kept_hold(change).number or our_number_of_hold(change)


def list_open_holds(changes: tuple[LibraryChange, ...]) -> tuple[LibraryChange, ...]:
    """Those that were placed and not cancelled by us. `changes`: newest first."""
    over = {change.record_id for change in list_cancellations(changes)}
    placed = (change for change in changes if change.kind is ChangeKind.HOLD and change.value)
    return tuple(change for change in placed if change.record_id not in over)


def _merge_listed(hold: Hold, listed: ListedHold, item: Item | None) -> Hold:
    status = listed.status
    if status is HoldStatus.WAITING and item is not None:
        status = _STATUSES.get(item.status, status)
    return replace(
        hold,
        status=status,
        position=listed.position or hold.position,
        ready_until=listed.ready_until if status is HoldStatus.READY else hold.ready_until,
    )


def _select_matching_holds(answer: NcipPatron, barcode: str, number: str) -> tuple[ListedHold, ...]:
    hold = answer.find_hold(barcode, number)
    return (hold,) if hold is not None else ()


def choose_pickup(desk: NcipDesk, wanted: str) -> str:
    """Choose the pickup location; raises Refused(BAD_PICKUP_LOCATION)."""
    pickups = desk.options.pickups
    if not pickups or wanted in {pickup.code for pickup in pickups}:
        return wanted
    if wanted:
        raise make_refusal(RefusalReason.BAD_PICKUP_LOCATION, about=MessagePart.PICKUP_LOCATION)
    return next((pickup.code for pickup in pickups if pickup.resource_sharing), pickups[0].code)
