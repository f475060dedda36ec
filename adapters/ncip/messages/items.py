"""Records, amounts, holdings and items."""

from __future__ import annotations

from adapters.ncip.messages.declaration import (
    Code,
    Structure,
    When,
    extra_element,
    flag_element,
    optional_choice,
    optional_element,
    repeated_element,
    required_choice,
    required_element,
    required_elements,
    required_text,
    v1_element,
)
from adapters.ncip.messages.envelope import ItemId, NameInformation, Problem, RequestId, UserId, VisibleItemId
from adapters.ncip.wire_values import Version, minor_units_of_money, money_of_minor_units
from gateway.domain.library import Money
from gateway.domain.value import value_object


@value_object(kw_only=True)
class BibliographicItemId(Structure):
    """An identifier printed on the thing: ISBN, ISSN."""

    identifier: str = required_text("BibliographicItemIdentifier")
    identifier_code: Code | None = optional_element("BibliographicItemIdentifierCode")


@value_object(kw_only=True)
class BibliographicRecordId(Structure):
    """The number of a record in a catalogue: OCLC, LCCN, a local system number."""

    choices = (required_choice("agency_id", "identifier_code"),)

    identifier: str = required_text("BibliographicRecordIdentifier")
    agency_id: Code | None = optional_element("AgencyId")
    identifier_code: Code | None = optional_element("BibliographicRecordIdentifierCode")


@value_object(kw_only=True)
class BibliographicId(Structure):
    """An ISBN or the like, or the number of a record."""

    choices = (required_choice("bibliographic_item_id", "bibliographic_record_id"),)

    bibliographic_item_id: BibliographicItemId | None = optional_element("BibliographicItemId")
    bibliographic_record_id: BibliographicRecordId | None = optional_element("BibliographicRecordId")


@value_object(kw_only=True)
class ComponentId(Structure):
    """An identifier of a part: an article."""

    identifier_type: Code | None = required_element("ComponentIdentifierType")
    identifier: str = required_text("ComponentIdentifier")


@value_object(kw_only=True)
class BibliographicDescription(Structure):
    """Title, author and the like."""

    author: str | None = optional_element("Author")
    author_of_component: str | None = optional_element("AuthorOfComponent")
    bibliographic_item_ids: tuple[BibliographicItemId, ...] = repeated_element(
        "BibliographicItemId", single_in=(Version.V2_01, Version.V2_02)
    )
    bibliographic_record_ids: tuple[BibliographicRecordId, ...] = repeated_element("BibliographicRecordId")
    component_id: ComponentId | None = optional_element("ComponentId")
    edition: str | None = optional_element("Edition")
    pagination: str | None = optional_element("Pagination")
    place_of_publication: str | None = optional_element("PlaceOfPublication")
    publication_date: str | None = optional_element("PublicationDate")
    publication_date_of_component: str | None = optional_element("PublicationDateOfComponent")
    publisher: str | None = optional_element("Publisher")
    series_title_number: str | None = optional_element("SeriesTitleNumber")
    title: str | None = optional_element("Title")
    title_of_component: str | None = optional_element("TitleOfComponent")
    bibliographic_level: Code | None = optional_element("BibliographicLevel")
    sponsoring_body: str | None = optional_element("SponsoringBody")
    electronic_data_format_type: Code | None = optional_element("ElectronicDataFormatType")
    language: Code | None = optional_element("Language")
    medium_type: Code | None = optional_element("MediumType")


@value_object(kw_only=True)
class ElectronicResource(Structure):
    """A file, or a reference to one."""

    choices = (required_choice("electronic_data_format_type actual_resource", "reference_to_resource"),)

    electronic_data_format_type: Code | None = optional_element("ElectronicDataFormatType")
    actual_resource: str | None = optional_element("ActualResource")
    reference_to_resource: str | None = optional_element("ReferenceToResource")


@value_object(kw_only=True)
class Amount(Structure):
    """Money in minor units of its currency: 150 EUR is one euro fifty (facts/ncip.md 3.1)."""

    currency: Code | None = required_element("CurrencyCode")
    minor_units: int | None = required_element("MonetaryValue")

    @classmethod
    def from_money(cls, money: Money) -> Amount:
        """Make an amount; raises ValueError when it has a finer fraction than its currency."""
        return cls(currency=Code(money.currency), minor_units=minor_units_of_money(money))

    @property
    def money(self) -> Money | None:
        """None when amount or currency is missing; raises ValueError for what is no ISO 4217 code."""
        if self.currency is None or self.minor_units is None:
            return None
        return money_of_minor_units(self.minor_units, self.currency.value)


@value_object(kw_only=True)
class FiscalTransactionReferenceId(Structure):
    """The number of a charge or payment."""

    agency_id: Code | None = required_element("AgencyId")
    value: str = required_text("FiscalTransactionIdentifierValue")


