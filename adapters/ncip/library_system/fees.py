"""Fees on a system that answers NCIP, each posted at most once."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

from adapters.library.change_sending import CHARGE_JSON
from adapters.library.refusals import make_refusal
from adapters.ncip.client import MessageValues
from adapters.ncip.library_system.lookups import NcipDesk
from adapters.ncip.library_system.records import ListedFee
from adapters.ncip.messages import CreateUserFiscalTransactionResponse
from gateway.domain.library import Charge
from gateway.domain.problems import RefusalReason
from gateway.domain.value import replace, value_object
from gateway.ports.library_changes import ChangeKind, LibraryChange
from gateway.ports.library_operations import Fee


@value_object
class NcipFeeDesk:
    desk: NcipDesk

    async def list_charges(self, patron_id: str) -> tuple[Charge, ...]:
        """Oldest first; of ours with what we know besides."""
        answer = await self.desk.ask_patron(patron_id)
        changes = await self.desk.changes.changes_of_patron(patron_id)
        posted = _read_posted_charges(changes)
        charges = [self._match_posted(fee, posted) or self._describe_charge(patron_id, fee) for fee in answer.fees]
        return tuple(sorted(charges, key=lambda charge: charge.posted))

    def _match_posted(self, fee: ListedFee, posted: dict[str, Charge]) -> Charge | None:
        """Ours, by its number; some systems list it under another than they have answered. Then one of the same sum,
        type and time. It is taken out of `posted`."""
        alike = (number for number, charge in posted.items() if _is_alike(fee, charge, charge.posted))
        reference = fee.reference if fee.reference in posted else next(alike, "")
        return posted.pop(reference) if reference else None

    def _describe_charge(self, patron_id: str, fee: ListedFee) -> Charge:
        return Charge(
            id=fee.reference,
            key="",
            patron_id=patron_id,
            type=fee.type,
            amount=fee.amount,
            posted=fee.posted or self.desk.now(),
            description=fee.description,
            item_barcode=fee.barcode,
            request_id=fee.request_id,
        )

    async def post_fee(self, wish: Fee, key: str) -> Charge:
        desk = self.desk
        if wish.amount.amount <= 0 or wish.amount.currency != desk.reader.currency:
            raise make_refusal(RefusalReason.INVALID_AMOUNT)
        before = await desk.changes.find_change(ChangeKind.FEE, key)
        if before is not None and before.ended is not None:
            return CHARGE_JSON.validate_json(before.value)
        draft = Charge(
            id=before.record_id if before is not None else uuid4().hex,
            key=key,
            patron_id=wish.patron_id,
            type=wish.type,
            amount=wish.amount,
            posted=before.begun if before is not None else desk.now(),
            description=wish.description,
            item_barcode=wish.item_barcode,
            request_id=wish.request_id,
        )
        change = LibraryChange(
            kind=ChangeKind.FEE,
            key=key,
            barcode=wish.item_barcode,
            patron_id=wish.patron_id,
            begun=draft.posted,
            request_id=wish.request_id,
            record_id=draft.id,
            value=CHARGE_JSON.dump_json(draft).decode(),
        )

        async def find_it_done() -> Charge | None:
            return await self._find_posted(change, draft)

        if before is not None and (charge := await find_it_done()) is not None:
            return charge
        values = MessageValues(
            patron=wish.patron_id,
            amount=wish.amount,
            fee_type=wish.type,
            reference=draft.id,
            description=wish.description,
            items=(wish.item_barcode,) if wish.item_barcode else (),
            request=wish.request_id,
        )
        sent = await desk.send_change(
            change,
            lambda: desk.client.change(CreateUserFiscalTransactionResponse, values),
            find_it_done,
            before=before,
        )
        if isinstance(sent, Charge):
            return sent
        reference = sent.fiscal_transaction_reference_id
        if (reference is None or not reference.value) and (sent.user_id is None or not sent.user_id.value):
            # FOLIO's way to pass over what it doesn't charge
            await desk.changes.drop_change(change.kind, change.key)
            raise make_refusal(RefusalReason.NOT_ALLOWED, "an answer that names neither a fee nor a patron")
        return await self._end_posting(change, draft, reference.value if reference is not None else "")

    async def _find_posted(self, change: LibraryChange, draft: Charge) -> Charge | None:
        """One with our reference; else the only one of this sum and type that was posted since and isn't another's."""
        desk = self.desk
        if "fees" not in desk.options.patrons.lists:
            return None
        fees = (await desk.ask_patron(draft.patron_id)).fees
        ours = next((fee for fee in fees if fee.reference == draft.id), None)
        if ours is None:
            changes = await desk.changes.changes_of_patron(draft.patron_id)
            posted_charges = _read_posted_charges(changes)
            alike = [fee for fee in fees if _is_alike(fee, draft, change.begun) and fee.reference not in posted_charges]
            ours = alike[0] if len(alike) == 1 else None
        return await self._end_posting(change, draft, ours.reference) if ours is not None else None

    async def _end_posting(self, change: LibraryChange, draft: Charge, reference: str) -> Charge:
        charge = replace(draft, id=reference or draft.id)
        return await self.desk.end_change(change, charge)


def _read_posted_charges(changes: tuple[LibraryChange, ...]) -> dict[str, Charge]:
    """Those that we have posted, by the number that the system gave them."""
    posted = (change for change in changes if change.kind is ChangeKind.FEE and change.ended is not None)
    return {charge.id: charge for charge in (CHARGE_JSON.validate_json(change.value) for change in posted)}


def _is_alike(fee: ListedFee, draft: Charge, begun: datetime) -> bool:
    same = fee.amount == draft.amount and fee.type.casefold() == draft.type.casefold()
    return same and (fee.posted is None or fee.posted >= begun)
