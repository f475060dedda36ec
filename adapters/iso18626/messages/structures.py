"""The groups of elements of which messages are made (docs/facts/iso-18626.md 3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from adapters.iso18626.messages.codes import (
    ErrorType,
    MessageStatus,
    PreferredEdition,
    ReasonForMessage,
    RequestSubType,
    RequestType,
    ServiceType,
    Status,
)
from adapters.iso18626.messages.declaration import (
    Compound,
    OpenCode,
    SchemaVersion,
    declare_amount,
    declare_boolean,
    declare_code,
    declare_moment,
    declare_number,
    declare_secret,
    declare_structure,
    declare_text,
    declare_word,
    declare_yes_no,
)
from gateway.domain.value import value_object

V1_1, V1_2, V2021 = SchemaVersion.V1_1, SchemaVersion.V1_2, SchemaVersion.V2021


@value_object(kw_only=True)
class AgencyId(Compound):
    type: OpenCode | None = declare_code("agencyIdType", open_list="AgencyIdType", required_since=V1_1)
    value: str | None = declare_text("agencyIdValue", required_since=V1_1)


@value_object(kw_only=True)
class Costs(Compound):
    currency: OpenCode | None = declare_code("currencyCode", open_list="Currency", required_since=V1_1)
    amount: Decimal | None = declare_amount("monetaryValue", required_since=V1_1)


@value_object(kw_only=True)
class ElectronicAddress(Compound):
    type: OpenCode | None = declare_code(
        "electronicAddressType", open_list="ElectronicAddressType", required_since=V1_1
    )
    data: str | None = declare_text("electronicAddressData", required_since=V1_1)


@value_object(kw_only=True)
class PhysicalAddress(Compound):
    line1: str | None = declare_text("line1")
    line2: str | None = declare_text("line2")
    locality: str | None = declare_text("locality")
    postal_code: str | None = declare_text("postalCode")
    region: str | None = declare_text("region", open_list="Region", code_until=V1_2)
    country: OpenCode | None = declare_code("country", open_list="Country")


@value_object(kw_only=True)
class Address(Compound):
    """One of the two."""

    electronic: ElectronicAddress | None = declare_structure("electronicAddress", ElectronicAddress)
    physical: PhysicalAddress | None = declare_structure("physicalAddress", PhysicalAddress)


@value_object(kw_only=True)
class Authentication(Compound):
    account: str | None = declare_text("accountId")
    security_code: str | None = declare_secret("securityCode")


# --- headers ---------------------------------------------------------------------------------------------


@value_object(kw_only=True)
class RequestHeader(Compound):
    """The header of a request. Those of the other two messages differ in the elements that a version has."""

    supplying_agency: AgencyId | None = declare_structure(
        "supplyingAgencyId", AgencyId, required_since=V1_1, required_until=V1_2
    )
    requesting_agency: AgencyId | None = declare_structure("requestingAgencyId", AgencyId, required_since=V1_1)
    consortial_id: AgencyId | None = declare_structure("consortialId", AgencyId, since=V2021)
    multiple_item_request_id: str | None = declare_text(
        "multipleItemRequestId", since=V1_2, required_since=V1_2, required_until=V1_2, allow_empty=True
    )
    timestamp: datetime | None = declare_moment("timestamp", required_since=V1_1)
    requesting_agency_request_id: str | None = declare_text("requestingAgencyRequestId", required_since=V1_1)
    supplying_agency_request_id: str | None = declare_text("supplyingAgencyRequestId", until=V1_2)
    authentication: Authentication | None = declare_structure("requestingAgencyAuthentication", Authentication)


@value_object(kw_only=True)
class SupplierHeader(Compound):
    """The header of a supplying agency's message."""

    supplying_agency: AgencyId | None = declare_structure("supplyingAgencyId", AgencyId, required_since=V1_1)
    requesting_agency: AgencyId | None = declare_structure("requestingAgencyId", AgencyId, required_since=V1_1)
    multiple_item_request_id: str | None = declare_text(
        "multipleItemRequestId", since=V1_2, until=V1_2, required_since=V1_2, required_until=V1_2, allow_empty=True
    )
    timestamp: datetime | None = declare_moment("timestamp", required_since=V1_1)
    requesting_agency_request_id: str | None = declare_text("requestingAgencyRequestId", required_since=V1_1)
    supplying_agency_request_id: str | None = declare_text("supplyingAgencyRequestId")
    authentication: Authentication | None = declare_structure(
        "requestingAgencyAuthentication", Authentication, until=V1_2
    )


