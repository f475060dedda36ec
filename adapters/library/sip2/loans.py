"""Check-out, check-in and renewal on a SIP2 system, each at most once (see `changes`)."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from uuid import uuid4

import structlog

from adapters.library.change_sending import (
    CHECKED_IN_JSON,
    LOAN_JSON,
    find_open_change,
    make_check_in_change,
    make_loan_change,
    write_checked_in,
)
from adapters.library.own_loans import (
    end_loan_change,
    find_latest_loan,
    make_loan,
    name_borrower,
    refuse_trapping,
    refuse_where_in_place,
    refuse_where_lent_since,
)
from adapters.library.refusals import RENEWAL_REASONS, make_refusal, refuse_blocked
from adapters.library.sip2.changes import end_session, send_message, send_query
from adapters.library.sip2.client import Sip2Conversation
from adapters.library.sip2.codec import Sip2Reply
from adapters.library.sip2.holds import Sip2HoldDesk
from adapters.library.sip2.lookups import Sip2Desk, Sip2Item
from adapters.library.sip2.reasons import find_reason_of_message, refusal_of_message
from gateway.domain.library import BlockScope, Item, ItemStatus, Loan, Location, is_due_later
from gateway.domain.problems import RefusalReason, Refused, Unavailable
from gateway.domain.value import replace, value_object
from gateway.ports.library_changes import ChangeKind, LibraryChange
from gateway.ports.library_operations import LoanCheckIn, LoanCheckOut, Renewal
from gateway.ports.library_system import CheckedIn

log = structlog.get_logger(component="sip2")


@value_object
class Sip2LoanDesk:
    desk: Sip2Desk
    holds: Sip2HoldDesk

    # --- check-out ---------------------------------------------------------------------------------------

    async def check_out(self, wish: LoanCheckOut, key: str) -> Loan:
        """`wish.due` is sent only where `override` is sent as no-block: else the library's own rules set it."""
        desk, barcode = self.desk, wish.barcode
        before = await desk.changes.find_change(ChangeKind.CHECK_OUT, key)
        async with desk.client.open_conversation() as talk:
            patron = await desk.require_patron(talk, wish.patron_id)
            answer = await desk.require_item(talk, barcode)
            is_listed = before is not None and await desk.has_on_loan(talk, patron.id, barcode)
            if answer.is_charged or is_listed:  # some systems call the status of all items "other"
                return await self._find_repeated_loan(talk, answer, patron.id, before)
            if not wish.override:
                refuse_blocked(patron, BlockScope.BORROW, desk.today())
                if not answer.item.circulates:
                    raise make_refusal(RefusalReason.ITEM_DOES_NOT_CIRCULATE)
            change = LibraryChange(
                ChangeKind.CHECK_OUT, key, barcode, patron.id, desk.now(), wish.request_id, record_id=uuid4().hex
            )
            no_block = wish.override and desk.options.override == "no-block"
            query = desk.writer.check_out(patron.id, barcode, desk.now(), due=wish.due, no_block=no_block)

            async def find_it_done() -> Loan | None:
                if not await desk.has_on_loan(talk, patron.id, barcode):
                    return None
                return await self._end_check_out(change, await desk.require_item(talk, barcode))

            sent = await send_message(desk, talk, change, query, find_it_done, before=before)
            if isinstance(sent, Loan):
                return sent
            item = replace(answer.item, due=await self._read_due(talk, sent, barcode))
            loan = await self._end_check_out(change, replace(answer, item=item))
            await end_session(desk, talk, patron.id)
            return loan

    async def _find_repeated_loan(
        self, talk: Sip2Conversation, answer: Sip2Item, patron_id: str, before: LibraryChange | None
    ) -> Loan:
        """The item is on loan: under this key to this patron it is the same loan. Raises Refused."""
        desk, barcode = self.desk, answer.item.barcode
        is_mine = answer.borrower == patron_id or await desk.has_on_loan(talk, patron_id, barcode)
        if not is_mine:
            raise make_refusal(RefusalReason.ITEM_ON_LOAN)
        open_one = find_open_change(
            ChangeKind.CHECK_OUT, ChangeKind.CHECK_IN, await desk.changes.changes_of_item(barcode)
        )
        if before is None or open_one is None or open_one.key != before.key:
            raise make_refusal(RefusalReason.ON_LOAN_SAME_PATRON)
        if before.ended is None:
            return await self._end_check_out(before, answer)
        return desk.restore_loan(before, answer)

    async def _end_check_out(self, change: LibraryChange, answer: Sip2Item) -> Loan:
        return await self.desk.end_change(change, make_loan(change, answer.item, answer.item.due, answer.title))

    async def _read_due(self, talk: Sip2Conversation, reply: Sip2Reply, barcode: str) -> datetime | None:
        """Read the date of an answer that grants, else of the item. What is granted stays so, though nobody can read
        its date."""
        desk, text = self.desk, reply.first("AH")
        due = desk.reader.parse_due(text)
        if due is not None:
            return due
        try:
            answer = await desk.ask_item(talk, barcode)
        except Unavailable as down:
            log.info("sip2.due_date_not_asked", reason=str(down))
            answer = None
        if answer is not None and answer.item.due is not None:
            return answer.item.due
        log.warning("sip2.due_date_unread", text=text)
        return None

    # --- check-in ----------------------------------------------------------------------------------------

    async def check_in(self, wish: LoanCheckIn, key: str) -> CheckedIn:
        desk, barcode, fill_hold = self.desk, wish.barcode, wish.fill_hold
        place = wish.at or desk.options.resource_sharing_place
        before = await desk.changes.find_change(ChangeKind.CHECK_IN, key)
        changes = await desk.changes.changes_of_item(barcode)
        async with desk.client.open_conversation() as talk:
            try:
                answer = await desk.require_item(talk, barcode)
            except Refused as refused:
                is_deleted_since = before is not None and before.ended and refused.reason is RefusalReason.UNKNOWN_ITEM
                if before is None or not is_deleted_since:
                    raise
                return await self._read_ended_check_in(talk, before)
            if before is not None and not answer.is_charged:
                return await self._repeat_check_in(talk, before, answer, changes)
            loan = await desk.find_loan(talk, answer, changes)
            refuse_where_in_place(answer.item, place, fill_hold=fill_hold)
            if not fill_hold and answer.item.hold_count:
                refuse_trapping()
            change = make_check_in_change(answer.item, loan, key, desk.now())

            async def find_it_done() -> CheckedIn | None:
                item_answer = await desk.require_item(talk, barcode)
                if item_answer.item.status is answer.item.status:
                    return None
                return await self._end_check_in(talk, change, item_answer, None)

            query = desk.writer.check_in(barcode, place, desk.now())
            sent = await desk.send_change(change, partial(send_query, talk, query), find_it_done, before=before)
            if isinstance(sent, CheckedIn):
                return sent
            after = await desk.require_item(talk, barcode)
            is_done = after.item.status is not answer.item.status or (sent.fixed["ok"] == "1" and not after.is_charged)
            if not is_done:  # a look alone tells, so it is dropped here
                await desk.changes.drop_change(change.kind, change.key)
                if answer.is_charged:
                    raise refusal_of_message(sent.screen_message, desk.options.reasons)
                raise make_refusal(RefusalReason.NOT_CHECKED_OUT, sent.screen_message)
            return await self._end_check_in(talk, change, after, sent)

    async def _repeat_check_in(
        self, talk: Sip2Conversation, before: LibraryChange, answer: Sip2Item, changes: tuple[LibraryChange, ...]
    ) -> CheckedIn:
        """Return what this key did, if it ended the item's latest loan. Raises Refused(NOT_CHECKED_OUT)."""
        if before.ended is None:
            return await self._end_check_in(talk, before, answer, None)
        refuse_where_lent_since(before, find_latest_loan(changes))
        return await self._read_ended_check_in(talk, before)

    async def _read_ended_check_in(self, talk: Sip2Conversation, before: LibraryChange) -> CheckedIn:
        done = CHECKED_IN_JSON.validate_json(before.value)
        patron = await self.desk.require_patron(talk, before.patron_id) if before.patron_id else None
        return replace(done, patron=patron, repeated=True)

    async def _end_check_in(
        self, talk: Sip2Conversation, change: LibraryChange, after: Sip2Item, reply: Sip2Reply | None
    ) -> CheckedIn:
        """`reply` None: it was lost."""
        desk, item = self.desk, after.item
        begun = CHECKED_IN_JSON.validate_json(change.value)
        loan = replace(begun.loan, returned=change.begun) if begun.loan is not None else None
        caught = item.status in (ItemStatus.ON_HOLD_SHELF, ItemStatus.IN_TRANSIT)
        waiting = await self.holds.list_item_holds(talk, after) if caught and item.hold_count else ()
        for_patron = reply.first("CY") if reply is not None else ""
        next_hold = next((hold for hold in waiting if for_patron in ("", hold.patron_id)), None)
        done = CheckedIn(item, loan, None, next_hold, _read_destination(item, reply))
        await desk.changes.end_change(replace(change, ended=desk.now(), value=write_checked_in(done)))
        patron = await desk.require_patron(talk, change.patron_id) if change.patron_id else None
        return replace(done, patron=patron)

    # --- renewal -----------------------------------------------------------------------------------------

    async def renew_loan(self, wish: Renewal, key: str) -> Loan:
        desk, barcode = self.desk, wish.barcode
        before = await desk.changes.find_change(ChangeKind.RENEWAL, key)
        changes = await desk.changes.changes_of_item(barcode)
        async with desk.client.open_conversation() as talk:
            answer = await desk.require_item(talk, barcode)
            loan = await desk.find_loan(talk, answer, changes)
            if loan is None:
                raise make_refusal(RefusalReason.NOT_CHECKED_OUT)
            is_known = bool(loan.patron_id)
            loan = name_borrower(loan, wish.patron_id)
            if not is_known and not await desk.has_on_loan(talk, loan.patron_id, barcode):
                raise make_refusal(RefusalReason.NOT_CHECKED_OUT)
            if before is not None and before.record_id == loan.id:
                if before.ended is not None:
                    return LOAN_JSON.validate_json(before.value)
                if is_due_later(loan.due, LOAN_JSON.validate_json(before.value).due):
                    return await self._end_renewal(before, loan.due, changes)
            change = make_loan_change(ChangeKind.RENEWAL, loan, barcode, key, desk.now())

            async def find_it_done() -> Loan | None:
                due = (await desk.require_item(talk, barcode)).item.due
                return await self._end_renewal(change, due, changes) if is_due_later(due, loan.due) else None

            query = desk.writer.renew(loan.patron_id, barcode, desk.now())
            refuse = partial(self._refuse_renewal, answer.item)
            sent = await send_message(desk, talk, change, query, find_it_done, before=before, refuse=refuse)
            if isinstance(sent, Loan):
                return sent
            renewed = await self._end_renewal(change, await self._read_due(talk, sent, barcode), changes)
            await end_session(desk, talk, loan.patron_id)
            return renewed

    def _refuse_renewal(self, item: Item, reply: Sip2Reply) -> Refused:
        reason = find_reason_of_message(reply.screen_message, self.desk.options.reasons)
        if reason is RefusalReason.OTHER:
            reason = RefusalReason.RENEWAL_HAS_REQUESTS if item.hold_count else RefusalReason.NOT_RENEWABLE
        return make_refusal(RENEWAL_REASONS.get(reason, reason), reply.screen_message)

    async def _end_renewal(self, change: LibraryChange, due: datetime | None, known: tuple[LibraryChange, ...]) -> Loan:
        loan = LOAN_JSON.validate_json(change.value)
        return await end_loan_change(self.desk, change, replace(loan, due=due, renewals=loan.renewals + 1), known)


def _read_destination(item: Item, reply: Sip2Reply | None) -> Location | None:
    """Read where the item has to travel (CT), else home."""
    if item.status is not ItemStatus.IN_TRANSIT:
        return None
    named = reply.first("CT") if reply is not None else ""
    return Location(named) if named else item.home
