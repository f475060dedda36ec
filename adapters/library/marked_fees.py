"""Fees in a library system that keeps no key of ours but in a note: each is posted at most once, since it is looked for
there before anything is sent again. The calls are each system's own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from adapters.library.change_sending import CHARGE_JSON, ChangeDesk, report_doubles
from adapters.library.json_fields import Row
from adapters.library.own_marks import make_mark
from adapters.library.parallel_questions import ask_together
from adapters.library.refusals import make_refusal
from gateway.domain.library import Charge, Patron
from gateway.domain.problems import RefusalReason
from gateway.domain.value import replace
from gateway.ports.library_changes import ChangeKind, LibraryChange
from gateway.ports.library_operations import Fee

DeskT = TypeVar("DeskT", bound=ChangeDesk)


class MarkedFeeDesk(ABC, Generic[DeskT]):
    def __init__(self, desk: DeskT, currency: str) -> None:
        self.desk = desk
        self._currency = currency

    async def post_fee(self, fee: Fee, key: str) -> Charge:
        desk = self.desk
        if fee.amount.amount <= 0 or fee.amount.currency != self._currency:
            raise make_refusal(RefusalReason.INVALID_AMOUNT)
        before, patron, row = await ask_together(
            desk.changes.find_change(ChangeKind.FEE, key),
            self._require_patron(fee.patron_id),
            self._write_row(fee, key),
        )
        if before is not None and before.ended is not None:
            return CHARGE_JSON.validate_json(before.value)
        mark = make_mark(key)
        change = LibraryChange(ChangeKind.FEE, key, fee.item_barcode, patron.id, desk.now(), request_id=fee.request_id)

        async def list_made_fees() -> tuple[Row, ...]:
            rows = await self._list_rows(patron.id)
            return tuple(row for row in rows if mark in self._read_note(row).split())

        async def find_made_fee() -> Row | None:
            return next(iter(await list_made_fees()), None)

        async def list_made_numbers() -> tuple[str, ...]:
            return tuple(self._read_charge(made_fee, patron.id).id for made_fee in await list_made_fees())

        async def send_fee() -> Row:
            return await self._send_row(patron.id, row)

        sent = await find_made_fee() if before is not None else None
        if sent is None:
            sent = await desk.send_change(change, send_fee, find_made_fee, before=before)
        charge = replace(
            self._read_charge(sent, patron.id),
            key=key,
            type=fee.type,
            description=self._describe_fee(fee),
            request_id=fee.request_id,
            item_barcode=fee.item_barcode,
        )
        await desk.end_change(change, charge)
        await report_doubles(ChangeKind.FEE, list_made_numbers)
        return charge

    async def list_charges(self, patron_id: str) -> tuple[Charge, ...]:
        """Unpaid ones, oldest first. Raises Refused(UNKNOWN_PATRON), Unavailable."""
        rows, changes = await ask_together(self._list_rows(patron_id), self.desk.changes.changes_of_patron(patron_id))
        ours = {change.record_id: change for change in changes if change.kind is ChangeKind.FEE and change.value}
        charges: list[Charge] = []
        for charge in (self._read_charge(row, patron_id) for row in rows):
            if charge.paid >= charge.amount.amount:
                continue
            known = ours.get(charge.id)
            charges.append(
                replace(CHARGE_JSON.validate_json(known.value), paid=charge.paid) if known is not None else charge
            )
        return tuple(sorted(charges, key=lambda charge: (charge.posted, len(charge.id), charge.id)))

    def _describe_fee(self, fee: Fee) -> str:
        return fee.description

    @abstractmethod
    async def _require_patron(self, patron_id: str) -> Patron:
        """Load a patron; raises Refused(UNKNOWN_PATRON), Unavailable."""

    @abstractmethod
    async def _write_row(self, fee: Fee, key: str) -> Row:
        """Write the fee as the system takes it, with the mark. Raises Unavailable."""

    @abstractmethod
    async def _list_rows(self, patron_id: str) -> tuple[Row, ...]:
        """List the fees of a patron; raises Refused(UNKNOWN_PATRON), Unavailable."""

    @abstractmethod
    async def _send_row(self, patron_id: str, row: Row) -> Row:
        """Post a fee; raises Refused, Unavailable, OutcomeUnknown."""

    @abstractmethod
    def _read_note(self, row: Row) -> str: ...

    @abstractmethod
    def _read_charge(self, row: Row, patron_id: str) -> Charge: ...
