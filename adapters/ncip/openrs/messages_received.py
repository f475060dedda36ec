"""Events of requests and commands that OpenRS declares (docs/facts/openrs.md 2)."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b

from adapters.ncip.messages import (
    AcceptItem,
    ItemId,
    ItemShipped,
    RequestId,
    RequestItem,
    ShippingInformation,
)
from adapters.ncip.openrs.dialect import SECTION, OpenRsDialect
from adapters.ncip.openrs.extension import ShippingContext, read_shipping_context
from adapters.ncip.services.command_reader import (
    CommandReader,
    description_of_fields,
    read_bib,
    read_call_number,
    read_record_ids,
    require_value,
    text_of_code,
)
from gateway.domain.commands import Named, PatronRef, PlaceRequest
from gateway.domain.library import Bib
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.requests.citation import REQUESTER_PATRON, WANTED_ITEM, Citation, CitationExtra, CitationType
from gateway.domain.requests.drafts import BorrowingDraft, LendingDraft
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import (
    LibraryParty,
    Role,
    SupplyPromise,
)
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.partner_channel import IncomingPartnerMessage

OF_BARCODE = "barcode"


@value_object
class DeclarationReader:
    """`command`: the reader of NCIP's own parts."""

    dialect: OpenRsDialect
    command: CommandReader

    @property
    def our_agency(self) -> str:
        return self.command.dialect.header.our_agency or self.command.exchange_context.symbol


def read_request_item(message: RequestItem, raw: bytes, reader: DeclarationReader) -> IncomingPartnerMessage:
    """We are the supplier. Raises Refused."""
    number = _require_number(message.request_id, reader.dialect.supplier_suffix, reader)
    barcode, others = _read_item_ids(message.item_ids, reader.dialect)
    records = read_record_ids(message.bibliographic_ids, reader.command)
    bib = read_bib(description_of_fields(message.item_optional_fields), reader.command)
    if not records and not barcode:
        raise Refused(
            RefusalReason.DATA_MISSING,
            "ItemId or BibliographicId is required.",
            about=MessagePart.ITEM,
        )
    shipping = message.shipping_information or ShippingInformation()
    context = read_shipping_context(shipping.ext, reader.dialect.extension)
    patron = message.user_id.value if message.user_id is not None else ""
    citation = _citation_of_bib(replace(bib, identifiers=(*records, *bib.identifiers)), barcode)
    request = LendingDraft(
        citation=replace(citation, call_number=read_call_number(message.item_optional_fields)),
        requester=LibraryParty(
            symbol=reader.command.sender,
            name=context.find_value("borrowing-library"),
            address=_read_address(shipping, context),
        ),
        transaction=number,
        extras=tuple(_iterate_request_extras(barcode, others, patron, context)),
        source="partner",
    )
    return _make_event(EventKind.REQUEST, number, raw, reader, request)


def read_item_shipped(message: ItemShipped, raw: bytes, reader: DeclarationReader) -> IncomingPartnerMessage:
    """Our item is on its way back. Raises Refused."""
    number = _require_number(message.request_id, reader.dialect.supplier_suffix, reader)
    return _make_event(EventKind.RETURNED, number, raw, reader)


def read_accept_item(message: AcceptItem, reader: DeclarationReader) -> PlaceRequest:
    """We are the borrower: another library has promised the item to a patron of ours. Raises Refused."""
    number = _require_number(message.request_id, reader.dialect.borrower_suffix, reader)
    action = text_of_code(message.requested_action_type)
    if action.strip().lower() not in reader.dialect.accept_actions:
        raise Refused(
            RefusalReason.INVALID_VALUE,
            "This RequestedActionType is not supported.",
            about=MessagePart.ACTION,
            value=action,
        )
    patron = require_value(message.user_id, MessagePart.PATRON, "UserId")
    item = message.item_id
    barcode = item.value if item is not None else ""
    bib = read_bib(description_of_fields(message.item_optional_fields), reader.command)
    draft = BorrowingDraft(
        citation=_citation_of_bib(bib, barcode),
        extras=(CitationExtra(REQUESTER_PATRON, patron.value),),
        source=SECTION,
    )
    return PlaceRequest(
        patron=PatronRef(id=patron),
        request=Named(number),
        wanted=draft,
        promise=SupplyPromise(symbol=reader.command.sender, transaction=number, barcode=barcode),
    )


def _require_number(request_id: RequestId | None, suffix: str, reader: DeclarationReader) -> str:
    """Require a number, also that we are meant. Raises Refused."""
    receiver = reader.command.receiver
    if receiver and receiver.casefold() != reader.our_agency.casefold():
        raise Refused(
            RefusalReason.UNKNOWN_AGENCY,
            "Library not found.",
            about=MessagePart.RECEIVER,
            value=receiver,
        )
    number = require_value(request_id, MessagePart.REQUEST, "RequestId").value
    if not number.endswith(suffix):
        raise Refused(
            RefusalReason.INVALID_VALUE,
            write_sentence("RequestIdentifierValue does not end with %(suffix)s.", suffix=suffix),
            about=MessagePart.REQUEST,
            value=number,
        )
    return number


def _read_item_ids(ids: tuple[ItemId, ...], dialect: OpenRsDialect) -> tuple[str, tuple[ItemId, ...]]:
    """The barcode (of an id without type as well), and what else the item is called."""
    wanted = dialect.item_id_type.casefold()
    barcodes = [item_id for item_id in ids if text_of_code(item_id.identifier_type).casefold() in ("", wanted)]
    others = tuple(item_id for item_id in ids if item_id not in barcodes)
    return (barcodes[0].value if barcodes else ""), others


def _read_address(shipping: ShippingInformation, context: ShippingContext) -> str:
    """Lines as on a parcel: the pickup place, and its address where one is known."""
    physical = shipping.physical_address
    plain = physical.unstructured.data if physical is not None and physical.unstructured is not None else ""
    place, address = context.find_value("pickup-place"), context.find_value("pickup-address")
    return "\n".join(filter(None, (place, address))) or plain


def _iterate_request_extras(
    barcode: str, others: tuple[ItemId, ...], patron: str, context: ShippingContext
) -> Iterator[CitationExtra]:
    if barcode:
        yield CitationExtra(WANTED_ITEM, barcode)
    for item_id in others:
        yield CitationExtra(text_of_code(item_id.identifier_type), item_id.value)
    if patron:
        yield CitationExtra(REQUESTER_PATRON, patron)
    yield from (extra for extra in context.extras if extra.name != REQUESTER_PATRON or extra.value != patron)


def _citation_of_bib(bib: Bib, barcode: str) -> Citation:
    """The barcode isn't the work's."""
    numbers = [id_ for id_ in bib.identifiers if (id_.type, id_.value) != (OF_BARCODE, barcode)]
    return Citation(
        type=CitationType.BOOK if any(number.type == "isbn" for number in numbers) else CitationType.OTHER,
        title=bib.title,
        author=bib.author,
        series=bib.series,
        edition=bib.edition,
        publisher=bib.publisher,
        place=bib.place,
        published=bib.published,
        language=bib.language,
        identifiers=tuple(dict.fromkeys(numbers)),
    )


def _make_event(
    kind: EventKind, number: str, raw: bytes, reader: DeclarationReader, request: LendingDraft | None = None
) -> IncomingPartnerMessage:
    """The same octets again are the same message."""
    return IncomingPartnerMessage(
        id=blake2b(raw, digest_size=20).hexdigest(),
        kind=kind,
        role=Role.LENDING,
        sender=reader.command.sender,
        receiver="",
        transaction=number,
        details=EventDetails(),
        request=request,
    )
