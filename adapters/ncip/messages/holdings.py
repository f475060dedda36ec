"""What is said about an item: where it is, which volume, who has it."""

from __future__ import annotations

from adapters.ncip.messages.addresses import NameInformation
from adapters.ncip.messages.base import (
    Code,
    Structure,
    When,
    extra,
    flag,
    many,
    maybe,
    one,
    one_of,
    some,
    text,
    v1_only,
)
from adapters.ncip.messages.bibliographic import BibliographicDescription, BibliographicId, ElectronicResource
from adapters.ncip.messages.identifiers import ItemId, Problem, RequestId, UserId, VisibleItemId
from adapters.ncip.versions import Version
from gateway.domain.frozen import frozen_by_name


@frozen_by_name
class LocationNameInstance(Structure):
    """One level of a place."""

    level: int | None = one("LocationNameLevel", minimum=1)
    value: str = text("LocationNameValue")


@frozen_by_name
class LocationName(Structure):
    """A place, from the wide (level 1) to the narrow."""

    instances: tuple[LocationNameInstance, ...] = some("LocationNameInstance")


@frozen_by_name
class Location(Structure):
    """Where an item is."""

    location_type: Code | None = one("LocationType")
    name: LocationName | None = one("LocationName")
    valid_from_date: When | None = maybe("ValidFromDate")
    valid_to_date: When | None = maybe("ValidToDate")


@frozen_by_name
class ChronologyLevelInstance(Structure):
    """One level of a chronology: year, month."""

    choices = (one_of("caption", "level caption?"),)

    level: int | None = maybe("ChronologyLevel", minimum=1)
    caption: str | None = maybe("ChronologyCaption")
    value: str = text("ChronologyValue")


@frozen_by_name
class EnumerationLevelInstance(Structure):
    """One level of an enumeration: volume, number."""

    has_ext = False  # the schema has it before the value only
    choices = (one_of("caption", "level caption?"),)

    level: int | None = maybe("EnumerationLevel", minimum=1)
    caption: str | None = maybe("EnumerationCaption")
    value: str = text("EnumerationValue")


@frozen_by_name
class HoldingsChronology(Structure):
    """Dates of issue."""

    levels: tuple[ChronologyLevelInstance, ...] = some("ChronologyLevelInstance")


@frozen_by_name
class HoldingsEnumeration(Structure):
    """Volume and number."""

    levels: tuple[EnumerationLevelInstance, ...] = some("EnumerationLevelInstance")


@frozen_by_name
class StructuredHoldingsData(Structure):
    """Volumes and issues by level."""

    choices = (one_of("chronology", "enumeration chronology?"),)

    enumeration: HoldingsEnumeration | None = maybe("HoldingsEnumeration")
    chronology: HoldingsChronology | None = maybe("HoldingsChronology")


@frozen_by_name
class HoldingsInformation(Structure):
    """Which volumes or issues."""

    choices = (one_of("structured", "unstructured"),)

    structured: tuple[StructuredHoldingsData, ...] = many("StructuredHoldingsData")
    unstructured: str | None = maybe("UnstructuredHoldingsData")


@frozen_by_name
class ItemDescription(Structure):
    """Call number, copy and volume.

    `visible_item_id` holds the barcode in INN-Reach messages (INC).
    """

    visible_item_id: VisibleItemId | None = v1_only("VisibleItemId")
    call_number: str | None = maybe("CallNumber")
    copy_number: str | None = maybe("CopyNumber")
    item_description_level: Code | None = maybe("ItemDescriptionLevel")
    holdings_information: HoldingsInformation | None = maybe("HoldingsInformation")
    number_of_pieces: int | None = maybe("NumberOfPieces", minimum=1)


@frozen_by_name
class PhysicalCondition(Structure):
    """How worn an item is."""

    condition_type: Code | None = one("PhysicalConditionType")
    details: str | None = maybe("PhysicalConditionDetails")


