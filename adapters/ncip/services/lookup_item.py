"""LookupItem: where is this item, and may it be had?"""

from __future__ import annotations

from adapters.ncip.messages import ItemTransaction, LookupItem, LookupItemResponse
from adapters.ncip.services import item_parts, wording
from adapters.ncip.services.reading import Reader, named
from adapters.ncip.services.wording import Writer
from gateway.domain.commands import ItemFound, LookUpItem
from gateway.domain.problems import About, Reason, Refused


def read_lookup_item(message: LookupItem, _reader: Reader) -> LookUpItem:
    item, request = named(message.item_id), named(message.request_id)
    if item is None and request is None:
        raise Refused(Reason.DATA_MISSING, "Neither ItemId nor RequestId says which item is meant.", about=About.ITEM)
    return LookUpItem(
        item, request, borrower=message.current_borrower_desired, requesters=message.current_requesters_desired
    )


def write_lookup_item_response(found: ItemFound, message: LookupItem, writer: Writer) -> LookupItemResponse:
    wanted = item_parts.item_elements(message.item_element_types, writer)
    transaction = None
    if found.borrower is not None or found.requesters:
        transaction = ItemTransaction(
            current_borrower=wording.user_id(found.borrower, None, writer) if found.borrower is not None else None,
            current_requesters=tuple(wording.user_id(patron, None, writer) for patron in found.requesters),
        )
    by_request = message.request_id is not None and message.item_id is None
    return LookupItemResponse(
        request_id=wording.request_id("", message.request_id, writer) if by_request else None,
        item_id=wording.item_id(found.item.barcode, message.item_id, writer),
        date_recalled=found.loan.recalled if found.loan is not None else None,
        item_transaction=transaction,
        item_optional_fields=item_parts.item_fields(found.item, found.bib, wanted, writer),
    )
