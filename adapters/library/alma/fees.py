"""Fees in Alma: it keeps the mark of a key in the comment."""

from __future__ import annotations

from adapters.library.alma.lookups import AlmaDesk
from adapters.library.alma.records import read_text
from adapters.library.json_fields import Row
from adapters.library.marked_fees import MarkedFeeDesk
from adapters.library.own_marks import write_marked_note
from adapters.library.refusals import make_refusal
from gateway.domain.library import Charge, Patron
from gateway.domain.problems import OutcomeUnknown, RefusalReason
from gateway.domain.sentences import write_about, write_sentence
from gateway.ports.library_operations import Fee

_TITLE = "/users/{user_id}/fees"


class AlmaFeeDesk(MarkedFeeDesk[AlmaDesk]):
    async def _require_patron(self, patron_id: str) -> Patron:
        return await self.desk.require_patron(patron_id)

    async def _write_row(self, fee: Fee, key: str) -> Row:
        options = self.desk.options
        return {
            "type": {"value": options.fee_types.get(fee.type, fee.type)},
            "original_amount": float(fee.amount.amount),
            "owner": {"value": options.library},
            "comment": write_marked_note(key, fee.request_id, fee.description),
            **({"item_barcode": fee.item_barcode} if fee.item_barcode else {}),
        }

    async def _list_rows(self, patron_id: str) -> tuple[Row, ...]:
        answer = await self.desk.client.get_row("users", patron_id, "fees", title=_TITLE, query={"status": "ACTIVE"})
        if answer is None:
            raise make_refusal(RefusalReason.UNKNOWN_PATRON)
        rows = answer.get("fee") or ()
        return tuple(row for row in rows if isinstance(row, dict))

    async def _send_row(self, patron_id: str, row: Row) -> Row:
        made = await self.desk.client.send_row("POST", "users", patron_id, "fees", title=_TITLE, row=row)
        if "id" not in made:
            raise OutcomeUnknown(write_about("Alma", write_sentence("the answer has no fee")))
        return made

    def _read_note(self, row: Row) -> str:
        return read_text(row, "comment")

    def _read_charge(self, row: Row, patron_id: str) -> Charge:
        return self.desk.reader.read_charge(row, patron_id)
