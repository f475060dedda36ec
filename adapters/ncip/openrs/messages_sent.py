"""Messages of NCIP for what we tell OpenRS: the whole of an item's way, and that we don't supply (docs/facts/openrs.md
3).

Dates are those of what has happened. Identifiers are OpenRS's own: the number of the request with its suffix, its
barcode of the item, its number of the patron.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from adapters.ncip.dialect import NcipDialect
from adapters.ncip.messages import (
    BibliographicId,
    BibliographicRecordId,
    CancelRequestItem,
    Code,
    Initiation,
    InitiationHeader,
    ItemCheckedIn,
    ItemCheckedOut,
    ItemId,
    ItemReceived,
    ItemRequested,
    ItemShipped,
    PhysicalAddress,
    RequestId,
    RequestItemResponse,
    Response,
    ResponseHeader,
    ShippingInformation,
    UnstructuredAddress,
    UserId,
)
from adapters.ncip.openrs.dialect import OpenRsDialect
from adapters.ncip.openrs.extension import write_cancel_reason, write_request_ext, write_selected_item
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.requests.citation import REQUESTER_PATRON, WANTED_ITEM
from gateway.domain.requests.events import EventKind, ReasonCodes
from gateway.domain.requests.request import Role
from gateway.domain.sentences import Sentence, write_sentence
from gateway.domain.value import value_object
from gateway.ports.partner_channel import PartnerMessage


@value_object
class DeclarationWriter:
    """`ncip`: the names of the two systems; our agency is that of the library unless the profile names another."""

    dialect: OpenRsDialect
    ncip: NcipDialect
    message: PartnerMessage

    def make_header(self) -> InitiationHeader:
        header = self.ncip.header
        return InitiationHeader(
            from_system_id=Code(header.our_system),
            from_agency_id=Code(header.our_agency or self.message.sender.symbol),
            to_system_id=Code(header.partner_system),
            to_agency_id=Code(self.message.receiver.symbol or header.partner_agency),
        )

    def make_response_header(self) -> ResponseHeader:
        header = self.make_header()
        return ResponseHeader(
            from_system_id=header.from_system_id,
            from_agency_id=header.from_agency_id,
            to_system_id=header.to_system_id,
            to_agency_id=header.to_agency_id,
        )

    def make_request_id(self) -> RequestId:
        return RequestId(value=self.message.transaction)

    def make_user_id(self) -> UserId:
        known = (extra.value for extra in self.message.request.extras if extra.name == REQUESTER_PATRON)
        return UserId(
            value=next(known, "")
            or _raise_missing(write_sentence("OpenRS cannot be told: its number for the patron is not known."))
        )

    def make_item_id(self) -> ItemId:
        return ItemId(
            identifier_type=Code(self.dialect.item_id_type) if self.dialect.item_id_type else None,
            value=self._find_barcode()
            or _raise_missing(write_sentence("OpenRS cannot be told: the barcode of the item is not known.")),
        )

    def make_optional_item_id(self) -> ItemId | None:
        return self.make_item_id() if self._find_barcode() else None

    def make_shipping(self) -> ShippingInformation:
        receiver = self.message.receiver
        where = receiver.address or receiver.name or receiver.symbol
        lines = UnstructuredAddress(address_type=Code(self.dialect.address_type), data=where)
        return ShippingInformation(
            physical_address=PhysicalAddress(unstructured=lines, address_type=Code(self.dialect.address_type))
        )

    def make_bibliographic_id(self) -> BibliographicId:
        number = self.message.request.citation.identifier("local") or _raise_missing(
            write_sentence("OpenRS cannot be told: the number of the record is not known.")
        )
        agency = Code(self.ncip.header.our_agency or self.message.sender.symbol)
        return BibliographicId(bibliographic_record_id=BibliographicRecordId(identifier=number, agency_id=agency))

    def _find_barcode(self) -> str:
        """Find the barcode; as a lender that of the copy that goes out, as a borrower the one that OpenRS has named."""
        request = self.message.request
        if request.role is Role.LENDING:
            return self.message.details.barcode or request.item_barcode
        return next((extra.value for extra in request.extras if extra.name == WANTED_ITEM), "")


def _raise_missing(detail: Sentence) -> str:
    raise Refused(RefusalReason.DATA_MISSING, detail, about=MessagePart.RECEIVER)


# --- as a supplier ---------------------------------------------------------------------------------------


def _write_promise(writer: DeclarationWriter) -> Initiation | Response:
    kind, scope = Code(writer.dialect.request_type), Code(writer.dialect.request_scope)
    if writer.dialect.promise == "RequestItemResponse":
        return RequestItemResponse(
            response_header=writer.make_response_header(),
            request_id=writer.make_request_id(),
            item_id=writer.make_item_id(),
            user_id=writer.make_user_id(),
            request_type=kind,
            request_scope_type=scope,
        )
    return ItemRequested(
        initiation_header=writer.make_header(),
        user_id=writer.make_user_id(),
        bibliographic_id=writer.make_bibliographic_id(),
        request_id=writer.make_request_id(),
        request_type=kind,
        request_scope_type=scope,
        ext=write_selected_item(writer.make_item_id().value, writer.dialect.extension),
    )


def _write_not_supplied(writer: DeclarationWriter) -> Initiation:
    details, codes = writer.message.details, writer.dialect.reasons
    reason_codes = ReasonCodes(details.reason) if details.reason in set(ReasonCodes) else None
    code = codes.get(reason_codes, "") if reason_codes is not None else ""
    return CancelRequestItem(
        initiation_header=writer.make_header(),
        user_id=writer.make_user_id(),
        request_id=writer.make_request_id(),
        item_id=writer.make_optional_item_id(),
        request_type=Code(writer.dialect.request_type),
        ext=write_cancel_reason(code or writer.dialect.reason_else, details.note, writer.dialect.extension),
    )


def _write_back(writer: DeclarationWriter) -> Initiation:
    return _write_checked_in(writer) if writer.dialect.back == "ItemCheckedIn" else _write_received(writer)


# --- on either side --------------------------------------------------------------------------------------


def _write_shipped(writer: DeclarationWriter) -> Initiation:
    return ItemShipped(
        initiation_header=writer.make_header(),
        request_id=writer.make_request_id(),
        item_id=writer.make_item_id(),
        date_shipped=writer.message.at,
        shipping_information=writer.make_shipping(),
    )


def _write_received(writer: DeclarationWriter) -> Initiation:
    return ItemReceived(
        initiation_header=writer.make_header(),
        item_id=writer.make_item_id(),
        user_id=writer.make_user_id(),
        request_id=writer.make_request_id(),
        date_received=writer.message.at,
    )


def _write_checked_in(writer: DeclarationWriter) -> Initiation:
    return ItemCheckedIn(
        initiation_header=writer.make_header(),
        user_id=writer.make_user_id(),
        item_id=writer.make_item_id(),
        ext=write_request_ext(writer.message.transaction),
    )


def _write_checked_out(writer: DeclarationWriter) -> Initiation:
    due = writer.message.request.terms.patron_due
    return ItemCheckedOut(
        initiation_header=writer.make_header(),
        user_id=writer.make_user_id(),
        item_id=writer.make_item_id(),
        request_id=writer.make_request_id(),
        date_due=due,
        indeterminate_loan_period_flag=due is None,
    )


# --- all of them -----------------------------------------------------------------------------------------

Writer = Callable[[DeclarationWriter], Initiation | Response]

WRITERS: Mapping[tuple[Role, EventKind], Writer] = {
    (Role.LENDING, EventKind.WILL_SUPPLY): _write_promise,
    (Role.LENDING, EventKind.UNFILLED): _write_not_supplied,
    (Role.LENDING, EventKind.RETRY): _write_not_supplied,
    (Role.LENDING, EventKind.EXPIRED): _write_not_supplied,
    (Role.LENDING, EventKind.FORWARDED): _write_not_supplied,
    (Role.LENDING, EventKind.SHIPPED): _write_shipped,
    (Role.LENDING, EventKind.CHECKED_IN): _write_back,
    (Role.BORROWING, EventKind.RECEIVED): _write_received,
    (Role.BORROWING, EventKind.AT_PICKUP): _write_checked_in,
    (Role.BORROWING, EventKind.LOANED_TO_PATRON): _write_checked_out,
    (Role.BORROWING, EventKind.RETURNED): _write_shipped,
}


def body_of_event(message: PartnerMessage, dialect: OpenRsDialect, ncip: NcipDialect) -> Initiation | Response:
    """Make the body; raises Refused for what OpenRS has no message for, or what is missing for it."""
    write = WRITERS.get((message.role, message.kind))
    if write is None:
        raise Refused(
            RefusalReason.UNSUPPORTED_SERVICE,
            write_sentence("OpenRS has no message for %(value)s.", value=message.kind.value),
        )
    if not (ncip.header.our_system and ncip.header.partner_system):
        raise Refused(
            RefusalReason.DATA_MISSING,
            "The profile does not name both systems (`ncip.header.our_system` and `partner_system`).",
            about=MessagePart.RECEIVER,
        )
    return write(DeclarationWriter(dialect, ncip, message))
