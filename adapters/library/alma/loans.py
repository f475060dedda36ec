"""Lending, taking back and renewing in Alma, each at most once (see `adapters.library.change_sending`).

A due date is given by a second call; until it was made, the change is unfinished. The return is a scan at a desk.
"""

from __future__ import annotations

from datetime import datetime

from adapters.library.alma.client import AlmaRefusalError
from adapters.library.alma.lookups import AlmaDesk, AlmaItem
from adapters.library.alma.reasons import refusal_of_answer, refusal_of_renewal
from adapters.library.alma.records import read_item_status, read_row, read_text, split_id, write_moment
from adapters.library.change_sending import CHECKED_IN_JSON, LOAN_JSON, make_check_in_change, make_loan_change
from adapters.library.json_fields import Row
from adapters.library.own_loans import (
    choose_renewed_due,
    find_latest_loan,
    find_request_of_item,
    refuse_where_lent_since,
)
from adapters.library.parallel_questions import ask_together
from adapters.library.refusals import make_refusal, refuse_blocked
from gateway.domain.library import BlockScope, Hold, HoldStatus, ItemStatus, Loan, Location, Patron
from gateway.domain.problems import OutcomeUnknown, RefusalReason
from gateway.domain.sentences import write_about, write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.library_changes import ChangeKind, LibraryChange
from gateway.ports.library_operations import DueDateChange, LoanCheckIn, LoanCheckOut, Renewal, refuse_unsupported
from gateway.ports.library_system import CheckedIn

RENEWED = "renewed successfully"
_LOAN_TITLE = "/users/{user_id}/loans/{loan_id}"
_LENDABLE = frozenset({ItemStatus.AVAILABLE, ItemStatus.ON_HOLD_SHELF, ItemStatus.IN_TRANSIT})


