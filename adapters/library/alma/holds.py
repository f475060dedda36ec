"""Requests of Alma of type HOLD: placed, found and cancelled, each at most once."""

from __future__ import annotations

from dataclasses import replace

from adapters.library.alma.client import AlmaRefusalError
from adapters.library.alma.lookups import AlmaDesk, ItemAnswer
from adapters.library.alma.pickup_list import PickupList
from adapters.library.alma.reasons import refusal_of_answer
from adapters.library.alma.records import Row, is_hold, make_comment, make_mark, read_row, read_text, split_id
from adapters.library.change_sending import HOLD_JSON, send_change
from adapters.library.parallel_questions import ask_together
from adapters.library.refusals import make_refusal, refuse_blocked
from gateway.domain.library import BlockScope, Hold, HoldStatus
from gateway.domain.problems import OutcomeUnknown, RefusalReason, Refused
from gateway.domain.value import value_object
from gateway.ports.library_changes import ChangeKind, LibraryChange
from gateway.ports.library_system import HoldWish

_TITLE = "/users/{user_id}/requests/{request_id}"


@value_object
class HoldDesk:
    desk: AlmaDesk
    pickups: PickupList

    # --- placing -----------------------------------------------------------------------------------------

    async def place_hold(self, wish: HoldWish, key: str) -> Hold:
        desk = self.desk
        before, (bib_id, answer), patron, pickup = await ask_together(
            desk.changes.find_change(ChangeKind.HOLD, key),
            self._find_target(wish),
            desk.require_patron(wish.patron_id),
            self.pickups.choose(wish.pickup),
        )
        if before is not None:
            if before.ended is not None:
                return await self._find_present_state(before)
            if (done := await self._find_marked(patron.id, key)) is not None:
                return await self._end_hold(before, done, HOLD_JSON.validate_json(before.value))
        refuse_blocked(patron, BlockScope.REQUEST, desk.today())
        if answer is not None:
            self._refuse_item(answer, patron.id)
        wished = Hold(
            id="",
            key=key,
            request_id=wish.request_id,
            patron_id=patron.id,
            bib_id=bib_id,
            item_id=wish.item_barcode,
            pickup=pickup,
            status=HoldStatus.WAITING,
            placed=desk.now(),
            kind=wish.kind,
            need_by=wish.need_by,
            expires=wish.expires,
            item_barcode=wish.item_barcode,
        )
        change = LibraryChange(
            kind=ChangeKind.HOLD,
            key=key,
            barcode=wish.item_barcode,
            patron_id=patron.id,
            begun=wished.placed,
            request_id=wish.request_id,
            value=HOLD_JSON.dump_json(wished).decode(),
        )
        number = f"ILL {wish.request_id}" if wish.request_id else ""
        row = {
            "request_type": "HOLD",
            "pickup_location_type": "LIBRARY",
            "pickup_location_library": pickup,
            **({"last_interest_date": f"{wish.expires.isoformat()}Z"} if wish.expires is not None else {}),
            "comment": make_comment(number, wish.note, make_mark(key)),
        }
        query = (
            {"item_pid": read_text(read_row(answer.row, "item_data"), "pid")}
            if answer is not None
            else {"mms_id": bib_id}
        )

        async def send_hold() -> Row:
            path = ("users", patron.id, "requests")
            try:
                made = await desk.client.send_row(
                    "POST", *path, title="/users/{user_id}/requests", row=row, query=query
                )
            except AlmaRefusalError as refusal:
                raise refusal_of_answer(refusal, desk.options.reasons) from refusal
            if "request_id" not in made:
                raise OutcomeUnknown("Alma: an answer without the request")
            return made

        async def find_made_hold() -> Row | None:
            return await self._find_marked(patron.id, key)

        sent = await send_change(desk.changes, change, send_hold, find_made_hold, before=before)
        return await self._end_hold(change, sent, wished)

    async def _find_target(self, wish: HoldWish) -> tuple[str, ItemAnswer | None]:
        """The record and, unless any copy will do, the item. Raises Refused(UNKNOWN_ITEM | UNKNOWN_RECORD)."""
        if wish.item_barcode:
            answer = await self.desk.require_item(wish.item_barcode)
            return answer.item.bib_id, answer
        return (await self.desk.require_bib(wish.bib_id)).id, None

    @staticmethod
    def _refuse_item(answer: ItemAnswer, patron_id: str) -> None:
        """What Alma would refuse with fewer words. Raises Refused."""
        if any(
            read_text(hold, "user_primary_id") == patron_id and read_text(hold, "barcode") == answer.item.barcode
            for hold in answer.holds
        ):
            raise make_refusal(RefusalReason.DUPLICATE_REQUEST)
        if answer.loan is not None and read_text(answer.loan, "user_id") == patron_id:
            raise make_refusal(RefusalReason.ON_LOAN_SAME_PATRON)
        if not answer.item.circulates:
            raise make_refusal(RefusalReason.NOT_ALLOWED)

    async def _find_marked(self, patron_id: str, key: str) -> Row | None:
        mark = make_mark(key)
        rows = await self.desk.ask_hold_rows(patron_id)
        return next((row for row in rows or () if mark in read_text(row, "comment").split()), None)

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
        value = HOLD_JSON.dump_json(hold).decode()
        await desk.changes.end_change(replace(change, record_id=hold.id, ended=desk.now(), value=value))
        return hold

    # --- finding -----------------------------------------------------------------------------------------

    async def find_hold(self, request_id: str) -> Hold:
        """Raises Refused(UNKNOWN_REQUEST | AMBIGUOUS_REQUEST), Unavailable."""
        changes = await self.desk.changes.changes_of_request(request_id) if request_id else ()
        placed = [one for one in changes if one.kind is ChangeKind.HOLD and one.ended is not None]
        if not placed:
            raise make_refusal(RefusalReason.UNKNOWN_REQUEST)
        found = await ask_together(*map(self._find_present_state, placed))
        open_ones = [hold for hold in found if hold.status.is_open]
        if len(open_ones) > 1:
            raise make_refusal(RefusalReason.AMBIGUOUS_REQUEST)
        return (open_ones or found)[0]

    async def _find_present_state(self, change: LibraryChange) -> Hold:
        """Of a hold of ours. One that Alma lists no more was cancelled by us, or filled, or has ended otherwise."""
        desk = self.desk
        hold = HOLD_JSON.validate_json(change.value)
        row, changes = await ask_together(
            self._ask_hold_row(change.record_id), desk.changes.changes_of_record(change.record_id)
        )
        if row is not None:
            return desk.restore_hold(desk.reader.read_hold(row), (change,))
        if any(one.kind is ChangeKind.HOLD_CANCELLATION and one.ended is not None for one in changes):
            return replace(hold, status=HoldStatus.CANCELLED)
        loans = await desk.list_patron_loans(hold.patron_id)
        is_filled = any(
            loan.item_id == hold.item_id or (not hold.item_id and loan.bib_id == hold.bib_id) for loan in loans
        )
        return replace(hold, status=HoldStatus.FILLED if is_filled else HoldStatus.EXPIRED)

    async def _ask_hold_row(self, hold_id: str) -> Row | None:
        """None: there is no such open hold. Raises Unavailable."""
        found = split_id(hold_id)
        if found is None:
            return None
        number, user = found
        row = await self.desk.client.get_row("users", user, "requests", number, title=_TITLE)
        return row if row is not None and is_hold(row) else None

    # --- cancelling --------------------------------------------------------------------------------------

    async def cancel_hold(self, hold_id: str, key: str) -> Hold:
        desk = self.desk
        before = await desk.changes.find_change(ChangeKind.HOLD_CANCELLATION, key)
        if before is not None and before.ended is not None:
            return HOLD_JSON.validate_json(before.value)
        try:
            hold = await self._require_open(hold_id)
        except Refused:
            if before is None:
                raise
            return await self._end_cancellation(before, HOLD_JSON.validate_json(before.value))  # it was, after all
        cancelled = replace(hold, status=HoldStatus.CANCELLED)
        change = LibraryChange(
            kind=ChangeKind.HOLD_CANCELLATION,
            key=key,
            barcode=hold.item_barcode,
            patron_id=hold.patron_id,
            begun=desk.now(),
            request_id=hold.request_id,
            record_id=hold.id,
            value=HOLD_JSON.dump_json(cancelled).decode(),
        )
        number, user = hold.id.split(":", 1)

        async def send_cancellation() -> Hold:
            query = {"reason": desk.options.cancel_reason, "notify_user": "false"}
            try:
                await desk.client.delete_row("users", user, "requests", number, title=_TITLE, query=query)
            except AlmaRefusalError as refusal:
                if not refusal.is_about_nothing:
                    raise refusal_of_answer(refusal, desk.options.reasons) from refusal
            return cancelled

        async def find_hold_gone() -> Hold | None:
            return cancelled if await self._ask_hold_row(hold_id) is None else None

        sent = await send_change(desk.changes, change, send_cancellation, find_hold_gone, before=before)
        return await self._end_cancellation(change, sent)

    async def _require_open(self, hold_id: str) -> Hold:
        """Raises Refused(UNKNOWN_REQUEST | REQUEST_CLOSED), Unavailable."""
        row, changes = await ask_together(self._ask_hold_row(hold_id), self.desk.changes.changes_of_record(hold_id))
        if row is None:
            known = any(one.kind is ChangeKind.HOLD for one in changes)
            raise make_refusal(RefusalReason.REQUEST_CLOSED if known else RefusalReason.UNKNOWN_REQUEST)
        return self.desk.restore_hold(self.desk.reader.read_hold(row), changes)

    async def _end_cancellation(self, change: LibraryChange, hold: Hold) -> Hold:
        await self.desk.changes.end_change(replace(change, ended=self.desk.now()))
        return hold
