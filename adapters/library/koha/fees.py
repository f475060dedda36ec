"""Fees in Koha: it keeps the mark of a key in the internal note."""

from __future__ import annotations

from adapters.library.json_fields import Row
from adapters.library.koha.lookups import KohaDesk
from adapters.library.koha.records import read_text
from adapters.library.marked_fees import MarkedFeeDesk
from adapters.library.own_marks import write_marked_note
from adapters.library.parallel_questions import ask_together
from adapters.library.refusals import make_refusal
from gateway.domain.library import Charge, Patron
from gateway.domain.problems import OutcomeUnknown, RefusalReason
from gateway.domain.sentences import write_about, write_sentence
from gateway.ports.library_operations import Fee

_TITLE = "/patrons/{patron_id}/account/debits"


class KohaFeeDesk(MarkedFeeDesk[KohaDesk]):
    async def list_charges(self, patron_id: str) -> tuple[Charge, ...]:
        """Koha lists none for a patron whom it doesn't know."""
        patron, charges = await ask_together(self.desk.ask_patron_row(patron_id), super().list_charges(patron_id))
        if patron is None:
            raise make_refusal(RefusalReason.UNKNOWN_PATRON)
        return charges

    def _describe_fee(self, fee: Fee) -> str:
        return fee.description or fee.type

    async def _require_patron(self, patron_id: str) -> Patron:
        return await self.desk.require_borrower(patron_id)

    async def _write_row(self, fee: Fee, key: str) -> Row:
        item = await self.desk.ask_item(fee.item_barcode)
        return {
            "amount": float(fee.amount.amount),
            "type": self.desk.options.fee_types.get(fee.type, fee.type),
            "description": self._describe_fee(fee),
            "internal_note": write_marked_note(key, fee.request_id),
            **({"item_id": int(item.item.id)} if item is not None else {}),
        }

    async def _list_rows(self, patron_id: str) -> tuple[Row, ...]:
        if not (patron_id.isascii() and patron_id.isdigit()):
            raise make_refusal(RefusalReason.UNKNOWN_PATRON)
        return await self.desk.client.find_rows("patrons", patron_id, "account", "debits", title=_TITLE)

    async def _send_row(self, patron_id: str, row: Row) -> Row:
        made = await self.desk.client.send_row("POST", "patrons", patron_id, "account", "debits", title=_TITLE, row=row)
        if not isinstance(made, dict):
            raise OutcomeUnknown(write_about("Koha", write_sentence("the answer has no fee")))
        return made

    def _read_note(self, row: Row) -> str:
        return read_text(row, "internal_note")

    def _read_charge(self, row: Row, patron_id: str) -> Charge:
        return self.desk.reader.read_charge(row, patron_id)
