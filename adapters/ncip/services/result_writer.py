"""Library values -> parts of answers."""

from __future__ import annotations

from adapters.ncip import code_lists
from adapters.ncip.dialect import ItemElement, NcipDialect, Part
from adapters.ncip.messages import (
    Amount,
    BibliographicDescription,
    BibliographicId,
    BibliographicItemId,
    BibliographicRecordId,
    Code,
    Initiation,
    ItemDescription,
    ItemId,
    ItemOptionalFields,
    Location,
    LocationName,
    LocationNameInstance,
    RequestId,
    UserId,
)
from adapters.ncip.wire_values import CirculationState, RequestStatus, Version
from gateway.domain.library import Bib, Hold, HoldStatus, Item, ItemStatus, Money, Patron, RecordId
from gateway.domain.value import value_object
from gateway.ports.responder import ExchangeContext

_ITEM_ELEMENTS = {element.value.lower(): element for element in ItemElement}

STATUSES = {
    ItemStatus.AVAILABLE: CirculationState.AVAILABLE_ON_SHELF,
    ItemStatus.ON_HOLD_SHELF: CirculationState.AVAILABLE_FOR_PICKUP,
    ItemStatus.ON_LOAN: CirculationState.ON_LOAN,
    ItemStatus.IN_TRANSIT: CirculationState.IN_TRANSIT,
    ItemStatus.IN_PROCESS: CirculationState.IN_PROCESS,
    ItemStatus.LOST: CirculationState.LOST,
    ItemStatus.MISSING: CirculationState.MISSING,
    ItemStatus.CLAIMED_RETURNED: CirculationState.CLAIMED_RETURNED,
    ItemStatus.NOT_AVAILABLE: CirculationState.NOT_AVAILABLE,
    ItemStatus.RECALLED: CirculationState.RECALLED,
}


@value_object
class ResultWriter:
    """The facts that wording an answer needs beside the result."""

    dialect: NcipDialect
    exchange_context: ExchangeContext
    service: str
    version: Version

    @property
    def is_version1(self) -> bool:
        return self.version.is_v1

    def is_part_wanted(self, part: Part) -> bool:
        return part in self.dialect.answers.include.get(self.service, ())

    @property
    def our_agency(self) -> str:
        return self.dialect.header.our_agency or self.exchange_context.symbol

    def write_agency(self, sent: Code | None) -> Code | None:
        """AgencyId on an id that we write."""
        mode = self.dialect.header.ids_agency
        if mode == "never" and not self.is_version1:
            return None
        if sent is not None and sent.value:
            return sent
        if mode == "always" or self.is_version1:
            return self.make_agency_code()
        return None

    def make_code(self, element: str, word: str) -> Code:
        """A word that the element's list has, where the profile wants lists named."""
        return Code(code_lists.substitute_word(element, word) if self.dialect.xml.schemes else word)

    def make_agency_code(self) -> Code:
        return Code(self.our_agency, self.dialect.header.agency_scheme or None)


# --- identifiers -----------------------------------------------------------------------------------------


def write_code(text: str, code: Code | None = None) -> Code | None:
    """A word of ours, else the partner's as it was sent."""
    if text or code is None:
        return Code(text) if text else None
    return Code(code.value, code.scheme or "")


def write_user_id(patron: Patron, user_id: UserId | None, writer: ResultWriter) -> UserId:
    rules = writer.dialect.patrons
    agency = writer.write_agency(user_id.agency_id if user_id else None)
    if rules.id_returned == "as-sent" and user_id is not None and user_id.value:
        return UserId(
            agency_id=agency, identifier_type=write_code(rules.id_type, user_id.identifier_type), value=user_id.value
        )
    kind: str = "barcode" if rules.id_returned == "as-sent" else rules.id_returned
    value = patron.id if kind == "internal" else patron.identifier(kind)
    if value is None:  # the library has no such identifier for this patron: any that it has names them
        kind, value = (
            (patron.identifiers[0].type, patron.identifiers[0].value) if patron.identifiers else ("", patron.id)
        )
    return UserId(
        agency_id=agency, identifier_type=write_code(rules.id_type or rules.id_types.get(kind, "")), value=value
    )


def write_item_id(barcode: str, sent: ItemId | None, writer: ResultWriter) -> ItemId:
    """The item's id as sent, or its barcode where none was sent."""
    echoed = sent is not None and bool(sent.value)
    return ItemId(
        agency_id=writer.write_agency(sent.agency_id if sent else None),
        identifier_type=write_code(writer.dialect.items.id_type, sent.identifier_type if sent and echoed else None),
        value=sent.value if sent is not None and echoed else barcode,
    )


def write_request_id(value: str, sent: RequestId | None, writer: ResultWriter) -> RequestId | None:
    """The request's number as sent, else ours; None when there is none."""
    if sent is not None and sent.value:
        kind = write_code(writer.dialect.requests.id_type, sent.identifier_type)
        return RequestId(agency_id=writer.write_agency(sent.agency_id), identifier_type=kind, value=sent.value)
    if not value:
        return None
    return RequestId(
        agency_id=writer.write_agency(None), identifier_type=write_code(writer.dialect.requests.id_type), value=value
    )


def write_amount(money: Money) -> Amount:
    return Amount.from_money(money)


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


def write_request_status(status: HoldStatus, writer: ResultWriter) -> Code:
    return Code(writer.dialect.requests.statuses.get(status) or HOLD_STATUSES[status])


def write_request_type(code: Code | None, hold: Hold, writer: ResultWriter) -> Code:
    """The word that the partner used; ours where it used none."""
    if code is not None and code.value:
        return code if code.scheme else writer.make_code("RequestType", code.value)
    words = writer.dialect.requests.type_words.items()
    return writer.make_code("RequestType", next((text for kind, text in words if kind == hold.kind), "Hold"))


