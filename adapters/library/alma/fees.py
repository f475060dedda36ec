"""Fees in Alma, each posted at most once: Alma keeps no key of ours but in the comment, where it is looked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from adapters.library.alma.lookups import AlmaDesk
from adapters.library.alma.records import Row, make_comment, make_mark, read_text
from adapters.library.change_sending import CHARGE_JSON, report_doubles
from adapters.library.parallel_questions import ask_together
from adapters.library.refusals import make_refusal
from gateway.domain.library import Charge
from gateway.domain.problems import OutcomeUnknown, RefusalReason
from gateway.domain.value import value_object
from gateway.ports.library_changes import ChangeKind, LibraryChange
from gateway.ports.library_operations import Fee

_TITLE = "/users/{user_id}/fees"


@value_object
class AlmaFeeDesk:
    desk: AlmaDesk

    async def post_fee(self, fee: Fee, key: str) -> Charge:
        desk = self.desk
        if fee.amount.amount <= 0 or fee.amount.currency != desk.reader.currency:
            raise make_refusal(RefusalReason.INVALID_AMOUNT)
        before, patron = await ask_together(
            desk.changes.find_change(ChangeKind.FEE, key), desk.require_patron(fee.patron_id)
        )
        if before is not None and before.ended is not None:
            return CHARGE_JSON.validate_json(before.value)
        mark = make_mark(key)
        change = LibraryChange(ChangeKind.FEE, key, fee.item_barcode, patron.id, desk.now(), request_id=fee.request_id)
        number = f"ILL {fee.request_id}" if fee.request_id else ""
        row: dict[str, Any] = {
            "type": {"value": desk.options.fee_types.get(fee.type, fee.type)},
            "original_amount": float(fee.amount.amount),
            "owner": {"value": desk.options.library},
            "comment": make_comment(number, fee.description, mark),
            **({"item_barcode": fee.item_barcode} if fee.item_barcode else {}),
        }

        async def list_made_fees() -> tuple[Row, ...]:
            rows = await self._ask_rows(patron.id)
            return tuple(row for row in rows if mark in read_text(row, "comment").split())

        async def find_made_fee() -> Row | None:
            return next(iter(await list_made_fees()), None)

        async def list_made_numbers() -> tuple[str, ...]:
            return tuple(read_text(made_fee, "id") for made_fee in await list_made_fees())

        async def send_fee() -> Row:
            made = await desk.client.send_row("POST", "users", patron.id, "fees", title=_TITLE, row=row)
            if "id" not in made:
                raise OutcomeUnknown("Alma: the answer has no fee")
            return made

        sent = await find_made_fee() if before is not None else None
        if sent is None:
            sent = await desk.send_change(change, send_fee, find_made_fee, before=before)
        read = desk.reader.read_charge(sent, patron.id)
        charge = replace(
            read,
            key=key,
            type=fee.type,
            description=fee.description,
            request_id=fee.request_id,
            item_barcode=fee.item_barcode,
        )
        await desk.end_change(change, charge)
        await report_doubles(ChangeKind.FEE, list_made_numbers)
        return charge

    async def list_charges(self, patron_id: str) -> tuple[Charge, ...]:
        """Unpaid ones, oldest first. Raises Refused(UNKNOWN_PATRON), Unavailable."""
        desk = self.desk
        rows, changes = await ask_together(self._ask_rows(patron_id), desk.changes.changes_of_patron(patron_id))
        ours = {change.record_id: change for change in changes if change.kind is ChangeKind.FEE and change.value}
        charges: list[Charge] = []
        for row in rows:
            charge = desk.reader.read_charge(row, patron_id)
            if charge.paid >= charge.amount.amount:
                continue
            known = ours.get(charge.id)
            charges.append(
                replace(CHARGE_JSON.validate_json(known.value), paid=charge.paid) if known is not None else charge
            )
        return tuple(sorted(charges, key=lambda charge: (charge.posted, charge.id)))

    async def _ask_rows(self, patron_id: str) -> tuple[Row, ...]:
        """Ask for rows; raises Refused(UNKNOWN_PATRON), Unavailable."""
        answer = await self.desk.client.get_row("users", patron_id, "fees", title=_TITLE, query={"status": "ACTIVE"})
        if answer is None:
            raise make_refusal(RefusalReason.UNKNOWN_PATRON)
        rows = answer.get("fee") or ()
        return tuple(row for row in rows if isinstance(row, dict))