@value_object(kw_only=True)
class RequesterHeader(Compound):
    """The header of a requesting agency's message."""

    supplying_agency: AgencyId | None = declare_structure("supplyingAgencyId", AgencyId, required_since=V1_1)
    requesting_agency: AgencyId | None = declare_structure("requestingAgencyId", AgencyId, required_since=V1_1)
    consortial_id: AgencyId | None = declare_structure("consortialId", AgencyId, since=V2021)
    multiple_item_request_id: str | None = declare_text(
        "multipleItemRequestId", since=V1_2, until=V1_2, required_since=V1_2, required_until=V1_2, allow_empty=True
    )
    timestamp: datetime | None = declare_moment("timestamp", required_since=V1_1)
    requesting_agency_request_id: str | None = declare_text("requestingAgencyRequestId", required_since=V1_1)
    supplying_agency_request_id: str | None = declare_text("supplyingAgencyRequestId")
    authentication: Authentication | None = declare_structure("requestingAgencyAuthentication", Authentication)


@value_object(kw_only=True)
class ConfirmationHeader(Compound):
    """`timestamp_received`: by the standard the timestamp of the message that is confirmed; some peers give the time at
    which it was received."""

    supplying_agency: AgencyId | None = declare_structure("supplyingAgencyId", AgencyId)
    requesting_agency: AgencyId | None = declare_structure("requestingAgencyId", AgencyId)
    timestamp: datetime | None = declare_moment("timestamp", required_since=V1_1)
    requesting_agency_request_id: str | None = declare_text("requestingAgencyRequestId")
    multiple_item_request_id: str | None = declare_text("multipleItemRequestId", since=V1_2, until=V1_2)
    timestamp_received: datetime | None = declare_moment("timestampReceived", required_since=V1_1)
    message_status: str | None = declare_word("messageStatus", MessageStatus, required_since=V1_1)


@value_object(kw_only=True)
class ErrorData(Compound):
    type: str | None = declare_word("errorType", ErrorType, required_since=V1_1)
    value: str | None = declare_text("errorValue")


# --- groups of a request ---------------------------------------------------------------------------------


@value_object(kw_only=True)
class ItemIdentifier(Compound):
    """An ISBN, ISSN …"""

    layouts: ClassVar[Mapping[SchemaVersion, tuple[str, ...]]] = {
        V1_1: ("bibliographicItemIdentifier", "bibliographicItemIdentifierCode"),
        V1_2: ("bibliographicItemIdentifier", "bibliographicItemIdentifierCode"),
    }

    code: OpenCode | None = declare_code(
        "bibliographicItemIdentifierCode", open_list="BibliographicItemIdentifierCode", required_since=V1_1
    )
    value: str | None = declare_text("bibliographicItemIdentifier", required_since=V1_1)


@value_object(kw_only=True)
class RecordIdentifier(Compound):
    """A number of the record in a catalogue or data base."""

    code: OpenCode | None = declare_code(
        "bibliographicRecordIdentifierCode", open_list="BibliographicRecordIdentifierCode", required_since=V1_1
    )
    value: str | None = declare_text("bibliographicRecordIdentifier", required_since=V1_1)


@value_object(kw_only=True)
class BibliographicInfo(Compound):
    supplier_unique_record_id: str | None = declare_text("supplierUniqueRecordId")
    title: str | None = declare_text("title")
    author: str | None = declare_text("author")
    author_id: str | None = declare_text("authorId", since=V2021)
    subtitle: str | None = declare_text("subtitle")
    series_title: str | None = declare_text("seriesTitle")
    edition: str | None = declare_text("edition")
    title_of_component: str | None = declare_text("titleOfComponent")
    author_of_component: str | None = declare_text("authorOfComponent")
    volumes: tuple[str, ...] = declare_text("volume", many_since=V2021)
    issue: str | None = declare_text("issue")
    pages_requested: str | None = declare_text("pagesRequested")
    estimated_pages: str | None = declare_text("estimatedNoPages")
    item_ids: tuple[ItemIdentifier, ...] = declare_structure("bibliographicItemId", ItemIdentifier, many_since=V1_1)
    sponsor: str | None = declare_text("sponsor")
    information_source: str | None = declare_text("informationSource")
    record_ids: tuple[RecordIdentifier, ...] = declare_structure(
        "bibliographicRecordId", RecordIdentifier, many_since=V1_1
    )


