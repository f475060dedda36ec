"""Headers of what the gateway says to a partner."""

from __future__ import annotations

from adapters.iso18626.mapping.identities import MappingContext, agency_of_symbol
from adapters.iso18626.messages.declaration import SchemaVersion
from adapters.iso18626.messages.structures import (
    AgencyId,
    Header,
    RequesterHeader,
    SupplierHeader,
)
from gateway.domain.requests.request import Role
from gateway.ports.partner_channel import PartnerMessage


def _write_parties(message: PartnerMessage, context: MappingContext) -> tuple[AgencyId, AgencyId]:
    """Requester and supplier; of what we broker the library on the other side in place of us, where the partner is to
    know of it."""
    symbols, side = context.dialect.symbols, message.on_behalf_of
    ours = agency_of_symbol(side.symbol if side is not None else symbols.ours or message.sender.symbol, symbols)
    theirs = agency_of_symbol(symbols.theirs or message.receiver.symbol, symbols)
    return (ours, theirs) if message.role is Role.BORROWING else (theirs, ours)


def write_request_header(message: PartnerMessage, context: MappingContext) -> Header:
    requester, supplier = _write_parties(message, context)
    return Header(
        supplying_agency=supplier,
        requesting_agency=requester,
        multiple_item_request_id="" if context.dialect.schema_version is SchemaVersion.V1_2 else None,
        timestamp=message.at,
        requesting_agency_request_id=message.transaction,
    )


def write_requester_header(message: PartnerMessage, context: MappingContext) -> RequesterHeader:
    requester, supplier = _write_parties(message, context)
    attempt = next((one for one in message.request.attempts if one.transaction == message.transaction), None)
    return RequesterHeader(
        supplying_agency=supplier,
        requesting_agency=requester,
        timestamp=message.at,
        requesting_agency_request_id=message.transaction,
        supplying_agency_request_id=(attempt.theirs if attempt is not None else "") or None,
    )


def write_supplier_header(message: PartnerMessage, context: MappingContext) -> SupplierHeader:
    requester, supplier = _write_parties(message, context)
    return SupplierHeader(
        supplying_agency=supplier,
        requesting_agency=requester,
        timestamp=message.at,
        requesting_agency_request_id=message.transaction,
        supplying_agency_request_id=message.request.number or None,
    )
