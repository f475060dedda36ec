"""Lending, taking back and renewing in FOLIO.

FOLIO numbers loans itself, so a loan can't be made harmless to repeat by an id of ours: each change is written down
before it is sent (`adapters.library.change_sending`), and where its answer is lost, the item tells who has it.
"""

from __future__ import annotations

from datetime import datetime

from adapters.library.change_sending import (
    CHECKED_IN_JSON,
    LOAN_JSON,
    make_check_in_change,
    make_loan_change,
    write_checked_in,
)
from adapters.library.folio.answers import (
    CheckInAnswer,
    FolioJson,
    ItemAnswer,
    LoanAnswer,
    UserAnswer,
    read_answer,
    read_outcome,
)
from adapters.library.folio.holds import find_next_request
from adapters.library.folio.lookups import FolioDesk, ItemState, is_uuid
from adapters.library.folio.reasons import FolioRefusal
from adapters.library.folio.records import ITEM_STATUSES, LENT_STATUSES, write_moment
from adapters.library.own_loans import choose_renewed_due, find_latest_loan, refuse_trapping, refuse_where_lent_since
from adapters.library.parallel_questions import ask_together
from adapters.library.refusals import make_refusal
from gateway.domain.library import Hold, ItemStatus, Loan, Location, Patron, sort_loans
from gateway.domain.problems import MessagePart, OutcomeUnknown, RefusalReason, Refused
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.library_changes import ChangeKind, LibraryChange
from gateway.ports.library_operations import DueDateChange, LoanCheckIn, LoanCheckOut, Renewal
from gateway.ports.library_system import CheckedIn

LOANS = "/circulation/loans"
LENDABLE = frozenset({ItemStatus.AVAILABLE, ItemStatus.ON_HOLD_SHELF, ItemStatus.IN_TRANSIT})
WOULD_NOT_CHANGE = "RENEWAL_WOULD_NOT_CHANGE_DUE_DATE"