@value_object(kw_only=True)
class ItemDetails(Structure):
    """The item that a charge or notice is about."""

    choices = (optional_choice("date_due", "indeterminate_loan_period_flag", "non_returnable_flag"),)

    item_id: ItemId | None = required_element("ItemId")
    bibliographic_description: BibliographicDescription | None = required_element("BibliographicDescription")
    date_checked_out: When | None = optional_element("DateCheckedOut")
    date_reneweds: tuple[When, ...] = repeated_element("DateRenewed")
    date_due: When | None = optional_element("DateDue")
    indeterminate_loan_period_flag: bool = flag_element("IndeterminateLoanPeriodFlag")
    non_returnable_flag: bool = flag_element("NonReturnableFlag")
    date_returned: When | None = optional_element("DateReturned")


@value_object(kw_only=True)
class FiscalTransactionInformation(Structure):
    """A charge or payment."""

    action_type: Code | None = required_element("FiscalActionType")
    reference_id: FiscalTransactionReferenceId | None = optional_element("FiscalTransactionReferenceId")
    related_reference_ids: tuple[FiscalTransactionReferenceId, ...] = repeated_element(
        "RelatedFiscalTransactionReferenceId"
    )
    transaction_type: Code | None = required_element("FiscalTransactionType")
    valid_from_date: When | None = optional_element("ValidFromDate")
    valid_to_date: When | None = optional_element("ValidToDate")
    amount: Amount | None = required_element("Amount")
    payment_method_type: Code | None = optional_element("PaymentMethodType")
    description: str | None = optional_element("FiscalTransactionDescription")
    request_id: RequestId | None = optional_element("RequestId")
    item_details: ItemDetails | None = optional_element("ItemDetails")


@value_object(kw_only=True)
class AccountDetails(Structure):
    """One entry of a fiscal account."""

    accrual_date: When | None = required_element("AccrualDate")
    fiscal_transaction_information: FiscalTransactionInformation | None = required_element(
        "FiscalTransactionInformation"
    )


@value_object(kw_only=True)
class UserFiscalAccount(Structure):
    """The debt of a user, in one currency."""

    account_balance: Amount | None = required_element("AccountBalance")
    account_details: tuple[AccountDetails, ...] = repeated_element("AccountDetails")


@value_object(kw_only=True)
class LocationNameInstance(Structure):
    """One level of a place."""

    level: int | None = required_element("LocationNameLevel", minimum=1)
    value: str = required_text("LocationNameValue")


@value_object(kw_only=True)
class LocationName(Structure):
    """A place, from the wide (level 1) to the narrow."""

    instances: tuple[LocationNameInstance, ...] = required_elements("LocationNameInstance")


@value_object(kw_only=True)
class Location(Structure):
    """The place of an item."""

    location_type: Code | None = required_element("LocationType")
    name: LocationName | None = required_element("LocationName")
    valid_from_date: When | None = optional_element("ValidFromDate")
    valid_to_date: When | None = optional_element("ValidToDate")


@value_object(kw_only=True)
class ChronologyLevelInstance(Structure):
    """One level of a chronology: year, month."""

    choices = (required_choice("caption", "level caption?"),)

    level: int | None = optional_element("ChronologyLevel", minimum=1)
    caption: str | None = optional_element("ChronologyCaption")
    value: str = required_text("ChronologyValue")


@value_object(kw_only=True)
class EnumerationLevelInstance(Structure):
    """One level of an enumeration: volume, number."""

    has_ext = False  # the schema has it before the value only
    choices = (required_choice("caption", "level caption?"),)

    level: int | None = optional_element("EnumerationLevel", minimum=1)
    caption: str | None = optional_element("EnumerationCaption")
    value: str = required_text("EnumerationValue")


@value_object(kw_only=True)
class HoldingsChronology(Structure):
    """Dates of issue."""

    levels: tuple[ChronologyLevelInstance, ...] = required_elements("ChronologyLevelInstance")


@value_object(kw_only=True)
class HoldingsEnumeration(Structure):
    """Volume and number."""

    levels: tuple[EnumerationLevelInstance, ...] = required_elements("EnumerationLevelInstance")


@value_object(kw_only=True)
class StructuredHoldingsData(Structure):
    """Volumes and issues by level."""

    choices = (required_choice("chronology", "enumeration chronology?"),)

    enumeration: HoldingsEnumeration | None = optional_element("HoldingsEnumeration")
    chronology: HoldingsChronology | None = optional_element("HoldingsChronology")


@value_object(kw_only=True)
class HoldingsInformation(Structure):
    """The volumes or issues."""

    choices = (required_choice("structured", "unstructured"),)

    structured: tuple[StructuredHoldingsData, ...] = repeated_element("StructuredHoldingsData")
    unstructured: str | None = optional_element("UnstructuredHoldingsData")