@value_object(kw_only=True)
class PublicationInfo(Compound):
    publisher: str | None = declare_text("publisher")
    publisher_id: str | None = declare_text("publisherId", since=V2021)
    type: OpenCode | None = declare_code("publicationType", open_list="PublicationType")
    date: str | None = declare_text("publicationDate")
    place: str | None = declare_text("placeOfPublication")


@value_object(kw_only=True)
class ServiceInfo(Compound):
    request_type: str | None = declare_word("requestType", RequestType)
    request_sub_types: tuple[str, ...] = declare_word("requestSubType", RequestSubType, since=V1_2, many_since=V1_2)
    previous_request_id: str | None = declare_text("requestingAgencyPreviousRequestId")
    service_type: str | None = declare_word("serviceType", ServiceType, required_since=V1_1)
    service_level: OpenCode | None = declare_code("serviceLevel", open_list="ServiceLevel")
    item_format: OpenCode | None = declare_code("itemFormat", older_name="preferredFormat", open_list="ItemFormat")
    need_before_date: datetime | None = declare_moment("needBeforeDate")
    copyright_compliance: OpenCode | None = declare_code("copyrightCompliance", open_list="CopyrightCompliance")
    any_edition: bool | None = declare_yes_no("anyEdition")
    preferred_edition: str | None = declare_word("preferredEdition", PreferredEdition, since=V2021)
    loan_conditions: tuple[OpenCode, ...] = declare_code(
        "loanCondition", open_list="LoanCondition", since=V2021, many_since=V2021
    )
    start_date: datetime | None = declare_moment("startDate", since=V1_2)
    end_date: datetime | None = declare_moment("endDate", since=V1_2)
    note: str | None = declare_text("note")


@value_object(kw_only=True)
class SupplierInfo(Compound):
    sort_order: int | None = declare_number("sortOrder")
    supplier: AgencyId | None = declare_structure("supplierCode", AgencyId)
    description: str | None = declare_text("supplierDescription")
    record_id: RecordIdentifier | None = declare_structure("bibliographicRecordId", RecordIdentifier)
    call_number: str | None = declare_text("callNumber")
    summary_holdings: str | None = declare_text("summaryHoldings")
    availability_note: str | None = declare_text("availabilityNote")


@value_object(kw_only=True)
class RequestedDeliveryInfo(Compound):
    sort_order: int | None = declare_number("sortOrder")
    address: Address | None = declare_structure("address", Address)
    delivery_method: OpenCode | None = declare_code("deliveryMethod", open_list="DeliveryMethod", since=V2021)
    courier_name: OpenCode | None = declare_code("courierName", open_list="CourierName", since=V2021)


@value_object(kw_only=True)
class RequestingAgencyInfo(Compound):
    name: str | None = declare_text("name")
    contact_name: str | None = declare_text("contactName")
    addresses: tuple[Address, ...] = declare_structure("address", Address, many_since=V1_1)


@value_object(kw_only=True)
class PatronInfo(Compound):
    patron_id: str | None = declare_text("patronId")
    surname: str | None = declare_text("surname")
    given_name: str | None = declare_text("givenName")
    patron_type: OpenCode | None = declare_code("patronType", open_list="PatronType")
    send_to_patron: bool | None = declare_yes_no("sendToPatron")
    addresses: tuple[Address, ...] = declare_structure("address", Address, many_since=V1_1)


@value_object(kw_only=True)
class BillingInfo(Compound):
    payment_method: OpenCode | None = declare_code("paymentMethod", open_list="PaymentMethod")
    maximum_costs: Costs | None = declare_structure("maximumCosts", Costs)
    billing_method: OpenCode | None = declare_code("billingMethod", open_list="BillingMethod")
    billing_name: str | None = declare_text("billingName")
    address: Address | None = declare_structure("address", Address)


# --- groups of a supplying agency's message --------------------------------------------------------------


