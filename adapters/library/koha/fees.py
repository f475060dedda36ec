"""Fees in Koha, each posted at most once: Koha keeps no key of ours but in a note, where it is looked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from adapters.library.change_sending import CHARGE_JSON, report_doubles
from adapters.library.koha.client import Row
from adapters.library.koha.lookups import KohaDesk
from adapters.library.koha.records import make_mark, read_number, read_text
from adapters.library.parallel_questions import ask_together
from adapters.library.refusals import make_refusal
from gateway.domain.library import Charge
from gateway.domain.problems import OutcomeUnknown, RefusalReason
from gateway.domain.value import value_object
from gateway.ports.library_changes import ChangeKind, LibraryChange
from gateway.ports.library_operations import Fee


@value_object
class KohaFeeDesk:
    desk: KohaDesk

    async def post_fee(self, fee: Fee, key: str) -> Charge:
        """Koha keeps no key of ours but in a note: there it is looked for before anything is sent again."""
        desk = self.desk
        if fee.amount.amount <= 0 or fee.amount.currency != desk.reader.currency:
            raise make_refusal(RefusalReason.INVALID_AMOUNT)
        before, patron, item = await ask_together(
            desk.changes.find_change(ChangeKind.FEE, key),
            desk.require_borrower(fee.patron_id),
            desk.ask_item(fee.item_barcode),
        )
        if before is not None and before.ended is not None:
            return CHARGE_JSON.validate_json(before.value)
        mark = make_mark(key)
        change = LibraryChange(ChangeKind.FEE, key, fee.item_barcode, patron.id, desk.now(), request_id=fee.request_id)
        notes = (f"ILL {fee.request_id}" if fee.request_id else "", mark)
        row: dict[str, Any] = {
            "amount": float(fee.amount.amount),
            "type": desk.options.fee_types.get(fee.type, fee.type),
            "description": fee.description or fee.type,
            "internal_note": " ".join(part for part in notes if part),
            **({"item_id": int(item.item.id)} if item is not None else {}),
        }

        async def list_made_fees() -> tuple[Row, ...]:
            rows = await self.list_rows(patron.id)
            return tuple(row for row in rows if mark in read_text(row, "internal_note").split())

        async def find_made_fee() -> Row | None:
            return next(iter(await list_made_fees()), None)

        async def list_made_numbers() -> tuple[str, ...]:
            return tuple(read_number(made_fee, "account_line_id") for made_fee in await list_made_fees())

        async def send_fee() -> Row:
            title = "/patrons/{patron_id}/account/debits"
            made = await desk.client.send_row("POST", "patrons", patron.id, "account", "debits", title=title, row=row)
            if not isinstance(made, dict):
                raise OutcomeUnknown("Koha: the answer has no fee")
            return made

        sent = await find_made_fee() if before is not None else None
        if sent is None:
            sent = await desk.send_change(change, send_fee, find_made_fee, before=before)
        read = desk.reader.read_charge(sent)
        charge = replace(read, key=key, type=fee.type, request_id=fee.request_id, item_barcode=fee.item_barcode)
        await desk.end_change(change, charge)
        await report_doubles(ChangeKind.FEE, list_made_numbers)
        return charge

    async def list_charges(self, patron_id: str) -> tuple[Charge, ...]:
        """Unpaid ones, oldest first. Raises Refused(UNKNOWN_PATRON), Unavailable."""
        desk = self.desk
        patron, rows, changes = await ask_together(
            desk.ask_patron_row(patron_id), self.list_rows(patron_id), desk.changes.changes_of_patron(patron_id)
        )
        if patron is None:
            raise make_refusal(RefusalReason.UNKNOWN_PATRON)
        ours = {change.record_id: change for change in changes if change.kind is ChangeKind.FEE and change.value}
        charges: list[Charge] = []
        for charge in map(desk.reader.read_charge, rows):
            if charge.paid >= charge.amount.amount:
                continue
            known = ours.get(charge.id)
            charges.append(
                replace(CHARGE_JSON.validate_json(known.value), paid=charge.paid) if known is not None else charge
            )
        return tuple(sorted(charges, key=lambda charge: (charge.posted, int(charge.id))))

    async def list_rows(self, patron_id: str) -> tuple[Row, ...]:
        if not (patron_id.isascii() and patron_id.isdigit()):
            raise make_refusal(RefusalReason.UNKNOWN_PATRON)
        return await self.desk.client.find_rows(
            "patrons", patron_id, "account", "debits", title="/patrons/{patron_id}/account/debits"
        )
