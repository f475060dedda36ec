"""Values of the library -> parts of answers; shared by all services."""

from __future__ import annotations

from adapters.ncip.dialect import NcipDialect
from adapters.ncip.dialect.answers import Part
from adapters.ncip.messages import (
    Amount,
    Code,
    Initiation,
    ItemId,
    RequestId,
    UserId,
)
from adapters.ncip.values import RequestStatus
from adapters.ncip.versions import Version
from gateway.domain.frozen import frozen
from gateway.domain.library import (
    Hold,
    HoldStatus,
    Item,
    Money,
    Patron,
)
from gateway.ports.protocol import Conversation


@frozen
class Writer:
    """What wording an answer needs to know beside the result."""

    dialect: NcipDialect
    talk: Conversation
    service: str
    version: Version

    @property
    def version1(self) -> bool:
        return self.version.is_v1

    def wants(self, part: Part) -> bool:
        return part in self.dialect.answers.include.get(self.service, ())

    @property
    def our_agency(self) -> str:
        return self.dialect.header.our_agency or self.talk.symbol

    def agency(self, sent: Code | None) -> Code | None:
        """AgencyId on an id that we write."""
        mode = self.dialect.header.ids_agency
        if mode == "never" and not self.version1:
            return None
        if sent is not None and sent.value:
            return sent
        if mode == "always" or self.version1:
            return self.agency_code()
        return None

    def agency_code(self) -> Code:
        return Code(self.our_agency, self.dialect.header.agency_scheme or None)


# --- identifiers -----------------------------------------------------------------------------------------


def code(text: str, fallback: Code | None = None) -> Code | None:
    return Code(text) if text else fallback


def user_id(patron: Patron, sent: UserId | None, writer: Writer) -> UserId:
    rules = writer.dialect.patrons
    agency = writer.agency(sent.agency_id if sent else None)
    if rules.id_returned == "as-sent" and sent is not None and sent.value:
        return UserId(agency_id=agency, identifier_type=code(rules.id_type, sent.identifier_type), value=sent.value)
    kind: str = "barcode" if rules.id_returned == "as-sent" else rules.id_returned
    value = patron.id if kind == "internal" else patron.identifier(kind)
    if value is None:  # the library has no such identifier for this patron: any that it has names them
        kind, value = (
            (patron.identifiers[0].type, patron.identifiers[0].value) if patron.identifiers else ("", patron.id)
        )
    return UserId(agency_id=agency, identifier_type=code(rules.id_type or rules.id_types.get(kind, "")), value=value)


def item_id(barcode: str, sent: ItemId | None, writer: Writer) -> ItemId:
    """The item's id as sent, or its barcode where none was sent."""
    echoed = sent is not None and bool(sent.value)
    return ItemId(
        agency_id=writer.agency(sent.agency_id if sent else None),
        identifier_type=code(writer.dialect.items.id_type, sent.identifier_type if sent and echoed else None),
        value=sent.value if sent is not None and echoed else barcode,
    )


def request_id(value: str, sent: RequestId | None, writer: Writer) -> RequestId | None:
    """The request's number as sent, else ours; None when there is none."""
    if sent is not None and sent.value:
        kind = code(writer.dialect.requests.id_type, sent.identifier_type)
        return RequestId(agency_id=writer.agency(sent.agency_id), identifier_type=kind, value=sent.value)
    if not value:
        return None
    return RequestId(agency_id=writer.agency(None), identifier_type=code(writer.dialect.requests.id_type), value=value)


def amount(money: Money) -> Amount:
    return Amount.of(money)


# --- requests ---------------------------------------------------------------------------------------------

HOLD_STATUSES = {
    HoldStatus.WAITING: RequestStatus.IN_PROCESS,
    HoldStatus.PAGED: RequestStatus.IN_PROCESS,
    HoldStatus.IN_TRANSIT: RequestStatus.IN_PROCESS,
    HoldStatus.READY: RequestStatus.AVAILABLE_FOR_PICKUP,
    HoldStatus.FILLED: RequestStatus.IN_PROCESS,
    HoldStatus.CANCELLED: RequestStatus.CANNOT_FULFILL_REQUEST,
    HoldStatus.EXPIRED: RequestStatus.EXPIRED,
}


def request_status(status: HoldStatus, writer: Writer) -> Code:
    return Code(writer.dialect.requests.statuses.get(status) or HOLD_STATUSES[status])


def request_type(sent: Code | None, hold: Hold, writer: Writer) -> Code:
    """The word that the partner used; ours where it used none."""
    if sent is not None and sent.value:
        return sent
    words = writer.dialect.requests.type_words.items()
    return Code(next((text for kind, text in words if kind == hold.kind), "Hold"))


def request_scope(sent: Code | None, hold: Hold, writer: Writer) -> Code:
    if sent is not None and sent.value:
        return sent
    return Code(writer.dialect.requests.scope_words.get("item" if hold.item_id else "title", "Item"))


def pickup_location(pickup: str, writer: Writer) -> Code | None:
    return Code(pickup, writer.dialect.requests.pickup_scheme or None) if pickup else None


# --- what several services need -----------------------------------------------------------------------------


def title(text: str, writer: Writer) -> str | None:
    return text or None if writer.dialect.answers.echo_titles else None


def sent_elements(message: Initiation) -> tuple[tuple[Code, ...], tuple[Code, ...]]:
    """ItemElementTypes and UserElementTypes that a request asks for."""
    return getattr(message, "item_element_types", ()), getattr(message, "user_element_types", ())


def barcode_of(item: Item | None) -> str:
    """Empty for an item that is gone already; then its id is echoed as sent."""
    return item.barcode if item is not None else ""