@value_object(kw_only=True)
class MessageInfo(Compound):
    """`offered_costs`, `retry_after`, `retry_before`: where versions before 2021 have them. A message that was read has
    them in its RetryInfo, whatever its version."""

    reason_for_message: str | None = declare_word("reasonForMessage", ReasonForMessage, required_since=V1_1)
    answer: bool | None = declare_yes_no("answerYesNo")
    note: str | None = declare_text("note")
    reason_unfilled: OpenCode | None = declare_code("reasonUnfilled", open_list="ReasonUnfilled")
    reason_retry: OpenCode | None = declare_code("reasonRetry", open_list="ReasonRetry")
    offered_costs: Costs | None = declare_structure("offeredCosts", Costs, until=V1_2)
    retry_after: datetime | None = declare_moment("retryAfter", until=V1_2)
    retry_before: datetime | None = declare_moment("retryBefore", until=V1_2)


@value_object(kw_only=True)
class StatusInfo(Compound):
    status: str | None = declare_word("status", Status, required_since=V1_1)
    expected_delivery_date: datetime | None = declare_moment("expectedDeliveryDate")
    due_date: datetime | None = declare_moment("dueDate")
    last_change: datetime | None = declare_moment("lastChange", required_since=V1_1)


@value_object(kw_only=True)
class RetryInfo(Compound):
    loan_conditions: tuple[OpenCode, ...] = declare_code("loanCondition", open_list="LoanCondition", many_since=V2021)
    editions: tuple[str, ...] = declare_text("edition", many_since=V2021)
    item_formats: tuple[OpenCode, ...] = declare_code("itemFormat", open_list="ItemFormat", many_since=V2021)
    volumes: tuple[str, ...] = declare_text("volume", many_since=V2021)
    service_type: str | None = declare_word("serviceType", ServiceType)
    service_levels: tuple[OpenCode, ...] = declare_code("serviceLevel", open_list="ServiceLevel", many_since=V2021)
    delivery_methods: tuple[OpenCode, ...] = declare_code(
        "deliveryMethod", open_list="DeliveryMethod", many_since=V2021
    )
    courier_names: tuple[OpenCode, ...] = declare_code("courierName", open_list="CourierName", many_since=V2021)
    offered_costs: tuple[Costs, ...] = declare_structure("offeredCosts", Costs, many_since=V2021)
    payment_methods: tuple[OpenCode, ...] = declare_code("paymentMethod", open_list="PaymentMethod", many_since=V2021)
    retry_before: datetime | None = declare_moment("retryBefore")
    retry_after: datetime | None = declare_moment("retryAfter")


@value_object(kw_only=True)
class DeliveryInfo(Compound):
    date_sent: datetime | None = declare_moment("dateSent", required_since=V1_1)
    item_ids: tuple[str, ...] = declare_text("itemId", many_since=V2021)
    url: str | None = declare_text("URL", since=V2021)
    delivery_method: OpenCode | None = declare_code("deliveryMethod", older_name="sentVia", open_list="DeliveryMethod")
    address: Address | None = declare_structure("address", Address, since=V2021)
    sent_to_patron: bool | None = declare_boolean("sentToPatron")
    loan_conditions: tuple[OpenCode, ...] = declare_code("loanCondition", open_list="LoanCondition", many_since=V2021)
    item_format: OpenCode | None = declare_code("itemFormat", older_name="deliveredFormat", open_list="ItemFormat")
    service_type: str | None = declare_word("serviceType", ServiceType, since=V2021)
    delivery_costs: tuple[Costs, ...] = declare_structure("deliveryCosts", Costs, many_since=V2021)
    payment_method: OpenCode | None = declare_code("paymentMethod", open_list="PaymentMethod", since=V2021)


@value_object(kw_only=True)
class ShippingInfo(Compound):
    courier_name: OpenCode | None = declare_code("courierName", open_list="CourierName")
    tracking_ids: tuple[str, ...] = declare_text("trackingId", many_since=V2021)
    insurance: bool | None = declare_yes_no("insurance")
    insurance_third_party: bool | None = declare_yes_no("insuranceThirdParty")
    third_party_name: str | None = declare_text("thirdPartyName")
    insurance_costs: tuple[Costs, ...] = declare_structure("insuranceCosts", Costs, many_since=V2021)


@value_object(kw_only=True)
class ReturnInfo(Compound):
    agency: AgencyId | None = declare_structure("returnAgencyId", AgencyId)
    name: str | None = declare_text("name")
    physical_address: PhysicalAddress | None = declare_structure("physicalAddress", PhysicalAddress)
