"""Records, amounts, holdings and items."""

from __future__ import annotations

from adapters.ncip.messages.declaration import (
    Code,
    Structure,
    When,
    extra,
    flag,
    many,
    maybe,
    maybe_one_of,
    one,
    one_of,
    some,
    text,
    v1_only,
)
from adapters.ncip.messages.envelope import ItemId, NameInformation, Problem, RequestId, UserId, VisibleItemId
from adapters.ncip.wire_values import Version, from_minor_units, to_minor_units
from gateway.domain.library import Money
from gateway.domain.value import keyword_value


@keyword_value
class BibliographicItemId(Structure):
    """An identifier printed on the thing: ISBN, ISSN."""

    identifier: str = text("BibliographicItemIdentifier")
    identifier_code: Code | None = maybe("BibliographicItemIdentifierCode")


@keyword_value
class BibliographicRecordId(Structure):
    """The number of a record in a catalogue: OCLC, LCCN, a local system number."""

    choices = (one_of("agency_id", "identifier_code"),)

    identifier: str = text("BibliographicRecordIdentifier")
    agency_id: Code | None = maybe("AgencyId")
    identifier_code: Code | None = maybe("BibliographicRecordIdentifierCode")


@keyword_value
class BibliographicId(Structure):
    """An ISBN or the like, or the number of a record."""

    choices = (one_of("bibliographic_item_id", "bibliographic_record_id"),)

    bibliographic_item_id: BibliographicItemId | None = maybe("BibliographicItemId")
    bibliographic_record_id: BibliographicRecordId | None = maybe("BibliographicRecordId")


@keyword_value
class ComponentId(Structure):
    """An identifier of a part: an article."""

    identifier_type: Code | None = one("ComponentIdentifierType")
    identifier: str = text("ComponentIdentifier")


@keyword_value
class BibliographicDescription(Structure):
    """Title, author and the like."""

    author: str | None = maybe("Author")
    author_of_component: str | None = maybe("AuthorOfComponent")
    bibliographic_item_ids: tuple[BibliographicItemId, ...] = many(
        "BibliographicItemId", single_in=(Version.V2_01, Version.V2_02)
    )
    bibliographic_record_ids: tuple[BibliographicRecordId, ...] = many("BibliographicRecordId")
    component_id: ComponentId | None = maybe("ComponentId")
    edition: str | None = maybe("Edition")
    pagination: str | None = maybe("Pagination")
    place_of_publication: str | None = maybe("PlaceOfPublication")
    publication_date: str | None = maybe("PublicationDate")
    publication_date_of_component: str | None = maybe("PublicationDateOfComponent")
    publisher: str | None = maybe("Publisher")
    series_title_number: str | None = maybe("SeriesTitleNumber")
    title: str | None = maybe("Title")
    title_of_component: str | None = maybe("TitleOfComponent")
    bibliographic_level: Code | None = maybe("BibliographicLevel")
    sponsoring_body: str | None = maybe("SponsoringBody")
    electronic_data_format_type: Code | None = maybe("ElectronicDataFormatType")
    language: Code | None = maybe("Language")
    medium_type: Code | None = maybe("MediumType")


@keyword_value
class ElectronicResource(Structure):
    """A file, or a reference to one."""

    choices = (one_of("electronic_data_format_type actual_resource", "reference_to_resource"),)

    electronic_data_format_type: Code | None = maybe("ElectronicDataFormatType")
    actual_resource: str | None = maybe("ActualResource")
    reference_to_resource: str | None = maybe("ReferenceToResource")


@keyword_value
class Amount(Structure):
    """Money in minor units of its currency: 150 EUR is one euro fifty (facts/ncip.md 3.1)."""

    currency: Code | None = one("CurrencyCode")
    minor_units: int | None = one("MonetaryValue")

    @classmethod
    def from_money(cls, money: Money) -> Amount:
        """Raises ValueError when the amount has a finer fraction than its currency."""
        return cls(currency=Code(money.currency), minor_units=to_minor_units(money))

    @property
    def money(self) -> Money | None:
        """None when amount or currency is missing; raises ValueError for what is no ISO 4217 code."""
        if self.currency is None or self.minor_units is None:
            return None
        return from_minor_units(self.minor_units, self.currency.value)


@keyword_value
class FiscalTransactionReferenceId(Structure):
    """The number of a charge or payment."""

    agency_id: Code | None = one("AgencyId")
    value: str = text("FiscalTransactionIdentifierValue")


@keyword_value
class ItemDetails(Structure):
    """The item that a charge or notice is about."""

    choices = (maybe_one_of("date_due", "indeterminate_loan_period_flag", "non_returnable_flag"),)

    item_id: ItemId | None = one("ItemId")
    bibliographic_description: BibliographicDescription | None = one("BibliographicDescription")
    date_checked_out: When | None = maybe("DateCheckedOut")
    date_reneweds: tuple[When, ...] = many("DateRenewed")
    date_due: When | None = maybe("DateDue")
    indeterminate_loan_period_flag: bool = flag("IndeterminateLoanPeriodFlag")
    non_returnable_flag: bool = flag("NonReturnableFlag")
    date_returned: When | None = maybe("DateReturned")