@value_object
class AlmaLoanDesk:
    desk: AlmaDesk

    # --- check-out ---------------------------------------------------------------------------------------

    async def check_out(self, wish: LoanCheckOut, key: str) -> Loan:
        """Blocks, limits and policies of Alma stop also what has left already."""
        desk, barcode = self.desk, wish.barcode
        before, answer, patron = await ask_together(
            desk.changes.find_change(ChangeKind.CHECK_OUT, key),
            desk.require_item(barcode),
            desk.require_patron(wish.patron_id),
        )
        if answer.loan is not None:
            return await self._find_repeated_loan(answer.loan, patron.id, before, wish.due)
        self._refuse_loan(answer, patron)
        request_id = wish.request_id or await find_request_of_item(desk.changes, answer.item)
        change = LibraryChange(ChangeKind.CHECK_OUT, key, barcode, patron.id, desk.now(), request_id)
        library, circulation_desk = desk.options.find_desk("")
        row = {"circ_desk": {"value": circulation_desk}, "library": {"value": library}}

        async def send_loan() -> Row:
            path, query = ("users", patron.id, "loans"), {"item_barcode": barcode}
            made = await desk.client.send_row("POST", *path, title="/users/{user_id}/loans", row=row, query=query)
            return _require_loan(made)

        async def find_made_loan() -> Row | None:
            now = await desk.require_item(barcode)
            return now.loan if now.loan is not None and read_text(now.loan, "user_id") == patron.id else None

        sent = await desk.send_change(change, send_loan, find_made_loan, before=before, is_refused_twice=True)
        return await self._end_check_out(change, sent, wish.due)

    def _refuse_loan(self, answer: AlmaItem, patron: Patron) -> None:
        """Refuse what Alma would refuse with fewer words, or let pass. Raises Refused."""
        refuse_blocked(patron, BlockScope.BORROW, self.desk.today())
        if not answer.item.circulates:
            raise make_refusal(RefusalReason.ITEM_DOES_NOT_CIRCULATE)
        if answer.item.status not in _LENDABLE:
            raise make_refusal(RefusalReason.ITEM_NOT_AVAILABLE)
        if answer.holds and all(read_text(hold, "user_primary_id") != patron.id for hold in answer.holds):
            raise make_refusal(RefusalReason.REQUESTED_BY_OTHER)

    async def _find_repeated_loan(
        self, row: Row, patron_id: str, before: LibraryChange | None, due: datetime | None
    ) -> Loan:
        """The item is on loan: under this key to this patron it is the same loan. Raises Refused."""
        loan = await self.desk.read_loan(row)
        if loan.patron_id != patron_id:
            raise make_refusal(RefusalReason.ITEM_ON_LOAN)
        if before is None or before.record_id not in ("", loan.id):
            raise make_refusal(RefusalReason.ON_LOAN_SAME_PATRON)
        if before.ended is None:
            if loan.key not in ("", before.key):  # lent under another key since
                raise make_refusal(RefusalReason.ON_LOAN_SAME_PATRON)
            return await self._end_check_out(before, row, due)
        return loan

    async def _end_check_out(self, change: LibraryChange, row: Row, due: datetime | None) -> Loan:
        desk = self.desk
        loan = desk.reader.read_loan(row)
        named = replace(change, record_id=loan.id)
        if due is not None and loan.due != due:
            await desk.changes.begin_change(named)
            loan = await self._change_due_date(loan, due)
        loan = replace(loan, key=change.key, request_id=change.request_id)
        return await desk.end_change(named, loan)

    # --- due date ----------------------------------------------------------------------------------------

    async def set_due_date(self, wish: DueDateChange, _key: str) -> Loan:
        """Set a due date; raises Refused(NOT_CHECKED_OUT | INVALID_VALUE), Unavailable, OutcomeUnknown."""
        row = await self._require_loan_row(wish.loan_id)
        loan = await self.desk.read_loan(row)
        return await self._change_due_date(loan, wish.due) if loan.due != wish.due else loan

    async def _require_loan_row(self, loan_id: str) -> Row:
        ids = split_id(loan_id)
        if ids is None:
            raise make_refusal(RefusalReason.NOT_CHECKED_OUT)
        number, user = ids
        row = await self.desk.client.get_row("users", user, "loans", number, title=_LOAN_TITLE)
        if row is None or read_text(row, "loan_status").upper() == "COMPLETE":
            raise make_refusal(RefusalReason.NOT_CHECKED_OUT)
        return row

    async def _change_due_date(self, loan: Loan, due: datetime) -> Loan:
        """Change a due date; to set the same once more changes nothing."""
        moment = due.replace(microsecond=0)
        number, user = loan.id.split(":", 1)
        path, row = ("users", user, "loans", number), {"due_date": write_moment(moment)}
        try:
            await self.desk.client.send_row("PUT", *path, title=_LOAN_TITLE, row=row, query={"notify_user": "false"})
        except AlmaRefusalError as refusal:
            raise refusal_of_answer(refusal, self.desk.options.reasons) from refusal
        except OutcomeUnknown:
            if self.desk.reader.read_loan(await self._require_loan_row(loan.id)).due != moment:
                raise
        return replace(loan, due=moment)

    # --- check-in ----------------------------------------------------------------------------------------

    async def check_in(self, wish: LoanCheckIn, key: str) -> CheckedIn:
        desk, barcode = self.desk, wish.barcode
        before, answer = await ask_together(desk.changes.find_change(ChangeKind.CHECK_IN, key), desk.ask_item(barcode))
        if before is not None and (answer is None or answer.loan is None):
            repeated = await self._repeat_check_in(before, answer)
            if repeated is not None:
                return repeated
        if answer is None:
            raise make_refusal(RefusalReason.UNKNOWN_ITEM)
        library, circulation_desk = desk.options.find_desk(wish.at)
        is_in_place = answer.item.status is ItemStatus.AVAILABLE and answer.item.current.library == library
        if is_in_place and not (wish.fill_hold and answer.holds):
            raise make_refusal(RefusalReason.NOT_CHECKED_OUT)
        if not wish.fill_hold and answer.holds:
            refuse_unsupported("take back an item without keeping it for who waits for it")
        loan = await desk.read_loan(answer.loan) if answer.loan is not None else None
        change = make_check_in_change(answer.item, loan, key, desk.now())

        async def send_scan() -> Row:
            query = desk.options.make_scan_query(library, circulation_desk)
            title = "/bibs/{mms_id}/holdings/{holding_id}/items/{item_pid}"
            return await desk.client.send_row("POST", *answer.path, title=title, row={}, query=query)

        async def find_scan_done() -> Row | None:
            now = await desk.require_item(barcode)
            return now.row if read_item_status(now.row) is not answer.item.status else None

        scanned = await desk.send_change(change, send_scan, find_scan_done, before=before)
        if "item_data" not in scanned:
            raise OutcomeUnknown(write_sentence("Alma's answer to a return does not state where the item is now"))
        return await self._end_check_in(change, await self._read_scanned(answer, scanned))

    async def _read_scanned(self, before: AlmaItem, row: Row) -> AlmaItem:
        """The scan has ended the loan. Only where somebody waited and it did not stay in its place have the requests
        changed."""
        holds = before.holds
        if holds and read_item_status(row) is not ItemStatus.AVAILABLE:
            holds = await self.desk.ask_item_holds(row)
        return AlmaItem(self.desk.reader.read_item(row, holds, None), row, holds, None)

    async def _repeat_check_in(self, before: LibraryChange, answer: AlmaItem | None) -> CheckedIn | None:
        """Return what this key did, if it ended the item's latest loan; None: nothing yet. The item is not on loan.

        Raises Refused(NOT_CHECKED_OUT).
        """
        desk = self.desk
        done = CHECKED_IN_JSON.validate_json(before.value)
        if before.ended is None:
            if answer is None or answer.item.status is done.item.status:
                return None
            return await self._end_check_in(before, answer)
        changes = await desk.changes.changes_of_item(before.barcode)
        refuse_where_lent_since(before, find_latest_loan(changes))
        return replace(done, patron=await self._find_patron(before.patron_id), repeated=True)

    async def _end_check_in(self, change: LibraryChange, after: AlmaItem) -> CheckedIn:
        desk = self.desk
        begun = CHECKED_IN_JSON.validate_json(change.value)
        loan = replace(begun.loan, returned=change.begun) if begun.loan is not None else None
        hold, patron = await ask_together(self._find_next_hold(after), self._find_patron(change.patron_id))
        route_to = None
        if after.item.status is ItemStatus.IN_TRANSIT:
            route_to = Location(hold.pickup) if hold is not None else after.item.home
        done = CheckedIn(after.item, loan, None, hold, route_to)
        value = CHECKED_IN_JSON.dump_json(done).decode()
        await desk.changes.end_change(replace(change, ended=desk.now(), value=value))
        return replace(done, patron=patron)

    async def _find_next_hold(self, after: AlmaItem) -> Hold | None:
        """Find for whom it was caught: the first request that isn't waiting any more."""
        if after.item.status not in (ItemStatus.ON_HOLD_SHELF, ItemStatus.IN_TRANSIT):
            return None
        for hold in await self.desk.describe_holds(after.holds):
            if (
                hold.status.is_open
                and hold.item_barcode == after.item.barcode
                and hold.status is not HoldStatus.WAITING
            ):
                return hold
        return None

    async def _find_patron(self, patron_id: str) -> Patron | None:
        """None: of a loan that was anonymised, or of nobody."""
        return await self.desk.ask_patron(patron_id) if patron_id else None

    # --- renewal -----------------------------------------------------------------------------------------

    async def renew_loan(self, wish: Renewal, key: str) -> Loan:
        desk, barcode = self.desk, wish.barcode
        before, answer = await ask_together(
            desk.changes.find_change(ChangeKind.RENEWAL, key), desk.require_item(barcode)
        )
        if answer.loan is None:
            raise make_refusal(RefusalReason.NOT_CHECKED_OUT)
        loan = await desk.read_loan(answer.loan)
        if wish.patron_id and loan.patron_id != wish.patron_id:
            raise make_refusal(RefusalReason.NOT_CHECKED_OUT)
        if before is not None and before.record_id == loan.id:
            if before.ended is not None:
                return LOAN_JSON.validate_json(before.value)
            if loan.known_due > LOAN_JSON.validate_json(before.value).known_due:
                return await self._end_renewal(before, loan, wish)
        if any(read_text(hold, "user_primary_id") != loan.patron_id for hold in answer.holds):
            raise make_refusal(RefusalReason.RENEWAL_HAS_REQUESTS)
        moment = wish.due or wish.latest
        if moment is not None and moment <= loan.known_due:
            raise make_refusal(RefusalReason.NOT_RENEWABLE)
        change = make_loan_change(ChangeKind.RENEWAL, loan, barcode, key, desk.now())
        number, user = loan.id.split(":", 1)

        async def send_renewal() -> Loan:
            path, query = ("users", user, "loans", number), {"op": "renew"}
            try:
                made = await desk.client.send_row("POST", *path, title=_LOAN_TITLE, row={}, query=query)
            except AlmaRefusalError as refusal:
                raise refusal_of_renewal(refusal, desk.options.reasons) from refusal
            status = str(read_row(made, "last_renew_status").get("desc") or "")  # 200 does not mean renewed
            if status.casefold() != RENEWED:
                raise refusal_of_renewal(AlmaRefusalError(200, status, "401822"), desk.options.reasons)
            return desk.reader.read_loan(_require_loan(made))

        async def find_made_renewal() -> Loan | None:
            now = desk.reader.read_loan(await self._require_loan_row(loan.id))
            return now if now.known_due > loan.known_due else None

        renewed = await desk.send_change(change, send_renewal, find_made_renewal, before=before, is_refused_twice=True)
        known = replace(renewed, key=loan.key, request_id=loan.request_id, renewals=loan.renewals)
        return await self._end_renewal(change, known, wish)

    async def _end_renewal(self, change: LibraryChange, renewed: Loan, wish: Renewal) -> Loan:
        renewed_due = choose_renewed_due(wish, renewed.known_due)
        if renewed_due is not None and renewed_due != renewed.due:
            renewed = await self._change_due_date(renewed, renewed_due)
        loan = replace(renewed, renewals=renewed.renewals + 1)
        return await self.desk.end_change(change, loan)


def _require_loan(row: Row) -> Row:
    if "loan_id" not in row:
        raise OutcomeUnknown(write_about("Alma", write_sentence("the answer has no loan")))
    return row