@frozen_by_name
class ItemOptionalFields(Structure):
    """What may be said about an item beside its id.

    `format` is a word that some broker adds; Koha maps it to item types (KOHA).
    """

    bibliographic_description: BibliographicDescription | None = maybe("BibliographicDescription")
    item_use_restriction_types: tuple[Code, ...] = many("ItemUseRestrictionType")
    circulation_status: Code | None = maybe("CirculationStatus")
    hold_queue_length: int | None = maybe("HoldQueueLength", minimum=0)
    item_description: ItemDescription | None = maybe("ItemDescription")
    locations: tuple[Location, ...] = many("Location")
    physical_condition: PhysicalCondition | None = maybe("PhysicalCondition")
    electronic_resource: ElectronicResource | None = maybe("ElectronicResource")
    security_marker: Code | None = maybe("SecurityMarker")
    sensitization_flag: bool = flag("SensitizationFlag")
    date_due: When | None = maybe("DateDue", since=Version.V2_02)
    format: str | None = extra("Format")


@frozen_by_name
class ItemTransaction(Structure):
    """Who has an item and who waits for it."""

    current_borrower: UserId | None = maybe("CurrentBorrower", inside="UserId")
    current_requesters: tuple[UserId, ...] = many("CurrentRequester", inside="UserId")


@frozen_by_name
class Destination(Structure):
    """Where an item is to be sent next."""

    choices = (one_of("location", "bin_number location?"),)

    bin_number: str | None = maybe("BinNumber")
    location: Location | None = maybe("Location")


@frozen_by_name
class RoutingInformation(Structure):
    """What to do with a returned item."""

    routing_instructions: str = text("RoutingInstructions")
    destination: Destination | None = one("Destination")
    request_type: Code | None = maybe("RequestType")
    user_id: UserId | None = maybe("UserId")
    name_information: NameInformation | None = maybe("NameInformation")


@frozen_by_name
class ItemFields(Structure):
    """What is to be added to an item, or taken away."""

    bibliographic_description: BibliographicDescription | None = maybe("BibliographicDescription")
    item_use_restriction_types: tuple[Code, ...] = many("ItemUseRestrictionType")
    item_description: ItemDescription | None = maybe("ItemDescription")
    locations: tuple[Location, ...] = many("Location")
    physical_condition: PhysicalCondition | None = maybe("PhysicalCondition")
    security_marker: Code | None = maybe("SecurityMarker")
    sensitization_flag: bool = flag("SensitizationFlag")


@frozen_by_name
class ItemInformation(Structure):
    """One item in the answer to LookupItemSet (2.02)."""

    item_id: ItemId | None = maybe("ItemId", beside_problems=True)
    problems: tuple[Problem, ...] = many("Problem")
    request_ids: tuple[RequestId, ...] = many("RequestId")
    current_borrower: UserId | None = maybe("CurrentBorrower", inside="UserId")
    current_requesters: tuple[UserId, ...] = many("CurrentRequester", inside="UserId")
    date_due: When | None = maybe("DateDue")
    date_recalled: When | None = maybe("DateRecalled")
    hold_pickup_date: When | None = maybe("HoldPickupDate")
    item_transaction: ItemTransaction | None = maybe("ItemTransaction")
    item_optional_fields: ItemOptionalFields | None = maybe("ItemOptionalFields")
    item_note: str | None = maybe("ItemNote")


@frozen_by_name
class HoldingsSet(Structure):
    """Items of one title that belong together (2.02)."""

    holdings_set_id: str | None = maybe("HoldingsSetId", beside_problems=True)
    problems: tuple[Problem, ...] = many("Problem")
    bibliographic_description: BibliographicDescription | None = maybe("BibliographicDescription")
    location: Location | None = maybe("Location")
    call_number: str | None = maybe("CallNumber")
    summary_holdings_information: HoldingsInformation | None = maybe("SummaryHoldingsInformation")
    electronic_resource: ElectronicResource | None = maybe("ElectronicResource")
    items: tuple[ItemInformation, ...] = some("ItemInformation")


@frozen_by_name
class BibInformation(Structure):
    """One title in the answer to LookupItemSet (2.02)."""

    has_ext = False

    bibliographic_id: BibliographicId | None = maybe("BibliographicId", beside_problems=True)
    problems: tuple[Problem, ...] = many("Problem")
    bibliographic_description: BibliographicDescription | None = maybe("BibliographicDescription")
    title_hold_queue_length: int | None = maybe("TitleHoldQueueLength", minimum=0)
    current_requesters: tuple[UserId, ...] = many("CurrentRequester", inside="UserId")
    holdings_sets: tuple[HoldingsSet, ...] = some("HoldingsSet")
