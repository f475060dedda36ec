"""Check-out, check-in, renewal and recall on a system that answers NCIP, each at most once."""

from __future__ import annotations

from datetime import datetime
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
    make_loan,
    name_borrower,
    refuse_trapping,
    refuse_where_in_place,
    refuse_where_lent_since,
)
from adapters.library.parallel_questions import ask_together
from adapters.library.refusals import RENEWAL_REASONS, make_refusal, refuse_blocked
from adapters.ncip.client import MessageValues
from adapters.ncip.library_system.holds import NcipHoldDesk
from adapters.ncip.library_system.lookups import KEPT_ITEM_JSON, NcipDesk, find_temporary_item, restore_loan
from adapters.ncip.library_system.records import NcipItem, NcipPatron
from adapters.ncip.messages import (
    CheckInItemResponse,
    CheckOutItemResponse,
    RecallItemResponse,
    RenewItemResponse,
    RoutingInformation,
)
from gateway.domain.circulation_policy import DuePolicy
from gateway.domain.library import BlockScope, Item, ItemStatus, Loan, Location, Patron, is_due_later
from gateway.domain.problems import OutcomeUnknown, RefusalReason, Refused, Unavailable
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.library_changes import ChangeKind, LibraryChange
from gateway.ports.library_operations import LoanCheckIn, LoanCheckOut, LoanRecall, Renewal
from gateway.ports.library_system import CheckedIn

log = structlog.get_logger(component="library")

VAGUE = frozenset(
    {
        RefusalReason.ITEM_NOT_AVAILABLE,
        RefusalReason.NOT_ALLOWED,
        RefusalReason.OTHER,
        RefusalReason.ITEM_ON_LOAN,
        RefusalReason.REQUESTED_BY_OTHER,
    }
)
"""Reasons for which NCIP has one word between them; the item's look-up says which it is."""