@keyword_value
class FiscalTransactionInformation(Structure):
    """A charge or payment."""

    action_type: Code | None = one("FiscalActionType")
    reference_id: FiscalTransactionReferenceId | None = maybe("FiscalTransactionReferenceId")
    related_reference_ids: tuple[FiscalTransactionReferenceId, ...] = many("RelatedFiscalTransactionReferenceId")
    transaction_type: Code | None = one("FiscalTransactionType")
    valid_from_date: When | None = maybe("ValidFromDate")
    valid_to_date: When | None = maybe("ValidToDate")
    amount: Amount | None = one("Amount")
    payment_method_type: Code | None = maybe("PaymentMethodType")
    description: str | None = maybe("FiscalTransactionDescription")
    request_id: RequestId | None = maybe("RequestId")
    item_details: ItemDetails | None = maybe("ItemDetails")


@keyword_value
class AccountDetails(Structure):
    """One entry of a fiscal account."""

    accrual_date: When | None = one("AccrualDate")
    fiscal_transaction_information: FiscalTransactionInformation | None = one("FiscalTransactionInformation")


@keyword_value
class UserFiscalAccount(Structure):
    """What a user owes, in one currency."""

    account_balance: Amount | None = one("AccountBalance")
    account_details: tuple[AccountDetails, ...] = many("AccountDetails")


@keyword_value
class LocationNameInstance(Structure):
    """One level of a place."""

    level: int | None = one("LocationNameLevel", minimum=1)
    value: str = text("LocationNameValue")


@keyword_value
class LocationName(Structure):
    """A place, from the wide (level 1) to the narrow."""

    instances: tuple[LocationNameInstance, ...] = some("LocationNameInstance")


@keyword_value
class Location(Structure):
    """Where an item is."""

    location_type: Code | None = one("LocationType")
    name: LocationName | None = one("LocationName")
    valid_from_date: When | None = maybe("ValidFromDate")
    valid_to_date: When | None = maybe("ValidToDate")


@keyword_value
class ChronologyLevelInstance(Structure):
    """One level of a chronology: year, month."""

    choices = (one_of("caption", "level caption?"),)

    level: int | None = maybe("ChronologyLevel", minimum=1)
    caption: str | None = maybe("ChronologyCaption")
    value: str = text("ChronologyValue")


@keyword_value
class EnumerationLevelInstance(Structure):
    """One level of an enumeration: volume, number."""

    has_ext = False  # the schema has it before the value only
    choices = (one_of("caption", "level caption?"),)

    level: int | None = maybe("EnumerationLevel", minimum=1)
    caption: str | None = maybe("EnumerationCaption")
    value: str = text("EnumerationValue")


@keyword_value
class HoldingsChronology(Structure):
    """Dates of issue."""

    levels: tuple[ChronologyLevelInstance, ...] = some("ChronologyLevelInstance")


@keyword_value
class HoldingsEnumeration(Structure):
    """Volume and number."""

    levels: tuple[EnumerationLevelInstance, ...] = some("EnumerationLevelInstance")


@keyword_value
class StructuredHoldingsData(Structure):
    """Volumes and issues by level."""

    choices = (one_of("chronology", "enumeration chronology?"),)

    enumeration: HoldingsEnumeration | None = maybe("HoldingsEnumeration")
    chronology: HoldingsChronology | None = maybe("HoldingsChronology")


@keyword_value
class HoldingsInformation(Structure):
    """Which volumes or issues."""

    choices = (one_of("structured", "unstructured"),)

    structured: tuple[StructuredHoldingsData, ...] = many("StructuredHoldingsData")
    unstructured: str | None = maybe("UnstructuredHoldingsData")


@keyword_value
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


@keyword_value
class PhysicalCondition(Structure):
    """How worn an item is."""

    condition_type: Code | None = one("PhysicalConditionType")
    details: str | None = maybe("PhysicalConditionDetails")


@keyword_value
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


@keyword_value
class ItemTransaction(Structure):
    """Who has an item and who waits for it."""

    current_borrower: UserId | None = maybe("CurrentBorrower", inside="UserId")
    current_requesters: tuple[UserId, ...] = many("CurrentRequester", inside="UserId")


@keyword_value
class Destination(Structure):
    """Where an item is to be sent next."""

    choices = (one_of("location", "bin_number location?"),)

    bin_number: str | None = maybe("BinNumber")
    location: Location | None = maybe("Location")


@keyword_value
class RoutingInformation(Structure):
    """What to do with a returned item."""

    routing_instructions: str = text("RoutingInstructions")
    destination: Destination | None = one("Destination")
    request_type: Code | None = maybe("RequestType")
    user_id: UserId | None = maybe("UserId")
    name_information: NameInformation | None = maybe("NameInformation")


@keyword_value
class ItemFields(Structure):
    """What is to be added to an item, or taken away."""

    bibliographic_description: BibliographicDescription | None = maybe("BibliographicDescription")
    item_use_restriction_types: tuple[Code, ...] = many("ItemUseRestrictionType")
    item_description: ItemDescription | None = maybe("ItemDescription")
    locations: tuple[Location, ...] = many("Location")
    physical_condition: PhysicalCondition | None = maybe("PhysicalCondition")
    security_marker: Code | None = maybe("SecurityMarker")
    sensitization_flag: bool = flag("SensitizationFlag")


@keyword_value
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


@keyword_value
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


@keyword_value
class BibInformation(Structure):
    """One title in the answer to LookupItemSet (2.02)."""

    has_ext = False

    bibliographic_id: BibliographicId | None = maybe("BibliographicId", beside_problems=True)
    problems: tuple[Problem, ...] = many("Problem")
    bibliographic_description: BibliographicDescription | None = maybe("BibliographicDescription")
    title_hold_queue_length: int | None = maybe("TitleHoldQueueLength", minimum=0)
    current_requesters: tuple[UserId, ...] = many("CurrentRequester", inside="UserId")
    holdings_sets: tuple[HoldingsSet, ...] = some("HoldingsSet")
