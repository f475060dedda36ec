"""The six messages of ISO 18626: three that say something, and the confirmation of each."""

from __future__ import annotations

from adapters.iso18626.messages.codes import Action, ReasonForMessage
from adapters.iso18626.messages.declaration import (
    Compound,
    OpenCode,
    SchemaVersion,
    UnknownElement,
    declare_structure,
    declare_text,
    declare_word,
)
from adapters.iso18626.messages.structures import (
    BibliographicInfo,
    BillingInfo,
    ConfirmationHeader,
    DeliveryInfo,
    ErrorData,
    MessageInfo,
    PatronInfo,
    PublicationInfo,
    RequestedDeliveryInfo,
    RequesterHeader,
    RequestHeader,
    RequestingAgencyInfo,
    RetryInfo,
    ReturnInfo,
    ServiceInfo,
    ShippingInfo,
    StatusInfo,
    SupplierHeader,
    SupplierInfo,
)
from gateway.domain.value import value_object

V1_1, V2021 = SchemaVersion.V1_1, SchemaVersion.V2021


@value_object(kw_only=True)
class Request(Compound):
    header: RequestHeader | None = declare_structure("header", RequestHeader, required_since=V1_1)
    bibliographic_info: BibliographicInfo | None = declare_structure(
        "bibliographicInfo", BibliographicInfo, required_since=V1_1, allow_empty=True
    )
    publication_info: PublicationInfo | None = declare_structure("publicationInfo", PublicationInfo)
    service_info: ServiceInfo | None = declare_structure("serviceInfo", ServiceInfo, required_since=V2021)
    suppliers: tuple[SupplierInfo, ...] = declare_structure("supplierInfo", SupplierInfo, many_since=V1_1)
    requested_delivery: tuple[RequestedDeliveryInfo, ...] = declare_structure(
        "requestedDeliveryInfo", RequestedDeliveryInfo, many_since=V1_1
    )
    requesting_agency_info: RequestingAgencyInfo | None = declare_structure(
        "requestingAgencyInfo", RequestingAgencyInfo
    )
    patron_info: PatronInfo | None = declare_structure("patronInfo", PatronInfo)
    billing_info: BillingInfo | None = declare_structure("billingInfo", BillingInfo)


@value_object(kw_only=True)
class SupplyingAgencyMessage(Compound):
    header: SupplierHeader | None = declare_structure("header", SupplierHeader, required_since=V1_1)
    message_info: MessageInfo | None = declare_structure("messageInfo", MessageInfo, required_since=V1_1)
    status_info: StatusInfo | None = declare_structure("statusInfo", StatusInfo, required_since=V1_1)
    retry_info: RetryInfo | None = declare_structure("retryInfo", RetryInfo, since=V2021)
    delivery_info: DeliveryInfo | None = declare_structure("deliveryInfo", DeliveryInfo)
    shipping_info: ShippingInfo | None = declare_structure("shippingInfo", ShippingInfo, since=V2021)
    return_info: ReturnInfo | None = declare_structure("returnInfo", ReturnInfo)


@value_object(kw_only=True)
class RequestingAgencyMessage(Compound):
    header: RequesterHeader | None = declare_structure("header", RequesterHeader, required_since=V1_1)
    action: str | None = declare_word("action", Action, required_since=V1_1)
    note: str | None = declare_text("note")


@value_object(kw_only=True)
class RequestConfirmation(Compound):
    header: ConfirmationHeader | None = declare_structure("confirmationHeader", ConfirmationHeader, required_since=V1_1)
    errors: tuple[ErrorData, ...] = declare_structure("errorData", ErrorData, many_since=V2021)


@value_object(kw_only=True)
class SupplyingAgencyMessageConfirmation(Compound):
    header: ConfirmationHeader | None = declare_structure("confirmationHeader", ConfirmationHeader, required_since=V1_1)
    reason_for_message: str | None = declare_word("reasonForMessage", ReasonForMessage)
    errors: tuple[ErrorData, ...] = declare_structure("errorData", ErrorData, many_since=V2021)


@value_object(kw_only=True)
class RequestingAgencyMessageConfirmation(Compound):
    header: ConfirmationHeader | None = declare_structure("confirmationHeader", ConfirmationHeader, required_since=V1_1)
    action: str | None = declare_word("action", Action)
    errors: tuple[ErrorData, ...] = declare_structure("errorData", ErrorData, many_since=V2021)


Message = Request | SupplyingAgencyMessage | RequestingAgencyMessage
Confirmation = RequestConfirmation | SupplyingAgencyMessageConfirmation | RequestingAgencyMessageConfirmation
AnyMessage = Message | Confirmation

MESSAGES: dict[str, type[AnyMessage]] = {
    "request": Request,
    "requestConfirmation": RequestConfirmation,
    "supplyingAgencyMessage": SupplyingAgencyMessage,
    "supplyingAgencyMessageConfirmation": SupplyingAgencyMessageConfirmation,
    "requestingAgencyMessage": RequestingAgencyMessage,
    "requestingAgencyMessageConfirmation": RequestingAgencyMessageConfirmation,
}
"""Element name -> message."""

__all__ = [
    "MESSAGES",
    "AnyMessage",
    "Compound",
    "Confirmation",
    "Message",
    "OpenCode",
    "Request",
    "RequestConfirmation",
    "RequestingAgencyMessage",
    "RequestingAgencyMessageConfirmation",
    "SchemaVersion",
    "SupplyingAgencyMessage",
    "SupplyingAgencyMessageConfirmation",
    "UnknownElement",
]