@value_object
class NcipLoanDesk:
    desk: NcipDesk
    holds: NcipHoldDesk

    # --- check-out ---------------------------------------------------------------------------------------

    async def check_out(self, terms: LoanCheckOut, key: str) -> Loan:
        desk, barcode, patron_id = self.desk, terms.barcode, terms.patron_id
        before = await desk.changes.find_change(ChangeKind.CHECK_OUT, key)
        patron, record = await ask_together(desk.ask_patron(patron_id), desk.ask_item(barcode))
        if before is not None:
            if (made := await self._find_made_loan(before, patron, terms.due)) is not None:
                return made
        elif await self._has_on_loan(patron, record):  # some systems would take the message for a repeat
            raise make_refusal(RefusalReason.ON_LOAN_SAME_PATRON)
        await self._refuse_second_check_out(barcode, patron_id)
        if not terms.override:
            refuse_blocked(patron.patron, BlockScope.BORROW, desk.today())
        terms = await self._complete_terms(terms)
        change = LibraryChange(
            ChangeKind.CHECK_OUT, key, barcode, patron_id, desk.now(), terms.request_id, record_id=uuid4().hex
        )
        values = MessageValues(
            patron=patron_id,
            items=(barcode,),
            request=terms.request_id,
            due=terms.due,
            happened=desk.now() if terms.override else None,
        )

        async def send_check_out() -> CheckOutItemResponse:
            try:
                return await desk.client.change(CheckOutItemResponse, values)
            except Refused as refused:
                raise await self._explain_refusal(refused, barcode, patron, before) from refused

        async def find_it_done() -> Loan | None:
            return await self._find_made_loan(change, await desk.ask_patron(patron_id), terms.due)

        try:
            answer = await desk.send_change(change, send_check_out, find_it_done, before=before)
        except Refused as refused:
            if before is not None and refused.reason is RefusalReason.ON_LOAN_SAME_PATRON:
                return await self._end_check_out(before, record, await self._ask_due(barcode, patron_id), terms.due)
            raise
        if isinstance(answer, Loan):
            return answer
        due = desk.reader.to_moment(answer.date_due) or await self._ask_due(barcode, patron_id)
        return await self._end_check_out(change, record, due, terms.due)

    async def _has_on_loan(self, patron: NcipPatron, record: NcipItem) -> bool:
        """Tell a loan by the system's list; where it has none, by what we remember of an item that it says is out."""
        desk, item = self.desk, record.item
        if patron.has_on_loan(item.barcode):
            return True
        if "loans" in desk.options.patrons.lists or not record.is_charged or not record.is_told:
            return False
        return record.borrower in ("", patron.patron.id) and await self._is_lent_to(item.barcode, patron.patron.id)

    async def _is_lent_to(self, barcode: str, patron_id: str) -> bool:
        """Return whether we have lent the item to the patron, as far as we remember."""
        lent = await self._find_open_check_out(barcode)
        return lent is not None and lent.ended is not None and lent.patron_id == patron_id

    async def _find_open_check_out(self, barcode: str) -> LibraryChange | None:
        changes = await self.desk.changes.changes_of_item(barcode)
        return find_open_change(ChangeKind.CHECK_OUT, ChangeKind.CHECK_IN, changes)

    async def _refuse_second_check_out(self, barcode: str, patron_id: str) -> None:
        """Refuse to lend an item again where the system would end its loan. Raises Refused, OutcomeUnknown."""
        if self.desk.options.check_out_again:
            return
        lent = await self._find_open_check_out(barcode)
        if lent is None:
            return
        if lent.ended is None:
            raise OutcomeUnknown(
                write_sentence(
                    "the library system did not answer a check-out of %(barcode)s, and a second one would end the "
                    "loan; check the item in, then check it out again",
                    barcode=barcode,
                )
            )
        same = lent.patron_id == patron_id
        raise make_refusal(RefusalReason.ON_LOAN_SAME_PATRON if same else RefusalReason.ITEM_ON_LOAN)

    async def _ask_due(self, barcode: str, patron_id: str) -> datetime | None:
        """Ask for the date of what has just been lent. What can't be asked now stops nothing."""
        try:
            return await self._find_present_due(barcode, patron_id)
        except (Refused, Unavailable):
            return None

    async def _complete_terms(self, terms: LoanCheckOut) -> LoanCheckOut:
        """A partner's item is lent under its request's number, and is due when it must leave its patron unless
        something else is said: the system may know of neither."""
        made = find_temporary_item(await self.desk.changes.changes_of_item(terms.barcode))
        if made is None:
            return terms
        wish = KEPT_ITEM_JSON.validate_json(made.value).wish
        is_theirs = self.desk.options.due_dates == "theirs" or wish.due_policy is not DuePolicy.LENDER
        due = None if is_theirs else wish.lender_due
        return replace(terms, request_id=terms.request_id or made.request_id, due=terms.due or due)

    async def _find_made_loan(self, change: LibraryChange, patron: NcipPatron, asked: datetime | None) -> Loan | None:
        """The loan of this change, where the item is out to this patron under it. Raises Refused where another change
        has lent it to the same patron."""
        desk, barcode = self.desk, change.barcode
        if "loans" in desk.options.patrons.lists:
            listed = patron.find_loan(barcode)
            if listed is None:
                return None
        else:
            listed = None
            answer = await desk.ask_item(barcode)
            if not answer.is_charged or answer.borrower not in ("", patron.patron.id):
                return None
            if not answer.borrower and change.ended is None:
                return None  # out, and nobody says to whom
        changes = await desk.changes.changes_of_item(barcode)
        open_one = find_open_change(ChangeKind.CHECK_OUT, ChangeKind.CHECK_IN, changes)
        if open_one is None or open_one.key != change.key:
            raise make_refusal(RefusalReason.ON_LOAN_SAME_PATRON)
        if change.ended is not None:
            return restore_loan(change, listed.due if listed is not None else None)
        return await self._end_check_out(change, await desk.ask_item(barcode), listed.due if listed else None, asked)

    async def _explain_refusal(
        self, refused: Refused, barcode: str, patron: NcipPatron, before: LibraryChange | None
    ) -> Refused:
        if refused.reason not in VAGUE:
            return refused
        if patron.has_on_loan(barcode):
            return make_refusal(RefusalReason.ON_LOAN_SAME_PATRON, refused.internal)
        if not self.desk.options.is_answered("LookupItem"):
            is_ours = before is not None or await self._is_lent_to(barcode, patron.patron.id)
            is_ours = is_ours and refused.reason is RefusalReason.ITEM_ON_LOAN
            return make_refusal(RefusalReason.ON_LOAN_SAME_PATRON, refused.internal) if is_ours else refused
        answer = await self.desk.ask_item(barcode)
        if answer.is_charged:
            mine = answer.borrower == patron.patron.id
            if not answer.borrower:  # Koha: that another patron has it is told in other words
                mine = before is not None and refused.reason is RefusalReason.ITEM_NOT_AVAILABLE
            reason = RefusalReason.ON_LOAN_SAME_PATRON if mine else RefusalReason.ITEM_ON_LOAN
            return make_refusal(reason, refused.internal)
        if not answer.item.circulates:
            return make_refusal(RefusalReason.ITEM_DOES_NOT_CIRCULATE, refused.internal)
        waits = answer.item.hold_count or answer.item.status is ItemStatus.ON_HOLD_SHELF
        return make_refusal(RefusalReason.REQUESTED_BY_OTHER, refused.internal) if waits else refused

    async def _end_check_out(
        self, change: LibraryChange, answer: NcipItem, due: datetime | None, asked: datetime | None
    ) -> Loan:
        """End the change; where the system doesn't say when it is due, the day counts that was asked for, if one
        was."""
        item = answer.item
        due = due or (item.due if answer.is_charged else None)
        if due is None:
            due = asked
            log.warning("library.no_due_date", item=change.barcode)
        return await self.desk.end_change(change, make_loan(change, item, due, answer.bib.title))

    # --- check-in ----------------------------------------------------------------------------------------

    async def check_in(self, wish: LoanCheckIn, key: str) -> CheckedIn:
        desk, barcode, fill_hold = self.desk, wish.barcode, wish.fill_hold
        at = wish.at or desk.options.resource_sharing_place
        before = await desk.changes.find_change(ChangeKind.CHECK_IN, key)
        known = await desk.changes.changes_of_item(barcode)
        if before is not None and before.ended is not None:
            return await self._repeat_check_in(before, known)
        answer = await desk.ask_item(barcode)
        loan = await desk.find_loan(answer, known)
        lent = find_open_change(ChangeKind.CHECK_OUT, ChangeKind.CHECK_IN, known)  # perhaps without an answer
        if before is not None and not answer.is_charged and answer.is_told:
            return await self._end_check_in(before, answer)
        if answer.is_told:
            refuse_where_in_place(answer.item, at, fill_hold=fill_hold)
        if not fill_hold and answer.item.hold_count:
            refuse_trapping()
        change = make_check_in_change(answer.item, loan, key, desk.now())
        if loan is None and lent is not None:
            change = replace(change, record_id=lent.record_id)
        values = MessageValues(items=(barcode,), to_agency=desk.options.branch_agencies.get(at, ""))

        async def find_it_done() -> CheckedIn | None:
            if not desk.options.is_answered("LookupItem"):
                return await self._find_left_list(change)
            now = await desk.ask_item(barcode)
            return None if now.item.status is answer.item.status else await self._end_check_in(change, now)

        try:
            sent = await desk.send_change(
                change,
                lambda: desk.client.change(CheckInItemResponse, values),
                find_it_done,
                before=before,
            )
        except Refused as refused:
            if before is not None and refused.reason is RefusalReason.NOT_CHECKED_OUT:
                return await self._end_check_in(before, await desk.ask_item(barcode))
            raise
        if isinstance(sent, CheckedIn):
            return sent
        after, patron = await ask_together(self._ask_item_after(change), self._find_patron(change))
        done = await self._note_check_in(change, after, sent.routing_information)
        return replace(done, patron=patron)

    async def _find_left_list(self, change: LibraryChange) -> CheckedIn | None:
        """Find out, without look-up of items, whether the patron's list has it no more."""
        desk = self.desk
        if not change.patron_id or "loans" not in desk.options.patrons.lists:
            return None
        if (await desk.ask_patron(change.patron_id)).has_on_loan(change.barcode):
            return None
        return await self._end_check_in(change, await self._ask_item_after(change))

    async def _ask_item_after(self, change: LibraryChange) -> NcipItem:
        answer = await self.desk.ask_item(change.barcode)
        if answer.is_told:
            return answer
        return replace(answer, item=replace(answer.item, status=ItemStatus.AVAILABLE, due=None))

    async def _repeat_check_in(self, before: LibraryChange, known: tuple[LibraryChange, ...]) -> CheckedIn:
        """Return what this key did, if it ended the item's latest loan. Raises Refused(NOT_CHECKED_OUT)."""
        lent = (change for change in known if change.kind is ChangeKind.CHECK_OUT and change.ended is not None)
        latest = next(lent, None)
        refuse_where_lent_since(before, latest)
        done = CHECKED_IN_JSON.validate_json(before.value)
        return replace(done, patron=await self._find_patron(before), repeated=True)

    async def _end_check_in(self, change: LibraryChange, after: NcipItem) -> CheckedIn:
        """Its answer was lost."""
        done = await self._note_check_in(change, after, None)
        return replace(done, patron=await self._find_patron(change))

    async def _find_patron(self, change: LibraryChange) -> Patron | None:
        """None: the loan of nobody whom we know."""
        return (await self.desk.ask_patron(change.patron_id)).patron if change.patron_id else None

    async def _note_check_in(
        self, change: LibraryChange, after: NcipItem, routing: RoutingInformation | None
    ) -> CheckedIn:
        desk, item = self.desk, after.item
        begun = CHECKED_IN_JSON.validate_json(change.value)
        loan = replace(begun.loan, returned=change.begun) if begun.loan is not None else None
        caught = item.status in (ItemStatus.ON_HOLD_SHELF, ItemStatus.IN_TRANSIT)
        waiting = await self.holds.list_item_holds(after) if caught else ()
        next_hold = next((hold for hold in waiting if hold.patron_id), None)
        done = CheckedIn(item, loan, None, next_hold, _read_destination(item, routing))
        await desk.changes.end_change(replace(change, ended=desk.now(), value=write_checked_in(done)))
        return done

    async def forget_returned_loan(self, barcode: str, key: str) -> None:
        """Forget a loan; without look-up of items, a loan of ours is what we remember. The end of one that staff have
        seen is remembered too, unless the patron's list of loans has it still."""
        desk = self.desk
        if desk.options.is_answered("LookupItem"):
            return
        lent = find_open_change(ChangeKind.CHECK_OUT, ChangeKind.CHECK_IN, await desk.changes.changes_of_item(barcode))
        if lent is None or await self._is_listed(lent):
            return
        loan = replace(LOAN_JSON.validate_json(lent.value), returned=desk.now()) if lent.value else None
        item = replace((await desk.ask_item(barcode)).item, status=ItemStatus.AVAILABLE, due=None)
        change = LibraryChange(
            kind=ChangeKind.CHECK_IN,
            key=key,
            barcode=barcode,
            patron_id=lent.patron_id,
            begun=desk.now(),
            request_id=lent.request_id,
            record_id=lent.record_id,
            ended=desk.now(),
            value=write_checked_in(CheckedIn(item, loan)),
        )
        await desk.changes.end_change(change)

    async def _is_listed(self, lent: LibraryChange) -> bool:
        desk = self.desk
        return "loans" in desk.options.patrons.lists and (await desk.ask_patron(lent.patron_id)).has_on_loan(
            lent.barcode
        )

    # --- renewal -----------------------------------------------------------------------------------------

    async def renew_loan(self, wish: Renewal, key: str) -> Loan:
        """`latest` is asked for as the new date: the library's own rules could give an earlier one, which NCIP can't
        say together with it."""
        desk, barcode, wanted = self.desk, wish.barcode, wish.due or wish.latest
        before = await desk.changes.find_change(ChangeKind.RENEWAL, key)
        known = await desk.changes.changes_of_item(barcode)
        answer = await desk.ask_item(barcode)
        loan = await desk.find_loan(answer, known)
        if loan is None:
            raise make_refusal(RefusalReason.NOT_CHECKED_OUT)
        loan = name_borrower(loan, wish.patron_id)
        if before is not None and before.record_id == loan.id:
            if before.ended is not None:
                return LOAN_JSON.validate_json(before.value)
            if is_due_later(loan.due, LOAN_JSON.validate_json(before.value).due):
                return await self._end_renewal(before, loan.due, known)
        if wanted is not None and loan.due is not None and wanted <= loan.due:
            raise make_refusal(RefusalReason.NOT_RENEWABLE)
        change = make_loan_change(ChangeKind.RENEWAL, loan, barcode, key, desk.now())
        values = MessageValues(patron=loan.patron_id, items=(barcode,), due=wanted)

        async def send_renewal() -> RenewItemResponse:
            try:
                return await desk.client.change(RenewItemResponse, values)
            except Refused as refused:
                raise _explain_renewal(refused, answer.item) from refused

        async def find_it_done() -> Loan | None:
            due = await self._find_present_due(barcode, loan.patron_id)
            return await self._end_renewal(change, due, known) if is_due_later(due, loan.due) else None

        sent = await desk.send_change(change, send_renewal, find_it_done, before=before)
        if isinstance(sent, Loan):
            return sent
        due = desk.reader.to_moment(sent.date_due) or await self._ask_due(barcode, loan.patron_id)
        if due is None:
            due = wanted or loan.due
            log.warning("library.no_due_date", item=barcode)
        elif loan.due is not None and due <= loan.due:
            await desk.changes.drop_change(change.kind, change.key)
            raise make_refusal(RefusalReason.NOT_RENEWABLE, "the due date is no later than before")
        return await self._end_renewal(change, due, known)

    async def _find_present_due(self, barcode: str, patron_id: str) -> datetime | None:
        desk = self.desk
        if desk.options.is_answered("LookupItem") and (due := (await desk.ask_item(barcode)).item.due) is not None:
            return due
        if "loans" not in desk.options.patrons.lists or not patron_id:
            return None
        listed = (await desk.ask_patron(patron_id)).find_loan(barcode)
        return listed.due if listed is not None else None

    async def _end_renewal(self, change: LibraryChange, due: datetime | None, known: tuple[LibraryChange, ...]) -> Loan:
        loan = LOAN_JSON.validate_json(change.value)
        return await end_loan_change(self.desk, change, replace(loan, due=due, renewals=loan.renewals + 1), known)

    # --- recall ------------------------------------------------------------------------------------------

    async def recall_loan(self, wish: LoanRecall, key: str) -> Loan:
        desk, barcode = self.desk, wish.barcode
        before = await desk.changes.find_change(ChangeKind.RECALL, key)
        known = await desk.changes.changes_of_item(barcode)
        answer = await desk.ask_item(barcode)
        loan = await desk.find_loan(answer, known)
        if loan is None:
            raise make_refusal(RefusalReason.NOT_CHECKED_OUT)
        if before is not None and before.record_id == loan.id:
            if before.ended is not None:
                return LOAN_JSON.validate_json(before.value)
            if answer.item.status is ItemStatus.RECALLED:
                return await self._end_recall(before, loan.due, known)
        change = make_loan_change(ChangeKind.RECALL, loan, barcode, key, desk.now())
        values = MessageValues(items=(barcode,), due=wish.due)

        async def find_it_done() -> Loan | None:
            now = await desk.ask_item(barcode)
            if now.item.status is not ItemStatus.RECALLED:
                return None
            return await self._end_recall(change, now.item.due or loan.due, known)

        sent = await desk.send_change(
            change, lambda: desk.client.change(RecallItemResponse, values), find_it_done, before=before
        )
        if isinstance(sent, Loan):
            return sent
        new_due = desk.reader.to_moment(sent.date_due) or await self._ask_due(barcode, loan.patron_id)
        return await self._end_recall(change, new_due or loan.due, known)

    async def _end_recall(self, change: LibraryChange, due: datetime | None, known: tuple[LibraryChange, ...]) -> Loan:
        recalled = replace(LOAN_JSON.validate_json(change.value), due=due, recalled=change.begun)
        return await end_loan_change(self.desk, change, recalled, known)


def _explain_renewal(refused: Refused, item: Item) -> Refused:
    reason = RENEWAL_REASONS.get(refused.reason, refused.reason)
    if reason in (RefusalReason.NOT_RENEWABLE, RefusalReason.OTHER) and item.hold_count:
        reason = RefusalReason.RENEWAL_HAS_REQUESTS
    return make_refusal(RefusalReason.NOT_RENEWABLE if reason is RefusalReason.OTHER else reason, refused.internal)


def _read_destination(item: Item, routing: RoutingInformation | None) -> Location | None:
    """Read where the item has to travel, else home."""
    if item.status is not ItemStatus.IN_TRANSIT:
        return None
    place = routing.destination.location if routing is not None and routing.destination is not None else None
    instances = place.name.instances if place is not None and place.name is not None else ()
    return Location(instances[-1].value) if instances else item.home