@value_object(kw_only=True)
class ItemDescription(Structure):
    """Call number, copy and volume.

    `visible_item_id` holds the barcode in INN-Reach messages (INC).
    """

    visible_item_id: VisibleItemId | None = v1_element("VisibleItemId")
    call_number: str | None = optional_element("CallNumber")
    copy_number: str | None = optional_element("CopyNumber")
    item_description_level: Code | None = optional_element("ItemDescriptionLevel")
    holdings_information: HoldingsInformation | None = optional_element("HoldingsInformation")
    number_of_pieces: int | None = optional_element("NumberOfPieces", minimum=1)


@value_object(kw_only=True)
class PhysicalCondition(Structure):
    """The wear of an item."""

    condition_type: Code | None = required_element("PhysicalConditionType")
    details: str | None = optional_element("PhysicalConditionDetails")


@value_object(kw_only=True)
class ItemOptionalFields(Structure):
    """The facts about an item beside its id.

    `format` is a word that some broker adds; Koha maps it to item types (KOHA).
    """

    bibliographic_description: BibliographicDescription | None = optional_element("BibliographicDescription")
    item_use_restriction_types: tuple[Code, ...] = repeated_element("ItemUseRestrictionType")
    circulation_status: Code | None = optional_element("CirculationStatus")
    hold_queue_length: int | None = optional_element("HoldQueueLength", minimum=0)
    item_description: ItemDescription | None = optional_element("ItemDescription")
    locations: tuple[Location, ...] = repeated_element("Location")
    physical_condition: PhysicalCondition | None = optional_element("PhysicalCondition")
    electronic_resource: ElectronicResource | None = optional_element("ElectronicResource")
    security_marker: Code | None = optional_element("SecurityMarker")
    sensitization_flag: bool = flag_element("SensitizationFlag")
    date_due: When | None = optional_element("DateDue", since=Version.V2_02)
    format: str | None = extra_element("Format")


@value_object(kw_only=True)
class ItemTransaction(Structure):
    """The user who has an item and those who wait for it."""

    current_borrower: UserId | None = optional_element("CurrentBorrower", inside="UserId")
    current_requesters: tuple[UserId, ...] = repeated_element("CurrentRequester", inside="UserId")


@value_object(kw_only=True)
class Destination(Structure):
    """The place to which an item is to be sent next."""

    choices = (required_choice("location", "bin_number location?"),)

    bin_number: str | None = optional_element("BinNumber")
    location: Location | None = optional_element("Location")


@value_object(kw_only=True)
class RoutingInformation(Structure):
    """The instructions for a returned item."""

    routing_instructions: str = required_text("RoutingInstructions")
    destination: Destination | None = required_element("Destination")
    request_type: Code | None = optional_element("RequestType")
    user_id: UserId | None = optional_element("UserId")
    name_information: NameInformation | None = optional_element("NameInformation")


@value_object(kw_only=True)
class ItemInformation(Structure):
    """One item in the answer to LookupItemSet (2.02)."""

    item_id: ItemId | None = optional_element("ItemId", beside_problems=True)
    problems: tuple[Problem, ...] = repeated_element("Problem")
    request_ids: tuple[RequestId, ...] = repeated_element("RequestId")
    current_borrower: UserId | None = optional_element("CurrentBorrower", inside="UserId")
    current_requesters: tuple[UserId, ...] = repeated_element("CurrentRequester", inside="UserId")
    date_due: When | None = optional_element("DateDue")
    date_recalled: When | None = optional_element("DateRecalled")
    hold_pickup_date: When | None = optional_element("HoldPickupDate")
    item_transaction: ItemTransaction | None = optional_element("ItemTransaction")
    item_optional_fields: ItemOptionalFields | None = optional_element("ItemOptionalFields")
    item_note: str | None = optional_element("ItemNote")


@value_object(kw_only=True)
class HoldingsSet(Structure):
    """Items of one title that belong together (2.02)."""

    holdings_set_id: str | None = optional_element("HoldingsSetId", beside_problems=True)
    problems: tuple[Problem, ...] = repeated_element("Problem")
    bibliographic_description: BibliographicDescription | None = optional_element("BibliographicDescription")
    location: Location | None = optional_element("Location")
    call_number: str | None = optional_element("CallNumber")
    summary_holdings_information: HoldingsInformation | None = optional_element("SummaryHoldingsInformation")
    electronic_resource: ElectronicResource | None = optional_element("ElectronicResource")
    items: tuple[ItemInformation, ...] = required_elements("ItemInformation")


@value_object(kw_only=True)
class BibInformation(Structure):
    """One title in the answer to LookupItemSet (2.02)."""

    has_ext = False

    bibliographic_id: BibliographicId | None = optional_element("BibliographicId", beside_problems=True)
    problems: tuple[Problem, ...] = repeated_element("Problem")
    bibliographic_description: BibliographicDescription | None = optional_element("BibliographicDescription")
    title_hold_queue_length: int | None = optional_element("TitleHoldQueueLength", minimum=0)
    current_requesters: tuple[UserId, ...] = repeated_element("CurrentRequester", inside="UserId")
    holdings_sets: tuple[HoldingsSet, ...] = required_elements("HoldingsSet")