def write_request_scope(code: Code | None, hold: Hold, writer: ResultWriter) -> Code:
    if code is not None and code.value:
        return code if code.scheme else writer.make_code("RequestScopeType", code.value)
    word = writer.dialect.requests.scope_words.get("item" if hold.item_id else "title", "Item")
    return writer.make_code("RequestScopeType", word)


def write_pickup_location(pickup: str, writer: ResultWriter) -> Code | None:
    return Code(pickup, writer.dialect.requests.pickup_scheme or None) if pickup else None


# --- what several services need -----------------------------------------------------------------------------


def write_title(text: str, writer: ResultWriter) -> str | None:
    return text or None if writer.dialect.answers.echo_titles else None


def list_wanted_elements(message: Initiation) -> tuple[tuple[Code, ...], tuple[Code, ...]]:
    """ItemElementTypes and UserElementTypes that a request asks for."""
    return getattr(message, "item_element_types", ()), getattr(message, "user_element_types", ())


def barcode_of(item: Item | None) -> str:
    """Empty for an item that is gone already; then its id is echoed as sent."""
    return item.barcode if item is not None else ""


def write_circulation_status(status: ItemStatus, writer: ResultWriter) -> Code:
    return Code(writer.dialect.items.statuses.get(status) or STATUSES[status])


def select_item_elements(codes: tuple[Code, ...], writer: ResultWriter) -> frozenset[ItemElement]:
    rules = writer.dialect.items
    words = (code.value.strip().lower() for code in codes)
    elements = {_ITEM_ELEMENTS[word] for word in words if word in _ITEM_ELEMENTS}
    if not codes:
        elements = set(rules.default_elements)
    return frozenset((elements | set(rules.always_elements)) - set(rules.never_elements))


def write_item_fields(
    item: Item, bib: Bib | None, elements: frozenset[ItemElement], writer: ResultWriter
) -> ItemOptionalFields | None:
    """None when nothing is wanted."""
    if not elements:
        return None
    restricted = ItemElement.RESTRICTION in elements and not item.circulates
    described = ItemElement.BIBLIOGRAPHIC in elements and bib is not None and writer.dialect.answers.echo_titles
    return ItemOptionalFields(
        bibliographic_description=write_description(bib, writer) if described and bib is not None else None,
        item_use_restriction_types=(Code(writer.dialect.items.restriction_library_use),) if restricted else (),
        circulation_status=write_circulation_status(item.status, writer) if ItemElement.STATUS in elements else None,
        hold_queue_length=item.hold_count if ItemElement.QUEUE in elements else None,
        item_description=_write_item_description(item) if ItemElement.DESCRIPTION in elements else None,
        locations=(write_location(item, writer),) if ItemElement.LOCATION in elements else (),
        date_due=item.due if ItemElement.STATUS in elements else None,
    )


def _write_item_description(item: Item) -> ItemDescription:
    return ItemDescription(
        call_number=item.call_number or None,
        copy_number=item.copy_number or None,
        number_of_pieces=item.pieces if item.pieces > 1 else None,
    )


def write_location(item: Item, writer: ResultWriter) -> Location:
    values = {
        "library": writer.our_agency,
        "branch": item.home.library,
        "shelf": item.home.shelf,
        "name": item.home.name,
    }
    levels = writer.dialect.items.location_levels
    instances = tuple(
        LocationNameInstance(level=number, value=values[level])
        for number, level in enumerate(levels, start=1)
        if values[level]
    )
    return Location(location_type=Code(writer.dialect.items.location_type), name=LocationName(instances=instances))


def write_description(bib: Bib, writer: ResultWriter) -> BibliographicDescription:
    records = [_write_record_id(RecordId("local", bib.id), writer)] if bib.id else []
    records += [_write_record_id(id_, writer) for id_ in bib.identifiers if id_.type in ("oclc", "lccn", "local")]
    standard = next((identifier for identifier in bib.identifiers if identifier.type in ("isbn", "issn")), None)
    return BibliographicDescription(
        author=bib.author or None,
        author_of_component=bib.component_author or None,
        bibliographic_item_ids=(_write_bib_item_id(standard, writer),) if standard is not None else (),
        bibliographic_record_ids=tuple(dict.fromkeys(records)),
        edition=bib.edition or None,
        pagination=bib.pages or None,
        place_of_publication=bib.place or None,
        publication_date=bib.published or None,
        publisher=bib.publisher or None,
        series_title_number=bib.series or None,
        title=bib.title or None,
        title_of_component=bib.component_title or None,
        bibliographic_level=write_code(bib.level),
        language=write_code(bib.language),
        medium_type=write_code(bib.medium),
    )


def _write_record_id(record: RecordId, writer: ResultWriter) -> BibliographicRecordId:
    word = writer.dialect.items.record_codes.get(record.type, record.type)
    return BibliographicRecordId(identifier=record.value, identifier_code=Code(word))


def _write_bib_item_id(record: RecordId, writer: ResultWriter) -> BibliographicItemId:
    word = writer.dialect.items.record_codes.get(record.type, record.type)
    return BibliographicItemId(identifier=record.value, identifier_code=Code(word))


def write_bibliographic_id(record: RecordId, writer: ResultWriter) -> BibliographicId:
    if record.type in ("isbn", "issn"):
        return BibliographicId(bibliographic_item_id=_write_bib_item_id(record, writer))
    return BibliographicId(bibliographic_record_id=_write_record_id(record, writer))
