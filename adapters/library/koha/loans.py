"""Check-out and renewal in Koha, each at most once (see `adapters.library.change_sending`).

A release without `due_date` for loans sets it by its own rules; there is no call for a check-in.
"""

from __future__ import annotations

from adapters.library.change_sending import LOAN_JSON, make_loan_change, report_done_twice
from adapters.library.json_fields import Row
from adapters.library.koha import abilities
from adapters.library.koha.client import KohaRefusalError
from adapters.library.koha.lookups import KohaDesk, KohaItem
from adapters.library.koha.reasons import refusal_of_answer, refusal_of_keys, refusal_of_renewal
from adapters.library.koha.records import read_text
from adapters.library.own_loans import find_request_of_item
from adapters.library.parallel_questions import ask_together
from adapters.library.refusals import make_refusal, refuse_blocked
from gateway.domain.library import BlockScope, Loan
from gateway.domain.problems import OutcomeUnknown, RefusalReason
from gateway.domain.sentences import write_about, write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.library_changes import ChangeKind, LibraryChange
from gateway.ports.library_operations import LoanCheckOut, Renewal


@value_object
class KohaLoanDesk:
    desk: KohaDesk

    # --- check-out ---------------------------------------------------------------------------------------

    async def check_out(self, wish: LoanCheckOut, key: str) -> Loan:
        """Koha's rules set the due date, whatever `wish.due` says, and stop also what has left already."""
        desk, barcode = self.desk, wish.barcode
        before, answer, patron = await ask_together(
            desk.changes.find_change(ChangeKind.CHECK_OUT, key),
            desk.require_item_to_lend(barcode),
            desk.require_borrower(wish.patron_id),
        )
        if answer.loan is not None:
            return await self._find_repeated_loan(answer, patron.id, before)
        refuse_blocked(patron, BlockScope.BORROW, desk.today())
        if not answer.item.circulates:
            raise make_refusal(RefusalReason.ITEM_DOES_NOT_CIRCULATE)
        confirmation = await self._ask_whether(answer, patron.id)
        request_id = wish.request_id or await find_request_of_item(desk.changes, answer.item)
        change = LibraryChange(ChangeKind.CHECK_OUT, key, barcode, patron.id, desk.now(), request_id)
        row = {"patron_id": int(patron.id), "item_id": int(answer.item.id)}

        async def send_loan() -> Row:
            try:
                made = await desk.client.send_row("POST", "checkouts", title="/checkouts", row=row, query=confirmation)
            except KohaRefusalError as refusal:
                if refusal.status == 412:  # something has come in between
                    await self._ask_whether(answer, patron.id)
                raise
            return _require_loan(made)

        async def find_made_loan() -> Row | None:
            now = await desk.ask_loans_of_items([answer.item.id])
            return next((loan for loan in now if read_text(loan, "patron_id") == patron.id), None)

        sent = await desk.send_change(change, send_loan, find_made_loan, before=before, is_refused_twice=True)
        return await self._end_check_out(change, replace(answer, loan=sent))

    async def _ask_whether(self, answer: KohaItem, patron_id: str) -> dict[str, str]:
        """Ask what has to be sent along, since some of Koha's questions are answered with yes (`confirmed`).

        Raises Refused with the reason, which a refused check-out alone doesn't say.
        """
        desk = self.desk
        try:
            availability = await desk.ask_availability(patron_id, answer.item.id)
        except KohaRefusalError as refusal:
            raise refusal_of_answer(refusal, desk.options.reasons) from refusal
        blockers, confirms = availability.get("blockers") or {}, availability.get("confirms") or {}
        open_ones = {key for key in confirms if key.isupper()} - set(desk.options.confirmed)
        if blockers or open_ones:
            raise refusal_of_keys({*blockers, *open_ones}, desk.options.reasons)
        token = read_text(availability, "confirmation_token")
        return {"confirmation": token} if confirms and token else {}

    async def _find_repeated_loan(self, answer: KohaItem, patron_id: str, before: LibraryChange | None) -> Loan:
        """The item is on loan: under this key to this patron it is the same loan. Raises Refused."""
        loan = self.desk.reader.read_loan(answer.loan or {}, answer.row)
        if loan.patron_id != patron_id:
            raise make_refusal(RefusalReason.ITEM_ON_LOAN)
        if before is None or (before.ended is not None and before.record_id != loan.id):
            raise make_refusal(RefusalReason.ON_LOAN_SAME_PATRON)
        if before.ended is None:
            return await self._end_check_out(before, answer)
        return replace(loan, key=before.key, request_id=before.request_id)

    async def _end_check_out(self, change: LibraryChange, answer: KohaItem) -> Loan:
        read = self.desk.reader.read_loan(answer.loan or {}, answer.row)
        loan = replace(read, key=change.key, request_id=change.request_id)
        return await self.desk.end_change(change, loan)

    # --- renewal -----------------------------------------------------------------------------------------

    async def renew_loan(self, wish: Renewal, key: str) -> Loan:
        """Koha counts each renewal, so an unknown one is found by its number."""
        desk, barcode = self.desk, wish.barcode
        before, answer = await ask_together(
            desk.changes.find_change(ChangeKind.RENEWAL, key), desk.require_item_to_lend(barcode)
        )
        if answer.loan is None:
            raise make_refusal(RefusalReason.NOT_CHECKED_OUT)
        loan = await desk.read_loan(answer)
        if wish.patron_id and loan.patron_id != wish.patron_id:
            raise make_refusal(RefusalReason.NOT_CHECKED_OUT)
        if before is not None and before.record_id == loan.id:
            begun = LOAN_JSON.validate_json(before.value)
            if before.ended is not None:
                return begun
            if loan.renewals > begun.renewals:
                return await self._end_renewal(before, loan)
        change = make_loan_change(ChangeKind.RENEWAL, loan, barcode, key, desk.now())

        async def send_renewal() -> Row:
            path = ("checkouts", loan.id, self._renewal_word())
            try:
                made = await desk.client.send_row("POST", *path, title="/checkouts/{checkout_id}/renewal", row=None)
            except KohaRefusalError as refusal:
                raise refusal_of_renewal(refusal, desk.options.reasons) from refusal
            return _require_loan(made)

        async def find_made_renewal() -> Row | None:
            now = await desk.ask_loans_of_items([loan.item_id])
            row = next((checkout for checkout in now if read_text(checkout, "checkout_id") == loan.id), None)
            if row is None or desk.reader.read_loan(row, answer.row).renewals <= loan.renewals:
                return None
            return row

        sent = await desk.send_change(change, send_renewal, find_made_renewal, before=before, is_refused_twice=True)
        renewed = desk.reader.read_loan(sent, answer.row)
        if renewed.renewals > loan.renewals + 1:
            report_done_twice(ChangeKind.RENEWAL, [loan.id])
        if renewed.known_due <= loan.known_due:
            raise OutcomeUnknown(write_sentence("Koha reports the loan as renewed, but its due date is not later"))
        return await self._end_renewal(change, replace(renewed, key=loan.key, request_id=loan.request_id))

    def _renewal_word(self) -> str:
        """Return the one of the two spellings that this release has."""
        return "renewals" if abilities.RENEW in self.desk.client.abilities.calls else "renewal"

    async def _end_renewal(self, change: LibraryChange, loan: Loan) -> Loan:
        return await self.desk.end_change(change, loan)


def _require_loan(made: object) -> Row:
    if not isinstance(made, dict) or "checkout_id" not in made:
        raise OutcomeUnknown(write_about("Koha", write_sentence("the answer has no loan")))
    return made