@value_object
class FolioLoanDesk:
    desk: FolioDesk

    # --- check-out ---------------------------------------------------------------------------------------

    async def check_out(self, wish: LoanCheckOut, key: str) -> Loan:
        desk, barcode = self.desk, wish.barcode
        before = await desk.changes.find_change(ChangeKind.CHECK_OUT, key)
        (_, user), (_, item) = await ask_together(desk.require_user(wish.patron_id), desk.require_item_record(barcode))
        if (item.status.name in LENT_STATUSES or before is not None) and (loan := await desk.find_open_loan(item.id)):
            return await self._find_repeated_loan(loan, user.id, before, wish)
        if not user.barcode:
            raise Refused(
                RefusalReason.DATA_MISSING,
                "The patron has no barcode, which FOLIO needs for loans.",
                about=MessagePart.PATRON,
            )
        if not wish.override and ITEM_STATUSES.get(item.status.name) not in LENDABLE:
            raise make_refusal(RefusalReason.ITEM_NOT_AVAILABLE, item.status.name)
        point = await desk.codes.require_service_point("")
        request_id = wish.request_id or await desk.find_request_of_item(item.id)
        change = LibraryChange(ChangeKind.CHECK_OUT, key, barcode, user.id, desk.now(), request_id)
        body = self._make_check_out(item, user, point.id, wish)

        async def send_check_out() -> LoanAnswer:
            path = "/circulation/check-out-by-barcode"
            return read_outcome(LoanAnswer, await desk.client.send_for_record("POST", path, body), "loan")

        async def find_it_done() -> LoanAnswer | None:
            open_loan = await desk.find_open_loan(item.id)
            return open_loan if open_loan is not None and open_loan.user_id == user.id else None

        loan = await desk.send_change(change, send_check_out, find_it_done, before=before)
        return await self._end_check_out(change, loan, wish.due)

    def _make_check_out(self, item: ItemAnswer, user: UserAnswer, point_id: str, wish: LoanCheckOut) -> FolioJson:
        body: FolioJson = {"itemBarcode": item.barcode, "userBarcode": user.barcode, "servicePointId": point_id}
        if wish.override and self.desk.options.override == "override":
            blocks: FolioJson = {
                "comment": "lent already: recorded by the interlibrary loan gateway",
                "patronBlock": {},
                "itemLimitBlock": {},
            }
            if wish.due is not None:
                blocks["itemNotLoanableBlock"] = {"dueDate": write_moment(wish.due)}
            body["overrideBlocks"] = blocks
        return body

    async def _find_repeated_loan(
        self, loan: LoanAnswer, patron_id: str, before: LibraryChange | None, wish: LoanCheckOut
    ) -> Loan:
        """The item is on loan: under this key to this patron it is the same loan. Raises Refused."""
        if loan.user_id != patron_id:
            raise make_refusal(RefusalReason.ITEM_ON_LOAN)
        if before is None or before.record_id not in ("", loan.id):
            raise make_refusal(RefusalReason.ON_LOAN_SAME_PATRON)
        if before.ended is not None:
            return await self.desk.describe_loan(loan)
        changes = await self.desk.changes.changes_of_record(loan.id)
        if any(change.kind is ChangeKind.CHECK_OUT and change.key != before.key for change in changes):
            raise make_refusal(RefusalReason.ON_LOAN_SAME_PATRON)
        return await self._end_check_out(before, loan, wish.due)

    async def _end_check_out(self, change: LibraryChange, loan: LoanAnswer, due: datetime | None) -> Loan:
        """The due date is set by a second call; until it has been, the change is unfinished."""
        desk = self.desk
        named = replace(change, record_id=loan.id)
        if due is not None and loan.due_date != due:
            await desk.changes.begin_change(named)
            loan = await self._change_due_date(loan, due)
        await desk.changes.end_change(replace(named, ended=desk.now()))
        return await desk.describe_loan(loan)

    # --- due date ----------------------------------------------------------------------------------------

    async def set_due_date(self, wish: DueDateChange, _key: str) -> Loan:
        """Set a due date; raises Refused(NOT_CHECKED_OUT), Unavailable, OutcomeUnknown."""
        loan = await self._require_loan(wish.loan_id)
        changed = await self._change_due_date(loan, wish.due) if loan.due_date != wish.due else loan
        return await self.desk.describe_loan(changed)

    async def _require_loan(self, loan_id: str) -> LoanAnswer:
        record = await self.desk.client.find_record(LOANS, loan_id) if is_uuid(loan_id) else None
        loan = _read_loan(record) if record is not None else None
        if loan is None or not loan.is_open:
            raise make_refusal(RefusalReason.NOT_CHECKED_OUT)
        return loan

    async def _change_due_date(self, loan: LoanAnswer, due: datetime) -> LoanAnswer:
        """Change a due date; to set the same once more changes nothing."""
        moment = due.replace(microsecond=due.microsecond // 1000 * 1000)
        path, title = f"{LOANS}/{loan.id}/change-due-date", f"{LOANS}/{{id}}/change-due-date"
        try:
            await self.desk.client.send("POST", path, {"dueDate": write_moment(moment)}, title=title)
        except OutcomeUnknown:
            if (await self._require_loan(loan.id)).due_date != moment:
                raise
        return loan.model_copy(update={"due_date": moment})

    # --- check-in ----------------------------------------------------------------------------------------

    async def check_in(self, wish: LoanCheckIn, key: str) -> CheckedIn:
        desk, barcode, fill_hold = self.desk, wish.barcode, wish.fill_hold
        before = await desk.changes.find_change(ChangeKind.CHECK_IN, key)
        found_record = await desk.find_item_record(barcode)
        if before is not None and (found_record is None or found_record[1].status.name not in LENT_STATUSES):
            repeated = await self._repeat_check_in(before, found_record)
            if repeated is not None:
                return repeated
        if found_record is None:
            raise make_refusal(RefusalReason.UNKNOWN_ITEM)
        point, state = await ask_together(desk.codes.require_service_point(wish.at), desk.complete_item(*found_record))
        await self._refuse_what_is_in(state, point.id, fill_hold=fill_hold)
        if not fill_hold and state.requests:
            refuse_trapping()
        loan = await desk.describe_loan(state.loan) if state.loan is not None else None
        begun = CheckedIn(await desk.describe_item(state), loan)
        change = make_check_in_change(
            begun.item, loan, key, desk.now(), _write_checked_in(begun, state.answer.status.name)
        )
        body = {"itemBarcode": barcode, "servicePointId": point.id, "checkInDate": write_moment(change.begun)}

        async def send_check_in() -> ItemState:
            answer = await desk.client.send_for_record("POST", "/circulation/check-in-by-barcode", body)
            return _change_status(state, read_outcome(CheckInAnswer, answer, "return"))

        async def find_it_done() -> ItemState | None:
            now = await desk.require_item(barcode)
            return now if now.answer.status.name != state.answer.status.name else None

        after = await desk.send_change(change, send_check_in, find_it_done, before=before)
        return await self._end_check_in(change, after)

    async def _repeat_check_in(
        self, before: LibraryChange, found_record: tuple[FolioJson, ItemAnswer] | None
    ) -> CheckedIn | None:
        """Return what this key did, if it ended the item's latest loan; None: nothing yet. The item is not on loan.

        Raises Refused(NOT_CHECKED_OUT).
        """
        desk = self.desk
        if before.ended is None:
            if found_record is None:
                return None
            status = _read_status_before(before)
            if not before.record_id and found_record[1].status.name == status:
                return None
            return await self._end_check_in(before, await desk.complete_item(*found_record))
        changes = await desk.changes.changes_of_item(before.barcode)
        refuse_where_lent_since(before, find_latest_loan(changes))
        done = _read_checked_in(before)
        return replace(done, patron=await self._find_patron(before.patron_id), repeated=True)

    async def _refuse_what_is_in(self, state: ItemState, point_id: str, *, fill_hold: bool) -> None:
        """An item that is where it is checked in, and that nobody waits for, is not returned: FOLIO would count a use
        in the house. Raises Refused(NOT_CHECKED_OUT)."""
        if state.answer.status.name != "Available" or (fill_hold and state.requests):
            return
        place = (await self.desk.codes.load_locations()).get(state.answer.effective_location.id)
        if place is not None and point_id in (place.primary_service_point, *place.service_point_ids):
            raise make_refusal(RefusalReason.NOT_CHECKED_OUT)

    async def _end_check_in(self, change: LibraryChange, after: ItemState) -> CheckedIn:
        desk = self.desk
        begun = _read_checked_in(change)
        loan = replace(begun.loan, returned=change.begun) if begun.loan is not None else None
        hold, patron = await ask_together(self._find_next_hold(after), self._find_patron(change.patron_id))
        item = await desk.describe_item(replace(after, loan=None))
        done = CheckedIn(item, loan, None, hold, await self._find_destination(after.answer))
        await desk.changes.end_change(replace(change, ended=desk.now(), value=_write_checked_in(done, "")))
        return replace(done, patron=patron)

    async def _find_next_hold(self, after: ItemState) -> Hold | None:
        """Find for whom it was caught."""
        first = find_next_request(after)
        if first is None or after.answer.status.name not in ("Awaiting pickup", "In transit"):
            return None
        now = await self.desk.find_request(first.id)
        return await self.desk.describe_hold(now[1]) if now is not None else None

    async def _find_destination(self, item: ItemAnswer) -> Location | None:
        if item.status.name != "In transit":
            return None
        points = await self.desk.codes.load_service_points()
        point = points.by_id.get(item.in_transit_destination_service_point_id)
        return Location(point.code, name=point.discovery_display_name or point.name) if point is not None else None

    async def _find_patron(self, patron_id: str) -> Patron | None:
        """None: of a loan that was anonymised, or of nobody."""
        if not patron_id:
            return None
        record = await self.desk.client.find_record("/users", patron_id)
        return await self.desk.load_patron(read_answer(UserAnswer, record, "patron")) if record is not None else None

    # --- renewal -----------------------------------------------------------------------------------------

    async def renew_loan(self, wish: Renewal, key: str) -> Loan:
        desk, barcode = self.desk, wish.barcode
        before = await desk.changes.find_change(ChangeKind.RENEWAL, key)
        _, item = await desk.require_item_record(barcode)
        loan = await desk.find_open_loan(item.id) if item.status.name in LENT_STATUSES else None
        if loan is None or (wish.patron_id and loan.user_id != wish.patron_id):
            raise make_refusal(RefusalReason.NOT_CHECKED_OUT)
        if before is not None and before.record_id == loan.id:
            if before.ended is not None:
                return LOAN_JSON.validate_json(before.value)
            if loan.renewal_count > LOAN_JSON.validate_json(before.value).renewals:
                return await self._end_renewal(before, loan, wish)
        moment = wish.due or wish.latest
        if moment is not None and moment <= loan.due_date:
            raise make_refusal(RefusalReason.NOT_RENEWABLE)
        user_barcode = loan.borrower.barcode or (await desk.require_user(loan.user_id))[1].barcode
        known = await desk.describe_loan(loan)
        change = make_loan_change(ChangeKind.RENEWAL, known, barcode, key, desk.now())
        body = {
            "itemBarcode": barcode,
            "userBarcode": user_barcode,
            "servicePointId": (await desk.codes.require_service_point("")).id,
        }

        async def send_renewal() -> LoanAnswer:
            try:
                answer = await desk.client.send_for_record("POST", "/circulation/renew-by-barcode", body, renews=True)
            except FolioRefusal as refused:
                if wish.due is None or not refused.has_code(WOULD_NOT_CHANGE):
                    raise
                return loan  # its own rules give an earlier date than the lender's; that date is set below
            return read_outcome(LoanAnswer, answer, "loan")

        async def find_it_done() -> LoanAnswer | None:
            open_loan = await desk.find_open_loan(item.id)
            return open_loan if open_loan is not None and open_loan.renewal_count > loan.renewal_count else None

        renewed = await desk.send_change(change, send_renewal, find_it_done, before=before)
        return await self._end_renewal(change, renewed, wish)

    async def _end_renewal(self, change: LibraryChange, renewed: LoanAnswer, wish: Renewal) -> Loan:
        renewed_due = choose_renewed_due(wish, renewed.due_date)
        if renewed_due is not None and renewed_due != renewed.due_date:
            renewed = await self._change_due_date(renewed, renewed_due)
        loan = await self.desk.describe_loan(renewed)
        return await self.desk.end_change(change, loan)

    # --- look-ups ----------------------------------------------------------------------------------------

    async def list_patron_loans(self, loans: list[LoanAnswer]) -> tuple[Loan, ...]:
        described = [await self.desk.describe_loan(loan) for loan in loans]
        return sort_loans(described)


def _read_loan(record: FolioJson) -> LoanAnswer:
    return read_answer(LoanAnswer, record, "loan")


def _change_status(state: ItemState, answer: CheckInAnswer) -> ItemState:
    """The item as the answer to a check-in has it. Raises OutcomeUnknown where it doesn't say."""
    if answer.item is None:
        raise OutcomeUnknown(write_sentence("FOLIO's answer to a return does not state where the item is now"))
    now = {
        "status": answer.item.status,
        "in_transit_destination_service_point_id": answer.item.in_transit_destination_service_point_id,
    }
    return replace(state, answer=state.answer.model_copy(update=now), loan=None)


def _write_checked_in(done: CheckedIn, status_before: str) -> str:
    """Write a check-in without the patron: the number of whom is enough, and names are not kept. FOLIO's own word for
    the status of the item goes before it, so that a lost answer can be told from one that never came."""
    return f"{status_before}\n{write_checked_in(done)}"


def _read_status_before(change: LibraryChange) -> str:
    return change.value.partition("\n")[0]


def _read_checked_in(change: LibraryChange) -> CheckedIn:
    return CHECKED_IN_JSON.validate_json(change.value.partition("\n")[2])
